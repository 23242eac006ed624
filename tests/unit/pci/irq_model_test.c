/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random SET_IRQS calls, configuration writes, table writes, resets and
 * events of the device, against a model of the interrupts that shares no code
 * with them: the result of each call and the count of each eventfd.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "rig.h"

#define STEPS   60000
#define EVENTS  12 /* eventfds; the last is the unmask one */
#define UNMASKS (EVENTS - 1)
#define MSIS    8
#define MSIXS   70
#define NOTES   24
#define NOBODY  (-1)

/* Where the capabilities of model_full are. */
#define AT_PM   0x44
#define AT_MSI  0x52
#define AT_MASK 0x60
#define AT_PEND 0x64
#define AT_MSIX 0x72
#define TABLE   (REGION(0) + 0x8000)
#define PBA     (REGION(0) + 0x9000)

enum kind {
	KIND_NONE = -1,
	KIND_INTX,
	KIND_MSI,
	KIND_MSIX,
};

struct model {
	bool is_old; /* a fixed set of vectors */
	enum kind kind;
	bool is_bus_master, sees_memory;
	unsigned int power;

	/* INTx */
	bool line, dis, masked, has_unmask;
	int trigger;

	/* MSI and MSI-X */
	int triggers[MSIXS];
	unsigned int allocated[MSIXS];
	bool is_on;         /* the enable bit of MSI */
	unsigned int qmax;  /* log2 of the vectors asked for last */
	unsigned int mme;   /* log2 of those granted */
	uint32_t host_mask; /* of MSI, as the host wrote it last */
	uint32_t mask, pending;
	bool entry_mask[MSIXS], entry_pending[MSIXS];

	int err, req;
	uint64_t counts[EVENTS];
};

struct bench {
	struct rig *rig;
	struct model model;
	int fds[EVENTS];
	int closed, file;
	unsigned int seed;
	char notes[NOTES][80]; /* what was done last, for who has to know */
	unsigned int noted;
};

static void __attribute__((format(printf, 2, 3)))
note(struct bench *bench, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(bench->notes[bench->noted++ % NOTES],
			sizeof(bench->notes[0]), fmt, args);
	va_end(args);
}

static void __attribute__((noreturn)) give_up(const struct bench *bench)
{
	unsigned int first = bench->noted > NOTES ? bench->noted - NOTES : 0;

	for (unsigned int i = first; i < bench->noted; i++)
		print_message("%s\n", bench->notes[i % NOTES]);
	fail();
	abort();
}

/* The same of the device and the model, or all is over. */
static void expect(const struct bench *bench, const char *what, uint64_t got,
		   uint64_t want)
{
	if (got == want)
		return;
	print_message("%s: %#llx, not %#llx, after\n", what,
		      (unsigned long long)got, (unsigned long long)want);
	give_up(bench);
}

static unsigned int draw(struct bench *bench, unsigned int below)
{
	return (unsigned int)rand_r(&bench->seed) % below;
}

static void count(struct model *model, int event)
{
	if (event != NOBODY)
		model->counts[event]++;
}

static bool may_send(const struct model *model)
{
	return model->is_bus_master && model->power < 3;
}

/* INTx. */

static void line_is(struct model *model, bool level)
{
	model->line = level;
	if (!level || model->kind != KIND_INTX || model->masked)
		return;
	model->masked = true;
	if (!model->dis)
		count(model, model->trigger);
}

static void unmask(struct model *model)
{
	if (model->kind != KIND_INTX || !model->masked || model->dis)
		return;
	if (model->line)
		count(model, model->trigger);
	else
		model->masked = false;
}

/* MSI and MSI-X. */

static void flush(struct model *model)
{
	if (!may_send(model))
		return;
	for (unsigned int i = 0; i < MSIS; i++) {
		uint32_t bit = 1u << i;

		if (model->kind != KIND_MSI || !model->is_on ||
		    !(model->pending & bit) || model->mask & bit)
			continue;
		model->pending &= ~bit;
		count(model, model->triggers[i]);
	}
	for (unsigned int i = 0; i < MSIXS; i++) {
		if (model->kind != KIND_MSIX || !model->entry_pending[i] ||
		    model->entry_mask[i])
			continue;
		model->entry_pending[i] = false;
		count(model, model->triggers[i]);
	}
}

