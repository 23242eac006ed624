/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is tested first, and how the profiles differ in it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/vfio.h>
#include <sys/mman.h>

#include "core/external.h"
#include "core/file.h"
#include "core/group.h"
#include "core/pin.h"
#include "fake.h"

static const char *const old_and_new[] = {"4.1", "6.1"};

/*
 * Shows A1, S2, S3.
 * Flips set_container_kind_errno, set_container_negative_errno.
 */
static void descriptors_that_are_no_container(void **state)
{
	static const struct {
		const char *abi;
		int kind, negative;
	} cases[] = {{"3.14", -EINVAL, -EINVAL},
		     {"4.1", -EINVAL, -EINVAL},
		     {"6.1", -EINVAL, -EBADF},
		     {"6.6", -EBADFD, -EBADF},
		     {"6.12", -EBADFD, -EBADF}};

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct rig rig = rig_create(cases[i].abi);
		int group, foreign;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		group = client_open(rig.client, NODE);
		foreign = client_open_foreign(rig.client);
		assert_int_equal(set_container(&rig, group, -1),
				 cases[i].negative);
		assert_int_equal(set_container(&rig, group, 999), -EBADF);
		assert_int_equal(set_container(&rig, group, foreign),
				 cases[i].kind);
		assert_int_equal(set_container(&rig, group, group),
				 cases[i].kind);
		assert_int_equal(client_ioctl(rig.client, group,
					      VFIO_GROUP_SET_CONTAINER, 0),
				 -EFAULT);
		rig_destroy(&rig);
	}
}

/* Shows A2, A3, A4, A5.  Flips set_container_users_first. */
static void second_container_is_refused(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		int group, container;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		group = client_open(rig.client, NODE);
		container = client_open(rig.client, "/dev/vfio/vfio");
		assert_int_equal(unset_container(&rig, group), -EINVAL);
		assert_int_equal(set_container(&rig, group, container), 0);
		assert_int_equal(set_container(&rig, group, container),
				 -EINVAL);
		assert_int_equal(set_container(&rig, group, group), -EINVAL);
		assert_int_equal(set_container(&rig, group, 999),
				 is_new ? -EBADF : -EINVAL);
		client_close(rig.client, container);
		assert_int_equal(status_of(&rig, group), 3);
		assert_int_equal(unset_container(&rig, group), 0);
		rig_destroy(&rig);
	}
}

/* Shows D2, D3, S4.  Flips device_name_first. */
static void names_and_containers(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		int group, container;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		group = client_open(rig.client, NODE);
		container = client_open(rig.client, "/dev/vfio/vfio");
		assert_int_equal(get_device(&rig, group, "x"),
				 is_new ? -ENODEV : -EINVAL);
		assert_int_equal(get_device(&rig, group, "a"), -EINVAL);
		assert_int_equal(set_container(&rig, group, container), 0);
		assert_int_equal(get_device(&rig, group, "x"),
				 is_new ? -ENODEV : -EINVAL);
		assert_int_equal(get_device(&rig, group, "a"), -EINVAL);
		assert_int_equal(client_ioctl(rig.client, container,
					      VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU),
				 0);
		assert_int_equal(get_device(&rig, group, "x"), -ENODEV);
		assert_int_equal(get_device(&rig, group, "aa"), -ENODEV);
		assert_int_equal(get_device(&rig, group, ""), -ENODEV);
		assert_true(get_device(&rig, group, "a") >= 0);
		rig_destroy(&rig);
	}
}

