/* SPDX-License-Identifier: BSD-3-Clause */
/* What igb is plugged into: captures and cables. */
#include <pcap/pcap.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../src/devices/igb/wire.h"
#include "igb_rig.h"

#define TCTL_PSP    0x00000008u
#define RCTL_NORMAL 0x04008020u /* long frames, broadcast, no FCS */
#define FRAMES      64

struct fixture {
	char in[RIG_PATH];
	char out[RIG_PATH];
	struct rig a;
	struct rig b;
	struct rig_frame frames[FRAMES];
	struct rig_frame got[FRAMES];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	fake_memory_reset();
	rig_capture_name(f->in, "in");
	rig_capture_name(f->out, "out");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->a.dev)
		fake_device_destroy(f->a.dev);
	if (f->b.dev)
		fake_device_destroy(f->b.dev);
	(void)unlink(f->in);
	(void)unlink(f->out);
	free(f);
	return 0;
}

static struct uvfio_dev *create(const struct fake_option *options)
{
	struct uvfio_error err;
	struct uvfio_dev *dev;

	dev = fake_device_create(&uvfio_model_igb, "0000:00:03.0", options,
				 &err);
	assert_string_equal(err.text, "");
	assert_non_null(dev);
	return dev;
}

/* One line that has all of the words. */
static void expect_refusal(const struct fake_option *options, const char *word,
			   const char *other)
{
	struct uvfio_error err;

	assert_null(fake_device_create(&uvfio_model_igb, "0000:00:03.0",
				       options, &err));
	assert_non_null(strstr(err.text, word));
	assert_non_null(strstr(err.text, other));
	assert_null(strchr(err.text, '\n'));
}

static void refuse_input(struct fixture *f, const char *word)
{
	const struct fake_option options[] = {{"in", f->in}, {NULL, NULL}};

	expect_refusal(options, f->in, word);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void refuses_inputs_that_are_no_captures(void **state)
{
	struct fixture *f = *state;
	const struct fake_option directory[] = {{"in", "/tmp"}, {NULL, NULL}};

	refuse_input(f, "No such file");
	expect_refusal(directory, "/tmp", "regular file");
	write_file(f->in, "", 0);
	refuse_input(f, "no capture");
	write_file(f->in, "this is text, not a capture", 27);
	refuse_input(f, "no capture");
	rig_frame_fill(&f->frames[0], 60, 1);
	rig_capture_write(f->in, f->frames, 1, DLT_RAW);
	refuse_input(f, "Ethernet");
}

static void refuses_inputs_that_cannot_be_delivered(void **state)
{
	struct fixture *f = *state;
	static struct {
		struct rig_frame frame;
		uint8_t more[8];
	} long_frame;
	struct stat st;

	rig_frame_fill(&f->frames[0], 100, 1);
	rig_frame_fill(&f->frames[1], 100, 2);
	rig_capture_write(f->in, f->frames, 2, DLT_EN10MB);
	assert_int_equal(stat(f->in, &st), 0);
	assert_int_equal(truncate(f->in, st.st_size - 1), 0);
	refuse_input(f, "damaged after frame 1");

	long_frame.frame.length = 9725;
	rig_capture_write(f->in, &long_frame.frame, 1, DLT_EN10MB);
	refuse_input(f, "frame 1 is too long");
	rig_frame_fill(&f->frames[0], 13, 1);
	rig_capture_write(f->in, f->frames, 1, DLT_EN10MB);
	refuse_input(f, "frame 1 is no Ethernet");
}

static void refuses_frames_that_were_cut(void **state)
{
	struct fixture *f = *state;
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 64);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, f->in);
	const struct pcap_pkthdr header = {.caplen = 64, .len = 1500};

	assert_non_null(dumper);
	pcap_dump((u_char *)dumper, &header, f->frames[0].bytes);
	pcap_dump_close(dumper);
	pcap_close(pcap);
	refuse_input(f, "frame 1 was cut");
}

