/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "front/control_private.h"

#define READ_SIZE 4096
/* How long a socket rests that has no descriptor left to accept with. */
#define REST_MS 1000

const char *uvf_control_path(const struct uvf_control *control)
{
	return control->path;
}

void uvf_control_wake(struct uvf_control *control)
{
	const uint64_t one = 1;

	(void)!write(control->wake, &one, sizeof(one));
}

bool uvf_control_reserve(struct uvf_control_bytes *bytes, size_t more)
{
	size_t size = bytes->size ? bytes->size : READ_SIZE;
	char *data;

	while (size - bytes->len < more)
		size *= 2;
	if (size == bytes->size)
		return true;
	data = uvf_realloc(bytes->data, size);
	if (!data)
		return false;
	bytes->data = data;
	bytes->size = size;
	return true;
}

struct uvf_control_client *uvf_control_find_locked(struct uvf_control *control,
						   uint64_t serial)
{
	struct uvf_list *node;

	uvf_assert_held(&control->lock);
	uvf_list_for_each (node, &control->clients) {
		struct uvf_control_client *client =
			uvf_list_entry(node, struct uvf_control_client, node);

		if (client->serial == serial)
			return client;
	}
	return NULL;
}

static void drop_client(struct uvf_control *control,
			struct uvf_control_client *client)
{
	uvf_lock(&control->lock);
	uvf_list_remove(&client->node);
	control->client_count--;
	uvf_unlock(&control->lock);
	close(client->fd);
	uvf_free(client->in.data);
	uvf_free(client->out.data);
	uvf_free(client);
}

/* The one that has been silent for longest and waits for nothing. */
static void drop_idle(struct uvf_control *control)
{
	struct uvf_control_client *idle = NULL;
	struct uvf_list *node;

	uvf_lock(&control->lock);
	uvf_list_for_each (node, &control->clients) {
		struct uvf_control_client *client =
			uvf_list_entry(node, struct uvf_control_client, node);

		if (!client->jobs && (!idle || client->heard < idle->heard))
			idle = client;
	}
	uvf_unlock(&control->lock);
	if (idle)
		drop_client(control, idle);
}

static void read_comm(struct uvf_control_client *client)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)client->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, client->comm, sizeof(client->comm) - 1);
	close(fd);
	client->comm[n > 0 ? n : 0] = '\0';
	client->comm[strcspn(client->comm, "\n")] = '\0';
}

/* The mode of the socket says the same, but not in every file system. */
static bool may_control(int fd, pid_t *ret_pid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	*ret_pid = cred.pid;
	return !cred.uid || cred.uid == geteuid();
}

static void add_client(struct uvf_control *control, int fd)
{
	struct uvf_control_client *client = NULL;
	pid_t pid;

	if (control->client_count == UVF_CONTROL_CLIENTS)
		drop_idle(control);
	if (may_control(fd, &pid) &&
	    control->client_count < UVF_CONTROL_CLIENTS)
		client = uvf_zalloc(sizeof(*client));
	if (!client) {
		close(fd);
		return;
	}
	client->fd = fd;
	client->pid = pid;
	client->serial = control->next_serial++;
	client->heard = control->round;
	read_comm(client);
	uvf_lock(&control->lock);
	uvf_list_append(&control->clients, &client->node);
	control->client_count++;
	uvf_unlock(&control->lock);
}

/* False when the socket should rest: no descriptor or memory is left. */
static bool accept_clients(struct uvf_control *control)
{
	for (unsigned int i = 0; i < UVF_CONTROL_CLIENTS; i++) {
		int fd = accept4(control->listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return errno == EAGAIN || errno == EINTR ||
			       errno == ECONNABORTED;
		add_client(control, fd);
	}
	return true;
}

/* Each whole line of what was read. */
static void split_lines(struct uvf_control *control,
			struct uvf_control_client *client)
{
	struct uvf_control_bytes *in = &client->in;
	size_t start = 0;

	for (;;) {
		char *line = in->data + start;
		char *end = memchr(line, '\n', in->len - start);

		if (!end)
			break;
		if (end > line)
			uvf_control_handle(control, client, line,
					   (size_t)(end - line));
		start += (size_t)(end - line) + 1;
	}
	memmove(in->data, in->data + start, in->len - start);
	in->len -= start;
	if (in->len >= UVF_CONTROL_REQUEST_MAX) {
		uvf_control_refuse_length(control, client);
		client->is_finished = true;
		in->len = 0;
	}
}

static void set_broken(struct uvf_control *control,
		       struct uvf_control_client *client)
{
	uvf_lock(&control->lock);
	client->is_broken = true;
	uvf_unlock(&control->lock);
}

static void hear_client(struct uvf_control *control,
			struct uvf_control_client *client)
{
	struct uvf_control_bytes *in = &client->in;
	ssize_t n;

	if (!uvf_control_reserve(in, READ_SIZE)) {
		set_broken(control, client);
		return;
	}
	n = read(client->fd, in->data + in->len, READ_SIZE);
	if (n > 0) {
		in->len += (size_t)n;
		client->heard = control->round;
		split_lines(control, client);
	} else if (!n) {
		/* It may still wait for answers. */
		client->is_finished = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		set_broken(control, client);
	}
}

static void flush_locked(struct uvf_control *control,
			 struct uvf_control_client *client)
	UVF_REQUIRES(control->lock)
{
	struct uvf_control_bytes *out = &client->out;
	ssize_t n;

	uvf_assert_held(&control->lock);
	if (!out->len)
		return;
	n = send(client->fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client->is_broken = true;
		return;
	}
	memmove(out->data, out->data + n, out->len - (size_t)n);
	out->len -= (size_t)n;
}

/* Sends what is there, and lets those go who are done. */
static void serve_clients(struct uvf_control *control)
{
	struct uvf_list *node, *tmp;

	uvf_list_for_each_safe (node, tmp, &control->clients) {
		struct uvf_control_client *client =
			uvf_list_entry(node, struct uvf_control_client, node);
		bool is_done;

		uvf_lock(&control->lock);
		flush_locked(control, client);
		is_done = client->is_broken ||
			  (client->is_finished && !client->jobs &&
			   !client->out.len);
		uvf_unlock(&control->lock);
		if (is_done)
			drop_client(control, client);
	}
}

/* The listener, the eventfd, and each client, in the order of the list. */
static nfds_t fill_pollfds(struct uvf_control *control, struct pollfd *pfds,
			   bool is_resting)
{
	struct uvf_list *node;
	nfds_t count = 2;

	uvf_lock(&control->lock);
	pfds[0] = (struct pollfd){.fd = is_resting || control->is_stopping
						? -1
						: control->listener,
				  .events = POLLIN};
	pfds[1] = (struct pollfd){.fd = control->wake, .events = POLLIN};
	uvf_list_for_each (node, &control->clients) {
		struct uvf_control_client *client =
			uvf_list_entry(node, struct uvf_control_client, node);
		short events = 0;

		if (!client->is_finished && !control->is_stopping)
			events |= POLLIN;
		if (client->out.len)
			events |= POLLOUT;
		pfds[count++] =
			(struct pollfd){.fd = client->fd, .events = events};
	}
	uvf_unlock(&control->lock);
	return count;
}

static void hear_clients(struct uvf_control *control, const struct pollfd *pfds)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &control->clients) {
		struct uvf_control_client *client =
			uvf_list_entry(node, struct uvf_control_client, node);
		short revents = (pfds++)->revents;

		if (revents & POLLIN)
			hear_client(control, client);
		else if (revents & (POLLHUP | POLLERR | POLLNVAL))
			set_broken(control, client);
	}
}

