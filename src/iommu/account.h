/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locked memory: how many pages a process, or a user, has mapped for DMA, and
 * whether it may have more.
 *
 * No page is really locked here.  The arithmetic is that of Linux 6.12:
 * exactly the limit is allowed, and a caller with CAP_IPC_LOCK is counted but
 * not limited.  What is counted is the caller's business; it also keeps a
 * process's memory alive while pages of it are charged.
 *
 * No lock is taken for a process; the table of users has one of its own, a
 * leaf.
 */
#ifndef UVF_IOMMU_ACCOUNT_H
#define UVF_IOMMU_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_caller;
struct uvf_mm;
struct uvf_user;

/**
 * uvf_account_charge() - count pages that a process locks
 * @caller: whose limit and rights count, as they are now
 * @mm:     whose pages; not always the caller's
 * @npages: pages of 4 KiB
 *
 * Return: 0, or -ENOMEM the limit would be passed, and the caller has no
 * CAP_IPC_LOCK; then nothing changed, and for each process one line says so.
 */
int uvf_account_charge(struct uvf_caller *caller, struct uvf_mm *mm,
		       uint64_t npages);

/**
 * uvf_account_room() - how many pages more the caller may lock
 * Return: UINT64_MAX when nothing limits it.
 */
uint64_t uvf_account_room(struct uvf_caller *caller, const struct uvf_mm *mm);

/* A process that pays later, with the rights that it has now. */
struct uvf_account_task {
	pid_t pid; /* as in struct uvf_caller */
	bool is_unlimited;
};

/** uvf_account_task_of() - remember who makes a call */
struct uvf_account_task uvf_account_task_of(struct uvf_caller *caller);

/** uvf_account_charge_task() - uvf_account_charge() outside of any call
 * The limit is that of the process at this moment.
 */
int uvf_account_charge_task(const struct uvf_account_task *task,
			    struct uvf_mm *mm, uint64_t npages);

/** uvf_account_uncharge() - no more than was charged */
void uvf_account_uncharge(struct uvf_mm *mm, uint64_t npages);

/** uvf_account_pages() - what is charged now */
uint64_t uvf_account_pages(const struct uvf_mm *mm);

/**
 * uvf_user_lookup() - the counter of the caller's user, for all its processes
 * @ret_user: written on success; the caller owns one reference
 * Return: 0 or -ENOMEM.
 */
int uvf_user_lookup(struct uvf_user **ret_user, struct uvf_caller *caller);
struct uvf_user *uvf_user_get(struct uvf_user *user);
void uvf_user_put(struct uvf_user *user); /* takes NULL */

/**
 * uvf_user_charge() - count pages that a user locks
 * As uvf_account_charge(); the charge holds no reference.
 */
int uvf_user_charge(struct uvf_caller *caller, struct uvf_user *user,
		    uint64_t npages);
void uvf_user_uncharge(struct uvf_user *user, uint64_t npages);
uint64_t uvf_user_pages(const struct uvf_user *user);

#endif /* UVF_IOMMU_ACCOUNT_H */
