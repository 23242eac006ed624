/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/type1.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "mem/caller.h"

#define CPU_PAGE_SIZE 4096ull

/* Longest bitmap of dirty pages that a call may ask for. */
#define DIRTY_BITMAP_BYTES_MAX (1ull << 28)

/* GET_INFO and all capabilities. */
struct info_reply {
	struct vfio_iommu_type1_info info;
	uint8_t *caps;          /* as long as all of them need */
	unsigned int caps_size; /* bytes used */
	uint8_t *next;          /* field of the last capability */
};

static_assert(sizeof(struct vfio_iommu_type1_info) == 24, "ABI");
static_assert(offsetof(struct vfio_iommu_type1_info, cap_offset) == 16, "ABI");
static_assert(sizeof(struct vfio_iommu_type1_info_cap_migration) == 32, "ABI");
static_assert(sizeof(struct vfio_iommu_type1_info_dma_avail) == 12, "ABI");
static_assert(sizeof(struct vfio_iommu_type1_info_cap_iova_range) == 16, "ABI");
static_assert(sizeof(struct vfio_iova_range) == 16, "ABI");

uint64_t uvf_type1_granule_locked(const struct uvf_type1 *t1)
{
	return t1->page_sizes & -t1->page_sizes;
}

bool uvf_type1_knows_overflow(const struct uvf_type1 *t1)
{
	return t1->host.profile->type1_knows_overflow;
}

static bool has_emulated(struct uvf_type1 *t1)
{
	bool has;

	uvf_lock(&t1->lock);
	has = !uvf_list_is_empty(&t1->emulated);
	uvf_unlock(&t1->lock);
	return has;
}

/* No domain is as good as one that does. */
static bool enforces_coherency(struct uvf_type1 *t1)
{
	struct uvf_list *node;
	bool ret = true;

	uvf_lock(&t1->lock);
	uvf_list_for_each (node, &t1->domains)
		if (!uvf_type1_domain_of(node)->hw.enforces_coherency)
			ret = false;
	uvf_unlock(&t1->lock);
	return ret;
}

static int type1_check_extension(void *state, const struct uvf_iommu_host *host,
				 unsigned long extension)
{
	struct uvf_type1 *t1 = state;

	if (extension >= 32 ||
	    !(host->profile->type1_extensions & (1u << extension)))
		return 0;
	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_TYPE1_NESTING_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_UPDATE_VADDR:
		return t1 && !has_emulated(t1);
	case VFIO_DMA_CC_IOMMU:
		return t1 && enforces_coherency(t1);
	default:
		return 0;
	}
}

/* How many mappings an instance may have. */
static unsigned int entry_limit(const struct uvf_iommu_host *host)
{
	if (!host->profile->type1_has_entry_limit)
		return UINT_MAX;
	return host->dma_entry_limit ? atomic_load(host->dma_entry_limit)
				     : UVF_TYPE1_MAPPINGS_MAX;
}

static int type1_open(void **ret_state, const struct uvf_iommu_host *host,
		      unsigned long type)
{
	struct uvf_type1 *t1;

	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU &&
	    type != VFIO_TYPE1_NESTING_IOMMU)
		return -EINVAL;
	t1 = uvf_zalloc(sizeof(*t1));
	if (!t1)
		return -ENOMEM;
	t1->host = *host;
	uvf_iommu_hw_init(&t1->hw, host);
	t1->is_v2 = type != VFIO_TYPE1_IOMMU;
	t1->is_nesting = type == VFIO_TYPE1_NESTING_IOMMU;
	t1->splits = host->profile->type1_splits;
	t1->pool = (struct uvf_pool)UVF_POOL_INIT(sizeof(struct uvf_mapping));
	uvf_mutex_init(&t1->lock);
	uvf_list_init(&t1->domains);
	uvf_list_init(&t1->emulated);
	t1->page_sizes = ~(CPU_PAGE_SIZE - 1);
	t1->available = entry_limit(host);
	uvf_itree_init(&t1->mappings);
	uvf_itree_init(&t1->pins);
	uvf_mutex_init(&t1->users_lock);
	uvf_list_init(&t1->users);
	atomic_init(&t1->user_count, 0);
	*ret_state = t1;
	return 0;
}

static void type1_release(void *state)
{
	struct uvf_type1 *t1 = state;

	/* A call that ran while the last group left may have made more. */
	uvf_lock(&t1->lock);
	uvf_type1_remove_all_locked(t1);
	uvf_unlock(&t1->lock);
	UVF_BUG_ON(!uvf_list_is_empty(&t1->domains));
	uvf_iova_list_fini(&t1->valid);
	uvf_pool_fini(&t1->pool);
	uvf_mutex_fini(&t1->lock);
	uvf_mutex_fini(&t1->users_lock);
	uvf_free(t1);
}

/* Append a capability and link it; offsets count from the structure. */
static void add_cap(struct info_reply *reply, bool is_aligned, void *cap,
		    size_t size, uint16_t id)
{
	struct vfio_info_cap_header header = {.id = id, .version = 1};
	uint32_t offset = (uint32_t)sizeof(reply->info) + reply->caps_size;

	memcpy(cap, &header, sizeof(header));
	memcpy(reply->caps + reply->caps_size, cap, size);
	if (reply->next)
		memcpy(reply->next, &offset, sizeof(offset));
	reply->next = reply->caps + reply->caps_size +
		      offsetof(struct vfio_info_cap_header, next);
	if (is_aligned)
		size = (size + 7) & ~7ull;
	reply->caps_size += (unsigned int)size;
}

