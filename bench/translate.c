/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a DMA costs: from an IOVA to memory, by how many mappings there are;
 * and what a mapping costs.  docs/performance.md tells how to read it.
 *
 * Each figure is the best of several runs: what other programs do on the
 * machine makes a run slower, never faster.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/profile.h"
#include "iommu/iommu.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/caller.h"
#include "mem/copy.h"
#include "mem/mem.h"
#include "mem/self.h"

#define PAGE     4096ull
#define BASE     0x100000000ull
#define MILLION  1000000u
#define ACCESSES 400000u
#define RUNS     15u
#define LINES    (1u << 22) /* of a cache, 256 MiB */
/* 8 MiB: as many bytes as slots of a million mappings have. */
#define SLOT_LINES (1u << 17)

static __thread uint8_t buffer[4096] __attribute__((aligned(64)));
static double null_ns;   /* an ioctl on /dev/null */
static double memory_ns; /* a load that waits for the one before */

static void need(long ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "translate: %s: %s\n", what,
			strerror((int)-ret));
		exit(1);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double lower(double a, double b)
{
	return a < b ? a : b;
}

/* One line: the figure, its ratios, and what is to be reached. */
static void print(const char *what, double ns, const char *reach)
{
	printf("%-44s %10.1f ns %8.3f x ioctl %7.2f x memory  %s\n", what, ns,
	       ns / null_ns, ns / memory_ns, reach);
	fflush(stdout);
}

/* The best time of one call of @run, which does @count of something. */
static double best(void (*run)(void *arg), void *arg, unsigned int count)
{
	double least = 1e18;

	for (unsigned int i = 0; i < RUNS; i++) {
		double start = now();

		run(arg);
		least = lower(least, now() - start);
	}
	return least / count;
}

/* The baselines. */

static void run_null(void *arg)
{
	for (unsigned int i = 0; i < ACCESSES / 4; i++)
		ioctl(*(int *)arg, 0x3b64, 0);
}

static void run_chase(void *arg)
{
	uint32_t *next = *(uint32_t **)arg;
	uint32_t at = 0;

	for (unsigned int i = 0; i < ACCESSES; i++)
		at = next[at * 16];
	*(volatile uint32_t *)&next[at * 16 + 1] = at;
}

/* One cycle through all lines, in no order.  Return: the time of a load. */
static double measure_loads(uint32_t lines)
{
	uint32_t *next = mmap(NULL, lines * 64ull, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *order = malloc(lines * sizeof(*order));
	uint64_t x = 1;
	double ns;

	if (next == MAP_FAILED || !order)
		need(-ENOMEM, "memory");
	for (uint32_t i = 0; i < lines; i++)
		order[i] = i;
	for (uint32_t i = lines - 1; i; i--) {
		uint32_t j, other;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		j = (uint32_t)((x >> 33) % (i + 1));
		other = order[i];
		order[i] = order[j];
		order[j] = other;
	}
	for (uint32_t i = 0; i < lines; i++)
		next[order[i] * 16] = order[(i + 1) % lines];
	free(order);
	ns = best(run_chase, &next, ACCESSES);
	munmap(next, lines * 64ull);
	return ns;
}

static void measure_baselines(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	null_ns = best(run_null, &fd, ACCESSES / 4);
	close(fd);
	memory_ns = measure_loads(LINES);
	print("ioctl on /dev/null", null_ns, "");
	print("load from memory, behind another", memory_ns, "");
}

/* Accesses. */

struct reads {
	struct uvf_aspace *as;
	uint64_t count; /* of pages */
	size_t len;
	bool is_write;
};

/* Which page comes next depends on the last, as in a ring of descriptors. */
static void run_accesses(void *arg)
{
	const struct reads *reads = arg;
	uint64_t x = 1;

	for (unsigned int i = 0; i < ACCESSES; i++) {
		uint64_t iova;
		int ret;

		x = x * 6364136223846793005ull + 1442695040888963407ull +
		    (buffer[0] & 1);
		iova = BASE + (x >> 33) % reads->count * PAGE;
		ret = reads->is_write
			      ? uvf_aspace_write(reads->as, iova, buffer,
						 reads->len, NULL)
			      : uvf_aspace_read(reads->as, iova, buffer,
						reads->len, NULL);
		need(ret, "access");
	}
}

static void measure_access(struct uvf_aspace *as, const char *what,
			   uint64_t count, size_t len, const char *reach)
{
	struct reads reads = {as, count, len, false};

	print(what, best(run_accesses, &reads, ACCESSES), reach);
}

static void map_pages(struct uvf_aspace *as, struct uvf_mem *mem, uint64_t from,
		      uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		uint64_t first = BASE + i * PAGE;

		need(uvf_aspace_map(as,
				    (struct uvf_range){first, first + PAGE - 1},
				    mem, UVF_PROT_ALL),
		     "map");
	}
}

static void unmap_pages(struct uvf_aspace *as, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t first = BASE + i * PAGE;

		uvf_aspace_unlink(as,
				  (struct uvf_range){first, first + PAGE - 1});
	}
	uvf_aspace_drain(as);
}

