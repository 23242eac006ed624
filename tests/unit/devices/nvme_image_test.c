/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Disk images: which files can be one, who else may use them, and what a host
 * is told when one cannot be read or written.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nvme_rig.h"

static char folder[] = "/tmp/uvfio-nvme-XXXXXX";
static char path[64];
static struct nvme_rig rig;
static uint8_t *const data = fake_memory + NVME_RIG_DATA;

static void make_file(off_t size)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static off_t size_of_file(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void a_file_is_made_by_size(void **state)
{
	static const struct fake_option options[] = {
		{"file", path}, {"size", "3M"}, {NULL, NULL}};

	(void)state;
	nvme_rig_create(&rig, options);
	nvme_rig_destroy(&rig);
	assert_int_equal(size_of_file(), 3 << 20);
	/* And is there the next time, with or without it. */
	nvme_rig_create(&rig, options);
	nvme_rig_destroy(&rig);
}

static void a_file_that_cannot_be(void **state)
{
	static const struct fake_option plain[] = {{"file", path},
						   {NULL, NULL}};
	static const struct fake_option sized[] = {
		{"file", path}, {"size", "1M"}, {NULL, NULL}};
	static const struct fake_option large[] = {
		{"file", path}, {"lba", "4096"}, {NULL, NULL}};
	static const struct fake_option read_only[] = {
		{"file", path}, {"size", "1M"}, {"ro", "on"}, {NULL, NULL}};
	static const struct fake_option odd[] = {
		{"file", path}, {"size", "1000"}, {NULL, NULL}};
	static const struct fake_option device[] = {{"file", "/dev/null"},
						    {NULL, NULL}};
	static const struct fake_option directory[] = {{"file", folder},
						       {NULL, NULL}};

	(void)state;
	nvme_rig_assert_refused(plain, "No such file");
	nvme_rig_assert_refused(read_only, "No such file");
	nvme_rig_assert_refused(device, "neither a file nor a block device");
	nvme_rig_assert_refused(directory, "Is a directory");
	/* What was made for nothing is not left behind. */
	nvme_rig_assert_refused(odd, "whole blocks of 512 bytes");
	nvme_rig_assert_refused(plain, "No such file");
	make_file(0);
	nvme_rig_assert_refused(plain, "is empty");
	make_file(1000);
	nvme_rig_assert_refused(plain, "1000 bytes are not 1 namespace of");
	nvme_rig_assert_refused(sized, "size= says 1048576");
	make_file(512);
	nvme_rig_assert_refused(large, "whole blocks of 4096 bytes");
}

static void one_user_at_a_time(void **state)
{
	static const struct fake_option options[] = {{"file", path},
						     {NULL, NULL}};
	static const struct fake_option read_only[] = {
		{"file", path}, {"ro", "on"}, {NULL, NULL}};
	struct nvme_rig second;

	(void)state;
	make_file(1 << 20);
	nvme_rig_create(&rig, options);
	nvme_rig_assert_refused(options, "somebody else uses this image");
	nvme_rig_assert_refused(read_only, "somebody else uses this image");
	nvme_rig_destroy(&rig);
	/* Many may read. */
	nvme_rig_create(&rig, read_only);
	nvme_rig_create(&second, read_only);
	nvme_rig_assert_refused(options, "somebody else uses this image");
	nvme_rig_destroy(&second);
	nvme_rig_destroy(&rig);
}

static void a_read_only_disk_is_not_written(void **state)
{
	static const struct fake_option options[] = {
		{"file", path}, {"ro", "on"}, {NULL, NULL}};
	const struct nvme_command format = {
		.opcode = NVME_ADMIN_FORMAT,
		.nsid = 1,
	};

	(void)state;
	make_file(1 << 20);
	assert_int_equal(chmod(path, 0400), 0);
	nvme_rig_create(&rig, options);
	nvme_rig_start(&rig, 1);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 0, 8, NVME_RIG_DATA),
			 0);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE, 0, 8, NVME_RIG_DATA),
		NVME_WRITE_PROTECTED);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE_ZEROES, 0, 8, 0),
			 NVME_WRITE_PROTECTED);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_UNCORRECTABLE, 0, 8, 0),
			 NVME_WRITE_PROTECTED);
	assert_int_equal(nvme_rig_do(&rig, 0, &format), NVME_WRITE_PROTECTED);
	assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
	assert_int_equal(data[0], 0x08);
	/* Ending it does not try to write either. */
	nvme_rig_set(&rig, NVME_CC, nvme_rig_get(&rig, NVME_CC) | 1u << 14);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS),
			 NVME_CSTS_RDY | NVME_CSTS_SHST_READY);
	nvme_rig_destroy(&rig);
}

