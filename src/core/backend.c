/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/backend.h"

#include <errno.h>

#include "core/vfio.h"

static struct uvf_added_backend *find_locked(struct uvf_vfio *vfio,
					     const void *identity)
	UVF_REQUIRES(vfio->added_lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->added) {
		struct uvf_added_backend *added =
			uvf_list_entry(node, struct uvf_added_backend, node);

		if (added->identity == identity)
			return added;
	}
	return NULL;
}

int uvf_backend_add(struct uvf_vfio *vfio, struct uvf_added_backend *added)
{
	int ret = 0;

	added->vfio = vfio;
	added->users = 0;
	added->backend.added = added;
	uvf_lock(&vfio->added_lock);
	if (find_locked(vfio, added->identity))
		ret = -EINVAL;
	else
		uvf_list_add(&vfio->added, &added->node);
	uvf_unlock(&vfio->added_lock);
	return ret;
}

int uvf_backend_remove(struct uvf_vfio *vfio, const void *identity,
		       struct uvf_added_backend **ret_added)
{
	struct uvf_added_backend *added;
	int ret = 0;

	uvf_lock(&vfio->added_lock);
	added = find_locked(vfio, identity);
	if (!added)
		ret = -ENODEV;
	else if (added->users)
		ret = -EBUSY;
	else
		uvf_list_remove(&added->node);
	uvf_unlock(&vfio->added_lock);
	if (!ret)
		*ret_added = added;
	return ret;
}

void uvf_backend_get(const struct uvf_iommu_backend *backend)
{
	struct uvf_added_backend *added = backend->added;

	if (!added)
		return;
	uvf_lock(&added->vfio->added_lock);
	added->users++;
	uvf_unlock(&added->vfio->added_lock);
}

void uvf_backend_put(const struct uvf_iommu_backend *backend)
{
	struct uvf_added_backend *added = backend->added;

	if (!added)
		return;
	uvf_lock(&added->vfio->added_lock);
	added->users--;
	uvf_unlock(&added->vfio->added_lock);
}

/* The one that came before @added, held; NULL: all others are built in. */
static const struct uvf_iommu_backend *older(struct uvf_vfio *vfio,
					     struct uvf_added_backend *added)
{
	struct uvf_added_backend *next = NULL;
	struct uvf_list *node;

	uvf_lock(&vfio->added_lock);
	node = added ? added->node.next : vfio->added.next;
	if (node != &vfio->added) {
		next = uvf_list_entry(node, struct uvf_added_backend, node);
		next->users++;
	}
	uvf_unlock(&vfio->added_lock);
	return next ? &next->backend : NULL;
}

const struct uvf_iommu_backend *
uvf_backend_next(struct uvf_vfio *vfio, const struct uvf_iommu_backend *backend)
{
	const struct uvf_iommu_backend *const *built_in = vfio->backends;
	const struct uvf_iommu_backend *next;

	if (!backend || backend->added) {
		next = older(vfio, backend ? backend->added : NULL);
		if (backend)
			uvf_backend_put(backend);
		return next ? next : *built_in;
	}
	while (*built_in != backend)
		built_in++;
	return built_in[1];
}

int uvf_backend_check_extension(const struct uvf_iommu_backend *backend,
				void *state, const struct uvf_iommu_host *host,
				unsigned long extension)
{
	struct uvf_added_backend *added = backend->added;

	if (added)
		return added->check_extension(added, state, extension);
	return backend->check_extension(state, host, extension);
}

int uvf_backend_open(const struct uvf_iommu_backend *backend, void **ret_state,
		     const struct uvf_iommu_host *host, unsigned long type)
{
	struct uvf_added_backend *added = backend->added;

	if (added)
		return added->open(added, ret_state, type);
	return backend->open(ret_state, host, type);
}
