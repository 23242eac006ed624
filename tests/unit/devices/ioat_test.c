/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The channel of ioat: what drivers check, and chains that no driver would
 * write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_host.h"

extern const struct uvfio_pci_model uvfio_model_ioat;

#define INTRCTRL 0x03
#define ATTN     0x04
#define CBVER    0x08
#define CHANCTRL 0x80
#define CHANCMD  0x84
#define DMACOUNT 0x86
#define CHANSTS  0x88
#define CHAIN    0x90
#define CHANCMP  0x98
#define CHANERR  0xa8
#define ERRMASK  0xac

#define SUSPEND 0x04
#define RESET   0x20

#define ACTIVE    0
#define IDLE      1
#define SUSPENDED 2
#define HALTED    3
#define ARMED     4

#define INTERRUPT  0x01u
#define COMPLETION 0x08u
#define FENCE      0x10u
#define EMPTY      0x20u
#define FILL       (1u << 24)

/* Where things are in the fake memory. */
#define RING   0x1000u
#define STATUS 0x800u
#define FROM   0x100000u
#define TO     0x200000u

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t rest[4];
};

static int create(void **state, const struct fake_option *options)
{
	struct uvfio_error err;

	fake_memory_reset();
	for (uint32_t i = 0; i < 0x100000; i++)
		fake_memory[FROM + i] = (uint8_t)(i * 7 + (i >> 8));
	*state = fake_device_create(&uvfio_model_ioat, "0000:00:03.0", options,
				    &err);
	return *state ? 0 : -1;
}

static int setup(void **state)
{
	return create(state, NULL);
}

static int setup_long(void **state)
{
	static const struct fake_option options[] = {
		{"version", "3.4"}, {"xfercap", "20"}, {NULL, NULL}};

	return create(state, options);
}

static int teardown(void **state)
{
	fake_device_destroy(*state);
	return 0;
}

static uint64_t get(struct uvfio_dev *dev, uint64_t offset, size_t len)
{
	uint64_t value = 0;

	assert_int_equal(
		dev->model->ops->access(dev, 0, offset, &value, len, false), 0);
	return value;
}

static void set(struct uvfio_dev *dev, uint64_t offset, size_t len,
		uint64_t value)
{
	assert_int_equal(
		dev->model->ops->access(dev, 0, offset, &value, len, true), 0);
}

static uint64_t status_in_memory(void)
{
	uint64_t value;

	memcpy(&value, fake_memory + STATUS, sizeof(value));
	return value;
}

/* Descriptor i of a ring that leads to the next. */
static void put(unsigned int i, uint32_t control, uint64_t from, uint64_t to,
		uint32_t size)
{
	struct descriptor desc = {
		.size = size,
		.control = control,
		.source = from,
		.destination = to,
		.next = RING + 64 * (i + 1),
	};

	memcpy(fake_memory + RING + sizeof(desc) * i, &desc, sizeof(desc));
}

static void link_to(unsigned int i, uint64_t next)
{
	memcpy(fake_memory + RING + 64 * i + offsetof(struct descriptor, next),
	       &next, sizeof(next));
}

static void arm(struct uvfio_dev *dev)
{
	set(dev, CHAIN, 8, RING);
	set(dev, CHANCMP, 8, STATUS);
	set(dev, CHANCTRL, 2, 0xc);
}

static void run(struct uvfio_dev *dev, uint16_t count)
{
	set(dev, DMACOUNT, 2, count);
	fake_run(dev);
}

static void tells_what_it_is_in_any_width(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(get(dev, 0, 1), 1);
	assert_int_equal(get(dev, 1, 1), 16);
	assert_int_equal(get(dev, 0, 2), 0x1001);
	assert_int_equal(get(dev, 0, 4), 0x1001);
	assert_int_equal(get(dev, CBVER, 1), 0x33);
	assert_int_equal(get(dev, CBVER, 8), 0x33);
	assert_int_equal(get(dev, 0x10, 4), 0x40);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
	assert_int_equal(get(dev, CHANSTS, 1), HALTED);
	assert_int_equal(get(dev, 0x40, 8), 0);
	set(dev, 0, 8, UINT64_MAX);
	assert_int_equal(get(dev, 0, 2), 0x1001);
	set(dev, CHANCTRL, 2, 0x1ff);
	assert_int_equal(get(dev, CHANCTRL, 2), 0x1ff);
	assert_int_equal(get(dev, CHANCTRL + 1, 1), 1);
	set(dev, CHANCTRL + 1, 1, 0);
	assert_int_equal(get(dev, CHANCTRL, 2), 0xff);
}

