/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <uvfio/migration.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "pci/migrate.h"
#include "pci/migrate_walk.h"

/* Room for @size more bytes behind what is out. */
static uint8_t *extend(struct uvf_migrate *migrate, size_t size)
{
	size_t need = migrate->out_size + size;
	size_t room = migrate->out_room ? migrate->out_room : 4096;
	uint8_t *out;

	while (room < need)
		room *= 2;
	if (room != migrate->out_room) {
		out = uvf_realloc(migrate->out, room);
		if (!out)
			return NULL;
		migrate->out = out;
		migrate->out_room = room;
	}
	out = migrate->out + migrate->out_size;
	migrate->out_size = need;
	return out;
}

/* What a part is now, in work; bytes, SIZE_MAX: more than it may be. */
static size_t look_locked(struct uvf_pci *pci,
			  const struct uvf_migrate_part *part)
	UVF_REQUIRES(pci->model.lock)
{
	struct uvf_migrate *migrate = pci->migrate;
	struct uvfio_state state = {
		.data = migrate->work,
		.size = part->max,
		.version = migrate->ops->version,
	};

	uvf_migrate_walk_locked(pci, part->id, &state);
	return state.is_bad ? SIZE_MAX : state.at;
}

static bool is_same(const struct uvf_migrate *migrate,
		    const struct uvf_migrate_part *part, size_t size)
{
	return part->data && part->size == size &&
	       !memcmp(part->data, migrate->work, size);
}

/* Put what is in work out, and remember it. */
static int send(struct uvf_migrate *migrate, struct uvf_migrate_part *part,
		size_t size)
{
	struct uvf_migrate_chunk chunk = {
		.id = part->id,
		.size = (uint32_t)size,
		.crc = uvf_crc32(migrate->work, size),
	};
	uint8_t *out;

	if (!part->data)
		part->data = uvf_zalloc(part->max);
	out = part->data ? extend(migrate, sizeof(chunk) + size) : NULL;
	if (!out)
		return -ENOMEM;
	memcpy(out, &chunk, sizeof(chunk));
	memcpy(out + sizeof(chunk), migrate->work, size);
	memcpy(part->data, migrate->work, size);
	part->size = size;
	migrate->chunks++;
	return 0;
}

/* Parts that are not as they were sent; the bus's is the last of all. */
static int send_changed(struct uvf_migrate *migrate, bool is_stopped)
{
	struct uvf_pci *pci = migrate->pci;
	unsigned int count = migrate->count - (is_stopped ? 0 : 1);
	int ret = 0;

	uvf_lock(&pci->model.lock);
	for (unsigned int i = 0; !ret && i < count; i++) {
		struct uvf_migrate_part *part = &migrate->parts[i];
		size_t size = look_locked(pci, part);

		if (size == SIZE_MAX)
			ret = -EFBIG;
		else if (!is_same(migrate, part, size))
			ret = send(migrate, part, size);
	}
	uvf_unlock(&pci->model.lock);
	return ret;
}

static int send_end(struct uvf_migrate *migrate)
{
	const struct uvf_migrate_chunk end = {
		.id = UVF_MIGRATE_END,
		.size = migrate->chunks,
	};
	uint8_t *out = extend(migrate, sizeof(end));

	if (!out)
		return -ENOMEM;
	memcpy(out, &end, sizeof(end));
	migrate->has_end_out = true;
	return 0;
}

void uvf_migrate_forget(struct uvf_migrate *migrate)
{
	for (unsigned int i = 0; i < migrate->count; i++) {
		uvf_free(migrate->parts[i].data);
		migrate->parts[i].data = NULL;
		migrate->parts[i].size = 0;
	}
	uvf_free(migrate->out);
	migrate->out = NULL;
	migrate->out_size = 0;
	migrate->out_at = 0;
	migrate->out_room = 0;
	migrate->chunks = 0;
	migrate->has_end_out = false;
	uvf_free(migrate->body);
	migrate->body = NULL;
	migrate->into = NULL;
	migrate->in_at = 0;
	migrate->has_header = false;
	migrate->has_chunk = false;
	migrate->has_end = false;
	migrate->is_broken = false;
}

