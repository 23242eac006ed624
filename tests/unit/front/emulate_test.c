/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulator against the processor: random instructions of each form, on
 * random registers and memory, must leave the same in both.
 *
 * UVF_EMULATE_SEED chooses other cases, UVF_EMULATE_CASES how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emulate_cases.h"
#include "front/supervisor/emulate.h"

/* The emulator's side. */
struct side {
	const struct test_case *t;
	struct native *state;
	uint8_t memory[MEMORY_SIZE];
	const char *error;
	int locks;
};

/* The emulator's memory and vector registers. */

static bool is_device(void *context, uint64_t addr)
{
	const struct side *side = context;
	uint64_t at = addr - (uint64_t)(uintptr_t)side->t->memory;

	return side->t->device_mask >> (at >= MEMORY_SIZE / 2) & 1;
}

static uint8_t *locate(struct side *side, uint64_t addr, size_t len,
		       size_t unit)
{
	uint64_t at = addr - (uint64_t)(uintptr_t)side->t->memory;

	if (at >= MEMORY_SIZE || at + len > MEMORY_SIZE) {
		side->error = "an access beyond the memory";
		return NULL;
	}
	if (unit && (len % unit || unit != side->t->width))
		side->error = "an access of a wrong unit";
	return side->memory + at;
}

static size_t load(void *context, uint64_t addr, void *buf, size_t len,
		   size_t unit)
{
	uint8_t *from = locate(context, addr, len, unit);

	if (!from)
		return 0;
	memcpy(buf, from, len);
	return len;
}

static size_t store(void *context, uint64_t addr, const void *buf, size_t len,
		    size_t unit)
{
	uint8_t *to = locate(context, addr, len, unit);

	if (!to)
		return 0;
	memcpy(to, buf, len);
	return len;
}

static bool vector_get(void *context, unsigned int reg, void *value)
{
	const struct side *side = context;

	memcpy(value, side->state->vector[reg], 64);
	return true;
}

static bool vector_set(void *context, unsigned int reg, const void *value)
{
	struct side *side = context;

	memcpy(side->state->vector[reg], value, 64);
	return true;
}

static bool mask_get(void *context, unsigned int reg, uint64_t *ret_value)
{
	const struct side *side = context;

	*ret_value = side->state->mask[reg];
	return true;
}

static void lock(void *context)
{
	struct side *side = context;

	side->locks++;
}

static void unlock(void *context)
{
	(void)context;
}

static const struct uvf_emulate_ops ops = {
	.load = load,
	.store = store,
	.is_device = is_device,
	.vector_get = vector_get,
	.vector_set = vector_set,
	.mask_get = mask_get,
	.lock = lock,
	.unlock = unlock,
};

static void print_case(const struct test_case *t, const char *what)
{
	char text[128] = "?";
	ZydisDisassembledInstruction dis;
	size_t i;

	if (ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64,
					       native_rip(), t->bytes, t->len,
					       &dis)))
		(void)snprintf(text, sizeof(text), "%s", dis.text);
	print_error("%s: %s;", what, text);
	for (i = 0; i < t->len; i++)
		print_error(" %02x", t->bytes[i]);
	print_error("; flags %#llx rcx %#llx\n",
		    (unsigned long long)t->before.flags,
		    (unsigned long long)t->before.gpr[UVF_REG_RCX]);
}

/* What differs, or NULL. */
static const char *compare(const struct test_case *t, const struct side *side,
			   const struct native *after,
			   const struct uvf_cpu *cpu)
{
	unsigned int flags = (ARITH | DF) & ~undefined_flags(t);
	size_t bytes = level == NATIVE_AVX512 ? 64 : level ? 32 : 16;
	unsigned int i, n = level == NATIVE_AVX512 ? 32 : 16;

	if (cpu->rip != native_rip() + t->len)
		return "RIP";
	if (memcmp(cpu->gpr, after->gpr, sizeof(cpu->gpr)))
		return "general registers";
	if ((cpu->flags ^ after->flags) & flags)
		return "flags";
	for (i = 0; i < n; i++)
		if (memcmp(side->state->vector[i], after->vector[i], bytes))
			return "vector registers";
	if (memcmp(side->memory, t->memory, MEMORY_SIZE))
		return "memory";
	if (t->is_locked && side->locks != 1)
		return "no lock";
	return side->error;
}

