/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the ports, behind a header.  Before the device stops there is
 * the header alone.
 *
 * A stream may come from anywhere.  The kernel's example takes places in the
 * FIFO as they come; what lies beyond it is refused here.
 */
#include <errno.h>
#include <string.h>

#include "mtty.h"

#define MAGIC  0x7e9d09898c3e2c4eull
#define MAJOR  1u
#define HEADER offsetof(struct mtty_stream, port)

_Static_assert(sizeof(struct mtty_port) == 36, "layout of a stream");
_Static_assert(offsetof(struct mtty_stream, port) == 24, "layout of a stream");

static struct mtty *mtty_of(struct uvfio_vfio_device *device)
{
	return uvfio_device_data(device);
}

static size_t full_size(const struct mtty *mtty)
{
	return HEADER + mtty->ports * sizeof(struct mtty_port);
}

static void begin_saving(struct mtty *mtty)
{
	mtty->stream = (struct mtty_stream){
		.magic = MAGIC,
		.major = MAJOR,
		.ports = mtty->ports,
	};
	mtty->stream_size = HEADER;
	mtty->stream_at = 0;
}

static void save_ports(struct mtty *mtty)
{
	memcpy(mtty->stream.port, mtty->port,
	       mtty->ports * sizeof(struct mtty_port));
	mtty->stream_size = full_size(mtty);
}

static bool can_be(const struct mtty_port *port)
{
	return port->head < MTTY_FIFO_SIZE && port->tail < MTTY_FIFO_SIZE &&
	       port->count <= MTTY_FIFO_SIZE && port->room <= MTTY_FIFO_SIZE;
}

static int load_ports(struct mtty *mtty)
{
	if (mtty->stream_size < full_size(mtty))
		return -EINVAL;
	for (unsigned int i = 0; i < mtty->ports; i++)
		if (!can_be(&mtty->stream.port[i]))
			return -EINVAL;
	memcpy(mtty->port, mtty->stream.port,
	       mtty->ports * sizeof(struct mtty_port));
	return 0;
}

static bool is_saving(enum uvfio_migration_state state)
{
	return state == UVFIO_MIGRATION_STOP_COPY ||
	       state == UVFIO_MIGRATION_PRE_COPY ||
	       state == UVFIO_MIGRATION_PRE_COPY_P2P;
}

/* It does nothing by itself, so that it need not be stopped. */
static int mtty_step(struct uvfio_vfio_device *device,
		     enum uvfio_migration_state from,
		     enum uvfio_migration_state to)
{
	struct mtty *mtty = mtty_of(device);
	int ret = 0;

	pthread_mutex_lock(&mtty->lock);
	if (is_saving(to) && !is_saving(from))
		begin_saving(mtty);
	if (to == UVFIO_MIGRATION_STOP_COPY)
		save_ports(mtty);
	else if (to == UVFIO_MIGRATION_RESUMING)
		mtty->stream_size = 0;
	else if (from == UVFIO_MIGRATION_RESUMING)
		ret = load_ports(mtty);
	pthread_mutex_unlock(&mtty->lock);
	return ret;
}

static ssize_t mtty_save(struct uvfio_vfio_device *device, void *buf,
			 size_t len)
{
	struct mtty *mtty = mtty_of(device);

	pthread_mutex_lock(&mtty->lock);
	if (len > mtty->stream_size - mtty->stream_at)
		len = mtty->stream_size - mtty->stream_at;
	memcpy(buf, (const uint8_t *)&mtty->stream + mtty->stream_at, len);
	mtty->stream_at += len;
	pthread_mutex_unlock(&mtty->lock);
	return (ssize_t)len;
}

static bool has_our_header(const struct mtty *mtty)
{
	const struct mtty_stream *stream = &mtty->stream;

	return stream->magic == MAGIC && stream->major == MAJOR &&
	       !stream->minor && !stream->flags && stream->ports == mtty->ports;
}

/* -EFAULT: as the kernel's example says of a header that is not its own. */
static int take(struct mtty *mtty, const void *buf, size_t len)
{
	bool had_header = mtty->stream_size >= HEADER;

	if (len > full_size(mtty) - mtty->stream_size)
		return -ENOMEM;
	memcpy((uint8_t *)&mtty->stream + mtty->stream_size, buf, len);
	mtty->stream_size += len;
	if (had_header || mtty->stream_size < HEADER || has_our_header(mtty))
		return 0;
	return -EFAULT;
}

static int mtty_load(struct uvfio_vfio_device *device, const void *buf,
		     size_t len)
{
	struct mtty *mtty = mtty_of(device);
	int ret;

	pthread_mutex_lock(&mtty->lock);
	ret = take(mtty, buf, len);
	pthread_mutex_unlock(&mtty->lock);
	return ret;
}

static uint64_t mtty_data_size(struct uvfio_vfio_device *device)
{
	return full_size(mtty_of(device));
}

static void mtty_precopy_left(struct uvfio_vfio_device *device,
			      uint64_t *ret_initial, uint64_t *ret_dirty)
{
	struct mtty *mtty = mtty_of(device);

	pthread_mutex_lock(&mtty->lock);
	*ret_initial = mtty->stream_size - mtty->stream_at;
	*ret_dirty = 0;
	pthread_mutex_unlock(&mtty->lock);
}

const struct uvfio_vfio_migration_ops mtty_migration_ops = {
	.flags = 7, /* STOP_COPY, P2P, PRE_COPY */
	.step = mtty_step,
	.save = mtty_save,
	.load = mtty_load,
	.data_size = mtty_data_size,
	.precopy_left = mtty_precopy_left,
	.has_plain_end = true,
	.has_empty_log = true,
	.is_sample = true,
};
