/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Containers, groups and devices as tables of descriptors, files and objects,
 * in which all that can be counted is counted afresh.
 */
#ifndef TESTS_UNIT_CORE_CORE_MODEL_H
#define TESTS_UNIT_CORE_CORE_MODEL_H

#include <stdbool.h>

#define FDS     20 /* descriptors at a time; as many files and containers */
#define GROUPS  32 /* objects; a group whose node is gone may be open */
#define IDS     3  /* IOMMU groups */
#define DEVICES 6
#define NONE    (-1)

enum kind {
	CLOSED,
	FOREIGN,
	CONTAINER,
	GROUP_FILE,
	DEVICE_FILE,
};

enum driver {
	DRIVERLESS,
	VFIO,
	HOST,
	STUB,
	DRIVERS,
};

struct m_file {
	enum kind kind;
	int object;
	int fds;
};

struct m_container {
	bool is_there, has_iommu;
};

struct m_group {
	bool is_there, is_orphan, is_violated;
	int id;
	int container;
};

struct m_device {
	enum driver driver;
	int group; /* while registered */
	int opens, closes;
};

/* Which IOMMU group a device is in, and what it is called. */
extern const int id_of[DEVICES];
extern const char *const names[DEVICES];

extern struct model {
	bool is_old; /* 3.14 and 4.1 */
	int kind_errno;
	const char *abi;
	unsigned int step;
	int fds[FDS]; /* the file, or NONE */
	struct m_file files[FDS];
	struct m_container containers[FDS];
	struct m_group groups[GROUPS];
	struct m_device devices[DEVICES];
} m;

/* What a descriptor is of; for any number. */
struct m_file *m_file_at(int fd);
/* Open files of an object. */
int m_files_of(enum kind kind, int object);
int m_groups_in(int container);
bool m_is_held(int group);
/* The group of that id whose node is there, or NONE. */
int m_find_group(int id);
/* What goes because nobody holds it any more. */
void m_settle(void);
/* The lowest, or NONE. */
int m_free_fd(void);
/* The lowest descriptor, for a new file. */
int m_install(enum kind kind, int object);
void m_close(int fd);

/* What calls answer, and change: a result, or an errno below 0. */
int m_set_container(int group, int fd);
int m_get_device_old(int group, const char *name, bool is_full, int open_errno);
int m_get_device(int group, const char *name, bool is_full, int open_errno);
long m_status(int group);
int m_set_iommu(int container, unsigned long type);
int m_unset_container(int group);
int m_group_ioctl(int group, unsigned int cmd);
int m_container_ioctl(int container, unsigned int cmd);
int m_bind(int device, enum driver driver);
int m_unbind(int device, enum driver driver);

/* Whether a group's DMA leads somewhere. */
bool m_has_domain(int id);

#endif /* TESTS_UNIT_CORE_CORE_MODEL_H */
