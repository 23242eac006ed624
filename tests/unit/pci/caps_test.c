/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capabilities of each kind: how long they are, what of them a client sees,
 * and what they do.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "pci/hw.h"
#include "rig.h"

#define VPD 0x40

/* A name of 3 letters, 8 bytes that can be written, the end: 18 bytes. */
static const uint8_t vpd[32] = {0x82, 3,   0, 'a', 'b', 'c', 0x91, 8, 0,
				'R',  'V', 5, 1,   2,   3,   4,    5, 0x78};
static const uint8_t empty_vpd[4] = {0xff, 0xff, 0xff, 0xff};

static const struct uvfio_cap vpd_cap[] = {{.id = 3, .offset = VPD, .size = 8}};

static const struct uvfio_pci_model model_vpd = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "vpd",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.caps = vpd_cap,
	.cap_count = 1,
	.vpd = vpd,
	.vpd_size = sizeof(vpd),
};

/* Shows V42. */
static void vpd_is_read_by_its_flag(void **state)
{
	struct rig *rig = rig_create(&model_vpd, NULL, false);

	(void)state;
	cfg_set(rig, VPD + 2, 2, 4);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x8004);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0x08916362);
	/* Not a word of the memory: the kernel puts it together. */
	cfg_set(rig, VPD + 2, 2, 5);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0x00089163);
	/* The lower byte alone asks for nothing; the upper one does. */
	cfg_set(rig, VPD + 2, 1, 0);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x8000);
	cfg_set(rig, VPD + 4, 4, 0);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0);
	cfg_set(rig, VPD + 3, 1, 0);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x8000);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0x61000382);
	/* A dword holds the address and the next pointer. */
	cfg_set(rig, VPD, 4, 0x000c0000);
	assert_int_equal(cfg_get(rig, VPD, 4), 0x800c0003);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0x04030201);
	/* Behind the end there are zeros, and that is no error. */
	cfg_set(rig, VPD + 2, 2, 0x100);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x8100);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0);
	rig_destroy(rig);
}

/* Shows V42. */
static void vpd_is_written_by_its_flag(void **state)
{
	struct rig *rig = rig_create(&model_vpd, NULL, false);

	(void)state;
	cfg_set(rig, VPD + 4, 4, 0x11223344);
	cfg_set(rig, VPD + 2, 2, 0x800c);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x000c);
	cfg_set(rig, VPD + 4, 4, 0);
	cfg_set(rig, VPD + 2, 2, 0x000c);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0x11223344);
	/* What cannot be written keeps its flag. */
	cfg_set(rig, VPD + 2, 2, 0x800d);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x800d);
	cfg_set(rig, VPD + 2, 2, 0x8010);
	assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x8010);
	/* It is the memory's own: the next client finds it. */
	rig_reopen(rig);
	cfg_set(rig, VPD + 2, 2, 0x000c);
	assert_int_equal(cfg_get(rig, VPD + 4, 4), 0x11223344);
	rig_destroy(rig);
}

/* Shows V42. */
static void vpd_without_data_never_answers(void **state)
{
	struct uvfio_pci_model model = model_vpd;
	struct rig *rig;

	(void)state;
	for (int i = 0; i < 2; i++) {
		model.vpd = i ? empty_vpd : NULL;
		model.vpd_size = i ? sizeof(empty_vpd) : 0;
		rig = rig_create(&model, NULL, false);
		cfg_set(rig, VPD + 2, 2, 4);
		assert_int_equal(cfg_get(rig, VPD + 2, 2), 4);
		cfg_set(rig, VPD + 2, 2, 0x8004);
		assert_int_equal(cfg_get(rig, VPD + 2, 2), 0x8004);
		rig_destroy(rig);
	}
}

