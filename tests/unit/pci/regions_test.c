/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions beyond plain BARs: option ROM, VGA, those of one device only, BARs
 * of which a part or nothing can be mapped.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/pci_regs.h>

#include "rig.h"

#define ROM     REGION(VFIO_PCI_ROM_REGION_INDEX)
#define VGA     REGION(VFIO_PCI_VGA_REGION_INDEX)
#define SPECIAL REGION(VFIO_PCI_NUM_REGIONS)

/* Two images of 512 bytes each, and 176 bytes that belong to none. */
static const uint8_t rom[1200] = {
	[0] = 0x55,   [1] = 0xaa,   [0x18] = 0x1c, [0x1c] = 'P',
	[0x1d] = 'C', [0x1e] = 'I', [0x1f] = 'R',  [0x26] = 0x18,
	[0x2c] = 1,   [512] = 0x55, [513] = 0xaa,  [512 + 0x18] = 0x40,
	[576] = 'P',  [577] = 'C',  [578] = 'I',   [579] = 'R',
	[586] = 0x18, [592] = 1,    [597] = 0x80,  [1023] = 0x77,
	[1024] = 0x88};

static const uint8_t no_image[512] = {0x55, 0xab};

static const struct uvfio_area areas[] = {{0x1000, 0x2000}, {0x6000, 0x1000}};

static int note_access(struct uvfio_dev *dev, uint64_t offset, void *buf,
		       size_t len, bool is_write)
{
	return probe_ops.access(dev, 9, offset, buf, len, is_write);
}

static const struct uvfio_region regions[] = {
	{.type = UVFIO_REGION_OF_VENDOR(0x1111),
	 .subtype = 7,
	 .size = 1500,
	 .flags = UVFIO_REGION_READ | UVFIO_REGION_WRITE,
	 .access = note_access},
	{.type = 1,
	 .subtype = 1,
	 .size = 16,
	 .flags = UVFIO_REGION_READ,
	 .access = note_access},
};

static const struct uvfio_pci_model model_rich = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "rich",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.vendor = 0x1111,
	.device = 0x2223,
	.class_code = 0x030000,
	.bars =
		{
			[0] = {.size = 0x8000,
			       .widths = 15,
			       .flags = UVFIO_BAR_SPARSE,
			       .areas = areas,
			       .area_count = 2},
			[1] = {.size = 0x1000,
			       .widths = 15,
			       .flags = UVFIO_BAR_NOMMAP},
			[2] = {.size = 0x1000,
			       .widths = 15,
			       .flags = UVFIO_BAR_SPARSE},
			[4] = {.size = 64, .widths = 7, .flags = UVFIO_BAR_IO},
		},
	.rom = rom,
	.rom_size = sizeof(rom),
	.regions = regions,
	.region_count = 2,
};

static long region_info(struct rig *rig, uint32_t index, uint32_t argsz,
			struct vfio_region_info *ret_info)
{
	struct vfio_region_info info = {
		.argsz = argsz, .flags = 0x5a, .index = index};
	long ret;

	memcpy(client_at(rig, SCRATCH), &info, sizeof(info));
	ret = rig->pci->vfio.ops->get_region_info(&rig->pci->vfio,
						  &rig->client.caller, SCRATCH);
	memcpy(ret_info, client_at(rig, SCRATCH), sizeof(*ret_info));
	return ret;
}

