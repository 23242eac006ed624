/* SPDX-License-Identifier: BSD-3-Clause */
/* pread and pwrite of BARs, ROM and VGA through the device fd. */
#include "lib.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static void show(const unsigned char *buf, size_t len)
{
	report(" bytes=");
	for (size_t i = 0; i < len; i++)
		report("%02x", buf[i]);
}

static const struct {
	const char *name;
	long long off;
	size_t len;
} reads[] = {
	{"4_at_0", 0, 4},           {"1_at_0", 0, 1},
	{"2_at_0", 0, 2},           {"3_at_0", 0, 3},
	{"4_at_1", 1, 4},           {"4_at_2", 2, 4},
	{"7_at_1", 1, 7},           {"8_at_0", 0, 8},
	{"8_at_4", 4, 8},           {"12_at_0", 0, 12},
	{"16_at_0", 0, 16},         {"4_at_0x60", 0x60, 4},
	{"4_at_0x64", 0x64, 4},     {"4_at_0x28", 0x28, 4},
	{"1_at_0x80", 0x80, 1},     {"2_at_0x80", 0x80, 2},
	{"4_at_0x80", 0x80, 4},     {"8_at_0x80", 0x80, 8},
	{"4_at_0x84", 0x84, 4},     {"8_at_0x84", 0x84, 8},
	{"16_at_0x80", 0x80, 16},   {"4_at_0x1000", 0x1000, 4},
	{"8_at_0x1000", 0x1000, 8}, {"0_at_0", 0, 0},
};

static const char *read_label(long i)
{
	return i < (long)COUNT(reads) ? reads[i].name : NULL;
}

static struct session prepared(void)
{
	struct session s = session_device();
	uint64_t src = 0x1122334455667788;

	edu_quiet(s.device);
	edu_write(s.device, EDU_FACT, 0);
	edu_quiet(s.device);
	edu_write(s.device, EDU_DMA_DST, 0);
	edu_write(s.device, EDU_LIVE, 0x12345678);
	edu_write(s.device, EDU_DMA_SRC, (uint32_t)src);
	return s;
}

static void reads_of(long i)
{
	struct session s = prepared();
	unsigned char buf[16];

	memset(buf, 0xa5, sizeof(buf));
	result(pread(s.device, buf, reads[i].len, reads[i].off));
	show(buf, reads[i].len);
}

/* Each goes to the liveness register or to the source of a transfer. */
static const struct {
	const char *name;
	long long off;
	size_t len;
} writes[] = {
	{"4_at_0x04", 4, 4},          {"1_at_0x04", 4, 1},
	{"2_at_0x04", 4, 2},          {"3_at_0x04", 4, 3},
	{"1_at_0x07", 7, 1},          {"4_at_0x02", 2, 4},
	{"8_at_0x00", 0, 8},          {"8_at_0x04", 4, 8},
	{"4_at_0x80", 0x80, 4},       {"8_at_0x80", 0x80, 8},
	{"4_at_0x84", 0x84, 4},       {"2_at_0x80", 0x80, 2},
	{"4_at_0x00", 0, 4},          {"0_at_0x04", 4, 0},
	{"4_at_0xff000", 0xff000, 4},
};

static const char *write_label(long i)
{
	return i < (long)COUNT(writes) ? writes[i].name : NULL;
}

static void writes_of(long i)
{
	static const unsigned char data[] = {0x01, 0x02, 0x04, 0x08,
					     0x10, 0x20, 0x40, 0x80};
	struct session s = prepared();
	uint32_t low = 0;

	result(pwrite(s.device, data, writes[i].len, writes[i].off));
	hex("live", edu_read(s.device, EDU_LIVE));
	need(pread(s.device, &low, 4, EDU_DMA_SRC) == 4, "read-source");
	hex("source", low);
	hex("id", edu_read(s.device, EDU_ID));
}

static const struct {
	const char *name;
	long long off;
	size_t len;
} ends[] = {
	{"last_dword", EDU_BAR_SIZE - 4, 4},
	{"over_the_end", EDU_BAR_SIZE - 4, 16},
	{"over_the_end_unaligned", EDU_BAR_SIZE - 3, 16},
	{"at_the_end", EDU_BAR_SIZE, 4},
	{"at_the_end_of_0", EDU_BAR_SIZE, 0},
	{"far", 1ll << 30, 4},
	{"absent_bar1", 1ll << 40, 4},
	{"absent_bar1_of_0", 1ll << 40, 0},
	{"absent_bar5", 5ll << 40, 4},
	{"rom", 6ll << 40, 4},
	{"vga", 8ll << 40, 4},
	{"vga_window", (8ll << 40) + 0xa0000, 4},
	{"region_9", 9ll << 40, 4},
	{"region_9_of_0", 9ll << 40, 0},
	{"region_max", (long long)(~0ull >> 1) - 15, 4},
	{"negative", -4, 4},
};

static const char *end_label(long i)
{
	return i < (long)COUNT(ends) ? ends[i].name : NULL;
}

