/* SPDX-License-Identifier: BSD-3-Clause */
/* igb without traffic: registers, NVM, PHY, semaphores, interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "igb_rig.h"

static int setup(void **state)
{
	struct uvfio_error err;

	*state = fake_device_create(&uvfio_model_igb, "0000:02:05.1", NULL,
				    &err);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	fake_device_destroy(*state);
	return 0;
}

static uint32_t get(struct uvfio_dev *dev, uint64_t offset)
{
	return fake_read32(dev, 0, offset);
}

static void set(struct uvfio_dev *dev, uint64_t offset, uint32_t value)
{
	fake_write32(dev, 0, offset, value);
}

static uint16_t nvm(struct uvfio_dev *dev, uint32_t word)
{
	set(dev, 0x14, word << 2 | 1);
	assert_int_equal(get(dev, 0x14) & 0x3, 0x2);
	return (uint16_t)(get(dev, 0x14) >> 16);
}

static uint16_t phy_get(struct uvfio_dev *dev, uint32_t reg)
{
	set(dev, 0x20, 0x08000000 | 1u << 21 | reg << 16);
	assert_int_equal(get(dev, 0x20) & 0x50000000, 0x10000000);
	return (uint16_t)get(dev, 0x20);
}

static void phy_set(struct uvfio_dev *dev, uint32_t reg, uint16_t value)
{
	set(dev, 0x20, 0x04000000 | 1u << 21 | reg << 16 | value);
	assert_int_equal(get(dev, 0x20) & 0x5000ffff, 0x10000000 | value);
}

static void comes_up_with_link_at_1000_full(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(get(dev, 0x08) & 0xc3, 0x83);
	assert_int_equal(get(dev, 0x10) & 0x300, 0x300);
	assert_int_equal(phy_get(dev, 1) & 0x24, 0x24);
	assert_int_equal(phy_get(dev, 0x11) & 0xc000, 0xc000);
	assert_int_equal(get(dev, 0x1010) & 0x40000, 0x40000);
	assert_false(dev->is_polled);
}

static void has_an_nvm_with_checksum_and_address(void **state)
{
	struct uvfio_dev *dev = *state;
	uint16_t sum = 0;
	uint32_t i;

	for (i = 0; i <= 0x3f; i++)
		sum = (uint16_t)(sum + nvm(dev, i));
	assert_int_equal(sum, 0xbaba);
	/* 02:00:00:00:02:29 of 0000:02:05.1 */
	assert_int_equal(nvm(dev, 0), 0x0002);
	assert_int_equal(nvm(dev, 1), 0x0000);
	assert_int_equal(nvm(dev, 2), 0x2902);
	assert_int_equal(nvm(dev, 0x37), 0xffff);
	assert_int_equal(nvm(dev, 0x3fff), 0xffff);
	assert_int_equal(get(dev, 0x5400), 0x00000002);
	assert_int_equal(get(dev, 0x5404), 0x80002902);
}

static void takes_the_address_of_its_option(void **state)
{
	static const struct fake_option options[] = {
		{"mac", "0a:1B:2c:3d:4E:5f"}, {NULL, NULL}};
	struct uvfio_error err;
	struct uvfio_dev *dev;

	(void)state;
	dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", options,
				 &err);
	assert_non_null(dev);
	assert_int_equal(get(dev, 0x5400), 0x3d2c1b0a);
	assert_int_equal(get(dev, 0x5404), 0x80005f4e);
	fake_device_destroy(dev);
}

static void refuses_a_bad_address_and_says_so(void **state)
{
	static const char *const bad[] = {
		"",
		"0a:1b:2c:3d:4e",
		"0a:1b:2c:3d:4e:5g",
		"0a-1b-2c-3d-4e-5f",
		"0a:1b:2c:3d:4e:5f:",
		"01:00:5e:00:00:01",
		"00:00:00:00:00:00",
	};
	struct fake_option options[] = {{"mac", NULL}, {NULL, NULL}};
	struct uvfio_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		options[0].value = bad[i];
		assert_null(fake_device_create(&uvfio_model_igb, "0000:00:03.0",
					       options, &err));
		assert_non_null(strstr(err.text, "mac="));
		assert_non_null(strstr(err.text, bad[i]));
		assert_null(strchr(err.text, '\n'));
	}
}

