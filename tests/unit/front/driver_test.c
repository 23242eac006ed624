/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drivers of this process: devices that they register, and programs that use
 * them, both by the public interface.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uvfio/driver.h>
#include <uvfio/uvfio.h>

#include <cmocka.h>

#include "lib/machine.h"

#define NAME "thing0"
#define PAGE 4096ull
#define IOVA 0x100000ull
#define CMD  _IO(VFIO_TYPE, VFIO_BASE + 90)

/* Where a thing has memory in its file, the page of its file that is first. */
#define MEMORY_AT   (8 * PAGE)
#define MEMORY_SIZE (3 * PAGE)

/* What a driver saw, and what it says. */
struct thing {
	struct uvfio_vfio_device *device;
	unsigned int inits, releases, opens, closes;
	atomic_uint requests;
	atomic_uint unmaps;
	int init_ret, open_ret, match_ret;
	uint64_t unmap_iova, unmap_len;
	uint64_t pinned; /* IOVA; 0: nothing */
	int memory;      /* a file of MEMORY_SIZE, or -1 */
	char text[16];
};

static struct thing *thing_of(struct uvfio_vfio_device *device)
{
	return uvfio_device_data(device);
}

static int thing_init(struct uvfio_vfio_device *device)
{
	thing_of(device)->inits++;
	return thing_of(device)->init_ret;
}

static void thing_release(struct uvfio_vfio_device *device)
{
	thing_of(device)->releases++;
}

static int thing_open(struct uvfio_vfio_device *device)
{
	thing_of(device)->opens++;
	return thing_of(device)->open_ret;
}

static void thing_close(struct uvfio_vfio_device *device)
{
	thing_of(device)->closes++;
}

static void thing_request(struct uvfio_vfio_device *device, unsigned int count)
{
	assert_int_equal(count,
			 atomic_fetch_add(&thing_of(device)->requests, 1));
}

static ssize_t thing_read(struct uvfio_vfio_device *device,
			  struct uvfio_client *client, uint64_t addr,
			  size_t len, uint64_t pos)
{
	struct thing *thing = thing_of(device);

	if (pos + len > sizeof(thing->text))
		return -EINVAL;
	return uvfio_copy_to_client(client, addr, thing->text + pos, len)
		       ? -EFAULT
		       : (ssize_t)len;
}

static ssize_t thing_write(struct uvfio_vfio_device *device,
			   struct uvfio_client *client, uint64_t addr,
			   size_t len, uint64_t pos)
{
	struct thing *thing = thing_of(device);

	if (pos + len > sizeof(thing->text))
		return -EINVAL;
	return uvfio_copy_from_client(client, thing->text + pos, addr, len)
		       ? -EFAULT
		       : (ssize_t)len;
}

static long thing_ioctl(struct uvfio_vfio_device *device,
			struct uvfio_client *client, unsigned int cmd,
			unsigned long arg)
{
	(void)device;
	(void)client;
	return cmd == CMD ? (long)arg + 1 : -ENOTTY;
}

static void thing_dma_unmap(struct uvfio_vfio_device *device, uint64_t iova,
			    uint64_t len)
{
	struct thing *thing = thing_of(device);

	thing->unmap_iova = iova;
	thing->unmap_len = len;
	atomic_fetch_add(&thing->unmaps, 1);
	if (thing->pinned)
		uvfio_unpin_pages(device, thing->pinned, 1);
	thing->pinned = 0;
}

static int thing_match(struct uvfio_vfio_device *device, const char *name)
{
	return strcmp(name, "alias") != 0 ? 0 : thing_of(device)->match_ret;
}

/* Its pages in the other order. */
static int thing_mmap(struct uvfio_vfio_device *device, uint64_t pos,
		      uint64_t len, int prot, int flags, uint64_t *ret_offset)
{
	if (flags & MAP_PRIVATE || prot & PROT_EXEC)
		return -EACCES;
	if (pos < MEMORY_AT || pos + len > MEMORY_AT + MEMORY_SIZE)
		return -EINVAL;
	*ret_offset = 2 * PAGE - (pos - MEMORY_AT);
	return thing_of(device)->memory;
}

