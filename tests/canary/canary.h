/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the rounds of the canary and the ways to take memory away share.
 */
#ifndef TESTS_CANARY_CANARY_H
#define TESTS_CANARY_CANARY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"
#include "iommu/iommu.h"
#include "iommu/translate.h"
#include "mem/caller.h"
#include "mem/mem.h"

#define PAGE       4096ull
#define PAGES      8u
#define DEVICES    2u
#define BASE       0x100000000ull
#define LONG_BYTES (DEVICES << 20)
#define PATTERN    0xdd

struct stage;

/* Memory that is given to devices, and taken away. */
struct page {
	uint8_t *mem; /* LONG_BYTES */
	uint64_t canary;
};

struct device {
	struct uvfio_dev dev;
	unsigned int number;
	pthread_t thread;
	uint64_t hits; /* writes that reached a page; of the thread */
	void *pinned;  /* the page it pinned, if any; under its lock */
};

/* A way to take memory away. */
struct variant {
	const char *name;
	unsigned int cost; /* of a round, in rounds of the first */
	bool is_long;      /* all of a page's memory, by one access each */
	void (*begin)(struct stage *stage);
	void (*end)(struct stage *stage);
	void (*give)(struct stage *stage, struct page *page);
	/* Return the page that was taken away. */
	struct page *(*take)(struct stage *stage, struct page *page);
	/* How a device writes, under its lock; NULL: by DMA. */
	bool (*access)(const struct device *device, const uint8_t *pattern);
};

struct stage {
	uint64_t seed;
	const struct variant *variant;
	bool is_long;
	atomic_bool must_stop;
	struct uvf_mm *mm;
	struct uvf_iommu_host *host;
	struct uvf_caller caller;
	struct page pages[PAGES];
	struct device devices[DEVICES];
	unsigned int device_count;

	/* Of the variants. */
	void *type1;
	struct uvf_iommu_member member;
	struct uvf_aspace *as;
	struct uvf_aspace *other;
	struct page *given;
	struct uvf_dma_user user;
};

extern const struct variant variants[]; /* ends without a name */

/* Let all devices do DMA there; NULL: nowhere. */
void aim_devices(struct stage *on, struct uvf_aspace *as);

/* Ends the program when it is an error. */
void must(long ret, const char *what);
uint64_t next_random(uint64_t *state);

#endif /* TESTS_CANARY_CANARY_H */
