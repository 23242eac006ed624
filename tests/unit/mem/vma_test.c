/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel says of an address, asked in both ways it knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem/vma.h"

#define PAGE 4096u

static int maps_fd;

static int setup_query(void **state)
{
	(void)state;
	uvf_vma_set_text_only(false);
	maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	return maps_fd < 0;
}

static int setup_text(void **state)
{
	int ret = setup_query(state);

	uvf_vma_set_text_only(true);
	return ret;
}

static int teardown(void **state)
{
	(void)state;
	return close(maps_fd);
}

static void describes_a_shared_file(void **state)
{
	int fd = memfd_create("a name", MFD_CLOEXEC);
	char name[UVF_VMA_NAME_MAX];
	struct uvf_vma vma;
	struct stat st;
	uint8_t *p;

	(void)state;
	assert_int_equal(ftruncate(fd, 8 * PAGE), 0);
	assert_int_equal(fstat(fd, &st), 0);
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(
		uvf_vma_find(maps_fd, (uintptr_t)p + PAGE + 1, &vma, name), 0);
	assert_int_equal(vma.addr.first, (uintptr_t)p);
	assert_int_equal(vma.addr.last, (uintptr_t)p + 4 * PAGE - 1);
	assert_true(vma.is_readable);
	assert_false(vma.is_writable);
	assert_true(vma.is_shared);
	assert_int_equal(vma.offset, 2 * PAGE);
	assert_int_equal(vma.inode, st.st_ino);
	assert_int_equal(vma.dev, st.st_dev);
	assert_string_equal(name, "/memfd:a name (deleted)");
	munmap(p, 4 * PAGE);
	close(fd);
}

static void describes_private_memory(void **state)
{
	struct uvf_vma vma;
	uint8_t *p = mmap(NULL, 3 * PAGE, PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(mprotect(p, PAGE, PROT_NONE), 0);
	assert_int_equal(uvf_vma_find(maps_fd, (uintptr_t)p, &vma, NULL), 0);
	assert_false(vma.is_readable || vma.is_writable);
	assert_int_equal(uvf_vma_find(maps_fd, (uintptr_t)p + PAGE, &vma, NULL),
			 0);
	assert_true(vma.is_writable);
	assert_false(vma.is_shared);
	assert_int_equal(vma.inode, 0);
	munmap(p, 3 * PAGE);
}

static void finds_nothing_where_nothing_is(void **state)
{
	struct uvf_vma vma;
	uint8_t *p = mmap(NULL, 3 * PAGE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	munmap(p + PAGE, PAGE);
	assert_int_equal(uvf_vma_find(maps_fd, (uintptr_t)p + PAGE, &vma, NULL),
			 -EFAULT);
	assert_int_equal(uvf_vma_find(maps_fd, 0, &vma, NULL), -EFAULT);
	assert_int_equal(uvf_vma_find(maps_fd, UINT64_MAX, &vma, NULL),
			 -EFAULT);
	munmap(p, PAGE);
	munmap(p + 2 * PAGE, PAGE);
}

/* More lines than fit into any buffer of the reader. */
static void finds_each_of_many(void **state)
{
	enum {
		COUNT = 600
	};
	uint8_t *p = mmap(NULL, COUNT * PAGE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uvf_vma vma;

	(void)state;
	for (unsigned int i = 0; i < COUNT; i += 2)
		mprotect(p + i * PAGE, PAGE, PROT_READ | PROT_WRITE);
	for (unsigned int i = 0; i < COUNT; i++) {
		uintptr_t addr = (uintptr_t)p + i * PAGE;

		assert_int_equal(uvf_vma_find(maps_fd, addr + 5, &vma, NULL),
				 0);
		assert_int_equal(vma.is_writable, i % 2 == 0);
		assert_in_range(addr, vma.addr.first, vma.addr.last);
	}
	munmap(p, COUNT * PAGE);
}

#define BOTH(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup_query, teardown),          \
		cmocka_unit_test_setup_teardown(test, setup_text, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(describes_a_shared_file),
		BOTH(describes_private_memory),
		BOTH(finds_nothing_where_nothing_is),
		BOTH(finds_each_of_many),
	};

	return cmocka_run_group_tests_name("vma", tests, NULL, NULL);
}
