/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes to the files of a function's directory in sysfs.
 *
 * Each returns what the write returns: size, or -EINVAL for what it cannot
 * read, or as said.
 */
#ifndef UVF_PCI_SYSFS_STORE_H
#define UVF_PCI_SYSFS_STORE_H

#include "pci/pci.h"

ssize_t uvf_sysfs_store_parity(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size);
ssize_t uvf_sysfs_store_d3cold(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size);
ssize_t uvf_sysfs_store_msi_bus(struct uvf_bus_device *bus,
				struct uvf_task *task, const char *text,
				size_t size);
ssize_t uvf_sysfs_store_numa_node(struct uvf_bus_device *bus,
				  struct uvf_task *task, const char *text,
				  size_t size);

/* -EBUSY it has a driver, -EIO it is off already. */
ssize_t uvf_sysfs_store_enable(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size);

/* -ENOTTY all methods were taken away; waits for who binds or unbinds. */
ssize_t uvf_sysfs_store_reset(struct uvf_bus_device *bus, struct uvf_task *task,
			      const char *text, size_t size);
ssize_t uvf_sysfs_store_reset_method(struct uvf_bus_device *bus,
				     struct uvf_task *task, const char *text,
				     size_t size);

/* Waits for who binds or unbinds the function. */
ssize_t uvf_sysfs_store_pm_control(struct uvf_bus_device *bus,
				   struct uvf_task *task, const char *text,
				   size_t size);
ssize_t uvf_sysfs_store_pm_async(struct uvf_bus_device *bus,
				 struct uvf_task *task, const char *text,
				 size_t size);

/* Straight to the hardware, past vfio-pci; -EFBIG behind the end. */
ssize_t uvf_sysfs_pwrite_config(struct uvf_bus_device *bus,
				const struct uvf_bus_attr *attr,
				const void *buf, size_t size, uint64_t pos);

/* An I/O BAR, attr->arg: 1, 2 or 4 bytes, else -EINVAL. */
ssize_t uvf_sysfs_pread_ports(struct uvf_bus_device *bus,
			      const struct uvf_bus_attr *attr, void *buf,
			      size_t size, uint64_t pos);
ssize_t uvf_sysfs_pwrite_ports(struct uvf_bus_device *bus,
			       const struct uvf_bus_attr *attr, const void *buf,
			       size_t size, uint64_t pos);

/* Waits for users of the function. */
ssize_t uvf_sysfs_store_remove(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size);
ssize_t uvf_sysfs_store_rescan(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size);

#endif /* UVF_PCI_SYSFS_STORE_H */
