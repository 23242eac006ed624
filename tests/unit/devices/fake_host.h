/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for one device model and no more: flat memory with holes, timers
 * that the test fires, interrupts that are counted.
 */
#ifndef UVF_TESTS_DEVICES_FAKE_HOST_H
#define UVF_TESTS_DEVICES_FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvfio/pci.h>

#define FAKE_MEMORY_SIZE (32u << 20)
#define FAKE_HOLES       8
#define FAKE_VECTORS     128

/* What a model's configure() is given. */
struct uvfio_spec {
	const struct fake_option *options;
};

struct fake_option {
	const char *key;
	const char *value;
};

struct uvfio_dev {
	struct uvfio_pci_model configured;   /* as its options make it */
	const struct uvfio_pci_model *model; /* that, or the one given */
	const char *name;
	const struct fake_option *options; /* ends with a NULL key */
	void *priv;
	uint8_t *bars[UVFIO_PCI_BARS];
	bool is_bus_master;
	enum uvfio_irq_mode irq_mode;
	bool intx;
	unsigned int vectors[FAKE_VECTORS]; /* messages sent */
	uint64_t timers[UVFIO_TIMER_MAX];   /* ns; 0: stopped */
	bool is_polled;
	unsigned int kicks; /* from any thread: atomic */
	const char *cable;
	unsigned int dma_reads;
	unsigned int dma_writes;
};

extern uint8_t fake_memory[FAKE_MEMORY_SIZE];

/* Forget all holes, clear the memory. */
void fake_memory_reset(void);
void fake_memory_punch(uint64_t offset, uint64_t size);
/*
 * Clear the memory, of which only a start with a hole and an end are there:
 * quick, for who runs many inputs with the same bounds.
 */
void fake_memory_narrow(uint64_t hole, uint64_t hole_size, uint64_t start_size,
			uint64_t end);

/* NULL when init() refuses; then *err says why. */
struct uvfio_dev *fake_device_create(const struct uvfio_pci_model *model,
				     const char *name,
				     const struct fake_option *options,
				     struct uvfio_error *err);
void fake_device_destroy(struct uvfio_dev *dev);

/* As a client does it: direct on RAM and POLL pages, else by access(). */
uint32_t fake_read32(struct uvfio_dev *dev, unsigned int bar, uint64_t offset);
void fake_write32(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		  uint32_t value);

void fake_set_irq_mode(struct uvfio_dev *dev, enum uvfio_irq_mode mode);
void fake_set_bus_master(struct uvfio_dev *dev, bool on);

/* Fire a timer that runs. */
void fake_fire(struct uvfio_dev *dev, unsigned int id);

/* poll() until there is nothing to do. */
void fake_run(struct uvfio_dev *dev);

/* A generator of numbers that every run repeats. */
uint32_t fake_random(uint32_t below);

#endif /* UVF_TESTS_DEVICES_FAKE_HOST_H */
