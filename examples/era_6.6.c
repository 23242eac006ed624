/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO as of Linux 6.6.  DMA of a group has one owner, whom the driver core
 * knows: a host driver cannot come into a group that is in use, nor the other
 * way round.  A group's file may outlive the group.
 *
 *   uvfio run --abi=6.6 -d edu,group=1 -d edu,group=1,driver=edu -- era_6.6
 */
#include "era.h"

#define MINE   "0000:00:03.0"
#define OTHERS "0000:00:04.0" /* of the same group, used by the host */

static int set_container(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

int main(void)
{
	int container = need("container", open("/dev/vfio/vfio", O_RDWR));
	int group = need("group", open("/dev/vfio/1", O_RDWR));
	int device, iommufd, old;

	printf("the host drives a device of the group\n");
	print_status(group);
	say("  SET_CONTAINER", set_container(group, container));
	/* The device is looked for first. */
	say("  GET_DEVICE_FD of no device",
	    ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "none"));
	say("  GET_DEVICE_FD", ioctl(group, VFIO_GROUP_GET_DEVICE_FD, MINE));

	printf("the host lets go of it\n");
	say("  unbind", echo(OTHERS, PCI "drivers/edu/unbind"));
	print_status(group);
	say("  SET_CONTAINER to a file of another kind",
	    set_container(group, group));
	say("  SET_CONTAINER to -1", set_container(group, -1));
	say("  SET_CONTAINER", set_container(group, container));
	say("  SET_IOMMU",
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	print_status(group);
	device = say("  GET_DEVICE_FD",
		     ioctl(group, VFIO_GROUP_GET_DEVICE_FD, MINE));

	printf("the host wants it back, and the group is in use\n");
	say("  bind", echo(OTHERS, PCI "drivers/edu/bind"));
	close(device);
	say("  UNSET_CONTAINER", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	say("  bind", echo(OTHERS, PCI "drivers/edu/bind"));
	say("  unbind", echo(OTHERS, PCI "drivers/edu/unbind"));

	printf("an iommufd in place of a container\n");
	iommufd = need("iommufd", open("/dev/iommu", O_RDWR));
	say("  SET_CONTAINER", set_container(group, iommufd));
	print_status(group);
	/* There is an I/O address space already; no SET_IOMMU is needed. */
	device = say("  GET_DEVICE_FD",
		     ioctl(group, VFIO_GROUP_GET_DEVICE_FD, MINE));
	say("  UNSET_CONTAINER", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	close(device);

	printf("the last device of the group is unbound\n");
	old = group;
	say("  unbind", echo(MINE, PCI "drivers/vfio-pci/unbind"));
	print_status(old);
	say("  SET_CONTAINER", set_container(old, container));
	say("  bind", echo(MINE, PCI "drivers/vfio-pci/bind"));
	group = say("  open of the new group", open("/dev/vfio/1", O_RDWR));
	print_status(group);
	print_status(old);
	return 0;
}
