/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nvme controller: its registers and life, its queues and interrupts, and
 * what its options can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "nvme_rig.h"

#define CC_ENABLE (4u << 20 | 6u << 16 | NVME_CC_EN)

static const struct fake_option in_memory[] = {{"size", "64M"}, {NULL, NULL}};

static struct nvme_rig rig;

static int setup(void **state)
{
	(void)state;
	nvme_rig_create(&rig, in_memory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nvme_rig_destroy(&rig);
	return 0;
}

static const struct nvme_command flush = {
	.opcode = NVME_IO_FLUSH,
	.nsid = 1,
};

static void says_what_it_can(void **state)
{
	uint64_t cap = nvme_rig_get(&rig, NVME_CAP) |
		       (uint64_t)nvme_rig_get(&rig, NVME_CAP + 4) << 32;

	(void)state;
	assert_int_equal(nvme_rig_get(&rig, NVME_VS), 0x00010400);
	assert_int_equal(cap & 0xffff, 4095); /* MQES */
	assert_true(cap & NVME_CAP_CQR);
	assert_true(cap & NVME_CAP_CSS_NVM);
	assert_int_equal(cap >> 32 & 0xf, 0); /* DSTRD */
	assert_int_equal(cap >> 48 & 0xf, 0); /* MPSMIN */
	assert_true(cap >> 24 & 0xff);        /* TO */
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), 0);
	/* No controller memory. */
	assert_int_equal(nvme_rig_get(&rig, NVME_CMBLOC), 0);
}

static void becomes_ready_and_stops(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	assert_int_equal(nvme_rig_do(&rig, 1, &flush), 0);
	/* Where the queues are cannot be changed while it runs. */
	nvme_rig_set(&rig, NVME_ASQ, 0x7000);
	assert_int_equal(nvme_rig_get(&rig, NVME_ASQ), 0x10000);
	nvme_rig_stop(&rig);
	nvme_rig_start(&rig, 3);
	assert_int_equal(nvme_rig_do(&rig, 3, &flush), 0);
}

static void fails_where_it_cannot_start(void **state)
{
	(void)state;
	/* No admin queue. */
	nvme_rig_set(&rig, NVME_CC, CC_ENABLE);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_CFS);
	nvme_rig_set(&rig, NVME_CC, 0);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), 0);
	/* Pages of 128 KiB. */
	nvme_rig_set(&rig, NVME_AQA, 15u << 16 | 15);
	nvme_rig_set(&rig, NVME_CC, CC_ENABLE | 5u << 7);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_CFS);
	nvme_rig_set(&rig, NVME_CC, 0);
	/* Another command set. */
	nvme_rig_set(&rig, NVME_CC, CC_ENABLE | 1u << 4);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_CFS);
	nvme_rig_set(&rig, NVME_CC, 0);
	/* Pages that the queue is not at the start of. */
	nvme_rig_set(&rig, NVME_ASQ, 0x3000);
	nvme_rig_set(&rig, NVME_CC, CC_ENABLE | 1u << 7);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_CFS);
}

static void shuts_down(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	nvme_rig_set(&rig, NVME_CC, CC_ENABLE | 1u << 14);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS) & NVME_CSTS_SHST,
			 NVME_CSTS_SHST_READY);
	nvme_rig_stop(&rig);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), 0);
	/* That was a clean end: SMART counts no other. */
	nvme_rig_start(&rig, 0);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
	assert_int_equal(fake_memory[NVME_RIG_DATA + 144], 0);
	rig.dev->model->ops->reset(rig.dev, UVFIO_RESET_IOCTL);
	nvme_rig_start(&rig, 0);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
	assert_int_equal(fake_memory[NVME_RIG_DATA + 144], 1);
}

static void reset_forgets_all_but_the_image(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	memset(fake_memory + NVME_RIG_DATA, 0xa5, 512);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE, 9, 1, NVME_RIG_DATA), 0);
	rig.dev->model->ops->reset(rig.dev, UVFIO_RESET_FLR);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), 0);
	assert_int_equal(nvme_rig_get(&rig, NVME_AQA), 0);
	assert_int_equal(nvme_rig_get(&rig, NVME_DOORBELLS + 8), 0);
	nvme_rig_start(&rig, 1);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_READ, 9, 1, NVME_RIG_DATA + 512),
		0);
	assert_memory_equal(fake_memory + NVME_RIG_DATA,
			    fake_memory + NVME_RIG_DATA + 512, 512);
}

