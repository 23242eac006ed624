/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A write of a device into the window of interrupt messages is a message of
 * its own vectors, or a fault.
 */
#include <errno.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "iommu/translate.h"
#include "pci/hw.h"
#include "rig.h"

#define MAX     8
#define WINDOW  0xfee00000ull
#define DATA    0x4000u /* of vector 0 */
#define TABLE   (REGION(0) + 0x8000)
#define CONTROL 12 /* of an entry of the table */

struct bench {
	struct rig *rig;
	struct uvf_aspace *as;
	int fds[MAX];
	uint64_t faults; /* that there should be */
};

/* An open function that may do DMA, behind an IOMMU that hears messages. */
static struct bench bench_create(const struct uvfio_pci_model *model)
{
	struct bench bench = {.rig = rig_create(model, NULL, false)};

	for (int i = 0; i < MAX; i++)
		bench.fds[i] = event_create();
	assert_int_equal(uvf_aspace_create(&bench.as, false), 0);
	bench.rig->pci->model.msi_window =
		(struct uvf_range){WINDOW, WINDOW + 0xfffff};
	uvf_model_set_aspace(&bench.rig->pci->model, bench.as);
	cfg_set(bench.rig, PCI_COMMAND, 2, 0x0006);
	return bench;
}

static void bench_destroy(struct bench *bench)
{
	uvf_model_set_aspace(&bench->rig->pci->model, NULL);
	uvf_aspace_destroy(bench->as);
	for (int i = 0; i < MAX; i++)
		close(bench->fds[i]);
	rig_destroy(bench->rig);
}

static void listen_to(struct bench *bench, uint32_t index, uint32_t count)
{
	assert_int_equal(set_irqs(bench->rig, EVENTFD | TRIGGER, index, 0,
				  count, bench->fds),
			 0);
}

static void silence(struct bench *bench, uint32_t index)
{
	assert_int_equal(
		set_irqs(bench->rig, NONE | TRIGGER, index, 0, 0, NULL), 0);
}

static int dma(struct bench *bench, uint64_t iova, uint64_t value, size_t len,
	       bool is_write)
{
	struct uvfio_dev *dev = &bench->rig->pci->model;
	uint8_t bytes[8];
	int ret;

	uvf_put32(bytes, (uint32_t)value);
	uvf_put32(bytes + 4, (uint32_t)(value >> 32));
	uvf_lock(&dev->lock);
	ret = is_write ? uvfio_dma_write(dev, iova, bytes, len)
		       : uvfio_dma_read(dev, iova, bytes, len);
	uvf_unlock(&dev->lock);
	return ret;
}

/* Each vector below @count got as many messages as its bits of @got say. */
static void check_events(struct bench *bench, unsigned int count, uint32_t got)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(event_take(bench->fds[i]), got >> i & 1);
}

/* The write is the message of that vector and nothing else. */
static void check_message(struct bench *bench, unsigned int vector)
{
	assert_int_equal(dma(bench, WINDOW, DATA + vector, 4, true), 0);
	check_events(bench, MAX, 1u << vector);
	assert_int_equal(bench->rig->pci->model.faults.count, bench->faults);
}

/* It is a fault, noted once, and nobody hears of it. */
static void check_fault(struct bench *bench, uint64_t iova, uint64_t value,
			size_t len, bool is_write)
{
	const struct uvf_dma_faults *faults = &bench->rig->pci->model.faults;
	const struct uvf_dma_fault *last;

	assert_int_equal(dma(bench, iova, value, len, is_write), -EFAULT);
	check_events(bench, MAX, 0);
	assert_int_equal(faults->count, ++bench->faults);
	last = uvf_faults_last(faults, 0);
	assert_int_equal(last->why, UVF_FAULT_MESSAGE);
	assert_int_equal(last->iova, iova);
	assert_int_equal(last->len, len);
	assert_int_equal(last->is_write, is_write);
}

static void check_all_faults(struct bench *bench, unsigned int vectors)
{
	check_fault(bench, WINDOW, DATA + vectors, 4, true);
	check_fault(bench, WINDOW, DATA - 1, 4, true);
	check_fault(bench, WINDOW, 0, 4, true);
	check_fault(bench, WINDOW, UINT32_MAX, 4, true);
	check_fault(bench, WINDOW + 4, DATA, 4, true);
	check_fault(bench, WINDOW + 0xffffc, DATA, 4, true);
	check_fault(bench, WINDOW + 2, DATA, 4, true);
	check_fault(bench, WINDOW, DATA, 1, true);
	check_fault(bench, WINDOW, DATA, 2, true);
	check_fault(bench, WINDOW, DATA, 8, true);
	check_fault(bench, WINDOW, 0, 4, false);
	check_fault(bench, WINDOW, 0, 8, false);
}

/* Shows M72. */
static void is_the_vector_of_msix_it_names(void **state)
{
	struct bench bench = bench_create(&model_full);

	(void)state;
	check_fault(&bench, WINDOW, DATA, 4, true);
	listen_to(&bench, MSIX, 4);
	for (unsigned int i = 0; i < 4; i++)
		check_message(&bench, i);
	check_all_faults(&bench, 4);
	check_message(&bench, 3);
	silence(&bench, MSIX);
	check_fault(&bench, WINDOW, DATA, 4, true);
	bench_destroy(&bench);
}

