/* SPDX-License-Identifier: BSD-3-Clause */
/* igb's receiver, fed from captures. */
#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "igb_rig.h"

#define RCTL_UPE    0x00000008u
#define RCTL_MPE    0x00000010u
#define RCTL_LPE    0x00000020u
#define RCTL_BAM    0x00008000u
#define RCTL_VFE    0x00040000u
#define RCTL_SECRC  0x04000000u
#define RCTL_NORMAL (RCTL_BAM | RCTL_SECRC)
#define CTRL_VME    0x40000000u
#define FRAMES      64

struct fixture {
	char path[RIG_PATH];
	struct fake_option options[3];
	bool is_unfiltered;
	struct rig rig;
	struct rig_frame frames[FRAMES];
	struct rig_frame got;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	fake_memory_reset();
	rig_capture_name(f->path, "rx");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->rig.dev)
		fake_device_destroy(f->rig.dev);
	(void)unlink(f->path);
	free(f);
	return 0;
}

/* A device that receives the first frames of the fixture. */
static void plug(struct fixture *f, uint32_t count)
{
	struct uvfio_error err;
	struct uvfio_dev *dev;

	if (f->rig.dev)
		fake_device_destroy(f->rig.dev);
	rig_capture_write(f->path, f->frames, count, DLT_EN10MB);
	f->options[0].key = "in";
	f->options[0].value = f->path;
	f->options[1].key = "filter";
	f->options[1].value = f->is_unfiltered ? "off" : "on";
	dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", f->options,
				 &err);
	assert_string_equal(err.text, "");
	assert_non_null(dev);
	rig_init(&f->rig, dev, 0);
}

static void expect_frame(struct fixture *f, const struct rig_frame *frame)
{
	assert_true(rig_rx_take(&f->rig, &f->got));
	assert_int_equal(f->got.length, frame->length);
	assert_memory_equal(f->got.bytes, frame->bytes, frame->length);
}

/* One frame to an address; whether it is received. */
static bool is_received(struct fixture *f, const char *address, uint32_t rctl)
{
	rig_frame_fill(&f->frames[0], 60, 1);
	memcpy(f->frames[0].bytes, address, 6);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 2048, false, rctl | RCTL_SECRC);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	return rig_rx_take(&f->rig, &f->got);
}

static void delivers_frames_in_order(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 3; i++)
		rig_frame_fill(&f->frames[i], 60 + i * 100, i);
	plug(f, 3);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 7);
	fake_run(f->rig.dev);
	for (i = 0; i < 3; i++)
		expect_frame(f, &f->frames[i]);
	assert_false(rig_rx_take(&f->rig, &f->got));
	assert_int_equal(rig_get(&f->rig, 0x2810), 3);
}

static void waits_for_descriptors_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 5; i++)
		rig_frame_fill(&f->frames[i], 60, i);
	plug(f, 5);
	fake_run(f->rig.dev);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	fake_run(f->rig.dev);
	for (i = 0; i < 5; i++) {
		assert_false(rig_rx_take(&f->rig, &f->got));
		rig_rx_arm(&f->rig, 1);
		fake_run(f->rig.dev);
		expect_frame(f, &f->frames[i]);
	}
}

static void keeps_frames_while_disabled(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 60, 1);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_set(&f->rig, 0x2828, 0);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	assert_false(rig_rx_take(&f->rig, &f->got));
	rig_set(&f->rig, 0x2828, 0x02000000);
	rig_set(&f->rig, 0x100, RCTL_NORMAL);
	fake_run(f->rig.dev);
	assert_false(rig_rx_take(&f->rig, &f->got));
	rig_set(&f->rig, 0x100, RCTL_NORMAL | 2);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
}

