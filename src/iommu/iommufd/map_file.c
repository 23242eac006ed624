/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings of files instead of a process's memory: they stay when it unmaps
 * the file, or executes another program, and it can hand them to another.
 */
#include <errno.h>
#include <unistd.h>

#include "iommu/iommufd/abi_new.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"
#include "mem/file.h"

static int map_fd(struct uvf_iommufd_call *call, struct uvf_ioas *ioas,
		  struct uvf_map *what, struct iommu_ioas_map_file *map)
{
	int fd = call->caller->ops->fd_fetch(call->caller, map->fd);
	int ret;

	if (fd == -EBADF || fd == -EMFILE)
		return fd;
	ret = uvf_file_mm_create(&what->mm, fd < 0 ? -1 : fd);
	if (ret) {
		if (fd >= 0)
			close(fd);
		return ret;
	}
	ret = uvf_ioas_map(ioas, what, &map->iova);
	uvf_mm_put(what->mm);
	return ret;
}

/**
 * iommu_ioctl_ioas_map_file() - let devices reach a file of memory
 * @cmd: struct iommu_ioas_map_file
 *
 * Until a device is attached, the file may be any.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  unknown flag
 *   -EOVERFLOW   IOVA or length 2^64-1
 *   -EINVAL      neither readable nor writeable
 *   -ENOENT      no such space
 *   -EINVAL      length 0, or nearly 2^64
 *   -EOVERFLOW   the offsets wrap
 *   -EBADF       no such descriptor
 *   or what uvf_ioas_map() returns
 *   -EFAULT      the answer cannot be written, too late
 */
int iommu_ioctl_ioas_map_file(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_ioas_map_file *map = cmd;
	struct uvf_map what = {
		.caller = call->caller,
		.vaddr = map->start,
		.size = map->length,
		.prot = uvf_ioas_prot(map->flags),
		.is_fixed = map->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
		.is_file = true,
	};
	struct uvf_ioas *ioas;
	uint64_t end;
	int ret;

	if (map->flags & ~IOMMU_IOAS_MAP_FLAGS)
		return -EOPNOTSUPP;
	if (map->iova == UINT64_MAX || map->length == UINT64_MAX)
		return -EOVERFLOW;
	if (!what.prot)
		return -EINVAL;
	ioas = uvf_ioas_find(call->ctx, map->ioas_id);
	if (!ioas)
		return -ENOENT;
	if (!map->length || map->length > UINT64_MAX - UVF_IOMMUFD_PAGE)
		return -EINVAL;
	if (__builtin_add_overflow(map->start, map->length, &end))
		return -EOVERFLOW;
	ret = map_fd(call, ioas, &what, map);
	return ret ? ret : uvf_iommufd_respond(call, map, sizeof(*map));
}

/* What to do with each area of a context, until one fails. */
typedef int area_fn(struct uvf_area *area, struct uvf_caller *caller);

static int for_each_area(struct uvf_iommufd *ctx, struct uvf_caller *caller,
			 area_fn *fn)
{
	for (uint32_t id = 1; id < ctx->capacity; id++) {
		struct uvf_ioas *ioas = uvf_ioas_find(ctx, id);
		struct uvf_area *area = ioas ? uvf_area_from(ioas, 0) : NULL;

		for (; area; area = uvf_area_next(area)) {
			int ret = fn(area, caller);

			if (ret)
				return ret;
		}
	}
	return 0;
}

static int check_file(struct uvf_area *area, struct uvf_caller *caller)
{
	(void)caller;
	return area->pages->is_file ? 0 : -EINVAL;
}

static int charge_heir(struct uvf_area *area, struct uvf_caller *caller)
{
	return uvf_pages_charge_heir(area->pages, caller);
}

static int take_heir(struct uvf_area *area, struct uvf_caller *caller)
{
	(void)caller;
	uvf_pages_end_heir(area->pages, true);
	return 0;
}

static int drop_heir(struct uvf_area *area, struct uvf_caller *caller)
{
	(void)caller;
	uvf_pages_end_heir(area->pages, false);
	return 0;
}

/**
 * iommu_ioctl_ioas_change_process() - charge all to the caller from now on
 * @cmd: struct iommu_ioas_change_process
 * Return: 0, or, in the order they are tested: -EOPNOTSUPP reserved field,
 * -EINVAL a mapping is not of a file, -ENOMEM and nothing changed.
 */
int iommu_ioctl_ioas_change_process(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_ioas_change_process *change = cmd;
	int ret;

	if (change->reserved)
		return -EOPNOTSUPP;
	ret = for_each_area(call->ctx, call->caller, check_file);
	if (ret)
		return ret;
	ret = for_each_area(call->ctx, call->caller, charge_heir);
	for_each_area(call->ctx, call->caller, ret ? drop_heir : take_heir);
	return ret;
}
