/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO as of Linux 3.14.  A group is viable when a look at the drivers of its
 * devices says so, at that moment; nobody keeps a host driver away from a
 * group that is in use.
 *
 *   uvfio run --abi=3.14 -d edu,group=1 -d edu,group=1,driver=edu -- era_3.14
 */
#include "era.h"

#define MINE   "0000:00:03.0"
#define OTHERS "0000:00:04.0" /* of the same group, used by the host */

static int get_device(int group, const char *name)
{
	return ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
}

int main(void)
{
	int container = need("container", open("/dev/vfio/vfio", O_RDWR));
	int group = need("group", open("/dev/vfio/1", O_RDWR));
	int device;

	printf("type1 %d\n",
	       ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU));

	printf("the host drives a device of the group\n");
	print_status(group);
	/* Nobody minds yet: only who wants a device is told. */
	say("  SET_CONTAINER",
	    ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	print_status(group);
	say("  SET_IOMMU", ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	/* Whether the group is viable comes before whether there is such one.
	 */
	say("  GET_DEVICE_FD of no device", get_device(group, "none"));
	say("  GET_DEVICE_FD", get_device(group, MINE));

	printf("the host lets go of it\n");
	say("  unbind", echo(OTHERS, PCI "drivers/edu/unbind"));
	print_status(group);
	say("  GET_DEVICE_FD of no device", get_device(group, "none"));
	device = say("  GET_DEVICE_FD", get_device(group, MINE));

	printf("the host takes it back, and the group is in use\n");
	say("  bind", echo(OTHERS, PCI "drivers/edu/bind"));
	print_status(group);
	say("  GET_DEVICE_FD", get_device(group, MINE));

	/* In any order. */
	close(container);
	close(group);
	close(device);
	printf("closed\n");
	group = open("/dev/vfio/1", O_RDWR);
	print_status(group);
	return 0;
}
