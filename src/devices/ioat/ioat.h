/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ioat, one channel of Intel's I/OAT DMA engine (Crystal Beach 3): a chain of
 * descriptors in client memory, each a copy or a fill, executed as far as a
 * count says and reported in a status that is written to client memory.
 *
 * Source: what the register names below do is told in docs/devices/ioat.md;
 * numbers from Linux's drivers/dma/ioat/registers.h and hw.h and DPDK's
 * drivers/dma/ioat/ioat_hw_defs.h.
 */
#ifndef UVF_DEVICES_IOAT_IOAT_H
#define UVF_DEVICES_IOAT_IOAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvfio/pci.h>

/* Registers of BAR 0; the channel's begin at 0x80. */
#define IOAT_CHANCNT     0x00
#define IOAT_XFERCAP     0x01
#define IOAT_GENCTRL     0x02
#define IOAT_INTRCTRL    0x03
#define IOAT_ATTNSTATUS  0x04
#define IOAT_CBVER       0x08
#define IOAT_INTRDELAY   0x0c
#define IOAT_CS_STATUS   0x0e
#define IOAT_DMACAP      0x10
#define IOAT_CHANCTRL    0x80
#define IOAT_CHANCMD     0x84
#define IOAT_DMACOUNT    0x86
#define IOAT_CHANSTS     0x88
#define IOAT_CHAINADDR   0x90
#define IOAT_CHANCMP     0x98
#define IOAT_CHANERR     0xa8
#define IOAT_CHANERRMASK 0xac

#define INTRCTRL_MASTER 0x01u
#define INTRCTRL_STATUS 0x02u /* RO: a channel wants attention */
#define INTRCTRL_INT    0x04u /* RO: and the line is driven */
#define INTRCTRL_MSIX   0x08u /* each channel has its vector */
#define INTRCTRL_WMASK  (INTRCTRL_MASTER | INTRCTRL_MSIX)

#define DMACAP_FILL 0x40u

#define CHANCTRL_REARM          0x0001u
#define CHANCTRL_ERR_COMPLETION 0x0004u
#define CHANCTRL_ERR_INT        0x0010u

#define CHANCMD_SUSPEND 0x04u
#define CHANCMD_RESET   0x20u

#define IOAT_TIMER_START 0

enum ioat_state {
	IOAT_ACTIVE,
	IOAT_IDLE,
	IOAT_SUSPENDED,
	IOAT_HALTED,
	IOAT_ARMED,
};

#define CHANERR_SOURCE      0x0001u
#define CHANERR_DESTINATION 0x0002u
#define CHANERR_NEXT        0x0004u /* the address of a descriptor */
#define CHANERR_READ        0x0100u /* the descriptor itself */
#define CHANERR_LENGTH      0x0400u /* or what it asks for */
#define CHANERR_COMPLETION  0x1000u /* the address of CHANCMP */

#define CONTROL_INTERRUPT  0x01u
#define CONTROL_COMPLETION 0x08u
#define CONTROL_NULL       0x20u

#define IOAT_OP_COPY 0
#define IOAT_OP_FILL 1

/* A descriptor as it is in client memory. */
struct ioat_descriptor {
	uint32_t size;
	uint32_t control; /* the operation in bits 31:24 */
	uint64_t source;  /* or the pattern of a fill */
	uint64_t destination;
	uint64_t next;
	uint64_t unused[4];
};

/* Protected by the device's lock, which every callback holds. */
struct ioat {
	struct uvfio_dev *dev;
	uint8_t version; /* fixed by the options, as the next */
	uint8_t xfercap;

	/* Plain registers. */
	uint8_t genctrl;
	uint8_t intrctrl; /* INTRCTRL_WMASK */
	uint16_t intrdelay;
	uint32_t attention;
	uint16_t chanctrl;
	uint64_t chainaddr;
	uint64_t chancmp;
	uint32_t chanerr;
	uint32_t chanerrmask;

	enum ioat_state state;
	bool has_completed; /* one, since CHAINADDR was written */
	uint64_t completed; /* its address, or 0 */
	uint16_t count;     /* DMACOUNT: how far to go */
	uint16_t executed;  /* how far it went since CHAINADDR; modulo 2^16 */
	bool must_suspend;  /* when the current descriptor is done */
	bool has_failed;    /* and was not started since */
	bool is_starting;   /* the timer below runs */

	/* The descriptor that is being executed. */
	bool is_loaded;
	uint64_t address;
	struct ioat_descriptor desc;
	uint32_t moved; /* bytes of it */
};

/* The value of CHANSTS. */
uint64_t ioat_status(const struct ioat *ioat);

/* What writing the channel's registers does; engine.c. */
void ioat_command(struct ioat *ioat, uint8_t command);
void ioat_set_chain(struct ioat *ioat, uint64_t address);
void ioat_set_count(struct ioat *ioat, uint16_t count);

/* Drive the line of INTx as the registers say. */
void ioat_update_line(struct ioat *ioat);

/* The time that a channel needs after an error is over. */
void ioat_started(struct ioat *ioat);

/* A bounded piece of the chain; true: there is more. */
bool ioat_execute(struct ioat *ioat);

/* One access to BAR 0, of 1, 2, 4 or 8 bytes; registers.c. */
void ioat_register_read(struct ioat *ioat, uint64_t offset, void *buf,
			size_t len);
void ioat_register_write(struct ioat *ioat, uint64_t offset, const void *buf,
			 size_t len);

#endif /* UVF_DEVICES_IOAT_IOAT_H */
