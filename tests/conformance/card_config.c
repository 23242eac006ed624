/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Config space of devices with capabilities: what each piece of 4, 2 and 1
 * bytes reads, and what it keeps of ones and of zeros.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>

/* Runs of config space; what nobody claims is asked by samples. */
static const struct run {
	int dev;
	unsigned int first, end;
	int is_pieces; /* by words and bytes too */
} runs[] = {
	{CARD_NIC, 0x00, 0x44, 0},     {CARD_NIC, MSIX_CAP, 0xb0, 1},
	{CARD_NIC, PM_CAP, 0xf4, 1},   {CARD_NIC, 0xfc, 0x104, 0},
	{CARD_NIC, 0x104, 0x150, 0},   {CARD_NIC, 0xff8, 0x1000, 0},
	{CARD_NVME, 0x00, 0x40, 1},    {CARD_NVME, 0x40, 0x50, 0},
	{CARD_NVME, 0x60, 0x6c, 0},    {CARD_NVME, 0x80, 0xc0, 1},
	{CARD_NVME, 0x100, 0x108, 0},  {CARD_TEST_A, 0x00, 0x44, 0},
	{CARD_TEST_A, 0xfc, 0x100, 0}, {CARD_NET, 0x00, 0x40, 0},
	{CARD_FN1, 0x00, 0x10, 0},
};

/* The @n-th piece of @size bytes; false past the last. */
static int piece(long n, unsigned int size, int *dev, unsigned int *off)
{
	for (size_t r = 0; r < COUNT(runs); r++) {
		long count = (runs[r].end - runs[r].first) / size;

		if (size < 4 && !runs[r].is_pieces)
			continue;
		if (n < count) {
			*dev = runs[r].dev;
			*off = runs[r].first + (unsigned int)n * size;
			return 1;
		}
		n -= count;
	}
	return 0;
}

static const char *piece_label(long n, unsigned int size)
{
	unsigned int off;
	char rest[16];
	int dev;

	if (!piece(n, size, &dev, &off))
		return NULL;
	snprintf(rest, sizeof(rest), "0x%03x", off);
	return card_label(dev, rest);
}

static const char *dword_label(long n)
{
	return piece_label(n, 4);
}

static const char *word_label(long n)
{
	return piece_label(n, 2);
}

static const char *byte_label(long n)
{
	return piece_label(n, 1);
}

static void ones_and_zeros(long n, unsigned int size)
{
	uint32_t all = size == 4 ? ~0u : (1u << 8 * size) - 1;
	struct session s;
	unsigned int off;
	uint32_t old;
	int dev;

	need(piece(n, size, &dev, &off), "piece");
	s = card_session(dev);
	old = cfg_read(s.device, off, size);
	result(cfg_write(s.device, off, size, all));
	hex("reads", cfg_stable(dev, off, size, old));
	hex("after_ones",
	    cfg_kept(dev, off, size, cfg_read(s.device, off, size)));
	outcome("zeros", cfg_write(s.device, off, size, 0));
	hex("after_zeros",
	    cfg_kept(dev, off, size, cfg_read(s.device, off, size)));
	cfg_write(s.device, off, size, old);
	value("restored", cfg_read(s.device, off, size) == old);
}

/* Shows V35, V38, V45, V47. */
static void dword(long n)
{
	ones_and_zeros(n, 4);
}

static void word(long n)
{
	ones_and_zeros(n, 2);
}

static void byte(long n)
{
	ones_and_zeros(n, 1);
}

/* Which bits of a word can be set one by one. */
static const struct {
	int dev;
	unsigned int off;
	const char *name;
} registers[] = {
	{CARD_NIC, 0x04, "command"},
	{CARD_NVME, 0x04, "command"},
	{CARD_NIC, PM_CAP + 2, "pm_capabilities"},
	{CARD_NIC, MSI_CAP + 2, "msi_control"},
	{CARD_NIC, MSIX_CAP + 2, "msix_control"},
	{CARD_NIC, EXP_CAP + 8, "device_control"},
	{CARD_NIC, EXP_CAP + 16, "link_control"},
	{CARD_NVME, 0x88, "device_control"},
};

static const char *register_label(long i)
{
	return i < (long)COUNT(registers)
		       ? card_label(registers[i].dev, registers[i].name)
		       : NULL;
}

/* Shows V35, V43, V44. */
static void bits(long i)
{
	struct session s = card_session(registers[i].dev);
	unsigned int off = registers[i].off;
	uint32_t old = cfg_read(s.device, off, 2), kept = 0;

	for (unsigned int bit = 0; bit < 16; bit++) {
		cfg_write(s.device, off, 2, 0);
		cfg_write(s.device, off, 2, 1u << bit);
		kept |= cfg_read(s.device, off, 2) & 1u << bit;
	}
	cfg_write(s.device, off, 2, old);
	result(cfg_read(s.device, off, 2) == old);
	hex("bits", cfg_kept(registers[i].dev, off, 2, kept));
}

static const struct conf_case cases[] = {
	EACH(dword, dword_label),
	EACH(word, word_label),
	EACH(byte, byte_label),
	EACH(bits, register_label),
};

TABLE_OF(table_card_config, "card_config", cases, has_cards);
