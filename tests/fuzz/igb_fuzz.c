/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * igb and a hostile driver: any registers, rings in memory that has holes,
 * descriptors of every kind that point anywhere, changed while it works, on
 * all queues and both ends of a cable.  Whatever is written, each piece of
 * work is short, and a reset leads back to the beginning.
 *
 * An input is operations; see run().
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "unit/devices/fake_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct uvfio_pci_model uvfio_model_igb;

#define OPERATIONS_MAX 128
#define DEVICES        2

/* Where the rings of a queue are, and what there is of memory. */
#define RINGS      0x1000u
#define RING_STEP  0x1000u
#define RING_SLOTS 64u
#define HOLE       0x18000u
#define HOLE_SIZE  0x1000u
#define START_SIZE 0x40000u
#define END        (FAKE_MEMORY_SIZE - 0x20000u)

/* A piece of work does no more DMA than this. */
#define PIECE_DMA 8000

#define RCTL 0x0100u
#define TCTL 0x0400u

/* Registers where a wrong value can do harm. */
static const uint16_t registers[] = {
	0x0000, 0x0014, 0x0018, 0x0020, 0x0038, 0x0100, 0x0400, 0x1504,
	0x1508, 0x150c, 0x1514, 0x1520, 0x1524, 0x1528, 0x152c, 0x1530,
	0x1580, 0x1700, 0x170c, 0x1740, 0x5000, 0x5004, 0x5200, 0x5400,
	0x5404, 0x5600, 0x5818, 0x5c00, 0x5c80, 0x5b50, 0x359c, 0x35a0,
};

/* Those of a queue, of both directions. */
static const uint16_t queue_registers[] = {
	0x2800, 0x2804, 0x2808, 0x280c, 0x2810, 0x2818, 0x2828, 0x2828,
	0x3800, 0x3804, 0x3808, 0x3810, 0x3818, 0x3828, 0x3838, 0x383c,
};

static uint32_t queue_register(uint32_t offset, uint32_t queue)
{
	uint32_t alias = offset < 0x3000 ? 0xc000 : 0xe000;

	if (queue < 4)
		return offset + queue * 0x100;
	return alias + queue * 0x40 + offset % 0x40;
}

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
		return HOLE - choice;
	default:
		return 0x8000u + 64u * (choice >> 3);
	}
}

/* Mostly values that do something. */
static uint32_t value(struct input *input)
{
	uint8_t choice = take8(input);

	switch (choice & 3) {
	case 0:
		return take32(input);
	case 1:
		return choice >> 2;
	case 2:
		return 1u << (choice >> 2 & 31);
	default:
		return 0x02000000u | choice >> 2; /* the queue is on */
	}
}

static void touch(struct uvfio_dev *dev, struct input *input)
{
	uint8_t choice = take8(input);
	uint32_t offset = registers[choice % 32];

	if (choice & 0x80)
		offset = (uint32_t)take16(input) * 4 % 0x20000;
	if (choice & 0x40)
		fake_write32(dev, 0, offset, value(input));
	else
		(void)fake_read32(dev, 0, offset);
}

static void touch_queue(struct uvfio_dev *dev, struct input *input)
{
	uint8_t choice = take8(input);
	uint32_t offset = queue_registers[choice & 15];

	fake_write32(dev, 0, queue_register(offset, choice >> 4), value(input));
}

/* Through I/O ports, in any width. */
static void touch_ports(struct uvfio_dev *dev, struct input *input)
{
	uint8_t choice = take8(input);
	uint32_t word = take32(input);

	(void)dev->model->ops->access(dev, choice & 1 ? 2 : 0,
				      choice >> 1 & 0xc, &word,
				      (size_t)1 << (choice >> 6), choice & 2);
}

/* A queue that works: its rings, all but one descriptor armed. */
static void start_queue(struct uvfio_dev *dev, struct input *input)
{
	uint8_t choice = take8(input);
	uint32_t queue = choice & 15;
	uint32_t at = RINGS + queue % 4 * RING_STEP;
	uint32_t on = choice & 0x80 ? 0 : 0x02000000u;

	fake_write32(dev, 0, RCTL, choice & 0x40 ? 0x0000803a : 0x040080fa);
	fake_write32(dev, 0, TCTL, 0xa);
	fake_write32(dev, 0, queue_register(0x2800, queue), at + RING_STEP / 2);
	fake_write32(dev, 0, queue_register(0x2808, queue), RING_SLOTS * 16);
	fake_write32(dev, 0, queue_register(0x280c, queue), on);
	fake_write32(dev, 0, queue_register(0x2818, queue), RING_SLOTS - 1);
	fake_write32(dev, 0, queue_register(0x2828, queue), 0x02000000);
	fake_write32(dev, 0, queue_register(0x3800, queue), at);
	fake_write32(dev, 0, queue_register(0x3808, queue), RING_SLOTS * 16);
	fake_write32(dev, 0, queue_register(0x3818, queue), take8(input) % 64);
	fake_write32(dev, 0, queue_register(0x3828, queue), 0x02000000);
}

