/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chaos SECONDS [SEED]: four processes of eight threads open, use and close
 * devices while others unbind, bind, remove and bring them back.
 *
 * What an administrator's write answers is told in advance by a model, one
 * lock for each device; what a user meets must be one of what the moment
 * allows: never two owners of a group, never a dead device behind a
 * descriptor, never an unbind that returns while somebody has it open.
 *
 * Shows T1, T5, T9, T10, T15.
 */
#include "client.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#define PROCESSES     4
#define THREADS       8
#define DEVICES       6
#define GROUPS        5
#define CONFIG_OFFSET (7ull << 40)
#define EDU_LIVENESS  4
#define EDU_IDS       0x11e81234u
#define PATIENCE      120 /* seconds beyond the time given */

/* Two devices share group 1. */
static const struct {
	const char *name;
	int group;
} devices[DEVICES] = {
	{"0000:00:03.0", 1}, {"0000:00:04.0", 1}, {"0000:00:05.0", 2},
	{"0000:00:06.0", 3}, {"0000:00:07.0", 4}, {"0000:00:08.0", 5},
};

/* What all processes know. */
struct shared {
	atomic_bool is_over;
	atomic_int failures;
	atomic_int holders[GROUPS + 1];
	atomic_int opens[DEVICES];
	atomic_uint sessions, used, administered;
	pthread_mutex_t lock[DEVICES]; /* each protects the two below */
	bool is_present[DEVICES];
	bool is_bound[DEVICES];
};

static struct shared *shared;

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return (uint32_t)(dice->state >> 32) % sides;
}

static void blame(const char *what, int device, long got)
{
	atomic_fetch_add(&shared->failures, 1);
	fprintf(stderr, "chaos: %s: %s: %ld (%s)\n", devices[device].name, what,
		got, strerror(errno));
}

/* Whether a call failed with one of these; 0 ends the list. */
static bool failed_with(const int *allowed)
{
	for (; *allowed; allowed++)
		if (errno == *allowed)
			return true;
	return false;
}

static const int gone[] = {ENODEV, EINVAL, 0};

/* The device behind a descriptor answers as long as that is open. */
static void use(int device, int fd, struct dice *dice)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	uint32_t value = roll(dice, UINT32_MAX), ids = 0, command;
	long ret = ioctl(fd, VFIO_DEVICE_GET_INFO, &info);

	if (ret || !(info.flags & VFIO_DEVICE_FLAGS_PCI))
		blame("GET_INFO of an open device", device, ret);
	ret = pread(fd, &ids, sizeof(ids), CONFIG_OFFSET);
	if (ret != sizeof(ids) || ids != EDU_IDS)
		blame("configuration space of an open device", device, ids);
	command = 2;
	(void)!pwrite(fd, &command, 2, CONFIG_OFFSET + 4);
	ret = pwrite(fd, &value, sizeof(value), EDU_LIVENESS);
	if (ret != sizeof(value))
		blame("a write to an open device", device, ret);
	ret = pread(fd, &ids, sizeof(ids), EDU_LIVENESS);
	if (ret != sizeof(ids) || ids != ~value)
		blame("registers of an open device", device, ids);
	atomic_fetch_add(&shared->used, 1);
}

static void try_device(int device, int group, struct dice *dice)
{
	atomic_int *holders = &shared->holders[devices[device].group];
	int fds[2] = {-1, -1};
	int count = 1 + (int)roll(dice, 2);

	for (int i = 0; i < count; i++) {
		fds[i] = ioctl(group, VFIO_GROUP_GET_DEVICE_FD,
			       devices[device].name);
		if (fds[i] >= 0)
			atomic_fetch_add(&shared->opens[device], 1);
		else if (!failed_with(gone))
			blame("GET_DEVICE_FD", device, fds[i]);
	}
	if (fds[0] < 0 && (count == 1 || fds[1] < 0))
		return;
	if (atomic_fetch_add(holders, 1))
		blame("second owner of the group", device, group);
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			use(device, fds[i], dice);
	atomic_fetch_sub(holders, 1);
	for (int i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		atomic_fetch_sub(&shared->opens[device], 1);
		close(fds[i]);
	}
}

static void hold_group(int device, int group, struct dice *dice)
{
	int container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	bool closes_first = roll(dice, 2);

	if (container < 0) {
		blame("open of a container", device, container);
		return;
	}
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container)) {
		if (!failed_with(gone))
			blame("SET_CONTAINER", device, -1);
	} else if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		if (!failed_with(gone))
			blame("SET_IOMMU", device, -1);
	} else {
		if (closes_first)
			close(container);
		try_device(device, group, dice);
	}
	if (!closes_first || roll(dice, 2))
		(void)ioctl(group, VFIO_GROUP_UNSET_CONTAINER);
	if (!closes_first)
		close(container);
}

static void session(int device, struct dice *dice)
{
	static const int refused[] = {EBUSY, ENOENT, ENXIO, ENODEV, 0};
	int number = devices[device].group;
	char path[32];
	int group;

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (group < 0) {
		if (!failed_with(refused))
			blame("open of a group", device, group);
		return;
	}
	atomic_fetch_add(&shared->sessions, 1);
	hold_group(device, group, dice);
	close(group);
}