/* Shows D4, D7, S21.  Flips device_opens_per_fd. */
static void opens_by_descriptor_or_by_device(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		struct opened all;
		struct fake *fake;
		int second;

		rig_fill(&rig);
		fake = fake_add(&rig, "a", GROUP);
		fake_bind(fake, rig.vfio_driver);
		all = client_open_all(rig.client, NODE, "a");
		second = get_device(&rig, all.group, "a");
		assert_int_equal(fake->opens, is_new ? 1 : 2);
		client_close(rig.client, all.device);
		assert_int_equal(fake->closes, is_new ? 0 : 1);
		client_close(rig.client, second);
		assert_int_equal(fake->closes, is_new ? 1 : 2);
		atomic_store(&fake->opens, 0);
		client_fill_table(rig.client, true);
		assert_int_equal(get_device(&rig, all.group, "a"), -EMFILE);
		client_fill_table(rig.client, false);
		assert_int_equal(fake->opens, is_new ? 0 : 1);
		assert_int_equal(unset_container(&rig, all.group), 0);
		rig_destroy(&rig);
	}
}

/* Shows D5. */
static void failed_open_leaves_nothing(void **state)
{
	struct rig rig = rig_create(NULL);
	struct opened all;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	client_close(rig.client, all.device);
	fake->open_errno = -EXDEV;
	assert_int_equal(get_device(&rig, all.group, "a"), -EXDEV);
	assert_int_equal(unset_container(&rig, all.group), 0);
	uvf_device_detach(&fake->bus, NULL);
	assert_int_equal(fake->requests, 0);
	rig_destroy(&rig);
}

static int match_by_value(struct uvf_device *device, const char *name)
{
	(void)name;
	return uvf_container_of(device, struct fake, vfio)->match_value;
}

/* Shows D9. */
static void match_may_hit_miss_or_fail(void **state)
{
	struct rig rig = rig_create(NULL);
	struct fake *a, *b;
	struct opened all;
	int fd;

	(void)state;
	rig_fill(&rig);
	rig.ops.match = match_by_value;
	a = fake_add(&rig, "a", GROUP);
	b = fake_add(&rig, "b", GROUP);
	fake_bind(a, rig.vfio_driver);
	fake_bind(b, rig.vfio_driver);
	a->match_value = 1;
	all = client_open_all(rig.client, NODE, "whatever");
	client_close(rig.client, all.device);
	a->match_value = -EACCES;
	b->match_value = 1;
	assert_int_equal(get_device(&rig, all.group, "b"), -EACCES);
	a->match_value = 0;
	atomic_store(&b->opens, 0);
	fd = get_device(&rig, all.group, "b");
	assert_true(fd >= 0);
	assert_int_equal(b->opens, 1);
	client_close(rig.client, fd);
	/* Nobody keeps a device registered whose count is at 0. */
	uvf_device_put_user(&b->vfio);
	assert_int_equal(get_device(&rig, all.group, "b"), -ENODEV);
	uvf_ref_init(&b->vfio.users);
	rig_destroy(&rig);
}

/* Shows D11. */
static void device_without_ops_answers_einval(void **state)
{
	struct rig rig = rig_create(NULL);
	struct uvf_caller *nobody = NULL;
	struct uvf_file *file;
	struct opened all;

	(void)state;
	rig_fill(&rig);
	fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	file = client_file(rig.client, all.device);
	assert_int_equal(uvf_file_read(file, nobody, 0, 1, 0), -EINVAL);
	assert_int_equal(uvf_file_write(file, nobody, 0, 1, 0), -EINVAL);
	assert_int_equal(uvf_file_mmap(file, 0, 4096, PROT_READ, MAP_SHARED),
			 -EINVAL);
	assert_int_equal(
		client_ioctl(rig.client, all.device, VFIO_DEVICE_GET_INFO, 0),
		-EINVAL);
	assert_int_equal(client_ioctl(rig.client, all.device, 0x1234, 0),
			 -EINVAL);
	uvf_file_put(file);
	rig_destroy(&rig);
	/* Where the core knows no such ioctl, the driver would have to. */
	rig = rig_create("4.1");
	rig_fill(&rig);
	fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	assert_int_equal(
		client_ioctl(rig.client, all.device, VFIO_DEVICE_FEATURE, 0),
		-EINVAL);
	for (unsigned int i = 18; i < 21; i++) {
		const unsigned int of_cdev = _IO(VFIO_TYPE, VFIO_BASE + i);

		assert_int_equal(
			client_ioctl(rig.client, all.device, of_cdev, 0),
			-EINVAL);
	}
	rig_destroy(&rig);
}

