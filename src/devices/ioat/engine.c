/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The channel of ioat: it walks the chain as far as DMACOUNT says.
 *
 * What it reads there was written by the client and may be anything.  A
 * chain of any shape ends, since a count does: at most 65535 descriptors
 * follow one write of DMACOUNT.  The work is done in pieces, so that a long
 * one keeps neither the device's lock nor the device thread.
 */
#include <string.h>

#include "ioat.h"

/* One piece of work, and what is moved at once. */
#define PIECE_BYTES       (64u << 10)
#define PIECE_DESCRIPTORS 64
#define CHUNK_BYTES       4096u

#define DESCRIPTOR_ALIGN 64u
#define STATUS_ALIGN     8u

/*
 * What a channel needs to start again after an error.  Drivers count on some
 * time: DPDK's submits what is left before its caller has asked what failed,
 * and loses count when more is done by then.
 */
#define RESTART_NS 10000000ull

#define CHANNEL_0 0x1u

uint64_t ioat_status(const struct ioat *ioat)
{
	return ioat->completed | (uint64_t)ioat->state;
}

void ioat_update_line(struct ioat *ioat)
{
	bool level = uvfio_irq_mode(ioat->dev) == UVFIO_IRQ_INTX &&
		     (ioat->intrctrl & INTRCTRL_MASTER) && ioat->attention;

	uvfio_intx_set(ioat->dev, level);
}

/* One interrupt, if the driver armed it since the last. */
static void interrupt(struct ioat *ioat)
{
	enum uvfio_irq_mode mode = uvfio_irq_mode(ioat->dev);
	uint8_t enabled = INTRCTRL_MASTER;

	if (!(ioat->chanctrl & CHANCTRL_REARM))
		return;
	ioat->chanctrl &= (uint16_t)~CHANCTRL_REARM;
	ioat->attention |= CHANNEL_0;
	if (mode == UVFIO_IRQ_MSIX)
		enabled |= INTRCTRL_MSIX;
	if (mode == UVFIO_IRQ_INTX)
		ioat_update_line(ioat);
	else if (ioat->intrctrl & enabled)
		(void)uvfio_vector_send(ioat->dev, 0);
}

/* Tell the client's memory; false when there is none. */
static bool write_status(struct ioat *ioat)
{
	uint64_t status = ioat_status(ioat);

	return !(ioat->chancmp % STATUS_ALIGN) &&
	       !uvfio_dma_write(ioat->dev, ioat->chancmp, &status,
				sizeof(status));
}

/* Nothing is under way any more. */
static void stop(struct ioat *ioat, enum ioat_state state)
{
	ioat->state = state;
	ioat->is_loaded = false;
	ioat->must_suspend = false;
	ioat->is_starting = false;
	uvfio_timer_set(ioat->dev, IOAT_TIMER_START, 0);
}

static void halt(struct ioat *ioat, uint32_t error)
{
	ioat->chanerr |= error;
	ioat->has_failed = true;
	stop(ioat, IOAT_HALTED);
	if (ioat->chanctrl & CHANCTRL_ERR_COMPLETION)
		(void)write_status(ioat);
	if ((ioat->chanctrl & CHANCTRL_ERR_INT) && (error & ~ioat->chanerrmask))
		interrupt(ioat);
}

void ioat_command(struct ioat *ioat, uint8_t command)
{
	if (command & CHANCMD_RESET) {
		stop(ioat, IOAT_HALTED);
		ioat->has_completed = false;
		ioat->completed = 0;
	} else if ((command & CHANCMD_SUSPEND) && ioat->is_loaded) {
		ioat->must_suspend = true;
	} else if ((command & CHANCMD_SUSPEND) && ioat->state != IOAT_HALTED) {
		stop(ioat, IOAT_SUSPENDED);
	}
}

void ioat_set_chain(struct ioat *ioat, uint64_t address)
{
	stop(ioat, IOAT_ARMED);
	ioat->chainaddr = address;
	ioat->has_completed = false;
	ioat->completed = 0;
	ioat->count = 0;
	ioat->executed = 0;
}

void ioat_set_count(struct ioat *ioat, uint16_t count)
{
	ioat->count = count;
	if (count == ioat->executed)
		return;
	if (ioat->state != IOAT_ARMED && ioat->state != IOAT_IDLE)
		return;
	ioat->state = IOAT_ACTIVE;
	ioat->is_starting = ioat->has_failed;
	ioat->has_failed = false;
	if (ioat->is_starting)
		uvfio_timer_set(ioat->dev, IOAT_TIMER_START, RESTART_NS);
	else
		uvfio_kick(ioat->dev);
}