static const struct uvfio_vfio_ops mapped_ops = {
	.name = "mapped",
	.close_device = thing_close,
	.mmap = thing_mmap,
};
static const struct uvfio_vfio_ops full_ops = {
	.name = "thing",
	.init = thing_init,
	.release = thing_release,
	.open_device = thing_open,
	.close_device = thing_close,
	.request = thing_request,
	.read = thing_read,
	.write = thing_write,
	.ioctl = thing_ioctl,
	.dma_unmap = thing_dma_unmap,
};
static const struct uvfio_vfio_ops bare_ops = {.name = "bare"};
static const struct uvfio_vfio_ops match_ops = {
	.name = "matcher",
	.match = thing_match,
};

/* A machine with an emulated device in it, and a container with its group. */
struct rig {
	struct uvfio_machine *machine;
	struct thing thing;
	int container, group;
};

static void rig_create(struct rig *rig, const struct uvfio_vfio_ops *ops)
{
	memset(rig, 0, sizeof(*rig));
	rig->container = -1;
	rig->group = -1;
	rig->machine = machine_create(false);
	assert_int_equal(uvfio_alloc_device(rig->machine, &rig->thing.device,
					    NAME, ops, &rig->thing),
			 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(rig->thing.device),
			 0);
}

static void rig_open_group_in(struct rig *rig, const char *container)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/dev/vfio/%d",
		       uvfio_device_group_id(rig->thing.device));
	rig->container = must_open(rig->machine, container);
	rig->group = must_open(rig->machine, path);
	must_ioctl(rig->machine, rig->group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig->container);
	must_ioctl(rig->machine, rig->container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
}

static void rig_open_group(struct rig *rig)
{
	rig_open_group_in(rig, "/dev/vfio/vfio");
}

static long rig_open_device(struct rig *rig, const char *name)
{
	return uvfio_ioctl(rig->machine, rig->group, VFIO_GROUP_GET_DEVICE_FD,
			   (uintptr_t)name);
}

static void rig_destroy(struct rig *rig)
{
	if (rig->group >= 0)
		must_close(rig->machine, rig->group);
	if (rig->container >= 0)
		must_close(rig->machine, rig->container);
	uvfio_unregister_group_dev(rig->thing.device);
	uvfio_put_device(rig->thing.device);
	uvfio_machine_destroy(rig->machine);
}

static void test_allocation_says_what_is_wrong(void **state)
{
	struct uvfio_machine *machine = machine_create(false);
	const struct uvfio_vfio_ops nameless = {.name = NULL};
	struct thing thing = {.init_ret = -EXDEV};
	struct uvfio_vfio_device *device = NULL;

	(void)state;
	assert_int_equal(uvfio_alloc_device(machine, &device, NAME, NULL, NULL),
			 -EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, NAME, &nameless, NULL),
		-EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, NULL, &full_ops, &thing),
		-EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, "", &full_ops, &thing),
		-EINVAL);
	assert_int_equal(uvfio_alloc_device(machine, &device,
					    "a name of forty characters, "
					    "too long for it",
					    &full_ops, &thing),
			 -EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, NAME, &full_ops, &thing),
		-EXDEV);
	assert_int_equal(thing.inits, 1);
	assert_int_equal(thing.releases, 0);
	assert_null(device);
	uvfio_put_device(NULL);
	uvfio_machine_destroy(machine);
}

static void test_a_device_lives_from_alloc_to_put(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_string_equal(uvfio_device_name(rig.thing.device), NAME);
	assert_int_equal(rig.thing.inits, 1);
	rig_destroy(&rig);
	assert_int_equal(rig.thing.releases, 1);
	assert_int_equal(atomic_load(&rig.thing.requests), 0);
}

/* Shows N5. */
static void test_an_emulated_device_shares_a_container(void **state)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int real, device, edu;
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_GET_STATUS,
		   (uintptr_t)&status);
	assert_int_equal(status.flags, VFIO_GROUP_FLAGS_VIABLE);
	real = must_open(rig.machine, "/dev/vfio/1");
	must_ioctl(rig.machine, real, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig.container);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig.container);
	must_ioctl(rig.machine, rig.container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
	device = (int)rig_open_device(&rig, NAME);
	assert_true(device >= 0);
	edu = (int)must_ioctl(rig.machine, real, VFIO_GROUP_GET_DEVICE_FD,
			      (uintptr_t)EDU_A);
	must_close(rig.machine, edu);
	must_close(rig.machine, device);
	must_close(rig.machine, real);
	rig_destroy(&rig);
}