static void refuses_outputs_that_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	const struct fake_option nowhere[] = {{"out", "/nonexistent/x.pcap"},
					      {NULL, NULL}};
	const struct fake_option same[] = {
		{"in", f->in}, {"out", f->in}, {NULL, NULL}};
	const struct fake_option full[] = {{"out", "/dev/full"}, {NULL, NULL}};

	expect_refusal(nowhere, "/nonexistent/x.pcap", "No such file");
	expect_refusal(full, "/dev/full", "write error");
	rig_frame_fill(&f->frames[0], 60, 1);
	rig_capture_write(f->in, f->frames, 1, DLT_EN10MB);
	expect_refusal(same, f->in, "in=");
	assert_int_equal(rig_capture_read(f->in, f->got, FRAMES), 1);
}

/* A capture that is written would be lost with a second user. */
static void refuses_a_file_that_another_adapter_writes(void **state)
{
	struct fixture *f = *state;
	const struct fake_option in[] = {{"in", f->in}, {NULL, NULL}};
	const struct fake_option out[] = {{"out", f->out}, {NULL, NULL}};
	const struct fake_option over[] = {{"out", f->in}, {NULL, NULL}};
	const struct fake_option from[] = {{"in", f->out}, {NULL, NULL}};
	const struct fake_option nowhere[] = {{"out", "/dev/null"},
					      {NULL, NULL}};

	rig_frame_fill(&f->frames[0], 60, 1);
	rig_capture_write(f->in, f->frames, 1, DLT_EN10MB);
	f->a.dev = create(in);
	expect_refusal(over, f->in, "another adapter");
	assert_int_equal(rig_capture_read(f->in, f->got, FRAMES), 1);
	f->b.dev = create(in);
	fake_device_destroy(f->b.dev);
	f->b.dev = create(out);
	expect_refusal(out, f->out, "another adapter");
	expect_refusal(from, f->out, "out= of an adapter");
	fake_device_destroy(f->a.dev);
	fake_device_destroy(f->b.dev);
	f->a.dev = create(nowhere);
	f->b.dev = create(nowhere);
}

static void refuses_a_cable_beside_a_capture(void **state)
{
	const struct fake_option both[] = {
		{"link", "l"}, {"out", "/tmp/x"}, {NULL, NULL}};
	const struct fake_option empty[] = {{"link", ""}, {NULL, NULL}};

	(void)state;
	expect_refusal(both, "link=l", "out=");
	expect_refusal(empty, "link=", "name");
}

static void refuses_a_third_end(void **state)
{
	static const struct fake_option options[] = {{"link", "l"},
						     {NULL, NULL}};
	struct fixture *f = *state;

	f->a.dev = create(options);
	f->b.dev = create(options);
	expect_refusal(options, "link=l", "two ends");
}

static void forwards_a_capture_unchanged(void **state)
{
	struct fixture *f = *state;
	const struct fake_option options[] = {
		{"in", f->in}, {"out", f->out}, {NULL, NULL}};
	uint32_t count = 0;
	uint32_t i;

	for (i = 0; i < FRAMES; i++)
		rig_frame_fill(&f->frames[i], 60 + 20 * i, i);
	rig_capture_write(f->in, f->frames, FRAMES, DLT_EN10MB);
	rig_init(&f->a, create(options), 0);
	rig_rx_start(&f->a, 16, 2048, false, RCTL_NORMAL);
	rig_tx_start(&f->a, 16, TCTL_PSP);
	rig_rx_arm(&f->a, 15);
	while (count < FRAMES) {
		fake_run(f->a.dev);
		while (rig_rx_take(&f->a, &f->got[0])) {
			rig_tx_put(&f->a, &f->got[0], 1, false, true);
			rig_tx_ring_bell(&f->a);
			fake_run(f->a.dev);
			rig_rx_arm(&f->a, 1);
			count++;
		}
	}
	/* The file is whole although the device still lives. */
	assert_int_equal(rig_capture_read(f->out, f->got, FRAMES), FRAMES);
	for (i = 0; i < FRAMES; i++) {
		assert_int_equal(f->got[i].length, f->frames[i].length);
		assert_memory_equal(f->got[i].bytes, f->frames[i].bytes,
				    f->frames[i].length);
	}
}

