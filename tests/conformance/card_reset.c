/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of one function, and of all that share a bus: whom the latter
 * concerns, and who may ask for it.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *card_names(long i)
{
	return i < CARDS ? cards[i].name : NULL;
}

static void reset(long i)
{
	struct session s = card_session((int)i + DEVICES);
	struct vfio_device_info info = {.argsz = sizeof(info)};

	need(!ioctl(s.device, VFIO_DEVICE_GET_INFO, &info), "info");
	result(ioctl(s.device, VFIO_DEVICE_RESET));
	hex("flags", info.flags);
	hex("command", cfg_read(s.device, 4, 2));
}

/* What a client wrote before, and what is there after. */
static const struct {
	const char *name;
	unsigned int off, size;
	uint32_t v;
} writes[] = {
	{"command", 0x04, 2, 0x0007},
	{"disintx", 0x04, 2, 0x0406},
	{"decode_off", 0x04, 2, 0x0000},
	{"cache_line", 0x0c, 1, 0x10},
	{"bar0", 0x10, 4, 0x12340000},
	{"bar0_ones", 0x10, 4, 0xffffffff},
	{"rom", 0x30, 4, 0xffffffff},
	{"line", 0x3c, 1, 0x33},
	{"msi_address", MSI_CAP + 4, 4, 0xfee00000},
	{"msi_data", MSI_CAP + 12, 2, 0x4041},
	{"device_control", EXP_CAP + 8, 2, 0x2000},
	{"error_mask", ERRORS + 0x14, 4, 0x00000001},
	{"error_severity", ERRORS + 12, 4, 0x00000010},
	{"error_checks", ERRORS + 0x18, 4, 0x00000140},
	{"raw", 0x40, 4, 0x5a5a5a5a},
};

/* Through each way to a reset. */
static const char *const ways[] = {"ioctl", "d3", "close", "hot"};

static const char *write_label(long i)
{
	static char buf[64];

	if (i >= (long)COUNT(writes) * 4)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_%s", ways[i % 4], writes[i / 4].name);
	return buf;
}

static int hot_reset(int device, const int *fds, uint32_t count, uint32_t argsz)
{
	struct {
		uint32_t argsz, flags, count;
		int fds[8];
	} req = {.argsz = argsz, .count = count};

	memcpy(req.fds, fds, 4 * (count < 8 ? count : 8));
	return ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &req);
}

static int go(struct session *s, int way)
{
	switch (way) {
	case 0:
		return ioctl(s->device, VFIO_DEVICE_RESET);
	case 1:
		if (cfg_write(s->device, PM_CAP + 4, 2, 3) != 2)
			return -1;
		return cfg_write(s->device, PM_CAP + 4, 2, 0) == 2 ? 0 : -1;
	case 2:
		close(s->device);
		s->device = device_open(s->group, CARD_NIC);
		return s->device < 0 ? -1 : 0;
	default:
		return hot_reset(s->device, &s->group, 1, 64);
	}
}

/* Shows V54, V55. */
static void keeps(long i)
{
	struct session s = card_session(CARD_NIC);
	unsigned int off = writes[i / 4].off, size = writes[i / 4].size;
	uint32_t old = cfg_read(s.device, off, size), then, now;

	cfg_write(s.device, off, size, writes[i / 4].v);
	then = cfg_read(s.device, off, size);
	result(go(&s, (int)(i % 4)));
	hex("then", cfg_stable(CARD_NIC, off, size, then));
	now = cfg_read(s.device, off, size);
	hex("now", cfg_stable(CARD_NIC, off, size, now));
	value("same", now == then);
	value("as_before", now == old);
	cfg_write(s.device, off, size, old);
}

/* Triggers that are armed before a reset, and looped back after it. */
static const char *armed_label(long i)
{
	static char buf[64];
	static const char *const kinds[] = {"intx", "msi", "msix", "err",
					    "req"};

	if (i >= 20)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_%s", ways[i % 4], kinds[i / 4]);
	return buf;
}

/* Shows V54, V55. */
static void triggers(long i)
{
	struct session s = card_session(CARD_NIC);
	uint32_t index = (uint32_t)(i / 4);
	int fd = event_fd();

	need(!irq_trigger_fd(s.device, index, fd), "enable");
	result(go(&s, (int)(i % 4)));
	outcome("loop", irq_set(s.device, ABI_IRQ_NONE | ABI_IRQ_TRIGGER, index,
				0, 1, NULL));
	value("count", counted(fd));
	hex("msix", cfg_read(s.device, MSIX_CAP + 2, 2));
	hex("command", cfg_read(s.device, 4, 2));
}

/* Room for the answer, of each card. */
static const uint32_t rooms[] = {0, 11, 12, 13, 19, 20, 27, 28, 36, 44, 64};

