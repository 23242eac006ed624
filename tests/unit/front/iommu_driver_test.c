/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU drivers that a program of this process brings, by the public
 * interface.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <uvfio/uvfio.h>

#include <cmocka.h>

#include "lib/machine.h"

#define TYPE 1000 /* nobody else's */
#define CMD  _IO(VFIO_TYPE, VFIO_BASE + 90)
#define IOVA 0x10000ull
#define SIZE 8192

/* The only container of a test that chose the driver. */
static struct {
	unsigned long type;
	int opens, releases, attached, emulated, users, pins;
	int open_ret;
	struct uvfio_iommu_user *user;
	char memory[SIZE]; /* at IOVA */
} here;

static int own_check_extension(void *state, unsigned long extension)
{
	/* One more once it is chosen. */
	return extension == TYPE || (state && extension == TYPE + 1);
}

static int own_open(void **ret_state, unsigned long type)
{
	if (here.open_ret)
		return here.open_ret;
	here.type = type;
	here.opens++;
	*ret_state = &here;
	return 0;
}

static void own_release(void *state)
{
	assert_ptr_equal(state, &here);
	here.releases++;
}

static int own_attach_group(void *state, struct uvfio_iommu_group *group,
			    bool is_emulated)
{
	assert_ptr_equal(state, &here);
	assert_non_null(group);
	here.attached++;
	here.emulated += is_emulated;
	return 0;
}

static void own_detach_group(void *state, struct uvfio_iommu_group *group)
{
	(void)state;
	(void)group;
	here.attached--;
}

static long own_ioctl(void *state, struct uvfio_client *client,
		      unsigned int cmd, unsigned long arg)
{
	int value;

	(void)state;
	if (cmd != CMD)
		return -ENOTTY;
	if (uvfio_copy_from_client(client, &value, arg, sizeof(value)))
		return -EFAULT;
	value++;
	return uvfio_copy_to_client(client, arg, &value, sizeof(value));
}

static void own_register_device(void *state, struct uvfio_iommu_user *user)
{
	(void)state;
	here.user = user;
	here.users++;
}

static void own_unregister_device(void *state, struct uvfio_iommu_user *user)
{
	(void)state;
	assert_ptr_equal(user, here.user);
	here.users--;
}

static int own_pin_pages(void *state, uint64_t iova, size_t count,
			 uint32_t prot, void **ret_pages)
{
	(void)state;
	(void)prot;
	if (iova < IOVA || iova + count * 4096 > IOVA + SIZE)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		ret_pages[i] = here.memory + (iova - IOVA) + i * 4096;
	here.pins += (int)count;
	return (int)count;
}

static void own_unpin_pages(void *state, uint64_t iova, size_t count)
{
	(void)state;
	(void)iova;
	here.pins -= (int)count;
}

static int own_dma_rw(void *state, uint64_t iova, void *buf, size_t len,
		      bool is_write)
{
	char *at = here.memory + (iova - IOVA);

	(void)state;
	if (iova < IOVA || iova + len > IOVA + SIZE)
		return -EINVAL;
	memcpy(is_write ? at : buf, is_write ? buf : at, len);
	return 0;
}

static const struct uvfio_iommu_ops own_ops = {
	.name = "own",
	.check_extension = own_check_extension,
	.open = own_open,
	.release = own_release,
	.attach_group = own_attach_group,
	.detach_group = own_detach_group,
	.ioctl = own_ioctl,
	.register_device = own_register_device,
	.unregister_device = own_unregister_device,
	.pin_pages = own_pin_pages,
	.unpin_pages = own_unpin_pages,
	.dma_rw = own_dma_rw,
};

static struct uvfio_machine *machine;

static int set_up(void **state)
{
	(void)state;
	memset(&here, 0, sizeof(here));
	machine = machine_create(false);
	return uvfio_register_iommu_driver(machine, &own_ops);
}

static int tear_down(void **state)
{
	int ret = uvfio_unregister_iommu_driver(machine, &own_ops);

	(void)state;
	uvfio_machine_destroy(machine);
	return ret;
}

static long check_extension(int container, unsigned long extension)
{
	return uvfio_ioctl(machine, container, VFIO_CHECK_EXTENSION, extension);
}

static void a_driver_is_registered_whole_and_once(void **state)
{
	struct uvfio_iommu_ops half = own_ops;

	(void)state;
	assert_int_equal(uvfio_register_iommu_driver(machine, &own_ops),
			 -EINVAL);
	assert_int_equal(uvfio_unregister_iommu_driver(machine, &half),
			 -ENODEV);
	half.unregister_device = NULL;
	assert_int_equal(uvfio_register_iommu_driver(machine, &half), -EINVAL);
	half = own_ops;
	half.detach_group = NULL;
	assert_int_equal(uvfio_register_iommu_driver(machine, &half), -EINVAL);
	assert_int_equal(uvfio_register_iommu_driver(machine, NULL), -EINVAL);
}

/* A container with a group of it, which has not chosen. */
static int open_group(int *ret_container, const char *path)
{
	int group = must_open(machine, path);

	*ret_container = must_open(machine, "/dev/vfio/vfio");
	must_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)ret_container);
	return group;
}