/* How costs grow with the number of mappings. */
static void measure_growth(struct uvf_mem *mem)
{
	printf("\n%10s %12s %12s %12s\n", "mappings", "access", "map", "unmap");
	for (uint64_t count = 1; count <= MILLION; count *= 10) {
		struct reads reads = {NULL, count, 8, false};
		double map = 1e18, unmap = 1e18, access = 1e18;

		for (unsigned int i = 0; i < 3; i++) {
			double start;

			need(uvf_aspace_create(&reads.as, false), "aspace");
			start = now();
			map_pages(reads.as, mem, 0, count);
			map = lower(map, now() - start);
			access = lower(access,
				       best(run_accesses, &reads, ACCESSES));
			start = now();
			unmap_pages(reads.as, count);
			unmap = lower(unmap, now() - start);
			uvf_aspace_destroy(reads.as);
		}
		printf("%10llu %9.1f ns %9.1f ns %9.1f ns\n",
		       (unsigned long long)count, access, map / (double)count,
		       unmap / (double)count);
	}
	printf("\n");
}

static void measure_translation(struct uvf_mem *mem)
{
	struct uvf_aspace *as;

	need(uvf_aspace_create(&as, false), "aspace");
	map_pages(as, mem, 0, 1);
	measure_access(as, "read of 8 bytes, one mapping", 1, 8,
		       "(to reach 15 ns)");
	measure_access(as, "read of 64 bytes, one mapping", 1, 64, "");
	measure_access(as, "read of 2048 bytes, one mapping", 1, 2048, "");
	map_pages(as, mem, 1, 10000);
	measure_access(as, "read of 8 bytes, random of 10,000", 10000, 8,
		       "(to reach 60 ns)");
	map_pages(as, mem, 10000, MILLION);
	print("a load from 8 MiB, behind another", measure_loads(SLOT_LINES),
	      "");
	measure_access(as, "read of 8 bytes, random of 1,000,000", MILLION, 8,
		       "(to reach 80 ns)");
	uvf_aspace_destroy(as);
}

/* Several threads that read at once. */

static struct reads shared_reads;
static pthread_barrier_t gate;

static void *reader_main(void *arg)
{
	uvf_reader_register();
	uvf_reader_online();
	pthread_barrier_wait(&gate);
	for (unsigned int i = 0; i < RUNS; i++)
		run_accesses(&shared_reads);
	uvf_reader_unregister();
	return arg;
}

static double accesses_a_second(unsigned int threads)
{
	pthread_t thread[2];
	double start;

	pthread_barrier_init(&gate, NULL, threads + 1);
	for (unsigned int i = 0; i < threads; i++)
		need(-pthread_create(&thread[i], NULL, reader_main, NULL),
		     "thread");
	pthread_barrier_wait(&gate);
	start = now();
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	start = now() - start;
	pthread_barrier_destroy(&gate);
	return (double)threads * RUNS * ACCESSES / start * 1e9;
}

static void measure_scaling(struct uvf_mem *mem)
{
	double one = 0, two = 0;

	need(uvf_aspace_create(&shared_reads.as, false), "aspace");
	shared_reads.count = 10000;
	shared_reads.len = 8;
	map_pages(shared_reads.as, mem, 0, shared_reads.count);
	for (unsigned int i = 0; i < 3; i++) {
		one = -lower(-one, -accesses_a_second(1));
		two = -lower(-two, -accesses_a_second(2));
	}
	printf("accesses a second, one thread and two: %.1f M, %.1f M, "
	       "%.2f times as many\n",
	       one / 1e6, two / 1e6, two / one);
	uvf_aspace_destroy(shared_reads.as);
}

/* MAP_DMA and UNMAP_DMA. */

struct pairs {
	void *state;
	struct uvf_iommu_host host;
	struct uvf_profile profile;
	struct uvf_iommu_member member;
	struct uvf_caller caller;
	struct uvf_aspace *as;
	void *memory;
	uint64_t size;
	unsigned int rounds;
};

static const struct uvf_iommu_backend *backend(void)
{
	return &uvf_type1_backend;
}

static void map_dma(struct pairs *pairs, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)pairs->memory,
		.iova = iova,
		.size = pairs->size,
	};

	need(backend()->ioctl(pairs->state, &pairs->caller, VFIO_IOMMU_MAP_DMA,
			      (uintptr_t)&map),
	     "MAP_DMA");
}

static void run_pairs(void *arg)
{
	struct pairs *pairs = arg;

	for (unsigned int i = 0; i < pairs->rounds; i++) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = 1ull << 40,
			.size = pairs->size,
		};

		map_dma(pairs, 1ull << 40);
		need(backend()->ioctl(pairs->state, &pairs->caller,
				      VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&unmap),
		     "UNMAP_DMA");
	}
}

static void measure_pair(struct pairs *pairs, const char *what, uint64_t size,
			 const char *reach)
{
	pairs->size = size;
	pairs->rounds = 20000;
	print(what, best(run_pairs, pairs, pairs->rounds), reach);
}

/* A device at work: a thread that reads without end. */
static atomic_bool must_stop;

