/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One controller with its queues and namespaces, and what its files offer each
 * other.
 *
 * Everything here is used with the device's lock held, but struct nvme_io
 * between submit and reap, which is its backend's.
 *
 * A command's way: queue.c fetches it into a request, admin.c or io.c carries
 * it out, perhaps by the backend, and queue.c posts its completion.
 */
#ifndef UVF_DEVICES_NVME_NVME_H
#define UVF_DEVICES_NVME_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regs.h"

struct nvme_controller;
struct nvme_image;
struct nvme_request;
struct uvfio_dev;
struct uvfio_error;

#define NVME_QUEUES_MAX     64u /* pairs for I/O */
#define NVME_VECTORS        (NVME_QUEUES_MAX + 1)
#define NVME_ENTRIES_MAX    4096u /* of a queue */
#define NVME_REQUESTS       1024u /* under way at once */
#define NVME_FETCH          32u   /* commands of one DMA */
#define NVME_BATCH          128u  /* commands of one queue in one poll() */
#define NVME_SEGMENTS       16u   /* of a request without memory of its own */
#define NVME_NAMESPACES_MAX 256u
#define NVME_EVENTS_MAX     4u /* requests for events that wait */
#define NVME_ABORTS_MAX     4u
#define NVME_ERRORS_MAX     64u /* entries of the log */
#define NVME_FORMATS        2u  /* blocks of 512 and 4096 bytes */
#define NVME_MPS_MAX        4u  /* pages of up to 64 KiB */

enum nvme_timer {
	NVME_TIMER_COALESCING,
	NVME_TIMER_KEEP_ALIVE,
};

/* What a backend does at one time, and the chain that it is part of. */
enum nvme_io_kind {
	NVME_BACKEND_READ,
	NVME_BACKEND_WRITE,
	NVME_BACKEND_FLUSH,
	NVME_BACKEND_DISCARD, /* and read as zeroes from then on */
};

struct nvme_io {
	enum nvme_io_kind kind;
	bool is_durable;   /* WRITE: on stable storage before it is done */
	bool has_no_holes; /* DISCARD by writing zeroes; the image's */
	uint64_t offset;   /* bytes in the image */
	uint64_t size;     /* bytes */
	uint64_t moved;    /* bytes that are done; the image's */
	uint8_t *buffer;   /* of READ and WRITE */
	int result;        /* 0 or a negative errno */
	struct nvme_io *next;
};

/* A piece of the host's memory. */
struct nvme_segment {
	uint64_t address; /* on the bus; NVME_NOWHERE: a bit bucket */
	uint32_t size;    /* bytes */
};
#define NVME_NOWHERE UINT64_MAX

typedef void nvme_done_fn(struct nvme_controller *nvme,
			  struct nvme_request *request);

struct nvme_request {
	struct nvme_request *next;
	struct nvme_request *prev; /* only while it is under way */
	struct nvme_command command;
	struct nvme_namespace *ns;
	uint16_t sq_id;
	uint16_t status; /* NVME_*, without the phase tag */
	uint32_t result;

	/* Data: where it goes to or comes from. */
	uint32_t size; /* bytes */
	uint32_t segment_count;
	uint32_t segment_room;
	struct nvme_segment *segments; /* own memory, or first */
	struct nvme_segment first[NVME_SEGMENTS];

	/* What the backend does for it; done() runs when it did. */
	struct nvme_io io;
	uint8_t *buffer;      /* owned; io.buffer is in it, aligned */
	uint32_t buffer_size; /* of io.buffer */
	nvme_done_fn *done;
	uint32_t step; /* of requests that take several */
};

struct nvme_sq {
	bool exists;
	uint16_t id;
	uint16_t cq_id;
	uint64_t base;
	uint32_t count; /* entries */
	uint32_t head, tail;
	uint32_t under_way;            /* requests that are not posted */
	uint32_t told;                 /* the tail in the event index */
	uint32_t bad_tail;             /* that was complained of; 0: none */
	struct nvme_request *deletion; /* waits for under_way to become 0 */
};

struct nvme_cq {
	bool exists;
	bool interrupts;
	bool phase;
	uint16_t id;
	uint16_t vector;
	uint16_t users; /* submission queues */
	uint64_t base;
	uint32_t count;
	uint32_t head, tail;
	uint32_t bad_head;    /* as bad_tail */
	uint32_t unsignalled; /* completions since the last interrupt */
	struct nvme_request *first, *last; /* completed, not posted */
};

