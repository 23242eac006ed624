/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues: commands are fetched from the host's memory in batches, completions
 * are posted the same way.
 *
 * Doorbells are memory that the host stores to at any time; each is loaded
 * once and checked after that.
 */
#include <stdlib.h>
#include <string.h>

#include <uvfio/pci.h>

#include "image.h"
#include "nvme.h"

_Static_assert(sizeof(struct nvme_command) == 64, "as in memory");
_Static_assert(sizeof(struct nvme_completion) == 16, "as in memory");

/* What a request may keep for the next one. */
#define BUFFER_KEPT 65536u

/* Of queue @id, that of submissions or of completions. */
static uint32_t *doorbell(struct nvme_controller *nvme, uint32_t id,
			  bool is_completion)
{
	return (uint32_t *)(void *)(nvme->doorbells + id * 8 +
				    is_completion * 4);
}

/* Doorbells of queues for I/O may be in the host's memory. */
static bool load(struct nvme_controller *nvme, uint32_t id, bool is_completion,
		 uint32_t *ret_value)
{
	uint32_t offset = id * 8 + is_completion * 4;

	if (nvme->shadow && id)
		return !nvme_memory_read(nvme, nvme->shadow + offset, ret_value,
					 sizeof(*ret_value));
	*ret_value = __atomic_load_n(doorbell(nvme, id, is_completion),
				     __ATOMIC_ACQUIRE);
	return true;
}

/*
 * The host rings the true doorbell only when it passes the event index: say
 * how far we have looked, and look again.
 */
static bool load_tail(struct nvme_controller *nvme, struct nvme_sq *sq,
		      uint32_t *ret_tail)
{
	uint32_t offset = sq->id * 8u;

	if (!load(nvme, sq->id, false, ret_tail))
		return false;
	if (!nvme->shadow || !sq->id || *ret_tail != sq->tail ||
	    sq->told == sq->tail)
		return true;
	sq->told = sq->tail;
	return !nvme_memory_write(nvme, nvme->event_index + offset, &sq->told,
				  sizeof(sq->told)) &&
	       load(nvme, sq->id, false, ret_tail);
}

/* False: there is nothing new, or nothing that can be. */
static bool update_tail(struct nvme_controller *nvme, struct nvme_sq *sq)
{
	uint32_t tail;

	if (!load_tail(nvme, sq, &tail)) {
		nvme_fail(nvme);
		return false;
	}
	if (tail >= sq->count) {
		if (sq->bad_tail != tail)
			nvme_event(nvme, NVME_EVENT_BAD_VALUE);
		sq->bad_tail = tail;
		return sq->head != sq->tail;
	}
	sq->bad_tail = 0;
	sq->tail = tail;
	return sq->head != sq->tail;
}

static uint32_t distance(const struct nvme_cq *cq, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + cq->count - from;
}

static void update_head(struct nvme_controller *nvme, struct nvme_cq *cq)
{
	uint32_t head;

	if (!load(nvme, cq->id, true, &head)) {
		nvme_fail(nvme);
		return;
	}
	if (head == cq->head)
		return;
	/* Only what was posted can be taken. */
	if (head >= cq->count ||
	    distance(cq, cq->head, head) > distance(cq, cq->head, cq->tail)) {
		if (cq->bad_head != head)
			nvme_event(nvme, NVME_EVENT_BAD_VALUE);
		cq->bad_head = head;
		return;
	}
	cq->bad_head = 0;
	cq->head = head;
	if (head == cq->tail)
		cq->unsignalled = 0;
	nvme_interrupt_pin(nvme);
}

static struct nvme_request *request_take(struct nvme_controller *nvme,
					 struct nvme_sq *sq)
{
	struct nvme_request *request = nvme->unused;

	nvme->unused = request->next;
	request->prev = nvme->under_way.prev;
	request->next = &nvme->under_way;
	request->prev->next = request;
	nvme->under_way.prev = request;
	request->sq_id = sq->id;
	request->result = 0;
	request->status = NVME_OK;
	request->segment_count = 0;
	request->size = 0;
	request->ns = NULL;
	sq->under_way++;
	return request;
}

static void request_unlink(struct nvme_request *request)
{
	request->prev->next = request->next;
	request->next->prev = request->prev;
}

static void request_release(struct nvme_controller *nvme,
			    struct nvme_request *request)
{
	if (request->buffer_size > BUFFER_KEPT) {
		free(request->buffer);
		request->buffer = NULL;
		request->io.buffer = NULL;
		request->buffer_size = 0;
	}
	request->next = nvme->unused;
	nvme->unused = request;
}

