/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where ptrace(2) is refused, registers cannot be mapped, and the program is
 * told before it tries; read() and write() work as ever, interrupts too.
 */
#include "../lib/irq.h"
#include "client.h"

#include <sys/eventfd.h>
#include <sys/mman.h>

#define EDU_ID    0x010000edU
#define EDU_RAISE 0x60

int main(void)
{
	struct vfio_region_info info = {.argsz = sizeof(info)};
	struct irq_one irq = irq_one(VFIO_PCI_INTX_IRQ_INDEX, -1);
	struct client_vfio vfio = client_open();
	uint32_t value = 0;
	uint64_t count = 0;

	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	CHECK(!(info.flags & VFIO_REGION_INFO_FLAG_MMAP));
	CHECK(info.flags & VFIO_REGION_INFO_FLAG_READ);
	CHECK(mmap(NULL, info.size, PROT_READ, MAP_SHARED, vfio.device,
		   (off_t)info.offset) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(pread(vfio.device, &value, 4, (off_t)info.offset) == 4);
	CHECK(value == EDU_ID);
	/* More eventfds than are kept without looking which are in use. */
	for (int i = 0; i < 500; i++)
		close(eventfd(0, EFD_CLOEXEC));
	irq.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(fcntl(irq.fd, F_GETFD) == FD_CLOEXEC);
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_SET_IRQS, &irq));
	value = 1;
	CHECK(pwrite(vfio.device, &value, 4, (off_t)info.offset + EDU_RAISE) ==
	      4);
	CHECK(read(irq.fd, &count, sizeof(count)) == sizeof(count));
	CHECK(count == 1);
	client_close(&vfio);
	return client_status();
}
