/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of sysfs that clients of VFIO read. */
#include "lib.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const files[] = {
	"vendor",
	"device",
	"class",
	"revision",
	"subsystem_vendor",
	"subsystem_device",
	"enable",
	"driver_override",
	"broken_parity_status",
	"d3cold_allowed",
	"dma_mask_bits",
	"consistent_dma_mask_bits",
	"modalias",
	"numa_node",
	"msi_bus",
	"ari_enabled",
	"uevent",
	"sriov_totalvfs",
	"reset",
	"reset_method",
	"max_link_speed",
	"rom",
	"resource1",
	"vfio-dev",
};

static const char *file_label(long i)
{
	return i < (long)COUNT(files) ? files[i] : NULL;
}

/* Several lines become one. */
static void show(const char *text)
{
	report(" text=");
	for (; *text; text++)
		report("%c", *text == '\n'                   ? '|'
			     : isprint((unsigned char)*text) ? *text
							     : '?');
}

static void file(long i)
{
	char path[128], text[1024];
	ssize_t n;

	sysfs_path(0, files[i], path, sizeof(path));
	n = file_read(path, text, sizeof(text));
	if (n < 0) {
		result(-1);
		return;
	}
	result(n);
	show(text);
}

static void irq_is_a_number(void)
{
	char path[128], text[64];

	sysfs_path(0, "irq", path, sizeof(path));
	need(file_read(path, text, sizeof(text)) > 0, "read");
	result(strtol(text, NULL, 10) > 0);
}

static const char *const links[] = {"driver", "subsystem"};

static const char *link_label(long i)
{
	return i < (long)COUNT(links) ? links[i] : NULL;
}

static void link_of(long i)
{
	char path[128], base[64];

	sysfs_path(0, links[i], path, sizeof(path));
	if (link_base(path, base, sizeof(base))) {
		result(-1);
		return;
	}
	result(0);
	report(" base=%s", base);
}

/* Thirteen or more lines of start, end, flags; addresses are not shown. */
static void resource_lines(void)
{
	char path[128], text[4096], *at = text;
	unsigned long long start, end, flags;
	int n = 0, used;

	sysfs_path(0, "resource", path, sizeof(path));
	need(file_read(path, text, sizeof(text)) > 0, "read");
	while (sscanf(at, "%llx %llx %llx%n", &start, &end, &flags, &used) ==
	       3) {
		if (end)
			report(" %d:0x%llx@%s,0x%llx", n, end - start + 1,
			       start % (end - start + 1) ? "odd" : "aligned",
			       flags);
		n++;
		at += used;
	}
	result(n);
}

static void resource_equals_the_bar(void)
{
	struct session s = session_device();
	char path[128], text[4096];

	sysfs_path(0, "resource", path, sizeof(path));
	need(file_read(path, text, sizeof(text)) > 0, "read");
	result(strtoull(text, NULL, 16) == cfg_read(s.device, 0x10, 4));
}

static void config_file_begins_like_the_device(void)
{
	unsigned char buf[512];
	char path[128];
	ssize_t n;
	int fd;

	sysfs_path(0, "config", path, sizeof(path));
	fd = open(path, O_RDONLY);
	need(fd >= 0, "open");
	n = read(fd, buf, sizeof(buf));
	result(n);
	report(" ids=%02x%02x%02x%02x", buf[0], buf[1], buf[2], buf[3]);
	report(" class=%02x%02x%02x%02x", buf[8], buf[9], buf[10], buf[11]);
	report(" caps=%02x", buf[0x34]);
	outcome("at_0x100", pread(fd, buf, 4, 0x100));
	outcome("over_0xff", pread(fd, buf, 4, 0xfe));
	outcome("lseek", lseek(fd, 0x2c, SEEK_SET));
}

static void config_file_shows_the_command(void)
{
	struct session s = session_device();
	unsigned char buf[2] = {0, 0};
	char path[128];
	int fd;

	sysfs_path(0, "config", path, sizeof(path));
	fd = open(path, O_RDONLY);
	need(fd >= 0, "open");
	cfg_command(s.device, 0, 0x404);
	result(pread(fd, buf, 2, 4));
	hex("master", buf[0] & 4);
	hex("disintx", buf[1] & 4);
}

