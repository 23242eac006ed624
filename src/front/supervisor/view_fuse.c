/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel names a node by a number that its path makes, so that nothing is
 * to be remembered between two requests, and a node that went is
 * simply not found.  Of what programs see all time-outs are 0: each use asks
 * again.
 */
#define FUSE_USE_VERSION 314

#include "front/supervisor/view_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "front/supervisor/fuse_thread.h"
#include "front/supervisor/view_names.h"
#include "front/supervisor/view_tree.h"
#include "front/supervisor/view_writes.h"

#define PREFERRED_SIZE 4096
#define FIXED_TIMEOUT  1e6 /* seconds */

struct uvf_view_fuse {
	struct uvf_view_names *names;
	struct uvf_view_writes *writes;
	struct uvf_fuse_thread *thread;
	struct timespec started; /* the time of all files */
	uint16_t walks;          /* to files for writing only; of the thread */
	/* What is open, by their nodes; of the thread. */
	struct uvf_list handles, listings;
};

/* An open file. */
struct handle {
	struct uvf_list node;
	char path[256];
	bool is_image; /* of registers: each read asks anew */
	size_t size;   /* of data */
	char data[UVF_VIEW_FILE_MAX];
};

/*
 * An open directory.  One tree for one listing: names that come or go
 * meanwhile shift no others.
 */
struct listing {
	struct uvf_list node;
	struct uvf_view_tree *tree; /* NULL before the first read */
};

static void end_handle(struct handle *handle)
{
	uvf_list_remove(&handle->node);
	uvf_free(handle);
}

static void end_listing(struct listing *listing)
{
	uvf_list_remove(&listing->node);
	uvf_view_tree_put(listing->tree);
	uvf_free(listing);
}

static struct uvf_view_fuse *fuse_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static mode_t type_of(const struct uvf_view_node *node)
{
	switch (node->kind) {
	case UVF_VIEW_DIR:
		return S_IFDIR;
	case UVF_VIEW_LINK:
		return S_IFLNK;
	case UVF_VIEW_CHAR:
		return S_IFCHR;
	default:
		return S_IFREG;
	}
}

/*
 * The kernel lets one task at a time write a node, and a write to a file such
 * as unbind may wait for somebody.  So each walk to a file that is for writing
 * only finds a node of its own: the upper bits of its number count them.
 */
static fuse_ino_t number_of(struct uvf_view_fuse *fuse,
			    const struct uvf_view_node *node)
{
	if (node->kind != UVF_VIEW_FILE || node->mode & 0444)
		return node->ino;
	return node->ino | (uint64_t)++fuse->walks << UVF_VIEW_INO_BITS;
}

static const struct uvf_view_node *find_node(const struct uvf_view_tree *tree,
					     fuse_ino_t number)
{
	return uvf_view_tree_find_ino(tree, number & UVF_VIEW_INO_MASK);
}

static void fill_stat(struct uvf_view_fuse *fuse,
		      const struct uvf_view_node *node, struct stat *ret_st)
{
	struct uvf_view_rights rights;

	uvf_view_names_rights(fuse->names, node, &rights);
	*ret_st = (struct stat){
		.st_ino = node->ino,
		.st_mode = type_of(node) | rights.mode,
		.st_nlink = node->kind == UVF_VIEW_DIR ? node->dirs + 2 : 1,
		.st_uid = rights.uid,
		.st_gid = rights.gid,
		.st_rdev = node->rdev,
		.st_size = (off_t)uvf_view_node_size(node),
		.st_blksize = PREFERRED_SIZE,
		.st_atim = fuse->started,
		.st_mtim = fuse->started,
		.st_ctim = fuse->started,
	};
}

/* What the builder of the namespace binds, or walks through to that. */
static bool is_fixed(const char *path)
{
	return uvf_view_is_placed(path) ||
	       uvf_view_is_merged(path, strlen(path));
}

/*
 * How long the kernel may keep attributes.  Merged directories only the
 * builder sees, who would ask for their rights at each step of each path.
 */
