/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/descriptor.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "pci/caps.h"
#include "pci/migrate.h"
#include "pci/pci.h"

#define WIDTHS_ALL (1u | 2u | 4u | 8u)
#define MSIX_MAX   2048
#define PIECE_MAX  (16u << 20)
#define ROM_MAX    (16u << 20)

#define PCI_EXT_CAP_HEADER 4u

#define REGIONS_MAX 64 /* of one function's own; no driver has as many */

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

unsigned int uvf_descriptor_config_size(const struct uvfio_pci_model *desc)
{
	if (desc->config_size)
		return desc->config_size;
	return desc->features & UVFIO_PCI_EXPRESS ? PCI_CFG_SPACE_EXP_SIZE
						  : PCI_CFG_SPACE_SIZE;
}

/* Bytes that a kind of capability needs at least, for what it does. */
static unsigned int kind_size(const struct uvfio_cap *cap)
{
	if (cap->offset >= PCI_CFG_SPACE_SIZE)
		return cap->id == PCI_EXT_CAP_ID_ERR ? PCI_ERR_ROOT_COMMAND
						     : PCI_EXT_CAP_HEADER;
	switch (cap->id) {
	case PCI_CAP_ID_PM:
		return UVF_CAP_PM_SIZE;
	case PCI_CAP_ID_EXP:
		return PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1;
	case PCI_CAP_ID_VPD:
		return PCI_CAP_VPD_SIZEOF;
	case PCI_CAP_ID_AF:
		return PCI_CAP_AF_SIZEOF;
	default:
		return PCI_CAP_LIST_NEXT + 1;
	}
}

static int check_raw(const struct uvfio_pci_model *desc,
		     const struct uvfio_cap *cap, struct taken *taken,
		     struct uvfio_error *err)
{
	unsigned int end = uvf_descriptor_config_size(desc);
	bool is_extended = cap->offset >= PCI_CFG_SPACE_SIZE;

	if (is_extended && end == PCI_CFG_SPACE_SIZE)
		return refuse(desc, err,
			      "extended capability in 256 bytes of config "
			      "space");
	if (!is_extended &&
	    (cap->id == PCI_CAP_ID_MSI || cap->id == PCI_CAP_ID_MSIX))
		return refuse(desc, err, "MSI and MSI-X have their own fields");
	if (!is_extended && cap->id == PCI_CAP_ID_EXP &&
	    cap->size > UVF_CAP_EXPRESS_SIZE)
		return refuse(desc, err, "PCI Express has up to 60 bytes");
	if (cap->size < kind_size(cap) ||
	    !take(taken, cap->offset, cap->size,
		  is_extended ? PCI_CFG_SPACE_SIZE : PCI_STD_HEADER_SIZEOF,
		  is_extended ? end : PCI_CFG_SPACE_SIZE))
		return refuse(desc, err,
			      "capabilities are too short, overlap or leave "
			      "config space");
	return 0;
}

static unsigned int count_kind(const struct uvfio_pci_model *desc,
			       unsigned int id, bool is_extended)
{
	unsigned int count = 0;

	for (size_t i = 0; i < desc->cap_count; i++)
		count += desc->caps[i].id == id &&
			 (desc->caps[i].offset >= PCI_CFG_SPACE_SIZE) ==
				 is_extended;
	return count;
}

/* What does something is there once; features go with capabilities. */
static int check_kinds(const struct uvfio_pci_model *desc,
		       struct uvfio_error *err)
{
	unsigned int express = count_kind(desc, PCI_CAP_ID_EXP, false) +
			       (desc->express_offset ? 1 : 0);
	unsigned int pm = count_kind(desc, PCI_CAP_ID_PM, false) +
			  (desc->pm_offset ? 1 : 0);

	if (express > 1 || pm > 1 ||
	    count_kind(desc, PCI_CAP_ID_VPD, false) > 1 ||
	    count_kind(desc, PCI_CAP_ID_AF, false) > 1 ||
	    count_kind(desc, PCI_EXT_CAP_ID_ERR, true) > 1)
		return refuse(desc, err, "a capability is there twice");
	if (!!express != !!(desc->features & UVFIO_PCI_EXPRESS))
		return refuse(desc, err,
			      "PCI Express needs the feature and the "
			      "capability");
	if (desc->features & UVFIO_PCI_FLR && !desc->express_offset)
		return refuse(desc, err, "FLR needs PCI Express");
	if (desc->features & UVFIO_PCI_PM_RESET && !desc->pm_offset)
		return refuse(desc, err, "reset by D3 needs PM");
	return 0;
}

