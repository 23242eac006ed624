/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Over the state of one part of a function, to save it or to load it.
 */
#ifndef UVF_PCI_MIGRATE_WALK_H
#define UVF_PCI_MIGRATE_WALK_H

#include "pci/migrate.h"

struct uvfio_state;

/**
 * uvf_migrate_walk_locked() - move the state of a part
 * @id:    of a part that the function has
 * @state: is_bad afterwards: a value cannot be
 */
void uvf_migrate_walk_locked(struct uvf_pci *pci, uint32_t id,
			     struct uvfio_state *state)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_MIGRATE_WALK_H */
