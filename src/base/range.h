/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intervals of addresses with two inclusive ends, so that the last byte of
 * the address space is like any other.
 */
#ifndef UVF_BASE_RANGE_H
#define UVF_BASE_RANGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct uvf_range {
	uint64_t first;
	uint64_t last; /* >= first */
};

/**
 * uvf_range_make() - the only way from a start and a size to an interval
 * @ret_range: written on success only
 * @first:     first byte
 * @size:      bytes
 *
 * Return: 0, or
 *   -EINVAL     @size is 0
 *   -EOVERFLOW  the last byte lies beyond 2^64 - 1
 */
static inline int uvf_range_make(struct uvf_range *ret_range, uint64_t first,
				 uint64_t size)
{
	uint64_t last;

	if (!size)
		return -EINVAL;
	if (__builtin_add_overflow(first, size - 1, &last))
		return -EOVERFLOW;
	ret_range->first = first;
	ret_range->last = last;
	return 0;
}

/* Bytes; 0 stands for all of the 2^64. */
static inline uint64_t uvf_range_size(struct uvf_range range)
{
	return range.last - range.first + 1;
}

static inline bool uvf_range_meets(struct uvf_range a, struct uvf_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

static inline bool uvf_range_contains(struct uvf_range outer,
				      struct uvf_range inner)
{
	return outer.first <= inner.first && inner.last <= outer.last;
}

/* Whether both ends lie on multiples of @align, a power of two. */
static inline bool uvf_range_is_aligned(struct uvf_range range, uint64_t align)
{
	return !(range.first & (align - 1)) &&
	       !((range.last + 1) & (align - 1));
}

#endif /* UVF_BASE_RANGE_H */
