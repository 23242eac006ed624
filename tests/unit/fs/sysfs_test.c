/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sysfs.h"

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

#include "base/alloc.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "core/group.h"
#include "core/vfio.h"

#define ENTRIES_MAX 2048
#define PATH_SIZE   256

struct entry {
	char kind; /* 'd', 'f' or 'l' */
	mode_t mode;
	char path[PATH_SIZE];
	char text[PATH_SIZE]; /* target, or the first bytes */
	size_t size;
};

/* What a walk told. */
struct tree {
	struct entry entries[ENTRIES_MAX];
	size_t count;
	size_t fail_at; /* this call of the sink fails; 0: none */
};

static struct uvf_profile profile;
static struct uvf_machine machine;
static struct uvf_vfio vfio;
static int next_index;
static struct uvf_bus *bus;
static const struct uvf_bus_ops bus_ops = {
	.has_override = true,
	.has_new_id = true,
};
static struct tree tree;

static size_t show_vendor(struct uvf_bus_device *device, void *buf, size_t size)
{
	(void)device;
	return (size_t)snprintf(buf, size, "0x1234\n");
}

static size_t show_config(struct uvf_bus_device *device, void *buf, size_t size)
{
	(void)device;
	assert_true(size >= 4096);
	memset(buf, 0, 4096);
	return 4096;
}

static const struct uvf_bus_attr attrs[] = {
	{"vendor", show_vendor, 0444, NULL, NULL, NULL, 0},
	{"config", show_config, 0644, NULL, NULL, NULL, 0},
	{"write_only", NULL, 0200, NULL, NULL, NULL, 0},
	{NULL, NULL, 0, NULL, NULL, NULL, 0},
};

static void destroy(struct uvf_bus_device *device)
{
	uvf_free(device);
}

static const struct uvf_bus_device_ops ops = {
	.attrs = attrs,
	.destroy = destroy,
};

static int probe(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	if (!strcmp(driver->name, "vfio-pci"))
		uvf_bus_device_set_vfio_index(device, next_index++);
	return 0;
}

static void remove_nothing(struct uvf_driver *driver,
			   struct uvf_bus_device *device, struct uvf_task *task)
{
	(void)driver;
	(void)device;
	(void)task;
}

static const struct uvf_driver_ops driver_ops = {probe, remove_nothing};

static struct uvf_driver *obtain_driver(const char *name)
{
	struct uvf_driver *driver = uvf_driver_find(bus, name);

	if (driver)
		return driver;
	driver = uvf_zalloc(sizeof(*driver));
	assert_non_null(driver);
	snprintf(driver->name, sizeof(driver->name), "%s", name);
	driver->ops = &driver_ops;
	if (!strcmp(name, "vfio-pci"))
		driver->module = "vfio_pci";
	assert_int_equal(uvf_driver_register(bus, driver), 0);
	return driver;
}

static void add(const char *name, const char *driver, int group)
{
	struct uvf_bus_device *device = uvf_zalloc(sizeof(*device));

	assert_non_null(device);
	device->ops = &ops;
	device->bus = bus;
	snprintf(device->root, sizeof(device->root), "pci%.7s", name);
	snprintf(device->name, sizeof(device->name), "%s", name);
	uvf_bus_device_init(device);
	assert_int_equal(uvf_machine_add(&machine, device, group), 0);
	if (driver)
		assert_int_equal(
			uvf_device_attach_driver(device, obtain_driver(driver)),
			0);
}

/* Two functions of one group, one that only a host driver has, two buses. */
static int set_up(void **state)
{
	struct uvf_iommu_host host = {.msi_window = {0xfee00000, 0xfeefffff}};

	(void)state;
	assert_int_equal(uvf_profile_parse(&profile, NULL, NULL), 0);
	host.profile = &profile;
	uvf_machine_init(&machine, &profile);
	uvf_vfio_init(&vfio, &machine, &host);
	assert_int_equal(
		uvf_bus_register(&machine, "pci", &bus_ops, NULL, &bus), 0);
	next_index = 0;
	add("0000:00:03.0", "vfio-pci", 7);
	add("0000:00:03.1", "vfio-pci", 7);
	add("0000:00:04.0", "igb", 8);
	add("0000:00:05.0", NULL, 9);
	add("0000:00:06.0", NULL, -2);
	add("0001:17:1f.7", "vfio-pci", 2);
	tree.count = 0;
	tree.fail_at = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	uvf_machine_fini(&machine);
	uvf_vfio_fini(&vfio);
	return 0;
}

