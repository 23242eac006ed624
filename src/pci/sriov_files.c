/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of sysfs that functions with SR-IOV have.
 *
 * Order of errors from drivers/pci/iov.c, Linux 6.12.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "bus/machine.h"
#include "pci/driver.h"
#include "pci/sriov.h"

static size_t emit(void *buf, size_t size, unsigned int value)
{
	int n = snprintf(buf, size, "%u\n", value);

	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size;
}

static size_t show_total(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, uvf_pci_of_bus(bus)->desc->sriov.total_vfs);
}

static size_t show_count(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, uvf_sriov_count(uvf_pci_of_bus(bus)));
}

static size_t show_first(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, uvf_pci_of_bus(bus)->desc->sriov.first);
}

static size_t show_stride(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, uvf_pci_of_bus(bus)->desc->sriov.stride);
}

static size_t show_device(struct uvf_bus_device *bus, void *buf, size_t size)
{
	int n = snprintf(buf, size, "%x\n",
			 uvf_pci_of_bus(bus)->desc->sriov.vf->device);

	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

static size_t show_autoprobe(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pf = uvf_pci_of_bus(bus);

	return emit(buf, size, atomic_load(&pf->sriov.is_autoprobe));
}

/* No driver here deals vectors out to VFs. */
static size_t show_vectors(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, 0);
}

static ssize_t store_autoprobe(struct uvf_bus_device *bus,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	struct uvf_pci *pf = uvf_pci_of_bus(bus);
	bool value;

	(void)task;
	if (uvf_parse_bool(text, &value))
		return -EINVAL;
	atomic_store(&pf->sriov.is_autoprobe, value);
	uvf_machine_touch(pf->machine);
	return (ssize_t)size;
}

/*
 * Return: @size, or, in the order they are tested:
 *   -EINVAL  no number of 16 bits
 *   -ERANGE  more than there can be
 *   -ENOENT  no driver, or one that does nothing about VFs
 *   -EBUSY   there are VFs, but not as many, and not none are wanted
 *   or what uvf_sriov_enable() returns
 */
static ssize_t store_count(struct uvf_bus_device *bus, struct uvf_task *task,
			   const char *text, size_t size)
{
	struct uvf_pci *pf = uvf_pci_of_bus(bus);
	uint64_t count;
	int ret = 0;

	if (uvf_parse_ulong(text, &count) || count > UINT16_MAX)
		return -EINVAL;
	if (count > pf->desc->sriov.total_vfs)
		return -ERANGE;
	uvf_lock(&pf->bus.lock);
	if (count != uvf_sriov_count(pf))
		ret = uvf_pci_driver_set_vfs(pf, (unsigned int)count, task);
	uvf_unlock(&pf->bus.lock);
	return ret ? ret : (ssize_t)size;
}

/* As of a PF whose driver deals no vectors out. */
static ssize_t store_vectors(struct uvf_bus_device *bus, struct uvf_task *task,
			     const char *text, size_t size)
{
	int count;

	(void)bus;
	(void)task;
	(void)size;
	if (uvf_parse_int(text, &count) || count < 0)
		return -EINVAL;
	return -EOPNOTSUPP;
}

struct uvf_bus_attr *uvf_sriov_list_files(struct uvf_pci *pci,
					  struct uvf_bus_attr *at)
{
	static const struct uvf_bus_attr of_pf[] = {
		{.name = "sriov_totalvfs", .show = show_total, .mode = 0444},
		{.name = "sriov_numvfs",
		 .show = show_count,
		 .mode = 0644,
		 .store = store_count},
		{.name = "sriov_offset", .show = show_first, .mode = 0444},
		{.name = "sriov_stride", .show = show_stride, .mode = 0444},
		{.name = "sriov_vf_device", .show = show_device, .mode = 0444},
		{.name = "sriov_drivers_autoprobe",
		 .show = show_autoprobe,
		 .mode = 0644,
		 .store = store_autoprobe},
		{.name = "sriov_vf_total_msix",
		 .show = show_vectors,
		 .mode = 0444},
	};
	static const struct uvf_bus_attr of_vf = {
		.name = "sriov_vf_msix_count",
		.mode = 0200,
		.store = store_vectors,
	};

	if (uvf_sriov_is_pf(pci)) {
		memcpy(at, of_pf, sizeof(of_pf));
		at += UVF_SRIOV_FILES;
	}
	if (pci->physfn)
		*at++ = of_vf;
	return at;
}
