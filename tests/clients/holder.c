/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Has a device open until standard input ends; with an argument, until
 * somebody asks for it.  Says an empty line once it is open.
 */
#include "../lib/irq.h"
#include "client.h"

#include <poll.h>
#include <sys/eventfd.h>

/* The eventfd that fires when somebody wants the device. */
static int listen_for_requests(int device)
{
	struct irq_one irqs =
		irq_one(VFIO_PCI_REQ_IRQ_INDEX, eventfd(0, EFD_CLOEXEC));

	NEED(irqs.fd >= 0);
	NEED(!ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs));
	return irqs.fd;
}

int main(int argc, char **argv)
{
	struct client_vfio vfio = client_open();
	struct pollfd request = {.fd = -1, .events = POLLIN};
	char byte;

	(void)argv;
	if (argc > 1)
		request.fd = listen_for_requests(vfio.device);
	NEED(write(STDOUT_FILENO, "\n", 1) == 1);
	if (argc > 1) {
		CHECK(poll(&request, 1, 20000) == 1);
		close(vfio.device);
	}
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return client_status();
}
