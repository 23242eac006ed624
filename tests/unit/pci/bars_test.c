/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions: what is said about them, the pieces an access is cut into, pages
 * of each kind, and mappings that are taken away.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci/handlers.h"
#include "rig.h"

static long region_info(struct rig *rig, uint32_t index, uint32_t argsz,
			struct vfio_region_info *info)
{
	long ret;

	memset(client_at(rig, SCRATCH), 0xa5, 128);
	memset(info, 0xa5, sizeof(*info));
	info->argsz = argsz;
	info->index = index;
	memcpy(client_at(rig, SCRATCH), info, sizeof(*info));
	ret = rig->pci->vfio.ops->get_region_info(&rig->pci->vfio,
						  &rig->client.caller, SCRATCH);
	memcpy(info, client_at(rig, SCRATCH), sizeof(*info));
	return ret;
}

/* Shows V6, V7. */
static void info_describes_every_region(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t size;
	} want[] = {{15, 0x10000}, {0, 0}, {3, 32}, {7, 256},
		    {7, 0x2000},   {0, 0}, {0, 0},  {3, 4096}};
	struct rig *rig = rig_create(&model_full, NULL, false);
	struct vfio_region_info info;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(region_info(rig, i, 64, &info), 0);
		assert_int_equal(info.flags, want[i].flags);
		assert_int_equal(info.size, want[i].size);
		assert_int_equal(info.offset, REGION(i));
		assert_int_equal(info.argsz, 64);
		assert_int_equal(info.cap_offset, i ? 0xa5a5a5a5 : 32);
	}
	assert_int_equal(region_info(rig, 8, 64, &info), -EINVAL);
	assert_int_equal(info.flags, 0xa5a5a5a5);
	assert_int_equal(region_info(rig, 9, 64, &info), -EINVAL);
	assert_int_equal(region_info(rig, UINT32_MAX, 64, &info), -EINVAL);
	assert_int_equal(region_info(rig, 0, 31, &info), -EINVAL);
	assert_int_equal(
		rig->pci->vfio.ops->get_region_info(
			&rig->pci->vfio, &rig->client.caller, UNMAPPED),
		-EFAULT);
	rig_destroy(rig);
}

/* Shows V8. */
static void capability_chain_needs_room(void **state)
{
	static const uint8_t chain[8] = {3, 0, 1, 0, 0, 0, 0, 0};
	struct rig *rig = rig_create(&model_full, NULL, false);
	struct vfio_region_info info;

	(void)state;
	for (uint32_t argsz = 32; argsz < 40; argsz++) {
		assert_int_equal(region_info(rig, 0, argsz, &info), 0);
		assert_int_equal(info.argsz, 40);
		assert_int_equal(info.cap_offset, 0);
		assert_int_equal(info.flags, 15);
		assert_int_equal(*(uint8_t *)client_at(rig, SCRATCH + 32),
				 0xa5);
	}
	assert_int_equal(region_info(rig, 0, 40, &info), 0);
	assert_int_equal(info.cap_offset, 32);
	assert_memory_equal(client_at(rig, SCRATCH + 32), chain, 8);
	rig_destroy(rig);
}

/* Flips device_info_copies_any_length. */
static void device_info_has_the_length_of_the_profile(void **state)
{
	static const char *const profiles[] = {"6.6", "6.1"};
	static const uint32_t copied[2][5] = {{16, 19, 20, 23, 24},
					      {16, 16, 20, 20, 20}};
	static const uint32_t argsz[5] = {16, 19, 20, 23, 64};

	(void)state;
	for (int p = 0; p < 2; p++) {
		struct rig *rig = rig_create(&model_full, profiles[p], false);
		uint8_t *at = client_at(rig, SCRATCH);

		for (int i = 0; i < 5; i++) {
			uint32_t n = 0;

			memset(at, 0xa5, 64);
			memcpy(at, &argsz[i], 4);
			assert_int_equal(rig->pci->vfio.ops->get_info(
						 &rig->pci->vfio,
						 &rig->client.caller, SCRATCH),
					 0);
			assert_int_equal(at[4], 3);
			assert_int_equal(at[8], 9);
			assert_int_equal(at[12], 5);
			while (at[n] != 0xa5)
				n++;
			assert_int_equal(n, copied[p][i]);
		}
		memset(at, 15, 1);
		memset(at + 1, 0, 3);
		assert_int_equal(
			rig->pci->vfio.ops->get_info(
				&rig->pci->vfio, &rig->client.caller, SCRATCH),
			-EINVAL);
		rig_destroy(rig);
	}
}

