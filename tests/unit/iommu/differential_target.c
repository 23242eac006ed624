/* SPDX-License-Identifier: BSD-3-Clause */
#include "differential_target.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "iommu/account.h"
#include "iommu/iommufd/abi.h"
#include "iommu/translate.h"
#include "mem/copy.h"
#include "mem/self.h"

#define CANARY 0xa5

static bool is_type1(const struct target *target)
{
	return target->mode == DM_V1 || target->mode == DM_V2;
}

uint8_t *target_memory(void)
{
	/* Nothing of ours is near: a part of a mapping may lead there. */
	const size_t guard = 4096 * DM_PAGE;
	const size_t good = DM_GOOD * DM_PAGE;
	const size_t read_only = DM_READ_ONLY * DM_PAGE;
	static uint8_t *memory;

	if (memory)
		return memory;
	memory = mmap(NULL, 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	memory += guard;
	mprotect(memory, good + read_only, PROT_READ | PROT_WRITE);
	/* What nobody has written counts otherwise in old kernels. */
	memset(memory, 0, good + read_only);
	mprotect(memory + good, read_only, PROT_READ);
	munmap(memory + good + read_only + DM_NOTHING / 2 * DM_PAGE,
	       DM_NOTHING / 2 * DM_PAGE);
	return memory;
}

static int group_claim(void *arg, void *owner)
{
	struct target *target = arg;

	target->owner = owner;
	return 0;
}

static void group_release(void *arg, void *owner)
{
	struct target *target = arg;

	assert_ptr_equal(target->owner, owner);
}

static void group_aim(void *arg, struct uvf_aspace *as)
{
	struct target *target = arg;

	target->as = as;
}

static const struct uvf_iommufd_group_ops group_ops = {
	.claim = group_claim,
	.release = group_release,
	.aim = group_aim,
};

/* Users pay for iommufds: one for each mode, which may live side by side. */
static uid_t uid_of(struct uvf_caller *caller)
{
	return 1000u + uvf_container_of(caller, struct target, caller)->mode;
}

static const struct uvf_caller_ops caller_ops = {.uid = uid_of};

static long ioctl_of(struct target *target, unsigned int cmd, void *arg)
{
	if (is_type1(target))
		return rig_ioctl(&target->rig, cmd, arg);
	return uvf_iommufd_ioctl(target->ctx, &target->caller, cmd,
				 (uintptr_t)arg);
}

static void open_iommufd(struct target *target, const char *abi)
{
	struct iommu_vfio_ioas select = {
		.size = sizeof(select),
		.op = IOMMU_VFIO_IOAS_SET,
	};
	unsigned long type =
		target->mode == DM_C1 ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU;

	assert_int_equal(uvf_profile_parse(&target->profile, abi, NULL), 0);
	target->host = (struct uvf_iommu_host){
		.profile = &target->profile,
		.aperture_bits = 48,
		.page_sizes = 0x40201000,
		.msi_window = {DM_WINDOW, DM_WINDOW_LAST},
	};
	target->caller.ops = &caller_ops;
	target->caller.pid = getpid();
	target->caller.ignores_memlock = true;
	assert_int_equal(uvf_self_create(&target->caller.mm), 0);
	assert_int_equal(uvf_user_lookup(&target->user, &target->caller), 0);
	assert_int_equal(uvf_iommufd_create(&target->ctx, &target->host, NULL),
			 0);
	assert_int_equal(uvf_iommufd_device_bind(&target->device, target->ctx,
						 &group_ops, target),
			 0);
	for (int i = 0; i < 2; i++) {
		struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};

		assert_int_equal(ioctl_of(target, IOMMU_IOAS_ALLOC, &alloc), 0);
		target->ioas[i] = alloc.out_ioas_id;
	}
	if (target->mode == DM_N)
		return;
	select.ioas_id = target->ioas[0];
	assert_int_equal(ioctl_of(target, IOMMU_VFIO_IOAS, &select), 0);
	assert_int_equal(ioctl_of(target, VFIO_SET_IOMMU, (void *)type), 0);
}

