/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_RESET and hot reset of a function that has neither. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void device_reset(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_RESET));
}

static void device_reset_ignores_its_argument(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_RESET, bad_pointer()));
}

static void a_refused_reset_changes_nothing(void)
{
	struct session s = session_device();
	int fd = event_fd();

	edu_quiet(s.device);
	edu_write(s.device, EDU_LIVE, 0x12345678);
	cfg_command(s.device, 0, 4);
	need(!irq_trigger_fd(s.device, VFIO_PCI_INTX_IRQ_INDEX, fd), "enable");
	result(ioctl(s.device, VFIO_DEVICE_RESET));
	hex("live", edu_read(s.device, EDU_LIVE));
	hex("command", cfg_read(s.device, 4, 2));
	edu_write(s.device, EDU_RAISE, 1);
	value("count", events(fd));
}

static void registers_survive_close(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	edu_write(s.device, EDU_LIVE, 0x0badcafe);
	edu_write(s.device, EDU_DMA_SRC, 0x1234);
	close(s.device);
	s.device = device_open(s.group, 0);
	result(0);
	hex("live", edu_read(s.device, EDU_LIVE));
	hex("source", edu_read(s.device, EDU_DMA_SRC));
}

static void config_is_fresh_after_close(void)
{
	struct session s = session_device();

	cfg_write(s.device, 0x10, 4, 0xffffffff);
	cfg_write(s.device, 0x3c, 1, 0x77);
	cfg_write(s.device, 0x44, 4, 0x12345678);
	cfg_command(s.device, 0, 0x404);
	close(s.device);
	s.device = device_open(s.group, 0);
	result(0);
	hex("command", cfg_read(s.device, 4, 2));
	value("bar_is_an_address", cfg_read(s.device, 0x10, 4) != 0xfff00000 &&
					   cfg_read(s.device, 0x10, 4) != 0);
	value("line_is_77", cfg_read(s.device, 0x3c, 1) == 0x77);
	hex("msi_address", cfg_read(s.device, 0x44, 4));
}

static void memory_decode_comes_back_after_close(void)
{
	struct session s = session_device();

	cfg_command(s.device, 3, 0);
	close(s.device);
	s.device = device_open(s.group, 0);
	result(0);
	hex("command", cfg_read(s.device, 4, 2));
	hex("id", edu_read(s.device, EDU_ID));
}

static void cache_line_and_latency_after_close(void)
{
	struct session s = session_device();
	uint32_t old = cfg_read(s.device, 0x0c, 2);

	cfg_write(s.device, 0x0c, 2, 0x4010);
	close(s.device);
	s.device = device_open(s.group, 0);
	result(cfg_read(s.device, 0x0c, 2) == old);
	cfg_write(s.device, 0x0c, 2, old);
}

static const struct {
	const char *name;
	uint32_t argsz, flags, count;
} rows[] = {
	{"argsz_0", 0, 0, 0},   {"argsz_11", 11, 0, 0},
	{"argsz_12", 12, 0, 0}, {"argsz_20", 20, 0, 0},
	{"room", 64, 0, 0},     {"flags_1", 64, 1, 0},
	{"count_1", 64, 0, 1},  {"count_all_ones", 64, 0, ~0u},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static void hot_info(long i)
{
	struct session s = session_device();
	unsigned char buf[64];
	struct vfio_pci_hot_reset_info *info = (void *)buf;
	size_t touched = 0;

	memset(buf, 0xa5, sizeof(buf));
	info->argsz = rows[i].argsz;
	result(ioctl(s.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info));
	for (size_t b = 4; b < sizeof(buf); b++)
		touched += buf[b] != 0xa5;
	value("touched", (long long)touched);
}

static void hot_reset(long i)
{
	struct session s = session_device();
	unsigned char buf[64];
	struct vfio_pci_hot_reset *reset = (void *)buf;

	memset(buf, 0, sizeof(buf));
	reset->argsz = rows[i].argsz;
	reset->flags = rows[i].flags;
	reset->count = rows[i].count;
	memcpy(reset->group_fds, &s.group, 4);
	result(ioctl(s.device, VFIO_DEVICE_PCI_HOT_RESET, reset));
}

static void hot_info_null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, NULL));
}

static void hot_reset_null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_PCI_HOT_RESET, NULL));
}

static const struct conf_case cases[] = {
	CASE(device_reset),
	CASE(device_reset_ignores_its_argument),
	CASE(a_refused_reset_changes_nothing),
	CASE(registers_survive_close),
	CASE(config_is_fresh_after_close),
	CASE(memory_decode_comes_back_after_close),
	CASE(cache_line_and_latency_after_close),
	EACH(hot_info, row_label),
	EACH(hot_reset, row_label),
	CASE(hot_info_null_pointer),
	CASE(hot_reset_null_pointer),
};

TABLE(table_reset, "reset", cases);
