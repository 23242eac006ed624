/* SPDX-License-Identifier: BSD-3-Clause */
/* drivers_autoprobe, remove and rescan: numbers that change the machine. */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *label, *text;
	size_t len; /* 0: strlen */
} numbers[] = {
	{"one", "1", 0},
	{"one_newline", "1\n", 0},
	{"zero", "0", 0},
	{"zero_newline", "0\n", 0},
	{"two", "2", 0},
	{"minus_one", "-1", 0},
	{"plus_one", "+1", 0},
	{"leading_blank", " 1", 0},
	{"trailing_blank", "1 ", 0},
	{"two_newlines", "1\n\n", 0},
	{"empty", "", 0},
	{"newline_only", "\n", 0},
	{"letter", "x", 0},
	{"letter_y", "Y", 0},
	{"hexadecimal", "0x1", 0},
	{"hexadecimal_zero", "0x0", 0},
	{"prefix_only", "0x", 0},
	{"octal", "010", 0},
	{"bad_octal", "08", 0},
	{"zeros", "000", 0},
	{"u64_max", "18446744073709551615", 0},
	{"u64_max_plus_one", "18446744073709551616", 0},
	{"2_to_32", "4294967296", 0},
	{"glued_letter", "1x", 0},
	{"fraction", "1.0", 0},
	{"word", "true", 0},
	{"nul_after", "1\0", 2},
	{"nul_then_letter", "1\0x", 3},
	{"nul_only", "", 1},
	{"binary", "\xff\x31", 0},
	{NULL, NULL, 0},
};

static const char *number_label(long i)
{
	return numbers[i].label;
}

static long tell(const char *path, long i)
{
	size_t len = numbers[i].len;

	return path_write(path, numbers[i].text,
			  len ? len : strlen(numbers[i].text));
}

static void show_autoprobe(void)
{
	char text[16];

	outcome("read", file_read(BUS "drivers_autoprobe", text, sizeof(text)));
	text[strcspn(text, "\n")] = '\0';
	report(" autoprobe=%s", text);
}

static void autoprobe_on_is_told(long i)
{
	result(tell(BUS "drivers_autoprobe", i));
	show_autoprobe();
}

static void autoprobe_off_is_told(long i)
{
	need(!file_write(BUS "drivers_autoprobe", "0"), "off");
	result(tell(BUS "drivers_autoprobe", i));
	show_autoprobe();
}

static int is_there(int dev)
{
	char path[128];

	sysfs_path(dev, "", path, sizeof(path));
	return !access(path, F_OK);
}

static void show_presence(int dev, int group)
{
	char path[128];

	value("there", is_there(dev));
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices/%s",
		 group, bdf(dev));
	value("in_group", !access(path, F_OK));
	show_binding(dev, group);
}

static void remove_is_told(long i)
{
	int group = group_id(0);
	char path[128];

	sysfs_path(0, "remove", path, sizeof(path));
	result(tell(path, i));
	show_presence(0, group);
}

static long remove_device(int dev)
{
	char path[128];

	sysfs_path(dev, "remove", path, sizeof(path));
	return path_write(path, "1", 1);
}

static void rescan_is_told(long i)
{
	result(tell(BUS "rescan", i));
	value("there", is_there(0));
}

static void rescan_after_remove_is_told(long i)
{
	need(remove_device(0) == 1, "remove");
	result(tell(BUS "rescan", i));
	value("there", is_there(0));
}

/* It comes back as new: without an override, so without a driver. */
static void a_device_comes_back_without_a_driver(void)
{
	int group = group_id(0);

	need(remove_device(0) == 1, "remove");
	result(path_write(BUS "rescan", "1", 1));
	show_binding(0, group);
	value("in_a_group", group_id(0) >= 0);
	value("still_differs", group_id(0) != group_id(1));
}

