/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "base/pool.h"
#include "mem/copy.h"
#include "mem/window.h"

#define PAGE_BYTES 4096u

/* All memory; its lock is a leaf. */
static struct uvf_mutex pool_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct uvf_pool pool = UVF_POOL_INIT(sizeof(struct uvf_mem));

struct uvf_mm *uvf_mm_get(struct uvf_mm *mm)
{
	uvf_ref_get(&mm->ref);
	return mm;
}

void uvf_mm_put(struct uvf_mm *mm)
{
	if (mm && uvf_ref_put(&mm->ref))
		mm->ops->destroy(mm);
}

uint64_t uvf_mm_page_size(struct uvf_mm *mm, struct uvf_range vaddr)
{
	return mm->ops->page_size ? mm->ops->page_size(mm, vaddr) : PAGE_BYTES;
}

uint64_t uvf_mm_unwritten_pages(struct uvf_mm *mm, struct uvf_range vaddr)
{
	return mm->ops->unwritten_pages ? mm->ops->unwritten_pages(mm, vaddr)
					: 0;
}

int uvf_mem_create_unseen(struct uvf_mem **ret_mem, struct uvf_mm *mm,
			  struct uvf_range vaddr, uint32_t prot)
{
	struct uvf_mem *mem;

	uvf_lock(&pool_lock);
	mem = uvf_pool_zalloc(&pool);
	uvf_unlock(&pool_lock);
	if (!mem)
		return -ENOMEM;
	uvf_ref_init(&mem->ref);
	mem->mm = uvf_mm_get(mm);
	mem->vaddr = vaddr.first;
	mem->size = uvf_range_size(vaddr);
	mem->prot = prot & UVF_PROT_ALL;
	*ret_mem = mem;
	return 0;
}

int uvf_mem_create(struct uvf_mem **ret_mem, struct uvf_mm *mm,
		   struct uvf_range vaddr, uint32_t prot)
{
	struct uvf_mem *mem;
	int ret = uvf_mem_create_unseen(&mem, mm, vaddr, prot);

	if (ret)
		return ret;
	ret = mm->ops->map(mm, vaddr, prot, mem);
	if (ret) {
		uvf_mem_put(mem);
		return ret;
	}
	*ret_mem = mem;
	return 0;
}

struct uvf_mem *uvf_mem_get(struct uvf_mem *mem)
{
	uvf_ref_get(&mem->ref);
	return mem;
}

static void put_windows(struct uvf_mem *mem)
{
	if (mem->is_whole) {
		uvf_window_put(mem->whole.window);
		return;
	}
	for (size_t i = 0; i < mem->span_count; i++) {
		struct uvf_mem_io *io = mem->spans[i].io;

		uvf_window_put(mem->spans[i].window);
		if (io)
			io->ops->destroy(io);
	}
	uvf_free(mem->spans);
}

void uvf_mem_put(struct uvf_mem *mem)
{
	struct uvf_mm *mm;

	if (!mem || !uvf_ref_put(&mem->ref))
		return;
	mm = mem->mm;
	put_windows(mem);
	uvf_lock(&pool_lock);
	uvf_pool_free(&pool, mem);
	uvf_unlock(&pool_lock);
	/* Last: the windows belonged to it. */
	uvf_mm_put(mm);
}

int uvf_mem_add_span(struct uvf_mem *mem, const struct uvf_mem_span *span)
{
	size_t count = mem->span_count;
	struct uvf_mem_span *spans;

	if (!span->offset && span->size == mem->size && !span->io) {
		mem->is_whole = true;
		mem->whole.ptr = span->ptr;
		mem->whole.window = span->window;
		return 0;
	}
	/* There is room for a power of two. */
	if (!(count & (count - 1))) {
		spans = uvf_calloc(count ? 2 * count : 1, sizeof(*spans));
		if (!spans)
			return -ENOMEM;
		if (count)
			memcpy(spans, mem->spans, count * sizeof(*spans));
		uvf_free(mem->spans);
		mem->spans = spans;
	}
	mem->spans[mem->span_count++] = *span;
	return 0;
}

/* Bytes of a span that lie in a part of the memory. */
static uint64_t meets(const struct uvf_mem_span *span, uint64_t offset,
		      uint64_t size)
{
	uint64_t first = span->offset > offset ? span->offset : offset;
	uint64_t end = span->offset + span->size < offset + size
			       ? span->offset + span->size
			       : offset + size;

	return end > first ? end - first : 0;
}

uint64_t uvf_mem_pinned_pages_in(const struct uvf_mem *mem, uint64_t offset,
				 uint64_t size)
{
	uint64_t left = size;

	for (size_t i = 0; !mem->is_whole && i < mem->span_count; i++)
		if (mem->spans[i].io)
			left -= meets(&mem->spans[i], offset, size);
	return left / PAGE_BYTES;
}