/* The pieces of one access, as the model saw them. */
static void expect_pieces(struct rig *rig, uint64_t off, size_t len,
			  const size_t *sizes)
{
	uint8_t buf[64];
	size_t i;

	probe_clear(rig->probe);
	assert_int_equal(rig_read(rig, REGION(0) + off, buf, len), len);
	for (i = 0; sizes[i]; i++) {
		assert_int_equal(rig->probe->log[i].off, off);
		assert_int_equal(rig->probe->log[i].len, sizes[i]);
		off += sizes[i];
	}
	assert_int_equal(rig->probe->accesses, i);
}

/*
 * Flips bar_access_max.
 *
 * Shows V48.
 */
static void accesses_are_cut_into_aligned_pieces(void **state)
{
	struct rig *now = rig_create(&model_full, "6.12", false);
	struct rig *old = rig_create(&model_full, "6.6", false);

	(void)state;
	expect_pieces(now, 1, 7, (const size_t[]){1, 2, 4, 0});
	expect_pieces(now, 8, 8, (const size_t[]){8, 0});
	expect_pieces(now, 4, 12, (const size_t[]){4, 8, 0});
	expect_pieces(now, 3, 18, (const size_t[]){1, 4, 8, 4, 1, 0});
	expect_pieces(old, 8, 8, (const size_t[]){4, 4, 0});
	expect_pieces(old, 1, 7, (const size_t[]){1, 2, 4, 0});
	rig_destroy(now);
	rig_destroy(old);
}

static void widths_the_model_lacks_do_not_reach_it(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint64_t value = 0;

	(void)state;
	/* BAR 3 knows 4 bytes only. */
	assert_int_equal(rig_read(rig, REGION(3) + 1, &value, 3), 3);
	assert_int_equal(value, 0x777777);
	assert_int_equal(rig_write(rig, REGION(3), &value, 2), 2);
	assert_int_equal(rig->probe->accesses, 0);
	assert_int_equal(rig_read(rig, REGION(3), &value, 8), 8);
	assert_int_equal(rig->probe->accesses, 2);
	assert_int_equal(rig->probe->log[1].len, 4);
	assert_int_equal(rig->probe->log[1].off, 4);
	/* What the model refuses. */
	rig->probe->fail = -EINVAL;
	assert_int_equal(rig_read(rig, REGION(3), &value, 4), 4);
	assert_int_equal((uint32_t)value, 0xffffffff);
	assert_int_equal(rig_write(rig, REGION(3), &value, 4), 4);
	rig_destroy(rig);
}

