/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/vfio.h"

#include "base/bug.h"
#include "bus/machine.h"

#define REQUEST_NS 10000000000ull /* VFIO's, of drivers/vfio/vfio_main.c */

void uvf_vfio_init(struct uvf_vfio *vfio, struct uvf_machine *machine,
		   const struct uvf_iommu_host *host)
{
	vfio->machine = machine;
	vfio->host = *host;
	if (machine->profile->has_noiommu)
		vfio->host.noiommu =
			&machine->params.enable_unsafe_noiommu_mode;
	vfio->host.allow_unsafe_interrupts =
		&machine->params.allow_unsafe_interrupts;
	vfio->host.disable_hugepages = &machine->params.disable_hugepages;
	vfio->host.dma_entry_limit = &machine->params.dma_entry_limit;
	vfio->backends = uvf_iommu_backends_of(host);
	vfio->request_ns = REQUEST_NS;
	vfio->has_device_class = machine->profile->has_device_class;
	vfio->v02 = NULL;
	uvf_mutex_init(&vfio->lock);
	uvf_list_init(&vfio->groups);
	uvf_list_init(&vfio->sets);
	uvf_list_init(&vfio->devices);
	uvf_mutex_init(&vfio->added_lock);
	uvf_list_init(&vfio->added);
	uvf_list_init(&vfio->miscs);
}

void uvf_vfio_add_misc(struct uvf_vfio *vfio, struct uvf_misc *misc)
{
	uvf_list_append(&vfio->miscs, &misc->node);
}

void uvf_vfio_fini(struct uvf_vfio *vfio)
{
	UVF_BUG_ON(!uvf_list_is_empty(&vfio->groups));
	UVF_BUG_ON(!uvf_list_is_empty(&vfio->devices));
	UVF_BUG_ON(!uvf_list_is_empty(&vfio->sets));
	UVF_BUG_ON(!uvf_list_is_empty(&vfio->added));
	uvf_mutex_fini(&vfio->added_lock);
	uvf_mutex_fini(&vfio->lock);
}
