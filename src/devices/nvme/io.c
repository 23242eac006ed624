/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of I/O queues.
 *
 * Where the image is memory, a command is carried out at once and its data is
 * moved once.  Else it goes through a buffer, and done() finishes it when the
 * image is done with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#include "image.h"
#include "nvme.h"

#define BUFFER_ALIGN       4096u /* what O_DIRECT wants at most */
#define DSM_RANGES         256u
#define RW_BLOCKS(command) ((uint64_t)((command)->cdw12 & 0xffff) + 1)

/* What an errno of the image means to a host. */
static uint16_t status_of(int result, bool is_write)
{
	switch (result) {
	case 0:
		return NVME_OK;
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
		return NVME_CAPACITY;
	case -EROFS:
	case -EPERM:
		return NVME_WRITE_PROTECTED;
	case -ENOMEM:
		return NVME_INTERNAL;
	default:
		return is_write ? NVME_WRITE_FAULT : NVME_READ_ERROR;
	}
}

static uint64_t first_block(const struct nvme_command *command)
{
	return (uint64_t)command->cdw11 << 32 | command->cdw10;
}

static uint64_t offset_of(const struct nvme_namespace *ns, uint64_t block)
{
	return ns->offset + (block << nvme_block_shift(ns));
}

static uint16_t check_range(const struct nvme_namespace *ns, uint64_t first,
			    uint64_t count)
{
	if (first > ns->blocks || count > ns->blocks - first)
		return NVME_LBA_RANGE;
	return NVME_OK;
}

/* The blocks and the most that a host may move by one command. */
static uint16_t check_transfer(const struct nvme_controller *nvme,
			       const struct nvme_request *request)
{
	uint64_t count = RW_BLOCKS(&request->command);

	if (count << nvme_block_shift(request->ns) > UINT64_C(4096)
							     << nvme->mdts)
		return NVME_INVALID_FIELD;
	return check_range(request->ns, first_block(&request->command), count);
}

static uint16_t check_writable(const struct nvme_controller *nvme)
{
	return nvme->is_read_only ? NVME_WRITE_PROTECTED : NVME_OK;
}

/* The blocks of a command, which were written: they are good again. */
static uint16_t heal(struct nvme_request *request)
{
	uint64_t first = first_block(&request->command);

	if (!request->ns->bad_count)
		return NVME_OK;
	return nvme_bad_remove(request->ns, first,
			       first + RW_BLOCKS(&request->command) - 1)
		       ? NVME_INTERNAL
		       : NVME_OK;
}

static uint16_t check_good(const struct nvme_request *request)
{
	uint64_t first = first_block(&request->command);

	if (!request->ns->bad_count)
		return NVME_OK;
	return nvme_is_bad(request->ns, first,
			   first + RW_BLOCKS(&request->command) - 1)
		       ? NVME_READ_ERROR
		       : NVME_OK;
}

/* What the image does when it is memory; never fails. */
static void do_in_memory(struct nvme_controller *nvme, const struct nvme_io *io)
{
	uint8_t *memory = nvme->image->memory + io->offset;

	switch (io->kind) {
	case NVME_BACKEND_READ:
		memcpy(io->buffer, memory, io->size);
		break;
	case NVME_BACKEND_WRITE:
		memcpy(memory, io->buffer, io->size);
		break;
	case NVME_BACKEND_DISCARD:
		memset(memory, 0, io->size);
		break;
	case NVME_BACKEND_FLUSH:
		break;
	}
}

/* Without a write cache everything is. */
static bool is_durable(const struct nvme_controller *nvme,
		       const struct nvme_request *request)
{
	return request->command.cdw12 & NVME_RW_FUA ||
	       !nvme->features.has_cache;
}

void nvme_io_submit(struct nvme_controller *nvme, struct nvme_request *request,
		    enum nvme_io_kind kind, uint64_t offset, uint64_t size,
		    nvme_done_fn *done)
{
	struct nvme_io *io = &request->io;

	if (nvme->is_stopping) {
		nvme_complete(nvme, request, NVME_ABORTED);
		return;
	}
	io->kind = kind;
	io->is_durable = is_durable(nvme, request);
	io->has_no_holes = false;
	io->offset = offset;
	io->size = size;
	io->moved = 0;
	io->result = 0;
	request->done = done;
	if (nvme->image->memory) {
		do_in_memory(nvme, io);
		done(nvme, request);
		return;
	}
	if (!nvme->in_backend++)
		nvme->smart.busy_since = nvme_now();
	nvme->image->ops->submit(nvme->image, io);
}

void nvme_io_done(struct nvme_controller *nvme, struct nvme_io *io)
{
	struct nvme_request *request =
		(void *)((char *)io - offsetof(struct nvme_request, io));

	if (!--nvme->in_backend)
		nvme->smart.busy_ns += nvme_now() - nvme->smart.busy_since;
	request->done(nvme, request);
}

static void done_plain(struct nvme_controller *nvme,
		       struct nvme_request *request)
{
	uint16_t status = status_of(request->io.result, true);

	if (status)
		nvme->smart.media_errors++;
	nvme_complete(nvme, request, status);
}

