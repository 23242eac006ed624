/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

struct uvfio_machine *rig_machine(const char *abi, const char *host,
				  const char *spec)
{
	const char *const devices[] = {spec ? spec : "ticker", NULL};
	const struct uvfio_machine_params params = {
		.abi = abi, .host = host, .devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
	return machine;
}

static void open_device(struct rig *rig)
{
	rig->device =
		(int)must_ioctl(rig->machine, rig->group,
				VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)TICKER);
}

void rig_open(struct rig *rig, const char *abi, const char *host,
	      const char *spec)
{
	rig->machine = rig_machine(abi, host, spec);
	rig->container = must_open(rig->machine, "/dev/vfio/vfio");
	rig->group = must_open(rig->machine, "/dev/vfio/1");
	must_ioctl(rig->machine, rig->group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig->container);
	must_ioctl(rig->machine, rig->container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
	open_device(rig);
}

void rig_close(struct rig *rig)
{
	must_close(rig->machine, rig->device);
	must_close(rig->machine, rig->group);
	must_close(rig->machine, rig->container);
	uvfio_machine_destroy(rig->machine);
}

void rig_reopen(struct rig *rig)
{
	must_close(rig->machine, rig->device);
	open_device(rig);
}

uint32_t rig_get(struct rig *rig, uint64_t offset)
{
	uint32_t value;

	assert_int_equal(uvfio_pread(rig->machine, rig->device, &value,
				     sizeof(value), offset),
			 sizeof(value));
	return value;
}

void rig_set(struct rig *rig, uint64_t offset, uint32_t value)
{
	assert_int_equal(uvfio_pwrite(rig->machine, rig->device, &value,
				      sizeof(value), offset),
			 sizeof(value));
}

long rig_set_irq(struct rig *rig, uint32_t flags, uint32_t index,
		 uint32_t start, uint32_t count, const void *data)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + 64];
	} arg = {.set = {.argsz = sizeof(arg),
			 .flags = flags,
			 .index = index,
			 .start = start,
			 .count = count}};

	if (data)
		memcpy(arg.set.data, data,
		       flags & VFIO_IRQ_SET_DATA_BOOL ? 1 : sizeof(int32_t));
	return uvfio_ioctl(rig->machine, rig->device, VFIO_DEVICE_SET_IRQS,
			   (uintptr_t)&arg);
}

uint64_t rig_take(int eventfd)
{
	uint64_t value = 0;

	return read(eventfd, &value, sizeof(value)) == sizeof(value) ? value
								     : 0;
}
