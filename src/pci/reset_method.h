/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways to reset a function, as the file reset_method lists them: which
 * it has, and which a user chose.
 */
#ifndef UVF_PCI_RESET_METHOD_H
#define UVF_PCI_RESET_METHOD_H

#include "pci/pci.h"

/*
 * All that are possible now, in the order in which they are tried.  While a
 * function comes into being, nobody else has its lock.
 */
void uvf_reset_methods_init(struct uvf_pci *pci);

/* The name of a number in uvf_pci_user::reset_methods. */
const char *uvf_reset_method_name(unsigned int method);

/**
 * uvf_reset_methods_parse() - what a user wrote
 * @text: names with blanks between, is changed; each may come more than once
 * Return: 0, or -EINVAL one is unknown, impossible now, or one too many.
 */
int uvf_reset_methods_parse(const struct uvf_pci *pci, char *text,
			    uint8_t ret_methods[UVF_PCI_RESET_METHODS]);

/**
 * uvf_reset_by_methods_locked() - reset a function, and restore it
 * @why: UVFIO_RESET_FLR: the model is told of the method
 * Context: the function's lock of the driver core is held, too.
 * Return: 0, or -ENOTTY no method is possible.
 */
int uvf_reset_by_methods_locked(struct uvf_pci *pci, enum uvfio_reset_kind why)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_RESET_METHOD_H */
