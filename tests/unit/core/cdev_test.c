/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Character devices, and iommufds in the place of containers.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "iommu/iommufd/abi.h"
#include "lib/machine.h"
#include "mem/copy.h"

#define BIND    _IO(';', 118)
#define ATTACH  _IO(';', 119)
#define DETACH  _IO(';', 120)
#define PAGE    4096u
#define IOVA    0x100000u
#define VFIO0   "/dev/vfio/devices/vfio0"
#define VFIO1   "/dev/vfio/devices/vfio1"
#define DRIVERS "/sys/bus/pci/drivers/vfio-pci/"

struct bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t devid;
	uint64_t token;
};

struct pt {
	uint32_t argsz, flags, id, pasid;
};

static uint8_t *page;

static int setup(void **state)
{
	if (!page)
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*state = machine_create(false);
	return 0;
}

static int setup_together(void **state)
{
	setup(state);
	uvfio_machine_destroy(*state);
	*state = machine_create(true);
	return 0;
}

static int setup_newest(void **state)
{
	setup(state);
	uvfio_machine_destroy(*state);
	*state = machine_create_as("6.19", NULL);
	return 0;
}

static int teardown(void **state)
{
	uvfio_machine_destroy(*state);
	return 0;
}

/* In each test that faults: cmocka puts its own handlers before each. */
static void guard(void)
{
	assert_int_equal(uvf_copy_guard_init(), 0);
}

static long bind_to(struct uvfio_machine *machine, int device, int iommufd)
{
	struct bind bind = {.argsz = 16, .iommufd = iommufd};
	long ret = uvfio_ioctl(machine, device, BIND, (uintptr_t)&bind);

	assert_true(ret || bind.devid);
	return ret ? ret : (long)bind.devid;
}

static int ioas_of(struct uvfio_machine *machine, int iommufd)
{
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};

	must_ioctl(machine, iommufd, IOMMU_IOAS_ALLOC, (uintptr_t)&alloc);
	return (int)alloc.out_ioas_id;
}

static long attach(struct uvfio_machine *machine, int device, uint32_t *id)
{
	struct pt pt = {.argsz = 12, .id = *id};
	long ret = uvfio_ioctl(machine, device, ATTACH, (uintptr_t)&pt);

	*id = pt.id;
	return ret;
}

static long detach(struct uvfio_machine *machine, int device)
{
	struct pt pt = {.argsz = 8};

	return uvfio_ioctl(machine, device, DETACH, (uintptr_t)&pt);
}

static long destroy(struct uvfio_machine *machine, int iommufd, uint32_t id)
{
	struct iommu_destroy destroy = {sizeof(destroy), id};

	return uvfio_ioctl(machine, iommufd, IOMMU_DESTROY,
			   (uintptr_t)&destroy);
}

static void map_page(struct uvfio_machine *machine, int iommufd, uint32_t ioas)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)page,
		.length = PAGE,
		.iova = IOVA,
	};

	must_ioctl(machine, iommufd, IOMMU_IOAS_MAP, (uintptr_t)&map);
}

/* Registers of edu lie at the start of BAR 0, which is at the file's. */
static void reg_write(struct uvfio_machine *machine, int device, uint64_t reg,
		      uint64_t value)
{
	assert_int_equal(uvfio_pwrite(machine, device, &value, 8, reg), 8);
}

static void dma(struct uvfio_machine *machine, int device, uint64_t from,
		uint64_t to, uint64_t flags)
{
	uint64_t command;

	reg_write(machine, device, 0x80, from);
	reg_write(machine, device, 0x88, to);
	reg_write(machine, device, 0x90, 8);
	reg_write(machine, device, 0x98, 1 | flags);
	do
		assert_int_equal(
			uvfio_pread(machine, device, &command, 8, 0x98), 8);
	while (command & 1);
}

/* Whether a device's DMA reaches the page: eight bytes there and back. */
static bool reaches_page(struct uvfio_machine *machine, int device)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	const uint16_t command = 6;
	static uint8_t next;

	must_ioctl(machine, device, VFIO_DEVICE_GET_REGION_INFO,
		   (uintptr_t)&config);
	assert_int_equal(
		uvfio_pwrite(machine, device, &command, 2, config.offset + 4),
		2);
	memset(page, ++next, 8);
	memset(page + 8, 0, 8);
	dma(machine, device, IOVA, 0x40000, 0);
	dma(machine, device, 0x40000, IOVA + 8, 2);
	return !memcmp(page, page + 8, 8);
}

