/* SPDX-License-Identifier: BSD-3-Clause */
/* The device: -d ./doorbell.so; docs/examples/doorbell.md explains it. */
#include <string.h>

#include <uvfio/pci.h>

#include "doorbell.h"

#define BATCH 32 /* commands at a time, so that others get their turn */

struct doorbell {
	uint64_t commands, answers;
	uint32_t entries, done;
};

static void serve(struct uvfio_dev *dev, struct doorbell *bell)
{
	uint32_t slot = bell->done++ % bell->entries;
	struct completion answer = {0};
	struct command command;
	uint8_t bytes[BUFFER_MAX];

	if (uvfio_dma_read(dev, bell->commands + slot * sizeof(command),
			   &command, sizeof(command)))
		return;
	answer.id = command.id;
	answer.failed =
		command.size > sizeof(bytes) ||
		uvfio_dma_read(dev, command.address, bytes, command.size);
	for (uint32_t i = 0; !answer.failed && i < command.size; i++)
		answer.sum += bytes[i];
	(void)uvfio_dma_write(dev, bell->answers + slot * sizeof(answer),
			      &answer, sizeof(answer));
}

static bool poll(struct uvfio_dev *dev)
{
	struct doorbell *bell = uvfio_priv(dev);
	uint32_t *rung = uvfio_mem(dev, 0, REG_BELL);
	uint32_t count = __atomic_load_n(rung, __ATOMIC_ACQUIRE);
	uint32_t waiting = count - bell->done;

	/* A driver that rings for more than there is room for gets nothing. */
	if (!waiting || waiting > bell->entries)
		return false;
	for (uint32_t i = 0; i < waiting && i < BATCH; i++)
		serve(dev, bell);
	(void)uvfio_vector_send(dev, 0);
	return waiting > BATCH;
}

static int access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		  void *buf, size_t len, bool is_write)
{
	struct doorbell *bell = uvfio_priv(dev);
	void *field = offset == REG_COMMANDS && len == 8  ? &bell->commands
		      : offset == REG_ANSWERS && len == 8 ? &bell->answers
		      : offset == REG_ENTRIES && len == 4
			      ? (void *)&bell->entries
			      : NULL;

	if (bar || !field)
		return -1;
	memcpy(is_write ? field : buf, is_write ? buf : field, len);
	uvfio_poll_hint(dev, bell->entries);
	return 0;
}

static void reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	(void)kind;
	memset(uvfio_priv(dev), 0, sizeof(struct doorbell));
	memset(uvfio_mem(dev, 0, REG_BELL), 0, sizeof(uint32_t));
	uvfio_poll_hint(dev, false);
}

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "doorbell",
	.summary = "adds up the bytes of buffers",
	.ops = &(struct uvfio_device_ops){.access = access,
					  .poll = poll,
					  .reset = reset},
	.priv_size = sizeof(struct doorbell),
	.vendor = 0x1234,
	.device = 0xd00b,
	.class_code = 0x120000, /* processing accelerator */
	.msix = {.offset = 0x40,
		 .vectors = 1,
		 .table_offset = MSIX_TABLE,
		 .pba_offset = MSIX_PENDING},
	.bars[0] = {.size = BAR_SIZE,
		    .widths = 4 | 8,
		    .spans = &(struct uvfio_span){REG_BELL, 0x1000,
						  UVFIO_PAGE_POLL},
		    .span_count = 1},
};