/* Shows V48. */
static void ends_and_absent_regions(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	const struct uvf_device_ops *ops = rig->pci->vfio.ops;
	uint8_t buf[64] = {0};

	(void)state;
	assert_int_equal(rig_read(rig, REGION(3) + 252, buf, 8), 4);
	assert_int_equal(rig_write(rig, REGION(3) + 252, buf, 8), 4);
	assert_int_equal(rig_read(rig, REGION(3) + 256, buf, 1), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(1), buf, 1), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(5), buf, 1), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(6), buf, 1), -EINVAL);
	assert_int_equal(rig_write(rig, REGION(6), buf, 1), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(8), buf, 1), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(9), buf, 1), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(9), buf, 0), 0);
	assert_int_equal(ops->read(&rig->pci->vfio, &rig->client.caller,
				   UNMAPPED, 4, REGION(0)),
			 -EFAULT);
	assert_int_equal(ops->write(&rig->pci->vfio, &rig->client.caller,
				    UNMAPPED, 4, REGION(0)),
			 -EFAULT);
	/* Memory that ends inside of an access: what was before it counts. */
	memset(client_at(rig, CLIENT_BASE + CLIENT_SIZE - 4), 0x3c, 4);
	assert_int_equal(ops->write(&rig->pci->vfio, &rig->client.caller,
				    CLIENT_BASE + CLIENT_SIZE - 4, 8,
				    REGION(0) + 4),
			 -EFAULT);
	assert_int_equal(rig->probe->regs[4], 0x3c);
	assert_int_equal(rig->probe->regs[8], 0);
	/* A whole BAR at once. */
	probe_clear(rig->probe);
	assert_int_equal(
		rig_read(rig, REGION(4), client_at(rig, SCRATCH), 0x2000),
		0x2000);
	assert_int_equal(rig->probe->accesses, 0x2000 / 4);
	rig_destroy(rig);
}

/* Shows V9, V36. */
static void decode_gates_memory_but_not_ports(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	struct uvf_page page;
	uint32_t value = 0x11223344;

	(void)state;
	cfg_set(rig, 4, 2, 0);
	assert_int_equal(rig_read(rig, REGION(0), &value, 4), -EIO);
	assert_int_equal(rig_write(rig, REGION(0), &value, 4), -EIO);
	assert_int_equal(rig_read(rig, REGION(0) + 0x10000, &value, 4),
			 -EINVAL);
	probe_clear(rig->probe);
	assert_int_equal(rig_read(rig, REGION(2), &value, 4), 4);
	assert_int_equal(value, 0xffffffff);
	assert_int_equal(rig->probe->accesses, 0);
	assert_false(pci_mmio(&rig->pci->vfio, REGION(0), &value, 4, false));
	pci_fault(&rig->pci->vfio, REGION(0) + 0x4000, &page);
	assert_int_equal(page.kind, UVF_PAGE_SIGBUS);
	cfg_set(rig, 4, 2, 3);
	value = 0x11223344;
	assert_int_equal(rig_write(rig, REGION(2), &value, 4), 4);
	assert_int_equal(rig_read(rig, REGION(2), &value, 4), 4);
	assert_int_equal(value, 0x11223344);
	assert_true(pci_mmio(&rig->pci->vfio, REGION(0), &value, 4, false));
	rig_destroy(rig);
}

/* Shows V50. */
static void mmap_is_checked(void **state)
{
	static const struct {
		uint64_t pos, len;
		int flags, ret;
	} cases[] = {
		{REGION(0), 0x10000, MAP_SHARED, 0},
		{REGION(0), 0x10000, MAP_SHARED_VALIDATE, 0},
		{REGION(0) + 0x4000, 0x1000, MAP_SHARED, 0},
		{REGION(0), 0x11000, MAP_SHARED, -EINVAL},
		{REGION(0) + 0x10000, 0x1000, MAP_SHARED, -EINVAL},
		{REGION(0) + 0xf000, 0x2000, MAP_SHARED, -EINVAL},
		{REGION(0), 0x1000, MAP_PRIVATE, -EINVAL},
		{REGION(1), 0x1000, MAP_SHARED, -EINVAL},
		{REGION(2), 0x1000, MAP_SHARED, -EINVAL},
		{REGION(3), 0x1000, MAP_SHARED, 0},
		{REGION(3), 0x2000, MAP_SHARED, -EINVAL},
		{REGION(6), 0x1000, MAP_SHARED, -EINVAL},
		{REGION(7), 0x1000, MAP_SHARED, -EINVAL},
		{REGION(8), 0x1000, MAP_SHARED, -EINVAL},
		{REGION(9), 0x1000, MAP_SHARED, -EINVAL},
	};
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	for (int on = 1; on >= 0; on--) {
		cfg_set(rig, 4, 2, on ? 2 : 0);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			assert_int_equal(pci_mmap(&rig->pci->vfio, cases[i].pos,
						  cases[i].len, PROT_READ,
						  cases[i].flags),
					 cases[i].ret);
	}
	rig_destroy(rig);
}

