/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_GET_IRQ_INFO. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

static void ask(int device, uint32_t argsz, uint32_t index)
{
	struct vfio_irq_info info;

	memset(&info, 0xa5, sizeof(info));
	info.argsz = argsz;
	info.index = index;
	result(ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	hex("argsz", info.argsz);
	hex("flags", info.flags);
	hex("index", info.index);
	hex("count", info.count);
}

static void of_index(long i)
{
	struct session s = session_device();

	ask(s.device, 16, (uint32_t)i);
}

static void argsz(long size)
{
	struct session s = session_device();

	ask(s.device, (uint32_t)size, 0);
}

static void null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_GET_IRQ_INFO, NULL));
}

static void with_accessible_bytes(long len)
{
	struct session s = session_device();
	struct vfio_irq_info info = {.argsz = 16};
	void *p = before_fault((size_t)len);

	memcpy(p, &info, (size_t)len);
	result(ioctl(s.device, VFIO_DEVICE_GET_IRQ_INFO, p));
}

static void into_read_only_memory_of_index(long i)
{
	struct session s = session_device();
	struct vfio_irq_info info = {.argsz = 16, .index = (uint32_t)i};

	result(ioctl(s.device, VFIO_DEVICE_GET_IRQ_INFO,
		     read_only(&info, sizeof(info))));
}

static const struct conf_case cases[] = {
	RANGE(of_index, 0, 6, 1),
	RANGE(of_index, 0x7fffffffl, 0xffffffffl, 0x80000000l),
	RANGE(argsz, 0, 12, 4),
	RANGE(argsz, 14, 18, 1),
	CASE(null_pointer),
	RANGE(with_accessible_bytes, 12, 16, 1),
	RANGE(into_read_only_memory_of_index, 0, 5, 1),
};

TABLE(table_irq_info, "irq_info", cases);