static void takes_its_version_and_longest_transfer_from_options(void **state)
{
	struct uvfio_dev *dev = *state;

	assert_int_equal(get(dev, CBVER, 1), 0x34);
	assert_int_equal(get(dev, 1, 1), 20);
	put(0, COMPLETION, FROM, TO, 1u << 20);
	arm(dev);
	run(dev, 1);
	assert_int_equal(get(dev, CHANSTS, 8), RING | IDLE);
	assert_memory_equal(fake_memory + TO, fake_memory + FROM, 1u << 20);
}

static void refuses_options_that_mean_nothing(void **state)
{
	static const struct fake_option cases[][2] = {
		{{"version", "3"}, {NULL, NULL}},
		{{"xfercap", "11"}, {NULL, NULL}},
		{{"xfercap", "32"}, {NULL, NULL}},
		{{"xfercap", "1k"}, {NULL, NULL}},
		{{"xfercap", "4294967312"}, {NULL, NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uvfio_error err;

		assert_null(fake_device_create(&uvfio_model_ioat, "x", cases[i],
					       &err));
		assert_non_null(strstr(err.text, cases[i][0].key));
	}
}

static void arms_with_an_address_in_halves(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 64);
	set(dev, CHAIN, 4, RING);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
	set(dev, CHAIN + 4, 4, 0);
	assert_int_equal(get(dev, CHANSTS, 8), ARMED);
	assert_int_equal(get(dev, CHAIN, 8), RING);
	run(dev, 1);
	assert_int_equal(get(dev, CHANSTS, 8), RING | IDLE);
}

static void copies_as_far_as_the_count_says(void **state)
{
	struct uvfio_dev *dev = *state;

	for (unsigned int i = 0; i < 4; i++)
		put(i, COMPLETION, FROM + 0x1000 * i, TO + 0x1000 * i, 0x1000);
	arm(dev);
	assert_int_equal(get(dev, CHANSTS, 8), ARMED);
	set(dev, DMACOUNT, 2, 2);
	assert_int_equal(get(dev, CHANSTS, 8) & 7, ACTIVE);
	assert_int_equal(dev->kicks, 1);
	fake_run(dev);
	assert_int_equal(get(dev, CHANSTS, 8), (RING + 64) | IDLE);
	assert_int_equal(status_in_memory(), (RING + 64) | IDLE);
	assert_memory_equal(fake_memory + TO, fake_memory + FROM, 0x2000);
	assert_int_equal(fake_memory[TO + 0x2001], 0);
	run(dev, 4);
	assert_int_equal(status_in_memory(), (RING + 192) | IDLE);
	assert_memory_equal(fake_memory + TO, fake_memory + FROM, 0x4000);
	assert_int_equal(get(dev, DMACOUNT, 2), 4);
}

/* The last descriptor's link is read when it is followed. */
static void follows_what_was_appended_later(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 64);
	link_to(0, 0);
	put(5, COMPLETION, FROM + 64, TO + 64, 64);
	arm(dev);
	run(dev, 1);
	link_to(0, RING + 64 * 5);
	run(dev, 2);
	assert_int_equal(get(dev, CHANSTS, 8), (RING + 64 * 5) | IDLE);
	assert_memory_equal(fake_memory + TO, fake_memory + FROM, 128);
}

static void writes_no_status_that_was_not_asked_for(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, 0, FROM, TO, 64);
	put(1, EMPTY, 1, 1, 0);
	put(2, EMPTY | COMPLETION | FENCE, 1, 1, 0);
	arm(dev);
	run(dev, 2);
	assert_int_equal(get(dev, CHANSTS, 8), (RING + 64) | IDLE);
	assert_int_equal(status_in_memory(), 0);
	run(dev, 3);
	assert_int_equal(status_in_memory(), (RING + 128) | IDLE);
}

static void fills_with_the_whole_pattern(void **state)
{
	static const uint32_t lengths[] = {1, 7, 8, 89, 4096, 5001};
	const uint64_t pattern = 0xfedcba9876543210u;
	struct uvfio_dev *dev = *state;

	arm(dev);
	for (unsigned int i = 0; i < 6; i++) {
		memset(fake_memory + TO, 0, 0x2000);
		put(i, COMPLETION | FILL, pattern, TO + 3, lengths[i]);
		run(dev, (uint16_t)(i + 1));
		for (uint32_t j = 0; j < lengths[i]; j++)
			assert_int_equal(fake_memory[TO + 3 + j],
					 (uint8_t)(pattern >> 8 * (j % 8)));
		assert_int_equal(fake_memory[TO + 2], 0);
		assert_int_equal(fake_memory[TO + 3 + lengths[i]], 0);
	}
}

