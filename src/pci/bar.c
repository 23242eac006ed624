/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/bar.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/profile.h"
#include "bus/machine.h"
#include "core/worker.h"
#include "pci/config.h"
#include "pci/irqs.h"

/* Rounds of poll() after one trapped store before the worker takes over. */
#define POLL_ROUNDS 64

/* Addresses on the bus; last is inclusive. */
struct window {
	uint64_t first;
	uint64_t last;
	bool is_io;
	bool needs_64bit;
};

/* In the order they are tried, as firmware of a PC fills them. */
static const struct window windows[] = {
	{0xc000, 0xffff, true, false},
	{0x1000, 0xbfff, true, false},
	{0xfe000000, 0xfebfffff, false, false},
	{0xc0000000, 0xfdffffff, false, false},
	{UINT64_C(0x8000000000), UINT64_C(0xffffffffff), false, true},
	{UINT64_C(0x10000000000), UINT64_C(0x3fffffffffff), false, true},
};

/* The first address above all BARs of a function that lie in a window. */
static uint64_t end_in_window(const struct uvf_pci *pci,
			      const struct window *window, uint64_t end)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvf_pci_bar *bar = &pci->bars[i];

		if (bar->size && bar->address >= window->first &&
		    bar->address <= window->last &&
		    !!(bar->desc->flags & UVFIO_BAR_IO) == window->is_io &&
		    bar->address + bar->size > end)
			end = bar->address + bar->size;
	}
	return end;
}

static bool assign_in_window(struct uvf_pci *pci, struct uvf_pci_bar *bar,
			     const struct window *window)
{
	/* A memory BAR has its pages for itself, so that it can be mapped. */
	uint64_t align = !window->is_io && bar->size < UVF_PCI_PAGE
				 ? UVF_PCI_PAGE
				 : bar->size;
	uint64_t end = end_in_window(pci, window, window->first);
	struct uvf_list *node;

	uvf_lock(&pci->machine->lock);
	uvf_list_for_each (node, &pci->machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (uvf_pci_is(bus))
			end = end_in_window(uvf_pci_of_bus(bus), window, end);
	}
	uvf_unlock(&pci->machine->lock);
	end = (end + align - 1) & ~(align - 1);
	if (end < window->first || end > window->last ||
	    bar->size - 1 > window->last - end)
		return false;
	bar->address = end;
	return true;
}

int uvf_bars_assign(struct uvf_pci *pci, struct uvfio_error *err)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		struct uvf_pci_bar *bar = &pci->bars[i];
		bool found = !bar->size;

		for (size_t w = 0;
		     !found && w < sizeof(windows) / sizeof(windows[0]); w++) {
			const struct window *window = &windows[w];

			if (window->is_io ==
				    !!(bar->desc->flags & UVFIO_BAR_IO) &&
			    (!window->needs_64bit ||
			     bar->desc->flags & UVFIO_BAR_64))
				found = assign_in_window(pci, bar, window);
		}
		if (!found) {
			uvfio_error_set(err,
					"%s: no room on the bus for BAR %u",
					pci->bus.name, i);
			return -ENOSPC;
		}
	}
	return 0;
}

bool uvf_bar_is_mappable(const struct uvf_pci *pci, unsigned int bar)
{
	return pci->bars[bar].size &&
	       !(pci->bars[bar].desc->flags & UVFIO_BAR_IO);
}

enum uvfio_page_kind uvf_bar_page_kind(const struct uvf_pci *pci,
				       unsigned int bar, uint64_t off,
				       uint64_t *ret_first, uint64_t *ret_size)
{
	const struct uvf_pci_bar *b = &pci->bars[bar];
	uint64_t first = 0;
	uint64_t end = (b->size + UVF_PCI_PAGE - 1) & ~(UVF_PCI_PAGE - 1);
	enum uvfio_page_kind kind = UVFIO_PAGE_TRAP;

	for (size_t i = 0; i < b->desc->span_count; i++) {
		const struct uvfio_span *span = &b->desc->spans[i];

		if (off < span->offset) {
			end = span->offset;
			break;
		}
		if (off - span->offset < span->size) {
			first = span->offset;
			end = first + span->size;
			kind = span->kind;
			break;
		}
		first = span->offset + span->size;
	}
	*ret_first = first;
	*ret_size = end - first;
	return kind;
}

