/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of a bus: what they reset, who may ask, and what a last close
 * leaves behind.  edu has no reset of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "lib/irq.h"
#include "lib/machine.h"
#include "mem/copy.h"

#define BIND     _IO(';', 118)
#define FIRST    "0000:01:00.0"
#define SECOND   "0000:01:01.0"
#define ROOT     "0000:00:03.0"
#define LIVENESS 4
#define COMMAND  ((7ull << 40) + 4)
#define BYTES(n) (12 + 8 * (n))
#define SYS      "/sys/bus/pci/devices/"

static const char *const two_groups[] = {
	"bridge,addr=00:01.0", "edu,bridge=00:01.0,group=5",
	"edu,bridge=00:01.0,group=6", "edu,addr=00:03.0,group=7", NULL};
static const char *const one_group[] = {"bridge,addr=00:01.0",
					"edu,bridge=00:01.0,group=5",
					"edu,bridge=00:01.0,group=5", NULL};
static const char *const alone[] = {"bridge,addr=00:01.0",
				    "edu,bridge=00:01.0,group=5", NULL};
static const char *const other_driver[] = {
	"bridge,addr=00:01.0", "edu,bridge=00:01.0,group=5",
	"edu,bridge=00:01.0,group=6,driver=none", NULL};

struct bench {
	struct uvfio_machine *machine;
	int container;
};

struct info {
	uint32_t argsz, flags, count;
	struct {
		uint32_t id;
		uint16_t segment;
		uint8_t bus, devfn;
	} devices[4];
};

struct reset {
	uint32_t argsz, flags, count;
	int32_t fds[4];
};

static void create(struct bench *bench, const char *const *devices,
		   const char *abi)
{
	const struct uvfio_machine_params params = {
		.devices = devices,
		.abi = abi,
	};
	struct uvfio_error err = {""};

	memset(bench, 0, sizeof(*bench));
	if (uvfio_machine_create(&bench->machine, &params, &err))
		fail_msg("%s", err.text);
	bench->container = must_open(bench->machine, "/dev/vfio/vfio");
}

static int join(struct bench *bench, int number)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	fd = must_open(bench->machine, path);
	must_ioctl(bench->machine, fd, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&bench->container);
	/* The second time it has its IOMMU. */
	(void)uvfio_ioctl(bench->machine, bench->container, VFIO_SET_IOMMU,
			  VFIO_TYPE1v2_IOMMU);
	return fd;
}

static int device_of(struct bench *bench, int group, const char *name)
{
	return (int)must_ioctl(bench->machine, group, VFIO_GROUP_GET_DEVICE_FD,
			       (uintptr_t)name);
}

static void destroy(struct bench *bench)
{
	uvfio_machine_destroy(bench->machine);
}

static long ask(struct bench *bench, int device, struct info *info,
		uint32_t argsz)
{
	memset(info, 0xa5, sizeof(*info));
	info->argsz = argsz;
	return uvfio_ioctl(bench->machine, device,
			   VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, (uintptr_t)info);
}

static long reset_with(struct bench *bench, int device, uint32_t count,
		       int32_t first, int32_t second)
{
	struct reset reset = {
		.argsz = 12,
		.count = count,
		.fds = {first, second, first, second},
	};

	return uvfio_ioctl(bench->machine, device, VFIO_DEVICE_PCI_HOT_RESET,
			   (uintptr_t)&reset);
}

static uint32_t get(struct bench *bench, int device, uint64_t pos, size_t len)
{
	uint32_t value = 0;

	assert_int_equal(uvfio_pread(bench->machine, device, &value, len, pos),
			 len);
	return value;
}

static void put(struct bench *bench, int device, uint64_t pos, size_t len,
		uint32_t value)
{
	assert_int_equal(uvfio_pwrite(bench->machine, device, &value, len, pos),
			 len);
}

static void mark(struct bench *bench, int device)
{
	put(bench, device, LIVENESS, 4, 0x5555);
}

static bool is_marked(struct bench *bench, int device)
{
	return get(bench, device, LIVENESS, 4) == ~0x5555u;
}

static void arm_msi(struct bench *bench, int device, int fd)
{
	struct irq_one irqs = irq_one(VFIO_PCI_MSI_IRQ_INDEX, fd);

	must_ioctl(bench->machine, device, VFIO_DEVICE_SET_IRQS,
		   (uintptr_t)&irqs);
}

