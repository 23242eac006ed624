/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is mapped for DMA, against the limit of locked memory: as on
 * Linux a page counts for each page of a mapping, and for the process that
 * mapped it.  Runs with two devices in groups of their own.
 */
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "client.h"

#define PAGE  4096ull
#define LIMIT 16 /* pages */
#define A     0x100000ull
#define B     0x200000ull

static uint8_t *memory;

/* In the effective set; who may not have it keeps as it is. */
static void set_ipc_lock(bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {0};
	uint32_t bit = 1u << CAP_IPC_LOCK;

	NEED(!syscall(SYS_capget, &head, data));
	data[0].effective &= ~bit;
	if (on)
		data[0].effective |= data[0].permitted & bit;
	NEED(!syscall(SYS_capset, &head, data));
}

static bool may_have_ipc_lock(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {0};

	NEED(!syscall(SYS_capget, &head, data));
	return data[0].permitted & (1u << CAP_IPC_LOCK);
}

static void set_limit(uint64_t bytes)
{
	struct rlimit limit;

	NEED(!getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = bytes;
	NEED(!setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* 0 or an errno. */
static int map(int container, uint64_t iova, uint64_t pages)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = pages * PAGE,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &arg) ? errno : 0;
}

/* How many pages went. */
static uint64_t unmap(int container, uint64_t iova, uint64_t pages)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = pages * PAGE,
	};

	CHECK(!ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg));
	return arg.size / PAGE;
}

/* How many pages more may be mapped. */
static uint64_t room(int container)
{
	uint64_t pages = 0;

	while (pages < 2 * LIMIT && !map(container, B + pages * PAGE, 1))
		pages++;
	CHECK(unmap(container, B, 2 * LIMIT) == pages);
	return pages;
}

/* Shows M15. */
static void exactly_the_limit_may_be_mapped(int container)
{
	set_limit(LIMIT * PAGE + PAGE - 1);
	CHECK(map(container, A, LIMIT + 1) == ENOMEM);
	CHECK(room(container) == LIMIT);
	CHECK(!map(container, A, LIMIT));
	CHECK(map(container, B, 1) == ENOMEM);
	CHECK(unmap(container, A, LIMIT) == LIMIT);
	/* The same memory twice. */
	CHECK(!map(container, A, LIMIT / 2));
	CHECK(map(container, B, LIMIT / 2 + 1) == ENOMEM);
	CHECK(!map(container, B, LIMIT / 2));
	CHECK(unmap(container, A, LIMIT / 2) == LIMIT / 2);
	CHECK(unmap(container, B, LIMIT / 2) == LIMIT / 2);
}

static void the_limit_is_that_of_the_moment(int container)
{
	set_limit(0);
	CHECK(map(container, A, 1) == ENOMEM);
	set_limit(PAGE);
	CHECK(!map(container, A, 1));
	CHECK(map(container, B, 1) == ENOMEM);
	set_limit(3 * PAGE);
	CHECK(room(container) == 2);
	CHECK(unmap(container, A, 1) == 1);
	set_limit(LIMIT * PAGE);
}

static void a_capability_lifts_it(int container)
{
	if (!may_have_ipc_lock())
		return;
	set_ipc_lock(true);
	CHECK(!map(container, A, LIMIT + 1));
	set_ipc_lock(false);
	CHECK(map(container, B, 1) == ENOMEM);
	CHECK(unmap(container, A, LIMIT + 1) == LIMIT + 1);
	CHECK(room(container) == LIMIT);
}

static void two_containers_share_it(int container)
{
	int second = open(CONTAINER, O_RDWR | O_CLOEXEC);
	int group = open("/dev/vfio/2", O_RDWR | O_CLOEXEC);

	NEED(second >= 0 && group >= 0);
	NEED(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &second));
	NEED(!ioctl(second, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	CHECK(!map(container, A, LIMIT - 1));
	CHECK(map(second, A, 2) == ENOMEM);
	CHECK(!map(second, A, 1));
	CHECK(room(container) == 0);
	/* The last group gives back what its container holds. */
	close(group);
	CHECK(room(container) == 1);
	close(second);
	CHECK(unmap(container, A, LIMIT - 1) == LIMIT - 1);
}

static void a_child_pays_for_itself(int container)
{
	pid_t pid;

	CHECK(!map(container, A, LIMIT));
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		CHECK(room(container) == LIMIT);
		CHECK(!map(container, B, LIMIT));
		/* What it unmaps is the parent's. */
		CHECK(unmap(container, A, LIMIT) == LIMIT);
		CHECK(map(container, A, 1) == ENOMEM);
		_exit(client_status());
	}
	CHECK(!client_wait(pid));
	CHECK(!map(container, A, LIMIT));
	CHECK(unmap(container, A, LIMIT) == LIMIT);
	CHECK(unmap(container, B, LIMIT) == LIMIT);
	CHECK(room(container) == LIMIT);
}

/* Runs itself again, with the container. */
static void another_program_begins_with_nothing(int container, char *self)
{
	char number[16];
	char *argv[] = {self, number, NULL};
	pid_t pid;

	snprintf(number, sizeof(number), "%d", container);
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		CHECK(!map(container, A, LIMIT));
		CHECK(!fcntl(container, F_SETFD, 0));
		execv(self, argv);
		_exit(1);
	}
	CHECK(!client_wait(pid));
	CHECK(unmap(container, A, LIMIT) == 0);
}

static int after_exec(int container)
{
	CHECK(room(container) == LIMIT);
	CHECK(unmap(container, A, LIMIT) == LIMIT);
	CHECK(room(container) == LIMIT);
	return client_status();
}

int main(int argc, char **argv)
{
	struct client_vfio vfio;

	memory = mmap(NULL, 2 * LIMIT * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(memory != MAP_FAILED);
	set_ipc_lock(false);
	if (argc == 2)
		return after_exec(atoi(argv[1]));
	vfio = client_open();
	exactly_the_limit_may_be_mapped(vfio.container);
	the_limit_is_that_of_the_moment(vfio.container);
	a_capability_lifts_it(vfio.container);
	two_containers_share_it(vfio.container);
	a_child_pays_for_itself(vfio.container);
	another_program_begins_with_nothing(vfio.container, argv[0]);
	client_close(&vfio);
	return client_status();
}
