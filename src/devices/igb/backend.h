/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where frames come from and where they go: what the plug of the adapter is
 * put into.  Frames have no frame check sequence.
 *
 * Context: all of it runs with the device's lock held.
 */
#ifndef UVF_DEVICES_IGB_BACKEND_H
#define UVF_DEVICES_IGB_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

struct igb_backend;
struct uvfio_dev;
struct uvfio_error;
struct uvfio_state;

struct igb_backend_ops {
	/*
	 * Room to write one frame of IGB_FRAME_MAX bytes and one tag;
	 * NULL: full, wait.  Asking again before send() gives the same.
	 */
	uint8_t *(*reserve)(struct igb_backend *backend);
	/* The frame in the reserved room leaves, @length bytes of it. */
	void (*send)(struct igb_backend *backend, uint32_t length);
	/* The next frame, which stays until pop(); NULL: none. */
	const uint8_t *(*peek)(struct igb_backend *backend,
			       uint32_t *ret_length);
	void (*pop)(struct igb_backend *backend);
	/*
	 * The receiver goes on or off.  What cannot wait for a receiver is
	 * lost while it is off.
	 */
	void (*listen)(struct igb_backend *backend, bool on);
	/* A batch ended in which frames were sent or popped. */
	void (*flush)(struct igb_backend *backend, bool sent, bool popped);
	/* Nothing is left to do for now. */
	void (*idle)(struct igb_backend *backend);
	bool (*has_carrier)(struct igb_backend *backend);
	/* The timer IGB_TIMER_BACKEND ran out; NULL: never set. */
	void (*tick)(struct igb_backend *backend);
	/*
	 * Frames on their way to the adapter, and where an input stands.
	 * NULL: the adapter cannot be moved.
	 */
	void (*walk)(struct igb_backend *backend, struct uvfio_state *state);
	void (*destroy)(struct igb_backend *backend);
};

/* The first member of each kind's own structure. */
struct igb_backend {
	const struct igb_backend_ops *ops;
	struct uvfio_dev *dev;
	bool is_replay; /* frames come from a file and can wait */
	bool takes_all; /* they are for the adapter whatever their address */
};

/* Each returns a negative errno and says why; on success the caller owns. */
int igb_backend_create_pcap(struct uvfio_dev *dev, const char *in,
			    const char *out, bool takes_all,
			    struct igb_backend **ret_backend,
			    struct uvfio_error *err);
int igb_backend_create_link(struct uvfio_dev *dev, const char *name,
			    struct igb_backend **ret_backend,
			    struct uvfio_error *err);
int igb_backend_create_user(struct uvfio_dev *dev,
			    struct igb_backend **ret_backend);
/* What is sent is received: MAC and PHY loopback. */
int igb_backend_create_loop(struct uvfio_dev *dev,
			    struct igb_backend **ret_backend);

#endif /* UVF_DEVICES_IGB_BACKEND_H */
