/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files for clone: any text as of lspci, and any dump with any regions.
 * Whatever passes describes a device that can be, and what does not says why
 * in one line.
 *
 * An input is the text, or after a first byte of 1 a line of regions and the
 * bytes of the dump, as many as there are steps to 64, 256 or 4096.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/clone/clone.h"
#include "input.h"
#include "pci/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct uvfio_device_ops no_ops = {0};

static void check_fault(const struct clone_fault *fault)
{
	if (!fault->what[0] || strchr(fault->what, '\n'))
		abort();
}

static int parse_dump(struct clone_image *image, struct input *input,
		      struct clone_fault *fault)
{
	static const size_t sizes[] = {64, 256, CLONE_CONFIG_MAX};
	static uint8_t config[CLONE_CONFIG_MAX];
	char bars[64] = "";
	size_t len = 0;

	for (char c; len + 1 < sizeof(bars) && (c = (char)take8(input)); len++)
		bars[len] = c;
	bars[len] = '\0';
	memset(config, 0, sizeof(config));
	(void)take_bytes(input, config, sizeof(config));
	return clone_dump_parse(image, config, sizes[len % 3], bars, fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI, .name = "clone", .ops = &no_ops};
	static struct clone_image image;
	struct clone_fault fault = {0};
	struct input input = {data, size};
	struct uvfio_error err = {0};
	int ret;

	if (size && data[0] == 1) {
		(void)take8(&input);
		ret = parse_dump(&image, &input, &fault);
	} else {
		ret = clone_lspci_parse(&image, (const char *)data, size, NULL,
					&fault);
	}
	if (!ret)
		ret = clone_shape(&model, &image, &fault);
	if (ret) {
		check_fault(&fault);
		return 0;
	}
	if (uvf_descriptor_check(&model, &err))
		abort();
	clone_unshape(&model);
	return 0;
}
