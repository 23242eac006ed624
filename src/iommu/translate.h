/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk every DMA takes: from an IOVA of one address space to client
 * memory.
 *
 * Readers take no lock (reader.h).  When uvf_aspace_unmap() returned, no
 * access through the mapping runs any more and none can start: translation
 * and copy are one read-side section.
 */
#ifndef UVF_IOMMU_TRANSLATE_H
#define UVF_IOMMU_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/range.h"
#include "iommu/dirty.h"

struct uvf_aspace;
struct uvf_mem;

/**
 * uvf_aspace_create() - an address space without mappings
 * @ret_as: written on success
 * @write_implies_read: the host's tables cannot express write-only
 * Return: 0 or -ENOMEM.
 */
int uvf_aspace_create(struct uvf_aspace **ret_as, bool write_implies_read);

/**
 * uvf_aspace_create_nested() - an address space by a table of the client
 * @parent: where the table is, and what it leads to; outlives this one
 * @root:   address in @parent of a table of four levels, see stage1.h
 * Nothing can be mapped in it.
 * Return: 0 or -ENOMEM.
 */
int uvf_aspace_create_nested(struct uvf_aspace **ret_as,
			     struct uvf_aspace *parent, uint64_t root);

/**
 * uvf_aspace_invalidate() - the client changed the table of a nested one
 * No access by what the table said before runs any more when it returns.
 * Context: as uvf_aspace_unmap().
 */
void uvf_aspace_invalidate(struct uvf_aspace *as);

/* Waits for accesses that run.  Takes NULL. */
void uvf_aspace_destroy(struct uvf_aspace *as);

/**
 * uvf_aspace_map() - let accesses reach memory
 * @iova:   whole 4 KiB pages; meets no other mapping
 * @mem:    memory behind it; on success takes a reference of its own
 * @prot:   UVF_PROT_*
 *
 * Context: callers serialise map and unmap of one address space.
 * Return: 0 or -ENOMEM, and then nothing changed.
 */
int uvf_aspace_map(struct uvf_aspace *as, struct uvf_range iova,
		   struct uvf_mem *mem, uint32_t prot);

/**
 * uvf_aspace_map_slice() - let accesses reach a part of memory
 * @offset: bytes from the start of @mem to what @iova.first reaches
 * All else as uvf_aspace_map().
 */
int uvf_aspace_map_slice(struct uvf_aspace *as, struct uvf_range iova,
			 struct uvf_mem *mem, uint64_t offset, uint32_t prot);

/**
 * uvf_aspace_unmap() - let accesses reach memory no more
 * @iovas: intervals exactly as they were mapped
 * @count: how many; they share one wait for running accesses
 *
 * Context: as uvf_aspace_map(); never from inside an access.
 */
void uvf_aspace_unmap(struct uvf_aspace *as, const struct uvf_range *iovas,
		      size_t count);

/**
 * uvf_aspace_unlink() - the first half of an unmap
 * @iova: interval exactly as it was mapped, or several side by side
 *
 * Accesses that start later reach the memory no more; those that run may.
 * Any number of these shares one uvf_aspace_drain().
 *
 * Context: as uvf_aspace_map().
 */
void uvf_aspace_unlink(struct uvf_aspace *as, struct uvf_range iova);

/**
 * uvf_aspace_drain() - the second half: wait, and let go of the memory
 * Context: as uvf_aspace_unmap().
 */
void uvf_aspace_drain(struct uvf_aspace *as);

/**
 * uvf_aspace_drain_dirty() - the same, and tell which pages of what was
 * unlinked were written
 * @fn: told of runs of pages, in no order; nothing comes while no bits are kept
 */
void uvf_aspace_drain_dirty(struct uvf_aspace *as, uvf_dirty_fn *fn, void *arg);

/**
 * uvf_aspace_replace() - put other memory behind a mapping
 * @iova: interval exactly as it was mapped
 * @mem:  memory behind it from now on, for the same use
 *
 * An access meets the old or the new memory, never none.
 *
 * Context: as uvf_aspace_unmap().
 * Return: 0 or -ENOMEM, and then nothing changed.
 */
int uvf_aspace_replace(struct uvf_aspace *as, struct uvf_range iova,
		       struct uvf_mem *mem);

/**
 * uvf_aspace_replace_slice() - the same with a part of memory, for any use
 * @offset: bytes from the start of @mem to what @iova.first reaches
 * @prot:   UVF_PROT_*
 * All else as uvf_aspace_replace().
 */
int uvf_aspace_replace_slice(struct uvf_aspace *as, struct uvf_range iova,
			     struct uvf_mem *mem, uint64_t offset,
			     uint32_t prot);

/**
 * uvf_aspace_split() - make two mappings out of one
 * @iova: interval exactly as it was mapped
 * @at:   where the second begins; a page inside @iova, not its first
 *
 * The two may still be unlinked as the one they were, and be split again
 * where they are.
 *
 * An access meets the memory as before, at any time.
 *
 * Context: as uvf_aspace_unmap().
 * Return: 0 or -ENOMEM, and then nothing changed.
 */
int uvf_aspace_split(struct uvf_aspace *as, struct uvf_range iova, uint64_t at);

/**
 * uvf_aspace_track_dirty() - keep a bit for each page that is written, or stop
 * @on: also when it is on already: then the bits are clear again
 *
 * A write that begins after this has returned is noted, by its pages of 4 KiB.
 *
 * Context: as uvf_aspace_unmap().
 * Return: 0; -ENOMEM: nothing is kept.
 */
int uvf_aspace_track_dirty(struct uvf_aspace *as, bool on);

/**
 * uvf_aspace_take_dirty() - find the pages of an interval that were written
 * @iova:     holes in it are passed over
 * @is_clear: forget it, too
 * @fn:       told of runs of pages, ascending
 *
 * Context: as uvf_aspace_map().
 */
void uvf_aspace_take_dirty(struct uvf_aspace *as, struct uvf_range iova,
			   bool is_clear, uvf_dirty_fn *fn, void *arg);

/* Why an access stopped. */
enum uvf_access_fault {
	UVF_FAULT_BLOCKED,    /* the device may do no DMA now */
	UVF_FAULT_ADDRESS,    /* there is no such address */
	UVF_FAULT_UNMAPPED,   /* no mapping */
	UVF_FAULT_PERMISSION, /* not for this direction */
	UVF_FAULT_MEMORY,     /* the memory behind it is gone */
	UVF_FAULT_MESSAGE,    /* no interrupt message that it may send */
};

/**
 * uvf_aspace_why() - why an access could not go on
 * @iova: the first byte that was not moved
 * What is mapped meanwhile may be different.
 * Context: as uvf_aspace_read().
 */
enum uvf_access_fault uvf_aspace_why(const struct uvf_aspace *as, uint64_t iova,
				     bool is_write);

/**
 * uvf_aspace_read() - copy from IOVA to @buf, as a device
 * uvf_aspace_write() - copy @buf to IOVA, as a device
 * @ret_done: bytes moved, always written; NULL is allowed
 *
 * Moves bytes in ascending order across adjacent mappings up to the first
 * that has no mapping or not the right.  A length of 0 succeeds anywhere.
 *
 * Context: any thread.
 * Return: 0 or -EFAULT.
 */
int uvf_aspace_read(struct uvf_aspace *as, uint64_t iova, void *buf, size_t len,
		    size_t *ret_done);
int uvf_aspace_write(struct uvf_aspace *as, uint64_t iova, const void *buf,
		     size_t len, size_t *ret_done);

#endif /* UVF_IOMMU_TRANSLATE_H */
