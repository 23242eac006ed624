/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Get Features and Set Features.  Section 5.21; nothing outlives a reset, so
 * that nothing can be saved.
 */
#include <string.h>

#include <uvfio/device.h>

#include "nvme.h"

#define SELECT_CURRENT      0u
#define SELECT_CAPABILITIES 3u
#define CHANGEABLE          4u         /* of the capabilities */
#define SAVE                (1u << 31) /* of CDW10 */

#define OVER_DEFAULT 343u /* kelvin; as Identify says */
#define MS_NS        1000000u

/* All but the clock. */
static void set_defaults(const struct nvme_controller *nvme,
			 struct nvme_features *features)
{
	features->arbitration = 0;
	features->power = 0;
	features->recovery = 0;
	features->events = NVME_EVENTS_CHANGED;
	features->coalescing = 0;
	features->over_temperature = OVER_DEFAULT;
	features->under_temperature = 0;
	features->keep_alive_ms = 0;
	features->queues = nvme->queue_limit;
	features->has_cache = nvme->begins_cached;
	memset(features->is_uncoalesced, 0, sizeof(features->is_uncoalesced));
}

void nvme_features_reset(struct nvme_controller *nvme)
{
	set_defaults(nvme, &nvme->features);
}

static bool has_feature(uint32_t id)
{
	switch (id) {
	case NVME_FEATURE_ARBITRATION:
	case NVME_FEATURE_POWER:
	case NVME_FEATURE_TEMPERATURE:
	case NVME_FEATURE_RECOVERY:
	case NVME_FEATURE_QUEUES:
	case NVME_FEATURE_COALESCING:
	case NVME_FEATURE_VECTOR:
	case NVME_FEATURE_ATOMICITY:
	case NVME_FEATURE_EVENTS:
	case NVME_FEATURE_TIMESTAMP:
	case NVME_FEATURE_KEEP_ALIVE:
	case NVME_FEATURE_CACHE:
		return true;
	default:
		return false;
	}
}

static uint16_t get_temperature(const struct nvme_features *features,
				const struct nvme_command *command,
				uint32_t *ret_value)
{
	uint32_t sensor = command->cdw11 >> 16 & 0xf;
	uint32_t type = command->cdw11 >> 20 & 3;

	if (sensor || type > 1)
		return NVME_INVALID_FIELD;
	*ret_value =
		type ? features->under_temperature : features->over_temperature;
	return NVME_OK;
}

static uint16_t get_vector(const struct nvme_features *features,
			   const struct nvme_command *command,
			   uint32_t *ret_value)
{
	uint32_t vector = command->cdw11 & 0xffff;

	if (vector >= NVME_VECTORS)
		return NVME_INVALID_FIELD;
	/* The admin queue's messages are never kept back. */
	*ret_value = vector;
	if (!vector || features->is_uncoalesced[vector])
		*ret_value |= 1u << 16;
	return NVME_OK;
}

static uint16_t get(const struct nvme_features *features,
		    const struct nvme_command *command, uint32_t *ret_value)
{
	switch (command->cdw10 & 0xff) {
	case NVME_FEATURE_ARBITRATION:
		*ret_value = features->arbitration;
		return NVME_OK;
	case NVME_FEATURE_POWER:
		*ret_value = features->power;
		return NVME_OK;
	case NVME_FEATURE_TEMPERATURE:
		return get_temperature(features, command, ret_value);
	case NVME_FEATURE_RECOVERY:
		*ret_value = features->recovery;
		return NVME_OK;
	case NVME_FEATURE_CACHE:
		*ret_value = features->has_cache;
		return NVME_OK;
	case NVME_FEATURE_QUEUES:
		*ret_value =
			(features->queues - 1) << 16 | (features->queues - 1);
		return NVME_OK;
	case NVME_FEATURE_COALESCING:
		*ret_value = features->coalescing;
		return NVME_OK;
	case NVME_FEATURE_VECTOR:
		return get_vector(features, command, ret_value);
	case NVME_FEATURE_ATOMICITY:
		*ret_value = 0;
		return NVME_OK;
	case NVME_FEATURE_EVENTS:
		*ret_value = features->events;
		return NVME_OK;
	case NVME_FEATURE_KEEP_ALIVE:
		*ret_value = features->keep_alive_ms;
		return NVME_OK;
	default:
		return NVME_INVALID_FIELD;
	}
}

