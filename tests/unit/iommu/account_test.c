/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arithmetic of locked memory, for processes and for users.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/log.h"
#include "iommu/account.h"
#include "mem/caller.h"
#include "mem/self.h"

#define PAGE 4096u

struct process {
	struct uvf_caller caller;
	uid_t uid;
	bool has_ipc_lock;
	unsigned int asked; /* for the capability */
};

static unsigned int lines;
static char last_line[512];

static void keep_line(enum uvf_log_level level, const char *line)
{
	(void)level;
	lines++;
	strncpy(last_line, line, sizeof(last_line) - 1);
}

static bool has_ipc_lock(struct uvf_caller *caller)
{
	struct process *process = (struct process *)caller;

	process->asked++;
	return process->has_ipc_lock;
}

static uid_t uid_of(struct uvf_caller *caller)
{
	return ((struct process *)caller)->uid;
}

static const struct uvf_caller_ops ops = {
	.has_ipc_lock = has_ipc_lock,
	.uid = uid_of,
};

static void open_process(struct process *process, uid_t uid)
{
	*process = (struct process){
		.caller = {.ops = &ops, .pid = getpid()},
		.uid = uid,
	};
	assert_int_equal(uvf_self_create(&process->caller.mm), 0);
}

static void close_process(struct process *process)
{
	assert_int_equal(uvf_account_pages(process->caller.mm), 0);
	assert_int_equal(atomic_load(&process->caller.mm->ref.count), 1);
	uvf_mm_put(process->caller.mm);
}

/* In bytes; the hard limit stays. */
static void set_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static int charge(struct process *process, uint64_t npages)
{
	return uvf_account_charge(&process->caller, process->caller.mm, npages);
}

static void exactly_the_limit_is_allowed(void **state)
{
	struct process p;
	struct uvf_mm *mm;

	(void)state;
	open_process(&p, 1);
	mm = p.caller.mm;
	/* A part of a page is none. */
	set_limit(5 * PAGE + PAGE - 1);
	assert_int_equal(charge(&p, 6), -ENOMEM);
	assert_int_equal(uvf_account_pages(mm), 0);
	assert_int_equal(charge(&p, 3), 0);
	assert_int_equal(charge(&p, 3), -ENOMEM);
	assert_int_equal(charge(&p, UINT64_MAX), -ENOMEM);
	assert_int_equal(charge(&p, 2), 0);
	assert_int_equal(charge(&p, 0), 0);
	assert_int_equal(charge(&p, 1), -ENOMEM);
	assert_int_equal(uvf_account_pages(mm), 5);
	uvf_account_uncharge(mm, 1);
	assert_int_equal(charge(&p, 1), 0);
	uvf_account_uncharge(mm, 5);
	close_process(&p);
}

static void the_limit_is_that_of_each_moment(void **state)
{
	struct process p;

	(void)state;
	open_process(&p, 1);
	set_limit(0);
	assert_int_equal(charge(&p, 1), -ENOMEM);
	set_limit(PAGE);
	assert_int_equal(charge(&p, 1), 0);
	set_limit(3 * PAGE);
	assert_int_equal(charge(&p, 2), 0);
	set_limit(2 * PAGE);
	assert_int_equal(charge(&p, 1), -ENOMEM);
	uvf_account_uncharge(p.caller.mm, 2);
	assert_int_equal(charge(&p, 1), 0);
	uvf_account_uncharge(p.caller.mm, 2);
	close_process(&p);
}

static void the_capability_lifts_the_limit_and_not_the_count(void **state)
{
	struct process p;

	(void)state;
	open_process(&p, 1);
	set_limit(2 * PAGE);
	p.has_ipc_lock = true;
	assert_int_equal(charge(&p, 2), 0);
	/* It is looked for only when it matters. */
	assert_int_equal(p.asked, 0);
	assert_int_equal(charge(&p, 100), 0);
	assert_int_equal(p.asked, 1);
	assert_int_equal(uvf_account_pages(p.caller.mm), 102);
	p.has_ipc_lock = false;
	assert_int_equal(charge(&p, 1), -ENOMEM);
	uvf_account_uncharge(p.caller.mm, 102);
	p.caller.ignores_memlock = true;
	assert_int_equal(charge(&p, 1u << 20), 0);
	uvf_account_uncharge(p.caller.mm, 1u << 20);
	close_process(&p);
}

static void pages_are_those_of_a_process_whoever_asks(void **state)
{
	struct process a, b;

	(void)state;
	open_process(&a, 1);
	open_process(&b, 1);
	set_limit(2 * PAGE);
	assert_int_equal(charge(&a, 2), 0);
	assert_int_equal(charge(&b, 2), 0);
	/* The rights of one, the pages of another. */
	b.has_ipc_lock = true;
	assert_int_equal(uvf_account_charge(&b.caller, a.caller.mm, 1), 0);
	assert_int_equal(uvf_account_pages(a.caller.mm), 3);
	uvf_account_uncharge(a.caller.mm, 3);
	uvf_account_uncharge(b.caller.mm, 2);
	close_process(&a);
	close_process(&b);
}

