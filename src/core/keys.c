/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#include "bus/machine.h"
#include "bus/options.h"
#include "iommu/aperture.h"

#define GROUP_MAX  1000000
#define DRIVER_MAX 32 /* letters of a driver's name */

static bool is_known(const struct uvfio_key *own, const char *const *generic,
		     const char *key)
{
	for (; *generic; generic++)
		if (!strcmp(key, *generic))
			return true;
	for (; own && own->name; own++)
		if (!strcmp(key, own->name))
			return true;
	return false;
}

static void append(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	(void)snprintf(list + len, size - len, "%s%s", len ? ", " : "", name);
}

int uvf_keys_check(const struct uvf_options *options, const char *model,
		   const struct uvfio_key *own, const char *const *generic,
		   struct uvfio_error *err)
{
	char known[200] = "";
	const char *key = NULL;

	for (size_t i = 0; i < options->count && !key; i++)
		if (!is_known(own, generic, options->items[i].key))
			key = options->items[i].key;
	if (!key)
		return 0;
	for (; own && own->name; own++)
		append(known, sizeof(known), own->name);
	for (; *generic; generic++)
		append(known, sizeof(known), *generic);
	uvfio_error_set(err, "%s has no key '%s'; it knows %s", model, key,
			known);
	return -EINVAL;
}

int uvf_key_group(int *ret_group, const struct uvf_machine *machine,
		  const struct uvf_options *options, struct uvfio_error *err)
{
	const char *text = uvf_options_find(options, "group");
	char *end;
	long group;

	*ret_group = UVF_GROUP_OWN;
	if (!text)
		return 0;
	group = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || group > GROUP_MAX) {
		uvfio_error_set(err,
				"group=%s is no IOMMU group; write a number "
				"from 0 to %d",
				text, GROUP_MAX);
		return -EINVAL;
	}
	if (!machine->has_iommu) {
		uvfio_error_set(err, "group=%s: the host has no IOMMU", text);
		return -EINVAL;
	}
	*ret_group = (int)group;
	return 0;
}

static int refuse_iommu(const char *text, struct uvfio_error *err)
{
	uvfio_error_set(err,
			"iommu=%s: wants intel or amd, and perhaps the bits of "
			"its addresses: intel:39, amd:48, intel:57",
			text);
	return -EINVAL;
}

int uvf_key_iommu(const char **ret_name, unsigned int *ret_bits,
		  const struct uvf_machine *machine,
		  const struct uvf_options *options, struct uvfio_error *err)
{
	const char *text = uvf_options_find(options, "iommu");
	const struct uvf_iommu_preset *preset;
	const char *bits;
	char name[8];
	size_t len;

	if (!text)
		return 0;
	if (!machine->has_iommu) {
		uvfio_error_set(err, "iommu=%s: the host has no IOMMU", text);
		return -EINVAL;
	}
	len = strcspn(text, ":");
	bits = text + len;
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
	preset = uvf_iommu_preset_find(name);
	if (!preset || (strcmp(bits, "") && strcmp(bits, ":39") &&
			strcmp(bits, ":48") && strcmp(bits, ":57")))
		return refuse_iommu(text, err);
	*ret_name = preset->name;
	*ret_bits = *bits ? (unsigned int)strtoul(bits + 1, NULL, 10) : 0;
	return 0;
}

int uvf_key_driver(const struct uvf_options *options, const char *usual,
		   struct uvfio_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	const char *text = uvf_options_find(options, "driver");
	size_t len = text ? strspn(text, letters) : 0;

	if (!text || (len && len <= DRIVER_MAX && !text[len]))
		return 0;
	uvfio_error_set(err,
			"driver=%.64s is no driver; write %s, none or "
			"a name of up to %d letters, digits, - and _",
			text, usual, DRIVER_MAX);
	return -EINVAL;
}
