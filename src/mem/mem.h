/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client memory, where a DMA ends.
 *
 * An address space (struct uvf_mm) belongs to one client process, or to our
 * own when the core is a library.  Memory (struct uvf_mem) is a piece of it
 * that was mapped for DMA: spans that are mapped here as well and are
 * reached by plain copies, and spans that are copied by the address space.
 */
#ifndef UVF_MEM_MEM_H
#define UVF_MEM_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/range.h"
#include "base/ref.h"

#define UVF_PROT_READ  0x1u /* the device may read */
#define UVF_PROT_WRITE 0x2u /* the device may write */
#define UVF_PROT_ALL   0x3u

/* Beside the rights: registers of a device are no memory for this use. */
#define UVF_MEM_NO_DEVICE 0x4u

struct uvf_mm;
struct uvf_mem;
struct uvf_window;

struct uvf_mm_ops {
	/* Copy; -EFAULT when a byte cannot be reached.  Never crash. */
	int (*read)(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len);
	int (*write)(struct uvf_mm *mm, uint64_t addr, const void *buf,
		     size_t len);
	/*
	 * The same for a device, which does not care what became of the
	 * page's protection since it was mapped for DMA, nor of the process
	 * if the memory is that of its former program (-EFAULT).  NULL: as
	 * read and write.
	 */
	int (*dma_read)(struct uvf_mm *mm, uint64_t addr, void *buf,
			size_t len);
	int (*dma_write)(struct uvf_mm *mm, uint64_t addr, const void *buf,
			 size_t len);
	/*
	 * Check that vaddr may be mapped for DMA with prot (-EFAULT), and
	 * add the spans of it that can be mapped here to mem.
	 */
	int (*map)(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		   struct uvf_mem *mem);
	/* As the functions of these names; NULL: 4096, and 0. */
	uint64_t (*page_size)(struct uvf_mm *mm, struct uvf_range vaddr);
	uint64_t (*unwritten_pages)(struct uvf_mm *mm, struct uvf_range vaddr);
	void (*destroy)(struct uvf_mm *mm);
};

/*
 * What an address space has locked by mappings for DMA; zero at first, and
 * iommu/account.h alone touches it.
 */
struct uvf_mm_account {
	_Atomic(uint64_t) pages; /* while above 0, with a reference */
	atomic_bool has_told;    /* that its limit was reached */
};

/* One address space; embedded by what implements it. */
struct uvf_mm {
	const struct uvf_mm_ops *ops;
	struct uvf_ref ref;
	struct uvf_mm_account account;
};

struct uvf_mm *uvf_mm_get(struct uvf_mm *mm);
void uvf_mm_put(struct uvf_mm *mm); /* takes NULL */

/* Bytes of the smallest pages that an interval has; whole ones of 4 KiB. */
uint64_t uvf_mm_page_size(struct uvf_mm *mm, struct uvf_range vaddr);

/*
 * Pages of an interval that nobody has written, of memory that is private and
 * of no file: a device that reads them meets the page of zeros.
 */
uint64_t uvf_mm_unwritten_pages(struct uvf_mm *mm, struct uvf_range vaddr);

struct uvf_mem_io;

struct uvf_mem_io_ops {
	/*
	 * One load or store of 1, 2, 4 or 8 bytes, naturally aligned;
	 * -EFAULT: nothing answers there now.
	 */
	int (*access)(struct uvf_mem_io *io, uint64_t offset, void *buf,
		      size_t len, bool is_write);
	void (*destroy)(struct uvf_mem_io *io);
};

/* What a device answers for: a BAR.  Embedded by what implements it. */
struct uvf_mem_io {
	const struct uvf_mem_io_ops *ops;
};

/* A run of bytes that is mapped here, or that a device answers for. */
struct uvf_mem_span {
	uint64_t offset; /* bytes from the start of the memory */
	uint64_t size;   /* bytes */
	union {
		uint8_t *ptr;
		uint64_t io_offset; /* of the first byte */
	};
	struct uvf_window *window; /* holds one reference; NULL: our own */
	struct uvf_mem_io *io;     /* owned; NULL: mapped here */
};

/* Immutable from uvf_mem_create() on, but for ref. */
struct uvf_mem {
	struct uvf_ref ref;
	uint32_t prot : 2;        /* UVF_PROT_* it was asked for */
	uint32_t is_whole : 1;    /* one span covers all: @whole */
	uint32_t span_count : 29; /* else: of @spans, ascending */
	struct uvf_mm *mm;        /* holds one reference */
	uint64_t vaddr;           /* client address of the first byte */
	uint64_t size;            /* bytes; 0 stands for all of the 2^64 */
	union {
		struct uvf_mem_span *spans; /* gaps go through mm */
		struct {
			uint8_t *ptr;
			struct uvf_window *window; /* as in a span */
		} whole;
	};
};

/**
 * uvf_mem_create() - get hold of client memory for DMA
 * @ret_mem: written on success; the caller owns one reference
 * @mm:      whose memory; the memory takes a reference of its own
 * @vaddr:   client addresses
 * @prot:    UVF_PROT_*, as the device will use it, and UVF_MEM_NO_DEVICE
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOMEM  out of memory
 *   -EFAULT  an address is not mapped, or not for this use
 */
int uvf_mem_create(struct uvf_mem **ret_mem, struct uvf_mm *mm,
		   struct uvf_range vaddr, uint32_t prot);

/**
 * uvf_mem_create_unseen() - the same without a look at what is there
 * All copies go through the address space, and fault where nothing is.
 * Return: 0 or -ENOMEM.
 */
int uvf_mem_create_unseen(struct uvf_mem **ret_mem, struct uvf_mm *mm,
			  struct uvf_range vaddr, uint32_t prot);
struct uvf_mem *uvf_mem_get(struct uvf_mem *mem);
void uvf_mem_put(struct uvf_mem *mem); /* takes NULL */

/**
 * uvf_mem_add_span() - tell memory which part of it is mapped here
 * For struct uvf_mm_ops::map() only, in ascending order.
 * Return: 0 or -ENOMEM; then the caller still owns window and io.
 */
int uvf_mem_add_span(struct uvf_mem *mem, const struct uvf_mem_span *span);

/** uvf_mem_at() - where a part of the memory is mapped here, or NULL */
uint8_t *uvf_mem_at(const struct uvf_mem *mem, uint64_t offset, uint64_t size);

/** uvf_mem_direct() - all of the memory as one run of bytes, or NULL */
uint8_t *uvf_mem_direct(const struct uvf_mem *mem);

/* Pages of it that are memory of the system, which an IOMMU would pin. */
uint64_t uvf_mem_pinned_pages(const struct uvf_mem *mem);
uint64_t uvf_mem_pinned_pages_in(const struct uvf_mem *mem, uint64_t offset,
				 uint64_t size);

/* Whether it stays what it is, whatever the client does to its addresses. */
bool uvf_mem_is_held(const struct uvf_mem *mem);

/**
 * uvf_mem_read() - copy client memory to @buf
 * uvf_mem_write() - copy @buf to client memory
 * @offset: bytes from the start of @mem
 *
 * Aligned pieces of 2, 4 and 8 bytes are never torn.  A part of the memory
 * that is gone since it was mapped (unmapped, truncated) is no crash.
 *
 * Return: 0 or -EFAULT; then a leading part may have been copied.
 */
int uvf_mem_read(struct uvf_mem *mem, uint64_t offset, void *buf, size_t len);
int uvf_mem_write(struct uvf_mem *mem, uint64_t offset, const void *buf,
		  size_t len);

#endif /* UVF_MEM_MEM_H */
