/* SPDX-License-Identifier: BSD-3-Clause */
/* What an eventfd receives when the device itself raises an interrupt. */
#include "lib.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define N    ABI_IRQ_NONE
#define E    ABI_IRQ_EVENTFD
#define M    ABI_IRQ_MASK
#define U    ABI_IRQ_UNMASK
#define T    ABI_IRQ_TRIGGER
#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI  VFIO_PCI_MSI_IRQ_INDEX

#define MASTER  0x4
#define DISINTX 0x400

static struct session quiet_device(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	return s;
}

static struct session with_intx(int *fd)
{
	struct session s = quiet_device();

	*fd = event_fd();
	need(!irq_trigger_fd(s.device, INTX, *fd), "enable");
	return s;
}

static struct session with_msi(int *fd)
{
	struct session s = quiet_device();

	*fd = event_fd();
	cfg_command(s.device, 0, MASTER);
	need(!irq_trigger_fd(s.device, MSI, *fd), "enable");
	return s;
}

static void intx(int device, uint32_t action)
{
	need(!irq_set(device, N | action, INTX, 0, 1, NULL), "set-irqs");
}

static void unmask_fd(int device, int fd)
{
	need(!irq_set(device, E | U, INTX, 0, 1, &fd), "unmask-fd");
}

static void raise_irq(int device)
{
	edu_write(device, EDU_RAISE, 1);
}

static void ack(int device)
{
	edu_write(device, EDU_ACK, 0xffffffff);
}

static long line_status(int device)
{
	return cfg_read(device, 6, 2) >> 3 & 1;
}

static void intx_counts_once(void)
{
	int fd;
	struct session s = with_intx(&fd);

	raise_irq(s.device);
	result(events(fd));
	hex("cause", edu_read(s.device, EDU_IRQ));
}

static void intx_masks_itself(void)
{
	int fd;
	struct session s = with_intx(&fd);

	raise_irq(s.device);
	value("first", events(fd));
	ack(s.device);
	raise_irq(s.device);
	result(no_events(fd));
	intx(s.device, U);
	value("unmasked", events(fd));
}

static void intx_fires_again_when_unmasked_early(void)
{
	int fd;
	struct session s = with_intx(&fd);

	raise_irq(s.device);
	value("first", events(fd));
	intx(s.device, U);
	result(events(fd));
	intx(s.device, U);
	value("again", events(fd));
	ack(s.device);
	intx(s.device, U);
	value("acknowledged", no_events(fd));
}

static void intx_raise_ack_unmask_repeats(void)
{
	int fd;
	struct session s = with_intx(&fd);
	long sum = 0;

	for (int i = 0; i < 5; i++) {
		raise_irq(s.device);
		sum += events(fd);
		ack(s.device);
		intx(s.device, U);
	}
	result(sum);
	value("rest", no_events(fd));
}

static void intx_of_two_causes_counts_once(void)
{
	int fd;
	struct session s = with_intx(&fd);

	edu_write(s.device, EDU_RAISE, 1);
	edu_write(s.device, EDU_RAISE, 4);
	result(events(fd));
	hex("cause", edu_read(s.device, EDU_IRQ));
	edu_write(s.device, EDU_ACK, 1);
	intx(s.device, U);
	value("one_left", events(fd));
}

static void intx_masked_by_ioctl_is_silent(void)
{
	int fd;
	struct session s = with_intx(&fd);

	intx(s.device, M);
	raise_irq(s.device);
	result(no_events(fd));
	intx(s.device, U);
	value("unmasked", events(fd));
}

static void intx_masked_and_acknowledged_is_lost(void)
{
	int fd;
	struct session s = with_intx(&fd);

	intx(s.device, M);
	raise_irq(s.device);
	ack(s.device);
	intx(s.device, U);
	result(no_events(fd));
	raise_irq(s.device);
	value("next", events(fd));
}

static void intx_disintx_silences(void)
{
	int fd;
	struct session s = with_intx(&fd);

	cfg_command(s.device, 0, DISINTX);
	raise_irq(s.device);
	result(no_events(fd));
	cfg_command(s.device, DISINTX, 0);
	value("cleared", events(fd));
}

static void intx_unmask_under_disintx_does_nothing(void)
{
	int fd;
	struct session s = with_intx(&fd);

	cfg_command(s.device, 0, DISINTX);
	raise_irq(s.device);
	intx(s.device, U);
	result(no_events(fd));
	cfg_command(s.device, DISINTX, 0);
	value("cleared", events(fd));
}

static void intx_clearing_disintx_unmasks(void)
{
	int fd;
	struct session s = with_intx(&fd);

	intx(s.device, M);
	cfg_command(s.device, 0, DISINTX);
	cfg_command(s.device, DISINTX, 0);
	raise_irq(s.device);
	result(events(fd));
}

static void intx_enabled_under_disintx_starts_masked(void)
{
	struct session s = quiet_device();
	int fd = event_fd();

	cfg_command(s.device, 0, DISINTX);
	need(!irq_trigger_fd(s.device, INTX, fd), "enable");
	raise_irq(s.device);
	result(no_events(fd));
	cfg_command(s.device, DISINTX, 0);
	value("cleared", events(fd));
}

