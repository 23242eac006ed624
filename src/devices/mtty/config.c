/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/pci_regs.h>
#include <string.h>

#include "mtty.h"

#define ID        0x32534348u /* 4348:3253, also of the subsystem */
#define ALL_ONES  0xffffffffu
#define BAR_FLAGS 0x3u

static uint32_t get32(const struct mtty *mtty, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, mtty->config + offset, sizeof(value));
	return value;
}

static void put32(struct mtty *mtty, unsigned int offset, uint32_t value)
{
	memcpy(mtty->config + offset, &value, sizeof(value));
}

/* Nothing in the header leads to these. */
static void fill_vendor_data(struct mtty *mtty)
{
	static const char text[] = "PCI Serial/UART";

	put32(mtty, 0x40, 0x80000023);
	put32(mtty, 0x44, 0x23);
	put32(mtty, 0x48, 0x23);
	put32(mtty, 0x4c, 0x23);
	memcpy(mtty->config + 0x60, text, sizeof(text) - 1);
}

void mtty_config_init(struct mtty *mtty)
{
	put32(mtty, PCI_VENDOR_ID, ID);
	put32(mtty, PCI_COMMAND,
	      (uint32_t)PCI_STATUS_DEVSEL_MEDIUM << 16 | PCI_COMMAND_IO);
	/* A serial controller, 16550-compatible; revision 0x10. */
	put32(mtty, PCI_REVISION_ID, 0x07000210);
	put32(mtty, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_SPACE_IO);
	if (mtty->ports > 1)
		put32(mtty, PCI_BASE_ADDRESS_1, PCI_BASE_ADDRESS_SPACE_IO);
	put32(mtty, PCI_SUBSYSTEM_VENDOR_ID, ID);
	mtty->config[PCI_INTERRUPT_PIN] = 1;
	fill_vendor_data(mtty);
}

void mtty_config_read(const struct mtty *mtty, uint64_t offset, uint8_t *buf,
		      size_t len)
{
	/* The kernel's example reads on, whatever lies there. */
	memset(buf, 0, len);
	for (size_t i = 0; i < len && offset + i < MTTY_CONFIG_SIZE; i++)
		buf[i] = mtty->config[offset + i];
}

static void write_bar(struct mtty *mtty, uint16_t offset, uint32_t value)
{
	unsigned int bar = (offset - PCI_BASE_ADDRESS_0) / 4u;

	if (bar >= mtty->ports) {
		put32(mtty, offset, 0);
		return;
	}
	if (value == ALL_ONES)
		value = ~(MTTY_BAR_SIZE - 1);
	put32(mtty, offset, value | (get32(mtty, offset) & BAR_FLAGS));
}

/* Whole registers at their first byte; all else cannot be written. */
void mtty_config_write(struct mtty *mtty, uint16_t offset, const uint8_t buf[4])
{
	uint32_t value;

	memcpy(&value, buf, sizeof(value));
	switch (offset) {
	case PCI_INTERRUPT_LINE:
		mtty->config[offset] = buf[0];
		break;
	case PCI_BASE_ADDRESS_0:
	case PCI_BASE_ADDRESS_1:
	case PCI_BASE_ADDRESS_2:
	case PCI_BASE_ADDRESS_3:
	case PCI_BASE_ADDRESS_4:
		write_bar(mtty, offset, value);
		break;
	default:
		break;
	}
}
