/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ERR and REQ: one eventfd each, outside of the interrupt types.
 */
#include <errno.h>

#include "base/profile.h"
#include "pci/irqs.h"

static int set_fd_locked(struct uvf_pci *pci, const struct uvf_irq_set *set,
			 int *trigger)
{
	int fd = uvf_irq_set_fd(set, 0);
	int efd = -1;

	if (fd < -1)
		return pci->profile->irq_negative_fd_is_error ? -EINVAL : 0;
	if (fd >= 0) {
		efd = uvf_eventfd_lookup(set->caller, fd);
		if (efd < 0)
			return efd;
	}
	uvf_eventfd_drop(trigger);
	*trigger = efd;
	return 0;
}

int uvf_err_req_set_trigger_locked(struct uvf_pci *pci,
				   const struct uvf_irq_set *set)
{
	int *trigger = set->index == VFIO_PCI_ERR_IRQ_INDEX ? &pci->err_trigger
							    : &pci->req_trigger;

	uvf_assert_held(&pci->model.lock);
	if (set->start || set->count > 1)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_NONE) {
		if (*trigger < 0)
			return -EINVAL;
		if (set->count)
			uvf_eventfd_signal(*trigger);
		else
			uvf_eventfd_drop(trigger);
		return 0;
	}
	if (!set->count)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_fd_locked(pci, set, trigger);
	if (uvf_irq_set_is_on(set, 0))
		uvf_eventfd_signal(*trigger);
	return 0;
}
