/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clone: what is read out of texts and dumps, what is refused with which
 * line, and the device that comes of it behind vfio-pci.
 */
#include "devices/clone/clone.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "lib/machine.h"
#include "pci/descriptor.h"

#define TEXT     TEST_DATA "/lspci/"
#define REGION   ((uint64_t)1 << 40)
#define CONFIG   (7 * REGION)
#define FILE_MAX (1u << 20)

/* A whole file, as a string; freed by the test. */
static char *slurp(const char *name)
{
	uint8_t *data;
	size_t len;
	char path[256];
	char *text;

	(void)snprintf(path, sizeof(path), "%s%s", TEXT, name);
	assert_int_equal(clone_file_read(path, FILE_MAX, &data, &len), 0);
	text = calloc(1, len + 1);
	assert_non_null(text);
	memcpy(text, data, len);
	free(data);
	return text;
}

static void parse(struct clone_image *image, const char *name, const char *slot)
{
	struct clone_fault fault = {0};
	char *text = slurp(name);

	if (clone_lspci_parse(image, text, strlen(text), slot, &fault))
		fail_msg("%s:%u: %s", name, fault.line, fault.what);
	free(text);
}

static void shape(struct uvfio_pci_model *model,
		  const struct clone_image *image)
{
	static const struct uvfio_device_ops no_ops = {0};
	struct clone_fault fault = {0};
	struct uvfio_error err = {0};

	*model = (struct uvfio_pci_model){
		.abi = UVFIO_DEVICE_ABI, .name = "clone", .ops = &no_ops};
	if (clone_shape(model, image, &fault))
		fail_msg("%u: %s", fault.line, fault.what);
	if (uvf_descriptor_check(model, &err))
		fail_msg("%s", err.text);
}

static void a_text_tells_the_whole_device(void **state)
{
	struct clone_image image;
	struct uvfio_pci_model model;

	(void)state;
	parse(&image, "e1000e.txt", NULL);
	assert_int_equal(image.config_size, 4096);
	shape(&model, &image);
	assert_int_equal(model.vendor, 0x8086);
	assert_int_equal(model.device, 0x10d3);
	assert_int_equal(model.class_code, 0x020000);
	assert_int_equal(model.intx_pin, 1);
	assert_int_equal(model.bars[0].size, 128 << 10);
	assert_int_equal(model.bars[2].size, 32);
	assert_int_equal(model.bars[2].flags, UVFIO_BAR_IO);
	assert_int_equal(model.bars[4].size, 0);
	assert_int_equal(image.rom_size, 256 << 10);
	assert_int_equal(model.msi.offset, 0xd0);
	assert_true(model.msi.is_64bit);
	assert_int_equal(model.msix.offset, 0xa0);
	assert_int_equal(model.msix.vectors, 5);
	assert_int_equal(model.msix.table_bar, 3);
	assert_int_equal(model.msix.pba_offset, 0x2000);
	/* Around the pages of the table and of the pending bits. */
	assert_int_equal(model.bars[3].span_count, 2);
	assert_int_equal(model.bars[3].spans[0].offset, 0x1000);
	assert_int_equal(model.bars[3].spans[1].offset, 0x3000);
	assert_int_equal(model.cap_count, 4);
	clone_unshape(&model);
}

static void devices_are_found_by_their_slot(void **state)
{
	static const struct {
		const char *file, *slot;
		unsigned int vendor, device, config_size;
	} rows[] = {
		{"machine-nn.txt", "00:06.0", 0x1b36, 0x0010, 256},
		{"machine-nn.txt", "00:07.0", 0x1af4, 0x1000, 256},
		{"machine-nn.txt", "0000:01:00.0", 0x8086, 0x10d3, 256},
		{"machine-nn.txt", "00:0b.0", 0x1234, 0x11e8, 256},
		{"headers.txt", "0000:00:09.0", 0x1000, 0x0079, 64},
		{"headers.txt", "00:08.0", 0x1b36, 0x0005, 64},
		{"igb.txt", NULL, 0x8086, 0x10c9, 4096},
		{"nvme.txt", "00:06.0", 0x1b36, 0x0010, 4096},
	};
	struct clone_image image;
	struct uvfio_pci_model model;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(&image, rows[i].file, rows[i].slot);
		assert_int_equal(image.config_size, rows[i].config_size);
		shape(&model, &image);
		assert_int_equal(model.vendor, rows[i].vendor);
		assert_int_equal(model.device, rows[i].device);
		clone_unshape(&model);
	}
}

#define HEAD "00:03.0 x\n"
#define ROW  " 86 80 d3 10 07 01 10 00 00 00 00 02 00 00 00 00\n"
#define ZERO " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
#define REST "10:" ZERO "20:" ZERO "30:" ZERO
#define GOOD HEAD "00:" ROW REST

