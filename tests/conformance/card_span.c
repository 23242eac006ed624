/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Config space of devices with capabilities: accesses of any length and
 * place, the lists of capabilities, and the sizes of BARs.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>

static const struct {
	int dev;
	unsigned int off;
	size_t size;
} spans[] = {
	{CARD_NIC, 0xff, 2},     {CARD_NIC, 0xfe, 4},
	{CARD_NIC, 0xfd, 7},     {CARD_NIC, 0x100, 1},
	{CARD_NIC, 0x101, 7},    {CARD_NIC, 0, 64},
	{CARD_NIC, 0, 256},      {CARD_NIC, 0, 257},
	{CARD_NIC, 0, 4096},     {CARD_NIC, 0, 4097},
	{CARD_NIC, 1, 4096},     {CARD_NIC, 0xffc, 4},
	{CARD_NIC, 0xffd, 3},    {CARD_NIC, 0xffd, 4},
	{CARD_NIC, 0xfff, 1},    {CARD_NIC, 0xfff, 2},
	{CARD_NIC, 0x1000, 0},   {CARD_NIC, 0x1000, 1},
	{CARD_NIC, 0x1001, 1},   {CARD_NIC, 0xfff, 0},
	{CARD_NIC, 0, 0},        {CARD_NIC, 0x7fffffff, 1},
	{CARD_TEST_A, 0, 256},   {CARD_TEST_A, 0, 257},
	{CARD_TEST_A, 0xff, 1},  {CARD_TEST_A, 0xff, 2},
	{CARD_TEST_A, 0x100, 0}, {CARD_TEST_A, 0x100, 1},
	{CARD_TEST_A, 0xfff, 1}, {CARD_TEST_A, 0x1000, 1},
	{CARD_NVME, 0x100, 4},   {CARD_NVME, 0, 4096},
	{CARD_NVME, 0, 4097},    {CARD_NVME, 0x3e, 4},
	{CARD_NET, 0xfc, 4},     {CARD_NET, 0xfc, 8},
	{CARD_NET, 0x100, 4},
};

static const char *span_label(long i)
{
	char rest[32];

	if (i >= (long)COUNT(spans))
		return NULL;
	snprintf(rest, sizeof(rest), "0x%x_size_%zu", spans[i].off,
		 spans[i].size);
	return card_label(spans[i].dev, rest);
}

/* Shows V34. */
static void reads_span(long i)
{
	struct session s = card_session(spans[i].dev);
	static unsigned char buf[8192];
	size_t touched = 0;

	memset(buf, 0xa5, sizeof(buf));
	result(cfg_access(s.device, spans[i].off, spans[i].size, buf, 0));
	for (size_t b = spans[i].size; b < sizeof(buf); b++)
		touched += buf[b] != 0xa5;
	value("behind", (long long)touched);
}

/* What is there is written again, so that nothing changes.  Shows V34. */
static void writes_span(long i)
{
	struct session s = card_session(spans[i].dev);
	static unsigned char buf[8192];

	if (cfg_access(s.device, spans[i].off, spans[i].size, buf, 0) < 0)
		memset(buf, 0, sizeof(buf));
	result(cfg_access(s.device, spans[i].off, spans[i].size, buf, 1));
}

/* Each length at each place of some registers equals single bytes. */
static const struct {
	int dev;
	unsigned int off;
	const char *name;
} places[] = {
	{CARD_NIC, 0x00, "identity"},    {CARD_NIC, 0x08, "class"},
	{CARD_NIC, 0x2c, "subsystem"},   {CARD_NIC, MSIX_CAP, "msix"},
	{CARD_NIC, PM_CAP, "pm"},        {CARD_NIC, MSI_CAP, "msi"},
	{CARD_NIC, EXP_CAP, "express"},  {CARD_NIC, 0xfc, "middle"},
	{CARD_NIC, 0x100, "errors"},     {CARD_NIC, 0x13c, "serial"},
	{CARD_NVME, 0x80, "express"},    {CARD_NVME, 0x3c, "header_end"},
	{CARD_TEST_A, 0x00, "identity"}, {CARD_NET, 0x40, "vendor"},
};