void target_open(struct target *target, enum dm_mode mode, const char *abi)
{
	/* In each test: cmocka puts its own handlers before each. */
	assert_int_equal(uvf_copy_guard_init(), 0);
	memset(target, 0, sizeof(*target));
	target->mode = mode;
	if (is_type1(target)) {
		struct uvf_iommu_host host = rig_host;

		host.reports_all_dirty = false;
		rig_open_on(&target->rig,
			    mode == DM_V1 ? VFIO_TYPE1_IOMMU
					  : VFIO_TYPE1v2_IOMMU,
			    abi, &host);
		for (unsigned int i = 0; i < TARGET_GROUPS - 1; i++)
			rig_member(&target->members[i], NULL);
		target->as = target->rig.as;
		return;
	}
	open_iommufd(target, abi);
	assert_int_equal(target_attach(target, 0), 0);
	uvf_reader_register();
}

void target_close(struct target *target)
{
	if (is_type1(target)) {
		while (target->member_count)
			target_detach(target);
		rig_close(&target->rig);
		return;
	}
	uvf_reader_unregister();
	uvf_iommufd_device_unbind(target->device);
	uvf_iommufd_put(target->ctx);
	assert_int_equal(uvf_user_pages(target->user), 0);
	uvf_user_put(target->user);
	/* No mapping left a reference. */
	assert_int_equal(atomic_load(&target->caller.mm->ref.count), 1);
	uvf_mm_put(target->caller.mm);
}

/* A structure in a field of canaries. */
struct field {
	uint8_t bytes[128];
};

static void plant(struct field *field, const void *arg, size_t size)
{
	memset(field->bytes, CANARY, sizeof(field->bytes));
	memcpy(field->bytes, arg, size);
}

/* Whether nothing but what @arg has now was written. */
static void check_field(const struct field *field, const void *arg, size_t size)
{
	struct field want;

	plant(&want, arg, size);
	assert_memory_equal(field, &want, sizeof(want));
}

int target_map(struct target *target, struct dm_call *call)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = call->argsz,
		.flags = call->flags,
		.vaddr = call->vaddr,
		.iova = call->iova,
		.size = call->size,
	};
	struct iommu_ioas_map native = {
		.size = sizeof(native),
		.flags = call->flags,
		.ioas_id = target->ioas[call->space],
		.user_va = call->vaddr,
		.length = call->size,
		.iova = call->iova,
	};
	struct field field;
	int ret;

	if (target->mode != DM_N) {
		plant(&field, &map, sizeof(map));
		ret = (int)ioctl_of(target, VFIO_IOMMU_MAP_DMA, &field);
		check_field(&field, &map, sizeof(map));
		return ret;
	}
	plant(&field, &native, sizeof(native));
	ret = (int)ioctl_of(target, IOMMU_IOAS_MAP, &field);
	memcpy(&native.iova,
	       field.bytes + offsetof(struct iommu_ioas_map, iova),
	       sizeof(native.iova));
	check_field(&field, &native, sizeof(native));
	call->iova = native.iova;
	return ret;
}

int target_unmap(struct target *target, struct dm_call *call)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = call->argsz,
		.flags = call->flags,
		.iova = call->iova,
		.size = call->size,
	};
	struct iommu_ioas_unmap native = {
		.size = sizeof(native),
		.ioas_id = target->ioas[call->space],
		.iova = call->iova,
		.length = call->size,
	};
	struct field field;
	int ret;

	if (target->mode != DM_N) {
		plant(&field, &unmap, sizeof(unmap));
		ret = (int)ioctl_of(target, VFIO_IOMMU_UNMAP_DMA, &field);
		memcpy(&unmap.size,
		       field.bytes + offsetof(struct vfio_iommu_type1_dma_unmap,
					      size),
		       sizeof(unmap.size));
		check_field(&field, &unmap, sizeof(unmap));
		call->size = unmap.size;
		return ret;
	}
	plant(&field, &native, sizeof(native));
	ret = (int)ioctl_of(target, IOMMU_IOAS_UNMAP, &field);
	memcpy(&native.length,
	       field.bytes + offsetof(struct iommu_ioas_unmap, length),
	       sizeof(native.length));
	check_field(&field, &native, sizeof(native));
	call->size = native.length;
	return ret;
}

