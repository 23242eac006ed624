/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET_IRQ_INFO and the order of the checks of SET_IRQS.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static long irq_info(struct rig *rig, uint32_t index, uint32_t argsz,
		     struct vfio_irq_info *info)
{
	long ret;

	memset(info, 0xa5, sizeof(*info));
	info->argsz = argsz;
	info->index = index;
	memcpy(client_at(rig, SCRATCH), info, sizeof(*info));
	ret = rig->pci->vfio.ops->get_irq_info(&rig->pci->vfio,
					       &rig->client.caller, SCRATCH);
	memcpy(info, client_at(rig, SCRATCH), sizeof(*info));
	return ret;
}

/* Shows V10. */
static void info_names_every_index(void **state)
{
	static const struct {
		const struct uvfio_pci_model *model;
		const char *profile;
		long ret[5];
		uint32_t flags[5], count[5];
	} cases[] = {
		{&model_full, "6.12", {0}, {7, 9, 1, 9, 9}, {1, 8, 70, 1, 1}},
		{&model_full, "6.1", {0}, {7, 9, 9, 9, 9}, {1, 8, 70, 1, 1}},
		{&model_plain,
		 "6.12",
		 {0, 0, 0, -EINVAL, 0},
		 {7, 9, 9, 0, 9},
		 {1, 1, 0, 0, 1}},
	};
	struct vfio_irq_info info;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rig *rig =
			rig_create(cases[i].model, cases[i].profile, false);

		for (uint32_t index = 0; index < 5; index++) {
			assert_int_equal(irq_info(rig, index, 16, &info),
					 cases[i].ret[index]);
			if (cases[i].ret[index]) {
				assert_int_equal(info.flags, 0xa5a5a5a5);
				continue;
			}
			assert_int_equal(info.flags, cases[i].flags[index]);
			assert_int_equal(info.count, cases[i].count[index]);
		}
		assert_int_equal(irq_info(rig, 5, 16, &info), -EINVAL);
		assert_int_equal(irq_info(rig, 0, 15, &info), -EINVAL);
		assert_int_equal(
			rig->pci->vfio.ops->get_irq_info(
				&rig->pci->vfio, &rig->client.caller, UNMAPPED),
			-EFAULT);
		rig_destroy(rig);
	}
}

/*
 * Shows V12, V13.  The checks common to all, each one alone and before all
 * later ones.
 */
static void checks_come_in_order(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	const struct uvf_device_ops *ops = rig->pci->vfio.ops;
	uint64_t edge = CLIENT_BASE + CLIENT_SIZE;
	struct vfio_irq_set hdr;

	(void)state;
	/* 1 */
	assert_int_equal(
		ops->set_irqs(&rig->pci->vfio, &rig->client.caller, edge - 19),
		-EFAULT);
	/* 2 */
	assert_int_equal(
		set_irqs_argsz(rig, 19, NONE | TRIGGER, REQ, 0, 1, NULL, 0),
		-EINVAL);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, 5, 0, 0, NULL), -EINVAL);
	assert_int_equal(
		set_irqs(rig, NONE | TRIGGER, REQ, 0, 0xffffffff, NULL),
		-EINVAL);
	assert_int_equal(
		set_irqs(rig, NONE | TRIGGER, REQ, 1, 0xfffffffe, NULL),
		-EINVAL);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER | 0x40, REQ, 0, 1, NULL),
			 -EINVAL);
	/* 3, with an action that would be ENOTTY */
	assert_int_equal(set_irqs(rig, NONE, REQ, 1, 0, NULL), -EINVAL);
	assert_int_equal(set_irqs(rig, NONE, MSIX, 60, 11, NULL), -EINVAL);
	/* 4 */
	assert_int_equal(set_irqs(rig, TRIGGER, REQ, 0, 1, NULL), -EINVAL);
	assert_int_equal(set_irqs(rig, NONE | BOOL, REQ, 0, 1, NULL), -EINVAL);
	/* 5 */
	assert_int_equal(set_irqs_argsz(rig, 23, EVENTFD, REQ, 0, 1, NULL, 0),
			 -EINVAL);
	assert_int_equal(set_irqs_argsz(rig, 21, BOOL, MSI, 0, 2, NULL, 0),
			 -EINVAL);
	/* 6, before the action is looked at */
	memset(&hdr, 0, sizeof(hdr));
	hdr.argsz = 24;
	hdr.flags = EVENTFD;
	hdr.index = REQ;
	hdr.count = 1;
	memcpy(client_at(rig, edge - 20), &hdr, 20);
	assert_int_equal(
		ops->set_irqs(&rig->pci->vfio, &rig->client.caller, edge - 20),
		-EFAULT);
	/* 7 */
	assert_int_equal(set_irqs(rig, NONE, REQ, 0, 1, NULL), -ENOTTY);
	assert_int_equal(set_irqs(rig, NONE | MASK | UNMASK, INTX, 0, 1, NULL),
			 -ENOTTY);
	for (uint32_t index = MSI; index <= REQ; index++) {
		assert_int_equal(set_irqs(rig, NONE | MASK, index, 0, 1, NULL),
				 -ENOTTY);
		assert_int_equal(
			set_irqs(rig, NONE | UNMASK, index, 0, 1, NULL),
			-ENOTTY);
	}
	rig_destroy(rig);
}

