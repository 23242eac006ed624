/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the specification says of interrupts, row by row, where no other test
 * here is about it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "rig.h"

static const struct uvfio_device_ops silent_ops = {0};

/* No pin, no message of any kind. */
static const struct uvfio_pci_model model_silent = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "silent",
	.ops = &silent_ops,
	.vendor = 0x1234,
	.device = 0x0002,
	.class_code = 0x00ff00,
	.bars[0] = {.size = 0x1000, .widths = 15},
};

static const int none = -1;

static long trigger(struct rig *rig, uint32_t index, uint32_t start, int fd)
{
	return set_irqs(rig, EVENTFD | TRIGGER, index, start, 1, &fd);
}

static long loop_back(struct rig *rig, uint32_t index, uint32_t start,
		      uint32_t count)
{
	return set_irqs(rig, NONE | TRIGGER, index, start, count, NULL);
}

static long tear_down(struct rig *rig, uint32_t index)
{
	return set_irqs(rig, NONE | TRIGGER, index, 0, 0, NULL);
}

static void disable_intx(struct rig *rig, bool disable)
{
	cfg_set(rig, 5, 1, disable ? 4 : 0);
}

static void set_master(struct rig *rig, bool on)
{
	cfg_set(rig, 4, 1, on ? 6 : 2);
}

static uint32_t count_of(struct rig *rig, uint32_t index)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

	memcpy(client_at(rig, SCRATCH), &info, sizeof(info));
	assert_int_equal(rig->pci->vfio.ops->get_irq_info(
				 &rig->pci->vfio, &rig->client.caller, SCRATCH),
			 0);
	memcpy(&info, client_at(rig, SCRATCH), sizeof(info));
	return info.count;
}

/* Shows V10, V11. */
static void what_a_function_has_not_is_counted_and_refused(void **state)
{
	struct rig *rig = rig_create(&model_silent, NULL, false);
	int fd = event_create();

	(void)state;
	for (uint32_t index = INTX; index <= MSIX; index++) {
		assert_int_equal(count_of(rig, index), 0);
		assert_int_equal(trigger(rig, index, 0, fd), -EINVAL);
		assert_int_equal(tear_down(rig, index), -EINVAL);
		/* Before the action is looked at. */
		assert_int_equal(set_irqs(rig, NONE | MASK, index, 0, 0, NULL),
				 -EINVAL);
	}
	assert_int_equal(trigger(rig, ERR, 0, fd), -EINVAL);
	assert_int_equal(trigger(rig, REQ, 0, fd), 0);
	rig_destroy(rig);
	close(fd);
}

/* Shows V13. */
static void an_inactive_line_cannot_be_masked(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create();
	uint8_t no = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint32_t action = i ? UNMASK : MASK;

		assert_int_equal(set_irqs(rig, NONE | action, INTX, 0, 1, NULL),
				 -EINVAL);
		assert_int_equal(set_irqs(rig, BOOL | action, INTX, 0, 1, &no),
				 -EINVAL);
		assert_int_equal(
			set_irqs(rig, EVENTFD | action, INTX, 0, 1, &fd),
			-EINVAL);
	}
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	for (int i = 0; i < 2; i++) {
		uint32_t action = i ? UNMASK : MASK;

		assert_int_equal(set_irqs(rig, NONE | action, INTX, 0, 0, NULL),
				 -EINVAL);
		assert_int_equal(set_irqs(rig, BOOL | action, INTX, 0, 1, &no),
				 0);
	}
	assert_int_equal(set_irqs(rig, EVENTFD | MASK, INTX, 0, 1, &fd),
			 -ENOTTY);
	rig_destroy(rig);
	close(fd);
}

/* Shows V14. */
static void one_type_is_active_at_a_time(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();

	(void)state;
	for (uint32_t on = INTX; on <= MSIX; on++) {
		assert_int_equal(trigger(rig, on, 0, fd), 0);
		for (uint32_t other = INTX; other <= MSIX; other++) {
			if (other == on)
				continue;
			assert_int_equal(trigger(rig, other, 0, fd), -EINVAL);
			assert_int_equal(tear_down(rig, other), -EINVAL);
			assert_int_equal(loop_back(rig, other, 0, 1), -EINVAL);
		}
		assert_int_equal(loop_back(rig, on, 0, 1), 0);
		assert_int_equal(event_take(fd), 1);
		assert_int_equal(tear_down(rig, on), 0);
		assert_int_equal(tear_down(rig, on), -EINVAL);
	}
	/* ERR and REQ do not take part. */
	assert_int_equal(trigger(rig, ERR, 0, fd), 0);
	assert_int_equal(trigger(rig, REQ, 0, fd), 0);
	assert_int_equal(trigger(rig, MSI, 0, fd), 0);
	rig_destroy(rig);
	close(fd);
}

