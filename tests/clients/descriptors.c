/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies of a descriptor are one file, whichever way they are made, and the
 * file lives as long as the last of them, or a mapping of it.
 */
#include "client.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int is_container(int fd)
{
	return ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION;
}

static void a_number_stands_for_what_is_open_there(void)
{
	int container = open(CONTAINER, O_RDWR);
	int null = open("/dev/null", O_RDWR);
	int group;

	CHECK(is_container(container));
	/* The same number becomes something else, and back. */
	CHECK(dup2(null, container) == container);
	CHECK(ioctl(container, VFIO_GET_API_VERSION) < 0 && errno == ENOTTY);
	close(container);
	CHECK(ioctl(container, VFIO_GET_API_VERSION) < 0 && errno == EBADF);
	group = open(GROUP, O_RDWR);
	CHECK(group == container);
	CHECK(ioctl(group, VFIO_GET_API_VERSION) < 0 && errno == ENOTTY);
	close(group);
	close(null);
	CHECK(ioctl(-1, VFIO_GET_API_VERSION) < 0 && errno == EBADF);
}

static void the_lowest_number_is_taken(void)
{
	int first = open("/dev/null", O_RDONLY);
	int second = open(CONTAINER, O_RDWR);

	CHECK(second == first + 1);
	close(first);
	CHECK(open(CONTAINER, O_RDWR) == first);
	close(first);
	close(second);
}

static void flags_are_those_of_the_open(void)
{
	int fd = open(CONTAINER, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) ==
	      (O_RDWR | O_NONBLOCK));
	close(fd);
	fd = open(CONTAINER, O_RDWR);
	CHECK(fcntl(fd, F_GETFD) == 0);
	close(fd);
	fd = open(CONTAINER, O_RDONLY);
	CHECK(is_container(fd));
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	close(fd);
	fd = open(CONTAINER, O_WRONLY);
	CHECK(is_container(fd));
	close(fd);
	CHECK(open(CONTAINER, O_RDWR | O_CREAT | O_EXCL, 0600) < 0 &&
	      errno == EEXIST);
	CHECK(open(CONTAINER, O_RDWR | O_DIRECTORY) < 0 && errno == ENOTDIR);
	fd = creat(CONTAINER, 0600);
	CHECK(is_container(fd));
	close(fd);
}

static void an_open_group_is_busy_until_its_last_copy_goes(void)
{
	int group = open(GROUP, O_RDWR);
	int copies[3];

	CHECK(open(GROUP, O_RDWR) < 0 && errno == EBUSY);
	copies[0] = dup(group);
	copies[1] = fcntl(group, F_DUPFD, 100);
	copies[2] = dup2(group, 200);
	close(group);
	for (int i = 0; i < 3; i++) {
		struct vfio_group_status status = {.argsz = sizeof(status)};

		CHECK(!group_is_free());
		CHECK(!ioctl(copies[i], VFIO_GROUP_GET_STATUS, &status));
		close(copies[i]);
	}
	CHECK(group_is_free());
	for (int i = 0; i < 2000; i++) {
		group = open(GROUP, O_RDWR);
		if (group < 0) {
			CHECK(group >= 0);
			break;
		}
		close(group);
	}
}

static void dup2_over_the_last_copy_is_a_close(void)
{
	int group = open(GROUP, O_RDWR);
	int null = open("/dev/null", O_RDWR);

	CHECK(dup2(null, group) == group);
	CHECK(group_is_free());
	close(group);
	close(null);
}

static void a_child_shares_what_is_open(void)
{
	int group = open(GROUP, O_RDWR);
	int go[2];
	char byte = 0;
	pid_t pid;

	NEED(!pipe(go));
	pid = fork();
	if (!pid) {
		struct vfio_group_status status = {.argsz = sizeof(status)};

		close(go[1]);
		(void)!read(go[0], &byte, 1);
		_exit(ioctl(group, VFIO_GROUP_GET_STATUS, &status) ? 1 : 0);
	}
	close(go[0]);
	close(group);
	CHECK(!group_is_free());
	CHECK(write(go[1], &byte, 1) == 1);
	CHECK(client_wait(pid) == 0);
	CHECK(group_is_free());
	close(go[1]);
}

