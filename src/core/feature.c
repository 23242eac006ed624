/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_FEATURE.  The core answers those of migration and of dirty
 * tracking; all others are the bus driver's.
 */
#include "core/feature.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>

#include "base/profile.h"
#include "core/device.h"
#include "core/dma_logging.h"
#include "core/file.h"
#include "core/migration.h"

/* In linux/vfio.h since 6.3. */
#define MIG_DATA_SIZE 9u

/* core_feature() leaves it to the driver; no errno, and no result. */
#define NOT_OURS 1

#define GET VFIO_DEVICE_FEATURE_GET
#define SET VFIO_DEVICE_FEATURE_SET

int uvf_feature_check(uint32_t flags, uint32_t ops, size_t have, size_t need)
{
	if (flags & (GET | SET) & ~ops)
		return -EINVAL;
	if (flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (!(flags & (GET | SET)) || have < need)
		return -EINVAL;
	return 1;
}

/* One call; what does not change on the way through the features. */
struct request {
	struct uvf_caller *caller;
	uint32_t flags;
	uint64_t data;
	size_t size;
	bool has_precopy; /* does the kernel know of it */
};

static int get_migration(struct uvf_migration *migration,
			 const struct request *req)
{
	uint64_t answer;
	int ret;

	if (!migration)
		return -ENOTTY;
	answer = uvf_migration_flags(migration);
	if (!req->has_precopy)
		answer &= ~(uint64_t)UVF_MIG_HAS_PRE_COPY;
	ret = uvf_feature_check(req->flags, GET, req->size, sizeof(answer));
	if (ret != 1)
		return ret;
	return uvf_copy_out(req->caller, req->data, &answer, sizeof(answer));
}

/* The state has changed, whatever becomes of the descriptor. */
static int give_stream(struct uvf_caller *caller, struct uvf_file *file,
		       uint64_t data,
		       struct vfio_device_feature_mig_state *state)
{
	int fd = caller->ops->fd_check(caller);

	/* The number is known only when the descriptor is there. */
	if (!fd && uvf_copy_out(caller, data, state, sizeof(*state)))
		fd = -EFAULT;
	if (!fd)
		fd = caller->ops->file_install(caller, file);
	if (fd < 0) {
		uvf_file_put(file);
		return fd;
	}
	state->data_fd = fd;
	return uvf_copy_out(caller, data, state, sizeof(*state));
}

/* States that the kernel does not know are none. */
static int set_state(struct uvf_migration *migration, const struct request *req,
		     uint32_t target, struct uvf_file **ret_file)
{
	if (!req->has_precopy && target >= UVF_MIG_PRE_COPY)
		return -EINVAL;
	return uvf_migration_set_state(migration, target, ret_file);
}

/*
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY  the device cannot be migrated
 *   -EINVAL, 0: uvf_feature_check()
 *   -EFAULT  the structure cannot be read
 *   what uvf_migration_set_state() says, with data_fd -1
 *   -EMFILE, -EFAULT  no descriptor; the state has changed
 */
static int mig_device_state(struct uvf_migration *migration,
			    const struct request *req)
{
	struct vfio_device_feature_mig_state state;
	struct uvf_file *file = NULL;
	int ret;

	if (!migration)
		return -ENOTTY;
	ret = uvf_feature_check(req->flags, GET | SET, req->size,
				sizeof(state));
	if (ret != 1)
		return ret;
	if (uvf_copy_in(req->caller, &state, req->data, sizeof(state)))
		return -EFAULT;
	ret = 0;
	if (req->flags & GET)
		state.device_state = uvf_migration_state(migration);
	else
		ret = set_state(migration, req, state.device_state, &file);
	state.data_fd = -1;
	if (file)
		return give_stream(req->caller, file, req->data, &state);
	if (uvf_copy_out(req->caller, req->data, &state, sizeof(state)))
		return -EFAULT;
	return ret;
}

static int get_data_size(struct uvf_migration *migration,
			 const struct request *req)
{
	uint64_t answer;
	int ret;

	if (!req->has_precopy)
		return NOT_OURS;
	if (!migration)
		return -ENOTTY;
	ret = uvf_feature_check(req->flags, GET, req->size, sizeof(answer));
	if (ret != 1)
		return ret;
	answer = uvf_migration_data_size(migration);
	return uvf_copy_out(req->caller, req->data, &answer, sizeof(answer));
}

static int core_feature(struct uvf_device *device, const struct request *req)
{
	switch (req->flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		return get_migration(device->migration, req);
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		return mig_device_state(device->migration, req);
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		return uvf_dma_logging_start(device->dma_log, req->caller,
					     req->flags, req->data, req->size);
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
		return uvf_dma_logging_stop(device->dma_log, req->flags,
					    req->size);
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
		return uvf_dma_logging_report(device->dma_log, req->caller,
					      req->flags, req->data, req->size);
	case MIG_DATA_SIZE:
		return get_data_size(device->migration, req);
	default:
		return NOT_OURS;
	}
}

long uvf_device_feature(struct uvf_device *device,
			const struct uvf_profile *profile,
			struct uvf_caller *caller, uint64_t arg)
{
	struct vfio_device_feature feature;
	const uint32_t known = VFIO_DEVICE_FEATURE_MASK | GET | SET |
			       VFIO_DEVICE_FEATURE_PROBE;
	struct request req = {
		.caller = caller,
		.data = arg + sizeof(feature),
		.has_precopy = profile->has_precopy,
	};
	int ret;

	if (uvf_copy_in(caller, &feature, arg, sizeof(feature)))
		return -EFAULT;
	if (feature.argsz < sizeof(feature) || feature.flags & ~known)
		return -EINVAL;
	if (!(feature.flags & VFIO_DEVICE_FEATURE_PROBE) &&
	    feature.flags & GET && feature.flags & SET)
		return -EINVAL;
	req.flags = feature.flags;
	req.size = feature.argsz - sizeof(feature);
	ret = core_feature(device, &req);
	if (ret != NOT_OURS)
		return ret;
	if (!device->ops->feature)
		return -profile->feature_unknown_errno;
	return device->ops->feature(device, caller, req.flags, req.data,
				    req.size);
}
