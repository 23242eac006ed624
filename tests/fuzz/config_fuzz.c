/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function made of any descriptor, and a client that reads and writes its
 * config space and regions: what the descriptor's check lets pass can be
 * opened, read, written and reset, and reads agree with each other.
 *
 * An input is a descriptor, then operations; see describe() and run().
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <linux/pci_regs.h>

#include "base/profile.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "core/worker.h"
#include "input.h"
#include "mem/caller.h"
#include "pci/bar.h"
#include "pci/descriptor.h"
#include "pci/device.h"
#include "pci/hw.h"
#include "pci/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 64
#define CAPS_MAX       8
#define BUFFER         0x1100u /* bytes of the client's memory */
#define BASE           0x1000u /* where it is */

/* What a descriptor points to. */
static struct {
	struct uvfio_pci_model model, vf;
	struct uvfio_cap caps[CAPS_MAX];
	uint8_t init[CAPS_MAX][256], wmask[CAPS_MAX][256], w1c[CAPS_MAX][256];
	uint8_t image[4096];
	uint8_t rom[4096];
	uint8_t vpd[256];
	struct uvfio_span span;
	struct uvfio_area area;
	struct uvfio_region region;
} made;

static uint8_t memory[BUFFER];

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static int access_any(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		      void *buf, size_t len, bool is_write)
{
	(void)dev;
	check(len && len <= 8 && !(len & (len - 1)) && !(offset % len));
	check(bar < UVFIO_PCI_BARS || bar == UVFIO_VGA);
	if (!is_write)
		memset(buf, (int)(offset & 0x7f), len);
	return offset % 13 ? 0 : -EINVAL;
}

static int access_region(struct uvfio_dev *dev, uint64_t offset, void *buf,
			 size_t len, bool is_write)
{
	(void)dev;
	check(offset < made.region.size && len <= made.region.size - offset);
	if (!is_write)
		memset(buf, 0x5a, len);
	return 0;
}

static const struct uvfio_device_ops ops = {.access = access_any};

static int client_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	(void)mm;
	if (addr < BASE || addr - BASE > BUFFER || len > BUFFER - (addr - BASE))
		return -EFAULT;
	memcpy(buf, memory + (addr - BASE), len);
	return 0;
}

static int client_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
			size_t len)
{
	(void)mm;
	if (addr < BASE || addr - BASE > BUFFER || len > BUFFER - (addr - BASE))
		return -EFAULT;
	memcpy(memory + (addr - BASE), buf, len);
	return 0;
}

static const struct uvf_mm_ops mm_ops = {
	.read = client_read,
	.write = client_write,
};
static struct uvf_mm mm = {.ops = &mm_ops};
static const struct uvf_caller_ops caller_ops = {0};
static struct uvf_caller caller = {.ops = &caller_ops, .mm = &mm};

static void describe_bar(struct input *input, struct uvfio_bar *bar)
{
	uint8_t kind = take8(input);

	bar->size = UINT64_C(1) << (take8(input) % 24);
	bar->flags = kind & 0x1f;
	bar->widths = kind & 0x20 ? 15 : 4;
	if (kind & 0x40) {
		made.span = (struct uvfio_span){
			.size = UINT64_C(0x1000) * take8(input),
			.kind = (enum uvfio_page_kind)(take8(input) % 3)};
		bar->spans = &made.span;
		bar->span_count = 1;
	}
	if (kind & 0x80) {
		made.area = (struct uvfio_area){
			.offset = UINT64_C(0x1000) * (take8(input) & 3),
			.size = UINT64_C(0x1000) * (take8(input) & 7)};
		bar->areas = &made.area;
		bar->area_count = 1;
	}
}

static void describe_cap(struct input *input, unsigned int i)
{
	struct uvfio_cap *cap = &made.caps[i];
	uint16_t place = take16(input);

	cap->id = take8(input);
	cap->version = place >> 12 & 0xf;
	cap->offset = place & 0xffc;
	cap->size = take8(input);
	take_bytes(input, made.init[i] + 2, 12);
	cap->init = made.init[i];
	if (place & 1) {
		memset(made.wmask[i], 0xff, sizeof(made.wmask[i]));
		cap->wmask = made.wmask[i];
	}
	if (place & 2) {
		made.w1c[i][take8(input)] = 0xff;
		cap->w1c = made.w1c[i];
	}
}