/* Shows H1, M67. */
static void before_bind_nothing_is_allowed(void **state)
{
	int device = must_open(*state, VFIO0);
	uint8_t byte;

	assert_int_equal(uvfio_ioctl(*state, device, VFIO_DEVICE_GET_INFO, 0),
			 -EINVAL);
	assert_int_equal(uvfio_ioctl(*state, device, 0x12345678, 0), -EINVAL);
	assert_int_equal(uvfio_ioctl(*state, device, ATTACH, 0), -EINVAL);
	assert_int_equal(uvfio_pread(*state, device, &byte, 1, 0), -EINVAL);
	assert_int_equal(uvfio_pwrite(*state, device, &byte, 1, 0), -EINVAL);
	must_close(*state, device);
}

/* Shows H2, M67. */
static void bind_refuses_in_this_order(void **state)
{
	struct bind bind = {.argsz = 15, .iommufd = -1};
	int device = must_open(*state, VFIO0);
	int other = must_open(*state, VFIO0);
	int iommufd = must_open(*state, "/dev/iommu");
	int container = must_open(*state, "/dev/vfio/vfio");

	guard();
	assert_int_equal(uvfio_ioctl(*state, device, BIND, 0), -EFAULT);
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&bind),
			 -EINVAL);
	bind.argsz = 16;
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&bind),
			 -EINVAL);
	bind.iommufd = iommufd;
	bind.flags = 1;
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&bind),
			 -EINVAL);
	assert_int_equal(bind_to(*state, device, 9999), -EBADF);
	assert_int_equal(bind_to(*state, device, container), -EBADFD);
	assert_int_equal(bind_to(*state, device, iommufd), 1);
	assert_int_equal(bind_to(*state, device, iommufd), -EINVAL);
	assert_int_equal(bind_to(*state, device, 9999), -EINVAL);
	assert_int_equal(bind_to(*state, other, iommufd), -EINVAL);
	must_close(*state, other);
	must_close(*state, device);
	must_close(*state, container);
	must_close(*state, iommufd);
}

/* Shows S18.  Flips has_pasid. */
static void newest_kernels_read_more_of_bind(void **state)
{
	struct {
		struct bind bind;
		uint64_t more;
	} arg = {.bind = {.argsz = sizeof(arg)}, .more = 1};
	const uint8_t uuid[16] = {0};
	struct pt pt = {.argsz = 16, .flags = 1};
	struct uvfio_machine *old;
	int device = must_open(*state, VFIO0);

	arg.bind.iommufd = must_open(*state, "/dev/iommu");
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&arg),
			 -E2BIG);
	arg.more = 0;
	arg.bind.flags = 2;
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&arg),
			 -EINVAL);
	/* edu has no token; that is found out when it was read. */
	guard();
	arg.bind.flags = 1;
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&arg),
			 -EFAULT);
	arg.bind.token = (uintptr_t)uuid;
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)&arg),
			 -EINVAL);
	arg.bind.flags = 0;
	must_ioctl(*state, device, BIND, (uintptr_t)&arg);
	assert_int_equal(uvfio_ioctl(*state, device, ATTACH, (uintptr_t)&pt),
			 -EOPNOTSUPP);
	assert_int_equal(uvfio_ioctl(*state, device, DETACH, (uintptr_t)&pt),
			 -EOPNOTSUPP);
	must_close(*state, device);
	must_close(*state, arg.bind.iommufd);
	/* The kernel before does not look so far, and knows no flag. */
	old = machine_create_as("6.12", NULL);
	device = must_open(old, VFIO0);
	arg.bind.iommufd = must_open(old, "/dev/iommu");
	arg.bind.flags = 1;
	assert_int_equal(uvfio_ioctl(old, device, BIND, (uintptr_t)&arg),
			 -EINVAL);
	arg.bind.flags = 0;
	arg.more = 1;
	must_ioctl(old, device, BIND, (uintptr_t)&arg);
	assert_int_equal(uvfio_ioctl(old, device, ATTACH, (uintptr_t)&pt),
			 -EINVAL);
	assert_int_equal(uvfio_ioctl(old, device, DETACH, (uintptr_t)&pt),
			 -EINVAL);
	uvfio_machine_destroy(old);
}

