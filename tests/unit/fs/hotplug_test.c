/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices come and go while the machine runs: remove, rescan, plug, bridges.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "bus/uevent.h"
#include "front/machine.h"
#include "lib/machine.h"

#define PCI     "/sys/bus/pci/"
#define DRIVER  PCI "drivers/"
#define DEVICES PCI "devices/"
#define A       "0000:00:03.0"
#define B       "0000:00:04.0"

static struct uvfio_machine *machine;

static void make(const char *const *devices)
{
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	static const char *const two[] = {"edu,addr=" A,
					  "igb,driver=igb,addr=" B, NULL};

	(void)state;
	make(two);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	uvfio_machine_destroy(machine);
	return 0;
}

/* Shows U14. */
static void what_was_removed_comes_back_at_rescan(void **state)
{
	(void)state;
	assert_int_equal(sysfs_put(machine, DEVICES A "/remove", "1"), 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES A "/vendor"), -ENOENT);
	assert_int_equal(
		sysfs_can_read(machine, "/sys/kernel/iommu_groups/1/type"),
		-ENOENT);
	assert_int_equal(uvfio_open(machine, "/dev/vfio/1"), -ENOENT);
	assert_int_equal(sysfs_put(machine, DEVICES A "/remove", "1"), -ENOENT);
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/bind", A),
			 -ENODEV);
	assert_int_equal(sysfs_put(machine, PCI "rescan", "1\n"), 2);
	sysfs_shows(machine, DEVICES A "/vendor", "0x1234\n");
	/* It is a new device: nobody has set an override. */
	sysfs_shows(machine, DEVICES A "/driver_override", "(null)\n");
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/unbind", A),
			 -ENODEV);
	assert_int_equal(
		sysfs_put(machine, DEVICES A "/driver_override", "vfio-pci"),
		8);
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/bind", A),
			 strlen(A));
	must_close(machine, must_open(machine, "/dev/vfio/1"));
	/* A driver that has an id takes it at once. */
	assert_int_equal(sysfs_put(machine, DEVICES B "/remove", "7"), 1);
	assert_int_equal(sysfs_put(machine, DEVICES A "/rescan", "1"), 1);
	assert_int_equal(sysfs_put(machine, DRIVER "igb/unbind", B), strlen(B));
	/* Nothing is missing: nothing happens. */
	assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
}

static void a_device_is_plugged_while_others_run(void **state)
{
	struct opened opened = machine_open(machine);
	struct uvfio_error err = {""};
	int group;

	(void)state;
	assert_int_equal(uvfio_machine_plug(machine, "edu,addr=" A, &err),
			 -EEXIST);
	assert_int_equal(uvfio_machine_plug(machine, "eduu", &err), -EINVAL);
	assert_non_null(strstr(err.text, "eduu"));
	assert_int_equal(uvfio_machine_plug(machine, "edu", &err), 0);
	sysfs_shows(machine, DEVICES "0000:00:05.0/vendor", "0x1234\n");
	group = must_open(machine, "/dev/vfio/3");
	must_close(machine, group);
	assert_int_equal(uvfio_machine_unplug(machine, "0000:00:05.0"), 0);
	assert_int_equal(uvfio_machine_unplug(machine, "0000:00:05.0"),
			 -ENODEV);
	/* Another one in its place: the first does not come back. */
	assert_int_equal(uvfio_machine_plug(
				 machine, "igb,driver=none,addr=00:05.0", &err),
			 0);
	uvfio_machine_rescan(machine);
	sysfs_shows(machine, DEVICES "0000:00:05.0/vendor", "0x8086\n");
	must_close(machine, opened.device);
	must_close(machine, opened.group);
	must_close(machine, opened.container);
}

static void a_cable_survives_one_of_its_ends(void **state)
{
	static const char *const wired[] = {"igb,link=a,addr=" A,
					    "igb,link=a,addr=" B, NULL};
	struct uvfio_error err = {""};

	(void)state;
	make(wired);
	assert_int_equal(uvfio_machine_unplug(machine, A), 0);
	assert_int_equal(uvfio_machine_plug(machine, "igb,link=a", &err), 0);
	assert_int_not_equal(uvfio_machine_plug(machine, "igb,link=a", &err),
			     0);
	assert_int_equal(uvfio_machine_unplug(machine, A), 0);
	assert_int_equal(uvfio_machine_unplug(machine, B), 0);
	assert_int_equal(uvfio_machine_plug(machine, "igb,link=a", &err), 0);
	uvfio_machine_destroy(machine);
}

