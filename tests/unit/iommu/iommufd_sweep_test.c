/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every offset and length of what may begin at any byte, and what happens
 * while devices, accesses and processes come and go.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "iommu/translate.h"
#include "mem/peer.h"

#define LAST UINT64_MAX
#define A    0x100000ull

static const uint8_t *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

/* An emulated device that gives back what it is asked for, or nothing. */
struct emulated {
	struct uvf_iommufd_access *access;
	struct uvf_range pinned;
	atomic_bool is_pinned;
	bool is_deaf;
};

static void emulated_unmap(void *arg, struct uvf_range iova)
{
	struct emulated *device = arg;

	if (device->is_deaf || !atomic_load(&device->is_pinned) ||
	    !uvf_range_meets(iova, device->pinned))
		return;
	atomic_store(&device->is_pinned, false);
	uvf_iommufd_access_unpin(device->access, device->pinned.first,
				 uvf_range_size(device->pinned));
}

static const struct uvf_iommufd_access_ops emulated_ops = {
	.unmap = emulated_unmap,
};

static void emulated_bind(struct rig *rig, struct emulated *device,
			  uint32_t ioas)
{
	assert_int_equal(uvf_iommufd_access_create(&device->access, rig->ctx,
						   &emulated_ops, device),
			 0);
	if (ioas)
		assert_int_equal(
			uvf_iommufd_access_attach(device->access, ioas), 0);
}

/* The byte that memory has there, by its place in the rig. */
static uint8_t mark(uint64_t at)
{
	return (uint8_t)(at ^ at >> 8 ^ at >> 13);
}

static void mark_memory(void)
{
	for (uint64_t i = 0; i < RIG_PAGES * PAGE; i++)
		rig_memory[i] = mark(i);
}

static void restore_memory(void)
{
	for (unsigned int i = 0; i < RIG_PAGES; i++)
		memset(rig_memory + i * PAGE, (int)i + 1, PAGE);
}

/* Shows M55, M56. */
static void a_copy_of_any_part_is_that_part(void **state)
{
	struct emulated device = {0};
	struct rig rig;
	uint32_t from, to;
	uint8_t bytes[1000];

	(void)state;
	rig_open(&rig);
	mark_memory();
	from = rig_ioas(&rig);
	to = rig_ioas(&rig);
	/* Two areas side by side; where they meet their memory does not. */
	assert_int_equal(rig_map_at(&rig, from, page(2) + 100, 2 * PAGE, A + 3),
			 0);
	assert_int_equal(
		rig_map_at(&rig, from, page(9) + 7, PAGE, A + 3 + 2 * PAGE), 0);
	emulated_bind(&rig, &device, 0);
	for (uint64_t first = 0; first < 3 * PAGE; first += 511) {
		for (uint64_t size = 1; size <= 3 * PAGE; size += 511) {
			uint64_t dst = 5 * A, length = size;
			int ret = rig_copy(&rig, to, &dst, from, A + 3 + first,
					   size, FIXED | RW);

			assert_int_equal(ret,
					 first + size > 3 * PAGE ? -ENOENT : 0);
			if (ret)
				continue;
			/* As many areas as there were; all go together. */
			assert_int_equal(rig_unmap(&rig, to, dst, &length), 0);
			assert_int_equal(length, size);
		}
	}
	/* Only whole pages can be accessed, so look at such a part. */
	for (uint64_t first = 0; first < 2 * PAGE; first += 511) {
		uint64_t dst = 5 * A, length = LAST;
		uint64_t start = 2 * PAGE + 100 + first;

		assert_int_equal(rig_copy(&rig, to, &dst, from, A + 3 + first,
					  PAGE, FIXED | READ),
				 0);
		if (uvf_iommufd_access_attach(device.access, to))
			assert_true(start % PAGE || first > PAGE);
		else
			assert_int_equal(
				uvf_iommufd_access_rw(device.access, dst, bytes,
						      sizeof(bytes), false),
				0);
		uvf_iommufd_access_detach(device.access);
		assert_int_equal(rig_unmap(&rig, to, 0, &length), 0);
	}
	uvf_iommufd_access_destroy(device.access);
	restore_memory();
	rig_close(&rig);
}

