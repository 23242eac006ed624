/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The agent in real processes: each test runs its client function under a
 * filter, with the supervisor's side in this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_harness.h"

#define AT(type, map, pos) (*(volatile type *)(uintptr_t)((map) + (pos)))

static sigjmp_buf jump;
static volatile int handled;
static void *volatile handled_addr;

static void on_sigbus_info(int sig, siginfo_t *info, void *context)
{
	(void)context;
	handled = sig;
	handled_addr = info->si_addr;
	siglongjmp(jump, 1);
}

static void on_sigbus(int sig)
{
	handled = sig;
	siglongjmp(jump, 1);
}

static void set_handler(int flags, bool has_info)
{
	struct sigaction act = {.sa_flags = flags};

	if (has_info) {
		act.sa_flags |= SA_SIGINFO;
		act.sa_sigaction = on_sigbus_info;
	} else {
		act.sa_handler = on_sigbus;
	}
	NEED(!sigaction(SIGBUS, &act, NULL));
}

/* Whether a load raises a SIGBUS that reaches the client's handler. */
static bool is_refused(volatile uint8_t *addr)
{
	handled = 0;
	handled_addr = NULL;
	if (!sigsetjmp(jump, 1))
		(void)*addr;
	return handled == SIGBUS;
}

static int client_widths(void)
{
	volatile uint8_t *map = toy_map(RW);

	NEED(map);
	AT(uint8_t, map, 1) = 0x11;
	AT(uint16_t, map, 2) = 0x2222;
	AT(uint32_t, map, 4) = 0x44444444;
	AT(uint64_t, map, 8) = 0x8888888888888888;
	NEED(AT(uint8_t, map, 1) == 0x11);
	NEED(AT(uint16_t, map, 2) == 0x2222);
	NEED(AT(uint32_t, map, 4) == 0x44444444);
	NEED(AT(uint64_t, map, 8) == 0x8888888888888888);
	AT(uint32_t, map, 0x1ffc) = 5;
	AT(uint32_t, map, 4) |= 1;
	return 0;
}

static void each_load_and_store_is_one_access(void **unused)
{
	static const struct toy_access log[] = {
		{1, 1, true},      {2, 2, true},  {4, 4, true},  {8, 8, true},
		{1, 1, false},     {2, 2, false}, {4, 4, false}, {8, 8, false},
		{0x1ffc, 4, true}, {4, 4, false}, {4, 4, true},
	};
	unsigned int i;

	(void)unused;
	assert_int_equal(toy_run(client_widths), 0);
	assert_int_equal(toy->n_injected, 1);
	assert_int_equal(toy->n_log, sizeof(log) / sizeof(log[0]));
	for (i = 0; i < toy->n_log; i++) {
		assert_int_equal(toy->log[i].pos, log[i].pos);
		assert_int_equal(toy->log[i].len, log[i].len);
		assert_int_equal(toy->log[i].is_write, log[i].is_write);
	}
}

#define THREADS    4
#define INCREMENTS 2000

static void *increment(void *arg)
{
	volatile uint32_t *own = arg, *common = NULL;
	volatile uint8_t *map = toy_map(RW);
	int i;

	NEED(map);
	common = (volatile uint32_t *)(uintptr_t)(map + 256);
	for (i = 0; i < INCREMENTS; i++) {
		*own += 1;
		__atomic_fetch_add(common, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static int client_threads(void)
{
	volatile uint8_t *map = toy_map(RW);
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, increment,
			       (void *)(uintptr_t)(map + 16 * i));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < THREADS; i++)
		NEED(AT(uint32_t, map, 16 * i) == INCREMENTS);
	NEED(AT(uint32_t, map, 256) == THREADS * INCREMENTS);
	return 0;
}

static void threads_do_not_disturb_each_other(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_threads), 0);
	assert_int_equal(toy->n_injected, 1);
}

static int client_handler_before(void)
{
	volatile uint8_t *map;

	set_handler(0, true);
	map = toy_map(RW);
	AT(uint32_t, map, 0) = 7;
	NEED(is_refused(map + TOY_NOBODY + 5));
	NEED(handled_addr == (void *)(uintptr_t)(map + TOY_NOBODY + 5));
	NEED(is_refused(map + TOY_DEAF));
	NEED(AT(uint32_t, map, 0) == 7);
	NEED(is_refused(map + TOY_NOBODY));
	return 0;
}

