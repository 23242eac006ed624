/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telling of files, directories and links without a check after each of
 * them: the first failure stays, and nothing is told after it.
 *
 * Somebody either wants to hear of all, or looks for one path.
 */
#ifndef UVF_FS_SYSFS_WALK_H
#define UVF_FS_SYSFS_WALK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bus/device.h"
#include "fs/sysfs.h"

/* Bytes of the longest path below /sys, final NUL included. */
#define UVF_WALK_PATH 256

/* Bytes of the largest file: extended configuration space. */
#define UVF_WALK_CONTENT 8192

/* Bytes of a text that is no constant, final NUL included. */
#define UVF_WALK_TEXT 256

struct uvf_iommu_group;
struct uvf_task;
struct uvf_vfio;
struct uvf_walk_file;

/* A write to a file: size, or a negative errno; a NUL follows the text. */
typedef ssize_t uvf_walk_store_fn(const struct uvf_walk_file *file,
				  struct uvf_task *task, const char *text,
				  size_t size);

/* One file, and who answers for it. */
struct uvf_walk_file {
	mode_t mode;
	struct uvf_machine *machine;
	struct uvf_bus_device *device;   /* NULL: not a device's */
	const struct uvf_bus_attr *attr; /* of the device; or what follows */
	const char *text;                /* NULL: reading is -EIO */
	uvf_walk_store_fn *store;        /* NULL: writing is -EIO */
	/* A bus, a driver, a parameter: what lives as long as the machine. */
	void *object;
	unsigned int id;       /* of an IOMMU group */
	const char *subsystem; /* of the object's uevents; NULL: it has none */
	char path[UVF_WALK_PATH]; /* below /sys */
};

/* What somebody looks for. */
struct uvf_walk_search {
	char path[2 * UVF_WALK_PATH];
	enum {
		UVF_WALK_NOTHING,
		UVF_WALK_FOUND_DIR,
		UVF_WALK_FOUND_FILE,
		UVF_WALK_FOUND_LINK, /* path is where it leads now */
	} found;
	struct uvf_walk_file file; /* holds a reference to its device */
	char text[UVF_WALK_TEXT];
};

struct uvf_walk {
	struct uvf_machine *machine;
	struct uvf_vfio *vfio;
	const struct uvf_sysfs_sink *sink; /* NULL: search */
	struct uvf_walk_search *search;
	/* iommu_group is a number, and the groups themselves are not shown. */
	bool has_group_numbers;
	char *content; /* UVF_WALK_CONTENT bytes for the sink */
	int error;     /* what the walk will return */
};

/* Rows of a table of small files; ends with a NULL name. */
struct uvf_walk_text {
	const char *name;
	mode_t mode;
	const char *text; /* NULL: reading is -EIO */
	uvf_walk_store_fn *store;
};

/* A path to be used with what follows; empty when it is too long. */
void uvf_walk_path(struct uvf_walk *walk, char ret_path[UVF_WALK_PATH],
		   const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Whether anybody wants to hear of what is below a directory. */
bool uvf_walk_wants(const struct uvf_walk *walk, const char *dir);

/* The same of one entry of a directory. */
bool uvf_walk_wants_entry(const struct uvf_walk *walk, const char *dir,
			  const char *name);

void uvf_walk_fail(struct uvf_walk *walk, int error);
void uvf_walk_dir(struct uvf_walk *walk, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A file; its path and machine are filled in. */
void uvf_walk_file(struct uvf_walk *walk, const struct uvf_walk_file *file,
		   const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void uvf_walk_text(struct uvf_walk *walk, mode_t mode, const char *text,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* All rows of a table, in the directory of the format, about an object. */
void uvf_walk_texts(struct uvf_walk *walk, const struct uvf_walk_text *texts,
		    const struct uvf_walk_file *about, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A link to target, a path below /sys, in the words of the kernel. */
void uvf_walk_link(struct uvf_walk *walk, const char *target, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

/* The content of a file: bytes written, or a negative errno. */
ssize_t uvf_walk_show(const struct uvf_walk_file *file, void *buf, size_t size);

/* Stores for files uevent of what is no device of a bus. */
ssize_t uvf_walk_store_uevent(const struct uvf_walk_file *file,
			      struct uvf_task *task, const char *text,
			      size_t size);

/* The same for files rescan of what is no device. */
ssize_t uvf_walk_store_rescan(const struct uvf_walk_file *file,
			      struct uvf_task *task, const char *text,
			      size_t size);

/* Bytes of the name of a module, final NUL included. */
#define UVF_WALK_MODULE 40

/*
 * The module that a driver is in: false for one that is built in.  Those of
 * the host that drive a device themselves are modules, with _ for -.
 */
bool uvf_walk_module_of(const struct uvf_driver *driver,
			char ret_name[UVF_WALK_MODULE]);

/* What the parts of the tree tell. */
void uvf_sysfs_walk_mdevs(struct uvf_walk *walk, struct uvf_bus_device *device,
			  const char *dir);
void uvf_sysfs_walk_mdev_class(struct uvf_walk *walk,
			       struct uvf_bus_device **devices, size_t count);
void uvf_sysfs_walk_devices(struct uvf_walk *walk);
void uvf_sysfs_walk_classes(struct uvf_walk *walk, struct uvf_vfio *vfio);
void uvf_sysfs_walk_modules(struct uvf_walk *walk);
void uvf_sysfs_walk_bus(struct uvf_walk *walk);
void uvf_sysfs_walk_groups(struct uvf_walk *walk, struct uvf_vfio *vfio);

#endif /* UVF_FS_SYSFS_WALK_H */
