/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET_INFO of a container at every argsz, in each state it can be in; and
 * how many mappings it may still have.
 */
#include "space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define A       0x100000ull
#define LONGEST 160
#define LIMIT   "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

static struct space plain(enum mode mode)
{
	return space_open(mode, 0);
}

static struct space device(enum mode mode)
{
	return space_open(mode, 1);
}

static struct space mapped(enum mode mode)
{
	struct space space = space_open(mode, 1);
	char *p = pages(8);

	for (uint64_t i = 0; i < 4; i++)
		need(!space_map(&space, 3, p + i * PAGE, A + 2 * i * PAGE,
				PAGE),
		     "map");
	return space;
}

static struct space cleared(enum mode mode)
{
	struct space space = mapped(mode);

	space_clear(&space);
	return space;
}

static struct space two_groups(enum mode mode)
{
	return space_open(mode, 2);
}

static struct space four_devices(enum mode mode)
{
	return space_open(mode, 4);
}

static struct space second_left(enum mode mode)
{
	struct space space = two_groups(mode);

	close(space.devices[1]);
	need(!ioctl(space.groups[1], VFIO_GROUP_UNSET_CONTAINER), "unset");
	return space;
}

static struct space device_closed(enum mode mode)
{
	struct space space = mapped(mode);

	close(space.devices[0]);
	return space;
}

static struct space group_left(enum mode mode)
{
	struct space space = device_closed(mode);

	need(!ioctl(space.groups[0], VFIO_GROUP_UNSET_CONTAINER), "unset");
	return space;
}

static struct space group_back(enum mode mode)
{
	struct space space = group_left(mode);

	need(!group_attach(space.groups[0], space.fd), "set-container");
	need(!ioctl(space.fd, VFIO_SET_IOMMU,
		    mode == V1 || mode == C1 ? 1ul : 3ul),
	     "set-iommu");
	return space;
}

static struct space failed_map(enum mode mode)
{
	struct space space = device(mode);

	need(space_map(&space, 3, bad_pointer(), A, PAGE), "map");
	need(space_map(&space, 3, pages(1), 0xfee00000, PAGE), "map");
	return space;
}

static const struct {
	const char *name;
	struct space (*enter)(enum mode mode);
} states[] = {
	{"plain", plain},
	{"device", device},
	{"mapped", mapped},
	{"cleared", cleared},
	{"two_groups", two_groups},
	{"four_devices", four_devices},
	{"second_left", second_left},
	{"device_closed", device_closed},
	{"group_left", group_left},
	{"group_back", group_back},
	{"failed_map", failed_map},
};

static const char *label(long i)
{
	return i < (long)COUNT(states) ? states[i].name : NULL;
}

/* What one argsz gives, without what the hardware says. */
static void tell(int fd, uint32_t argsz, char *text, size_t size)
{
	unsigned char buf[512];
	struct vfio_iommu_type1_info *info = (void *)buf;
	unsigned int end = sizeof(buf);

	memset(buf, 0xa5, sizeof(buf));
	info->argsz = argsz;
	if (ioctl(fd, VFIO_IOMMU_GET_INFO, buf)) {
		snprintf(text, size, "-%s", strerrorname_np(errno));
		return;
	}
	while (end && buf[end - 1] == 0xa5)
		end--;
	if (info->argsz == argsz)
		snprintf(text, size, "same");
	else
		snprintf(text, size, "%u", info->argsz);
	size -= strlen(text);
	text += strlen(text);
	snprintf(text, size, "/%x/%x/%s%u", info->flags,
		 argsz < 20 ? 0 : info->cap_offset, end > argsz ? "beyond" : "",
		 end > argsz ? end : 0);
}

/* Shows M3. */
static void info_when(enum mode mode, long i)
{
	struct space space = states[i].enter(mode);
	char text[80], last[80] = "";

	for (uint32_t argsz = 0; argsz < LONGEST; argsz++) {
		tell(space.fd, argsz, text, sizeof(text));
		if (strcmp(text, last) != 0)
			report(" %u=%s", argsz, text);
		strcpy(last, text);
	}
	result(0);
}

/* The ranges, and how many mappings are left. */
static void caps_when(enum mode mode, long i)
{
	struct space space = states[i].enter(mode);
	unsigned char *buf = pages(1);
	struct vfio_iommu_type1_info *info = (void *)buf;
	uint32_t off;

	info->argsz = PAGE;
	result(ioctl(space.fd, VFIO_IOMMU_GET_INFO, info));
	for (off = info->cap_offset; off && off < PAGE - 64;) {
		struct vfio_info_cap_header *head = (void *)(buf + off);
		uint32_t count;
		uint64_t pair[2];

		report(" %u.%u@%u", head->id, head->version, off);
		memcpy(&count, buf + off + 8, 4);
		if (head->id != VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			report(":%u", count);
		} else {
			for (uint32_t n = 0; n < count && n < 8; n++) {
				memcpy(pair, buf + off + 16 + 16 * n, 16);
				report(":%llx-%llx",
				       (unsigned long long)pair[0],
				       (unsigned long long)pair[1]);
			}
		}
		off = head->next;
	}
}

