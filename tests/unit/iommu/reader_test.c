/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A wait for readers ends when every section that ran has ended, and no
 * sooner.
 */
#include "iommu/reader.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "iommu/iommu.h"

/* A thread that is inside a section until it is told to leave. */
struct visitor {
	pthread_t thread;
	pthread_barrier_t inside;
	bool is_online;
	bool is_strange; /* never registered itself */
	unsigned int depth;
	atomic_bool may_leave;
	atomic_bool has_left; /* set as the last thing inside */
};

static void *visit(void *arg)
{
	struct visitor *visitor = arg;

	if (!visitor->is_strange)
		uvf_reader_register();
	if (visitor->is_online)
		uvf_reader_online();
	for (unsigned int i = 0; i < visitor->depth; i++)
		uvf_reader_enter();
	pthread_barrier_wait(&visitor->inside);
	for (unsigned int i = 1; i < visitor->depth; i++)
		uvf_reader_leave();
	while (!atomic_load(&visitor->may_leave))
		sched_yield();
	atomic_store_explicit(&visitor->has_left, true, memory_order_relaxed);
	uvf_reader_leave();
	if (!visitor->is_strange)
		uvf_reader_unregister();
	return NULL;
}

static void start(struct visitor *visitor)
{
	pthread_barrier_init(&visitor->inside, NULL, 2);
	assert_int_equal(pthread_create(&visitor->thread, NULL, visit, visitor),
			 0);
	pthread_barrier_wait(&visitor->inside);
}

static void finish(struct visitor *visitor)
{
	pthread_join(visitor->thread, NULL);
	pthread_barrier_destroy(&visitor->inside);
}

/* Lets the visitors go while another thread waits for them already. */
static void *let_go(void *arg)
{
	struct visitor *visitors = arg;

	for (unsigned int i = 0; i < 2; i++)
		atomic_store(&visitors[i].may_leave, true);
	return NULL;
}

static void wait_for_two(struct visitor *visitors)
{
	pthread_t thread;

	start(&visitors[0]);
	start(&visitors[1]);
	assert_int_equal(pthread_create(&thread, NULL, let_go, visitors), 0);
	uvf_reader_synchronize();
	for (unsigned int i = 0; i < 2; i++)
		assert_true(atomic_load_explicit(&visitors[i].has_left,
						 memory_order_relaxed));
	pthread_join(thread, NULL);
	finish(&visitors[0]);
	finish(&visitors[1]);
}

static void wait_ends_after_sections_of_threads_offline(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		struct visitor visitors[2] = {{.depth = 1}, {.depth = 1}};

		wait_for_two(visitors);
	}
}

static void wait_ends_after_sections_of_threads_online(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		struct visitor visitors[2] = {
			{.depth = 1, .is_online = true},
			{.depth = 1},
		};

		wait_for_two(visitors);
	}
}

static void wait_ends_after_sections_of_threads_nobody_knew(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		struct visitor visitors[2] = {
			{.depth = 1, .is_strange = true},
			{.depth = 2, .is_strange = true},
		};

		wait_for_two(visitors);
	}
	/* And they are forgotten. */
	uvf_reader_synchronize();
}

static void section_ends_with_the_outermost(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		struct visitor visitors[2] = {
			{.depth = 3, .is_online = true},
			{.depth = 3},
		};

		wait_for_two(visitors);
	}
}

static void wait_does_not_hang_on_who_is_outside(void **state)
{
	(void)state;
	uvf_reader_register();
	uvf_reader_register();
	uvf_reader_online();
	uvf_reader_enter();
	uvf_reader_leave();
	uvf_reader_synchronize();
	uvf_reader_offline();
	uvf_reader_synchronize();
	uvf_reader_unregister();
	uvf_reader_synchronize();
	uvf_reader_unregister();
	uvf_reader_synchronize();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_ends_after_sections_of_threads_offline),
		cmocka_unit_test(wait_ends_after_sections_of_threads_online),
		cmocka_unit_test(
			wait_ends_after_sections_of_threads_nobody_knew),
		cmocka_unit_test(section_ends_with_the_outermost),
		cmocka_unit_test(wait_does_not_hang_on_who_is_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
