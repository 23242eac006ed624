/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write(2) to a file that is there; what it returned. */
long path_write(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY), err;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, data, size);
	err = errno;
	close(fd);
	errno = err;
	return n;
}

static long name_write(const char *path, int dev)
{
	return path_write(path, bdf(dev), strlen(bdf(dev)));
}

long driver_write(const char *driver, const char *file, int dev)
{
	char path[128];

	snprintf(path, sizeof(path), DRIVERS "%s/%s", driver, file);
	return name_write(path, dev);
}

long driver_probe(int dev)
{
	return name_write(BUS "drivers_probe", dev);
}

/* An empty name would be no write at all: a newline clears it. */
long override(int dev, const char *driver)
{
	char path[128];

	sysfs_path(dev, "driver_override", path, sizeof(path));
	return path_write(path, driver, strlen(driver));
}

const char *driver_of(int dev)
{
	static char base[64];
	char path[128];

	sysfs_path(dev, "driver", path, sizeof(path));
	return link_base(path, base, sizeof(base)) ? "none" : base;
}

static int is_bound(int dev)
{
	return strcmp(driver_of(dev), "none") != 0;
}

void device_unbind(int dev)
{
	char driver[64];

	snprintf(driver, sizeof(driver), "%s", driver_of(dev));
	if (strcmp(driver, "none") != 0)
		need(driver_write(driver, "unbind", dev) > 0, "unbind");
	need(override(dev, "\n") == 1, "clear-override");
}

void device_bind(int dev, const char *driver)
{
	device_unbind(dev);
	need(override(dev, driver) > 0, "override");
	need(driver_write(driver, "bind", dev) > 0, "bind");
}

int has_node(int group)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	return !access(path, F_OK);
}

/* What a client can see of the binding; the group as it was before. */
void show_binding(int dev, int group)
{
	const char *driver = driver_of(dev);
	char path[160];

	report(" driver=%s", driver);
	snprintf(path, sizeof(path), DRIVERS "%s/%s", driver, bdf(dev));
	value("listed", !access(path, F_OK));
	value("node", has_node(group));
	snprintf(path, sizeof(path), "/sys/class/vfio/%d", group);
	value("class", !access(path, F_OK));
	sysfs_path(dev, "vfio-dev", path, sizeof(path));
	value("vfio_dev", !access(path, F_OK));
}

/* Dynamic ids that cases add; each remove_id takes one. */
static void forget_ids(void)
{
	static const char *const ids[] = {
		"1234 11e8", "ffff 0001",  "ffffffff 11e8",
		"1234 11e9", "11234 11e8", "1234 111e8",
	};
	static const char *const drivers[] = {"vfio-pci", "pci-stub"};
	char path[128];

	for (size_t d = 0; d < COUNT(drivers); d++) {
		snprintf(path, sizeof(path), DRIVERS "%s/remove_id",
			 drivers[d]);
		for (size_t i = 0; i < COUNT(ids); i++)
			for (int n = 0; n < 8; n++)
				if (path_write(path, ids[i], strlen(ids[i])) <
				    0)
					break;
	}
}

/*
 * The state that every case finds: the first four devices bound to vfio-pci
 * by their override, the last one free, and nothing else known to drivers.
 */
void machine_restore(void)
{
	int is_whole = 1;

	file_write(BUS "drivers_autoprobe", "1");
	forget_ids();
	for (int dev = 0; dev < DEVICES; dev++) {
		char path[128];

		sysfs_path(dev, "", path, sizeof(path));
		is_whole &= !access(path, F_OK);
	}
	if (!is_whole)
		need(!file_write(BUS "rescan", "1"), "rescan");
	for (int dev = 0; dev < DEVICES; dev++) {
		if (dev == MEMBER_HOST) {
			device_unbind(dev);
			continue;
		}
		if (is_bound(dev) && strcmp(driver_of(dev), "vfio-pci") != 0)
			device_unbind(dev);
		need(override(dev, "vfio-pci") > 0, "override");
		if (!is_bound(dev))
			need(driver_probe(dev) > 0, "probe");
		need(is_bound(dev), "bind");
	}
}
