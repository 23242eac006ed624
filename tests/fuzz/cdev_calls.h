/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of a device's file.
 */
#ifndef TESTS_FUZZ_CDEV_CALLS_H
#define TESTS_FUZZ_CDEV_CALLS_H

#include <errno.h>

#include "calls.h"

static const struct call call_bind = {
	.cmd = 0x3b76,
	.size = 16,
	.fields = {{4, FIELD_FLAGS, 0}, {8, FIELD_FD, 0}},
	.errors = {EFAULT, EINVAL, EBADF, EBADFD, EPERM, EBUSY, ENOMEM, ENOTTY,
		   ENODEV, E2BIG},
};

/* The field behind is that of a newer release: it is not there. */
static const struct call call_attach = {
	.cmd = 0x3b77,
	.size = 16,
	.fields = {{4, FIELD_FLAGS, 1}, {8, FIELD_ID, 0}, {12, FIELD_U32, 4}},
	.errors = {EFAULT, EINVAL, ENOENT, EADDRINUSE, ENOMEM, ENOTTY, ENODEV,
		   EBUSY, EOPNOTSUPP},
};

static const struct call call_detach = {
	.cmd = 0x3b78,
	.size = 12,
	.fields = {{4, FIELD_FLAGS, 1}, {8, FIELD_U32, 4}},
	.errors = {EFAULT, EINVAL, ENOENT, ENOTTY, ENODEV, EOPNOTSUPP},
};

/* The rest depends on the device, and may say what its driver does. */
static const struct call device_calls[] = {
	/* GET_INFO */
	{.cmd = 0x3b6b, .size = 24, .fields = {{4, FIELD_FLAGS, 3}}},
	/* GET_REGION_INFO */
	{.cmd = 0x3b6c,
	 .size = 64,
	 .fields = {{4, FIELD_FLAGS, 3}, {8, FIELD_U32, 10}}},
	/* GET_IRQ_INFO */
	{.cmd = 0x3b6d,
	 .size = 16,
	 .fields = {{4, FIELD_FLAGS, 3}, {8, FIELD_U32, 6}}},
	/* SET_IRQS */
	{.cmd = 0x3b6e,
	 .size = 36,
	 .fields = {{4, FIELD_FLAGS, 0x3f},
		    {8, FIELD_U32, 6},
		    {12, FIELD_U32, 5},
		    {16, FIELD_U32, 5},
		    {20, FIELD_FD, 0},
		    {24, FIELD_FD, 0},
		    {28, FIELD_FD, 0},
		    {32, FIELD_FD, 0}}},
	/* RESET */
	{.cmd = 0x3b6f, .size = 8},
	/* GET_PCI_HOT_RESET_INFO */
	{.cmd = 0x3b70, .size = 48, .fields = {{4, FIELD_FLAGS, 3}}},
	/* PCI_HOT_RESET */
	{.cmd = 0x3b71,
	 .size = 24,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_U32, 4},
		    {12, FIELD_FD, 0},
		    {16, FIELD_FD, 0},
		    {20, FIELD_FD, 0}}},
	/* IOEVENTFD */
	{.cmd = 0x3b74,
	 .size = 32,
	 .fields = {{4, FIELD_FLAGS, 0xf},
		    {8, FIELD_IOVA, 0},
		    {16, FIELD_SIZE, 0},
		    {24, FIELD_FD, 0}}},
	/* FEATURE: what is in it is that of several */
	{.cmd = 0x3b75,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 0x7000f},
		    {8, FIELD_IOVA, 0},
		    {16, FIELD_U32, 4},
		    {24, FIELD_POINTER, 6},
		    {32, FIELD_POINTER, 0}}},
};
#define DEVICE_CALLS (sizeof(device_calls) / sizeof(device_calls[0]))

#endif /* TESTS_FUZZ_CDEV_CALLS_H */
