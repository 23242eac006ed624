/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfds that write a register: each signal is one store to a BAR.
 */
#include <errno.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "pci/bar.h"
#include "pci/config.h"
#include "core/eventwatch.h"
#include "pci/handlers.h"
#include "pci/irqs.h"

#define REQUEST_SIZE (offsetof(struct vfio_device_ioeventfd, fd) + 4)
#define MAX_COUNT    1000

struct ioeventfd {
	struct uvf_list node; /* uvf_pci::ioeventfds */
	struct uvf_pci *pci;
	struct uvf_eventwatch *watch;
	unsigned int bar;
	uint64_t off;  /* in the BAR */
	uint64_t data; /* what is written, and part of the key */
	uint32_t size; /* bytes: 1, 2, 4 or 8 */
};

/* Pieces, because the offset need not be aligned. */
static void on_event(void *opaque)
{
	struct ioeventfd *io = opaque;
	struct uvf_pci *pci = io->pci;
	bool is_memory = !(pci->bars[io->bar].desc->flags & UVFIO_BAR_IO);
	uint8_t bytes[8];
	uint32_t size;

	uvf_assert_held(&pci->model.lock);
	if (is_memory && !uvf_config_has_memory_locked(pci))
		return;
	uvf_put32(bytes, (uint32_t)io->data);
	uvf_put32(bytes + 4, (uint32_t)(io->data >> 32));
	for (uint32_t done = 0; done < io->size; done += size) {
		size = io->size - done;
		while (size > 1 && (io->off + done) % size)
			size /= 2;
		uvf_bar_access_locked(pci, io->bar, io->off + done,
				      bytes + done, size, true);
	}
}

/* -EINVAL for what lies outside of a BAR or meets the MSI-X table. */
static int check_place(const struct uvf_pci *pci, uint64_t pos, uint32_t size)
{
	const struct uvfio_msix *msix = &pci->desc->msix;
	uint64_t index = pos >> UVF_PCI_OFFSET_SHIFT;
	uint64_t off = pos & UVF_PCI_OFFSET_MASK;
	uint64_t table_end = msix->table_offset + 16ull * pci->msix.count;

	if (index >= UVFIO_PCI_BARS || off + size > pci->bars[index].size)
		return -EINVAL;
	if (pci->msix.count && msix->table_bar == index &&
	    off + size > msix->table_offset && off < table_end)
		return -EINVAL;
	return 0;
}

static void remove_locked(struct uvf_pci *pci, struct ioeventfd *io)
{
	uvf_eventwatch_destroy(io->watch);
	uvf_list_remove(&io->node);
	pci->ioeventfd_count--;
	uvf_free(io);
}

static int add_locked(struct uvf_pci *pci, struct uvf_caller *caller,
		      const struct ioeventfd *key, int fd)
	UVF_REQUIRES(pci->model.lock)
{
	bool is_signalled = false;
	struct ioeventfd *io;
	int efd, ret;

	if (pci->ioeventfd_count >= MAX_COUNT)
		return -ENOSPC;
	io = uvf_zalloc(sizeof(*io));
	if (!io)
		return -ENOMEM;
	*io = *key;
	efd = uvf_eventfd_lookup(caller, fd);
	if (efd < 0) {
		uvf_free(io);
		return efd;
	}
	ret = uvf_eventwatch_create(&io->watch, efd, &pci->model.lock, on_event,
				    io, &is_signalled);
	if (ret) {
		close(efd);
		uvf_free(io);
		return ret;
	}
	uvf_list_add(&pci->ioeventfds, &io->node);
	pci->ioeventfd_count++;
	if (is_signalled)
		on_event(io);
	return 0;
}

static struct ioeventfd *find(struct uvf_pci *pci, const struct ioeventfd *key)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &pci->ioeventfds) {
		struct ioeventfd *io =
			uvf_list_entry(node, struct ioeventfd, node);

		if (io->off == key->off && io->bar == key->bar &&
		    io->data == key->data && io->size == key->size)
			return io;
	}
	return NULL;
}

/*
 * VFIO_DEVICE_IOEVENTFD.
 *
 * Source: vfio_pci_rdwr.c and vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the struct cannot be read
 *   -EINVAL  argsz, flags; not one size; fd below -1; place
 *   -EEXIST  the same is there
 *   -ENODEV  fd -1, and the same is not there
 *   -ENOSPC  1000 are there
 *   -EBADF, -EINVAL  the eventfd
 */
long pci_ioctl_ioeventfd(struct uvf_device *device, struct uvf_caller *caller,
			 unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct vfio_device_ioeventfd req;
	struct ioeventfd key = {.pci = pci};
	struct ioeventfd *io;
	int ret;

	if (uvf_copy_in(caller, &req, arg, REQUEST_SIZE))
		return -EFAULT;
	if (req.argsz < REQUEST_SIZE ||
	    req.flags & ~(uint32_t)VFIO_DEVICE_IOEVENTFD_SIZE_MASK)
		return -EINVAL;
	if (__builtin_popcount(req.flags) != 1 || req.fd < -1)
		return -EINVAL;
	ret = check_place(pci, req.offset, req.flags);
	if (ret)
		return ret;
	key.bar = (unsigned int)(req.offset >> UVF_PCI_OFFSET_SHIFT);
	key.off = req.offset & UVF_PCI_OFFSET_MASK;
	key.data = req.data;
	key.size = req.flags; /* the flag of a size is the size */

	uvf_lock(&pci->model.lock);
	io = find(pci, &key);
	if (io && req.fd >= 0)
		ret = -EEXIST;
	else if (io)
		remove_locked(pci, io);
	else if (req.fd < 0)
		ret = -ENODEV;
	else
		ret = add_locked(pci, caller, &key, req.fd);
	uvf_unlock(&pci->model.lock);
	return ret;
}

void uvf_ioeventfds_close_locked(struct uvf_pci *pci)
{
	struct uvf_list *node, *tmp;

	uvf_assert_held(&pci->model.lock);
	uvf_list_for_each_safe (node, tmp, &pci->ioeventfds)
		remove_locked(pci,
			      uvf_list_entry(node, struct ioeventfd, node));
}
