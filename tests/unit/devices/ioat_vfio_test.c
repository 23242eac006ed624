/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ioat behind vfio-pci and an IOMMU: transfers by a driver that maps what it
 * uses, and what happens when it does not.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "lib/machine.h"

#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

#define INTRCTRL 0x03
#define CHANCTRL 0x80
#define CHANCMD  0x84
#define DMACOUNT 0x86
#define CHANSTS  0x88
#define CHAIN    0x90
#define CHANCMP  0x98
#define CHANERR  0xa8

#define IDLE   1
#define HALTED 3

/* Addresses on the bus; the memory behind them is one allocation. */
#define IOVA   0x40000000ull
#define PAGES  16
#define STATUS 0x800u
#define FROM   0x1000u
#define TO     0x8000u

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t rest[4];
};

static struct uvfio_machine *machine;
static struct opened all;
static uint8_t *memory;

static void set(uint64_t offset, size_t len, uint64_t value)
{
	assert_int_equal(uvfio_pwrite(machine, all.device, &value, len, offset),
			 len);
}

static uint64_t get(uint64_t offset, size_t len)
{
	uint64_t value = 0;

	assert_int_equal(uvfio_pread(machine, all.device, &value, len, offset),
			 len);
	return value;
}

static int setup(void **state)
{
	static const char *const devices[] = {"ioat,version=3.4", NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = PAGES * 4096,
	};
	struct uvfio_error err = {""};

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, &err), 0);
	all = machine_open(machine);
	memory = aligned_alloc(4096, PAGES * 4096);
	assert_non_null(memory);
	for (size_t i = 0; i < PAGES * 4096; i++)
		memory[i] = (uint8_t)(i * 7 + (i >> 8));
	map.vaddr = (uintptr_t)memory;
	must_ioctl(machine, all.container, VFIO_IOMMU_MAP_DMA, (uintptr_t)&map);
	set(CONFIG + PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uvfio_machine_destroy(machine);
	free(memory);
	return 0;
}

static void put(uint64_t from, uint64_t to, uint32_t size, uint32_t control)
{
	struct descriptor desc = {
		.size = size,
		.control = control,
		.source = from,
		.destination = to,
		.next = IOVA,
	};

	memcpy(memory, &desc, sizeof(desc));
}

/* Lets it work until it stops; how it stopped, as memory was told. */
static uint64_t run(void)
{
	volatile uint64_t *status = (volatile void *)(memory + STATUS);

	*status = 0;
	set(CHANCMD, 1, 0x20);
	set(CHANERR, 4, get(CHANERR, 4));
	set(CHAIN, 8, IOVA);
	set(CHANCMP, 8, IOVA + STATUS);
	set(CHANCTRL, 2, 0x0d);
	set(DMACOUNT, 2, 1);
	while (!*status)
		sched_yield();
	return *status;
}

static int arm_vector(void)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + 4];
	} arg = {.set = {.argsz = sizeof(arg),
			 .flags = VFIO_IRQ_SET_DATA_EVENTFD |
				  VFIO_IRQ_SET_ACTION_TRIGGER,
			 .index = VFIO_PCI_MSIX_IRQ_INDEX,
			 .count = 1}};
	int fd = eventfd(0, EFD_NONBLOCK);

	assert_true(fd >= 0);
	memcpy(arg.set.data, &fd, sizeof(fd));
	must_ioctl(machine, all.device, VFIO_DEVICE_SET_IRQS, (uintptr_t)&arg);
	set(INTRCTRL, 1, 8);
	return fd;
}

static uint64_t count(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static void copies_and_sends_one_message(void **state)
{
	int fd = arm_vector();
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	(void)state;
	put(IOVA + FROM, IOVA + TO, 0x5001, 0x09);
	assert_int_equal(run(), IOVA | IDLE);
	assert_memory_equal(memory + TO, memory + FROM, 0x5001);
	/* The message comes after the status. */
	assert_int_equal(poll(&wait, 1, 10000), 1);
	assert_int_equal(count(fd), 1);
	/* The table of MSI-X is in BAR 0, and hidden. */
	assert_int_equal(get(0x2000, 4), UINT32_MAX);
	close(fd);
}

/* Shows V66. */
static void unmapped_memory_stops_it_and_reset_heals(void **state)
{
	static const struct {
		uint64_t from, to;
		uint32_t error;
	} cases[] = {
		{0, IOVA + TO, 1},
		{IOVA + FROM, 0, 2},
		{IOVA + FROM, IOVA + PAGES * 4096 - 8, 2},
		{IOVA + PAGES * 4096 - 8, IOVA + TO, 1},
	};
	int fd = arm_vector();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(cases[i].from, cases[i].to, 64, 0x09);
		assert_int_equal(run(), HALTED);
		assert_int_equal(get(CHANERR, 4), cases[i].error);
		assert_int_equal(count(fd), 0);
		must_ioctl(machine, all.device, VFIO_DEVICE_RESET, 0);
		assert_int_equal(get(CHANERR, 4), 0);
		assert_int_equal(get(CHANSTS, 8), HALTED);
		put(IOVA + FROM, IOVA + TO, 64, 0x08);
		assert_int_equal(run(), IOVA | IDLE);
		set(INTRCTRL, 1, 8);
	}
	assert_int_equal(count(fd), 0);
	close(fd);
}

static void without_bus_mastering_it_reaches_nothing(void **state)
{
	(void)state;
	put(IOVA + FROM, IOVA + TO, 64, 0x08);
	set(CONFIG + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	memset(memory + STATUS, 0, 8);
	set(CHAIN, 8, IOVA);
	set(CHANCMP, 8, IOVA + STATUS);
	set(CHANCTRL, 2, 0x0c);
	set(DMACOUNT, 2, 1);
	while ((get(CHANSTS, 8) & 7) != HALTED)
		sched_yield();
	assert_int_equal(get(CHANERR, 4), 0x100);
	assert_int_equal(memory[STATUS], 0);
	set(CONFIG + PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(run(), IOVA | IDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copies_and_sends_one_message,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			unmapped_memory_stops_it_and_reset_heals, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			without_bus_mastering_it_reaches_nothing, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
