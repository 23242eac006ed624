/* SPDX-License-Identifier: BSD-3-Clause */
/* bind, unbind and drivers_probe: what is written, and in which state. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"

static void written(const char *path, long i)
{
	char text[ODD_MAX];
	size_t len = odd_text(i, bdf(0), text);
	int group = group_id(0);

	result(path_write(path, text, len));
	show_binding(0, group);
}

static void unbind_is_told(long i)
{
	written(DRIVERS "vfio-pci/unbind", i);
}

static void bind_is_told(long i)
{
	device_unbind(0);
	need(override(0, "vfio-pci") > 0, "override");
	written(DRIVERS "vfio-pci/bind", i);
}

static void probe_is_told(long i)
{
	device_unbind(0);
	need(override(0, "vfio-pci") > 0, "override");
	written(BUS "drivers_probe", i);
}

/* Which driver a device has, and which it is to have. */
static const struct {
	const char *label, *driver, *override;
} states[] = {
	{"bound", "vfio-pci", "vfio-pci"},
	{"bound_without_override", "vfio-pci", "\n"},
	{"bound_with_another_override", "vfio-pci", "pci-stub"},
	{"free", NULL, "\n"},
	{"free_with_override", NULL, "vfio-pci"},
	{"free_with_stub_override", NULL, "pci-stub"},
	{"free_with_unknown_override", NULL, "no-such-driver"},
	{"free_with_host_override", NULL, HOST_DRIVER},
	{"stub", "pci-stub", "pci-stub"},
	{"stub_with_vfio_override", "pci-stub", "vfio-pci"},
};

static const char *state_label(long i)
{
	return i < (long)COUNT(states) ? states[i].label : NULL;
}

static void enter(long i)
{
	if (states[i].driver)
		device_bind(0, states[i].driver);
	else
		device_unbind(0);
	need(override(0, states[i].override) > 0, "override");
}

static void act(long i, const char *driver, const char *file)
{
	int group = group_id(0);

	enter(i);
	result(driver ? driver_write(driver, file, 0) : driver_probe(0));
	show_binding(0, group);
}

static void vfio_bind_when(long i)
{
	act(i, "vfio-pci", "bind");
}

static void vfio_unbind_when(long i)
{
	act(i, "vfio-pci", "unbind");
}

static void stub_bind_when(long i)
{
	act(i, "pci-stub", "bind");
}

static void stub_unbind_when(long i)
{
	act(i, "pci-stub", "unbind");
}

static void host_unbind_when(long i)
{
	act(i, HOST_DRIVER, "unbind");
}

static void probe_when(long i)
{
	act(i, NULL, NULL);
}

/* As probe_when: the switch is for new devices and drivers only. */
static void probe_without_autoprobe_when(long i)
{
	need(!file_write(BUS "drivers_autoprobe", "0"), "autoprobe");
	act(i, NULL, NULL);
}

