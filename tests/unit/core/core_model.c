/* SPDX-License-Identifier: BSD-3-Clause */
#include "core_model.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/vfio.h>

const int id_of[DEVICES] = {0, 0, 0, 1, 1, 2};
const char *const names[DEVICES] = {"a", "b", "c", "d", "e", "f"};

struct model m;

struct m_file *m_file_at(int fd)
{
	static struct m_file closed;

	if (fd < 0 || fd >= FDS || m.fds[fd] == NONE)
		return &closed;
	return &m.files[m.fds[fd]];
}

int m_files_of(enum kind kind, int object)
{
	int count = 0;

	for (int i = 0; i < FDS; i++)
		count += m.files[i].fds && m.files[i].kind == kind &&
			 m.files[i].object == object;
	return count;
}

int m_groups_in(int container)
{
	int count = 0;

	for (int i = 0; i < GROUPS; i++)
		count += m.groups[i].is_there &&
			 m.groups[i].container == container;
	return count;
}

static int registered_in(int group)
{
	int count = 0;

	for (int i = 0; i < DEVICES; i++)
		count += m.devices[i].group == group;
	return count;
}

static bool has_open_device(int group)
{
	for (int i = 0; i < DEVICES; i++)
		if (m.devices[i].group == group && m_files_of(DEVICE_FILE, i))
			return true;
	return false;
}

/* A group's file lives as long as one of its devices is open. */
bool m_is_held(int group)
{
	return m_files_of(GROUP_FILE, group) || has_open_device(group);
}

int m_find_group(int id)
{
	for (int i = 0; i < GROUPS; i++)
		if (m.groups[i].is_there && !m.groups[i].is_orphan &&
		    m.groups[i].id == id)
			return i;
	return NONE;
}

static bool has_iommu(int group)
{
	const int container = m.groups[group].container;

	return container != NONE && m.containers[container].has_iommu;
}

static bool is_viable(int group)
{
	const struct m_group *g = &m.groups[group];

	if (!m.is_old && g->container != NONE)
		return true;
	for (int i = 0; i < DEVICES; i++)
		if (id_of[i] == g->id && m.devices[i].driver == HOST)
			return false;
	return !g->is_violated;
}

static void leave_container(int group)
{
	m.groups[group].container = NONE;
	m.groups[group].is_violated = false;
}

void m_settle(void)
{
	for (int i = 0; i < GROUPS; i++) {
		struct m_group *g = &m.groups[i];

		if (!g->is_there || m_is_held(i))
			continue;
		leave_container(i);
		g->is_there = registered_in(i);
	}
	for (int i = 0; i < FDS; i++) {
		struct m_container *c = &m.containers[i];

		if (m_groups_in(i))
			continue;
		c->has_iommu = false;
		c->is_there = m_files_of(CONTAINER, i);
	}
}

int m_free_fd(void)
{
	for (int fd = 0; fd < FDS; fd++)
		if (m.fds[fd] == NONE)
			return fd;
	return NONE;
}

int m_install(enum kind kind, int object)
{
	const int fd = m_free_fd();
	int file = 0;

	while (m.files[file].fds)
		file++;
	m.files[file] = (struct m_file){kind, object, 1};
	m.fds[fd] = file;
	return fd;
}

void m_close(int fd)
{
	struct m_file *file = m_file_at(fd);
	struct m_device *device;

	m.fds[fd] = NONE;
	if (--file->fds || file->kind != DEVICE_FILE)
		return;
	device = &m.devices[file->object];
	if (m.is_old || !m_files_of(DEVICE_FILE, file->object))
		device->closes++;
}

int m_set_container(int group, int fd)
{
	const struct m_file *file = m_file_at(fd);
	struct m_group *g = &m.groups[group];

	if (m.is_old && fd < 0)
		return -EINVAL;
	if (m.is_old && g->container != NONE)
		return -EINVAL;
	if (file->kind == CLOSED)
		return -EBADF;
	if (g->container != NONE)
		return -EINVAL;
	if (g->is_orphan)
		return -ENODEV;
	if (file->kind != CONTAINER)
		return m.kind_errno;
	if (!m.is_old && !is_viable(group))
		return -EPERM;
	g->container = file->object;
	return 0;
}

/* The device of a name that a group has registered. */
static int find_device(int group, const char *name)
{
	for (int i = 0; i < DEVICES; i++)
		if (m.devices[i].group == group && !strcmp(names[i], name))
			return i;
	return NONE;
}

