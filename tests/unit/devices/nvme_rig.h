/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of nvme, as small as the tests allow.
 */
#ifndef UVF_TESTS_DEVICES_NVME_RIG_H
#define UVF_TESTS_DEVICES_NVME_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../src/devices/nvme/regs.h"
#include "fake_host.h"

#define NVME_RIG_QUEUES  4         /* with the admin queues */
#define NVME_RIG_ENTRIES 16        /* of each */
#define NVME_RIG_DATA    0x200000u /* free memory from here on */
#define NVME_RIG_PAGE    4096u

extern const struct uvfio_pci_model uvfio_model_nvme;

struct nvme_rig {
	struct uvfio_dev *dev;
	uint32_t tails[NVME_RIG_QUEUES];
	uint32_t heads[NVME_RIG_QUEUES];
	bool phases[NVME_RIG_QUEUES];
	uint16_t next_cid;
	struct nvme_completion last; /* that was taken */
};

/* A controller with these options; fails the test when there is none. */
void nvme_rig_create(struct nvme_rig *rig, const struct fake_option *options);
void nvme_rig_destroy(struct nvme_rig *rig);

/* Enable it, with @queues pairs for I/O, and bus mastering and MSI-X on. */
void nvme_rig_start(struct nvme_rig *rig, unsigned int queues);
/* Disable it, and forget the queues. */
void nvme_rig_stop(struct nvme_rig *rig);

/* Queue a command and ring; gives it the next number, which is returned. */
uint16_t nvme_rig_put(struct nvme_rig *rig, unsigned int queue,
		      const struct nvme_command *command);
/* The next completion of a queue, if it is there. */
bool nvme_rig_take(struct nvme_rig *rig, unsigned int queue);
/* Put, wait, take: the status, without the phase tag. */
uint16_t nvme_rig_do(struct nvme_rig *rig, unsigned int queue,
		     const struct nvme_command *command);

/* The usual commands, with data at NVME_RIG_DATA. */
uint16_t nvme_rig_move(struct nvme_rig *rig, uint8_t opcode, uint64_t lba,
		       uint32_t blocks, uint64_t data);
uint16_t nvme_rig_identify(struct nvme_rig *rig, uint32_t cns, uint32_t nsid);
uint16_t nvme_rig_log(struct nvme_rig *rig, uint32_t log, uint32_t bytes);
uint16_t nvme_rig_feature(struct nvme_rig *rig, bool set, uint32_t id,
			  uint32_t value);

/* What is wrong with these options: init() must refuse them. */
void nvme_rig_assert_refused(const struct fake_option *options,
			     const char *why);

static inline uint32_t nvme_rig_get(struct nvme_rig *rig, uint32_t offset)
{
	return fake_read32(rig->dev, 0, offset);
}

static inline void nvme_rig_set(struct nvme_rig *rig, uint32_t offset,
				uint32_t value)
{
	fake_write32(rig->dev, 0, offset, value);
}

#endif /* UVF_TESTS_DEVICES_NVME_RIG_H */
