/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a reader does: a section in which nothing it finds goes away.
 *
 * The flavour of liburcu is the one that uses membarrier(2): a section costs
 * two plain stores, and a thread that sleeps between two of them hinders
 * nobody.  The quiescent-state flavour would save one of the stores, but make
 * every device thread say when it sleeps.
 */
#ifndef UVF_IOMMU_READER_H
#define UVF_IOMMU_READER_H

#include <urcu/urcu-memb.h>
#include <urcu/static/urcu-memb.h>

/*
 * ThreadSanitizer does not know membarrier(2): say what is ordered, and leave
 * the counters to the library, which it does not look into.
 */
#if defined(__SANITIZE_THREAD__)
#define UVF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UVF_TSAN 1
#endif
#endif

#ifdef UVF_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char uvf_reader_token;
#endif

static inline void uvf_reader_enter(void)
{
#ifdef UVF_TSAN
	urcu_memb_read_lock();
#else
	_urcu_memb_read_lock();
#endif
}

static inline void uvf_reader_leave(void)
{
#ifdef UVF_TSAN
	__tsan_release(&uvf_reader_token);
	urcu_memb_read_unlock();
#else
	_urcu_memb_read_unlock();
#endif
}

/* Wait for every section that runs. */
static inline void uvf_reader_synchronize(void)
{
	urcu_memb_synchronize_rcu();
#ifdef UVF_TSAN
	__tsan_acquire(&uvf_reader_token);
#endif
}

#endif /* UVF_IOMMU_READER_H */
