/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that unplugs devices one after the other, for kernels whose file
 * remove does not wait.  It starts with the first of them.
 */
#ifndef UVF_BUS_REMOVER_H
#define UVF_BUS_REMOVER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"

struct uvf_bus_device;

struct uvf_remover {
	pthread_t thread;
	pthread_mutex_t lock; /* protects what follows; a leaf */
	pthread_cond_t wake;
	bool is_started;
	bool must_stop;
	/*
	 * struct uvf_bus_device by remover_node, with a reference each; the
	 * first stays until it is unplugged.
	 */
	struct uvf_list queue;
};

void uvf_remover_init(struct uvf_remover *remover);

/* Ends when all that was asked for is done. */
void uvf_remover_fini(struct uvf_remover *remover);

/**
 * uvf_remover_queue() - unplug a device soon
 * Return: 0, -EAGAIN it is asked for already, -ENOMEM there is no thread.
 */
int uvf_remover_queue(struct uvf_remover *remover,
		      struct uvf_bus_device *device);

#endif /* UVF_BUS_REMOVER_H */
