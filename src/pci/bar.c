/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/bar.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/profile.h"
#include "bus/machine.h"
#include "core/worker.h"
#include "pci/bridge.h"
#include "pci/config.h"
#include "pci/irqs.h"
#include "pci/rom.h"

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

/* What is looked for: room for a BAR, or for the window of a bridge. */
struct want {
	const struct uvf_pci *pci;
	uint64_t size;
	uint64_t align;
	bool is_io;
	bool is_64bit;
	bool is_prefetchable;
};

/* Where a taken interval ends, if it meets what is wanted at an address. */
static uint64_t end_of(uint64_t at, uint64_t size, uint64_t taken,
		       uint64_t taken_size)
{
	bool meets = taken_size && at < taken + taken_size && taken < at + size;

	return meets ? taken + taken_size : at;
}

/* The same for all that a function has; an address beyond, or the same. */
static uint64_t end_of_function(const struct want *want,
				const struct uvf_pci *pci, uint64_t at)
{
	/* A function behind a bridge is inside the windows of that. */
	bool has_windows = !uvf_bridge_leads_to(pci, want->pci);

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvf_pci_bar *bar = &pci->bars[i];

		if (bar->size &&
		    !!(bar->desc->flags & UVFIO_BAR_IO) == want->is_io)
			at = end_of(at, want->size, bar->address, bar->size);
	}
	if (!want->is_io)
		at = end_of(at, want->size, pci->rom.address, pci->rom.size);
	for (unsigned int i = 0; !want->is_io && i < UVFIO_PCI_BARS; i++)
		at = end_of(at, want->size, pci->sriov.bars[i].address,
			    pci->sriov.bars[i].size);
	for (unsigned int i = 0; has_windows && i < UVF_PCI_WINDOWS; i++)
		if ((i == UVF_PCI_WINDOW_IO) == want->is_io)
			at = end_of(at, want->size,
				    pci->bridge.windows[i].address,
				    pci->bridge.windows[i].size);
	return at;
}

static uint64_t align_up(uint64_t at, uint64_t align)
{
	return (at + align - 1) & ~(align - 1);
}

/* One look at all functions: where the one ends that is in the way. */
static uint64_t pass(const struct want *want, uint64_t at)
{
	struct uvf_machine *machine = want->pci->machine;
	struct uvf_list *node;

	at = align_up(end_of_function(want, want->pci, at), want->align);
	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (uvf_pci_is(bus))
			at = align_up(
				end_of_function(want, uvf_pci_of_bus(bus), at),
				want->align);
	}
	uvf_unlock(&machine->lock);
	return at;
}

/* The lowest address of a window at which nothing is in the way. */
static bool find_in_window(const struct want *want, const struct window *window,
			   uint64_t *ret_address)
{
	uint64_t at = align_up(window->first, want->align), next;

	for (;; at = next) {
		if (at < window->first || at > window->last ||
		    want->size - 1 > window->last - at)
			return false;
		next = pass(want, at);
		if (next == at)
			break;
	}
	*ret_address = at;
	return true;
}

static bool find_behind_in(const struct want *want,
			   const struct uvf_pci_window *open,
			   uint64_t *ret_address)
{
	const struct window window = {
		.first = open->address,
		.last = open->address + open->size - 1,
		.is_io = want->is_io,
	};

	return open->size && find_in_window(want, &window, ret_address);
}

/* Behind a bridge, its windows are all there is. */
static bool find_behind(const struct want *want, const struct uvf_pci *bridge,
			uint64_t *ret_address)
{
	const struct uvf_pci_window *open = bridge->bridge.windows;

	if (want->is_io)
		return find_behind_in(want, &open[UVF_PCI_WINDOW_IO],
				      ret_address);
	if (want->is_64bit && want->is_prefetchable &&
	    find_behind_in(want, &open[UVF_PCI_WINDOW_PREFETCH], ret_address))
		return true;
	return find_behind_in(want, &open[UVF_PCI_WINDOW_MEMORY], ret_address);
}

static bool find_room(const struct want *want, uint64_t *ret_address)
{
	const struct uvf_pci *bridge = uvf_bridge_of(want->pci);

	if (bridge)
		return find_behind(want, bridge, ret_address);
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		if (windows[i].is_io == want->is_io &&
		    (!windows[i].needs_64bit || want->is_64bit) &&
		    find_in_window(want, &windows[i], ret_address))
			return true;
	return false;
}

/* The option ROM has a register of 32 bits, as a BAR has. */
static int assign_rom(struct uvf_pci *pci, struct uvfio_error *err)
{
	uint64_t size = uvf_rom_bar_size(pci->desc->rom_size);
	const struct want want = {
		.pci = pci,
		.size = size,
		.align = size < UVF_PCI_PAGE ? UVF_PCI_PAGE : size,
	};

	if (!size)
		return 0;
	if (!find_room(&want, &pci->rom.address)) {
		uvfio_error_set(err, "%s: no room on the bus for its ROM",
				pci->bus.name);
		return -ENOSPC;
	}
	pci->rom.size = size;
	pci->rom.len =
		uvf_rom_find_len(pci->desc->rom, pci->desc->rom_size, size);
	return 0;
}

static int assign_bar(struct uvf_pci *pci, unsigned int i,
		      struct uvfio_error *err)
{
	struct uvf_pci_bar *bar = &pci->bars[i];
	struct want want = {
		.pci = pci,
		.size = bar->size,
		.align = bar->size,
		.is_io = bar->desc->flags & UVFIO_BAR_IO,
		.is_64bit = bar->desc->flags & UVFIO_BAR_64,
		.is_prefetchable = bar->desc->flags & UVFIO_BAR_PREFETCH,
	};

