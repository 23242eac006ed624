/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From what is known of a device to the descriptor of a model.
 *
 * BARs are memory, but for the pages of the MSI-X table and its pending
 * bits and for BARs that are no whole pages.  Capabilities stay where they
 * are; a dump does not tell what can be written, so each takes what is usual
 * for its kind.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "clone.h"

#define PAGE         4096ull
#define CAPS_MAX     48  /* of the standard list */
#define ECAPS_MAX    960 /* of the extended one */
#define EXPRESS_V2   0x3cu
#define ERRORS_SIZE  0x48u /* AER with its log of prefixes */
#define UNKNOWN_SIZE 64u   /* at most, of a capability that nobody knows */
#define SPANS_MAX    3     /* before, between and behind table and PBA */
#define BAR_MAX      (UINT64_C(1) << 39)
#define MEMORY_MIN   16u
#define IO_MIN       4u
#define IO_MAX       256u
#define DWORDS       (CLONE_CONFIG_MAX / 4)
#define WIDTHS_ALL   15u

/* As in PCI Express, where linux/pci_regs.h has no name for it. */
#define DEVCAP2_TIMEOUT_RANGES 0xfu
#define DEVCTL2_PREFIX_BLOCK   0x8000u

/* What clone_shape() builds, in one piece of memory, found by its image. */
struct shape {
	uint8_t config[CLONE_CONFIG_MAX];
	uint8_t wmask[CLONE_CONFIG_MAX]; /* of the kinds below */
	struct uvfio_span spans[UVFIO_PCI_BARS][SPANS_MAX];
	struct uvfio_cap caps[CAPS_MAX + ECAPS_MAX];
};
static_assert(offsetof(struct shape, config) == 0, "found by its image");