static void pages_have_their_kinds(void **state)
{
	static const struct {
		uint64_t off, first, size;
		int kind, spinning;
	} cases[] = {
		{0x0000, 0x0000, 0x4000, UVF_PAGE_TRAP, UVF_PAGE_TRAP},
		{0x3fff, 0x0000, 0x4000, UVF_PAGE_TRAP, UVF_PAGE_TRAP},
		{0x4000, 0x4000, 0x2000, UVF_PAGE_MEMORY, UVF_PAGE_MEMORY},
		{0x5123, 0x4000, 0x2000, UVF_PAGE_MEMORY, UVF_PAGE_MEMORY},
		{0x6000, 0x6000, 0x1000, UVF_PAGE_TRAP, UVF_PAGE_MEMORY},
		{0x7000, 0x7000, 0x1000, UVF_PAGE_TRAP, UVF_PAGE_TRAP},
		{0x8000, 0x8000, 0x3000, UVF_PAGE_MIRROR, UVF_PAGE_MIRROR},
		{0xa000, 0x8000, 0x3000, UVF_PAGE_MIRROR, UVF_PAGE_MIRROR},
		{0xb000, 0xb000, 0x1000, UVF_PAGE_TRAP, UVF_PAGE_TRAP},
		{0xc000, 0xc000, 0x4000, UVF_PAGE_TRAP, UVF_PAGE_TRAP},
	};

	(void)state;
	for (int spin = 0; spin < 2; spin++) {
		struct rig *rig = rig_create(&model_full, NULL, spin);
		struct uvf_page page;

		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			pci_fault(&rig->pci->vfio, REGION(0) + cases[i].off,
				  &page);
			assert_int_equal(page.kind, spin ? cases[i].spinning
							 : cases[i].kind);
			assert_int_equal(page.first, cases[i].first);
			assert_int_equal(page.size, cases[i].size);
		}
		pci_fault(&rig->pci->vfio, REGION(3), &page);
		assert_int_equal(page.kind, UVF_PAGE_TRAP);
		assert_int_equal(page.first, REGION(3));
		assert_int_equal(page.size, 0x1000);
		pci_fault(&rig->pci->vfio, REGION(0) + 0x10000, &page);
		assert_int_equal(page.kind, UVF_PAGE_SIGBUS);
		rig_destroy(rig);
	}
}

static void memory_is_shared_and_doorbells_ring(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint64_t *ram = uvfio_mem(&rig->pci->model, 0, 0x4008);
	uint64_t *bell = uvfio_mem(&rig->pci->model, 0, 0x6000);
	uint64_t value = 0x1122334455667788;

	(void)state;
	probe_clear(rig->probe);
	assert_int_equal(rig_write(rig, REGION(0) + 0x4008, &value, 8), 8);
	assert_int_equal(*ram, value);
	*ram = 7;
	assert_int_equal(rig_read(rig, REGION(0) + 0x4008, &value, 8), 8);
	assert_int_equal(value, 7);
	assert_int_equal(rig->probe->accesses, 0);
	assert_int_equal(rig->probe->polls, 0);
	/* poll() runs until it has nothing to do. */
	rig->probe->kept_busy = 3;
	assert_true(
		pci_mmio(&rig->pci->vfio, REGION(0) + 0x6000, &value, 4, true));
	assert_int_equal(rig->probe->polls, 4);
	assert_int_equal(*(uint32_t *)bell, 7);
	assert_null(uvfio_mem(&rig->pci->model, 2, 0));
	rig_destroy(rig);
}

