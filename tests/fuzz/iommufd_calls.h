/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of /dev/iommu, by their numbers in Linux.
 */
#ifndef TESTS_FUZZ_IOMMUFD_CALLS_H
#define TESTS_FUZZ_IOMMUFD_CALLS_H

#include <errno.h>

#include "calls.h"

/* What each of them may say. */
#define IOMMUFD_ERRORS EFAULT, EINVAL, E2BIG, ENOTTY, EOPNOTSUPP, ENOENT, ENOMEM

static const struct call iommufd_calls[] = {
	/* DESTROY */
	{.cmd = 0x3b80,
	 .size = 8,
	 .fields = {{4, FIELD_ID, 0}},
	 .errors = {IOMMUFD_ERRORS, EBUSY}},
	/* IOAS_ALLOC */
	{.cmd = 0x3b81,
	 .size = 12,
	 .fields = {{4, FIELD_FLAGS, 0}},
	 .errors = {IOMMUFD_ERRORS, ENOSPC}},
	/* IOAS_ALLOW_IOVAS */
	{.cmd = 0x3b82,
	 .size = 24,
	 .fields = {{4, FIELD_ID, 0},
		    {8, FIELD_U32, 3},
		    {12, FIELD_FLAGS, 0},
		    {16, FIELD_POINTER, 6}},
	 .errors = {IOMMUFD_ERRORS, EADDRINUSE, EOVERFLOW}},
	/* IOAS_COPY */
	{.cmd = 0x3b83,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 7},
		    {8, FIELD_ID, 0},
		    {12, FIELD_ID, 0},
		    {16, FIELD_SIZE, 0},
		    {24, FIELD_IOVA, 0},
		    {32, FIELD_IOVA, 0}},
	 .errors = {IOMMUFD_ERRORS, EOVERFLOW, EADDRINUSE, EEXIST, ENOSPC,
		    EPERM}},
	/* IOAS_IOVA_RANGES */
	{.cmd = 0x3b84,
	 .size = 32,
	 .fields = {{4, FIELD_ID, 0},
		    {8, FIELD_U32, 6},
		    {12, FIELD_FLAGS, 0},
		    {16, FIELD_POINTER, 0}},
	 .errors = {IOMMUFD_ERRORS, EMSGSIZE}},
	/* IOAS_MAP */
	{.cmd = 0x3b85,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 7},
		    {8, FIELD_ID, 0},
		    {16, FIELD_VADDR, 0},
		    {24, FIELD_SIZE, 0},
		    {32, FIELD_IOVA, 0}},
	 .errors = {IOMMUFD_ERRORS, EOVERFLOW, EADDRINUSE, EEXIST, ENOSPC}},
	/* IOAS_UNMAP */
	{.cmd = 0x3b86,
	 .size = 24,
	 .fields = {{4, FIELD_ID, 0}, {8, FIELD_IOVA, 0}, {16, FIELD_SIZE, 0}},
	 .errors = {IOMMUFD_ERRORS, EOVERFLOW, EDEADLOCK, EBUSY}},
	/* OPTION */
	{.cmd = 0x3b87,
	 .size = 24,
	 .fields = {{4, FIELD_U32, 2},
		    {8, FIELD_U16, 2},
		    {12, FIELD_ID, 0},
		    {16, FIELD_U32, 2}},
	 .errors = {IOMMUFD_ERRORS, EPERM, EBUSY, EADDRINUSE}},
	/* VFIO_IOAS */
	{.cmd = 0x3b88,
	 .size = 12,
	 .fields = {{4, FIELD_ID, 0}, {8, FIELD_U16, 3}},
	 .errors = {IOMMUFD_ERRORS, ENODEV}},
	/* HWPT_ALLOC */
	{.cmd = 0x3b89,
	 .size = 48,
	 .fields = {{4, FIELD_FLAGS, 15},
		    {8, FIELD_ID, 0},
		    {12, FIELD_ID, 0},
		    {24, FIELD_U32, 3},
		    {28, FIELD_LENGTH, 0},
		    {32, FIELD_POINTER, 3},
		    {40, FIELD_ID, 0}},
	 .errors = {IOMMUFD_ERRORS, EADDRINUSE, EPERM, EBUSY}},
	/* GET_HW_INFO */
	{.cmd = 0x3b8a,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 1},
		    {8, FIELD_ID, 0},
		    {12, FIELD_LENGTH, 0},
		    {16, FIELD_POINTER, 0}},
	 .errors = {IOMMUFD_ERRORS}},
	/* HWPT_SET_DIRTY_TRACKING */
	{.cmd = 0x3b8b,
	 .size = 16,
	 .fields = {{4, FIELD_FLAGS, 1}, {8, FIELD_ID, 0}},
	 .errors = {IOMMUFD_ERRORS}},
	/* HWPT_GET_DIRTY_BITMAP */
	{.cmd = 0x3b8c,
	 .size = 48,
	 .fields = {{4, FIELD_ID, 0},
		    {8, FIELD_FLAGS, 1},
		    {16, FIELD_IOVA, 0},
		    {24, FIELD_SIZE, 0},
		    {32, FIELD_PAGE, 0},
		    {40, FIELD_POINTER, 0}},
	 .errors = {IOMMUFD_ERRORS, EOVERFLOW}},
	/* HWPT_INVALIDATE */
	{.cmd = 0x3b8d,
	 .size = 32,
	 .fields = {{4, FIELD_ID, 0},
		    {8, FIELD_POINTER, 8},
		    {16, FIELD_U32, 3},
		    {20, FIELD_LENGTH, 0},
		    {24, FIELD_U32, 4}},
	 .errors = {IOMMUFD_ERRORS}},
	/* FAULT_QUEUE_ALLOC */
	{.cmd = 0x3b8e,
	 .size = 16,
	 .fields = {{4, FIELD_FLAGS, 0}},
	 .errors = {IOMMUFD_ERRORS, EMFILE}},
	/* IOAS_MAP_FILE */
	{.cmd = 0x3b8f,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 7},
		    {8, FIELD_ID, 0},
		    {12, FIELD_FD, 0},
		    {16, FIELD_SIZE, 0},
		    {24, FIELD_SIZE, 0},
		    {32, FIELD_IOVA, 0}},
	 .errors = {IOMMUFD_ERRORS, EBADF, EOVERFLOW, EADDRINUSE, EEXIST,
		    ENOSPC}},
	/* VIOMMU_ALLOC */
	{.cmd = 0x3b90,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_U32, 3},
		    {12, FIELD_ID, 0},
		    {16, FIELD_ID, 0},
		    {24, FIELD_LENGTH, 0},
		    {32, FIELD_POINTER, 4}},
	 .errors = {IOMMUFD_ERRORS}},
	/* VDEVICE_ALLOC */
	{.cmd = 0x3b91,
	 .size = 24,
	 .fields = {{4, FIELD_ID, 0}, {8, FIELD_ID, 0}, {16, FIELD_IOVA, 0}},
	 .errors = {IOMMUFD_ERRORS, EEXIST, EBUSY}},
	/* IOAS_CHANGE_PROCESS */
	{.cmd = 0x3b92, .size = 8, .errors = {IOMMUFD_ERRORS, EBUSY}},
	/* VEVENTQ_ALLOC */
	{.cmd = 0x3b93,
	 .size = 32,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_ID, 0},
		    {12, FIELD_U32, 3},
		    {16, FIELD_U32, 16}},
	 .errors = {IOMMUFD_ERRORS, EMFILE, EEXIST}},
	/* HW_QUEUE_ALLOC */
	{.cmd = 0x3b94,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_ID, 0},
		    {12, FIELD_U32, 3},
		    {16, FIELD_U32, 4},
		    {24, FIELD_IOVA, 0},
		    {32, FIELD_SIZE, 0}},
	 .errors = {IOMMUFD_ERRORS}},
};
#define IOMMUFD_CALLS (sizeof(iommufd_calls) / sizeof(iommufd_calls[0]))

#endif /* TESTS_FUZZ_IOMMUFD_CALLS_H */
