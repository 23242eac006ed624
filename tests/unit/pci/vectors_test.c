/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI and MSI-X: which eventfd a message ends in, and what masks do.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "rig.h"

#define MAX   16
#define TABLE (REGION(0) + 0x8000)
#define PBA   (REGION(0) + 0x9000)

static void create_events(int *fds)
{
	for (int i = 0; i < MAX; i++)
		fds[i] = event_create();
}

static void close_events(const int *fds)
{
	for (int i = 0; i < MAX; i++)
		close(fds[i]);
}

static void set_master(struct rig *rig, bool on)
{
	cfg_set(rig, 4, 2, on ? 0x0006 : 0x0002);
}

static uint32_t table_get(struct rig *rig, unsigned int vector,
			  unsigned int off)
{
	uint32_t value = 0;

	assert_true(rig->pci->vfio.ops->mmio(
		&rig->pci->vfio, TABLE + 16 * vector + off, &value, 4, false));
	return value;
}

static void table_set(struct rig *rig, unsigned int vector, unsigned int off,
		      uint32_t value)
{
	assert_true(rig->pci->vfio.ops->mmio(
		&rig->pci->vfio, TABLE + 16 * vector + off, &value, 4, true));
}

static uint64_t pba_get(struct rig *rig)
{
	uint64_t value = 0;

	assert_int_equal(rig_read(rig, PBA, &value, 8), 8);
	return value;
}

/* Shows V26, V14. */
static void loopback_reaches_each_vector_once(void **state)
{
	static const uint32_t indexes[] = {MSI, MSIX};
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[MAX];

	(void)state;
	create_events(fds);
	for (int i = 0; i < 2; i++) {
		uint32_t index = indexes[i];
		uint32_t count = index == MSI ? 8 : MAX;
		uint8_t which[MAX] = {1, 0, 1};

		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 0, 1, NULL),
			-EINVAL);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, index, 0, count, fds),
			0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 0, count, NULL),
			0);
		for (uint32_t v = 0; v < count; v++)
			assert_int_equal(event_take(fds[v]), 1);
		assert_int_equal(
			set_irqs(rig, BOOL | TRIGGER, index, 0, 3, which), 0);
		assert_int_equal(event_take(fds[0]), 1);
		assert_int_equal(event_take(fds[1]), 0);
		assert_int_equal(event_take(fds[2]), 1);
		assert_int_equal(
			set_irqs(rig, BOOL | TRIGGER, index, 3, 0, NULL), 0);
		assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER,
					  index == MSI ? MSIX : MSI, 0, 1, fds),
				 -EINVAL);
		assert_int_equal(set_irqs(rig, NONE | TRIGGER,
					  index == MSI ? MSIX : MSI, 0, 0,
					  NULL),
				 -EINVAL);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, index, 5, 0, NULL), 0);
	}
	close_events(fds);
	rig_destroy(rig);
}

/* Shows V19, V20, V23. */
static void enabling_has_its_own_rules(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[MAX], none[4] = {-1, -1, -1, -1};

	(void)state;
	create_events(fds);
	set_master(rig, true);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 0, NULL),
			 -ERANGE);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 2, 0, NULL), 0);
	assert_int_equal(cfg_get(rig, 0x72, 2), 0x8000 | 69);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 0, NULL), 0);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 4, NULL), 0);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL), 0);
	assert_int_equal(cfg_get(rig, 0x72, 2), 69);

	/* From the middle, and all empty. */
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 1, 1, fds), 0);
	assert_int_equal(model_send(rig, 1), 0);
	assert_int_equal(event_take(fds[0]), 1);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 4, none), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 2, 1, fds), 0);
	assert_int_equal(model_send(rig, 2), 0);
	assert_int_equal(event_take(fds[0]), 1);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL), 0);

	/* Not while the function sleeps. */
	cfg_set(rig, 0x44, 2, 3);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 1, fds),
			 -EINVAL);
	close_events(fds);
	rig_destroy(rig);
}

