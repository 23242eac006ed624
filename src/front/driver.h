/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devices that drivers of this process have allocated (uvfio/driver.h).
 */
#ifndef UVF_FRONT_DRIVER_H
#define UVF_FRONT_DRIVER_H

#include "base/list.h"
#include "base/lock.h"
#include "bus/bus.h"

/* Of a machine. */
struct uvf_drivers {
	struct uvf_bus nowhere;  /* fixed; of devices without a bus */
	struct uvf_mutex lock;   /* a leaf; protects what follows */
	struct uvf_list devices; /* struct uvfio_vfio_device */
};

void uvf_drivers_init(struct uvf_drivers *drivers, struct uvf_machine *machine);

/* All of them were put. */
void uvf_drivers_fini(struct uvf_drivers *drivers);

#endif /* UVF_FRONT_DRIVER_H */
