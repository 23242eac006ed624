/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SR-IOV as an administrator has it: virtual functions come and go by the
 * files of their physical function, and drivers take them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <uvfio/uvfio.h>

#include "lib/machine.h"

#define PCI     "/sys/bus/pci/"
#define DRIVER  PCI "drivers/"
#define DEVICES PCI "devices/"
#define PF      "0000:00:03.0"
#define VF0     "0000:00:13.0"
#define VF1     "0000:00:13.1"
#define VF2     "0000:00:13.2"
#define ENABLE  "/sys/module/vfio_pci/parameters/enable_sriov"
#define NUMVFS  DEVICES PF "/sriov_numvfs"

static struct uvfio_machine *machine;

static void make(const char *device, const char *abi)
{
	const char *const devices[] = {device, "edu", NULL};
	const struct uvfio_machine_params params = {.devices = devices,
						    .abi = abi};
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
}

static void files_tell_what_a_pf_can_have(void **state)
{
	(void)state;
	make("edu,vfs=3", NULL);
	sysfs_shows(machine, DEVICES PF "/sriov_totalvfs", "3\n");
	sysfs_shows(machine, NUMVFS, "0\n");
	sysfs_shows(machine, DEVICES PF "/sriov_offset", "128\n");
	sysfs_shows(machine, DEVICES PF "/sriov_stride", "1\n");
	sysfs_shows(machine, DEVICES PF "/sriov_vf_device", "11e9\n");
	sysfs_shows(machine, DEVICES PF "/sriov_drivers_autoprobe", "1\n");
	sysfs_shows(machine, DEVICES PF "/sriov_vf_total_msix", "0\n");
	/* The other device has none. */
	assert_int_equal(
		sysfs_can_read(machine, DEVICES "0000:00:04.0/sriov_numvfs"),
		-ENOENT);
	assert_int_equal(sysfs_can_read(machine, DEVICES PF "/physfn/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_can_read(machine, DEVICES PF "/virtfn0/vendor"),
			 -ENOENT);
	uvfio_machine_destroy(machine);
}

static void writes_are_refused_in_order(void **state)
{
	(void)state;
	make("edu,vfs=3,driver=edu", NULL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "x"), -EINVAL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "-1"), -EINVAL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "65536"), -EINVAL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "4"), -ERANGE);
	assert_int_equal(sysfs_put(machine, NUMVFS, "0"), 1);
	assert_int_equal(sysfs_put(machine, NUMVFS, "2\n"), 2);
	sysfs_shows(machine, NUMVFS, "2\n");
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), 1);
	assert_int_equal(sysfs_put(machine, NUMVFS, "1"), -EBUSY);
	assert_int_equal(sysfs_put(machine, NUMVFS, "4"), -ERANGE);
	assert_int_equal(sysfs_put(machine, NUMVFS, "0"), 1);
	assert_int_equal(sysfs_put(machine, NUMVFS, "3"), 1);
	/* Its VFs go with the driver of the PF. */
	assert_int_equal(sysfs_put(machine, DRIVER "edu/unbind", PF),
			 strlen(PF));
	sysfs_shows(machine, NUMVFS, "0\n");
	assert_int_equal(sysfs_can_read(machine, DEVICES VF0 "/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, NUMVFS, "1"), -ENOENT);
	assert_int_equal(sysfs_put(machine, NUMVFS, "0"), 1);
	/* pci-stub does nothing about them. */
	assert_int_equal(
		sysfs_put(machine, DEVICES PF "/driver_override", "pci-stub"),
		8);
	assert_int_equal(sysfs_put(machine, DRIVER "pci-stub/bind", PF),
			 strlen(PF));
	assert_int_equal(sysfs_put(machine, NUMVFS, "1"), -ENOENT);
	assert_int_equal(
		sysfs_put(machine, DEVICES PF "/sriov_drivers_autoprobe", "x"),
		-EINVAL);
	uvfio_machine_destroy(machine);
}

/* Flips vfio_has_vfs. */
static void vfio_pci_wants_its_parameter(void **state)
{
	(void)state;
	make("edu,vfs=3", NULL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), -ENOENT);
	assert_int_equal(sysfs_put(machine, ENABLE, "1"), 1);
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), 1);
	sysfs_shows(machine, DEVICES PF "/virtfn1/device", "0x11e9\n");
	/* They are captured for users, and bound. */
	sysfs_shows(machine, DEVICES VF0 "/driver_override", "vfio-pci\n");
	sysfs_shows(machine, DRIVER "vfio-pci/" VF1 "/vendor", "0x1234\n");
	assert_int_equal(sysfs_put(machine, ENABLE, "0"), 1);
	assert_int_equal(sysfs_put(machine, NUMVFS, "0"), -ENOENT);
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/unbind", PF),
			 strlen(PF));
	assert_int_equal(sysfs_can_read(machine, DEVICES VF0 "/vendor"),
			 -ENOENT);
	uvfio_machine_destroy(machine);

	/* Linux 4.1 has no such thing. */
	make("edu,vfs=3", "4.1");
	(void)sysfs_put(machine, ENABLE, "1");
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), -ENOENT);
	uvfio_machine_destroy(machine);
}

