/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/container.h"

#include <errno.h>
#include <linux/vfio.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/backend.h"
#include "core/device.h"
#include "core/file.h"
#include "core/group.h"
#include "mem/caller.h"

void uvf_iommu_put(struct uvf_iommu *iommu)
{
	if (!iommu || !uvf_ref_put(&iommu->ref))
		return;
	iommu->backend->release(iommu->state);
	uvf_backend_put(iommu->backend);
	uvf_free(iommu);
}

struct uvf_iommu *uvf_container_get_iommu(struct uvf_container *container)
{
	struct uvf_iommu *iommu;

	uvf_lock(&container->lock);
	iommu = container->iommu;
	if (iommu)
		uvf_ref_get(&iommu->ref);
	uvf_unlock(&container->lock);
	return iommu;
}

struct uvf_container *uvf_container_get(struct uvf_container *container)
{
	uvf_ref_get(&container->ref);
	return container;
}

void uvf_container_put(struct uvf_container *container)
{
	if (!container || !uvf_ref_put(&container->ref))
		return;
	UVF_BUG_ON(container->iommu);
	uvf_mutex_fini(&container->lock);
	uvf_free(container);
}

static void container_release(struct uvf_file *file)
{
	uvf_container_put(file->object);
}

/* It was the backend's up to Linux 5.10, but none had it. */
static int container_mmap(struct uvf_file *file, uint64_t pos, uint64_t len,
			  int prot, int flags)
{
	const struct uvf_container *container = file->object;

	(void)pos;
	(void)len;
	(void)prot;
	(void)flags;
	if (container->vfio->machine->profile->container_passes_file_calls)
		return -EINVAL;
	return -ENODEV;
}

static const struct uvf_file_ops container_file_ops = {
	.mmap = container_mmap,
	.release = container_release,
};

int uvf_container_open(struct uvf_vfio *vfio, struct uvf_file **ret_file)
{
	struct uvf_container *container = uvf_zalloc(sizeof(*container));
	int ret;

	if (!container)
		return -ENOMEM;
	uvf_ref_init(&container->ref);
	container->vfio = vfio;
	uvf_mutex_init(&container->lock);
	uvf_list_init(&container->groups);
	ret = uvf_file_create(ret_file, UVF_FILE_CONTAINER, &container_file_ops,
			      container);
	if (ret)
		uvf_container_put(container);
	return ret;
}

struct uvf_container *uvf_container_of_file(struct uvf_file *file)
{
	return file->kind == UVF_FILE_CONTAINER ? file->object : NULL;
}

bool uvf_container_has_iommu(struct uvf_container *container)
{
	bool has_iommu;

	uvf_lock(&container->lock);
	has_iommu = container->iommu;
	uvf_unlock(&container->lock);
	return has_iommu;
}

/* Points the DMA of a group's members somewhere, or nowhere. */
static void aim_group(struct uvf_group *group, struct uvf_aspace *as)
{
	if (group->kind != UVF_DEVICE_IOMMU)
		return;
	uvf_iommu_group_set_domain(group->iommu_group, as);
	/* Somebody may have broken the isolation meanwhile. */
	if (as && atomic_load(&group->is_violated))
		uvf_iommu_group_set_domain(group->iommu_group, NULL);
}

static int iommu_attach(struct uvf_iommu *iommu, struct uvf_caller *caller,
			struct uvf_group *group)
{
	struct uvf_aspace *as;
	int ret = iommu->backend->attach_group(iommu->state, caller,
					       &group->member, &as);

	if (!ret)
		aim_group(group, as);
	return ret;
}

static void iommu_detach(struct uvf_iommu *iommu, struct uvf_group *group)
{
	aim_group(group, NULL);
	iommu->backend->detach_group(iommu->state, &group->member);
}

/* Up to Linux 5.17 nobody was asked, and the group need not be viable. */
static int own(struct uvf_group *group)
{
	int ret = 0;

	if (group->kind != UVF_DEVICE_IOMMU)
		return 0;
	ret = uvf_iommu_group_claim(group->iommu_group, group);
	group->is_owner = !ret;
	if (!group->vfio->machine->profile->set_container_wants_viable)
		ret = 0;
	return ret;
}

static void disown(struct uvf_group *group)
{
	if (group->is_owner)
		uvf_iommu_group_release(group->iommu_group);
	group->is_owner = false;
}

static int attach_locked(struct uvf_container *container,
			 struct uvf_caller *caller, struct uvf_group *group)
	UVF_REQUIRES(container->lock)
{
	const bool is_noiommu = group->kind == UVF_DEVICE_NOIOMMU;
	int ret;

	if (uvf_list_is_empty(&container->groups))
		container->is_noiommu = is_noiommu;
	else if (container->is_noiommu != is_noiommu)
		return -EPERM;
	ret = own(group);
	if (ret)
		return ret;
	if (container->iommu)
		ret = iommu_attach(container->iommu, caller, group);
	if (ret) {
		disown(group);
		return ret;
	}
	uvf_list_add(&container->groups, &group->container_node);
	group->container = uvf_container_get(container);
	return 0;
}

int uvf_container_attach(struct uvf_container *container,
			 struct uvf_caller *caller, struct uvf_group *group)
{
	int ret;

	uvf_assert_held(&group->lock);
	uvf_lock(&container->lock);
	ret = attach_locked(container, caller, group);
	uvf_unlock(&container->lock);
	return ret;
}

