/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA of edu through the container's mappings; edu drives 28 address bits. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define R      VFIO_DMA_MAP_FLAG_READ
#define W      VFIO_DMA_MAP_FLAG_WRITE
#define RW     (R | W)
#define A      0x100000ull
#define MASTER 0x4
#define IRQ    4 /* of the command: interrupt when done */
#define LEN    256u

static struct session master(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	cfg_command(s.device, 0, MASTER);
	return s;
}

static void fill(void *at, size_t len, unsigned int seed)
{
	unsigned char *p = at;

	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(i * 7 + seed);
}

static int filled(const void *at, size_t len, unsigned int seed)
{
	const unsigned char *p = at;

	for (size_t i = 0; i < len; i++)
		if (p[i] != (unsigned char)(i * 7 + seed))
			return 0;
	return 1;
}

static void to_device(int device, uint64_t iova, uint32_t len)
{
	need(!edu_dma(device, iova, EDU_DMA_BUF, len, 0), "dma-in");
}

static void from_device(int device, uint64_t iova, uint32_t len)
{
	need(!edu_dma(device, EDU_DMA_BUF, iova, len, 2), "dma-out");
}

/*
 * QEMU's edu takes all but the last byte of its buffer to be in range, and
 * stops the machine otherwise: so 4095 bytes are the most.
 */

/* Puts a known pattern into the device by way of a page of its own. */
static void load_device(const struct session *s, unsigned int seed)
{
	unsigned char *p = pages(1);
	uint64_t size = PAGE;

	fill(p, PAGE, seed);
	need(!dma_map(s->container, RW, p, 0x8000000, PAGE), "map-load");
	to_device(s->device, 0x8000000, PAGE - 1);
	need(!dma_unmap(s->container, 0, 0x8000000, &size), "unmap-load");
}

static void both_ways(void)
{
	struct session s = master();
	unsigned char *p = pages(2);

	fill(p, LEN, 1);
	need(!dma_map(s.container, RW, p, A, 2 * PAGE), "map");
	to_device(s.device, A, LEN);
	from_device(s.device, A + PAGE, LEN);
	result(filled(p + PAGE, LEN, 1));
	value("beyond", p[PAGE + LEN]);
}

static void of_length(long len)
{
	struct session s = master();
	unsigned char *p = pages(2);

	load_device(&s, 9);
	need(!dma_map(s.container, RW, p, A, 2 * PAGE), "map");
	from_device(s.device, A + 3, (uint32_t)len);
	result(filled(p + 3, (size_t)len, 9));
	value("before", p[2]);
	value("behind", p[3 + len]);
}

static void at_iova_zero(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 2);
	need(!dma_map(s.container, RW, p, 0, PAGE), "map");
	from_device(s.device, 0, LEN);
	result(filled(p, LEN, 2));
}

/* Shows M69. */
static void over_two_mappings(void)
{
	struct session s = master();
	unsigned char *p = pages(1), *q = pages(1);

	load_device(&s, 3);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	need(!dma_map(s.container, RW, q, A + PAGE, PAGE), "map");
	from_device(s.device, A + PAGE - 128, LEN);
	result(filled(p + PAGE - 128, 128, 3));
	value("second", q[0] == (unsigned char)(128 * 7 + 3));
}

/* Shows M16. */
static void the_same_memory_at_two_iovas(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 4);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	need(!dma_map(s.container, RW, p, 4 * A, PAGE), "map");
	from_device(s.device, A, LEN);
	to_device(s.device, 4 * A, LEN);
	memset(p, 0, LEN);
	from_device(s.device, A, LEN);
	result(filled(p, LEN, 4));
}

/* Shows M68. */
static void into_read_mapping_is_refused(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 5);
	need(!dma_map(s.container, R, p, A, PAGE), "map");
	from_device(s.device, A, LEN);
	result(p[0] | p[LEN - 1]);
}

static void from_read_mapping(void)
{
	struct session s = master();
	unsigned char *p = pages(1), *q = pages(1);

	fill(p, LEN, 6);
	need(!dma_map(s.container, R, p, A, PAGE), "map");
	need(!dma_map(s.container, RW, q, A + PAGE, PAGE), "map");
	to_device(s.device, A, LEN);
	from_device(s.device, A + PAGE, LEN);
	result(filled(q, LEN, 6));
}

static void into_write_mapping(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 7);
	need(!dma_map(s.container, W, p, A, PAGE), "map");
	from_device(s.device, A, LEN);
	result(filled(p, LEN, 7));
}

