/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/mdev.h"

#include <errno.h>
#include <string.h>

#include <uvfio/mdev.h>

#include "base/parse.h"
#include "base/profile.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "front/machine.h"
#include "mdev/mdev.h"

/* Made from the list of folders in src/devices/meson.build. */
extern const struct uvfio_mdev_driver *const uvfio_mdev_drivers[];

const struct uvfio_mdev_driver *uvfio_mdev_driver_at(unsigned int index)
{
	for (unsigned int i = 0; i < index; i++)
		if (!uvfio_mdev_drivers[i])
			return NULL;
	return uvfio_mdev_drivers[index];
}

const struct uvfio_mdev_driver *uvf_mdev_driver_find(const char *name)
{
	const struct uvfio_mdev_driver *driver;

	for (unsigned int i = 0; (driver = uvfio_mdev_driver_at(i)); i++)
		if (!strcmp(driver->name, name))
			return driver;
	return NULL;
}

struct uvfio_machine *uvfio_mdev_machine(const struct uvfio_mdev *mdev)
{
	return uvf_container_of(mdev->bus.bus->machine, struct uvfio_machine,
				bus);
}

int uvfio_mdev_register_parent(struct uvfio_machine *machine,
			       const struct uvfio_mdev_driver *driver,
			       struct uvfio_mdev_parent **ret_parent,
			       struct uvfio_error *err)
{
	int ret;

	if (!machine->profile.has_mdev) {
		uvfio_error_set(err, "there are no mediated devices in %s",
				machine->profile.name);
		return -EINVAL;
	}
	ret = uvf_mdev_parent_create(&machine->bus, driver, ret_parent);
	if (ret)
		uvfio_error_set(err, "cannot register %s: %s", driver->name,
				strerror(-ret));
	return ret;
}

void uvfio_mdev_unregister_parent(struct uvfio_mdev_parent *parent)
{
	if (!parent)
		return;
	uvf_machine_unplug(&parent->bus, NULL);
	uvf_bus_device_put(&parent->bus);
}

static int check_keys(const struct uvf_options *options,
		      struct uvfio_error *err)
{
	for (size_t i = 0; i < options->count; i++) {
		const char *key = options->items[i].key;

		if (!strcmp(key, "uuid") || !strcmp(key, "type"))
			continue;
		uvfio_error_set(err, "%s: no key '%s'; there are: uuid, type",
				options->model, key);
		return -EINVAL;
	}
	if (uvf_options_find(options, "type") &&
	    !uvf_options_find(options, "uuid")) {
		uvfio_error_set(err,
				"%s: type= is of a device, which uuid= "
				"names",
				options->model);
		return -EINVAL;
	}
	return 0;
}

/* The type of an option, or the first; NULL: there is no such. */
static struct uvf_mdev_type *find_type(struct uvfio_mdev_parent *parent,
				       const char *name)
{
	for (size_t i = 0; i < parent->type_count; i++)
		if (!name || !strcmp(parent->types[i].name, name))
			return &parent->types[i];
	return NULL;
}

static int create(struct uvfio_mdev_parent *parent,
		  const struct uvf_options *options, struct uvfio_error *err)
{
	const char *uuid = uvf_options_find(options, "uuid");
	const char *name = uvf_options_find(options, "type");
	struct uvf_mdev_type *type = find_type(parent, name);
	int ret;

	if (!type) {
		uvfio_error_set(err, "%s: no type '%s'; the first is %s",
				options->model, name, parent->types[0].name);
		return -EINVAL;
	}
	/* A file would take one more character. */
	if (strlen(uuid) != UVF_UUID_LENGTH ||
	    !uvf_parse_is_uuid(uuid, UVF_UUID_LENGTH)) {
		uvfio_error_set(err, "%s: '%s' is no UUID", options->model,
				uuid);
		return -EINVAL;
	}
	ret = uvf_mdev_create(type, uuid, UVF_UUID_LENGTH);
	if (ret)
		uvfio_error_set(err, "%s: cannot create %s: %s", options->model,
				uuid, strerror(-ret));
	return ret;
}

/* The parent, with a reference, made when it is not there. */
static int obtain_parent(struct uvfio_machine *machine,
			 const struct uvfio_mdev_driver *driver, bool may_exist,
			 struct uvfio_mdev_parent **ret_parent,
			 struct uvfio_error *err)
{
	struct uvf_bus_device *device =
		uvf_machine_find(&machine->bus, driver->name);

	*ret_parent = device && may_exist ? uvf_mdev_parent_of(device) : NULL;
	if (*ret_parent)
		return 0;
	uvf_bus_device_put(device);
	return uvfio_mdev_register_parent(machine, driver, ret_parent, err);
}

int uvf_mdev_plug(struct uvfio_machine *machine,
		  const struct uvfio_mdev_driver *driver,
		  const struct uvf_options *options, struct uvfio_error *err)
{
	bool has_device = uvf_options_find(options, "uuid");
	struct uvfio_mdev_parent *parent;
	int ret = check_keys(options, err);

	if (!ret)
		ret = obtain_parent(machine, driver, has_device, &parent, err);
	if (ret)
		return ret;
	if (has_device)
		ret = create(parent, options, err);
	uvf_bus_device_put(&parent->bus);
	return ret;
}
