/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme: a controller of NVM Express 1.4, with a disk image behind it.
 *
 * registers.c has its properties, queue.c fetches commands and posts
 * completions, admin.c and io.c carry commands out, an image is where the
 * blocks are.
 */
#include "nvme.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvfio/pci.h>

#include "image.h"
#include "options.h"

uint64_t nvme_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void nvme_reset(struct nvme_controller *nvme)
{
	if (nvme->cc & NVME_CC_EN && !nvme->is_clean)
		nvme->smart.unsafe_shutdowns++;
	uvfio_poll_hint(nvme->dev, false);
	uvfio_timer_set(nvme->dev, NVME_TIMER_KEEP_ALIVE, 0);
	nvme_queues_stop(nvme);
	nvme->cc = 0;
	nvme->csts = 0;
	nvme->aqa = 0;
	nvme->asq = 0;
	nvme->acq = 0;
	nvme->masks = 0;
	nvme->cmb_control = 0;
	nvme->cmb_base = 0;
	nvme->is_clean = true;
	nvme->features.is_timestamp_set = false;
	nvme_features_reset(nvme);
}

static int requests_create(struct nvme_controller *nvme)
{
	nvme->requests = calloc(NVME_REQUESTS, sizeof(*nvme->requests));
	if (!nvme->requests)
		return -ENOMEM;
	for (uint32_t i = 0; i < NVME_REQUESTS; i++) {
		struct nvme_request *request = &nvme->requests[i];

		request->segments = request->first;
		request->segment_room = NVME_SEGMENTS;
		request->next = nvme->unused;
		nvme->unused = request;
	}
	nvme->under_way.next = &nvme->under_way;
	nvme->under_way.prev = &nvme->under_way;
	return 0;
}

static void requests_destroy(struct nvme_controller *nvme)
{
	for (uint32_t i = 0; nvme->requests && i < NVME_REQUESTS; i++) {
		struct nvme_request *request = &nvme->requests[i];

		free(request->buffer);
		if (request->segments != request->first)
			free(request->segments);
	}
	free(nvme->requests);
	nvme->requests = NULL;
}

static void destroy(struct nvme_controller *nvme)
{
	nvme_namespaces_destroy(nvme);
	requests_destroy(nvme);
	if (nvme->image)
		nvme->image->ops->destroy(nvme->image);
	nvme->image = NULL;
}

static int nvme_init(struct uvfio_dev *dev, struct uvfio_error *err)
{
	struct nvme_controller *nvme = uvfio_priv(dev);
	struct nvme_options options;
	int ret = nvme_options_read(dev, &options, err);

	if (ret)
		return ret;
	nvme->dev = dev;
	nvme->doorbells = uvfio_mem(dev, 0, NVME_DOORBELLS);
	ret = nvme_cmb_parse(uvfio_option(dev, "cmb"), &nvme->cmb_size, err);
	if (ret)
		return ret;
	nvme->queue_limit = options.queues;
	nvme->mdts = options.mdts;
	nvme->is_read_only = options.image.is_read_only;
	nvme->begins_cached = options.image.cache != NVME_CACHE_WRITETHROUGH;
	memcpy(nvme->serial, options.serial, sizeof(nvme->serial));
	ret = nvme_image_open(dev, &options.image, &nvme->image, err);
	if (ret)
		return ret;
	ret = nvme_namespaces_create(nvme, options.namespaces, options.format);
	if (!ret)
		ret = requests_create(nvme);
	if (ret) {
		destroy(nvme);
		return ret;
	}
	nvme->smart.started_ns = nvme_now();
	nvme_reset(nvme);
	return 0;
}

static void nvme_fini(struct uvfio_dev *dev)
{
	struct nvme_controller *nvme = uvfio_priv(dev);

	nvme_queues_stop(nvme);
	destroy(nvme);
}

/* Threads are started late: the process may fork before it is in use. */
static bool start_image(struct nvme_controller *nvme)
{
	if (!nvme->is_started)
		nvme->is_started = !nvme->image->ops->start(nvme->image);
	return nvme->is_started;
}

static int nvme_access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		       void *buf, size_t len, bool is_write)
{
	struct nvme_controller *nvme = uvfio_priv(dev);
	uint64_t value = 0;

	if (bar || offset >= NVME_DOORBELLS || (len != 4 && len != 8))
		return -EINVAL;
	if (!is_write) {
		value = nvme_register_read(nvme, (uint32_t)offset,
					   (uint32_t)len);
		memcpy(buf, &value, len);
		return 0;
	}
	memcpy(&value, buf, len);
	if (!start_image(nvme))
		return -EIO;
	nvme_register_write(nvme, (uint32_t)offset, (uint32_t)len, value);
	return 0;
}

static void nvme_device_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	struct nvme_controller *nvme = uvfio_priv(dev);

	if (kind == UVFIO_RESET_OPEN)
		nvme->smart.power_cycles++;
	nvme_reset(nvme);
}

