/* SPDX-License-Identifier: BSD-3-Clause */
/* igb with a network of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "igb_rig.h"

#define RCTL_NORMAL   0x04008020u /* long frames, broadcast, no FCS */
#define RING          64
#define TIMER_BACKEND 0

struct fixture {
	struct rig rig;
	struct rig_frame frame;
};

static int setup(void **state)
{
	static const struct fake_option options[] = {
		{"user", "on"},
		{"mac", "02:00:00:00:00:18"},
		{NULL, NULL},
	};
	struct fixture *f = calloc(1, sizeof(*f));
	struct uvfio_error err;
	struct uvfio_dev *dev;

	if (!f)
		return -1;
	*state = f;
	fake_memory_reset();
	dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", options,
				 &err);
	if (!dev)
		return -1;
	rig_init(&f->rig, dev, 0);
	rig_rx_start(&f->rig, RING, 2048, false, RCTL_NORMAL);
	rig_tx_start(&f->rig, RING, 0x8);
	rig_rx_arm(&f->rig, RING - 1);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_device_destroy(f->rig.dev);
	free(f);
	return 0;
}

static void exchange(struct fixture *f)
{
	rig_tx_put(&f->rig, &f->frame, 1, false, true);
	rig_tx_ring_bell(&f->rig);
	fake_run(f->rig.dev);
	fake_fire(f->rig.dev, TIMER_BACKEND);
	fake_run(f->rig.dev);
}

static void put_headers(struct rig_frame *frame, const char *to, uint32_t type,
			uint32_t length)
{
	memset(frame, 0, sizeof(*frame));
	memcpy(frame->bytes, to, 6);
	memcpy(frame->bytes + 6, "\x02\0\0\0\0\x18", 6);
	frame->bytes[12] = (uint8_t)(type >> 8);
	frame->bytes[13] = (uint8_t)type;
	frame->length = length;
}

/* Who has 10.0.2.2? tell 10.0.2.15 */
static void finds_the_router(void **state)
{
	static const uint8_t arp[28] = {0, 1, 8, 0,    6,  4, 0, 1,  2, 0,
					0, 0, 0, 0x18, 10, 0, 2, 15, 0, 0,
					0, 0, 0, 0,    10, 0, 2, 2};
	struct fixture *f = *state;
	const uint8_t *bytes = f->frame.bytes;

	put_headers(&f->frame, "\xff\xff\xff\xff\xff\xff", 0x0806, 60);
	memcpy(f->frame.bytes + 14, arp, sizeof(arp));
	exchange(f);
	assert_true(rig_rx_take(&f->rig, &f->frame));
	assert_true(f->frame.length >= 60);
	assert_memory_equal(bytes, "\x02\0\0\0\0\x18", 6);
	assert_memory_equal(bytes + 12, "\x08\x06", 2);
	assert_memory_equal(bytes + 20, "\0\x02", 2);
	assert_memory_equal(bytes + 28, "\x0a\0\x02\x02", 4);
	assert_false(rig_rx_take(&f->rig, &f->frame));
}

static uint16_t sum_of(const uint8_t *bytes, uint32_t length)
{
	uint32_t sum = 0;
	uint32_t i;

	for (i = 0; i < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* A discover of the shortest kind, without a UDP checksum. */
static void put_discover(struct rig_frame *frame)
{
	static const uint8_t ip[28] = {
		0x45, 0, 1,    16,   0,    0,    0, 0,  64, 17, 0, 0,   0, 0,
		0,    0, 0xff, 0xff, 0xff, 0xff, 0, 68, 0,  67, 0, 252, 0, 0};
	uint8_t *bytes = frame->bytes + 14;
	uint16_t sum;

	put_headers(frame, "\xff\xff\xff\xff\xff\xff", 0x0800, 14 + 272);
	memcpy(bytes, ip, sizeof(ip));
	sum = sum_of(bytes, 20);
	bytes[10] = (uint8_t)(sum >> 8);
	bytes[11] = (uint8_t)sum;
	memcpy(bytes + 28, "\1\1\6\0zyxw", 8);
	memcpy(bytes + 28 + 28, "\2\0\0\0\0\x18", 6);
	memcpy(bytes + 28 + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8);
}

static void offers_an_address(void **state)
{
	struct fixture *f = *state;
	const uint8_t *ip = f->frame.bytes + 14;

	put_discover(&f->frame);
	exchange(f);
	assert_true(rig_rx_take(&f->rig, &f->frame));
	assert_int_equal(ip[9], 17);
	assert_int_equal(ip[23], 68);
	assert_memory_equal(ip + 28 + 4, "zyxw", 4);
	assert_memory_equal(ip + 28 + 16, "\x0a\0\x02\x0f", 4);
	assert_memory_equal(ip + 28 + 240, "\x35\x01\x02", 3);
}

static void is_silent_while_the_receiver_is_off(void **state)
{
	struct fixture *f = *state;

	rig_set(&f->rig, 0x0100, 0);
	assert_true(f->rig.dev->timers[TIMER_BACKEND] == 0);
	put_discover(&f->frame);
	rig_tx_put(&f->rig, &f->frame, 1, false, true);
	rig_tx_ring_bell(&f->rig);
	fake_run(f->rig.dev);
	rig_rx_start(&f->rig, RING, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, RING - 1);
	fake_fire(f->rig.dev, TIMER_BACKEND);
	fake_run(f->rig.dev);
	assert_false(rig_rx_take(&f->rig, &f->frame));
	put_discover(&f->frame);
	exchange(f);
	assert_true(rig_rx_take(&f->rig, &f->frame));
}

static void expect_refusal(const char *key, const char *value, const char *on)
{
	const struct fake_option options[] = {
		{"user", on}, {key, value}, {NULL, NULL}};
	struct uvfio_error err;

	assert_null(fake_device_create(&uvfio_model_igb, "0000:00:04.0",
				       options, &err));
	assert_non_null(strstr(err.text, "user="));
	assert_null(strchr(err.text, '\n'));
}

static void has_one_plug(void **state)
{
	(void)state;
	expect_refusal("link", "wire", "on");
	expect_refusal("in", "in.pcap", "on");
	expect_refusal("out", "out.pcap", "on");
	expect_refusal(NULL, NULL, "yes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_the_router),
		TEST(offers_an_address),
		TEST(is_silent_while_the_receiver_is_off),
		TEST(has_one_plug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