static void wrong_texts_are_told_by_their_line(void **state)
{
	static const struct {
		const char *text, *slot;
		unsigned int line;
		const char *what;
	} rows[] = {
		{"", NULL, 0, "no device, as lspci"},
		{"hello\n", NULL, 0, "no device, as lspci"},
		{GOOD, "00:04.0", 0, "no device in slot 00:04.0"},
		{GOOD, "4", 0, "slot=4 is none"},
		{GOOD, "00:04.0x", 0, "slot=00:04.0x is none"},
		{GOOD HEAD, NULL, 6, "a second device; say slot="},
		{GOOD HEAD, "00:03.0", 6, "a second device in this slot"},
		{HEAD, NULL, 1, "not of 0"},
		{HEAD "00:" ROW, NULL, 1, "not of 16"},
		{HEAD "10:" ROW, NULL, 2, "byte 10, where 0 is next"},
		{HEAD "00:" ROW "00:" ROW, NULL, 3, "byte 0, where 10 is next"},
		{HEAD "00: 86 8\n10: x", NULL, 3, "where 2 is next"},
		{HEAD "00: 86 xx", NULL, 2, "no dump of at most"},
		{HEAD "00: 86,", NULL, 2, "',' in the dump"},
		{HEAD "00: ??", NULL, 2, "could not read"},
		{HEAD "\tRegion 6: Memory at 0\n", NULL, 2, "one of 0 to 5"},
		{HEAD "\tRegion x\n", NULL, 2, "one of 0 to 5"},
		{HEAD "\tRegion 0: Disk at 0\n", NULL, 2, "Memory or I/O"},
		{HEAD "\tRegion 0: Memory at 0 [size=x]\n", NULL, 2, "no size"},
		{HEAD "\tRegion 0: Memory at 0 [size=4Q]\n", NULL, 2,
		 "no size"},
		{HEAD "\tRegion 0: Memory at 0\n\tRegion 0: Memory at 0\n",
		 NULL, 3, "region 0 again"},
		{HEAD "\tMemory at fe000000 [size=4K]\n00:" ROW
		      "10: 00 00 00 fe 00 00 00 00 00 00 00 00 00 00 00 00\n"
		      "20:" ZERO "30:" ZERO,
		 NULL, 2, "say -vv"},
	};
	struct clone_image image;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct clone_fault fault = {0};

		if (clone_lspci_parse(&image, rows[i].text,
				      strlen(rows[i].text), rows[i].slot,
				      &fault) != -EINVAL)
			fail_msg("text %zu passes", i);
		if (!strstr(fault.what, rows[i].what))
			fail_msg("text %zu: %s", i, fault.what);
		assert_int_equal(fault.line, rows[i].line);
	}
}

static void odd_texts_pass(void **state)
{
	static const char *const texts[] = {
		"pcilib: a warning\r\n" HEAD "00:" ROW REST "\n",
		HEAD
		"\tRegion 5: Memory at <unassigned> (32-bit)\n00:" ROW REST,
		"0001:00:03.0 x\n00:" ROW REST,
	};
	struct clone_image image;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct clone_fault fault = {0};

		if (clone_lspci_parse(&image, texts[i], strlen(texts[i]), NULL,
				      &fault))
			fail_msg("text %zu: %u: %s", i, fault.line, fault.what);
		assert_int_equal(image.config_size, 64);
		assert_int_equal(image.bars[5].size, 0);
	}
}

static void a_dump_takes_its_regions_from_a_key(void **state)
{
	struct clone_fault fault = {0};
	struct clone_image image;
	struct uvfio_pci_model model;
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(clone_file_read(TEXT "nvme.config", 4096, &data, &len),
			 0);
	assert_int_equal(clone_dump_parse(&image, data, len,
					  "0:16K+2:32:io+3:1M:pref+rom:64K",
					  &fault),
			 0);
	shape(&model, &image);
	assert_int_equal(model.bars[0].size, 16 << 10);
	/* Its register says so. */
	assert_int_equal(model.bars[0].flags, UVFIO_BAR_64);
	assert_int_equal(model.bars[2].flags, UVFIO_BAR_IO);
	assert_int_equal(model.bars[3].flags, UVFIO_BAR_PREFETCH);
	assert_int_equal(image.rom_size, 64 << 10);
	clone_unshape(&model);
	free(data);
}