int m_get_device_old(int group, const char *name, bool is_full, int open_errno)
{
	struct m_device *device;
	int found;

	if (!has_iommu(group) || !is_viable(group))
		return -EINVAL;
	found = find_device(group, name);
	if (found == NONE)
		return -ENODEV;
	if (open_errno)
		return open_errno;
	device = &m.devices[found];
	device->opens++;
	device->closes += is_full;
	return is_full ? -EMFILE : m_install(DEVICE_FILE, found);
}

int m_get_device(int group, const char *name, bool is_full, int open_errno)
{
	int found = find_device(group, name);

	if (found == NONE)
		return -ENODEV;
	if (is_full)
		return -EMFILE;
	if (!has_iommu(group))
		return -EINVAL;
	if (m_files_of(DEVICE_FILE, found))
		return m_install(DEVICE_FILE, found);
	if (open_errno)
		return open_errno;
	m.devices[found].opens++;
	return m_install(DEVICE_FILE, found);
}

long m_status(int group)
{
	if (m.groups[group].is_orphan)
		return -ENODEV;
	return (m.groups[group].container == NONE ? 0 : 2) |
	       (is_viable(group) ? 1 : 0);
}

/* What a type1 of the profile takes for SET_IOMMU before it opens. */
static bool is_claimed(unsigned long type)
{
	if (type == VFIO_TYPE1_IOMMU)
		return true;
	if (!strcmp(m.abi, "3.14"))
		return false;
	if (type == VFIO_TYPE1v2_IOMMU)
		return true;
	if (type == VFIO_TYPE1_NESTING_IOMMU)
		return strcmp(m.abi, "6.19") != 0;
	return !m.is_old && type == VFIO_UNMAP_ALL;
}

int m_set_iommu(int container, unsigned long type)
{
	struct m_container *c = &m.containers[container];

	if (!m_groups_in(container) || c->has_iommu)
		return -EINVAL;
	if (!is_claimed(type))
		return -ENODEV;
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	c->has_iommu = true;
	return 0;
}

int m_unset_container(int group)
{
	if (m.groups[group].container == NONE)
		return -EINVAL;
	if (has_open_device(group))
		return -EBUSY;
	leave_container(group);
	return 0;
}

int m_group_ioctl(int group, unsigned int cmd)
{
	switch (cmd) {
	case VFIO_GROUP_UNSET_CONTAINER:
		return m_unset_container(group);
	case VFIO_GROUP_GET_STATUS:
	case VFIO_GROUP_SET_CONTAINER:
	case VFIO_GROUP_GET_DEVICE_FD:
		return -EFAULT;
	default:
		return -ENOTTY;
	}
}

int m_container_ioctl(int container, unsigned int cmd)
{
	switch (cmd) {
	case VFIO_GET_API_VERSION:
	case VFIO_CHECK_EXTENSION:
		return 0;
	case VFIO_SET_IOMMU:
		return m_set_iommu(container, 0);
	default:
		return m.containers[container].has_iommu ? -ENOTTY : -EINVAL;
	}
}

static void m_register(int device)
{
	int group = m_find_group(id_of[device]);

	if (group == NONE) {
		group = 0;
		while (m.groups[group].is_there)
			group++;
		m.groups[group] = (struct m_group){
			.is_there = true,
			.id = id_of[device],
			.container = NONE,
		};
	}
	m.devices[device].group = group;
	m.devices[device].opens = 0;
	m.devices[device].closes = 0;
}

/* A driver of the host: refused, or a blow to the group's isolation. */
static int m_use_default(int id)
{
	const int group = m_find_group(id);

	if (group == NONE || m.groups[group].container == NONE)
		return 0;
	if (!m.is_old)
		return -EBUSY;
	m.groups[group].is_violated = true;
	return 0;
}

int m_bind(int device, enum driver driver)
{
	int ret = 0;

	if (m.devices[device].driver != DRIVERLESS)
		return m.is_old ? -ENODEV : -EBUSY;
	if (driver == HOST)
		ret = m_use_default(id_of[device]);
	if (ret)
		return ret;
	if (driver == VFIO)
		m_register(device);
	m.devices[device].driver = driver;
	return 0;
}

int m_unbind(int device, enum driver driver)
{
	const int group = m.devices[device].group;

	if (m.devices[device].driver != driver)
		return -ENODEV;
	m.devices[device].driver = DRIVERLESS;
	m.devices[device].group = NONE;
	if (driver == VFIO && !m.is_old && !registered_in(group)) {
		m.groups[group].is_orphan = true;
		leave_container(group);
	}
	return 0;
}

bool m_has_domain(int id)
{
	for (int i = 0; i < GROUPS; i++)
		if (m.groups[i].is_there && m.groups[i].id == id &&
		    has_iommu(i) && !m.groups[i].is_violated)
			return true;
	return false;
}