/* Shows V22.  Flips msix_is_dynamic, loopback_skips_unknown. */
static void vectors_can_be_added_where_the_kernel_can(void **state)
{
	struct rig *now = rig_create(&model_full, "6.6", false);
	struct rig *old = rig_create(&model_full, "6.1", false);
	int fds[MAX];

	(void)state;
	create_events(fds);
	for (int i = 0; i < 2; i++) {
		struct rig *rig = i ? old : now;

		/* No vector is set, but those before are enabled. */
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, MSIX, 4, 0, NULL),
			i ? -EINVAL : 0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL),
			i ? -EINVAL : 0);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 2, fds), 0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, MSIX, 0, 5, NULL),
			i ? -EINVAL : 0);
		assert_int_equal(event_take(fds[0]), i ? 0 : 1);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, MSIX, 5, 1, fds + 5),
			i ? -EINVAL : 0);
		assert_int_equal(
			set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL), 0);
		/* Never for MSI. */
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 2, fds), 0);
		assert_int_equal(
			set_irqs(rig, EVENTFD | TRIGGER, MSI, 2, 1, fds),
			-EINVAL);
		set_irqs(rig, NONE | TRIGGER, MSI, 0, 0, NULL);
		event_take(fds[1]);
	}
	close_events(fds);
	rig_destroy(now);
	rig_destroy(old);
}

/* Shows V21. */
static void failing_block_is_left_empty(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[MAX], bad[3];

	(void)state;
	create_events(fds);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 6, fds), 0);
	bad[0] = fds[8];
	bad[1] = 999;
	bad[2] = fds[9];
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 1, 3, bad),
			 -EBADF);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 6, NULL), 0);
	assert_int_equal(event_take(fds[0]), 1);
	assert_int_equal(event_take(fds[1]), 0);
	assert_int_equal(event_take(fds[2]), 0);
	assert_int_equal(event_take(fds[3]), 1);
	assert_int_equal(event_take(fds[8]), 0);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 0, NULL), 0);
	/* The call that enables turns it off again. */
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 1, 3, bad),
			 -EBADF);
	assert_int_equal(rig->pci->irq_type, UVF_PCI_IRQ_NONE);
	assert_int_equal(cfg_get(rig, 0x72, 2), 69);
	close_events(fds);
	rig_destroy(rig);
}

static void msix_masks_hold_messages_back(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[MAX], none = -1;

	(void)state;
	create_events(fds);
	set_master(rig, true);
	assert_int_equal(model_send(rig, 0), -ENODEV);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 4, fds), 0);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(table_get(rig, i, 12), i >= 4);
		assert_int_equal(table_get(rig, i, 0), i < 4 ? 0xfee00000 : 0);
	}
	assert_int_equal(model_send(rig, 3), 0);
	assert_int_equal(event_take(fds[3]), 1);
	assert_int_equal(model_send(rig, 70), -EINVAL);

	table_set(rig, 3, 12, 1);
	assert_int_equal(model_send(rig, 3), 0);
	assert_int_equal(model_send(rig, 3), 0);
	assert_int_equal(event_take(fds[3]), 0);
	assert_int_equal(pba_get(rig), 1 << 3);
	table_set(rig, 3, 12, 0);
	assert_int_equal(event_take(fds[3]), 1);
	assert_int_equal(pba_get(rig), 0);

	/* A vector nobody listens to waits for its first listener. */
	assert_int_equal(model_send(rig, 9), 0);
	assert_int_equal(pba_get(rig), 1 << 9);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 9, 1, fds + 9),
			 0);
	assert_int_equal(event_take(fds[9]), 1);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 9, 1, &none),
			 0);
	assert_int_equal(table_get(rig, 9, 12), 1);
	assert_int_equal(model_send(rig, 9), 0);
	assert_int_equal(pba_get(rig), 1 << 9);

	/* Without bus mastering messages are lost, unless they wait. */
	set_master(rig, false);
	assert_int_equal(model_send(rig, 0), -EPERM);
	table_set(rig, 1, 12, 1);
	assert_int_equal(model_send(rig, 1), 0);
	table_set(rig, 1, 12, 0);
	assert_int_equal(event_take(fds[1]), 0);
	set_master(rig, true);
	assert_int_equal(event_take(fds[0]), 0);
	assert_int_equal(event_take(fds[1]), 1);
	close_events(fds);
	rig_destroy(rig);
}

