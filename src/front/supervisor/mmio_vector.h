/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vector registers of a client's thread, in its signal frame.
 */
#ifndef UVF_FRONT_SUPERVISOR_MMIO_VECTOR_H
#define UVF_FRONT_SUPERVISOR_MMIO_VECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * @fpstate is where the frame's XSAVE area begins, see struct _fpstate in
 * asm/sigcontext.h.  All return false when the frame cannot be read or
 * written, or has no room for the register.
 */
bool uvf_mmio_vector_get(pid_t tid, uint64_t fpstate, unsigned int reg,
			 uint8_t value[64]);
bool uvf_mmio_vector_set(pid_t tid, uint64_t fpstate, unsigned int reg,
			 const uint8_t value[64]);
bool uvf_mmio_mask_get(pid_t tid, uint64_t fpstate, unsigned int reg,
		       uint64_t *ret_value);

#endif /* UVF_FRONT_SUPERVISOR_MMIO_VECTOR_H */
