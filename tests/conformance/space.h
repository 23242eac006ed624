/* SPDX-License-Identifier: BSD-3-Clause */
/* The five ways to map memory for a device, behind the same calls. */
#ifndef CONFORMANCE_SPACE_H
#define CONFORMANCE_SPACE_H

#include "lib.h"

/* Of a container: type1, then type1v2; of an iommufd in its place; native. */
enum mode {
	V1,
	V2,
	C1,
	C2,
	NATIVE,
	MODES
};

#define TYPE1_MODES   2 /* V1 and V2, which every kernel has */
#define COMPAT_MODES  2 /* C1 and C2 */
#define IOMMUFD_MODES 3 /* C1, C2 and NATIVE */

#define SPACE_DEVICES 4 /* two of them in one group */

struct space {
	enum mode mode;
	int fd; /* container or iommufd */
	uint32_t ioas;
	int groups[SPACE_DEVICES]; /* cdevs in NATIVE */
	int devices[SPACE_DEVICES];
	int count; /* of devices that are open */
};

const char *mode_name(enum mode mode);
/* "v2_" and @label for each mode from @first on and each label, or NULL. */
const char *mode_label(long i, enum mode first, long modes,
		       const char *(*label)(long arg));

/* Makes families of run(mode, arg): for type1, and for an iommufd. */
#define BY_TYPE1(run, label_fn)                                                \
	static const char *run##_label_of_type1(long i)                        \
	{                                                                      \
		return mode_label(i, V1, TYPE1_MODES, label_fn);               \
	}                                                                      \
	static void run##_by_type1(long i)                                     \
	{                                                                      \
		run((enum mode)(i % TYPE1_MODES), i / TYPE1_MODES);            \
	}
#define BY_IOMMUFD(run, label_fn)                                              \
	static const char *run##_label_of_iommufd(long i)                      \
	{                                                                      \
		return mode_label(i, C1, IOMMUFD_MODES, label_fn);             \
	}                                                                      \
	static void run##_by_iommufd(long i)                                   \
	{                                                                      \
		run((enum mode)(C1 + i % IOMMUFD_MODES), i / IOMMUFD_MODES);   \
	}
/* Only in the place of a container. */
#define BY_COMPAT(run, label_fn)                                               \
	static const char *run##_label_of_iommufd(long i)                      \
	{                                                                      \
		return mode_label(i, C1, COMPAT_MODES, label_fn);              \
	}                                                                      \
	static void run##_by_iommufd(long i)                                   \
	{                                                                      \
		run((enum mode)(C1 + i % COMPAT_MODES), i / COMPAT_MODES);     \
	}
#define BY_MODE(run, label_fn)                                                 \
	BY_TYPE1(run, label_fn)                                                \
	BY_IOMMUFD(run, label_fn)
#define EACH_OF_TYPE1(fn)                                                      \
	{                                                                      \
		.name = #fn, .run_arg = fn##_by_type1,                         \
		.label = fn##_label_of_type1                                   \
	}
#define EACH_OF_IOMMUFD(fn)                                                    \
	{                                                                      \
		.name = #fn, .run_arg = fn##_by_iommufd,                       \
		.label = fn##_label_of_iommufd                                 \
	}

/* Without devices there is the group of the first, but not in NATIVE. */
struct space space_open(enum mode mode, int devices);
void space_add(struct space *space); /* the next device */
int space_map(const struct space *space, uint32_t rights, const void *at,
	      uint64_t iova, uint64_t size);
int space_unmap(const struct space *space, uint64_t iova, uint64_t *size);
void space_clear(const struct space *space);
int space_is_mapped(const struct space *space, uint64_t iova);

/* Up to three mappings from an address on, in pages; a label for each and a
 * start. */
#define LAYOUT_SPAN  12
#define LAYOUT_PARTS 3

struct layout {
	const char *label;
	struct {
		unsigned int first, count;
	} parts[LAYOUT_PARTS];
};

const struct layout *layout_of(long i);
uint64_t layout_start(long i);
const char *layout_label(long i);
void layout_map(const struct space *space, const struct layout *layout,
		char *memory, uint64_t iova);

/*
 * Which of @count pages from @iova on the devices can write, where @memory
 * is mapped or was: a digit for each page.
 */
void space_load(const struct space *space);
void space_reach(const struct space *space, char *text, unsigned char *memory,
		 uint64_t iova, const unsigned int *at, unsigned int count);

#endif /* CONFORMANCE_SPACE_H */
