/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * edu, the educational device that QEMU made known: a liveness register, a
 * factorial unit, an interrupt that software can raise, and a DMA engine
 * with a buffer of one page.
 *
 * Source: QEMU's docs/specs/edu.rst; what it leaves open follows the
 * measurements in docs/devices/edu.md.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/pci.h>

#define EDU_ID          0x00
#define EDU_LIVENESS    0x04
#define EDU_FACTORIAL   0x08
#define EDU_STATUS      0x20
#define EDU_IRQ_STATUS  0x24
#define EDU_IRQ_RAISE   0x60
#define EDU_IRQ_ACK     0x64
#define EDU_DMA_SOURCE  0x80
#define EDU_DMA_DEST    0x88
#define EDU_DMA_COUNT   0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_ID_VALUE    0x010000edu
#define EDU_WIDE        0x80 /* registers from here on are 64 bits wide */

#define EDU_STATUS_BUSY 0x01u
#define EDU_STATUS_IRQ  0x80u

#define EDU_COMMAND_RUN   0x1u
#define EDU_COMMAND_WRITE 0x2u /* from the buffer to memory */
#define EDU_COMMAND_IRQ   0x4u

#define EDU_CAUSE_FACT 0x001u
#define EDU_CAUSE_DMA  0x100u

#define EDU_BUFFER       0x40000u /* the buffer, as the engine sees it */
#define EDU_BUFFER_SIZE  4096u
#define EDU_ADDRESS_MASK 0x0fffffffu /* the engine drives 28 lines */

enum edu_timer {
	EDU_TIMER_FACTORIAL,
	EDU_TIMER_DMA
};

#define EDU_FACTORIAL_NS 1000ull
#define EDU_DMA_NS       100000000ull

struct edu {
	uint32_t liveness;
	uint32_t factorial; /* the operand while busy, then the result */
	uint32_t status;
	uint32_t causes;
	uint64_t dma_source;
	uint64_t dma_dest;
	uint64_t dma_count;
	uint64_t dma_command;
	uint8_t buffer[EDU_BUFFER_SIZE];
};

static void edu_raise(struct uvfio_dev *dev, uint32_t causes)
{
	struct edu *edu = uvfio_priv(dev);

	edu->causes |= causes;
	if (!edu->causes)
		return;
	if (uvfio_irq_mode(dev) == UVFIO_IRQ_MSI)
		(void)uvfio_vector_send(dev, 0);
	else
		uvfio_intx_set(dev, true);
}

static void edu_acknowledge(struct uvfio_dev *dev, uint32_t causes)
{
	struct edu *edu = uvfio_priv(dev);

	edu->causes &= ~causes;
	if (!edu->causes)
		uvfio_intx_set(dev, false);
}

static uint32_t edu_factorial(uint32_t n)
{
	uint32_t product = 1;

	/* 34! and all after it are multiples of 2^32. */
	if (n >= 34)
		return 0;
	for (; n > 1; n--)
		product *= n;
	return product;
}

static void edu_factorial_done(struct uvfio_dev *dev)
{
	struct edu *edu = uvfio_priv(dev);

	edu->factorial = edu_factorial(edu->factorial);
	edu->status &= ~EDU_STATUS_BUSY;
	if (edu->status & EDU_STATUS_IRQ)
		edu_raise(dev, EDU_CAUSE_FACT);
}

/* The buffer at a device address, or NULL where the interval leaves it. */
static uint8_t *edu_buffer_at(struct edu *edu, uint64_t address, uint64_t size)
{
	uint64_t offset = address - EDU_BUFFER;

	if (address < EDU_BUFFER || offset >= EDU_BUFFER_SIZE ||
	    size > EDU_BUFFER_SIZE - offset)
		return NULL;
	return edu->buffer + offset;
}

static void edu_dma_done(struct uvfio_dev *dev)
{
	struct edu *edu = uvfio_priv(dev);
	bool to_memory = edu->dma_command & EDU_COMMAND_WRITE;
	uint64_t device = to_memory ? edu->dma_source : edu->dma_dest;
	uint64_t memory = to_memory ? edu->dma_dest : edu->dma_source;
	uint8_t *buffer = edu_buffer_at(edu, device, edu->dma_count);

	/* The device has no way to report a failed transfer. */
	memory &= EDU_ADDRESS_MASK;
	if (buffer && edu->dma_count && to_memory)
		(void)uvfio_dma_write(dev, memory, buffer, edu->dma_count);
	else if (buffer && edu->dma_count)
		(void)uvfio_dma_read(dev, memory, buffer, edu->dma_count);

	edu->dma_command &= ~(uint64_t)EDU_COMMAND_RUN;
	if (edu->dma_command & EDU_COMMAND_IRQ)
		edu_raise(dev, EDU_CAUSE_DMA);
}

