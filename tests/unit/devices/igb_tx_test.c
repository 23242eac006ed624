/* SPDX-License-Identifier: BSD-3-Clause */
/* igb's transmitter, into captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "igb_rig.h"

#define TCTL_PSP    0x00000008u
#define TXD_EOP     0x01000000u
#define TXD_IFCS    0x02000000u
#define TXD_IC      0x04000000u
#define TXD_RS      0x08000000u
#define TXD_VLE     0x40000000u
#define TXD_DATA    0x20300000u
#define TXD_CONTEXT 0x20200000u
#define FRAMES      256

struct fixture {
	char path[RIG_PATH];
	struct fake_option options[2];
	struct rig rig;
	struct rig_frame sent[FRAMES];
	struct rig_frame got[FRAMES];
};

static void plug(struct fixture *f)
{
	struct uvfio_error err;
	struct uvfio_dev *dev;

	if (f->rig.dev)
		fake_device_destroy(f->rig.dev);
	dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", f->options,
				 &err);
	assert_string_equal(err.text, "");
	assert_non_null(dev);
	rig_init(&f->rig, dev, 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	fake_memory_reset();
	rig_capture_name(f->path, "tx");
	f->options[0].key = "out";
	f->options[0].value = f->path;
	plug(f);
	rig_tx_start(&f->rig, 16, TCTL_PSP);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_device_destroy(f->rig.dev);
	(void)unlink(f->path);
	free(f);
	return 0;
}

static bool has_report(const struct rig *rig, uint32_t i)
{
	return fake_memory[rig->tx_ring + (size_t)i * 16 + 12] & 1;
}

static void expect_capture(struct fixture *f, uint32_t count)
{
	uint32_t i;

	assert_int_equal(rig_capture_read(f->path, f->got, FRAMES), count);
	for (i = 0; i < count; i++) {
		assert_int_equal(f->got[i].length, f->sent[i].length);
		assert_memory_equal(f->got[i].bytes, f->sent[i].bytes,
				    f->sent[i].length);
	}
}

static void run(struct fixture *f)
{
	rig_tx_ring_bell(&f->rig);
	fake_run(f->rig.dev);
}

static void sends_frames_of_both_descriptor_formats(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->sent[0], 60, 1);
	rig_frame_fill(&f->sent[1], 1514, 2);
	rig_tx_put(&f->rig, &f->sent[0], 1, true, true);
	rig_tx_put(&f->rig, &f->sent[1], 1, false, true);
	run(f);
	expect_capture(f, 2);
	assert_int_equal(rig_get(&f->rig, 0x3810), 2);
	assert_true(has_report(&f->rig, 0));
	assert_true(has_report(&f->rig, 1));
}

static void reports_only_where_it_is_asked_to(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 4; i++) {
		rig_frame_fill(&f->sent[i], 60, i);
		rig_tx_put(&f->rig, &f->sent[i], 2, false, i == 2);
	}
	run(f);
	expect_capture(f, 4);
	for (i = 0; i < 8; i++)
		assert_int_equal(has_report(&f->rig, i), i == 5);
	assert_int_equal(f->rig.dev->dma_writes, 1);
}

static void reports_the_head_instead_when_asked_to(void **state)
{
	struct fixture *f = *state;
	uint32_t head;

	rig_set(&f->rig, 0x3838, 0x8000 | 1);
	rig_frame_fill(&f->sent[0], 60, 1);
	rig_tx_put(&f->rig, &f->sent[0], 3, false, true);
	run(f);
	memcpy(&head, fake_memory + 0x8000, sizeof(head));
	assert_int_equal(head, 3);
	assert_false(has_report(&f->rig, 2));
}

static void pads_short_frames(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->sent[0], 42, 1);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
	run(f);
	memset(f->sent[0].bytes + 42, 0, 18);
	f->sent[0].length = 60;
	expect_capture(f, 1);

	rig_set(&f->rig, 0x400, 0x2);
	f->sent[0].length = 42;
	f->sent[1] = f->sent[0];
	f->sent[0].length = 60;
	rig_tx_put(&f->rig, &f->sent[1], 1, false, true);
	run(f);
	expect_capture(f, 2);
}

static void waits_for_the_rest_of_a_frame(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->sent[0], 200, 1);
	memcpy(fake_memory + 0x9000, f->sent[0].bytes, 200);
	rig_tx_descriptor(&f->rig, 0x9000, TXD_DATA | TXD_IFCS | 150, 0);
	run(f);
	expect_capture(f, 0);
	assert_int_equal(rig_get(&f->rig, 0x3810), 1);
	rig_tx_descriptor(&f->rig, 0x9000 + 150,
			  TXD_DATA | TXD_IFCS | TXD_EOP | TXD_RS | 50, 0);
	run(f);
	expect_capture(f, 1);
}

static void takes_an_fcs_that_software_made(void **state)
{
	struct fixture *f = *state;
	uint32_t command = TXD_DATA | TXD_EOP | TXD_RS | 64;

	f->sent[0].length = 60;
	memset(f->sent[0].bytes, 0xff, 6);
	memcpy(fake_memory + 0x9000, f->sent[0].bytes, 60);
	memcpy(fake_memory + 0x9000 + 60, "\x1f\x94\xc0\x42", 4);
	rig_tx_descriptor(&f->rig, 0x9000, command, 0);
	run(f);
	expect_capture(f, 1);
	fake_memory[0x9000 + 63] ^= 1; /* wrong: the frame is lost */
	rig_tx_descriptor(&f->rig, 0x9000, command, 0);
	run(f);
	expect_capture(f, 1);
	assert_true(has_report(&f->rig, 1));
}

