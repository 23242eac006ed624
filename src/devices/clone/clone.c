/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The model: where its shape comes from, and its BARs, which remember what
 * is written.  It does nothing by itself; whoever holds the control socket
 * has it interrupt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clone.h"

#define TEXT_MAX (64u << 20) /* bytes of what lspci printed */

/* Bytes of BARs that have no memory of uvfio's; none is larger. */
#define STORE_MAX 65536u

struct clone {
	uint8_t *stores[UVFIO_PCI_BARS];
};

/* Where an access goes, or NULL when there is no memory for it. */
static uint8_t *store_at(struct clone *clone, unsigned int bar, uint64_t offset)
{
	if (bar >= UVFIO_PCI_BARS || offset >= STORE_MAX)
		return NULL;
	if (!clone->stores[bar])
		clone->stores[bar] = calloc(1, STORE_MAX);
	return clone->stores[bar] ? clone->stores[bar] + offset : NULL;
}

static int clone_access(struct uvfio_dev *dev, unsigned int bar,
			uint64_t offset, void *buf, size_t len, bool is_write)
{
	struct clone *clone = uvfio_priv(dev);
	uint8_t *at = uvfio_mem(dev, bar, offset);

	if (!at)
		at = store_at(clone, bar, offset);
	if (!at)
		return -ENOMEM;
	if (is_write)
		memcpy(at, buf, len);
	else
		memcpy(buf, at, len);
	return 0;
}

static void clone_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	(void)kind;
	uvfio_intx_set(dev, false);
}

static void clone_fini(struct uvfio_dev *dev)
{
	struct clone *clone = uvfio_priv(dev);

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++)
		free(clone->stores[i]);
}

/* One line about a file, or about keys where @path is NULL. */
static int refuse(const struct clone_fault *fault, const char *path,
		  struct uvfio_error *err)
{
	if (path && fault->line)
		uvfio_error_set(err, "%s:%u: %s", path, fault->line,
				fault->what);
	else if (path)
		uvfio_error_set(err, "%s: %s", path, fault->what);
	else
		uvfio_error_set(err, "clone: %s", fault->what);
	return -EINVAL;
}

static int refuse_file(int ret, const char *path, struct uvfio_error *err)
{
	uvfio_error_set(err, "%s: %s", path, strerror(-ret));
	return ret;
}

static int read_image(struct clone_image *image, const struct uvfio_spec *spec,
		      struct uvfio_error *err)
{
	const char *lspci = uvfio_spec_value(spec, "lspci");
	const char *config = uvfio_spec_value(spec, "config");
	const char *slot = uvfio_spec_value(spec, "slot");
	const char *bars = uvfio_spec_value(spec, "bars");
	const char *path = lspci ? lspci : config;
	struct clone_fault fault = {0};
	uint8_t *data;
	size_t len;
	int ret;

	if (!lspci == !config)
		(void)clone_refuse(&fault, 0, "say lspci=FILE or config=FILE");
	else if (lspci && bars)
		(void)clone_refuse(&fault, 0, "bars= goes with config=");
	else if (config && slot)
		(void)clone_refuse(&fault, 0, "slot= goes with lspci=");
	if (fault.what[0])
		return refuse(&fault, NULL, err);
	ret = clone_file_read(path, TEXT_MAX, &data, &len);
	if (ret)
		return refuse_file(ret, path, err);
	if (lspci)
		ret = clone_lspci_parse(image, (const char *)data, len, slot,
					&fault);
	else
		ret = clone_dump_parse(image, data, len, bars, &fault);
	free(data);
	return ret ? refuse(&fault, path, err) : 0;
}

/* The option ROM: the file, in as many bytes as the region has. */
static int read_rom(struct uvfio_pci_model *model, uint64_t size,
		    const struct uvfio_spec *spec, struct uvfio_error *err)
{
	const char *path = uvfio_spec_value(spec, "rom");
	uint8_t *data = NULL, *rom;
	size_t len = 0;
	int ret;

	ret = path ? clone_file_read(path, CLONE_ROM_MAX, &data, &len) : 0;
	if (ret)
		return refuse_file(ret, path, err);
	if (size && len > size) {
		free(data);
		return refuse_file(-EFBIG, path, err);
	}
	size = size ? size : len;
	rom = size ? calloc(1, size) : NULL;
	if (rom && len)
		memcpy(rom, data, len);
	free(data);
	if (size && !rom)
		return -ENOMEM;
	model->rom = rom;
	model->rom_size = (uint32_t)size;
	return 0;
}

static int clone_configure(struct uvfio_pci_model *model,
			   const struct uvfio_spec *spec,
			   struct uvfio_error *err)
{
	struct clone_image *image = calloc(1, sizeof(*image));
	const char *path = uvfio_spec_value(spec, "lspci");
	struct clone_fault fault = {0};
	int ret;

	if (!image)
		return -ENOMEM;
	if (!path)
		path = uvfio_spec_value(spec, "config");
	ret = read_image(image, spec, err);
	if (!ret) {
		ret = clone_shape(model, image, &fault);
		if (ret)
			(void)refuse(&fault, path, err);
	}
	if (!ret) {
		ret = read_rom(model, image->rom_size, spec, err);
		if (ret)
			clone_unshape(model);
	}
	free(image);
	return ret;
}

static void clone_unconfigure(struct uvfio_pci_model *model)
{
	free((void *)(uintptr_t)model->rom);
	clone_unshape(model);
}

static const struct uvfio_device_ops clone_ops = {
	.fini = clone_fini,
	.access = clone_access,
	.reset = clone_reset,
};

static const struct uvfio_key clone_keys[] = {
	{"lspci", "FILE", "what lspci -xxxx -vv printed"},
	{"slot", "[DDDD:]BB:DD.F", "which device of the file"},
	{"config", "FILE", "bytes of a configuration space, as in sysfs"},
	{"bars", "N:SIZE[:KIND]+...", "the regions that go with config="},
	{"rom", "FILE", "what is in the option ROM"},
	{NULL, NULL, NULL},
};

extern const struct uvfio_pci_model uvfio_model_clone;

const struct uvfio_pci_model uvfio_model_clone = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "clone",
	.summary = "a device that was read out of a real machine",
	.keys = clone_keys,
	.ops = &clone_ops,
	.priv_size = sizeof(struct clone),
	.configure = clone_configure,
	.unconfigure = clone_unconfigure,
};
