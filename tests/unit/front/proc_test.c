/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What /proc tells of processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/supervisor/proc.h"

struct sought {
	pid_t pid;
	bool is_found;
};

static void find(void *arg, pid_t pid)
{
	struct sought *sought = arg;

	if (pid == sought->pid)
		sought->is_found = true;
}

static bool is_descendant(pid_t pid)
{
	struct sought sought = {.pid = pid};

	uvf_proc_each_descendant(find, &sought);
	return sought.is_found;
}

/* A child that makes a child, says its number, and lets it wait for us. */
static pid_t start_grandchild(int *ret_end, pid_t *ret_parent, int *ret_stop)
{
	int numbers[2], end[2], stop[2];
	pid_t pid;

	assert_int_equal(pipe(numbers), 0);
	assert_int_equal(pipe(end), 0);
	assert_int_equal(pipe(stop), 0);
	*ret_parent = fork();
	if (!*ret_parent) {
		char byte;

		close(end[1]);
		pid = fork();
		if (!pid) {
			close(stop[1]);
			_exit((int)read(end[0], &byte, 1));
		}
		close(stop[1]);
		(void)!write(numbers[1], &pid, sizeof(pid));
		_exit((int)read(stop[0], &byte, 1));
	}
	close(end[0]);
	close(stop[0]);
	assert_int_equal(read(numbers[0], &pid, sizeof(pid)), sizeof(pid));
	close(numbers[0]);
	close(numbers[1]);
	*ret_end = end[1];
	*ret_stop = stop[1];
	return pid;
}

static void descendants_are_ours_and_others_are_not(void **state)
{
	pid_t parent, pid;
	int end, stop;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = start_grandchild(&end, &parent, &stop);
	assert_true(is_descendant(parent));
	assert_true(is_descendant(pid));
	assert_false(is_descendant(getppid()));
	assert_false(is_descendant(getpid()));
	close(stop);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	/* An orphan comes to who takes in orphans. */
	assert_true(is_descendant(pid));
	close(end);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(is_descendant(pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descendants_are_ours_and_others_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
