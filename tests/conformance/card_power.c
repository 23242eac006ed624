/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Power management: the states of the capability, low power, and what works
 * in them.  Two files of one device, too, which share all of it.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PM_CONTROL (PM_CAP + 4)
#define ET         (ABI_IRQ_EVENTFD | ABI_IRQ_TRIGGER)
#define NT         (ABI_IRQ_NONE | ABI_IRQ_TRIGGER)

static void show_access(int device, char *map)
{
	uint32_t v;

	outcome("bar", pread(device, &v, 4, 0));
	outcome("io", pread(device, &v, 4, ABI_REGION(2)));
	outcome("rom", pread(device, &v, 4, ABI_REGION(6)));
	value("touch", touch(map, 0));
	hex("id", cfg_read(device, 0, 4));
	hex("command", cfg_read(device, 4, 2));
}

static char *map_bar(int device)
{
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0);

	need(p != MAP_FAILED, "mmap");
	return p;
}

/* Shows V41. */
static void state(long d)
{
	struct session s = card_session(CARD_NIC);
	char *map = map_bar(s.device);

	result(cfg_write(s.device, PM_CONTROL, 2, (uint32_t)d));
	hex("control", cfg_read(s.device, PM_CONTROL, 2));
	show_access(s.device, map);
	outcome("back", cfg_write(s.device, PM_CONTROL, 2, 0));
	hex("control", cfg_read(s.device, PM_CONTROL, 2));
	show_access(s.device, map);
}

/* What asks for D3 and then for something else of the device. */
static const char *const asked[] = {"reset", "irq_info",  "set_irqs",
				    "mmap",  "hot_reset", "close"};

static const char *asked_label(long i)
{
	return i < (long)COUNT(asked) ? asked[i] : NULL;
}

static void in_d3(long i)
{
	struct session s = card_session(CARD_NIC);
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = 2};
	struct {
		uint32_t argsz, flags, count;
		int group;
	} hot = {16, 0, 1, s.group};
	int fd = event_fd();
	void *p;

	cfg_write(s.device, PM_CONTROL, 2, 3);
	switch (i) {
	case 0:
		result(ioctl(s.device, VFIO_DEVICE_RESET));
		break;
	case 1:
		result(ioctl(s.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
		break;
	case 2:
		result(irq_set(s.device, ET, 2, 0, 1, &fd));
		break;
	case 3:
		p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s.device, 0);
		result(p == MAP_FAILED ? -1 : 0);
		value("touch", p == MAP_FAILED ? -1 : touch(p, 0));
		break;
	case 4:
		result(ioctl(s.device, VFIO_DEVICE_PCI_HOT_RESET, &hot));
		break;
	default:
		close(s.device);
		s.device = device_open(s.group, CARD_NIC);
		result(s.device < 0 ? -1 : 0);
	}
	hex("control", cfg_read(s.device, PM_CONTROL, 2));
	hex("command", cfg_read(s.device, 4, 2));
}

static int feature(int device, uint32_t flags, void *data, size_t size)
{
	unsigned char buf[64] = {0};
	struct vfio_device_feature *f = (void *)buf;

	f->argsz = (uint32_t)(sizeof(*f) + size);
	f->flags = flags;
	if (size)
		memcpy(f->data, data, size);
	return ioctl(device, VFIO_DEVICE_FEATURE, f);
}

#define SET   VFIO_DEVICE_FEATURE_SET
#define GET   VFIO_DEVICE_FEATURE_GET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

/* Each number with each direction, asked and done. */
static const uint32_t ways[] = {
	PROBE, PROBE | GET, PROBE | SET, PROBE | GET | SET,
	GET,   SET,         GET | SET,   0};

static const char *feature_label(long i)
{
	static const char *const names[] = {
		"probe", "probe_get", "probe_set", "probe_both",
		"get",   "set",       "both",      "nothing"};
	char rest[32];

	if (i >= 3 * 13 * 8)
		return NULL;
	snprintf(rest, sizeof(rest), "%ld_%s", i / 8 % 13, names[i % 8]);
	return card_label(i / 104 == 0   ? CARD_NIC
			  : i / 104 == 1 ? CARD_TEST_A
					 : CARD_NVME,
			  rest);
}

/* Shows V57. */
static void feature_of(long i)
{
	int dev = i / 104 == 0   ? CARD_NIC
		  : i / 104 == 1 ? CARD_TEST_A
				 : CARD_NVME;
	struct session s = card_session(dev);
	unsigned char data[40] = {0};

	result(feature(s.device, ways[i % 8] | (uint32_t)(i / 8 % 13), data,
		       sizeof(data)));
}

#define ENTRY  3u
#define WAKEUP 4u
#define EXIT   5u

/* Shows V58. */
static void low_power(long touch_bar)
{
	struct session s = card_session(CARD_NIC);
	char *map = map_bar(s.device);

	result(feature(s.device, SET | ENTRY, NULL, 0));
	outcome("again", feature(s.device, SET | ENTRY, NULL, 0));
	if (touch_bar)
		value("touch", touch(map, 0));
	hex("id", cfg_read(s.device, 0, 4));
	outcome("leave", feature(s.device, SET | EXIT, NULL, 0));
	outcome("leave_again", feature(s.device, SET | EXIT, NULL, 0));
	value("touch", touch(map, 0));
}

static void low_power_ends_with_close(void)
{
	struct session s = card_session(CARD_NIC);

	result(feature(s.device, SET | ENTRY, NULL, 0));
	close(s.device);
	s.device = device_open(s.group, CARD_NIC);
	outcome("entry", feature(s.device, SET | ENTRY, NULL, 0));
}

/* Shows V4. */
static void two_files_are_one_device(void)
{
	struct session s = card_session(CARD_NIC);
	int other = card_other(&s, CARD_NIC), fd = event_fd();

	cfg_command(s.device, 0, 4);
	cfg_write(s.device, 0x3c, 1, 0x44);
	cfg_write(s.device, PM_CONTROL, 2, 3);
	result(cfg_write(other, 0x10, 4, ~0u));
	hex("command", cfg_read(other, 4, 2));
	hex("line", cfg_read(other, 0x3c, 1));
	hex("control", cfg_read(other, PM_CONTROL, 2));
	hex("bar", cfg_read(s.device, 0x10, 4));
	cfg_write(other, PM_CONTROL, 2, 0);
	outcome("enable", irq_set(other, ET, 2, 0, 1, &fd));
	close(other);
	outcome("loop", irq_set(s.device, NT, 2, 0, 1, NULL));
	value("count", counted(fd));
	hex("line", cfg_read(s.device, 0x3c, 1));
	hex("bar", cfg_read(s.device, 0x10, 4));
}

static const struct conf_case cases[] = {
	RANGE(state, 0, 3, 1),           EACH(in_d3, asked_label),
	EACH(feature_of, feature_label), RANGE(low_power, 0, 1, 1),
	CASE(low_power_ends_with_close), CASE(two_files_are_one_device),
};

TABLE_OF(table_card_power, "card_power", cases, has_cards);
