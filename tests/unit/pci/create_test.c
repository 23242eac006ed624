/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What makes a function, what refuses one, and where it comes to lie.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "bus/options.h"
#include "core/worker.h"
#include "pci/bar.h"
#include "pci/descriptor.h"
#include "pci/device.h"
#include "rig.h"

struct bench {
	struct uvf_profile profile;
	struct uvf_machine machine;
	struct uvf_worker *worker;
};

static int setup(void **state)
{
	static struct bench bench;

	assert_int_equal(uvf_profile_parse(&bench.profile, NULL, NULL), 0);
	uvf_machine_init(&bench.machine, &bench.profile);
	assert_int_equal(uvf_pci_init(&bench.machine, NULL), 0);
	*state = &bench;
	if (uvf_worker_create(&bench.worker, false))
		return -1;
	return uvf_worker_start(bench.worker);
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	uvf_machine_fini(&bench->machine);
	uvf_worker_destroy(bench->worker);
	return 0;
}

static int create(struct bench *bench, const struct uvfio_pci_model *model,
		  const char *spec, struct uvfio_error *err)
{
	struct uvf_bus_device *device;
	struct uvf_options *options;
	int ret;

	err->text[0] = '\0';
	assert_int_equal(uvf_options_parse(&options, spec, err), 0);
	ret = uvf_pci_create(&bench->machine, bench->worker, model, options,
			     &device, err);
	if (!ret)
		uvf_bus_device_put(device);
	uvf_options_put(options);
	return ret;
}

static struct uvf_pci *find(struct bench *bench, const char *name)
{
	struct uvf_bus_device *bus = uvf_machine_find(&bench->machine, name);

	assert_non_null(bus);
	uvf_bus_device_put(bus);
	return uvf_pci_of_bus(bus);
}

static void addresses_are_the_lowest_free(void **state)
{
	struct bench *bench = *state;
	struct uvfio_error err;

	assert_int_equal(create(bench, &model_plain, "m,addr=00:04.0", &err),
			 0);
	assert_int_equal(create(bench, &model_plain, "m", &err), 0);
	assert_int_equal(create(bench, &model_plain, "m", &err), 0);
	assert_int_equal(
		create(bench, &model_plain, "m,addr=0001:1f:00.7", &err), 0);
	find(bench, "0000:00:04.0");
	find(bench, "0000:00:03.0");
	find(bench, "0000:00:05.0");
	find(bench, "0001:1f:00.7");
	for (int i = 0; i < 40; i++)
		assert_int_equal(create(bench, &model_plain, "m", &err), 0);
	find(bench, "0000:00:1f.0");
	find(bench, "0000:01:00.0");
	assert_int_equal(create(bench, &model_plain, "m,addr=00:03.0", &err),
			 -EEXIST);
	assert_non_null(strstr(err.text, "0000:00:03.0"));
}

static void wrong_keys_are_named(void **state)
{
	static const char *const specs[] = {
		"m,colour=red",
		"m,addr=00:3.0",
		"m,addr=00:20.0",
		"m,addr=00:03.8",
		"m,addr=00-03.0",
		"m,addr=0:00:03.0",
		"m,group=x",
		"m,group=-1",
		"m,group=",
		"m,group=1x",
		"m,group=99999999",
		"m,iommu=arm",
		"m,iommu=intel:40",
		"m,iommu=",
		"m,driver=",
		"m,driver=a/b",
		"m,driver=..",
		"m,driver=a12345678901234567890123456789012",
	};
	struct bench *bench = *state;
	struct uvfio_error err;

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		const char *key = strchr(specs[i], ',') + 1;
		char name[16] = "";

		memcpy(name, key, (size_t)(strchr(key, '=') - key));
		assert_int_equal(create(bench, &model_plain, specs[i], &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, name));
	}
	assert_int_equal(create(bench, &model_plain, "m,colour=red", &err),
			 -EINVAL);
	assert_string_equal(err.text, "plain has no key 'colour'; it knows "
				      "addr, group, iommu, driver, bridge");
}

