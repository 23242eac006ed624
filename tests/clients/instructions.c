/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carries out instructions on plain memory, and on registers that behave like
 * it: both must leave the same.  Under `uvfio run -d trapped.so`, with what
 * instructions_make writes as standard input.
 */
#include "client.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "instructions.h"

#define PAGE  4096u
#define BATCH 256u

/* In the BAR: registers, and what is behind them as memory. */
#define REGISTERS 0
#define BEHIND    MEMORY_SIZE

static const uint8_t *const memory = (const uint8_t *)MEMORY_AT;
static enum native_level level;
static uint8_t *behind;

static struct instruction_case cases[BATCH];
static struct {
	struct native after;
	uint8_t memory[MEMORY_SIZE];
} plain[BATCH];

static size_t read_cases(void)
{
	uint8_t *at = (uint8_t *)cases;
	size_t done = 0;
	ssize_t n;

	while (done < sizeof(cases) &&
	       (n = read(0, at + done, sizeof(cases) - done)) > 0)
		done += (size_t)n;
	NEED(done % sizeof(cases[0]) == 0);
	return done / sizeof(cases[0]);
}

static void map(int fd, unsigned int page, off_t offset)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	NEED(mmap((void *)(MEMORY_AT + page * PAGE), PAGE,
		  PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd,
		  offset) != MAP_FAILED);
}

/* Of a page, where it can be reached without a trap. */
static uint8_t *page_of(unsigned int page, uint32_t pages)
{
	if (pages >> page & 1)
		return behind + page * PAGE;
	return (uint8_t *)MEMORY_AT + page * PAGE;
}

static void run_plain(size_t count)
{
	map(-1, 0, 0);
	map(-1, 1, 0);
	for (size_t i = 0; i < count; i++) {
		memcpy((void *)MEMORY_AT, cases[i].memory, MEMORY_SIZE);
		plain[i].after = cases[i].before;
		native_run(&plain[i].after, cases[i].bytes, cases[i].len);
		memcpy(plain[i].memory, memory, MEMORY_SIZE);
	}
}

/* What differs, or NULL. */
static const char *compare(const struct instruction_case *c, size_t i,
			   const struct native *after)
{
	size_t bytes = level == NATIVE_AVX512 ? 64 : level ? 32 : 16;
	unsigned int n = level == NATIVE_AVX512 ? 32 : 16;
	const struct native *want = &plain[i].after;

	if (memcmp(after->gpr, want->gpr, sizeof(want->gpr)))
		return "general registers";
	if ((after->flags ^ want->flags) & c->flags)
		return "flags";
	for (unsigned int v = 0; v < n; v++)
		if (memcmp(after->vector[v], want->vector[v], bytes))
			return "vector registers";
	for (unsigned int page = 0; page < 2; page++)
		if (memcmp(page_of(page, c->pages),
			   plain[i].memory + page * PAGE, PAGE))
			return "memory";
	return NULL;
}

static void run_registers(size_t count, int device, uint32_t pages)
{
	for (unsigned int page = 0; page < 2; page++)
		map(pages >> page & 1 ? device : -1, page,
		    (off_t)(REGISTERS + page * PAGE));
	for (size_t i = 0; i < count; i++) {
		struct native after = cases[i].before;
		const char *error;

		if (cases[i].pages != pages)
			continue;
		for (unsigned int page = 0; page < 2; page++)
			memcpy(page_of(page, pages),
			       cases[i].memory + page * PAGE, PAGE);
		native_run(&after, cases[i].bytes, cases[i].len);
		error = compare(&cases[i], i, &after);
		if (error)
			fprintf(stderr, "%s: %s differ, pages %u\n",
				cases[i].text, error, pages);
		CHECK(!error);
	}
}

int main(void)
{
	struct client_vfio vfio = client_open();
	stack_t stack = {.ss_size = 1 << 16};
	size_t count, total = 0;

	/* Stacks of the cases are registers; those of signals must not be. */
	stack.ss_sp = malloc(stack.ss_size);
	NEED(!sigaltstack(&stack, NULL));
	level = native_init();
	behind = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      vfio.device, BEHIND);
	NEED(behind != MAP_FAILED);
	while ((count = read_cases()) && client_failures < 20) {
		run_plain(count);
		for (uint32_t pages = 1; pages < 4; pages++)
			run_registers(count, vfio.device, pages);
		total += count;
	}
	CHECK(total > 100);
	return client_status();
}
