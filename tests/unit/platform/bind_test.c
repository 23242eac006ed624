/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The platform bus: names in /sys, drivers, and how a device is opened.
 */
#include "rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#define BIND    _IO(';', 118)
#define ATTACH  _IO(';', 119)
#define ALLOC   _IO(';', 0x81)
#define DEVICES "/sys/bus/platform/devices/"
#define DRIVERS "/sys/bus/platform/drivers/"
#define VFIO    DRIVERS "vfio-platform/"

struct bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t devid;
};

struct attach {
	uint32_t argsz, flags, id;
};

struct alloc {
	uint32_t size, flags, id;
};

static ssize_t read_file(struct uvfio_machine *machine, const char *path,
			 char text[512])
{
	memset(text, 0, 512);
	return uvfio_sysfs_read(machine, path, text, 511, 0);
}

static void assert_file(struct uvfio_machine *machine, const char *path,
			const char *content)
{
	char text[512];

	assert_int_equal(read_file(machine, path, text), strlen(content));
	assert_string_equal(text, content);
}

/* A string of the device tree ends with its NUL. */
static void assert_string_of_tree(struct uvfio_machine *machine,
				  const char *path, const char *content)
{
	char text[512];

	assert_int_equal(read_file(machine, path, text), strlen(content) + 1);
	assert_string_equal(text, content);
}

static ssize_t write_file(struct uvfio_machine *machine, const char *path,
			  const char *text)
{
	return uvfio_sysfs_write(machine, path, text, strlen(text), 0);
}

static void sysfs_shows_the_device_and_its_node(void **state)
{
	static const char reg[64] = {
		[4] = 0x0c,  [14] = 0x10,              /* registers */
		[20] = 0x0c, [22] = 0x10, [30] = 0x10, /* info */
		[36] = 0x0c, [38] = 0x21, [46] = 0x01, /* scratch */
		[54] = 0x03, [63] = 0x08,              /* ports */
	};
	static const char interrupts[24] = {
		[7] = 0x20, [11] = 4, [19] = 0x21, [23] = 1};
	struct uvfio_machine *machine = rig_machine(NULL, NULL, NULL);
	char text[512];

	(void)state;
	assert_file(machine, DEVICES TICKER "/modalias",
		    "of:NtickerT(null)Cuvfio,ticker\n");
	assert_file(machine, DEVICES TICKER "/uevent",
		    "DRIVER=vfio-platform\nOF_NAME=ticker\n"
		    "OF_FULLNAME=/ticker@c000000\n"
		    "OF_COMPATIBLE_0=uvfio,ticker\nOF_COMPATIBLE_N=1\n"
		    "MODALIAS=of:NtickerT(null)Cuvfio,ticker\n");
	assert_string_of_tree(machine, DEVICES TICKER "/of_node/compatible",
			      "uvfio,ticker");
	assert_int_equal(
		read_file(machine, DEVICES TICKER "/of_node/reg", text),
		sizeof(reg));
	assert_memory_equal(text, reg, sizeof(reg));
	assert_int_equal(
		read_file(machine, DEVICES TICKER "/of_node/interrupts", text),
		sizeof(interrupts));
	assert_memory_equal(text, interrupts, sizeof(interrupts));
	assert_file(machine, "/sys/devices/platform/" TICKER "/driver_override",
		    "vfio-platform\n");
	assert_string_of_tree(machine,
			      "/sys/kernel/iommu_groups/1/devices/" TICKER
			      "/of_node/name",
			      "ticker");
	assert_file(machine,
		    "/sys/module/vfio_platform/parameters/"
		    "reset_required",
		    "Y\n");
	assert_int_equal(write_file(machine,
				    "/sys/module/vfio_platform/parameters/"
				    "reset_required",
				    "N"),
			 -EACCES);
	uvfio_machine_destroy(machine);
}

static void drivers_come_and_go_by_files(void **state)
{
	struct uvfio_machine *machine =
		rig_machine(NULL, NULL, "ticker,driver=none");

	(void)state;
	/* The driver has no devices of its own. */
	assert_int_equal(write_file(machine, VFIO "bind", TICKER), -ENODEV);
	assert_int_equal(uvfio_open(machine, "/dev/vfio/1"), -ENOENT);
	assert_int_equal(write_file(machine, DEVICES TICKER "/driver_override",
				    "vfio-platform"),
			 13);
	assert_int_equal(
		write_file(machine, "/sys/bus/platform/drivers_probe", TICKER),
		strlen(TICKER));
	must_close(machine, must_open(machine, "/dev/vfio/1"));
	assert_int_equal(write_file(machine, VFIO "unbind", TICKER),
			 strlen(TICKER));
	assert_int_equal(uvfio_open(machine, "/dev/vfio/1"), -ENOENT);
	assert_int_equal(write_file(machine, VFIO "bind", TICKER),
			 strlen(TICKER));
	must_close(machine, must_open(machine, "/dev/vfio/1"));
	uvfio_machine_destroy(machine);
}

static void driver_of_the_host_keeps_its_device(void **state)
{
	struct uvfio_machine *machine =
		rig_machine(NULL, NULL, "ticker,driver=ticker-clk");

	(void)state;
	assert_int_equal(
		write_file(machine, DRIVERS "ticker-clk/unbind", TICKER),
		strlen(TICKER));
	assert_int_equal(
		write_file(machine, "/sys/bus/platform/drivers_probe", TICKER),
		strlen(TICKER));
	assert_int_equal(
		write_file(machine, DRIVERS "ticker-clk/unbind", TICKER),
		strlen(TICKER));
	uvfio_machine_destroy(machine);
}

