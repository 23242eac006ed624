/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address spaces of an iommufd: their ranges, where a map finds a place,
 * copies, and memory that nobody has looked at yet.
 */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define A        0x100000ull
#define HUGE     (512 * PAGE)
#define MSI      0xfee00000ull
#define PRESET   0xa5a5a5a5a5a5a5a5ull
#define APERTURE (1ull << 39)

struct ioas {
	int fd, cdev;
	uint32_t id, devid;
};

static struct ioas empty(void)
{
	struct ioas ioas = {.fd = iommufd_open(), .cdev = cdev_open(0)};

	ioas.id = ioas_alloc(ioas.fd);
	ioas.devid = cdev_id(ioas.cdev, ioas.fd);
	return ioas;
}

static struct ioas attached(void)
{
	struct ioas ioas = empty();

	need(!cdev_attach(ioas.cdev, ioas.id), "attach");
	return ioas;
}

static struct ioas detached(void)
{
	struct ioas ioas = attached();

	need(!cdev_detach(ioas.cdev), "detach");
	return ioas;
}

static struct ioas restricted(void)
{
	struct abi_iova_range range = {A, 2 * A};
	struct ioas ioas = empty();
	struct abi_allow_iovas allow = {.size = sizeof(allow),
					.ioas_id = ioas.id,
					.num_iovas = 1,
					.allowed_iovas = (uintptr_t)&range};

	need(!ioctl(ioas.fd, ABI_IOMMU_ALLOW_IOVAS, &allow), "allow");
	return ioas;
}

static struct ioas small_pages(void)
{
	struct ioas ioas = empty();
	struct abi_option option = {.size = sizeof(option),
				    .option_id = ABI_OPTION_HUGE_PAGES,
				    .op = ABI_OPTION_SET,
				    .object_id = ioas.id};

	need(!ioctl(ioas.fd, ABI_IOMMU_OPTION, &option), "option");
	return ioas;
}

static const struct {
	const char *name;
	struct ioas (*enter)(void);
} states[] = {
	{"empty", empty},
	{"attached", attached},
	{"detached", detached},
	{"restricted", restricted},
	{"small_pages", small_pages},
};

#define STATES ((long)COUNT(states))

static int ranges(const struct ioas *ioas, struct abi_iova_ranges *ask,
		  uint32_t count, struct abi_iova_range *to)
{
	*ask = (struct abi_iova_ranges){
		.size = sizeof(*ask),
		.ioas_id = ioas->id,
		.num_iovas = count,
		.allowed_iovas = (uintptr_t)to,
		.out_iova_alignment = PRESET,
	};
	return ioctl(ioas->fd, ABI_IOMMU_IOVA_RANGES, ask);
}

static const char *count_label(long i)
{
	static char text[64];

	if (i >= 5 * STATES)
		return NULL;
	snprintf(text, sizeof(text), "%s_%ld", states[i % STATES].name,
		 i / STATES);
	return text;
}

/* Shows M49. */
static void ranges_when(long i)
{
	struct ioas ioas = states[i % STATES].enter();
	struct abi_iova_range *to = pages(1);
	struct abi_iova_ranges ask;

	memset(to, 0xa5, PAGE);
	result(ranges(&ioas, &ask, (uint32_t)(i / STATES), to));
	value("num", ask.num_iovas);
	hex("align", ask.out_iova_alignment);
	for (int n = 0; n < 6; n++)
		if (to[n].start != PRESET || to[n].last != PRESET)
			report(" %llx-%llx", (unsigned long long)to[n].start,
			       (unsigned long long)to[n].last);
}

static void ranges_into_bad_memory(void)
{
	struct ioas ioas = attached();
	struct abi_iova_range *one = before_fault(sizeof(*one));
	struct abi_iova_ranges ask;

	result(ranges(&ioas, &ask, 4, NULL));
	value("num", ask.num_iovas);
	outcome("none", ranges(&ioas, &ask, 0, NULL));
	value("num", ask.num_iovas);
	outcome("one", ranges(&ioas, &ask, 1, one));
	value("num", ask.num_iovas);
	outcome("two", ranges(&ioas, &ask, 2, one));
	value("num", ask.num_iovas);
	hex("align", ask.out_iova_alignment);
}