static void writes_legacy_descriptors_back(void **state)
{
	struct fixture *f = *state;
	uint8_t *at;

	rig_frame_fill(&f->frames[0], 100, 1);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 2048, true, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	at = fake_memory + f->rig.rx_ring;
	assert_memory_equal(at + 8, "\x64\0\0\0\x03\0\0\0", 8);
	expect_frame(f, &f->frames[0]);
}

static void spans_descriptors_with_a_long_frame(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	rig_frame_fill(&f->frames[0], 700, 1);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 256, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 2);
	fake_run(f->rig.dev);
	assert_false(rig_rx_take(&f->rig, &f->got));
	for (i = 0; i < 2; i++)
		assert_int_equal(fake_memory[f->rig.rx_ring + i * 16 + 8], 1);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	assert_int_equal(fake_memory[f->rig.rx_ring + 2 * 16 + 8], 3);
	expect_frame(f, &f->frames[0]);
	assert_true(rig_rx_is_clean(&f->rig));
}

static void fills_a_buffer_to_its_last_byte(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 512, 1);
	rig_frame_fill(&f->frames[1], 256, 2);
	plug(f, 2);
	rig_rx_start(&f->rig, 8, 256, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 3);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
	expect_frame(f, &f->frames[1]);
	assert_int_equal(rig_get(&f->rig, 0x2810), 3);
}

static void filters_by_address(void **state)
{
	static const char own[] = "\x02\x00\x00\x00\x00\x18";
	static const char other[] = "\x02\x00\x00\x00\x00\x19";
	static const char all[] = "\xff\xff\xff\xff\xff\xff";
	static const char group[] = "\x01\x00\x5e\x00\x00\x01";
	struct fixture *f = *state;

	assert_true(is_received(f, own, 0));
	assert_false(is_received(f, other, 0));
	assert_true(is_received(f, other, RCTL_UPE));
	assert_false(is_received(f, group, RCTL_UPE));
	assert_true(is_received(f, group, RCTL_MPE));
	assert_false(is_received(f, all, RCTL_UPE));
	assert_true(is_received(f, all, RCTL_BAM));
}

static void takes_a_capture_whatever_its_addresses(void **state)
{
	struct fixture *f = *state;
	bool is_received_unfiltered;

	f->is_unfiltered = true;
	is_received_unfiltered = is_received(f, "\x02\x00\x00\x00\x00\x19", 0);
	f->is_unfiltered = false;
	assert_true(is_received_unfiltered);
}

static void filters_groups_by_their_hash(void **state)
{
	static const char group[] = "\x01\x00\x5e\x00\x34\x12";
	struct fixture *f = *state;
	uint32_t bit = 0x123; /* bits 47 to 36 of the address */

	assert_false(is_received(f, group, 0));
	plug(f, 1);
	rig_set(&f->rig, 0x5200 + bit / 32 * 4, 1u << bit % 32);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_SECRC);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	assert_true(rig_rx_take(&f->rig, &f->got));
}

static void finds_the_last_of_24_addresses(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 60, 1);
	memcpy(f->frames[0].bytes, "\x02\x11\x22\x33\x44\x55", 6);
	plug(f, 1);
	rig_set(&f->rig, 0x5518, 0x33221102);
	rig_set(&f->rig, 0x551c, 0x80005544);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_SECRC);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
}

static void filters_by_vlan(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 60, 1);
	memcpy(f->frames[0].bytes + 12, "\x81\x00\x20\x64\x08\x00", 6);
	rig_frame_fill(&f->frames[1], 60, 2);
	memcpy(f->frames[1].bytes + 12, "\x81\x00\x20\x65\x08\x00", 6);
	rig_frame_fill(&f->frames[2], 60, 3);
	plug(f, 3);
	rig_set(&f->rig, 0x5600 + 0x65 / 32 * 4, 1u << 0x65 % 32);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL | RCTL_VFE);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[1]);
	expect_frame(f, &f->frames[2]);
	assert_false(rig_rx_take(&f->rig, &f->got));
}

