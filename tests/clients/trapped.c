/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model whose registers behave like memory, which lies behind them in the
 * same BAR.  Then come registers that are mirrored, of which the model shows
 * the complement of what is stored, and a page where nobody is.
 */
#include <errno.h>
#include <string.h>

#include <uvfio/pci.h>

#define REGISTERS 0x2000u /* bytes, and as many behind */
#define MIRROR    0x4000u
#define HOLE      0x5000u
#define PAGE      0x1000u

/* The complement of what is stored. */
static void mirror(struct uvfio_dev *dev, uint64_t offset, const void *buf,
		   size_t len)
{
	uint8_t *at = uvfio_mem(dev, 0, offset);

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t) ~((const uint8_t *)buf)[i];
}

static int access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		  void *buf, size_t len, bool is_write)
{
	uint8_t *at = uvfio_mem(dev, bar, REGISTERS + offset);

	if (offset >= MIRROR && is_write)
		mirror(dev, offset, buf, len);
	if (offset >= REGISTERS)
		return offset >= MIRROR ? 0 : -EINVAL;
	memcpy(is_write ? (void *)at : buf, is_write ? buf : (void *)at, len);
	return 0;
}

static const struct uvfio_span spans[] = {
	{REGISTERS, REGISTERS, UVFIO_PAGE_RAM},
	{MIRROR, PAGE, UVFIO_PAGE_RDIRECT},
	{HOLE, PAGE, UVFIO_PAGE_HOLE},
};

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "trapped",
	.summary = "registers that behave like memory",
	.ops = &(struct uvfio_device_ops){.access = access},
	.vendor = 0x1234,
	.device = 0x7a4d,
	.class_code = 0xff0000,
	.bars[0] = {.size = 4 * REGISTERS,
		    .widths = 1 | 2 | 4 | 8,
		    .spans = spans,
		    .span_count = sizeof(spans) / sizeof(spans[0])},
};
