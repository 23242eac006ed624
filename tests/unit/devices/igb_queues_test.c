/* SPDX-License-Identifier: BSD-3-Clause */
/* igb with several queues in each direction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "igb_rig.h"

#define RCTL     0x04008078u /* loopback, promiscuous, long, no FCS */
#define TCTL_PSP 0x00000008u
#define RING     64
#define PAIRS    4
#define ENABLE   0x02000000u
#define DROP_EN  0x80000000u
#define MRQC     0x5818
#define RETA     0x5c00
#define RSSRK    0x5c80
#define RXCSUM   0x5000
#define PCSD     0x2000u
#define IVAR     0x1700
#define GPIE     0x1514
#define EIMS     0x1524
#define EICR     0x1580

/* Two queues on the shared pages and two beyond. */
static const uint32_t queues[PAIRS] = {0, 3, 4, 15};

struct fixture {
	struct uvfio_dev *dev;
	struct rig rigs[PAIRS];
	struct rig_frame frame;
	struct rig_frame got;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct uvfio_error err;
	unsigned int i;

	if (!f)
		return -1;
	fake_memory_reset();
	f->dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", NULL,
				    &err);
	if (!f->dev)
		return -1;
	for (i = 0; i < PAIRS; i++) {
		rig_init(&f->rigs[i], f->dev, i);
		f->rigs[i].queue = queues[i];
		rig_rx_start(&f->rigs[i], RING, 2048, false, RCTL);
		rig_tx_start(&f->rigs[i], RING, TCTL_PSP);
		rig_rx_arm(&f->rigs[i], RING - 1);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_device_destroy(f->dev);
	free(f);
	return 0;
}

/* The verification suite of Microsoft's "Verifying the RSS hash". */
static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
				0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
				0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
				0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
				0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

struct vector {
	bool is_ipv6;
	uint8_t source[16];
	uint8_t destination[16];
	uint16_t ports[2];
	uint32_t of_addresses;
	uint32_t of_ports;
};

static const struct vector vectors[] = {
	{false,
	 {66, 9, 149, 187},
	 {161, 142, 100, 80},
	 {2794, 1766},
	 0x323e8fc2,
	 0x51ccc178},
	{false,
	 {199, 92, 111, 2},
	 {65, 69, 140, 83},
	 {14230, 4739},
	 0xd718262a,
	 0xc626b0ea},
	{false,
	 {24, 19, 198, 95},
	 {12, 22, 207, 184},
	 {12898, 38024},
	 0xd2d0a5de,
	 0x5c2b394a},
	{true,
	 {0x3f, 0xfe, 0x25, 1, 2, 0, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7},
	 {0x3f, 0xfe, 0x25, 1, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1},
	 {2794, 1766},
	 0x2cc18cd5,
	 0x40207d3d},
	{true,
	 {0x3f, 0xfe, 5, 1, 0, 8, 0, 0, 2, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef,
	  0xab},
	 {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	 {14230, 4739},
	 0x0f0c461c,
	 0xdde51bbf},
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_vector(struct rig_frame *frame, const struct vector *vector,
		       uint8_t protocol)
{
	uint8_t *ip = frame->bytes + 14;
	uint32_t header = vector->is_ipv6 ? 40 : 20;

	rig_frame_fill(frame, 14 + header + 20, 1);
	memset(ip, 0, header + 20);
	put16(frame->bytes + 12, vector->is_ipv6 ? 0x86dd : 0x0800);
	if (vector->is_ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, 20);
		ip[6] = protocol;
		memcpy(ip + 8, vector->source, 16);
		memcpy(ip + 24, vector->destination, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 40);
		ip[9] = protocol;
		memcpy(ip + 12, vector->source, 4);
		memcpy(ip + 16, vector->destination, 4);
	}
	put16(ip + header, vector->ports[0]);
	put16(ip + header + 2, vector->ports[1]);
	if (frame->length < 60)
		frame->length = 60;
}

/* The table sends each of 128 values to one of our queues. */
static void start_rss(struct fixture *f, uint32_t fields)
{
	uint32_t word;
	unsigned int i;

	for (i = 0; i < 40; i += 4) {
		memcpy(&word, key + i, 4);
		rig_set(&f->rigs[0], RSSRK + i, word);
	}
	for (i = 0; i < 128; i += 4)
		rig_set(&f->rigs[0], RETA + i, 0x0f040300);
	rig_set(&f->rigs[0], RXCSUM, PCSD);
	rig_set(&f->rigs[0], MRQC, fields | 2);
}

static void loop(struct fixture *f)
{
	rig_tx_put(&f->rigs[0], &f->frame, 1, false, true);
	rig_tx_ring_bell(&f->rigs[0]);
	fake_run(f->dev);
}

/* In the one queue and in no other. */
static void expect_in(struct fixture *f, unsigned int pair)
{
	unsigned int i;

	for (i = 0; i < PAIRS; i++)
		assert_int_equal(rig_rx_take(&f->rigs[i], &f->got), i == pair);
}

static void expect_hash(struct fixture *f, uint32_t hash, uint32_t type)
{
	struct rig *rig = &f->rigs[hash % PAIRS];

	expect_in(f, hash % PAIRS);
	assert_int_equal(rig->rx_words[0] & 0xf, type);
	assert_int_equal(rig->rx_words[1], hash);
}

static void spreads_by_the_hash_that_microsoft_specifies(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < VECTORS; i++) {
		const struct vector *vector = &vectors[i];
		bool is_ipv6 = vector->is_ipv6;

		start_rss(f, 0x03 << 16 | 0x30 << 16);
		put_vector(&f->frame, vector, 6);
		loop(f);
		expect_hash(f, vector->of_ports, is_ipv6 ? 3 : 1);
		put_vector(&f->frame, vector, 17);
		loop(f);
		expect_hash(f, vector->of_addresses, is_ipv6 ? 5 : 2);
		start_rss(f, 0xc0 << 16);
		loop(f);
		expect_hash(f, vector->of_ports, is_ipv6 ? 8 : 7);
		put_vector(&f->frame, vector, 6);
		loop(f);
		expect_in(f, 0); /* without a hash */
		assert_int_equal(f->rigs[0].rx_words[0] & 0xf, 0);
		assert_int_equal(f->rigs[0].rx_words[1], 0);
	}
}

