/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO v0.2 without PCI: devices that do nothing, on two buses, and
 * processes that hold descriptors.
 */
#ifndef UNIT_V02_RIG_H
#define UNIT_V02_RIG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/lock.h"
#include "base/profile.h"
#include "bus/bus.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/file.h"
#include "mem/caller.h"
#include "v02/abi.h"
#include "v02/v02.h"

#define RIG_FDS 64
#define PAGE    4096ull

struct rig;

struct fake {
	struct uvf_bus_device bus;
	struct rig *rig;
	struct uvf_aspace *domain; /* where its DMA leads */
	int opens;                 /* get minus put */
	bool refuses;              /* get fails */
	bool is_incoherent;
	atomic_uint requests;
	bool is_claimed; /* by the hook */
	/* Called by put; NULL: nothing. */
	void (*on_put)(struct fake *fake);
};

struct process {
	struct uvf_caller caller;
	struct rig *rig;
	struct uvf_mutex lock; /* protects what follows */
	struct uvf_file *files[RIG_FDS];
	bool is_full; /* no descriptor is left */
	bool has_ipc_lock;
};

struct rig {
	struct uvf_profile profile;
	struct uvf_machine machine;
	struct uvf_machine other; /* has groups of the same numbers */
	struct uvf_bus *pci;
	struct uvf_bus *platform; /* of other */
	struct uvf_v02 *v02;
	struct process a, b;
	uint8_t *memory; /* 64 pages, each begins with its number + 1 */
};

extern const struct uvf_v02_device_ops fake_ops;
extern const struct uvf_v02_host rig_host;

struct rig *rig_create(const struct uvf_v02_host *host);
void rig_destroy(struct rig *rig);
int rig_setup(void **state);
int rig_teardown(void **state);

/* A device with a name in a group of a bus, which is not added yet. */
struct fake *fake_create(struct rig *rig, struct uvf_bus *bus, const char *name,
			 int group);

/* The same, added, and bound if asked for. */
struct fake *fake_add(struct rig *rig, struct uvf_bus *bus, const char *name,
		      int group, bool is_bound);
void fake_bind(struct fake *fake);
void *fake_unbind(struct fake *fake);

/* System calls of a process. */
int p_open(struct process *process, const char *node);
void p_close(struct process *process, int fd);
long p_ioctl(struct process *process, int fd, unsigned int cmd, void *arg);
int p_install(struct process *process, struct uvf_file *file);

/* What most tests say, of process a. */
uint64_t flags_of(struct rig *rig, int group);
long merge(struct rig *rig, int self, int other);
long unmerge(struct rig *rig, int self, int other);
long get_iommu(struct rig *rig, int group);
long get_device(struct rig *rig, int group, const char *name);
long map(struct rig *rig, int iommu, uint64_t iova, unsigned int page,
	 unsigned int count, uint64_t flags);
long unmap(struct rig *rig, int iommu, uint64_t iova, unsigned int count);

/* The number of the page of memory that a device finds there, or -1. */
int dma_page(const struct fake *fake, uint64_t iova);

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif /* UNIT_V02_RIG_H */