uint64_t uvf_mem_pinned_pages(const struct uvf_mem *mem)
{
	return uvf_mem_pinned_pages_in(mem, 0, mem->size);
}

uint8_t *uvf_mem_direct(const struct uvf_mem *mem)
{
	return mem->is_whole ? mem->whole.ptr : NULL;
}

bool uvf_mem_is_held(const struct uvf_mem *mem)
{
	uint64_t offset = 0;

	if (mem->is_whole)
		return mem->whole.window;
	for (size_t i = 0; i < mem->span_count; i++) {
		if (!mem->spans[i].window || mem->spans[i].offset != offset)
			return false;
		offset += mem->spans[i].size;
	}
	return mem->span_count && offset == mem->size;
}

/* How many spans start at @offset or before. */
static size_t count_before(const struct uvf_mem *mem, uint64_t offset)
{
	size_t low = 0;
	size_t high = mem->span_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mem->spans[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint8_t *uvf_mem_at(const struct uvf_mem *mem, uint64_t offset, uint64_t size)
{
	const struct uvf_mem_span *span;
	size_t next;

	if (mem->is_whole)
		return mem->whole.ptr + offset;
	next = count_before(mem, offset);
	if (!next)
		return NULL;
	span = &mem->spans[next - 1];
	if (span->io || offset - span->offset >= span->size ||
	    size > span->size - (offset - span->offset))
		return NULL;
	return span->ptr + (offset - span->offset);
}

/* Copy through the address space, one way or the other. */
static int copy_by_mm(struct uvf_mem *mem, uint64_t offset, uint8_t *buf,
		      size_t len, bool is_write)
{
	const struct uvf_mm_ops *ops = mem->mm->ops;

	if (is_write)
		return (ops->dma_write ? ops->dma_write : ops->write)(
			mem->mm, mem->vaddr + offset, buf, len);
	return (ops->dma_read ? ops->dma_read : ops->read)(
		mem->mm, mem->vaddr + offset, buf, len);
}

/* Through a device, by accesses as wide as may be. */
static int copy_by_io(struct uvf_mem_io *io, uint64_t offset, uint8_t *buf,
		      size_t len, bool is_write)
{
	int ret = 0;

	while (len && !ret) {
		size_t size = 8;

		while (size > len || offset % size)
			size /= 2;
		ret = io->ops->access(io, offset, buf, size, is_write);
		offset += size;
		buf += size;
		len -= size;
	}
	return ret;
}

/* Of one span, @offset bytes behind its start. */
static int copy_by_span(const struct uvf_mem_span *span, uint64_t offset,
			uint8_t *buf, size_t len, bool is_write)
{
	if (span->io)
		return copy_by_io(span->io, span->io_offset + offset, buf, len,
				  is_write);
	return is_write ? uvf_copy_to(span->ptr + offset, buf, len)
			: uvf_copy_from(buf, span->ptr + offset, len);
}

static int transfer(struct uvf_mem *mem, uint64_t offset, uint8_t *buf,
		    size_t len, bool is_write)
{
	size_t next = count_before(mem, offset);

	while (len) {
		const struct uvf_mem_span *span =
			next ? &mem->spans[next - 1] : NULL;
		uint64_t piece = len;
		int ret;

		if (span && offset - span->offset < span->size) {
			uint64_t behind = offset - span->offset;

			if (piece > span->size - behind)
				piece = span->size - behind;
			ret = copy_by_span(span, behind, buf, piece, is_write);
		} else {
			if (next < mem->span_count &&
			    piece > mem->spans[next].offset - offset)
				piece = mem->spans[next].offset - offset;
			ret = copy_by_mm(mem, offset, buf, piece, is_write);
		}
		if (ret)
			return ret;
		offset += piece;
		buf += piece;
		len -= piece;
		if (next < mem->span_count && offset == mem->spans[next].offset)
			next++;
	}
	return 0;
}

/* Whether the bytes lie inside; a size of 0 is all of the 2^64. */
static bool is_inside(const struct uvf_mem *mem, uint64_t offset, size_t len)
{
	return !len ||
	       (offset <= mem->size - 1 && len - 1 <= mem->size - 1 - offset);
}

int uvf_mem_read(struct uvf_mem *mem, uint64_t offset, void *buf, size_t len)
{
	uint8_t *ptr = uvf_mem_direct(mem);

	if (!is_inside(mem, offset, len))
		return -EFAULT;
	if (ptr)
		return uvf_copy_from(buf, ptr + offset, len);
	return transfer(mem, offset, buf, len, false);
}

int uvf_mem_write(struct uvf_mem *mem, uint64_t offset, const void *buf,
		  size_t len)
{
	uint8_t *ptr = uvf_mem_direct(mem);

	if (!is_inside(mem, offset, len))
		return -EFAULT;
	if (ptr)
		return uvf_copy_to(ptr + offset, buf, len);
	return transfer(mem, offset, (uint8_t *)(uintptr_t)buf, len, true);
}
