/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/set_irqs.h"

#include <errno.h>
#include <stdint.h>

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