/* Shows M56. */
static void an_access_moves_any_bytes(void **state)
{
	struct emulated device = {0};
	struct rig rig;
	uint8_t buf[4 * PAGE + 128];
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	mark_memory();
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device, ioas);
	assert_int_equal(rig_map_at(&rig, ioas, page(8), 2 * PAGE, A), 0);
	assert_int_equal(
		rig_map_at(&rig, ioas, page(20), 2 * PAGE, A + 2 * PAGE), 0);
	for (uint64_t edge = PAGE; edge <= 3 * PAGE; edge += PAGE) {
		for (uint64_t at = edge - 50; at <= edge + 50; at++) {
			for (uint64_t len = 1; len <= 101; len += 4) {
				uint8_t *user = buf + at % 8;

				assert_int_equal(uvf_iommufd_access_rw(
							 device.access, A + at,
							 user, len, false),
						 0);
				for (uint64_t i = 0; i < len; i++) {
					uint64_t n = at + i;
					uint64_t from = n < 2 * PAGE
								? 8 * PAGE
								: 18 * PAGE;

					assert_int_equal(user[i],
							 mark(from + n));
				}
				memset(user, (int)at, len);
				assert_int_equal(uvf_iommufd_access_rw(
							 device.access, A + at,
							 user, len, true),
						 0);
				for (uint64_t i = 0; i < len; i++) {
					uint64_t n = at + i;
					uint64_t to =
						n + (n < 2 * PAGE ? 8 * PAGE
								  : 18 * PAGE);

					assert_int_equal(rig_memory[to],
							 (uint8_t)at);
					rig_memory[to] = mark(to);
				}
			}
		}
	}
	uvf_iommufd_access_destroy(device.access);
	restore_memory();
	rig_close(&rig);
}

/* Shows M53. */
static void areas_begin_at_any_byte_until_a_table_comes(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t length = LAST, iova = A + 77;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(rig_map_at(&rig, ioas, page(0) + 3 * i,
					    i * 13 + 1, iova),
				 0);
		iova += i * 13 + 1;
	}
	assert_int_equal(rig_attach(device, ioas), -EADDRINUSE);
	assert_null(group.as);
	assert_int_equal(rig_unmap(&rig, ioas, 0, &length), 0);
	assert_int_equal(length, iova - A - 77);
	assert_int_equal(rig_attach(device, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A + 1), -EINVAL);
	uvf_iommufd_device_detach(device);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A + 1), 0);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M51. */
static void a_place_is_aligned_by_length_and_memory(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (uint64_t length = 1; length <= 2ull << 30; length = length * 3 + 1)
		for (unsigned int shift = 12; shift < 24; shift++) {
			uint32_t ioas = rig_ioas(&rig);
			uint64_t vaddr = 0x7f0000000000 | 1ull << shift;
			uint64_t power = 1, iova = 0;

			while (power < length)
				power *= 2;
			if (power > 2ull << 20)
				power = 2ull << 20;
			if (power > 1ull << shift)
				power = 1ull << shift;
			assert_int_equal(rig_map(&rig, ioas, RW,
						 (void *)(uintptr_t)vaddr,
						 length, &iova),
					 0);
			/* The lowest but 0. */
			assert_int_equal(iova, power > PAGE ? power : PAGE);
			assert_int_equal(rig_destroy(&rig, ioas), 0);
		}
	rig_close(&rig);
}

/* Shows M51. */
static void a_place_is_never_reserved(void **state)
{
	struct iommu_iova_range ranges[] = {{0xfec00000, 0xfedfffff}};
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.num_iovas = 1,
		.allowed_iovas = (uintptr_t)ranges,
	};
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t iova = 0;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	assert_int_equal(rig_attach(device, ioas), 0);
	allow.ioas_id = ioas;
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_ALLOW_IOVAS, &allow), 0);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(rig_map(&rig, ioas, RW, page(0), PAGE, &iova),
				 0);
		assert_int_equal(iova, 0xfec00000 + i * PAGE);
	}
	assert_int_equal(rig_map(&rig, ioas, RW, page(0), PAGE, &iova),
			 -ENOSPC);
	assert_int_equal(
		rig_map(&rig, ioas, RW, page(0), LAST / 2 & -PAGE, &iova),
		-ENOSPC);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Unmaps once it is told to; what became of it. */
