/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of a platform device in sysfs, those of its node in the device
 * tree among them.  Cells of the tree are big-endian; addresses and sizes
 * have two, interrupts the three of ARM's controller.
 */
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "platform/platform.h"

#define READ_ONLY 0444

/* Interrupts of devices, as the controller counts them. */
#define SPI         0
#define SPI_FIRST   32
#define EDGE_RISING 1
#define LEVEL_HIGH  4

/* Bytes written, cut to what there is room for. */
static size_t emit(void *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t emit(void *buf, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buf, size, format, args);
	va_end(args);
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size;
}

static size_t emit_cell(void *buf, size_t size, uint32_t value)
{
	uint32_t cell = htobe32(value);

	if (size < sizeof(cell))
		return 0;
	memcpy(buf, &cell, sizeof(cell));
	return sizeof(cell);
}

static size_t show_modalias(struct uvf_bus_device *bus, void *buf, size_t size)
{
	const struct uvfio_platform_model *desc =
		uvf_platform_of_bus(bus)->desc;

	return emit(buf, size, "of:N%sT(null)C%s\n", desc->name,
		    desc->compatible);
}

size_t uvf_platform_show_pairs(struct uvf_bus_device *bus, char *buf,
			       size_t size)
{
	const struct uvf_platform *platform = uvf_platform_of_bus(bus);
	size_t done;

	done = emit(buf, size,
		    "OF_NAME=%s\nOF_FULLNAME=%s\nOF_COMPATIBLE_0=%s\n"
		    "OF_COMPATIBLE_N=1\nMODALIAS=",
		    platform->desc->name, platform->dt_path,
		    platform->desc->compatible);
	return done + show_modalias(bus, buf + done, size - done);
}

/* Strings of the tree end with their NUL. */
static size_t show_compatible(struct uvf_bus_device *bus, void *buf,
			      size_t size)
{
	const char *text = uvf_platform_of_bus(bus)->desc->compatible;

	return emit(buf, size, "%s%c", text, '\0');
}

static size_t show_name(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "%s%c", uvf_platform_of_bus(bus)->desc->name,
		    '\0');
}

static size_t show_reg(struct uvf_bus_device *bus, void *buf, size_t size)
{
	const struct uvf_platform *platform = uvf_platform_of_bus(bus);
	size_t done = 0;

	for (size_t i = 0; i < platform->desc->region_count; i++) {
		const struct uvfio_platform_region *region =
			&platform->desc->regions[i];
		bool is_io = region->flags & UVFIO_REGION_IO;
		uint64_t at = region->offset + (is_io ? 0 : platform->address);
		const uint32_t cells[] = {
			(uint32_t)(at >> 32),
			(uint32_t)at,
			(uint32_t)(region->size >> 32),
			(uint32_t)region->size,
		};

		for (size_t j = 0; j < 4; j++)
			done += emit_cell((char *)buf + done, size - done,
					  cells[j]);
	}
	return done;
}

static size_t show_interrupts(struct uvf_bus_device *bus, void *buf,
			      size_t size)
{
	const struct uvf_platform *platform = uvf_platform_of_bus(bus);
	uint32_t place = (uint32_t)(platform->address >> 16 & 0xff);
	size_t done = 0;

	for (uint32_t i = 0; i < platform->desc->line_count; i++) {
		bool is_edge = platform->irqs[i].line == UVFIO_LINE_EDGE;
		const uint32_t cells[] = {
			SPI,
			SPI_FIRST + 4 * place + i,
			is_edge ? EDGE_RISING : LEVEL_HIGH,
		};

		for (size_t j = 0; j < 3; j++)
			done += emit_cell((char *)buf + done, size - done,
					  cells[j]);
	}
	return done;
}

static const struct uvf_bus_attr attrs[] = {
	{"modalias", show_modalias, READ_ONLY, NULL, NULL, NULL, 0},
	{"of_node/compatible", show_compatible, READ_ONLY, NULL, NULL, NULL, 0},
	{"of_node/interrupts", show_interrupts, READ_ONLY, NULL, NULL, NULL, 0},
	{"of_node/name", show_name, READ_ONLY, NULL, NULL, NULL, 0},
	{"of_node/reg", show_reg, READ_ONLY, NULL, NULL, NULL, 0},
	{NULL, NULL, 0, NULL, NULL, NULL, 0},
};

void uvf_platform_sysfs_init(struct uvf_platform *platform)
{
	platform->bus_ops.attrs = attrs;
	platform->bus_ops.folder = "of_node";
}
