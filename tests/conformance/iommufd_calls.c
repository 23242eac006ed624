/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommufd_calls.h"

#include <string.h>
#include <sys/ioctl.h>

#define A CALLS_IOVA

static void fill_destroy(const struct calls *calls, void *arg)
{
	struct abi_iommu_destroy *a = arg;

	a->id = calls->other;
}

static void fill_nothing(const struct calls *calls, void *arg)
{
	(void)calls;
	(void)arg;
}

static void fill_allow(const struct calls *calls, void *arg)
{
	struct abi_allow_iovas *a = arg;

	a->ioas_id = calls->ioas;
}

static void fill_copy(const struct calls *calls, void *arg)
{
	struct abi_ioas_copy *a = arg;

	a->flags = ABI_IOAS_ALL_RIGHTS;
	a->dst_ioas_id = calls->other;
	a->src_ioas_id = calls->ioas;
	a->length = PAGE;
	a->dst_iova = 2 * A;
	a->src_iova = A;
}

static void fill_ranges(const struct calls *calls, void *arg)
{
	struct abi_iova_ranges *a = arg;

	a->ioas_id = calls->ioas;
	a->num_iovas = 8;
	a->allowed_iovas = (uintptr_t)calls->memory;
}

static void fill_map(const struct calls *calls, void *arg)
{
	struct abi_ioas_map *a = arg;

	a->flags = ABI_IOAS_ALL_RIGHTS;
	a->ioas_id = calls->ioas;
	a->user_va = (uintptr_t)calls->memory;
	a->length = PAGE;
	a->iova = 2 * A;
}

static void fill_unmap(const struct calls *calls, void *arg)
{
	struct abi_ioas_unmap *a = arg;

	a->ioas_id = calls->ioas;
	a->iova = A;
	a->length = 4 * PAGE;
}

static void fill_option(const struct calls *calls, void *arg)
{
	struct abi_option *a = arg;

	a->option_id = ABI_OPTION_HUGE_PAGES;
	a->op = ABI_OPTION_GET;
	a->object_id = calls->ioas;
}

static void fill_vfio_ioas(const struct calls *calls, void *arg)
{
	struct abi_vfio_ioas *a = arg;

	a->ioas_id = calls->ioas;
	a->op = 1;
}

static void fill_hwpt(const struct calls *calls, void *arg)
{
	struct abi_hwpt_alloc *a = arg;

	a->dev_id = calls->devid;
	a->pt_id = calls->ioas;
}

static void fill_hw_info(const struct calls *calls, void *arg)
{
	struct abi_hw_info *a = arg;

	a->dev_id = calls->devid;
}

static void fill_set_dirty(const struct calls *calls, void *arg)
{
	struct abi_set_dirty *a = arg;

	a->hwpt_id = calls->hwpt;
}

static void fill_get_dirty(const struct calls *calls, void *arg)
{
	struct abi_get_dirty *a = arg;

	a->hwpt_id = calls->hwpt;
	a->iova = A;
	a->length = 4 * PAGE;
	a->page_size = PAGE;
	a->data = (uintptr_t)calls->memory;
}

static void fill_invalidate(const struct calls *calls, void *arg)
{
	struct abi_invalidate *a = arg;

	a->hwpt_id = calls->hwpt;
}

const struct iommufd_call iommufd_calls[] = {
	{"destroy", ABI_IOMMU_DESTROY, 8, 8, fill_destroy},
	{"ioas_alloc", ABI_IOMMU_IOAS_ALLOC, 12, 12, fill_nothing},
	{"allow_iovas", ABI_IOMMU_ALLOW_IOVAS, 24, 24, fill_allow},
	{"copy", ABI_IOMMU_IOAS_COPY, 40, 40, fill_copy},
	{"iova_ranges", ABI_IOMMU_IOVA_RANGES, 32, 32, fill_ranges},
	{"map", ABI_IOMMU_IOAS_MAP, 40, 40, fill_map},
	{"unmap", ABI_IOMMU_IOAS_UNMAP, 24, 24, fill_unmap},
	{"option", ABI_IOMMU_OPTION, 24, 24, fill_option},
	{"vfio_ioas", ABI_IOMMU_VFIO_IOAS, 12, 12, fill_vfio_ioas},
	{"hwpt_alloc", ABI_IOMMU_HWPT_ALLOC, 24, 48, fill_hwpt},
	{"hw_info", ABI_IOMMU_GET_HW_INFO, 32, 40, fill_hw_info},
	{"set_dirty", ABI_IOMMU_SET_DIRTY, 16, 16, fill_set_dirty},
	{"get_dirty", ABI_IOMMU_GET_DIRTY, 48, 48, fill_get_dirty},
	{"invalidate", ABI_IOMMU_INVALIDATE, 32, 32, fill_invalidate},
	{"fault_alloc", ABI_IOMMU_FAULT_ALLOC, 16, 16, fill_nothing},
};

const long iommufd_call_count = COUNT(iommufd_calls);

const char *calls_label(long i)
{
	return i < iommufd_call_count ? iommufd_calls[i].name : NULL;
}

void calls_fill(const struct calls *calls, long i, void *arg)
{
	memset(arg, 0, CALLS_MAX);
	memcpy(arg, &iommufd_calls[i].size, 4);
	iommufd_calls[i].fill(calls, arg);
}

struct calls calls_without_device(void)
{
	struct calls calls = {
		.fd = iommufd_open(),
		.cdev = -1,
		.memory = pages(16),
	};

	calls.ioas = ioas_alloc(calls.fd);
	calls.other = ioas_alloc(calls.fd);
	need(!ioas_map(calls.fd, calls.ioas, calls.memory, A, 4 * PAGE), "map");
	return calls;
}

struct calls calls_open(void)
{
	struct calls calls = calls_without_device();
	struct abi_attach attach = {.argsz = sizeof(attach),
				    .pt_id = calls.ioas};

	calls.cdev = cdev_open(0);
	calls.devid = cdev_id(calls.cdev, calls.fd);
	need(!ioctl(calls.cdev, ABI_ATTACH_PT, &attach), "attach");
	calls.hwpt = attach.pt_id;
	return calls;
}
