/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of nvme's admin queue: queues, Identify, logs, features, events,
 * Format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "nvme_rig.h"

static const struct fake_option two_namespaces[] = {
	{"size", "64M"},  {"ns", "2"},   {"queues", "3"},
	{"serial", "S1"}, {"mdts", "5"}, {NULL, NULL}};

static struct nvme_rig rig;
static uint8_t *const data = fake_memory + NVME_RIG_DATA;

static int setup(void **state)
{
	(void)state;
	nvme_rig_create(&rig, two_namespaces);
	nvme_rig_start(&rig, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nvme_rig_destroy(&rig);
	return 0;
}

static uint64_t get(uint32_t offset, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, data + offset, size);
	return value;
}

/* A command of the admin queue with these words. */
static uint16_t admin(uint8_t opcode, uint32_t nsid, uint32_t cdw10,
		      uint32_t cdw11)
{
	const struct nvme_command command = {
		.opcode = opcode,
		.nsid = nsid,
		.prp1 = NVME_RIG_DATA,
		.cdw10 = cdw10,
		.cdw11 = cdw11,
	};

	return nvme_rig_do(&rig, 0, &command);
}

static void identifies_the_controller(void **state)
{
	(void)state;
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_CONTROLLER, 0), 0);
	assert_memory_equal(data + 4, "S1                  ", 20);
	assert_memory_equal(data + 24, "uvfio NVMe ", 11);
	assert_int_equal(data[77], 5);
	assert_int_equal(get(80, 4), 0x00010400);
	assert_int_equal(get(516, 4), 2);
	assert_int_equal(data[512], 0x66);
	assert_int_equal(data[513], 0x44);
	assert_int_equal(data[525] & 1, 1);
	assert_int_equal(get(280, 8), 64u << 20);
	assert_memory_equal(data + 768, "nqn.", 4);
}

static void identifies_namespaces(void **state)
{
	uint8_t guid[16];

	(void)state;
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_NAMESPACE, 2), 0);
	assert_int_equal(get(0, 8), (32u << 20) / 512);
	assert_int_equal(data[25], 1);
	assert_int_equal(data[26], 0);
	assert_int_equal(get(128, 4), 9u << 16);
	assert_int_equal(get(132, 4), 12u << 16);
	memcpy(guid, data + 104, sizeof(guid));
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_DESCRIPTORS, 2), 0);
	assert_int_equal(get(0, 2), 0x1002);
	assert_memory_equal(data + 4, guid, sizeof(guid));
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_DESCRIPTORS, 1), 0);
	assert_memory_not_equal(data + 4, guid, sizeof(guid));

	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_ACTIVE, 0), 0);
	assert_int_equal(get(0, 8), 1 | UINT64_C(2) << 32);
	assert_int_equal(get(8, 4), 0);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_ACTIVE, 1), 0);
	assert_int_equal(get(0, 8), 2);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_ACTIVE, UINT32_MAX),
			 NVME_INVALID_NAMESPACE);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_NAMESPACE, 3),
			 NVME_INVALID_NAMESPACE);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_NAMESPACE, 0),
			 NVME_INVALID_NAMESPACE);
	assert_int_equal(nvme_rig_identify(&rig, 0x55, 1), NVME_INVALID_FIELD);
}

