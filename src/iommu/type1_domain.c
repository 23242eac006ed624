/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups of a type1 container, and the page tables they share.
 *
 * Source: vfio_iommu_type1_attach_group(), _detach_group() and
 * vfio_iommu_replay() of drivers/vfio/vfio_iommu_type1.c, Linux 6.12.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/caller.h"
#include "mem/mem.h"

#define PAGE_BYTES 4096ull

static const struct uvf_iommu_hw *hw_of(const struct uvf_type1 *t1,
					const struct uvf_iommu_member *member)
{
	return member->hw ? member->hw : &t1->hw;
}

bool uvf_type1_has_domain_locked(const struct uvf_type1 *t1)
{
	return !uvf_list_is_empty(&t1->domains);
}

static void unlink_before(struct uvf_type1 *t1, const struct uvf_list *end,
			  const struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;

	for (node = t1->domains.next; node != end; node = node->next)
		uvf_aspace_unlink(uvf_type1_domain_of(node)->aspace,
				  mapping->node.key);
}

void uvf_type1_unlink_domains_locked(struct uvf_type1 *t1,
				     const struct uvf_mapping *mapping)
{
	unlink_before(t1, &t1->domains, mapping);
}

void uvf_type1_drain_domains_locked(struct uvf_type1 *t1)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &t1->domains)
		uvf_aspace_drain(uvf_type1_domain_of(node)->aspace);
}

/*
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the tables do not reach so far, which nobody told before 5.4
 *   -ENOMEM  out of memory
 */
static int map_domain(struct uvf_type1_domain *domain,
		      const struct uvf_mapping *mapping)
{
	struct uvf_mem *mem = uvf_mapping_mem(mapping);

	if (!uvf_range_contains(domain->hw.aperture, mapping->node.key))
		return -EFAULT;
	return uvf_aspace_map_slice(domain->aspace, mapping->node.key, mem,
				    uvf_mapping_offset(mapping), mem->prot);
}

int uvf_type1_map_domains_locked(struct uvf_type1 *t1,
				 const struct uvf_mapping *mapping)
{
	struct uvf_list *node;
	int ret;

	uvf_list_for_each (node, &t1->domains) {
		ret = map_domain(uvf_type1_domain_of(node), mapping);
		if (!ret)
			continue;
		unlink_before(t1, node, mapping);
		uvf_type1_drain_domains_locked(t1);
		return ret;
	}
	return 0;
}

/*
 * The kernel looks at pages one by one, and so finds the limit first where
 * that comes before the page that is not there.
 */
static int refine_fault(struct uvf_caller *caller, struct uvf_mm *mm,
			struct uvf_range vaddr, uint32_t prot)
{
	uint64_t pages = (vaddr.last - vaddr.first) / PAGE_BYTES + 1;
	uint64_t room = uvf_account_room(caller, mm);
	struct uvf_mem *mem;

	if (room >= pages)
		return -EFAULT;
	vaddr.last = vaddr.first + room * PAGE_BYTES + (PAGE_BYTES - 1);
	if (uvf_mem_create(&mem, mm, vaddr, prot))
		return -EFAULT;
	uvf_mem_put(mem);
	if (uvf_account_charge(caller, mm, pages))
		return -ENOMEM;
	/* The limit was raised meanwhile. */
	uvf_account_uncharge(mm, pages);
	return -EFAULT;
}

/*
 * Pages that are pinned and charged to nobody: the page of zeros, which old
 * kernels let a device read in place of one that nobody has written.
 */
static uint64_t count_free(const struct uvf_type1 *t1, struct uvf_mm *mm,
			   struct uvf_range vaddr, uint32_t prot)
{
	if (prot & UVF_PROT_WRITE || !t1->host.profile->zero_page_is_free)
		return 0;
	return uvf_mm_unwritten_pages(mm, vaddr);
}