static sigjmp_buf touched;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(touched, 1);
}

static bool faults(const volatile uint32_t *at)
{
	struct sigaction act = {.sa_handler = on_sigbus}, old;
	bool has_faulted = true;

	sigaction(SIGBUS, &act, &old);
	if (!sigsetjmp(touched, 1)) {
		(void)*at;
		has_faulted = false;
	}
	sigaction(SIGBUS, &old, NULL);
	return has_faulted;
}

/* What a client would map, as fault() says. */
static uint32_t *map_page(struct rig *rig, uint64_t off)
{
	struct uvf_page page;
	void *mem;

	pci_fault(&rig->pci->vfio, REGION(0) + off, &page);
	assert_int_equal(page.kind, UVF_PAGE_MEMORY);
	mem = mmap(NULL, page.size, PROT_READ | PROT_WRITE, MAP_SHARED, page.fd,
		   (off_t)page.fd_offset);
	assert_true(mem != MAP_FAILED);
	return (uint32_t *)(void *)((uint8_t *)mem + (off - page.first));
}

static void zap_takes_mappings_away(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	const struct uvf_device_ops *ops = rig->pci->vfio.ops;
	uint32_t *mine = uvfio_mem(&rig->pci->model, 0, 0x4000);
	uint32_t *before = map_page(rig, 0x4000), *after;

	(void)state;
	*before = 0x5a5a5a5a;
	assert_int_equal(*mine, 0x5a5a5a5a);

	cfg_set(rig, 4, 2, 0);
	assert_true(faults(before));
	assert_int_equal(*mine, 0x5a5a5a5a);
	*mine = 1;
	cfg_set(rig, 4, 2, 2);
	assert_true(faults(before));
	after = map_page(rig, 0x4000);
	assert_int_equal(*after, 1);
	*after = 2;
	assert_int_equal(*mine, 2);

	/* A reset takes them too, and gives them back at once. */
	assert_int_equal(ops->reset(&rig->pci->vfio, &rig->client.caller, 0),
			 0);
	assert_true(faults(after));
	assert_int_equal(*map_page(rig, 0x4000), 2);

	cfg_set(rig, 0x44, 2, 3);
	cfg_set(rig, 4, 2, 0);
	cfg_set(rig, 4, 2, 2);
	cfg_set(rig, 0x44, 2, 0);
	assert_int_equal(*map_page(rig, 0x4000), 2);
	assert_int_equal(mine, uvfio_mem(&rig->pci->model, 0, 0x4000));
	rig_destroy(rig);
}

/* An answer of fault() that comes too late leads nowhere. */
static void overtaken_fault_maps_nothing(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	struct uvf_page page;
	uint32_t *late;

	(void)state;
	pci_fault(&rig->pci->vfio, REGION(0) + 0x4000, &page);
	cfg_set(rig, 4, 2, 0);
	late = mmap(NULL, page.size, PROT_READ, MAP_SHARED, page.fd,
		    (off_t)page.fd_offset);
	assert_true(late != MAP_FAILED);
	assert_true(faults(late));
	rig_destroy(rig);
}

static long ioeventfd(struct rig *rig, uint32_t flags, uint64_t offset,
		      uint64_t data, int fd)
{
	struct vfio_device_ioeventfd req = {
		.argsz = sizeof(req),
		.flags = flags,
		.offset = offset,
		.data = data,
		.fd = fd,
	};

	memcpy(client_at(rig, SCRATCH), &req, sizeof(req));
	return rig->pci->vfio.ops->ioeventfd(&rig->pci->vfio,
					     &rig->client.caller, SCRATCH);
}

