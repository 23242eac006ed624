/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAKE_DEVICES 4
#define POLLS_MAX    100000

static struct {
	uint64_t offset;
	uint64_t size;
} holes[FAKE_HOLES];
static unsigned int hole_count;

/* Devices that live, for the cables. */
static struct uvfio_dev *devices[FAKE_DEVICES];

uint8_t fake_memory[FAKE_MEMORY_SIZE];

void fake_memory_reset(void)
{
	memset(fake_memory, 0, sizeof(fake_memory));
	hole_count = 0;
}

void fake_memory_punch(uint64_t offset, uint64_t size)
{
	assert_true(hole_count < FAKE_HOLES);
	holes[hole_count].offset = offset;
	holes[hole_count].size = size;
	hole_count++;
}

void fake_memory_narrow(uint64_t hole, uint64_t hole_size, uint64_t start_size,
			uint64_t end)
{
	if (!hole_count) {
		fake_memory_punch(hole, hole_size);
		fake_memory_punch(start_size, end - start_size);
	}
	memset(fake_memory, 0, start_size);
	memset(fake_memory + end, 0, FAKE_MEMORY_SIZE - end);
}

void uvfio_error_set(struct uvfio_error *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
}

void *uvfio_priv(struct uvfio_dev *dev)
{
	return dev->priv;
}

const char *uvfio_dev_name(const struct uvfio_dev *dev)
{
	return dev->name;
}

static const char *find(const struct fake_option *option, const char *key)
{
	for (; option && option->key; option++)
		if (!strcmp(option->key, key))
			return option->value;
	return NULL;
}

const char *uvfio_option(const struct uvfio_dev *dev, const char *key)
{
	return find(dev->options, key);
}

const char *uvfio_spec_value(const struct uvfio_spec *spec, const char *key)
{
	return find(spec->options, key);
}

void *uvfio_mem(struct uvfio_dev *dev, unsigned int bar, uint64_t offset)
{
	return dev->bars[bar] + offset;
}

/* How many bytes from an address are there. */
static size_t reachable(uint64_t iova, size_t len)
{
	unsigned int i;

	if (iova >= FAKE_MEMORY_SIZE)
		return 0;
	if (len > FAKE_MEMORY_SIZE - iova)
		len = FAKE_MEMORY_SIZE - iova;
	for (i = 0; i < hole_count; i++) {
		if (iova >= holes[i].offset &&
		    iova - holes[i].offset < holes[i].size)
			return 0;
		if (iova < holes[i].offset && len > holes[i].offset - iova)
			len = holes[i].offset - iova;
	}
	return len;
}

int uvfio_dma_read(struct uvfio_dev *dev, uint64_t iova, void *buf, size_t len)
{
	size_t there = reachable(iova, len);

	dev->dma_reads++;
	if (!dev->is_bus_master)
		return -EPERM;
	memcpy(buf, fake_memory + (there ? iova : 0), there);
	return there == len ? 0 : -EFAULT;
}

int uvfio_dma_write(struct uvfio_dev *dev, uint64_t iova, const void *buf,
		    size_t len)
{
	size_t there = reachable(iova, len);

	dev->dma_writes++;
	if (!dev->is_bus_master)
		return -EPERM;
	memcpy(fake_memory + (there ? iova : 0), buf, there);
	return there == len ? 0 : -EFAULT;
}

void uvfio_timer_set(struct uvfio_dev *dev, unsigned int id, uint64_t ns)
{
	assert_true(id < UVFIO_TIMER_MAX);
	dev->timers[id] = ns;
}

void uvfio_kick(struct uvfio_dev *dev)
{
	__atomic_add_fetch(&dev->kicks, 1, __ATOMIC_SEQ_CST);
}

void uvfio_poll_hint(struct uvfio_dev *dev, bool on)
{
	dev->is_polled = on;
}

int uvfio_cable_plug(struct uvfio_dev *dev, const char *name)
{
	unsigned int ends = 0;
	unsigned int i;

	for (i = 0; i < FAKE_DEVICES; i++) {
		if (!devices[i] || !devices[i]->cable ||
		    strcmp(devices[i]->cable, name))
			continue;
		if (devices[i]->model != dev->model)
			return -EINVAL;
		ends++;
	}
	if (ends == 2)
		return -EBUSY;
	dev->cable = name;
	return 0;
}

struct uvfio_dev *uvfio_cable_peer(struct uvfio_dev *dev)
{
	unsigned int i;

	for (i = 0; i < FAKE_DEVICES; i++) {
		if (devices[i] && devices[i] != dev && devices[i]->cable &&
		    dev->cable && !strcmp(devices[i]->cable, dev->cable))
			return devices[i];
	}
	return NULL;
}

void uvfio_intx_set(struct uvfio_dev *dev, bool level)
{
	dev->intx = level;
}

