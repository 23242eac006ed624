/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that map and unmap in one container, each in an interval of its
 * own, beside devices that write all over them: everybody gets on, and what
 * was reached is told.
 *
 * usage: storm [ROUNDS]
 *
 * Shows M80.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/profile.h"
#include "iommu/iommu.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/caller.h"
#include "mem/copy.h"
#include "mem/self.h"

#define PAGE    4096ull
#define BASE    0x100000000ull
#define MAPPERS 4u
#define DEVICES 4u
#define SPAN    64u /* pages of a mapper, of which it maps some */

static struct {
	void *state;
	struct uvf_aspace *as;
	struct uvf_mm *mm;
	uint8_t *memory;
	unsigned int rounds;
	atomic_uint reached; /* devices that reached memory */
	atomic_bool must_stop;
} storm;

struct thread {
	pthread_t thread;
	uint64_t number;
	uint64_t done, refused; /* accesses */
	uint64_t *took;         /* ns of each unmap */
};

static void must(long ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "storm: %s: %s\n", what, strerror((int)-ret));
		exit(1);
	}
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void *device_main(void *arg)
{
	struct thread *self = arg;
	uint64_t random = self->number + 1;
	uint8_t bytes[64] = {0};

	uvf_reader_register();
	uvf_reader_online();
	while (!atomic_load_explicit(&storm.must_stop, memory_order_relaxed)) {
		uint64_t x = next_random(&random);
		/* A line of its own in each 256 bytes. */
		uint64_t iova = BASE + (x % (MAPPERS * SPAN * PAGE) & ~255ull) +
				self->number * sizeof(bytes);

		if (uvf_aspace_write(storm.as, iova, bytes,
				     1 + (x >> 40) % sizeof(bytes), NULL))
			self->refused++;
		else if (!self->done++)
			atomic_fetch_add(&storm.reached, 1);
	}
	uvf_reader_unregister();
	return NULL;
}

/* Map @count pages at @page of the whole, and unmap them again. */
static uint64_t map_and_unmap(struct uvf_caller *caller, uint64_t page,
			      uint64_t count)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)storm.memory + page * PAGE,
		.iova = BASE + page * PAGE,
		.size = count * PAGE,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = map.iova,
		.size = map.size,
	};
	uint64_t start;

	must(uvf_type1_backend.ioctl(storm.state, caller, VFIO_IOMMU_MAP_DMA,
				     (uintptr_t)&map),
	     "MAP_DMA");
	start = now();
	must(uvf_type1_backend.ioctl(storm.state, caller, VFIO_IOMMU_UNMAP_DMA,
				     (uintptr_t)&unmap),
	     "UNMAP_DMA");
	if (unmap.size != map.size)
		must(-EINVAL, "size of UNMAP_DMA");
	return now() - start;
}

static void *mapper_main(void *arg)
{
	struct thread *self = arg;
	struct uvf_caller caller = {
		.mm = storm.mm,
		.pid = getpid(),
		.ignores_memlock = true,
	};
	uint64_t random = self->number + 100;

	/* Until each device has had its share, too. */
	for (unsigned int i = 0;
	     i < storm.rounds || atomic_load(&storm.reached) < DEVICES; i++) {
		uint64_t x = next_random(&random);
		uint64_t first = x % SPAN;

		self->took[i % storm.rounds] =
			map_and_unmap(&caller, self->number * SPAN + first,
				      1 + (x >> 20) % (SPAN - first));
	}
	return NULL;
}

static void start(struct thread *threads, unsigned int count,
		  void *(*main_fn)(void *arg))
{
	for (unsigned int i = 0; i < count; i++) {
		threads[i].number = i;
		must(-pthread_create(&threads[i].thread, NULL, main_fn,
				     &threads[i]),
		     "thread");
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(const struct thread *devices, const struct thread *mappers,
		   uint64_t took)
{
	size_t count = (size_t)MAPPERS * storm.rounds;
	uint64_t *all = calloc(count, sizeof(*all));
	uint64_t done = 0, refused = 0;

	must(all ? 0 : -ENOMEM, "memory");
	for (unsigned int i = 0; i < MAPPERS; i++)
		memcpy(all + (size_t)i * storm.rounds, mappers[i].took,
		       storm.rounds * sizeof(*all));
	qsort(all, count, sizeof(*all), compare);
	for (unsigned int i = 0; i < DEVICES; i++) {
		done += devices[i].done;
		refused += devices[i].refused;
	}
	printf("the last %zu unmaps: half in %llu ns, 99 of 100 in %llu ns\n",
	       count, (unsigned long long)all[count / 2],
	       (unsigned long long)all[count - 1 - count / 100]);
	printf("%llu accesses, %llu of which reached memory: %.1f M a second\n",
	       (unsigned long long)(done + refused), (unsigned long long)done,
	       (double)(done + refused) * 1e3 / (double)took);
	free(all);
}

int main(int argc, char **argv)
{
	struct uvf_profile profile;
	struct uvf_iommu_host host = {
		.profile = &profile,
		.aperture_bits = 48,
		.page_sizes = PAGE,
	};
	struct uvf_iommu_member member = {0};
	struct thread devices[DEVICES] = {0}, mappers[MAPPERS] = {0};
	uint64_t begin;

	storm.rounds = argc > 1 ? (unsigned int)atol(argv[1]) : 5000;
	if (!storm.rounds)
		return 2;
	must(uvf_copy_guard_init(), "guard");
	must(uvf_self_create(&storm.mm), "self");
	must(uvf_profile_parse(&profile, NULL, NULL), "profile");
	must(uvf_type1_backend.open(&storm.state, &host, VFIO_TYPE1v2_IOMMU),
	     "open");
	uvf_list_init(&member.node);
	must(uvf_type1_backend.attach_group(storm.state, NULL, &member,
					    &storm.as),
	     "attach");
	storm.memory = mmap(NULL, MAPPERS * SPAN * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(storm.memory == MAP_FAILED ? -errno : 0, "memory");
	for (unsigned int i = 0; i < MAPPERS; i++) {
		mappers[i].took = calloc(storm.rounds, sizeof(uint64_t));
		must(mappers[i].took ? 0 : -ENOMEM, "memory");
	}
	begin = now();
	start(devices, DEVICES, device_main);
	start(mappers, MAPPERS, mapper_main);
	for (unsigned int i = 0; i < MAPPERS; i++)
		pthread_join(mappers[i].thread, NULL);
	atomic_store(&storm.must_stop, true);
	for (unsigned int i = 0; i < DEVICES; i++)
		pthread_join(devices[i].thread, NULL);
	report(devices, mappers, now() - begin);
	for (unsigned int i = 0; i < MAPPERS; i++)
		free(mappers[i].took);
	uvf_type1_backend.detach_group(storm.state, &member);
	uvf_type1_backend.release(storm.state);
	uvf_mm_put(storm.mm);
	return 0;
}
