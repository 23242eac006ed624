/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sysfs_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bus/machine.h"
#include "bus/uevent.h"

/* Ends a search. */
#define FOUND 1

void uvf_walk_fail(struct uvf_walk *walk, int error)
{
	if (!walk->error)
		walk->error = error;
}

/* False when nothing more is to be told. */
static bool __attribute__((format(printf, 3, 0)))
format_path(struct uvf_walk *walk, char path[UVF_WALK_PATH], const char *fmt,
	    va_list args)
{
	int length;

	path[0] = '\0';
	if (walk->error)
		return false;
	length = vsnprintf(path, UVF_WALK_PATH, fmt, args);
	if (length < 0 || length >= UVF_WALK_PATH)
		walk->error = -ENAMETOOLONG;
	return !walk->error;
}

void uvf_walk_path(struct uvf_walk *walk, char ret_path[UVF_WALK_PATH],
		   const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_path(walk, ret_path, fmt, args);
	va_end(args);
}

/* Bytes of path when it is above (or is) what is looked for, else 0. */
static size_t prefix_of_wanted(const struct uvf_walk *walk, const char *path)
{
	size_t len = strlen(path);
	const char *wanted = walk->search->path;

	if (strncmp(wanted, path, len) || (wanted[len] && wanted[len] != '/'))
		return 0;
	return len;
}

bool uvf_walk_wants(const struct uvf_walk *walk, const char *dir)
{
	return !walk->error && (walk->sink || prefix_of_wanted(walk, dir));
}

bool uvf_walk_wants_entry(const struct uvf_walk *walk, const char *dir,
			  const char *name)
{
	const char *rest;
	size_t len;

	if (walk->error)
		return false;
	if (walk->sink)
		return true;
	len = prefix_of_wanted(walk, dir);
	if (!len || walk->search->path[len] != '/')
		return false;
	rest = walk->search->path + len + 1;
	len = strlen(name);
	return !strncmp(rest, name, len) && (!rest[len] || rest[len] == '/');
}

static bool is_wanted(const struct uvf_walk *walk, const char *path)
{
	return !strcmp(walk->search->path, path);
}

static void tell_dir(struct uvf_walk *walk, const char *path)
{
	if (walk->sink) {
		walk->error = walk->sink->dir(walk->sink->arg, path);
	} else if (is_wanted(walk, path)) {
		walk->search->found = UVF_WALK_FOUND_DIR;
		walk->error = FOUND;
	}
}

void uvf_walk_dir(struct uvf_walk *walk, const char *fmt, ...)
{
	char path[UVF_WALK_PATH];
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, path, fmt, args);
	va_end(args);
	if (is_fine)
		tell_dir(walk, path);
}

ssize_t uvf_walk_show(const struct uvf_walk_file *file, void *buf, size_t size)
{
	size_t len;

	if (file->attr) {
		if (!file->attr->show)
			return -EIO;
		return (ssize_t)file->attr->show(file->device, buf, size);
	}
	if (!file->text)
		return -EIO;
	len = strlen(file->text);
	if (len > size)
		len = size;
	memcpy(buf, file->text, len);
	return (ssize_t)len;
}

/* Keeps what was found beyond the walk. */
static void keep(struct uvf_walk_search *search,
		 const struct uvf_walk_file *file)
{
	search->found = UVF_WALK_FOUND_FILE;
	search->file = *file;
	if (file->device)
		uvf_bus_device_get(file->device);
	if (file->text) {
		(void)snprintf(search->text, sizeof(search->text), "%s",
			       file->text);
		search->file.text = search->text;
	}
	(void)snprintf(search->file.path, sizeof(search->file.path), "%.*s",
		       UVF_WALK_PATH - 1, search->path);
}

static void tell_file(struct uvf_walk *walk, const struct uvf_walk_file *file,
		      const char *path)
{
	ssize_t size;

	if (!walk->sink) {
		if (!is_wanted(walk, path))
			return;
		keep(walk->search, file);
		walk->search->file.machine = walk->machine;
		walk->error = FOUND;
		return;
	}
	size = uvf_walk_show(file, walk->content, UVF_WALK_CONTENT);
	walk->error =
		walk->sink->file(walk->sink->arg, path, file->mode,
				 walk->content, size < 0 ? 0 : (size_t)size);
}

