/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of one function: by which way, what the model is told, and what is
 * as before when they are over.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "pci/handlers.h"
#include "rig.h"

/* Where the capabilities of model_full are. */
#define PM_CTRL 0x44
#define DEVCTL  0x88
#define AF_CTRL 0xdc

static long ioctl_reset(struct rig *rig)
{
	return rig->pci->vfio.ops->reset(&rig->pci->vfio, &rig->client.caller,
					 0);
}

static long trigger(struct rig *rig, uint32_t index, int fd)
{
	return set_irqs(rig, EVENTFD | TRIGGER, index, 0, 1, &fd);
}

/* Each way to reset model_full through its file. */
enum way {
	BY_IOCTL,
	BY_FLR,
	BY_AF,
	WAYS,
};

static enum uvfio_reset_kind reset_by(struct rig *rig, enum way way)
{
	switch (way) {
	case BY_FLR:
		cfg_set(rig, DEVCTL, 2,
			cfg_get(rig, DEVCTL, 2) | PCI_EXP_DEVCTL_BCR_FLR);
		return UVFIO_RESET_FLR;
	case BY_AF:
		cfg_set(rig, AF_CTRL, 1, PCI_AF_CTRL_FLR);
		return UVFIO_RESET_FLR;
	default:
		assert_int_equal(ioctl_reset(rig), 0);
		return UVFIO_RESET_IOCTL;
	}
}

/* Shows V54. */
static void configuration_is_as_before(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct rig *rig = rig_create(&model_full, NULL, false);
		enum uvfio_reset_kind kind;
		uint32_t value = 0x1234;

		cfg_set(rig, PCI_COMMAND, 2, 0x0506);
		cfg_set(rig, PCI_CACHE_LINE_SIZE, 1, 0x10);
		cfg_set(rig, PCI_INTERRUPT_LINE, 1, 0x77);
		cfg_set(rig, PCI_BASE_ADDRESS_3, 4, 0xabcd0000);
		cfg_set(rig, DEVCTL, 2, 0x0100);
		assert_int_equal(rig_write(rig, REGION(0), &value, 4), 4);
		probe_clear(rig->probe);
		assert_int_equal(rig->probe->last_reset, UVFIO_RESET_OPEN);
		kind = reset_by(rig, way);
		assert_int_equal(rig->probe->last_reset, kind);
		assert_int_equal(rig->probe->resets, 1);
		assert_true(rig->probe->is_bus_master);

		assert_int_equal(cfg_get(rig, PCI_COMMAND, 2), 0x0506);
		assert_int_equal(cfg_get(rig, PCI_CACHE_LINE_SIZE, 1), 0x10);
		assert_int_equal(cfg_get(rig, PCI_INTERRUPT_LINE, 1), 0x77);
		assert_int_equal(cfg_get(rig, PCI_BASE_ADDRESS_3, 4),
				 0xabcd0000);
		assert_int_equal(cfg_get(rig, DEVCTL, 2) & 0x8fff, 0x0100);
		assert_int_equal(cfg_get(rig, AF_CTRL, 1), 0);
		assert_int_equal(rig_read(rig, REGION(0), &value, 4), 4);
		assert_int_equal(value, 0);
		rig_destroy(rig);
	}
}

/* Shows V54. */
static void interrupts_stay_armed(void **state)
{
	static const uint32_t indexes[] = {INTX, MSI, MSIX};

	(void)state;
	for (int i = 0; i < 3 * WAYS; i++) {
		struct rig *rig = rig_create(&model_full, NULL, false);
		uint32_t index = indexes[i / WAYS];
		int fd = event_create(), err = event_create();

		cfg_set(rig, PCI_COMMAND, 2, 6);
		assert_int_equal(trigger(rig, index, fd), 0);
		assert_int_equal(trigger(rig, ERR, err), 0);
		(void)reset_by(rig, (enum way)(i % WAYS));
		assert_int_equal(event_take(fd), 0);
		if (index == INTX)
			model_line(rig, true);
		else
			assert_int_equal(model_send(rig, 0), 0);
		assert_int_equal(event_take(fd), 1);
		assert_int_equal(set_irqs(rig, NONE | TRIGGER, ERR, 0, 1, NULL),
				 0);
		assert_int_equal(event_take(err), 1);
		/* It is still the active type, and can be armed anew. */
		assert_int_equal(trigger(rig, index, fd), 0);
		rig_destroy(rig);
		close(fd);
		close(err);
	}
}

/* Shows V54. */
static void a_reset_lowers_the_line_and_keeps_its_mask(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();

	(void)state;
	assert_int_equal(trigger(rig, INTX, fd), 0);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(ioctl_reset(rig), 0);
	assert_int_equal(cfg_get(rig, PCI_STATUS, 2) & 8, 0);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), 1);
	rig_destroy(rig);
	close(fd);
}

/* Shows V54. */
static void mappings_fault_once_and_come_back(void **state)
{
	struct uvf_page page;

	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct rig *rig = rig_create(&model_full, NULL, false);
		uint8_t *mem = uvfio_mem(&rig->pci->model, 0, 0x4000);
		off_t size;
		int old;

		pci_fault(&rig->pci->vfio, REGION(0) + 0x4000, &page);
		assert_int_equal(page.kind, UVF_PAGE_MEMORY);
		old = dup(page.fd);
		mem[5] = 0x55;
		(void)reset_by(rig, way);
		/* The file that a client has mapped is empty now. */
		size = lseek(old, 0, SEEK_END);
		assert_int_equal(size, 0);
		pci_fault(&rig->pci->vfio, REGION(0) + 0x4000, &page);
		assert_int_equal(page.kind, UVF_PAGE_MEMORY);
		assert_int_equal(lseek(page.fd, 0, SEEK_END), 0x10000);
		rig_destroy(rig);
		close(old);
	}
}

