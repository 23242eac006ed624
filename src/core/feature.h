/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_FEATURE: what every feature checks.
 */
#ifndef UVF_CORE_FEATURE_H
#define UVF_CORE_FEATURE_H

#include <stddef.h>
#include <stdint.h>

struct uvf_caller;
struct uvf_device;
struct uvf_profile;

/**
 * uvf_feature_check() - whether a feature is to be done
 * @flags: VFIO_DEVICE_FEATURE_*, as the client gave them
 * @ops:   VFIO_DEVICE_FEATURE_GET and SET, those that the feature has
 * @have:  bytes of data that the client gave
 * @need:  bytes of the feature's structure
 * Return: 1 do it, 0 it was only a probe, or -EINVAL.
 */
int uvf_feature_check(uint32_t flags, uint32_t ops, size_t have, size_t need);

/**
 * uvf_device_feature() - VFIO_DEVICE_FEATURE
 * @arg: struct vfio_device_feature
 *
 * Return: what the feature says, or, in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz below 8, unknown flags
 *   -EINVAL  GET and SET without PROBE
 *   -EINVAL, -ENOTTY: unknown, and the driver knows no features
 */
long uvf_device_feature(struct uvf_device *device,
			const struct uvf_profile *profile,
			struct uvf_caller *caller, uint64_t arg);

#endif /* UVF_CORE_FEATURE_H */
