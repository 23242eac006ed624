/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every conformance case stands on: how it reports its one line, and
 * how it reaches the devices of the machine.
 *
 * A case runs in a process of its own and may leave everything open.  What
 * it reports must be the same on each run of one kernel: no addresses, group
 * numbers, minors or times.
 */
#ifndef CONFORMANCE_LIB_H
#define CONFORMANCE_LIB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"

#define PAGE     4096ul
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One case, or a family of them: one for each label or for each number. */
struct conf_case {
	const char *name;
	void (*run)(void);
	void (*run_arg)(long arg);
	const char *(*label)(long arg); /* NULL past the last */
	long first, last, step;
};

struct case_table {
	const char *noun;
	const struct conf_case *cases;
	size_t count;
	int changes_machine; /* put it back to what it was after each case */
	int (*is_offered)(void); /* NULL: by every kernel */
};

#define CASE(fn)                                                               \
	{                                                                      \
		.name = #fn, .run = fn                                         \
	}
#define EACH(fn, label_fn)                                                     \
	{                                                                      \
		.name = #fn, .run_arg = fn, .label = label_fn                  \
	}
#define RANGE(fn, from, to, by)                                                \
	{                                                                      \
		.name = #fn, .run_arg = fn, .first = from, .last = to,         \
		.step = by                                                     \
	}
#define TABLE(symbol, noun_, cases_)                                           \
	const struct case_table symbol = {                                     \
		.noun = noun_, .cases = cases_, .count = COUNT(cases_)}
#define MACHINE_TABLE(symbol, noun_, cases_)                                   \
	const struct case_table symbol = {.noun = noun_,                       \
					  .cases = cases_,                     \
					  .count = COUNT(cases_),              \
					  .changes_machine = 1}

/* Cases of what only some kernels have; elsewhere they are not asked. */
#define TABLE_OF(symbol, noun_, cases_, offered)                               \
	const struct case_table symbol = {.noun = noun_,                       \
					  .cases = cases_,                     \
					  .count = COUNT(cases_),              \
					  .is_offered = offered}
#define MACHINE_TABLE_OF(symbol, noun_, cases_, offered)                       \
	const struct case_table symbol = {.noun = noun_,                       \
					  .cases = cases_,                     \
					  .count = COUNT(cases_),              \
					  .changes_machine = 1,                \
					  .is_offered = offered}

/* report.c: the line of the running case */
struct report {
	char result[64];
	char fields[4032];
};

void report_start(struct report *buf);
void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void result(long ret);    /* "= N", or "= -1 ERRNO" */
void result_fd(long ret); /* "= fd" when it is one */
void outcome(const char *key, long ret);
void value(const char *key, long long v);
void hex(const char *key, unsigned long long v);
/* Ends the case when a step that it only builds on has failed. */
void need(int ok, const char *step);

/*
 * machine.c: paths and states of the devices.  0 and 1 are alone in their
 * groups; two more edu and a device for a driver of the host share one.
 */
enum {
	MEMBER_A = 2,
	MEMBER_B,
	MEMBER_HOST, /* driverless; the driver HOST_DRIVER may take it */
	DEVICES
};

#define HOST_DRIVER "serial" /* owns the DMA of what it drives */

/* The devices of the other machine, see card.h. */
enum {
	CARD_NIC = DEVICES, /* behind a root port */
	CARD_FN0,           /* two functions of one slot behind a root port */
	CARD_FN1,
	CARD_TEST_A, /* two slots behind a conventional bridge */
	CARD_TEST_B,
	CARD_NVME, /* beside the root ports */
	CARD_NET,
	CARDS_END
};

struct session {
	int container;
	int group;
	int device;
};

const char *bdf(int dev);
int group_id(int dev);
void group_path(int dev, char *buf, size_t size);
void sysfs_path(int dev, const char *file, char *buf, size_t size);
ssize_t file_read(const char *path, char *buf, size_t size);
int file_write(const char *path, const char *text);
int link_base(const char *path, char *buf, size_t size);

