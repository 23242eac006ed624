/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_GET_INFO: how much it writes, and its chain of capabilities. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

/* The highest byte that the call changed, plus one, whatever was there. */
static size_t written(int container, uint32_t argsz)
{
	static const unsigned char fills[] = {0xa5, 0x5a};
	size_t end = 0;

	for (size_t f = 0; f < COUNT(fills); f++) {
		unsigned char buf[512];

		memset(buf, fills[f], sizeof(buf));
		memcpy(buf, &argsz, 4);
		if (ioctl(container, VFIO_IOMMU_GET_INFO, buf))
			continue;
		for (size_t i = 4; i < sizeof(buf); i++)
			if (buf[i] != fills[f] && i + 1 > end)
				end = i + 1;
	}
	return end;
}

static void argsz(long size)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	unsigned char buf[512];
	struct vfio_iommu_type1_info *info = (void *)buf;

	memset(buf, 0xa5, sizeof(buf));
	info->argsz = (uint32_t)size;
	result(ioctl(s.container, VFIO_IOMMU_GET_INFO, buf));
	value("argsz", info->argsz);
	hex("flags", info->flags);
	hex("cap_offset", info->cap_offset);
	value("written", (long long)written(s.container, (uint32_t)size));
}

static void null_pointer(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, VFIO_IOMMU_GET_INFO, NULL));
}

static void of_argsz_32_with_accessible_bytes(long len)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info info = {.argsz = 32};
	void *p = before_fault((size_t)len);

	memcpy(p, &info,
	       (size_t)len < sizeof(info) ? (size_t)len : sizeof(info));
	result(ioctl(s.container, VFIO_IOMMU_GET_INFO, p));
}

static void into_read_only_memory_of_argsz(long size)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info info = {.argsz = (uint32_t)size};

	result(ioctl(s.container, VFIO_IOMMU_GET_INFO,
		     read_only(&info, sizeof(info))));
}

static struct vfio_iommu_type1_info *full(int container)
{
	struct vfio_iommu_type1_info *info = pages(1);

	info->argsz = PAGE;
	need(!ioctl(container, VFIO_IOMMU_GET_INFO, info), "get-info");
	return info;
}

static struct vfio_info_cap_header *cap(struct vfio_iommu_type1_info *info,
					unsigned int id)
{
	uint32_t off = info->cap_offset;

	while (off && off < PAGE - 64) {
		struct vfio_info_cap_header *hdr = (void *)((char *)info + off);

		if (hdr->id == id)
			return hdr;
		off = hdr->next;
	}
	need(0, "capability");
	return NULL;
}

static void page_sizes(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info *info = full(s.container);

	result(0);
	hex("smallest", info->iova_pgsizes & -info->iova_pgsizes);
	value("has_2m", !!(info->iova_pgsizes & 1 << 21));
	value("below_4k", !!(info->iova_pgsizes & 0xfff));
}

static void chain(unsigned long type)
{
	struct session s = session_iommu(type);
	struct vfio_iommu_type1_info *info = full(s.container);
	uint32_t off = info->cap_offset;

	result(0);
	for (int i = 0; off && off < PAGE - 64 && i < 16; i++) {
		struct vfio_info_cap_header *hdr = (void *)((char *)info + off);

		report(" %u.%u@%u", hdr->id, hdr->version, off);
		off = hdr->next;
	}
	value("end", off);
}

/* Shows M4. */
static void chain_of_v1(void)
{
	chain(VFIO_TYPE1_IOMMU);
}

/* Shows M4. */
static void chain_of_v2(void)
{
	chain(VFIO_TYPE1v2_IOMMU);
}

/* Shows M4. */
static void ranges(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info_cap_iova_range *r;
	int sorted = 1, msi = 0;
	uint64_t last;

	r = (void *)cap(full(s.container), 1);
	result((long)r->nr_iovas);
	hex("reserved", r->reserved);
	for (uint32_t i = 0; i < r->nr_iovas; i++) {
		sorted &= r->iova_ranges[i].start < r->iova_ranges[i].end;
		sorted &= !i ||
			  r->iova_ranges[i - 1].end < r->iova_ranges[i].start;
		msi |= r->iova_ranges[i].start <= 0xfeefffff &&
		       r->iova_ranges[i].end >= 0xfee00000;
	}
	value("sorted", sorted);
	value("msi_inside", msi);
	hex("first_start", r->iova_ranges[0].start);
	hex("first_end", r->iova_ranges[0].end);
	last = r->iova_ranges[r->nr_iovas - 1].end;
	value("last_is_all_ones", !(last & (last + 1)));
}

static void ranges_of_two_groups(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info_cap_iova_range *r;

	session_second(&s);
	r = (void *)cap(full(s.container), 1);
	result((long)r->nr_iovas);
}

static void migration(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info_cap_migration *m;

	m = (void *)cap(full(s.container), 2);
	result(0);
	hex("flags", m->flags);
	hex("pgsizes", m->pgsize_bitmap);
	hex("max_bitmap", m->max_dirty_bitmap_size);
}

static uint32_t available(int container)
{
	struct vfio_iommu_type1_info_dma_avail *a;

	a = (void *)cap(full(container), 3);
	return a->avail;
}

/* Shows M6. */
static void entries_left(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t size = PAGE;

	result((long)available(s.container));
	need(!dma_map(s.container, 3, pages(4), 0x100000, PAGE), "map");
	value("one_mapped", available(s.container));
	outcome("bad", dma_map(s.container, 3, NULL, 0x200000, PAGE));
	value("after_bad", available(s.container));
	need(!dma_unmap(s.container, 0, 0x100000, &size), "unmap");
	value("unmapped", available(s.container));
}

/* The last page of the last range can be mapped, the next one cannot. */
/* Shows M13. */
static void the_aperture_ends_where_it_says(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info_cap_iova_range *r;
	uint64_t end;

	r = (void *)cap(full(s.container), 1);
	end = r->iova_ranges[r->nr_iovas - 1].end + 1;
	result(dma_map(s.container, 3, pages(1), end - PAGE, PAGE));
	outcome("beyond", dma_map(s.container, 3, pages(1), end, PAGE));
	outcome("over",
		dma_map(s.container, 3, pages(2), end - 2 * PAGE, 3 * PAGE));
	hex("left", dma_unmap_all(s.container));
}

static const struct conf_case cases[] = {
	RANGE(argsz, 12, 34, 1),
	RANGE(argsz, 80, 128, 4),
	CASE(null_pointer),
	RANGE(of_argsz_32_with_accessible_bytes, 12, 32, 4),
	RANGE(into_read_only_memory_of_argsz, 15, 16, 1),
	CASE(page_sizes),
	CASE(chain_of_v1),
	CASE(chain_of_v2),
	CASE(ranges),
	CASE(ranges_of_two_groups),
	CASE(migration),
	CASE(entries_left),
	CASE(the_aperture_ends_where_it_says),
};

TABLE(table_get_iommu_info, "get_iommu_info", cases);