/* Shows H3, H4. */
static void a_bound_device_and_an_open_group_exclude_each_other(void **state)
{
	int iommufd = must_open(*state, "/dev/iommu");
	int device = must_open(*state, VFIO0);
	struct opened opened = machine_open(*state);

	assert_int_equal(bind_to(*state, device, 9999), -EBUSY);
	must_close(*state, opened.device);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
	assert_int_equal(bind_to(*state, device, iommufd), 1);
	assert_int_equal(uvfio_open(*state, "/dev/vfio/1"), -EBUSY);
	must_close(*state, device);
	must_close(*state, must_open(*state, "/dev/vfio/1"));
	must_close(*state, iommufd);
}

/* Shows H5. */
static void a_bind_that_cannot_answer_is_undone(void **state)
{
	struct bind *bind = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int iommufd = must_open(*state, "/dev/iommu");
	int device = must_open(*state, VFIO0);

	guard();
	bind->argsz = 16;
	bind->iommufd = iommufd;
	mprotect(bind, PAGE, PROT_READ);
	assert_int_equal(uvfio_ioctl(*state, device, BIND, (uintptr_t)bind),
			 -EFAULT);
	munmap(bind, PAGE);
	must_close(*state, must_open(*state, "/dev/vfio/1"));
	assert_int_equal(uvfio_ioctl(*state, device, VFIO_DEVICE_RESET, 0),
			 -EINVAL);
	assert_int_equal(bind_to(*state, device, iommufd), 1);
	must_close(*state, device);
	must_close(*state, iommufd);
}

/* Shows H6, H7, M67. */
static void attach_moves_and_detach_leaves(void **state)
{
	struct pt *pt = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pt wrong = {.argsz = 7};
	int iommufd = must_open(*state, "/dev/iommu");
	int device = must_open(*state, VFIO0);
	uint32_t one = (uint32_t)ioas_of(*state, iommufd), first = one;
	uint32_t two = (uint32_t)ioas_of(*state, iommufd), second = two;
	uint32_t none = 99;

	guard();
	bind_to(*state, device, iommufd);
	map_page(*state, iommufd, one);
	assert_int_equal(detach(*state, device), 0);
	assert_int_equal(attach(*state, device, &none), -ENOENT);
	assert_int_equal(uvfio_ioctl(*state, device, ATTACH, (uintptr_t)&wrong),
			 -EINVAL);
	assert_int_equal(uvfio_ioctl(*state, device, DETACH, (uintptr_t)&wrong),
			 -EINVAL);
	wrong = (struct pt){.argsz = 12, .flags = 1};
	assert_int_equal(uvfio_ioctl(*state, device, DETACH, (uintptr_t)&wrong),
			 -EINVAL);
	assert_int_equal(attach(*state, device, &first), 0);
	assert_int_not_equal(first, one);
	assert_true(reaches_page(*state, device));
	assert_int_equal(attach(*state, device, &second), 0);
	assert_int_not_equal(second, first);
	assert_false(reaches_page(*state, device));
	assert_int_equal(destroy(*state, iommufd, one), 0);
	/* An answer that cannot be written leaves it detached. */
	*pt = (struct pt){.argsz = 12, .id = two};
	mprotect(pt, PAGE, PROT_READ);
	assert_int_equal(uvfio_ioctl(*state, device, ATTACH, (uintptr_t)pt),
			 -EFAULT);
	assert_int_equal(destroy(*state, iommufd, two), 0);
	munmap(pt, PAGE);
	must_close(*state, device);
	must_close(*state, iommufd);
}

/* Shows H8. */
static void closing_releases_what_was_bound(void **state)
{
	int iommufd = must_open(*state, "/dev/iommu");
	int device = must_open(*state, VFIO0);
	uint32_t ioas = (uint32_t)ioas_of(*state, iommufd), pt = ioas;
	long id = bind_to(*state, device, iommufd);

	assert_int_equal(attach(*state, device, &pt), 0);
	assert_int_equal(destroy(*state, iommufd, ioas), -EBUSY);
	assert_int_equal(destroy(*state, iommufd, pt), -EBUSY);
	assert_int_equal(destroy(*state, iommufd, (uint32_t)id), -EBUSY);
	must_close(*state, device);
	assert_int_equal(destroy(*state, iommufd, pt), -ENOENT);
	assert_int_equal(destroy(*state, iommufd, (uint32_t)id), -ENOENT);
	assert_int_equal(destroy(*state, iommufd, ioas), 0);
	must_close(*state, iommufd);
}

