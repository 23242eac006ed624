/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading config space: every dword, every size, and its end. */
#include "lib.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CONFIG ABI_REGION(VFIO_PCI_CONFIG_REGION_INDEX)

/* Where the firmware left something that is the machine's business. */
static uint32_t stable(unsigned int off, uint32_t v)
{
	switch (off) {
	case 0x0c: /* cache line and latency */
		return v & 0xffff0000;
	case 0x10: /* a bar's address */
		return v & 0xfffff;
	case 0x3c: /* interrupt line */
		return v & 0xffffff00;
	default:
		return v;
	}
}

static void dword(long arg)
{
	struct session s = session_device();
	unsigned int off = (unsigned int)arg;
	uint32_t v = cfg_read(s.device, off, 4);
	int halves, bytes = 1;

	halves = cfg_read(s.device, off, 2) == (v & 0xffff) &&
		 cfg_read(s.device, off + 2, 2) == v >> 16;
	for (unsigned int b = 0; b < 4; b++)
		bytes &= cfg_read(s.device, off + b, 1) == (v >> 8 * b & 0xff);
	result(0);
	hex("value", stable(off, v));
	value("halves", halves);
	value("bytes", bytes);
}

static const struct {
	const char *name;
	long long off;
	size_t len;
} spans[] = {
	{"3_at_0", 0, 3},           {"3_at_1", 1, 3},
	{"5_at_1", 1, 5},           {"7_at_1", 1, 7},
	{"7_at_3", 3, 7},           {"8_at_0", 0, 8},
	{"2_at_3", 3, 2},           {"4_at_2", 2, 4},
	{"4_at_0x3e", 0x3e, 4},     {"12_at_0x3f", 0x3f, 12},
	{"64_at_0", 0, 64},         {"256_at_0", 0, 256},
	{"0_at_0", 0, 0},           {"0_at_0x100", 0x100, 0},
	{"0_at_0x1000", 0x1000, 0}, {"1_at_0xff", 0xff, 1},
	{"2_at_0xff", 0xff, 2},     {"1_at_0x100", 0x100, 1},
	{"4_at_0xfe", 0xfe, 4},     {"257_at_0", 0, 257},
	{"4_at_0x1000", 0x1000, 4}, {"4_at_the_end", (1ll << 40) - 4, 4},
};

static const char *span_label(long i)
{
	return i < (long)COUNT(spans) ? spans[i].name : NULL;
}

/* One read must see what single bytes see, or nothing at all. */
static void span(long i)
{
	struct session s = session_device();
	unsigned char buf[512], all[256];
	ssize_t n;
	int same = 1, err;

	for (unsigned int b = 0; b < 256; b++)
		all[b] = (unsigned char)cfg_read(s.device, b, 1);
	memset(buf, 0xa5, sizeof(buf));
	n = pread(s.device, buf, spans[i].len, CONFIG + spans[i].off);
	err = errno;
	for (size_t b = 0; n > 0 && b < (size_t)n; b++)
		same &= buf[b] == all[spans[i].off + (long long)b];
	errno = err;
	result(n);
	value("same", same);
	value("untouched", buf[0] == 0xa5);
}

static void writes_end_where_reads_end(long i)
{
	struct session s = session_device();
	unsigned char buf[512];
	ssize_t n = pread(s.device, buf, spans[i].len, CONFIG + spans[i].off);

	/* What was read is put back; BARs are told their own address. */
	if (n < 0)
		memset(buf, 0, sizeof(buf));
	result(pwrite(s.device, buf, spans[i].len, CONFIG + spans[i].off));
}

static void into_bad_memory(void)
{
	struct session s = session_device();

	result(pread(s.device, bad_pointer(), 4, CONFIG));
	outcome("write", pwrite(s.device, bad_pointer(), 4, CONFIG + 0x10));
}

static void into_half_bad_memory(void)
{
	struct session s = session_device();
	unsigned char *p = before_fault(4);

	memset(p, 0xa5, 4);
	result(pread(s.device, p, 8, CONFIG));
	value("first_came", p[0] != 0xa5);
}

static void capability_list(void)
{
	struct session s = session_device();
	unsigned int at = cfg_read(s.device, 0x34, 1);

	result(!!(cfg_read(s.device, 6, 2) & 0x10));
	for (int i = 0; at && i < 48; i++) {
		report(" %02x@%02x", cfg_read(s.device, at, 1), at);
		at = cfg_read(s.device, at + 1, 1);
	}
}

static void the_second_device_is_alike(void)
{
	struct session s = session_device(), t = session_second(&s);
	int same = 1;

	t.device = device_open(t.group, 1);
	need(t.device >= 0, "get-device-fd-2");
	for (unsigned int off = 0; off < 256; off += 4)
		same &= stable(off, cfg_read(s.device, off, 4)) ==
			stable(off, cfg_read(t.device, off, 4));
	result(same);
	value("other_bar",
	      cfg_read(s.device, 0x10, 4) != cfg_read(t.device, 0x10, 4));
}

static const struct conf_case cases[] = {
	RANGE(dword, 0, 0xfc, 4),
	EACH(span, span_label),
	EACH(writes_end_where_reads_end, span_label),
	CASE(into_bad_memory),
	CASE(into_half_bad_memory),
	CASE(capability_list),
	CASE(the_second_device_is_alike),
};

TABLE(table_config_header, "config_header", cases);
