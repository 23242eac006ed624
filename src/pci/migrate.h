/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Migration of a function whose model allows it (uvfio/migration.h): what the
 * arcs do, and the stream of its state.
 *
 * A stream is a header and chunks, each with an id, a size and a checksum, in
 * the order of bytes of x86:
 *
 *   header   magic, version of the format, version of the model, its name
 *   chunk    a piece of the model, or BAR memory, or what the bus has of it
 *   ...      one that comes again replaces what came before
 *   end      with the number of chunks
 *
 * While the device runs, all pieces are sent once, and then those that
 * changed; what the bus has, and the end, are sent when it stopped.
 */
#ifndef UVF_PCI_MIGRATE_H
#define UVF_PCI_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/lock.h"
#include "core/dma_logging.h"
#include "core/migration.h"
#include "pci/pci.h"

#define UVF_MIGRATE_MAGIC   0x47494d4f49465655ull /* "UVFIOMIG" */
#define UVF_MIGRATE_FORMAT  1u
#define UVF_MIGRATE_NAME    16u
#define UVF_MIGRATE_END     UINT32_MAX
#define UVF_MIGRATE_BUS     0x1000u /* timers, INTx, pending messages */
#define UVF_MIGRATE_MEMORY  0x2000u /* + 0x100 * BAR + span */
#define UVF_MIGRATE_SPANS   8u      /* of one BAR, at most */
#define UVF_MIGRATE_BUS_MAX 1024u   /* bytes of that chunk */

struct uvf_migrate_header {
	uint64_t magic;
	uint32_t format;
	uint32_t version; /* of the model */
	char model[UVF_MIGRATE_NAME];
};

struct uvf_migrate_chunk {
	uint32_t id;
	uint32_t size; /* bytes that follow; the end: chunks before it */
	uint32_t crc;  /* of these bytes */
	uint32_t zero;
};

/* One chunk that a function has. */
struct uvf_migrate_part {
	uint32_t id;
	size_t max;    /* bytes */
	uint8_t *data; /* sent last, or what was loaded; owned, or NULL */
	size_t size;   /* of data */
};

/* All of it is protected by the migration's lock. */
struct uvf_migrate {
	struct uvf_pci *pci;
	const struct uvfio_migration_ops *ops;
	struct uvf_migration *migration; /* owned */
	struct uvf_dma_log log;
	struct uvf_migrate_part *parts; /* the bus's comes last */
	unsigned int count;
	size_t part_max; /* bytes of the largest */
	uint8_t *work;   /* room for the largest; owned */

	/* To be read by the client. */
	uint8_t *out;
	size_t out_size, out_at, out_room;
	uint32_t chunks;
	bool is_initial;   /* what is out came before the first change */
	bool was_told_end; /* that there is no more, now */
	bool has_end_out;

	/* What the client writes. */
	struct uvf_migrate_header header;
	struct uvf_migrate_chunk chunk;
	size_t in_at; /* bytes of the header, or of the chunk with its data */
	bool has_header, has_chunk, has_end, is_broken;
	struct uvf_migrate_part *into; /* whose data comes */
	uint8_t *body;                 /* of it; owned */

	/* Of the bus, for when the device goes on; under the model's lock. */
	bool has_loaded_bus;
	bool intx_level;
	uint32_t msi_pending;
	uint64_t *msix_pending; /* owned; NULL without MSI-X */
};

/**
 * uvf_migrate_init() - let a function migrate if it is told to
 * @pci: with options and a model
 * The key migration says what it can do: off (as without it), stop-copy, p2p,
 * pre-copy or all.
 * Return: 0, or -EINVAL and a line in @err, -ENOMEM.
 */
int uvf_migrate_init(struct uvf_pci *pci, struct uvfio_error *err);
void uvf_migrate_fini(struct uvf_pci *pci);

/* The function is reset, so it runs. */
void uvf_migrate_reset_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);

/* Its last user closed it; without the model's lock. */
void uvf_migrate_close(struct uvf_pci *pci);

/* What the arcs do. */

/* migrate_save.c: all that there is; -ENOMEM, then nothing is out. */
int uvf_migrate_save_begin(struct uvf_migrate *migrate, bool is_stopped);
/* The device stopped: what changed since, and the end; -ENOMEM. */
int uvf_migrate_save_end(struct uvf_migrate *migrate);
ssize_t uvf_migrate_save(struct uvf_migrate *migrate, void *buf, size_t len);
uint64_t uvf_migrate_data_size(struct uvf_migrate *migrate);
void uvf_migrate_left(struct uvf_migrate *migrate, uint64_t *ret_initial,
		      uint64_t *ret_dirty);
/* Forget what is out, and what was sent or loaded. */
void uvf_migrate_forget(struct uvf_migrate *migrate);

/**
 * uvf_migrate_load() - take the next bytes of a stream
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  it was refused before
 *   -ENOMEM  behind the end; out of memory
 *   -EINVAL  no stream, of another format, model or newer version; a chunk
 *            that the function has not, too large, or with a wrong checksum
 */
int uvf_migrate_load(struct uvf_migrate *migrate, const void *buf, size_t len);

/**
 * uvf_migrate_commit() - the stream is complete: make it the device's state
 * Return: 0, or -EINVAL it is not complete; -EIO the model refused it, and was
 * reset.
 */
int uvf_migrate_commit(struct uvf_migrate *migrate);

#endif /* UVF_PCI_MIGRATE_H */