static void addresses_do_not_run_out(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++) {
		assert_int_equal(sysfs_put(machine, DEVICES A "/remove", "1"),
				 1);
		assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
		assert_int_equal(sysfs_put(machine, DEVICES B "/remove", "1"),
				 1);
		assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
	}
	sysfs_shows(machine, DEVICES A "/vendor", "0x1234\n");
	sysfs_shows(machine, DEVICES B "/vendor", "0x8086\n");
}

#define ROOT "/sys/devices/pci0000:00/0000:00:01.0/"

static void a_bridge_has_its_devices_behind_it(void **state)
{
	static const char *const devices[] = {"bridge,addr=00:01.0",
					      "edu,bridge=00:01.0",
					      "igb,bridge=00:01.0,driver=none",
					      "bridge,addr=00:02.0",
					      "edu,bridge=00:02.0",
					      NULL};
	struct uvfio_error err = {""};
	uint8_t config[0x40];

	(void)state;
	make(devices);
	sysfs_shows(machine, ROOT "0000:01:00.0/vendor", "0x1234\n");
	sysfs_shows(machine, ROOT "0000:01:01.0/vendor", "0x8086\n");
	sysfs_shows(machine, ROOT "secondary_bus_number", "1\n");
	sysfs_shows(machine,
		    "/sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/vendor",
		    "0x1234\n");
	sysfs_shows(machine, DEVICES "0000:01:00.0/vendor", "0x1234\n");
	assert_int_equal(
		sysfs_put(machine, "/sys/class/pci_bus/0000:01/rescan", "1"),
		1);
	assert_int_equal(uvfio_sysfs_read(machine, ROOT "config", config,
					  sizeof(config), 0),
			 sizeof(config));
	assert_int_equal(config[0x0e], 1);
	assert_int_equal(config[0x18], 0);
	assert_int_equal(config[0x19], 1);
	assert_int_equal(config[0x1a], 1);
	/* vfio-pci takes no bridge. */
	assert_int_equal(
		sysfs_put(machine, DRIVER "pcieport/unbind", "0000:00:01.0"),
		12);
	assert_int_equal(sysfs_put(machine,
				   DEVICES "0000:00:01.0/driver_override",
				   "vfio-pci"),
			 8);
	assert_int_equal(
		sysfs_put(machine, DRIVER "vfio-pci/bind", "0000:00:01.0"),
		-EINVAL);

	assert_int_equal(
		uvfio_machine_plug(machine, "edu,bridge=00:09.0", &err),
		-EINVAL);
	assert_int_equal(
		uvfio_machine_plug(machine, "bridge,bridge=00:01.0", &err),
		-ENOSPC);
	assert_non_null(strstr(err.text, "bus-reserve"));
	assert_int_equal(uvfio_machine_plug(machine,
					    "edu,bridge=00:01.0,addr=02:05.0",
					    &err),
			 -EINVAL);
	/* With a bridge goes all that is behind it, and comes back. */
	assert_int_equal(sysfs_put(machine, DEVICES "0000:00:01.0/remove", "1"),
			 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES "0000:01:00.0/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_can_read(machine, DEVICES "0000:01:01.0/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
	sysfs_shows(machine, ROOT "0000:01:00.0/vendor", "0x1234\n");
	sysfs_shows(machine, ROOT "0000:01:01.0/vendor", "0x8086\n");
	uvfio_machine_destroy(machine);
}

#define SWITCH "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/"

/* What a bridge of the next test cannot have. */
static void refuses_windows(void)
{
	static const struct {
		const char *spec;
		int ret;
	} wrong[] = {
		{"bridge,bridge=00:01.0", -ENOSPC},
		{"bridge,mem-reserve=3M", -EINVAL},
		{"bridge,io-reserve=1K", -EINVAL},
		{"bridge,pref64-reserve=99X", -EINVAL},
		{"bridge,bus-reserve=256", -EINVAL},
		{"bridge,mem-reserve=2G", -ENOSPC},
		{"bridge,type=isa", -EINVAL},
	};
	struct uvfio_error err = {""};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
			uvfio_machine_plug(machine, wrong[i].spec, &err),
			wrong[i].ret);
}