static double attr_timeout(const struct uvf_view_node *node)
{
	return uvf_view_is_merged(node->path, strlen(node->path))
		       ? FIXED_TIMEOUT
		       : 0;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct uvf_view_fuse *fuse = fuse_of(req);
	struct uvf_view_tree *tree = uvf_view_names_get(fuse->names);
	const struct uvf_view_node *dir = find_node(tree, parent);
	const struct uvf_view_node *node = NULL;
	struct fuse_entry_param entry = {0};
	char path[PATH_MAX];

	if (dir && snprintf(path, sizeof(path), "%s%s%s", dir->path,
			    *dir->path ? "/" : "", name) < (int)sizeof(path))
		node = uvf_view_tree_find(tree, path);
	if (node) {
		entry.ino = number_of(fuse, node);
		/* By another number it is another node, by the same name. */
		entry.generation = node->rdev;
		/* Nobody walks to it once it is bound; the builder does. */
		if (node->kind == UVF_VIEW_DIR && is_fixed(node->path))
			entry.entry_timeout = FIXED_TIMEOUT;
		entry.attr_timeout = attr_timeout(node);
		fill_stat(fuse, node, &entry.attr);
		(void)fuse_reply_entry(req, &entry);
	} else {
		(void)fuse_reply_err(req, ENOENT);
	}
	uvf_view_tree_put(tree);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *info)
{
	struct uvf_view_fuse *fuse = fuse_of(req);
	struct uvf_view_tree *tree = uvf_view_names_get(fuse->names);
	const struct uvf_view_node *node = find_node(tree, ino);
	struct stat st;

	(void)info;
	if (node) {
		fill_stat(fuse, node, &st);
		(void)fuse_reply_attr(req, &st, attr_timeout(node));
	} else {
		(void)fuse_reply_err(req, ENOENT);
	}
	uvf_view_tree_put(tree);
}

/* Rights may change, until the name goes; a size that is set is no matter. */
static void on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		       int to_set, struct fuse_file_info *info)
{
	struct uvf_view_fuse *fuse = fuse_of(req);
	struct uvf_view_tree *tree = uvf_view_names_get(fuse->names);
	const struct uvf_view_node *node = find_node(tree, ino);
	struct uvf_view_rights rights;
	struct stat st;
	int ret = 0;

	(void)info;
	if (!node) {
		(void)fuse_reply_err(req, ENOENT);
		uvf_view_tree_put(tree);
		return;
	}
	uvf_view_names_rights(fuse->names, node, &rights);
	if (to_set & FUSE_SET_ATTR_MODE)
		rights.mode = attr->st_mode & 07777;
	if (to_set & FUSE_SET_ATTR_UID)
		rights.uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		rights.gid = attr->st_gid;
	if (to_set &
	    (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		ret = uvf_view_names_set_rights(fuse->names, node, &rights);
	fill_stat(fuse, node, &st);
	if (ret)
		(void)fuse_reply_err(req, -ret);
	else
		(void)fuse_reply_attr(req, &st, 0);
	uvf_view_tree_put(tree);
}

static void on_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct uvf_view_tree *tree = uvf_view_names_get(fuse_of(req)->names);
	const struct uvf_view_node *node = find_node(tree, ino);

	if (!node)
		(void)fuse_reply_err(req, ENOENT);
	else if (node->kind != UVF_VIEW_LINK)
		(void)fuse_reply_err(req, EINVAL);
	else
		(void)fuse_reply_readlink(req, node->data);
	uvf_view_tree_put(tree);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct uvf_view_tree *tree = uvf_view_names_get(fuse_of(req)->names);
	const struct uvf_view_node *node = find_node(tree, ino);
	struct handle *handle = NULL;
	int ret = -ENOENT;

	if (node)
		ret = uvf_view_may_open(node, info->flags & O_ACCMODE);
	if (!ret) {
		handle = uvf_zalloc(sizeof(*handle));
		ret = handle ? 0 : -ENOMEM;
	}
	if (!ret) {
		snprintf(handle->path, sizeof(handle->path), "%s", node->path);
		handle->is_image = uvf_view_node_is_image(node);
	}
	uvf_view_tree_put(tree);
	if (ret) {
		(void)fuse_reply_err(req, -ret);
		return;
	}
	uvf_list_append(&fuse_of(req)->handles, &handle->node);
	info->fh = (uintptr_t)handle;
	info->direct_io = 1;
	/* A caller that was killed meanwhile gets no handle. */
	if (fuse_reply_open(req, info) == -ENOENT)
		end_handle(handle);
}

static void on_release(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *info)
{
	(void)ino;
	end_handle((void *)(uintptr_t)info->fh);
	(void)fuse_reply_err(req, 0);
}

static void read_image(fuse_req_t req, const struct handle *handle, size_t size,
		       off_t pos)
{
	char data[UVF_VIEW_FILE_MAX];
	ssize_t got;

	if (size > sizeof(data))
		size = sizeof(data);
	got = uvf_view_names_read(fuse_of(req)->names, handle->path, data, size,
				  (uint64_t)pos);
	if (got < 0)
		(void)fuse_reply_err(req, (int)-got);
	else
		(void)fuse_reply_buf(req, data, (size_t)got);
}

/* A text is produced when it is read from its start. */
static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos,
		    struct fuse_file_info *info)
{
	struct handle *handle = (void *)(uintptr_t)info->fh;
	size_t at = (size_t)pos;