static int client_handler_after(void)
{
	volatile uint8_t *map = toy_map(RW);
	struct sigaction act;

	NEED(!sigaction(SIGBUS, NULL, &act));
	NEED(act.sa_handler == SIG_DFL);
	set_handler(0, false);
	NEED(!sigaction(SIGBUS, NULL, &act));
	NEED(act.sa_handler == on_sigbus && !(act.sa_flags & SA_SIGINFO));
	NEED(is_refused(map + TOY_NOBODY));
	AT(uint32_t, map, 0) = 7;
	NEED(AT(uint32_t, map, 0) == 7);
	return 0;
}

static void a_handler_of_the_client_gets_what_is_not_ours(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_handler_before), 0);
	assert_int_equal(toy_run(client_handler_after), 0);
}

static int client_dies(void)
{
	volatile uint8_t *map = toy_map(RW);

	AT(uint32_t, map, 0) = 7;
	(void)AT(uint32_t, map, TOY_NOBODY);
	return 0;
}

static int client_ignores(void)
{
	volatile uint8_t *map = toy_map(RW);

	NEED(signal(SIGBUS, SIG_IGN) == SIG_DFL);
	NEED(!raise(SIGBUS));
	AT(uint32_t, map, 0) = 7;
	(void)AT(uint32_t, map, TOY_NOBODY);
	return 0;
}

static int client_is_sent_one(void)
{
	(void)toy_map(RW);
	raise(SIGBUS);
	return 0;
}

static int client_resethand(void)
{
	volatile uint8_t *map = toy_map(RW);

	set_handler((int)SA_RESETHAND, true);
	NEED(is_refused(map + TOY_NOBODY));
	(void)is_refused(map + TOY_NOBODY);
	return 0;
}

static void without_a_handler_sigbus_ends_the_client(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_dies), 128 + SIGBUS);
	assert_int_equal(toy_run(client_ignores), 128 + SIGBUS);
	assert_int_equal(toy_run(client_is_sent_one), 128 + SIGBUS);
	assert_int_equal(toy_run(client_resethand), 128 + SIGBUS);
}

static int client_blocks_all(void)
{
	volatile uint8_t *map;
	sigset_t set;

	sigfillset(&set);
	NEED(!sigprocmask(SIG_SETMASK, &set, NULL));
	map = toy_map(RW);
	AT(uint32_t, map, 0) = 7;
	sigfillset(&set);
	NEED(!sigprocmask(SIG_SETMASK, &set, NULL));
	NEED(AT(uint32_t, map, 0) == 7);
	NEED(!sigprocmask(SIG_BLOCK, NULL, &set));
	NEED(sigismember(&set, SIGTERM) && !sigismember(&set, SIGBUS));
	return 0;
}

static void a_full_mask_does_not_matter(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_blocks_all), 0);
}

static void set_altstack(size_t room)
{
	size_t size = getauxval(AT_MINSIGSTKSZ) + room;
	stack_t stack = {.ss_sp = malloc(size), .ss_size = size};

	NEED(!sigaltstack(&stack, NULL));
}

static int client_altstack(void)
{
	volatile uint8_t *map = toy_map(RW);
	int i;

	set_altstack(1024);
	for (i = 0; i < 100; i++)
		AT(uint32_t, map, 0) += 1;
	NEED(AT(uint32_t, map, 0) == 100);
	/* A handler of a client needs room of its own. */
	set_altstack(16384);
	set_handler(SA_ONSTACK, true);
	NEED(is_refused(map + TOY_NOBODY));
	NEED(is_refused(map + TOY_NOBODY));
	return 0;
}

static void a_small_alternate_stack_is_enough(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_altstack), 0);
}

static int client_fork(void)
{
	volatile uint8_t *map = toy_map(RW);
	int status;
	pid_t pid;

	set_handler(0, true);
	AT(uint32_t, map, 0) = 1;
	pid = fork();
	if (!pid) {
		NEED(is_refused(map + TOY_NOBODY));
		AT(uint32_t, map, 0) += 1;
		map = toy_map(RW);
		NEED(map);
		AT(uint32_t, map, 0) += 1;
		signal(SIGBUS, SIG_DFL);
		(void)AT(uint32_t, map, TOY_NOBODY);
		_exit(1);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	NEED(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	NEED(AT(uint32_t, map, 0) == 3);
	/* The child's action was its own. */
	NEED(is_refused(map + TOY_NOBODY));
	return 0;
}

static void a_child_has_the_agent_already(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_fork), 0);
	assert_int_equal(toy->n_injected, 1);
}

