/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One adapter, and what its files offer each other.
 *
 * Everything here is used with the device's lock held.  The two pages of
 * ring registers are shared with the client, which stores to them at any
 * time: each value is loaded once, by igb_load(), and checked after that.
 */
#ifndef UVF_DEVICES_IGB_IGB_H
#define UVF_DEVICES_IGB_IGB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regs.h"

struct igb_backend;
struct igb_packet;
struct uvfio_dev;
struct uvfio_migration_ops;

#define IGB_BATCH     64 /* frames of each direction in one poll() */
#define IGB_BLOCK     32 /* descriptors of one DMA */
#define IGB_NVM_WORDS 256
#define IGB_PHY_REGS  32
#define IGB_REGS_SIZE 0x10000 /* bytes; nothing is above */
#define IGB_MAC_SIZE  6
#define IGB_LARGE_MAX 0x40400 /* bytes of a frame to be segmented */

#define IGB_TIMER_BACKEND 0

struct igb_ring {
	uint64_t base; /* bus address */
	uint32_t head;
	uint32_t tail;
	uint32_t count; /* descriptors; 0: not usable */
};

/* Of a context descriptor, what is used. */
struct igb_context {
	uint16_t vlan;
	uint8_t mac_length;
	uint8_t l4_length;
	uint16_t ip_length;
	uint16_t mss;
	uint32_t l4_type; /* IGB_CONTEXT_L4T_* */
	bool is_ipv4;
};

struct igb_tx_queue {
	bool is_stopped; /* a DMA went wrong; until the queue is disabled */
	struct igb_context contexts[2];
};

/*
 * The frame that is gathered; it outlives a poll() when it is not whole, or
 * is large and its segments wait for room.  Until it is gone no other queue
 * starts one.
 */
struct igb_tx {
	uint8_t *frame;     /* room of the backend, or large; NULL: between */
	uint32_t queue;     /* whose it is */
	uint32_t length;    /* bytes gathered */
	uint32_t command;   /* of the first descriptor */
	uint32_t status;    /* of the first descriptor */
	bool is_too_long;   /* consumed, not sent */
	bool is_whole;      /* large, and gathered to its end */
	uint32_t segmented; /* bytes of payload sent of a large one */
	uint32_t segments;  /* sent of it */
	uint32_t turn;      /* the queue to be served first */
	struct igb_tx_queue queues[IGB_QUEUES];
	uint8_t large[IGB_LARGE_MAX];
};

/* How much of a capture is out; see replay.c. */
struct igb_replay {
	uint32_t posted_max; /* descriptors, the most that were armed */
	uint32_t posted;     /* as of the last poll */
	uint32_t waited;     /* polls since the client armed any */
};

struct igb_rx_queue {
	bool is_stopped;
	struct igb_replay replay;
};

/* The frame that is delivered; it outlives a poll() when it is not whole. */
struct igb_rx {
	const uint8_t *frame; /* NULL between frames */
	uint32_t length;
	uint32_t offset;   /* bytes delivered */
	uint32_t queue;    /* to which */
	uint32_t info;     /* what the last descriptor says about it */
	uint32_t hash;     /* likewise */
	uint32_t checksum; /* likewise, IGB_RXD_* */
	uint16_t vlan;
	bool has_vlan;
	struct igb_rx_queue queues[IGB_QUEUES];
	uint8_t edited[IGB_FRAME_MAX + IGB_ETH_TAG + IGB_ETH_FCS];
};

struct igb {
	struct uvfio_dev *dev;
	uint8_t *rx_page; /* ring registers; immutable */
	uint8_t *tx_page;
	struct igb_backend *backend; /* owned; the plug */
	struct igb_backend *loop;    /* owned; used in loopback */
	struct igb_backend *path;    /* the one of both in use */
	bool is_listening;           /* what path was told */

	struct igb_tx tx;
	struct igb_rx rx;

	uint8_t mac[IGB_MAC_SIZE];
	uint16_t nvm[IGB_NVM_WORDS];
	uint16_t phy[IGB_PHY_REGS];
	uint32_t io_address; /* the window of BAR2 */
	uint32_t regs[IGB_REGS_SIZE / sizeof(uint32_t)];
};

static inline uint32_t *igb_reg(struct igb *igb, uint32_t offset)
{
	return &igb->regs[offset / sizeof(uint32_t)];
}

/* A register of a ring: on either shared page, or with the others. */
static inline uint32_t *igb_ring_reg(struct igb *igb, uint32_t offset)
{
	uint8_t *page = offset < IGB_TX_PAGE ? igb->rx_page : igb->tx_page;

	if (offset - IGB_RX_PAGE >= IGB_RING_PAGES)
		return igb_reg(igb, offset);
	return (uint32_t *)(void *)(page + (offset & 0xfff));
}