struct nvme_namespace {
	uint32_t id;
	uint64_t offset; /* bytes in the image */
	uint64_t size;   /* bytes */
	uint8_t format;  /* 0: blocks of 512 bytes, 1: of 4096 */
	uint64_t blocks;
	uint8_t guid[16];
	bool has_changed; /* since the log was read */
	/* Blocks that WRITE UNCORRECTABLE made so, in order and apart. */
	struct nvme_extent *bad;
	uint32_t bad_count, bad_room;
};

struct nvme_extent {
	uint64_t first, last; /* blocks, inclusive */
};

/* What SMART tells; since the machine was made. */
struct nvme_smart {
	uint64_t sectors_read, sectors_written; /* of 512 bytes */
	uint64_t reads, writes;                 /* commands */
	uint64_t busy_ns, busy_since;
	uint64_t power_cycles;
	uint64_t unsafe_shutdowns;
	uint64_t media_errors;
	uint64_t errors; /* in the log of errors, ever */
	uint64_t started_ns;
};

struct nvme_error_entry {
	uint64_t number;
	uint16_t sq_id, cid, status;
	uint64_t lba;
	uint32_t nsid;
};

struct nvme_features {
	uint32_t arbitration;
	uint32_t power;
	uint32_t recovery;
	uint32_t events;
	uint32_t coalescing;
	uint16_t over_temperature, under_temperature; /* kelvin */
	uint32_t keep_alive_ms;
	uint32_t queues;    /* pairs for I/O that the host was given */
	bool has_cache;     /* it is on */
	uint64_t timestamp; /* ms, at timestamp_ns */
	uint64_t timestamp_ns;
	bool is_timestamp_set;
	bool is_uncoalesced[NVME_VECTORS];
};

struct nvme_controller {
	struct uvfio_dev *dev;
	struct nvme_image *image; /* owned */
	struct nvme_namespace *namespaces;
	uint32_t namespace_count;
	uint32_t queue_limit; /* pairs for I/O that a host may have */
	uint32_t mdts;        /* pages, as a power of 2 */
	bool is_read_only;
	bool begins_cached; /* the write cache is on at first */
	char serial[21];

	/* Registers. */
	uint32_t cc, csts, aqa, masks;
	uint64_t asq, acq;
	uint64_t cmb_size; /* bytes, 0: none */
	uint64_t cmb_control, cmb_base;
	uint8_t *doorbells; /* the page of BAR 0 */
	bool is_bus_master;
	bool is_clean;   /* it was shut down, or never enabled */
	bool is_started; /* the image's threads are */

	uint32_t page; /* bytes */
	struct nvme_sq sqs[NVME_QUEUES_MAX + 1];
	struct nvme_cq cqs[NVME_QUEUES_MAX + 1];
	bool is_coalescing; /* its timer runs */
	bool is_stopping;   /* nothing new is given to the image */
	/* Doorbells in the host's memory, and what it compares them with. */
	uint64_t shadow, event_index; /* 0: none */

	struct nvme_request *requests; /* owned, NVME_REQUESTS of them */
	struct nvme_request *unused;
	struct nvme_request under_way; /* head of a ring */
	uint32_t queue_end;            /* above the highest number in use */
	uint32_t in_backend;           /* requests */

	struct nvme_request *events[NVME_EVENTS_MAX]; /* that wait */
	uint32_t event_count;
	uint32_t pending[8]; /* events that nobody asked for yet */
	uint32_t pending_count;
	uint32_t told; /* types that wait for their log to be read, as bits */

	struct nvme_features features;
	struct nvme_smart smart;
	struct nvme_error_entry errors[NVME_ERRORS_MAX];
};

/* nvme.c: what its registers may start and stop. */
void nvme_reset(struct nvme_controller *nvme);
uint64_t nvme_now(void); /* ns */

/* registers.c: one access; false: nothing is there. */
uint64_t nvme_register_read(struct nvme_controller *nvme, uint32_t offset,
			    uint32_t size);
void nvme_register_write(struct nvme_controller *nvme, uint32_t offset,
			 uint32_t size, uint64_t value);
/* Nothing works any more until the controller is disabled. */
void nvme_fail(struct nvme_controller *nvme);
bool nvme_is_ready(const struct nvme_controller *nvme);

/* queue.c */
/* A bounded piece of work; true: there was some. */
bool nvme_queues_poll(struct nvme_controller *nvme);
/* Every queue goes, with what is under way; waits for the image. */
void nvme_queues_stop(struct nvme_controller *nvme);
/* What was written is stable when this returns; waits for the image. */
void nvme_queues_flush(struct nvme_controller *nvme);
/* Hand over what the image is done with. */
bool nvme_queues_reap(struct nvme_controller *nvme);
void nvme_sq_create(struct nvme_controller *nvme, uint32_t id, uint64_t base,
		    uint32_t count, uint16_t cq_id);