static void ranges_do_not_see_maps(void)
{
	struct ioas ioas = attached();
	struct abi_iova_range *to = pages(1);
	struct abi_iova_ranges ask;

	need(!ioas_map(ioas.fd, ioas.id, pages(1), A, PAGE), "map");
	result(ranges(&ioas, &ask, 8, to));
	value("num", ask.num_iovas);
	hex("first", to[0].start);
}

/* Lists of ranges to allow. */
static const struct {
	const char *name;
	uint32_t count;
	struct abi_iova_range list[3];
} lists[] = {
	{"none", 0, {{0}}},
	{"one", 1, {{A, 2 * A}}},
	{"two", 2, {{A, 2 * A}, {4 * A, 8 * A}}},
	{"backwards", 2, {{4 * A, 8 * A}, {A, 2 * A}}},
	{"touching", 2, {{A, 2 * A - 1}, {2 * A, 4 * A}}},
	{"overlapping", 2, {{A, 2 * A}, {2 * A, 4 * A}}},
	{"inside", 2, {{A, 8 * A}, {2 * A, 4 * A}}},
	{"same", 2, {{A, 2 * A}, {A, 2 * A}}},
	{"one_byte", 1, {{A, A}}},
	{"two_bytes", 1, {{A, A + 1}}},
	{"reversed", 1, {{2 * A, A}}},
	{"second_reversed", 2, {{A, 2 * A}, {8 * A, 4 * A}}},
	{"everything", 1, {{0, ~0ull}}},
	{"the_last_page", 1, {{-PAGE, ~0ull}}},
	{"the_first_page", 1, {{0, PAGE - 1}}},
	{"three_pages", 1, {{A, A + 3 * PAGE - 1}}},
	{"the_msi_window", 1, {{MSI, MSI + 0xfffff}}},
	{"into_the_msi_window", 1, {{A, MSI}}},
	{"up_to_the_msi_window", 1, {{A, MSI - 1}}},
	{"up_to_the_aperture", 1, {{A, APERTURE - 1}}},
	{"over_the_aperture", 1, {{A, APERTURE}}},
	{"beyond_the_aperture", 1, {{2 * APERTURE, 4 * APERTURE}}},
	{"small_then_large", 2, {{A, A + PAGE - 1}, {8 * A, 9 * A}}},
};

#define LISTS ((long)COUNT(lists))

static const char *list_label(long i)
{
	static char text[64];

	if (i >= 2 * LISTS)
		return NULL;
	snprintf(text, sizeof(text), "%s_%s", states[i / LISTS].name,
		 lists[i % LISTS].name);
	return text;
}

static int allow(const struct ioas *ioas, uint32_t count, const void *list)
{
	struct abi_allow_iovas ask = {.size = sizeof(ask),
				      .ioas_id = ioas->id,
				      .num_iovas = count,
				      .allowed_iovas = (uintptr_t)list};

	return ioctl(ioas->fd, ABI_IOMMU_ALLOW_IOVAS, &ask);
}

/* Memory whose address is a multiple of 4 MiB. */
static char *aligned_memory(void)
{
	uintptr_t p = (uintptr_t)mmap(NULL, 6 * HUGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != (uintptr_t)MAP_FAILED, "mmap");
	return (char *)((p + 2 * HUGE - 1) & ~(uintptr_t)(2 * HUGE - 1));
}

static int place(const struct ioas *ioas, const void *at, uint64_t length,
		 uint64_t *iova)
{
	struct abi_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_IOAS_WRITEABLE | ABI_IOAS_READABLE,
		.ioas_id = ioas->id,
		.user_va = (uintptr_t)at,
		.length = length,
		.iova = PRESET,
	};
	int ret = ioctl(ioas->fd, ABI_IOMMU_IOAS_MAP, &map);

	*iova = map.iova;
	return ret;
}

static void show_place(const char *key, const struct ioas *ioas, const void *at,
		       uint64_t length)
{
	uint64_t iova;

	outcome(key, place(ioas, at, length, &iova));
	if (iova != PRESET)
		report("@%llx", (unsigned long long)iova);
}

