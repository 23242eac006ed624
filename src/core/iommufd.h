/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommufd and VFIO: the node /dev/iommu, and devices that are bound to what
 * it opens.
 */
#ifndef UVF_CORE_IOMMUFD_H
#define UVF_CORE_IOMMUFD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/vfio.h"

struct uvf_device;
struct uvf_file;
struct uvf_group;
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

/**
 * uvf_device_iommufd_bind() - let a context own a device's DMA
 * @ret_id: its id there
 * Context: the device's set is locked; it is bound to none.
 * Return: 0, -ENOMEM, or, when it has DMA of its own:
 *   -EPERM  the group's DMA is somebody else's
 *   -EBUSY  it leads somewhere already
 */
int uvf_device_iommufd_bind(struct uvf_device *device, struct uvf_iommufd *ctx,
			    uint32_t *ret_id);

/* The context that a device with DMA of its own is bound to, or NULL. */
struct uvf_iommufd *uvf_device_iommufd_ctx(struct uvf_device *device);

/**
 * uvf_device_iommufd_id() - what a context calls a device
 * Context: the device's set is locked.
 * Return: its id there, or -ENOENT it has none, but the context owns the DMA
 * of its group; -ENODEV the context has nothing to do with it.
 */
int uvf_device_iommufd_id(struct uvf_device *device, struct uvf_iommufd *ctx);

/* Detaches, too. */
void uvf_device_iommufd_unbind(struct uvf_device *device);

/**
 * uvf_device_iommufd_attach() - choose the address space of a bound device
 * Context, return and @pt_id as for uvf_iommufd_device_attach(); an emulated
 * device attaches to an I/O address space only, which stays the id.
 */
int uvf_device_iommufd_attach(struct uvf_device *device, uint32_t *pt_id);
void uvf_device_iommufd_detach(struct uvf_device *device);

/* The same for the space of a container; -ENODEV without one. */
int uvf_device_iommufd_attach_compat(struct uvf_device *device,
				     struct uvf_iommufd *ctx);

/**
 * uvf_group_set_iommufd() - use a context as container
 * Context: the group's lock is held, and it has none.
 * Return: 0, or -ENOMEM, -EINVAL the context is that of groups with an IOMMU
 * and this has none, or the reverse.
 */
int uvf_group_set_iommufd(struct uvf_group *group, struct uvf_iommufd *ctx);

/* Leave it; devices that are open stay bound.  Nothing happens without. */
void uvf_group_unset_iommufd(struct uvf_group *group);

#endif /* UVF_CORE_IOMMUFD_H */
