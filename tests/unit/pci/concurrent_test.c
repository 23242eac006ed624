/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device at work while its client takes something away: memory, the device
 * itself, or the eventfds of its interrupts.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/machine.h"
#include "lib/migrate.h"

#define ROUNDS   50
#define MESSAGES 20000u
#define PAGE     4096u
#define RING     0x40000000ull /* a descriptor, a status, and a source */
#define STATUS   0x800u
#define TARGET   0x50000000ull

/* Of ioat. */
#define CHANCTRL 0x80
#define CHANCMD  0x84
#define DMACOUNT 0x86
#define CHAIN    0x90
#define CHANCMP  0x98
#define CHANERR  0xa8
#define RESET    0x20
#define HALTED   3

/* Of edu. */
#define RAISE 0x60

struct rig {
	struct side side;
	uint8_t *ring;   /* two pages */
	uint8_t *target; /* one */
};

static void set(struct rig *rig, uint64_t offset, size_t len, uint64_t value)
{
	assert_int_equal(uvfio_pwrite(rig->side.machine, rig->side.devices[0],
				      &value, len, offset),
			 len);
}

static void rig_open(struct rig *rig)
{
	static const char *const specs[] = {"ioat,version=3.4", NULL};

	side_open(&rig->side, specs);
	rig->ring = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig->ring, MAP_FAILED);
	rig->target = rig->ring + 2 * PAGE;
	side_map(&rig->side, rig->ring, RING, 2 * PAGE);
	side_enable(&rig->side, 0);
}

static void rig_close(struct rig *rig)
{
	side_close(&rig->side);
	munmap(rig->ring, 3 * PAGE);
}

static volatile uint64_t *status_of(const struct rig *rig)
{
	return (volatile uint64_t *)(void *)(rig->ring + STATUS);
}

/* Copies from the source to the target as often as it can count. */
static void start(struct rig *rig)
{
	volatile uint64_t *status = status_of(rig);
	const uint64_t descriptor[4] = {PAGE, RING + PAGE, TARGET, RING};
	volatile uint8_t *last = rig->target + PAGE - 1;

	memset(rig->ring + PAGE, 0xaa, PAGE);
	memset(rig->target, 0, PAGE);
	memcpy(rig->ring, descriptor, sizeof(descriptor));
	*status = 0;
	set(rig, CHANCMD, 1, RESET);
	set(rig, CHANERR, 4, UINT32_MAX);
	set(rig, CHAIN, 8, RING);
	set(rig, CHANCMP, 8, RING + STATUS);
	set(rig, CHANCTRL, 2, 0x0d);
	set(rig, DMACOUNT, 2, 0xffff);
	while (!*last)
		sched_yield();
}

static void check_untouched(const struct rig *rig)
{
	for (unsigned int i = 0; i < PAGE; i++)
		assert_int_equal(rig->target[i], 0x55);
}

/* Shows V67. */
static void unmap_waits_for_dma_and_what_follows_fails(void **state)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = TARGET, .size = PAGE};
	volatile uint64_t *status;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	status = status_of(&rig);
	for (int round = 0; round < ROUNDS; round++) {
		side_map(&rig.side, rig.target, TARGET, PAGE);
		start(&rig);
		must_ioctl(rig.side.machine, rig.side.container,
			   VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&unmap);
		assert_int_equal(unmap.size, PAGE);
		memset(rig.target, 0x55, PAGE);
		/* It may have come to its end before; then it has more to do.
		 */
		for (uint16_t count = 0xfffe; (*status & 7) != HALTED; count--)
			set(&rig, DMACOUNT, 2, count);
		check_untouched(&rig);
		assert_int_equal(side_read(&rig.side, 0, CHANERR), 2);
	}
	rig_close(&rig);
}

/* Shows V67. */
static void close_leaves_no_dma_behind(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	side_map(&rig.side, rig.target, TARGET, PAGE);
	for (int round = 0; round < ROUNDS; round++) {
		start(&rig);
		must_close(rig.side.machine, rig.side.devices[0]);
		memset(rig.target, 0x55, PAGE);
		rig.side.devices[0] = (int)must_ioctl(
			rig.side.machine, rig.side.groups[0],
			VFIO_GROUP_GET_DEVICE_FD, (uintptr_t) "0000:00:03.0");
		side_enable(&rig.side, 0);
		/* It could do DMA again, and has forgotten what. */
		assert_int_equal(side_read(&rig.side, 0, CHANERR), 0);
		check_untouched(&rig);
	}
	rig_close(&rig);
}

struct storm {
	struct side side;
	atomic_bool is_over;
};

static void *raise_all(void *arg)
{
	struct storm *storm = arg;
	uint32_t cause = 1;

	for (unsigned int i = 0; i < MESSAGES; i++)
		(void)uvfio_pwrite(storm->side.machine, storm->side.devices[0],
				   &cause, sizeof(cause), RAISE);
	atomic_store(&storm->is_over, true);
	return NULL;
}

static uint64_t take(int event)
{
	uint64_t count = 0;

	return read(event, &count, sizeof(count)) < 0 ? 0 : count;
}

/*
 * One eventfd takes the place of another; each message is in one of them.
 * Shows V67.
 */
static void no_message_is_lost_while_eventfds_change(void **state)
{
	static const char *const specs[] = {"edu", NULL};
	struct storm storm = {0};
	uint64_t count = 0;
	pthread_t thread;
	int events[2];

	(void)state;
	side_open(&storm.side, specs);
	side_enable(&storm.side, 0);
	for (int i = 0; i < 2; i++)
		events[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	side_irqs(&storm.side, 0, VFIO_PCI_MSI_IRQ_INDEX, &events[0], 1);
	assert_int_equal(pthread_create(&thread, NULL, raise_all, &storm), 0);
	for (unsigned int i = 1; !atomic_load(&storm.is_over); i++)
		side_irqs(&storm.side, 0, VFIO_PCI_MSI_IRQ_INDEX,
			  &events[i % 2], 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 2; i++)
		count += take(events[i]);
	assert_int_equal(count, MESSAGES);
	for (int i = 0; i < 2; i++)
		close(events[i]);
	side_close(&storm.side);
}

/* A vector that had no eventfd sends to the one it gets at once. */
static void the_first_message_behind_set_irqs_comes(void **state)
{
	static const char *const specs[] = {"edu", NULL};
	const int none = -1;
	struct storm storm = {0};
	pthread_t thread;
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)state;
	side_open(&storm.side, specs);
	side_enable(&storm.side, 0);
	side_irqs(&storm.side, 0, VFIO_PCI_MSI_IRQ_INDEX, &event, 1);
	assert_int_equal(pthread_create(&thread, NULL, raise_all, &storm), 0);
	while (!atomic_load(&storm.is_over)) {
		side_irqs(&storm.side, 0, VFIO_PCI_MSI_IRQ_INDEX, &none, 1);
		(void)take(event);
		side_irqs(&storm.side, 0, VFIO_PCI_MSI_IRQ_INDEX, &event, 1);
		side_write(&storm.side, 0, RAISE, 1);
		assert_true(take(event) >= 1);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(event);
	side_close(&storm.side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unmap_waits_for_dma_and_what_follows_fails),
		cmocka_unit_test(close_leaves_no_dma_behind),
		cmocka_unit_test(no_message_is_lost_while_eventfds_change),
		cmocka_unit_test(the_first_message_behind_set_irqs_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