/* Whether the device sees what it may only write. */
/* Shows M68. */
static void from_write_mapping(void)
{
	struct session s = master();
	unsigned char *p = pages(1), *q = pages(1);

	load_device(&s, 8);
	fill(p, LEN, 80);
	need(!dma_map(s.container, W, p, A, PAGE), "map");
	need(!dma_map(s.container, RW, q, A + PAGE, PAGE), "map");
	to_device(s.device, A, LEN);
	from_device(s.device, A + PAGE, LEN);
	result(filled(q, LEN, 80));
}

/* Shows M73, V65. */
static void without_bus_master_moves_nothing(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 10);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	cfg_command(s.device, MASTER, 0);
	from_device(s.device, A, LEN);
	result(p[0] | p[LEN - 1]);
	cfg_command(s.device, 0, MASTER);
	from_device(s.device, A, LEN);
	value("then", filled(p, LEN, 10));
}

static void bus_master_is_off_at_open(void)
{
	struct session s = session_device();
	unsigned char *p = pages(1);

	edu_quiet(s.device);
	memset(p, 0xa5, PAGE);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	from_device(s.device, A, LEN);
	result(p[0] == 0xa5 && p[LEN - 1] == 0xa5);
}

static void to_nowhere_leaves_memory_alone(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 11);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	from_device(s.device, 2 * A, LEN);
	result(p[0] | p[LEN - 1]);
	from_device(s.device, A, LEN);
	value("then", filled(p, LEN, 11));
}

/* Shows M69. */
static void stops_at_the_end_of_the_mapping(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 12);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	from_device(s.device, A + PAGE - 128, LEN);
	result(filled(p + PAGE - 128, 128, 12));
}

/* Shows M24. */
static void after_unmap_moves_nothing(void)
{
	struct session s = master();
	unsigned char *p = pages(1);
	uint64_t size = PAGE;

	load_device(&s, 13);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	need(!dma_unmap(s.container, 0, A, &size), "unmap");
	memset(p, 0xa5, PAGE);
	from_device(s.device, A, LEN);
	result(p[0] == 0xa5 && p[LEN - 1] == 0xa5);
}

/* Shows M77. */
static void after_remap_hits_the_new_memory(void)
{
	struct session s = master();
	unsigned char *p = pages(1), *q = pages(1);
	uint64_t size = PAGE;

	load_device(&s, 14);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	from_device(s.device, A, 16);
	need(!dma_unmap(s.container, 0, A, &size), "unmap");
	need(!dma_map(s.container, RW, q, A, PAGE), "map");
	memset(p, 0, 16);
	from_device(s.device, A, LEN);
	result(filled(q, LEN, 14));
	value("old", p[0] | p[15]);
}

/* The device keeps the pages that were there when they were mapped. */
static void outlives_munmap(void)
{
	int fd = memfd_create("memory", 0);
	struct session s = master();
	unsigned char *p;

	need(fd >= 0 && !ftruncate(fd, PAGE), "memfd");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED, "mmap");
	load_device(&s, 15);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	munmap(p, PAGE);
	from_device(s.device, A, LEN);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED, "mmap");
	result(filled(p, LEN, 15));
}

static void keeps_the_old_page_when_memory_is_replaced(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 16);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	need(mmap(p, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p,
	     "mmap");
	memset(p, 0xa5, PAGE);
	from_device(s.device, A, LEN);
	result(p[0] == 0xa5);
}

static void invalid_vaddr_does_not_stop_it(void)
{
	struct session s = master();
	unsigned char *p = pages(1);
	uint64_t size = PAGE;

	load_device(&s, 17);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	need(!dma_unmap(s.container, VFIO_DMA_UNMAP_FLAG_VADDR, A, &size),
	     "invalidate");
	from_device(s.device, A, LEN);
	result(filled(p, LEN, 17));
}

static void goes_on_when_container_and_group_are_closed(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 18);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	close(s.container);
	close(s.group);
	from_device(s.device, A, LEN);
	result(filled(p, LEN, 18));
}

static void of_the_second_device(void)
{
	struct session s = master(), t;
	unsigned char *p = pages(1);

	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	t = session_second(&s);
	t.device = device_open(t.group, 1);
	need(t.device >= 0, "get-device-fd-2");
	edu_quiet(t.device);
	cfg_command(t.device, 0, MASTER);
	load_device(&t, 19);
	from_device(t.device, A, LEN);
	result(filled(p, LEN, 19));
}

