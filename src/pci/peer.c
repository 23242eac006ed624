/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peer to peer: DMA that ends at the registers of a function.
 *
 * The target holds the function, not its file: a mapping must not keep a
 * device open, and reaches a BAR for as long as the BAR answers.
 */
#include <errno.h>

#include "base/alloc.h"
#include "mem/mem.h"
#include "pci/bar.h"
#include "pci/config.h"
#include "pci/handlers.h"

struct target {
	struct uvf_mem_io io;
	struct uvf_pci *pci; /* holds a reference to its bus device */
};

static int target_access(struct uvf_mem_io *io, uint64_t offset, void *buf,
			 size_t len, bool is_write)
{
	struct target *target = uvf_container_of(io, struct target, io);
	struct uvf_pci *pci = target->pci;
	unsigned int bar = (unsigned int)(offset >> UVF_PCI_OFFSET_SHIFT);
	uint64_t off = offset & UVF_PCI_OFFSET_MASK;
	int ret = -EFAULT;

	if (!uvf_model_lock_target(&pci->model))
		return -EFAULT;
	if (bar < UVFIO_PCI_BARS && uvf_config_has_memory_locked(pci) &&
	    !pci->is_low_power) {
		uvf_bar_access_locked(pci, bar, off, buf, len, is_write);
		ret = 0;
	}
	uvf_unlock(&pci->model.lock);
	return ret;
}

static void target_destroy(struct uvf_mem_io *io)
{
	struct target *target = uvf_container_of(io, struct target, io);

	uvf_bus_device_put(&target->pci->bus);
	uvf_free(target);
}

static const struct uvf_mem_io_ops target_ops = {
	.access = target_access,
	.destroy = target_destroy,
};

/*
 * Who answers DMA to a BAR.
 * Return: 0 or -ENOMEM.
 */
int pci_dma_target(struct uvf_device *device, uint64_t pos,
		   struct uvf_mem_io **ret_io)
{
	struct target *target = uvf_zalloc(sizeof(*target));

	(void)pos;
	if (!target)
		return -ENOMEM;
	target->io.ops = &target_ops;
	target->pci = uvf_pci_of(device);
	uvf_bus_device_get(&target->pci->bus);
	*ret_io = &target->io;
	return 0;
}
