/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Config space as a client sees it, byte by byte, against tables written
 * from the specification.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "pci/hw.h"
#include "rig.h"

/* What a byte reads after 0xff and after 0x00 was written to it alone. */
struct byte_rule {
	unsigned int first, last;
	uint8_t ones, zeros;
};

/* A byte without a rule keeps its value. */
static const struct byte_rule full_rules[] = {
	/* COMMAND: IO, memory, bus master; SERR and DisINTx */
	{0x04, 0x04, 0x07, 0x00},
	{0x05, 0x05, 0x05, 0x00},
	{0x0c, 0x0c, 0xff, 0x00}, /* cache line */
	{0x10, 0x10, 0x04, 0x04}, /* BAR 0: 64 KiB, 64-bit */
	{0x11, 0x11, 0x00, 0x00},
	{0x12, 0x17, 0xff, 0x00},
	{0x18, 0x18, 0xe1, 0x01}, /* BAR 2: 32 ports */
	{0x19, 0x1b, 0xff, 0x00},
	{0x1c, 0x1c, 0x00, 0x00}, /* BAR 3: 256 bytes */
	{0x1d, 0x1f, 0xff, 0x00},
	{0x20, 0x20, 0x08, 0x08}, /* BAR 4: 8 KiB, prefetchable */
	{0x21, 0x21, 0xe0, 0x00},
	{0x22, 0x23, 0xff, 0x00},
	{0x3c, 0x3c, 0xff, 0x00}, /* interrupt line */
	/* PM: nothing sticks but the power state, tested elsewhere */
	/* MSI: control keeps what was written but ENABLE and MME */
	{0x52, 0x52, 0x8e, 0x00},
	{0x54, 0x5d, 0xff, 0x00}, /* address, data */
	{0x60, 0x60, 0xff, 0x00}, /* masks of 8 vectors */
	/* PCI Express: DEVCTL; hardware has no aux power, no phantom */
	{0x88, 0x88, 0xff, 0x00},
	{0x89, 0x89, 0x79, 0x00},
	{0xa8, 0xa8, 0x10, 0x00},   /* DEVCTL2: timeout disable */
	{0xc2, 0xc7, 0xff, 0x00},   /* body of a hidden capability */
	{0xca, 0xd7, 0xff, 0x00},   /* vendor specific */
	{0xe2, 0xe7, 0xff, 0x00},   /* VPD address and data */
	{0x104, 0x107, 0xff, 0x00}, /* body of PASID, hidden */
	/* AER: masks, severities, ECRC; status is write-1-to-clear */
	{0x148, 0x148, 0x31, 0x00},
	{0x149, 0x149, 0xf0, 0x00},
	{0x14a, 0x14a, 0xff, 0x00},
	{0x14b, 0x14b, 0x03, 0x00},
	{0x14c, 0x14c, 0x31, 0x00},
	{0x14d, 0x14d, 0xf0, 0x00},
	{0x14e, 0x14e, 0xff, 0x00},
	{0x14f, 0x14f, 0x03, 0x00},
	{0x154, 0x154, 0xc1, 0x00},
	{0x155, 0x155, 0xf1, 0x00},
	{0x158, 0x158, 0x40, 0x00},
	{0x159, 0x159, 0x01, 0x00},
	/* beyond what the client sees of AER: raw */
	{0x16c, 0x187, 0xff, 0x00},
	{0x1b4, 0x1cf, 0xff, 0x00}, /* VSEC: raw */
	{0x1e4, 0x1ef, 0xff, 0x00}, /* body of a hidden one */
	/* what no capability claims is storage */
	{0x48, 0x4f, 0xff, 0x00},
	{0x68, 0x6f, 0xff, 0x00},
	{0x7c, 0x7f, 0xff, 0x00},
	{0xbc, 0xbf, 0xff, 0x00},
	{0xe8, 0xff, 0xff, 0x00},
	{0x108, 0x13f, 0xff, 0x00},
	{0x188, 0x19f, 0xff, 0x00},
	{0x1ac, 0x1af, 0xff, 0x00},
	{0x1d0, 0x1df, 0xff, 0x00},
	{0x1f0, 0x1ff, 0xff, 0x00},
	{0x208, 0xfff, 0xff, 0x00},
};

