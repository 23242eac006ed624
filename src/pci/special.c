/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/special.h"

#include <errno.h>

#define PART_MAX 1024 /* bytes of one call to the model */

ssize_t uvf_special_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		       unsigned int i, uint64_t addr, size_t len, uint64_t off,
		       bool is_write)
{
	const struct uvfio_region *region = &pci->desc->regions[i];
	uint8_t bounce[PART_MAX];
	size_t part;
	int ret;

	if (off >= region->size ||
	    !(region->flags &
	      (is_write ? UVFIO_REGION_WRITE : UVFIO_REGION_READ)))
		return -EINVAL;
	if (len > region->size - off)
		len = (size_t)(region->size - off);
	for (size_t done = 0; done < len; done += part) {
		part = len - done < PART_MAX ? len - done : PART_MAX;
		if (is_write && uvf_copy_in(caller, bounce, addr + done, part))
			return -EFAULT;
		uvf_lock(&pci->model.lock);
		ret = region->access(&pci->model, off + done, bounce, part,
				     is_write);
		uvf_unlock(&pci->model.lock);
		if (ret < 0)
			return ret;
		if (!is_write &&
		    uvf_copy_out(caller, addr + done, bounce, part))
			return -EFAULT;
	}
	return (ssize_t)len;
}