/* Where a queue has the register that is at @offset for the first. */
static inline uint32_t igb_queue_reg(uint32_t offset, uint32_t queue)
{
	uint32_t alias = offset < IGB_TX_PAGE ? IGB_RX_ALIAS : IGB_TX_ALIAS;

	if (queue < IGB_PAGE_QUEUES)
		return offset + queue * IGB_QUEUE_STEP;
	return alias + queue * IGB_ALIAS_STEP + offset % IGB_ALIAS_STEP;
}

static inline uint32_t igb_load(struct igb *igb, uint32_t offset)
{
	return __atomic_load_n(igb_ring_reg(igb, offset), __ATOMIC_ACQUIRE);
}

static inline void igb_store(struct igb *igb, uint32_t offset, uint32_t value)
{
	__atomic_store_n(igb_ring_reg(igb, offset), value, __ATOMIC_RELEASE);
}

static inline uint32_t igb_queue_load(struct igb *igb, uint32_t offset,
				      uint32_t queue)
{
	return igb_load(igb, igb_queue_reg(offset, queue));
}

static inline void igb_queue_store(struct igb *igb, uint32_t offset,
				   uint32_t queue, uint32_t value)
{
	igb_store(igb, igb_queue_reg(offset, queue), value);
}

/* igb.c */
void igb_reset(struct igb *igb);
/* A register that decides about the path of frames may have changed. */
void igb_path_update(struct igb *igb);

/* registers.c */
uint32_t igb_register_read(struct igb *igb, uint32_t offset);
void igb_register_write(struct igb *igb, uint32_t offset, uint32_t value);
void igb_registers_reset(struct igb *igb);

/* nvm.c */
void igb_nvm_init(struct igb *igb);
void igb_nvm_write_eecd(struct igb *igb, uint32_t value);
void igb_nvm_write_eerd(struct igb *igb, uint32_t value);

/* phy.c */
void igb_phy_reset(struct igb *igb);
void igb_phy_write_mdic(struct igb *igb, uint32_t value);
bool igb_phy_has_link(struct igb *igb);
bool igb_phy_is_looped(const struct igb *igb);

/* interrupts.c */
void igb_interrupt_link(struct igb *igb, uint32_t causes);
void igb_interrupt_queues(struct igb *igb, uint32_t received, uint32_t sent);
void igb_interrupts_update(struct igb *igb);
uint32_t igb_interrupts_read(struct igb *igb, uint32_t offset);
void igb_interrupts_write(struct igb *igb, uint32_t offset, uint32_t value);

/* stats.c */
void igb_stats_sent(struct igb *igb, const uint8_t *frame, uint32_t length);
void igb_stats_seen(struct igb *igb, uint32_t length);
void igb_stats_received(struct igb *igb, const uint8_t *frame, uint32_t length);
void igb_stats_count(struct igb *igb, uint32_t offset);
uint32_t igb_stats_read(struct igb *igb, uint32_t offset);

/* filter.c */
bool igb_filter_accepts(struct igb *igb, const uint8_t *frame, uint32_t length);

/* offload.c */
void igb_offload_checksums(const struct igb_context *context, uint32_t status,
			   uint8_t *frame, uint32_t length);
void igb_offload_legacy(uint8_t *frame, uint32_t length, uint32_t command,
			uint32_t status);
uint32_t igb_offload_insert_tag(uint8_t *frame, uint32_t length, uint16_t vet,
				uint16_t tag);
uint32_t igb_offload_fcs(const uint8_t *frame, uint32_t length);
uint32_t igb_offload_verify(struct igb *igb, const struct igb_packet *packet,
			    const uint8_t *frame);

/* rss.c */
bool igb_rss_is_on(struct igb *igb);
uint32_t igb_rss_classify(struct igb *igb, const struct igb_packet *packet,
			  const uint8_t *frame, uint32_t *ret_type,
			  uint32_t *ret_hash);

/* segment.c */
enum igb_segment {
	IGB_SEGMENT_DONE, /* that was the last */
	IGB_SEGMENT_MORE,
	IGB_SEGMENT_WAIT, /* the plug is full; nothing was sent */
};

bool igb_segment_is_possible(const struct igb_tx *tx,
			     const struct igb_context *context);
bool igb_segment_is_within(const struct igb_tx *tx);
enum igb_segment igb_segment_next(struct igb *igb,
				  const struct igb_context *context);

/*
 * rx.c, tx.c: a bounded piece of work; true: there was some.  The masks are
 * of queues that have something to tell.
 */
bool igb_rx_poll(struct igb *igb, uint32_t *ret_queues);
bool igb_tx_poll(struct igb *igb, uint32_t *ret_queues);
void igb_rx_abandon(struct igb *igb);
void igb_tx_abandon(struct igb *igb);
/* Finish the frame in the reserved room, and send it. */
void igb_tx_emit(struct igb *igb, uint8_t *frame, uint32_t length);

/* migrate.c */
extern const struct uvfio_migration_ops igb_migration;

/* replay.c */
void igb_replay_restart(struct igb_replay *replay);
uint32_t igb_replay_budget(struct igb_replay *replay, uint32_t posted);

#endif /* UVF_DEVICES_IGB_IGB_H */