static const struct byte_rule *find_rule(unsigned int pos)
{
	for (size_t i = 0; i < sizeof(full_rules) / sizeof(full_rules[0]); i++)
		if (pos >= full_rules[i].first && pos <= full_rules[i].last)
			return &full_rules[i];
	return NULL;
}

/* Shows V33. */
static void every_byte_follows_its_masks(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	for (unsigned int pos = 0; pos < 4096; pos++) {
		const struct byte_rule *rule = find_rule(pos);
		uint32_t before, ones, zeros;

		/* A write of ones here is a change of power state. */
		if (pos == 0x44)
			continue;
		rig_reopen(rig);
		before = cfg_get(rig, pos, 1);
		cfg_set(rig, pos, 1, 0xff);
		ones = cfg_get(rig, pos, 1);
		cfg_set(rig, pos, 1, 0);
		zeros = cfg_get(rig, pos, 1);
		if (ones != (rule ? rule->ones : before) ||
		    zeros != (rule ? rule->zeros : before))
			fail_msg("byte %#x: %#x, then %#x and %#x", pos, before,
				 ones, zeros);
		cfg_set(rig, pos, 1, before);
	}
	rig_destroy(rig);
}

/* Shows V33. */
static void odd_sizes_equal_their_bytes(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint8_t bytes[4096], buf[64];

	(void)state;
	for (unsigned int i = 0; i < 4096; i++)
		bytes[i] = (uint8_t)cfg_get(rig, i, 1);
	for (unsigned int pos = 0; pos < 0x240; pos++)
		for (unsigned int len = 1; len <= 19; len++) {
			assert_int_equal(rig_read(rig, CONFIG + pos, buf, len),
					 len);
			assert_memory_equal(buf, bytes + pos, len);
		}
	/* A long write of what is there changes nothing. */
	for (unsigned int i = 0; i < 4096; i++)
		bytes[i] = (uint8_t)cfg_get(rig, i, 1);
	assert_int_equal(rig_write(rig, CONFIG + 0x3c, bytes + 0x3c, 0x100),
			 0x100);
	for (unsigned int i = 0; i < 4096; i++)
		assert_int_equal(cfg_get(rig, i, 1), bytes[i]);
	rig_destroy(rig);
}

/* Shows V34. */
static void access_beyond_the_end_is_efault(void **state)
{
	struct rig *full = rig_create(&model_full, NULL, false);
	struct rig *plain = rig_create(&model_plain, NULL, false);
	uint8_t buf[8] = {0};

	(void)state;
	assert_int_equal(rig_read(full, CONFIG + 4095, buf, 2), -EFAULT);
	assert_int_equal(rig_read(full, CONFIG + 4096, buf, 1), -EFAULT);
	assert_int_equal(rig_write(full, CONFIG + 4093, buf, 4), -EFAULT);
	assert_int_equal(rig_read(full, CONFIG + 4095, buf, 1), 1);
	assert_int_equal(rig_read(full, CONFIG + 4096, buf, 0), 0);
	assert_int_equal(rig_read(plain, CONFIG + 255, buf, 2), -EFAULT);
	assert_int_equal(rig_read(plain, CONFIG + 256, buf, 1), -EFAULT);
	assert_int_equal(rig_read(plain, CONFIG + 255, buf, 1), 1);
	assert_int_equal(rig_read(plain, CONFIG + 0xffffffffff, buf, 1),
			 -EFAULT);
	rig_destroy(full);
	rig_destroy(plain);
}

/* A read-only piece does not look at the client's memory. */
static void read_only_capability_takes_any_pointer(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	const struct uvf_device_ops *ops = rig->pci->vfio.ops;
	struct uvf_device *device = &rig->pci->vfio;

	(void)state;
	assert_int_equal(ops->write(device, &rig->client.caller, UNMAPPED, 12,
				    CONFIG + 0x70),
			 12);
	assert_int_equal(ops->write(device, &rig->client.caller, UNMAPPED, 12,
				    CONFIG + 0x1a0),
			 12);
	assert_int_equal(ops->write(device, &rig->client.caller, UNMAPPED, 1,
				    CONFIG + 0),
			 -EFAULT);
	assert_int_equal(
		ops->read(device, &rig->client.caller, UNMAPPED, 1, CONFIG + 0),
		-EFAULT);
	rig_destroy(rig);
}

