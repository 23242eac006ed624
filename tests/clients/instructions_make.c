/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes instructions of every form that is emulated, on random operands, and
 * runs a program with them as its standard input.
 *
 *   instructions_make PROGRAM [ARG]...
 *
 * UVF_EMULATE_SEED chooses other cases, UVF_EMULATE_CASES how many of each
 * form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulate_cases.h"
#undef MEMORY_SIZE
#include "instructions.h"

#define TRIES 200u

static int die(const char *what)
{
	perror(what);
	return 1;
}

/* Those whose operands are near the code are for one program only. */
static bool is_portable(const struct test_case *t)
{
	return t->memory != native_near;
}

static int put(int fd, const struct test_case *t)
{
	static struct instruction_case c;
	ZydisDisassembledInstruction dis;

	memset(&c, 0, sizeof(c));
	memcpy(c.bytes, t->bytes, sizeof(c.bytes));
	c.len = (uint8_t)t->len;
	c.flags = (ARITH | DF) & ~undefined_flags(t);
	c.pages = t->device_mask ? t->device_mask : 3;
	c.before = t->before;
	memcpy(c.memory, t->memory, sizeof(c.memory));
	if (ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64,
					       native_rip(), t->bytes, t->len,
					       &dis)))
		(void)snprintf(c.text, sizeof(c.text), "%s", dis.text);
	return write(fd, &c, sizeof(c)) == (ssize_t)sizeof(c) ? 0 : -1;
}

/* Return: how many there are of a form, or -1. */
static int make_form(int fd, const struct form *form, int count)
{
	struct test_case t;
	int done = 0;

	for (unsigned int i = 0; i < TRIES && done < count; i++) {
		if (!make(&t, form) || !is_portable(&t))
			continue;
		if (put(fd, &t))
			return -1;
		done++;
	}
	return done;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("UVF_EMULATE_SEED");
	const char *text = getenv("UVF_EMULATE_CASES");
	int count = text ? atoi(text) : 8;
	int fd = memfd_create("instructions", MFD_CLOEXEC);

	if (argc < 2)
		return 2;
	if (seed)
		cases_seed(strtoull(seed, NULL, 0));
	if (fd < 0 || cases_init((void *)MEMORY_AT))
		return die("memory");
	for (size_t i = 0; i < n_forms; i++) {
		if (!is_supported(&forms[i]))
			continue;
		/* A form that was never made was never tested. */
		if (make_form(fd, &forms[i], count) <= 0) {
			fprintf(stderr, "%s, shape %d: no case\n",
				ZydisMnemonicGetString(forms[i].mnemonic),
				(int)forms[i].shape);
			return 1;
		}
	}
	if (lseek(fd, 0, SEEK_SET) || dup2(fd, 0) < 0)
		return die("standard input");
	execv(argv[1], argv + 1);
	return die(argv[1]);
}