static void read_beyond(long i)
{
	struct session s = session_device();
	unsigned char buf[16];

	result(pread(s.device, buf, ends[i].len, ends[i].off));
}

static void write_beyond(long i)
{
	struct session s = session_device();
	unsigned char buf[16] = {0};

	result(pwrite(s.device, buf, ends[i].len, ends[i].off));
}

static void read_with_decode_off(long i)
{
	struct session s = session_device();
	unsigned char buf[16];

	cfg_command(s.device, 2, 0);
	result(pread(s.device, buf, ends[i].len, ends[i].off));
}

static void write_with_decode_off(long i)
{
	struct session s = session_device();
	unsigned char buf[16] = {0};

	cfg_command(s.device, 2, 0);
	result(pwrite(s.device, buf, ends[i].len, ends[i].off));
}

static void decode_off_and_on_keeps_registers(void)
{
	struct session s = prepared();
	uint32_t v;

	cfg_command(s.device, 2, 0);
	result(pread(s.device, &v, 4, EDU_LIVE));
	cfg_command(s.device, 0, 2);
	hex("live", edu_read(s.device, EDU_LIVE));
}

static void io_decode_does_not_matter(void)
{
	struct session s = session_device();

	cfg_command(s.device, 1, 0);
	result(0);
	hex("id", edu_read(s.device, EDU_ID));
}

static void into_bad_memory(void)
{
	struct session s = session_device();

	result(pread(s.device, bad_pointer(), 4, 0));
	outcome("write", pwrite(s.device, bad_pointer(), 4, 0));
	outcome("beyond", pread(s.device, bad_pointer(), 4, EDU_BAR_SIZE));
}

static void from_half_bad_memory(void)
{
	struct session s = prepared();
	unsigned char *p = before_fault(4);

	memset(p, 0, 4);
	result(pwrite(s.device, p, 8, EDU_LIVE));
	hex("live", edu_read(s.device, EDU_LIVE));
}

/* Each open has a position, which its copies share; it starts at BAR 0. */
static void plain_reads_and_writes_use_the_position(void)
{
	struct session s = prepared();
	uint32_t a = 0, b = 0, c = 0, zeros[2] = {0, 0};
	struct iovec v[] = {{&a, 4}, {&b, 4}};
	int copy = dup(s.device), other = device_open(s.group, 0);

	result(read(s.device, &a, 4));
	outcome("dup", read(copy, &b, 4));
	outcome("other", read(other, &c, 4));
	hex("first", a);
	hex("live", b);
	hex("other_first", c);
	outcome("write", write(device_open(s.group, 0), zeros, 8));
	hex("zeroed", edu_read(s.device, EDU_LIVE));
	outcome("preadv", preadv(s.device, v, 2, 0));
	hex("first", a);
	hex("second", b);
	a = 0;
	b = 0xff;
	outcome("pwritev", pwritev(s.device, v, 2, 0));
	hex("live", edu_read(s.device, EDU_LIVE));
}

static void factorial(long n)
{
	struct session s = session_device();

	edu_quiet(s.device);
	edu_write(s.device, EDU_FACT, (uint32_t)n);
	for (int i = 0; i < 500 && edu_read(s.device, EDU_STATUS) & 1; i++)
		usleep(10000);
	result(edu_read(s.device, EDU_FACT));
	hex("status", edu_read(s.device, EDU_STATUS));
	hex("cause", edu_read(s.device, EDU_IRQ));
}

static void status_register_takes_bit_7(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	edu_write(s.device, EDU_STATUS, ~0u);
	result(edu_read(s.device, EDU_STATUS));
	edu_write(s.device, EDU_STATUS, 0);
	hex("cleared", edu_read(s.device, EDU_STATUS));
}

static void raised_causes_add_up(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	edu_write(s.device, EDU_RAISE, 0x30);
	edu_write(s.device, EDU_RAISE, 0x03);
	hex("both", edu_read(s.device, EDU_IRQ));
	edu_write(s.device, EDU_ACK, 0x11);
	result(edu_read(s.device, EDU_IRQ));
	edu_quiet(s.device);
	hex("none", edu_read(s.device, EDU_IRQ));
}

static const struct conf_case cases[] = {
	EACH(reads_of, read_label),
	EACH(writes_of, write_label),
	EACH(read_beyond, end_label),
	EACH(write_beyond, end_label),
	EACH(read_with_decode_off, end_label),
	EACH(write_with_decode_off, end_label),
	CASE(decode_off_and_on_keeps_registers),
	CASE(io_decode_does_not_matter),
	CASE(into_bad_memory),
	CASE(from_half_bad_memory),
	CASE(plain_reads_and_writes_use_the_position),
	RANGE(factorial, 0, 12, 4),
	RANGE(factorial, 13, 13, 1),
	CASE(status_register_takes_bit_7),
	CASE(raised_causes_add_up),
};

TABLE(table_bar_rw, "bar_rw", cases);