/* Shows M50. */
static void allow_when(long i)
{
	struct ioas ioas = states[i / LISTS].enter();
	char *memory = aligned_memory();

	result(allow(&ioas, lists[i % LISTS].count, lists[i % LISTS].list));
	show_place("page", &ioas, memory + PAGE, PAGE);
	show_place("page", &ioas, memory + PAGE, PAGE);
	show_place("eight", &ioas, memory, 8 * PAGE);
	outcome("fixed", ioas_map(ioas.fd, ioas.id, memory, 16 * A, PAGE));
	if (i / LISTS == 0)
		outcome("attach", cdev_attach(ioas.cdev, ioas.id));
}

static void allow_from_bad_memory(void)
{
	struct ioas ioas = empty();
	struct abi_iova_range list[2] = {{A, 2 * A}, {4 * A, 8 * A}};
	char *cut = before_fault(sizeof(list) - 1);

	memcpy(cut, list, sizeof(list) - 1);
	result(allow(&ioas, 1, NULL));
	outcome("none", allow(&ioas, 0, NULL));
	outcome("cut", allow(&ioas, 2, cut));
	outcome("first", allow(&ioas, 1, cut));
	outcome("again", allow(&ioas, 2, list));
}

static void allow_over_what_is_mapped(void)
{
	struct ioas ioas = empty();
	struct abi_iova_range list[] = {{4 * A, 8 * A}};

	need(!ioas_map(ioas.fd, ioas.id, pages(1), A, PAGE), "map");
	result(allow(&ioas, 1, list));
	outcome("unmap", ioas_unmap(ioas.fd, ioas.id, A, PAGE));
	outcome("fixed", ioas_map(ioas.fd, ioas.id, pages(1), A, PAGE));
	outcome("attach", cdev_attach(ioas.cdev, ioas.id));
	list[0].last = MSI;
	outcome("msi", allow(&ioas, 1, list));
	show_place("kept", &ioas, aligned_memory(), PAGE);
}

/* Lengths that are placed, from memory at several offsets. */
static const uint64_t lengths[] = {
	1,        2,           0x200,    PAGE - 1,  PAGE,
	PAGE + 1, 2 * PAGE,    3 * PAGE, 16 * PAGE, HUGE - PAGE,
	HUGE,     HUGE + PAGE, 2 * HUGE,
};

#define LENGTHS ((long)COUNT(lengths))

static const char *length_label(long i)
{
	static char text[64];

	if (i >= 2 * LENGTHS)
		return NULL;
	snprintf(text, sizeof(text), "%s_0x%llx", states[i / LENGTHS].name,
		 (unsigned long long)lengths[i % LENGTHS]);
	return text;
}

/* Shows M51. */
static void place_when(long i)
{
	static const uint64_t offs[] = {
		0, 1, 0x10, 0x800, PAGE, 0x1800, 2 * PAGE, 16 * PAGE, HUGE};
	struct ioas ioas = states[i / LENGTHS].enter();
	uint64_t length = lengths[i % LENGTHS], everything = ~0ull;
	char *memory = aligned_memory();

	for (size_t n = 0; n < COUNT(offs); n++) {
		report(" %llx", (unsigned long long)offs[n]);
		show_place("one", &ioas, memory + offs[n], length);
		show_place("two", &ioas, memory + offs[n], length);
		need(!ioas_unmap(ioas.fd, ioas.id, 0, everything), "clear");
	}
	result(0);
}

/* Places between what is there. */
static const struct {
	const char *name;
	unsigned int first, count, then, more;
} holes[] = {
	{"behind", 1, 4, 0, 0},      {"gap_of_one", 1, 4, 6, 4},
	{"gap_of_two", 1, 4, 7, 4},  {"gap_of_three", 1, 3, 7, 4},
	{"from_zero", 0, 4, 5, 1},   {"apart", 2, 1, 4, 1},
	{"large_gap", 1, 7, 32, 32},
};

static const char *hole_label(long i)
{
	return i < (long)COUNT(holes) ? holes[i].name : NULL;
}