static void pads_what_was_captured_before_padding(void **state)
{
	struct fixture *f = *state;
	const struct fake_option options[] = {{"in", f->in}, {NULL, NULL}};

	rig_frame_fill(&f->frames[0], 42, 1);
	rig_capture_write(f->in, f->frames, 1, DLT_EN10MB);
	rig_init(&f->a, create(options), 0);
	rig_rx_start(&f->a, 8, 2048, false, RCTL_NORMAL);
	rig_rx_arm(&f->a, 1);
	fake_run(f->a.dev);
	assert_true(rig_rx_take(&f->a, &f->got[0]));
	assert_int_equal(f->got[0].length, 60);
	assert_memory_equal(f->got[0].bytes, f->frames[0].bytes, 42);
}

static void delivers_a_frame_again_that_a_reset_cut_off(void **state)
{
	struct fixture *f = *state;
	const struct fake_option options[] = {{"in", f->in}, {NULL, NULL}};

	rig_frame_fill(&f->frames[0], 600, 1);
	rig_capture_write(f->in, f->frames, 1, DLT_EN10MB);
	rig_init(&f->a, create(options), 0);
	rig_rx_start(&f->a, 8, 256, false, RCTL_NORMAL);
	rig_rx_arm(&f->a, 1);
	fake_run(f->a.dev);
	f->a.dev->model->ops->reset(f->a.dev, UVFIO_RESET_IOCTL);
	rig_rx_start(&f->a, 8, 256, false, RCTL_NORMAL);
	rig_rx_arm(&f->a, 3);
	fake_run(f->a.dev);
	assert_true(rig_rx_take(&f->a, &f->got[0]));
	assert_int_equal(f->got[0].length, 600);
	assert_memory_equal(f->got[0].bytes, f->frames[0].bytes, 600);
}

static void link_up(struct fixture *f)
{
	static const struct fake_option options[] = {{"link", "l"},
						     {NULL, NULL}};

	rig_init(&f->a, create(options), 0);
	assert_int_equal(rig_get(&f->a, 0x08) & 2, 0); /* nobody there */
	rig_init(&f->b, create(options), 1);
	assert_int_equal(rig_get(&f->a, 0x08) & 2, 2);
	assert_int_equal(rig_get(&f->b, 0x08) & 2, 2);
}

static void put(struct rig *rig, const struct rig_frame *frame)
{
	rig_tx_put(rig, frame, 1, false, true);
	rig_tx_ring_bell(rig);
	fake_run(rig->dev);
}

static void carries_frames_both_ways(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	rig_frame_fill(&f->frames[0], 60, 1);
	rig_frame_fill(&f->frames[1], 9724, 2);
	rig_rx_start(&f->a, 8, 2048, false, RCTL_NORMAL);
	rig_rx_start(&f->b, 8, 10240, false, RCTL_NORMAL);
	rig_tx_start(&f->a, 8, TCTL_PSP);
	rig_tx_start(&f->b, 8, TCTL_PSP);
	rig_rx_arm(&f->a, 7);
	rig_rx_arm(&f->b, 7);
	f->b.dev->kicks = 0;
	put(&f->a, &f->frames[1]);
	assert_int_not_equal(f->b.dev->kicks, 0);
	put(&f->b, &f->frames[0]);
	fake_run(f->a.dev);
	assert_true(rig_rx_take(&f->b, &f->got[0]));
	assert_int_equal(f->got[0].length, 9724);
	assert_memory_equal(f->got[0].bytes, f->frames[1].bytes, 9724);
	assert_true(rig_rx_take(&f->a, &f->got[0]));
	assert_int_equal(f->got[0].length, 60);
}

