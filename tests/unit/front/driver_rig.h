/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of this process, its device, and a program that uses it.
 */
#ifndef TESTS_UNIT_FRONT_DRIVER_RIG_H
#define TESTS_UNIT_FRONT_DRIVER_RIG_H

#include <linux/vfio.h>
#include <stdatomic.h>

#include <uvfio/driver.h>
#include <uvfio/uvfio.h>

#define NAME "thing0"
#define PAGE 4096ull
#define IOVA 0x100000ull
#define CMD  _IO(VFIO_TYPE, VFIO_BASE + 90)

/* Where a thing has memory in its file, the page of its file that is first. */
#define MEMORY_AT   (8 * PAGE)
#define MEMORY_SIZE (3 * PAGE)

/* What a driver saw, and what it says. */
struct thing {
	struct uvfio_vfio_device *device;
	unsigned int inits, releases, opens, closes;
	atomic_uint requests;
	atomic_uint unmaps;
	int init_ret, open_ret, match_ret;
	uint64_t unmap_iova, unmap_len;
	uint64_t pinned; /* IOVA; 0: nothing */
	int memory;      /* a file of MEMORY_SIZE, or -1 */
	char text[16];
};

extern const struct uvfio_vfio_ops mapped_ops; /* its memory, and no more */
extern const struct uvfio_vfio_ops full_ops;
extern const struct uvfio_vfio_ops bare_ops; /* nothing at all */
extern const struct uvfio_vfio_ops match_ops;

/* A machine with an emulated device in it, and a container with its group. */
struct rig {
	struct uvfio_machine *machine;
	struct thing thing;
	int container, group;
};

void rig_create(struct rig *rig, const struct uvfio_vfio_ops *ops);
void rig_open_group_in(struct rig *rig, const char *container);
void rig_open_group(struct rig *rig);
long rig_open_device(struct rig *rig, const char *name);
void rig_destroy(struct rig *rig);

#endif /* TESTS_UNIT_FRONT_DRIVER_RIG_H */
