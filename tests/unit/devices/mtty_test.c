/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a card of mtty answers, call by call: the errno and the order of tests
 * are those of samples/vfio-mdev/mtty.c, Linux 6.12.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/serial_reg.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "lib/machine.h"

#define ONE    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define TWO    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define BAR(n) ((uint64_t)(n) << 40)
#define FIFO   16

#define NONE    VFIO_IRQ_SET_DATA_NONE
#define BOOL    VFIO_IRQ_SET_DATA_BOOL
#define EVENT   VFIO_IRQ_SET_DATA_EVENTFD
#define MASK    VFIO_IRQ_SET_ACTION_MASK
#define UNMASK  VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER
#define INTX    VFIO_PCI_INTX_IRQ_INDEX
#define MSI     VFIO_PCI_MSI_IRQ_INDEX

static struct uvfio_machine *machine;
static int container, group, device;

static void open_card(const char *path, const char *uuid)
{
	container = must_open(machine, "/dev/vfio/vfio");
	group = must_open(machine, path);
	must_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
		   (unsigned long)&container);
	must_ioctl(machine, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	device = (int)must_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
				 (unsigned long)uuid);
}

static void close_card(void)
{
	must_close(machine, device);
	must_close(machine, group);
	must_close(machine, container);
}

/* In the test: cmocka would catch the signals of addresses that are wrong. */
static void begin(const char *path, const char *uuid)
{
	static const char *const devices[] = {
		"mtty,uuid=" ONE, "mtty,uuid=" TWO ",type=mtty-2", NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_error err = {""};

	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	open_card(path, uuid);
}

static int tear_down(void **state)
{
	(void)state;
	close_card();
	uvfio_machine_destroy(machine);
	return 0;
}

static long call(unsigned int cmd, void *arg)
{
	return uvfio_ioctl(machine, device, cmd, (unsigned long)arg);
}

static void get_info(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), 0);
}

static void device_has_what_pci_has(void **state)
{
	struct vfio_device_info info = {.argsz = 16, .cap_offset = 77};

	(void)state;
	begin("/dev/vfio/1", ONE);
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.argsz, 16);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(info.num_regions, VFIO_PCI_NUM_REGIONS);
	assert_int_equal(info.num_irqs, VFIO_PCI_NUM_IRQS);
	assert_int_equal(info.cap_offset, 77);
	info.argsz = 15;
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, NULL), -EFAULT);
	assert_int_equal(call(VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(call(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info),
			 -ENOTTY);
	assert_int_equal(call(VFIO_DEVICE_IOEVENTFD, &info), -ENOTTY);
}

static void check_regions(const uint64_t sizes[VFIO_PCI_NUM_REGIONS])
{
	for (uint32_t i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info info = {.argsz = sizeof(info),
						.index = i};

		assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, &info), 0);
		assert_int_equal(info.flags,
				 VFIO_REGION_INFO_FLAG_READ |
					 VFIO_REGION_INFO_FLAG_WRITE);
		assert_int_equal(info.size, sizes[i]);
		assert_int_equal(info.offset, (uint64_t)i << 40);
		info.argsz--;
		assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, &info),
				 -EINVAL);
	}
}

static void regions_of_one_port(void **state)
{
	static const uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		8, [VFIO_PCI_CONFIG_REGION_INDEX] = 255};
	struct vfio_region_info info = {.argsz = sizeof(info),
					.index = VFIO_PCI_NUM_REGIONS};

	(void)state;
	begin("/dev/vfio/1", ONE);
	check_regions(sizes);
	assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, &info), -EINVAL);
}

static void regions_of_two_ports(void **state)
{
	static const uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		8, 8, [VFIO_PCI_CONFIG_REGION_INDEX] = 255};

	(void)state;
	begin("/dev/vfio/2", TWO);
	check_regions(sizes);
}

static long irq_info(uint32_t index, struct vfio_irq_info *ret_info)
{
	*ret_info = (struct vfio_irq_info){.argsz = sizeof(*ret_info),
					   .index = index};
	return call(VFIO_DEVICE_GET_IRQ_INFO, ret_info);
}