/* Shows V15. */
static void a_wrong_trigger_changes_nothing(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create(), file = dup(0);

	(void)state;
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(trigger(rig, INTX, 0, 999), -EBADF);
	assert_int_equal(trigger(rig, INTX, 0, file), -EINVAL);
	/* The old one counts, and is masked as it was. */
	assert_int_equal(loop_back(rig, INTX, 0, 1), 0);
	assert_int_equal(event_take(fd), 1);
	model_line(rig, false);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 0);
	rig_destroy(rig);
	close(fd);
	close(file);
}

/* Shows V16. */
static void intx_may_be_without_a_trigger(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create();

	(void)state;
	assert_int_equal(trigger(rig, INTX, 0, none), 0);
	assert_int_equal(loop_back(rig, INTX, 0, 1), 0);
	/* What nobody hears masks the line all the same. */
	model_line(rig, true);
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), 1);
	/* Any negative number takes the trigger away, and not the type. */
	assert_int_equal(trigger(rig, INTX, 0, -2), 0);
	assert_int_equal(set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(trigger(rig, MSI, 0, fd), -EINVAL);
	assert_int_equal(tear_down(rig, INTX), 0);
	rig_destroy(rig);
	close(fd);
}

/* Shows V17. */
static void loop_back_of_intx_masks_nothing(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create();
	uint8_t yes = 1, no = 0;

	(void)state;
	assert_int_equal(loop_back(rig, INTX, 0, 1), -EINVAL);
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	assert_int_equal(loop_back(rig, INTX, 0, 1), 0);
	assert_int_equal(set_irqs(rig, BOOL | TRIGGER, INTX, 0, 1, &yes), 0);
	assert_int_equal(set_irqs(rig, BOOL | TRIGGER, INTX, 0, 1, &no), 0);
	assert_int_equal(event_take(fd), 2);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);
	/* Masked, it is looped back still. */
	assert_int_equal(loop_back(rig, INTX, 0, 1), 0);
	assert_int_equal(event_take(fd), 1);
	disable_intx(rig, true);
	assert_int_equal(loop_back(rig, INTX, 0, 1), 0);
	assert_int_equal(event_take(fd), 0);
	rig_destroy(rig);
	close(fd);
}

/* Shows V18. */
static void unmasking_of_an_open_line_does_nothing(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create(), unmask = event_create(),
	    other = event_create();
	uint64_t one = 1;

	(void)state;
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	assert_int_equal(write(unmask, &one, sizeof(one)), 8);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &unmask),
			 0);
	assert_int_equal(event_take(fd), 0);
	/* A descriptor that is none comes before the place that is taken. */
	assert_int_equal(
		set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, (const int[]){999}),
		-EBADF);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &other),
			 -EBUSY);
	/* It goes with the type. */
	assert_int_equal(tear_down(rig, INTX), 0);
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &other),
			 0);
	rig_destroy(rig);
	close(fd);
	close(unmask);
	close(other);
}

/* Shows V19, V20. */
static void vectors_come_in_any_order(void **state)
{
	static const int nothing[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
	struct rig *rig = rig_create(&model_full, NULL, false);
	int one = event_create(), six = event_create();

	(void)state;
	set_master(rig, true);
	assert_int_equal(trigger(rig, MSIX, 1, one), 0);
	assert_int_equal(model_send(rig, 0), 0);
	assert_int_equal(model_send(rig, 1), 0);
	assert_int_equal(event_take(one), 1);
	assert_int_equal(loop_back(rig, MSIX, 0, 8), 0);
	assert_int_equal(event_take(one), 1);
	assert_int_equal(tear_down(rig, MSIX), 0);

	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 8, nothing),
			 0);
	assert_int_equal(loop_back(rig, MSIX, 0, 8), 0);
	assert_int_equal(trigger(rig, MSI, 0, one), -EINVAL);
	assert_int_equal(trigger(rig, MSIX, 6, six), 0);
	assert_int_equal(trigger(rig, MSIX, 1, one), 0);
	assert_int_equal(model_send(rig, 6), 0);
	assert_int_equal(event_take(six), 1);
	assert_int_equal(loop_back(rig, MSIX, 0, 8), 0);
	assert_int_equal(event_take(one), 1);
	assert_int_equal(event_take(six), 1);
	rig_destroy(rig);
	close(one);
	close(six);
}

