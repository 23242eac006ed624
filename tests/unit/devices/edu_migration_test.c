/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transfer by edu that is moved to another machine at any point of it goes
 * on there as if nothing had happened: no DMA is lost or done twice, and each
 * interrupt comes.
 *
 * Twenty devices transfer at the same time, since one takes a fifth of a
 * second.  MIGRATION_SEED and MIGRATION_ROUNDS in the environment choose
 * other points, and how many.
 */
#include <inttypes.h>
#include <linux/vfio.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/machine.h"
#include "lib/migrate.h"

#define DEVICES 20u
#define ROUNDS  50u
#define SPAN_NS 230000000ull /* a transfer takes 200 ms */
#define AREA    0x4000u      /* bytes of memory of one device */
#define IOVA    0x100000u
#define BUFFER  0x40000u

#define CAUSES      0x24
#define ACKNOWLEDGE 0x64
#define CAUSE_DMA   0x100u

/* From memory into the device, and back to another place. */
struct transfer {
	struct side *side; /* where the device is now */
	unsigned int device;
	bool is_intx, has_precopy, has_moved;
	int event;
	unsigned int phase; /* DMAs that are done */
	unsigned int count; /* interrupts with a cause */
	uint64_t moves_at;  /* ns from the start of the round */
	uint32_t size;
	uint8_t *memory;
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void begin_dma(struct transfer *transfer)
{
	uint32_t iova = IOVA + transfer->device * AREA;
	bool is_back = transfer->phase;

	side_write(transfer->side, transfer->device, 0x80,
		   is_back ? BUFFER : iova);
	side_write(transfer->side, transfer->device, 0x88,
		   is_back ? iova + AREA / 2 : BUFFER);
	side_write(transfer->side, transfer->device, 0x90, transfer->size);
	side_write(transfer->side, transfer->device, 0x98, is_back ? 7 : 5);
}

static void connect_irq(struct transfer *transfer)
{
	side_enable(transfer->side, transfer->device);
	side_irqs(transfer->side, transfer->device,
		  transfer->is_intx ? VFIO_PCI_INTX_IRQ_INDEX
				    : VFIO_PCI_MSI_IRQ_INDEX,
		  &transfer->event, 1);
}

static void unmask(struct transfer *transfer)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};

	must_ioctl(transfer->side->machine,
		   transfer->side->devices[transfer->device],
		   VFIO_DEVICE_SET_IRQS, (uintptr_t)&set);
}

static void handle_irq(struct transfer *transfer)
{
	uint64_t count;
	uint32_t causes;

	assert_int_equal(read(transfer->event, &count, sizeof(count)),
			 sizeof(count));
	causes = side_read(transfer->side, transfer->device, CAUSES);
	if (causes) {
		assert_int_equal(causes, CAUSE_DMA);
		side_write(transfer->side, transfer->device, ACKNOWLEDGE,
			   causes);
		transfer->count++;
	}
	if (transfer->is_intx)
		unmask(transfer);
	/* A level that was moved is signalled again. */
	if (!causes)
		return;
	transfer->phase++;
	if (transfer->phase < 2)
		begin_dma(transfer);
}

static void move(struct transfer *transfer, struct side *to)
{
	uint8_t *state;
	size_t size;

	state = side_save(transfer->side, transfer->device,
			  transfer->has_precopy, &size);
	transfer->side = to;
	connect_irq(transfer);
	side_load(to, transfer->device, state, size);
	transfer->has_moved = true;
	free(state);
}

static int wait_for(struct transfer *transfers, uint64_t ns)
{
	struct pollfd pfds[DEVICES];
	int timeout = ns == UINT64_MAX ? 10000 : (int)(ns / 1000000);
	int ready;

	for (unsigned int i = 0; i < DEVICES; i++)
		pfds[i] = (struct pollfd){transfers[i].event, POLLIN, 0};
	ready = poll(pfds, DEVICES, timeout);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (pfds[i].revents)
			handle_irq(&transfers[i]);
	return ready;
}

static bool is_over(const struct transfer *transfers)
{
	for (unsigned int i = 0; i < DEVICES; i++)
		if (transfers[i].phase < 2 || !transfers[i].has_moved)
			return false;
	return true;
}

