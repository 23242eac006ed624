/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of a context.  All of them are under its lock.
 */
#ifndef UVF_IOMMU_IOMMUFD_PRIVATE_H
#define UVF_IOMMU_IOMMUFD_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/itree.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "iommu/iommu.h"
#include "iommu/iommufd/iommufd.h"

struct iommu_hwpt_alloc;
struct uvf_caller;
struct uvf_iommufd_group;
struct uvf_mem;
struct uvf_mm;
struct uvf_user;

#define UVF_IOMMUFD_PAGE 4096ull

enum uvf_object_type {
	UVF_OBJECT_IOAS,
	UVF_OBJECT_HWPT,
	UVF_OBJECT_HWPT_NESTED,
	UVF_OBJECT_FAULT,
	UVF_OBJECT_DEVICE,
	UVF_OBJECT_ACCESS,
};

/* What an id leads to; first member of each kind. */
struct uvf_object {
	uint32_t id;
	enum uvf_object_type type;
	unsigned int users; /* 0: DESTROY may have it */
};

struct uvf_iommufd {
	struct uvf_ref ref;
	struct uvf_iommu_host host;    /* set once */
	uvf_open_fault_fn *open_fault; /* set once */
	struct uvf_mutex lock;         /* protects all that follows */
	struct uvf_object **objects;   /* by id; holes are NULL */
	uint32_t capacity;             /* of objects */
	uint32_t object_count;
	struct uvf_ioas *compat; /* of containers, or NULL */
	bool is_noiommu;         /* no container of real groups */
	bool accounts_mm;        /* OPTION RLIMIT_MODE; else the user */
	struct uvf_list groups;  /* struct uvf_iommufd_group */
	uint64_t round;          /* of callbacks to accesses */
	pthread_cond_t callback_ended;
};

enum uvf_account_mode {
	UVF_ACCOUNT_NONE,
	UVF_ACCOUNT_USER,
	UVF_ACCOUNT_MM,
};

/* Who is charged, see payer.c. */
struct uvf_payer {
	enum uvf_account_mode mode;
	struct uvf_mm *mm;     /* holds one reference */
	struct uvf_user *user; /* likewise; USER */
	pid_t pid;             /* whose limit */
	bool ignores_memlock;
};

/* Client memory that was mapped once; COPY shares it. */
struct uvf_pages {
	unsigned int users; /* areas */
	struct uvf_mm *mm;  /* holds one reference; a process's or a file's */
	struct uvf_range vaddr;
	bool is_writable;
	bool is_file;
	struct uvf_payer payer;
	struct uvf_itree runs; /* pages that are held, see pages.c */
	uint64_t held;         /* how many they are, and charged */
	struct uvf_mem *mem;   /* all of it, if that is there; while held */
	struct uvf_payer heir; /* of CHANGE_PROCESS, while it is one */
	bool has_heir;
};

/* What is to be mapped. */
struct uvf_map {
	struct uvf_caller *caller; /* who pays */
	struct uvf_mm *mm;         /* a process's or a file's */
	uint64_t vaddr;            /* there */
	uint64_t size;             /* bytes */
	uint32_t prot;             /* UVF_PROT_* */
	bool is_fixed;             /* at the IOVA that is given */
	bool is_file;
};

/* A part of such memory that is pinned; the mem is one reference. */
struct uvf_hold {
	struct uvf_mem *mem; /* NULL: it is not */
	uint64_t offset;     /* of the part in mem, in bytes */
};

/* One MAP, or a piece of one. */
struct uvf_area {
	struct uvf_inode node;   /* key: IOVA */
	struct uvf_list pending; /* while it is being made */
	struct uvf_pages *pages; /* one user */
	uint64_t offset;         /* bytes, from the start of pages */
	uint64_t size;           /* bytes; never 0 */
	uint32_t prot;           /* UVF_PROT_* */
	unsigned int pins;       /* of accesses */
	bool is_going;           /* an unmap waits for them */
	struct uvf_hold hold;    /* while there are page tables, in all */
};

/* What devices and page tables keep from being mapped; some may overlap. */
#define UVF_IOAS_RESERVED_MAX 32u

struct uvf_reserved {
	struct uvf_range range;
	unsigned int users;
};

struct uvf_ioas {
	struct uvf_object object;
	struct uvf_iommufd *ctx;
	struct uvf_itree areas;   /* owns its struct uvf_area */
	struct uvf_itree allowed; /* owns its struct uvf_allowed */
	unsigned int hwpt_count;  /* page tables, all of them filled */
	struct uvf_reserved reserved[UVF_IOAS_RESERVED_MAX]; /* ascending */
	unsigned int reserved_count;
	unsigned int access_count; /* attached, or about to be */
	struct uvf_list hwpts;     /* struct uvf_hwpt */
	struct uvf_list accesses;  /* struct uvf_iommufd_access */
	uint64_t alignment;        /* bytes, of IOVA and length */
	bool has_small_pages;      /* OPTION HUGE_PAGES off */
};