static int client_spawn(void)
{
	char *argv[] = {(char[]){"true"}, NULL};
	volatile uint8_t *map = toy_map(RW);
	posix_spawnattr_t attr;
	sigset_t set;
	int status;
	pid_t pid;

	set_handler(0, true);
	posix_spawnattr_init(&attr);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	NEED(!posix_spawn(&pid, "/bin/true", NULL, &attr, argv, argv + 1));
	NEED(waitpid(pid, &status, 0) == pid && !status);
	NEED(is_refused(map + TOY_NOBODY));
	AT(uint32_t, map, 0) = 7;
	NEED(AT(uint32_t, map, 0) == 7);
	return 0;
}

static void a_child_in_borrowed_memory_changes_nothing(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_spawn), 0);
}

static int client_memory(void)
{
	volatile uint8_t *map = toy_map(RW);
	unsigned int i, before = toy->n_log;

	for (i = 0; i < 2 * TOY_PAGE; i += 8)
		AT(uint64_t, map, TOY_MEMORY + i) = i;
	for (i = 0; i < 2 * TOY_PAGE; i += 8)
		NEED(AT(uint64_t, map, TOY_MEMORY + i) == i);
	NEED(toy->n_log == before);
	map = toy_map(PROT_READ);
	NEED(AT(uint64_t, map, TOY_MEMORY + 4096) == 4096);
	AT(uint32_t, toy_map(RW), 0) = 7;
	NEED(AT(uint32_t, map, 0) == 7);
	return 0;
}

static int client_memory_readonly(void)
{
	volatile uint8_t *map = toy_map(PROT_READ);

	(void)AT(uint64_t, map, TOY_MEMORY);
	AT(uint64_t, map, TOY_MEMORY) = 1;
	return 0;
}

static void memory_is_mapped_at_the_first_touch(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_memory), 0);
	assert_int_equal(toy->n_log, 2);
	assert_int_equal(toy_run(client_memory_readonly), 128 + SIGSEGV);
}

static int client_truncated(void)
{
	int fd = memfd_create("other", 0);
	volatile uint8_t *map = toy_map(RW), *other;

	(void)!ftruncate(fd, 4096);
	other = mmap(NULL, 4096, RW, MAP_SHARED, fd, 0);
	other[0] = 1;
	(void)!ftruncate(fd, 0);
	set_handler(0, true);
	NEED(is_refused(other));
	NEED(AT(uint32_t, map, 0) == 0);
	/* The same address, once a device's and then not. */
	NEED(mmap((void *)(uintptr_t)map, 4096, RW, MAP_SHARED | MAP_FIXED, fd,
		  0) == map);
	NEED(is_refused(map));
	return 0;
}

static void other_files_fault_as_ever(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_truncated), 0);
	assert_int_equal(toy->n_log, 1);
}

static volatile int ticks;

static void on_tick(int sig)
{
	(void)sig;
	ticks++;
}

static int client_storm(void)
{
	/* Without SA_RESTART the mmap() could fail with EINTR: a trapped
	 * call that nobody has received yet gives way to signals. */
	struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	struct itimerval timer = {{0, 70}, {0, 70}};
	volatile uint8_t *map;
	int i;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	map = toy_map(RW);
	for (i = 0; i < 20000; i++)
		AT(uint32_t, map, 0) += 1;
	NEED(AT(uint32_t, map, 0) == 20000);
	NEED(ticks > 10);
	return 0;
}

static void signals_do_not_repeat_or_lose_an_access(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_storm), 0);
	assert_int_equal(toy->n_log, 40001);
}

static int client_signals_at_injection(void)
{
	struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	union sigval value = {.sival_int = 0};
	pid_t pid, parent = getpid();
	int i, status;

	sigaction(SIGRTMIN, &act, NULL);
	pid = fork();
	if (!pid) {
		for (i = 0; i < 500; i++)
			while (sigqueue(parent, SIGRTMIN, value) &&
			       errno == EAGAIN)
				usleep(1000);
		_exit(0);
	}
	NEED(AT(uint32_t, toy_map(RW), 0) == 0);
	while (waitpid(pid, &status, 0) != pid)
		;
	NEED(ticks == 500);
	return 0;
}