static void grants_the_nvm_pins_on_request(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x10, get(dev, 0x10) | 0x40);
	assert_int_equal(get(dev, 0x10) & 0xc0, 0xc0);
	set(dev, 0x10, get(dev, 0x10) & ~0x40u);
	assert_int_equal(get(dev, 0x10) & 0xc0, 0);
}

static void hands_out_its_semaphores(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(get(dev, 0x5b50) & 1, 0);
	assert_int_equal(get(dev, 0x5b50) & 1, 1); /* taken by the read */
	set(dev, 0x5b50, get(dev, 0x5b50) | 2);
	assert_int_equal(get(dev, 0x5b50) & 2, 2);
	set(dev, 0x5b5c, 0x2);
	assert_int_equal(get(dev, 0x5b5c), 0x2);
	set(dev, 0x5b50, 0);
	assert_int_equal(get(dev, 0x5b50) & 3, 0);
}

static void has_a_phy_at_address_1_only(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(phy_get(dev, 2), 0x02a8);
	assert_int_equal(phy_get(dev, 3), 0x0391);
	set(dev, 0x20, 0x08000000 | 2u << 21 | 2 << 16);
	assert_int_equal(get(dev, 0x20) & 0x50000000, 0x50000000);
	phy_set(dev, 4, 0x01e1);
	assert_int_equal(phy_get(dev, 4), 0x01e1);
	phy_set(dev, 0x1f, 0x11b1); /* gain control of the first pair */
	assert_int_not_equal(phy_get(dev, 0x11) >> 9, 0);
	phy_set(dev, 0x1f, 0);
	phy_set(dev, 0, 0x8000);
	assert_int_equal(phy_get(dev, 0), 0x1140);
	assert_int_equal(phy_get(dev, 4), 0x0de1);
}

static void loses_link_when_the_phy_sleeps(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0xd0, 0x4);
	phy_set(dev, 0, 0x1940);
	assert_int_equal(get(dev, 0x08) & 2, 0);
	assert_int_equal(phy_get(dev, 1) & 0x24, 0);
	assert_true(dev->intx);
	assert_int_equal(get(dev, 0xc0), 0x80000004);
	assert_false(dev->intx);
	phy_set(dev, 0, 0x1340); /* wake, negotiate anew */
	assert_int_equal(get(dev, 0x08) & 2, 2);
	assert_int_equal(phy_get(dev, 0) & 0x200, 0);
	assert_true(dev->intx);
}

static void resets_by_ctrl(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x100, 0x2);
	set(dev, 0x2800, 0x12345680);
	set(dev, 0x2818, 5);
	set(dev, 0xd0, 0x80);
	set(dev, 0x5400, 0xdeadbeef);
	set(dev, 0xc8, 0x80);
	assert_true(dev->intx);
	assert_true(dev->is_polled);

	set(dev, 0x00, get(dev, 0x00) | 0x04000000);
	assert_int_equal(get(dev, 0x00) & 0x04000000, 0);
	assert_int_equal(get(dev, 0x10) & 0x200, 0x200);
	assert_int_equal(get(dev, 0x100), 0);
	assert_int_equal(get(dev, 0x2800), 0);
	assert_int_equal(get(dev, 0x2818), 0);
	assert_int_equal(get(dev, 0xd0), 0);
	assert_int_equal(get(dev, 0x5400), 0x2);
	assert_false(dev->intx);
	assert_false(dev->is_polled);
}

static void is_polled_while_a_side_is_enabled(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x100, 0x2);
	assert_true(dev->is_polled);
	set(dev, 0x400, 0x2);
	set(dev, 0x100, 0);
	assert_true(dev->is_polled);
	set(dev, 0x400, 0);
	assert_false(dev->is_polled);
}

static void stops_being_master_when_told(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(get(dev, 0x08) & 0x80000, 0x80000);
	set(dev, 0x00, get(dev, 0x00) | 4);
	assert_int_equal(get(dev, 0x08) & 0x80000, 0);
}