static void add_ranges_locked(struct uvf_type1 *t1, struct info_reply *reply,
			      struct vfio_iova_range *ranges)
	UVF_REQUIRES(t1->lock)
{
	struct vfio_iommu_type1_info_cap_iova_range *iova = (void *)ranges;
	unsigned int count = t1->valid.count;

	if (!count)
		return;
	/* The head is as long as one range. */
	iova->nr_iovas = count;
	for (unsigned int i = 0; i < count; i++) {
		ranges[1 + i].start = t1->valid.ranges[i].first;
		ranges[1 + i].end = t1->valid.ranges[i].last;
	}
	add_cap(reply, t1->host.profile->info_caps_aligned, iova,
		(1 + count) * sizeof(ranges[0]),
		VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
}

static int fill_info_locked(struct uvf_type1 *t1, struct info_reply *reply)
	UVF_REQUIRES(t1->lock)
{
	bool is_aligned = t1->host.profile->info_caps_aligned;
	struct vfio_iommu_type1_info_cap_migration migration = {
		.pgsize_bitmap = uvf_type1_granule_locked(t1),
		.max_dirty_bitmap_size = DIRTY_BITMAP_BYTES_MAX,
	};
	struct vfio_iommu_type1_info_dma_avail avail = {
		.avail = t1->available,
	};
	struct vfio_iova_range *ranges =
		uvf_calloc(1 + t1->valid.count, sizeof(ranges[0]));

	reply->caps = uvf_calloc(1, sizeof(migration) + sizeof(uint64_t[2]) +
					    (1 + t1->valid.count) *
						    sizeof(ranges[0]));
	if (!ranges || !reply->caps) {
		uvf_free(ranges);
		return -ENOMEM;
	}
	reply->info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	reply->info.iova_pgsizes = t1->page_sizes;
	add_cap(reply, is_aligned, &migration, sizeof(migration),
		VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	add_cap(reply, is_aligned, &avail, sizeof(avail),
		VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	add_ranges_locked(t1, reply, ranges);
	uvf_free(ranges);
	return 0;
}

/* How much of the structure goes back. */
static size_t info_length(const struct uvf_type1 *t1, uint32_t argsz)
{
	size_t whole = sizeof(struct vfio_iommu_type1_info);
	size_t to_caps = offsetof(struct vfio_iommu_type1_info, cap_offset);
	size_t with_caps = to_caps + sizeof(uint32_t);

	if (t1->host.profile->info_copies_any_length)
		return argsz < whole ? argsz : whole;
	return argsz < with_caps ? to_caps : with_caps;
}

/* What there was before capabilities; argsz stays. */
static int write_old_info(struct uvf_type1 *t1, struct uvf_caller *caller,
			  uint64_t arg, struct vfio_iommu_type1_info *info)
{
	info->flags = 0;
	uvf_lock(&t1->lock);
	info->iova_pgsizes = t1->page_sizes;
	uvf_unlock(&t1->lock);
	return uvf_copy_out(caller, arg, info,
			    offsetof(struct vfio_iommu_type1_info, cap_offset));
}

static int write_info(struct uvf_caller *caller, uint64_t arg,
		      struct info_reply *reply, size_t len)
{
	struct vfio_iommu_type1_info *info = &reply->info;

	if (info->argsz < sizeof(*info) + reply->caps_size) {
		info->argsz = (uint32_t)sizeof(*info) + reply->caps_size;
	} else {
		if (uvf_copy_out(caller, arg + sizeof(*info), reply->caps,
				 reply->caps_size))
			return -EFAULT;
		info->cap_offset = sizeof(*info);
	}
	return uvf_copy_out(caller, arg, info, len);
}

/**
 * uvf_type1_ioctl_get_info() - page sizes and capabilities
 * @arg: struct vfio_iommu_type1_info
 *
 * A buffer that is too short for all capabilities gets none, and the length
 * that would do.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the first 16 bytes cannot be read
 *   -EINVAL  argsz is less
 *   -ENOMEM  out of memory
 *   -EFAULT  the answer cannot be written
 */
long uvf_type1_ioctl_get_info(struct uvf_type1 *t1, struct uvf_caller *caller,
			      uint64_t arg)
{
	struct info_reply reply = {0};
	struct vfio_iommu_type1_info *info = &reply.info;
	size_t min = offsetof(struct vfio_iommu_type1_info, cap_offset);
	size_t len;
	int ret;

	if (uvf_copy_in(caller, info, arg, min))
		return -EFAULT;
	if (info->argsz < min)
		return -EINVAL;
	if (!t1->host.profile->info_has_caps)
		return write_old_info(t1, caller, arg, info);
	len = info_length(t1, info->argsz);
	uvf_lock(&t1->lock);
	ret = fill_info_locked(t1, &reply);
	uvf_unlock(&t1->lock);
	if (!ret)
		ret = write_info(caller, arg, &reply, len);
	uvf_free(reply.caps);
	return ret;
}

static long type1_ioctl(void *state, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return uvf_type1_ioctl_get_info(state, caller, arg);
	case VFIO_IOMMU_MAP_DMA:
		return uvf_type1_ioctl_map_dma(state, caller, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return uvf_type1_ioctl_unmap_dma(state, caller, arg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return uvf_type1_ioctl_dirty_pages(state, caller, arg);
	default:
		return -ENOTTY;
	}
}

const struct uvf_iommu_backend uvf_type1_backend = {
	.name = "type1",
	.check_extension = type1_check_extension,
	.open = type1_open,
	.release = type1_release,
	.attach_group = uvf_type1_attach_group,
	.detach_group = uvf_type1_detach_group,
	.ioctl = type1_ioctl,
	.register_user = uvf_type1_register_user,
	.unregister_user = uvf_type1_unregister_user,
	.pin_pages = uvf_type1_pin_pages,
	.unpin_pages = uvf_type1_unpin_pages,
	.rw = uvf_type1_rw,
};
