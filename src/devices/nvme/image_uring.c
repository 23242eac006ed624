/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file by io_uring.  A thread sleeps on the ring's eventfd and kicks the
 * device, which reaps.
 *
 * One piece of work is one entry of the ring at a time: what was moved only in
 * part is submitted again, and so is a hole that the file system refuses, as
 * zeroes to write.
 */
#include <errno.h>
#include <linux/falloc.h>
#include <liburing.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "image.h"
#include "nvme.h"

#define ZEROES 65536u

struct uring {
	struct nvme_image image;
	struct nvme_file file;
	struct io_uring ring;
	int event; /* owned; the ring's */
	bool is_started;
	bool must_stop; /* read and written atomically */
	pthread_t thread;
};

static _Alignas(4096) uint8_t zeroes[ZEROES];

static void *thread_main(void *arg)
{
	struct uring *self = arg;
	eventfd_t count;

	pthread_setname_np(pthread_self(), "uvf-nvme");
	for (;;) {
		int ret = eventfd_read(self->event, &count);

		if (__atomic_load_n(&self->must_stop, __ATOMIC_ACQUIRE))
			break;
		if (!ret)
			uvfio_kick(self->image.dev);
	}
	return NULL;
}

static int uring_start(struct nvme_image *image)
{
	struct uring *self = (struct uring *)image;
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&self->thread, NULL, thread_main, self);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	self->is_started = !ret;
	return -ret;
}

static void prepare_move(struct uring *self, struct io_uring_sqe *sqe,
			 struct nvme_io *io)
{
	uint64_t left = io->size - io->moved;
	uint64_t offset = io->offset + io->moved;
	unsigned int some =
		left < UINT32_C(1) << 30 ? (unsigned int)left : 1u << 30;

	if (io->kind == NVME_BACKEND_READ) {
		io_uring_prep_read(sqe, self->file.fd, io->buffer + io->moved,
				   some, offset);
		return;
	}
	if (io->kind == NVME_BACKEND_DISCARD)
		io_uring_prep_write(sqe, self->file.fd, zeroes,
				    some < ZEROES ? some : ZEROES, offset);
	else
		io_uring_prep_write(sqe, self->file.fd, io->buffer + io->moved,
				    some, offset);
	if (io->is_durable || self->file.is_durable)
		sqe->rw_flags = RWF_DSYNC;
}

static void prepare(struct uring *self, struct io_uring_sqe *sqe,
		    struct nvme_io *io)
{
	if (io->kind == NVME_BACKEND_FLUSH)
		io_uring_prep_fsync(sqe, self->file.fd, IORING_FSYNC_DATASYNC);
	else if (io->kind == NVME_BACKEND_DISCARD && !io->has_no_holes)
		io_uring_prep_fallocate(sqe, self->file.fd,
					FALLOC_FL_PUNCH_HOLE |
						FALLOC_FL_KEEP_SIZE,
					(off_t)io->offset, (off_t)io->size);
	else
		prepare_move(self, sqe, io);
	io_uring_sqe_set_data(sqe, io);
}

static void uring_submit(struct nvme_image *image, struct nvme_io *io)
{
	struct uring *self = (struct uring *)image;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);

	/* The ring has an entry for each request there can be. */
	if (!sqe) {
		io_uring_submit(&self->ring);
		sqe = io_uring_get_sqe(&self->ring);
	}
	prepare(self, sqe, io);
}

static void uring_flush(struct nvme_image *image)
{
	struct uring *self = (struct uring *)image;

	if (io_uring_sq_ready(&self->ring))
		io_uring_submit(&self->ring);
}

/* What the ring says of one piece; true: it is done with it. */
static bool take(struct uring *self, struct nvme_io *io, int result)
{
	bool is_hole = io->kind == NVME_BACKEND_DISCARD && !io->has_no_holes;
	bool is_whole = is_hole || io->kind == NVME_BACKEND_FLUSH;

	if (is_hole && (result == -EOPNOTSUPP || result == -ENOSYS)) {
		io->has_no_holes = true;
	} else if (result == -EINTR || result == -EAGAIN) {
		/* Once more. */
	} else if (result < 0 || is_whole) {
		io->result = result;
		return true;
	} else if (!result) {
		io->result = -EIO;
		return true;
	} else {
		io->moved += (unsigned int)result;
		if (io->moved == io->size)
			return true;
	}
	uring_submit(&self->image, io);
	io_uring_submit(&self->ring);
	return false;
}

static struct nvme_io *uring_reap(struct nvme_image *image)
{
	struct uring *self = (struct uring *)image;
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&self->ring, &cqe)) {
		struct nvme_io *io = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&self->ring, cqe);
		if (take(self, io, result))
			return io;
	}
	return NULL;
}

static void uring_wait(struct nvme_image *image)
{
	struct uring *self = (struct uring *)image;
	struct io_uring_cqe *cqe;

	io_uring_submit(&self->ring);
	(void)io_uring_wait_cqe(&self->ring, &cqe);
}

static void uring_destroy(struct nvme_image *image)
{
	struct uring *self = (struct uring *)image;

	if (self->is_started) {
		__atomic_store_n(&self->must_stop, true, __ATOMIC_RELEASE);
		(void)eventfd_write(self->event, 1);
		pthread_join(self->thread, NULL);
	}
	io_uring_queue_exit(&self->ring);
	close(self->event);
	close(self->file.fd);
	free(self);
}

static const struct nvme_image_ops uring_ops = {
	.start = uring_start,
	.submit = uring_submit,
	.flush = uring_flush,
	.reap = uring_reap,
	.wait = uring_wait,
	.destroy = uring_destroy,
};

int nvme_image_create_uring(struct uvfio_dev *dev, const struct nvme_file *file,
			    struct nvme_image **ret_image)
{
	struct uring *self = calloc(1, sizeof(*self));
	int ret;

	if (!self)
		return -ENOMEM;
	self->event = eventfd(0, EFD_CLOEXEC);
	if (self->event < 0) {
		ret = -errno;
		free(self);
		return ret;
	}
	ret = io_uring_queue_init(NVME_REQUESTS, &self->ring, 0);
	if (ret) {
		close(self->event);
		free(self);
		return ret;
	}
	ret = io_uring_register_eventfd(&self->ring, self->event);
	if (ret) {
		io_uring_queue_exit(&self->ring);
		close(self->event);
		free(self);
		return ret;
	}
	self->file = *file;
	self->image.ops = &uring_ops;
	self->image.dev = dev;
	*ret_image = &self->image;
	return 0;
}
