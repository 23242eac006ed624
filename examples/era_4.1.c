/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO as of Linux 4.1.  A host that wants a device back can say so: vfio-pci
 * has one more interrupt, and whoever unbinds the device fires it and waits.
 *
 *   uvfio run --abi=4.1 -d edu -- era_4.1
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "era.h"

#define DEVICE "0000:00:03.0"

/* The eventfd that fires when somebody wants the device. */
static int listen_for_requests(int device)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irqs = {
		.set =
			{
				.argsz = sizeof(irqs),
				.flags = VFIO_IRQ_SET_DATA_EVENTFD |
					 VFIO_IRQ_SET_ACTION_TRIGGER,
				.index = VFIO_PCI_REQ_IRQ_INDEX,
				.count = 1,
			},
		.fd = need("eventfd", eventfd(0, EFD_CLOEXEC)),
	};

	say("SET_IRQS of the request interrupt",
	    ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs));
	return irqs.fd;
}

/* The administrator. */
static pid_t start_unbind(int device)
{
	pid_t pid = need("fork", fork());

	if (pid)
		return pid;
	/* Or it would wait for itself. */
	close(device);
	say("the administrator's unbind",
	    echo(DEVICE, PCI "drivers/vfio-pci/unbind"));
	_exit(0);
}

int main(void)
{
	int container = need("container", open("/dev/vfio/vfio", O_RDWR));
	int group = need("group", open("/dev/vfio/1", O_RDWR));
	struct pollfd request = {.events = POLLIN};
	int device;
	pid_t pid;

	printf("type1v2 %d, nesting %d\n",
	       ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU),
	       ioctl(container, VFIO_CHECK_EXTENSION,
		     VFIO_TYPE1_NESTING_IOMMU));
	need("SET_CONTAINER",
	     ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	need("SET_IOMMU", ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	device = need("GET_DEVICE_FD",
		      ioctl(group, VFIO_GROUP_GET_DEVICE_FD, DEVICE));
	request.fd = listen_for_requests(device);

	pid = start_unbind(device);
	if (poll(&request, 1, 20000) != 1) {
		fprintf(stderr, "no request within 20 s\n");
		return 1;
	}
	printf("somebody wants the device\n");
	/* It counts as viable although its driver is about to go. */
	print_status(group);
	printf("closing it\n");
	fflush(stdout);
	close(device);
	waitpid(pid, NULL, 0);

	/* The group outlives its last device while it is open. */
	print_status(group);
	say("GET_DEVICE_FD", ioctl(group, VFIO_GROUP_GET_DEVICE_FD, DEVICE));
	say("UNSET_CONTAINER", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	say("bind", echo(DEVICE, PCI "drivers/vfio-pci/bind"));
	return 0;
}
