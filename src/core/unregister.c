/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/unregister.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "base/task.h"
#include "bus/device.h"
#include "bus/machine.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/vfio.h"

#define NSEC_PER_SEC 1000000000ull

static struct timespec after(uint64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns += (uint64_t)now.tv_nsec;
	now.tv_sec += (time_t)(ns / NSEC_PER_SEC);
	now.tv_nsec = (long)(ns % NSEC_PER_SEC);
	return now;
}

static void wake(void *arg)
{
	struct uvf_device *device = arg;

	uvf_lock(&device->wait_lock);
	pthread_cond_broadcast(&device->wake);
	uvf_unlock(&device->wait_lock);
}

static bool is_unused(struct uvf_device *device)
{
	bool ret;

	uvf_lock(&device->wait_lock);
	ret = device->is_unused;
	uvf_unlock(&device->wait_lock);
	return ret;
}

/* One interval, or less; @task: who may be interrupted, NULL: nobody. */
static void wait_once(struct uvf_device *device, struct uvf_task *task)
{
	const struct timespec until = after(device->vfio->request_ns);
	int ret = 0;

	uvf_lock(&device->wait_lock);
	while (!device->is_unused && !uvf_task_is_interrupted(task) &&
	       ret != ETIMEDOUT)
		ret = uvf_cond_wait_until(&device->wake, &device->wait_lock,
					  &until);
	uvf_unlock(&device->wait_lock);
}

static void wait_in_silence(struct uvf_device *device)
{
	uvf_lock(&device->wait_lock);
	while (!device->is_unused)
		uvf_cond_wait(&device->wake, &device->wait_lock);
	uvf_unlock(&device->wait_lock);
}

/*
 * Source: vfio_unregister_group_dev(); drivers/vfio/vfio_main.c, Linux 6.12:
 * the first signal is answered by one more request, and then none is.
 */
static void wait_and_ask(struct uvf_device *device, struct uvf_task *task)
{
	const unsigned int limit = device->vfio->machine->revoke_after;
	unsigned int count = 0;

	while (!is_unused(device)) {
		if (limit && count == limit) {
			uvf_log(UVF_LOG_WARNING, "%s: revoked from its users",
				device->bus_device->name);
			uvf_device_revoke(device);
			wait_in_silence(device);
			return;
		}
		if (device->ops->request)
			device->ops->request(device, count);
		count++;
		wait_once(device, task);
		if (uvf_task_is_interrupted(task)) {
			uvf_log(UVF_LOG_WARNING,
				"%s: in use, and \"%s\" (%d) is blocked until "
				"it is released",
				device->bus_device->name, task->comm,
				(int)task->pid);
			task = NULL;
		}
	}
}

void uvf_unregister_wait(struct uvf_device *device, struct uvf_task *task)
{
	uvf_device_put_user(device);
	if (!uvf_machine_asks_users(device->vfio->machine)) {
		wait_in_silence(device);
		return;
	}
	uvf_task_on_interrupt(task, wake, device);
	wait_and_ask(device, task);
	uvf_task_on_interrupt(task, NULL, NULL);
}