/* Shows M72. */
static void is_the_vector_of_msi_it_names(void **state)
{
	static const struct uvfio_pci_model *const models[] = {
		&model_full, /* can mask */
		&model_pm,   /* cannot, and has addresses of 32 bits */
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bench bench = bench_create(models[i]);

		check_fault(&bench, WINDOW, DATA, 4, true);
		listen_to(&bench, MSI, 4);
		for (unsigned int v = 0; v < 4; v++)
			check_message(&bench, v);
		check_all_faults(&bench, 4);
		/* The client lets it send 2. */
		cfg_set(bench.rig, 0x52, 1, 0x11);
		check_message(&bench, 1);
		check_fault(&bench, WINDOW, DATA + 2, 4, true);
		silence(&bench, MSI);
		check_fault(&bench, WINDOW, DATA, 4, true);
		bench_destroy(&bench);
	}
}

/* Shows M72. */
static void waits_behind_a_mask(void **state)
{
	struct bench bench = bench_create(&model_full);
	const struct uvf_device_ops *ops = bench.rig->pci->vfio.ops;
	uint32_t on = 1, off = 0;

	(void)state;
	listen_to(&bench, MSIX, 4);
	assert_true(ops->mmio(&bench.rig->pci->vfio, TABLE + 16 + CONTROL, &on,
			      4, true));
	assert_int_equal(dma(&bench, WINDOW, DATA + 1, 4, true), 0);
	check_events(&bench, MAX, 0);
	assert_true(ops->mmio(&bench.rig->pci->vfio, TABLE + 16 + CONTROL, &off,
			      4, true));
	check_events(&bench, MAX, 1u << 1);
	silence(&bench, MSIX);

	listen_to(&bench, MSI, 4);
	cfg_set(bench.rig, 0x60, 4, 0x4);
	assert_int_equal(dma(&bench, WINDOW, DATA + 2, 4, true), 0);
	check_events(&bench, MAX, 0);
	assert_int_equal(cfg_get(bench.rig, 0x64, 4), 0x4);
	cfg_set(bench.rig, 0x60, 4, 0);
	check_events(&bench, MAX, 1u << 2);
	assert_int_equal(bench.rig->pci->model.faults.count, 0);
	bench_destroy(&bench);
}

/* Shows M72. */
static void what_a_client_stored_forges_nothing(void **state)
{
	struct bench bench = bench_create(&model_full);
	const struct uvf_device_ops *ops = bench.rig->pci->vfio.ops;
	uint32_t data = 0x1234;

	(void)state;
	listen_to(&bench, MSIX, 2);
	assert_true(
		ops->mmio(&bench.rig->pci->vfio, TABLE + 8, &data, 4, true));
	check_fault(&bench, WINDOW, data, 4, true);
	check_message(&bench, 0);
	bench_destroy(&bench);
}

/* Shows M72. */
static void needs_a_device_that_may_send(void **state)
{
	struct bench bench = bench_create(&model_full);
	struct uvfio_dev *dev = &bench.rig->pci->model;

	(void)state;
	listen_to(&bench, MSIX, 2);
	cfg_set(bench.rig, PCI_COMMAND, 2, 0x0002);
	assert_int_equal(dma(&bench, WINDOW, DATA, 4, true), -EPERM);
	assert_int_equal(uvf_faults_last(&dev->faults, 0)->why,
			 UVF_FAULT_BLOCKED);
	cfg_set(bench.rig, PCI_COMMAND, 2, 0x0006);
	uvf_model_set_aspace(dev, NULL);
	assert_int_equal(dma(&bench, WINDOW, DATA, 4, true), -EFAULT);
	assert_int_equal(uvf_faults_last(&dev->faults, 0)->why,
			 UVF_FAULT_BLOCKED);
	uvf_model_set_aspace(dev, bench.as);
	/* Other hosts have nothing there. */
	dev->msi_window = (struct uvf_range){0};
	assert_int_equal(dma(&bench, WINDOW, DATA, 4, true), -EFAULT);
	assert_int_equal(uvf_faults_last(&dev->faults, 0)->why,
			 UVF_FAULT_UNMAPPED);
	assert_int_equal(dma(&bench, 0, DATA, 4, true), -EFAULT);
	check_events(&bench, MAX, 0);
	bench_destroy(&bench);
}

/* Shows V43.  The registers hold the host's message; a client never sees it. */
static void message_of_msi_is_hidden(void **state)
{
	struct bench bench = bench_create(&model_full);
	struct uvf_pci *pci = bench.rig->pci;

	(void)state;
	listen_to(&bench, MSI, 1);
	uvf_lock(&pci->model.lock);
	assert_int_equal(uvf_hw_read_locked(pci, 0x54, 4), WINDOW);
	assert_int_equal(uvf_hw_read_locked(pci, 0x5c, 2), DATA);
	uvf_unlock(&pci->model.lock);
	assert_int_equal(cfg_get(bench.rig, 0x54, 4), 0);
	assert_int_equal(cfg_get(bench.rig, 0x5c, 2), 0);
	rig_reopen(bench.rig);
	assert_int_equal(cfg_get(bench.rig, 0x54, 4), 0);
	assert_int_equal(cfg_get(bench.rig, 0x5c, 2), 0);
	bench_destroy(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_vector_of_msix_it_names),
		cmocka_unit_test(is_the_vector_of_msi_it_names),
		cmocka_unit_test(waits_behind_a_mask),
		cmocka_unit_test(what_a_client_stored_forges_nothing),
		cmocka_unit_test(needs_a_device_that_may_send),
		cmocka_unit_test(message_of_msi_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
