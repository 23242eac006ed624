/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of a client that rings while a thread of the supervisor hears.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_harness.h"
#include "front/agent/abi.h"

#define RINGS 500u

static volatile uint32_t *regs_of(volatile uint8_t *map)
{
	return (volatile uint32_t *)(uintptr_t)map;
}

/* All of them arrive, in order, whether by a ring or by a call. */
static int client_rings(void)
{
	volatile uint32_t *regs = regs_of(toy_map(RW));

	for (uint32_t i = 0; toy->n_rings < RINGS; i++) {
		regs[i % 64] = i;
		NEED(regs[i % 64] == i);
	}
	return 0;
}

void rings_are_served(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run_hearing(client_rings), 0);
	for (unsigned int i = 0; i < TOY_LOG_MAX && i < toy->n_log; i++) {
		assert_int_equal(toy->log[i].is_write, i % 2 == 0);
		assert_int_equal(toy->log[i].pos, 4 * (i / 2 % 64));
	}
}

/* Where the agent has the mailbox. */
static struct uvf_agent_bell *find_bell(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long first = 0;
	char line[512];

	NEED(maps);
	while (!first && fgets(line, sizeof(line), maps))
		if (strstr(line, "uvfio-mailbox"))
			first = strtoul(line, NULL, 16);
	(void)fclose(maps);
	NEED(first);
	return (void *)(uintptr_t)(first + UVF_AGENT_BELL_OFFSET);
}

static int client_is_not_heard(void)
{
	volatile uint32_t *regs = regs_of(toy_map(RW));
	struct uvf_agent_bell *bell;
	uint64_t rung = 0;

	regs[0] = 1;
	bell = find_bell();
	__atomic_store_n(&bell->is_heard, 1, __ATOMIC_SEQ_CST);
	regs[1] = 2;
	for (unsigned int i = 0; i < UVF_AGENT_SLOTS / 64; i++)
		rung |= __atomic_load_n(&bell->rung[i], __ATOMIC_SEQ_CST);
	NEED(rung);
	/* The supervisor has learnt that it keeps clients waiting. */
	NEED(!__atomic_load_n(&bell->is_heard, __ATOMIC_SEQ_CST));
	NEED(regs[0] == 1 && regs[1] == 2);
	return 0;
}

void a_ring_that_nobody_hears_becomes_a_call(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run(client_is_not_heard), 0);
	assert_int_equal(toy->n_rings, 0);
}

static int client_touches_memory(void)
{
	volatile uint8_t *map = toy_map(RW);

	while (toy->n_rings < RINGS)
		regs_of(map)[0] = 1;
	/* Memory is lent with a descriptor, which only a call can take. */
	map[TOY_MEMORY] = 7;
	NEED(map[TOY_MEMORY] == 7);
	return 0;
}

void what_takes_a_call_is_declined(void **unused)
{
	(void)unused;
	assert_int_equal(toy_run_hearing(client_touches_memory), 0);
}
