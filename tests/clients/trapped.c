/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model whose registers behave like memory, which lies behind them in the
 * same BAR.
 */
#include <errno.h>
#include <string.h>

#include <uvfio/pci.h>

#define REGISTERS 0x2000u /* bytes, and as many behind */

static int access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		  void *buf, size_t len, bool is_write)
{
	uint8_t *at = uvfio_mem(dev, bar, REGISTERS + offset);

	if (offset >= REGISTERS)
		return -EINVAL;
	memcpy(is_write ? (void *)at : buf, is_write ? buf : (void *)at, len);
	return 0;
}

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "trapped",
	.summary = "registers that behave like memory",
	.ops = &(struct uvfio_device_ops){.access = access},
	.vendor = 0x1234,
	.device = 0x7a4d,
	.class_code = 0xff0000,
	.bars[0] = {.size = 2 * REGISTERS,
		    .widths = 1 | 2 | 4 | 8,
		    .spans = &(struct uvfio_span){REGISTERS, REGISTERS,
						  UVFIO_PAGE_RAM},
		    .span_count = 1},
};
