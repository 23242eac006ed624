/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of an iommufd: ids, what may be destroyed when, page tables
 * made by hand, options, and what the hardware says.
 */
#include "iommufd_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define A CALLS_IOVA

static int hwpt_alloc(const struct calls *calls, uint32_t pt, uint32_t *id)
{
	struct abi_hwpt_alloc ask = {
		.size = sizeof(ask), .dev_id = calls->devid, .pt_id = pt};
	int ret = ioctl(calls->fd, ABI_IOMMU_HWPT_ALLOC, &ask);

	*id = ask.out_hwpt_id;
	return ret;
}

static int fault_alloc(int fd, struct abi_fault_alloc *ask)
{
	*ask = (struct abi_fault_alloc){.size = sizeof(*ask)};
	return ioctl(fd, ABI_IOMMU_FAULT_ALLOC, ask);
}

/* Shows M48. */
static void ids_of_a_context(void)
{
	int fd = iommufd_open(), other = iommufd_open();
	uint32_t a = ioas_alloc(fd), b = ioas_alloc(fd), c = ioas_alloc(fd);

	result(a);
	value("b", b);
	value("c", c);
	value("other", ioas_alloc(other));
	need(!iommufd_destroy(fd, b), "destroy");
	outcome("twice", iommufd_destroy(fd, b));
	value("again", ioas_alloc(fd));
	need(!iommufd_destroy(fd, a), "destroy");
	need(!iommufd_destroy(fd, c), "destroy");
	value("lowest", ioas_alloc(fd));
	value("next", ioas_alloc(fd));
	value("then", ioas_alloc(fd));
}

static void ids_with_a_device(void)
{
	struct calls calls = calls_open();
	uint32_t id = 0;

	result(calls.ioas);
	value("other", calls.other);
	value("device", calls.devid);
	value("hwpt", calls.hwpt);
	outcome("alloc", hwpt_alloc(&calls, calls.ioas, &id));
	value("id", id);
	need(!cdev_detach(calls.cdev), "detach");
	value("freed", ioas_alloc(calls.fd));
	value("next", ioas_alloc(calls.fd));
	close(calls.cdev);
	value("unbound", ioas_alloc(calls.fd));
}

/* Which object is destroyed, and what that leaves. */
static const char *const victims[] = {
	"zero",
	"empty_ioas",
	"mapped_ioas",
	"attached_ioas",
	"hwpt",
	"made_hwpt",
	"made_and_used_hwpt",
	"ioas_of_made_hwpt",
	"device",
	"fault",
	"fault_with_its_file",
	"of_another_context",
	"compat_ioas",
};

static const char *victim_label(long i)
{
	return i < (long)COUNT(victims) ? victims[i] : NULL;
}

static uint32_t victim(struct calls *calls, long i)
{
	struct abi_fault_alloc fault;
	struct abi_vfio_ioas compat = {.size = sizeof(compat), .op = 1};
	uint32_t id = 0;

	switch (i) {
	case 0:
		return 0;
	case 1:
		return calls->other;
	case 2:
		need(!ioas_map(calls->fd, calls->other, pages(1), A, PAGE),
		     "map");
		return calls->other;
	case 3:
		return calls->ioas;
	case 4:
		return calls->hwpt;
	case 5:
	case 6:
	case 7:
		need(!hwpt_alloc(calls, calls->other, &id), "hwpt-alloc");
		if (i == 6)
			need(!cdev_attach(calls->cdev, id), "attach");
		return i == 7 ? calls->other : id;
	case 8:
		return calls->devid;
	case 9:
	case 10:
		need(!fault_alloc(calls->fd, &fault), "fault-alloc");
		if (i == 9)
			close((int)fault.out_fault_fd);
		return fault.out_fault_id;
	case 11:
		ioas_alloc(calls->fd);
		ioas_alloc(calls->fd);
		calls->fd = iommufd_open();
		return 3;
	default:
		compat.ioas_id = calls->other;
		need(!ioctl(calls->fd, ABI_IOMMU_VFIO_IOAS, &compat), "set");
		return calls->other;
	}
}