void uvf_container_detach(struct uvf_group *group)
{
	struct uvf_container *container = group->container;
	struct uvf_iommu *last = NULL;

	uvf_assert_held(&group->lock);
	uvf_lock(&container->lock);
	if (container->iommu)
		iommu_detach(container->iommu, group);
	uvf_list_remove(&group->container_node);
	group->container = NULL;
	if (uvf_list_is_empty(&container->groups)) {
		last = container->iommu;
		container->iommu = NULL;
	}
	uvf_unlock(&container->lock);
	disown(group);
	atomic_store(&group->is_violated, false);
	uvf_iommu_put(last);
	uvf_container_put(container);
}

/* Source: VFIO_GET_API_VERSION in linux/vfio.h; the argument is ignored. */
long container_ioctl_get_api_version(struct uvf_file *file,
				     struct uvf_caller *caller,
				     unsigned int cmd, unsigned long arg)
{
	(void)file;
	(void)caller;
	(void)cmd;
	(void)arg;
	return VFIO_API_VERSION;
}

static bool is_allowed_locked(const struct uvf_container *container,
			      const struct uvf_iommu_backend *backend)
	UVF_REQUIRES(container->lock)
{
	return container->is_noiommu == backend->is_noiommu;
}

/* What any backend says that its groups, if it has some, may have. */
static long ask_all_locked(struct uvf_container *container,
			   unsigned long extension)
	UVF_REQUIRES(container->lock)
{
	const struct uvf_iommu_backend *backend = NULL;
	struct uvf_vfio *vfio = container->vfio;
	long ret = 0;

	while ((backend = uvf_backend_next(vfio, backend))) {
		if (!uvf_list_is_empty(&container->groups) &&
		    !is_allowed_locked(container, backend))
			continue;
		ret = uvf_backend_check_extension(backend, NULL, &vfio->host,
						  extension);
		if (ret > 0) {
			uvf_backend_put(backend);
			break;
		}
	}
	return ret;
}

long uvf_container_check_extension(struct uvf_container *container,
				   unsigned long extension)
{
	struct uvf_iommu *iommu = uvf_container_get_iommu(container);
	long ret;

	if (iommu) {
		ret = uvf_backend_check_extension(iommu->backend, iommu->state,
						  &container->vfio->host,
						  extension);
		uvf_iommu_put(iommu);
		return ret;
	}
	uvf_lock(&container->lock);
	ret = ask_all_locked(container, extension);
	uvf_unlock(&container->lock);
	return ret;
}

long container_ioctl_check_extension(struct uvf_file *file,
				     struct uvf_caller *caller,
				     unsigned int cmd, unsigned long arg)
{
	(void)caller;
	(void)cmd;
	return uvf_container_check_extension(file->object, arg);
}

static int attach_all_locked(struct uvf_container *container,
			     struct uvf_caller *caller, struct uvf_iommu *iommu)
	UVF_REQUIRES(container->lock)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_list_for_each (node, &container->groups) {
		ret = iommu_attach(
			iommu, caller,
			uvf_list_entry(node, struct uvf_group, container_node));
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	for (node = node->prev; node != &container->groups; node = node->prev)
		iommu_detach(iommu, uvf_list_entry(node, struct uvf_group,
						   container_node));
	return ret;
}

/* One backend's try; on success it is the container's. */
static int try_backend_locked(struct uvf_container *container,
			      const struct uvf_iommu_backend *backend,
			      struct uvf_caller *caller, unsigned long type)
	UVF_REQUIRES(container->lock)
{
	struct uvf_iommu *iommu;
	int ret;

	if (backend->is_noiommu && !caller->has_rawio)
		return -EPERM;
	iommu = uvf_zalloc(sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	uvf_ref_init(&iommu->ref);
	iommu->backend = backend;
	ret = uvf_backend_open(backend, &iommu->state, &container->vfio->host,
			       type);
	if (ret) {
		uvf_free(iommu);
		return ret;
	}
	uvf_backend_get(backend);
	ret = attach_all_locked(container, caller, iommu);
	if (ret)
		uvf_iommu_put(iommu);
	else
		container->iommu = iommu;
	return ret;
}

/*
 * Source: VFIO_SET_IOMMU; order of errors from drivers/vfio/container.c,
 * Linux 6.12: the next backend is tried after one failed, and the last
 * failure is the answer.
 */
long container_ioctl_set_iommu(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg)
{
	struct uvf_container *container = file->object;
	const struct uvf_iommu_backend *backend = NULL;
	struct uvf_vfio *vfio = container->vfio;
	int ret = -ENODEV;

	(void)cmd;
	uvf_lock(&container->lock);
	if (uvf_list_is_empty(&container->groups) || container->iommu) {
		uvf_unlock(&container->lock);
		return -EINVAL;
	}
	while ((backend = uvf_backend_next(vfio, backend))) {
		if (!is_allowed_locked(container, backend) ||
		    uvf_backend_check_extension(backend, NULL, &vfio->host,
						arg) <= 0)
			continue;
		ret = try_backend_locked(container, backend, caller, arg);
		if (!ret || !vfio->machine->profile->set_iommu_tries_next) {
			uvf_backend_put(backend);
			break;
		}
	}
	uvf_unlock(&container->lock);
	return ret;
}

long container_ioctl_iommu(struct uvf_file *file, struct uvf_caller *caller,
			   unsigned int cmd, unsigned long arg)
{
	struct uvf_iommu *iommu = uvf_container_get_iommu(file->object);
	long ret;

	if (!iommu)
		return -EINVAL;
	ret = iommu->backend->ioctl(iommu->state, caller, cmd, arg);
	uvf_iommu_put(iommu);
	return ret;
}