static void edu_timer(struct uvfio_dev *dev, unsigned int id)
{
	if (id == EDU_TIMER_FACTORIAL)
		edu_factorial_done(dev);
	else if (id == EDU_TIMER_DMA)
		edu_dma_done(dev);
}

static int edu_read(const struct edu *edu, uint64_t offset, uint64_t *ret_value)
{
	switch (offset) {
	case EDU_ID:
		*ret_value = EDU_ID_VALUE;
		return 0;
	case EDU_LIVENESS:
		*ret_value = edu->liveness;
		return 0;
	case EDU_FACTORIAL:
		*ret_value = edu->factorial;
		return 0;
	case EDU_STATUS:
		*ret_value = edu->status;
		return 0;
	case EDU_IRQ_STATUS:
		*ret_value = edu->causes;
		return 0;
	case EDU_DMA_SOURCE:
		*ret_value = edu->dma_source;
		return 0;
	case EDU_DMA_DEST:
		*ret_value = edu->dma_dest;
		return 0;
	case EDU_DMA_COUNT:
		*ret_value = edu->dma_count;
		return 0;
	case EDU_DMA_COMMAND:
		*ret_value = edu->dma_command;
		return 0;
	default:
		return -EINVAL;
	}
}

static int edu_write_dma(struct uvfio_dev *dev, uint64_t offset, uint64_t value)
{
	struct edu *edu = uvfio_priv(dev);

	if (edu->dma_command & EDU_COMMAND_RUN)
		return -EBUSY;
	switch (offset) {
	case EDU_DMA_SOURCE:
		edu->dma_source = value;
		return 0;
	case EDU_DMA_DEST:
		edu->dma_dest = value;
		return 0;
	case EDU_DMA_COUNT:
		edu->dma_count = value;
		return 0;
	case EDU_DMA_COMMAND:
		if (!(value & EDU_COMMAND_RUN))
			return -EINVAL;
		edu->dma_command = value;
		uvfio_timer_set(dev, EDU_TIMER_DMA, EDU_DMA_NS);
		return 0;
	default:
		return -EINVAL;
	}
}

static int edu_write(struct uvfio_dev *dev, uint64_t offset, uint32_t value)
{
	struct edu *edu = uvfio_priv(dev);

	switch (offset) {
	case EDU_LIVENESS:
		edu->liveness = ~value;
		return 0;
	case EDU_FACTORIAL:
		if (edu->status & EDU_STATUS_BUSY)
			return -EBUSY;
		edu->factorial = value;
		edu->status |= EDU_STATUS_BUSY;
		uvfio_timer_set(dev, EDU_TIMER_FACTORIAL, EDU_FACTORIAL_NS);
		return 0;
	case EDU_STATUS:
		edu->status = (edu->status & ~EDU_STATUS_IRQ) |
			      (value & EDU_STATUS_IRQ);
		return 0;
	case EDU_IRQ_RAISE:
		edu_raise(dev, value);
		return 0;
	case EDU_IRQ_ACK:
		edu_acknowledge(dev, value);
		return 0;
	default:
		return -EINVAL;
	}
}

static int edu_access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		      void *buf, size_t len, bool is_write)
{
	uint64_t value = 0;
	uint32_t low;
	int ret;

	if (bar || (len != 4 && (len != 8 || offset < EDU_WIDE)))
		return -EINVAL;

	if (!is_write) {
		ret = edu_read(uvfio_priv(dev), offset, &value);
		if (ret)
			return ret;
		low = (uint32_t)value;
		memcpy(buf, len == 8 ? (void *)&value : (void *)&low, len);
		return 0;
	}

	/* A 4-byte store replaces a 64-bit register as a whole. */
	if (len == 8) {
		memcpy(&value, buf, sizeof(value));
	} else {
		memcpy(&low, buf, sizeof(low));
		value = low;
	}
	if (offset >= EDU_WIDE)
		return edu_write_dma(dev, offset, value);
	return edu_write(dev, offset, (uint32_t)value);
}

static int edu_init(struct uvfio_dev *dev, struct uvfio_error *err)
{
	(void)dev;
	(void)err;
	return 0;
}

static void edu_fini(struct uvfio_dev *dev)
{
	uvfio_timer_set(dev, EDU_TIMER_FACTORIAL, 0);
	uvfio_timer_set(dev, EDU_TIMER_DMA, 0);
}

