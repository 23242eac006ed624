/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random writes to the files that bind and unbind, beside a naive model of
 * what a kernel does: each result and each device's driver must agree.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#define STEPS   20000
#define DEVICES 4
#define DRIVERS 4
#define IDS     2

static const char *const names[DEVICES] = {"0000:00:03.0", "0000:00:04.0",
					   "0000:00:05.0", "0000:00:06.0"};

/* In the order in which they are registered, and so asked. */
static const char *const drivers[DRIVERS] = {"pcieport", "pci-stub", "vfio-pci",
					     "igb"};
static const char *const ids[IDS] = {"1234 11e8", "8086 10c9"};
#define PCIEPORT 0
#define IGB      3

struct model_device {
	bool is_there;
	int id;
	int override; /* -1: none; DRIVERS: a name nobody has */
	int driver;   /* -1: none */
};

static struct uvfio_machine *machine;
static struct model_device devices[DEVICES];
static bool dynamic[DRIVERS][IDS];

static bool knows(int driver, int id)
{
	return driver == IGB && id == 1;
}

static bool matches(int driver, const struct model_device *device)
{
	if (device->override >= 0)
		return device->override == driver;
	return knows(driver, device->id) || dynamic[driver][device->id];
}

/*
 * None of the devices is a port; other drivers of the host refuse what only an
 * override brings them.
 */
static bool takes(int driver, const struct model_device *device)
{
	if (driver == PCIEPORT)
		return false;
	return driver != IGB || knows(driver, device->id) ||
	       dynamic[driver][device->id];
}

static void attach(struct model_device *device)
{
	for (int i = 0; i < DRIVERS && device->driver < 0; i++)
		if (matches(i, device) && takes(i, device))
			device->driver = i;
}

static int model_bind(int driver, struct model_device *device)
{
	if (!device->is_there || !matches(driver, device))
		return -ENODEV;
	if (device->driver >= 0)
		return -EBUSY;
	if (!takes(driver, device))
		return -ENODEV;
	device->driver = driver;
	return 0;
}

static int model_unbind(int driver, struct model_device *device)
{
	if (!device->is_there || device->driver != driver)
		return -ENODEV;
	device->driver = -1;
	return 0;
}

static int model_new_id(int driver, int id)
{
	if (knows(driver, id) || dynamic[driver][id])
		return -EEXIST;
	dynamic[driver][id] = true;
	for (int i = 0; i < DEVICES; i++)
		if (devices[i].is_there && devices[i].driver < 0 &&
		    matches(driver, &devices[i]) && takes(driver, &devices[i]))
			devices[i].driver = driver;
	return 0;
}

static int model_remove_id(int driver, int id)
{
	if (!dynamic[driver][id])
		return -ENODEV;
	dynamic[driver][id] = false;
	return 0;
}

static int model_probe(struct model_device *device)
{
	if (!device->is_there)
		return -ENODEV;
	attach(device);
	return 0;
}

static int model_remove(struct model_device *device)
{
	if (!device->is_there)
		return -ENOENT;
	device->is_there = false;
	device->driver = -1;
	device->override = -1;
	return 0;
}

/* Those that went first come first: no order can be seen here. */
static int model_rescan(void)
{
	for (int i = 0; i < DEVICES; i++) {
		if (devices[i].is_there)
			continue;
		devices[i].is_there = true;
		attach(&devices[i]);
	}
	return 0;
}

static int model_override(int name, struct model_device *device)
{
	if (!device->is_there)
		return -ENOENT;
	device->override = name;
	return 0;
}

/* What a write returns: 0 when all of it was taken. */
static int put(const char *text, const char *above, const char *name,
	       const char *file)
{
	char path[128];
	ssize_t ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/%s%s%s", above, name, file);
	ret = uvfio_sysfs_write(machine, path, text, strlen(text), 0);
	return ret == (ssize_t)strlen(text) ? 0 : (int)ret;
}

static int real_driver(int device)
{
	char path[128], text[512] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/uevent",
		 names[device]);
	n = uvfio_sysfs_read(machine, path, text, sizeof(text) - 1, 0);
	if (n < 0 || strncmp(text, "DRIVER=", 7))
		return -1;
	text[7 + strcspn(text + 7, "\n")] = '\0';
	for (int i = 0; i < DRIVERS; i++)
		if (!strcmp(drivers[i], text + 7))
			return i;
	fail_msg("a driver nobody knows: %s", text + 7);
	return -1;
}

/* One write to both; what the model says, and what was returned. */
static void step(unsigned int *seed, int *expected, int *ret)
{
	int what = rand_r(seed) % 16;
	int at = rand_r(seed) % DEVICES, driver = rand_r(seed) % DRIVERS;
	int id = rand_r(seed) % IDS, name = rand_r(seed) % (DRIVERS + 2) - 1;
	struct model_device *device = &devices[at];

	if (what < 5) {
		*expected = model_bind(driver, device);
		*ret = put(names[at], "drivers/", drivers[driver], "/bind");
	} else if (what < 8) {
		*expected = model_unbind(driver, device);
		*ret = put(names[at], "drivers/", drivers[driver], "/unbind");
	} else if (what < 11) {
		*expected = model_override(name, device);
		*ret = put(name < 0          ? "\n"
			   : name == DRIVERS ? "nobody"
					     : drivers[name],
			   "devices/", names[at], "/driver_override");
	} else if (what == 11) {
		*expected = model_new_id(driver, id);
		*ret = put(ids[id], "drivers/", drivers[driver], "/new_id");
	} else if (what == 12) {
		*expected = model_remove_id(driver, id);
		*ret = put(ids[id], "drivers/", drivers[driver], "/remove_id");
	} else if (what == 13) {
		*expected = model_probe(device);
		*ret = put(names[at], "drivers_probe", "", "");
	} else if (what == 14) {
		*expected = model_remove(device);
		*ret = put("1", "devices/", names[at], "/remove");
	} else {
		*expected = model_rescan();
		*ret = put("1", "rescan", "", "");
	}
}

static void random_writes_agree_with_the_model(void **state)
{
	static const char *const specs[] = {"edu,driver=none,addr=0000:00:03.0",
					    "edu,driver=none,addr=0000:00:04.0",
					    "igb,driver=igb,addr=0000:00:05.0",
					    "igb,driver=none,addr=0000:00:06.0",
					    NULL};
	const struct uvfio_machine_params params = {.devices = specs};
	struct uvfio_error err = {""};
	unsigned int seed = 20261121;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	for (int i = 0; i < DEVICES; i++)
		devices[i] = (struct model_device){true, i > 1, -1, -1};
	devices[2].driver = IGB;
	for (int n = 0; n < STEPS; n++) {
		unsigned int before = seed;
		int expected = 0, ret = 0;

		step(&seed, &expected, &ret);
		if (ret != expected)
			fail_msg("step %d, seed %u: %d instead of %d", n,
				 before, ret, expected);
		for (int i = 0; i < DEVICES; i++)
			if (real_driver(i) != devices[i].driver)
				fail_msg("step %d, seed %u: %s has driver %d "
					 "instead of %d",
					 n, before, names[i], real_driver(i),
					 devices[i].driver);
	}
	uvfio_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_writes_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