/* Shows V44.  pread sees nothing of the table, and pwrite does not reach it. */
static void table_is_closed_to_pread(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint8_t bytes[32];
	uint32_t zero = 0;

	(void)state;
	assert_int_equal(rig_write(rig, TABLE + 12, &zero, 4), 4);
	assert_int_equal(table_get(rig, 0, 12), 1);
	assert_int_equal(rig_read(rig, TABLE, bytes, 32), 32);
	for (int i = 0; i < 32; i++)
		assert_int_equal(bytes[i], 0xff);
	/* It does not even ask for memory decode. */
	cfg_set(rig, 4, 2, 0);
	assert_int_equal(rig_read(rig, TABLE + 3, bytes, 5), 5);
	assert_int_equal(rig_read(rig, PBA, bytes, 8), -EIO);
	assert_int_equal(rig_read(rig, TABLE + 16 * 70 - 4, bytes, 4), 4);
	assert_int_equal(rig_read(rig, TABLE + 16 * 70 - 4, bytes, 8), -EIO);
	rig_destroy(rig);
}

static void msi_folds_and_masks(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[MAX];

	(void)state;
	create_events(fds);
	set_master(rig, true);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 3, fds), 0);
	assert_int_equal(rig->probe->mode, UVFIO_IRQ_MSI);
	assert_int_equal(cfg_get(rig, 0x60, 4), 0xf8);
	assert_int_equal(model_send(rig, 6), 0);
	assert_int_equal(event_take(fds[2]), 1);
	/* Vector 3 was not asked for: the host keeps it masked. */
	assert_int_equal(model_send(rig, 7), 0);
	assert_int_equal(cfg_get(rig, 0x64, 4), 0x8);
	cfg_set(rig, 0x60, 4, 0xf9);
	assert_int_equal(model_send(rig, 0), 0);
	assert_int_equal(event_take(fds[0]), 0);
	assert_int_equal(cfg_get(rig, 0x64, 4), 0x9);
	cfg_set(rig, 0x60, 4, 0xf8);
	assert_int_equal(event_take(fds[0]), 1);
	assert_int_equal(cfg_get(rig, 0x64, 4), 0x8);
	/* MME in the client's view is no more than was enabled. */
	cfg_set(rig, 0x52, 1, 0x81 | 3 << 4);
	assert_int_equal(cfg_get(rig, 0x52, 1) >> 4 & 7, 2);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSI, 0, 0, NULL), 0);
	assert_int_equal(cfg_get(rig, 0x60, 4), 0);
	close_events(fds);
	rig_destroy(rig);
}

/* Shows V54. */
static void reset_keeps_triggers_and_drops_messages(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fds[MAX];

	(void)state;
	create_events(fds);
	set_master(rig, true);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 4, fds), 0);
	table_set(rig, 0, 12, 1);
	table_set(rig, 1, 0, 0xdead0000);
	assert_int_equal(model_send(rig, 0), 0);
	assert_int_equal(rig->pci->vfio.ops->reset(&rig->pci->vfio,
						   &rig->client.caller, 0),
			 0);
	assert_int_equal(event_take(fds[0]), 0);
	assert_int_equal(pba_get(rig), 0);
	assert_int_equal(table_get(rig, 0, 12), 0);
	assert_int_equal(table_get(rig, 1, 0), 0xfee00000);
	assert_int_equal(cfg_get(rig, 4, 2), 0x0006);
	assert_int_equal(model_send(rig, 0), 0);
	assert_int_equal(event_take(fds[0]), 1);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 4, fds), 0);
	close_events(fds);
	rig_destroy(rig);
}

/* Shows V25.  The client's descriptor may go; its eventfd stays. */
static void closed_descriptor_still_counts(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create(), copy = dup(fd);

	(void)state;
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 1, &fd), 0);
	close(fd);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 1, NULL), 0);
	assert_int_equal(event_take(copy), 1);
	close(copy);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_reaches_each_vector_once),
		cmocka_unit_test(enabling_has_its_own_rules),
		cmocka_unit_test(vectors_can_be_added_where_the_kernel_can),
		cmocka_unit_test(failing_block_is_left_empty),
		cmocka_unit_test(msix_masks_hold_messages_back),
		cmocka_unit_test(table_is_closed_to_pread),
		cmocka_unit_test(msi_folds_and_masks),
		cmocka_unit_test(reset_keeps_triggers_and_drops_messages),
		cmocka_unit_test(closed_descriptor_still_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
