/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing to the files of /sys: binding and unbinding, ids, overrides, and
 * what each file says of text that is wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include <uvfio/uvfio.h>

#include "lib/machine.h"

#define PCI     "/sys/bus/pci/"
#define DRIVER  PCI "drivers/"
#define DEVICES PCI "devices/"
#define A       "0000:00:03.0"
#define B       "0000:00:04.0"
#define C       "0000:00:05.0"

static struct uvfio_machine *machine;

static void make(const char *abi, const char *const *devices)
{
	const struct uvfio_machine_params params = {
		.abi = abi,
		.devices = devices,
	};
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
}

/* A with vfio-pci, B driverless, C with a driver of the host. */
static const char *const three[] = {
	"edu,addr=" A,
	"edu,driver=none,addr=" B,
	"igb,driver=igb,addr=" C,
	NULL,
};

static int set_up(void **state)
{
	(void)state;
	make(NULL, three);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	uvfio_machine_destroy(machine);
	return 0;
}

static ssize_t put(const char *path, const char *text)
{
	return uvfio_sysfs_write(machine, path, text, strlen(text), 0);
}

static void accepts(const char *path, const char *text)
{
	ssize_t ret = put(path, text);

	if (ret != (ssize_t)strlen(text))
		fail_msg("%s: '%s': %zd", path, text, ret);
}

static void refuses(const char *path, const char *text, int error)
{
	ssize_t ret = put(path, text);

	if (ret != -error)
		fail_msg("%s: '%s': %zd instead of %d", path, text, ret,
			 -error);
}

/* The content, as a string. */
static const char *get(const char *path)
{
	static char text[8192];
	ssize_t n = uvfio_sysfs_read(machine, path, text, sizeof(text) - 1, 0);

	if (n < 0)
		fail_msg("%s: %zd", path, n);
	text[n] = '\0';
	return text;
}

static void shows(const char *path, const char *text)
{
	assert_string_equal(get(path), text);
}

/* Whether the device has this driver: by the link and by the uevent file. */
static bool has_driver(const char *device, const char *driver)
{
	char path[128], line[64];

	snprintf(path, sizeof(path), DEVICES "%s/uevent", device);
	snprintf(line, sizeof(line), "DRIVER=%s\n", driver);
	return !strncmp(get(path), line, strlen(line));
}

static bool is_driverless(const char *device)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICES "%s/uevent", device);
	return strncmp(get(path), "DRIVER=", 7) != 0;
}

/* Shows B7. */
static void bind_and_unbind_name_what_is_wrong(void **state)
{
	(void)state;
	refuses(DRIVER "vfio-pci/bind", "0000:00:09.0", ENODEV);
	refuses(DRIVER "vfio-pci/bind", "", 0);
	refuses(DRIVER "vfio-pci/bind", "\n", ENODEV);
	/* No id and no override leads there. */
	refuses(DRIVER "vfio-pci/bind", B, ENODEV);
	refuses(DRIVER "igb/bind", B, ENODEV);
	refuses(DRIVER "vfio-pci/bind", A, EBUSY);
	refuses(DRIVER "igb/bind", C, EBUSY);
	refuses(DRIVER "igb/unbind", A, ENODEV);
	refuses(DRIVER "vfio-pci/unbind", B, ENODEV);
	refuses(DRIVER "vfio-pci/unbind", "x", ENODEV);
	accepts(DRIVER "vfio-pci/unbind", A);
	assert_true(is_driverless(A));
	refuses(DRIVER "vfio-pci/unbind", A, ENODEV);
	accepts(DRIVER "vfio-pci/bind", A);
	assert_true(has_driver(A, "vfio-pci"));
}

/* Shows B7, S23.  Flips bind_bound_errno. */
static void a_bound_device_is_no_device_by_bind_bound_errno(void **state)
{
	(void)state;
	make("6.12,bind_bound_errno=ENODEV", three);
	refuses(DRIVER "vfio-pci/bind", A, ENODEV);
	uvfio_machine_destroy(machine);
	make("4.1", three);
	refuses(DRIVER "vfio-pci/bind", A, ENODEV);
	uvfio_machine_destroy(machine);
	make("6.1", three);
	refuses(DRIVER "vfio-pci/bind", A, EBUSY);
	uvfio_machine_destroy(machine);
}

