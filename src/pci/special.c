/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/special.h"

#include <errno.h>
#include <string.h>

#define PART_MAX 1024 /* bytes of one call to the model */

/* The state of the device is being copied, or brought. */
static int ignore(uint8_t *bytes, size_t len, bool is_write)
{
	if (!is_write)
		memset(bytes, 0xff, len);
	return 0;
}

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
		if (pci->model.pause == UVF_MODEL_STOPPED)
			ret = ignore(bounce, part, is_write);
		else
			ret = region->access(&pci->model, off + done, bounce,
					     part, is_write);
		uvf_unlock(&pci->model.lock);
		if (ret < 0)
			return ret;
		if (!is_write &&
		    uvf_copy_out(caller, addr + done, bounce, part))
			return -EFAULT;
	}
	return (ssize_t)len;
}
