/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_GET_REGION_INFO. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

static void ask(int device, uint32_t argsz, uint32_t index)
{
	struct vfio_region_info info;

	memset(&info, 0xa5, sizeof(info));
	info.argsz = argsz;
	info.index = index;
	result(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	hex("argsz", info.argsz);
	hex("flags", info.flags);
	hex("index", info.index);
	hex("cap_offset", info.cap_offset);
	hex("size", info.size);
	hex("offset", info.offset);
}

static void of_index(long i)
{
	struct session s = session_device();

	ask(s.device, sizeof(struct vfio_region_info), (uint32_t)i);
}

static void argsz_of_bar0(long argsz)
{
	struct session s = session_device();

	ask(s.device, (uint32_t)argsz, 0);
}

static void argsz_of_config(long argsz)
{
	struct session s = session_device();

	ask(s.device, (uint32_t)argsz, VFIO_PCI_CONFIG_REGION_INDEX);
}

static void null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_GET_REGION_INFO, NULL));
}

static void with_accessible_bytes(long len)
{
	struct session s = session_device();
	struct vfio_region_info info = {.argsz = 32};
	void *p = before_fault((size_t)len);

	memcpy(p, &info, (size_t)len);
	result(ioctl(s.device, VFIO_DEVICE_GET_REGION_INFO, p));
}

static const struct {
	const char *name;
	uint32_t argsz, index;
} rows[] = {
	{"good", 32, 0},
	{"short_argsz", 31, 0},
	{"bad_index", 32, 9},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static void into_read_only_memory(long i)
{
	struct session s = session_device();
	struct vfio_region_info info = {.argsz = rows[i].argsz,
					.index = rows[i].index};

	result(ioctl(s.device, VFIO_DEVICE_GET_REGION_INFO,
		     read_only(&info, sizeof(info))));
}

static void bar0_with_decode_off(void)
{
	struct session s = session_device();

	cfg_command(s.device, 3, 0);
	ask(s.device, 32, 0);
}

static void rom_with_decode_off(void)
{
	struct session s = session_device();

	cfg_command(s.device, 3, 0);
	ask(s.device, 32, VFIO_PCI_ROM_REGION_INDEX);
}

static const struct conf_case cases[] = {
	RANGE(of_index, 0, 10, 1),
	RANGE(of_index, 0x7fffffffl, 0xffffffffl, 0x80000000l),
	RANGE(argsz_of_bar0, 30, 33, 1),
	RANGE(argsz_of_bar0, 0, 16, 16),
	RANGE(argsz_of_config, 31, 64, 33),
	CASE(null_pointer),
	RANGE(with_accessible_bytes, 28, 32, 1),
	EACH(into_read_only_memory, row_label),
	CASE(bar0_with_decode_off),
	CASE(rom_with_decode_off),
};

TABLE(table_region_info, "region_info", cases);