/* Shows S22.  Flips has_driver_override. */
static void driver_override_exists_by_its_switch(void **state)
{
	char text[16];

	(void)state;
	make("3.14", three);
	assert_int_equal(uvfio_sysfs_read(machine, DEVICES A "/driver_override",
					  text, sizeof(text), 0),
			 -ENOENT);
	refuses(DEVICES A "/driver_override", "igb", ENOENT);
	/* Then ids lead to vfio-pci. */
	accepts(DRIVER "vfio-pci/unbind", A);
	accepts(DRIVER "vfio-pci/bind", A);
	uvfio_machine_destroy(machine);
	make("4.1", three);
	shows(DEVICES A "/driver_override", "vfio-pci\n");
	uvfio_machine_destroy(machine);
}

/* Flips bind_hides_probe_errno.  VFIO does not take a bridge. */
static void what_a_probe_says_is_told_by_its_switch(void **state)
{
	static const char *const bridge[] = {"bridge,addr=" A, NULL};
	static const char *const abis[] = {"4.1", "6.1"};

	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		make(abis[is_new], bridge);
		(void)put(DRIVER "pcieport/unbind", A);
		accepts(DEVICES A "/driver_override", "vfio-pci");
		refuses(DRIVER "vfio-pci/bind", A, is_new ? EINVAL : ENODEV);
		uvfio_machine_destroy(machine);
	}
}

/* Flips has_device_class. */
static void vfio_devices_are_shown_since_6_1(void **state)
{
	static const char uevent[] = DEVICES A "/vfio-dev/vfio0/uevent";
	static const char *const abis[] = {"4.1", "6.1"};
	char text[80];

	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		make(abis[is_new], three);
		assert_int_equal(uvfio_sysfs_read(machine, uevent, text,
						  sizeof(text), 0),
				 is_new ? 0 : -ENOENT);
		uvfio_machine_destroy(machine);
	}
}

/* Shows B8. */
static void an_override_decides_alone(void **state)
{
	char text[4096];

	(void)state;
	shows(DEVICES B "/driver_override", "(null)\n");
	accepts(PCI "drivers_probe", B);
	assert_true(is_driverless(B));
	accepts(DEVICES B "/driver_override", "pci-stub\n");
	shows(DEVICES B "/driver_override", "pci-stub\n");
	accepts(PCI "drivers_probe", B "\n");
	assert_true(has_driver(B, "pci-stub"));
	accepts(DRIVER "pci-stub/unbind", B);
	refuses(DRIVER "vfio-pci/bind", B, ENODEV);
	accepts(DEVICES B "/driver_override", "none-such");
	accepts(PCI "drivers_probe", B);
	assert_true(is_driverless(B));
	accepts(DEVICES B "/driver_override", "\n");
	shows(DEVICES B "/driver_override", "(null)\n");
	/* One that has an id, but is not meant. */
	accepts(DRIVER "igb/unbind", C);
	accepts(DEVICES C "/driver_override", "vfio-pci");
	refuses(DRIVER "igb/bind", C, ENODEV);
	accepts(PCI "drivers_probe", C);
	assert_true(has_driver(C, "vfio-pci"));
	/* Cut at the first newline, and never a page long. */
	accepts(DEVICES C "/driver_override", "igb\nvfio-pci");
	shows(DEVICES C "/driver_override", "igb\n");
	memset(text, 'x', sizeof(text));
	text[4094] = '\0';
	accepts(DEVICES C "/driver_override", text);
	text[4094] = 'x';
	text[4095] = '\0';
	refuses(DEVICES C "/driver_override", text, EINVAL);
	/* Zero bytes, as Python writes them, end it. */
	assert_int_equal(uvfio_sysfs_write(machine,
					   DEVICES C "/driver_override", "\0",
					   1, 0),
			 1);
	shows(DEVICES C "/driver_override", "(null)\n");
}