static void strips_a_tag_and_reports_it(void **state)
{
	struct fixture *f = *state;
	struct rig_frame bare;
	uint8_t *at;

	rig_frame_fill(&f->frames[0], 64, 1);
	memcpy(f->frames[0].bytes + 12, "\x81\x00\x20\x64\x08\x00", 6);
	bare = f->frames[0];
	memmove(bare.bytes + 12, bare.bytes + 16, 48);
	bare.length = 60;
	plug(f, 1);
	rig_set(&f->rig, 0x00, rig_get(&f->rig, 0x00) | CTRL_VME);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	at = fake_memory + f->rig.rx_ring;
	assert_int_equal(at[8], 0x0b);
	assert_memory_equal(at + 14, "\x64\x20", 2);
	expect_frame(f, &bare);
}

static void appends_the_fcs_unless_it_is_stripped(void **state)
{
	struct fixture *f = *state;

	memset(f->frames[0].bytes, 0, 60);
	memset(f->frames[0].bytes, 0xff, 6);
	f->frames[0].length = 60;
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_BAM);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	assert_true(rig_rx_take(&f->rig, &f->got));
	assert_int_equal(f->got.length, 64);
	/* As zlib's crc32() has it. */
	assert_memory_equal(f->got.bytes + 60, "\x1f\x94\xc0\x42", 4);
}

static void drops_long_frames_unless_told(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 1519, 1); /* 1523 with FCS */
	rig_frame_fill(&f->frames[1], 1518, 2);
	plug(f, 2);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[1]);
	assert_int_equal(rig_get(&f->rig, 0x40ac), 1);

	rig_frame_fill(&f->frames[0], 9724, 1);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL | RCTL_LPE);
	rig_rx_arm(&f->rig, 6);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);

	plug(f, 1);
	rig_set(&f->rig, 0x5004, 9727);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL | RCTL_LPE);
	rig_rx_arm(&f->rig, 6);
	fake_run(f->rig.dev);
	assert_false(rig_rx_take(&f->rig, &f->got));
}

static void counts_and_clears_on_read(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 60, 1);
	rig_frame_fill(&f->frames[1], 61, 2);
	rig_frame_fill(&f->frames[2], 1020, 3);
	f->frames[1].bytes[0] = 0x01; /* multicast */
	f->frames[2].bytes[0] = 0x02; /* of somebody else */
	plug(f, 3);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL | RCTL_MPE);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	assert_int_equal(rig_get(&f->rig, 0x40d0), 3);    /* TPR */
	assert_int_equal(rig_get(&f->rig, 0x4074), 2);    /* GPRC */
	assert_int_equal(rig_get(&f->rig, 0x4078), 1);    /* BPRC */
	assert_int_equal(rig_get(&f->rig, 0x407c), 1);    /* MPRC */
	assert_int_equal(rig_get(&f->rig, 0x405c), 1);    /* PRC64 */
	assert_int_equal(rig_get(&f->rig, 0x4060), 1);    /* PRC127 */
	assert_int_equal(rig_get(&f->rig, 0x4070), 0);    /* PRC1522 */
	assert_int_equal(rig_get(&f->rig, 0x4088), 129);  /* GORCL */
	assert_int_equal(rig_get(&f->rig, 0x40c0), 1153); /* TORL */
	assert_int_equal(rig_get(&f->rig, 0x4088), 129);
	assert_int_equal(rig_get(&f->rig, 0x408c), 0); /* clears both */
	assert_int_equal(rig_get(&f->rig, 0x4088), 0);
	assert_int_equal(rig_get(&f->rig, 0x4074), 0);
	assert_int_equal(rig_get(&f->rig, 0x4010), 0); /* MPC */
}