/* One descriptor that is its own successor, as often as can be counted. */
static void loop_ends_when_the_count_does(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 64);
	link_to(0, RING);
	arm(dev);
	run(dev, UINT16_MAX);
	assert_int_equal(get(dev, CHANSTS, 8), RING | IDLE);
	/* The link and the descriptor, and once more for the data. */
	assert_int_equal(dev->dma_reads, 3 * UINT16_MAX - 1);
	/* Modulo 65536: two more. */
	dev->dma_reads = 0;
	run(dev, 1);
	assert_int_equal(dev->dma_reads, 6);
}

/* A long chain keeps nobody waiting: it is done in pieces. */
static void piece_of_work_is_bounded(void **state)
{
	struct uvfio_dev *dev = *state;
	unsigned int polls = 1;

	put(0, 0, FROM, TO, 64);
	link_to(0, RING);
	arm(dev);
	set(dev, DMACOUNT, 2, UINT16_MAX);
	assert_true(dev->model->ops->poll(dev));
	assert_in_range(dev->dma_writes, 1, 1024);
	set(dev, CHANCMD, 1, SUSPEND);
	assert_int_equal(get(dev, CHANSTS, 8), RING | SUSPENDED);
	assert_false(dev->model->ops->poll(dev));

	put(0, 0, FROM, TO, 1u << 20);
	dev->dma_writes = 0;
	set(dev, CHAIN, 8, RING);
	set(dev, DMACOUNT, 2, 1);
	while (dev->model->ops->poll(dev))
		polls++;
	assert_in_range(polls, 16, 256);
}

static void suspend_finishes_the_descriptor(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 1u << 20);
	put(1, COMPLETION, FROM, TO, 64);
	arm(dev);
	set(dev, DMACOUNT, 2, 2);
	assert_true(dev->model->ops->poll(dev));
	set(dev, CHANCMD, 1, SUSPEND);
	assert_int_equal(get(dev, CHANSTS, 8) & 7, ACTIVE);
	fake_run(dev);
	assert_int_equal(get(dev, CHANSTS, 8), RING | SUSPENDED);
	assert_memory_equal(fake_memory + TO, fake_memory + FROM, 1u << 20);
	/* It stays so until there is another chain. */
	run(dev, 3);
	assert_int_equal(get(dev, CHANSTS, 8), RING | SUSPENDED);
	set(dev, CHAIN, 8, RING);
	assert_int_equal(get(dev, CHANSTS, 8), ARMED);
}

static void suspend_and_reset_answer_from_any_state(void **state)
{
	struct uvfio_dev *dev = *state;

	set(dev, CHANCMD, 1, SUSPEND);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
	put(0, COMPLETION, FROM, TO, 64);
	arm(dev);
	set(dev, CHANCMD, 1, SUSPEND);
	assert_int_equal(get(dev, CHANSTS, 8), SUSPENDED);
	arm(dev);
	run(dev, 1);
	set(dev, CHANCMD, 1, SUSPEND);
	assert_int_equal(get(dev, CHANSTS, 8), RING | SUSPENDED);
	set(dev, CHANCMD, 1, RESET);
	assert_int_equal(get(dev, CHANCMD, 1), 0);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
	/* Without a chain a count starts nothing. */
	run(dev, 7);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
}

struct bad {
	uint32_t control, size;
	uint64_t from, to;
	uint32_t error;
};

static void recover(struct uvfio_dev *dev, uint32_t error)
{
	set(dev, CHANERR, 4, ~(uint64_t)error);
	assert_int_equal(get(dev, CHANERR, 4), error);
	set(dev, CHANERR, 4, error);
	assert_int_equal(get(dev, CHANERR, 4), 0);
	set(dev, CHANCMD, 1, RESET);
	set(dev, CHAIN, 8, RING);
	assert_int_equal(get(dev, CHANSTS, 8), ARMED);
}

