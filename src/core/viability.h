/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a group may be used: whether no member of its IOMMU group is in
 * the hands of somebody else.
 */
#ifndef UVF_CORE_VIABILITY_H
#define UVF_CORE_VIABILITY_H

#include <stdbool.h>

#include "core/group.h"

struct uvf_device;
struct uvf_notifier;

/*
 * Who owns the DMA decides or, by the switch viability, the drivers of the
 * members at this moment.
 */
bool uvf_group_is_viable_locked(struct uvf_group *group)
	UVF_REQUIRES(group->lock);

/*
 * A device that is about to leave the group still has its driver; until it is
 * told to be unbound it does no harm.  What is needed to know this is made
 * when the device comes.  Return: 0 or -ENOMEM.
 */
int uvf_unbound_prepare(struct uvf_device *device);
void uvf_unbound_cancel(struct uvf_device *device);
void uvf_group_record_unbound(struct uvf_device *device);

/* Forget what was recorded of a device; NULL: of all. */
void uvf_group_forget_unbound(struct uvf_group *group,
			      const struct uvf_bus_device *bus_device);

/*
 * What a group hears of its IOMMU group.  A driver that came to a member while
 * the group is in use, and that may do so by host_bind_breaks_isolation, has
 * broken the isolation: no member can do DMA any more until the group leaves
 * its container.
 */
void uvf_group_notified(struct uvf_notifier *notifier, enum uvf_notify event,
			struct uvf_bus_device *bus_device);

#endif /* UVF_CORE_VIABILITY_H */
