/* SPDX-License-Identifier: BSD-3-Clause */
#include "v02/dt.h"

#include <errno.h>
#include <string.h>

#include "mem/caller.h"
#include "v02/abi.h"

#define PATH_ROOM 4096 /* bytes, when the length names none */

static const struct uvf_v02_dt_entry *find(const struct uvf_v02_dt *dt,
					   uint64_t flags, uint32_t index)
{
	if (flags == V02_DT_REGION)
		return index < dt->region_count ? &dt->regions[index] : NULL;
	if (flags == V02_DT_IRQ)
		return index < dt->irq_count ? &dt->irqs[index] : NULL;
	return NULL;
}

long uvf_v02_dt_get_path(const struct uvf_v02_dt *dt, struct uvf_caller *caller,
			 unsigned long arg)
{
	const struct uvf_v02_dt_entry *entry;
	struct v02_dtpath info;
	size_t room = PATH_ROOM;
	size_t size;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	entry = find(dt, info.flags, info.index);
	if (info.len < sizeof(info) || !entry)
		return -EINVAL;
	if (info.len > sizeof(info))
		room = info.len - sizeof(info);
	size = strlen(entry->path) + 1;
	if (size > room || uvf_copy_out(caller, info.path, entry->path, size))
		return -EFAULT;
	return 0;
}

long uvf_v02_dt_get_index(const struct uvf_v02_dt *dt,
			  struct uvf_caller *caller, unsigned long arg)
{
	const struct uvf_v02_dt_entry *entry;
	struct v02_dtindex info;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	entry = find(dt, info.flags, info.index);
	if (info.len < sizeof(info) || !entry)
		return -EINVAL;
	info.prop_type = entry->prop_type;
	info.prop_index = entry->prop_index;
	return uvf_copy_out(caller, arg, &info, sizeof(info));
}
