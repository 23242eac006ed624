/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of a type1 container that a driver pins, and copies by the processor.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "rig.h"

#define IOVA 0x100000ull

/* A driver with some pages pinned. */
struct driver {
	struct uvf_dma_user user;
	struct rig *rig;
	uint64_t iova;
	size_t count;       /* pages to unpin when asked */
	unsigned int asked; /* how often */
	struct uvf_range last;
};

static void driver_dma_unmap(struct uvf_dma_user *user, struct uvf_range iova)
{
	struct driver *driver = uvf_container_of(user, struct driver, user);

	driver->asked++;
	driver->last = iova;
	if (driver->count)
		driver->rig->backend->unpin_pages(driver->rig->state,
						  driver->iova, driver->count);
	driver->count = 0;
}

static struct driver driver_of(struct rig *rig)
{
	return (struct driver){
		.user.dma_unmap = driver_dma_unmap,
		.rig = rig,
	};
}

static int pin(struct rig *rig, uint64_t iova, size_t count, uint32_t prot,
	       void **pages)
{
	return rig->backend->pin_pages(rig->state, &rig->member, iova, count,
				       prot, pages);
}

static void test_pinning_says_what_is_wrong_in_this_order(void **state)
{
	void *pages[UVF_PIN_MAX + 1];
	struct driver driver;
	struct rig rig;
	uint64_t size = PAGE;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	driver = driver_of(&rig);
	assert_int_equal(rig_map(&rig, VFIO_DMA_MAP_FLAG_READ, rig_memory, IOVA,
				 2 * PAGE),
			 0);
	assert_int_equal(pin(&rig, IOVA, UVF_PIN_MAX + 1, UVF_PROT_READ, pages),
			 -E2BIG);
	assert_int_equal(pin(&rig, IOVA, 1, UVF_PROT_READ, pages), -EINVAL);
	rig.backend->register_user(rig.state, &driver.user);
	assert_int_equal(pin(&rig, 0, 1, UVF_PROT_READ, pages), -EINVAL);
	assert_int_equal(pin(&rig, IOVA, 1, UVF_PROT_WRITE, pages), -EPERM);
	assert_int_equal(pin(&rig, IOVA + PAGE, 2, UVF_PROT_READ, pages),
			 -EINVAL);
	/* The page that could be pinned is not any more. */
	assert_int_equal(rig_unmap(&rig, 0, IOVA, &(uint64_t){2 * PAGE}), 0);
	assert_int_equal(driver.asked, 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, IOVA, PAGE), 0);
	assert_int_equal(
		rig_unmap(&rig, VFIO_DMA_UNMAP_FLAG_VADDR, IOVA, &size), 0);
	assert_int_equal(pin(&rig, IOVA, 1, UVF_PROT_READ, pages), -EBUSY);
	rig.backend->unregister_user(rig.state, &driver.user);
	rig_close(&rig);
}

static void test_pinned_pages_are_the_clients_memory(void **state)
{
	void *pages[3], *again[1];
	struct driver driver;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	driver = driver_of(&rig);
	rig.backend->register_user(rig.state, &driver.user);
	assert_int_equal(rig_map(&rig, RW, rig_memory, IOVA, 4 * PAGE), 0);
	assert_int_equal(pin(&rig, IOVA + PAGE, 3, UVF_PROT_ALL, pages), 3);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(pages[i], rig_memory + (1 + i) * PAGE);
	/* An address inside a page means the page. */
	assert_int_equal(pin(&rig, IOVA + PAGE + 8, 1, UVF_PROT_READ, again),
			 1);
	assert_ptr_equal(again[0], pages[0]);
	rig.backend->unpin_pages(rig.state, IOVA + PAGE, 3);
	rig.backend->unpin_pages(rig.state, IOVA + PAGE, 1);
	assert_int_equal(rig_unmap(&rig, 0, IOVA, &(uint64_t){4 * PAGE}), 0);
	assert_int_equal(driver.asked, 0);
	rig.backend->unregister_user(rig.state, &driver.user);
	rig_close(&rig);
}