/* Shows V54. */
static void a_function_without_a_method_is_refused(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);

	(void)state;
	probe_clear(rig->probe);
	assert_int_equal(ioctl_reset(rig), -EINVAL);
	assert_int_equal(rig->probe->resets, 0);
	rig_destroy(rig);
}

/* Whoever binds or unbinds the function has its lock. */
static void nobody_waits_for_who_has_the_function(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	const struct uvf_device_ops *ops = rig->pci->vfio.ops;
	uint32_t value = 0x1234;

	(void)state;
	assert_int_equal(rig_write(rig, REGION(0), &value, 4), 4);
	probe_clear(rig->probe);
	uvf_lock(&rig->pci->bus.lock);
	assert_int_equal(ioctl_reset(rig), -EAGAIN);
	(void)reset_by(rig, BY_FLR);
	(void)reset_by(rig, BY_AF);
	/* The bits clear themselves all the same. */
	assert_int_equal(cfg_get(rig, DEVCTL, 2) & 0x8000, 0);
	assert_int_equal(cfg_get(rig, AF_CTRL, 1), 0);
	assert_int_equal(rig_read(rig, REGION(0), &value, 4), 4);
	assert_int_equal(value, 0x1234);
	ops->close(&rig->pci->vfio);
	assert_int_equal(rig->probe->resets, 0);
	assert_int_equal(ops->open(&rig->pci->vfio), -EAGAIN);
	uvf_unlock(&rig->pci->bus.lock);
	assert_int_equal(ops->open(&rig->pci->vfio), 0);
	assert_int_equal(rig->probe->resets, 1);
	rig_destroy(rig);
}

/* Shows V54. */
static void d3_is_a_reset_where_state_is_lost(void **state)
{
	struct rig *rig = rig_create(&model_pm, NULL, false);
	struct rig *full = rig_create(&model_full, NULL, false);
	uint32_t value = 0x1234;

	(void)state;
	cfg_set(rig, PCI_COMMAND, 2, 6);
	assert_int_equal(rig_write(rig, REGION(0), &value, 4), 4);
	probe_clear(rig->probe);
	cfg_set(rig, PM_CTRL, 2, 3);
	assert_false(rig->probe->is_bus_master);
	assert_int_equal(rig->probe->resets, 0);
	cfg_set(rig, PM_CTRL, 2, 0);
	assert_int_equal(rig->probe->resets, 1);
	assert_int_equal(rig->probe->last_reset, UVFIO_RESET_PM);
	assert_int_equal(cfg_get(rig, PCI_COMMAND, 2), 6);
	assert_int_equal(rig_read(rig, REGION(0), &value, 4), 4);
	assert_int_equal(value, 0);
	/* From D3, too, a reset finds it in D0. */
	cfg_set(rig, PM_CTRL, 2, 3);
	assert_int_equal(ioctl_reset(rig), 0);
	assert_int_equal(cfg_get(rig, PM_CTRL, 2) & 3, 0);
	assert_int_equal(rig->probe->last_reset, UVFIO_RESET_IOCTL);

	value = 0x1234;
	assert_int_equal(rig_write(full, REGION(0), &value, 4), 4);
	cfg_set(full, PM_CTRL, 2, 3);
	cfg_set(full, PM_CTRL, 2, 0);
	assert_int_equal(rig_read(full, REGION(0), &value, 4), 4);
	assert_int_equal(value, 0x1234);
	rig_destroy(rig);
	rig_destroy(full);
}

/* Shows V55. */
static void the_next_user_finds_nothing_of_the_last(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	int fd = event_create();
	uint32_t value = 0x1234;

	(void)state;
	cfg_set(rig, PCI_COMMAND, 2, 0x0406);
	cfg_set(rig, PCI_BASE_ADDRESS_3, 4, 0);
	cfg_set(rig, PCI_INTERRUPT_LINE, 1, 0x77);
	assert_int_equal(rig_write(rig, REGION(0), &value, 4), 4);
	assert_int_equal(trigger(rig, ERR, fd), 0);
	assert_int_equal(trigger(rig, MSIX, fd), 0);
	probe_clear(rig->probe);
	rig_reopen(rig);
	assert_int_equal(rig->probe->resets, 2);
	assert_int_equal(rig->probe->last_reset, UVFIO_RESET_OPEN);
	assert_false(rig->probe->is_bus_master);
	assert_int_equal(cfg_get(rig, PCI_COMMAND, 2), 0x0103);
	assert_int_not_equal(cfg_get(rig, PCI_BASE_ADDRESS_3, 4), 0);
	assert_int_equal(rig_read(rig, REGION(0), &value, 4), 4);
	assert_int_equal(value, 0);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, ERR, 0, 1, NULL),
			 -EINVAL);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSIX, 0, 1, NULL),
			 -EINVAL);
	rig_destroy(rig);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_is_as_before),
		cmocka_unit_test(interrupts_stay_armed),
		cmocka_unit_test(a_reset_lowers_the_line_and_keeps_its_mask),
		cmocka_unit_test(mappings_fault_once_and_come_back),
		cmocka_unit_test(a_function_without_a_method_is_refused),
		cmocka_unit_test(nobody_waits_for_who_has_the_function),
		cmocka_unit_test(d3_is_a_reset_where_state_is_lost),
		cmocka_unit_test(the_next_user_finds_nothing_of_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
