/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls on an iommufd against a model that shares nothing with what
 * it judges: lists of areas, and objects that are looked for one by one.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPERATIONS  60000u
#define IDS_MAX     24u
#define AREAS_MAX   32u
#define DEVICES     3u /* the first two are of one group */
#define APERTURE    (1ull << 48)
#define WINDOW      0xfee00000ull
#define WINDOW_LAST 0xfeefffffull

enum kind {
	NONE,
	IOAS,
	HWPT,
	DEVICE
};

struct area {
	uint64_t first, size, vaddr;
	bool is_writable; /* for the device */
	bool may_write;   /* of the memory behind it, as first mapped */
	bool is_readable;
};

static struct object {
	enum kind kind;
	struct area areas[AREAS_MAX];
	unsigned int area_count;
	unsigned int ioas; /* of a page table: its space */
} model[IDS_MAX];

/* Where each device is: the id of a page table, or 0. */
static unsigned int at[DEVICES];
static uint32_t device_ids[DEVICES];
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static unsigned int group_of(unsigned int device)
{
	return device ? device - 1 : 0; /* 0 and 1: group 0 */
}

static unsigned int lowest_free(void)
{
	unsigned int id = 1;

	while (model[id].kind)
		id++;
	return id;
}

static bool has_page_table(unsigned int ioas)
{
	for (unsigned int id = 1; id < IDS_MAX; id++)
		if (model[id].kind == HWPT && model[id].ioas == ioas)
			return true;
	return false;
}

/* Devices and page tables come and go together, for all are automatic. */
static bool is_reserved(unsigned int ioas, uint64_t first, uint64_t last)
{
	return has_page_table(ioas) &&
	       ((first <= WINDOW_LAST && last >= WINDOW) || last >= APERTURE);
}

static const struct area *find_area(unsigned int ioas, uint64_t first,
				    uint64_t last)
{
	const struct area *best = NULL;

	for (unsigned int i = 0; i < model[ioas].area_count; i++) {
		const struct area *area = &model[ioas].areas[i];

		if (area->first <= last &&
		    area->first + (area->size - 1) >= first &&
		    (!best || area->first < best->first))
			best = area;
	}
	return best;
}

static void add_area(unsigned int ioas, struct area area)
{
	model[ioas].areas[model[ioas].area_count++] = area;
}

static void remove_area(unsigned int ioas, const struct area *area)
{
	struct object *object = &model[ioas];

	*(struct area *)(uintptr_t)area = object->areas[--object->area_count];
}

static bool is_there(uint64_t vaddr, uint64_t size)
{
	uint64_t base = (uintptr_t)rig_memory;

	return vaddr >= base && vaddr + size <= base + RIG_PAGES * PAGE;
}

static unsigned int draw_ioas(void)
{
	for (unsigned int tries = 0; tries < 40; tries++) {
		unsigned int id = 1 + (unsigned int)draw(IDS_MAX - 1);

		if (model[id].kind == IOAS)
			return id;
	}
	return 1 + (unsigned int)draw(IDS_MAX - 1);
}

static uint64_t draw_iova(void)
{
	static const uint64_t edges[] = {0,
					 WINDOW - PAGE,
					 WINDOW,
					 WINDOW_LAST + 1,
					 APERTURE - PAGE,
					 APERTURE,
					 UINT64_MAX,
					 UINT64_MAX - 1,
					 -PAGE};

	if (!draw(12))
		return edges[draw(sizeof(edges) / sizeof(edges[0]))];
	return 0x100000 + draw(48) * PAGE + (draw(20) ? 0 : draw(PAGE));
}

static uint64_t draw_size(void)
{
	return draw(16) ? (1 + draw(6)) * PAGE : draw(3 * PAGE);
}

static uint64_t round_up_to_power(uint64_t size)
{
	uint64_t power = 1;

	while (power < size)
		power *= 2;
	return power;
}

/* The lowest place, one candidate after the other. */
static int model_choose(unsigned int ioas, uint64_t vaddr, uint64_t size,
			uint64_t *iova)
{
	uint64_t alignment = round_up_to_power(size);
	uint64_t pos;

	while (vaddr % alignment)
		alignment /= 2;
	if (alignment > 2ull << 20)
		alignment = 2ull << 20;
	if (has_page_table(ioas) && alignment < PAGE)
		return -EINVAL;
	for (pos = (PAGE + alignment - 1) / alignment * alignment;;
	     pos += alignment) {
		uint64_t start = pos | vaddr % PAGE;

		if (start >= PAGE &&
		    !find_area(ioas, start, start + size - 1) &&
		    !is_reserved(ioas, start, start + size - 1)) {
			*iova = start;
			return 0;
		}
	}
}