	(void)ino;
	if (handle->is_image) {
		read_image(req, handle, size, pos);
		return;
	}
	if (!pos || !handle->size) {
		ssize_t got = uvf_view_names_read(fuse_of(req)->names,
						  handle->path, handle->data,
						  sizeof(handle->data), 0);

		if (got < 0) {
			(void)fuse_reply_err(req, (int)-got);
			return;
		}
		handle->size = (size_t)got;
	}
	if (at > handle->size)
		at = handle->size;
	if (size > handle->size - at)
		size = handle->size - at;
	(void)fuse_reply_buf(req, handle->data + at, size);
}

static void reply_write(void *arg, ssize_t result)
{
	if (result < 0)
		(void)fuse_reply_err(arg, (int)-result);
	else
		(void)fuse_reply_write(arg, (size_t)result);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *data,
		     size_t size, off_t pos, struct fuse_file_info *info)
{
	const struct handle *handle = (const void *)(uintptr_t)info->fh;
	const struct uvf_view_data written = {data, size, (uint64_t)pos};
	int ret;

	(void)ino;
	ret = uvf_view_writes_start(fuse_of(req)->writes,
				    fuse_req_ctx(req)->pid, handle->path,
				    &written, reply_write, req);
	if (ret)
		(void)fuse_reply_err(req, -ret);
}

/* The number of an entry is its place, after "." and "..". */
static size_t add_entry(fuse_req_t req, char *at, size_t room, const char *name,
			const struct uvf_view_node *node, size_t next)
{
	struct stat st = {.st_ino = node->ino, .st_mode = type_of(node)};

	return fuse_add_direntry(req, at, room, name, &st, (off_t)next);
}

static size_t list_dir(fuse_req_t req, const struct uvf_view_tree *tree,
		       const struct uvf_view_node *dir, char *buf, size_t size,
		       size_t first)
{
	const struct uvf_view_node *node;
	size_t used = 0, length, index = 0, count = 0;

	for (; count < 2; count++) {
		if (count < first)
			continue;
		length = add_entry(req, buf + used, size - used,
				   count ? ".." : ".", dir, count + 1);
		if (length > size - used)
			return used;
		used += length;
	}
	for (; (node = uvf_view_tree_next(tree, dir, &index));
	     index++, count++) {
		if (count < first)
			continue;
		length = add_entry(req, buf + used, size - used,
				   strrchr(node->path, '/')
					   ? strrchr(node->path, '/') + 1
					   : node->path,
				   node, count + 1);
		if (length > size - used)
			return used;
		used += length;
	}
	return used;
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *info)
{
	struct listing *listing = uvf_zalloc(sizeof(*listing));

	(void)ino;
	if (!listing) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	uvf_list_append(&fuse_of(req)->listings, &listing->node);
	info->fh = (uintptr_t)listing;
	if (fuse_reply_open(req, info) == -ENOENT)
		end_listing(listing);
}