static int map(struct rig *rig, uint64_t pos, uint64_t len)
{
	return rig->pci->vfio.ops->mmap(&rig->pci->vfio, pos, len,
					PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* Shows V6. */
static void each_index_answers_at_its_place(void **state)
{
	struct rig *rich = rig_create(&model_rich, NULL, false);
	struct rig *plain = rig_create(&model_plain, NULL, false);
	struct vfio_region_info info;

	(void)state;
	for (uint32_t i = 0; i < 11; i++) {
		assert_int_equal(region_info(rich, i, 32, &info), 0);
		assert_int_equal(info.offset, (uint64_t)i << 40);
		assert_int_equal(region_info(rich, i, 31, &info), -EINVAL);
		assert_int_equal(info.flags, 0x5a);
	}
	assert_int_equal(region_info(rich, 11, 32, &info), -EINVAL);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(region_info(plain, i, 32, &info), 0);
		assert_int_equal(info.offset, (uint64_t)i << 40);
	}
	/* It is no VGA card. */
	assert_int_equal(region_info(plain, 8, 32, &info), -EINVAL);
	assert_int_equal(region_info(plain, 9, 32, &info), -EINVAL);
	rig_destroy(rich);
	rig_destroy(plain);
}

/* Shows V7. */
static void what_is_not_there_has_no_size(void **state)
{
	static const struct uvfio_pci_model unreadable = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "unreadable",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.bars[0] = {.size = 0x1000,
			    .widths = 15,
			    .flags = UVFIO_BAR_64},
		.rom = no_image,
		.rom_size = sizeof(no_image),
	};
	static const uint32_t absent[] = {1, 2, 3, 4, 5, 6};
	struct rig *rig = rig_create(&unreadable, NULL, false);
	struct vfio_region_info info;
	uint32_t value;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(region_info(rig, absent[i], 32, &info), 0);
		assert_int_equal(info.size, 0);
		assert_int_equal(info.flags, 0);
	}
	assert_int_equal(region_info(rig, 7, 32, &info), 0);
	assert_int_equal(info.size, 256);
	assert_int_equal(info.flags, VFIO_REGION_INFO_FLAG_READ |
					     VFIO_REGION_INFO_FLAG_WRITE);
	/* Without an image there is a register, and nothing behind it. */
	cfg_set(rig, PCI_ROM_ADDRESS, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, PCI_ROM_ADDRESS, 4), 0xfffff801);
	assert_int_equal(rig_read(rig, ROM, &value, 4), -ENOMEM);
	assert_int_equal(rig_read(rig, ROM + 2048, &value, 4), -EINVAL);
	rig_destroy(rig);
}

