/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies that survive memory which is not there.
 *
 * A fault inside one of these functions ends it with -EFAULT; a fault
 * anywhere else goes to whoever handled SIGSEGV and SIGBUS before.
 */
#ifndef UVF_MEM_COPY_H
#define UVF_MEM_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * uvf_copy_guard_init() - take over SIGSEGV and SIGBUS of the process
 *
 * Called again, it puts itself before a handler that was installed since.
 * A handler that is installed afterwards must pass on what it does not know.
 *
 * Return: 0, or what sigaction() fails with.
 */
int uvf_copy_guard_init(void);

/* Whether uvf_copy_guard_init() succeeded: without it, a fault is fatal. */
bool uvf_copy_guard_is_on(void);

/**
 * uvf_copy_from() - copy from memory that may go away
 * uvf_copy_to() - copy to memory that may go away
 *
 * Bytes move in ascending order.  On the side that may go away, every
 * aligned unit of 2, 4 or 8 bytes is moved by one access.
 *
 * Context: after uvf_copy_guard_init(), SIGSEGV and SIGBUS not blocked.
 * Return: 0 or -EFAULT; then a leading part may have been copied.
 */
int uvf_copy_from(void *dst, const void *src, size_t len);
int uvf_copy_to(void *dst, const void *src, size_t len);

/* ThreadSanitizer does not look into assembly: say what is touched. */
#if defined(__SANITIZE_THREAD__)
#define UVF_COPY_IS_TOLD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UVF_COPY_IS_TOLD 1
#endif
#endif
#ifdef UVF_COPY_IS_TOLD
void __tsan_read_range(void *addr, long size);
void __tsan_write_range(void *addr, long size);

static inline int uvf_copy_from_told(void *dst, const void *src, size_t len)
{
	__tsan_read_range((void *)(uintptr_t)src, (long)len);
	__tsan_write_range(dst, (long)len);
	return uvf_copy_from(dst, src, len);
}

static inline int uvf_copy_to_told(void *dst, const void *src, size_t len)
{
	__tsan_read_range((void *)(uintptr_t)src, (long)len);
	__tsan_write_range(dst, (long)len);
	return uvf_copy_to(dst, src, len);
}

#define uvf_copy_from(dst, src, len) uvf_copy_from_told(dst, src, len)
#define uvf_copy_to(dst, src, len)   uvf_copy_to_told(dst, src, len)
#endif

/* uvf_copy_to() for those who do not care which side goes away. */
static inline int uvf_copy_guarded(void *dst, const void *src, size_t len)
{
	return uvf_copy_to(dst, src, len);
}

/**
 * uvf_copy_probe() - touch one byte as a device would
 * @may_write: whether it must be writable too; its value stays as it is
 * Return: 0 or -EFAULT.
 */
int uvf_copy_probe(uint64_t addr, bool may_write);

#endif /* UVF_MEM_COPY_H */
