/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many threads and processes at once: each has its own descriptors, one group
 * is for one of them at a time, and nothing is lost or mixed up.
 */
#include "client.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define THREADS   8
#define PROCESSES 4
#define ROUNDS    300

static void *open_and_close(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open(CONTAINER, O_RDWR | O_CLOEXEC);

		CHECK(ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
		CHECK(ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) == 1);
		CHECK(ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0 &&
		      errno == EINVAL);
		close(fd);
	}
	return NULL;
}

static int group_holders; /* at most one at a time */

static void *fight_for_the_group(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open(GROUP, O_RDWR | O_CLOEXEC);

		if (fd < 0) {
			CHECK(errno == EBUSY);
			continue;
		}
		CHECK(__atomic_add_fetch(&group_holders, 1, __ATOMIC_SEQ_CST) ==
		      1);
		sched_yield();
		__atomic_sub_fetch(&group_holders, 1, __ATOMIC_SEQ_CST);
		close(fd);
	}
	return NULL;
}

static void run_threads(void *(*fn)(void *))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		NEED(!pthread_create(&threads[i], NULL, fn, NULL));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void run_processes(void)
{
	pid_t pids[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			run_threads(open_and_close);
			_exit(client_status());
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		CHECK(client_wait(pids[i]) == 0);
}

/* A thread that has a table of its own: the same number, another file. */
static void *own_table(void *arg)
{
	int fd = *(int *)arg;

	NEED(!unshare(CLONE_FILES));
	close(fd);
	CHECK(ioctl(fd, VFIO_GET_API_VERSION) < 0 && errno == EBADF);
	CHECK(open(GROUP, O_RDWR) == fd);
	CHECK(ioctl(fd, VFIO_GET_API_VERSION) < 0 && errno == ENOTTY);
	close(fd);
	return NULL;
}

static void a_thread_may_have_a_table_of_its_own(void)
{
	int fd = open(CONTAINER, O_RDWR);
	pthread_t thread;

	NEED(!pthread_create(&thread, NULL, own_table, &fd));
	pthread_join(thread, NULL);
	CHECK(ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	close(fd);
}

/*
 * Short-lived threads get the numbers of those before them, as the system
 * counts, only after a long time; here many at least have been.
 */
static void *one_call(void *arg)
{
	CHECK(ioctl(*(int *)arg, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	return NULL;
}

static void threads_come_and_go(void)
{
	int fd = open(CONTAINER, O_RDWR);

	for (int i = 0; i < 1000; i++) {
		pthread_t thread;

		NEED(!pthread_create(&thread, NULL, one_call, &fd));
		pthread_join(thread, NULL);
	}
	close(fd);
}

int main(void)
{
	run_threads(open_and_close);
	run_threads(fight_for_the_group);
	CHECK(group_is_free());
	run_processes();
	a_thread_may_have_a_table_of_its_own();
	threads_come_and_go();
	CHECK(group_is_free());
	return client_status();
}
