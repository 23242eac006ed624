/* SPDX-License-Identifier: BSD-3-Clause */
#include "ioat.h"

#include <errno.h>
#include <string.h>

#define BAR_SIZE 0x4000u

#define XFERCAP_DEFAULT 16
#define XFERCAP_MIN     12
#define XFERCAP_MAX     31

static void power_on(struct ioat *ioat)
{
	struct ioat fresh = {
		.dev = ioat->dev,
		.version = ioat->version,
		.xfercap = ioat->xfercap,
		.state = IOAT_HALTED,
	};

	*ioat = fresh;
}

static int set_version(struct ioat *ioat, const char *text,
		       struct uvfio_error *err)
{
	if (!text || !strcmp(text, "3.3")) {
		ioat->version = 0x33;
	} else if (!strcmp(text, "3.4")) {
		ioat->version = 0x34;
	} else {
		uvfio_error_set(err, "version=%s: write 3.3 or 3.4", text);
		return -EINVAL;
	}
	return 0;
}

static int set_xfercap(struct ioat *ioat, const char *text,
		       struct uvfio_error *err)
{
	unsigned int value = XFERCAP_DEFAULT;

	if (text) {
		value = 0;
		for (const char *c = text; *c && value <= XFERCAP_MAX; c++) {
			if (*c < '0' || *c > '9') {
				value = 0;
				break;
			}
			value = 10 * value + (unsigned int)(*c - '0');
		}
	}
	if (value < XFERCAP_MIN || value > XFERCAP_MAX) {
		uvfio_error_set(err, "xfercap=%s: write a number from %d to %d",
				text, XFERCAP_MIN, XFERCAP_MAX);
		return -EINVAL;
	}
	ioat->xfercap = (uint8_t)value;
	return 0;
}

static int ioat_init(struct uvfio_dev *dev, struct uvfio_error *err)
{
	struct ioat *ioat = uvfio_priv(dev);
	int ret;

	ioat->dev = dev;
	ret = set_version(ioat, uvfio_option(dev, "version"), err);
	if (!ret)
		ret = set_xfercap(ioat, uvfio_option(dev, "xfercap"), err);
	power_on(ioat);
	return ret;
}

static int ioat_access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		       void *buf, size_t len, bool is_write)
{
	if (bar)
		return -EINVAL;
	if (is_write)
		ioat_register_write(uvfio_priv(dev), offset, buf, len);
	else
		ioat_register_read(uvfio_priv(dev), offset, buf, len);
	return 0;
}

static void ioat_fini(struct uvfio_dev *dev)
{
	uvfio_timer_set(dev, IOAT_TIMER_START, 0);
}

static void ioat_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	(void)kind;
	ioat_fini(dev);
	uvfio_intx_set(dev, false);
	power_on(uvfio_priv(dev));
}

static void ioat_event(struct uvfio_dev *dev, enum uvfio_event event,
		       uint64_t value)
{
	(void)value;
	if (event == UVFIO_EVENT_IRQ_MODE)
		ioat_update_line(uvfio_priv(dev));
}

static bool ioat_poll(struct uvfio_dev *dev)
{
	return ioat_execute(uvfio_priv(dev));
}

static void ioat_timer(struct uvfio_dev *dev, unsigned int id)
{
	(void)id;
	ioat_started(uvfio_priv(dev));
}

static const struct uvfio_device_ops ioat_ops = {
	.init = ioat_init,
	.fini = ioat_fini,
	.access = ioat_access,
	.reset = ioat_reset,
	.event = ioat_event,
	.poll = ioat_poll,
	.timer = ioat_timer,
};

static const struct uvfio_key ioat_keys[] = {
	{"version", "3.3|3.4", "what CBVER says; 3.4 can report errors (3.3)"},
	{"xfercap", "LOG2", "size of the longest transfer, 12 to 31 (16)"},
	{NULL, NULL, NULL},
};

extern const struct uvfio_pci_model uvfio_model_ioat;

const struct uvfio_pci_model uvfio_model_ioat = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "ioat",
	.summary = "Intel I/OAT, a DMA engine with one channel",
	.keys = ioat_keys,
	.ops = &ioat_ops,
	.priv_size = sizeof(struct ioat),
	.vendor = 0x8086,
	.device = 0x2021,
	.subvendor = 0x8086,
	.subdevice = 0x0000,
	.revision = 4,
	.class_code = 0x088000,
	.intx_pin = 1,
	.features = UVFIO_PCI_FLR | UVFIO_PCI_EXPRESS,
	.pm_offset = 0xe0,
	.express_offset = 0x90,
	.msix = {.offset = 0x80,
		 .vectors = 1,
		 .table_bar = 0,
		 .pba_bar = 0,
		 .table_offset = 0x2000,
		 .pba_offset = 0x3000},
	.bars[0] = {.size = BAR_SIZE,
		    .flags = UVFIO_BAR_64,
		    .widths = 1 | 2 | 4 | 8},
};
