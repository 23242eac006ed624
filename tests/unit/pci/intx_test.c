/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INTx: the cases of the specification, then random events against a model
 * of it that shares no code with the device.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "rig.h"

#define STEPS 200000

static void disable_intx(struct rig *rig, bool disable)
{
	uint32_t high = cfg_get(rig, 5, 1);

	cfg_set(rig, 5, 1, disable ? high | 4 : high & ~4u);
}

/* The thread consumes the signal and acts on it under the model's lock. */
static void signal_and_wait(struct rig *rig, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), 8);
	while (poll(&p, 1, 0) == 1)
		sched_yield();
	uvf_lock(&rig->pci->model.lock);
	uvf_unlock(&rig->pci->model.lock);
}

/* Shows V27. */
static void signals_once_and_masks_itself(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create();

	(void)state;
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, INTX, 0, 1, &fd), 0);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);
	assert_true(cfg_get(rig, 6, 2) & PCI_STATUS_INTERRUPT);
	assert_int_equal(cfg_get(rig, 4, 2) & 0x400, 0);
	model_line(rig, false);
	assert_false(cfg_get(rig, 6, 2) & PCI_STATUS_INTERRUPT);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), 1);
	model_line(rig, false);
	assert_int_equal(set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL), 0);
	assert_int_equal(event_take(fd), 0);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);
	rig_destroy(rig);
	close(fd);
}

/* Shows V29. */
static void line_that_is_high_signals_when_enabled(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create(), msi = event_create();

	(void)state;
	model_line(rig, true);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSI, 0, 1, &msi), 0);
	assert_int_equal(event_take(msi), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, INTX, 0, 1, &fd),
			 -EINVAL);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, MSI, 0, 0, NULL), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, INTX, 0, 1, &fd), 0);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, INTX, 0, 0, NULL), 0);
	assert_int_equal(set_irqs(rig, NONE | TRIGGER, INTX, 0, 0, NULL),
			 -EINVAL);
	rig_destroy(rig);
	close(fd);
	close(msi);
}

/* Shows V18. */
static void unmask_eventfd_is_one_and_consumed(void **state)
{
	struct rig *rig = rig_create(&model_plain, NULL, false);
	int fd = event_create(), unmask = event_create(), none = -1;
	uint64_t one = 1;

	(void)state;
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &unmask),
			 -EINVAL);
	set_irqs(rig, EVENTFD | TRIGGER, INTX, 0, 1, &fd);
	assert_int_equal(set_irqs(rig, EVENTFD | MASK, INTX, 0, 1, &unmask),
			 -ENOTTY);
	model_line(rig, true);
	assert_int_equal(event_take(fd), 1);

	/* One that is signalled already acts at once and keeps its count. */
	assert_int_equal(write(unmask, &one, sizeof(one)), 8);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &unmask),
			 0);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &unmask),
			 -EBUSY);
	usleep(20000);
	assert_int_equal(event_take(fd), 0);
	signal_and_wait(rig, unmask);
	assert_int_equal(event_take(fd), 1);
	signal_and_wait(rig, unmask);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &none), 0);
	assert_int_equal(set_irqs(rig, EVENTFD | UNMASK, INTX, 0, 1, &none), 0);
	assert_int_equal(write(unmask, &one, sizeof(one)), 8);
	assert_int_equal(event_take(unmask), 1);
	assert_int_equal(event_take(fd), 0);
	rig_destroy(rig);
	close(fd);
	close(unmask);
}

/* What the specification says, in as few words as it takes. */
struct reference {
	bool line, dis, active, masked, trigger;
	bool msi;
	uint64_t signals;
};

static void ref_signal(struct reference *ref)
{
	if (ref->active && !ref->dis && ref->trigger)
		ref->signals++;
}

static void ref_line(struct reference *ref, bool level)
{
	ref->line = level;
	if (level && ref->active && !ref->masked) {
		ref->masked = true;
		ref_signal(ref);
	}
}

static void ref_unmask(struct reference *ref)
{
	if (!ref->active || !ref->masked || ref->dis)
		return;
	if (ref->line)
		ref_signal(ref);
	else
		ref->masked = false;
}

static void ref_enable(struct reference *ref, bool trigger)
{
	ref->trigger = trigger;
	if (ref->active)
		return;
	ref->active = true;
	ref->masked = ref->dis;
	ref_line(ref, ref->line);
}

enum step {
	RAISE,
	LOWER,
	IOCTL_MASK,
	IOCTL_UNMASK,
	EVENT_UNMASK,
	SET_DISINTX,
	CLEAR_DISINTX,
	LOOPBACK,
	LOOPBACK_NO,
	REPLACE,
	CLEAR_TRIGGER,
	DISABLE,
	MSI_ON,
	MSI_OFF,
	STEP_COUNT,
};

struct bench {
	struct rig *rig;
	struct reference ref;
	int fd, unmask, msi;
	bool has_unmask;
};

/* -EINVAL wherever INTx has to be active and is not. */
static void expect_active(const struct bench *bench, long ret)
{
	assert_int_equal(ret, bench->ref.active ? 0 : -EINVAL);
}

