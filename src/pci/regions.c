/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The regions of the device file: BARs, ROM, config space, VGA, and what only
 * this device has.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "core/worker.h"
#include "pci/bar.h"
#include "pci/config.h"
#include "pci/handlers.h"
#include "pci/rom.h"
#include "pci/special.h"
#include "pci/vga.h"

#define VGA_SIZE 0xc0000u

/* The linked list that follows the struct; each element is 8-byte aligned. */
struct chain {
	uint8_t *bytes;
	size_t size;
	size_t last; /* where the last element begins */
};

static_assert(sizeof(struct vfio_info_cap_header) % 8 == 0 &&
		      sizeof(struct vfio_region_info_cap_type) % 8 == 0 &&
		      sizeof(struct vfio_region_info_cap_sparse_mmap) % 8 == 0,
	      "elements need no padding");

/* A zeroed element behind the others, or NULL when there is no memory. */
static void *chain_add(struct chain *chain, uint16_t id, size_t size)
{
	uint8_t *bytes = uvf_realloc(chain->bytes, chain->size + size);
	struct vfio_info_cap_header *header;

	if (!bytes)
		return NULL;
	chain->bytes = bytes;
	if (chain->size) {
		header = (void *)(bytes + chain->last);
		header->next = (uint32_t)(sizeof(struct vfio_region_info) +
					  chain->size);
	}
	chain->last = chain->size;
	chain->size += size;
	header = (void *)(bytes + chain->last);
	memset(header, 0, size);
	header->id = id;
	header->version = 1;
	return header;
}

static int add_sparse(struct chain *chain, const struct uvfio_bar *bar)
{
	struct vfio_region_info_cap_sparse_mmap *cap;

	cap = chain_add(chain, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
			sizeof(*cap) + bar->area_count * sizeof(cap->areas[0]));
	if (!cap)
		return -ENOMEM;
	cap->nr_areas = (uint32_t)bar->area_count;
	for (size_t i = 0; i < bar->area_count; i++) {
		cap->areas[i].offset = bar->areas[i].offset;
		cap->areas[i].size = bar->areas[i].size;
	}
	return 0;
}

static int describe_bar(const struct uvf_pci *pci,
			struct vfio_region_info *info, struct chain *chain)
{
	const struct uvf_pci_bar *bar = &pci->bars[info->index];
	int ret = 0;

	info->size = bar->size;
	if (!info->size)
		return 0;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!uvf_bar_is_mappable(pci, info->index))
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (bar->desc->flags & UVFIO_BAR_SPARSE)
		ret = add_sparse(chain, bar->desc);
	if (!ret && pci->msix.count &&
	    pci->desc->msix.table_bar == info->index &&
	    !chain_add(chain, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		       sizeof(struct vfio_info_cap_header)))
		ret = -ENOMEM;
	return ret;
}

/* Memory decode is switched on for the look. */
static void describe_rom(const struct uvf_pci *pci,
			 struct vfio_region_info *info)
{
	if (!pci->rom.len)
		return;
	info->size = pci->rom.size;
	info->flags = VFIO_REGION_INFO_FLAG_READ;
}

static int describe_special(const struct uvf_pci *pci,
			    struct vfio_region_info *info, struct chain *chain)
{
	const struct uvfio_region *region =
		&pci->desc->regions[info->index - VFIO_PCI_NUM_REGIONS];
	struct vfio_region_info_cap_type *cap;

	info->size = region->size;
	if (region->flags & UVFIO_REGION_READ)
		info->flags |= VFIO_REGION_INFO_FLAG_READ;
	if (region->flags & UVFIO_REGION_WRITE)
		info->flags |= VFIO_REGION_INFO_FLAG_WRITE;
	cap = chain_add(chain, VFIO_REGION_INFO_CAP_TYPE, sizeof(*cap));
	if (!cap)
		return -ENOMEM;
	cap->type = region->type;
	cap->subtype = region->subtype;
	return 0;
}

/* -EINVAL: there is no such region; -ENOMEM. */
static int describe(const struct uvf_pci *pci, struct vfio_region_info *info,
		    struct chain *chain)
{
	if (info->index >= uvf_regions_count(pci) ||
	    (info->index == VFIO_PCI_VGA_REGION_INDEX && !uvf_vga_is(pci)))
		return -EINVAL;
	info->offset = (uint64_t)info->index << UVF_PCI_OFFSET_SHIFT;
	info->flags = 0;
	info->size = 0;
	switch (info->index) {
	case VFIO_PCI_ROM_REGION_INDEX:
		describe_rom(pci, info);
		return 0;
	case VFIO_PCI_CONFIG_REGION_INDEX:
	case VFIO_PCI_VGA_REGION_INDEX:
		info->flags = VFIO_REGION_INFO_FLAG_READ |
			      VFIO_REGION_INFO_FLAG_WRITE;
		info->size = info->index == VFIO_PCI_VGA_REGION_INDEX
				     ? VGA_SIZE
				     : pci->config_size;
		return 0;
	default:
		return info->index < UVFIO_PCI_BARS
			       ? describe_bar(pci, info, chain)
			       : describe_special(pci, info, chain);
	}
}