int uvf_type1_pin_memory(const struct uvf_type1 *t1, struct uvf_caller *caller,
			 struct uvf_mapping *mapping, struct uvf_mm *mm,
			 struct uvf_range vaddr, uint32_t prot)
{
	uint64_t charged = uvf_mapping_charged(mapping);
	uint64_t pages, nobodys;
	struct uvf_mem *mem;
	int ret = uvf_mem_create(&mem, mm, vaddr, prot);

	if (ret == -EFAULT)
		return refine_fault(caller, mm, vaddr, prot);
	if (ret)
		return ret;
	nobodys = count_free(t1, mm, vaddr, prot);
	pages = uvf_mem_pinned_pages(mem) - nobodys;
	if (nobodys && !uvf_mapping_get_more(mapping))
		ret = -ENOMEM;
	else if (pages > charged)
		ret = uvf_account_charge(caller, mm, pages - charged);
	if (ret) {
		uvf_mem_put(mem);
		return ret;
	}
	if (uvf_mapping_is(mapping, UVF_MAPPING_MORE)) {
		mapping->more->offset = 0;
		if (pages > charged) {
			mapping->more->charged = pages;
			mapping->more->payer = mm;
		}
	}
	uvf_mapping_set_mem(mapping, mem);
	mapping->node.own |= UVF_MAPPING_MAPPED;
	return 0;
}

/* No domain has it, so that what is charged is the pages that are pinned. */
static void leave_mapping_locked(struct uvf_type1 *t1,
				 struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	uint64_t pins = uvf_type1_count_pins_locked(t1, mapping->node.key);
	uint64_t charged = uvf_mapping_charged(mapping);

	if (charged > pins)
		uvf_account_uncharge(uvf_mapping_payer(mapping),
				     charged - pins);
	mapping->node.own &= ~UVF_MAPPING_MAPPED;
	if (!uvf_mapping_is(mapping, UVF_MAPPING_MORE))
		UVF_BUG_ON(pins); /* who pins takes care of that */
	else if (charged > pins)
		mapping->more->charged = pins;
}

static struct uvf_range vaddr_of(const struct uvf_mapping *mapping)
{
	const struct uvf_range iova = mapping->node.key;
	uint64_t first =
		uvf_mapping_mem(mapping)->vaddr + uvf_mapping_offset(mapping);

	return (struct uvf_range){first, first + (iova.last - iova.first)};
}

/* One mapping of a container that had none behind an IOMMU, or an other. */
static int replay_one_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
			     struct uvf_type1_domain *domain,
			     struct uvf_mapping *mapping) UVF_REQUIRES(t1->lock)
{
	bool is_first = !uvf_type1_has_domain_locked(t1);
	const struct uvf_mem *mem = uvf_mapping_mem(mapping);
	int ret = 0;

	if (is_first)
		ret = uvf_type1_pin_memory(t1, caller, mapping, mem->mm,
					   vaddr_of(mapping), mem->prot);
	if (ret)
		return ret;
	ret = map_domain(domain, mapping);
	if (ret && is_first)
		leave_mapping_locked(t1, mapping);
	return ret;
}

/*
 * Let a domain that is none of ours yet have all mappings.  On failure what
 * this added is undone, and nothing else.
 */
static int replay_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
			 struct uvf_type1_domain *domain) UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *node, *failed = NULL;
	int ret = 0;

	for (node = uvf_itree_first(&t1->mappings); node && !ret;
	     node = uvf_itree_next(node)) {
		ret = replay_one_locked(t1, caller, domain,
					uvf_mapping_of(node));
		failed = node;
	}
	for (node = uvf_itree_first(&t1->mappings); ret && node != failed;
	     node = uvf_itree_next(node)) {
		uvf_aspace_unlink(domain->aspace, node->key);
		if (!uvf_type1_has_domain_locked(t1))
			leave_mapping_locked(t1, uvf_mapping_of(node));
	}
	uvf_aspace_drain(domain->aspace);
	return ret;
}

static void domain_destroy(struct uvf_type1_domain *domain)
{
	uvf_aspace_destroy(domain->aspace);
	uvf_free(domain);
}

