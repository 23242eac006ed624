/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the address that a client touched to a file and an offset, and from
 * the instruction to accesses of the device.
 *
 * Nothing about addresses is believed for longer than one fault: the client
 * may unmap and map as it likes, and its kernel says what is where.
 *
 * Lock order: mmio->rmw_lock, then what uvf_file_mmio() takes.
 */
#include "front/supervisor/mmio.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "base/log.h"
#include "core/file.h"
#include "front/supervisor/decode.h"
#include "front/supervisor/emulate.h"
#include "front/supervisor/mmio_overlay.h"
#include "front/supervisor/mmio_vector.h"

/* Places that one instruction can touch: two operands over a page's end. */
#define WINDOWS 4U

#define PAGE_BYTES UINT64_C(4096)

/* Of a revoked mapping, what one fault replaces at most; a power of two. */
#define REVOKED_SIZE (UINT64_C(1) << 21)

struct uvf_mmio {
	const struct uvf_mmio_ops *ops; /* immutable, like all but the lock */
	void *front;
	struct uvf_mailbox *mailbox;
	struct uvf_mmio_overlays *overlays;
	struct uvf_mutex rmw_lock; /* held by LOCKed instructions */
};

/* What is behind an interval of client addresses, during one fault. */
struct window {
	uint64_t first;
	uint64_t last;
	uint64_t pos;          /* of first, in the file */
	struct uvf_file *file; /* holds a reference; NULL: ordinary memory */
	dev_t dev;             /* if file: which it is */
	ino_t inode;
	bool is_overlay; /* its memory is mapped, not the file */
	struct uvf_page page;
};

/* One fault. */
struct fault {
	struct uvf_mmio *mmio;
	struct uvf_mmio_space *space;
	pid_t tid;
	void *call;                  /* NULL: there is none */
	struct uvf_agent_slot *slot; /* our copy */
	struct window windows[WINDOWS];
	unsigned int n_windows;
};

int uvf_mmio_create(struct uvf_mmio **ret_mmio, const struct uvf_mmio_ops *ops,
		    void *front)
{
	struct uvf_mmio *mmio;
	int ret;

	mmio = uvf_zalloc(sizeof(*mmio));
	if (!mmio)
		return -ENOMEM;
	ret = uvf_mailbox_create(&mmio->mailbox);
	if (ret)
		goto err_free;
	ret = uvf_mmio_overlays_create(&mmio->overlays);
	if (ret)
		goto err_mailbox;
	mmio->ops = ops;
	mmio->front = front;
	uvf_mutex_init(&mmio->rmw_lock);
	*ret_mmio = mmio;
	return 0;

err_mailbox:
	uvf_mailbox_destroy(mmio->mailbox);
err_free:
	uvf_free(mmio);
	return ret;
}

void uvf_mmio_destroy(struct uvf_mmio *mmio)
{
	if (!mmio)
		return;
	uvf_mutex_fini(&mmio->rmw_lock);
	uvf_mmio_overlays_destroy(mmio->overlays);
	uvf_mailbox_destroy(mmio->mailbox);
	uvf_free(mmio);
}

struct uvf_mailbox *uvf_mmio_mailbox(struct uvf_mmio *mmio)
{
	return mmio->mailbox;
}

struct uvf_mmio_overlays *uvf_mmio_overlays(struct uvf_mmio *mmio)
{
	return mmio->overlays;
}

/*
 * The VFIO file of a mapping: mapped itself, or its memory over it.  Returns
 * the position of the mapping's start in it.
 */
static uint64_t find_file(const struct uvf_mmio *mmio,
			  const struct uvf_vma *vma, struct window *w)
{
	struct uvf_mmio_overlay over;

	w->dev = vma->dev;
	w->inode = vma->inode;
	w->file = mmio->ops->file_lookup(mmio->front, vma->dev, vma->inode);
	if (w->file)
		return vma->offset;
	for (unsigned int i = 0;
	     !w->file && uvf_mmio_overlays_find(mmio->overlays, vma->dev,
						vma->inode, i, &over);
	     i++) {
		w->dev = over.dev;
		w->inode = over.inode;
		w->file = mmio->ops->file_lookup(mmio->front, over.dev,
						 over.inode);
		w->is_overlay = true;
	}
	return w->file ? vma->offset + over.shift : 0;
}

