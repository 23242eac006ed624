/* SPDX-License-Identifier: BSD-3-Clause */
/* new_id and remove_id: identities that a driver learns and forgets. */
#include "lib.h"

#include <stdio.h>
#include <string.h>

#define VFIO_NEW_ID    DRIVERS "vfio-pci/new_id"
#define VFIO_REMOVE_ID DRIVERS "vfio-pci/remove_id"
#define EDU            "1234 11e8"

/* edu is vendor 1234, device 11e8, subsystem 1af4:1100, class 00ff00. */
static const struct {
	const char *label, *text;
} ids[] = {
	{"plain", EDU},
	{"newline", EDU "\n"},
	{"two_newlines", EDU "\n\n"},
	{"leading_blank", " " EDU},
	{"leading_newline", "\n" EDU},
	{"tab", "1234\t11e8"},
	{"newline_between", "1234\n11e8"},
	{"many_blanks", "  1234   11e8  "},
	{"prefixed", "0x1234 0x11e8"},
	{"upper_case", "0X1234 0X11E8"},
	{"leading_zeros", "000000001234 0000000011e8"},
	{"colon", "1234:11e8"},
	{"comma", "1234,11e8"},
	{"junk_after", EDU " junk"},
	{"junk_glued", EDU "junk"},
	{"empty", ""},
	{"newline_only", "\n"},
	{"one_field", "1234"},
	{"one_field_blank", "1234 "},
	{"words", "vendor device"},
	{"minus", "-1 11e8"},
	{"plus", "+1234 +11e8"},
	{"vendor_of_17_bits", "11234 11e8"},
	{"device_of_17_bits", "1234 111e8"},
	{"device_of_9_digits", "1234 1000011e8"},
	{"any_vendor", "ffffffff 11e8"},
	{"other_vendor", "ffff 0001"},
	{"other_device", "1234 11e9"},
	{"subsystem", EDU " 1af4 1100"},
	{"subvendor_only", EDU " 1af4"},
	{"other_subvendor", EDU " 1af5 1100"},
	{"other_subdevice", EDU " 1af4 1101"},
	{"any_subsystem", EDU " ffffffff ffffffff"},
	{"class", EDU " ffffffff ffffffff 00ff00"},
	{"class_and_mask", EDU " ffffffff ffffffff 00ff00 ffff00"},
	{"class_under_mask", EDU " ffffffff ffffffff 00ff12 ffff00"},
	{"other_class", EDU " ffffffff ffffffff 020000 ffff00"},
	{"class_without_mask", EDU " ffffffff ffffffff 020000"},
	{"class_with_zero_mask", EDU " ffffffff ffffffff 020000 0"},
	{"data_0", EDU " ffffffff ffffffff 0 0 0"},
	{"data_1", EDU " ffffffff ffffffff 0 0 1"},
	{"eight_fields", EDU " ffffffff ffffffff 0 0 0 0"},
	{"newlines_between_fields", "1234\n11e8\nffffffff\nffffffff\n"},
	{NULL, NULL},
};

static const char *id_label(long i)
{
	return ids[i].label;
}

static long tell(const char *path, const char *text)
{
	return path_write(path, text, strlen(text));
}

/* Device 0 is free and known to no driver. */
static int free_device(void)
{
	int group = group_id(0);

	device_unbind(0);
	return group;
}

static void new_id_is_told(long i)
{
	int group = free_device();

	result(tell(VFIO_NEW_ID, ids[i].text));
	show_binding(0, group);
}

static void new_id_is_told_again(long i)
{
	int group = free_device();

	need(tell(VFIO_NEW_ID, EDU) > 0, "new-id");
	result(tell(VFIO_NEW_ID, ids[i].text));
	show_binding(0, group);
}

/* What remove_id says, and whether the driver still knows the device. */
static void remove_id_is_told(long i)
{
	int group = free_device();

	need(tell(VFIO_NEW_ID, EDU) > 0, "new-id");
	result(tell(VFIO_REMOVE_ID, ids[i].text));
	show_binding(0, group);
	need(driver_write("vfio-pci", "unbind", 0) > 0, "unbind");
	outcome("bind", driver_write("vfio-pci", "bind", 0));
}

static void remove_id_of_an_unknown_one(long i)
{
	result(tell(VFIO_REMOVE_ID, ids[i].text));
}