static void test_calls_reach_the_driver(void **state)
{
	char text[16] = "hello";
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_true(fd >= 0);
	assert_int_equal(uvfio_pwrite(rig.machine, fd, text, 6, 2), 6);
	assert_string_equal(rig.thing.text + 2, "hello");
	assert_int_equal(uvfio_pread(rig.machine, fd, text, 16, 0), 16);
	assert_string_equal(text + 2, "hello");
	assert_int_equal(uvfio_pread(rig.machine, fd, text, 16, 1), -EINVAL);
	assert_int_equal(uvfio_pread(rig.machine, fd, NULL, 4, 0), -EFAULT);
	assert_int_equal(uvfio_pwrite(rig.machine, fd, NULL, 4, 0), -EFAULT);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD, 41), 42);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD + 1, 41), -ENOTTY);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

/* Shows D11. */
static void test_what_a_driver_has_not_is_einval(void **state)
{
	char text[4];
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &bare_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_true(fd >= 0);
	assert_int_equal(uvfio_pwrite(rig.machine, fd, text, 4, 0), -EINVAL);
	assert_int_equal(uvfio_pread(rig.machine, fd, text, 4, 0), -EINVAL);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD, 0), -EINVAL);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, VFIO_DEVICE_RESET, 0),
			 -EINVAL);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

static int map_file(struct rig *rig, int fd, uint64_t offset, size_t len,
		    char **ret_mem)
{
	void *addr = NULL;
	int ret = uvfio_mmap(rig->machine, fd, offset, len,
			     PROT_READ | PROT_WRITE, MAP_SHARED, &addr);

	*ret_mem = addr;
	return ret;
}

static void test_memory_of_a_driver_is_mapped_page_by_page(void **state)
{
	char *mem, *other, text[8];
	void *none;
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &mapped_ops);
	rig.thing.memory = memfd_create("thing", MFD_CLOEXEC);
	assert_int_equal(ftruncate(rig.thing.memory, MEMORY_SIZE), 0);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_true(fd >= 0);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, MEMORY_SIZE, &mem), 0);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT + PAGE, 1, &other), 0);
	strcpy(mem, "first");
	strcpy(mem + PAGE, "second");
	assert_string_equal(other, "second");
	assert_int_equal(pread(rig.thing.memory, text, 8, 2 * PAGE), 8);
	assert_string_equal(text, "first");
	assert_int_equal(munmap(mem, MEMORY_SIZE), 0);
	assert_int_equal(munmap(other, PAGE), 0);

	assert_int_equal(map_file(&rig, fd, 0, PAGE, &mem), -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, 4 * PAGE, &mem),
			 -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT + 1, PAGE, &mem),
			 -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, 0, &mem), -EINVAL);
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, SIZE_MAX, &mem),
			 -EINVAL);
	assert_int_equal(uvfio_mmap(rig.machine, fd, MEMORY_AT, PAGE, PROT_READ,
				    MAP_PRIVATE, &none),
			 -EACCES);
	assert_int_equal(map_file(&rig, rig.group, 0, PAGE, &mem), -ENODEV);
	assert_int_equal(map_file(&rig, 9999, 0, PAGE, &mem), -EBADF);
	/* A driver may have none for a page by now. */
	close(rig.thing.memory);
	rig.thing.memory = -EIO;
	assert_int_equal(map_file(&rig, fd, MEMORY_AT, PAGE, &mem), -EIO);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

