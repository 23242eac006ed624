/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI functions under VFIO v0.2: what a client of 2011 sees of two edu
 * devices and an igb.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/sysfs.h"
#include "front/machine.h"
#include "lib/machine.h"
#include "mem/copy.h"
#include "v02/abi.h"

#define CONFIG(pos)   (((uint64_t)V02_PCI_CONFIG_REGION << 40) + (pos))
#define EDU_STATUS    0x20
#define EDU_IRQ       0x24
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK   0x64
#define IGB           "0000:00:05.0"
#define IGB_FCTTV     0x170 /* a register without any effect here */

struct client {
	struct uvfio_machine *machine;
	int group, device;
};

static int setup(void **state)
{
	static struct client client;
	const char *const devices[] = {"edu,addr=" EDU_A, "edu,addr=" EDU_B,
				       "igb,addr=" IGB, NULL};
	const struct uvfio_machine_params params = {
		.abi = "v02",
		.devices = devices,
	};
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&client.machine, &params, &err))
		fail_msg("%s", err.text);
	client.group = must_open(client.machine, "/dev/vfio/1");
	client.device =
		(int)must_ioctl(client.machine, client.group,
				V02_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
	*state = &client;
	return 0;
}

static int teardown(void **state)
{
	struct client *client = *state;

	uvfio_machine_destroy(client->machine);
	return 0;
}

static long call(struct client *client, unsigned int cmd, void *arg)
{
	/* The test runner wants faults for itself. */
	if (!arg)
		assert_int_equal(uvf_copy_guard_init(), 0);
	return uvfio_ioctl(client->machine, client->device, cmd,
			   (uintptr_t)arg);
}

static uint32_t get(struct client *client, uint64_t reg)
{
	uint32_t value = 0;

	assert_int_equal(
		uvfio_pread(client->machine, client->device, &value, 4, reg),
		4);
	return value;
}

static void set(struct client *client, uint64_t reg, uint32_t value)
{
	assert_int_equal(
		uvfio_pwrite(client->machine, client->device, &value, 4, reg),
		4);
}

static void enable_memory(struct client *client)
{
	uint16_t command = 6; /* memory, bus master */

	assert_int_equal(uvfio_pwrite(client->machine, client->device, &command,
				      2, CONFIG(4)),
			 2);
}

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) < 0 ? 0 : count;
}

/* Shows R1. */
static void a_function_tells_what_it_has(void **state)
{
	struct client *client = *state;
	struct v02_region_info region = {.len = 40, .phys = 5};
	struct v02_irq_info irq = {.len = 16};
	uint64_t flags = 0;
	int number = -1;

	assert_int_equal(call(client, V02_DEVICE_GET_FLAGS, &flags), 0);
	assert_int_equal(flags, V02_DEVICE_PCI);
	assert_int_equal(call(client, V02_DEVICE_GET_NUM_REGIONS, &number), 0);
	assert_int_equal(number, V02_PCI_NUM_REGIONS);
	assert_int_equal(call(client, V02_DEVICE_GET_NUM_IRQS, &number), 0);
	assert_int_equal(number, V02_PCI_NUM_IRQS);
	assert_int_equal(call(client, V02_DEVICE_GET_REGION_INFO, &region), 0);
	assert_int_equal(region.size, 1 << 20);
	assert_int_equal(region.flags, V02_REGION_MMAP);
	assert_int_equal(region.phys, 0);
	region = (struct v02_region_info){.len = 32, .index = 7, .phys = 5};
	assert_int_equal(call(client, V02_DEVICE_GET_REGION_INFO, &region), 0);
	assert_int_equal(region.offset, CONFIG(0));
	assert_int_equal(region.size, 256);
	assert_int_equal(region.phys, 5);
	for (uint32_t len = 0; len < 48; len++) {
		bool is_good = len >= 32 && len <= 40;

		region = (struct v02_region_info){.len = len, .index = 6};
		assert_int_equal(
			call(client, V02_DEVICE_GET_REGION_INFO, &region),
			is_good ? 0 : -EINVAL);
	}
	region = (struct v02_region_info){.len = 40, .index = 8};
	assert_int_equal(call(client, V02_DEVICE_GET_REGION_INFO, &region),
			 -EINVAL);
	assert_int_equal(call(client, V02_DEVICE_GET_REGION_INFO, NULL),
			 -EFAULT);
	assert_int_equal(call(client, V02_DEVICE_GET_IRQ_INFO, &irq), 0);
	assert_int_equal(irq.count, 1);
	assert_int_equal(irq.flags, V02_IRQ_LEVEL);
	irq.index = V02_PCI_MSI_IRQ;
	assert_int_equal(call(client, V02_DEVICE_GET_IRQ_INFO, &irq), 0);
	assert_int_equal(irq.count, 1);
	assert_int_equal(irq.flags, 0);
	irq.index = V02_PCI_NUM_IRQS;
	assert_int_equal(call(client, V02_DEVICE_GET_IRQ_INFO, &irq), -EINVAL);
	irq = (struct v02_irq_info){.len = 20};
	assert_int_equal(call(client, V02_DEVICE_GET_IRQ_INFO, &irq), -EINVAL);
}