static void a_process_stays_while_it_is_charged(void **state)
{
	struct process p;
	struct uvf_mm *mm;

	(void)state;
	open_process(&p, 1);
	mm = p.caller.mm;
	set_limit(4 * PAGE);
	assert_int_equal(charge(&p, 2), 0);
	assert_int_equal(charge(&p, 2), 0);
	uvf_mm_put(mm);
	assert_int_equal(uvf_account_pages(mm), 4);
	uvf_account_uncharge(mm, 3);
	assert_int_equal(uvf_account_pages(mm), 1);
	/* Address sanitizer sees that it goes now. */
	uvf_account_uncharge(mm, 1);
}

static void one_line_names_the_limit_and_the_cures(void **state)
{
	struct process p;

	(void)state;
	open_process(&p, 1);
	set_limit(8 * PAGE);
	lines = 0;
	uvf_log_set(keep_line);
	assert_int_equal(charge(&p, 3), 0);
	assert_int_equal(lines, 0);
	assert_int_equal(charge(&p, 6), -ENOMEM);
	assert_int_equal(charge(&p, 7), -ENOMEM);
	uvf_log_set(NULL);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "mapping of 24 KiB"));
	assert_non_null(strstr(last_line, "12 of the"));
	assert_non_null(strstr(last_line, "the 32 KiB that may be locked"));
	assert_non_null(strstr(last_line, "ulimit -l"));
	assert_non_null(strstr(last_line, "--host=memlock=unlimited"));
	uvf_account_uncharge(p.caller.mm, 3);
	close_process(&p);
}

static void a_user_has_one_counter_for_all_its_processes(void **state)
{
	struct process a, b, other;
	struct uvf_user *user, *same, *third;

	(void)state;
	open_process(&a, 1001);
	open_process(&b, 1001);
	open_process(&other, 1002);
	set_limit(4 * PAGE);
	uvf_alloc_fail_nth(1);
	assert_int_equal(uvf_user_lookup(&user, &a.caller), -ENOMEM);
	assert_int_equal(uvf_user_lookup(&user, &a.caller), 0);
	assert_int_equal(uvf_user_lookup(&same, &b.caller), 0);
	assert_int_equal(uvf_user_lookup(&third, &other.caller), 0);
	assert_ptr_equal(user, same);
	assert_ptr_not_equal(user, third);
	assert_int_equal(uvf_user_charge(&a.caller, user, 3), 0);
	assert_int_equal(uvf_user_charge(&b.caller, same, 2), -ENOMEM);
	assert_int_equal(uvf_user_charge(&b.caller, same, 1), 0);
	assert_int_equal(uvf_user_charge(&other.caller, third, 4), 0);
	assert_int_equal(uvf_user_pages(user), 4);
	/* No page of a process is in it. */
	assert_int_equal(uvf_account_pages(a.caller.mm), 0);
	uvf_user_uncharge(user, 4);
	uvf_user_uncharge(third, 4);
	uvf_user_put(uvf_user_get(third));
	uvf_user_put(third);
	uvf_user_put(same);
	uvf_user_put(user);
	/* The counter went with the last who used it. */
	assert_int_equal(uvf_user_lookup(&user, &a.caller), 0);
	assert_int_equal(uvf_user_pages(user), 0);
	uvf_user_put(user);
	uvf_user_put(NULL);
	close_process(&a);
	close_process(&b);
	close_process(&other);
}

#define ROUNDS 20000

static void *charge_and_uncharge(void *arg)
{
	struct process *p = arg;
	uintptr_t refused = 0;

	for (int i = 0; i < ROUNDS; i++) {
		if (charge(p, 2)) {
			refused++;
			continue;
		}
		if (uvf_account_pages(p->caller.mm) > 3)
			return (void *)UINTPTR_MAX;
		uvf_account_uncharge(p->caller.mm, 2);
	}
	return (void *)refused;
}

static void two_threads_never_pass_the_limit(void **state)
{
	pthread_t threads[2];
	struct process p;

	(void)state;
	open_process(&p, 1);
	set_limit(3 * PAGE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						charge_and_uncharge, &p),
				 0);
	for (int i = 0; i < 2; i++) {
		void *refused;

		assert_int_equal(pthread_join(threads[i], &refused), 0);
		assert_true((uintptr_t)refused < ROUNDS);
	}
	close_process(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_limit_is_allowed),
		cmocka_unit_test(the_limit_is_that_of_each_moment),
		cmocka_unit_test(
			the_capability_lifts_the_limit_and_not_the_count),
		cmocka_unit_test(pages_are_those_of_a_process_whoever_asks),
		cmocka_unit_test(a_process_stays_while_it_is_charged),
		cmocka_unit_test(one_line_names_the_limit_and_the_cures),
		cmocka_unit_test(a_user_has_one_counter_for_all_its_processes),
		cmocka_unit_test(two_threads_never_pass_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
