/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes to /sys and looks at what changes: the answer of each write, and
 * names that come and go.  Runs with two functions, 0000:00:03.0 in group 1
 * and 0000:00:04.0 in group 2, both bound to vfio-pci.
 */
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "../lib/irq.h"
#include "sysfs.h"

#define BUS      "/sys/bus/pci"
#define DEV      BUS "/devices/" DEVICE
#define DRIVER   BUS "/drivers/vfio-pci"
#define UNBIND   DRIVER "/unbind"
#define BIND     DRIVER "/bind"
#define OVERRIDE DEV "/driver_override"
#define CLASS    "/sys/class/vfio/1"
#define NOBODY   65534
#define PAGE     4096

/* Shows G1. */
static void names_follow_the_driver(void)
{
	CHECK(has_name(GROUP) && has_name(CLASS) && has_name(DEV "/driver"));
	CHECK(!sysfs_echo(UNBIND, DEVICE));
	CHECK(!has_name(GROUP) && !has_name(CLASS) && !has_name(DEV "/driver"));
	CHECK(open(GROUP, O_RDWR) < 0 && errno == ENOENT);
	CHECK(has_name("/dev/vfio/2") && has_name("/sys/class/vfio/2"));
	CHECK(has_name(DEV "/iommu_group"));
	CHECK(!sysfs_echo(BIND, DEVICE));
	CHECK(has_name(GROUP) && has_name(CLASS) && has_name(DEV "/driver"));
	CHECK(group_is_free());
}

/* Shows B7, B10. */
static void writes_answer_as_the_kernel(void)
{
	CHECK(sysfs_echo(BIND, DEVICE) == -EBUSY);
	CHECK(sysfs_echo(BIND, "nothing") == -ENODEV);
	CHECK(sysfs_echo(UNBIND, "nothing") == -ENODEV);
	CHECK(sysfs_echo(BUS "/drivers/pci-stub/unbind", DEVICE) == -ENODEV);
	CHECK(sysfs_echo(UNBIND, DEVICE "\n") == -ENODEV);
	CHECK(sysfs_echo(UNBIND, " " DEVICE) == -ENODEV);
	CHECK(sysfs_echo(DRIVER "/new_id", "1234") == -EINVAL);
	CHECK(sysfs_echo(BUS "/drivers_probe", "nothing") == -ENODEV);
	CHECK(sysfs_echo(DEV "/remove", "x") == -EINVAL);
	CHECK(has_name(GROUP));
	CHECK(open(UNBIND, O_RDONLY) < 0 && errno == EACCES);
	CHECK(open(DEV "/vendor", O_WRONLY) < 0 && errno == EACCES);
	CHECK(open(DEV "/nothing", O_WRONLY | O_CREAT, 0600) < 0 &&
	      errno == EACCES);
}

/* Shows B8. */
static void override_is_kept(void)
{
	char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *name;

	NEED(pages != MAP_FAILED);
	CHECK(!sysfs_echo(OVERRIDE, ""));
	CHECK(!strcmp(sysfs_get(OVERRIDE), "(null)\n"));
	/* One write is one value, wherever it lies in memory. */
	name = pages + PAGE - 3;
	memcpy(name, "vfio-pci", 8);
	CHECK(sysfs_put_bytes(OVERRIDE, name, 8) == 8);
	CHECK(!strcmp(sysfs_get(OVERRIDE), "vfio-pci\n"));
	memset(pages, 'x', 3 * PAGE);
	CHECK(sysfs_put_bytes(OVERRIDE, pages, PAGE - 1) == -EINVAL);
	CHECK(!strcmp(sysfs_get(OVERRIDE), "vfio-pci\n"));
	CHECK(sysfs_put_bytes(OVERRIDE, "", 1) == 1);
	CHECK(!strcmp(sysfs_get(OVERRIDE), "(null)\n"));
	munmap(pages, 3 * PAGE);
}