/* Shows V21. */
static void vectors_outside_a_wrong_block_stay(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[6], block[6];

	(void)state;
	for (int i = 0; i < 6; i++)
		fds[i] = event_create();
	for (int wrong = 0; wrong < 4; wrong++) {
		for (uint32_t index = MSI; index <= MSIX; index++) {
			assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, index,
						  0, 6, fds),
					 0);
			memcpy(block, fds, sizeof(block));
			block[wrong] = 999;
			assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, index,
						  1, 4, block),
					 -EBADF);
			assert_int_equal(loop_back(rig, index, 0, 6), 0);
			/* The failing one is empty, too; what follows is not.
			 */
			for (int i = 0; i < 6; i++)
				assert_int_equal(event_take(fds[i]),
						 i < 1 || i > 1 + wrong);
			assert_int_equal(tear_down(rig, index), 0);
		}
	}
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	rig_destroy(rig);
}

/* Shows V28. */
static void disintx_silences_and_clearing_it_unmasks(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create();

	(void)state;
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	disable_intx(rig, true);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), 0);
	disable_intx(rig, false);
	assert_int_equal(event_take(fd), 1);
	model_line(rig, false);
	disable_intx(rig, true);
	model_line(rig, true);
	model_line(rig, false);
	disable_intx(rig, false);
	assert_int_equal(event_take(fd), 0);
	/* The mask of the ioctl is the same one. */
	assert_int_equal(set_irqs(rig, NONE | MASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(cfg_get(rig, 5, 1) & 4, 0);
	disable_intx(rig, true);
	disable_intx(rig, false);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);
	/* Set while INTx is off, it counts from the start. */
	assert_int_equal(tear_down(rig, INTX), 0);
	disable_intx(rig, true);
	assert_int_equal(trigger(rig, INTX, 0, fd), 0);
	assert_int_equal(event_take(fd), 0);
	disable_intx(rig, false);
	assert_int_equal(event_take(fd), 1);
	rig_destroy(rig);
	close(fd);
}

/* Shows V30. */
static void messages_silence_the_line(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int line = event_create(), message = event_create();

	(void)state;
	set_master(rig, true);
	assert_int_equal(trigger(rig, INTX, 0, line), 0);
	assert_int_equal(tear_down(rig, INTX), 0);
	assert_int_equal(trigger(rig, MSIX, 0, message), 0);
	model_line(rig, true);
	assert_int_equal(event_take(line), 0);
	assert_int_equal(event_take(message), 0);
	assert_int_equal(model_send(rig, 0), 0);
	assert_int_equal(event_take(message), 1);
	assert_int_equal(tear_down(rig, MSIX), 0);
	assert_int_equal(event_take(line), 0);
	assert_int_equal(trigger(rig, INTX, 0, line), 0);
	assert_int_equal(event_take(line), 1);
	rig_destroy(rig);
	close(line);
	close(message);
}

