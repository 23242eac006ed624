/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls on containers, groups and devices, and random comings and
 * goings of drivers, against a model that shares nothing with what it judges:
 * tables of descriptors, files, containers, groups and devices, in which all
 * that can be counted is counted afresh.  UVF_SEED sets the seed.
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

#include "fake.h"

#define STEPS   100000u
#define FDS     20 /* descriptors at a time; as many files and containers */
#define GROUPS  32 /* objects; a group whose node is gone may be open */
#define IDS     3  /* IOMMU groups */
#define DEVICES 6
#define NONE    (-1)

enum kind {
	CLOSED,
	FOREIGN,
	CONTAINER,
	GROUP_FILE,
	DEVICE_FILE,
};

enum driver {
	DRIVERLESS,
	VFIO,
	HOST,
	STUB,
	DRIVERS,
};

struct m_file {
	enum kind kind;
	int object;
	int fds;
};

struct m_container {
	bool is_there, has_iommu;
};

struct m_group {
	bool is_there, is_orphan, is_violated;
	int id;
	int container;
};

struct m_device {
	enum driver driver;
	int group; /* while registered */
	int opens, closes;
};

/* Which IOMMU group a device is in, and what it is called. */
static const int id_of[DEVICES] = {0, 0, 0, 1, 1, 2};
static const char *const names[DEVICES] = {"a", "b", "c", "d", "e", "f"};

static struct {
	bool is_old; /* 3.14 and 4.1 */
	int kind_errno;
	const char *abi;
	unsigned int step;
	int fds[FDS]; /* the file, or NONE */
	struct m_file files[FDS];
	struct m_container containers[FDS];
	struct m_group groups[GROUPS];
	struct m_device devices[DEVICES];
} m;

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

static struct m_file *file_at(int fd)
{
	static struct m_file closed;

	if (fd < 0 || fd >= FDS || m.fds[fd] == NONE)
		return &closed;
	return &m.files[m.fds[fd]];
}

/* Open files of an object. */
static int files_of(enum kind kind, int object)
{
	int count = 0;

	for (int i = 0; i < FDS; i++)
		count += m.files[i].fds && m.files[i].kind == kind &&
			 m.files[i].object == object;
	return count;
}

static int groups_in(int container)
{
	int count = 0;

	for (int i = 0; i < GROUPS; i++)
		count += m.groups[i].is_there &&
			 m.groups[i].container == container;
	return count;
}

static int registered_in(int group)
{
	int count = 0;

	for (int i = 0; i < DEVICES; i++)
		count += m.devices[i].group == group;
	return count;
}

static bool has_open_device(int group)
{
	for (int i = 0; i < DEVICES; i++)
		if (m.devices[i].group == group && files_of(DEVICE_FILE, i))
			return true;
	return false;
}

/* A group's file lives as long as one of its devices is open. */
static bool is_held(int group)
{
	return files_of(GROUP_FILE, group) || has_open_device(group);
}

static int find_group(int id)
{
	for (int i = 0; i < GROUPS; i++)
		if (m.groups[i].is_there && !m.groups[i].is_orphan &&
		    m.groups[i].id == id)
			return i;
	return NONE;
}

static bool has_iommu(int group)
{
	const int container = m.groups[group].container;

	return container != NONE && m.containers[container].has_iommu;
}

static bool is_viable(int group)
{
	const struct m_group *g = &m.groups[group];

	if (!m.is_old && g->container != NONE)
		return true;
	for (int i = 0; i < DEVICES; i++)
		if (id_of[i] == g->id && m.devices[i].driver == HOST)
			return false;
	return !g->is_violated;
}

static void leave_container(int group)
{
	m.groups[group].container = NONE;
	m.groups[group].is_violated = false;
}

/* What goes because nobody holds it any more. */
static void settle(void)
{
	for (int i = 0; i < GROUPS; i++) {
		struct m_group *g = &m.groups[i];

		if (!g->is_there || is_held(i))
			continue;
		leave_container(i);
		g->is_there = registered_in(i);
	}
	for (int i = 0; i < FDS; i++) {
		struct m_container *c = &m.containers[i];

		if (groups_in(i))
			continue;
		c->has_iommu = false;
		c->is_there = files_of(CONTAINER, i);
	}
}

static int free_fd(void)
{
	for (int fd = 0; fd < FDS; fd++)
		if (m.fds[fd] == NONE)
			return fd;
	return NONE;
}

/* The lowest descriptor, for a new file. */
static int m_install(enum kind kind, int object)
{
	const int fd = free_fd();
	int file = 0;

	while (m.files[file].fds)
		file++;
	m.files[file] = (struct m_file){kind, object, 1};
	m.fds[fd] = file;
	return fd;
}