static bool nvme_poll(struct uvfio_dev *dev)
{
	struct nvme_controller *nvme = uvfio_priv(dev);

	if (!nvme->is_bus_master || !nvme_is_ready(nvme))
		return false;
	return nvme_queues_poll(nvme);
}

static void nvme_event_of_host(struct uvfio_dev *dev, enum uvfio_event event,
			       uint64_t value)
{
	struct nvme_controller *nvme = uvfio_priv(dev);

	if (event == UVFIO_EVENT_BUS_MASTER) {
		nvme->is_bus_master = value;
		if (value)
			uvfio_kick(dev);
	} else if (event == UVFIO_EVENT_IRQ_MODE && nvme_is_ready(nvme)) {
		nvme_interrupt_pin(nvme);
	}
}

static void nvme_timer(struct uvfio_dev *dev, unsigned int id)
{
	struct nvme_controller *nvme = uvfio_priv(dev);

	if (id == NVME_TIMER_COALESCING)
		nvme_interrupts_flush(nvme);
	else if (id == NVME_TIMER_KEEP_ALIVE)
		nvme_fail(nvme);
}

static const struct uvfio_device_ops nvme_ops = {
	.init = nvme_init,
	.fini = nvme_fini,
	.access = nvme_access,
	.reset = nvme_device_reset,
	.event = nvme_event_of_host,
	.poll = nvme_poll,
	.timer = nvme_timer,
};

static const struct uvfio_key nvme_keys[] = {
	{"file", "FILE", "a disk image or a block device (memory)"},
	{"size", "SIZE", "bytes of memory, or of a file to create"},
	{"lba", "512|4096", "bytes of a block (512)"},
	{"ns", "N", "namespaces, equal parts of the image (1)"},
	{"queues", "N", "pairs of queues for I/O, up to 64 (64)"},
	{"mdts", "N", "the most that one command moves, 2^N pages (7)"},
	{"serial", "TEXT", "serial number, up to 20 characters (the address)"},
	{"cmb", "SIZE", "memory of the controller's own, in BAR 2 (none)"},
	{"cache", "writeback|writethrough|none",
	 "how writes reach the file (writeback)"},
	{"ro", "on|off", "never write to the image (off)"},
	{"aio", "uring|threads", "how the file is read and written (uring)"},
	{NULL, NULL, NULL},
};

static const struct uvfio_span nvme_spans[] = {
	{NVME_DOORBELLS, 0x1000, UVFIO_PAGE_POLL},
};

#define CMB_SPAN(shift)                                                        \
	{                                                                      \
		0, UINT64_C(1) << (shift), UVFIO_PAGE_RAM                      \
	}
#define CMB_SHIFT 20 /* of the first */

static const struct uvfio_span cmb_spans[] = {
	CMB_SPAN(20), CMB_SPAN(21), CMB_SPAN(22), CMB_SPAN(23),
	CMB_SPAN(24), CMB_SPAN(25), CMB_SPAN(26), CMB_SPAN(27),
	CMB_SPAN(28), CMB_SPAN(29), CMB_SPAN(30),
};

/* The controller memory buffer, all of it memory that the host may map. */
static int nvme_configure(struct uvfio_pci_model *model,
			  const struct uvfio_spec *spec,
			  struct uvfio_error *err)
{
	uint64_t size;
	int ret = nvme_cmb_parse(uvfio_spec_value(spec, "cmb"), &size, err);

	if (ret || !size)
		return ret;
	model->bars[NVME_CMB_BAR] = (struct uvfio_bar){
		.size = size,
		.flags = UVFIO_BAR_64 | UVFIO_BAR_PREFETCH,
		.widths = 1 | 2 | 4 | 8,
		.spans = &cmb_spans[__builtin_ctzll(size) - CMB_SHIFT],
		.span_count = 1,
	};
	return 0;
}

extern const struct uvfio_pci_model uvfio_model_nvme;

const struct uvfio_pci_model uvfio_model_nvme = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "nvme",
	.summary = "NVM Express 1.4 controller with a disk image",
	.keys = nvme_keys,
	.ops = &nvme_ops,
	.priv_size = sizeof(struct nvme_controller),
	.vendor = 0x1b36,
	.device = 0x0010,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.revision = 2,
	.class_code = 0x010802,
	.intx_pin = 1,
	.features = UVFIO_PCI_FLR | UVFIO_PCI_EXPRESS,
	.pm_offset = 0x60,
	.express_offset = 0x80,
	.msi = {.offset = 0x50, .log2_vectors = 0, .is_64bit = true},
	.msix = {.offset = 0x40,
		 .vectors = NVME_VECTORS,
		 .table_bar = 0,
		 .pba_bar = 0,
		 .table_offset = NVME_MSIX_TABLE,
		 .pba_offset = NVME_MSIX_PBA},
	.bars[0] = {.size = NVME_BAR_SIZE,
		    .flags = UVFIO_BAR_64,
		    .widths = 4 | 8,
		    .spans = nvme_spans,
		    .span_count = sizeof(nvme_spans) / sizeof(nvme_spans[0])},
	.configure = nvme_configure,
};