/* Fill @w for @addr, which lies in @vma. */
static void window_fill(struct fault *f, uint64_t addr,
			const struct uvf_vma *vma, struct window *w)
{
	uint64_t last;

	memset(w, 0, sizeof(*w));
	w->first = vma->addr.first;
	w->last = vma->addr.last;
	if (vma->inode)
		w->pos = find_file(f->mmio, vma, w);
	if (!w->file)
		return;
	uvf_file_fault(w->file, w->pos + (addr - w->first), &w->page);
	/* As far as both the mapping and the run of equal pages go. */
	if (w->page.first > w->pos) {
		w->first += w->page.first - w->pos;
		w->pos = w->page.first;
	}
	last = w->page.first + (w->page.size - 1);
	if (last - w->pos < w->last - w->first)
		w->last = w->first + (last - w->pos);
}

static int prot_of(const struct uvf_vma *vma)
{
	return (vma->is_readable ? PROT_READ : 0) |
	       (vma->is_writable ? PROT_WRITE : 0);
}

/* Fill @w for the mapping at @addr.  Return: 0 or -EFAULT. */
static int window_look(struct fault *f, uint64_t addr, struct window *w,
		       int *ret_prot)
{
	struct uvf_vma vma;

	if (uvf_mmio_space_look(f->space, addr, &vma))
		return -EFAULT;
	window_fill(f, addr, &vma, w);
	*ret_prot = prot_of(&vma);
	return 0;
}

/*
 * The same for the address of the fault, where something that traps is what
 * it was the last time: but for this page, that may not be so any more.
 */
static int window_open(struct fault *f, uint64_t addr, struct window *w,
		       int *ret_prot)
{
	uint64_t first = addr & ~(PAGE_BYTES - 1);
	struct uvf_vma vma;

	if (uvf_mmio_space_find(f->space, addr, &vma))
		return -EFAULT;
	window_fill(f, addr, &vma, w);
	if (!w->file || w->page.kind != UVF_PAGE_TRAP) {
		/* What changes the client's memory is asked for anew. */
		uvf_file_put(w->file);
		w->file = NULL;
		return window_look(f, addr, w, ret_prot);
	}
	w->pos += first - w->first;
	w->first = first;
	w->last = first + (PAGE_BYTES - 1);
	*ret_prot = prot_of(&vma);
	return 0;
}

/* The window at @addr, opened if it has to be; NULL: nothing is there. */
static struct window *window_at(struct fault *f, uint64_t addr)
{
	struct window *w;
	unsigned int i;
	int prot;

	for (i = 0; i < f->n_windows; i++)
		if (addr >= f->windows[i].first && addr <= f->windows[i].last)
			return &f->windows[i];
	if (f->n_windows == WINDOWS) {
		/* A repetition walks on; the first one is the fault's own. */
		w = &f->windows[WINDOWS - 1];
		if (w->file)
			uvf_file_put(w->file);
		f->n_windows--;
	}
	w = &f->windows[f->n_windows];
	if (window_look(f, addr, w, &prot))
		return NULL;
	f->n_windows++;
	return w;
}

static void windows_close(struct fault *f)
{
	unsigned int i;

	for (i = 0; i < f->n_windows; i++)
		if (f->windows[i].file)
			uvf_file_put(f->windows[i].file);
}

/* One access that a device notices, of at most 8 bytes. */
static bool access_device(const struct window *w, uint64_t addr, void *buf,
			  size_t len, bool is_write)
{
	uint64_t pos = w->pos + (addr - w->first);
	uint64_t at = w->page.fd_offset + (pos - w->page.first);
	ssize_t ret;

	switch (w->page.kind) {
	case UVF_PAGE_TRAP:
	case UVF_PAGE_MIRROR:
		return uvf_file_mmio(w->file, pos, buf, len, is_write);
	case UVF_PAGE_MEMORY:
		ret = is_write ? pwrite(w->page.fd, buf, len, (off_t)at)
			       : pread(w->page.fd, buf, len, (off_t)at);
		return ret == (ssize_t)len;
	case UVF_PAGE_REVOKED:
		if (!is_write)
			memset(buf, 0xff, len);
		return true;
	case UVF_PAGE_SIGBUS:
		return false;
	}
	return false;
}