static void host_masks(struct model *model, unsigned int vector, bool mask)
{
	uint32_t bit = 1u << vector;

	if (model->kind == KIND_MSIX) {
		model->entry_mask[vector] = mask;
	} else {
		model->host_mask =
			mask ? model->host_mask | bit : model->host_mask & ~bit;
		model->mask = model->host_mask;
	}
	flush(model);
}

static int sends(struct model *model, unsigned int vector)
{
	bool is_held;

	if (model->kind == KIND_MSIX) {
		if (vector >= MSIXS)
			return -EINVAL;
		is_held = model->entry_mask[vector];
		if (is_held)
			model->entry_pending[vector] = true;
	} else if (model->kind == KIND_MSI && model->is_on) {
		vector &= (1u << model->mme) - 1;
		is_held = model->mask >> vector & 1;
		if (is_held)
			model->pending |= 1u << vector;
	} else {
		return may_send(model) ? -ENODEV : -EPERM;
	}
	if (is_held)
		return 0;
	if (!may_send(model))
		return -EPERM;
	count(model, model->triggers[vector]);
	return 0;
}

static int set_vector(struct model *model, unsigned int vector, int event,
		      int error)
{
	if (model->triggers[vector] != NOBODY) {
		host_masks(model, vector, true);
		model->triggers[vector] = NOBODY;
	}
	if (!error && event == NOBODY)
		return 0;
	if (!model->allocated[vector] &&
	    (model->is_old || model->kind == KIND_MSI))
		return -EINVAL;
	model->allocated[vector] = true;
	if (error)
		return error;
	model->triggers[vector] = event;
	host_masks(model, vector, false);
	return 0;
}

/* One call, with what stands behind each descriptor. */
struct call {
	uint32_t flags, index, start, count;
	int32_t fds[MSIXS];
	uint8_t bools[MSIXS];
	int event[MSIXS]; /* NOBODY: none */
	int error[MSIXS]; /* what the descriptor itself is worth */
};

static int set_block(struct model *model, const struct call *call)
{
	for (unsigned int i = 0; i < call->count; i++) {
		int ret = set_vector(model, call->start + i, call->event[i],
				     call->error[i]);

		if (!ret)
			continue;
		for (unsigned int j = 0; j <= i; j++)
			set_vector(model, call->start + j, NOBODY, 0);
		return ret;
	}
	return 0;
}

static void disable_vectors(struct model *model)
{
	/*
	 * One after the other: when the host masks one, it opens those that
	 * only the client had masked.
	 */
	for (unsigned int i = 0; i < MSIXS; i++)
		if (model->triggers[i] != NOBODY)
			set_vector(model, i, NOBODY, 0);
	if (model->kind == KIND_MSI)
		model->mask = model->host_mask = model->pending = 0;
	model->kind = KIND_NONE;
	model->is_on = false;
	for (unsigned int i = 0; i < MSIXS; i++) {
		model->entry_mask[i] = true;
		model->entry_pending[i] = false;
	}
}

/* The range that a kernel with a fixed set refuses as a whole. */
static bool is_refused(const struct model *model, const struct call *call)
{
	unsigned int enabled = 0;

	while (enabled < MSIXS && model->allocated[enabled])
		enabled++;
	if (!model->is_old)
		return false;
	if (call->flags & EVENTFD && call->start >= enabled)
		return true;
	return call->start + call->count > enabled;
}

static int enable_vectors(struct model *model, const struct call *call)
{
	unsigned int wanted = call->start + call->count;
	int ret;

	if (call->index == MSIX && !wanted)
		return -ERANGE;
	if (model->power)
		return -EINVAL;
	if (!wanted)
		return -ERANGE;
	model->kind = (enum kind)call->index;
	for (unsigned int i = 0; i < MSIXS; i++) {
		model->allocated[i] = i < wanted;
		model->entry_mask[i] = true;
	}
	if (call->index == MSI) {
		for (model->qmax = 0; 1u << model->qmax < wanted; model->qmax++)
			;
		model->mme = model->qmax;
		model->is_on = true;
		model->mask = model->host_mask |= 0xff;
	}
	ret = is_refused(model, call) ? -EINVAL : set_block(model, call);
	if (ret)
		disable_vectors(model);
	return ret;
}

