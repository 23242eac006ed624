/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of the admin queue, but Identify, Get Log Page and the features.
 */
#include <string.h>

#include <uvfio/device.h>

#include "nvme.h"

/* The types of events, as they are in the low bits. */
#define EVENT_TYPE(event) ((event)&7)

static uint16_t create_cq(struct nvme_controller *nvme,
			  const struct nvme_command *command)
{
	uint32_t id = command->cdw10 & 0xffff;
	uint32_t count = (command->cdw10 >> 16) + 1;
	uint32_t vector = command->cdw11 >> 16;

	if (!id || id > nvme->features.queues || nvme->cqs[id].exists)
		return NVME_BAD_QID;
	if (count < 2 || count > NVME_ENTRIES_MAX)
		return NVME_BAD_QUEUE_SIZE;
	if (!(command->cdw11 & NVME_QUEUE_CONTIGUOUS) ||
	    NVME_CC_IOCQES(nvme->cc) != 4)
		return NVME_INVALID_FIELD;
	if (command->prp1 % nvme->page)
		return NVME_PRP_OFFSET;
	if (vector >= NVME_VECTORS)
		return NVME_BAD_VECTOR;
	nvme_cq_create(nvme, id, command->prp1, count, (uint16_t)vector,
		       command->cdw11 & NVME_CQ_IEN);
	return NVME_OK;
}

static uint16_t create_sq(struct nvme_controller *nvme,
			  const struct nvme_command *command)
{
	uint32_t id = command->cdw10 & 0xffff;
	uint32_t count = (command->cdw10 >> 16) + 1;
	uint32_t cq_id = command->cdw11 >> 16;

	if (!id || id > nvme->features.queues || nvme->sqs[id].exists)
		return NVME_BAD_QID;
	if (!cq_id || cq_id > nvme->features.queues || !nvme->cqs[cq_id].exists)
		return NVME_BAD_CQ;
	if (count < 2 || count > NVME_ENTRIES_MAX)
		return NVME_BAD_QUEUE_SIZE;
	if (!(command->cdw11 & NVME_QUEUE_CONTIGUOUS) ||
	    NVME_CC_IOSQES(nvme->cc) != 6)
		return NVME_INVALID_FIELD;
	if (command->prp1 % nvme->page)
		return NVME_PRP_OFFSET;
	nvme_sq_create(nvme, id, command->prp1, count, (uint16_t)cq_id);
	return NVME_OK;
}

static uint16_t delete_cq(struct nvme_controller *nvme,
			  const struct nvme_command *command)
{
	uint32_t id = command->cdw10 & 0xffff;

	if (!id || id > NVME_QUEUES_MAX || !nvme->cqs[id].exists)
		return NVME_BAD_QID;
	if (nvme->cqs[id].users)
		return NVME_BAD_QUEUE_DELETION;
	memset(&nvme->cqs[id], 0, sizeof(nvme->cqs[id]));
	nvme_interrupt_pin(nvme);
	return NVME_OK;
}

static void delete_sq(struct nvme_controller *nvme,
		      struct nvme_request *request)
{
	uint32_t id = request->command.cdw10 & 0xffff;

	if (!id || id > NVME_QUEUES_MAX || !nvme->sqs[id].exists ||
	    nvme->sqs[id].deletion) {
		nvme_complete(nvme, request, NVME_BAD_QID);
		return;
	}
	nvme_sq_delete(nvme, &nvme->sqs[id], request);
}

/*
 * A command that waits for an event can be taken back; any other is finished
 * before an abort could reach it.
 */
static void abort_command(struct nvme_controller *nvme,
			  struct nvme_request *request)
{
	uint32_t sq_id = request->command.cdw10 & 0xffff;
	uint32_t cid = request->command.cdw10 >> 16;

	request->result = 1; /* not aborted */
	for (uint32_t i = 0; !sq_id && i < nvme->event_count; i++) {
		struct nvme_request *waiting = nvme->events[i];

		if (waiting->command.cid != cid)
			continue;
		nvme->events[i] = nvme->events[--nvme->event_count];
		nvme_complete(nvme, waiting, NVME_ABORTED);
		request->result = 0;
		break;
	}
	nvme_complete(nvme, request, NVME_OK);
}

/* Whether the host wants to hear of events of this kind. */
static bool is_wanted(const struct nvme_controller *nvme, uint32_t event)
{
	if (event == NVME_EVENT_CHANGED)
		return nvme->features.events & NVME_EVENTS_CHANGED;
	if (event == NVME_EVENT_TEMPERATURE)
		return nvme->features.events & NVME_EVENTS_TEMPERATURE;
	return true;
}

static void deliver(struct nvme_controller *nvme, uint32_t event)
{
	struct nvme_request *request = nvme->events[0];

	memmove(nvme->events, nvme->events + 1,
		--nvme->event_count * sizeof(nvme->events[0]));
	request->result = event;
	nvme->told |= 1u << EVENT_TYPE(event);
	nvme_complete(nvme, request, NVME_OK);
}

/* Each type waits until its log was read. */
static void deliver_pending(struct nvme_controller *nvme)
{
	for (uint32_t i = 0; i < nvme->pending_count && nvme->event_count;) {
		uint32_t event = nvme->pending[i];

		if (nvme->told & 1u << EVENT_TYPE(event)) {
			i++;
			continue;
		}
		memmove(nvme->pending + i, nvme->pending + i + 1,
			(--nvme->pending_count - i) * sizeof(event));
		deliver(nvme, event);
	}
}

