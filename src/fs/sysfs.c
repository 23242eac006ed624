/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sysfs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/machine.h"
#include "core/vfio.h"
#include "fs/sysfs_walk.h"

#define LINKS_MAX 40
#define PAGE      4096

static int walk_all(struct uvf_walk *walk, struct uvf_vfio *vfio)
{
	const bool has_devices = uvf_walk_wants(walk, "devices");
	const bool has_class = uvf_walk_wants(walk, "class");

	walk->has_group_numbers = vfio->v02;
	uvf_walk_dir(walk, "class");
	if (has_devices || has_class) {
		uvf_sysfs_walk_devices(walk);
		uvf_sysfs_walk_classes(walk, vfio);
	}
	if (uvf_walk_wants(walk, "module"))
		uvf_sysfs_walk_modules(walk);
	if (uvf_walk_wants(walk, "bus"))
		uvf_sysfs_walk_bus(walk);
	if (!walk->has_group_numbers && uvf_walk_wants(walk, "kernel"))
		uvf_sysfs_walk_groups(walk, vfio);
	return walk->error;
}

/* Source: `find /sys` of Debian's 6.1 and 6.12 with vfio-pci loaded. */
int uvf_sysfs_walk(struct uvf_vfio *vfio, const struct uvf_sysfs_sink *sink)
{
	struct uvf_walk walk = {
		.machine = vfio->machine, .vfio = vfio, .sink = sink};
	int ret;

	walk.content = uvf_zalloc(UVF_WALK_CONTENT);
	if (!walk.content)
		return -ENOMEM;
	ret = walk_all(&walk, vfio);
	uvf_free(walk.content);
	return ret;
}

/* A file by its path, links followed; 0, or a negative errno. */
static int find_file(struct uvf_vfio *vfio, const char *path,
		     struct uvf_walk_search *search)
{
	memset(search, 0, sizeof(*search));
	if (strlen(path) >= sizeof(search->path))
		return -ENAMETOOLONG;
	(void)snprintf(search->path, sizeof(search->path), "%s", path);
	for (int i = 0; i <= LINKS_MAX; i++) {
		struct uvf_walk walk = {
			.machine = vfio->machine,
			.vfio = vfio,
			.search = search,
		};
		int ret;

		search->found = UVF_WALK_NOTHING;
		ret = walk_all(&walk, vfio);
		if (ret < 0)
			return ret;
		if (search->found == UVF_WALK_FOUND_FILE)
			return 0;
		if (search->found == UVF_WALK_FOUND_DIR)
			return -EISDIR;
		if (search->found == UVF_WALK_NOTHING)
			return -ENOENT;
	}
	return -ELOOP;
}

/* A part of what the file shows as a whole. */
static ssize_t show_part(const struct uvf_walk_file *file, void *buf,
			 size_t size, uint64_t pos)
{
	char *content = uvf_zalloc(UVF_WALK_CONTENT);
	ssize_t ret;

	if (!content)
		return -ENOMEM;
	ret = uvf_walk_show(file, content, UVF_WALK_CONTENT);
	if (ret >= 0 && pos >= (size_t)ret) {
		ret = 0;
	} else if (ret >= 0) {
		if (size > (size_t)ret - pos)
			size = (size_t)(ret - (ssize_t)pos);
		memcpy(buf, content + pos, size);
		ret = (ssize_t)size;
	}
	uvf_free(content);
	return ret;
}

ssize_t uvf_sysfs_read(struct uvf_vfio *vfio, const char *path, void *buf,
		       size_t size, uint64_t pos)
{
	struct uvf_walk_search search;
	const struct uvf_bus_attr *attr;
	ssize_t ret = find_file(vfio, path, &search);

	if (ret)
		return ret;
	attr = search.file.attr;
	if (!(search.file.mode & 0444))
		ret = -EACCES;
	else if (attr && attr->pread)
		ret = attr->pread(search.file.device, attr, buf, size, pos);
	else
		ret = show_part(&search.file, buf, size, pos);
	uvf_bus_device_put(search.file.device);
	return ret;
}

/* What the kernel hands to a file: up to a page, and a NUL behind it. */
static ssize_t store(const struct uvf_walk_file *file, struct uvf_task *task,
		     const void *buf, size_t size)
{
	const struct uvf_bus_attr *attr = file->attr;
	char *text;
	ssize_t ret;

	if (size > PAGE)
		size = PAGE;
	text = uvf_zalloc(size + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, buf, size);
	if (attr)
		ret = attr->store ? attr->store(file->device, task, text, size)
				  : -EIO;
	else
		ret = file->store ? file->store(file, task, text, size) : -EIO;
	uvf_free(text);
	return ret;
}

ssize_t uvf_sysfs_write(struct uvf_vfio *vfio, struct uvf_task *task,
			const char *path, const void *buf, size_t size,
			uint64_t pos)
{
	struct uvf_walk_search search;
	const struct uvf_bus_attr *attr;
	ssize_t ret = find_file(vfio, path, &search);

	if (ret)
		return ret;
	attr = search.file.attr;
	if (!(search.file.mode & 0222))
		ret = -EACCES;
	else if (attr && attr->pwrite)
		ret = attr->pwrite(search.file.device, attr, buf, size, pos);
	else if (size)
		ret = store(&search.file, task, buf, size);
	uvf_bus_device_put(search.file.device);
	return ret;
}
