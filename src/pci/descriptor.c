/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/descriptor.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "pci/caps.h"

#define WIDTHS_ALL (1u | 2u | 4u | 8u)
#define MSIX_MAX   2048

/* One bit for each byte of config space that is taken. */
struct taken {
	uint8_t bytes[UVF_PCI_CONFIG_MAX];
};

static int refuse(const struct uvfio_pci_model *desc, struct uvfio_error *err,
		  const char *what)
{
	uvfio_error_set(err, "model %s: %s", desc->name, what);
	return -EINVAL;
}

static bool take(struct taken *taken, unsigned int pos, unsigned int size,
		 unsigned int first, unsigned int end)
{
	if (pos % 4 || pos < first || pos + size > end)
		return false;
	for (unsigned int i = pos; i < pos + size; i++) {
		if (taken->bytes[i])
			return false;
		taken->bytes[i] = 1;
	}
	return true;
}

static int check_raw(const struct uvfio_pci_model *desc,
		     const struct uvfio_cap *cap, struct taken *taken,
		     struct uvfio_error *err)
{
	bool is_extended = cap->offset >= PCI_CFG_SPACE_SIZE;

	if (is_extended && !(desc->features & UVFIO_PCI_EXPRESS))
		return refuse(desc, err,
			      "extended capability without PCI Express");
	if (cap->size < (is_extended ? 4 : 2) ||
	    !take(taken, cap->offset, cap->size,
		  is_extended ? PCI_CFG_SPACE_SIZE : PCI_STD_HEADER_SIZEOF,
		  is_extended ? PCI_CFG_SPACE_EXP_SIZE : PCI_CFG_SPACE_SIZE))
		return refuse(desc, err,
			      "capabilities overlap or leave config space");
	return 0;
}

static int check_caps(const struct uvfio_pci_model *desc,
		      struct uvfio_error *err)
{
	const struct {
		unsigned int pos;
		unsigned int size;
	} known[] = {
		{desc->pm_offset, UVF_CAP_PM_SIZE},
		{desc->msi.offset, uvf_cap_msi_size(&desc->msi)},
		{desc->msix.offset, UVF_CAP_MSIX_SIZE},
		{desc->express_offset, UVF_CAP_EXPRESS_SIZE},
	};
	struct taken taken;
	int ret;

	memset(&taken, 0, sizeof(taken));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].pos &&
		    !take(&taken, known[i].pos, known[i].size,
			  PCI_STD_HEADER_SIZEOF, PCI_CFG_SPACE_SIZE))
			return refuse(
				desc, err,
				"capabilities overlap or leave config space");
	for (size_t i = 0; i < desc->cap_count; i++) {
		ret = check_raw(desc, &desc->caps[i], &taken, err);
		if (ret)
			return ret;
	}
	if (!!desc->express_offset != !!(desc->features & UVFIO_PCI_EXPRESS))
		return refuse(desc, err,
			      "PCI Express needs the feature and the offset");
	if (desc->features & UVFIO_PCI_FLR && !desc->express_offset)
		return refuse(desc, err, "FLR needs PCI Express");
	if (desc->features & UVFIO_PCI_PM_RESET && !desc->pm_offset)
		return refuse(desc, err, "reset by D3 needs PM");
	return 0;
}

static int check_spans(const struct uvfio_pci_model *desc,
		       const struct uvfio_bar *bar, struct uvfio_error *err)
{
	uint64_t end = 0;

	for (size_t i = 0; i < bar->span_count; i++) {
		const struct uvfio_span *span = &bar->spans[i];

		if (!span->size || span->offset % UVF_PCI_PAGE ||
		    span->size % UVF_PCI_PAGE || span->offset < end ||
		    span->offset > bar->size ||
		    span->size > bar->size - span->offset)
			return refuse(desc, err,
				      "spans are ascending whole pages inside "
				      "their BAR");
		end = span->offset + span->size;
	}
	return 0;
}

static int check_bar(const struct uvfio_pci_model *desc, unsigned int i,
		     struct uvfio_error *err)
{
	const struct uvfio_bar *bar = &desc->bars[i];
	bool is_io = bar->flags & UVFIO_BAR_IO;

