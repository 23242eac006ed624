/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of a device's specification that devices of all buses have.
 */
#ifndef UVF_CORE_KEYS_H
#define UVF_CORE_KEYS_H

#include <stddef.h>

struct uvf_machine;
struct uvf_options;
struct uvfio_error;
struct uvfio_key;

/**
 * uvf_keys_check() - whether all keys are known
 * @model:   its name
 * @own:     the model's keys; NULL: none
 * @generic: those of its bus; ends with NULL
 * Return: 0, or -EINVAL and a line in @err.
 */
int uvf_keys_check(const struct uvf_options *options, const char *model,
		   const struct uvfio_key *own, const char *const *generic,
		   struct uvfio_error *err);

/**
 * uvf_key_group() - group=: the IOMMU group
 * @ret_group: UVF_GROUP_OWN where none is named
 * Return: 0, or -EINVAL and a line in @err.
 */
int uvf_key_group(int *ret_group, const struct uvf_machine *machine,
		  const struct uvf_options *options, struct uvfio_error *err);

/**
 * uvf_key_iommu() - iommu=: the IOMMU before the device, VENDOR[:BITS]
 * @ret_name, @ret_bits: left alone where none is named
 * Return: 0, or -EINVAL and a line in @err.
 */
int uvf_key_iommu(const char **ret_name, unsigned int *ret_bits,
		  const struct uvf_machine *machine,
		  const struct uvf_options *options, struct uvfio_error *err);

/**
 * uvf_key_driver() - driver=: whether it is a name
 * It becomes that of a directory in sysfs.
 * @usual: the bus's driver of VFIO
 * Return: 0, or -EINVAL and a line in @err.
 */
int uvf_key_driver(const struct uvf_options *options, const char *usual,
		   struct uvfio_error *err);

#endif /* UVF_CORE_KEYS_H */