/* Of a frame to be sent: a context, data of the two kinds, or anything. */
static void put_descriptor(struct input *input)
{
	uint8_t where = take8(input);
	uint8_t kind = take8(input);
	uint32_t command = (uint32_t)take8(input) << 24;
	uint32_t status = take32(input);
	uint64_t words[2];

	switch (kind & 3) {
	case 0:
		words[0] = take32(input);
		command = 0x20200000u | (uint32_t)(kind & 0xfc) << 8;
		break;
	case 1:
		words[0] = address(input);
		command = 0x20300000u | (command & 0xdf000000u) | take16(input);
		break;
	case 2:
		words[0] = address(input);
		command = (command & 0x5f000000u) | take32(input) % 0x1000000;
		break;
	default:
		words[0] = take64(input);
		command |= take32(input);
		break;
	}
	words[1] = (uint64_t)status << 32 | command;
	memcpy(fake_memory + RINGS + where % 4 * RING_STEP +
		       (size_t)(where >> 2) * 16,
	       words, sizeof(words));
}

/* What a receiver is given to fill. */
static void put_buffer(struct input *input)
{
	uint8_t where = take8(input);
	uint64_t at = address(input);

	memcpy(fake_memory + RINGS + RING_STEP / 2 + where % 4 * RING_STEP +
		       (size_t)(where >> 2) * 16,
	       &at, sizeof(at));
}

/* Headers of packets, at the places that address() prefers. */
static void put_payload(struct input *input)
{
	uint8_t where = take8(input);
	uint8_t bytes[64] = {0};
	size_t size = take_bytes(input, bytes, where >> 4);

	memcpy(bytes + 12,
	       where & 1 ? "\x08\0E\0\0\x32\0\0\0\0@\x06" : "\x86\xdd`", 4);
	memcpy(bytes + 16 + (where >> 2 & 15), bytes, size);
	memcpy(fake_memory + 0x8000 + 64u * (where & 31), bytes, sizeof(bytes));
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
static void run(struct uvfio_dev *dev, struct input *input, uint8_t operation)
{
	switch (operation & 15) {
	case 0:
	case 1:
		touch(dev, input);
		break;
	case 2:
	case 3:
		touch_queue(dev, input);
		break;
	case 4:
		touch_ports(dev, input);
		break;
	case 5:
	case 6:
		start_queue(dev, input);
		break;
	case 7:
	case 8:
	case 9:
		put_descriptor(input);
		break;
	case 10:
		put_buffer(input);
		break;
	case 11:
		put_payload(input);
		break;
	case 12:
		fake_set_bus_master(dev, !(operation & 0x40));
		fake_set_irq_mode(dev, operation >> 4 & 3);
		break;
	default:
		(void)work(dev);
		break;
	}
}

/* After a reset the rings are off, and nothing happens. */
static void check_reset(struct uvfio_dev *dev)
{
	dev->model->ops->reset(dev, UVFIO_RESET_IOCTL);
	if (fake_read32(dev, 0, RCTL) || fake_read32(dev, 0, TCTL) ||
	    dev->is_polled || dev->intx || work(dev))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_option options[] = {{"link", "cable"},
						     {NULL, NULL}};
	struct input input = {.data = data, .size = size};
	struct uvfio_dev *devices[DEVICES];
	struct uvfio_error err;
	bool is_busy = true;
	unsigned int i;

	fake_memory_narrow(HOLE, HOLE_SIZE, START_SIZE, END);
	for (i = 0; i < DEVICES; i++)
		devices[i] = fake_device_create(&uvfio_model_igb,
						"0000:00:03.0", options, &err);
	for (i = 0; i < OPERATIONS_MAX && input.size; i++) {
		uint8_t operation = take8(&input);

		run(devices[operation >> 7], &input, operation);
	}
	/* What was left to do ends by itself, unless it is very much. */
	for (i = 0; i < OPERATIONS_MAX && is_busy; i++) {
		is_busy = work(devices[0]);
		is_busy |= work(devices[1]);
	}
	for (i = 0; i < DEVICES; i++)
		check_reset(devices[i]);
	for (i = 0; i < DEVICES; i++)
		fake_device_destroy(devices[i]);
	return 0;
}
