/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/remover.h"

#include <errno.h>
#include <signal.h>

#include "bus/device.h"
#include "bus/machine.h"

void uvf_remover_init(struct uvf_remover *remover)
{
	pthread_mutex_init(&remover->lock, NULL);
	pthread_cond_init(&remover->wake, NULL);
	remover->is_started = false;
	remover->must_stop = false;
	uvf_list_init(&remover->queue);
}

static void *remover_main(void *arg)
{
	struct uvf_remover *remover = arg;
	struct uvf_bus_device *device;

	pthread_setname_np(pthread_self(), "uvf-remove");
	pthread_mutex_lock(&remover->lock);
	while (!remover->must_stop || !uvf_list_is_empty(&remover->queue)) {
		if (uvf_list_is_empty(&remover->queue)) {
			pthread_cond_wait(&remover->wake, &remover->lock);
			continue;
		}
		device = uvf_list_entry(remover->queue.next,
					struct uvf_bus_device, remover_node);
		pthread_mutex_unlock(&remover->lock);
		uvf_machine_unplug(device, NULL);
		pthread_mutex_lock(&remover->lock);
		uvf_list_remove(&device->remover_node);
		pthread_mutex_unlock(&remover->lock);
		uvf_bus_device_put(device);
		pthread_mutex_lock(&remover->lock);
	}
	pthread_mutex_unlock(&remover->lock);
	return NULL;
}

/* Signals are for the threads of the process that uses us. */
static bool start_locked(struct uvf_remover *remover)
{
	sigset_t all, old;

	if (remover->is_started)
		return true;
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	remover->is_started =
		!pthread_create(&remover->thread, NULL, remover_main, remover);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return remover->is_started;
}

int uvf_remover_queue(struct uvf_remover *remover,
		      struct uvf_bus_device *device)
{
	int ret = 0;

	pthread_mutex_lock(&remover->lock);
	if (!uvf_list_is_empty(&device->remover_node)) {
		ret = -EAGAIN;
	} else if (!start_locked(remover)) {
		ret = -ENOMEM;
	} else {
		uvf_list_append(&remover->queue,
				&uvf_bus_device_get(device)->remover_node);
		pthread_cond_signal(&remover->wake);
	}
	pthread_mutex_unlock(&remover->lock);
	return ret;
}

void uvf_remover_fini(struct uvf_remover *remover)
{
	bool is_started;

	pthread_mutex_lock(&remover->lock);
	remover->must_stop = true;
	is_started = remover->is_started;
	pthread_cond_signal(&remover->wake);
	pthread_mutex_unlock(&remover->lock);
	if (is_started)
		pthread_join(remover->thread, NULL);
	pthread_cond_destroy(&remover->wake);
	pthread_mutex_destroy(&remover->lock);
}