/* Shows C12, S9.  Flips container_passes_file_calls. */
static void container_has_no_bytes(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		struct uvf_caller *nobody = NULL;
		struct uvf_file *file;

		assert_int_equal(uvf_container_open(rig.vfio, &file), 0);
		assert_int_equal(uvf_file_read(file, nobody, 0, 1, 0), -EINVAL);
		assert_int_equal(uvf_file_write(file, nobody, 0, 1, 0),
				 -EINVAL);
		assert_int_equal(
			uvf_file_mmap(file, 0, 4096, PROT_READ, MAP_SHARED),
			is_new ? -ENODEV : -EINVAL);
		uvf_file_put(file);
		uvfio_machine_destroy(rig.machine);
	}
}

/* Shows G8, B3, S1, S5.  Flips set_container_wants_viable, viability. */
static void host_driver_beside_a_vfio_driver(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		int group, container;
		struct fake *b;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		b = fake_add(&rig, "b", GROUP);
		fake_bind(b, rig.host_driver);
		group = client_open(rig.client, NODE);
		container = client_open(rig.client, "/dev/vfio/vfio");
		assert_int_equal(status_of(&rig, group), 0);
		assert_int_equal(set_container(&rig, group, container),
				 is_new ? -EPERM : 0);
		if (!is_new) {
			assert_int_equal(status_of(&rig, group), 2);
			assert_int_equal(client_ioctl(rig.client, container,
						      VFIO_SET_IOMMU,
						      VFIO_TYPE1_IOMMU),
					 0);
			assert_int_equal(get_device(&rig, group, "a"), -EINVAL);
			assert_int_equal(unset_container(&rig, group), 0);
		}
		uvf_device_detach(&b->bus, NULL);
		assert_int_equal(status_of(&rig, group), 1);
		rig_destroy(&rig);
	}
}

/* Shows G9, B2. */
static void harmless_drivers_leave_a_group_viable(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		struct fake *b;
		int group;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		b = fake_add(&rig, "b", GROUP);
		group = client_open(rig.client, NODE);
		assert_int_equal(status_of(&rig, group), 1);
		fake_bind(b, rig.stub_driver);
		assert_int_equal(status_of(&rig, group), 1);
		client_close(rig.client, group);
		group = client_open_all(rig.client, NODE, "a").group;
		uvf_device_detach(&b->bus, NULL);
		fake_bind(b, rig.stub_driver);
		assert_int_equal(status_of(&rig, group), 3);
		rig_destroy(&rig);
	}
}

/*
 * Shows B1, B6, T11, S15.  In each of the policies.
 * Flips host_bind_breaks_isolation.
 */
static void host_driver_comes_to_a_live_group(void **state)
{
	static const char *const abis[] = {
		"4.1", "4.1,host_bind_breaks_isolation=off", "6.1"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig rig = rig_create(abis[i]);
		struct opened all;
		struct fake *b;
		int ret;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		b = fake_add(&rig, "b", GROUP);
		all = client_open_all(rig.client, NODE, "a");
		assert_non_null(b->bus.group->domain);
		ret = uvf_device_attach_driver(&b->bus, rig.host_driver);
		if (i) {
			assert_int_equal(ret, -EBUSY);
			assert_int_equal(status_of(&rig, all.group), 3);
			assert_non_null(b->bus.group->domain);
		} else {
			assert_int_equal(ret, 0);
			assert_int_equal(status_of(&rig, all.group), 2);
			assert_int_equal(get_device(&rig, all.group, "a"),
					 -EINVAL);
			assert_null(b->bus.group->domain);
			uvf_device_detach(&b->bus, NULL);
			/* It stays so until the group was let go. */
			assert_int_equal(status_of(&rig, all.group), 2);
		}
		client_close(rig.client, all.device);
		assert_int_equal(unset_container(&rig, all.group), 0);
		assert_int_equal(status_of(&rig, all.group), 1);
		fake_bind(b, rig.host_driver);
		rig_destroy(&rig);
	}
}