void nvme_complete(struct nvme_controller *nvme, struct nvme_request *request,
		   uint16_t status)
{
	struct nvme_cq *cq = &nvme->cqs[nvme->sqs[request->sq_id].cq_id];

	request_unlink(request);
	request->status = status;
	request->next = NULL;
	if (status)
		nvme_log_error(nvme, request, status);
	if (cq->last)
		cq->last->next = request;
	else
		cq->first = request;
	cq->last = request;
}

/* The last of a queue that is deleted was posted. */
static void finish_deletion(struct nvme_controller *nvme, struct nvme_sq *sq)
{
	struct nvme_request *deletion = sq->deletion;

	nvme->cqs[sq->cq_id].users--;
	memset(sq, 0, sizeof(*sq));
	nvme_complete(nvme, deletion, NVME_OK);
}

/* Up to a block of completions, as far as there is room without a wrap. */
static uint32_t gather(struct nvme_controller *nvme, struct nvme_cq *cq,
		       struct nvme_completion *block)
{
	uint32_t room = cq->count - 1 - distance(cq, cq->head, cq->tail);
	uint32_t count = 0;

	if (room > cq->count - cq->tail)
		room = cq->count - cq->tail;
	for (; cq->first && count < room && count < NVME_FETCH; count++) {
		struct nvme_request *request = cq->first;
		struct nvme_sq *sq = &nvme->sqs[request->sq_id];

		block[count] = (struct nvme_completion){
			.result = request->result,
			.sq_head = (uint16_t)sq->head,
			.sq_id = sq->id,
			.cid = request->command.cid,
			.status = (uint16_t)(request->status << 1 | cq->phase),
		};
		cq->first = request->next;
		if (!cq->first)
			cq->last = NULL;
		sq->under_way--;
		request_release(nvme, request);
		if (sq->deletion && !sq->under_way)
			finish_deletion(nvme, sq);
	}
	return count;
}

/* True: something was posted. */
static bool post(struct nvme_controller *nvme, struct nvme_cq *cq)
{
	struct nvme_completion block[NVME_FETCH];
	bool did_post = false;

	while (cq->first) {
		uint32_t count = gather(nvme, cq, block);

		if (!count)
			break;
		if (nvme_memory_write(nvme,
				      cq->base + cq->tail * sizeof(*block),
				      block, count * sizeof(*block))) {
			nvme_fail(nvme);
			return false;
		}
		cq->tail += count;
		cq->unsignalled += count;
		if (cq->tail == cq->count) {
			cq->tail = 0;
			cq->phase = !cq->phase;
		}
		did_post = true;
	}
	if (did_post)
		nvme_interrupt(nvme, cq);
	return did_post;
}

/* Deletions finish on the admin queue, which comes last for this. */
static bool post_all(struct nvme_controller *nvme)
{
	bool did_post = false;

	for (uint32_t i = nvme->queue_end; i-- && nvme_is_ready(nvme);) {
		struct nvme_cq *cq = &nvme->cqs[i];

		if (!cq->exists)
			continue;
		update_head(nvme, cq);
		did_post |= post(nvme, cq);
	}
	return did_post;
}

static void execute(struct nvme_controller *nvme, struct nvme_sq *sq,
		    const struct nvme_command *command)
{
	struct nvme_request *request = request_take(nvme, sq);

	request->command = *command;
	if (sq->id)
		nvme_io_command(nvme, request);
	else
		nvme_admin(nvme, request);
}

static uint32_t count_unused(const struct nvme_controller *nvme, uint32_t max)
{
	const struct nvme_request *request = nvme->unused;
	uint32_t count = 0;

	for (; request && count < max; request = request->next)
		count++;
	return count;
}

/* One block of commands; the number of them. */
static uint32_t fetch(struct nvme_controller *nvme, struct nvme_sq *sq)
{
	struct nvme_command block[NVME_FETCH];
	uint32_t count = sq->tail > sq->head ? sq->tail - sq->head
					     : sq->count - sq->head;

	count = count_unused(nvme, count < NVME_FETCH ? count : NVME_FETCH);
	if (!count)
		return 0;
	if (nvme_memory_read(nvme, sq->base + sq->head * sizeof(*block), block,
			     count * sizeof(*block))) {
		nvme_fail(nvme);
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		sq->head = (sq->head + 1) % sq->count;
		execute(nvme, sq, &block[i]);
		/* What an admin command can end, ends. */
		if (!sq->exists || !nvme_is_ready(nvme))
			return i + 1;
	}
	return count;
}

static bool serve(struct nvme_controller *nvme, struct nvme_sq *sq)
{
	uint32_t done = 0;
	uint32_t count;

	do {
		if (!update_tail(nvme, sq))
			break;
		count = fetch(nvme, sq);
		done += count;
	} while (count && done < NVME_BATCH && nvme_is_ready(nvme) &&
		 sq->exists && !sq->deletion);
	return done;
}