static const char *room_label(long i)
{
	char rest[16];

	if (i >= CARDS * (long)COUNT(rooms))
		return NULL;
	snprintf(rest, sizeof(rest), "%u", rooms[i % (long)COUNT(rooms)]);
	return card_label((int)(i / (long)COUNT(rooms)) + DEVICES, rest);
}

struct hot_info {
	uint32_t argsz, flags, count;
	struct vfio_pci_dependent_device devices[8];
};

static void show_entry(const struct vfio_pci_dependent_device *d, int own)
{
	report(" %04x:%02x:%02x.%x:%s", d->segment, d->bus, d->devfn >> 3,
	       d->devfn & 7u, (int)d->group_id == own ? "own" : "other");
}

/* Shows V56. */
static void hot_info(long i)
{
	int dev = (int)(i / (long)COUNT(rooms)) + DEVICES;
	struct session s = card_session(dev);
	struct hot_info info;

	memset(&info, 0, sizeof(info));
	info.argsz = rooms[i % (long)COUNT(rooms)];
	result(ioctl(s.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
	value("argsz", info.argsz);
	hex("flags", info.flags);
	value("count", info.count);
	for (uint32_t n = 0; n < info.count && n < 8; n++)
		if (info.argsz >= 20 + 8 * n && info.devices[n].bus)
			show_entry(&info.devices[n], group_id(dev));
}

/* Which descriptors are handed in. */
enum {
	NONE,
	OWN,
	OWN_TWICE,
	OTHER_GROUP,
	OWN_AND_OTHER,
	CONTAINER,
	DEVICE,
	CLOSED,
	MINUS_1,
	FILE_FD,
	MANY,
	HANDED
};
static const char *const handed_names[HANDED] = {
	"none",          "own",       "own_twice", "other_group",
	"own_and_other", "container", "device",    "closed",
	"minus_1",       "file",      "too_many",
};

static const char *handed_label(long i)
{
	if (i >= CARDS * HANDED)
		return NULL;
	return card_label((int)(i / HANDED) + DEVICES,
			  handed_names[i % HANDED]);
}

static uint32_t hand(int *fds, struct session *s, int dev, long what)
{
	int other =
		what == OTHER_GROUP || what == OWN_AND_OTHER
			? group_open(dev == CARD_NVME ? CARD_NET : CARD_NVME)
			: -1;
	int one[HANDED] = {
		-1,        s->group,    s->group, other, s->group, s->container,
		s->device, closed_fd(), -1,       0,     s->group};

	fds[0] = one[what];
	fds[1] = what == OWN_AND_OTHER ? other : s->group;
	for (int n = 2; n < 8; n++)
		fds[n] = s->group;
	switch (what) {
	case NONE:
		return 0;
	case OWN_TWICE:
	case OWN_AND_OTHER:
		return 2;
	case MANY:
		return 8;
	default:
		return 1;
	}
}

/* Shows V56. */
static void hot(long i)
{
	int dev = (int)(i / HANDED) + DEVICES, fds[8];
	struct session s = card_session(dev);
	uint32_t count = hand(fds, &s, dev, i % HANDED);

	result(hot_reset(s.device, fds, count, 64));
	hex("command", cfg_read(s.device, 4, 2));
}

static void hot_argsz(long argsz)
{
	struct session s = card_session(CARD_NIC);

	result(hot_reset(s.device, &s.group, 1, (uint32_t)argsz));
}

/* The other function of the slot is opened, or its decode is off. */
static void hot_of_two(long other_is_open)
{
	struct session s = card_session(CARD_FN0);
	int other = other_is_open ? card_other(&s, CARD_FN1) : -1;

	if (other >= 0) {
		cfg_write(other, 0x3c, 1, 0x21);
		cfg_command(other, 2, 4);
	}
	result(hot_reset(s.device, &s.group, 1, 64));
	if (other < 0)
		return;
	hex("command", cfg_read(other, 4, 2));
	hex("line", cfg_read(other, 0x3c, 1));
}

static void null_pointers(long i)
{
	struct session s = card_session((int)i + DEVICES);

	result(ioctl(s.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, NULL));
	outcome("reset", ioctl(s.device, VFIO_DEVICE_PCI_HOT_RESET, NULL));
}

static const struct conf_case cases[] = {
	EACH(reset, card_names),     EACH(keeps, write_label),
	EACH(triggers, armed_label), EACH(hot_info, room_label),
	EACH(hot, handed_label),     RANGE(hot_argsz, 8, 20, 1),
	RANGE(hot_of_two, 0, 1, 1),  EACH(null_pointers, card_names),
};

TABLE_OF(table_card_reset, "card_reset", cases, has_cards);