/* The host's driver takes its own device by its class. */
static void host_driver_takes_its_device(void)
{
	int group = group_id(MEMBER_HOST);

	device_unbind(MEMBER_A);
	device_unbind(MEMBER_B);
	need(override(MEMBER_HOST, HOST_DRIVER) > 0, "override");
	result(driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
	show_binding(MEMBER_HOST, group);
	outcome("again", driver_write(HOST_DRIVER, "bind", MEMBER_HOST));
	outcome("other", driver_write("vfio-pci", "unbind", MEMBER_HOST));
	outcome("unbind", driver_write(HOST_DRIVER, "unbind", MEMBER_HOST));
	outcome("twice", driver_write(HOST_DRIVER, "unbind", MEMBER_HOST));
	show_binding(MEMBER_HOST, group);
}

/* One descriptor serves many writes, each of them whole. */
static void several_writes_to_one_file(void)
{
	int fd = open(DRIVERS "vfio-pci/unbind", O_WRONLY), group = group_id(0);
	size_t len = strlen(bdf(0));

	need(fd >= 0, "open");
	outcome("half", write(fd, bdf(0), 6));
	outcome("rest", write(fd, bdf(0) + 6, len - 6));
	result(write(fd, bdf(0), len));
	outcome("again", write(fd, bdf(0), len));
	outcome("other", write(fd, bdf(1), len));
	outcome("seek", lseek(fd, 0, SEEK_CUR));
	show_binding(0, group);
}

static void a_write_has_no_position(long offset)
{
	int fd = open(DRIVERS "vfio-pci/unbind", O_WRONLY), group = group_id(0);

	need(fd >= 0, "open");
	result(pwrite(fd, bdf(0), strlen(bdf(0)), offset));
	show_binding(0, group);
}

static const struct {
	const char *label;
	int flags;
} modes[] = {
	{"append", O_WRONLY | O_APPEND},     {"trunc", O_WRONLY | O_TRUNC},
	{"creat", O_WRONLY | O_CREAT},       {"cloexec", O_WRONLY | O_CLOEXEC},
	{"nonblock", O_WRONLY | O_NONBLOCK}, {"sync", O_WRONLY | O_SYNC},
};

static const char *mode_label(long i)
{
	return i < (long)COUNT(modes) ? modes[i].label : NULL;
}

static void unbind_when_opened_with(long i)
{
	int fd = open(DRIVERS "vfio-pci/unbind", modes[i].flags, 0600);
	int group = group_id(0);

	need(fd >= 0, "open");
	result(write(fd, bdf(0), strlen(bdf(0))));
	show_binding(0, group);
}

static void a_bad_buffer_changes_nothing(void)
{
	int group = group_id(0);

	result(path_write(DRIVERS "vfio-pci/unbind", bad_pointer(), 12));
	show_binding(0, group);
}

static void unbind_and_bind_repeat(void)
{
	int group = group_id(0), bad = 0;

	for (int i = 0; i < 10; i++) {
		bad += driver_write("vfio-pci", "unbind", 0) < 0;
		bad += has_node(group);
		bad += driver_write("vfio-pci", "bind", 0) < 0;
		bad += !has_node(group);
	}
	result(bad);
	value("same_group", group == group_id(0));
	value("status", group_status(group_open(0)));
}

static void a_rebound_device_works(void)
{
	struct session s;

	device_unbind(0);
	device_bind(0, "vfio-pci");
	s = session_device();
	result(edu_read(s.device, EDU_ID) != 0);
	outcome("map", dma_map(s.container, 3, pages(1), 0x100000, PAGE));
}

static void swapping_two_devices_keeps_their_groups(void)
{
	int first = group_id(0), second = group_id(1);

	device_unbind(0);
	device_unbind(1);
	device_bind(1, "vfio-pci");
	device_bind(0, "vfio-pci");
	result(group_id(0) == first && group_id(1) == second);
	show_binding(0, first);
	show_binding(1, second);
}

static void in_a_child(void)
{
	int group = group_id(0), status;
	pid_t pid = fork();

	if (!pid)
		_exit(driver_write("vfio-pci", "unbind", 0) < 0);
	need(waitpid(pid, &status, 0) == pid, "wait");
	result(status);
	show_binding(0, group);
}

static const struct conf_case cases[] = {
	EACH(unbind_is_told, odd_label),
	EACH(bind_is_told, odd_label),
	EACH(probe_is_told, odd_label),
	EACH(vfio_bind_when, state_label),
	EACH(vfio_unbind_when, state_label),
	EACH(stub_bind_when, state_label),
	EACH(stub_unbind_when, state_label),
	EACH(host_unbind_when, state_label),
	EACH(probe_when, state_label),
	EACH(probe_without_autoprobe_when, state_label),
	CASE(host_driver_takes_its_device),
	CASE(several_writes_to_one_file),
	RANGE(a_write_has_no_position, 0, 8, 4),
	EACH(unbind_when_opened_with, mode_label),
	CASE(a_bad_buffer_changes_nothing),
	CASE(unbind_and_bind_repeat),
	CASE(a_rebound_device_works),
	CASE(swapping_two_devices_keeps_their_groups),
	CASE(in_a_child),
};

MACHINE_TABLE(table_sysfs_bind, "sysfs_bind", cases);