/* Shows M48. */
static void destroy(long i)
{
	struct calls calls = calls_open();
	uint32_t id = victim(&calls, i);
	struct abi_vfio_ioas compat = {.size = sizeof(compat)};

	result(iommufd_destroy(calls.fd, id));
	outcome("again", iommufd_destroy(calls.fd, id));
	outcome("attach", cdev_attach(calls.cdev, id));
	outcome("compat", ioctl(calls.fd, ABI_IOMMU_VFIO_IOAS, &compat));
	outcome("detach", cdev_detach(calls.cdev));
	outcome("then", iommufd_destroy(calls.fd, id));
}

/* Page tables made by hand. */
static const struct {
	const char *name;
	uint32_t flags, type, len;
	int data; /* 1: there is some, 2: it cannot be read */
	uint32_t fault, reserved, size;
} hwpts[] = {
	{"plain", 0, 0, 0, 0, 0, 0, 48},
	{"short", 0, 0, 0, 0, 0, 0, 24},
	{"with_data_pointer", 0, 0, 0, 1, 0, 0, 48},
	{"with_data_length", 0, 0, 8, 1, 0, 0, 48},
	{"vtd_without_length", 0, 1, 0, 1, 0, 0, 48},
	{"vtd", 0, 1, 16, 1, 0, 0, 48},
	{"vtd_bad_memory", 0, 1, 16, 2, 0, 0, 48},
	{"arm", 0, 2, 16, 1, 0, 0, 48},
	{"unknown_type", 0, 99, 16, 1, 0, 0, 48},
	{"nest_parent", 1, 0, 0, 0, 0, 0, 48},
	{"dirty", 2, 0, 0, 0, 0, 0, 48},
	{"nest_parent_dirty", 3, 0, 0, 0, 0, 0, 48},
	{"fault_valid", 4, 0, 0, 0, 0, 0, 48},
	{"fault_valid_and_there", 4, 0, 0, 0, 1, 0, 48},
	{"fault_there_unused", 0, 0, 0, 0, 1, 0, 48},
	{"flag_3", 8, 0, 0, 0, 0, 0, 48},
	{"flag_31", 1u << 31, 0, 0, 0, 0, 0, 48},
	{"nest_parent_vtd", 1, 1, 16, 1, 0, 0, 48},
	{"reserved", 0, 0, 0, 0, 0, 1, 48},
	{"reserved_and_length", 0, 0, 8, 1, 0, 1, 48},
};

#define HWPTS ((long)COUNT(hwpts))

/* For which objects. */
static const char *const parents[] = {"ioas",      "empty_ioas", "hwpt",
				      "made_hwpt", "device",     "nothing"};

#define PARENTS ((long)COUNT(parents))

static const char *hwpt_label(long i)
{
	static char text[64];

	if (i >= HWPTS * PARENTS)
		return NULL;
	snprintf(text, sizeof(text), "%s_of_%s", hwpts[i / PARENTS].name,
		 parents[i % PARENTS]);
	return text;
}

static uint32_t parent(const struct calls *calls, long i)
{
	uint32_t made = 0;

	need(!hwpt_alloc(calls, calls->ioas, &made), "hwpt-alloc");
	switch (i) {
	case 0:
		return calls->ioas;
	case 1:
		return calls->other;
	case 2:
		return calls->hwpt;
	case 3:
		return made;
	case 4:
		return calls->devid;
	default:
		return 12345;
	}
}

/* Shows M61. */
static void hwpt(long i)
{
	struct calls calls = calls_open();
	long row = i / PARENTS;
	struct abi_fault_alloc fault = {0};
	struct abi_hwpt_alloc ask = {
		.size = hwpts[row].size,
		.flags = hwpts[row].flags,
		.dev_id = calls.devid,
		.pt_id = parent(&calls, i % PARENTS),
		.reserved = hwpts[row].reserved,
		.data_type = hwpts[row].type,
		.data_len = hwpts[row].len,
	};

	if (hwpts[row].data)
		ask.data_uptr =
			(uintptr_t)(hwpts[row].data == 1 ? pages(1)
							 : bad_pointer());
	if (hwpts[row].fault) {
		need(!fault_alloc(calls.fd, &fault), "fault-alloc");
		ask.fault_id = fault.out_fault_id;
	}
	result(ioctl(calls.fd, ABI_IOMMU_HWPT_ALLOC, &ask));
	value("made", ask.out_hwpt_id != 0);
	if (!ask.out_hwpt_id)
		return;
	outcome("attach", cdev_attach(calls.cdev, ask.out_hwpt_id));
	outcome("destroy", iommufd_destroy(calls.fd, ask.out_hwpt_id));
	outcome("detach", cdev_detach(calls.cdev));
	outcome("destroy", iommufd_destroy(calls.fd, ask.out_hwpt_id));
}

