/* SPDX-License-Identifier: BSD-3-Clause */
/* ATTACH_IOMMUFD_PT and DETACH_IOMMUFD_PT: arguments, states, effects. */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct asked {
	int cdev;
	int iommufd;
	uint32_t devid;
	uint32_t ioas;
	uint32_t other; /* a second address space */
};

static struct asked bound(void)
{
	struct asked a = {.cdev = cdev_open(0), .iommufd = iommufd_open()};

	a.devid = cdev_id(a.cdev, a.iommufd);
	a.ioas = ioas_alloc(a.iommufd);
	a.other = ioas_alloc(a.iommufd);
	return a;
}

static struct asked attached(void)
{
	struct asked a = bound();

	need(!cdev_attach(a.cdev, a.ioas), "attach");
	return a;
}

static struct asked detached(void)
{
	struct asked a = attached();

	need(!cdev_detach(a.cdev), "detach");
	return a;
}

static struct asked unbound(void)
{
	struct asked a = {.cdev = cdev_open(0), .iommufd = iommufd_open()};

	a.ioas = ioas_alloc(a.iommufd);
	a.other = ioas_alloc(a.iommufd);
	return a;
}

static struct asked group_file(void)
{
	struct session s = session_device();

	return (struct asked){.cdev = s.device, .iommufd = iommufd_open()};
}

static struct asked iommufd_closed(void)
{
	struct asked a = bound();

	close(a.iommufd);
	a.iommufd = -1;
	return a;
}

static const struct {
	const char *label;
	struct asked (*enter)(void);
} states[] = {
	{"bound", bound},           {"attached", attached},
	{"detached", detached},     {"unbound", unbound},
	{"group_path", group_file}, {"iommufd_closed", iommufd_closed},
};

#define STATES ((long)COUNT(states))

static const char *state_label(long i)
{
	return i < STATES ? states[i].label : NULL;
}

static const char *const ids[] = {
	"zero", "ioas", "other_ioas", "device", "unknown", "2_to_31", "max",
};

static uint32_t id_of(long n, const struct asked *a)
{
	const uint32_t all[] = {0,     a->ioas,    a->other, a->devid,
				12345, 0x80000000, ~0u};

	return all[n];
}

static const char *id_label(long i)
{
	static char label[64];

	if (i / STATES >= (long)COUNT(ids))
		return NULL;
	snprintf(label, sizeof(label), "%s_%s", states[i % STATES].label,
		 ids[i / STATES]);
	return label;
}

/* Shows M67. */
static void attach_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_attach attach = {.argsz = sizeof(attach)};
	uint32_t id = id_of(i / STATES, &a);

	attach.pt_id = id;
	result(ioctl(a.cdev, ABI_ATTACH_PT, &attach));
	value("changed", attach.pt_id != id);
	outcome("detach", cdev_detach(a.cdev));
	outcome("then", cdev_attach(a.cdev, a.ioas));
}

static const uint32_t sizes[] = {0, 7, 8, 11, 12, 13, 16, ~0u};

static const char *size_label(long i)
{
	static char label[64];

	if (i / STATES >= (long)COUNT(sizes))
		return NULL;
	snprintf(label, sizeof(label), "%s_0x%x", states[i % STATES].label,
		 sizes[i / STATES]);
	return label;
}

static void attach_argsz_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_attach attach = {.argsz = sizes[i / STATES],
				    .pt_id = a.ioas};

	result(ioctl(a.cdev, ABI_ATTACH_PT, &attach));
	outcome("in_use", iommufd_destroy(a.iommufd, a.ioas));
}

static void detach_argsz_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_detach detach = {.argsz = sizes[i / STATES]};

	result(ioctl(a.cdev, ABI_DETACH_PT, &detach));
	outcome("in_use", iommufd_destroy(a.iommufd, a.ioas));
}

static const uint32_t flags[] = {1, 2, 1u << 31, ~0u};

static const char *flag_label(long i)
{
	static char label[64];

	if (i / STATES >= (long)COUNT(flags))
		return NULL;
	snprintf(label, sizeof(label), "%s_0x%x", states[i % STATES].label,
		 flags[i / STATES]);
	return label;
}

static void attach_flags_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_attach attach = {.argsz = sizeof(attach),
				    .flags = flags[i / STATES],
				    .pt_id = a.ioas};

	result(ioctl(a.cdev, ABI_ATTACH_PT, &attach));
}

static void detach_flags_when(long i)
{
	struct asked a = states[i % STATES].enter();
	struct abi_detach detach = {.argsz = sizeof(detach),
				    .flags = flags[i / STATES]};

	result(ioctl(a.cdev, ABI_DETACH_PT, &detach));
}

