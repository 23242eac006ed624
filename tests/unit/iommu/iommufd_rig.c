/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommufd_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/profile.h"
#include "iommu/translate.h"
#include "mem/copy.h"
#include "mem/self.h"

uint8_t *rig_memory;

static int group_claim(void *arg, void *owner)
{
	struct group *group = arg;

	if (group->refusal)
		return group->refusal;
	if (group->owner && group->owner != owner)
		return -EPERM;
	group->owner = owner;
	group->claims++;
	return 0;
}

static void group_release(void *arg, void *owner)
{
	struct group *group = arg;

	assert_ptr_equal(group->owner, owner);
	assert_null(group->claims == 1 ? group->as : NULL);
	if (!--group->claims)
		group->owner = NULL;
}

static void group_aim(void *arg, struct uvf_aspace *as)
{
	struct group *group = arg;

	group->as = as;
}

const struct uvf_iommufd_group_ops rig_group_ops = {
	.claim = group_claim,
	.release = group_release,
	.aim = group_aim,
};

struct uvf_iommufd_fault *rig_fault;

static int open_fault(struct uvf_caller *caller,
		      struct uvf_iommufd_fault *fault)
{
	(void)caller;
	rig_fault = fault;
	return RIG_FAULT_FD;
}

static int fd_fetch(struct uvf_caller *caller, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)caller;
	return own < 0 ? -errno : own;
}

bool rig_has_ipc_lock;
uid_t rig_uid;

static bool has_ipc_lock(struct uvf_caller *caller)
{
	(void)caller;
	return rig_has_ipc_lock;
}

static uid_t uid(struct uvf_caller *caller)
{
	(void)caller;
	return rig_uid;
}

static int fd_check(struct uvf_caller *caller)
{
	(void)caller;
	return 0;
}

static const struct uvf_caller_ops caller_ops = {
	.fd_fetch = fd_fetch,
	.fd_check = fd_check,
	.has_ipc_lock = has_ipc_lock,
	.uid = uid,
};

void rig_open(struct rig *rig)
{
	/* In each test: cmocka puts its own handlers before each. */
	assert_int_equal(uvf_copy_guard_init(), 0);
	if (!rig_memory) {
		rig_memory = mmap(NULL, (RIG_PAGES + 1) * PAGE,
				  PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(rig_memory + RIG_PAGES * PAGE, PAGE, PROT_NONE);
		for (unsigned int i = 0; i < RIG_PAGES; i++)
			memset(rig_memory + i * PAGE, (int)i + 1, PAGE);
	}
	memset(rig, 0, sizeof(*rig));
	assert_int_equal(uvf_profile_parse(&rig->profile, "6.12", NULL), 0);
	rig->host = (struct uvf_iommu_host){
		.profile = &rig->profile,
		.aperture_bits = 48,
		.page_sizes = 0x40201000,
		.vendor = UVF_IOMMU_INTEL,
		.is_scalable = true,
		.tracks_dirty = true,
		.msi_window = {0xfee00000, 0xfeefffff},
		.noiommu = &rig->noiommu,
	};
	rig->caller.ops = &caller_ops;
	rig->caller.pid = getpid();
	rig->caller.ignores_memlock = true;
	rig->caller.has_rawio = true;
	rig->caller.has_sys_resource = true;
	assert_int_equal(uvf_self_create(&rig->caller.mm), 0);
	assert_int_equal(uvf_iommufd_create(&rig->ctx, &rig->host, open_fault),
			 0);
	uvf_reader_register();
}

void rig_close(struct rig *rig)
{
	uvf_reader_unregister();
	uvf_iommufd_put(rig->ctx);
	/* No mapping left a reference. */
	assert_int_equal(atomic_load(&rig->caller.mm->ref.count), 1);
	uvf_mm_put(rig->caller.mm);
}

int rig_ioctl(struct rig *rig, unsigned int cmd, void *arg)
{
	return (int)uvf_iommufd_ioctl(rig->ctx, &rig->caller, cmd,
				      (uintptr_t)arg);
}

uint32_t rig_ioas(struct rig *rig)
{
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};

	assert_int_equal(rig_ioctl(rig, IOMMU_IOAS_ALLOC, &alloc), 0);
	return alloc.out_ioas_id;
}

int rig_destroy(struct rig *rig, uint32_t id)
{
	struct iommu_destroy destroy = {sizeof(destroy), id};

	return rig_ioctl(rig, IOMMU_DESTROY, &destroy);
}

int rig_map(struct rig *rig, uint32_t ioas, uint32_t flags, const void *vaddr,
	    uint64_t length, uint64_t *iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)vaddr,
		.length = length,
		.iova = *iova,
	};
	int ret = rig_ioctl(rig, IOMMU_IOAS_MAP, &map);

	*iova = map.iova;
	return ret;
}

int rig_map_at(struct rig *rig, uint32_t ioas, const void *vaddr,
	       uint64_t length, uint64_t iova)
{
	return rig_map(rig, ioas, FIXED | RW, vaddr, length, &iova);
}

int rig_unmap(struct rig *rig, uint32_t ioas, uint64_t iova, uint64_t *length)
{
	struct iommu_ioas_unmap unmap = {sizeof(unmap), ioas, iova, *length};
	int ret = rig_ioctl(rig, IOMMU_IOAS_UNMAP, &unmap);

	*length = unmap.length;
	return ret;
}

int rig_copy(struct rig *rig, uint32_t to, uint64_t *dst, uint32_t from,
	     uint64_t src, uint64_t length, uint32_t flags)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = flags,
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = length,
		.dst_iova = *dst,
		.src_iova = src,
	};
	int ret = rig_ioctl(rig, IOMMU_IOAS_COPY, &copy);

	*dst = copy.dst_iova;
	return ret;
}

struct uvf_iommufd_device *rig_bind(struct rig *rig, struct group *group)
{
	struct uvf_iommufd_device *device = NULL;

	assert_int_equal(uvf_iommufd_device_bind(&device, rig->ctx,
						 &rig_group_ops, group),
			 0);
	return device;
}

int rig_attach(struct uvf_iommufd_device *device, uint32_t pt)
{
	return uvf_iommufd_device_attach(device, &pt);
}

int rig_read(const struct group *group, uint64_t iova)
{
	uint8_t byte = 0;

	if (!group->as || uvf_aspace_read(group->as, iova, &byte, 1, NULL))
		return -EFAULT;
	return byte;
}
