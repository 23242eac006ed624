/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/capability.h"
#include "core/file.h"
#include "front/supervisor/eventfds.h"
#include "front/supervisor/fds.h"
#include "front/supervisor/inject.h"
#include "front/supervisor/mmio_space.h"
#include "mem/peer.h"

#define BUCKETS   64
#define PAGE_SIZE 4096U
#define BASES_MAX 32

struct uvf_clients {
	int epoll; /* pidfds; data is the client */
	struct uvf_mutex lock;
	struct uvf_list table[BUCKETS]; /* struct uvf_client, by pid */

	struct uvf_mutex bases_lock; /* a leaf; protects what follows */
	uint64_t bases[BASES_MAX];   /* where agents were put, lately */
	unsigned int next_base;
};

int uvf_clients_create(struct uvf_clients **ret_clients)
{
	struct uvf_clients *clients = uvf_zalloc(sizeof(*clients));
	int ret;

	if (!clients)
		return -ENOMEM;
	clients->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (clients->epoll < 0) {
		ret = -errno;
		uvf_free(clients);
		return ret;
	}
	uvf_mutex_init(&clients->lock);
	uvf_mutex_init(&clients->bases_lock);
	for (size_t i = 0; i < BUCKETS; i++)
		uvf_list_init(&clients->table[i]);
	*ret_clients = clients;
	return 0;
}

struct uvf_client *uvf_client_get(struct uvf_client *client)
{
	uvf_ref_get(&client->ref);
	return client;
}

void uvf_client_put(struct uvf_client *client)
{
	if (!client || !uvf_ref_put(&client->ref))
		return;
	uvf_mm_put(client->mm);
	uvf_client_space_put(client->space);
	uvf_mutex_fini(&client->lock);
	close(client->pidfd);
	uvf_free(client);
}

void uvf_clients_destroy(struct uvf_clients *clients)
{
	struct uvf_list *node;
	struct uvf_list *tmp;

	if (!clients)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		uvf_list_for_each_safe (node, tmp, &clients->table[i]) {
			uvf_list_remove(node);
			uvf_client_put(
				uvf_list_entry(node, struct uvf_client, node));
		}
	}
	close(clients->epoll);
	uvf_mutex_fini(&clients->lock);
	uvf_mutex_fini(&clients->bases_lock);
	uvf_free(clients);
}

int uvf_clients_fd(const struct uvf_clients *clients)
{
	return clients->epoll;
}

static bool has_ended(int pidfd)
{
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

/* The client leaves the table; its number may be given to another now. */
static void forget_locked(struct uvf_clients *clients,
			  struct uvf_client *client)
{
	(void)epoll_ctl(clients->epoll, EPOLL_CTL_DEL, client->pidfd, NULL);
	atomic_store(&client->is_gone, true);
	uvf_list_remove(&client->node);
	uvf_client_put(client);
}

void uvf_clients_reap(struct uvf_clients *clients)
{
	struct epoll_event event;

	uvf_lock(&clients->lock);
	while (epoll_wait(clients->epoll, &event, 1, 0) == 1)
		forget_locked(clients, event.data.ptr);
	uvf_unlock(&clients->lock);
}

/* What /proc/TID/status tells about a thread's process. */
struct status {
	pid_t tgid;
	uid_t uid;             /* real */
	uint64_t capabilities; /* effective */
	bool is_traced;
};

static int read_status(pid_t tid, struct status *ret_status)
{
	char path[64];
	char text[4096];
	const char *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	p = strstr(text, "\nTgid:");
	if (!p)
		return -ESRCH;
	ret_status->tgid = (pid_t)strtol(p + 6, NULL, 10);
	p = strstr(text, "\nUid:");
	ret_status->uid = p ? (uid_t)strtoul(p + 5, NULL, 10) : 0;
	p = strstr(text, "\nCapEff:");
	ret_status->capabilities = p ? strtoull(p + 8, NULL, 16) : 0;
	p = strstr(text, "\nTracerPid:");
	ret_status->is_traced = p && strtol(p + 11, NULL, 10);
	return 0;
}

/* Rights in a user namespace of its own are none here. */
static bool is_in_our_user_namespace(pid_t tid)
{
	char path[64];
	char own[64];
	char its[64];
	ssize_t n = readlink("/proc/self/ns/user", own, sizeof(own));
	ssize_t m;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)tid);
	m = readlink(path, its, sizeof(its));
	return n > 0 && n == m && !memcmp(own, its, (size_t)n);
}

