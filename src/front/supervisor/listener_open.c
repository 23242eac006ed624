/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that make descriptors: open(2) and its kin on the nodes of the
 * machine, eventfd(2) where we cannot fetch the client's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/file.h"
#include "core/vfio.h"
#include "front/supervisor/client.h"
#include "front/supervisor/eventfds.h"
#include "front/supervisor/fds.h"
#include "front/supervisor/listener.h"
#include "front/supervisor/proc.h"
#include "front/supervisor/uevents.h"
#include "front/supervisor/view.h"
#include "fs/devfs.h"
#include "fs/sysfs_file.h"
#include "v02/v02.h"

/* One open, whichever call it came by. */
struct open_args {
	int dirfd;
	uint64_t path; /* client address */
	int flags;
};

static int decode(const struct uvf_call *call, struct open_args *ret_args)
{
	const uint64_t *args = call->args;
	struct open_how how;

	switch (call->nr) {
	case SYS_open:
		*ret_args = (struct open_args){AT_FDCWD, args[0], (int)args[1]};
		return 0;
	case SYS_creat:
		*ret_args = (struct open_args){AT_FDCWD, args[0],
					       O_CREAT | O_WRONLY | O_TRUNC};
		return 0;
	case SYS_openat:
		*ret_args =
			(struct open_args){(int)args[0], args[1], (int)args[2]};
		return 0;
	default:
		if (args[3] < sizeof(how) ||
		    uvf_client_read(call->tid, args[2], &how, sizeof(how)))
			return -EFAULT;
		*ret_args = (struct open_args){(int)args[0], args[1],
					       (int)how.flags};
		return 0;
	}
}

/* What is tested before the driver's open(). */
static int check_open(const struct uvf_call *call,
		      const struct uvf_view_hit *hit, int flags)
{
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	return uvf_proc_may_open(call->tid, &hit->rights, flags);
}

static int open_as_caller(const struct uvf_call *call, const char *node,
			  struct uvf_file **ret_file)
{
	const struct uvf_caller caller = {
		.pid = call->tid,
		.has_rawio = uvf_client_has_rawio(call->tid),
	};

	return uvf_devfs_open_past(call->params->vfio, &caller, node, ret_file);
}

void uvf_call_return_file(struct uvf_call *call, struct uvf_file *file,
			  int flags)
{
	struct uvf_fds *fds = call->params->fds;
	int fd = uvf_fds_make(fds, file, flags);
	int ret;

	if (fd < 0) {
		uvf_file_put(file);
		/* It is our table that is full, not the client's. */
		uvf_call_return(call, fd == -EMFILE ? -ENFILE : fd);
		return;
	}
	ret = uvf_client_give(call->params->fd, call->id, fd, flags, true);
	if (ret >= 0) {
		/* The call is answered. */
		close(fd);
		return;
	}
	uvf_fds_abort(fds, fd);
	uvf_file_put(file);
	uvf_call_return(call, ret);
}

void uvf_call_open_node(struct uvf_call *call, const struct uvf_view_hit *hit,
			int flags)
{
	struct uvf_file *file;
	int ret;

	ret = check_open(call, hit, flags);
	if (!ret)
		ret = open_as_caller(call, hit->node, &file);
	if (ret)
		uvf_call_return(call, ret);
	else
		uvf_call_return_file(call, file, flags);
}

/*
 * /proc/self/fd/N of one of our descriptors: the kernel opens the node once
 * more, and has nothing to open for a device.
 */
static void open_again(struct uvf_call *call, const struct uvf_file *file,
		       int flags)
{
	/* Who has it open may open it. */
	struct uvf_view_hit hit = {
		.node = "vfio/vfio",
		.rights = {.mode = 0666},
	};

	switch (file->kind) {
	case UVF_FILE_CONTAINER:
		uvf_call_open_node(call, &hit, flags);
		return;
	case UVF_FILE_SYSFS:
		uvf_call_open_sysfs(call, uvf_sysfs_file_path(file), flags);
		return;
	case UVF_FILE_GROUP:
		uvf_call_return(call, -EBUSY);
		return;
	case UVF_FILE_V02_GROUP:
		(void)snprintf(hit.node, sizeof(hit.node), "vfio/%s",
			       uvf_v02_node_name(file));
		uvf_call_open_node(call, &hit, flags);
		return;
	default:
		uvf_call_return(call, -ENXIO);
	}
}

void uvf_call_open(struct uvf_call *call)
{
	char path[PATH_MAX];
	struct uvf_view_hit hit;
	struct open_args args;
	struct uvf_file *file;
	int ret;

	if (decode(call, &args) || args.flags & O_PATH ||
	    uvf_client_read_path(call->tid, args.path, path) ||
	    !uvf_call_is_valid(call)) {
		uvf_call_pass(call);
		return;
	}
	ret = uvf_view_node(call->params->view, call->tid, args.dirfd, path,
			    &hit);
	if (ret > 0) {
		uvf_call_open_node(call, &hit, args.flags);
		return;
	}
	if (ret < 0 && !(args.flags & O_CREAT)) {
		uvf_call_return(call, ret);
		return;
	}
	file = uvf_fds_find_path(call->params->fds, call->tid, path);
	if (file) {
		open_again(call, file, args.flags);
		uvf_file_put(file);
		return;
	}
	uvf_call_pass(call);
}

void uvf_call_eventfd(struct uvf_call *call)
{
	int flags = call->nr == SYS_eventfd2 ? (int)call->args[1] : 0;
	int fd = uvf_eventfds_make((unsigned int)call->args[0], flags);
	int ret;

	if (fd < 0) {
		uvf_call_return(call, fd);
		return;
	}
	/* Kept first: another thread of the client may use it at once. */
	ret = uvf_eventfds_keep(call->params->eventfds, fd);
	if (!ret)
		ret = uvf_client_give(call->params->fd, call->id, fd, flags,
				      true);
	if (ret < 0)
		uvf_call_return(call, ret);
}

/* Where namespaces are refused it is the host's uevents that it hears. */
void uvf_call_socket(struct uvf_call *call)
{
	int type = (int)call->args[1];
	int fd, ret;

	/* It takes a child of ours to make one. */
	uvf_call_give_token(call);
	fd = uvf_uevents_socket(call->params->uevents, type);
	if (fd < 0) {
		(void)uvf_call_continue(call);
		return;
	}
	ret = uvf_client_give(call->params->fd, call->id, fd,
			      type & SOCK_CLOEXEC ? O_CLOEXEC : 0, true);
	close(fd);
	if (ret < 0)
		uvf_call_return(call, ret);
}
