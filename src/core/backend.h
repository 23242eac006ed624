/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The IOMMU backends that a container may choose among: those that are built
 * in, and before them those that came at run time, the newest first.
 */
#ifndef UVF_CORE_BACKEND_H
#define UVF_CORE_BACKEND_H

#include "base/list.h"
#include "iommu/iommu.h"

struct uvf_vfio;

/* One that came at run time; embedded by who brings it. */
struct uvf_added_backend {
	struct uvf_list node;  /* vfio->added, under vfio->added_lock */
	unsigned int users;    /* under it: who holds it from going */
	struct uvf_vfio *vfio; /* set when it is added, as what follows */
	const void *identity;  /* what it is known by */
	struct uvf_iommu_backend backend; /* ->added is this one */
	/* In place of those of the backend; state is NULL before open. */
	int (*check_extension)(struct uvf_added_backend *added, void *state,
			       unsigned long extension);
	int (*open)(struct uvf_added_backend *added, void **ret_state,
		    unsigned long type);
};

/**
 * uvf_backend_add() - let containers choose a backend
 * Return: 0, or -EINVAL: one of this identity is there.
 */
int uvf_backend_add(struct uvf_vfio *vfio, struct uvf_added_backend *added);

/**
 * uvf_backend_remove() - no longer
 * @ret_added: written on success; the caller's again
 * Return: 0, or, in the order they are tested:
 *   -ENODEV  none of this identity is there
 *   -EBUSY   a container uses it
 */
int uvf_backend_remove(struct uvf_vfio *vfio, const void *identity,
		       struct uvf_added_backend **ret_added);

/**
 * uvf_backend_next() - one after the other, each held until the next is asked
 * @backend: the one before, or NULL for the first
 * Return: the next, to be let go of when no other is asked for; NULL: no more.
 */
const struct uvf_iommu_backend *
uvf_backend_next(struct uvf_vfio *vfio,
		 const struct uvf_iommu_backend *backend);

/* Hold one from going, and let go. */
void uvf_backend_get(const struct uvf_iommu_backend *backend);
void uvf_backend_put(const struct uvf_iommu_backend *backend);

/* As of struct uvf_iommu_backend, whichever kind it is. */
int uvf_backend_check_extension(const struct uvf_iommu_backend *backend,
				void *state, const struct uvf_iommu_host *host,
				unsigned long extension);
int uvf_backend_open(const struct uvf_iommu_backend *backend, void **ret_state,
		     const struct uvf_iommu_host *host, unsigned long type);

#endif /* UVF_CORE_BACKEND_H */