bool nvme_queues_reap(struct nvme_controller *nvme)
{
	struct nvme_io *io;
	bool did_reap = false;

	while (nvme->in_backend && (io = nvme->image->ops->reap(nvme->image))) {
		did_reap = true;
		nvme_io_done(nvme, io);
	}
	return did_reap;
}

bool nvme_queues_poll(struct nvme_controller *nvme)
{
	bool did_work = nvme_queues_reap(nvme);

	did_work |= post_all(nvme);
	for (uint32_t i = 0; i < nvme->queue_end && nvme_is_ready(nvme); i++)
		if (nvme->sqs[i].exists && !nvme->sqs[i].deletion)
			did_work |= serve(nvme, &nvme->sqs[i]);
	if (nvme->in_backend)
		nvme->image->ops->flush(nvme->image);
	if (nvme_is_ready(nvme))
		did_work |= post_all(nvme);
	return did_work;
}

static void note_end(struct nvme_controller *nvme, uint32_t id)
{
	if (id >= nvme->queue_end)
		nvme->queue_end = id + 1;
}

void nvme_sq_create(struct nvme_controller *nvme, uint32_t id, uint64_t base,
		    uint32_t count, uint16_t cq_id)
{
	nvme->sqs[id] = (struct nvme_sq){
		.exists = true,
		.id = (uint16_t)id,
		.cq_id = cq_id,
		.base = base,
		.count = count,
		.told = count,
	};
	nvme->cqs[cq_id].users++;
	*doorbell(nvme, id, false) = 0;
	note_end(nvme, id);
}

void nvme_cq_create(struct nvme_controller *nvme, uint32_t id, uint64_t base,
		    uint32_t count, uint16_t vector, bool interrupts)
{
	nvme->cqs[id] = (struct nvme_cq){
		.exists = true,
		.interrupts = interrupts,
		.phase = true,
		.id = (uint16_t)id,
		.vector = vector,
		.base = base,
		.count = count,
	};
	*doorbell(nvme, id, true) = 0;
	note_end(nvme, id);
}

void nvme_sq_delete(struct nvme_controller *nvme, struct nvme_sq *sq,
		    struct nvme_request *request)
{
	sq->deletion = request;
	if (!sq->under_way)
		finish_deletion(nvme, sq);
}

/* Nothing of it may be posted any more. */
static void drop_all(struct nvme_controller *nvme)
{
	for (uint32_t i = 0; i < nvme->queue_end; i++) {
		struct nvme_cq *cq = &nvme->cqs[i];

		while (cq->first) {
			struct nvme_request *request = cq->first;

			cq->first = request->next;
			request_release(nvme, request);
		}
	}
	while (nvme->under_way.next != &nvme->under_way) {
		struct nvme_request *request = nvme->under_way.next;

		request_unlink(request);
		request_release(nvme, request);
	}
}

/* Waits until the image has nothing of ours. */
static void drain(struct nvme_controller *nvme)
{
	if (nvme->in_backend)
		nvme->image->ops->flush(nvme->image);
	while (nvme->in_backend)
		if (!nvme_queues_reap(nvme))
			nvme->image->ops->wait(nvme->image);
}

static void done_shutdown(struct nvme_controller *nvme,
			  struct nvme_request *request)
{
	if (request->io.result)
		nvme_fail(nvme);
}

void nvme_queues_flush(struct nvme_controller *nvme)
{
	struct nvme_request request = {.command.opcode = NVME_IO_FLUSH};

	if (nvme->is_read_only)
		return;
	drain(nvme);
	nvme_io_submit(nvme, &request, NVME_BACKEND_FLUSH, 0, 0, done_shutdown);
	drain(nvme);
}

void nvme_queues_stop(struct nvme_controller *nvme)
{
	nvme->is_stopping = true;
	drain(nvme);
	nvme->is_stopping = false;
	drop_all(nvme);
	memset(nvme->sqs, 0, sizeof(nvme->sqs));
	memset(nvme->cqs, 0, sizeof(nvme->cqs));
	memset(nvme->doorbells, 0, 0x1000);
	memset(nvme->events, 0, sizeof(nvme->events));
	nvme->queue_end = 0;
	nvme->event_count = 0;
	nvme->pending_count = 0;
	nvme->told = 0;
	nvme->shadow = 0;
	nvme->event_index = 0;
	nvme->is_coalescing = false;
	uvfio_timer_set(nvme->dev, NVME_TIMER_COALESCING, 0);
	uvfio_intx_set(nvme->dev, false);
}
