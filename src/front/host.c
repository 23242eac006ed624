/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uvfio/device.h>

#include "bus/options.h"
#include "iommu/spapr.h"

#define MSI_WINDOW_FIRST 0xfee00000ull
#define MSI_WINDOW_LAST  0xfeefffffull

/* What each group of a POWER host has until somebody owns it. */
static struct uvf_tce_window power_window(void)
{
	const struct uvf_spapr_hw *hw = &uvf_spapr_powernv;

	return (struct uvf_tce_window){
		.page_shift = UVF_SPAPR_DEFAULT_SHIFT,
		.offset = hw->window_first >> UVF_SPAPR_DEFAULT_SHIFT,
		.size = hw->window_size >> UVF_SPAPR_DEFAULT_SHIFT,
	};
}

static int set_iommu(struct uvf_host *whole, const char *value,
		     struct uvfio_error *err)
{
	struct uvf_iommu_host *host = &whole->iommu;
	const struct uvf_iommu_preset *preset;

	whole->has_iommu = strcmp(value, "none") != 0;
	whole->kvm.is_spapr = !strcmp(value, "spapr");
	host->spapr = whole->kvm.is_spapr ? &uvf_spapr_powernv : NULL;
	if (!whole->has_iommu)
		return 0;
	if (host->spapr) {
		/* A TCE says write-only, too, and caches are coherent. */
		host->write_implies_read = false;
		host->enforces_coherency = true;
		return 0;
	}
	preset = uvf_iommu_preset_find(value);
	if (preset) {
		uvf_iommu_host_use(host, preset);
		return 0;
	}
	uvfio_error_set(err,
			"--host: iommu=%s: wants intel, amd, spapr or "
			"none",
			value);
	return -EINVAL;
}

static int set_aperture(struct uvf_iommu_host *host, const char *value,
			struct uvfio_error *err)
{
	static const unsigned int widths[] = {39, 48, 57, 64};
	char text[8];

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		snprintf(text, sizeof(text), "%u", widths[i]);
		if (strcmp(text, value) != 0)
			continue;
		host->aperture_bits = widths[i];
		return 0;
	}
	uvfio_error_set(err, "--host: aperture=%s: wants 39, 48, 57 or 64",
			value);
	return -EINVAL;
}

static int set_memlock(struct uvf_iommu_host *host, const char *value,
		       struct uvfio_error *err)
{
	host->ignores_memlock = !strcmp(value, "unlimited");
	if (host->ignores_memlock || !strcmp(value, "client"))
		return 0;
	uvfio_error_set(err, "--host: memlock=%s: wants client or unlimited",
			value);
	return -EINVAL;
}

static int set_dirty(struct uvf_iommu_host *host, const char *value,
		     struct uvfio_error *err)
{
	host->reports_all_dirty = !strcmp(value, "kernel");
	if (host->reports_all_dirty || !strcmp(value, "exact"))
		return 0;
	uvfio_error_set(err, "--host: dirty=%s: wants exact or kernel", value);
	return -EINVAL;
}

static int set_kvm(struct uvf_host *host, const char *value,
		   struct uvfio_error *err)
{
	static const char *const modes[] = {
		[UVF_KVM_AUTO] = "auto",
		[UVF_KVM_REAL] = "real",
		[UVF_KVM_STUB] = "stub",
		[UVF_KVM_NONE] = "none",
	};

	for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i], value) != 0)
			continue;
		host->kvm_mode = i;
		return 0;
	}
	uvfio_error_set(err, "--host: kvm=%s: wants auto, real, stub or none",
			value);
	return -EINVAL;
}

static int set_bool(bool *ret_value, const struct uvf_option *item,
		    struct uvfio_error *err)
{
	if (strcmp(item->value, "on") != 0 && strcmp(item->value, "off") != 0) {
		uvfio_error_set(err, "--host: %s=%s: wants on or off",
				item->key, item->value);
		return -EINVAL;
	}
	*ret_value = !strcmp(item->value, "on");
	return 0;
}

