/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways in which memory is taken away from devices.
 */
#include <linux/vfio.h>
#include <string.h>

#include "canary/canary.h"

static const struct uvf_iommu_backend *backend(void)
{
	return uvf_iommu_backends[0];
}

static void attach(struct stage *stage)
{
	must(backend()->attach_group(stage->type1, &stage->caller,
				     &stage->member, &stage->as),
	     "attach");
	aim_devices(stage, stage->as);
}

static void open_type1(struct stage *stage)
{
	must(backend()->open(&stage->type1, stage->host, VFIO_TYPE1v2_IOMMU),
	     "open");
	attach(stage);
}

static void detach(struct stage *stage)
{
	aim_devices(stage, NULL);
	backend()->detach_group(stage->type1, &stage->member);
}

static void close_type1(struct stage *stage)
{
	detach(stage);
	backend()->release(stage->type1);
}

static void map_dma(struct stage *stage, const struct page *page)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page->mem,
		.iova = BASE,
		.size = stage->is_long ? LONG_BYTES : PAGE,
	};

	must(backend()->ioctl(stage->type1, &stage->caller, VFIO_IOMMU_MAP_DMA,
			      (uintptr_t)&map),
	     "MAP_DMA");
}

static void give_page(struct stage *stage, struct page *page)
{
	map_dma(stage, page);
}

static void unmap_dma(struct stage *stage, uint32_t flags)
{
	uint64_t word = 0;
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = {.argsz = sizeof(arg), .flags = flags},
		.bitmap = {.pgsize = PAGE, .size = 8, .data = (void *)&word},
	};

	if (!(flags & VFIO_DMA_UNMAP_FLAG_ALL)) {
		arg.unmap.iova = BASE;
		arg.unmap.size = stage->is_long ? LONG_BYTES : PAGE;
	}
	must(backend()->ioctl(stage->type1, &stage->caller,
			      VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&arg),
	     "UNMAP_DMA");
}

static struct page *take_unmap(struct stage *stage, struct page *page)
{
	unmap_dma(stage, 0);
	return page;
}

static struct page *take_all(struct stage *stage, struct page *page)
{
	unmap_dma(stage, VFIO_DMA_UNMAP_FLAG_ALL);
	return page;
}

/* The address leads elsewhere at once.  Shows M77. */
static void begin_remap(struct stage *stage)
{
	open_type1(stage);
	stage->given = &stage->pages[PAGES - 1];
	map_dma(stage, stage->given);
}

static void give_remap(struct stage *stage, struct page *page)
{
	unmap_dma(stage, 0);
	map_dma(stage, page);
}

static struct page *take_remap(struct stage *stage, struct page *page)
{
	struct page *before = stage->given;

	stage->given = page;
	return before;
}

/* What a device has written until then is told by the same call. */
static void begin_dirty(struct stage *stage)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
	};

	open_type1(stage);
	must(backend()->ioctl(stage->type1, &stage->caller,
			      VFIO_IOMMU_DIRTY_PAGES, (uintptr_t)&dirty),
	     "DIRTY_PAGES");
}

static struct page *take_dirty(struct stage *stage, struct page *page)
{
	unmap_dma(stage, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP);
	return page;
}

/* The last group leaves, and all mappings go. */
static struct page *take_detach(struct stage *stage, struct page *page)
{
	detach(stage);
	return page;
}

static void give_attach(struct stage *stage, struct page *page)
{
	attach(stage);
	map_dma(stage, page);
}

static void begin_detached(struct stage *stage)
{
	open_type1(stage);
	detach(stage);
}

static void release_type1(struct stage *stage)
{
	backend()->release(stage->type1);
}

/* The container is closed with all that is in it. */
static void give_open(struct stage *stage, struct page *page)
{
	open_type1(stage);
	map_dma(stage, page);
}

static struct page *take_close(struct stage *stage, struct page *page)
{
	close_type1(stage);
	return page;
}

static void nothing(struct stage *stage)
{
	(void)stage;
}