/* Every BAR aligned, inside a window, and alone. */
static void bars_lie_apart(void **state)
{
	struct bench *bench = *state;
	struct uvfio_error err;
	struct uvf_list *a, *b;

	for (int i = 0; i < 24; i++)
		assert_int_equal(create(bench,
					i % 2 ? &model_full : &model_plain, "m",
					&err),
				 0);
	uvf_list_for_each (a, &bench->machine.devices) {
		struct uvf_pci *one = uvf_pci_of_bus(
			uvf_list_entry(a, struct uvf_bus_device, machine_node));

		for (int i = 0; i < 6; i++) {
			struct uvf_pci_bar *bar = &one->bars[i];

			if (!bar->size)
				continue;
			assert_true(bar->address);
			assert_int_equal(bar->address % bar->size, 0);
			uvf_list_for_each (b, &bench->machine.devices) {
				struct uvf_pci *two = uvf_pci_of_bus(
					uvf_list_entry(b, struct uvf_bus_device,
						       machine_node));

				for (int j = 0; j < 6; j++) {
					struct uvf_pci_bar *o = &two->bars[j];

					if (!o->size || o == bar)
						continue;
					assert_true(o->address + o->size <=
							    bar->address ||
						    bar->address + bar->size <=
							    o->address);
				}
			}
		}
	}
}

static void functions_of_one_slot_say_so(void **state)
{
	struct bench *bench = *state;
	struct uvfio_error err;

	assert_int_equal(create(bench, &model_plain, "m,addr=00:03.0", &err),
			 0);
	assert_int_equal(find(bench, "0000:00:03.0")->hw[PCI_HEADER_TYPE], 0);
	assert_int_equal(create(bench, &model_plain, "m,addr=00:03.1", &err),
			 0);
	assert_int_equal(find(bench, "0000:00:03.0")->hw[PCI_HEADER_TYPE],
			 0x80);
	assert_int_equal(find(bench, "0000:00:03.1")->hw[PCI_HEADER_TYPE],
			 0x80);
}

static int failing_init(struct uvfio_dev *dev, struct uvfio_error *err)
{
	(void)dev;
	uvfio_error_set(err, "no disk");
	return -ENOENT;
}

static void failing_model_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	struct uvfio_device_ops ops = *model_plain.ops;
	struct uvfio_pci_model model = model_plain;
	struct uvfio_error err;

	ops.init = failing_init;
	model.ops = &ops;
	assert_int_equal(create(bench, &model, "m", &err), -ENOENT);
	assert_string_equal(err.text, "no disk");
	assert_true(uvf_list_is_empty(&bench->machine.devices));
}

/* Each request for memory fails once; the machine stays as it was. */
static void failing_memory_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	struct uvf_bus_device *device;
	struct uvfio_error err;
	struct uvf_options *options;

	for (unsigned long n = 1;; n++) {
		int ret;

		assert_int_equal(uvf_options_parse(&options, "full", &err), 0);
		uvf_alloc_fail_nth(n);
		ret = uvf_pci_create(&bench->machine, bench->worker,
				     &model_full, options, &device, &err);
		uvf_alloc_fail_nth(0);
		uvf_options_put(options);
		if (!ret) {
			uvf_bus_device_put(device);
			assert_true(n > 5);
			return;
		}
		assert_int_equal(ret, -ENOMEM);
		assert_true(uvf_list_is_empty(&bench->machine.devices));
	}
}

static void failing_open_can_be_tried_again(void **state)
{
	struct bench *bench = *state;
	const struct uvf_device_ops *ops;
	struct uvfio_error err;
	struct uvf_pci *pci;
	int ret = -1;

	assert_int_equal(create(bench, &model_full, "full", &err), 0);
	pci = find(bench, "0000:00:03.0");
	ops = pci->vfio.ops;
	for (unsigned long n = 1; ret; n++) {
		uvf_alloc_fail_nth(n);
		ret = ops->open(&pci->vfio);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
	}
	ops->close(&pci->vfio);
}

/* A model may leave out any callback. */
static void missing_callbacks_do_nothing(void **state)
{
	static const struct uvfio_device_ops none = {0};
	struct bench *bench = *state;
	struct uvfio_pci_model model = model_full;
	const struct uvf_device_ops *ops;
	struct uvfio_error err;
	struct uvf_pci *pci;
	uint32_t value = 1;

	model.ops = &none;
	assert_int_equal(create(bench, &model, "m", &err), 0);
	pci = find(bench, "0000:00:03.0");
	ops = pci->vfio.ops;
	assert_int_equal(ops->open(&pci->vfio), 0);
	uvf_lock(&pci->model.lock);
	uvf_bar_access_locked(pci, 4, 0, &value, sizeof(value), true);
	uvf_bar_access_locked(pci, 4, 0, &value, sizeof(value), false);
	uvfio_timer_set(&pci->model, 0, 1);
	uvfio_timer_set(&pci->model, 1, UINT64_MAX);
	uvf_unlock(&pci->model.lock);
	assert_int_equal(value, UINT32_MAX);
	for (bool is_over = false; !is_over;) {
		uvf_lock(&pci->model.lock);
		is_over = !pci->model.deadlines[0];
		assert_int_not_equal(pci->model.deadlines[1], 0);
		uvf_unlock(&pci->model.lock);
	}
	assert_int_equal(ops->reset(&pci->vfio, NULL, 0), 0);
	ops->close(&pci->vfio);
	/* The model is on the stack. */
	uvf_machine_fini(&bench->machine);
	uvf_machine_init(&bench->machine, &bench->profile);
}

