/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts of a platform device: one that is a level, and one that is an
 * edge.  Errno and order are those of
 * drivers/vfio/platform/vfio_platform_irq.c, Linux 6.12.
 */
#include "rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mem/copy.h"

#define NONE    VFIO_IRQ_SET_DATA_NONE
#define BOOL    VFIO_IRQ_SET_DATA_BOOL
#define EVENT   VFIO_IRQ_SET_DATA_EVENTFD
#define MASK    VFIO_IRQ_SET_ACTION_MASK
#define UNMASK  VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

static struct rig rig;
static int fd, other;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig, NULL, NULL, NULL);
	fd = eventfd(0, EFD_NONBLOCK);
	other = eventfd(0, EFD_NONBLOCK);
	return fd < 0 || other < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	close(fd);
	close(other);
	return 0;
}

static long set(uint32_t flags, uint32_t index, const void *data)
{
	return rig_set_irq(&rig, flags, index, 0, 1, data);
}

static void clear(uint32_t index)
{
	assert_int_equal(rig_set_irq(&rig, NONE | TRIGGER, index, 0, 0, NULL),
			 0);
}

/* The line goes high and stays so, until it is taken back. */
static void raise_level(void)
{
	rig_set(&rig, TICKER_CONTROL, CONTROL_LEVEL);
	rig_set(&rig, TICKER_FIRE, 1);
}

static void lower_level(void)
{
	rig_set(&rig, TICKER_STATUS, 1);
}

static void pulse(void)
{
	rig_set(&rig, TICKER_CONTROL, CONTROL_EDGE);
	rig_set(&rig, TICKER_FIRE, 1);
}

static void info_tells_levels_and_edges_apart(void **state)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = LEVEL};

	(void)state;
	must_ioctl(rig.machine, rig.device, VFIO_DEVICE_GET_IRQ_INFO,
		   (uintptr_t)&info);
	assert_int_equal(info.flags, VFIO_IRQ_INFO_EVENTFD |
					     VFIO_IRQ_INFO_MASKABLE |
					     VFIO_IRQ_INFO_AUTOMASKED);
	assert_int_equal(info.count, 1);
	info.index = EDGE;
	must_ioctl(rig.machine, rig.device, VFIO_DEVICE_GET_IRQ_INFO,
		   (uintptr_t)&info);
	assert_int_equal(info.flags, VFIO_IRQ_INFO_EVENTFD);
	assert_int_equal(info.count, 1);
	info.index = 2;
	assert_int_equal(uvfio_ioctl(rig.machine, rig.device,
				     VFIO_DEVICE_GET_IRQ_INFO,
				     (uintptr_t)&info),
			 -EINVAL);
	info.index = 0;
	info.argsz--;
	assert_int_equal(uvfio_ioctl(rig.machine, rig.device,
				     VFIO_DEVICE_GET_IRQ_INFO,
				     (uintptr_t)&info),
			 -EINVAL);
}

/* Shows V63. */
static void level_masks_itself_and_comes_again(void **state)
{
	(void)state;
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &fd), 0);
	raise_level();
	assert_int_equal(rig_take(fd), 1);
	/* Masked: it stays high, and another cause changes nothing. */
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_take(fd), 0);
	assert_int_equal(set(NONE | UNMASK, LEVEL, NULL), 0);
	assert_int_equal(rig_take(fd), 1);
	lower_level();
	assert_int_equal(set(NONE | UNMASK, LEVEL, NULL), 0);
	assert_int_equal(rig_take(fd), 0);
	raise_level();
	assert_int_equal(rig_take(fd), 1);
}

/* Shows V63. */
static void edge_never_masks(void **state)
{
	const uint8_t yes = 1;

	(void)state;
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &fd), 0);
	pulse();
	pulse();
	assert_int_equal(rig_take(fd), 2);
	assert_int_equal(set(NONE | MASK, EDGE, NULL), -EINVAL);
	assert_int_equal(set(BOOL | UNMASK, EDGE, &yes), -EINVAL);
	assert_int_equal(set(EVENT | MASK, EDGE, &other), -EINVAL);
	assert_int_equal(set(EVENT | UNMASK, EDGE, &other), -EINVAL);
	pulse();
	assert_int_equal(rig_take(fd), 1);
}

/* A level that rises without a trigger waits for one; an edge, too, once. */
static void what_came_without_a_trigger_is_kept(void **state)
{
	(void)state;
	raise_level();
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &fd), 0);
	assert_int_equal(rig_take(fd), 1);
	lower_level();

	/* A line that was never on has no memory. */
	pulse();
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &other), 0);
	assert_int_equal(rig_take(other), 0);
	clear(EDGE);
	pulse();
	pulse();
	assert_int_equal(rig_take(other), 0);
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &other), 0);
	assert_int_equal(rig_take(other), 1);
}

static void mask_outlives_the_trigger(void **state)
{
	const int none = -1;

	(void)state;
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &fd), 0);
	raise_level();
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &none), 0);
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &other), 0);
	assert_int_equal(rig_take(other), 0);
	assert_int_equal(set(NONE | UNMASK, LEVEL, NULL), 0);
	assert_int_equal(rig_take(other), 1);
	/* But not the last close. */
	rig_reopen(&rig);
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &fd), 0);
	raise_level();
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(rig_take(other), 0);
}

