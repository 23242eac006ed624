/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers of ioat.  They have one to eight bytes and are next to each
 * other, and drivers read and write them in any width: an access is taken
 * apart into the registers it touches.
 */
#include <string.h>

#include "ioat.h"

#define CHANNELS 1

/* Where each register is; what is in no row reads 0 and ignores writes. */
static const struct {
	uint8_t offset;
	uint8_t size;
} registers[] = {
	{IOAT_CHANCNT, 1},   {IOAT_XFERCAP, 1},     {IOAT_GENCTRL, 1},
	{IOAT_INTRCTRL, 1},  {IOAT_ATTNSTATUS, 4},  {IOAT_CBVER, 1},
	{IOAT_INTRDELAY, 2}, {IOAT_CS_STATUS, 2},   {IOAT_DMACAP, 4},
	{IOAT_CHANCTRL, 2},  {IOAT_CHANCMD, 1},     {IOAT_DMACOUNT, 2},
	{IOAT_CHANSTS, 8},   {IOAT_CHAINADDR, 8},   {IOAT_CHANCMP, 8},
	{IOAT_CHANERR, 4},   {IOAT_CHANERRMASK, 4},
};
#define REGISTER_COUNT (sizeof(registers) / sizeof(registers[0]))

static uint8_t read_intrctrl(const struct ioat *ioat)
{
	uint8_t value = ioat->intrctrl;

	if (ioat->attention)
		value |= INTRCTRL_STATUS;
	if (ioat->attention && (value & INTRCTRL_MASTER))
		value |= INTRCTRL_INT;
	return value;
}

/* What it shows, without what reading it does. */
static uint64_t peek(const struct ioat *ioat, unsigned int offset)
{
	switch (offset) {
	case IOAT_CHANCNT:
		return CHANNELS;
	case IOAT_XFERCAP:
		return ioat->xfercap;
	case IOAT_GENCTRL:
		return ioat->genctrl;
	case IOAT_INTRCTRL:
		return read_intrctrl(ioat);
	case IOAT_ATTNSTATUS:
		return ioat->attention;
	case IOAT_CBVER:
		return ioat->version;
	case IOAT_INTRDELAY:
		return ioat->intrdelay;
	case IOAT_DMACAP:
		return DMACAP_FILL;
	case IOAT_CHANCTRL:
		return ioat->chanctrl;
	case IOAT_DMACOUNT:
		return ioat->count;
	case IOAT_CHANSTS:
		return ioat_status(ioat);
	case IOAT_CHAINADDR:
		return ioat->chainaddr;
	case IOAT_CHANCMP:
		return ioat->chancmp;
	case IOAT_CHANERR:
		return ioat->chanerr;
	case IOAT_CHANERRMASK:
		return ioat->chanerrmask;
	default: /* CS_STATUS; CHANCMD, whose commands are done at once */
		return 0;
	}
}

/*
 * Where a register and an access meet: the first byte within each, and how
 * many there are.
 */
struct overlap {
	size_t reg;
	size_t buf;
	size_t len;
};

static bool find_overlap(unsigned int i, uint64_t offset, size_t len,
			 struct overlap *ret)
{
	uint64_t first = registers[i].offset;
	uint64_t end = first + registers[i].size;

	if (offset >= end || offset + len <= first)
		return false;
	ret->reg = offset > first ? (size_t)(offset - first) : 0;
	ret->buf = offset < first ? (size_t)(first - offset) : 0;
	ret->len = registers[i].size - ret->reg;
	if (ret->len > len - ret->buf)
		ret->len = len - ret->buf;
	return true;
}

void ioat_register_read(struct ioat *ioat, uint64_t offset, void *buf,
			size_t len)
{
	struct overlap at;
	uint64_t value;

	memset(buf, 0, len);
	for (unsigned int i = 0; i < REGISTER_COUNT; i++) {
		if (!find_overlap(i, offset, len, &at))
			continue;
		value = peek(ioat, registers[i].offset);
		memcpy((uint8_t *)buf + at.buf, (uint8_t *)&value + at.reg,
		       at.len);
		if (registers[i].offset == IOAT_ATTNSTATUS) {
			ioat->attention = 0;
			ioat_update_line(ioat);
		}
	}
}

/*
 * A 64-bit address may be written in halves.  The chain starts with the
 * upper one, which comes last.
 */
static void write_chainaddr(struct ioat *ioat, uint64_t value,
			    const struct overlap *at)
{
	ioat->chainaddr = value;
	if (at->reg + at->len == sizeof(value))
		ioat_set_chain(ioat, value);
}

static void write_register(struct ioat *ioat, unsigned int offset,
			   uint64_t value, const struct overlap *at)
{
	switch (offset) {
	case IOAT_GENCTRL:
		ioat->genctrl = (uint8_t)value;
		break;
	case IOAT_INTRCTRL:
		ioat->intrctrl = (uint8_t)value & INTRCTRL_WMASK;
		ioat_update_line(ioat);
		break;
	case IOAT_INTRDELAY:
		ioat->intrdelay = (uint16_t)value;
		break;
	case IOAT_CHANCTRL:
		ioat->chanctrl = (uint16_t)value;
		break;
	case IOAT_CHANCMD:
		ioat_command(ioat, (uint8_t)value);
		break;
	case IOAT_DMACOUNT:
		ioat_set_count(ioat, (uint16_t)value);
		break;
	case IOAT_CHAINADDR:
		write_chainaddr(ioat, value, at);
		break;
	case IOAT_CHANCMP:
		ioat->chancmp = value;
		break;
	case IOAT_CHANERRMASK:
		ioat->chanerrmask = (uint32_t)value;
		break;
	default:
		break; /* read-only */
	}
}

void ioat_register_write(struct ioat *ioat, uint64_t offset, const void *buf,
			 size_t len)
{
	struct overlap at;
	uint64_t value;

	for (unsigned int i = 0; i < REGISTER_COUNT; i++) {
		if (!find_overlap(i, offset, len, &at))
			continue;
		/* Bytes that are not written clear no error. */
		value = registers[i].offset == IOAT_CHANERR
				? 0
				: peek(ioat, registers[i].offset);
		memcpy((uint8_t *)&value + at.reg,
		       (const uint8_t *)buf + at.buf, at.len);
		if (registers[i].offset == IOAT_CHANERR)
			ioat->chanerr &= ~(uint32_t)value;
		else
			write_register(ioat, registers[i].offset, value, &at);
	}
}
