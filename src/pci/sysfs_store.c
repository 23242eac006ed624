/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What writing to the files of a function does, as in drivers/pci/
 * pci-sysfs.c and drivers/base/power/sysfs.c, Linux 6.12.
 */
#include "pci/sysfs_store.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "bus/bus.h"
#include "bus/machine.h"
#include "pci/bar.h"
#include "pci/handlers.h"
#include "pci/hw.h"
#include "pci/reset.h"
#include "pci/reset_method.h"

/* Nodes of the pretended host, and what the kernel has room for. */
#define NODES 1

static int parse_flag(const char *text, bool *ret_flag)
{
	uint64_t value;

	if (uvf_parse_ulong(text, &value))
		return -EINVAL;
	*ret_flag = value;
	return 0;
}

/* A number, of which a flag of the function becomes whether it is not 0. */
static ssize_t store_flag(struct uvf_bus_device *bus, bool *flag, bool negate,
			  const char *text, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool value;
	int ret = parse_flag(text, &value);

	if (ret)
		return ret;
	uvf_lock(&pci->model.lock);
	*flag = value != negate;
	uvf_unlock(&pci->model.lock);
	uvf_machine_touch(pci->machine);
	return (ssize_t)size;
}

ssize_t uvf_sysfs_store_parity(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	(void)task;
	return store_flag(bus, &uvf_pci_of_bus(bus)->user.broken_parity, false,
			  text, size);
}

ssize_t uvf_sysfs_store_d3cold(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	(void)task;
	return store_flag(bus, &uvf_pci_of_bus(bus)->user.d3cold_allowed, false,
			  text, size);
}

ssize_t uvf_sysfs_store_msi_bus(struct uvf_bus_device *bus,
				struct uvf_task *task, const char *text,
				size_t size)
{
	(void)task;
	return store_flag(bus, &uvf_pci_of_bus(bus)->user.no_msi, true, text,
			  size);
}

ssize_t uvf_sysfs_store_numa_node(struct uvf_bus_device *bus,
				  struct uvf_task *task, const char *text,
				  size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	int node;

	(void)task;
	if (uvf_parse_int(text, &node) || node < -1 || node >= NODES)
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	pci->user.numa_node = node;
	uvf_unlock(&pci->model.lock);
	uvf_machine_touch(pci->machine);
	return (ssize_t)size;
}

/* The first user switches the function on; nobody switches decoding off. */
static int enable_locked(struct uvf_pci *pci, bool on)
	UVF_REQUIRES(pci->model.lock)
{
	if (!on && !pci->user.enables)
		return -EIO;
	if (!on) {
		if (!--pci->user.enables)
			uvf_hw_change16_locked(pci, PCI_COMMAND,
					       PCI_COMMAND_MASTER, 0);
	} else if (!pci->user.enables++) {
		uvf_reset_set_power_locked(pci, 0);
		uvf_hw_change16_locked(pci, PCI_COMMAND, 0,
				       uvf_hw_decode_bits(pci));
	}
	return 0;
}

ssize_t uvf_sysfs_store_enable(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool on;
	int ret = parse_flag(text, &on);

	(void)task;
	if (ret)
		return ret;
	uvf_lock(&bus->lock);
	if (bus->driver) {
		ret = -EBUSY;
	} else {
		uvf_lock(&pci->model.lock);
		ret = enable_locked(pci, on);
		uvf_unlock(&pci->model.lock);
	}
	uvf_unlock(&bus->lock);
	uvf_machine_touch(pci->machine);
	return ret ? ret : (ssize_t)size;
}

/* Waits for who has the function; its users find it awake. */
ssize_t uvf_sysfs_store_reset(struct uvf_bus_device *bus, struct uvf_task *task,
			      const char *text, size_t size) UVF_NO_ANALYSIS
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	uint64_t value;
	int ret;

	(void)task;
	if (uvf_parse_ulong(text, &value) || value != 1)
		return -EINVAL;
	uvf_low_power_resume(pci);
	if (bus->parent)
		uvf_lock(&bus->parent->lock);
	uvf_lock(&bus->lock);
	uvf_lock(&pci->model.lock);
	ret = uvf_reset_by_methods_locked(pci, UVFIO_RESET_FLR);
	uvf_unlock(&pci->model.lock);
	uvf_unlock(&bus->lock);
	if (bus->parent)
		uvf_unlock(&bus->parent->lock);
	uvf_low_power_suspend(pci);
	return ret ? ret : (ssize_t)size;
}

