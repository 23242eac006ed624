/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The controller's properties, and the life that CC and CSTS tell of: enabled,
 * ready, shut down, disabled, or dead of an error until it is disabled.
 */
#include <uvfio/pci.h>

#include "image.h"
#include "nvme.h"

#define TIMEOUT   20u /* of 500 ms; nothing takes that long */
#define MPS_SHIFT 12u

bool nvme_is_ready(const struct nvme_controller *nvme)
{
	return (nvme->csts & (NVME_CSTS_RDY | NVME_CSTS_CFS)) == NVME_CSTS_RDY;
}

void nvme_fail(struct nvme_controller *nvme)
{
	nvme->csts |= NVME_CSTS_CFS;
	uvfio_poll_hint(nvme->dev, false);
}

static uint64_t capabilities(const struct nvme_controller *nvme)
{
	return (NVME_ENTRIES_MAX - 1) | NVME_CAP_CQR |
	       (uint64_t)TIMEOUT << NVME_CAP_TO_SHIFT | NVME_CAP_CSS_NVM |
	       (uint64_t)NVME_MPS_MAX << NVME_CAP_MPSMAX_SHIFT |
	       (nvme->cmb_size ? NVME_CAP_CMBS : 0);
}

/* Hidden until the host asks for it. */
static uint32_t cmb_register(const struct nvme_controller *nvme,
			     uint32_t offset)
{
	if (!nvme->cmb_size || !(nvme->cmb_control & NVME_CMBMSC_CRE))
		return 0;
	if (offset == NVME_CMBLOC)
		return NVME_CMB_BAR | NVME_CMBLOC_CQMMS | NVME_CMBLOC_CDPMLS |
		       NVME_CMBLOC_CDPCILS | NVME_CMBLOC_CDMMMS |
		       NVME_CMBLOC_CQPDS;
	return (uint32_t)(nvme->cmb_size >> 12) << NVME_CMBSZ_SHIFT |
	       NVME_CMBSZ_ALL;
}

/* 4 bytes of what is at a multiple of 4. */
static uint32_t read_word(const struct nvme_controller *nvme, uint32_t offset)
{
	switch (offset) {
	case NVME_CAP:
		return (uint32_t)capabilities(nvme);
	case NVME_CAP + 4:
		return (uint32_t)(capabilities(nvme) >> 32);
	case NVME_VS:
		return NVME_VERSION;
	case NVME_INTMS:
	case NVME_INTMC:
		return nvme->masks;
	case NVME_CC:
		return nvme->cc;
	case NVME_CSTS:
		return nvme->csts;
	case NVME_AQA:
		return nvme->aqa;
	case NVME_ASQ:
		return (uint32_t)nvme->asq;
	case NVME_ASQ + 4:
		return (uint32_t)(nvme->asq >> 32);
	case NVME_ACQ:
		return (uint32_t)nvme->acq;
	case NVME_ACQ + 4:
		return (uint32_t)(nvme->acq >> 32);
	case NVME_CMBLOC:
	case NVME_CMBSZ:
		return cmb_register(nvme, offset);
	case NVME_CMBMSC:
		return (uint32_t)nvme->cmb_control;
	case NVME_CMBMSC + 4:
		return (uint32_t)(nvme->cmb_control >> 32);
	default:
		return 0;
	}
}

uint64_t nvme_register_read(struct nvme_controller *nvme, uint32_t offset,
			    uint32_t size)
{
	uint64_t value = read_word(nvme, offset);

	if (size == 8)
		value |= (uint64_t)read_word(nvme, offset + 4) << 32;
	return value;
}

/* Whether the admin queue and CC allow it to start. */
static bool may_start(const struct nvme_controller *nvme)
{
	uint32_t page = 1u << (MPS_SHIFT + NVME_CC_MPS(nvme->cc));

	return NVME_CC_MPS(nvme->cc) <= NVME_MPS_MAX &&
	       !NVME_CC_CSS(nvme->cc) && !NVME_CC_AMS(nvme->cc) &&
	       (nvme->aqa & 0xfff) && (nvme->aqa >> 16 & 0xfff) &&
	       !(nvme->asq % page) && !(nvme->acq % page);
}

