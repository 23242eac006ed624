/* SPDX-License-Identifier: BSD-3-Clause */
#include "machines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/driver.h>
#include <uvfio/uvfio.h>

#include "base/profile.h"
#include "bus/machine.h"
#include "calls.h"
#include "core/file.h"
#include "front/machine.h"
#include "fs/devfs.h"
#include "history.h"
#include "iommu/iommu.h"
#include "pci/pci.h"

#define MACHINES_MAX 16
#define INPUTS_MAX   4096 /* for which machines serve */
#define PINS_MAX     16
#define PAGE         4096ull

static const char emulated_name[] = "emulated";

/* An emulated device and what it has pinned. */
struct emulated {
	struct uvfio_vfio_device *device;
	char node[32];
	struct {
		uint64_t iova;
		size_t count; /* pages; 0: free */
	} pins[PINS_MAX];
};

static struct slot {
	struct uvfio_machine *machine;
	struct emulated emulated;
} slots[MACHINES_MAX], *current;

static struct client *client;

static void unpin(struct emulated *emulated, size_t i)
{
	uvfio_unpin_pages(emulated->device, emulated->pins[i].iova,
			  emulated->pins[i].count);
	emulated->pins[i].count = 0;
}

static void emulated_unmap(struct uvfio_vfio_device *device, uint64_t iova,
			   uint64_t len)
{
	struct emulated *emulated = uvfio_device_data(device);
	uint64_t last = iova + (len - 1);

	for (size_t i = 0; i < PINS_MAX; i++) {
		uint64_t first = emulated->pins[i].iova & ~(PAGE - 1);
		size_t count = emulated->pins[i].count;

		if (count && first <= last && first + count * PAGE > iova)
			unpin(emulated, i);
	}
}

static void emulated_close(struct uvfio_vfio_device *device)
{
	struct emulated *emulated = uvfio_device_data(device);

	for (size_t i = 0; i < PINS_MAX; i++)
		if (emulated->pins[i].count)
			unpin(emulated, i);
}

static const struct uvfio_vfio_ops emulated_ops = {
	.name = emulated_name,
	.close_device = emulated_close,
	.dma_unmap = emulated_unmap,
};

static void must(int ret, const char *text)
{
	if (!ret)
		return;
	fprintf(stderr, "%d: %s\n", ret, text);
	abort();
}

struct uvfio_machine *machine_create(const char *abi, const char *host,
				     const char *const *devices,
				     const char *mdev)
{
	const char *all[MACHINE_DEVICES + 1] = {NULL};
	const struct uvfio_machine_params params = {
		.abi = abi,
		.host = host,
		.devices = all,
	};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};
	struct uvf_profile profile;
	size_t count = 0;

	must(uvf_profile_parse(&profile, abi, &err), err.text);
	while (devices[count] && count < MACHINE_DEVICES - 1) {
		all[count] = devices[count];
		count++;
	}
	if (profile.has_mdev)
		all[count] = mdev;
	must(uvfio_machine_create(&machine, &params, &err), err.text);
	return machine;
}

static void create(struct slot *slot, const struct machines_params *params,
		   const char *abi)
{
	struct emulated *emulated = &slot->emulated;

	slot->machine = machine_create(abi, params->host, params->devices,
				       params->mdev);
	if (!params->has_emulated)
		return;
	must(uvfio_alloc_device(slot->machine, &emulated->device, emulated_name,
				&emulated_ops, emulated),
	     emulated_name);
	must(uvfio_register_emulated_iommu_dev(emulated->device),
	     emulated_name);
	(void)snprintf(emulated->node, sizeof(emulated->node), "vfio/%d",
		       uvfio_device_group_id(emulated->device));
}

static unsigned int count_abis(const struct machines_params *params)
{
	unsigned int count = 0;

	while (params->abis ? params->abis[count] != NULL
			    : uvf_profile_name_at(count) != NULL)
		count++;
	return count;
}

