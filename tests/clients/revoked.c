/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that are taken away from who does not let them go.  Runs with two
 * igb and --unregister-policy=revoke:1, which takes ten seconds.
 */
#include "client.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>

#define OTHER_GROUP  "/dev/vfio/2"
#define OTHER_DEVICE "0000:00:04.0"
#define STATUS       (0x0008 / 4) /* 32-bit registers: one that traps, */
#define TAIL         (0x2818 / 4) /* and one that is memory */
#define ONES         0xffffffffu

/* What a child has open. */
struct opened {
	struct client_vfio vfio;
	struct vfio_region_info bar;
	struct vfio_region_info config;
	volatile uint32_t *regs;
};

static struct opened open_device(const char *group, const char *name)
{
	struct opened self = {
		.bar = {.argsz = sizeof(self.bar)},
		.config = {.argsz = sizeof(self.config),
			   .index = VFIO_PCI_CONFIG_REGION_INDEX},
	};
	struct client_vfio *vfio = &self.vfio;

	vfio->container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	vfio->group = open(group, O_RDWR | O_CLOEXEC);
	NEED(!ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container));
	NEED(!ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, name);
	NEED(vfio->device >= 0);
	NEED(!ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &self.bar));
	NEED(!ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &self.config));
	self.regs = mmap(NULL, self.bar.size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vfio->device, (off_t)self.bar.offset);
	NEED(self.regs != MAP_FAILED);
	return self;
}

static sigjmp_buf back;

static void on_sigbus(int signo)
{
	(void)signo;
	siglongjmp(back, 1);
}

static bool faults(const volatile uint32_t *reg)
{
	if (sigsetjmp(back, 1))
		return true;
	(void)*reg;
	return false;
}

static void set_handler(void (*handler)(int))
{
	const struct sigaction action = {.sa_handler = handler};

	NEED(!sigaction(SIGBUS, &action, NULL));
}

static void set_command(const struct opened *self, uint16_t value)
{
	NEED(pwrite(self->vfio.device, &value, sizeof(value),
		    (off_t)self->config.offset + PCI_COMMAND) == sizeof(value));
}

/* Pages that became memory come back with the decoder, like the others. */
static void memory_space_goes_and_comes(struct opened *self)
{
	set_handler(on_sigbus);
	for (int i = 0; i < 3; i++) {
		self->regs[TAIL] = (uint32_t)i;
		CHECK(self->regs[STATUS] != ONES);
		set_command(self, 0);
		CHECK(faults(&self->regs[STATUS]));
		CHECK(faults(&self->regs[TAIL]));
		set_command(self, PCI_COMMAND_MEMORY);
		CHECK(!faults(&self->regs[STATUS]));
		CHECK(!faults(&self->regs[TAIL]));
		CHECK(self->regs[TAIL] == (uint32_t)i);
	}
	set_handler(SIG_DFL);
}

static void its_calls_fail(const struct opened *self)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int device = self->vfio.device;
	uint32_t id;

	CHECK(ioctl(device, VFIO_DEVICE_GET_INFO, &info) < 0 &&
	      errno == ENODEV);
	CHECK(ioctl(device, VFIO_DEVICE_RESET) < 0 && errno == ENODEV);
	CHECK(pread(device, &id, sizeof(id), (off_t)self->config.offset) < 0 &&
	      errno == ENODEV);
	CHECK(mmap(NULL, self->bar.size, PROT_READ, MAP_SHARED, device,
		   (off_t)self->bar.offset) == MAP_FAILED &&
	      errno == ENODEV);
}

static void end(const struct opened *self)
{
	CHECK(!munmap((void *)(uintptr_t)self->regs, self->bar.size));
	client_close(&self->vfio);
}

/* Shows U13. */
static void who_handles_sigbus_gets_it(const struct opened *self)
{
	set_handler(on_sigbus);
	CHECK(faults(&self->regs[STATUS]));
	CHECK(faults(&self->regs[TAIL]));
	set_handler(SIG_DFL);
	its_calls_fail(self);
	end(self);
}

/* Shows U13. */
static void who_does_not_finds_ones(const struct opened *self)
{
	CHECK(self->regs[TAIL] == ONES && self->regs[STATUS] == ONES);
	CHECK(self->regs[self->bar.size / 4 - 1] == ONES);
	self->regs[STATUS] = 5;
	CHECK(self->regs[STATUS] == 5 && self->regs[STATUS + 1] == ONES);
	its_calls_fail(self);
	end(self);
}

static void write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	NEED(fd >= 0);
	NEED(write(fd, word, strlen(word)) == (ssize_t)strlen(word));
	close(fd);
}

/* Takes a device away, and returns when it is gone. */
static void take_away(const char *path, const char *word)
{
	pid_t pid = fork();

	if (!pid) {
		write_word(path, word);
		_exit(client_status());
	}
	NEED(client_wait(pid) == 0);
}

/* One user of a device, in a process of its own. */
static pid_t use(const char *group, const char *name, const char *path,
		 const char *word, void (*afterwards)(const struct opened *))
{
	pid_t pid = fork();
	struct opened self;

	if (pid)
		return pid;
	self = open_device(group, name);
	memory_space_goes_and_comes(&self);
	self.regs[TAIL] = 7;
	take_away(path, word);
	afterwards(&self);
	_exit(client_status());
}

int main(void)
{
	pid_t first = use(GROUP, DEVICE, "/sys/bus/pci/drivers/vfio-pci/unbind",
			  DEVICE, who_handles_sigbus_gets_it);
	pid_t second = use(OTHER_GROUP, OTHER_DEVICE,
			   "/sys/bus/pci/devices/" OTHER_DEVICE "/remove", "1",
			   who_does_not_finds_ones);

	CHECK(client_wait(first) == 0);
	CHECK(client_wait(second) == 0);
	/* The first is there still, for another driver or the same. */
	write_word("/sys/bus/pci/drivers/vfio-pci/bind", DEVICE);
	CHECK(group_is_free());
	return client_status();
}
