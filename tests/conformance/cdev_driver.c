/* SPDX-License-Identifier: BSD-3-Clause */
/* Character devices and iommufds while drivers come and go. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The number is the lowest that is free, and comes back with the device. */
static void number_of_a_rebound_device(void)
{
	char before[64] = "", other[64] = "", after[64] = "";

	need(cdev_name(0, before, sizeof(before)) == 1, "name");
	need(cdev_name(1, other, sizeof(other)) == 1, "name-1");
	device_unbind(0);
	value("unbound", cdev_name(0, after, sizeof(after)));
	device_unbind(1);
	device_bind(1, "vfio-pci");
	need(cdev_name(1, after, sizeof(after)) == 1, "name-1-again");
	result(!strcmp(after, strcmp(before, other) < 0 ? before : other));
	device_bind(0, "vfio-pci");
	value("same", cdev_name(0, after, sizeof(after)));
}

static void node_of_an_unbound_device(void)
{
	char name[64] = "", path[128];

	need(cdev_name(0, name, sizeof(name)) == 1, "name");
	device_unbind(0);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	result_fd(open(path, O_RDWR));
	outcome("again", cdev_try_open(0));
}

static void node_of_a_stub_device(void)
{
	char name[64] = "";

	device_bind(0, "pci-stub");
	result(cdev_name(0, name, sizeof(name)));
}

static void a_member_and_the_host(void)
{
	int fd = cdev_open(MEMBER_A), iommufd = iommufd_open();

	cdev_id(fd, iommufd);
	need(override(MEMBER_HOST, HOST_DRIVER) > 0, "override");
	result(driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
	outcome("probe", driver_probe(MEMBER_HOST));
	close(fd);
	outcome("closed", driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
	fd = cdev_open(MEMBER_A);
	outcome("bind", cdev_bind(fd, iommufd));
	device_unbind(MEMBER_HOST);
	outcome("free", cdev_bind(fd, iommufd));
}

static void the_host_may_come_between(void)
{
	int group = group_open(MEMBER_A), iommufd = iommufd_open();

	need(!group_attach(group, iommufd), "set-iommufd");
	need(override(MEMBER_HOST, HOST_DRIVER) > 0, "override");
	result(driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
	value("status", group_status(group));
	outcome("device", device_open(group, MEMBER_A));
	device_unbind(MEMBER_HOST);
	outcome("free", device_open(group, MEMBER_A) < 0 ? -1 : 0);
	need(override(MEMBER_HOST, HOST_DRIVER) > 0, "override");
	outcome("host", driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
}

static void orphaned(void)
{
	struct session s = {.group = group_open(0)};

	s.container = iommufd_open();
	need(!group_attach(s.group, s.container), "set-iommufd");
	need(driver_write("vfio-pci", "unbind", 0) > 0, "unbind");
	result(group_status(s.group));
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("device", device_open(s.group, 0));
	outcome("set", group_attach(s.group, s.container));
}

static void a_closed_file_holds_nothing(void)
{
	int cdev = cdev_open(0), group = group_id(0), iommufd = iommufd_open();

	close(cdev);
	result(driver_write("vfio-pci", "unbind", 0));
	show_binding(0, group);
	outcome("bind", driver_write("vfio-pci", "bind", 0));
	cdev = cdev_open(0);
	outcome("iommufd", cdev_bind(cdev, iommufd));
}

static const struct conf_case cases[] = {
	CASE(number_of_a_rebound_device),  CASE(node_of_an_unbound_device),
	CASE(node_of_a_stub_device),       CASE(a_member_and_the_host),
	CASE(the_host_may_come_between),   CASE(orphaned),
	CASE(a_closed_file_holds_nothing),
};

MACHINE_TABLE_OF(table_cdev_driver, "cdev_driver", cases, has_cdev);