static void test_unmap_has_pages_unpinned_first(void **state)
{
	struct driver driver, other;
	uint64_t size = ~0ull;
	void *pages[2];
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	driver = driver_of(&rig);
	other = driver_of(&rig);
	rig.backend->register_user(rig.state, &driver.user);
	rig.backend->register_user(rig.state, &other.user);
	assert_int_equal(rig_map(&rig, RW, rig_memory, IOVA, 2 * PAGE), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 2 * IOVA, PAGE), 0);
	assert_int_equal(pin(&rig, IOVA, 2, UVF_PROT_ALL, pages), 2);
	driver.iova = IOVA;
	driver.count = 2;
	size = 2 * PAGE;
	assert_int_equal(rig_unmap(&rig, 0, IOVA, &size), 0);
	assert_int_equal(size, 2 * PAGE);
	assert_int_equal(driver.asked, 1);
	assert_int_equal(other.asked, 1);
	assert_int_equal(driver.last.first, IOVA);
	assert_int_equal(driver.last.last, IOVA + 2 * PAGE - 1);
	size = PAGE;
	assert_int_equal(rig_unmap(&rig, 0, 2 * IOVA, &size), 0);
	assert_int_equal(driver.asked, 1);
	rig.backend->unregister_user(rig.state, &driver.user);
	rig.backend->unregister_user(rig.state, &other.user);
	rig_close(&rig);
}

static void test_a_driver_that_keeps_pages_does_not_stop_unmap(void **state)
{
	struct driver driver;
	uint64_t size = PAGE;
	void *pages[1];
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	driver = driver_of(&rig);
	rig.backend->register_user(rig.state, &driver.user);
	assert_int_equal(rig_map(&rig, RW, rig_memory, IOVA, PAGE), 0);
	assert_int_equal(pin(&rig, IOVA, 1, UVF_PROT_ALL, pages), 1);
	assert_int_equal(rig_unmap(&rig, 0, IOVA, &size), 0);
	assert_int_equal(driver.asked, 10);
	assert_false(rig_is_mapped(&rig, IOVA));
	/* What is left is forgotten: the next mapping has pages of its own. */
	assert_int_equal(rig_map(&rig, RW, rig_memory + PAGE, IOVA, PAGE), 0);
	assert_int_equal(pin(&rig, IOVA, 1, UVF_PROT_ALL, pages), 1);
	assert_ptr_equal(pages[0], rig_memory + PAGE);
	rig.backend->unregister_user(rig.state, &driver.user);
	rig_close(&rig);
}

static void test_copies_go_across_mappings(void **state)
{
	uint8_t bytes[16];
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, IOVA, PAGE), 0);
	assert_int_equal(rig_map(&rig, VFIO_DMA_MAP_FLAG_READ,
				 rig_memory + 3 * PAGE, IOVA + PAGE, PAGE),
			 0);
	memset(rig_memory, 1, PAGE);
	memset(rig_memory + 3 * PAGE, 2, PAGE);
	assert_int_equal(
		rig.backend->rw(rig.state, IOVA + PAGE - 8, bytes, 16, false),
		0);
	assert_int_equal(bytes[7], 1);
	assert_int_equal(bytes[8], 2);
	memset(bytes, 9, sizeof(bytes));
	assert_int_equal(
		rig.backend->rw(rig.state, IOVA + PAGE - 8, bytes, 16, true),
		-EPERM);
	assert_int_equal(rig_memory[PAGE - 1], 9);
	assert_int_equal(rig_memory[3 * PAGE], 2);
	assert_int_equal(rig.backend->rw(rig.state, IOVA + 2 * PAGE - 1, bytes,
					 2, false),
			 -EINVAL);
	assert_int_equal(rig.backend->rw(rig.state, 0, bytes, 0, false), 0);
	rig_close(&rig);
}

/* Shows M78. */
static void test_pinning_changes_nothing_when_memory_runs_out(void **state)
{
	struct driver driver;
	void *pages[2];
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	driver = driver_of(&rig);
	rig.backend->register_user(rig.state, &driver.user);
	assert_int_equal(rig_map(&rig, RW, rig_memory, IOVA, 2 * PAGE), 0);
	uvf_alloc_fail_nth(2);
	assert_int_equal(pin(&rig, IOVA, 2, UVF_PROT_ALL, pages), -ENOMEM);
	assert_true(uvf_alloc_has_failed());
	assert_int_equal(rig_unmap(&rig, 0, IOVA, &(uint64_t){2 * PAGE}), 0);
	assert_int_equal(driver.asked, 0);
	rig.backend->unregister_user(rig.state, &driver.user);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pinning_says_what_is_wrong_in_this_order),
		cmocka_unit_test(test_pinned_pages_are_the_clients_memory),
		cmocka_unit_test(test_unmap_has_pages_unpinned_first),
		cmocka_unit_test(
			test_a_driver_that_keeps_pages_does_not_stop_unmap),
		cmocka_unit_test(test_copies_go_across_mappings),
		cmocka_unit_test(
			test_pinning_changes_nothing_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