static void describe_memories(struct input *input, uint8_t parts)
{
	struct uvfio_pci_model *model = &made.model;

	if (parts & 1) {
		take_bytes(input, made.vpd, 16);
		model->vpd = made.vpd;
		model->vpd_size = take8(input);
	}
	if (parts & 2) {
		made.rom[0] = 0x55;
		made.rom[1] = 0xaa;
		take_bytes(input, made.rom + 0x18, 32);
		model->rom = made.rom;
		model->rom_size = take16(input) % sizeof(made.rom);
	}
	if (parts & 4) {
		made.region = (struct uvfio_region){.type = 1,
						    .size = take16(input),
						    .flags = take8(input) & 3,
						    .access = access_region};
		model->regions = &made.region;
		model->region_count = 1;
	}
	if (parts & 8) {
		made.image[PCI_CAPABILITY_LIST] = take8(input);
		made.image[take8(input)] = take8(input);
		made.image[take8(input)] = take8(input);
		model->image = made.image;
	}
}

/* Ids, features, capabilities by field, then lists of the rest. */
static void describe(struct input *input)
{
	struct uvfio_pci_model *model = &made.model;
	uint8_t counts;

	memset(&made, 0, sizeof(made));
	model->abi = UVFIO_DEVICE_ABI;
	model->name = "fuzzed";
	model->ops = &ops;
	model->class_code = take8(input) & 1 ? 0x030000 : 0x020000;
	model->intx_pin = take8(input) % 5;
	model->features = take8(input) & (UVFIO_PCI_FLR | UVFIO_PCI_PM_RESET |
					  UVFIO_PCI_EXPRESS | UVFIO_PCI_BIST);
	model->pm_offset = take8(input) & 0xfc;
	model->express_offset = take8(input) & 0xfc;
	model->msi.offset = take8(input) & 0xfc;
	model->msi.log2_vectors = take8(input) % 6;
	model->msi.is_64bit = model->msi.offset & 4;
	model->msi.maskable = model->msi.offset & 8;
	counts = take8(input);
	model->config_size = counts & 0x40 ? 4096 : counts & 0x80 ? 256 : 0;
	model->cap_count = counts % (CAPS_MAX + 1);
	model->caps = made.caps;
	for (unsigned int i = 0; i < model->cap_count; i++)
		describe_cap(input, i);
	describe_memories(input, take8(input));
	for (unsigned int i = 0; i < 3; i++)
		if (counts >> (3 + i) & 1)
			describe_bar(input, &model->bars[2 * i]);
}

static ssize_t rw(struct uvf_pci *pci, uint64_t pos, size_t len, bool is_write)
{
	const struct uvf_device_ops *device = pci->vfio.ops;

	return is_write ? device->write(&pci->vfio, &caller, BASE, len, pos)
			: device->read(&pci->vfio, &caller, BASE, len, pos);
}

#define AT(index) ((uint64_t)(index) << UVF_PCI_OFFSET_SHIFT)

/* All at once, and byte by byte: the same. */
static void compare_reads(struct uvf_pci *pci)
{
	static uint8_t all[4096];
	const uint64_t config = AT(VFIO_PCI_CONFIG_REGION_INDEX);
	const size_t size = pci->config_size;

	check(rw(pci, config, size, false) == (ssize_t)size);
	memcpy(all, memory, size);
	for (size_t i = 0; i < size; i++) {
		check(rw(pci, config + i, 1, false) == 1);
		check(memory[0] == all[i]);
	}
	check(rw(pci, config + size, 1, false) == -EFAULT);
	check(rw(pci, config + size - 1, 2, true) == -EFAULT);
}

