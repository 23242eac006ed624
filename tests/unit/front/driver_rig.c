/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "lib/machine.h"

static struct thing *thing_of(struct uvfio_vfio_device *device)
{
	return uvfio_device_data(device);
}

static int thing_init(struct uvfio_vfio_device *device)
{
	thing_of(device)->inits++;
	return thing_of(device)->init_ret;
}

static void thing_release(struct uvfio_vfio_device *device)
{
	thing_of(device)->releases++;
}

static int thing_open(struct uvfio_vfio_device *device)
{
	thing_of(device)->opens++;
	return thing_of(device)->open_ret;
}

static void thing_close(struct uvfio_vfio_device *device)
{
	thing_of(device)->closes++;
}

static void thing_request(struct uvfio_vfio_device *device, unsigned int count)
{
	assert_int_equal(count,
			 atomic_fetch_add(&thing_of(device)->requests, 1));
}

static ssize_t thing_read(struct uvfio_vfio_device *device,
			  struct uvfio_client *client, uint64_t addr,
			  size_t len, uint64_t pos)
{
	struct thing *thing = thing_of(device);

	if (pos + len > sizeof(thing->text))
		return -EINVAL;
	return uvfio_copy_to_client(client, addr, thing->text + pos, len)
		       ? -EFAULT
		       : (ssize_t)len;
}

static ssize_t thing_write(struct uvfio_vfio_device *device,
			   struct uvfio_client *client, uint64_t addr,
			   size_t len, uint64_t pos)
{
	struct thing *thing = thing_of(device);

	if (pos + len > sizeof(thing->text))
		return -EINVAL;
	return uvfio_copy_from_client(client, thing->text + pos, addr, len)
		       ? -EFAULT
		       : (ssize_t)len;
}

static long thing_ioctl(struct uvfio_vfio_device *device,
			struct uvfio_client *client, unsigned int cmd,
			unsigned long arg)
{
	(void)device;
	(void)client;
	return cmd == CMD ? (long)arg + 1 : -ENOTTY;
}

static void thing_dma_unmap(struct uvfio_vfio_device *device, uint64_t iova,
			    uint64_t len)
{
	struct thing *thing = thing_of(device);

	thing->unmap_iova = iova;
	thing->unmap_len = len;
	atomic_fetch_add(&thing->unmaps, 1);
	if (thing->pinned)
		uvfio_unpin_pages(device, thing->pinned, 1);
	thing->pinned = 0;
}

static int thing_match(struct uvfio_vfio_device *device, const char *name)
{
	return strcmp(name, "alias") != 0 ? 0 : thing_of(device)->match_ret;
}

/* Its pages in the other order. */
static int thing_mmap(struct uvfio_vfio_device *device, uint64_t pos,
		      uint64_t len, int prot, int flags, uint64_t *ret_offset)
{
	if (flags & MAP_PRIVATE || prot & PROT_EXEC)
		return -EACCES;
	if (pos < MEMORY_AT || pos + len > MEMORY_AT + MEMORY_SIZE)
		return -EINVAL;
	*ret_offset = 2 * PAGE - (pos - MEMORY_AT);
	return thing_of(device)->memory;
}

const struct uvfio_vfio_ops mapped_ops = {
	.name = "mapped",
	.close_device = thing_close,
	.mmap = thing_mmap,
};
const struct uvfio_vfio_ops full_ops = {
	.name = "thing",
	.init = thing_init,
	.release = thing_release,
	.open_device = thing_open,
	.close_device = thing_close,
	.request = thing_request,
	.read = thing_read,
	.write = thing_write,
	.ioctl = thing_ioctl,
	.dma_unmap = thing_dma_unmap,
};
const struct uvfio_vfio_ops bare_ops = {.name = "bare"};
const struct uvfio_vfio_ops match_ops = {
	.name = "matcher",
	.match = thing_match,
};

void rig_create(struct rig *rig, const struct uvfio_vfio_ops *ops)
{
	memset(rig, 0, sizeof(*rig));
	rig->container = -1;
	rig->group = -1;
	rig->machine = machine_create(false);
	assert_int_equal(uvfio_alloc_device(rig->machine, &rig->thing.device,
					    NAME, ops, &rig->thing),
			 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(rig->thing.device),
			 0);
}

void rig_open_group_in(struct rig *rig, const char *container)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/dev/vfio/%d",
		       uvfio_device_group_id(rig->thing.device));
	rig->container = must_open(rig->machine, container);
	rig->group = must_open(rig->machine, path);
	must_ioctl(rig->machine, rig->group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig->container);
	must_ioctl(rig->machine, rig->container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
}

void rig_open_group(struct rig *rig)
{
	rig_open_group_in(rig, "/dev/vfio/vfio");
}

long rig_open_device(struct rig *rig, const char *name)
{
	return uvfio_ioctl(rig->machine, rig->group, VFIO_GROUP_GET_DEVICE_FD,
			   (uintptr_t)name);
}

void rig_destroy(struct rig *rig)
{
	if (rig->group >= 0)
		must_close(rig->machine, rig->group);
	if (rig->container >= 0)
		must_close(rig->machine, rig->container);
	uvfio_unregister_group_dev(rig->thing.device);
	uvfio_put_device(rig->thing.device);
	uvfio_machine_destroy(rig->machine);
}