static bool is_on(const struct call *call, unsigned int i)
{
	return call->flags & NONE || call->bools[i];
}

static int set_vectors(struct model *model, const struct call *call)
{
	bool is_active = model->kind == (enum kind)call->index;

	if (is_active && call->flags & NONE && !call->count) {
		disable_vectors(model);
		return 0;
	}
	if (!is_active && model->kind != KIND_NONE)
		return -EINVAL;
	if (call->flags & EVENTFD && !is_active)
		return enable_vectors(model, call);
	if (!is_active || is_refused(model, call))
		return -EINVAL;
	if (call->flags & EVENTFD)
		return set_block(model, call);
	for (unsigned int i = 0; i < call->count; i++)
		if (is_on(call, i))
			count(model, model->triggers[call->start + i]);
	return 0;
}

static int set_intx(struct model *model, const struct call *call)
{
	bool is_active = model->kind == KIND_INTX;
	uint32_t action = call->flags & (MASK | UNMASK | TRIGGER);

	if (action == TRIGGER && is_active && call->flags & NONE &&
	    !call->count) {
		model->kind = KIND_NONE;
		model->trigger = NOBODY;
		model->has_unmask = false;
		return 0;
	}
	if (call->count != 1)
		return -EINVAL;
	if (action == TRIGGER && call->flags & EVENTFD) {
		if (!is_active && model->kind != KIND_NONE)
			return -EINVAL;
		if (call->error[0])
			return call->error[0];
		model->trigger = call->event[0];
		if (is_active)
			return 0;
		model->kind = KIND_INTX;
		model->masked = model->dis;
		line_is(model, model->line);
		return 0;
	}
	if (!is_active)
		return -EINVAL;
	if (action == TRIGGER) {
		if (is_on(call, 0) && !model->dis)
			count(model, model->trigger);
		return 0;
	}
	if (call->flags & EVENTFD && action == MASK)
		return -ENOTTY;
	if (call->flags & EVENTFD) {
		if (call->error[0])
			return call->error[0];
		if (call->event[0] == NOBODY) {
			model->has_unmask = false;
			return 0;
		}
		if (model->has_unmask)
			return -EBUSY;
		model->has_unmask = true;
		return 0;
	}
	if (!is_on(call, 0))
		return 0;
	if (action == MASK)
		model->masked = true;
	else
		unmask(model);
	return 0;
}

static int set_single(struct model *model, int *trigger,
		      const struct call *call)
{
	if (call->flags & NONE) {
		if (*trigger == NOBODY)
			return -EINVAL;
		if (call->count)
			count(model, *trigger);
		else
			*trigger = NOBODY;
		return 0;
	}
	if (!call->count)
		return -EINVAL;
	if (call->flags & BOOL) {
		if (is_on(call, 0))
			count(model, *trigger);
		return 0;
	}
	if (call->fds[0] < -1)
		return model->is_old ? 0 : -EINVAL;
	if (call->error[0])
		return call->error[0];
	*trigger = call->event[0];
	return 0;
}

static int set_any(struct model *model, const struct call *call)
{
	static const uint32_t counts[] = {1, MSIS, MSIXS, 1, 1};
	uint32_t data = call->flags & (NONE | BOOL | EVENTFD);
	uint32_t action = call->flags & (MASK | UNMASK | TRIGGER);

	if (call->start >= counts[call->index] ||
	    call->start + call->count > counts[call->index])
		return -EINVAL;
	if (data != NONE && data != BOOL && data != EVENTFD)
		return -EINVAL;
	if (action != TRIGGER &&
	    (call->index != INTX || (action != MASK && action != UNMASK)))
		return -ENOTTY;
	switch (call->index) {
	case INTX:
		return set_intx(model, call);
	case MSI:
	case MSIX:
		return set_vectors(model, call);
	case ERR:
		return set_single(model, &model->err, call);
	default:
		return set_single(model, &model->req, call);
	}
}

