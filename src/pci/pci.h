/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One PCI function: its hardware side (registers, BAR memory, MSI-X table,
 * interrupt line), which lives as long as the machine, and what vfio-pci
 * keeps about it while it is open.
 *
 * One lock, that of the model, protects all of it; the set of fields that
 * never change after uvf_pci_create() is marked "fixed".
 */
#ifndef UVF_PCI_PCI_H
#define UVF_PCI_PCI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vfio.h>
#include <uvfio/pci.h>

#include "base/list.h"
#include "base/lock.h"
#include "bus/device.h"
#include "core/device.h"
#include "core/model.h"

#define UVF_PCI_ATTRS_MAX    64 /* files in sysfs, with the end of the list */
#define UVF_PCI_PAGE         4096ull
#define UVF_PCI_CONFIG_MAX   4096u
#define UVF_PCI_OFFSET_SHIFT 40 /* of the region index in a file offset */
#define UVF_PCI_OFFSET_MASK  ((UINT64_C(1) << UVF_PCI_OFFSET_SHIFT) - 1)

struct uvf_eventwatch;
struct uvf_machine;
struct uvf_migrate;
struct uvf_options;
struct uvf_pci_slot;
struct uvf_profile;

struct uvf_pci_address {
	uint16_t segment;
	uint8_t bus;
	uint8_t devfn;
};

struct uvf_pci_bar {
	const struct uvfio_bar *desc; /* fixed; NULL: absent */
	uint64_t size;                /* bytes; fixed; 0: absent */
	uint64_t address;             /* on the bus; fixed */
	/*
	 * Memory behind RAM and POLL pages, as large as the BAR; NULL when it
	 * has none.  fd is what clients map; while nothing may be mapped, the
	 * content is behind next_fd and fd is an empty file.
	 */
	uint8_t *mem;
	uint64_t mem_size; /* bytes, whole pages; fixed */
	int fd;
	int next_fd; /* -1: none */
};

enum uvf_pci_irq_type {
	UVF_PCI_IRQ_INTX = VFIO_PCI_INTX_IRQ_INDEX,
	UVF_PCI_IRQ_MSI = VFIO_PCI_MSI_IRQ_INDEX,
	UVF_PCI_IRQ_MSIX = VFIO_PCI_MSIX_IRQ_INDEX,
	UVF_PCI_IRQ_NONE = VFIO_PCI_NUM_IRQS,
};

struct uvf_pci_intx {
	bool is_asserted; /* the line, as the model drives it */
	bool is_masked;   /* by signal, ioctl or DisINTx; INTX active only */
	bool is_disabled; /* virtual DisINTx */
	int trigger;      /* our eventfd, -1: none */
	struct uvf_eventwatch *unmask;
};

/* The registers of MSI-X in a BAR. */
struct uvf_pci_msix {
	unsigned int count; /* entries; fixed; 0: no MSI-X */
	uint8_t *table;     /* 16 bytes an entry; own, or in the BAR's memory */
	uint64_t *pending;  /* bits, likewise */
	uint8_t *own_table;
	uint64_t *own_pending;
};

/* Addresses that a bridge passes on. */
struct uvf_pci_window {
	uint64_t address;
	uint64_t size; /* bytes; 0: none */
};

enum uvf_pci_window_kind {
	UVF_PCI_WINDOW_IO,
	UVF_PCI_WINDOW_MEMORY,
	UVF_PCI_WINDOW_PREFETCH, /* 64-bit */
	UVF_PCI_WINDOWS,
};

struct uvf_pci_bridge {
	uint8_t secondary;   /* the bus behind it */
	uint8_t subordinate; /* the last bus that is behind it */
	struct uvf_pci_window windows[UVF_PCI_WINDOWS];
};

/* Vital product data, which no reset touches. */
struct uvf_pci_vpd {
	uint8_t *data;
	unsigned int size; /* bytes, a multiple of 4; fixed; 0: no memory */
	unsigned int len;  /* bytes that the kernel finds in it; fixed */
};

struct uvf_pci_rom {
	uint64_t size;    /* bytes of its BAR; fixed; 0: absent */
	uint64_t address; /* on the bus; fixed */
	uint64_t len;     /* of the images that the kernel finds; fixed */
};

#define UVF_SRIOV_FILES 7 /* of a PF in sysfs */

/* Of a PF.  What changes does so under its bus.lock. */
struct uvf_pci_sriov {
	struct uvf_pci_window bars[UVFIO_PCI_BARS]; /* of all VFs; fixed */
	atomic_uint count;                          /* sriov_numvfs */
	atomic_uint linked; /* VFs that have come, while they come or go */
	atomic_bool is_autoprobe;
};

/* What is brought back after a reset and at last close. */
struct uvf_pci_saved {
	uint8_t header[64];
	uint16_t devctl;
	uint16_t devctl2;
	uint32_t aer[4]; /* masks, severity, control */
};

/* Ways to reset a function, bits. */
#define UVF_PCI_RESET_FLR     0x1u
#define UVF_PCI_RESET_AF_FLR  0x2u
#define UVF_PCI_RESET_PM      0x4u
#define UVF_PCI_RESET_BUS     0x8u /* where it is alone behind a bridge */
#define UVF_PCI_RESET_METHODS 8    /* that a user may list, with the end */