void nvme_event(struct nvme_controller *nvme, uint32_t event)
{
	const uint32_t room =
		(uint32_t)(sizeof(nvme->pending) / sizeof(nvme->pending[0]));

	if (!nvme_is_ready(nvme) || !is_wanted(nvme, event))
		return;
	for (uint32_t i = 0; i < nvme->pending_count; i++)
		if (nvme->pending[i] == event)
			return;
	if (nvme->pending_count < room)
		nvme->pending[nvme->pending_count++] = event;
	deliver_pending(nvme);
}

void nvme_event_rearm(struct nvme_controller *nvme, uint32_t log)
{
	/* The types 0, 1 and 2 have the logs of errors, SMART and changes. */
	const uint32_t type = log == NVME_LOG_ERRORS  ? 0
			      : log == NVME_LOG_SMART ? 1
						      : 2;

	nvme->told &= ~(1u << type);
	deliver_pending(nvme);
}

static void wait_for_event(struct nvme_controller *nvme,
			   struct nvme_request *request)
{
	if (nvme->event_count == NVME_EVENTS_MAX) {
		nvme_complete(nvme, request, NVME_EVENT_LIMIT);
		return;
	}
	nvme->events[nvme->event_count++] = request;
	deliver_pending(nvme);
}

/* Doorbells in memory, for hosts to whom a true one is expensive. */
static uint16_t configure_doorbells(struct nvme_controller *nvme,
				    const struct nvme_command *command)
{
	if (command->prp1 % nvme->page || command->prp2 % nvme->page)
		return NVME_INVALID_FIELD;
	nvme->shadow = command->prp1;
	nvme->event_index = command->prp2;
	for (uint32_t i = 1; i < nvme->queue_end; i++)
		nvme->sqs[i].told = nvme->sqs[i].count;
	return NVME_OK;
}

static void done_format(struct nvme_controller *nvme,
			struct nvme_request *request);

/* Erase the namespaces that are meant, one after another. */
static void format_next(struct nvme_controller *nvme,
			struct nvme_request *request)
{
	struct nvme_namespace *ns = request->ns;

	nvme_io_submit(nvme, request, NVME_BACKEND_DISCARD, ns->offset,
		       ns->size, done_format);
}

static void done_format(struct nvme_controller *nvme,
			struct nvme_request *request)
{
	struct nvme_namespace *ns = request->ns;

	if (request->io.result) {
		nvme_complete(nvme, request, NVME_WRITE_FAULT);
		return;
	}
	nvme_namespace_format(ns, request->command.cdw10 & 0xf);
	ns->has_changed = true;
	if (request->command.nsid == NVME_NSID_ALL &&
	    ns->id < nvme->namespace_count) {
		request->ns = ns + 1;
		format_next(nvme, request);
		return;
	}
	nvme_complete(nvme, request, NVME_OK);
	nvme_event(nvme, NVME_EVENT_CHANGED);
}

static void format(struct nvme_controller *nvme, struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;
	uint32_t index = command->cdw10 & 0xf;
	uint32_t erase = command->cdw10 >> 9 & 7;
	uint16_t status = NVME_OK;

	request->ns = command->nsid == NVME_NSID_ALL
			      ? nvme->namespaces
			      : nvme_namespace_find(nvme, command->nsid);
	if (!request->ns)
		status = NVME_INVALID_NAMESPACE;
	else if (nvme->is_read_only)
		status = NVME_WRITE_PROTECTED;
	/* No metadata, no protection, no erasure by cryptography. */
	else if (index >= NVME_FORMATS || command->cdw10 & 0x1f0 || erase > 1)
		status = NVME_BAD_FORMAT;
	else if (request->ns->size % 4096 && index)
		status = NVME_BAD_FORMAT;
	if (status) {
		nvme_complete(nvme, request, status);
		return;
	}
	format_next(nvme, request);
}

static uint16_t keep_alive(struct nvme_controller *nvme)
{
	uint32_t ms = nvme->features.keep_alive_ms;

	uvfio_timer_set(nvme->dev, NVME_TIMER_KEEP_ALIVE,
			ms * UINT64_C(1000000));
	return NVME_OK;
}

void nvme_admin(struct nvme_controller *nvme, struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;

	/* Neither fused commands nor SGLs. */
	if (command->flags) {
		nvme_complete(nvme, request, NVME_INVALID_FIELD);
		return;
	}
	switch (command->opcode) {
	case NVME_ADMIN_DELETE_SQ:
		delete_sq(nvme, request);
		break;
	case NVME_ADMIN_CREATE_SQ:
		nvme_complete(nvme, request, create_sq(nvme, command));
		break;
	case NVME_ADMIN_GET_LOG:
		nvme_log(nvme, request);
		break;
	case NVME_ADMIN_DELETE_CQ:
		nvme_complete(nvme, request, delete_cq(nvme, command));
		break;
	case NVME_ADMIN_CREATE_CQ:
		nvme_complete(nvme, request, create_cq(nvme, command));
		break;
	case NVME_ADMIN_IDENTIFY:
		nvme_identify(nvme, request);
		break;
	case NVME_ADMIN_ABORT:
		abort_command(nvme, request);
		break;
	case NVME_ADMIN_SET_FEATURES:
		nvme_features_set(nvme, request);
		break;
	case NVME_ADMIN_GET_FEATURES:
		nvme_features_get(nvme, request);
		break;
	case NVME_ADMIN_ASYNC_EVENT:
		wait_for_event(nvme, request);
		break;
	case NVME_ADMIN_KEEP_ALIVE:
		nvme_complete(nvme, request, keep_alive(nvme));
		break;
	case NVME_ADMIN_DBBUF_CONFIG:
		nvme_complete(nvme, request,
			      configure_doorbells(nvme, command));
		break;
	case NVME_ADMIN_FORMAT:
		format(nvme, request);
		break;
	default:
		nvme_complete(nvme, request, NVME_INVALID_OPCODE);
		break;
	}
}
