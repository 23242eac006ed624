/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fault queues: devices that can wait for a page ask for it there, and the
 * client answers.
 *
 * A group of requests goes from the queue to those that were read, and away
 * with its answer; or with an answer of ours when its device leaves.
 */
#include <errno.h>

#include "base/alloc.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"

struct uvf_iommufd_fault {
	struct uvf_object object; /* the file is a user */
	struct uvf_iommufd *ctx;  /* the file holds a reference */
	struct uvf_list deliver;  /* struct request_group; to be read */
	struct uvf_list response; /* those that were read, by cookie */
};

/* Requests of a device that get one answer. */
struct request_group {
	struct uvf_list node;
	struct uvf_iommufd_device *device; /* answers before it leaves */
	uint32_t cookie;                   /* once it was read */
	size_t count;
	struct uvf_page_request requests[];
};

static struct request_group *entry_of(struct uvf_list *node)
{
	return uvf_list_entry(node, struct request_group, node);
}

struct uvf_iommufd_fault *uvf_fault_find(struct uvf_iommufd *ctx, uint32_t id)
{
	struct uvf_object *object = uvf_object_find(ctx, id);

	return object && object->type == UVF_OBJECT_FAULT
		       ? (struct uvf_iommufd_fault *)(void *)object
		       : NULL;
}

struct uvf_object *uvf_fault_object(struct uvf_iommufd_fault *fault)
{
	return &fault->object;
}

static void answer(struct request_group *group, uint32_t code)
{
	const struct uvf_page_request *last =
		&group->requests[group->count - 1];

	uvf_list_remove(&group->node);
	uvf_iommufd_device_respond(group->device, last->grpid,
				   code == IOMMUFD_PAGE_RESP_SUCCESS);
	uvf_free(group);
}

static void answer_list(struct uvf_list *groups,
			bool (*is_meant)(const struct request_group *group,
					 const void *arg),
			const void *arg)
{
	struct uvf_list *node = groups->next;

	while (node != groups) {
		struct request_group *group = entry_of(node);

		node = node->next;
		if (is_meant(group, arg))
			answer(group, IOMMUFD_PAGE_RESP_INVALID);
	}
}

static bool is_of_group(const struct request_group *group, const void *arg)
{
	return uvf_iommufd_device_group(group->device) == arg;
}

static bool is_any(const struct request_group *group, const void *arg)
{
	(void)group;
	(void)arg;
	return true;
}

void uvf_fault_leave(struct uvf_iommufd_fault *fault,
		     const struct uvf_iommufd_group *group)
{
	uvf_assert_held(&fault->ctx->lock);
	answer_list(&fault->deliver, is_of_group, group);
	answer_list(&fault->response, is_of_group, group);
}

void uvf_fault_destroy(struct uvf_iommufd_fault *fault)
{
	uvf_assert_held(&fault->ctx->lock);
	answer_list(&fault->deliver, is_any, NULL);
	answer_list(&fault->response, is_any, NULL);
	uvf_object_remove(fault->ctx, &fault->object);
	uvf_free(fault);
}

int uvf_fault_deliver(struct uvf_iommufd_fault *fault,
		      struct uvf_iommufd_device *device,
		      const struct uvf_page_request *requests, size_t count)
{
	struct request_group *group =
		uvf_zalloc(sizeof(*group) + count * sizeof(*requests));

	uvf_assert_held(&fault->ctx->lock);
	if (!group)
		return -ENOMEM;
	group->device = device;
	group->count = count;
	for (size_t i = 0; i < count; i++)
		group->requests[i] = requests[i];
	uvf_list_append(&fault->deliver, &group->node);
	return 0;
}

/* The lowest that is free, and where in the order it belongs. */
static uint32_t free_cookie(struct uvf_list *groups, struct uvf_list **ret_at)
{
	struct uvf_list *node;
	uint32_t cookie = 1;

	uvf_list_for_each (node, groups) {
		if (entry_of(node)->cookie != cookie)
			break;
		cookie++;
	}
	*ret_at = node;
	return cookie;
}

static struct request_group *find_cookie(struct uvf_list *groups,
					 uint32_t cookie)
{
	struct uvf_list *node;

	uvf_list_for_each (node, groups)
		if (entry_of(node)->cookie == cookie)
			return entry_of(node);
	return NULL;
}

static int copy_group(struct uvf_caller *caller, uint64_t addr,
		      const struct request_group *group, uint32_t cookie)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct uvf_page_request *request = &group->requests[i];
		struct iommu_hwpt_pgfault fault = {
			.flags = i == group->count - 1
					 ? IOMMU_PGFAULT_FLAGS_LAST_PAGE
					 : 0,
			.dev_id = uvf_iommufd_device_id(group->device),
			.grpid = request->grpid,
			.perm = (request->prot & UVF_PROT_READ
					 ? IOMMU_PGFAULT_PERM_READ
					 : 0) |
				(request->prot & UVF_PROT_WRITE
					 ? IOMMU_PGFAULT_PERM_WRITE
					 : 0),
			.addr = request->iova,
			.cookie = cookie,
		};

		if (uvf_copy_out(caller, addr + i * sizeof(fault), &fault,
				 sizeof(fault)))
			return -EFAULT;
	}
	return 0;
}