/* Shows V39, V40. */
static void lists_show_what_is_visible(void **state)
{
	static const uint8_t order[][2] = {
		{0x40, 0x01}, {0x50, 0x05}, {0x70, 0x11}, {0x80, 0x10},
		{0xc8, 0x09}, {0xd8, 0x13}, {0xe0, 0x03}};
	struct rig *rig = rig_create(&model_full, NULL, false);
	unsigned int pos = cfg_get(rig, 0x34, 1);

	(void)state;
	assert_true(cfg_get(rig, 6, 2) & PCI_STATUS_CAP_LIST);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_int_equal(pos, order[i][0]);
		assert_int_equal(cfg_get(rig, pos, 1), order[i][1]);
		assert_int_equal(cfg_get(rig, pos, 2) & 0xff, order[i][1]);
		pos = cfg_get(rig, pos + 1, 1);
	}
	assert_int_equal(pos, 0);

	/* PASID at 0x100 is an anchor only; 0x19 is skipped. */
	assert_int_equal(cfg_get(rig, 0x100, 4), 0x140u << 20);
	assert_int_equal(cfg_get(rig, 0x140, 4), 0x1a0u << 20 | 0x20001);
	assert_int_equal(cfg_get(rig, 0x1a0, 4), 0x1b0u << 20 | 0x10003);
	assert_int_equal(cfg_get(rig, 0x1b0, 4), 0x200u << 20 | 0x1000b);
	assert_int_equal(cfg_get(rig, 0x200, 4), 0x10018);
	rig_destroy(rig);
}

static void express_capability_of_an_integrated_endpoint(void **state)
{
	struct rig *rig = rig_create(&model_full, "6.1", false);

	(void)state;
	/* On bus 0 it is one, and 0x2c bytes long. */
	assert_int_equal(cfg_get(rig, 0x82, 2) >> 4 & 0xf, PCI_EXP_TYPE_RC_END);
	assert_int_equal(rig->pci->map[0x80 + 0x2b], PCI_CAP_ID_EXP);
	assert_int_equal(rig->pci->map[0x80 + 0x2c], 0xff);
	rig_destroy(rig);
}

/* Flips express_v2_size. */
static void express_capability_ends_where_the_kernel_says(void **state)
{
	static const struct {
		const char *abi;
		unsigned int size;
	} cases[] = {{"6.6", 0x32}, {"6.12", 0x34}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *rig =
			rig_create_at(&model_full, cases[i].abi, "01:00.0");
		const uint8_t *map = rig->pci->map + 0x80;

		assert_int_equal(map[cases[i].size - 1], PCI_CAP_ID_EXP);
		assert_int_not_equal(map[cases[i].size], PCI_CAP_ID_EXP);
		rig_destroy(rig);
	}
}

/* Shows V35. */
static void command_at_open_has_no_bus_master(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	assert_int_equal(cfg_get(rig, 4, 2), 0x0103);
	assert_false(rig->probe->is_bus_master);
	cfg_set(rig, 4, 2, 0xffff);
	assert_int_equal(cfg_get(rig, 4, 2), 0x0507);
	assert_true(rig->probe->is_bus_master);
	cfg_set(rig, 5, 1, 0);
	assert_int_equal(cfg_get(rig, 4, 2), 0x0007);
	rig_reopen(rig);
	assert_int_equal(cfg_get(rig, 4, 2), 0x0103);
	assert_false(rig->probe->is_bus_master);
	rig_destroy(rig);
}

/* Shows V38. */
static void status_stays_and_the_line_is_the_clients(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint8_t *status = rig->pci->hw + PCI_STATUS;
	uint32_t line = cfg_get(rig, PCI_INTERRUPT_LINE, 1);

	(void)state;
	/* Errors that happened, which only the host may forget. */
	uvf_put16(status, uvf_get16(status) | 0xf900);
	cfg_set(rig, PCI_STATUS, 2, 0xffff);
	assert_int_equal(cfg_get(rig, PCI_STATUS, 2) & 0xf900, 0xf900);
	uvf_lock(&rig->pci->model.lock);
	uvf_hw_write_locked(rig->pci, PCI_STATUS, 2, 0x8000);
	uvf_unlock(&rig->pci->model.lock);
	assert_int_equal(cfg_get(rig, PCI_STATUS, 2) & 0xf900, 0x7900);
	/* A dword: Linux writes the other half back as it read it. */
	cfg_set(rig, PCI_COMMAND, 4, 0x00000003);
	assert_int_equal(cfg_get(rig, PCI_STATUS, 2) & 0xf900, 0);

	cfg_set(rig, PCI_INTERRUPT_LINE, 2, 0x0455);
	assert_int_equal(cfg_get(rig, PCI_INTERRUPT_LINE, 2), 0x0155);
	assert_int_equal(rig->pci->hw[PCI_INTERRUPT_LINE], line);
	rig_reopen(rig);
	assert_int_equal(cfg_get(rig, PCI_INTERRUPT_LINE, 1), line);
	rig_destroy(rig);
}