static int domain_create_locked(struct uvf_type1 *t1,
				const struct uvf_iommu_hw *hw,
				struct uvf_type1_domain **ret_domain)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_type1_domain *domain = uvf_zalloc(sizeof(*domain));
	int ret;

	if (!domain)
		return -ENOMEM;
	domain->hw = *hw;
	uvf_list_init(&domain->members);
	ret = uvf_aspace_create(&domain->aspace, hw->write_implies_read);
	if (ret) {
		uvf_free(domain);
		return ret;
	}
	if (uvf_type1_keeps_bits_locked(t1))
		ret = uvf_aspace_track_dirty(domain->aspace, true);
	if (ret)
		domain_destroy(domain);
	else
		*ret_domain = domain;
	return ret;
}

static bool is_mapped_locked(const struct uvf_type1 *t1, struct uvf_range iova)
	UVF_REQUIRES(t1->lock)
{
	return uvf_itree_find(&t1->mappings, iova);
}

/* Whether an aperture excludes all that was valid, or a mapping. */
static bool aperture_conflicts_locked(const struct uvf_type1 *t1,
				      struct uvf_range aperture)
	UVF_REQUIRES(t1->lock)
{
	uint64_t first, last;

	if (!t1->valid.count)
		return false;
	first = t1->valid.ranges[0].first;
	last = t1->valid.ranges[t1->valid.count - 1].last;
	if (aperture.first > last || aperture.last < first)
		return true;
	if (aperture.first > first &&
	    is_mapped_locked(t1, (struct uvf_range){first, aperture.first - 1}))
		return true;
	return aperture.last < last &&
	       is_mapped_locked(t1,
				(struct uvf_range){aperture.last + 1, last});
}

static bool reserved_conflicts_locked(const struct uvf_type1 *t1,
				      const struct uvf_iommu_hw *hw)
	UVF_REQUIRES(t1->lock)
{
	for (unsigned int i = 0; i < hw->resv_count; i++)
		if (!uvf_resv_may_map(&hw->resv[i]) &&
		    is_mapped_locked(t1, hw->resv[i].range))
			return true;
	return false;
}

/* What is valid once a group has joined, in a list of its own. */
static int narrow_locked(const struct uvf_type1 *t1,
			 const struct uvf_iommu_hw *hw,
			 struct uvf_iova_list *ret_valid) UVF_REQUIRES(t1->lock)
{
	struct uvf_iova_list valid;
	int ret;

	if (!t1->host.profile->type1_has_ranges) {
		*ret_valid = (struct uvf_iova_list){0};
		return 0;
	}
	if (aperture_conflicts_locked(t1, hw->aperture) ||
	    reserved_conflicts_locked(t1, hw))
		return -EINVAL;
	ret = uvf_iova_list_copy(&valid, &t1->valid);
	if (ret)
		return ret;
	ret = uvf_iova_list_trim(&valid, hw->aperture);
	if (!ret)
		ret = uvf_iova_list_punch(&valid, hw);
	if (ret)
		uvf_iova_list_fini(&valid);
	else
		*ret_valid = valid;
	return ret;
}

static void set_page_sizes_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;
	uint64_t sizes = UINT64_MAX;

	uvf_list_for_each (node, &t1->domains)
		sizes &= uvf_type1_domain_of(node)->hw.page_sizes;
	/* Hardware with smaller pages passes for one with the CPU's. */
	if (sizes & (PAGE_BYTES - 1))
		sizes = (sizes & ~(PAGE_BYTES - 1)) | PAGE_BYTES;
	t1->page_sizes = sizes;
}

static struct uvf_type1_domain *find_equal_locked(struct uvf_type1 *t1,
						  const struct uvf_iommu_hw *hw)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &t1->domains)
		if (uvf_iommu_hw_fits(&uvf_type1_domain_of(node)->hw, hw))
			return uvf_type1_domain_of(node);
	return NULL;
}