/* Follow a list of the image: as many capabilities as are declared. */
static bool image_links(const struct uvfio_pci_model *desc,
			const struct taken *starts, bool is_extended,
			unsigned int count)
{
	const uint8_t *image = desc->image;
	unsigned int pos = is_extended ? (count ? PCI_CFG_SPACE_SIZE : 0)
				       : image[PCI_CAPABILITY_LIST];
	unsigned int limit = uvf_descriptor_config_size(desc);

	for (; pos && count; count--) {
		if (pos % 4 || pos >= limit || !starts->bytes[pos] ||
		    (pos >= PCI_CFG_SPACE_SIZE) != is_extended)
			return false;
		pos = is_extended ? PCI_EXT_CAP_NEXT(uvf_get32(image + pos))
				  : image[pos + PCI_CAP_LIST_NEXT];
	}
	return !pos && !count;
}

static int check_image(const struct uvfio_pci_model *desc,
		       const struct taken *starts, struct uvfio_error *err)
{
	unsigned int count[2] = {0, 0};

	for (unsigned int i = 0; i < UVF_PCI_CONFIG_MAX; i++)
		count[i >= PCI_CFG_SPACE_SIZE] += starts->bytes[i];
	if (count[1] && !starts->bytes[PCI_CFG_SPACE_SIZE])
		return refuse(desc, err,
			      "the first extended capability is at 0x100");
	if (desc->image && (!image_links(desc, starts, false, count[0]) ||
			    !image_links(desc, starts, true, count[1])))
		return refuse(desc, err, "the image chains other capabilities");
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
	struct taken taken, starts;
	int ret;

	memset(&taken, 0, sizeof(taken));
	memset(&starts, 0, sizeof(starts));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!known[i].pos)
			continue;
		if (!take(&taken, known[i].pos, known[i].size,
			  PCI_STD_HEADER_SIZEOF, PCI_CFG_SPACE_SIZE))
			return refuse(
				desc, err,
				"capabilities overlap or leave config space");
		starts.bytes[known[i].pos] = 1;
	}
	for (size_t i = 0; i < desc->cap_count; i++) {
		ret = check_raw(desc, &desc->caps[i], &taken, err);
		if (ret)
			return ret;
		starts.bytes[desc->caps[i].offset] = 1;
	}
	if (desc->sriov.offset) {
		if (!take(&taken, desc->sriov.offset, PCI_EXT_CAP_SRIOV_SIZEOF,
			  PCI_CFG_SPACE_SIZE, uvf_descriptor_config_size(desc)))
			return refuse(desc, err,
				      "SR-IOV overlaps or leaves config space");
		starts.bytes[desc->sriov.offset] = 1;
	}
	ret = check_kinds(desc, err);
	return ret ? ret : check_image(desc, &starts, err);
}

/* Whether @areas are whole pages inside a BAR, one behind the other. */
static bool are_areas(const struct uvfio_bar *bar)
{
	uint64_t end = 0;

	for (size_t i = 0; i < bar->area_count; i++) {
		const struct uvfio_area *area = &bar->areas[i];

		if (!area->size || area->offset % UVF_PCI_PAGE ||
		    area->size % UVF_PCI_PAGE || area->offset < end ||
		    area->offset > bar->size ||
		    area->size > bar->size - area->offset)
			return false;
		end = area->offset + area->size;
	}
	return true;
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
	if ((bar->area_count || bar->flags & UVFIO_BAR_SPARSE) &&
	    (!(bar->flags & UVFIO_BAR_SPARSE) || is_io || !are_areas(bar)))
		return refuse(
			desc, err,
			"areas are ascending whole pages of a sparse BAR");
	return check_spans(desc, bar, err);
}

/*
 * Whether stores to the bytes are trapped: they lie in pages of a memory BAR
 * that are TRAP, or RDIRECT all of them.
 */