static void map_aspace(struct stage *stage, struct uvf_aspace *as,
		       const struct page *page)
{
	struct uvf_range vaddr = {(uintptr_t)page->mem,
				  (uintptr_t)page->mem + PAGE - 1};
	struct uvf_mem *mem;

	must(uvf_mem_create(&mem, stage->mm, vaddr, UVF_PROT_ALL), "memory");
	must(uvf_aspace_map(as, (struct uvf_range){BASE, BASE + PAGE - 1}, mem,
			    UVF_PROT_ALL),
	     "map");
	uvf_mem_put(mem);
}

/* An I/O address space goes, once no device is attached to it. */
static void give_space(struct stage *stage, struct page *page)
{
	must(uvf_aspace_create(&stage->as, false), "address space");
	map_aspace(stage, stage->as, page);
	aim_devices(stage, stage->as);
}

static struct page *take_destroy(struct stage *stage, struct page *page)
{
	aim_devices(stage, NULL);
	uvf_aspace_destroy(stage->as);
	return page;
}

/* Devices go from one address space to another, in which nothing is mapped. */
static void begin_replace(struct stage *stage)
{
	stage->as = NULL;
	must(uvf_aspace_create(&stage->other, false), "address space");
}

static void end_replace(struct stage *stage)
{
	aim_devices(stage, NULL);
	uvf_aspace_destroy(stage->other);
	uvf_aspace_destroy(stage->as);
	stage->as = NULL;
}

static void give_replace(struct stage *stage, struct page *page)
{
	uvf_aspace_destroy(stage->as);
	give_space(stage, page);
}

static struct page *take_replace(struct stage *stage, struct page *page)
{
	aim_devices(stage, stage->other);
	return page;
}

/* A device that pins pages, and writes by the pointer it got. */
static void set_pinned(struct stage *stage, void *pinned)
{
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct device *device = &stage->devices[i];

		uvf_lock(&device->dev.lock);
		device->pinned = pinned;
		uvf_unlock(&device->dev.lock);
	}
}

static void on_unmap(struct uvf_dma_user *user, struct uvf_range iova)
{
	struct stage *stage = uvf_container_of(user, struct stage, user);

	set_pinned(stage, NULL);
	backend()->unpin_pages(stage->type1, iova.first, 1);
}

static void begin_pinned(struct stage *stage)
{
	open_type1(stage);
	stage->user.dma_unmap = on_unmap;
	backend()->register_user(stage->type1, &stage->user);
}

static void end_pinned(struct stage *stage)
{
	backend()->unregister_user(stage->type1, &stage->user);
	close_type1(stage);
}

static void give_pinned(struct stage *stage, struct page *page)
{
	void *pinned;

	map_dma(stage, page);
	must(backend()->pin_pages(stage->type1, &stage->member, BASE, 1,
				  UVF_PROT_WRITE, &pinned),
	     "pin_pages");
	set_pinned(stage, pinned);
}

static bool access_pinned(const struct device *device, const uint8_t *pattern)
{
	uint8_t *to = device->pinned;

	if (to)
		memcpy(to + device->number * 8, pattern, 8);
	return to;
}

const struct variant variants[] = {
	{"unmap", 1, false, open_type1, close_type1, give_page, take_unmap,
	 NULL},
	{"remap", 4, false, begin_remap, close_type1, give_remap, take_remap,
	 NULL},
	{"all", 4, false, open_type1, close_type1, give_page, take_all, NULL},
	{"dirty", 4, false, begin_dirty, close_type1, give_page, take_dirty,
	 NULL},
	{"pinned", 10, false, begin_pinned, end_pinned, give_pinned, take_unmap,
	 access_pinned},
	{"detach", 10, false, begin_detached, release_type1, give_attach,
	 take_detach, NULL},
	{"close", 10, false, nothing, nothing, give_open, take_close, NULL},
	{"destroy", 10, false, nothing, nothing, give_space, take_destroy,
	 NULL},
	{"replace", 10, false, begin_replace, end_replace, give_replace,
	 take_replace, NULL},
	{"long", 200, true, open_type1, close_type1, give_page, take_unmap,
	 NULL},
	{0},
};
