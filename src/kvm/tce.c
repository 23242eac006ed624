/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm/tce.h"

#include <errno.h>

#include "base/alloc.h"
#include "bus/group.h"
#include "core/file.h"
#include "core/kvm_abi.h"
#include "kvm/vm.h"
#include "mem/caller.h"

#define PAGE_SHIFT_MIN 12
#define PAGE_SHIFT_MAX 34

/* One table of a guest; immutable but for what says otherwise. */
struct uvf_tce_table {
	struct uvf_list node; /* vm->tce_tables, under vm->tce_lock */
	struct uvf_vm *vm;    /* holds a reference */
	uint64_t liobn;
	uint32_t page_shift;
	uint64_t offset;      /* pages */
	uint64_t size;        /* pages */
	struct uvf_list ties; /* under vm->tce_lock */
};

/* A group that a table drives. */
struct tie {
	struct uvf_list node;
	const struct uvf_iommu_group *group;
};

bool uvf_tce_is_known(const struct uvf_kvm_host *host)
{
	return host->is_spapr && host->profile->kvm_has_spapr_tce;
}

static void tie_destroy(struct tie *tie)
{
	uvf_list_remove(&tie->node);
	uvf_free(tie);
}

/* Where it was made known to the VM, it is no longer. */
static void table_destroy(struct uvf_tce_table *table)
{
	struct uvf_list *node;
	struct uvf_list *tmp;

	uvf_lock(&table->vm->tce_lock);
	uvf_list_remove(&table->node);
	uvf_list_for_each_safe (node, tmp, &table->ties)
		tie_destroy(uvf_list_entry(node, struct tie, node));
	uvf_unlock(&table->vm->tce_lock);
	uvf_free(table);
}

static void tce_release(struct uvf_file *file)
{
	struct uvf_tce_table *table = file->object;
	struct uvf_vm *vm = table->vm;

	table_destroy(table);
	uvf_kvm_put(&vm->kvm);
}

static const struct uvf_file_ops tce_file_ops = {
	.read = uvf_kvm_file_read,
	.write = uvf_kvm_file_read,
	.release = tce_release,
};

static int add_table(struct uvf_tce_table *table)
{
	struct uvf_vm *vm = table->vm;
	struct uvf_list *node;
	int ret = 0;

	uvf_lock(&vm->tce_lock);
	uvf_list_for_each (node, &vm->tce_tables) {
		if (uvf_list_entry(node, struct uvf_tce_table, node)->liobn ==
		    table->liobn)
			ret = -EBUSY;
	}
	if (!ret)
		uvf_list_append(&vm->tce_tables, &table->node);
	uvf_unlock(&vm->tce_lock);
	return ret;
}

static struct uvf_tce_table *
table_create(struct uvf_vm *vm, const struct kvm_create_spapr_tce_64 *args)
{
	struct uvf_tce_table *table = uvf_zalloc(sizeof(*table));

	if (!table)
		return NULL;
	uvf_list_init(&table->node);
	table->vm = vm;
	table->liobn = args->liobn;
	table->page_shift = args->page_shift;
	table->offset = args->offset;
	table->size = args->size;
	uvf_list_init(&table->ties);
	return table;
}

static long create(struct uvf_vm *vm, struct uvf_caller *caller,
		   const struct kvm_create_spapr_tce_64 *args)
{
	struct uvf_tce_table *table;
	struct uvf_file *file;
	long ret;

	if (!args->size || args->page_shift < PAGE_SHIFT_MIN ||
	    args->page_shift > PAGE_SHIFT_MAX ||
	    args->offset + args->size < args->size ||
	    args->offset + args->size > UINT64_MAX >> args->page_shift)
		return -EINVAL;
	table = table_create(vm, args);
	if (!table)
		return -ENOMEM;
	ret = uvf_file_create(&file, UVF_FILE_KVM_TCE, &tce_file_ops, table);
	if (ret)
		goto err_table;
	ret = add_table(table);
	if (ret)
		goto err_file;
	(void)uvf_kvm_get(&vm->kvm);
	ret = caller->ops->file_install(caller, file);
	if (ret < 0)
		uvf_file_put(file);
	return ret;

err_file:
	uvf_file_discard(file);
err_table:
	table_destroy(table);
	return ret;
}