/* What is being made, and where it is said what is wrong. */
struct builder {
	struct uvfio_pci_model *model;
	const struct clone_image *image;
	struct shape *shape; /* its config is at power-on */
	struct clone_fault *fault;
	bool starts[DWORDS]; /* a capability begins there */
	bool seen[PCI_CAP_ID_MAX + 1];
	bool has_errors;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

/* Bytes up to the next capability, or the end of the space. */
static unsigned int room_at(const struct builder *b, unsigned int pos)
{
	unsigned int end = pos < PCI_CFG_SPACE_SIZE ? PCI_CFG_SPACE_SIZE
						    : CLONE_CONFIG_MAX;
	unsigned int next = pos + 4;

	while (next < end && !b->starts[next / 4])
		next += 4;
	return next - pos;
}

static unsigned int msi_size(uint16_t flags)
{
	return 10u + (flags & PCI_MSI_FLAGS_64BIT ? 4u : 0u) +
	       (flags & PCI_MSI_FLAGS_MASKBIT ? 10u : 0u);
}

/* Bytes of a standard capability by its kind; 0: nobody knows. */
static unsigned int cap_size(const uint8_t *cap)
{
	uint16_t flags = get16(cap + PCI_CAP_FLAGS);

	switch (cap[PCI_CAP_LIST_ID]) {
	case PCI_CAP_ID_PM:
	case PCI_CAP_ID_VPD:
	case PCI_CAP_ID_SSVID:
		return 8;
	case PCI_CAP_ID_MSI:
		return msi_size(flags);
	case PCI_CAP_ID_MSIX:
		return PCI_CAP_MSIX_SIZEOF;
	case PCI_CAP_ID_EXP:
		return (flags & PCI_EXP_FLAGS_VERS) > 1
			       ? EXPRESS_V2
			       : PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
	case PCI_CAP_ID_VNDR:
		return cap[PCI_CAP_FLAGS] >= 4 ? cap[PCI_CAP_FLAGS] : 4u;
	case PCI_CAP_ID_AF:
		return PCI_CAP_AF_SIZEOF;
	default:
		return 0;
	}
}

/* The least that a kind does with. */
static unsigned int cap_min(const uint8_t *cap)
{
	switch (cap[PCI_CAP_LIST_ID]) {
	case PCI_CAP_ID_EXP:
		return PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1;
	case PCI_CAP_ID_VNDR:
		return 4;
	default:
		return cap_size(cap);
	}
}

static void add_cap(struct builder *b, uint16_t id, unsigned int pos,
		    unsigned int size)
{
	struct uvfio_cap *cap = &b->shape->caps[b->model->cap_count++];
	unsigned int room = room_at(b, pos);

	if (!size)
		size = UNKNOWN_SIZE;
	cap->id = id;
	cap->offset = (uint16_t)pos;
	cap->size = (uint16_t)(size < room ? size : room);
	cap->init = b->shape->config + pos;
}

/* The same, and the bits of wmask can be written. */
static void add_written_cap(struct builder *b, uint16_t id, unsigned int pos,
			    unsigned int size)
{
	b->shape->caps[b->model->cap_count].wmask = b->shape->wmask + pos;
	add_cap(b, id, pos, size);
}

static int refuse_room(const struct builder *b, unsigned int id,
		       unsigned int pos)
{
	return clone_refuse(b->fault, b->image->line,
			    "capability %02x at %02x has no room", id, pos);
}

static void clear(uint8_t *at, size_t size)
{
	memset(at, 0, size);
}

/* PM: in D0, without events. */
static void take_pm(uint8_t *cap)
{
	put16(cap + PCI_PM_CTRL,
	      get16(cap + PCI_PM_CTRL) & (uint16_t) ~(PCI_PM_CTRL_STATE_MASK |
						      PCI_PM_CTRL_PME_ENABLE |
						      PCI_PM_CTRL_PME_STATUS));
}

static void take_msi(struct builder *b, const uint8_t *cap, unsigned int pos)
{
	uint16_t flags = get16(cap + PCI_MSI_FLAGS);

	b->model->msi = (struct uvfio_msi){
		.offset = (uint8_t)pos,
		.log2_vectors = (uint8_t)((flags & PCI_MSI_FLAGS_QMASK) >> 1),
		.is_64bit = flags & PCI_MSI_FLAGS_64BIT,
		.maskable = flags & PCI_MSI_FLAGS_MASKBIT,
	};
}

static void take_msix(struct builder *b, const uint8_t *cap, unsigned int pos)
{
	uint32_t table = get32(cap + PCI_MSIX_TABLE);
	uint32_t pba = get32(cap + PCI_MSIX_PBA);

	b->model->msix = (struct uvfio_msix){
		.offset = (uint8_t)pos,
		.vectors = (uint16_t)((get16(cap + PCI_MSIX_FLAGS) &
				       PCI_MSIX_FLAGS_QSIZE) +
				      1),
		.table_bar = table & PCI_MSIX_TABLE_BIR,
		.table_offset = table & PCI_MSIX_TABLE_OFFSET,
		.pba_bar = pba & PCI_MSIX_PBA_BIR,
		.pba_offset = pba & PCI_MSIX_PBA_OFFSET,
	};
}

static uint16_t control2_bits(uint32_t devcap2)
{
	uint16_t bits = 0;

	if (devcap2 & DEVCAP2_TIMEOUT_RANGES)
		bits |= PCI_EXP_DEVCTL2_COMP_TIMEOUT;
	if (devcap2 & PCI_EXP_DEVCAP2_COMP_TMOUT_DIS)
		bits |= PCI_EXP_DEVCTL2_COMP_TMOUT_DIS;
	if (devcap2 & PCI_EXP_DEVCAP2_LTR)
		bits |= PCI_EXP_DEVCTL2_LTR_EN;
	if (devcap2 & PCI_EXP_DEVCAP2_EE_PREFIX)
		bits |= DEVCTL2_PREFIX_BLOCK;
	return bits;
}

/*
 * Control bits that can be written are those of what the function can do, by
 * its own words.  Relaxed order and no snoop are on after a reset: where they
 * were off, most likely nothing can switch them on.
 */
static void take_express(struct builder *b, uint8_t *cap, unsigned int pos)
{
	uint8_t *wmask = b->shape->wmask + pos;
	uint16_t control = get16(cap + PCI_EXP_DEVCTL);
	uint16_t bits = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE |
			PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |
			PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ;
	uint32_t devcap = get32(cap + PCI_EXP_DEVCAP);
	unsigned int size = cap_size(cap), room = room_at(b, pos);

	b->model->features |= UVFIO_PCI_EXPRESS;
	clear(cap + PCI_EXP_DEVSTA, 2);
	bits |= control & (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
			   PCI_EXP_DEVCTL_AUX_PME);
	if (devcap & PCI_EXP_DEVCAP_EXT_TAG)
		bits |= PCI_EXP_DEVCTL_EXT_TAG;
	if (devcap & PCI_EXP_DEVCAP_FLR)
		bits |= PCI_EXP_DEVCTL_BCR_FLR;
	put16(wmask + PCI_EXP_DEVCTL, bits);
	if (size == EXPRESS_V2 && room >= PCI_EXP_DEVCTL2 + 2u)
		put16(wmask + PCI_EXP_DEVCTL2,
		      control2_bits(get32(cap + PCI_EXP_DEVCAP2)));
	add_written_cap(b, PCI_CAP_ID_EXP, pos, size);
}

/* Of kinds that do something there is one. */
static int note_kind(const struct builder *b, bool *seen, unsigned int id,
		     unsigned int pos)
{
	if (*seen)
		return clone_refuse(b->fault, b->image->line,
				    "capability %02x at %02x is there twice",
				    id, pos);
	*seen = true;
	return 0;
}

static bool is_single(uint8_t id)
{
	return id == PCI_CAP_ID_PM || id == PCI_CAP_ID_VPD ||
	       id == PCI_CAP_ID_MSI || id == PCI_CAP_ID_MSIX ||
	       id == PCI_CAP_ID_EXP || id == PCI_CAP_ID_AF;
}

static int take_cap(struct builder *b, unsigned int pos)
{
	uint8_t *cap = b->shape->config + pos;
	uint8_t id = cap[PCI_CAP_LIST_ID];

	if (cap_min(cap) > room_at(b, pos))
		return refuse_room(b, id, pos);
	if (is_single(id) && note_kind(b, &b->seen[id], id, pos))
		return -EINVAL;
	switch (id) {
	case PCI_CAP_ID_MSI:
		take_msi(b, cap, pos);
		return 0;
	case PCI_CAP_ID_MSIX:
		take_msix(b, cap, pos);
		return 0;
	case PCI_CAP_ID_PM:
		take_pm(cap);
		break;
	case PCI_CAP_ID_EXP:
		take_express(b, cap, pos);
		return 0;
	case PCI_CAP_ID_VPD:
		clear(cap + PCI_VPD_ADDR, PCI_CAP_VPD_SIZEOF - PCI_VPD_ADDR);
		break;
	default:
		break;
	}
	add_cap(b, id, pos, cap_size(cap));
	return 0;
}

/* Bytes of an extended capability by its kind; 0: nobody knows. */
static unsigned int ecap_size(uint16_t id)
{
	switch (id) {
	case PCI_EXT_CAP_ID_ERR:
		return ERRORS_SIZE;
	case PCI_EXT_CAP_ID_DSN:
		return PCI_EXT_CAP_DSN_SIZEOF;
	case PCI_EXT_CAP_ID_ARI:
		return PCI_EXT_CAP_ARI_SIZEOF;
	case PCI_EXT_CAP_ID_SRIOV:
		return PCI_EXT_CAP_SRIOV_SIZEOF;
	default:
		return 0;
	}
}

/* Errors that are there were those of another machine. */
static int take_errors(struct builder *b, uint8_t *cap, unsigned int pos)
{
	uint8_t *wmask = b->shape->wmask + pos;
	uint32_t control = get32(cap + PCI_ERR_CAP);

	if (room_at(b, pos) < PCI_ERR_ROOT_COMMAND)
		return refuse_room(b, PCI_EXT_CAP_ID_ERR, pos);
	if (note_kind(b, &b->has_errors, PCI_EXT_CAP_ID_ERR, pos))
		return -EINVAL;
	clear(cap + PCI_ERR_UNCOR_STATUS, 4);
	clear(cap + PCI_ERR_COR_STATUS, 4);
	clear(cap + PCI_ERR_HEADER_LOG, 16);
	memset(wmask + PCI_ERR_UNCOR_MASK, 0xff, 8); /* and severity */
	wmask[PCI_ERR_UNCOR_MASK] = 0xfe;            /* bit 0 is reserved */
	wmask[PCI_ERR_UNCOR_SEVER] = 0xfe;
	memset(wmask + PCI_ERR_COR_MASK, 0xff, 4);
	put16(wmask + PCI_ERR_CAP,
	      (control & PCI_ERR_CAP_ECRC_GENC ? PCI_ERR_CAP_ECRC_GENE : 0) |
		      (control & PCI_ERR_CAP_ECRC_CHKC ? PCI_ERR_CAP_ECRC_CHKE
						       : 0));
	add_written_cap(b, PCI_EXT_CAP_ID_ERR, pos, ERRORS_SIZE);
	return 0;
}

static int take_ecap(struct builder *b, unsigned int pos)
{
	uint8_t *cap = b->shape->config + pos;
	struct uvfio_cap *added = &b->shape->caps[b->model->cap_count];
	uint16_t id = get16(cap);

	added->version = cap[2] & 0xf;
	if (id == PCI_EXT_CAP_ID_ERR)
		return take_errors(b, cap, pos);
	add_cap(b, id, pos, ecap_size(id));
	return 0;
}

/* Marks where a capability begins; 0: the list goes on. */
static int mark(struct builder *b, unsigned int pos, unsigned int first)
{
	if (pos < first || pos % 4)
		return clone_refuse(b->fault, b->image->line,
				    "a capability at %02x", pos);
	if (b->starts[pos / 4])
		return clone_refuse(b->fault, b->image->line,
				    "the capabilities go round at %02x", pos);
	b->starts[pos / 4] = true;
	return 0;
}

/* The standard list: first where they are, then what they are. */
static int take_caps(struct builder *b)
{
	uint8_t *config = b->shape->config;
	unsigned int pos = config[PCI_CAPABILITY_LIST];
	int ret;

	if (b->image->config_size == PCI_STD_HEADER_SIZEOF ||
	    !(config[PCI_STATUS] & PCI_STATUS_CAP_LIST)) {
		config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
		config[PCI_CAPABILITY_LIST] = 0;
		return 0;
	}
	for (unsigned int i = 0; pos; i++) {
		ret = mark(b, pos, PCI_STD_HEADER_SIZEOF);
		if (ret)
			return ret;
		pos = config[pos + PCI_CAP_LIST_NEXT];
	}
	pos = PCI_STD_HEADER_SIZEOF;
	for (ret = 0; !ret && pos < PCI_CFG_SPACE_SIZE; pos += 4)
		if (b->starts[pos / 4])
			ret = take_cap(b, pos);
	return ret;
}

static int take_ecaps(struct builder *b)
{
	const uint8_t *config = b->shape->config;
	unsigned int pos = PCI_CFG_SPACE_SIZE;
	uint32_t header = get32(config + pos);
	int ret;

	if (!header || header == UINT32_MAX)
		return 0;
	while (pos) {
		ret = mark(b, pos, PCI_CFG_SPACE_SIZE);
		if (ret)
			return ret;
		pos = PCI_EXT_CAP_NEXT(get32(config + pos));
	}
	pos = PCI_CFG_SPACE_SIZE;
	for (ret = 0; !ret && pos < CLONE_CONFIG_MAX; pos += 4)
		if (b->starts[pos / 4])
			ret = take_ecap(b, pos);
	return ret;
}

/* The register that is cleared by a BAR of 64 bits before it. */
static bool is_upper(const struct clone_image *image, unsigned int i)
{
	return i && image->bars[i - 1].size &&
	       image->bars[i - 1].flags & UVFIO_BAR_64;
}

static int check_bar(const struct builder *b, unsigned int i)
{
	const struct clone_bar *bar = &b->image->bars[i];
	bool is_io = bar->flags & UVFIO_BAR_IO;
	uint64_t max = is_io ? IO_MAX : BAR_MAX;

	if (!bar->size)
		return 0;
	if (!is_io && !(bar->flags & UVFIO_BAR_64))
		max = UINT64_C(1) << 31;
	if (bar->size & (bar->size - 1) || bar->size > max ||
	    bar->size < (is_io ? IO_MIN : MEMORY_MIN))
		return clone_refuse(b->fault, bar->line,
				    "region %u of %llu bytes: a power of two "
				    "from %u to %llu is wanted",
				    i, (unsigned long long)bar->size,
				    is_io ? IO_MIN : MEMORY_MIN,
				    (unsigned long long)max);
	if (is_upper(b->image, i) ||
	    (bar->flags & UVFIO_BAR_64 && i + 1 == UVFIO_PCI_BARS))
		return clone_refuse(b->fault, bar->line,
				    "region %u: no place beside one of 64 bits",
				    i);
	return 0;
}

static int check_rom(const struct builder *b)
{
	uint64_t size = b->image->rom_size;

	if (size & (size - 1) || size > CLONE_ROM_MAX)
		return clone_refuse(b->fault, b->image->line,
				    "a ROM of %llu bytes: a power of two up to "
				    "%u is wanted",
				    (unsigned long long)size, CLONE_ROM_MAX);
	return 0;
}

/* The pages of some bytes of a BAR. */
static struct uvfio_span pages_of(uint64_t offset, uint64_t size)
{
	struct uvfio_span span = {.offset = offset & ~(PAGE - 1)};