/* Shows H9. */
static void dma_goes_on_without_the_iommufd(void **state)
{
	int iommufd = must_open(*state, "/dev/iommu");
	int device = must_open(*state, VFIO0);
	uint32_t pt = (uint32_t)ioas_of(*state, iommufd);

	bind_to(*state, device, iommufd);
	map_page(*state, iommufd, pt);
	assert_int_equal(attach(*state, device, &pt), 0);
	must_close(*state, iommufd);
	assert_true(reaches_page(*state, device));
	must_close(*state, device);
}

/* Shows H10. */
static void a_file_of_a_group_is_no_cdev(void **state)
{
	struct opened opened = machine_open(*state);
	struct bind bind = {.argsz = 16, .iommufd = opened.container};

	guard();
	assert_int_equal(uvfio_ioctl(*state, opened.device, BIND, 0), -EFAULT);
	assert_int_equal(
		uvfio_ioctl(*state, opened.device, BIND, (uintptr_t)&bind),
		-EINVAL);
	assert_int_equal(uvfio_ioctl(*state, opened.device, ATTACH, 0),
			 -ENOTTY);
	assert_int_equal(uvfio_ioctl(*state, opened.device, DETACH, 0),
			 -ENOTTY);
	must_close(*state, opened.device);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
}

static void sysfs_write(struct uvfio_machine *machine, const char *file,
			const char *text)
{
	ssize_t size = (ssize_t)strlen(text);

	assert_int_equal(
		uvfio_sysfs_write(machine, file, text, (size_t)size, 0), size);
}

/* Shows H11. */
static void the_lowest_number_is_taken_again(void **state)
{
	sysfs_write(*state, DRIVERS "unbind", EDU_A);
	assert_int_equal(uvfio_open(*state, VFIO0), -ENOENT);
	must_close(*state, must_open(*state, VFIO1));
	sysfs_write(*state, DRIVERS "unbind", EDU_B);
	assert_int_equal(uvfio_open(*state, VFIO1), -ENOENT);
	sysfs_write(*state, DRIVERS "bind", EDU_B);
	must_close(*state, must_open(*state, VFIO0));
	sysfs_write(*state, DRIVERS "bind", EDU_A);
	must_close(*state, must_open(*state, VFIO1));
}

/* Shows S17.  Flips has_cdev. */
static void without_cdev_there_is_none(void **state)
{
	struct uvfio_machine *off = machine_create_as("6.12", "cdev=off");
	struct uvfio_machine *old = machine_create_as("6.1", NULL);
	struct uvfio_machine *first = machine_create_as("6.6", NULL);
	struct opened opened = machine_open(off);

	guard();
	must_close(first, must_open(first, VFIO0));
	must_close(first, must_open(first, "/dev/iommu"));
	uvfio_machine_destroy(first);
	must_close(*state, must_open(*state, VFIO0));
	must_close(*state, must_open(*state, "/dev/iommu"));
	assert_int_equal(uvfio_open(off, VFIO0), -ENOENT);
	assert_int_equal(uvfio_open(off, "/dev/iommu"), -ENOENT);
	assert_int_equal(uvfio_ioctl(off, opened.device, BIND, 0), -ENOTTY);
	assert_int_equal(uvfio_open(old, VFIO0), -ENOENT);
	assert_int_equal(uvfio_open(old, "/dev/iommu"), -ENOENT);
	uvfio_machine_destroy(old);
	uvfio_machine_destroy(off);
}

static uint32_t status_of(struct uvfio_machine *machine, int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	must_ioctl(machine, group, VFIO_GROUP_GET_STATUS, (uintptr_t)&status);
	return status.flags;
}

static long set_container(struct uvfio_machine *machine, int group, int fd)
{
	int32_t arg = fd;

	return uvfio_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
			   (uintptr_t)&arg);
}

static long get_device(struct uvfio_machine *machine, int group)
{
	return uvfio_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
			   (uintptr_t)EDU_A);
}