/*
 * That a line which is high when INTx is enabled counts at once cannot be
 * asked: the emulated interrupt controller loses such a level.  It does not
 * lose one that rises while DisINTx is set.
 */
static void intx_enabled_with_the_line_high_counts(void)
{
	struct session s = quiet_device();
	int fd = event_fd();

	cfg_command(s.device, 0, DISINTX);
	raise_irq(s.device);
	need(!irq_trigger_fd(s.device, INTX, fd), "enable");
	value("masked", no_events(fd));
	cfg_command(s.device, DISINTX, 0);
	result(events(fd));
}

static void intx_without_a_trigger_masks_itself_too(void)
{
	struct session s = quiet_device();
	int fd = event_fd();

	need(!irq_trigger_fd(s.device, INTX, -1), "enable");
	raise_irq(s.device);
	usleep(100000);
	need(!irq_trigger_fd(s.device, INTX, fd), "replace");
	result(no_events(fd));
	intx(s.device, U);
	value("unmasked", events(fd));
}

static void intx_replaced_trigger_gets_the_next(void)
{
	int fd, other = event_fd();
	struct session s = with_intx(&fd);

	need(!irq_trigger_fd(s.device, INTX, other), "replace");
	raise_irq(s.device);
	result(events(other));
	value("old", no_events(fd));
}

static void intx_disabled_is_silent(void)
{
	int fd;
	struct session s = with_intx(&fd);

	need(!irq_set(s.device, N | T, INTX, 0, 0, NULL), "disable");
	raise_irq(s.device);
	result(no_events(fd));
	value("line", line_status(s.device));
}

static void intx_enable_forgets_the_mask(void)
{
	int fd;
	struct session s = with_intx(&fd);

	intx(s.device, M);
	need(!irq_set(s.device, N | T, INTX, 0, 0, NULL), "disable");
	need(!irq_trigger_fd(s.device, INTX, fd), "enable");
	raise_irq(s.device);
	result(events(fd));
}

static void intx_status_follows_the_line(void)
{
	int fd;
	struct session s = with_intx(&fd);

	result(line_status(s.device));
	raise_irq(s.device);
	events(fd);
	value("raised_and_masked", line_status(s.device));
	hex("disintx", cfg_read(s.device, 4, 2) & DISINTX);
	ack(s.device);
	value("acknowledged", line_status(s.device));
}

static void unmask_fd_unmasks(void)
{
	int fd, u = event_fd();
	struct session s = with_intx(&fd);

	unmask_fd(s.device, u);
	raise_irq(s.device);
	value("first", events(fd));
	eventfd_write(u, 1);
	result(events(fd));
	value("consumed", !no_events(u));
	ack(s.device);
	eventfd_write(u, 1);
	value("acknowledged", no_events(fd));
	raise_irq(s.device);
	value("next", events(fd));
}

static void unmask_fd_that_was_signalled_acts_at_once(void)
{
	int fd, u = event_fd();
	struct session s = with_intx(&fd);

	raise_irq(s.device);
	value("first", events(fd));
	eventfd_write(u, 1);
	unmask_fd(s.device, u);
	result(events(fd));
}

static void unmask_fd_detached_does_nothing(void)
{
	int fd, u = event_fd();
	struct session s = with_intx(&fd);

	unmask_fd(s.device, u);
	unmask_fd(s.device, -1);
	raise_irq(s.device);
	value("first", events(fd));
	eventfd_write(u, 1);
	result(no_events(fd));
	value("left", no_events(u));
}

static void unmask_fd_under_disintx_does_nothing(void)
{
	int fd, u = event_fd();
	struct session s = with_intx(&fd);

	unmask_fd(s.device, u);
	cfg_command(s.device, 0, DISINTX);
	raise_irq(s.device);
	eventfd_write(u, 1);
	result(no_events(fd));
}

static void factorial_interrupts(void)
{
	int fd;
	struct session s = with_intx(&fd);

	edu_write(s.device, EDU_STATUS, 0x80);
	edu_write(s.device, EDU_FACT, 10);
	result(events(fd));
	value("factorial", edu_read(s.device, EDU_FACT));
	hex("cause", edu_read(s.device, EDU_IRQ));
}

static void each_device_has_its_own_line(void)
{
	int fd, other = event_fd();
	struct session s = with_intx(&fd), t = session_second(&s);

	t.device = device_open(t.group, 1);
	need(t.device >= 0, "get-device-fd-2");
	edu_quiet(t.device);
	need(!irq_trigger_fd(t.device, INTX, other), "enable-2");
	raise_irq(t.device);
	value("second", events(other));
	result(no_events(fd));
	raise_irq(s.device);
	value("first", events(fd));
	value("second_again", no_events(other));
	ack(t.device);
}

static void msi_counts_each(void)
{
	int fd;
	struct session s = with_msi(&fd);

	raise_irq(s.device);
	value("first", events(fd));
	raise_irq(s.device);
	value("second", events(fd));
	ack(s.device);
	raise_irq(s.device);
	result(events(fd));
}

