/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies that survive memory which is not there.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem/copy.h"

#define PAGE 4096u

/* Where nothing is; the compiler must not know. */
static volatile char *volatile nowhere = (volatile char *)(uintptr_t)16;

typedef int copy_fn(void *dst, const void *src, size_t len);

/* In each test: cmocka puts its own handlers before each. */
static void guard(void)
{
	assert_int_equal(uvf_copy_guard_init(), 0);
}

static uint8_t *pages(unsigned int count)
{
	uint8_t *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/* A page, and nothing behind it. */
static uint8_t *last_page(void)
{
	uint8_t *p = pages(2);

	assert_int_equal(munmap(p + PAGE, PAGE), 0);
	return p;
}

static void copies_every_length_at_every_alignment(copy_fn *copy)
{
	uint8_t src[256], dst[256], want[256];

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i * 7 + 1);
	for (size_t from = 0; from < 16; from++) {
		for (size_t to = 0; to < 16; to++) {
			for (size_t len = 0; len < 200; len++) {
				memset(dst, 0xee, sizeof(dst));
				memset(want, 0xee, sizeof(want));
				memcpy(want + to, src + from, len);
				assert_int_equal(
					copy(dst + to, src + from, len), 0);
				assert_memory_equal(dst, want, sizeof(dst));
			}
		}
	}
}

static void copies_every_length(void **state)
{
	(void)state;
	guard();
	copies_every_length_at_every_alignment(uvf_copy_to);
	copies_every_length_at_every_alignment(uvf_copy_from);
	copies_every_length_at_every_alignment(uvf_copy_guarded);
}

static void copies_up_to_the_last_byte_and_no_further(void **state)
{
	uint8_t *p = last_page();
	uint8_t buf[300];

	(void)state;
	guard();
	memset(buf, 0x5a, sizeof(buf));
	for (size_t len = 1; len < sizeof(buf); len++) {
		uint8_t *end = p + PAGE;

		assert_int_equal(uvf_copy_to(end - len, buf, len), 0);
		assert_int_equal(uvf_copy_from(buf, end - len, len), 0);
		assert_int_equal(uvf_copy_to(end - len + 1, buf, len), -EFAULT);
		assert_int_equal(uvf_copy_from(buf, end - len + 1, len),
				 -EFAULT);
	}
	munmap(p, PAGE);
}

static void refuses_wild_addresses(void **state)
{
	static const uint64_t wild[] = {
		0,
		8,
		0x7fffffffffffull,
		0x8000000000000000ull,
		0xffffffff81000000ull,
		0xfffffffffffff000ull,
		UINT64_MAX,
	};
	uint8_t buf[64] = {0};

	(void)state;
	guard();
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		void *p = (void *)(uintptr_t)wild[i];

		assert_int_equal(uvf_copy_to(p, buf, sizeof(buf)), -EFAULT);
		assert_int_equal(uvf_copy_from(buf, p, sizeof(buf)), -EFAULT);
		assert_int_equal(uvf_copy_probe(wild[i], false), -EFAULT);
		assert_int_equal(uvf_copy_probe(wild[i], true), -EFAULT);
		assert_int_equal(uvf_copy_to(p, buf, 0), 0);
	}
}

static void refuses_what_the_protection_forbids(void **state)
{
	uint8_t *p = pages(1);
	uint8_t byte = 7;

	(void)state;
	guard();
	*p = 3;
	assert_int_equal(uvf_copy_probe((uintptr_t)p, true), 0);
	assert_int_equal(*p, 3);
	mprotect(p, PAGE, PROT_READ);
	assert_int_equal(uvf_copy_probe((uintptr_t)p, false), 0);
	assert_int_equal(uvf_copy_probe((uintptr_t)p, true), -EFAULT);
	assert_int_equal(uvf_copy_to(p, &byte, 1), -EFAULT);
	assert_int_equal(uvf_copy_from(&byte, p, 1), 0);
	assert_int_equal(byte, 3);
	mprotect(p, PAGE, PROT_NONE);
	assert_int_equal(uvf_copy_from(&byte, p, 1), -EFAULT);
	munmap(p, PAGE);
}

