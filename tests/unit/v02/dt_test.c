/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node of a device tree on the bus "platform", as a device of VFIO v0.2.
 */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "v02/dt.h"

#define NODE "/soc/dma@10000"

static const struct uvf_v02_dt_entry regions[] = {
	{NODE, V02_DT_REG, 0},
	{"/soc/dma@10000/window", V02_DT_RANGES, 2},
};
static const struct uvf_v02_dt_entry irqs[] = {
	{NODE, V02_DT_INTERRUPTS, 1},
};
static const struct uvf_v02_dt tree = {regions, 2, irqs, 1};

static long dt_ioctl(void *data, struct uvf_caller *caller, unsigned int cmd,
		     unsigned long arg)
{
	const uint64_t flags = V02_DEVICE_DT;

	(void)data;
	switch (cmd) {
	case V02_DEVICE_GET_FLAGS:
		return uvf_copy_out(caller, arg, &flags, sizeof(flags));
	case V02_DEVICE_GET_DTPATH:
		return uvf_v02_dt_get_path(&tree, caller, arg);
	case V02_DEVICE_GET_DTINDEX:
		return uvf_v02_dt_get_index(&tree, caller, arg);
	default:
		return -ENOSYS;
	}
}

static int open_node(struct rig *rig)
{
	static struct uvf_v02_device_ops ops;
	struct fake *fake = fake_create(rig, rig->platform, "dma", 3);

	ops = fake_ops;
	ops.ioctl = dt_ioctl;
	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &fake->bus, &ops), 0);
	fake_bind(fake);
	return (int)get_device(rig, p_open(&rig->a, "3"), "dma");
}

static void a_path_is_written_where_it_is_asked_for(void **state)
{
	struct rig *rig = *state;
	int device = open_node(rig);
	char path[64] = "";
	struct v02_dtpath info = {
		.len = sizeof(info),
		.flags = V02_DT_REGION,
		.path = (uintptr_t)path,
	};
	uint64_t flags = 0;

	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_FLAGS, &flags),
			 0);
	assert_int_equal(flags, V02_DEVICE_DT);
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 0);
	assert_string_equal(path, NODE);
	info.index = 1;
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 0);
	assert_string_equal(path, NODE "/window");
	info.flags = V02_DT_IRQ;
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 -EINVAL);
	info.index = 0;
	info.len = sizeof(info) + sizeof(NODE);
	memset(path, 'x', sizeof(path));
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 0);
	assert_string_equal(path, NODE);
	assert_int_equal(path[sizeof(NODE)], 'x');
	info.len--;
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 -EFAULT);
	info.len = sizeof(info) - 1;
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 -EINVAL);
	info.len = sizeof(info);
	info.path = 0;
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 -EFAULT);
	info.flags = V02_DT_IRQ | V02_DT_REGION;
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, &info),
			 -EINVAL);
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTPATH, NULL),
			 -EFAULT);
}

static void an_index_tells_the_property(void **state)
{
	struct rig *rig = *state;
	int device = open_node(rig);
	struct v02_dtindex info = {
		.len = sizeof(info),
		.index = 1,
		.flags = V02_DT_REGION,
	};

	assert_int_equal(
		p_ioctl(&rig->a, device, V02_DEVICE_GET_DTINDEX, &info), 0);
	assert_int_equal(info.prop_type, V02_DT_RANGES);
	assert_int_equal(info.prop_index, 2);
	info.flags = V02_DT_IRQ;
	assert_int_equal(
		p_ioctl(&rig->a, device, V02_DEVICE_GET_DTINDEX, &info),
		-EINVAL);
	info.index = 0;
	assert_int_equal(
		p_ioctl(&rig->a, device, V02_DEVICE_GET_DTINDEX, &info), 0);
	assert_int_equal(info.prop_type, V02_DT_INTERRUPTS);
	assert_int_equal(info.prop_index, 1);
	info.flags = 0;
	assert_int_equal(
		p_ioctl(&rig->a, device, V02_DEVICE_GET_DTINDEX, &info),
		-EINVAL);
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_GET_DTINDEX, NULL),
			 -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_path_is_written_where_it_is_asked_for),
		CASE(an_index_tells_the_property),
	};

	return cmocka_run_group_tests_name("v02/dt", tests, NULL, NULL);
}
