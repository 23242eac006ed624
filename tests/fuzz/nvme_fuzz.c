/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme and a hostile driver: any register, any doorbell, queues in memory with
 * holes, commands with any bytes, lists that lead anywhere.  Whatever is
 * written, each piece of work ends, memory outside the image is nobody's, and
 * a reset leads back to the beginning.
 *
 * An input is operations; see run().
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/devices/nvme/regs.h"
#include "input.h"
#include "unit/devices/fake_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct uvfio_pci_model uvfio_model_nvme;

#define OPERATIONS_MAX 96
#define POLLS_MAX      64

/* Queues, lists and data of a driver that knows what it does. */
#define QUEUE(i)   (0x10000u + (i)*0x4000u)
#define LISTS      0x30000u
#define DATA       0x40000u
#define MEMORY_END 0x60000u
#define HOLE       0x50000u
#define HOLE_SIZE  0x1000u
#define QUEUES     4u
#define ENTRIES    16u

static const uint8_t registers[] = {0x00, 0x08, 0x0c, 0x10, 0x14, 0x1c,
				    0x20, 0x24, 0x28, 0x2c, 0x30, 0x34,
				    0x38, 0x3c, 0x50, 0x58};
static const uint8_t admin_opcodes[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x06,
					0x08, 0x09, 0x0a, 0x0c, 0x18, 0x7c,
					0x80, 0x10, 0xff, 0x84};
static const uint8_t io_opcodes[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x08,
				     0x09, 0x0c, 0x01, 0x02, 0x0d, 0xff};

static uint32_t tails[QUEUES];

/* Mostly an address that means something. */
static uint64_t address(struct input *input)
{
	uint8_t choice = take8(input);

	switch (choice & 15) {
	case 0:
		return take64(input);
	case 1:
		return FAKE_MEMORY_SIZE - choice;
	case 2:
		return HOLE - choice;
	case 3:
		return QUEUE(choice >> 4 & 3);
	case 4:
	case 5:
		return LISTS + 8u * choice;
	default:
		return DATA +
		       (choice & 16 ? 4u * choice : 0x1000u * (choice >> 5));
	}
}

static void touch(struct uvfio_dev *dev, struct input *input, bool is_write)
{
	uint8_t choice = take8(input);
	size_t len = choice & 0x40 ? 8 : 4;
	uint64_t offset =
		choice & 0x80 ? take16(input) % 0x1000 : registers[choice % 16];
	uint64_t value = is_write ? address(input) : 0;

	offset -= offset % len;
	(void)dev->model->ops->access(dev, 0, offset, &value, len, is_write);
}