int target_copy(struct target *target, struct dm_call *call)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = call->flags,
		.dst_ioas_id = target->ioas[call->space],
		.src_ioas_id = target->ioas[call->source],
		.length = call->size,
		.dst_iova = call->iova,
		.src_iova = call->vaddr,
	};
	struct field field;
	int ret;

	plant(&field, &copy, sizeof(copy));
	ret = (int)ioctl_of(target, IOMMU_IOAS_COPY, &field);
	memcpy(&copy.dst_iova,
	       field.bytes + offsetof(struct iommu_ioas_copy, dst_iova),
	       sizeof(copy.dst_iova));
	check_field(&field, &copy, sizeof(copy));
	call->iova = copy.dst_iova;
	return ret;
}

int target_attach(struct target *target, unsigned int space)
{
	uint32_t id = target->ioas[space];
	struct uvf_aspace *as;
	int ret;

	if (is_type1(target)) {
		ret = rig_attach(&target->rig,
				 &target->members[target->member_count], &as);
		if (ret)
			return ret;
		target->member_count++;
		/* They are all alike, and so in one domain. */
		assert_ptr_equal(as, target->as);
		return 0;
	}
	return uvf_iommufd_device_attach(target->device, &id);
}

void target_detach(struct target *target)
{
	if (is_type1(target))
		target->rig.backend->detach_group(
			target->rig.state,
			&target->members[--target->member_count]);
	else
		uvf_iommufd_device_detach(target->device);
}

int target_allow(struct target *target, unsigned int space,
		 const struct dm_range *ranges, unsigned int count)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = target->ioas[space],
		.num_iovas = count,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return (int)ioctl_of(target, IOMMU_IOAS_ALLOW_IOVAS, &allow);
}

static unsigned int native_ranges(struct target *target, unsigned int space,
				  struct dm_range ret_ranges[4])
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = target->ioas[space],
		.num_iovas = 4,
		.allowed_iovas = (uintptr_t)ret_ranges,
	};

	assert_int_equal(ioctl_of(target, IOMMU_IOAS_IOVA_RANGES, &query), 0);
	return query.num_iovas;
}

unsigned int target_ranges(struct target *target, unsigned int space,
			   struct dm_range ret_ranges[4], uint32_t *ret_left)
{
	struct {
		struct vfio_iommu_type1_info info;
		uint8_t caps[512];
	} reply = {.info.argsz = sizeof(reply)};
	struct vfio_info_cap_header header;
	unsigned int count = 0;

	*ret_left = 0;
	if (target->mode == DM_N)
		return native_ranges(target, space, ret_ranges);
	assert_int_equal(ioctl_of(target, VFIO_IOMMU_GET_INFO, &reply), 0);
	for (uint32_t at = reply.info.cap_offset; at; at = header.next) {
		const uint8_t *cap = (uint8_t *)&reply + at;

		memcpy(&header, cap, sizeof(header));
		if (header.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			memcpy(ret_left, cap + 8, sizeof(*ret_left));
		if (header.id != VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			continue;
		memcpy(&count, cap + 8, sizeof(count));
		assert_true(count <= 4);
		memcpy(ret_ranges, cap + 16, count * sizeof(ret_ranges[0]));
	}
	return count;
}

int target_dirty(struct target *target, uint32_t flags, uint64_t iova,
		 uint64_t size, void *bitmap, uint64_t bitmap_size)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.head = {.argsz = sizeof(arg), .flags = flags},
		.get = {.iova = iova,
			.size = size,
			.bitmap = {.pgsize = DM_PAGE,
				   .size = bitmap_size,
				   .data = bitmap}},
	};

	return (int)ioctl_of(target, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

size_t target_dma(struct target *target, uint64_t iova, void *buf, size_t len,
		  bool is_write)
{
	size_t done = 0;
	int ret;

	if (!target->as)
		return 0;
	ret = is_write ? uvf_aspace_write(target->as, iova, buf, len, &done)
		       : uvf_aspace_read(target->as, iova, buf, len, &done);
	assert_int_equal(ret, done == len ? 0 : -EFAULT);
	return done;
}

uint64_t target_locked(const struct target *target)
{
	return is_type1(target) ? uvf_account_pages(target->rig.caller.mm)
				: uvf_user_pages(target->user);
}
