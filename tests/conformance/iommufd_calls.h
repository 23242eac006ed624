/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of an iommufd, each with an argument that is right. */
#ifndef CONFORMANCE_IOMMUFD_CALLS_H
#define CONFORMANCE_IOMMUFD_CALLS_H

#include "lib.h"

/* Four pages are mapped at CALLS_IOVA for a device; a second space is empty. */
#define CALLS_IOVA 0x100000ull
#define CALLS_MAX  64 /* bytes of the longest argument, and some */

struct calls {
	int fd;
	int cdev;
	uint32_t devid, ioas, other, hwpt;
	void *memory; /* 16 pages */
};

struct iommufd_call {
	const char *name;
	unsigned int nr;
	uint32_t min, size;
	void (*fill)(const struct calls *calls, void *arg);
};

extern const struct iommufd_call iommufd_calls[];
extern const long iommufd_call_count;

struct calls calls_open(void);
struct calls calls_without_device(void);
const char *calls_label(long i);
/* The right argument, zeros behind it. */
void calls_fill(const struct calls *calls, long i, void *arg);

#endif /* CONFORMANCE_IOMMUFD_CALLS_H */
