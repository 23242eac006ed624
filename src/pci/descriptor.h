/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a model's descriptor describes a function that can exist.
 */
#ifndef UVF_PCI_DESCRIPTOR_H
#define UVF_PCI_DESCRIPTOR_H

#include <uvfio/pci.h>

/**
 * uvf_descriptor_check() - refuse what config space or BARs cannot hold
 * Return: 0, or -EINVAL and a line in @err.
 */
int uvf_descriptor_check(const struct uvfio_pci_model *desc,
			 struct uvfio_error *err);

/* Bytes of its config space. */
unsigned int uvf_descriptor_config_size(const struct uvfio_pci_model *desc);

#endif /* UVF_PCI_DESCRIPTOR_H */
