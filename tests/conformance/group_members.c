/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group of two vfio devices, a and b, and one, h, that a driver of the host
 * may take: who may use what while whom the group belongs to.
 */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define A MEMBER_A
#define B MEMBER_B
#define H MEMBER_HOST

enum stage {
	CLOSED,
	OPEN,
	CONTAINER,
	IOMMU,
	DEVICE,
	BOTH,
	STAGES
};

static const char *const stages[] = {"closed", "open",   "container",
				     "iommu",  "device", "both"};

static struct session reach(enum stage stage)
{
	struct session s = {.container = -1, .group = -1, .device = -1};

	if (stage >= OPEN)
		s.group = group_open(A);
	if (stage >= CONTAINER) {
		s.container = container_open();
		need(!group_attach(s.group, s.container), "set-container");
	}
	if (stage >= IOMMU)
		need(!ioctl(s.container, VFIO_SET_IOMMU, 3ul), "set-iommu");
	if (stage >= DEVICE)
		s.device = device_open(s.group, A);
	if (stage >= BOTH)
		need(device_open(s.group, B) >= 0, "get-device-fd-b");
	return s;
}

static long take(int dev, const char *driver)
{
	need(override(dev, driver) > 0, "override");
	return driver_write(driver, "bind", dev);
}

static long host_takes_h(void)
{
	return take(H, HOST_DRIVER);
}

static long stub_takes_h(void)
{
	return take(H, "pci-stub");
}

static long vfio_takes_h(void)
{
	return take(H, "vfio-pci");
}

static long probe_finds_h(void)
{
	need(override(H, HOST_DRIVER) > 0, "override");
	return driver_probe(H);
}

static long h_is_removed(void)
{
	char path[128];

	sysfs_path(H, "remove", path, sizeof(path));
	return path_write(path, "1", 1);
}

static long b_is_unbound(void)
{
	return driver_write("vfio-pci", "unbind", B);
}

static long stub_takes_b(void)
{
	need(b_is_unbound() > 0, "unbind");
	return take(B, "pci-stub");
}

static long b_is_bound_again(void)
{
	need(b_is_unbound() > 0, "unbind");
	return take(B, "vfio-pci");
}

static const struct {
	const char *label;
	long (*act)(void);
	int is_of_b; /* it waits while b is open */
} acts[] = {
	{"host_takes_h", host_takes_h, 0},
	{"stub_takes_h", stub_takes_h, 0},
	{"vfio_takes_h", vfio_takes_h, 0},
	{"probe_finds_h", probe_finds_h, 0},
	{"h_is_removed", h_is_removed, 0},
	{"b_is_unbound", b_is_unbound, 1},
	{"stub_takes_b", stub_takes_b, 1},
	{"b_is_bound_again", b_is_bound_again, 1},
};

/* Every act at every stage, but for those that would wait for ever. */
static long nth(long i, enum stage *stage)
{
	for (size_t a = 0; a < COUNT(acts); a++) {
		int last = acts[a].is_of_b ? BOTH : STAGES;

		if (i < last) {
			*stage = (enum stage)i;
			return (long)a;
		}
		i -= last;
	}
	return -1;
}

static const char *act_label(long i)
{
	static char label[64];
	enum stage stage = CLOSED;
	long a = nth(i, &stage);

	if (a < 0)
		return NULL;
	snprintf(label, sizeof(label), "%s_when_%s", acts[a].label,
		 stages[stage]);
	return label;
}

static const struct member {
	const char *name;
	int dev;
} members[] = {{"a", A}, {"b", B}, {"h", H}};

static void show_members(int group)
{
	for (size_t m = 0; m < COUNT(members); m++) {
		int fd = device_open(group, members[m].dev);

		outcome(members[m].name, fd < 0 ? -1 : 0);
		if (fd >= 0)
			close(fd);
	}
}

