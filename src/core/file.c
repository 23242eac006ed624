/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"

int uvf_file_create(struct uvf_file **ret_file, enum uvf_file_kind kind,
		    const struct uvf_file_ops *ops, void *object)
{
	struct uvf_file *file = uvf_zalloc(sizeof(*file));

	if (!file)
		return -ENOMEM;
	uvf_ref_init(&file->ref);
	file->kind = kind;
	file->ops = ops;
	file->object = object;
	file->open_mode = O_RDWR;
	*ret_file = file;
	return 0;
}

struct uvf_file *uvf_file_get(struct uvf_file *file)
{
	uvf_ref_get(&file->ref);
	return file;
}

void uvf_file_put(struct uvf_file *file)
{
	if (!file || !uvf_ref_put(&file->ref))
		return;
	file->ops->release(file);
	uvf_free(file);
}

void uvf_file_discard(struct uvf_file *file)
{
	uvf_free(file);
}

ssize_t uvf_file_read(struct uvf_file *file, struct uvf_caller *caller,
		      uint64_t addr, size_t len, uint64_t pos)
{
	if (!file->ops->read || (int64_t)pos < 0)
		return -EINVAL;
	return file->ops->read(file, caller, addr, len, pos);
}

ssize_t uvf_file_write(struct uvf_file *file, struct uvf_caller *caller,
		       uint64_t addr, size_t len, uint64_t pos)
{
	if (!file->ops->write || (int64_t)pos < 0)
		return -EINVAL;
	return file->ops->write(file, caller, addr, len, pos);
}

int uvf_file_mmap(struct uvf_file *file, uint64_t pos, uint64_t len, int prot,
		  int flags)
{
	if (!len)
		return -EINVAL;
	if (!file->ops->mmap)
		return -ENODEV;
	return file->ops->mmap(file, pos, len, prot, flags);
}

void uvf_file_fault(struct uvf_file *file, uint64_t pos,
		    struct uvf_page *ret_page)
{
	if (!file->ops->fault) {
		*ret_page = (struct uvf_page){.kind = UVF_PAGE_SIGBUS};
		return;
	}
	file->ops->fault(file, pos, ret_page);
}

bool uvf_file_mmio(struct uvf_file *file, uint64_t pos, void *buf, size_t len,
		   bool is_write)
{
	return file->ops->mmio &&
	       file->ops->mmio(file, pos, buf, len, is_write);
}

bool uvf_file_is_readable(struct uvf_file *file)
{
	return !file->ops->is_readable || file->ops->is_readable(file);
}

int uvf_file_dma_target(struct uvf_file *file, uint64_t pos,
			struct uvf_mem_io **ret_io)
{
	struct uvf_page page;

	*ret_io = NULL;
	if (file->ops->dma_target)
		return file->ops->dma_target(file, pos, ret_io);
	uvf_file_fault(file, pos, &page);
	return page.kind == UVF_PAGE_SIGBUS || page.kind == UVF_PAGE_REVOKED
		       ? -EFAULT
		       : 0;
}