static void hwpt_holds_its_space(void)
{
	struct calls calls = calls_open();
	uint32_t id = 0;

	need(!cdev_detach(calls.cdev), "detach");
	need(!hwpt_alloc(&calls, calls.ioas, &id), "hwpt-alloc");
	result(iommufd_destroy(calls.fd, calls.ioas));
	outcome("map", ioas_map(calls.fd, calls.ioas, pages(1), 2 * A, PAGE));
	outcome("bad",
		ioas_map(calls.fd, calls.ioas, bad_pointer(), 4 * A, PAGE));
	outcome("odd", ioas_map(calls.fd, calls.ioas, pages(1), 4 * A, 1));
	outcome("msi",
		ioas_map(calls.fd, calls.ioas, pages(1), 0xfee00000, PAGE));
	outcome("attach", cdev_attach(calls.cdev, calls.ioas));
	outcome("hwpt", iommufd_destroy(calls.fd, id));
	outcome("detach", cdev_detach(calls.cdev));
	outcome("hwpt", iommufd_destroy(calls.fd, id));
	outcome("ioas", iommufd_destroy(calls.fd, calls.ioas));
}

static void hwpt_of_bad_memory(void)
{
	struct calls calls = calls_open();
	uint32_t id = 0;

	need(!ioas_map(calls.fd, calls.other, bad_pointer(), A, PAGE), "map");
	result(hwpt_alloc(&calls, calls.other, &id));
	outcome("unmap", ioas_unmap(calls.fd, calls.other, A, PAGE));
	need(!ioas_map(calls.fd, calls.other, pages(1), A + 1, PAGE), "map");
	outcome("odd", hwpt_alloc(&calls, calls.other, &id));
	outcome("unmap", ioas_unmap(calls.fd, calls.other, A + 1, PAGE));
	need(!ioas_map(calls.fd, calls.other, pages(1), 1ull << 39, PAGE),
	     "map");
	outcome("high", hwpt_alloc(&calls, calls.other, &id));
	outcome("unmap", ioas_unmap(calls.fd, calls.other, 1ull << 39, PAGE));
	need(!ioas_map(calls.fd, calls.other, pages(1), 0xfee00000, PAGE),
	     "map");
	outcome("msi", hwpt_alloc(&calls, calls.other, &id));
	outcome("attach", cdev_attach(calls.cdev, id));
}

/* The buffer that takes what the hardware says. */
/* Shows M63. */
static void hw_info(long i)
{
	struct calls calls = calls_open();
	static const uint32_t lengths[] = {0, 1, 24, 25, 64, 4096};
	unsigned char *buf = pages(2);
	struct abi_hw_info ask = {
		.size = sizeof(ask),
		.dev_id = calls.devid,
		.data_len = lengths[i],
		.data_uptr = (uintptr_t)buf,
	};

	memset(buf, 0xa5, 2 * PAGE);
	result(ioctl(calls.fd, ABI_IOMMU_GET_HW_INFO, &ask));
	value("behind", buf[lengths[i]] == 0xa5);
	if (lengths[i] > 32)
		value("tail", buf[lengths[i] - 1]);
	hex("capabilities", ask.out_capabilities);
	ask.data_uptr = (uintptr_t)bad_pointer();
	ask.data_len = lengths[i];
	outcome("bad", ioctl(calls.fd, ABI_IOMMU_GET_HW_INFO, &ask));
}

