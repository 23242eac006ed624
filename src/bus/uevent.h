/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel tells user space of a change: a uevent.
 */
#ifndef UVF_BUS_UEVENT_H
#define UVF_BUS_UEVENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UVF_UEVENT_SIZE 2048

struct uvf_bus_device;
struct uvf_machine;
struct uvf_task;

enum uvf_uevent_action {
	UVF_UEVENT_ADD,
	UVF_UEVENT_REMOVE,
	UVF_UEVENT_CHANGE,
	UVF_UEVENT_MOVE,
	UVF_UEVENT_ONLINE,
	UVF_UEVENT_OFFLINE,
	UVF_UEVENT_BIND,
	UVF_UEVENT_UNBIND,
	UVF_UEVENT_ACTIONS,
};

struct uvf_uevent {
	enum uvf_uevent_action action;
	const char *devpath; /* "/devices/pci0000:00/0000:00:03.0" */
	const char *subsystem;
	uint64_t seqnum;
	/*
	 * As on the netlink socket: "add@DEVPATH", then KEY=VALUE, each with
	 * its final NUL.
	 */
	char text[UVF_UEVENT_SIZE];
	size_t size; /* bytes of text */
};

/**
 * uvf_uevent_emit() - tell of a change
 * @path:  of the object below /sys, "devices/virtual/vfio/1"
 * @pairs: lines KEY=VALUE that follow SUBSYSTEM; may be empty
 *
 * Context: any lock may be held but the machine's own; the hook of the
 * machine runs here.
 */
void uvf_uevent_emit(struct uvf_machine *machine, enum uvf_uevent_action action,
		     const char *path, const char *subsystem,
		     const char *pairs);

/* Of a device of a bus. */
void uvf_uevent_emit_device(struct uvf_bus_device *device,
			    enum uvf_uevent_action action, const char *extra);

/**
 * uvf_uevent_parse() - what was written to a file uevent
 * @text:       ACTION [UUID [KEY=VALUE]...]
 * @ret_action: written on success
 * @ret_pairs:  lines SYNTH_UUID and SYNTH_ARG_KEY
 * Return: 0 or -EINVAL.
 */
int uvf_uevent_parse(const char *text, size_t size,
		     enum uvf_uevent_action *ret_action,
		     char ret_pairs[UVF_UEVENT_SIZE]);

/* Stores for the file uevent of a device: tells of what did not happen. */
ssize_t uvf_uevent_store(struct uvf_bus_device *device, struct uvf_task *task,
			 const char *buf, size_t size);

#endif /* UVF_BUS_UEVENT_H */