/* Shows M74. */
static void survives_a_truncated_file(void **state)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	uint8_t buf[8] = {0};
	uint8_t *p;

	(void)state;
	guard();
	assert_int_equal(ftruncate(fd, PAGE), 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(uvf_copy_to(p, buf, 8), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(uvf_copy_to(p, buf, 8), -EFAULT);
	assert_int_equal(uvf_copy_from(buf, p, 8), -EFAULT);
	munmap(p, PAGE);
	close(fd);
}

/* What two threads do to one line of memory. */
struct duel {
	uint8_t *line;
	size_t offset; /* of what is copied */
	size_t len;
	atomic_bool is_over;
	atomic_ulong rounds;
};

static void *write_patterns(void *arg)
{
	struct duel *duel = arg;
	uint8_t buf[2][256];

	memset(buf[0], 0, sizeof(buf[0]));
	memset(buf[1], 0xff, sizeof(buf[1]));
	while (!atomic_load(&duel->is_over)) {
		uvf_copy_to(duel->line + duel->offset, buf[0], duel->len);
		uvf_copy_to(duel->line + duel->offset, buf[1], duel->len);
		atomic_fetch_add(&duel->rounds, 1);
	}
	return NULL;
}

/* Each aligned unit inside must be all old or all new. */
static void check_units(const struct duel *duel)
{
	size_t first = (duel->offset + 7) & ~7ul;

	for (size_t i = first; i + 8 <= duel->offset + duel->len; i += 8) {
		uint64_t unit = __atomic_load_n(
			(const uint64_t *)(const void *)(duel->line + i),
			__ATOMIC_RELAXED);

		assert_true(unit == 0 || unit == UINT64_MAX);
	}
	first = (duel->offset + 3) & ~3ul;
	for (size_t i = first; i + 4 <= duel->offset + duel->len; i += 4) {
		uint32_t unit = __atomic_load_n(
			(const uint32_t *)(const void *)(duel->line + i),
			__ATOMIC_RELAXED);

		assert_true(unit == 0 || unit == UINT32_MAX);
	}
}

/* Shows M75. */
static void never_tears_an_aligned_unit(void **state)
{
	static const size_t lengths[] = {8, 12, 16, 20, 24, 63, 64, 100};

	(void)state;
	guard();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t offset = 0; offset < 8; offset++) {
			struct duel duel = {.line = pages(1),
					    .offset = 56 + offset,
					    .len = lengths[i]};
			pthread_t thread;

			pthread_create(&thread, NULL, write_patterns, &duel);
			while (atomic_load(&duel.rounds) < 500)
				check_units(&duel);
			atomic_store(&duel.is_over, true);
			pthread_join(thread, NULL);
			munmap(duel.line, PAGE);
		}
	}
}

static void comes_first_again_when_initialised_again(void **state)
{
	uint8_t byte;

	(void)state;
	guard();
	signal(SIGSEGV, SIG_DFL);
	guard();
	guard();
	assert_true(uvf_copy_guard_is_on());
	assert_int_equal(uvf_copy_from(&byte, NULL, 1), -EFAULT);
}

static sigjmp_buf escape;
static volatile sig_atomic_t seen;

static void former_handler(int sig)
{
	seen = sig;
	siglongjmp(escape, 1);
}

/* In a process of its own: there, ours is not installed yet. */
static int chained(void)
{
	struct sigaction action = {.sa_handler = former_handler};
	uint8_t byte;

	sigaction(SIGSEGV, &action, NULL);
	if (uvf_copy_guard_init())
		return 1;
	if (uvf_copy_from(&byte, NULL, 1) != -EFAULT || seen)
		return 2;
	if (!sigsetjmp(escape, 1))
		*nowhere = 1;
	if (seen != SIGSEGV)
		return 3;
	seen = 0;
	if (!sigsetjmp(escape, 1))
		raise(SIGSEGV);
	return seen == SIGSEGV ? 0 : 4;
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void passes_other_faults_to_the_former_handler(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		_exit(chained());
	status = status_of(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void leaves_other_faults_fatal(void **state)
{
	int sig;

	(void)state;
	for (int sent = 0; sent < 2; sent++) {
		pid_t pid = fork();

		if (!pid) {
			signal(SIGSEGV, SIG_DFL);
			if (uvf_copy_guard_init())
				_exit(1);
			if (sent)
				raise(SIGSEGV);
			*nowhere = 1;
			_exit(2);
		}
		sig = status_of(pid);
		assert_true(WIFSIGNALED(sig));
		assert_int_equal(WTERMSIG(sig), SIGSEGV);
	}
}

int main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(passes_other_faults_to_the_former_handler),
		cmocka_unit_test(leaves_other_faults_fatal),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_every_length),
		cmocka_unit_test(copies_up_to_the_last_byte_and_no_further),
		cmocka_unit_test(refuses_wild_addresses),
		cmocka_unit_test(refuses_what_the_protection_forbids),
		cmocka_unit_test(survives_a_truncated_file),
		cmocka_unit_test(never_tears_an_aligned_unit),
		cmocka_unit_test(comes_first_again_when_initialised_again),
	};

	return cmocka_run_group_tests_name("copy/before", before, NULL, NULL) +
	       cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