/* Dirty tracking, where page tables have none. */
static void set_dirty(long i)
{
	struct calls calls = calls_open();
	const uint32_t ids[] = {calls.hwpt, calls.ioas, calls.devid, 12345, 0};
	struct abi_set_dirty ask = {.size = sizeof(ask), .hwpt_id = ids[i]};

	result(ioctl(calls.fd, ABI_IOMMU_SET_DIRTY, &ask));
	ask.flags = 1;
	outcome("enable", ioctl(calls.fd, ABI_IOMMU_SET_DIRTY, &ask));
	ask.flags = 2;
	outcome("flag", ioctl(calls.fd, ABI_IOMMU_SET_DIRTY, &ask));
	ask.flags = 0;
	ask.reserved = 1;
	outcome("reserved", ioctl(calls.fd, ABI_IOMMU_SET_DIRTY, &ask));
}

static const struct {
	const char *name;
	uint64_t iova, length, page_size;
	uint32_t flags, reserved;
} gets[] = {
	{"right", A, 4 * PAGE, PAGE, 0, 0},
	{"no_clear", A, 4 * PAGE, PAGE, 1, 0},
	{"flag_1", A, 4 * PAGE, PAGE, 2, 0},
	{"reserved", A, 4 * PAGE, PAGE, 0, 1},
	{"length_0", A, 0, PAGE, 0, 0},
	{"wraps", A, ~0ull, PAGE, 0, 0},
	{"iova_odd", A + 1, 4 * PAGE, PAGE, 0, 0},
	{"length_odd", A, 4 * PAGE + 1, PAGE, 0, 0},
	{"page_size_0", A, 4 * PAGE, 0, 0, 0},
	{"page_size_1", A, 4 * PAGE, 1, 0, 0},
	{"page_size_3", A, 4 * PAGE, 3, 0, 0},
	{"page_size_8192", A, 4 * PAGE, 8192, 0, 0},
	{"page_size_2m", A, 4 * PAGE, 1 << 21, 0, 0},
	{"hole", 4 * A, 4 * PAGE, PAGE, 0, 0},
};

static const char *get_label(long i)
{
	return i < (long)COUNT(gets) ? gets[i].name : NULL;
}

static void get_dirty(long i)
{
	struct calls calls = calls_open();
	struct abi_get_dirty ask = {
		.size = sizeof(ask),
		.hwpt_id = calls.hwpt,
		.flags = gets[i].flags,
		.reserved = gets[i].reserved,
		.iova = gets[i].iova,
		.length = gets[i].length,
		.page_size = gets[i].page_size,
		.data = (uintptr_t)pages(1),
	};

	result(ioctl(calls.fd, ABI_IOMMU_GET_DIRTY, &ask));
	ask.hwpt_id = calls.ioas;
	outcome("ioas", ioctl(calls.fd, ABI_IOMMU_GET_DIRTY, &ask));
}

static void invalidate(long i)
{
	struct calls calls = calls_open();
	const uint32_t ids[] = {calls.hwpt, calls.ioas, calls.devid, 12345, 0};
	struct abi_invalidate ask = {.size = sizeof(ask), .hwpt_id = ids[i]};

	result(ioctl(calls.fd, ABI_IOMMU_INVALIDATE, &ask));
	value("num", ask.entry_num);
	ask.entry_num = 3;
	outcome("no_data", ioctl(calls.fd, ABI_IOMMU_INVALIDATE, &ask));
	value("num", ask.entry_num);
	ask.entry_num = 3;
	ask.entry_len = 32;
	ask.data_uptr = (uintptr_t)pages(1);
	outcome("data", ioctl(calls.fd, ABI_IOMMU_INVALIDATE, &ask));
	value("num", ask.entry_num);
	ask.entry_num = 3;
	ask.reserved = 1;
	outcome("reserved", ioctl(calls.fd, ABI_IOMMU_INVALIDATE, &ask));
	value("num", ask.entry_num);
}