static void refuses_wrong_queues(void **state)
{
	struct nvme_command cq = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.prp1 = 0x30000,
		.cdw10 = 7u << 16 | 2,
		.cdw11 = NVME_QUEUE_CONTIGUOUS,
	};
	struct nvme_command sq = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.prp1 = 0x31000,
		.cdw10 = 7u << 16 | 2,
		.cdw11 = 2u << 16 | NVME_QUEUE_CONTIGUOUS,
	};
	struct nvme_command wrong;

	(void)state;
	/* There are three pairs, and the first is taken. */
	wrong = cq;
	wrong.cdw10 = 7u << 16 | 4;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_QID);
	wrong.cdw10 = 7u << 16 | 1;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_QID);
	wrong.cdw10 = 7u << 16;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_QID);
	wrong.cdw10 = 2;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_QUEUE_SIZE);
	wrong.cdw10 = 4096u << 16 | 2;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_QUEUE_SIZE);
	wrong = cq;
	wrong.cdw11 = 0;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_INVALID_FIELD);
	wrong.cdw11 = 65u << 16 | NVME_QUEUE_CONTIGUOUS;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_VECTOR);
	wrong = cq;
	wrong.prp1 = 0x30800;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_PRP_OFFSET);

	/* A submission queue wants one for its completions. */
	assert_int_equal(nvme_rig_do(&rig, 0, &sq), NVME_BAD_CQ);
	assert_int_equal(nvme_rig_do(&rig, 0, &cq), 0);
	wrong = sq;
	wrong.cdw11 = NVME_QUEUE_CONTIGUOUS;
	assert_int_equal(nvme_rig_do(&rig, 0, &wrong), NVME_BAD_CQ);
	assert_int_equal(nvme_rig_do(&rig, 0, &sq), 0);
	assert_int_equal(nvme_rig_do(&rig, 0, &sq), NVME_BAD_QID);
	/* And keeps it. */
	assert_int_equal(admin(NVME_ADMIN_DELETE_CQ, 0, 2, 0),
			 NVME_BAD_QUEUE_DELETION);
	assert_int_equal(admin(NVME_ADMIN_DELETE_SQ, 0, 2, 0), 0);
	assert_int_equal(admin(NVME_ADMIN_DELETE_SQ, 0, 2, 0), NVME_BAD_QID);
	assert_int_equal(admin(NVME_ADMIN_DELETE_CQ, 0, 2, 0), 0);
	assert_int_equal(admin(NVME_ADMIN_DELETE_CQ, 0, 2, 0), NVME_BAD_QID);
	assert_int_equal(admin(NVME_ADMIN_DELETE_CQ, 0, 0, 0), NVME_BAD_QID);
	assert_int_equal(admin(NVME_ADMIN_DELETE_SQ, 0, 0, 0), NVME_BAD_QID);
	assert_int_equal(admin(NVME_ADMIN_DELETE_SQ, 0, 60000, 0),
			 NVME_BAD_QID);
}

static void gives_as_many_queues_as_there_are(void **state)
{
	(void)state;
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_QUEUES, 7u << 16 | 7),
		NVME_COMMAND_SEQUENCE);
	nvme_rig_stop(&rig);
	nvme_rig_start(&rig, 0);
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_QUEUES, 7u << 16 | 7),
		0);
	assert_int_equal(rig.last.result, 2u << 16 | 2);
	assert_int_equal(nvme_rig_feature(&rig, true, NVME_FEATURE_QUEUES, 0),
			 0);
	assert_int_equal(rig.last.result, 0);
	assert_int_equal(nvme_rig_feature(&rig, false, NVME_FEATURE_QUEUES, 0),
			 0);
	assert_int_equal(rig.last.result, 0);
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_QUEUES, UINT32_MAX),
		NVME_INVALID_FIELD);
}