/* Eight bytes: milliseconds, and how they came to be. */
static void get_timestamp(struct nvme_controller *nvme,
			  struct nvme_request *request)
{
	const struct nvme_features *features = &nvme->features;
	uint64_t since = features->is_timestamp_set ? features->timestamp_ns
						    : nvme->smart.started_ns;
	uint64_t value = features->timestamp + (nvme_now() - since) / MS_NS;

	value &= (UINT64_C(1) << 48) - 1;
	if (features->is_timestamp_set)
		value |= UINT64_C(1) << 49; /* set by a host */
	nvme_answer(nvme, request, &value, sizeof(value));
}

void nvme_features_get(struct nvme_controller *nvme,
		       struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;
	uint32_t id = command->cdw10 & 0xff;
	uint32_t select = command->cdw10 >> 8 & 7;
	struct nvme_features initial;
	uint16_t status = NVME_OK;

	if (!has_feature(id) || select > SELECT_CAPABILITIES) {
		nvme_complete(nvme, request, NVME_INVALID_FIELD);
		return;
	}
	if (select == SELECT_CAPABILITIES) {
		request->result = id == NVME_FEATURE_ATOMICITY ? 0 : CHANGEABLE;
	} else if (id == NVME_FEATURE_TIMESTAMP) {
		get_timestamp(nvme, request);
		return;
	} else if (select == SELECT_CURRENT) {
		status = get(&nvme->features, command, &request->result);
	} else {
		/* What is saved is what there is without saving. */
		set_defaults(nvme, &initial);
		status = get(&initial, command, &request->result);
	}
	nvme_complete(nvme, request, status);
}

void nvme_temperature_check(struct nvme_controller *nvme)
{
	const struct nvme_features *features = &nvme->features;

	if (NVME_TEMPERATURE >= features->over_temperature ||
	    NVME_TEMPERATURE <= features->under_temperature)
		nvme_event(nvme, NVME_EVENT_TEMPERATURE);
}

static uint16_t set_temperature(struct nvme_controller *nvme, uint32_t value)
{
	uint32_t sensor = value >> 16 & 0xf;
	uint32_t type = value >> 20 & 3;

	/* One sensor, or all of them. */
	if ((sensor && sensor != 0xf) || type > 1)
		return NVME_INVALID_FIELD;
	if (type)
		nvme->features.under_temperature = (uint16_t)value;
	else
		nvme->features.over_temperature = (uint16_t)value;
	nvme_temperature_check(nvme);
	return NVME_OK;
}

/* Only before there is any queue for I/O. */
static uint16_t set_queues(struct nvme_controller *nvme,
			   struct nvme_request *request, uint32_t value)
{
	uint32_t submissions = value & 0xffff;
	uint32_t completions = value >> 16;
	uint32_t given;

	for (uint32_t i = 1; i < nvme->queue_end; i++)
		if (nvme->sqs[i].exists || nvme->cqs[i].exists)
			return NVME_COMMAND_SEQUENCE;
	if (submissions == 0xffff || completions == 0xffff)
		return NVME_INVALID_FIELD;
	given = (submissions > completions ? submissions : completions) + 1;
	if (given > nvme->queue_limit)
		given = nvme->queue_limit;
	nvme->features.queues = given;
	request->result = (given - 1) << 16 | (given - 1);
	return NVME_OK;
}

static uint16_t set_vector(struct nvme_controller *nvme, uint32_t value)
{
	uint32_t vector = value & 0xffff;

	if (vector >= NVME_VECTORS)
		return NVME_INVALID_FIELD;
	nvme->features.is_uncoalesced[vector] = value >> 16 & 1;
	return NVME_OK;
}

