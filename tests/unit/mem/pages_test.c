/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What pages an address space has.
 */
#include "mem/pages.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE  4096ull
#define PAGES 2000u /* more than are looked at at once */

static struct uvf_range range_of(const void *memory, uint64_t pages)
{
	return (struct uvf_range){(uintptr_t)memory,
				  (uintptr_t)memory + pages * PAGE - 1};
}

static uint8_t *memory_of(int flags, int fd)
{
	void *memory =
		mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	/* Written, a page is one of 4 KiB. */
	madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE);
	return memory;
}

/* Whether the kernel is 6.@want or newer. */
static bool is_6(unsigned int want)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= want);
}

static uint64_t unwritten(struct uvf_range range)
{
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t count = uvf_pages_unwritten(maps, pagemap, range);

	close(maps);
	close(pagemap);
	return count;
}

static void pages_are_unwritten_until_they_are_written(void **state)
{
	volatile uint8_t *memory = memory_of(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	assert_int_equal(unwritten(range_of((void *)memory, PAGES)), PAGES);
	for (unsigned int i = 0; i < PAGES; i += 4)
		memory[i * PAGE] = 1;
	assert_int_equal(unwritten(range_of((void *)memory, PAGES)),
			 PAGES / 4 * 3);
	for (unsigned int i = 1; i < PAGES; i += 4)
		assert_int_equal(memory[i * PAGE], 0);
	assert_int_equal(unwritten(range_of((void *)memory, PAGES)),
			 PAGES / 4 * (is_6(7) ? 3 : 2));
	assert_int_equal(unwritten(range_of((void *)(memory + PAGE), 1)),
			 is_6(7));
	munmap((void *)memory, PAGES * PAGE);
}

static void other_memory_is_somebodys(void **state)
{
	int fd = memfd_create("pages", MFD_CLOEXEC);
	uint8_t *memory[3];

	(void)state;
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	memory[0] = memory_of(MAP_SHARED | MAP_ANONYMOUS, -1);
	memory[1] = memory_of(MAP_SHARED, fd);
	memory[2] = memory_of(MAP_PRIVATE, fd);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(unwritten(range_of(memory[i], PAGES)), 0);
		munmap(memory[i], PAGES * PAGE);
		assert_int_equal(unwritten(range_of(memory[i], PAGES)), 0);
	}
	close(fd);
}

static void the_smallest_page_counts(void **state)
{
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	uint8_t *memory = memory_of(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint8_t *huge = mmap(NULL, 2ull << 20, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB |
				     21 << MAP_HUGE_SHIFT,
			     -1, 0);

	(void)state;
	assert_int_equal(uvf_pages_size(maps, range_of(memory, PAGES)), PAGE);
	assert_int_equal(uvf_pages_size(maps, (struct uvf_range){0, 4095}),
			 PAGE);
	if (huge == MAP_FAILED)
		print_message("not tested: 2 MiB, the system has none free\n");
	else
		assert_int_equal(uvf_pages_size(maps, range_of(huge, 512)),
				 is_6(11) ? 2ull << 20 : PAGE);
	munmap(memory, PAGES * PAGE);
	close(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_unwritten_until_they_are_written),
		cmocka_unit_test(other_memory_is_somebodys),
		cmocka_unit_test(the_smallest_page_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
