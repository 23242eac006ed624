/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a target was given since its machine was new.  A machine serves many
 * inputs, since to make one costs more than an input does; one that breaks it
 * may need those before it.
 */
#ifndef TESTS_FUZZ_HISTORY_H
#define TESTS_FUZZ_HISTORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Keeps them in the file that the environment variable UVF_FUZZ_HISTORY names,
 * if it does, as they come: each a length of 4 bytes, then the input.  The
 * replay of a target takes such a file in place of a directory.
 */
void history_add(const uint8_t *data, size_t size);

/* All machines are new. */
void history_clear(void);

#endif /* TESTS_FUZZ_HISTORY_H */
