/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A physical function and its virtual ones, without the files of sysfs.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "pci/descriptor.h"
#include "pci/sriov.h"
#include "rig.h"

static const struct uvfio_pci_model vf = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "vf",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.device = 0x2225,
	.features = UVFIO_PCI_EXPRESS,
	.express_offset = 0x40,
	.bars[0] = {.size = 0x4000, .widths = 15, .flags = UVFIO_BAR_64},
};

static const struct uvfio_pci_model pf = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "pf",
	.ops = &probe_ops,
	.priv_size = sizeof(struct probe),
	.vendor = 0x1111,
	.device = 0x2224,
	.features = UVFIO_PCI_EXPRESS,
	.pm_offset = 0x40,
	.express_offset = 0x80,
	.bars[0] = {.size = 0x1000, .widths = 15},
	.sriov = {.offset = 0x100,
		  .total_vfs = 5,
		  .first = 2,
		  .stride = 3,
		  .vf = &vf},
};

static int enable(struct rig *rig, unsigned int count)
{
	int ret;

	uvf_lock(&rig->pci->bus.lock);
	ret = uvf_sriov_enable(rig->pci, count, NULL);
	uvf_unlock(&rig->pci->bus.lock);
	return ret;
}

static void disable(struct rig *rig)
{
	uvf_lock(&rig->pci->bus.lock);
	uvf_sriov_disable(rig->pci, NULL);
	uvf_unlock(&rig->pci->bus.lock);
}

static bool exists(struct rig *rig, const char *name)
{
	struct uvf_bus_device *bus = uvf_machine_find(&rig->machine, name);

	uvf_bus_device_put(bus);
	return bus;
}

static struct uvf_pci *find(struct rig *rig, const char *name)
{
	struct uvf_bus_device *bus = uvf_machine_find(&rig->machine, name);

	assert_non_null(bus);
	uvf_bus_device_put(bus);
	return uvf_pci_of_bus(bus);
}

static void vfs_know_their_pf(void **state)
{
	struct rig *rig = rig_create(&pf, NULL, false);
	struct uvf_pci *first, *second;

	(void)state;
	assert_int_equal(enable(rig, 2), 0);
	first = find(rig, "0000:00:03.2");
	second = find(rig, "0000:00:03.5");
	assert_ptr_equal(uvfio_physfn(&second->model), &rig->pci->model);
	assert_null(uvfio_physfn(&rig->pci->model));
	assert_int_equal(uvfio_vf_index(&first->model), 0);
	assert_int_equal(uvfio_vf_index(&second->model), 1);
	assert_int_equal(second->desc->vendor, 0x1111);
	/* BARs lie one behind the other, and in nobody's way. */
	assert_int_equal(rig->pci->sriov.bars[0].size, 5 * 0x4000);
	assert_int_equal(second->bars[0].address,
			 first->bars[0].address + 0x4000);
	/* They are no functions of the slot: its bit stays clear. */
	assert_int_equal(rig->pci->hw[PCI_HEADER_TYPE], 0);
	disable(rig);
	assert_false(exists(rig, "0000:00:03.2"));
	assert_int_equal(uvf_sriov_count(rig->pci), 0);
	rig_destroy(rig);
}

static void failing_memory_leaves_no_vf(void **state)
{
	struct rig *rig = rig_create(&pf, NULL, false);
	int ret = -ENOMEM;

	(void)state;
	for (unsigned long n = 1; ret; n++) {
		uvf_alloc_fail_nth(n);
		ret = enable(rig, 3);
		uvf_alloc_fail_nth(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_false(exists(rig, "0000:00:03.2"));
		assert_false(exists(rig, "0000:00:03.5"));
		assert_int_equal(cfg_get(rig, 0x100 + PCI_SRIOV_CTRL, 2), 0);
	}
	assert_true(exists(rig, "0000:00:04.0"));
	rig_destroy(rig);
}

/* Shows V40. */
static void capability_is_for_reading(void **state)
{
	struct rig *rig = rig_create(&pf, NULL, false);

	(void)state;
	assert_int_equal(cfg_get(rig, 0x100, 4), 0x00010010);
	for (unsigned int pos = 0x104; pos < 0x140; pos += 4) {
		uint32_t before = cfg_get(rig, pos, 4);

		cfg_set(rig, pos, 4, ~before);
		assert_int_equal(cfg_get(rig, pos, 4), before);
	}
	assert_int_equal(enable(rig, 5), 0);
	assert_int_equal(cfg_get(rig, 0x100 + PCI_SRIOV_NUM_VF, 2), 5);
	assert_int_equal(cfg_get(rig, 0x100 + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	/* The machine takes out what is left. */
	rig_destroy(rig);
}

/* Shows V41. */
static void pf_with_vfs_stays_awake(void **state)
{
	struct rig *rig = rig_create(&pf, NULL, false);

	(void)state;
	assert_int_equal(enable(rig, 1), 0);
	cfg_set(rig, 0x44, 2, 3);
	assert_int_equal(cfg_get(rig, 0x44, 2) & 3, 0);
	disable(rig);
	cfg_set(rig, 0x44, 2, 3);
	assert_int_equal(cfg_get(rig, 0x44, 2) & 3, 3);
	rig_destroy(rig);
}

#define REFUSED 9

static void impossible_vfs_are_refused(void **state)
{
	struct uvfio_pci_model pfs[REFUSED], vfs[REFUSED];
	struct uvfio_error err;

	(void)state;
	for (size_t i = 0; i < REFUSED; i++) {
		pfs[i] = pf;
		vfs[i] = vf;
		pfs[i].sriov.vf = &vfs[i];
	}
	pfs[0].sriov.total_vfs = 0;
	pfs[1].sriov.first = 0;
	pfs[2].sriov.stride = 0;
	pfs[3].sriov.vf = NULL;
	pfs[4].sriov.offset = 0xfc4;
	vfs[5].bars[0].size = 0x800;
	vfs[6].intx_pin = 1;
	vfs[7].bars[2] = (struct uvfio_bar){
		.size = 32, .widths = 1, .flags = UVFIO_BAR_IO};
	vfs[8].ops = NULL;
	assert_int_equal(uvf_descriptor_check(&pf, &err), 0);
	for (size_t i = 0; i < REFUSED; i++)
		if (uvf_descriptor_check(&pfs[i], &err) != -EINVAL)
			fail_msg("descriptor %zu passes", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vfs_know_their_pf),
		cmocka_unit_test(failing_memory_leaves_no_vf),
		cmocka_unit_test(capability_is_for_reading),
		cmocka_unit_test(pf_with_vfs_stays_awake),
		cmocka_unit_test(impossible_vfs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
