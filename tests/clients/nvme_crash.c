/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme_crash UVFIO [POINTS [SEED]]
 *
 * What a disk promises when uvfio dies: a program writes to an emulated disk,
 * uvfio is killed in the middle of it, and the image must hold every write that
 * was completed, each block whole, and nothing that was not written.
 *
 * The writer is this program again.  It keeps a log in shared memory of what it
 * was told; the killer waits until there are so many completions, kills, and
 * reads the image.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/nvme.h"

#define BLOCKS  2048u
#define BLOCK   512u
#define PIECE   16u /* blocks that one command writes at most */
#define DEPTH   16u
#define WORDS   (BLOCK / sizeof(uint32_t))
#define PERCENT 100u

/* What the writer knows; every number grows only. */
struct log {
	uint32_t done;             /* completions of this run */
	uint32_t stamp;            /* the last that was given to a write */
	uint32_t intended[BLOCKS]; /* stamp of the last write sent */
	uint32_t written[BLOCKS];  /* of the last one completed */
	uint32_t durable[BLOCKS];  /* of the last one flushed, or with FUA */
};

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static struct log *open_log(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	struct log *log;

	if (fd < 0 || ftruncate(fd, sizeof(*log)))
		err(1, "%s", path);
	log = mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	if (log == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return log;
}

/* One command of the writer. */
struct slot {
	bool is_busy, is_flush, is_durable;
	uint32_t first, count, stamp;
	uint32_t *data;
	uint32_t *flushed; /* what was written when a flush was sent */
};

static bool is_free(const struct slot *slots, uint32_t first, uint32_t count)
{
	for (unsigned int i = 0; i < DEPTH; i++)
		if (slots[i].is_busy && !slots[i].is_flush &&
		    first < slots[i].first + slots[i].count &&
		    slots[i].first < first + count)
			return false;
	return true;
}

static void send_flush(struct nvme_queue *queue, struct slot *slot,
		       uint16_t cid, const struct log *log)
{
	slot->is_flush = true;
	memcpy(slot->flushed, log->written, sizeof(log->written));
	nvme_put(queue, &(struct nvme_sqe){.cid = cid, .nsid = 1});
}

static void send_write(struct nvme *nvme, struct slot *slots, uint16_t cid,
		       struct log *log)
{
	struct slot *slot = &slots[cid];
	uint64_t iova = nvme_iova(nvme, slot->data);

	/* Two writes of one block at once would be done in any order. */
	do {
		slot->count = 1 + random_below(PIECE);
		slot->first = random_below(BLOCKS - slot->count);
	} while (!is_free(slots, slot->first, slot->count));
	slot->is_flush = false;
	slot->is_durable = !random_below(4);
	slot->stamp = ++log->stamp;
	for (uint32_t i = 0; i < slot->count; i++) {
		for (uint32_t word = 0; word < WORDS; word++)
			slot->data[i * WORDS + word] = slot->stamp;
		log->intended[slot->first + i] = slot->stamp;
	}
	nvme_put(&nvme->queues[1],
		 &(struct nvme_sqe){
			 .opcode = 1,
			 .cid = cid,
			 .nsid = 1,
			 .prp1 = iova,
			 .prp2 = iova + 4096,
			 .cdw10 = slot->first,
			 .cdw12 = (slot->count - 1) |
				  (slot->is_durable ? 1u << 30 : 0),
		 });
}

static void note_done(const struct slot *slot, struct log *log)
{
	if (slot->is_flush) {
		memcpy(log->durable, slot->flushed, sizeof(log->durable));
	} else {
		for (uint32_t i = 0; i < slot->count; i++) {
			log->written[slot->first + i] = slot->stamp;
			if (slot->is_durable)
				log->durable[slot->first + i] = slot->stamp;
		}
	}
	__atomic_add_fetch(&log->done, 1, __ATOMIC_RELEASE);
}

/* Write until somebody ends it. */
static int write_for_ever(const char *path, uint64_t seed)
{
	static struct slot slots[DEPTH];
	struct log *log = open_log(path, O_RDWR);
	struct nvme_cqe cqe;
	struct nvme nvme;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	random_state = seed;
	nvme_open(&nvme, "0000:00:03.0", 1u << 20, true);
	nvme_queue_create(&nvme, 1, false);
	for (unsigned int i = 0; i < DEPTH; i++) {
		slots[i].data = nvme_alloc(&nvme, (size_t)PIECE * BLOCK);
		slots[i].flushed = calloc(BLOCKS, sizeof(uint32_t));
	}
	for (;;) {
		for (uint16_t i = 0; i < DEPTH; i++) {
			if (slots[i].is_busy)
				continue;
			if (random_below(PERCENT) < 5)
				send_flush(&nvme.queues[1], &slots[i], i, log);
			else
				send_write(&nvme, slots, i, log);
			slots[i].is_busy = true;
		}
		nvme_ring(&nvme.queues[1]);
		while (nvme_take(&nvme.queues[1], &cqe)) {
			if (cqe.status)
				errx(1, "status 0x%x", cqe.status);
			note_done(&slots[cqe.cid], log);
			slots[cqe.cid].is_busy = false;
		}
		nvme_taken(&nvme.queues[1]);
	}
}

/* A block that is whole, and not older than what was promised of it. */
static void check_block(const struct log *log, uint32_t block,
			const uint32_t *words)
{
	for (uint32_t i = 1; i < WORDS; i++)
		if (words[i] != words[0])
			errx(1, "block %u is torn: %u and %u", block, words[0],
			     words[i]);
	if (words[0] < log->durable[block] || words[0] < log->written[block] ||
	    words[0] > log->intended[block])
		errx(1,
		     "block %u holds write %u; sent was %u, completed %u, "
		     "flushed %u",
		     block, words[0], log->intended[block], log->written[block],
		     log->durable[block]);
}

static void check_image(const char *path, struct log *log)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	uint32_t words[WORDS];
	int fd = open(path, O_RDONLY);

	/* The kernel ends what was under way after the process is gone. */
	if (fcntl(fd, F_OFD_SETLKW, &lock))
		err(1, "%s", path);
	for (uint32_t block = 0; block < BLOCKS; block++) {
		if (pread(fd, words, BLOCK, (off_t)block * BLOCK) != BLOCK)
			err(1, "%s", path);
		check_block(log, block, words);
		/* The next run begins with what there is. */
		log->intended[block] = words[0];
		log->written[block] = words[0];
		log->durable[block] = words[0];
	}
	close(fd);
}

