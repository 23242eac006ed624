/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a platform device is, and its regions.
 *
 * Source: drivers/vfio/platform/vfio_platform_common.c, Linux 6.12.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "mem/caller.h"
#include "platform/platform.h"

static uint64_t region_of(uint64_t pos)
{
	return pos >> UVF_PLATFORM_OFFSET_SHIFT;
}

uint32_t uvf_platform_region_flags(const struct uvf_platform *platform,
				   uint32_t index)
{
	const struct uvfio_platform_region *region =
		&platform->desc->regions[index];
	uint32_t flags = VFIO_REGION_INFO_FLAG_READ;

	/* Access to ports was never written. */
	if (region->flags & UVFIO_REGION_IO)
		return 0;
	if (!(region->flags & UVFIO_REGION_READ_ONLY))
		flags |= VFIO_REGION_INFO_FLAG_WRITE;
	if (!((platform->address + region->offset) % UVF_PLATFORM_PAGE) &&
	    !(region->size % UVF_PLATFORM_PAGE))
		flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return flags;
}

/*
 * VFIO_DEVICE_GET_INFO.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the first 16 bytes cannot be read
 *   -EINVAL  argsz too small
 *   -EFAULT  they cannot be written
 */
long platform_ioctl_get_info(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	const size_t size =
		offsetof(struct vfio_device_info, num_irqs) + sizeof(uint32_t);
	struct vfio_device_info info;

	if (uvf_copy_in(caller, &info, arg, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PLATFORM;
	if (platform->can_reset)
		info.flags |= VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = (uint32_t)platform->desc->region_count;
	info.num_irqs = (uint32_t)platform->desc->line_count;
	return uvf_copy_out(caller, arg, &info, size) ? -EFAULT : 0;
}

/*
 * VFIO_DEVICE_GET_REGION_INFO.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the struct cannot be read
 *   -EINVAL  argsz too small; no such region
 *   -EFAULT  the struct cannot be written
 */
long platform_ioctl_get_region_info(struct uvf_device *device,
				    struct uvf_caller *caller,
				    unsigned long arg)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	struct vfio_region_info info;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) ||
	    info.index >= platform->desc->region_count)
		return -EINVAL;
	info.offset = (uint64_t)info.index << UVF_PLATFORM_OFFSET_SHIFT;
	info.size = platform->desc->regions[info.index].size;
	info.flags = uvf_platform_region_flags(platform, info.index);
	return uvf_copy_out(caller, arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/* One load or store, of a width that the region has or not. */
static void access_locked(struct uvf_platform *platform, uint32_t index,
			  uint64_t off, void *buf, size_t len, bool is_write)
	UVF_REQUIRES(platform->model.lock)
{
	const struct uvfio_platform_region *region =
		&platform->desc->regions[index];
	struct uvfio_dev *dev = &platform->model;
	int ret = -EINVAL;

	if (region->widths & len && off < region->size &&
	    len <= region->size - off && dev->ops->access)
		ret = dev->ops->access(dev, index, off, buf, len, is_write);
	if (ret < 0 && !is_write)
		memset(buf, 0xff, len);
}

/* Bytes of the next piece: four, two or one, at an offset that fits. */
static size_t piece_size(uint64_t off, size_t left)
{
	size_t size = 4;

	while (size > left || off % size)
		size /= 2;
	return size;
}

/*
 * read and write, plain or at a position.
 *
 * Return: bytes moved, cut at the end of the region, or, in the order they
 * are tested:
 *   -EINVAL  no such region, or it has not this direction
 *   -EINVAL  the position is behind it
 *   -EFAULT  client memory fails; earlier pieces took effect
 */
static ssize_t region_rw(struct uvf_platform *platform,
			 struct uvf_caller *caller, uint64_t addr, size_t len,
			 uint64_t pos, bool is_write)
{
	const uint32_t wanted = is_write ? VFIO_REGION_INFO_FLAG_WRITE
					 : VFIO_REGION_INFO_FLAG_READ;
	uint64_t index = region_of(pos);
	uint64_t off = pos & UVF_PLATFORM_OFFSET_MASK;
	uint32_t value;
	size_t size;

	if (index >= platform->desc->region_count ||
	    !(uvf_platform_region_flags(platform, (uint32_t)index) & wanted) ||
	    off >= platform->desc->regions[index].size)
		return -EINVAL;
	if (len > platform->desc->regions[index].size - off)
		len = (size_t)(platform->desc->regions[index].size - off);
	for (size_t done = 0; done < len; done += size) {
		size = piece_size(off + done, len - done);
		if (is_write && uvf_copy_in(caller, &value, addr + done, size))
			return -EFAULT;
		uvf_lock(&platform->model.lock);
		access_locked(platform, (uint32_t)index, off + done, &value,
			      size, is_write);
		uvf_unlock(&platform->model.lock);
		if (!is_write &&
		    uvf_copy_out(caller, addr + done, &value, size))
			return -EFAULT;
	}
	return (ssize_t)len;
}

ssize_t platform_read(struct uvf_device *device, struct uvf_caller *caller,
		      uint64_t addr, size_t len, uint64_t pos)
{
	return region_rw(uvf_platform_of(device), caller, addr, len, pos,
			 false);
}

ssize_t platform_write(struct uvf_device *device, struct uvf_caller *caller,
		       uint64_t addr, size_t len, uint64_t pos)
{
	return region_rw(uvf_platform_of(device), caller, addr, len, pos, true);
}

/* The region that pages of the file belong to, or -EINVAL: to none. */
static int mapped_region(const struct uvf_platform *platform, uint64_t pos)
{
	uint64_t index = region_of(pos);

	if (index >= platform->desc->region_count ||
	    !(uvf_platform_region_flags(platform, (uint32_t)index) &
	      VFIO_REGION_INFO_FLAG_MMAP))
		return -EINVAL;
	return (int)index;
}

/*
 * mmap.
 *
 * Return: 0, or -EINVAL: not shared, no such region, not mappable, for
 * writing while it is read-only, beyond its end.
 */
int platform_mmap(struct uvf_device *device, uint64_t pos, uint64_t len,
		  int prot, int flags)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	uint64_t off = pos & UVF_PLATFORM_OFFSET_MASK;
	int index = mapped_region(platform, pos);
	uint64_t size;

	if ((flags & MAP_TYPE) == MAP_PRIVATE || index < 0)
		return -EINVAL;
	if (prot & PROT_WRITE &&
	    platform->desc->regions[index].flags & UVFIO_REGION_READ_ONLY)
		return -EINVAL;
	size = platform->desc->regions[index].size;
	return len > size || off > size - len ? -EINVAL : 0;
}