static int model_place(unsigned int ioas, uint64_t vaddr, uint64_t size,
		       bool is_fixed, uint64_t *iova)
{
	uint64_t last;

	if (has_page_table(ioas) && size % PAGE)
		return -EINVAL;
	if (!is_fixed)
		return model_choose(ioas, vaddr, size, iova);
	if (has_page_table(ioas) && *iova % PAGE)
		return -EINVAL;
	if (__builtin_add_overflow(*iova, size - 1, &last))
		return -EOVERFLOW;
	if (is_reserved(ioas, *iova, last))
		return -EINVAL;
	return find_area(ioas, *iova, last) ? -EEXIST : 0;
}

static int model_map(unsigned int ioas, uint32_t flags, uint64_t vaddr,
		     uint64_t size, uint64_t *iova)
{
	uint64_t place = *iova;
	int ret;

	if (*iova == UINT64_MAX)
		return -EOVERFLOW;
	if (!(flags & RW))
		return -EINVAL;
	if (model[ioas].kind != IOAS)
		return -ENOENT;
	if (!size)
		return -EINVAL;
	ret = model_place(ioas, vaddr, size, flags & FIXED, &place);
	if (ret)
		return ret;
	if (has_page_table(ioas) && vaddr % PAGE)
		return -EINVAL;
	if (has_page_table(ioas) && !is_there(vaddr, size))
		return -EFAULT;
	*iova = place;
	add_area(ioas, (struct area){place, size, vaddr, flags & WRITE,
				     flags & WRITE, flags & READ});
	return 0;
}

static void test_map(struct rig *rig)
{
	unsigned int ioas = draw_ioas();
	uint32_t flags = (uint32_t)draw(8);
	uint64_t vaddr = (uintptr_t)rig_memory + draw(RIG_PAGES) * PAGE +
			 (draw(16) ? 0 : draw(PAGE));
	uint64_t size = draw_size();
	uint64_t iova = draw_iova();
	uint64_t expected = iova, got = iova;
	int ret;

	if (model[ioas].area_count > AREAS_MAX - 8)
		return;
	/* Only such memory gets the lowest place that fits. */
	if (!(flags & FIXED))
		vaddr &= -PAGE;
	ret = model_map(ioas, flags, vaddr, size, &expected);
	assert_int_equal(
		rig_map(rig, ioas, flags, (void *)(uintptr_t)vaddr, size, &got),
		ret);
	assert_true(got == expected);
}

/* Whole areas from the lowest on, until one reaches over an end. */
static int model_unmap(unsigned int ioas, uint64_t iova, uint64_t *size)
{
	bool is_all = !iova && *size == UINT64_MAX;
	uint64_t last = UINT64_MAX, gone = 0;
	const struct area *area;

	if (model[ioas].kind != IOAS)
		return -ENOENT;
	if (!is_all && (iova == UINT64_MAX || *size == UINT64_MAX))
		return -EOVERFLOW;
	if (!is_all && !*size)
		return -EINVAL;
	if (!is_all && __builtin_add_overflow(iova, *size - 1, &last))
		return -EOVERFLOW;
	while ((area = find_area(ioas, iova, last))) {
		if (area->first < iova || area->first + (area->size - 1) > last)
			return -ENOENT;
		gone += area->size;
		remove_area(ioas, area);
	}
	if (!gone && !is_all)
		return -ENOENT;
	*size = gone;
	return 0;
}

static void test_unmap(struct rig *rig)
{
	unsigned int ioas = draw_ioas();
	uint64_t iova = draw_iova();
	uint64_t size = draw_size() * (1 + draw(6));
	uint64_t expected;
	int ret;

	if (model[ioas].area_count && draw(2)) {
		const struct area *area =
			&model[ioas].areas[draw(model[ioas].area_count)];

		iova = area->first;
		size = area->size + (draw(4) ? 0 : 1 - draw(3));
	}
	if (!draw(40)) {
		iova = 0;
		size = UINT64_MAX;
	}
	expected = size;
	ret = model_unmap(ioas, iova, &expected);
	assert_int_equal(rig_unmap(rig, ioas, iova, &size), ret);
	assert_true(size == expected);
}

/* What lies side by side from @src on, up to @count pieces; 0: a hole. */
static unsigned int cut_out(unsigned int ioas, uint64_t src, uint64_t size,
			    struct area pieces[8])
{
	unsigned int count = 0;

	while (size) {
		const struct area *area = find_area(ioas, src, src);
		uint64_t rest;

		if (!area || count == 8)
			return 0;
		rest = area->size - (src - area->first);
		pieces[count] = *area;
		pieces[count].vaddr += src - area->first;
		pieces[count].size = rest < size ? rest : size;
		src += pieces[count].size;
		size -= pieces[count++].size;
	}
	return count;
}

