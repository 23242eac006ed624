/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sysfs_walk.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

void uvf_walk_dir(struct uvf_walk *walk, const char *fmt, ...)
{
	char path[UVF_WALK_PATH];
	va_list args;

	va_start(args, fmt);
	if (format_path(walk, path, fmt, args))
		walk->error = walk->sink->dir(walk->sink->arg, path);
	va_end(args);
}

void uvf_walk_file(struct uvf_walk *walk, mode_t mode, const void *content,
		   size_t size, const char *fmt, ...)
{
	const struct uvf_sysfs_sink *sink = walk->sink;
	char path[UVF_WALK_PATH];
	va_list args;

	va_start(args, fmt);
	if (format_path(walk, path, fmt, args))
		walk->error = sink->file(sink->arg, path, mode, content, size);
	va_end(args);
}

void uvf_walk_text(struct uvf_walk *walk, mode_t mode, const char *text,
		   const char *fmt, ...)
{
	const struct uvf_sysfs_sink *sink = walk->sink;
	char path[UVF_WALK_PATH];
	va_list args;

	va_start(args, fmt);
	if (format_path(walk, path, fmt, args))
		walk->error =
			sink->file(sink->arg, path, mode, text, strlen(text));
	va_end(args);
}

void uvf_walk_texts(struct uvf_walk *walk, const struct uvf_walk_text *texts,
		    const char *fmt, ...)
{
	char dir[UVF_WALK_PATH];
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, dir, fmt, args);
	va_end(args);
	if (!is_fine)
		return;
	for (; texts->name; texts++)
		uvf_walk_text(walk, texts->mode, texts->text, "%s/%s", dir,
			      texts->name);
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

void uvf_walk_link(struct uvf_walk *walk, const char *target, const char *fmt,
		   ...)
{
	const struct uvf_sysfs_sink *sink = walk->sink;
	char path[UVF_WALK_PATH], text[2 * UVF_WALK_PATH];
	size_t common, used = 0;
	va_list args;
	bool is_fine;

	va_start(args, fmt);
	is_fine = format_path(walk, path, fmt, args);
	va_end(args);
	if (!is_fine)
		return;
	/*
	 * The kernel climbs to the first directory that holds both link and
	 * target, and names the target from there.
	 */
	common = common_length(path, target);
	for (const char *at = path + common; (at = strchr(at, '/')); at++) {
		if (used + 3 + strlen(target) >= sizeof(text)) {
			walk->error = -ENAMETOOLONG;
			return;
		}
		memcpy(text + used, "../", 3);
		used += 3;
	}
	snprintf(text + used, sizeof(text) - used, "%s", target + common);
	walk->error = sink->link(sink->arg, path, text);
}
