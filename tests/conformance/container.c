/* SPDX-License-Identifier: BSD-3-Clause */
/* The container: opening it, and what it answers before and after SET_IOMMU. */
#include "lib.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NODE "/dev/vfio/vfio"

/* Shows C1. */
static void opens_many_times(void)
{
	int a = open(NODE, O_RDWR), b = open(NODE, O_RDWR);
	int c = open(NODE, O_RDWR);

	result_fd(c);
	value("distinct", a != b && b != c && a != c);
}

static const struct {
	const char *name;
	int flags;
} open_flags[] = {
	{"rdonly", O_RDONLY},
	{"wronly", O_WRONLY},
	{"rdwr", O_RDWR},
	{"directory", O_RDWR | O_DIRECTORY},
	{"creat_excl", O_RDWR | O_CREAT | O_EXCL},
	{"creat", O_RDWR | O_CREAT},
	{"trunc", O_RDWR | O_TRUNC},
	{"append", O_RDWR | O_APPEND},
	{"nonblock", O_RDWR | O_NONBLOCK},
	{"path", O_PATH},
	{"nofollow", O_RDWR | O_NOFOLLOW},
};

static const char *open_label(long i)
{
	return i < (long)COUNT(open_flags) ? open_flags[i].name : NULL;
}

/* Shows C13. */
static void opens_with(long i)
{
	int fd = open(NODE, open_flags[i].flags, 0600);

	result_fd(fd);
	if (fd >= 0)
		outcome("api_version", ioctl(fd, VFIO_GET_API_VERSION));
}

/* Shows C13. */
static void takes_a_group_when_opened_with(long i)
{
	int fd = open(NODE, open_flags[i].flags, 0600), group;

	need(fd >= 0, "open-container");
	group = group_open(0);
	result(group_attach(group, fd));
	outcome("set_iommu", ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	value("unmapped", (long long)dma_unmap_all(fd));
}

static const char *mode_label(long i)
{
	return i < 3 ? open_flags[i].name : NULL;
}

static const unsigned long api_args[] = {0, 1, ~0ul, 1ul << 32};

/* Shows C2. */
static void api_version_ignores_its_argument(long i)
{
	int c = container_open();

	result(ioctl(c, VFIO_GET_API_VERSION, api_args[i]));
}

/* Shows C2. */
static void api_version_after_set_iommu(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, VFIO_GET_API_VERSION));
}

static const struct {
	const char *name;
	unsigned long nr;
} calls[] = {
	{"map_dma", VFIO_IOMMU_MAP_DMA},
	{"unmap_dma", VFIO_IOMMU_UNMAP_DMA},
	{"get_info", VFIO_IOMMU_GET_INFO},
	{"dirty_pages", VFIO_IOMMU_DIRTY_PAGES},
	{"iommu_enable", VFIO_IOMMU_ENABLE},
	{"unknown_0x3bff", 0x3bff},
	{"group_get_status", VFIO_GROUP_GET_STATUS},
	{"group_set_container", VFIO_GROUP_SET_CONTAINER},
	{"device_get_info", VFIO_DEVICE_GET_INFO},
	{"device_set_irqs", VFIO_DEVICE_SET_IRQS},
	{"kvm_get_api_version", 0xae00},
	{"fionread", 0x541b},
	{"tcgets", 0x5401},
	{"zero", 0},
	{"api_version_with_direction", _IOR(VFIO_TYPE, VFIO_BASE, int)},
	{"set_iommu_with_direction", _IOW(VFIO_TYPE, VFIO_BASE + 2, int)},
};

static const char *call_label(long i)
{
	return i < (long)COUNT(calls) ? calls[i].name : NULL;
}

/* Shows C4. */
static void empty_refuses(long i)
{
	result(ioctl(container_open(), calls[i].nr, bad_pointer()));
}

/* Shows C4, M2. */
static void with_a_group_only_refuses(long i)
{
	struct session s = session_group();

	result(ioctl(s.container, calls[i].nr, bad_pointer()));
}

/* Shows C4, M2. */
static void with_an_iommu_answers(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, calls[i].nr, bad_pointer()));
}

static void command_is_compared_as_32_bits(void)
{
	unsigned long nr = VFIO_GET_API_VERSION | 1ul << 32;

	result(ioctl(container_open(), nr));
}

/* The type that SET_IOMMU is asked for; a long may not hold them all. */
static const unsigned long types[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	0xff,
	~0u,
	~0ul,
	(1ul << 32) + 1,
	(1ul << 32) + 3,
	1ul << 63,
};

static const char *const type_names[] = {
	"0",    "1",      "2",      "3",          "4",          "5",
	"6",    "7",      "8",      "9",          "10",         "11",
	"0xff", "u32max", "u64max", "2to32plus1", "2to32plus3", "2to63",
};

static const char *type_label(long i)
{
	return i < (long)COUNT(types) ? type_names[i] : NULL;
}

/* Shows C5, M1. */
static void set_iommu_without_group(long i)
{
	result(ioctl(container_open(), VFIO_SET_IOMMU, types[i]));
}

/* Shows C6, M1. */
static void set_iommu(long i)
{
	struct session s = session_group();

	result(ioctl(s.container, VFIO_SET_IOMMU, types[i]));
	outcome("then_v2",
		ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	outcome("then_device", device_open(s.group, 0) >= 0 ? 0 : -1);
}

/* Shows C5. */
static void set_iommu_twice_to_another_type(void)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);

	result(ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
}

/* Shows C5. */
static void set_iommu_after_set_iommu(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, VFIO_SET_IOMMU, types[i]));
}

/* Shows C9. */
static void forgets_its_type_when_the_last_group_leaves(void)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);

	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	outcome("empty", ioctl(s.container, VFIO_SET_IOMMU, 3ul));
	outcome("info", ioctl(s.container, VFIO_IOMMU_GET_INFO, NULL));
	need(!group_attach(s.group, s.container), "set-container");
	result(ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
}

/* Shows C9. */
static void forgets_its_mappings_when_the_last_group_leaves(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, 3, pages(4), 0x100000, 4 * PAGE), "map");
	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	need(!group_attach(s.group, s.container), "set-container");
	result(ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	hex("left", dma_unmap_all(s.container));
}

/* Shows C10, M36. */
static void keeps_its_mappings_while_one_group_stays(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct session t = session_second(&s);

	need(!dma_map(s.container, 3, pages(4), 0x100000, 4 * PAGE), "map");
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("type_again", ioctl(s.container, VFIO_SET_IOMMU, 3ul));
	outcome("second", ioctl(t.group, VFIO_GROUP_GET_STATUS, NULL));
	hex("left", dma_unmap_all(s.container));
}

static const struct conf_case cases[] = {
	CASE(opens_many_times),
	EACH(opens_with, open_label),
	EACH(takes_a_group_when_opened_with, mode_label),
	RANGE(api_version_ignores_its_argument, 0, 3, 1),
	CASE(api_version_after_set_iommu),
	EACH(empty_refuses, call_label),
	EACH(with_a_group_only_refuses, call_label),
	EACH(with_an_iommu_answers, call_label),
	CASE(command_is_compared_as_32_bits),
	EACH(set_iommu_without_group, type_label),
	EACH(set_iommu, type_label),
	EACH(set_iommu_after_set_iommu, type_label),
	CASE(set_iommu_twice_to_another_type),
	CASE(forgets_its_type_when_the_last_group_leaves),
	CASE(forgets_its_mappings_when_the_last_group_leaves),
	CASE(keeps_its_mappings_while_one_group_stays),
};

TABLE(table_container, "container", cases);