static uint32_t wait_for_write(struct rig *rig, unsigned int writes)
{
	uint32_t value;

	for (;;) {
		uvf_lock(&rig->pci->model.lock);
		if (rig->probe->writes >= writes)
			break;
		uvf_unlock(&rig->pci->model.lock);
		usleep(100);
	}
	memcpy(&value, rig->probe->regs + 0x10, 4);
	uvf_unlock(&rig->pci->model.lock);
	return value;
}

/* Shows V53. */
static void ioeventfd_writes_its_width(void **state)
{
	const uint64_t data = 0x1122334455667788;
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();
	uint64_t one = 1;

	(void)state;
	for (uint32_t size = 1; size <= 8; size *= 2) {
		assert_int_equal(ioeventfd(rig, size, 0x10, data, fd), 0);
		probe_clear(rig->probe);
		memset(rig->probe->regs, 0, 0x20);
		assert_int_equal(write(fd, &one, 8), 8);
		assert_int_equal(
			wait_for_write(rig, 1),
			(uint32_t)data &
				(size < 4 ? (1u << 8 * size) - 1 : ~0u));
		assert_int_equal(rig->probe->log[0].off, 0x10);
		assert_int_equal(rig->probe->log[0].len, size);
		assert_memory_equal(rig->probe->regs + 0x10, &data, size);
		assert_int_equal(rig->probe->regs[0x10 + size], 0);
		/* The same with another eventfd is the same. */
		assert_int_equal(ioeventfd(rig, size, 0x10, data, 0), -EEXIST);
		assert_int_equal(ioeventfd(rig, size, 0x10, data, -1), 0);
		assert_int_equal(ioeventfd(rig, size, 0x10, data, -1), -ENODEV);
	}
	rig_destroy(rig);
	close(fd);
}

/* Shows V53. */
static void ioeventfd_writes_registers(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create(), file = dup(0);
	uint64_t one = 1;

	(void)state;
	assert_int_equal(ioeventfd(rig, 16, 0, 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, 0, 0, -2), -EINVAL);
	assert_int_equal(ioeventfd(rig, 6, 0, 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, REGION(6), 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, 0xfffe, 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, 0x8000, 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, 0x7ffd, 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, 0x7ffc, 0, -1), -ENODEV);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 5, file), -EINVAL);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 5, 999), -EBADF);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 5, fd), 0);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 5, file), -EEXIST);
	probe_clear(rig->probe);
	assert_int_equal(write(fd, &one, 8), 8);
	assert_int_equal(wait_for_write(rig, 1), 5);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 6, -1), -ENODEV);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 5, -1), 0);
	assert_int_equal(ioeventfd(rig, 4, 0x10, 5, -1), -ENODEV);

	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(ioeventfd(rig, 1, 0x10, i, fd), 0);
	assert_int_equal(ioeventfd(rig, 1, 0x10, 1000, fd), -ENOSPC);
	rig_destroy(rig);
	close(fd);
	close(file);
}

static long feature(struct rig *rig, uint32_t flags, size_t size)
{
	const struct uvf_device_ops *ops = rig->pci->vfio.ops;
	long ret;

	/* As the core does it. */
	ops->wake(&rig->pci->vfio);
	ret = ops->feature(&rig->pci->vfio, &rig->client.caller, flags, SCRATCH,
			   size);
	ops->rest(&rig->pci->vfio);
	return ret;
}

