/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written where the kernel expects one thing: right, and odd. */
#ifndef CONFORMANCE_NAMES_H
#define CONFORMANCE_NAMES_H

#include <stddef.h>

/* One text: a front, what is meant if is_named, a back, then filler. */
struct odd_text {
	const char *label;
	const char *front;
	int is_named;
	const char *back;
	size_t back_len; /* 0: strlen(back) */
	size_t fill;     /* grows to this many bytes */
	char filler;
};

#define ODD_MAX 8192

extern const struct odd_text odd_texts[];
const char *odd_label(long i);
size_t odd_text(long i, const char *name, char buf[ODD_MAX]);

#endif /* CONFORMANCE_NAMES_H */
