/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/noiommu.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>

/*
 * Source: drivers/vfio/container.c, Linux 6.12: nothing is claimed, the type
 * itself neither, once the mode is off again.
 */
static int noiommu_check_extension(void *state,
				   const struct uvf_iommu_host *host,
				   unsigned long extension)
{
	(void)state;
	return extension == VFIO_NOIOMMU_IOMMU &&
	       uvf_iommu_host_allows_noiommu(host);
}

static int noiommu_open(void **ret_state, const struct uvf_iommu_host *host,
			unsigned long type)
{
	(void)host;
	if (type != VFIO_NOIOMMU_IOMMU)
		return -EINVAL;
	*ret_state = NULL;
	return 0;
}

static void noiommu_release(void *state)
{
	(void)state;
}

static int noiommu_attach_group(void *state, struct uvf_caller *caller,
				struct uvf_iommu_member *member,
				struct uvf_aspace **ret_as)
{
	(void)state;
	(void)caller;
	(void)member;
	*ret_as = NULL;
	return 0;
}

static void noiommu_detach_group(void *state, struct uvf_iommu_member *member)
{
	(void)state;
	(void)member;
}

static long noiommu_ioctl(void *state, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg)
{
	(void)state;
	(void)caller;
	(void)cmd;
	(void)arg;
	return -ENOTTY;
}

const struct uvf_iommu_backend uvf_noiommu_backend = {
	.name = "noiommu",
	.is_noiommu = true,
	.check_extension = noiommu_check_extension,
	.open = noiommu_open,
	.release = noiommu_release,
	.attach_group = noiommu_attach_group,
	.detach_group = noiommu_detach_group,
	.ioctl = noiommu_ioctl,
};