	if (!bar->size)
		return 0;
	if (bar->size & (bar->size - 1) || bar->size < (is_io ? 4 : 16) ||
	    bar->size > UVF_PCI_OFFSET_MASK)
		return refuse(desc, err, "a BAR's size is a power of two");
	if (is_io &&
	    (bar->size > 256 || bar->span_count || bar->flags & UVFIO_BAR_64))
		return refuse(desc, err,
			      "an I/O BAR is 4 to 256 bytes of TRAP");
	if (!(bar->flags & UVFIO_BAR_64) && bar->size > UINT32_C(1) << 31)
		return refuse(desc, err, "a BAR of this size needs 64 bits");
	if (bar->flags & UVFIO_BAR_64 &&
	    (i + 1 == UVFIO_PCI_BARS || desc->bars[i + 1].size))
		return refuse(desc, err, "a 64-bit BAR takes two registers");
	if (!bar->widths || bar->widths & ~WIDTHS_ALL)
		return refuse(desc, err, "a BAR's widths are of 1, 2, 4 and 8");
	return check_spans(desc, bar, err);
}

/* Whether the bytes lie in pages of a memory BAR that are TRAP. */
static bool is_trapped(const struct uvfio_bar *bar, uint64_t off, uint64_t size)
{
	uint64_t first = off & ~(UVF_PCI_PAGE - 1);
	uint64_t end = off + size;

	if (!bar->size || bar->flags & UVFIO_BAR_IO || end > bar->size)
		return false;
	for (size_t i = 0; i < bar->span_count; i++) {
		const struct uvfio_span *span = &bar->spans[i];

		if (span->kind != UVFIO_PAGE_TRAP && span->offset < end &&
		    first < span->offset + span->size)
			return false;
	}
	return true;
}

static int check_msix(const struct uvfio_pci_model *desc,
		      struct uvfio_error *err)
{
	const struct uvfio_msix *msix = &desc->msix;
	uint64_t table_size = (uint64_t)msix->vectors * PCI_MSIX_ENTRY_SIZE;
	uint64_t pba_size = (msix->vectors + 63u) / 64 * 8;

	if (!msix->offset)
		return 0;
	if (!msix->vectors || msix->vectors > MSIX_MAX)
		return refuse(desc, err, "MSI-X has 1 to 2048 vectors");
	if (msix->table_bar >= UVFIO_PCI_BARS ||
	    msix->pba_bar >= UVFIO_PCI_BARS || msix->table_offset % 8 ||
	    msix->pba_offset % 8 ||
	    !is_trapped(&desc->bars[msix->table_bar], msix->table_offset,
			table_size) ||
	    !is_trapped(&desc->bars[msix->pba_bar], msix->pba_offset, pba_size))
		return refuse(desc, err,
			      "MSI-X table and PBA lie in TRAP pages of BARs");
	if (msix->table_bar == msix->pba_bar &&
	    msix->table_offset < msix->pba_offset + pba_size &&
	    msix->pba_offset < msix->table_offset + table_size)
		return refuse(desc, err, "MSI-X table and PBA overlap");
	return 0;
}

/* Where a bridge has other registers. */
static bool has_high_bar(const struct uvfio_pci_model *desc)
{
	for (unsigned int i = 2; i < UVFIO_PCI_BARS; i++)
		if (desc->bars[i].size)
			return true;
	return false;
}

int uvf_descriptor_check(const struct uvfio_pci_model *desc,
			 struct uvfio_error *err)
{
	int ret;

	if (desc->abi != UVFIO_DEVICE_ABI)
		return refuse(desc, err, "made for another version of uvfio");
	if (!desc->ops)
		return refuse(desc, err, "it has no callbacks");
	if (desc->intx_pin > 4 || desc->msi.log2_vectors > 5)
		return refuse(desc, err, "interrupt pin or MSI out of range");
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		ret = check_bar(desc, i, err);
		if (ret)
			return ret;
	}
	if (desc->features & UVFIO_PCI_BRIDGE && has_high_bar(desc))
		return refuse(desc, err, "a bridge has room for two BARs");
	ret = check_caps(desc, err);
	return ret ? ret : check_msix(desc, err);
}