static void fault_queue(void)
{
	struct calls calls = calls_open();
	struct abi_fault_alloc ask, other;
	struct pollfd p = {.events = POLLIN | POLLOUT};

	result(fault_alloc(calls.fd, &ask));
	p.fd = (int)ask.out_fault_fd;
	outcome("poll", poll(&p, 1, 0));
	hex("events", (unsigned int)p.revents);
	hex("mode", (unsigned int)fcntl(p.fd, F_GETFL) & O_ACCMODE);
	value("cloexec", fcntl(p.fd, F_GETFD));
	outcome("second", fault_alloc(calls.fd, &other));
	value("differs", other.out_fault_id != ask.out_fault_id);
	outcome("open", iommufd_destroy(calls.fd, ask.out_fault_id));
	close(p.fd);
	outcome("closed", iommufd_destroy(calls.fd, ask.out_fault_id));
	outcome("attach", cdev_attach(calls.cdev, other.out_fault_id));
}

static void fault_queue_keeps_the_context(void)
{
	struct calls calls = calls_open();
	struct abi_fault_alloc ask;

	need(!fault_alloc(calls.fd, &ask), "fault-alloc");
	close(calls.cdev);
	close(calls.fd);
	result(close((int)ask.out_fault_fd));
	calls = calls_open();
	outcome("again", calls.hwpt ? 0 : -1);
}

/* Options, one after the other in one context. */
static const struct {
	const char *name;
	uint32_t id;
	uint16_t op, reserved;
	int object; /* 1: the space, 2: a device, 3: nothing of that id */
	uint64_t value;
} options[] = {
	{"rlimit_get", 0, 1, 0, 0, 9},
	{"rlimit_get_of_object", 0, 1, 0, 1, 9},
	{"rlimit_set_of_object", 0, 0, 0, 1, 1},
	{"rlimit_set_with_objects", 0, 0, 0, 0, 1},
	{"rlimit_op_2", 0, 2, 0, 0, 1},
	{"huge_get", 1, 1, 0, 1, 9},
	{"huge_get_of_nothing", 1, 1, 0, 3, 9},
	{"huge_get_of_device", 1, 1, 0, 2, 9},
	{"huge_get_of_0", 1, 1, 0, 0, 9},
	{"huge_set_0", 1, 0, 0, 1, 0},
	{"huge_set_1", 1, 0, 0, 1, 1},
	{"huge_set_2", 1, 0, 0, 1, 2},
	{"huge_set_of_nothing", 1, 0, 0, 3, 0},
	{"huge_op_2", 1, 2, 0, 1, 0},
	{"huge_reserved", 1, 1, 1, 1, 0},
	{"unknown_get", 2, 1, 0, 0, 0},
	{"unknown_set", 2, 0, 0, 0, 0},
	{"unknown_reserved", 2, 0, 1, 0, 0},
};

#define OPTIONS ((long)COUNT(options))

static const char *option_label(long i)
{
	static char text[64];

	if (i >= 2 * OPTIONS)
		return NULL;
	snprintf(text, sizeof(text), "%s_%s", i / OPTIONS ? "used" : "unused",
		 options[i % OPTIONS].name);
	return text;
}

static int option(int fd, uint32_t id, uint16_t op, uint32_t object,
		  uint64_t *value)
{
	struct abi_option ask = {.size = sizeof(ask),
				 .option_id = id,
				 .op = op,
				 .object_id = object,
				 .val64 = *value};
	int ret = ioctl(fd, ABI_IOMMU_OPTION, &ask);

	*value = ask.val64;
	return ret;
}

/* Shows M59. */
static void option_when(long i)
{
	struct calls calls =
		i / OPTIONS ? calls_open() : calls_without_device();
	long row = i % OPTIONS;
	const uint32_t objects[] = {0, calls.ioas, calls.devid, 12345};
	struct abi_option ask = {
		.size = sizeof(ask),
		.option_id = options[row].id,
		.op = options[row].op,
		.reserved = options[row].reserved,
		.object_id = objects[options[row].object],
		.val64 = options[row].value,
	};
	uint64_t now = 7;

	capability_drop(CAP_SYS_RESOURCE);
	result(ioctl(calls.fd, ABI_IOMMU_OPTION, &ask));
	value("value", (long long)ask.val64);
	outcome("get", option(calls.fd, 1, 1, calls.ioas, &now));
	value("huge", (long long)now);
}

