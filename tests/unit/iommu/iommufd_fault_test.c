/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fault queues: what devices ask for, and what clients answer.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"

#define FAULT IOMMU_HWPT_FAULT_ID_VALID

/* The answers that a device got. */
struct asker {
	unsigned int count;
	uint32_t grpid; /* of the last */
	bool is_there;
};

static void respond(void *arg, uint32_t grpid, bool is_there)
{
	struct asker *asker = arg;

	asker->count++;
	asker->grpid = grpid;
	asker->is_there = is_there;
}

static const struct uvf_iommufd_pri_ops pri_ops = {.respond = respond};

struct bench {
	struct rig rig;
	struct group group;
	struct asker asker;
	struct uvf_iommufd_device *device;
	uint32_t ioas, fault, parent, nested;
};

static uint32_t alloc_hwpt(struct bench *bench, uint32_t flags, uint32_t pt)
{
	struct iommu_hwpt_vtd_s1 data = {.addr_width = 48};
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = uvf_iommufd_device_id(bench->device),
		.pt_id = pt,
		.data_uptr = (uintptr_t)&data,
		.fault_id = bench->fault,
	};

	if (flags & FAULT) {
		cmd.data_type = IOMMU_HWPT_DATA_VTD_S1;
		cmd.data_len = sizeof(data);
	}
	assert_int_equal(rig_ioctl(&bench->rig, IOMMU_HWPT_ALLOC, &cmd), 0);
	return cmd.out_hwpt_id;
}

static void bench_open(struct bench *bench)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};

	memset(bench, 0, sizeof(*bench));
	rig_open(&bench->rig);
	bench->ioas = rig_ioas(&bench->rig);
	bench->device = rig_bind(&bench->rig, &bench->group);
	assert_int_equal(rig_ioctl(&bench->rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd),
			 0);
	assert_int_equal(cmd.out_fault_fd, RIG_FAULT_FD);
	bench->fault = cmd.out_fault_id;
	bench->parent =
		alloc_hwpt(bench, IOMMU_HWPT_ALLOC_NEST_PARENT, bench->ioas);
	bench->nested = alloc_hwpt(bench, FAULT, bench->parent);
	uvf_iommufd_device_enable_pri(bench->device, &pri_ops, &bench->asker);
}

static void bench_close(struct bench *bench)
{
	uvf_iommufd_device_unbind(bench->device);
	uvf_iommufd_fault_close(rig_fault);
	rig_close(&bench->rig);
}

static int request(struct bench *bench, uint32_t grpid, size_t count)
{
	struct uvf_page_request requests[4];

	for (size_t i = 0; i < count; i++)
		requests[i] = (struct uvf_page_request){
			0x5000 + i * PAGE, grpid,
			i % 2 ? UVF_PROT_WRITE : UVF_PROT_READ};
	return uvf_iommufd_device_request(bench->device, requests, count);
}

static ssize_t take(struct bench *bench, void *buf, size_t len)
{
	return uvf_iommufd_fault_read(rig_fault, &bench->rig.caller,
				      (uintptr_t)buf, len);
}

static ssize_t answer(struct bench *bench,
		      const struct iommu_hwpt_page_response *responses,
		      size_t len)
{
	return uvf_iommufd_fault_write(rig_fault, &bench->rig.caller,
				       (uintptr_t)responses, len);
}

