/* SPDX-License-Identifier: BSD-3-Clause */
#include "mdev/mdev.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "mdev/private.h"

static struct uvfio_mdev *mdev_of(struct uvf_bus_device *bus)
{
	return uvf_container_of(bus, struct uvfio_mdev, bus);
}

static void mdev_destroy(struct uvf_bus_device *bus)
{
	uvf_free(mdev_of(bus));
}

/* The UUID and the instance are free again. */
static void leave_list(struct uvfio_mdev *mdev)
{
	struct uvfio_mdev_parent *parent = mdev->type->parent;

	uvf_lock(&parent->mdevs->lock);
	uvf_list_remove(&mdev->node);
	parent->available++;
	uvf_unlock(&parent->mdevs->lock);
	uvf_bus_device_put(&mdev->bus);
}

static void mdev_removed(struct uvf_bus_device *bus)
{
	leave_list(mdev_of(bus));
}

static const struct uvf_bus_device_ops mdev_ops = {
	.attrs = uvf_mdev_no_attrs,
	.removed = mdev_removed,
	.destroy = mdev_destroy,
};

struct uvfio_mdev *uvf_mdev_of(struct uvf_bus_device *device)
{
	return device->ops == &mdev_ops ? mdev_of(device) : NULL;
}

static struct uvfio_mdev *find_locked(struct uvf_mdevs *mdevs, const char *uuid)
	UVF_REQUIRES(mdevs->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &mdevs->devices) {
		struct uvfio_mdev *mdev =
			uvf_list_entry(node, struct uvfio_mdev, node);

		if (!strcmp(mdev->bus.name, uuid))
			return mdev;
	}
	return NULL;
}

/* Into the list, unless something forbids it; a call of the parent begins. */
static int enter_list(struct uvf_mdev_type *type, const char *uuid,
		      struct uvfio_mdev *mdev)
{
	struct uvfio_mdev_parent *parent = type->parent;
	struct uvf_mdevs *mdevs = parent->mdevs;
	int ret = 0;

	uvf_lock(&mdevs->lock);
	if (find_locked(mdevs, uuid))
		ret = -EEXIST;
	else if (!parent->desc->available && !parent->available)
		ret = -EUSERS;
	else if (!mdev)
		ret = -ENOMEM;
	else if (parent->is_unregistering)
		ret = -ENODEV;
	if (!ret) {
		parent->available--;
		parent->calls++;
		uvf_list_append(&mdevs->devices, &mdev->node);
	}
	uvf_unlock(&mdevs->lock);
	return ret;
}

static void end_call(struct uvfio_mdev_parent *parent)
{
	uvf_lock(&parent->mdevs->lock);
	if (!--parent->calls)
		pthread_cond_broadcast(&parent->idle);
	uvf_unlock(&parent->mdevs->lock);
}

static struct uvfio_mdev *alloc_mdev(struct uvf_mdev_type *type,
				     const char *uuid)
{
	struct uvfio_mdev_parent *parent = type->parent;
	struct uvfio_mdev *mdev = uvf_zalloc(sizeof(*mdev));

	if (!mdev)
		return NULL;
	memcpy(mdev->bus.name, uuid, strlen(uuid) + 1);
	mdev->bus.ops = &mdev_ops;
	mdev->bus.bus = parent->driver->bus;
	mdev->bus.parent = uvf_bus_device_get(&parent->bus);
	mdev->type = type;
	mdev->state = UVF_MDEV_CREATING;
	uvf_list_init(&mdev->node);
	uvf_bus_device_init(&mdev->bus);
	return mdev;
}

/* The device is in the list, whose reference is the only one. */
static int bring_up(struct uvfio_mdev *mdev)
{
	struct uvfio_mdev_parent *parent = mdev->type->parent;
	struct uvf_machine *machine = parent->class.machine;
	int ret;

	ret = uvf_machine_add(machine, uvf_bus_device_get(&mdev->bus),
			      UVF_GROUP_NONE);
	if (ret) {
		uvf_bus_device_put(&mdev->bus);
		leave_list(mdev);
		return ret;
	}
	ret = uvf_device_attach_driver(&mdev->bus, parent->driver);
	if (ret) {
		uvf_machine_take_out(machine, &mdev->bus, NULL);
		return ret;
	}
	uvf_lock(&parent->mdevs->lock);
	mdev->state = UVF_MDEV_ACTIVE;
	uvf_unlock(&parent->mdevs->lock);
	uvf_machine_touch(machine);
	return 0;
}

