/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the request that fails; 0 when none will. */
static __thread unsigned long fail_in;
static __thread int has_failed;

bool uvf_alloc_must_fail(void)
{
	if (!fail_in || --fail_in)
		return false;
	has_failed = 1;
	errno = ENOMEM;
	return true;
}

void uvf_alloc_fail_nth(unsigned long nth)
{
	fail_in = nth;
	has_failed = 0;
}

int uvf_alloc_has_failed(void)
{
	return has_failed;
}

void *uvf_zalloc(size_t size)
{
	return uvf_calloc(1, size);
}

void *uvf_calloc(size_t count, size_t size)
{
	return uvf_alloc_must_fail() ? NULL : calloc(count, size);
}

char *uvf_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = uvf_zalloc(size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void *uvf_realloc(void *ptr, size_t size)
{
	return uvf_alloc_must_fail() ? NULL : realloc(ptr, size);
}

void uvf_free(void *ptr)
{
	free(ptr);
}