static uint64_t rights_of(pid_t tid, const struct status *status)
{
	return is_in_our_user_namespace(tid) ? status->capabilities : 0;
}

bool uvf_client_has_rawio(pid_t tid)
{
	struct status status;

	return !read_status(tid, &status) &&
	       rights_of(tid, &status) & (1ULL << CAP_SYS_RAWIO);
}

static void set_rights(struct uvf_client *client, pid_t tid,
		       const struct status *status)
{
	uint64_t rights = rights_of(tid, status);

	client->has_rawio = rights & (1ULL << CAP_SYS_RAWIO);
	client->has_sys_resource = rights & (1ULL << CAP_SYS_RESOURCE);
}

static struct uvf_client *client_create(pid_t tid, const struct status *status)
{
	struct uvf_client *client = uvf_zalloc(sizeof(*client));

	if (!client)
		return NULL;
	client->pidfd = (int)syscall(SYS_pidfd_open, status->tgid, 0);
	if (client->pidfd < 0) {
		uvf_free(client);
		return NULL;
	}
	uvf_ref_init(&client->ref);
	uvf_list_init(&client->node);
	uvf_mutex_init(&client->lock);
	client->pid = status->tgid;
	set_rights(client, tid, status);
	client->may_trace = !status->is_traced;
	return client;
}

static struct uvf_client *find_locked(struct uvf_clients *clients, pid_t pid)
{
	struct uvf_list *node;
	struct uvf_list *tmp;
	struct uvf_client *client;

	uvf_list_for_each_safe (node, tmp,
				&clients->table[(unsigned)pid % BUCKETS]) {
		client = uvf_list_entry(node, struct uvf_client, node);
		if (client->pid != pid)
			continue;
		if (!has_ended(client->pidfd))
			return client;
		forget_locked(clients, client);
	}
	return NULL;
}

struct uvf_client *uvf_clients_lookup(struct uvf_clients *clients, pid_t tid)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct uvf_client *client;
	struct status status;

	if (read_status(tid, &status))
		return NULL;
	uvf_lock(&clients->lock);
	client = find_locked(clients, status.tgid);
	if (client)
		goto out;
	client = client_create(tid, &status);
	if (!client)
		goto out;
	event.data.ptr = client;
	if (epoll_ctl(clients->epoll, EPOLL_CTL_ADD, client->pidfd, &event)) {
		uvf_client_put(client);
		client = NULL;
		goto out;
	}
	uvf_list_add(&clients->table[(unsigned)client->pid % BUCKETS],
		     &client->node);
out:
	if (client)
		uvf_client_get(client);
	uvf_unlock(&clients->lock);
	if (client)
		uvf_client_settle(client, tid);
	return client;
}

void uvf_clients_exec(struct uvf_clients *clients, pid_t tid)
{
	struct uvf_client *client;
	struct status status;

	if (read_status(tid, &status))
		return;
	uvf_lock(&clients->lock);
	client = find_locked(clients, status.tgid);
	if (client) {
		uvf_lock(&client->lock);
		client->exec_count++;
		atomic_store(&client->exec_tid, tid);
		uvf_unlock(&client->lock);
	}
	uvf_unlock(&clients->lock);
}

void uvf_client_settle(struct uvf_client *client, pid_t tid)
{
	pid_t exec_tid = atomic_load(&client->exec_tid);

	/* It is back when it makes a call, or has the number of the process. */
	if (!exec_tid || (tid != exec_tid && !tgkill(client->pid, exec_tid, 0)))
		return;
	uvf_lock(&client->lock);
	client->exec_count++;
	atomic_store(&client->exec_tid, 0);
	uvf_unlock(&client->lock);
}

uint64_t uvf_clients_agent_locked(struct uvf_clients *clients,
				  struct uvf_client *client)
{
	if (client->agent && client->agent_exec == client->exec_count)
		return client->agent;
	/* After an exec(), or in a child; the parent may have ended. */
	client->agent = 0;
	uvf_lock(&clients->bases_lock);
	for (size_t i = 0; i < BASES_MAX && !client->agent; i++) {
		if (clients->bases[i] &&
		    uvf_inject_is_present(client->pid, clients->bases[i]))
			client->agent = clients->bases[i];
	}
	uvf_unlock(&clients->bases_lock);
	client->agent_exec = client->exec_count;
	return client->agent;
}