static void test_what_cannot_be_mapped_says_why(void **state)
{
	struct uvfio_machine *machine = machine_create(false);
	struct opened opened = machine_open(machine);
	struct rig rig;
	void *mem;
	char *none;
	int fd;

	(void)state;
	/* Registers of edu; nothing of a driver that has no such call. */
	assert_int_equal(uvfio_mmap(machine, opened.device, 0, PAGE, PROT_READ,
				    MAP_SHARED, &mem),
			 -EOPNOTSUPP);
	uvfio_machine_destroy(machine);
	rig_create(&rig, &bare_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(map_file(&rig, fd, 0, PAGE, &none), -EINVAL);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

/* Shows D5, D7. */
static void test_the_first_open_asks_and_the_last_close_tells(void **state)
{
	struct rig rig;
	int first, second;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	rig.thing.open_ret = -EXDEV;
	assert_int_equal(rig_open_device(&rig, NAME), -EXDEV);
	assert_int_equal(rig.thing.opens, 1);
	assert_int_equal(rig.thing.closes, 0);
	rig.thing.open_ret = 0;
	first = (int)rig_open_device(&rig, NAME);
	second = (int)rig_open_device(&rig, NAME);
	assert_true(first >= 0 && second >= 0);
	assert_int_equal(rig.thing.opens, 2);
	assert_int_equal(uvfio_device_set_open_count(rig.thing.device), 2);
	must_close(rig.machine, first);
	assert_int_equal(rig.thing.closes, 0);
	must_close(rig.machine, second);
	assert_int_equal(rig.thing.closes, 1);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	rig_destroy(&rig);
}

/* Shows D9. */
static void test_a_driver_may_say_what_its_devices_are_called(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &match_ops);
	rig_open_group(&rig);
	rig.thing.match_ret = -EACCES;
	assert_int_equal(rig_open_device(&rig, "alias"), -EACCES);
	rig.thing.match_ret = 0;
	assert_int_equal(rig_open_device(&rig, "alias"), -ENODEV);
	assert_int_equal(rig_open_device(&rig, NAME), -ENODEV);
	rig.thing.match_ret = 1;
	fd = (int)rig_open_device(&rig, "alias");
	assert_true(fd >= 0);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

/* Shows U17. */
static void test_a_device_is_registered_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_int_equal(uvfio_register_emulated_iommu_dev(rig.thing.device),
			 -EINVAL);
	rig_open_group(&rig);
	must_close(rig.machine, (int)rig_open_device(&rig, NAME));
	rig_destroy(&rig);
}

static void map(struct rig *rig, uint8_t *memory, uint64_t size)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = size,
	};

	must_ioctl(rig->machine, rig->container, VFIO_IOMMU_MAP_DMA,
		   (uintptr_t)&arg);
}

static void unmap(struct rig *rig, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = IOVA,
		.size = size,
	};

	must_ioctl(rig->machine, rig->container, VFIO_IOMMU_UNMAP_DMA,
		   (uintptr_t)&arg);
	assert_int_equal(arg.size, size);
}

/* Shows N6. */
static void test_pages_are_pinned_while_the_device_is_open(void **state)
{
	uint8_t *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[513];
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	map(&rig, memory, 2 * PAGE);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 1,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 0,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 513,
					 UVFIO_PROT_READ, pages),
			 -E2BIG);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA, 3,
					 UVFIO_PROT_READ, pages),
			 -EINVAL);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA + PAGE, 1,
					 UVFIO_PROT_READ | UVFIO_PROT_WRITE,
					 pages),
			 1);
	assert_ptr_equal(pages[0], memory + PAGE);
	rig.thing.pinned = IOVA + PAGE;
	unmap(&rig, 2 * PAGE);
	assert_int_equal(atomic_load(&rig.thing.unmaps), 1);
	assert_int_equal(rig.thing.unmap_iova, IOVA);
	assert_int_equal(rig.thing.unmap_len, 2 * PAGE);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
	munmap(memory, 2 * PAGE);
}

/* Shows N6: in an iommufd. */
static void test_pages_are_pinned_in_an_iommufd(void **state)
{
	uint8_t *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[1];
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group_in(&rig, "/dev/iommu");
	map(&rig, memory, 2 * PAGE);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(uvfio_pin_pages(rig.thing.device, IOVA + PAGE, 1,
					 UVFIO_PROT_WRITE, pages),
			 1);
	assert_ptr_equal(pages[0], memory + PAGE);
	rig.thing.pinned = IOVA + PAGE;
	unmap(&rig, 2 * PAGE);
	assert_int_equal(atomic_load(&rig.thing.unmaps), 1);
	assert_int_equal(rig.thing.unmap_iova, IOVA);
	assert_int_equal(rig.thing.unmap_len, 2 * PAGE);
	/* The last close takes the device out of all of the space. */
	must_close(rig.machine, fd);
	assert_int_equal(atomic_load(&rig.thing.unmaps), 2);
	assert_int_equal(rig.thing.unmap_iova, 0);
	assert_true(rig.thing.unmap_len == UINT64_MAX);
	rig_destroy(&rig);
	munmap(memory, 2 * PAGE);
}

