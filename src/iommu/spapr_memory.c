/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that a process has registered for v2.  It is the process's: each of
 * its containers may map what any has registered, and the same region that
 * several have registered is charged once and stays until all let go.
 */
#include "iommu/spapr.h"

#include <assert.h>
#include <errno.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "mem/caller.h"
#include "mem/mem.h"

#define PAGE_SHIFT 12u
#define PAGE_MASK  ((1ull << PAGE_SHIFT) - 1)

static_assert(sizeof(struct vfio_iommu_spapr_register_memory) == 24, "ABI");

/* The registry, of all processes; a leaf lock. */
static struct uvf_mutex lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct uvf_list regions = {&regions, &regions};

static struct uvf_spapr_region *region_of(struct uvf_list *node)
{
	return uvf_list_entry(node, struct uvf_spapr_region, node);
}

static uint64_t pages_of(const struct uvf_spapr_region *region)
{
	return uvf_range_size(region->vaddr) >> PAGE_SHIFT;
}

struct uvf_spapr_region *uvf_spapr_region_find(const struct uvf_mm *mm,
					       struct uvf_range vaddr)
{
	struct uvf_spapr_region *found = NULL;
	struct uvf_list *node;

	uvf_lock(&lock);
	uvf_list_for_each (node, &regions) {
		struct uvf_spapr_region *region = region_of(node);

		if (region->mem->mm != mm ||
		    !uvf_range_contains(region->vaddr, vaddr))
			continue;
		region->mappings++;
		found = region;
		break;
	}
	uvf_unlock(&lock);
	return found;
}

void uvf_spapr_region_add_mapping(struct uvf_spapr_region *region)
{
	uvf_lock(&lock);
	region->mappings++;
	uvf_unlock(&lock);
}

static void destroy(struct uvf_spapr_region *region)
{
	uvf_account_uncharge(region->mem->mm, pages_of(region));
	uvf_mem_put(region->mem);
	uvf_free(region);
}

/* Whether nobody needs the region any more; then the caller destroys it. */
static bool retire_locked(struct uvf_spapr_region *region) UVF_REQUIRES(lock)
{
	if (region->users || region->mappings)
		return false;
	uvf_list_remove(&region->node);
	return true;
}

void uvf_spapr_region_remove_mapping(struct uvf_spapr_region *region)
{
	bool is_retired;

	uvf_lock(&lock);
	region->mappings--;
	is_retired = retire_locked(region);
	uvf_unlock(&lock);
	if (is_retired)
		destroy(region);
}

/* Exactly this region, with a user more, or NULL. */
static struct uvf_spapr_region *get(const struct uvf_mm *mm,
				    struct uvf_range vaddr)
{
	struct uvf_spapr_region *found = NULL;
	struct uvf_list *node;

	uvf_lock(&lock);
	uvf_list_for_each (node, &regions) {
		struct uvf_spapr_region *region = region_of(node);

		if (region->mem->mm != mm ||
		    region->vaddr.first != vaddr.first ||
		    region->vaddr.last != vaddr.last)
			continue;
		region->users++;
		found = region;
		break;
	}
	uvf_unlock(&lock);
	return found;
}

/*
 * A user less.
 * Return: 0, or -EBUSY it is the last and must not go while mappings lead
 * there.
 */
static int put(struct uvf_spapr_region *region, bool waits_for_mappings)
{
	bool is_retired;

	uvf_lock(&lock);
	if (waits_for_mappings && region->users == 1 && region->mappings) {
		uvf_unlock(&lock);
		return -EBUSY;
	}
	region->users--;
	is_retired = retire_locked(region);
	uvf_unlock(&lock);
	if (is_retired)
		destroy(region);
	return 0;
}

/* The largest page that the addresses allow; see docs/limits.md. */
static unsigned int page_shift_of(struct uvf_range vaddr)
{
	return (unsigned int)__builtin_ctzll(vaddr.first |
					     uvf_range_size(vaddr));
}

/* Into the registry, unless it meets another one of the process. */
static int add(struct uvf_spapr_region *region)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_lock(&lock);
	uvf_list_for_each (node, &regions) {
		if (region_of(node)->mem->mm == region->mem->mm &&
		    uvf_range_meets(region_of(node)->vaddr, region->vaddr))
			ret = -EINVAL;
	}
	if (!ret)
		uvf_list_append(&regions, &region->node);
	uvf_unlock(&lock);
	return ret;
}

/*
 * The kernel pins the memory for writing, whatever it will be mapped for.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOMEM  over the limit of locked memory; out of memory
 *   -EFAULT  it is not there, or not writable
 *   -EINVAL  it meets a region
 */
static int create(struct uvf_spapr_region **ret_region,
		  struct uvf_caller *caller, struct uvf_range vaddr)
{
	uint64_t pages = uvf_range_size(vaddr) >> PAGE_SHIFT;
	struct uvf_spapr_region *region;
	int ret = uvf_account_charge(caller, caller->mm, pages);

