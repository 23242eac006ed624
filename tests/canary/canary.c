/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule of unmap: when a call that takes memory away from devices has
 * returned, no device touches it.
 *
 * Device threads write a pattern wherever they may.  Each round gives them a
 * page, takes it away, and puts a canary there at once.  The page comes back
 * some rounds later, and is looked at first: the canary must be whole.
 * Shows M76.
 *
 * usage: canary [-n ROUNDS] [-s SEED] [-d DEVICES] [VARIANT]...
 * Those rounds are of the first variant; the dearer ones have fewer.  Of two
 * devices, which is the default, one is online (iommu/reader.h); one alone is.
 */
#include "canary/canary.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/profile.h"
#include "mem/copy.h"
#include "mem/self.h"

/* Where a short access may write. */
#define SHORT_BYTES 2304u
/* Seconds from one word about a long run to the next. */
#define PROGRESS_SECONDS 60

static struct stage stage;

void must(long ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "canary: %s: %s\n", what, strerror((int)-ret));
		exit(2);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One device: it writes to where a page may be, again and again. */
static void *device_main(void *arg)
{
	struct device *device = arg;
	uint64_t random = stage.seed + device->number + 1;
	uint8_t *pattern = malloc(LONG_BYTES);
	/* Each has a part of a page for itself. */
	uint64_t part = (stage.is_long ? LONG_BYTES : SHORT_BYTES) / DEVICES;

	if (!pattern)
		exit(2);
	memset(pattern, PATTERN, LONG_BYTES);
	uvf_reader_register();
	/* One of either kind. */
	if (!device->number)
		uvf_reader_online();
	while (!atomic_load_explicit(&stage.must_stop, memory_order_relaxed)) {
		uint64_t x = next_random(&random);
		size_t len = stage.is_long ? LONG_BYTES / DEVICES : 8 + x % 248;
		uint64_t iova = BASE + device->number * part;

		if (!stage.is_long)
			iova += (x >> 20) % 896;

		uvf_lock(&device->dev.lock);
		if (stage.variant->access)
			device->hits += stage.variant->access(device, pattern);
		else
			device->hits += !uvfio_dma_write(&device->dev, iova,
							 pattern, len);
		uvf_unlock(&device->dev.lock);
	}
	uvf_reader_unregister();
	free(pattern);
	return NULL;
}

void aim_devices(struct stage *on, struct uvf_aspace *as)
{
	for (unsigned int i = 0; i < on->device_count; i++)
		uvf_model_set_aspace(&on->devices[i].dev, as);
}

static void start_devices(void)
{
	atomic_store(&stage.must_stop, false);
	for (unsigned int i = 0; i < stage.device_count; i++) {
		struct device *device = &stage.devices[i];

		device->number = i;
		device->hits = 0;
		must(-pthread_create(&device->thread, NULL, device_main,
				     device),
		     "thread");
	}
}

static uint64_t stop_devices(void)
{
	uint64_t hits = 0;

	atomic_store(&stage.must_stop, true);
	for (unsigned int i = 0; i < stage.device_count; i++) {
		pthread_join(stage.devices[i].thread, NULL);
		hits += stage.devices[i].hits;
	}
	return hits;
}

static bool is_whole(const struct page *page, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word;

		memcpy(&word, page->mem + i, 8);
		if (word != page->canary)
			return false;
	}
	return true;
}

static void put_canary(struct page *page, uint64_t canary, size_t size)
{
	page->canary = canary;
	for (size_t i = 0; i < size; i += 8)
		memcpy(page->mem + i, &canary, 8);
}

static void report(unsigned int round, const struct page *page)
{
	size_t size = stage.is_long ? LONG_BYTES : SHORT_BYTES;

	for (size_t i = 0; i < size; i++) {
		uint8_t want = (uint8_t)(page->canary >> i % 8 * 8);

		if (page->mem[i] == want)
			continue;
		printf("canary: %s, seed %llu, round %u: byte %zu is %#x\n",
		       stage.variant->name, (unsigned long long)stage.seed,
		       round, i, page->mem[i]);
		return;
	}
}

/* A run of hours is seen not to be stuck.  Returns when to speak next. */
static double show_progress(unsigned int round, unsigned int rounds, double due)
{
	double at = now();

	if (at < due)
		return due;
	fprintf(stderr, "%s: %u of %u rounds\n", stage.variant->name, round,
		rounds);
	return at + PROGRESS_SECONDS;
}