/* Shows M7. */
static void extensions_when(enum mode mode, long i)
{
	struct space space = states[i].enter(mode);

	for (unsigned long n = 1; n <= 11; n++)
		report("%s%d", n == 1 ? " " : ",",
		       ioctl(space.fd, VFIO_CHECK_EXTENSION, n));
	result(ioctl(space.fd, VFIO_GET_API_VERSION));
	outcome("set", ioctl(space.fd, VFIO_SET_IOMMU, 3ul));
	outcome("unknown", ioctl(space.fd, 0x3bfe, NULL));
}

static uint32_t left(int fd)
{
	unsigned char *buf = pages(1);
	struct vfio_iommu_type1_info *info = (void *)buf;
	uint32_t off, count = 0;

	info->argsz = PAGE;
	need(!ioctl(fd, VFIO_IOMMU_GET_INFO, info), "get-info");
	for (off = info->cap_offset; off && off < PAGE - 64;) {
		struct vfio_info_cap_header *head = (void *)(buf + off);

		if (head->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			memcpy(&count, buf + off + 8, 4);
		off = head->next;
	}
	return count;
}

static void set_limit(const char *text)
{
	need(!file_write(LIMIT, text), "limit");
}

/* How many mappings a container made under a limit may have. */
/* Shows M6. */
static void with_limit(enum mode mode, long i)
{
	static const char *const limits[] = {"0", "1", "2", "3"};
	struct space space;
	char *p = pages(8);
	uint64_t size = PAGE;

	set_limit(limits[i]);
	space = space_open(mode, 0);
	set_limit("65535");
	value("left", left(space.fd));
	for (uint64_t n = 0; n < 4; n++)
		outcome("map",
			space_map(&space, 3, p + n * PAGE, A + n * PAGE, PAGE));
	value("left", left(space.fd));
	outcome("again", space_map(&space, 3, p, A, PAGE));
	outcome("msi", space_map(&space, 3, p, 0xfee00000, PAGE));
	outcome("bad", space_map(&space, 3, bad_pointer(), 2 * A, PAGE));
	outcome("unmap", space_unmap(&space, A, &size));
	value("left", left(space.fd));
	result(space_map(&space, 3, p, 2 * A, PAGE));
}

static const char *limit_label(long i)
{
	static const char *const labels[] = {"0", "1", "2", "3"};

	return i < (long)COUNT(labels) ? labels[i] : NULL;
}

/* A limit counts for the containers that get their IOMMU after it. */
/* Shows M6. */
static void limit_comes_later(void)
{
	struct space space = space_open(V2, 0);

	need(!space_map(&space, 3, pages(1), A, PAGE), "map");
	set_limit("1");
	result(space_map(&space, 3, pages(1), 2 * A, PAGE));
	value("left", left(space.fd));
	need(!ioctl(space.groups[0], VFIO_GROUP_UNSET_CONTAINER), "unset");
	need(!group_attach(space.groups[0], space.fd), "set-container");
	need(!ioctl(space.fd, VFIO_SET_IOMMU, 3ul), "set-iommu");
	set_limit("65535");
	value("left", left(space.fd));
}

/* What the parameter takes, and what it then says. */
static const char *const texts[] = {
	"7",    "7\n", "0x10", " 7",         "7 ",         "-1",
	"text", "",    "010",  "4294967295", "4294967296", "1.5",
};

static void limit_is_told(long i)
{
	char text[64] = "";

	result(file_write(LIMIT, texts[i]));
	need(file_read(LIMIT, text, sizeof(text)) > 0, "read");
	text[strcspn(text, "\n")] = '\0';
	report(" reads=%s", text);
	set_limit("65535");
}

BY_TYPE1(info_when, label)
BY_COMPAT(info_when, label)
BY_TYPE1(caps_when, label)
BY_COMPAT(caps_when, label)
BY_TYPE1(extensions_when, label)
BY_COMPAT(extensions_when, label)
BY_TYPE1(with_limit, limit_label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(info_when),       EACH_OF_TYPE1(caps_when),
	EACH_OF_TYPE1(extensions_when), EACH_OF_TYPE1(with_limit),
	CASE(limit_comes_later),        RANGE(limit_is_told, 0, 11, 1),
};

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(info_when),
	EACH_OF_IOMMUFD(caps_when),
	EACH_OF_IOMMUFD(extensions_when),
};

TABLE(table_info_states, "info_states", cases);
TABLE_OF(table_info_states_iommufd, "info_states", iommufd_cases, has_cdev);
