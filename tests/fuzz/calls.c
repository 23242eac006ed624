/* SPDX-License-Identifier: BSD-3-Clause */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

#define PAGE 4096ull

/* The lower half of memory is for arguments, the upper for what they name. */
#define HALF (CLIENT_SIZE / 2)

/*
 * Ends of ranges, and what lies beside them, decide; in tables of a guest,
 * bits of an address.
 */
static const uint64_t edges[] = {
	0,
	48,
	57,
	PAGE,
	0x200000,
	0x40000000,
	0xfee00000,
	0xfeefffff,
	0xfef00000,
	0x100000000,
	0x8000000,
	1ull << 39,
	1ull << 48,
	1ull << 57,
	1ull << 63,
	0x800000000000000,
	0xfd00000000,
	~0ull - (PAGE - 1),
	~0ull - 0x1fffff,
	~0ull,
};
#define EDGE_COUNT (sizeof(edges) / sizeof(edges[0]))

uint64_t take_iova(struct input *input)
{
	uint8_t choice = take8(input);
	uint64_t edge = edges[choice % EDGE_COUNT];

	if (choice < 160)
		return choice % 16 * PAGE;
	if (choice < 184)
		return edge;
	if (choice < 216)
		return edge + (uint64_t)(int8_t)take8(input) * PAGE;
	if (choice < 232)
		return choice % 16 * PAGE + take16(input);
	return take64(input);
}

uint64_t take_size(struct input *input)
{
	uint8_t choice = take8(input);

	if (choice < 168)
		return choice % 8 * PAGE;
	if (choice < 208)
		return edges[choice % EDGE_COUNT];
	if (choice < 224)
		return take16(input);
	if (choice < 240)
		return edges[choice % EDGE_COUNT] + PAGE;
	return take64(input);
}

static uint64_t take_vaddr(struct input *input)
{
	uint8_t choice = take8(input);

	if (choice < 192)
		return CLIENT_FIRST + HALF + choice % 8 * PAGE;
	if (choice < 224)
		return CLIENT_FIRST + take16(input);
	return take_iova(input);
}

/* Mostly one that is valid. */
static uint32_t take_number(struct input *input, uint32_t limit)
{
	uint8_t choice = take8(input);

	if (choice < 240)
		return limit ? choice % limit : 0;
	return choice < 248 ? limit : take32(input);
}

static uint32_t take_flags(struct input *input, uint32_t mask)
{
	uint8_t choice = take8(input);

	if (choice >= 248)
		return take32(input);
	/* Spread the bits of the choice over those of the mask. */
	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		if (!(choice & 1))
			mask &= ~(rest & -rest);
		choice >>= 1;
	}
	return mask;
}

static uint64_t take_pointer(struct client *client, struct input *input,
			     uint32_t count)
{
	uint8_t choice = take8(input);
	uint32_t at = HALF + choice % 64 * 8;

	if (choice >= 250)
		return take64(input) | 1ull << 32; /* outside */
	if (choice >= 240)
		at = CLIENT_SIZE - choice % 32;
	for (uint32_t i = 0; i < count && at + 8 * i + 8 <= CLIENT_SIZE; i++) {
		uint64_t value = take_iova(input);

		memcpy(client->memory + at + 8 * i, &value, sizeof(value));
	}
	return CLIENT_FIRST + at;
}

static uint64_t take_field(struct client *client, struct input *input,
			   const struct field *field)
{
	switch (field->kind) {
	case FIELD_U16:
	case FIELD_U32:
		return take_number(input, field->limit);
	case FIELD_LENGTH: {
		uint8_t choice = take8(input);

		return choice < 224 ? choice % 6 * 8u : choice;
	}
	case FIELD_FLAGS:
		return take_flags(input, field->limit);
	case FIELD_ID:
		return take_number(input, 12);
	case FIELD_FD:
		return take_number(input, CLIENT_FDS) - 1;
	case FIELD_IOVA:
		return take_iova(input);
	case FIELD_VADDR:
		return take_vaddr(input);
	case FIELD_SIZE:
		return take_size(input);
	case FIELD_PAGE: {
		uint8_t choice = take8(input);

		return choice < 192 ? PAGE : 1ull << choice % 64;
	}
	default:
		return take_pointer(client, input, field->limit);
	}
}

