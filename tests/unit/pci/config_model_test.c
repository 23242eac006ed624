/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random reads and writes of config space, of any size at any offset, against
 * a model that knows nothing of capabilities: for each byte which bits a
 * client changes, from the specification, and what a reset does.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "rig.h"

#define SEEDS   6
#define STEPS   6000
#define LEN_MAX 40

/* Bits of a dword that a write changes; of others, none. */
static const struct {
	unsigned int pos;
	uint32_t bits;
} writable[] = {
	{0x04, 0x00000507}, /* COMMAND; STATUS is not for writing */
	{0x0c, 0x000000ff}, /* cache line; the other bytes are fixed */
	{0x10, 0xffff0000}, /* BARs: what is above their size */
	{0x14, 0xffffffff},  {0x18, 0xffffffe0},  {0x1c, 0xffffff00},
	{0x20, 0xffffe000},  {0x3c, 0x000000ff}, /* interrupt line */
	{0x50, 0x008e0000}, /* MSI control; ENABLE and MME are off */
	{0x54, 0xffffffff},  {0x58, 0xffffffff},  {0x5c, 0x0000ffff},
	{0x60, 0x000000ff},                      /* masks of 8 vectors */
	{0x88, 0x000079ff},                      /* DEVCTL */
	{0xa8, 0x00000010},                      /* DEVCTL2 */
	{0xc0, 0xffff0000},                      /* hidden */
	{0xc4, 0xffffffff},  {0xc8, 0xffff0000}, /* vendor specific */
	{0x104, 0xffffffff},                     /* PASID, hidden */
	{0x148, 0x03fff031}, {0x14c, 0x03fff031}, {0x154, 0x0000f1c1},
	{0x158, 0x00000140},
};

/* Whole bytes that are storage. */
static const struct {
	unsigned int first, last;
} storage[] = {
	{0x48, 0x4f},   {0x68, 0x6f},   {0x7c, 0x7f},   {0xbc, 0xbf},
	{0xcc, 0xd7},   {0xe8, 0xff},   {0x108, 0x13f}, {0x16c, 0x19f},
	{0x1ac, 0x1af}, {0x1b4, 0x1df}, {0x1e4, 0x1ff}, {0x208, 0xfff},
};

struct model {
	uint8_t bits[4096];  /* that writes change */
	uint8_t value[4096]; /* what reads give */
	uint8_t first[4096]; /* what they gave at open */
};

static uint32_t seed;

static uint32_t random_below(uint32_t end)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * end >> 32);
}

static void model_init(struct model *model, struct rig *rig)
{
	memset(model, 0, sizeof(*model));
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		uvf_put32(model->bits + writable[i].pos, writable[i].bits);
	for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++)
		memset(model->bits + storage[i].first, 0xff,
		       storage[i].last - storage[i].first + 1);
	for (unsigned int pos = 0; pos < 4096; pos++)
		model->value[pos] = (uint8_t)cfg_get(rig, pos, 1);
	memcpy(model->first, model->value, sizeof(model->first));
}

/* The model's own registers, and those that no host saves. */
static void model_reset(struct model *model)
{
	memcpy(model->value + 0xca, model->first + 0xca, 0xd8 - 0xca);
	memcpy(model->value + 0x16c, model->first + 0x16c, 0x188 - 0x16c);
	memcpy(model->value + 0x1b4, model->first + 0x1b4, 0x1d0 - 0x1b4);
	model->value[0x60] = 0;
}

static void model_write(struct model *model, unsigned int pos,
			const uint8_t *bytes, unsigned int len)
{
	bool resets = false;

	for (unsigned int i = 0; i < len; i++) {
		uint8_t *value = &model->value[pos + i];
		uint8_t bits = model->bits[pos + i];

		*value = (uint8_t)((*value & ~bits) | (bytes[i] & bits));
		/* FLR by PCI Express, and by Advanced Features. */
		resets |= pos + i == 0x89 && bytes[i] & 0x80;
		resets |= pos + i == 0xdc && bytes[i] & 0x01;
		/* What comes behind it in the same call comes after it. */
		if (resets && (pos + i) % 4 == 3) {
			model_reset(model);
			resets = false;
		}
	}
	if (resets)
		model_reset(model);
}

/* D-states and VPD have their own rules, tested elsewhere. */
static bool is_avoided(unsigned int pos, unsigned int len)
{
	return (pos < 0x46 && pos + len > 0x44) ||
	       (pos < 0xe8 && pos + len > 0xe2);
}

static unsigned int random_position(void)
{
	switch (random_below(4)) {
	case 0:
		return random_below(4096);
	case 1:
		return random_below(0x40);
	case 2:
		return random_below(0x220);
	default:
		return random_below(0x100);
	}
}

static void step(struct rig *rig, struct model *model)
{
	unsigned int pos = random_position();
	unsigned int len = 1 + random_below(LEN_MAX);
	uint8_t bytes[LEN_MAX];
	bool is_write = random_below(2);
	ssize_t ret;

	for (unsigned int i = 0; i < len; i++)
		bytes[i] =
			(uint8_t)(random_below(4) ? random_below(256) : 0xff);
	if (pos + len > 4096) {
		ret = is_write ? rig_write(rig, CONFIG + pos, bytes, len)
			       : rig_read(rig, CONFIG + pos, bytes, len);
		assert_int_equal(ret, -EFAULT);
		return;
	}
	if (is_write && is_avoided(pos, len))
		return;
	if (is_write) {
		assert_int_equal(rig_write(rig, CONFIG + pos, bytes, len), len);
		model_write(model, pos, bytes, len);
		return;
	}
	assert_int_equal(rig_read(rig, CONFIG + pos, bytes, len), len);
	for (unsigned int i = 0; i < len; i++)
		if (bytes[i] != model->value[pos + i])
			fail_msg("seed %u: byte %#x is %#x, not %#x", seed,
				 pos + i, bytes[i], model->value[pos + i]);
}

/* Shows V33, V34. */
static void random_accesses_agree_with_masks(void **state)
{
	static struct model model;

	(void)state;
	for (uint32_t i = 1; i <= SEEDS; i++) {
		struct rig *rig = rig_create(&model_full, NULL, false);

		seed = i * 7919;
		model_init(&model, rig);
		for (int j = 0; j < STEPS; j++)
			step(rig, &model);
		rig_destroy(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_accesses_agree_with_masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