static bool run_case(const struct test_case *t)
{
	static struct side side;
	struct native emulated = t->before, after = t->before;
	enum uvf_emulate_result result;
	struct uvf_insn insn;
	struct uvf_cpu cpu;
	const char *error;

	side.t = t;
	side.state = &emulated;
	side.error = NULL;
	side.locks = 0;
	memcpy(side.memory, t->memory, MEMORY_SIZE);
	memcpy(cpu.gpr, t->before.gpr, sizeof(cpu.gpr));
	cpu.flags = t->before.flags;
	cpu.rip = native_rip();
	error = uvf_decode(t->bytes, t->len, &insn);
	if (error) {
		print_case(t, error);
		return false;
	}
	native_run(&after, t->bytes, t->len);
	do
		result = uvf_emulate(&insn, &cpu, &ops, &side);
	while (result == UVF_EMULATE_AGAIN);
	if (result != UVF_EMULATE_DONE)
		error = side.error ? side.error : "not done";
	else
		error = compare(t, &side, &after, &cpu);
	if (error)
		print_case(t, error);
	return !error;
}

static unsigned int run_cases(unsigned long cases, unsigned int *per_form)
{
	unsigned int failed = 0;
	unsigned long i, done = 0;
	struct test_case t;
	size_t f;

	for (i = 0; done < cases && i < cases * 10 && failed < 20; i++) {
		f = i % n_forms;
		if (!is_supported(&forms[f]) || !make(&t, &forms[f]))
			continue;
		per_form[f]++;
		done++;
		if (!run_case(&t))
			failed++;
	}
	print_message("%lu cases of %zu forms, level %d\n", done, n_forms,
		      (int)level);
	return failed;
}

static void emulates_what_the_processor_does(void **unused)
{
	const char *text = getenv("UVF_EMULATE_CASES");
	unsigned long cases = text ? strtoul(text, NULL, 0) : 200000;
	unsigned int *per_form = calloc(n_forms, sizeof(*per_form));
	unsigned int failed;
	size_t f;

	(void)unused;
	failed = run_cases(cases, per_form);
	/* A form that was never made was never tested. */
	for (f = 0; f < n_forms; f++)
		if (is_supported(&forms[f]) && per_form[f] < 10) {
			print_error("%s, shape %d: %u cases only\n",
				    ZydisMnemonicGetString(forms[f].mnemonic),
				    (int)forms[f].shape, per_form[f]);
			failed++;
		}
	free(per_form);
	assert_int_equal(failed, 0);
}

/* A memory of one interval, which ends in the middle of everything. */
struct strip {
	uint64_t first;
	size_t size;
	uint8_t bytes[16384];
	unsigned int accesses;
};

static size_t strip_size(const struct strip *strip, uint64_t addr, size_t len)
{
	uint64_t at = addr - strip->first;

	if (at >= strip->size)
		return 0;
	return len < strip->size - at ? len : strip->size - at;
}

static size_t strip_load(void *context, uint64_t addr, void *buf, size_t len,
			 size_t unit)
{
	struct strip *strip = context;

	(void)unit;
	len = strip_size(strip, addr, len);
	if (len)
		memcpy(buf, strip->bytes + (addr - strip->first), len);
	strip->accesses++;
	return len;
}

static size_t strip_store(void *context, uint64_t addr, const void *buf,
			  size_t len, size_t unit)
{
	struct strip *strip = context;

	(void)unit;
	len = strip_size(strip, addr, len);
	if (len)
		memcpy(strip->bytes + (addr - strip->first), buf, len);
	strip->accesses++;
	return len;
}

static bool strip_is_device(void *context, uint64_t addr)
{
	(void)context;
	(void)addr;
	return true;
}

static const struct uvf_emulate_ops strip_ops = {
	.load = strip_load,
	.store = strip_store,
	.is_device = strip_is_device,
};

static enum uvf_emulate_result run_strip(const uint8_t *bytes, size_t len,
					 struct uvf_cpu *cpu,
					 struct strip *strip)
{
	struct uvf_insn insn;

	assert_null(uvf_decode(bytes, len, &insn));
	return uvf_emulate(&insn, cpu, &strip_ops, strip);
}