static void each_vf_is_a_function_of_its_own(void **state)
{
	(void)state;
	make("edu,vfs=3,driver=edu", NULL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), 1);
	sysfs_shows(machine, DEVICES VF0 "/vendor", "0x1234\n");
	sysfs_shows(machine, DEVICES VF0 "/device", "0x11e9\n");
	sysfs_shows(machine, DEVICES VF0 "/revision", "0x10\n");
	sysfs_shows(machine, DEVICES VF0 "/physfn/device", "0x11e8\n");
	sysfs_shows(machine, DEVICES PF "/virtfn0/device", "0x11e9\n");
	sysfs_shows(machine, "/sys/devices/pci0000:00/" VF1 "/irq", "0\n");
	sysfs_shows(
		machine, DEVICES VF0 "/uevent",
		"PCI_CLASS=FF00\nPCI_ID=1234:11E9\nPCI_SUBSYS_ID=1AF4:1100\n"
		"PCI_SLOT_NAME=" VF0 "\nMODALIAS=pci:v00001234d000011E9"
		"sv00001AF4sd00001100bc00scFFi00\n");
	sysfs_shows(machine, DEVICES VF0 "/iommu_group/devices/" VF0 "/vendor",
		    "0x1234\n");
	assert_int_equal(sysfs_can_read(machine, DEVICES VF0
					"/iommu_group/devices/" VF1 "/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_can_read(machine, DEVICES VF2 "/vendor"),
			 -ENOENT);
	assert_int_equal(
		sysfs_put(machine, DEVICES VF0 "/sriov_vf_msix_count", "x"),
		-EINVAL);
	assert_int_equal(
		sysfs_put(machine, DEVICES VF0 "/sriov_vf_msix_count", "3"),
		-EOPNOTSUPP);
	/* One that is removed is gone until all are made anew. */
	assert_int_equal(sysfs_put(machine, DEVICES VF0 "/remove", "1"), 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES PF "/virtfn0/vendor"),
			 -ENOENT);
	sysfs_shows(machine, DEVICES PF "/virtfn1/vendor", "0x1234\n");
	assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES VF0 "/vendor"),
			 -ENOENT);
	sysfs_shows(machine, NUMVFS, "2\n");
	assert_int_equal(sysfs_put(machine, NUMVFS, "0"), 1);
	assert_int_equal(sysfs_put(machine, NUMVFS, "3"), 1);
	sysfs_shows(machine, DEVICES VF0 "/vendor", "0x1234\n");
	sysfs_shows(machine, DEVICES VF2 "/vendor", "0x1234\n");
	/* All go with their PF, which comes back without. */
	assert_int_equal(sysfs_put(machine, DEVICES PF "/remove", "1"), 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES VF2 "/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, PCI "rescan", "1"), 1);
	sysfs_shows(machine, NUMVFS, "0\n");
	uvfio_machine_destroy(machine);
}

