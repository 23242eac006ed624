/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET_DTPATH and GET_DTINDEX, for bus drivers whose devices are nodes of a
 * device tree.  The proposal declared the structures and no more; what the
 * calls do is uvfio's choice.
 */
#ifndef UVF_V02_DT_H
#define UVF_V02_DT_H

#include <stddef.h>
#include <stdint.h>

struct uvf_caller;

/* Where a region or an interrupt of a device stands in the tree. */
struct uvf_v02_dt_entry {
	const char *path;    /* of the node */
	uint32_t prop_type;  /* enum v02_dt_prop */
	uint32_t prop_index; /* element of the property */
};

struct uvf_v02_dt {
	const struct uvf_v02_dt_entry *regions;
	size_t region_count;
	const struct uvf_v02_dt_entry *irqs;
	size_t irq_count;
};

/**
 * uvf_v02_dt_get_path() - DEVICE_GET_DTPATH
 * @arg: struct v02_dtpath; the path is written where it says
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the structure cannot be read
 *   -EINVAL  a length below 24; not exactly one of region and interrupt; no
 *            such index
 *   -EFAULT  the path and its NUL do not fit into the length behind the
 *            structure, a page when there is none, or cannot be written
 */
long uvf_v02_dt_get_path(const struct uvf_v02_dt *dt, struct uvf_caller *caller,
			 unsigned long arg);

/**
 * uvf_v02_dt_get_index() - DEVICE_GET_DTINDEX
 * @arg: struct v02_dtindex
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the structure cannot be read
 *   -EINVAL  as for the path
 *   -EFAULT  the structure cannot be written
 */
long uvf_v02_dt_get_index(const struct uvf_v02_dt *dt,
			  struct uvf_caller *caller, unsigned long arg);

#endif /* UVF_V02_DT_H */
