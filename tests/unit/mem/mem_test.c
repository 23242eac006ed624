/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory made of spans that are mapped here and gaps that are not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/list.h"
#include "mem/copy.h"
#include "mem/mem.h"

#define SIZE  4096u
#define VADDR 0x10000u
#define SPANS 5u

/* A client whose memory is an array; parts of it count as mapped here. */
struct fake {
	struct uvf_mm mm;
	uint8_t bytes[SIZE];
	unsigned int span_count;
	int map_ret;
	unsigned int copies; /* through read and write */
	int destroyed;
};

static struct fake *fake_of(struct uvf_mm *mm)
{
	return uvf_container_of(mm, struct fake, mm);
}

static int fake_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	struct fake *fake = fake_of(mm);

	assert_in_range(addr, VADDR, VADDR + SIZE - len);
	memcpy(buf, fake->bytes + (addr - VADDR), len);
	fake->copies++;
	return 0;
}

static int fake_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
		      size_t len)
{
	struct fake *fake = fake_of(mm);

	assert_in_range(addr, VADDR, VADDR + SIZE - len);
	memcpy(fake->bytes + (addr - VADDR), buf, len);
	fake->copies++;
	return 0;
}

/* Spans of 100, 200, ... bytes, with gaps of 100 before each. */
static int fake_map(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		    struct uvf_mem *mem)
{
	struct fake *fake = fake_of(mm);
	uint64_t offset = 0;

	(void)prot;
	assert_int_equal(vaddr.first, VADDR);
	for (unsigned int i = 0; i < fake->span_count; i++) {
		struct uvf_mem_span span = {
			.offset = offset + 100,
			.size = 100 * (i + 1),
			.ptr = fake->bytes + offset + 100,
		};
		int ret = uvf_mem_add_span(mem, &span);

		if (ret)
			return ret;
		offset = span.offset + span.size;
	}
	return fake->map_ret;
}

static void fake_destroy(struct uvf_mm *mm)
{
	fake_of(mm)->destroyed++;
}

static const struct uvf_mm_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.map = fake_map,
	.destroy = fake_destroy,
};

static void fake_init(struct fake *fake, unsigned int span_count)
{
	memset(fake, 0, sizeof(*fake));
	fake->mm.ops = &fake_ops;
	uvf_ref_init(&fake->mm.ref);
	fake->span_count = span_count;
	for (unsigned int i = 0; i < SIZE; i++)
		fake->bytes[i] = (uint8_t)(i * 13 + i / 256);
	/* In each test: cmocka puts its own handlers before each. */
	assert_int_equal(uvf_copy_guard_init(), 0);
}

static const struct uvf_range whole = {VADDR, VADDR + SIZE - 1};

static void reads_and_writes_across_spans_and_gaps(void **state)
{
	struct uvf_mem *mem;
	struct fake fake;
	uint8_t buf[SIZE], want[SIZE];

	(void)state;
	for (unsigned int spans = 0; spans <= SPANS; spans++) {
		fake_init(&fake, spans);
		assert_int_equal(uvf_mem_create(&mem, &fake.mm, whole, 3), 0);
		for (unsigned int i = 0; i < 3000; i++) {
			size_t offset = (size_t)rand() % SIZE;
			size_t len = (size_t)rand() % (SIZE - offset + 1);

			memcpy(want, fake.bytes, SIZE);
			assert_int_equal(uvf_mem_read(mem, offset, buf, len),
					 0);
			assert_memory_equal(buf, want + offset, len);
			for (size_t n = 0; n < len; n++)
				want[offset + n] = buf[n] = (uint8_t)rand();
			assert_int_equal(uvf_mem_write(mem, offset, buf, len),
					 0);
			assert_memory_equal(fake.bytes, want, SIZE);
		}
		uvf_mem_put(mem);
		uvf_mm_put(&fake.mm);
		assert_int_equal(fake.destroyed, 1);
	}
}

static void uses_the_address_space_for_gaps_only(void **state)
{
	struct uvf_mem *mem;
	struct fake fake;
	uint8_t buf[SIZE];

	(void)state;
	fake_init(&fake, 2);
	assert_int_equal(uvf_mem_create(&mem, &fake.mm, whole, 3), 0);
	assert_null(uvf_mem_direct(mem));
	assert_int_equal(uvf_mem_read(mem, 100, buf, 100), 0);
	assert_int_equal(fake.copies, 0);
	assert_int_equal(uvf_mem_read(mem, 0, buf, SIZE), 0);
	assert_int_equal(fake.copies, 3);
	uvf_mem_put(mem);
	uvf_mm_put(&fake.mm);
}

static void refuses_what_lies_outside(void **state)
{
	struct uvf_mem *mem;
	struct fake fake;
	uint8_t buf[16] = {0};

	(void)state;
	fake_init(&fake, 0);
	assert_int_equal(uvf_mem_create(&mem, &fake.mm, whole, 3), 0);
	assert_int_equal(uvf_mem_read(mem, SIZE, buf, 1), -EFAULT);
	assert_int_equal(uvf_mem_write(mem, SIZE - 8, buf, 9), -EFAULT);
	assert_int_equal(uvf_mem_write(mem, UINT64_MAX, buf, 2), -EFAULT);
	assert_int_equal(uvf_mem_write(mem, 8, buf, SIZE_MAX), -EFAULT);
	assert_int_equal(uvf_mem_write(mem, SIZE, buf, 0), 0);
	assert_int_equal(uvf_mem_write(mem, SIZE - 8, buf, 8), 0);
	uvf_mem_put(mem);
	uvf_mm_put(&fake.mm);
}

static void leaves_nothing_when_it_cannot_be_made(void **state)
{
	struct uvf_mem *mem = NULL;
	struct fake fake;

	(void)state;
	fake_init(&fake, SPANS);
	fake.map_ret = -EFAULT;
	assert_int_equal(uvf_mem_create(&mem, &fake.mm, whole, 3), -EFAULT);
	fake.map_ret = 0;
	for (unsigned long nth = 1;; nth++) {
		int ret;

		uvf_alloc_fail_nth(nth);
		ret = uvf_mem_create(&mem, &fake.mm, whole, 3);
		uvf_alloc_fail_nth(0);
		if (!ret) {
			assert_true(nth > 1);
			break;
		}
		assert_int_equal(ret, -ENOMEM);
		assert_null(mem);
		assert_int_equal(atomic_load(&fake.mm.ref.count), 1);
	}
	uvf_mem_put(mem);
	uvf_mm_put(&fake.mm);
	assert_int_equal(fake.destroyed, 1);
}

static void holds_its_address_space(void **state)
{
	struct uvf_mem *mem;
	struct fake fake;

	(void)state;
	fake_init(&fake, 1);
	assert_int_equal(uvf_mem_create(&mem, &fake.mm, whole, 3), 0);
	uvf_mm_put(&fake.mm);
	assert_int_equal(fake.destroyed, 0);
	assert_ptr_equal(uvf_mem_get(mem), mem);
	uvf_mem_put(mem);
	assert_int_equal(fake.destroyed, 0);
	uvf_mem_put(mem);
	assert_int_equal(fake.destroyed, 1);
	uvf_mem_put(NULL);
	uvf_mm_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_across_spans_and_gaps),
		cmocka_unit_test(uses_the_address_space_for_gaps_only),
		cmocka_unit_test(refuses_what_lies_outside),
		cmocka_unit_test(leaves_nothing_when_it_cannot_be_made),
		cmocka_unit_test(holds_its_address_space),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