int uvfio_vector_send(struct uvfio_dev *dev, unsigned int vector)
{
	assert_true(vector < FAKE_VECTORS);
	if (!dev->is_bus_master)
		return -EPERM;
	if (dev->irq_mode != UVFIO_IRQ_MSI && dev->irq_mode != UVFIO_IRQ_MSIX)
		return -ENODEV;
	dev->vectors[vector]++;
	return 0;
}

enum uvfio_irq_mode uvfio_irq_mode(struct uvfio_dev *dev)
{
	return dev->irq_mode;
}

static void device_replace(const struct uvfio_dev *old, struct uvfio_dev *new)
{
	unsigned int i;

	for (i = 0; i < FAKE_DEVICES; i++) {
		if (devices[i] == old) {
			devices[i] = new;
			return;
		}
	}
	fail_msg("too many devices");
}

static void device_free(struct uvfio_dev *dev)
{
	unsigned int i;

	for (i = 0; i < UVFIO_PCI_BARS; i++)
		free(dev->bars[i]);
	free(dev->priv);
	free(dev);
}

struct uvfio_dev *fake_device_create(const struct uvfio_pci_model *model,
				     const char *name,
				     const struct fake_option *options,
				     struct uvfio_error *err)
{
	struct uvfio_dev *dev = calloc(1, sizeof(*dev));
	unsigned int i;

	assert_non_null(dev);
	err->text[0] = '\0';
	dev->model = model;
	dev->name = name;
	dev->options = options;
	dev->is_bus_master = true;
	if (model->configure) {
		const struct uvfio_spec spec = {options};

		dev->configured = *model;
		if (model->configure(&dev->configured, &spec, err)) {
			free(dev);
			return NULL;
		}
		model = &dev->configured;
		dev->model = model;
	}
	dev->priv = calloc(1, model->priv_size);
	assert_non_null(dev->priv);
	for (i = 0; i < UVFIO_PCI_BARS; i++) {
		if (model->bars[i].size)
			dev->bars[i] = calloc(1, model->bars[i].size);
	}
	if (model->ops->init(dev, err)) {
		device_free(dev);
		return NULL;
	}
	device_replace(NULL, dev);
	return dev;
}

void fake_device_destroy(struct uvfio_dev *dev)
{
	if (dev->model->ops->fini)
		dev->model->ops->fini(dev);
	device_replace(dev, NULL);
	device_free(dev);
}

static bool is_direct(const struct uvfio_dev *dev, unsigned int bar,
		      uint64_t offset)
{
	const struct uvfio_bar *desc = &dev->model->bars[bar];
	size_t i;

	for (i = 0; i < desc->span_count; i++) {
		if (offset >= desc->spans[i].offset &&
		    offset - desc->spans[i].offset < desc->spans[i].size)
			return desc->spans[i].kind != UVFIO_PAGE_TRAP;
	}
	return false;
}

uint32_t fake_read32(struct uvfio_dev *dev, unsigned int bar, uint64_t offset)
{
	uint32_t value = 0;

	if (is_direct(dev, bar, offset)) {
		memcpy(&value, dev->bars[bar] + offset, sizeof(value));
		return value;
	}
	if (dev->model->ops->access(dev, bar, offset, &value, sizeof(value),
				    false))
		return UINT32_MAX;
	return value;
}

void fake_write32(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		  uint32_t value)
{
	if (is_direct(dev, bar, offset))
		memcpy(dev->bars[bar] + offset, &value, sizeof(value));
	else
		(void)dev->model->ops->access(dev, bar, offset, &value,
					      sizeof(value), true);
}

void fake_set_irq_mode(struct uvfio_dev *dev, enum uvfio_irq_mode mode)
{
	dev->irq_mode = mode;
	if (dev->model->ops->event)
		dev->model->ops->event(dev, UVFIO_EVENT_IRQ_MODE, mode);
}

void fake_set_bus_master(struct uvfio_dev *dev, bool on)
{
	dev->is_bus_master = on;
	if (dev->model->ops->event)
		dev->model->ops->event(dev, UVFIO_EVENT_BUS_MASTER, on);
}

void fake_fire(struct uvfio_dev *dev, unsigned int id)
{
	assert_true(id < UVFIO_TIMER_MAX);
	assert_int_not_equal(dev->timers[id], 0);
	dev->timers[id] = 0;
	dev->model->ops->timer(dev, id);
}

void fake_run(struct uvfio_dev *dev)
{
	unsigned int polls = 0;

	while (dev->model->ops->poll(dev))
		assert_true(++polls < POLLS_MAX);
}

uint32_t fake_random(uint32_t below)
{
	static uint64_t state = 0x9e3779b97f4a7c15u;

	/* A linear congruential generator; its upper half is good enough. */
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}
