/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#include "nvme.h"

#define MDTS_MAX 9u /* 2 MiB */

static int read_number(struct uvfio_dev *dev, const char *key, uint32_t low,
		       uint32_t high, uint32_t initial, uint32_t *ret_value,
		       struct uvfio_error *err)
{
	const char *text = uvfio_option(dev, key);
	unsigned long value;
	char *end;

	*ret_value = initial;
	if (!text)
		return 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || value < low || value > high) {
		uvfio_error_set(err, "%s=%s: write a number from %u to %u", key,
				text, low, high);
		return -EINVAL;
	}
	*ret_value = (uint32_t)value;
	return 0;
}

/* One of up to three words, NULL behind the last. */
static int read_word(struct uvfio_dev *dev, const char *key,
		     const char *const *words, uint32_t *ret_index,
		     struct uvfio_error *err)
{
	const char *text = uvfio_option(dev, key);

	*ret_index = 0;
	if (!text)
		return 0;
	for (uint32_t i = 0; words[i]; i++) {
		if (!strcmp(text, words[i])) {
			*ret_index = i;
			return 0;
		}
	}
	uvfio_error_set(err, "%s=%s: write %s%s%s or %s", key, text, words[0],
			words[2] ? ", " : "", words[2] ? words[1] : "",
			words[2] ? words[2] : words[1]);
	return -EINVAL;
}

/* Digits and a unit; up to INT64_MAX bytes. */
static bool parse_size(const char *text, uint64_t *ret_size)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned long long value;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	*ret_size = (uint64_t)value << shift;
	return *text >= '0' && *text <= '9' && !*end && !errno && value &&
	       value <= (unsigned long long)INT64_MAX >> shift;
}

static int read_size(struct uvfio_dev *dev, uint64_t *ret_size,
		     struct uvfio_error *err)
{
	const char *text = uvfio_option(dev, "size");

	*ret_size = 0;
	if (!text || parse_size(text, ret_size))
		return 0;
	uvfio_error_set(err, "size=%s: write a size such as 512M or 1G", text);
	return -EINVAL;
}

int nvme_cmb_parse(const char *text, uint64_t *ret_size,
		   struct uvfio_error *err)
{
	*ret_size = 0;
	if (!text)
		return 0;
	if (parse_size(text, ret_size) && !(*ret_size & (*ret_size - 1)) &&
	    *ret_size >= NVME_CMB_MIN && *ret_size <= NVME_CMB_MAX)
		return 0;
	uvfio_error_set(err, "cmb=%s: write 1M, 2M, 4M and so on, up to 1G",
			text);
	return -EINVAL;
}

static int read_serial(struct uvfio_dev *dev, char serial[21],
		       struct uvfio_error *err)
{
	const char *text = uvfio_option(dev, "serial");
	const char *from = text ? text : uvfio_dev_name(dev);
	size_t len = strlen(from);

	for (size_t i = 0; i < len; i++)
		if (from[i] < ' ' || from[i] > '~')
			len = SIZE_MAX - 1;
	if (!len || len > 20) {
		uvfio_error_set(err,
				"serial=%s: write 1 to 20 characters of ASCII",
				text);
		return -EINVAL;
	}
	memset(serial, 0, 21);
	memcpy(serial, from, len);
	return 0;
}

static int read_image(struct uvfio_dev *dev, struct nvme_image_params *image,
		      struct uvfio_error *err)
{
	static const char *const caches[] = {"writeback", "writethrough",
					     "none", NULL};
	static const char *const switches[] = {"off", "on", NULL};
	static const char *const ways[] = {"uring", "threads", NULL};
	uint32_t cache, is_read_only, way;
	int ret = read_size(dev, &image->size, err);

	if (!ret)
		ret = read_word(dev, "cache", caches, &cache, err);
	if (!ret)
		ret = read_word(dev, "ro", switches, &is_read_only, err);
	if (!ret)
		ret = read_word(dev, "aio", ways, &way, err);
	if (ret)
		return ret;
	image->path = uvfio_option(dev, "file");
	image->cache = (enum nvme_cache)cache;
	image->is_read_only = is_read_only;
	image->has_threads = way;
	if (!image->path && !image->size) {
		uvfio_error_set(err, "nvme wants a disk: file=FILE, or size=1G "
				     "for one in memory");
		return -EINVAL;
	}
	return 0;
}

int nvme_options_read(struct uvfio_dev *dev, struct nvme_options *ret_options,
		      struct uvfio_error *err)
{
	static const char *const blocks[] = {"512", "4096", NULL};
	uint32_t format;
	int ret;

	memset(ret_options, 0, sizeof(*ret_options));
	ret = read_image(dev, &ret_options->image, err);
	if (!ret)
		ret = read_word(dev, "lba", blocks, &format, err);
	if (!ret)
		ret = read_number(dev, "ns", 1, NVME_NAMESPACES_MAX, 1,
				  &ret_options->namespaces, err);
	if (!ret)
		ret = read_number(dev, "queues", 1, NVME_QUEUES_MAX,
				  NVME_QUEUES_MAX, &ret_options->queues, err);
	if (!ret)
		ret = read_number(dev, "mdts", 1, MDTS_MAX, 7,
				  &ret_options->mdts, err);
	if (!ret)
		ret = read_serial(dev, ret_options->serial, err);
	if (ret)
		return ret;
	ret_options->format = (uint8_t)format;
	ret_options->image.block = format ? 4096 : 512;
	ret_options->image.parts = ret_options->namespaces;
	return 0;
}
