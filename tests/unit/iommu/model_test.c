/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls and DMA against a model that shares nothing with what it
 * judges: a list of mappings, and a copy of the client's memory.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "iommu/translate.h"

#define OPERATIONS 120000u /* for each of the two types */
#define MAPS_MAX   200u
#define GOOD       16u /* pages that can be read and written */
#define PAGES      24u /* then 4 to read only, 2 for nothing, 2 not there */
#define READ       VFIO_DMA_MAP_FLAG_READ
#define WRITE      VFIO_DMA_MAP_FLAG_WRITE
#define VADDR      VFIO_DMA_MAP_FLAG_VADDR
#define U_ALL      VFIO_DMA_UNMAP_FLAG_ALL
#define U_VADDR    VFIO_DMA_UNMAP_FLAG_VADDR

struct entry {
	uint64_t first, last;
	uint64_t vaddr;
	uint32_t prot;
	bool is_invalid;
};

static struct {
	bool is_v2;
	struct entry maps[MAPS_MAX]; /* ascending */
	unsigned int count;
	uint8_t *base;
	uint8_t shadow[GOOD * 4096];
} model;

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static struct entry *draw_entry(void)
{
	return model.count ? &model.maps[draw(model.count)] : NULL;
}

static uint64_t draw_iova(void)
{
	static const uint64_t edges[] = {0,
					 PAGE - 1,
					 PAGE,
					 PAGE + 1,
					 0xfee00000 - PAGE,
					 0xfee00000,
					 0xfee00000 - 1,
					 0xfeefffff,
					 0xfef00000,
					 1ull << 32,
					 (1ull << 48) - PAGE,
					 (1ull << 48) - 1,
					 1ull << 48,
					 INT64_MAX,
					 -PAGE,
					 UINT64_MAX - 1,
					 UINT64_MAX};
	struct entry *entry = draw_entry();

	switch (draw(8)) {
	case 0:
		return edges[draw(sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return entry ? entry->first + draw(3) - 1 : 0;
	case 2:
		return entry ? entry->last + draw(3) - 1 : 0;
	case 3:
		return entry ? entry->first : 0;
	case 4:
		return entry ? entry->last + 1 : 0;
	default:
		return 0x100000 + draw(96) * PAGE;
	}
}

static uint64_t draw_size(void)
{
	struct entry *entry = draw_entry();
	uint64_t len = entry ? entry->last - entry->first + 1 : PAGE;

	switch (draw(16)) {
	case 0:
		return draw(2);
	case 1:
		return PAGE - 1;
	case 2:
		return len + draw(3) - 1;
	case 3:
		return len + PAGE;
	case 4:
		return len - PAGE;
	case 5:
		return draw(2) ? 1ull << 63 : UINT64_MAX;
	case 6:
	case 7:
		return len;
	default:
		return (1 + draw(8)) * PAGE;
	}
}

/* What the protection of [vaddr, last] allows; 0 when not all is there. */
static uint32_t model_prot(uint64_t vaddr, uint64_t last)
{
	uint64_t base = (uintptr_t)model.base;

	if (vaddr < base || last >= base + PAGES * PAGE)
		return 0;
	if (last < base + GOOD * PAGE)
		return READ | WRITE;
	return last < base + (GOOD + 4) * PAGE ? READ : 0;
}

static struct entry *model_meets(uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < model.count; i++)
		if (model.maps[i].first <= last && first <= model.maps[i].last)
			return &model.maps[i];
	return NULL;
}

static void model_insert(struct entry entry)
{
	unsigned int at = 0;

	while (at < model.count && model.maps[at].first < entry.first)
		at++;
	memmove(&model.maps[at + 1], &model.maps[at],
		(model.count - at) * sizeof(entry));
	model.maps[at] = entry;
	model.count++;
}

static int model_map(const struct vfio_iommu_type1_dma_map *map)
{
	uint64_t last = map->iova + map->size - 1;
	uint64_t vlast = map->vaddr + map->size - 1;
	uint32_t prot = map->flags & 3;
	struct entry *met;

	if (map->argsz < 32 || map->flags & ~7u || !prot == !(map->flags & 4))
		return -EINVAL;
	if (!map->size || (map->size | map->iova | map->vaddr) & 0xfff)
		return -EINVAL;
	if (last < map->iova || vlast < map->vaddr)
		return -EINVAL;
	met = model_meets(map->iova, last);
	if (map->flags & VADDR) {
		if (!met)
			return -ENOENT;
		if (!met->is_invalid || met->first != map->iova ||
		    met->last != last)
			return -EINVAL;
		met->is_invalid = false;
		if (!(met->prot & ~model_prot(map->vaddr, vlast)))
			met->vaddr = map->vaddr;
		return 0;
	}
	if (met)
		return -EEXIST;
	if (last >= 1ull << 48 ||
	    (map->iova <= 0xfeefffff && last >= 0xfee00000))
		return -EINVAL;
	if (prot & ~model_prot(map->vaddr, vlast))
		return -EFAULT;
	model_insert((struct entry){map->iova, last, map->vaddr, prot, false});
	return 0;
}

/* Which mappings a call is about: [*ret_from, *ret_to). */
static int model_select(const struct vfio_iommu_type1_dma_unmap *unmap,
			unsigned int *ret_from, unsigned int *ret_to)
{
	uint64_t first = unmap->iova, last = first + unmap->size - 1;
	unsigned int from = 0, to;
	struct entry *met;

	if (first & 0xfff)
		return -EINVAL;
	if (unmap->flags & U_ALL) {
		if (first || unmap->size)
			return -EINVAL;
		*ret_from = 0;
		*ret_to = model.count;
		return 0;
	}
	if (!unmap->size || unmap->size & 0xfff || last < first)
		return -EINVAL;
	met = model_meets(first, first);
	if (model.is_v2 && met && met->first != first)
		return -EINVAL;
	if (!model.is_v2 && met && met->first != first)
		last = 0;
	met = model_meets(last, last);
	if (model.is_v2 && met && met->last != last)
		return -EINVAL;
	while (from < model.count && model.maps[from].first < first)
		from++;
	to = from;
	while (to < model.count && last != UINT64_MAX && last &&
	       model.maps[to].first <= last)
		to++;
	*ret_from = from;
	*ret_to = to;
	return 0;
}

static int model_unmap(struct vfio_iommu_type1_dma_unmap *unmap)
{
	unsigned int from, to;
	uint64_t size = 0;
	int ret;

	if (unmap->argsz < 24 || unmap->flags & ~6u)
		return -EINVAL;
	ret = model_select(unmap, &from, &to);
	if (ret)
		return ret;
	for (unsigned int i = from; i < to; i++) {
		size += model.maps[i].last - model.maps[i].first + 1;
		if (unmap->flags & U_VADDR && model.maps[i].is_invalid)
			return -EINVAL;
	}
	if (unmap->flags & U_VADDR) {
		for (unsigned int i = from; i < to; i++)
			model.maps[i].is_invalid = true;
	} else {
		memmove(&model.maps[from], &model.maps[to],
			(model.count - to) * sizeof(model.maps[0]));
		model.count -= to - from;
	}
	unmap->size = size;
	return 0;
}

static void do_map(struct rig *rig)
{
	static const uint32_t flags[] = {3, 3, 3, 3, 1, 2, 4, 7, 0, 8};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = draw(64) ? 32 : (uint32_t)draw(40),
		.flags = flags[draw(10)],
		.iova = draw_iova(),
		.size = draw_size(),
		.vaddr = (uintptr_t)model.base + draw(PAGES) * PAGE,
	};
	struct vfio_iommu_type1_dma_map before = map;
	struct entry *entry = draw_entry();
	int ret;

	if (model.count == MAPS_MAX)
		return;
	if (!draw(32))
		map.vaddr += draw(3) - 1;
	if (map.flags == VADDR && entry) {
		map.iova = entry->first;
		map.size = entry->last - entry->first + 1;
	}
	before = map;
	ret = model_map(&map);
	assert_int_equal(rig_ioctl(rig, VFIO_IOMMU_MAP_DMA, &map), ret);
	assert_memory_equal(&map, &before, sizeof(map));
}

