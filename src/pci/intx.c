/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INTx: a level of the hardware, one signal for the client, and a mask that
 * stands between the two.
 *
 *                  line high: signal once
 *   active, open ------------------------> active, masked
 *        ^                                   |        |
 *        |     unmask, line low              |        | unmask, line high:
 *        +-----------------------------------+        +- signal, stays masked
 *
 * The mask is one flag for the automatic mask, the ioctl and DisINTx.  While
 * the virtual DisINTx is set nothing is signalled and unmasking does nothing.
 */
#include <errno.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "core/eventwatch.h"
#include "pci/hw.h"
#include "pci/irqs.h"

static bool is_active(const struct uvf_pci *pci)
{
	return pci->irq_type == UVF_PCI_IRQ_INTX;
}

static void signal_locked(struct uvf_pci *pci)
{
	if (is_active(pci) && !pci->intx.is_disabled)
		uvf_eventfd_signal(pci->intx.trigger);
}

/* The interrupt handler of the host. */
static void handle_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock)
{
	if (!is_active(pci) || !pci->intx.is_asserted || pci->intx.is_masked)
		return;
	uvf_hw_block_intx_locked(pci, true);
	pci->intx.is_masked = true;
	signal_locked(pci);
}

void uvf_intx_drive_locked(struct uvf_pci *pci, bool level)
{
	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->intx_pin || pci->intx.is_asserted == level)
		return;
	pci->intx.is_asserted = level;
	if (level)
		pci->hw[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		pci->hw[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	handle_locked(pci);
}

bool uvf_intx_mask_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (is_active(pci) && pci->intx.is_masked)
		return false;
	uvf_hw_block_intx_locked(pci, true);
	if (!is_active(pci))
		return false;
	pci->intx.is_masked = true;
	return true;
}

void uvf_intx_unmask_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (!is_active(pci)) {
		uvf_hw_block_intx_locked(pci, false);
		return;
	}
	if (!pci->intx.is_masked || pci->intx.is_disabled)
		return;
	if (pci->intx.is_asserted) {
		signal_locked(pci);
		return;
	}
	pci->intx.is_masked = false;
	uvf_hw_block_intx_locked(pci, false);
}

static void on_unmask_event(void *opaque)
{
	struct uvf_pci *pci = opaque;

	uvf_assert_held(&pci->model.lock);
	uvf_intx_unmask_locked(pci);
}

static void enable_locked(struct uvf_pci *pci, int trigger)
	UVF_REQUIRES(pci->model.lock)
{
	pci->irq_type = UVF_PCI_IRQ_INTX;
	pci->intx.trigger = trigger;
	pci->intx.is_masked = pci->intx.is_disabled;
	uvf_hw_block_intx_locked(pci, pci->intx.is_masked);
	handle_locked(pci);
}

void uvf_intx_disable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	uvf_eventwatch_destroy(pci->intx.unmask);
	pci->intx.unmask = NULL;
	uvf_eventfd_drop(&pci->intx.trigger);
	pci->irq_type = UVF_PCI_IRQ_NONE;
}

int uvf_intx_set_mask_locked(struct uvf_pci *pci, const struct uvf_irq_set *set)
{
	uvf_assert_held(&pci->model.lock);
	if (!is_active(pci) || set->start || set->count != 1)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (uvf_irq_set_is_on(set, 0))
		uvf_intx_mask_locked(pci);
	return 0;
}

static void detach_unmask_locked(struct uvf_pci *pci)
{
	uvf_eventwatch_destroy(pci->intx.unmask);
	pci->intx.unmask = NULL;
}

static int attach_unmask_locked(struct uvf_pci *pci, struct uvf_caller *caller,
				int fd) UVF_REQUIRES(pci->model.lock)
{
	bool is_signalled = false;
	int ret = uvf_eventwatch_attach(&pci->intx.unmask, caller, fd,
					&pci->model.lock, on_unmask_event, pci,
					&is_signalled);

	if (!ret && is_signalled)
		uvf_intx_unmask_locked(pci);
	return ret;
}

int uvf_intx_set_unmask_locked(struct uvf_pci *pci,
			       const struct uvf_irq_set *set)
{
	int fd;

	uvf_assert_held(&pci->model.lock);
	if (!is_active(pci) || set->start || set->count != 1)
		return -EINVAL;
	if (!(set->flags & VFIO_IRQ_SET_DATA_EVENTFD)) {
		if (uvf_irq_set_is_on(set, 0))
			uvf_intx_unmask_locked(pci);
		return 0;
	}
	fd = uvf_irq_set_fd(set, 0);
	if (fd >= 0)
		return attach_unmask_locked(pci, set->caller, fd);
	detach_unmask_locked(pci);
	return 0;
}

int uvf_intx_set_trigger_locked(struct uvf_pci *pci,
				const struct uvf_irq_set *set)
{
	int trigger = -1;
	int fd;

	uvf_assert_held(&pci->model.lock);
	if (is_active(pci) && !set->count &&
	    set->flags & VFIO_IRQ_SET_DATA_NONE) {
		uvf_intx_disable_locked(pci);
		return 0;
	}
	if ((!is_active(pci) && pci->irq_type != UVF_PCI_IRQ_NONE) ||
	    set->start || set->count != 1)
		return -EINVAL;

	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		fd = uvf_irq_set_fd(set, 0);
		if (fd >= 0) {
			trigger = uvf_eventfd_lookup(set->caller, fd);
			if (trigger < 0)
				return trigger;
		}
		if (is_active(pci)) {
			uvf_eventfd_drop(&pci->intx.trigger);
			pci->intx.trigger = trigger;
		} else {
			enable_locked(pci, trigger);
		}
		return 0;
	}

	if (!is_active(pci))
		return -EINVAL;
	if (uvf_irq_set_is_on(set, 0))
		signal_locked(pci);
	return 0;
}
