/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme [-a] [-i] [-w] [-q DEPTH] [-n COUNT] [ADDRESS]
 *
 * Reads, or with -w writes, 4 KiB at random places of namespace 1, DEPTH at a
 * time, by one polling thread, and prints how many a second and how long each
 * took.  -a: memory of the process's own, not shared.  -i: sleep until the
 * interrupt comes, one at a time.  It is a VFIO program like any other, for a
 * real kernel too.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../tests/lib/nvme.h"

#define PIECE 4096u

static struct {
	bool is_anonymous, has_interrupts, writes;
	unsigned int depth;
	unsigned long count;
} options = {.depth = 64, .count = 1000000};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t random_block(const struct nvme *nvme)
{
	static uint64_t state = 88172645463325252u;
	uint64_t pieces = nvme->blocks * nvme->block / PIECE;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % pieces * (PIECE / nvme->block);
}

static void put(struct nvme *nvme, struct nvme_queue *queue, uint16_t cid,
		const uint8_t *buffers)
{
	uint64_t block = random_block(nvme);

	nvme_put(queue, &(struct nvme_sqe){
				.opcode = options.writes ? 1 : 2,
				.cid = cid,
				.nsid = 1,
				.prp1 = nvme_iova(nvme, buffers + cid * PIECE),
				.cdw10 = (uint32_t)block,
				.cdw11 = (uint32_t)(block >> 32),
				.cdw12 = PIECE / nvme->block - 1,
			});
}

static void wait_for(struct nvme_queue *queue)
{
	uint64_t count;

	if (read(queue->event, &count, sizeof(count)) != sizeof(count))
		err(1, "eventfd");
}

/* As many as there are to be, with so many under way all the time. */
static void run(struct nvme *nvme, struct nvme_queue *queue,
		const uint8_t *buffers)
{
	unsigned long put_count = 0, done = 0;
	struct nvme_cqe cqe;

	for (; put_count < options.depth; put_count++)
		put(nvme, queue, (uint16_t)put_count, buffers);
	nvme_ring(queue);
	while (done < options.count) {
		unsigned long before = done;

		if (options.has_interrupts)
			wait_for(queue);
		for (; nvme_take(queue, &cqe); done++) {
			if (cqe.status)
				errx(1, "status 0x%x", cqe.status);
			if (put_count < options.count) {
				put(nvme, queue, cqe.cid, buffers);
				put_count++;
			}
		}
		if (done == before)
			continue;
		nvme_taken(queue);
		nvme_ring(queue);
	}
}

int main(int argc, char **argv)
{
	const char *address = "0000:00:03.0";
	uint8_t *buffers;
	struct nvme nvme;
	double start, time;
	int c;

	while ((c = getopt(argc, argv, "aiwq:n:")) != -1) {
		switch (c) {
		case 'a':
			options.is_anonymous = true;
			break;
		case 'i':
			options.has_interrupts = true;
			options.depth = 1;
			break;
		case 'w':
			options.writes = true;
			break;
		case 'q':
			options.depth = (unsigned int)atoi(optarg);
			break;
		case 'n':
			options.count = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind < argc)
		address = argv[optind];
	if (!options.depth || options.depth >= NVME_ENTRIES ||
	    options.count < options.depth)
		errx(2, "a depth from 1 to %u, and at least as many commands",
		     NVME_ENTRIES - 1);
	nvme_open(&nvme, address, 4u << 20, !options.is_anonymous);
	nvme_queue_create(&nvme, 1, options.has_interrupts);
	buffers = nvme_alloc(&nvme, (size_t)options.depth * PIECE);
	run(&nvme, &nvme.queues[1], buffers);
	start = now();
	run(&nvme, &nvme.queues[1], buffers);
	time = now() - start;
	printf("%.0f a second, %.2f us each\n", (double)options.count / time,
	       time / (double)options.count * 1e6 * options.depth);
	nvme_close(&nvme);
	return 0;
}