/* Shows M38. */
static void ends_when_the_group_leaves(void)
{
	struct session s = master();
	unsigned char *p = pages(1);

	load_device(&s, 20);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	close(s.device);
	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	need(!group_attach(s.group, s.container), "set-container");
	need(!ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
	     "set-iommu");
	s.device = device_open(s.group, 0);
	cfg_command(s.device, 0, MASTER);
	from_device(s.device, A, LEN);
	result(p[0] | p[LEN - 1]);
}

static void done_interrupt_by(uint32_t index)
{
	struct session s = master();
	int fd = event_fd();

	need(!irq_trigger_fd(s.device, index, fd), "enable");
	need(!dma_map(s.container, RW, pages(1), A, PAGE), "map");
	need(!edu_dma(s.device, EDU_DMA_BUF, A, LEN, 2 | IRQ), "dma");
	result(events(fd));
	hex("cause", edu_read(s.device, EDU_IRQ));
}

static void done_interrupts_by_intx(void)
{
	done_interrupt_by(VFIO_PCI_INTX_IRQ_INDEX);
}

static void done_interrupts_by_msi(void)
{
	done_interrupt_by(VFIO_PCI_MSI_IRQ_INDEX);
}

static void of_v1_container(void)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);
	unsigned char *p = pages(1);

	s.device = device_open(s.group, 0);
	need(s.device >= 0, "get-device-fd");
	edu_quiet(s.device);
	cfg_command(s.device, 0, MASTER);
	load_device(&s, 21);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	from_device(s.device, A, LEN);
	result(filled(p, LEN, 21));
}

static void registers_are_locked_while_busy(void)
{
	struct session s = master();
	uint32_t len = 0, command = 0;

	need(!dma_map(s.container, RW, pages(1), A, PAGE), "map");
	/* A transfer takes 100 ms; a slow machine may need another try. */
	for (int i = 0; i < 20 && !(command & 1); i++) {
		edu_quiet(s.device);
		edu_write(s.device, EDU_DMA_SRC, EDU_DMA_BUF);
		edu_write(s.device, EDU_DMA_DST, (uint32_t)A);
		edu_write(s.device, EDU_DMA_LEN, 16);
		edu_write(s.device, EDU_DMA_CMD, 3);
		edu_write(s.device, EDU_DMA_LEN, 32);
		len = edu_read(s.device, EDU_DMA_LEN);
		command = edu_read(s.device, EDU_DMA_CMD);
	}
	result(len);
	hex("command", command);
	edu_quiet(s.device);
	hex("done", edu_read(s.device, EDU_DMA_CMD));
}

static void shared_file_memory(void)
{
	int fd = memfd_create("memory", 0);
	struct session s = master();
	unsigned char *p, got[LEN];

	need(fd >= 0 && !ftruncate(fd, PAGE), "memfd");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED, "mmap");
	load_device(&s, 22);
	need(!dma_map(s.container, RW, p, A, PAGE), "map");
	from_device(s.device, A, LEN);
	result(filled(p, LEN, 22));
	need(pread(fd, got, LEN, 0) == LEN, "pread");
	value("file", filled(got, LEN, 22));
}

static const struct conf_case cases[] = {
	CASE(both_ways),
	RANGE(of_length, 1, 4, 1),
	RANGE(of_length, 4093, 4095, 2),
	CASE(at_iova_zero),
	CASE(over_two_mappings),
	CASE(the_same_memory_at_two_iovas),
	CASE(into_read_mapping_is_refused),
	CASE(from_read_mapping),
	CASE(into_write_mapping),
	CASE(from_write_mapping),
	CASE(without_bus_master_moves_nothing),
	CASE(bus_master_is_off_at_open),
	CASE(to_nowhere_leaves_memory_alone),
	CASE(stops_at_the_end_of_the_mapping),
	CASE(after_unmap_moves_nothing),
	CASE(after_remap_hits_the_new_memory),
	CASE(outlives_munmap),
	CASE(keeps_the_old_page_when_memory_is_replaced),
	CASE(invalid_vaddr_does_not_stop_it),
	CASE(goes_on_when_container_and_group_are_closed),
	CASE(of_the_second_device),
	CASE(ends_when_the_group_leaves),
	CASE(done_interrupts_by_intx),
	CASE(done_interrupts_by_msi),
	CASE(of_v1_container),
	CASE(registers_are_locked_while_busy),
	CASE(shared_file_memory),
};

TABLE(table_dma, "dma", cases);