static int put(char kind, const char *path, mode_t mode, const void *text,
	       size_t size)
{
	struct entry *entry = &tree.entries[tree.count];

	assert_true(tree.count < ENTRIES_MAX);
	assert_true(strlen(path) < PATH_SIZE);
	tree.count++;
	if (tree.count == tree.fail_at)
		return -EIO;
	memset(entry, 0, sizeof(*entry));
	entry->kind = kind;
	entry->mode = mode;
	entry->size = size;
	snprintf(entry->path, sizeof(entry->path), "%s", path);
	memcpy(entry->text, text, size < PATH_SIZE ? size : PATH_SIZE - 1);
	return 0;
}

static int put_dir(void *arg, const char *path)
{
	assert_ptr_equal(arg, &tree);
	return put('d', path, 0755, "", 0);
}

static int put_file(void *arg, const char *path, mode_t mode,
		    const void *content, size_t size)
{
	assert_ptr_equal(arg, &tree);
	return put('f', path, mode, content, size);
}

static int put_link(void *arg, const char *path, const char *target)
{
	assert_ptr_equal(arg, &tree);
	return put('l', path, 0777, target, strlen(target));
}

static const struct uvf_sysfs_sink sink = {put_dir, put_file, put_link, &tree};

static const struct entry *find(const char *path)
{
	for (size_t i = 0; i < tree.count; i++)
		if (!strcmp(tree.entries[i].path, path))
			return &tree.entries[i];
	return NULL;
}

/* An entry that must be there. */
static const struct entry *get(const char *path)
{
	static const struct entry none;
	const struct entry *entry = find(path);

	assert_non_null(entry);
	return entry ? entry : &none;
}

/* Where a link leads, one step, as a path below /sys. */
static void resolve(const struct entry *link, char path[PATH_SIZE])
{
	const char *target = link->text;
	char *slash;

	snprintf(path, PATH_SIZE, "%s", link->path);
	slash = strrchr(path, '/');
	if (!slash)
		slash = path;
	*slash = '\0';
	for (; !strncmp(target, "../", 3); target += 3) {
		slash = strrchr(path, '/');
		if (!slash)
			slash = path;
		*slash = '\0';
	}
	snprintf(path + strlen(path), PATH_SIZE - strlen(path), "%s%s",
		 path[0] ? "/" : "", target);
}

static void assert_link(const char *path, const char *target)
{
	const struct entry *entry = get(path);

	assert_int_equal(entry->kind, 'l');
	assert_string_equal(entry->text, target);
}

static void assert_text(const char *path, mode_t mode, const char *text)
{
	const struct entry *entry = get(path);

	assert_int_equal(entry->kind, 'f');
	assert_int_equal(entry->mode, mode);
	assert_string_equal(entry->text, text);
	assert_int_equal(entry->size, strlen(text));
}

static void tells_parents_first_and_nothing_twice(void **state)
{
	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	for (size_t i = 0; i < tree.count; i++) {
		const struct entry *entry = &tree.entries[i];
		char parent[PATH_SIZE];
		char *slash;

		assert_ptr_equal(find(entry->path), entry);
		snprintf(parent, sizeof(parent), "%s", entry->path);
		slash = strrchr(parent, '/');
		if (!slash)
			continue;
		*slash = '\0';
		assert_int_equal(get(parent)->kind, 'd');
		assert_true(find(parent) < entry);
	}
}

/* Shows B11. */
static void has_no_dangling_link(void **state)
{
	char path[PATH_SIZE];
	size_t links = 0;

	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	for (size_t i = 0; i < tree.count; i++) {
		if (tree.entries[i].kind != 'l')
			continue;
		resolve(&tree.entries[i], path);
		assert_int_equal(get(path)->kind, 'd');
		links++;
	}
	assert_true(links > 20);
}

/* Shows B11. */
static void links_members_and_groups_both_ways(void **state)
{
	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	assert_link("devices/pci0000:00/0000:00:03.0/iommu_group",
		    "../../../kernel/iommu_groups/7");
	assert_link("devices/pci0000:00/0000:00:03.1/iommu_group",
		    "../../../kernel/iommu_groups/7");
	assert_link("kernel/iommu_groups/7/devices/0000:00:03.0",
		    "../../../../devices/pci0000:00/0000:00:03.0");
	assert_link("kernel/iommu_groups/7/devices/0000:00:03.1",
		    "../../../../devices/pci0000:00/0000:00:03.1");
	assert_link("devices/pci0001:17/0001:17:1f.7/iommu_group",
		    "../../../kernel/iommu_groups/2");
	assert_null(find("devices/pci0000:00/0000:00:06.0/iommu_group"));
	assert_null(find("kernel/iommu_groups/7/devices/0000:00:04.0"));
}

