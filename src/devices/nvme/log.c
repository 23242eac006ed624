/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Get Log Page: errors, SMART, firmware, namespaces that changed, and what
 * commands do.  Section 5.14.
 */
#include <stdlib.h>
#include <string.h>

#include <uvfio/version.h>

#include "nvme.h"

#define ERROR_SIZE   64u
#define LOG_MAX      4096u
#define NS_PER_HOUR  3600000000000u
#define NS_PER_MIN   60000000000u
#define UNIT_SECTORS 1000u /* SMART counts thousands of 512 bytes */

void nvme_log_error(struct nvme_controller *nvme,
		    const struct nvme_request *request, uint16_t status)
{
	struct nvme_error_entry *entry;

	/* That an event or a command was given up is no error. */
	if (status == NVME_ABORTED)
		return;
	entry = &nvme->errors[nvme->smart.errors++ % NVME_ERRORS_MAX];
	*entry = (struct nvme_error_entry){
		.number = nvme->smart.errors,
		.sq_id = request->sq_id,
		.cid = request->command.cid,
		.status = status,
		.nsid = request->command.nsid,
	};
	if (request->sq_id)
		entry->lba = (uint64_t)request->command.cdw11 << 32 |
			     request->command.cdw10;
}

static void put(uint8_t *page, uint32_t at, const void *value, size_t size)
{
	memcpy(page + at, value, size);
}

/* The last first. */
static uint32_t fill_errors(const struct nvme_controller *nvme, uint8_t *page)
{
	uint64_t last = nvme->smart.errors;

	for (uint32_t i = 0; i < NVME_ERRORS_MAX && i < last; i++) {
		const struct nvme_error_entry *entry =
			&nvme->errors[(last - 1 - i) % NVME_ERRORS_MAX];
		uint8_t *to = page + i * ERROR_SIZE;
		uint16_t status = (uint16_t)(entry->status << 1);

		put(to, 0, &entry->number, 8);
		put(to, 8, &entry->sq_id, 2);
		put(to, 10, &entry->cid, 2);
		put(to, 12, &status, 2);
		memset(to + 14, 0xff, 2); /* no field of the command */
		put(to, 16, &entry->lba, 8);
		put(to, 24, &entry->nsid, 4);
	}
	return NVME_ERRORS_MAX * ERROR_SIZE;
}

static uint32_t fill_smart(const struct nvme_controller *nvme, uint8_t *page)
{
	const struct nvme_smart *smart = &nvme->smart;
	const uint16_t temperature = NVME_TEMPERATURE;
	const uint64_t units[] = {
		(smart->sectors_read + UNIT_SECTORS - 1) / UNIT_SECTORS,
		(smart->sectors_written + UNIT_SECTORS - 1) / UNIT_SECTORS,
		smart->reads,
		smart->writes,
		smart->busy_ns / NS_PER_MIN,
		smart->power_cycles,
		(nvme_now() - smart->started_ns) / NS_PER_HOUR,
		smart->unsafe_shutdowns,
		smart->media_errors,
		smart->errors,
	};

	if (temperature >= nvme->features.over_temperature ||
	    temperature <= nvme->features.under_temperature)
		page[0] |= 0x02;
	if (nvme->is_read_only)
		page[0] |= 0x08;
	put(page, 1, &temperature, 2);
	page[3] = 100; /* spare, and what is too little */
	page[4] = 10;
	for (uint32_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		put(page, 32 + i * 16, &units[i], 8);
	return 512;
}

static uint32_t fill_firmware(uint8_t *page)
{
	page[0] = 1; /* the active slot */
	memset(page + 8, ' ', 8);
	put(page, 8, UVFIO_VERSION, strlen(UVFIO_VERSION));
	return 512;
}

/* And they are told of once. */
static uint32_t fill_changed(struct nvme_controller *nvme, uint8_t *page,
			     bool keep)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < nvme->namespace_count; i++) {
		struct nvme_namespace *ns = &nvme->namespaces[i];

		if (ns->has_changed)
			put(page, 4 * count++, &ns->id, 4);
		ns->has_changed &= keep;
	}
	return 4096;
}

static uint32_t fill_effects(uint8_t *page)
{
	static const struct {
		uint16_t at; /* commands of I/O queues from 256 on */
		uint32_t effects;
	} commands[] = {
		{NVME_ADMIN_DELETE_SQ, 1},
		{NVME_ADMIN_CREATE_SQ, 1},
		{NVME_ADMIN_GET_LOG, 1},
		{NVME_ADMIN_DELETE_CQ, 1},
		{NVME_ADMIN_CREATE_CQ, 1},
		{NVME_ADMIN_IDENTIFY, 1},
		{NVME_ADMIN_ABORT, 1},
		{NVME_ADMIN_SET_FEATURES, 1},
		{NVME_ADMIN_GET_FEATURES, 1},
		{NVME_ADMIN_ASYNC_EVENT, 1},
		{NVME_ADMIN_KEEP_ALIVE, 1},
		{NVME_ADMIN_DBBUF_CONFIG, 1},
		/* Changes data, and what the namespace can do; alone. */
		{NVME_ADMIN_FORMAT, 0x20007},
		{256 + NVME_IO_FLUSH, 1},
		{256 + NVME_IO_WRITE, 3},
		{256 + NVME_IO_READ, 1},
		{256 + NVME_IO_UNCORRECTABLE, 3},
		{256 + NVME_IO_COMPARE, 1},
		{256 + NVME_IO_WRITE_ZEROES, 3},
		{256 + NVME_IO_DSM, 3},
		{256 + NVME_IO_VERIFY, 1},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		put(page, commands[i].at * 4u, &commands[i].effects, 4);
	return 4096;
}

/* The bytes that a page has; 0: there is no such page. */
static uint32_t fill(struct nvme_controller *nvme, uint32_t log, bool keep,
		     uint8_t *page)
{
	switch (log) {
	case NVME_LOG_ERRORS:
		return fill_errors(nvme, page);
	case NVME_LOG_SMART:
		return fill_smart(nvme, page);
	case NVME_LOG_FIRMWARE:
		return fill_firmware(page);
	case NVME_LOG_CHANGED:
		return fill_changed(nvme, page, keep);
	case NVME_LOG_EFFECTS:
		return fill_effects(page);
	default:
		return 0;
	}
}

void nvme_log(struct nvme_controller *nvme, struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;
	uint32_t log = command->cdw10 & 0xff;
	bool keep = command->cdw10 & 1u << 15;
	uint64_t words = (uint64_t)(command->cdw11 & 0xffff) << 16 |
			 command->cdw10 >> 16;
	uint64_t offset = (uint64_t)command->cdw13 << 32 | command->cdw12;
	uint8_t page[LOG_MAX] = {0};
	uint64_t wanted = (words + 1) * 4;
	uint32_t size;

	/* SMART is of the controller, not of a namespace. */
	if (log == NVME_LOG_SMART && command->nsid &&
	    command->nsid != NVME_NSID_ALL) {
		nvme_complete(nvme, request, NVME_INVALID_FIELD);
		return;
	}
	size = fill(nvme, log, keep, page);
	if (!size || offset % 4 || offset > size) {
		nvme_complete(nvme, request,
			      size ? NVME_INVALID_FIELD : NVME_BAD_LOG);
		return;
	}
	if (wanted > size - offset)
		wanted = size - offset;
	if (!keep)
		nvme_event_rearm(nvme, log);
	if (!wanted)
		nvme_complete(nvme, request, NVME_OK);
	else
		nvme_answer(nvme, request, page + offset, (uint32_t)wanted);
}