static void each(long i)
{
	enum stage stage = CLOSED;
	long a = nth(i, &stage);
	struct session s = reach(stage);

	result(acts[a].act());
	report(" driver=%s", driver_of(acts[a].is_of_b ? B : H));
	if (s.group < 0)
		s.group = group_open(A);
	value("status", group_status(s.group));
	show_members(s.group);
	if (s.device >= 0)
		hex("id", edu_read(s.device, EDU_ID));
	s.container = container_open();
	outcome("set", group_attach(s.group, s.container));
}

/* What became possible when the group was let go. */
static void after_release(long i)
{
	enum stage stage = (enum stage)i;
	struct session s = reach(stage);
	int group = group_id(A);

	need(override(H, HOST_DRIVER) > 0, "override");
	outcome("before", driver_write(HOST_DRIVER, "bind", H));
	if (s.device >= 0)
		close(s.device);
	if (s.group >= 0)
		close(s.group);
	device_unbind(H);
	close(group_open(A));
	result(take(H, HOST_DRIVER));
	show_binding(H, group);
	value("status", group_status(group_open(A)));
}

static const char *stage_label(long i)
{
	return i < BOTH ? stages[i] : NULL;
}

static void unset_lets_the_host_in(void)
{
	struct session s = reach(IOMMU);

	outcome("before", host_takes_h());
	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	value("status", group_status(s.group));
	result(host_takes_h());
	value("status", group_status(s.group));
	outcome("set", group_attach(s.group, container_open()));
}

/* From here on the host's driver has h. */
static void host_owns(void)
{
	need(host_takes_h() > 0, "host-bind");
}

static void owned_group_status(void)
{
	int group = group_open(A);

	value("before", group_status(group));
	host_owns();
	result(group_status(group));
	device_unbind(H);
	value("after", group_status(group));
}