static void drivers_take_vfs_if_they_may(void **state)
{
	(void)state;
	make("edu,vfs=3,driver=edu", NULL);
	assert_int_equal(
		sysfs_put(machine, DRIVER "vfio-pci/new_id", "1234 11e9"), 9);
	assert_int_equal(sysfs_put(machine, NUMVFS, "1"), 1);
	sysfs_shows(machine, DRIVER "vfio-pci/" VF0 "/device", "0x11e9\n");
	assert_int_equal(sysfs_put(machine, NUMVFS, "0"), 1);

	assert_int_equal(
		sysfs_put(machine, DEVICES PF "/sriov_drivers_autoprobe", "0"),
		1);
	sysfs_shows(machine, DEVICES PF "/sriov_drivers_autoprobe", "0\n");
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), 1);
	assert_int_equal(sysfs_can_read(machine, DEVICES VF0 "/driver/unbind"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/bind", VF0),
			 -ENODEV);
	assert_int_equal(
		sysfs_put(machine, DEVICES VF0 "/driver_override", "vfio-pci"),
		8);
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/bind", VF0),
			 strlen(VF0));
	assert_int_equal(
		sysfs_put(machine, DEVICES PF "/sriov_drivers_autoprobe", "y"),
		1);
	assert_int_equal(sysfs_put(machine, DRIVER "vfio-pci/bind", VF1),
			 strlen(VF1));
	uvfio_machine_destroy(machine);
}

/* Whoever is where a VF is to be keeps all of them away. */
static void a_vf_needs_its_address(void **state)
{
	struct uvfio_error err = {""};

	(void)state;
	make("edu,vfs=3,driver=edu", NULL);
	assert_int_equal(uvfio_machine_plug(machine, "edu,addr=" VF1, &err), 0);
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), -EEXIST);
	sysfs_shows(machine, NUMVFS, "0\n");
	assert_int_equal(sysfs_can_read(machine, DEVICES VF0 "/vendor"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, NUMVFS, "1"), 1);
	uvfio_machine_destroy(machine);
	/* Behind a bridge there is one bus only. */
	make("bridge", NULL);
	assert_int_equal(
		uvfio_machine_plug(machine,
				   "edu,vfs=3,driver=edu,bridge=00:03.0", &err),
		0);
	assert_int_equal(
		sysfs_put(machine, DEVICES "0000:01:00.0/sriov_numvfs", "3"),
		1);
	sysfs_shows(machine,
		    "/sys/devices/pci0000:00/0000:00:03.0/0000:01:10.2/device",
		    "0x11e9\n");
	assert_int_equal(uvfio_machine_plug(machine,
					    "edu,vfs=3,driver=edu,"
					    "bridge=00:03.0,addr=01:1f.0",
					    &err),
			 0);
	assert_int_equal(
		sysfs_put(machine, DEVICES "0000:01:1f.0/sriov_numvfs", "1"),
		-ENOMEM);
	uvfio_machine_destroy(machine);
	/* On the root bus, all numbers are its own. */
	make("edu,vfs=3,driver=edu,addr=00:1f.0", NULL);
	assert_int_equal(
		sysfs_put(machine, DEVICES "0000:00:1f.0/sriov_numvfs", "1"),
		1);
	sysfs_shows(machine, "/sys/devices/pci0000:00/0000:01:0f.0/device",
		    "0x11e9\n");
	uvfio_machine_destroy(machine);
}

static uint64_t config_offset(int fd)
{
	struct vfio_region_info info = {.argsz = sizeof(info),
					.index = VFIO_PCI_CONFIG_REGION_INDEX};

	must_ioctl(machine, fd, VFIO_DEVICE_GET_REGION_INFO,
		   (unsigned long)&info);
	return info.offset;
}

static uint32_t config_get(int fd, unsigned int pos, size_t len)
{
	uint32_t value = 0;

	assert_int_equal(uvfio_pread(machine, fd, &value, len,
				     (int64_t)(config_offset(fd) + pos)),
			 len);
	return value;
}

static void config_set(int fd, unsigned int pos, size_t len, uint32_t value)
{
	assert_int_equal(uvfio_pwrite(machine, fd, &value, len,
				      (int64_t)(config_offset(fd) + pos)),
			 len);
}

/* A VF that a user has, by the group it is alone in. */
static int open_vf(int *ret_group, int *ret_container)
{
	int container = must_open(machine, "/dev/vfio/vfio");
	int group = must_open(machine, "/dev/vfio/3");

	must_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
		   (unsigned long)&container);
	must_ioctl(machine, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	*ret_group = group;
	*ret_container = container;
	return (int)must_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
			       (unsigned long)VF0);
}