long uvf_tce_ioctl_create(struct uvf_vm *vm, struct uvf_caller *caller,
			  unsigned long arg)
{
	struct kvm_create_spapr_tce args;
	struct kvm_create_spapr_tce_64 args_64 = {.page_shift = PAGE_SHIFT_MIN};

	if (!vm->host->is_spapr)
		return -ENOTTY;
	if (uvf_copy_in(caller, &args, arg, sizeof(args)))
		return -EFAULT;
	args_64.liobn = args.liobn;
	args_64.size = args.window_size >> PAGE_SHIFT_MIN;
	return create(vm, caller, &args_64);
}

long uvf_tce_ioctl_create_64(struct uvf_vm *vm, struct uvf_caller *caller,
			     unsigned long arg)
{
	struct kvm_create_spapr_tce_64 args;

	if (!vm->host->is_spapr)
		return -ENOTTY;
	if (uvf_copy_in(caller, &args, arg, sizeof(args)))
		return -EFAULT;
	return args.flags ? -EINVAL : create(vm, caller, &args);
}

/* In bytes, as both sides count pages of their own. */
static bool fits(const struct uvf_tce_window *window,
		 const struct uvf_tce_table *table)
{
	return window->page_shift <= table->page_shift &&
	       window->offset << window->page_shift ==
		       table->offset << table->page_shift &&
	       window->size << window->page_shift >=
		       table->size << table->page_shift;
}

static int tie_locked(struct uvf_tce_table *table,
		      const struct uvf_iommu_group *group)
{
	struct uvf_list *node;
	struct tie *tie;

	uvf_list_for_each (node, &table->ties) {
		if (uvf_list_entry(node, struct tie, node)->group == group)
			return 0;
	}
	tie = uvf_zalloc(sizeof(*tie));
	if (!tie)
		return -ENOMEM;
	tie->group = group;
	uvf_list_append(&table->ties, &tie->node);
	return 0;
}

static bool fits_group(const struct uvf_tce_table *table,
		       struct uvf_iommu_group *group)
{
	struct uvf_tce_window windows[UVF_TCE_WINDOWS];

	uvf_iommu_group_get_windows(group, &table->vm->host->window, windows);
	for (unsigned int i = 0; i < UVF_TCE_WINDOWS; i++)
		if (windows[i].size && fits(&windows[i], table))
			return true;
	return false;
}

int uvf_tce_tie(struct uvf_vm *vm, const struct uvf_file *file,
		struct uvf_iommu_group *group)
{
	struct uvf_tce_table *table;
	int ret;

	if (!file || file->kind != UVF_FILE_KVM_TCE)
		return -EINVAL;
	table = file->object;
	if (table->vm != vm)
		return -EINVAL;
	if (!vm->host->window.size)
		return -EFAULT;
	if (!fits_group(table, group))
		return -EINVAL;
	uvf_lock(&vm->tce_lock);
	ret = tie_locked(table, group);
	uvf_unlock(&vm->tce_lock);
	return ret;
}

void uvf_tce_untie(struct uvf_vm *vm, const struct uvf_iommu_group *group)
{
	struct uvf_list *of;
	struct uvf_list *node;
	struct uvf_list *tmp;

	uvf_lock(&vm->tce_lock);
	uvf_list_for_each (of, &vm->tce_tables) {
		struct uvf_tce_table *table =
			uvf_list_entry(of, struct uvf_tce_table, node);

		uvf_list_for_each_safe (node, tmp, &table->ties) {
			struct tie *tie =
				uvf_list_entry(node, struct tie, node);

			if (tie->group == group)
				tie_destroy(tie);
		}
	}
	uvf_unlock(&vm->tce_lock);
}

unsigned int uvf_tce_count_ties(const struct uvf_file *file)
{
	struct uvf_tce_table *table = file->object;
	struct uvf_list *node;
	unsigned int count = 0;

	uvf_lock(&table->vm->tce_lock);
	uvf_list_for_each (node, &table->ties)
		count++;
	uvf_unlock(&table->vm->tce_lock);
	return count;
}