static void software_triggers_run_the_handler(void **state)
{
	const uint8_t yes = 1, no = 0;

	(void)state;
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &fd), 0);
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &other), 0);
	assert_int_equal(set(BOOL | TRIGGER, LEVEL, &no), 0);
	assert_int_equal(rig_take(fd), 0);
	assert_int_equal(set(NONE | TRIGGER, LEVEL, NULL), 0);
	assert_int_equal(set(BOOL | TRIGGER, LEVEL, &yes), 0);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(set(NONE | UNMASK, LEVEL, NULL), 0);
	assert_int_equal(set(BOOL | TRIGGER, LEVEL, &yes), 0);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(set(NONE | TRIGGER, EDGE, NULL), 0);
	assert_int_equal(set(BOOL | TRIGGER, EDGE, &yes), 0);
	assert_int_equal(rig_take(other), 2);
}

/* Consumed before it acts, under the lock that a call takes. */
static void signal_and_wait(int event)
{
	struct pollfd p = {.fd = event, .events = POLLIN};
	const uint64_t one = 1;

	assert_int_equal(write(event, &one, sizeof(one)), sizeof(one));
	while (poll(&p, 1, 0) == 1)
		sched_yield();
	(void)rig_get(&rig, TICKER_ID);
}

/* Shows V63. */
static void eventfds_mask_and_unmask(void **state)
{
	int mask = eventfd(0, EFD_NONBLOCK), unmask = eventfd(0, EFD_NONBLOCK);
	const int none = -1;
	const uint64_t one = 1;

	(void)state;
	assert_int_equal(set(EVENT | TRIGGER, LEVEL, &fd), 0);
	assert_int_equal(set(EVENT | MASK, LEVEL, &mask), 0);
	assert_int_equal(set(EVENT | UNMASK, LEVEL, &unmask), 0);
	assert_int_equal(set(EVENT | MASK, LEVEL, &other), -EBUSY);
	assert_int_equal(set(EVENT | UNMASK, LEVEL, &other), -EBUSY);
	signal_and_wait(mask);
	raise_level();
	assert_int_equal(rig_take(fd), 0);
	signal_and_wait(unmask);
	assert_int_equal(rig_take(fd), 1);
	signal_and_wait(unmask);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(set(EVENT | MASK, LEVEL, &none), 0);
	assert_int_equal(set(EVENT | UNMASK, LEVEL, &none), 0);
	/* One that is signalled already acts at once, and keeps its count. */
	assert_int_equal(write(unmask, &one, sizeof(one)), sizeof(one));
	assert_int_equal(set(EVENT | UNMASK, LEVEL, &unmask), 0);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(rig_take(unmask), 1);
	close(mask);
	close(unmask);
}

/* The old one goes first: a bad descriptor leaves none. */
static void bad_trigger_leaves_none(void **state)
{
	const int closed = 1000000;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &fd), 0);
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &closed), -EBADF);
	pulse();
	assert_int_equal(rig_take(fd), 0);
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &fd), 0);
	assert_int_equal(rig_take(fd), 1);
	assert_int_equal(set(EVENT | TRIGGER, EDGE, &pipes[0]), -EINVAL);
	assert_int_equal(set(EVENT | MASK, LEVEL, &closed), -EBADF);
	assert_int_equal(set(EVENT | UNMASK, LEVEL, &pipes[1]), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
}

static void wrong_requests_are_told_apart(void **state)
{
	static const struct {
		uint32_t flags, index, start, count;
		long ret;
	} cases[] = {
		{NONE | TRIGGER, 2, 0, 1, -EINVAL},
		{NONE | TRIGGER, LEVEL, 2, 1, -EINVAL},
		{NONE | TRIGGER, LEVEL, 0, 3, -EINVAL},
		{NONE | TRIGGER, LEVEL, 0, UINT32_MAX, -EINVAL},
		/* The limit is what the device has, then what an index has. */
		{NONE | TRIGGER, LEVEL, 0, 2, -EINVAL},
		{NONE | TRIGGER, LEVEL, 1, 1, -EINVAL},
		{NONE | TRIGGER, LEVEL, 1, 0, 0},
		{NONE | MASK, LEVEL, 0, 0, -EINVAL},
		{NONE | UNMASK, LEVEL, 1, 1, -EINVAL},
		{EVENT | TRIGGER, LEVEL, 0, 0, -EINVAL},
		{BOOL | TRIGGER, LEVEL, 0, 0, -EINVAL},
		{TRIGGER, LEVEL, 0, 1, -EINVAL},
		{NONE | BOOL | TRIGGER, LEVEL, 0, 1, -EINVAL},
		{NONE, LEVEL, 0, 1, -ENOTTY},
		{NONE, LEVEL, 0, 2, -ENOTTY},
		{NONE | MASK | UNMASK, LEVEL, 0, 1, -ENOTTY},
		{NONE | TRIGGER | 0x40, LEVEL, 0, 1, -EINVAL},
		{NONE | TRIGGER, LEVEL, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (rig_set_irq(&rig, cases[i].flags, cases[i].index,
				cases[i].start, cases[i].count,
				NULL) != cases[i].ret)
			fail_msg("case %zu", i);
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(
		uvfio_ioctl(rig.machine, rig.device, VFIO_DEVICE_SET_IRQS, 0),
		-EFAULT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(info_tells_levels_and_edges_apart),
		TEST(level_masks_itself_and_comes_again),
		TEST(edge_never_masks),
		TEST(what_came_without_a_trigger_is_kept),
		TEST(mask_outlives_the_trigger),
		TEST(software_triggers_run_the_handler),
		TEST(eventfds_mask_and_unmask),
		TEST(bad_trigger_leaves_none),
		TEST(wrong_requests_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