/* Shows V66. */
static void errors_stop_it_after_what_succeeded(void **state)
{
	static const struct bad cases[] = {
		{COMPLETION, 64, UINT64_MAX - 8, TO, 1},
		{COMPLETION, 64, 1ull << 40, TO, 1},
		{COMPLETION | INTERRUPT, 64, FROM, 1ull << 40, 2},
		{COMPLETION | FILL, 64, FROM, UINT64_MAX - 63, 2},
		{COMPLETION, 0, FROM, TO, 0x400},
		{COMPLETION, (1u << 16) + 1, FROM, TO, 0x400},
		{COMPLETION, UINT32_MAX, FROM, TO, 0x400},
		{COMPLETION | 0x87u << 24, 64, FROM, TO, 0x400},
		{COMPLETION | 0xffu << 24, 64, FROM, TO, 0x400},
	};
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, INTRCTRL, 1, 8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bad *bad = &cases[i];

		put(0, COMPLETION, FROM, TO, 64);
		put(1, bad->control, bad->from, bad->to, bad->size);
		put(2, COMPLETION, FROM, TO, 64);
		arm(dev);
		set(dev, CHANCTRL, 2, 0xd);
		set(dev, DMACOUNT, 2, 3);
		if (i)
			fake_fire(dev, 0);
		fake_run(dev);
		assert_int_equal(get(dev, CHANERR, 4), bad->error);
		assert_int_equal(get(dev, CHANSTS, 8), RING | HALTED);
		assert_int_equal(status_in_memory(), RING | HALTED);
		recover(dev, bad->error);
	}
	assert_int_equal(dev->vectors[0], 0);
}

/* Shows V66. */
static void error_in_the_middle_leaves_what_was_moved(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_memory_punch(FROM + 0x3000, 0x1000);
	put(0, COMPLETION, FROM, TO, 0x8000);
	arm(dev);
	run(dev, 1);
	assert_int_equal(get(dev, CHANERR, 4), 1);
	assert_int_equal(status_in_memory(), HALTED);
	assert_memory_equal(fake_memory + TO, fake_memory + FROM, 0x3000);
	assert_int_equal(fake_memory[TO + 0x3001], 0);
	assert_int_equal(fake_memory[TO + 0x7fff], 0);
}

static void chain_that_leads_nowhere_is_an_error(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 64);
	link_to(0, RING + 8);
	arm(dev);
	run(dev, 2);
	assert_int_equal(get(dev, CHANERR, 4), 4);
	recover(dev, 4);
	link_to(0, 1ull << 50);
	set(dev, DMACOUNT, 2, 2);
	fake_fire(dev, 0);
	fake_run(dev);
	assert_int_equal(get(dev, CHANERR, 4), 0x100);
	assert_int_equal(get(dev, CHANSTS, 8), RING | HALTED);
	recover(dev, 0x100);
	fake_set_bus_master(dev, false);
	set(dev, DMACOUNT, 2, 1);
	fake_fire(dev, 0);
	fake_run(dev);
	assert_int_equal(get(dev, CHANERR, 4), 0x100);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
}

static void status_that_cannot_be_written_is_an_error(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 64);
	arm(dev);
	set(dev, CHANCMP, 8, STATUS + 4);
	run(dev, 1);
	assert_int_equal(get(dev, CHANERR, 4), 0x1000);
	assert_int_equal(get(dev, CHANSTS, 8), RING | HALTED);
	assert_int_equal(status_in_memory(), 0);
}

/* A program that asks what failed finds nothing done since. */
static void restart_after_an_error_takes_its_time(void **state)
{
	struct uvfio_dev *dev = *state;

	put(0, COMPLETION, FROM, TO, 0);
	put(1, COMPLETION, FROM, TO, 64);
	arm(dev);
	run(dev, 2);
	recover(dev, 0x400);
	set(dev, CHAIN, 8, RING + 64);
	set(dev, DMACOUNT, 2, 1);
	fake_run(dev);
	assert_int_equal(get(dev, CHANSTS, 8), ACTIVE);
	assert_int_equal(status_in_memory(), HALTED);
	fake_fire(dev, 0);
	fake_run(dev);
	assert_int_equal(status_in_memory(), (RING + 64) | IDLE);
	/* Once. */
	set(dev, CHAIN, 8, RING + 64);
	run(dev, 1);
	assert_int_equal(get(dev, CHANSTS, 8), (RING + 64) | IDLE);
	/* A reset stops it. */
	put(0, COMPLETION, FROM, TO, 0);
	arm(dev);
	run(dev, 1);
	arm(dev);
	set(dev, DMACOUNT, 2, 1);
	assert_int_not_equal(dev->timers[0], 0);
	dev->model->ops->reset(dev, UVFIO_RESET_FLR);
	assert_int_equal(dev->timers[0], 0);
	assert_int_equal(get(dev, CHANSTS, 8), HALTED);
	assert_int_equal(get(dev, CHANERR, 4), 0);
	assert_int_equal(get(dev, CHAIN, 8), 0);
}

