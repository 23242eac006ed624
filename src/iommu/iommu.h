/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU backends of a container: what VFIO_SET_IOMMU chooses among.
 */
#ifndef UVF_IOMMU_IOMMU_H
#define UVF_IOMMU_IOMMU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/profile.h"
#include "base/range.h"
#include "base/tce.h"
#include "iommu/aperture.h"

struct uvf_aspace;
struct uvf_caller;

/* The tables of TCEs that a POWER host can make. */
struct uvf_spapr_hw {
	uint64_t window_first; /* of the default window; bytes */
	uint64_t window_size;
	uint64_t page_sizes; /* bitmap */
	uint32_t max_windows;
	uint32_t max_levels; /* of a table */
};

/* The pretended host's IOMMU; fixed for the life of a machine. */
struct uvf_iommu_host {
	const struct uvf_profile *profile;
	unsigned int aperture_bits; /* IOVAs end below 2^bits */
	uint64_t page_sizes;        /* bitmap, as GET_INFO shows it */
	bool write_implies_read;    /* tables cannot say write-only */
	bool enforces_coherency;    /* DMA_CC */
	bool is_scalable;           /* VT-d in scalable mode, or the like */
	bool tracks_dirty;          /* tables can tell what was written */
	bool ignores_memlock;       /* no limit of locked memory */
	bool reports_all_dirty;     /* every page, as Linux does */
	bool has_unsafe_interrupts; /* devices can forge interrupts */
	enum uvf_iommu_vendor vendor;
	struct uvf_range msi_window; /* reserved for interrupt messages */
	/* A POWER host, and what is above concerns none; NULL: another. */
	const struct uvf_spapr_hw *spapr;
	/*
	 * The parameter enable_unsafe_noiommu_mode, which may change at any
	 * time; NULL: the kernel has no such mode.
	 */
	const atomic_bool *noiommu;
	/*
	 * Parameters of the module vfio_iommu_type1, likewise; NULL: as the
	 * module starts.
	 */
	const atomic_bool *allow_unsafe_interrupts;
	const atomic_bool *disable_hugepages;
	const atomic_uint *dma_entry_limit; /* of instances opened later */
};

/* Whether devices without an IOMMU may be used now. */
bool uvf_iommu_host_allows_noiommu(const struct uvf_iommu_host *host);

/*
 * A device that reaches client memory by the processor: mediated and emulated
 * ones.  Of the device; in a backend from register to unregister.
 */
struct uvf_dma_user {
	struct uvf_list node;
	/*
	 * Pages in this interval are going away: unpin them.  Runs without
	 * the backend's locks.
	 */
	void (*dma_unmap)(struct uvf_dma_user *user, struct uvf_range iova);
};

/*
 * A group of devices in a backend, from attach to detach; embedded by whom
 * the backend calls back.
 */
struct uvf_iommu_member {
	struct uvf_list node; /* of the backend */
	bool is_emulated;     /* no DMA of its own: struct uvf_dma_user */
	/* The IOMMU before it; NULL: as the host is described. */
	const struct uvf_iommu_hw *hw;
	void *domain;     /* of the backend */
	bool tells_pages; /* of the backend: it has pinned pages */
	/*
	 * Stop all DMA of the group, wherever it leads, or let it go on.
	 * When it stops, none runs any more.  Runs under the backend's locks.
	 */
	void (*block)(struct uvf_iommu_member *member, bool is_blocked);
	/*
	 * Tell which windows translate for the group, UVF_TCE_WINDOWS of
	 * them; only a POWER host has some.  Likewise.
	 */
	void (*set_windows)(struct uvf_iommu_member *member,
			    const struct uvf_tce_window *windows);
};

/* Pages that one call pins. */
#define UVF_PIN_MAX 512u

struct uvf_added_backend;

struct uvf_iommu_backend {
	const char *name;
	struct uvf_added_backend *added; /* it came at run time; else NULL */
	/*
	 * For groups without an IOMMU, and for nothing else; opening it takes
	 * CAP_SYS_RAWIO.
	 */
	bool is_noiommu;
	/* Positive when the backend offers it; state is NULL before open. */
	int (*check_extension)(void *state, const struct uvf_iommu_host *host,
			       unsigned long extension);
	/* type is what VFIO_SET_IOMMU was given. */
	int (*open)(void **ret_state, const struct uvf_iommu_host *host,
		    unsigned long type);
	void (*release)(void *state);
	/*
	 * Let a group's devices translate here; *ret_as is borrowed, and NULL
	 * when they do not.  The caller pays for memory that this pins.
	 */
	int (*attach_group)(void *state, struct uvf_caller *caller,
			    struct uvf_iommu_member *member,
			    struct uvf_aspace **ret_as);
	void (*detach_group)(void *state, struct uvf_iommu_member *member);
	/* Unknown commands: -ENOTTY. */
	long (*ioctl)(void *state, struct uvf_caller *caller, unsigned int cmd,
		      unsigned long arg);

	/* All of the following, or none. */
	void (*register_user)(void *state, struct uvf_dma_user *user);
	void (*unregister_user)(void *state, struct uvf_dma_user *user);
	/*
	 * Keep pages from going away and tell where they are here.  A group
	 * whose devices do so tells by it what they write.
	 * Return the count, or, in the order they are tested:
	 *   -E2BIG   more than UVF_PIN_MAX
	 *   -EACCES  v1
	 *   -EOVERFLOW  from 6.18 on: the pages wrap
	 *   -EBUSY   a mapping's client address is invalid
	 *   -EINVAL  nobody registered, or a page is not mapped
	 *   -EPERM   a page is mapped, but not for prot
	 *   -EFAULT  its memory cannot be reached here
	 *   -EINVAL  it is a BAR's
	 *   -ENOMEM  out of memory, or the process may not lock so much
	 */
	int (*pin_pages)(void *state, struct uvf_iommu_member *member,
			 uint64_t iova, size_t count, uint32_t prot,
			 void **ret_pages);
	/* Undoes as many pins of the same pages. */
	void (*unpin_pages)(void *state, uint64_t iova, size_t count);
	/*
	 * Copy from (or to) client memory.  Return 0, or -EBUSY as above,
	 * -EINVAL not mapped, -EPERM not for reading (or writing), -EFAULT;
	 * then a leading part may have been copied.
	 */
	int (*rw)(void *state, uint64_t iova, void *buf, size_t len,
		  bool is_write);
};

/* What there is on a host other than POWER, newest first; NULL ends. */
extern const struct uvf_iommu_backend *const uvf_iommu_backends[];

/* The same for any host. */
const struct uvf_iommu_backend *const *
uvf_iommu_backends_of(const struct uvf_iommu_host *host);

/*
 * A thread that does DMA registers before and unregisters after.  One that did
 * not is registered by its first access, until it ends.
 */
void uvf_reader_register(void);
void uvf_reader_unregister(void);

/*
 * A thread that does DMA all the time is online until it waits for something:
 * its accesses are cheaper, and every unmap dearer.  Of a registered thread.
 */
void uvf_reader_online(void);
void uvf_reader_offline(void);

#endif /* UVF_IOMMU_IOMMU_H */