struct window {
	struct rig *rig;
	int group;
	int status;
};

static struct window window;

static void look_at_status(struct uvf_device *device, unsigned int count)
{
	(void)device;
	(void)count;
	window.status = status_of(window.rig, window.group);
	client_close(window.rig->client, window.group + 1);
}

/* Shows G10, S1. */
static void device_on_its_way_out_is_viable(void **state)
{
	struct rig rig = rig_create("4.1");
	struct opened all;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	rig.ops.request = look_at_status;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	window = (struct window){&rig, all.group, 0};
	assert_int_equal(all.device, all.group + 1);
	uvf_device_detach(&fake->bus, NULL);
	assert_int_equal(window.status, 3);
	assert_int_equal(status_of(&rig, all.group), 3);
	rig_destroy(&rig);
}

static void look_at_release(struct uvf_device *device)
{
	(void)device;
	window.status = status_of(window.rig, window.group);
}

/* Flips viability.  Unregistered, but the driver still has it. */
static void device_between_vfio_and_its_driver(void **state)
{
	static const char *const abis[] = {"3.14", "4.1"};

	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(abis[is_new]);
		struct fake *fake;
		int group;

		rig_fill(&rig);
		rig.ops.release = look_at_release;
		fake = fake_add(&rig, "a", GROUP);
		fake_bind(fake, rig.vfio_driver);
		group = client_open(rig.client, NODE);
		window = (struct window){&rig, group, -1};
		uvf_device_detach(&fake->bus, NULL);
		assert_int_equal(window.status, is_new);
		assert_int_equal(status_of(&rig, group), 1);
		rig_destroy(&rig);
	}
}

/* Shows X1. */
static void external_user_needs_a_viable_group(void **state)
{
	struct rig rig = rig_create("4.1");
	struct uvf_group *group;
	struct uvf_file *file;
	struct opened all;
	struct fake *b;

	(void)state;
	rig_fill(&rig);
	fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
	b = fake_add(&rig, "b", GROUP);
	all = client_open_all(rig.client, NODE, "a");
	file = client_file(rig.client, all.group);
	fake_bind(b, rig.host_driver);
	assert_int_equal(uvf_group_get_external_user(file, &group), -EINVAL);
	uvf_file_put(file);
	rig_destroy(&rig);
}

/* Shows N5.  As far as groups go. */
static void emulated_device_has_a_group_of_its_own(void **state)
{
	struct rig rig = rig_create(NULL);
	struct opened all;
	struct fake *fake;
	char node[32];
	int other;

	(void)state;
	rig_fill(&rig);
	fake = fake_add(&rig, "a", EMULATED);
	fake_bind(fake, rig.vfio_driver);
	assert_string_equal(fake->bus.group->name, "vfio-noiommu");
	(void)snprintf(node, sizeof(node), "/dev/vfio/%u", fake->bus.group->id);
	all = client_open_all(rig.client, node, "a");
	other = client_open(rig.client, "/dev/vfio/1");
	assert_int_equal(set_container(&rig, other, all.container), 0);
	client_close(rig.client, all.device);
	assert_int_equal(unset_container(&rig, all.group), 0);
	assert_int_equal(status_of(&rig, all.group), 1);
	uvf_device_detach(&fake->bus, NULL);
	assert_null(fake->bus.group);
	assert_int_equal(client_open(rig.client, node), -ENOENT);
	rig_destroy(&rig);
}

static atomic_int unmaps;
static struct uvf_range last_unmap;

