/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client under a minimal filter, and a supervisor of two threads for it,
 * with one toy device: what the agent needs around it, and no more.
 */
#ifndef UVF_TESTS_UNIT_FRONT_AGENT_HARNESS_H
#define UVF_TESTS_UNIT_FRONT_AGENT_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOY_PAGE 4096U
#define TOY_SIZE (9 * TOY_PAGE)

/* Pages of the toy device. */
#define TOY_REGS   0              /* two pages of plain bytes, trapped */
#define TOY_MEMORY (2 * TOY_PAGE) /* two pages of memory */
#define TOY_NOBODY (4 * TOY_PAGE) /* a page where nothing answers */
#define TOY_DEAF   (5 * TOY_PAGE) /* trapped, but each access fails */
#define TOY_MORE   (6 * TOY_PAGE) /* two more pages of bytes, trapped */
#define TOY_MIRROR (8 * TOY_PAGE) /* loads are of memory, stores trapped */

#define TOY_LOG_MAX 4096

struct toy_access {
	uint64_t pos;
	uint8_t len;
	bool is_write;
};

/* Shared by the client and the supervisor, for tests to look at. */
struct toy {
	uint8_t bytes[TOY_SIZE];
	unsigned int n_log;
	struct toy_access log[TOY_LOG_MAX];
	unsigned int n_injected; /* agents put in */
	unsigned int n_refused;  /* agents that could not be */
	unsigned int n_rings;    /* of agents, that were heard */
	bool is_deaf;            /* each trapped access fails */
};

extern struct toy *toy;

/* The device's descriptor in every client. */
#define TOY_FD 500

/*
 * Run a function as a client, in a process of its own.  Return: its exit
 * status, or 128 plus the signal that ended it.
 */
int toy_run(int (*client)(void));

/* The same, and a third thread of the supervisor hears agents ring. */
int toy_run_hearing(int (*client)(void));

/* The same for a program, without arguments; it inherits TOY_FD. */
int toy_exec(const char *path);

/* As client: map the toy device. */
volatile uint8_t *toy_map(int prot);

#define RW (PROT_READ | PROT_WRITE)

/* In a client: end it, with the line as status, unless it holds. */
#define NEED(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#cond);                                        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

/* agent_vectors.c: a test, as for cmocka. */
void vector_registers_are_loaded_and_stored(void **unused);

/* agent_rights.c, likewise. */
void a_page_that_was_closed_still_raises_sigbus(void **unused);
void sigbus_by_default_ends_it_from_a_closed_page(void **unused);
void a_store_to_what_is_mapped_for_loads_is_sigsegv(void **unused);
void what_is_mapped_without_rights_is_sigsegv(void **unused);
void its_own_handler_of_sigsegv_stays_its_own(void **unused);
void sigsegv_by_default_ends_it(void **unused);
void a_mirror_is_read_directly(void **unused);

/* agent_rings.c, likewise. */
void rings_are_served(void **unused);
void a_ring_that_nobody_hears_becomes_a_call(void **unused);
void what_takes_a_call_is_declined(void **unused);

#endif /* UVF_TESTS_UNIT_FRONT_AGENT_HARNESS_H */
