/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file by threads that block, for kernels and containers without io_uring.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "image.h"
#include "nvme.h"

#define THREADS 4

struct list {
	struct nvme_io *first, *last;
};

struct threads {
	struct nvme_image image;
	struct nvme_file file;
	pthread_t threads[THREADS];
	unsigned int started;

	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t work;  /* todo, or must_stop */
	pthread_cond_t ready; /* done */
	struct list todo, done;
	bool must_stop;
};

static void push(struct list *list, struct nvme_io *io)
{
	io->next = NULL;
	if (list->last)
		list->last->next = io;
	else
		list->first = io;
	list->last = io;
}

static struct nvme_io *pop(struct list *list)
{
	struct nvme_io *io = list->first;

	if (!io)
		return NULL;
	list->first = io->next;
	if (!list->first)
		list->last = NULL;
	return io;
}

static void *thread_main(void *arg)
{
	struct threads *self = arg;

	pthread_setname_np(pthread_self(), "uvf-nvme");
	pthread_mutex_lock(&self->lock);
	while (!self->must_stop) {
		struct nvme_io *io = pop(&self->todo);

		if (!io) {
			pthread_cond_wait(&self->work, &self->lock);
			continue;
		}
		pthread_mutex_unlock(&self->lock);
		io->result = nvme_file_do(&self->file, io);
		pthread_mutex_lock(&self->lock);
		push(&self->done, io);
		pthread_cond_signal(&self->ready);
		uvfio_kick(self->image.dev);
	}
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

static int threads_start(struct nvme_image *image)
{
	struct threads *self = (struct threads *)image;
	sigset_t all, old;
	int ret = 0;

	/* Signals are for the threads of the process that uses us. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!ret && self->started < THREADS) {
		ret = pthread_create(&self->threads[self->started], NULL,
				     thread_main, self);
		self->started += !ret;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return self->started ? 0 : -ret;
}

static void threads_submit(struct nvme_image *image, struct nvme_io *io)
{
	struct threads *self = (struct threads *)image;

	pthread_mutex_lock(&self->lock);
	push(&self->todo, io);
	pthread_cond_signal(&self->work);
	pthread_mutex_unlock(&self->lock);
}

static void threads_flush(struct nvme_image *image)
{
	(void)image;
}

static struct nvme_io *threads_reap(struct nvme_image *image)
{
	struct threads *self = (struct threads *)image;
	struct nvme_io *io;

	pthread_mutex_lock(&self->lock);
	io = pop(&self->done);
	pthread_mutex_unlock(&self->lock);
	return io;
}

static void threads_wait(struct nvme_image *image)
{
	struct threads *self = (struct threads *)image;

	pthread_mutex_lock(&self->lock);
	while (!self->done.first)
		pthread_cond_wait(&self->ready, &self->lock);
	pthread_mutex_unlock(&self->lock);
}

static void threads_destroy(struct nvme_image *image)
{
	struct threads *self = (struct threads *)image;

	pthread_mutex_lock(&self->lock);
	self->must_stop = true;
	pthread_cond_broadcast(&self->work);
	pthread_mutex_unlock(&self->lock);
	for (unsigned int i = 0; i < self->started; i++)
		pthread_join(self->threads[i], NULL);
	pthread_cond_destroy(&self->ready);
	pthread_cond_destroy(&self->work);
	pthread_mutex_destroy(&self->lock);
	close(self->file.fd);
	free(self);
}

static const struct nvme_image_ops threads_ops = {
	.start = threads_start,
	.submit = threads_submit,
	.flush = threads_flush,
	.reap = threads_reap,
	.wait = threads_wait,
	.destroy = threads_destroy,
};

int nvme_image_create_threads(struct uvfio_dev *dev,
			      const struct nvme_file *file,
			      struct nvme_image **ret_image)
{
	struct threads *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->work, NULL);
	pthread_cond_init(&self->ready, NULL);
	self->file = *file;
	self->image.ops = &threads_ops;
	self->image.dev = dev;
	*ret_image = &self->image;
	return 0;
}