/* Bytes done. */
static size_t access_memory(const struct fault *f, uint64_t addr, void *buf,
			    size_t len, bool is_write)
{
	struct iovec local = {.iov_base = buf, .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr,
			       .iov_len = len};
	ssize_t ret;

	ret = is_write ? process_vm_writev(f->tid, &local, 1, &remote, 1, 0)
		       : process_vm_readv(f->tid, &local, 1, &remote, 1, 0);
	return ret < 0 ? 0 : (size_t)ret;
}

/*
 * How much the next access to a device takes: a unit; without one all that
 * is left when that is at most 8 bytes, else up to the next multiple of a
 * power of two, at most 8.
 */
static size_t access_size(uint64_t addr, size_t left, size_t total, size_t unit)
{
	size_t size = 8;

	if (unit)
		return unit;
	if (total <= 8)
		return left;
	while (addr % size || size > left)
		size /= 2;
	return size;
}

/* Bytes done, fewer than @len after a fault. */
static size_t transfer(struct fault *f, uint64_t addr, uint8_t *buf, size_t len,
		       size_t unit, bool is_write)
{
	size_t done = 0, size;
	struct window *w;
	uint64_t room;

	while (done < len) {
		w = window_at(f, addr + done);
		if (!w)
			break;
		room = w->last - (addr + done);
		if (!w->file) {
			size = len - done;
			if (size - 1 > room)
				size = (size_t)room + 1;
			size = access_memory(f, addr + done, buf + done, size,
					     is_write);
			if (!size)
				break;
		} else {
			size = access_size(addr + done, len - done, len, unit);
			if (size - 1 > room)
				size = (size_t)room + 1;
			if (!access_device(w, addr + done, buf + done, size,
					   is_write))
				break;
		}
		done += size;
	}
	return done;
}

static size_t emu_load(void *context, uint64_t addr, void *buf, size_t len,
		       size_t unit)
{
	return transfer(context, addr, buf, len, unit, false);
}

static size_t emu_store(void *context, uint64_t addr, const void *buf,
			size_t len, size_t unit)
{
	/* Nothing writes to it: transfer() has one buffer for both ways. */
	return transfer(context, addr, (uint8_t *)(uintptr_t)buf, len, unit,
			true);
}

static bool emu_is_device(void *context, uint64_t addr)
{
	struct window *w = window_at(context, addr);

	return w && w->file;
}

static bool emu_vector_get(void *context, unsigned int reg, void *value)
{
	struct fault *f = context;

	return uvf_mmio_vector_get(f->tid, f->slot->fpstate, reg, value);
}

static bool emu_vector_set(void *context, unsigned int reg, const void *value)
{
	struct fault *f = context;

	return uvf_mmio_vector_set(f->tid, f->slot->fpstate, reg, value);
}

static bool emu_mask_get(void *context, unsigned int reg, uint64_t *ret_value)
{
	struct fault *f = context;

	return uvf_mmio_mask_get(f->tid, f->slot->fpstate, reg, ret_value);
}

/* Clang cannot follow a lock from one callback to another. */
static void emu_lock(void *context) UVF_NO_ANALYSIS
{
	struct fault *f = context;

	uvf_lock(&f->mmio->rmw_lock);
}

static void emu_unlock(void *context) UVF_NO_ANALYSIS
{
	struct fault *f = context;

	uvf_unlock(&f->mmio->rmw_lock);
}

static const struct uvf_emulate_ops emu_ops = {
	.load = emu_load,
	.store = emu_store,
	.is_device = emu_is_device,
	.vector_get = emu_vector_get,
	.vector_set = emu_vector_set,
	.mask_get = emu_mask_get,
	.lock = emu_lock,
	.unlock = emu_unlock,
};