static bool allows_unsafe_interrupts(const struct uvf_type1 *t1)
{
	return t1->host.allow_unsafe_interrupts &&
	       atomic_load(t1->host.allow_unsafe_interrupts);
}

/* The group's domain, new or one that is there. */
static int join_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
		       const struct uvf_iommu_hw *hw,
		       struct uvf_type1_domain *domain,
		       struct uvf_type1_domain **ret_domain)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_type1_domain *equal;
	int ret;

	if (!hw->isolates_msi && !allows_unsafe_interrupts(t1))
		return -EPERM;
	equal = find_equal_locked(t1, hw);
	if (equal) {
		domain_destroy(domain);
		*ret_domain = equal;
		return 0;
	}
	ret = replay_locked(t1, caller, domain);
	if (ret)
		return ret;
	uvf_list_add(&t1->domains, &domain->node);
	set_page_sizes_locked(t1);
	*ret_domain = domain;
	return 0;
}

static int attach_backed_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
				struct uvf_iommu_member *member)
	UVF_REQUIRES(t1->lock)
{
	const struct uvf_iommu_hw *hw = hw_of(t1, member);
	struct uvf_type1_domain *domain;
	struct uvf_iova_list valid;
	int ret = domain_create_locked(t1, hw, &domain);

	if (ret)
		return ret;
	/* No x86 driver offers tables of two stages. */
	ret = t1->is_nesting ? -EINVAL : narrow_locked(t1, hw, &valid);
	if (ret)
		goto err_destroy;
	ret = join_locked(t1, caller, hw, domain, &domain);
	if (ret)
		goto err_fini;
	/* Commit: nothing below can fail. */
	uvf_iova_list_fini(&t1->valid);
	t1->valid = valid;
	uvf_list_append(&domain->members, &member->node);
	member->domain = domain;
	member->tells_pages = false;
	t1->silent_count++;
	return 0;

err_fini:
	uvf_iova_list_fini(&valid);
err_destroy:
	domain_destroy(domain);
	return ret;
}

/**
 * uvf_type1_attach_group() - let a group join
 *
 * Return: 0, or, in the order they are tested, and then nothing changed:
 *   -EBUSY   a mapping's client address is invalid
 *   -EINVAL  the group is there already
 *   -ENOMEM  out of memory
 *   -EINVAL  two-stage tables were asked for; a mapping, or all that is
 *            valid, lies outside the group's aperture; a mapping lies where
 *            the group's IOMMU reserves IOVAs; no IOVA would be valid
 *   -EPERM   its devices can forge interrupts
 *   -ENOMEM, -EFAULT  memory that was not looked at yet cannot be pinned;
 *            before 5.4, a mapping lies outside the group's aperture
 */
int uvf_type1_attach_group(void *state, struct uvf_caller *caller,
			   struct uvf_iommu_member *member,
			   struct uvf_aspace **ret_as)
{
	struct uvf_type1 *t1 = state;
	struct uvf_type1_domain *domain;
	int ret = 0;

	uvf_lock(&t1->lock);
	if (t1->invalid_count)
		ret = -EBUSY;
	else if (!uvf_list_is_empty(&member->node))
		ret = -EINVAL;
	else if (member->is_emulated)
		uvf_list_append(&t1->emulated, &member->node);
	else
		ret = attach_backed_locked(t1, caller, member);
	if (!ret) {
		domain = member->domain;
		*ret_as = domain ? domain->aspace : NULL;
	}
	uvf_unlock(&t1->lock);
	return ret;
}

static void clear_domain_locked(struct uvf_type1 *t1,
				struct uvf_type1_domain *domain)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *node;

	for (node = uvf_itree_first(&t1->mappings); node;
	     node = uvf_itree_next(node))
		uvf_aspace_unlink(domain->aspace, node->key);
	uvf_aspace_drain(domain->aspace);
}

/* No domain is left, but a group that is emulated. */
static void unpin_all_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *node;

	for (node = uvf_itree_first(&t1->mappings); node;
	     node = uvf_itree_next(node))
		leave_mapping_locked(t1, uvf_mapping_of(node));
}

