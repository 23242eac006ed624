/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device still reaches while others let go of what it works on. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IOVA 0x100000ull

struct rig {
	struct session s; /* device 0, with two pages at IOVA */
	struct session t; /* group 1 in the same container */
	unsigned char *at;
};

static struct rig rig(void)
{
	struct rig r = {.s = session_device(), .at = pages(2)};

	r.t = session_second(&r.s);
	need(!dma_map(r.s.container, 3, r.at, IOVA, 2 * PAGE), "map");
	edu_quiet(r.s.device);
	cfg_command(r.s.device, 0, 4);
	return r;
}

static void show_dma(const char *key, int device, unsigned char *at)
{
	memset(at, 0x5a, 64);
	memset(at + PAGE, 0, 64);
	need(!edu_dma(device, IOVA, EDU_DMA_BUF, 64, 0), "dma-in");
	need(!edu_dma(device, EDU_DMA_BUF, IOVA + PAGE, 64, 2), "dma-out");
	value(key, !memcmp(at, at + PAGE, 64));
}

static void nothing(struct rig *r)
{
	(void)r;
}

static void container_closes(struct rig *r)
{
	close(r->s.container);
}

static void group_closes(struct rig *r)
{
	close(r->s.group);
}

static void container_and_group_close(struct rig *r)
{
	close(r->s.container);
	close(r->s.group);
}

static void other_group_leaves(struct rig *r)
{
	need(!ioctl(r->t.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
}

static void other_group_closes(struct rig *r)
{
	close(r->t.group);
}

static void other_device_opens_and_closes(struct rig *r)
{
	int fd = device_open(r->t.group, 1);

	need(fd >= 0, "get-device-fd-2");
	close(fd);
}

static void other_group_loses_its_device(struct rig *r)
{
	(void)r;
	need(driver_write("vfio-pci", "unbind", 1) > 0, "unbind");
}

static void a_third_group_comes_and_goes(struct rig *r)
{
	int group = group_open(MEMBER_A);

	need(!group_attach(group, r->s.container), "set-container-3");
	close(group);
}

static void unset_is_refused(struct rig *r)
{
	outcome("unset", ioctl(r->s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void second_file_closes(struct rig *r)
{
	close(device_open(r->s.group, 0));
}

static void first_file_closes(struct rig *r)
{
	int fd = device_open(r->s.group, 0);

	close(r->s.device);
	r->s.device = fd;
}

static const struct {
	const char *label;
	void (*act)(struct rig *r);
} acts[] = {
	{"nothing", nothing},
	{"container_closes", container_closes},
	{"group_closes", group_closes},
	{"container_and_group_close", container_and_group_close},
	{"other_group_leaves", other_group_leaves},
	{"other_group_closes", other_group_closes},
	{"other_device_opens_and_closes", other_device_opens_and_closes},
	{"other_group_loses_its_device", other_group_loses_its_device},
	{"a_third_group_comes_and_goes", a_third_group_comes_and_goes},
	{"unset_is_refused", unset_is_refused},
	{"second_file_closes", second_file_closes},
	{"first_file_closes", first_file_closes},
};

static const char *act_label(long i)
{
	return i < (long)COUNT(acts) ? acts[i].label : NULL;
}

static void goes_on_when(long i)
{
	struct rig r = rig();

	show_dma("before", r.s.device, r.at);
	acts[i].act(&r);
	show_dma("after", r.s.device, r.at);
	result(group_try_open(0) < 0 ? -1 : 0);
}

/* The mappings are those of the container, whoever comes later. */
/* Shows M36. */
static void a_later_group_sees_the_mappings(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU), t;
	unsigned char *at = pages(2);

	need(!dma_map(s.container, 3, at, IOVA, 2 * PAGE), "map");
	t = session_second(&s);
	t.device = device_open(t.group, 1);
	result_fd(t.device);
	edu_quiet(t.device);
	cfg_command(t.device, 0, 4);
	show_dma("dma", t.device, at);
	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	show_dma("alone", t.device, at);
}

static void members_share_the_mappings(void)
{
	int group = group_open(MEMBER_A), c = container_open(), b;
	unsigned char *at = pages(2);

	need(!group_attach(group, c), "set-container");
	need(!ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set-iommu");
	need(!dma_map(c, 3, at, IOVA, 2 * PAGE), "map");
	b = device_open(group, MEMBER_B);
	result_fd(b);
	edu_quiet(b);
	cfg_command(b, 0, 4);
	show_dma("b", b, at);
	need(driver_write("vfio-pci", "unbind", MEMBER_A) > 0, "unbind");
	show_dma("alone", b, at);
	need(driver_write("vfio-pci", "bind", MEMBER_A) > 0, "bind");
	show_dma("again", b, at);
}

static void a_stub_beside_does_no_harm(void)
{
	int group = group_open(MEMBER_A), c = container_open(), a;
	unsigned char *at = pages(2);

	need(!group_attach(group, c), "set-container");
	need(!ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set-iommu");
	need(!dma_map(c, 3, at, IOVA, 2 * PAGE), "map");
	a = device_open(group, MEMBER_A);
	result_fd(a);
	edu_quiet(a);
	cfg_command(a, 0, 4);
	show_dma("before", a, at);
	device_bind(MEMBER_B, "pci-stub");
	show_dma("after", a, at);
	need(override(MEMBER_HOST, HOST_DRIVER) > 0, "override");
	outcome("host", driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
	show_dma("still", a, at);
}

static const struct conf_case cases[] = {
	EACH(goes_on_when, act_label),
	CASE(a_later_group_sees_the_mappings),
	CASE(members_share_the_mappings),
	CASE(a_stub_beside_does_no_harm),
};

MACHINE_TABLE(table_dma_lifetime, "dma_lifetime", cases);
