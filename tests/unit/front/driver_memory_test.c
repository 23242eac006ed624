/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of a driver in a program, and that of a program under a driver.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver_rig.h"
#include "lib/machine.h"

static int map_file(struct rig *rig, int fd, uint64_t offset, size_t len,
		    char **ret_mem)
{
	void *addr = NULL;
	int ret = uvfio_mmap(rig->machine, fd, offset, len,
			     PROT_READ | PROT_WRITE, MAP_SHARED, &addr);

	*ret_mem = addr;
	return ret;
}

static void test_memory_of_a_driver_is_mapped_page_by_page(void **state)
{
	char *mem, *other, text[8];
	void *none;
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &mapped_ops);
	rig.thing.memory = memfd_create("thing", MFD_CLOEXEC);
	assert_int_equal(ftruncate(rig.thing.memory, MEMORY_SIZE), 0);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_true(fd >= 0);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, MEMORY_SIZE, &mem), 0);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT + PAGE, 1, &other), 0);
	strcpy(mem, "first");
	strcpy(mem + PAGE, "second");
	assert_string_equal(other, "second");
	assert_int_equal(pread(rig.thing.memory, text, 8, 2 * PAGE), 8);
	assert_string_equal(text, "first");
	assert_int_equal(munmap(mem, MEMORY_SIZE), 0);
	assert_int_equal(munmap(other, PAGE), 0);

	assert_int_equal(map_file(&rig, fd, 0, PAGE, &mem), -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, 4 * PAGE, &mem),
			 -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT + 1, PAGE, &mem),
			 -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, 0, &mem), -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, SIZE_MAX, &mem),
			 -EINVAL);
	assert_int_equal(uvfio_mmap(rig.machine, fd, MEMORY_AT, PAGE, PROT_READ,
				    MAP_PRIVATE, &none),
			 -EACCES);
	assert_int_equal(map_file(&rig, rig.group, 0, PAGE, &mem), -ENODEV);
	assert_int_equal(map_file(&rig, 9999, 0, PAGE, &mem), -EBADF);
	/* A driver may have none for a page by now. */
	close(rig.thing.memory);
	rig.thing.memory = -EIO;
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, PAGE, &mem), -EIO);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

static void test_what_cannot_be_mapped_says_why(void **state)
{
	struct uvfio_machine *machine = machine_create(false);
	struct opened opened = machine_open(machine);
	struct rig rig;
	void *mem;
	char *none;
	int fd;

	(void)state;
	/* Registers of edu; nothing of a driver that has no such call. */
	assert_int_equal(uvfio_mmap(machine, opened.device, 0, PAGE, PROT_READ,
				    MAP_SHARED, &mem),
			 -EOPNOTSUPP);
	uvfio_machine_destroy(machine);
	rig_create(&rig, &bare_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(map_file(&rig, fd, 0, PAGE, &none), -EINVAL);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

static void map(struct rig *rig, uint8_t *memory, uint64_t size)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = size,
	};

	must_ioctl(rig->machine, rig->container, VFIO_IOMMU_MAP_DMA,
		   (uintptr_t)&arg);
}

static void unmap(struct rig *rig, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = IOVA,
		.size = size,
	};

	must_ioctl(rig->machine, rig->container, VFIO_IOMMU_UNMAP_DMA,
		   (uintptr_t)&arg);
	assert_int_equal(arg.size, size);
}

/* Shows N6, V64. */
static void test_pages_are_pinned_while_the_device_is_open(void **state)
{
	uint8_t *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[513];
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	map(&rig, memory, 2 * PAGE);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 1,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 0,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 513,
					 UVFIO_PROT_READ, pages),
			 -E2BIG);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 3,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA + PAGE, 1,
					 UVFIO_PROT_READ | UVFIO_PROT_WRITE,
					 pages),
			 1);
	assert_ptr_equal(pages[0], memory + PAGE);
	rig.thing.pinned = IOVA + PAGE;
	unmap(&rig, 2 * PAGE);
	assert_int_equal(atomic_load(&rig.thing.unmaps), 1);
	assert_int_equal(rig.thing.unmap_iova, IOVA);
	assert_int_equal(rig.thing.unmap_len, 2 * PAGE);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
	munmap(memory, 2 * PAGE);
}

/* Shows N6, V64. In an iommufd. */
static void test_pages_are_pinned_in_an_iommufd(void **state)
{
	uint8_t *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[1];
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group_in(&rig, "/dev/iommu");
	map(&rig, memory, 2 * PAGE);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA + PAGE, 1,
					 UVFIO_PROT_WRITE, pages),
			 1);
	assert_ptr_equal(pages[0], memory + PAGE);
	rig.thing.pinned = IOVA + PAGE;
	unmap(&rig, 2 * PAGE);
	assert_int_equal(atomic_load(&rig.thing.unmaps), 1);
	assert_int_equal(rig.thing.unmap_iova, IOVA);
	assert_int_equal(rig.thing.unmap_len, 2 * PAGE);
	/* The last close takes the device out of all of the space. */
	must_close(rig.machine, fd);
	assert_int_equal(atomic_load(&rig.thing.unmaps), 2);
	assert_int_equal(rig.thing.unmap_iova, 0);
	assert_true(rig.thing.unmap_len == UINT64_MAX);
	rig_destroy(&rig);
	munmap(memory, 2 * PAGE);
}

/* Shows V64. */
static void test_copies_need_an_open_device(void **state)
{
	uint8_t *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[8] = "copied";
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	map(&rig, memory, PAGE);
	assert_int_equal(uvfio_dma_rw(rig.thing.device, IOVA, text, 8, true),
			 -EINVAL);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(
		uvfio_dma_rw(rig.thing.device, IOVA + 8, text, 0, true),
		-EINVAL);
	assert_int_equal(
		uvfio_dma_rw(rig.thing.device, IOVA + 8, text, 8, true), 0);
	assert_string_equal((char *)memory + 8, "copied");
	assert_int_equal(
		uvfio_dma_rw(rig.thing.device, IOVA + PAGE - 4, text, 8, false),
		-EINVAL);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
	munmap(memory, PAGE);
}

/* Shows V64. Nobody could ask for the pages back. */
static void test_without_dma_unmap_nothing_is_pinned(void **state)
{
	struct uvfio_vfio_ops ops = full_ops;
	uint8_t *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[8] = "copied";
	void *pages[1];
	struct rig rig;
	int fd;

	(void)state;
	ops.dma_unmap = NULL;
	rig_create(&rig, &ops);
	rig_open_group(&rig);
	map(&rig, memory, PAGE);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 1,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	/* Copies need no pages to stay. */
	assert_int_equal(uvfio_dma_rw(rig.thing.device, IOVA, text, 8, true),
			 0);
	assert_string_equal((char *)memory, "copied");
	must_close(rig.machine, fd);
	rig_destroy(&rig);
	munmap(memory, PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_memory_of_a_driver_is_mapped_page_by_page),
		cmocka_unit_test(test_what_cannot_be_mapped_says_why),
		cmocka_unit_test(
			test_pages_are_pinned_while_the_device_is_open),
		cmocka_unit_test(test_pages_are_pinned_in_an_iommufd),
		cmocka_unit_test(test_copies_need_an_open_device),
		cmocka_unit_test(test_without_dma_unmap_nothing_is_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