/* Shows V65. */
static void msi_needs_bus_master(void)
{
	int fd;
	struct session s = with_msi(&fd);

	cfg_command(s.device, MASTER, 0);
	raise_irq(s.device);
	result(no_events(fd));
	cfg_command(s.device, 0, MASTER);
	value("not_kept", no_events(fd));
	raise_irq(s.device);
	value("next", events(fd));
}

static void msi_ignores_disintx(void)
{
	int fd;
	struct session s = with_msi(&fd);

	cfg_command(s.device, 0, DISINTX);
	raise_irq(s.device);
	result(events(fd));
}

static void msi_without_a_trigger_is_lost(void)
{
	int fd;
	struct session s = with_msi(&fd);

	need(!irq_trigger_fd(s.device, MSI, -1), "clear");
	raise_irq(s.device);
	usleep(100000);
	need(!irq_trigger_fd(s.device, MSI, fd), "set");
	result(no_events(fd));
	raise_irq(s.device);
	value("next", events(fd));
}

static void msi_replaced_trigger_gets_the_next(void)
{
	int fd, other = event_fd();
	struct session s = with_msi(&fd);

	need(!irq_trigger_fd(s.device, MSI, other), "replace");
	raise_irq(s.device);
	result(events(other));
	value("old", no_events(fd));
}

static void msi_keeps_the_line_low(void)
{
	int fd;
	struct session s = with_msi(&fd);

	raise_irq(s.device);
	value("count", events(fd));
	result(line_status(s.device));
}

static void intx_after_msi_sees_the_line(void)
{
	int fd, other = event_fd();
	struct session s = with_msi(&fd);

	raise_irq(s.device);
	value("msi", events(fd));
	need(!irq_set(s.device, N | T, MSI, 0, 0, NULL), "disable");
	need(!irq_trigger_fd(s.device, INTX, other), "enable-intx");
	ack(s.device);
	intx(s.device, U);
	no_events(other);
	raise_irq(s.device);
	result(events(other));
	value("old", no_events(fd));
}

static void msi_disabled_is_silent(void)
{
	int fd;
	struct session s = with_msi(&fd);

	need(!irq_set(s.device, N | T, MSI, 0, 0, NULL), "disable");
	raise_irq(s.device);
	result(no_events(fd));
}

static void msi_survives_what_is_written_to_its_capability(void)
{
	int fd;
	struct session s = with_msi(&fd);

	cfg_write(s.device, 0x44, 4, 0x12345678);
	cfg_write(s.device, 0x4c, 2, 0x4321);
	raise_irq(s.device);
	result(events(fd));
}

static void nothing_comes_after_close(void)
{
	int fd;
	struct session s = with_intx(&fd);

	close(s.device);
	s.device = device_open(s.group, 0);
	raise_irq(s.device);
	result(no_events(fd));
}

static void the_line_stays_high_over_close(void)
{
	int fd;
	struct session s = with_intx(&fd);

	raise_irq(s.device);
	value("first", events(fd));
	close(s.device);
	s.device = device_open(s.group, 0);
	result(line_status(s.device));
	hex("cause", edu_read(s.device, EDU_IRQ));
	ack(s.device);
	value("acknowledged", line_status(s.device));
}

static const struct conf_case cases[] = {
	CASE(intx_counts_once),
	CASE(intx_masks_itself),
	CASE(intx_fires_again_when_unmasked_early),
	CASE(intx_raise_ack_unmask_repeats),
	CASE(intx_of_two_causes_counts_once),
	CASE(intx_masked_by_ioctl_is_silent),
	CASE(intx_masked_and_acknowledged_is_lost),
	CASE(intx_disintx_silences),
	CASE(intx_unmask_under_disintx_does_nothing),
	CASE(intx_clearing_disintx_unmasks),
	CASE(intx_enabled_under_disintx_starts_masked),
	CASE(intx_enabled_with_the_line_high_counts),
	CASE(intx_without_a_trigger_masks_itself_too),
	CASE(intx_replaced_trigger_gets_the_next),
	CASE(intx_disabled_is_silent),
	CASE(intx_enable_forgets_the_mask),
	CASE(intx_status_follows_the_line),
	CASE(unmask_fd_unmasks),
	CASE(unmask_fd_that_was_signalled_acts_at_once),
	CASE(unmask_fd_detached_does_nothing),
	CASE(unmask_fd_under_disintx_does_nothing),
	CASE(factorial_interrupts),
	CASE(each_device_has_its_own_line),
	CASE(msi_counts_each),
	CASE(msi_needs_bus_master),
	CASE(msi_ignores_disintx),
	CASE(msi_without_a_trigger_is_lost),
	CASE(msi_replaced_trigger_gets_the_next),
	CASE(msi_keeps_the_line_low),
	CASE(intx_after_msi_sees_the_line),
	CASE(msi_disabled_is_silent),
	CASE(msi_survives_what_is_written_to_its_capability),
	CASE(nothing_comes_after_close),
	CASE(the_line_stays_high_over_close),
};

TABLE(table_irq_delivery, "irq_delivery", cases);