/* Shows M47, M48, M65. */
static void a_queue_lives_as_long_as_its_file_and_tables(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd), .flags = 1};
	struct bench bench;
	void *read_only = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd),
			 -EOPNOTSUPP);
	cmd.flags = 0;
	memcpy(read_only, &cmd, sizeof(cmd));
	mprotect(read_only, PAGE, PROT_READ);
	assert_int_equal(
		rig_ioctl(&bench.rig, IOMMU_FAULT_QUEUE_ALLOC, read_only),
		-EFAULT);
	assert_int_equal(rig_destroy(&bench.rig, bench.nested + 1), -ENOENT);
	assert_int_equal(rig_destroy(&bench.rig, bench.fault), -EBUSY);
	/* The context stays for the file, too. */
	uvf_iommufd_device_unbind(bench.device);
	uvf_iommufd_put(bench.rig.ctx);
	assert_false(uvf_iommufd_fault_is_readable(rig_fault));
	uvf_iommufd_get(bench.rig.ctx);
	uvf_iommufd_fault_close(rig_fault);
	assert_int_equal(rig_destroy(&bench.rig, bench.fault), -EBUSY);
	assert_int_equal(rig_destroy(&bench.rig, bench.nested), 0);
	assert_int_equal(rig_destroy(&bench.rig, bench.fault), 0);
	rig_close(&bench.rig);
	munmap(read_only, PAGE);
}

/* Shows M65. */
static void a_device_that_cannot_wait_gets_no_such_table(void **state)
{
	struct bench bench;
	struct uvf_iommufd_device *other;
	struct group group = {0};

	(void)state;
	bench_open(&bench);
	other = rig_bind(&bench.rig, &group);
	assert_int_equal(rig_attach(other, bench.nested), -ENODEV);
	assert_null(group.as);
	assert_int_equal(rig_attach(other, bench.ioas), 0);
	assert_int_equal(rig_attach(other, bench.nested), -ENODEV);
	assert_non_null(group.as);
	uvf_iommufd_device_unbind(other);
	/* Nobody is there to ask. */
	assert_int_equal(request(&bench, 1, 1), -ENODEV);
	assert_int_equal(rig_attach(bench.device, bench.parent), 0);
	assert_int_equal(request(&bench, 1, 1), -ENODEV);
	assert_int_equal(rig_attach(bench.device, bench.nested), 0);
	assert_int_equal(request(&bench, 1, 1), 0);
	bench_close(&bench);
}

/* Shows M65. */
static void whole_groups_are_read(void **state)
{
	struct iommu_hwpt_pgfault faults[8];
	struct bench bench;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_attach(bench.device, bench.nested), 0);
	assert_int_equal(take(&bench, faults, 39), -ESPIPE);
	assert_int_equal(take(&bench, faults, 40), 0);
	assert_int_equal(take(&bench, faults, 0), 0);
	assert_false(uvf_iommufd_fault_is_readable(rig_fault));
	assert_int_equal(request(&bench, 11, 3), 0);
	assert_int_equal(request(&bench, 12, 1), 0);
	assert_int_equal(request(&bench, 13, 2), 0);
	assert_true(uvf_iommufd_fault_is_readable(rig_fault));
	assert_int_equal(take(&bench, faults, 80), -EINVAL);
	assert_int_equal(take(&bench, faults, 0), -EINVAL);
	assert_int_equal(take(&bench, NULL, 120), -EFAULT);
	/* The third group does not fit any more. */
	assert_int_equal(take(&bench, faults, 5 * 40), 4 * 40);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(faults[i].grpid, i < 3 ? 11 : 12);
		assert_int_equal(faults[i].cookie, i < 3 ? 1 : 2);
		assert_int_equal(faults[i].flags,
				 i < 2 ? 0 : IOMMU_PGFAULT_FLAGS_LAST_PAGE);
		assert_int_equal(faults[i].dev_id,
				 uvf_iommufd_device_id(bench.device));
		assert_int_equal(faults[i].addr,
				 i < 3 ? 0x5000 + i * PAGE : 0x5000);
		assert_int_equal(faults[i].perm,
				 i == 1 ? IOMMU_PGFAULT_PERM_WRITE
					: IOMMU_PGFAULT_PERM_READ);
		assert_int_equal(faults[i].length, 0);
	}
	assert_int_equal(take(&bench, faults, 8 * 40), 2 * 40);
	assert_int_equal(faults[0].cookie, 3);
	assert_int_equal(take(&bench, faults, 8 * 40), 0);
	bench_close(&bench);
}

