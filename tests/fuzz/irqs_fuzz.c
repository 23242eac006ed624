/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts, resets, low power and errors of PCI functions, by several
 * descriptors of each: two behind one bridge, one on the root bus.
 *
 * A SET_IRQS that gets an errno which is not among its own ends the run, and
 * so does a status register that does not follow the line.
 *
 * An input is a profile's number, then operations; see run().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <uvfio/uvfio.h>

#include "bus/machine.h"
#include "cdev_calls.h"
#include "core/file.h"
#include "front/machine.h"
#include "machines.h"
#include "pci/aer.h"
#include "pci/pci.h"
#include "pci/reset_method.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 64
#define CONFIG         (7ull << 40)
#define FUNCTIONS      3
#define EVENTS         6
#define ELEMENTS       6

/* Descriptors. */
enum {
	FD_CONTAINER,
	FD_GROUP,                         /* of each function */
	FD_DEVICE = FD_GROUP + FUNCTIONS, /* twice each */
	FD_EVENT = FD_DEVICE + 2 * FUNCTIONS,
};

static const char *const names[FUNCTIONS] = {"0000:01:00.0", "0000:01:01.0",
					     "0000:00:03.0"};
static const char *const nodes[FUNCTIONS] = {"vfio/1", "vfio/2", "vfio/3"};
static const char *const devices[] = {
	"bridge,addr=00:01.0", "igb,bridge=00:01.0,group=1",
	"igb,bridge=00:01.0,group=2", "edu,addr=00:03.0,group=3", NULL};
static const char *const abis[] = {"6.12", "6.1", "6.6", "4.1", "6.19", NULL};

static const struct machines_params params = {
	.devices = devices,
	.abis = abis,
};

static void open_device(struct client *client, unsigned int number)
{
	unsigned int group = FD_GROUP + number / 2;
	struct uvf_file *file;
	long fd;

	if (client->fds[FD_DEVICE + number].file)
		return;
	fd = client_call(client, group, VFIO_GROUP_GET_DEVICE_FD,
			 names[number / 2], strlen(names[0]) + 1);
	if (fd < 0)
		return;
	/* It has a place of its own. */
	file = client->fds[fd].file;
	client->fds[fd].file = NULL;
	client->fds[FD_DEVICE + number].file = file;
}

static void prepare(struct uvfio_machine *machine, struct client *client,
		    struct input *input)
{
	const int32_t container = FD_CONTAINER;
	uint8_t how = take8(input);

	(void)machine_open(machine, client, "vfio/vfio");
	for (unsigned int i = 0; i < FUNCTIONS; i++) {
		(void)machine_open(machine, client, nodes[i]);
		(void)client_call(client, FD_GROUP + i,
				  VFIO_GROUP_SET_CONTAINER, &container,
				  sizeof(container));
	}
	(void)client_ioctl(client, FD_CONTAINER, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU);
	for (unsigned int i = 0; i < 2 * FUNCTIONS; i++)
		if (!(how & 1u << i))
			open_device(client, i);
	for (unsigned int i = 0; i < EVENTS; i++) {
		int fd = client_eventfd(client);

		if (fd < 0)
			abort();
		client->fds[FD_EVENT + EVENTS + i].eventfd =
			client->fds[fd].eventfd;
		client->fds[fd].eventfd = -1;
	}
}

/* Mostly an eventfd; or none, another file, or nothing. */
static int32_t take_fd(struct input *input)
{
	uint8_t choice = take8(input);

	if (choice < 176)
		return FD_EVENT + EVENTS + choice % EVENTS;
	if (choice < 224)
		return -1;
	return choice < 240 ? choice % 8 : (int32_t)choice - 244;
}

static void check_set_irqs(long ret)
{
	static const int errors[] = {EINVAL, EBADF,  EBUSY, ENOTTY,
				     ERANGE, ENODEV, ENOMEM};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!ret || ret == -errors[i])
			return;
	fprintf(stderr, "SET_IRQS: unexpected answer %ld\n", ret);
	abort();
}

static void set_irqs(struct client *client, unsigned int fd,
		     struct input *input)
{
	static const uint8_t kinds[] = {1, 2, 4, 4, 4, 4, 3, 0};
	static const uint8_t actions[] = {32, 32, 32, 32, 32, 8, 16, 24};
	uint8_t how = take8(input), range = take8(input);
	struct {
		struct vfio_irq_set set;
		int32_t fds[ELEMENTS];
	} arg = {
		.set = {.argsz = sizeof(arg),
			.flags = kinds[how & 7] | actions[how >> 3 & 7],
			.index = (how >> 6) | (range & 128 ? 4 : 0),
			.start = range & 15,
			.count = range >> 4 & 7},
	};

	if (arg.set.count > ELEMENTS)
		arg.set.count = 0;
	for (unsigned int i = 0; i < arg.set.count; i++)
		arg.fds[i] = take_fd(input);
	if (client->fds[fd].file)
		check_set_irqs(client_call(client, fd, VFIO_DEVICE_SET_IRQS,
					   &arg, sizeof(arg)));
}

static struct uvf_pci *function_of(struct uvfio_machine *machine,
				   unsigned int number)
{
	struct uvf_bus_device *device =
		uvf_machine_find(&machine->bus, names[number]);

	if (!device)
		abort();
	/* It stays where it is. */
	uvf_bus_device_put(device);
	return uvf_pci_of_bus(device);
}