static void unpin_all(struct uvf_device *device, struct uvf_range iova)
{
	atomic_fetch_add(&unmaps, 1);
	last_unmap = iova;
	uvf_device_unpin_pages(device, iova.first, uvf_range_size(iova) / 4096);
}

/* Shows N6. */
static void emulated_device_pins_and_copies(void **state)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = 0x10000, .size = 8192};
	struct rig rig = rig_create(NULL);
	char *memory = aligned_alloc(4096, 8192);
	void *pages[2];
	char byte = 0;
	struct opened all;
	struct fake *fake;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = 0x10000,
		.size = 8192,
	};
	char node[32];

	(void)state;
	assert_non_null(memory);
	rig_fill(&rig);
	rig.ops.dma_unmap = unpin_all;
	fake = fake_add(&rig, "a", EMULATED);
	fake_bind(fake, rig.vfio_driver);
	assert_int_equal(uvf_device_pin_pages(&fake->vfio, 0, 1, 3, pages),
			 -EINVAL);
	assert_int_equal(uvf_device_dma_rw(&fake->vfio, 0, &byte, 1, false),
			 -EINVAL);
	(void)snprintf(node, sizeof(node), "/dev/vfio/%u", fake->bus.group->id);
	/* Of v2: v1 lets nobody pin. */
	all.container = client_open(rig.client, "/dev/vfio/vfio");
	all.group = client_open(rig.client, node);
	assert_int_equal(set_container(&rig, all.group, all.container), 0);
	assert_int_equal(client_ioctl(rig.client, all.container, VFIO_SET_IOMMU,
				      VFIO_TYPE1v2_IOMMU),
			 0);
	all.device = (int)get_device(&rig, all.group, "a");
	assert_true(all.device >= 0);
	assert_int_equal(client_ioctl(rig.client, all.container,
				      VFIO_IOMMU_MAP_DMA, (uintptr_t)&map),
			 0);
	assert_int_equal(uvf_device_pin_pages(&fake->vfio, 0, 0, 3, pages),
			 -EINVAL);
	assert_int_equal(uvf_device_pin_pages(&fake->vfio, 0, 513, 3, pages),
			 -E2BIG);
	memory[4096] = 'x';
	assert_int_equal(
		uvf_device_pin_pages(&fake->vfio, 0x10000, 2, 3, pages), 2);
	assert_int_equal(*(char *)pages[1], 'x');
	assert_int_equal(
		uvf_device_dma_rw(&fake->vfio, 0x11000, &byte, 1, false), 0);
	assert_int_equal(byte, 'x');
	atomic_store(&unmaps, 0);
	assert_int_equal(client_ioctl(rig.client, all.container,
				      VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&unmap),
			 0);
	assert_int_equal(unmaps, 1);
	assert_int_not_equal(
		uvf_device_dma_rw(&fake->vfio, 0x11000, &byte, 1, false), 0);
	rig_destroy(&rig);
	free(memory);
}

/* Pages that are more than a container pins at once. */
#define MANY 600u
#define AT   0x100000u

/* An emulated device in the compatible space of an iommufd. */
struct emulated {
	struct rig rig;
	struct fake *fake;
	char *memory; /* MANY pages, mapped at AT */
	void *pages[MANY];
	int iommufd;
	struct opened all;
};

static int pin(struct emulated *e, uint64_t iova, size_t count, uint32_t prot)
{
	return uvf_device_pin_pages(&e->fake->vfio, iova, count, prot,
				    e->pages);
}

static int map_many(struct emulated *e, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)e->memory,
		.iova = AT,
		.size = MANY * 4096,
	};

	return (int)client_ioctl(e->rig.client, e->iommufd, VFIO_IOMMU_MAP_DMA,
				 (uintptr_t)&map);
}

static int unmap_many(struct emulated *e)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = AT, .size = MANY * 4096};

	return (int)client_ioctl(e->rig.client, e->iommufd,
				 VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&unmap);
}

static void emulated_open(struct emulated *e,
			  void (*unmapped)(struct uvf_device *device,
					   struct uvf_range iova))
{
	char node[32];