/* Shows V58. */
static void low_power_takes_mappings(void **state)
{
	const uint32_t set = VFIO_DEVICE_FEATURE_SET;
	struct rig *rig = rig_create(&model_full, NULL, false);
	struct uvf_page page;
	int fd = event_create();

	(void)state;
	assert_int_equal(feature(rig, set | 0, 16), -ENOTTY);
	assert_int_equal(feature(rig, set | 6, 16), -ENOTTY);
	assert_int_equal(feature(rig, VFIO_DEVICE_FEATURE_GET | 3, 0), -EINVAL);
	assert_int_equal(feature(rig, VFIO_DEVICE_FEATURE_PROBE | 3, 0), 0);
	assert_int_equal(feature(rig, 3, 0), -EINVAL);
	assert_int_equal(feature(rig, set | 4, 7), -EINVAL);
	assert_int_equal(feature(rig, set | 5, 0), 0);
	assert_int_equal(feature(rig, set | 3, 0), 0);
	assert_int_equal(feature(rig, set | 3, 0), -EINVAL);
	pci_fault(&rig->pci->vfio, REGION(0), &page);
	assert_int_equal(page.kind, UVF_PAGE_SIGBUS);
	assert_int_equal(cfg_get(rig, 0, 2), 0x1111);
	assert_int_equal(feature(rig, set | 5, 0), 0);
	pci_fault(&rig->pci->vfio, REGION(0), &page);
	assert_int_equal(page.kind, UVF_PAGE_TRAP);

	/* The first use of the file ends it. */
	memcpy(client_at(rig, SCRATCH), &fd, 4);
	assert_int_equal(feature(rig, set | 4, 8), 0);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(cfg_get(rig, 0, 2), 0x1111);
	assert_int_equal(event_take(fd), 1);
	pci_fault(&rig->pci->vfio, REGION(0), &page);
	assert_int_equal(page.kind, UVF_PAGE_TRAP);
	rig_destroy(rig);
	close(fd);
}

/* Shows V54, V55. */
static void registers_survive_where_nothing_resets(void **state)
{
	struct rig *plain = rig_create(&model_plain, NULL, false);
	struct rig *full = rig_create(&model_full, NULL, false);
	uint32_t value = 0x77;

	(void)state;
	rig_write(plain, REGION(0), &value, 4);
	rig_write(full, REGION(0), &value, 4);
	rig_reopen(plain);
	rig_reopen(full);
	rig_read(plain, REGION(0), &value, 4);
	assert_int_equal(value, 0x77);
	assert_int_equal(plain->probe->resets, 0);
	rig_read(full, REGION(0), &value, 4);
	assert_int_equal(value, 0);
	assert_int_equal(full->probe->resets, 3);
	rig_destroy(plain);
	rig_destroy(full);
}

static void names_are_matched_as_a_whole(void **state)
{
	static const struct {
		const char *name;
		int ret;
	} cases[] = {
		{"0000:00:03.0", 1},
		{"0000:00:03.0 ", 1},
		{"0000:00:03.0x", 0},
		{"0000:00:03.", 0},
		{"", 0},
		{"0000:00:03.0 x", -EINVAL},
		{"0000:00:03.0 vf_token=1", -EINVAL},
		{"0000:00:03.0 vf_token=bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3",
		 -EINVAL},
	};
	struct rig *rig = rig_create(&model_plain, NULL, false);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rig->pci->vfio.ops->match(&rig->pci->vfio,
							   cases[i].name),
				 cases[i].ret);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_describes_every_region),
		cmocka_unit_test(capability_chain_needs_room),
		cmocka_unit_test(device_info_has_the_length_of_the_profile),
		cmocka_unit_test(accesses_are_cut_into_aligned_pieces),
		cmocka_unit_test(widths_the_model_lacks_do_not_reach_it),
		cmocka_unit_test(ends_and_absent_regions),
		cmocka_unit_test(decode_gates_memory_but_not_ports),
		cmocka_unit_test(mmap_is_checked),
		cmocka_unit_test(pages_have_their_kinds),
		cmocka_unit_test(memory_is_shared_and_doorbells_ring),
		cmocka_unit_test(zap_takes_mappings_away),
		cmocka_unit_test(overtaken_fault_maps_nothing),
		cmocka_unit_test(ioeventfd_writes_its_width),
		cmocka_unit_test(ioeventfd_writes_registers),
		cmocka_unit_test(low_power_takes_mappings),
		cmocka_unit_test(registers_survive_where_nothing_resets),
		cmocka_unit_test(names_are_matched_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
