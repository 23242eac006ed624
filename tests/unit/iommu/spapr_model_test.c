/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls and DMA against a model of sPAPR TCE that shares nothing with
 * what it judges: an array of TCEs for each window, and a list of memory.
 */
#include "spapr_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iommu/translate.h"

#define OPERATIONS 60000u /* for each version */
#define TCES       1024u  /* the most that a window has */
#define REGIONS    16u
#define PAGES      (SPAPR_GOOD + 4u + 4u)
#define REGISTER   VFIO_IOMMU_SPAPR_REGISTER_MEMORY
#define UNREGISTER VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY

struct tce {
	uint64_t vaddr;
	uint32_t prot; /* 0: clear */
};

struct table {
	unsigned int shift; /* 0: no window */
	uint64_t first;
	uint64_t count;
	uint64_t charged; /* pages */
	struct tce tces[TCES];
};

struct region {
	uint64_t vaddr, size;
};

static struct {
	bool is_v2, is_enabled, has_mm, is_pending;
	struct table tables[2];
	struct region regions[REGIONS];
	unsigned int region_count;
	uint64_t charged;
	uint8_t shadow[SPAPR_GOOD * 4096];
} model;

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static uint64_t base_of(void)
{
	return (uintptr_t)spapr_memory;
}

static uint64_t draw_iova(void)
{
	static const uint64_t edges[] = {0,
					 1,
					 PAGE - 1,
					 TCES * PAGE - PAGE,
					 TCES * PAGE - 1,
					 TCES * PAGE,
					 HIGH - 1,
					 HIGH,
					 HIGH + 512 * 16 * PAGE - 1,
					 HIGH + 512 * 16 * PAGE,
					 1ull << 63,
					 UINT64_MAX,
					 -PAGE};

	switch (draw(8)) {
	case 0:
		return edges[draw(sizeof(edges) / sizeof(edges[0]))];
	case 1:
	case 2:
		return HIGH + draw(12) * 16 * PAGE;
	case 3:
		return HIGH + draw(64) * PAGE;
	default:
		return draw(48) * PAGE;
	}
}

static uint64_t draw_size(void)
{
	static const uint64_t odd[] = {0,
				       1,
				       PAGE - 1,
				       TCES * PAGE,
				       TCES * PAGE + PAGE,
				       1ull << 63,
				       UINT64_MAX,
				       -PAGE};

	switch (draw(10)) {
	case 0:
		return odd[draw(sizeof(odd) / sizeof(odd[0]))];
	case 1:
	case 2:
		return (1 + draw(3)) * 16 * PAGE;
	default:
		return (1 + draw(8)) * PAGE;
	}
}

static uint64_t draw_vaddr(void)
{
	if (!draw(24))
		return base_of() + draw(PAGES * PAGE);
	if (!draw(3))
		return base_of() + draw(5) * 16 * PAGE;
	return base_of() + draw(PAGES) * PAGE;
}

/* Whether all of it can be written. */
static bool is_writable(uint64_t vaddr, uint64_t size)
{
	uint64_t at = vaddr - base_of();

	return at < SPAPR_GOOD * PAGE && size <= SPAPR_GOOD * PAGE - at;
}

static struct table *table_at(uint64_t iova)
{
	for (int i = 0; i < 2; i++) {
		struct table *table = &model.tables[i];

		if (table->shift && iova >= table->first &&
		    (iova - table->first) >> table->shift < table->count)
			return table;
	}
	return NULL;
}

static int model_create(unsigned int shift, uint64_t size, uint64_t charged,
			uint64_t *ret_start)
{
	int slot = !model.tables[0].shift ? 0 : !model.tables[1].shift ? 1 : -1;
	struct table *table;

	if (slot < 0)
		return -ENOSPC;
	table = &model.tables[slot];
	memset(table, 0, sizeof(*table));
	table->shift = shift;
	table->first = slot ? HIGH : 0;
	table->count = size >> shift < 512 ? 512 : size >> shift;
	table->charged = charged;
	model.charged += charged;
	*ret_start = table->first;
	return 0;
}

/* The default window, of 4 MiB here: a table of two pages, and its copy. */
static void model_use(void)
{
	uint64_t start;

	if (model.is_pending)
		assert_int_equal(model_create(12, TCES * PAGE, 4, &start), 0);
	model.is_pending = false;
}

