/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>

#include "backlog.h"
#include "wire.h"

struct loop {
	struct igb_backend backend;
	struct igb_wire *wire;
	struct igb_backlog backlog;
};

static struct igb_wire *loop_wire(struct igb_backend *backend)
{
	return ((struct loop *)backend)->wire;
}

static uint8_t *loop_reserve(struct igb_backend *backend)
{
	return igb_wire_reserve(loop_wire(backend));
}

static void loop_send(struct igb_backend *backend, uint32_t length)
{
	igb_wire_commit(loop_wire(backend), length);
}

static const uint8_t *loop_peek(struct igb_backend *backend,
				uint32_t *ret_length)
{
	const uint8_t *frame = igb_backlog_peek(
		&((struct loop *)backend)->backlog, ret_length);

	return frame ? frame : igb_wire_peek(loop_wire(backend), ret_length);
}

static void loop_pop(struct igb_backend *backend)
{
	struct loop *loop = (struct loop *)backend;

	if (loop->backlog.data)
		igb_backlog_pop(&loop->backlog);
	else
		igb_wire_pop(loop->wire);
}

static void loop_listen(struct igb_backend *backend, bool on)
{
	uint32_t length;

	(void)on;
	while (loop_peek(backend, &length))
		loop_pop(backend);
}

static void loop_flush(struct igb_backend *backend, bool sent, bool popped)
{
	(void)backend;
	(void)sent;
	(void)popped;
}

static void loop_idle(struct igb_backend *backend)
{
	(void)backend;
}

static bool loop_has_carrier(struct igb_backend *backend)
{
	(void)backend;
	return true;
}

static void loop_walk(struct igb_backend *backend, struct uvfio_state *state)
{
	struct loop *loop = (struct loop *)backend;

	igb_backlog_walk(&loop->backlog, loop->wire, state);
}

static void loop_destroy(struct igb_backend *backend)
{
	struct loop *loop = (struct loop *)backend;

	if (!loop)
		return;
	igb_backlog_drop(&loop->backlog);
	free(loop->wire);
	free(loop);
}

static const struct igb_backend_ops loop_ops = {
	.reserve = loop_reserve,
	.send = loop_send,
	.peek = loop_peek,
	.pop = loop_pop,
	.listen = loop_listen,
	.flush = loop_flush,
	.idle = loop_idle,
	.has_carrier = loop_has_carrier,
	.walk = loop_walk,
	.destroy = loop_destroy,
};

int igb_backend_create_loop(struct uvfio_dev *dev,
			    struct igb_backend **ret_backend)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->wire = igb_wire_create();
	if (!loop->wire) {
		free(loop);
		return -ENOMEM;
	}
	loop->backend.ops = &loop_ops;
	loop->backend.dev = dev;
	*ret_backend = &loop->backend;
	return 0;
}
