/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a descriptor is and how long its file lives, with this process as its
 * own client.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "core/file.h"
#include "front/supervisor/client.h"
#include "front/supervisor/fds.h"

static struct uvf_clients *clients;
static struct uvf_fds *fds;
static int released;

static void release(struct uvf_file *file)
{
	(void)file;
	released++;
}

static const struct uvf_file_ops ops = {.release = release};

static int setup(void **state)
{
	(void)state;
	released = 0;
	signal(SIGIO, uvf_fds_on_signal);
	assert_int_equal(uvf_clients_create(&clients), 0);
	assert_int_equal(uvf_fds_create(&fds, clients), 0);
	uvf_fds_own(fds);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uvf_fds_destroy(fds);
	uvf_clients_destroy(clients);
	return 0;
}

static struct uvf_file *make_file(void)
{
	struct uvf_file *file;

	assert_int_equal(uvf_file_create(&file, UVF_FILE_DEVICE, &ops, NULL),
			 0);
	return file;
}

static int make_fd(struct uvf_file *file, int flags)
{
	int fd = uvf_fds_make(fds, file, flags);

	assert_true(fd >= 0);
	return fd;
}

static struct uvf_file *look_up(int fd)
{
	struct uvf_fd found = {.file = NULL};
	struct uvf_file *file;

	if (uvf_fds_lookup(fds, getpid(), fd, &found))
		return NULL;
	file = found.file;
	assert_true(found.client->pid == getpid());
	uvf_file_put(file);
	return file;
}

static void the_file_is_found_by_any_copy(void **state)
{
	struct uvf_file *file = make_file();
	struct uvf_file *other = make_file();
	int fd = make_fd(file, O_RDWR);
	int other_fd = make_fd(other, O_RDWR);
	int copy = dup(fd);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(look_up(fd), file);
		assert_ptr_equal(look_up(copy), file);
		assert_ptr_equal(look_up(other_fd), other);
		assert_null(look_up(0));
		assert_null(look_up(1000));
		assert_null(look_up(-1));
	}
	/* The number changes what it stands for. */
	assert_int_equal(dup2(other_fd, fd), fd);
	assert_ptr_equal(look_up(fd), other);
	assert_ptr_equal(look_up(copy), file);
	close(fd);
	close(copy);
	close(other_fd);
	uvf_fds_drain(fds);
	assert_int_equal(released, 2);
}

static void the_access_mode_is_that_of_the_open(void **state)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR,
				    O_RDWR | O_NONBLOCK};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct uvf_fd found = {.file = NULL};
		int fd = make_fd(make_file(), modes[i]);

		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(uvf_fds_lookup(fds, getpid(), fd, &found), 0);
		assert_int_equal(found.flags & (O_ACCMODE | O_NONBLOCK),
				 modes[i]);
		uvf_file_put(found.file);
		close(fd);
		uvf_fds_drain(fds);
		assert_int_equal(released, i + 1);
	}
}

static void the_last_copy_or_mapping_releases(void **state)
{
	int fd = make_fd(make_file(), O_RDWR);
	int copy = dup(fd);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)1 << 40);

	(void)state;
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	uvf_fds_drain(fds);
	assert_int_equal(released, 0);
	close(copy);
	uvf_fds_drain(fds);
	assert_int_equal(released, 0);
	munmap(p, 4096);
	uvf_fds_drain(fds);
	assert_int_equal(released, 1);
}

static void a_look_at_the_file_does_not_release_it(void **state)
{
	int fd = make_fd(make_file(), O_RDWR);
	char path[64];
	int other;

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDONLY);
	assert_true(other >= 0);
	close(other);
	uvf_fds_drain(fds);
	assert_int_equal(released, 0);
	close(fd);
	uvf_fds_drain(fds);
	assert_int_equal(released, 1);
}

static void an_abort_gives_the_file_back(void **state)
{
	struct uvf_file *file = make_file();
	int fd = make_fd(file, O_RDWR);

	(void)state;
	uvf_fds_abort(fds, fd);
	uvf_fds_drain(fds);
	assert_int_equal(released, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	uvf_file_put(file);
	assert_int_equal(released, 1);
}

static void what_is_left_is_released_at_the_end(void **state)
{
	int fd = make_fd(make_file(), O_RDWR);

	(void)state;
	uvf_fds_destroy(fds);
	fds = NULL;
	assert_int_equal(released, 1);
	close(fd);
}

static void a_client_cannot_read_write_or_grow_it(void **state)
{
	int fd = make_fd(make_file(), O_RDWR);
	char byte = 0;

	(void)state;
	assert_int_equal(read(fd, &byte, 1), 0);
	assert_int_equal(write(fd, &byte, 1), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	uvf_fds_drain(fds);
	assert_int_equal(released, 1);
}

static void a_failure_changes_nothing(void **state)
{
	struct uvf_file *file = make_file();
	int probe = dup(0);
	int fd;

	(void)state;
	uvf_alloc_fail_nth(1);
	assert_int_equal(uvf_fds_make(fds, file, O_RDWR), -ENOMEM);
	assert_true(uvf_alloc_has_failed());
	uvf_alloc_fail_nth(0);
	/* The next number is still the next one. */
	fd = dup(0);
	assert_int_equal(fd, probe + 1);
	close(fd);
	close(probe);
	assert_int_equal(released, 0);
	uvf_file_put(file);
	assert_int_equal(released, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_file_is_found_by_any_copy),
		CASE(the_access_mode_is_that_of_the_open),
		CASE(the_last_copy_or_mapping_releases),
		CASE(a_look_at_the_file_does_not_release_it),
		CASE(an_abort_gives_the_file_back),
		CASE(what_is_left_is_released_at_the_end),
		CASE(a_client_cannot_read_write_or_grow_it),
		CASE(a_failure_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