/* Shows R1. */
static void commands_of_today_are_unknown(void **state)
{
	struct client *client = *state;
	uint64_t room[8] = {64};

	for (unsigned int nr = 100; nr < 130; nr++) {
		long ret = call(client, _IO(';', nr), room);

		assert_int_equal(ret, nr == 116 ? -EINVAL : -ENOSYS);
	}
	assert_int_equal(call(client, V02_DEVICE_GET_DTPATH, room), -ENOSYS);
	assert_int_equal(call(client, V02_DEVICE_GET_DTINDEX, room), -ENOSYS);
	assert_int_equal(uvfio_open(client->machine, "/dev/vfio/vfio"),
			 -ENODEV);
}

static void open_igb(struct client *client)
{
	int group = must_open(client->machine, "/dev/vfio/3");

	client->device =
		(int)must_ioctl(client->machine, group, V02_GROUP_GET_DEVICE_FD,
				(uintptr_t)IGB);
}

/* Shows R1. */
/* The number is that of VFIO_DEVICE_IOEVENTFD today. */
static void reset_brings_the_function_back(void **state)
{
	struct client *client = *state;
	uint64_t flags = 0;
	uint32_t before;

	open_igb(client);
	assert_int_equal(call(client, V02_DEVICE_GET_FLAGS, &flags), 0);
	assert_int_equal(flags, V02_DEVICE_PCI | V02_DEVICE_CAN_RESET);
	enable_memory(client);
	before = get(client, IGB_FCTTV);
	set(client, IGB_FCTTV, before ^ 0x55);
	assert_int_equal(get(client, IGB_FCTTV), before ^ 0x55);
	assert_int_equal(call(client, 0x3b74, NULL), 0);
	assert_int_equal(get(client, IGB_FCTTV), before);
}

static long set_irqs(struct client *client, int index, int count, int fd)
{
	int args[3] = {index, count, fd};

	return call(client, V02_DEVICE_SET_IRQ_EVENTFDS, args);
}

/* Shows R9. */
static void intx_fires_once_and_waits_to_be_unmasked(void **state)
{
	struct client *client = *state;
	int fd = eventfd(0, EFD_NONBLOCK);
	int index = V02_PCI_INTX_IRQ;

	enable_memory(client);
	assert_int_equal(call(client, V02_DEVICE_UNMASK_IRQ, &index), -EINVAL);
	assert_int_equal(set_irqs(client, index, 1, fd), 0);
	set(client, EDU_IRQ_RAISE, 1);
	assert_int_equal(count_of(fd), 1);
	set(client, EDU_IRQ_RAISE, 2);
	assert_int_equal(count_of(fd), 0);
	/* The line is up: it fires again, and is masked again. */
	assert_int_equal(call(client, V02_DEVICE_UNMASK_IRQ, &index), 0);
	assert_int_equal(count_of(fd), 1);
	set(client, EDU_IRQ_ACK, 3);
	assert_int_equal(call(client, V02_DEVICE_UNMASK_IRQ, &index), 0);
	assert_int_equal(count_of(fd), 0);
	set(client, EDU_IRQ_RAISE, 4);
	assert_int_equal(count_of(fd), 1);
	set(client, EDU_IRQ_ACK, 4);
	index = V02_PCI_MSI_IRQ;
	assert_int_equal(call(client, V02_DEVICE_UNMASK_IRQ, &index), -EINVAL);
	assert_int_equal(call(client, V02_DEVICE_UNMASK_IRQ, NULL), -EFAULT);
	close(fd);
}

