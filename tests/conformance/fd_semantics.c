/* SPDX-License-Identifier: BSD-3-Clause */
/* What ordinary system calls say about container, group and device fds. */
#include "lib.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char byte;

static void pread_(int fd)
{
	result(pread(fd, &byte, 1, 0));
}

static void pread_negative(int fd)
{
	result(pread(fd, &byte, 1, -1));
}

static void pwrite_nothing(int fd)
{
	result(pwrite(fd, &byte, 0, 0));
}

static void map_with(int fd, size_t len, int prot, int flags)
{
	void *p = mmap(NULL, len, prot, flags, fd, 7ll << 40);

	result(p == MAP_FAILED ? -1 : 0);
}

static void mmap_shared(int fd)
{
	map_with(fd, PAGE, PROT_READ, MAP_SHARED);
}

static void mmap_private(int fd)
{
	map_with(fd, PAGE, PROT_READ, MAP_PRIVATE);
}

static void mmap_nothing(int fd)
{
	map_with(fd, 0, PROT_READ, MAP_SHARED);
}

static void poll_all(int fd)
{
	struct pollfd p = {.fd = fd, .events = 0x7fff};

	result(poll(&p, 1, 0));
	hex("revents", (unsigned short)p.revents);
}

static void select_(int fd)
{
	struct timeval now = {0, 0};
	fd_set r, w, x;

	FD_ZERO(&r);
	FD_SET(fd, &r);
	w = x = r;
	result(select(fd + 1, &r, &w, &x, &now));
	value("read", FD_ISSET(fd, &r));
	value("write", FD_ISSET(fd, &w));
	value("except", FD_ISSET(fd, &x));
}