static void reset(struct model *model)
{
	/* It is woken up before it is reset. */
	model->power = 0;
	flush(model);
	model->line = false;
	model->pending = 0;
	model->mask = model->kind == KIND_MSI ? model->host_mask : 0;
	if (model->kind == KIND_MSI) {
		model->is_on = true;
		model->mme = model->qmax;
	}
	for (unsigned int i = 0; i < MSIXS; i++) {
		model->entry_pending[i] = false;
		model->entry_mask[i] = model->kind != KIND_MSIX ||
				       model->triggers[i] == NOBODY;
	}
}

/* An open; what the driver remembers of MSI stays. */
static void fresh(struct model *model)
{
	uint64_t counts[EVENTS];

	memcpy(counts, model->counts, sizeof(counts));
	*model = (struct model){
		.is_old = model->is_old,
		.qmax = model->qmax,
	};
	memcpy(model->counts, counts, sizeof(counts));
	model->sees_memory = true;
	model->trigger = model->err = model->req = NOBODY;
	memset(model->triggers, 0xff, sizeof(model->triggers));
	disable_vectors(model);
}

/* The steps: each is done to both. */

static void pick_descriptor(struct bench *bench, struct call *call,
			    unsigned int i)
{
	call->event[i] = NOBODY;
	switch (draw(bench, 12)) {
	case 0:
		call->fds[i] = -1;
		return;
	case 1:
		call->fds[i] = -2;
		return;
	case 2:
		call->fds[i] = bench->closed;
		call->error[i] = draw(bench, 4) ? 0 : -EBADF;
		break;
	case 3:
		call->fds[i] = bench->file;
		call->error[i] = draw(bench, 4) ? 0 : -EINVAL;
		break;
	default:
		break;
	}
	if (call->error[i])
		return;
	call->event[i] = (int)draw(bench, UNMASKS);
	call->fds[i] = bench->fds[call->event[i]];
}

static void step_set_irqs(struct bench *bench)
{
	static const uint32_t counts[] = {1, MSIS, MSIXS, 1, 1};
	static const uint32_t kinds[] = {NONE, BOOL, EVENTFD, EVENTFD, EVENTFD};
	struct call call = {.index = draw(bench, 5)};
	uint32_t max = counts[call.index];
	const void *data = NULL;
	long ret;
	int want;

	call.flags = kinds[draw(bench, 5)] | TRIGGER;
	if (call.index == INTX && draw(bench, 2))
		call.flags ^= TRIGGER | (draw(bench, 2) ? MASK : UNMASK);
	if (!draw(bench, 40))
		call.flags = draw(bench, 64);
	if (!(call.flags & EVENTFD) && !draw(bench, 8)) {
		/* What ends things. */
		call.count = 0;
	} else {
		call.start = draw(bench, max < 10 ? max + 1 : 10);
		call.count = draw(bench, max < 4 ? max + 2 : 6);
	}
	for (unsigned int i = 0; i < call.count; i++) {
		pick_descriptor(bench, &call, i);
		call.bools[i] = draw(bench, 3) ? 1 : 0;
	}
	/* The one that a thread waits for is never a trigger. */
	if (call.index == INTX && call.flags & UNMASK && !call.error[0] &&
	    call.event[0] != NOBODY) {
		call.event[0] = UNMASKS;
		call.fds[0] = bench->fds[UNMASKS];
	}
	if (call.flags & EVENTFD)
		data = call.fds;
	else if (call.flags & BOOL)
		data = call.bools;
	want = set_any(&bench->model, &call);
	note(bench, "SET_IRQS flags %#x index %u start %u count %u: %d",
	     call.flags, call.index, call.start, call.count, want);
	for (unsigned int i = 0; i < call.count; i++)
		note(bench, "\t[%u] fd %d event %d error %d, %d",
		     call.start + i, call.fds[i], call.event[i], call.error[i],
		     call.bools[i]);
	ret = set_irqs(bench->rig, call.flags, call.index, call.start,
		       call.count, data);
	expect(bench, "SET_IRQS", (uint64_t)ret, (uint64_t)want);
}

