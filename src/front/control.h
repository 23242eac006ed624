/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket of a run: requests from outside the program to the
 * machine, as JSON-RPC 2.0, one object on each line.
 *
 * The socket belongs to the user who runs it, and only that user and root are
 * heard.  Whatever they send, a client can be hung up on and nothing more: it
 * has bounded room for what it says and for what it does not fetch.
 *
 * Methods that may wait for somebody run on a thread of their own, others on
 * the thread that serves the socket.
 */
#ifndef UVF_FRONT_CONTROL_H
#define UVF_FRONT_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include <uvfio/device.h>

struct uvf_control;

/* One request. */
struct uvf_control_call {
	const json_t *params; /* an object of strings, as the method asks */
	pid_t pid;            /* who asks */
	char comm[16];
	json_t *result; /* set by the method; its reference is taken */
	struct uvfio_error err;
};

#define UVF_CONTROL_PARAMS 2

struct uvf_control_method {
	const char *name;
	const char *params[UVF_CONTROL_PARAMS + 1]; /* NULL ends */
	bool may_wait;
	/* 0 and a result (NULL: null), or a negative errno and err. */
	int (*call)(void *arg, struct uvf_control_call *call);
};

/**
 * uvf_control_create() - make the socket; nobody is served yet
 * @methods: ends with a NULL name; not copied
 * @arg:     for the methods
 *
 * It is in $XDG_RUNTIME_DIR, or in /tmp, and is named by this process.
 *
 * Return: 0, -ENOMEM, or why there can be no such file.
 */
int uvf_control_create(struct uvf_control **ret_control,
		       const struct uvf_control_method *methods, void *arg);

/**
 * uvf_control_start() - serve, on a thread
 * Return: 0 or -EAGAIN.
 */
int uvf_control_start(struct uvf_control *control);

/* The path of the socket. */
const char *uvf_control_path(const struct uvf_control *control);

/**
 * uvf_control_pending() - the requests that wait
 * Return: a new array of objects with method, params and pid, or NULL out of
 * memory.
 */
json_t *uvf_control_pending(struct uvf_control *control);

/* Removes the socket, and waits for the requests that wait.  Takes NULL. */
void uvf_control_destroy(struct uvf_control *control);

#endif /* UVF_FRONT_CONTROL_H */