static bool is_stopping(struct uvf_control *control)
{
	bool ret;

	uvf_lock(&control->lock);
	ret = control->is_stopping;
	uvf_unlock(&control->lock);
	return ret;
}

static void *control_main(void *arg)
{
	struct uvf_control *control = arg;
	struct pollfd pfds[2 + UVF_CONTROL_CLIENTS];
	bool is_resting = false;
	uint64_t count;

	while (!uvf_control_reap(control) || !is_stopping(control)) {
		nfds_t nfds = fill_pollfds(control, pfds, is_resting);

		if (poll(pfds, nfds, is_resting ? REST_MS : -1) < 0)
			continue;
		control->round++;
		if (pfds[1].revents)
			(void)!read(control->wake, &count, sizeof(count));
		hear_clients(control, pfds + 2);
		is_resting = pfds[0].revents && !accept_clients(control);
		serve_clients(control);
	}
	return NULL;
}

/* A socket of a process that had our number; one that lives stays. */
static bool is_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0)
		return false;
	is_refused =
		connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
		errno == ECONNREFUSED;
	close(fd);
	return is_refused;
}

static int listen_at(struct uvf_control *control, const char *dir)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int len = snprintf(control->path, sizeof(control->path),
			   "%s/uvfio-ctl.%d", dir, (int)getpid());
	int fd, ret = 0;

	if (len < 0 || (size_t)len >= sizeof(control->path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, control->path, (size_t)len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The file gets the mode of the socket: nobody else may ever open. */
	if (fchmod(fd, 0600))
		ret = -errno;
	if (!ret && bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		ret = -errno;
	if (ret == -EADDRINUSE && is_stale(&addr) && !unlink(control->path))
		ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno
								       : 0;
	if (ret) {
		close(fd);
		return ret;
	}
	if (listen(fd, UVF_CONTROL_CLIENTS)) {
		ret = -errno;
		(void)unlink(control->path);
		close(fd);
		return ret;
	}
	control->listener = fd;
	return 0;
}

static int make_socket(struct uvf_control *control)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (dir && *dir == '/' && !listen_at(control, dir))
		return 0;
	return listen_at(control, "/tmp");
}

int uvf_control_create(struct uvf_control **ret_control,
		       const struct uvf_control_method *methods, void *arg)
{
	struct uvf_control *control = uvf_zalloc(sizeof(*control));
	int ret;

	if (!control)
		return -ENOMEM;
	control->methods = methods;
	control->arg = arg;
	control->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = control->wake < 0 ? -errno : make_socket(control);
	if (ret) {
		if (control->wake >= 0)
			close(control->wake);
		uvf_free(control);
		return ret;
	}
	uvf_list_init(&control->clients);
	uvf_list_init(&control->jobs);
	uvf_mutex_init(&control->lock);
	*ret_control = control;
	return 0;
}

int uvf_control_start(struct uvf_control *control)
{
	int ret = pthread_create(&control->thread, NULL, control_main, control);

	control->is_started = !ret;
	return -ret;
}

void uvf_control_destroy(struct uvf_control *control)
{
	struct uvf_list *node, *tmp;

	if (!control)
		return;
	(void)unlink(control->path);
	if (control->is_started) {
		uvf_lock(&control->lock);
		control->is_stopping = true;
		uvf_unlock(&control->lock);
		uvf_control_wake(control);
		pthread_join(control->thread, NULL);
	}
	serve_clients(control);
	uvf_list_for_each_safe (node, tmp, &control->clients)
		drop_client(
			control,
			uvf_list_entry(node, struct uvf_control_client, node));
	close(control->listener);
	close(control->wake);
	uvf_mutex_fini(&control->lock);
	uvf_free(control);
}
