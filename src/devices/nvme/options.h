/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the keys of -d nvme say.
 */
#ifndef UVF_DEVICES_NVME_OPTIONS_H
#define UVF_DEVICES_NVME_OPTIONS_H

#include "image.h"

struct nvme_options {
	struct nvme_image_params image;
	uint8_t format;      /* of the namespaces: 0 or 1 */
	uint32_t namespaces; /* 1 to NVME_NAMESPACES_MAX */
	uint32_t queues;     /* 1 to NVME_QUEUES_MAX */
	uint32_t mdts;
	char serial[21];
};

#define NVME_CMB_MIN (UINT64_C(1) << 20)
#define NVME_CMB_MAX (UINT64_C(1) << 30)

/* Each returns 0, or -EINVAL with what would be right. */
int nvme_cmb_parse(const char *text, uint64_t *ret_size,
		   struct uvfio_error *err);
int nvme_options_read(struct uvfio_dev *dev, struct nvme_options *ret_options,
		      struct uvfio_error *err);

#endif /* UVF_DEVICES_NVME_OPTIONS_H */