/* A client shares the memory: one store each, so that none is torn. */
static void memory_store(void *mem, const void *buf, size_t len)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (len) {
	case 8:
		memcpy(&v64, buf, len);
		__atomic_store_n((uint64_t *)mem, v64, __ATOMIC_RELEASE);
		return;
	case 4:
		memcpy(&v32, buf, len);
		__atomic_store_n((uint32_t *)mem, v32, __ATOMIC_RELEASE);
		return;
	case 2:
		memcpy(&v16, buf, len);
		__atomic_store_n((uint16_t *)mem, v16, __ATOMIC_RELEASE);
		return;
	default:
		memcpy(mem, buf, len);
	}
}

static void memory_load(const void *mem, void *buf, size_t len)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (len) {
	case 8:
		v64 = __atomic_load_n((const uint64_t *)mem, __ATOMIC_ACQUIRE);
		memcpy(buf, &v64, len);
		return;
	case 4:
		v32 = __atomic_load_n((const uint32_t *)mem, __ATOMIC_ACQUIRE);
		memcpy(buf, &v32, len);
		return;
	case 2:
		v16 = __atomic_load_n((const uint16_t *)mem, __ATOMIC_ACQUIRE);
		memcpy(buf, &v16, len);
		return;
	default:
		memcpy(buf, mem, len);
	}
}

/* A doorbell was rung where nobody watches: look at it now. */
static void poll_now_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock)
{
	struct uvfio_dev *dev = &pci->model;

	if (uvf_worker_may_spin(dev->worker) || !dev->ops->poll) {
		uvfio_kick(dev);
		return;
	}
	for (int i = 0; i < POLL_ROUNDS; i++)
		if (!dev->ops->poll(dev))
			return;
	uvfio_kick(dev);
}

/* One access of a width that the BAR declares, or one it does not. */
static void register_access_locked(struct uvf_pci *pci, unsigned int bar,
				   uint64_t off, void *buf, size_t len,
				   bool is_write) UVF_REQUIRES(pci->model.lock)
{
	const struct uvfio_bar *desc = pci->bars[bar].desc;
	struct uvfio_dev *dev = &pci->model;
	int ret;

	if (!(desc->widths & len)) {
		if (!is_write)
			memset(buf, desc->narrow_value, len);
		return;
	}
	ret = dev->ops->access
		      ? dev->ops->access(dev, bar, off, buf, len, is_write)
		      : -EINVAL;
	if (ret < 0 && !is_write)
		memset(buf, 0xff, len);
}

/*
 * An access wider than all that the BAR declares is cut, as the bridge in
 * front of the function does it; a narrower one stays as it is.
 */
static void trap_access_locked(struct uvf_pci *pci, unsigned int bar,
			       uint64_t off, void *buf, size_t len,
			       bool is_write) UVF_REQUIRES(pci->model.lock)
{
	const struct uvfio_bar *desc = pci->bars[bar].desc;
	size_t width = len;

	while (width > 1 && desc->widths < width)
		width /= 2;
	for (size_t done = 0; done < len; done += width)
		register_access_locked(pci, bar, off + done,
				       (uint8_t *)buf + done, width, is_write);
}

void uvf_bar_access_locked(struct uvf_pci *pci, unsigned int bar, uint64_t off,
			   void *buf, size_t len, bool is_write)
{
	struct uvf_pci_bar *b = &pci->bars[bar];
	enum uvfio_page_kind kind;
	uint64_t first, size;

	uvf_assert_held(&pci->model.lock);
	if (off >= b->size || len > b->size - off ||
	    (b->desc->flags & UVFIO_BAR_IO &&
	     !(pci->hw[PCI_COMMAND] & PCI_COMMAND_IO))) {
		/* Nobody claims the access. */
		if (!is_write)
			memset(buf, 0xff, len);
		return;
	}
	if (uvf_msix_owns(pci, bar, off)) {
		uvf_msix_access_locked(pci, bar, off, buf, len, is_write);
		return;
	}
	kind = uvf_bar_page_kind(pci, bar, off, &first, &size);
	if (kind == UVFIO_PAGE_TRAP || !b->mem) {
		trap_access_locked(pci, bar, off, buf, len, is_write);
		return;
	}
	if (!is_write) {
		memory_load(b->mem + off, buf, len);
		return;
	}
	memory_store(b->mem + off, buf, len);
	if (kind == UVFIO_PAGE_POLL)
		poll_now_locked(pci);
}

