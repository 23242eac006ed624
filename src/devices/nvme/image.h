/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the blocks are: memory, a file or a block device.
 *
 * Work is submitted and reaped by the device's thread; what is submitted
 * belongs to the image until it is reaped.  The order of what is under way at
 * once is nobody's business: NVMe promises none either.
 */
#ifndef UVF_DEVICES_NVME_IMAGE_H
#define UVF_DEVICES_NVME_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct nvme_image;
struct nvme_io;
struct uvfio_dev;
struct uvfio_error;

/* How writes reach the medium. */
enum nvme_cache {
	NVME_CACHE_WRITEBACK,    /* the host's page cache; flush makes sure */
	NVME_CACHE_WRITETHROUGH, /* a write is stable when it is done */
	NVME_CACHE_NONE,         /* past the page cache; flush makes sure */
};

struct nvme_image_params {
	const char *path; /* NULL: memory */
	uint64_t size;    /* bytes; 0: as the file is */
	bool is_read_only;
	enum nvme_cache cache;
	bool has_threads; /* rather than io_uring */
	uint32_t parts;   /* namespaces, of equal size */
	uint32_t block;   /* bytes, of which each has a whole number */
};

/* The first member of each kind's own structure. */
struct nvme_image {
	const struct nvme_image_ops *ops;
	struct uvfio_dev *dev;
	uint64_t size;   /* bytes */
	uint8_t *memory; /* may be used in place of submit(); NULL: not */
};

struct nvme_image_ops {
	/* Start threads, if there are any.  Called once, before submit(). */
	int (*start)(struct nvme_image *image);
	void (*submit)(struct nvme_image *image, struct nvme_io *io);
	/* A batch of submit() ended. */
	void (*flush)(struct nvme_image *image);
	/* One that is done, or NULL.  The device is kicked when there is. */
	struct nvme_io *(*reap)(struct nvme_image *image);
	/* Blocks until reap() has one; something is under way. */
	void (*wait)(struct nvme_image *image);
	void (*destroy)(struct nvme_image *image);
};

/* An open file, for both kinds that do I/O on one. */
struct nvme_file {
	int fd;          /* owned */
	bool is_durable; /* every write is */
	bool has_holes;  /* cleared once a hole was refused */
};

/**
 * nvme_image_open() - open an image, or make one
 * @dev:       is kicked when something can be reaped
 * @params:    not used after the call; a file of @params->size that is not
 *             there is created
 * @ret_image: written on success; the caller owns
 * @err:       names the file and what would be right
 *
 * The file is locked against all others that ask, for readers too unless it is
 * read only here.
 *
 * Return: 0 or a negative errno.
 */
int nvme_image_open(struct uvfio_dev *dev,
		    const struct nvme_image_params *params,
		    struct nvme_image **ret_image, struct uvfio_error *err);

/* Of the kinds; each takes over @file or leaves it on failure. */
int nvme_image_create_memory(struct uvfio_dev *dev, uint64_t size,
			     struct nvme_image **ret_image);
int nvme_image_create_uring(struct uvfio_dev *dev, const struct nvme_file *file,
			    struct nvme_image **ret_image);
int nvme_image_create_threads(struct uvfio_dev *dev,
			      const struct nvme_file *file,
			      struct nvme_image **ret_image);

/**
 * nvme_file_do() - do one piece of work, blocking
 * @file: of which has_holes may be cleared
 * Return: 0 or a negative errno, -EIO for a file that ends too early.
 */
int nvme_file_do(struct nvme_file *file, const struct nvme_io *io);

#endif /* UVF_DEVICES_NVME_IMAGE_H */