static void interrupts_once_for_a_batch(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 10; i++)
		rig_frame_fill(&f->frames[i], 60, i);
	plug(f, 10);
	fake_set_irq_mode(f->rig.dev, UVFIO_IRQ_MSIX);
	rig_set(&f->rig, 0x1514, 0x10);
	rig_set(&f->rig, 0x1700, 0x82);
	rig_set(&f->rig, 0x152c, 0x4);
	rig_set(&f->rig, 0x1524, 0x4);
	rig_rx_start(&f->rig, 16, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 15);
	fake_run(f->rig.dev);
	assert_int_equal(f->rig.dev->vectors[2], 1);
	/* One read of descriptors, the frames, two write-backs. */
	assert_int_equal(f->rig.dev->dma_reads, 1);
	assert_int_equal(f->rig.dev->dma_writes, 12);
}

static void stops_when_a_buffer_is_gone_until_reset(void **state)
{
	struct fixture *f = *state;
	uint64_t nowhere = FAKE_MEMORY_SIZE;
	uint64_t buffer;
	uint32_t i;

	for (i = 0; i < 3; i++)
		rig_frame_fill(&f->frames[i], 60, i);
	plug(f, 3);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 4);
	memcpy(&buffer, fake_memory + f->rig.rx_ring + 16, 8);
	memcpy(fake_memory + f->rig.rx_ring + 16, &nowhere, 8);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
	assert_false(rig_rx_take(&f->rig, &f->got));
	assert_int_equal(fake_memory[f->rig.rx_ring + 16 + 8], 0);
	assert_int_equal(rig_get(&f->rig, 0x2810), 1);

	/* Too late to put it right. */
	memcpy(fake_memory + f->rig.rx_ring + 16, &buffer, 8);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	assert_int_equal(fake_memory[f->rig.rx_ring + 16 + 8], 0);
	f->rig.dev->model->ops->reset(f->rig.dev, UVFIO_RESET_IOCTL);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[1]);
	expect_frame(f, &f->frames[2]);
}

/* Half of a frame is no reason to give the other half to a new ring. */
static void delivers_from_the_start_after_the_queue_was_off(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 1400, 1);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 1024, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 1);
	fake_run(f->rig.dev);
	assert_int_equal(rig_get(&f->rig, 0x2810), 1);
	rig_set(&f->rig, 0x2828, 0);
	fake_run(f->rig.dev);
	rig_rx_start(&f->rig, 8, 1024, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 4);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
}

/* A poll holds the device's lock: it must not read all of a capture. */
static void drops_a_bounded_number_at_once(void **state)
{
	static const char other[6] = "\x02\0\0\0\0\x77";
	struct fixture *f = *state;
	struct rig_frame *many = calloc(200, sizeof(*many));
	struct uvfio_error err;
	uint32_t i, seen;

	assert_non_null(many);
	for (i = 0; i < 200; i++) {
		rig_frame_fill(&many[i], 60, i);
		if (i < 199)
			memcpy(many[i].bytes, other, sizeof(other));
	}
	f->frames[0] = many[199];
	plug(f, 1);
	fake_device_destroy(f->rig.dev);
	rig_capture_write(f->path, many, 200, DLT_EN10MB);
	free(many);
	f->rig.dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0",
					f->options, &err);
	assert_non_null(f->rig.dev);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 4);
	assert_true(f->rig.dev->model->ops->poll(f->rig.dev));
	seen = rig_get(&f->rig, 0x40d0);
	assert_in_range(seen, 1, 100);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
}

static void waits_while_bus_mastering_is_off(void **state)
{
	struct fixture *f = *state;

	rig_frame_fill(&f->frames[0], 60, 1);
	plug(f, 1);
	rig_rx_start(&f->rig, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->rig, 4);
	fake_set_bus_master(f->rig.dev, false);
	fake_run(f->rig.dev);
	assert_false(rig_rx_take(&f->rig, &f->got));
	fake_set_bus_master(f->rig.dev, true);
	fake_run(f->rig.dev);
	expect_frame(f, &f->frames[0]);
}