static void leave_domain_locked(struct uvf_type1 *t1,
				struct uvf_type1_domain *domain)
	UVF_REQUIRES(t1->lock)
{
	bool is_last = domain->node.next == domain->node.prev;

	if (is_last && uvf_list_is_empty(&t1->emulated))
		uvf_type1_remove_all_locked(t1);
	else
		clear_domain_locked(t1, domain);
	if (is_last)
		unpin_all_locked(t1);
	uvf_list_remove(&domain->node);
	domain_destroy(domain);
	set_page_sizes_locked(t1);
}

/* The apertures of all domains that are left, together. */
static struct uvf_range common_aperture_locked(const struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_range aperture = {0, UINT64_MAX};
	struct uvf_list *node;

	uvf_list_for_each (node, &t1->domains) {
		struct uvf_range one = uvf_type1_domain_of(node)->hw.aperture;

		if (one.first > aperture.first)
			aperture.first = one.first;
		if (one.last < aperture.last)
			aperture.last = one.last;
	}
	return aperture;
}

static int punch_members(const struct uvf_type1 *t1,
			 const struct uvf_type1_domain *domain,
			 struct uvf_iova_list *valid)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_list_for_each (node, &domain->members) {
		ret = uvf_iova_list_punch(
			valid,
			hw_of(t1, uvf_list_entry(node, struct uvf_iommu_member,
						 node)));
		if (ret)
			break;
	}
	return ret;
}

/* What a group that left kept from being valid; if there is the memory. */
static void widen_locked(struct uvf_type1 *t1, bool has_lost_domain)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_iova_list valid = {0};
	struct uvf_range aperture;
	struct uvf_list *node;
	int ret;

	if (!t1->valid.count)
		return;
	if (!uvf_type1_has_domain_locked(t1)) {
		/* Needs no memory, so that the last group leaves no trace. */
		t1->valid.ranges[0] = (struct uvf_range){0, UINT64_MAX};
		t1->valid.count = 1;
		return;
	}
	if (has_lost_domain)
		aperture = common_aperture_locked(t1);
	else
		aperture = (struct uvf_range){
			t1->valid.ranges[0].first,
			t1->valid.ranges[t1->valid.count - 1].last,
		};
	ret = uvf_iova_list_trim(&valid, aperture);
	uvf_list_for_each (node, &t1->domains)
		if (!ret)
			ret = punch_members(t1, uvf_type1_domain_of(node),
					    &valid);
	if (ret) {
		uvf_iova_list_fini(&valid);
		return;
	}
	uvf_iova_list_fini(&t1->valid);
	t1->valid = valid;
}

static void detach_backed_locked(struct uvf_type1 *t1,
				 struct uvf_iommu_member *member)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_type1_domain *domain = member->domain;
	bool is_empty = uvf_list_is_empty(&domain->members);

	member->domain = NULL;
	if (is_empty)
		leave_domain_locked(t1, domain);
	widen_locked(t1, is_empty);
	if (member->tells_pages)
		return;
	t1->silent_count--;
	/* What its devices wrote is known no more. */
	if (t1->is_tracking && t1->host.reports_all_dirty)
		uvf_type1_mark_all_dirty_locked(t1);
}

/**
 * uvf_type1_detach_group() - let a group leave
 *
 * The last group takes all mappings along; the last behind an IOMMU leaves
 * those of emulated groups, whose memory is pinned no more.
 */
void uvf_type1_detach_group(void *state, struct uvf_iommu_member *member)
{
	struct uvf_type1 *t1 = state;

	uvf_lock(&t1->lock);
	uvf_list_remove(&member->node);
	if (!member->is_emulated)
		detach_backed_locked(t1, member);
	else if (uvf_list_is_empty(&t1->emulated) &&
		 uvf_list_is_empty(&t1->domains))
		uvf_type1_remove_all_locked(t1);
	uvf_unlock(&t1->lock);
}
