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

/* Each gets the number of the value, in the order of the table. */

enum {
	IOMMU_INTEL,
	IOMMU_AMD,
	IOMMU_SPAPR,
	IOMMU_NONE
};

static void set_iommu(struct uvf_host *whole, unsigned int value)
{
	struct uvf_iommu_host *host = &whole->iommu;

	whole->has_iommu = value != IOMMU_NONE;
	whole->kvm.is_spapr = value == IOMMU_SPAPR;
	host->spapr = value == IOMMU_SPAPR ? &uvf_spapr_powernv : NULL;
	if (value == IOMMU_INTEL || value == IOMMU_AMD)
		uvf_iommu_host_use(
			host, uvf_iommu_preset_find(
				      value == IOMMU_AMD ? "amd" : "intel"));
	if (value != IOMMU_SPAPR)
		return;
	/* A TCE says write-only, too, and caches are coherent. */
	host->write_implies_read = false;
	host->enforces_coherency = true;
}

static void set_aperture(struct uvf_host *host, unsigned int value)
{
	static const unsigned int widths[] = {39, 48, 57, 64};

	host->iommu.aperture_bits = widths[value];
}

static void set_scalable(struct uvf_host *host, unsigned int value)
{
	host->iommu.is_scalable = !value;
}

static void set_noiommu(struct uvf_host *host, unsigned int value)
{
	host->starts_noiommu = !value;
}

static void set_memlock(struct uvf_host *host, unsigned int value)
{
	host->iommu.ignores_memlock = value;
}

static void set_dirty(struct uvf_host *host, unsigned int value)
{
	host->iommu.reports_all_dirty = value;
}

static void set_intremap(struct uvf_host *host, unsigned int value)
{
	host->remaps_interrupts = !value;
}

static void set_unsafe_intrs(struct uvf_host *host, unsigned int value)
{
	host->allows_unsafe_interrupts = !value;
}

static void set_isolation(struct uvf_host *host, unsigned int value)
{
	host->refuses_violation = value;
}

static void set_reset_required(struct uvf_host *host, unsigned int value)
{
	host->requires_reset = !value;
}

static void set_cdev(struct uvf_host *host, unsigned int value)
{
	host->has_cdev = !value;
}

static void set_kvm(struct uvf_host *host, unsigned int value)
{
	static const enum uvf_kvm_mode modes[] = {UVF_KVM_AUTO, UVF_KVM_REAL,
						  UVF_KVM_STUB, UVF_KVM_NONE};

	host->kvm_mode = modes[value];
}

static void set_liobn(struct uvf_host *host, unsigned int value)
{
	host->kvm.has_liobn = !value;
}

struct row {
	struct uvf_host_key key;
	void (*set)(struct uvf_host *host, unsigned int value);
};

static const struct row rows[] = {
	{{"iommu",
	  {"intel", "amd", "spapr", "none"},
	  0,
	  "whose IOMMU the host has; spapr is a host of POWER"},
	 set_iommu},
	{{"aperture",
	  {"39", "48", "57", "64"},
	  1,
	  "bits of an address that the IOMMU translates"},
	 set_aperture},
	{{"scalable",
	  {"on", "off"},
	  0,
	  "page tables of an iommufd can nest and tell what was written"},
	 set_scalable},
	{{"noiommu",
	  {"on", "off"},
	  1,
	  "enable_unsafe_noiommu_mode at the start"},
	 set_noiommu},
	{{"memlock",
	  {"client", "unlimited"},
	  0,
	  "how much memory a program may map for DMA"},
	 set_memlock},
	{{"dirty",
	  {"exact", "kernel"},
	  0,
	  "pages reported dirty: those written, or all, as Linux does"},
	 set_dirty},
	{{"intremap", {"on", "off"}, 0, "the IOMMU remaps interrupts"},
	 set_intremap},
	{{"unsafe_intrs",
	  {"on", "off"},
	  1,
	  "allow_unsafe_interrupts at the start"},
	 set_unsafe_intrs},
	{{"isolation",
	  {"poison", "refuse"},
	  0,
	  "when a host driver comes to a group in use, in 3.14 and 4.1"},
	 set_isolation},
	{{"reset_required",
	  {"on", "off"},
	  0,
	  "vfio-platform takes only devices that it can reset"},
	 set_reset_required},
	{{"cdev", {"on", "off"}, 0, "kernels have /dev/iommu, if they know it"},
	 set_cdev},
	{{"kvm", {"auto", "real", "stub", "none"}, 0, "what /dev/kvm is"},
	 set_kvm},
	{{"liobn",
	  {"on", "off"},
	  1,
	  "virtual machines of the stub have what the RFC of 2013 wanted"},
	 set_liobn},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const struct uvf_host_key *uvf_host_key_at(size_t i)
{
	return i < ROW_COUNT ? &rows[i].key : NULL;
}

/* "a, b or c" */
static void join(const char *const values[UVF_HOST_VALUES], char *text,
		 size_t size)
{
	size_t len = 0;

	*text = '\0';
	for (size_t i = 0; i < UVF_HOST_VALUES && values[i]; i++) {
		bool is_last = i + 1 == UVF_HOST_VALUES || !values[i + 1];
		const char *before = !i ? "" : is_last ? " or " : ", ";
		int n = snprintf(text + len, size - len, "%s%s", before,
				 values[i]);

		len += n > 0 && (size_t)n < size - len ? (size_t)n : 0;
	}
}

static int set_value(struct uvf_host *host, const struct row *row,
		     const char *value, struct uvfio_error *err)
{
	char text[64];

	for (unsigned int i = 0; i < UVF_HOST_VALUES && row->key.values[i];
	     i++) {
		if (strcmp(row->key.values[i], value) != 0)
			continue;
		row->set(host, i);
		return 0;
	}
	join(row->key.values, text, sizeof(text));
	uvfio_error_set(err, "--host: %s=%s: wants %s", row->key.name, value,
			text);
	return -EINVAL;
}

static int set_key(struct uvf_host *host, const struct uvf_option *item,
		   struct uvfio_error *err)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (!strcmp(rows[i].key.name, item->key))
			return set_value(host, &rows[i], item->value, err);
	uvfio_error_set(err, "--host: no key '%s'; --host=help lists them",
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
		.requires_reset = true,
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
	host.iommu.has_unsafe_interrupts = !host.remaps_interrupts;
	*ret_host = host;
	return 0;
}
