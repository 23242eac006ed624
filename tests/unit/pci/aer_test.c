/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors that a function reports, and who hears of them.
 */
#include "pci/aer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "bus/device.h"
#include "bus/machine.h"
#include "bus/uevent.h"
#include "front/machine.h"
#include "lib/irq.h"
#include "lib/machine.h"

#define A      "0000:01:00.0"
#define B      "0000:01:01.0"
#define C      "0000:00:05.0"
#define EDU    "0000:00:06.0"
#define CONFIG (7ull << 40)
#define VET    0x38u /* a register of igb that reset changes */

static const char *const devices[] = {
	"bridge,addr=00:01.0",        "igb,bridge=00:01.0,group=5",
	"igb,bridge=00:01.0,group=5", "igb,addr=00:05.0,group=5",
	"edu,addr=00:06.0,group=5",   NULL};

struct bench {
	struct uvfio_machine *machine;
	int group;
	char uevents[4096];
};

static void on_uevent(void *arg, const struct uvf_uevent *event)
{
	struct bench *bench = arg;
	size_t used = strlen(bench->uevents);

	for (size_t i = 0; i < event->size && used + 1 < sizeof(bench->uevents);
	     i++)
		bench->uevents[used++] = event->text[i] ? event->text[i] : '\n';
	bench->uevents[used] = '\0';
}

static void create(struct bench *bench)
{
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_error err = {""};
	int container;

	memset(bench, 0, sizeof(*bench));
	if (uvfio_machine_create(&bench->machine, &params, &err))
		fail_msg("%s", err.text);
	container = must_open(bench->machine, "/dev/vfio/vfio");
	bench->group = must_open(bench->machine, "/dev/vfio/5");
	must_ioctl(bench->machine, bench->group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&container);
	must_ioctl(bench->machine, container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
}

static int open_device(struct bench *bench, const char *name)
{
	return (int)must_ioctl(bench->machine, bench->group,
			       VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)name);
}

static int arm(struct bench *bench, int device)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct irq_one irqs = irq_one(VFIO_PCI_ERR_IRQ_INDEX, fd);

	must_ioctl(bench->machine, device, VFIO_DEVICE_SET_IRQS,
		   (uintptr_t)&irqs);
	return fd;
}

static uint64_t take(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int report(struct bench *bench, const char *name)
{
	struct uvf_bus_device *device =
		uvf_machine_find(&bench->machine->bus, name);
	int ret;

	assert_non_null(device);
	ret = uvf_pci_report_error(device);
	uvf_bus_device_put(device);
	return ret;
}

/* Shows V62. */
static void an_error_is_signalled_once_and_resets_nothing(void **state)
{
	struct bench bench;
	uint32_t value = 0x12345678;
	uint16_t command = 0x0006;
	int device, fd;

	(void)state;
	create(&bench);
	device = open_device(&bench, C);
	/* Nobody listens: it is lost. */
	assert_int_equal(report(&bench, C), 0);
	fd = arm(&bench, device);
	assert_int_equal(uvfio_pwrite(bench.machine, device, &value, 4, VET),
			 4);
	assert_int_equal(
		uvfio_pwrite(bench.machine, device, &command, 2, CONFIG + 4),
		2);
	assert_int_equal(take(fd), 0);
	assert_int_equal(report(&bench, C), 0);
	assert_int_equal(take(fd), 1);
	assert_int_equal(uvfio_pread(bench.machine, device, &value, 4, VET), 4);
	assert_int_equal(value, 0x12345678);
	assert_int_equal(
		uvfio_pread(bench.machine, device, &command, 2, CONFIG + 4), 2);
	assert_int_equal(command, 0x0006);
	/* The status of the error is cleared again. */
	assert_int_equal(
		uvfio_pread(bench.machine, device, &value, 4, CONFIG + 0x104),
		4);
	assert_int_equal(value, 0);
	uvfio_machine_destroy(bench.machine);
	close(fd);
}

/* Shows V62. */
static void all_behind_the_bridge_hear_of_it(void **state)
{
	struct bench bench;
	int a, b, c;

	(void)state;
	create(&bench);
	a = arm(&bench, open_device(&bench, A));
	b = arm(&bench, open_device(&bench, B));
	c = arm(&bench, open_device(&bench, C));
	assert_int_equal(report(&bench, B), 0);
	assert_int_equal(take(a), 1);
	assert_int_equal(take(b), 1);
	assert_int_equal(take(c), 0);
	assert_int_equal(report(&bench, C), 0);
	assert_int_equal(take(a), 0);
	assert_int_equal(take(c), 1);
	uvfio_machine_destroy(bench.machine);
	close(a);
	close(b);
	close(c);
}

/* Shows V62. */
static void who_reports_no_errors_is_refused(void **state)
{
	struct bench bench;

	(void)state;
	create(&bench);
	assert_int_equal(report(&bench, EDU), -EOPNOTSUPP);
	uvfio_machine_destroy(bench.machine);
}

/* Shows V62. */
static void two_uevents_tell_of_it(void **state)
{
	struct bench bench;
	const char *first, *second;

	(void)state;
	create(&bench);
	uvf_machine_set_changed(&bench.machine->bus, on_uevent, &bench);
	assert_int_equal(report(&bench, C), 0);
	uvf_machine_set_changed(&bench.machine->bus, NULL, NULL);
	first = strstr(bench.uevents, "change@/devices/pci0000:00/" C "\n");
	assert_non_null(first);
	assert_non_null(strstr(first, "ERROR_EVENT=BEGIN_RECOVERY\n"
				      "DEVICE_ONLINE=0\n"));
	second = strstr(first + 1, "change@/devices/pci0000:00/" C "\n");
	assert_non_null(second);
	assert_non_null(strstr(second, "ERROR_EVENT=SUCCESSFUL_RECOVERY\n"
				       "DEVICE_ONLINE=1\n"));
	uvfio_machine_destroy(bench.machine);
}

/* Shows V58. */
static void an_error_wakes_who_sleeps(void **state)
{
	struct {
		uint32_t argsz, flags;
		int32_t fd;
		uint32_t reserved;
	} entry = {16, VFIO_DEVICE_FEATURE_SET | 4, 0, 0};
	struct bench bench;
	int device, err;

	(void)state;
	create(&bench);
	device = open_device(&bench, C);
	err = arm(&bench, device);
	entry.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must_ioctl(bench.machine, device, VFIO_DEVICE_FEATURE,
		   (uintptr_t)&entry);
	assert_int_equal(take(entry.fd), 0);
	assert_int_equal(report(&bench, C), 0);
	assert_int_equal(take(entry.fd), 1);
	assert_int_equal(take(err), 1);
	uvfio_machine_destroy(bench.machine);
	close(entry.fd);
	close(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_signalled_once_and_resets_nothing),
		cmocka_unit_test(all_behind_the_bridge_hear_of_it),
		cmocka_unit_test(who_reports_no_errors_is_refused),
		cmocka_unit_test(two_uevents_tell_of_it),
		cmocka_unit_test(an_error_wakes_who_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