static void devices_that_cannot_be_reset_are_not_bound(void **state)
{
	static const char *const devices[] = {"ticker,reset=off", NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_machine *machine =
		rig_machine(NULL, NULL, "ticker,reset=off,driver=none");
	struct uvfio_error err = {""};

	(void)state;
	assert_int_equal(write_file(machine, DEVICES TICKER "/driver_override",
				    "vfio-platform"),
			 13);
	assert_int_equal(write_file(machine, VFIO "bind", TICKER), -ENOENT);
	uvfio_machine_destroy(machine);
	assert_int_equal(uvfio_machine_create(&machine, &params, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "reset_required=off"));
}

static void device_is_opened_by_its_name(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, NULL, NULL, NULL);
	assert_int_equal(uvfio_ioctl(rig.machine, rig.group,
				     VFIO_GROUP_GET_DEVICE_FD,
				     (uintptr_t) "c000000.tick"),
			 -ENODEV);
	assert_int_equal(uvfio_ioctl(rig.machine, rig.group,
				     VFIO_GROUP_GET_DEVICE_FD,
				     (uintptr_t) "ticker"),
			 -ENODEV);
	rig_close(&rig);
}

static void character_device_is_bound_to_an_iommufd(void **state)
{
	struct uvfio_machine *machine = rig_machine(NULL, NULL, NULL);
	int cdev = must_open(machine, "/dev/vfio/devices/vfio0");
	int iommufd = must_open(machine, "/dev/iommu");
	struct bind bind = {.argsz = sizeof(bind), .iommufd = iommufd};
	struct alloc ioas = {.size = sizeof(ioas)};
	struct attach attach = {.argsz = sizeof(attach)};
	uint32_t id = 0;

	(void)state;
	assert_int_equal(uvfio_pread(machine, cdev, &id, 4, 0), -EINVAL);
	must_ioctl(machine, cdev, BIND, (uintptr_t)&bind);
	must_ioctl(machine, iommufd, ALLOC, (uintptr_t)&ioas);
	attach.id = ioas.id;
	must_ioctl(machine, cdev, ATTACH, (uintptr_t)&attach);
	assert_int_equal(uvfio_pread(machine, cdev, &id, 4, 0), 4);
	assert_int_equal(id, 0x6b636974);
	uvfio_machine_destroy(machine);
}

static void devices_are_plugged_and_unplugged(void **state)
{
	struct uvfio_machine *machine = rig_machine(NULL, NULL, "edu");
	struct uvfio_error err = {""};
	char text[512];

	(void)state;
	assert_int_equal(uvfio_machine_plug(machine, "ticker", &err), 0);
	assert_int_equal(uvfio_machine_plug(machine, "ticker", &err), 0);
	assert_string_of_tree(machine, DEVICES "c010000.ticker/of_node/name",
			      "ticker");
	assert_int_equal(uvfio_machine_unplug(machine, TICKER), 0);
	assert_int_equal(read_file(machine, DEVICES TICKER "/uevent", text),
			 -ENOENT);
	assert_int_equal(uvfio_machine_plug(machine, "ticker", &err), 0);
	must_close(machine, must_open(machine, "/dev/vfio/2"));
	uvfio_machine_destroy(machine);
}

/* Flips has_platform. */
static void wrong_specifications_are_named(void **state)
{
	static const struct {
		const char *abi, *spec, *says;
		int ret;
	} cases[] = {
		{NULL, "ticker,addr=", "addr", -EINVAL},
		{NULL, "ticker,addr=c000800", "addr", -EINVAL},
		{NULL, "ticker,addr=-1000", "addr", -EINVAL},
		{NULL, "ticker,addr=ffffffffffff000", "addr", -EINVAL},
		{NULL, "ticker,reset=maybe", "reset", -EINVAL},
		{NULL, "ticker,bridge=0", "bridge", -EINVAL},
		{NULL, "ticker,driver=../x", "vfio-platform", -EINVAL},
		{NULL, "ticker,group=x", "group", -EINVAL},
		{NULL, "ticker,addr=c00a000", "another", -EEXIST},
		{"3.14", "ticker", "3.14", -EINVAL},
		{"4.1", "ticker", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const devices[] = {
			cases[i].ret == -EEXIST ? "ticker,addr=c008000" : "edu",
			cases[i].spec, NULL};
		const struct uvfio_machine_params params = {.abi = cases[i].abi,
							    .devices = devices};
		struct uvfio_machine *machine;
		struct uvfio_error err = {""};

		assert_int_equal(uvfio_machine_create(&machine, &params, &err),
				 cases[i].ret);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.text,
				 cases[i].says);
		if (!cases[i].ret)
			uvfio_machine_destroy(machine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysfs_shows_the_device_and_its_node),
		cmocka_unit_test(drivers_come_and_go_by_files),
		cmocka_unit_test(driver_of_the_host_keeps_its_device),
		cmocka_unit_test(devices_that_cannot_be_reset_are_not_bound),
		cmocka_unit_test(device_is_opened_by_its_name),
		cmocka_unit_test(character_device_is_bound_to_an_iommufd),
		cmocka_unit_test(devices_are_plugged_and_unplugged),
		cmocka_unit_test(wrong_specifications_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
