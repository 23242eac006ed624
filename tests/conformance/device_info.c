/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_GET_INFO, and the numbers that no device fd answers. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

static size_t written(int device, uint32_t argsz)
{
	static const unsigned char fills[] = {0xa5, 0x5a};
	size_t end = 0;

	for (size_t f = 0; f < COUNT(fills); f++) {
		unsigned char buf[128];

		memset(buf, fills[f], sizeof(buf));
		memcpy(buf, &argsz, 4);
		if (ioctl(device, VFIO_DEVICE_GET_INFO, buf))
			continue;
		for (size_t i = 4; i < sizeof(buf); i++)
			if (buf[i] != fills[f] && i + 1 > end)
				end = i + 1;
	}
	return end;
}

/* Shows V3. */
static void argsz(long size)
{
	struct session s = session_device();
	unsigned char buf[128];
	struct vfio_device_info *info = (void *)buf;

	memset(buf, 0xa5, sizeof(buf));
	info->argsz = (uint32_t)size;
	result(ioctl(s.device, VFIO_DEVICE_GET_INFO, buf));
	hex("argsz", info->argsz);
	hex("flags", info->flags);
	hex("regions", info->num_regions);
	hex("irqs", info->num_irqs);
	value("written", (long long)written(s.device, (uint32_t)size));
}

static void null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_GET_INFO, NULL));
}

static void with_accessible_bytes(long len)
{
	struct session s = session_device();
	struct vfio_device_info info = {.argsz = 16};
	void *p = before_fault((size_t)len);

	memcpy(p, &info, (size_t)len);
	result(ioctl(s.device, VFIO_DEVICE_GET_INFO, p));
}

static void into_read_only_memory_of_argsz(long size)
{
	struct session s = session_device();
	struct vfio_device_info info = {.argsz = (uint32_t)size};

	result(ioctl(s.device, VFIO_DEVICE_GET_INFO,
		     read_only(&info, sizeof(info))));
}

static const struct {
	const char *name;
	unsigned long nr;
} calls[] = {
	{"get_api_version", VFIO_GET_API_VERSION},
	{"check_extension", VFIO_CHECK_EXTENSION},
	{"set_iommu", VFIO_SET_IOMMU},
	{"group_get_status", VFIO_GROUP_GET_STATUS},
	{"group_get_device_fd", VFIO_GROUP_GET_DEVICE_FD},
	{"query_gfx_plane", VFIO_DEVICE_QUERY_GFX_PLANE},
	{"get_gfx_dmabuf", VFIO_DEVICE_GET_GFX_DMABUF},
	{"bind_iommufd", ABI_BIND_IOMMUFD},
	{"attach_pt", ABI_ATTACH_PT},
	{"detach_pt", ABI_DETACH_PT},
	{"precopy_info", _IO(VFIO_TYPE, VFIO_BASE + 21)},
	{"unknown_0x3bff", 0x3bff},
	{"get_info_with_direction", _IOR(VFIO_TYPE, VFIO_BASE + 7, int)},
	{"fionread", 0x541b},
	{"tcgets", 0x5401},
};

static const char *call_label(long i)
{
	return i < (long)COUNT(calls) ? calls[i].name : NULL;
}

/* Shows V1. */
static void refuses(long i)
{
	struct session s = session_device();

	result(ioctl(s.device, calls[i].nr, bad_pointer()));
}

static const struct conf_case cases[] = {
	RANGE(argsz, 14, 33, 1),
	RANGE(argsz, 0xfffffff0l, 0xffffffffl, 15),
	CASE(null_pointer),
	RANGE(with_accessible_bytes, 12, 16, 1),
	RANGE(into_read_only_memory_of_argsz, 15, 16, 1),
	EACH(refuses, call_label),
};

TABLE(table_device_info, "device_info", cases);
