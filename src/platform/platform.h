/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One platform device: its hardware side (registers and interrupt lines),
 * which lives as long as the machine, and what vfio-platform keeps about it
 * while it is open.
 *
 * One lock, that of the model, protects what is not fixed.
 */
#ifndef UVF_PLATFORM_PLATFORM_H
#define UVF_PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/vfio.h>
#include <uvfio/platform.h>

#include "bus/device.h"
#include "core/device.h"
#include "core/model.h"
#include "core/set_irqs.h"
#include "v02/dt.h"

#define UVF_PLATFORM_BUS    "platform"
#define UVF_PLATFORM_DRIVER "vfio-platform"

#define UVF_PLATFORM_OFFSET_SHIFT 40
#define UVF_PLATFORM_OFFSET_MASK                                               \
	((UINT64_C(1) << UVF_PLATFORM_OFFSET_SHIFT) - 1)
#define UVF_PLATFORM_PAGE 4096u

#define UVF_PLATFORM_DT_PATH 64 /* bytes, final NUL included */

struct uvf_eventwatch;
struct uvf_machine;
struct uvf_options;
struct uvf_profile;

struct uvf_platform_irq {
	struct uvf_platform *owner; /* fixed */
	enum uvfio_platform_line line;

	bool level; /* as the model drives it */

	/* Of the client; as at first while nobody has the device open. */
	int trigger;          /* eventfd; -1: none, the line is off */
	bool has_had_trigger; /* since the device was opened */
	bool is_pending;      /* an edge came while the line was off */
	bool is_masked;
	struct uvf_eventwatch *mask, *unmask;
};

struct uvf_platform {
	struct uvf_bus_device bus;
	struct uvf_device vfio;
	struct uvfio_dev model;

	/* Fixed. */
	const struct uvfio_platform_model *desc;
	const struct uvf_profile *profile;
	struct uvf_machine *machine;
	struct uvf_options *options; /* owned */
	uint64_t address;
	bool can_reset; /* the host has a handler for it */
	struct uvf_bus_device_ops bus_ops;
	/* Where it is in the device tree. */
	char dt_path[UVF_PLATFORM_DT_PATH];
	struct uvf_v02_dt_entry *dt_entries; /* regions, then interrupts */
	struct uvf_v02_dt dt;

	struct uvf_platform_irq *irqs; /* desc->line_count of them */
};

static inline struct uvf_platform *uvf_platform_of(struct uvf_device *device)
{
	return uvf_container_of(device, struct uvf_platform, vfio);
}

static inline struct uvf_platform *uvf_platform_of_model(struct uvfio_dev *dev)
{
	return uvf_container_of(dev, struct uvf_platform, model);
}

static inline struct uvf_platform *
uvf_platform_of_bus(struct uvf_bus_device *bus)
{
	return uvf_container_of(bus, struct uvf_platform, bus);
}

/* regions.c */
uint32_t uvf_platform_region_flags(const struct uvf_platform *platform,
				   uint32_t index);
long platform_ioctl_get_info(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg);
long platform_ioctl_get_region_info(struct uvf_device *device,
				    struct uvf_caller *caller,
				    unsigned long arg);
ssize_t platform_read(struct uvf_device *device, struct uvf_caller *caller,
		      uint64_t addr, size_t len, uint64_t pos);
ssize_t platform_write(struct uvf_device *device, struct uvf_caller *caller,
		       uint64_t addr, size_t len, uint64_t pos);
int platform_mmap(struct uvf_device *device, uint64_t pos, uint64_t len,
		  int prot, int flags);
void platform_fault(struct uvf_device *device, uint64_t pos,
		    struct uvf_page *ret_page);
bool platform_mmio(struct uvf_device *device, uint64_t pos, void *buf,
		   size_t len, bool is_write);

/* irqs.c */
long platform_ioctl_get_irq_info(struct uvf_device *device,
				 struct uvf_caller *caller, unsigned long arg);
long platform_ioctl_set_irqs(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg);
/* A request for one interrupt that passed the checks common to all. */
int uvf_platform_set_irq_locked(struct uvf_platform *platform,
				const struct uvf_irq_set *set)
	UVF_REQUIRES(platform->model.lock);
/* All interrupts as at first. */
void uvf_platform_irqs_open_locked(struct uvf_platform *platform)
	UVF_REQUIRES(platform->model.lock);
void uvf_platform_irqs_close_locked(struct uvf_platform *platform)
	UVF_REQUIRES(platform->model.lock);

/* driver.c */
extern const struct uvf_device_ops uvf_platform_device_ops;
/**
 * uvf_platform_reset() - by the host's handler
 * Return: 0, or -EINVAL there is none.
 */
int uvf_platform_reset(struct uvf_platform *platform,
		       enum uvfio_reset_kind kind);

/* Whether vfio-platform wants devices that it can reset. */
bool uvf_platform_requires_reset(const struct uvf_platform *platform);

/* sysfs.c: list the files that this device has. */
void uvf_platform_sysfs_init(struct uvf_platform *platform);
size_t uvf_platform_show_pairs(struct uvf_bus_device *bus, char *buf,
			       size_t size);

#endif /* UVF_PLATFORM_PLATFORM_H */
