/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two halves of the control socket share: control.c has the socket
 * and the bytes, control_rpc.c the requests.
 */
#ifndef UVF_FRONT_CONTROL_PRIVATE_H
#define UVF_FRONT_CONTROL_PRIVATE_H

#include <pthread.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "front/control.h"

/* Bytes of one request, its newline included. */
#define UVF_CONTROL_REQUEST_MAX 65536
/* Bytes of answers that a client may leave unread. */
#define UVF_CONTROL_UNREAD_MAX (1024 * 1024)
/* Who is connected at the same time; the longest silent one has to go. */
#define UVF_CONTROL_CLIENTS 32
/* Requests that wait at the same time. */
#define UVF_CONTROL_JOBS 64

struct uvf_control_bytes {
	char *data;
	size_t len;
	size_t size;
};

struct uvf_control_client {
	struct uvf_list node;
	uint64_t serial; /* no other client ever has it */
	int fd;
	pid_t pid;
	char comm[16];
	uint64_t heard;              /* when it spoke last, counted in rounds */
	bool is_finished;            /* it says nothing more */
	struct uvf_control_bytes in; /* of the serving thread */

	/* Under the lock of the control: */
	struct uvf_control_bytes out;
	bool is_broken; /* it is to be hung up on */
	unsigned int jobs;
};

struct uvf_control_job {
	struct uvf_list node;
	struct uvf_control *control;
	const struct uvf_control_method *method;
	struct uvf_control_call call;
	json_t *request; /* holds the parameters */
	json_t *id;      /* NULL: no answer is wanted */
	uint64_t serial; /* of the client */
	pthread_t thread;
	bool has_ended; /* under the lock of the control */
};

struct uvf_control {
	const struct uvf_control_method *methods;
	void *arg;
	char path[108]; /* as long as struct sockaddr_un has room */
	int listener;
	int wake; /* eventfd: a job has something to say */
	pthread_t thread;
	bool is_started;
	struct uvf_list clients; /* changed by the serving thread only */
	unsigned int client_count;
	uint64_t next_serial;
	uint64_t round;

	struct uvf_mutex lock; /* protects what follows, out of a client too */
	struct uvf_list jobs;
	unsigned int job_count;
	bool is_stopping;
};

/* One line of a client, without its newline. */
void uvf_control_handle(struct uvf_control *control,
			struct uvf_control_client *client, const char *line,
			size_t len);

/* Answers a line that was too long to be read. */
void uvf_control_refuse_length(struct uvf_control *control,
			       struct uvf_control_client *client);

/* Joins the threads of the jobs that have ended.  Whether none is left. */
bool uvf_control_reap(struct uvf_control *control);

/* Queues an answer, whose reference it takes; NULL breaks the client. */
void uvf_control_send_locked(struct uvf_control *control,
			     struct uvf_control_client *client, json_t *message)
	UVF_REQUIRES(control->lock);

/* The client of a serial, or NULL when it is gone. */
struct uvf_control_client *uvf_control_find_locked(struct uvf_control *control,
						   uint64_t serial)
	UVF_REQUIRES(control->lock);

/* Let the serving thread look at jobs and clients. */
void uvf_control_wake(struct uvf_control *control);

/* Room for more bytes; false when there is no memory. */
bool uvf_control_reserve(struct uvf_control_bytes *bytes, size_t more);

#endif /* UVF_FRONT_CONTROL_PRIVATE_H */