/* Which of the fields of an id must be given again to remove it. */
static const struct {
	const char *label, *added, *removed;
} pairs[] = {
	{"fewer", EDU " 1af4 1100", EDU},
	{"same", EDU " 1af4 1100", EDU " 1af4 1100"},
	{"any_by_exact", EDU, EDU " 1af4 1100"},
	{"other_subsystem", EDU " 1af4 1100", EDU " 1af4 1101"},
	{"same_class", EDU " ffffffff ffffffff 00ff00 ffff00",
	 EDU " ffffffff ffffffff 00ff00 ffff00"},
	{"other_class", EDU " ffffffff ffffffff 00ff00 ffff00",
	 EDU " ffffffff ffffffff 020000 ffff00"},
	{"class_outside_mask", EDU " ffffffff ffffffff 00ff00 ffff00",
	 EDU " ffffffff ffffffff 00ff12 ffff00"},
	{"any_vendor_by_vendor", "ffffffff 11e8", EDU},
	{"vendor_by_any_vendor", EDU, "ffffffff 11e8"},
	{"any_vendor_by_itself", "ffffffff 11e8", "ffffffff 11e8"},
};

static const char *pair_label(long i)
{
	return i < (long)COUNT(pairs) ? pairs[i].label : NULL;
}

static void remove_id_by(long i)
{
	need(tell(VFIO_NEW_ID, pairs[i].added) > 0, "new-id");
	result(tell(VFIO_REMOVE_ID, pairs[i].removed));
	outcome("added_again", tell(VFIO_NEW_ID, pairs[i].added));
}

static void an_id_binds_every_free_match(void)
{
	int first = group_id(0), second = group_id(1);

	device_unbind(0);
	device_unbind(1);
	result(tell(VFIO_NEW_ID, EDU));
	show_binding(0, first);
	show_binding(1, second);
}

static void an_id_leaves_bound_devices(void)
{
	int group = group_id(0);

	device_bind(0, "pci-stub");
	result(tell(VFIO_NEW_ID, EDU));
	show_binding(0, group);
}

static void an_id_passes_by_an_override(void)
{
	int group = free_device();

	need(override(0, "pci-stub") > 0, "override");
	result(tell(VFIO_NEW_ID, EDU));
	show_binding(0, group);
	outcome("stub", tell(DRIVERS "pci-stub/new_id", EDU));
	show_binding(0, group);
}

static void an_id_binds_without_autoprobe(void)
{
	int group = free_device();

	need(!file_write(BUS "drivers_autoprobe", "0"), "autoprobe");
	result(tell(VFIO_NEW_ID, EDU));
	show_binding(0, group);
}

static void an_id_serves_later_probes(void)
{
	int group;

	need(tell(VFIO_NEW_ID, EDU) > 0, "new-id");
	group = free_device();
	result(driver_probe(0));
	show_binding(0, group);
	need(driver_write("vfio-pci", "unbind", 0) > 0, "unbind");
	outcome("bind", driver_write("vfio-pci", "bind", 0));
	show_binding(0, group);
}

static void two_drivers_know_an_id(void)
{
	int group = free_device();

	need(tell(DRIVERS "pci-stub/new_id", EDU) > 0, "new-id-stub");
	show_binding(0, group);
	result(tell(VFIO_NEW_ID, EDU));
	show_binding(0, group);
	need(driver_write("pci-stub", "unbind", 0) > 0, "unbind");
	outcome("bind", driver_write("vfio-pci", "bind", 0));
	show_binding(0, group);
}

static void an_id_twice_needs_two_removals(void)
{
	need(tell(VFIO_NEW_ID, EDU " 1af4 1100") > 0, "first");
	need(tell(VFIO_NEW_ID, EDU " 1af4 1101") > 0, "second");
	result(tell(VFIO_REMOVE_ID, EDU));
	outcome("second", tell(VFIO_REMOVE_ID, EDU));
	outcome("third", tell(VFIO_REMOVE_ID, EDU));
}

static void a_forgotten_id_leaves_its_device_bound(void)
{
	int group = free_device();
	struct session s;

	need(tell(VFIO_NEW_ID, EDU) > 0, "new-id");
	s = session_device();
	result(tell(VFIO_REMOVE_ID, EDU));
	show_binding(0, group);
	hex("id", edu_read(s.device, EDU_ID));
}

static void a_long_text(long len)
{
	char text[8192];

	memset(text, '\n', sizeof(text));
	memcpy(text, EDU, strlen(EDU));
	result(path_write(VFIO_NEW_ID, text, (size_t)len));
	outcome("remove", path_write(VFIO_REMOVE_ID, text, (size_t)len));
}

static const struct conf_case cases[] = {
	EACH(new_id_is_told, id_label),
	EACH(new_id_is_told_again, id_label),
	EACH(remove_id_is_told, id_label),
	EACH(remove_id_of_an_unknown_one, id_label),
	EACH(remove_id_by, pair_label),
	CASE(an_id_binds_every_free_match),
	CASE(an_id_leaves_bound_devices),
	CASE(an_id_passes_by_an_override),
	CASE(an_id_binds_without_autoprobe),
	CASE(an_id_serves_later_probes),
	CASE(two_drivers_know_an_id),
	CASE(an_id_twice_needs_two_removals),
	CASE(a_forgotten_id_leaves_its_device_bound),
	RANGE(a_long_text, 4095, 4097, 1),
};

MACHINE_TABLE(table_new_id, "new_id", cases);