static void a_container_chooses_it_and_holds_it(void **state)
{
	int container, group, device, value = 41;

	(void)state;
	group = open_group(&container, "/dev/vfio/1");
	assert_int_equal(check_extension(container, TYPE), 1);
	assert_int_equal(check_extension(container, TYPE + 1), 0);
	assert_int_equal(check_extension(container, VFIO_TYPE1_IOMMU), 1);
	here.open_ret = -EXDEV;
	assert_int_equal(uvfio_ioctl(machine, container, VFIO_SET_IOMMU, TYPE),
			 -EXDEV);
	here.open_ret = 0;
	must_ioctl(machine, container, VFIO_SET_IOMMU, TYPE);
	assert_int_equal(here.type, TYPE);
	assert_int_equal(here.attached, 1);
	assert_int_equal(here.emulated, 0);
	assert_int_equal(check_extension(container, TYPE + 1), 1);
	assert_int_equal(check_extension(container, VFIO_TYPE1_IOMMU), 0);
	must_ioctl(machine, container, CMD, (uintptr_t)&value);
	assert_int_equal(value, 42);
	assert_int_equal(uvfio_ioctl(machine, container, VFIO_IOMMU_GET_INFO,
				     (uintptr_t)&value),
			 -ENOTTY);
	device = (int)uvfio_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
				  (uintptr_t)EDU_A);
	assert_true(device >= 0);
	assert_int_equal(uvfio_unregister_iommu_driver(machine, &own_ops),
			 -EBUSY);
	must_close(machine, device);
	must_close(machine, group);
	assert_int_equal(here.attached, 0);
	assert_int_equal(here.releases, 1);
	/* The container is as new. */
	assert_int_equal(check_extension(container, VFIO_TYPE1_IOMMU), 1);
	must_close(machine, container);
}

static void the_newest_is_asked_first(void **state)
{
	struct uvfio_iommu_ops newer = own_ops;
	int container, group;

	(void)state;
	newer.register_device = newer.unregister_device = NULL;
	newer.ioctl = NULL;
	assert_int_equal(uvfio_register_iommu_driver(machine, &newer), 0);
	group = open_group(&container, "/dev/vfio/1");
	must_ioctl(machine, container, VFIO_SET_IOMMU, TYPE);
	assert_int_equal(uvfio_ioctl(machine, container, CMD, 0), -ENOTTY);
	assert_int_equal(uvfio_unregister_iommu_driver(machine, &newer),
			 -EBUSY);
	must_close(machine, group);
	must_close(machine, container);
	assert_int_equal(uvfio_unregister_iommu_driver(machine, &newer), 0);
	assert_int_equal(here.releases, here.opens);
}

static uint64_t gone_iova, gone_len;

static void thing_dma_unmap(struct uvfio_vfio_device *device, uint64_t iova,
			    uint64_t len)
{
	gone_iova = iova;
	gone_len = len;
	uvfio_unpin_pages(device, IOVA, 2);
}

static const struct uvfio_vfio_ops thing_ops = {
	.name = "thing",
	.dma_unmap = thing_dma_unmap,
};

static void devices_pin_and_copy_by_it(void **state)
{
	struct uvfio_vfio_device *device;
	char path[32], text[4] = "abc";
	int container, group, fd;
	void *pages[2];

	(void)state;
	assert_int_equal(uvfio_alloc_device(machine, &device, "thing0",
					    &thing_ops, NULL),
			 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(device), 0);
	(void)snprintf(path, sizeof(path), "/dev/vfio/%d",
		       uvfio_device_group_id(device));
	group = open_group(&container, path);
	must_ioctl(machine, container, VFIO_SET_IOMMU, TYPE);
	assert_int_equal(here.emulated, 1);
	fd = (int)uvfio_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
			      (uintptr_t) "thing0");
	assert_true(fd >= 0);
	assert_int_equal(here.users, 1);
	assert_int_equal(uvfio_dma_rw(device, IOVA + 4, text, 4, true), 0);
	assert_string_equal(here.memory + 4, "abc");
	assert_int_equal(uvfio_dma_rw(device, IOVA + SIZE, text, 4, true),
			 -EINVAL);
	assert_int_equal(
		uvfio_pin_pages(device, IOVA, 2, UVFIO_PROT_READ, pages), 2);
	assert_ptr_equal(pages[1], here.memory + 4096);
	uvfio_iommu_user_unmap(here.user, IOVA, SIZE);
	assert_int_equal(gone_iova, IOVA);
	assert_int_equal(gone_len, SIZE);
	assert_int_equal(here.pins, 0);
	must_close(machine, fd);
	assert_int_equal(here.users, 0);
	must_close(machine, group);
	must_close(machine, container);
	uvfio_unregister_group_dev(device);
	uvfio_put_device(device);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_driver_is_registered_whole_and_once),
		TEST(a_container_chooses_it_and_holds_it),
		TEST(the_newest_is_asked_first),
		TEST(devices_pin_and_copy_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
