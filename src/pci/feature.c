/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_FEATURE of vfio-pci: low power, and the token of VFs.
 *
 * While it is engaged the function rests in D3 between two uses of the file:
 * mappings fault and INTx is masked.  With a wakeup eventfd the first use
 * ends it and signals.
 */
#include <errno.h>

#include "core/feature.h"
#include "pci/bar.h"
#include "pci/handlers.h"
#include "pci/irqs.h"
#include "pci/reset.h"
#include "pci/vf_token.h"

/* In <linux/vfio.h> since 6.1. */
#define LOW_POWER_ENTRY             3
#define LOW_POWER_ENTRY_WITH_WAKEUP 4
#define LOW_POWER_EXIT              5

struct wakeup_entry {
	int32_t eventfd;
	uint32_t reserved;
};

void uvf_low_power_exit_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (!pci->is_low_power)
		return;
	pci->is_low_power = false;
	uvf_eventfd_drop(&pci->wakeup);
	uvf_barmem_show_locked(pci);
}

void uvf_low_power_resume(struct uvf_pci *pci)
{
	if (!pci->is_low_power)
		return;
	uvf_lock(&pci->model.lock);
	uvf_reset_set_power_locked(pci, 0);
	if (pci->is_low_power && pci->wakeup >= 0) {
		uvf_eventfd_signal(pci->wakeup);
		uvf_low_power_exit_locked(pci);
	}
	if (pci->low_power_masked_intx)
		uvf_intx_unmask_locked(pci);
	pci->low_power_masked_intx = false;
	uvf_unlock(&pci->model.lock);
}

void uvf_low_power_suspend(struct uvf_pci *pci)
{
	if (!pci->is_low_power)
		return;
	uvf_lock(&pci->model.lock);
	if (pci->is_low_power) {
		uvf_reset_set_power_locked(pci, 0);
		pci->low_power_masked_intx =
			pci->irq_type == UVF_PCI_IRQ_INTX &&
			uvf_intx_mask_locked(pci);
		uvf_reset_set_power_locked(pci, 3);
	}
	uvf_unlock(&pci->model.lock);
}

/* Takes over @wakeup on success. */
static int enter(struct uvf_pci *pci, int wakeup)
{
	int ret = 0;

	uvf_lock(&pci->model.lock);
	uvf_barmem_hide_locked(pci);
	if (pci->is_low_power) {
		ret = -EINVAL;
	} else {
		pci->is_low_power = true;
		pci->wakeup = wakeup;
	}
	uvf_unlock(&pci->model.lock);
	return ret;
}

static int enter_with_wakeup(struct uvf_pci *pci, struct uvf_caller *caller,
			     uint64_t data)
{
	struct wakeup_entry entry;
	int wakeup, ret;

	if (uvf_copy_in(caller, &entry, data, sizeof(entry)))
		return -EFAULT;
	if (entry.eventfd < 0)
		return -EINVAL;
	wakeup = uvf_eventfd_lookup(caller, entry.eventfd);
	if (wakeup < 0)
		return wakeup;
	ret = enter(pci, wakeup);
	if (ret)
		uvf_eventfd_drop(&wakeup);
	return ret;
}

/*
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY  the feature is none of ours
 *   for the token of VFs what uvf_vf_token_feature() says
 *   -EINVAL  GET; neither SET nor PROBE; too little data
 *   -EFAULT, -EINVAL, -EBADF  the wakeup eventfd
 *   -EINVAL  low power is engaged already
 */
long pci_ioctl_feature(struct uvf_device *device, struct uvf_caller *caller,
		       uint32_t flags, uint64_t data, size_t data_size)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	uint32_t feature = flags & VFIO_DEVICE_FEATURE_MASK;
	size_t min = 0;
	int ret;

	if (feature == VFIO_DEVICE_FEATURE_PCI_VF_TOKEN)
		return uvf_vf_token_feature(pci, caller, flags, data,
					    data_size);
	if (feature < LOW_POWER_ENTRY || feature > LOW_POWER_EXIT)
		return -ENOTTY;
	if (feature == LOW_POWER_ENTRY_WITH_WAKEUP)
		min = sizeof(struct wakeup_entry);
	ret = uvf_feature_check(flags, VFIO_DEVICE_FEATURE_SET, data_size, min);
	if (ret == 1 && feature == LOW_POWER_EXIT) {
		uvf_lock(&pci->model.lock);
		uvf_low_power_exit_locked(pci);
		uvf_unlock(&pci->model.lock);
		ret = 0;
	} else if (ret == 1 && feature == LOW_POWER_ENTRY) {
		ret = enter(pci, -1);
	} else if (ret == 1) {
		ret = enter_with_wakeup(pci, caller, data);
	}
	return ret;
}
