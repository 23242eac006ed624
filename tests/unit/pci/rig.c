/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "base/eventfd.h"
#include "bus/options.h"
#include "core/worker.h"
#include "pci/device.h"

static int probe_access(struct uvfio_dev *dev, unsigned int bar, uint64_t off,
			void *buf, size_t len, bool is_write)
{
	struct probe *probe = uvfio_priv(dev);
	unsigned int i = probe->accesses++;

	assert_true(uvf_is_held(&dev->lock));
	if (bar == UVFIO_VGA)
		off %= sizeof(probe->regs);
	if (i < 64) {
		probe->log[i].bar = bar;
		probe->log[i].off = off;
		probe->log[i].len = len;
		probe->log[i].is_write = is_write;
	}
	if (is_write)
		probe->writes++;
	else
		probe->reads++;
	if (probe->fail)
		return probe->fail;
	if (is_write)
		memcpy(probe->regs + off, buf, len);
	else
		memcpy(buf, probe->regs + off, len);
	return 0;
}

static void probe_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	struct probe *probe = uvfio_priv(dev);

	assert_false(dev->is_bus_master);
	probe->resets++;
	probe->last_reset = kind;
	memset(probe->regs, 0, sizeof(probe->regs));
}

static void probe_event(struct uvfio_dev *dev, enum uvfio_event event,
			uint64_t value)
{
	struct probe *probe = uvfio_priv(dev);

	assert_true(uvf_is_held(&dev->lock));
	if (event == UVFIO_EVENT_BUS_MASTER)
		probe->is_bus_master = value;
	else if (event == UVFIO_EVENT_IRQ_MODE)
		probe->mode = (enum uvfio_irq_mode)value;
}

static bool probe_poll(struct uvfio_dev *dev)
{
	struct probe *probe = uvfio_priv(dev);

	probe->polls++;
	return probe->kept_busy && probe->kept_busy--;
}

const struct uvfio_device_ops probe_ops = {
	.access = probe_access,
	.reset = probe_reset,
	.event = probe_event,
	.poll = probe_poll,
};

static const struct uvfio_span full_spans[] = {
	{0x4000, 0x2000, UVFIO_PAGE_RAM},
	{0x6000, 0x1000, UVFIO_PAGE_POLL},
	{0x8000, 0x3000, UVFIO_PAGE_RDIRECT}, /* MSI-X in two of them */
	{0xb000, 0x1000, UVFIO_PAGE_HOLE},
};

static const uint8_t all[128] = {[0 ... 127] = 0xff};
static const uint8_t vendor_init[16] = {0, 0, 16, 0x5a, 1, 2, 3, 4};
static const uint8_t af_init[8] = {0, 0, 6, 3};
static const uint8_t aer_init[0x48];
static const uint8_t dsn_init[12] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
/* VSEC id 1, revision 1, 0x20 bytes */
static const uint8_t vsec_init[0x20] = {0, 0, 0, 0, 1, 0, 1, 0x02};

static const struct uvfio_cap full_caps[] = {
	{.id = 0x0d, .offset = 0xc0, .size = 8, .wmask = all},
	{.id = 0x09,
	 .offset = 0xc8,
	 .size = 16,
	 .init = vendor_init,
	 .wmask = all},
	{.id = 0x13, .offset = 0xd8, .size = 8, .init = af_init},
	{.id = 0x03, .offset = 0xe0, .size = 8},
	{.id = 0x1b, .version = 1, .offset = 0x100, .size = 8, .wmask = all},
	{.id = 0x01,
	 .version = 2,
	 .offset = 0x140,
	 .size = 0x48,
	 .init = aer_init,
	 .wmask = all},
	{.id = 0x03,
	 .version = 1,
	 .offset = 0x1a0,
	 .size = 12,
	 .init = dsn_init,
	 .wmask = all},
	{.id = 0x0b,
	 .version = 1,
	 .offset = 0x1b0,
	 .size = 0x20,
	 .init = vsec_init,
	 .wmask = all},
	{.id = 0x19, .version = 1, .offset = 0x1e0, .size = 16, .wmask = all},
	{.id = 0x18, .version = 1, .offset = 0x200, .size = 8, .wmask = all},
};