/* Shows V56. */
static void info_lists_all_that_is_behind_the_bridge(void **state)
{
	struct bench bench;
	struct info info;
	int device;

	(void)state;
	create(&bench, two_groups, NULL);
	device = device_of(&bench, join(&bench, 5), FIRST);
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvfio_ioctl(bench.machine, device,
				     VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 8),
			 -EFAULT);
	assert_int_equal(ask(&bench, device, &info, 11), -EINVAL);
	assert_int_equal(info.count, 0xa5a5a5a5);
	for (uint32_t argsz = 12; argsz < BYTES(2); argsz += 3) {
		assert_int_equal(ask(&bench, device, &info, argsz), -ENOSPC);
		assert_int_equal(info.count, 2);
		assert_int_equal(info.flags, 0);
		assert_int_equal(info.devices[0].id, 0xa5a5a5a5);
	}
	assert_int_equal(ask(&bench, device, &info, BYTES(2)), 0);
	assert_int_equal(info.argsz, BYTES(2));
	assert_int_equal(info.flags, 0);
	assert_int_equal(info.count, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(info.devices[i].id, 5 + i);
		assert_int_equal(info.devices[i].segment, 0);
		assert_int_equal(info.devices[i].bus, 1);
		assert_int_equal(info.devices[i].devfn, i << 3);
	}
	assert_int_equal(info.devices[2].id, 0xa5a5a5a5);
	destroy(&bench);
}

/* Shows V56.  Flips hot_reset_checks_bus_first. */
static void a_root_bus_cannot_be_reset(void **state)
{
	static const char *const profiles[] = {"6.12", "6.1"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct reset reset = {.argsz = 11};
		struct bench bench;
		struct info info;
		int group, device;

		create(&bench, two_groups, profiles[i]);
		group = join(&bench, 7);
		device = device_of(&bench, group, ROOT);
		assert_int_equal(ask(&bench, device, &info, 11), -EINVAL);
		assert_int_equal(ask(&bench, device, &info, BYTES(4)), -ENODEV);
		assert_int_equal(uvfio_ioctl(bench.machine, device,
					     VFIO_DEVICE_PCI_HOT_RESET,
					     (uintptr_t)&reset),
				 -EINVAL);
		reset.argsz = 12;
		reset.flags = 1;
		assert_int_equal(uvfio_ioctl(bench.machine, device,
					     VFIO_DEVICE_PCI_HOT_RESET,
					     (uintptr_t)&reset),
				 -EINVAL);
		assert_int_equal(reset_with(&bench, device, 0, 0, 0),
				 i ? -ENODEV : -EINVAL);
		assert_int_equal(reset_with(&bench, device, 1, group, 0),
				 -ENODEV);
		assert_int_equal(uvfio_ioctl(bench.machine, device,
					     VFIO_DEVICE_RESET, 0),
				 -EINVAL);
		destroy(&bench);
	}
}

/* Shows V56. */
static void reset_needs_every_group(void **state)
{
	struct bench bench;
	int group5, group6, group7, first, second;

	(void)state;
	create(&bench, two_groups, NULL);
	group5 = join(&bench, 5);
	group6 = join(&bench, 6);
	group7 = join(&bench, 7);
	first = device_of(&bench, group5, FIRST);
	second = device_of(&bench, group6, SECOND);
	mark(&bench, first);
	mark(&bench, second);

	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(
		uvfio_ioctl(bench.machine, first, VFIO_DEVICE_PCI_HOT_RESET, 8),
		-EFAULT);
	assert_int_equal(reset_with(&bench, first, 0, 0, 0), -EINVAL);
	assert_int_equal(reset_with(&bench, first, 3, group5, group6), -EINVAL);
	assert_int_equal(reset_with(&bench, first, 1, 99, 0), -EBADF);
	assert_int_equal(reset_with(&bench, first, 2, group5, 99), -EBADF);
	assert_int_equal(reset_with(&bench, first, 1, -1, 0), -EBADF);
	assert_int_equal(reset_with(&bench, first, 1, bench.container, 0),
			 -EINVAL);
	assert_int_equal(reset_with(&bench, first, 1, first, 0), -EINVAL);
	assert_int_equal(reset_with(&bench, first, 1, group5, 0), -EINVAL);
	assert_int_equal(reset_with(&bench, first, 2, group5, group5), -EINVAL);
	assert_int_equal(reset_with(&bench, first, 2, group5, group7), -EINVAL);
	assert_true(is_marked(&bench, first));
	assert_true(is_marked(&bench, second));

	assert_int_equal(reset_with(&bench, first, 2, group6, group5), 0);
	assert_false(is_marked(&bench, first));
	assert_false(is_marked(&bench, second));
	destroy(&bench);
}

