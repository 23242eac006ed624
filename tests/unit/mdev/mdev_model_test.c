/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several threads create, remove, open and close mediated devices of one
 * parent at random.  Each has some of its own, of which it knows exactly what
 * every call must say, and all of them fight for a few more.  Whenever they
 * rest, what is there and what is left must be what they know.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "bus/machine.h"
#include "front/machine.h"
#include "lib/client.h"
#include "lib/machine.h"

#define MTTY    "/sys/class/mdev_bus/mtty/"
#define TYPES   MTTY "mdev_supported_types/"
#define PORTS   24
#define THREADS 4
#define OWN     16 /* devices of each thread */
#define COMMON  3  /* devices of all */
#define CALLS   60 /* of a thread in a round */
#define ROUNDS  40

static struct uvfio_machine *machine;

/* One device, as the thread that owns it knows it. */
struct known {
	char uuid[40];
	unsigned int ports; /* 0: it is not there */
	bool is_open;
	struct opened opened;
};

struct player {
	pthread_t thread;
	unsigned int seed;
	bool is_alone; /* then no call of another can use up ports */
	struct client *client;
	struct known own[OWN];
};

static struct player players[THREADS];

/* Successful creates of devices of all; removes are subtracted. */
static atomic_int balance[COMMON];

static void name_it(char uuid[40], unsigned int owner, unsigned int n)
{
	(void)snprintf(uuid, 40, "%08x-0000-0000-0000-%012x", owner, n);
}

static ssize_t put(const char *path, const char *text)
{
	return uvfio_sysfs_write(machine, path, text, strlen(text), 0);
}

static ssize_t create(const char *uuid, unsigned int ports)
{
	return put(ports == 1 ? TYPES "mtty-1/create" : TYPES "mtty-2/create",
		   uuid);
}

static ssize_t take_away(const char *uuid)
{
	char path[128];

	(void)snprintf(path, sizeof(path), MTTY "%s/remove", uuid);
	return put(path, "1");
}

static unsigned int left(unsigned int ports)
{
	char text[32] = "";

	assert_true(uvfio_sysfs_read(
			    machine,
			    ports == 1 ? TYPES "mtty-1/available_instances"
				       : TYPES "mtty-2/available_instances",
			    text, sizeof(text) - 1, 0) > 0);
	return (unsigned int)strtoul(text, NULL, 10);
}

static bool is_there(const char *uuid)
{
	struct uvf_bus_device *device = uvf_machine_find(&machine->bus, uuid);

	uvf_bus_device_put(device);
	return device;
}

static unsigned int used_by(const struct player *player)
{
	unsigned int used = 0;

	for (int i = 0; i < OWN; i++)
		used += player->own[i].ports;
	return used;
}

static void create_own(struct player *player, struct known *known)
{
	unsigned int ports = 1 + (unsigned int)rand_r(&player->seed) % 2;
	unsigned int used = used_by(player);
	ssize_t ret = create(known->uuid, ports);

	if (known->ports) {
		assert_int_equal(ret, -EEXIST);
	} else if (player->is_alone) {
		assert_int_equal(ret, used + ports > PORTS ? -ENOSPC : 36);
	} else {
		assert_true(ret == 36 || ret == -ENOSPC);
	}
	if (ret == 36)
		known->ports = ports;
	assert_true(is_there(known->uuid) == (known->ports > 0));
}

static void open_own(struct player *player, struct known *known)
{
	struct uvf_bus_device *device;
	char path[32];
	unsigned int group;

	if (!known->ports || known->is_open)
		return;
	device = uvf_machine_find(&machine->bus, known->uuid);
	assert_non_null(device);
	assert_true(uvf_bus_device_group_id(device, &group));
	uvf_bus_device_put(device);
	(void)snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	known->opened = client_open_all(player->client, path, known->uuid);
	known->is_open = true;
}

static void close_own(struct player *player, struct known *known)
{
	if (!known->is_open)
		return;
	assert_int_equal(client_close(player->client, known->opened.device), 0);
	assert_int_equal(client_close(player->client, known->opened.group), 0);
	assert_int_equal(client_close(player->client, known->opened.container),
			 0);
	known->is_open = false;
}

static void *remover_main(void *arg)
{
	struct known *known = arg;

	assert_int_equal(take_away(known->uuid), 1);
	return NULL;
}