const struct uvfio_pci_model model_full = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "full",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.vendor = 0x1111,
	.device = 0x2222,
	.subvendor = 0x3333,
	.subdevice = 0x4444,
	.revision = 0x55,
	.class_code = 0x010802,
	.intx_pin = 1,
	.features = UVFIO_PCI_EXPRESS | UVFIO_PCI_FLR,
	.pm_offset = 0x40,
	.express_offset = 0x80,
	.msi = {.offset = 0x50,
		.log2_vectors = 3,
		.is_64bit = true,
		.maskable = true},
	.msix = {.offset = 0x70,
		 .vectors = 70,
		 .table_bar = 0,
		 .pba_bar = 0,
		 .table_offset = 0x8000,
		 .pba_offset = 0x9000},
	.bars =
		{
			[0] = {.size = 0x10000,
			       .flags = UVFIO_BAR_64,
			       .widths = 15,
			       .spans = full_spans,
			       .span_count = 4},
			[2] = {.size = 32, .flags = UVFIO_BAR_IO, .widths = 7},
			[3] = {.size = 256, .widths = 4, .narrow_value = 0x77},
			[4] = {.size = 0x2000,
			       .flags = UVFIO_BAR_PREFETCH,
			       .widths = 4},
		},
	.caps = full_caps,
	.cap_count = sizeof(full_caps) / sizeof(full_caps[0]),
};

const struct uvfio_pci_model model_plain = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "plain",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.vendor = 0x1234,
	.device = 0x11e8,
	.revision = 0x10,
	.class_code = 0x00ff00,
	.intx_pin = 1,
	.msi = {.offset = 0x40, .is_64bit = true},
	.bars[0] = {.size = 0x10000, .widths = 4 | 8},
};

const struct uvfio_pci_model model_pm = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "pm",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.vendor = 0x1234,
	.device = 0x0001,
	.class_code = 0x00ff00,
	.features = UVFIO_PCI_PM_RESET,
	.pm_offset = 0x40,
	.msi = {.offset = 0x50, .log2_vectors = 2},
	.bars[0] = {.size = 0x1000, .widths = 15},
};

/* The client. */

static int client_check(struct uvf_mm *mm, uint64_t addr, size_t len)
{
	(void)mm;
	return addr < CLIENT_BASE || len > CLIENT_SIZE ||
			       addr - CLIENT_BASE > CLIENT_SIZE - len
		       ? -EFAULT
		       : 0;
}

static int client_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	struct client *client = uvf_container_of(mm, struct client, mm);

	if (client_check(mm, addr, len))
		return -EFAULT;
	memcpy(buf, client->memory + (addr - CLIENT_BASE), len);
	return 0;
}

static int client_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
			size_t len)
{
	struct client *client = uvf_container_of(mm, struct client, mm);

	if (client_check(mm, addr, len))
		return -EFAULT;
	memcpy(client->memory + (addr - CLIENT_BASE), buf, len);
	return 0;
}

static const struct uvf_mm_ops client_mm_ops = {
	.read = client_read,
	.write = client_write,
};

static int client_eventfd(struct uvf_caller *caller, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)caller;
	if (copy < 0)
		return -EBADF;
	if (uvf_eventfd_is(copy))
		return copy;
	close(copy);
	return -EINVAL;
}

static const struct uvf_caller_ops client_ops = {
	.eventfd_lookup = client_eventfd,
};

static const struct uvf_device_ops *ops(struct rig *rig)
{
	return rig->pci->vfio.ops;
}

static struct rig *create(const struct uvfio_pci_model *model, const char *spec,
			  const char *profile, bool may_spin)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct uvf_bus_device *device;
	struct uvf_options *options;
	struct uvfio_error err = {""};
	int ret;

	assert_non_null(rig);
	assert_int_equal(uvf_profile_parse(&rig->profile, profile, NULL), 0);
	uvf_machine_init(&rig->machine, &rig->profile);
	assert_int_equal(uvf_pci_init(&rig->machine, NULL), 0);
	assert_int_equal(uvf_worker_create(&rig->worker, may_spin), 0);
	assert_int_equal(uvf_options_parse(&options, spec, &err), 0);
	ret = uvf_pci_create(&rig->machine, rig->worker, model, options,
			     &device, &err);
	uvf_options_put(options);
	if (ret)
		fail_msg("%d: %s", ret, err.text);
	rig->pci = uvf_pci_of_bus(device);
	uvf_bus_device_put(device);
	rig->probe = uvfio_priv(&rig->pci->model);
	rig->client.mm.ops = &client_mm_ops;
	rig->client.caller.ops = &client_ops;
	rig->client.caller.mm = &rig->client.mm;
	assert_int_equal(ops(rig)->open(&rig->pci->vfio), 0);
	return rig;
}