static void owned_group_takes_no_container(void)
{
	int group, c = container_open();

	host_owns();
	group = group_open(A);
	result(group_attach(group, c));
	value("status", group_status(group));
	outcome("closed", group_attach(group, closed_fd()));
	outcome("event", group_attach(group, event_fd()));
	outcome("unset", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("set_iommu", ioctl(c, VFIO_SET_IOMMU, 3ul));
	device_unbind(H);
	outcome("free", group_attach(group, c));
	outcome("set_iommu", ioctl(c, VFIO_SET_IOMMU, 3ul));
}

static void owned_group_takes_no_container_with_an_iommu(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	int group;

	host_owns();
	group = group_open(A);
	result(group_attach(group, s.container));
	value("status", group_status(group));
	outcome("other", device_open(s.group, 0) < 0 ? -1 : 0);
}

static void owned_group_gives_no_device(void)
{
	int group;

	host_owns();
	group = group_open(A);
	result_fd(device_open(group, A));
	outcome("b", device_open(group, B));
	outcome("h", device_open(group, H));
	outcome("absent", device_open(group, 0));
}

static void owned_group_lets_vfio_bind_and_unbind(void)
{
	int group = group_id(A);

	host_owns();
	outcome("unbind", b_is_unbound());
	show_binding(B, group);
	result(take(B, "vfio-pci"));
	show_binding(B, group);
	outcome("unbind", driver_write("vfio-pci", "unbind", A));
	outcome("unbind", driver_write("vfio-pci", "unbind", B));
	value("node", has_node(group));
	outcome("bind", take(A, "vfio-pci"));
	value("node", has_node(group));
	value("status", group_status(group_open(A)));
}

static void owned_group_lets_another_member_go_to_the_host(void)
{
	host_owns();
	need(b_is_unbound() > 0, "unbind");
	result(take(B, "pci-stub"));
	value("status", group_status(group_open(A)));
}

static void other_groups_are_not_concerned(void)
{
	struct session s;

	host_owns();
	s = session_device();
	result(group_status(s.group));
	hex("id", edu_read(s.device, EDU_ID));
}

static void names_of_members(void)
{
	struct session s = reach(IOMMU);

	result(group_id(A) == group_id(B) && group_id(B) == group_id(H));
	show_members(s.group);
	outcome("other", device_open(s.group, 0));
}

static void one_node_for_both(void)
{
	int group = group_id(A);

	result(has_node(group));
	need(driver_write("vfio-pci", "unbind", A) > 0, "unbind-a");
	value("one_left", has_node(group));
	need(driver_write("vfio-pci", "unbind", B) > 0, "unbind-b");
	value("none_left", has_node(group));
	need(take(B, "vfio-pci") > 0, "bind-b");
	value("one_back", has_node(group));
	need(take(A, "vfio-pci") > 0, "bind-a");
	value("both_back", has_node(group));
}

/* The group stays what it was while another device of it is there. */
static void stays_while_one_is_left(void)
{
	struct session s = reach(IOMMU);

	need(driver_write("vfio-pci", "unbind", A) > 0, "unbind-a");
	result(group_status(s.group));
	outcome("a", device_open(s.group, A));
	outcome("b", device_open(s.group, B) < 0 ? -1 : 0);
	need(take(A, "vfio-pci") > 0, "bind-a");
	outcome("a", device_open(s.group, A) < 0 ? -1 : 0);
	outcome("open", group_try_open(A));
}

static void is_an_orphan_when_both_are_gone(void)
{
	struct session s = reach(IOMMU);

	need(driver_write("vfio-pci", "unbind", A) > 0, "unbind-a");
	value("one_left", group_status(s.group));
	need(driver_write("vfio-pci", "unbind", B) > 0, "unbind-b");
	result(group_status(s.group));
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("set_iommu", ioctl(s.container, VFIO_SET_IOMMU, 3ul));
	need(take(A, "vfio-pci") > 0, "bind-a");
	outcome("old", group_status(s.group));
	outcome("new", group_try_open(A) < 0 ? -1 : 0);
	outcome("host", host_takes_h());
}

static void two_devices_in_one_container(void)
{
	struct session s = reach(BOTH);
	int b = device_open(s.group, B);

	result(dma_map(s.container, 3, pages(1), 0x100000, PAGE));
	hex("a", edu_read(s.device, EDU_ID));
	hex("b", edu_read(b, EDU_ID));
	close(s.device);
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	hex("b", edu_read(b, EDU_ID));
}

static void three_groups_in_one_container(void)
{
	struct session s = session_group(), t = session_second(&s);
	int group = group_open(A);

	result(group_attach(group, s.container));
	outcome("set_iommu", ioctl(s.container, VFIO_SET_IOMMU, 3ul));
	outcome("0", device_open(s.group, 0) < 0 ? -1 : 0);
	outcome("1", device_open(t.group, 1) < 0 ? -1 : 0);
	show_members(group);
	outcome("wrong", device_open(s.group, A));
}

static void links_of_the_members(void)
{
	char path[128], base[64];

	for (size_t m = 0; m < COUNT(members); m++) {
		snprintf(path, sizeof(path),
			 "/sys/kernel/iommu_groups/%d/devices/%s", group_id(A),
			 bdf(members[m].dev));
		outcome(members[m].name, link_base(path, base, sizeof(base)));
		report(" base=%s", base);
	}
	sysfs_path(0, "iommu_group/devices/0000:00:05.0", path, sizeof(path));
	result(link_base(path, base, sizeof(base)));
}

static const struct conf_case cases[] = {
	EACH(each, act_label),
	EACH(after_release, stage_label),
	CASE(unset_lets_the_host_in),
	CASE(owned_group_status),
	CASE(owned_group_takes_no_container),
	CASE(owned_group_takes_no_container_with_an_iommu),
	CASE(owned_group_gives_no_device),
	CASE(owned_group_lets_vfio_bind_and_unbind),
	CASE(owned_group_lets_another_member_go_to_the_host),
	CASE(other_groups_are_not_concerned),
	CASE(names_of_members),
	CASE(one_node_for_both),
	CASE(stays_while_one_is_left),
	CASE(is_an_orphan_when_both_are_gone),
	CASE(two_devices_in_one_container),
	CASE(three_groups_in_one_container),
	CASE(links_of_the_members),
};

MACHINE_TABLE(table_group_members, "group_members", cases);