/* Shows V56. */
static void fds_that_cannot_be_read_are_efault(void **state)
{
	struct bench bench;
	struct reset *edge;
	uint8_t *pages;
	int group, device;

	(void)state;
	create(&bench, one_group, NULL);
	group = join(&bench, 5);
	device = device_of(&bench, group, FIRST);
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
	/* cmocka puts its own handlers before each test. */
	assert_int_equal(uvf_copy_guard_init(), 0);
	/* The array begins behind the last byte that can be read. */
	edge = (struct reset *)(void *)(pages + 4096 - 12);
	edge->argsz = 12;
	edge->flags = 0;
	edge->count = 1;
	assert_int_equal(uvfio_ioctl(bench.machine, device,
				     VFIO_DEVICE_PCI_HOT_RESET,
				     (uintptr_t)edge),
			 -EFAULT);
	/* More than there are functions: not even looked at. */
	edge->count = 3;
	assert_int_equal(uvfio_ioctl(bench.machine, device,
				     VFIO_DEVICE_PCI_HOT_RESET,
				     (uintptr_t)edge),
			 -EINVAL);
	destroy(&bench);
	munmap(pages, 8192);
}

/* Shows V56. */
static void one_group_may_be_given_for_each_function(void **state)
{
	struct bench bench;
	int group, device;

	(void)state;
	create(&bench, one_group, NULL);
	group = join(&bench, 5);
	device = device_of(&bench, group, SECOND);
	assert_int_equal(reset_with(&bench, device, 1, group, 0), 0);
	assert_int_equal(reset_with(&bench, device, 2, group, group), 0);
	destroy(&bench);
}

/* Shows V56. */
static void a_function_without_vfio_forbids_it(void **state)
{
	struct bench bench;
	struct info info;
	int group, device;

	(void)state;
	create(&bench, other_driver, NULL);
	group = join(&bench, 5);
	device = device_of(&bench, group, FIRST);
	assert_int_equal(ask(&bench, device, &info, BYTES(2)), 0);
	assert_int_equal(info.devices[1].id, 6);
	assert_int_equal(reset_with(&bench, device, 1, group, 0), -EINVAL);
	destroy(&bench);
}

/* Shows V56. */
static void config_interrupts_and_bus_mastering_are_kept(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct bench bench;
	uint64_t count = 0;
	int group, first, second;

	(void)state;
	create(&bench, one_group, NULL);
	group = join(&bench, 5);
	first = device_of(&bench, group, FIRST);
	second = device_of(&bench, group, SECOND);
	arm_msi(&bench, second, fd);
	put(&bench, first, COMMAND, 2, 0x0007);
	put(&bench, second, COMMAND, 2, 0x0006);
	put(&bench, second, COMMAND + 0x0c, 4, 0x12345678);
	mark(&bench, second);
	assert_int_equal(reset_with(&bench, first, 1, group, 0), 0);
	assert_int_equal(get(&bench, first, COMMAND, 2), 0x0007);
	assert_int_equal(get(&bench, second, COMMAND, 2), 0x0006);
	assert_int_equal(get(&bench, second, COMMAND + 0x0c, 4),
			 0x12345678 & ~0xfffffu);
	assert_false(is_marked(&bench, second));
	/* edu raises what is written there, by the message armed before. */
	put(&bench, second, 0x60, 4, 1);
	assert_int_equal(read(fd, &count, sizeof(count)), 8);
	assert_int_equal(count, 1);
	destroy(&bench);
	close(fd);
}

static long bind_to(struct bench *bench, int device, int iommufd)
{
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t devid;
	} bind = {.argsz = 16, .iommufd = iommufd};

	must_ioctl(bench->machine, device, BIND, (uintptr_t)&bind);
	return bind.devid;
}

