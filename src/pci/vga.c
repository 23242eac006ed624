/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: drivers/vfio/pci/vfio_pci_rdwr.c, Linux 6.12, with VGA built in.
 */
#include "pci/vga.h"

#include <errno.h>
#include <string.h>

#include "base/profile.h"

#define CLASS_VGA 0x0300u
#define PORT_MAX  4u /* bytes of the widest access to ports */

static const struct range {
	uint64_t first;
	uint64_t end;
	bool is_io;
} ranges[] = {
	{0xa0000, 0xc0000, false},
	{0x3b0, 0x3bc, true},
	{0x3c0, 0x3e0, true},
};

bool uvf_vga_is(const struct uvf_pci *pci)
{
	return pci->desc->class_code >> 8 == CLASS_VGA;
}

static const struct range *find_range(uint64_t off)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (off >= ranges[i].first && off < ranges[i].end)
			return &ranges[i];
	return NULL;
}

static void access_one(struct uvf_pci *pci, uint64_t off, void *buf,
		       size_t size, bool is_write)
{
	struct uvfio_dev *dev = &pci->model;
	int ret = -EINVAL;

	uvf_lock(&dev->lock);
	if (dev->ops->access && dev->pause != UVF_MODEL_STOPPED)
		ret = dev->ops->access(dev, UVFIO_VGA, off, buf, size,
				       is_write);
	uvf_unlock(&dev->lock);
	if (ret < 0 && !is_write)
		memset(buf, 0xff, size);
}

ssize_t uvf_vga_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		   uint64_t addr, size_t len, uint64_t off, bool is_write)
{
	const struct range *range = find_range(off);
	size_t widest = pci->profile->bar_access_max;
	uint8_t bytes[8];
	size_t size;

	if (!uvf_vga_is(pci) || !range)
		return -EINVAL;
	if (len > range->end - off)
		len = (size_t)(range->end - off);
	if (range->is_io)
		widest = PORT_MAX;
	for (size_t done = 0; done < len; done += size) {
		size = widest;
		while (size > len - done || (off + done) % size)
			size /= 2;
		if (is_write && uvf_copy_in(caller, bytes, addr + done, size))
			return -EFAULT;
		access_one(pci, off + done, bytes, size, is_write);
		if (!is_write && uvf_copy_out(caller, addr + done, bytes, size))
			return -EFAULT;
	}
	return (ssize_t)len;
}
