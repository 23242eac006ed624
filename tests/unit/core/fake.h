/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of a bus of the test's own, with a VFIO driver that counts what it
 * is asked and a driver of the host that wants the default domain.
 */
#ifndef TESTS_UNIT_CORE_FAKE_H
#define TESTS_UNIT_CORE_FAKE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/task.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "core/device.h"
#include "core/vfio.h"
#include "lib/client.h"
#include "lib/machine.h"

#define GROUP    40 /* the group of the fakes; edu's are 1 and 2 */
#define NODE     "/dev/vfio/40"
#define EMULATED (-3) /* fake_add(): no group, registers as emulated */

struct rig {
	struct uvfio_machine *machine;
	struct uvf_machine *bus_machine;
	struct uvf_vfio *vfio;
	struct uvf_bus *bus;
	struct uvf_driver *vfio_driver, *host_driver, *stub_driver;
	struct uvf_device_ops ops; /* may be changed before a bind */
	struct client *client;
};

struct fake {
	struct uvf_bus_device bus;
	struct uvf_device vfio;
	struct rig *rig;
	bool is_emulated;
	int open_errno;  /* what open() says */
	int match_value; /* what match() says, if that is an op */
	atomic_int opens, closes, requests, last_request, removes;
	atomic_bool is_open;
};

struct rig rig_create(const char *abi);
struct rig rig_create_on(const char *abi, const char *host);
void rig_fill(struct rig *rig); /* after rig_create(), at its final place */
void rig_destroy(struct rig *rig);

/* A driverless device; the machine frees it. */
struct fake *fake_add(struct rig *rig, const char *name, int group);
void fake_bind(struct fake *fake, struct uvf_driver *driver);

/* An unbind by somebody else, perhaps waiting. */
struct unbind {
	pthread_t thread;
	struct fake *fake;
	struct uvf_task task;
	atomic_bool is_done;
};
void unbind_start(struct unbind *unbind, struct fake *fake);
void unbind_join(struct unbind *unbind);

/* Until a count is reached. */
void wait_for(atomic_int *count, int value);

/* Shorthands of system calls of rig->client. */
int set_container(struct rig *rig, int group, int container);
int get_device(struct rig *rig, int group, const char *name);
int status_of(struct rig *rig, int group); /* flags or a negative errno */
int unset_container(struct rig *rig, int group);

#endif /* TESTS_UNIT_CORE_FAKE_H */
