/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/vfio.h>

static struct uvfio_machine *create(const struct uvfio_machine_params *params)
{
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, params, &err))
		fail_msg("%s", err.text);
	return machine;
}

static const char *const apart_specs[] = {"edu,addr=" EDU_A, "edu,addr=" EDU_B,
					  NULL};

struct uvfio_machine *machine_create(bool together)
{
	static const char *const together_specs[] = {
		"edu,group=1,addr=" EDU_A, "edu,group=1,addr=" EDU_B, NULL};
	const struct uvfio_machine_params params = {
		.devices = together ? together_specs : apart_specs,
	};

	return create(&params);
}

struct uvfio_machine *machine_create_as(const char *abi, const char *host)
{
	const struct uvfio_machine_params params = {
		.devices = apart_specs,
		.abi = abi,
		.host = host,
	};

	return create(&params);
}

int must_open(struct uvfio_machine *machine, const char *path)
{
	int fd = uvfio_open(machine, path);

	if (fd < 0)
		fail_msg("open %s: %d", path, fd);
	return fd;
}

void must_close(struct uvfio_machine *machine, int fd)
{
	assert_int_equal(uvfio_close(machine, fd), 0);
}

long must_ioctl(struct uvfio_machine *machine, int fd, unsigned int cmd,
		unsigned long arg)
{
	long ret = uvfio_ioctl(machine, fd, cmd, arg);

	if (ret < 0)
		fail_msg("ioctl %#x: %ld", cmd, ret);
	return ret;
}

struct opened machine_open(struct uvfio_machine *machine)
{
	struct opened opened = {
		.container = must_open(machine, "/dev/vfio/vfio"),
		.group = must_open(machine, "/dev/vfio/1"),
	};

	must_ioctl(machine, opened.group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&opened.container);
	must_ioctl(machine, opened.container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
	opened.device =
		(int)must_ioctl(machine, opened.group, VFIO_GROUP_GET_DEVICE_FD,
				(uintptr_t)EDU_A);
	return opened;
}

ssize_t sysfs_put(struct uvfio_machine *machine, const char *path,
		  const char *text)
{
	return uvfio_sysfs_write(machine, path, text, strlen(text), 0);
}

ssize_t sysfs_can_read(struct uvfio_machine *machine, const char *path)
{
	char text[4096];

	return uvfio_sysfs_read(machine, path, text, sizeof(text), 0);
}

void sysfs_shows(struct uvfio_machine *machine, const char *path,
		 const char *content)
{
	char text[4096];
	ssize_t n = uvfio_sysfs_read(machine, path, text, sizeof(text) - 1, 0);

	if (n < 0)
		fail_msg("%s: %zd", path, n);
	text[n] = '\0';
	assert_string_equal(text, content);
}
