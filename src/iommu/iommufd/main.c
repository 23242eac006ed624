/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The context: its objects by id, and the table of its calls.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/iommufd/abi.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/abi_new.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"

/* Ids have 31 bits, and begin at 1. */
#define ID_MAX 0x7fffffffu

typedef int execute_fn(struct uvf_iommufd_call *call, void *cmd);

struct row {
	unsigned int cmd;
	uint32_t size;     /* of the structure as we know it */
	uint32_t min_size; /* of the oldest one */
	execute_fn *execute;
};

#define END_OF(type, member)                                                   \
	(offsetof(type, member) + sizeof(((type *)NULL)->member))
#define ROW(cmd, handler, type, last)                                          \
	[_IOC_NR(cmd) - IOMMUFD_CMD_BASE] = {                                  \
		cmd, sizeof(struct type), END_OF(struct type, last), handler}

static const struct row rows[] = {
	ROW(IOMMU_DESTROY, iommu_ioctl_destroy, iommu_destroy, id),
	ROW(IOMMU_IOAS_ALLOC, iommu_ioctl_ioas_alloc, iommu_ioas_alloc,
	    out_ioas_id),
	ROW(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioctl_ioas_allow_iovas,
	    iommu_ioas_allow_iovas, allowed_iovas),
	ROW(IOMMU_IOAS_COPY, iommu_ioctl_ioas_copy, iommu_ioas_copy, src_iova),
	ROW(IOMMU_IOAS_IOVA_RANGES, iommu_ioctl_ioas_iova_ranges,
	    iommu_ioas_iova_ranges, out_iova_alignment),
	ROW(IOMMU_IOAS_MAP, iommu_ioctl_ioas_map, iommu_ioas_map, iova),
	ROW(IOMMU_IOAS_UNMAP, iommu_ioctl_ioas_unmap, iommu_ioas_unmap, length),
	ROW(IOMMU_OPTION, iommu_ioctl_option, iommu_option, val64),
	ROW(IOMMU_VFIO_IOAS, iommu_ioctl_vfio_ioas, iommu_vfio_ioas, reserved),
	ROW(IOMMU_HWPT_ALLOC, iommu_ioctl_hwpt_alloc, iommu_hwpt_alloc,
	    reserved),
	ROW(IOMMU_GET_HW_INFO, iommu_ioctl_get_hw_info, iommu_hw_info,
	    reserved),
	ROW(IOMMU_HWPT_SET_DIRTY_TRACKING, iommu_ioctl_hwpt_set_dirty_tracking,
	    iommu_hwpt_set_dirty_tracking, reserved),
	ROW(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_ioctl_hwpt_get_dirty_bitmap,
	    iommu_hwpt_get_dirty_bitmap, data),
	ROW(IOMMU_HWPT_INVALIDATE, iommu_ioctl_hwpt_invalidate,
	    iommu_hwpt_invalidate, reserved),
	ROW(IOMMU_FAULT_QUEUE_ALLOC, iommu_ioctl_fault_queue_alloc,
	    iommu_fault_alloc, out_fault_fd),
	ROW(IOMMU_IOAS_MAP_FILE, iommu_ioctl_ioas_map_file, iommu_ioas_map_file,
	    iova),
	ROW(IOMMU_VIOMMU_ALLOC, iommu_ioctl_viommu_alloc, iommu_viommu_alloc,
	    out_viommu_id),
	ROW(IOMMU_VDEVICE_ALLOC, iommu_ioctl_vdevice_alloc, iommu_vdevice_alloc,
	    virt_id),
	ROW(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioctl_ioas_change_process,
	    iommu_ioas_change_process, reserved),
	ROW(IOMMU_VEVENTQ_ALLOC, iommu_ioctl_veventq_alloc, iommu_veventq_alloc,
	    reserved),
	ROW(IOMMU_HW_QUEUE_ALLOC, iommu_ioctl_hw_queue_alloc,
	    iommu_hw_queue_alloc, length),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Large enough for the structure of any row. */
union command {
	struct iommu_destroy destroy;
	struct iommu_ioas_map map;
	struct iommu_ioas_copy copy;
	struct iommu_hwpt_alloc hwpt;
};

int uvf_iommufd_create(struct uvf_iommufd **ret_ctx,
		       const struct uvf_iommu_host *host,
		       uvf_open_fault_fn *open_fault)
{
	struct uvf_iommufd *ctx = uvf_zalloc(sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	uvf_ref_init(&ctx->ref);
	ctx->host = *host;
	ctx->open_fault = open_fault;
	uvf_mutex_init(&ctx->lock);
	uvf_list_init(&ctx->groups);
	pthread_cond_init(&ctx->callback_ended, NULL);
	*ret_ctx = ctx;
	return 0;
}

struct uvf_iommufd *uvf_iommufd_get(struct uvf_iommufd *ctx)
{
	uvf_ref_get(&ctx->ref);
	return ctx;
}

static void destroy_object(struct uvf_object *object)
{
	switch (object->type) {
	case UVF_OBJECT_IOAS:
		uvf_ioas_destroy((struct uvf_ioas *)(void *)object);
		break;
	case UVF_OBJECT_HWPT:
	case UVF_OBJECT_HWPT_NESTED:
		uvf_hwpt_destroy((struct uvf_hwpt *)(void *)object);
		break;
	case UVF_OBJECT_FAULT:
		uvf_fault_destroy((struct uvf_iommufd_fault *)(void *)object);
		break;
	case UVF_OBJECT_DEVICE:
	case UVF_OBJECT_ACCESS:
		/* Their driver is a user, and holds the context. */
		UVF_BUG_ON(object->users);
		break;
	}
}

/* Devices and files hold the context, and are no users any more. */
static void destroy_objects(struct uvf_iommufd *ctx)
{
	bool has_progress = true;

	uvf_lock(&ctx->lock);
	while (ctx->object_count && !UVF_BUG_ON(!has_progress)) {
		has_progress = false;
		for (uint32_t id = 1; id < ctx->capacity; id++) {
			if (!ctx->objects[id] || ctx->objects[id]->users)
				continue;
			destroy_object(ctx->objects[id]);
			has_progress = true;
		}
	}
	uvf_unlock(&ctx->lock);
}

void uvf_iommufd_put(struct uvf_iommufd *ctx)
{
	if (!ctx || !uvf_ref_put(&ctx->ref))
		return;
	destroy_objects(ctx);
	uvf_free(ctx->objects);
	pthread_cond_destroy(&ctx->callback_ended);
	uvf_mutex_fini(&ctx->lock);
	uvf_free(ctx);
}

static int grow(struct uvf_iommufd *ctx) UVF_REQUIRES(ctx->lock)
{
	uint32_t capacity = ctx->capacity ? 2 * ctx->capacity : 16;
	struct uvf_object **objects =
		uvf_realloc(ctx->objects, capacity * sizeof(*objects));

	if (!objects)
		return -ENOMEM;
	memset(objects + ctx->capacity, 0,
	       (capacity - ctx->capacity) * sizeof(*objects));
	ctx->objects = objects;
	ctx->capacity = capacity;
	return 0;
}

int uvf_object_add(struct uvf_iommufd *ctx, struct uvf_object *object,
		   enum uvf_object_type type)
{
	uint32_t id = 1;

	uvf_assert_held(&ctx->lock);
	while (id < ctx->capacity && ctx->objects[id])
		id++;
	if (id > ID_MAX || (id >= ctx->capacity && grow(ctx)))
		return -ENOMEM;
	object->id = id;
	object->type = type;
	object->users = 0;
	ctx->objects[id] = object;
	ctx->object_count++;
	return 0;
}

void uvf_object_remove(struct uvf_iommufd *ctx, struct uvf_object *object)
{
	uvf_assert_held(&ctx->lock);
	ctx->objects[object->id] = NULL;
	ctx->object_count--;
}

struct uvf_object *uvf_object_find(struct uvf_iommufd *ctx, uint32_t id)
{
	uvf_assert_held(&ctx->lock);
	return id < ctx->capacity ? ctx->objects[id] : NULL;
}

int uvf_iommufd_respond(struct uvf_iommufd_call *call, const void *cmd,
			uint32_t size)
{
	return uvf_copy_out(call->caller, call->arg, cmd,
			    size < call->size ? size : call->size);
}

/**
 * iommu_ioctl_destroy() - let an object go
 * @cmd: struct iommu_destroy
 * Return: 0, -ENOENT no such object, -EBUSY it is in use.
 */
int iommu_ioctl_destroy(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_destroy *destroy = cmd;
	struct uvf_object *object = uvf_object_find(call->ctx, destroy->id);

	if (!object)
		return -ENOENT;
	if (object->users)
		return -EBUSY;
	destroy_object(object);
	return 0;
}

/* Whether what a caller of the future says is nothing that we would miss. */
static int check_tail(struct uvf_caller *caller, uint64_t addr, uint64_t size)
{
	uint8_t bytes[512];

	while (size) {
		size_t piece = size < sizeof(bytes) ? size : sizeof(bytes);

		if (uvf_copy_in(caller, bytes, addr, piece))
			return -EFAULT;
		for (size_t i = 0; i < piece; i++)
			if (bytes[i])
				return -E2BIG;
		addr += piece;
		size -= piece;
	}
	return 0;
}

/**
 * uvf_iommufd_ioctl() - any ioctl on an iommufd
 * Return: what the call returns, or, in the order they are tested:
 *   -EFAULT  the size cannot be read
 *   -ENOTTY  no such call
 *   -EINVAL  the structure is smaller than the oldest one
 *   -E2BIG   it is larger than ours, and says something there
 *   -EFAULT  it cannot be read
 */
long uvf_iommufd_ioctl(struct uvf_iommufd *ctx, struct uvf_caller *caller,
		       unsigned int cmd, unsigned long arg)
{
	struct uvf_iommufd_call call = {ctx, caller, arg, 0};
	unsigned int nr = _IOC_NR(cmd);
	union command command = {0};
	const struct row *row;
	int ret = 0;

	static_assert(sizeof(command) >= sizeof(struct iommu_hwpt_alloc),
		      "the largest structure");
	static_assert(sizeof(command) >=
			      sizeof(struct iommu_hwpt_get_dirty_bitmap),
		      "the largest structure");
	if (nr < IOMMUFD_CMD_BASE || nr - IOMMUFD_CMD_BASE >= ROW_COUNT ||
	    nr > ctx->host.profile->iommufd_last)
		return uvf_iommufd_compat_ioctl(ctx, caller, cmd, arg);
	row = &rows[nr - IOMMUFD_CMD_BASE];
	if (uvf_copy_in(caller, &call.size, arg, sizeof(call.size)))
		return -EFAULT;
	if (row->cmd != cmd)
		return -ENOTTY;
	if (call.size < row->min_size)
		return -EINVAL;
	if (call.size > row->size)
		ret = check_tail(caller, arg + row->size,
				 call.size - row->size);
	if (!ret)
		ret = uvf_copy_in(caller, &command, arg,
				  call.size < row->size ? call.size
							: row->size);
	if (ret)
		return ret;
	uvf_lock(&ctx->lock);
	ret = row->execute(&call, &command);
	uvf_unlock(&ctx->lock);
	return ret;
}
