/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is charged for pages that are pinned: whoever mapped them, by the user
 * or by the process, unless it may lock any amount.
 *
 * Pages may be pinned long after they were mapped, in a call of another
 * process; then the limit is that of the process that mapped them.
 */
#include "iommu/account.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"

/* Rights were asked for when it mapped, and it had none. */
static const struct uvf_caller_ops no_ops;

int uvf_payer_init(struct uvf_payer *payer, const struct uvf_iommufd *ctx,
		   struct uvf_caller *caller)
{
	enum uvf_account_mode mode =
		ctx->accounts_mm ? UVF_ACCOUNT_MM : UVF_ACCOUNT_USER;

	if (uvf_caller_has_ipc_lock(caller))
		mode = UVF_ACCOUNT_NONE;
	return uvf_payer_init_as(payer, mode, caller);
}

int uvf_payer_init_as(struct uvf_payer *payer, enum uvf_account_mode mode,
		      struct uvf_caller *caller)
{
	payer->mode = mode;
	payer->user = NULL;
	if (mode == UVF_ACCOUNT_USER) {
		int ret = uvf_user_lookup(&payer->user, caller);

		if (ret)
			return ret;
	}
	payer->mm = uvf_mm_get(caller->mm);
	payer->pid = caller->pid;
	payer->ignores_memlock = caller->ignores_memlock;
	return 0;
}

bool uvf_payer_is(const struct uvf_payer *payer, const struct uvf_payer *other)
{
	return payer->mode == UVF_ACCOUNT_NONE ||
	       (payer->mm == other->mm && payer->user == other->user);
}

void uvf_payer_fini(struct uvf_payer *payer)
{
	uvf_user_put(payer->user);
	uvf_mm_put(payer->mm);
}

int uvf_payer_charge(struct uvf_payer *payer, uint64_t count)
{
	struct uvf_caller mapper = {
		.ops = &no_ops,
		.mm = payer->mm,
		.pid = payer->pid,
		.ignores_memlock = payer->ignores_memlock,
	};

	switch (payer->mode) {
	case UVF_ACCOUNT_USER:
		return uvf_user_charge(&mapper, payer->user, count);
	case UVF_ACCOUNT_MM:
		return uvf_account_charge(&mapper, payer->mm, count);
	case UVF_ACCOUNT_NONE:
		break;
	}
	return 0;
}

void uvf_payer_uncharge(struct uvf_payer *payer, uint64_t count)
{
	switch (payer->mode) {
	case UVF_ACCOUNT_USER:
		uvf_user_uncharge(payer->user, count);
		break;
	case UVF_ACCOUNT_MM:
		uvf_account_uncharge(payer->mm, count);
		break;
	case UVF_ACCOUNT_NONE:
		break;
	}
}
