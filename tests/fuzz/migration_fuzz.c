/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams that no device wrote, loaded into each model that migrates, and what
 * the device does with its state when it runs.
 *
 * An input is the number of a model, how the stream is made, and changes to
 * what the model itself would save, whose checksums are put right; or all of
 * the stream.  Whatever it is, a load is refused or the device runs, and can
 * be saved again.  Shows V59.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uvfio/uvfio.h>

#include "base/crc32.h"
#include "input.h"
#include "pci/migrate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UUID        "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define MODELS      3u
#define STREAM_MAX  (1u << 20)
#define CHANGES_MAX 32
#define POKES_MAX   32
#define MEMORY      0x10000u
#define CONFIG      ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

enum {
	STOP = 1,
	RUNNING,
	STOP_COPY,
	RESUMING,
};

/* A device that is open, and what it saves when it is fresh. */
struct model {
	struct uvfio_machine *machine;
	const char *name;
	int container, group, device;
	uint8_t *fresh;
	size_t fresh_size;
};

static struct model models[MODELS];
static uint8_t *memory;

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "migration: %s\n", what);
	abort();
}

static long do_ioctl(const struct model *model, int fd, unsigned int cmd,
		     const void *arg)
{
	return uvfio_ioctl(model->machine, fd, cmd, (uintptr_t)arg);
}

/* The descriptor that came along, or a negative errno; -1: none. */
static int set_state(const struct model *model, uint32_t state, int *ret_fd)
{
	struct {
		struct vfio_device_feature hdr;
		uint32_t state;
		int32_t fd;
	} arg = {{sizeof(arg), VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE},
		 state,
		 -1};
	int ret =
		(int)do_ioctl(model, model->device, VFIO_DEVICE_FEATURE, &arg);

	*ret_fd = arg.fd;
	return ret;
}

static void open_device(struct model *model)
{
	const uint16_t command = 7;

	model->device = (int)do_ioctl(model, model->group,
				      VFIO_GROUP_GET_DEVICE_FD, model->name);
	need(model->device >= 0, "the device cannot be opened");
	(void)uvfio_pwrite(model->machine, model->device, &command,
			   sizeof(command), CONFIG + 4);
}

/* All that there is to read; bytes. */
static size_t save(const struct model *model, uint8_t *data)
{
	size_t size = 0;
	ssize_t got;
	int fd;

	need(!set_state(model, STOP_COPY, &fd) && fd >= 0, "no STOP_COPY");
	while ((got = uvfio_read(model->machine, fd, data + size,
				 STREAM_MAX - size)) > 0)
		size += (size_t)got;
	need(!got, "a save ended with an error");
	(void)uvfio_close(model->machine, fd);
	return size;
}

static void create(struct model *model, const char *spec, const char *name)
{
	const char *const devices[] = {spec, NULL};
	const struct uvfio_machine_params params = {
		.devices = devices, .host = "memlock=unlimited"};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.size = MEMORY,
	};

	model->name = name;
	need(!uvfio_machine_create(&model->machine, &params, NULL), spec);
	model->container = uvfio_open(model->machine, "/dev/vfio/vfio");
	model->group = uvfio_open(model->machine, "/dev/vfio/1");
	need(!do_ioctl(model, model->group, VFIO_GROUP_SET_CONTAINER,
		       &model->container) &&
		     !uvfio_ioctl(model->machine, model->container,
				  VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) &&
		     !do_ioctl(model, model->container, VFIO_IOMMU_MAP_DMA,
			       &map),
	     "no container");
	model->fresh = malloc(STREAM_MAX);
	need(model->fresh, "no memory");
	open_device(model);
	model->fresh_size = save(model, model->fresh);
	(void)uvfio_close(model->machine, model->device);
}

static void create_all(void)
{
	if (memory)
		return;
	/* Lines about what is refused are not to be read here. */
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(memory != MAP_FAILED, "no memory");
	create(&models[0], "edu,migration=all", "0000:00:03.0");
	create(&models[1], "igb,migration=all", "0000:00:03.0");
	create(&models[2], "mtty,type=mtty-2,uuid=" UUID, UUID);
}