int uvf_mdev_create(struct uvf_mdev_type *type, const char *text, size_t size)
{
	struct uvfio_mdev_parent *parent = type->parent;
	char uuid[UVF_UUID_LENGTH + 1] = "";
	struct uvfio_mdev *mdev;
	int ret;

	if (size < UVF_UUID_LENGTH || size > UVF_UUID_LENGTH + 1 ||
	    !uvf_parse_is_uuid(text, size))
		return -EINVAL;
	for (size_t i = 0; i < UVF_UUID_LENGTH; i++)
		uuid[i] = (char)tolower((unsigned char)text[i]);
	mdev = alloc_mdev(type, uuid);
	ret = enter_list(type, uuid, mdev);
	if (ret) {
		if (mdev)
			uvf_bus_device_put(&mdev->bus);
		return ret;
	}
	ret = bring_up(mdev);
	end_call(parent);
	return ret;
}

static int begin_removal(struct uvfio_mdev *mdev)
{
	struct uvfio_mdev_parent *parent = mdev->type->parent;
	int ret = 0;

	uvf_lock(&parent->mdevs->lock);
	if (uvf_list_is_empty(&mdev->node) || mdev->state == UVF_MDEV_REMOVING)
		ret = -ENODEV;
	else if (mdev->state == UVF_MDEV_CREATING)
		ret = -EAGAIN;
	if (!ret) {
		mdev->state = UVF_MDEV_REMOVING;
		if (parent->is_unregistering)
			ret = -ENODEV;
		else
			parent->calls++;
	}
	uvf_unlock(&parent->mdevs->lock);
	return ret;
}

int uvf_mdev_remove(struct uvfio_mdev *mdev, struct uvf_task *task)
{
	struct uvfio_mdev_parent *parent = mdev->type->parent;
	int ret = begin_removal(mdev);

	if (ret)
		return ret;
	/* The first to go are names that need no wait. */
	uvf_machine_touch(parent->class.machine);
	uvf_machine_take_out(parent->class.machine, &mdev->bus, task);
	end_call(parent);
	return 0;
}

/* The first that a parent has, with a reference, or NULL. */
static struct uvfio_mdev *first_of(struct uvfio_mdev_parent *parent)
{
	struct uvfio_mdev *found = NULL;
	struct uvf_list *node;

	uvf_lock(&parent->mdevs->lock);
	uvf_list_for_each (node, &parent->mdevs->devices) {
		struct uvfio_mdev *mdev =
			uvf_list_entry(node, struct uvfio_mdev, node);

		if (mdev->type->parent != parent)
			continue;
		mdev->state = UVF_MDEV_REMOVING;
		uvf_bus_device_get(&mdev->bus);
		found = mdev;
		break;
	}
	uvf_unlock(&parent->mdevs->lock);
	return found;
}

void uvf_mdev_remove_all(struct uvfio_mdev_parent *parent,
			 struct uvf_task *task)
{
	struct uvfio_mdev *mdev;

	while ((mdev = first_of(parent))) {
		uvf_machine_touch(parent->class.machine);
		uvf_machine_take_out(parent->class.machine, &mdev->bus, task);
		uvf_bus_device_put(&mdev->bus);
	}
}

enum uvf_mdev_state uvf_mdev_state(struct uvfio_mdev *mdev)
{
	struct uvf_mdevs *mdevs = mdev->type->parent->mdevs;
	enum uvf_mdev_state state;

	uvf_lock(&mdevs->lock);
	state = mdev->state;
	uvf_unlock(&mdevs->lock);
	return state;
}

const char *uvfio_mdev_name(const struct uvfio_mdev *mdev)
{
	return mdev->bus.name;
}

unsigned int uvfio_mdev_type(const struct uvfio_mdev *mdev)
{
	return mdev->type->index;
}

struct uvfio_mdev_parent *uvfio_mdev_parent(const struct uvfio_mdev *mdev)
{
	return mdev->type->parent;
}

void uvfio_mdev_set_data(struct uvfio_mdev *mdev, void *data)
{
	mdev->data = data;
}

void *uvfio_mdev_data(const struct uvfio_mdev *mdev)
{
	return mdev->data;
}