/* Shows R9. */
static void an_eventfd_can_unmask(void **state)
{
	struct client *client = *state;
	int fd = eventfd(0, 0), unmask = eventfd(0, EFD_NONBLOCK);
	int args[2] = {V02_PCI_INTX_IRQ, unmask};
	const uint64_t one = 1;

	enable_memory(client);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, fd), 0);
	assert_int_equal(call(client, V02_DEVICE_SET_UNMASK_EVENTFD, args), 0);
	set(client, EDU_IRQ_RAISE, 1);
	assert_int_equal(count_of(fd), 1);
	/* The line is still up, so that unmasking fires; this read waits. */
	assert_int_equal(write(unmask, &one, sizeof(one)), sizeof(one));
	assert_int_equal(count_of(fd), 1);
	args[1] = -1;
	assert_int_equal(call(client, V02_DEVICE_SET_UNMASK_EVENTFD, args), 0);
	args[1] = STDIN_FILENO;
	assert_int_equal(call(client, V02_DEVICE_SET_UNMASK_EVENTFD, args),
			 -EINVAL);
	args[0] = V02_PCI_MSI_IRQ;
	assert_int_equal(call(client, V02_DEVICE_SET_UNMASK_EVENTFD, args),
			 -EINVAL);
	close(fd);
	close(unmask);
}

/* Shows R9. */
static void one_kind_of_interrupt_excludes_the_other(void **state)
{
	struct client *client = *state;
	int fd = eventfd(0, EFD_NONBLOCK);

	enable_memory(client);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, fd), 0);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 1, fd), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 0, 0), 0);
	/* Off; and off once more is no mistake. */
	set(client, EDU_IRQ_RAISE, 1);
	assert_int_equal(count_of(fd), 0);
	set(client, EDU_IRQ_ACK, 1);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 0, 0), 0);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 0, 0), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 2, fd), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 1, fd), 0);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 1, fd), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, fd), -EINVAL);
	set(client, EDU_IRQ_RAISE, 1);
	assert_int_equal(count_of(fd), 1);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 0, 0), 0);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, fd), 0);
	close(fd);
}

/* Shows R9. */
static void a_trigger_goes_before_the_next_is_looked_at(void **state)
{
	struct client *client = *state;
	int fd = eventfd(0, EFD_NONBLOCK);

	enable_memory(client);
	assert_int_equal(set_irqs(client, 3, 1, fd), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 2, fd), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, -1, fd), -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, fd), 0);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, -1), -EINVAL);
	set(client, EDU_IRQ_RAISE, 1);
	assert_int_equal(count_of(fd), 0);
	set(client, EDU_IRQ_ACK, 1);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, STDIN_FILENO),
			 -EINVAL);
	assert_int_equal(set_irqs(client, V02_PCI_INTX_IRQ, 1, 1000), -EBADF);
	assert_int_equal(set_irqs(client, V02_PCI_MSI_IRQ, 1, -1), -EINVAL);
	assert_int_equal(call(client, V02_DEVICE_SET_IRQ_EVENTFDS, NULL),
			 -EFAULT);
	close(fd);
}

