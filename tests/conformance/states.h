/* SPDX-License-Identifier: BSD-3-Clause */
/* The states in which a group can be asked something. */
#ifndef CONFORMANCE_STATES_H
#define CONFORMANCE_STATES_H

#include "lib.h"

const char *state_label(long i);
struct session state_enter(long i); /* of device 0's group, without changing
				     * what the machine is */
struct session state_enter_by(const char *label);
const char *orphan_label(long i);
struct session orphan_enter(long i); /* its device has been unbound since */

#endif /* CONFORMANCE_STATES_H */