static void config_space_of_a_vf_is_made_up(void **state)
{
	uint8_t raw[64];
	uint32_t reg = 0;
	int device, group, container;

	(void)state;
	make("edu,vfs=3,driver=edu", NULL);
	assert_int_equal(
		sysfs_put(machine, DRIVER "vfio-pci/new_id", "1234 11e9"), 9);
	assert_int_equal(sysfs_put(machine, NUMVFS, "1"), 1);
	/* What the bus itself says. */
	assert_int_equal(uvfio_sysfs_read(machine, DEVICES VF0 "/config", raw,
					  sizeof(raw), 0),
			 sizeof(raw));
	assert_int_equal(raw[0] & raw[1] & raw[2] & raw[3], 0xff);
	assert_int_equal(raw[4], 0);

	device = open_vf(&group, &container);
	assert_int_equal(config_get(device, 0, 4), 0x11e91234);
	assert_int_equal(config_get(device, 0x08, 1), 0x10);
	assert_int_equal(config_get(device, PCI_INTERRUPT_PIN, 1), 0);
	assert_int_equal(config_get(device, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY);
	/* The client may clear the bit; memory answers all the same. */
	config_set(device, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(config_get(device, PCI_COMMAND, 2),
			 PCI_COMMAND_MASTER);
	assert_int_equal(uvfio_pread(machine, device, &reg, 4, 0), 4);
	assert_int_equal(reg, 0x010000ed);
	config_set(device, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(config_get(device, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
				 PCI_COMMAND_INTX_DISABLE);
	/* BARs are in the PF, but can be sized here. */
	assert_int_equal(config_get(device, PCI_BASE_ADDRESS_0, 4), 0);
	config_set(device, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	assert_int_equal(config_get(device, PCI_BASE_ADDRESS_0, 4), 0xfff00000);
	must_close(machine, device);
	must_close(machine, group);
	must_close(machine, container);
	uvfio_machine_destroy(machine);
}

static void registers_of_the_capability_follow(void **state)
{
	char text[1024];
	uint8_t cap[64];
	uint64_t first = 0, last = 0;
	ssize_t n;

	(void)state;
	make("edu,vfs=3,driver=edu", NULL);
	assert_int_equal(sysfs_put(machine, NUMVFS, "2"), 1);
	assert_int_equal(uvfio_sysfs_read(machine, DEVICES PF "/config", cap,
					  sizeof(cap), 0x100),
			 sizeof(cap));
	assert_int_equal(cap[0], PCI_EXT_CAP_ID_SRIOV);
	assert_int_equal(cap[PCI_SRIOV_CTRL],
			 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	assert_int_equal(cap[PCI_SRIOV_TOTAL_VF], 3);
	assert_int_equal(cap[PCI_SRIOV_NUM_VF], 2);
	assert_int_equal(cap[PCI_SRIOV_VF_OFFSET], 0x80);
	assert_int_equal(cap[PCI_SRIOV_VF_DID], 0xe9);
	/* 3 MiB behind line 7; VF 1 has the second of them. */
	n = uvfio_sysfs_read(machine, DEVICES PF "/resource", text,
			     sizeof(text) - 1, 0);
	assert_true(n > 8 * 57);
	text[n] = '\0';
	assert_int_equal(sscanf(text + 7 * 57, "%lx %lx", &first, &last), 2);
	assert_int_equal(last - first + 1, 3u << 20);
	n = uvfio_sysfs_read(machine, DEVICES VF1 "/resource", text,
			     sizeof(text) - 1, 0);
	assert_true(n > 57);
	assert_int_equal(sscanf(text, "%lx", &last), 1);
	assert_int_equal(last, first + (1u << 20));
	uvfio_machine_destroy(machine);
}

static void keys_of_edu_are_checked(void **state)
{
	static const char *const wrong[] = {"edu,vfs=0", "edu,vfs=65",
					    "edu,vfs=", "edu,vfs=-1",
					    "edu,vfs=1x"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const devices[] = {wrong[i], NULL};
		const struct uvfio_machine_params params = {.devices = devices};
		struct uvfio_error err = {""};

		assert_int_equal(uvfio_machine_create(&machine, &params, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "vfs="));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_tell_what_a_pf_can_have),
		cmocka_unit_test(writes_are_refused_in_order),
		cmocka_unit_test(vfio_pci_wants_its_parameter),
		cmocka_unit_test(each_vf_is_a_function_of_its_own),
		cmocka_unit_test(drivers_take_vfs_if_they_may),
		cmocka_unit_test(a_vf_needs_its_address),
		cmocka_unit_test(config_space_of_a_vf_is_made_up),
		cmocka_unit_test(registers_of_the_capability_follow),
		cmocka_unit_test(keys_of_edu_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