void uvf_clients_set_agent_locked(struct uvf_clients *clients,
				  struct uvf_client *client, uint64_t base)
{
	client->agent = base;
	client->agent_exec = client->exec_count;
	if (!base)
		return;
	uvf_lock(&clients->bases_lock);
	clients->bases[clients->next_base++ % BASES_MAX] = base;
	uvf_unlock(&clients->bases_lock);
}

void uvf_client_space_put(struct uvf_client_space *space)
{
	if (!space || !uvf_ref_put(&space->ref))
		return;
	uvf_mmio_space_destroy(space->space);
	uvf_free(space);
}

static struct uvf_client_space *space_create(pid_t pid)
{
	struct uvf_client_space *space = uvf_zalloc(sizeof(*space));

	if (!space)
		return NULL;
	if (uvf_mmio_space_create(&space->space, pid)) {
		uvf_free(space);
		return NULL;
	}
	uvf_ref_init(&space->ref);
	return space;
}

struct uvf_client_space *uvf_client_space_get(struct uvf_client *client)
{
	struct uvf_client_space *space;

	uvf_lock(&client->lock);
	if (client->space && client->space_exec != client->exec_count) {
		uvf_client_space_put(client->space);
		client->space = NULL;
	}
	if (!client->space)
		client->space = space_create(client->pid);
	client->space_exec = client->exec_count;
	space = client->space;
	if (space)
		uvf_ref_get(&space->ref);
	uvf_unlock(&client->lock);
	return space;
}

static const struct uvf_caller_ops caller_ops;

int uvf_client_caller_init(struct uvf_client_caller *caller)
{
	struct uvf_client *client = caller->client;
	struct uvf_mm *old = NULL;
	int ret = 0;

	caller->base.ops = &caller_ops;
	caller->base.pid = client->pid;
	uvf_lock(&client->lock);
	if (!client->mm || client->mm_exec != client->exec_count) {
		struct uvf_mm *mm;
		struct status status;

		/* An exec() that failed leaves all as it was. */
		if (client->mm && uvf_peer_is_current(client->mm))
			goto is_current;
		ret = uvf_peer_create(&mm, client->pid);
		if (ret)
			goto out;
		if (!read_status(caller->tid, &status))
			set_rights(client, caller->tid, &status);
		old = client->mm;
		client->mm = mm;
	is_current:
		client->mm_exec = client->exec_count;
	}
	caller->base.mm = uvf_mm_get(client->mm);
	caller->base.has_rawio = client->has_rawio;
	caller->base.has_sys_resource = client->has_sys_resource;
out:
	uvf_unlock(&client->lock);
	uvf_mm_put(old);
	return ret;
}

void uvf_client_caller_fini(struct uvf_client_caller *caller)
{
	uvf_mm_put(caller->base.mm);
	caller->base.mm = NULL;
}

int uvf_client_read(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)(uintptr_t)addr, len};

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

