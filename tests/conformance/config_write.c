/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing config space: which bits of each byte, word and dword take ones
 * and which take zeros.  Each case puts back what it found, because some of
 * it outlives the device fd.
 */
#include "lib.h"

#include <string.h>
#include <unistd.h>

#define CONFIG ABI_REGION(VFIO_PCI_CONFIG_REGION_INDEX)

static void ones_and_zeros(unsigned int off, unsigned int size)
{
	struct session s = session_device();
	uint32_t all = size == 4 ? ~0u : (1u << 8 * size) - 1;
	uint32_t old, ones, zeros;
	int wrote;

	edu_quiet(s.device);
	old = cfg_read(s.device, off, size);
	wrote = cfg_write(s.device, off, size, all);
	ones = cfg_read(s.device, off, size);
	outcome("zeros", cfg_write(s.device, off, size, 0));
	zeros = cfg_read(s.device, off, size);
	cfg_write(s.device, off, size, old);
	result(wrote);
	hex("after_ones", ones);
	hex("after_zeros", zeros);
	value("restored", cfg_read(s.device, off, size) == old);
}

static void byte(long off)
{
	ones_and_zeros((unsigned int)off, 1);
}

static void word(long off)
{
	ones_and_zeros((unsigned int)off, 2);
}

static void dword(long off)
{
	ones_and_zeros((unsigned int)off, 4);
}

/* Sizing a BAR: all ones, in pieces of 4, 2 or 1 bytes. */
static void bar_sizing_in_pieces_of(long size)
{
	struct session s = session_device();
	unsigned int step = (unsigned int)size;

	for (unsigned int off = 0x10; off < 0x14; off += step)
		cfg_write(s.device, off, step, ~0u);
	result(cfg_read(s.device, 0x10, 4) == 0xfff00000);
	hex("reads", cfg_read(s.device, 0x10, 4));
	hex("id", edu_read(s.device, EDU_ID));
}

static void bar_sizing_with_decode_off(void)
{
	struct session s = session_device();

	cfg_command(s.device, 3, 0);
	cfg_write(s.device, 0x10, 4, ~0u);
	result(0);
	hex("reads", cfg_read(s.device, 0x10, 4));
}

static void a_moved_bar_moves_nothing(void)
{
	struct session s = session_device();
	unsigned char *bar = bar_map(s.device, PAGE, 3);

	cfg_write(s.device, 0x10, 4, 0x12300000);
	result(0);
	hex("reads", cfg_read(s.device, 0x10, 4));
	hex("id", edu_read(s.device, EDU_ID));
	value("mapping", touch(bar, 0));
	cfg_command(s.device, 2, 0);
	cfg_command(s.device, 0, 2);
	hex("id_after_decode", edu_read(s.device, EDU_ID));
}

static void bar_bits_below_the_size_are_lost(void)
{
	struct session s = session_device();

	cfg_write(s.device, 0x10, 4, 0xfedcba98);
	result(0);
	hex("reads", cfg_read(s.device, 0x10, 4));
}

static void odd_write_crosses_registers(void)
{
	struct session s = session_device();
	unsigned char ff[7];

	memset(ff, 0xff, sizeof(ff));
	result(pwrite(s.device, ff, 7, CONFIG + 0x11));
	hex("bar0", cfg_read(s.device, 0x10, 4) & 0xffffff00);
	hex("bar1", cfg_read(s.device, 0x14, 4));
}

static void command_bits_one_by_one(long bit)
{
	struct session s = session_device();
	uint32_t old = cfg_read(s.device, 4, 2);

	cfg_write(s.device, 4, 2, 0);
	cfg_write(s.device, 4, 2, 1u << bit);
	result(cfg_read(s.device, 4, 2) == 1u << bit);
	hex("reads", cfg_read(s.device, 4, 2));
	hex("at_open", old);
	cfg_write(s.device, 4, 2, old);
}

static void command_byte_5_leaves_byte_4(void)
{
	struct session s = session_device();

	cfg_command(s.device, 0, 4);
	result(cfg_write(s.device, 5, 1, 4));
	hex("reads", cfg_read(s.device, 4, 2));
	cfg_write(s.device, 5, 1, 0);
	hex("then", cfg_read(s.device, 4, 2));
	hex("id", edu_read(s.device, EDU_ID));
}

static void command_dword_leaves_status(void)
{
	struct session s = session_device();
	uint32_t status = cfg_read(s.device, 6, 2);

	result(cfg_write(s.device, 4, 4, 0xffff0407));
	hex("command", cfg_read(s.device, 4, 2));
	value("status_same", cfg_read(s.device, 6, 2) == status);
}

static void identity_cannot_be_written(void)
{
	struct session s = session_device();

	result(cfg_write(s.device, 0, 4, 0xdeadbeef));
	hex("reads", cfg_read(s.device, 0, 4));
}

static void interrupt_line_is_the_clients(void)
{
	struct session s = session_device();

	result(cfg_write(s.device, 0x3c, 4, 0xa5a5a5a5));
	hex("reads", cfg_read(s.device, 0x3c, 4));
}

static void writes_to_one_device_stay_there(void)
{
	struct session s = session_device(), t = session_second(&s);

	t.device = device_open(t.group, 1);
	cfg_write(t.device, 0x3c, 1, 0x11);
	cfg_write(s.device, 0x3c, 1, 0x22);
	result(0);
	hex("first", cfg_read(s.device, 0x3c, 1));
	hex("second", cfg_read(t.device, 0x3c, 1));
}

static const struct conf_case cases[] = {
	RANGE(byte, 0, 0x4f, 1),
	RANGE(word, 0, 0x4e, 2),
	RANGE(dword, 0, 0xfc, 4),
	RANGE(bar_sizing_in_pieces_of, 1, 2, 1),
	RANGE(bar_sizing_in_pieces_of, 4, 4, 1),
	CASE(bar_sizing_with_decode_off),
	CASE(a_moved_bar_moves_nothing),
	CASE(bar_bits_below_the_size_are_lost),
	CASE(odd_write_crosses_registers),
	RANGE(command_bits_one_by_one, 0, 15, 1),
	CASE(command_byte_5_leaves_byte_4),
	CASE(command_dword_leaves_status),
	CASE(identity_cannot_be_written),
	CASE(interrupt_line_is_the_clients),
	CASE(writes_to_one_device_stay_there),
};

TABLE(table_config_write, "config_write", cases);
