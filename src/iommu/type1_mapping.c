/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One mapping of type1, in as few bytes as it needs.
 *
 * Of most mappings the memory says all: while domains have it, each of its
 * pages is charged to the process that it belongs to, and else none is.
 * What differs from that is kept beside it, as are bits for dirty pages.
 */
#include <stddef.h>

#include "base/alloc.h"
#include "iommu/type1.h"
#include "mem/mem.h"

static struct uvf_mapping_more *more_of(const struct uvf_mapping *mapping)
{
	return mapping->node.own & UVF_MAPPING_MORE ? mapping->more : NULL;
}

struct uvf_mem *uvf_mapping_mem(const struct uvf_mapping *mapping)
{
	const struct uvf_mapping_more *more = more_of(mapping);

	return more ? more->mem : mapping->mem;
}

void uvf_mapping_set_mem(struct uvf_mapping *mapping, struct uvf_mem *mem)
{
	struct uvf_mapping_more *more = more_of(mapping);

	uvf_mem_put(uvf_mapping_mem(mapping));
	if (more)
		more->mem = mem;
	else
		mapping->mem = mem;
}

/* What a mapping without more has. */
static uint64_t usual_charge(const struct uvf_mapping *mapping)
{
	const struct uvf_mem *mem = uvf_mapping_mem(mapping);

	return mem && uvf_mapping_is(mapping, UVF_MAPPING_MAPPED)
		       ? uvf_mem_pinned_pages(mem)
		       : 0;
}

uint64_t uvf_mapping_charged(const struct uvf_mapping *mapping)
{
	const struct uvf_mapping_more *more = more_of(mapping);

	return more ? more->charged : usual_charge(mapping);
}

struct uvf_mm *uvf_mapping_payer(const struct uvf_mapping *mapping)
{
	const struct uvf_mapping_more *more = more_of(mapping);
	const struct uvf_mem *mem = uvf_mapping_mem(mapping);

	if (more)
		return more->payer;
	return mem ? mem->mm : NULL;
}

uint64_t uvf_mapping_offset(const struct uvf_mapping *mapping)
{
	const struct uvf_mapping_more *more = more_of(mapping);

	return more ? more->offset : 0;
}

uint64_t *uvf_mapping_dirty(const struct uvf_mapping *mapping)
{
	const struct uvf_mapping_more *more = more_of(mapping);

	return more ? more->dirty : NULL;
}

struct uvf_mapping_more *uvf_mapping_get_more(struct uvf_mapping *mapping)
{
	struct uvf_mapping_more *more = more_of(mapping);

	if (more)
		return more;
	more = uvf_zalloc(sizeof(*more));
	if (!more)
		return NULL;
	more->mem = mapping->mem;
	more->payer = uvf_mapping_payer(mapping);
	more->charged = uvf_mapping_charged(mapping);
	mapping->more = more;
	mapping->node.own |= UVF_MAPPING_MORE;
	return more;
}

void uvf_mapping_simplify(struct uvf_mapping *mapping)
{
	struct uvf_mapping_more *more = more_of(mapping);

	if (!more || more->task.pid || more->task.is_unlimited || more->dirty ||
	    more->large_page ||
	    uvf_range_size(mapping->node.key) != more->mem->size ||
	    more->charged != usual_charge(mapping) ||
	    (more->charged && more->payer != more->mem->mm))
		return;
	mapping->mem = more->mem;
	mapping->node.own &= ~UVF_MAPPING_MORE;
	uvf_free(more);
}

void uvf_mapping_fini(struct uvf_mapping *mapping)
{
	struct uvf_mapping_more *more = more_of(mapping);

	uvf_account_uncharge(uvf_mapping_payer(mapping),
			     uvf_mapping_charged(mapping));
	uvf_mapping_set_mem(mapping, NULL);
	if (!more)
		return;
	uvf_free(more->dirty);
	uvf_free(more);
}
