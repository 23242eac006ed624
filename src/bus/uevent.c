/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/uevent.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
	char path[UVF_BUS_PATH], pairs[UVF_UEVENT_SIZE / 2];
	size_t used = strnlen(extra, sizeof(pairs) - 1);

	memcpy(pairs, extra, used);
	used += uvf_bus_device_pairs(device, pairs + used,
				     sizeof(pairs) - 1 - used);
	pairs[used] = '\0';
	uvf_bus_device_path(device, path);
	uvf_uevent_emit(device->bus->machine, action, path, device->bus->name,
			pairs);
}