/* Shows B9. */
static void ids_come_and_go(void **state)
{
	(void)state;
	refuses(DRIVER "vfio-pci/new_id", "", 0);
	refuses(DRIVER "vfio-pci/new_id", "1234", EINVAL);
	refuses(DRIVER "vfio-pci/new_id", "x 1", EINVAL);
	refuses(DRIVER "igb/new_id", "8086 10c9", EEXIST);
	refuses(DRIVER "igb/new_id", "8086 10ca 0 0 0 0 7", EINVAL);
	accepts(DRIVER "vfio-pci/new_id", "1234 11e8\n");
	assert_true(has_driver(B, "vfio-pci"));
	refuses(DRIVER "vfio-pci/new_id", "1234 11e8", EEXIST);
	/* All fields given: nobody compares. */
	accepts(DRIVER "vfio-pci/new_id",
		"0x1234 0x11e8 ffffffff ffffffff 0 0 0");
	refuses(DRIVER "vfio-pci/remove_id", "1234", EINVAL);
	refuses(DRIVER "vfio-pci/remove_id", "1234 11e9", ENODEV);
	refuses(DRIVER "igb/remove_id", "8086 10c9", ENODEV);
	accepts(DRIVER "vfio-pci/remove_id", "1234 11e8");
	accepts(DRIVER "vfio-pci/remove_id", "1234 11e8");
	refuses(DRIVER "vfio-pci/remove_id", "1234 11e8", ENODEV);
	assert_true(has_driver(B, "vfio-pci"));
	accepts(DRIVER "vfio-pci/unbind", B);
	refuses(DRIVER "vfio-pci/bind", B, ENODEV);
	/* Nothing fits: it counts all the same. */
	accepts(DRIVER "pci-stub/new_id", "dead beef");
}

/* Shows B10. */
static void one_newline_may_follow_a_name(void **state)
{
	(void)state;
	refuses(DRIVER "vfio-pci/unbind", A "\n\n", ENODEV);
	refuses(DRIVER "vfio-pci/unbind", " " A, ENODEV);
	refuses(DRIVER "vfio-pci/unbind", A " ", ENODEV);
	refuses(DRIVER "vfio-pci/unbind", "00:03.0", ENODEV);
	accepts(DRIVER "vfio-pci/unbind", A "\n");
	refuses(DRIVER "vfio-pci/bind", A "\n\n", ENODEV);
	accepts(DRIVER "vfio-pci/bind", A "\n");
	refuses(PCI "drivers_probe", B "\n\n", ENODEV);
	accepts(PCI "drivers_probe", B "\n");
	/* A zero byte ends the name. */
	assert_int_equal(uvfio_sysfs_write(machine, DRIVER "vfio-pci/unbind",
					   A "\0x", sizeof(A) + 1, 0),
			 sizeof(A) + 1);
}

/* What a group is asked when a driver of the host comes: B1 and B2. */
static int open_group(int *ret_container)
{
	int group = must_open(machine, "/dev/vfio/1");

	*ret_container = must_open(machine, "/dev/vfio/vfio");
	must_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)ret_container);
	return group;
}

/* Shows B1, B2, B3. */
static void an_owned_group_takes_drivers_that_manage_dma(void **state)
{
	static const char *const devices[] = {
		"edu,group=1,addr=" A,
		"igb,group=1,driver=igb,addr=" B,
		NULL,
	};
	int container, group;

	(void)state;
	make(NULL, devices);
	group = must_open(machine, "/dev/vfio/1");
	container = must_open(machine, "/dev/vfio/vfio");
	assert_int_equal(uvfio_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
				     (uintptr_t)&container),
			 -EPERM);
	must_close(machine, group);
	must_close(machine, container);

	accepts(DRIVER "igb/unbind", B);
	group = open_group(&container);
	refuses(DRIVER "igb/bind", B, EBUSY);
	/* What is before a probe is an error to drivers_probe as well. */
	refuses(PCI "drivers_probe", B, EINVAL);
	accepts(DEVICES B "/driver_override", "pci-stub");
	accepts(DRIVER "pci-stub/bind", B);
	accepts(DRIVER "pci-stub/unbind", B);
	accepts(DEVICES B "/driver_override", "pcieport");
	/* It gets as far as its probe, which refuses what is no port. */
	refuses(DRIVER "pcieport/bind", B, ENODEV);
	accepts(DEVICES B "/driver_override", "vfio-pci");
	accepts(DRIVER "vfio-pci/bind", B);
	accepts(DRIVER "vfio-pci/unbind", B);
	accepts(DEVICES B "/driver_override", "\n");
	refuses(DRIVER "igb/bind", B, EBUSY);
	must_close(machine, group);
	must_close(machine, container);
	accepts(DRIVER "igb/bind", B);
	uvfio_machine_destroy(machine);
}