static void step_command(struct bench *bench)
{
	struct model *model = &bench->model;
	bool dis = draw(bench, 3) == 0;

	if (draw(bench, 4)) {
		model->is_bus_master = draw(bench, 4);
		model->sees_memory = draw(bench, 8);
		note(bench, "command: master %d memory %d",
		     model->is_bus_master, model->sees_memory);
		cfg_set(bench->rig, PCI_COMMAND, 1,
			(model->is_bus_master ? 4 : 0) |
				(model->sees_memory ? 2 : 0));
		flush(model);
		return;
	}
	note(bench, "command: DisINTx %d", dis);
	cfg_set(bench->rig, PCI_COMMAND + 1, 1, dis ? 4 : 0);
	if (dis == model->dis)
		return;
	model->dis = dis;
	if (dis)
		model->masked = true;
	else
		unmask(model);
}

static void step_power(struct bench *bench)
{
	struct model *model = &bench->model;

	/* It is seldom asleep, so that there is something to see. */
	if (!model->power && draw(bench, 8))
		return;
	model->power = model->power ? 0 : 3;
	note(bench, "D%u", model->power);
	cfg_set(bench->rig, AT_PM, 2, model->power);
	flush(model);
}

static void step_msi_registers(struct bench *bench)
{
	struct model *model = &bench->model;
	unsigned int mme = draw(bench, 8);
	bool on = draw(bench, 4);

	if (draw(bench, 2)) {
		model->mask = draw(bench, 256);
		note(bench, "MSI mask %#x", model->mask);
		cfg_set(bench->rig, AT_MASK, 4, model->mask);
		flush(model);
		return;
	}
	/* Neither of these has an effect. */
	cfg_set(bench->rig, AT_MSI + 2, 4, 0xfee00000 | draw(bench, 1 << 20));
	cfg_set(bench->rig, AT_MSI + 10, 2, draw(bench, 1 << 16));
	note(bench, "MSI enable %d, MME %u", on, mme);
	cfg_set(bench->rig, AT_MSI, 1, (on ? 1 : 0) | mme << 4);
	model->mme = mme > model->qmax ? model->qmax : mme;
	model->is_on = on && model->kind == KIND_MSI;
	expect(bench, "MSI control", cfg_get(bench->rig, AT_MSI, 1) & 0x71,
	       (model->is_on ? 1u : 0u) | model->mme << 4);
	flush(model);
}

static void step_table(struct bench *bench)
{
	const struct uvf_device_ops *ops = bench->rig->pci->vfio.ops;
	struct model *model = &bench->model;
	unsigned int vector = draw(bench, 12);
	uint32_t mask = draw(bench, 2), junk = 0xdead0000;
	bool is_open = model->sees_memory && !model->power;

	note(bench, "table: mask of %u is %u", vector, mask);
	expect(bench, "store",
	       ops->mmio(&bench->rig->pci->vfio, TABLE + 16 * vector, &junk, 4,
			 true),
	       is_open);
	expect(bench, "store",
	       ops->mmio(&bench->rig->pci->vfio, TABLE + 16 * vector + 12,
			 &mask, 4, true),
	       is_open);
	if (!is_open)
		return;
	model->entry_mask[vector] = mask;
	flush(model);
}

static void step_device(struct bench *bench)
{
	unsigned int vector = draw(bench, draw(bench, 8) ? 10 : 80);
	bool level = draw(bench, 2);

	if (draw(bench, 3)) {
		note(bench, "send %u", vector);
		expect(bench, "send", (uint64_t)model_send(bench->rig, vector),
		       (uint64_t)sends(&bench->model, vector));
		return;
	}
	note(bench, "line %d", level);
	model_line(bench->rig, level);
	if (bench->model.line != level)
		line_is(&bench->model, level);
}

