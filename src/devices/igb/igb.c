/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * igb: the Intel 82576 gigabit adapter, one port with 16 queue pairs.
 *
 * registers.c has its registers, rx.c and tx.c move frames, a backend is
 * where they come from and go to.
 */
#include "igb.h"

#include <errno.h>
#include <string.h>

#include <uvfio/pci.h>

#include "backend.h"

#define BAR_REGISTERS 0
#define BAR_IO        2
#define BAR_MSIX      3
#define IO_ADDRESS    0
#define IO_DATA       4
#define REGISTERS_END 0x20000

static bool is_looped(struct igb *igb)
{
	return *igb_reg(igb, IGB_RCTL) & IGB_RCTL_LBM || igb_phy_is_looped(igb);
}

void igb_path_update(struct igb *igb)
{
	bool receives = *igb_reg(igb, IGB_RCTL) & IGB_RCTL_EN;
	bool sends = *igb_reg(igb, IGB_TCTL) & IGB_TCTL_EN;
	struct igb_backend *path = is_looped(igb) ? igb->loop : igb->backend;

	if (path != igb->path) {
		igb_rx_abandon(igb);
		igb_tx_abandon(igb);
		if (igb->is_listening)
			igb->path->ops->listen(igb->path, false);
		igb->is_listening = false;
		igb->path = path;
	}
	if (!receives)
		igb_rx_abandon(igb);
	if (!sends)
		igb_tx_abandon(igb);
	if (receives != igb->is_listening) {
		path->ops->listen(path, receives);
		igb->is_listening = receives;
	}
	uvfio_poll_hint(igb->dev, receives || sends);
	if (receives || sends)
		uvfio_kick(igb->dev);
}

void igb_reset(struct igb *igb)
{
	igb_rx_abandon(igb);
	igb_tx_abandon(igb);
	memset(igb->tx.queues, 0, sizeof(igb->tx.queues));
	igb_registers_reset(igb);
	igb_phy_reset(igb);
	igb_path_update(igb);
	igb_interrupts_update(igb);
}