static void edu_reset(struct uvfio_dev *dev, enum uvfio_reset_kind kind)
{
	(void)kind;
	edu_fini(dev);
	uvfio_intx_set(dev, false);
	memset(uvfio_priv(dev), 0, sizeof(struct edu));
}

enum edu_piece {
	EDU_PIECE_REGISTERS,
	EDU_PIECE_BUFFER,
	EDU_PIECES
};

static void edu_walk_registers(struct edu *edu, struct uvfio_state *state)
{
	uvfio_state_u32(state, &edu->liveness);
	uvfio_state_u32(state, &edu->factorial);
	uvfio_state_u32(state, &edu->status);
	uvfio_state_u32(state, &edu->causes);
	uvfio_state_u64(state, &edu->dma_source);
	uvfio_state_u64(state, &edu->dma_dest);
	uvfio_state_u64(state, &edu->dma_count);
	uvfio_state_u64(state, &edu->dma_command);
	uvfio_state_want(state,
			 !(edu->status & ~(EDU_STATUS_BUSY | EDU_STATUS_IRQ)));
}

static void edu_piece(struct uvfio_dev *dev, unsigned int piece,
		      struct uvfio_state *state)
{
	struct edu *edu = uvfio_priv(dev);

	if (piece == EDU_PIECE_REGISTERS)
		edu_walk_registers(edu, state);
	else
		uvfio_state_bytes(state, edu->buffer, sizeof(edu->buffer));
}

static const struct uvfio_migration_ops edu_migration = {
	.version = 1,
	.oldest = 1,
	.pieces = EDU_PIECES,
	.piece_max = EDU_BUFFER_SIZE,
	.piece = edu_piece,
};

static const struct uvfio_device_ops edu_ops = {
	.init = edu_init,
	.fini = edu_fini,
	.access = edu_access,
	.reset = edu_reset,
	.timer = edu_timer,
};

static const struct uvfio_key edu_keys[] = {
	UVFIO_MIGRATION_KEY,
	{"vfs", "N", "virtual functions it can have (SR-IOV), up to 64"},
	{NULL, NULL, NULL},
};

/* VFs of the first 16 devices are on the same bus, far from their PFs. */
#define EDU_VFS_MAX   64
#define EDU_VF_FIRST  0x80
#define EDU_EXPRESS   0x60
#define EDU_SRIOV     0x100
#define EDU_MSI       0x40
#define EDU_VF_DEVICE 0x11e9

/* Without lines, but it can be reset. */
static const struct uvfio_pci_model edu_vf = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "edu-vf",
	.summary = "virtual function of edu",
	.ops = &edu_ops,
	.priv_size = sizeof(struct edu),
	.device = EDU_VF_DEVICE,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.class_code = 0x00ff00,
	.features = UVFIO_PCI_EXPRESS | UVFIO_PCI_FLR,
	.express_offset = EDU_EXPRESS,
	.msi = {.offset = EDU_MSI, .is_64bit = true},
	.bars[0] = {.size = 1u << 20, .widths = 4 | 8},
};

static int edu_configure(struct uvfio_pci_model *model,
			 const struct uvfio_spec *spec, struct uvfio_error *err)
{
	const char *text = uvfio_spec_value(spec, "vfs");
	unsigned long count;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	count = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !count ||
	    count > EDU_VFS_MAX) {
		uvfio_error_set(err, "vfs=%s: write a number from 1 to %d",
				text, EDU_VFS_MAX);
		return -EINVAL;
	}
	model->features |= UVFIO_PCI_EXPRESS;
	model->express_offset = EDU_EXPRESS;
	model->sriov = (struct uvfio_sriov){
		.offset = EDU_SRIOV,
		.total_vfs = (uint16_t)count,
		.first = EDU_VF_FIRST,
		.stride = 1,
		.vf = &edu_vf,
	};
	return 0;
}

extern const struct uvfio_pci_model uvfio_model_edu;

const struct uvfio_pci_model uvfio_model_edu = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "edu",
	.summary = "educational device: factorial, interrupts, one-page DMA",
	.keys = edu_keys,
	.ops = &edu_ops,
	.priv_size = sizeof(struct edu),
	.vendor = 0x1234,
	.device = 0x11e8,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.revision = 0x10,
	.class_code = 0x00ff00,
	.intx_pin = 1,
	.msi = {.offset = EDU_MSI, .is_64bit = true},
	.bars[0] = {.size = 1u << 20, .widths = 4 | 8},
	.migration = &edu_migration,
	.configure = edu_configure,
};