/* Whoever cuts the image off meanwhile gets what he asked for. */
static void a_file_that_ends_early(void **state)
{
	static const char *const ways[] = {"uring", "threads"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct fake_option options[] = {
			{"file", path}, {"aio", ways[i]}, {NULL, NULL}};

		make_file(1 << 20);
		nvme_rig_create(&rig, options);
		nvme_rig_start(&rig, 1);
		assert_int_equal(truncate(path, 4096), 0);
		assert_int_equal(
			nvme_rig_move(&rig, NVME_IO_READ, 0, 8, NVME_RIG_DATA),
			0);
		assert_int_equal(
			nvme_rig_move(&rig, NVME_IO_READ, 8, 1, NVME_RIG_DATA),
			NVME_READ_ERROR);
		assert_int_equal(nvme_rig_log(&rig, NVME_LOG_SMART, 512), 0);
		assert_int_equal(data[160], 1);
		nvme_rig_destroy(&rig);
	}
}

/* As on a full disk, by a limit: a write past it fails, earlier ones stay. */
static void a_file_that_cannot_grow(void **state)
{
	static const char *const ways[] = {"uring", "threads"};
	const struct rlimit limit = {1 << 19, RLIM_INFINITY};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < 2; i++) {
		const struct fake_option options[] = {
			{"file", path}, {"aio", ways[i]}, {NULL, NULL}};

		make_file(1 << 20);
		nvme_rig_create(&rig, options);
		nvme_rig_start(&rig, 1);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		memset(data, 0x77, 512);
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE, 1023, 1,
					       NVME_RIG_DATA),
				 0);
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE, 1024, 1,
					       NVME_RIG_DATA),
				 NVME_CAPACITY);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 1023, 1,
					       NVME_RIG_DATA + 4096),
				 0);
		assert_memory_equal(data, data + 4096, 512);
		nvme_rig_destroy(&rig);
	}
}

static void namespaces_are_parts_of_the_file(void **state)
{
	static const struct fake_option options[] = {
		{"file", path}, {"ns", "4"}, {NULL, NULL}};
	uint8_t block[512];
	int fd;

	(void)state;
	make_file(1 << 20);
	nvme_rig_create(&rig, options);
	nvme_rig_start(&rig, 1);
	memset(data, 0x3c, 512);
	assert_int_equal(
		nvme_rig_do(&rig, 1,
			    &(struct nvme_command){.opcode = NVME_IO_WRITE,
						   .nsid = 3,
						   .prp1 = NVME_RIG_DATA,
						   .cdw10 = 1}),
		0);
	nvme_rig_destroy(&rig);
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, block, sizeof(block), (1 << 19) + 512),
			 sizeof(block));
	assert_memory_equal(block, data, sizeof(block));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_file_is_made_by_size, remove_file),
		cmocka_unit_test_teardown(a_file_that_cannot_be, remove_file),
		cmocka_unit_test_teardown(one_user_at_a_time, remove_file),
		cmocka_unit_test_teardown(a_read_only_disk_is_not_written,
					  remove_file),
		cmocka_unit_test_teardown(a_file_that_ends_early, remove_file),
		cmocka_unit_test_teardown(a_file_that_cannot_grow, remove_file),
		cmocka_unit_test_teardown(namespaces_are_parts_of_the_file,
					  remove_file),
	};
	int failed;

	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	(void)snprintf(path, sizeof(path), "%s/disk", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