static void enable(struct nvme_controller *nvme)
{
	if (!may_start(nvme)) {
		nvme->csts |= NVME_CSTS_CFS;
		return;
	}
	nvme->page = 1u << (MPS_SHIFT + NVME_CC_MPS(nvme->cc));
	nvme_features_reset(nvme);
	nvme_cq_create(nvme, 0, nvme->acq, (nvme->aqa >> 16 & 0xfff) + 1, 0,
		       true);
	nvme_sq_create(nvme, 0, nvme->asq, (nvme->aqa & 0xfff) + 1, 0);
	nvme->csts = NVME_CSTS_RDY;
	uvfio_poll_hint(nvme->dev, true);
	uvfio_kick(nvme->dev);
}

static void disable(struct nvme_controller *nvme)
{
	uvfio_poll_hint(nvme->dev, false);
	uvfio_timer_set(nvme->dev, NVME_TIMER_KEEP_ALIVE, 0);
	nvme_queues_stop(nvme);
	nvme->csts &= ~(NVME_CSTS_RDY | NVME_CSTS_CFS | NVME_CSTS_SHST);
	nvme->cc = 0;
}

/* What was written is on the medium when the host reads that it is done. */
static void shut_down(struct nvme_controller *nvme)
{
	nvme_queues_flush(nvme);
	nvme->csts |= NVME_CSTS_SHST_READY;
	nvme->is_clean = true;
}

static void write_cc(struct nvme_controller *nvme, uint32_t value)
{
	uint32_t old = nvme->cc;

	value &= NVME_CC_MASK;
	if (old & NVME_CC_EN && !(value & NVME_CC_EN)) {
		disable(nvme);
		return;
	}
	nvme->cc = value;
	if (!(old & NVME_CC_EN) && value & NVME_CC_EN) {
		nvme->is_clean = false;
		enable(nvme);
	}
	if (NVME_CC_SHN(value) && !NVME_CC_SHN(old))
		shut_down(nvme);
	else if (!NVME_CC_SHN(value))
		nvme->csts &= ~NVME_CSTS_SHST;
}

static uint64_t with_word(uint64_t value, bool is_high, uint32_t word)
{
	if (is_high)
		return (value & UINT32_MAX) | (uint64_t)word << 32;
	return (value & ~(uint64_t)UINT32_MAX) | word;
}

static void write_word(struct nvme_controller *nvme, uint32_t offset,
		       uint32_t value)
{
	bool is_enabled = nvme->cc & NVME_CC_EN;

	switch (offset) {
	case NVME_INTMS:
		nvme->masks |= value;
		nvme_interrupt_pin(nvme);
		break;
	case NVME_INTMC:
		nvme->masks &= ~value;
		nvme_interrupt_pin(nvme);
		break;
	case NVME_CC:
		write_cc(nvme, value);
		break;
	case NVME_AQA:
		if (!is_enabled)
			nvme->aqa = value & 0x0fff0fff;
		break;
	case NVME_ASQ:
	case NVME_ASQ + 4:
		if (!is_enabled)
			nvme->asq = with_word(nvme->asq, offset & 4, value) &
				    ~UINT64_C(0xfff);
		break;
	case NVME_ACQ:
	case NVME_ACQ + 4:
		if (!is_enabled)
			nvme->acq = with_word(nvme->acq, offset & 4, value) &
				    ~UINT64_C(0xfff);
		break;
	case NVME_CMBMSC:
	case NVME_CMBMSC + 4:
		if (!nvme->cmb_size)
			break;
		nvme->cmb_control =
			with_word(nvme->cmb_control, offset & 4, value) &
			~UINT64_C(0xffc);
		nvme->cmb_base = nvme->cmb_control & ~UINT64_C(0xfff);
		break;
	default:
		break;
	}
}

void nvme_register_write(struct nvme_controller *nvme, uint32_t offset,
			 uint32_t size, uint64_t value)
{
	write_word(nvme, offset, (uint32_t)value);
	if (size == 8)
		write_word(nvme, offset + 4, (uint32_t)(value >> 32));
}
