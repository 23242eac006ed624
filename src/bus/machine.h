/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine of one run: its buses, devices, IOMMU groups and pretended
 * host.
 */
#ifndef UVF_BUS_MACHINE_H
#define UVF_BUS_MACHINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/profile.h"
#include "base/range.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/remover.h"
#include "bus/uevent.h"

#define UVF_GROUP_OWN  (-1) /* a group of its own, smallest free id from 1 */
#define UVF_GROUP_NONE (-2) /* behind no IOMMU */

struct uvf_bus;

/* Called with each uevent, in their order; takes no lock of the machine. */
typedef void uvf_changed_fn(void *arg, const struct uvf_uevent *event);

/* What modules and buses were told by their files. */
struct uvf_params {
	atomic_bool allow_unsafe_interrupts;    /* vfio_iommu_type1 */
	atomic_bool disable_hugepages;          /* the same */
	atomic_uint dma_entry_limit;            /* of a container made later */
	atomic_bool enable_sriov;               /* vfio_pci */
	atomic_bool enable_unsafe_noiommu_mode; /* vfio */
	atomic_bool reset_required;             /* vfio_platform */
};

struct uvf_machine {
	const struct uvf_profile *profile;
	bool has_iommu; /* else no device has a group; fixed at run time */
	/* Where IOMMUs hear interrupt messages; .last 0: nowhere.  Fixed. */
	struct uvf_range msi_window;
	/*
	 * How often the users of a device that is to go are asked for it
	 * before it is taken away; 0: for ever.  Fixed at run time.
	 */
	unsigned int revoke_after;
	atomic_ulong generation; /* goes up with each change sysfs shows */

	/*
	 * One plug, remove or rescan at a time, the wait for users included.
	 * Outermost.
	 */
	struct uvf_mutex rescan_lock;

	/* A leaf: protects the lists and what device.h and driver.h say. */
	struct uvf_mutex lock;
	struct uvf_list buses;
	struct uvf_list devices;  /* of all buses, in the order of arrival */
	struct uvf_list groups;   /* by id */
	char *resource_alignment; /* what the file holds; NULL: nothing */

	struct uvf_params params;
	struct uvf_remover remover;

	struct uvf_mutex event_lock; /* a leaf: protects what follows */
	uint64_t seqnum;
	uvf_changed_fn *changed;
	void *changed_arg;
};

void uvf_machine_init(struct uvf_machine *machine,
		      const struct uvf_profile *profile);

/* Unbinds and removes all devices, frees drivers and buses. */
void uvf_machine_fini(struct uvf_machine *machine);

/* Who hears of changes; NULL: nobody. */
void uvf_machine_set_changed(struct uvf_machine *machine,
			     uvf_changed_fn *changed, void *arg);

/* Something that sysfs shows is different now. */
void uvf_machine_touch(struct uvf_machine *machine);

/**
 * uvf_machine_add() - put a device into the machine
 * @device:   named, with its bus set; its reference is the machine's on
 *            success
 * @group_id: IOMMU group, UVF_GROUP_OWN or UVF_GROUP_NONE, which it is in
 *            any case on a host without IOMMU
 *
 * No driver is asked yet: see uvf_device_attach().
 *
 * Return: 0, or -EEXIST the name is taken, -ENOMEM.
 */
int uvf_machine_add(struct uvf_machine *machine, struct uvf_bus_device *device,
		    int group_id);

/**
 * uvf_machine_remove() - take a device out of the machine
 * Waits for its users.  Nothing happens when it is out already.
 * Context: takes rescan_lock's place: the caller holds it.
 */
void uvf_machine_remove(struct uvf_machine *machine,
			struct uvf_bus_device *device, struct uvf_task *task)
	UVF_REQUIRES(machine->rescan_lock);

/**
 * uvf_machine_take_out() - the same for a device that nothing is behind
 * For who orders its removal by other means than rescan_lock.
 */
void uvf_machine_take_out(struct uvf_machine *machine,
			  struct uvf_bus_device *device, struct uvf_task *task);

/* A device of any bus by its name, with a reference, or NULL. */
struct uvf_bus_device *uvf_machine_find(struct uvf_machine *machine,
					const char *name);

/**
 * uvf_machine_devices() - the devices of a bus, each with a reference
 * @bus:       NULL: of all
 * @ret_count: how many
 * Return: an array for uvf_bus_devices_put(), or NULL when there is no
 * memory.
 */
struct uvf_bus_device **uvf_machine_devices(struct uvf_machine *machine,
					    const struct uvf_bus *bus,
					    size_t *ret_count);
void uvf_bus_devices_put(struct uvf_bus_device **devices, size_t count);

/**
 * uvf_machine_unplug() - hot-unplug a device, as its file remove does
 * @task: who waits for its users; NULL: uvfio itself
 * A second call for the same device waits for the first.
 */
void uvf_machine_unplug(struct uvf_bus_device *device, struct uvf_task *task);

/**
 * uvf_machine_unplug_by_file() - write a number to a device's file remove
 * By remove_is_deferred, it returns at once.
 * Return: 0, -EAGAIN one is under way already (deferred only), or -ENOMEM.
 */
int uvf_machine_unplug_by_file(struct uvf_bus_device *device,
			       struct uvf_task *task);

/* Bring back what was unplugged, as the file rescan does. */
void uvf_machine_rescan(struct uvf_machine *machine);

/* Write a number to a file rescan.  Return: @size, or -EINVAL. */
ssize_t uvf_machine_rescan_by_file(struct uvf_machine *machine,
				   const char *text, size_t size);

/* Whether users of a device that is to go are asked for it at all. */
static inline bool uvf_machine_asks_users(const struct uvf_machine *machine)
{
	return machine->profile->unregister_requests;
}

#endif /* UVF_BUS_MACHINE_H */