static void no_signal_is_lost_at_the_injection(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_signals_at_injection), 0);
	assert_int_equal(toy->n_injected, 1);
}

static int client_stopped(void)
{
	int status, end[2];
	char byte;
	pid_t pid;

	NEED(!pipe(end));
	pid = fork();
	if (!pid) {
		volatile uint8_t *map;

		raise(SIGSTOP);
		map = toy_map(RW);
		NEED(map && AT(uint32_t, map, 0) == 0);
		NEED(read(end[0], &byte, 1) == 1);
		_exit(3);
	}
	NEED(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	/* The second stop comes before, at, or after the injection. */
	kill(pid, SIGCONT);
	usleep((useconds_t)getpid() % 300);
	kill(pid, SIGSTOP);
	NEED(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	NEED(write(end[1], "", 1) == 1);
	NEED(waitpid(pid, &status, 0) == pid);
	NEED(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	return 0;
}

static void a_stopped_client_stays_stopped(void **unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 20; i++) {
		assert_int_equal(toy_run(client_stopped), 0);
		assert_int_equal(toy->n_injected, 1);
	}
}

static int client_traced(void)
{
	int ready[2], status;
	volatile uint8_t *map;
	pid_t tracer, self = getpid();
	char byte;

	NEED(!pipe(ready));
	tracer = fork();
	if (!tracer) {
		if (ptrace(PTRACE_SEIZE, self, 0, 0))
			_exit(1);
		(void)!write(ready[1], "", 1);
		pause();
	}
	NEED(read(ready[0], &byte, 1) == 1);
	map = toy_map(RW);
	NEED(map);
	kill(tracer, SIGKILL);
	NEED(waitpid(tracer, &status, 0) == tracer);
	/* And a later attempt succeeds. */
	map = toy_map(RW);
	NEED(map && AT(uint32_t, map, 0) == 0);
	return 0;
}

static void a_traced_client_is_left_alone(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_traced), 0);
	assert_int_equal(toy->n_refused, 1);
	assert_int_equal(toy->n_injected, 1);
}

static void rep_movsb(volatile void *to, volatile const void *from, size_t len)
{
	__asm__ volatile("rep movsb"
			 : "+D"(to), "+S"(from), "+c"(len)
			 :
			 : "memory");
}

static int client_strings(void)
{
	volatile uint8_t *map = toy_map(RW);
	uint8_t *in = malloc(8000), *out = malloc(8000);
	unsigned int i;

	for (i = 0; i < 8000; i++)
		in[i] = (uint8_t)(i * 7);
	rep_movsb(map + 3, in, 8000);
	rep_movsb(out, map + 3, 8000);
	NEED(!memcmp(in, out, 8000));
	rep_movsb(map + TOY_MORE, map + 3, 8000);
	NEED(!memcmp(toy->bytes + TOY_MORE, in, 8000));
	/* Into a page where nothing answers: it stops right there. */
	set_handler(0, true);
	if (!sigsetjmp(jump, 1))
		rep_movsb(map + TOY_NOBODY - 1, in, 10);
	NEED(handled == SIGBUS);
	return 0;
}

static void repeated_moves_are_done_in_pieces(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_strings), 0);
	assert_int_equal(toy->n_log, 4 * 8000);
}

static int client_unknown(void)
{
	volatile uint8_t *map = toy_map(RW);

	__asm__ volatile("movdqu (%0), %%xmm0\n"
			 "paddd (%0), %%xmm0\n"
			 :
			 : "r"(map)
			 : "xmm0", "memory");
	return 0;
}

static int client_runs_device(void)
{
	volatile uint8_t *map = toy_map(RW | PROT_EXEC);
	void (*fn)(void);
	void *addr = (void *)(uintptr_t)map;

	memcpy(&fn, &addr, sizeof(fn));
	fn();
	return 0;
}