static void do_unmap(struct rig *rig, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = draw(64) ? 24 : (uint32_t)draw(40),
		.flags = draw(64) ? flags : (uint32_t)draw(8) & ~1u,
		.iova = flags & U_ALL && draw(8) ? 0 : draw_iova(),
		.size = flags & U_ALL && draw(8) ? 0 : draw_size(),
	};
	struct vfio_iommu_type1_dma_unmap want;
	int ret;

	/* Up to the top, where the end is 0. */
	if (!draw(32))
		unmap.size = -unmap.iova;
	want = unmap;
	ret = model_unmap(&want);

	assert_int_equal(rig_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &unmap), ret);
	assert_memory_equal(&unmap, &want, sizeof(unmap));
}

/* Where a byte of a device lies in the client, or 0. */
static uint64_t model_byte(uint64_t iova, uint32_t prot)
{
	struct entry *entry = model_meets(iova, iova);

	if (!entry || !(entry->prot & prot))
		return 0;
	return entry->vaddr + (iova - entry->first);
}

static void do_dma(struct rig *rig)
{
	uint8_t buf[3 * 4096];
	uint64_t iova = draw_iova();
	size_t len = draw(4) ? 1 + draw(40) : 1 + draw(sizeof(buf));
	bool is_write = draw(2);
	uint64_t base = (uintptr_t)model.base;
	size_t want = 0, done;
	int ret;

	memset(buf, (int)draw(256), sizeof(buf));
	while (want < len && (!want || iova + want) &&
	       model_byte(iova + want, is_write ? WRITE : READ))
		want++;
	ret = is_write ? uvf_aspace_write(rig->as, iova, buf, len, &done)
		       : uvf_aspace_read(rig->as, iova, buf, len, &done);
	assert_int_equal(done, want);
	assert_int_equal(ret, want == len ? 0 : -EFAULT);
	for (size_t i = 0; i < want; i++) {
		uint64_t at = model_byte(iova + i, is_write ? WRITE : READ);

		if (is_write)
			model.shadow[at - base] = buf[i];
		else if (at < base + sizeof(model.shadow))
			assert_int_equal(buf[i], model.shadow[at - base]);
		else
			assert_int_equal(buf[i], 0);
	}
}

