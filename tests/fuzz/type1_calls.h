/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of a container with an IOMMU of type1, on a container and on an
 * iommufd that stands for one.
 */
#ifndef TESTS_FUZZ_TYPE1_CALLS_H
#define TESTS_FUZZ_TYPE1_CALLS_H

#include <errno.h>
#include <linux/vfio.h>

#include "calls.h"

static const struct call call_map = {
	.cmd = VFIO_IOMMU_MAP_DMA,
	.size = 32,
	.fields = {{4, FIELD_FLAGS, 7},
		   {8, FIELD_VADDR, 0},
		   {16, FIELD_IOVA, 0},
		   {24, FIELD_SIZE, 0}},
	.errors = {EFAULT, EINVAL, ENOENT, EEXIST, ENOSPC, ENOMEM, EBUSY,
		   /* an iommufd's */
		   EOVERFLOW, ENODEV, EADDRINUSE, ENOTTY},
};

static const struct call call_unmap = {
	.cmd = VFIO_IOMMU_UNMAP_DMA,
	.size = 24,
	.fields = {{4, FIELD_FLAGS, 6},
		   {8, FIELD_IOVA, 0},
		   {16, FIELD_SIZE, 0}},
	.errors = {EFAULT, EINVAL, EBUSY, EOVERFLOW, ENODEV, ENOENT, EDEADLOCK,
		   ENOTTY, ENOMEM},
};

static const struct call call_unmap_dirty = {
	.cmd = VFIO_IOMMU_UNMAP_DMA,
	.size = 48,
	.fields = {{4, FIELD_FLAGS, 1},
		   {8, FIELD_IOVA, 0},
		   {16, FIELD_SIZE, 0},
		   {24, FIELD_PAGE, 0},
		   {32, FIELD_SIZE, 0},
		   {40, FIELD_POINTER, 0}},
	.errors = {EFAULT, EINVAL, EBUSY, EOVERFLOW, ENODEV, ENOENT, EDEADLOCK,
		   ENOTTY, ENOMEM},
};

static const struct call call_dirty = {
	.cmd = VFIO_IOMMU_DIRTY_PAGES,
	.size = 8,
	.fields = {{4, FIELD_FLAGS, 3}},
	.errors = {EFAULT, EINVAL, EACCES, ENOMEM, ENODEV, ENOTTY},
};

static const struct call call_get_bitmap = {
	.cmd = VFIO_IOMMU_DIRTY_PAGES,
	.size = 48,
	.fields = {{4, FIELD_FLAGS, 4},
		   {8, FIELD_IOVA, 0},
		   {16, FIELD_SIZE, 0},
		   {24, FIELD_PAGE, 0},
		   {32, FIELD_SIZE, 0},
		   {40, FIELD_POINTER, 0}},
	.errors = {EFAULT, EINVAL, EACCES, EOVERFLOW, ENODEV, ENOTTY},
};

static const struct call call_get_info = {
	.cmd = VFIO_IOMMU_GET_INFO,
	.size = 128,
	.fields = {{4, FIELD_FLAGS, 3}},
	.errors = {EFAULT, EINVAL, ENODEV, ENOTTY},
};

/* As often as each is to be chosen. */
static const struct call *const type1_calls[] = {
	&call_map,        &call_map,      &call_map,         &call_map,
	&call_unmap,      &call_unmap,    &call_unmap_dirty, &call_dirty,
	&call_get_bitmap, &call_get_info,
};
#define TYPE1_CALLS (sizeof(type1_calls) / sizeof(type1_calls[0]))

#endif /* TESTS_FUZZ_TYPE1_CALLS_H */