static void files_refuse_text_that_is_wrong(void **state)
{
	static const struct {
		const char *path;
		const char *text;
		int error; /* 0: it is accepted */
	} cases[] = {
		{DEVICES B "/enable", "x", EINVAL},
		{DEVICES B "/enable", "", 0},
		{DEVICES B "/enable", "0", EIO},
		{DEVICES A "/enable", "1", EBUSY},
		{DEVICES B "/broken_parity_status", "-1", EINVAL},
		{DEVICES B "/broken_parity_status", "0x10\n", 0},
		{DEVICES B "/numa_node", "1", EINVAL},
		{DEVICES B "/numa_node", "-2", EINVAL},
		{DEVICES B "/numa_node", "99999999999999999999", EINVAL},
		{DEVICES B "/numa_node", "0", 0},
		{DEVICES B "/msi_bus", "yes", EINVAL},
		{DEVICES B "/d3cold_allowed", "1 1", EINVAL},
		{DEVICES B "/power/control", "off", EINVAL},
		{DEVICES B "/power/async", "on", EINVAL},
		{DEVICES B "/power/autosuspend_delay_ms", "0", EIO},
		{DEVICES C "/reset", "2", EINVAL},
		{DEVICES C "/reset", "0", EINVAL},
		{DEVICES C "/reset", "1\n", 0},
		{DEVICES C "/reset_method", "bus", EINVAL},
		{DEVICES C "/reset_method", "flr,", EINVAL},
		{DEVICES C "/reset_method", " flr flr\n", 0},
		{DEVICES C "/reset_method", "default\n", 0},
		{DEVICES B "/remove", "x", EINVAL},
		{DEVICES B "/remove", "0", 0},
		{DEVICES B "/rescan", "-1", EINVAL},
		{DEVICES B "/rescan", "0", 0},
		{DEVICES B "/uevent", "adds", EINVAL},
		{DEVICES B "/uevent", "add 1", EINVAL},
		{DEVICES B "/uevent", "change", 0},
		{DEVICES B "/resource", "1", EACCES},
		{DEVICES B "/resource0", "1", EIO},
		{DEVICES B "/vendor", "1", EACCES},
		{DEVICES B, "1", EISDIR},
		{DEVICES B "/none", "1", ENOENT},
		{DRIVER "igb/uevent", "bind\n", 0},
		{DRIVER "igb/uevent", "x", EINVAL},
		{PCI "rescan", "x", EINVAL},
		{PCI "rescan", "1", 0},
		{PCI "uevent", "x", EINVAL},
		{PCI "drivers_autoprobe", "anything", 0},
		{PCI "resource_alignment", "20@pci:8086:1\n", 0},
		{"/sys/kernel/iommu_groups/1/type", "dma", EINVAL},
		{"/sys/kernel/iommu_groups/3/type", "identity", EPERM},
		{"/sys/kernel/iommu_groups/3/type", "DMA-FQ\n", 0},
		{"/sys/kernel/iommu_groups/3/type", "DMA", EPERM},
		{"/sys/kernel/iommu_groups/2/type", "identity", 0},
		{"/sys/kernel/iommu_groups/2/type", "auto", 0},
		{"/sys/kernel/iommu_groups/99/type", "auto", ENOENT},
		{"/sys/module/vfio/uevent", "add", 0},
		{"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "x",
		 EINVAL},
		{"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
		 "4294967296", ERANGE},
		{"/sys/module/vfio_iommu_type1/parameters/disable_hugepages",
		 "2", EINVAL},
		{"/sys/module/vfio_iommu_type1/parameters/disable_hugepages",
		 "on", 0},
		{"/sys/module/vfio_pci/parameters/nointxmask", "Y", EACCES},
		{"/sys/class/pci_bus/0000:00/rescan", "1", 0},
		{"/sys/devices/pci0000:00/uevent", "add", 0},
		{"/sys/class/misc/vfio/uevent", "add", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].error)
			refuses(cases[i].path, cases[i].text, cases[i].error);
		else
			accepts(cases[i].path, cases[i].text);
	}
}