static void bad_memory_when(long i)
{
	struct asked a = states[i].enter();
	struct abi_attach attach = {.argsz = sizeof(attach), .pt_id = a.ioas};
	struct abi_detach detach = {.argsz = sizeof(detach)};
	char *cut = before_fault(11), *short_cut = before_fault(7);

	memcpy(cut, &attach, 11);
	memcpy(short_cut, &detach, 7);
	result(ioctl(a.cdev, ABI_ATTACH_PT, NULL));
	outcome("cut", ioctl(a.cdev, ABI_ATTACH_PT, cut));
	outcome("read_only", ioctl(a.cdev, ABI_ATTACH_PT,
				   read_only(&attach, sizeof(attach))));
	outcome("in_use", iommufd_destroy(a.iommufd, a.other));
	outcome("detach_null", ioctl(a.cdev, ABI_DETACH_PT, NULL));
	outcome("detach_cut", ioctl(a.cdev, ABI_DETACH_PT, short_cut));
	outcome("detach_read_only", ioctl(a.cdev, ABI_DETACH_PT,
					  read_only(&detach, sizeof(detach))));
}

static void the_read_only_answer_is_undone(void)
{
	struct asked a = bound();
	struct abi_attach attach = {.argsz = sizeof(attach), .pt_id = a.ioas};

	result(ioctl(a.cdev, ABI_ATTACH_PT,
		     read_only(&attach, sizeof(attach))));
	outcome("destroy", iommufd_destroy(a.iommufd, a.ioas));
}

static void replaces_without_a_detach(void)
{
	struct asked a = attached();

	outcome("first_in_use", iommufd_destroy(a.iommufd, a.ioas));
	result(cdev_attach(a.cdev, a.other));
	outcome("first", iommufd_destroy(a.iommufd, a.ioas));
	outcome("second", iommufd_destroy(a.iommufd, a.other));
	outcome("detach", cdev_detach(a.cdev));
	outcome("second", iommufd_destroy(a.iommufd, a.other));
}

static void the_table_can_be_attached_by_its_id(void)
{
	struct asked a = bound();
	struct abi_attach attach = {.argsz = sizeof(attach), .pt_id = a.ioas};

	need(!ioctl(a.cdev, ABI_ATTACH_PT, &attach), "attach");
	result(cdev_attach(a.cdev, attach.pt_id));
	outcome("destroy", iommufd_destroy(a.iommufd, attach.pt_id));
	outcome("detach", cdev_detach(a.cdev));
	outcome("destroy", iommufd_destroy(a.iommufd, attach.pt_id));
}

static void detach_repeats(void)
{
	struct asked a = attached();

	result(cdev_detach(a.cdev));
	outcome("again", cdev_detach(a.cdev));
	outcome("again", cdev_detach(a.cdev));
}

static void close_detaches(void)
{
	struct asked a = attached();

	outcome("device", iommufd_destroy(a.iommufd, a.devid));
	outcome("ioas", iommufd_destroy(a.iommufd, a.ioas));
	close(a.cdev);
	result(iommufd_destroy(a.iommufd, a.ioas));
	outcome("device", iommufd_destroy(a.iommufd, a.devid));
}

static void destroy_while_bound(void)
{
	struct asked a = bound();

	result(iommufd_destroy(a.iommufd, a.devid));
	outcome("ioas", iommufd_destroy(a.iommufd, a.ioas));
	outcome("attach", cdev_attach(a.cdev, a.ioas));
	outcome("other", cdev_attach(a.cdev, a.other));
}

static void two_devices_share_a_space(void)
{
	struct asked a = attached();
	int cdev = cdev_open(1);

	cdev_id(cdev, a.iommufd);
	result(cdev_attach(cdev, a.ioas));
	close(a.cdev);
	outcome("in_use", iommufd_destroy(a.iommufd, a.ioas));
	close(cdev);
	outcome("free", iommufd_destroy(a.iommufd, a.ioas));
}

static const struct conf_case cases[] = {
	EACH(attach_when, id_label),
	EACH(attach_argsz_when, size_label),
	EACH(detach_argsz_when, size_label),
	EACH(attach_flags_when, flag_label),
	EACH(detach_flags_when, flag_label),
	EACH(bad_memory_when, state_label),
	CASE(the_read_only_answer_is_undone),
	CASE(replaces_without_a_detach),
	CASE(the_table_can_be_attached_by_its_id),
	CASE(detach_repeats),
	CASE(close_detaches),
	CASE(destroy_while_bound),
	CASE(two_devices_share_a_space),
};

TABLE_OF(table_cdev_attach, "cdev_attach", cases, has_cdev);
