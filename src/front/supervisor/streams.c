/* SPDX-License-Identifier: BSD-3-Clause */
#define FUSE_USE_VERSION 314

#include "front/supervisor/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/lock.h"
#include "core/file.h"
#include "front/supervisor/fuse_thread.h"
#include "front/supervisor/streams_mount.h"
#include "mem/caller.h"
#include "mem/self.h"

#define TIMEOUT 1e6 /* seconds: names and attributes never change */

/* One stream, from its open to the end of its descriptor. */
struct stream {
	struct uvf_list node; /* streams->list */
	uint64_t ino;
	struct uvf_file *file; /* borrowed; NULL: forgotten */
	bool is_open;          /* by us: nobody opens it again */
};

struct uvf_streams {
	struct uvf_mm *mm; /* our own memory */
	struct uvf_fuse_thread *thread;

	struct uvf_mutex start_lock; /* of the first open; protects: */
	int root_fd;                 /* O_PATH; -1: not mounted yet */
	bool is_refused;             /* it cannot be mounted here */

	struct uvf_mutex lock; /* a leaf; protects what follows */
	struct uvf_list list;
	uint64_t last_ino;
};

static struct uvf_streams *streams_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct stream *find_locked(struct uvf_streams *streams, uint64_t ino)
	UVF_REQUIRES(streams->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &streams->list) {
		struct stream *stream =
			uvf_list_entry(node, struct stream, node);

		if (stream->ino == ino)
			return stream;
	}
	return NULL;
}

/*
 * The file behind an inode, with a reference, or NULL.  It is given back before
 * the reply: the client may close the file then, and expects it to be gone.
 */
static struct uvf_file *get_file(struct uvf_streams *streams, uint64_t ino)
{
	struct uvf_file *file = NULL;
	struct stream *stream;

	uvf_lock(&streams->lock);
	stream = find_locked(streams, ino);
	if (stream && stream->file)
		file = uvf_file_get(stream->file);
	uvf_unlock(&streams->lock);
	return file;
}

static void fill_stat(fuse_ino_t ino, struct stat *ret_st)
{
	*ret_st = (struct stat){
		.st_ino = ino,
		.st_mode =
			ino == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600,
		.st_nlink = 1,
		.st_uid = geteuid(),
		.st_gid = getegid(),
		.st_blksize = 4096,
	};
}

/* A name is the number of the inode. */
static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct uvf_streams *streams = streams_of(req);
	struct fuse_entry_param entry = {
		.ino = strtoull(name, NULL, 10),
		.attr_timeout = TIMEOUT,
	};
	bool is_there;

	(void)parent;
	uvf_lock(&streams->lock);
	is_there = find_locked(streams, entry.ino);
	uvf_unlock(&streams->lock);
	fill_stat(entry.ino, &entry.attr);
	if (is_there)
		(void)fuse_reply_entry(req, &entry);
	else
		(void)fuse_reply_err(req, ENOENT);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *info)
{
	struct stat st;

	(void)info;
	fill_stat(ino, &st);
	(void)fuse_reply_attr(req, &st, TIMEOUT);
}

/* Once, by us; /proc/self/fd/N leads to no second stream. */
static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct uvf_streams *streams = streams_of(req);
	struct stream *stream;
	bool may_open;

	uvf_lock(&streams->lock);
	stream = find_locked(streams, ino);
	may_open = stream && !stream->is_open;
	if (may_open)
		stream->is_open = true;
	uvf_unlock(&streams->lock);
	info->direct_io = 1;
	info->nonseekable = 1;
	if (may_open)
		(void)fuse_reply_open(req, info);
	else
		(void)fuse_reply_err(req, ENXIO);
}

static void on_release(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *info)
{
	(void)info;
	uvf_streams_forget(streams_of(req), ino);
	(void)fuse_reply_err(req, 0);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos,
		    struct fuse_file_info *info)
{
	struct uvf_streams *streams = streams_of(req);
	struct uvf_file *file = get_file(streams, ino);
	struct uvf_caller caller = {.mm = streams->mm, .pid = getpid()};
	void *buf = uvf_zalloc(size ? size : 1);
	ssize_t ret = buf ? -ENODEV : -ENOMEM;

	(void)pos;
	(void)info;
	if (file && buf)
		ret = uvf_file_read(file, &caller, (uintptr_t)buf, size, 0);
	uvf_file_put(file);
	if (ret < 0)
		(void)fuse_reply_err(req, (int)-ret);
	else
		(void)fuse_reply_buf(req, buf, (size_t)ret);
	uvf_free(buf);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *data,
		     size_t size, off_t pos, struct fuse_file_info *info)
{
	struct uvf_streams *streams = streams_of(req);
	struct uvf_file *file = get_file(streams, ino);
	struct uvf_caller caller = {.mm = streams->mm, .pid = getpid()};
	ssize_t ret = -ENODEV;

	(void)pos;
	(void)info;
	if (file)
		ret = uvf_file_write(file, &caller, (uintptr_t)data, size, 0);
	uvf_file_put(file);
	if (ret < 0)
		(void)fuse_reply_err(req, (int)-ret);
	else
		(void)fuse_reply_write(req, (size_t)ret);
}