/* As a driver that works begins. */
static void enable(struct uvfio_dev *dev)
{
	fake_set_bus_master(dev, true);
	fake_write32(dev, 0, NVME_CC, 0);
	fake_write32(dev, 0, NVME_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	fake_write32(dev, 0, NVME_ASQ, QUEUE(0));
	fake_write32(dev, 0, NVME_ASQ + 4, 0);
	fake_write32(dev, 0, NVME_ACQ, QUEUE(0) + 0x2000);
	fake_write32(dev, 0, NVME_ACQ + 4, 0);
	fake_write32(dev, 0, NVME_CC, 4u << 20 | 6u << 16 | NVME_CC_EN);
	memset(tails, 0, sizeof(tails));
}

static void ring(struct uvfio_dev *dev, unsigned int queue,
		 const struct nvme_command *command)
{
	memcpy(fake_memory + QUEUE(queue) + tails[queue] * sizeof(*command),
	       command, sizeof(*command));
	tails[queue] = (tails[queue] + 1) % ENTRIES;
	fake_write32(dev, 0, NVME_DOORBELLS + queue * 8, tails[queue]);
}

static void create_queues(struct uvfio_dev *dev)
{
	for (uint32_t i = 1; i < QUEUES; i++) {
		struct nvme_command command = {
			.opcode = NVME_ADMIN_CREATE_CQ,
			.prp1 = QUEUE(i) + 0x2000,
			.cdw10 = (ENTRIES - 1) << 16 | i,
			.cdw11 = i << 16 | 3,
		};

		ring(dev, 0, &command);
		command.opcode = NVME_ADMIN_CREATE_SQ;
		command.prp1 = QUEUE(i);
		command.cdw11 = i << 16 | 1;
		ring(dev, 0, &command);
	}
}

static void put_command(struct uvfio_dev *dev, struct input *input)
{
	uint8_t choice = take8(input);
	unsigned int queue = choice & 3;
	uint8_t small = take8(input);
	struct nvme_command command = {
		.opcode = queue ? io_opcodes[choice >> 2 & 7]
				: admin_opcodes[choice >> 2 & 15],
		.flags = (uint8_t)(choice & 0x80 ? take8(input)
						 : (small & 1) << 6),
		.cid = choice,
		.nsid = small & 0x40 ? take32(input) : 1,
		.prp1 = address(input),
		.prp2 = address(input),
		.cdw10 = small & 0x20 ? take32(input) : small & 7,
		.cdw11 = small & 0x10 ? take32(input) : 0,
		.cdw12 = small & 8 ? take32(input) : small >> 1,
	};

	ring(dev, queue, &command);
}

static void put_list(struct input *input)
{
	uint32_t slot = take8(input);
	uint64_t value = address(input);

	memcpy(fake_memory + LISTS + slot * 8, &value, sizeof(value));
	if (slot & 1)
		return;
	/* As the second half of an SGL descriptor. */
	value = (uint64_t)take8(input) << 56 | take16(input);
	memcpy(fake_memory + LISTS + slot * 8 + 8, &value, sizeof(value));
}

/* Work until there is none, but no longer than is polite. */
static void work(struct uvfio_dev *dev)
{
	for (unsigned int i = 0; i < POLLS_MAX; i++)
		if (!dev->model->ops->poll(dev))
			return;
}

/* One operation of the driver, of its host, or of time. */
static void run(struct uvfio_dev *dev, struct input *input)
{
	uint8_t operation = take8(input);

	switch (operation & 15) {
	case 0:
		touch(dev, input, true);
		break;
	case 1:
		touch(dev, input, false);
		break;
	case 2:
		enable(dev);
		create_queues(dev);
		work(dev);
		break;
	case 3:
		fake_write32(dev, 0, NVME_DOORBELLS + (operation >> 4) * 4u,
			     take32(input));
		break;
	case 4:
	case 5:
		put_list(input);
		break;
	case 6:
		if (dev->timers[operation >> 7])
			fake_fire(dev, operation >> 7);
		break;
	case 7:
		fake_set_bus_master(dev, operation & 0x80);
		fake_set_irq_mode(dev, operation >> 4 & 3);
		break;
	case 8:
		dev->model->ops->reset(dev, UVFIO_RESET_FLR);
		memset(tails, 0, sizeof(tails));
		break;
	case 9:
	case 10:
		work(dev);
		break;
	default:
		put_command(dev, input);
		break;
	}
}

/* Whatever happened, a driver that does all right can use it. */
static void check_works(struct uvfio_dev *dev)
{
	const struct nvme_command flush = {
		.opcode = NVME_IO_FLUSH,
		.nsid = NVME_NSID_ALL,
		.cid = 0x1234,
	};
	struct nvme_completion completion;

	dev->model->ops->reset(dev, UVFIO_RESET_IOCTL);
	memset(fake_memory, 0, MEMORY_END);
	enable(dev);
	create_queues(dev);
	work(dev);
	ring(dev, 1, &flush);
	work(dev);
	memcpy(&completion, fake_memory + QUEUE(1) + 0x2000,
	       sizeof(completion));
	if (completion.cid != 0x1234 || completion.status != 1)
		abort();
}

static struct uvfio_dev *the_device(void)
{
	static const struct fake_option options[] = {
		{"size", "1M"}, {"ns", "2"}, {NULL, NULL}};
	static struct uvfio_dev *dev;
	struct uvfio_error err;

	if (!dev) {
		fake_memory_punch(HOLE, HOLE_SIZE);
		fake_memory_punch(MEMORY_END,
				  FAKE_MEMORY_SIZE - MEMORY_END - 0x1000);
		dev = fake_device_create(&uvfio_model_nvme, "0000:00:03.0",
					 options, &err);
	}
	if (!dev)
		abort();
	return dev;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};
	struct uvfio_dev *dev = the_device();

	dev->model->ops->reset(dev, UVFIO_RESET_OPEN);
	memset(fake_memory, 0, MEMORY_END);
	enable(dev);
	create_queues(dev);
	for (unsigned int i = 0; i < OPERATIONS_MAX && input.size; i++)
		run(dev, &input);
	work(dev);
	check_works(dev);
	return 0;
}