static void links_devices_and_drivers_both_ways(void **state)
{
	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	assert_link("devices/pci0000:00/0000:00:03.0/driver",
		    "../../../bus/pci/drivers/vfio-pci");
	assert_link("bus/pci/drivers/vfio-pci/0000:00:03.0",
		    "../../../../devices/pci0000:00/0000:00:03.0");
	assert_link("devices/pci0000:00/0000:00:04.0/driver",
		    "../../../bus/pci/drivers/igb");
	assert_link("bus/pci/drivers/igb/0000:00:04.0",
		    "../../../../devices/pci0000:00/0000:00:04.0");
	assert_null(find("devices/pci0000:00/0000:00:05.0/driver"));
	assert_link("bus/pci/devices/0000:00:05.0",
		    "../../../devices/pci0000:00/0000:00:05.0");
	assert_link("devices/pci0000:00/0000:00:05.0/subsystem",
		    "../../../bus/pci");
}

static void shows_vfio_devices_as_the_kernel_does(void **state)
{
	static const char dir[] =
		"devices/pci0001:17/0001:17:1f.7/vfio-dev/vfio2";
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	assert_link("class/vfio-dev/vfio2",
		    "../../devices/pci0001:17/0001:17:1f.7/vfio-dev/vfio2");
	snprintf(path, sizeof(path), "%s/device", dir);
	assert_link(path, "../../../0001:17:1f.7");
	snprintf(path, sizeof(path), "%s/subsystem", dir);
	assert_link(path, "../../../../../class/vfio-dev");
	snprintf(path, sizeof(path), "%s/dev", dir);
	assert_null(find(path));
	assert_null(find("devices/pci0000:00/0000:00:04.0/vfio-dev"));
}

/* Shows B11. */
static void shows_the_numbers_of_groups(void **state)
{
	struct uvf_group groups[] = {{.id = 7, .minor = 5},
				     {.id = 2, .minor = 0}};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		uvf_list_append(&vfio.groups, &groups[i].vfio_node);
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	uvf_list_init(&vfio.groups);
	assert_text("devices/virtual/vfio/7/dev", 0444, "245:5\n");
	assert_text("devices/virtual/vfio/2/dev", 0444, "245:0\n");
	assert_text("devices/virtual/vfio/2/uevent", 0644,
		    "MAJOR=245\nMINOR=0\nDEVNAME=vfio/2\n");
	assert_text("devices/virtual/misc/vfio/dev", 0444, "10:196\n");
	assert_link("class/vfio/7", "../../devices/virtual/vfio/7");
	assert_null(find("class/vfio/8"));
	assert_null(find("class/vfio/9"));
}

static void shows_groups_as_an_intel_host_does(void **state)
{
	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	assert_text("kernel/iommu_groups/8/reserved_regions", 0444,
		    "0x00000000fee00000 0x00000000feefffff msi\n");
	assert_text("kernel/iommu_groups/8/type", 0644, "DMA\n");
}

static void takes_the_files_of_the_bus(void **state)
{
	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	assert_text("devices/pci0000:00/0000:00:03.0/vendor", 0444, "0x1234\n");
	assert_int_equal(get("devices/pci0000:00/0000:00:03.0/config")->size,
			 4096);
	assert_text("devices/pci0000:00/0000:00:03.0/write_only", 0200, "");
}

static void leaves_out_what_would_mislead_dpdk(void **state)
{
	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	assert_null(find("devices/pci0000:00/0000:00:03.0/iommu"));
	assert_non_null(find("module/vfio"));
	assert_non_null(find("module/vfio_pci"));
}

static void ends_at_the_first_failure_of_the_sink(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(uvf_sysfs_walk(&vfio, &sink), 0);
	count = tree.count;
	for (size_t i = 1; i <= count; i++) {
		tree.count = 0;
		tree.fail_at = i;
		assert_int_equal(uvf_sysfs_walk(&vfio, &sink), -EIO);
		assert_int_equal(tree.count, i);
	}
}

static void reports_that_memory_ran_out(void **state)
{
	unsigned long nth = 0;
	int ret;

	(void)state;
	do {
		tree.count = 0;
		uvf_alloc_fail_nth(++nth);
		ret = uvf_sysfs_walk(&vfio, &sink);
		assert_int_equal(ret, uvf_alloc_has_failed() ? -ENOMEM : 0);
	} while (ret);
	uvf_alloc_fail_nth(0);
	assert_true(nth > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_parents_first_and_nothing_twice),
		TEST(has_no_dangling_link),
		TEST(links_members_and_groups_both_ways),
		TEST(links_devices_and_drivers_both_ways),
		TEST(shows_vfio_devices_as_the_kernel_does),
		TEST(shows_the_numbers_of_groups),
		TEST(shows_groups_as_an_intel_host_does),
		TEST(takes_the_files_of_the_bus),
		TEST(leaves_out_what_would_mislead_dpdk),
		TEST(ends_at_the_first_failure_of_the_sink),
		TEST(reports_that_memory_ran_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