/* What a write to a file of /sys returned, or a negative errno. */
static long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

#define DRIVER "/sys/bus/pci/drivers/vfio-pci/"

static void expect(const char *what, int device, long got, bool does, long len,
		   int error)
{
	if (got != (does ? len : -error))
		blame(what, device, got);
}

static void nobody_has(const char *what, int device)
{
	int opens = atomic_load(&shared->opens[device]);

	if (opens)
		blame(what, device, opens);
}

static void unbind(int device)
{
	const char *name = devices[device].name;
	bool does = shared->is_bound[device];

	expect("unbind", device, put(DRIVER "unbind", name), does,
	       (long)strlen(name), ENODEV);
	if (does)
		nobody_has("open after its unbind", device);
	shared->is_bound[device] = false;
}

static void bind(int device)
{
	const char *name = devices[device].name;
	bool is_present = shared->is_present[device];

	expect("bind", device, put(DRIVER "bind", name),
	       is_present && !shared->is_bound[device], (long)strlen(name),
	       is_present ? EBUSY : ENODEV);
	shared->is_bound[device] = is_present;
}

static void take_away(int device)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
		 devices[device].name);
	expect("remove", device, put(path, "1\n"), shared->is_present[device],
	       2, ENOENT);
	nobody_has("open after its removal", device);
	shared->is_present[device] = false;
	shared->is_bound[device] = false;
}

static void look(int device)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver",
		 devices[device].name);
	shared->is_present[device] = true;
	shared->is_bound[device] = !access(path, F_OK);
}

/* A device that is new has no override, and no driver wants it. */
static void welcome(int device)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
		 devices[device].name);
	expect("driver_override", device, put(path, "vfio-pci\n"), true, 9, 0);
	look(device);
}

/* Every device may come back, so that all locks are needed. */
static void rescan(void)
{
	for (int i = 0; i < DEVICES; i++)
		pthread_mutex_lock(&shared->lock[i]);
	expect("rescan", 0, put("/sys/bus/pci/rescan", "1\n"), true, 2, 0);
	for (int i = 0; i < DEVICES; i++)
		if (!shared->is_present[i])
			welcome(i);
	for (int i = DEVICES - 1; i >= 0; i--)
		pthread_mutex_unlock(&shared->lock[i]);
}

static void administer(int device, struct dice *dice)
{
	uint32_t choice = roll(dice, 16);

	atomic_fetch_add(&shared->administered, 1);
	if (!choice) {
		rescan();
		return;
	}
	pthread_mutex_lock(&shared->lock[device]);
	if (choice < 2)
		take_away(device);
	else if (choice < 8)
		unbind(device);
	else
		bind(device);
	pthread_mutex_unlock(&shared->lock[device]);
}

static void *run_thread(void *arg)
{
	struct dice dice = {(uint64_t)(uintptr_t)arg};

	while (!atomic_load(&shared->is_over) &&
	       !atomic_load(&shared->failures)) {
		int device = (int)roll(&dice, DEVICES);

		if (roll(&dice, 4))
			session(device, &dice);
		else
			administer(device, &dice);
	}
	return NULL;
}

static void run_process(uint64_t seed, unsigned int number)
{
	pthread_t threads[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		uint64_t own = (seed + number * THREADS + i + 1) *
			       UINT64_C(0x9e3779b97f4a7c15);

		NEED(!pthread_create(&threads[i], NULL, run_thread,
				     (void *)(uintptr_t)own));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	exit(atomic_load(&shared->failures) != 0);
}

static void prepare(void)
{
	pthread_mutexattr_t attr;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(shared != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < DEVICES; i++) {
		pthread_mutex_init(&shared->lock[i], &attr);
		look(i);
	}
}

/* Everything is as at the start. */
static void use_all(struct dice *dice)
{
	rescan();
	for (int i = 0; i < DEVICES; i++) {
		unsigned int used = atomic_load(&shared->used);

		if (!shared->is_bound[i])
			bind(i);
		session(i, dice);
		CHECK(atomic_load(&shared->used) > used);
	}
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	struct dice dice = {1};
	uint64_t seed = 0;
	int status;

	if (!seconds || argc > 3) {
		fprintf(stderr, "usage: chaos SECONDS [SEED]\n");
		return 2;
	}
	if (argc == 3)
		seed = strtoull(argv[2], NULL, 0);
	else
		NEED(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
	printf("seed 0x%llx\n", (unsigned long long)seed);
	fflush(stdout);
	prepare();
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (!fork())
			run_process(seed, i);
	alarm(seconds + PATIENCE);
	/* The length of the run, not a wait for something to happen. */
	for (struct timespec left = {seconds, 0}; nanosleep(&left, &left);)
		;
	atomic_store(&shared->is_over, true);
	while (wait(&status) > 0)
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	use_all(&dice);
	printf("%u groups opened, %u devices used, %u administered\n",
	       atomic_load(&shared->sessions), atomic_load(&shared->used),
	       atomic_load(&shared->administered));
	return client_failures || atomic_load(&shared->failures);
}
