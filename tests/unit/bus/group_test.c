/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the DMA of a group's members leads.
 */
#include "bus/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bus/bus.h"
#include "bus/machine.h"

static struct uvf_profile profile;
static struct uvf_machine machine;
static struct uvf_bus *bus;
static const struct uvf_bus_ops bus_ops = {0};

struct fake {
	struct uvf_bus_device bus;
	struct uvf_aspace *domain;
};

static void destroy(struct uvf_bus_device *device)
{
	uvf_free(uvf_container_of(device, struct fake, bus));
}

static void set_domain(struct uvf_bus_device *device, struct uvf_aspace *as)
{
	uvf_container_of(device, struct fake, bus)->domain = as;
}

static const struct uvf_bus_device_ops device_ops = {
	.destroy = destroy,
	.set_domain = set_domain,
};

static struct fake *add(const char *name)
{
	struct fake *fake = uvf_zalloc(sizeof(*fake));

	assert_non_null(fake);
	fake->bus.ops = &device_ops;
	fake->bus.bus = bus;
	snprintf(fake->bus.name, sizeof(fake->bus.name), "%s", name);
	snprintf(fake->bus.root, sizeof(fake->bus.root), "root");
	uvf_bus_device_init(&fake->bus);
	assert_int_equal(uvf_machine_add(&machine, &fake->bus, 1), 0);
	return fake;
}

static void a_blocked_group_does_no_dma_whatever_it_is_aimed_at(void **state)
{
	/* Nobody looks into them. */
	struct uvf_aspace *one = (void *)&machine;
	struct uvf_aspace *other = (void *)&profile;
	struct uvf_iommu_group *group;
	struct fake *a, *b, *late;

	(void)state;
	assert_int_equal(uvf_profile_parse(&profile, "6.12", NULL), 0);
	uvf_machine_init(&machine, &profile);
	assert_int_equal(
		uvf_bus_register(&machine, "pci", &bus_ops, NULL, &bus), 0);
	a = add("a");
	b = add("b");
	group = uvf_iommu_group_find(&machine, 1);
	uvf_iommu_group_set_domain(group, one);
	assert_ptr_equal(a->domain, one);
	uvf_iommu_group_set_blocked(group, true);
	assert_null(a->domain);
	assert_null(b->domain);
	uvf_iommu_group_set_domain(group, other);
	assert_null(a->domain);
	late = add("late");
	assert_null(late->domain);
	uvf_iommu_group_set_blocked(group, false);
	assert_ptr_equal(a->domain, other);
	assert_ptr_equal(b->domain, other);
	assert_ptr_equal(late->domain, other);
	uvf_iommu_group_set_domain(group, NULL);
	assert_null(late->domain);
	uvf_iommu_group_put(group);
	uvf_machine_fini(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_blocked_group_does_no_dma_whatever_it_is_aimed_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