/* A page table: of a space, or of a client on top of one. */
struct uvf_hwpt {
	struct uvf_object object; /* a user for each attached device */
	struct uvf_aspace *aspace;
	struct uvf_iommu_hw hw; /* whose tables these are */
	struct uvf_ioas *ioas;  /* one user, if it is not nested */
	struct uvf_list ioas_node;
	struct uvf_hwpt *parent;         /* one user; NULL: not nested */
	struct uvf_iommufd_fault *fault; /* one user; or NULL */
	bool is_auto;                    /* goes with its last device */
	bool is_nest_parent;
	bool has_dirty;   /* it can tell which pages were written */
	bool is_unusable; /* nested: no device can walk it */
};

/* One call; what its structure says is copied in. */
struct uvf_iommufd_call {
	struct uvf_iommufd *ctx;
	struct uvf_caller *caller;
	uint64_t arg;
	uint32_t size; /* what the caller says that its structure has */
};

/* Objects, in main.c. */

/**
 * uvf_object_add() - give an object the lowest free id
 * Return: 0 or -ENOMEM.
 */
int uvf_object_add(struct uvf_iommufd *ctx, struct uvf_object *object,
		   enum uvf_object_type type);
void uvf_object_remove(struct uvf_iommufd *ctx, struct uvf_object *object);

/* NULL: no such object. */
struct uvf_object *uvf_object_find(struct uvf_iommufd *ctx, uint32_t id);
struct uvf_ioas *uvf_ioas_find(struct uvf_iommufd *ctx, uint32_t id);

/** uvf_iommufd_respond() - copy the structure back; 0 or -EFAULT */
int uvf_iommufd_respond(struct uvf_iommufd_call *call, const void *cmd,
			uint32_t size);

/* I/O address spaces, in ioas.c. */

int uvf_ioas_create(struct uvf_iommufd *ctx, struct uvf_ioas **ret_ioas);
void uvf_ioas_destroy(struct uvf_ioas *ioas);

/* UVF_PROT_* of the flags of MAP, MAP_FILE and COPY. */
uint32_t uvf_ioas_prot(uint32_t flags);

/* OPTION HUGE_PAGES.  -EINVAL, -EADDRINUSE. */
int uvf_ioas_set_small_pages(struct uvf_ioas *ioas, bool on);

/* Mappings, in area.c; the fit of IOVAs is in iova.c. */

/**
 * uvf_ioas_map() - map client memory
 * @iova: where, or where it came to lie
 * Return: 0, or, in the order they are tested:
 *   -EINVAL      size 0, or nearly 2^64
 *   -EOVERFLOW   the addresses wrap
 *   -ENOMEM      out of memory
 *   or what uvf_ioas_add_areas() returns
 */
int uvf_ioas_map(struct uvf_ioas *ioas, const struct uvf_map *map,
		 uint64_t *iova);

/**
 * uvf_ioas_copy() - map what is mapped elsewhere
 * Return: 0, or, in the order they are tested:
 *   -EINVAL     size 0
 *   -EOVERFLOW  @src_iova wraps
 *   -ENOENT     a byte of it is not mapped
 *   -ENOMEM     out of memory
 *   and its pieces in @ret_areas, for uvf_ioas_add_areas() or
 *   uvf_ioas_drop_areas()
 */
int uvf_ioas_copy(struct uvf_ioas *ioas, uint64_t src_iova, uint64_t size,
		  struct uvf_list *ret_areas);

/**
 * uvf_ioas_add_areas() - give pieces their places, side by side
 * @areas: becomes empty on success, and is dropped on failure
 * Return: 0, or, in the order they are tested:
 *   -EINVAL     @size is not aligned
 *   -EOVERFLOW, -ENOSPC, -EINVAL, -EEXIST: no such place
 *   -EPERM      writing, and the pages are for reading only
 *   -EINVAL     the memory is not aligned
 *   -EFAULT     devices are there, and the memory is not
 *   -ENOMEM     out of memory
 */
int uvf_ioas_add_areas(struct uvf_ioas *ioas, struct uvf_list *areas,
		       uint64_t size, uint32_t prot, bool is_fixed,
		       uint64_t *iova);
void uvf_ioas_drop_areas(struct uvf_list *areas);