static void epoll_add(int fd)
{
	struct epoll_event e = {.events = EPOLLIN};
	int ep = epoll_create1(0);

	result(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
}

static void fsync_(int fd)
{
	result(fsync(fd));
}

static void fdatasync_(int fd)
{
	result(fdatasync(fd));
}

static void ftruncate_(int fd)
{
	result(ftruncate(fd, 0));
}

static void fallocate_(int fd)
{
	result(fallocate(fd, 0, 0, PAGE));
}

static void fionbio(int fd)
{
	int on = 1;

	result(ioctl(fd, FIONBIO, &on));
	value("nonblock", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

static void fioasync(int fd)
{
	int on = 1;

	result(ioctl(fd, FIOASYNC, &on));
}

static void fioasync_off(int fd)
{
	int off = 0;

	result(ioctl(fd, FIOASYNC, &off));
}

static void fioclex(int fd)
{
	fcntl(fd, F_SETFD, 0);
	result(ioctl(fd, FIOCLEX));
	value("cloexec", fcntl(fd, F_GETFD));
	ioctl(fd, FIONCLEX);
	value("then", fcntl(fd, F_GETFD));
}

static void fioqsize(int fd)
{
	loff_t size = 0;

	result(ioctl(fd, FIOQSIZE, &size));
}

static void fionread(int fd)
{
	int n = 0;

	result(ioctl(fd, FIONREAD, &n));
}

static void isatty_(int fd)
{
	int is = isatty(fd);

	if (is)
		result(is);
	else
		result(-1);
}

static void getfl(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	result(flags & O_ACCMODE);
	hex("others", (unsigned int)flags & (O_APPEND | O_NONBLOCK | O_DIRECT |
					     O_DIRECTORY | O_PATH));
}

static void setfl(int fd)
{
	result(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND));
	hex("others", (unsigned int)fcntl(fd, F_GETFL) &
			      (O_APPEND | O_NONBLOCK | O_DIRECT));
}

static void o_path_copy(int fd)
{
	char path[64];
	int copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	copy = open(path, O_PATH);
	result_fd(copy);
	outcome("ioctl", ioctl(copy, VFIO_GET_API_VERSION));
}

static void lock(int fd)
{
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	result(fcntl(fd, F_SETLK, &l));
}

static void dup_has_no_cloexec(int fd)
{
	result(fcntl(dup(fd), F_GETFD));
	value("cloexec", fcntl(fcntl(fd, F_DUPFD_CLOEXEC, 0), F_GETFD));
}

static void bad_command(int fd)
{
	result(ioctl(fd, ~0ul));
}

/* What needs no answer of the driver on an ordinary file. */
static void plain_file_calls(int fd)
{
	struct iovec v = {&byte, 1};
	struct stat st;

	result(read(fd, &byte, 1));
	outcome("read_nothing", read(fd, &byte, 0));
	outcome("write_nothing", write(fd, &byte, 0));
	outcome("readv_nothing", readv(fd, &v, 0));
	outcome("writev_nothing", writev(fd, &v, 0));
	outcome("lseek_set", lseek(fd, 0, SEEK_SET));
	outcome("lseek_cur", lseek(fd, 0, SEEK_CUR));
	outcome("lseek_end", lseek(fd, 0, SEEK_END));
	outcome("set_direct", fcntl(fd, F_SETFL, O_DIRECT));
	outcome("fstat", fstat(fd, &st));
	hex("type", st.st_mode & S_IFMT);
	value("size", st.st_size);
	value("one_link", st.st_nlink == 1);
}

static void plain_file_calls_on_a_container(void)
{
	plain_file_calls(container_open());
}

static void plain_file_calls_on_a_group(void)
{
	plain_file_calls(group_open(0));
}

static void plain_file_calls_on_a_device(void)
{
	struct session s = session_device();

	plain_file_calls(s.device);
}

static const struct {
	const char *name;
	void (*run)(int fd);
} ops[] = {
	{"pread", pread_},
	{"pread_negative", pread_negative},
	{"pwrite_nothing", pwrite_nothing},
	{"mmap_shared", mmap_shared},
	{"mmap_private", mmap_private},
	{"mmap_nothing", mmap_nothing},
	{"poll_all", poll_all},
	{"select", select_},
	{"epoll_add", epoll_add},
	{"fsync", fsync_},
	{"fdatasync", fdatasync_},
	{"ftruncate", ftruncate_},
	{"fallocate", fallocate_},
	{"fionbio", fionbio},
	{"fioasync", fioasync},
	{"fioasync_off", fioasync_off},
	{"fioclex", fioclex},
	{"fioqsize", fioqsize},
	{"fionread", fionread},
	{"isatty", isatty_},
	{"getfl", getfl},
	{"setfl", setfl},
	{"o_path_copy", o_path_copy},
	{"lock", lock},
	{"dup_has_no_cloexec", dup_has_no_cloexec},
	{"bad_command", bad_command},
};

static const char *label(long i)
{
	return i < (long)COUNT(ops) ? ops[i].name : NULL;
}

/* Shows C12. */
static void container(long i)
{
	struct session s = session_device();

	ops[i].run(s.container);
}

static void empty_container(long i)
{
	ops[i].run(container_open());
}

/* Shows G12. */
static void group(long i)
{
	struct session s = session_device();

	ops[i].run(s.group);
}

/* Shows D6, V5. */
static void device(long i)
{
	struct session s = session_device();

	ops[i].run(s.device);
}

static void name_of(const char *key, int fd)
{
	char path[64], base[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	need(link_base(path, base, sizeof(base)) == 0, "readlink");
	report(" %s=%s", key, base);
}

static void names_in_proc(void)
{
	struct session s = session_device();
	char path[64], node[64], target[128];
	ssize_t n;

	name_of("container", s.container);
	name_of("device", s.device);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s.group);
	group_path(0, node, sizeof(node));
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	value("group_is_its_node", strcmp(target, node) == 0);
}

/* The flags that /proc shows, and which lines it has; not what they say. */
static void fdinfo_of(int fd)
{
	char path[64], text[1024];
	const char *flags;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	need(file_read(path, text, sizeof(text)) > 0, "read");
	flags = strstr(text, "flags:");
	result(flags ? strtol(flags + 6, NULL, 8) & (O_ACCMODE | O_CLOEXEC)
		     : -2);
	value("position", strstr(text, "pos:\t0\n") != NULL);
	value("syspath", strstr(text, "vfio-device-syspath:") != NULL);
}

static void fdinfo_of_a_container(void)
{
	fdinfo_of(container_open());
}

/* Shows V5. */
static void fdinfo_of_a_device(void)
{
	struct session s = session_device();

	fdinfo_of(s.device);
}

static void closed_device_fd(void)
{
	struct session s = session_device();

	close(s.device);
	result(ioctl(s.device, VFIO_DEVICE_RESET));
	outcome("pread", pread(s.device, &byte, 1, 0));
}

static void write_only_group_cannot_be_read(void)
{
	char path[64];
	int fd;

	close(group_open(0));
	group_path(0, path, sizeof(path));
	fd = open(path, O_WRONLY);
	result(read(fd, &byte, 1));
	outcome("mmap",
		mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED
			? -1
			: 0);
}

static void read_only_container_cannot_be_written(void)
{
	int fd = open("/dev/vfio/vfio", O_RDONLY);

	result(write(fd, &byte, 1));
	outcome("mmap",
		mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED
			? -1
			: 0);
}

static const struct conf_case cases[] = {
	EACH(container, label),
	EACH(empty_container, label),
	EACH(group, label),
	EACH(device, label),
	CASE(plain_file_calls_on_a_container),
	CASE(plain_file_calls_on_a_group),
	CASE(plain_file_calls_on_a_device),
	CASE(names_in_proc),
	CASE(fdinfo_of_a_container),
	CASE(fdinfo_of_a_device),
	CASE(closed_device_fd),
	CASE(write_only_group_cannot_be_read),
	CASE(read_only_container_cannot_be_written),
};

TABLE(table_fd_semantics, "fd_semantics", cases);