/* Where chunk @index begins, which may be at any byte; 0: there is none. */
static size_t find_chunk(const uint8_t *data, size_t size, unsigned int index,
			 struct uvf_migrate_chunk *ret_chunk)
{
	size_t at = sizeof(struct uvf_migrate_header);

	while (at + sizeof(*ret_chunk) <= size) {
		memcpy(ret_chunk, data + at, sizeof(*ret_chunk));
		if (ret_chunk->id == UVF_MIGRATE_END)
			return 0;
		if (!index--)
			return at;
		at += sizeof(*ret_chunk) + ret_chunk->size;
	}
	return 0;
}

/* Some bytes of one chunk, whose checksum is right again. */
static void change_chunk(uint8_t *data, size_t size, struct input *input)
{
	struct uvf_migrate_chunk chunk;
	size_t at = find_chunk(data, size, take8(input) % 8, &chunk);
	uint32_t offset = take32(input);
	uint64_t value = take64(input);
	uint8_t *body = data + at + sizeof(chunk);
	size_t count = 1 + (offset >> 24) % 8;

	if (!at || !chunk.size)
		return;
	offset %= chunk.size;
	if (count > chunk.size - offset)
		count = chunk.size - offset;
	memcpy(body + offset, &value, count);
	chunk.crc = uvf_crc32(body, chunk.size);
	memcpy(data + at, &chunk, sizeof(chunk));
}

static void change_byte(uint8_t *data, size_t size, struct input *input)
{
	size_t offset = take16(input) % size;

	data[offset] = take8(input);
}

/* The stream to load; bytes. */
static size_t make_stream(const struct model *model, struct input *input,
			  uint8_t *data)
{
	uint8_t how = take8(input);
	size_t size = model->fresh_size;

	if (how & 0x80) {
		size = take_bytes(input, data, STREAM_MAX);
		return size;
	}
	memcpy(data, model->fresh, size);
	for (unsigned int i = 0; input->size && i < CHANGES_MAX; i++) {
		if (model == &models[2] || how & 0x40)
			change_byte(data, size, input);
		else
			change_chunk(data, size, input);
		if (take8(input) & 1)
			break;
	}
	return how & 0x20 ? size - how % 0x20 % size : size;
}

static void load(const struct model *model, const uint8_t *data, size_t size)
{
	size_t done = 0;
	ssize_t put;
	int fd;

	need(!set_state(model, RESUMING, &fd) && fd >= 0, "no RESUMING");
	while (done < size) {
		put = uvfio_write(model->machine, fd, data + done, size - done);
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	(void)uvfio_close(model->machine, fd);
}

/* The driver goes on, with registers and memory of the input's choice. */
static void run(const struct model *model, struct input *input)
{
	for (unsigned int i = 0; input->size && i < POKES_MAX; i++) {
		uint64_t offset = take16(input) * 4ull;
		uint32_t value = take32(input);

		if (take8(input) & 1)
			memcpy(memory + (offset & (MEMORY - 4)), &value,
			       sizeof(value));
		else
			(void)uvfio_pwrite(model->machine, model->device,
					   &value, sizeof(value), offset);
		(void)uvfio_pread(model->machine, model->device, &value,
				  sizeof(value), offset);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[STREAM_MAX];
	struct input input = {data, size};
	struct model *model;
	size_t length;
	int fd, ret;

	create_all();
	model = &models[take8(&input) % MODELS];
	memset(memory, 0, MEMORY);
	open_device(model);
	/* The state of an mtty outlives its file. */
	(void)uvfio_ioctl(model->machine, model->device, VFIO_DEVICE_RESET, 0);
	length = make_stream(model, &input, stream);
	load(model, stream, length);
	ret = set_state(model, RUNNING, &fd);
	need(!ret || ret == -EINVAL || ret == -EIO, "an errno of no load");
	if (!ret) {
		run(model, &input);
		(void)save(model, stream);
	}
	(void)uvfio_close(model->machine, model->device);
	return 0;
}
