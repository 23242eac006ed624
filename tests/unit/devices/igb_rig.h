/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of igb, as small as the tests allow, and captures to feed it.
 */
#ifndef UVF_TESTS_DEVICES_IGB_RIG_H
#define UVF_TESTS_DEVICES_IGB_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "fake_host.h"

#define RIG_FRAME_MAX 9724
#define RIG_PATH      64

extern const struct uvfio_pci_model uvfio_model_igb;

struct rig_frame {
	uint32_t length;
	uint8_t bytes[RIG_FRAME_MAX + 8];
};

/* Where a queue pair is in fake_memory, and what it was told. */
struct rig {
	struct uvfio_dev *dev;
	uint32_t queue; /* 0 unless the test says otherwise */
	uint64_t rx_ring;
	uint64_t rx_buffers;
	uint32_t rx_count;
	uint32_t rx_stride; /* bytes from a buffer to the next */
	uint32_t rx_buffer; /* bytes of a buffer that may be written */
	bool rx_legacy;
	uint32_t rx_next; /* descriptor to look at */
	uint32_t rx_tail;
	uint32_t rx_words[4]; /* last descriptor of the last frame taken */
	uint64_t tx_ring;
	uint64_t tx_buffers;
	uint32_t tx_count;
	uint32_t tx_tail;
	uint64_t tx_used; /* bytes of tx_buffers taken, wraps by ring */
};

/* Each takes 8 MiB of the memory, by @slot 0 to 3. */
void rig_init(struct rig *rig, struct uvfio_dev *dev, unsigned int slot);

/* @buffer: 256, 512, 1024, 2048 or whole KiB */
void rig_rx_start(struct rig *rig, uint32_t count, uint32_t buffer, bool legacy,
		  uint32_t rctl);
void rig_tx_start(struct rig *rig, uint32_t count, uint32_t tctl);

/* Arm @count more descriptors, which must be free. */
void rig_rx_arm(struct rig *rig, uint32_t count);
/* The next frame; false when it is not whole yet. */
bool rig_rx_take(struct rig *rig, struct rig_frame *ret_frame);
/* Whether nothing was written beyond the buffers. */
bool rig_rx_is_clean(const struct rig *rig);

/* Where the queue has the register that is at @offset for the first. */
uint32_t rig_queue_reg(const struct rig *rig, uint32_t offset);

/* Put a frame's descriptors into the ring, at least @pieces if it can. */
void rig_tx_put(struct rig *rig, const struct rig_frame *frame, uint32_t pieces,
		bool legacy, bool report);
void rig_tx_descriptor(struct rig *rig, uint64_t address, uint32_t command,
		       uint32_t status);
/* Show the device what was put. */
void rig_tx_ring_bell(struct rig *rig);
uint32_t rig_tx_free(struct rig *rig);

void rig_frame_fill(struct rig_frame *frame, uint32_t length, uint32_t seed);

/* Captures, in files that the test removes. */
void rig_capture_name(char path[RIG_PATH], const char *what);
void rig_capture_write(const char *path, const struct rig_frame *frames,
		       uint32_t count, int link_type);
uint32_t rig_capture_read(const char *path, struct rig_frame *frames,
			  uint32_t limit);

static inline uint32_t rig_get(const struct rig *rig, uint32_t offset)
{
	return fake_read32(rig->dev, 0, offset);
}

static inline void rig_set(const struct rig *rig, uint32_t offset,
			   uint32_t value)
{
	fake_write32(rig->dev, 0, offset, value);
}

#endif /* UVF_TESTS_DEVICES_IGB_RIG_H */