static bool has_buffer(struct nvme_request *request, uint32_t size)
{
	uint8_t *memory;

	if (request->buffer_size >= size)
		return true;
	memory = calloc(1, size + BUFFER_ALIGN);
	if (!memory)
		return false;
	free(request->buffer);
	request->buffer = memory;
	request->buffer_size = size;
	request->io.buffer = memory + (-(uintptr_t)memory & (BUFFER_ALIGN - 1));
	return true;
}

static void count_read(struct nvme_controller *nvme, uint32_t size)
{
	nvme->smart.reads++;
	nvme->smart.sectors_read += size / 512;
}

static void count_written(struct nvme_controller *nvme, uint32_t size)
{
	nvme->smart.writes++;
	nvme->smart.sectors_written += size / 512;
}

static void done_read(struct nvme_controller *nvme,
		      struct nvme_request *request)
{
	uint16_t status = status_of(request->io.result, false);

	if (status)
		nvme->smart.media_errors++;
	else
		status = nvme_data_to_host(nvme, request, 0, request->io.buffer,
					   request->size);
	nvme_complete(nvme, request, status);
}

static void done_write(struct nvme_controller *nvme,
		       struct nvme_request *request)
{
	if (!request->io.result)
		request->io.result = heal(request) ? -ENOMEM : 0;
	done_plain(nvme, request);
}

static void done_compare(struct nvme_controller *nvme,
			 struct nvme_request *request)
{
	uint16_t status = status_of(request->io.result, false);
	uint8_t theirs[4096];

	for (uint32_t at = 0; !status && at < request->size;) {
		uint32_t size = request->size - at;

		if (size > sizeof(theirs))
			size = sizeof(theirs);
		status = nvme_data_from_host(nvme, request, at, theirs, size);
		if (!status && memcmp(theirs, request->io.buffer + at, size))
			status = NVME_COMPARE_FAILED;
		at += size;
	}
	nvme_complete(nvme, request, status);
}

/* As done_read(), for who does not want the data. */
static void done_verify(struct nvme_controller *nvme,
			struct nvme_request *request)
{
	nvme_complete(nvme, request, status_of(request->io.result, false));
}

/* READ and WRITE of memory: from there or to there in one move. */
static void move_memory(struct nvme_controller *nvme,
			struct nvme_request *request, uint64_t offset,
			bool to_host)
{
	uint8_t *memory = nvme->image->memory + offset;
	uint16_t status;

	if (to_host)
		status = nvme_data_to_host(nvme, request, 0, memory,
					   request->size);
	else
		status = nvme_data_from_host(nvme, request, 0, memory,
					     request->size);
	if (!status && !to_host)
		status = heal(request);
	nvme_complete(nvme, request, status);
}

static void run_read(struct nvme_controller *nvme, struct nvme_request *request,
		     nvme_done_fn *done)
{
	const struct nvme_namespace *ns = request->ns;
	uint64_t offset = offset_of(ns, first_block(&request->command));
	uint32_t size = (uint32_t)RW_BLOCKS(&request->command)
			<< nvme_block_shift(ns);
	uint16_t status = check_transfer(nvme, request);

	/* Who compares sends data, who verifies has none. */
	if (!status && done != done_verify)
		status = nvme_data_map(nvme, request, size, done == done_read);
	if (!status)
		status = check_good(request);
	if (status) {
		nvme->smart.media_errors += status == NVME_READ_ERROR;
		nvme_complete(nvme, request, status);
		return;
	}
	count_read(nvme, size);
	if (nvme->image->memory && done == done_read) {
		move_memory(nvme, request, offset, true);
		return;
	}
	if (!has_buffer(request, size)) {
		nvme_complete(nvme, request, NVME_INTERNAL);
		return;
	}
	nvme_io_submit(nvme, request, NVME_BACKEND_READ, offset, size, done);
}

static void run_write(struct nvme_controller *nvme,
		      struct nvme_request *request)
{
	const struct nvme_namespace *ns = request->ns;
	uint64_t offset = offset_of(ns, first_block(&request->command));
	uint32_t size = (uint32_t)RW_BLOCKS(&request->command)
			<< nvme_block_shift(ns);
	uint16_t status = check_writable(nvme);

	if (!status)
		status = check_transfer(nvme, request);
	if (!status)
		status = nvme_data_map(nvme, request, size, false);
	if (!status && nvme->image->memory) {
		count_written(nvme, size);
		move_memory(nvme, request, offset, false);
		return;
	}
	if (!status && !has_buffer(request, size))
		status = NVME_INTERNAL;
	if (!status)
		status = nvme_data_from_host(nvme, request, 0,
					     request->io.buffer, size);
	if (status) {
		nvme_complete(nvme, request, status);
		return;
	}
	count_written(nvme, size);
	nvme_io_submit(nvme, request, NVME_BACKEND_WRITE, offset, size,
		       done_write);
}

static void run_flush(struct nvme_controller *nvme,
		      struct nvme_request *request)
{
	nvme_io_submit(nvme, request, NVME_BACKEND_FLUSH, 0, 0, done_plain);
}