/* The registers themselves, as a driver of the host uses them. */
static void vpd_registers_move_words(void **state)
{
	struct rig *rig = rig_create(&model_vpd, NULL, false);
	struct uvf_pci *pci = rig->pci;

	(void)state;
	uvf_lock(&pci->model.lock);
	uvf_hw_write_locked(pci, VPD + 2, 2, 4);
	assert_int_equal(uvf_hw_read_locked(pci, VPD + 2, 2), 0x8004);
	assert_int_equal(uvf_hw_read_locked(pci, VPD + 4, 4), 0x08916362);
	uvf_hw_write_locked(pci, VPD + 4, 4, 5);
	uvf_hw_write_locked(pci, VPD + 2, 2, 0x801c);
	assert_int_equal(uvf_hw_read_locked(pci, VPD + 2, 2), 0x001c);
	uvf_hw_write_locked(pci, VPD + 2, 2, 0x001c);
	assert_int_equal(uvf_hw_read_locked(pci, VPD + 4, 4), 5);
	uvf_hw_write_locked(pci, VPD + 2, 2, 0x0020);
	assert_int_equal(uvf_hw_read_locked(pci, VPD + 2, 2), 0x0020);
	uvf_unlock(&pci->model.lock);
	rig_destroy(rig);
}

/* One capability alone, at 0x40 or 0x100, and how much of it is seen. */
struct kind {
	uint16_t id;
	uint8_t size; /* declared */
	uint8_t at;   /* where init has this byte, or two, or four */
	uint32_t value;
	unsigned int length; /* 0: hidden */
};

static const struct kind kinds[] = {
	{0x00, 8, 0, 0, 0},
	{0x01, 8, 0, 0, 8},
	{0x02, 12, 0, 0, 12},
	{0x03, 8, 0, 0, 8},
	{0x04, 4, 0, 0, 0},
	{0x06, 4, 0, 0, 0},
	{0x07, 8, 0, 0, 8},
	{0x07, 24, 2, 0x1000, 24}, /* version 1 */
	{0x07, 24, 2, 0x2000, 24},
	{0x08, 28, 0, 0, 28},
	{0x08, 28, 3, 0x20, 24}, /* a kind of three bits */
	{0x09, 24, 2, 24, 24},
	{0x09, 24, 2, 3, 3},
	{0x09, 24, 2, 0, 0},
	{0x0a, 4, 0, 0, 0},
	{0x0b, 4, 0, 0, 0},
	{0x0c, 8, 0, 0, 0},
	{0x0d, 8, 0, 0, 0},
	{0x0e, 8, 0, 0, 0},
	{0x0f, 8, 0, 0, 0},
	{0x10, 12, 2, 0x0091, 12}, /* version 1, integrated endpoint */
	{0x10, 20, 2, 0x0001, 20}, /* version 1 */
	{0x10, 60, 2, 0x0092, 0x2c},
	{0x10, 60, 2, 0x0002, 0x34},
	{0x12, 8, 4, 0x04, 8},
	{0x12, 16, 4, 0x0f, 16}, /* registers inside */
	{0x13, 6, 0, 0, 6},
	{0x14, 8, 0, 0, 0},
	{0x15, 8, 0, 0, 0},
};

static const struct kind extended_kinds[] = {
	{0x01, 0x48, 0, 0, 0x2c},
	{0x02, 0x1c, 0, 0, 0x1c},
	{0x02, 0x28, 4, 1, 0x28},    /* a second channel */
	{0x02, 0x40, 8, 0x02, 0x30}, /* 32 phases */
	{0x02, 0x40, 8, 0x04, 0x40}, /* 64 */
	{0x02, 0x60, 8, 0x08, 0x60}, /* 128 */
	{0x03, 12, 0, 0, 12},
	{0x04, 16, 0, 0, 16},
	{0x05, 16, 0, 0, 0},
	{0x06, 16, 0, 0, 0},
	{0x07, 16, 0, 0, 0},
	{0x08, 0x1c, 0, 0, 0x1c},
	{0x09, 0x1c, 0, 0, 0x1c},
	{0x0a, 16, 0, 0, 0},
	{0x0b, 0x20, 4, 0x01810001, 0x18},
	{0x0c, 8, 0, 0, 0},
	{0x0d, 8, 0, 0, 8},
	{0x0d, 40, 4, 0x0020, 40}, /* egress, 256 bits */
	{0x0d, 40, 4, 0x2120, 16}, /* 33 bits */
	{0x0e, 8, 0, 0, 8},
	{0x0f, 8, 0, 0, 8},
	{0x10, 64, 0, 0, 64},
	{0x11, 16, 0, 0, 0},
	{0x12, 0x30, 0, 0, 40},
	{0x13, 16, 0, 0, 16},
	{0x14, 16, 0, 0, 0},
	{0x15, 28, 8, 0x60, 28}, /* three BARs */
	{0x16, 48, 4, 0x1f, 48},
	{0x17, 12, 0, 0, 12},
	{0x17, 28, 4, 0x00070200, 28}, /* table of 8 */
	{0x17, 28, 4, 0x00070400, 12}, /* table elsewhere */
	{0x18, 8, 0, 0, 8},
	{0x19, 16, 0, 0, 0},
	{0x1a, 16, 0, 0, 0},
	{0x1b, 8, 0, 0, 0},
	{0x1d, 16, 0, 0, 0},
	{0x1e, 16, 0, 0, 0},
	{0x1f, 16, 0, 0, 0},
	{0x23, 0x20, 4, 0x01808086, 0x18},
	{0x25, 12, 0, 0, 0},
	{0x26, 32, 0, 0, 0},
	{0x2e, 24, 0, 0, 0},
	{0x7f, 24, 0, 0, 0},
};

