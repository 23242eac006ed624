/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ticker, an example of a platform device: a timer with an interrupt that is
 * a level, one that is an edge, and a counter that it writes to memory.
 *
 * docs/devices/ticker.md says what its registers do.
 */
#include <errno.h>
#include <string.h>

#include <uvfio/platform.h>

enum ticker_region {
	REGION_REGISTERS,
	REGION_INFO,
	REGION_SCRATCH,
	REGION_PORTS,
};

enum ticker_line {
	LINE_TICKED,
	LINE_PULSE,
};

#define TICKER_ID      0x00
#define TICKER_CONTROL 0x04
#define TICKER_PERIOD  0x08
#define TICKER_COUNT   0x0c
#define TICKER_STATUS  0x10
#define TICKER_FIRE    0x14
#define TICKER_ADDRESS 0x18 /* 64 bits */

#define TICKER_ID_VALUE 0x6b636974u /* "tick" */

#define CONTROL_RUN   0x1u
#define CONTROL_LEVEL 0x2u /* interrupts that are a level */
#define CONTROL_EDGE  0x4u
#define CONTROL_WRITE 0x8u /* the count to memory */
#define CONTROL_MASK  0xfu

#define STATUS_TICKED 0x1u
#define STATUS_FAULT  0x2u /* memory could not be written */
#define STATUS_MASK   0x3u

#define PERIOD_RESET 1000u /* microseconds */
#define PERIOD_MIN   10u

#define TIMER_TICK 0

#define SCRATCH_SIZE 0x100

struct ticker {
	uint32_t control;
	uint32_t period; /* microseconds */
	uint32_t count;
	uint32_t status;
	uint64_t address;
	uint8_t scratch[SCRATCH_SIZE];
};

static const char info[] = "uvfio ticker, version 1\n";

static void update_line(struct uvfio_dev *dev)
{
	const struct ticker *ticker = uvfio_priv(dev);

	uvfio_line_set(dev, LINE_TICKED,
		       (ticker->control & CONTROL_LEVEL) &&
			       (ticker->status & STATUS_TICKED));
}

static void tick(struct uvfio_dev *dev)
{
	struct ticker *ticker = uvfio_priv(dev);
	uint64_t count;

	ticker->count++;
	ticker->status |= STATUS_TICKED;
	count = ticker->count;
	/* Memory first, so that who is interrupted finds the count there. */
	if ((ticker->control & CONTROL_WRITE) &&
	    uvfio_dma_write(dev, ticker->address, &count, sizeof(count)))
		ticker->status |= STATUS_FAULT;
	update_line(dev);
	if (ticker->control & CONTROL_EDGE) {
		uvfio_line_set(dev, LINE_PULSE, true);
		uvfio_line_set(dev, LINE_PULSE, false);
	}
}

static void schedule(struct uvfio_dev *dev)
{
	const struct ticker *ticker = uvfio_priv(dev);

	uvfio_timer_set(dev, TIMER_TICK,
			ticker->control & CONTROL_RUN
				? (uint64_t)ticker->period * 1000
				: 0);
}

static void ticker_timer(struct uvfio_dev *dev, unsigned int id)
{
	(void)id;
	tick(dev);
	schedule(dev);
}

static int read_register(const struct ticker *ticker, uint64_t offset,
			 uint32_t *ret_value)
{
	switch (offset) {
	case TICKER_ID:
		*ret_value = TICKER_ID_VALUE;
		return 0;
	case TICKER_CONTROL:
		*ret_value = ticker->control;
		return 0;
	case TICKER_PERIOD:
		*ret_value = ticker->period;
		return 0;
	case TICKER_COUNT:
		*ret_value = ticker->count;
		return 0;
	case TICKER_STATUS:
		*ret_value = ticker->status;
		return 0;
	case TICKER_ADDRESS:
		*ret_value = (uint32_t)ticker->address;
		return 0;
	case TICKER_ADDRESS + 4:
		*ret_value = (uint32_t)(ticker->address >> 32);
		return 0;
	default:
		return -EINVAL;
	}
}

