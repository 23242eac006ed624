/* SPDX-License-Identifier: BSD-3-Clause */
#include "spapr_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "iommu/account.h"
#include "iommu/translate.h"
#include "mem/copy.h"
#include "mem/self.h"

#define READ_ONLY 4u
#define NOT_THERE 4u

uint8_t *spapr_memory;

static void make_memory(void)
{
	const size_t align = 16 * PAGE;
	size_t size = (SPAPR_GOOD + READ_ONLY + NOT_THERE) * PAGE;
	uint8_t *base;

	if (spapr_memory)
		return;
	base = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(base, MAP_FAILED);
	base += -(uintptr_t)base % align;
	mprotect(base + SPAPR_GOOD * PAGE, READ_ONLY * PAGE, PROT_READ);
	munmap(base + (SPAPR_GOOD + READ_ONLY) * PAGE, NOT_THERE * PAGE);
	spapr_memory = base;
}

static void block(struct uvf_iommu_member *member, bool is_blocked)
{
	uvf_container_of(member, struct spapr_group, member)->is_blocked =
		is_blocked;
}

static void set_windows(struct uvf_iommu_member *member,
			const struct uvf_tce_window *windows)
{
	struct spapr_group *group =
		uvf_container_of(member, struct spapr_group, member);

	memcpy(group->windows, windows, sizeof(group->windows));
}

void spapr_open_rig(struct spapr_rig *rig, unsigned long type, const char *abi)
{
	/* In each test: cmocka puts its own handlers before each. */
	assert_int_equal(uvf_copy_guard_init(), 0);
	make_memory();
	memset(rig, 0, sizeof(*rig));
	assert_int_equal(uvf_profile_parse(&rig->profile, abi, NULL), 0);
	rig->hw = uvf_spapr_powernv;
	rig->host.profile = &rig->profile;
	rig->host.spapr = &rig->hw;
	for (int i = 0; i < 2; i++) {
		rig->groups[i].member.block = block;
		rig->groups[i].member.set_windows = set_windows;
	}
	assert_int_equal(uvf_self_create(&rig->caller.mm), 0);
	rig->caller.pid = getpid();
	rig->caller.ignores_memlock = true;
	assert_int_equal(uvf_self_create(&rig->other.mm), 0);
	rig->other.pid = getpid();
	rig->other.ignores_memlock = true;
	assert_int_equal(uvf_spapr_backend.open(&rig->state, &rig->host, type),
			 0);
	assert_int_equal(uvf_spapr_backend.attach_group(rig->state, NULL,
							&rig->groups[0].member,
							&rig->as),
			 0);
	uvf_reader_register();
}

void spapr_close_rig(struct spapr_rig *rig)
{
	uvf_reader_unregister();
	uvf_spapr_backend.detach_group(rig->state, &rig->groups[0].member);
	uvf_spapr_backend.release(rig->state);
	assert_int_equal(uvf_account_pages(rig->caller.mm), 0);
	assert_int_equal(uvf_account_pages(rig->other.mm), 0);
	/* No mapping left a reference. */
	assert_int_equal(atomic_load(&rig->caller.mm->ref.count), 1);
	assert_int_equal(atomic_load(&rig->other.mm->ref.count), 1);
	uvf_mm_put(rig->caller.mm);
	uvf_mm_put(rig->other.mm);
}

void *spapr_open_other(struct spapr_rig *rig, unsigned long type)
{
	struct uvf_aspace *as;
	void *state;

	assert_int_equal(uvf_spapr_backend.open(&state, &rig->host, type), 0);
	assert_int_equal(uvf_spapr_backend.attach_group(
				 state, NULL, &rig->groups[1].member, &as),
			 0);
	return state;
}

void spapr_close_other(struct spapr_rig *rig, void *state)
{
	uvf_spapr_backend.detach_group(state, &rig->groups[1].member);
	uvf_spapr_backend.release(state);
}

int spapr_ioctl(struct spapr_rig *rig, unsigned int cmd, void *arg)
{
	return (int)uvf_spapr_backend.ioctl(rig->state, &rig->caller, cmd,
					    (uintptr_t)arg);
}

int spapr_map(struct spapr_rig *rig, uint32_t flags, const void *vaddr,
	      uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return spapr_ioctl(rig, VFIO_IOMMU_MAP_DMA, &map);
}

int spapr_unmap(struct spapr_rig *rig, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int ret = spapr_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &unmap);

	assert_int_equal(unmap.size, size);
	return ret;
}

int spapr_register(struct spapr_rig *rig, unsigned int cmd, const void *vaddr,
		   uint64_t size)
{
	struct vfio_iommu_spapr_register_memory args = {
		.argsz = sizeof(args),
		.vaddr = (uintptr_t)vaddr,
		.size = size,
	};

	return spapr_ioctl(rig, cmd, &args);
}

int spapr_create(struct spapr_rig *rig, uint32_t page_shift, uint64_t size,
		 uint32_t levels, uint64_t *ret_start)
{
	struct vfio_iommu_spapr_tce_create args = {
		.argsz = sizeof(args),
		.page_shift = page_shift,
		.window_size = size,
		.levels = levels,
		.start_addr = 7,
	};
	int ret = spapr_ioctl(rig, VFIO_IOMMU_SPAPR_TCE_CREATE, &args);

	if (ret)
		assert_int_equal(args.start_addr, 7);
	*ret_start = args.start_addr;
	return ret;
}

int spapr_remove(struct spapr_rig *rig, uint64_t start)
{
	struct vfio_iommu_spapr_tce_remove args = {
		.argsz = sizeof(args),
		.start_addr = start,
	};

	return spapr_ioctl(rig, VFIO_IOMMU_SPAPR_TCE_REMOVE, &args);
}

int spapr_eeh(struct spapr_rig *rig, uint32_t op)
{
	struct vfio_eeh_pe_op args = {.argsz = sizeof(args), .op = op};

	return spapr_ioctl(rig, VFIO_EEH_PE_OP, &args);
}

int spapr_read(struct spapr_rig *rig, uint64_t iova)
{
	uint8_t byte;

	return uvf_aspace_read(rig->as, iova, &byte, 1, NULL) ? -1 : byte;
}

bool spapr_write(struct spapr_rig *rig, uint64_t iova, uint8_t byte)
{
	return !uvf_aspace_write(rig->as, iova, &byte, 1, NULL);
}

uint64_t spapr_charged(const struct spapr_rig *rig)
{
	return uvf_account_pages(rig->caller.mm);
}

uint8_t *spapr_page(unsigned int number)
{
	return spapr_memory + number * PAGE;
}

void spapr_number_pages(void)
{
	for (unsigned int i = 0; i < SPAPR_GOOD; i++)
		memset(spapr_page(i), (int)i, PAGE);
}

void spapr_open_v1(struct spapr_rig *rig)
{
	spapr_open_rig(rig, V1, "6.12");
	assert_int_equal(spapr_ioctl(rig, VFIO_IOMMU_ENABLE, NULL), 0);
	spapr_number_pages();
}

void spapr_open_v2(struct spapr_rig *rig)
{
	spapr_open_rig(rig, V2, "6.12");
	assert_int_equal(
		spapr_register(rig, REGISTER, spapr_memory, SPAPR_GOOD * PAGE),
		0);
	spapr_number_pages();
}