static void keeps_features_until_reset(void **state)
{
	static const uint32_t ids[] = {
		NVME_FEATURE_ARBITRATION, NVME_FEATURE_RECOVERY,
		NVME_FEATURE_COALESCING,  NVME_FEATURE_EVENTS,
		NVME_FEATURE_TEMPERATURE, NVME_FEATURE_KEEP_ALIVE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint32_t initial;

		assert_int_equal(nvme_rig_feature(&rig, false, ids[i], 0), 0);
		initial = rig.last.result;
		assert_int_equal(nvme_rig_feature(&rig, true, ids[i], 2000), 0);
		assert_int_equal(nvme_rig_feature(&rig, false, ids[i], 0), 0);
		assert_int_equal(rig.last.result, 2000);
		/* What it is by default, and saved, stays. */
		assert_int_equal(
			nvme_rig_feature(&rig, false, ids[i] | 1u << 8, 0), 0);
		assert_int_equal(rig.last.result, initial);
		assert_int_equal(
			nvme_rig_feature(&rig, false, ids[i] | 2u << 8, 0), 0);
		assert_int_equal(rig.last.result, initial);
		/* It can be changed, and is of no namespace. */
		assert_int_equal(
			nvme_rig_feature(&rig, false, ids[i] | 3u << 8, 0), 0);
		assert_int_equal(rig.last.result, 4);
		assert_int_equal(
			nvme_rig_feature(&rig, true, ids[i] | 1u << 31, 1),
			NVME_NOT_SAVEABLE);
		assert_int_equal(admin(NVME_ADMIN_SET_FEATURES, 1, ids[i], 1),
				 NVME_NOT_OF_NAMESPACE);
		nvme_rig_stop(&rig);
		nvme_rig_start(&rig, 1);
		assert_int_equal(nvme_rig_feature(&rig, false, ids[i], 0), 0);
		assert_int_equal(rig.last.result, initial);
	}
	assert_int_equal(nvme_rig_feature(&rig, false, 0x77, 0),
			 NVME_INVALID_FIELD);
	assert_int_equal(nvme_rig_feature(&rig, true, 0x77, 0),
			 NVME_INVALID_FIELD);
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_ATOMICITY, 1),
		NVME_NOT_CHANGEABLE);
	assert_int_equal(nvme_rig_feature(&rig, true, NVME_FEATURE_POWER, 1),
			 NVME_INVALID_FIELD);
}

static void switches_the_cache(void **state)
{
	(void)state;
	assert_int_equal(nvme_rig_feature(&rig, false, NVME_FEATURE_CACHE, 0),
			 0);
	assert_int_equal(rig.last.result, 1);
	/* As a driver that takes it for a namespace's does. */
	assert_int_equal(
		admin(NVME_ADMIN_SET_FEATURES, 2, NVME_FEATURE_CACHE, 0), 0);
	assert_int_equal(nvme_rig_feature(&rig, false, NVME_FEATURE_CACHE, 0),
			 0);
	assert_int_equal(rig.last.result, 0);
}

static void keeps_the_time(void **state)
{
	const uint64_t then = 1700000000000;

	(void)state;
	memcpy(data, &then, sizeof(then));
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_TIMESTAMP, 0), 0);
	memset(data, 0, sizeof(then));
	nvme_rig_stop(&rig);
	nvme_rig_start(&rig, 1);
	assert_int_equal(
		nvme_rig_feature(&rig, false, NVME_FEATURE_TIMESTAMP, 0), 0);
	assert_true(get(0, 6) >= then && get(0, 6) < then + 3600000);
	assert_int_equal(get(6, 2), 2);
}

static void dies_when_not_kept_alive(void **state)
{
	(void)state;
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_KEEP_ALIVE, 1500), 0);
	assert_int_equal(rig.dev->timers[1], UINT64_C(2000000000));
	rig.dev->timers[1] = 1;
	assert_int_equal(admin(NVME_ADMIN_KEEP_ALIVE, 0, 0, 0), 0);
	assert_int_equal(rig.dev->timers[1], UINT64_C(2000000000));
	fake_fire(rig.dev, 1);
	assert_true(nvme_rig_get(&rig, NVME_CSTS) & NVME_CSTS_CFS);
	nvme_rig_stop(&rig);
	assert_int_equal(rig.dev->timers[1], 0);
}