/* All pages trap, and nothing takes them away. */
void platform_fault(struct uvf_device *device, uint64_t pos,
		    struct uvf_page *ret_page)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	uint64_t off = pos & UVF_PLATFORM_OFFSET_MASK;
	int index = mapped_region(platform, pos);

	memset(ret_page, 0, sizeof(*ret_page));
	ret_page->kind = UVF_PAGE_SIGBUS;
	ret_page->fd = -1;
	ret_page->first = pos & ~(uint64_t)(UVF_PLATFORM_PAGE - 1);
	ret_page->size = UVF_PLATFORM_PAGE;
	if (index < 0 || off >= platform->desc->regions[index].size)
		return;
	ret_page->kind = UVF_PAGE_TRAP;
	ret_page->first = (uint64_t)index << UVF_PLATFORM_OFFSET_SHIFT;
	ret_page->size = platform->desc->regions[index].size;
}

bool platform_mmio(struct uvf_device *device, uint64_t pos, void *buf,
		   size_t len, bool is_write)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	uint64_t off = pos & UVF_PLATFORM_OFFSET_MASK;
	int index = mapped_region(platform, pos);
	uint8_t *at = buf;
	size_t size;

	if (index < 0)
		return false;
	uvf_lock(&platform->model.lock);
	for (; len; len -= size, off += size, at += size) {
		size = 8;
		while (size > len || off % size ||
		       (size > 1 &&
			platform->desc->regions[index].widths < size))
			size /= 2;
		access_locked(platform, (uint32_t)index, off, at, size,
			      is_write);
	}
	uvf_unlock(&platform->model.lock);
	return true;
}
