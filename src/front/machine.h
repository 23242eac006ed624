/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine put together: buses, devices, device thread and VFIO, for any
 * front.
 */
#ifndef UVF_FRONT_MACHINE_H
#define UVF_FRONT_MACHINE_H

#include <uvfio/machine.h>

#include "base/profile.h"
#include "bus/machine.h"
#include "core/vfio.h"

struct uvf_inproc;
struct uvf_worker;

struct uvfio_machine {
	struct uvf_profile profile;
	struct uvf_machine bus;
	struct uvf_vfio vfio;
	struct uvf_worker *worker;
	struct uvf_inproc *inproc; /* descriptors of front/inproc */
};

#endif /* UVF_FRONT_MACHINE_H */
