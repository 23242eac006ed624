/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INTx as a virtual machine monitor uses it: one eventfd that counts, one
 * that unmasks, and an end of both that nobody announces.
 */
#include "client.h"

#include <poll.h>
#include <sys/eventfd.h>

#define EDU_RAISE 0x60
#define EDU_ACK   0x64
#define ROUNDS    200
#define PATIENCE  10000 /* ms */

static int device;

static long set_irqs(uint32_t flags, int fd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irqs = {
		.set = {.argsz = sizeof(irqs),
			.flags = flags,
			.index = VFIO_PCI_INTX_IRQ_INDEX,
			.count = 1},
		.fd = fd,
	};

	return ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs);
}

static long set_fd(uint32_t action, int fd)
{
	return set_irqs(VFIO_IRQ_SET_DATA_EVENTFD | action, fd);
}

static void put(off_t at, uint32_t value)
{
	CHECK(pwrite(device, &value, sizeof(value), at) == sizeof(value));
}

/* Waits for it, and takes the count. */
static uint64_t wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t count = 0;

	if (poll(&p, 1, PATIENCE) != 1 ||
	    read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	CHECK(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* Shows V18.  The guest's handler runs, and its end is the resample. */
static void one_count_for_each_unmask(int trigger, int unmask)
{
	for (int i = 0; i < ROUNDS; i++) {
		put(EDU_RAISE, 1);
		CHECK(wait_for(trigger) == 1);
		/* A second cause while it is masked adds nothing. */
		put(EDU_RAISE, 2);
		CHECK(count_of(trigger) == 0);
		if (i % 2) {
			/* Unmasked too early, it comes at once, and masked. */
			signal_fd(unmask);
			CHECK(wait_for(trigger) == 1);
		}
		put(EDU_ACK, 3);
		signal_fd(unmask);
	}
}

/* Shows V18. */
static void a_closed_eventfd_leaves_its_place(int trigger)
{
	int first = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int second = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int copy = dup(first);

	CHECK(!set_fd(VFIO_IRQ_SET_ACTION_UNMASK, -1));
	CHECK(!set_fd(VFIO_IRQ_SET_ACTION_UNMASK, first));
	CHECK(set_fd(VFIO_IRQ_SET_ACTION_UNMASK, second) && errno == EBUSY);
	close(first);
	/* Somebody has it still. */
	CHECK(set_fd(VFIO_IRQ_SET_ACTION_UNMASK, second) && errno == EBUSY);
	close(copy);
	CHECK(!set_fd(VFIO_IRQ_SET_ACTION_UNMASK, second));
	put(EDU_RAISE, 1);
	CHECK(wait_for(trigger) == 1);
	put(EDU_ACK, 1);
	signal_fd(second);
	put(EDU_RAISE, 1);
	CHECK(wait_for(trigger) == 1);
	put(EDU_ACK, 1);
	close(second);
}

/* Shows V25. */
static void a_trigger_outlives_its_descriptor(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int copy = dup(fd);

	CHECK(!set_fd(VFIO_IRQ_SET_ACTION_TRIGGER, fd));
	close(fd);
	CHECK(!set_irqs(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			0));
	CHECK(wait_for(copy) == 1);
	close(copy);
}

int main(void)
{
	struct client_vfio vfio = client_open();
	int trigger = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int unmask = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	device = vfio.device;
	CHECK(!set_fd(VFIO_IRQ_SET_ACTION_TRIGGER, trigger));
	CHECK(!set_fd(VFIO_IRQ_SET_ACTION_UNMASK, unmask));
	one_count_for_each_unmask(trigger, unmask);
	a_closed_eventfd_leaves_its_place(trigger);
	a_trigger_outlives_its_descriptor();
	client_close(&vfio);
	return client_status();
}
