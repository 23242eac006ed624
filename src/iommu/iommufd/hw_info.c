/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the IOMMU of a device can do, as far as clients are told.
 */
#include <errno.h>
#include <string.h>

#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"

/* Fields of VT-d's capability register that we set. */
#define CAP_DOMAINS_64K  0x6ull
#define CAP_CACHING      (1ull << 7)
#define CAP_SAGAW(bits)  (1ull << (8 + ((bits)-30) / 9))
#define CAP_MGAW(bits)   ((uint64_t)((bits)-1) << 16)
#define CAP_FAULT_OFFSET (0x22ull << 24)
#define CAP_LARGE_PAGES  (3ull << 34) /* 2 MiB, 1 GiB */
#define CAP_PSI          (1ull << 39)
#define CAP_MAMV         (18ull << 48)
#define CAP_DRAIN        (3ull << 54)
#define CAP_FIRST_1G     (1ull << 56)

/* Of its extended one: what QEMU has without scalable mode, and what with. */
#define ECAP_LEGACY    0xf00f5aull
#define ECAP_NESTING   (1ull << 26)
#define ECAP_SRS       (1ull << 31)
#define ECAP_SCALABLE  (1ull << 43)
#define ECAP_DIRTY     (1ull << 45)
#define ECAP_STAGE_TWO (1ull << 46)
#define ECAP_STAGE_ONE (1ull << 47)

static uint64_t cap_of(const struct uvf_iommu_host *host,
		       const struct uvf_iommu_hw *hw)
{
	unsigned int width =
		64 - (unsigned int)__builtin_clzll(hw->aperture.last);
	uint64_t cap = CAP_DOMAINS_64K | CAP_CACHING | CAP_MGAW(width) |
		       CAP_FAULT_OFFSET | CAP_LARGE_PAGES | CAP_PSI | CAP_MAMV |
		       CAP_DRAIN;

	for (unsigned int bits = 39; bits <= width; bits += 9)
		cap |= CAP_SAGAW(bits);
	return host->is_scalable ? cap | CAP_FIRST_1G : cap;
}

static uint64_t ecap_of(const struct uvf_iommu_host *host)
{
	return host->is_scalable
		       ? ECAP_LEGACY | ECAP_NESTING | ECAP_SRS | ECAP_SCALABLE |
				 ECAP_DIRTY | ECAP_STAGE_TWO | ECAP_STAGE_ONE
		       : ECAP_LEGACY;
}

/* Write zeros behind what there is to tell. */
static int clear_rest(struct uvf_caller *caller, uint64_t addr, uint64_t len)
{
	static const uint8_t zeros[4096];

	while (len) {
		size_t piece = len < sizeof(zeros) ? len : sizeof(zeros);

		if (uvf_copy_out(caller, addr, zeros, piece))
			return -EFAULT;
		addr += piece;
		len -= piece;
	}
	return 0;
}

/**
 * iommu_ioctl_get_hw_info() - what is behind a device
 * @cmd: struct iommu_hw_info
 *
 * A buffer that is too small gets what fits, the rest of a larger one zeros.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  a flag, a reserved field
 *   -ENOENT      no such device
 *   -EFAULT      the buffer, or the answer, cannot be written
 */
int iommu_ioctl_get_hw_info(struct uvf_iommufd_call *call, void *cmd)
{
	const struct uvf_iommu_host *host = &call->ctx->host;
	struct iommu_hw_info_vtd vtd = {
		.flags = IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17,
		.ecap_reg = ecap_of(host),
	};
	struct iommu_hw_info *info = cmd;
	const struct uvf_iommufd_device *device;
	const struct uvf_iommu_hw *hw;
	uint32_t size, len;

	if (info->flags || info->reserved[0] || info->reserved[1] ||
	    info->reserved[2])
		return -EOPNOTSUPP;
	device = uvf_iommufd_device_find(call->ctx, info->dev_id);
	if (!device)
		return -ENOENT;
	hw = uvf_iommufd_device_hw(device);
	vtd.cap_reg = cap_of(host, hw);
	size = hw->vendor == UVF_IOMMU_INTEL ? sizeof(vtd) : 0;
	len = info->data_len < size ? info->data_len : size;
	if (uvf_copy_out(call->caller, info->data_uptr, &vtd, len) ||
	    clear_rest(call->caller, info->data_uptr + len,
		       info->data_len - len))
		return -EFAULT;
	info->data_len = size;
	info->out_data_type =
		size ? IOMMU_HW_INFO_TYPE_INTEL_VTD : IOMMU_HW_INFO_TYPE_NONE;
	info->out_capabilities =
		host->tracks_dirty ? IOMMU_HW_CAP_DIRTY_TRACKING : 0;
	info->out_max_pasid_log2 = 0;
	return uvf_iommufd_respond(call, info, sizeof(*info));
}