static void inserts_the_tag_of_the_context(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = f->sent[0].bytes;

	rig_frame_fill(&f->sent[0], 60, 1);
	memcpy(fake_memory + 0x9000, bytes, 60);
	rig_tx_descriptor(&f->rig, 0x2064u << 16 | 14 << 9 | 20, TXD_CONTEXT,
			  0x10);
	rig_tx_descriptor(&f->rig, 0x9000,
			  TXD_DATA | TXD_IFCS | TXD_VLE | TXD_EOP | 60,
			  60 << 14 | 0x10);
	run(f);
	memmove(bytes + 16, bytes + 12, 48);
	memcpy(bytes + 12, "\x81\x00\x20\x64", 4);
	f->sent[0].length = 64;
	expect_capture(f, 1);
}

static void inserts_ip_and_udp_checksums(void **state)
{
	/* A datagram of 4 bytes from 10.0.0.1 to 10.0.0.2. */
	static const uint8_t packet[] = {
		0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0xff, 0xff, 10, 0, 0, 1, 10,
		0, 0, 2,
		/* UDP; the field has the sum of the pseudo header */
		0x10, 0, 0x20, 0, 0, 12, 0x14, 0x20, 'a', 'b', 'c', 'd'};
	struct fixture *f = *state;
	uint8_t *bytes = f->sent[0].bytes;

	rig_frame_fill(&f->sent[0], 46, 1);
	memcpy(bytes + 12, "\x08\x00", 2);
	memcpy(bytes + 14, packet, sizeof(packet));
	memcpy(fake_memory + 0x9000, bytes, 46);
	rig_tx_descriptor(&f->rig, 14 << 9 | 20, TXD_CONTEXT, 0);
	rig_tx_descriptor(&f->rig, 0x9000, TXD_DATA | TXD_IFCS | TXD_EOP | 46,
			  46 << 14 | 0x300);
	run(f);
	memcpy(bytes + 24, "\x66\xca", 2);
	memcpy(bytes + 40, "\xf7\x0c", 2);
	memset(bytes + 46, 0, 14);
	f->sent[0].length = 60;
	expect_capture(f, 1);
}

static void drops_frames_that_are_too_long(void **state)
{
	struct fixture *f = *state;

	rig_tx_descriptor(&f->rig, 0x9000, TXD_DATA | TXD_IFCS | 9000, 0);
	rig_tx_descriptor(&f->rig, 0x9000,
			  TXD_DATA | TXD_IFCS | TXD_EOP | TXD_RS | 725, 0);
	rig_frame_fill(&f->sent[0], 9724, 1);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
	run(f);
	expect_capture(f, 1);
	assert_true(has_report(&f->rig, 1));
}

static void stops_at_a_buffer_that_is_gone_until_reset(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->sent[0], 60, 1);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
	rig_tx_descriptor(&f->rig, FAKE_MEMORY_SIZE,
			  TXD_DATA | TXD_IFCS | TXD_EOP | TXD_RS | 60, 0);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
	run(f);
	expect_capture(f, 1);
	assert_true(has_report(&f->rig, 0));
	assert_false(has_report(&f->rig, 1));
	assert_int_equal(rig_get(&f->rig, 0x3810), 1);
	/* Too late to put it right. */
	memcpy(fake_memory + f->rig.tx_ring + 16, &f->rig.tx_buffers, 8);
	fake_run(f->rig.dev);
	expect_capture(f, 1);

	rig_set(&f->rig, 0x00, 0x04000000);
	rig_tx_start(&f->rig, 16, TCTL_PSP);
	f->sent[1] = f->sent[0];
	rig_tx_put(&f->rig, &f->sent[1], 1, false, true);
	run(f);
	expect_capture(f, 2);
}

static void is_still_while_disabled(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->sent[0], 60, 1);
	rig_set(&f->rig, 0x3828, 0);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
	run(f);
	expect_capture(f, 0);
	rig_set(&f->rig, 0x3828, 0x02000000);
	rig_set(&f->rig, 0x400, 0);
	run(f);
	expect_capture(f, 0);
	rig_set(&f->rig, 0x400, 2);
	fake_set_bus_master(f->rig.dev, false);
	run(f);
	expect_capture(f, 0);
	fake_set_bus_master(f->rig.dev, true);
	run(f);
	expect_capture(f, 1);
}

