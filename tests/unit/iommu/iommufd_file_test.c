/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings of files, what comes with them to a new process, and the calls of
 * virtual IOMMUs: what 6.19 has and 6.12 has not.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/profile.h"
#include "iommu/account.h"
#include "iommu/iommufd/abi_new.h"
#include "iommu/translate.h"
#include "mem/self.h"

#define A     0x100000ull
#define PAGES 8u

struct bench {
	struct rig rig;
	struct group group;
	struct uvf_iommufd_device *device;
	uint32_t ioas;
	int fd; /* a file of PAGES pages */
};

static void reopen(struct rig *rig, const char *profile)
{
	uvf_iommufd_put(rig->ctx);
	assert_int_equal(uvf_profile_parse(&rig->profile, profile, NULL), 0);
	assert_int_equal(uvf_iommufd_create(&rig->ctx, &rig->host, NULL), 0);
}

static void fill(int fd)
{
	for (unsigned int n = 0; n < PAGES; n++) {
		uint8_t byte = (uint8_t)(0x40 + n);

		assert_int_equal(pwrite(fd, &byte, 1, (off_t)(n * PAGE)), 1);
	}
}

static void bench_open(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	rig_open(&bench->rig);
	reopen(&bench->rig, "6.19");
	bench->ioas = rig_ioas(&bench->rig);
	bench->device = rig_bind(&bench->rig, &bench->group);
	bench->fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(bench->fd, PAGES * PAGE), 0);
	fill(bench->fd);
}

static void bench_close(struct bench *bench)
{
	if (bench->fd >= 0)
		close(bench->fd);
	uvf_iommufd_device_unbind(bench->device);
	rig_close(&bench->rig);
}

static struct iommu_ioas_map_file map_of(const struct bench *bench)
{
	return (struct iommu_ioas_map_file){
		.size = sizeof(struct iommu_ioas_map_file),
		.flags = FIXED | RW,
		.ioas_id = bench->ioas,
		.fd = bench->fd,
		.length = PAGES * PAGE,
		.iova = A,
	};
}

static int map_file(struct bench *bench, struct iommu_ioas_map_file *map)
{
	return rig_ioctl(&bench->rig, IOMMU_IOAS_MAP_FILE, map);
}

/* Shows M47, M64. */
static void map_file_refuses_in_this_order(void **state)
{
	struct bench bench;
	struct iommu_ioas_map_file map;

	(void)state;
	bench_open(&bench);
	map = (struct iommu_ioas_map_file){
		.size = sizeof(map), .fd = -1, .flags = 8, .iova = UINT64_MAX};
	assert_int_equal(map_file(&bench, &map), -EOPNOTSUPP);
	map.flags = 0;
	assert_int_equal(map_file(&bench, &map), -EOVERFLOW);
	map.iova = 0;
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	map.flags = READ;
	assert_int_equal(map_file(&bench, &map), -ENOENT);
	map.ioas_id = bench.ioas;
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	map.length = PAGE;
	map.start = UINT64_MAX;
	assert_int_equal(map_file(&bench, &map), -EOVERFLOW);
	map.start = 0;
	assert_int_equal(map_file(&bench, &map), -EBADF);
	map.fd = 9999;
	assert_int_equal(map_file(&bench, &map), -EBADF);
	map.fd = bench.fd;
	assert_int_equal(map_file(&bench, &map), 0);
	assert_true(map.iova == PAGE);
	map.size = 39;
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	bench_close(&bench);
}

