/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU groups: devices that cannot be told apart by the IOMMU, who owns
 * their DMA, and where it leads.
 *
 * A group lives while something holds a reference: its devices do, and
 * VFIO's groups.  Then its id is free again.
 */
#ifndef UVF_BUS_GROUP_H
#define UVF_BUS_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "base/tce.h"

struct uvf_aspace;
struct uvf_bus_device;
struct uvf_iommu_group;
struct uvf_machine;

/* What a notifier is told, for each device in this order. */
enum uvf_notify {
	UVF_NOTIFY_ADD = 1, /* joined the group */
	UVF_NOTIFY_DEL,     /* left it */
	UVF_NOTIFY_BIND,    /* before probe */
	UVF_NOTIFY_BOUND,   /* after a successful probe */
	UVF_NOTIFY_UNBIND,  /* before remove */
	UVF_NOTIFY_UNBOUND, /* after remove */
};

struct uvf_notifier {
	struct uvf_list node;
	/*
	 * Runs under the group's notify_lock, which is below a device's lock
	 * and above all locks of VFIO's core.
	 */
	void (*call)(struct uvf_notifier *notifier, enum uvf_notify event,
		     struct uvf_bus_device *device);
};

struct uvf_iommu_group {
	struct uvf_ref ref;           /* changed under the machine's lock */
	struct uvf_machine *machine;  /* fixed */
	unsigned int id;              /* fixed */
	const char *name;             /* fixed, static; NULL: none */
	struct uvf_list machine_node; /* under the machine's lock */

	struct uvf_mutex notify_lock; /* protects notifiers, and their calls */
	struct uvf_list notifiers;

	/* As the first member has it; fixed while there is one. */
	const char *iommu;
	unsigned int iommu_bits;

	struct uvf_mutex lock;     /* protects what follows */
	struct uvf_list devices;   /* struct uvf_bus_device, by group_node */
	unsigned int host_users;   /* members whose driver needs the default */
	void *owner;               /* who claimed the DMA, or NULL */
	unsigned int owner_count;  /* claims by that owner */
	struct uvf_aspace *domain; /* NULL: the default, or blocked */
	bool is_blocked;           /* no DMA, wherever the domain leads */
	const char *type;          /* of the default domain, static */
	/* On a POWER host, of the owner; the default is the host's. */
	struct uvf_tce_window windows[UVF_TCE_WINDOWS];
};

/**
 * uvf_iommu_group_create() - a group without an IOMMU behind it
 * @name: as sysfs shows it, static; NULL: none
 * Return: the group with one reference and the smallest free id, or NULL.
 */
struct uvf_iommu_group *uvf_iommu_group_create(struct uvf_machine *machine,
					       const char *name);
struct uvf_iommu_group *uvf_iommu_group_get(struct uvf_iommu_group *group);
void uvf_iommu_group_put(struct uvf_iommu_group *group); /* takes NULL */

/**
 * uvf_iommu_group_obtain() - the group of an id, made when it is not there
 * Return: the group with a reference, or NULL when there is no memory.
 */
struct uvf_iommu_group *uvf_iommu_group_obtain(struct uvf_machine *machine,
					       unsigned int id);

/* The group with the lowest id from one on, with a reference, or NULL. */
struct uvf_iommu_group *uvf_iommu_group_from(struct uvf_machine *machine,
					     unsigned int id);

/* A group by its id, with a reference, or NULL. */
struct uvf_iommu_group *uvf_iommu_group_find(struct uvf_machine *machine,
					     unsigned int id);

/**
 * uvf_iommu_group_add_device() - a device that has no group joins one
 * Its DMA leads where the group's does, before a driver sees it.
 */
void uvf_iommu_group_add_device(struct uvf_iommu_group *group,
				struct uvf_bus_device *device);

/* It leaves its group, if it has one; its DMA leads nowhere. */
void uvf_iommu_group_remove_device(struct uvf_bus_device *device);

/**
 * uvf_iommu_group_members() - the devices, each with a reference
 * @ret_count: how many
 * Return: an array for uvf_bus_devices_put(), or NULL when there is no
 * memory.
 */
struct uvf_bus_device **uvf_iommu_group_members(struct uvf_iommu_group *group,
						size_t *ret_count);

/**
 * uvf_iommu_group_claim() - take the DMA of a whole group
 * @owner: not NULL
 * Return: 0, or -EPERM a host driver or an owner has it, -EBUSY its DMA
 * leads somewhere already.
 */
int uvf_iommu_group_claim(struct uvf_iommu_group *group, void *owner);
void uvf_iommu_group_release(struct uvf_iommu_group *group);

/**
 * uvf_iommu_group_claim_device() - the same on behalf of one device
 * The same owner may claim once for each device.
 * Return: 0, or -EPERM a host driver or another owner has it, -EBUSY.
 */
int uvf_iommu_group_claim_device(struct uvf_iommu_group *group, void *owner);
void uvf_iommu_group_release_device(struct uvf_iommu_group *group);

/**
 * uvf_iommu_group_use_default() - a driver that needs the default domain
 * takes a member
 * Return: 0, or -EBUSY the DMA is claimed, unless the profile lets such a
 * driver break the isolation.
 */
int uvf_iommu_group_use_default(struct uvf_iommu_group *group);
void uvf_iommu_group_unuse_default(struct uvf_iommu_group *group);

/* The type of its default domain, as the file type shows it. */
const char *uvf_iommu_group_type(struct uvf_iommu_group *group);

/**
 * uvf_iommu_group_set_type() - write the file type
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  no IOMMU is behind it, or none of identity, DMA, DMA-FQ, auto
 *   -EPERM   it has no member or somebody uses it, unless DMA turns DMA-FQ
 */
int uvf_iommu_group_set_type(struct uvf_iommu_group *group, const char *text);

/* Whether nobody uses the group's DMA. */
bool uvf_iommu_group_is_idle(struct uvf_iommu_group *group);

/**
 * uvf_iommu_group_set_domain() - where the DMA of all members leads, and of
 * each that joins later
 * @as: NULL: nowhere
 * When it returns, no DMA to the former one runs.
 */
void uvf_iommu_group_set_domain(struct uvf_iommu_group *group,
				struct uvf_aspace *as);

/**
 * uvf_iommu_group_set_blocked() - stop the DMA of all members, and of each
 * that joins later, or let it go where it leads
 * When it stops, none runs any more.
 */
void uvf_iommu_group_set_blocked(struct uvf_iommu_group *group,
				 bool is_blocked);

/* What the owner of the DMA lets be translated, on a POWER host. */
void uvf_iommu_group_set_windows(struct uvf_iommu_group *group,
				 const struct uvf_tce_window *windows);

/**
 * uvf_iommu_group_get_windows() - what is translated for the group
 * @host: the window of a group that nobody owns
 * @ret_windows: UVF_TCE_WINDOWS of them
 */
void uvf_iommu_group_get_windows(struct uvf_iommu_group *group,
				 const struct uvf_tce_window *host,
				 struct uvf_tce_window *ret_windows);

void uvf_iommu_group_add_notifier(struct uvf_iommu_group *group,
				  struct uvf_notifier *notifier);

/* When it returns, its call does not run. */
void uvf_iommu_group_remove_notifier(struct uvf_iommu_group *group,
				     struct uvf_notifier *notifier);

/* Tells the notifiers of a device's group, if it has one. */
void uvf_iommu_group_notify(struct uvf_bus_device *device,
			    enum uvf_notify event);

#endif /* UVF_BUS_GROUP_H */