static void on_releasedir(fuse_req_t req, fuse_ino_t ino,
			  struct fuse_file_info *info)
{
	(void)ino;
	end_listing((void *)(uintptr_t)info->fh);
	(void)fuse_reply_err(req, 0);
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t pos,
		       struct fuse_file_info *info)
{
	struct listing *listing = (void *)(uintptr_t)info->fh;
	const struct uvf_view_node *dir;
	char *buf = uvf_zalloc(size + 1);

	if (!buf) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	/* rewinddir(3) sees what is new. */
	if (!pos || !listing->tree) {
		uvf_view_tree_put(listing->tree);
		listing->tree = uvf_view_names_get(fuse_of(req)->names);
	}
	dir = find_node(listing->tree, ino);
	if (dir)
		size = list_dir(req, listing->tree, dir, buf, size,
				(size_t)pos);
	(void)fuse_reply_buf(req, buf, dir ? size : 0);
	uvf_free(buf);
}

/* sysfs makes no names: root is told so, others may not write there. */
static void refuse(fuse_req_t req)
{
	(void)fuse_reply_err(req, geteuid() ? EACCES : EPERM);
}

static void on_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, dev_t rdev)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)rdev;
	refuse(req);
}

static void on_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	(void)parent;
	(void)name;
	(void)mode;
	refuse(req);
}

static void on_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	refuse(req);
}

static void on_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	refuse(req);
}

static void on_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		      fuse_ino_t new_parent, const char *new_name,
		      unsigned int flags)
{
	(void)parent;
	(void)name;
	(void)new_parent;
	(void)new_name;
	(void)flags;
	refuse(req);
}

static void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent,
		    const char *new_name)
{
	(void)ino;
	(void)new_parent;
	(void)new_name;
	refuse(req);
}

static void on_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *info)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)info;
	(void)fuse_reply_err(req, EACCES);
}

static void on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *info)
{
	(void)ino;
	(void)datasync;
	(void)info;
	(void)fuse_reply_err(req, EINVAL);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_lookup,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.readlink = on_readlink,
	.open = on_open,
	.release = on_release,
	.read = on_read,
	.write = on_write,
	.fsync = on_fsync,
	.opendir = on_opendir,
	.releasedir = on_releasedir,
	.readdir = on_readdir,
	.mknod = on_mknod,
	.mkdir = on_mkdir,
	.unlink = on_unlink,
	.rmdir = on_unlink,
	.symlink = on_symlink,
	.rename = on_rename,
	.link = on_link,
	.create = on_create,
};

int uvf_view_fuse_mount(int dev, const char *path)
{
	char options[160];
	int ret, fd = openat(dev, "fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other,"
		 "default_permissions",
		 fd, geteuid(), getegid());
	/* Without devices: a node that we do not answer is not the host's. */
	if (!mount("uvfio", path, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		   options))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int uvf_view_fuse_start(struct uvf_view_fuse **ret_fuse, int fd,
			struct uvf_view_names *names,
			struct uvf_view_writes *writes)
{
	struct uvf_view_fuse *fuse = uvf_zalloc(sizeof(*fuse));
	int ret;

	if (!fuse) {
		close(fd);
		return -ENOMEM;
	}
	fuse->names = names;
	fuse->writes = writes;
	uvf_list_init(&fuse->handles);
	uvf_list_init(&fuse->listings);
	clock_gettime(CLOCK_REALTIME, &fuse->started);
	ret = uvf_fuse_thread_start(&fuse->thread, fd, "uvf-names", &operations,
				    sizeof(operations), fuse);
	if (ret) {
		uvf_free(fuse);
		return ret;
	}
	*ret_fuse = fuse;
	return 0;
}

void uvf_view_fuse_stop(struct uvf_view_fuse *fuse)
{
	if (fuse)
		uvf_fuse_thread_end(fuse->thread);
}

void uvf_view_fuse_destroy(struct uvf_view_fuse *fuse)
{
	if (!fuse)
		return;
	uvf_fuse_thread_destroy(fuse->thread);
	/* What a program has open to its end is never released. */
	while (!uvf_list_is_empty(&fuse->handles))
		end_handle(uvf_list_entry(fuse->handles.next, struct handle,
					  node));
	while (!uvf_list_is_empty(&fuse->listings))
		end_listing(uvf_list_entry(fuse->listings.next, struct listing,
					   node));
	uvf_free(fuse);
}