static void bridges_are_behind_bridges(void **state)
{
	static const char *const devices[] = {
		"bridge,addr=00:01.0,bus-reserve=2,mem-reserve=64M,"
		"pref64-reserve=1G",
		"bridge,bridge=00:01.0,bus-reserve=1,mem-reserve=8M",
		"bridge,bridge=01:00.0,io-reserve=4K",
		"edu,bridge=02:00.0",
		"bridge,addr=00:02.0",
		NULL};
	uint8_t config[0x60];

	(void)state;
	make(devices);
	sysfs_shows(machine, SWITCH "0000:03:00.0/vendor", "0x1234\n");
	sysfs_shows(machine, ROOT "secondary_bus_number", "1\n");
	sysfs_shows(machine, ROOT "subordinate_bus_number", "3\n");
	sysfs_shows(machine, ROOT "0000:01:00.0/subordinate_bus_number", "3\n");
	sysfs_shows(machine, SWITCH "secondary_bus_number", "3\n");
	/* What is kept for one is not taken by another. */
	sysfs_shows(machine, DEVICES "0000:00:02.0/secondary_bus_number",
		    "4\n");
	assert_int_equal(uvfio_sysfs_read(machine, ROOT "config", config,
					  sizeof(config), 0),
			 sizeof(config));
	assert_int_equal(config[0x1a], 3);
	assert_int_equal(config[0x56] >> 4, 4);
	/* 64 MiB of memory; prefetchable memory has 64 bits. */
	assert_int_equal((config[0x22] | config[0x23] << 8) -
				 (config[0x20] | config[0x21] << 8),
			 0x3f0);
	assert_int_equal(config[0x24] & 0xf, 1);
	assert_int_equal(config[0x28], 0x80);
	assert_int_equal(uvfio_sysfs_read(machine, ROOT "0000:01:00.0/config",
					  config, sizeof(config), 0),
			 sizeof(config));
	assert_int_equal(config[0x56] >> 4, 5);
	assert_int_equal(uvfio_sysfs_read(machine, SWITCH "config", config,
					  sizeof(config), 0),
			 sizeof(config));
	assert_int_equal(config[0x56] >> 4, 6);

	refuses_windows();
	/* All of it goes with the first, and comes back. */
	assert_int_equal(sysfs_put(machine, DEVICES "0000:00:01.0/remove", "1"),
			 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES "0000:03:00.0/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
	sysfs_shows(machine, SWITCH "0000:03:00.0/vendor", "0x1234\n");
	uvfio_machine_destroy(machine);
}

static void a_conventional_bridge_is_one_group(void **state)
{
	static const char *const devices[] = {
		"bridge,addr=00:02.0,type=pci", "edu,bridge=00:02.0",
		"edu,bridge=00:02.0", "edu,bridge=00:02.0,group=9", NULL};

	(void)state;
	make(devices);
	sysfs_shows(machine,
		    DEVICES
		    "0000:01:00.0/iommu_group/devices/0000:01:01.0/vendor",
		    "0x1234\n");
	sysfs_shows(machine,
		    DEVICES
		    "0000:01:00.0/iommu_group/devices/0000:00:02.0/device",
		    "0x0001\n");
	sysfs_shows(machine,
		    "/sys/kernel/iommu_groups/9/devices/0000:01:02.0/vendor",
		    "0x1234\n");
	/* It has no driver, and is in nobody's way. */
	assert_int_equal(
		sysfs_can_read(machine, DEVICES "0000:00:02.0/driver/bind"),
		-ENOENT);
	assert_int_equal(
		sysfs_put(machine, DRIVER "pcieport/bind", "0000:00:02.0"),
		-ENODEV);
	must_close(machine, must_open(machine, "/dev/vfio/1"));
	uvfio_machine_destroy(machine);
}

/* The last uevents, each as one line with blanks between the strings. */
static struct {
	char lines[16][1024];
	unsigned int count;
	uint64_t seqnum;
} heard;

static void hear(void *arg, const struct uvf_uevent *event)
{
	char *line = heard.lines[heard.count++ % 16];

	assert_ptr_equal(arg, &heard);
	assert_true(event->seqnum == heard.seqnum + 1 || !heard.seqnum);
	heard.seqnum = event->seqnum;
	memcpy(line, event->text, event->size);
	for (size_t i = 0; i + 1 < event->size; i++)
		if (!line[i])
			line[i] = ' ';
	*strstr(line, " SEQNUM=") = '\0';
}

#define AT_A "/devices/pci0000:00/" A
#define IDS                                                                    \
	" PCI_CLASS=FF00 PCI_ID=1234:11E8 PCI_SUBSYS_ID=1AF4:1100 "            \
	"PCI_SLOT_NAME=" A                                                     \
	" MODALIAS=pci:v00001234d000011E8sv00001AF4sd00001100bc00scFFi00"

static void each_change_is_told_as_the_kernel_does(void **state)
{
	static const char *const expected[] = {
		"unbind@" AT_A " ACTION=unbind DEVPATH=" AT_A
		" SUBSYSTEM=pci" IDS,
		"bind@" AT_A " ACTION=bind DEVPATH=" AT_A
		" SUBSYSTEM=pci DRIVER=vfio-pci" IDS,
		"change@" AT_A " ACTION=change DEVPATH=" AT_A
		" SUBSYSTEM=pci SYNTH_UUID=0 DRIVER=vfio-pci" IDS,
		"add@" AT_A " ACTION=add DEVPATH=" AT_A
		" SUBSYSTEM=pci SYNTH_UUID=12345678-1234-1234-1234-"
		"123456789abc SYNTH_ARG_A=b DRIVER=vfio-pci" IDS,
		"unbind@" AT_A " ACTION=unbind DEVPATH=" AT_A
		" SUBSYSTEM=pci" IDS,
		"remove@" AT_A " ACTION=remove DEVPATH=" AT_A
		" SUBSYSTEM=pci" IDS,
		"add@" AT_A " ACTION=add DEVPATH=" AT_A " SUBSYSTEM=pci" IDS,
	};
	unsigned int next = 0;

	(void)state;
	memset(&heard, 0, sizeof(heard));
	uvf_machine_set_changed(&machine->bus, hear, &heard);
	sysfs_put(machine, DRIVER "vfio-pci/unbind", A);
	sysfs_put(machine, DRIVER "vfio-pci/bind", A);
	sysfs_put(machine, DEVICES A "/uevent", "change\n");
	sysfs_put(machine, DEVICES A "/uevent",
		  "add 12345678-1234-1234-1234-123456789abc A=b");
	sysfs_put(machine, DEVICES A "/remove", "1");
	sysfs_put(machine, PCI "rescan", "1");
	uvf_machine_set_changed(&machine->bus, NULL, NULL);
	/* Other parts tell of their own: those of PCI are these. */
	for (unsigned int i = 0; i < heard.count; i++)
		if (strstr(heard.lines[i], " SUBSYSTEM=pci "))
			assert_string_equal(heard.lines[i], expected[next++]);
	assert_int_equal(next, sizeof(expected) / sizeof(expected[0]));
}

static void a_change_moves_the_generation(void **state)
{
	static const struct {
		const char *path;
		const char *text;
	} changes[] = {
		{DRIVER "vfio-pci/unbind", A},
		{DEVICES A "/driver_override", "x"},
		{DEVICES A "/numa_node", "0"},
		{DEVICES A "/remove", "1"},
		{PCI "rescan", "1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		unsigned long before = atomic_load(&machine->bus.generation);

		assert_true(sysfs_put(machine, changes[i].path,
				      changes[i].text) > 0);
		assert_true(atomic_load(&machine->bus.generation) > before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_removed_comes_back_at_rescan, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_device_is_plugged_while_others_run, set_up,
			tear_down),
		cmocka_unit_test(a_cable_survives_one_of_its_ends),
		cmocka_unit_test_setup_teardown(addresses_do_not_run_out,
						set_up, tear_down),
		cmocka_unit_test(a_bridge_has_its_devices_behind_it),
		cmocka_unit_test(bridges_are_behind_bridges),
		cmocka_unit_test(a_conventional_bridge_is_one_group),
		cmocka_unit_test_setup_teardown(
			each_change_is_told_as_the_kernel_does, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_change_moves_the_generation,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
