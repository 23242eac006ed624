/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty pages of type1 on a host that reports what was written, and no more.
 */
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/translate.h"

#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET   VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP
#define DIRTY VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define A     0x100000ull
#define LEN   (16 * PAGE)

struct query {
	uint32_t argsz, flags;
	uint64_t iova, size, pgsize, bitmap_size;
	uint64_t data;
};

static struct uvf_iommu_host exact_host(void)
{
	struct uvf_iommu_host host = rig_host;

	host.reports_all_dirty = false;
	return host;
}

static void open_exact(struct rig *rig)
{
	struct uvf_iommu_host host = exact_host();

	rig_open_on(rig, VFIO_TYPE1v2_IOMMU, NULL, &host);
}

static int track(struct rig *rig, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap d = {.argsz = 8, .flags = flags};

	return rig_ioctl(rig, VFIO_IOMMU_DIRTY_PAGES, &d);
}

/* Of the 64 pages from A on, all mappings of them included. */
static uint64_t ask(struct rig *rig)
{
	uint64_t bits = 0;
	struct query q = {48, GET, A, 64 * PAGE, PAGE, 8, (uintptr_t)&bits};

	assert_int_equal(rig_ioctl(rig, VFIO_IOMMU_DIRTY_PAGES, &q), 0);
	return bits;
}

static int unmap_and_ask(struct rig *rig, uint64_t *ret_bits)
{
	struct query q = {
		48, DIRTY, A, 64 * PAGE, PAGE, 8, (uintptr_t)ret_bits};

	*ret_bits = 0;
	return rig_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &q);
}

static void write_to(struct uvf_aspace *as, uint64_t iova, size_t len)
{
	uint8_t buf[2 * PAGE] = {1};

	assert_int_equal(uvf_aspace_write(as, iova, buf, len, NULL), 0);
}

/* Shows M31, M35. */
static void what_was_written_is_told_once(void **state)
{
	uint8_t byte;
	struct rig rig;

	(void)state;
	open_exact(&rig);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	write_to(rig.as, A, 1);
	assert_int_equal(track(&rig, START), 0);
	assert_int_equal(ask(&rig), 0);
	write_to(rig.as, A + 3 * PAGE + 7, 1);
	assert_int_equal(ask(&rig), 1 << 3);
	assert_int_equal(ask(&rig), 0);
	write_to(rig.as, A + 5 * PAGE - 1, 2);
	assert_int_equal(ask(&rig), 3 << 4);
	assert_int_equal(uvf_aspace_read(rig.as, A, &byte, 1, NULL), 0);
	assert_int_equal(ask(&rig), 0);
	/* A mapping that comes while pages are tracked begins clean. */
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + LEN, LEN), 0);
	assert_int_equal(ask(&rig), 0);
	write_to(rig.as, A + LEN - 1, 2);
	assert_int_equal(ask(&rig), 3 << 15);
	write_to(rig.as, A, 1);
	assert_int_equal(track(&rig, STOP), 0);
	assert_int_equal(track(&rig, START), 0);
	assert_int_equal(ask(&rig), 0);
	/* A second start forgets nothing. */
	write_to(rig.as, A, 1);
	assert_int_equal(track(&rig, START), 0);
	assert_int_equal(ask(&rig), 1);
	rig_close(&rig);
}

static void keep_pins(struct uvf_dma_user *user, struct uvf_range iova)
{
	(void)user;
	(void)iova;
}