static void resource0_shape(void)
{
	char path[128];

	sysfs_path(0, "resource0", path, sizeof(path));
	result(access(path, R_OK));
	outcome("resource0_wc",
		(sysfs_path(0, "resource0_wc", path, sizeof(path)),
		 access(path, F_OK)));
}

static void group_file(const char *name, char *text, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/%s",
		 group_id(0), name);
	if (file_read(path, text, size) < 0) {
		result(-1);
		text[0] = '\0';
	} else {
		result(0);
	}
}

static void group_type(void)
{
	char text[64];

	group_file("type", text, sizeof(text));
	show(text);
}

static void group_name(void)
{
	char text[64];

	group_file("name", text, sizeof(text));
}

static void group_reserved_regions(void)
{
	char text[1024];

	group_file("reserved_regions", text, sizeof(text));
	show(text);
}

static void group_type_in_use(void)
{
	char text[64];

	session_device();
	group_file("type", text, sizeof(text));
	show(text);
}

static void group_links_back(void)
{
	char path[128], real_dev[512], real_member[512];

	sysfs_path(0, "", path, sizeof(path));
	need(realpath(path, real_dev) != NULL, "realpath");
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices/%s",
		 group_id(0), bdf(0));
	need(realpath(path, real_member) != NULL, "realpath-member");
	result(!strcmp(real_dev, real_member));
	sysfs_path(0, "iommu_group/devices", path, sizeof(path));
	outcome("through_link", access(path, F_OK));
}

static void groups_differ(void)
{
	result(group_id(0) != group_id(1));
	value("known", group_id(0) >= 0 && group_id(1) >= 0);
}

static const char *const others[] = {
	"/sys/bus/pci/drivers/vfio-pci/new_id",
	"/sys/bus/pci/drivers/vfio-pci/bind",
	"/sys/bus/pci/drivers/vfio-pci/unbind",
	"/sys/bus/pci/drivers/vfio-pci/remove_id",
	"/sys/bus/pci/drivers_probe",
	"/sys/bus/pci/drivers/vfio-pci/0000:00:03.0",
	"/sys/bus/pci/drivers/vfio-pci/0000:00:1f.0",
	"/sys/module/vfio",
	"/sys/module/vfio_pci",
	"/sys/module/vfio_iommu_type1",
	"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
	"/sys/class/vfio",
	"/sys/class/vfio-dev/vfio0",
	"/sys/class/iommu",
};

static const char *other_label(long i)
{
	static char buf[128];

	if (i >= (long)COUNT(others))
		return NULL;
	snprintf(buf, sizeof(buf), "%s", others[i] + strlen("/sys/"));
	for (char *c = buf; *c; c++)
		if (*c == '/')
			*c = '_';
	return buf;
}

static void has(long i)
{
	result(access(others[i], F_OK));
}

static void dma_entry_limit(void)
{
	char text[64];

	result(file_read(others[11], text, sizeof(text)));
	show(text);
}

/* Shows B11. */
static void vfio_dev_names_the_device(void)
{
	char path[128], base[64];

	result(link_base("/sys/class/vfio-dev/vfio0/device", base,
			 sizeof(base)));
	report(" base=%s", base);
	sysfs_path(0, "vfio-dev/vfio0/dev", path, sizeof(path));
	outcome("dev", access(path, F_OK));
}

static const struct conf_case cases[] = {
	EACH(file, file_label),
	CASE(irq_is_a_number),
	EACH(link_of, link_label),
	CASE(resource_lines),
	CASE(resource_equals_the_bar),
	CASE(config_file_begins_like_the_device),
	CASE(config_file_shows_the_command),
	CASE(resource0_shape),
	CASE(group_type),
	CASE(group_name),
	CASE(group_reserved_regions),
	CASE(group_type_in_use),
	CASE(group_links_back),
	CASE(groups_differ),
	EACH(has, other_label),
	CASE(dma_entry_limit),
	CASE(vfio_dev_names_the_device),
};

TABLE(table_sysfs, "sysfs", cases);