/* True when no canary was touched. */
static bool run_rounds(unsigned int rounds)
{
	double due = now() + PROGRESS_SECONDS;
	size_t size = stage.is_long ? LONG_BYTES : SHORT_BYTES;
	unsigned int pause = stage.is_long ? 65536 : 256;
	uint64_t random = stage.seed;

	for (unsigned int round = 0; round < rounds; round++) {
		struct page *page = &stage.pages[round % PAGES];

		if (!is_whole(page, size)) {
			report(round, page);
			return false;
		}
		if (round % 16 == 0)
			due = show_progress(round, rounds, due);
		stage.variant->give(&stage, page);
		for (uint64_t i = next_random(&random) % pause; i; i--)
			__builtin_ia32_pause();
		page = stage.variant->take(&stage, page);
		put_canary(page, (next_random(&random) | 1) << 8, size);
	}
	return true;
}

static void init_pages(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		void *mem = mmap(NULL, LONG_BYTES, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		must(mem == MAP_FAILED ? -errno : 0, "memory");
		stage.pages[i].mem = mem;
	}
}

static void init_stage(struct uvf_profile *profile, struct uvf_iommu_host *host)
{
	must(uvf_copy_guard_init(), "guard");
	must(uvf_self_create(&stage.mm), "memory of the process");
	must(uvf_profile_parse(profile, NULL, NULL), "profile");
	stage.host = host;
	uvf_list_init(&stage.member.node);
	stage.caller = (struct uvf_caller){
		.mm = stage.mm,
		.pid = getpid(),
		.ignores_memlock = true,
	};
	for (unsigned int i = 0; i < DEVICES; i++) {
		uvf_mutex_init(&stage.devices[i].dev.lock);
		stage.devices[i].dev.is_bus_master = true;
	}
	init_pages();
}

static bool run_variant(const struct variant *variant, unsigned int rounds)
{
	double start;
	uint64_t hits;
	bool is_ok;

	if (rounds < variant->cost)
		rounds = variant->cost;
	rounds /= variant->cost;
	stage.variant = variant;
	stage.is_long = variant->is_long;
	stage.given = NULL;
	for (unsigned int i = 0; i < PAGES; i++)
		put_canary(&stage.pages[i], 0, LONG_BYTES);
	variant->begin(&stage);
	start_devices();
	start = now();
	is_ok = run_rounds(rounds);
	start = now() - start;
	hits = stop_devices();
	variant->end(&stage);
	for (unsigned int i = 0; i < PAGES && is_ok; i++) {
		if (&stage.pages[i] == stage.given)
			continue;
		is_ok = is_whole(&stage.pages[i],
				 stage.is_long ? LONG_BYTES : SHORT_BYTES);
		if (!is_ok)
			report(rounds, &stage.pages[i]);
	}
	printf("%-8s %9u rounds %7.1f s %9.0f a second %11llu writes\n",
	       variant->name, rounds, start, rounds / start,
	       (unsigned long long)hits);
	fflush(stdout);
	return is_ok;
}

static bool is_named(char **names, const char *name)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct uvf_profile profile;
	struct uvf_iommu_host host = {
		.profile = &profile,
		.aperture_bits = 48,
		.page_sizes = PAGE,
		.msi_window = {0xfee00000, 0xfeefffff},
	};
	unsigned int rounds = 20000;
	bool is_ok = true;
	int option;

	stage.seed = 1;
	stage.device_count = DEVICES;
	while ((option = getopt(argc, argv, "n:s:d:")) != -1) {
		if (option == 'n')
			rounds = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 's')
			stage.seed = strtoull(optarg, NULL, 10);
		else if (option == 'd')
			stage.device_count = *optarg == '1' ? 1 : DEVICES;
		else
			return 2;
	}
	if (!stage.seed)
		stage.seed = 1;
	init_stage(&profile, &host);
	printf("seed %llu\n", (unsigned long long)stage.seed);
	for (const struct variant *v = variants; v->name && is_ok; v++)
		if (is_named(argv + optind, v->name))
			is_ok = run_variant(v, rounds);
	uvf_mm_put(stage.mm);
	return !is_ok;
}