void ioat_started(struct ioat *ioat)
{
	ioat->is_starting = false;
	uvfio_kick(ioat->dev);
}

/* Fetch the descriptor whose turn it is; an error, or 0. */
static uint32_t load(struct ioat *ioat)
{
	uint64_t address = ioat->chainaddr;
	uint64_t at = ioat->completed + offsetof(struct ioat_descriptor, next);

	/* Read when it is needed: drivers append to the last of a chain. */
	if (ioat->has_completed &&
	    uvfio_dma_read(ioat->dev, at, &address, sizeof(address)))
		return CHANERR_READ;
	if (address % DESCRIPTOR_ALIGN)
		return CHANERR_NEXT;
	if (uvfio_dma_read(ioat->dev, address, &ioat->desc, sizeof(ioat->desc)))
		return CHANERR_READ;
	ioat->address = address;
	ioat->moved = 0;
	ioat->is_loaded = true;
	return 0;
}

/* An error of what the descriptor asks for, or 0. */
static uint32_t check(const struct ioat *ioat)
{
	uint32_t op = ioat->desc.control >> 24;

	if (ioat->desc.control & CONTROL_NULL)
		return 0;
	if (op != IOAT_OP_COPY && op != IOAT_OP_FILL)
		return CHANERR_LENGTH;
	if (!ioat->desc.size || ioat->desc.size > 1ull << ioat->xfercap)
		return CHANERR_LENGTH;
	return 0;
}

/* Move the next bytes of the descriptor; an error, or 0. */
static uint32_t move(struct ioat *ioat, size_t len)
{
	const struct ioat_descriptor *desc = &ioat->desc;
	uint8_t chunk[CHUNK_BYTES];

	if (desc->control >> 24 == IOAT_OP_FILL) {
		/* A chunk is a multiple of the pattern. */
		for (size_t i = 0; i < len; i++)
			chunk[i] = (uint8_t)(desc->source >> 8 * (i % 8));
	} else if (uvfio_dma_read(ioat->dev, desc->source + ioat->moved, chunk,
				  len)) {
		return CHANERR_SOURCE;
	}
	if (uvfio_dma_write(ioat->dev, desc->destination + ioat->moved, chunk,
			    len))
		return CHANERR_DESTINATION;
	ioat->moved += (uint32_t)len;
	return 0;
}

/* The data is in place: say so, in memory first. */
static void complete(struct ioat *ioat)
{
	ioat->is_loaded = false;
	ioat->has_completed = true;
	ioat->completed = ioat->address;
	ioat->executed++;
	if (ioat->must_suspend)
		ioat->state = IOAT_SUSPENDED;
	else if (ioat->executed == ioat->count)
		ioat->state = IOAT_IDLE;
	ioat->must_suspend = false;
	if ((ioat->desc.control & CONTROL_COMPLETION) && !write_status(ioat))
		halt(ioat, CHANERR_COMPLETION);
	else if (ioat->desc.control & CONTROL_INTERRUPT)
		interrupt(ioat);
}

/* Execute up to so many bytes of the current descriptor; return how many. */
static uint32_t step(struct ioat *ioat, uint32_t budget)
{
	uint32_t error = 0;
	uint32_t left;
	uint32_t done = 0;

	if (!ioat->is_loaded)
		error = load(ioat);
	if (!error)
		error = check(ioat);
	left = ioat->desc.control & CONTROL_NULL
		       ? 0
		       : ioat->desc.size - ioat->moved;
	while (!error && left && done < budget) {
		uint32_t len = left < CHUNK_BYTES ? left : CHUNK_BYTES;

		error = move(ioat, len);
		left -= len;
		done += len;
	}
	if (error)
		halt(ioat, error);
	else if (!left)
		complete(ioat);
	return done;
}

bool ioat_execute(struct ioat *ioat)
{
	uint32_t bytes = 0;

	for (unsigned int i = 0; i < PIECE_DESCRIPTORS; i++) {
		if (ioat->state != IOAT_ACTIVE || ioat->is_starting ||
		    bytes >= PIECE_BYTES)
			break;
		bytes += step(ioat, PIECE_BYTES - bytes);
	}
	return ioat->state == IOAT_ACTIVE && !ioat->is_starting;
}