/* Bytes from @pos on that belong to a capability. */
static unsigned int seen(const struct rig *rig, unsigned int pos, uint8_t id)
{
	unsigned int n = 0;

	while (pos + n < 0x180 && rig->pci->map[pos + n] == id)
		n++;
	return n;
}

static void expect_kind(const struct kind *kind)
{
	uint8_t init[256] = {0};
	const struct uvfio_cap cap = {.id = kind->id,
				      .offset = 0x40,
				      .size = kind->size,
				      .init = init};
	const struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "kind",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.features = kind->id == 0x10 ? UVFIO_PCI_EXPRESS : 0,
		.caps = &cap,
		.cap_count = 1,
	};
	struct rig *rig;

	uvf_put32(init + kind->at, kind->value);
	rig = rig_create(&model, NULL, false);
	if (kind->id && seen(rig, 0x40, (uint8_t)kind->id) != kind->length)
		fail_msg("capability %#x is seen for %u bytes, not %u",
			 kind->id, seen(rig, 0x40, (uint8_t)kind->id),
			 kind->length);
	assert_int_equal(cfg_get(rig, 0x34, 1), kind->length ? 0x40 : 0);
	assert_int_equal(!!(cfg_get(rig, 6, 1) & PCI_STATUS_CAP_LIST),
			 kind->length != 0);
	rig_destroy(rig);
}

/* Shows V39. */
static void each_kind_has_its_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		expect_kind(&kinds[i]);
}

static void expect_extended_kind(const struct kind *kind)
{
	uint8_t init[256] = {0};
	const struct uvfio_cap cap = {.id = kind->id,
				      .version = 1,
				      .offset = 0x100,
				      .size = kind->size,
				      .init = init};
	const struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "kind",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.features = UVFIO_PCI_EXPRESS,
		.express_offset = 0x80,
		.caps = &cap,
		.cap_count = 1,
	};
	struct rig *rig;

	uvf_put32(init + kind->at, kind->value);
	rig = rig_create(&model, NULL, false);
	if (seen(rig, 0x100, (uint8_t)kind->id) !=
	    (kind->length ? kind->length : 4))
		fail_msg("extended capability %#x is seen for %u bytes, not %u",
			 kind->id, seen(rig, 0x100, (uint8_t)kind->id),
			 kind->length);
	assert_int_equal(cfg_get(rig, 0x100, 4),
			 kind->length ? 0x10000u | kind->id : 0);
	/* What is seen and has no rule of its own is for reading only. */
	for (unsigned int i = 4; i < kind->length; i++) {
		uint32_t before = cfg_get(rig, 0x100 + i, 1);

		rig->pci->hw_wmask[0x100 + i] = 0xff;
		if (kind->id == 0x01 || kind->id == 0x04 || kind->id == 0x0b ||
		    kind->id == 0x23)
			continue;
		cfg_set(rig, 0x100 + i, 1, ~before & 0xff);
		assert_int_equal(cfg_get(rig, 0x100 + i, 1), before);
	}
	rig_destroy(rig);
}

/* Shows V40. */
static void each_extended_kind_has_its_length(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof(extended_kinds) / sizeof(extended_kinds[0]); i++)
		expect_extended_kind(&extended_kinds[i]);
}

