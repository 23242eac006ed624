/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA that does not get through is counted, and says where and why it
 * stopped; whatever the program did to its memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/model.h"
#include "iommu/iommu.h"
#include "mem/copy.h"
#include "mem/mem.h"
#include "mem/self.h"

#define PAGE 4096ull
#define BASE 0x100000ull
#define TOP  (UINT64_MAX - (PAGE - 1))

static struct uvfio_dev dev;
static struct uvf_mm *mm;
static uint8_t buffer[4 * PAGE];

static int setup(void **state)
{
	(void)state;
	memset(&dev, 0, sizeof(dev));
	uvf_mutex_init(&dev.lock);
	dev.is_bus_master = true;
	uvf_reader_register();
	assert_int_equal(uvf_self_create(&mm), 0);
	return uvf_aspace_create(&dev.aspace, false);
}

static int teardown(void **state)
{
	(void)state;
	uvf_aspace_destroy(dev.aspace);
	uvf_mm_put(mm);
	uvf_reader_unregister();
	return 0;
}

static void map(uint64_t iova, const void *vaddr, uint64_t size, uint32_t prot)
{
	struct uvf_range range = {(uintptr_t)vaddr,
				  (uintptr_t)vaddr + size - 1};
	struct uvf_range at = {iova, iova + size - 1};
	struct uvf_mem *mem;

	/* cmocka has handlers of its own in each test. */
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_mem_create(&mem, mm, range, prot), 0);
	assert_int_equal(uvf_aspace_map(dev.aspace, at, mem, prot), 0);
	uvf_mem_put(mem);
}

static uint8_t *pages(uint64_t count, int flags, int fd)
{
	void *p =
		mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

/* The last DMA stopped there. */
static void check_fault(uint64_t count, enum uvf_access_fault why,
			uint64_t iova, uint64_t len, bool is_write)
{
	const struct uvf_dma_fault *fault = uvf_faults_last(&dev.faults, 0);

	assert_int_equal(dev.faults.count, count);
	assert_non_null(fault);
	assert_int_equal(fault->why, why);
	assert_int_equal(fault->iova, iova);
	assert_int_equal(fault->len, len);
	assert_int_equal(fault->is_write, is_write);
}

/* Shows M69, M73, M83. */
static void says_where_and_why_it_stopped(void **state)
{
	uint8_t *p = pages(2, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	map(BASE, p, PAGE, UVF_PROT_ALL);
	map(BASE + PAGE, p + PAGE, PAGE, UVF_PROT_READ);
	assert_int_equal(uvfio_dma_read(&dev, BASE, buffer, 2 * PAGE), 0);
	assert_null(uvf_faults_last(&dev.faults, 0));
	assert_int_equal(uvfio_dma_read(&dev, BASE + PAGE + 96, buffer, PAGE),
			 -EFAULT);
	check_fault(1, UVF_FAULT_UNMAPPED, BASE + 2 * PAGE, 96, false);
	assert_int_equal(uvfio_dma_write(&dev, BASE + 8, buffer, PAGE),
			 -EFAULT);
	check_fault(2, UVF_FAULT_PERMISSION, BASE + PAGE, 8, true);
	map(TOP, p, PAGE, UVF_PROT_ALL);
	assert_int_equal(uvfio_dma_write(&dev, TOP + PAGE - 4, buffer, 16),
			 -EFAULT);
	check_fault(3, UVF_FAULT_ADDRESS, 0, 12, true);
	dev.is_bus_master = false;
	assert_int_equal(uvfio_dma_read(&dev, BASE, buffer, 8), -EPERM);
	check_fault(4, UVF_FAULT_BLOCKED, BASE, 8, false);
	munmap(p, 2 * PAGE);
}

/* Shows M74. */
static void survives_memory_that_is_unmapped(void **state)
{
	uint8_t *p = pages(4, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	map(BASE, p, 4 * PAGE, UVF_PROT_ALL);
	munmap(p + 2 * PAGE, PAGE);
	assert_int_equal(uvfio_dma_write(&dev, BASE + PAGE, buffer, 3 * PAGE),
			 -EFAULT);
	check_fault(1, UVF_FAULT_MEMORY, BASE + 2 * PAGE, 2 * PAGE, true);
	assert_int_equal(uvfio_dma_read(&dev, BASE + 3 * PAGE, buffer, PAGE),
			 0);
	munmap(p, 4 * PAGE);
	assert_int_equal(uvfio_dma_read(&dev, BASE, buffer, 1), -EFAULT);
	check_fault(2, UVF_FAULT_MEMORY, BASE, 1, false);
}

/* Shows M74. */
static void survives_a_file_that_is_truncated(void **state)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	uint8_t *p;

	(void)state;
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	p = pages(4, MAP_SHARED, fd);
	map(BASE, p, 4 * PAGE, UVF_PROT_ALL);
	assert_int_equal(uvfio_dma_write(&dev, BASE, buffer, 4 * PAGE), 0);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(uvfio_dma_write(&dev, BASE, buffer, 4 * PAGE),
			 -EFAULT);
	check_fault(1, UVF_FAULT_MEMORY, BASE + PAGE, 3 * PAGE, true);
	assert_int_equal(uvfio_dma_read(&dev, BASE + 2 * PAGE, buffer, 8),
			 -EFAULT);
	check_fault(2, UVF_FAULT_MEMORY, BASE + 2 * PAGE, 8, false);
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	assert_int_equal(uvfio_dma_read(&dev, BASE, buffer, 4 * PAGE), 0);
	munmap(p, 4 * PAGE);
	close(fd);
}

/* Shows M74. */
static void survives_memory_without_rights(void **state)
{
	uint8_t *p = pages(1, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	map(BASE, p, PAGE, UVF_PROT_ALL);
	assert_int_equal(mprotect(p, PAGE, PROT_NONE), 0);
	assert_int_equal(uvfio_dma_write(&dev, BASE, buffer, 8), -EFAULT);
	check_fault(1, UVF_FAULT_MEMORY, BASE, 8, true);
	assert_int_equal(mprotect(p, PAGE, PROT_READ), 0);
	assert_int_equal(uvfio_dma_read(&dev, BASE, buffer, 8), 0);
	munmap(p, PAGE);
}

static void keeps_the_last_ones_and_counts_all(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(uvfio_dma_read(&dev, BASE + i * 8, buffer, 8),
				 -EFAULT);
	assert_int_equal(dev.faults.count, 100);
	for (unsigned int i = 0; i < UVF_FAULTS_KEPT; i++)
		assert_int_equal(uvf_faults_last(&dev.faults, i)->iova,
				 BASE + (99 - i) * 8);
	assert_null(uvf_faults_last(&dev.faults, UVF_FAULTS_KEPT));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(says_where_and_why_it_stopped),
		CASE(survives_memory_that_is_unmapped),
		CASE(survives_a_file_that_is_truncated),
		CASE(survives_memory_without_rights),
		CASE(keeps_the_last_ones_and_counts_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