	span.size = ((offset + size + PAGE - 1) & ~(PAGE - 1)) - span.offset;
	return span;
}

/* What of a BAR is memory, around up to two holes in ascending order. */
static void add_spans(struct builder *b, unsigned int i,
		      const struct uvfio_span *holes, size_t count)
{
	struct uvfio_bar *bar = &b->model->bars[i];
	struct uvfio_span *spans = b->shape->spans[i];
	uint64_t at = 0;

	bar->spans = spans;
	for (size_t h = 0; h <= count; h++) {
		uint64_t end = h < count ? holes[h].offset : bar->size;

		if (end > at)
			spans[bar->span_count++] = (struct uvfio_span){
				.offset = at,
				.size = end - at,
				.kind = UVFIO_PAGE_RAM,
			};
		if (h < count && holes[h].offset + holes[h].size > at)
			at = holes[h].offset + holes[h].size;
	}
}

static void split_bar(struct builder *b, unsigned int i)
{
	const struct uvfio_msix *msix = &b->model->msix;
	struct uvfio_span holes[2];
	size_t count = 0;

	if (msix->offset && msix->table_bar == i)
		holes[count++] =
			pages_of(msix->table_offset,
				 (uint64_t)msix->vectors * PCI_MSIX_ENTRY_SIZE);
	if (msix->offset && msix->pba_bar == i)
		holes[count++] = pages_of(msix->pba_offset,
					  (msix->vectors + 63u) / 64 * 8);
	if (count == 2 && holes[0].offset > holes[1].offset) {
		struct uvfio_span first = holes[1];

		holes[1] = holes[0];
		holes[0] = first;
	}
	add_spans(b, i, holes, count);
}

/* The table and the pending bits lie in BARs, beside each other. */
static int check_msix(const struct builder *b)
{
	const struct uvfio_msix *msix = &b->model->msix;
	uint64_t table = (uint64_t)msix->vectors * PCI_MSIX_ENTRY_SIZE;
	uint64_t pba = (msix->vectors + 63u) / 64 * 8;
	const struct uvfio_bar *bars = b->model->bars;

	if (!msix->offset)
		return 0;
	if (msix->table_bar >= UVFIO_PCI_BARS ||
	    msix->pba_bar >= UVFIO_PCI_BARS ||
	    bars[msix->table_bar].flags & UVFIO_BAR_IO ||
	    bars[msix->pba_bar].flags & UVFIO_BAR_IO ||
	    msix->table_offset + table > bars[msix->table_bar].size ||
	    msix->pba_offset + pba > bars[msix->pba_bar].size)
		return clone_refuse(b->fault, b->image->line,
				    "the MSI-X table or its pending bits are "
				    "in no region");
	if (msix->table_bar == msix->pba_bar &&
	    msix->table_offset < msix->pba_offset + pba &&
	    msix->pba_offset < msix->table_offset + table)
		return clone_refuse(b->fault, b->image->line,
				    "the MSI-X table and its pending bits "
				    "overlap");
	return 0;
}

static int take_bars(struct builder *b)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct clone_bar *from = &b->image->bars[i];
		int ret = check_bar(b, i);

