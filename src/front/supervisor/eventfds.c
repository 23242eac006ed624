/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/eventfds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/lock.h"
#include "front/supervisor/proc.h"

/* When there are more, copies that no process has are looked for. */
#define PRUNE_AT 64

struct copy {
	struct uvf_list node;
	long id; /* fdinfo's eventfd-id */
	int fd;
	bool is_used; /* a process was seen to have it */
};

struct uvf_eventfds {
	struct uvf_mutex lock; /* protects what follows */
	struct uvf_list copies;
	size_t count;
	size_t prune_at;
};

static int fetch(int pidfd, int fd)
{
	long ret = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	return ret < 0 ? -errno : (int)ret;
}

bool uvf_eventfds_may_fetch(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int fd;

	if (pidfd < 0)
		return false;
	fd = fetch(pidfd, pidfd);
	close(pidfd);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int uvf_eventfds_create(struct uvf_eventfds **ret_eventfds)
{
	struct uvf_eventfds *eventfds = uvf_zalloc(sizeof(*eventfds));

	if (!eventfds)
		return -ENOMEM;
	uvf_mutex_init(&eventfds->lock);
	uvf_list_init(&eventfds->copies);
	eventfds->prune_at = PRUNE_AT;
	*ret_eventfds = eventfds;
	return 0;
}

static void copy_destroy(struct copy *copy)
{
	uvf_list_remove(&copy->node);
	close(copy->fd);
	uvf_free(copy);
}

void uvf_eventfds_destroy(struct uvf_eventfds *eventfds)
{
	struct uvf_list *node;
	struct uvf_list *tmp;

	if (!eventfds)
		return;
	uvf_list_for_each_safe (node, tmp, &eventfds->copies)
		copy_destroy(uvf_list_entry(node, struct copy, node));
	uvf_mutex_fini(&eventfds->lock);
	uvf_free(eventfds);
}

/* The eventfd-id behind a descriptor: -EBADF not open, -EINVAL no eventfd. */
static long read_id(pid_t tid, const char *fd)
{
	char path[300];
	char text[1024];
	const char *p;
	ssize_t n;
	int info;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)tid, fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -EBADF;
	n = read(info, text, sizeof(text) - 1);
	close(info);
	if (n <= 0)
		return -EBADF;
	text[n] = '\0';
	p = strstr(text, "\neventfd-id:");
	return p ? strtol(p + 12, NULL, 10) : -EINVAL;
}

static struct copy *find_locked(struct uvf_eventfds *eventfds, long id)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &eventfds->copies) {
		struct copy *copy = uvf_list_entry(node, struct copy, node);

		if (copy->id == id)
			return copy;
	}
	return NULL;
}

/* Mark what one process has; the lock is held. */
static void mark(void *arg, pid_t pid) UVF_NO_ANALYSIS
{
	struct uvf_eventfds *eventfds = arg;
	char path[64];
	struct dirent *entry;
	struct copy *copy;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		copy = find_locked(eventfds, read_id(pid, entry->d_name));
		if (copy)
			copy->is_used = true;
	}
	closedir(dir);
}

/*
 * Close the copies that no process has.  One that is on its way through a
 * socket at this moment is taken for closed, and will be -EINVAL.
 */
static void prune_locked(struct uvf_eventfds *eventfds)
{
	struct uvf_list *node;
	struct uvf_list *tmp;

	uvf_proc_each_descendant(mark, eventfds);
	uvf_list_for_each_safe (node, tmp, &eventfds->copies) {
		struct copy *copy = uvf_list_entry(node, struct copy, node);

		if (!copy->is_used) {
			copy_destroy(copy);
			eventfds->count--;
			continue;
		}
		copy->is_used = false;
	}
	eventfds->prune_at =
		2 * eventfds->count > PRUNE_AT ? 2 * eventfds->count : PRUNE_AT;
}

int uvf_eventfds_make(unsigned int value, int flags)
{
	int fd;

	/* Ours is close-on-exec in any case; the client's as it asks for. */
	if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	fd = eventfd(value, flags | EFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int uvf_eventfds_keep(struct uvf_eventfds *eventfds, int fd)
{
	struct copy *copy = uvf_zalloc(sizeof(*copy));
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", fd);
	if (copy)
		copy->id = read_id(getpid(), number);
	if (!copy || copy->id < 0) {
		uvf_free(copy);
		close(fd);
		return -ENOMEM;
	}
	copy->fd = fd;
	uvf_lock(&eventfds->lock);
	if (eventfds->count >= eventfds->prune_at)
		prune_locked(eventfds);
	uvf_list_add(&eventfds->copies, &copy->node);
	eventfds->count++;
	uvf_unlock(&eventfds->lock);
	return 0;
}

static int find_copy(struct uvf_eventfds *eventfds, pid_t tid, int fd)
{
	struct copy *copy;
	char number[16];
	int ret = -EINVAL;
	long id;

	(void)snprintf(number, sizeof(number), "%d", fd);
	id = read_id(tid, number);
	if (id < 0)
		return (int)id;
	uvf_lock(&eventfds->lock);
	copy = find_locked(eventfds, id);
	if (copy) {
		ret = fcntl(copy->fd, F_DUPFD_CLOEXEC, 0);
		if (ret < 0)
			ret = -errno;
	}
	uvf_unlock(&eventfds->lock);
	return ret;
}

static bool is_eventfd(int fd)
{
	char path[64];
	char name[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name));
	return n == (ssize_t)strlen("anon_inode:[eventfd]") &&
	       !memcmp(name, "anon_inode:[eventfd]", (size_t)n);
}

int uvf_eventfds_lookup(struct uvf_eventfds *eventfds, int pidfd, pid_t tid,
			int fd)
{
	bool is_path;
	int ret;

	if (eventfds)
		return find_copy(eventfds, tid, fd);
	ret = fetch(pidfd, fd);
	if (ret < 0)
		return ret == -EMFILE ? ret : -EBADF;
	if (is_eventfd(ret))
		return ret;
	is_path = fcntl(ret, F_GETFL) & O_PATH;
	close(ret);
	return is_path ? -EBADF : -EINVAL;
}
