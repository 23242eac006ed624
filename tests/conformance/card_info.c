/* SPDX-License-Identifier: BSD-3-Clause */
/* What the calls for information say of devices of several kinds. */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static const char *label(long i)
{
	return i < CARDS ? cards[i].name : NULL;
}

static void device(long i)
{
	struct session s = card_session((int)i + DEVICES);
	struct vfio_device_info info = {.argsz = sizeof(info)};

	result(ioctl(s.device, VFIO_DEVICE_GET_INFO, &info));
	hex("flags", info.flags);
	value("regions", info.num_regions);
	value("irqs", info.num_irqs);
}

/* Ten regions of each card, and five interrupts. */
static const char *region_label(long i)
{
	char rest[16];

	if (i >= CARDS * 10)
		return NULL;
	snprintf(rest, sizeof(rest), "%ld", i % 10);
	return card_label((int)(i / 10) + DEVICES, rest);
}

static void show_caps(const unsigned char *buf, uint32_t at, size_t size)
{
	for (int i = 0; at && i < 8; i++) {
		struct vfio_info_cap_header head;

		if (at + sizeof(head) > size) {
			hex("cap_beyond", at);
			return;
		}
		memcpy(&head, buf + at, sizeof(head));
		report(" cap@%u=%u/%u", at, head.id, head.version);
		at = head.next;
	}
}

static void ask_region(int device, uint32_t index, uint32_t argsz)
{
	unsigned char buf[256];
	struct vfio_region_info *info = (void *)buf;
	size_t touched = 0;

	memset(buf, 0xa5, sizeof(buf));
	info->argsz = argsz;
	info->index = index;
	result(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info));
	for (size_t b = 32; b < sizeof(buf); b++)
		touched += buf[b] != 0xa5;
	value("argsz", info->argsz);
	hex("flags", info->flags);
	hex("cap_offset", info->cap_offset);
	hex("size", info->size);
	hex("offset", info->offset);
	value("touched", (long long)touched);
	if (info->flags & VFIO_REGION_INFO_FLAG_CAPS &&
	    info->argsz <= sizeof(buf) && argsz >= info->argsz)
		show_caps(buf, info->cap_offset, sizeof(buf));
}

/* Shows V6, V7, V8. */
static void region(long i)
{
	struct session s = card_session((int)(i / 10) + DEVICES);

	ask_region(s.device, (uint32_t)(i % 10), 256);
}

/* The BAR that holds the MSI-X table.  Shows V8. */
static void table_argsz(long argsz)
{
	struct session s = card_session(CARD_NIC);

	ask_region(s.device, 3, (uint32_t)argsz);
}

static void region_with_decode_off(long i)
{
	struct session s = card_session((int)(i / 10) + DEVICES);

	cfg_command(s.device, 3, 0);
	ask_region(s.device, (uint32_t)(i % 10), 256);
}

static const char *irq_label(long i)
{
	char rest[16];

	if (i >= CARDS * 6)
		return NULL;
	snprintf(rest, sizeof(rest), "%ld", i % 6);
	return card_label((int)(i / 6) + DEVICES, rest);
}

/* Shows V10, V11. */
static void irq(long i)
{
	struct session s = card_session((int)(i / 6) + DEVICES);
	struct vfio_irq_info info = {.argsz = sizeof(info),
				     .index = (uint32_t)(i % 6)};

	result(ioctl(s.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	hex("flags", info.flags);
	value("count", info.count);
}

static const struct conf_case cases[] = {
	EACH(device, label),
	EACH(region, region_label),
	EACH(region_with_decode_off, region_label),
	RANGE(table_argsz, 30, 52, 1),
	EACH(irq, irq_label),
};

TABLE_OF(table_card_info, "card_info", cases, has_cards);