static void says_what_kind_of_packet_it_is(void **state)
{
	static const struct {
		unsigned int vector;
		uint8_t protocol;
		uint32_t kind;
	} cases[] = {{0, 6, 0x11},  {0, 17, 0x21}, {0, 132, 0x41},
		     {0, 1, 0x01},  {3, 6, 0x14},  {3, 17, 0x24},
		     {3, 44, 0x0c}, {3, 58, 0x04}};
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_vector(&f->frame, &vectors[cases[i].vector],
			   cases[i].protocol);
		loop(f);
		expect_in(f, 0);
		assert_int_equal(f->rigs[0].rx_words[0] >> 4 & 0xfff,
				 cases[i].kind);
	}
	rig_frame_fill(&f->frame, 60, 1);
	loop(f);
	expect_in(f, 0);
	assert_int_equal(f->rigs[0].rx_words[0], 0);
}

static void sends_from_every_queue(void **state)
{
	struct fixture *f = *state;
	unsigned int i, j;

	for (i = 0; i < PAIRS; i++) {
		for (j = 0; j < 10; j++) {
			rig_frame_fill(&f->frame, 60 + i, j);
			rig_tx_put(&f->rigs[i], &f->frame, 2, false, true);
		}
		rig_tx_ring_bell(&f->rigs[i]);
	}
	fake_run(f->dev);
	for (i = 0; i < PAIRS; i++)
		assert_int_equal(rig_tx_free(&f->rigs[i]), RING - 1);
	/* In each queue's own order. */
	for (i = 0; i < PAIRS; i++) {
		for (j = 0; j < 10; j++) {
			assert_true(rig_rx_take(&f->rigs[0], &f->got));
			rig_frame_fill(&f->frame, 60 + i, j);
			assert_int_equal(f->got.length, f->frame.length);
			assert_memory_equal(f->got.bytes, f->frame.bytes,
					    f->frame.length);
		}
	}
}

static void waits_for_the_rest_of_another_queues_frame(void **state)
{
	struct fixture *f = *state;
	struct rig *half = &f->rigs[1];
	struct rig *other = &f->rigs[2];

	/* The first part of a frame, 60 of 100 bytes. */
	rig_tx_descriptor(half, half->tx_buffers, 0x22300000 | 60, 100 << 14);
	rig_tx_ring_bell(half);
	fake_run(f->dev);
	rig_frame_fill(&f->frame, 80, 1);
	rig_tx_put(other, &f->frame, 1, false, true);
	rig_tx_ring_bell(other);
	fake_run(f->dev);
	assert_false(rig_rx_take(&f->rigs[0], &f->got));
	rig_tx_descriptor(half, half->tx_buffers, 0x2b300000 | 40, 0);
	rig_tx_ring_bell(half);
	fake_run(f->dev);
	fake_run(f->dev);
	assert_true(rig_rx_take(&f->rigs[0], &f->got));
	assert_int_equal(f->got.length, 100);
	assert_true(rig_rx_take(&f->rigs[0], &f->got));
	assert_memory_equal(f->got.bytes, f->frame.bytes, 80);
}

static void goes_on_when_the_queue_with_half_a_frame_is_disabled(void **state)
{
	struct fixture *f = *state;
	struct rig *half = &f->rigs[2];

	rig_tx_descriptor(half, half->tx_buffers, 0x22300000 | 60, 100 << 14);
	rig_tx_ring_bell(half);
	rig_frame_fill(&f->frame, 80, 1);
	rig_tx_put(&f->rigs[3], &f->frame, 1, false, true);
	rig_tx_ring_bell(&f->rigs[3]);
	fake_run(f->dev);
	rig_set(half, rig_queue_reg(half, 0x3828), 0);
	fake_run(f->dev);
	fake_run(f->dev);
	assert_true(rig_rx_take(&f->rigs[0], &f->got));
	assert_memory_equal(f->got.bytes, f->frame.bytes, 80);
	assert_false(rig_rx_take(&f->rigs[0], &f->got));
}

