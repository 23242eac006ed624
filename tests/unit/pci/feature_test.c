/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_FEATURE of vfio-pci: what is checked in which order, and what
 * low power is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "lib/machine.h"
#include "mem/copy.h"

#define NAME    "0000:00:03.0"
#define GET     VFIO_DEVICE_FEATURE_GET
#define SET     VFIO_DEVICE_FEATURE_SET
#define PROBE   VFIO_DEVICE_FEATURE_PROBE
#define ENTRY   3u
#define WAKEUP  4u
#define EXIT    5u
#define DMA_BUF 11u
#define STATUS  "/sys/bus/pci/devices/" NAME "/power/runtime_status"
#define STATE   "/sys/bus/pci/devices/" NAME "/power_state"

struct feature {
	uint32_t argsz, flags;
	int32_t fd;
	uint32_t reserved;
	uint64_t more[4];
};

struct bench {
	struct uvfio_machine *machine;
	int device;
};

static void create(struct bench *bench, const char *abi)
{
	static const char *const devices[] = {"igb,group=1", NULL};
	const struct uvfio_machine_params params = {.devices = devices,
						    .abi = abi};
	struct uvfio_error err = {""};
	int container, group;

	if (uvfio_machine_create(&bench->machine, &params, &err))
		fail_msg("%s", err.text);
	container = must_open(bench->machine, "/dev/vfio/vfio");
	group = must_open(bench->machine, "/dev/vfio/1");
	must_ioctl(bench->machine, group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&container);
	must_ioctl(bench->machine, container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
	bench->device =
		(int)must_ioctl(bench->machine, group, VFIO_GROUP_GET_DEVICE_FD,
				(uintptr_t)NAME);
	assert_int_equal(uvf_copy_guard_init(), 0);
}

static long ask(struct bench *bench, uint32_t argsz, uint32_t flags, int fd)
{
	struct feature feature = {.argsz = argsz, .flags = flags, .fd = fd};

	return uvfio_ioctl(bench->machine, bench->device, VFIO_DEVICE_FEATURE,
			   (uintptr_t)&feature);
}

static uint64_t take(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void shows(struct bench *bench, const char *path, const char *want)
{
	char text[32] = "";

	assert_true(uvfio_sysfs_read(bench->machine, path, text,
				     sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, want);
}

/* Shows V57. */
static void checks_come_in_order(void **state)
{
	struct bench bench;

	(void)state;
	create(&bench, NULL);
	assert_int_equal(uvfio_ioctl(bench.machine, bench.device,
				     VFIO_DEVICE_FEATURE, 8),
			 -EFAULT);
	assert_int_equal(ask(&bench, 7, 99 | PROBE, 0), -EINVAL);
	assert_int_equal(ask(&bench, 8, 99 | PROBE | 1u << 19, 0), -EINVAL);
	assert_int_equal(ask(&bench, 8, 99 | GET | SET, 0), -EINVAL);
	assert_int_equal(ask(&bench, 8, 99 | GET | SET | PROBE, 0), -ENOTTY);
	assert_int_equal(ask(&bench, 8, 99, 0), -ENOTTY);
	/* What no function here has, with every argument wrong. */
	assert_int_equal(ask(&bench, 8, VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, 0),
			 -ENOTTY);
	for (uint32_t number = 10; number < 14; number++)
		assert_int_equal(ask(&bench, 8, number, 0), -ENOTTY);
	for (uint32_t number = ENTRY; number <= EXIT; number++) {
		assert_int_equal(ask(&bench, 8, number | GET, 0), -EINVAL);
		assert_int_equal(ask(&bench, 8, number | GET | PROBE, 0),
				 -EINVAL);
		assert_int_equal(ask(&bench, 8, number | SET | PROBE, 0), 0);
		assert_int_equal(ask(&bench, 8, number | PROBE, 0), 0);
		assert_int_equal(ask(&bench, 8, number, 0), -EINVAL);
	}
	assert_int_equal(ask(&bench, 15, WAKEUP | SET, 0), -EINVAL);
	uvfio_machine_destroy(bench.machine);
}

/* Shows V57. */
static void dma_buf_is_not_built_in(void **state)
{
	struct bench bench;

	(void)state;
	create(&bench, "6.19");
	assert_int_equal(ask(&bench, sizeof(struct feature), DMA_BUF | GET, 0),
			 -ENOTTY);
	assert_int_equal(ask(&bench, 8, DMA_BUF | PROBE, 0), -ENOTTY);
	uvfio_machine_destroy(bench.machine);
}

/* Shows V58. */
static void wakeup_wants_an_eventfd(void **state)
{
	struct bench bench;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), file = dup(0);

	(void)state;
	create(&bench, NULL);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, -1), -EINVAL);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, 999), -EBADF);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, file), -EINVAL);
	/* The descriptor comes before what is engaged already. */
	assert_int_equal(ask(&bench, 8, ENTRY | SET, 0), 0);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, 999), -EBADF);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, fd), -EINVAL);
	assert_int_equal(ask(&bench, 8, EXIT | SET, 0), 0);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, fd), 0);
	assert_int_equal(take(fd), 0);
	/* Any call wakes it, one that nobody knows as well. */
	assert_int_equal(
		uvfio_ioctl(bench.machine, bench.device, _IO(';', 199), 0),
		-ENOTTY);
	assert_int_equal(take(fd), 1);
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, fd), 0);
	/* To enter again is a call, too: it is over before that. */
	assert_int_equal(ask(&bench, 16, WAKEUP | SET, fd), 0);
	assert_int_equal(take(fd), 1);
	uvfio_machine_destroy(bench.machine);
	close(fd);
	close(file);
}

/* Shows V58. */
static void it_sleeps_between_two_uses(void **state)
{
	uint32_t value = 0x12340000;
	uint16_t command;
	struct bench bench;

	(void)state;
	create(&bench, NULL);
	shows(&bench, STATUS, "active\n");
	assert_int_equal(
		uvfio_pwrite(bench.machine, bench.device, &value, 4, 0x38), 4);
	assert_int_equal(ask(&bench, 8, ENTRY | SET, 0), 0);
	shows(&bench, STATUS, "suspended\n");
	shows(&bench, STATE, "D3hot\n");
	/* It is awake while it is used, in full. */
	assert_int_equal(
		uvfio_pread(bench.machine, bench.device, &value, 4, 0x38), 4);
	assert_int_equal(value, 0x12340000);
	assert_int_equal(uvfio_pread(bench.machine, bench.device, &command, 2,
				     (7ull << 40) + 0x44),
			 2);
	assert_int_equal(command & 3, 0);
	shows(&bench, STATUS, "suspended\n");
	/* A reset through /sys does not end it. */
	assert_int_equal(uvfio_sysfs_write(bench.machine,
					   "/sys/bus/pci/devices/" NAME
					   "/reset",
					   "1", 1, 0),
			 1);
	shows(&bench, STATUS, "suspended\n");
	must_ioctl(bench.machine, bench.device, VFIO_DEVICE_RESET, 0);
	shows(&bench, STATUS, "suspended\n");
	assert_int_equal(ask(&bench, 8, EXIT | SET, 0), 0);
	shows(&bench, STATUS, "active\n");
	shows(&bench, STATE, "D0\n");
	uvfio_machine_destroy(bench.machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_come_in_order),
		cmocka_unit_test(dma_buf_is_not_built_in),
		cmocka_unit_test(wakeup_wants_an_eventfd),
		cmocka_unit_test(it_sleeps_between_two_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
