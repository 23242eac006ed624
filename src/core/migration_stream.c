/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file that the state of a device is read from or written to.
 *
 * It may outlive the stream, and the device: then it fails with ENODEV.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>

#include "base/alloc.h"
#include "core/file.h"
#include "core/migration_private.h"

/* In linux/vfio.h since 6.3. */
#define MIG_GET_PRECOPY_INFO _IO(';', 100 + 21)

struct precopy_info {
	uint32_t argsz;
	uint32_t flags;
	uint64_t initial_bytes;
	uint64_t dirty_bytes;
};

/* What one call of a driver moves at most. */
#define PIECE_MAX 4096u

struct uvf_mig_stream {
	struct uvf_migration *migration; /* one reference */
	bool is_saving;                  /* set once */
	bool is_over;                    /* under the migration's lock */
};

static bool is_before_stop(const struct uvf_migration *migration)
{
	return migration->state == UVF_MIG_PRE_COPY ||
	       migration->state == UVF_MIG_PRE_COPY_P2P;
}

/* The next bytes for the client, or what the end of the data means now. */
static ssize_t save_locked(struct uvf_migration *migration,
			   struct uvf_caller *caller, uint64_t addr, size_t len)
	UVF_REQUIRES(migration->lock)
{
	uint8_t piece[PIECE_MAX];
	size_t done = 0;

	while (done < len) {
		size_t want = len - done < PIECE_MAX ? len - done : PIECE_MAX;
		ssize_t got = migration->ops->save(migration->arg, piece, want);

		if (got < 0)
			return done ? (ssize_t)done : got;
		if (!got)
			break;
		if (uvf_copy_out(caller, addr + done, piece, (size_t)got))
			return -EFAULT;
		done += (size_t)got;
		/* Who has less has no more, now. */
		if ((size_t)got < want)
			break;
	}
	/* More may come as long as the device runs. */
	if (!done && len && is_before_stop(migration) &&
	    !migration->ops->has_plain_end)
		return -ENOMSG;
	return (ssize_t)done;
}

static ssize_t load_locked(struct uvf_migration *migration,
			   struct uvf_caller *caller, uint64_t addr, size_t len)
	UVF_REQUIRES(migration->lock)
{
	uint8_t piece[PIECE_MAX];
	size_t done = 0;

	while (done < len) {
		size_t have = len - done < PIECE_MAX ? len - done : PIECE_MAX;
		int ret = uvf_copy_in(caller, piece, addr + done, have);

		if (!ret)
			ret = migration->ops->load(migration->arg, piece, have);
		if (ret)
			return done ? (ssize_t)done : ret;
		done += have;
	}
	return (ssize_t)done;
}

static ssize_t stream_transfer(struct uvf_file *file, struct uvf_caller *caller,
			       uint64_t addr, size_t len, bool is_read)
{
	struct uvf_mig_stream *stream = file->object;
	struct uvf_migration *migration = stream->migration;
	ssize_t ret;

	if (stream->is_saving != is_read)
		return -EBADF;
	uvf_lock(&migration->lock);
	uvf_migration_settle_locked(migration);
	if (stream->is_over)
		ret = -ENODEV;
	else if (is_read)
		ret = save_locked(migration, caller, addr, len);
	else
		ret = load_locked(migration, caller, addr, len);
	uvf_unlock(&migration->lock);
	return ret;
}

static ssize_t stream_read(struct uvf_file *file, struct uvf_caller *caller,
			   uint64_t addr, size_t len, uint64_t pos)
{
	(void)pos;
	return stream_transfer(file, caller, addr, len, true);
}

static ssize_t stream_write(struct uvf_file *file, struct uvf_caller *caller,
			    uint64_t addr, size_t len, uint64_t pos)
{
	(void)pos;
	return stream_transfer(file, caller, addr, len, false);
}

/*
 * VFIO_MIG_GET_PRECOPY_INFO: how much there is to read while it runs.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY  another ioctl
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz below 24; the device is not in PRE_COPY
 *   -ENODEV  the stream is over
 *   -EFAULT  the answer cannot be written
 */
static long stream_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			 unsigned int cmd, unsigned long arg)
{
	struct uvf_mig_stream *stream = file->object;
	struct uvf_migration *migration = stream->migration;
	struct precopy_info info;
	int ret = 0;

	if (cmd != MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	uvf_lock(&migration->lock);
	uvf_migration_settle_locked(migration);
	if (!is_before_stop(migration))
		ret = -EINVAL;
	else if (stream->is_over)
		ret = -ENODEV;
	else
		migration->ops->precopy_left(
			migration->arg, &info.initial_bytes, &info.dirty_bytes);
	uvf_unlock(&migration->lock);
	if (ret)
		return ret;
	info.flags = 0;
	return uvf_copy_out(caller, arg, &info, sizeof(info));
}

static void stream_free(struct uvf_mig_stream *stream)
{
	uvf_migration_put(stream->migration);
	uvf_free(stream);
}

static void stream_release(struct uvf_file *file)
{
	struct uvf_mig_stream *stream = file->object;
	struct uvf_migration *migration = stream->migration;

	uvf_lock(&migration->lock);
	if (migration->stream == stream)
		migration->stream = NULL;
	uvf_unlock(&migration->lock);
	stream_free(stream);
}

static const struct uvf_file_ops stream_ops = {
	.ioctl = stream_ioctl,
	.read = stream_read,
	.write = stream_write,
	.release = stream_release,
};

int uvf_mig_stream_create_locked(struct uvf_migration *migration,
				 bool is_saving, struct uvf_file **ret_file)
{
	struct uvf_mig_stream *stream = uvf_zalloc(sizeof(*stream));
	int ret;

	if (!stream)
		return -ENOMEM;
	ret = uvf_file_create(ret_file, UVF_FILE_MIGRATION, &stream_ops,
			      stream);
	if (ret) {
		uvf_free(stream);
		return ret;
	}
	(*ret_file)->is_stream = true;
	(*ret_file)->open_mode = is_saving ? O_RDONLY : O_WRONLY;
	uvf_ref_get(&migration->ref);
	stream->migration = migration;
	stream->is_saving = is_saving;
	migration->stream = stream;
	return 0;
}

void uvf_mig_stream_end_locked(struct uvf_migration *migration)
{
	if (!migration->stream)
		return;
	migration->stream->is_over = true;
	migration->stream = NULL;
}

void uvf_mig_stream_discard(struct uvf_file *file)
{
	struct uvf_mig_stream *stream = file->object;

	uvf_file_discard(file);
	stream_free(stream);
}
