/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * edu and a hostile driver: any registers in any width, transfers from and to
 * anywhere, interrupts without end.  Whatever is written, a call is a piece
 * of work that ends, and a reset leads back to the beginning.
 *
 * An input is operations; see run().
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "unit/devices/fake_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct uvfio_pci_model uvfio_model_edu;

#define OPERATIONS_MAX 256

#define BUFFER     0x40000u /* as the device sees it */
#define HOLE       0x8000u
#define HOLE_SIZE  0x1000u
#define START_SIZE 0x40000u

#define STATUS     0x20u
#define IRQ_STATUS 0x24u
#define COMMAND    0x98u

/* What one call may do: a transfer, and a message. */
#define CALL_DMA 1

static const uint8_t registers[] = {0x00, 0x04, 0x08, 0x20, 0x24, 0x60,
				    0x64, 0x80, 0x84, 0x88, 0x8c, 0x90,
				    0x94, 0x98, 0x98, 0x9c};

/* Mostly values that mean something. */
static uint64_t value(struct input *input)
{
	uint8_t choice = take8(input);

	switch (choice & 7) {
	case 0:
		return take64(input);
	case 1:
		return BUFFER + take16(input) % 0x1100;
	case 2:
		return HOLE - choice;
	case 3:
		return choice >> 3 | 1;
	case 4:
		return take16(input) % 0x1100;
	default:
		return choice >> 3;
	}
}

static void touch(struct uvfio_dev *dev, struct input *input, bool is_write)
{
	uint8_t choice = take8(input);
	uint64_t offset = choice & 0x80 ? take32(input) % 0x100000
					: registers[choice & 15];
	size_t len = (size_t)1 << (choice >> 5 & 3);
	uint64_t word = is_write ? value(input) : 0;

	offset -= offset % len;
	(void)dev->model->ops->access(dev, 0, offset, &word, len, is_write);
}

/* One operation of the driver, of its host, or of time. */
static void run(struct uvfio_dev *dev, struct input *input)
{
	unsigned int before = dev->dma_reads + dev->dma_writes;
	uint8_t operation = take8(input);

	switch (operation & 7) {
	case 0:
	case 1:
	case 2:
		touch(dev, input, true);
		break;
	case 3:
		touch(dev, input, false);
		break;
	case 4:
	case 5:
		if (dev->timers[operation >> 3 & 1])
			fake_fire(dev, operation >> 3 & 1);
		break;
	case 6:
		fake_set_bus_master(dev, operation & 0x80);
		break;
	default:
		fake_set_irq_mode(dev, operation >> 3 & 3);
		break;
	}
	if (dev->dma_reads + dev->dma_writes - before > CALL_DMA)
		abort();
}

static uint32_t read32(struct uvfio_dev *dev, uint64_t offset)
{
	uint32_t word = 0;

	(void)dev->model->ops->access(dev, 0, offset, &word, sizeof(word),
				      false);
	return word;
}

static void check_reset(struct uvfio_dev *dev)
{
	uint64_t command = 0;

	dev->model->ops->reset(dev, UVFIO_RESET_IOCTL);
	(void)dev->model->ops->access(dev, 0, COMMAND, &command, 8, false);
	if (command || read32(dev, STATUS) || read32(dev, IRQ_STATUS) ||
	    dev->intx || dev->timers[0] || dev->timers[1])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool has_holes;
	struct input input = {.data = data, .size = size};
	struct uvfio_error err;
	struct uvfio_dev *dev;

	if (!has_holes) {
		fake_memory_punch(HOLE, HOLE_SIZE);
		fake_memory_punch(START_SIZE, FAKE_MEMORY_SIZE - START_SIZE);
		has_holes = true;
	}
	dev = fake_device_create(&uvfio_model_edu, "0000:00:03.0", NULL, &err);
	for (unsigned int i = 0; i < OPERATIONS_MAX && input.size; i++)
		run(dev, &input);
	check_reset(dev);
	fake_device_destroy(dev);
	return 0;
}