static void wrong_keys_for_regions_are_told(void **state)
{
	static const char *const wrong[] = {
		"x",
		"6:4K",
		"0:",
		"0:x",
		"0:4K+",
		"0:4K:ram",
		"0:4K+0:4K",
		"0:4K:",
		"0:4K 1:4K",
		"rom:x",
		"0:99999999999999999999",
		"0:4K\n",
		"+0:4K",
	};
	static const uint8_t data[256];
	struct clone_image image;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct clone_fault fault = {0};

		if (clone_dump_parse(&image, data, sizeof(data), wrong[i],
				     &fault) != -EINVAL)
			fail_msg("'%s' passes", wrong[i]);
		assert_non_null(strstr(fault.what, "write N:SIZE"));
		assert_null(strchr(fault.what, '\n'));
	}
}

/* Bytes of a dump that make it no device, or none that can be. */
static void impossible_devices_are_refused(void **state)
{
	static const struct {
		unsigned int at;
		uint32_t value;
		unsigned int size;
		const char *bars, *what;
	} rows[] = {
		{0x00, 0xffff, 2, "0:16K", "did not answer"},
		{0x0e, 0x1, 1, "0:16K", "a bridge"},
		{0x3c, 0x500, 2, "0:16K", "interrupt pin 5"},
		{0x34, 0x20, 1, "0:16K", "a capability at 20"},
		{0x34, 0x42, 1, "0:16K", "a capability at 42"},
		{0x40, 0x404011, 3, "0:16K", "go round at 40"},
		{0x60, 0x6401, 2, "0:16K", "capability 01 at 60 has no room"},
		{0x60, 0x0011, 2, "0:16K", "capability 11 at 60 is there"},
		{0x00, 0x36, 1, "0:4K", "MSI-X table"},
		{0x00, 0x36, 1, "", "MSI-X table"},
		{0x48, 0x2008, 2, "0:16K", "overlap"},
		{0x00, 0x36, 1, "0:24K", "a power of two"},
		{0x00, 0x36, 1, "0:16K+2:512:io", "a power of two"},
		{0x00, 0x36, 1, "0:16K+1:4K", "no place beside"},
		{0x00, 0x36, 1, "0:16K+5:4K:mem64", "no place beside"},
		{0x00, 0x36, 1, "0:16K+rom:3K", "a ROM of"},
		{0x00, 0x36, 1, "0:16K+rom:32M", "a ROM of"},
		{0x100, 0x10010001, 4, "0:16K", "go round at 100"},
		{0x100, 0x8010001, 4, "0:16K", "a capability at 80"},
	};
	struct clone_image image;
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(clone_file_read(TEXT "nvme.config", 4096, &data, &len),
			 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct clone_fault fault = {0};
		struct uvfio_pci_model model = {0};
		uint8_t old[4];

		memcpy(old, data + rows[i].at, 4);
		memcpy(data + rows[i].at, &rows[i].value, rows[i].size);
		assert_int_equal(clone_dump_parse(&image, data, len,
						  rows[i].bars, &fault),
				 0);
		if (clone_shape(&model, &image, &fault) != -EINVAL)
			fail_msg("device %zu passes", i);
		if (!strstr(fault.what, rows[i].what))
			fail_msg("device %zu: %s", i, fault.what);
		memcpy(data + rows[i].at, old, 4);
	}
	free(data);
}

