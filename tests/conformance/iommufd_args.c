/* SPDX-License-Identifier: BSD-3-Clause */
/* What every call of an iommufd says of its argument as such. */
#include "iommufd_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Lengths that a caller may give, by how long the argument is. */
static const struct {
	const char *name;
	int of_min, of_size; /* what is taken of each */
	int more, tail;      /* then, and a byte that is not zero there */
} sizes[] = {
	{"0", 0, 0, 0, 0},
	{"3", 0, 0, 3, 0},
	{"4", 0, 0, 4, 0},
	{"min_less_1", 1, 0, -1, 0},
	{"min", 1, 0, 0, 0},
	{"min_and_1", 1, 0, 1, 0},
	{"full_less_1", 0, 1, -1, 0},
	{"full_and_1", 0, 1, 1, 0},
	{"full_and_1_set", 0, 1, 1, 1},
	{"full_and_8_set", 0, 1, 8, 8},
	{"page", 0, 0, 4096, 0},
	{"page_set", 0, 0, 4096, 64},
	{"all_ones", 0, 0, -1, 0},
};

#define SIZES ((long)COUNT(sizes))

static const char *size_label(long i)
{
	static char text[64];
	const char *name = calls_label(i / SIZES);

	if (!name)
		return NULL;
	snprintf(text, sizeof(text), "%s_%s", name, sizes[i % SIZES].name);
	return text;
}

/* Shows M47. */
static void size(long i)
{
	const struct iommufd_call *call = &iommufd_calls[i / SIZES];
	struct calls calls = calls_open();
	uint32_t size = sizes[i % SIZES].of_min ? call->min : 0;
	char *arg = pages(2);

	if (sizes[i % SIZES].of_size)
		size = call->size;
	size += (uint32_t)sizes[i % SIZES].more;
	calls_fill(&calls, i / SIZES, arg);
	memcpy(arg, &size, 4);
	if (sizes[i % SIZES].tail)
		arg[call->size + (uint32_t)sizes[i % SIZES].tail - 1] = 1;
	result(ioctl(calls.fd, call->nr, arg));
}

/* An argument of which only the first bytes are there. */
static void cut(long i)
{
	const struct iommufd_call *call = &iommufd_calls[i];
	struct calls calls = calls_open();
	char arg[CALLS_MAX];

	calls_fill(&calls, i, arg);
	result(ioctl(calls.fd, call->nr, NULL));
	for (uint32_t len = 0; len <= call->size; len += len < 4 ? 2 : 4) {
		char *p = before_fault(len);

		memcpy(p, arg, len);
		outcome("n", ioctl(calls.fd, call->nr, p));
	}
}

/* Objects whose id cannot be told are not kept; what else is done is done. */
static void read_only_argument(long i)
{
	const struct iommufd_call *call = &iommufd_calls[i];
	struct calls calls = calls_open();
	uint32_t before = ioas_alloc(calls.fd);
	char arg[CALLS_MAX];

	calls_fill(&calls, i, arg);
	result(ioctl(calls.fd, call->nr, read_only(arg, CALLS_MAX)));
	value("id", ioas_alloc(calls.fd) - before);
	calls_fill(&calls, i, arg);
	outcome("again", ioctl(calls.fd, call->nr, arg));
}

/* The right call on a context opened for reading. */
static void read_only_file(long i)
{
	struct calls calls = calls_without_device();
	char arg[CALLS_MAX];
	int fd = open("/dev/iommu", O_RDONLY);

	need(fd >= 0, "open-read-only");
	calls_fill(&calls, i, arg);
	result(ioctl(fd, iommufd_calls[i].nr, arg));
}

/* Numbers that no call has, beside those of the calls. */
static void of_another_direction(long i)
{
	static const unsigned int bits[] = {1u << 16, 1u << 30, 2u << 30,
					    3u << 30, 40u << 16 | 3u << 30};
	struct calls calls = calls_open();
	char arg[CALLS_MAX];

	for (size_t n = 0; n < COUNT(bits); n++) {
		calls_fill(&calls, i, arg);
		outcome("n",
			ioctl(calls.fd, iommufd_calls[i].nr | bits[n], arg));
	}
	outcome("type", ioctl(calls.fd, iommufd_calls[i].nr ^ 0x100, arg));
	result(0);
}

static void number(long nr)
{
	struct calls calls = calls_open();
	uint32_t *arg = pages(1);

	arg[0] = 64;
	result(ioctl(calls.fd, 0x3b00u | (unsigned int)nr, arg));
}