static int write_register(struct uvfio_dev *dev, uint64_t offset,
			  uint32_t value)
{
	struct ticker *ticker = uvfio_priv(dev);

	switch (offset) {
	case TICKER_CONTROL:
		ticker->control = value & CONTROL_MASK;
		schedule(dev);
		update_line(dev);
		return 0;
	case TICKER_PERIOD:
		ticker->period = value < PERIOD_MIN ? PERIOD_MIN : value;
		schedule(dev);
		return 0;
	case TICKER_STATUS:
		ticker->status &= ~value;
		update_line(dev);
		return 0;
	case TICKER_FIRE:
		tick(dev);
		return 0;
	case TICKER_ADDRESS:
		ticker->address =
			(ticker->address & ~(uint64_t)UINT32_MAX) | value;
		return 0;
	case TICKER_ADDRESS + 4:
		ticker->address =
			(ticker->address & UINT32_MAX) | (uint64_t)value << 32;
		return 0;
	default:
		return -EINVAL;
	}
}

static int access_registers(struct uvfio_dev *dev, uint64_t offset, void *buf,
			    bool is_write)
{
	uint32_t value = 0;
	int ret;

	if (is_write) {
		memcpy(&value, buf, sizeof(value));
		return write_register(dev, offset, value);
	}
	ret = read_register(uvfio_priv(dev), offset, &value);
	if (!ret)
		memcpy(buf, &value, sizeof(value));
	return ret;
}

/* A text, and zeros after it. */
static int access_info(uint64_t offset, void *buf, size_t len, bool is_write)
{
	if (is_write)
		return -EINVAL;
	memset(buf, 0, len);
	for (size_t i = 0; i < len && offset + i < sizeof(info); i++)
		((char *)buf)[i] = info[offset + i];
	return 0;
}

static int access_scratch(struct ticker *ticker, uint64_t offset, void *buf,
			  size_t len, bool is_write)
{
	if (is_write)
		memcpy(ticker->scratch + offset, buf, len);
	else
		memcpy(buf, ticker->scratch + offset, len);
	return 0;
}

static int ticker_access(struct uvfio_dev *dev, unsigned int region,
			 uint64_t offset, void *buf, size_t len, bool is_write)
{
	switch (region) {
	case REGION_REGISTERS:
		return access_registers(dev, offset, buf, is_write);
	case REGION_INFO:
		return access_info(offset, buf, len, is_write);
	case REGION_SCRATCH:
		return access_scratch(uvfio_priv(dev), offset, buf, len,
				      is_write);
	default:
		return -EINVAL;
	}
}

static void power_on(struct uvfio_dev *dev)
{
	struct ticker *ticker = uvfio_priv(dev);

	memset(ticker, 0, sizeof(*ticker));
	ticker->period = PERIOD_RESET;
}

static int ticker_init(struct uvfio_dev *dev, struct uvfio_error *err)
{
	(void)err;
	power_on(dev);
	return 0;
}

static void ticker_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	(void)kind;
	power_on(dev);
	schedule(dev);
	update_line(dev);
}

static const struct uvfio_device_ops ticker_ops = {
	.init = ticker_init,
	.access = ticker_access,
	.reset = ticker_reset,
	.timer = ticker_timer,
};

/* Of every kind that there is; the third neither begins nor ends a page. */
static const struct uvfio_platform_region regions[] = {
	[REGION_REGISTERS] = {.size = 0x1000, .widths = 4},
	[REGION_INFO] = {.offset = 0x1000,
			 .size = 0x1000,
			 .flags = UVFIO_REGION_READ_ONLY,
			 .widths = 1 | 2 | 4 | 8},
	[REGION_SCRATCH] = {.offset = 0x2100,
			    .size = SCRATCH_SIZE,
			    .widths = 1 | 2 | 4},
	[REGION_PORTS] = {.offset = 0x300,
			  .size = 8,
			  .flags = UVFIO_REGION_IO,
			  .widths = 1},
};

static const enum uvfio_platform_line lines[] = {
	[LINE_TICKED] = UVFIO_LINE_LEVEL,
	[LINE_PULSE] = UVFIO_LINE_EDGE,
};

extern const struct uvfio_platform_model uvfio_platform_ticker;

const struct uvfio_platform_model uvfio_platform_ticker = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "ticker",
	.summary = "example of a platform device: a timer",
	.compatible = "uvfio,ticker",
	.ops = &ticker_ops,
	.priv_size = sizeof(struct ticker),
	.regions = regions,
	.region_count = sizeof(regions) / sizeof(regions[0]),
	.lines = lines,
	.line_count = sizeof(lines) / sizeof(lines[0]),
};