/* Hidden: writes reach the function, as where there is no capability. */
static void hidden_bodies_and_gaps_are_raw(void **state)
{
	static const uint8_t all[16] = {[0 ... 15] = 0xff};
	static const struct uvfio_cap caps[] = {
		{.id = 0x0d, .offset = 0x40, .size = 8, .wmask = all},
		{.id = 0x13, .offset = 0x50, .size = 6},
		{.id = 0x0a, .offset = 0x60, .size = 16, .wmask = all},
	};
	static const struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "raw",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.caps = caps,
		.cap_count = 3,
	};
	struct rig *rig = rig_create(&model, NULL, false);

	(void)state;
	assert_int_equal(cfg_get(rig, 0x34, 1), 0x50);
	assert_int_equal(cfg_get(rig, 0x51, 1), 0);
	/* The header of a hidden one is the hardware's. */
	assert_int_equal(cfg_get(rig, 0x40, 2), 0x500d);
	cfg_set(rig, 0x40, 4, 0x55aa1234);
	assert_int_equal(cfg_get(rig, 0x40, 4), 0x55aa500d);
	cfg_set(rig, 0x44, 4, 0x12345678);
	assert_int_equal(cfg_get(rig, 0x44, 4), 0x12345678);
	cfg_set(rig, 0x62, 2, 0xbeef);
	assert_int_equal(cfg_get(rig, 0x62, 2), 0xbeef);
	/* Between them, and behind the 6 bytes of AF. */
	cfg_set(rig, 0x48, 4, 0xdeadbeef);
	assert_int_equal(cfg_get(rig, 0x48, 4), 0xdeadbeef);
	cfg_set(rig, 0x54, 4, 0xa5a5a5a5);
	assert_int_equal(cfg_get(rig, 0x54, 4), 0xa5a50000);
	assert_int_equal(uvf_get32(rig->pci->hw + 0x48), 0xdeadbeef);
	/* The next client finds what was left there. */
	rig_reopen(rig);
	assert_int_equal(cfg_get(rig, 0x48, 4), 0xdeadbeef);
	rig_destroy(rig);
}

/* As of a card of PCI Express 3.0 that resets by function and by power. */
static const uint8_t real_express[0x3c] = {
	[0x02] = 0x02, [0x04] = 0xc2, [0x05] = 0x8f, [0x07] = 0x10,
	[0x08] = 0x30, [0x09] = 0x28, [0x0c] = 0x83, [0x12] = 0x82,
	[0x13] = 0x10, [0x24] = 0x1f, [0x28] = 0x09};
static const uint8_t real_pm[8] = {[2] = 0x23, [3] = 0xc8};
static const uint8_t real_ats[8];
static const uint8_t real_image[4096] = {
	[0x06] = 0x30,  [0x07] = 0x02,  [0x0d] = 0x40,  [0x0e] = 0x80,
	[0x28] = 0x11,  [0x34] = 0x70,  [0x3e] = 5,     [0x3f] = 6,
	[0x41] = 0x00,  [0x50] = 0x66,  [0x71] = 0x40,  [0x102] = 0x01,
	[0x103] = 0x30, [0x302] = 0x01, [0x303] = 0x20, [0x202] = 0x01};
static const struct uvfio_cap real_caps[] = {
	{.id = 0x01, .offset = 0x40, .size = 8, .init = real_pm},
	{.id = 0x10, .offset = 0x70, .size = 0x3c, .init = real_express},
	{.id = 0x0f,
	 .version = 1,
	 .offset = 0x100,
	 .size = 8,
	 .init = real_ats},
	{.id = 0x0f,
	 .version = 1,
	 .offset = 0x200,
	 .size = 8,
	 .init = real_ats},
	{.id = 0x18, .version = 1, .offset = 0x300, .size = 8},
};

static const struct uvfio_pci_model model_real = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "real",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.vendor = 0x8086,
	.device = 1,
	.features = UVFIO_PCI_EXPRESS | UVFIO_PCI_BIST,
	.bars[0] = {.size = 0x1000, .widths = 15},
	.caps = real_caps,
	.cap_count = 5,
	.image = real_image,
};