/* Shows M31. */
static void a_page_that_is_pinned_for_writing_is_always_dirty(void **state)
{
	struct uvf_dma_user user = {.dma_unmap = keep_pins};
	uint8_t byte = 1;
	void *pages[1];
	struct rig rig;

	(void)state;
	open_exact(&rig);
	rig.backend->register_user(rig.state, &user);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig.backend->pin_pages(rig.state, &rig.member, A, 1,
						UVF_PROT_WRITE, pages),
			 1);
	assert_int_equal(track(&rig, START), 0);
	assert_int_equal(rig.backend->pin_pages(rig.state, &rig.member,
						A + PAGE, 1, UVF_PROT_READ,
						pages),
			 1);
	assert_int_equal(ask(&rig), 1);
	assert_int_equal(ask(&rig), 1);
	/* Copies by the processor count as well. */
	assert_int_equal(
		rig.backend->rw(rig.state, A + 2 * PAGE, &byte, 1, true), 0);
	assert_int_equal(
		rig.backend->rw(rig.state, A + 3 * PAGE, &byte, 1, false), 0);
	assert_int_equal(ask(&rig), 5);
	rig.backend->unpin_pages(rig.state, A, 2);
	assert_int_equal(ask(&rig), 1);
	assert_int_equal(ask(&rig), 0);
	rig.backend->unregister_user(rig.state, &user);
	rig_close(&rig);
}

/*
 * Shows M35.  As Linux does it, all is dirty while a group has never pinned
 * pages; then only what is pinned.
 */
static void a_group_that_pins_tells_what_it_writes(void **state)
{
	struct uvf_dma_user user = {.dma_unmap = keep_pins};
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	void *pages[1];
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	rig_member(&second, NULL);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	rig.backend->register_user(rig.state, &user);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(track(&rig, START), 0);
	assert_int_equal(ask(&rig), 0xffff);
	/* One that fails tells nothing. */
	assert_int_equal(rig.backend->pin_pages(rig.state, &rig.member, A + LEN,
						1, UVF_PROT_READ, pages),
			 -EINVAL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rig.backend->pin_pages(rig.state, &rig.member,
							A + 3 * PAGE, 1,
							UVF_PROT_WRITE, pages),
				 1);
	assert_int_equal(ask(&rig), 0xffff);
	assert_int_equal(rig.backend->pin_pages(rig.state, &second,
						A + 4 * PAGE, 1, UVF_PROT_READ,
						pages),
			 1);
	assert_int_equal(ask(&rig), 0x18);
	write_to(rig.as, A, 1);
	assert_int_equal(ask(&rig), 0x18);
	/* It leaves no doubt behind, but comes as any other. */
	rig.backend->detach_group(rig.state, &second);
	assert_int_equal(ask(&rig), 0x18);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_int_equal(ask(&rig), 0xffff);
	rig.backend->detach_group(rig.state, &second);
	assert_int_equal(ask(&rig), 0xffff);
	assert_int_equal(ask(&rig), 0x18);
	rig.backend->unregister_user(rig.state, &user);
	rig_close(&rig);
}

static void all_tables_are_looked_at(void **state)
{
	struct uvf_iommu_member second, third;
	struct uvf_iommu_hw amd, large;
	uintptr_t aligned;
	struct uvf_aspace *as, *other;
	struct rig rig;

	(void)state;
	open_exact(&rig);
	amd = large = (struct uvf_iommu_hw){
		.vendor = UVF_IOMMU_AMD,
		.aperture = {0, UINT64_MAX},
		.page_sizes = 0x1000,
		.isolates_msi = true,
	};
	rig_member(&second, &amd);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_int_equal(track(&rig, START), 0);
	/* Tables that come while pages are tracked are tracked, too. */
	large.page_sizes = 0x4000;
	large.enforces_coherency = true;
	rig_member(&third, &large);
	write_to(rig.as, A, 1);
	write_to(as, A + 2 * PAGE, 1);
	assert_int_equal(ask(&rig), 5);
	rig.backend->detach_group(rig.state, &second);
	rig.backend->detach_group(rig.state, &rig.member);
	assert_int_equal(rig_attach(&rig, &third, &other), 0);
	aligned = ((uintptr_t)rig_memory + 0x3fff) & ~(uintptr_t)0x3fff;
	assert_int_equal(rig_map(&rig, RW, (void *)aligned, A, LEN), 0);
	write_to(other, A + 5 * PAGE, 1);
	{
		uint64_t bits = 0;
		struct query q = {48, GET, A, LEN, 0x4000, 8, (uintptr_t)&bits};

		/* A bit stands for as much as the smallest page. */
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES, &q),
				 0);
		assert_int_equal(bits, 2);
	}
	rig.backend->detach_group(rig.state, &third);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), 0);
	rig_close(&rig);
}