static void enable(struct bench *bench, int fd)
{
	long ret = set_irqs(bench->rig, EVENTFD | TRIGGER, INTX, 0, 1, &fd);

	assert_int_equal(ret, bench->ref.msi ? -EINVAL : 0);
	if (!ret)
		ref_enable(&bench->ref, fd >= 0);
}

static void disable(struct bench *bench)
{
	expect_active(bench,
		      set_irqs(bench->rig, NONE | TRIGGER, INTX, 0, 0, NULL));
	bench->ref.active = false;
	bench->has_unmask = false;
}

static void unmask_by_event(struct bench *bench)
{
	long ret;

	if (!bench->has_unmask) {
		ret = set_irqs(bench->rig, EVENTFD | UNMASK, INTX, 0, 1,
			       &bench->unmask);
		expect_active(bench, ret);
		bench->has_unmask = !ret;
	}
	if (!bench->has_unmask)
		return;
	signal_and_wait(bench->rig, bench->unmask);
	ref_unmask(&bench->ref);
}

static void switch_msi(struct bench *bench, bool on)
{
	struct reference *ref = &bench->ref;
	bool is_right = on ? !ref->active : ref->msi;
	long ret = on ? set_irqs(bench->rig, EVENTFD | TRIGGER, MSI, 0, 1,
				 &bench->msi)
		      : set_irqs(bench->rig, NONE | TRIGGER, MSI, 0, 0, NULL);

	assert_int_equal(ret, is_right ? 0 : -EINVAL);
	if (!ret)
		ref->msi = on;
}

static void set_disable(struct bench *bench, bool dis)
{
	struct reference *ref = &bench->ref;

	disable_intx(bench->rig, dis);
	if (ref->dis == dis)
		return;
	ref->dis = dis;
	if (dis)
		ref->masked = true;
	else
		ref_unmask(ref);
}

static void do_step(struct bench *bench, enum step step)
{
	const uint8_t no = 0;
	struct rig *rig = bench->rig;
	struct reference *ref = &bench->ref;

	switch (step) {
	case RAISE:
	case LOWER:
		if (ref->line != (step == RAISE))
			ref_line(ref, step == RAISE);
		model_line(rig, step == RAISE);
		return;
	case IOCTL_MASK:
		expect_active(bench,
			      set_irqs(rig, NONE | MASK, INTX, 0, 1, NULL));
		ref->masked = true;
		return;
	case IOCTL_UNMASK:
		expect_active(bench,
			      set_irqs(rig, NONE | UNMASK, INTX, 0, 1, NULL));
		ref_unmask(ref);
		return;
	case EVENT_UNMASK:
		unmask_by_event(bench);
		return;
	case SET_DISINTX:
	case CLEAR_DISINTX:
		set_disable(bench, step == SET_DISINTX);
		return;
	case LOOPBACK:
		expect_active(bench,
			      set_irqs(rig, NONE | TRIGGER, INTX, 0, 1, NULL));
		ref_signal(ref);
		return;
	case LOOPBACK_NO:
		expect_active(bench,
			      set_irqs(rig, BOOL | TRIGGER, INTX, 0, 1, &no));
		return;
	case REPLACE:
		enable(bench, bench->fd);
		return;
	case CLEAR_TRIGGER:
		enable(bench, -1);
		return;
	case DISABLE:
		disable(bench);
		return;
	case MSI_ON:
	case MSI_OFF:
	default:
		switch_msi(bench, step == MSI_ON);
		return;
	}
}

static void random_events_agree_with_the_specification(void **state)
{
	struct bench bench = {
		.rig = rig_create(&model_plain, NULL, false),
		.fd = event_create(),
		.unmask = event_create(),
		.msi = event_create(),
	};
	unsigned int seed = 20261120;
	unsigned long signals = 0;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		enum step step = (enum step)(rand_r(&seed) % STEP_COUNT);
		uint64_t got;

		/* What ends things is rarer, so that there are things. */
		if (step >= CLEAR_TRIGGER && rand_r(&seed) % 4)
			continue;
		/* This one waits for a thread. */
		if (step == EVENT_UNMASK && rand_r(&seed) % 16)
			continue;
		bench.ref.signals = 0;
		do_step(&bench, step);
		got = event_take(bench.fd);
		if (got != bench.ref.signals)
			fail_msg("step %d (%d): %lu signals, not %lu", i,
				 (int)step, (unsigned long)got,
				 (unsigned long)bench.ref.signals);
		signals += got;
		assert_int_equal(event_take(bench.msi), 0);
		assert_int_equal(!!(cfg_get(bench.rig, 6, 2) & 8),
				 bench.ref.line);
	}
	assert_true(signals > STEPS / 100);
	rig_destroy(bench.rig);
	close(bench.fd);
	close(bench.unmask);
	close(bench.msi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_once_and_masks_itself),
		cmocka_unit_test(line_that_is_high_signals_when_enabled),
		cmocka_unit_test(unmask_eventfd_is_one_and_consumed),
		cmocka_unit_test(random_events_agree_with_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
