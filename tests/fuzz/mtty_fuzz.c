/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mtty and a hostile driver: reads and writes of any size anywhere in its
 * regions, interrupts switched in every way, resets, on cards with one port
 * and with two.  The answer of each call is one of its own.
 *
 * An input is operations; see run().
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uvfio/uvfio.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ONE "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define TWO "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"

#define OPERATIONS_MAX 128
#define ACCESS_MAX     64 /* bytes of one read or write */

static struct uvfio_machine *machine;

struct card {
	int container;
	int group;
	int device;
	int event;
};

static void create_machine(void)
{
	static const char *const devices[] = {
		"mtty,uuid=" ONE, "mtty,uuid=" TWO ",type=mtty-2", NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_error err;

	if (uvfio_machine_create(&machine, &params, &err))
		abort();
}

static void open_card(struct card *card, bool has_two)
{
	const char *uuid = has_two ? TWO : ONE;

	card->container = uvfio_open(machine, "/dev/vfio/vfio");
	card->group =
		uvfio_open(machine, has_two ? "/dev/vfio/2" : "/dev/vfio/1");
	(void)uvfio_ioctl(machine, card->group, VFIO_GROUP_SET_CONTAINER,
			  (unsigned long)&card->container);
	(void)uvfio_ioctl(machine, card->container, VFIO_SET_IOMMU,
			  VFIO_TYPE1v2_IOMMU);
	card->device =
		(int)uvfio_ioctl(machine, card->group, VFIO_GROUP_GET_DEVICE_FD,
				 (unsigned long)uuid);
	card->event = eventfd(0, EFD_NONBLOCK);
	if (card->device < 0 || card->event < 0)
		abort();
}

static void close_card(struct card *card)
{
	uvfio_close(machine, card->device);
	uvfio_close(machine, card->group);
	uvfio_close(machine, card->container);
	close(card->event);
}

/* Mostly registers of the ports, and the start of config space. */
static uint64_t offset_of(struct input *input)
{
	uint8_t choice = take8(input);

	switch (choice >> 6) {
	case 0:
	case 1:
		return (uint64_t)(choice >> 6) << 40 | (choice & 15);
	case 2:
		return (uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40 |
		       (choice & 63);
	default:
		return (uint64_t)(choice & 15) << 40 | take16(input);
	}
}

static void access_region(const struct card *card, struct input *input,
			  bool is_write)
{
	uint8_t bytes[ACCESS_MAX] = {0};
	uint64_t offset = offset_of(input);
	uint8_t choice = take8(input);
	size_t size = choice & 0x80 ? choice % ACCESS_MAX : 1;
	long ret;

	(void)take_bytes(input, bytes, size);
	if (is_write)
		ret = uvfio_pwrite(machine, card->device, bytes, size, offset);
	else
		ret = uvfio_pread(machine, card->device, bytes, size, offset);
	if (ret > (long)size || (ret < 0 && ret != -EFAULT && ret != -EINVAL))
		abort();
}

static void set_irqs(const struct card *card, struct input *input)
{
	struct {
		struct vfio_irq_set set;
		uint8_t data[16];
	} args = {.set.argsz = sizeof(args)};
	uint8_t choice = take8(input);
	int32_t fd = choice & 0x80 ? card->event : -1;

	args.set.flags = choice & 0x3f;
	args.set.index = take8(input) % 6;
	args.set.start = choice & 0x40 ? take8(input) : 0;
	args.set.count = take8(input) % 4;
	memcpy(args.data, &fd, sizeof(fd));
	(void)uvfio_ioctl(machine, card->device, VFIO_DEVICE_SET_IRQS,
			  (unsigned long)&args);
}

/* One operation of the driver. */
static void run(const struct card *card, struct input *input)
{
	uint64_t count;

	switch (take8(input) & 7) {
	case 0:
	case 1:
	case 2:
		access_region(card, input, true);
		break;
	case 3:
	case 4:
		access_region(card, input, false);
		break;
	case 5:
	case 6:
		set_irqs(card, input);
		break;
	default:
		(void)uvfio_ioctl(machine, card->device, VFIO_DEVICE_RESET, 0);
		(void)!read(card->event, &count, sizeof(count));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};
	struct card card;

	if (!machine)
		create_machine();
	open_card(&card, take8(&input) & 1);
	for (unsigned int i = 0; i < OPERATIONS_MAX && input.size; i++)
		run(&card, &input);
	close_card(&card);
	return 0;
}