static bool is_trapped(const struct uvfio_bar *bar, uint64_t off, uint64_t size)
{
	uint64_t first = off & ~(UVF_PCI_PAGE - 1);
	uint64_t end = off + size;

	if (!bar->size || bar->flags & UVFIO_BAR_IO || end > bar->size)
		return false;
	for (size_t i = 0; i < bar->span_count; i++) {
		const struct uvfio_span *span = &bar->spans[i];

		if (span->kind == UVFIO_PAGE_TRAP || span->offset >= end ||
		    first >= span->offset + span->size)
			continue;
		if (span->kind != UVFIO_PAGE_RDIRECT || span->offset > first ||
		    end > span->offset + span->size)
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
			      "MSI-X table and PBA lie in TRAP or RDIRECT "
			      "pages of BARs");
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

/* What is in memory of the function, but in no BAR. */
static int check_data(const struct uvfio_pci_model *desc,
		      struct uvfio_error *err)
{
	if (desc->config_size && desc->config_size != PCI_CFG_SPACE_SIZE &&
	    desc->config_size != PCI_CFG_SPACE_EXP_SIZE)
		return refuse(desc, err, "config space has 256 or 4096 bytes");
	if (desc->vpd_size % 4 || desc->vpd_size > PCI_VPD_ADDR_MASK ||
	    (desc->vpd_size && !count_kind(desc, PCI_CAP_ID_VPD, false)))
		return refuse(desc, err,
			      "VPD is up to 32 KiB of words, and has a "
			      "capability");
	if (desc->rom_size > ROM_MAX ||
	    (desc->rom_size && desc->features & UVFIO_PCI_BRIDGE))
		return refuse(desc, err,
			      "a ROM is up to 16 MiB, and not of a bridge");
	if (desc->region_count > REGIONS_MAX)
		return refuse(desc, err, "too many regions");
	for (size_t i = 0; i < desc->region_count; i++)
		if (!desc->regions[i].access || !desc->regions[i].size ||
		    desc->regions[i].size > UVF_PCI_OFFSET_MASK)
			return refuse(desc, err,
				      "a region has a size and access()");
	return 0;
}

static bool can_migrate(const struct uvfio_pci_model *desc)
{
	const struct uvfio_migration_ops *ops = desc->migration;

	return ops->piece && ops->version && ops->oldest &&
	       ops->oldest <= ops->version &&
	       ops->pieces <= UVFIO_MIGRATION_PIECES_MAX &&
	       ops->piece_max <= PIECE_MAX &&
	       strlen(desc->name) < UVF_MIGRATE_NAME;
}

/* A VF is PCI Express without lines, and its BARs are pages of memory. */
static bool is_vf(const struct uvfio_pci_model *vf)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++)
		if (vf->bars[i].size && (vf->bars[i].size < UVF_PCI_PAGE ||
					 vf->bars[i].flags & UVFIO_BAR_IO))
			return false;
	return vf->features & UVFIO_PCI_EXPRESS &&
	       !(vf->features & UVFIO_PCI_BRIDGE) && !vf->intx_pin &&
	       !vf->rom_size && !vf->sriov.offset && !vf->configure;
}

static int check_sriov(const struct uvfio_pci_model *desc,
		       struct uvfio_error *err)
{
	const struct uvfio_sriov *sriov = &desc->sriov;

	if (!sriov->offset)
		return 0;
	if (!(desc->features & UVFIO_PCI_EXPRESS) || !sriov->total_vfs ||
	    !sriov->first || !sriov->stride)
		return refuse(desc, err,
			      "SR-IOV needs PCI Express, VFs, and where they "
			      "are");
	if (!sriov->vf || !is_vf(sriov->vf))
		return refuse(desc, err,
			      "a VF is PCI Express without INTx, and its BARs "
			      "are whole pages of memory");
	return uvf_descriptor_check(sriov->vf, err);
}

int uvf_descriptor_check(const struct uvfio_pci_model *desc,
			 struct uvfio_error *err)
{
	int ret;

	if (desc->abi != UVFIO_DEVICE_ABI)
		return refuse(desc, err, "made for another version of uvfio");
	if (!desc->ops)
		return refuse(desc, err, "it has no callbacks");
	if (desc->migration && !can_migrate(desc))
		return refuse(desc, err,
			      "migration wants a version, up to 32 pieces and "
			      "a name of up to 15 letters");
	if (desc->intx_pin > 4 || desc->msi.log2_vectors > 5)
		return refuse(desc, err, "interrupt pin or MSI out of range");
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		ret = check_bar(desc, i, err);
		if (ret)
			return ret;
	}
	if (desc->features & UVFIO_PCI_BRIDGE && has_high_bar(desc))
		return refuse(desc, err, "a bridge has room for two BARs");
	ret = check_data(desc, err);
	if (!ret)
		ret = check_caps(desc, err);
	if (!ret)
		ret = check_sriov(desc, err);
	return ret ? ret : check_msix(desc, err);
}