static void survives_ring_registers_of_any_value(void **state)
{
	static const uint32_t offsets[] = {
		0x2800, 0x2804, 0x2808, 0x280c, 0x2810, 0x2818, 0x2828, 0x3800,
		0x3804, 0x3808, 0x3810, 0x3818, 0x3828, 0x3838, 0x383c};
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < FRAMES; i++)
		rig_frame_fill(&f->frames[i], 60 + i, i);
	plug(f, FRAMES);
	for (i = 0; i < 20000; i++) {
		uint32_t which = fake_random(sizeof(offsets) / 4);
		uint32_t shift = fake_random(32);
		uint32_t value = fake_random(UINT32_MAX) >> shift;

		rig_set(&f->rig, offsets[which], value);
		rig_set(&f->rig, 0x100, RCTL_NORMAL | 2);
		rig_set(&f->rig, 0x400, 2);
		(void)f->rig.dev->model->ops->poll(f->rig.dev);
		if (i % 1000 == 999)
			plug(f, FRAMES);
	}
}

/* The naive model is the list of frames. */
static void delivers_like_a_list(void **state)
{
	static const uint32_t buffers[] = {256, 512, 1024, 2048, 3072, 10240};
	struct fixture *f = *state;
	uint32_t round;
	uint32_t i;

	for (round = 0; round < 300; round++) {
		uint32_t count = 8 * (1 + fake_random(16));
		uint32_t buffer = buffers[fake_random(6)];
		uint32_t limit = fake_random(4) ? 300 : RIG_FRAME_MAX;
		uint32_t done = 0;
		uint32_t idle = 0;

		for (i = 0; i < FRAMES; i++)
			rig_frame_fill(&f->frames[i],
				       60 + fake_random(limit - 59), round + i);
		plug(f, FRAMES);
		rig_rx_start(&f->rig, count, buffer, fake_random(2),
			     RCTL_NORMAL | RCTL_LPE);
		while (done < FRAMES) {
			uint32_t room =
				(f->rig.rx_next + count - f->rig.rx_tail - 1) %
				count;

			rig_rx_arm(&f->rig, fake_random(room + 1));
			if (fake_random(2))
				fake_run(f->rig.dev);
			while (fake_random(4) &&
			       rig_rx_take(&f->rig, &f->got)) {
				struct rig_frame *want = &f->frames[done++];

				assert_int_equal(f->got.length, want->length);
				assert_memory_equal(f->got.bytes, want->bytes,
						    want->length);
				idle = 0;
			}
			/* A frame longer than the whole ring never ends. */
			if (++idle > 400) {
				assert_true(f->frames[done].length >
					    (count - 1) * buffer);
				break;
			}
		}
		assert_true(rig_rx_is_clean(&f->rig));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(delivers_frames_in_order),
		TEST(waits_for_descriptors_and_loses_nothing),
		TEST(keeps_frames_while_disabled),
		TEST(writes_legacy_descriptors_back),
		TEST(spans_descriptors_with_a_long_frame),
		TEST(fills_a_buffer_to_its_last_byte),
		TEST(filters_by_address),
		TEST(takes_a_capture_whatever_its_addresses),
		TEST(filters_groups_by_their_hash),
		TEST(finds_the_last_of_24_addresses),
		TEST(filters_by_vlan),
		TEST(strips_a_tag_and_reports_it),
		TEST(appends_the_fcs_unless_it_is_stripped),
		TEST(drops_long_frames_unless_told),
		TEST(counts_and_clears_on_read),
		TEST(interrupts_once_for_a_batch),
		TEST(stops_when_a_buffer_is_gone_until_reset),
		TEST(delivers_from_the_start_after_the_queue_was_off),
		TEST(drops_a_bounded_number_at_once),
		TEST(waits_while_bus_mastering_is_off),
		TEST(survives_ring_registers_of_any_value),
		TEST(delivers_like_a_list),
	};

	return cmocka_run_group_tests_name("igb_rx", tests, NULL, NULL);
}
