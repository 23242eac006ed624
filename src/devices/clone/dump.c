/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of a configuration space as they are in
 * /sys/bus/pci/devices/ADDRESS/config, and the sizes that they do not tell:
 * bars=0:16K+2:32:io+4:1M:pref64+rom:256K
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "clone.h"

static const struct {
	const char *name;
	uint32_t flags;
} kinds[] = {
	{"io", UVFIO_BAR_IO},
	{"mem", 0},
	{"mem64", UVFIO_BAR_64},
	{"pref", UVFIO_BAR_PREFETCH},
	{"pref64", UVFIO_BAR_64 | UVFIO_BAR_PREFETCH},
};

static int refuse_bars(struct clone_fault *fault, const char *text)
{
	return clone_refuse(fault, 0,
			    "bars= at '%.40s': write N:SIZE[:KIND], as "
			    "0:16K+2:32:io+rom:256K; KIND is io, mem, mem64, "
			    "pref or pref64",
			    text);
}

/* What the register says of its kind. */
static uint32_t flags_of(const uint8_t *config, unsigned int number)
{
	uint8_t reg = config[PCI_BASE_ADDRESS_0 + 4 * number];
	uint32_t flags = 0;

	if (reg & PCI_BASE_ADDRESS_SPACE_IO)
		return UVFIO_BAR_IO;
	if ((reg & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
	    PCI_BASE_ADDRESS_MEM_TYPE_64)
		flags |= UVFIO_BAR_64;
	if (reg & PCI_BASE_ADDRESS_MEM_PREFETCH)
		flags |= UVFIO_BAR_PREFETCH;
	return flags;
}

/* What follows :KIND, or @text where there is no kind; NULL: an unknown one. */
static const char *parse_kind(uint32_t *flags, const char *text)
{
	size_t len;

	if (*text != ':')
		return text;
	len = strcspn(++text, "+");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == len &&
		    !memcmp(kinds[i].name, text, len)) {
			*flags = kinds[i].flags;
			return text + len;
		}
	return NULL;
}

/* One of N:SIZE[:KIND] and rom:SIZE; what follows, or NULL. */
static const char *parse_one(struct clone_image *image, const char *text)
{
	struct clone_bar *bar;
	unsigned int number;

	if (!strncmp(text, "rom:", 4))
		return clone_size_parse(&image->rom_size, text + 4);
	if (*text < '0' || *text >= '0' + UVFIO_PCI_BARS || text[1] != ':')
		return NULL;
	number = (unsigned int)(*text - '0');
	bar = &image->bars[number];
	if (bar->size)
		return NULL;
	bar->flags = flags_of(image->config, number);
	text = clone_size_parse(&bar->size, text + 2);
	return text ? parse_kind(&bar->flags, text) : NULL;
}

static int parse_bars(struct clone_image *image, const char *text,
		      struct clone_fault *fault)
{
	while (text && *text) {
		const char *rest = parse_one(image, text);

		if (!rest || (*rest && (*rest != '+' || !rest[1])))
			return refuse_bars(fault, text);
		text = *rest ? rest + 1 : rest;
	}
	return 0;
}

int clone_dump_parse(struct clone_image *image, const uint8_t *data, size_t len,
		     const char *bars, struct clone_fault *fault)
{
	memset(image, 0, sizeof(*image));
	if (len != 64 && len != 256 && len != CLONE_CONFIG_MAX)
		return clone_refuse(fault, 0,
				    "a dump of 64, 256 or 4096 bytes is "
				    "wanted, not of %zu",
				    len);
	memcpy(image->config, data, len);
	image->config_size = (unsigned int)len;
	return parse_bars(image, bars, fault);
}