/* Whether one TCE may lead there. */
static int model_check(uint64_t vaddr, unsigned int shift)
{
	uint64_t size = 1ull << shift;

	if (!model.is_v2)
		return is_writable(vaddr, size) ? 0 : -EFAULT;
	for (unsigned int i = 0; i < model.region_count; i++) {
		const struct region *region = &model.regions[i];
		uint64_t all = region->vaddr | region->size;

		if (vaddr >= region->vaddr &&
		    vaddr - region->vaddr + size <= region->size)
			return all & (size - 1) ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int model_map(const struct vfio_iommu_type1_dma_map *map)
{
	struct table *table;
	uint64_t mask, at, count;

	if (!model.is_enabled)
		return -EPERM;
	if (map->argsz < 32 || map->flags & ~3u)
		return -EINVAL;
	model_use();
	table = table_at(map->iova);
	if (!table)
		return -ENXIO;
	mask = (1ull << table->shift) - 1;
	at = (map->iova - table->first) >> table->shift;
	count = map->size >> table->shift;
	if ((map->size | map->vaddr | map->iova) & mask || !map->flags ||
	    count > table->count - at)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t vaddr = map->vaddr + (i << table->shift);
		int ret = model_check(vaddr, table->shift);

		if (ret) {
			memset(&table->tces[at], 0, i * sizeof(struct tce));
			return ret;
		}
		table->tces[at + i] = (struct tce){vaddr, map->flags};
	}
	return 0;
}

static int model_unmap(const struct vfio_iommu_type1_dma_unmap *unmap)
{
	struct table *table;
	uint64_t at, count;

	if (!model.is_enabled)
		return -EPERM;
	if (unmap->argsz < 24 || unmap->flags)
		return -EINVAL;
	model_use();
	table = table_at(unmap->iova);
	if (!table)
		return -ENXIO;
	at = (unmap->iova - table->first) >> table->shift;
	count = unmap->size >> table->shift;
	if ((unmap->size | unmap->iova) & ((1ull << table->shift) - 1) ||
	    count > table->count - at)
		return -EINVAL;
	memset(&table->tces[at], 0, count * sizeof(struct tce));
	return 0;
}

static int model_register(uint64_t vaddr, uint64_t size)
{
	model.has_mm = true;
	if ((vaddr | size) & (PAGE - 1) || vaddr + size < vaddr)
		return -EINVAL;
	if (!size)
		return -ENOMEM;
	for (unsigned int i = 0; i < model.region_count; i++)
		if (model.regions[i].vaddr == vaddr &&
		    model.regions[i].size == size)
			return -EBUSY;
	if (!is_writable(vaddr, size))
		return -EFAULT;
	for (unsigned int i = 0; i < model.region_count; i++)
		if (model.regions[i].vaddr < vaddr + size &&
		    vaddr < model.regions[i].vaddr + model.regions[i].size)
			return -EINVAL;
	model.regions[model.region_count++] = (struct region){vaddr, size};
	model.charged += size / PAGE;
	model.is_enabled = true;
	return 0;
}

static bool model_is_mapped(const struct region *region)
{
	for (int i = 0; i < 2; i++)
		for (uint64_t t = 0;
		     model.tables[i].shift && t < model.tables[i].count; t++) {
			const struct tce *tce = &model.tables[i].tces[t];

			if (tce->prot && tce->vaddr >= region->vaddr &&
			    tce->vaddr - region->vaddr < region->size)
				return true;
		}
	return false;
}

static int model_unregister(uint64_t vaddr, uint64_t size)
{
	if (!model.has_mm)
		return -EPERM;
	if ((vaddr | size) & (PAGE - 1))
		return -EINVAL;
	for (unsigned int i = 0; i < model.region_count; i++) {
		if (model.regions[i].vaddr != vaddr ||
		    model.regions[i].size != size)
			continue;
		if (model_is_mapped(&model.regions[i]))
			return -EBUSY;
		model.regions[i] = model.regions[--model.region_count];
		model.charged -= size / PAGE;
		return 0;
	}
	return -ENOENT;
}

static void do_map(struct spapr_rig *rig)
{
	static const uint32_t flags[] = {3, 3, 3, 3, 1, 2, 0, 4};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = draw(64) ? 32 : (uint32_t)draw(40),
		.flags = flags[draw(8)],
		.iova = draw_iova(),
		.size = draw_size(),
		.vaddr = draw_vaddr(),
	};
	struct vfio_iommu_type1_dma_map before = map;
	int ret = model_map(&map);

	assert_int_equal(spapr_ioctl(rig, VFIO_IOMMU_MAP_DMA, &map), ret);
	assert_memory_equal(&map, &before, sizeof(map));
}

static void do_unmap(struct spapr_rig *rig)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = draw(64) ? 24 : (uint32_t)draw(32),
		.flags = draw(32) ? 0 : 2,
		.iova = draw_iova(),
		.size = draw_size(),
	};
	struct vfio_iommu_type1_dma_unmap before = unmap;
	int ret = model_unmap(&unmap);

	assert_int_equal(spapr_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &unmap), ret);
	assert_memory_equal(&unmap, &before, sizeof(unmap));
}

static void do_memory(struct spapr_rig *rig)
{
	uint64_t vaddr = draw_vaddr();
	uint64_t size = draw(12) ? draw_size() : (1 + draw(64)) * PAGE;
	bool is_new = draw(2);
	int ret;

	if (!is_new && model.region_count && draw(4)) {
		const struct region *region =
			&model.regions[draw(model.region_count)];

		vaddr = region->vaddr;
		size = region->size;
	}
	if (is_new && model.region_count == REGIONS)
		return;
	ret = !model.is_v2 ? -ENOTTY
	      : is_new     ? model_register(vaddr, size)
			   : model_unregister(vaddr, size);
	assert_int_equal(spapr_register(rig, is_new ? REGISTER : UNREGISTER,
					(void *)(uintptr_t)vaddr, size),
			 ret);
}

