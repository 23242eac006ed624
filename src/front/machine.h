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
#include "core/iommufd.h"
#include "core/vfio.h"
#include "front/driver.h"
#include "front/host.h"
#include "kvm/stub.h"

struct uvf_inproc;
struct uvf_worker;

struct uvfio_machine {
	struct uvf_profile profile;
	struct uvf_machine bus;
	struct uvf_vfio vfio;
	struct uvf_host host;
	struct uvf_iommufd_node iommufd;
	struct uvf_kvm_stub kvm_stub; /* unless the host's is used */
	struct uvf_misc kvm_none;     /* a /dev/kvm without KVM */
	struct uvf_worker *worker;
	struct uvf_inproc *inproc; /* descriptors of front/inproc */
	struct uvf_drivers drivers;
};

/**
 * uvf_machine_use_host_kvm() - leave /dev/kvm to the host where it has one
 * For a front that shows the host's files.  Before the machine is in use.
 * Return: 0, or what open(2) of /dev/kvm says when kvm=real.
 */
int uvf_machine_use_host_kvm(struct uvfio_machine *machine,
			     struct uvfio_error *err);

#endif /* UVF_FRONT_MACHINE_H */