static void queues_go_round(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 2);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(nvme_rig_do(&rig, 1 + i % 2, &flush), 0);
		assert_int_equal(rig.last.sq_head, rig.tails[1 + i % 2]);
	}
}

static void full_completion_queue_waits(void **state)
{
	unsigned int taken = 0;

	(void)state;
	nvme_rig_start(&rig, 1);
	for (unsigned int i = 0; i < NVME_RIG_ENTRIES - 1; i++)
		(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	/* All are done and posted, none is taken; five more. */
	for (unsigned int i = 0; i < 5; i++)
		(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	for (; nvme_rig_take(&rig, 1); taken++)
		;
	assert_int_equal(taken, NVME_RIG_ENTRIES - 1);
	fake_run(rig.dev);
	for (; nvme_rig_take(&rig, 1); taken++)
		;
	assert_int_equal(taken, NVME_RIG_ENTRIES + 4);
}

static void interrupts_by_vector(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 2);
	memset(rig.dev->vectors, 0, sizeof(rig.dev->vectors));
	assert_int_equal(nvme_rig_do(&rig, 2, &flush), 0);
	assert_int_equal(rig.dev->vectors[2], 1);
	assert_int_equal(rig.dev->vectors[1], 0);
	/* One for those that end together. */
	for (unsigned int i = 0; i < 4; i++)
		(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_int_equal(rig.dev->vectors[1], 1);
}

static void pin_follows_what_is_not_taken(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	fake_run(rig.dev);
	fake_set_irq_mode(rig.dev, UVFIO_IRQ_INTX);
	assert_false(rig.dev->intx);
	(void)nvme_rig_put(&rig, 1, &flush);
	(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_true(rig.dev->intx);
	nvme_rig_set(&rig, NVME_INTMS, 1);
	assert_false(rig.dev->intx);
	assert_int_equal(nvme_rig_get(&rig, NVME_INTMC), 1);
	nvme_rig_set(&rig, NVME_INTMC, 1);
	assert_true(rig.dev->intx);
	assert_true(nvme_rig_take(&rig, 1));
	fake_run(rig.dev);
	assert_true(rig.dev->intx);
	assert_true(nvme_rig_take(&rig, 1));
	fake_run(rig.dev);
	assert_false(rig.dev->intx);
}

static void messages_are_kept_back(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	/* Four at a time, or after a millisecond. */
	assert_int_equal(nvme_rig_feature(&rig, true, NVME_FEATURE_COALESCING,
					  10u << 8 | 3),
			 0);
	memset(rig.dev->vectors, 0, sizeof(rig.dev->vectors));
	for (unsigned int i = 0; i < 3; i++)
		(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_int_equal(rig.dev->vectors[1], 0);
	assert_int_equal(rig.dev->timers[0], 1000000);
	(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_int_equal(rig.dev->vectors[1], 1);
	(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_int_equal(rig.dev->vectors[1], 1);
	fake_fire(rig.dev, 0);
	assert_int_equal(rig.dev->vectors[1], 2);
	/* Not for a vector that wants none of it. */
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_VECTOR, 1u << 16 | 1),
		0);
	(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_int_equal(rig.dev->vectors[1], 3);
}

static void stops_when_a_queue_is_gone(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	fake_memory_punch(0x14000, 0x1000);
	(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS),
			 NVME_CSTS_RDY | NVME_CSTS_CFS);
	assert_false(rig.dev->is_polled);
	fake_memory_reset();
	nvme_rig_stop(&rig);
	nvme_rig_start(&rig, 1);
	assert_int_equal(nvme_rig_do(&rig, 1, &flush), 0);
}

static void waits_for_bus_mastering(void **state)
{
	(void)state;
	nvme_rig_start(&rig, 1);
	fake_set_bus_master(rig.dev, false);
	(void)nvme_rig_put(&rig, 1, &flush);
	fake_run(rig.dev);
	assert_false(nvme_rig_take(&rig, 1));
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_RDY);
	fake_set_bus_master(rig.dev, true);
	assert_true(rig.dev->kicks);
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 1));
}

static void a_wild_doorbell_is_told(void **state)
{
	const struct nvme_command wait = {.opcode = NVME_ADMIN_ASYNC_EVENT};

	(void)state;
	nvme_rig_start(&rig, 1);
	(void)nvme_rig_put(&rig, 0, &wait);
	fake_run(rig.dev);
	nvme_rig_set(&rig, NVME_DOORBELLS + 8, NVME_RIG_ENTRIES);
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.result, 0x010100);
	/* And is as if it had not been rung. */
	nvme_rig_set(&rig, NVME_DOORBELLS + 8, 0);
	assert_int_equal(nvme_rig_do(&rig, 1, &flush), 0);
	/* Completions that are not there cannot be taken. */
	nvme_rig_set(&rig, NVME_DOORBELLS + 12, 7);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_ERRORS, 64), 0);
	(void)nvme_rig_put(&rig, 0, &wait);
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.result, 0x010100);
}