static void shows_queue_0_at_both_addresses(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x2818, 7);
	assert_int_equal(get(dev, 0xc018), 7);
	set(dev, 0xe018, 9);
	assert_int_equal(get(dev, 0x3818), 9);
	set(dev, 0xc058, 11); /* RDT of queue 1 */
	assert_int_equal(get(dev, 0x2918), 11);
	set(dev, 0xc3d8, 13); /* of queue 15 */
	assert_int_equal(get(dev, 0xc3d8), 13);
}

static void reaches_registers_through_the_io_window(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_write32(dev, 2, 0, 0x5400);
	assert_int_equal(fake_read32(dev, 2, 0), 0x5400);
	assert_int_equal(fake_read32(dev, 2, 4), 0x2);
	fake_write32(dev, 2, 0, 0x2818);
	fake_write32(dev, 2, 4, 3);
	assert_int_equal(get(dev, 0x2818), 3);
	fake_write32(dev, 2, 0, 0x20000);
	assert_int_equal(fake_read32(dev, 2, 4), UINT32_MAX);
	assert_int_equal(fake_read32(dev, 2, 8), UINT32_MAX);
}

static void keeps_the_tables_of_the_filters(void **state)
{
	static const struct {
		uint32_t offset;
		uint32_t count;
	} tables[] = {
		{0x5200, 128}, {0x5408, 30}, {0x54e0, 16},  {0x5600, 128},
		{0x5c00, 32},  {0x5c80, 10}, {0xa000, 128}, {0x1680, 25},
		{0x1700, 8},   {0x5cb0, 8},  {0x5d00, 32},  {0x0800, 128},
	};
	struct uvfio_dev *dev = *state;
	uint32_t i;
	size_t t;

	for (t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (i = 0; i < tables[t].count; i++)
			set(dev, tables[t].offset + 4 * i,
			    tables[t].offset ^ i);
		for (i = 0; i < tables[t].count; i++)
			assert_int_equal(get(dev, tables[t].offset + 4 * i),
					 tables[t].offset ^ i);
	}
	assert_int_equal(get(dev, 0x1f000), 0);
	set(dev, 0x1f000, 1);
	assert_int_equal(get(dev, 0x1f000), 0);
}

static void drives_intx_while_an_enabled_cause_stands(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0xc8, 0x4);
	assert_false(dev->intx);
	set(dev, 0xd0, 0x4);
	assert_true(dev->intx);
	set(dev, 0xd8, 0x4);
	assert_false(dev->intx);
	set(dev, 0x1508, 0x4); /* the same register at its new place */
	assert_true(dev->intx);
	assert_int_equal(get(dev, 0x1500), 0x80000004);
	assert_int_equal(get(dev, 0xc0), 0);
	assert_false(dev->intx);
}

static void sends_an_msi_when_a_cause_appears(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSI);
	set(dev, 0xd0, 0x84);
	set(dev, 0xc8, 0x4);
	set(dev, 0xc8, 0x4); /* stands already */
	assert_int_equal(dev->vectors[0], 1);
	set(dev, 0xc8, 0x80);
	assert_int_equal(dev->vectors[0], 2);
	(void)get(dev, 0xc0);
	set(dev, 0xc8, 0x4);
	assert_int_equal(dev->vectors[0], 3);
	assert_false(dev->intx);
}

static void masks_by_iam_when_the_cause_is_read(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0xe0, 0x4);
	set(dev, 0xd0, 0x84);
	set(dev, 0xc8, 0x4);
	(void)get(dev, 0xc0);
	assert_int_equal(get(dev, 0xd0), 0x80);
}

static void sends_every_cause_by_vector_0_without_multiple(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, 0xd0, 0x4);
	set(dev, 0xc8, 0x4);
	assert_int_equal(dev->vectors[0], 1);
}

static void maps_link_causes_by_ivar_misc(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, 0x1514, 0x11);
	set(dev, 0x1740, 0x8300);
	set(dev, 0xd0, 0x4);
	set(dev, 0xc8, 0x4);
	assert_int_equal(dev->vectors[3], 0); /* EIMS is not set */
	set(dev, 0x1524, 0x8);
	assert_int_equal(dev->vectors[3], 1);
	assert_int_equal(get(dev, 0xc0), 0x80000004);
	set(dev, 0x1580, 0x8);
	set(dev, 0xc8, 0x4);
	assert_int_equal(dev->vectors[3], 2);
}