unsigned int uvf_regions_count(const struct uvf_pci *pci)
{
	return VFIO_PCI_NUM_REGIONS + (unsigned int)pci->desc->region_count;
}

/* The struct and, if there is room, what follows it. */
static int reply(struct uvf_caller *caller, unsigned long arg,
		 struct vfio_region_info *info, const struct chain *chain)
{
	if (chain->size) {
		info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (info->argsz < sizeof(*info) + chain->size) {
			info->argsz = (uint32_t)(sizeof(*info) + chain->size);
			info->cap_offset = 0;
		} else {
			if (uvf_copy_out(caller, arg + sizeof(*info),
					 chain->bytes, chain->size))
				return -EFAULT;
			info->cap_offset = sizeof(*info);
		}
	}
	return uvf_copy_out(caller, arg, info, sizeof(*info)) ? -EFAULT : 0;
}

/*
 * VFIO_DEVICE_GET_REGION_INFO.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the struct cannot be read
 *   -EINVAL  argsz too small; no such region
 *   -ENOMEM  out of memory
 *   -EFAULT  capabilities or struct cannot be written
 */
long pci_ioctl_get_region_info(struct uvf_device *device,
			       struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct chain chain = {NULL, 0, 0};
	struct vfio_region_info info;
	int ret;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	ret = describe(pci, &info, &chain);
	if (!ret)
		ret = reply(caller, arg, &info, &chain);
	uvf_free(chain.bytes);
	return ret;
}

static uint64_t region_of(uint64_t pos)
{
	return pos >> UVF_PCI_OFFSET_SHIFT;
}

static ssize_t access_region(struct uvf_pci *pci, struct uvf_caller *caller,
			     unsigned int index, uint64_t addr, size_t len,
			     uint64_t off, bool is_write)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return uvf_config_rw(pci, caller, addr, len, off, is_write);
	case VFIO_PCI_ROM_REGION_INDEX:
		return is_write ? -EINVAL
				: uvf_rom_read(pci, caller, addr, len, off);
	case VFIO_PCI_VGA_REGION_INDEX:
		return uvf_vga_rw(pci, caller, addr, len, off, is_write);
	default:
		return index < UVFIO_PCI_BARS
			       ? uvf_bar_rw(pci, caller, index, addr, len, off,
					    is_write)
			       : uvf_special_rw(pci, caller,
						index - VFIO_PCI_NUM_REGIONS,
						addr, len, off, is_write);
	}
}

/*
 * read and write, plain or at a position.
 *
 * Return: bytes moved, 0 for none asked for, or, in the order tested:
 *   -EINVAL  no such region
 *   or what the region's own function returns
 */
static ssize_t region_rw(struct uvf_pci *pci, struct uvf_caller *caller,
			 uint64_t addr, size_t len, uint64_t pos, bool is_write)
{
	uint64_t index = region_of(pos);
	ssize_t ret;

	if (!len)
		return 0;
	if (index >= uvf_regions_count(pci))
		return -EINVAL;
	uvf_low_power_resume(pci);
	ret = access_region(pci, caller, (unsigned int)index, addr, len,
			    pos & UVF_PCI_OFFSET_MASK, is_write);
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

/* Whether one area of a sparse BAR holds all of it. */
static bool is_in_area(const struct uvfio_bar *bar, uint64_t off, uint64_t len)
{
	if (!(bar->flags & UVFIO_BAR_SPARSE))
		return true;
	for (size_t i = 0; i < bar->area_count; i++) {
		const struct uvfio_area *area = &bar->areas[i];

		if (off >= area->offset && len <= area->size &&
		    off - area->offset <= area->size - len)
			return true;
	}
	return false;
}

/*
 * mmap: nothing is accessed, decode may be off.
 *
 * Return: 0, or -EINVAL: no BAR, not shared, not mappable, beyond its end or
 * the areas of it that may be mapped.
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
	if (len > size || off > size - len)
		return -EINVAL;
	return is_in_area(pci->bars[index].desc, off, len) ? 0 : -EINVAL;
}

/* Where POLL pages are not watched, each store has to be seen. */
static bool must_trap(const struct uvf_pci *pci, enum uvfio_page_kind kind)
{
	return kind == UVFIO_PAGE_TRAP || kind == UVFIO_PAGE_HOLE ||
	       (kind == UVFIO_PAGE_POLL &&
		!uvf_worker_may_spin(pci->model.worker));
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
		ret_page->kind = kind == UVFIO_PAGE_RDIRECT ? UVF_PAGE_MIRROR
							    : UVF_PAGE_MEMORY;
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
