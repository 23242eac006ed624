/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls on containers, groups and devices, and random comings and
 * goings of drivers, against a model that shares nothing with what it judges.
 * UVF_SEED sets the seed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "core_model.h"
#include "fake.h"

#define STEPS 100000u

static struct rig rig;
static struct fake *fakes[DEVICES];
static uint64_t first_seed, seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void expect(const char *what, long got, long want)
{
	if (got != want)
		fail_msg("seed %llu, %s, step %u: %s gives %ld, not %ld",
			 (unsigned long long)first_seed, m.abi, m.step, what,
			 got, want);
}

/* A descriptor, of a kind that fits more often than not. */
static int draw_fd(enum kind kind)
{
	const int from = (int)draw(FDS);

	if (!draw(8))
		return (int)draw(FDS + 2) - 1;
	for (int i = 0; i < FDS; i++)
		if (m_file_at((from + i) % FDS)->kind == kind)
			return (from + i) % FDS;
	return from;
}

/* Calls: first what the model says, then what the machine does. */

static void do_close(void)
{
	const int fd = (int)draw(FDS + 1) - 1;
	const int want = m_file_at(fd)->kind == CLOSED ? -EBADF : 0;

	if (!want)
		m_close(fd);
	expect("close", client_close(rig.client, fd), want);
}

static void do_dup(void)
{
	const int fd = draw_fd((enum kind)(1 + draw(4)));
	const int file = fd < 0 || fd >= FDS ? NONE : m.fds[fd];
	int want = -EBADF;

	if (file != NONE) {
		want = m_free_fd();
		m.files[file].fds++;
		m.fds[want] = file;
	}
	expect("dup", client_dup(rig.client, fd), want);
}

static void do_open_container(void)
{
	int container = 0;

	while (m.containers[container].is_there)
		container++;
	m.containers[container] = (struct m_container){.is_there = true};
	expect("open of a container", client_open(rig.client, "/dev/vfio/vfio"),
	       m_install(CONTAINER, container));
}

static void do_open_group(void)
{
	const int id = (int)draw(IDS);
	const int group = m_find_group(id);
	char path[32];
	int want;

	if (group == NONE)
		want = -ENOENT;
	else if (m_is_held(group))
		want = -EBUSY;
	else
		want = m_install(GROUP_FILE, group);
	(void)snprintf(path, sizeof(path), "/dev/vfio/%d", GROUP + id);
	expect(path, client_open(rig.client, path), want);
}

static void do_set_container(void)
{
	const int fd = draw_fd(GROUP_FILE);
	const int other = draw_fd(CONTAINER);
	const struct m_file *file = m_file_at(fd);

	if (file->kind == GROUP_FILE)
		expect("SET_CONTAINER", set_container(&rig, fd, other),
		       m_set_container(file->object, other));
}

static const char *draw_name(int group)
{
	const int from = (int)draw(DEVICES);

	switch (draw(8)) {
	case 0:
		return draw(2) ? "" : "aa";
	case 1:
		return names[from];
	default:
		for (int i = 0; i < DEVICES; i++)
			if (m.devices[(from + i) % DEVICES].group == group)
				return names[(from + i) % DEVICES];
		return names[from];
	}
}

static void do_get_device(void)
{
	const int fd = draw_fd(GROUP_FILE);
	const struct m_file *file = m_file_at(fd);
	const int open_errno = draw(8) ? 0 : -EXDEV;
	const bool is_full = !draw(8);
	const char *name;
	int want;

	if (file->kind != GROUP_FILE)
		return;
	name = draw_name(file->object);
	want = m.is_old ? m_get_device_old(file->object, name, is_full,
					   open_errno)
			: m_get_device(file->object, name, is_full, open_errno);
	for (int i = 0; i < DEVICES; i++)
		fakes[i]->open_errno = open_errno;
	client_fill_table(rig.client, is_full);
	expect("GET_DEVICE_FD", get_device(&rig, fd, name), want);
	client_fill_table(rig.client, false);
}

static void do_set_iommu(void)
{
	static const unsigned long types[] = {1,
					      3,
					      1,
					      3,
					      1,
					      3,
					      0,
					      2,
					      4,
					      5,
					      6,
					      7,
					      8,
					      9,
					      10,
					      -1ul,
					      (1ul << 32) + 3};
	const unsigned long type =
		types[draw(sizeof(types) / sizeof(types[0]))];
	const struct m_file *file = NULL;
	int fd = NONE;

	/* One that has groups, if it is found soon. */
	for (int tries = 0; tries < 4; tries++) {
		fd = draw_fd(CONTAINER);
		file = m_file_at(fd);
		if (file->kind == CONTAINER && m_groups_in(file->object))
			break;
	}
	if (file->kind == CONTAINER)
		expect("SET_IOMMU",
		       client_ioctl(rig.client, fd, VFIO_SET_IOMMU, type),
		       m_set_iommu(file->object, type));
}

/* Any call with an argument of 0 on any descriptor. */
static void do_ioctl(void)
{
	static const unsigned int cmds[] = {
		VFIO_GET_API_VERSION,     VFIO_CHECK_EXTENSION,
		VFIO_SET_IOMMU,           VFIO_GROUP_GET_STATUS,
		VFIO_GROUP_SET_CONTAINER, VFIO_GROUP_UNSET_CONTAINER,
		VFIO_GROUP_GET_DEVICE_FD, 0x1234};
	const unsigned int cmd = cmds[draw(sizeof(cmds) / sizeof(cmds[0]))];
	const int fd = draw_fd((enum kind)draw(5));
	const struct m_file *file = m_file_at(fd);
	int want;

	switch (file->kind) {
	case CLOSED:
		want = -EBADF;
		break;
	case CONTAINER:
		want = m_container_ioctl(file->object, cmd);
		break;
	case GROUP_FILE:
		want = m_group_ioctl(file->object, cmd);
		break;
	case DEVICE_FILE:
		want = -EINVAL;
		break;
	default:
		want = -ENOTTY;
		break;
	}
	expect("ioctl", client_ioctl(rig.client, fd, cmd, 0), want);
}