/* Shows V56. */
static void a_cdev_owns_by_its_iommufd(void **state)
{
	struct bench bench;
	struct info info;
	long id;
	int ctx, other, first, second;

	(void)state;
	create(&bench, two_groups, NULL);
	ctx = must_open(bench.machine, "/dev/iommu");
	other = must_open(bench.machine, "/dev/iommu");
	first = must_open(bench.machine, "/dev/vfio/devices/vfio0");
	second = must_open(bench.machine, "/dev/vfio/devices/vfio1");
	id = bind_to(&bench, first, ctx);

	/* The second is nobody's: not owned, since its group is not either. */
	assert_int_equal(ask(&bench, first, &info, BYTES(2)), 0);
	assert_int_equal(info.flags, 1);
	assert_int_equal(info.devices[0].id, id);
	assert_int_equal(info.devices[1].id, UINT32_MAX);
	assert_int_equal(reset_with(&bench, first, 0, 0, 0), -EINVAL);
	assert_int_equal(reset_with(&bench, first, 1, 0, 0), -EINVAL);

	bind_to(&bench, second, other);
	assert_int_equal(ask(&bench, first, &info, BYTES(2)), 0);
	assert_int_equal(info.devices[1].id, UINT32_MAX);
	assert_int_equal(reset_with(&bench, first, 0, 0, 0), -EINVAL);
	must_close(bench.machine, second);

	second = must_open(bench.machine, "/dev/vfio/devices/vfio1");
	id = bind_to(&bench, second, ctx);
	assert_int_equal(ask(&bench, first, &info, BYTES(2)), 0);
	assert_int_equal(info.flags, 3);
	assert_int_equal(info.devices[1].id, id);
	mark(&bench, second);
	assert_int_equal(reset_with(&bench, first, 0, 0, 0), 0);
	assert_false(is_marked(&bench, second));
	destroy(&bench);
}

/* Shows V56. */
static void a_sibling_in_the_group_is_owned_unopened(void **state)
{
	struct bench bench;
	struct info info;
	int ctx, first;

	(void)state;
	create(&bench, one_group, NULL);
	ctx = must_open(bench.machine, "/dev/iommu");
	first = must_open(bench.machine, "/dev/vfio/devices/vfio0");
	bind_to(&bench, first, ctx);
	must_close(bench.machine, ctx);
	assert_int_equal(ask(&bench, first, &info, BYTES(2)), 0);
	assert_int_equal(info.flags, 3);
	assert_int_equal(info.devices[1].id, 0);
	assert_int_equal(reset_with(&bench, first, 0, 0, 0), 0);
	destroy(&bench);
}

static void write_file(struct bench *bench, const char *path, const char *text,
		       ssize_t want)
{
	assert_int_equal(
		uvfio_sysfs_write(bench->machine, path, text, strlen(text), 0),
		want);
}

static void expect_file(struct bench *bench, const char *path, const char *want)
{
	char text[64] = "";
	ssize_t n = uvfio_sysfs_read(bench->machine, path, text,
				     sizeof(text) - 1, 0);

	assert_true(n >= 0);
	assert_string_equal(text, want);
}

static bool can_reset(struct bench *bench, int device)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	must_ioctl(bench->machine, device, VFIO_DEVICE_GET_INFO,
		   (uintptr_t)&info);
	return info.flags & VFIO_DEVICE_FLAGS_RESET;
}

/* Shows V54. */
static void a_lone_function_is_reset_by_its_bus(void **state)
{
	struct uvfio_error err = {""};
	struct bench bench;
	int group, device;

	(void)state;
	create(&bench, alone, NULL);
	expect_file(&bench, SYS FIRST "/reset_method", "bus\n");
	group = join(&bench, 5);
	device = device_of(&bench, group, FIRST);
	assert_true(can_reset(&bench, device));
	mark(&bench, device);
	must_ioctl(bench.machine, device, VFIO_DEVICE_RESET, 0);
	assert_false(is_marked(&bench, device));
	mark(&bench, device);
	write_file(&bench, SYS FIRST "/reset", "1\n", 2);
	assert_false(is_marked(&bench, device));

	/* With company the method stays on the list, and does not work. */
	assert_int_equal(uvfio_machine_plug(bench.machine,
					    "edu,bridge=00:01.0,group=6", &err),
			 0);
	expect_file(&bench, SYS FIRST "/reset_method", "bus\n");
	assert_int_equal(
		uvfio_ioctl(bench.machine, device, VFIO_DEVICE_RESET, 0),
		-ENOTTY);
	write_file(&bench, SYS FIRST "/reset", "1\n", -ENOTTY);
	write_file(&bench, SYS FIRST "/reset_method", "bus\n", -EINVAL);
	must_close(bench.machine, device);
	device = device_of(&bench, group, FIRST);
	assert_false(can_reset(&bench, device));
	assert_int_equal(
		uvfio_ioctl(bench.machine, device, VFIO_DEVICE_RESET, 0),
		-EINVAL);
	write_file(&bench, SYS FIRST "/reset_method", "default\n", 8);
	expect_file(&bench, SYS FIRST "/reset_method", "");
	destroy(&bench);
}