/* The argument of -d: one way of doing it after another. */
static void make_spec(char *spec, size_t size, const char *image,
		      unsigned int point)
{
	static const char *const ways[] = {"", ",aio=threads",
					   ",cache=writethrough", ",queues=1"};

	(void)snprintf(spec, size, "nvme,file=%s,size=%u%s", image,
		       BLOCKS * BLOCK, ways[point % 4]);
}

/* Start, wait, kill, look. */
static void run_point(char **argv, const char *folder, struct log *log,
		      unsigned int point)
{
	uint32_t target = 1 + random_below(400);
	char image[64], path[64], spec[160], seed[32];
	int status;
	pid_t pid;

	(void)snprintf(image, sizeof(image), "%s/image", folder);
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	(void)snprintf(seed, sizeof(seed), "%llu",
		       (unsigned long long)random_state);
	make_spec(spec, sizeof(spec), image, point);
	log->done = 0;
	pid = fork();
	if (!pid) {
		execl(argv[1], argv[1], "run", "--host=memlock=unlimited", "-d",
		      spec, "--", argv[0], "write", path, seed, NULL);
		_exit(127);
	}
	while (__atomic_load_n(&log->done, __ATOMIC_ACQUIRE) < target) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			errx(1, "uvfio ended by itself: 0x%x", status);
		sched_yield();
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check_image(image, log);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/uvfio-crash-XXXXXX";
	unsigned int points = argc > 2 ? (unsigned int)atoi(argv[2]) : 500;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	struct log *log;
	char path[64];

	if (argc == 4 && !strcmp(argv[1], "write"))
		return write_for_ever(argv[2], seed);
	if (argc < 2)
		errx(2, "usage: %s UVFIO [POINTS [SEED]]", argv[0]);
	if (!mkdtemp(folder))
		err(1, "%s", folder);
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	log = open_log(path, O_RDWR | O_CREAT);
	random_state = seed * 0x9e3779b97f4a7c15u;
	for (unsigned int i = 0; i < points; i++)
		run_point(argv, folder, log, i);
	printf("%u points, %u writes, seed %llu\n", points, log->stamp,
	       (unsigned long long)seed);
	unlink(path);
	(void)snprintf(path, sizeof(path), "%s/image", folder);
	unlink(path);
	rmdir(folder);
	return 0;
}