static const char *place_label(long i)
{
	return i < (long)COUNT(places)
		       ? card_label(places[i].dev, places[i].name)
		       : NULL;
}

/* Shows V33. */
static void lengths_agree(long i)
{
	struct session s = card_session(places[i].dev);
	unsigned char bytes[16], buf[16];
	int same = 0, all = 0;

	for (unsigned int b = 0; b < sizeof(bytes); b++)
		need(cfg_access(s.device, places[i].off + b, 1, bytes + b, 0) ==
			     1,
		     "byte");
	for (unsigned int off = 0; off < 8; off++)
		for (size_t size = 1; off + size <= sizeof(buf); size++) {
			all++;
			if (cfg_access(s.device, places[i].off + off, size, buf,
				       0) == (long)size)
				same += !memcmp(buf, bytes + off, size);
		}
	result(same == all);
	for (unsigned int b = 0; b < sizeof(bytes); b++)
		report("%s%02x", b ? "" : " bytes=",
		       cfg_stable(places[i].dev, places[i].off + b, 1,
				  bytes[b]));
}

static const char *card_names(long i)
{
	return i < CARDS ? cards[i].name : NULL;
}

/* Shows V39. */
static void list_of(long i)
{
	struct session s = card_session((int)i + DEVICES);
	unsigned int at = cfg_read(s.device, 0x34, 1);

	result(cfg_read(s.device, 6, 1) >> 4 & 1);
	for (int n = 0; at && n < 48; n++) {
		report(" %02x@%02x", cfg_read(s.device, at, 1), at);
		at = cfg_read(s.device, at + 1, 1);
	}
}

/* Shows V40. */
static void extended_list_of(long i)
{
	struct session s = card_session((int)i + DEVICES);
	unsigned int at = 0x100;
	uint32_t head;

	result(cfg_access(s.device, at, 4, &head, 0));
	for (int n = 0;
	     at && n < 48 && card_of((int)i + DEVICES)->config_size > 256;
	     n++) {
		head = cfg_read(s.device, at, 4);
		report(" %04x/%x@%03x", head & 0xffff, head >> 16 & 0xf, at);
		at = head >> 20 & 0xffc;
	}
}

/* Six BARs and the ROM, by 4, 2 and 1 bytes. */
static const char *sizing_label(long i)
{
	static const char *const widths[] = {"4", "2", "1"};
	char rest[32];

	if (i >= CARDS * 21)
		return NULL;
	snprintf(rest, sizeof(rest), "%ld_by_%s", i / 3 % 7, widths[i % 3]);
	return card_label((int)(i / 21) + DEVICES, rest);
}

/* Shows V37. */
static void sizing(long i)
{
	static const unsigned int widths[] = {4, 2, 1};
	struct session s = card_session((int)(i / 21) + DEVICES);
	unsigned int reg =
		i / 3 % 7 < 6 ? 0x10 + 4 * (unsigned int)(i / 3 % 7) : 0x30;
	unsigned int width = widths[i % 3];

	for (unsigned int off = reg; off < reg + 4; off += width)
		cfg_write(s.device, off, width, ~0u);
	result(cfg_access(s.device, reg, 4, &width, 0));
	hex("ones", cfg_read(s.device, reg, 4));
	cfg_write(s.device, reg, 4, 0x12345678);
	hex("some", cfg_read(s.device, reg, 4));
	cfg_write(s.device, reg, 4, 0);
	hex("zeros", cfg_read(s.device, reg, 4));
}

static const struct conf_case cases[] = {
	EACH(reads_span, span_label),       EACH(writes_span, span_label),
	EACH(lengths_agree, place_label),   EACH(list_of, card_names),
	EACH(extended_list_of, card_names), EACH(sizing, sizing_label),
};

TABLE_OF(table_card_span, "card_span", cases, has_cards);
