/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interrupts of a platform device: lines that the model drives, and what
 * clients receive.
 *
 * A line is on while a client gave a trigger.  A level that is high is an
 * interrupt whenever its line is on and not masked, and masks it; an edge is
 * one at once, or when its line is on again.
 *
 * Source: drivers/vfio/platform/vfio_platform_irq.c, Linux 6.12.
 */
#include <errno.h>

#include "base/eventfd.h"
#include "core/eventwatch.h"
#include "mem/caller.h"
#include "platform/platform.h"

static bool is_level(const struct uvf_platform_irq *irq)
{
	return irq->line == UVFIO_LINE_LEVEL;
}

/* What the handler of the host does with an interrupt. */
static void handle_locked(struct uvf_platform *platform,
			  struct uvf_platform_irq *irq)
	UVF_REQUIRES(platform->model.lock)
{
	uvf_assert_held(&platform->model.lock);
	if (is_level(irq) && irq->is_masked)
		return;
	if (is_level(irq))
		irq->is_masked = true;
	if (irq->trigger >= 0)
		uvf_eventfd_signal(irq->trigger);
}

/* The controller delivers what there is to deliver. */
static void deliver_locked(struct uvf_platform *platform,
			   struct uvf_platform_irq *irq)
	UVF_REQUIRES(platform->model.lock)
{
	bool has_cause = is_level(irq) ? irq->level : irq->is_pending;

	if (irq->trigger < 0 || !has_cause)
		return;
	irq->is_pending = false;
	handle_locked(platform, irq);
}

void uvfio_line_set(struct uvfio_dev *dev, unsigned int line, bool level)
{
	struct uvf_platform *platform = uvf_platform_of_model(dev);
	struct uvf_platform_irq *irq;

	uvf_assert_held(&platform->model.lock);
	if (line >= platform->desc->line_count)
		return;
	irq = &platform->irqs[line];
	if (irq->level == level)
		return;
	irq->level = level;
	/* A controller that never started a line does not keep its edges. */
	if (level && !is_level(irq))
		irq->is_pending = irq->has_had_trigger;
	deliver_locked(platform, irq);
}

static void unmask_locked(struct uvf_platform *platform,
			  struct uvf_platform_irq *irq)
	UVF_REQUIRES(platform->model.lock)
{
	irq->is_masked = false;
	deliver_locked(platform, irq);
}

static void on_mask_event(void *opaque)
{
	struct uvf_platform_irq *irq = opaque;
	struct uvf_platform *platform = irq->owner;

	uvf_assert_held(&platform->model.lock);
	irq->is_masked = true;
}

static void on_unmask_event(void *opaque)
{
	struct uvf_platform_irq *irq = opaque;
	struct uvf_platform *platform = irq->owner;

	uvf_assert_held(&platform->model.lock);
	unmask_locked(platform, irq);
}

void uvf_platform_irqs_open_locked(struct uvf_platform *platform)
{
	uvf_assert_held(&platform->model.lock);
	for (size_t i = 0; i < platform->desc->line_count; i++) {
		struct uvf_platform_irq *irq = &platform->irqs[i];

		irq->has_had_trigger = false;
		irq->is_pending = false;
		irq->is_masked = false;
	}
}

static void detach(struct uvf_eventwatch **slot)
{
	uvf_eventwatch_destroy(*slot);
	*slot = NULL;
}

void uvf_platform_irqs_close_locked(struct uvf_platform *platform)
{
	uvf_assert_held(&platform->model.lock);
	for (size_t i = 0; i < platform->desc->line_count; i++) {
		struct uvf_platform_irq *irq = &platform->irqs[i];

		detach(&irq->mask);
		detach(&irq->unmask);
		uvf_eventfd_drop(&irq->trigger);
	}
}

/*
 * VFIO_DEVICE_GET_IRQ_INFO.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the struct cannot be read
 *   -EINVAL  argsz too small; no such index
 *   -EFAULT  the struct cannot be written
 */
