/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t element_size(uint32_t flags)
{
	if (flags & ABI_IRQ_EVENTFD)
		return 4;
	return flags & ABI_IRQ_BOOL ? 1 : 0;
}

int irq_set(int device, uint32_t flags, uint32_t index, uint32_t start,
	    uint32_t count, const void *data)
{
	char buf[sizeof(struct vfio_irq_set) + 4 * 16];
	struct vfio_irq_set *set = (void *)buf;
	size_t len = element_size(flags) * count;

	need(len <= 4 * 16, "irq-payload");
	memset(buf, 0, sizeof(buf));
	set->argsz = (uint32_t)(ABI_IRQ_SET_SIZE + len);
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = count;
	if (data)
		memcpy(set->data, data, len);
	return ioctl(device, VFIO_DEVICE_SET_IRQS, set);
}

int irq_trigger_fd(int device, uint32_t index, int fd)
{
	return irq_set(device, ABI_IRQ_EVENTFD | ABI_IRQ_TRIGGER, index, 0, 1,
		       &fd);
}

int event_fd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	need(fd >= 0, "eventfd");
	return fd;
}

static long drain(int fd)
{
	uint64_t n = 0;

	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return 0;
	return (long)n;
}

long events(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, 3000);
	usleep(50000);
	return drain(fd);
}

long no_events(int fd)
{
	usleep(150000);
	return drain(fd);
}