static void fill_holes(long i)
{
	struct ioas ioas = empty();
	char *memory = aligned_memory();

	need(!ioas_map(ioas.fd, ioas.id, memory, holes[i].first * PAGE,
		       holes[i].count * PAGE),
	     "map");
	if (holes[i].more)
		need(!ioas_map(ioas.fd, ioas.id, memory, holes[i].then * PAGE,
			       holes[i].more * PAGE),
		     "map");
	for (unsigned int n = 1; n <= 4; n++)
		show_place("n", &ioas, memory, n * PAGE);
	show_place("one", &ioas, memory + PAGE, PAGE);
	result(0);
}

/* Lengths that cannot be placed, or not now. */
static const struct {
	const char *name;
	uint64_t length;
} hopeless[] = {
	{"0", 0},
	{"half", 1ull << 63},
	{"half_less_1", (1ull << 63) - 1},
	{"half_less_a_page", (1ull << 63) - PAGE},
	{"everything", ~0ull},
	{"everything_less_1", ~0ull - 1},
	{"everything_less_a_page", ~0ull - PAGE},
	{"more_than_the_aperture", 2 * APERTURE},
	{"the_aperture", APERTURE},
};

static const char *hopeless_label(long i)
{
	return i < (long)COUNT(hopeless) ? hopeless[i].name : NULL;
}

static void cannot_place(long i)
{
	struct ioas ioas = empty(), device;
	char *memory = aligned_memory();

	show_place("page", &ioas, memory, hopeless[i].length);
	show_place("null", &ioas, NULL, hopeless[i].length);
	result(cdev_attach(ioas.cdev, ioas.id));
	device = ioas;
	device.id = ioas_alloc(ioas.fd);
	need(!cdev_attach(ioas.cdev, device.id), "attach");
	show_place("attached", &device, memory, hopeless[i].length);
}

/* What a device makes of memory that was mapped before it came. */
static const struct {
	const char *name;
	uint64_t vaddr, iova, length; /* vaddr 0: good memory, and an offset */
} early[] = {
	{"good", 0, A, PAGE},
	{"bad_memory", PAGE, A, PAGE},
	{"wild_memory", 0x8000000000000000ull, A, PAGE},
	{"kernel_memory", 0xffffffff81000000ull, A, PAGE},
	{"odd_memory", 1, A, PAGE},
	{"odd_iova", 0, A + 1, PAGE},
	{"odd_length", 0, A, PAGE + 1},
	{"both_odd", 16, A + 16, PAGE},
	{"half_pages", 2048, A + 2048, 2048},
	{"in_the_msi_window", 0, MSI, PAGE},
	{"before_the_msi_window", 0, MSI - PAGE, PAGE},
	{"behind_the_msi_window", 0, MSI + A, PAGE},
	{"over_the_msi_window", 0, MSI - PAGE, 2 * PAGE},
	{"at_the_aperture", 0, APERTURE - PAGE, PAGE},
	{"over_the_aperture", 0, APERTURE - PAGE, 2 * PAGE},
	{"beyond_the_aperture", 0, APERTURE, PAGE},
	{"at_the_top", 0, -2 * PAGE, PAGE},
	{"at_the_last_page", 0, -PAGE, PAGE},
	{"at_the_last_bytes", 0, -PAGE, PAGE - 1},
};

static const char *early_label(long i)
{
	return i < (long)COUNT(early) ? early[i].name : NULL;
}

/* Shows M52, M53. */
static void mapped_before(long i)
{
	struct ioas ioas = empty();
	uint64_t vaddr = early[i].vaddr;

	if (vaddr == PAGE)
		vaddr = (uintptr_t)bad_pointer();
	else if (vaddr < PAGE)
		vaddr += (uintptr_t)pages(3);
	result(ioas_map(ioas.fd, ioas.id, (void *)(uintptr_t)vaddr,
			early[i].iova, early[i].length));
	outcome("attach", cdev_attach(ioas.cdev, ioas.id));
	outcome("in_use", iommufd_destroy(ioas.fd, ioas.id));
	ioas.id = ioas_alloc(ioas.fd);
	(void)ioas_map(ioas.fd, ioas.id, (void *)(uintptr_t)vaddr,
		       early[i].iova, early[i].length);
	outcome("unmap",
		ioas_unmap(ioas.fd, ioas.id, early[i].iova, early[i].length));
	outcome("attach", cdev_attach(ioas.cdev, ioas.id));
	outcome("again", ioas_map(ioas.fd, ioas.id, (void *)(uintptr_t)vaddr,
				  early[i].iova, early[i].length));
}