static void fail_round(const struct transfer *transfers)
{
	for (unsigned int i = 0; i < DEVICES; i++) {
		const struct transfer *transfer = &transfers[i];

		if (transfer->phase == 2)
			continue;
		print_error("%s%s, moved after %" PRIu64
			    " ns, hangs in phase %u: causes %#x, command %#x\n",
			    transfer->is_intx ? "INTx" : "MSI",
			    transfer->has_precopy ? ", pre-copy" : "",
			    transfer->moves_at, transfer->phase,
			    side_read(transfer->side, i, CAUSES),
			    side_read(transfer->side, i, 0x98));
	}
	fail_msg("an interrupt was lost");
}

static void run_round(struct transfer *transfers, struct side *to)
{
	uint64_t start = now_ns();

	for (unsigned int i = 0; i < DEVICES; i++)
		begin_dma(&transfers[i]);
	for (;;) {
		uint64_t now = now_ns() - start, next = UINT64_MAX;
		int ready;

		for (unsigned int i = 0; i < DEVICES; i++) {
			struct transfer *transfer = &transfers[i];

			if (transfer->has_moved)
				continue;
			if (transfer->moves_at <= now)
				move(transfer, to);
			else if (transfer->moves_at - now < next)
				next = transfer->moves_at - now;
		}
		if (is_over(transfers))
			return;
		ready = wait_for(transfers, next);
		if (!ready && next == UINT64_MAX)
			fail_round(transfers);
	}
}

static void open_side(struct side *side, uint8_t *memory)
{
	const char *specs[DEVICES + 1] = {NULL};

	for (unsigned int i = 0; i < DEVICES; i++)
		specs[i] = "edu,migration=all";
	side_open(side, specs);
	side_map(side, memory, IOVA, DEVICES * AREA);
}

static void prepare(struct transfer *transfer, uint64_t *seed)
{
	for (uint32_t i = 0; i < AREA / 2; i++)
		transfer->memory[i] = (uint8_t)next_random(seed);
	memset(transfer->memory + AREA / 2, 0, AREA / 2);
	transfer->size = (uint32_t)(next_random(seed) % 4096) + 1;
	transfer->moves_at = next_random(seed) % SPAN_NS;
	transfer->is_intx = next_random(seed) % 2;
	transfer->has_precopy = next_random(seed) % 2;
	transfer->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(transfer->event >= 0);
	connect_irq(transfer);
}

static void check(const struct transfer *transfer)
{
	static const uint8_t zeroes[AREA / 2];

	assert_int_equal(transfer->count, 2);
	assert_memory_equal(transfer->memory, transfer->memory + AREA / 2,
			    transfer->size);
	assert_memory_equal(transfer->memory + AREA / 2 + transfer->size,
			    zeroes, AREA / 2 - transfer->size);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* Shows V59. */
static void a_transfer_goes_on_elsewhere_from_any_point(void **state)
{
	uint64_t seed = setting("MIGRATION_SEED", now_ns() | 1);
	uint64_t rounds = setting("MIGRATION_ROUNDS", ROUNDS);
	uint8_t *memory = mmap(NULL, DEVICES * AREA, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	printf("MIGRATION_SEED=%" PRIu64 ", %" PRIu64 " points\n", seed,
	       rounds * DEVICES);
	for (uint64_t round = 0; round < rounds; round++) {
		struct transfer transfers[DEVICES] = {0};
		struct side from, to;

		open_side(&from, memory);
		open_side(&to, memory);
		for (unsigned int i = 0; i < DEVICES; i++) {
			transfers[i].side = &from;
			transfers[i].device = i;
			transfers[i].memory = memory + i * AREA;
			prepare(&transfers[i], &seed);
		}
		run_round(transfers, &to);
		for (unsigned int i = 0; i < DEVICES; i++) {
			check(&transfers[i]);
			close(transfers[i].event);
		}
		side_close(&from);
		side_close(&to);
	}
	munmap(memory, DEVICES * AREA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transfer_goes_on_elsewhere_from_any_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
