/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/control_machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/task.h"
#include "bus/bus.h"
#include "bus/device.h"
#include "bus/driver.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/file.h"
#include "core/group.h"
#include "front/machine.h"
#include "pci/aer.h"
#include "pci/raise.h"
#include "v02/v02.h"

/* What a list is made of; any of them may be NULL when memory is short. */
struct listing {
	json_t *devices;
	json_t *groups;
	json_t *drivers;
};

/* The element whose key has this value, or NULL. */
static json_t *find(const json_t *array, const char *key, const json_t *value)
{
	json_t *element;
	size_t i;

	json_array_foreach(
		array, i, element) if (json_equal(json_object_get(element, key),
						  value)) return element;
	return NULL;
}

/* Appends to an array that an object has under a key. */
static int append_to(json_t *object, const char *key, json_t *value)
{
	return json_array_append_new(json_object_get(object, key), value);
}

static json_t *find_by_id(const json_t *groups, unsigned int id)
{
	json_t *value = json_integer((json_int_t)id);
	json_t *found = find(groups, "id", value);

	json_decref(value);
	return found;
}

static json_t *find_by_name(const json_t *array, const char *key,
			    const char *name)
{
	json_t *value = json_string(name);
	json_t *found = find(array, key, value);

	json_decref(value);
	return found;
}

static int list_group(struct listing *list, const struct uvf_iommu_group *group,
		      const char *address)
{
	json_t *object = find_by_id(list->groups, group->id);

	if (!object) {
		object = json_pack("{s:i, s:[], s:[]}", "id", (int)group->id,
				   "devices", "users");
		if (json_array_append_new(list->groups, object))
			return -ENOMEM;
	}
	return append_to(object, "devices", json_string(address));
}

static int list_device(struct listing *list, struct uvf_bus_device *device)
{
	struct uvf_iommu_group *group = uvf_bus_device_group(device);
	const struct uvf_driver *driver = uvf_bus_device_driver(device);
	json_t *object = json_pack("{s:s, s:n, s:s?, s:[]}", "address",
				   device->name, "group", "driver",
				   driver ? driver->name : NULL, "users");
	int ret = json_array_append_new(list->devices, object);

	if (!ret && group) {
		ret = json_object_set_new(object, "group",
					  json_integer((json_int_t)group->id));
		if (!ret)
			ret = list_group(list, group, device->name);
	}
	if (!ret && driver)
		(void)append_to(
			find_by_name(list->drivers, "name", driver->name),
			"devices", json_string(device->name));
	uvf_iommu_group_put(group);
	return ret ? -ENOMEM : 0;
}

/* All of them, those without a device as well. */
static int list_drivers(struct listing *list, struct uvf_machine *machine)
{
	struct uvf_list *bus, *node;
	int ret = 0;

	uvf_lock(&machine->lock);
	uvf_list_for_each (bus, &machine->buses) {
		uvf_list_for_each (
			node, &uvf_list_entry(bus, struct uvf_bus, machine_node)
				       ->drivers) {
			const struct uvf_driver *driver = uvf_list_entry(
				node, struct uvf_driver, bus_node);

			if (json_array_append_new(
				    list->drivers,
				    json_pack("{s:s, s:[]}", "name",
					      driver->name, "devices")))
				ret = -ENOMEM;
		}
	}
	uvf_unlock(&machine->lock);
	return ret;
}

static int list_devices(struct listing *list, struct uvf_machine *machine)
{
	size_t count;
	struct uvf_bus_device **devices =
		uvf_machine_devices(machine, NULL, &count);
	int ret = devices ? list_drivers(list, machine) : -ENOMEM;

	for (size_t i = 0; devices && i < count && !ret; i++)
		ret = list_device(list, devices[i]);
	if (devices)
		uvf_bus_devices_put(devices, count);
	return ret;
}

static void add_user(json_t *object, pid_t pid)
{
	char path[64];
	char comm[32] = "";
	json_t *user;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file && fgets(comm, sizeof(comm), file))
		comm[strcspn(comm, "\n")] = '\0';
	if (file)
		fclose(file);
	/* A name may be any bytes. */
	user = json_pack("{s:i, s:s}", "pid", (int)pid, "comm", comm);
	if (!user)
		user = json_pack("{s:i, s:s}", "pid", (int)pid, "comm", "?");
	if (!find(json_object_get(object, "users"), "pid",
		  json_object_get(user, "pid")))
		(void)append_to(object, "users", user);
	else
		json_decref(user);
}

/* A process that has groups of v0.2 open. */
struct v02_holder {
	struct listing *list;
	pid_t pid;
};

static void list_v02_group(void *arg, unsigned int id)
{
	const struct v02_holder *holder = arg;
	json_t *object = find_by_id(holder->list->groups, id);

	if (object)
		add_user(object, holder->pid);
}

static void list_holder(void *arg, pid_t pid, const struct uvf_file *file)
{
	struct listing *list = arg;
	struct v02_holder holder = {list, pid};
	struct uvf_device_file *df;
	struct uvf_device *device;
	const struct uvf_group *group;
	json_t *object = NULL;

	switch (file->kind) {
	case UVF_FILE_GROUP:
		group = file->object;
		object = find_by_id(list->groups, group->id);
		break;
	case UVF_FILE_DEVICE:
		df = file->object;
		device = uvf_device_file_enter(df);
		if (!device)
			break;
		object = find_by_name(list->devices, "address",
				      device->bus_device->name);
		uvf_device_file_leave(df);
		break;
	case UVF_FILE_V02_GROUP:
	case UVF_FILE_V02_IOMMU:
		uvf_v02_each_group(file, list_v02_group, &holder);
		break;
	case UVF_FILE_V02_DEVICE:
		object = find_by_name(list->devices, "address",
				      uvf_v02_device_name(file));
		break;
	default:
		break;
	}
	if (object)
		add_user(object, pid);
}

