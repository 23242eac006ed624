/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/profile.h"
#include "iommu/account.h"
#include "iommu/translate.h"
#include "mem/copy.h"
#include "mem/self.h"

uint8_t *rig_memory;

const struct uvf_iommu_host rig_host = {
	.aperture_bits = 48,
	.page_sizes = 0x40201000,
	.reports_all_dirty = true,
	.msi_window = {0xfee00000, 0xfeefffff},
};

void rig_member(struct uvf_iommu_member *member, const struct uvf_iommu_hw *hw)
{
	*member = (struct uvf_iommu_member){.hw = hw};
	uvf_list_init(&member->node);
}

int rig_attach(struct rig *rig, struct uvf_iommu_member *member,
	       struct uvf_aspace **ret_as)
{
	return rig->backend->attach_group(rig->state, &rig->caller, member,
					  ret_as);
}

void rig_open_bare(struct rig *rig, unsigned long type, const char *abi,
		   const struct uvf_iommu_host *host)
{
	/* In each test: cmocka puts its own handlers before each. */
	assert_int_equal(uvf_copy_guard_init(), 0);
	if (!rig_memory)
		rig_memory =
			mmap(NULL, RIG_PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(rig, 0, sizeof(*rig));
	assert_int_equal(uvf_profile_parse(&rig->profile, abi, NULL), 0);
	rig->backend = uvf_iommu_backends[0];
	rig->host = *host;
	rig->host.profile = &rig->profile;
	rig->caller.ignores_memlock = true;
	assert_int_equal(uvf_self_create(&rig->caller.mm), 0);
	rig_member(&rig->member, NULL);
	assert_int_equal(rig->backend->open(&rig->state, &rig->host, type), 0);
	uvf_reader_register();
}

void rig_open_on(struct rig *rig, unsigned long type, const char *abi,
		 const struct uvf_iommu_host *host)
{
	rig_open_bare(rig, type, abi, host);
	assert_int_equal(rig_attach(rig, &rig->member, &rig->as), 0);
}

void rig_open(struct rig *rig, unsigned long type, const char *abi)
{
	rig_open_on(rig, type, abi, &rig_host);
}

void rig_close(struct rig *rig)
{
	rig->backend->detach_group(rig->state, &rig->member);
	rig_close_bare(rig);
}

void rig_close_bare(struct rig *rig)
{
	uvf_reader_unregister();
	rig->backend->release(rig->state);
	assert_int_equal(uvf_account_pages(rig->caller.mm), 0);
	/* No mapping left a reference. */
	assert_int_equal(atomic_load(&rig->caller.mm->ref.count), 1);
	uvf_mm_put(rig->caller.mm);
}

int rig_ioctl(struct rig *rig, unsigned int cmd, void *arg)
{
	return (int)rig->backend->ioctl(rig->state, &rig->caller, cmd,
					(uintptr_t)arg);
}

int rig_map(struct rig *rig, uint32_t flags, const void *vaddr, uint64_t iova,
	    uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return rig_ioctl(rig, VFIO_IOMMU_MAP_DMA, &map);
}

int rig_unmap(struct rig *rig, uint32_t flags, uint64_t iova, uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int ret = rig_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*size = unmap.size;
	return ret;
}

bool rig_is_mapped(struct rig *rig, uint64_t iova)
{
	uint8_t byte;

	return !uvf_aspace_read(rig->as, iova, &byte, 1, NULL);
}

/* GET_INFO with all capabilities. */
struct reply {
	struct vfio_iommu_type1_info info;
	uint8_t caps[1024];
};

/* Where a capability is, or NULL. */
static const void *find_cap(struct rig *rig, struct reply *reply, uint16_t id)
{
	struct vfio_info_cap_header header;
	uint32_t at;

	memset(reply, 0, sizeof(*reply));
	reply->info.argsz = sizeof(*reply);
	assert_int_equal(rig_ioctl(rig, VFIO_IOMMU_GET_INFO, reply), 0);
	for (at = reply->info.cap_offset; at; at = header.next) {
		memcpy(&header, (uint8_t *)reply + at, sizeof(header));
		if (header.id == id)
			return (uint8_t *)reply + at;
	}
	return NULL;
}

uint32_t rig_available(struct rig *rig)
{
	struct vfio_iommu_type1_info_dma_avail avail;
	struct reply reply;
	const void *cap =
		find_cap(rig, &reply, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);

	assert_non_null(cap);
	memcpy(&avail, cap, sizeof(avail));
	return avail.avail;
}

uint64_t rig_page_sizes(struct rig *rig)
{
	struct reply reply;

	(void)find_cap(rig, &reply, 0);
	return reply.info.iova_pgsizes;
}

unsigned int rig_valid(struct rig *rig, struct uvf_range *ret_ranges)
{
	struct vfio_iommu_type1_info_cap_iova_range head;
	struct reply reply;
	const uint8_t *cap =
		find_cap(rig, &reply, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);

	if (!cap)
		return 0;
	memcpy(&head, cap, sizeof(head));
	assert_in_range(head.nr_iovas, 1, RIG_RANGES);
	for (uint32_t i = 0; i < head.nr_iovas; i++) {
		struct vfio_iova_range range;

		memcpy(&range, cap + sizeof(head) + i * sizeof(range),
		       sizeof(range));
		ret_ranges[i] = (struct uvf_range){range.start, range.end};
	}
	return head.nr_iovas;
}
