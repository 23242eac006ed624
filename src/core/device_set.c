/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/device_set.h"

#include <errno.h>

#include "base/alloc.h"
#include "core/device.h"
#include "core/vfio.h"

static struct uvf_device_set *find_locked(struct uvf_vfio *vfio,
					  const void *key)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->sets) {
		struct uvf_device_set *set =
			uvf_list_entry(node, struct uvf_device_set, vfio_node);

		if (set->key == key)
			return set;
	}
	return NULL;
}

static struct uvf_device_set *create_locked(struct uvf_vfio *vfio,
					    const void *key)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_device_set *set = uvf_zalloc(sizeof(*set));

	if (!set)
		return NULL;
	set->key = key;
	uvf_mutex_init(&set->lock);
	uvf_list_init(&set->devices);
	uvf_list_append(&vfio->sets, &set->vfio_node);
	return set;
}

int uvf_device_assign_set(struct uvf_device *device, const void *key)
{
	struct uvf_vfio *vfio = device->vfio;
	struct uvf_device_set *set;

	if (!key)
		return -EINVAL;
	uvf_lock(&vfio->lock);
	set = find_locked(vfio, key);
	if (!set)
		set = create_locked(vfio, key);
	if (set)
		set->members++;
	uvf_unlock(&vfio->lock);
	if (!set)
		return -ENOMEM;
	device->set = set;
	uvf_lock(&set->lock);
	uvf_list_append(&set->devices, &device->set_node);
	uvf_unlock(&set->lock);
	return 0;
}

void uvf_device_leave_set(struct uvf_device *device)
{
	struct uvf_device_set *set = device->set;
	struct uvf_vfio *vfio = device->vfio;
	bool is_last;

	if (!set)
		return;
	uvf_lock(&set->lock);
	uvf_list_remove(&device->set_node);
	uvf_unlock(&set->lock);
	device->set = NULL;
	uvf_lock(&vfio->lock);
	is_last = !--set->members;
	if (is_last)
		uvf_list_remove(&set->vfio_node);
	uvf_unlock(&vfio->lock);
	if (!is_last)
		return;
	uvf_mutex_fini(&set->lock);
	uvf_free(set);
}

unsigned int uvf_device_set_open_count(struct uvf_device_set *set)
{
	struct uvf_list *node;
	unsigned int count = 0;

	uvf_assert_held(&set->lock);
	uvf_list_for_each (node, &set->devices)
		count += uvf_list_entry(node, struct uvf_device, set_node)
				 ->open_count;
	return count;
}

struct uvf_device *uvf_device_set_find(struct uvf_device_set *set,
				       const struct uvf_bus_device *bus_device)
{
	struct uvf_list *node;

	uvf_assert_held(&set->lock);
	uvf_list_for_each (node, &set->devices) {
		struct uvf_device *device =
			uvf_list_entry(node, struct uvf_device, set_node);

		if (device->bus_device == bus_device)
			return device;
	}
	return NULL;
}