static int call_list(void *arg, struct uvf_control_call *call)
{
	struct uvf_control_machine *self = arg;
	struct listing list = {json_array(), json_array(), json_array()};
	int ret = list_devices(&list, &self->machine->bus);

	if (!ret)
		self->each_holder(self->front, list_holder, &list);
	/* Takes the references, on failure too. */
	call->result =
		json_pack("{s:o, s:o, s:o, s:o}", "devices", list.devices,
			  "groups", list.groups, "drivers", list.drivers,
			  "pending", uvf_control_pending(self->control));
	return call->result ? ret : -ENOMEM;
}

static const char *param(const struct uvf_control_call *call, const char *key)
{
	return json_string_value(json_object_get(call->params, key));
}

/* The device of a call, with a reference, or NULL and a message. */
static struct uvf_bus_device *find_device(struct uvf_control_machine *self,
					  struct uvf_control_call *call)
{
	const char *address = param(call, "address");
	struct uvf_bus_device *device =
		uvf_machine_find(&self->machine->bus, address);

	if (!device)
		uvfio_error_set(&call->err, "there is no device '%s'", address);
	return device;
}

static int call_unplug(void *arg, struct uvf_control_call *call)
{
	struct uvf_bus_device *device = find_device(arg, call);
	struct uvf_task task;

	if (!device)
		return -ENODEV;
	uvf_task_init(&task, call->comm, call->pid);
	uvf_machine_unplug(device, &task);
	uvf_task_fini(&task);
	uvf_bus_device_put(device);
	return 0;
}

static int call_unbind(void *arg, struct uvf_control_call *call)
{
	struct uvf_bus_device *device = find_device(arg, call);
	struct uvf_driver *driver;
	struct uvf_task task;
	int ret = -ENODEV;

	if (!device)
		return -ENODEV;
	driver = uvf_bus_device_driver(device);
	if (driver) {
		uvf_task_init(&task, call->comm, call->pid);
		ret = uvf_driver_unbind(driver, device->name, &task);
		uvf_task_fini(&task);
	}
	if (ret)
		uvfio_error_set(&call->err, "%s has no driver", device->name);
	uvf_bus_device_put(device);
	return ret;
}

/* As driverctl does it: what has no id of the driver gets an override. */
static int bind_device(struct uvf_bus_device *device, const char *name,
		       struct uvf_control_call *call)
{
	struct uvf_driver *driver = uvf_driver_find(device->bus, name);
	int ret = 0;

	if (!driver) {
		uvfio_error_set(&call->err, "there is no driver '%s'", name);
		return -ENODEV;
	}
	if (uvf_bus_device_driver(device)) {
		uvfio_error_set(&call->err, "%s has the driver %s",
				device->name,
				uvf_bus_device_driver_name(device));
		return -EBUSY;
	}
	if (!uvf_driver_match(driver, device))
		ret = uvf_bus_device_set_override(device, name, strlen(name));
	if (!ret)
		ret = uvf_device_attach_driver(device, driver);
	if (ret == -EBUSY)
		uvfio_error_set(&call->err,
				"somebody uses the group of %s with VFIO",
				device->name);
	return ret;
}

static int call_bind(void *arg, struct uvf_control_call *call)
{
	struct uvf_bus_device *device = find_device(arg, call);
	int ret;

	if (!device)
		return -ENODEV;
	ret = bind_device(device, param(call, "driver"), call);
	uvf_bus_device_put(device);
	return ret;
}

static int call_plug(void *arg, struct uvf_control_call *call)
{
	struct uvf_control_machine *self = arg;

	return uvfio_machine_plug(self->machine, param(call, "spec"),
				  &call->err);
}

static int call_aer(void *arg, struct uvf_control_call *call)
{
	struct uvf_bus_device *device = find_device(arg, call);
	int ret;

	if (!device)
		return -ENODEV;
	ret = uvf_pci_report_error(device);
	if (ret == -ENODEV)
		uvfio_error_set(&call->err, "%s is no PCI function",
				device->name);
	else if (ret == -EOPNOTSUPP)
		uvfio_error_set(&call->err,
				"%s has no Advanced Error Reporting",
				device->name);
	uvf_bus_device_put(device);
	return ret;
}

static int call_irq(void *arg, struct uvf_control_call *call)
{
	struct uvf_bus_device *device = find_device(arg, call);
	int ret;

	if (!device)
		return -ENODEV;
	ret = uvf_pci_raise(device, param(call, "interrupt"), &call->err);
	uvf_bus_device_put(device);
	return ret;
}

static const struct uvf_control_method methods[] = {
	{"list", {NULL}, false, call_list},
	{"unplug", {"address"}, true, call_unplug},
	{"plug", {"spec"}, true, call_plug},
	{"unbind", {"address"}, true, call_unbind},
	{"bind", {"address", "driver"}, true, call_bind},
	{"aer", {"address"}, true, call_aer},
	{"irq", {"address", "interrupt"}, false, call_irq},
	{NULL, {NULL}, false, NULL},
};

int uvf_control_machine_create(struct uvf_control_machine *self)
{
	return uvf_control_create(&self->control, methods, self);
}
