/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the process, every request of which can be made to fail.
 */
#ifndef UVF_BASE_ALLOC_H
#define UVF_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory or NULL; the caller owns it until uvf_free(). */
void *uvf_zalloc(size_t size) __attribute__((malloc, warn_unused_result));
void *uvf_calloc(size_t count, size_t size)
	__attribute__((malloc, warn_unused_result));
char *uvf_strdup(const char *text) __attribute__((malloc, warn_unused_result));

/* Like realloc(); on failure NULL, and @ptr stays as it was. */
void *uvf_realloc(void *ptr, size_t size) __attribute__((warn_unused_result));

/* Takes NULL; cannot fail. */
void uvf_free(void *ptr);

/**
 * uvf_alloc_fail_nth() - let one later request of this thread fail
 * @nth: 1 for the next request, 2 for the one after it; 0: none
 */
void uvf_alloc_fail_nth(unsigned long nth);

/* For who gives memory out himself: whether this request has to fail. */
bool uvf_alloc_must_fail(void);

/* Whether the request chosen by uvf_alloc_fail_nth() came and failed. */
int uvf_alloc_has_failed(void);

#endif /* UVF_BASE_ALLOC_H */
