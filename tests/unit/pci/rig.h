/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function on a bench: a model that records what reaches it, a client
 * whose memory is one flat array, and nothing of the core between them.
 */
#ifndef TESTS_UNIT_PCI_RIG_H
#define TESTS_UNIT_PCI_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/machine.h"
#include "mem/caller.h"
#include "pci/pci.h"

#define CLIENT_BASE 0x10000ull /* where the client's memory starts */
#define CLIENT_SIZE 0x20000ull
#define SCRATCH     (CLIENT_BASE + 0x1000)
#define UNMAPPED    0x100ull

/* Registers of the model and what it saw; its private memory. */
struct probe {
	uint8_t regs[0x10000];
	unsigned int accesses, reads, writes;
	struct {
		unsigned int bar;
		uint64_t off;
		size_t len;
		bool is_write;
	} log[64]; /* the first ones since probe_clear() */
	unsigned int resets, polls, kept_busy;
	enum uvfio_reset_kind last_reset;
	bool is_bus_master;
	enum uvfio_irq_mode mode;
	int fail; /* what access() returns */
};

/* The model of all of them; VGA addresses wrap around its registers. */
extern const struct uvfio_device_ops probe_ops;

/* One of each: see rig.c. */
extern const struct uvfio_pci_model model_full;  /* all capabilities, FLR */
extern const struct uvfio_pci_model model_plain; /* as edu, no reset */
extern const struct uvfio_pci_model model_pm;    /* reset by D3 */

struct client {
	struct uvf_mm mm;
	struct uvf_caller caller;
	uint8_t memory[CLIENT_SIZE];
};

struct rig {
	struct uvf_profile profile;
	struct uvf_machine machine;
	struct uvf_worker *worker;
	struct uvf_pci *pci;
	struct probe *probe;
	struct client client;
};

/* An open function; profile NULL: the default. */
struct rig *rig_create(const struct uvfio_pci_model *model, const char *profile,
		       bool may_spin);
struct rig *rig_create_at(const struct uvfio_pci_model *model,
			  const char *profile, const char *address);
void rig_destroy(struct rig *rig);
void rig_reopen(struct rig *rig);

void probe_clear(struct probe *probe);

/* Client memory. */
void *client_at(struct rig *rig, uint64_t addr);

/* pread and pwrite through the client's memory at SCRATCH. */
ssize_t rig_read(struct rig *rig, uint64_t pos, void *buf, size_t len);
ssize_t rig_write(struct rig *rig, uint64_t pos, const void *buf, size_t len);

/* Config space, 1, 2 or 4 bytes. */
uint32_t cfg_get(struct rig *rig, unsigned int pos, unsigned int len);
void cfg_set(struct rig *rig, unsigned int pos, unsigned int len,
	     uint32_t value);

/* SET_IRQS with as many bytes of data as count asks for. */
long set_irqs(struct rig *rig, uint32_t flags, uint32_t index, uint32_t start,
	      uint32_t count, const void *data);
long set_irqs_argsz(struct rig *rig, uint32_t argsz, uint32_t flags,
		    uint32_t index, uint32_t start, uint32_t count,
		    const void *data, size_t size);

#define NONE    VFIO_IRQ_SET_DATA_NONE
#define BOOL    VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD
#define MASK    VFIO_IRQ_SET_ACTION_MASK
#define UNMASK  VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI  VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ERR  VFIO_PCI_ERR_IRQ_INDEX
#define REQ  VFIO_PCI_REQ_IRQ_INDEX

/* The model's line and messages, with its lock. */
void model_line(struct rig *rig, bool level);
int model_send(struct rig *rig, unsigned int vector);

int event_create(void);
/* Takes the count and returns it. */
uint64_t event_take(int fd);

#define REGION(index) ((uint64_t)(index) << 40)
#define CONFIG        REGION(VFIO_PCI_CONFIG_REGION_INDEX)

#endif /* TESTS_UNIT_PCI_RIG_H */