	/* Memory has its pages for itself, so that it can be mapped. */
	if (!want.is_io && want.align < UVF_PCI_PAGE)
		want.align = UVF_PCI_PAGE;
	/* Until it has an address it is in nobody's way. */
	bar->size = 0;
	if (!find_room(&want, &bar->address)) {
		uvfio_error_set(err, "%s: no room on the bus for BAR %u",
				pci->bus.name, i);
		return -ENOSPC;
	}
	bar->size = want.size;
	return 0;
}

/* BARs of all VFs that a PF can have, one behind the other. */
static int assign_vf_bars(struct uvf_pci *pci, struct uvfio_error *err)
{
	const struct uvfio_sriov *sriov = &pci->desc->sriov;

	for (unsigned int i = 0; sriov->offset && i < UVFIO_PCI_BARS; i++) {
		const struct uvfio_bar *bar = &sriov->vf->bars[i];
		const struct want want = {
			.pci = pci,
			.size = bar->size * sriov->total_vfs,
			.align = bar->size,
			.is_64bit = bar->flags & UVFIO_BAR_64,
			.is_prefetchable = bar->flags & UVFIO_BAR_PREFETCH,
		};

		if (!bar->size)
			continue;
		if (!find_room(&want, &pci->sriov.bars[i].address)) {
			uvfio_error_set(err,
					"%s: no room on the bus for BAR %u of "
					"its VFs",
					pci->bus.name, i);
			return -ENOSPC;
		}
		pci->sriov.bars[i].size = want.size;
	}
	return 0;
}

/* Those of a VF are parts of what its PF has for all. */
static void take_vf_bars(struct uvf_pci *pci)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++)
		pci->bars[i].address = pci->physfn->sriov.bars[i].address +
				       pci->bars[i].size * pci->vf_index;
}

int uvf_bars_assign(struct uvf_pci *pci, struct uvfio_error *err)
{
	int ret = 0;

	if (pci->physfn) {
		take_vf_bars(pci);
		return 0;
	}
	for (unsigned int i = 0; i < UVFIO_PCI_BARS && !ret; i++)
		if (pci->bars[i].size)
			ret = assign_bar(pci, i, err);
	if (!ret)
		ret = assign_rom(pci, err);
	return ret ? ret : assign_vf_bars(pci, err);
}

static const char *const window_keys[UVF_PCI_WINDOWS] = {
	"io-reserve", "mem-reserve", "pref64-reserve"};

int uvf_windows_assign(struct uvf_pci *pci,
		       const uint64_t sizes[UVF_PCI_WINDOWS],
		       struct uvfio_error *err)
{
	for (unsigned int i = 0; i < UVF_PCI_WINDOWS; i++) {
		struct uvf_pci_window *window = &pci->bridge.windows[i];
		const struct want want = {
			.pci = pci,
			.size = sizes[i],
			.align = sizes[i],
			.is_io = i == UVF_PCI_WINDOW_IO,
			.is_64bit = i == UVF_PCI_WINDOW_PREFETCH,
			.is_prefetchable = i == UVF_PCI_WINDOW_PREFETCH,
		};

		if (!sizes[i])
			continue;
		if (find_room(&want, &window->address)) {
			window->size = sizes[i];
			continue;
		}
		if (i == UVF_PCI_WINDOW_IO && uvf_bridge_of(pci))
			continue;
		uvfio_error_set(err,
				"%s: no room for its windows; say a smaller "
				"%s=, or a larger one of the bridge above",
				pci->bus.name, window_keys[i]);
		return -ENOSPC;
	}
	return 0;
}

uint32_t uvf_bar_type(const struct uvfio_bar *bar)
{
	uint32_t type = 0;

	if (bar->flags & UVFIO_BAR_IO)
		return PCI_BASE_ADDRESS_SPACE_IO;
	if (bar->flags & UVFIO_BAR_64)
		type |= PCI_BASE_ADDRESS_MEM_TYPE_64;
	if (bar->flags & UVFIO_BAR_PREFETCH)
		type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	return type;
}

bool uvf_bar_is_mappable(const struct uvf_pci *pci, unsigned int bar)
{
	return pci->bars[bar].size && !(pci->bars[bar].desc->flags &
					(UVFIO_BAR_IO | UVFIO_BAR_NOMMAP));
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

	if (dev->pause != UVF_MODEL_RUNS)
		return; /* it looks when it goes on */
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

static void page_access_locked(struct uvf_pci *pci, unsigned int bar,
			       uint64_t off, void *buf, size_t len,
			       bool is_write, enum uvfio_page_kind kind)
	UVF_REQUIRES(pci->model.lock)
{
	uint8_t *mem = pci->bars[bar].mem;

	switch (kind) {
	case UVFIO_PAGE_TRAP:
		trap_access_locked(pci, bar, off, buf, len, is_write);
		return;
	case UVFIO_PAGE_RDIRECT:
		if (is_write)
			trap_access_locked(pci, bar, off, buf, len, true);
		else
			memory_load(mem + off, buf, len);
		return;
	case UVFIO_PAGE_RAM:
	case UVFIO_PAGE_POLL:
		if (!is_write) {
			memory_load(mem + off, buf, len);
			return;
		}
		memory_store(mem + off, buf, len);
		if (kind == UVFIO_PAGE_POLL)
			poll_now_locked(pci);
		return;
	case UVFIO_PAGE_HOLE:
		if (!is_write)
			memset(buf, 0xff, len);
		return;
	}
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
	if (pci->model.pause == UVF_MODEL_STOPPED) {
		/* Its state is being copied, or brought. */
		if (!is_write)
			memset(buf, 0xff, len);
		return;
	}
	kind = uvf_bar_page_kind(pci, bar, off, &first, &size);
	page_access_locked(pci, bar, off, buf, len, is_write, kind);
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
