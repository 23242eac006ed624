/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of each kind, by each way that leads to them: read and write, a
 * mapping, and the DMA of another device.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/device.h"
#include "mem/mem.h"
#include "pci/handlers.h"
#include "rig.h"

#define TRAP    0x1000u
#define RAM     0x4000u
#define POLL    0x6000u
#define RDIRECT 0xa000u
#define TABLE   0x8000u /* of MSI-X */
#define PENDING 0x9000u
#define HOLE    0xb000u

typedef bool access_fn(struct rig *rig, uint64_t off, void *buf, size_t len,
		       bool is_write);

static bool by_call(struct rig *rig, uint64_t off, void *buf, size_t len,
		    bool is_write)
{
	ssize_t n = is_write ? rig_write(rig, REGION(0) + off, buf, len)
			     : rig_read(rig, REGION(0) + off, buf, len);

	return n == (ssize_t)len;
}

static bool by_mapping(struct rig *rig, uint64_t off, void *buf, size_t len,
		       bool is_write)
{
	return pci_mmio(&rig->pci->vfio, REGION(0) + off, buf, len, is_write);
}

static bool by_peer(struct rig *rig, uint64_t off, void *buf, size_t len,
		    bool is_write)
{
	struct uvf_mem_io *io;
	int ret;

	assert_int_equal(pci_dma_target(&rig->pci->vfio, REGION(0), &io), 0);
	ret = io->ops->access(io, off, buf, len, is_write);
	io->ops->destroy(io);
	return !ret;
}

static access_fn *const ways[] = {by_call, by_mapping, by_peer};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static uint64_t load(struct rig *rig, access_fn *way, uint64_t off, size_t len)
{
	uint64_t value = 0;

	assert_true(way(rig, off, &value, len, false));
	return value;
}

static void store(struct rig *rig, access_fn *way, uint64_t off, size_t len,
		  uint64_t value)
{
	assert_true(way(rig, off, &value, len, true));
}

/* Shows V51. */
static void each_way_sees_the_same(void **state)
{
	static const uint64_t pages[] = {TRAP, RAM, POLL};
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	for (size_t p = 0; p < sizeof(pages) / sizeof(pages[0]); p++) {
		for (size_t i = 0; i < 9 * WAYS; i++) {
			access_fn *to = ways[i % WAYS];
			access_fn *from = ways[i / WAYS % WAYS];
			uint64_t value = 0x0101010101010101 * (i + 1);
			uint64_t off = pages[p] + 8 * i;

			store(rig, to, off, 8, value);
			assert_int_equal(load(rig, from, off, 8), value);
		}
	}
	rig_destroy(rig);
}

/* Shows V51. */
static void trapped_stores_come_in_order_with_their_widths(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	for (size_t w = 0; w < WAYS; w++) {
		probe_clear(rig->probe);
		for (unsigned int i = 0; i < 16; i++)
			store(rig, ways[w], TRAP + 8 * (15 - i), 1u << i % 4,
			      i);
		assert_int_equal(rig->probe->writes, 16);
		assert_int_equal(rig->probe->reads, 0);
		for (unsigned int i = 0; i < 16; i++) {
			assert_int_equal(rig->probe->log[i].off,
					 TRAP + 8 * (15 - i));
			assert_int_equal(rig->probe->log[i].len, 1u << i % 4);
		}
	}
	rig_destroy(rig);
}

static void loads_of_a_mirror_find_memory_and_stores_the_model(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint64_t *mem = uvfio_mem(&rig->pci->model, 0, RDIRECT + 16);

	(void)state;
	assert_non_null(mem);
	for (size_t w = 0; w < WAYS; w++) {
		*mem = 0x1122334455667788;
		probe_clear(rig->probe);
		assert_int_equal(load(rig, ways[w], RDIRECT + 16, 8), *mem);
		assert_int_equal(load(rig, ways[w], RDIRECT + 20, 4),
				 0x11223344);
		assert_int_equal(load(rig, ways[w], RDIRECT + 17, 1), 0x77);
		assert_int_equal(rig->probe->accesses, 0);
		store(rig, ways[w], RDIRECT + 16, 4, 5);
		assert_int_equal(rig->probe->writes, 1);
		assert_int_equal(rig->probe->log[0].off, RDIRECT + 16);
		assert_int_equal(rig->probe->log[0].len, 4);
		/* The model did not pass it on. */
		assert_int_equal(*mem, 0x1122334455667788);
	}
	rig_destroy(rig);
}