/* Shows A9, A10, G7. */
static void groups_share_the_space_of_an_iommufd(void **state)
{
	struct iommu_vfio_ioas vfio = {.size = sizeof(vfio)};
	int iommufd = must_open(*state, "/dev/iommu");
	int container = must_open(*state, "/dev/vfio/vfio");
	int one = must_open(*state, "/dev/vfio/1");
	int two = must_open(*state, "/dev/vfio/2");
	int device;

	assert_int_equal(set_container(*state, one, iommufd), 0);
	assert_int_equal(set_container(*state, one, iommufd), -EINVAL);
	assert_int_equal(set_container(*state, two, iommufd), 0);
	assert_int_equal(status_of(*state, one), 3);
	must_ioctl(*state, iommufd, IOMMU_VFIO_IOAS, (uintptr_t)&vfio);
	assert_int_equal(vfio.ioas_id, 1);
	assert_int_equal(ioas_of(*state, iommufd), 2);
	must_ioctl(*state, one, VFIO_GROUP_UNSET_CONTAINER, 0);
	assert_int_equal(status_of(*state, one), 1);
	assert_int_equal(set_container(*state, one, container), 0);
	must_ioctl(*state, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	must_close(*state,
		   (int)must_ioctl(*state, one, VFIO_GROUP_GET_DEVICE_FD,
				   (uintptr_t)EDU_A));
	must_ioctl(*state, one, VFIO_GROUP_UNSET_CONTAINER, 0);
	/* Left while its device is open, it is still owned. */
	assert_int_equal(set_container(*state, one, iommufd), 0);
	device = (int)get_device(*state, one);
	assert_true(device >= 0);
	must_ioctl(*state, one, VFIO_GROUP_UNSET_CONTAINER, 0);
	assert_int_equal(status_of(*state, one), 0);
	assert_int_equal(set_container(*state, one, container), -EPERM);
	must_close(*state, device);
	assert_int_equal(status_of(*state, one), 1);
	must_close(*state, one);
	must_close(*state, two);
	must_close(*state, container);
	must_close(*state, iommufd);
}

/* Shows A3, G4. */
static void an_iommufd_does_not_hold_the_group(void **state)
{
	int iommufd = must_open(*state, "/dev/iommu");
	int group = must_open(*state, "/dev/vfio/1");
	int device, again;

	assert_int_equal(set_container(*state, group, iommufd), 0);
	device = (int)get_device(*state, group);
	assert_true(device >= 0);
	map_page(*state, iommufd, 1);
	assert_true(reaches_page(*state, device));
	must_close(*state, group);
	group = must_open(*state, "/dev/vfio/1");
	assert_true(reaches_page(*state, device));
	assert_int_equal(get_device(*state, group), -EINVAL);
	/* One more user needs the group's context, not its own space. */
	assert_int_equal(set_container(*state, group, iommufd), 0);
	again = (int)get_device(*state, group);
	assert_true(again >= 0);
	must_close(*state, device);
	assert_true(reaches_page(*state, again));
	must_ioctl(*state, group, VFIO_GROUP_UNSET_CONTAINER, 0);
	must_close(*state, again);
	must_close(*state, group);
	must_close(*state, iommufd);
}

static void the_first_open_finds_what_is_wrong(void **state)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = 3,
		.vaddr = 0x1000,
		.iova = IOVA,
		.size = PAGE,
	};
	int iommufd = must_open(*state, "/dev/iommu");
	int group = must_open(*state, "/dev/vfio/1");

	guard();
	assert_int_equal(set_container(*state, group, iommufd), 0);
	must_ioctl(*state, iommufd, VFIO_IOMMU_MAP_DMA, (uintptr_t)&map);
	assert_int_equal(get_device(*state, group), -EFAULT);
	assert_int_equal(destroy(*state, iommufd, 1), 0);
	assert_int_equal(get_device(*state, group), -ENODEV);
	/* Nothing is left of the attempts. */
	must_ioctl(*state, group, VFIO_GROUP_UNSET_CONTAINER, 0);
	assert_int_equal(status_of(*state, group), 1);
	must_close(*state, group);
	must_close(*state, iommufd);
}

/* Shows B4. */
static void a_group_has_one_context(void **state)
{
	int x = must_open(*state, "/dev/iommu");
	int y = must_open(*state, "/dev/iommu");
	int a = must_open(*state, VFIO0);
	int b = must_open(*state, VFIO1);

	assert_int_equal(bind_to(*state, a, x), 1);
	assert_int_equal(bind_to(*state, b, y), -EPERM);
	assert_int_equal(bind_to(*state, b, x), 2);
	must_close(*state, a);
	assert_int_equal(uvfio_open(*state, "/dev/vfio/1"), -EBUSY);
	must_close(*state, b);
	must_close(*state, must_open(*state, "/dev/vfio/1"));
	must_close(*state, y);
	must_close(*state, x);
}

