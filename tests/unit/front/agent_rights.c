/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights of pages: those that the agent takes from a page that traps, those
 * that a program gave itself, and what either means for its signals.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_harness.h"

static sigjmp_buf back;
static volatile int seen, code;
static void *volatile where;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	NEED(sig == info->si_signo);
	seen = sig;
	code = info->si_code;
	where = info->si_addr;
	siglongjmp(back, 1);
}

static void catch (int sig)
{
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO};

	NEED(!sigaction(sig, &action, NULL));
}

/* The signal that a store, or a load, raises; 0: none. */
static int touch(volatile uint8_t *at, bool is_store)
{
	seen = 0;
	if (!sigsetjmp(back, 1)) {
		if (is_store)
			*at = 1;
		else
			(void)*at;
	}
	return seen;
}

static volatile uint8_t *closed_page(void)
{
	volatile uint8_t *map = toy_map(RW);

	/* The second touch is the first that finds it closed. */
	map[0] = 1;
	NEED(map[0] == 1);
	return map;
}

static int client_closed(void)
{
	volatile uint8_t *map = closed_page();

	catch (SIGBUS);
	catch (SIGSEGV);
	toy->is_deaf = true;
	for (int i = 0; i < 3; i++) {
		NEED(touch(map + 4 * i, i & 1) == SIGBUS);
		NEED(code == BUS_ADRERR);
		NEED(where == map + 4 * i);
	}
	toy->is_deaf = false;
	NEED(!touch(map, true) && map[0] == 1);
	return 0;
}

void a_page_that_was_closed_still_raises_sigbus(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_closed), 0);
}

static int client_default(void)
{
	volatile uint8_t *map = closed_page();

	catch (SIGSEGV);
	toy->is_deaf = true;
	map[0] = 2;
	return 1;
}

void sigbus_by_default_ends_it_from_a_closed_page(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_default), 128 + SIGBUS);
}

static int client_reads_only(void)
{
	volatile uint8_t *map = toy_map(PROT_READ);

	catch (SIGSEGV);
	toy->bytes[5] = 55;
	for (int i = 0; i < 3; i++) {
		NEED(map[5] == 55);
		NEED(touch(map + 5, true) == SIGSEGV);
		NEED(code == SEGV_ACCERR && where == map + 5);
	}
	NEED(toy->bytes[5] == 55);
	/* Its own doing: it may store from now on, and then no more. */
	NEED(!mprotect((void *)(uintptr_t)map, TOY_PAGE, RW));
	NEED(!touch(map + 5, true) && toy->bytes[5] == 1);
	NEED(!touch(map + 5, true));
	NEED(!mprotect((void *)(uintptr_t)map, TOY_PAGE, PROT_READ));
	NEED(map[5] == 1);
	NEED(touch(map + 5, true) == SIGSEGV);
	/* The same of memory, and of what mirrors it. */
	NEED(!map[TOY_MEMORY] && touch(map + TOY_MEMORY, true) == SIGSEGV);
	NEED(!map[TOY_MIRROR] && touch(map + TOY_MIRROR, true) == SIGSEGV);
	NEED(!map[TOY_MEMORY] && !map[TOY_MIRROR]);
	return 0;
}

void a_store_to_what_is_mapped_for_loads_is_sigsegv(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_reads_only), 0);
}

static int client_has_none(void)
{
	volatile uint8_t *map = toy_map(PROT_NONE);
	volatile uint8_t *used = toy_map(RW);
	int status;

	used[0] = 1;
	NEED(used[0] == 1);
	catch (SIGSEGV);
	for (int i = 0; i < 2; i++) {
		NEED(touch(map, i) == SIGSEGV);
		NEED(touch(map + TOY_MEMORY, i) == SIGSEGV);
		NEED(touch(map + TOY_MIRROR, i) == SIGSEGV);
	}
	NEED(used[0] == 1);
	/* A child finds what its parent closed. */
	if (!fork())
		_exit(used[0] == 1 && touch(map, false) == SIGSEGV ? 0 : 1);
	NEED(wait(&status) > 0);
	return status;
}

void what_is_mapped_without_rights_is_sigsegv(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_has_none), 0);
}

static int client_handles(void)
{
	volatile uint8_t *own = mmap(NULL, TOY_PAGE, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint8_t *map = closed_page();
	struct sigaction old;

	NEED(!sigaction(SIGSEGV, NULL, &old) && old.sa_handler == SIG_DFL);
	catch (SIGSEGV);
	NEED(!sigaction(SIGSEGV, NULL, &old));
	NEED(old.sa_sigaction == on_signal && old.sa_flags & SA_SIGINFO);
	NEED(touch(own, false) == SIGSEGV && code == SEGV_ACCERR);
	NEED(map[0] == 1);
	NEED(!munmap((void *)(uintptr_t)own, TOY_PAGE));
	NEED(touch(own, true) == SIGSEGV && code == SEGV_MAPERR);
	NEED(!touch(map, true));
	if (!sigsetjmp(back, 1))
		NEED(raise(SIGSEGV));
	NEED(code == SI_TKILL);
	NEED(map[0] == 1);
	return 0;
}

void its_own_handler_of_sigsegv_stays_its_own(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_handles), 0);
}

static int client_dies(void)
{
	volatile uint8_t *own = mmap(NULL, TOY_PAGE, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)closed_page();
	catch (SIGBUS);
	*own = 1;
	return 1;
}

void sigsegv_by_default_ends_it(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_dies), 128 + SIGSEGV);
}

static int client_mirror(void)
{
	volatile uint32_t *map =
		(volatile uint32_t *)(uintptr_t)(toy_map(RW) + TOY_MIRROR);

	NEED(map[3] == 0);
	for (uint32_t i = 0; i < 10; i++) {
		map[3] = i + 1;
		/* The device keeps it, and does not show it. */
		NEED(map[3] == 0);
		NEED(toy->n_log == i + 1 && toy->log[i].is_write);
		NEED(toy->log[i].pos == TOY_MIRROR + 12);
		NEED(toy->bytes[TOY_MIRROR + 12] == i + 1);
	}
	return 0;
}

void a_mirror_is_read_directly(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_mirror), 0);
}
