/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of a bus by the character devices: who is told by which id, and
 * whose devices have to be bound to the same context.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct {
	int dev, other; /* -1: nothing else is on its bus */
} pairs[] = {
	{CARD_NIC, -1},       {CARD_FN0, CARD_FN1},
	{CARD_FN1, CARD_FN0}, {CARD_TEST_A, CARD_TEST_B},
	{CARD_NVME, -1},
};

/* What is with the other device. */
enum {
	CLOSED,
	UNBOUND,
	SAME,
	ANOTHER,
	SAME_ATTACHED,
	STATES
};
static const char *const state_names[STATES] = {
	"closed", "unbound", "same_context", "another_context", "attached",
};

static const char *label(long i)
{
	return i < (long)COUNT(pairs) * STATES
		       ? card_label(pairs[i / STATES].dev,
				    state_names[i % STATES])
		       : NULL;
}

struct bound {
	int iommufd;
	int cdev;
	uint32_t id;
	int other; /* -1: none */
	uint32_t other_id;
};

static struct bound bound(long i)
{
	int other = pairs[i / STATES].other;
	struct bound b = {.iommufd = iommufd_open(), .other = -1};

	b.cdev = cdev_open(pairs[i / STATES].dev);
	b.id = cdev_id(b.cdev, b.iommufd);
	if (other < 0 || i % STATES == CLOSED)
		return b;
	b.other = cdev_open(other);
	if (i % STATES == UNBOUND)
		return b;
	b.other_id = cdev_id(b.other, i % STATES == ANOTHER ? iommufd_open()
							    : b.iommufd);
	if (i % STATES == SAME_ATTACHED)
		need(!cdev_attach(b.other, ioas_alloc(b.iommufd)), "attach");
	return b;
}

struct hot_info {
	uint32_t argsz, flags, count;
	struct vfio_pci_dependent_device devices[8];
};

static const char *id_name(const struct bound *b, uint32_t id)
{
	if (id == b->id)
		return "own";
	if (b->other_id && id == b->other_id)
		return "other";
	if (id == 0)
		return "owned";
	return id == ~0u ? "not_owned" : "unknown";
}

/* Shows V56. */
static void hot_info(long i)
{
	struct bound b = bound(i);
	struct hot_info info;

	memset(&info, 0, sizeof(info));
	info.argsz = sizeof(info);
	result(ioctl(b.cdev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
	hex("flags", info.flags);
	value("count", info.count);
	for (uint32_t n = 0; n < info.count && n < 8; n++)
		report(" %02x.%x:%s", info.devices[n].bus,
		       info.devices[n].devfn,
		       id_name(&b, info.devices[n].group_id));
}

static int hot_reset(int cdev, uint32_t count, int fd)
{
	struct {
		uint32_t argsz, flags, count;
		int fd;
	} req = {16, 0, count, fd};

	return ioctl(cdev, VFIO_DEVICE_PCI_HOT_RESET, &req);
}

/* Shows V56. */
static void hot(long i)
{
	struct bound b = bound(i);

	result(hot_reset(b.cdev, 0, -1));
	hex("command", cfg_read(b.cdev, 4, 2));
}

/* Descriptors have no place in the request of a character device. */
static const char *const fds[] = {"iommufd", "cdev", "minus_1", "stdin"};

static const char *fd_label(long i)
{
	return i < (long)COUNT(fds) ? fds[i] : NULL;
}

static void hot_with(long i)
{
	struct bound b = bound(0);
	const int list[] = {b.iommufd, b.cdev, -1, 0};

	result(hot_reset(b.cdev, 1, list[i]));
}

static void hot_argsz(long argsz)
{
	struct bound b = bound(0);
	uint32_t req[4] = {(uint32_t)argsz, 0, 0, 0};

	result(ioctl(b.cdev, VFIO_DEVICE_PCI_HOT_RESET, req));
}

static void hot_when_unbound(void)
{
	int cdev = cdev_open(CARD_NIC);

	result(hot_reset(cdev, 0, -1));
}

static void hot_of_a_group_without_descriptors(void)
{
	struct session s = card_session(CARD_FN0);

	result(hot_reset(s.device, 0, -1));
}

static const struct conf_case cases[] = {
	EACH(hot_info, label),    EACH(hot, label),
	EACH(hot_with, fd_label), RANGE(hot_argsz, 8, 16, 1),
	CASE(hot_when_unbound),   CASE(hot_of_a_group_without_descriptors),
};

static int has_both(void)
{
	return has_cards() && has_cdev();
}

TABLE_OF(table_card_cdev, "card_cdev", cases, has_both);
