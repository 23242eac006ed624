/* SPDX-License-Identifier: BSD-3-Clause */
#include "input.h"

#include <string.h>

size_t take_bytes(struct input *input, void *buf, size_t len)
{
	if (len > input->size)
		len = input->size;
	if (len)
		memcpy(buf, input->data, len);
	input->data += len;
	input->size -= len;
	return len;
}

uint8_t take8(struct input *input)
{
	uint8_t value = 0;

	(void)take_bytes(input, &value, sizeof(value));
	return value;
}

uint16_t take16(struct input *input)
{
	uint16_t value = 0;

	(void)take_bytes(input, &value, sizeof(value));
	return value;
}

uint32_t take32(struct input *input)
{
	uint32_t value = 0;

	(void)take_bytes(input, &value, sizeof(value));
	return value;
}

uint64_t take64(struct input *input)
{
	uint64_t value = 0;

	(void)take_bytes(input, &value, sizeof(value));
	return value;
}
