/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ioat and a hostile driver: any registers in any width, any chain in memory
 * that has holes, changed while it works.  Whatever is written, each piece of
 * work is short, each count ends, and a reset leads back to the beginning.
 *
 * An input is operations; see run().
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "unit/devices/fake_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct uvfio_pci_model uvfio_model_ioat;

#define OPERATIONS_MAX 128

/* Where the driver keeps what an input does not aim elsewhere. */
#define RING  0x1000u
#define SLOTS 16

/* What there is of memory: a start with a hole, and an end. */
#define HOLE       0x8000u
#define HOLE_SIZE  0x1000u
#define START_SIZE 0x40000u
#define END        (FAKE_MEMORY_SIZE - 0x20000u)

/* A piece of work does no more DMA than this. */
#define PIECE_DMA 512

#define CHANCMD_RESET 0x20u
#define STATE_HALTED  3

static const uint8_t registers[] = {0x00, 0x03, 0x04, 0x0c, 0x80, 0x84,
				    0x86, 0x88, 0x90, 0x94, 0x98, 0xa8,
				    0xac, 0x85, 0x8f, 0xa0};

/* Mostly addresses that mean something. */
static uint64_t address(struct input *input)
{
	uint8_t choice = take8(input);

	switch (choice & 7) {
	case 0:
		return take64(input);
	case 1:
		return FAKE_MEMORY_SIZE - choice;
	case 2:
		return 0xfee00000u + choice;
	default:
		return RING + 64u * (choice >> 3) / 2;
	}
}

static void put_descriptor(struct input *input)
{
	uint8_t slot = take8(input) % SLOTS;
	uint32_t control = take8(input);
	uint64_t desc[8] = {0};

	control |= (uint32_t)(take8(input) % 3) << 24;
	desc[0] = take32(input) % 0x12000 | (uint64_t)control << 32;
	desc[1] = address(input);
	desc[2] = address(input);
	desc[3] = address(input);
	memcpy(fake_memory + RING + 64u * slot, desc, sizeof(desc));
}

static void touch(struct uvfio_dev *dev, struct input *input, bool is_write)
{
	uint8_t choice = take8(input);
	uint64_t offset =
		choice & 0x80 ? take16(input) % 0x2000 : registers[choice % 16];
	size_t len = (size_t)1 << (choice >> 5 & 3);
	uint64_t value = is_write ? address(input) : 0;

	offset -= offset % len;
	(void)dev->model->ops->access(dev, 0, offset, &value, len, is_write);
}

static bool work(struct uvfio_dev *dev)
{
	unsigned int before = dev->dma_reads + dev->dma_writes;
	bool is_busy = dev->model->ops->poll(dev);

	if (dev->dma_reads + dev->dma_writes - before > PIECE_DMA)
		abort();
	return is_busy;
}

/* One operation of the driver, of its host, or of time. */
static void run(struct uvfio_dev *dev, struct input *input)
{
	uint8_t operation = take8(input);

	switch (operation & 7) {
	case 0:
	case 1:
		touch(dev, input, true);
		break;
	case 2:
		touch(dev, input, false);
		break;
	case 3:
	case 4:
		put_descriptor(input);
		break;
	case 5:
		if (dev->timers[0])
			fake_fire(dev, 0);
		break;
	case 6:
		fake_set_bus_master(dev, operation & 0x80);
		fake_set_irq_mode(dev, operation >> 3 & 3);
		break;
	default:
		(void)work(dev);
		break;
	}
}

/* After a reset by its own register the channel is as new. */
static void check_reset(struct uvfio_dev *dev)
{
	uint8_t command = CHANCMD_RESET;
	uint64_t status = 0;

	(void)dev->model->ops->access(dev, 0, 0x84, &command, 1, true);
	(void)dev->model->ops->access(dev, 0, 0x88, &status, 8, false);
	if (status != STATE_HALTED || work(dev) || dev->timers[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};
	struct uvfio_error err;
	struct uvfio_dev *dev;

	fake_memory_narrow(HOLE, HOLE_SIZE, START_SIZE, END);
	dev = fake_device_create(&uvfio_model_ioat, "0000:00:03.0", NULL, &err);
	for (unsigned int i = 0; i < OPERATIONS_MAX && input.size; i++)
		run(dev, &input);
	/* What was left to do ends by itself, unless it is very much. */
	for (unsigned int i = 0; i < OPERATIONS_MAX && work(dev); i++)
		;
	check_reset(dev);
	fake_device_destroy(dev);
	return 0;
}