static const struct uvfio_span odd_span[] = {{0x100, 0x1000, UVFIO_PAGE_RAM}};
static const struct uvfio_span over_msix[] = {{0x8000, 0x1000, UVFIO_PAGE_RAM}};
static const struct uvfio_cap low_cap[] = {
	{.id = 9, .offset = 0x20, .size = 8}};
static const struct uvfio_cap on_msi[] = {{.id = 9, .offset = 0x50, .size = 8}};
static const struct uvfio_cap far_cap[] = {
	{.id = 9, .offset = 0xfc, .size = 8}};

static const struct uvfio_cap second_pm[] = {
	{.id = 1, .offset = 0xf0, .size = 8}};
static const struct uvfio_cap late_cap[] = {
	{.id = 3, .offset = 0x140, .size = 12}};
static const struct uvfio_cap short_aer[] = {
	{.id = 1, .offset = 0x100, .size = 12}};
static const struct uvfio_cap raw_msi[] = {
	{.id = 5, .offset = 0xf0, .size = 10}};
static const struct uvfio_region no_access[] = {{.size = 4096}};
static const struct uvfio_area odd_area[] = {{0x800, 0x1000}};
/* The first capability is the one that follows it. */
static const uint8_t loop[4096] = {[0x34] = 0x40, [0x41] = 0x40};

#define REFUSED 31

static void impossible_descriptors_are_refused(void **state)
{
	struct uvfio_pci_model m[REFUSED];
	struct uvfio_error err;

	(void)state;
	for (size_t i = 0; i < REFUSED; i++)
		m[i] = model_full;
	m[0].abi++;
	m[1].bars[4].size = 0x3000;
	m[2].bars[1].size = 0x1000;
	m[3].bars[5] = (struct uvfio_bar){
		.size = 0x1000, .widths = 4, .flags = UVFIO_BAR_64};
	m[4].bars[4].widths = 0;
	m[5].bars[4].spans = odd_span;
	m[5].bars[4].span_count = 1;
	m[6].bars[0].spans = over_msix;
	m[6].bars[0].span_count = 1;
	m[7].caps = low_cap;
	m[7].cap_count = 1;
	m[8].caps = on_msi;
	m[8].cap_count = 1;
	m[9].caps = far_cap;
	m[9].cap_count = 1;
	m[10].features = UVFIO_PCI_FLR;
	m[11].msix.vectors = 2049;
	m[12].msix.pba_offset = m[12].msix.table_offset + 8;
	m[13].msix.table_bar = 2;
	m[14].msi.log2_vectors = 6;
	m[15].intx_pin = 5;
	m[16].bars[2].size = 512;
	m[17].ops = NULL;
	m[18].config_size = 512;
	m[19].config_size = 256;
	m[20].caps = second_pm;
	m[20].cap_count = 1;
	m[21].caps = late_cap;
	m[21].cap_count = 1;
	m[22].caps = short_aer;
	m[22].cap_count = 1;
	m[23].vpd_size = 6;
	m[24].rom_size = (16u << 20) + 1;
	m[25].regions = no_access;
	m[25].region_count = 1;
	m[26].bars[4].areas = odd_area;
	m[26].bars[4].area_count = 1;
	m[27].bars[4].areas = odd_area;
	m[27].bars[4].area_count = 1;
	m[27].bars[4].flags |= UVFIO_BAR_SPARSE;
	m[28].image = loop;
	m[29].caps = raw_msi;
	m[29].cap_count = 1;
	m[30].vpd_size = 4;
	m[30].cap_count = 0;
	assert_int_equal(uvf_descriptor_check(&model_full, &err), 0);
	for (size_t i = 0; i < REFUSED; i++) {
		err.text[0] = '\0';
		if (uvf_descriptor_check(&m[i], &err) != -EINVAL)
			fail_msg("descriptor %zu passes", i);
		assert_non_null(strstr(err.text, "full"));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(addresses_are_the_lowest_free),
		TEST(wrong_keys_are_named),
		TEST(bars_lie_apart),
		TEST(functions_of_one_slot_say_so),
		TEST(failing_model_leaves_nothing),
		TEST(failing_memory_leaves_nothing),
		TEST(failing_open_can_be_tried_again),
		TEST(missing_callbacks_do_nothing),
		TEST(impossible_descriptors_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