static void test_copies_need_an_open_device(void **state)
{
	uint8_t *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[8] = "copied";
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	map(&rig, memory, PAGE);
	assert_int_equal(uvfio_dma_rw(rig.thing.device, IOVA, text, 8, true),
			 -EINVAL);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(
		uvfio_dma_rw(rig.thing.device, IOVA + 8, text, 0, true),
		-EINVAL);
	assert_int_equal(
		uvfio_dma_rw(rig.thing.device, IOVA + 8, text, 8, true), 0);
	assert_string_equal((char *)memory + 8, "copied");
	assert_int_equal(
		uvfio_dma_rw(rig.thing.device, IOVA + PAGE - 4, text, 8, false),
		-EINVAL);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
	munmap(memory, PAGE);
}

static void *unregister_main(void *arg)
{
	uvfio_unregister_group_dev(arg);
	return NULL;
}

static void test_unregister_asks_and_waits_for_the_last_close(void **state)
{
	pthread_t thread;
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(pthread_create(&thread, NULL, unregister_main,
					rig.thing.device),
			 0);
	while (!atomic_load(&rig.thing.requests))
		sched_yield();
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD, 1), 2);
	assert_int_equal(rig_open_device(&rig, NAME), -ENODEV);
	must_close(rig.machine, fd);
	pthread_join(thread, NULL);
	assert_int_equal(rig.thing.closes, 1);
	assert_int_equal(atomic_load(&rig.thing.requests), 1);
	must_close(rig.machine, rig.group);
	must_close(rig.machine, rig.container);
	uvfio_put_device(rig.thing.device);
	assert_int_equal(rig.thing.releases, 1);
	uvfio_machine_destroy(rig.machine);
}

static void test_a_reference_by_name_holds_the_registration(void **state)
{
	struct uvfio_vfio_device *found;
	pthread_t thread;
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_null(uvfio_device_get_from_dev(rig.machine, "other"));
	assert_null(uvfio_device_get_from_dev(rig.machine, EDU_A));
	found = uvfio_device_get_from_dev(rig.machine, NAME);
	assert_ptr_equal(found, rig.thing.device);
	assert_int_equal(pthread_create(&thread, NULL, unregister_main,
					rig.thing.device),
			 0);
	while (!atomic_load(&rig.thing.requests))
		sched_yield();
	uvfio_device_put_registration(found);
	pthread_join(thread, NULL);
	uvfio_put_device(rig.thing.device);
	uvfio_machine_destroy(rig.machine);
}

static void test_a_driver_takes_a_device_of_the_machine(void **state)
{
	static const char *const specs[] = {"edu,driver=none,addr=" EDU_A,
					    "edu,addr=" EDU_B, NULL};
	const struct uvfio_machine_params params = {.devices = specs};
	struct thing thing = {0}, other = {0};
	struct uvfio_machine *machine;
	struct opened opened;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, NULL), 0);
	assert_int_equal(uvfio_alloc_device(machine, &thing.device, EDU_A,
					    &full_ops, &thing),
			 0);
	assert_int_equal(uvfio_alloc_device(machine, &other.device, EDU_B,
					    &full_ops, &other),
			 0);
	assert_int_equal(uvfio_register_group_dev(thing.device), 0);
	assert_int_equal(uvfio_device_group_id(thing.device), 1);
	/* vfio-pci has this one. */
	assert_int_equal(uvfio_register_group_dev(other.device), -EBUSY);
	opened = machine_open(machine);
	assert_int_equal(thing.opens, 1);
	assert_int_equal(uvfio_ioctl(machine, opened.device, CMD, 1), 2);
	must_close(machine, opened.device);
	must_close(machine, opened.group);
	must_close(machine, opened.container);
	uvfio_unregister_group_dev(thing.device);
	assert_int_equal(uvfio_device_group_id(thing.device), -1);
	uvfio_put_device(thing.device);
	uvfio_put_device(other.device);
	uvfio_machine_destroy(machine);
}