struct unmapper {
	struct rig *rig;
	uint32_t ioas;
	atomic_int ret; /* 1: not yet */
};

static void *unmap_in_thread(void *arg)
{
	struct unmapper *unmapper = arg;
	uint64_t length = PAGE;

	atomic_store(&unmapper->ret,
		     rig_unmap(unmapper->rig, unmapper->ioas, A, &length));
	return NULL;
}

/* Asks again and again, from the callback, whether it may pin more. */
struct stubborn {
	struct uvf_iommufd_access *access;
	unsigned int asked, refusals;
};

static void stubborn_unmap(void *arg, struct uvf_range iova)
{
	struct stubborn *device = arg;
	void *where;

	if (iova.first != A)
		return;
	/* No new one while it goes. */
	device->refusals += uvf_iommufd_access_pin(device->access, A, PAGE,
						   false, &where) == -EINVAL;
	if (++device->asked == 5)
		uvf_iommufd_access_unpin(device->access, A, PAGE);
}

static const struct uvf_iommufd_access_ops stubborn_ops = {
	.unmap = stubborn_unmap,
};

/* Shows M57. */
static void unmap_waits_for_pages_and_lets_no_new_in(void **state)
{
	struct stubborn device = {0};
	struct unmapper unmapper = {.ret = 1};
	struct rig rig;
	pthread_t thread;
	uint64_t length = PAGE;
	void *where;

	(void)state;
	rig_open(&rig);
	unmapper.rig = &rig;
	unmapper.ioas = rig_ioas(&rig);
	assert_int_equal(uvf_iommufd_access_create(&device.access, rig.ctx,
						   &stubborn_ops, &device),
			 0);
	assert_int_equal(
		uvf_iommufd_access_attach(device.access, unmapper.ioas), 0);
	assert_int_equal(rig_map_at(&rig, unmapper.ioas, page(3), PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, true, &where),
		0);
	pthread_create(&thread, NULL, unmap_in_thread, &unmapper);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&unmapper.ret), 0);
	assert_int_equal(device.asked, 5);
	assert_int_equal(device.refusals, 5);
	assert_int_equal(rig_unmap(&rig, unmapper.ioas, A, &length), -ENOENT);
	uvf_iommufd_access_destroy(device.access);
	rig_close(&rig);
}

/* Shows M57. */
static void one_that_is_deaf_keeps_its_area(void **state)
{
	struct emulated device = {.is_deaf = true};
	struct group group = {0};
	struct uvf_iommufd_device *other;
	struct rig rig;
	uint64_t length = 2 * PAGE;
	void *where;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device, ioas);
	other = rig_bind(&rig, &group);
	assert_int_equal(rig_attach(other, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(3), PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(4), PAGE, A + PAGE), 0);
	assert_int_equal(uvf_iommufd_access_pin(device.access, A + PAGE, PAGE,
						true, &where),
			 0);
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), -EDEADLOCK);
	/* What came before it has gone. */
	assert_int_equal(rig_read(&group, A), -EFAULT);
	assert_int_equal(rig_read(&group, A + PAGE), 5);
	assert_ptr_equal(where, page(4));
	uvf_iommufd_access_unpin(device.access, A + PAGE, PAGE);
	length = PAGE;
	assert_int_equal(rig_unmap(&rig, ioas, A + PAGE, &length), 0);
	uvf_iommufd_access_destroy(device.access);
	uvf_iommufd_device_unbind(other);
	rig_close(&rig);
}

/* A process with two pages at one address: of a file, and its own. */
struct client {
	pid_t pid;
	int to_child, from_child;
	uint8_t *memory; /* the same address in both */
	int fd;
};

