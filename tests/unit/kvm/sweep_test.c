/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VMM's session with each request for memory inside it failing once: the
 * call that meets it says ENOMEM and changes nothing, so that it works after.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "core/kvm_abi.h"
#include "rig.h"

#define SPAPR KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE

struct sweep {
	struct client *client;
	unsigned int failures;
};

/* Whether a call failed for the memory that it did not get. */
static bool has_no_memory(struct sweep *sweep, long ret)
{
	if (ret != -ENOMEM)
		return false;
	assert_true(uvf_alloc_has_failed());
	sweep->failures++;
	return true;
}

static long again(struct sweep *sweep, int fd, unsigned int cmd, uintptr_t arg)
{
	long ret = client_ioctl(sweep->client, fd, cmd, arg);

	if (has_no_memory(sweep, ret))
		ret = client_ioctl(sweep->client, fd, cmd, arg);
	assert_true(ret >= 0);
	return ret;
}

static int open_again(struct sweep *sweep, const char *path)
{
	int fd = client_open(sweep->client, path);

	if (has_no_memory(sweep, fd))
		fd = client_open(sweep->client, path);
	assert_true(fd >= 0);
	return fd;
}

static void set_again(struct sweep *sweep, int fd, uint64_t number,
		      const void *addr)
{
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = number,
		.addr = (uintptr_t)addr,
	};

	assert_int_equal(
		again(sweep, fd, KVM_SET_DEVICE_ATTR, (uintptr_t)&attr), 0);
}

static void run_session(struct sweep *sweep)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
	struct kvm_create_spapr_tce table = {.liobn = 1, .window_size = 4096};
	struct kvm_vfio_spapr_tce tie;
	int kvm = open_again(sweep, "/dev/kvm");
	int vm = (int)again(sweep, kvm, KVM_CREATE_VM, 0);
	int group = open_again(sweep, GROUP_1);

	again(sweep, vm, KVM_CREATE_DEVICE, (uintptr_t)&create);
	tie.groupfd = group;
	tie.tablefd =
		(int)again(sweep, vm, KVM_CREATE_SPAPR_TCE, (uintptr_t)&table);
	set_again(sweep, (int)create.fd, KVM_DEV_VFIO_GROUP_ADD, &group);
	set_again(sweep, (int)create.fd, SPAPR, &tie);
	set_again(sweep, (int)create.fd, KVM_DEV_VFIO_GROUP_DEL, &group);
	for (int fd = 0; fd < 8; fd++)
		(void)client_close(sweep->client, fd);
}

static void every_call_survives_every_failed_allocation(void **state)
{
	struct uvfio_machine *machine =
		machine_create_as(NULL, "kvm=stub,iommu=spapr");
	struct sweep sweep = {.client = client_create(machine)};
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	do {
		unsigned int before = sweep.failures;

		uvf_alloc_fail_nth(nth++);
		run_session(&sweep);
		has_failed = uvf_alloc_has_failed();
		assert_int_equal(sweep.failures - before, has_failed);
	} while (has_failed);
	uvf_alloc_fail_nth(0);
	assert_true(sweep.failures > 8);
	client_destroy(sweep.client);
	uvfio_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