/* Register numbers of the instruction set to places in a slot. */
static const uint8_t slot_reg[16] = {
	UVF_AGENT_RAX, UVF_AGENT_RCX, UVF_AGENT_RDX, UVF_AGENT_RBX,
	UVF_AGENT_RSP, UVF_AGENT_RBP, UVF_AGENT_RSI, UVF_AGENT_RDI,
	UVF_AGENT_R8,  UVF_AGENT_R9,  UVF_AGENT_R10, UVF_AGENT_R11,
	UVF_AGENT_R12, UVF_AGENT_R13, UVF_AGENT_R14, UVF_AGENT_R15,
};

static void cpu_from_slot(struct uvf_cpu *cpu,
			  const struct uvf_agent_slot *slot)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		cpu->gpr[i] = slot->regs[slot_reg[i]];
	cpu->rip = slot->regs[UVF_AGENT_RIP];
	cpu->flags = slot->regs[UVF_AGENT_EFLAGS];
}

static void cpu_to_slot(const struct uvf_cpu *cpu, struct uvf_agent_slot *slot)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		slot->regs[slot_reg[i]] = cpu->gpr[i];
	slot->regs[UVF_AGENT_RIP] = cpu->rip;
	slot->regs[UVF_AGENT_EFLAGS] = cpu->flags;
}

/* Say what we do not know, so that it can be taught. */
static void complain(const struct fault *f, const uint8_t *bytes, size_t len,
		     const char *error)
{
	char text[3 * UVF_AGENT_INSN_MAX + 1] = "";
	size_t i;

	for (i = 0; i < len && i < UVF_AGENT_INSN_MAX; i++)
		(void)snprintf(text + 3 * i, sizeof(text) - 3 * i, " %02x",
			       bytes[i]);
	uvf_log(UVF_LOG_ERROR,
		"thread %d touches a device at %#llx by an instruction that "
		"cannot be emulated: %s; RIP %#llx, bytes%s; it gets SIGBUS",
		(int)f->tid, (unsigned long long)f->slot->addr, error,
		(unsigned long long)f->slot->regs[UVF_AGENT_RIP], text);
}

/* Decode, with the rest of the bytes from the next page if need be. */
static bool decode(const struct fault *f, struct uvf_insn *ret_insn)
{
	uint64_t rip = f->slot->regs[UVF_AGENT_RIP];
	uint8_t bytes[UVF_AGENT_INSN_MAX];
	size_t len = f->slot->insn_len;
	const char *error;

	if (len > sizeof(bytes))
		len = sizeof(bytes);
	memcpy(bytes, f->slot->insn, len);
	error = uvf_decode(bytes, len, ret_insn);
	if (error == uvf_decode_more && len < sizeof(bytes)) {
		len += access_memory(f, rip + len, bytes + len,
				     sizeof(bytes) - len, false);
		error = uvf_decode(bytes, len, ret_insn);
	}
	if (error)
		complain(f, bytes, len, error);
	return !error;
}

static enum uvf_agent_action emulate(struct fault *f)
{
	struct uvf_agent_slot *slot = f->slot;
	enum uvf_emulate_result result;
	struct uvf_insn insn;
	struct uvf_cpu cpu;
	uint64_t addr;

	/* None: it runs code that lies in a device. */
	if (!slot->insn_len)
		return UVF_AGENT_CHAIN;
	if (!decode(f, &insn))
		return UVF_AGENT_BUS;
	cpu_from_slot(&cpu, slot);
	if (uvf_emulate_address(&insn, &cpu, &addr) &&
	    slot->addr - addr >= insn.width) {
		complain(f, slot->insn, slot->insn_len,
			 "its operand is elsewhere");
		return UVF_AGENT_BUS;
	}
	result = uvf_emulate(&insn, &cpu, &emu_ops, f);
	cpu_to_slot(&cpu, slot);
	switch (result) {
	case UVF_EMULATE_DONE:
	case UVF_EMULATE_AGAIN:
		return UVF_AGENT_RESUME;
	case UVF_EMULATE_FAULT:
		return UVF_AGENT_BUS;
	case UVF_EMULATE_NO_VECTOR:
		complain(f, slot->insn, slot->insn_len,
			 "its vector registers cannot be reached");
		return UVF_AGENT_BUS;
	}
	return UVF_AGENT_BUS;
}

