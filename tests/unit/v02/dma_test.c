/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an iommu of VFIO v0.2 maps.
 */
#include "rig.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "bus/group.h"
#include "iommu/translate.h"
#include "v02/state.h"

struct opened {
	struct rig *rig;
	struct fake *fake;
	int group, iommu;
};

static struct opened open_one(struct rig *rig)
{
	struct opened opened = {.rig = rig};

	opened.fake = fake_add(rig, rig->pci, "one", 1, true);
	opened.group = p_open(&rig->a, "1");
	opened.iommu = (int)get_iommu(rig, opened.group);
	assert_true(opened.iommu >= 0);
	return opened;
}

static long map_raw(struct rig *rig, int iommu, struct v02_dma_map arg)
{
	return p_ioctl(&rig->a, iommu, V02_IOMMU_MAP_DMA, &arg);
}

/* Shows R8, M46. */
static void map_takes_whole_pages_that_are_free(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	uint64_t vaddr = (uintptr_t)rig->memory, flags = 0;
	const struct v02_dma_map good = {
		.vaddr = vaddr,
		.dmaaddr = 16 * PAGE,
		.size = 2 * PAGE,
	};
	struct v02_dma_map bad = good;

	assert_int_equal(p_ioctl(&rig->a, o.iommu, V02_IOMMU_GET_FLAGS, &flags),
			 0);
	assert_int_equal(flags, V02_IOMMU_MAP_ANY);
	assert_int_equal(p_ioctl(&rig->a, o.iommu, V02_IOMMU_MAP_DMA, NULL),
			 -EFAULT);
	bad.vaddr++;
	assert_int_equal(map_raw(rig, o.iommu, bad), -EINVAL);
	bad = good;
	bad.dmaaddr += 2048;
	assert_int_equal(map_raw(rig, o.iommu, bad), -EINVAL);
	bad = good;
	bad.size -= 8;
	assert_int_equal(map_raw(rig, o.iommu, bad), -EINVAL);
	bad.size = 0;
	assert_int_equal(map_raw(rig, o.iommu, bad), -EINVAL);
	bad.size = -PAGE;
	assert_int_equal(map_raw(rig, o.iommu, bad), -EINVAL);
	bad = good;
	bad.len = 12345; /* nobody looks */
	assert_int_equal(map_raw(rig, o.iommu, bad), 0);
	for (int i = -1; i <= 1; i++)
		assert_int_equal(map(rig, o.iommu, (16 + i) * PAGE, 5, 2, 0),
				 -EBUSY);
	bad = good;
	bad.dmaaddr = 0;
	bad.vaddr = 0;
	assert_int_equal(map_raw(rig, o.iommu, bad), -EFAULT);
	assert_int_equal(map(rig, o.iommu, 1ull << 48, 5, 1, 0), -EFAULT);
	assert_int_equal(map(rig, o.iommu, (1ull << 48) - PAGE, 5, 1, 0), 0);
	assert_int_equal(dma_page(o.fake, 17 * PAGE), 1);
}

static void a_device_writes_only_where_it_may(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	uint8_t byte = 9;

	assert_int_equal(map(rig, o.iommu, 0, 0, 1, 0), 0);
	assert_int_equal(map(rig, o.iommu, PAGE, 1, 1, V02_DMA_MAP_WRITE), 0);
	assert_int_equal(uvf_aspace_write(o.fake->domain, 0, &byte, 1, NULL),
			 -EFAULT);
	assert_int_equal(
		uvf_aspace_write(o.fake->domain, PAGE + 1, &byte, 1, NULL), 0);
	assert_int_equal(rig->memory[PAGE + 1], 9);
	assert_int_equal(dma_page(o.fake, PAGE), 1);
}

