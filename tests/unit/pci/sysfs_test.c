/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of a function, as clients parse them.
 */
#include <stdio.h>
#include <string.h>

#include "bus/driver.h"
#include "rig.h"

static size_t show(struct rig *rig, const char *name, char *buf, size_t size)
{
	const struct uvf_bus_attr *attr = rig->pci->bus.ops->attrs;

	for (; attr->name; attr++)
		if (!strcmp(attr->name, name))
			return attr->show(&rig->pci->bus, buf, size);
	fail_msg("no file %s", name);
	return 0;
}

static bool has_file(struct rig *rig, const char *name)
{
	const struct uvf_bus_attr *attr = rig->pci->bus.ops->attrs;

	for (; attr->name; attr++)
		if (!strcmp(attr->name, name))
			return true;
	return false;
}

static void expect(struct rig *rig, const char *name, const char *text)
{
	char buf[4096];
	size_t n = show(rig, name, buf, sizeof(buf) - 1);

	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static const char *pairs_of(struct rig *rig)
{
	static char text[512];

	text[uvf_bus_device_pairs(&rig->pci->bus, text, sizeof(text) - 1)] =
		'\0';
	return text;
}

static void files_have_the_form_of_linux(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	expect(rig, "vendor", "0x1111\n");
	expect(rig, "device", "0x2222\n");
	expect(rig, "subsystem_vendor", "0x3333\n");
	expect(rig, "subsystem_device", "0x4444\n");
	expect(rig, "class", "0x010802\n");
	expect(rig, "revision", "0x55\n");
	expect(rig, "numa_node", "-1\n");
	expect(rig, "enable", "1\n");
	expect(rig, "power_state", "unknown\n");
	expect(rig, "reset_method", "flr af_flr\n");
	assert_true(has_file(rig, "resource0"));
	assert_true(has_file(rig, "resource4_wc"));
	assert_false(has_file(rig, "resource1"));
	assert_false(has_file(rig, "resource0_wc"));
	expect(rig, "modalias",
	       "pci:v00001111d00002222sv00003333sd00004444bc01sc08i02\n");
	assert_int_equal(
		uvf_device_attach_driver(
			&rig->pci->bus,
			uvf_driver_find(rig->pci->bus.bus, "pci-stub")),
		0);
	expect(rig, "power_state", "D0\n");
	assert_string_equal(pairs_of(rig),
			    "DRIVER=pci-stub\nPCI_CLASS=10802\n"
			    "PCI_ID=1111:2222\nPCI_SUBSYS_ID=3333:4444\n"
			    "PCI_SLOT_NAME=0000:00:03.0\nMODALIAS="
			    "pci:v00001111d00002222sv00003333sd00004444"
			    "bc01sc08i02\n");
	rig_destroy(rig);
}

static void resource_has_a_line_for_each(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	char buf[4096], *at = buf;
	size_t n = show(rig, "resource", buf, sizeof(buf) - 1);
	unsigned long long first, last, flags;

	(void)state;
	buf[n] = '\0';
	assert_int_equal(n, 13 * 57);
	for (int i = 0; i < 13; i++, at += 57) {
		assert_int_equal(
			sscanf(at, "%llx %llx %llx", &first, &last, &flags), 3);
		if (i == 0) {
			assert_int_equal(last - first, 0xffff);
			assert_int_equal(flags, 0x140204);
		} else if (i == 2) {
			assert_int_equal(last - first, 31);
			assert_int_equal(flags, 0x40101);
		} else if (i == 3) {
			assert_int_equal(flags, 0x40200);
		} else if (i == 4) {
			assert_int_equal(flags, 0x42208);
		} else {
			assert_int_equal(first | last | flags, 0);
		}
	}
	/* A short buffer is cut, not overrun. */
	assert_int_equal(show(rig, "resource", buf, 100), 100);
	rig_destroy(rig);
}

static void config_is_the_hardwares(void **state)
{
	struct rig *full = rig_create(&model_full, NULL, false);
	struct rig *plain = rig_create(&model_plain, NULL, false);
	char buf[8192];

	(void)state;
	assert_int_equal(show(full, "config", buf, sizeof(buf)), 4096);
	assert_int_equal(buf[0], 0x11);
	/* What vfio-pci hides is there. */
	assert_int_equal(buf[0x100], 0x1b);
	assert_int_equal(show(full, "config", buf, 64), 64);
	assert_int_equal(show(plain, "config", buf, sizeof(buf)), 256);
	rig_destroy(full);
	rig_destroy(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_have_the_form_of_linux),
		cmocka_unit_test(resource_has_a_line_for_each),
		cmocka_unit_test(config_is_the_hardwares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
