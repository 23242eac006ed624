/* SPDX-License-Identifier: BSD-3-Clause */
#include "states.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct session idle(void)
{
	return (struct session){
		.group = group_open(0), .container = -1, .device = -1};
}

static struct session read_only_group(void)
{
	struct session s = {.container = -1, .device = -1};
	char path[64];

	close(group_open(0));
	group_path(0, path, sizeof(path));
	s.group = open(path, O_RDONLY);
	need(s.group >= 0, "open-read-only");
	return s;
}

static struct session iommu_v1(void)
{
	return session_iommu(VFIO_TYPE1_IOMMU);
}

static struct session iommu_v2(void)
{
	return session_iommu(VFIO_TYPE1v2_IOMMU);
}

static struct session mapped(void)
{
	struct session s = session_device();

	need(!dma_map(s.container, 3, pages(1), 0x100000, PAGE), "map");
	return s;
}

static struct session unset(void)
{
	struct session s = iommu_v2();

	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	return s;
}

static struct session set_again(void)
{
	struct session s = unset();

	need(!group_attach(s.group, s.container), "set-again");
	return s;
}

static struct session container_closed(void)
{
	struct session s = iommu_v2();

	close(s.container);
	s.container = -1;
	return s;
}

static struct session device_closed(void)
{
	struct session s = session_device();

	close(s.device);
	s.device = -1;
	return s;
}

static struct session container_closed_with_device(void)
{
	struct session s = session_device();

	close(s.container);
	s.container = -1;
	return s;
}

static struct session shared(void)
{
	struct session s = iommu_v2();

	session_second(&s);
	return s;
}

static struct session shared_with_its_device(void)
{
	struct session s = iommu_v2(), t = session_second(&s);

	need(device_open(t.group, 1) >= 0, "get-device-fd-2");
	return s;
}

static const struct {
	const char *label;
	struct session (*enter)(void);
} states[] = {
	{"idle", idle},
	{"read_only", read_only_group},
	{"container", session_group},
	{"iommu_v1", iommu_v1},
	{"iommu_v2", iommu_v2},
	{"device", session_device},
	{"mapped", mapped},
	{"unset", unset},
	{"set_again", set_again},
	{"container_closed", container_closed},
	{"device_closed", device_closed},
	{"device_without_container", container_closed_with_device},
	{"shared", shared},
	{"shared_with_other_device", shared_with_its_device},
};

const char *state_label(long i)
{
	return i < (long)COUNT(states) ? states[i].label : NULL;
}

struct session state_enter(long i)
{
	return states[i].enter();
}

struct session state_enter_by(const char *label)
{
	for (size_t i = 0; i < COUNT(states); i++)
		if (!strcmp(states[i].label, label))
			return states[i].enter();
	need(0, "state");
	return idle();
}

/* Which of the states survive an unbind that waits for no device. */
static const struct {
	const char *label;
	struct session (*enter)(void);
	int is_reborn; /* the device is bound again meanwhile */
} orphans[] = {
	{"idle", idle, 0},
	{"container", session_group, 0},
	{"iommu", iommu_v2, 0},
	{"unset", unset, 0},
	{"container_closed", container_closed, 0},
	{"shared", shared, 0},
	{"idle_reborn", idle, 1},
	{"iommu_reborn", iommu_v2, 1},
	{"shared_reborn", shared, 1},
};

const char *orphan_label(long i)
{
	return i < (long)COUNT(orphans) ? orphans[i].label : NULL;
}

struct session orphan_enter(long i)
{
	struct session s = orphans[i].enter();

	need(driver_write("vfio-pci", "unbind", 0) > 0, "unbind");
	if (orphans[i].is_reborn)
		need(driver_write("vfio-pci", "bind", 0) > 0, "bind");
	return s;
}
