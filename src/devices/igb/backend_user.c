/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * user=on: a network of the adapter's own, with a DHCP server and a router
 * that is this process.  What the driver sends to an address becomes a
 * socket of the ordinary kind; 10.0.2.2 is the host's own loopback.  No
 * rights are needed.
 *
 * libslirp does the work.  It is not made for several threads, and has
 * state that all instances share: one lock for all of them.
 */
#include "backend.h"

#include <errno.h>

#include <poll.h>
#include <pthread.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvfio/device.h>

#include "igb.h"

#define PERIOD_NS   1000000ull /* between looks at the sockets */
#define SLOTS       256u       /* frames that wait for the receiver */
#define SLOT_SIZE   2048u
#define SOCKETS_MAX 256u /* open; more are refused to the driver */
#define POLLS_MAX   512u

#define TYPE_IPV4    0x0800u
#define PROTOCOL_TCP 6
#define TCP_FLAGS    13 /* in its header */
#define TCP_SYN      0x02u

struct slot {
	uint32_t length;
	uint8_t frame[SLOT_SIZE];
};

struct user {
	struct igb_backend backend;
	Slirp *slirp;
	bool is_listening;
	unsigned int sockets; /* open now */
	unsigned int poll_count;
	struct pollfd polls[POLLS_MAX];
	uint8_t room[IGB_FRAME_MAX + IGB_ETH_TAG];
	uint64_t written; /* both only grow */
	uint64_t consumed;
	struct slot slots[SLOTS];
};

static pthread_mutex_t slirp_lock = PTHREAD_MUTEX_INITIALIZER;

static struct user *to_user(struct igb_backend *backend)
{
	return (struct user *)backend;
}

/* A frame for the adapter; what has no room is lost, as on a wire. */
static ssize_t from_slirp(const void *frame, size_t length, void *opaque)
{
	struct user *user = opaque;
	struct slot *slot = &user->slots[user->written % SLOTS];

	if (!user->is_listening || length > SLOT_SIZE ||
	    user->written - user->consumed == SLOTS)
		return (ssize_t)length;
	memcpy(slot->frame, frame, length);
	slot->length = (uint32_t)length;
	if (length < IGB_ETH_MIN) {
		memset(slot->frame + length, 0, IGB_ETH_MIN - length);
		slot->length = IGB_ETH_MIN;
	}
	user->written++;
	uvfio_kick(user->backend.dev);
	return (ssize_t)length;
}

static void on_guest_error(const char *text, void *opaque)
{
	(void)text;
	(void)opaque;
}

static int64_t on_clock(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Timers are for announcing IPv6 routers, of which there is none. */
static void *on_timer_new(SlirpTimerCb callback, void *argument, void *opaque)
{
	(void)callback;
	(void)argument;
	return opaque;
}

static void on_timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void on_timer_mod(void *timer, int64_t at, void *opaque)
{
	(void)timer;
	(void)at;
	(void)opaque;
}

static void on_open(int fd, void *opaque)
{
	struct user *user = opaque;

	(void)fd;
	user->sockets++;
}

static void on_close(int fd, void *opaque)
{
	struct user *user = opaque;

	(void)fd;
	if (user->sockets)
		user->sockets--;
}

static void on_notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = from_slirp,
	.guest_error = on_guest_error,
	.clock_get_ns = on_clock,
	.timer_new = on_timer_new,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.register_poll_fd = on_open,
	.unregister_poll_fd = on_close,
	.notify = on_notify,
};

static int add_poll(int fd, int events, void *opaque)
{
	struct user *user = opaque;
	struct pollfd *entry;

	if (user->poll_count == POLLS_MAX)
		return -1;
	entry = &user->polls[user->poll_count];
	*entry = (struct pollfd){.fd = fd};
	if (events & SLIRP_POLL_IN)
		entry->events |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		entry->events |= POLLOUT;
	if (events & SLIRP_POLL_PRI)
		entry->events |= POLLPRI;
	return (int)user->poll_count++;
}

static int get_revents(int index, void *opaque)
{
	struct user *user = opaque;
	int revents = 0;
	int ret = 0;

	if (index < 0 || (unsigned int)index >= user->poll_count)
		return 0;
	revents = user->polls[index].revents;
	if (revents & POLLIN)
		ret |= SLIRP_POLL_IN;
	if (revents & POLLOUT)
		ret |= SLIRP_POLL_OUT;
	if (revents & POLLPRI)
		ret |= SLIRP_POLL_PRI;
	if (revents & POLLERR)
		ret |= SLIRP_POLL_ERR;
	if (revents & POLLHUP)
		ret |= SLIRP_POLL_HUP;
	return ret;
}

