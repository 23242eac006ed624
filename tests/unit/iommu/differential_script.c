/* SPDX-License-Identifier: BSD-3-Clause */
#include "differential_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define OPERATIONS 40000ul /* for each script, in a run that is not by hand */

const char *const names[] = {"v1", "v2", "c1", "c2", "n"};

struct dm_model model;
struct script script;

uint64_t draw(uint64_t below)
{
	script.state ^= script.state << 13;
	script.state ^= script.state >> 7;
	script.state ^= script.state << 17;
	return script.state % below;
}

void expect(bool is_right, const char *what, long long got, long long want)
{
	if (is_right)
		return;
	print_error("%s seed %llu operation %lu: %s: %s is %lld, not %lld\n",
		    names[model.mode], (unsigned long long)script.seed,
		    script.operation, script.what, what, got, want);
	print_error("space %u argsz %u flags %#x iova %#llx size %#llx "
		    "vaddr %#llx source %u\n",
		    script.call.space, script.call.argsz, script.call.flags,
		    (unsigned long long)script.call.iova,
		    (unsigned long long)script.call.size,
		    (unsigned long long)script.call.vaddr, script.call.source);
	fail();
}

void expect_answer(int got, int want)
{
	expect(got == want, "the answer", got, want);
	script.has_failed |= want < 0;
}

struct dm_area *draw_area(unsigned int space)
{
	struct dm_space *s = &model.spaces[space];

	return s->count ? &s->areas[draw(s->count)] : NULL;
}

uint64_t draw_iova(unsigned int space)
{
	static const uint64_t edges[] = {0,
					 1,
					 DM_PAGE - 1,
					 DM_PAGE,
					 DM_PAGE + 1,
					 DM_WINDOW - DM_PAGE,
					 DM_WINDOW - 1,
					 DM_WINDOW,
					 DM_WINDOW_LAST,
					 DM_WINDOW_LAST + 1,
					 1ull << 32,
					 DM_APERTURE - DM_PAGE,
					 DM_APERTURE - 1,
					 DM_APERTURE,
					 INT64_MAX,
					 -DM_PAGE,
					 UINT64_MAX - 1,
					 UINT64_MAX};
	const struct dm_area *area = draw_area(space);

	switch (draw(10)) {
	case 0:
		return edges[draw(sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return area ? area->first + draw(3) - 1 : 0;
	case 2:
		return area ? area->last + draw(3) - 1 : 0;
	case 3:
	case 4:
		return area ? area->first : 0;
	case 5:
		return area ? area->last + 1 : 0;
	case 6:
		return DM_WINDOW - 8 * DM_PAGE + draw(0x120) * DM_PAGE;
	default:
		return 0x100000 + draw(96) * DM_PAGE;
	}
}

uint64_t draw_size(unsigned int space)
{
	const struct dm_area *area = draw_area(space);
	uint64_t len = area ? area->last - area->first + 1 : DM_PAGE;

	switch (draw(18)) {
	case 0:
		return draw(2);
	case 1:
		return DM_PAGE - 1;
	case 2:
		return len + draw(3) - 1;
	case 3:
		return len + DM_PAGE;
	case 4:
		return len - DM_PAGE;
	case 5:
		return draw(2) ? 1ull << 63 : UINT64_MAX - draw(2);
	case 6:
	case 7:
	case 8:
		return len;
	default:
		return (1 + draw(8)) * DM_PAGE;
	}
}

uint64_t draw_vaddr(void)
{
	uint64_t vaddr = model.base + draw(DM_MEMORY) * DM_PAGE;

	if (!draw(32))
		vaddr += draw(3) - 1;
	if (!draw(256))
		vaddr = -DM_PAGE * draw(3);
	return vaddr;
}

unsigned int draw_space(void)
{
	return model.mode == DM_N ? (unsigned int)draw(2) : 0;
}

/* Flags that are right, mostly. */
uint32_t draw_flags(void)
{
	static const uint32_t vfio[] = {3, 3, 3, 3, 1, 2, 0};
	static const uint32_t native[] = {7, 7, 7, 7, 5, 3, 1, 6, 6};

	if (!draw(40))
		return (uint32_t)draw(16);
	if (model.mode == DM_N)
		return native[draw(sizeof(native) / sizeof(native[0]))];
	return vfio[draw(sizeof(vfio) / sizeof(vfio[0]))];
}

struct dm_call *begin(const char *what, const struct dm_call *call)
{
	static struct dm_call mine;

	script.what = what;
	script.call = *call;
	mine = *call;
	return &mine;
}

uint64_t first_seed(void)
{
	const char *text = getenv("UVF_SEED");

	return text ? strtoull(text, NULL, 0) : 20260303;
}

unsigned long operations(void)
{
	const char *many = getenv("UVF_OPERATIONS");

	return many ? strtoul(many, NULL, 0) : OPERATIONS;
}

void seed_script(uint64_t seed)
{
	script.seed = seed;
	script.has_failed = false;
	/* Small numbers are alike in all but a few bits, and 0 is no state. */
	script.state = (seed + 1) * 0x9e3779b97f4a7c15;
	for (int i = 0; i < 8; i++)
		(void)draw(2);
}
