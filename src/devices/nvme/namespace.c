/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Namespaces: equal parts of the image, each with blocks of a size that
 * Format NVM can change, and the blocks that were made uncorrectable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#include "image.h"
#include "nvme.h"

#define EXTENTS_MAX (1u << 20)

struct nvme_namespace *nvme_namespace_find(struct nvme_controller *nvme,
					   uint32_t id)
{
	if (!id || id > nvme->namespace_count)
		return NULL;
	return &nvme->namespaces[id - 1];
}

void nvme_namespace_format(struct nvme_namespace *ns, uint8_t format)
{
	ns->format = format;
	ns->blocks = ns->size >> nvme_block_shift(ns);
	ns->bad_count = 0;
}

/* Tells the namespaces of all controllers and serial numbers apart. */
static void make_guid(const struct nvme_controller *nvme,
		      struct nvme_namespace *ns)
{
	const char *parts[] = {nvme->serial, uvfio_dev_name(nvme->dev)};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < 2; i++)
		for (const char *c = parts[i]; *c; c++)
			hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	/* An identifier of no vendor: the second bit says local. */
	ns->guid[0] = 0x02;
	memcpy(ns->guid + 4, &hash, sizeof(hash));
	ns->guid[14] = (uint8_t)(ns->id >> 8);
	ns->guid[15] = (uint8_t)ns->id;
}

int nvme_namespaces_create(struct nvme_controller *nvme, uint32_t count,
			   uint8_t format)
{
	const uint64_t size = nvme->image->size / count;

	nvme->namespaces = calloc(count, sizeof(*nvme->namespaces));
	if (!nvme->namespaces)
		return -ENOMEM;
	nvme->namespace_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct nvme_namespace *ns = &nvme->namespaces[i];

		ns->id = i + 1;
		ns->offset = size * i;
		ns->size = size;
		make_guid(nvme, ns);
		nvme_namespace_format(ns, format);
	}
	return 0;
}

void nvme_namespaces_destroy(struct nvme_controller *nvme)
{
	for (uint32_t i = 0; i < nvme->namespace_count; i++)
		free(nvme->namespaces[i].bad);
	free(nvme->namespaces);
	nvme->namespaces = NULL;
	nvme->namespace_count = 0;
}

/* The first extent that ends at a block or behind it. */
static uint32_t lower_bound(const struct nvme_namespace *ns, uint64_t block)
{
	uint32_t low = 0, high = ns->bad_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ns->bad[middle].last < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool nvme_is_bad(const struct nvme_namespace *ns, uint64_t first, uint64_t last)
{
	uint32_t i = lower_bound(ns, first);

	return i < ns->bad_count && ns->bad[i].first <= last;
}

static int make_room(struct nvme_namespace *ns)
{
	uint32_t room = ns->bad_room ? ns->bad_room * 2 : 16;
	struct nvme_extent *bad;

	if (ns->bad_count < ns->bad_room)
		return 0;
	if (room > EXTENTS_MAX)
		return -ENOMEM;
	bad = calloc(room, sizeof(*bad));
	if (!bad)
		return -ENOMEM;
	if (ns->bad_count)
		memcpy(bad, ns->bad, ns->bad_count * sizeof(*bad));
	free(ns->bad);
	ns->bad = bad;
	ns->bad_room = room;
	return 0;
}

static void put_at(struct nvme_namespace *ns, uint32_t at,
		   struct nvme_extent extent)
{
	memmove(&ns->bad[at + 1], &ns->bad[at],
		(ns->bad_count - at) * sizeof(extent));
	ns->bad[at] = extent;
	ns->bad_count++;
}

int nvme_bad_remove(struct nvme_namespace *ns, uint64_t first, uint64_t last)
{
	uint32_t i = lower_bound(ns, first);
	uint32_t end;

	/* One in the middle of an extent makes two of it. */
	if (i < ns->bad_count && ns->bad[i].first < first &&
	    ns->bad[i].last > last) {
		struct nvme_extent behind = {last + 1, ns->bad[i].last};

		if (make_room(ns))
			return -ENOMEM;
		ns->bad[i].last = first - 1;
		put_at(ns, i + 1, behind);
		return 0;
	}
	if (i < ns->bad_count && ns->bad[i].first < first) {
		ns->bad[i].last = first - 1;
		i++;
	}
	for (end = i; end < ns->bad_count && ns->bad[end].last <= last; end++)
		;
	if (end < ns->bad_count && ns->bad[end].first <= last)
		ns->bad[end].first = last + 1;
	memmove(&ns->bad[i], &ns->bad[end],
		(ns->bad_count - end) * sizeof(*ns->bad));
	ns->bad_count -= end - i;
	return 0;
}

int nvme_bad_add(struct nvme_namespace *ns, uint64_t first, uint64_t last)
{
	/* Room for two: the one, and what the removal may split. */
	if (make_room(ns))
		return -ENOMEM;
	if (nvme_bad_remove(ns, first, last) || make_room(ns))
		return -ENOMEM;
	put_at(ns, lower_bound(ns, first), (struct nvme_extent){first, last});
	return 0;
}
