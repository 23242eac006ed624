/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that is bound to a driver of today's ABI, by the operations that
 * this driver has: what all such drivers have in common when their ioctls are
 * those of v0.2.  What bind_dev is given is the struct uvf_device.
 */
#ifndef UVF_V02_BOUND_H
#define UVF_V02_BOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_bus_device;
struct uvf_caller;
struct uvf_driver;
struct uvf_page;
struct uvf_task;
struct uvf_v02;
struct uvf_v02_device_ops;

/* Of struct uvf_v02_device_ops. */
bool uvf_v02_bound_match(struct uvf_bus_device *device, const char *name);
int uvf_v02_bound_get(void *data);
void uvf_v02_bound_put(void *data);
ssize_t uvf_v02_bound_read(void *data, struct uvf_caller *caller, uint64_t addr,
			   size_t len, uint64_t pos);
ssize_t uvf_v02_bound_write(void *data, struct uvf_caller *caller,
			    uint64_t addr, size_t len, uint64_t pos);
int uvf_v02_bound_mmap(void *data, uint64_t pos, uint64_t len, int prot,
		       int flags);
void uvf_v02_bound_fault(void *data, uint64_t pos, struct uvf_page *ret_page);
bool uvf_v02_bound_mmio(void *data, uint64_t pos, void *buf, size_t len,
			bool is_write);
void uvf_v02_bound_request(void *data, unsigned int count);

/* All of them; a driver adds its ioctl, and who claims its devices. */
#define UVF_V02_BOUND_OPS                                                      \
	.match = uvf_v02_bound_match, .get = uvf_v02_bound_get,                \
	.put = uvf_v02_bound_put, .read = uvf_v02_bound_read,                  \
	.write = uvf_v02_bound_write, .mmap = uvf_v02_bound_mmap,              \
	.fault = uvf_v02_bound_fault, .mmio = uvf_v02_bound_mmio,              \
	.request = uvf_v02_bound_request

/* Bind a device to the driver of this name on its bus; says when it fails. */
void uvf_v02_bound_claim(struct uvf_bus_device *device, const char *driver);

/* Of struct uvf_driver_ops: the driver lets a device go. */
void uvf_v02_bound_remove(struct uvf_driver *driver,
			  struct uvf_bus_device *device, struct uvf_task *task);

/* The personality that a driver's machine has; the driver's data is vfio. */
struct uvf_v02 *uvf_v02_of_driver(const struct uvf_driver *driver);

/*
 * A device appeared on, or left, a bus whose VFIO driver has this name.
 * Nothing is done where the machine speaks today's ABI.
 */
void uvf_v02_bound_added(struct uvf_bus_device *device, const char *driver,
			 const struct uvf_v02_device_ops *ops);
void uvf_v02_bound_removed(struct uvf_bus_device *device, const char *driver);

#endif /* UVF_V02_BOUND_H */
