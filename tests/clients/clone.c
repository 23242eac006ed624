/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A clone of an e1000e and its interrupts, which `uvfio ctl irq` asks for:
 * each reaches the eventfd of its vector, and no other.  Is given the path of
 * uvfio.
 */
#include "client.h"

#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define CONFIG  (7LL << 40)
#define VECTORS 5
#define PAGES   2

static const char *uvfio;
static int device;
static int fds[VECTORS];

static int set_irqs(uint32_t index, uint32_t action, uint32_t data,
		    uint32_t count)
{
	struct {
		struct vfio_irq_set set;
		int fds[VECTORS];
	} irqs = {.set = {.argsz = sizeof(irqs),
			  .flags = action | data,
			  .index = index,
			  .count = count}};

	memcpy(irqs.fds, fds, sizeof(fds));
	return ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs);
}

static int enable(uint32_t index, uint32_t count)
{
	return set_irqs(index, VFIO_IRQ_SET_ACTION_TRIGGER,
			VFIO_IRQ_SET_DATA_EVENTFD, count);
}

static int disable(uint32_t index)
{
	return set_irqs(index, VFIO_IRQ_SET_ACTION_TRIGGER,
			VFIO_IRQ_SET_DATA_NONE, 0);
}

static void master(int on)
{
	uint16_t value = on ? PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER
			    : PCI_COMMAND_MEMORY;

	CHECK(pwrite(device, &value, 2, CONFIG + PCI_COMMAND) == 2);
}

/* The exit status of `uvfio ctl irq`. */
static int ctl_irq(const char *what)
{
	pid_t pid = fork();

	NEED(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2); /* it says why it refuses */
		execl(uvfio, "uvfio", "ctl", "irq", DEVICE, what, (char *)NULL);
		_exit(127);
	}
	return client_wait(pid);
}

/* What each eventfd got, as digits. */
static long counts(void)
{
	long all = 0;

	for (int i = 0; i < VECTORS; i++) {
		uint64_t n = 0;

		if (read(fds[i], &n, sizeof(n)) != sizeof(n))
			n = 0;
		all = all * 10 + (long)n;
	}
	return all;
}

static void it_is_what_the_file_says(void)
{
	uint32_t id = 0;

	CHECK(pread(device, &id, 4, CONFIG) == 4 && id == 0x10d38086);
}

static void its_regions_are_memory(void)
{
	volatile uint32_t *bar =
		mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		     device, 0);
	uint32_t seen = 0;

	NEED(bar != MAP_FAILED);
	bar[1024] = 0xcafe;
	CHECK(pread(device, &seen, 4, 4096) == 4 && seen == 0xcafe);
	CHECK(!munmap((void *)(uintptr_t)bar, PAGES * 4096));
}

static void messages_reach_their_vectors(void)
{
	master(1);
	CHECK(ctl_irq("0") == 1); /* nothing is enabled */
	CHECK(!enable(VFIO_PCI_MSIX_IRQ_INDEX, VECTORS));
	CHECK(!ctl_irq("3"));
	CHECK(!ctl_irq("0"));
	CHECK(!ctl_irq("3"));
	CHECK(counts() == 10020);
	master(0);
	CHECK(ctl_irq("1") == 1);
	CHECK(counts() == 0);
	CHECK(ctl_irq("5") == 1);
	CHECK(ctl_irq("") == 1);
	CHECK(!disable(VFIO_PCI_MSIX_IRQ_INDEX));
}

static void one_message_of_msi(void)
{
	master(1);
	CHECK(!enable(VFIO_PCI_MSI_IRQ_INDEX, 1));
	CHECK(!ctl_irq("0"));
	CHECK(counts() == 10000);
	CHECK(!disable(VFIO_PCI_MSI_IRQ_INDEX));
}

static void the_line_is_on_until_it_is_off(void)
{
	const uint32_t index = VFIO_PCI_INTX_IRQ_INDEX;
	const uint32_t unmask = VFIO_IRQ_SET_ACTION_UNMASK;

	CHECK(!enable(index, 1));
	CHECK(!ctl_irq("on"));
	CHECK(counts() == 10000);
	CHECK(!ctl_irq("on")); /* it masked itself */
	CHECK(counts() == 0);
	CHECK(!set_irqs(index, unmask, VFIO_IRQ_SET_DATA_NONE, 1));
	CHECK(counts() == 10000);
	CHECK(!ctl_irq("off"));
	CHECK(!set_irqs(index, unmask, VFIO_IRQ_SET_DATA_NONE, 1));
	CHECK(counts() == 0);
	CHECK(!disable(index));
}

int main(int argc, char **argv)
{
	struct client_vfio vfio;

	NEED(argc == 2);
	uvfio = argv[1];
	vfio = client_open();
	device = vfio.device;
	for (int i = 0; i < VECTORS; i++)
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	it_is_what_the_file_says();
	its_regions_are_memory();
	messages_reach_their_vectors();
	one_message_of_msi();
	the_line_is_on_until_it_is_off();
	client_close(&vfio);
	return client_status();
}
