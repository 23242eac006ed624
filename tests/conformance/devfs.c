/* SPDX-License-Identifier: BSD-3-Clause */
/* The nodes under /dev and what names them. */
#include "lib.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void container_node(void)
{
	struct stat st;

	result(stat("/dev/vfio/vfio", &st));
	value("chr", S_ISCHR(st.st_mode));
	hex("mode", st.st_mode & 0777);
	value("is_10_196", st.st_rdev == makedev(10, 196));
}

static void group_node(void)
{
	struct stat st;
	char path[64];

	group_path(0, path, sizeof(path));
	result(stat(path, &st));
	value("chr", S_ISCHR(st.st_mode));
	hex("mode", st.st_mode & 0777);
	value("size", st.st_size);
}

static void group_nodes_differ(void)
{
	struct stat a, b;
	char path[64];

	group_path(0, path, sizeof(path));
	need(!stat(path, &a), "stat");
	group_path(1, path, sizeof(path));
	need(!stat(path, &b), "stat");
	result(a.st_rdev != b.st_rdev);
	value("one_major", major(a.st_rdev) == major(b.st_rdev));
}

static void group_node_has_its_number_in_sysfs(void)
{
	char path[64], text[64], expect[64];
	struct stat st;

	group_path(0, path, sizeof(path));
	need(!stat(path, &st), "stat");
	snprintf(expect, sizeof(expect), "%u:%u\n", major(st.st_rdev),
		 minor(st.st_rdev));
	snprintf(path, sizeof(path), "/sys/class/vfio/%d/dev", group_id(0));
	need(file_read(path, text, sizeof(text)) > 0, "read");
	result(!strcmp(text, expect));
}

static void container_node_has_its_number_in_sysfs(void)
{
	char text[64];

	result(file_read("/sys/class/misc/vfio/dev", text, sizeof(text)));
	text[strcspn(text, "\n")] = '\0';
	report(" dev=%s", text);
}

static void directory_lists_the_nodes(void)
{
	DIR *d = opendir("/dev/vfio");
	char want[4][16] = {"vfio"};
	int found = 0, others = 0;
	struct dirent *e;

	need(d != NULL, "opendir");
	snprintf(want[1], sizeof(want[1]), "%d", group_id(0));
	snprintf(want[2], sizeof(want[2]), "%d", group_id(1));
	snprintf(want[3], sizeof(want[3]), "%d", group_id(MEMBER_A));
	while ((e = readdir(d))) {
		int hit = 0;

		if (e->d_name[0] == '.')
			continue;
		for (size_t i = 0; i < COUNT(want); i++)
			hit |= !strcmp(e->d_name, want[i]);
		found += hit;
		others += !hit;
	}
	result(found);
	value("others", others);
}

static void directory_cannot_be_opened_for_writing(void)
{
	result_fd(open("/dev/vfio", O_RDWR));
}

static const char *const absent[] = {
	"/dev/vfio/devices",   "/dev/iommu",      "/dev/vfio/99999",
	"/dev/vfio/noiommu-0", "/dev/vfio/vfio/",
};

static const char *absent_label(long i)
{
	static const char *const names[] = {"devices", "iommu", "group",
					    "noiommu", "node_as_directory"};

	return i < (long)COUNT(absent) ? names[i] : NULL;
}

static void absent_node(long i)
{
	result_fd(open(absent[i], O_RDONLY));
}

static const char *const access_modes[] = {"exists", "read", "write", "exec"};

static const char *access_label(long i)
{
	return i < (long)COUNT(access_modes) ? access_modes[i] : NULL;
}

static void access_of_the_container_node(long i)
{
	static const int modes[] = {F_OK, R_OK, W_OK, X_OK};

	result(access("/dev/vfio/vfio", modes[i]));
}

static void relative_paths_reach_it(void)
{
	int dir = open("/dev/vfio", O_RDONLY | O_DIRECTORY);

	need(dir >= 0, "open-directory");
	result_fd(openat(dir, "vfio", O_RDWR));
	outcome("dots", openat(dir, "../vfio/./vfio", O_RDWR) < 0 ? -1 : 0);
	outcome("absent", openat(dir, "99999", O_RDWR));
}

static void working_directory_reaches_it(void)
{
	need(!chdir("/dev/vfio"), "chdir");
	result_fd(open("vfio", O_RDWR));
}

static const struct conf_case cases[] = {
	CASE(container_node),
	CASE(group_node),
	CASE(group_nodes_differ),
	CASE(group_node_has_its_number_in_sysfs),
	CASE(container_node_has_its_number_in_sysfs),
	CASE(directory_lists_the_nodes),
	CASE(directory_cannot_be_opened_for_writing),
	EACH(absent_node, absent_label),
	EACH(access_of_the_container_node, access_label),
	CASE(relative_paths_reach_it),
	CASE(working_directory_reaches_it),
};

TABLE(table_devfs, "devfs", cases);