static void a_killed_child_closes(void)
{
	pid_t pid;
	int ready[2];
	char byte = 0;

	NEED(!pipe(ready));
	pid = fork();
	if (!pid) {
		int group = open(GROUP, O_RDWR);

		(void)!write(ready[1], &byte, 1);
		while (group >= 0)
			pause();
		_exit(1);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(!group_is_free());
	kill(pid, SIGKILL);
	CHECK(client_wait(pid) == -1);
	CHECK(group_is_free());
	close(ready[0]);
	close(ready[1]);
}

/* What exec() starts: the number is our argument. */
static int main_after_exec(const char *arg)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int group = atoi(arg);

	if (ioctl(group, VFIO_GROUP_GET_STATUS, &status))
		return 1;
	if (group_is_free())
		return 2;
	close(group);
	return group_is_free() ? 0 : 3;
}

static void exec_keeps_what_is_not_close_on_exec(const char *self)
{
	char number[16];
	int group = open(GROUP, O_RDWR);
	pid_t pid;

	snprintf(number, sizeof(number), "%d", group);
	pid = fork();
	if (!pid) {
		/* The child's copy is the last one. */
		usleep(10000);
		execl(self, self, number, NULL);
		_exit(9);
	}
	close(group);
	CHECK(client_wait(pid) == 0);
	group = open(GROUP, O_RDWR | O_CLOEXEC);
	snprintf(number, sizeof(number), "%d", group);
	pid = fork();
	if (!pid) {
		execl(self, self, number, NULL);
		_exit(9);
	}
	CHECK(client_wait(pid) == 1);
	close(group);
	CHECK(group_is_free());
}

static int send_fd(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = {&byte, 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -1;
}

static int receive_fd(int socket)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void a_socket_carries_it_to_another_process(void)
{
	int sv[2];
	pid_t pid;
	int group;

	NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	pid = fork();
	if (!pid) {
		struct vfio_group_status status = {.argsz = sizeof(status)};

		group = receive_fd(sv[1]);
		_exit(ioctl(group, VFIO_GROUP_GET_STATUS, &status) ? 1 : 0);
	}
	close(sv[1]);
	group = open(GROUP, O_RDWR);
	CHECK(!send_fd(sv[0], group));
	close(group);
	CHECK(client_wait(pid) == 0);
	CHECK(group_is_free());
	close(sv[0]);
}

/* From here on this process opens nothing. */
static int forbid_opens(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* A process without the right to open the group uses its device. */
static int use_without_rights(int socket)
{
	struct vfio_region_info region = {.argsz = sizeof(region)};
	struct vfio_device_info info = {.argsz = sizeof(info)};
	uint32_t id = 0;
	int device;

	CHECK(!forbid_opens());
	CHECK(open(GROUP, O_RDWR) < 0 && errno == EACCES);
	device = receive_fd(socket);
	CHECK(!ioctl(device, VFIO_DEVICE_GET_INFO, &info));
	CHECK(info.flags & VFIO_DEVICE_FLAGS_PCI);
	CHECK(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region));
	CHECK(pread(device, &id, sizeof(id), (off_t)region.offset) ==
	      sizeof(id));
	CHECK(id == 0x010000ed);
	CHECK(pwrite(device, &id, sizeof(id), (off_t)region.offset + 4) ==
	      sizeof(id));
	return client_status();
}

/* Shows O5. */
static void a_device_works_where_its_group_cannot_be_opened(void)
{
	struct client_vfio vfio;
	int sv[2];
	pid_t pid;

	NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	pid = fork();
	if (!pid)
		_exit(use_without_rights(sv[1]));
	close(sv[1]);
	vfio = client_open();
	CHECK(!send_fd(sv[0], vfio.device));
	client_close(&vfio);
	CHECK(client_wait(pid) == 0);
	CHECK(group_is_free());
	close(sv[0]);
}

static void on_its_way_through_a_socket_it_is_open(void)
{
	int sv[2];
	int group = open(GROUP, O_RDWR);

	NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK(!send_fd(sv[0], group));
	close(group);
	CHECK(!group_is_free());
	close(sv[0]);
	close(sv[1]);
	CHECK(group_is_free());
}

static void two_containers_are_two(void)
{
	struct client_vfio vfio = client_open();
	int other = open(CONTAINER, O_RDWR);
	int api = ioctl(other, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);

	CHECK(api < 0 && errno == EINVAL);
	close(other);
	client_close(&vfio);
	CHECK(group_is_free());
}

static void the_device_holds_its_group(void)
{
	struct client_vfio vfio = client_open();

	close(vfio.container);
	close(vfio.group);
	CHECK(!group_is_free());
	close(vfio.device);
	CHECK(group_is_free());
}

/* Shows V52. */
static void a_mapping_holds_the_device(void)
{
	struct client_vfio vfio = client_open();
	struct vfio_region_info info = {.argsz = sizeof(info)};
	void *p;

	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	p = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 vfio.device, (off_t)info.offset);
	NEED(p != MAP_FAILED);
	client_close(&vfio);
	CHECK(!group_is_free());
	munmap(p, info.size);
	CHECK(group_is_free());
}

