/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"

#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/driver.h>

#define CHUNK 512

struct engine {
	struct uvfio_vfio_device *device;
	pthread_mutex_t lock; /* protects what follows */
	uint64_t regs[ENGINE_SIZE / 8];
	uint64_t window; /* IOVA of the page */
	uint8_t *page;   /* pinned; NULL: none */
};

static void close_window(struct engine *engine)
{
	if (engine->page)
		uvfio_unpin_pages(engine->device, engine->window, 1);
	engine->page = NULL;
}

static long open_window(struct engine *engine, uint64_t iova)
{
	void *page;
	int ret;

	close_window(engine);
	ret = uvfio_pin_pages(engine->device, iova, 1, UVFIO_PROT_READ, &page);
	if (ret < 0)
		return ret;
	engine->window = iova & ~(uint64_t)(UVFIO_PAGE_SIZE - 1);
	engine->page = page;
	return 0;
}

static uint64_t sum(const struct engine *engine)
{
	uint64_t sum = 0;

	for (size_t i = 0; engine->page && i < UVFIO_PAGE_SIZE; i++)
		sum += engine->page[i];
	return sum;
}

/* As a device does it: piece by piece, up to where it may not go. */
static int copy(struct engine *engine)
{
	uint64_t from = engine->regs[ENGINE_FROM / 8];
	uint64_t to = engine->regs[ENGINE_TO / 8];
	uint64_t left = engine->regs[ENGINE_LENGTH / 8];
	uint8_t chunk[CHUNK];
	int ret = 0;

	for (uint64_t len; left && !ret; left -= len, from += len, to += len) {
		len = left < CHUNK ? left : CHUNK;
		ret = uvfio_dma_rw(engine->device, from, chunk, len, false);
		if (!ret)
			ret = uvfio_dma_rw(engine->device, to, chunk, len,
					   true);
	}
	return ret;
}

static int is_register(uint64_t pos, size_t len)
{
	return len == 8 && !(pos % 8) && pos < ENGINE_SIZE;
}

static ssize_t engine_read(struct uvfio_vfio_device *device,
			   struct uvfio_client *client, uint64_t addr,
			   size_t len, uint64_t pos)
{
	struct engine *engine = uvfio_device_data(device);
	uint64_t value;

	if (!is_register(pos, len))
		return -EINVAL;
	pthread_mutex_lock(&engine->lock);
	value = pos == ENGINE_SUM ? sum(engine) : engine->regs[pos / 8];
	pthread_mutex_unlock(&engine->lock);
	return uvfio_copy_to_client(client, addr, &value, 8) ? -EFAULT : 8;
}

static ssize_t engine_write(struct uvfio_vfio_device *device,
			    struct uvfio_client *client, uint64_t addr,
			    size_t len, uint64_t pos)
{
	struct engine *engine = uvfio_device_data(device);
	uint64_t value;
	long ret = 0;

	if (!is_register(pos, len) || pos == ENGINE_SUM)
		return -EINVAL;
	if (uvfio_copy_from_client(client, &value, addr, 8))
		return -EFAULT;
	pthread_mutex_lock(&engine->lock);
	engine->regs[pos / 8] = value;
	if (pos == ENGINE_START)
		engine->regs[pos / 8] = (uint64_t)copy(engine);
	else if (pos == ENGINE_WINDOW)
		ret = open_window(engine, value);
	pthread_mutex_unlock(&engine->lock);
	return ret ? ret : 8;
}

static long get_info(struct uvfio_client *client, uint64_t arg)
{
	struct vfio_device_info info;
	const size_t min = offsetof(struct vfio_device_info, cap_offset);

	if (uvfio_copy_from_client(client, &info, arg, min))
		return -EFAULT;
	if (info.argsz < min)
		return -EINVAL;
	info.flags = 0;
	info.num_regions = 1;
	info.num_irqs = 0;
	return uvfio_copy_to_client(client, arg, &info, min);
}

static long get_region_info(struct uvfio_client *client, uint64_t arg)
{
	struct vfio_region_info info;

	if (uvfio_copy_from_client(client, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) || info.index)
		return -EINVAL;
	info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info.size = ENGINE_SIZE;
	info.offset = 0;
	return uvfio_copy_to_client(client, arg, &info, sizeof(info));
}

static long engine_ioctl(struct uvfio_vfio_device *device,
			 struct uvfio_client *client, unsigned int cmd,
			 unsigned long arg)
{
	(void)device;
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(client, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region_info(client, arg);
	default:
		return -ENOTTY;
	}
}

/* The user unmaps memory: a page that is pinned there must be let go. */
static void engine_dma_unmap(struct uvfio_vfio_device *device, uint64_t iova,
			     uint64_t len)
{
	struct engine *engine = uvfio_device_data(device);

	pthread_mutex_lock(&engine->lock);
	if (engine->page && engine->window >= iova &&
	    engine->window - iova < len)
		close_window(engine);
	pthread_mutex_unlock(&engine->lock);
}

static void engine_close(struct uvfio_vfio_device *device)
{
	struct engine *engine = uvfio_device_data(device);

	pthread_mutex_lock(&engine->lock);
	close_window(engine);
	memset(engine->regs, 0, sizeof(engine->regs));
	pthread_mutex_unlock(&engine->lock);
}

static const struct uvfio_vfio_ops engine_ops = {
	.name = "engine",
	.close_device = engine_close,
	.read = engine_read,
	.write = engine_write,
	.ioctl = engine_ioctl,
	.dma_unmap = engine_dma_unmap,
};

int engine_create(struct engine **ret_engine, struct uvfio_machine *machine)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int ret;

	if (!engine)
		return -ENOMEM;
	pthread_mutex_init(&engine->lock, NULL);
	ret = uvfio_alloc_device(machine, &engine->device, ENGINE_NAME,
				 &engine_ops, engine);
	if (!ret)
		ret = uvfio_register_emulated_iommu_dev(engine->device);
	if (ret) {
		uvfio_put_device(engine->device);
		free(engine);
		return ret;
	}
	*ret_engine = engine;
	return 0;
}

int engine_group(struct engine *engine)
{
	return uvfio_device_group_id(engine->device);
}

void engine_destroy(struct engine *engine)
{
	uvfio_unregister_group_dev(engine->device);
	uvfio_put_device(engine->device);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}