/* Shows V36, V37, V49. */
static void rom_is_read_through_memory_decode(void **state)
{
	struct rig *rig = rig_create(&model_rich, NULL, false);
	struct vfio_region_info info;
	uint8_t buf[2048];

	(void)state;
	assert_int_equal(region_info(rig, 6, 32, &info), 0);
	assert_int_equal(info.size, 2048);
	assert_int_equal(info.flags, VFIO_REGION_INFO_FLAG_READ);
	assert_int_equal(rig_read(rig, ROM, buf, sizeof(buf)), 2048);
	assert_memory_equal(buf, rom, 1024);
	/* Behind the last image nobody looks. */
	for (int i = 1024; i < 2048; i++)
		assert_int_equal(buf[i], 0xff);
	assert_int_equal(rig_read(rig, ROM + 1021, buf, 7), 7);
	assert_int_equal(buf[2], 0x77);
	assert_int_equal(buf[3], 0xff);
	assert_int_equal(rig_read(rig, ROM + 2040, buf, 64), 8);
	assert_int_equal(rig_read(rig, ROM + 2048, buf, 1), -EINVAL);
	assert_int_equal(rig_write(rig, ROM, buf, 4), -EINVAL);
	assert_int_equal(map(rig, ROM, 0x1000), -EINVAL);

	cfg_set(rig, PCI_COMMAND, 2, 0);
	assert_int_equal(rig_read(rig, ROM, buf, 4), -ENOMEM);
	assert_int_equal(region_info(rig, 6, 32, &info), 0);
	assert_int_equal(info.size, 2048);
	cfg_set(rig, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(rig_read(rig, ROM, buf, 4), 4);

	/* The enable bit of the register is the client's, and means nothing. */
	assert_true(cfg_get(rig, PCI_ROM_ADDRESS, 4));
	assert_int_equal(cfg_get(rig, PCI_ROM_ADDRESS, 4) & 0x7ff, 0);
	for (unsigned int width = 1; width <= 4; width *= 2) {
		for (unsigned int i = 0; i < 4; i += width)
			cfg_set(rig, PCI_ROM_ADDRESS + i, width, 0xffffffff);
		assert_int_equal(cfg_get(rig, PCI_ROM_ADDRESS, 4), 0xfffff801);
		cfg_set(rig, PCI_ROM_ADDRESS, 4, 0);
		assert_int_equal(rig_read(rig, ROM, buf, 4), 4);
	}
	rig_destroy(rig);
}

static void vga_has_three_ranges(void **state)
{
	static const struct {
		uint64_t first, end;
		size_t widest;
	} ranges[] = {
		{0xa0000, 0xc0000, 8}, {0x3b0, 0x3bc, 4}, {0x3c0, 0x3e0, 4}};
	struct rig *rig = rig_create(&model_rich, NULL, false);
	struct vfio_region_info info;
	uint8_t buf[64] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	assert_int_equal(region_info(rig, 8, 32, &info), 0);
	assert_int_equal(info.size, 0xc0000);
	assert_int_equal(info.flags, VFIO_REGION_INFO_FLAG_READ |
					     VFIO_REGION_INFO_FLAG_WRITE);
	/* It is there while COMMAND has nothing on. */
	cfg_set(rig, PCI_COMMAND, 2, 0);
	for (int i = 0; i < 3; i++) {
		uint64_t end = ranges[i].end;

		probe_clear(rig->probe);
		assert_int_equal(rig_write(rig, VGA + end - 8, buf, 64), 8);
		assert_int_equal(rig->probe->log[0].bar, UVFIO_VGA);
		assert_int_equal(
			rig->probe->log[0].len,
			(end - 8) % ranges[i].widest ? 4 : ranges[i].widest);
		memset(buf, 0, 8);
		assert_int_equal(rig_read(rig, VGA + end - 8, buf, 64), 8);
		assert_int_equal(buf[7], 8);
		assert_int_equal(rig_read(rig, VGA + end, buf, 1), -EINVAL);
		assert_int_equal(
			rig_read(rig, VGA + ranges[i].first - 1, buf, 1),
			-EINVAL);
	}
	rig->probe->fail = -EINVAL;
	assert_int_equal(rig_read(rig, VGA + 0x3c0, buf, 3), 3);
	assert_int_equal(buf[2], 0xff);
	rig->probe->fail = 0;
	assert_int_equal(map(rig, VGA, 0x1000), -EINVAL);
	rig_destroy(rig);
}

static void pieces_of_vga_memory_are_the_kernels(void **state)
{
	struct rig *rig = rig_create(&model_rich, "6.1", false);
	uint8_t buf[8];

	(void)state;
	probe_clear(rig->probe);
	assert_int_equal(rig_read(rig, VGA + 0xa0000, buf, 8), 8);
	assert_int_equal(rig->probe->accesses, 2);
	assert_int_equal(rig->probe->log[1].len, 4);
	rig_destroy(rig);
}

static void regions_of_one_device_have_a_type(void **state)
{
	struct rig *rig = rig_create(&model_rich, NULL, false);
	struct vfio_region_info_cap_type type;
	struct vfio_device_info device = {.argsz = sizeof(device)};
	struct vfio_region_info info;
	uint8_t buf[1600];

	(void)state;
	memcpy(client_at(rig, SCRATCH), &device, sizeof(device));
	assert_int_equal(rig->pci->vfio.ops->get_info(
				 &rig->pci->vfio, &rig->client.caller, SCRATCH),
			 0);
	memcpy(&device, client_at(rig, SCRATCH), sizeof(device));
	assert_int_equal(device.num_regions, 11);

	assert_int_equal(region_info(rig, 9, 32, &info), 0);
	assert_int_equal(info.argsz, 48);
	assert_int_equal(info.cap_offset, 0);
	assert_int_equal(region_info(rig, 9, 48, &info), 0);
	assert_int_equal(info.size, 1500);
	assert_int_equal(info.flags, 1 | 2 | VFIO_REGION_INFO_FLAG_CAPS);
	assert_int_equal(info.cap_offset, 32);
	memcpy(&type, client_at(rig, SCRATCH + 32), sizeof(type));
	assert_int_equal(type.header.id, VFIO_REGION_INFO_CAP_TYPE);
	assert_int_equal(type.header.version, 1);
	assert_int_equal(type.header.next, 0);
	assert_int_equal(type.type, 0x80001111);
	assert_int_equal(type.subtype, 7);
	assert_int_equal(region_info(rig, 10, 48, &info), 0);
	assert_int_equal(info.flags, 1 | VFIO_REGION_INFO_FLAG_CAPS);

	memset(buf, 0x3c, sizeof(buf));
	probe_clear(rig->probe);
	assert_int_equal(rig_write(rig, SPECIAL + 100, buf, 1600), 1400);
	assert_int_equal(rig->probe->accesses, 2);
	assert_int_equal(rig->probe->log[1].off, 1124);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(rig_read(rig, SPECIAL, buf, 1600), 1500);
	assert_int_equal(buf[99], 0);
	assert_int_equal(buf[1499], 0x3c);
	assert_int_equal(rig_read(rig, SPECIAL + 1500, buf, 1), -EINVAL);
	rig->probe->fail = -EBUSY;
	assert_int_equal(rig_read(rig, SPECIAL, buf, 1), -EBUSY);
	rig->probe->fail = 0;
	/* The second one is for reading only. */
	assert_int_equal(rig_read(rig, REGION(10), buf, 16), 16);
	assert_int_equal(rig_write(rig, REGION(10), buf, 1), -EINVAL);
	assert_int_equal(map(rig, SPECIAL, 0x1000), -EINVAL);
	assert_int_equal(rig_read(rig, REGION(11), buf, 1), -EINVAL);
	rig_destroy(rig);
}

/* Shows V50. */
static void parts_of_a_sparse_bar_can_be_mapped(void **state)
{
	struct rig *rig = rig_create(&model_rich, NULL, false);
	struct {
		struct vfio_info_cap_header header;
		uint32_t count, reserved;
		uint64_t areas[4];
	} cap;
	struct vfio_region_info info;

	(void)state;
	assert_int_equal(region_info(rig, 0, 79, &info), 0);
	assert_int_equal(info.argsz, 80);
	assert_int_equal(region_info(rig, 0, 80, &info), 0);
	assert_int_equal(info.flags, 15);
	memcpy(&cap, client_at(rig, SCRATCH + 32), sizeof(cap));
	assert_int_equal(cap.header.id, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	assert_int_equal(cap.count, 2);
	assert_int_equal(cap.areas[0], 0x1000);
	assert_int_equal(cap.areas[1], 0x2000);
	assert_int_equal(cap.areas[2], 0x6000);
	assert_int_equal(cap.areas[3], 0x1000);

	assert_int_equal(map(rig, REGION(0) + 0x1000, 0x2000), 0);
	assert_int_equal(map(rig, REGION(0) + 0x2000, 0x1000), 0);
	assert_int_equal(map(rig, REGION(0) + 0x6000, 0x1000), 0);
	assert_int_equal(map(rig, REGION(0), 0x1000), -EINVAL);
	assert_int_equal(map(rig, REGION(0), 0x8000), -EINVAL);
	assert_int_equal(map(rig, REGION(0) + 0x2000, 0x2000), -EINVAL);
	assert_int_equal(map(rig, REGION(0) + 0x6000, 0x2000), -EINVAL);

	/* No area at all: it says so, and nothing can be mapped. */
	assert_int_equal(region_info(rig, 2, 48, &info), 0);
	assert_int_equal(info.flags, 15);
	memcpy(&cap, client_at(rig, SCRATCH + 32), 16);
	assert_int_equal(cap.count, 0);
	assert_int_equal(map(rig, REGION(2), 0x1000), -EINVAL);
	rig_destroy(rig);
}

/* Shows V9. */
static void some_bars_cannot_be_mapped(void **state)
{
	struct rig *rig = rig_create(&model_rich, NULL, false);
	struct vfio_region_info info;
	uint32_t value = 0;

	(void)state;
	for (uint32_t i = 1; i <= 4; i += 3) {
		assert_int_equal(region_info(rig, i, 32, &info), 0);
		assert_int_equal(info.flags, 3);
		assert_int_equal(map(rig, REGION(i), 0x1000), -EINVAL);
		assert_int_equal(rig_read(rig, REGION(i), &value, 4), 4);
	}
	/* Ports answer whatever the decode bits say. */
	cfg_set(rig, PCI_COMMAND, 2, 0);
	assert_int_equal(rig_read(rig, REGION(4), &value, 4), 4);
	assert_int_equal(value, 0xffffffff);
	assert_int_equal(rig_write(rig, REGION(4), &value, 4), 4);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_index_answers_at_its_place),
		cmocka_unit_test(what_is_not_there_has_no_size),
		cmocka_unit_test(rom_is_read_through_memory_decode),
		cmocka_unit_test(vga_has_three_ranges),
		cmocka_unit_test(pieces_of_vga_memory_are_the_kernels),
		cmocka_unit_test(regions_of_one_device_have_a_type),
		cmocka_unit_test(parts_of_a_sparse_bar_can_be_mapped),
		cmocka_unit_test(some_bars_cannot_be_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
