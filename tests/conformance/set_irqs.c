/* SPDX-License-Identifier: BSD-3-Clause */
/* SET_IRQS: the tests that precede any index, and all kinds of request. */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define N ABI_IRQ_NONE
#define B ABI_IRQ_BOOL
#define E ABI_IRQ_EVENTFD
#define M ABI_IRQ_MASK
#define U ABI_IRQ_UNMASK
#define T ABI_IRQ_TRIGGER

static const char *const index_names[] = {"intx", "msi", "msix", "err", "req"};

/* What is wrong whatever the index; with the header and no more. */
static const struct {
	const char *name;
	uint32_t argsz, flags, start, count;
} rows[] = {
	{"argsz_0", 0, N | T, 0, 1},
	{"argsz_19", 19, N | T, 0, 1},
	{"argsz_24", 24, N | T, 0, 0},
	{"count_all_ones", 20, N | T, 0, ~0u},
	{"start_plus_count_wraps", 20, N | T, 2, ~0u - 1},
	{"count_2", 20, N | T, 0, 2},
	{"start_1_count_0", 20, N | T, 1, 0},
	{"start_1_count_1", 20, N | T, 1, 1},
	{"start_all_ones", 20, N | T, ~0u, 0},
	{"flag_6", 20, 0x40 | N | T, 0, 1},
	{"flag_31", 20, 1u << 31 | N | T, 0, 1},
	{"no_flags", 20, 0, 0, 1},
	{"no_data", 20, T, 0, 1},
	{"two_datas", 24, N | B | T, 0, 1},
	{"all_datas", 24, N | B | E | T, 0, 1},
	{"no_action", 20, N, 0, 1},
	{"two_actions", 20, N | M | T, 0, 1},
	{"all_actions", 20, N | M | U | T, 0, 1},
	{"bool_without_data", 20, B | T, 0, 1},
	{"eventfd_without_data", 20, E | T, 0, 1},
	{"eventfd_with_3_bytes", 23, E | T, 0, 1},
	{"count_0_no_action", 20, N, 0, 0},
};

static const char *label(long i)
{
	static char buf[64];
	long row = i / 5;

	if (row >= (long)COUNT(rows))
		return NULL;
	snprintf(buf, sizeof(buf), "%s_%s", index_names[i % 5], rows[row].name);
	return buf;
}

static void refuses(long i)
{
	struct session s = session_device();
	char buf[64] = {0};
	struct vfio_irq_set *set = (void *)buf;
	long row = i / 5;

	set->argsz = rows[row].argsz;
	set->flags = rows[row].flags;
	set->index = (uint32_t)(i % 5);
	set->start = rows[row].start;
	set->count = rows[row].count;
	memset(set->data, 0xff, 4);
	result(ioctl(s.device, VFIO_DEVICE_SET_IRQS, set));
}

static const uint32_t datas[] = {N, B, E};
static const uint32_t actions[] = {M, U, T};
static const char *const data_names[] = {"none", "bool", "eventfd"};
static const char *const action_names[] = {"mask", "unmask", "trigger"};

/* Every action with every data on every index, nothing being enabled. */
static const char *kind_label(long i)
{
	static char buf[64];

	if (i >= 45)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_%s_%s", index_names[i / 9],
		 action_names[i / 3 % 3], data_names[i % 3]);
	return buf;
}

static void when_idle(long i)
{
	struct session s = session_device();
	int fd = event_fd();
	unsigned char one = 1;

	edu_quiet(s.device);
	result(irq_set(s.device, datas[i % 3] | actions[i / 3 % 3],
		       (uint32_t)(i / 9), 0, 1,
		       i % 3 == 1 ? (void *)&one : (void *)&fd));
	value("count", no_events(fd));
}

/* The same once the index has an eventfd; not for those that have none. */
static void when_enabled(long i)
{
	struct session s = session_device();
	int old = event_fd(), fd = event_fd();
	unsigned char one = 1;
	uint32_t index = (uint32_t)(i / 9);

	edu_quiet(s.device);
	outcome("enable", irq_trigger_fd(s.device, index, old));
	result(irq_set(s.device, datas[i % 3] | actions[i / 3 % 3], index, 0, 1,
		       i % 3 == 1 ? (void *)&one : (void *)&fd));
	value("old", no_events(old));
	value("new", no_events(fd));
}

static void count_zero_when_enabled(long i)
{
	struct session s = session_device();
	int fd = event_fd();
	uint32_t index = (uint32_t)(i / 9);

	edu_quiet(s.device);
	outcome("enable", irq_trigger_fd(s.device, index, fd));
	result(irq_set(s.device, datas[i % 3] | actions[i / 3 % 3], index, 0, 0,
		       NULL));
	outcome("loop_back", irq_set(s.device, N | T, index, 0, 1, NULL));
	value("count", no_events(fd));
}

static void bad_index(long i)
{
	struct session s = session_device();

	result(irq_set(s.device, N | T, (uint32_t)i, 0, 1, NULL));
}

static void null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_SET_IRQS, NULL));
}

static void with_readable_bytes(long len)
{
	struct session s = session_device();
	struct {
		uint32_t argsz, flags, index, start, count;
		int32_t fd;
	} req = {24, E | T, 4, 0, 1, -1};
	void *p = before_fault((size_t)len);

	memcpy(p, &req, (size_t)len);
	result(ioctl(s.device, VFIO_DEVICE_SET_IRQS, p));
}

/* The payload is read before the action is looked at. */
static void payload_fault_precedes_bad_action(void)
{
	struct session s = session_device();
	struct vfio_irq_set set = {
		.argsz = 24, .flags = E | M, .index = 4, .count = 1};
	void *p = before_fault(ABI_IRQ_SET_SIZE);

	memcpy(p, &set, ABI_IRQ_SET_SIZE);
	result(ioctl(s.device, VFIO_DEVICE_SET_IRQS, p));
}

static void argsz_may_be_larger(void)
{
	struct session s = session_device();
	char buf[64] = {0};
	struct vfio_irq_set *set = (void *)buf;

	set->argsz = ~0u;
	set->flags = E | T;
	set->index = 4;
	set->count = 1;
	memset(set->data, 0xff, 4);
	result(ioctl(s.device, VFIO_DEVICE_SET_IRQS, set));
}

static const struct conf_case cases[] = {
	EACH(refuses, label),
	EACH(when_idle, kind_label),
	EACH(when_enabled, kind_label),
	EACH(count_zero_when_enabled, kind_label),
	RANGE(bad_index, 5, 6, 1),
	RANGE(bad_index, 0x7fffffffl, 0xffffffffl, 0x80000000l),
	CASE(null_pointer),
	RANGE(with_readable_bytes, 16, 24, 1),
	CASE(payload_fault_precedes_bad_action),
	CASE(argsz_may_be_larger),
};

TABLE(table_set_irqs, "set_irqs", cases);
