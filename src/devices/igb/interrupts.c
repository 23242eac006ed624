/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Causes and how they become messages.
 *
 * ICR has the causes of the MAC and the link, EICR one bit per vector.  With
 * GPIE.Multiple_MSIX and MSI-X, bit n of EICR is vector n and the causes of
 * ICR reach it by IVAR_MISC.  Otherwise there is one interrupt for all: the
 * INTx line, the MSI, or MSI-X vector 0.
 *
 * A message is sent when an enabled cause appears, not while it stays.
 */
#include "igb.h"

#include <uvfio/pci.h>

#define IVAR_MISC_OTHER_SHIFT 8
#define IVAR_TX_SHIFT         8
#define IVAR_QUEUES           8
#define VECTORS               25 /* bits of EICR that are vectors */

struct pending {
	uint32_t icr;
	uint32_t eicr;
};

static struct pending pending_now(struct igb *igb)
{
	struct pending now;

	now.icr = *igb_reg(igb, IGB_ICR) & *igb_reg(igb, IGB_IMS);
	now.eicr = *igb_reg(igb, IGB_EICR) & *igb_reg(igb, IGB_EIMS);
	return now;
}

/* The EICR bit of a byte of IVAR; 0 when the entry is not valid. */
static uint32_t ivar_bit(uint32_t entry)
{
	if (!(entry & IGB_IVAR_VALID))
		return 0;
	return 1u << (entry & IGB_IVAR_VECTOR);
}

static bool is_multiple(struct igb *igb, enum uvfio_irq_mode mode)
{
	return mode == UVFIO_IRQ_MSIX &&
	       *igb_reg(igb, IGB_GPIE) & IGB_GPIE_MULTIPLE;
}

static void deliver_vectors(struct igb *igb, struct pending before)
{
	struct pending now = pending_now(igb);
	uint32_t other = *igb_reg(igb, IGB_IVAR_MISC) >> IVAR_MISC_OTHER_SHIFT;
	uint32_t fresh;
	unsigned int i;

	if (now.icr & ~before.icr) {
		*igb_reg(igb, IGB_EICR) |= ivar_bit(other);
		now = pending_now(igb);
	}
	fresh = now.eicr & ~before.eicr;
	if (!fresh)
		return;
	for (i = 0; i < VECTORS; i++) {
		if (fresh & 1u << i)
			(void)uvfio_vector_send(igb->dev, i);
	}
	*igb_reg(igb, IGB_EICR) &= ~(fresh & *igb_reg(igb, IGB_EIAC));
	if (*igb_reg(igb, IGB_GPIE) & IGB_GPIE_EIAME)
		*igb_reg(igb, IGB_EIMS) &= ~(fresh & *igb_reg(igb, IGB_EIAM));
	*igb_reg(igb, IGB_IAC) += 1;
}

static void deliver(struct igb *igb, struct pending before)
{
	enum uvfio_irq_mode mode = uvfio_irq_mode(igb->dev);
	struct pending now;
	bool is_fresh;

	if (is_multiple(igb, mode)) {
		uvfio_intx_set(igb->dev, false);
		deliver_vectors(igb, before);
		return;
	}
	now = pending_now(igb);
	is_fresh = now.icr & ~before.icr || now.eicr & ~before.eicr;
	if (is_fresh)
		*igb_reg(igb, IGB_IAC) += 1;
	if (mode == UVFIO_IRQ_MSI || mode == UVFIO_IRQ_MSIX) {
		uvfio_intx_set(igb->dev, false);
		if (is_fresh)
			(void)uvfio_vector_send(igb->dev, 0);
	} else {
		uvfio_intx_set(igb->dev, now.icr || now.eicr);
	}
}

/* A cause of the MAC or the link, IGB_ICR_*. */
void igb_interrupt_link(struct igb *igb, uint32_t causes)
{
	struct pending before = pending_now(igb);

	*igb_reg(igb, IGB_ICR) |= causes;
	deliver(igb, before);
}

