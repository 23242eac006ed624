/* SPDX-License-Identifier: BSD-3-Clause */
/* driver_override: what it takes, what it shows and what it does. */
#include "lib.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

/* The length and both ends of a text that may be long. */
static void show(const char *text, long n)
{
	value("length", n);
	report(" text=");
	for (long i = 0; i < n; i++) {
		if (i == 24 && n > 48) {
			report("...");
			i = n - 8;
		}
		report("%c", text[i] == '\n'                   ? '|'
			     : isgraph((unsigned char)text[i]) ? text[i]
							       : '?');
	}
}

static void show_override(int dev)
{
	char path[128], text[8192];
	long n;

	sysfs_path(dev, "driver_override", path, sizeof(path));
	n = file_read(path, text, sizeof(text));
	if (n < 0)
		outcome("read", n);
	else
		show(text, n);
}

static void write_override(long i)
{
	char path[128], text[ODD_MAX];

	sysfs_path(0, "driver_override", path, sizeof(path));
	result(path_write(path, text, odd_text(i, "pci-stub", text)));
}

static void when_set_is_told(long i)
{
	write_override(i);
	show_override(0);
}

static void when_clear_is_told(long i)
{
	need(override(0, "\n") == 1, "clear");
	write_override(i);
	show_override(0);
}

/* The name that a device is probed by is what was understood. */
static void then_probe_of(long i)
{
	int group = group_id(0);

	device_unbind(0);
	write_override(i);
	outcome("probe", driver_probe(0));
	show_binding(0, group);
}

static void stays_when_the_device_is_unbound(void)
{
	need(driver_write("vfio-pci", "unbind", 0) > 0, "unbind");
	result(0);
	show_override(0);
}

static void is_gone_with_the_device(void)
{
	char path[128];

	sysfs_path(0, "remove", path, sizeof(path));
	need(!file_write(path, "1"), "remove");
	sysfs_path(0, "driver_override", path, sizeof(path));
	result(access(path, F_OK));
	need(!file_write(BUS "rescan", "1"), "rescan");
	show_override(0);
}

static void does_not_unbind(void)
{
	int group = group_id(0);

	result(override(0, "pci-stub"));
	show_binding(0, group);
	outcome("probe", driver_probe(0));
	show_binding(0, group);
}

static void of_another_driver_forbids_ids(void)
{
	int group = group_id(0);

	device_unbind(0);
	need(override(0, "pci-stub") > 0, "override");
	result(file_write(DRIVERS "vfio-pci/new_id", "1234 11e8"));
	show_binding(0, group);
	outcome("bind", driver_write("vfio-pci", "bind", 0));
	need(override(0, "\n") == 1, "clear");
	outcome("cleared", driver_write("vfio-pci", "bind", 0));
	show_binding(0, group);
}

static void can_be_written_while_the_device_is_used(void)
{
	struct session s = session_device();

	result(override(0, "pci-stub"));
	show_override(0);
	hex("id", edu_read(s.device, EDU_ID));
}

static int opened(int flags)
{
	char path[128];
	int fd;

	sysfs_path(0, "driver_override", path, sizeof(path));
	fd = open(path, flags);
	need(fd >= 0, "open");
	return fd;
}

static void reads_by(long step)
{
	int fd = opened(O_RDONLY);
	char text[64];
	long n, total = 0;

	for (int i = 0; i < 32; i++) {
		n = read(fd, text + total, (size_t)step);
		if (n <= 0)
			break;
		total += n;
	}
	result(n);
	show(text, total);
}

static void reads_again_after_seek(void)
{
	int fd = opened(O_RDONLY);
	char text[64];
	long n;

	need(read(fd, text, sizeof(text)) > 0, "read");
	outcome("end", read(fd, text, sizeof(text)));
	outcome("seek", lseek(fd, 0, SEEK_SET));
	n = read(fd, text, sizeof(text));
	result(n);
	show(text, n);
}

static void reads_at(long offset)
{
	int fd = opened(O_RDONLY);
	char text[64];
	long n = pread(fd, text, sizeof(text), offset);

	result(n);
	show(text, n);
}

/* A descriptor that was read before shows what came since. */
static void reads_news_after_seek(void)
{
	int fd = opened(O_RDONLY);
	char text[64];
	long n;

	need(read(fd, text, sizeof(text)) > 0, "read");
	need(override(0, "pci-stub\n") > 0, "override");
	need(!lseek(fd, 0, SEEK_SET), "seek");
	n = read(fd, text, sizeof(text));
	result(n);
	show(text, n);
}

static void one_descriptor_writes_and_reads(void)
{
	int fd = opened(O_RDWR);
	char text[64];
	long n;

	result(write(fd, "pci-stub", 8));
	need(!lseek(fd, 0, SEEK_SET), "seek");
	n = read(fd, text, sizeof(text));
	show(text, n);
}

static void a_write_at_a_position_is_whole(void)
{
	int fd = opened(O_WRONLY);

	result(pwrite(fd, "pci-stub", 8, 4));
	outcome("second", pwrite(fd, "xyz", 3, 100));
	show_override(0);
}

static void truncation_changes_nothing(void)
{
	close(opened(O_WRONLY | O_TRUNC));
	result(0);
	show_override(0);
}

static void each_device_has_its_own(void)
{
	result(override(1, "pci-stub"));
	show_override(0);
	show_override(1);
}

static const struct conf_case cases[] = {
	EACH(when_set_is_told, odd_label),
	EACH(when_clear_is_told, odd_label),
	EACH(then_probe_of, odd_label),
	CASE(stays_when_the_device_is_unbound),
	CASE(is_gone_with_the_device),
	CASE(does_not_unbind),
	CASE(of_another_driver_forbids_ids),
	CASE(can_be_written_while_the_device_is_used),
	RANGE(reads_by, 1, 5, 2),
	CASE(reads_again_after_seek),
	RANGE(reads_at, 0, 12, 4),
	CASE(reads_news_after_seek),
	CASE(one_descriptor_writes_and_reads),
	CASE(a_write_at_a_position_is_whole),
	CASE(truncation_changes_nothing),
	CASE(each_device_has_its_own),
};

MACHINE_TABLE(table_driver_override, "driver_override", cases);