static void sends_a_vector_for_each_software_cause(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, 0x1514, 0x10);
	set(dev, 0x1524, 0x1);
	set(dev, 0x1520, 0x1);
	assert_int_equal(dev->vectors[0], 1);
	set(dev, 0x1520, 0x1); /* not cleared yet */
	assert_int_equal(dev->vectors[0], 1);

	/* Clear, mask, unmask: nothing comes of it. */
	set(dev, 0x1528, 0x1);
	set(dev, 0x1580, UINT32_MAX);
	set(dev, 0x1524, 0x1);
	assert_int_equal(dev->vectors[0], 1);
}

static void clears_and_masks_a_vector_by_itself(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, 0x1514, 0x40000010);
	set(dev, 0x152c, 0x3);
	set(dev, 0x1530, 0x2);
	set(dev, 0x1524, 0x3);
	set(dev, 0x1520, 0x3);
	assert_int_equal(get(dev, 0x1580), 0);
	assert_int_equal(get(dev, 0x1524), 0x1);
	set(dev, 0x1520, 0x3);
	assert_int_equal(dev->vectors[0], 2);
	assert_int_equal(dev->vectors[1], 1);
	set(dev, 0x1524, 0x2); /* the cause waited */
	assert_int_equal(dev->vectors[1], 2);
}

static void refuses_accesses_of_other_widths(void **state)
{
	struct uvfio_dev *dev = *state;
	uint64_t value = 0;

	assert_true(dev->model->ops->access(dev, 0, 8, &value, 8, false) < 0);
	assert_true(dev->model->ops->access(dev, 0, 8, &value, 2, false) < 0);
	assert_true(dev->model->ops->access(dev, 1, 0, &value, 4, false) < 0);
}

static void declares_what_drivers_look_for(void **state)
{
	const struct uvfio_pci_model *model = &uvfio_model_igb;

	(void)state;
	assert_int_equal(model->vendor, 0x8086);
	assert_int_equal(model->device, 0x10c9);
	assert_int_equal(model->class_code, 0x020000);
	assert_int_equal(model->msix.vectors, 10);
	assert_int_equal(model->bars[0].size, 0x20000);
	assert_int_equal(model->bars[1].size, 0);
	assert_int_equal(model->bars[2].flags, UVFIO_BAR_IO);
	assert_int_equal(model->bars[3].size, 0x4000);
	assert_int_equal(model->caps[0].offset, 0x100);
	assert_int_equal(model->caps[1].offset, 0x140);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(comes_up_with_link_at_1000_full),
		TEST(has_an_nvm_with_checksum_and_address),
		TEST(takes_the_address_of_its_option),
		TEST(refuses_a_bad_address_and_says_so),
		TEST(grants_the_nvm_pins_on_request),
		TEST(hands_out_its_semaphores),
		TEST(has_a_phy_at_address_1_only),
		TEST(loses_link_when_the_phy_sleeps),
		TEST(resets_by_ctrl),
		TEST(is_polled_while_a_side_is_enabled),
		TEST(stops_being_master_when_told),
		TEST(shows_queue_0_at_both_addresses),
		TEST(reaches_registers_through_the_io_window),
		TEST(keeps_the_tables_of_the_filters),
		TEST(drives_intx_while_an_enabled_cause_stands),
		TEST(sends_an_msi_when_a_cause_appears),
		TEST(masks_by_iam_when_the_cause_is_read),
		TEST(sends_every_cause_by_vector_0_without_multiple),
		TEST(maps_link_causes_by_ivar_misc),
		TEST(sends_a_vector_for_each_software_cause),
		TEST(clears_and_masks_a_vector_by_itself),
		TEST(refuses_accesses_of_other_widths),
		TEST(declares_what_drivers_look_for),
	};

	return cmocka_run_group_tests_name("igb", tests, NULL, NULL);
}