/* Where it is loaded from without a trap. */
static void a_table_of_messages_is_in_the_memory_of_the_bar(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint32_t *table = uvfio_mem(&rig->pci->model, 0, TABLE);
	uint64_t *pending = uvfio_mem(&rig->pci->model, 0, PENDING);
	int fds[70] = {0};
	uint64_t bits;

	(void)state;
	/* All entries are masked, and nobody waits. */
	for (unsigned int i = 0; i < 70; i++) {
		assert_int_equal(table[4 * i + 3], 1);
		fds[i] = event_create();
	}
	assert_int_equal(pending[0], 0);
	cfg_set(rig, 4, 2, 6);
	assert_int_equal(set_irqs(rig, EVENTFD | TRIGGER, MSIX, 0, 70, fds), 0);
	assert_int_equal(table[4 * 5 + 3], 0);
	store(rig, by_mapping, TABLE + 16 * 5 + 12, 4, 1);
	assert_int_equal(table[4 * 5 + 3], 1);
	assert_int_equal(model_send(rig, 5), 0);
	assert_int_equal(event_take(fds[5]), 0);
	assert_int_equal(*pending, 1 << 5);
	bits = load(rig, by_mapping, PENDING, 8);
	assert_int_equal(bits, 1 << 5);
	/* Pending bits are read-only. */
	store(rig, by_mapping, PENDING, 8, 0);
	assert_int_equal(*pending, 1 << 5);
	store(rig, by_mapping, TABLE + 16 * 5 + 12, 4, 0);
	assert_int_equal(event_take(fds[5]), 1);
	assert_int_equal(*pending, 0);
	rig_destroy(rig);
	for (unsigned int i = 0; i < 70; i++)
		close(fds[i]);
}

static void nobody_is_in_a_hole(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	probe_clear(rig->probe);
	for (size_t w = 0; w < WAYS; w++) {
		for (size_t len = 1; len <= 8; len *= 2) {
			store(rig, ways[w], HOLE + 8, len, 0);
			assert_int_equal(load(rig, ways[w], HOLE + 8, len),
					 ~UINT64_C(0) >> (64 - 8 * len));
		}
	}
	assert_int_equal(rig->probe->accesses, 0);
	assert_int_equal(rig->probe->polls, 0);
	rig_destroy(rig);
}

static void a_doorbell_rings_whoever_stores(void **state)
{
	struct rig *rig = rig_create(&model_full, NULL, false);

	(void)state;
	for (size_t w = 0; w < WAYS; w++) {
		probe_clear(rig->probe);
		rig->probe->polls = 0;
		store(rig, ways[w], POLL, 4, (uint64_t)w);
		assert_int_equal(rig->probe->polls, 1);
		(void)load(rig, ways[w], POLL, 4);
		assert_int_equal(rig->probe->polls, 1);
		assert_int_equal(rig->probe->accesses, 0);
	}
	rig_destroy(rig);
}

static void no_page_answers_without_memory_decode(void **state)
{
	static const uint64_t pages[] = {TRAP, RAM, POLL, RDIRECT, HOLE};
	struct rig *rig = rig_create(&model_full, NULL, false);
	uint32_t value = 0;

	(void)state;
	cfg_set(rig, 4, 2, 0);
	for (size_t p = 0; p < sizeof(pages) / sizeof(pages[0]); p++)
		for (size_t w = 0; w < WAYS; w++)
			for (int i = 0; i < 2; i++)
				assert_false(
					ways[w](rig, pages[p], &value, 4, i));
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_sees_the_same),
		cmocka_unit_test(
			trapped_stores_come_in_order_with_their_widths),
		cmocka_unit_test(
			loads_of_a_mirror_find_memory_and_stores_the_model),
		cmocka_unit_test(
			a_table_of_messages_is_in_the_memory_of_the_bar),
		cmocka_unit_test(nobody_is_in_a_hole),
		cmocka_unit_test(a_doorbell_rings_whoever_stores),
		cmocka_unit_test(no_page_answers_without_memory_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