static int send_header(struct uvf_migrate *migrate)
{
	struct uvf_migrate_header header = {
		.magic = UVF_MIGRATE_MAGIC,
		.format = UVF_MIGRATE_FORMAT,
		.version = migrate->ops->version,
	};
	uint8_t *out = extend(migrate, sizeof(header));

	if (!out)
		return -ENOMEM;
	strncpy(header.model, migrate->pci->desc->name,
		sizeof(header.model) - 1);
	memcpy(out, &header, sizeof(header));
	return 0;
}

int uvf_migrate_save_begin(struct uvf_migrate *migrate, bool is_stopped)
{
	int ret;

	uvf_migrate_forget(migrate);
	migrate->is_initial = true;
	migrate->was_told_end = false;
	ret = send_header(migrate);
	if (!ret)
		ret = send_changed(migrate, is_stopped);
	if (!ret && is_stopped)
		ret = send_end(migrate);
	if (ret)
		uvf_migrate_forget(migrate);
	return ret;
}

int uvf_migrate_save_end(struct uvf_migrate *migrate)
{
	const size_t size = migrate->out_size;
	const uint32_t chunks = migrate->chunks;
	int ret = send_changed(migrate, true);

	if (!ret)
		ret = send_end(migrate);
	if (ret) {
		/* What was not sent must not be taken for sent. */
		migrate->out_size = size;
		migrate->chunks = chunks;
		for (unsigned int i = 0; i < migrate->count; i++)
			migrate->parts[i].size = SIZE_MAX - 1;
	}
	return ret;
}

/*
 * While the device runs, what changed comes after who reads was told once
 * that there is no more, so that a reader that wants all comes to an end.
 */
ssize_t uvf_migrate_save(struct uvf_migrate *migrate, void *buf, size_t len)
{
	size_t left = migrate->out_size - migrate->out_at;
	int ret;

	if (!left && !migrate->has_end_out && migrate->was_told_end) {
		migrate->out_size = 0;
		migrate->out_at = 0;
		ret = send_changed(migrate, false);
		if (ret)
			return ret;
		left = migrate->out_size;
		migrate->is_initial = false;
	}
	migrate->was_told_end = !left;
	if (len > left)
		len = left;
	if (len)
		memcpy(buf, migrate->out + migrate->out_at, len);
	migrate->out_at += len;
	return (ssize_t)len;
}

/* Bytes that a walk over all parts would send now. */
static uint64_t count_changed(struct uvf_migrate *migrate, bool is_stopped)
{
	struct uvf_pci *pci = migrate->pci;
	unsigned int count = migrate->count - (is_stopped ? 0 : 1);
	uint64_t bytes = 0;

	uvf_lock(&pci->model.lock);
	for (unsigned int i = 0; i < count; i++) {
		struct uvf_migrate_part *part = &migrate->parts[i];
		size_t size = look_locked(pci, part);

		if (size != SIZE_MAX && !is_same(migrate, part, size))
			bytes += sizeof(struct uvf_migrate_chunk) + size;
	}
	uvf_unlock(&pci->model.lock);
	return bytes;
}

uint64_t uvf_migrate_data_size(struct uvf_migrate *migrate)
{
	uint64_t left = migrate->out_size - migrate->out_at;

	if (migrate->has_end_out)
		return left;
	if (!migrate->out)
		left += sizeof(struct uvf_migrate_header);
	return left + count_changed(migrate, true) +
	       sizeof(struct uvf_migrate_chunk);
}

void uvf_migrate_left(struct uvf_migrate *migrate, uint64_t *ret_initial,
		      uint64_t *ret_dirty)
{
	uint64_t left = migrate->out_size - migrate->out_at;

	*ret_initial = migrate->is_initial ? left : 0;
	*ret_dirty = (migrate->is_initial ? 0 : left) +
		     count_changed(migrate, false);
}