static void interrupts_are_known_after_get_info(void **state)
{
	struct vfio_irq_info info;

	(void)state;
	begin("/dev/vfio/1", ONE);
	assert_int_equal(irq_info(INTX, &info), -EINVAL);
	get_info();
	assert_int_equal(irq_info(INTX, &info), 0);
	assert_int_equal(info.flags, VFIO_IRQ_INFO_EVENTFD |
					     VFIO_IRQ_INFO_MASKABLE |
					     VFIO_IRQ_INFO_AUTOMASKED);
	assert_int_equal(info.count, 1);
	assert_int_equal(irq_info(MSI, &info), 0);
	assert_int_equal(info.flags,
			 VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE);
	assert_int_equal(info.count, 1);
	for (uint32_t i = VFIO_PCI_MSIX_IRQ_INDEX; i <= VFIO_PCI_NUM_IRQS; i++)
		assert_int_equal(irq_info(i, &info), -EINVAL);
	/* The device remembers it, whoever asked. */
	close_card();
	open_card("/dev/vfio/1", ONE);
	assert_int_equal(irq_info(INTX, &info), 0);
}

/* SET_IRQS with one element, or none. */
static long set_irqs(uint32_t index, uint32_t flags, uint32_t count, int value)
{
	struct {
		struct vfio_irq_set set;
		int32_t value;
	} arg = {
		.set = {.argsz = sizeof(arg),
			.flags = flags,
			.index = index,
			.count = count},
		.value = value,
	};

	return call(VFIO_DEVICE_SET_IRQS, &arg);
}