/* Which bits of a field a call takes, from what is right. */
static const struct {
	const char *name;
	long call;
	unsigned int at, bits;
} fields[] = {
	{"ioas_alloc_flags", 1, 4, 32},
	{"ioas_alloc_out_id", 1, 8, 32},
	{"allow_iovas_reserved", 2, 12, 32},
	{"copy_flags", 3, 4, 16}, /* bit 16 is the self-test's */
	{"iova_ranges_reserved", 4, 12, 32},
	{"map_flags", 5, 4, 32},
	{"map_reserved", 5, 12, 32},
	{"option_id", 7, 4, 32},
	{"option_op", 7, 8, 16},
	{"option_reserved", 7, 10, 16},
	{"option_value", 7, 16, 32},
	{"vfio_ioas_op", 8, 8, 16},
	{"vfio_ioas_reserved", 8, 10, 16},
	{"hwpt_alloc_flags", 9, 4, 32},
	{"hwpt_alloc_out_id", 9, 16, 32},
	{"hwpt_alloc_reserved", 9, 20, 32},
	{"hwpt_alloc_data_type", 9, 24, 32},
	{"hwpt_alloc_data_len", 9, 28, 32},
	{"hwpt_alloc_fault_id", 9, 40, 32},
	{"hwpt_alloc_reserved2", 9, 44, 32},
	{"hw_info_flags", 10, 4, 32},
	{"hw_info_out_type", 10, 24, 32},
	{"hw_info_reserved", 10, 28, 32},
	{"set_dirty_flags", 11, 4, 32},
	{"set_dirty_reserved", 11, 12, 32},
	{"get_dirty_flags", 12, 8, 32},
	{"get_dirty_reserved", 12, 12, 32},
	{"invalidate_type", 13, 16, 32},
	{"invalidate_reserved", 13, 28, 32},
	{"fault_alloc_flags", 14, 4, 32},
};

static const char *field_label(long i)
{
	return i < (long)COUNT(fields) ? fields[i].name : NULL;
}

/* Runs of bits that have the same answer. */
/* Shows M47. */
static void field(long i)
{
	long nr = fields[i].call;
	struct calls calls = calls_open();
	char arg[CALLS_MAX], key[16];
	int last = 0, last_errno = 0;

	for (unsigned int bit = 0; bit < fields[i].bits; bit++) {
		int ret;

		calls_fill(&calls, nr, arg);
		arg[fields[i].at + bit / 8] |= (char)(1u << bit % 8);
		errno = 0;
		ret = ioctl(calls.fd, iommufd_calls[nr].nr, arg);
		if (!bit || ret != last || errno != last_errno) {
			snprintf(key, sizeof(key), "from%u", bit);
			last_errno = errno;
			outcome(key, ret);
		}
		last = ret;
	}
	result(0);
}

/* Ids that name nothing, or something of another kind. */
static const struct {
	const char *name;
	long call;
	unsigned int at;
} ids[] = {
	{"destroy", 0, 4},        {"allow_iovas", 2, 4},
	{"copy_from", 3, 12},     {"copy_to", 3, 8},
	{"iova_ranges", 4, 4},    {"map", 5, 8},
	{"unmap", 6, 4},          {"option", 7, 12},
	{"vfio_ioas", 8, 4},      {"hwpt_alloc_for", 9, 8},
	{"hwpt_alloc_of", 9, 12}, {"hw_info", 10, 8},
	{"set_dirty", 11, 8},     {"get_dirty", 12, 4},
	{"invalidate", 13, 4},
};

static const char *id_label(long i)
{
	return i < (long)COUNT(ids) ? ids[i].name : NULL;
}

static void id(long i)
{
	struct calls calls = calls_open();
	const uint32_t all[] = {0,          12345,      calls.devid, calls.ioas,
				calls.hwpt, 0x7fffffff, 0x80000000,  ~0u};
	static const char *const names[] = {"zero",  "unknown", "device",
					    "ioas",  "hwpt",    "2to31_less_1",
					    "2to31", "all_ones"};
	char arg[CALLS_MAX];

	for (size_t n = 0; n < COUNT(all); n++) {
		calls_fill(&calls, ids[i].call, arg);
		memcpy(arg + ids[i].at, &all[n], 4);
		outcome(names[n],
			ioctl(calls.fd, iommufd_calls[ids[i].call].nr, arg));
	}
	result(0);
}

static const struct conf_case cases[] = {
	EACH(size, size_label),
	EACH(cut, calls_label),
	EACH(read_only_argument, calls_label),
	EACH(read_only_file, calls_label),
	EACH(of_another_direction, calls_label),
	RANGE(number, 0x7e, 0x7f, 1),
	RANGE(number, 0x8f, 0x9f, 1),
	RANGE(number, 0xa1, 0xff, 0x5e),
	EACH(field, field_label),
	EACH(id, id_label),
};

TABLE_OF(table_iommufd_args, "iommufd_args", cases, has_cdev);