/**
 * uvf_ioas_unmap() - take away all areas in an interval
 * @ret_size: bytes that went, also on failure
 *
 * Drops the context's lock while it asks accesses to unpin.
 *
 * Return: 0, -ENOENT an area reaches over an end, -EDEADLOCK an access does
 * not unpin.
 */
int uvf_ioas_unmap(struct uvf_ioas *ioas, struct uvf_range iova,
		   uint64_t *ret_size);

/**
 * uvf_ioas_cut() - let one area end at @last and the next begin behind it
 * Return: 0, or, in the order they are tested: -EBUSY, -EINVAL unaligned,
 * -ENOMEM, -EINVAL pinned or in large pages.
 */
int uvf_ioas_cut(struct uvf_ioas *ioas, uint64_t last);

/*
 * Let a new page table lead to all areas, or to none: -EFAULT, -ENOMEM, or
 * -EINVAL it cannot hold one.
 */
int uvf_ioas_fill(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt);

/* No page table is left: let go of the memory of all areas. */
void uvf_ioas_unfill(struct uvf_ioas *ioas);

/* The area at an address, or NULL; and the first not before it. */
struct uvf_area *uvf_area_at(const struct uvf_ioas *ioas, uint64_t iova);
struct uvf_area *uvf_area_from(const struct uvf_ioas *ioas, uint64_t iova);
struct uvf_area *uvf_area_next(const struct uvf_area *area);

/* Client memory, in pages.c. */

/* One user.  -ENOMEM. */
int uvf_pages_create(struct uvf_pages **ret_pages, struct uvf_iommufd *ctx,
		     const struct uvf_map *map);
struct uvf_pages *uvf_pages_get(struct uvf_pages *pages);
void uvf_pages_put(struct uvf_pages *pages);

/**
 * uvf_pages_hold() - pin a part of the memory
 * @bytes:     from its start
 * @is_direct: all of the part must be mapped here, in one piece
 * @ret_hold:  written on success
 * Return: 0, -EFAULT or, of a file, -EINVAL: it is not there, -ENOMEM no
 * memory, or more than its mapper may lock.
 */
int uvf_pages_hold(struct uvf_pages *pages, struct uvf_range bytes,
		   bool is_direct, struct uvf_hold *ret_hold);

/* What was held as @bytes, or, after a split, as several. */
void uvf_pages_release(struct uvf_pages *pages, struct uvf_range bytes,
		       struct uvf_hold *hold);

/* What is held may be released in two parts, cut before @byte.  -ENOMEM. */
int uvf_pages_split(struct uvf_pages *pages, uint64_t byte);

/*
 * CHANGE_PROCESS: charge another process, too.  -ENOMEM.  Then either of the
 * two ceases to pay.  Nothing happens where that was done already.
 */
int uvf_pages_charge_heir(struct uvf_pages *pages, struct uvf_caller *caller);
void uvf_pages_end_heir(struct uvf_pages *pages, bool is_taken);

/* Copy without holding it.  -EFAULT, -ENOMEM. */
int uvf_pages_rw(struct uvf_pages *pages, uint64_t offset, void *buf,
		 size_t len, bool is_write);

/* Who pays, in payer.c.  -ENOMEM. */
int uvf_payer_init(struct uvf_payer *payer, const struct uvf_iommufd *ctx,
		   struct uvf_caller *caller);
int uvf_payer_init_as(struct uvf_payer *payer, enum uvf_account_mode mode,
		      struct uvf_caller *caller);
void uvf_payer_fini(struct uvf_payer *payer);

/* Whether it makes no difference which of the two pays. */
bool uvf_payer_is(const struct uvf_payer *payer, const struct uvf_payer *other);
int uvf_payer_charge(struct uvf_payer *payer, uint64_t count);
void uvf_payer_uncharge(struct uvf_payer *payer, uint64_t count);

/* Which IOVAs there are, in iova.c. */

/* What may not be mapped now, ascending, with gaps between. */
unsigned int uvf_ioas_reserved(const struct uvf_ioas *ioas,
			       struct uvf_range *ret_ranges);

/* The gaps between; at most one more. */
unsigned int uvf_ioas_usable(const struct uvf_ioas *ioas,
			     struct uvf_range *ret_ranges);

/* -EINVAL unaligned or reserved, -EOVERFLOW, -EEXIST. */
int uvf_ioas_check_iova(const struct uvf_ioas *ioas, uint64_t iova,
			uint64_t size);

/* The lowest place for memory at @vaddr.  -EOVERFLOW, -EINVAL, -ENOSPC. */
int uvf_ioas_choose_iova(const struct uvf_ioas *ioas, uint64_t vaddr,
			 uint64_t size, uint64_t *ret_iova);

