/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EEH, the ways of a POWER host to stop and reset a device that fails.
 */
#include "spapr_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Shows M44. */
static void an_endpoint_is_frozen_and_reset(void **state)
{
	struct vfio_eeh_pe_op op = {.argsz = 40, .op = VFIO_EEH_PE_INJECT_ERR};
	struct spapr_rig rig;

	(void)state;
	spapr_open_rig(&rig, V1, "6.12");
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_ENABLE), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE),
			 VFIO_EEH_PE_STATE_NORMAL);
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE),
			 VFIO_EEH_PE_STATE_STOPPED);
	assert_true(rig.groups[0].is_blocked);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_UNFREEZE_IO), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE),
			 VFIO_EEH_PE_STATE_STOPPED_DMA);
	assert_true(rig.groups[0].is_blocked);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_UNFREEZE_DMA), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE), 0);
	assert_false(rig.groups[0].is_blocked);
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_UNFREEZE_DMA), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE),
			 VFIO_EEH_PE_STATE_UNAVAIL);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_ENABLE), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE), 0);
	for (uint32_t reset = VFIO_EEH_PE_RESET_HOT;
	     reset <= VFIO_EEH_PE_RESET_FUNDAMENTAL; reset++) {
		assert_int_equal(spapr_eeh(&rig, reset), 0);
		assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE),
				 VFIO_EEH_PE_STATE_RESET);
		assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_UNFREEZE_DMA), 0);
		assert_true(rig.groups[0].is_blocked);
		assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_RESET_DEACTIVATE),
				 0);
		assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_CONFIGURE), 0);
		assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE), 0);
		assert_false(rig.groups[0].is_blocked);
	}
	/* A group that leaves is frozen no more. */
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_RESET_HOT), 0);
	spapr_close_rig(&rig);
	assert_false(rig.groups[0].is_blocked);
}

/* Shows M44. */
static void wrong_eeh_operations_are_refused(void **state)
{
	struct vfio_eeh_pe_op op = {.argsz = 12};
	struct spapr_rig rig;
	void *empty;

	(void)state;
	spapr_open_rig(&rig, V1, "6.12");
	/* No group, nothing to do, whatever is asked. */
	assert_int_equal(uvf_spapr_backend.open(&empty, &rig.host, V1), 0);
	assert_int_equal(
		uvf_spapr_backend.ioctl(empty, &rig.caller, VFIO_EEH_PE_OP, 8),
		0);
	uvf_spapr_backend.release(empty);
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, (void *)8), -EFAULT);
	for (op.op = 10; op.op < 13; op.op++)
		assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op),
				 -EINVAL);
	op.op = VFIO_EEH_PE_CONFIGURE;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), 0);
	op.flags = 1;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), -EINVAL);
	op.flags = 0;
	op.argsz = 11;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), -EINVAL);
	op.op = VFIO_EEH_PE_INJECT_ERR;
	op.argsz = 39;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), -EINVAL);
	op.argsz = 40;
	op.err.func = 20;
	op.err.type = 2;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), -EINVAL);
	op.err.func = UINT32_MAX;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), -EINVAL);
	op.err.func = 19;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), -ERANGE);
	op.err.type = 1;
	assert_int_equal(spapr_ioctl(&rig, VFIO_EEH_PE_OP, &op), 0);
	spapr_close_rig(&rig);
}

/* Shows M42, M44. */
static void groups_share_windows_but_not_endpoints(void **state)
{
	const struct uvf_iommu_backend *backend = &uvf_spapr_backend;
	struct spapr_rig rig;
	struct uvf_aspace *as;

	(void)state;
	spapr_open_v2(&rig);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), 0);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_RESET_HOT), 0);
	assert_int_equal(backend->attach_group(rig.state, NULL,
					       &rig.groups[1].member, &as),
			 0);
	assert_ptr_equal(as, rig.as);
	assert_int_equal(rig.groups[1].windows[0].size, WINDOW / PAGE);
	assert_false(rig.groups[1].is_blocked);
	/* The newer one answers 0, then the older one its state. */
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_GET_STATE),
			 VFIO_EEH_PE_STATE_RESET);
	assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_RESET_DEACTIVATE), 0);
	assert_int_equal(spapr_read(&rig, 0), 0);
	backend->detach_group(rig.state, &rig.groups[1].member);
	assert_int_equal(rig.groups[1].windows[0].size, 0);
	assert_int_equal(rig.groups[0].windows[0].size, WINDOW / PAGE);
	/* A group that goes clears the tables of all. */
	assert_int_equal(spapr_read(&rig, 0), -1);
	spapr_close_rig(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_is_frozen_and_reset),
		cmocka_unit_test(wrong_eeh_operations_are_refused),
		cmocka_unit_test(groups_share_windows_but_not_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
