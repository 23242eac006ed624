/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The UUID that users of a PF and of its VFs share, so that each knows the
 * other is a friend.
 */
#ifndef UVF_PCI_VF_TOKEN_H
#define UVF_PCI_VF_TOKEN_H

#include "mem/caller.h"
#include "pci/pci.h"

/* Whether vfio-pci knows of VFs. */
bool uvf_vf_token_is_known(const struct uvf_pci *pci);

/*
 * vfio-pci has the function: a PF gets a token that nobody knows, a VF that
 * its driver made that of its PF.
 */
void uvf_vf_token_init(struct uvf_pci *pci);

/* The first user of a VF, and the last; nothing for any other function. */
void uvf_vf_token_use(struct uvf_pci *pci);
void uvf_vf_token_unuse(struct uvf_pci *pci);

/**
 * uvf_vf_token_check() - whether a user may have the function
 * @uuid: UVF_VF_TOKEN_SIZE bytes, or NULL: none was given
 * A PF whose VFs nobody uses takes it as its token.
 * Return: 0, or
 *   -EACCES  a VF, or a PF whose VFs are used: missing or wrong
 *   -EINVAL  given where it means nothing
 */
int uvf_vf_token_check(struct uvf_pci *pci, const uint8_t *uuid);

/**
 * uvf_vf_token_match() - whether a name of GET_DEVICE_FD is the function's
 * @name: "0000:00:03.0", and perhaps " vf_token=UUID"
 * Return: 1 yes, 0 no, -EINVAL options that are wrong, or what
 * uvf_vf_token_check() says.
 */
int uvf_vf_token_match(struct uvf_pci *pci, const char *name);

/**
 * uvf_vf_token_feature() - VFIO_DEVICE_FEATURE_PCI_VF_TOKEN
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY  no PF
 *   -EINVAL  GET; neither SET nor PROBE; too little data
 *   -EFAULT  the UUID cannot be read
 */
int uvf_vf_token_feature(struct uvf_pci *pci, struct uvf_caller *caller,
			 uint32_t flags, uint64_t data, size_t data_size);

#endif /* UVF_PCI_VF_TOKEN_H */