static void a_fault_leaves_registers_and_flags(void **unused)
{
	static const uint8_t add[] = {0x01, 0x07};        /* add [rdi], eax */
	static const uint8_t pop[] = {0x8f, 0x07};        /* pop [rdi] */
	static const uint8_t xadd[] = {0x0f, 0xc1, 0x07}; /* xadd [rdi], eax */
	static const struct {
		const uint8_t *bytes;
		size_t len;
	} cases[] = {{add, 2}, {pop, 2}, {xadd, 3}};
	struct strip strip = {.first = 0x1000, .size = 16};
	size_t i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		struct uvf_cpu cpu = {.rip = 5, .flags = 0x8d5}, before;

		cpu.gpr[UVF_REG_RDI] = 0x1000 + 14;
		cpu.gpr[UVF_REG_RAX] = 1;
		cpu.gpr[UVF_REG_RSP] = 0x1000;
		before = cpu;
		assert_int_equal(
			run_strip(cases[i].bytes, cases[i].len, &cpu, &strip),
			UVF_EMULATE_FAULT);
		assert_memory_equal(&cpu, &before, sizeof(cpu));
	}
}

static void repetitions_stop_where_memory_ends(void **unused)
{
	static const uint8_t rep_stosd[] = {0xf3, 0xab};
	struct strip strip = {.first = 0x1000, .size = 100};
	struct uvf_cpu cpu = {.rip = 5};

	(void)unused;
	cpu.gpr[UVF_REG_RDI] = 0x1000;
	cpu.gpr[UVF_REG_RCX] = 30;
	assert_int_equal(run_strip(rep_stosd, 2, &cpu, &strip),
			 UVF_EMULATE_FAULT);
	assert_int_equal(cpu.gpr[UVF_REG_RCX], 5);
	assert_int_equal(cpu.gpr[UVF_REG_RDI], 0x1000 + 100);
	assert_int_equal(cpu.rip, 5);
}

static void long_repetitions_come_up_for_air(void **unused)
{
	static const uint8_t rep_movsb[] = {0xf3, 0xa4};
	struct strip strip = {.first = 0x1000, .size = sizeof(strip.bytes)};
	struct uvf_cpu cpu = {.rip = 5};

	(void)unused;
	cpu.gpr[UVF_REG_RSI] = 0x1000;
	cpu.gpr[UVF_REG_RDI] = 0x3000;
	cpu.gpr[UVF_REG_RCX] = 5000;
	assert_int_equal(run_strip(rep_movsb, 2, &cpu, &strip),
			 UVF_EMULATE_AGAIN);
	assert_int_equal(cpu.gpr[UVF_REG_RCX], 5000 - 4096);
	assert_int_equal(cpu.gpr[UVF_REG_RSI], 0x2000);
	assert_int_equal(cpu.rip, 5);
	assert_int_equal(run_strip(rep_movsb, 2, &cpu, &strip),
			 UVF_EMULATE_DONE);
	assert_int_equal(cpu.gpr[UVF_REG_RCX], 0);
	assert_int_equal(cpu.rip, 7);
	/* Two devices: one element at a time, a load before each store. */
	assert_int_equal(strip.accesses, 2 * 5000);
}

static void pop_finds_its_operand_behind_the_value(void **unused)
{
	static const uint8_t pop[] = {0x8f, 0x44, 0x24, 0x08}; /* [rsp + 8] */
	struct strip strip = {.first = 0x1000, .size = 64};
	struct uvf_cpu cpu = {.rip = 5};

	(void)unused;
	strip.bytes[0] = 0x55;
	cpu.gpr[UVF_REG_RSP] = 0x1000;
	assert_int_equal(run_strip(pop, 4, &cpu, &strip), UVF_EMULATE_DONE);
	assert_int_equal(cpu.gpr[UVF_REG_RSP], 0x1008);
	assert_int_equal(strip.bytes[16], 0x55);
}

static int init(void **unused)
{
	const char *text = getenv("UVF_EMULATE_SEED");

	(void)unused;
	if (text)
		cases_seed(strtoull(text, NULL, 0));
	return cases_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emulates_what_the_processor_does),
		cmocka_unit_test(a_fault_leaves_registers_and_flags),
		cmocka_unit_test(repetitions_stop_where_memory_ends),
		cmocka_unit_test(long_repetitions_come_up_for_air),
		cmocka_unit_test(pop_finds_its_operand_behind_the_value),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