static void interrupts_after_a_report(void **state)
{
	struct fixture *f = *state;

	rig_set(&f->rig, 0xd0, 0x1);
	rig_frame_fill(&f->sent[0], 60, 1);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, false);
	run(f);
	assert_false(f->rig.dev->intx);
	rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
	run(f);
	assert_true(f->rig.dev->intx);
	assert_int_equal(rig_get(&f->rig, 0xc0), 0x80000001);
}

static void counts_and_clears_on_read(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->sent[0], 60, 1);
	rig_frame_fill(&f->sent[1], 1514, 2);
	f->sent[1].bytes[0] = 2;
	rig_tx_put(&f->rig, &f->sent[0], 1, false, false);
	rig_tx_put(&f->rig, &f->sent[1], 1, false, false);
	run(f);
	assert_int_equal(rig_get(&f->rig, 0x4080), 2);    /* GPTC */
	assert_int_equal(rig_get(&f->rig, 0x40d4), 2);    /* TPT */
	assert_int_equal(rig_get(&f->rig, 0x40d8), 1);    /* PTC64 */
	assert_int_equal(rig_get(&f->rig, 0x40ec), 1);    /* PTC1522 */
	assert_int_equal(rig_get(&f->rig, 0x40f4), 1);    /* BPTC */
	assert_int_equal(rig_get(&f->rig, 0x4090), 1582); /* GOTCL */
	assert_int_equal(rig_get(&f->rig, 0x4094), 0);
	assert_int_equal(rig_get(&f->rig, 0x4090), 0);
	assert_int_equal(rig_get(&f->rig, 0x4080), 0);
}

static void loops_frames_back_in_mac_and_phy(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	rig_frame_fill(&f->sent[0], 60, 1);
	for (i = 0; i < 2; i++) {
		rig_rx_start(&f->rig, 8, 2048, false,
			     0x04008000 | (i ? 0 : 0x40));
		if (i)
			rig_set(&f->rig, 0x20, 0x04000000 | 1 << 21 | 0x4140);
		rig_rx_arm(&f->rig, 1);
		rig_tx_put(&f->rig, &f->sent[0], 1, false, true);
		run(f);
		assert_true(rig_rx_take(&f->rig, &f->got[0]));
		assert_int_equal(f->got[0].length, 60);
		assert_memory_equal(f->got[0].bytes, f->sent[0].bytes, 60);
	}
	expect_capture(f, 0);
}

static void put_random_frame(struct fixture *f, uint32_t i, bool *ret_reports)
{
	uint32_t length = 14 + fake_random(fake_random(8) ? 400 : 9711);
	uint32_t pieces = 1 + fake_random(5);
	bool report = fake_random(3) == 0;

	rig_frame_fill(&f->sent[i], length, i);
	if (fake_random(8) == 0 && rig_tx_free(&f->rig) > pieces) {
		ret_reports[f->rig.tx_tail] = false;
		rig_tx_descriptor(&f->rig, fake_random(UINT32_MAX), TXD_CONTEXT,
				  0);
	}
	while (rig_tx_free(&f->rig) < pieces)
		pieces--;
	memset(ret_reports, 0, sizeof(bool) * f->rig.tx_count);
	rig_tx_put(&f->rig, &f->sent[i], pieces, fake_random(2), report);
	ret_reports[(f->rig.tx_tail + f->rig.tx_count - 1) % f->rig.tx_count] =
		report;
	if (length < 60) {
		memset(f->sent[i].bytes + length, 0, 60 - length);
		f->sent[i].length = 60;
	}
}

/* The naive model is the list of frames. */
static void sends_like_a_list(void **state)
{
	struct fixture *f = *state;
	bool reports[512];
	uint32_t round;
	uint32_t i;
	uint32_t k;

	for (round = 0; round < 100; round++) {
		plug(f);
		rig_tx_start(&f->rig, 8 * (1 + fake_random(32)), TCTL_PSP);
		for (i = 0; i < FRAMES; i++) {
			while (rig_tx_free(&f->rig) < 1)
				run(f);
			put_random_frame(f, i, reports);
			if (fake_random(2) == 0)
				continue;
			run(f);
			assert_int_equal(rig_get(&f->rig, 0x3810),
					 f->rig.tx_tail);
			for (k = 0; k < f->rig.tx_count; k++) {
				if (reports[k])
					assert_true(has_report(&f->rig, k));
			}
		}
		run(f);
		expect_capture(f, FRAMES);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sends_frames_of_both_descriptor_formats),
		TEST(reports_only_where_it_is_asked_to),
		TEST(reports_the_head_instead_when_asked_to),
		TEST(pads_short_frames),
		TEST(waits_for_the_rest_of_a_frame),
		TEST(takes_an_fcs_that_software_made),
		TEST(inserts_the_tag_of_the_context),
		TEST(inserts_ip_and_udp_checksums),
		TEST(drops_frames_that_are_too_long),
		TEST(stops_at_a_buffer_that_is_gone_until_reset),
		TEST(is_still_while_disabled),
		TEST(interrupts_after_a_report),
		TEST(counts_and_clears_on_read),
		TEST(loops_frames_back_in_mac_and_phy),
		TEST(sends_like_a_list),
	};

	return cmocka_run_group_tests_name("igb_tx", tests, NULL, NULL);
}
