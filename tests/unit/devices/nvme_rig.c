/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvme_rig.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CC_ENABLE (4u << 20 | 6u << 16 | NVME_CC_EN)

static uint64_t sq_base(unsigned int queue)
{
	return 0x10000 + queue * 0x4000u;
}

static uint64_t cq_base(unsigned int queue)
{
	return 0x12000 + queue * 0x4000u;
}

void nvme_rig_create(struct nvme_rig *rig, const struct fake_option *options)
{
	struct uvfio_error err;

	memset(rig, 0, sizeof(*rig));
	fake_memory_reset();
	rig->dev = fake_device_create(&uvfio_model_nvme, "0000:00:03.0",
				      options, &err);
	if (!rig->dev)
		fail_msg("%s", err.text);
}

void nvme_rig_destroy(struct nvme_rig *rig)
{
	fake_device_destroy(rig->dev);
}

void nvme_rig_assert_refused(const struct fake_option *options, const char *why)
{
	struct uvfio_error err;
	struct uvfio_dev *dev = fake_device_create(
		&uvfio_model_nvme, "0000:00:03.0", options, &err);

	assert_null(dev);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not tell '%s'", err.text, why);
}

static void forget(struct nvme_rig *rig)
{
	memset(rig->tails, 0, sizeof(rig->tails));
	memset(rig->heads, 0, sizeof(rig->heads));
	for (unsigned int i = 0; i < NVME_RIG_QUEUES; i++) {
		rig->phases[i] = true;
		memset(fake_memory + cq_base(i), 0, 0x1000);
	}
}

void nvme_rig_stop(struct nvme_rig *rig)
{
	nvme_rig_set(rig, NVME_CC, 0);
	assert_int_equal(nvme_rig_get(rig, NVME_CSTS) & NVME_CSTS_RDY, 0);
	forget(rig);
}

static void create_pair(struct nvme_rig *rig, unsigned int queue)
{
	const struct nvme_command cq = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.prp1 = cq_base(queue),
		.cdw10 = (NVME_RIG_ENTRIES - 1) << 16 | queue,
		.cdw11 = queue << 16 | NVME_CQ_IEN | NVME_QUEUE_CONTIGUOUS,
	};
	const struct nvme_command sq = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.prp1 = sq_base(queue),
		.cdw10 = (NVME_RIG_ENTRIES - 1) << 16 | queue,
		.cdw11 = queue << 16 | NVME_QUEUE_CONTIGUOUS,
	};

	assert_int_equal(nvme_rig_do(rig, 0, &cq), 0);
	assert_int_equal(nvme_rig_do(rig, 0, &sq), 0);
}

void nvme_rig_start(struct nvme_rig *rig, unsigned int queues)
{
	fake_set_bus_master(rig->dev, true);
	fake_set_irq_mode(rig->dev, UVFIO_IRQ_MSIX);
	forget(rig);
	nvme_rig_set(rig, NVME_AQA,
		     (NVME_RIG_ENTRIES - 1) << 16 | (NVME_RIG_ENTRIES - 1));
	nvme_rig_set(rig, NVME_ASQ, (uint32_t)sq_base(0));
	nvme_rig_set(rig, NVME_ASQ + 4, 0);
	nvme_rig_set(rig, NVME_ACQ, (uint32_t)cq_base(0));
	nvme_rig_set(rig, NVME_ACQ + 4, 0);
	nvme_rig_set(rig, NVME_CC, CC_ENABLE);
	assert_int_equal(nvme_rig_get(rig, NVME_CSTS), NVME_CSTS_RDY);
	for (unsigned int i = 1; i <= queues; i++)
		create_pair(rig, i);
}

uint16_t nvme_rig_put(struct nvme_rig *rig, unsigned int queue,
		      const struct nvme_command *command)
{
	struct nvme_command copy = *command;

	copy.cid = rig->next_cid++;
	memcpy(fake_memory + sq_base(queue) + rig->tails[queue] * sizeof(copy),
	       &copy, sizeof(copy));
	rig->tails[queue] = (rig->tails[queue] + 1) % NVME_RIG_ENTRIES;
	nvme_rig_set(rig, NVME_DOORBELLS + queue * 8, rig->tails[queue]);
	return copy.cid;
}

bool nvme_rig_take(struct nvme_rig *rig, unsigned int queue)
{
	memcpy(&rig->last,
	       fake_memory + cq_base(queue) +
		       rig->heads[queue] * sizeof(rig->last),
	       sizeof(rig->last));
	if ((rig->last.status & 1) != rig->phases[queue])
		return false;
	rig->last.status >>= 1;
	rig->heads[queue] = (rig->heads[queue] + 1) % NVME_RIG_ENTRIES;
	if (!rig->heads[queue])
		rig->phases[queue] = !rig->phases[queue];
	nvme_rig_set(rig, NVME_DOORBELLS + queue * 8 + 4, rig->heads[queue]);
	return true;
}

uint16_t nvme_rig_do(struct nvme_rig *rig, unsigned int queue,
		     const struct nvme_command *command)
{
	uint16_t cid = nvme_rig_put(rig, queue, command);

	/* An image may take its time. */
	while (fake_run(rig->dev), !nvme_rig_take(rig, queue))
		sched_yield();
	assert_int_equal(rig->last.cid, cid);
	assert_int_equal(rig->last.sq_id, queue);
	return rig->last.status;
}

uint16_t nvme_rig_move(struct nvme_rig *rig, uint8_t opcode, uint64_t lba,
		       uint32_t blocks, uint64_t data)
{
	const struct nvme_command command = {
		.opcode = opcode,
		.nsid = 1,
		.prp1 = data,
		.prp2 = (data | (NVME_RIG_PAGE - 1)) + 1,
		.cdw10 = (uint32_t)lba,
		.cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = blocks - 1,
	};

	return nvme_rig_do(rig, 1, &command);
}

uint16_t nvme_rig_identify(struct nvme_rig *rig, uint32_t cns, uint32_t nsid)
{
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = nsid,
		.prp1 = NVME_RIG_DATA,
		.cdw10 = cns,
	};

	return nvme_rig_do(rig, 0, &command);
}

uint16_t nvme_rig_log(struct nvme_rig *rig, uint32_t log, uint32_t bytes)
{
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_GET_LOG,
		.nsid = NVME_NSID_ALL,
		.prp1 = NVME_RIG_DATA,
		.prp2 = NVME_RIG_DATA + NVME_RIG_PAGE,
		.cdw10 = (bytes / 4 - 1) << 16 | log,
	};

	return nvme_rig_do(rig, 0, &command);
}

uint16_t nvme_rig_feature(struct nvme_rig *rig, bool set, uint32_t id,
			  uint32_t value)
{
	const struct nvme_command command = {
		.opcode =
			set ? NVME_ADMIN_SET_FEATURES : NVME_ADMIN_GET_FEATURES,
		.prp1 = NVME_RIG_DATA,
		.cdw10 = id,
		.cdw11 = value,
	};

	return nvme_rig_do(rig, 0, &command);
}