static uint16_t set_timestamp(struct nvme_controller *nvme,
			      struct nvme_request *request)
{
	uint64_t value = 0;
	uint16_t status = nvme_data_map(nvme, request, sizeof(value), false);

	if (!status)
		status = nvme_data_from_host(nvme, request, 0, &value,
					     sizeof(value));
	if (status)
		return status;
	nvme->features.timestamp = value & ((UINT64_C(1) << 48) - 1);
	nvme->features.timestamp_ns = nvme_now();
	nvme->features.is_timestamp_set = true;
	return NVME_OK;
}

static uint16_t set_keep_alive(struct nvme_controller *nvme, uint32_t value)
{
	/* In steps of the granularity, one second. */
	uint64_t ms = ((uint64_t)value + 999) / 1000 * 1000;

	nvme->features.keep_alive_ms =
		ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
	uvfio_timer_set(nvme->dev, NVME_TIMER_KEEP_ALIVE, ms * MS_NS);
	return NVME_OK;
}

/* What was cached is written before writes are no longer. */
static void done_cache(struct nvme_controller *nvme,
		       struct nvme_request *request)
{
	if (request->io.result) {
		nvme_complete(nvme, request, NVME_WRITE_FAULT);
		return;
	}
	nvme->features.has_cache = request->command.cdw11 & 1;
	nvme_complete(nvme, request, NVME_OK);
}

static uint16_t set(struct nvme_controller *nvme, struct nvme_request *request)
{
	struct nvme_features *features = &nvme->features;
	uint32_t value = request->command.cdw11;

	switch (request->command.cdw10 & 0xff) {
	case NVME_FEATURE_ARBITRATION:
		features->arbitration = value;
		return NVME_OK;
	case NVME_FEATURE_POWER:
		if (value & 0x1f) /* there is one state */
			return NVME_INVALID_FIELD;
		features->power = value;
		return NVME_OK;
	case NVME_FEATURE_TEMPERATURE:
		return set_temperature(nvme, value);
	case NVME_FEATURE_RECOVERY:
		features->recovery = value & 0xffff;
		return NVME_OK;
	case NVME_FEATURE_QUEUES:
		return set_queues(nvme, request, value);
	case NVME_FEATURE_COALESCING:
		features->coalescing = value & 0xffff;
		return NVME_OK;
	case NVME_FEATURE_VECTOR:
		return set_vector(nvme, value);
	case NVME_FEATURE_EVENTS:
		features->events = value;
		return NVME_OK;
	case NVME_FEATURE_TIMESTAMP:
		return set_timestamp(nvme, request);
	case NVME_FEATURE_KEEP_ALIVE:
		return set_keep_alive(nvme, value);
	default:
		return NVME_NOT_CHANGEABLE;
	}
}

/*
 * None of the features is.  But drivers switch the cache as if it were, and
 * drives take that.
 */
static bool is_of_namespace(struct nvme_controller *nvme,
			    const struct nvme_command *command)
{
	if (!command->nsid || command->nsid == NVME_NSID_ALL)
		return false;
	return (command->cdw10 & 0xff) != NVME_FEATURE_CACHE ||
	       !nvme_namespace_find(nvme, command->nsid);
}

void nvme_features_set(struct nvme_controller *nvme,
		       struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;
	uint32_t id = command->cdw10 & 0xff;

	if (!has_feature(id))
		nvme_complete(nvme, request, NVME_INVALID_FIELD);
	else if (command->cdw10 & SAVE)
		nvme_complete(nvme, request, NVME_NOT_SAVEABLE);
	else if (is_of_namespace(nvme, command))
		nvme_complete(nvme, request, NVME_NOT_OF_NAMESPACE);
	else if (id == NVME_FEATURE_CACHE)
		nvme_io_submit(nvme, request, NVME_BACKEND_FLUSH, 0, 0,
			       done_cache);
	else
		nvme_complete(nvme, request, set(nvme, request));
}