/* The client maps memory over the window, and tries again. */
static enum uvf_agent_action lend(struct fault *f, const struct window *w,
				  int fd, uint64_t offset, int prot)
{
	fd = f->mmio->ops->fd_install(f->mmio->front, f->call, fd);
	if (fd < 0) {
		uvf_log(UVF_LOG_ERROR,
			"thread %d cannot be given a device's memory: %s",
			(int)f->tid, strerror(-fd));
		return UVF_AGENT_BUS;
	}
	f->slot->map_addr = w->first;
	f->slot->map_len = w->last - w->first + 1;
	f->slot->map_offset = offset;
	f->slot->map_prot = (uint32_t)prot;
	f->slot->map_fd = fd;
	return UVF_AGENT_OVERLAY;
}

static enum uvf_agent_action overlay(struct fault *f, const struct window *w,
				     int prot)
{
	const struct uvf_mmio_overlay over = {
		.dev = w->dev,
		.inode = w->inode,
		.shift = w->page.first - w->page.fd_offset,
	};

	uvf_mmio_overlays_add(f->mmio->overlays, w->page.fd, &over);
	return lend(f, w, w->page.fd,
		    w->page.fd_offset + (w->pos - w->page.first), prot);
}

/* The device was taken away while the instruction was carried out. */
static bool is_revoked(const struct window *w)
{
	struct uvf_page page;

	uvf_file_fault(w->file, w->pos, &page);
	return page.kind == UVF_PAGE_REVOKED;
}

/* Memory full of ones, or a negative errno. */
static int make_ones(uint64_t size)
{
	int fd = memfd_create("uvfio-revoked", MFD_CLOEXEC);
	void *mem = MAP_FAILED;
	int ret;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)size))
		mem = mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED) {
		ret = -errno;
		close(fd);
		return ret;
	}
	memset(mem, 0xff, size);
	(void)munmap(mem, size);
	return fd;
}

/*
 * A program that handles SIGBUS hears of a device that was taken away.  For
 * another it would be the end: instead its mapping becomes memory of its own
 * that is full of ones, as the registers of a function read that was pulled
 * out of its slot.  What it stores stays there, since drivers wait for bits
 * that they set themselves.
 */
static enum uvf_agent_action outlive(struct fault *f, struct window *w,
				     int prot)
{
	uint64_t first = f->slot->addr & ~(REVOKED_SIZE - 1);
	enum uvf_agent_action action;
	int fd;

	if (f->mmio->ops->has_handler(f->mmio->front, f->call))
		return UVF_AGENT_BUS;
	if (w->first < first)
		w->first = first;
	if (w->last - first >= REVOKED_SIZE)
		w->last = first + REVOKED_SIZE - 1;
	fd = make_ones(w->last - w->first + 1);
	if (fd < 0)
		return UVF_AGENT_BUS;
	action = lend(f, w, fd, 0, prot);
	close(fd);
	return action;
}

/* Look at the mapping anew.  Return: 0 or -EFAULT. */
static int reopen(struct fault *f, struct window *w, int *prot)
{
	uvf_file_put(w->file);
	w->file = NULL;
	return window_look(f, f->slot->addr, w, prot);
}

/*
 * The pages that trap may be touched no more from now on, so that the next
 * touch is another signal, which takes the kernel less time.  Not those that
 * the program has mapped for loads only, which its kernel sees to.
 */
static enum uvf_agent_action close_pages(struct fault *f, struct window *w)
{
	int prot;

	if (reopen(f, w, &prot) || !w->file || w->is_overlay ||
	    w->page.kind != UVF_PAGE_TRAP || prot != (PROT_READ | PROT_WRITE))
		return UVF_AGENT_RESUME;
	f->slot->map_addr = w->first;
	f->slot->map_len = w->last - w->first + 1;
	return UVF_AGENT_CLOSE;
}

static enum uvf_agent_action trap(struct fault *f, struct window *w)
{
	enum uvf_agent_action action = emulate(f);

