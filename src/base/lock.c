/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lock.h"

#include "base/bug.h"

void uvf_mutex_init(struct uvf_mutex *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
	atomic_init(&lock->is_held, false);
}

void uvf_mutex_fini(struct uvf_mutex *lock)
{
	pthread_mutex_destroy(&lock->mutex);
}

static void take_ownership(struct uvf_mutex *lock)
{
	atomic_store_explicit(&lock->owner, pthread_self(),
			      memory_order_relaxed);
	atomic_store_explicit(&lock->is_held, true, memory_order_relaxed);
}

void uvf_lock(struct uvf_mutex *lock) UVF_NO_ANALYSIS
{
	pthread_mutex_lock(&lock->mutex);
	take_ownership(lock);
}

bool uvf_trylock(struct uvf_mutex *lock) UVF_NO_ANALYSIS
{
	if (pthread_mutex_trylock(&lock->mutex))
		return false;
	take_ownership(lock);
	return true;
}

void uvf_unlock(struct uvf_mutex *lock) UVF_NO_ANALYSIS
{
	atomic_store_explicit(&lock->is_held, false, memory_order_relaxed);
	pthread_mutex_unlock(&lock->mutex);
}

void uvf_cond_wait(pthread_cond_t *cond, struct uvf_mutex *lock) UVF_NO_ANALYSIS
{
	atomic_store_explicit(&lock->is_held, false, memory_order_relaxed);
	pthread_cond_wait(cond, &lock->mutex);
	take_ownership(lock);
}

int uvf_cond_wait_until(pthread_cond_t *cond, struct uvf_mutex *lock,
			const struct timespec *until) UVF_NO_ANALYSIS
{
	int ret;

	atomic_store_explicit(&lock->is_held, false, memory_order_relaxed);
	ret = pthread_cond_timedwait(cond, &lock->mutex, until);
	take_ownership(lock);
	return ret;
}

bool uvf_is_held(struct uvf_mutex *lock)
{
	/* Another thread's owner may be torn off, never equal to ours. */
	return atomic_load_explicit(&lock->is_held, memory_order_relaxed) &&
	       pthread_equal(
		       atomic_load_explicit(&lock->owner, memory_order_relaxed),
		       pthread_self());
}

void uvf_assert_held(struct uvf_mutex *lock) UVF_NO_ANALYSIS
{
	UVF_BUG_ON(!uvf_is_held(lock));
}
