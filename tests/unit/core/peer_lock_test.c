/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that reach each other's registers at once: somebody gives way, and
 * nobody waits for ever.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/model.h"

#define RING   3u
#define ROUNDS 20000u

static struct uvfio_dev devices[RING];

static struct {
	unsigned int reached, refused; /* of the thread */
	pthread_t thread;
} threads[RING];

/* A DMA of one device that ends at the next. */
static bool reach(struct uvfio_dev *from, struct uvfio_dev *to) UVF_NO_ANALYSIS
{
	struct uvfio_dev *before = uvf_model_set_source(from);
	bool is_reached = uvf_model_lock_target(to);

	if (is_reached)
		uvf_unlock(&to->lock);
	uvf_model_set_source(before);
	return is_reached;
}

static void *device_main(void *arg) UVF_NO_ANALYSIS
{
	uintptr_t number = (uintptr_t)arg;
	struct uvfio_dev *self = &devices[number];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uvf_lock(&self->lock);
		if (reach(self, &devices[(number + 1) % RING]))
			threads[number].reached++;
		else
			threads[number].refused++;
		uvf_unlock(&self->lock);
	}
	return NULL;
}

static void devices_in_a_ring_do_not_wait_for_ever(void **state)
{
	unsigned int reached = 0;

	(void)state;
	for (uintptr_t i = 0; i < RING; i++)
		assert_int_equal(pthread_create(&threads[i].thread, NULL,
						device_main, (void *)i),
				 0);
	for (unsigned int i = 0; i < RING; i++) {
		pthread_join(threads[i].thread, NULL);
		assert_int_equal(threads[i].reached + threads[i].refused,
				 ROUNDS);
		assert_null(devices[i].waits_for);
		reached += threads[i].reached;
	}
	/* One may give way all the time, for it does so to those that wait. */
	assert_true(reached);
}

static void device_does_not_reach_itself(void **state) UVF_NO_ANALYSIS
{
	struct uvfio_dev *self = &devices[0];

	(void)state;
	uvf_lock(&self->lock);
	assert_false(reach(self, self));
	assert_true(reach(self, &devices[1]));
	uvf_unlock(&self->lock);
	/* Without a device's lock there is nobody to wait for. */
	assert_true(reach(NULL, self));
}

static int setup(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RING; i++)
		uvf_mutex_init(&devices[i].lock);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_does_not_reach_itself),
		cmocka_unit_test(devices_in_a_ring_do_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
