/* SPDX-License-Identifier: BSD-3-Clause */
/* CHECK_EXTENSION: the argument is a full unsigned long, never an error. */
#include "lib.h"

#include <stdio.h>
#include <sys/ioctl.h>

static const unsigned long extensions[] = {
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
	12,
	(1ul << 32) + 1,
	(1ul << 32) + 3,
	1ul << 63,
	~0u,
	~0ul,
};

static const char *label(long i)
{
	static char buf[32];

	if (i >= (long)COUNT(extensions))
		return NULL;
	snprintf(buf, sizeof(buf), "0x%lx", extensions[i]);
	return buf;
}

/* Shows C3, M7. */
static void on_an_empty_container(long i)
{
	result(ioctl(container_open(), VFIO_CHECK_EXTENSION, extensions[i]));
}

/* Shows C3. */
static void with_a_group(long i)
{
	struct session s = session_group();

	result(ioctl(s.container, VFIO_CHECK_EXTENSION, extensions[i]));
}

static void on_type1(long i)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);

	result(ioctl(s.container, VFIO_CHECK_EXTENSION, extensions[i]));
}

/* Shows M7. */
static void on_type1v2(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, VFIO_CHECK_EXTENSION, extensions[i]));
}

static const struct conf_case cases[] = {
	EACH(on_an_empty_container, label),
	EACH(with_a_group, label),
	EACH(on_type1, label),
	EACH(on_type1v2, label),
};

TABLE(table_check_extension, "check_extension", cases);