/* Shows M64. */
static void a_file_outlives_what_the_process_does_to_it(void **state)
{
	struct bench bench;
	struct iommu_ioas_map_file map;
	uint8_t *memory;
	uint8_t byte = 0x99;

	(void)state;
	bench_open(&bench);
	map = map_of(&bench);
	map.start = PAGE;
	map.length = 2 * PAGE;
	assert_int_equal(map_file(&bench, &map), 0);
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bench.fd, 0);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(rig_read(&bench.group, A), 0x41);
	assert_int_equal(
		uvf_aspace_write(bench.group.as, A + PAGE + 7, &byte, 1, NULL),
		0);
	assert_int_equal(memory[2 * PAGE + 7], 0x99);
	munmap(memory, PAGES * PAGE);
	close(bench.fd);
	bench.fd = -1;
	assert_int_equal(rig_read(&bench.group, A + PAGE), 0x42);
	/* Detached and attached again: it is the file that is held. */
	uvf_iommufd_device_detach(bench.device);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(rig_read(&bench.group, A + PAGE + 7), 0x99);
	bench_close(&bench);
}

/* Shows M64. */
static void files_are_mapped_that_are_memory_inside_their_length(void **state)
{
	struct bench bench;
	struct iommu_ioas_map_file map;
	uint64_t length;
	FILE *other = tmpfile();
	int pipes[2];

	(void)state;
	bench_open(&bench);
	map = map_of(&bench);
	/* Any will do until it is looked at. */
	map.length = 9 * PAGE;
	assert_int_equal(map_file(&bench, &map), 0);
	assert_int_equal(rig_attach(bench.device, bench.ioas), -EINVAL);
	assert_null(bench.group.as);
	length = map.length;
	assert_int_equal(rig_unmap(&bench.rig, bench.ioas, A, &length), 0);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	map.length = 8 * PAGE;
	map.start = PAGE;
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	map.start = 0;
	/* A page that the file does not fill is no page. */
	assert_int_equal(ftruncate(bench.fd, PAGES * PAGE - 1), 0);
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	assert_int_equal(ftruncate(bench.fd, PAGES * PAGE), 0);
	assert_int_equal(map_file(&bench, &map), 0);
	/* What is cut off under it is an error of the device, no crash. */
	assert_int_equal(ftruncate(bench.fd, PAGE), 0);
	assert_int_equal(rig_read(&bench.group, A), 0x40);
	assert_int_equal(rig_read(&bench.group, A + PAGE), -EFAULT);
	map.iova = 2 * A;
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	assert_int_equal(pipe(pipes), 0);
	map.fd = pipes[0];
	map.length = PAGE;
	assert_int_equal(map_file(&bench, &map), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	if (other) {
		struct bench *use = &bench;

		assert_int_equal(ftruncate(fileno(other), PAGE), 0);
		map.fd = fileno(other);
		/* /tmp may be memory as well. */
		if (map_file(use, &map))
			assert_int_equal(map_file(use, &map), -EINVAL);
		fclose(other);
	}
	bench_close(&bench);
}

/* Shows M64. */
static void huge_pages_of_a_file(void **state)
{
	struct bench bench;
	struct iommu_ioas_map_file map;
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	uint64_t size = 2ull << 20;
	void *memory = MAP_FAILED;

	(void)state;
	if (fd >= 0 && !ftruncate(fd, (off_t)size))
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
	if (memory == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		skip();
	}
	((uint8_t *)memory)[size - 1] = 0x5a;
	bench_open(&bench);
	map = map_of(&bench);
	map.fd = fd;
	map.length = size;
	assert_int_equal(map_file(&bench, &map), 0);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(rig_read(&bench.group, A + size - 1), 0x5a);
	munmap(memory, size);
	close(fd);
	bench_close(&bench);
}

static int change_process(struct bench *bench, uint32_t reserved)
{
	struct iommu_ioas_change_process change = {sizeof(change), reserved};

	return rig_ioctl(&bench->rig, IOMMU_IOAS_CHANGE_PROCESS, &change);
}

/* Shows M64. */
static void a_context_changes_its_process_with_all_files(void **state)
{
	struct bench bench;
	struct uvf_mm *own, *heir;
	struct iommu_ioas_map_file map;
	struct rlimit former, limit;
	uint64_t length = PAGE, dst = 3 * A;
	uint32_t other;
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.val64 = 1,
	};

	(void)state;
	bench_open(&bench);
	uvf_iommufd_device_unbind(bench.device);
	reopen(&bench.rig, "6.19");
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_OPTION, &option), 0);
	bench.ioas = rig_ioas(&bench.rig);
	other = rig_ioas(&bench.rig);
	bench.device = rig_bind(&bench.rig, &bench.group);
	bench.rig.caller.ignores_memlock = false;
	own = bench.rig.caller.mm;
	assert_int_equal(uvf_self_create(&heir), 0);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	map = map_of(&bench);
	assert_int_equal(map_file(&bench, &map), 0);
	map.iova = 2 * A;
	map.length = PAGE;
	assert_int_equal(map_file(&bench, &map), 0);
	assert_int_equal(rig_copy(&bench.rig, other, &dst, bench.ioas, A, PAGE,
				  FIXED | RW),
			 0);
	assert_int_equal(rig_map_at(&bench.rig, other, rig_memory, PAGE, A), 0);
	assert_int_equal(uvf_account_pages(own), 9);
	assert_int_equal(change_process(&bench, 1), -EOPNOTSUPP);
	bench.rig.caller.mm = heir;
	/* A mapping of memory is not to be handed on. */
	assert_int_equal(change_process(&bench, 0), -EINVAL);
	assert_int_equal(rig_unmap(&bench.rig, other, A, &length), 0);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &former), 0);
	limit = former;
	limit.rlim_cur = 8 * PAGE;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(change_process(&bench, 0), -ENOMEM);
	assert_int_equal(uvf_account_pages(own), 9);
	assert_int_equal(uvf_account_pages(heir), 0);
	limit.rlim_cur = 9 * PAGE;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	for (int i = 0; i < 2; i++) {
		/* To itself it is nothing new. */
		assert_int_equal(change_process(&bench, 0), 0);
		assert_int_equal(uvf_account_pages(own), 0);
		assert_int_equal(uvf_account_pages(heir), 9);
	}
	assert_int_equal(rig_read(&bench.group, A + PAGE), 0x41);
	bench.rig.caller.mm = own;
	length = UINT64_MAX;
	assert_int_equal(rig_unmap(&bench.rig, bench.ioas, 0, &length), 0);
	assert_int_equal(uvf_account_pages(heir), 0);
	assert_int_equal(rig_destroy(&bench.rig, other), 0);
	uvf_mm_put(heir);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &former), 0);
	bench_close(&bench);
}

