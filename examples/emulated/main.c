/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine in this process, a driver that puts a device into it, and a
 * program that uses the device by the ioctls of VFIO.
 */
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uvfio/file.h>
#include <uvfio/machine.h>

#include "engine.h"

#define IOVA 0x100000ull
#define PAGE 4096ull

static struct uvfio_machine *machine;
static int container, group, device;

static long need(const char *what, long result)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "%s: %s\n", what, strerror((int)-result));
	exit(1);
}

static void open_device(int id)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", id);
	container =
		(int)need("container", uvfio_open(machine, "/dev/vfio/vfio"));
	group = (int)need("group", uvfio_open(machine, path));
	need("SET_CONTAINER",
	     uvfio_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
			 (uintptr_t)&container));
	need("SET_IOMMU", uvfio_ioctl(machine, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1v2_IOMMU));
	device = (int)need("GET_DEVICE_FD",
			   uvfio_ioctl(machine, group, VFIO_GROUP_GET_DEVICE_FD,
				       (uintptr_t)ENGINE_NAME));
}

static uint8_t *map_memory(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = 2 * PAGE,
	};
	uint8_t *memory = mmap(NULL, map.size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(1);
	map.vaddr = (uintptr_t)memory;
	need("MAP_DMA", uvfio_ioctl(machine, container, VFIO_IOMMU_MAP_DMA,
				    (uintptr_t)&map));
	return memory;
}

static void unmap_memory(void)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA,
		.size = 2 * PAGE,
	};

	need("UNMAP_DMA", uvfio_ioctl(machine, container, VFIO_IOMMU_UNMAP_DMA,
				      (uintptr_t)&unmap));
}

static void set(uint64_t reg, uint64_t value)
{
	need("a write", uvfio_pwrite(machine, device, &value, 8, reg));
}

static uint64_t get(uint64_t reg)
{
	uint64_t value;

	need("a read", uvfio_pread(machine, device, &value, 8, reg));
	return value;
}

int main(void)
{
	const char *const no_devices[] = {NULL};
	const struct uvfio_machine_params params = {.devices = no_devices};
	struct uvfio_error err = {""};
	struct engine *engine;
	uint8_t *memory;

	if (uvfio_machine_create(&machine, &params, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	need("the engine", engine_create(&engine, machine));
	open_device(engine_group(engine));
	memory = map_memory();

	strcpy((char *)memory, "hello");
	set(ENGINE_FROM, IOVA);
	set(ENGINE_TO, IOVA + PAGE);
	set(ENGINE_LENGTH, PAGE);
	set(ENGINE_START, 1);
	printf("copied: %s\n", (char *)memory + PAGE);

	/* The engine looks at the page itself from now on. */
	set(ENGINE_WINDOW, IOVA + PAGE);
	printf("sum of the page: %llu\n", (unsigned long long)get(ENGINE_SUM));
	memory[PAGE] = 'j';
	printf("sum of the page: %llu\n", (unsigned long long)get(ENGINE_SUM));

	/* The driver lets go of the page before this returns. */
	unmap_memory();
	printf("unmapped: %llu\n", (unsigned long long)get(ENGINE_SUM));
	set(ENGINE_START, 1);
	printf("copy of what is not mapped: %s\n",
	       strerror(-(int)get(ENGINE_START)));

	uvfio_close(machine, device);
	uvfio_close(machine, group);
	uvfio_close(machine, container);
	engine_destroy(engine);
	uvfio_machine_destroy(machine);
	return 0;
}
