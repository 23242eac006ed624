/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a pretended IOMMU can do: which IOVAs it translates, which of them
 * mean something else, and which pages its tables have.  Data only; each
 * IOMMU group has one of these, several share it.
 */
#ifndef UVF_IOMMU_APERTURE_H
#define UVF_IOMMU_APERTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"

struct uvf_iommu_host;

/* What the IOVAs of a region are for; named as in reserved_regions. */
enum uvf_resv_type {
	UVF_RESV_DIRECT,           /* mapped one to one by the firmware */
	UVF_RESV_DIRECT_RELAXABLE, /* likewise, but may be used otherwise */
	UVF_RESV_RESERVED,         /* never reach memory */
	UVF_RESV_MSI,              /* interrupt messages */
	UVF_RESV_SW_MSI,           /* likewise, where software put them */
};

struct uvf_resv {
	struct uvf_range range;
	enum uvf_resv_type type;
};

#define UVF_RESV_MAX 4u

/* Whose driver makes the tables. */
enum uvf_iommu_vendor {
	UVF_IOMMU_INTEL,
	UVF_IOMMU_AMD,
};

struct uvf_iommu_hw {
	enum uvf_iommu_vendor vendor;
	struct uvf_range aperture;
	uint64_t page_sizes;     /* bitmap */
	bool write_implies_read; /* tables cannot say write-only */
	bool enforces_coherency; /* DMA_CC */
	bool isolates_msi;       /* devices cannot forge interrupts */
	unsigned int resv_count;
	struct uvf_resv resv[UVF_RESV_MAX];
};

/* What all IOMMUs of a vendor have in common. */
struct uvf_iommu_preset {
	const char *name; /* as --host knows it */
	enum uvf_iommu_vendor vendor;
	uint64_t page_sizes;
	bool write_implies_read;
	bool enforces_coherency;
};

/* By its name, or NULL. */
const struct uvf_iommu_preset *uvf_iommu_preset_find(const char *name);

/* Make an IOMMU of that vendor the host's. */
void uvf_iommu_host_use(struct uvf_iommu_host *host,
			const struct uvf_iommu_preset *preset);

/* What --host says of the IOMMU. */
void uvf_iommu_hw_init(struct uvf_iommu_hw *hw,
		       const struct uvf_iommu_host *host);

/**
 * uvf_iommu_hw_init_other() - an IOMMU beside that of the host
 * @name: of a vendor; NULL: as the host's
 * @bits: of its addresses; 0: as the host's
 */
void uvf_iommu_hw_init_other(struct uvf_iommu_hw *hw,
			     const struct uvf_iommu_host *host,
			     const char *name, unsigned int bits);

/* Whether the tables of one may be used by another. */
bool uvf_iommu_hw_fits(const struct uvf_iommu_hw *tables,
		       const struct uvf_iommu_hw *hw);

/* How /sys names a type. */
const char *uvf_resv_type_name(enum uvf_resv_type type);

/* Whether a region is free for mappings all the same. */
bool uvf_resv_may_map(const struct uvf_resv *resv);

/*
 * IOVAs that may be mapped: intervals, ascending, which do not meet.  All
 * zero is none.  Of one owner, who serialises.
 */
struct uvf_iova_list {
	struct uvf_range *ranges;
	unsigned int count;
};

void uvf_iova_list_fini(struct uvf_iova_list *list);

/* Return: 0 or -ENOMEM; @ret_copy is written on success. */
int uvf_iova_list_copy(struct uvf_iova_list *ret_copy,
		       const struct uvf_iova_list *list);

/* Whether one of the intervals holds all of @iova. */
bool uvf_iova_list_contains(const struct uvf_iova_list *list,
			    struct uvf_range iova);

/**
 * uvf_iova_list_trim() - keep what lies in an aperture
 * An empty list becomes the aperture.
 * Return: 0 or -ENOMEM.
 */
int uvf_iova_list_trim(struct uvf_iova_list *list, struct uvf_range aperture);

/**
 * uvf_iova_list_punch() - take out what an IOMMU reserves
 * Return: 0, or, with any part of it done, -ENOMEM, -EINVAL nothing is left.
 */
int uvf_iova_list_punch(struct uvf_iova_list *list,
			const struct uvf_iommu_hw *hw);

#endif /* UVF_IOMMU_APERTURE_H */
