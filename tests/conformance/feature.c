/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_FEATURE: the order of its refusals, and low power. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define GET   VFIO_DEVICE_FEATURE_GET
#define SET   VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

static int ask(int device, uint32_t argsz, uint32_t flags)
{
	char buf[64] = {0};
	struct vfio_device_feature *f = (void *)buf;

	f->argsz = argsz;
	f->flags = flags;
	return ioctl(device, VFIO_DEVICE_FEATURE, f);
}

static const uint32_t ops[] = {
	0,           GET,         SET,       PROBE,
	PROBE | GET, PROBE | SET, GET | SET, PROBE | GET | SET};
static const char *const op_names[] = {"nothing", "get",          "set",
				       "probe",   "probe_get",    "probe_set",
				       "get_set", "probe_get_set"};

/* Features 3 to 5 change the power state, so they have their own cases. */
static const uint32_t features[] = {0, 1, 2, 6, 7, 8, 9, 10, 11, 0x3ff, 0xffff};

static const char *label(long i)
{
	static char buf[64];

	if (i >= (long)(COUNT(features) * COUNT(ops)))
		return NULL;
	snprintf(buf, sizeof(buf), "0x%x_%s", features[i / 8], op_names[i % 8]);
	return buf;
}

static void of(long i)
{
	struct session s = session_device();

	result(ask(s.device, 64, features[i / 8] | ops[i % 8]));
}

static const char *power_label(long i)
{
	static char buf[64];

	if (i >= 24)
		return NULL;
	snprintf(buf, sizeof(buf), "%ld_%s", 3 + i / 8, op_names[i % 8]);
	return buf;
}

/* With no data at all: what needs data says so. */
static void low_power_bare(long i)
{
	struct session s = session_device();

	result(ask(s.device, 8, (uint32_t)(3 + i / 8) | ops[i % 8]));
}

static void argsz(long size)
{
	struct session s = session_device();

	result(ask(s.device, (uint32_t)size, PROBE | GET | 1));
}

static void unknown_flag_bit(long bit)
{
	struct session s = session_device();

	result(ask(s.device, 64, 1u << bit | PROBE | GET | 1));
}

static void null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_FEATURE, NULL));
}

static void bad_flag_precedes_unknown_feature(void)
{
	struct session s = session_device();

	result(ask(s.device, 64, 1u << 19 | 0x3ff));
	outcome("get_set", ask(s.device, 64, GET | SET | 0x3ff));
	outcome("short", ask(s.device, 7, PROBE | 0x3ff));
}

static int low_power(int device, uint32_t feature)
{
	return ask(device, 8, SET | feature);
}

static int wakeup(int device, int fd, int reserved)
{
	struct {
		uint32_t argsz, flags;
		int32_t fd;
		uint32_t reserved;
	} req = {16, SET | 4, fd, (uint32_t)reserved};

	return ioctl(device, VFIO_DEVICE_FEATURE, &req);
}

static void low_power_entry_twice(void)
{
	struct session s = session_device();

	outcome("first", low_power(s.device, 3));
	result(low_power(s.device, 3));
	outcome("wakeup", wakeup(s.device, event_fd(), 0));
	outcome("exit", low_power(s.device, 5));
	outcome("exit", low_power(s.device, 5));
}

static void low_power_exit_first(void)
{
	struct session s = session_device();

	result(low_power(s.device, 5));
}

static void low_power_keeps_config_and_bars(void)
{
	struct session s = session_device();

	need(!low_power(s.device, 3), "entry");
	result(0);
	hex("vendor", cfg_read(s.device, 0, 2));
	hex("id", edu_read(s.device, EDU_ID));
}

static void low_power_faults_mappings(void)
{
	struct session s = session_device();
	unsigned char *bar = bar_map(s.device, PAGE, 3);

	value("before", touch(bar, 0));
	need(!low_power(s.device, 3), "entry");
	result(touch(bar, 0));
	need(!low_power(s.device, 5), "exit");
	value("after", touch(bar, 0));
}

static void low_power_wakeup_counts_once(void)
{
	struct session s = session_device();
	int fd = event_fd();

	need(!wakeup(s.device, fd, 0), "entry");
	value("before", no_events(fd));
	cfg_read(s.device, 0, 2);
	result(events(fd));
	cfg_read(s.device, 0, 2);
	value("after", no_events(fd));
	outcome("entry", low_power(s.device, 3));
}

static void low_power_wakeup_of_bad_fds(void)
{
	struct session s = session_device();

	result(wakeup(s.device, -1, 0));
	outcome("closed", wakeup(s.device, closed_fd(), 0));
	outcome("null", wakeup(s.device, open("/dev/null", O_RDWR), 0));
}

static const struct conf_case cases[] = {
	EACH(of, label),
	EACH(low_power_bare, power_label),
	RANGE(argsz, 0, 8, 4),
	RANGE(argsz, 7, 9, 2),
	RANGE(unknown_flag_bit, 19, 31, 4),
	CASE(null_pointer),
	CASE(bad_flag_precedes_unknown_feature),
	CASE(low_power_entry_twice),
	CASE(low_power_exit_first),
	CASE(low_power_keeps_config_and_bars),
	CASE(low_power_faults_mappings),
	CASE(low_power_wakeup_counts_once),
	CASE(low_power_wakeup_of_bad_fds),
};

TABLE(table_feature, "feature", cases);
