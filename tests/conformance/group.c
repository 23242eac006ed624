/* SPDX-License-Identifier: BSD-3-Clause */
/* The group node and GROUP_GET_STATUS. */
#include "lib.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name;
	int flags;
} modes[] = {
	{"rdonly", O_RDONLY},
	{"wronly", O_WRONLY},
	{"directory", O_RDWR | O_DIRECTORY},
	{"creat_excl", O_RDWR | O_CREAT | O_EXCL},
	{"path", O_PATH},
};

static const char *mode_label(long i)
{
	return i < (long)COUNT(modes) ? modes[i].name : NULL;
}

static void opens_with(long i)
{
	char path[64];
	int fd, first = group_open(0);

	close(first);
	group_path(0, path, sizeof(path));
	fd = open(path, modes[i].flags, 0600);
	result_fd(fd);
	if (fd >= 0)
		outcome("status", group_status(fd));
}

static void device_fd_of_a_read_only_group_is_read_write(void)
{
	char path[64];
	int fd, c = container_open(), dev;

	close(group_open(0));
	group_path(0, path, sizeof(path));
	fd = open(path, O_RDONLY);
	need(fd >= 0, "open-group");
	need(!group_attach(fd, c), "set-container");
	need(!ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set-iommu");
	dev = device_open(fd, 0);
	result_fd(dev);
	value("rdwr", (fcntl(dev, F_GETFL) & O_ACCMODE) == O_RDWR);
}

/* Shows G2. */
static void is_busy_while_open(void)
{
	group_open(0);
	result_fd(group_try_open(0));
	outcome("other_group", group_try_open(1) >= 0 ? 0 : -1);
}

static void is_busy_for_o_path_never(void)
{
	char path[64];

	group_open(0);
	group_path(0, path, sizeof(path));
	result_fd(open(path, O_PATH));
}

/* Shows G2. */
static void is_busy_in_another_process(void)
{
	int status = 0;
	pid_t pid;

	group_open(0);
	pid = fork();
	if (!pid) {
		result_fd(group_try_open(0));
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static void opens_again_after_close(void)
{
	close(group_open(0));
	result_fd(group_try_open(0));
}

/* Shows G2. */
static void stays_busy_until_the_last_dup_is_closed(void)
{
	int g = group_open(0), d = dup(g);

	close(g);
	outcome("one_left", group_try_open(0));
	close(d);
	result_fd(group_try_open(0));
}

/* Shows G2. */
static void stays_busy_while_a_child_holds_it(void)
{
	int g = group_open(0), go[2], status;
	char byte;
	pid_t pid;

	need(!pipe(go), "pipe");
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit((int)read(go[0], &byte, 1));
	}
	close(g);
	outcome("child_holds", group_try_open(0));
	close(go[0]);
	close(go[1]);
	waitpid(pid, &status, 0);
	result_fd(group_try_open(0));
}

/* Shows G7. */
static void status_idle(void)
{
	result(group_status(group_open(0)));
}

/* Shows G7. */
static void status_in_a_container(void)
{
	struct session s = session_group();

	result(group_status(s.group));
}

static void status_with_an_iommu(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(group_status(s.group));
}

static void status_with_a_device(void)
{
	struct session s = session_device();

	result(group_status(s.group));
}

/* Shows G7. */
static void status_after_unset(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	result(group_status(s.group));
}

static void status_after_the_container_is_closed(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	close(s.container);
	result(group_status(s.group));
}

/* Shows G5. */
static void status_argsz(long argsz)
{
	unsigned char buf[32];
	struct vfio_group_status *st = (void *)buf;
	int g = group_open(0), touched = 0;

	memset(buf, 0xa5, sizeof(buf));
	st->argsz = (uint32_t)argsz;
	result(ioctl(g, VFIO_GROUP_GET_STATUS, buf));
	hex("argsz", st->argsz);
	hex("flags", st->flags);
	for (size_t i = 8; i < sizeof(buf); i++)
		touched |= buf[i] != 0xa5;
	value("beyond", touched);
}

/* Shows G5. */
static void status_argsz_is_unbounded(void)
{
	struct vfio_group_status st = {.argsz = ~0u};
	int g = group_open(0);

	result(ioctl(g, VFIO_GROUP_GET_STATUS, &st));
	hex("argsz", st.argsz);
}

/* Shows G5. */
static void status_of_null(void)
{
	result(ioctl(group_open(0), VFIO_GROUP_GET_STATUS, NULL));
}

/* Shows G5. */
static void status_with_readable_bytes(long len)
{
	struct vfio_group_status st = {.argsz = 8, .flags = 0xffffffff};
	void *p = before_fault((size_t)len);

	memcpy(p, &st, (size_t)len);
	result(ioctl(group_open(0), VFIO_GROUP_GET_STATUS, p));
}

/* Shows G6. */
static void status_in_read_only_memory_of_argsz(long argsz)
{
	struct vfio_group_status st = {.argsz = (uint32_t)argsz};

	result(ioctl(group_open(0), VFIO_GROUP_GET_STATUS,
		     read_only(&st, sizeof(st))));
}

static const struct {
	const char *name;
	unsigned long nr;
} calls[] = {
	{"get_api_version", VFIO_GET_API_VERSION},
	{"check_extension", VFIO_CHECK_EXTENSION},
	{"set_iommu", VFIO_SET_IOMMU},
	{"iommu_map_dma", VFIO_IOMMU_MAP_DMA},
	{"device_get_info", VFIO_DEVICE_GET_INFO},
	{"device_reset", VFIO_DEVICE_RESET},
	{"set_container_with_direction", _IOW(VFIO_TYPE, VFIO_BASE + 4, int)},
	{"unknown_0x3bff", 0x3bff},
	{"fionread", 0x541b},
	{"tcgets", 0x5401},
};

static const char *call_label(long i)
{
	return i < (long)COUNT(calls) ? calls[i].name : NULL;
}

/* Shows G11. */
static void idle_refuses(long i)
{
	result(ioctl(group_open(0), calls[i].nr, bad_pointer()));
}

/* Shows G11. */
static void attached_refuses(long i)
{
	struct session s = session_device();

	result(ioctl(s.group, calls[i].nr, bad_pointer()));
}

static const struct conf_case cases[] = {
	EACH(opens_with, mode_label),
	CASE(device_fd_of_a_read_only_group_is_read_write),
	CASE(is_busy_while_open),
	CASE(is_busy_for_o_path_never),
	CASE(is_busy_in_another_process),
	CASE(opens_again_after_close),
	CASE(stays_busy_until_the_last_dup_is_closed),
	CASE(stays_busy_while_a_child_holds_it),
	CASE(status_idle),
	CASE(status_in_a_container),
	CASE(status_with_an_iommu),
	CASE(status_with_a_device),
	CASE(status_after_unset),
	CASE(status_after_the_container_is_closed),
	RANGE(status_argsz, 0, 16, 1),
	CASE(status_argsz_is_unbounded),
	CASE(status_of_null),
	RANGE(status_with_readable_bytes, 0, 8, 1),
	RANGE(status_in_read_only_memory_of_argsz, 7, 8, 1),
	EACH(idle_refuses, call_label),
	EACH(attached_refuses, call_label),
};

TABLE(table_group, "group", cases);
