/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program sees of resets, low power and errors: when its mappings
 * fault, and which eventfds count.  Runs on an igb alone behind a bridge, and
 * is given the path of uvfio.
 */
#include "../lib/irq.h"
#include "client.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define NAME        "0000:01:00.0"
#define CONFIG      (7LL << 40)
#define VET         (0x38 / 4) /* a register that reset changes */
#define AT_POWER_ON 0x81008100u
#define MARK        0x11112222u

static const char *uvfio;
static struct client_vfio vfio;
static volatile uint32_t *bar;

static sigjmp_buf back;

static void on_sigbus(int signo)
{
	(void)signo;
	siglongjmp(back, 1);
}

/* Whether a load from the mapping faults. */
static int faults(void)
{
	if (sigsetjmp(back, 1))
		return 1;
	(void)bar[VET];
	return 0;
}

static void open_and_map(void)
{
	int container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	int group = open(GROUP, O_RDWR | O_CLOEXEC);
	void *p;

	NEED(container >= 0 && group >= 0);
	NEED(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	NEED(!ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio.container = container;
	vfio.group = group;
	vfio.device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, NAME);
	NEED(vfio.device >= 0);
	p = mmap(NULL, 0x20000, PROT_READ | PROT_WRITE, MAP_SHARED, vfio.device,
		 0);
	NEED(p != MAP_FAILED);
	bar = p;
}

static int feature(uint32_t number, int fd)
{
	struct {
		uint32_t argsz, flags;
		int32_t fd;
		uint32_t reserved;
	} arg = {sizeof(arg), VFIO_DEVICE_FEATURE_SET | number, fd, 0};

	return ioctl(vfio.device, VFIO_DEVICE_FEATURE, &arg);
}

static uint16_t command(void)
{
	uint16_t value = 0;

	CHECK(pread(vfio.device, &value, 2, CONFIG + 4) == 2);
	return value;
}

static void set_command(uint16_t value)
{
	CHECK(pwrite(vfio.device, &value, 2, CONFIG + 4) == 2);
}

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* Shows V58. */
static void mappings_fault_in_low_power(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	bar[VET] = MARK;
	CHECK(!feature(3, 0));
	CHECK(faults());
	CHECK(feature(3, 0) && errno == EINVAL);
	/* Configuration works, and changes nothing about it. */
	CHECK(command() & 2);
	CHECK(faults());
	CHECK(!feature(5, 0));
	CHECK(!feature(5, 0));
	CHECK(!faults());
	CHECK(bar[VET] == MARK);

	CHECK(!feature(4, fd));
	CHECK(faults());
	CHECK(count_of(fd) == 0);
	CHECK(command() & 2);
	CHECK(count_of(fd) == 1);
	CHECK(!faults());
	CHECK(command() & 2);
	CHECK(count_of(fd) == 0);
	close(fd);
}

/* Shows V54. */
static void mappings_survive_a_reset(void)
{
	set_command(0x0006);
	bar[VET] = MARK;
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_RESET));
	CHECK(!faults());
	CHECK(bar[VET] == AT_POWER_ON);
	CHECK(command() == 0x0006);
	/* With decode off it is reset as well, and still faults. */
	set_command(0);
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_RESET));
	CHECK(faults());
	set_command(0x0006);
	CHECK(!faults());
}

/* Shows V56. */
static void the_bus_can_be_reset(void)
{
	struct {
		struct vfio_pci_hot_reset_info info;
		struct vfio_pci_dependent_device device;
	} info = {.info.argsz = sizeof(info)};
	struct {
		struct vfio_pci_hot_reset reset;
		int32_t fd;
	} reset = {.reset = {.argsz = sizeof(reset), .count = 1},
		   .fd = vfio.group};

	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
	CHECK(info.info.count == 1 && info.device.group_id == 1 &&
	      info.device.bus == 1);
	bar[VET] = MARK;
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	CHECK(!faults());
	CHECK(bar[VET] == AT_POWER_ON);
	CHECK(command() == 0x0006);
	reset.fd = vfio.container;
	CHECK(ioctl(vfio.device, VFIO_DEVICE_PCI_HOT_RESET, &reset) &&
	      errno == EINVAL);
}

/* Shows V62. */
static void an_error_is_signalled(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct irq_one irqs = irq_one(VFIO_PCI_ERR_IRQ_INDEX, fd);
	pid_t pid;

	CHECK(!ioctl(vfio.device, VFIO_DEVICE_SET_IRQS, &irqs));
	bar[VET] = MARK;
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		execl(uvfio, uvfio, "ctl", "aer", NAME, NULL);
		_exit(127);
	}
	CHECK(client_wait(pid) == 0);
	CHECK(count_of(fd) == 1);
	CHECK(bar[VET] == MARK);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_sigbus};

	NEED(argc == 2);
	uvfio = argv[1];
	NEED(!sigaction(SIGBUS, &action, NULL));
	open_and_map();
	mappings_fault_in_low_power();
	mappings_survive_a_reset();
	the_bus_can_be_reset();
	an_error_is_signalled();
	client_close(&vfio);
	return client_status();
}
