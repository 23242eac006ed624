/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutexes whose rules clang can check.
 *
 * A lock member says in its comment what it protects; a function that needs
 * the lock held is named _locked and declared with UVF_REQUIRES().
 */
#ifndef UVF_BASE_LOCK_H
#define UVF_BASE_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#ifdef __clang__
#define UVF_TSA(x) __attribute__((x))
#else
#define UVF_TSA(x)
#endif

#define UVF_GUARDED_BY(lock) UVF_TSA(guarded_by(lock))
#define UVF_REQUIRES(lock)   UVF_TSA(requires_capability(lock))
#define UVF_ACQUIRE(lock)    UVF_TSA(acquire_capability(lock))
#define UVF_RELEASE(lock)    UVF_TSA(release_capability(lock))
#define UVF_NO_ANALYSIS      UVF_TSA(no_thread_safety_analysis)

struct UVF_TSA(capability("mutex")) uvf_mutex {
	pthread_mutex_t mutex;
	_Atomic(pthread_t) owner; /* valid while is_held */
	atomic_bool is_held;
};

void uvf_mutex_init(struct uvf_mutex *lock);
void uvf_mutex_fini(struct uvf_mutex *lock);
void uvf_lock(struct uvf_mutex *lock) UVF_ACQUIRE(*lock);
void uvf_unlock(struct uvf_mutex *lock) UVF_RELEASE(*lock);

/* Whether it is held now; false when somebody else, or the caller, has it. */
bool uvf_trylock(struct uvf_mutex *lock)
	UVF_TSA(try_acquire_capability(true, *lock));

/* Wait for a condition; the lock is held before and after. */
void uvf_cond_wait(pthread_cond_t *cond, struct uvf_mutex *lock)
	UVF_REQUIRES(*lock);

/**
 * uvf_cond_wait_until() - let go of a lock until something is different
 * @until: by the clock of @cond
 * Return: 0, or what pthread_cond_timedwait() says, ETIMEDOUT.
 */
int uvf_cond_wait_until(pthread_cond_t *cond, struct uvf_mutex *lock,
			const struct timespec *until) UVF_REQUIRES(*lock);

/* Whether the calling thread holds the lock. */
bool uvf_is_held(struct uvf_mutex *lock);

/* A bug of ours when the calling thread does not hold the lock. */
void uvf_assert_held(struct uvf_mutex *lock) UVF_TSA(assert_capability(*lock));

#endif /* UVF_BASE_LOCK_H */