/* Follow what uses the space; -EADDRINUSE: areas do not fit it. */
int uvf_ioas_update_alignment(struct uvf_ioas *ioas);

/* A device comes or goes: what it reserves.  -EADDRINUSE, -ENOMEM too much. */
int uvf_ioas_add_device(struct uvf_ioas *ioas, const struct uvf_iommu_hw *hw);
void uvf_ioas_remove_device(struct uvf_ioas *ioas,
			    const struct uvf_iommu_hw *hw);

/* A page table comes.  -EADDRINUSE, -ENOMEM, or as uvf_ioas_fill(). */
int uvf_ioas_add_hwpt(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt);

/* It goes, and leads nowhere any more. */
void uvf_ioas_remove_hwpt(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt);

/* Ranges a client allows for MAP without a place, in a tree of their own. */

/* -EINVAL it meets another, -ENOMEM. */
int uvf_allowed_add(struct uvf_itree *tree, struct uvf_range range);
void uvf_allowed_clear(struct uvf_itree *tree);

/* @tree becomes the former one.  -EADDRINUSE: one is reserved. */
int uvf_ioas_allow(struct uvf_ioas *ioas, struct uvf_itree *tree);

/* Page tables, in hwpt.c. */

/* flags: those of HWPT_ALLOC that a table of a space can have. */
int uvf_hwpt_create(struct uvf_ioas *ioas, const struct uvf_iommu_hw *hw,
		    uint32_t flags, struct uvf_hwpt **ret_hwpt);
void uvf_hwpt_destroy(struct uvf_hwpt *hwpt);

/* Lead to an area, too.  -ENOMEM, -EINVAL. */
int uvf_hwpt_map(struct uvf_hwpt *hwpt, const struct uvf_area *area);

/* HWPT_ALLOC on top of another one, in nested.c, with errors as there. */
int uvf_hwpt_alloc_nested(struct uvf_iommufd_call *call,
			  const struct iommu_hwpt_alloc *alloc,
			  struct uvf_hwpt *parent, struct uvf_hwpt **ret_hwpt);

/* A device leaves it. */
void uvf_hwpt_put(struct uvf_hwpt *hwpt);

/* The device with an id, or NULL. */
struct uvf_iommufd_device *uvf_iommufd_device_find(struct uvf_iommufd *ctx,
						   uint32_t id);

struct uvf_iommufd_group *
uvf_iommufd_device_group(const struct uvf_iommufd_device *device);

/* The IOMMU before it. */
const struct uvf_iommu_hw *
uvf_iommufd_device_hw(const struct uvf_iommufd_device *device);

/* Requests for pages have their answer. */
void uvf_iommufd_device_respond(struct uvf_iommufd_device *device,
				uint32_t grpid, bool is_there);

/* Fault queues, in fault.c. */

struct uvf_iommufd_fault *uvf_fault_find(struct uvf_iommufd *ctx, uint32_t id);
struct uvf_object *uvf_fault_object(struct uvf_iommufd_fault *fault);
void uvf_fault_destroy(struct uvf_iommufd_fault *fault);

/* Requests that get one answer.  -ENOMEM. */
int uvf_fault_deliver(struct uvf_iommufd_fault *fault,
		      struct uvf_iommufd_device *device,
		      const struct uvf_page_request *requests, size_t count);

/* Answer all that the devices of a group asked for: there is no page. */
void uvf_fault_leave(struct uvf_iommufd_fault *fault,
		     const struct uvf_iommufd_group *group);

/* Accesses, in access.c: ask them to unpin; drops the context's lock. */
void uvf_iommufd_notify(struct uvf_ioas *ioas, struct uvf_range iova);

/* The handlers; each answers to the ioctl of its name. */
int iommu_ioctl_destroy(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_alloc(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_allow_iovas(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_copy(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_iova_ranges(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_map(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_unmap(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_option(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_vfio_ioas(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_hwpt_alloc(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_get_hw_info(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_hwpt_set_dirty_tracking(struct uvf_iommufd_call *call,
					void *cmd);
int iommu_ioctl_hwpt_get_dirty_bitmap(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_hwpt_invalidate(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_fault_queue_alloc(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_map_file(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_ioas_change_process(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_viommu_alloc(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_vdevice_alloc(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_veventq_alloc(struct uvf_iommufd_call *call, void *cmd);
int iommu_ioctl_hw_queue_alloc(struct uvf_iommufd_call *call, void *cmd);

/* Those of a container, in vfio_compat.c. */
long uvf_iommufd_compat_ioctl(struct uvf_iommufd *ctx,
			      struct uvf_caller *caller, unsigned int cmd,
			      unsigned long arg);

#endif /* UVF_IOMMU_IOMMUFD_PRIVATE_H */