/* Shows V31. */
static void each_of_two_functions_counts_for_itself(void **state)
{
	struct rig *a = rig_create_at(&model_plain, NULL, "00:05.0");
	struct rig *b = rig_create_at(&model_plain, NULL, "00:09.0");
	int of_a = event_create(), of_b = event_create();

	(void)state;
	/* Slots 5 and 9 share a line of the host: 4 apart. */
	assert_int_equal(cfg_get(a, PCI_INTERRUPT_LINE, 1),
			 cfg_get(b, PCI_INTERRUPT_LINE, 1));
	assert_int_equal(trigger(a, INTX, 0, of_a), 0);
	assert_int_equal(trigger(b, INTX, 0, of_b), 0);
	model_line(a, true);
	assert_int_equal(event_take(of_a), 1);
	assert_int_equal(event_take(of_b), 0);
	model_line(b, true);
	assert_int_equal(event_take(of_a), 0);
	assert_int_equal(event_take(of_b), 1);
	/* Unmasking the one does not touch the other. */
	assert_int_equal(set_irqs(a, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(of_a), 1);
	assert_int_equal(event_take(of_b), 0);
	rig_destroy(a);
	rig_destroy(b);
	close(of_a);
	close(of_b);
}

/* Shows V32. */
static void the_status_register_follows_the_line(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();

	(void)state;
	for (int step = 0; step < 5; step++) {
		if (step == 1)
			assert_int_equal(trigger(rig, INTX, 0, fd), 0);
		if (step == 2)
			assert_int_equal(
				set_irqs(rig, NONE | MASK, INTX, 0, 1, NULL),
				0);
		if (step == 3)
			disable_intx(rig, true);
		if (step == 4) {
			assert_int_equal(tear_down(rig, INTX), 0);
			assert_int_equal(trigger(rig, MSIX, 0, fd), 0);
		}
		for (int level = 1; level >= 0; level--) {
			model_line(rig, level);
			assert_int_equal(cfg_get(rig, PCI_STATUS, 2) >> 3 & 1,
					 level);
			/* COMMAND shows what the client wrote there. */
			assert_int_equal(cfg_get(rig, PCI_COMMAND, 2) >> 10 & 1,
					 step >= 3);
		}
	}
	rig_destroy(rig);
	close(fd);
}

/* Shows V43. */
static void the_vectors_of_msi_are_what_the_host_gave(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		fds[i] = event_create();
	set_master(rig, true);
	cfg_set(rig, 0x54, 4, 0x12345678);
	cfg_set(rig, 0x5c, 2, 0x9abc);
	/* Nothing was enabled yet: no vectors to choose from. */
	cfg_set(rig, 0x52, 1, 0x81 | 3 << 4);
	assert_int_equal(cfg_get(rig, 0x52, 1) & 0x71, 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 3, fds), 0);
	assert_int_equal(model_send(rig, 2), 0);
	assert_int_equal(event_take(fds[2]), 1);
	assert_int_equal(cfg_get(rig, 0x54, 4), 0x12345678);
	assert_int_equal(cfg_get(rig, 0x5c, 2), 0x9abc);
	/* Three take the place of four; a client may choose fewer. */
	cfg_set(rig, 0x52, 1, 0x81 | 5 << 4);
	assert_int_equal(cfg_get(rig, 0x52, 1) & 0x71, 0x21);
	cfg_set(rig, 0x52, 1, 0x81 | 1 << 4);
	assert_int_equal(model_send(rig, 2), 0);
	assert_int_equal(event_take(fds[0]), 1);
	/* A reset brings the host's choice back. */
	assert_int_equal(rig->pci->vfio.ops->reset(&rig->pci->vfio,
						   &rig->client.caller, 0),
			 0);
	assert_int_equal(model_send(rig, 2), 0);
	assert_int_equal(event_take(fds[2]), 1);
	assert_int_equal(cfg_get(rig, 0x60, 4), 0xf8);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	rig_destroy(rig);
}

/* Shows V44. */
static void msix_control_follows_set_irqs(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();

	(void)state;
	assert_int_equal(cfg_get(rig, 0x72, 2), 69);
	cfg_set(rig, 0x72, 2, 0xc000);
	assert_int_equal(cfg_get(rig, 0x72, 2), 69);
	assert_int_equal(trigger(rig, MSIX, 3, fd), 0);
	assert_int_equal(cfg_get(rig, 0x72, 2), 0x8000 | 69);
	cfg_set(rig, 0x72, 2, 0);
	assert_int_equal(cfg_get(rig, 0x72, 2), 0x8000 | 69);
	assert_int_equal(tear_down(rig, MSIX), 0);
	assert_int_equal(cfg_get(rig, 0x72, 2), 69);
	/* Offsets and BARs of table and pending bits are the hardware's. */
	assert_int_equal(cfg_get(rig, 0x74, 4), 0x8000);
	assert_int_equal(cfg_get(rig, 0x78, 4), 0x9000);
	rig_destroy(rig);
	close(fd);
}

/* Shows V23. */
static void the_first_wrong_thing_of_enabling_wins(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 0, NULL),
			 -ERANGE);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 2, 0, NULL), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 0, NULL), 0);
	assert_int_equal(loop_back(rig, MSI, 0, 2), 0);
	assert_int_equal(tear_down(rig, MSI), 0);
	/* In D3, MSI-X counts first, MSI does not. */
	cfg_set(rig, 0x44, 2, 3);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 0, NULL),
			 -ERANGE);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_function_has_not_is_counted_and_refused),
		cmocka_unit_test(an_inactive_line_cannot_be_masked),
		cmocka_unit_test(one_type_is_active_at_a_time),
		cmocka_unit_test(a_wrong_trigger_changes_nothing),
		cmocka_unit_test(intx_may_be_without_a_trigger),
		cmocka_unit_test(loop_back_of_intx_masks_nothing),
		cmocka_unit_test(unmasking_of_an_open_line_does_nothing),
		cmocka_unit_test(vectors_come_in_any_order),
		cmocka_unit_test(vectors_outside_a_wrong_block_stay),
		cmocka_unit_test(disintx_silences_and_clearing_it_unmasks),
		cmocka_unit_test(messages_silence_the_line),
		cmocka_unit_test(each_of_two_functions_counts_for_itself),
		cmocka_unit_test(the_status_register_follows_the_line),
		cmocka_unit_test(the_vectors_of_msi_are_what_the_host_gave),
		cmocka_unit_test(msix_control_follows_set_irqs),
		cmocka_unit_test(the_first_wrong_thing_of_enabling_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
