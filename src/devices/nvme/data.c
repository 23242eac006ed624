/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the data of a command is: PRP entries and lists, SGLs, and memory of
 * the controller itself.
 *
 * All of it comes from the host and is believed in nothing: lists are read
 * once, their lengths are bounded by that of the data, and so is the number of
 * lists.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#include "nvme.h"

#define LIST_CHUNK 64u /* entries of one DMA */
/* Descriptors of one SGL: more than any data needs that is not silly. */
#define SGL_MAX 4096u

static bool is_in_cmb(const struct nvme_controller *nvme, uint64_t address,
		      size_t size, uint64_t *ret_offset)
{
	uint64_t base = nvme->cmb_base;

	if (!(nvme->cmb_control & NVME_CMBMSC_CMSE) || address < base ||
	    address - base >= nvme->cmb_size ||
	    size > nvme->cmb_size - (address - base))
		return false;
	*ret_offset = address - base;
	return true;
}

int nvme_memory_read(struct nvme_controller *nvme, uint64_t address, void *buf,
		     size_t size)
{
	uint64_t offset;

	if (!is_in_cmb(nvme, address, size, &offset))
		return uvfio_dma_read(nvme->dev, address, buf, size);
	memcpy(buf, uvfio_mem(nvme->dev, NVME_CMB_BAR, offset), size);
	return 0;
}

int nvme_memory_write(struct nvme_controller *nvme, uint64_t address,
		      const void *buf, size_t size)
{
	uint64_t offset;

	if (!is_in_cmb(nvme, address, size, &offset))
		return uvfio_dma_write(nvme->dev, address, buf, size);
	memcpy(uvfio_mem(nvme->dev, NVME_CMB_BAR, offset), buf, size);
	return 0;
}