static void image_fills_what_nothing_declares(void **state)
{
	struct rig *rig = rig_create(&model_real, NULL, false);

	(void)state;
	assert_int_equal(cfg_get(rig, 0x00, 4), 0x00018086);
	assert_int_equal(cfg_get(rig, 0x06, 2), 0x0230);
	assert_int_equal(cfg_get(rig, 0x0d, 1), 0x40);
	assert_int_equal(cfg_get(rig, 0x0e, 1), 0x80);
	assert_int_equal(cfg_get(rig, 0x28, 1), 0x11);
	assert_int_equal(cfg_get(rig, 0x3e, 2), 0x0605);
	assert_int_equal(cfg_get(rig, 0x50, 1), 0x66);
	/* The lists are chained as there. */
	assert_int_equal(cfg_get(rig, 0x34, 1), 0x70);
	assert_int_equal(cfg_get(rig, 0x70, 2), 0x4010);
	assert_int_equal(cfg_get(rig, 0x40, 2), 0x0001);
	assert_int_equal(cfg_get(rig, 0x100, 4), 0x3001000f);
	assert_int_equal(cfg_get(rig, 0x300, 4), 0x20010018);
	assert_int_equal(cfg_get(rig, 0x200, 4), 0x0001000f);
	/* A self-test is over before anybody can look. */
	cfg_set(rig, 0x0f, 1, 0x40);
	assert_int_equal(cfg_get(rig, 0x0f, 1), 0x80);
	rig_destroy(rig);
}

/* Shows V45. */
static void bytes_of_express_and_pm_do_what_they_say(void **state)
{
	struct rig *rig = rig_create(&model_real, NULL, false);
	uint32_t value = 7;

	(void)state;
	assert_true(rig->pci->has_reset);
	assert_int_equal(rig->pci->reset_bits,
			 UVF_PCI_RESET_FLR | UVF_PCI_RESET_PM);
	assert_int_equal(cfg_get(rig, 0x72, 2), 0x0002);
	assert_int_equal(cfg_get(rig, 0x82, 2), 0x1082);
	/* Payload of 256 bytes: reads are no smaller, but look it. */
	assert_int_equal(cfg_get(rig, 0x78, 2), 0x2830);
	cfg_set(rig, 0x78, 2, 0x08f0);
	assert_int_equal(cfg_get(rig, 0x78, 2), 0x08f0);
	assert_int_equal(uvf_get16(rig->pci->hw + 0x78), 0x1830);
	/* No host reads 16 KiB at once: the register stays. */
	cfg_set(rig, 0x78, 2, 0x7810);
	assert_int_equal(cfg_get(rig, 0x78, 2), 0x7810);
	assert_int_equal(uvf_get16(rig->pci->hw + 0x78), 0x1830);
	/* Without another size nothing is chosen anew. */
	cfg_set(rig, 0x78, 2, 0x2810);
	assert_int_equal(uvf_get16(rig->pci->hw + 0x78), 0x2830);
	uvf_put16(rig->pci->hw + 0x78, 0x5830);
	cfg_set(rig, 0x78, 2, 0x2830);
	assert_int_equal(uvf_get16(rig->pci->hw + 0x78), 0x5830);
	/* Phantom functions cannot be switched on. */
	cfg_set(rig, 0x78, 2, 0x2a30);
	assert_int_equal(cfg_get(rig, 0x78, 2), 0x2830);
	/* Neither can ARI; status and link are the device's. */
	cfg_set(rig, 0x98, 2, 0xffff);
	assert_int_equal(cfg_get(rig, 0x98, 2) & PCI_EXP_DEVCTL2_ARI, 0);
	value = cfg_get(rig, 0x7a, 4);
	cfg_set(rig, 0x7a, 2, 0xffff);
	assert_int_equal(cfg_get(rig, 0x7a, 2), value & 0xffff);
	cfg_set(rig, 0x80, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x80, 4), 0x10820000);

	probe_clear(rig->probe);
	cfg_set(rig, 0x79, 1, 0xa8);
	assert_int_equal(rig->probe->resets, 1);
	assert_int_equal(cfg_get(rig, 0x78, 2), 0x2830);
	/* PMC hides that the function could wake the host. */
	assert_int_equal(cfg_get(rig, 0x42, 2), 0x0023);
	cfg_set(rig, 0x44, 2, 0x8103);
	assert_int_equal(cfg_get(rig, 0x44, 2), 3);
	cfg_set(rig, 0x44, 2, 0);
	assert_int_equal(rig->probe->resets, 2);
	rig_destroy(rig);
}

