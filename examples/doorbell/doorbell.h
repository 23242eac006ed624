/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device, which adds up the bytes of buffers, and its driver share. */
#ifndef DOORBELL_H
#define DOORBELL_H

#include <stdint.h>

#define BAR_SIZE     0x4000
#define REG_COMMANDS 0x00   /* 64 bits: address of the queue of commands */
#define REG_ANSWERS  0x08   /* 64 bits: address of the queue of completions */
#define REG_ENTRIES  0x10   /* 32 bits: of each; not 0 switches it on */
#define REG_BELL     0x1000 /* 32 bits: how many commands were ever queued */
#define BUFFER_MAX   4096   /* bytes */
#define MSIX_TABLE   0x2000
#define MSIX_PENDING 0x3000

struct command {
	uint64_t address; /* on the bus */
	uint32_t size;    /* bytes, up to BUFFER_MAX */
	uint32_t id;
};

struct completion {
	uint64_t sum;
	uint32_t id;
	uint32_t failed; /* 1: the buffer is too large, or not there */
};

#endif /* DOORBELL_H */