/* Ranges to unmap that are odd in some way; four pages are mapped at A. */
static const struct {
	const char *name;
	uint64_t iova, length;
} unmaps[] = {
	{"everything", 0, ~0ull},
	{"nearly_everything", 0, ~0ull - 1},
	{"everything_from_1", 1, ~0ull},
	{"everything_from_a", A, ~0ull},
	{"everything_from_the_top", ~0ull, ~0ull},
	{"from_the_top", ~0ull, 1},
	{"from_below_the_top", ~0ull - 1, 1},
	{"to_the_top", A, -A},
	{"to_below_the_top", A, -A - 1},
	{"wraps", A, -A + 1},
	{"length_0", A, 0},
	{"nothing_at_0", 0, 0},
	{"a_byte", A, 1},
	{"a_byte_too_few", A, 4 * PAGE - 1},
	{"a_byte_too_many", A, 4 * PAGE + 1},
	{"from_a_byte_before", A - 1, 4 * PAGE + 1},
	{"from_a_byte_behind", A + 1, 4 * PAGE},
	{"exact", A, 4 * PAGE},
	{"half", 0, 1ull << 63},
};

static const char *unmap_label(long i)
{
	return i < 2 * (long)COUNT(unmaps) ? unmaps[(size_t)i / 2].name : NULL;
}

static void unmap(long i, struct ioas ioas)
{
	struct abi_ioas_unmap ask = {.size = sizeof(ask),
				     .ioas_id = ioas.id,
				     .iova = unmaps[i].iova,
				     .length = unmaps[i].length};

	need(!ioas_map(ioas.fd, ioas.id, pages(4), A, 4 * PAGE), "map");
	result(ioctl(ioas.fd, ABI_IOMMU_IOAS_UNMAP, &ask));
	hex("length", ask.length);
	ask.iova = unmaps[i].iova;
	ask.length = unmaps[i].length;
	outcome("again", ioctl(ioas.fd, ABI_IOMMU_IOAS_UNMAP, &ask));
	hex("length", ask.length);
}

static const char *unmap_state_label(long i)
{
	static char text[64];
	const char *name = unmap_label(i);

	if (!name)
		return NULL;
	snprintf(text, sizeof(text), "%s_%s", states[i % 2].name, name);
	return text;
}

static void unmap_when(long i)
{
	unmap(i / 2, states[i % 2].enter());
}

static void destroy_with_what_is_mapped(void)
{
	struct ioas ioas = empty();

	need(!ioas_map(ioas.fd, ioas.id, pages(4), A, 4 * PAGE), "map");
	result(iommufd_destroy(ioas.fd, ioas.id));
	outcome("unmap", ioas_unmap(ioas.fd, ioas.id, A, PAGE));
	outcome("attach", cdev_attach(ioas.cdev, ioas.id));
}

static void of_bar_memory(void)
{
	struct ioas ioas = attached();
	void *bar = bar_map(ioas.cdev, EDU_BAR_SIZE, PROT_READ | PROT_WRITE);

	result(ioas_map(ioas.fd, ioas.id, bar, A, PAGE));
	outcome("free", ioas_map(ioas.fd, ioas.id, pages(1), A, PAGE));
}

static const struct conf_case cases[] = {
	EACH(ranges_when, count_label),
	CASE(ranges_into_bad_memory),
	CASE(ranges_do_not_see_maps),
	EACH(allow_when, list_label),
	CASE(allow_from_bad_memory),
	CASE(allow_over_what_is_mapped),
	EACH(place_when, length_label),
	EACH(fill_holes, hole_label),
	EACH(cannot_place, hopeless_label),
	EACH(mapped_before, early_label),
	EACH(unmap_when, unmap_state_label),
	CASE(destroy_with_what_is_mapped),
	CASE(of_bar_memory),
};

TABLE_OF(table_iommufd_ioas, "iommufd_ioas", cases, has_cdev);