static void what_is_not_emulated_ends_by_sigbus(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_unknown), 128 + SIGBUS);
	assert_int_equal(toy->n_log, 2);
	assert_int_equal(toy_run(client_runs_device), 128 + SIGBUS);
	assert_int_equal(toy->n_log, 0);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int client_fds(void)
{
	int before = count_fds();
	volatile uint8_t *map = toy_map(RW);

	NEED(count_fds() == before);
	(void)AT(uint32_t, map, 0);
	(void)AT(uint32_t, map, TOY_MEMORY);
	NEED(count_fds() == before);
	return 0;
}

static void no_descriptor_is_left_in_the_client(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_fds), 0);
}

/* Take all slots, as threads that died badly would. */
static void take_all_slots(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		unsigned long i, addr = strtoul(line, NULL, 16);

		if (!strstr(line, "uvfio-mailbox"))
			continue;
		for (i = 0; i < 256; i++)
			*(volatile uint32_t *)(addr + i * 256) |= 1;
	}
	fclose(file);
}

static int client_no_slot(void)
{
	volatile uint8_t *map = toy_map(RW);
	int i;

	take_all_slots();
	for (i = 0; i < 100; i++)
		AT(uint32_t, map, 0) += 1;
	NEED(AT(uint32_t, map, 0) == 100);
	AT(uint32_t, map, TOY_MEMORY) = 4;
	NEED(AT(uint32_t, map, TOY_MEMORY) == 4);
	return 0;
}

static void without_a_slot_the_stack_serves(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_no_slot), 0);
	assert_int_equal(toy->n_log, 201);
}

static int client_bad_mmap(void)
{
	NEED(mmap((void *)1, 0, RW, MAP_SHARED, TOY_FD, 0) == MAP_FAILED);
	return 0;
}

static void a_failed_mmap_injects_nothing(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_bad_mmap), 0);
}

/* From the command line: a static program that maps the device. */
static const char *program;

static void a_static_program_is_served_after_exec(void **unused)
{
	(void)unused;
	if (!program)
		skip();
	assert_int_equal(toy_exec(program), 0);
	assert_int_equal(toy->n_injected, 1);
	assert_int_equal(toy->n_log, 201);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_static_program_is_served_after_exec),
		cmocka_unit_test(each_load_and_store_is_one_access),
		cmocka_unit_test(threads_do_not_disturb_each_other),
		cmocka_unit_test(a_handler_of_the_client_gets_what_is_not_ours),
		cmocka_unit_test(without_a_handler_sigbus_ends_the_client),
		cmocka_unit_test(a_full_mask_does_not_matter),
		cmocka_unit_test(a_small_alternate_stack_is_enough),
		cmocka_unit_test(a_child_has_the_agent_already),
		cmocka_unit_test(a_child_in_borrowed_memory_changes_nothing),
		cmocka_unit_test(memory_is_mapped_at_the_first_touch),
		cmocka_unit_test(other_files_fault_as_ever),
		cmocka_unit_test(signals_do_not_repeat_or_lose_an_access),
		cmocka_unit_test(no_signal_is_lost_at_the_injection),
		cmocka_unit_test(a_stopped_client_stays_stopped),
		cmocka_unit_test(a_traced_client_is_left_alone),
		cmocka_unit_test(vector_registers_are_loaded_and_stored),
		cmocka_unit_test(a_page_that_was_closed_still_raises_sigbus),
		cmocka_unit_test(sigbus_by_default_ends_it_from_a_closed_page),
		cmocka_unit_test(
			a_store_to_what_is_mapped_for_loads_is_sigsegv),
		cmocka_unit_test(what_is_mapped_without_rights_is_sigsegv),
		cmocka_unit_test(its_own_handler_of_sigsegv_stays_its_own),
		cmocka_unit_test(sigsegv_by_default_ends_it),
		cmocka_unit_test(a_mirror_is_read_directly),
		cmocka_unit_test(rings_are_served),
		cmocka_unit_test(a_ring_that_nobody_hears_becomes_a_call),
		cmocka_unit_test(what_takes_a_call_is_declined),
		cmocka_unit_test(repeated_moves_are_done_in_pieces),
		cmocka_unit_test(what_is_not_emulated_ends_by_sigbus),
		cmocka_unit_test(no_descriptor_is_left_in_the_client),
		cmocka_unit_test(without_a_slot_the_stack_serves),
		cmocka_unit_test(a_failed_mmap_injects_nothing),
	};

	if (argc > 1)
		program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