static void doorbells_in_memory(void **state)
{
	const uint64_t shadow = NVME_RIG_DATA, events = NVME_RIG_DATA + 4096;
	const struct nvme_command config = {
		.opcode = NVME_ADMIN_DBBUF_CONFIG,
		.prp1 = shadow,
		.prp2 = events,
	};
	uint32_t tail = 1;

	(void)state;
	nvme_rig_start(&rig, 1);
	assert_int_equal(nvme_rig_do(&rig, 0, &config), 0);
	fake_run(rig.dev);
	/* The command is seen although nobody rang. */
	memcpy(fake_memory + 0x14000, &flush, sizeof(flush));
	memcpy(fake_memory + shadow + 8, &tail, sizeof(tail));
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 1));
	/* The next one is to ring the true doorbell. */
	assert_memory_equal(fake_memory + events + 8, &tail, sizeof(tail));
}

static void options_that_cannot_be(void **state)
{
	static const struct {
		const char *key, *value, *why;
	} wrong[] = {
		{"size", "none", "size=none: write a size such as"},
		{"size", "12X", "size=12X: write a size"},
		{"size", "99999999T", "write a size"},
		{"lba", "1024", "lba=1024: write 512 or 4096"},
		{"ns", "0", "ns=0: write a number from 1 to 256"},
		{"ns", "7", "are not 7 namespaces of whole blocks"},
		{"queues", "65", "queues=65: write a number from 1 to 64"},
		{"mdts", "x", "mdts=x: write a number"},
		{"cache", "fast", "write writeback, writethrough or none"},
		{"ro", "yes", "ro=yes: write off or on"},
		{"cmb", "3M", "cmb=3M: write 1M, 2M"},
		{"cmb", "2G", "cmb=2G: write 1M, 2M"},
		{"aio", "libaio", "aio=libaio: write uring or threads"},
		{"serial", "123456789012345678901", "1 to 20 characters"},
		{"serial", "", "1 to 20 characters"},
	};
	static const struct fake_option none[] = {{NULL, NULL}};

	(void)state;
	nvme_rig_assert_refused(none, "file=FILE, or size=1G");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct fake_option options[] = {
			{wrong[i].key, wrong[i].value},
			{"size", "64M"},
			{NULL, NULL},
		};

		nvme_rig_assert_refused(options, wrong[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_what_it_can, setup,
						teardown),
		cmocka_unit_test_setup_teardown(becomes_ready_and_stops, setup,
						teardown),
		cmocka_unit_test_setup_teardown(fails_where_it_cannot_start,
						setup, teardown),
		cmocka_unit_test_setup_teardown(shuts_down, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_forgets_all_but_the_image,
						setup, teardown),
		cmocka_unit_test_setup_teardown(queues_go_round, setup,
						teardown),
		cmocka_unit_test_setup_teardown(full_completion_queue_waits,
						setup, teardown),
		cmocka_unit_test_setup_teardown(interrupts_by_vector, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pin_follows_what_is_not_taken,
						setup, teardown),
		cmocka_unit_test_setup_teardown(messages_are_kept_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(stops_when_a_queue_is_gone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_bus_mastering, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_wild_doorbell_is_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(doorbells_in_memory, setup,
						teardown),
		cmocka_unit_test(options_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