struct rig *rig_create(const struct uvfio_pci_model *model, const char *profile,
		       bool may_spin)
{
	return create(model, model->name, profile, may_spin);
}

struct rig *rig_create_at(const struct uvfio_pci_model *model,
			  const char *profile, const char *address)
{
	char spec[64];

	(void)snprintf(spec, sizeof(spec), "%s,addr=%s", model->name, address);
	return create(model, spec, profile, false);
}

void rig_destroy(struct rig *rig)
{
	ops(rig)->close(&rig->pci->vfio);
	uvf_machine_fini(&rig->machine);
	uvf_worker_destroy(rig->worker);
	free(rig);
}

void rig_reopen(struct rig *rig)
{
	ops(rig)->close(&rig->pci->vfio);
	assert_int_equal(ops(rig)->open(&rig->pci->vfio), 0);
}

void probe_clear(struct probe *probe)
{
	probe->accesses = 0;
	probe->reads = 0;
	probe->writes = 0;
	probe->resets = 0;
	probe->polls = 0;
	memset(probe->log, 0, sizeof(probe->log));
}

void *client_at(struct rig *rig, uint64_t addr)
{
	return rig->client.memory + (addr - CLIENT_BASE);
}

ssize_t rig_read(struct rig *rig, uint64_t pos, void *buf, size_t len)
{
	ssize_t n = ops(rig)->read(&rig->pci->vfio, &rig->client.caller,
				   SCRATCH, len, pos);

	if (n > 0)
		memcpy(buf, client_at(rig, SCRATCH), (size_t)n);
	return n;
}

ssize_t rig_write(struct rig *rig, uint64_t pos, const void *buf, size_t len)
{
	memcpy(client_at(rig, SCRATCH), buf, len);
	return ops(rig)->write(&rig->pci->vfio, &rig->client.caller, SCRATCH,
			       len, pos);
}

uint32_t cfg_get(struct rig *rig, unsigned int pos, unsigned int len)
{
	uint8_t bytes[4] = {0};

	assert_int_equal(rig_read(rig, CONFIG + pos, bytes, len), len);
	return uvf_get32(bytes);
}

void cfg_set(struct rig *rig, unsigned int pos, unsigned int len,
	     uint32_t value)
{
	uint8_t bytes[4];

	uvf_put32(bytes, value);
	assert_int_equal(rig_write(rig, CONFIG + pos, bytes, len), len);
}

long set_irqs_argsz(struct rig *rig, uint32_t argsz, uint32_t flags,
		    uint32_t index, uint32_t start, uint32_t count,
		    const void *data, size_t size)
{
	struct vfio_irq_set hdr = {
		.argsz = argsz,
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};

	memcpy(client_at(rig, SCRATCH), &hdr, 20);
	if (size)
		memcpy(client_at(rig, SCRATCH + 20), data, size);
	return ops(rig)->set_irqs(&rig->pci->vfio, &rig->client.caller,
				  SCRATCH);
}

long set_irqs(struct rig *rig, uint32_t flags, uint32_t index, uint32_t start,
	      uint32_t count, const void *data)
{
	size_t size = flags & EVENTFD ? 4 : flags & BOOL ? 1 : 0;

	size *= count;
	if (!data)
		size = 0;
	return set_irqs_argsz(rig, (uint32_t)(20 + size), flags, index, start,
			      count, data, size);
}

void model_line(struct rig *rig, bool level)
{
	uvf_lock(&rig->pci->model.lock);
	uvfio_intx_set(&rig->pci->model, level);
	uvf_unlock(&rig->pci->model.lock);
}

int model_send(struct rig *rig, unsigned int vector)
{
	int ret;

	uvf_lock(&rig->pci->model.lock);
	ret = uvfio_vector_send(&rig->pci->model, vector);
	uvf_unlock(&rig->pci->model.lock);
	return ret;
}

int event_create(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

uint64_t event_take(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	return count;
}
