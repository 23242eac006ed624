/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/options.h"

#include <errno.h>
#include <string.h>

#include <uvfio/device.h>

#include "base/alloc.h"

/* Cuts at the next single comma and undoubles the others; NULL: no more. */
static char *cut(char **rest)
{
	char *start = *rest, *in = start, *out = start;

	if (!start)
		return NULL;
	*rest = NULL;
	while (*in) {
		if (*in == ',' && in[1] != ',') {
			*rest = in + 1;
			break;
		}
		if (*in == ',')
			in++;
		*out++ = *in++;
	}
	*out = '\0';
	return start;
}

static size_t count_commas(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == ',';
	return count;
}

static int take_items(struct uvf_options *options, char *rest,
		      struct uvfio_error *err)
{
	char *item;

	while ((item = cut(&rest))) {
		char *equals = strchr(item, '=');

		if (!equals || equals == item) {
			uvfio_error_set(err, "%s: '%s' is not KEY=VALUE",
					options->model, item);
			return -EINVAL;
		}
		*equals = '\0';
		if (uvf_options_find(options, item)) {
			uvfio_error_set(err, "%s: %s is given twice",
					options->model, item);
			return -EINVAL;
		}
		options->items[options->count].key = item;
		options->items[options->count].value = equals + 1;
		options->count++;
	}
	return 0;
}

int uvf_options_parse(struct uvf_options **ret_options, const char *spec,
		      struct uvfio_error *err)
{
	struct uvf_options *options = uvf_zalloc(sizeof(*options));
	char *rest;
	int ret = -ENOMEM;

	if (!options)
		return -ENOMEM;
	uvf_ref_init(&options->ref);
	options->text = uvf_strdup(spec);
	options->items =
		uvf_calloc(count_commas(spec) + 1, sizeof(*options->items));
	if (!options->text || !options->items)
		goto err_destroy;
	rest = options->text;
	options->model = cut(&rest);
	if (!*options->model) {
		uvfio_error_set(err,
				"'%s' names no model; write "
				"MODEL[,KEY=VALUE]...",
				spec);
		ret = -EINVAL;
		goto err_destroy;
	}
	ret = take_items(options, rest, err);
	if (ret)
		goto err_destroy;
	*ret_options = options;
	return 0;

err_destroy:
	uvf_options_put(options);
	return ret;
}

struct uvf_options *uvf_options_get(struct uvf_options *options)
{
	uvf_ref_get(&options->ref);
	return options;
}

void uvf_options_put(struct uvf_options *options)
{
	if (!options || !uvf_ref_put(&options->ref))
		return;
	uvf_free(options->items);
	uvf_free(options->text);
	uvf_free(options);
}

const char *uvf_options_find(const struct uvf_options *options, const char *key)
{
	for (size_t i = 0; i < options->count; i++)
		if (!strcmp(options->items[i].key, key))
			return options->items[i].value;
	return NULL;
}

const char *uvfio_spec_value(const struct uvfio_spec *spec, const char *key)
{
	return uvf_options_find(spec->options, key);
}
