/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uvfio/mdev.h>
#include <uvfio/platform.h>

#include "base/alloc.h"
#include "bus/options.h"
#include "core/worker.h"
#include "front/inproc/inproc.h"
#include "front/mdev.h"
#include "front/models.h"
#include "pci/device.h"
#include "platform/device.h"
#include "v02/v02.h"

static void list_name(char *text, size_t size, const char *name)
{
	size_t used = strlen(text);

	(void)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
		       name);
}

static void list_models(char *text, size_t size)
{
	const struct uvfio_mdev_driver *driver;
	const struct uvfio_platform_model *platform;
	const struct uvfio_pci_model *model;

	text[0] = '\0';
	for (unsigned int i = 0; (model = uvfio_model_at(i)); i++)
		list_name(text, size, model->name);
	for (unsigned int i = 0; (platform = uvfio_platform_model_at(i)); i++)
		list_name(text, size, platform->name);
	for (unsigned int i = 0; (driver = uvfio_mdev_driver_at(i)); i++)
		list_name(text, size, driver->name);
}

/* *ret_device is a device that waits for its driver, or NULL. */
static int add_device(struct uvfio_machine *machine, const char *spec,
		      struct uvf_bus_device **ret_device,
		      struct uvfio_error *err)
{
	const struct uvfio_platform_model *platform;
	const struct uvfio_mdev_driver *driver;
	const struct uvfio_pci_model *model;
	struct uvf_options *options;
	char known[128];
	int ret = uvf_options_parse(&options, spec, err);

	if (ret)
		return ret;
	*ret_device = NULL;
	driver = uvf_mdev_driver_find(options->model);
	platform = uvf_platform_model_find(options->model);
	ret = uvf_model_get(options->model, &model, err);
	if (ret) {
		uvf_options_put(options);
		return ret;
	}
	if (model) {
		ret = uvf_pci_create(&machine->bus, machine->worker, model,
				     options, ret_device, err);
	} else if (platform) {
		ret = uvf_platform_create(&machine->bus, &machine->vfio,
					  machine->worker, platform, options,
					  ret_device, err);
	} else if (driver) {
		ret = uvf_mdev_plug(machine, driver, options, err);
	} else {
		list_models(known, sizeof(known));
		uvfio_error_set(err, "no device model '%s'; there are: %s",
				options->model, known);
		ret = -EINVAL;
	}
	uvf_options_put(options);
	return ret;
}

static int fill(struct uvfio_machine *machine,
		const struct uvfio_machine_params *params,
		struct uvfio_error *err)
{
	struct uvf_bus_device *device;
	int ret = 0;

	for (size_t i = 0; params->devices && params->devices[i] && !ret; i++) {
		ret = add_device(machine, params->devices[i], &device, err);
		if (!ret)
			uvf_bus_device_put(device);
	}
	if (ret)
		return ret;
	ret = uvf_pci_bind(&machine->bus);
	if (!ret)
		ret = uvf_platform_bind(&machine->bus);
	if (ret)
		uvfio_error_set(err, "cannot bind the devices: %s",
				strerror(-ret));
	return ret;
}

/* As where the module finds no processor that it can use. */
static int open_no_kvm(struct uvf_misc *misc, struct uvf_file **ret_file)
{
	(void)misc;
	(void)ret_file;
	return -ENODEV;
}

static void add_kvm(struct uvfio_machine *machine)
{
	switch (machine->host.kvm_mode) {
	case UVF_KVM_AUTO:
	case UVF_KVM_STUB:
		uvf_kvm_stub_init(&machine->kvm_stub, &machine->host.kvm);
		uvf_vfio_add_misc(&machine->vfio, &machine->kvm_stub.misc);
		break;
	case UVF_KVM_NONE:
		machine->kvm_none = (struct uvf_misc){
			.path = "kvm",
			.mode = 0666,
			.open = open_no_kvm,
		};
		uvf_vfio_add_misc(&machine->vfio, &machine->kvm_none);
		break;
	default:
		break;
	}
}

int uvf_machine_use_host_kvm(struct uvfio_machine *machine,
			     struct uvfio_error *err)
{
	enum uvf_kvm_mode mode = machine->host.kvm_mode;
	int fd;

	if (mode != UVF_KVM_AUTO && mode != UVF_KVM_REAL)
		return 0;
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0 && mode == UVF_KVM_REAL) {
		int ret = -errno;

		uvfio_error_set(err, "--host: kvm=real: /dev/kvm: %s",
				strerror(errno));
		return ret;
	}
	if (fd < 0)
		return 0;
	close(fd);
	if (mode == UVF_KVM_AUTO)
		uvf_list_remove(&machine->kvm_stub.misc.node);
	machine->host.kvm_mode = UVF_KVM_REAL;
	return 0;
}

