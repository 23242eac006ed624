/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/account.h"

#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/ref.h"
#include "mem/caller.h"
#include "mem/mem.h"

#define PAGE_BYTES 4096u

/* One user of the host; in users while it has references. */
struct uvf_user {
	struct uvf_list node;
	uid_t uid;
	unsigned int refs; /* under users_lock */
	struct uvf_mm_account account;
};

/* Users are those of the host, whatever machines this process has. */
static struct uvf_mutex users_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct uvf_list users = {&users, &users};

/* Once for each counter: a program may try again without end. */
static void tell(struct uvf_mm_account *account, uint64_t locked,
		 uint64_t npages, uint64_t limit)
{
	if (atomic_exchange(&account->has_told, true))
		return;
	uvf_log(UVF_LOG_WARNING,
		"a mapping of %" PRIu64 " KiB is refused, as on Linux: %" PRIu64
		" of the %" PRIu64 " KiB that may be locked are in use; "
		"'ulimit -l' raises that, --host=memlock=unlimited lifts it",
		npages * (PAGE_BYTES / 1024), locked * (PAGE_BYTES / 1024),
		limit / 1024);
}

static bool is_over(uint64_t locked, uint64_t npages, uint64_t limit)
{
	uint64_t pages = limit / PAGE_BYTES;

	if (limit == UINT64_MAX)
		return false;
	return npages > pages || locked > pages - npages;
}

static int charge(struct uvf_caller *caller, struct uvf_mm_account *account,
		  uint64_t npages, uint64_t *ret_before)
{
	uint64_t limit = uvf_caller_memlock_limit(caller);
	uint64_t before = atomic_load(&account->pages);
	bool is_limited = true;

	do {
		if (is_limited && is_over(before, npages, limit)) {
			is_limited = !uvf_caller_has_ipc_lock(caller);
			if (is_limited) {
				tell(account, before, npages, limit);
				return -ENOMEM;
			}
		}
	} while (!atomic_compare_exchange_weak(&account->pages, &before,
					       before + npages));
	*ret_before = before;
	return 0;
}

/* Return: what is left. */
static uint64_t uncharge(struct uvf_mm_account *account, uint64_t npages)
{
	uint64_t before = atomic_fetch_sub(&account->pages, npages);

	UVF_BUG_ON(before < npages);
	return before - npages;
}

int uvf_account_charge(struct uvf_caller *caller, struct uvf_mm *mm,
		       uint64_t npages)
{
	uint64_t before;
	int ret;

	if (!npages)
		return 0;
	ret = charge(caller, &mm->account, npages, &before);
	if (ret)
		return ret;
	/* The caller has one, so that the memory is there until then. */
	if (!before)
		uvf_mm_get(mm);
	return 0;
}

uint64_t uvf_account_room(struct uvf_caller *caller, const struct uvf_mm *mm)
{
	uint64_t limit = uvf_caller_memlock_limit(caller);
	uint64_t locked = uvf_account_pages(mm);

	if (limit == UINT64_MAX || uvf_caller_has_ipc_lock(caller))
		return UINT64_MAX;
	limit /= PAGE_BYTES;
	return limit > locked ? limit - locked : 0;
}

struct uvf_account_task uvf_account_task_of(struct uvf_caller *caller)
{
	return (struct uvf_account_task){
		.pid = caller->pid,
		.is_unlimited = caller->ignores_memlock ||
				uvf_caller_has_ipc_lock(caller),
	};
}

int uvf_account_charge_task(const struct uvf_account_task *task,
			    struct uvf_mm *mm, uint64_t npages)
{
	struct uvf_caller caller = {
		.pid = task->pid,
		.ignores_memlock = task->is_unlimited,
	};

	return uvf_account_charge(&caller, mm, npages);
}

void uvf_account_uncharge(struct uvf_mm *mm, uint64_t npages)
{
	if (npages && !uncharge(&mm->account, npages))
		uvf_mm_put(mm);
}

uint64_t uvf_account_pages(const struct uvf_mm *mm)
{
	return atomic_load(&mm->account.pages);
}

static struct uvf_user *find_locked(uid_t uid) UVF_REQUIRES(users_lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &users) {
		struct uvf_user *user =
			uvf_list_entry(node, struct uvf_user, node);

		if (user->uid == uid)
			return user;
	}
	return NULL;
}

int uvf_user_lookup(struct uvf_user **ret_user, struct uvf_caller *caller)
{
	uid_t uid = uvf_caller_uid(caller);
	struct uvf_user *user;

	uvf_lock(&users_lock);
	user = find_locked(uid);
	if (!user) {
		user = uvf_zalloc(sizeof(*user));
		if (user) {
			user->uid = uid;
			uvf_list_append(&users, &user->node);
		}
	}
	if (user)
		user->refs++;
	uvf_unlock(&users_lock);
	if (!user)
		return -ENOMEM;
	*ret_user = user;
	return 0;
}

struct uvf_user *uvf_user_get(struct uvf_user *user)
{
	uvf_lock(&users_lock);
	user->refs++;
	uvf_unlock(&users_lock);
	return user;
}

void uvf_user_put(struct uvf_user *user)
{
	bool is_last;

	if (!user)
		return;
	uvf_lock(&users_lock);
	is_last = !--user->refs;
	if (is_last)
		uvf_list_remove(&user->node);
	uvf_unlock(&users_lock);
	if (!is_last)
		return;
	UVF_BUG_ON(atomic_load(&user->account.pages));
	uvf_free(user);
}

int uvf_user_charge(struct uvf_caller *caller, struct uvf_user *user,
		    uint64_t npages)
{
	uint64_t before;

	return charge(caller, &user->account, npages, &before);
}

void uvf_user_uncharge(struct uvf_user *user, uint64_t npages)
{
	(void)uncharge(&user->account, npages);
}

uint64_t uvf_user_pages(const struct uvf_user *user)
{
	return atomic_load(&user->account.pages);
}
