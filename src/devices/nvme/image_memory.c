/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An image in memory: io.c uses it in place, so that nothing is ever
 * submitted.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "image.h"

static int memory_start(struct nvme_image *image)
{
	(void)image;
	return 0;
}

static void memory_destroy(struct nvme_image *image)
{
	munmap(image->memory, image->size);
	free(image);
}

/* submit() and what follows it are for images without memory. */
static const struct nvme_image_ops memory_ops = {
	.start = memory_start,
	.destroy = memory_destroy,
};

int nvme_image_create_memory(struct uvfio_dev *dev, uint64_t size,
			     struct nvme_image **ret_image)
{
	struct nvme_image *image = calloc(1, sizeof(*image));

	if (!image)
		return -ENOMEM;
	image->memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->memory == MAP_FAILED) {
		free(image);
		return -ENOMEM;
	}
	image->ops = &memory_ops;
	image->dev = dev;
	image->size = size;
	*ret_image = image;
	return 0;
}