ssize_t uvf_sysfs_store_reset_method(struct uvf_bus_device *bus,
				     struct uvf_task *task, const char *text,
				     size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	uint8_t chosen[UVF_PCI_RESET_METHODS] = {0};
	char *copy = uvf_strdup(text);
	int ret = 0;

	(void)task;
	if (!copy)
		return -ENOMEM;
	uvf_lock(&pci->model.lock);
	if (uvf_parse_equal(text, "default")) {
		uvf_reset_methods_init(pci);
	} else {
		ret = uvf_reset_methods_parse(pci, copy, chosen);
		if (!ret)
			memcpy(pci->user.reset_methods, chosen, sizeof(chosen));
	}
	uvf_unlock(&pci->model.lock);
	uvf_free(copy);
	uvf_machine_touch(pci->machine);
	return ret ? ret : (ssize_t)size;
}

ssize_t uvf_sysfs_store_pm_control(struct uvf_bus_device *bus,
				   struct uvf_task *task, const char *text,
				   size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	ssize_t ret = (ssize_t)size;

	(void)task;
	uvf_lock(&bus->lock);
	if (uvf_parse_equal(text, "auto"))
		atomic_store(&pci->is_pm_auto, true);
	else if (uvf_parse_equal(text, "on"))
		atomic_store(&pci->is_pm_auto, false);
	else
		ret = -EINVAL;
	uvf_unlock(&bus->lock);
	uvf_machine_touch(pci->machine);
	return ret;
}

ssize_t uvf_sysfs_store_pm_async(struct uvf_bus_device *bus,
				 struct uvf_task *task, const char *text,
				 size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool is_sync = uvf_parse_equal(text, "disabled");

	(void)task;
	if (!is_sync && !uvf_parse_equal(text, "enabled"))
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	pci->user.is_pm_sync = is_sync;
	uvf_unlock(&pci->model.lock);
	uvf_machine_touch(pci->machine);
	return (ssize_t)size;
}

/* The widest aligned piece that is left, as the kernel cuts it. */
static unsigned int piece(uint64_t pos, size_t left)
{
	if (pos & 1 || left < 2)
		return 1;
	return pos & 2 || left < 4 ? 2 : 4;
}

ssize_t uvf_sysfs_pwrite_config(struct uvf_bus_device *bus,
				const struct uvf_bus_attr *attr,
				const void *buf, size_t size, uint64_t pos)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	const uint8_t *bytes = buf;
	unsigned int len;

	(void)attr;
	if (pos >= pci->config_size)
		return -EFBIG;
	if (size > pci->config_size - pos)
		size = pci->config_size - (size_t)pos;
	uvf_lock(&pci->model.lock);
	for (size_t done = 0; done < size; done += len) {
		uint32_t value = 0;

		len = piece(pos + done, size - done);
		for (unsigned int i = 0; i < len; i++)
			value |= (uint32_t)bytes[done + i] << 8 * i;
		uvf_hw_write_locked(pci, (unsigned int)(pos + done), len,
				    value);
	}
	uvf_unlock(&pci->model.lock);
	uvf_machine_touch(pci->machine);
	return (ssize_t)size;
}

/* Ports of an I/O BAR: one access of 1, 2 or 4 bytes, as inb() and outb(). */
static ssize_t access_ports(struct uvf_bus_device *bus,
			    const struct uvf_bus_attr *attr, void *buf,
			    size_t size, uint64_t pos, bool is_write)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	const struct uvf_pci_bar *bar = &pci->bars[attr->arg];
	uint8_t *bytes = buf;
	size_t len;

	if (pos >= bar->size)
		return is_write ? -EFBIG : 0;
	if (size > bar->size - pos)
		size = (size_t)(bar->size - pos);
	if (!size)
		return 0;
	if (size != 1 && size != 2 && size != 4)
		return -EINVAL;
	len = pos % size ? 1 : size;
	uvf_lock(&pci->model.lock);
	for (size_t done = 0; done < size; done += len)
		uvf_bar_access_locked(pci, attr->arg, pos + done, bytes + done,
				      len, is_write);
	uvf_unlock(&pci->model.lock);
	return (ssize_t)size;
}

ssize_t uvf_sysfs_pread_ports(struct uvf_bus_device *bus,
			      const struct uvf_bus_attr *attr, void *buf,
			      size_t size, uint64_t pos)
{
	return access_ports(bus, attr, buf, size, pos, false);
}

ssize_t uvf_sysfs_pwrite_ports(struct uvf_bus_device *bus,
			       const struct uvf_bus_attr *attr, const void *buf,
			       size_t size, uint64_t pos)
{
	uint8_t copy[4];

	if (size <= sizeof(copy))
		memcpy(copy, buf, size);
	return access_ports(bus, attr, copy, size, pos, true);
}

ssize_t uvf_sysfs_store_remove(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	uint64_t value;
	int ret = 0;

	if (uvf_parse_ulong(text, &value))
		return -EINVAL;
	if (value)
		ret = uvf_machine_unplug_by_file(bus, task);
	return ret ? ret : (ssize_t)size;
}

ssize_t uvf_sysfs_store_rescan(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	(void)task;
	return uvf_machine_rescan_by_file(bus->bus->machine, text, size);
}