void uvf_walk_file(struct uvf_walk *walk, const struct uvf_walk_file *file,
		   const char *fmt, ...)
{
	char path[UVF_WALK_PATH];
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, path, fmt, args);
	va_end(args);
	if (is_fine)
		tell_file(walk, file, path);
}

void uvf_walk_text(struct uvf_walk *walk, mode_t mode, const char *text,
		   const char *fmt, ...)
{
	const struct uvf_walk_file file = {.mode = mode, .text = text};
	char path[UVF_WALK_PATH];
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, path, fmt, args);
	va_end(args);
	if (is_fine)
		tell_file(walk, &file, path);
}

void uvf_walk_texts(struct uvf_walk *walk, const struct uvf_walk_text *texts,
		    const struct uvf_walk_file *about, const char *fmt, ...)
{
	char dir[UVF_WALK_PATH];
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, dir, fmt, args);
	va_end(args);
	if (!is_fine)
		return;
	for (; texts->name; texts++) {
		struct uvf_walk_file file;

		if (!uvf_walk_wants_entry(walk, dir, texts->name))
			continue;
		file = *about;
		file.mode = texts->mode;
		file.text = texts->text;
		file.store = texts->store;
		uvf_walk_file(walk, &file, "%s/%s", dir, texts->name);
	}
}

/*
 * Bytes of path, up to and with a slash, that name a directory above both
 * path and target.
 */
static size_t common_length(const char *path, const char *target)
{
	size_t common = 0;

	for (size_t i = 0; path[i] && path[i] == target[i]; i++)
		if (path[i] == '/')
			common = i + 1;
	return common;
}

/* The path that is looked for goes on where the link leads. */
static void follow(struct uvf_walk *walk, const char *path, const char *target)
{
	struct uvf_walk_search *search = walk->search;
	size_t len = prefix_of_wanted(walk, path);
	char rest[2 * UVF_WALK_PATH];

	if (!len)
		return;
	(void)snprintf(rest, sizeof(rest), "%s", search->path + len);
	if (snprintf(search->path, sizeof(search->path), "%s%s", target,
		     rest) >= (int)sizeof(search->path)) {
		walk->error = -ENAMETOOLONG;
		return;
	}
	search->found = UVF_WALK_FOUND_LINK;
	walk->error = FOUND;
}

/*
 * The kernel climbs to the first directory that holds both link and target,
 * and names the target from there.
 */
static void tell_link(struct uvf_walk *walk, const char *path,
		      const char *target)
{
	const struct uvf_sysfs_sink *sink = walk->sink;
	char text[2 * UVF_WALK_PATH];
	size_t common = common_length(path, target), used = 0;

	for (const char *at = path + common; (at = strchr(at, '/')); at++) {
		if (used + 3 + strlen(target) >= sizeof(text)) {
			walk->error = -ENAMETOOLONG;
			return;
		}
		memcpy(text + used, "../", 3);
		used += 3;
	}
	(void)snprintf(text + used, sizeof(text) - used, "%s", target + common);
	walk->error = sink->link(sink->arg, path, text);
}

void uvf_walk_link(struct uvf_walk *walk, const char *target, const char *fmt,
		   ...)
{
	char path[UVF_WALK_PATH];
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, path, fmt, args);
	va_end(args);
	if (!is_fine)
		return;
	if (walk->sink)
		tell_link(walk, path, target);
	else
		follow(walk, path, target);
}

ssize_t uvf_walk_store_uevent(const struct uvf_walk_file *file,
			      struct uvf_task *task, const char *text,
			      size_t size)
{
	char path[UVF_WALK_PATH], pairs[UVF_UEVENT_SIZE];
	enum uvf_uevent_action action;
	int ret = uvf_uevent_parse(text, size, &action, pairs);

	(void)task;
	if (ret)
		return ret;
	/* The directory of the file is the object. */
	(void)snprintf(path, sizeof(path), "%s", file->path);
	*strrchr(path, '/') = '\0';
	if (file->subsystem)
		uvf_uevent_emit(file->machine, action, path, file->subsystem,
				pairs);
	return (ssize_t)size;
}