/* The last byte of the default address tells the functions of a bus apart. */
static void mac_default(struct igb *igb, const char *name)
{
	unsigned int fields[4] = {0};
	unsigned int i = 0;

	/* DDDD:BB:DD.F */
	for (; *name && i < 4; name++) {
		char c = *name;

		if (c >= '0' && c <= '9')
			fields[i] = fields[i] << 4 | (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			fields[i] =
				fields[i] << 4 | (unsigned int)(c - 'a' + 10);
		else
			i++;
	}
	memset(igb->mac, 0, sizeof(igb->mac));
	igb->mac[0] = 0x02;
	igb->mac[4] = (uint8_t)fields[1];
	igb->mac[5] = (uint8_t)(fields[2] << 3 | (fields[3] & 7));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool mac_parse(const char *text, uint8_t mac[IGB_MAC_SIZE])
{
	bool is_zero = true;
	unsigned int i;

	if (strlen(text) != IGB_MAC_SIZE * 3 - 1)
		return false;
	for (i = 0; i < IGB_MAC_SIZE; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = hex_digit(text[1]);

		if (high < 0 || low < 0 ||
		    (i < IGB_MAC_SIZE - 1 && text[2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
		is_zero = is_zero && !mac[i];
	}
	return !(mac[0] & 1) && !is_zero;
}

static int mac_init(struct igb *igb, struct uvfio_error *err)
{
	const char *text = uvfio_option(igb->dev, "mac");

	if (!text) {
		mac_default(igb, uvfio_dev_name(igb->dev));
		return 0;
	}
	if (mac_parse(text, igb->mac))
		return 0;
	uvfio_error_set(err,
			"mac=%s is no address of one adapter; write six bytes "
			"in hex, like 02:00:00:00:00:01",
			text);
	return -EINVAL;
}

/* A switch, off when not said. */
static int switch_parse(struct igb *igb, const char *key, bool *ret_on,
			struct uvfio_error *err)
{
	const char *text = uvfio_option(igb->dev, key);

	*ret_on = text && !strcmp(text, "on");
	if (!text || *ret_on || !strcmp(text, "off"))
		return 0;
	uvfio_error_set(err, "%s=%s: write on or off", key, text);
	return -EINVAL;
}

static bool is_migratable(struct igb *igb)
{
	const char *text = uvfio_option(igb->dev, "migration");

	return text && strcmp(text, "off") != 0;
}

static int backend_init(struct igb *igb, struct uvfio_error *err)
{
	const char *in = uvfio_option(igb->dev, "in");
	const char *out = uvfio_option(igb->dev, "out");
	const char *link = uvfio_option(igb->dev, "link");
	bool is_filtered;
	bool is_user;
	int ret = switch_parse(igb, "filter", &is_filtered, err);

	if (!ret)
		ret = switch_parse(igb, "user", &is_user, err);
	if (ret)
		return ret;
	if ((link || is_user) && (in || out)) {
		uvfio_error_set(err,
				"%s=%s cannot be combined with %s=; an "
				"adapter has one plug",
				link ? "link" : "user", link ? link : "on",
				in ? "in" : "out");
		return -EINVAL;
	}
	if (link && is_user) {
		uvfio_error_set(err,
				"link=%s cannot be combined with user=on; an "
				"adapter has one plug",
				link);
		return -EINVAL;
	}
	if (is_user && is_migratable(igb)) {
		uvfio_error_set(err, "user=on cannot be combined with "
				     "migration=; its connections stay here");
		return -EINVAL;
	}
	if (is_user)
		return igb_backend_create_user(igb->dev, &igb->backend);
	if (link)
		return igb_backend_create_link(igb->dev, link, &igb->backend,
					       err);
	return igb_backend_create_pcap(igb->dev, in, out, !is_filtered,
				       &igb->backend, err);
}

static int igb_init(struct uvfio_dev *dev, struct uvfio_error *err)
{
	struct igb *igb = uvfio_priv(dev);
	int ret;

	igb->dev = dev;
	igb->rx_page = uvfio_mem(dev, BAR_REGISTERS, IGB_RX_PAGE);
	igb->tx_page = uvfio_mem(dev, BAR_REGISTERS, IGB_TX_PAGE);
	ret = mac_init(igb, err);
	if (ret)
		return ret;
	ret = igb_backend_create_loop(dev, &igb->loop);
	if (ret)
		return ret;
	ret = backend_init(igb, err);
	if (ret) {
		igb->loop->ops->destroy(igb->loop);
		return ret;
	}
	igb->path = igb->backend;
	igb_nvm_init(igb);
	igb_reset(igb);
	return 0;
}

static void igb_fini(struct uvfio_dev *dev)
{
	struct igb *igb = uvfio_priv(dev);

	igb->backend->ops->destroy(igb->backend);
	igb->loop->ops->destroy(igb->loop);
	igb->backend = NULL;
	igb->loop = NULL;
}

static int io_access(struct igb *igb, uint64_t offset, uint32_t *value,
		     bool is_write)
{
	uint32_t address = igb->io_address;

	if (offset == IO_ADDRESS && is_write) {
		igb->io_address = *value;
	} else if (offset == IO_ADDRESS) {
		*value = address;
	} else if (offset == IO_DATA && address < REGISTERS_END &&
		   !(address & 3)) {
		if (is_write)
			igb_register_write(igb, address, *value);
		else
			*value = igb_register_read(igb, address);
	} else {
		return -EINVAL;
	}
	return 0;
}

/* A store to a ring register came the long way: look at the rings. */
static void kick_after_write(struct igb *igb)
{
	if ((*igb_reg(igb, IGB_RCTL) & IGB_RCTL_EN) ||
	    (*igb_reg(igb, IGB_TCTL) & IGB_TCTL_EN))
		uvfio_kick(igb->dev);
}

static int igb_access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		      void *buf, size_t len, bool is_write)
{
	struct igb *igb = uvfio_priv(dev);
	uint32_t value = 0;
	int ret = 0;

	if (len != sizeof(value))
		return -EINVAL;
	if (is_write)
		memcpy(&value, buf, sizeof(value));

	if (bar == BAR_IO)
		ret = io_access(igb, offset, &value, is_write);
	else if (bar != BAR_REGISTERS || offset >= REGISTERS_END)
		ret = -EINVAL;
	else if (is_write)
		igb_register_write(igb, (uint32_t)offset, value);
	else
		value = igb_register_read(igb, (uint32_t)offset);

	if (is_write)
		kick_after_write(igb);
	else
		memcpy(buf, &value, sizeof(value));
	return ret;
}

static void igb_device_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	struct igb *igb = uvfio_priv(dev);

	igb_reset(igb);
	if (kind == UVFIO_RESET_CLOSE)
		igb->backend->ops->idle(igb->backend);
}

static void igb_event(struct uvfio_dev *dev, enum uvfio_event event,
		      uint64_t value)
{
	struct igb *igb = uvfio_priv(dev);

	if (event == UVFIO_EVENT_IRQ_MODE)
		igb_interrupts_update(igb);
	else if (event == UVFIO_EVENT_BUS_MASTER && value)
		kick_after_write(igb);
}

static void igb_timer(struct uvfio_dev *dev, unsigned int id)
{
	struct igb *igb = uvfio_priv(dev);

	if (id == IGB_TIMER_BACKEND && igb->path->ops->tick)
		igb->path->ops->tick(igb->path);
}

static bool igb_poll(struct uvfio_dev *dev)
{
	struct igb *igb = uvfio_priv(dev);
	uint32_t received;
	uint32_t sent;
	bool is_busy;

	is_busy = igb_tx_poll(igb, &sent);
	is_busy |= igb_rx_poll(igb, &received);
	if (received || sent)
		igb_interrupt_queues(igb, received, sent);
	if (!is_busy)
		igb->backend->ops->idle(igb->backend);
	return is_busy;
}

static const struct uvfio_device_ops igb_ops = {
	.init = igb_init,
	.fini = igb_fini,
	.access = igb_access,
	.reset = igb_device_reset,
	.event = igb_event,
	.poll = igb_poll,
	.timer = igb_timer,
};

static const struct uvfio_key igb_keys[] = {
	{"in", "FILE", "receive the frames of this pcap or pcapng file"},
	{"out", "FILE", "write the frames that are sent to this pcap file"},
	{"filter", "on|off", "let the card's filters drop frames of in (off)"},
	{"link", "NAME", "plug into the cable of this name; it has two ends"},
	{"user", "on|off", "a network of its own; 10.0.2.2 is the host (off)"},
	UVFIO_MIGRATION_KEY,
	{"mac", "ADDRESS", "address of the adapter (02:00:00:00:BUS:DEVFN)"},
	{NULL, NULL, NULL},
};

static const struct uvfio_span igb_spans[] = {
	{IGB_RX_PAGE, 0x1000, UVFIO_PAGE_POLL},
	{IGB_TX_PAGE, 0x1000, UVFIO_PAGE_POLL},
};

/* Advanced error reporting: masks and severities as after power-on. */
#define AER_SIZE 0x2c

static const uint8_t aer_init[AER_SIZE] = {
	[0x0c] = 0x30,
	[0x0d] = 0x20,
	[0x0e] = 0x06, /* severity */
	[0x15] = 0x20, /* correctable mask */
};

static const uint8_t aer_wmask[AER_SIZE] = {
	[0x08] = 0x30, [0x09] = 0xf0, [0x0a] = 0x1f, /* mask */
	[0x0c] = 0x30, [0x0d] = 0xf0, [0x0e] = 0x1f, /* severity */
	[0x14] = 0xc1, [0x15] = 0x31,                /* correctable mask */
	[0x18] = 0x40, [0x19] = 0x01,                /* control */
};

static const uint8_t dsn_init[12] = {
	[4] = 0x00, [5] = 0x00, [6] = 0x00,  [7] = 0xff,
	[8] = 0xff, [9] = 0x00, [10] = 0x00, [11] = 0x02,
};

static const struct uvfio_cap igb_caps[] = {
	{
		.id = 0x0001, /* AER */
		.version = 1,
		.offset = 0x100,
		.size = AER_SIZE,
		.init = aer_init,
		.wmask = aer_wmask,
	},
	{
		.id = 0x0003, /* device serial number */
		.version = 1,
		.offset = 0x140,
		.size = sizeof(dsn_init),
		.init = dsn_init,
	},
};

extern const struct uvfio_pci_model uvfio_model_igb;

const struct uvfio_pci_model uvfio_model_igb = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "igb",
	.summary = "Intel 82576 gigabit Ethernet",
	.keys = igb_keys,
	.ops = &igb_ops,
	.priv_size = sizeof(struct igb),
	.vendor = 0x8086,
	.device = 0x10c9,
	.subvendor = 0x8086,
	.subdevice = 0xa03c,
	.revision = 1,
	.class_code = 0x020000,
	.intx_pin = 1,
	.features = UVFIO_PCI_FLR | UVFIO_PCI_EXPRESS,
	.pm_offset = 0x40,
	.express_offset = 0xa0,
	.msi = {.offset = 0x50, .is_64bit = true, .maskable = true},
	.msix = {.offset = 0x70,
		 .vectors = 10,
		 .table_bar = BAR_MSIX,
		 .pba_bar = BAR_MSIX,
		 .table_offset = 0,
		 .pba_offset = 0x2000},
	.bars =
		{
			[BAR_REGISTERS] = {.size = REGISTERS_END,
					   .widths = 4,
					   .spans = igb_spans,
					   .span_count = sizeof(igb_spans) /
							 sizeof(igb_spans[0])},
			[BAR_IO] = {.size = 32,
				    .flags = UVFIO_BAR_IO,
				    .widths = 4},
			[BAR_MSIX] = {.size = 0x4000,
				      .flags = UVFIO_BAR_64,
				      .widths = 4 | 8},
		},
	.caps = igb_caps,
	.cap_count = sizeof(igb_caps) / sizeof(igb_caps[0]),
	.migration = &igb_migration,
};
