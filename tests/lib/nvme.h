/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of NVMe for VFIO programs: one controller, queues that are polled
 * or waited for, no memory of its own beyond a pool.  It runs on a real kernel
 * as well.
 *
 * What fails ends the program with a line that says so.
 */
#ifndef TESTS_LIB_NVME_H
#define TESTS_LIB_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NVME_QUEUES  5 /* with the admin queues */
#define NVME_ENTRIES 256u

struct nvme_queue {
	struct nvme_sqe *sq;
	volatile struct nvme_cqe *cq;
	volatile uint32_t *sq_bell, *cq_bell;
	uint32_t tail, head; /* what the host has put and taken */
	uint16_t phase;
	int event; /* eventfd of its vector; -1: polled */
};

struct nvme_sqe {
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid;
	uint64_t reserved, mptr, prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

struct nvme_cqe {
	uint32_t result, reserved;
	uint16_t sq_head, sq_id, cid, status;
};

struct nvme {
	int container, group, device;
	uint8_t *regs;
	uint8_t *memory; /* at IOVA NVME_IOVA */
	size_t size, used;
	uint64_t blocks; /* of namespace 1 */
	uint32_t block;  /* bytes */
	struct nvme_queue queues[NVME_QUEUES];
};

#define NVME_IOVA 0x10000000u

/*
 * Open and start a controller, with so much memory for queues and data: shared,
 * or anonymous and the process's own.
 */
void nvme_open(struct nvme *nvme, const char *address, size_t size,
	       bool is_shared);
/* Shut down, disable and close. */
void nvme_close(struct nvme *nvme);

/* Part of the memory, whole pages; never given back. */
void *nvme_alloc(struct nvme *nvme, size_t size);
uint64_t nvme_iova(const struct nvme *nvme, const void *memory);

/* A pair of queues; whoever wants to wait for it has interrupts. */
void nvme_queue_create(struct nvme *nvme, unsigned int id, bool has_interrupts);

/* Put a command; the doorbell is rung by nvme_ring(). */
void nvme_put(struct nvme_queue *queue, const struct nvme_sqe *command);
void nvme_ring(struct nvme_queue *queue);
/* The next completion, or false. */
bool nvme_take(struct nvme_queue *queue, struct nvme_cqe *ret_cqe);
/* Tell the controller what was taken. */
void nvme_taken(struct nvme_queue *queue);
/* One command from start to end; its status. */
uint16_t nvme_do(struct nvme_queue *queue, const struct nvme_sqe *command);

#endif /* TESTS_LIB_NVME_H */