/* Which of the two families of objects clients and drivers meet. */
static int choose_personality(struct uvfio_machine *machine)
{
	const struct uvf_host *host = &machine->host;
	const struct uvf_v02_host v02 = {
		.aperture_bits = host->iommu.aperture_bits,
		.is_coherent = host->iommu.enforces_coherency,
		.remaps_interrupts = host->remaps_interrupts,
		.allows_unsafe_interrupts = host->allows_unsafe_interrupts,
	};

	if (!machine->profile.is_v02)
		return 0;
	return uvf_v02_create(&machine->vfio.v02, &v02);
}

int uvfio_machine_plug(struct uvfio_machine *machine, const char *spec,
		       struct uvfio_error *err)
{
	struct uvf_bus_device *device;
	int ret;

	uvf_lock(&machine->bus.rescan_lock);
	ret = add_device(machine, spec, &device, err);
	uvf_unlock(&machine->bus.rescan_lock);
	if (ret || !device)
		return ret;
	ret = uvf_platform_is(device) ? uvf_platform_bind_by_key(device)
				      : uvf_pci_bind_by_key(device);
	if (ret)
		uvfio_error_set(err, "cannot bind %s: %s", device->name,
				strerror(-ret));
	uvf_bus_device_put(device);
	return ret;
}

int uvfio_machine_unplug(struct uvfio_machine *machine, const char *name)
{
	struct uvf_bus_device *device = uvf_machine_find(&machine->bus, name);

	if (!device)
		return -ENODEV;
	uvf_machine_unplug(device, NULL);
	uvf_bus_device_put(device);
	return 0;
}

void uvfio_machine_rescan(struct uvfio_machine *machine)
{
	uvf_machine_rescan(&machine->bus);
}

int uvfio_machine_create(struct uvfio_machine **ret_machine,
			 const struct uvfio_machine_params *params,
			 struct uvfio_error *err)
{
	struct uvfio_machine *machine = uvf_zalloc(sizeof(*machine));
	int ret;

	if (!machine)
		return -ENOMEM;
	ret = uvf_profile_parse(&machine->profile, params->abi, err);
	if (!ret)
		ret = uvf_host_parse(&machine->host, &machine->profile,
				     params->host, err);
	if (machine->host.refuses_violation)
		machine->profile.host_bind_breaks_isolation = false;
	if (!ret)
		ret = uvf_worker_create(&machine->worker, params->may_spin);
	if (ret) {
		uvf_free(machine);
		return ret;
	}
	uvf_drivers_init(&machine->drivers, &machine->bus);
	uvf_machine_init(&machine->bus, &machine->profile);
	machine->bus.has_iommu = machine->host.has_iommu;
	if (machine->host.has_iommu && !machine->host.iommu.spapr)
		machine->bus.msi_window = machine->host.iommu.msi_window;
	atomic_store(&machine->bus.params.enable_unsafe_noiommu_mode,
		     machine->host.starts_noiommu);
	atomic_store(&machine->bus.params.reset_required,
		     machine->host.requires_reset);
	atomic_store(&machine->bus.params.allow_unsafe_interrupts,
		     machine->host.allows_unsafe_interrupts);
	uvf_vfio_init(&machine->vfio, &machine->bus, &machine->host.iommu);
	add_kvm(machine);
	uvf_iommufd_node_add(&machine->iommufd, &machine->vfio,
			     machine->profile.has_cdev &&
				     machine->host.has_cdev &&
				     !machine->host.iommu.spapr);
	ret = choose_personality(machine);
	if (!ret)
		ret = uvf_inproc_create(&machine->inproc);
	if (!ret)
		ret = uvf_pci_init(&machine->bus, &machine->vfio);
	if (!ret)
		ret = fill(machine, params, err);
	if (ret) {
		uvfio_machine_destroy(machine);
		return ret;
	}
	*ret_machine = machine;
	return 0;
}

void uvfio_machine_destroy(struct uvfio_machine *machine)
{
	if (!machine)
		return;
	uvf_inproc_destroy(machine->inproc);
	uvf_machine_fini(&machine->bus);
	uvf_v02_destroy(machine->vfio.v02);
	uvf_vfio_fini(&machine->vfio);
	uvf_drivers_fini(&machine->drivers);
	uvf_worker_destroy(machine->worker);
	uvf_free(machine);
}
