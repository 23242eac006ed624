/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reference counts.
 */
#ifndef UVF_BASE_REF_H
#define UVF_BASE_REF_H

#include <stdatomic.h>
#include <stdbool.h>

struct uvf_ref {
	atomic_uint count;
};

static inline void uvf_ref_init(struct uvf_ref *ref)
{
	atomic_init(&ref->count, 1);
}

/* Only for a caller who holds a reference already. */
static inline void uvf_ref_get(struct uvf_ref *ref)
{
	atomic_fetch_add_explicit(&ref->count, 1, memory_order_relaxed);
}

/* For a caller who holds none; false when the last one went already. */
static inline bool uvf_ref_try_get(struct uvf_ref *ref)
{
	unsigned int count =
		atomic_load_explicit(&ref->count, memory_order_relaxed);

	while (count)
		if (atomic_compare_exchange_weak_explicit(
			    &ref->count, &count, count + 1,
			    memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

/* True when the last reference went and the object must be destroyed. */
static inline bool uvf_ref_put(struct uvf_ref *ref)
{
	return atomic_fetch_sub_explicit(&ref->count, 1,
					 memory_order_acq_rel) == 1;
}

#endif /* UVF_BASE_REF_H */