	e->rig = rig_create(NULL);
	rig_fill(&e->rig);
	e->rig.ops.dma_unmap = unmapped;
	e->fake = fake_add(&e->rig, "a", EMULATED);
	fake_bind(e->fake, e->rig.vfio_driver);
	(void)snprintf(node, sizeof(node), "/dev/vfio/%u",
		       e->fake->bus.group->id);
	e->memory = aligned_alloc(4096, MANY * 4096);
	assert_non_null(e->memory);
	e->iommufd = client_open(e->rig.client, "/dev/iommu");
	e->all.group = client_open(e->rig.client, node);
	assert_int_equal(set_container(&e->rig, e->all.group, e->iommufd), 0);
	assert_int_equal(
		map_many(e, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE),
		0);
	assert_int_equal(pin(e, AT, 1, 1), -EINVAL);
	e->all.device = get_device(&e->rig, e->all.group, "a");
	assert_true(e->all.device >= 0);
	atomic_store(&unmaps, 0);
}

static void emulated_close(struct emulated *e)
{
	rig_destroy(&e->rig);
	free(e->memory);
}

/* Shows N6.  In an iommufd. */
static void emulated_device_pins_in_an_iommufd(void **state)
{
	struct emulated e;

	(void)state;
	emulated_open(&e, unpin_all);
	assert_int_equal(pin(&e, AT, 0, 3), -EINVAL);
	assert_int_equal(pin(&e, AT, SIZE_MAX, 3), -EOVERFLOW);
	assert_int_equal(pin(&e, AT, MANY + 1, 3), -ENOENT);
	assert_int_equal(pin(&e, AT, MANY, 3), MANY);
	for (unsigned int i = 0; i < MANY; i++)
		assert_ptr_equal(e.pages[i], e.memory + i * 4096);
	/* An address inside a page means the page. */
	assert_int_equal(pin(&e, AT + 4096 + 8, 1, 1), 1);
	assert_ptr_equal(e.pages[0], e.memory + 4096);
	uvf_device_unpin_pages(&e.fake->vfio, AT + 4096 + 8, 1);
	assert_int_equal(unmap_many(&e), 0);
	assert_int_equal(unmaps, 1);
	assert_int_equal(last_unmap.first, AT);
	assert_int_equal(last_unmap.last, AT + MANY * 4096 - 1);
	assert_int_equal(pin(&e, AT, 1, 1), -ENOENT);
	/* What is not pinned goes without a word. */
	assert_int_equal(map_many(&e, VFIO_DMA_MAP_FLAG_READ), 0);
	assert_int_equal(pin(&e, AT, 1, 3), -EPERM);
	assert_int_equal(unmap_many(&e), 0);
	assert_int_equal(unmaps, 1);
	emulated_close(&e);
}

/* Shows N6.  Whoever pins nothing needs no dma_unmap, nor can it pin. */
static void device_that_hears_of_no_unmap_only_copies(void **state)
{
	struct emulated e;
	char byte = 'x';

	(void)state;
	emulated_open(&e, NULL);
	assert_int_equal(pin(&e, AT, 1, 1), -EINVAL);
	assert_int_equal(
		uvf_device_dma_rw(&e.fake->vfio, AT + 9, &byte, 1, true), 0);
	assert_int_equal(e.memory[9], 'x');
	assert_int_equal(uvf_device_dma_rw(&e.fake->vfio, AT, NULL, 1, false),
			 -EINVAL);
	assert_int_equal(
		uvf_device_dma_rw(&e.fake->vfio, AT - 1, &byte, 1, false),
		-ENOENT);
	client_close(e.rig.client, e.all.device);
	assert_int_equal(uvf_device_dma_rw(&e.fake->vfio, AT, &byte, 1, false),
			 -EINVAL);
	emulated_close(&e);
}