/* The MSI-X table, which pread and pwrite must not reach. */
struct excluded {
	uint64_t first;
	uint64_t end;
};

static struct excluded excluded_of(const struct uvf_pci *pci, unsigned int bar)
{
	const struct uvfio_msix *msix = &pci->desc->msix;

	if (!pci->msix.count || msix->table_bar != bar)
		return (struct excluded){0, 0};
	return (struct excluded){msix->table_offset,
				 msix->table_offset + 16ull * pci->msix.count};
}

/* Bytes of the next piece; 0: excluded bytes come first. */
static size_t piece_size(const struct excluded *x, uint64_t off, size_t left,
			 size_t widest)
{
	size_t size = widest;

	if (off >= x->first && off < x->end)
		return 0;
	if (off < x->first && left > x->first - off)
		left = (size_t)(x->first - off);
	while (size > 1 && (size > left || off % size))
		size /= 2;
	return size;
}

/*
 * As much of an access as fits into the bounce buffer.
 * Return: bytes done, less than @len when decode is off.
 */
static size_t rw_some(struct uvf_pci *pci, unsigned int bar, uint64_t off,
		      uint8_t *bounce, size_t len, bool is_write)
{
	struct excluded x = excluded_of(pci, bar);
	bool is_memory = !(pci->bars[bar].desc->flags & UVFIO_BAR_IO);
	size_t done = 0;

	uvf_lock(&pci->model.lock);
	while (done < len) {
		size_t size = piece_size(&x, off + done, len - done,
					 pci->profile->bar_access_max);

		if (!size) {
			size = len - done;
			if (size > x.end - off - done)
				size = (size_t)(x.end - off - done);
			if (!is_write)
				memset(bounce + done, 0xff, size);
			done += size;
			continue;
		}
		if (is_memory && !uvf_config_has_memory_locked(pci))
			break;
		uvf_bar_access_locked(pci, bar, off + done, bounce + done, size,
				      is_write);
		done += size;
	}
	uvf_unlock(&pci->model.lock);
	return done;
}

/*
 * Client memory of as many pieces as there are; where it ends too early, of
 * the next piece only, so that the pieces before the end take effect.
 */
static int copy_part_in(struct uvf_pci *pci, struct uvf_caller *caller,
			unsigned int bar, uint64_t addr, uint64_t off,
			uint8_t *bounce, size_t *part)
{
	struct excluded x = excluded_of(pci, bar);
	size_t size;

	if (!uvf_copy_in(caller, bounce, addr, *part))
		return 0;
	size = piece_size(&x, off, *part, pci->profile->bar_access_max);
	if (size) {
		*part = size;
		return uvf_copy_in(caller, bounce, addr, size);
	}
	/* What is dropped is not read either. */
	if (*part > x.end - off)
		*part = (size_t)(x.end - off);
	return 0;
}

ssize_t uvf_bar_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		   unsigned int bar, uint64_t addr, size_t len, uint64_t off,
		   bool is_write)
{
	const struct uvf_pci_bar *b = &pci->bars[bar];
	uint8_t bounce[1024];
	size_t done, moved, part;

	if (!b->size || off >= b->size)
		return -EINVAL;
	if (len > b->size - off)
		len = (size_t)(b->size - off);
	for (done = 0; done < len; done += moved) {
		/* Cut on aligned borders, so that no piece is cut. */
		part = sizeof(bounce) - (off + done) % 8;
		if (part > len - done)
			part = len - done;
		if (is_write && copy_part_in(pci, caller, bar, addr + done,
					     off + done, bounce, &part))
			return -EFAULT;
		moved = rw_some(pci, bar, off + done, bounce, part, is_write);
		if (!is_write && moved &&
		    uvf_copy_out(caller, addr + done, bounce, moved))
			return -EFAULT;
		if (moved < part)
			return -EIO;
	}
	return (ssize_t)done;
}