static void warns_of_heat(void **state)
{
	const struct nvme_command wait = {.opcode = NVME_ADMIN_ASYNC_EVENT};

	(void)state;
	assert_int_equal(nvme_rig_feature(&rig, true, NVME_FEATURE_EVENTS, 2),
			 0);
	(void)nvme_rig_put(&rig, 0, &wait);
	fake_run(rig.dev);
	assert_false(nvme_rig_take(&rig, 0));
	/* The composite temperature is 313 kelvin. */
	assert_int_equal(
		nvme_rig_feature(&rig, true, NVME_FEATURE_TEMPERATURE, 314), 0);
	assert_false(nvme_rig_take(&rig, 0));
	(void)nvme_rig_put(
		&rig, 0,
		&(struct nvme_command){.opcode = NVME_ADMIN_SET_FEATURES,
				       .cdw10 = NVME_FEATURE_TEMPERATURE,
				       .cdw11 = 313});
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.result, 0x020101);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
	assert_int_equal(data[0], 2);
	assert_int_equal(get(1, 2), 313);
	assert_int_equal(nvme_rig_feature(&rig, true, NVME_FEATURE_TEMPERATURE,
					  1u << 16),
			 NVME_INVALID_FIELD);
}

static void counts_in_smart(void **state)
{
	(void)state;
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
	assert_int_equal(get(64, 8), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, i, 1,
					       NVME_RIG_DATA + 0x10000),
				 0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE, 0, 16,
				       NVME_RIG_DATA + 0x10000),
			 0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 1u << 30, 1,
				       NVME_RIG_DATA + 0x10000),
			 NVME_LBA_RANGE);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
	assert_int_equal(get(32, 8), 1); /* thousands, rounded up */
	assert_int_equal(get(48, 8), 1);
	assert_int_equal(get(64, 8), 3);
	assert_int_equal(get(80, 8), 1);
	assert_int_equal(get(176, 8), 1);
	/* And the log of errors tells which. */
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_ERRORS, 128), 0);
	assert_int_equal(get(0, 8), 1);
	assert_int_equal(get(8, 2), 1);
	assert_int_equal(get(12, 2), NVME_LBA_RANGE << 1);
	assert_int_equal(get(16, 8), 1u << 30);
	assert_int_equal(get(24, 4), 1);
	assert_int_equal(get(64, 8), 0);
}

static void gives_parts_of_logs(void **state)
{
	struct nvme_command command = {
		.opcode = NVME_ADMIN_GET_LOG,
		.prp1 = NVME_RIG_DATA,
		.cdw10 = 0u << 16 | NVME_LOG_FIRMWARE,
		.cdw12 = 8,
	};

	(void)state;
	memset(data, 0x11, 64);
	assert_int_equal(nvme_rig_do(&rig, 0, &command), 0);
	assert_memory_equal(data, "0.1.", 4);
	assert_int_equal(data[4], 0x11);
	command.cdw12 = 513;
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_INVALID_FIELD);
	command.cdw12 = 516;
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_INVALID_FIELD);
	command.cdw12 = 0;
	command.cdw10 = 0x99;
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_BAD_LOG);
	command.cdw10 = NVME_LOG_SMART;
	command.nsid = 1;
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_INVALID_FIELD);
	/* Every command that works is in the log of effects. */
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_EFFECTS, 4096), 0);
	assert_int_equal(get(NVME_ADMIN_IDENTIFY * 4, 4), 1);
	assert_int_equal(get(1024 + NVME_IO_WRITE * 4, 4), 3);
	assert_int_equal(get(1024 + 0x7f * 4, 4), 0);
}

static void takes_back_a_wait(void **state)
{
	const struct nvme_command wait = {.opcode = NVME_ADMIN_ASYNC_EVENT};
	uint16_t cid = nvme_rig_put(&rig, 0, &wait);

	(void)state;
	(void)nvme_rig_put(
		&rig, 0,
		&(struct nvme_command){.opcode = NVME_ADMIN_ABORT,
				       .cdw10 = (uint32_t)cid << 16});
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.cid, cid);
	assert_int_equal(rig.last.status, NVME_ABORTED);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.result, 0);
	/* What is not there cannot be aborted. */
	assert_int_equal(admin(NVME_ADMIN_ABORT, 0, 1, 0), 0);
	assert_int_equal(rig.last.result, 1);
	/* Four may wait. */
	for (unsigned int i = 0; i < 5; i++)
		(void)nvme_rig_put(&rig, 0, &wait);
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.status, NVME_EVENT_LIMIT);
	assert_false(nvme_rig_take(&rig, 0));
}