static uint32_t size_bar(struct rig *rig, unsigned int pos, unsigned int width)
{
	for (unsigned int i = 0; i < 4; i += width)
		cfg_set(rig, pos + i, width, 0xffffffff);
	return cfg_get(rig, pos, 4);
}

/* Shows V37. */
static void bars_can_be_sized_in_any_width(void **state)
{
	static const uint32_t sizes[6] = {0xffff0004, 0xffffffff, 0xffffffe1,
					  0xffffff00, 0xffffe008, 0};
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint32_t reg = 0;

	(void)state;
	for (unsigned int bar = 0; bar < 6; bar++) {
		uint32_t initial = cfg_get(rig, 0x10 + 4 * bar, 4);

		if (bar != 1 && bar != 5)
			assert_true(initial & sizes[bar]);
		for (unsigned int width = 1; width <= 4; width *= 2) {
			assert_int_equal(size_bar(rig, 0x10 + 4 * bar, width),
					 sizes[bar]);
			cfg_set(rig, 0x10 + 4 * bar, 4, initial);
			assert_int_equal(cfg_get(rig, 0x10 + 4 * bar, 4),
					 initial);
		}
	}
	assert_int_equal(size_bar(rig, PCI_ROM_ADDRESS, 4), 0);
	/* What is stored moves nothing. */
	size_bar(rig, 0x10, 4);
	assert_int_equal(rig_read(rig, REGION(0), &reg, 4), 4);
	assert_int_equal(rig->probe->log[0].off, 0);
	rig_destroy(rig);
}

/* What a client stored is its own until the last one leaves. */
static void resets_keep_what_is_stored(void **state)
{
	static const struct {
		unsigned int pos, len;
		uint32_t value;
	} stored[] = {
		{PCI_BASE_ADDRESS_0, 4, 0x12340004},
		{PCI_BASE_ADDRESS_1, 4, 0x00000056},
		{PCI_INTERRUPT_LINE, 1, 0x77},
		{PCI_CACHE_LINE_SIZE, 1, 0x10},
		{0x54, 4, 0xfee01234}, /* address of MSI */
		{0x88, 2, 0x3830},     /* DEVCTL */
	};
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint32_t first[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		first[i] = cfg_get(rig, stored[i].pos, stored[i].len);
		cfg_set(rig, stored[i].pos, stored[i].len, stored[i].value);
	}
	for (int how = 0; how < 3; how++) {
		if (how == 0)
			assert_int_equal(rig->pci->vfio.ops->reset(
						 &rig->pci->vfio,
						 &rig->client.caller, 0),
					 0);
		else if (how == 1)
			cfg_set(rig, 0xd8 + PCI_AF_CTRL, 1, 1);
		else
			cfg_set(rig, 0x89, 1, 0xb8);
		assert_int_equal(rig->probe->last_reset,
				 how ? UVFIO_RESET_FLR : UVFIO_RESET_IOCTL);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(
				cfg_get(rig, stored[i].pos, stored[i].len),
				stored[i].value);
	}
	rig_reopen(rig);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(cfg_get(rig, stored[i].pos, stored[i].len),
				 first[i]);
	rig_destroy(rig);
}

/* Shows V45. */
static void flr_through_the_capability_resets(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	cfg_set(rig, 4, 2, 0x0006);
	probe_clear(rig->probe);
	rig->probe->regs[0] = 1;
	cfg_set(rig, 0x88, 2, cfg_get(rig, 0x88, 2) | 0x8000);
	assert_int_equal(rig->probe->resets, 1);
	assert_int_equal(rig->probe->last_reset, UVFIO_RESET_FLR);
	assert_int_equal(rig->probe->regs[0], 0);
	assert_int_equal(cfg_get(rig, 0x88, 2) & 0x8000, 0);
	assert_int_equal(cfg_get(rig, 4, 2), 0x0006);
	assert_true(rig->probe->is_bus_master);
	cfg_set(rig, 0xd8 + PCI_AF_CTRL, 1, 1);
	assert_int_equal(rig->probe->resets, 2);
	assert_int_equal(cfg_get(rig, 0xd8 + PCI_AF_CTRL, 1), 0);
	rig_destroy(rig);
}