static void do_window(struct spapr_rig *rig)
{
	/* Windows of both sizes of page, and what the table of each costs. */
	static const struct {
		uint32_t shift;
		uint64_t size, charged;
	} kinds[] = {{12, TCES * PAGE, 4}, {16, 1ull << 16, 2}, {12, 4096, 2}};
	uint64_t kind = draw(3), start, want = 7;
	struct table *table;
	int ret = 0;

	if (!model.is_v2) {
		assert_int_equal(spapr_remove(rig, 0), -ENOTTY);
		return;
	}
	model.has_mm = true;
	if (draw(2)) {
		model_use();
		ret = model_create(kinds[kind].shift, kinds[kind].size,
				   kinds[kind].charged, &want);
		assert_int_equal(spapr_create(rig, kinds[kind].shift,
					      kinds[kind].size, 1, &start),
				 ret);
		assert_int_equal(start, want);
		return;
	}
	start = draw_iova();
	table = table_at(start);
	if (model.is_pending && !start) {
		model.is_pending = false;
	} else if (table) {
		model.charged -= table->charged;
		table->shift = 0;
	} else {
		ret = -EINVAL;
	}
	assert_int_equal(spapr_remove(rig, start), ret);
}

static void do_enable(struct spapr_rig *rig)
{
	const bool on = draw(3);
	int ret = model.is_v2 ? -ENOTTY : on && model.is_enabled ? -EBUSY : 0;

	if (!ret && on) {
		model.has_mm = true;
		model.charged += TCES;
	} else if (!ret && model.is_enabled) {
		model.charged -= TCES;
	}
	if (!ret)
		model.is_enabled = on;
	assert_int_equal(
		spapr_ioctl(rig, on ? VFIO_IOMMU_ENABLE : VFIO_IOMMU_DISABLE,
			    NULL),
		ret);
}

/* Where a byte of a device lies in the client, or 0. */
static uint64_t model_byte(uint64_t iova, uint32_t prot)
{
	const struct table *table = table_at(iova);
	uint64_t at = table ? iova - table->first : 0;
	const struct tce *tce;

	if (!table)
		return 0;
	tce = &table->tces[at >> table->shift];
	if (!(tce->prot & prot))
		return 0;
	return tce->vaddr + (at & ((1ull << table->shift) - 1));
}

static void do_dma(struct spapr_rig *rig)
{
	uint8_t buf[3 * 4096];
	uint64_t iova = draw_iova();
	size_t len = draw(4) ? 1 + draw(40) : 1 + draw(sizeof(buf));
	bool is_write = draw(2);
	uint32_t prot = is_write ? WRITE : READ;
	size_t want = 0, done;
	int ret;

	memset(buf, (int)draw(256), sizeof(buf));
	while (want < len && (!want || iova + want) &&
	       model_byte(iova + want, prot))
		want++;
	ret = is_write ? uvf_aspace_write(rig->as, iova, buf, len, &done)
		       : uvf_aspace_read(rig->as, iova, buf, len, &done);
	assert_int_equal(done, want);
	assert_int_equal(ret, want == len ? 0 : -EFAULT);
	for (size_t i = 0; i < want; i++) {
		uint64_t at = model_byte(iova + i, prot) - base_of();

		if (is_write)
			model.shadow[at] = buf[i];
		else
			assert_int_equal(buf[i], model.shadow[at]);
	}
}

static void step(struct spapr_rig *rig)
{
	uint64_t what = draw(80);

	if (what < 28)
		do_map(rig);
	else if (what < 44)
		do_unmap(rig);
	else if (what < 50)
		do_memory(rig);
	else if (what < 53)
		do_window(rig);
	else if (what < 55)
		do_enable(rig);
	else
		do_dma(rig);
}

static void run(unsigned long type)
{
	const char *text = getenv("UVF_SEED");
	const char *many = getenv("UVF_OPERATIONS");
	unsigned long count = many ? strtoul(many, NULL, 0) : OPERATIONS;
	struct spapr_rig rig;

	seed = text ? strtoull(text, NULL, 0) : 20260303;
	printf("seed %llu, %lu operations\n", (unsigned long long)seed, count);
	memset(&model, 0, sizeof(model));
	model.is_v2 = type == V2;
	model.is_pending = true;
	spapr_open_rig(&rig, type, "6.12");
	rig.hw.window_size = TCES * PAGE;
	memset(spapr_memory, 0, sizeof(model.shadow));
	for (unsigned long i = 0; i < count; i++) {
		step(&rig);
		assert_int_equal(spapr_charged(&rig), model.charged);
		if (i % 256 == 0)
			assert_memory_equal(spapr_memory, model.shadow,
					    sizeof(model.shadow));
	}
	spapr_close_rig(&rig);
}

/* Shows M41, M43. */
static void v1_agrees_with_the_model(void **state)
{
	(void)state;
	run(V1);
}

/* Shows M42, M43. */
static void v2_agrees_with_the_model(void **state)
{
	(void)state;
	run(V2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_agrees_with_the_model),
		cmocka_unit_test(v2_agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