/* Room for one more segment. */
static int grow(struct nvme_request *request)
{
	uint32_t room = request->segment_room * 2;
	struct nvme_segment *segments;

	segments = calloc(room, sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	memcpy(segments, request->segments,
	       request->segment_count * sizeof(*segments));
	if (request->segments != request->first)
		free(request->segments);
	request->segments = segments;
	request->segment_room = room;
	return 0;
}

/* Put a piece behind the others; one that continues the last joins it. */
static uint16_t append(struct nvme_request *request, uint64_t address,
		       uint32_t size)
{
	struct nvme_segment *last;

	last = request->segment_count
		       ? &request->segments[request->segment_count - 1]
		       : NULL;
	if (last && address != NVME_NOWHERE && last->address != NVME_NOWHERE &&
	    last->address + last->size == address) {
		last->size += size;
		return NVME_OK;
	}
	if (request->segment_count == request->segment_room && grow(request))
		return NVME_INTERNAL;
	request->segments[request->segment_count++] =
		(struct nvme_segment){address, size};
	return NVME_OK;
}

/* What is left of a list of PRP entries. */
struct prp_list {
	uint64_t address;
	uint32_t hops; /* lists that may still be followed */
};

/* The pages behind the first, @left bytes of them, as a list has them. */
static uint16_t map_prp_list(struct nvme_controller *nvme,
			     struct nvme_request *request,
			     struct prp_list *list, uint32_t left)
{
	const uint32_t page = nvme->page;
	uint64_t entries[LIST_CHUNK];

	if (list->address % sizeof(entries[0]))
		return NVME_PRP_OFFSET;
	while (left) {
		uint32_t in_page = (uint32_t)((page - list->address % page) /
					      sizeof(entries[0]));
		uint32_t wanted = (left + page - 1) / page;
		uint32_t count = wanted < in_page ? wanted : in_page;
		bool is_last = false;

		if (count > LIST_CHUNK)
			count = LIST_CHUNK;
		/* The last entry of a page leads on if there is more. */
		is_last = count == in_page && wanted > in_page;
		if (nvme_memory_read(nvme, list->address, entries,
				     count * sizeof(entries[0])))
			return NVME_DATA_TRANSFER;
		for (uint32_t i = 0; i < count - is_last; i++) {
			uint32_t size = left < page ? left : page;
			uint16_t status;

			if (entries[i] % page)
				return NVME_PRP_OFFSET;
			status = append(request, entries[i], size);
			if (status)
				return status;
			left -= size;
		}
		list->address += count * sizeof(entries[0]);
		if (!is_last)
			continue;
		if (!list->hops-- || entries[count - 1] % sizeof(entries[0]))
			return NVME_PRP_OFFSET;
		list->address = entries[count - 1];
	}
	return NVME_OK;
}

static uint16_t map_prp(struct nvme_controller *nvme,
			struct nvme_request *request, uint32_t size)
{
	const struct nvme_command *command = &request->command;
	uint32_t offset = (uint32_t)(command->prp1 % nvme->page);
	uint32_t first = nvme->page - offset;
	uint32_t left;
	uint16_t status;

	if (command->prp1 % 4)
		return NVME_PRP_OFFSET;
	if (first > size)
		first = size;
	status = append(request, command->prp1, first);
	left = size - first;
	if (status || !left)
		return status;
	if (left <= nvme->page) {
		if (command->prp2 % nvme->page)
			return NVME_PRP_OFFSET;
		return append(request, command->prp2, left);
	}
	return map_prp_list(nvme, request,
			    &(struct prp_list){.address = command->prp2,
					       .hops = left / nvme->page + 1},
			    left);
}

/* What a walk along an SGL has left. */
struct sgl_walk {
	uint32_t left; /* bytes */
	uint32_t seen; /* descriptors */
	bool to_host;
	struct nvme_sgl next; /* the segment that follows, if any */
	bool has_next;
};

static uint16_t map_descriptor(struct nvme_request *request,
			       struct sgl_walk *walk,
			       const struct nvme_sgl *sgl)
{
	uint32_t size = sgl->length < walk->left ? sgl->length : walk->left;

	if (sgl->type & 0xf)
		return NVME_SGL_BAD_TYPE;
	switch (sgl->type >> 4) {
	case NVME_SGL_DATA:
		walk->left -= size;
		return size ? append(request, sgl->address, size) : NVME_OK;
	case NVME_SGL_BUCKET:
		if (!walk->to_host)
			return NVME_SGL_BAD_TYPE;
		walk->left -= size;
		return size ? append(request, NVME_NOWHERE, size) : NVME_OK;
	default:
		return NVME_SGL_BAD_TYPE;
	}
}

static bool is_segment(const struct nvme_sgl *sgl)
{
	return sgl->type >> 4 == NVME_SGL_SEGMENT ||
	       sgl->type >> 4 == NVME_SGL_LAST;
}

/* One segment: descriptors, the last of which may lead to another. */
static uint16_t map_segment(struct nvme_controller *nvme,
			    struct nvme_request *request, struct sgl_walk *walk)
{
	struct nvme_sgl segment = walk->next;
	bool is_last = segment.type >> 4 == NVME_SGL_LAST;
	uint32_t count = segment.length / sizeof(segment);
	struct nvme_sgl list[LIST_CHUNK];

	walk->has_next = false;
	if (segment.type & 0xf)
		return NVME_SGL_BAD_TYPE;
	if (!count || segment.length % sizeof(segment))
		return NVME_SGL_BAD_SEGMENT;
	if (count > SGL_MAX - walk->seen)
		return NVME_SGL_BAD_COUNT;
	walk->seen += count;
	for (uint32_t at = 0; at < count; at += LIST_CHUNK) {
		uint32_t some =
			count - at < LIST_CHUNK ? count - at : LIST_CHUNK;

		if (nvme_memory_read(nvme, segment.address + at * sizeof(*list),
				     list, some * sizeof(*list)))
			return NVME_DATA_TRANSFER;
		for (uint32_t i = 0; i < some; i++) {
			bool is_end = at + i + 1 == count;
			uint16_t status;

			if (is_segment(&list[i])) {
				if (!is_end || is_last)
					return NVME_SGL_BAD_SEGMENT;
				walk->next = list[i];
				walk->has_next = true;
				return NVME_OK;
			}
			status = map_descriptor(request, walk, &list[i]);
			if (status)
				return status;
		}
	}
	/* A segment that is not the last must lead on. */
	return is_last ? NVME_OK : NVME_SGL_BAD_SEGMENT;
}

static uint16_t map_sgl(struct nvme_controller *nvme,
			struct nvme_request *request, uint32_t size,
			bool to_host)
{
	struct sgl_walk walk = {.left = size, .to_host = to_host};
	uint16_t status = NVME_OK;

	memcpy(&walk.next, &request->command.prp1, sizeof(walk.next));
	walk.has_next = is_segment(&walk.next);
	if (!walk.has_next)
		status = map_descriptor(request, &walk, &walk.next);
	while (!status && walk.has_next)
		status = map_segment(nvme, request, &walk);
	if (!status && walk.left)
		status = NVME_SGL_BAD_LENGTH;
	return status;
}

uint16_t nvme_data_map(struct nvme_controller *nvme,
		       struct nvme_request *request, uint32_t size,
		       bool to_host)
{
	request->size = size;
	request->segment_count = 0;
	if (!size)
		return NVME_OK;
	switch (request->command.flags & NVME_FLAGS_PSDT) {
	case 0x00:
		return map_prp(nvme, request, size);
	case 0x40:
	case 0x80:
		/* Over PCI, commands of the admin queue have PRP entries. */
		if (!request->sq_id)
			return NVME_INVALID_FIELD;
		return map_sgl(nvme, request, size, to_host);
	default:
		return NVME_INVALID_FIELD;
	}
}

static uint16_t move(struct nvme_controller *nvme,
		     const struct nvme_request *request, uint32_t offset,
		     uint8_t *buf, uint32_t size, bool to_host)
{
	const struct nvme_segment *segment = request->segments;

	for (uint32_t i = 0; i < request->segment_count && size;
	     i++, segment++) {
		uint32_t some = segment->size;
		uint64_t address = segment->address;
		int ret = 0;

		if (offset >= some) {
			offset -= some;
			continue;
		}
		some -= offset;
		some = some < size ? some : size;
		if (address != NVME_NOWHERE && to_host)
			ret = nvme_memory_write(nvme, address + offset, buf,
						some);
		else if (address != NVME_NOWHERE)
			ret = nvme_memory_read(nvme, address + offset, buf,
					       some);
		if (ret)
			return NVME_DATA_TRANSFER;
		offset = 0;
		buf += some;
		size -= some;
	}
	return NVME_OK;
}

uint16_t nvme_data_to_host(struct nvme_controller *nvme,
			   const struct nvme_request *request, uint32_t offset,
			   const void *buf, uint32_t size)
{
	return move(nvme, request, offset, (uint8_t *)(uintptr_t)buf, size,
		    true);
}

uint16_t nvme_data_from_host(struct nvme_controller *nvme,
			     const struct nvme_request *request,
			     uint32_t offset, void *buf, uint32_t size)
{
	return move(nvme, request, offset, buf, size, false);
}

void nvme_answer(struct nvme_controller *nvme, struct nvme_request *request,
		 const void *data, uint32_t size)
{
	uint16_t status = nvme_data_map(nvme, request, size, true);

	if (!status)
		status = nvme_data_to_host(nvme, request, 0, data, size);
	nvme_complete(nvme, request, status);
}