/* What users of the host wrote to files of sysfs. */
struct uvf_pci_user {
	unsigned int enables; /* how often enable was switched on */
	bool broken_parity;
	bool d3cold_allowed;
	bool no_msi; /* msi_bus is 0: drivers get no messages */
	bool is_pm_sync;
	bool reads_rom; /* the file rom was switched on */
	int numa_node;
	uint8_t reset_methods[UVF_PCI_RESET_METHODS]; /* 0 ends */
};

#define UVF_VF_TOKEN_SIZE 16

/* Of a PF: what its users and those of its VFs have to know. */
struct uvf_pci_vf_token {
	struct uvf_mutex lock; /* a leaf; protects what follows */
	uint8_t uuid[UVF_VF_TOKEN_SIZE];
	unsigned int users; /* VFs that are open */
};

struct uvf_pci {
	struct uvf_bus_device bus;
	struct uvf_device vfio;
	struct uvfio_dev model;

	/* Fixed. */
	const struct uvfio_pci_model *given; /* what desc was made of */
	const struct uvfio_pci_model *desc;
	struct uvfio_pci_model *own_desc; /* desc if configured, or NULL */
	struct uvf_pci *physfn; /* of a VF: holds a reference; else NULL */
	unsigned int vf_index;  /* of a VF: from 0 */
	const struct uvf_profile *profile;
	struct uvf_machine *machine;
	struct uvf_options *options; /* owned */
	struct uvf_pci_address address;
	struct uvf_pci_bridge bridge;
	struct uvf_pci_slot *slot; /* owned, until it is removed; no VF's */
	struct uvf_pci_sriov sriov;
	struct uvf_bus_device_ops bus_ops;
	struct uvf_bus_attr attrs[UVF_PCI_ATTRS_MAX];
	unsigned int reset_bits; /* UVF_PCI_RESET_* that it has by itself */
	uint16_t aer_offset;     /* extended capability; 0: none */
	/* Capabilities; 0: none. */
	uint8_t af_offset; /* Advanced Features */
	uint8_t pm_offset;
	uint8_t express_offset;
	uint8_t express_size; /* bytes */
	uint8_t vpd_offset;

	atomic_bool is_registered;  /* with the core; by probe and remove */
	atomic_bool is_pm_auto;     /* it may rest while nobody uses it */
	atomic_bool is_host_driven; /* a driver of the host enabled it */

	struct uvf_migrate *migrate; /* owned; fixed; NULL: it stays */

	struct uvf_pci_vf_token vf_token;
	/* Of a VF that vfio-pci has: whose token counts, or NULL. */
	struct uvf_pci *token_pf;

	/* Nobody has reset it since it was used; under the set's lock. */
	bool needs_reset;

	/* Protected by model.lock from here on. */

	struct uvf_pci_user user;

	/* Hardware. */
	unsigned int config_size; /* bytes; fixed: 256 or 4096 */
	uint8_t *hw;              /* config space */
	uint8_t *hw_wmask;        /* bits a write changes; fixed */
	uint8_t *hw_w1c;          /* bits that writing 1 clears; fixed */
	struct uvf_pci_bar bars[UVFIO_PCI_BARS];
	struct uvf_pci_rom rom;
	struct uvf_pci_vpd vpd;
	struct uvf_pci_msix msix;
	unsigned int power;           /* D-state */
	enum uvfio_irq_mode irq_mode; /* what the model was told last */

	/* vfio-pci; vconfig is NULL while nobody has the device open. */
	uint8_t *vconfig;
	uint8_t *map;   /* capability id of each byte of vconfig */
	bool has_reset; /* it could be reset when it was opened */
	bool bars_are_dirty;
	uint16_t old_readrq;   /* while a piece of PCI Express is written */
	unsigned int msi_qmax; /* log2 of the vectors enabled last */
	uint32_t msi_mask;     /* vectors that the host has masked */
	struct uvf_pci_saved saved;
	struct uvf_pci_saved pm_saved;

	enum uvf_pci_irq_type irq_type;
	struct uvf_pci_intx intx;
	int *triggers;             /* eventfds of MSI or MSI-X, -1: none */
	unsigned int vector_count; /* of triggers */
	bool *is_allocated;        /* vectors that have a host interrupt */
	int err_trigger;
	int req_trigger;

	bool is_hidden; /* clients' mappings of BAR memory are taken away */
	atomic_bool is_low_power; /* written under the lock */
	int wakeup;               /* eventfd, -1: none */
	bool low_power_masked_intx;

	struct uvf_list ioeventfds;
	unsigned int ioeventfd_count;
};

static inline struct uvf_pci *uvf_pci_of(struct uvf_device *device)
{
	return uvf_container_of(device, struct uvf_pci, vfio);
}

static inline struct uvf_pci *uvf_pci_of_model(struct uvfio_dev *dev)
{
	return uvf_container_of(dev, struct uvf_pci, model);
}

static inline struct uvf_pci *uvf_pci_of_bus(struct uvf_bus_device *bus)
{
	return uvf_container_of(bus, struct uvf_pci, bus);
}

/* Whether a device of the machine is one of ours. */
bool uvf_pci_is(const struct uvf_bus_device *bus);

/* Little-endian fields of config space. */
static inline uint16_t uvf_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t uvf_get32(const uint8_t *p)
{
	return uvf_get16(p) | (uint32_t)uvf_get16(p + 2) << 16;
}

static inline void uvf_put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static inline void uvf_put32(uint8_t *p, uint32_t value)
{
	uvf_put16(p, (uint16_t)value);
	uvf_put16(p + 2, (uint16_t)(value >> 16));
}

#endif /* UVF_PCI_PCI_H */