/* Shows V55. */
static void last_close_of_all_resets_the_bus(void **state)
{
	struct bench bench;
	int group, first, second;

	(void)state;
	create(&bench, one_group, NULL);
	group = join(&bench, 5);
	first = device_of(&bench, group, FIRST);
	second = device_of(&bench, group, SECOND);
	mark(&bench, first);
	mark(&bench, second);
	must_close(bench.machine, first);
	first = device_of(&bench, group, FIRST);
	assert_true(is_marked(&bench, first));
	must_close(bench.machine, first);
	must_close(bench.machine, second);
	first = device_of(&bench, group, FIRST);
	second = device_of(&bench, group, SECOND);
	assert_false(is_marked(&bench, first));
	assert_false(is_marked(&bench, second));
	destroy(&bench);
}

/* Shows V55. */
static void last_close_cannot_reset_what_is_not_whole(void **state)
{
	struct bench bench;
	int group, first;

	(void)state;
	create(&bench, other_driver, NULL);
	group = join(&bench, 5);
	first = device_of(&bench, group, FIRST);
	mark(&bench, first);
	must_close(bench.machine, first);
	first = device_of(&bench, group, FIRST);
	assert_true(is_marked(&bench, first));
	destroy(&bench);
}

struct unbinding {
	struct bench *bench;
	pthread_t thread;
};

static void *unbind(void *arg)
{
	struct unbinding *unbinding = arg;

	write_file(unbinding->bench, "/sys/bus/pci/drivers/vfio-pci/unbind",
		   FIRST, strlen(FIRST));
	return NULL;
}

/* Whoever unbinds has the function's lock until its users are gone. */
static void nothing_is_reset_while_a_driver_leaves(void **state)
{
	struct unbinding unbinding;
	struct bench bench;
	uint64_t count;
	int group, first, req = eventfd(0, EFD_CLOEXEC);
	struct irq_one irqs = irq_one(VFIO_PCI_REQ_IRQ_INDEX, req);

	(void)state;
	create(&bench, alone, NULL);
	group = join(&bench, 5);
	first = device_of(&bench, group, FIRST);
	must_ioctl(bench.machine, first, VFIO_DEVICE_SET_IRQS,
		   (uintptr_t)&irqs);
	unbinding.bench = &bench;
	assert_int_equal(
		pthread_create(&unbinding.thread, NULL, unbind, &unbinding), 0);
	assert_int_equal(read(req, &count, sizeof(count)), 8);
	mark(&bench, first);
	assert_int_equal(
		uvfio_ioctl(bench.machine, first, VFIO_DEVICE_RESET, 0),
		-EAGAIN);
	assert_int_equal(reset_with(&bench, first, 1, group, 0), -EAGAIN);
	assert_true(is_marked(&bench, first));
	must_close(bench.machine, first);
	pthread_join(unbinding.thread, NULL);
	destroy(&bench);
	close(req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_lists_all_that_is_behind_the_bridge),
		cmocka_unit_test(a_root_bus_cannot_be_reset),
		cmocka_unit_test(reset_needs_every_group),
		cmocka_unit_test(fds_that_cannot_be_read_are_efault),
		cmocka_unit_test(one_group_may_be_given_for_each_function),
		cmocka_unit_test(a_function_without_vfio_forbids_it),
		cmocka_unit_test(config_interrupts_and_bus_mastering_are_kept),
		cmocka_unit_test(a_cdev_owns_by_its_iommufd),
		cmocka_unit_test(a_sibling_in_the_group_is_owned_unopened),
		cmocka_unit_test(a_lone_function_is_reset_by_its_bus),
		cmocka_unit_test(last_close_of_all_resets_the_bus),
		cmocka_unit_test(last_close_cannot_reset_what_is_not_whole),
		cmocka_unit_test(nothing_is_reset_while_a_driver_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
