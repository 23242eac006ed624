/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * edu, register by register: liveness, factorial, transfers both ways,
 * causes and their acknowledgement, the line and messages. Shows V69.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_host.h"

#define TIMER_FACTORIAL 0
#define TIMER_DMA       1

extern const struct uvfio_pci_model uvfio_model_edu;

static int setup(void **state)
{
	struct uvfio_error err;

	fake_memory_reset();
	*state = fake_device_create(&uvfio_model_edu, "0000:00:03.0", NULL,
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

static int set64(struct uvfio_dev *dev, uint64_t offset, uint64_t value)
{
	return dev->model->ops->access(dev, 0, offset, &value, 8, true);
}

static uint64_t get64(struct uvfio_dev *dev, uint64_t offset)
{
	uint64_t value = 0;

	if (dev->model->ops->access(dev, 0, offset, &value, 8, false))
		return UINT64_MAX;
	return value;
}

static void start_dma(struct uvfio_dev *dev, uint64_t from, uint64_t to,
		      uint64_t count, uint64_t command)
{
	assert_int_equal(set64(dev, 0x80, from), 0);
	assert_int_equal(set64(dev, 0x88, to), 0);
	assert_int_equal(set64(dev, 0x90, count), 0);
	assert_int_equal(set64(dev, 0x98, command), 0);
}

static void identifies_itself_and_inverts_liveness(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(get(dev, 0x00), 0x010000ed);
	set(dev, 0x00, 1);
	assert_int_equal(get(dev, 0x00), 0x010000ed);
	set(dev, 0x04, 0x12345678);
	assert_int_equal(get(dev, 0x04), ~0x12345678u);
}

static void computes_a_factorial_later(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x08, 5);
	assert_int_equal(get(dev, 0x20) & 1, 1);
	set(dev, 0x08, 7); /* busy: ignored */
	assert_int_equal(get(dev, 0x08), 5);
	fake_fire(dev, TIMER_FACTORIAL);
	assert_int_equal(get(dev, 0x20) & 1, 0);
	assert_int_equal(get(dev, 0x08), 120);
	assert_int_equal(get(dev, 0x24), 0);
}

static void wraps_a_factorial_at_32_bits(void **state)
{
	static const struct {
		uint32_t n;
		uint32_t result;
	} cases[] = {
		{0, 1},           {1, 1},  {12, 479001600}, {13, 1932053504u},
		{33, 0x80000000}, {34, 0}, {UINT32_MAX, 0},
	};
	struct uvfio_dev *dev = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(dev, 0x08, cases[i].n);
		fake_fire(dev, TIMER_FACTORIAL);
		assert_int_equal(get(dev, 0x08), cases[i].result);
	}
}

static void interrupts_after_a_factorial_when_told(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x20, 0xffffffff);
	assert_int_equal(get(dev, 0x20), 0x80);
	set(dev, 0x08, 3);
	assert_int_equal(get(dev, 0x20), 0x81);
	assert_false(dev->intx);
	fake_fire(dev, TIMER_FACTORIAL);
	assert_int_equal(get(dev, 0x24), 1);
	assert_true(dev->intx);
}

static void holds_the_line_until_every_cause_is_acknowledged(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x60, 0x30);
	assert_true(dev->intx);
	assert_int_equal(get(dev, 0x24), 0x30);
	set(dev, 0x64, 0x10);
	assert_true(dev->intx);
	set(dev, 0x64, 0x20);
	assert_false(dev->intx);
	assert_int_equal(get(dev, 0x60), UINT32_MAX);
}

static void sends_one_message_for_each_raise(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSI);
	set(dev, 0x60, 1);
	set(dev, 0x60, 1);
	assert_int_equal(dev->vectors[0], 2);
	assert_false(dev->intx);
}

static void copies_by_dma_in_both_directions(void **state)
{
	struct uvfio_dev *dev = *state;

	memcpy(fake_memory + 0x1000, "from the memory", 16);
	start_dma(dev, 0x1000, 0x40010, 16, 0x5);
	assert_int_equal(get64(dev, 0x98), 0x5);
	assert_int_equal(dev->timers[TIMER_DMA], 100000000);
	assert_int_equal(dev->dma_reads, 0);
	fake_fire(dev, TIMER_DMA);
	assert_int_equal(get64(dev, 0x98), 0x4);
	assert_int_equal(get(dev, 0x24), 0x100);
	assert_true(dev->intx);

	start_dma(dev, 0x40010, 0x2000, 16, 0x3);
	fake_fire(dev, TIMER_DMA);
	assert_memory_equal(fake_memory + 0x2000, "from the memory", 16);
}

