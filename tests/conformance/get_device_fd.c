/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_DEVICE_FD: the name, the state of the group, the file it returns. */
#include "lib.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wrong.h"

static int get(int group, const void *name)
{
	return ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
}

/* Shows D1. */
static void null_pointer(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result_fd(get(s.group, NULL));
}

static void bad_pointer_on_an_idle_group(void)
{
	result_fd(get(group_open(0), bad_pointer()));
}

/* Shows D1. */
static void a_name_that_faults_before_its_end(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	char *p = before_fault(5);

	memcpy(p, bdf(0), 5);
	result_fd(get(s.group, p));
}

static void a_name_that_ends_where_a_fault_begins(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	size_t len = strlen(bdf(0)) + 1;
	char *p = before_fault(len);

	memcpy(p, bdf(0), len);
	result_fd(get(s.group, p));
}

/* Shows D1. */
static void a_name_of_length(long len)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	char *p = pages(3);

	memset(p, 'x', (size_t)len);
	result_fd(get(s.group, p));
}

/* Shows D1. */
static void by_name(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result_fd(get(s.group, wrong_name(i)));
}

/* Shows D2. */
static void on_an_idle_group_by_name(long i)
{
	result_fd(get(group_open(0), wrong_name(i)));
}

static void on_an_idle_group(void)
{
	result_fd(device_open(group_open(0), 0));
}

/* Shows D3. */
static void without_set_iommu(void)
{
	struct session s = session_group();

	result_fd(device_open(s.group, 0));
	outcome("wrong_name", device_open(s.group, 1));
}

/* Shows D6. */
static void the_file_is_close_on_exec_and_read_write(void)
{
	struct session s = session_device();

	result(fcntl(s.device, F_GETFD));
	value("rdwr", (fcntl(s.device, F_GETFL) & O_ACCMODE) == O_RDWR);
	hex("status_flags", (unsigned int)fcntl(s.device, F_GETFL) &
				    (O_NONBLOCK | O_APPEND | O_DIRECT));
}

/* Shows D6. */
static void takes_the_lowest_free_number(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	int low = dup(0);
	int high = dup(0);

	need(low >= 0 && high > low, "dup");
	close(low);
	result(device_open(s.group, 0) == low);
}

static void limit_files(struct rlimit *old)
{
	struct rlimit now;
	int fd;

	getrlimit(RLIMIT_NOFILE, old);
	fd = dup(0);
	close(fd);
	now = *old;
	now.rlim_cur = (rlim_t)fd;
	need(!setrlimit(RLIMIT_NOFILE, &now), "setrlimit");
}

static void no_file_number_left(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct rlimit old;

	limit_files(&old);
	result_fd(device_open(s.group, 0));
	outcome("wrong_name", device_open(s.group, 1));
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("idle", device_open(s.group, 0));
	setrlimit(RLIMIT_NOFILE, &old);
}

/* Shows D7. */
static void opens_twice(void)
{
	struct session s = session_device();
	int second = device_open(s.group, 0);

	result_fd(second);
	cfg_write(s.device, 0x3c, 1, 0x5a);
	hex("seen_by_second", cfg_read(second, 0x3c, 1));
	close(s.device);
	hex("after_first_closed", cfg_read(second, 0x3c, 1));
}

static void two_fds_need_two_closes(void)
{
	struct session s = session_device();
	int second = device_open(s.group, 0);

	close(s.device);
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	close(second);
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void a_failed_call_leaves_nothing_open(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	outcome("wrong", device_open(s.group, 1));
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static const struct conf_case cases[] = {
	CASE(null_pointer),
	CASE(bad_pointer_on_an_idle_group),
	CASE(a_name_that_faults_before_its_end),
	CASE(a_name_that_ends_where_a_fault_begins),
	RANGE(a_name_of_length, 4094, 4097, 1),
	EACH(by_name, wrong_name_label),
	EACH(on_an_idle_group_by_name, wrong_name_label),
	CASE(on_an_idle_group),
	CASE(without_set_iommu),
	CASE(the_file_is_close_on_exec_and_read_write),
	CASE(takes_the_lowest_free_number),
	CASE(no_file_number_left),
	CASE(opens_twice),
	CASE(two_fds_need_two_closes),
	CASE(a_failed_call_leaves_nothing_open),
};

TABLE(table_get_device_fd, "get_device_fd", cases);