/* The lists that a client walks end inside config space. */
static void walk_lists(struct uvf_pci *pci)
{
	const uint64_t config = AT(VFIO_PCI_CONFIG_REGION_INDEX);
	unsigned int pos, steps = 0;

	check(rw(pci, config, PCI_CFG_SPACE_SIZE, false) > 0);
	for (pos = memory[PCI_CAPABILITY_LIST]; pos; steps++) {
		check(steps < 48 && pos >= PCI_STD_HEADER_SIZEOF);
		pos = memory[pos + PCI_CAP_LIST_NEXT];
	}
	if (pci->config_size == PCI_CFG_SPACE_SIZE || !pci->express_offset)
		return;
	check(rw(pci, config, 4096, false) == 4096);
	for (pos = PCI_CFG_SPACE_SIZE, steps = 0; pos; steps++) {
		check(steps < 960 && pos >= PCI_CFG_SPACE_SIZE);
		pos = PCI_EXT_CAP_NEXT(uvf_get32(memory + pos)) & 0xffc;
		/* Somebody wrote to what is no list. */
		if (!uvf_get32(pci->vconfig + PCI_CFG_SPACE_SIZE))
			break;
	}
}

static void write_config(struct uvf_pci *pci, struct input *input)
{
	uint64_t pos = take16(input) % (pci->config_size + 4u);
	size_t len = 1u + take8(input) % 16;
	ssize_t ret;

	take_bytes(input, memory, len);
	ret = rw(pci, AT(VFIO_PCI_CONFIG_REGION_INDEX) + pos, len, true);
	check(ret == (ssize_t)len ||
	      (ret == -EFAULT && pos + len > pci->config_size));
}

static void use_region(struct uvf_pci *pci, struct input *input)
{
	uint8_t kind = take8(input);
	uint64_t off = take32(input) & 0xffffff;
	size_t len = take16(input) % BUFFER;
	ssize_t ret = rw(pci, AT(kind % 11) + off, len, kind & 0x80);

	check(ret <= (ssize_t)len);
	check(ret >= 0 || ret == -EINVAL || ret == -EIO || ret == -ENOMEM ||
	      ret == -EFAULT);
}

static void ask(struct uvf_pci *pci, struct input *input)
{
	struct vfio_region_info info = {.argsz = 32u + take8(input),
					.index = take8(input) % 12};
	struct uvf_page page;
	uint64_t off = take16(input) * UINT64_C(0x1000);

	memcpy(memory, &info, sizeof(info));
	if (!pci->vfio.ops->get_region_info(&pci->vfio, &caller, BASE)) {
		memcpy(&info, memory, sizeof(info));
		check(info.offset == AT(info.index));
	}
	pci->vfio.ops->fault(&pci->vfio, AT(info.index) + off, &page);
	(void)pci->vfio.ops->mmap(&pci->vfio, AT(info.index) + off, 0x1000, 3,
				  1);
}

static void operate(struct uvf_pci *pci, struct input *input)
{
	switch (take8(input) % 6) {
	case 0:
	case 1:
		write_config(pci, input);
		break;
	case 2:
		use_region(pci, input);
		break;
	case 3:
		ask(pci, input);
		break;
	case 4:
		(void)pci->vfio.ops->reset(&pci->vfio, &caller, 0);
		break;
	default:
		pci->vfio.ops->close(&pci->vfio);
		check(!pci->vfio.ops->open(&pci->vfio));
		walk_lists(pci);
	}
}

static void run(struct uvf_pci *pci, struct input *input)
{
	check(!pci->vfio.ops->open(&pci->vfio));
	walk_lists(pci);
	compare_reads(pci);
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++)
		operate(pci, input);
	compare_reads(pci);
	pci->vfio.ops->close(&pci->vfio);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct uvf_bus_device *device;
	struct uvf_options *options;
	struct uvf_profile profile;
	struct uvf_machine machine;
	struct uvf_worker *worker;
	struct uvfio_error err;

	describe(&input);
	if (uvf_descriptor_check(&made.model, &err))
		return 0;
	check(!uvf_profile_parse(&profile, take8(&input) & 1 ? "6.1" : NULL,
				 &err));
	uvf_machine_init(&machine, &profile);
	check(!uvf_pci_init(&machine, NULL));
	check(!uvf_worker_create(&worker, false));
	check(!uvf_options_parse(&options, "fuzzed", &err));
	if (!uvf_pci_create(&machine, worker, &made.model, options, &device,
			    &err)) {
		run(uvf_pci_of_bus(device), &input);
		uvf_bus_device_put(device);
	}
	uvf_options_put(options);
	uvf_machine_fini(&machine);
	uvf_worker_destroy(worker);
	return 0;
}