/* Shows V41. */
static void d3_blocks_memory_and_may_lose_state(void **state)
{
	struct rig *keeps = rig_create(&model_full, NULL, false);
	struct rig *loses = rig_create(&model_pm, NULL, false);
	uint32_t value = 0x12345678;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = i ? loses : keeps;

		cfg_set(rig, 4, 2, 0x0007);
		assert_int_equal(rig_write(rig, REGION(0), &value, 4), 4);
		cfg_set(rig, 0x44, 2, 3);
		assert_int_equal(cfg_get(rig, 0x44, 2) & 3, 3);
		assert_int_equal(rig_read(rig, REGION(0), &value, 4), -EIO);
		assert_false(rig->probe->is_bus_master);
		cfg_set(rig, 0x44, 2, 1);
		assert_int_equal(cfg_get(rig, 0x44, 2) & 3, 3);
		cfg_set(rig, 0x44, 2, 0);
		assert_true(rig->probe->is_bus_master);
		assert_int_equal(cfg_get(rig, 4, 2), 0x0007);
		assert_int_equal(rig_read(rig, REGION(0), &value, 4), 4);
		assert_int_equal(value, i ? 0 : 0x12345678);
		value = 0x12345678;
	}
	rig_destroy(keeps);
	rig_destroy(loses);
}

/* The dword at 0x4c is MSI data and two bytes that are nobody's. */
static void pieces_end_where_a_capability_ends(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);

	(void)state;
	cfg_set(rig, 0x4c, 4, 0x12345678);
	assert_int_equal(cfg_get(rig, 0x4c, 4), 0x12345678);
	assert_int_equal(uvf_get16(rig->pci->hw + 0x4c), 0);
	assert_int_equal(uvf_get16(rig->pci->hw + 0x4e), 0x1234);
	rig_destroy(rig);
}

/* Shows V43. */
static void msi_control_is_the_clients_but_for_enable(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create();

	(void)state;
	assert_int_equal(cfg_get(rig, 0x42, 2), 0x0080);
	cfg_set(rig, 0x42, 2, 0xffff);
	assert_int_equal(cfg_get(rig, 0x42, 2), 0x008e);
	cfg_set(rig, 0x42, 2, 0);
	assert_int_equal(cfg_get(rig, 0x42, 2), 0);
	cfg_set(rig, 4, 2, 0x0006);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 1, &fd), 0);
	assert_int_equal(cfg_get(rig, 0x42, 2) & 1, 0);
	assert_int_equal(model_send(rig, 0), 0);
	assert_int_equal(event_take(fd), 1);
	/* Once it is active, the client's bit is the hardware's. */
	cfg_set(rig, 0x42, 2, 0x0081);
	assert_int_equal(cfg_get(rig, 0x42, 2), 0x0081);
	cfg_set(rig, 0x42, 2, 0x0080);
	assert_int_equal(model_send(rig, 0), -ENODEV);
	rig_destroy(rig);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_follows_its_masks),
		cmocka_unit_test(odd_sizes_equal_their_bytes),
		cmocka_unit_test(access_beyond_the_end_is_efault),
		cmocka_unit_test(read_only_capability_takes_any_pointer),
		cmocka_unit_test(lists_show_what_is_visible),
		cmocka_unit_test(express_capability_of_an_integrated_endpoint),
		cmocka_unit_test(express_capability_ends_where_the_kernel_says),
		cmocka_unit_test(command_at_open_has_no_bus_master),
		cmocka_unit_test(status_stays_and_the_line_is_the_clients),
		cmocka_unit_test(bars_can_be_sized_in_any_width),
		cmocka_unit_test(resets_keep_what_is_stored),
		cmocka_unit_test(flr_through_the_capability_resets),
		cmocka_unit_test(d3_blocks_memory_and_may_lose_state),
		cmocka_unit_test(pieces_end_where_a_capability_ends),
		cmocka_unit_test(msi_control_is_the_clients_but_for_enable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