static void client_start(struct client *client)
{
	int down[2], up[2];
	char byte = 'x';

	client->fd = memfd_create("client", MFD_CLOEXEC);
	assert_int_equal(ftruncate(client->fd, PAGE), 0);
	client->memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_equal(mmap(client->memory, PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, client->fd, 0),
			 client->memory);
	assert_int_equal(pipe(down), 0);
	assert_int_equal(pipe(up), 0);
	client->pid = fork();
	if (!client->pid) {
		memset(client->memory, 0x11, PAGE);
		memset(client->memory + PAGE, 0x22, PAGE);
		if (write(up[1], &byte, 1) != 1)
			_exit(1);
		(void)!read(down[0], &byte, 1);
		_exit(0);
	}
	close(down[0]);
	close(up[1]);
	client->to_child = down[1];
	client->from_child = up[0];
	assert_int_equal(read(up[0], &byte, 1), 1);
}

static void client_end(struct client *client)
{
	kill(client->pid, SIGKILL);
	assert_int_equal(waitpid(client->pid, NULL, 0), client->pid);
	close(client->to_child);
	close(client->from_child);
}

/* Shows M58. */
static void what_is_pinned_outlives_its_process(void **state)
{
	struct client client;
	struct emulated device = {0};
	struct rig rig;
	struct uvf_mm *own, *peer;
	uint8_t *where;
	uint8_t byte;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	client_start(&client);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device, ioas);
	assert_int_equal(uvf_peer_create(&peer, client.pid), 0);
	own = rig.caller.mm;
	for (unsigned int i = 0; i < 2; i++) {
		struct iommu_ioas_map map = {
			.size = sizeof(map),
			.flags = FIXED | RW,
			.ioas_id = ioas,
			.user_va = (uintptr_t)client.memory + i * PAGE,
			.length = PAGE,
			.iova = A + i * PAGE,
		};

		/* The argument is read from the client, too. */
		memcpy(client.memory, &map, sizeof(map));
		rig.caller.mm = peer;
		assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_MAP, client.memory),
				 0);
		rig.caller.mm = own;
		memset(client.memory, 0x11, PAGE);
	}
	assert_int_equal(uvf_iommufd_access_pin(device.access, A, PAGE, true,
						(void **)&where),
			 0);
	atomic_store(&device.is_pinned, true);
	device.pinned = (struct uvf_range){A, A + PAGE - 1};
	assert_int_equal(
		uvf_iommufd_access_rw(device.access, A + PAGE, &byte, 1, false),
		0);
	assert_int_equal(byte, 0x22);
	client_end(&client);
	assert_int_equal(where[5], 0x11);
	where[5] = 0x33;
	assert_int_equal(client.memory[5], 0x33);
	assert_int_equal(
		uvf_iommufd_access_rw(device.access, A + 5, &byte, 1, false),
		0);
	assert_int_equal(byte, 0x33);
	assert_int_equal(
		uvf_iommufd_access_rw(device.access, A + PAGE, &byte, 1, false),
		-EFAULT);
	assert_int_equal(uvf_iommufd_access_pin(device.access, A + PAGE, PAGE,
						true, (void **)&where),
			 -EFAULT);
	uvf_iommufd_access_destroy(device.access);
	uvf_mm_put(peer);
	munmap(client.memory, 2 * PAGE);
	close(client.fd);
	rig_close(&rig);
}