/* The thread consumes the signal and acts on it under the model's lock. */
static void step_unmask(struct bench *bench)
{
	struct pollfd p = {.fd = bench->fds[UNMASKS], .events = POLLIN};
	uint64_t one = 1;

	if (!bench->model.has_unmask || draw(bench, 8))
		return;
	note(bench, "unmask by eventfd");
	assert_int_equal(write(p.fd, &one, sizeof(one)), 8);
	while (poll(&p, 1, 0) == 1)
		sched_yield();
	uvf_lock(&bench->rig->pci->model.lock);
	uvf_unlock(&bench->rig->pci->model.lock);
	unmask(&bench->model);
}

static void step_reset(struct bench *bench)
{
	struct rig *rig = bench->rig;

	if (draw(bench, 6))
		return;
	if (!draw(bench, 6)) {
		note(bench, "close and open");
		rig_reopen(rig);
		/* Awake before it is closed. */
		bench->model.power = 0;
		flush(&bench->model);
		fresh(&bench->model);
		return;
	}
	note(bench, "reset");
	if (draw(bench, 2))
		assert_int_equal(rig->pci->vfio.ops->reset(&rig->pci->vfio,
							   &rig->client.caller,
							   0),
				 0);
	else
		cfg_set(rig, 0x88, 2, PCI_EXP_DEVCTL_BCR_FLR);
	reset(&bench->model);
}

static void compare(struct bench *bench)
{
	struct model *model = &bench->model;
	const struct uvf_device_ops *ops = bench->rig->pci->vfio.ops;
	uint64_t pending[2] = {0, 0}, want[2] = {0, 0};
	char what[32];

	for (int i = 0; i < UNMASKS; i++) {
		(void)snprintf(what, sizeof(what), "eventfd %d", i);
		expect(bench, what, event_take(bench->fds[i]),
		       model->counts[i]);
		model->counts[i] = 0;
	}
	expect(bench, "STATUS", cfg_get(bench->rig, PCI_STATUS, 1) >> 3 & 1,
	       model->line);
	expect(bench, "MSI-X control", cfg_get(bench->rig, AT_MSIX, 2) >> 14,
	       model->kind == KIND_MSIX ? 2 : 0);
	expect(bench, "MSI masks", cfg_get(bench->rig, AT_MASK, 4),
	       model->mask);
	expect(bench, "MSI pending", cfg_get(bench->rig, AT_PEND, 4),
	       model->pending);
	if (!ops->mmio(&bench->rig->pci->vfio, PBA, pending, 16, false))
		return;
	for (unsigned int i = 0; i < MSIXS; i++)
		want[i / 64] |= (uint64_t)model->entry_pending[i] << i % 64;
	expect(bench, "PBA", pending[0], want[0]);
	expect(bench, "PBA", pending[1], want[1]);
}

static void run(const char *profile, bool is_old, unsigned int seed)
{
	static void (*const steps[])(struct bench * bench) = {
		step_set_irqs, step_set_irqs,      step_set_irqs, step_device,
		step_device,   step_device,        step_command,  step_power,
		step_table,    step_msi_registers, step_unmask,   step_reset,
	};
	struct bench bench = {
		.rig = rig_create(&model_full, profile, false),
		.model = {.is_old = is_old},
		.closed = 999,
		.file = dup(0),
		.seed = seed,
	};
	uint64_t total = 0;

	for (int i = 0; i < EVENTS; i++)
		bench.fds[i] = event_create();
	fresh(&bench.model);
	for (int i = 0; i < STEPS; i++) {
		steps[draw(&bench, sizeof(steps) / sizeof(steps[0]))](&bench);
		for (int j = 0; j < UNMASKS; j++)
			total += bench.model.counts[j];
		compare(&bench);
	}
	/* A walk that never signals would show nothing. */
	assert_true(total > STEPS / 50);
	rig_destroy(bench.rig);
	for (int i = 0; i < EVENTS; i++)
		close(bench.fds[i]);
	close(bench.file);
}

static void random_steps_agree_with_the_model(void **state)
{
	(void)state;
	run("6.12", false, 20261121);
}

static void random_steps_agree_with_the_model_of_6_1(void **state)
{
	(void)state;
	run("6.1", true, 20261122);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_agree_with_the_model),
		cmocka_unit_test(random_steps_agree_with_the_model_of_6_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