/* A hole is durable only when the image was flushed. */
static void done_zeroes(struct nvme_controller *nvme,
			struct nvme_request *request)
{
	if (request->io.result || request->step || !is_durable(nvme, request)) {
		done_write(nvme, request);
		return;
	}
	request->step = 1;
	nvme_io_submit(nvme, request, NVME_BACKEND_FLUSH, 0, 0, done_write);
}

static void run_write_zeroes(struct nvme_controller *nvme,
			     struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;
	const struct nvme_namespace *ns = request->ns;
	uint64_t count = RW_BLOCKS(command);
	uint16_t status = check_writable(nvme);

	if (!status)
		status = check_range(ns, first_block(command), count);
	if (status) {
		nvme_complete(nvme, request, status);
		return;
	}
	request->step = 0;
	nvme_io_submit(nvme, request, NVME_BACKEND_DISCARD,
		       offset_of(ns, first_block(command)),
		       count << nvme_block_shift(ns), done_zeroes);
}

static void run_uncorrectable(struct nvme_controller *nvme,
			      struct nvme_request *request)
{
	uint64_t first = first_block(&request->command);
	uint64_t count = RW_BLOCKS(&request->command);
	uint16_t status = check_writable(nvme);

	if (!status)
		status = check_range(request->ns, first, count);
	if (!status && nvme_bad_add(request->ns, first, first + count - 1))
		status = NVME_INTERNAL;
	nvme_complete(nvme, request, status);
}

/* The ranges of a DSM command are in the buffer; step is the next of them. */
static void next_range(struct nvme_controller *nvme,
		       struct nvme_request *request)
{
	const struct nvme_dsm_range *ranges = (void *)request->io.buffer;
	const struct nvme_dsm_range *range = &ranges[request->step];

	/* Deallocating is advice: what cannot be done is left. */
	while (request->step * sizeof(*range) < request->size &&
	       !range->blocks) {
		request->step++;
		range++;
	}
	if (request->step * sizeof(*range) >= request->size) {
		nvme_complete(nvme, request, NVME_OK);
		return;
	}
	request->step++;
	nvme_io_submit(nvme, request, NVME_BACKEND_DISCARD,
		       offset_of(request->ns, range->lba),
		       (uint64_t)range->blocks << nvme_block_shift(request->ns),
		       next_range);
}

static void run_dsm(struct nvme_controller *nvme, struct nvme_request *request)
{
	uint32_t count = (request->command.cdw10 & 0xff) + 1;
	uint32_t size = count * (uint32_t)sizeof(struct nvme_dsm_range);
	bool deallocates = request->command.cdw11 & NVME_DSM_DEALLOCATE;
	uint16_t status = deallocates ? check_writable(nvme) : NVME_OK;

	if (!status)
		status = nvme_data_map(nvme, request, size, false);
	if (!status && !has_buffer(request, size))
		status = NVME_INTERNAL;
	if (!status)
		status = nvme_data_from_host(nvme, request, 0,
					     request->io.buffer, size);
	for (uint32_t i = 0; !status && i < count; i++) {
		const struct nvme_dsm_range *range =
			(struct nvme_dsm_range *)(void *)request->io.buffer + i;

		status = check_range(request->ns, range->lba, range->blocks);
	}
	if (status || !deallocates) {
		nvme_complete(nvme, request, status);
		return;
	}
	request->step = 0;
	next_range(nvme, request);
}

/* Which namespace, and whether the command may be at all. */
static uint16_t admit(struct nvme_controller *nvme,
		      struct nvme_request *request)
{
	const struct nvme_command *command = &request->command;
	bool is_flush = command->opcode == NVME_IO_FLUSH;

	if (command->flags & NVME_FLAGS_FUSE)
		return NVME_INVALID_FIELD;
	if (is_flush && command->nsid == NVME_NSID_ALL)
		return NVME_OK;
	request->ns = nvme_namespace_find(nvme, command->nsid);
	return request->ns ? NVME_OK : NVME_INVALID_NAMESPACE;
}

void nvme_io_command(struct nvme_controller *nvme, struct nvme_request *request)
{
	uint16_t status = admit(nvme, request);

	if (status) {
		nvme_complete(nvme, request, status);
		return;
	}
	switch (request->command.opcode) {
	case NVME_IO_READ:
		run_read(nvme, request, done_read);
		break;
	case NVME_IO_WRITE:
		run_write(nvme, request);
		break;
	case NVME_IO_FLUSH:
		run_flush(nvme, request);
		break;
	case NVME_IO_COMPARE:
		run_read(nvme, request, done_compare);
		break;
	case NVME_IO_VERIFY:
		run_read(nvme, request, done_verify);
		break;
	case NVME_IO_WRITE_ZEROES:
		run_write_zeroes(nvme, request);
		break;
	case NVME_IO_UNCORRECTABLE:
		run_uncorrectable(nvme, request);
		break;
	case NVME_IO_DSM:
		run_dsm(nvme, request);
		break;
	default:
		nvme_complete(nvme, request, NVME_INVALID_OPCODE);
		break;
	}
}