static void opening_proc_self_fd_is_opening_the_node(void)
{
	int group = open(GROUP, O_RDWR);
	int container = open(CONTAINER, O_RDWR);
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", group);
	CHECK(open(path, O_RDWR) < 0 && errno == EBUSY);
	/* A look without rights to use it must not end its life. */
	other = open(path, O_RDONLY | O_CLOEXEC);
	if (other >= 0)
		close(other);
	CHECK(!group_is_free());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", container);
	other = open(path, O_RDWR);
	CHECK(is_container(other));
	close(other);
	CHECK(is_container(container));
	close(container);
	close(group);
	CHECK(group_is_free());
}

static void calls_that_make_no_sense_fail_as_in_linux(void)
{
	int fd = open(CONTAINER, O_RDWR);

	CHECK(fsync(fd) < 0 && errno == EINVAL);
	CHECK(fdatasync(fd) < 0 && errno == EINVAL);
	CHECK(ftruncate(fd, 0) < 0 && errno == EINVAL);
	CHECK(fallocate(fd, 0, 0, 4096) < 0 && errno == ENODEV);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == ENODEV);
	close(fd);
	fd = open("/dev/null", O_RDWR);
	CHECK(fsync(fd) < 0 && errno == EINVAL);
	close(fd);
}

static void openat2_and_relative_paths_reach_the_node(void)
{
	uint64_t how[3] = {O_RDWR, 0, 0};
	int dir = open("/dev/vfio", O_PATH | O_DIRECTORY);
	int fd = openat(dir, "vfio", O_RDWR);

	CHECK(is_container(fd));
	close(fd);
	fd = (int)syscall(SYS_openat2, dir, "vfio", how, sizeof(how));
	CHECK(is_container(fd));
	close(fd);
	fd = openat(dir, "../vfio/./vfio", O_RDWR);
	CHECK(is_container(fd));
	close(fd);
	close(dir);
	CHECK(!chdir("/dev"));
	fd = open("vfio/vfio", O_RDWR);
	CHECK(is_container(fd));
	close(fd);
	CHECK(open("vfio/no-such-node", O_RDWR) < 0 && errno == ENOENT);
	CHECK(!chdir("/"));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return main_after_exec(argv[1]);
	a_number_stands_for_what_is_open_there();
	the_lowest_number_is_taken();
	flags_are_those_of_the_open();
	an_open_group_is_busy_until_its_last_copy_goes();
	dup2_over_the_last_copy_is_a_close();
	a_child_shares_what_is_open();
	a_killed_child_closes();
	exec_keeps_what_is_not_close_on_exec("/proc/self/exe");
	a_socket_carries_it_to_another_process();
	a_device_works_where_its_group_cannot_be_opened();
	on_its_way_through_a_socket_it_is_open();
	two_containers_are_two();
	the_device_holds_its_group();
	a_mapping_holds_the_device();
	opening_proc_self_fd_is_opening_the_node();
	calls_that_make_no_sense_fail_as_in_linux();
	openat2_and_relative_paths_reach_the_node();
	(void)argv;
	return client_status();
}
