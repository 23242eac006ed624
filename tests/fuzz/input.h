/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* An input, taken apart from its start; zeros follow its end. */
struct input {
	const uint8_t *data;
	size_t size;
};

uint8_t take8(struct input *input);
uint16_t take16(struct input *input);
uint32_t take32(struct input *input);
uint64_t take64(struct input *input);
/* Copies up to len bytes; returns how many there were. */
size_t take_bytes(struct input *input, void *buf, size_t len);

#endif /* TESTS_FUZZ_INPUT_H */
