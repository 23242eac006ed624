/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a DMA costs: from an IOVA to memory, by how many mappings there are;
 * and what a mapping costs.  Baselines come from the same run.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
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
#include "mem/caller.h"
#include "mem/copy.h"
#include "mem/mem.h"
#include "mem/self.h"

#define PAGE    4096ull
#define BASE    0x100000000ull
#define ROUNDS  4000000u
#define HELD    10000u
#define PATTERN 0x9e3779b97f4a7c15ull

static uint8_t buffer[4096] __attribute__((aligned(64)));

static void need(int ret, const char *what)
{
	if (ret) {
		fprintf(stderr, "translate: %s: %s\n", what, strerror(-ret));
		exit(1);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double baseline; /* ns of an ioctl on /dev/null */

static void print(const char *what, double ns)
{
	printf("%-44s %8.1f ns %8.3f x\n", what, ns, ns / baseline);
}

static void measure_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	double start = now();

	for (unsigned int i = 0; i < ROUNDS / 4; i++)
		ioctl(fd, 0x3b64, 0);
	baseline = (now() - start) / (ROUNDS / 4);
	close(fd);
	print("ioctl on /dev/null", baseline);
}

static void measure_copy(void *page)
{
	double start = now();

	for (unsigned int i = 0; i < ROUNDS; i++) {
		memcpy(page, buffer, 64);
		__asm__ volatile("" ::"r"(page) : "memory");
	}
	print("memcpy of 64 bytes", (now() - start) / ROUNDS);
	start = now();
	for (unsigned int i = 0; i < ROUNDS; i++)
		uvf_copy_to(page, buffer, 64);
	print("guarded copy of 64 bytes", (now() - start) / ROUNDS);
}

/* Reads of 8 bytes: a translation and little else. */
static void measure_reads(struct uvf_aspace *as, const char *what,
			  uint64_t count)
{
	uint64_t x = 1;
	double start = now();

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t page;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		page = (x >> 33) % count;
		need(uvf_aspace_read(as, BASE + page * PAGE, buffer, 8, NULL),
		     "read");
	}
	print(what, (now() - start) / ROUNDS);
}

static void measure_writes(struct uvf_aspace *as, const char *what, size_t len)
{
	double start = now();

	for (unsigned int i = 0; i < ROUNDS; i++)
		need(uvf_aspace_write(as, BASE, buffer, len, NULL), "write");
	print(what, (now() - start) / ROUNDS);
}

static void map_many(struct uvf_aspace *as, struct uvf_mem *mem, uint64_t from,
		     uint64_t to)
{
	double start = now();

	for (uint64_t i = from; i < to; i++)
		need(uvf_aspace_map(
			     as,
			     (struct uvf_range){BASE + i * PAGE,
						BASE + i * PAGE + PAGE - 1},
			     mem, UVF_PROT_READ | UVF_PROT_WRITE),
		     "map");
	if (to - from > 1)
		print("aspace map", (now() - start) / (double)(to - from));
}

static void measure_translation(struct uvf_mem *mem)
{
	struct uvf_aspace *as;
	double start;

	need(uvf_aspace_create(&as, false), "aspace");
	map_many(as, mem, 0, 1);
	measure_reads(as, "read of 8 bytes, one mapping", 1);
	measure_writes(as, "write of 8 bytes, one mapping", 8);
	measure_writes(as, "write of 64 bytes, one mapping", 64);
	measure_writes(as, "write of 2048 bytes, one mapping", 2048);
	map_many(as, mem, 1, HELD);
	measure_reads(as, "read of 8 bytes, random of 10,000", HELD);
	map_many(as, mem, HELD, 1000000);
	measure_reads(as, "read of 8 bytes, random of 1,000,000", 1000000);
	start = now();
	for (uint64_t i = 0; i < 1000000; i++)
		uvf_aspace_unlink(
			as, (struct uvf_range){BASE + i * PAGE,
					       BASE + i * PAGE + PAGE - 1});
	uvf_aspace_drain(as);
	print("aspace unmap, of 1,000,000", (now() - start) / 1e6);
	uvf_aspace_destroy(as);
}

static long map_dma(const struct uvf_iommu_backend *backend, void *state,
		    struct uvf_caller *caller, void *page, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.iova = iova,
		.size = PAGE,
	};

	return backend->ioctl(state, caller, VFIO_IOMMU_MAP_DMA,
			      (uintptr_t)&map);
}

static long unmap_dma(const struct uvf_iommu_backend *backend, void *state,
		      struct uvf_caller *caller, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = PAGE,
	};

	return backend->ioctl(state, caller, VFIO_IOMMU_UNMAP_DMA,
			      (uintptr_t)&unmap);
}

static void measure_pairs(struct uvf_mm *mm, void *page)
{
	const struct uvf_iommu_backend *backend = uvf_iommu_backends[0];
	struct uvf_profile profile;
	struct uvf_iommu_host host = {
		.profile = &profile,
		.aperture_bits = 48,
		.page_sizes = PAGE,
		.msi_window = {0xfee00000, 0xfeefffff},
	};
	struct uvf_caller caller = {.mm = mm, .pid = getpid()};
	struct uvf_iommu_member member = {0};
	struct uvf_aspace *as;
	unsigned int rounds = 200000;
	double start;
	void *state;

	need(uvf_profile_parse(&profile, NULL, NULL), "profile");
	need(backend->open(&state, &host, VFIO_TYPE1v2_IOMMU), "open");
	need(backend->attach_group(state, &member, &as), "attach");
	for (uint64_t i = 0; i < HELD; i++)
		need((int)map_dma(backend, state, &caller, page,
				  BASE + i * PAGE),
		     "MAP_DMA");
	start = now();
	for (unsigned int i = 0; i < rounds; i++) {
		need((int)map_dma(backend, state, &caller, page, PAGE), "map");
		need((int)unmap_dma(backend, state, &caller, PAGE), "unmap");
	}
	print("MAP_DMA + UNMAP_DMA, 10,000 held", (now() - start) / rounds);
	backend->detach_group(state, &member);
	backend->release(state);
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
	need(uvf_mem_create(&mem, mm, range, UVF_PROT_READ | UVF_PROT_WRITE),
	     "mem");
	uvf_reader_register();
	uvf_reader_online();
	measure_null();
	measure_copy(page);
	measure_translation(mem);
	measure_pairs(mm, page);
	uvf_reader_unregister();
	uvf_mem_put(mem);
	uvf_mm_put(mm);
	return 0;
}
