/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/migrate.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/machine.h"

#define COMMAND (((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) + PCI_COMMAND)
#define PIECE   777u /* bytes of one read of a stream */

struct state_feature {
	struct vfio_device_feature hdr;
	uint32_t state;
	int32_t fd;
};

static void open_device(struct side *side, unsigned int i)
{
	char path[32], name[16];

	snprintf(path, sizeof(path), "/dev/vfio/%u", i + 1);
	snprintf(name, sizeof(name), "0000:00:%02x.0", i + 3);
	side->groups[i] = must_open(side->machine, path);
	must_ioctl(side->machine, side->groups[i], VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&side->container);
	if (!i)
		must_ioctl(side->machine, side->container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU);
	side->devices[i] =
		(int)must_ioctl(side->machine, side->groups[i],
				VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)name);
}

void side_open(struct side *side, const char *const *specs)
{
	const struct uvfio_machine_params params = {
		.devices = specs,
		.host = "memlock=unlimited",
	};
	struct uvfio_error err = {""};

	memset(side, 0, sizeof(*side));
	if (uvfio_machine_create(&side->machine, &params, &err))
		fail_msg("%s", err.text);
	side->container = must_open(side->machine, "/dev/vfio/vfio");
	while (specs[side->count]) {
		open_device(side, side->count);
		side->count++;
	}
}

void side_close(struct side *side)
{
	for (unsigned int i = 0; i < side->count; i++) {
		must_close(side->machine, side->devices[i]);
		must_close(side->machine, side->groups[i]);
	}
	must_close(side->machine, side->container);
	uvfio_machine_destroy(side->machine);
}

void side_map(struct side *side, void *memory, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	must_ioctl(side->machine, side->container, VFIO_IOMMU_MAP_DMA,
		   (uintptr_t)&map);
}

void side_enable(struct side *side, unsigned int device)
{
	const uint16_t command =
		PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	assert_int_equal(uvfio_pwrite(side->machine, side->devices[device],
				      &command, sizeof(command), COMMAND),
			 sizeof(command));
}

uint32_t side_read(struct side *side, unsigned int device, uint64_t offset)
{
	uint32_t value;

	assert_int_equal(uvfio_pread(side->machine, side->devices[device],
				     &value, sizeof(value), offset),
			 sizeof(value));
	return value;
}

void side_write(struct side *side, unsigned int device, uint64_t offset,
		uint32_t value)
{
	assert_int_equal(uvfio_pwrite(side->machine, side->devices[device],
				      &value, sizeof(value), offset),
			 sizeof(value));
}

void side_irqs(struct side *side, unsigned int device, uint32_t index,
	       const int *events, unsigned int count)
{
	uint8_t bytes[sizeof(struct vfio_irq_set) + 16 * sizeof(int32_t)];
	struct vfio_irq_set hdr = {
		.argsz = (uint32_t)(sizeof(hdr) + count * sizeof(int32_t)),
		.flags =
			VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
		.count = count,
	};

	assert_true(count <= 16);
	memcpy(bytes, &hdr, sizeof(hdr));
	memcpy(bytes + sizeof(hdr), events, count * sizeof(int32_t));
	must_ioctl(side->machine, side->devices[device], VFIO_DEVICE_SET_IRQS,
		   (uintptr_t)bytes);
}

int side_feature(struct side *side, unsigned int device, uint32_t flags,
		 void *data, size_t size)
{
	uint8_t bytes[sizeof(struct vfio_device_feature) + 64];
	struct vfio_device_feature hdr = {
		.argsz = (uint32_t)(sizeof(hdr) + size),
		.flags = flags,
	};
	int ret;

	assert_true(size <= 64);
	memcpy(bytes, &hdr, sizeof(hdr));
	if (size)
		memcpy(bytes + sizeof(hdr), data, size);
	ret = (int)uvfio_ioctl(side->machine, side->devices[device],
			       VFIO_DEVICE_FEATURE, (uintptr_t)bytes);
	if (size)
		memcpy(data, bytes + sizeof(hdr), size);
	return ret;
}

int side_set_state(struct side *side, unsigned int device, uint32_t state,
		   int *ret_fd)
{
	struct {
		uint32_t state;
		int32_t fd;
	} data = {state, 77};
	int ret = side_feature(side, device,
			       VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			       &data, sizeof(data));

	*ret_fd = data.fd;
	return ret;
}

uint32_t side_state(struct side *side, unsigned int device)
{
	struct {
		uint32_t state;
		int32_t fd;
	} data = {77, 77};

	assert_int_equal(
		side_feature(side, device,
			     VFIO_DEVICE_FEATURE_GET |
				     VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			     &data, sizeof(data)),
		0);
	assert_int_equal(data.fd, -1);
	return data.state;
}

/* Up to the end that is there now; what that reads as. */
static ssize_t append(struct side *side, int fd, uint8_t **data, size_t *size)
{
	ssize_t got;

	for (;;) {
		*data = realloc(*data, *size + PIECE);
		assert_non_null(*data);
		got = uvfio_read(side->machine, fd, *data + *size, PIECE);
		if (got <= 0)
			return got;
		*size += (size_t)got;
	}
}

uint8_t *side_read_all(struct side *side, int fd, size_t *ret_size)
{
	uint8_t *data = NULL;

	*ret_size = 0;
	assert_int_equal(append(side, fd, &data, ret_size), 0);
	return data;
}

uint8_t *side_save(struct side *side, unsigned int device, bool has_precopy,
		   size_t *ret_size)
{
	uint8_t *data = NULL;
	int fd = -1, same;

	*ret_size = 0;
	if (has_precopy) {
		assert_int_equal(
			side_set_state(side, device, MIG_PRE_COPY, &fd), 0);
		assert_true(fd >= 0);
		assert_int_equal(append(side, fd, &data, ret_size), -ENOMSG);
	}
	assert_int_equal(side_set_state(side, device, MIG_STOP_COPY, &same), 0);
	if (has_precopy)
		assert_int_equal(same, -1);
	else
		fd = same;
	assert_true(fd >= 0);
	assert_int_equal(append(side, fd, &data, ret_size), 0);
	must_close(side->machine, fd);
	return data;
}

void side_load(struct side *side, unsigned int device, const uint8_t *state,
	       size_t size)
{
	int fd, none;

	assert_int_equal(side_set_state(side, device, MIG_RESUMING, &fd), 0);
	assert_true(fd >= 0);
	assert_int_equal(uvfio_write(side->machine, fd, state, size), size);
	assert_int_equal(side_set_state(side, device, MIG_RUNNING, &none), 0);
	assert_int_equal(none, -1);
	must_close(side->machine, fd);
}
