/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A platform device under VFIO v0.2: a node of a device tree.
 */
#include "rig.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mem/copy.h"
#include "v02/abi.h"

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig.machine = rig_machine("v02", NULL, NULL);
	rig.group = must_open(rig.machine, "/dev/vfio/1");
	rig.device =
		(int)must_ioctl(rig.machine, rig.group, V02_GROUP_GET_DEVICE_FD,
				(uintptr_t)TICKER);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uvfio_machine_destroy(rig.machine);
	return 0;
}

static long call(unsigned int cmd, void *arg)
{
	/* The test runner wants faults for itself. */
	if (!arg)
		assert_int_equal(uvf_copy_guard_init(), 0);
	return uvfio_ioctl(rig.machine, rig.device, cmd, (uintptr_t)arg);
}

static void flags_and_numbers_are_of_the_tree(void **state)
{
	uint64_t flags = 0;
	int number = 0;

	(void)state;
	assert_int_equal(call(V02_DEVICE_GET_FLAGS, &flags), 0);
	assert_int_equal(flags, V02_DEVICE_DT | V02_DEVICE_CAN_RESET);
	assert_int_equal(call(V02_DEVICE_GET_NUM_REGIONS, &number), 0);
	assert_int_equal(number, REGION_IDS);
	assert_int_equal(call(V02_DEVICE_GET_NUM_IRQS, &number), 0);
	assert_int_equal(number, 2);
	assert_int_equal(call(V02_DEVICE_GET_FLAGS, NULL), -EFAULT);
	assert_int_equal(call(V02_GROUP_MERGE, &number), -ENOSYS);
}

static void regions_have_their_physical_address(void **state)
{
	static const struct {
		uint64_t size, flags, phys;
	} regions[REGION_IDS] = {
		{0x1000, V02_REGION_MMAP | V02_REGION_PHYS_VALID, 0xc000000},
		{0x1000,
		 V02_REGION_MMAP | V02_REGION_RO | V02_REGION_PHYS_VALID,
		 0xc001000},
		{0x100, V02_REGION_PHYS_VALID, 0xc002100},
		{8, 0, 0},
	};
	struct v02_region_info info = {.len = sizeof(info)};

	(void)state;
	for (uint32_t i = 0; i < REGION_IDS; i++) {
		info.index = i;
		assert_int_equal(call(V02_DEVICE_GET_REGION_INFO, &info), 0);
		assert_int_equal(info.size, regions[i].size);
		assert_int_equal(info.flags, regions[i].flags);
		assert_int_equal(info.phys, regions[i].phys);
		assert_int_equal(info.offset, REGION(i));
	}
	info.index = REGION_IDS;
	assert_int_equal(call(V02_DEVICE_GET_REGION_INFO, &info), -EINVAL);
	info.index = 0;
	info.len = offsetof(struct v02_region_info, phys);
	assert_int_equal(call(V02_DEVICE_GET_REGION_INFO, &info), 0);
	assert_int_equal(info.flags, V02_REGION_MMAP);
	info.len--;
	assert_int_equal(call(V02_DEVICE_GET_REGION_INFO, &info), -EINVAL);
}

static void tree_has_a_path_and_indexes(void **state)
{
	char path[64] = "";
	struct v02_dtpath at = {
		.len = sizeof(at),
		.index = 2,
		.flags = V02_DT_REGION,
		.path = (uintptr_t)path,
	};
	struct v02_dtindex index = {
		.len = sizeof(index),
		.index = 2,
		.flags = V02_DT_REGION,
	};

	(void)state;
	assert_int_equal(call(V02_DEVICE_GET_DTPATH, &at), 0);
	assert_string_equal(path, "/ticker@c000000");
	at.flags = V02_DT_IRQ;
	assert_int_equal(call(V02_DEVICE_GET_DTPATH, &at), -EINVAL);
	at.index = 1;
	assert_int_equal(call(V02_DEVICE_GET_DTPATH, &at), 0);
	assert_int_equal(call(V02_DEVICE_GET_DTINDEX, &index), 0);
	assert_int_equal(index.prop_type, V02_DT_REG);
	assert_int_equal(index.prop_index, 2);
	index.flags = V02_DT_IRQ;
	index.index = 1;
	assert_int_equal(call(V02_DEVICE_GET_DTINDEX, &index), 0);
	assert_int_equal(index.prop_type, V02_DT_INTERRUPTS);
	assert_int_equal(index.prop_index, 1);
	index.index = 2;
	assert_int_equal(call(V02_DEVICE_GET_DTINDEX, &index), -EINVAL);
}

