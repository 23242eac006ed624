/* SPDX-License-Identifier: BSD-3-Clause */
/* The mode and form of the files of sysfs that can be written. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE BUS "devices/0000:00:03.0/"

static const struct {
	const char *label, *path;
} files[] = {
	{"bind", DRIVERS "vfio-pci/bind"},
	{"unbind", DRIVERS "vfio-pci/unbind"},
	{"new_id", DRIVERS "vfio-pci/new_id"},
	{"remove_id", DRIVERS "vfio-pci/remove_id"},
	{"stub_bind", DRIVERS "pci-stub/bind"},
	{"stub_unbind", DRIVERS "pci-stub/unbind"},
	{"stub_new_id", DRIVERS "pci-stub/new_id"},
	{"stub_remove_id", DRIVERS "pci-stub/remove_id"},
	{"drivers_probe", BUS "drivers_probe"},
	{"drivers_autoprobe", BUS "drivers_autoprobe"},
	{"rescan", BUS "rescan"},
	{"remove", DEVICE "remove"},
	{"driver_override", DEVICE "driver_override"},
	{"vendor", DEVICE "vendor"},
	{"class", DEVICE "class"},
	{"resource", DEVICE "resource"},
	{"driver_unbind", DEVICE "driver/unbind"},
	{"absent", DRIVERS "vfio-pci/absent"},
};

static const char *file_label(long i)
{
	return i < (long)COUNT(files) ? files[i].label : NULL;
}

static void form_of(long i)
{
	struct stat st = {0};

	result(stat(files[i].path, &st));
	report(" mode=%o", st.st_mode & 07777);
	value("regular", S_ISREG(st.st_mode));
	value("size", st.st_size);
	value("links", (long long)st.st_nlink);
	value("uid", st.st_uid);
}

static void opens(const char *key, const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	outcome(key, fd < 0 ? -1 : 0);
	if (fd >= 0)
		close(fd);
}

static void opening_of(long i)
{
	const char *path = files[i].path;

	result(access(path, F_OK));
	opens("rdonly", path, O_RDONLY);
	opens("wronly", path, O_WRONLY);
	opens("rdwr", path, O_RDWR);
	opens("excl", path, O_WRONLY | O_CREAT | O_EXCL);
	opens("directory", path, O_RDONLY | O_DIRECTORY);
	opens("below", path, O_PATH);
}

static void reading_of(long i)
{
	char text[256];

	result(file_read(files[i].path, text, sizeof(text)) < 0 ? -1 : 0);
}

static void deleting(long i)
{
	result(unlink(files[i].path));
	outcome("there", access(files[i].path, F_OK));
}

static const char *const dirs[] = {
	BUS "drivers/vfio-pci", BUS "drivers/pci-stub",
	DEVICE "iommu_group",   "/sys/class/vfio",
	BUS "devices",          "/sys/kernel/iommu_groups",
};

static const char *dir_label(long i)
{
	static const char *const labels[] = {"vfio_pci", "pci_stub",
					     "group",    "class_vfio",
					     "devices",  "groups"};

	return i < (long)COUNT(dirs) ? labels[i] : NULL;
}

static void directory(long i)
{
	char path[160];
	struct stat st = {0};

	result(stat(dirs[i], &st));
	report(" mode=%o", st.st_mode & 07777);
	value("directory", S_ISDIR(st.st_mode));
	snprintf(path, sizeof(path), "%s/new", dirs[i]);
	outcome("mkdir", mkdir(path, 0700));
	outcome("creat", open(path, O_WRONLY | O_CREAT, 0600));
}

static const struct conf_case cases[] = {
	EACH(form_of, file_label),    EACH(opening_of, file_label),
	EACH(reading_of, file_label), EACH(deleting, file_label),
	EACH(directory, dir_label),
};

MACHINE_TABLE(table_sysfs_files, "sysfs_files", cases);