/* Shows R9. */
static void vectors_of_msix_are_set_all_at_once(void **state)
{
	struct client *client = *state;
	struct v02_irq_info irq = {.len = 16, .index = V02_PCI_MSIX_IRQ};
	int group = must_open(client->machine, "/dev/vfio/3");
	int args[5] = {V02_PCI_MSIX_IRQ, 3, 0, 0, 0};

	client->device =
		(int)must_ioctl(client->machine, group, V02_GROUP_GET_DEVICE_FD,
				(uintptr_t)IGB);
	assert_int_equal(call(client, V02_DEVICE_GET_IRQ_INFO, &irq), 0);
	assert_true(irq.count > 3);
	for (int i = 2; i < 5; i++)
		args[i] = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(call(client, V02_DEVICE_SET_IRQ_EVENTFDS, args), 0);
	args[1] = 1;
	assert_int_equal(call(client, V02_DEVICE_SET_IRQ_EVENTFDS, args),
			 -EINVAL);
	args[0] = V02_PCI_MSI_IRQ;
	assert_int_equal(call(client, V02_DEVICE_SET_IRQ_EVENTFDS, args),
			 -EINVAL);
	args[0] = V02_PCI_MSIX_IRQ;
	args[1] = 0;
	assert_int_equal(call(client, V02_DEVICE_SET_IRQ_EVENTFDS, args), 0);
	assert_int_equal(call(client, V02_DEVICE_SET_IRQ_EVENTFDS, args),
			 -EINVAL);
	for (int i = 2; i < 5; i++)
		close(args[i]);
}

static void the_last_close_stops_the_function(void **state)
{
	struct client *client = *state;
	int second = (int)must_ioctl(client->machine, client->group,
				     V02_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
	uint16_t command = 0;

	enable_memory(client);
	must_close(client->machine, client->device);
	assert_int_equal(
		uvfio_pread(client->machine, second, &command, 2, CONFIG(4)),
		2);
	assert_int_equal(command & 6, 6);
	must_close(client->machine, second);
	client->device =
		(int)must_ioctl(client->machine, client->group,
				V02_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
	assert_int_equal(uvfio_pread(client->machine, client->device, &command,
				     2, CONFIG(4)),
			 2);
	assert_int_equal(command & 4, 0);
}

/* Shows R2. */
/* A function without a driver has its node all the same. */
static void nodes_and_numbers_are_there_from_the_start(void **state)
{
	const char *const devices[] = {"edu,group=7,driver=none,addr=" EDU_A,
				       "edu,group=7,addr=" EDU_B, NULL};
	const struct uvfio_machine_params params = {
		.abi = "v02",
		.devices = devices,
	};
	struct uvfio_machine *machine;
	struct uvfio_error err;
	uint64_t flags = 9;
	char text[16] = "";
	int group;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	group = must_open(machine, "/dev/vfio/7");
	must_ioctl(machine, group, V02_GROUP_GET_FLAGS, (uintptr_t)&flags);
	assert_int_equal(flags, 0);
	assert_int_equal(uvfio_ioctl(machine, group, V02_GROUP_GET_IOMMU_FD, 0),
			 -EBUSY);
	assert_int_equal(uvf_sysfs_read(&machine->vfio,
					"bus/pci/devices/" EDU_A "/iommu_group",
					text, sizeof(text), 0),
			 2);
	assert_string_equal(text, "7\n");
	must_close(machine, group);
	uvfio_machine_destroy(machine);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_function_tells_what_it_has),
		TEST(commands_of_today_are_unknown),
		TEST(reset_brings_the_function_back),
		TEST(intx_fires_once_and_waits_to_be_unmasked),
		TEST(an_eventfd_can_unmask),
		TEST(one_kind_of_interrupt_excludes_the_other),
		TEST(a_trigger_goes_before_the_next_is_looked_at),
		TEST(vectors_of_msix_are_set_all_at_once),
		TEST(the_last_close_stops_the_function),
		cmocka_unit_test(nodes_and_numbers_are_there_from_the_start),
	};

	return cmocka_run_group_tests_name("v02/pci", tests, NULL, NULL);
}