#define ROUNDS 2000

struct writer {
	struct uvf_aspace *as;
	atomic_int round;
	/*
	 * Pages whose write succeeded, by the round it began in: one that
	 * ends later is in no round that is looked at any more.
	 */
	_Atomic uint64_t written[ROUNDS];
	atomic_bool stop;
};

static void *write_on(void *arg)
{
	struct writer *writer = arg;
	uint64_t seed = 88172645463325252ull;

	uvf_reader_register();
	while (!atomic_load(&writer->stop)) {
		int round = atomic_load(&writer->round);
		uint8_t byte = 1;
		uint64_t page;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		page = seed % 16;
		if (!uvf_aspace_write(writer->as, A + page * PAGE, &byte, 1,
				      NULL))
			atomic_fetch_or(&writer->written[round], 1ull << page);
	}
	uvf_reader_unregister();
	return NULL;
}

/* Shows M34. */
static void the_last_write_before_an_unmap_is_told(void **state)
{
	static struct writer writer;
	pthread_t thread;
	struct rig rig;

	(void)state;
	open_exact(&rig);
	writer.as = rig.as;
	assert_int_equal(track(&rig, START), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t told, last;

		atomic_store(&writer.round, round);
		assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
		/* Until the first write of the round was seen. */
		while (!atomic_load(&writer.written[round]))
			continue;
		told = ask(&rig);
		assert_int_equal(unmap_and_ask(&rig, &last), 0);
		/* What is known to be written was told. */
		assert_int_equal(atomic_load(&writer.written[round]) &
					 ~(told | last),
				 0);
	}
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	rig_close(&rig);
}

/* What could not be told stays, with what was written to it. */
static void a_bitmap_that_cannot_be_written_loses_nothing(void **state)
{
	struct query q = {48, DIRTY, A, 64 * PAGE, PAGE, 8, PAGE};
	uint64_t bits;
	struct rig rig;

	(void)state;
	open_exact(&rig);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(track(&rig, START), 0);
	write_to(rig.as, A + PAGE, 1);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &q), -EFAULT);
	q.flags = GET;
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES, &q), -EFAULT);
	assert_int_equal(unmap_and_ask(&rig, &bits), 0);
	assert_int_equal(bits, 2);
	rig_close(&rig);
}

static void a_start_that_fails_changes_nothing(void **state)
{
	unsigned long nth = 0;
	struct rig rig;
	int ret;

	(void)state;
	open_exact(&rig);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(
			rig_map(&rig, RW, rig_memory, A + i * LEN, LEN), 0);
	do {
		uint64_t bits;

		uvf_alloc_fail_nth(++nth);
		ret = track(&rig, START);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		write_to(rig.as, A, 1);
		if (ret)
			assert_int_equal(unmap_and_ask(&rig, &bits), -EINVAL);
	} while (ret);
	assert_int_equal(ask(&rig), 1);
	assert_true(nth > 4);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_told_once),
		cmocka_unit_test(
			a_page_that_is_pinned_for_writing_is_always_dirty),
		cmocka_unit_test(a_group_that_pins_tells_what_it_writes),
		cmocka_unit_test(all_tables_are_looked_at),
		cmocka_unit_test(the_last_write_before_an_unmap_is_told),
		cmocka_unit_test(a_bitmap_that_cannot_be_written_loses_nothing),
		cmocka_unit_test(a_start_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests_name("written", tests, NULL, NULL);
}
