/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device specification, MODEL[,KEY=VALUE]..., taken apart.
 */
#ifndef UVF_BUS_OPTIONS_H
#define UVF_BUS_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/ref.h"

struct uvfio_error;

struct uvf_option {
	const char *key;
	const char *value;
};

struct uvf_options {
	struct uvf_ref ref;
	char *text; /* owned; keys and values point into it */
	const char *model;
	size_t count;
	struct uvf_option *items;
};

/* struct uvfio_spec of uvfio/pci.h */
struct uvfio_spec {
	const struct uvf_options *options;
};

/**
 * uvf_options_parse() - take a specification apart
 * @ret_options: with one reference; fixed from here on
 * A comma inside a value is written twice.
 * Return: 0, -ENOMEM, or -EINVAL and a line in @err.
 */
int uvf_options_parse(struct uvf_options **ret_options, const char *spec,
		      struct uvfio_error *err);
struct uvf_options *uvf_options_get(struct uvf_options *options);
void uvf_options_put(struct uvf_options *options); /* takes NULL */

/* The value of a key, or NULL. */
const char *uvf_options_find(const struct uvf_options *options,
			     const char *key);

#endif /* UVF_BUS_OPTIONS_H */
