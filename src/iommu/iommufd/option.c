/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OPTION: how memory is accounted, and how large pages are.
 */
#include <errno.h>
#include <stddef.h>

#include "iommu/iommufd/abi.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"

static int rlimit_mode(struct uvf_iommufd_call *call,
		       struct iommu_option *option)
{
	struct uvf_iommufd *ctx = call->ctx;

	if (option->object_id)
		return -EOPNOTSUPP;
	if (option->op == IOMMU_OPTION_OP_GET) {
		option->val64 = ctx->accounts_mm;
		return 0;
	}
	if (option->op != IOMMU_OPTION_OP_SET)
		return -EOPNOTSUPP;
	if (!call->caller->has_sys_resource)
		return -EPERM;
	if (ctx->object_count)
		return -EBUSY;
	if (option->val64 > 1)
		return -EINVAL;
	ctx->accounts_mm = option->val64;
	return 0;
}

static int huge_pages(struct uvf_iommufd_call *call,
		      struct iommu_option *option)
{
	struct uvf_ioas *ioas = uvf_ioas_find(call->ctx, option->object_id);

	if (!ioas)
		return -ENOENT;
	if (option->op == IOMMU_OPTION_OP_GET) {
		option->val64 = !ioas->has_small_pages;
		return 0;
	}
	if (option->op != IOMMU_OPTION_OP_SET)
		return -EOPNOTSUPP;
	if (option->val64 > 1)
		return -EINVAL;
	return uvf_ioas_set_small_pages(ioas, !option->val64);
}

/**
 * iommu_ioctl_option() - ask or change a setting
 * @cmd: struct iommu_option
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  reserved field, unknown option; RLIMIT_MODE of an object
 *   -ENOENT      HUGE_PAGES, and no such space
 *   -EOPNOTSUPP  unknown operation
 *   -EPERM       RLIMIT_MODE: no CAP_SYS_RESOURCE
 *   -EBUSY       RLIMIT_MODE: there are objects
 *   -EINVAL      unknown value; HUGE_PAGES off while devices use it
 *   -EADDRINUSE  HUGE_PAGES off, and a mapping has no whole pages
 *   -EFAULT      the answer cannot be written
 */
int iommu_ioctl_option(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_option *option = cmd;
	int ret = -EOPNOTSUPP;

	if (option->reserved)
		return -EOPNOTSUPP;
	if (option->option_id == IOMMU_OPTION_RLIMIT_MODE)
		ret = rlimit_mode(call, option);
	else if (option->option_id == IOMMU_OPTION_HUGE_PAGES)
		ret = huge_pages(call, option);
	if (ret)
		return ret;
	return uvf_copy_out(call->caller,
			    call->arg + offsetof(struct iommu_option, val64),
			    &option->val64, sizeof(option->val64));
}