/* Shows R8, M46. */
static void unmap_takes_any_part(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	struct v02_dma_map arg = {.dmaaddr = 1, .size = PAGE};

	assert_int_equal(map(rig, o.iommu, 0, 0, 8, 0), 0);
	assert_int_equal(p_ioctl(&rig->a, o.iommu, V02_IOMMU_UNMAP_DMA, &arg),
			 -EINVAL);
	arg = (struct v02_dma_map){.dmaaddr = 0, .size = 1};
	assert_int_equal(p_ioctl(&rig->a, o.iommu, V02_IOMMU_UNMAP_DMA, &arg),
			 -EINVAL);
	assert_int_equal(p_ioctl(&rig->a, o.iommu, V02_IOMMU_UNMAP_DMA, NULL),
			 -EFAULT);
	assert_int_equal(unmap(rig, o.iommu, 2 * PAGE, 3), 0);
	assert_int_equal(unmap(rig, o.iommu, 0, 0), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(dma_page(o.fake, i * PAGE),
				 i < 2 || i >= 5 ? i : -1);
	/* Nothing is there, twice. */
	assert_int_equal(unmap(rig, o.iommu, 2 * PAGE, 3), 0);
	assert_int_equal(unmap(rig, o.iommu, 100 * PAGE, 3), 0);
	/* The hole can be filled, by other memory. */
	assert_int_equal(map(rig, o.iommu, 2 * PAGE, 20, 3, 0), 0);
	assert_int_equal(dma_page(o.fake, 3 * PAGE), 21);
	assert_int_equal(unmap(rig, o.iommu, PAGE, 6), 0);
	assert_int_equal(dma_page(o.fake, 0), 0);
	assert_int_equal(dma_page(o.fake, 7 * PAGE), 7);
	assert_int_equal(dma_page(o.fake, 6 * PAGE), -1);
}

static struct uvf_v02_iommu *iommu_of(struct rig *rig)
{
	return uvf_list_entry(rig->v02->groups.next, struct uvf_v02_group, node)
		->iommu;
}

/* Addresses end where the least IOMMU of a set ends. */
static void an_iommu_of_its_own_may_reach_less(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	struct fake *two = fake_add(rig, rig->pci, "two", 2, true);
	int other = p_open(&rig->a, "2");
	const uint64_t high = 1ull << 40;

	two->bus.group->iommu_bits = 39;
	assert_int_equal(map(rig, o.iommu, high, 0, 1, 0), 0);
	assert_int_equal(merge(rig, o.group, other), -EFAULT);
	assert_int_equal(unmap(rig, o.iommu, high, 1), 0);
	assert_int_equal(merge(rig, o.group, other), 0);
	assert_int_equal(map(rig, o.iommu, high, 0, 1, 0), -EFAULT);
	assert_int_equal(map(rig, o.iommu, (1ull << 39) - PAGE, 0, 1, 0), 0);
	assert_int_equal(dma_page(two, (1ull << 39) - PAGE), 0);
}

/* Shows R8, M46. */
static void neighbours_become_one(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	struct uvf_v02_iommu *iommu = iommu_of(rig);

	assert_int_equal(map(rig, o.iommu, 2 * PAGE, 2, 1, 0), 0);
	assert_int_equal(map(rig, o.iommu, 4 * PAGE, 4, 1, 0), 0);
	assert_int_equal(iommu->entries.count, 2);
	assert_int_equal(map(rig, o.iommu, 3 * PAGE, 3, 1, 0), 0);
	assert_int_equal(iommu->entries.count, 1);
	/* Another address, another right. */
	assert_int_equal(map(rig, o.iommu, 5 * PAGE, 9, 1, 0), 0);
	assert_int_equal(map(rig, o.iommu, PAGE, 1, 1, V02_DMA_MAP_WRITE), 0);
	assert_int_equal(iommu->entries.count, 3);
	assert_int_equal(unmap(rig, o.iommu, 3 * PAGE, 1), 0);
	assert_int_equal(iommu->entries.count, 4);
	assert_int_equal(unmap(rig, o.iommu, 0, 64), 0);
	assert_int_equal(iommu->entries.count, 0);
	assert_int_equal(iommu->pieces.count, 0);
}

static void set_limit(rlim_t pages)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = pages * PAGE + 5;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static void the_limit_of_locked_memory_is_one_for_all_sets(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	int group, second;

	fake_add(rig, rig->pci, "two", 2, true);
	group = p_open(&rig->a, "2");
	second = (int)get_iommu(rig, group);
	rig->a.has_ipc_lock = false;
	set_limit(4);
	assert_int_equal(map(rig, o.iommu, 0, 0, 5, 0), -ENOMEM);
	assert_int_equal(map(rig, o.iommu, 0, 0, 3, 0), 0);
	assert_int_equal(map(rig, second, 0, 0, 2, 0), -ENOMEM);
	assert_int_equal(map(rig, second, 0, 0, 1, 0), 0);
	/* An overlap is found first. */
	assert_int_equal(map(rig, second, 0, 0, 1, 0), -EBUSY);
	assert_int_equal(map(rig, second, PAGE, 1, 1, 0), -ENOMEM);
	assert_int_equal(unmap(rig, o.iommu, PAGE, 1), 0);
	assert_int_equal(map(rig, second, PAGE, 1, 1, 0), 0);
	rig->a.has_ipc_lock = true;
	assert_int_equal(map(rig, second, 2 * PAGE, 1, 30, 0), 0);
	rig->a.has_ipc_lock = false;
	p_close(&rig->a, second);
	assert_int_equal(map(rig, o.iommu, 8 * PAGE, 1, 2, 0), 0);
}

/* The owner of a set is asked for at its groups alone. */
static void memory_is_that_of_who_calls(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	struct v02_dma_map arg = {
		.vaddr = (uintptr_t)rig->memory,
		.size = PAGE,
	};
	int fd;

	fd = p_install(&rig->b, uvf_file_get(rig->a.files[o.iommu]));
	assert_int_equal(p_ioctl(&rig->b, fd, V02_IOMMU_MAP_DMA, &arg), 0);
	assert_int_equal(dma_page(o.fake, 0), 0);
	p_close(&rig->a, o.iommu);
	assert_int_equal(dma_page(o.fake, 0), 0);
	p_close(&rig->b, fd);
	assert_null(o.fake->domain);
}

static void an_unmap_that_fails_changes_nothing(void **state)
{
	struct rig *rig = *state;
	struct opened o = open_one(rig);
	unsigned long nth = 0;
	long ret;

	assert_int_equal(map(rig, o.iommu, 0, 0, 9, 0), 0);
	do {
		uvf_alloc_fail_nth(++nth);
		ret = unmap(rig, o.iommu, 3 * PAGE, 3);
		uvf_alloc_fail_nth(0);
		if (ret)
			for (int i = 0; i < 9; i++)
				assert_int_equal(dma_page(o.fake, i * PAGE), i);
	} while (ret == -ENOMEM);
	assert_int_equal(ret, 0);
	assert_true(nth > 4);
	assert_int_equal(dma_page(o.fake, 4 * PAGE), -1);
	do {
		uvf_alloc_fail_nth(++nth);
		ret = map(rig, o.iommu, 3 * PAGE, 30, 3, 0);
		uvf_alloc_fail_nth(0);
	} while (ret == -ENOMEM);
	assert_int_equal(ret, 0);
	assert_int_equal(dma_page(o.fake, 4 * PAGE), 31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(map_takes_whole_pages_that_are_free),
		CASE(a_device_writes_only_where_it_may),
		CASE(unmap_takes_any_part),
		CASE(an_iommu_of_its_own_may_reach_less),
		CASE(neighbours_become_one),
		CASE(the_limit_of_locked_memory_is_one_for_all_sets),
		CASE(memory_is_that_of_who_calls),
		CASE(an_unmap_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests_name("v02/dma", tests, NULL, NULL);
}