static void files_show_what_was_written(void **state)
{
	static const struct {
		const char *path;
		const char *text;
		const char *shows;
	} cases[] = {
		{DEVICES B "/broken_parity_status", "7", "1\n"},
		{DEVICES B "/numa_node", "0", "0\n"},
		{DEVICES B "/msi_bus", "0", "0\n"},
		{DEVICES B "/d3cold_allowed", "1", "1\n"},
		{DEVICES B "/enable", "1", "1\n"},
		{DEVICES B "/enable", "1", "2\n"},
		{DEVICES B "/enable", "0", "1\n"},
		{DEVICES B "/power/control", "auto\n", "auto\n"},
		{DEVICES B "/power/async", "disabled", "disabled\n"},
		{DEVICES C "/reset_method", "flr", "flr\n"},
		{DEVICES C "/reset_method", "\n", ""},
		{PCI "drivers_autoprobe", "0", "0\n"},
		{PCI "drivers_autoprobe", "x", "1\n"},
		{PCI "resource_alignment", "a\nb", "a\n"},
		{PCI "resource_alignment", "\n", ""},
		{"/sys/kernel/iommu_groups/2/type", "DMA-FQ", "DMA-FQ\n"},
		{"/sys/module/vfio_pci/parameters/enable_sriov", "1", "Y\n"},
		{"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
		 "0x10\n", "16\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		accepts(cases[i].path, cases[i].text);
		shows(cases[i].path, cases[i].shows);
	}
	/* Without a method there is no reset. */
	accepts(DEVICES C "/reset_method", "");
	accepts(DEVICES C "/reset_method", "\n");
	refuses(DEVICES C "/reset", "1", ENOTTY);
}

static void files_say_that_they_cannot_be_read(void **state)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {
		{DEVICES B "/remove", EACCES},
		{DRIVER "igb/bind", EACCES},
		{DEVICES B "/resource0", EIO},
		{DEVICES B "/power/autosuspend_delay_ms", EIO},
		/* B has no driver, hence no such link. */
		{DEVICES B "/driver", ENOENT},
		{DEVICES A "/driver", EISDIR},
		{DEVICES A "/driver/bind", EACCES},
		{"/sys", ENOENT},
		{"/proc/version", ENOENT},
	};
	char text[64];

	(void)state;
	accepts(DRIVER "igb/unbind", C);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ssize_t n = uvfio_sysfs_read(machine, cases[i].path, text,
					     sizeof(text), 0);

		if (n != -cases[i].error)
			fail_msg("%s: %zd", cases[i].path, n);
	}
}

static void config_is_written_where_it_is_said(void **state)
{
	uint8_t bytes[4] = {0};

	(void)state;
	/* The interrupt line, which host software owns. */
	assert_int_equal(uvfio_sysfs_write(machine, DEVICES B "/config", "\x05",
					   1, 0x3c),
			 1);
	assert_int_equal(
		uvfio_sysfs_read(machine, DEVICES B "/config", bytes, 4, 0x3c),
		4);
	assert_int_equal(bytes[0], 5);
	assert_int_equal(uvfio_sysfs_write(machine, DEVICES B "/config",
					   "\xff\xff", 2, 255),
			 1);
	assert_int_equal(
		uvfio_sysfs_write(machine, DEVICES B "/config", "x", 1, 256),
		-EFBIG);
	assert_int_equal(
		uvfio_sysfs_read(machine, DEVICES B "/config", bytes, 4, 256),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			bind_and_unbind_name_what_is_wrong, set_up, tear_down),
		cmocka_unit_test(
			a_bound_device_is_no_device_by_bind_bound_errno),
		cmocka_unit_test(driver_override_exists_by_its_switch),
		cmocka_unit_test(what_a_probe_says_is_told_by_its_switch),
		cmocka_unit_test(vfio_devices_are_shown_since_6_1),
		cmocka_unit_test_setup_teardown(an_override_decides_alone,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_come_and_go, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(one_newline_may_follow_a_name,
						set_up, tear_down),
		cmocka_unit_test(an_owned_group_takes_drivers_that_manage_dma),
		cmocka_unit_test_setup_teardown(files_refuse_text_that_is_wrong,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_show_what_was_written,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			files_say_that_they_cannot_be_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			config_is_written_where_it_is_said, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