static void stops_no_queue_but_the_one_that_faults(void **state)
{
	struct fixture *f = *state;

	fake_memory_punch(31u << 20, 4096);
	rig_tx_descriptor(&f->rigs[1], 31u << 20, 0x2b300000 | 60, 60 << 14);
	rig_tx_ring_bell(&f->rigs[1]);
	fake_run(f->dev);
	assert_int_equal(
		rig_get(&f->rigs[1], rig_queue_reg(&f->rigs[1], 0x3810)), 0);
	rig_frame_fill(&f->frame, 80, 1);
	rig_tx_put(&f->rigs[2], &f->frame, 1, false, true);
	rig_tx_ring_bell(&f->rigs[2]);
	fake_run(f->dev);
	assert_true(rig_rx_take(&f->rigs[0], &f->got));
}

/* A vector whose hash, by addresses, leads to the last queue. */
static void put_for_the_last_queue(struct fixture *f)
{
	struct vector vector = vectors[0];

	start_rss(f, 0x02 << 16);
	rig_set(&f->rigs[0], RETA + (0x42 & ~3), 0x0f0f0f0f);
	put_vector(&f->frame, &vector, 6);
}

static void drops_where_the_driver_says_so(void **state)
{
	struct fixture *f = *state;
	struct rig *last = &f->rigs[3];
	uint32_t srrctl = rig_queue_reg(last, 0x280c);
	unsigned int i;

	put_for_the_last_queue(f);
	for (i = 0; i < RING - 1; i++)
		loop(f);
	/* No descriptor is left: it waits, and all behind it. */
	loop(f);
	assert_int_equal(rig_get(last, 0x4010), 0);
	rig_set(last, srrctl, rig_get(last, srrctl) | DROP_EN);
	fake_run(f->dev);
	assert_int_equal(rig_get(last, 0x4010), 1); /* MPC */
	assert_int_equal(rig_get(last, 0x4074), RING - 1);
	for (i = 0; i < RING - 1; i++)
		assert_true(rig_rx_take(last, &f->got));
	assert_false(rig_rx_take(last, &f->got));
	rig_frame_fill(&f->frame, 60, 1);
	loop(f);
	assert_true(rig_rx_take(&f->rigs[0], &f->got));
}

static void loses_what_is_for_a_queue_that_is_off(void **state)
{
	struct fixture *f = *state;
	struct rig *last = &f->rigs[3];

	rig_set(last, rig_queue_reg(last, 0x2828), 0);
	put_for_the_last_queue(f);
	loop(f);
	assert_int_equal(rig_get(last, 0x4010), 1);
	rig_frame_fill(&f->frame, 60, 1);
	loop(f);
	assert_true(rig_rx_take(&f->rigs[0], &f->got));
}

/* Vector 1 + n to receive and 5 + n to send, by pair. */
static void interrupts_by_queue(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	fake_set_irq_mode(f->dev, UVFIO_IRQ_MSIX);
	rig_set(&f->rigs[0], GPIE, 0x10);
	rig_set(&f->rigs[0], EIMS, 0x1fe);
	rig_set(&f->rigs[0], IVAR, 0x8581);
	rig_set(&f->rigs[0], IVAR + 3 * 4, 0x8682);
	rig_set(&f->rigs[0], IVAR + 4 * 4, 0x8783);
	rig_set(&f->rigs[0], IVAR + 7 * 4, 0x88840000);
	put_for_the_last_queue(f);
	loop(f);
	assert_int_equal(f->dev->vectors[4], 1);
	assert_int_equal(f->dev->vectors[5], 1);
	assert_int_equal(rig_get(&f->rigs[0], EICR), 1 << 4 | 1 << 5);
	rig_set(&f->rigs[0], EICR, 0xffffffff);
	for (i = 1; i < PAIRS; i++) {
		rig_frame_fill(&f->frame, 60, 1);
		rig_tx_put(&f->rigs[i], &f->frame, 1, false, true);
		rig_tx_ring_bell(&f->rigs[i]);
		fake_run(f->dev);
		assert_int_equal(f->dev->vectors[5 + i], 1);
		assert_int_equal(f->dev->vectors[1], i);
		rig_set(&f->rigs[0], EICR, 0xffffffff);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spreads_by_the_hash_that_microsoft_specifies),
		TEST(says_what_kind_of_packet_it_is),
		TEST(sends_from_every_queue),
		TEST(waits_for_the_rest_of_another_queues_frame),
		TEST(goes_on_when_the_queue_with_half_a_frame_is_disabled),
		TEST(stops_no_queue_but_the_one_that_faults),
		TEST(drops_where_the_driver_says_so),
		TEST(loses_what_is_for_a_queue_that_is_off),
		TEST(interrupts_by_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