static void count_unmap(struct uvf_device *device, struct uvf_range iova)
{
	(void)device;
	atomic_fetch_add(&unmaps, 1);
	last_unmap = iova;
}

/* Shows N6.  The last close ends what a driver forgot. */
static void pages_of_an_iommufd_end_with_the_last_close(void **state)
{
	struct emulated e;

	(void)state;
	emulated_open(&e, count_unmap);
	assert_int_equal(pin(&e, AT, 2, 3), 2);
	client_close(e.rig.client, e.all.device);
	assert_int_equal(unmaps, 1);
	assert_int_equal(last_unmap.first, 0);
	assert_int_equal(last_unmap.last, UINT64_MAX);
	assert_int_equal(e.fake->closes, 1);
	assert_int_equal(unmap_many(&e), 0);
	assert_int_equal(unmaps, 1);
	emulated_close(&e);
}

static long ask_feature(struct rig *rig, int device, uint32_t argsz)
{
	struct vfio_device_feature feature = {
		.argsz = argsz,
		.flags = VFIO_DEVICE_FEATURE_PROBE | 200,
	};

	return client_ioctl(rig->client, device, VFIO_DEVICE_FEATURE,
			    (uintptr_t)&feature);
}

/* Shows S25.  Flips feature_unknown_errno. */
static void feature_that_nobody_knows(void **state)
{
	static const struct {
		const char *abi;
		int ret;
	} cases[] = {{"6.1", -EINVAL}, {"6.12", -EINVAL}, {"6.19", -ENOTTY}};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig rig = rig_create(cases[i].abi);
		struct opened all;

		rig_fill(&rig);
		fake_bind(fake_add(&rig, "a", GROUP), rig.vfio_driver);
		all = client_open_all(rig.client, NODE, "a");
		assert_int_equal(ask_feature(&rig, all.device, 8),
				 cases[i].ret);
		rig_destroy(&rig);
	}
}

/* Shows S19.  Flips has_core_feature. */
static void features_were_the_drivers_business(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(old_and_new[is_new]);
		struct opened all;

		rig_fill(&rig);
		all = client_open_all(rig.client, "/dev/vfio/1", EDU_A);
		assert_int_equal(ask_feature(&rig, all.device, 7),
				 is_new ? -EINVAL : -ENOTTY);
		assert_int_equal(client_ioctl(rig.client, all.device,
					      VFIO_DEVICE_FEATURE, 0),
				 is_new ? -EFAULT : -ENOTTY);
		/* A driver that has no such feature. */
		assert_int_equal(ask_feature(&rig, all.device, 8), -ENOTTY);
		rig_destroy(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_that_are_no_container),
		cmocka_unit_test(second_container_is_refused),
		cmocka_unit_test(names_and_containers),
		cmocka_unit_test(opens_by_descriptor_or_by_device),
		cmocka_unit_test(failed_open_leaves_nothing),
		cmocka_unit_test(match_may_hit_miss_or_fail),
		cmocka_unit_test(device_without_ops_answers_einval),
		cmocka_unit_test(container_has_no_bytes),
		cmocka_unit_test(feature_that_nobody_knows),
		cmocka_unit_test(features_were_the_drivers_business),
		cmocka_unit_test(host_driver_beside_a_vfio_driver),
		cmocka_unit_test(harmless_drivers_leave_a_group_viable),
		cmocka_unit_test(host_driver_comes_to_a_live_group),
		cmocka_unit_test(device_on_its_way_out_is_viable),
		cmocka_unit_test(device_between_vfio_and_its_driver),
		cmocka_unit_test(external_user_needs_a_viable_group),
		cmocka_unit_test(emulated_device_pins_and_copies),
		cmocka_unit_test(emulated_device_pins_in_an_iommufd),
		cmocka_unit_test(device_that_hears_of_no_unmap_only_copies),
		cmocka_unit_test(pages_of_an_iommufd_end_with_the_last_close),
		cmocka_unit_test(emulated_device_has_a_group_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