static void interrupts_come_by_eventfd(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct v02_irq_info info = {.len = sizeof(info)};
	int level[3] = {LEVEL, 1, fd}, edge[3] = {EDGE, 1, fd};
	int none[2] = {LEVEL, 0}, bad[3] = {LEVEL, 1, -1};
	int irq = LEVEL;

	(void)state;
	assert_int_equal(call(V02_DEVICE_GET_IRQ_INFO, &info), 0);
	assert_int_equal(info.flags, V02_IRQ_LEVEL);
	assert_int_equal(info.count, 1);
	info.index = EDGE;
	assert_int_equal(call(V02_DEVICE_GET_IRQ_INFO, &info), 0);
	assert_int_equal(info.flags, 0);
	info.index = 2;
	assert_int_equal(call(V02_DEVICE_GET_IRQ_INFO, &info), -EINVAL);

	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, level), 0);
	rig_set(&rig, TICKER_CONTROL, CONTROL_LEVEL);
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(call(V02_DEVICE_UNMASK_IRQ, &irq), 0);
	assert_int_equal(rig_take(fd), 1);
	rig_set(&rig, TICKER_STATUS, 1);
	assert_int_equal(call(V02_DEVICE_UNMASK_IRQ, &irq), 0);
	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, bad), -EINVAL);
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_take(fd), 0);
	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, none), 0);

	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, edge), 0);
	rig_set(&rig, TICKER_CONTROL, CONTROL_EDGE);
	rig_set(&rig, TICKER_FIRE, 1);
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_take(fd), 2);
	irq = EDGE;
	assert_int_equal(call(V02_DEVICE_UNMASK_IRQ, &irq), -EINVAL);
	edge[1] = 2;
	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, edge), -EINVAL);
	edge[0] = 2;
	edge[1] = 1;
	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, edge), -EINVAL);
	close(fd);
}

static void unmask_comes_by_eventfd(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK), unmask = eventfd(1, EFD_NONBLOCK);
	int level[3] = {LEVEL, 1, fd}, args[2] = {LEVEL, unmask};

	(void)state;
	assert_int_equal(call(V02_DEVICE_SET_IRQ_EVENTFDS, level), 0);
	rig_set(&rig, TICKER_CONTROL, CONTROL_LEVEL);
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(call(V02_DEVICE_SET_UNMASK_EVENTFD, args), 0);
	assert_int_equal(rig_take(fd), 1);
	args[1] = -1;
	assert_int_equal(call(V02_DEVICE_SET_UNMASK_EVENTFD, args), 0);
	args[0] = 7;
	assert_int_equal(call(V02_DEVICE_SET_UNMASK_EVENTFD, args), -EINVAL);
	close(fd);
	close(unmask);
}

static void registers_are_reset(void **state)
{
	(void)state;
	rig_set(&rig, TICKER_PERIOD, 5000);
	assert_int_equal(call(V02_DEVICE_RESET, NULL), 0);
	assert_int_equal(rig_get(&rig, TICKER_PERIOD), 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(flags_and_numbers_are_of_the_tree),
		TEST(regions_have_their_physical_address),
		TEST(tree_has_a_path_and_indexes),
		TEST(interrupts_come_by_eventfd),
		TEST(unmask_comes_by_eventfd),
		TEST(registers_are_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