/* Keys of the model, and the line that refuses them. */
static void wrong_keys_are_told(void **state)
{
	static const struct {
		const char *spec, *what;
	} rows[] = {
		{"clone", "clone: say lspci=FILE or config=FILE"},
		{"clone,lspci=a,config=b", "say lspci=FILE or config=FILE"},
		{"clone,lspci=a,bars=0:4K", "bars= goes with config="},
		{"clone,config=a,slot=0", "slot= goes with lspci="},
		{"clone,lspci=/nonexistent", "/nonexistent: No such file"},
		{"clone,lspci=/dev", "/dev: Is a directory"},
		{"clone,lspci=" TEXT "names.txt,slot=00:08.0", "names.txt:5: "},
		{"clone,lspci=" TEXT "machine-nn.txt,slot=00:03.0",
		 "a bridge cannot be cloned"},
		{"clone,lspci=" TEXT "e1000e.txt,rom=/nonexistent",
		 "/nonexistent: No such file"},
		{"clone,config=" TEXT "nvme.config", "MSI-X table"},
		{"clone,config=" TEXT "nvme.config,bars=1", "bars= at '1'"},
		{"clone,nokey=1", "clone has no key 'nokey'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const devices[] = {rows[i].spec, NULL};
		const struct uvfio_machine_params params = {.devices = devices};
		struct uvfio_machine *machine;
		struct uvfio_error err = {0};

		if (!uvfio_machine_create(&machine, &params, &err))
			fail_msg("%s passes", rows[i].spec);
		if (!strstr(err.text, rows[i].what))
			fail_msg("%s: %s", rows[i].spec, err.text);
		assert_null(strchr(err.text, '\n'));
	}
}

/* Firmware places BARs, and vfio-pci hides bits of power management. */
static bool is_anybodys(unsigned int at)
{
	return (at >= PCI_COMMAND && at < PCI_STATUS) ||
	       (at >= PCI_BASE_ADDRESS_0 && at < PCI_CARDBUS_CIS) ||
	       (at >= PCI_ROM_ADDRESS && at < PCI_CAPABILITY_LIST) ||
	       at == PCI_INTERRUPT_LINE;
}

/* Shows V33. */
static void a_driver_sees_the_bytes_of_the_text(void **state)
{
	static const char *const devices[] = {"clone,lspci=" TEXT "e1000e.txt",
					      NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_machine *machine;
	struct clone_image image;
	struct uvfio_error err;
	struct opened all;
	uint8_t seen[4096];

	(void)state;
	parse(&image, "e1000e.txt", NULL);
	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	all = machine_open(machine);
	assert_int_equal(
		uvfio_pread(machine, all.device, seen, sizeof(seen), CONFIG),
		sizeof(seen));
	for (unsigned int i = 0; i < sizeof(seen); i++)
		if (!is_anybodys(i) && seen[i] != image.config[i])
			fail_msg("byte %03x: %02x, not %02x", i, seen[i],
				 image.config[i]);
	uvfio_machine_destroy(machine);
}

/* Regions, with one of ports, a table, and one that is no whole page. */
static void regions_remember(void **state)
{
	static const char *const devices[] = {
		"clone,config=" TEXT
		"nvme.config,bars=0:16K+2:32:io+3:256+4:64K:pref64",
		NULL};
	static const struct {
		unsigned int bar;
		uint64_t offset;
		bool is_kept;
	} rows[] = {
		{0, 0, true},      {0, 0x1ff8, true}, {0, 0x2000, false},
		{0, 0x2410, true}, {0, 0x3ff8, true}, {2, 0x18, true},
		{3, 0xf8, true},   {4, 0xfff8, true},
	};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err;
	struct opened all;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	all = machine_open(machine);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t at = rows[i].bar * REGION + rows[i].offset;
		uint64_t value = 0x1122334455667788, seen = 0;

		assert_int_equal(
			uvfio_pwrite(machine, all.device, &value, 8, at), 8);
		assert_int_equal(uvfio_pread(machine, all.device, &seen, 8, at),
				 8);
		if ((seen == value) != rows[i].is_kept)
			fail_msg("row %zu: %llx", i, (unsigned long long)seen);
	}
	uvfio_machine_destroy(machine);
}

static void a_rom_has_what_is_in_the_file(void **state)
{
	/* One image of 512 bytes, the shortest that there is. */
	static const uint8_t head[] = {0x55, 0xaa, 1};
	static const uint8_t data[] = {
		'P', 'C', 'I', 'R', [10] = 24, [16] = 1, [21] = 0x80};
	char path[] = "/tmp/uvfio-clone-XXXXXX", spec[256];
	const char *const devices[] = {spec, NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err;
	struct opened all;
	uint8_t rom[512] = {0}, seen[516];
	int fd = mkstemp(path);

	(void)state;
	memcpy(rom, head, sizeof(head));
	rom[0x18] = 0x1c;
	memcpy(rom + 0x1c, data, sizeof(data));
	rom[511] = 0x77;
	assert_int_equal(write(fd, rom, sizeof(rom)), sizeof(rom));
	close(fd);
	(void)snprintf(spec, sizeof(spec),
		       "clone,lspci=" TEXT "e1000e.txt,rom=%s", path);
	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	assert_int_equal(unlink(path), 0);
	all = machine_open(machine);
	assert_int_equal(uvfio_pread(machine, all.device, seen, sizeof(seen),
				     6 * REGION),
			 sizeof(seen));
	assert_memory_equal(seen, rom, sizeof(rom));
	assert_int_equal(seen[512], 0xff);
	uvfio_machine_destroy(machine);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_text_tells_the_whole_device),
		TEST(devices_are_found_by_their_slot),
		TEST(wrong_texts_are_told_by_their_line),
		TEST(odd_texts_pass),
		TEST(a_dump_takes_its_regions_from_a_key),
		TEST(wrong_keys_for_regions_are_told),
		TEST(impossible_devices_are_refused),
		TEST(wrong_keys_are_told),
		TEST(a_driver_sees_the_bytes_of_the_text),
		TEST(regions_remember),
		TEST(a_rom_has_what_is_in_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