static uint64_t signals(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void set_irqs_refuses_in_this_order(void **state)
{
	static const struct {
		uint32_t index, flags, count;
		int ret;
	} cases[] = {
		{INTX, TRIGGER, 1, -EINVAL},
		{INTX, TRIGGER | NONE | BOOL, 1, -EINVAL},
		{INTX, TRIGGER | NONE | 0x80, 1, -EINVAL},
		{5, TRIGGER | NONE, 1, -EINVAL},
		{4, TRIGGER | NONE, 1, -ENOTTY},
		{3, TRIGGER | NONE, 1, -ENOTTY},
		{VFIO_PCI_MSIX_IRQ_INDEX, MASK | NONE, 1, -ENOTTY},
		/* Nothing is enabled. */
		{INTX, MASK | NONE, 1, -EINVAL},
		{INTX, UNMASK | EVENT, 1, -EINVAL},
		{INTX, TRIGGER | NONE, 1, -EINVAL},
		{INTX, TRIGGER | NONE, 0, -EINVAL},
		{INTX, TRIGGER | NONE, 2, -EINVAL},
		{MSI, TRIGGER | NONE, 1, -EINVAL},
		{MSI, MASK | NONE, 1, -ENOTTY},
		{MSI, UNMASK | NONE, 7, -EINVAL},
		/* No action, or two: nothing is done. */
		{INTX, NONE, 1, 0},
		{INTX, NONE | MASK | UNMASK, 1, 0},
		{MSI, BOOL, 1, 0},
	};

	(void)state;
	begin("/dev/vfio/1", ONE);
	/* There is no index before somebody asked how many there are. */
	assert_int_equal(set_irqs(INTX, NONE, 1, 0), -EINVAL);
	get_info();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(set_irqs(cases[i].index, cases[i].flags,
					  cases[i].count, 1),
				 cases[i].ret);
	assert_int_equal(call(VFIO_DEVICE_SET_IRQS, NULL), -EFAULT);
}

static void a_bad_eventfd_disables(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	begin("/dev/vfio/1", ONE);
	get_info();
	assert_int_equal(set_irqs(INTX, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(set_irqs(MSI, TRIGGER | EVENT, 1, fd), -EINVAL);
	assert_int_equal(set_irqs(INTX, MASK | EVENT, 1, fd), -ENOTTY);
	assert_int_equal(set_irqs(INTX, UNMASK | EVENT, 1, fd), -ENOTTY);
	assert_int_equal(set_irqs(INTX, TRIGGER | EVENT, 1, other), -EINVAL);
	assert_int_equal(set_irqs(INTX, TRIGGER | NONE, 1, 0), -EINVAL);
	assert_int_equal(set_irqs(MSI, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(set_irqs(MSI, TRIGGER | EVENT, 1, 9999), -EBADF);
	assert_int_equal(set_irqs(MSI, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(set_irqs(MSI, TRIGGER | EVENT, 1, -1), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | NONE, 0, 0), 0);
	assert_int_equal(signals(fd), 0);
	close(other);
	close(fd);
}

static void intx_masks_itself(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)state;
	begin("/dev/vfio/1", ONE);
	get_info();
	assert_int_equal(set_irqs(INTX, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | BOOL, 1, 0), 0);
	assert_int_equal(signals(fd), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | BOOL, 1, 1), 0);
	assert_int_equal(signals(fd), 1);
	assert_int_equal(set_irqs(INTX, TRIGGER | NONE, 1, 0), 0);
	assert_int_equal(signals(fd), 0);
	/* What was lost does not come again. */
	assert_int_equal(set_irqs(INTX, UNMASK | BOOL, 1, 0), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | NONE, 1, 0), 0);
	assert_int_equal(signals(fd), 0);
	assert_int_equal(set_irqs(INTX, UNMASK | BOOL, 1, 1), 0);
	assert_int_equal(signals(fd), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | NONE, 1, 0), 0);
	assert_int_equal(signals(fd), 1);
	/* A new eventfd begins unmasked. */
	assert_int_equal(set_irqs(INTX, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(set_irqs(INTX, MASK | NONE, 1, 0), 0);
	assert_int_equal(set_irqs(INTX, TRIGGER | NONE, 1, 0), 0);
	assert_int_equal(signals(fd), 0);
	close(fd);
}

static uint8_t get(unsigned int port, unsigned int reg)
{
	uint8_t value = 0xee;

	assert_int_equal(
		uvfio_pread(machine, device, &value, 1, BAR(port) + reg), 1);
	return value;
}

static void set(unsigned int port, unsigned int reg, uint8_t value)
{
	assert_int_equal(
		uvfio_pwrite(machine, device, &value, 1, BAR(port) + reg), 1);
}

static void ports_hear_what_they_say(void **state)
{
	(void)state;
	begin("/dev/vfio/2", TWO);
	for (uint8_t i = 0; i < 4; i++) {
		set(0, UART_TX, i);
		set(1, UART_TX, (uint8_t)(0x80 + i));
	}
	assert_int_equal(get(0, UART_LSR), UART_LSR_DR);
	for (uint8_t i = 0; i < 4; i++) {
		assert_int_equal(get(1, UART_RX), 0x80 + i);
		assert_int_equal(get(0, UART_RX), i);
	}
	assert_int_equal(get(0, UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
	/* An empty FIFO gives nothing: the byte is 0 here. */
	assert_int_equal(get(0, UART_RX), 0);
}

static void a_full_fifo_overruns_and_looks_empty(void **state)
{
	(void)state;
	begin("/dev/vfio/1", ONE);
	for (uint8_t i = 0; i < FIFO; i++)
		set(0, UART_TX, i);
	assert_int_equal(get(0, UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
	set(0, UART_TX, FIFO);
	assert_int_equal(get(0, UART_LSR),
			 UART_LSR_TEMT | UART_LSR_THRE | UART_LSR_OE);
	set(0, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_XMIT);
	set(0, UART_TX, 7);
	assert_int_equal(get(0, UART_RX), 7);
	/* Without FIFO there is room for one byte. */
	set(0, UART_FCR, 0);
	set(0, UART_TX, 8);
	assert_int_equal(get(0, UART_LSR), UART_LSR_DR);
	set(0, UART_TX, 9);
	assert_int_equal(get(0, UART_LSR), UART_LSR_DR | UART_LSR_OE);
	assert_int_equal(get(0, UART_RX), 8);
}

static void registers_keep_what_they_can(void **state)
{
	(void)state;
	begin("/dev/vfio/1", ONE);
	set(0, UART_SCR, 0x5a);
	assert_int_equal(get(0, UART_SCR), 0x5a);
	set(0, UART_IER, 0xff);
	assert_int_equal(get(0, UART_IER), 0x0f);
	set(0, UART_MCR, 0x1b);
	assert_int_equal(get(0, UART_MCR), 0x1b);
	set(0, UART_LCR, UART_LCR_DLAB | 3);
	assert_int_equal(get(0, UART_LCR), UART_LCR_DLAB | 3);
	set(0, UART_DLL, 0x12);
	set(0, UART_DLM, 0x34);
	/* Bits come, and none goes. */
	set(0, UART_DLL, 0x21);
	assert_int_equal(get(0, UART_DLL), 0x33);
	assert_int_equal(get(0, UART_DLM), 0x34);
	set(0, UART_LCR, 3);
	assert_int_equal(get(0, UART_IER), 0x0f);
	assert_int_equal(get(0, UART_MSR), UART_MSR_DSR | UART_MSR_DDSR |
						   UART_MSR_DCD | UART_MSR_CTS |
						   UART_MSR_DCTS);
	set(0, UART_MCR, UART_MCR_AFE);
	set(0, UART_FCR, 0);
	set(0, UART_TX, 1);
	assert_int_equal(get(0, UART_MSR),
			 UART_MSR_DSR | UART_MSR_DDSR | UART_MSR_DCD);
	set(0, UART_MSR, 0xff);
	set(0, UART_LSR, 0xff);
	assert_int_equal(get(0, UART_LSR), UART_LSR_DR);
}

static void causes_are_told_all_at_once(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)state;
	begin("/dev/vfio/1", ONE);
	get_info();
	assert_int_equal(set_irqs(MSI, TRIGGER | EVENT, 1, fd), 0);
	assert_int_equal(get(0, UART_IIR), 0xc0 | UART_IIR_NO_INT);
	set(0, UART_IER, UART_IER_THRI);
	assert_int_equal(signals(fd), 1);
	assert_int_equal(get(0, UART_IIR), 0xc0 | UART_IIR_THRI);
	/* The level is 0 until FIFO control is written: nothing reaches it. */
	set(0, UART_IER, UART_IER_RDI);
	set(0, UART_TX, 1);
	assert_int_equal(signals(fd), 0);
	set(0, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	set(0, UART_TX, 1);
	set(0, UART_TX, 2);
	assert_int_equal(signals(fd), 1);
	assert_int_equal(get(0, UART_IIR), 0xc0 | UART_IIR_RDI);
	set(0, UART_IER, UART_IER_RLSI | UART_IER_THRI);
	assert_int_equal(get(0, UART_RX), 1);
	assert_int_equal(signals(fd), 0);
	assert_int_equal(get(0, UART_RX), 2);
	assert_int_equal(signals(fd), 1);
	set(0, UART_FCR, 0);
	set(0, UART_TX, 3);
	set(0, UART_TX, 4);
	assert_int_equal(signals(fd), 1);
	assert_int_equal(get(0, UART_IIR), 0xc0 | UART_IIR_RLSI);
	set(0, UART_IER, UART_IER_MSI);
	set(0, UART_MCR, UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(signals(fd), 2);
	close(fd);
}

static uint32_t config(unsigned int offset)
{
	uint32_t value;

	assert_int_equal(
		uvfio_pread(machine, device, &value, 4, CONFIG + offset), 4);
	return value;
}

static void set_config(unsigned int offset, uint32_t value, size_t size)
{
	assert_int_equal(
		uvfio_pwrite(machine, device, &value, size, CONFIG + offset),
		size);
}

static void configuration_space_is_small(void **state)
{
	uint8_t bytes[16];

	(void)state;
	begin("/dev/vfio/2", TWO);
	assert_int_equal(config(PCI_VENDOR_ID), 0x32534348);
	assert_int_equal(config(PCI_COMMAND), 0x02000001);
	assert_int_equal(config(PCI_REVISION_ID), 0x07000210);
	assert_int_equal(config(PCI_SUBSYSTEM_VENDOR_ID), 0x32534348);
	assert_int_equal(config(PCI_INTERRUPT_LINE), 0x0100);
	assert_int_equal(config(0x40), 0x80000023);
	assert_int_equal(uvfio_pread(machine, device, bytes, 15, CONFIG + 0x60),
			 15);
	assert_memory_equal(bytes, "PCI Serial/UART", 15);
	set_config(PCI_VENDOR_ID, 0, 4);
	set_config(PCI_COMMAND, 7, 2);
	set_config(PCI_INTERRUPT_LINE, 0x0b, 1);
	set_config(PCI_INTERRUPT_PIN, 2, 1);
	assert_int_equal(config(PCI_VENDOR_ID), 0x32534348);
	assert_int_equal(config(PCI_COMMAND), 0x02000001);
	assert_int_equal(config(PCI_INTERRUPT_LINE), 0x010b);
	for (unsigned int bar = 0; bar < 6; bar++) {
		unsigned int offset = PCI_BASE_ADDRESS_0 + 4 * bar;

		set_config(offset, 0xffffffff, 4);
		assert_int_equal(config(offset), bar < 2 ? 0xfffffff9 : 0);
		set_config(offset, 0xc000, 4);
		assert_int_equal(config(offset), bar < 2 ? 0xc001 : 0);
	}
	/* What lies behind is nobody's. */
	assert_int_equal(config(0xfc), 0);
	assert_int_equal(config(0x1000), 0);
}

static void bar_of_the_missing_port(void **state)
{
	(void)state;
	begin("/dev/vfio/1", ONE);
	set_config(PCI_BASE_ADDRESS_1, 0xffffffff, 4);
	assert_int_equal(config(PCI_BASE_ADDRESS_1), 0);
}

static void failures_are_efault(void **state)
{
	uint32_t value = 0;

	(void)state;
	begin("/dev/vfio/1", ONE);
	assert_int_equal(uvfio_pread(machine, device, &value, 4,
				     BAR(VFIO_PCI_ROM_REGION_INDEX)),
			 -EFAULT);
	assert_int_equal(uvfio_pwrite(machine, device, &value, 4, BAR(9)),
			 -EFAULT);
	assert_int_equal(uvfio_pread(machine, device, NULL, 1, BAR(0)),
			 -EFAULT);
	assert_int_equal(uvfio_pread(machine, device, &value, 0, BAR(9)), 0);
	/* These reach other memory in the kernel, and nothing here. */
	value = 0xffffffff;
	assert_int_equal(uvfio_pread(machine, device, &value, 4, BAR(5)), 4);
	assert_int_equal(value, 0);
	assert_int_equal(uvfio_pwrite(machine, device, &value, 4, BAR(2)), 4);
	/* One access: the first byte is the register, the others nothing. */
	set(0, UART_SCR, 0x11);
	assert_int_equal(
		uvfio_pread(machine, device, &value, 4, BAR(0) + UART_MCR), 4);
	assert_int_equal(value, 0);
	assert_int_equal(get(0, UART_SCR), 0x11);
}

#define TEST(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(device_has_what_pci_has),
		TEST(regions_of_one_port),
		TEST(regions_of_two_ports),
		TEST(interrupts_are_known_after_get_info),
		TEST(set_irqs_refuses_in_this_order),
		TEST(a_bad_eventfd_disables),
		TEST(intx_masks_itself),
		TEST(ports_hear_what_they_say),
		TEST(a_full_fifo_overruns_and_looks_empty),
		TEST(registers_keep_what_they_can),
		TEST(causes_are_told_all_at_once),
		TEST(configuration_space_is_small),
		TEST(bar_of_the_missing_port),
		TEST(failures_are_efault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
