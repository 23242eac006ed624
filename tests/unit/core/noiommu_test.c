/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices without an IOMMU: who gets them, who may use them, and with what
 * they do not mix.  Most of the machines here have an IOMMU for their edu
 * devices, in groups 1 and 2, so that a group without one is number 3.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "base/log.h"
#include "core/cdev.h"
#include "fake.h"
#include "iommu/iommufd/abi.h"

#define PARAMETER "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define BARE_NODE "/dev/vfio/noiommu-3"
#define BARE_NAME "/sys/kernel/iommu_groups/3/name"

static atomic_int lines;
static char last_line[256];

static void keep_line(enum uvf_log_level level, const char *line)
{
	assert_int_equal(level, UVF_LOG_WARNING);
	atomic_fetch_add(&lines, 1);
	(void)snprintf(last_line, sizeof(last_line), "%s", line);
}

static struct fake *add_bare(struct rig *rig, const char *name)
{
	struct fake *fake = fake_add(rig, name, UVF_GROUP_NONE);

	fake_bind(fake, rig->vfio_driver);
	return fake;
}

static bool sysfs_says(struct rig *rig, const char *path, const char *text)
{
	char buf[64] = "";
	ssize_t ret = uvfio_sysfs_read(rig->machine, path, buf, sizeof(buf), 0);

	return ret == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)ret);
}

static int set_mode(struct rig *rig, const char *text)
{
	return (int)uvfio_sysfs_write(rig->machine, PARAMETER, text,
				      strlen(text), 0);
}

static long extension(struct rig *rig, int container, unsigned long x)
{
	return client_ioctl(rig->client, container, VFIO_CHECK_EXTENSION, x);
}

static long set_iommu(struct rig *rig, int container, unsigned long type)
{
	return client_ioctl(rig->client, container, VFIO_SET_IOMMU, type);
}

/* Shows N1. */
static void mode_decides_at_probe(void **state)
{
	struct rig rig = rig_create_on(NULL, NULL);
	struct uvf_group_node node;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	fake = fake_add(&rig, "a", UVF_GROUP_NONE);
	assert_true(sysfs_says(&rig, PARAMETER, "N\n"));
	assert_int_equal(uvf_device_attach_driver(&fake->bus, rig.vfio_driver),
			 -EINVAL);
	assert_false(uvf_group_node(rig.vfio, 3, &node));
	assert_int_equal(set_mode(&rig, "1\n"), 2);
	assert_true(sysfs_says(&rig, PARAMETER, "Y\n"));
	atomic_store(&lines, 0);
	uvf_log_set(keep_line);
	fake_bind(fake, rig.vfio_driver);
	uvf_log_set(NULL);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "a: "));
	assert_true(uvf_group_node(rig.vfio, 3, &node));
	assert_string_equal(node.name, "noiommu-3");
	assert_true(sysfs_says(&rig, BARE_NAME, "vfio-noiommu\n"));
	assert_int_equal(client_open(rig.client, "/dev/vfio/3"), -ENOENT);
	uvf_device_detach(&fake->bus, NULL);
	assert_false(uvf_group_node(rig.vfio, 3, &node));
	assert_int_equal(client_open(rig.client, BARE_NODE), -ENOENT);
	assert_int_equal(
		uvfio_sysfs_read(rig.machine, BARE_NAME, last_line, 1, 0),
		-ENOENT);
	rig_destroy(&rig);
}

/* Shows N1. */
static void host_without_iommu_has_no_groups_of_its_own(void **state)
{
	struct rig rig = rig_create_on(NULL, "iommu=none");
	struct rig on = rig_create_on(NULL, "iommu=none,noiommu=on");
	int group;

	(void)state;
	rig_fill(&rig);
	rig_fill(&on);
	/* It boots, and nobody has its devices. */
	assert_int_equal(client_open(rig.client, "/dev/vfio/noiommu-0"),
			 -ENOENT);
	assert_int_equal(uvfio_sysfs_read(rig.machine,
					  "/sys/bus/pci/devices/" EDU_A
					  "/driver/uevent",
					  last_line, 1, 0),
			 -ENOENT);
	assert_int_equal(set_mode(&rig, "Y"), 1);
	assert_int_equal(uvfio_sysfs_write(rig.machine,
					   "/sys/bus/pci/drivers/vfio-pci/bind",
					   EDU_B, strlen(EDU_B), 0),
			 strlen(EDU_B));
	group = client_open(rig.client, "/dev/vfio/noiommu-0");
	assert_true(group >= 0);
	assert_int_equal(status_of(&rig, group), VFIO_GROUP_FLAGS_VIABLE);
	assert_true(sysfs_says(&on, PARAMETER, "Y\n"));
	assert_true(client_open(on.client, "/dev/vfio/noiommu-0") >= 0);
	assert_true(client_open(on.client, "/dev/vfio/noiommu-1") >= 0);
	rig_destroy(&on);
	rig_destroy(&rig);
}

