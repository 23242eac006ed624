/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/migrate_walk.h"

#include <uvfio/migration.h>

#include "pci/irqs.h"

/* What the bus has of it now, or was given and has not used yet. */
static void look_at_bus_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock)
{
	struct uvf_migrate *migrate = pci->migrate;

	if (migrate->has_loaded_bus)
		return;
	migrate->intx_level = pci->intx.is_asserted;
	migrate->msi_pending = uvf_msi_pending_locked(pci);
	for (unsigned int i = 0; i < (pci->msix.count + 63) / 64; i++)
		migrate->msix_pending[i] = pci->msix.pending[i];
}

/* A stopped device has the time that is left of its timers. */
static void walk_bus_locked(struct uvf_pci *pci, struct uvfio_state *state)
	UVF_REQUIRES(pci->model.lock)
{
	struct uvf_migrate *migrate = pci->migrate;
	uint32_t vectors = pci->msix.count;

	if (!state->is_loading)
		look_at_bus_locked(pci);
	uvfio_state_bool(state, &migrate->intx_level);
	uvfio_state_u32(state, &migrate->msi_pending);
	for (unsigned int i = 0; i < UVFIO_TIMER_MAX; i++)
		uvfio_state_u64(state, &pci->model.deadlines[i]);
	uvfio_state_u32(state, &vectors);
	uvfio_state_want(state, vectors == pci->msix.count);
	for (unsigned int i = 0; i < (pci->msix.count + 63) / 64; i++) {
		unsigned int left = pci->msix.count - 64 * i;

		uvfio_state_u64(state, &migrate->msix_pending[i]);
		if (left < 64)
			uvfio_state_want(state,
					 !(migrate->msix_pending[i] >> left));
	}
	if (state->is_loading)
		migrate->has_loaded_bus = true;
}

/* Clients may store to it while it is copied. */
static void walk_memory(struct uvf_pci *pci, uint32_t id,
			struct uvfio_state *state)
{
	struct uvf_pci_bar *bar = &pci->bars[(id - UVF_MIGRATE_MEMORY) / 0x100];
	const struct uvfio_span *span = &bar->desc->spans[id % 0x100];

	uvfio_state_bytes(state, bar->mem + span->offset, span->size);
}

void uvf_migrate_walk_locked(struct uvf_pci *pci, uint32_t id,
			     struct uvfio_state *state)
{
	uvf_assert_held(&pci->model.lock);
	if (id == UVF_MIGRATE_BUS)
		walk_bus_locked(pci, state);
	else if (id >= UVF_MIGRATE_MEMORY)
		walk_memory(pci, id, state);
	else
		pci->migrate->ops->piece(&pci->model, id, state);
}
