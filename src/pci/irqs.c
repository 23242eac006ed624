/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/irqs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "base/profile.h"
#include "core/eventwatch.h"
#include "pci/handlers.h"

unsigned int uvf_irq_count_locked(struct uvf_pci *pci, uint32_t index)
{
	const struct uvfio_msi *msi = &pci->desc->msi;

	uvf_assert_held(&pci->model.lock);
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return pci->vconfig[PCI_INTERRUPT_PIN] ? 1 : 0;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return msi->offset ? 1u << msi->log2_vectors : 0;
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return pci->msix.count;
	case VFIO_PCI_ERR_IRQ_INDEX:
		return pci->express_offset ? 1 : 0;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

static enum uvfio_irq_mode mode_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock)
{
	if (uvf_msix_is_enabled_locked(pci))
		return UVFIO_IRQ_MSIX;
	if (uvf_msi_is_enabled_locked(pci))
		return UVFIO_IRQ_MSI;
	return pci->desc->intx_pin ? UVFIO_IRQ_INTX : UVFIO_IRQ_NONE;
}

enum uvfio_irq_mode uvfio_irq_mode(struct uvfio_dev *dev)
{
	struct uvf_pci *pci = uvf_pci_of_model(dev);

	uvf_assert_held(&pci->model.lock);
	return mode_locked(pci);
}

void uvf_irqs_notify_locked(struct uvf_pci *pci)
{
	enum uvfio_irq_mode mode;

	uvf_assert_held(&pci->model.lock);
	mode = mode_locked(pci);
	if (mode == pci->irq_mode || pci->model.pause == UVF_MODEL_STOPPED)
		return;
	pci->irq_mode = mode;
	if (pci->model.ops->event)
		pci->model.ops->event(&pci->model, UVFIO_EVENT_IRQ_MODE, mode);
}

void uvfio_intx_set(struct uvfio_dev *dev, bool level)
{
	struct uvf_pci *pci = uvf_pci_of_model(dev);

	uvf_assert_held(&pci->model.lock);
	uvf_intx_drive_locked(pci, level);
}

int uvfio_vector_send(struct uvfio_dev *dev, unsigned int vector)
{
	struct uvf_pci *pci = uvf_pci_of_model(dev);

	uvf_assert_held(&pci->model.lock);
	if (uvf_msix_is_enabled_locked(pci))
		return uvf_msix_send_locked(pci, vector);
	if (uvf_msi_is_enabled_locked(pci))
		return uvf_msi_send_locked(pci, vector);
	return pci->model.is_bus_master ? -ENODEV : -EPERM;
}

void uvf_irqs_close_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (pci->irq_type == UVF_PCI_IRQ_INTX)
		uvf_intx_disable_locked(pci);
	else if (pci->irq_type != UVF_PCI_IRQ_NONE)
		uvf_vectors_disable_locked(pci);
	uvf_eventfd_drop(&pci->err_trigger);
	uvf_eventfd_drop(&pci->req_trigger);
}

static bool is_dynamic(const struct uvf_pci *pci)
{
	return pci->msix.count && pci->profile->msix_is_dynamic;
}

/*
 * VFIO_DEVICE_GET_IRQ_INFO.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the struct cannot be read
 *   -EINVAL  argsz too small, no such index; ERR without PCI Express
 *   -EFAULT  the struct cannot be written
 */
long pci_ioctl_get_irq_info(struct uvf_device *device,
			    struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct vfio_irq_info info;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (info.index == VFIO_PCI_ERR_IRQ_INDEX && !pci->express_offset)
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index != VFIO_PCI_MSIX_IRQ_INDEX || !is_dynamic(pci))
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	uvf_lock(&pci->model.lock);
	info.count = uvf_irq_count_locked(pci, info.index);
	uvf_unlock(&pci->model.lock);
	return uvf_copy_out(caller, arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int dispatch_locked(struct uvf_pci *pci, const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock)
{
	uint32_t action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	bool is_trigger = action == VFIO_IRQ_SET_ACTION_TRIGGER;

	switch (set->index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		if (action == VFIO_IRQ_SET_ACTION_MASK)
			return uvf_intx_set_mask_locked(pci, set);
		if (action == VFIO_IRQ_SET_ACTION_UNMASK)
			return uvf_intx_set_unmask_locked(pci, set);
		return is_trigger ? uvf_intx_set_trigger_locked(pci, set)
				  : -ENOTTY;
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return is_trigger ? uvf_vectors_set_trigger_locked(pci, set)
				  : -ENOTTY;
	default:
		return is_trigger ? uvf_err_req_set_trigger_locked(pci, set)
				  : -ENOTTY;
	}
}

/*
 * VFIO_DEVICE_SET_IRQS.
 *
 * Source: vfio_set_irqs_validate_and_prepare() and vfio_pci_intrs.c, Linux
 * 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz, index, flags; start or count beyond the index; no kind
 *            of data or more than one; argsz too small for the data
 *   -ENOMEM, -EFAULT  for the data
 *   -ENOTTY  no action, more than one, or one the index does not have
 *   or what the handler of the index says
 */
long pci_ioctl_set_irqs(struct uvf_device *device, struct uvf_caller *caller,
			unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct vfio_irq_set hdr;
	struct uvf_irq_set set;
	unsigned int max;
	size_t size;
	int ret;

	if (uvf_copy_in(caller, &hdr, arg, UVF_SET_IRQS_SIZE))
		return -EFAULT;
	uvf_lock(&pci->model.lock);
	max = uvf_irq_count_locked(pci, hdr.index);
	uvf_unlock(&pci->model.lock);
	ret = uvf_set_irqs_check(&hdr, max, VFIO_PCI_NUM_IRQS, &size);
	if (!ret)
		ret = uvf_set_irqs_begin(&set, caller, &hdr, arg, size);
	if (ret)
		return ret;
	uvf_lock(&pci->model.lock);
	uvf_eventwatch_flush(pci->intx.unmask);
	ret = dispatch_locked(pci, &set);
	uvf_unlock(&pci->model.lock);
	uvf_set_irqs_end(&set);
	return ret;
}