/* EICR bits of the queues in a mask; @shift is 0 to receive, 8 to send. */
static uint32_t queue_bits(struct igb *igb, uint32_t mask, uint32_t shift)
{
	uint32_t bits = 0;
	uint32_t queue;

	/* An entry of IVAR has the vectors of queues n and n + 8. */
	for (queue = 0; queue < IGB_QUEUES; queue++) {
		uint32_t ivar =
			*igb_reg(igb, IGB_IVAR0 + queue % IVAR_QUEUES * 4);

		if (mask & 1u << queue)
			bits |= ivar_bit(ivar >>
					 (queue / IVAR_QUEUES * 16 + shift));
	}
	return bits;
}

/* Queues wrote descriptors back: a mask for each direction. */
void igb_interrupt_queues(struct igb *igb, uint32_t received, uint32_t sent)
{
	struct pending before = pending_now(igb);

	if (received)
		*igb_reg(igb, IGB_ICR) |= IGB_ICR_RXDW;
	if (sent)
		*igb_reg(igb, IGB_ICR) |= IGB_ICR_TXDW;
	*igb_reg(igb, IGB_EICR) |= queue_bits(igb, received, 0) |
				   queue_bits(igb, sent, IVAR_TX_SHIFT);
	deliver(igb, before);
}

/* The kind of interrupt changed, or all was reset: the line follows. */
void igb_interrupts_update(struct igb *igb)
{
	deliver(igb, pending_now(igb));
}

static uint32_t read_icr(struct igb *igb)
{
	struct pending before = pending_now(igb);
	bool multiple = is_multiple(igb, uvfio_irq_mode(igb->dev));
	uint32_t icr = *igb_reg(igb, IGB_ICR);

	if (before.icr)
		icr |= IGB_ICR_INTA;
	if (before.icr || !multiple || !*igb_reg(igb, IGB_IMS) ||
	    *igb_reg(igb, IGB_GPIE) & IGB_GPIE_NSICR)
		*igb_reg(igb, IGB_ICR) = 0;
	if (before.icr)
		*igb_reg(igb, IGB_IMS) &= ~*igb_reg(igb, IGB_IAM);
	deliver(igb, before);
	return icr;
}

static uint32_t read_eicr(struct igb *igb)
{
	struct pending before = pending_now(igb);
	uint32_t eicr = *igb_reg(igb, IGB_EICR);

	/* With one vector per bit, drivers write to clear. */
	if (!is_multiple(igb, uvfio_irq_mode(igb->dev))) {
		*igb_reg(igb, IGB_EICR) = 0;
		*igb_reg(igb, IGB_EIMS) &=
			~(before.eicr & *igb_reg(igb, IGB_EIAM));
		deliver(igb, before);
	}
	return eicr;
}

uint32_t igb_interrupts_read(struct igb *igb, uint32_t offset)
{
	switch (offset) {
	case IGB_ICR:
		return read_icr(igb);
	case IGB_EICR:
		return read_eicr(igb);
	case IGB_ICS:
	case IGB_IMC:
	case IGB_EICS:
	case IGB_EIMC:
		return 0;
	default:
		return *igb_reg(igb, offset);
	}
}

void igb_interrupts_write(struct igb *igb, uint32_t offset, uint32_t value)
{
	struct pending before = pending_now(igb);

	switch (offset) {
	case IGB_ICR:
		*igb_reg(igb, IGB_ICR) &= ~value;
		break;
	case IGB_ICS:
		*igb_reg(igb, IGB_ICR) |= value & ~IGB_ICR_INTA;
		break;
	case IGB_IMS:
		*igb_reg(igb, IGB_IMS) |= value;
		break;
	case IGB_IMC:
		*igb_reg(igb, IGB_IMS) &= ~value;
		break;
	case IGB_EICR:
		*igb_reg(igb, IGB_EICR) &= ~value;
		break;
	case IGB_EICS:
		*igb_reg(igb, IGB_EICR) |= value;
		break;
	case IGB_EIMS:
		*igb_reg(igb, IGB_EIMS) |= value;
		break;
	case IGB_EIMC:
		*igb_reg(igb, IGB_EIMS) &= ~value;
		break;
	default:
		*igb_reg(igb, offset) = value;
	}
	deliver(igb, before);
}