static void copies_onto_itself_end(void **state)
{
	struct uvfio_dev *dev = *state;

	/* Over what it copies, over its own descriptor, over its status. */
	put(0, COMPLETION, FROM, FROM + 1, 0x10000);
	put(1, COMPLETION, FROM, RING, 0x10000);
	arm(dev);
	run(dev, 1);
	assert_int_equal(get(dev, CHANSTS, 8), RING | IDLE);
	run(dev, UINT16_MAX);
	assert_int_not_equal(get(dev, CHANSTS, 8) & 7, ACTIVE);
}

static void one_message_for_each_arming(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, INTRCTRL, 1, 8);
	for (unsigned int i = 0; i < 6; i++)
		put(i, COMPLETION | (i < 3 ? 0 : INTERRUPT), FROM, TO, 64);
	arm(dev);
	set(dev, CHANCTRL, 2, 1);
	run(dev, 3);
	assert_int_equal(dev->vectors[0], 0);
	run(dev, 5);
	assert_int_equal(dev->vectors[0], 1);
	assert_int_equal(get(dev, CHANCTRL, 2), 0);
	set(dev, CHANCTRL, 2, 1);
	run(dev, 6);
	assert_int_equal(dev->vectors[0], 2);
	/* Nobody wants any. */
	set(dev, INTRCTRL, 1, 0);
	set(dev, CHANCTRL, 2, 1);
	set(dev, CHAIN, 8, RING + 64 * 3);
	run(dev, 1);
	assert_int_equal(dev->vectors[0], 2);
}

static void line_is_high_until_attention_is_read(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_INTX);
	put(0, COMPLETION | INTERRUPT, FROM, TO, 64);
	arm(dev);
	set(dev, CHANCTRL, 2, 1);
	run(dev, 1);
	assert_false(dev->intx);
	assert_int_equal(get(dev, INTRCTRL, 1), 2);
	set(dev, INTRCTRL, 1, 1);
	assert_true(dev->intx);
	assert_int_equal(get(dev, INTRCTRL, 1), 7);
	fake_set_irq_mode(dev, UVFIO_IRQ_NONE);
	assert_false(dev->intx);
	fake_set_irq_mode(dev, UVFIO_IRQ_INTX);
	assert_true(dev->intx);
	assert_int_equal(get(dev, ATTN, 4), 1);
	assert_false(dev->intx);
	assert_int_equal(get(dev, ATTN, 4), 0);
}

static void errors_interrupt_when_they_are_told_to(void **state)
{
	struct uvfio_dev *dev = *state;

	fake_set_irq_mode(dev, UVFIO_IRQ_MSIX);
	set(dev, INTRCTRL, 1, 8);
	put(0, 0, FROM, TO, 0);
	arm(dev);
	set(dev, CHANCTRL, 2, 0x11);
	run(dev, 1);
	assert_int_equal(dev->vectors[0], 1);
	assert_int_equal(status_in_memory(), 0);
	recover(dev, 0x400);
	set(dev, ERRMASK, 4, 0x400);
	set(dev, CHANCTRL, 2, 0x11);
	set(dev, DMACOUNT, 2, 1);
	fake_fire(dev, 0);
	fake_run(dev);
	assert_int_equal(get(dev, CHANERR, 4), 0x400);
	assert_int_equal(dev->vectors[0], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define LONG_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, setup_long, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_what_it_is_in_any_width),
		LONG_TEST(takes_its_version_and_longest_transfer_from_options),
		cmocka_unit_test(refuses_options_that_mean_nothing),
		TEST(arms_with_an_address_in_halves),
		TEST(copies_as_far_as_the_count_says),
		TEST(follows_what_was_appended_later),
		TEST(writes_no_status_that_was_not_asked_for),
		TEST(fills_with_the_whole_pattern),
		TEST(loop_ends_when_the_count_does),
		LONG_TEST(piece_of_work_is_bounded),
		LONG_TEST(suspend_finishes_the_descriptor),
		TEST(suspend_and_reset_answer_from_any_state),
		TEST(errors_stop_it_after_what_succeeded),
		TEST(error_in_the_middle_leaves_what_was_moved),
		TEST(chain_that_leads_nowhere_is_an_error),
		TEST(status_that_cannot_be_written_is_an_error),
		TEST(restart_after_an_error_takes_its_time),
		TEST(copies_onto_itself_end),
		TEST(one_message_for_each_arming),
		TEST(line_is_high_until_attention_is_read),
		TEST(errors_interrupt_when_they_are_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