static int model_copy(unsigned int to, uint64_t *dst, unsigned int from,
		      uint64_t src, uint64_t size, uint32_t flags)
{
	struct area pieces[8];
	unsigned int count;
	uint64_t place = *dst, last;
	int ret;

	if (src == UINT64_MAX || *dst == UINT64_MAX)
		return -EOVERFLOW;
	if (!(flags & RW))
		return -EINVAL;
	if (model[from].kind != IOAS)
		return -ENOENT;
	if (!size)
		return -EINVAL;
	if (__builtin_add_overflow(src, size - 1, &last))
		return -EOVERFLOW;
	count = cut_out(from, src, size, pieces);
	if (!count || model[to].kind != IOAS)
		return -ENOENT;
	ret = model_place(to, pieces[0].vaddr, size, flags & FIXED, &place);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < count; i++) {
		if (flags & WRITE && !pieces[i].may_write)
			return -EPERM;
		if (has_page_table(to) && pieces[i].vaddr % PAGE)
			return -EINVAL;
		/* All of what was mapped is looked at, not the piece. */
		if (has_page_table(to) &&
		    !is_there(pieces[i].vaddr, pieces[i].size))
			return -EFAULT;
	}
	*dst = place;
	for (unsigned int i = 0; i < count; i++) {
		pieces[i].first = place;
		pieces[i].is_writable = flags & WRITE;
		pieces[i].is_readable = flags & READ;
		add_area(to, pieces[i]);
		place += pieces[i].size;
	}
	return 0;
}

/* Memory that is not there is left out: whether it is looked at depends on
 * the length of the first map, which areas do not tell.
 */
static bool has_bad_memory(unsigned int ioas)
{
	for (unsigned int i = 0; i < model[ioas].area_count; i++)
		if (!is_there(model[ioas].areas[i].vaddr,
			      model[ioas].areas[i].size))
			return true;
	return false;
}

/* Whether what is mapped there begins with a page; or nothing is. */
static bool is_page_aligned(unsigned int ioas, uint64_t iova)
{
	const struct area *area = find_area(ioas, iova, iova);

	return !area || (area->vaddr + (iova - area->first)) % PAGE == 0;
}

static void test_copy(struct rig *rig)
{
	unsigned int to = draw_ioas(), from = draw_ioas();
	uint32_t flags = (uint32_t)draw(8);
	uint64_t src = draw_iova(), dst = draw_iova(), size = draw_size();
	uint64_t expected, got = dst;
	int ret;

	if (model[from].area_count && draw(8)) {
		const struct area *area =
			&model[from].areas[draw(model[from].area_count)];

		src = area->first + (draw(2) ? 0 : PAGE);
		size = draw(2) ? area->size : size;
	}
	if (model[to].area_count > AREAS_MAX - 10 || has_bad_memory(from))
		return;
	if (!(flags & FIXED) && !is_page_aligned(from, src))
		return;
	expected = dst;
	ret = model_copy(to, &expected, from, src, size, flags);
	assert_int_equal(rig_copy(rig, to, &got, from, src, size, flags), ret);

	assert_true(got == expected);
}

/* Errors of a space that gets its first page table, in the order tested. */
static int model_fill(unsigned int ioas, bool is_attached)
{
	bool in_window = find_area(ioas, WINDOW, WINDOW_LAST);

	if (!is_attached && in_window)
		return -EADDRINUSE;
	for (unsigned int i = 0; i < model[ioas].area_count; i++) {
		const struct area *area = &model[ioas].areas[i];

		if ((area->first | area->size | area->vaddr) % PAGE)
			return -EADDRINUSE;
	}
	if (find_area(ioas, APERTURE, UINT64_MAX))
		return -EADDRINUSE;
	if (has_bad_memory(ioas))
		return -EFAULT;
	return in_window ? -EADDRINUSE : 0;
}

static unsigned int count_on(unsigned int hwpt)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < DEVICES; i++)
		count += at[i] == hwpt;
	return count;
}

static void drop_if_empty(unsigned int hwpt)
{
	if (hwpt && !count_on(hwpt))
		model[hwpt].kind = NONE;
}

static bool other_of_group_is_elsewhere(unsigned int device, unsigned int hwpt)
{
	for (unsigned int i = 0; i < DEVICES; i++)
		if (i != device && group_of(i) == group_of(device) && at[i] &&
		    at[i] != hwpt)
			return true;
	return false;
}

/* A device that is attached takes its group along. */
static void move(unsigned int device, unsigned int hwpt)
{
	unsigned int former = at[device];

	for (unsigned int i = 0; i < DEVICES; i++)
		if (i == device || (former && at[i] == former &&
				    group_of(i) == group_of(device)))
			at[i] = hwpt;
	drop_if_empty(former);
}