/* Shows V46. */
static void features_reset_needs_both_bits(void **state)
{
	uint8_t init[6] = {0};
	const struct uvfio_cap cap = {
		.id = 0x13, .offset = 0x40, .size = 6, .init = init};
	const struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "af",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.caps = &cap,
		.cap_count = 1,
	};

	(void)state;
	for (uint8_t bits = 0; bits < 4; bits++) {
		struct rig *rig;

		init[3] = bits;
		rig = rig_create(&model, NULL, false);
		probe_clear(rig->probe);
		cfg_set(rig, 0x44, 1, 0xff);
		assert_int_equal(rig->probe->resets, bits == 3);
		assert_int_equal(cfg_get(rig, 0x44, 2), 0);
		assert_int_equal(cfg_get(rig, 0x43, 1), bits);
		rig_destroy(rig);
	}
}

/* Shows V47. */
static void errors_and_power_have_writable_bits(void **state)
{
	static const uint8_t all[0x48] = {[0 ... 0x47] = 0xff};
	static const struct uvfio_cap caps[] = {
		{.id = 1,
		 .version = 2,
		 .offset = 0x100,
		 .size = 0x48,
		 .wmask = all},
		{.id = 4,
		 .version = 1,
		 .offset = 0x148,
		 .size = 16,
		 .wmask = all},
		{.id = 3,
		 .version = 1,
		 .offset = 0x158,
		 .size = 12,
		 .wmask = all},
	};
	static const struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "errors",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.features = UVFIO_PCI_EXPRESS,
		.express_offset = 0x80,
		.caps = caps,
		.cap_count = 3,
	};
	struct rig *rig = rig_create(&model, NULL, false);

	(void)state;
	/* Status: what happened goes away by writing 1. */
	uvf_put32(rig->pci->hw + 0x104, 0x00104000);
	uvf_put32(rig->pci->hw + 0x110, 0x00002040);
	cfg_set(rig, 0x104, 4, 0x00004000);
	assert_int_equal(cfg_get(rig, 0x104, 4), 0x00100000);
	cfg_set(rig, 0x110, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x110, 4), 0);
	for (unsigned int pos = 0x108; pos <= 0x10c; pos += 4) {
		cfg_set(rig, pos, 4, 0xffffffff);
		assert_int_equal(cfg_get(rig, pos, 4), 0x03fff031);
	}
	cfg_set(rig, 0x114, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x114, 4), 0xf1c1);
	cfg_set(rig, 0x118, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x118, 4), 0x140);
	cfg_set(rig, 0x11c, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x11c, 4), 0);
	/* Power budgeting: the byte at 8, as Linux has it. */
	cfg_set(rig, 0x14c, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x14c, 4), 0);
	cfg_set(rig, 0x150, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x150, 4), 0xff);
	cfg_set(rig, 0x15c, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x15c, 4), 0);
	rig_destroy(rig);
}

/* Linux saves what it may have chosen itself. */
static void error_masks_survive_resets(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	cfg_set(rig, 0x148, 4, 0x00100000);
	cfg_set(rig, 0x14c, 4, 0x00462030);
	cfg_set(rig, 0x154, 4, 0x2000);
	cfg_set(rig, 0x158, 4, 0x140);
	uvf_put32(rig->pci->hw + 0x144, 0x4000);
	probe_clear(rig->probe);
	cfg_set(rig, 0x88, 2, 0x8000);
	assert_int_equal(rig->probe->resets, 1);
	assert_int_equal(cfg_get(rig, 0x148, 4), 0x00100000);
	assert_int_equal(cfg_get(rig, 0x14c, 4), 0x00462030);
	assert_int_equal(cfg_get(rig, 0x154, 4), 0x2000);
	assert_int_equal(cfg_get(rig, 0x158, 4), 0x140);
	assert_int_equal(cfg_get(rig, 0x144, 4), 0);
	/* The next client begins with what was there before this one. */
	rig_reopen(rig);
	assert_int_equal(cfg_get(rig, 0x148, 4), 0);
	rig_destroy(rig);
}

static void empty_extended_list_is_read_only(void **state)
{
	struct uvfio_pci_model model = model_full;
	struct rig *rig;

	(void)state;
	model.cap_count = 4;
	rig = rig_create(&model, NULL, false);
	cfg_set(rig, 0x100, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x100, 4), 0);
	cfg_set(rig, 0x104, 4, 0xffffffff);
	assert_int_equal(cfg_get(rig, 0x104, 4), 0xffffffff);
	rig_destroy(rig);
}