static void drives_28_address_lines(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_memory[0x3000] = 0x5a;
	start_dma(dev, 0xf0003000u, 0x40000, 1, 1);
	fake_fire(dev, TIMER_DMA);
	start_dma(dev, 0x40000, 0x4000, 1, 3);
	fake_fire(dev, TIMER_DMA);
	assert_int_equal(fake_memory[0x4000], 0x5a);
}

static void refuses_device_addresses_outside_the_buffer(void **state)
{
	static const struct {
		uint64_t address;
		uint64_t count;
	} cases[] = {
		{0x3ffff, 1},    {0x41000, 1},          {0x40fff, 2},
		{0x40000, 4097}, {0x40001, UINT64_MAX}, {UINT64_MAX, 2},
		{0, 1},
	};
	struct uvfio_dev *dev = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start_dma(dev, 0x1000, cases[i].address, cases[i].count, 1);
		fake_fire(dev, TIMER_DMA);
		start_dma(dev, cases[i].address, 0x1000, cases[i].count, 3);
		fake_fire(dev, TIMER_DMA);
		assert_int_equal(get64(dev, 0x98) & 1, 0);
	}
	assert_int_equal(dev->dma_reads + dev->dma_writes, 0);
}

static void survives_a_dma_to_nowhere(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_memory_punch(0x1000, 0x1000);
	start_dma(dev, 0x1000, 0x40000, 4096, 5);
	fake_fire(dev, TIMER_DMA);
	assert_int_equal(get64(dev, 0x98), 4);
	assert_int_equal(get(dev, 0x24), 0x100);
}

static void ignores_dma_registers_while_it_runs(void **state)
{
	struct uvfio_dev *dev = *state;

	start_dma(dev, 0x1000, 0x40000, 8, 1);
	(void)set64(dev, 0x80, 0x9999);
	(void)set64(dev, 0x98, 0x7);
	assert_int_equal(get64(dev, 0x80), 0x1000);
	assert_int_equal(get64(dev, 0x98), 1);
	fake_fire(dev, TIMER_DMA);
	(void)set64(dev, 0x98, 0x6); /* does not start: ignored */
	assert_int_equal(get64(dev, 0x98), 0);
}

static void takes_8_bytes_only_from_0x80_on(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_true(get64(dev, 0x00) == UINT64_MAX);
	assert_int_not_equal(set64(dev, 0x00, 0), 0);
	assert_int_equal(set64(dev, 0x80, 0x1122334455667788), 0);
	assert_int_equal(get(dev, 0x80), 0x55667788);
	assert_int_equal(get(dev, 0x84), UINT32_MAX);
	set(dev, 0x80, 0x99); /* replaces all 64 bits */
	assert_int_equal(get64(dev, 0x80), 0x99);
}

static void resets_to_power_on(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, 0x60, 1);
	set(dev, 0x08, 3);
	start_dma(dev, 0x1000, 0x40000, 8, 1);
	dev->model->ops->reset(dev, UVFIO_RESET_IOCTL);
	assert_false(dev->intx);
	assert_int_equal(get(dev, 0x20), 0);
	assert_int_equal(get(dev, 0x24), 0);
	assert_int_equal(get64(dev, 0x98), 0);
	assert_int_equal(dev->timers[TIMER_FACTORIAL], 0);
	assert_int_equal(dev->timers[TIMER_DMA], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(identifies_itself_and_inverts_liveness),
		TEST(computes_a_factorial_later),
		TEST(wraps_a_factorial_at_32_bits),
		TEST(interrupts_after_a_factorial_when_told),
		TEST(holds_the_line_until_every_cause_is_acknowledged),
		TEST(sends_one_message_for_each_raise),
		TEST(copies_by_dma_in_both_directions),
		TEST(drives_28_address_lines),
		TEST(refuses_device_addresses_outside_the_buffer),
		TEST(survives_a_dma_to_nowhere),
		TEST(ignores_dma_registers_while_it_runs),
		TEST(takes_8_bytes_only_from_0x80_on),
		TEST(resets_to_power_on),
	};

	return cmocka_run_group_tests_name("edu", tests, NULL, NULL);
}