/* Shows M58. */
static void a_child_has_copies_and_the_device_the_memory(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint32_t ioas;
	pid_t pid;
	int status;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	assert_int_equal(rig_attach(device, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(3), PAGE, A), 0);
	pid = fork();
	if (!pid) {
		rig_memory[3 * PAGE] = 0x99;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rig_read(&group, A), 4);
	assert_int_equal(uvf_aspace_write(group.as, A, "y", 1, NULL), 0);
	assert_int_equal(rig_memory[3 * PAGE], 'y');
	rig_memory[3 * PAGE] = 4;
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* An IOMMU group whose devices do DMA on a thread of their own. */
static struct {
	pthread_mutex_t lock; /* held over an access, as a model's is */
	struct uvf_aspace *as;
	atomic_bool is_over;
	atomic_uint reads[3]; /* of the first memory, the second; none */
	atomic_uint wrong;
} busy = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int busy_claim(void *group, void *owner)
{
	(void)group;
	(void)owner;
	return 0;
}

static void busy_release(void *group, void *owner)
{
	(void)group;
	(void)owner;
}

static void busy_aim(void *group, struct uvf_aspace *as)
{
	(void)group;
	pthread_mutex_lock(&busy.lock);
	busy.as = as;
	pthread_mutex_unlock(&busy.lock);
}

static const struct uvf_iommufd_group_ops busy_ops = {
	.claim = busy_claim,
	.release = busy_release,
	.aim = busy_aim,
};

static void *read_all_the_time(void *arg)
{
	(void)arg;
	uvf_reader_register();
	while (!atomic_load(&busy.is_over)) {
		uint8_t bytes[64];
		unsigned int what = 2;

		pthread_mutex_lock(&busy.lock);
		if (busy.as &&
		    !uvf_aspace_read(busy.as, A, bytes, sizeof(bytes), NULL))
			what = bytes[0] == 1 ? 0 : 1;
		pthread_mutex_unlock(&busy.lock);
		/* One memory or the other, and never a mixture. */
		for (unsigned int i = 1; what < 2 && i < sizeof(bytes); i++)
			if (bytes[i] != what + 1)
				atomic_fetch_add(&busy.wrong, 1);
		atomic_fetch_add(&busy.reads[what], 1);
	}
	uvf_reader_unregister();
	return NULL;
}

static void wait_for_a_read(unsigned int what)
{
	unsigned int before = atomic_load(&busy.reads[what]);

	while (atomic_load(&busy.reads[what]) == before)
		sched_yield();
}

/* Shows M60. */
static void replacing_under_dma_leads_to_one_or_the_other(void **state)
{
	struct uvf_iommufd_device *device;
	struct rig rig;
	pthread_t thread;
	uint32_t spaces[2], bad, former = 0;
	unsigned int blocked;

	(void)state;
	rig_open(&rig);
	for (unsigned int i = 0; i < 2; i++) {
		spaces[i] = rig_ioas(&rig);
		assert_int_equal(rig_map_at(&rig, spaces[i], page(i), PAGE, A),
				 0);
	}
	bad = rig_ioas(&rig);
	assert_int_equal(rig_map_at(&rig, bad, page(RIG_PAGES), PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_device_bind(&device, rig.ctx, &busy_ops, &busy), 0);
	assert_int_equal(rig_attach(device, spaces[0]), 0);
	pthread_create(&thread, NULL, read_all_the_time, NULL);
	wait_for_a_read(0);
	blocked = atomic_load(&busy.reads[2]);
	for (unsigned int i = 0; i < 300; i++) {
		uint32_t pt = spaces[(i + 1) % 2];

		assert_int_equal(rig_attach(device, bad), -EFAULT);
		assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
		if (former)
			assert_int_equal(rig_destroy(&rig, former),
					 former == pt ? -EBUSY : -ENOENT);
		former = pt;
		wait_for_a_read((i + 1) % 2);
	}
	/* It was never without. */
	assert_int_equal(atomic_load(&busy.reads[2]), blocked);
	uvf_iommufd_device_detach(device);
	wait_for_a_read(2);
	uvf_iommufd_device_detach(device);
	atomic_store(&busy.is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&busy.wrong), 0);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_of_any_part_is_that_part),
		cmocka_unit_test(an_access_moves_any_bytes),
		cmocka_unit_test(areas_begin_at_any_byte_until_a_table_comes),
		cmocka_unit_test(a_place_is_aligned_by_length_and_memory),
		cmocka_unit_test(a_place_is_never_reserved),
		cmocka_unit_test(unmap_waits_for_pages_and_lets_no_new_in),
		cmocka_unit_test(one_that_is_deaf_keeps_its_area),
		cmocka_unit_test(what_is_pinned_outlives_its_process),
		cmocka_unit_test(a_child_has_copies_and_the_device_the_memory),
		cmocka_unit_test(replacing_under_dma_leads_to_one_or_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