static size_t field_size(const struct field *field)
{
	if (field->kind == FIELD_U16)
		return 2;
	return field->kind < FIELD_IOVA ? 4 : 8;
}

static uint32_t take_argsz(struct input *input, uint32_t size)
{
	uint8_t choice = take8(input);

	if (choice < 208)
		return size;
	if (choice < 216)
		return size - 8;
	if (choice < 232)
		return size + choice % 16 * 8;
	return choice < 248 ? take8(input) : take32(input);
}

/* Where the argument is: in the lower half, or across the end. */
static uint32_t take_place(struct input *input)
{
	uint8_t choice = take8(input);

	return choice < 248 ? choice * 8u : CLIENT_SIZE - take8(input);
}

/* Puts the structure together; returns its size as the call is told. */
static uint32_t fill(const struct call *call, struct client *client,
		     struct input *input, uint32_t at, bool *ret_points)
{
	uint32_t argsz = take_argsz(input, call->size);
	uint8_t arg[256] = {0};
	size_t len = sizeof(arg);

	memcpy(arg, &argsz, sizeof(argsz));
	*ret_points = false;
	for (const struct field *f = call->fields;
	     f < call->fields + CALL_FIELDS && f->kind != FIELD_END; f++) {
		uint64_t value = take_field(client, input, f);

		memcpy(arg + f->offset, &value, field_size(f));
		*ret_points |= f->kind == FIELD_POINTER;
	}
	/* What is behind must not be there, for some. */
	if (argsz > call->size && argsz < len)
		arg[argsz - 1] = take8(input) & 1;
	if (len > CLIENT_SIZE - at)
		len = CLIENT_SIZE - at;
	memcpy(client->memory + at, arg, len);
	return argsz;
}

static void check_answer(const struct call *call, long ret)
{
	if (ret >= 0 || !call->errors[0])
		return;
	for (size_t i = 0; i < CALL_ERRORS && call->errors[i]; i++)
		if (call->errors[i] == -ret)
			return;
	fprintf(stderr, "ioctl 0x%x: unexpected answer %ld\n", call->cmd, ret);
	abort();
}

long call_make(const struct call *call, struct client *client,
	       struct uvf_file *file, struct input *input)
{
	uint32_t at = take_place(input), argsz;
	bool points;
	long ret;

	argsz = fill(call, client, input, at, &points);
	client->writable[0] = (struct uvf_range){CLIENT_FIRST + at,
						 CLIENT_FIRST + at + argsz - 1};
	client->writable[1] = (struct uvf_range){
		CLIENT_FIRST + HALF, CLIENT_FIRST + CLIENT_SIZE - 1};
	client->writable_count = points ? 2 : 1;
	client->is_guarded = argsz != 0;
	ret = uvf_file_ioctl(file, &client->caller, call->cmd,
			     CLIENT_FIRST + at);
	client->is_guarded = false;
	check_answer(call, ret);
	return ret;
}

void call_make_raw(struct client *client, struct uvf_file *file,
		   struct input *input)
{
	uint8_t number = take8(input);
	unsigned int cmd = number < 240 ? 0x3b60u + number % 64 : take32(input);
	uint32_t at = take_place(input);

	if (at < CLIENT_SIZE) {
		size_t room = CLIENT_SIZE - at, len = take8(input) % 96;

		(void)take_bytes(input, client->memory + at,
				 len < room ? len : room);
	}
	(void)uvf_file_ioctl(file, &client->caller, cmd,
			     number & 1 ? CLIENT_FIRST + at : at);
}
