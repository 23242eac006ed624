/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The regions of the device file: BARs, ROM, config space, VGA.  No function
 * here has a ROM or VGA ranges.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "core/worker.h"
#include "pci/bar.h"
#include "pci/config.h"
#include "pci/handlers.h"

/* A linked list of one element, as it follows the struct. */
struct region_caps {
	struct vfio_info_cap_header msix_mappable;
};

static uint64_t region_of(uint64_t pos)
{
	return pos >> UVF_PCI_OFFSET_SHIFT;
}

/* Fills all but the capabilities; -EINVAL: there is no such region. */
static int describe(const struct uvf_pci *pci, struct vfio_region_info *info,
		    bool *ret_has_caps)
{
	*ret_has_caps = false;
	if (info->index == VFIO_PCI_VGA_REGION_INDEX ||
	    info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->offset = (uint64_t)info->index << UVF_PCI_OFFSET_SHIFT;
	info->flags = 0;
	info->size = 0;
	if (info->index == VFIO_PCI_ROM_REGION_INDEX)
		return 0;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->size = pci->config_size;
		return 0;
	}
	info->size = pci->bars[info->index].size;
	if (!info->size) {
		info->flags = 0;
		return 0;
	}
	if (!uvf_bar_is_mappable(pci, info->index))
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	*ret_has_caps =
		pci->msix.count && pci->desc->msix.table_bar == info->index;
	return 0;
}

/*
 * VFIO_DEVICE_GET_REGION_INFO.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the struct cannot be read
 *   -EINVAL  argsz too small; no such region
 *   -EFAULT  capabilities or struct cannot be written
 */
long pci_ioctl_get_region_info(struct uvf_device *device,
			       struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	const struct region_caps caps = {
		.msix_mappable =
			{
				.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
				.version = 1,
			},
	};
	struct vfio_region_info info;
	bool has_caps;
	int ret;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	ret = describe(pci, &info, &has_caps);
	if (ret)
		return ret;
	if (has_caps) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (info.argsz < sizeof(info) + sizeof(caps)) {
			info.argsz = sizeof(info) + sizeof(caps);
			info.cap_offset = 0;
		} else {
			if (uvf_copy_out(caller, arg + sizeof(info), &caps,
					 sizeof(caps)))
				return -EFAULT;
			info.cap_offset = sizeof(info);
		}
	}
	return uvf_copy_out(caller, arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/*
 * read and write, plain or at a position.
 *
 * Return: bytes moved, 0 for none asked for, or, in the order tested:
 *   -EINVAL  no such region; the ROM, VGA
 *   or what uvf_config_rw() and uvf_bar_rw() return
 */
static ssize_t region_rw(struct uvf_pci *pci, struct uvf_caller *caller,
			 uint64_t addr, size_t len, uint64_t pos, bool is_write)
{
	uint64_t index = region_of(pos);
	uint64_t off = pos & UVF_PCI_OFFSET_MASK;
	ssize_t ret = -EINVAL;

	if (!len)
		return 0;
	if (index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	uvf_low_power_resume(pci);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		ret = uvf_config_rw(pci, caller, addr, len, off, is_write);
	else if (index < UVFIO_PCI_BARS)
		ret = uvf_bar_rw(pci, caller, (unsigned int)index, addr, len,
				 off, is_write);
	uvf_low_power_suspend(pci);
	return ret;
}

ssize_t pci_read(struct uvf_device *device, struct uvf_caller *caller,
		 uint64_t addr, size_t len, uint64_t pos)
{
	return region_rw(uvf_pci_of(device), caller, addr, len, pos, false);
}

ssize_t pci_write(struct uvf_device *device, struct uvf_caller *caller,
		  uint64_t addr, size_t len, uint64_t pos)
{
	return region_rw(uvf_pci_of(device), caller, addr, len, pos, true);
}

static uint64_t mapped_size(const struct uvf_pci *pci, unsigned int bar)
{
	return (pci->bars[bar].size + UVF_PCI_PAGE - 1) & ~(UVF_PCI_PAGE - 1);
}

/*
 * mmap: nothing is accessed, decode may be off.
 *
 * Return: 0, or -EINVAL: no BAR, not shared, not mappable, beyond its end.
 */
int pci_mmap(struct uvf_device *device, uint64_t pos, uint64_t len, int prot,
	     int flags)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	uint64_t index = region_of(pos);
	uint64_t off = pos & UVF_PCI_OFFSET_MASK;
	uint64_t size;

	(void)prot;
	if (index >= UVFIO_PCI_BARS || (flags & MAP_TYPE) == MAP_PRIVATE ||
	    !uvf_bar_is_mappable(pci, (unsigned int)index))
		return -EINVAL;
	size = mapped_size(pci, (unsigned int)index);
	return len > size || off > size - len ? -EINVAL : 0;
}

/* Where POLL pages are not watched, each store has to be seen. */
static bool must_trap(const struct uvf_pci *pci, enum uvfio_page_kind kind)
{
	return kind != UVFIO_PAGE_RAM &&
	       !(kind == UVFIO_PAGE_POLL &&
		 uvf_worker_may_spin(pci->model.worker));
}

void pci_fault(struct uvf_device *device, uint64_t pos,
	       struct uvf_page *ret_page)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	uint64_t index = region_of(pos);
	uint64_t off = pos & UVF_PCI_OFFSET_MASK;
	enum uvfio_page_kind kind;
	unsigned int bar = (unsigned int)index;
	bool is_open;

	memset(ret_page, 0, sizeof(*ret_page));
	ret_page->kind = UVF_PAGE_SIGBUS;
	ret_page->fd = -1;
	ret_page->first = pos & ~(UVF_PCI_PAGE - 1);
	ret_page->size = UVF_PCI_PAGE;
	if (index >= UVFIO_PCI_BARS || !uvf_bar_is_mappable(pci, bar) ||
	    off >= mapped_size(pci, bar))
		return;
	kind = uvf_bar_page_kind(pci, bar, off, &ret_page->first,
				 &ret_page->size);
	uvf_lock(&pci->model.lock);
	is_open = uvf_config_has_memory_locked(pci) && !pci->is_low_power;
	uvf_unlock(&pci->model.lock);
	if (is_open && must_trap(pci, kind)) {
		ret_page->kind = UVF_PAGE_TRAP;
	} else if (is_open) {
		ret_page->kind = UVF_PAGE_MEMORY;
		ret_page->fd = pci->bars[bar].fd;
		ret_page->fd_offset = ret_page->first;
	}
	ret_page->first += index << UVF_PCI_OFFSET_SHIFT;
}

bool pci_mmio(struct uvf_device *device, uint64_t pos, void *buf, size_t len,
	      bool is_write)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	uint64_t index = region_of(pos);
	uint64_t off = pos & UVF_PCI_OFFSET_MASK;
	uint8_t *at = buf;
	size_t size;
	bool is_open;

	if (index >= UVFIO_PCI_BARS ||
	    !uvf_bar_is_mappable(pci, (unsigned int)index))
		return false;
	uvf_lock(&pci->model.lock);
	is_open = uvf_config_has_memory_locked(pci) && !pci->is_low_power;
	for (; is_open && len; len -= size, off += size, at += size) {
		size = 8;
		while (size > len || off % size)
			size /= 2;
		uvf_bar_access_locked(pci, (unsigned int)index, off, at, size,
				      is_write);
	}
	uvf_unlock(&pci->model.lock);
	return is_open;
}