/* Whatever the sockets have, without waiting. */
static void serve_sockets(struct user *user)
{
	uint32_t timeout = 0;
	int ret;

	pthread_mutex_lock(&slirp_lock);
	user->poll_count = 0;
	slirp_pollfds_fill(user->slirp, &timeout, add_poll, user);
	ret = poll(user->polls, user->poll_count, 0);
	slirp_pollfds_poll(user->slirp, ret < 0, get_revents, user);
	pthread_mutex_unlock(&slirp_lock);
}

static void user_tick(struct igb_backend *backend)
{
	struct user *user = to_user(backend);

	if (!user->is_listening)
		return;
	serve_sockets(user);
	uvfio_timer_set(backend->dev, IGB_TIMER_BACKEND, PERIOD_NS);
}

static uint8_t *user_reserve(struct igb_backend *backend)
{
	return to_user(backend)->room;
}

/* Whether the frame may need a socket that is not open yet. */
static bool may_open(const uint8_t *frame, uint32_t length)
{
	uint32_t ip = IGB_ETH_HEADER;
	uint32_t tcp;

	if (length < ip + 20 ||
	    ((uint32_t)frame[12] << 8 | frame[13]) != TYPE_IPV4)
		return false;
	tcp = ip + (frame[ip] & 0x0fu) * 4;
	if (frame[ip + 9] != PROTOCOL_TCP || length <= tcp + TCP_FLAGS)
		return true;
	return frame[tcp + TCP_FLAGS] & TCP_SYN;
}

static void user_send(struct igb_backend *backend, uint32_t length)
{
	struct user *user = to_user(backend);

	if (user->sockets >= SOCKETS_MAX && may_open(user->room, length))
		return;
	pthread_mutex_lock(&slirp_lock);
	slirp_input(user->slirp, user->room, (int)length);
	pthread_mutex_unlock(&slirp_lock);
}

static const uint8_t *user_peek(struct igb_backend *backend,
				uint32_t *ret_length)
{
	struct user *user = to_user(backend);
	struct slot *slot = &user->slots[user->consumed % SLOTS];

	if (user->consumed == user->written)
		return NULL;
	*ret_length = slot->length;
	return slot->frame;
}

static void user_pop(struct igb_backend *backend)
{
	to_user(backend)->consumed++;
}

static void user_listen(struct igb_backend *backend, bool on)
{
	struct user *user = to_user(backend);

	user->is_listening = on;
	user->consumed = user->written;
	uvfio_timer_set(backend->dev, IGB_TIMER_BACKEND, on ? PERIOD_NS : 0);
}

/* What was sent makes room in windows: more can come at once. */
static void user_flush(struct igb_backend *backend, bool sent, bool popped)
{
	(void)popped;
	if (sent)
		serve_sockets(to_user(backend));
}

static void user_idle(struct igb_backend *backend)
{
	(void)backend;
}

static bool user_has_carrier(struct igb_backend *backend)
{
	(void)backend;
	return true;
}

static void user_destroy(struct igb_backend *backend)
{
	struct user *user = to_user(backend);

	if (!user)
		return;
	user->is_listening = false;
	pthread_mutex_lock(&slirp_lock);
	slirp_cleanup(user->slirp);
	pthread_mutex_unlock(&slirp_lock);
	free(user);
}

static const struct igb_backend_ops user_ops = {
	.reserve = user_reserve,
	.send = user_send,
	.peek = user_peek,
	.pop = user_pop,
	.listen = user_listen,
	.flush = user_flush,
	.idle = user_idle,
	.has_carrier = user_has_carrier,
	.tick = user_tick,
	.destroy = user_destroy,
};

/* The addresses that QEMU's user network has, too. */
static Slirp *network_create(struct user *user)
{
	SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(0x0a000200),    /* 10.0.2.0 */
		.vnetmask.s_addr = htonl(0xffffff00),    /* /24 */
		.vhost.s_addr = htonl(0x0a000202),       /* 10.0.2.2 */
		.vdhcp_start.s_addr = htonl(0x0a00020f), /* 10.0.2.15 */
		.vnameserver.s_addr = htonl(0x0a000203), /* 10.0.2.3 */
	};
	Slirp *slirp;

	pthread_mutex_lock(&slirp_lock);
	slirp = slirp_new(&config, &callbacks, user);
	pthread_mutex_unlock(&slirp_lock);
	return slirp;
}

int igb_backend_create_user(struct uvfio_dev *dev,
			    struct igb_backend **ret_backend)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user)
		return -ENOMEM;
	user->slirp = network_create(user);
	if (!user->slirp) {
		free(user);
		return -ENOMEM;
	}
	user->backend.ops = &user_ops;
	user->backend.dev = dev;
	*ret_backend = &user->backend;
	return 0;
}