long platform_ioctl_get_irq_info(struct uvf_device *device,
				 struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	struct vfio_irq_info info;

	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) ||
	    info.index >= platform->desc->line_count)
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (is_level(&platform->irqs[info.index]))
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	info.count = 1;
	return uvf_copy_out(caller, arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/* MASK and UNMASK: by an eventfd, or now. */
static int set_mask_locked(struct uvf_platform *platform,
			   struct uvf_platform_irq *irq,
			   const struct uvf_irq_set *set, bool is_mask)
	UVF_REQUIRES(platform->model.lock)
{
	struct uvf_eventwatch **slot = is_mask ? &irq->mask : &irq->unmask;
	uvf_eventwatch_fn *fn = is_mask ? on_mask_event : on_unmask_event;
	bool is_signalled = true;
	int ret = 0;
	int fd;

	if (set->start || set->count != 1 || !is_level(irq))
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		fd = uvf_irq_set_fd(set, 0);
		if (fd < 0) {
			detach(slot);
			return 0;
		}
		ret = uvf_eventwatch_attach(slot, set->caller, fd,
					    &platform->model.lock, fn, irq,
					    &is_signalled);
	} else {
		is_signalled = uvf_irq_set_is_on(set, 0);
	}
	if (!ret && is_signalled)
		fn(irq);
	return ret;
}

/* The old one goes first, whatever becomes of the new one. */
static int set_fd_locked(struct uvf_platform *platform,
			 struct uvf_platform_irq *irq,
			 struct uvf_caller *caller, int fd)
	UVF_REQUIRES(platform->model.lock)
{
	uvf_eventfd_drop(&irq->trigger);
	if (fd < 0)
		return 0;
	fd = uvf_eventfd_lookup(caller, fd);
	if (fd < 0)
		return fd;
	irq->trigger = fd;
	irq->has_had_trigger = true;
	deliver_locked(platform, irq);
	return 0;
}

static int set_trigger_locked(struct uvf_platform *platform,
			      struct uvf_platform_irq *irq,
			      const struct uvf_irq_set *set)
	UVF_REQUIRES(platform->model.lock)
{
	if (!set->count && set->flags & VFIO_IRQ_SET_DATA_NONE)
		return set_fd_locked(platform, irq, set->caller, -1);
	if (set->start || set->count != 1)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_fd_locked(platform, irq, set->caller,
				     uvf_irq_set_fd(set, 0));
	if (uvf_irq_set_is_on(set, 0))
		handle_locked(platform, irq);
	return 0;
}

int uvf_platform_set_irq_locked(struct uvf_platform *platform,
				const struct uvf_irq_set *set)
{
	struct uvf_platform_irq *irq = &platform->irqs[set->index];

	uvf_assert_held(&platform->model.lock);
	switch (set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_MASK:
		return set_mask_locked(platform, irq, set, true);
	case VFIO_IRQ_SET_ACTION_UNMASK:
		return set_mask_locked(platform, irq, set, false);
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		return set_trigger_locked(platform, irq, set);
	default:
		return -ENOTTY;
	}
}

/*
 * VFIO_DEVICE_SET_IRQS.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz, index, flags; start or count beyond what the device has
 *            of interrupts; no kind of data or more than one; argsz too
 *            small for the data
 *   -ENOMEM, -EFAULT  for the data
 *   -ENOTTY  no action, or more than one
 *   -EINVAL  not the one interrupt that the index has; masking of an edge
 *   -EBADF, -EINVAL, -EBUSY  for an eventfd
 */
long platform_ioctl_set_irqs(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_platform *platform = uvf_platform_of(device);
	const unsigned int count = (unsigned int)platform->desc->line_count;
	struct vfio_irq_set hdr;
	struct uvf_irq_set set;
	size_t size;
	int ret;

	if (uvf_copy_in(caller, &hdr, arg, UVF_SET_IRQS_SIZE))
		return -EFAULT;
	ret = uvf_set_irqs_check(&hdr, count, count, &size);
	if (!ret)
		ret = uvf_set_irqs_begin(&set, caller, &hdr, arg, size);
	if (ret)
		return ret;
	uvf_lock(&platform->model.lock);
	ret = uvf_platform_set_irq_locked(platform, &set);
	uvf_unlock(&platform->model.lock);
	uvf_set_irqs_end(&set);
	return ret;
}