/* Shows S16.  Flips has_noiommu. */
static void mode_came_after_4_1(void **state)
{
	static const struct {
		const char *abi;
		bool has_it;
	} rows[] = {{"3.14", false},
		    {"4.1", false},
		    {"6.1", true},
		    {"6.12,has_noiommu=off", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig rig = rig_create_on(rows[i].abi, "noiommu=on");
		struct fake *fake;
		int container, ret;

		rig_fill(&rig);
		fake = fake_add(&rig, "a", UVF_GROUP_NONE);
		ret = uvf_device_attach_driver(&fake->bus, rig.vfio_driver);
		assert_int_equal(!ret, rows[i].has_it);
		assert_int_equal(sysfs_says(&rig, PARAMETER, "Y\n"),
				 rows[i].has_it);
		container = client_open(rig.client, "/dev/vfio/vfio");
		assert_int_equal(extension(&rig, container, VFIO_NOIOMMU_IOMMU),
				 rows[i].has_it);
		rig_destroy(&rig);
	}
}

/* Shows N2, M45. */
static void each_step_takes_the_right_to_raw_io(void **state)
{
	struct rig rig = rig_create_on(NULL, "noiommu=on");
	struct client *root, *child;
	int group, container, device;

	(void)state;
	rig_fill(&rig);
	(void)add_bare(&rig, "a");
	root = rig.client;
	client_set_rawio(root, false);
	assert_int_equal(client_open(root, BARE_NODE), -EPERM);
	client_set_rawio(root, true);
	group = client_open(root, BARE_NODE);
	container = client_open(root, "/dev/vfio/vfio");
	child = client_fork(root);
	client_set_rawio(child, false);
	/* The right is asked for before the node is found busy. */
	assert_int_equal(client_open(child, BARE_NODE), -EPERM);
	assert_int_equal(client_open(root, BARE_NODE), -EBUSY);
	rig.client = child;
	assert_int_equal(set_container(&rig, group, container), -EPERM);
	rig.client = root;
	assert_int_equal(set_container(&rig, group, container), 0);
	rig.client = child;
	assert_int_equal(set_iommu(&rig, container, VFIO_NOIOMMU_IOMMU),
			 -EPERM);
	assert_int_equal(get_device(&rig, group, "a"), -EINVAL);
	rig.client = root;
	assert_int_equal(set_iommu(&rig, container, VFIO_NOIOMMU_IOMMU), 0);
	rig.client = child;
	assert_int_equal(get_device(&rig, group, "a"), -EPERM);
	rig.client = root;
	device = get_device(&rig, group, "a");
	assert_true(device >= 0);
	/* Only the first open asks. */
	rig.client = child;
	assert_true(get_device(&rig, group, "a") >= 0);
	rig.client = root;
	client_destroy(child);
	rig_destroy(&rig);
}

/* Shows N3, M45. */
static void container_takes_its_own_type_alone(void **state)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map)};
	struct rig rig = rig_create_on(NULL, "noiommu=on");
	int real, bare, c, d;

	(void)state;
	rig_fill(&rig);
	(void)add_bare(&rig, "a");
	real = client_open(rig.client, "/dev/vfio/1");
	bare = client_open(rig.client, BARE_NODE);
	c = client_open(rig.client, "/dev/vfio/vfio");
	d = client_open(rig.client, "/dev/vfio/vfio");
	assert_int_equal(extension(&rig, c, VFIO_NOIOMMU_IOMMU), 1);
	assert_int_equal(extension(&rig, c, VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(set_container(&rig, real, c), 0);
	assert_int_equal(extension(&rig, c, VFIO_NOIOMMU_IOMMU), 0);
	assert_int_equal(set_iommu(&rig, c, VFIO_NOIOMMU_IOMMU), -ENODEV);
	assert_int_equal(set_iommu(&rig, c, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(set_container(&rig, bare, d), 0);
	assert_int_equal(extension(&rig, d, VFIO_NOIOMMU_IOMMU), 1);
	assert_int_equal(extension(&rig, d, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(set_iommu(&rig, d, VFIO_TYPE1_IOMMU), -ENODEV);
	assert_int_equal(set_mode(&rig, "0"), 1);
	assert_int_equal(extension(&rig, d, VFIO_NOIOMMU_IOMMU), 0);
	assert_int_equal(set_iommu(&rig, d, VFIO_NOIOMMU_IOMMU), -ENODEV);
	assert_int_equal(set_mode(&rig, "1"), 1);
	assert_int_equal(set_iommu(&rig, d, VFIO_NOIOMMU_IOMMU), 0);
	assert_int_equal(set_iommu(&rig, d, VFIO_NOIOMMU_IOMMU), -EINVAL);
	assert_int_equal(extension(&rig, d, VFIO_NOIOMMU_IOMMU), 1);
	assert_int_equal(extension(&rig, d, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(client_ioctl(rig.client, d, VFIO_IOMMU_MAP_DMA,
				      (uintptr_t)&map),
			 -ENOTTY);
	assert_int_equal(client_ioctl(rig.client, d, VFIO_IOMMU_GET_INFO, 0),
			 -ENOTTY);
	rig_destroy(&rig);
}

/* Shows A8, M45. */
static void groups_with_and_without_do_not_mix(void **state)
{
	struct rig rig = rig_create_on(NULL, "noiommu=on");
	struct fake *emulated;
	int real, bare, fake, c;

	(void)state;
	rig_fill(&rig);
	(void)add_bare(&rig, "a");
	emulated = fake_add(&rig, "b", EMULATED);
	fake_bind(emulated, rig.vfio_driver);
	real = client_open(rig.client, "/dev/vfio/1");
	bare = client_open(rig.client, BARE_NODE);
	fake = client_open(rig.client, "/dev/vfio/4");
	c = client_open(rig.client, "/dev/vfio/vfio");
	assert_int_equal(set_container(&rig, real, c), 0);
	assert_int_equal(set_container(&rig, bare, c), -EPERM);
	assert_int_equal(set_container(&rig, fake, c), 0);
	assert_int_equal(unset_container(&rig, real), 0);
	assert_int_equal(set_container(&rig, bare, c), -EPERM);
	assert_int_equal(unset_container(&rig, fake), 0);
	assert_int_equal(set_container(&rig, bare, c), 0);
	assert_int_equal(set_container(&rig, real, c), -EPERM);
	assert_int_equal(set_container(&rig, fake, c), -EPERM);
	assert_int_equal(status_of(&rig, real), VFIO_GROUP_FLAGS_VIABLE);
	rig_destroy(&rig);
}

static void each_open_is_told(void **state)
{
	struct rig rig = rig_create_on(NULL, "noiommu=on");
	int group, container;

	(void)state;
	rig_fill(&rig);
	(void)add_bare(&rig, "a");
	group = client_open(rig.client, BARE_NODE);
	container = client_open(rig.client, "/dev/vfio/vfio");
	assert_int_equal(set_container(&rig, group, container), 0);
	assert_int_equal(set_iommu(&rig, container, VFIO_NOIOMMU_IOMMU), 0);
	atomic_store(&lines, 0);
	uvf_log_set(keep_line);
	assert_int_equal(get_device(&rig, group, "b"), -ENODEV);
	assert_int_equal(lines, 0);
	assert_true(get_device(&rig, group, "a") >= 0);
	assert_int_equal(lines, 1);
	assert_true(get_device(&rig, group, "a") >= 0);
	assert_int_equal(lines, 2);
	uvf_log_set(NULL);
	assert_non_null(strstr(last_line, "a: "));
	assert_non_null(strstr(last_line, "(1)"));
	rig_destroy(&rig);
}

/* A space of the context becomes that of containers. */
static void give_space(struct rig *rig, int ctx)
{
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};
	struct iommu_vfio_ioas vfio = {.size = sizeof(vfio),
				       .op = IOMMU_VFIO_IOAS_SET};

	assert_int_equal(client_ioctl(rig->client, ctx, IOMMU_IOAS_ALLOC,
				      (uintptr_t)&alloc),
			 0);
	vfio.ioas_id = alloc.out_ioas_id;
	assert_int_equal(client_ioctl(rig->client, ctx, IOMMU_VFIO_IOAS,
				      (uintptr_t)&vfio),
			 0);
}

/* Shows N4, A9. */
static void context_in_place_of_a_container(void **state)
{
	struct rig rig = rig_create_on(NULL, "noiommu=on");
	struct {
		uint32_t argsz, flags;
		uint64_t more[4];
	} arg = {.argsz = 40, .flags = 0, .more = {0, 0x1000, 0x1000}};
	struct fake *fake;
	int real, bare, ctx, other, device;

	(void)state;
	rig_fill(&rig);
	fake = add_bare(&rig, "a");
	assert_false(uvf_cdev_exists(rig.vfio, fake->vfio.index));
	assert_int_equal(client_open(rig.client, "/dev/vfio/devices/vfio2"),
			 -ENOENT);
	real = client_open(rig.client, "/dev/vfio/1");
	bare = client_open(rig.client, BARE_NODE);
	ctx = client_open(rig.client, "/dev/iommu");
	other = client_open(rig.client, "/dev/iommu");
	assert_int_equal(set_container(&rig, real, other), 0);
	assert_int_equal(set_container(&rig, bare, other), -EINVAL);
	assert_int_equal(unset_container(&rig, real), 0);
	assert_int_equal(set_container(&rig, bare, ctx), 0);
	assert_int_equal(set_container(&rig, real, ctx), -EINVAL);
	client_set_rawio(rig.client, false);
	assert_int_equal(get_device(&rig, bare, "a"), -EPERM);
	client_set_rawio(rig.client, true);
	device = get_device(&rig, bare, "a");
	assert_true(device >= 0);
	assert_int_equal(fake->vfio.open_count, 1);
	assert_int_equal(client_close(rig.client, device), 0);
	assert_int_equal(fake->vfio.open_count, 0);
	assert_int_equal(fake->opens, 1);
	assert_int_equal(fake->closes, 1);
	/* There is no space that the calls of a container could mean. */
	for (unsigned int i = 12; i < 15; i++) {
		const unsigned int call = _IO(VFIO_TYPE, VFIO_BASE + i);

		assert_int_equal(client_ioctl(rig.client, ctx, call, 0),
				 -EFAULT);
		assert_int_equal(
			client_ioctl(rig.client, ctx, call, (uintptr_t)&arg),
			-ENODEV);
	}
	give_space(&rig, ctx);
	assert_int_equal(get_device(&rig, bare, "a"), -EPERM);
	assert_int_equal(fake->opens, 1);
	rig_destroy(&rig);
}

/* Shows N4. */
static void device_is_read_through_a_context(void **state)
{
	struct rig rig = rig_create_on(NULL, "iommu=none,noiommu=on");
	int group = must_open(rig.machine, "/dev/vfio/noiommu-0");
	int ctx = must_open(rig.machine, "/dev/iommu");
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t vendor = 0;
	long device;

	(void)state;
	rig_fill(&rig);
	must_ioctl(rig.machine, group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&ctx);
	device = must_ioctl(rig.machine, group, VFIO_GROUP_GET_DEVICE_FD,
			    (uintptr_t)EDU_A);
	must_ioctl(rig.machine, (int)device, VFIO_DEVICE_GET_REGION_INFO,
		   (uintptr_t)&info);
	assert_int_equal(
		uvfio_pread(rig.machine, (int)device, &vendor, 2, info.offset),
		2);
	assert_int_equal(vendor, 0x1234);
	must_close(rig.machine, (int)device);
	must_close(rig.machine, group);
	must_close(rig.machine, ctx);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mode_decides_at_probe),
		cmocka_unit_test(host_without_iommu_has_no_groups_of_its_own),
		cmocka_unit_test(mode_came_after_4_1),
		cmocka_unit_test(each_step_takes_the_right_to_raw_io),
		cmocka_unit_test(container_takes_its_own_type_alone),
		cmocka_unit_test(groups_with_and_without_do_not_mix),
		cmocka_unit_test(each_open_is_told),
		cmocka_unit_test(context_in_place_of_a_container),
		cmocka_unit_test(device_is_read_through_a_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
