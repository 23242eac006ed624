/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pretended host, as --host describes it.
 */
#ifndef UVF_FRONT_HOST_H
#define UVF_FRONT_HOST_H

#include "iommu/iommu.h"

struct uvfio_error;

/**
 * uvf_host_parse() - from KEY=VALUE,... to a host
 * @ret_host: written on success
 * @text:     iommu=intel|amd, aperture=39|48|57; NULL: iommu=intel,aperture=48
 *
 * Return: 0, -ENOMEM, or -EINVAL and a line in @err.
 */
int uvf_host_parse(struct uvf_iommu_host *ret_host,
		   const struct uvf_profile *profile, const char *text,
		   struct uvfio_error *err);

#endif /* UVF_FRONT_HOST_H */