static void formats(void **state)
{
	const struct nvme_command wait = {.opcode = NVME_ADMIN_ASYNC_EVENT};

	(void)state;
	memset(data, 0x5a, 512);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE, 0, 1, NVME_RIG_DATA), 0);
	assert_int_equal(admin(NVME_ADMIN_FORMAT, 1, 2, 0), NVME_BAD_FORMAT);
	assert_int_equal(admin(NVME_ADMIN_FORMAT, 1, 1u << 4, 0),
			 NVME_BAD_FORMAT);
	assert_int_equal(admin(NVME_ADMIN_FORMAT, 1, 2u << 9, 0),
			 NVME_BAD_FORMAT);
	assert_int_equal(admin(NVME_ADMIN_FORMAT, 3, 0, 0),
			 NVME_INVALID_NAMESPACE);
	(void)nvme_rig_put(&rig, 0, &wait);
	(void)nvme_rig_put(&rig, 0,
			   &(struct nvme_command){.opcode = NVME_ADMIN_FORMAT,
						  .nsid = 1,
						  .cdw10 = 1});
	fake_run(rig.dev);
	assert_true(nvme_rig_take(&rig, 0));
	assert_true(nvme_rig_take(&rig, 0));
	assert_int_equal(rig.last.result, 0x040002);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_CHANGED, 4096), 0);
	assert_int_equal(get(0, 8), 1);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_CHANGED, 4096), 0);
	assert_int_equal(get(0, 8), 0);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_NAMESPACE, 1), 0);
	assert_int_equal(get(0, 8), (32u << 20) / 4096);
	assert_int_equal(data[26], 1);
	/* What was there is gone, and the other was not touched. */
	memset(data, 0xff, 4096);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 0, 1, NVME_RIG_DATA),
			 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_NAMESPACE, 2), 0);
	assert_int_equal(data[26], 0);
	assert_int_equal(admin(NVME_ADMIN_FORMAT, NVME_NSID_ALL, 1, 0), 0);
	assert_int_equal(nvme_rig_identify(&rig, NVME_CNS_NAMESPACE, 2), 0);
	assert_int_equal(data[26], 1);
}

static void refuses_what_it_does_not_know(void **state)
{
	struct nvme_command command = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.flags = 0x40,
		.prp1 = NVME_RIG_DATA,
		.cdw10 = 1,
	};

	(void)state;
	assert_int_equal(admin(0x7f, 0, 0, 0), NVME_INVALID_OPCODE);
	/* No SGL in the admin queue, and nothing fused. */
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_INVALID_FIELD);
	command.flags = 1;
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_INVALID_FIELD);
	/* Data that is not there. */
	command.flags = 0;
	command.prp1 = FAKE_MEMORY_SIZE;
	assert_int_equal(nvme_rig_do(&rig, 0, &command), NVME_DATA_TRANSFER);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_RDY);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(identifies_the_controller),
		CASE(identifies_namespaces),
		CASE(refuses_wrong_queues),
		CASE(gives_as_many_queues_as_there_are),
		CASE(keeps_features_until_reset),
		CASE(switches_the_cache),
		CASE(keeps_the_time),
		CASE(dies_when_not_kept_alive),
		CASE(warns_of_heat),
		CASE(counts_in_smart),
		CASE(gives_parts_of_logs),
		CASE(takes_back_a_wait),
		CASE(formats),
		CASE(refuses_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
