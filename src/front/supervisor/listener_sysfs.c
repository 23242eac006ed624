/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of /sys that calls reach by descriptors: those opened for writing
 * where path calls are trapped, and statfs(2) of all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "core/file.h"
#include "front/supervisor/client.h"
#include "front/supervisor/fds.h"
#include "front/supervisor/listener.h"
#include "front/supervisor/view.h"
#include "fs/sysfs_file.h"

/* A call that is answered when its write is over. */
struct waiting {
	int listener; /* of seccomp */
	uint64_t id;
};

void uvf_call_open_sysfs(struct uvf_call *call, const char *path, int flags)
{
	struct uvf_file *file;
	int ret = uvf_view_file(call->params->view, path, &file);

	if (ret)
		uvf_call_return(call, ret);
	else
		uvf_call_return_file(call, file, flags);
}

/* A client that was killed hears nothing, which is no failure. */
static void answer(void *arg, ssize_t result)
{
	struct waiting *waiting = arg;
	struct seccomp_notif_resp resp = {.id = waiting->id};

	if (result < 0)
		resp.error = (int32_t)result;
	else
		resp.val = result;
	(void)uvf_client_answer(waiting->listener, &resp);
	uvf_free(waiting);
}

void uvf_call_write_sysfs(struct uvf_call *call, const char *path,
			  uint64_t addr, uint64_t size, uint64_t pos)
{
	struct waiting *waiting = uvf_zalloc(sizeof(*waiting));
	char bytes[UVF_VIEW_WRITE_MAX];
	struct uvf_view_data data = {bytes, size, pos};
	int ret = -ENOMEM;

	if (data.size > sizeof(bytes))
		data.size = sizeof(bytes);
	if (waiting) {
		waiting->listener = call->params->fd;
		waiting->id = call->id;
		ret = uvf_client_read(call->tid, addr, bytes, data.size);
	}
	if (!ret)
		ret = uvf_view_write(call->params->view, call->tid, path, &data,
				     answer, waiting);
	if (ret) {
		uvf_free(waiting);
		uvf_call_return(call, ret);
	}
}

/* The first piece of a vector that is not empty: one write is one value. */
static int first_piece(const struct uvf_call *call, struct iovec *ret_iov)
{
	ret_iov->iov_len = 0;
	for (uint64_t i = 0; i < call->args[2] && !ret_iov->iov_len; i++)
		if (uvf_client_read(call->tid,
				    call->args[1] + i * sizeof(*ret_iov),
				    ret_iov, sizeof(*ret_iov)))
			return -EFAULT;
	return 0;
}

static void write_file(struct uvf_call *call, const struct uvf_fd *fd)
{
	struct iovec iov = {(void *)(uintptr_t)call->args[1], call->args[2]};
	uint64_t pos = call->nr == SYS_pwrite64 ? call->args[3] : 0;
	int ret = 0;

	if ((fd->flags & O_ACCMODE) == O_RDONLY)
		ret = -EBADF;
	else if (call->nr == SYS_writev)
		ret = first_piece(call, &iov);
	if (ret || !iov.iov_len)
		uvf_call_return(call, ret);
	else
		uvf_call_write_sysfs(call, uvf_sysfs_file_path(fd->file),
				     (uintptr_t)iov.iov_base, iov.iov_len, pos);
}

void uvf_call_write(struct uvf_call *call)
{
	struct uvf_fd fd = {.file = NULL};

	if (uvf_fds_lookup(call->params->fds, call->tid, (int)call->args[0],
			   &fd)) {
		(void)uvf_call_continue(call);
		return;
	}
	if (fd.file && fd.file->kind == UVF_FILE_SYSFS)
		write_file(call, &fd);
	else
		(void)uvf_call_continue(call);
	uvf_file_put(fd.file);
}

void uvf_call_statfs(struct uvf_call *call)
{
	struct statfs fs;

	if (!uvf_view_statfs(call->params->view, call->tid, call->nr,
			     call->args, &fs)) {
		uvf_call_pass(call);
		return;
	}
	uvf_call_return(call, uvf_client_write(call->tid, call->args[1], &fs,
					       sizeof(fs)));
}