static void mapping_a_file_fails_whole(void **state)
{
	struct bench bench;
	struct iommu_ioas_map_file map;
	int ret;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	for (unsigned long nth = 1;; nth++) {
		map = map_of(&bench);
		uvf_alloc_fail_nth(nth);
		ret = map_file(&bench, &map);
		uvf_alloc_fail_nth(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(rig_read(&bench.group, A), -EFAULT);
		assert_true(nth < 20);
	}
	assert_int_equal(rig_read(&bench.group, A), 0x40);
	bench_close(&bench);
}

/* Shows M47, M61. */
static void there_are_no_virtual_iommus_on_this_hardware(void **state)
{
	struct iommu_viommu_alloc viommu = {.size = sizeof(viommu)};
	struct iommu_vdevice_alloc vdevice = {.size = sizeof(vdevice)};
	struct iommu_veventq_alloc queue = {.size = sizeof(queue)};
	struct iommu_hw_queue_alloc hw = {.size = sizeof(hw)};
	struct bench bench;
	struct rig *rig = &bench.rig;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_ioctl(rig, IOMMU_VIOMMU_ALLOC, &viommu),
			 -EOPNOTSUPP);
	viommu.type = 1;
	assert_int_equal(rig_ioctl(rig, IOMMU_VIOMMU_ALLOC, &viommu), -ENOENT);
	viommu.dev_id = uvf_iommufd_device_id(bench.device);
	assert_int_equal(rig_ioctl(rig, IOMMU_VIOMMU_ALLOC, &viommu),
			 -EOPNOTSUPP);
	viommu.size = 23;
	assert_int_equal(rig_ioctl(rig, IOMMU_VIOMMU_ALLOC, &viommu), -EINVAL);
	assert_int_equal(rig_ioctl(rig, IOMMU_VDEVICE_ALLOC, &vdevice),
			 -ENOENT);
	assert_int_equal(rig_ioctl(rig, IOMMU_VEVENTQ_ALLOC, &queue),
			 -EOPNOTSUPP);
	queue.type = 1;
	assert_int_equal(rig_ioctl(rig, IOMMU_VEVENTQ_ALLOC, &queue), -EINVAL);
	queue.veventq_depth = 1;
	assert_int_equal(rig_ioctl(rig, IOMMU_VEVENTQ_ALLOC, &queue), -ENOENT);
	assert_int_equal(rig_ioctl(rig, IOMMU_HW_QUEUE_ALLOC, &hw),
			 -EOPNOTSUPP);
	hw.type = 1;
	assert_int_equal(rig_ioctl(rig, IOMMU_HW_QUEUE_ALLOC, &hw), -EINVAL);
	hw.length = 2;
	hw.nesting_parent_iova = UINT64_MAX;
	assert_int_equal(rig_ioctl(rig, IOMMU_HW_QUEUE_ALLOC, &hw), -EOVERFLOW);
	hw.length = 1;
	assert_int_equal(rig_ioctl(rig, IOMMU_HW_QUEUE_ALLOC, &hw), -ENOENT);
	bench_close(&bench);
}

