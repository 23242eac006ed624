/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * open(), openat(), openat2() and creat() of a path that is ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/supervisor/paths_private.h"
#include "front/supervisor/proc.h"

/* No errno: what is opened will be written. */
#define FOR_WRITING (-4096)

struct open_args {
	uint64_t flags;
	mode_t mode;
};

static int read_args(const struct uvf_paths_request *request,
		     struct open_args *open_args)
{
	const uint64_t *args = request->args;
	struct open_how how = {0};
	int ret;

	switch (request->nr) {
	case SYS_creat:
		open_args->flags = O_CREAT | O_WRONLY | O_TRUNC;
		open_args->mode = (mode_t)args[1];
		return 0;
	case SYS_open:
		open_args->flags = args[1];
		open_args->mode = (mode_t)args[2];
		return 0;
	case SYS_openat:
		open_args->flags = args[2];
		open_args->mode = (mode_t)args[3];
		return 0;
	default:
		ret = args[3] < sizeof(how)
			      ? -EINVAL
			      : uvf_paths_copy_in(request->pid, &how, args[2],
						  sizeof(how));
		open_args->flags = how.flags;
		open_args->mode = (mode_t)how.mode;
		return ret;
	}
}

/* Whether the client has the rights with which we open for it. */
static bool has_our_rights(int pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return geteuid() || (!stat(path, &st) && !st.st_uid);
}

/* A file of the host, reached by names that the kernel does not have. */
static int open_real(const struct uvf_paths_request *request, int flags,
		     mode_t mode)
{
	const char *path = request->place.path;
	struct stat st;
	int fd;

	if (!has_our_rights(request->pid))
		return -EACCES;
	/* The open of a FIFO waits for the other end, and we must not. */
	if (!stat(path, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return -ENXIO;
	fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
	return fd < 0 ? -errno : fd;
}

/*
 * As it is now, for reading.  Opens for writing come to here when all that
 * is tested before the write is right, and are the caller's to answer.
 */
static int open_file(const struct uvf_paths_request *request, int flags)
{
	const struct uvf_view_node *node = request->place.node;
	struct uvf_paths *paths = request->paths;
	struct uvf_view_rights rights;
	int fd, ret;

	ret = uvf_view_may_open(node, flags);
	if (ret)
		return ret;
	uvf_view_names_rights(paths->names, node, &rights);
	ret = uvf_proc_may_open(request->pid, &rights, flags);
	if (ret)
		return ret;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return FOR_WRITING;
	ret = uvf_paths_fill(paths, node);
	if (ret)
		return ret;
	fd = openat(paths->dirfd, node->path,
		    (flags & ~(O_CREAT | O_TRUNC)) | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* A node that is there, or was made by mknod(2) elsewhere. */
static bool find_node(const struct uvf_paths_request *request,
		      struct uvf_view_hit *ret_hit)
{
	const struct uvf_place *place = &request->place;
	struct uvf_paths *paths = request->paths;
	struct stat st;

	if (place->error)
		return false;
	if (place->node) {
		if (place->node->kind != UVF_VIEW_CHAR)
			return false;
		uvf_view_names_hit(paths->names, place->node, ret_hit);
		return true;
	}
	return !stat(place->path, &st) && S_ISCHR(st.st_mode) &&
	       st.st_dev != paths->dev_dev &&
	       uvf_view_names_find_number(paths->names, &st, ret_hit);
}

static int open_node(const struct uvf_paths_request *request, int flags)
{
	const struct uvf_view_node *node = request->place.node;
	int fd;

	if (node->kind == UVF_VIEW_FILE)
		return open_file(request, flags);
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (node->kind == UVF_VIEW_LINK)
		return -ELOOP;
	/* Only with O_PATH, which VFIO does not see. */
	if (node->kind == UVF_VIEW_CHAR)
		return flags & O_DIRECTORY ? -ENOTDIR : -EACCES;
	if (node->kind == UVF_VIEW_DIR &&
	    uvf_paths_is_union(request->paths, node))
		uvf_paths_refresh_union(request->paths, node);
	flags &= ~(O_CREAT | O_EXCL | O_TRUNC);
	fd = openat(request->paths->dirfd, node->path,
		    flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int open_place(const struct uvf_paths_request *request,
		      const struct open_args *args)
{
	const struct uvf_place *place = &request->place;
	int flags = (int)args->flags;

	if (place->error == -ENOENT && place->is_last && flags & O_CREAT)
		return place->is_closed ? -EACCES
					: open_real(request, flags, args->mode);
	if (place->error)
		return place->error;
	if (place->node)
		return open_node(request, flags);
	return open_real(request, flags, args->mode);
}

void uvf_paths_open(struct uvf_paths_request *request,
		    struct uvf_path_answer *answer)
{
	const struct uvf_place *place = &request->place;
	struct open_args args;
	int fd;

	if (read_args(request, &args))
		return;
	if (!(args.flags & O_PATH) && find_node(request, &answer->hit)) {
		answer->kind = UVF_PATH_NODE;
		answer->flags = (int)args.flags;
		return;
	}
	if (!place->is_ours &&
	    !(place->node && uvf_paths_is_union(request->paths, place->node)))
		return;
	/* The kernel lets us give away no O_PATH; a readable one does more. */
	if (args.flags & O_PATH)
		args.flags =
			(args.flags & (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) |
			O_RDONLY;
	fd = open_place(request, &args);
	if (fd == FOR_WRITING) {
		answer->kind = UVF_PATH_WRITE;
		answer->flags = (int)args.flags;
		snprintf(answer->path, sizeof(answer->path), "%s",
			 place->node->path);
		return;
	}
	if (fd < 0) {
		uvf_paths_return(answer, fd);
		return;
	}
	answer->kind = UVF_PATH_FD;
	answer->fd = fd;
	answer->cloexec = args.flags & O_CLOEXEC;
}