int container_open(void);
int group_try_open(int dev);
int group_open(int dev);
int group_attach(int group, int container);
int group_status(int group);
int device_open(int group, int dev);
struct session session_group(void);                /* no IOMMU chosen yet */
struct session session_iommu(unsigned long type);  /* no device open yet */
struct session session_device(void);               /* type1 v2 */
struct session session_second(struct session *s1); /* device 1, same C */

/* driver.c: binding of drivers by sysfs, and what it changes */
#define BUS     "/sys/bus/pci/"
#define DRIVERS BUS "drivers/"

long path_write(const char *path, const void *data, size_t size);
long driver_write(const char *driver, const char *file, int dev);
long driver_probe(int dev);
long override(int dev, const char *driver);
void device_unbind(int dev);                   /* and clears the override */
void device_bind(int dev, const char *driver); /* from any state */
const char *driver_of(int dev);
int has_node(int group);
void show_binding(int dev, int group);
void machine_restore(void);

/* iommufd.c: /dev/iommu and the character devices of VFIO */
int has_cdev(void);
int cdev_name(int dev, char *buf, size_t size);
int cdev_try_open(int dev);
int cdev_open(int dev);
int iommufd_open(void);
int cdev_bind(int cdev, int iommufd);
uint32_t cdev_id(int cdev, int iommufd); /* binds, or ends the case */
int cdev_attach(int cdev, uint32_t pt_id);
int cdev_detach(int cdev);
uint32_t ioas_alloc(int iommufd);
int ioas_map(int iommufd, uint32_t ioas, const void *at, uint64_t iova,
	     uint64_t length);
int ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length);
int iommufd_destroy(int iommufd, uint32_t id);

/* memory.c: memory to hand to the kernel, good and bad */
void *pages(size_t count);
void *bad_pointer(void);
void *before_fault(size_t len);
void *read_only(const void *data, size_t len);
int closed_fd(void);
void capability_drop(unsigned int capability);

/* iommu.c: type1 */
int dma_map(int container, uint32_t flags, const void *vaddr, uint64_t iova,
	    uint64_t size);
int dma_unmap(int container, uint32_t flags, uint64_t iova, uint64_t *size);
unsigned long long dma_unmap_all(int container);

/* irq.c: SET_IRQS, and counting what an eventfd received */
int irq_set(int device, uint32_t flags, uint32_t index, uint32_t start,
	    uint32_t count, const void *data);
int irq_trigger_fd(int device, uint32_t index, int fd);
int event_fd(void);
long events(int fd);    /* waits until one came, then for stragglers */
long no_events(int fd); /* waits long enough to be sure, then counts */

/* edu.c: config space and registers of the device under test */
#define EDU_ID       0x00
#define EDU_LIVE     0x04
#define EDU_FACT     0x08
#define EDU_STATUS   0x20
#define EDU_IRQ      0x24
#define EDU_RAISE    0x60
#define EDU_ACK      0x64
#define EDU_DMA_SRC  0x80
#define EDU_DMA_DST  0x88
#define EDU_DMA_LEN  0x90
#define EDU_DMA_CMD  0x98
#define EDU_DMA_BUF  0x40000
#define EDU_BAR_SIZE 0x100000

uint32_t cfg_read(int device, unsigned int off, unsigned int size);
int cfg_write(int device, unsigned int off, unsigned int size, uint32_t v);
void cfg_command(int device, uint16_t clear, uint16_t set);
uint32_t edu_read(int device, unsigned int off);
void edu_write(int device, unsigned int off, uint32_t v);
void edu_quiet(int device);
int edu_dma(int device, uint64_t src, uint64_t dst, uint32_t len, int flags);
void *bar_map(int device, size_t len, int prot);
int touch(const volatile void *at, int store); /* 0, or the signal */

#endif /* CONFORMANCE_LIB_H */