struct racer {
	struct uvfio_machine *machine;
	int device, iommufd;
	long result;
};

static void *bind_once(void *arg)
{
	struct racer *racer = arg;
	struct bind bind = {.argsz = 16, .iommufd = racer->iommufd};

	racer->result = uvfio_ioctl(racer->machine, racer->device, BIND,
				    (uintptr_t)&bind);
	return NULL;
}

static void *open_group(void *arg)
{
	struct racer *racer = arg;

	racer->result = uvfio_open(racer->machine, "/dev/vfio/1");
	return NULL;
}

/* Shows T8. */
static void of_two_that_race_one_wins(void **state)
{
	int iommufd = must_open(*state, "/dev/iommu");

	for (unsigned int i = 0; i < 400; i++) {
		bool is_group = i & 1;
		struct racer racers[2];
		pthread_t threads[2];

		for (int k = 0; k < 2; k++)
			racers[k] = (struct racer){
				*state, must_open(*state, VFIO0), iommufd, 0};
		pthread_create(&threads[0], NULL, bind_once, &racers[0]);
		pthread_create(&threads[1], NULL,
			       is_group ? open_group : bind_once, &racers[1]);
		for (int k = 0; k < 2; k++)
			pthread_join(threads[k], NULL);
		if (is_group) {
			assert_true((racers[0].result == -EBUSY) ^
				    (racers[1].result == -EBUSY));
			if (racers[1].result >= 0)
				must_close(*state, (int)racers[1].result);
		} else {
			assert_true((racers[0].result == -EINVAL) ^
				    (racers[1].result == -EINVAL));
			assert_true(!racers[0].result || !racers[1].result);
		}
		for (int k = 0; k < 2; k++)
			must_close(*state, racers[k].device);
	}
	must_close(*state, iommufd);
}

static void *storm(void *arg)
{
	struct racer *racer = arg;

	for (unsigned int i = 0; i < 300; i++) {
		int device = must_open(racer->machine, i & 1 ? VFIO0 : VFIO1);
		struct bind bind = {.argsz = 16, .iommufd = racer->iommufd};
		uint32_t pt = 1;

		if (!uvfio_ioctl(racer->machine, device, BIND,
				 (uintptr_t)&bind)) {
			(void)attach(racer->machine, device, &pt);
			uvfio_ioctl(racer->machine, device, VFIO_DEVICE_RESET,
				    0);
			if (i & 2)
				(void)detach(racer->machine, device);
		}
		must_close(racer->machine, device);
	}
	return NULL;
}

/* Shows T14. */
static void binding_and_attaching_in_a_storm_leaves_nothing(void **state)
{
	int iommufd = must_open(*state, "/dev/iommu");
	struct racer racer = {*state, -1, iommufd, 0};
	pthread_t threads[4];

	assert_int_equal(ioas_of(*state, iommufd), 1);
	map_page(*state, iommufd, 1);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, storm, &racer);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(destroy(*state, iommufd, 1), 0);
	assert_int_equal(ioas_of(*state, iommufd), 1);
	must_close(*state, must_open(*state, "/dev/vfio/1"));
	must_close(*state, iommufd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TOGETHER(name)                                                         \
	cmocka_unit_test_setup_teardown(name, setup_together, teardown)
#define NEWEST(name)                                                           \
	cmocka_unit_test_setup_teardown(name, setup_newest, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_bind_nothing_is_allowed),
		TEST(bind_refuses_in_this_order),
		NEWEST(newest_kernels_read_more_of_bind),
		TEST(a_bound_device_and_an_open_group_exclude_each_other),
		TEST(a_bind_that_cannot_answer_is_undone),
		TEST(attach_moves_and_detach_leaves),
		TEST(closing_releases_what_was_bound),
		TEST(dma_goes_on_without_the_iommufd),
		TEST(a_file_of_a_group_is_no_cdev),
		TEST(the_lowest_number_is_taken_again),
		TEST(without_cdev_there_is_none),
		TEST(groups_share_the_space_of_an_iommufd),
		TEST(an_iommufd_does_not_hold_the_group),
		TEST(the_first_open_finds_what_is_wrong),
		TOGETHER(a_group_has_one_context),
		TEST(of_two_that_race_one_wins),
		TOGETHER(binding_and_attaching_in_a_storm_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