/* Shows M65. */
static void answers_name_what_was_read(void **state)
{
	struct iommu_hwpt_page_response responses[4] = {
		{2, IOMMUFD_PAGE_RESP_INVALID},
		{1, IOMMUFD_PAGE_RESP_SUCCESS},
		{1, IOMMUFD_PAGE_RESP_SUCCESS},
	};
	struct iommu_hwpt_pgfault faults[4];
	struct bench bench;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_attach(bench.device, bench.nested), 0);
	assert_int_equal(request(&bench, 21, 1), 0);
	/* It was not read. */
	assert_int_equal(answer(&bench, &responses[1], 8), -EINVAL);
	assert_int_equal(request(&bench, 22, 1), 0);
	assert_int_equal(take(&bench, faults, 4 * 40), 80);
	assert_int_equal(answer(&bench, responses, 7), -ESPIPE);
	assert_int_equal(answer(&bench, responses, 0), 0);
	assert_int_equal(answer(&bench, NULL, 8), -EFAULT);
	responses[3].cookie = 1;
	responses[3].code = 2;
	assert_int_equal(answer(&bench, &responses[3], 8), -EINVAL);
	assert_int_equal(bench.asker.count, 0);
	assert_int_equal(answer(&bench, responses, 8), 8);
	assert_int_equal(bench.asker.count, 1);
	assert_int_equal(bench.asker.grpid, 22);
	assert_false(bench.asker.is_there);
	/* The first counts, the second is not known any more. */
	assert_int_equal(answer(&bench, &responses[1], 16), 8);
	assert_int_equal(bench.asker.count, 2);
	assert_int_equal(bench.asker.grpid, 21);
	assert_true(bench.asker.is_there);
	/* The lowest cookie is the next. */
	assert_int_equal(request(&bench, 23, 1), 0);
	assert_int_equal(take(&bench, faults, 40), 40);
	assert_int_equal(faults[0].cookie, 1);
	bench_close(&bench);
}

/* Shows M65. */
static void leaving_answers_all_that_waits(void **state)
{
	struct iommu_hwpt_page_response response = {1, 0};
	struct iommu_hwpt_pgfault fault;
	struct bench bench;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_attach(bench.device, bench.nested), 0);
	assert_int_equal(request(&bench, 31, 1), 0);
	assert_int_equal(request(&bench, 32, 2), 0);
	assert_int_equal(take(&bench, &fault, 40), 40);
	uvf_iommufd_device_detach(bench.device);
	assert_int_equal(bench.asker.count, 2);
	assert_false(bench.asker.is_there);
	assert_false(uvf_iommufd_fault_is_readable(rig_fault));
	assert_int_equal(answer(&bench, &response, 8), -EINVAL);
	/* To another table is leaving, too. */
	assert_int_equal(rig_attach(bench.device, bench.nested), 0);
	assert_int_equal(request(&bench, 33, 1), 0);
	assert_int_equal(rig_attach(bench.device, bench.parent), 0);
	assert_int_equal(bench.asker.count, 3);
	assert_int_equal(bench.asker.grpid, 33);
	bench_close(&bench);
}

static void without_memory_a_request_is_refused(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	struct bench bench;

	(void)state;
	bench_open(&bench);
	uvf_alloc_fail_nth(1);
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd),
			 -ENOMEM);
	uvf_alloc_fail_nth(0);
	assert_int_equal(rig_attach(bench.device, bench.nested), 0);
	uvf_alloc_fail_nth(1);
	assert_int_equal(request(&bench, 1, 1), -ENOMEM);
	uvf_alloc_fail_nth(0);
	assert_false(uvf_iommufd_fault_is_readable(rig_fault));
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_lives_as_long_as_its_file_and_tables),
		cmocka_unit_test(a_device_that_cannot_wait_gets_no_such_table),
		cmocka_unit_test(whole_groups_are_read),
		cmocka_unit_test(answers_name_what_was_read),
		cmocka_unit_test(leaving_answers_all_that_waits),
		cmocka_unit_test(without_memory_a_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
