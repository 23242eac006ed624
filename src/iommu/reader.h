/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a reader does: a section in which nothing it finds goes away, and what
 * a writer does: wait for the sections that run.
 *
 * Each thread has a count of its own that is odd inside a section.  A writer
 * takes something out, looks at the counts of all threads, and waits for each
 * odd one to change.  For that, entering must be visible before what follows
 * is read.  A thread that is online, which one is that does DMA all the time,
 * leaves that to the writer, who then needs membarrier(2); any other thread
 * pays for it at each section.  So a section of a busy device costs two plain
 * stores, and a wait costs a few loads while no device is busy.
 */
#ifndef UVF_IOMMU_READER_H
#define UVF_IOMMU_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* One thread.  Its own, but for what others read. */
struct uvf_reader {
	_Atomic uint64_t section; /* odd inside; counts up at both ends */
	atomic_bool is_online;    /* writers order our stores for us */
	unsigned int depth;       /* sections that nest */
	unsigned int registered;  /* registrations that nest */
	struct uvf_list node;     /* in the list of all, under its lock */
} __attribute__((aligned(64)));

extern __thread struct uvf_reader uvf_reader_self;

/* Register this thread until it ends. */
void uvf_reader_adopt(void);

static inline void uvf_reader_enter(void)
{
	struct uvf_reader *self = &uvf_reader_self;
	uint64_t section;

	if (self->depth++)
		return;
	section = atomic_load_explicit(&self->section, memory_order_relaxed);
	if (atomic_load_explicit(&self->is_online, memory_order_relaxed)) {
		atomic_store_explicit(&self->section, section + 1,
				      memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
	} else {
		if (!self->registered)
			uvf_reader_adopt();
		atomic_store_explicit(&self->section, section + 1,
				      memory_order_seq_cst);
	}
}

static inline void uvf_reader_leave(void)
{
	struct uvf_reader *self = &uvf_reader_self;
	uint64_t section;

	if (--self->depth)
		return;
	section = atomic_load_explicit(&self->section, memory_order_relaxed);
	atomic_store_explicit(&self->section, section + 1,
			      memory_order_release);
}

/**
 * uvf_reader_synchronize() - wait for every section that runs
 * What this thread took out before is in use by nobody when it returns.
 * Context: outside of sections.
 */
void uvf_reader_synchronize(void);

#endif /* UVF_IOMMU_READER_H */
