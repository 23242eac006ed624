/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening an image: which kind it is, whether it can be what was asked for,
 * and the lock that keeps a second user out.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "nvme.h"

/* Zeroes to write where there are no holes. */
#define ZEROES 65536u

static int say(struct uvfio_error *err, const char *path, int error,
	       const char *what)
{
	uvfio_error_set(err, "file=%s: %s", path,
			what ? what : strerror(error));
	return -error;
}

static int find_size(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode)) {
		*ret_size = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	return ioctl(fd, BLKGETSIZE64, ret_size) ? -errno : 0;
}

/* Others are let in only where nobody writes. */
static int lock(int fd, bool is_read_only)
{
	struct flock lock = {
		.l_type = is_read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
}

static int open_flags(const struct nvme_image_params *params)
{
	int flags = O_CLOEXEC | (params->is_read_only ? O_RDONLY : O_RDWR);

	if (params->cache == NVME_CACHE_NONE)
		flags |= O_DIRECT;
	return flags;
}

/* A new file of the size that was asked for, or one that is there. */
static int open_file(const struct nvme_image_params *params, bool *ret_is_new)
{
	int fd = open(params->path, open_flags(params));

	*ret_is_new = fd < 0 && errno == ENOENT && params->size &&
		      !params->is_read_only;
	if (*ret_is_new)
		fd = open(params->path, open_flags(params) | O_CREAT | O_EXCL,
			  0666);
	return fd < 0 ? -errno : fd;
}

/* The name of what is wrong with a size. */
static void say_size(const struct nvme_image_params *params,
		     struct uvfio_error *err, uint64_t size)
{
	uvfio_error_set(err,
			"%s%s: %llu bytes are not %u namespace%s of whole "
			"blocks of %u bytes",
			params->path ? "file=" : "size",
			params->path ? params->path : "",
			(unsigned long long)size, params->parts,
			params->parts == 1 ? "" : "s", params->block);
}

static int check_size(const struct nvme_image_params *params, uint64_t size,
		      struct uvfio_error *err)
{
	if (!size) {
		uvfio_error_set(err,
				"file=%s: is empty; give it a size, by size= "
				"or with truncate(1)",
				params->path);
		return -EINVAL;
	}
	if (params->size && params->size != size) {
		uvfio_error_set(err,
				"file=%s: has %llu bytes, and size= says %llu; "
				"leave size= out",
				params->path, (unsigned long long)size,
				(unsigned long long)params->size);
		return -EINVAL;
	}
	if (size % ((uint64_t)params->parts * params->block)) {
		say_size(params, err, size);
		return -EINVAL;
	}
	return 0;
}

/* Size, lock, and what a new file needs. */
static int prepare(int fd, const struct nvme_image_params *params, bool is_new,
		   uint64_t *ret_size, struct uvfio_error *err)
{
	int ret = lock(fd, params->is_read_only);

	if (ret)
		return say(err, params->path, -ret,
			   ret == -EBUSY ? "somebody else uses this image"
					 : NULL);
	if (is_new && ftruncate(fd, (off_t)params->size))
		return say(err, params->path, errno, NULL);
	ret = find_size(fd, ret_size);
	if (ret)
		return say(err, params->path, -ret,
			   ret == -ENOTBLK ? "is neither a file nor a block "
					     "device"
					   : NULL);
	return check_size(params, *ret_size, err);
}

static int open_image(struct uvfio_dev *dev,
		      const struct nvme_image_params *params,
		      const struct nvme_file *file,
		      struct nvme_image **ret_image)
{
	int ret = -ENOSYS;

	if (!params->has_threads)
		ret = nvme_image_create_uring(dev, file, ret_image);
	/* A container may refuse io_uring, and an old kernel lacks it. */
	if (ret == -ENOSYS || ret == -EPERM)
		ret = nvme_image_create_threads(dev, file, ret_image);
	return ret;
}

int nvme_image_open(struct uvfio_dev *dev,
		    const struct nvme_image_params *params,
		    struct nvme_image **ret_image, struct uvfio_error *err)
{
	struct nvme_file file = {
		.is_durable = params->cache == NVME_CACHE_WRITETHROUGH,
		.has_holes = true,
	};
	uint64_t size = 0;
	bool is_new;
	int ret;

	if (params->size &&
	    params->size % ((uint64_t)params->parts * params->block)) {
		say_size(params, err, params->size);
		return -EINVAL;
	}
	if (!params->path) {
		ret = nvme_image_create_memory(dev, params->size, ret_image);
		if (ret)
			uvfio_error_set(err, "size=%llu: %s",
					(unsigned long long)params->size,
					strerror(-ret));
		return ret;
	}
	file.fd = open_file(params, &is_new);
	if (file.fd < 0)
		return say(err, params->path, -file.fd, NULL);
	ret = prepare(file.fd, params, is_new, &size, err);
	if (!ret) {
		ret = open_image(dev, params, &file, ret_image);
		if (ret)
			(void)say(err, params->path, -ret, NULL);
	}
	if (ret) {
		if (is_new)
			unlink(params->path);
		close(file.fd);
		return ret;
	}
	(*ret_image)->size = size;
	return 0;
}

static int move(const struct nvme_file *file, const struct nvme_io *io)
{
	uint64_t moved = 0;

	while (moved < io->size) {
		struct iovec iov = {io->buffer + moved, io->size - moved};
		off_t offset = (off_t)(io->offset + moved);
		ssize_t n;

		if (io->kind == NVME_BACKEND_READ)
			n = preadv(file->fd, &iov, 1, offset);
		else
			n = pwritev2(file->fd, &iov, 1, offset,
				     io->is_durable || file->is_durable
					     ? RWF_DSYNC
					     : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		moved += (uint64_t)n;
	}
	return 0;
}

static int discard(struct nvme_file *file, const struct nvme_io *io)
{
	static _Alignas(4096) uint8_t zeroes[ZEROES];
	struct nvme_io part = *io;

	if (__atomic_load_n(&file->has_holes, __ATOMIC_RELAXED)) {
		if (!fallocate(file->fd,
			       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       (off_t)io->offset, (off_t)io->size))
			return 0;
		if (errno != EOPNOTSUPP && errno != ENOSYS)
			return -errno;
		__atomic_store_n(&file->has_holes, false, __ATOMIC_RELAXED);
	}
	part.kind = NVME_BACKEND_WRITE;
	part.buffer = zeroes;
	for (uint64_t done = 0; done < io->size; done += part.size) {
		int ret;

		part.offset = io->offset + done;
		part.size = io->size - done < ZEROES ? io->size - done : ZEROES;
		ret = move(file, &part);
		if (ret)
			return ret;
	}
	return 0;
}

int nvme_file_do(struct nvme_file *file, const struct nvme_io *io)
{
	switch (io->kind) {
	case NVME_BACKEND_READ:
	case NVME_BACKEND_WRITE:
		return move(file, io);
	case NVME_BACKEND_FLUSH:
		return fdatasync(file->fd) ? -errno : 0;
	case NVME_BACKEND_DISCARD:
		return discard(file, io);
	}
	return -EINVAL;
}
