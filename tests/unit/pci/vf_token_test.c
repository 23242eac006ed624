/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The token that users of a PF and of its VFs share.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "lib/machine.h"
#include "mem/copy.h"

#define PF      "0000:00:03.0"
#define VF0     "0000:00:13.0"
#define DEVICES "/sys/bus/pci/devices/"
#define ENABLE  "/sys/module/vfio_pci/parameters/enable_sriov"
#define DRIVERS "/sys/bus/pci/drivers/"
#define TOKEN   "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"
#define OTHER   "00000000-0000-0000-0000-000000000001"
#define BIND    _IO(';', 118)
#define SET     VFIO_DEVICE_FEATURE_SET

struct feature {
	uint32_t argsz, flags;
	uint8_t uuid[16];
};

static struct uvfio_machine *machine;
static int container;

static ssize_t put(const char *path, const char *text)
{
	return uvfio_sysfs_write(machine, path, text, strlen(text), 0);
}

static void make(const char *device, const char *abi)
{
	const char *const devices[] = {device, "edu,addr=00:05.0", NULL};
	const struct uvfio_machine_params params = {.devices = devices,
						    .abi = abi};
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
	assert_int_equal(put(ENABLE, "1"), 1);
	assert_int_equal(put(DEVICES PF "/sriov_numvfs", "1"), 1);
	container = must_open(machine, "/dev/vfio/vfio");
}

/* The group of a function, in the container. */
static int group_of(const char *name)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[64], text[32] = "";
	int fd = -1;

	/* Numbers are given as they come; the one with the name is it. */
	for (int n = 0; n < 8 && fd < 0; n++) {
		(void)snprintf(path, sizeof(path),
			       "/sys/kernel/iommu_groups/%d/devices/%s/vendor",
			       n, name);
		if (uvfio_sysfs_read(machine, path, text, sizeof(text), 0) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/vfio/%d", n);
		fd = must_open(machine, path);
	}
	assert_true(fd >= 0);
	must_ioctl(machine, fd, VFIO_GROUP_GET_STATUS, (uintptr_t)&status);
	must_ioctl(machine, fd, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&container);
	(void)uvfio_ioctl(machine, container, VFIO_SET_IOMMU,
			  VFIO_TYPE1v2_IOMMU);
	return fd;
}

static long open_as(int group, const char *name)
{
	return uvfio_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
			   (uintptr_t)name);
}

static long set_token(int device, uint8_t first)
{
	struct feature feature = {.argsz = sizeof(feature), .flags = SET};

	memset(feature.uuid, 0, sizeof(feature.uuid));
	feature.uuid[0] = first;
	return uvfio_ioctl(machine, device, VFIO_DEVICE_FEATURE,
			   (uintptr_t)&feature);
}

/* Shows V61. */
static void a_vf_wants_the_token_of_its_pf(void **state)
{
	int pf, vf;
	long fd, device;

	(void)state;
	make("edu,vfs=1", NULL);
	pf = group_of(PF);
	vf = group_of(VF0);
	/* Nobody knows it yet. */
	assert_int_equal(open_as(vf, VF0), -EACCES);
	assert_int_equal(open_as(vf, VF0 " vf_token=" TOKEN), -EACCES);
	/* A PF without users of its VFs may be had by all, who choose it. */
	device = open_as(pf, PF " vf_token=" TOKEN);
	assert_true(device >= 0);
	assert_int_equal(open_as(vf, VF0), -EACCES);
	assert_int_equal(open_as(vf, VF0 " vf_token=" OTHER), -EACCES);
	must_close(machine, (int)device);

	/* It outlives the PF's file, and letters are of either case. */
	fd = open_as(vf, VF0 " vf_token=BD8D9D2B-5A5F-4F5A-A211-F591514BA1F3");
	assert_true(fd >= 0);
	/* From now on the PF's user must know it, too. */
	assert_int_equal(open_as(pf, PF), -EACCES);
	assert_int_equal(open_as(pf, PF " vf_token=" OTHER), -EACCES);
	device = open_as(pf, PF " vf_token=" TOKEN);
	assert_true(device >= 0);
	must_close(machine, (int)device);
	must_close(machine, (int)fd);
	device = open_as(pf, PF);
	assert_true(device >= 0);
	uvfio_machine_destroy(machine);
}