/* Every combination of flags, index, start and count, nothing active. */
static long expected(uint32_t flags, uint32_t index, uint32_t start,
		     uint32_t count)
{
	static const uint32_t num[5] = {1, 1, 0, 0, 1};
	uint32_t data = flags & 7, action = flags & 0x38;

	if (index >= 5 || flags & ~0x3fu)
		return -EINVAL;
	if (start >= num[index] || start + count > num[index])
		return -EINVAL;
	if (data != NONE && data != BOOL && data != EVENTFD)
		return -EINVAL;
	if (action != TRIGGER &&
	    !(index == INTX && (action == MASK || action == UNMASK)))
		return -ENOTTY;
	if (index == REQ)
		return data == BOOL && count      ? 0
		       : data == EVENTFD && count ? 0
						  : -EINVAL;
	if (index == INTX)
		return action == TRIGGER && data == EVENTFD && count == 1
			       ? 0
			       : -EINVAL;
	if (data == EVENTFD)
		return count ? 0 : -ERANGE;
	return -EINVAL;
}

/* Shows V11, V12. */
static void whole_matrix_from_nothing_active(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	const int32_t none[4] = {-1, -1, -1, -1};

	(void)state;
	for (uint32_t flags = 0; flags < 0x80; flags++)
		for (uint32_t index = 0; index < 6; index++)
			for (uint32_t start = 0; start < 3; start++)
				for (uint32_t count = 0; count < 3; count++) {
					long ret = set_irqs_argsz(
						rig, 36, flags, index, start,
						count, none, 16);
					long want = expected(flags, index,
							     start, count);

					if (ret != want)
						fail_msg("%#x %u %u %u: %ld, "
							 "not %ld",
							 flags, index, start,
							 count, ret, want);
					if (!ret && index < ERR)
						assert_int_equal(
							set_irqs(rig,
								 NONE | TRIGGER,
								 index, 0, 0,
								 NULL),
							0);
				}
	rig_destroy(rig);
}

/* Shows V15, V21. */
static void eventfds_are_checked(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int file = dup(0), closed = dup(0);

	(void)state;
	close(closed);
	for (uint32_t index = 0; index < 5; index++) {
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, index, 0, 1, &closed),
			-EBADF);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, index, 0, 1, &file),
			-EINVAL);
		assert_int_equal(rig->pci->irq_type, UVF_PCI_IRQ_NONE);
	}
	close(file);
	rig_destroy(rig);
}

/* Shows V24.  Flips irq_negative_fd_is_error. */
static void err_and_req_have_one_trigger(void **state)
{
	struct rig *rig = rig_create(&model_full, "6.12", false);
	struct rig *old = rig_create(&model_full, "6.6", false);
	uint8_t yes = 1, no = 0;
	int minus_one = -1, minus_two = -2;

	(void)state;
	for (uint32_t index = ERR; index <= REQ; index++) {
		int fd = event_create();

		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 0, 1, NULL),
			-EINVAL);
		assert_int_equal(
			set_irqs(rig, BOOL | TRIGGER, index, 0, 1, &yes), 0);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, index, 0, 0, NULL),
			-EINVAL);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, index, 0, 1, &fd), 0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 0, 1, NULL), 0);
		assert_int_equal(
			set_irqs(rig, BOOL | TRIGGER, index, 0, 1, &yes), 0);
		assert_int_equal(
			set_irqs(rig, BOOL | TRIGGER, index, 0, 1, &no), 0);
		assert_int_equal(event_take(fd), 2);
		assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, index, 0, 1,
					  &minus_two),
				 -EINVAL);
		assert_int_equal(set_irqs(old, EVENTFD | TRIGGER, index, 0, 1,
					  &minus_two),
				 0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 0, 0, NULL), 0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 0, 0, NULL),
			-EINVAL);
		for (int i = 0; i < 2; i++)
			assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, index,
						  0, 1, &minus_one),
					 0);
		close(fd);
	}
	rig_destroy(rig);
	rig_destroy(old);
}

/* Shows V55. */
static void close_drops_everything(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();

	(void)state;
	set_irqs(rig, EVENTFD | TRIGGER, ERR, 0, 1, &fd);
	set_irqs(rig, EVENTFD | TRIGGER, REQ, 0, 1, &fd);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 1, &fd), 0);
	assert_int_equal(rig->probe->mode, UVFIO_IRQ_MSIX);
	rig_reopen(rig);
	assert_int_equal(rig->probe->mode, UVFIO_IRQ_INTX);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, ERR, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, REQ, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL),
			 -EINVAL);
	rig_destroy(rig);
	close(fd);
}

/* A client may fill its counter; that must not stop the machine. */
static void full_counter_blocks_nobody(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint64_t most = UINT64_MAX - 1;
	int fd = event_create();

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), 8);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, REQ, 0, 1, &fd), 0);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, REQ, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), most);
	rig_destroy(rig);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_names_every_index),
		cmocka_unit_test(checks_come_in_order),
		cmocka_unit_test(whole_matrix_from_nothing_active),
		cmocka_unit_test(eventfds_are_checked),
		cmocka_unit_test(err_and_req_have_one_trigger),
		cmocka_unit_test(close_drops_everything),
		cmocka_unit_test(full_counter_blocks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