/* A kernel knows the calls of its time.  Shows M47.  Flips iommufd_last. */
static void older_kernels_have_fewer_calls(void **state)
{
	static const struct {
		const char *profile;
		unsigned int last;
	} cases[] = {{"6.6", 0x8a}, {"6.12", 0x8e}, {"6.19", 0x94}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned int i = 0; i < 3; i++) {
		reopen(&rig, cases[i].profile);
		for (unsigned int nr = 0x80; nr < 0xa2; nr++)
			assert_int_equal(rig_ioctl(&rig, _IO(';', nr), NULL),
					 nr <= cases[i].last ? -EFAULT
							     : -ENOTTY);
	}
	rig_close(&rig);
}

/* And what a page table can be.  Flips hwpt_flags. */
static void older_kernels_have_fewer_page_tables(void **state)
{
	static const struct {
		const char *profile;
		uint32_t flags; /* that a table of a space may have */
	} cases[] = {{"6.6", 0}, {"6.12", 0x3}, {"6.19", 0xf}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned int i = 0; i < 3; i++) {
		struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd)};
		struct uvf_iommufd_device *device;
		struct group group = {0};

		reopen(&rig, cases[i].profile);
		cmd.pt_id = rig_ioas(&rig);
		device = rig_bind(&rig, &group);
		cmd.dev_id = uvf_iommufd_device_id(device);
		cmd.fault_id = 99;
		for (unsigned int bit = 0; bit < 32; bit++) {
			int ret = -EOPNOTSUPP;

			cmd.flags = 1u << bit;
			if (cases[i].flags & cmd.flags)
				ret = cmd.flags == IOMMU_HWPT_FAULT_ID_VALID
					      ? -ENOENT
					      : 0;
			assert_int_equal(
				rig_ioctl(&rig, IOMMU_HWPT_ALLOC, &cmd), ret);
		}
		uvf_iommufd_device_unbind(device);
	}
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_file_refuses_in_this_order),
		cmocka_unit_test(a_file_outlives_what_the_process_does_to_it),
		cmocka_unit_test(
			files_are_mapped_that_are_memory_inside_their_length),
		cmocka_unit_test(huge_pages_of_a_file),
		cmocka_unit_test(a_context_changes_its_process_with_all_files),
		cmocka_unit_test(mapping_a_file_fails_whole),
		cmocka_unit_test(there_are_no_virtual_iommus_on_this_hardware),
		cmocka_unit_test(older_kernels_have_fewer_calls),
		cmocka_unit_test(older_kernels_have_fewer_page_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
