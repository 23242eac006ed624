/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an IOMMU of VFIO has to answer, by lists that are looked through from
 * end to end.  It shares nothing with what it judges: no header, no tree.
 *
 * Five modes: the types v1 and v2 of a container, the same two on an iommufd
 * (c1, c2), and an iommufd's own calls (n).
 */
#ifndef TESTS_UNIT_IOMMU_DIFFERENTIAL_MODEL_H
#define TESTS_UNIT_IOMMU_DIFFERENTIAL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define DM_PAGE  4096ull
#define DM_AREAS 160u
#define DM_READ  1u /* the device may, as in the flags of VFIO */
#define DM_WRITE 2u
#define DM_RW    3u

/* Client memory: pages to read and write, to read only, for nothing. */
#define DM_GOOD      16u
#define DM_READ_ONLY 4u
#define DM_NOTHING   4u /* half of them not even mapped */
#define DM_MEMORY    (DM_GOOD + DM_READ_ONLY + DM_NOTHING)

/* The host: 48 bits of address, and the window of interrupts of x86. */
#define DM_APERTURE    (1ull << 48)
#define DM_WINDOW      0xfee00000ull
#define DM_WINDOW_LAST 0xfeefffffull

enum dm_mode {
	DM_V1,
	DM_V2,
	DM_C1,
	DM_C2,
	DM_N,
	DM_MODES
};

struct dm_area {
	uint64_t first, last;
	uint64_t vaddr;
	uint32_t prot;
	uint32_t pages_prot; /* of what was mapped first, and copied */
	uint32_t pages;      /* which MAP; all parts and copies have its */
	bool is_invalid;     /* of VADDR */
	uint64_t written;    /* a bit for each page, since it was reported */
};

struct dm_range {
	uint64_t first, last;
};

struct dm_space {
	struct dm_area areas[DM_AREAS]; /* ascending */
	unsigned int count;
	struct dm_range allowed[4]; /* ascending */
	unsigned int allowed_count;
};

struct dm_model {
	enum dm_mode mode;
	bool has_overflow;         /* v1, v2: of 6.18 */
	bool is_old;               /* v1, v2: of 3.14 or 4.1 */
	bool splits;               /* v1: of 3.14 */
	uint64_t base;             /* of the client memory */
	struct dm_space spaces[2]; /* n has both, the others the first */
	int at;                    /* the space of the device, or -1 */
	unsigned int groups;       /* v1, v2: in the container */
	uint32_t maps;             /* that were made */
	bool is_tracking;
	uint8_t shadow[DM_GOOD * DM_PAGE];
};

/* One call; what it does not take is 0. */
struct dm_call {
	unsigned int space;
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;  /* written by a MAP of n */
	uint64_t size;  /* written by UNMAP */
	uint64_t vaddr; /* COPY: the source's IOVA */
	unsigned int source;
};

void dm_init(struct dm_model *dm, enum dm_mode mode, uint64_t base);

/* The answer of MAP; the flags are the mode's own. */
int dm_map(struct dm_model *dm, struct dm_call *call);
int dm_unmap(struct dm_model *dm, struct dm_call *call);
int dm_copy(struct dm_model *dm, struct dm_call *call);

/*
 * The device comes to a space, or leaves its own; in v1 and v2 a group more or
 * less, but for the last.
 */
int dm_attach(struct dm_model *dm, unsigned int space);
void dm_detach(struct dm_model *dm);

/* What may be used; returns how many ranges. */
unsigned int dm_ranges(const struct dm_model *dm, unsigned int space,
		       struct dm_range ret_ranges[4]);
int dm_allow(struct dm_model *dm, unsigned int space,
	     const struct dm_range *ranges, unsigned int count);

/* DIRTY_PAGES; GET: only what does not depend on the bitmap. */
int dm_dirty(struct dm_model *dm, uint32_t flags, uint64_t iova, uint64_t size);

/* Where a byte of the device lies in the client, or 0. */
uint64_t dm_byte(const struct dm_model *dm, uint64_t iova, uint32_t prot);

/* The area that holds an address, or NULL. */
struct dm_area *dm_find(struct dm_space *space, uint64_t first, uint64_t last);

/* A device has written a byte. */
void dm_mark(struct dm_model *dm, uint64_t iova);

/* Whether an unmap of this interval cuts a mapping. */
bool dm_cuts(struct dm_model *dm, uint64_t first, uint64_t last);

/*
 * Pages that are charged: to the process in v1 and v2, else to the user, who
 * pays once for all parts and copies of a MAP.
 */
uint64_t dm_locked(const struct dm_model *dm);

#endif /* TESTS_UNIT_IOMMU_DIFFERENTIAL_MODEL_H */