/* While it is open somebody has to wait for that. */
static void remove_own(struct player *player, struct known *known)
{
	pthread_t remover;

	if (!known->ports) {
		assert_int_equal(take_away(known->uuid), -ENOENT);
		return;
	}
	if (known->is_open) {
		assert_int_equal(
			pthread_create(&remover, NULL, remover_main, known), 0);
		do
			assert_int_equal(create(known->uuid, 1), -EEXIST);
		while (rand_r(&player->seed) % 4);
		assert_true(is_there(known->uuid));
		close_own(player, known);
		pthread_join(remover, NULL);
	} else {
		assert_int_equal(take_away(known->uuid), 1);
	}
	known->ports = 0;
	assert_false(is_there(known->uuid));
}

static void fight(struct player *player)
{
	unsigned int n = (unsigned int)rand_r(&player->seed) % COMMON;
	unsigned int ports = 1 + n % 2;
	char uuid[40];
	ssize_t ret;

	name_it(uuid, THREADS, n);
	if (rand_r(&player->seed) % 2) {
		ret = create(uuid, ports);
		assert_true(ret == 36 || ret == -EEXIST || ret == -ENOSPC);
		if (ret == 36)
			atomic_fetch_add(&balance[n], 1);
	} else {
		ret = take_away(uuid);
		assert_true(ret == 1 || ret == -ENOENT || ret == -ENODEV ||
			    ret == -EAGAIN);
		if (ret == 1)
			atomic_fetch_sub(&balance[n], 1);
	}
}

static void *player_main(void *arg)
{
	struct player *player = arg;

	for (int i = 0; i < CALLS; i++) {
		int which = rand_r(&player->seed) % OWN;
		struct known *known = &player->own[which];

		switch (rand_r(&player->seed) % (player->is_alone ? 4 : 5)) {
		case 0:
			create_own(player, known);
			break;
		case 1:
			open_own(player, known);
			break;
		case 2:
			close_own(player, known);
			break;
		case 3:
			remove_own(player, known);
			break;
		default:
			fight(player);
			break;
		}
	}
	return NULL;
}

/* Nobody calls now. */
static void compare(unsigned int count)
{
	unsigned int used = 0;
	char uuid[40];

	for (unsigned int i = 0; i < count; i++) {
		used += used_by(&players[i]);
		for (int j = 0; j < OWN; j++)
			assert_true(is_there(players[i].own[j].uuid) ==
				    (players[i].own[j].ports > 0));
	}
	for (unsigned int n = 0; n < COMMON; n++) {
		int there = atomic_load(&balance[n]);

		name_it(uuid, THREADS, n);
		assert_true(there == 0 || there == 1);
		assert_true(is_there(uuid) == (there == 1));
		used += (unsigned int)there * (1 + n % 2);
	}
	assert_int_equal(left(1), PORTS - used);
	assert_int_equal(left(2), (PORTS - used) / 2);
}

static void begin(unsigned int count)
{
	static const char *const devices[] = {"mtty", NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
	memset(players, 0, sizeof(players));
	for (unsigned int n = 0; n < COMMON; n++)
		atomic_store(&balance[n], 0);
	for (unsigned int i = 0; i < count; i++) {
		players[i].seed = 7 * i + 1;
		players[i].is_alone = count == 1;
		players[i].client = client_create(machine);
		for (unsigned int j = 0; j < OWN; j++)
			name_it(players[i].own[j].uuid, i, j);
	}
}

/* Devices that are there go with the machine, whose end waits for nobody. */
static void end(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		for (int j = 0; j < OWN; j++)
			close_own(&players[i], &players[i].own[j]);
		client_destroy(players[i].client);
	}
	uvfio_machine_destroy(machine);
}

static void play(unsigned int count)
{
	begin(count);
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < count; i++)
			assert_int_equal(pthread_create(&players[i].thread,
							NULL, player_main,
							&players[i]),
					 0);
		for (unsigned int i = 0; i < count; i++)
			pthread_join(players[i].thread, NULL);
		compare(count);
	}
	end(count);
}

/* Shows N7. */
static void random_calls_agree_with_the_model(void **state)
{
	(void)state;
	play(1);
}

/* Shows N7. */
static void threads_agree_whenever_they_rest(void **state)
{
	(void)state;
	play(THREADS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_agree_with_the_model),
		cmocka_unit_test(threads_agree_whenever_they_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
