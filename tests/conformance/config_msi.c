/* SPDX-License-Identifier: BSD-3-Clause */
/* The MSI capability in config space, beside SET_IRQS. */
#include "lib.h"

#define CONTROL (cap + 2)

static unsigned int cap;

/* Also finds the capability; it must not depend on where it is. */
static struct session found(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	cap = cfg_read(s.device, 0x34, 1);
	while (cap && cfg_read(s.device, cap, 1) != 5)
		cap = cfg_read(s.device, cap + 1, 1);
	need(cap != 0, "msi-capability");
	return s;
}

static struct session enabled(int fd)
{
	struct session s = found();

	need(!irq_trigger_fd(s.device, VFIO_PCI_MSI_IRQ_INDEX, fd), "enable");
	return s;
}

static void control(long v)
{
	struct session s = found();
	uint32_t old = cfg_read(s.device, CONTROL, 2);

	result(cfg_write(s.device, CONTROL, 2, (uint32_t)v));
	hex("reads", cfg_read(s.device, CONTROL, 2));
	cfg_write(s.device, CONTROL, 2, old);
}

static void control_when_enabled(long v)
{
	struct session s = enabled(event_fd());
	uint32_t old = cfg_read(s.device, CONTROL, 2);

	result(cfg_write(s.device, CONTROL, 2, (uint32_t)v));
	hex("reads", cfg_read(s.device, CONTROL, 2));
	cfg_write(s.device, CONTROL, 2, old);
}

static void the_enable_bit_gates_delivery(void)
{
	int fd = event_fd();
	struct session s = enabled(fd);

	cfg_command(s.device, 0, 4);
	cfg_write(s.device, CONTROL, 2, 0x80);
	edu_write(s.device, EDU_RAISE, 1);
	result(no_events(fd));
	edu_write(s.device, EDU_ACK, 1);
	cfg_write(s.device, CONTROL, 2, 0x81);
	edu_write(s.device, EDU_RAISE, 1);
	value("enabled", events(fd));
}

static void the_enable_bit_goes_with_disable(void)
{
	struct session s = enabled(event_fd());

	cfg_write(s.device, CONTROL, 2, 0x81);
	hex("enabled", cfg_read(s.device, CONTROL, 2));
	result(irq_set(s.device, ABI_IRQ_NONE | ABI_IRQ_TRIGGER,
		       VFIO_PCI_MSI_IRQ_INDEX, 0, 0, NULL));
	hex("disabled", cfg_read(s.device, CONTROL, 2));
	cfg_write(s.device, CONTROL, 2, 0x81);
	hex("written_again", cfg_read(s.device, CONTROL, 2));
}

static void address_and_data_are_stored(void)
{
	struct session s = found();

	cfg_write(s.device, cap + 4, 4, 0x12345677);
	cfg_write(s.device, cap + 8, 4, 0x89abcdef);
	cfg_write(s.device, cap + 12, 2, 0x5aa5);
	result(0);
	hex("low", cfg_read(s.device, cap + 4, 4));
	hex("high", cfg_read(s.device, cap + 8, 4));
	hex("data", cfg_read(s.device, cap + 12, 2));
}

static void enabling_does_not_show_the_address(void)
{
	struct session s = enabled(event_fd());

	result(0);
	hex("low", cfg_read(s.device, cap + 4, 4));
	hex("high", cfg_read(s.device, cap + 8, 4));
	hex("data", cfg_read(s.device, cap + 12, 2));
}

static void the_capability_is_14_bytes(void)
{
	struct session s = found();

	result(0);
	value("at", cap);
	hex("id", cfg_read(s.device, cap, 1));
	hex("next", cfg_read(s.device, cap + 1, 1));
	hex("control", cfg_read(s.device, CONTROL, 2));
	hex("behind", cfg_read(s.device, cap + 14, 2));
}

static void id_and_next_cannot_be_written(void)
{
	struct session s = found();

	result(cfg_write(s.device, cap, 2, 0xffff));
	hex("reads", cfg_read(s.device, cap, 2));
}

static const struct conf_case cases[] = {
	RANGE(control, 0, 1, 1),
	RANGE(control, 0x70, 0x71, 1),
	RANGE(control, 0x80, 0x81, 1),
	RANGE(control, 0x8e, 0x8e, 1),
	RANGE(control, 0xff00, 0xffff, 0xff),
	RANGE(control_when_enabled, 0, 1, 1),
	RANGE(control_when_enabled, 0x70, 0x71, 1),
	RANGE(control_when_enabled, 0x80, 0x81, 1),
	RANGE(control_when_enabled, 0xff00, 0xffff, 0xff),
	CASE(the_enable_bit_gates_delivery),
	CASE(the_enable_bit_goes_with_disable),
	CASE(address_and_data_are_stored),
	CASE(enabling_does_not_show_the_address),
	CASE(the_capability_is_14_bytes),
	CASE(id_and_next_cannot_be_written),
};

TABLE(table_config_msi, "config_msi", cases);