void nvme_cq_create(struct nvme_controller *nvme, uint32_t id, uint64_t base,
		    uint32_t count, uint16_t vector, bool interrupts);
/* @request is completed once all others of the queue are. */
void nvme_sq_delete(struct nvme_controller *nvme, struct nvme_sq *sq,
		    struct nvme_request *request);
void nvme_complete(struct nvme_controller *nvme, struct nvme_request *request,
		   uint16_t status);

/* interrupts.c */
/* Completions were posted to @cq. */
void nvme_interrupt(struct nvme_controller *nvme, struct nvme_cq *cq);
/* The pin, as queues and masks have it now. */
void nvme_interrupt_pin(struct nvme_controller *nvme);
/* The time of what was kept back ran out. */
void nvme_interrupts_flush(struct nvme_controller *nvme);

/* data.c: a request's data, as its PRP entries or SGL say. */
uint16_t nvme_data_map(struct nvme_controller *nvme,
		       struct nvme_request *request, uint32_t size,
		       bool to_host);
/* @offset: bytes from the start of the data */
uint16_t nvme_data_to_host(struct nvme_controller *nvme,
			   const struct nvme_request *request, uint32_t offset,
			   const void *buf, uint32_t size);
uint16_t nvme_data_from_host(struct nvme_controller *nvme,
			     const struct nvme_request *request,
			     uint32_t offset, void *buf, uint32_t size);
/* Memory of the host or, where it says so, of the controller. */
int nvme_memory_read(struct nvme_controller *nvme, uint64_t address, void *buf,
		     size_t size);
int nvme_memory_write(struct nvme_controller *nvme, uint64_t address,
		      const void *buf, size_t size);
/* Map, write and complete: an answer of @size bytes, cut to @room. */
void nvme_answer(struct nvme_controller *nvme, struct nvme_request *request,
		 const void *data, uint32_t size);

/* admin.c, identify.c, log.c, features.c: carry a command out. */
void nvme_admin(struct nvme_controller *nvme, struct nvme_request *request);
void nvme_identify(struct nvme_controller *nvme, struct nvme_request *request);
void nvme_log(struct nvme_controller *nvme, struct nvme_request *request);
void nvme_features_get(struct nvme_controller *nvme,
		       struct nvme_request *request);
void nvme_features_set(struct nvme_controller *nvme,
		       struct nvme_request *request);
void nvme_features_reset(struct nvme_controller *nvme);
/* Tell who asked, or keep it until somebody does. */
void nvme_event(struct nvme_controller *nvme, uint32_t event);
/* A log was read: events of its type may come again. */
void nvme_event_rearm(struct nvme_controller *nvme, uint32_t log);
/* Remember a failed command, and count it. */
void nvme_log_error(struct nvme_controller *nvme,
		    const struct nvme_request *request, uint16_t status);
/* The composite temperature left or entered what the features allow. */
void nvme_temperature_check(struct nvme_controller *nvme);
#define NVME_TEMPERATURE 313u /* kelvin; it never changes */

/* io.c */
void nvme_io_command(struct nvme_controller *nvme,
		     struct nvme_request *request);
/* The backend is done with a request's io. */
void nvme_io_done(struct nvme_controller *nvme, struct nvme_io *io);
void nvme_io_submit(struct nvme_controller *nvme, struct nvme_request *request,
		    enum nvme_io_kind kind, uint64_t offset, uint64_t size,
		    nvme_done_fn *done);

/* namespace.c */
struct nvme_namespace *nvme_namespace_find(struct nvme_controller *nvme,
					   uint32_t id);
/* Equal parts of the image, which has room for whole blocks; or -ENOMEM. */
int nvme_namespaces_create(struct nvme_controller *nvme, uint32_t count,
			   uint8_t format);
void nvme_namespaces_destroy(struct nvme_controller *nvme);
void nvme_namespace_format(struct nvme_namespace *ns, uint8_t format);
static inline unsigned int nvme_block_shift(const struct nvme_namespace *ns)
{
	return ns->format ? 12 : 9;
}
/* Whether a block from first to last was made uncorrectable. */
bool nvme_is_bad(const struct nvme_namespace *ns, uint64_t first,
		 uint64_t last);
/* Make them so, or good again; 0 or -ENOMEM. */
int nvme_bad_add(struct nvme_namespace *ns, uint64_t first, uint64_t last);
int nvme_bad_remove(struct nvme_namespace *ns, uint64_t first, uint64_t last);

#endif /* UVF_DEVICES_NVME_NVME_H */
