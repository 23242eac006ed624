/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommufd and VFIO: the node /dev/iommu, and devices that are bound to what
 * it opens.
 */
#ifndef UVF_CORE_IOMMUFD_H
#define UVF_CORE_IOMMUFD_H

#include <stdbool.h>

#include "core/vfio.h"

struct uvf_file;
struct uvf_iommufd;

/* /dev/iommu of a machine. */
struct uvf_iommufd_node {
	struct uvf_misc misc;
	struct uvf_vfio *vfio;
};

/**
 * uvf_iommufd_node_add() - give a machine its /dev/iommu
 * @is_there: whether this host has it, and character devices of VFIO
 * @node and @vfio live as long as each other.
 */
void uvf_iommufd_node_add(struct uvf_iommufd_node *node, struct uvf_vfio *vfio,
			  bool is_there);

/* The context behind a file, or NULL; no reference. */
struct uvf_iommufd *uvf_iommufd_of_file(const struct uvf_file *file);

#endif /* UVF_CORE_IOMMUFD_H */