/* Nobody is woken: no device waits for a page yet. */
static void on_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info,
		    struct fuse_pollhandle *handle)
{
	struct uvf_file *file = get_file(streams_of(req), ino);
	unsigned int events = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

	(void)info;
	if (handle)
		fuse_pollhandle_destroy(handle);
	if (file && !uvf_file_is_readable(file))
		events = POLLOUT;
	else if (file && file->ops->is_readable)
		events = POLLIN | POLLRDNORM | POLLOUT;
	uvf_file_put(file);
	(void)fuse_reply_poll(req, events);
}

/* Those of VFIO are trapped. */
static void on_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd,
		     void *arg, struct fuse_file_info *info, unsigned int flags,
		     const void *in_buf, size_t in_size, size_t out_size)
{
	(void)ino;
	(void)cmd;
	(void)arg;
	(void)info;
	(void)flags;
	(void)in_buf;
	(void)in_size;
	(void)out_size;
	(void)fuse_reply_err(req, ENOTTY);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_lookup,
	.getattr = on_getattr,
	.open = on_open,
	.release = on_release,
	.read = on_read,
	.write = on_write,
	.poll = on_poll,
	.ioctl = on_ioctl,
};

int uvf_streams_create(struct uvf_streams **ret_streams)
{
	struct uvf_streams *streams = uvf_zalloc(sizeof(*streams));
	int ret;

	if (!streams)
		return -ENOMEM;
	ret = uvf_self_create(&streams->mm);
	if (ret) {
		uvf_free(streams);
		return ret;
	}
	streams->root_fd = -1;
	streams->last_ino = FUSE_ROOT_ID;
	uvf_mutex_init(&streams->start_lock);
	uvf_mutex_init(&streams->lock);
	uvf_list_init(&streams->list);
	*ret_streams = streams;
	return 0;
}

void uvf_streams_destroy(struct uvf_streams *streams)
{
	if (!streams)
		return;
	uvf_fuse_thread_destroy(streams->thread);
	if (streams->root_fd >= 0)
		close(streams->root_fd);
	while (!uvf_list_is_empty(&streams->list)) {
		struct stream *stream =
			uvf_list_entry(streams->list.next, struct stream, node);

		uvf_list_remove(&stream->node);
		uvf_free(stream);
	}
	uvf_mutex_fini(&streams->start_lock);
	uvf_mutex_fini(&streams->lock);
	uvf_mm_put(streams->mm);
	uvf_free(streams);
}

static int start_locked(struct uvf_streams *streams)
	UVF_REQUIRES(streams->start_lock)
{
	int fuse_fd, ret;

	if (streams->is_refused)
		return -EOPNOTSUPP;
	if (streams->root_fd >= 0)
		return 0;
	ret = uvf_streams_mount(&fuse_fd, &streams->root_fd);
	if (!ret)
		ret = uvf_fuse_thread_start(&streams->thread, fuse_fd,
					    "uvf-streams", &operations,
					    sizeof(operations), streams);
	if (!ret)
		return 0;
	if (streams->root_fd >= 0)
		close(streams->root_fd);
	streams->root_fd = -1;
	streams->is_refused = true;
	return -EOPNOTSUPP;
}

static struct stream *add(struct uvf_streams *streams, struct uvf_file *file)
{
	struct stream *stream = uvf_zalloc(sizeof(*stream));

	if (!stream)
		return NULL;
	stream->file = file;
	uvf_lock(&streams->lock);
	stream->ino = ++streams->last_ino;
	uvf_list_append(&streams->list, &stream->node);
	uvf_unlock(&streams->lock);
	return stream;
}

int uvf_streams_open(struct uvf_streams *streams, struct uvf_file *file,
		     int flags)
{
	struct stream *stream;
	char name[24];
	uint64_t ino;
	int ret;

	uvf_lock(&streams->start_lock);
	ret = start_locked(streams);
	uvf_unlock(&streams->start_lock);
	if (ret)
		return ret;
	stream = add(streams, file);
	if (!stream)
		return -ENOMEM;
	ino = stream->ino;
	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)ino);
	/* SIGIO may interrupt it, and is no reason to give up. */
	do
		ret = openat(streams->root_fd, name,
			     (flags & O_ACCMODE) | O_CLOEXEC);
	while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		return ret;
	ret = errno == EMFILE || errno == ENFILE ? -EMFILE : -EOPNOTSUPP;
	uvf_streams_forget(streams, ino);
	return ret;
}

void uvf_streams_forget(struct uvf_streams *streams, uint64_t ino)
{
	struct stream *stream;

	uvf_lock(&streams->lock);
	stream = find_locked(streams, ino);
	if (stream)
		uvf_list_remove(&stream->node);
	uvf_unlock(&streams->lock);
	uvf_free(stream);
}