static void step(struct rig *rig)
{
	uint64_t what = draw(80);

	if (what < 26)
		do_map(rig);
	else if (what < 44)
		do_unmap(rig, 0);
	else if (what < 45)
		do_unmap(rig, U_ALL);
	else if (what < 49)
		do_unmap(rig, U_VADDR | (draw(8) ? 0 : U_ALL));
	else
		do_dma(rig);
}

static void run(unsigned long type)
{
	const char *text = getenv("UVF_SEED");
	uint64_t size = 0, sum = 0;
	struct rig rig;

	seed = text ? strtoull(text, NULL, 0) : 20260303;
	printf("seed %llu\n", (unsigned long long)seed);
	model.is_v2 = type != VFIO_TYPE1_IOMMU;
	model.count = 0;
	memset(model.shadow, 0, sizeof(model.shadow));
	model.base = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(model.base + GOOD * PAGE, 4 * PAGE, PROT_READ);
	mprotect(model.base + (GOOD + 4) * PAGE, 2 * PAGE, PROT_NONE);
	munmap(model.base + (GOOD + 6) * PAGE, 2 * PAGE);
	rig_open(&rig, type, "6.12");
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		step(&rig);
		if (i % 64)
			continue;
		assert_int_equal(rig_available(&rig), 65535 - model.count);
		assert_memory_equal(model.base, model.shadow,
				    sizeof(model.shadow));
	}
	for (unsigned int i = 0; i < model.count; i++)
		sum += model.maps[i].last - model.maps[i].first + 1;
	assert_int_equal(rig_unmap(&rig, U_ALL, 0, &size), 0);
	assert_int_equal(size, sum);
	rig_close(&rig);
	munmap(model.base, (GOOD + 6) * PAGE);
}

/* Shows M81, M83. */
static void v1_agrees_with_the_model(void **state)
{
	(void)state;
	run(VFIO_TYPE1_IOMMU);
}

/* Shows M81, M83. */
static void v2_agrees_with_the_model(void **state)
{
	(void)state;
	run(VFIO_TYPE1v2_IOMMU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_agrees_with_the_model),
		cmocka_unit_test(v2_agrees_with_the_model),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