int uvf_client_write(pid_t tid, uint64_t addr, const void *buf, size_t len)
{
	struct iovec local = {(void *)(uintptr_t)buf, len};
	struct iovec remote = {(void *)(uintptr_t)addr, len};

	return process_vm_writev(tid, &local, 1, &remote, 1, 0) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

int uvf_client_read_path(pid_t tid, uint64_t addr, char *path)
{
	size_t done = 0;

	/* Not beyond a page before it is known that the path goes on there. */
	while (done < PATH_MAX) {
		size_t len = PAGE_SIZE - (addr + done) % PAGE_SIZE;

		if (len > PATH_MAX - done)
			len = PATH_MAX - done;
		if (uvf_client_read(tid, addr + done, path + done, len))
			return -EFAULT;
		if (memchr(path + done, '\0', len))
			return 0;
		done += len;
	}
	return -ENAMETOOLONG;
}

static int add_fd(int listener, const struct seccomp_notif_addfd *addfd)
{
	sigset_t sigio;
	sigset_t old;
	int ret;

	/*
	 * An interrupted ADDFD with SEND has answered the call with 0 and
	 * made no descriptor.
	 */
	(void)sigemptyset(&sigio);
	(void)sigaddset(&sigio, SIGIO);
	(void)pthread_sigmask(SIG_BLOCK, &sigio, &old);
	ret = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, addfd);
	if (ret < 0)
		ret = -errno;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int uvf_client_give(int listener, uint64_t id, int fd, int flags, bool answers)
{
	struct seccomp_notif_addfd addfd = {
		.id = id,
		.flags = answers ? SECCOMP_ADDFD_FLAG_SEND : 0,
		.srcfd = (uint32_t)fd,
		.newfd_flags = flags & O_CLOEXEC,
	};
	struct seccomp_notif_resp resp = {.id = id};
	int ret = add_fd(listener, &addfd);

	/* Linux 5.9 to 5.13 know no SEND. */
	if (ret == -EINVAL && answers) {
		addfd.flags = 0;
		ret = add_fd(listener, &addfd);
		resp.val = ret;
		if (ret >= 0 && uvf_client_answer(listener, &resp))
			return -ENOENT;
	}
	return ret;
}

int uvf_client_answer(int listener, const struct seccomp_notif_resp *resp)
{
	int ret;

	do
		ret = ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, resp);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static struct uvf_client_caller *of(struct uvf_caller *base)
{
	return uvf_container_of(base, struct uvf_client_caller, base);
}

static int caller_file_lookup(struct uvf_caller *base, int fd,
			      struct uvf_file **ret_file)
{
	struct uvf_client_caller *caller = of(base);

	return uvf_fds_find(caller->fds, caller->tid, fd, ret_file);
}

static int caller_eventfd_lookup(struct uvf_caller *base, int fd)
{
	struct uvf_client_caller *caller = of(base);

	if (fd < 0)
		return -EBADF;
	return uvf_eventfds_lookup(caller->eventfds, caller->client->pidfd,
				   caller->tid, fd);
}

/* A new open of the file, which needs no right over the client. */
static int caller_fd_fetch(struct uvf_caller *base, int fd)
{
	struct uvf_file *file;
	struct stat st;
	char path[48];
	int own = caller_file_lookup(base, fd, &file);

	if (own)
		return own;
	if (file) {
		uvf_file_put(file);
		return -EINVAL;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)of(base)->tid,
		       fd);
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return -EINVAL;
	own = open(path, O_RDWR | O_CLOEXEC);
	if (own < 0 && errno == EACCES)
		own = open(path, O_RDONLY | O_CLOEXEC);
	if (own >= 0)
		return own;
	return errno == EMFILE || errno == ENFILE ? -EMFILE : -EINVAL;
}

/* Numbers are below the limit, so that a table of as many is full. */
static int caller_fd_check(struct uvf_caller *base)
{
	struct uvf_client_caller *caller = of(base);
	struct rlimit limit;
	struct dirent *entry;
	rlim_t count = 0;
	char path[32];
	DIR *dir;

	if (prlimit(caller->client->pid, RLIMIT_NOFILE, NULL, &limit))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)caller->tid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.' &&
			 strtoul(entry->d_name, NULL, 10) < limit.rlim_cur;
	closedir(dir);
	return count < limit.rlim_cur ? 0 : -EMFILE;
}

static int caller_file_install(struct uvf_caller *base, struct uvf_file *file)
{
	struct uvf_client_caller *caller = of(base);
	/* Asked first: the client may close it, which ends the file. */
	int flags = file->survives_exec ? 0 : O_CLOEXEC;
	int fd = uvf_fds_make(caller->fds, file, O_RDWR);
	int ret;

	if (fd < 0)
		return fd == -EMFILE ? -ENFILE : fd;
	ret = uvf_client_give(caller->listener, caller->id, fd, flags, false);
	if (ret < 0)
		uvf_fds_abort(caller->fds, fd);
	else
		close(fd);
	return ret;
}

/* Asked of the thread: each has rights of its own. */
static bool caller_has_ipc_lock(struct uvf_caller *base)
{
	pid_t tid = of(base)->tid;

	return uvf_capability_has(tid, CAP_IPC_LOCK) &&
	       is_in_our_user_namespace(tid);
}

static uid_t caller_uid(struct uvf_caller *base)
{
	struct status status;

	return read_status(of(base)->tid, &status) ? getuid() : status.uid;
}

static const struct uvf_caller_ops caller_ops = {
	.file_lookup = caller_file_lookup,
	.eventfd_lookup = caller_eventfd_lookup,
	.fd_fetch = caller_fd_fetch,
	.fd_check = caller_fd_check,
	.file_install = caller_file_install,
	.has_ipc_lock = caller_has_ipc_lock,
	.uid = caller_uid,
};