		if (ret)
			return ret;
		b->model->bars[i] = (struct uvfio_bar){
			.size = from->size,
			.flags = from->flags,
			.widths = WIDTHS_ALL,
		};
		if (from->size % PAGE == 0 && !(from->flags & UVFIO_BAR_IO))
			split_bar(b, i);
	}
	return check_msix(b) ? -EINVAL : check_rom(b);
}

static void take_header(struct builder *b)
{
	const uint8_t *config = b->shape->config;
	struct uvfio_pci_model *model = b->model;

	model->vendor = get16(config + PCI_VENDOR_ID);
	model->device = get16(config + PCI_DEVICE_ID);
	model->subvendor = get16(config + PCI_SUBSYSTEM_VENDOR_ID);
	model->subdevice = get16(config + PCI_SUBSYSTEM_ID);
	model->revision = config[PCI_REVISION_ID];
	model->class_code = get32(config + PCI_CLASS_REVISION) >> 8;
	model->intx_pin = config[PCI_INTERRUPT_PIN];
	if (config[PCI_BIST] & PCI_BIST_CAPABLE)
		model->features |= UVFIO_PCI_BIST;
}

static int check_header(const struct builder *b)
{
	const uint8_t *config = b->shape->config;

	if (get16(config + PCI_VENDOR_ID) == 0xffff)
		return clone_refuse(b->fault, b->image->line,
				    "all ones: the device did not answer");
	if ((config[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) !=
	    PCI_HEADER_TYPE_NORMAL)
		return clone_refuse(b->fault, b->image->line,
				    "a bridge cannot be cloned");
	if (config[PCI_INTERRUPT_PIN] > 4)
		return clone_refuse(b->fault, b->image->line,
				    "interrupt pin %u",
				    config[PCI_INTERRUPT_PIN]);
	return 0;
}

static int build(struct builder *b)
{
	int ret = check_header(b);

	if (ret)
		return ret;
	take_header(b);
	ret = take_caps(b);
	if (!ret && b->model->features & UVFIO_PCI_EXPRESS)
		ret = take_ecaps(b);
	return ret ? ret : take_bars(b);
}

int clone_shape(struct uvfio_pci_model *model, const struct clone_image *image,
		struct clone_fault *fault)
{
	struct builder b = {.model = model, .image = image, .fault = fault};
	int ret;

	b.shape = calloc(1, sizeof(*b.shape));
	if (!b.shape) {
		(void)clone_refuse(fault, 0, "out of memory");
		return -ENOMEM;
	}
	memcpy(b.shape->config, image->config, sizeof(b.shape->config));
	model->caps = b.shape->caps;
	model->image = b.shape->config;
	ret = build(&b);
	if (ret)
		free(b.shape);
	return ret;
}

void clone_unshape(struct uvfio_pci_model *model)
{
	free((void *)(uintptr_t)model->image);
}