static void m_close(int fd)
{
	struct m_file *file = file_at(fd);
	struct m_device *device;

	m.fds[fd] = NONE;
	if (--file->fds || file->kind != DEVICE_FILE)
		return;
	device = &m.devices[file->object];
	if (m.is_old || !files_of(DEVICE_FILE, file->object))
		device->closes++;
}

/* A descriptor, of a kind that fits more often than not. */
static int draw_fd(enum kind kind)
{
	const int from = (int)draw(FDS);

	if (!draw(8))
		return (int)draw(FDS + 2) - 1;
	for (int i = 0; i < FDS; i++)
		if (file_at((from + i) % FDS)->kind == kind)
			return (from + i) % FDS;
	return from;
}

/* Calls: first what the model says, then what the machine does. */

static void do_close(void)
{
	const int fd = (int)draw(FDS + 1) - 1;
	const int want = file_at(fd)->kind == CLOSED ? -EBADF : 0;

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
		want = free_fd();
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
	const int group = find_group(id);
	char path[32];
	int want;

	if (group == NONE)
		want = -ENOENT;
	else if (is_held(group))
		want = -EBUSY;
	else
		want = m_install(GROUP_FILE, group);
	(void)snprintf(path, sizeof(path), "/dev/vfio/%d", GROUP + id);
	expect(path, client_open(rig.client, path), want);
}

static int m_set_container(int group, int fd)
{
	const struct m_file *file = file_at(fd);
	struct m_group *g = &m.groups[group];

	if (m.is_old && fd < 0)
		return -EINVAL;
	if (m.is_old && g->container != NONE)
		return -EINVAL;
	if (file->kind == CLOSED)
		return -EBADF;
	if (g->container != NONE)
		return -EINVAL;
	if (g->is_orphan)
		return -ENODEV;
	if (file->kind != CONTAINER)
		return m.kind_errno;
	if (!m.is_old && !is_viable(group))
		return -EPERM;
	g->container = file->object;
	return 0;
}

static void do_set_container(void)
{
	const int fd = draw_fd(GROUP_FILE);
	const int other = draw_fd(CONTAINER);
	const struct m_file *file = file_at(fd);

	if (file->kind == GROUP_FILE)
		expect("SET_CONTAINER", set_container(&rig, fd, other),
		       m_set_container(file->object, other));
}

/* The device of a name that a group has registered. */
static int find_device(int group, const char *name)
{
	for (int i = 0; i < DEVICES; i++)
		if (m.devices[i].group == group && !strcmp(names[i], name))
			return i;
	return NONE;
}

static int m_get_device_old(int group, const char *name, bool is_full,
			    int open_errno)
{
	struct m_device *device;
	int found;

	if (!has_iommu(group) || !is_viable(group))
		return -EINVAL;
	found = find_device(group, name);
	if (found == NONE)
		return -ENODEV;
	if (open_errno)
		return open_errno;
	device = &m.devices[found];
	device->opens++;
	device->closes += is_full;
	return is_full ? -EMFILE : m_install(DEVICE_FILE, found);
}

static int m_get_device(int group, const char *name, bool is_full,
			int open_errno)
{
	int found = find_device(group, name);

	if (found == NONE)
		return -ENODEV;
	if (is_full)
		return -EMFILE;
	if (!has_iommu(group))
		return -EINVAL;
	if (files_of(DEVICE_FILE, found))
		return m_install(DEVICE_FILE, found);
	if (open_errno)
		return open_errno;
	m.devices[found].opens++;
	return m_install(DEVICE_FILE, found);
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
	const struct m_file *file = file_at(fd);
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

static long m_status(int group)
{
	if (m.groups[group].is_orphan)
		return -ENODEV;
	return (m.groups[group].container == NONE ? 0 : 2) |
	       (is_viable(group) ? 1 : 0);
}

/* What a type1 of the profile takes for SET_IOMMU before it opens. */
static bool is_claimed(unsigned long type)
{
	if (type == VFIO_TYPE1_IOMMU)
		return true;
	if (!strcmp(m.abi, "3.14"))
		return false;
	if (type == VFIO_TYPE1v2_IOMMU)
		return true;
	if (type == VFIO_TYPE1_NESTING_IOMMU)
		return strcmp(m.abi, "6.19") != 0;
	return !m.is_old && type == VFIO_UNMAP_ALL;
}

static int m_set_iommu(int container, unsigned long type)
{
	struct m_container *c = &m.containers[container];

	if (!groups_in(container) || c->has_iommu)
		return -EINVAL;
	if (!is_claimed(type))
		return -ENODEV;
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	c->has_iommu = true;
	return 0;
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
		file = file_at(fd);
		if (file->kind == CONTAINER && groups_in(file->object))
			break;
	}
	if (file->kind == CONTAINER)
		expect("SET_IOMMU",
		       client_ioctl(rig.client, fd, VFIO_SET_IOMMU, type),
		       m_set_iommu(file->object, type));
}