static void raise_or_send(struct uvf_pci *pci, struct input *input)
{
	uint8_t how = take8(input);

	uvf_lock(&pci->model.lock);
	if (how & 1)
		uvfio_intx_set(&pci->model, how & 2);
	else
		(void)uvfio_vector_send(&pci->model, how >> 1);
	uvf_unlock(&pci->model.lock);
}

/* Registers that have to do with it. */
static void write_config(struct client *client, struct uvf_file *file,
			 const struct uvf_pci *pci, struct input *input)
{
	uint8_t how = take8(input);
	const uint16_t places[8] = {
		PCI_COMMAND,
		PCI_COMMAND + 1,
		(uint16_t)(pci->pm_offset + PCI_PM_CTRL),
		(uint16_t)(pci->desc->msi.offset + PCI_MSI_FLAGS),
		(uint16_t)(pci->desc->msi.offset + PCI_MSI_MASK_64),
		(uint16_t)(pci->desc->msix.offset + PCI_MSIX_FLAGS),
		(uint16_t)(pci->express_offset + PCI_EXP_DEVCTL),
		PCI_INTERRUPT_LINE,
	};

	(void)take_bytes(input, client->memory, 4);
	(void)uvf_file_write(file, &client->caller, CLIENT_FIRST,
			     1u << (how >> 3 & 3) & 7,
			     CONFIG + places[how & 7]);
}

/* The table of igb, and registers of the first pages. */
static void store(struct uvf_file *file, struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = (how & 1 ? 3ull << 40 : 0) + (how & 0xfcu);
	uint32_t value = take8(input);

	(void)uvf_file_mmio(file, pos, &value, 4, how & 2);
}

static void write_file(struct uvfio_machine *machine, unsigned int number,
		       struct input *input)
{
	static const struct {
		const char *file, *text;
	} writes[] = {
		{"reset", "1"},          {"reset_method", "default"},
		{"reset_method", "bus"}, {"reset_method", "flr bus"},
		{"reset_method", "pm"},  {"msi_bus", "0"},
		{"msi_bus", "1"},        {"reset_method", ""},
	};
	size_t i = take8(input) % (sizeof(writes) / sizeof(writes[0]));
	char path[96];

	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s",
		       names[number], writes[i].file);
	(void)uvfio_sysfs_write(machine, path, writes[i].text,
				strlen(writes[i].text), 0);
}

static void signal_event(const struct client *client, struct input *input)
{
	const uint64_t one = 1;
	int fd = client->fds[FD_EVENT + EVENTS + take8(input) % EVENTS].eventfd;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

static void check_status(struct client *client, struct uvf_pci *pci,
			 struct uvf_file *file)
{
	bool line;

	if (uvf_file_read(file, &client->caller, CLIENT_FIRST, 2,
			  CONFIG + PCI_STATUS) != 2)
		return;
	uvf_lock(&pci->model.lock);
	line = pci->intx.is_asserted;
	uvf_unlock(&pci->model.lock);
	/* The device may have moved it between the two. */
	if (pci->desc->vendor == 0x1234 &&
	    line != !!(client->memory[0] & PCI_STATUS_INTERRUPT)) {
		fprintf(stderr, "%s: its status is not its line\n",
			pci->bus.name);
		abort();
	}
}

/* What needs a file. */
static void use(struct client *client, struct uvf_pci *pci, unsigned int fd,
		unsigned int operation, struct input *input)
{
	struct uvf_file *file = client->fds[fd].file;
	uint32_t feature[4] = {16};

	switch (operation) {
	case 10:
		write_config(client, file, pci, input);
		return;
	case 11:
		store(file, input);
		return;
	case 12:
		(void)client_ioctl(client, fd, VFIO_DEVICE_RESET, 0);
		return;
	case 13:
		(void)call_make(&device_calls[5 + (take8(input) & 3)], client,
				file, input);
		return;
	case 14:
		feature[1] = VFIO_DEVICE_FEATURE_SET | (3u + take8(input) % 3);
		feature[2] = (uint32_t)take_fd(input);
		(void)client_call(client, fd, VFIO_DEVICE_FEATURE, feature,
				  sizeof(feature));
		return;
	case 15:
		check_status(client, pci, file);
		return;
	default:
		set_irqs(client, fd, input);
	}
}

static void step(struct uvfio_machine *machine, struct client *client,
		 struct input *input)
{
	uint8_t operation = take8(input);
	unsigned int number = (operation >> 4) % (2 * FUNCTIONS);
	unsigned int fd = FD_DEVICE + number;
	struct uvf_pci *pci = function_of(machine, number / 2);

	switch (operation & 15) {
	case 0:
		open_device(client, number);
		return;
	case 1:
		client_close(client, fd);
		return;
	case 2:
		raise_or_send(pci, input);
		return;
	case 3:
		signal_event(client, input);
		return;
	case 4:
		(void)uvf_pci_report_error(&pci->bus);
		return;
	case 5:
		write_file(machine, number / 2, input);
		return;
	default:
		if (client->fds[fd].file)
			use(client, pci, fd, operation & 15, input);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct client *client;
	struct uvfio_machine *machine =
		machines_begin(&params, data, &input, &client);

	prepare(machine, client, &input);
	for (int i = 0; i < OPERATIONS_MAX && input.size; i++)
		step(machine, client, &input);
	/* What the functions remember is not for the next input. */
	for (unsigned int i = 0; i < FUNCTIONS; i++) {
		struct uvf_pci *pci = function_of(machine, i);

		uvf_lock(&pci->model.lock);
		uvfio_intx_set(&pci->model, false);
		pci->user.no_msi = false;
		uvf_reset_methods_init(pci);
		uvf_unlock(&pci->model.lock);
	}
	machines_end();
	return 0;
}
