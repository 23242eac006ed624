/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/uevent.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "bus/bus.h"
#include "bus/machine.h"

static const char *const actions[UVF_UEVENT_ACTIONS] = {
	[UVF_UEVENT_ADD] = "add",       [UVF_UEVENT_REMOVE] = "remove",
	[UVF_UEVENT_CHANGE] = "change", [UVF_UEVENT_MOVE] = "move",
	[UVF_UEVENT_ONLINE] = "online", [UVF_UEVENT_OFFLINE] = "offline",
	[UVF_UEVENT_BIND] = "bind",     [UVF_UEVENT_UNBIND] = "unbind",
};

/* Adds one string with its NUL; what has no room is left out. */
static void __attribute__((format(printf, 2, 3)))
append(struct uvf_uevent *event, const char *fmt, ...)
{
	size_t left = sizeof(event->text) - event->size;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(event->text + event->size, left, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < left)
		event->size += (size_t)n + 1;
}

static void append_lines(struct uvf_uevent *event, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		if (len)
			append(event, "%.*s", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

void uvf_uevent_emit(struct uvf_machine *machine, enum uvf_uevent_action action,
		     const char *path, const char *subsystem, const char *pairs)
{
	char devpath[UVF_BUS_PATH + 1];
	struct uvf_uevent event = {
		.action = action,
		.devpath = devpath,
		.subsystem = subsystem,
	};

	(void)snprintf(devpath, sizeof(devpath), "/%s", path);
	append(&event, "%s@%s", actions[action], devpath);
	append(&event, "ACTION=%s", actions[action]);
	append(&event, "DEVPATH=%s", devpath);
	append(&event, "SUBSYSTEM=%s", subsystem);
	append_lines(&event, pairs);
	uvf_lock(&machine->event_lock);
	event.seqnum = ++machine->seqnum;
	append(&event, "SEQNUM=%llu", (unsigned long long)event.seqnum);
	if (machine->changed)
		machine->changed(machine->changed_arg, &event);
	uvf_unlock(&machine->event_lock);
}

void uvf_uevent_emit_device(struct uvf_bus_device *device,
			    enum uvf_uevent_action action, const char *extra)
{
	char path[UVF_BUS_PATH], pairs[UVF_UEVENT_SIZE];
	size_t used = strnlen(extra, sizeof(pairs) - 1);

	memcpy(pairs, extra, used);
	used += uvf_bus_device_pairs(device, pairs + used,
				     sizeof(pairs) - 1 - used);
	pairs[used] = '\0';
	uvf_bus_device_path(device, path);
	uvf_uevent_emit(device->bus->machine, action, path, device->bus->name,
			pairs);
}

/* Letters and digits up to a delimiter or the end; 0: there are none. */
static size_t word_length(const char *text, size_t size, char delimiter)
{
	size_t n = 0;

	for (; n < size && text[n] != delimiter; n++)
		if (!isalnum((unsigned char)text[n]))
			return 0;
	return n;
}

/* UUID, and words KEY=VALUE with one blank before each. */
static int parse_args(const char *text, size_t size,
		      char ret_pairs[UVF_UEVENT_SIZE])
{
	int used;

	if (!uvf_parse_is_uuid(text, size))
		return -EINVAL;
	used = snprintf(ret_pairs, UVF_UEVENT_SIZE, "SYNTH_UUID=%.*s\n",
			UVF_UUID_LENGTH, text);
	text += UVF_UUID_LENGTH;
	size -= UVF_UUID_LENGTH;
	while (size) {
		size_t key, value;

		if (*text != ' ')
			return -EINVAL;
		key = word_length(text + 1, size - 1, '=');
		if (!key || key + 2 >= size)
			return -EINVAL;
		value = word_length(text + key + 2, size - key - 2, ' ');
		if (!value || (size_t)used + key + value + 16 > UVF_UEVENT_SIZE)
			return -EINVAL;
		used += snprintf(ret_pairs + used,
				 UVF_UEVENT_SIZE - (size_t)used,
				 "SYNTH_ARG_%.*s=%.*s\n", (int)key, text + 1,
				 (int)value, text + key + 2);
		text += key + value + 2;
		size -= key + value + 2;
	}
	return 0;
}

static int find_action(const char *text, size_t size)
{
	for (int i = 0; i < UVF_UEVENT_ACTIONS; i++)
		if (strlen(actions[i]) == size &&
		    !strncmp(actions[i], text, size))
			return i;
	return -EINVAL;
}

int uvf_uevent_parse(const char *text, size_t size,
		     enum uvf_uevent_action *ret_action,
		     char ret_pairs[UVF_UEVENT_SIZE])
{
	const char *blank;
	size_t word;
	int action;

	if (size && (text[size - 1] == '\n' || !text[size - 1]))
		size--;
	blank = memchr(text, ' ', size);
	word = blank ? (size_t)(blank - text) : size;
	action = find_action(text, word);
	if (action < 0)
		return -EINVAL;
	*ret_action = (enum uvf_uevent_action)action;
	(void)snprintf(ret_pairs, UVF_UEVENT_SIZE, "SYNTH_UUID=0\n");
	if (!blank)
		return 0;
	return parse_args(blank + 1, size - word - 1, ret_pairs);
}

ssize_t uvf_uevent_store(struct uvf_bus_device *device, struct uvf_task *task,
			 const char *buf, size_t size)
{
	enum uvf_uevent_action action;
	char pairs[UVF_UEVENT_SIZE];
	int ret = uvf_uevent_parse(buf, size, &action, pairs);

	(void)task;
	if (ret)
		return ret;
	uvf_uevent_emit_device(device, action, pairs);
	return (ssize_t)size;
}