static void every_way_to_write_works(void)
{
	struct iovec parts[] = {{(char *)"", 0}, {(char *)"vfio-pci", 8}};
	int fd = open(OVERRIDE, O_RDWR | O_TRUNC | O_APPEND | O_CLOEXEC);
	int copy = dup(fd);
	void *nowhere =
		mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[64] = "";

	NEED(fd >= 0 && copy >= 0);
	CHECK(read(fd, text, sizeof(text)) == 7);
	CHECK(!strcmp(text, "(null)\n"));
	CHECK(writev(copy, parts, 2) == 8);
	CHECK(!strcmp(sysfs_get(OVERRIDE), "vfio-pci\n"));
	CHECK(pwrite(fd, "\n", 1, 0) == 1);
	CHECK(!strcmp(sysfs_get(OVERRIDE), "(null)\n"));
	close(fd);
	CHECK(write(copy, "pci-stub", 8) == 8);
	CHECK(!strcmp(sysfs_get(OVERRIDE), "pci-stub\n"));
	CHECK(write(copy, "vfio-pci", 8) == 8);
	CHECK(write(copy, nowhere, 4) < 0 && errno == EFAULT);
	close(copy);
}

/* Shows G13. */
static void rights_are_tested_first(void)
{
	int status = 0;
	pid_t pid;

	if (geteuid())
		return;
	pid = fork();
	if (!pid) {
		if (setresgid(NOBODY, NOBODY, NOBODY) ||
		    setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		_exit(open(GROUP, O_RDWR) < 0 && errno == EACCES ? 0 : 2);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!chmod(GROUP, 0666));
	pid = fork();
	if (!pid) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		_exit(open(GROUP, O_RDWR) < 0 ? 2 : 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!chmod(GROUP, 0600));
}

/* Shows G14. */
static void stale_nodes_say_so(void)
{
	char path[] = "/tmp/uvfio-node-XXXXXX", again[64];
	int dir = mkdtemp(path) ? open(path, O_PATH | O_DIRECTORY) : -1;
	int node = open(GROUP, O_PATH | O_CLOEXEC), fd;
	struct stat st;
	bool has_node;

	NEED(dir >= 0 && !stat(GROUP, &st));
	CHECK(S_ISCHR(st.st_mode) && major(st.st_rdev));
	/* Only root makes one, and the view of paths gives no such node. */
	has_node = !mknodat(dir, "node", S_IFCHR | 0600, st.st_rdev);
	if (has_node) {
		fd = openat(dir, "node", O_RDWR | O_CLOEXEC);
		CHECK(fd >= 0);
		close(fd);
	}
	CHECK(!sysfs_echo(UNBIND, DEVICE));
	if (has_node)
		CHECK(openat(dir, "node", O_RDWR) < 0 && errno == ENXIO);
	if (node >= 0) {
		snprintf(again, sizeof(again), "/proc/self/fd/%d", node);
		CHECK(open(again, O_RDWR) < 0 && errno == ENXIO);
		close(node);
	}
	CHECK(!sysfs_echo(BIND, DEVICE));
	(void)unlinkat(dir, "node", 0);
	close(dir);
	CHECK(!rmdir(path));
}

static void file_system_is_sysfs(void)
{
	int fd = open(DEV, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	CHECK(!statfs(DEV, &fs) && fs.f_type == SYSFS_MAGIC);
	CHECK(!fstatfs(fd, &fs) && fs.f_type == SYSFS_MAGIC);
	close(fd);
	CHECK(!statfs("/", &fs) && fs.f_type != SYSFS_MAGIC);
}

static void uevents_are_heard(void)
{
	int fd = uevents_open();

	CHECK(!sysfs_echo(UNBIND, DEVICE));
	CHECK(uevents_hear(fd, "remove@/devices/pci0000:00/" DEVICE
			       "/vfio-dev/vfio0"));
	CHECK(uevents_hear(fd, "remove@/devices/virtual/vfio/1"));
	CHECK(uevents_hear(fd, "unbind@/devices/pci0000:00/" DEVICE));
	CHECK(!sysfs_echo(BIND, DEVICE));
	CHECK(uevents_hear(fd, "add@/devices/virtual/vfio/1"));
	CHECK(uevents_hear(fd, "add@/devices/pci0000:00/" DEVICE
			       "/vfio-dev/vfio0"));
	CHECK(uevents_hear(fd, "bind@/devices/pci0000:00/" DEVICE));
	close(fd);
}

/* A device in use. */
struct user {
	int container;
	int group;
	int device;
};

static struct user use_device(void)
{
	struct user user = {
		.container = open(CONTAINER, O_RDWR | O_CLOEXEC),
		.group = open(GROUP, O_RDWR | O_CLOEXEC),
	};

	NEED(!ioctl(user.group, VFIO_GROUP_SET_CONTAINER, &user.container));
	NEED(!ioctl(user.container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	user.device = ioctl(user.group, VFIO_GROUP_GET_DEVICE_FD, DEVICE);
	NEED(user.device >= 0);
	return user;
}

/* Until the device is on its way out. */
static void wait_until_it_goes(const struct user *user)
{
	int fd;

	while ((fd = ioctl(user->group, VFIO_GROUP_GET_DEVICE_FD, DEVICE)) >= 0)
		close(fd);
	CHECK(errno == ENODEV);
}

/* A process that unbinds it; returns when that waits. */
static pid_t start_unbind(const struct user *user)
{
	pid_t pid = fork();

	if (!pid) {
		/* What is open here would be waited for. */
		close(user->device);
		_exit(sysfs_echo(UNBIND, DEVICE) ? 1 : 0);
	}
	wait_until_it_goes(user);
	return pid;
}

static void stop_using(const struct user *user)
{
	close(user->device);
	close(user->group);
	close(user->container);
}

/* Shows U3. */
static void unbind_waits_for_the_user(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	struct user user = use_device();
	pid_t pid = start_unbind(&user);
	int status = -1, fd;

	/* It holds up nobody. */
	CHECK(!waitpid(pid, &status, WNOHANG));
	CHECK(!ioctl(user.device, VFIO_DEVICE_GET_INFO, &info));
	CHECK(!strcmp(sysfs_get(DEV "/vendor"), "0x1234\n"));
	CHECK(!sysfs_echo(BUS "/devices/0000:00:04.0/driver_override",
			  "vfio-pci"));
	fd = open("/dev/vfio/2", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	close(fd);
	CHECK(!waitpid(pid, &status, WNOHANG));
	close(user.device);
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!has_name(DEV "/driver"));
	stop_using(&user);
	CHECK(!sysfs_echo(BIND, DEVICE));
}

static void waiting_writer_can_be_killed(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	struct user user = use_device();
	pid_t pid = start_unbind(&user);
	int status = 0;

	CHECK(!kill(pid, SIGKILL));
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK(!ioctl(user.device, VFIO_DEVICE_GET_INFO, &info));
	stop_using(&user);
	/* What it began goes on: binding comes after that. */
	CHECK(!sysfs_echo(BIND, DEVICE));
	CHECK(group_is_free());
}

/* Shows O4, V52. */
static void unbind_waits_for_a_mapping(void)
{
	struct vfio_region_info info = {.argsz = sizeof(info)};
	struct user user = use_device();
	pid_t pid = start_unbind(&user);
	volatile uint32_t *bar;
	int status = -1;

	CHECK(!ioctl(user.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	bar = mmap(NULL, info.size, PROT_READ, MAP_SHARED, user.device,
		   (off_t)info.offset);
	NEED(bar != MAP_FAILED);
	stop_using(&user);
	CHECK(*bar == 0x010000ed);
	CHECK(open(GROUP, O_RDWR | O_CLOEXEC) < 0 && errno == EBUSY);
	CHECK(!waitpid(pid, &status, WNOHANG));
	CHECK(!munmap((void *)bar, info.size));
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!has_name(GROUP));
	CHECK(!sysfs_echo(BIND, DEVICE));
}

/* A user that hears when its device is asked for. */
struct listener {
	struct client_vfio vfio;
	int request; /* eventfd */
};

static struct listener listen_on(const char *group, const char *name)
{
	struct listener self = {
		.vfio = {.container = open(CONTAINER, O_RDWR | O_CLOEXEC),
			 .group = open(group, O_RDWR | O_CLOEXEC)},
		.request = eventfd(0, EFD_CLOEXEC),
	};
	struct irq_one irqs = irq_one(VFIO_PCI_REQ_IRQ_INDEX, self.request);
	struct client_vfio *vfio = &self.vfio;

	NEED(!ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container));
	NEED(!ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, name);
	NEED(vfio->device >= 0);
	NEED(!ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, &irqs));
	return self;
}

/* As a shell does it: the file is truncated first. */
static pid_t echo_unbind(const struct listener *users, const char *name)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	close(users[0].vfio.device);
	close(users[1].vfio.device);
	fd = open(UNBIND, O_WRONLY | O_TRUNC);
	_exit(write(fd, name, strlen(name)) == (ssize_t)strlen(name) ? 0 : 1);
}

static void two_devices_are_unbound_at_once(void)
{
	struct listener users[] = {listen_on(GROUP, DEVICE),
				   listen_on("/dev/vfio/2", "0000:00:04.0")};
	pid_t pids[] = {echo_unbind(users, DEVICE),
			echo_unbind(users, "0000:00:04.0")};

	/* Neither lets go before both were asked. */
	for (int i = 0; i < 2; i++) {
		struct pollfd asked = {.fd = users[i].request,
				       .events = POLLIN};

		CHECK(poll(&asked, 1, 20000) == 1);
	}
	for (int i = 0; i < 2; i++) {
		client_close(&users[i].vfio);
		close(users[i].request);
	}
	CHECK(client_wait(pids[0]) == 0);
	CHECK(client_wait(pids[1]) == 0);
	CHECK(!sysfs_echo(BIND, DEVICE));
	CHECK(!sysfs_echo(BIND, "0000:00:04.0"));
}

static void *let_go(void *arg)
{
	struct user *user = arg;

	wait_until_it_goes(user);
	close(user->device);
	return NULL;
}

/* Shows U12. */
static void who_unbinds_its_own_device_waits_for_itself(void)
{
	struct user user = use_device();
	pthread_t thread;

	NEED(!pthread_create(&thread, NULL, let_go, &user));
	CHECK(!sysfs_echo(UNBIND, DEVICE));
	pthread_join(thread, NULL);
	CHECK(!has_name(GROUP));
	close(user.group);
	close(user.container);
	CHECK(!sysfs_echo(BIND, DEVICE));
}

static int waits_at[2]; /* a pipe: one byte when the unbind waits */

static void *tell(void *arg)
{
	wait_until_it_goes(arg);
	CHECK(write(waits_at[1], "", 1) == 1);
	return NULL;
}

/* Shows U12.  It need not let go if it dies. */
static void who_waits_for_itself_can_be_killed(void)
{
	int status = 0;
	char byte;
	pid_t pid;

	NEED(!pipe(waits_at));
	pid = fork();
	if (!pid) {
		struct user user = use_device();
		pthread_t thread;

		NEED(!pthread_create(&thread, NULL, tell, &user));
		_exit(sysfs_echo(UNBIND, DEVICE) ? 1 : 0);
	}
	NEED(read(waits_at[0], &byte, 1) == 1);
	CHECK(!kill(pid, SIGKILL));
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	/* The unbind goes on, and binding comes after that. */
	CHECK(!sysfs_echo(BIND, DEVICE));
	CHECK(group_is_free());
	close(waits_at[0]);
	close(waits_at[1]);
}

int main(int argc, char **argv)
{
	names_follow_the_driver();
	writes_answer_as_the_kernel();
	override_is_kept();
	every_way_to_write_works();
	rights_are_tested_first();
	stale_nodes_say_so();
	file_system_is_sysfs();
	unbind_waits_for_the_user();
	waiting_writer_can_be_killed();
	unbind_waits_for_a_mapping();
	two_devices_are_unbound_at_once();
	who_unbinds_its_own_device_waits_for_itself();
	who_waits_for_itself_can_be_killed();
	/* Where namespaces are refused, they are the host's. */
	if (argc < 2 || strcmp(argv[1], "refused") != 0)
		uevents_are_heard();
	return client_status();
}
