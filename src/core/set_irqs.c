/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/set_irqs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mem/caller.h"

/* Bytes of one element, or -EINVAL for no kind or more than one. */
static int element_size(uint32_t flags)
{
	switch (flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		return sizeof(uint8_t);
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return sizeof(int32_t);
	default:
		return -EINVAL;
	}
}

int uvf_set_irqs_check(const struct vfio_irq_set *hdr, unsigned int num_irqs,
		       unsigned int indexes, size_t *ret_size)
{
	int size;

	if (hdr->argsz < UVF_SET_IRQS_SIZE || hdr->index >= indexes ||
	    hdr->count >= UINT32_MAX - hdr->start ||
	    hdr->flags & ~(uint32_t)(VFIO_IRQ_SET_DATA_TYPE_MASK |
				     VFIO_IRQ_SET_ACTION_TYPE_MASK))
		return -EINVAL;
	if (hdr->start >= num_irqs || hdr->start + hdr->count > num_irqs)
		return -EINVAL;
	size = element_size(hdr->flags);
	if (size < 0)
		return size;
	*ret_size = (size_t)size * hdr->count;
	return hdr->argsz - UVF_SET_IRQS_SIZE < *ret_size ? -EINVAL : 0;
}

int uvf_set_irqs_begin(struct uvf_irq_set *set, struct uvf_caller *caller,
		       const struct vfio_irq_set *hdr, unsigned long arg,
		       size_t size)
{
	uint8_t *data = NULL;

	if (size) {
		data = uvf_zalloc(size);
		if (!data)
			return -ENOMEM;
		if (uvf_copy_in(caller, data, arg + UVF_SET_IRQS_SIZE, size)) {
			uvf_free(data);
			return -EFAULT;
		}
	}
	*set = (struct uvf_irq_set){
		.caller = caller,
		.flags = hdr->flags,
		.index = hdr->index,
		.start = hdr->start,
		.count = hdr->count,
		.data = data,
	};
	return 0;
}

void uvf_set_irqs_end(struct uvf_irq_set *set)
{
	uvf_free((void *)set->data);
	set->data = NULL;
}

int uvf_irq_set_fd(const struct uvf_irq_set *set, unsigned int i)
{
	int32_t fd;

	memcpy(&fd, set->data + i * sizeof(fd), sizeof(fd));
	return fd;
}

bool uvf_irq_set_is_on(const struct uvf_irq_set *set, unsigned int i)
{
	return set->flags & VFIO_IRQ_SET_DATA_NONE || set->data[i];
}

int uvf_eventfd_lookup(struct uvf_caller *caller, int fd)
{
	return caller->ops->eventfd_lookup(caller, fd);
}

void uvf_eventfd_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