static void drops_frames_while_the_peer_does_not_listen(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	rig_frame_fill(&f->frames[0], 60, 1);
	rig_tx_start(&f->a, 8, TCTL_PSP);
	put(&f->a, &f->frames[0]);
	assert_int_equal(rig_get(&f->a, 0x3810), 1);

	rig_rx_start(&f->b, 8, 2048, false, RCTL_NORMAL);
	put(&f->a, &f->frames[0]); /* waits on the wire */
	rig_set(&f->b, 0x100, 0);  /* and is lost */
	rig_set(&f->b, 0x100, RCTL_NORMAL | 2);
	rig_rx_arm(&f->b, 4);
	fake_run(f->b.dev);
	assert_false(rig_rx_take(&f->b, &f->got[0]));

	fake_device_destroy(f->b.dev);
	f->b.dev = NULL;
	put(&f->a, &f->frames[0]);
	assert_int_equal(rig_get(&f->a, 0x3810), 3);
	assert_int_equal(rig_get(&f->a, 0x08) & 2, 0);
}

static void takes_a_new_device_at_either_end(void **state)
{
	static const struct fake_option options[] = {{"link", "l"},
						     {NULL, NULL}};
	struct fixture *f = *state;

	link_up(f);
	fake_device_destroy(f->a.dev);
	rig_init(&f->a, create(options), 0);
	rig_frame_fill(&f->frames[0], 60, 1);
	rig_rx_start(&f->a, 8, 2048, false, RCTL_NORMAL);
	rig_rx_start(&f->b, 8, 2048, false, RCTL_NORMAL);
	rig_tx_start(&f->a, 8, TCTL_PSP);
	rig_rx_arm(&f->a, 4);
	rig_rx_arm(&f->b, 4);
	put(&f->a, &f->frames[0]);
	fake_run(f->b.dev);
	assert_true(rig_rx_take(&f->b, &f->got[0]));
	assert_false(rig_rx_take(&f->a, &f->got[0]));
}

static void stalls_rather_than_drops_when_the_peer_is_full(void **state)
{
	struct fixture *f = *state;
	uint32_t sent = 0;
	uint32_t got = 0;

	link_up(f);
	rig_frame_fill(&f->frames[0], 1514, 1);
	rig_tx_start(&f->a, 128, TCTL_PSP);
	rig_rx_start(&f->b, 64, 2048, false, RCTL_NORMAL);
	for (; sent < 127; sent++)
		rig_tx_put(&f->a, &f->frames[0], 1, false, true);
	rig_tx_ring_bell(&f->a);
	fake_run(f->a.dev);
	assert_int_not_equal(rig_get(&f->a, 0x3810), f->a.tx_tail);

	f->a.dev->kicks = 0;
	while (got < sent) {
		rig_rx_arm(&f->b, 1);
		fake_run(f->b.dev);
		assert_true(rig_rx_take(&f->b, &f->got[0]));
		assert_int_equal(f->got[0].length, 1514);
		assert_memory_equal(f->got[0].bytes, f->frames[0].bytes, 1514);
		got++;
		/* A stalled sender is woken, not polled. */
		if (f->a.dev->kicks) {
			f->a.dev->kicks = 0;
			fake_run(f->a.dev);
		}
	}
	assert_int_equal(rig_get(&f->a, 0x3810), f->a.tx_tail);
}

static void wakes_a_stalled_sender_when_the_receiver_stops(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	link_up(f);
	rig_frame_fill(&f->frames[0], 1514, 1);
	rig_tx_start(&f->a, 128, TCTL_PSP);
	rig_rx_start(&f->b, 8, 2048, false, RCTL_NORMAL);
	for (i = 0; i < 127; i++)
		rig_tx_put(&f->a, &f->frames[0], 1, false, true);
	rig_tx_ring_bell(&f->a);
	fake_run(f->a.dev);
	f->a.dev->kicks = 0;
	rig_set(&f->b, 0x100, 0);
	assert_int_not_equal(f->a.dev->kicks, 0);
	fake_run(f->a.dev);
	assert_int_equal(rig_get(&f->a, 0x3810), f->a.tx_tail);
}

