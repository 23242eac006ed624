/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of lspci -xxxx -vv: for each device a line that begins with its
 * slot, lines that explain it, and the bytes of its configuration space.
 * Only the bytes and the lines of regions matter; whatever else is there is
 * passed over.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clone.h"

#define LINE_MAX_BYTES 1024 /* more of a line is not looked at */
#define SLOT_PARTS     4

struct slot {
	unsigned long parts[SLOT_PARTS]; /* domain, bus, device, function */
};

struct parser {
	const char *text;
	const char *end;
	unsigned int line; /* the number of the one in buf, from 1 */
	char buf[LINE_MAX_BYTES];

	const struct slot *want; /* NULL: the only one */
	bool is_found;
	bool is_inside; /* the lines are those of the wanted device */
	bool has_regions;
	unsigned int unnumbered; /* the line of a region without number */
	struct clone_image *image;
	struct clone_fault *fault;
};

int clone_refuse(struct clone_fault *fault, unsigned int line, const char *fmt,
		 ...)
{
	va_list ap;

	fault->line = line;
	va_start(ap, fmt);
	(void)vsnprintf(fault->what, sizeof(fault->what), fmt, ap);
	va_end(ap);
	/* What is quoted may be anything; the message is one line. */
	for (char *at = fault->what; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return -EINVAL;
}

/* Up to @digits digits of a number in hex; what follows, or NULL. */
static const char *parse_hex(unsigned long *ret_value, const char *text,
			     size_t digits)
{
	size_t len = strspn(text, "0123456789abcdefABCDEF");
	char copy[9];

	if (!len || len > digits)
		return NULL;
	(void)snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	*ret_value = strtoul(copy, NULL, 16);
	return text + len;
}

/* What follows a slot whose first part is @first, or NULL. */
static const char *parse_parts(struct slot *ret_slot, const char *text,
			       unsigned int first)
{
	static const struct {
		size_t digits;
		char after;
	} parts[SLOT_PARTS] = {{8, ':'}, {2, ':'}, {2, '.'}, {1, 0}};

	*ret_slot = (struct slot){{0}};
	for (unsigned int i = first; text && i < SLOT_PARTS; i++) {
		text = parse_hex(&ret_slot->parts[i], text, parts[i].digits);
		if (text && parts[i].after && *text++ != parts[i].after)
			return NULL;
	}
	return text;
}

/* What follows [DDDD:]BB:DD.F, or NULL. */
static const char *parse_slot(struct slot *ret_slot, const char *text)
{
	const char *rest = parse_parts(ret_slot, text, 0);

	return rest ? rest : parse_parts(ret_slot, text, 1);
}

const char *clone_size_parse(uint64_t *ret_size, const char *text)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t size;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	size = strtoull(text, &end, 10);
	if (errno || size >= UINT64_C(1) << 24)
		return NULL;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		size <<= 10 * (unit - units + 1);
		end++;
	}
	*ret_size = size;
	return end;
}

/* The next line into buf, without its end; false when there is none. */
static bool next_line(struct parser *parser)
{
	const char *end;
	size_t len;

	if (parser->text == parser->end)
		return false;
	end = memchr(parser->text, '\n', (size_t)(parser->end - parser->text));
	if (!end)
		end = parser->end;
	len = (size_t)(end - parser->text);
	if (len >= sizeof(parser->buf))
		len = sizeof(parser->buf) - 1;
	memcpy(parser->buf, parser->text, len);
	while (len && parser->buf[len - 1] == '\r')
		len--;
	parser->buf[len] = '\0';
	parser->line++;
	parser->text = end == parser->end ? end : end + 1;
	return true;
}

