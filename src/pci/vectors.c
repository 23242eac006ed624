/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SET_IRQS for MSI and MSI-X: which eventfd each vector signals.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/profile.h"
#include "pci/hw.h"
#include "pci/irqs.h"

static bool is_msix(const struct uvf_pci *pci)
{
	return pci->irq_type == UVF_PCI_IRQ_MSIX;
}

void uvf_vector_signal_locked(struct uvf_pci *pci, unsigned int vector)
{
	uvf_assert_held(&pci->model.lock);
	if ((pci->irq_type == UVF_PCI_IRQ_MSI ||
	     pci->irq_type == UVF_PCI_IRQ_MSIX) &&
	    vector < pci->vector_count)
		uvf_eventfd_signal(pci->triggers[vector]);
}

/* How many of the messages the host gave are of vectors it may use now. */
static unsigned int message_count_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock)
{
	if (pci->irq_type == UVF_PCI_IRQ_MSIX)
		return pci->vector_count;
	if (pci->irq_type != UVF_PCI_IRQ_MSI)
		return 0;
	return uvf_msi_granted_locked(pci) < pci->vector_count
		       ? uvf_msi_granted_locked(pci)
		       : pci->vector_count;
}

int uvf_vectors_message(struct uvfio_dev *dev, uint64_t address, uint32_t data)
{
	struct uvf_pci *pci = uvf_pci_of_model(dev);
	uint32_t vector = data - UVF_MESSAGE_DATA;

	uvf_assert_held(&pci->model.lock);
	if (address != UVF_MESSAGE_ADDRESS || data < UVF_MESSAGE_DATA ||
	    vector >= message_count_locked(pci) || !pci->is_allocated[vector])
		return -EFAULT;
	return uvfio_vector_send(dev, vector) ? -EFAULT : 0;
}

static void free_vectors(struct uvf_pci *pci)
{
	uvf_free(pci->triggers);
	uvf_free(pci->is_allocated);
	pci->triggers = NULL;
	pci->is_allocated = NULL;
	pci->vector_count = 0;
}

/* The host masks a vector that has no interrupt handler. */
static void mask_locked(struct uvf_pci *pci, unsigned int vector, bool mask)
	UVF_REQUIRES(pci->model.lock)
{
	if (is_msix(pci))
		uvf_msix_mask_locked(pci, vector, mask);
	else
		uvf_msi_mask_locked(pci, vector, mask);
}

/* The old trigger goes first, and does not come back on failure. */
static int set_vector_locked(struct uvf_pci *pci, struct uvf_caller *caller,
			     unsigned int vector, int fd)
	UVF_REQUIRES(pci->model.lock)
{
	int trigger;

	if (pci->triggers[vector] >= 0) {
		mask_locked(pci, vector, true);
		uvf_eventfd_drop(&pci->triggers[vector]);
	}
	if (fd < 0)
		return 0;
	if (!pci->is_allocated[vector]) {
		if (!is_msix(pci) || !pci->profile->msix_is_dynamic)
			return -EINVAL;
		pci->is_allocated[vector] = true;
	}
	trigger = uvf_eventfd_lookup(caller, fd);
	if (trigger < 0)
		return trigger;
	pci->triggers[vector] = trigger;
	mask_locked(pci, vector, false);
	return 0;
}

/* On failure the vectors up to the one that failed are left empty. */
static int set_block_locked(struct uvf_pci *pci, const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < set->count && !ret; i++)
		ret = set_vector_locked(pci, set->caller, set->start + i,
					uvf_irq_set_fd(set, i));
	if (!ret)
		return 0;
	while (i--)
		set_vector_locked(pci, set->caller, set->start + i, -1);
	return ret;
}

static int enable_locked(struct uvf_pci *pci, uint32_t index,
			 unsigned int count) UVF_REQUIRES(pci->model.lock)
{
	unsigned int max = uvf_irq_count_locked(pci, index);

	if (count < 1 && index == VFIO_PCI_MSIX_IRQ_INDEX)
		return -ERANGE;
	if (pci->power || pci->user.no_msi)
		return -EINVAL;
	if (count < 1)
		return -ERANGE;
	pci->triggers = uvf_calloc(max, sizeof(*pci->triggers));
	pci->is_allocated = uvf_calloc(max, sizeof(*pci->is_allocated));
	if (!pci->triggers || !pci->is_allocated) {
		free_vectors(pci);
		return -ENOMEM;
	}
	pci->vector_count = max;
	for (unsigned int i = 0; i < max; i++) {
		pci->triggers[i] = -1;
		pci->is_allocated[i] = i < count;
	}
	pci->irq_type = (enum uvf_pci_irq_type)index;
	uvf_hw_block_intx_locked(pci, true);
	if (is_msix(pci))
		uvf_msix_enable_locked(pci);
	else
		uvf_msi_enable_locked(pci, count);
	return 0;
}

void uvf_vectors_disable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	for (unsigned int i = 0; i < pci->vector_count; i++)
		set_vector_locked(pci, NULL, i, -1);
	if (is_msix(pci))
		uvf_msix_disable_locked(pci);
	else
		uvf_msi_disable_locked(pci);
	uvf_hw_block_intx_locked(pci, false);
	pci->irq_type = UVF_PCI_IRQ_NONE;
	free_vectors(pci);
}

/* Whether a kernel with a fixed set of vectors refuses the whole range. */
static bool is_beyond(const struct uvf_pci *pci, const struct uvf_irq_set *set)
{
	unsigned int enabled = 0;

	if (pci->profile->loopback_skips_unknown)
		return false;
	while (enabled < pci->vector_count && pci->is_allocated[enabled])
		enabled++;
	return set->start + set->count > enabled ||
	       (set->flags & VFIO_IRQ_SET_DATA_EVENTFD &&
		set->start >= enabled);
}

int uvf_vectors_set_trigger_locked(struct uvf_pci *pci,
				   const struct uvf_irq_set *set)
{
	bool is_active = pci->irq_type == (enum uvf_pci_irq_type)set->index;
	int ret;

	uvf_assert_held(&pci->model.lock);
	if (is_active && !set->count && set->flags & VFIO_IRQ_SET_DATA_NONE) {
		uvf_vectors_disable_locked(pci);
		return 0;
	}
	if (!is_active && pci->irq_type != UVF_PCI_IRQ_NONE)
		return -EINVAL;

	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		ret = is_active ? 0
				: enable_locked(pci, set->index,
						set->start + set->count);
		if (ret)
			return ret;
		ret = is_beyond(pci, set) ? -EINVAL
					  : set_block_locked(pci, set);
		if (ret && !is_active)
			uvf_vectors_disable_locked(pci);
		return ret;
	}

	if (!is_active || is_beyond(pci, set))
		return -EINVAL;
	for (unsigned int i = 0; i < set->count; i++)
		if (uvf_irq_set_is_on(set, i))
			uvf_eventfd_signal(pci->triggers[set->start + i]);
	return 0;
}