static ssize_t read_locked(struct uvf_iommufd_fault *fault,
			   struct uvf_caller *caller, uint64_t addr, size_t len)
	UVF_REQUIRES(fault->ctx->lock)
{
	size_t done = 0;
	int ret = 0;

	while (!uvf_list_is_empty(&fault->deliver)) {
		struct request_group *group = entry_of(fault->deliver.next);
		size_t size = group->count * sizeof(struct iommu_hwpt_pgfault);
		struct uvf_list *at;
		uint32_t cookie;

		if (size > len - done) {
			ret = -EINVAL;
			break;
		}
		cookie = free_cookie(&fault->response, &at);
		ret = copy_group(caller, addr + done, group, cookie);
		if (ret)
			break;
		uvf_list_remove(&group->node);
		group->cookie = cookie;
		uvf_list_append(at, &group->node);
		done += size;
	}
	return done ? (ssize_t)done : ret;
}

ssize_t uvf_iommufd_fault_read(struct uvf_iommufd_fault *fault,
			       struct uvf_caller *caller, uint64_t addr,
			       size_t len)
{
	ssize_t ret;

	if (len % sizeof(struct iommu_hwpt_pgfault))
		return -ESPIPE;
	uvf_lock(&fault->ctx->lock);
	ret = read_locked(fault, caller, addr, len);
	uvf_unlock(&fault->ctx->lock);
	return ret;
}

static int take_response(struct uvf_iommufd_fault *fault,
			 struct uvf_caller *caller, uint64_t addr)
	UVF_REQUIRES(fault->ctx->lock)
{
	struct iommu_hwpt_page_response response;
	struct request_group *group;

	if (uvf_copy_in(caller, &response, addr, sizeof(response)))
		return -EFAULT;
	if (response.code != IOMMUFD_PAGE_RESP_SUCCESS &&
	    response.code != IOMMUFD_PAGE_RESP_INVALID)
		return -EINVAL;
	group = find_cookie(&fault->response, response.cookie);
	if (!group)
		return -EINVAL;
	answer(group, response.code);
	return 0;
}

ssize_t uvf_iommufd_fault_write(struct uvf_iommufd_fault *fault,
				struct uvf_caller *caller, uint64_t addr,
				size_t len)
{
	size_t size = sizeof(struct iommu_hwpt_page_response);
	size_t done = 0;
	int ret = 0;

	if (len % size)
		return -ESPIPE;
	uvf_lock(&fault->ctx->lock);
	while (done < len && !ret) {
		ret = take_response(fault, caller, addr + done);
		if (!ret)
			done += size;
	}
	uvf_unlock(&fault->ctx->lock);
	return done ? (ssize_t)done : ret;
}

bool uvf_iommufd_fault_is_readable(struct uvf_iommufd_fault *fault)
{
	bool is_readable;

	uvf_lock(&fault->ctx->lock);
	is_readable = !uvf_list_is_empty(&fault->deliver);
	uvf_unlock(&fault->ctx->lock);
	return is_readable;
}

void uvf_iommufd_fault_close(struct uvf_iommufd_fault *fault)
{
	struct uvf_iommufd *ctx = fault->ctx;

	uvf_lock(&ctx->lock);
	fault->object.users--;
	uvf_unlock(&ctx->lock);
	uvf_iommufd_put(ctx);
}

static int fault_create(struct uvf_iommufd *ctx,
			struct uvf_iommufd_fault **ret_fault)
{
	struct uvf_iommufd_fault *fault = uvf_zalloc(sizeof(*fault));
	int ret;

	if (!fault)
		return -ENOMEM;
	ret = uvf_object_add(ctx, &fault->object, UVF_OBJECT_FAULT);
	if (ret) {
		uvf_free(fault);
		return ret;
	}
	fault->ctx = ctx;
	uvf_list_init(&fault->deliver);
	uvf_list_init(&fault->response);
	*ret_fault = fault;
	return 0;
}

/* The descriptor comes last: it cannot be taken back. */
static int open_file(struct uvf_iommufd_call *call,
		     struct uvf_iommufd_fault *fault,
		     struct iommu_fault_alloc *alloc)
{
	struct uvf_caller *caller = call->caller;
	int ret = caller->ops->fd_check(caller);

	if (!ret)
		ret = uvf_iommufd_respond(call, alloc, sizeof(*alloc));
	if (ret)
		return ret;
	uvf_iommufd_get(call->ctx);
	fault->object.users++;
	ret = call->ctx->open_fault(caller, fault);
	if (ret < 0) {
		fault->object.users--;
		uvf_iommufd_put(call->ctx);
		return ret;
	}
	alloc->out_fault_fd = (uint32_t)ret;
	return uvf_iommufd_respond(call, alloc, sizeof(*alloc));
}

/**
 * iommu_ioctl_fault_queue_alloc() - make a queue, and a descriptor of it
 * @cmd: struct iommu_fault_alloc
 * Return: 0, or, in the order they are tested: -EOPNOTSUPP a flag, -ENOMEM,
 * -EMFILE, -EFAULT, -ENFILE.
 */
int iommu_ioctl_fault_queue_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_fault_alloc *alloc = cmd;
	struct uvf_iommufd_fault *fault;
	int ret;

	if (alloc->flags)
		return -EOPNOTSUPP;
	ret = fault_create(call->ctx, &fault);
	if (ret)
		return ret;
	alloc->out_fault_id = fault->object.id;
	ret = open_file(call, fault, alloc);
	if (ret && !fault->object.users)
		uvf_fault_destroy(fault);
	return ret;
}
