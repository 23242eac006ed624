/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading what is written to files of sysfs, as the kernel reads it.
 */
#ifndef UVF_BASE_PARSE_H
#define UVF_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * uvf_parse_ulong() - an unsigned number, decimal, 0x or 0 for octal
 * @text: a plus may precede it, one newline may follow it
 * Return: 0, or -EINVAL no number, -ERANGE it does not fit.
 */
int uvf_parse_ulong(const char *text, uint64_t *ret_value);

/* The same with a sign, in 32 bits. */
int uvf_parse_int(const char *text, int *ret_value);

/* Return: 0, or -EINVAL neither y, Y, t, T, 1, on nor n, N, f, F, 0, off. */
int uvf_parse_bool(const char *text, bool *ret_value);

#define UVF_UUID_LENGTH 36

/* Whether a text begins with a UUID, in letters of either case. */
bool uvf_parse_is_uuid(const char *text, size_t size);

/* Equal, but for one newline at the end of either. */
bool uvf_parse_equal(const char *a, const char *b);

#endif /* UVF_BASE_PARSE_H */
