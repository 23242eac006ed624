/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/aperture.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "iommu/iommu.h"

/* HyperTransport messages of AMD: no device reaches memory there. */
#define AMD_HT_FIRST 0xfd00000000ull
#define AMD_HT_LAST  0xffffffffffull

/* VT-d with 2 MiB and 1 GiB pages, as QEMU's and real ones show it. */
#define INTEL_PAGE_SIZES 0x40201000ull
/* Of an old driver, which cuts them as it needs to. */
#define INTEL_OLD_PAGE_SIZES 0xfffffffffffff000ull
/* AMD's tables know every power of two from 4 KiB but 2^39. */
#define AMD_PAGE_SIZES 0x000fff7ffffff000ull

static const struct uvf_iommu_preset presets[] = {
	{"intel", UVF_IOMMU_INTEL, INTEL_PAGE_SIZES, true, false},
	{"amd", UVF_IOMMU_AMD, AMD_PAGE_SIZES, false, true},
};

const struct uvf_iommu_preset *uvf_iommu_preset_find(const char *name)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

/* What the driver says that the tables can have. */
static uint64_t page_sizes_of(const struct uvf_iommu_host *host,
			      const struct uvf_iommu_preset *preset)
{
	if (preset->vendor == UVF_IOMMU_INTEL &&
	    host->profile->vtd_any_page_size)
		return INTEL_OLD_PAGE_SIZES;
	return preset->page_sizes;
}

void uvf_iommu_host_use(struct uvf_iommu_host *host,
			const struct uvf_iommu_preset *preset)
{
	host->vendor = preset->vendor;
	host->page_sizes = page_sizes_of(host, preset);
	host->write_implies_read = preset->write_implies_read;
	host->enforces_coherency = preset->enforces_coherency;
}

static void reserve(struct uvf_iommu_hw *hw, struct uvf_range range,
		    enum uvf_resv_type type)
{
	hw->resv[hw->resv_count++] = (struct uvf_resv){range, type};
}

void uvf_iommu_hw_init(struct uvf_iommu_hw *hw,
		       const struct uvf_iommu_host *host)
{
	*hw = (struct uvf_iommu_hw){
		.vendor = host->vendor,
		.aperture = {0, ~0ull},
		.page_sizes = host->page_sizes,
		.write_implies_read = host->write_implies_read,
		.enforces_coherency = host->enforces_coherency,
		.isolates_msi = !host->has_unsafe_interrupts,
	};
	if (host->aperture_bits < 64)
		hw->aperture.last = (1ull << host->aperture_bits) - 1;
	if (host->msi_window.last)
		reserve(hw, host->msi_window, UVF_RESV_MSI);
	if (host->vendor == UVF_IOMMU_AMD)
		reserve(hw, (struct uvf_range){AMD_HT_FIRST, AMD_HT_LAST},
			UVF_RESV_RESERVED);
}

void uvf_iommu_hw_init_other(struct uvf_iommu_hw *hw,
			     const struct uvf_iommu_host *host,
			     const char *name, unsigned int bits)
{
	const struct uvf_iommu_preset *preset =
		name ? uvf_iommu_preset_find(name) : NULL;
	struct uvf_iommu_host other = *host;

	if (preset)
		uvf_iommu_host_use(&other, preset);
	if (bits)
		other.aperture_bits = bits;
	uvf_iommu_hw_init(hw, &other);
}

bool uvf_iommu_hw_fits(const struct uvf_iommu_hw *tables,
		       const struct uvf_iommu_hw *hw)
{
	return tables->vendor == hw->vendor &&
	       tables->enforces_coherency == hw->enforces_coherency &&
	       tables->write_implies_read == hw->write_implies_read &&
	       tables->page_sizes == hw->page_sizes &&
	       uvf_range_contains(hw->aperture, tables->aperture);
}

const char *uvf_resv_type_name(enum uvf_resv_type type)
{
	static const char *const names[] = {
		[UVF_RESV_DIRECT] = "direct",
		[UVF_RESV_DIRECT_RELAXABLE] = "direct-relaxable",
		[UVF_RESV_RESERVED] = "reserved",
		[UVF_RESV_MSI] = "msi",
		[UVF_RESV_SW_MSI] = "msi",
	};

	return names[type];
}

bool uvf_resv_may_map(const struct uvf_resv *resv)
{
	return resv->type == UVF_RESV_DIRECT_RELAXABLE;
}

void uvf_iova_list_fini(struct uvf_iova_list *list)
{
	uvf_free(list->ranges);
	*list = (struct uvf_iova_list){0};
}

int uvf_iova_list_copy(struct uvf_iova_list *ret_copy,
		       const struct uvf_iova_list *list)
{
	struct uvf_iova_list copy = {.count = list->count};

	if (list->count) {
		copy.ranges = uvf_calloc(list->count, sizeof(copy.ranges[0]));
		if (!copy.ranges)
			return -ENOMEM;
		memcpy(copy.ranges, list->ranges,
		       list->count * sizeof(copy.ranges[0]));
	}
	*ret_copy = copy;
	return 0;
}

bool uvf_iova_list_contains(const struct uvf_iova_list *list,
			    struct uvf_range iova)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (uvf_range_contains(list->ranges[i], iova))
			return true;
	return false;
}

int uvf_iova_list_trim(struct uvf_iova_list *list, struct uvf_range aperture)
{
	unsigned int count = 0;

	if (!list->count) {
		uvf_iova_list_fini(list);
		list->ranges = uvf_calloc(1, sizeof(list->ranges[0]));
		if (!list->ranges)
			return -ENOMEM;
		list->ranges[list->count++] = aperture;
		return 0;
	}
	for (unsigned int i = 0; i < list->count; i++) {
		struct uvf_range range = list->ranges[i];

		if (!uvf_range_meets(range, aperture))
			continue;
		if (range.first < aperture.first)
			range.first = aperture.first;
		if (range.last > aperture.last)
			range.last = aperture.last;
		list->ranges[count++] = range;
	}
	list->count = count;
	return 0;
}

/* A hole makes at most one interval more. */
static int punch_one(struct uvf_iova_list *list, struct uvf_range hole)
{
	struct uvf_range *ranges =
		uvf_calloc(list->count + 1, sizeof(ranges[0]));
	unsigned int count = 0;

	if (!ranges)
		return -ENOMEM;
	for (unsigned int i = 0; i < list->count; i++) {
		struct uvf_range range = list->ranges[i];

		if (!uvf_range_meets(range, hole)) {
			ranges[count++] = range;
			continue;
		}
		if (range.first < hole.first)
			ranges[count++] =
				(struct uvf_range){range.first, hole.first - 1};
		if (range.last > hole.last)
			ranges[count++] =
				(struct uvf_range){hole.last + 1, range.last};
	}
	uvf_free(list->ranges);
	list->ranges = ranges;
	list->count = count;
	return 0;
}

int uvf_iova_list_punch(struct uvf_iova_list *list,
			const struct uvf_iommu_hw *hw)
{
	for (unsigned int i = 0; i < hw->resv_count; i++) {
		int ret;

		if (uvf_resv_may_map(&hw->resv[i]))
			continue;
		ret = punch_one(list, hw->resv[i].range);
		if (ret)
			return ret;
	}
	return list->count ? 0 : -EINVAL;
}