	/* It faults again, and then finds it revoked. */
	if (action == UVF_AGENT_BUS && is_revoked(w))
		return UVF_AGENT_RESUME;
	if (action == UVF_AGENT_RESUME && f->slot->signal == SIGBUS)
		return close_pages(f, w);
	return action;
}

/* Loads find memory that is lent for them, stores do not. */
static enum uvf_agent_action mirror(struct fault *f, struct window *w, int prot)
{
	if (f->slot->signal == SIGBUS && (w->is_overlay || prot & PROT_WRITE))
		return f->call ? overlay(f, w, PROT_READ) : 0;
	return trap(f, w);
}

/*
 * Whether a signal is about rights that the program itself gave.  Not about
 * those of what was closed, nor of a mirror, which was lent for loads.  What
 * we remember of rights may be older than what they are.
 */
static bool is_forbidden(struct fault *f, struct window *w, int *prot)
{
	bool is_closed = f->slot->is_closed;

	if (!w->file)
		return false;
	if (f->slot->signal == SIGBUS)
		return is_closed && reopen(f, w, prot);
	if (w->is_overlay)
		return *prot != PROT_READ;
	if (is_closed && *prot != PROT_READ)
		return false;
	if (reopen(f, w, prot))
		return true;
	return is_closed ? *prot == PROT_READ
			 : *prot != (PROT_READ | PROT_WRITE);
}

static enum uvf_agent_action serve_page(struct fault *f, struct window *w,
					int prot)
{
	switch (w->page.kind) {
	case UVF_PAGE_TRAP:
		return trap(f, w);
	case UVF_PAGE_MIRROR:
		return mirror(f, w, prot);
	case UVF_PAGE_MEMORY:
		if (f->slot->signal != SIGBUS)
			break;
		return f->call ? overlay(f, w, prot) : 0;
	case UVF_PAGE_REVOKED:
		/* What may not be touched was closed by us. */
		if (!prot)
			prot = PROT_READ | PROT_WRITE;
		return f->call ? outlive(f, w, prot) : 0;
	case UVF_PAGE_SIGBUS:
		return UVF_AGENT_BUS;
	}
	return UVF_AGENT_CHAIN;
}

/* Return: 0 when it takes a call. */
static enum uvf_agent_action serve(struct fault *f)
{
	struct window *w = &f->windows[0];
	enum uvf_agent_action action = UVF_AGENT_CHAIN;
	int prot;

	if (window_open(f, f->slot->addr, w, &prot))
		return UVF_AGENT_CHAIN;
	f->n_windows = 1;
	if (!is_forbidden(f, w, &prot) && w->file)
		action = serve_page(f, w, prot);
	windows_close(f);
	return action;
}

long uvf_mmio_fault(struct uvf_mmio *mmio, struct uvf_mmio_space *space,
		    pid_t tid, uint64_t slot, uint64_t addr, void *call)
{
	struct uvf_agent_slot copy;
	struct fault f;
	int ret;

	ret = uvf_mailbox_begin(mmio->mailbox, tid, slot, addr, &copy);
	if (ret)
		return ret < 0 ? UVF_AGENT_CHAIN : ret;
	f.mmio = mmio;
	f.space = space;
	f.tid = tid;
	f.call = call;
	f.slot = &copy;
	f.n_windows = 0;
	copy.action = serve(&f);
	uvf_mailbox_end(mmio->mailbox, tid, slot, addr, &copy);
	return copy.action;
}

void uvf_mmio_ring(struct uvf_mmio *mmio, struct uvf_mmio_space *space,
		   pid_t tid, uint32_t index)
{
	struct uvf_agent_slot copy;
	struct fault f = {
		.mmio = mmio,
		.space = space,
		.tid = tid,
		.slot = &copy,
	};
	enum uvf_agent_action action = 0;

	if (uvf_mailbox_begin_ring(mmio->mailbox, index, &copy))
		return;
	if (space && copy.tid == tid)
		action = serve(&f);
	copy.action = action;
	if (action)
		uvf_mailbox_end(mmio->mailbox, tid, index, 0, &copy);
	else
		uvf_mailbox_decline(mmio->mailbox, index);
}
