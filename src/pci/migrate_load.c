/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stream comes in pieces of any size.  Its chunks are checked and kept; the
 * device is touched only when all of it is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <uvfio/migration.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "base/log.h"
#include "pci/migrate.h"
#include "pci/migrate_walk.h"

/* No line twice: what follows is refused as well. */
static int refuse(struct uvf_migrate *migrate, const char *why)
{
	migrate->is_broken = true;
	uvf_log(UVF_LOG_WARNING, "%s: the state to load is refused: %s",
		migrate->pci->bus.name, why);
	return -EINVAL;
}

static int check_header(struct uvf_migrate *migrate)
{
	const struct uvf_migrate_header *header = &migrate->header;
	const char *name = migrate->pci->desc->name;

	if (header->magic != UVF_MIGRATE_MAGIC)
		return refuse(migrate, "it is no state of a device");
	if (header->format != UVF_MIGRATE_FORMAT)
		return refuse(migrate, "it is of a newer uvfio");
	if (strncmp(header->model, name, sizeof(header->model)) != 0)
		return refuse(migrate, "it is of another model");
	if (header->version > migrate->ops->version)
		return refuse(migrate, "it is of a newer version of the model");
	if (header->version < migrate->ops->oldest)
		return refuse(migrate, "it is of a version that is too old");
	migrate->has_header = true;
	return 0;
}

static struct uvf_migrate_part *find(struct uvf_migrate *migrate, uint32_t id)
{
	for (unsigned int i = 0; i < migrate->count; i++)
		if (migrate->parts[i].id == id)
			return &migrate->parts[i];
	return NULL;
}

static int end_of_stream(struct uvf_migrate *migrate)
{
	if (migrate->chunk.crc || migrate->chunk.zero ||
	    migrate->chunk.size != migrate->chunks)
		return refuse(migrate, "chunks of it are missing");
	migrate->has_end = true;
	return 0;
}

static int begin_chunk(struct uvf_migrate *migrate)
{
	const struct uvf_migrate_chunk *chunk = &migrate->chunk;

	if (chunk->id == UVF_MIGRATE_END)
		return end_of_stream(migrate);
	migrate->into = find(migrate, chunk->id);
	if (!migrate->into || chunk->size > migrate->into->max || chunk->zero)
		return refuse(migrate, "it has a chunk that the model has not");
	/* Of the largest size, so that no two sizes are told apart by it. */
	migrate->body = uvf_zalloc(migrate->into->max);
	if (!migrate->body)
		return -ENOMEM;
	migrate->has_chunk = true;
	return 0;
}

static int end_chunk(struct uvf_migrate *migrate)
{
	struct uvf_migrate_part *part = migrate->into;

	if (uvf_crc32(migrate->body, migrate->chunk.size) != migrate->chunk.crc)
		return refuse(migrate, "it is damaged");
	uvf_free(part->data);
	part->data = migrate->body;
	part->size = migrate->chunk.size;
	migrate->body = NULL;
	migrate->into = NULL;
	migrate->has_chunk = false;
	migrate->chunks++;
	return 0;
}

/* Up to @size bytes of what comes next; *ret_done: all of it is there. */
static size_t gather(struct uvf_migrate *migrate, void *into, size_t size,
		     const uint8_t *buf, size_t len, bool *ret_done)
{
	if (len > size - migrate->in_at)
		len = size - migrate->in_at;
	memcpy((uint8_t *)into + migrate->in_at, buf, len);
	migrate->in_at += len;
	*ret_done = migrate->in_at == size;
	if (*ret_done)
		migrate->in_at = 0;
	return len;
}

/* A header, a chunk's header or a chunk's bytes, as far as they came. */
static int take(struct uvf_migrate *migrate, const uint8_t *buf, size_t len,
		size_t *ret_taken)
{
	bool is_done;

	if (!migrate->has_header) {
		*ret_taken =
			gather(migrate, &migrate->header,
			       sizeof(migrate->header), buf, len, &is_done);
		return is_done ? check_header(migrate) : 0;
	}
	if (!migrate->has_chunk) {
		*ret_taken = gather(migrate, &migrate->chunk,
				    sizeof(migrate->chunk), buf, len, &is_done);
		if (!is_done)
			return 0;
		int ret = begin_chunk(migrate);

		if (ret || !migrate->has_chunk || migrate->chunk.size)
			return ret;
		return end_chunk(migrate);
	}
	*ret_taken = gather(migrate, migrate->body, migrate->chunk.size, buf,
			    len, &is_done);
	return is_done ? end_chunk(migrate) : 0;
}

int uvf_migrate_load(struct uvf_migrate *migrate, const void *buf, size_t len)
{
	const uint8_t *bytes = buf;
	int ret = migrate->is_broken ? -EINVAL : 0;

	while (!ret && len) {
		size_t taken = 0;

		if (migrate->has_end)
			return -ENOMEM;
		ret = take(migrate, bytes, len, &taken);
		bytes += taken;
		len -= taken;
	}
	/* What came is not kept to be tried again. */
	if (ret)
		migrate->is_broken = true;
	return ret;
}

static bool is_complete(const struct uvf_migrate *migrate)
{
	for (unsigned int i = 0; i < migrate->count; i++)
		if (!migrate->parts[i].data)
			return false;
	return migrate->has_end;
}

static bool load_part_locked(struct uvf_pci *pci,
			     const struct uvf_migrate_part *part)
	UVF_REQUIRES(pci->model.lock)
{
	struct uvfio_state state = {
		.data = part->data,
		.size = part->size,
		.version = pci->migrate->header.version,
		.is_loading = true,
	};

	uvf_migrate_walk_locked(pci, part->id, &state);
	return !state.is_bad && state.at == state.size;
}

/* All or nothing: what was half loaded is as after a reset. */
static int load_all_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock)
{
	struct uvf_migrate *migrate = pci->migrate;
	struct uvfio_dev *dev = &pci->model;
	bool is_fine = true;

	for (unsigned int i = 0; is_fine && i < migrate->count; i++)
		is_fine = load_part_locked(pci, &migrate->parts[i]);
	if (is_fine && migrate->ops->loaded)
		is_fine = !migrate->ops->loaded(dev);
	if (is_fine)
		return 0;
	migrate->has_loaded_bus = false;
	memset(dev->deadlines, 0, sizeof(dev->deadlines));
	if (dev->ops->reset)
		dev->ops->reset(dev, UVFIO_RESET_IOCTL);
	return -EIO;
}

int uvf_migrate_commit(struct uvf_migrate *migrate)
{
	struct uvf_pci *pci = migrate->pci;
	int ret = 0;

	if (!is_complete(migrate))
		return migrate->is_broken
			       ? -EINVAL
			       : refuse(migrate, "its end is missing");
	uvf_lock(&pci->model.lock);
	if (!uvf_migration_was_reset(migrate->migration))
		ret = load_all_locked(pci);
	uvf_unlock(&pci->model.lock);
	if (ret)
		(void)refuse(migrate, "the model cannot be in it");
	return ret;
}