static int model_attach(unsigned int device, uint32_t *pt)
{
	unsigned int id = *pt, hwpt = 0;
	int ret;

	if (id >= IDS_MAX || !model[id].kind)
		return -ENOENT;
	if (model[id].kind == DEVICE)
		return -EINVAL;
	if (model[id].kind == HWPT)
		hwpt = id;
	for (unsigned int i = 1; !hwpt && i < IDS_MAX; i++)
		if (model[i].kind == HWPT && model[i].ioas == id)
			hwpt = i;
	if (!at[device] && other_of_group_is_elsewhere(device, hwpt))
		return -EINVAL;
	if (!hwpt) {
		ret = model_fill(id, at[device]);
		if (ret)
			return ret;
		hwpt = lowest_free();
		model[hwpt] = (struct object){.kind = HWPT, .ioas = id};
	}
	move(device, hwpt);
	*pt = hwpt;
	return 0;
}

static void test_attach(struct uvf_iommufd_device **devices)
{
	unsigned int device = (unsigned int)draw(DEVICES);
	uint32_t pt = draw(3) ? draw_ioas() : (uint32_t)draw(IDS_MAX + 2);
	uint32_t expected = pt;
	int ret = model_attach(device, &expected);

	assert_int_equal(uvf_iommufd_device_attach(devices[device], &pt), ret);
	assert_int_equal(pt, expected);
}

static void test_detach(struct uvf_iommufd_device **devices)
{
	unsigned int device = (unsigned int)draw(DEVICES);
	unsigned int former = at[device];

	at[device] = 0;
	drop_if_empty(former);
	uvf_iommufd_device_detach(devices[device]);
}

static void test_destroy(struct rig *rig)
{
	unsigned int id = (unsigned int)draw(IDS_MAX + 2);
	int ret = 0;

	if (id >= IDS_MAX || !model[id].kind)
		ret = -ENOENT;
	else if (model[id].kind != IOAS || has_page_table(id))
		ret = -EBUSY;
	else
		memset(&model[id], 0, sizeof(model[id]));
	assert_int_equal(rig_destroy(rig, id), ret);
}

static void test_alloc(struct rig *rig)
{
	unsigned int id = lowest_free();

	if (id > IDS_MAX / 2)
		return;
	memset(&model[id], 0, sizeof(model[id]));
	model[id].kind = IOAS;
	assert_int_equal(rig_ioas(rig), id);
}

/* What a device reads there, by the lists. */
static int model_read(unsigned int device, uint64_t iova)
{
	const struct area *area;

	if (!at[device])
		return -EFAULT;
	area = find_area(model[at[device]].ioas, iova, iova);
	if (!area || !area->is_readable)
		return -EFAULT;
	return *(const uint8_t *)(uintptr_t)(area->vaddr +
					     (iova - area->first));
}

static void test_read(const struct group *groups)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int device = (unsigned int)draw(DEVICES);
		uint64_t iova = draw_iova();
		int expected = model_read(device, iova);

		/* One of the group is enough for both. */
		for (unsigned int k = 0; k < DEVICES; k++)
			if (group_of(k) == group_of(device) && at[k])
				expected = model_read(k, iova);
		assert_int_equal(rig_read(&groups[group_of(device)], iova),
				 expected);
	}
}

static void run(uint64_t start)
{
	struct uvf_iommufd_device *devices[DEVICES];
	struct group groups[2] = {{0}};
	struct rig rig;

	seed = start;
	memset(model, 0, sizeof(model));
	memset(at, 0, sizeof(at));
	rig_open(&rig);
	for (unsigned int i = 0; i < DEVICES; i++) {
		devices[i] = rig_bind(&rig, &groups[group_of(i)]);
		device_ids[i] = uvf_iommufd_device_id(devices[i]);
		model[device_ids[i]].kind = DEVICE;
	}
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		uint64_t op = draw(100);

		if (op < 40)
			test_map(&rig);
		else if (op < 60)
			test_unmap(&rig);
		else if (op < 75)
			test_copy(&rig);
		else if (op < 83)
			test_attach(devices);
		else if (op < 87)
			test_detach(devices);
		else if (op < 89)
			test_destroy(&rig);
		else if (op < 92)
			test_alloc(&rig);
		else
			test_read(groups);
	}
	for (unsigned int i = 0; i < DEVICES; i++)
		uvf_iommufd_device_unbind(devices[i]);
	rig_close(&rig);
}

/* Shows M81. */
static void random_calls_agree_with_the_model(void **state)
{
	const char *text = getenv("UVF_TEST_SEED");

	(void)state;
	for (uint64_t start = 1; start <= 5; start++) {
		uint64_t use = text ? strtoull(text, NULL, 0)
				    : start * 0x9e3779b97f4a7c15;

		print_message("seed 0x%llx\n", (unsigned long long)use);
		run(use);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
