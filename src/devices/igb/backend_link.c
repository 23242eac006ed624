/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link=NAME: a cable to the other adapter that names it.
 *
 * The end that is plugged first makes the cable, the other finds it; both
 * hold a reference, so that neither touches the other's device memory.  Of
 * wires[n], end n is the producer and the other end the consumer.
 */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#include "backlog.h"
#include "igb.h"
#include "regs.h"
#include "wire.h"

struct cable {
	uint32_t refs;             /* atomic */
	bool is_listening[2];      /* atomic: the receiver of the end is on */
	bool is_stalled[2];        /* atomic: the end waits for room */
	struct igb_wire *wires[2]; /* immutable */
};

struct link {
	struct igb_backend backend;
	struct cable *cable; /* holds one reference */
	unsigned int end;
	struct igb_backlog backlog;
	bool is_lost; /* the reserved frame goes nowhere */
	uint8_t nowhere[IGB_FRAME_MAX + IGB_ETH_TAG];
};

static struct cable *cable_create(void)
{
	struct cable *cable = calloc(1, sizeof(*cable));

	if (!cable)
		return NULL;
	cable->refs = 1;
	cable->wires[0] = igb_wire_create();
	cable->wires[1] = igb_wire_create();
	if (!cable->wires[0] || !cable->wires[1]) {
		free(cable->wires[0]);
		free(cable->wires[1]);
		free(cable);
		return NULL;
	}
	return cable;
}

static void cable_put(struct cable *cable)
{
	if (__atomic_sub_fetch(&cable->refs, 1, __ATOMIC_ACQ_REL))
		return;
	free(cable->wires[0]);
	free(cable->wires[1]);
	free(cable);
}

static struct link *to_link(struct igb_backend *backend)
{
	return (struct link *)backend;
}

static struct igb_wire *link_out(struct link *link)
{
	return link->cable->wires[link->end];
}

static struct igb_wire *link_in(struct link *link)
{
	return link->cable->wires[!link->end];
}

static uint8_t *link_reserve(struct igb_backend *backend)
{
	struct link *link = to_link(backend);
	struct cable *cable = link->cable;
	uint8_t *frame;

	link->is_lost = !__atomic_load_n(&cable->is_listening[!link->end],
					 __ATOMIC_ACQUIRE);
	if (link->is_lost)
		return link->nowhere;

	frame = igb_wire_reserve(link_out(link));
	if (!frame) {
		/*
		 * Both sides exchange: whoever comes second sees what the
		 * first one did.  So either the peer wakes us, or the room
		 * it made is seen by asking again.
		 */
		(void)__atomic_exchange_n(&cable->is_stalled[link->end], true,
					  __ATOMIC_ACQ_REL);
		frame = igb_wire_reserve(link_out(link));
	}
	return frame;
}

static void link_send(struct igb_backend *backend, uint32_t length)
{
	struct link *link = to_link(backend);

	if (!link->is_lost)
		igb_wire_commit(link_out(link), length);
}

static const uint8_t *link_peek(struct igb_backend *backend,
				uint32_t *ret_length)
{
	struct link *link = to_link(backend);
	const uint8_t *frame = igb_backlog_peek(&link->backlog, ret_length);

	return frame ? frame : igb_wire_peek(link_in(link), ret_length);
}

static void link_pop(struct igb_backend *backend)
{
	struct link *link = to_link(backend);

	if (link->backlog.data)
		igb_backlog_pop(&link->backlog);
	else
		igb_wire_pop(link_in(link));
}

static void link_kick_peer(struct link *link)
{
	struct uvfio_dev *peer = uvfio_cable_peer(link->backend.dev);

	if (peer)
		uvfio_kick(peer);
}

static void link_flush(struct igb_backend *backend, bool sent, bool popped)
{
	struct link *link = to_link(backend);
	bool *is_stalled = &link->cable->is_stalled[!link->end];

	/* As in link_reserve(). */
	if (popped && __atomic_exchange_n(is_stalled, false, __ATOMIC_ACQ_REL))
		sent = true;
	if (sent)
		link_kick_peer(link);
}

static void link_listen(struct igb_backend *backend, bool on)
{
	struct link *link = to_link(backend);
	uint32_t length;

	/* What was on the wire while the receiver was off is gone. */
	__atomic_store_n(&link->cable->is_listening[link->end], false,
			 __ATOMIC_RELEASE);
	while (link_peek(backend, &length))
		link_pop(backend);
	__atomic_store_n(&link->cable->is_listening[link->end], on,
			 __ATOMIC_RELEASE);
	link_flush(backend, false, true);
}

static void link_idle(struct igb_backend *backend)
{
	(void)backend;
}

static bool link_has_carrier(struct igb_backend *backend)
{
	return uvfio_cable_peer(backend->dev);
}

/* What this side sent is the other's. */
static void link_walk(struct igb_backend *backend, struct uvfio_state *state)
{
	struct link *link = to_link(backend);

	igb_backlog_walk(&link->backlog, link_in(link), state);
}

static void link_destroy(struct igb_backend *backend)
{
	struct link *link = to_link(backend);

	if (!link)
		return;
	link_listen(backend, false);
	cable_put(link->cable);
	free(link);
}

static const struct igb_backend_ops link_ops = {
	.reserve = link_reserve,
	.send = link_send,
	.peek = link_peek,
	.pop = link_pop,
	.listen = link_listen,
	.flush = link_flush,
	.idle = link_idle,
	.has_carrier = link_has_carrier,
	.walk = link_walk,
	.destroy = link_destroy,
};

/* Take the free end of the cable that the peer has. */
static bool link_join(struct link *link, struct uvfio_dev *peer)
{
	struct igb *igb = uvfio_priv(peer);
	struct link *other;

	if (!igb->backend || igb->backend->ops != &link_ops)
		return false;
	other = to_link(igb->backend);
	__atomic_add_fetch(&other->cable->refs, 1, __ATOMIC_RELAXED);
	link->cable = other->cable;
	link->end = !other->end;
	return true;
}

/* Say why uvfio_cable_plug() refused. */
static void plug_explain(struct uvfio_error *err, const char *name, int error)
{
	if (error == -EBUSY)
		uvfio_error_set(err,
				"link=%s has two ends already; a cable joins "
				"two devices",
				name);
	else if (error == -EINVAL)
		uvfio_error_set(err,
				"link=%s ends in a device of another model; "
				"igb joins igb",
				name);
	else
		uvfio_error_set(err, "link=%s: %s", name, strerror(-error));
}

int igb_backend_create_link(struct uvfio_dev *dev, const char *name,
			    struct igb_backend **ret_backend,
			    struct uvfio_error *err)
{
	struct uvfio_dev *peer;
	struct link *link;
	int ret;

	if (!*name) {
		uvfio_error_set(err, "link= needs the name of a cable, the "
				     "same for both ends");
		return -EINVAL;
	}
	ret = uvfio_cable_plug(dev, name);
	if (ret) {
		plug_explain(err, name, ret);
		return ret;
	}

	link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	peer = uvfio_cable_peer(dev);
	if (!peer)
		link->cable = cable_create();
	if (peer ? !link_join(link, peer) : !link->cable) {
		free(link);
		return -ENOMEM;
	}
	link->backend.ops = &link_ops;
	link->backend.dev = dev;
	*ret_backend = &link->backend;
	return 0;
}
