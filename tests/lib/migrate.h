/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine on one side of a migration: devices that are open, reach one piece
 * of memory by DMA, and are moved from state to state.
 */
#ifndef TESTS_LIB_MIGRATE_H
#define TESTS_LIB_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvfio/uvfio.h>

#define SIDE_DEVICES 24

/* enum vfio_device_mig_state; the last two are newer than some headers. */
enum {
	MIG_ERROR,
	MIG_STOP,
	MIG_RUNNING,
	MIG_STOP_COPY,
	MIG_RESUMING,
	MIG_RUNNING_P2P,
	MIG_PRE_COPY,
	MIG_PRE_COPY_P2P,
};

struct side {
	struct uvfio_machine *machine;
	int container;
	unsigned int count;
	int groups[SIDE_DEVICES];
	int devices[SIDE_DEVICES];
};

/* One device for each of @specs, which ends with NULL; fails the test. */
void side_open(struct side *side, const char *const *specs);
void side_close(struct side *side);

/* Memory for DMA, at an address of the bus. */
void side_map(struct side *side, void *memory, uint64_t iova, size_t size);

/* COMMAND: memory and I/O space, bus mastering. */
void side_enable(struct side *side, unsigned int device);

uint32_t side_read(struct side *side, unsigned int device, uint64_t offset);
void side_write(struct side *side, unsigned int device, uint64_t offset,
		uint32_t value);

/* Vectors 0 and up of an index of interrupts signal these eventfds. */
void side_irqs(struct side *side, unsigned int device, uint32_t index,
	       const int *events, unsigned int count);

/* VFIO_DEVICE_FEATURE with these flags; data goes in and comes out. */
int side_feature(struct side *side, unsigned int device, uint32_t flags,
		 void *data, size_t size);

/* SET of the state; *ret_fd is -1 or a descriptor.  The ioctl's result. */
int side_set_state(struct side *side, unsigned int device, uint32_t state,
		   int *ret_fd);
uint32_t side_state(struct side *side, unsigned int device);

/* The whole stream of a device in STOP_COPY; to be freed. */
uint8_t *side_read_all(struct side *side, int fd, size_t *ret_size);

/* The same from RUNNING; @has_precopy: by PRE_COPY. */
uint8_t *side_save(struct side *side, unsigned int device, bool has_precopy,
		   size_t *ret_size);

/* Bring a device from RUNNING to RUNNING with another state. */
void side_load(struct side *side, unsigned int device, const uint8_t *state,
	       size_t size);

#endif /* TESTS_LIB_MIGRATE_H */