static void forgets_half_a_frame_when_it_is_looped(void **state)
{
	struct fixture *f = *state;
	const struct fake_option options[] = {{"in", f->in}, {NULL, NULL}};

	rig_frame_fill(&f->frames[0], 600, 1);
	rig_frame_fill(&f->frames[1], 60, 2);
	rig_capture_write(f->in, f->frames, 1, DLT_EN10MB);
	rig_init(&f->a, create(options), 0);
	rig_rx_start(&f->a, 8, 256, false, RCTL_NORMAL);
	rig_rx_arm(&f->a, 1);
	fake_run(f->a.dev);
	rig_rx_start(&f->a, 8, 256, false, RCTL_NORMAL | 0x40);
	rig_tx_start(&f->a, 8, TCTL_PSP);
	rig_rx_arm(&f->a, 3);
	put(&f->a, &f->frames[1]);
	assert_true(rig_rx_take(&f->a, &f->got[0]));
	assert_int_equal(f->got[0].length, 60);
	assert_memory_equal(f->got[0].bytes, f->frames[1].bytes, 60);
}

struct race {
	struct igb_wire *wire;
	uint32_t frames;
};

static uint32_t race_length(uint32_t i)
{
	return 1 + i * 2654435761u % (i % 16 ? 200 : 9724);
}

static void *race_produce(void *argument)
{
	struct race *race = argument;
	uint32_t length;
	uint32_t i = 0;
	uint8_t *at;

	while (i < race->frames) {
		at = igb_wire_reserve(race->wire);
		if (!at)
			continue;
		length = race_length(i);
		memset(at, (int)(i & 0xff), length);
		igb_wire_commit(race->wire, length);
		i++;
	}
	return NULL;
}

static void passes_frames_between_threads(void **state)
{
	struct race race = {.wire = igb_wire_create(), .frames = 200000};
	const uint8_t *at;
	pthread_t thread;
	uint32_t length;
	uint32_t i = 0;

	(void)state;
	assert_non_null(race.wire);
	assert_int_equal(pthread_create(&thread, NULL, race_produce, &race), 0);
	while (i < race.frames) {
		at = igb_wire_peek(race.wire, &length);
		if (!at)
			continue;
		assert_int_equal(length, race_length(i));
		assert_int_equal(at[0], i & 0xff);
		assert_int_equal(at[length - 1], i & 0xff);
		igb_wire_pop(race.wire);
		i++;
	}
	assert_null(igb_wire_peek(race.wire, &length));
	assert_int_equal(pthread_join(thread, NULL), 0);
	free(race.wire);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refuses_inputs_that_are_no_captures),
		TEST(refuses_inputs_that_cannot_be_delivered),
		TEST(refuses_frames_that_were_cut),
		TEST(refuses_outputs_that_cannot_be_written),
		TEST(refuses_a_file_that_another_adapter_writes),
		TEST(refuses_a_cable_beside_a_capture),
		TEST(refuses_a_third_end),
		TEST(forwards_a_capture_unchanged),
		TEST(pads_what_was_captured_before_padding),
		TEST(delivers_a_frame_again_that_a_reset_cut_off),
		TEST(carries_frames_both_ways),
		TEST(drops_frames_while_the_peer_does_not_listen),
		TEST(takes_a_new_device_at_either_end),
		TEST(stalls_rather_than_drops_when_the_peer_is_full),
		TEST(wakes_a_stalled_sender_when_the_receiver_stops),
		TEST(forgets_half_a_frame_when_it_is_looped),
		TEST(passes_frames_between_threads),
	};

	return cmocka_run_group_tests_name("igb_backend", tests, NULL, NULL);
}
