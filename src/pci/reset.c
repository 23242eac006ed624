/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/reset.h"

#include <errno.h>

#include <linux/pci_regs.h>

#include "pci/bar.h"
#include "pci/handlers.h"
#include "pci/hw.h"
#include "pci/irqs.h"
#include "pci/migrate.h"
#include "pci/reset_method.h"

void uvf_reset_function_locked(struct uvf_pci *pci, enum uvfio_reset_kind kind)
{
	struct uvf_pci_saved saved;

	uvf_assert_held(&pci->model.lock);
	uvf_migrate_reset_locked(pci);
	uvf_barmem_hide_locked(pci);
	uvf_hw_save_locked(pci, &saved);
	uvf_model_set_bus_master_locked(&pci->model, false);
	uvf_intx_drive_locked(pci, false);
	uvf_hw_reset_locked(pci);
	if (pci->model.ops->reset)
		pci->model.ops->reset(&pci->model, kind);
	uvf_msi_reset_locked(pci);
	uvf_msix_reset_locked(pci);
	uvf_hw_restore_locked(pci, &saved);
	uvf_barmem_show_locked(pci);
}

int uvf_reset_try_locked(struct uvf_pci *pci, enum uvfio_reset_kind why)
{
	int ret;

	uvf_assert_held(&pci->model.lock);
	if (!pci->user.reset_methods[0])
		return -ENOTTY;
	if (!uvf_trylock(&pci->bus.lock))
		return -EAGAIN;
	ret = uvf_reset_by_methods_locked(pci, why);
	uvf_unlock(&pci->bus.lock);
	return ret;
}

bool uvf_reset_by_power(const struct uvf_pci *pci)
{
	return pci->pm_offset &&
	       !(uvf_get16(pci->hw + pci->pm_offset + PCI_PM_CTRL) &
		 PCI_PM_CTRL_NO_SOFT_RESET);
}

/* PMC says which of D1 and D2 exist; from a deeper state only D0 is next. */
static bool may_enter(const struct uvf_pci *pci, unsigned int state)
{
	uint16_t pmc = uvf_get16(pci->hw + pci->pm_offset + PCI_PM_PMC);

	if (state && state < pci->power)
		return false;
	if (state == 1)
		return pmc & PCI_PM_CAP_D1;
	if (state == 2)
		return pmc & PCI_PM_CAP_D2;
	return true;
}

void uvf_reset_set_power_locked(struct uvf_pci *pci, unsigned int state)
{
	unsigned int old = pci->power;
	bool loses_state = uvf_reset_by_power(pci);

	uvf_assert_held(&pci->model.lock);
	if (!pci->pm_offset || state == old || !may_enter(pci, state))
		return;
	if (state == 3) {
		uvf_barmem_hide_locked(pci);
		uvf_hw_save_locked(pci, &pci->pm_saved);
	}
	pci->power = state;
	uvf_hw_change16_locked(pci, pci->pm_offset + PCI_PM_CTRL,
			       PCI_PM_CTRL_STATE_MASK, (uint16_t)state);
	uvf_hw_update_bus_master_locked(pci);
	if (old == 3 && loses_state) {
		uvf_reset_function_locked(pci, UVFIO_RESET_PM);
		uvf_hw_restore_locked(pci, &pci->pm_saved);
	}
	uvf_barmem_show_locked(pci);
}

/*
 * VFIO_DEVICE_RESET: the argument means nothing.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  it could not be reset when it was opened
 *   or what uvf_reset_try_locked() says
 */
long pci_ioctl_reset(struct uvf_device *device, struct uvf_caller *caller,
		     unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	int ret;

	(void)caller;
	(void)arg;
	if (!pci->has_reset)
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	uvf_barmem_hide_locked(pci);
	uvf_reset_set_power_locked(pci, 0);
	ret = uvf_reset_try_locked(pci, UVFIO_RESET_IOCTL);
	uvf_barmem_show_locked(pci);
	uvf_unlock(&pci->model.lock);
	return ret;
}