static void do_unset_container(void)
{
	const int fd = draw_fd(GROUP_FILE);
	const struct m_file *file = m_file_at(fd);

	if (file->kind == GROUP_FILE)
		expect("UNSET_CONTAINER", unset_container(&rig, fd),
		       m_unset_container(file->object));
}

static struct uvf_driver *driver_of(enum driver driver)
{
	return driver == VFIO   ? rig.vfio_driver
	       : driver == HOST ? rig.host_driver
				: rig.stub_driver;
}

static void do_bind(void)
{
	const enum driver driver =
		draw(2) ? VFIO : (enum driver)(1 + draw(DRIVERS - 1));
	const int device = (int)draw(DEVICES);
	const int want = m_bind(device, driver);
	const int ret = uvf_driver_bind(driver_of(driver), names[device], NULL);

	expect("bind", ret, want);
	if (ret || driver != VFIO)
		return;
	atomic_store(&fakes[device]->opens, 0);
	atomic_store(&fakes[device]->closes, 0);
}

/* Not of a device that is open: that would wait. */
static void do_unbind(void)
{
	const int device = (int)draw(DEVICES);
	const enum driver own = m.devices[device].driver;
	const enum driver driver =
		draw(8) && own != DRIVERLESS ? own : (enum driver)(1 + draw(3));

	if (driver != own || !m_files_of(DEVICE_FILE, device))
		expect("unbind",
		       uvf_driver_unbind(driver_of(driver), names[device],
					 NULL),
		       m_unbind(device, driver));
}

static void compare(void)
{
	struct uvf_group_node node;

	for (int fd = 0; fd < FDS; fd++)
		if (m_file_at(fd)->kind == GROUP_FILE)
			expect("GET_STATUS", status_of(&rig, fd),
			       m_status(m_file_at(fd)->object));
	for (int id = 0; id < IDS; id++)
		expect("node", uvf_group_node(rig.vfio, GROUP + id, &node),
		       m_find_group(id) != NONE);
	for (int i = 0; i < DEVICES; i++) {
		expect("opens", fakes[i]->opens, m.devices[i].opens);
		expect("closes", fakes[i]->closes, m.devices[i].closes);
		expect("domain", fakes[i]->bus.group->domain != NULL,
		       m_has_domain(id_of[i]));
	}
}

static void step(void)
{
	static const struct {
		void (*call)(void);
		unsigned int weight;
		bool makes_fd;
	} ops[] = {
		{do_close, 16, false},         {do_dup, 3, true},
		{do_open_container, 4, true},  {do_open_group, 10, true},
		{do_set_container, 14, false}, {do_unset_container, 4, false},
		{do_set_iommu, 10, false},     {do_get_device, 16, true},
		{do_ioctl, 8, false},          {do_bind, 12, false},
		{do_unbind, 3, false},
	};
	unsigned int what = (unsigned int)draw(100), i = 0;

	while (what >= ops[i].weight)
		what -= ops[i++].weight;
	if (ops[i].makes_fd && m_free_fd() == NONE)
		i = 0;
	ops[i].call();
	m_settle();
	compare();
}

static void begin(const char *abi)
{
	memset(&m, 0, sizeof(m));
	m.abi = abi;
	m.is_old = strchr("34", *abi);
	m.kind_errno = m.is_old || !strcmp(abi, "6.1") ? -EINVAL : -EBADFD;
	for (int fd = 0; fd < FDS; fd++)
		m.fds[fd] = NONE;
	rig = rig_create(abi);
	rig_fill(&rig);
	for (int i = 0; i < DEVICES; i++) {
		m.devices[i].group = NONE;
		fakes[i] = fake_add(&rig, names[i], GROUP + id_of[i]);
	}
	(void)client_open_foreign(rig.client);
	(void)m_install(FOREIGN, 0);
}

/* All is as at the start: everything can be had again. */
static void end(void)
{
	for (int fd = 0; fd < FDS; fd++)
		if (m_file_at(fd)->kind != CLOSED) {
			m_close(fd);
			(void)client_close(rig.client, fd);
		}
	m_settle();
	compare();
	for (int i = 0; i < DEVICES; i++) {
		uvf_device_detach(&fakes[i]->bus, NULL);
		assert_int_equal(fakes[i]->requests, 0);
	}
	for (int i = 0; i < DEVICES; i++)
		fake_bind(fakes[i], rig.host_driver);
	rig_destroy(&rig);
}

/* Shows T18, C5, C6, S2, S3, S4, S5. */
static void random_calls_agree_with_the_model(void **state)
{
	static const char *const abis[] = {"3.14", "4.1", "6.1", "6.12",
					   "6.19"};
	const char *text = getenv("UVF_SEED");

	(void)state;
	first_seed = text ? strtoull(text, NULL, 0) : 20261121;
	printf("seed %llu\n", (unsigned long long)first_seed);
	for (int i = 0; i < 5; i++) {
		seed = first_seed;
		begin(abis[i]);
		for (m.step = 0; m.step < STEPS; m.step++)
			step();
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
