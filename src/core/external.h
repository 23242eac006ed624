/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What somebody outside of VFIO, the KVM-VFIO device for one, may ask about
 * a file and do with it.  The file may be anything.
 */
#ifndef UVF_CORE_EXTERNAL_H
#define UVF_CORE_EXTERNAL_H

#include <stdbool.h>

struct uvf_device;
struct uvf_file;
struct uvf_group;
struct uvf_iommu_group;
struct uvf_kvm;

/* Whether it is a group's file. */
bool uvf_file_is_group(const struct uvf_file *file);

/* Whether it is a group's file or, where there are cdevs, a device's. */
bool uvf_file_is_valid(const struct uvf_file *file);

/*
 * Whether all DMA through the file is coherent with the processors' caches,
 * whatever a device asks for; true when there is no device.
 */
bool uvf_file_enforced_coherent(const struct uvf_file *file);

/**
 * uvf_file_set_kvm() - tie a file to a virtual machine
 * @kvm: borrowed until it is replaced; NULL: untie
 *
 * Devices take a reference at their first open and keep it until their last
 * close, so a device that is open already sees no change.  A device's own file
 * counts when it is bound to an iommufd; other files do not.
 *
 * Context: takes a leaf lock of the group or of the device's file.
 */
void uvf_file_set_kvm(struct uvf_file *file, struct uvf_kvm *kvm);

/* Whether it is the file of the group that @device is in. */
bool uvf_file_has_dev(const struct uvf_file *file,
		      const struct uvf_device *device);

/* The IOMMU group of a group's file, with a reference, or NULL. */
struct uvf_iommu_group *uvf_file_iommu_group(const struct uvf_file *file);

/**
 * uvf_group_get_external_user() - use a group from outside, as in 3.14
 * @ret_group: written on success
 *
 * The group stays open and in its container until
 * uvf_group_put_external_user(), as if one of its devices were open.
 *
 * Context: takes the group's lock.
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  no group's file
 *   -EINVAL  no container, no IOMMU, or the group is not viable
 */
int uvf_group_get_external_user(struct uvf_file *file,
				struct uvf_group **ret_group);
void uvf_group_put_external_user(struct uvf_group *group);

/* The following need an external user. */
unsigned int uvf_group_external_user_iommu_id(const struct uvf_group *group);

/* As VFIO_CHECK_EXTENSION of the group's container. */
long uvf_group_external_check_extension(struct uvf_group *group,
					unsigned long extension);

#endif /* UVF_CORE_EXTERNAL_H */