static void a_device_that_came_back_works(void)
{
	struct session s;

	need(remove_device(0) == 1, "remove");
	need(path_write(BUS "rescan", "1", 1) == 1, "rescan");
	device_bind(0, "vfio-pci");
	s = session_device();
	hex("id", edu_read(s.device, EDU_ID));
	result(dma_map(s.container, 3, pages(1), 0x100000, PAGE));
}

static void a_device_that_came_back_is_probed_by_id(long autoprobe)
{
	int group = group_id(0);

	need(file_write(DRIVERS "vfio-pci/new_id", "1234 11e8") == 0, "id");
	need(!file_write(BUS "drivers_autoprobe", autoprobe ? "1" : "0"),
	     "autoprobe");
	need(remove_device(0) == 1, "remove");
	result(path_write(BUS "rescan", "1", 1));
	show_binding(0, group);
	outcome("probe", driver_probe(0));
	show_binding(0, group);
}

static void rescan_leaves_free_devices_alone(void)
{
	int group = group_id(0);

	need(driver_write("vfio-pci", "unbind", 0) > 0, "unbind");
	result(path_write(BUS "rescan", "1", 1));
	show_binding(0, group);
}

static void remove_of_a_free_device(void)
{
	int group = group_id(0);

	device_unbind(0);
	result(remove_device(0));
	show_presence(0, group);
}

static void remove_of_a_stub_device(void)
{
	int group = group_id(0);

	device_bind(0, "pci-stub");
	result(remove_device(0));
	show_presence(0, group);
}

static void a_removed_device_is_unknown_to_drivers(void)
{
	need(remove_device(0) == 1, "remove");
	outcome("bind", driver_write("vfio-pci", "bind", 0));
	outcome("unbind", driver_write("vfio-pci", "unbind", 0));
	outcome("probe", driver_probe(0));
	outcome("override", override(0, "vfio-pci"));
	result(remove_device(0));
}

static void a_removed_device_has_no_files(void)
{
	char path[128], text[64];
	long n;

	sysfs_path(0, "vendor", path, sizeof(path));
	need(file_read(path, text, sizeof(text)) > 0, "read");
	need(remove_device(0) == 1, "remove");
	n = file_read(path, text, sizeof(text));
	result(n);
}

static void a_member_leaves_its_group(void)
{
	int group = group_id(MEMBER_A);

	result(remove_device(MEMBER_B));
	show_presence(MEMBER_B, group);
	show_presence(MEMBER_A, group);
	value("status", group_status(group_open(MEMBER_A)));
}

static void a_member_comes_back_to_its_group(void)
{
	int group = group_id(MEMBER_A);

	need(remove_device(MEMBER_B) == 1, "remove");
	result(path_write(BUS "rescan", "1", 1));
	value("same_group", group_id(MEMBER_B) == group);
	show_presence(MEMBER_B, group);
}

static void two_devices_are_removed(void)
{
	int first = group_id(0), second = group_id(1);

	outcome("first", remove_device(0));
	outcome("second", remove_device(1));
	show_presence(0, first);
	show_presence(1, second);
	result(path_write(BUS "rescan", "1", 1));
	value("there", is_there(0) + is_there(1));
	value("differ", group_id(0) != group_id(1));
}

static const struct conf_case cases[] = {
	EACH(autoprobe_on_is_told, number_label),
	EACH(autoprobe_off_is_told, number_label),
	EACH(remove_is_told, number_label),
	EACH(rescan_is_told, number_label),
	EACH(rescan_after_remove_is_told, number_label),
	CASE(a_device_comes_back_without_a_driver),
	CASE(a_device_that_came_back_works),
	RANGE(a_device_that_came_back_is_probed_by_id, 0, 1, 1),
	CASE(rescan_leaves_free_devices_alone),
	CASE(remove_of_a_free_device),
	CASE(remove_of_a_stub_device),
	CASE(a_removed_device_is_unknown_to_drivers),
	CASE(a_removed_device_has_no_files),
	CASE(a_member_leaves_its_group),
	CASE(a_member_comes_back_to_its_group),
	CASE(two_devices_are_removed),
};

MACHINE_TABLE(table_bus_switches, "bus_switches", cases);