	if (ret)
		return ret;
	region = uvf_zalloc(sizeof(*region));
	if (!region) {
		ret = -ENOMEM;
		goto err_uncharge;
	}
	ret = uvf_mem_create(&region->mem, caller->mm, vaddr, UVF_PROT_ALL);
	if (ret)
		goto err_free;
	region->vaddr = vaddr;
	region->page_shift = page_shift_of(vaddr);
	region->users = 1;
	ret = add(region);
	if (ret)
		goto err_put;
	*ret_region = region;
	return 0;

err_put:
	uvf_mem_put(region->mem);
err_free:
	uvf_free(region);
err_uncharge:
	uvf_account_uncharge(caller->mm, pages);
	return ret;
}

/* What this container has registered, exactly there, or NULL. */
static struct uvf_spapr_prereg *find_prereg_locked(struct uvf_spapr *sp,
						   struct uvf_range vaddr)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &sp->preregs) {
		struct uvf_spapr_prereg *prereg =
			uvf_list_entry(node, struct uvf_spapr_prereg, node);

		if (prereg->region->vaddr.first == vaddr.first &&
		    prereg->region->vaddr.last == vaddr.last)
			return prereg;
	}
	return NULL;
}

static int register_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			   const struct vfio_iommu_spapr_register_memory *args)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_prereg *prereg;
	struct uvf_range vaddr;
	int ret = 0;

	/* A region that ends at 2^64 has an end of 0. */
	if ((args->vaddr | args->size) & PAGE_MASK ||
	    args->vaddr + args->size < args->vaddr)
		return -EINVAL;
	/* A list of no pages cannot be allocated. */
	if (uvf_range_make(&vaddr, args->vaddr, args->size))
		return -ENOMEM;
	if (find_prereg_locked(sp, vaddr))
		return -EBUSY;
	prereg = uvf_zalloc(sizeof(*prereg));
	if (!prereg)
		return -ENOMEM;
	prereg->region = get(sp->mm, vaddr);
	if (!prereg->region)
		ret = create(&prereg->region, caller, vaddr);
	if (ret) {
		uvf_free(prereg);
		return ret;
	}
	uvf_list_append(&sp->preregs, &prereg->node);
	sp->is_enabled = true;
	return 0;
}

/**
 * uvf_spapr_ioctl_register() - VFIO_IOMMU_SPAPR_REGISTER_MEMORY
 * @arg: struct vfio_iommu_spapr_register_memory
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; flags; not whole pages; a range that wraps
 *   -ENOMEM  no size
 *   -EBUSY   this container has registered it
 *   -ENOMEM  over the limit of locked memory; out of memory
 *   -EFAULT  the memory is not there, or not writable
 *   -EINVAL  it meets a region of this process
 */
long uvf_spapr_ioctl_register(struct uvf_spapr *sp, struct uvf_caller *caller,
			      uint64_t arg)
{
	struct vfio_iommu_spapr_register_memory args;
	bool is_unreadable = uvf_copy_in(caller, &args, arg, sizeof(args));
	int ret;

	uvf_lock(&sp->lock);
	ret = uvf_spapr_take_mm_locked(sp, caller);
	if (!ret && is_unreadable)
		ret = -EFAULT;
	if (!ret && (args.argsz < sizeof(args) || args.flags))
		ret = -EINVAL;
	if (!ret)
		ret = register_locked(sp, caller, &args);
	uvf_unlock(&sp->lock);
	return ret;
}

static int
unregister_locked(struct uvf_spapr *sp,
		  const struct vfio_iommu_spapr_register_memory *args)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_prereg *prereg = NULL;
	struct uvf_range vaddr;
	int ret;

	if ((args->vaddr | args->size) & PAGE_MASK)
		return -EINVAL;
	if (!uvf_range_make(&vaddr, args->vaddr, args->size))
		prereg = find_prereg_locked(sp, vaddr);
	if (!prereg)
		return -ENOENT;
	ret = put(prereg->region, true);
	if (ret)
		return ret;
	uvf_list_remove(&prereg->node);
	uvf_free(prereg);
	return 0;
}

/**
 * uvf_spapr_ioctl_unregister() - VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY
 * @arg: struct vfio_iommu_spapr_register_memory
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first, or there was none yet
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; flags; not whole pages
 *   -ENOENT  this container has not registered exactly this
 *   -EBUSY   no other container has, and TCEs lead there
 */
long uvf_spapr_ioctl_unregister(struct uvf_spapr *sp, struct uvf_caller *caller,
				uint64_t arg)
{
	struct vfio_iommu_spapr_register_memory args;
	bool is_unreadable = uvf_copy_in(caller, &args, arg, sizeof(args));
	int ret = 0;

	uvf_lock(&sp->lock);
	if (sp->mm != caller->mm)
		ret = -EPERM;
	if (!ret && is_unreadable)
		ret = -EFAULT;
	if (!ret && (args.argsz < sizeof(args) || args.flags))
		ret = -EINVAL;
	if (!ret)
		ret = unregister_locked(sp, &args);
	uvf_unlock(&sp->lock);
	return ret;
}

void uvf_spapr_forget_memory_locked(struct uvf_spapr *sp)
{
	uvf_assert_held(&sp->lock);
	while (!uvf_list_is_empty(&sp->preregs)) {
		struct uvf_spapr_prereg *prereg = uvf_list_entry(
			sp->preregs.next, struct uvf_spapr_prereg, node);

		(void)put(prereg->region, false);
		uvf_list_remove(&prereg->node);
		uvf_free(prereg);
	}
}