static void test_a_device_that_is_nowhere_has_no_group_to_be_in(void **state)
{
	struct uvfio_machine *machine = machine_create(false);
	struct thing thing = {0};

	(void)state;
	assert_int_equal(uvfio_alloc_device(machine, &thing.device, NAME,
					    &full_ops, &thing),
			 0);
	assert_int_equal(uvfio_register_group_dev(thing.device), -ENODEV);
	uvfio_put_device(thing.device);
	uvfio_machine_destroy(machine);
}

static void test_devices_of_a_set_are_counted_together(void **state)
{
	struct thing other = {0};
	struct rig rig = {0};
	static const int key;

	(void)state;
	rig.container = -1;
	rig.group = -1;
	rig.machine = machine_create(false);
	assert_int_equal(uvfio_alloc_device(rig.machine, &rig.thing.device,
					    NAME, &full_ops, &rig.thing),
			 0);
	assert_int_equal(uvfio_alloc_device(rig.machine, &other.device,
					    "thing1", &full_ops, &other),
			 0);
	assert_int_equal(uvfio_assign_device_set(rig.thing.device, NULL),
			 -EINVAL);
	assert_int_equal(uvfio_assign_device_set(rig.thing.device, &key), 0);
	assert_int_equal(uvfio_assign_device_set(other.device, &key), 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(rig.thing.device),
			 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(other.device), 0);
	rig_open_group(&rig);
	must_close(rig.machine, (int)rig_open_device(&rig, NAME));
	assert_int_equal(uvfio_device_set_open_count(other.device), 0);
	uvfio_unregister_group_dev(other.device);
	uvfio_put_device(other.device);
	rig_destroy(&rig);
}

/* Shows X1, X2. */
static void test_an_external_user_keeps_the_group_in_its_container(void **state)
{
	struct uvfio_group *group;
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_int_equal(
		uvfio_group_get_external_user(rig.machine, 9999, &group),
		-EBADF);
	rig_open_group(&rig);
	assert_int_equal(uvfio_group_get_external_user(rig.machine,
						       rig.container, &group),
			 -EINVAL);
	assert_int_equal(
		uvfio_group_get_external_user(rig.machine, rig.group, &group),
		0);
	assert_int_equal(uvfio_external_user_iommu_id(group),
			 uvfio_device_group_id(rig.thing.device));
	assert_int_equal(
		uvfio_external_check_extension(group, VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(uvfio_ioctl(rig.machine, rig.group,
				     VFIO_GROUP_UNSET_CONTAINER, 0),
			 -EBUSY);
	uvfio_group_put_external_user(group);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocation_says_what_is_wrong),
		cmocka_unit_test(test_a_device_lives_from_alloc_to_put),
		cmocka_unit_test(test_an_emulated_device_shares_a_container),
		cmocka_unit_test(test_calls_reach_the_driver),
		cmocka_unit_test(test_what_a_driver_has_not_is_einval),
		cmocka_unit_test(
			test_memory_of_a_driver_is_mapped_page_by_page),
		cmocka_unit_test(test_what_cannot_be_mapped_says_why),
		cmocka_unit_test(
			test_the_first_open_asks_and_the_last_close_tells),
		cmocka_unit_test(
			test_a_driver_may_say_what_its_devices_are_called),
		cmocka_unit_test(test_a_device_is_registered_once),
		cmocka_unit_test(
			test_pages_are_pinned_while_the_device_is_open),
		cmocka_unit_test(test_pages_are_pinned_in_an_iommufd),
		cmocka_unit_test(test_copies_need_an_open_device),
		cmocka_unit_test(
			test_unregister_asks_and_waits_for_the_last_close),
		cmocka_unit_test(
			test_a_reference_by_name_holds_the_registration),
		cmocka_unit_test(test_a_driver_takes_a_device_of_the_machine),
		cmocka_unit_test(
			test_a_device_that_is_nowhere_has_no_group_to_be_in),
		cmocka_unit_test(test_devices_of_a_set_are_counted_together),
		cmocka_unit_test(
			test_an_external_user_keeps_the_group_in_its_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