/* Bits that a model declares to be cleared by writing 1. */
static void declared_bits_are_cleared_by_1(void **state)
{
	static const uint8_t init[8] = {[4] = 0xf0, [5] = 0x0f};
	static const uint8_t w1c[8] = {[4] = 0x30};
	static const uint8_t wmask[8] = {[5] = 0xff};
	static const struct uvfio_cap cap = {.id = 0x0d,
					     .offset = 0x40,
					     .size = 8,
					     .init = init,
					     .wmask = wmask,
					     .w1c = w1c};
	static const struct uvfio_pci_model model = {
		.abi = UVFIO_DEVICE_ABI,
		.name = "w1c",
		.ops = &probe_ops,
		.priv_size = sizeof(struct probe),
		.caps = &cap,
		.cap_count = 1,
	};
	struct rig *rig = rig_create(&model, NULL, false);

	(void)state;
	cfg_set(rig, 0x44, 2, 0x5510);
	assert_int_equal(cfg_get(rig, 0x44, 2), 0x55e0);
	cfg_set(rig, 0x44, 2, 0xffff);
	assert_int_equal(cfg_get(rig, 0x44, 2), 0xffc0);
	rig_destroy(rig);
}

/* Shows V34. */
static void express_may_have_little_config_space(void **state)
{
	struct uvfio_pci_model model = model_real;
	struct rig *rig;
	uint8_t buf[8] = {0};

	(void)state;
	model.cap_count = 2;
	model.config_size = 256;
	rig = rig_create(&model, NULL, false);
	assert_int_equal(rig_read(rig, CONFIG + 255, buf, 2), -EFAULT);
	assert_int_equal(rig_write(rig, CONFIG + 256, buf, 1), -EFAULT);
	assert_int_equal(cfg_get(rig, 0x70, 1), 0x10);
	rig_destroy(rig);

	/* And the other way round: nothing leads to what is there. */
	model = model_vpd;
	model.config_size = 4096;
	rig = rig_create(&model, NULL, false);
	cfg_set(rig, 0x100, 4, 0x12345678);
	assert_int_equal(cfg_get(rig, 0x100, 4), 0x12345678);
	rig_destroy(rig);
}

static int double_bar(struct uvfio_pci_model *model,
		      const struct uvfio_spec *spec, struct uvfio_error *err)
{
	const char *text = uvfio_spec_value(spec, "size");

	if (text && !strcmp(text, "odd")) {
		uvfio_error_set(err, "size=odd: no");
		return -ERANGE;
	}
	if (text)
		model->bars[0].size *= 2;
	return 0;
}

static unsigned int unconfigured;

static void note_unconfigure(struct uvfio_pci_model *model)
{
	assert_int_equal(model->bars[0].size, 0x2000);
	unconfigured++;
}

static void keys_may_make_the_descriptor(void **state)
{
	static const struct uvfio_key keys[] = {{"size", "N", "twice"},
						{NULL, NULL, NULL}};
	struct uvfio_pci_model model = model_real;
	struct rig *rig;

	(void)state;
	model.keys = keys;
	model.configure = double_bar;
	model.unconfigure = note_unconfigure;
	model.name = "real,size=2";
	rig = rig_create(&model, NULL, false);
	assert_int_equal(rig->pci->bars[0].size, 0x2000);
	assert_int_equal(rig->pci->given->bars[0].size, 0x1000);
	rig_destroy(rig);
	assert_int_equal(unconfigured, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vpd_is_read_by_its_flag),
		cmocka_unit_test(vpd_is_written_by_its_flag),
		cmocka_unit_test(vpd_without_data_never_answers),
		cmocka_unit_test(vpd_registers_move_words),
		cmocka_unit_test(each_kind_has_its_length),
		cmocka_unit_test(each_extended_kind_has_its_length),
		cmocka_unit_test(hidden_bodies_and_gaps_are_raw),
		cmocka_unit_test(image_fills_what_nothing_declares),
		cmocka_unit_test(bytes_of_express_and_pm_do_what_they_say),
		cmocka_unit_test(features_reset_needs_both_bits),
		cmocka_unit_test(errors_and_power_have_writable_bits),
		cmocka_unit_test(error_masks_survive_resets),
		cmocka_unit_test(empty_extended_list_is_read_only),
		cmocka_unit_test(declared_bits_are_cleared_by_1),
		cmocka_unit_test(express_may_have_little_config_space),
		cmocka_unit_test(keys_may_make_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