struct uvfio_machine *machines_begin(const struct machines_params *params,
				     const uint8_t *data, struct input *input,
				     struct client **ret_client)
{
	size_t size = input->size;
	uint8_t choice = take8(input);
	unsigned int number = (choice & 63u) % count_abis(params);

	history_add(data, size);
	if (!client) {
		client = calloc(1, sizeof(*client));
		if (!client)
			abort();
		client_init(client);
		uvf_reader_register();
	}
	current = &slots[number];
	if (!current->machine)
		create(current, params,
		       params->abis ? params->abis[number]
				    : uvf_profile_name_at(number));
	client->caller.ignores_memlock = !(choice & 128);
	*ret_client = client;
	return current->machine;
}

/* What they did not give back has no owner after it. */
static void destroy_all(void)
{
	for (size_t i = 0; i < MACHINES_MAX; i++) {
		struct slot *slot = &slots[i];

		if (slot->emulated.device) {
			uvfio_unregister_group_dev(slot->emulated.device);
			uvfio_put_device(slot->emulated.device);
		}
		uvfio_machine_destroy(slot->machine);
		memset(slot, 0, sizeof(*slot));
	}
	history_clear();
}

void machines_end(void)
{
	static unsigned int inputs;

	client_reset(client);
	if (++inputs % INPUTS_MAX == 0)
		destroy_all();
}

int machine_open(struct uvfio_machine *machine, struct client *opener,
		 const char *node)
{
	struct uvf_file *file;
	int fd;

	if (uvf_devfs_open(&machine->vfio, &opener->caller, node, &file))
		return -1;
	fd = client_install(opener, file);
	if (fd < 0)
		uvf_file_put(file);
	return fd < 0 ? -1 : fd;
}

void machine_dma(struct uvfio_machine *machine, unsigned int number,
		 struct input *input)
{
	static uint8_t buf[3 * PAGE];
	uint64_t iova = take_iova(input);
	uint8_t how = take8(input);
	size_t len = how & 64 ? take16(input) % sizeof(buf) : (how & 15u) + 1;
	struct uvf_bus_device *device;
	struct uvfio_dev *model;
	bool was_master;
	char name[16];

	(void)snprintf(name, sizeof(name), "0000:00:%02x.0", 3 + number);
	device = uvf_machine_find(&machine->bus, name);
	if (!device)
		return;
	model = &uvf_pci_of_bus(device)->model;
	uvf_lock(&model->lock);
	was_master = model->is_bus_master;
	model->is_bus_master = true;
	if (how & 128)
		(void)uvfio_dma_write(model, iova, buf, len);
	else
		(void)uvfio_dma_read(model, iova, buf, len);
	model->is_bus_master = was_master;
	uvf_unlock(&model->lock);
	uvf_bus_device_put(device);
}

static void pin(struct emulated *emulated, uint64_t iova, size_t count,
		uint32_t prot)
{
	void *pages[64];
	size_t i = 0;

	while (i < PINS_MAX && emulated->pins[i].count)
		i++;
	if (i == PINS_MAX ||
	    uvfio_pin_pages(emulated->device, iova, count, prot, pages) <= 0)
		return;
	emulated->pins[i].iova = iova;
	emulated->pins[i].count = count;
	/* They are there: look. */
	for (size_t page = 0; page < count; page++)
		(void)*(volatile uint8_t *)pages[page];
}

void machine_emulated_dma(struct input *input)
{
	static uint8_t buf[3 * PAGE];
	struct emulated *emulated = &current->emulated;
	uint8_t how = take8(input);
	uint64_t iova;

	if (!emulated->device)
		return;
	if (how < 32) {
		if (emulated->pins[how % PINS_MAX].count)
			unpin(emulated, how % PINS_MAX);
		return;
	}
	iova = take_iova(input);
	if (how < 144)
		pin(emulated, iova, how / 4 % 8 + 1, how & 3);
	else
		(void)uvfio_dma_rw(emulated->device, iova, buf,
				   how & 2 ? take16(input) % sizeof(buf) : 8,
				   how & 1);
}

const char *machine_emulated_node(void)
{
	return current->emulated.node;
}