/* Shows V61. */
static void names_with_options_are_read_strictly(void **state)
{
	static const struct {
		const char *name;
		long ret;
	} cases[] = {
		{VF0 "x", -ENODEV},
		{VF0 "\tvf_token=" TOKEN, -ENODEV},
		{VF0 " x", -EINVAL},
		{VF0 " vf_token=", -EINVAL},
		{VF0 " vf_token=1", -EINVAL},
		{VF0 " vf_token=bd8d9d2b-5a5f-4f5a-a211_f591514ba1f3", -EINVAL},
		{VF0 " vf_token=gd8d9d2b-5a5f-4f5a-a211-f591514ba1f3", -EINVAL},
		{VF0 " vf_token=" TOKEN "0", -EINVAL},
		{VF0 " vf_token=" TOKEN " vf_token=" TOKEN, -EINVAL},
		{VF0 "  ", -EACCES},
		{VF0 "  vf_token=" TOKEN "  ", -EACCES},
	};
	int vf;

	(void)state;
	make("edu,vfs=1", NULL);
	vf = group_of(VF0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(open_as(vf, cases[i].name), cases[i].ret);
	uvfio_machine_destroy(machine);
}

/* Shows V61. */
static void who_needs_none_may_give_none(void **state)
{
	int other, vf;

	(void)state;
	make("edu,vfs=1", NULL);
	other = group_of("0000:00:05.0");
	assert_int_equal(open_as(other, "0000:00:05.0 vf_token=" TOKEN),
			 -EINVAL);
	assert_true(open_as(other, "0000:00:05.0 ") >= 0);
	uvfio_machine_destroy(machine);

	/* The PF belongs to the host: its VFs are open to all. */
	make("edu,vfs=1,driver=edu", NULL);
	assert_int_equal(put(DEVICES VF0 "/driver_override", "vfio-pci"), 8);
	assert_int_equal(put(DRIVERS "vfio-pci/bind", VF0), strlen(VF0));
	vf = group_of(VF0);
	assert_int_equal(open_as(vf, VF0 " vf_token=" TOKEN), -EINVAL);
	assert_true(open_as(vf, VF0) >= 0);
	uvfio_machine_destroy(machine);
}

/* Shows V57, V61. */
static void the_feature_sets_it(void **state)
{
	struct feature feature = {.argsz = 8};
	int pf, vf, other;
	long device;

	(void)state;
	make("edu,vfs=1", NULL);
	pf = group_of(PF);
	vf = group_of(VF0);
	other = group_of("0000:00:05.0");
	device = open_as(pf, PF);
	assert_true(device >= 0);

	feature.flags = VFIO_DEVICE_FEATURE_PROBE | SET;
	assert_int_equal(uvfio_ioctl(machine, (int)device, VFIO_DEVICE_FEATURE,
				     (uintptr_t)&feature),
			 0);
	feature.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET;
	assert_int_equal(uvfio_ioctl(machine, (int)device, VFIO_DEVICE_FEATURE,
				     (uintptr_t)&feature),
			 -EINVAL);
	feature.flags = SET;
	feature.argsz = 23;
	assert_int_equal(uvfio_ioctl(machine, (int)device, VFIO_DEVICE_FEATURE,
				     (uintptr_t)&feature),
			 -EINVAL);
	assert_int_equal(set_token((int)device, 0x12), 0);
	assert_int_equal(open_as(vf, VF0 " vf_token=00000000-0000-0000-0000-"
					 "000000000000"),
			 -EACCES);
	device = open_as(vf, VF0 " vf_token=12000000-0000-0000-0000-"
				 "000000000000");
	assert_true(device >= 0);
	/* Only a PF has it. */
	assert_int_equal(set_token((int)device, 0), -ENOTTY);
	assert_int_equal(set_token((int)open_as(other, "0000:00:05.0"), 0),
			 -ENOTTY);
	uvfio_machine_destroy(machine);
}

struct bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t devid;
	uint64_t token;
};

static long bind_with(int device, int iommufd, const uint8_t *uuid)
{
	struct bind bind = {
		.argsz = sizeof(bind),
		.flags = uuid ? 1 : 0,
		.iommufd = iommufd,
		.token = (uintptr_t)uuid,
	};

	return uvfio_ioctl(machine, device, BIND, (uintptr_t)&bind);
}

/* Shows V61.  vfio0 is the PF, vfio1 the other device, vfio2 the VF. */
static void a_cdev_gives_it_when_it_is_bound(void **state)
{
	static const uint8_t wrong[16] = {1}, right[16] = {2};
	int ctx, pf, vf, other;

	(void)state;
	make("edu,vfs=1", "6.19");
	assert_int_equal(uvf_copy_guard_init(), 0);
	ctx = must_open(machine, "/dev/iommu");
	pf = must_open(machine, "/dev/vfio/devices/vfio0");
	other = must_open(machine, "/dev/vfio/devices/vfio1");
	vf = must_open(machine, "/dev/vfio/devices/vfio2");
	assert_int_equal(bind_with(vf, ctx, NULL), -EACCES);
	assert_int_equal(bind_with(vf, ctx, (const uint8_t *)8), -EFAULT);
	assert_int_equal(bind_with(vf, ctx, wrong), -EACCES);
	assert_int_equal(bind_with(other, ctx, wrong), -EINVAL);
	assert_int_equal(bind_with(pf, ctx, right), 0);
	assert_int_equal(bind_with(vf, ctx, wrong), -EACCES);
	assert_int_equal(bind_with(vf, ctx, right), 0);
	uvfio_machine_destroy(machine);

	/* Before there were tokens here, nobody was asked for one. */
	make("edu,vfs=1", "6.12");
	ctx = must_open(machine, "/dev/iommu");
	vf = must_open(machine, "/dev/vfio/devices/vfio2");
	assert_int_equal(bind_with(vf, ctx, NULL), 0);
	uvfio_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vf_wants_the_token_of_its_pf),
		cmocka_unit_test(names_with_options_are_read_strictly),
		cmocka_unit_test(who_needs_none_may_give_none),
		cmocka_unit_test(the_feature_sets_it),
		cmocka_unit_test(a_cdev_gives_it_when_it_is_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