static int m_unset_container(int group)
{
	if (m.groups[group].container == NONE)
		return -EINVAL;
	if (has_open_device(group))
		return -EBUSY;
	leave_container(group);
	return 0;
}

static int m_group_ioctl(int group, unsigned int cmd)
{
	switch (cmd) {
	case VFIO_GROUP_UNSET_CONTAINER:
		return m_unset_container(group);
	case VFIO_GROUP_GET_STATUS:
	case VFIO_GROUP_SET_CONTAINER:
	case VFIO_GROUP_GET_DEVICE_FD:
		return -EFAULT;
	default:
		return -ENOTTY;
	}
}

static int m_container_ioctl(int container, unsigned int cmd)
{
	switch (cmd) {
	case VFIO_GET_API_VERSION:
	case VFIO_CHECK_EXTENSION:
		return 0;
	case VFIO_SET_IOMMU:
		return m_set_iommu(container, 0);
	default:
		return m.containers[container].has_iommu ? -ENOTTY : -EINVAL;
	}
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
	const struct m_file *file = file_at(fd);
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
	const struct m_file *file = file_at(fd);

	if (file->kind == GROUP_FILE)
		expect("UNSET_CONTAINER", unset_container(&rig, fd),
		       m_unset_container(file->object));
}

static void m_register(int device)
{
	int group = find_group(id_of[device]);

	if (group == NONE) {
		group = 0;
		while (m.groups[group].is_there)
			group++;
		m.groups[group] = (struct m_group){
			.is_there = true,
			.id = id_of[device],
			.container = NONE,
		};
	}
	m.devices[device].group = group;
	m.devices[device].opens = 0;
	m.devices[device].closes = 0;
}

/* A driver of the host: refused, or a blow to the group's isolation. */
static int m_use_default(int id)
{
	const int group = find_group(id);

	if (group == NONE || m.groups[group].container == NONE)
		return 0;
	if (!m.is_old)
		return -EBUSY;
	m.groups[group].is_violated = true;
	return 0;
}

static int m_bind(int device, enum driver driver)
{
	int ret = 0;

	if (m.devices[device].driver != DRIVERLESS)
		return m.is_old ? -ENODEV : -EBUSY;
	if (driver == HOST)
		ret = m_use_default(id_of[device]);
	if (ret)
		return ret;
	if (driver == VFIO)
		m_register(device);
	m.devices[device].driver = driver;
	return 0;
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

static int m_unbind(int device, enum driver driver)
{
	const int group = m.devices[device].group;

	if (m.devices[device].driver != driver)
		return -ENODEV;
	m.devices[device].driver = DRIVERLESS;
	m.devices[device].group = NONE;
	if (driver == VFIO && !m.is_old && !registered_in(group)) {
		m.groups[group].is_orphan = true;
		leave_container(group);
	}
	return 0;
}

/* Not of a device that is open: that would wait. */
static void do_unbind(void)
{
	const int device = (int)draw(DEVICES);
	const enum driver own = m.devices[device].driver;
	const enum driver driver =
		draw(8) && own != DRIVERLESS ? own : (enum driver)(1 + draw(3));

	if (driver != own || !files_of(DEVICE_FILE, device))
		expect("unbind",
		       uvf_driver_unbind(driver_of(driver), names[device],
					 NULL),
		       m_unbind(device, driver));
}

/* Where a group's DMA leads: somewhere, or nowhere. */
static bool m_has_domain(int id)
{
	for (int i = 0; i < GROUPS; i++)
		if (m.groups[i].is_there && m.groups[i].id == id &&
		    has_iommu(i) && !m.groups[i].is_violated)
			return true;
	return false;
}

static void compare(void)
{
	struct uvf_group_node node;

	for (int fd = 0; fd < FDS; fd++)
		if (file_at(fd)->kind == GROUP_FILE)
			expect("GET_STATUS", status_of(&rig, fd),
			       m_status(file_at(fd)->object));
	for (int id = 0; id < IDS; id++)
		expect("node", uvf_group_node(rig.vfio, GROUP + id, &node),
		       find_group(id) != NONE);
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
	if (ops[i].makes_fd && free_fd() == NONE)
		i = 0;
	ops[i].call();
	settle();
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
		if (file_at(fd)->kind != CLOSED) {
			m_close(fd);
			(void)client_close(rig.client, fd);
		}
	settle();
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