static void *busy_main(void *arg)
{
	struct pairs *pairs = arg;
	uint8_t bytes[8];

	uvf_reader_register();
	uvf_reader_online();
	pthread_barrier_wait(&gate);
	while (!atomic_load_explicit(&must_stop, memory_order_relaxed))
		need(uvf_aspace_read(pairs->as, BASE, bytes, 8, NULL), "read");
	uvf_reader_unregister();
	return NULL;
}

static void measure_busy(struct pairs *pairs)
{
	pthread_t thread;

	pthread_barrier_init(&gate, NULL, 2);
	need(-pthread_create(&thread, NULL, busy_main, pairs), "thread");
	pthread_barrier_wait(&gate);
	measure_pair(pairs, "the same, a device works", PAGE, "");
	atomic_store(&must_stop, true);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&gate);
}

static void hold(struct pairs *pairs, uint64_t from, uint64_t to)
{
	pairs->size = PAGE;
	for (uint64_t i = from; i < to; i++)
		map_dma(pairs, BASE + i * PAGE);
}

/* A container with one group, and as many mappings as anybody wants. */
static void open_pairs(struct pairs *pairs, struct uvf_mm *mm)
{
	static atomic_uint limit = UINT_MAX;

	*pairs = (struct pairs){
		.host = {.aperture_bits = 48,
			 .page_sizes = PAGE,
			 .msi_window = {0xfee00000, 0xfeefffff},
			 .dma_entry_limit = &limit},
		.caller = {.mm = mm, .ignores_memlock = true},
		.memory = mmap(NULL, 1ull << 40, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0),
	};
	need(pairs->memory == MAP_FAILED ? -errno : 0, "1 TiB of addresses");
	pairs->host.profile = &pairs->profile;
	need(uvf_profile_parse(&pairs->profile, NULL, NULL), "profile");
	need(backend()->open(&pairs->state, &pairs->host, VFIO_TYPE1v2_IOMMU),
	     "open");
	uvf_list_init(&pairs->member.node);
	need(backend()->attach_group(pairs->state, &pairs->caller,
				     &pairs->member, &pairs->as),
	     "attach");
}

static void close_pairs(struct pairs *pairs)
{
	backend()->detach_group(pairs->state, &pairs->member);
	backend()->release(pairs->state);
	munmap(pairs->memory, 1ull << 40);
}

/* As a process that is below its limit, whatever is held for others. */
static void measure_limited(struct pairs *pairs)
{
	struct uvf_mm *other = pairs->caller.mm;

	need(uvf_self_create(&pairs->caller.mm), "self");
	pairs->caller.ignores_memlock = false;
	measure_pair(pairs, "the same, RLIMIT_MEMLOCK asked", PAGE,
		     "(to reach 4 x ioctl)");
	pairs->caller.ignores_memlock = true;
	uvf_mm_put(pairs->caller.mm);
	pairs->caller.mm = other;
}

static void measure_pairs(struct uvf_mm *mm)
{
	struct pairs pairs;

	open_pairs(&pairs, mm);
	measure_pair(&pairs, "MAP_DMA + UNMAP_DMA, none held", PAGE, "");
	hold(&pairs, 0, 10000);
	measure_pair(&pairs, "MAP_DMA + UNMAP_DMA, 10,000 held", PAGE, "");
	measure_limited(&pairs);
	measure_busy(&pairs);
	hold(&pairs, 10000, MILLION);
	measure_pair(&pairs, "MAP_DMA + UNMAP_DMA, 1,000,000 held", PAGE, "");
	measure_pair(&pairs, "the same of 2 MiB", 2ull << 20, "");
	measure_pair(&pairs, "the same of 1 GiB", 1ull << 30, "");
	measure_pair(&pairs, "the same of 1 TiB", 1ull << 40, "");
	close_pairs(&pairs);
}

/* Memory. */

static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		need(-EIO, "statm");
	fclose(file);
	return (double)pages * (double)PAGE;
}

/* What a container keeps of a mapping of one page, a million times. */
static void measure_memory_held(struct uvf_mm *mm)
{
	struct pairs pairs;
	double before;

	open_pairs(&pairs, mm);
	before = resident_bytes();
	hold(&pairs, 0, MILLION);
	printf("held for each of 1,000,000 mappings: %.0f bytes "
	       "(to reach 160)\n",
	       (resident_bytes() - before) / MILLION);
	close_pairs(&pairs);
}

int main(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct uvf_range range = {(uintptr_t)page, (uintptr_t)page + PAGE - 1};
	struct uvf_mem *mem;
	struct uvf_mm *mm;

	need(uvf_copy_guard_init(), "guard");
	need(uvf_self_create(&mm), "self");
	need(uvf_mem_create(&mem, mm, range, UVF_PROT_ALL), "mem");
	uvf_reader_register();
	uvf_reader_online();
	measure_memory_held(mm);
	measure_baselines();
	measure_translation(mem);
	measure_growth(mem);
	measure_scaling(mem);
	measure_pairs(mm);
	uvf_reader_unregister();
	uvf_mem_put(mem);
	uvf_mm_put(mm);
	return 0;
}
