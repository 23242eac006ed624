/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO file: what stands behind one open of a node, or behind a device
 * descriptor.  All copies of a descriptor (dup, fork, SCM_RIGHTS) are one
 * file; its release runs when the front sees the last of them, and the last
 * mapping, go.
 */
#ifndef UVF_CORE_FILE_H
#define UVF_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/ref.h"
#include "mem/caller.h"

enum uvf_file_kind {
	UVF_FILE_CONTAINER,
	UVF_FILE_GROUP,
	UVF_FILE_DEVICE,
	UVF_FILE_IOMMUFD,
	UVF_FILE_MIGRATION,
	UVF_FILE_FAULT, /* a fault queue of an iommufd */
	/* Of the ABI of 2011, src/v02. */
	UVF_FILE_V02_GROUP,
	UVF_FILE_V02_IOMMU,
	UVF_FILE_V02_DEVICE,
	/* Of src/kvm. */
	UVF_FILE_KVM,      /* /dev/kvm */
	UVF_FILE_KVM_VM,   /* a virtual machine */
	UVF_FILE_KVM_VFIO, /* its KVM-VFIO device */
	UVF_FILE_KVM_TCE,  /* a table of TCEs of it */
	UVF_FILE_SYSFS,    /* fs/sysfs_file.h; answers to no ioctl */
};

/* What a client finds in a page of a mapping it touches for the first time. */
struct uvf_page {
	enum {
		UVF_PAGE_TRAP,    /* each access is an mmio() call */
		UVF_PAGE_MEMORY,  /* map fd at fd_offset */
		UVF_PAGE_MIRROR,  /* the same for loads; a store is mmio() */
		UVF_PAGE_SIGBUS,  /* nothing answers there now */
		UVF_PAGE_REVOKED, /* nor ever will: the device was taken away */
	} kind;
	int fd; /* borrowed; MEMORY and MIRROR only */
	uint64_t fd_offset;
	uint64_t first; /* file offsets of the run of equal pages around */
	uint64_t size;
};

struct uvf_file;
struct uvf_kvm_calls;

struct uvf_file_ops {
	/* NULL: by the table of core/dispatch.c. */
	long (*ioctl)(struct uvf_file *file, struct uvf_caller *caller,
		      unsigned int cmd, unsigned long arg);
	/* NULL: -EINVAL (read, write) or -ENODEV (mmap). */
	ssize_t (*read)(struct uvf_file *file, struct uvf_caller *caller,
			uint64_t addr, size_t len, uint64_t pos);
	ssize_t (*write)(struct uvf_file *file, struct uvf_caller *caller,
			 uint64_t addr, size_t len, uint64_t pos);
	/* Only checks; len is in bytes, flags as for mmap(2). */
	int (*mmap)(struct uvf_file *file, uint64_t pos, uint64_t len, int prot,
		    int flags);
	void (*fault)(struct uvf_file *file, uint64_t pos,
		      struct uvf_page *ret_page);
	/* One load or store; false: the client gets SIGBUS. */
	bool (*mmio)(struct uvf_file *file, uint64_t pos, void *buf, size_t len,
		     bool is_write);
	/*
	 * Who answers DMA to a page that is mapped from here, in *ret_io, by
	 * positions of this file; NULL: nobody.  Return 0, or -EFAULT nothing
	 * answers there now, -ENOMEM.
	 */
	int (*dma_target)(struct uvf_file *file, uint64_t pos,
			  struct uvf_mem_io **ret_io);
	/* Whether a stream has something to read; NULL: a read says it. */
	bool (*is_readable)(struct uvf_file *file);
	/* Runs once, from the last uvf_file_put(); cannot fail. */
	void (*release)(struct uvf_file *file);
	const struct uvf_kvm_calls *kvm; /* UVF_FILE_KVM and the like */
};

struct uvf_file {
	struct uvf_ref ref;
	enum uvf_file_kind kind;
	const struct uvf_file_ops *ops;
	void *object;       /* struct uvf_container, uvf_group or uvf_device */
	bool survives_exec; /* a descriptor that a call returns stays open */
	bool is_stream;     /* bytes have no position */
	int open_mode;      /* of a stream's descriptor: O_RDONLY... */
	bool stays_put;     /* its position does not move */
	_Atomic uint64_t position; /* of read and write without one */
	void *front;               /* for the front that installed it */
};

/**
 * uvf_file_create() - a file with one reference
 * @ret_file: written on success
 * @object:   for @ops; its reference moves to the file on success
 * Return: 0 or -ENOMEM.
 */
int uvf_file_create(struct uvf_file **ret_file, enum uvf_file_kind kind,
		    const struct uvf_file_ops *ops, void *object);
struct uvf_file *uvf_file_get(struct uvf_file *file);

/* The last one runs release(); takes NULL. */
void uvf_file_put(struct uvf_file *file);

/* Frees a file that never came to life, without release(). */
void uvf_file_discard(struct uvf_file *file);

/*
 * The system calls of a front.  Each returns what the system call returns,
 * a negative errno on failure.
 */
long uvf_file_ioctl(struct uvf_file *file, struct uvf_caller *caller,
		    unsigned int cmd, unsigned long arg);
ssize_t uvf_file_read(struct uvf_file *file, struct uvf_caller *caller,
		      uint64_t addr, size_t len, uint64_t pos);
ssize_t uvf_file_write(struct uvf_file *file, struct uvf_caller *caller,
		       uint64_t addr, size_t len, uint64_t pos);
int uvf_file_mmap(struct uvf_file *file, uint64_t pos, uint64_t len, int prot,
		  int flags);
void uvf_file_fault(struct uvf_file *file, uint64_t pos,
		    struct uvf_page *ret_page);
bool uvf_file_mmio(struct uvf_file *file, uint64_t pos, void *buf, size_t len,
		   bool is_write);

/* As poll(2) tells it. */
bool uvf_file_is_readable(struct uvf_file *file);

/* For a file that can be mapped. */
int uvf_file_dma_target(struct uvf_file *file, uint64_t pos,
			struct uvf_mem_io **ret_io);

#endif /* UVF_CORE_FILE_H */