/* Small pages want whole pages, and so does what comes later. */
static void small_pages(void)
{
	struct calls calls = calls_without_device();
	uint64_t off = 0, on = 1;

	outcome("map", ioas_map(calls.fd, calls.other, pages(1), A, 100));
	result(option(calls.fd, 1, 0, calls.other, &off));
	outcome("unmap", ioas_unmap(calls.fd, calls.other, A, 100));
	outcome("off", option(calls.fd, 1, 0, calls.other, &off));
	outcome("map", ioas_map(calls.fd, calls.other, pages(1), A, 100));
	outcome("page", ioas_map(calls.fd, calls.other, pages(1), A, PAGE));
	outcome("on", option(calls.fd, 1, 0, calls.other, &on));
	outcome("map", ioas_map(calls.fd, calls.other, pages(1), 2 * A, 100));
}

static void small_pages_under_a_device(void)
{
	struct calls calls = calls_open();
	uint64_t off = 0;

	result(option(calls.fd, 1, 0, calls.ioas, &off));
	outcome("unmap", ioas_unmap(calls.fd, calls.ioas, 0, ~0ull));
	off = 0;
	outcome("empty", option(calls.fd, 1, 0, calls.ioas, &off));
	outcome("map", ioas_map(calls.fd, calls.ioas, pages(1), A, PAGE));
	outcome("again", option(calls.fd, 1, 0, calls.ioas, &off));
}

/* What serves the calls of a container. */
static const struct {
	const char *name;
	uint16_t op, reserved;
	int object; /* as above; 4: the page table */
} compats[] = {
	{"get", 0, 0, 0},          {"set", 1, 0, 1},
	{"set_0", 1, 0, 0},        {"set_device", 1, 0, 2},
	{"set_nothing", 1, 0, 3},  {"set_hwpt", 1, 0, 4},
	{"clear", 2, 0, 0},        {"clear_with_id", 2, 0, 3},
	{"op_3", 3, 0, 0},         {"get_reserved", 0, 1, 0},
	{"set_reserved", 1, 1, 1}, {"clear_reserved", 2, 1, 0},
};

static const char *compat_label(long i)
{
	return i < (long)COUNT(compats) ? compats[i].name : NULL;
}

static void compat(long i)
{
	struct calls calls = calls_open();
	const uint32_t objects[] = {0, calls.ioas, calls.devid, 12345,
				    calls.hwpt};
	struct abi_vfio_ioas ask = {.size = sizeof(ask)};

	for (int n = 0; n < 2; n++) {
		ask.ioas_id = objects[compats[i].object];
		ask.op = compats[i].op;
		ask.reserved = compats[i].reserved;
		if (n)
			outcome("second",
				ioctl(calls.fd, ABI_IOMMU_VFIO_IOAS, &ask));
		else
			result(ioctl(calls.fd, ABI_IOMMU_VFIO_IOAS, &ask));
		value("ioas", ask.ioas_id == calls.ioas);
		ask = (struct abi_vfio_ioas){
			.size = sizeof(ask), .ioas_id = calls.other, .op = 1};
		outcome("set", ioctl(calls.fd, ABI_IOMMU_VFIO_IOAS, &ask));
	}
	outcome("extension", ioctl(calls.fd, VFIO_CHECK_EXTENSION, 4ul));
}

static const struct conf_case cases[] = {
	CASE(ids_of_a_context),
	CASE(ids_with_a_device),
	EACH(destroy, victim_label),
	EACH(hwpt, hwpt_label),
	CASE(hwpt_holds_its_space),
	CASE(hwpt_of_bad_memory),
	RANGE(hw_info, 0, 5, 1),
	RANGE(set_dirty, 0, 4, 1),
	EACH(get_dirty, get_label),
	RANGE(invalidate, 0, 4, 1),
	CASE(fault_queue),
	CASE(fault_queue_keeps_the_context),
	EACH(option_when, option_label),
	CASE(small_pages),
	CASE(small_pages_under_a_device),
	EACH(compat, compat_label),
};

TABLE_OF(table_iommufd_objects, "iommufd_objects", cases, has_cdev);