static bool is_same(const struct slot *a, const struct slot *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* A line that begins with a slot: from here on it is another device. */
static int parse_head(struct parser *parser, const struct slot *slot)
{
	parser->is_inside = !parser->want || is_same(slot, parser->want);
	if (!parser->is_inside)
		return 0;
	if (parser->is_found)
		return clone_refuse(parser->fault, parser->line,
				    parser->want
					    ? "a second device in this slot"
					    : "a second device; say slot=");
	parser->is_found = true;
	parser->image->line = parser->line;
	return 0;
}

/* A line of the dump: where it begins, then up to 16 bytes. */
static int parse_bytes(struct parser *parser, unsigned long at,
		       const char *text)
{
	struct clone_image *image = parser->image;
	unsigned long byte;

	if (at != image->config_size)
		return clone_refuse(parser->fault, parser->line,
				    "byte %lx, where %x is next", at,
				    image->config_size);
	while (*text == ' ' && text[1]) {
		if (!strncmp(text, " ??", 3))
			return clone_refuse(parser->fault, parser->line,
					    "bytes that lspci could not read");
		text = parse_hex(&byte, text + 1, 2);
		if (!text || image->config_size == CLONE_CONFIG_MAX)
			return clone_refuse(parser->fault, parser->line,
					    "no dump of at most 4096 bytes");
		image->config[image->config_size++] = (uint8_t)byte;
	}
	if (text[0] && strcmp(text, " ") != 0)
		return clone_refuse(parser->fault, parser->line,
				    "'%.20s' in the dump", text);
	return 0;
}

/* The [size=N] of a line; 0 where it says none. */
static int parse_line_size(struct parser *parser, uint64_t *ret_size)
{
	const char *at = strstr(parser->buf, "[size=");

	*ret_size = 0;
	if (!at)
		return 0;
	at = clone_size_parse(ret_size, at + strlen("[size="));
	if (at && *at == ']')
		return 0;
	return clone_refuse(parser->fault, parser->line, "no size of a region");
}

/* Region N: Memory at ADDRESS (64-bit, prefetchable) [size=N] */
static int parse_region(struct parser *parser, const char *text)
{
	struct clone_bar *bar;
	unsigned long number;

	text = parse_hex(&number, text, 1);
	if (!text || *text != ':' || number >= UVFIO_PCI_BARS)
		return clone_refuse(parser->fault, parser->line,
				    "a region is one of 0 to 5");
	parser->has_regions = true;
	bar = &parser->image->bars[number];
	if (bar->line)
		return clone_refuse(parser->fault, parser->line,
				    "region %lu again", number);
	bar->line = parser->line;
	if (strstr(text, "I/O ports"))
		bar->flags = UVFIO_BAR_IO;
	else if (!strstr(text, "Memory at"))
		return clone_refuse(parser->fault, parser->line,
				    "a region is Memory or I/O ports");
	if (strstr(text, "(64-bit"))
		bar->flags |= UVFIO_BAR_64;
	if (strstr(text, ", prefetchable)"))
		bar->flags |= UVFIO_BAR_PREFETCH;
	return parse_line_size(parser, &bar->size);
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) ? NULL : text + len;
}

static int parse_line(struct parser *parser)
{
	const char *text = parser->buf, *rest;
	struct slot slot;
	unsigned long at;

	rest = parse_slot(&slot, text);
	if (rest && (*rest == ' ' || !*rest))
		return parse_head(parser, &slot);
	if (!parser->is_inside)
		return 0;
	rest = parse_hex(&at, text, 3);
	if (rest && *rest == ':')
		return parse_bytes(parser, at, rest + 1);
	rest = after(text, "\tRegion ");
	if (rest)
		return parse_region(parser, rest);
	if (after(text, "\tExpansion ROM at "))
		return parse_line_size(parser, &parser->image->rom_size);
	if (after(text, "\tMemory at ") || after(text, "\tI/O ports at "))
		parser->unnumbered = parser->line;
	return 0;
}

/* Whether the device was found, and whole. */
static int check_found(const struct parser *parser, const char *slot)
{
	const struct clone_image *image = parser->image;
	unsigned int size = image->config_size;
	bool has_bars = false;

	if (!parser->is_found && slot)
		return clone_refuse(parser->fault, 0, "no device in slot %.16s",
				    slot);
	if (!parser->is_found)
		return clone_refuse(parser->fault, 0,
				    "no device, as lspci -xxxx -vv prints it");
	if (size != 64 && size != 256 && size != CLONE_CONFIG_MAX)
		return clone_refuse(parser->fault, image->line,
				    "a dump of 64, 256 or 4096 bytes is "
				    "wanted, not of %u; say -xxxx",
				    size);
	for (unsigned int i = 0x10; i < 0x28; i++)
		has_bars |= image->config[i] != 0;
	if (has_bars && !parser->has_regions)
		return clone_refuse(parser->fault,
				    parser->unnumbered ? parser->unnumbered
						       : image->line,
				    "regions without number or size; say -vv");
	return 0;
}

int clone_lspci_parse(struct clone_image *image, const char *text, size_t len,
		      const char *slot, struct clone_fault *fault)
{
	struct parser parser = {
		.text = text,
		.end = text + len,
		.image = image,
		.fault = fault,
	};
	struct slot want;
	const char *rest;
	int ret = 0;

	memset(image, 0, sizeof(*image));
	if (slot) {
		rest = parse_slot(&want, slot);
		if (!rest || *rest)
			return clone_refuse(fault, 0,
					    "slot=%.32s is none; write "
					    "[DDDD:]BB:DD.F",
					    slot);
		parser.want = &want;
	}
	while (!ret && next_line(&parser))
		ret = parse_line(&parser);
	return ret ? ret : check_found(&parser, slot);
}
