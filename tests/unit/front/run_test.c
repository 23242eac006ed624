/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in a system that refuses something.  The arguments are the client
 * programs descriptors, mapped and unmappable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <uvfio/machine.h>

#include "front/machine.h"
#include "front/supervisor/supervisor.h"
#include "lib/machine.h"

static char *programs[4];

static int run(const struct uvf_run *how, char *program)
{
	struct uvfio_machine *machine = machine_create(false);
	char *const argv[] = {program, NULL};
	struct uvfio_error err = {""};
	struct uvf_run whole = *how;
	int status;

	whole.vfio = &machine->vfio;
	status = uvf_run_program(&whole, argv, &err);
	uvfio_machine_destroy(machine);
	if (err.text[0])
		fail_msg("%s", err.text);
	return status;
}

static void without_pidfd_getfd_eventfds_are_found(void **state)
{
	const struct uvf_run how = {.no_pidfd_getfd = true};

	(void)state;
	assert_int_equal(run(&how, programs[2]), 0);
	assert_int_equal(run(&how, programs[1]), 0);
}

static void without_ptrace_nothing_can_be_mapped(void **state)
{
	const struct uvf_run how = {.no_ptrace = true};

	(void)state;
	assert_int_equal(run(&how, programs[3]), 0);
}

static void without_either_the_program_runs(void **state)
{
	const struct uvf_run how = {.no_ptrace = true, .no_pidfd_getfd = true};

	(void)state;
	assert_int_equal(run(&how, programs[3]), 0);
}

static void both_views_serve_the_same(void **state)
{
	struct uvf_run how = {.view_mode = UVF_VIEW_PATHS};

	(void)state;
	assert_int_equal(run(&how, programs[1]), 0);
	assert_int_equal(run(&how, programs[2]), 0);
	how.view_mode = UVF_VIEW_AUTO;
	assert_int_equal(run(&how, programs[1]), 0);
	assert_int_equal(run(&how, programs[2]), 0);
}

static int count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void a_run_leaves_this_process_as_it_was(void **state)
{
	static char true_path[] = "/bin/true";
	const struct uvf_run how = {.view_mode = UVF_VIEW_AUTO};
	struct rlimit before;
	struct rlimit after;
	struct sigaction action;
	sigset_t mask;
	int open_before;

	(void)state;
	assert_int_equal(run(&how, true_path), 0);
	open_before = count_open();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(run(&how, true_path), 0);
	assert_int_equal(count_open(), open_before);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(before.rlim_cur, after.rlim_cur);
	assert_int_equal(sigaction(SIGINT, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
	assert_int_equal(sigaction(SIGIO, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	assert_false(sigismember(&mask, SIGTERM));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_pidfd_getfd_eventfds_are_found),
		cmocka_unit_test(without_ptrace_nothing_can_be_mapped),
		cmocka_unit_test(without_either_the_program_runs),
		cmocka_unit_test(both_views_serve_the_same),
		cmocka_unit_test(a_run_leaves_this_process_as_it_was),
	};

	if (argc != 4)
		return 2;
	for (int i = 1; i < 4; i++)
		programs[i] = argv[i];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
