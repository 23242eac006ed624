/* SPDX-License-Identifier: BSD-3-Clause */
/* BIND_IOMMUFD: its arguments, in each state of the device. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The file that BIND is asked on. */
struct asked {
	int cdev;
	int iommufd;
};

static struct asked unbound(void)
{
	return (struct asked){cdev_open(0), iommufd_open()};
}

static struct asked bound(void)
{
	struct asked a = unbound();

	cdev_id(a.cdev, a.iommufd);
	return a;
}

static struct asked other_file_bound(void)
{
	struct asked a = bound();

	a.cdev = cdev_open(0);
	return a;
}

static struct asked group_open_too(void)
{
	struct asked a = unbound();

	group_open(0);
	return a;
}

static struct asked group_file(void)
{
	struct session s = session_device();

	return (struct asked){s.device, iommufd_open()};
}

static struct asked in_use_by_its_group(void)
{
	struct session s = session_device();

	close(s.group);
	return unbound();
}

static struct asked context_in_use(void)
{
	struct asked a = unbound();

	cdev_id(cdev_open(1), a.iommufd);
	return a;
}

static struct asked bound_before(void)
{
	struct asked a = bound();

	close(a.cdev);
	a.cdev = cdev_open(0);
	return a;
}

static const struct {
	const char *label;
	struct asked (*enter)(void);
} states[] = {
	{"unbound", unbound},
	{"bound", bound},
	{"other_file_bound", other_file_bound},
	{"group_open", group_open_too},
	{"group_path", group_file},
	{"used_by_its_group", in_use_by_its_group},
	{"context_in_use", context_in_use},
	{"bound_before", bound_before},
};

#define STATES ((long)COUNT(states))

static const char *state_label(long i)
{
	return i < STATES ? states[i].label : NULL;
}

static int path_fd(void)
{
	return open("/dev/iommu", O_PATH);
}

static int native_container(void)
{
	return container_open();
}

static int some_group(void)
{
	return group_open(MEMBER_A);
}

static int other_cdev(void)
{
	return cdev_open(1);
}

static int some_file(void)
{
	return memfd_create("file", 0);
}

static int minus_one(void)
{
	return -1;
}

static int minus_seven(void)
{
	return -7;
}

static int huge(void)
{
	return 0x7fffffff;
}

static int read_only_iommufd(void)
{
	return open("/dev/iommu", O_RDONLY);
}

static const struct {
	const char *label;
	int (*open)(void);
} fds[] = {
	{"iommufd", iommufd_open},
	{"read_only", read_only_iommufd},
	{"minus_one", minus_one},
	{"minus_seven", minus_seven},
	{"huge", huge},
	{"closed_fd", closed_fd},
	{"path_fd", path_fd},
	{"container", native_container},
	{"group", some_group},
	{"cdev", other_cdev},
	{"eventfd", event_fd},
	{"regular_file", some_file},
};

static const char *fd_label(long i)
{
	static char label[96];

	if (i / STATES >= (long)COUNT(fds))
		return NULL;
	snprintf(label, sizeof(label), "%s_%s", states[i % STATES].label,
		 fds[i / STATES].label);
	return label;
}

/* Shows V2. */
static void when(long i)
{
	struct asked a = states[i % STATES].enter();

	result(cdev_bind(a.cdev, fds[i / STATES].open()));
}

static const uint32_t sizes[] = {0, 8, 12, 15, 16, 17, 24, 4096, ~0u};

static const char *size_label(long i)
{
	static char label[96];

	if (i / STATES >= (long)COUNT(sizes))
		return NULL;
	snprintf(label, sizeof(label), "%s_0x%x", states[i % STATES].label,
		 sizes[i / STATES]);
	return label;
}

static void argsz_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_bind bind = {.argsz = sizes[i / STATES],
				.iommufd = a.iommufd};

	result(ioctl(a.cdev, ABI_BIND_IOMMUFD, &bind));
	hex("argsz", bind.argsz);
	value("devid", bind.devid != 0);
}

static const uint32_t flags[] = {1, 2, 1u << 16, 1u << 31, ~0u};

static const char *flag_label(long i)
{
	static char label[96];

	if (i / STATES >= (long)COUNT(flags))
		return NULL;
	snprintf(label, sizeof(label), "%s_0x%x", states[i % STATES].label,
		 flags[i / STATES]);
	return label;
}

static void flags_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_bind bind = {.argsz = sizeof(bind),
				.flags = flags[i / STATES],
				.iommufd = a.iommufd};

	result(ioctl(a.cdev, ABI_BIND_IOMMUFD, &bind));
}

static void bad_memory_when(long i)
{
	struct asked a = states[i].enter();
	struct abi_bind bind = {.argsz = sizeof(bind), .iommufd = a.iommufd};
	char *cut = before_fault(15);

	memcpy(cut, &bind, 15);
	result(ioctl(a.cdev, ABI_BIND_IOMMUFD, NULL));
	outcome("bad", ioctl(a.cdev, ABI_BIND_IOMMUFD, bad_pointer()));
	outcome("cut", ioctl(a.cdev, ABI_BIND_IOMMUFD, cut));
	outcome("read_only", ioctl(a.cdev, ABI_BIND_IOMMUFD,
				   read_only(&bind, sizeof(bind))));
	outcome("then", cdev_bind(a.cdev, a.iommufd));
}

/* Shows V2. */
static void works_when(long i)
{
	struct asked a = states[i].enter();
	int ret = cdev_bind(a.cdev, a.iommufd);

	result(ret);
	if (!ret)
		hex("id", edu_read(a.cdev, EDU_ID));
	outcome("twice", cdev_bind(a.cdev, a.iommufd));
	outcome("info", ioctl(a.cdev, VFIO_DEVICE_GET_INFO, NULL));
}

static void ends_where_a_fault_begins(void)
{
	struct asked a = unbound();
	struct abi_bind bind = {.argsz = sizeof(bind), .iommufd = a.iommufd};
	char *p = before_fault(sizeof(bind));

	memcpy(p, &bind, sizeof(bind));
	result(ioctl(a.cdev, ABI_BIND_IOMMUFD, p));
}

static const struct conf_case cases[] = {
	EACH(when, fd_label),          EACH(argsz_when, size_label),
	EACH(flags_when, flag_label),  EACH(bad_memory_when, state_label),
	EACH(works_when, state_label), CASE(ends_where_a_fault_begins),
};

TABLE_OF(table_cdev_bind, "cdev_bind", cases, has_cdev);
