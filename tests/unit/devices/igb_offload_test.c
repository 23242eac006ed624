/* SPDX-License-Identifier: BSD-3-Clause */
/* What igb computes: segments, and checksums of what it receives. */
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
#define RING     128
#define TCP      6
#define UDP      17

/* of a descriptor's command */
#define CONTEXT 0x20200000u
#define DATA    0x22300000u
#define EOP_RS  0x09000000u
#define VLE     0x40000000u
#define TSE     0x80000000u
/* of its status */
#define IXSM 0x100u
#define TXSM 0x200u

struct fixture {
	struct rig rig;
	struct rig_frame got;
	uint8_t large[20000]; /* what is segmented */
	uint32_t ip_length;   /* of its headers */
	uint32_t l4_length;
	uint32_t length; /* of all */
	uint8_t protocol;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct uvfio_error err;
	struct uvfio_dev *dev;

	if (!f)
		return -1;
	fake_memory_reset();
	dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", NULL, &err);
	if (!dev)
		return -1;
	rig_init(&f->rig, dev, 0);
	rig_rx_start(&f->rig, RING, 2048, false, RCTL);
	rig_tx_start(&f->rig, RING, TCTL_PSP);
	rig_rx_arm(&f->rig, RING - 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_device_destroy(f->rig.dev);
	free(f);
	return 0;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Word by word, as RFC 1071 says it. */
static uint32_t add(uint32_t sum, const uint8_t *at, uint32_t length)
{
	uint32_t i;

	for (i = 0; i < length; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool is_ipv4(const uint8_t *ip)
{
	return *ip >> 4 == 4;
}

/* The pseudo header's sum; @length is 0 for a frame to be segmented. */
static uint32_t pseudo(const uint8_t *ip, uint32_t protocol, uint32_t length)
{
	uint32_t sum = protocol + length;

	return is_ipv4(ip) ? add(sum, ip + 12, 8) : add(sum, ip + 8, 32);
}

/* Headers with options of 4 bytes in TCP's, payload counting up. */
static void large_fill(struct fixture *f, bool ipv4, uint8_t protocol,
		       uint32_t payload)
{
	uint8_t *ip = f->large + 14;
	uint8_t *l4;
	uint32_t i;

	f->ip_length = ipv4 ? 20 : 40;
	f->l4_length = protocol == TCP ? 24 : 8;
	f->length = 14 + f->ip_length + f->l4_length + payload;
	f->protocol = protocol;
	memset(f->large, 0, sizeof(f->large));
	memcpy(f->large, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	put16(f->large + 12, ipv4 ? 0x0800 : 0x86dd);
	if (ipv4) {
		ip[0] = 0x45;
		put16(ip + 4, 0xfffe); /* its number, which wraps */
		ip[8] = 64;
		ip[9] = protocol;
		memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	} else {
		ip[0] = 0x60;
		ip[6] = protocol;
		ip[7] = 64;
		memcpy(ip + 8, "\xfd\0\0\1", 4);
		memcpy(ip + 24, "\xfd\0\0\2", 4);
	}
	l4 = ip + f->ip_length;
	put16(l4, 1000);
	put16(l4 + 2, 2000);
	if (protocol == TCP) {
		memcpy(l4 + 4, "\xff\xff\xff\0", 4); /* wraps as well */
		l4[12] = 6 << 4;
		l4[13] = 0x80 | 0x10 | 0x08 | 0x01; /* CWR ACK PSH FIN */
	}
	put16(l4 + (protocol == TCP ? 16 : 6), pseudo(ip, protocol, 0));
	for (i = 0; i < payload; i++)
		f->large[f->length - payload + i] = (uint8_t)(i * 7 + i / 256);
}

static void large_send(struct fixture *f, uint32_t mss, uint32_t more)
{
	struct rig *rig = &f->rig;
	uint32_t l4t = f->protocol == TCP ? 0x800 : 0;
	uint32_t ipv4 = f->ip_length == 20 ? 0x400 : 0;
	uint32_t half = f->length / 2;

	memcpy(fake_memory + rig->tx_buffers, f->large, f->length);
	rig_tx_descriptor(rig, f->ip_length | 14 << 9 | 0x0123u << 16,
			  CONTEXT | ipv4 | l4t, f->l4_length << 8 | mss << 16);
	rig_tx_descriptor(rig, rig->tx_buffers, DATA | TSE | more | half,
			  (ipv4 ? IXSM : 0) | TXSM);
	rig_tx_descriptor(rig, rig->tx_buffers + half,
			  DATA | TSE | more | EOP_RS | (f->length - half), 0);
	rig_tx_ring_bell(rig);
	fake_run(rig->dev);
}

static void expect_sums(const struct fixture *f, const uint8_t *ip,
			uint32_t length)
{
	const uint8_t *l4 = ip + f->ip_length;

	if (is_ipv4(ip))
		assert_int_equal(add(0, ip, 20), 0xffff);
	assert_int_equal(add(pseudo(ip, f->protocol, length), l4, length),
			 0xffff);
}

/* One segment: the headers are right, and the payload is that at @offset. */
static void expect_segment(struct fixture *f, uint32_t n, uint32_t offset,
			   uint32_t payload, bool is_last)
{
	const uint8_t *ip = f->got.bytes + 14;
	const uint8_t *l4 = ip + f->ip_length;
	uint32_t headers = 14 + f->ip_length + f->l4_length;
	uint32_t inner = f->l4_length + payload;

	assert_true(rig_rx_take(&f->rig, &f->got));
	assert_true(f->got.length >= headers + payload);
	assert_memory_equal(f->got.bytes, f->large, 14);
	if (is_ipv4(ip)) {
		assert_int_equal(get16(ip + 2), f->ip_length + inner);
		assert_int_equal(get16(ip + 4), (0xfffe + n) & 0xffff);
	} else {
		assert_int_equal(get16(ip + 4), inner);
	}
	if (f->protocol == TCP) {
		uint32_t number = get16(l4 + 4) << 16 | get16(l4 + 6);

		assert_int_equal(number, 0xffffff00u + offset);
		assert_int_equal(l4[12], 6 << 4);
		assert_int_equal(l4[13],
				 (n ? 0 : 0x80) | 0x10 | (is_last ? 0x09 : 0));
	} else {
		assert_int_equal(get16(l4 + 4), inner);
	}
	expect_sums(f, ip, inner);
	assert_memory_equal(l4 + f->l4_length, f->large + headers + offset,
			    payload);
}

static void expect_segments(struct fixture *f, uint32_t mss)
{
	uint32_t rest = f->length - 14 - f->ip_length - f->l4_length;
	uint32_t offset = 0;
	uint32_t n;

	for (n = 0; rest; n++) {
		uint32_t payload = rest < mss ? rest : mss;

		expect_segment(f, n, offset, payload, payload == rest);
		offset += payload;
		rest -= payload;
	}
	assert_false(rig_rx_take(&f->rig, &f->got));
	assert_int_equal(rig_get(&f->rig, 0x4080), n); /* GPTC */
	assert_int_equal(rig_get(&f->rig, 0x40f8), 1); /* TSCTC */
}

static void segments_tcp(void **state)
{
	struct fixture *f = *state;

	large_fill(f, true, TCP, 4321);
	large_send(f, 1000, 0);
	expect_segments(f, 1000);
	large_fill(f, false, TCP, 4000);
	large_send(f, 1000, 0);
	expect_segments(f, 1000);
}

static void segments_udp(void **state)
{
	struct fixture *f = *state;

	large_fill(f, true, UDP, 3001);
	large_send(f, 1400, 0);
	expect_segments(f, 1400);
	large_fill(f, false, UDP, 2999);
	large_send(f, 1400, 0);
	expect_segments(f, 1400);
}

static void tags_every_segment(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	large_fill(f, true, TCP, 3000);
	large_send(f, 1000, VLE);
	for (i = 0; i < 3; i++) {
		assert_true(rig_rx_take(&f->rig, &f->got));
		assert_int_equal(get16(f->got.bytes + 12), 0x8100);
		assert_int_equal(get16(f->got.bytes + 14), 0x0123);
		expect_sums(f, f->got.bytes + 18, 1024);
	}
}

static void waits_for_room_between_segments(void **state)
{
	struct fixture *f = *state;
	uint32_t taken = 0;

	/* 16 bytes each: more than the plug and the ring hold. */
	large_fill(f, true, TCP, 16000);
	large_send(f, 16, 0);
	assert_int_equal(rig_get(&f->rig, 0x3810), 2);
	while (rig_rx_take(&f->rig, &f->got)) {
		taken++;
		if (taken % 64 == 0) {
			rig_rx_arm(&f->rig, 64);
			fake_run(f->rig.dev);
			fake_run(f->rig.dev);
		}
	}
	assert_int_equal(taken, 1000);
	assert_int_equal(rig_get(&f->rig, 0x3810), 3);
}

static void drops_large_frames_that_make_no_sense(void **state)
{
	struct fixture *f = *state;

	large_fill(f, true, TCP, 3000);
	large_send(f, 0, 0);
	large_send(f, 9700, 0);
	f->l4_length = 8;
	large_send(f, 1000, 0);
	f->l4_length = 24;
	f->length = 40; /* less than its headers */
	large_send(f, 1000, 0);
	assert_false(rig_rx_take(&f->rig, &f->got));
	assert_int_equal(rig_tx_free(&f->rig), RING - 1);
	large_fill(f, true, TCP, 100);
	large_send(f, 1000, 0);
	expect_segments(f, 1000);
}

static void drops_large_frames_that_are_too_long(void **state)
{
	struct fixture *f = *state;
	struct rig *rig = &f->rig;
	unsigned int i;

	large_fill(f, true, TCP, 3000);
	memcpy(fake_memory + rig->tx_buffers, f->large, f->length);
	rig_tx_descriptor(rig, 20 | 14 << 9, CONTEXT | 0xc00,
			  24 << 8 | 1000 << 16);
	for (i = 0; i < 6; i++)
		rig_tx_descriptor(rig, rig->tx_buffers, DATA | TSE | 0xffff,
				  IXSM | TXSM);
	rig_tx_descriptor(rig, rig->tx_buffers, DATA | TSE | EOP_RS | 1, 0);
	rig_tx_ring_bell(rig);
	fake_run(rig->dev);
	assert_int_equal(rig_tx_free(rig), RING - 1);
	assert_false(rig_rx_take(rig, &f->got));
}

/* A whole small packet in large[], with right checksums. */
static void small_fill(struct fixture *f, bool ipv4, uint8_t protocol)
{
	uint8_t *ip = f->large + 14;
	uint8_t *l4;
	uint32_t inner;
	uint32_t field;

	large_fill(f, ipv4, protocol, 33);
	inner = f->l4_length + 33;
	l4 = ip + f->ip_length;
	field = protocol == TCP ? 16 : 6;
	if (ipv4)
		put16(ip + 2, 20 + inner);
	else
		put16(ip + 4, inner);
	if (ipv4)
		put16(ip + 10, ~add(0, ip, 20));
	if (protocol == UDP)
		put16(l4 + 4, inner);
	put16(l4 + field, 0);
	put16(l4 + field, ~add(pseudo(ip, protocol, inner), l4, inner));
}

/* Return what the receiver says about the packet's checksums. */
static uint32_t verdict(struct fixture *f)
{
	static struct rig_frame frame;

	frame.length = f->length;
	memcpy(frame.bytes, f->large, f->length);
	rig_tx_put(&f->rig, &frame, 1, false, true);
	rig_tx_ring_bell(&f->rig);
	fake_run(f->rig.dev);
	assert_true(rig_rx_take(&f->rig, &f->got));
	return f->rig.rx_words[2] & 0xf0000070;
}

static void verifies_checksums(void **state)
{
	struct fixture *f = *state;

	small_fill(f, true, TCP);
	assert_int_equal(verdict(f), 0x60);
	f->large[f->length - 1] ^= 1;
	assert_int_equal(verdict(f), 0x20000060);
	f->large[14 + 8] ^= 1; /* time to live */
	assert_int_equal(verdict(f), 0x60000060);
	small_fill(f, true, UDP);
	assert_int_equal(verdict(f), 0x70);
	f->large[f->length - 1] ^= 1;
	assert_int_equal(verdict(f), 0x20000070);
	put16(f->large + 14 + 20 + 6, 0); /* none */
	assert_int_equal(verdict(f), 0x40);
	small_fill(f, false, TCP);
	assert_int_equal(verdict(f), 0x20);
	f->large[f->length - 2] ^= 1;
	assert_int_equal(verdict(f), 0x20000020);
	small_fill(f, false, UDP);
	assert_int_equal(verdict(f), 0x30);
}

static void verifies_what_it_is_told_to(void **state)
{
	struct fixture *f = *state;

	small_fill(f, true, TCP);
	rig_set(&f->rig, 0x5000, 0);
	assert_int_equal(verdict(f), 0);
	rig_set(&f->rig, 0x5000, 0x100);
	assert_int_equal(verdict(f), 0x40);
	rig_set(&f->rig, 0x5000, 0x200);
	assert_int_equal(verdict(f), 0x20);
	f->large[14 + 6] = 0x20; /* a fragment */
	rig_set(&f->rig, 0x5000, 0x300);
	assert_int_equal(verdict(f), 0x40000040);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segments_tcp),
		TEST(segments_udp),
		TEST(tags_every_segment),
		TEST(waits_for_room_between_segments),
		TEST(drops_large_frames_that_make_no_sense),
		TEST(drops_large_frames_that_are_too_long),
		TEST(verifies_checksums),
		TEST(verifies_what_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