/* What 3.14 and 4.1 do where a kernel of theirs would stop. */
static int set_isolation(struct uvf_host *host, const char *value,
			 struct uvfio_error *err)
{
	host->refuses_violation = !strcmp(value, "refuse");
	if (host->refuses_violation || !strcmp(value, "poison"))
		return 0;
	uvfio_error_set(err, "--host: isolation=%s: wants poison or refuse",
			value);
	return -EINVAL;
}

static int set_key(struct uvf_host *host, const struct uvf_option *item,
		   struct uvfio_error *err)
{
	if (!strcmp(item->key, "iommu"))
		return set_iommu(host, item->value, err);
	if (!strcmp(item->key, "scalable"))
		return set_bool(&host->iommu.is_scalable, item, err);
	if (!strcmp(item->key, "noiommu"))
		return set_bool(&host->starts_noiommu, item, err);
	if (!strcmp(item->key, "aperture"))
		return set_aperture(&host->iommu, item->value, err);
	if (!strcmp(item->key, "memlock"))
		return set_memlock(&host->iommu, item->value, err);
	if (!strcmp(item->key, "dirty"))
		return set_dirty(&host->iommu, item->value, err);
	if (!strcmp(item->key, "kvm"))
		return set_kvm(host, item->value, err);
	if (!strcmp(item->key, "liobn"))
		return set_bool(&host->kvm.has_liobn, item, err);
	if (!strcmp(item->key, "isolation"))
		return set_isolation(host, item->value, err);
	if (!strcmp(item->key, "cdev"))
		return set_bool(&host->has_cdev, item, err);
	if (!strcmp(item->key, "intremap"))
		return set_bool(&host->remaps_interrupts, item, err);
	if (!strcmp(item->key, "unsafe_intrs"))
		return set_bool(&host->allows_unsafe_interrupts, item, err);
	uvfio_error_set(err,
			"--host: no key '%s'; there are: iommu, noiommu, "
			"scalable, aperture, memlock, dirty, cdev, kvm, "
			"liobn, intremap, unsafe_intrs, isolation",
			item->key);
	return -EINVAL;
}

int uvf_host_parse(struct uvf_host *ret_host, const struct uvf_profile *profile,
		   const char *text, struct uvfio_error *err)
{
	struct uvf_host host = {
		.iommu =
			{
				.profile = profile,
				.aperture_bits = 48,
				.is_scalable = true,
				.msi_window = {MSI_WINDOW_FIRST,
					       MSI_WINDOW_LAST},
			},
		.has_iommu = true,
		.has_cdev = true,
		.kvm_mode = UVF_KVM_AUTO,
		.remaps_interrupts = true,
		.kvm =
			{
				.profile = profile,
				.window = power_window(),
			},
	};
	struct uvf_options *options;
	char spec[256];
	int ret = 0;

	uvf_iommu_host_use(&host.iommu, uvf_iommu_preset_find("intel"));
	if (text) {
		/* The grammar of a device, whose model is the host. */
		int len;

		/* Beside that of the model it would be a doubled comma. */
		if (*text == ',') {
			uvfio_error_set(err,
					"--host: '%s' is not "
					"KEY=VALUE,...",
					text);
			return -EINVAL;
		}
		len = snprintf(spec, sizeof(spec), "--host,%s", text);

		if (len < 0 || (size_t)len >= sizeof(spec)) {
			uvfio_error_set(err, "--host: too long");
			return -EINVAL;
		}
		ret = uvf_options_parse(&options, spec, err);
		if (ret)
			return ret;
		for (size_t i = 0; i < options->count && !ret; i++)
			ret = set_key(&host, &options->items[i], err);
		uvf_options_put(options);
	}
	if (ret)
		return ret;
	host.iommu.tracks_dirty = host.iommu.is_scalable;
	host.iommu.nests = host.iommu.is_scalable && host.iommu.is_vtd;
	host.iommu.has_unsafe_interrupts = !host.remaps_interrupts;
	*ret_host = host;
	return 0;
}
