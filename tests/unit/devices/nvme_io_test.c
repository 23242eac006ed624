/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of nvme's I/O queues: data by PRP entries, lists and SGLs, every
 * command, and a long random run against an array of bytes; on memory and on
 * files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nvme_rig.h"

#define IMAGE_SIZE (4u << 20)
#define BLOCKS     (IMAGE_SIZE / 512)
#define LISTS      (NVME_RIG_DATA + 0x400000) /* PRP lists and SGLs */

static struct nvme_rig rig;
static char path[] = "/tmp/uvfio-nvme-XXXXXX";
static uint8_t *const data = fake_memory + NVME_RIG_DATA;

/* How the disk of a test is kept. */
static const struct fake_option memory[] = {{"size", "4M"}, {NULL, NULL}};
static const struct fake_option uring[] = {
	{"size", "4M"}, {"file", path}, {NULL, NULL}};
static const struct fake_option threads[] = {
	{"size", "4M"}, {"file", path}, {"aio", "threads"}, {NULL, NULL}};
static const struct fake_option through[] = {{"size", "4M"},
					     {"file", path},
					     {"cache", "writethrough"},
					     {NULL, NULL}};

static int start(const struct fake_option *options)
{
	unlink(path);
	nvme_rig_create(&rig, options);
	nvme_rig_start(&rig, 2);
	return 0;
}

static int setup_memory(void **state)
{
	(void)state;
	return start(memory);
}

static int setup_uring(void **state)
{
	(void)state;
	return start(uring);
}

static int setup_threads(void **state)
{
	(void)state;
	return start(threads);
}

static int setup_through(void **state)
{
	(void)state;
	return start(through);
}

static int teardown(void **state)
{
	(void)state;
	nvme_rig_destroy(&rig);
	unlink(path);
	return 0;
}

static void fill(uint64_t address, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		fake_memory[address + i] = (uint8_t)fake_random(256);
}

static struct nvme_command transfer(uint8_t opcode, uint64_t lba,
				    uint32_t blocks)
{
	return (struct nvme_command){
		.opcode = opcode,
		.nsid = 1,
		.cdw10 = (uint32_t)lba,
		.cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = blocks - 1,
	};
}

/* Put an entry of a PRP list, or eight bytes of an SGL, at LISTS. */
static void put_list(uint32_t index, uint64_t value)
{
	memcpy(fake_memory + LISTS + index * 8, &value, sizeof(value));
}

static void put_sgl(uint32_t index, uint64_t address, uint32_t length,
		    uint32_t type)
{
	const struct nvme_sgl sgl = {
		.address = address,
		.length = length,
		.type = (uint8_t)(type << 4),
	};

	memcpy(fake_memory + LISTS + index * sizeof(sgl), &sgl, sizeof(sgl));
}

static void set_sgl(struct nvme_command *command, uint64_t address,
		    uint32_t length, uint32_t type)
{
	const struct nvme_sgl sgl = {
		.address = address,
		.length = length,
		.type = (uint8_t)(type << 4),
	};

	command->flags = 0x40;
	memcpy(&command->prp1, &sgl, sizeof(sgl));
}

static void data_by_one_and_two_pages(void **state)
{
	(void)state;
	fill(NVME_RIG_DATA, 8192);
	/* From the middle of a page into the next. */
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE, 5, 8, NVME_RIG_DATA + 512),
		0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 5, 8,
				       NVME_RIG_DATA + 0x10004),
			 0);
	assert_memory_equal(data + 512, data + 0x10004, 4096);
}

static void data_by_a_list(void **state)
{
	struct nvme_command command = transfer(NVME_IO_WRITE, 0, 64);

	(void)state;
	fill(NVME_RIG_DATA, 32768);
	/* Pages in reverse; the list begins in the middle of a page. */
	command.prp1 = NVME_RIG_DATA + 7 * 4096;
	command.prp2 = LISTS + 512 * 8 - 3 * 8;
	for (uint32_t i = 0; i < 2; i++)
		put_list(512 - 3 + i, NVME_RIG_DATA + (6 - i) * 4096);
	/* The last entry of the page leads on. */
	put_list(511, LISTS + 4096 + 64);
	for (uint32_t i = 0; i < 5; i++)
		put_list(512 + 8 + i, NVME_RIG_DATA + (4 - i) * 4096);
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, i * 8, 8,
					       NVME_RIG_DATA + 0x20000),
				 0);
		assert_memory_equal(data + (7 - i) * 4096, data + 0x20000,
				    4096);
	}
}

static void refuses_wrong_lists(void **state)
{
	struct nvme_command command = transfer(NVME_IO_READ, 0, 64);

	(void)state;
	command.prp1 = NVME_RIG_DATA + 2;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_PRP_OFFSET);
	command.prp1 = NVME_RIG_DATA;
	command.prp2 = LISTS + 4;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_PRP_OFFSET);
	command.prp2 = LISTS;
	put_list(0, NVME_RIG_DATA + 4);
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_PRP_OFFSET);
	/* A list that leads to itself, and one that is nothing but links. */
	command.prp2 = LISTS + 511 * 8;
	put_list(511, LISTS + 511 * 8);
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_PRP_OFFSET);
	command.prp2 = FAKE_MEMORY_SIZE;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_DATA_TRANSFER);
	command = transfer(NVME_IO_READ, 0, 16);
	command.prp1 = NVME_RIG_DATA;
	command.prp2 = NVME_RIG_DATA + 4096 + 512;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_PRP_OFFSET);
	command.prp2 = FAKE_MEMORY_SIZE + 4096;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_DATA_TRANSFER);
	assert_int_equal(nvme_rig_get(&rig, NVME_CSTS), NVME_CSTS_RDY);
}

static void data_by_sgl(void **state)
{
	struct nvme_command command = transfer(NVME_IO_WRITE, 0, 8);

	(void)state;
	fill(NVME_RIG_DATA, 4096);
	set_sgl(&command, NVME_RIG_DATA, 4096, NVME_SGL_DATA);
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);

	/* Two segments, odd pieces, and a bucket for what is not wanted. */
	command = transfer(NVME_IO_READ, 0, 8);
	put_sgl(0, NVME_RIG_DATA + 0x10001, 1000, NVME_SGL_DATA);
	put_sgl(1, 0, 24, NVME_SGL_BUCKET);
	put_sgl(2, LISTS + 256, 32, NVME_SGL_LAST);
	put_sgl(16, NVME_RIG_DATA + 0x11000, 3000, NVME_SGL_DATA);
	/* More than the data: the rest is left alone. */
	put_sgl(17, NVME_RIG_DATA + 0x12000, 4096, NVME_SGL_DATA);
	set_sgl(&command, LISTS, 48, NVME_SGL_SEGMENT);
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	assert_memory_equal(data + 0x10001, data, 1000);
	assert_memory_equal(data + 0x11000, data + 1024, 3000);
	assert_memory_equal(data + 0x12000, data + 4024, 72);
	assert_int_equal(data[0x12000 + 72], 0);
}

static void refuses_wrong_sgls(void **state)
{
	struct nvme_command read = transfer(NVME_IO_READ, 0, 8);
	struct nvme_command write = transfer(NVME_IO_WRITE, 0, 8);

	(void)state;
	set_sgl(&read, NVME_RIG_DATA, 4095, NVME_SGL_DATA);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_LENGTH);
	set_sgl(&read, NVME_RIG_DATA, 4096, 0xf);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_TYPE);
	set_sgl(&write, 0, 4096, NVME_SGL_BUCKET);
	assert_int_equal(nvme_rig_do(&rig, 1, &write), NVME_SGL_BAD_TYPE);
	set_sgl(&read, LISTS, 0, NVME_SGL_LAST);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_SEGMENT);
	set_sgl(&read, LISTS, 20, NVME_SGL_LAST);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_SEGMENT);
	set_sgl(&read, LISTS, 16u * 4097, NVME_SGL_LAST);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_COUNT);
	/* A last segment leads nowhere, any other must; and not in circles. */
	put_sgl(0, LISTS, 16, NVME_SGL_LAST);
	set_sgl(&read, LISTS, 16, NVME_SGL_LAST);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_SEGMENT);
	put_sgl(0, NVME_RIG_DATA, 4096, NVME_SGL_DATA);
	set_sgl(&read, LISTS, 16, NVME_SGL_SEGMENT);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_SEGMENT);
	put_sgl(0, LISTS, 16, NVME_SGL_SEGMENT);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_SGL_BAD_COUNT);
	set_sgl(&read, FAKE_MEMORY_SIZE, 16, NVME_SGL_SEGMENT);
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_DATA_TRANSFER);
	read.flags = 0xc0;
	assert_int_equal(nvme_rig_do(&rig, 1, &read), NVME_INVALID_FIELD);
}

static void refuses_wrong_ranges(void **state)
{
	struct nvme_command command = transfer(NVME_IO_READ, 0, 1);

	(void)state;
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_READ, BLOCKS - 1, 1, NVME_RIG_DATA),
		0);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_READ, BLOCKS - 1, 2, NVME_RIG_DATA),
		NVME_LBA_RANGE);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE, UINT64_MAX, 2,
				       NVME_RIG_DATA),
			 NVME_LBA_RANGE);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE_ZEROES, BLOCKS, 1, 0),
		NVME_LBA_RANGE);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_UNCORRECTABLE, BLOCKS, 1, 0),
		NVME_LBA_RANGE);
	/* More than MDTS: 2^7 pages. */
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_READ, 0, 1025, NVME_RIG_DATA),
		NVME_INVALID_FIELD);
	command.nsid = 2;
	assert_int_equal(nvme_rig_do(&rig, 1, &command),
			 NVME_INVALID_NAMESPACE);
	command.nsid = 0;
	assert_int_equal(nvme_rig_do(&rig, 1, &command),
			 NVME_INVALID_NAMESPACE);
	command.nsid = 1;
	command.opcode = 0x55;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_INVALID_OPCODE);
	command.opcode = NVME_IO_READ;
	command.flags = 1;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_INVALID_FIELD);
}

static void flushes_one_and_all(void **state)
{
	struct nvme_command command = {.opcode = NVME_IO_FLUSH, .nsid = 1};

	(void)state;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	command.nsid = NVME_NSID_ALL;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	command.nsid = 5;
	assert_int_equal(nvme_rig_do(&rig, 1, &command),
			 NVME_INVALID_NAMESPACE);
}

static void compares(void **state)
{
	(void)state;
	fill(NVME_RIG_DATA, 8192);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE, 3, 16, NVME_RIG_DATA), 0);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_COMPARE, 3, 16, NVME_RIG_DATA), 0);
	data[8191] ^= 1;
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_COMPARE, 3, 16, NVME_RIG_DATA),
		NVME_COMPARE_FAILED);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_VERIFY, 3, 16, 0), 0);
}

static void blocks_become_bad_and_good(void **state)
{
	(void)state;
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_UNCORRECTABLE, 10, 10, 0),
			 0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 5, 5, NVME_RIG_DATA),
			 0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 5, 6, NVME_RIG_DATA),
			 NVME_READ_ERROR);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_VERIFY, 19, 1, 0),
			 NVME_READ_ERROR);
	/* One in the middle is written. */
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_WRITE, 15, 1, NVME_RIG_DATA), 0);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_READ, 15, 1, NVME_RIG_DATA), 0);
	assert_int_equal(
		nvme_rig_move(&rig, NVME_IO_READ, 14, 2, NVME_RIG_DATA),
		NVME_READ_ERROR);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE_ZEROES, 0, 40, 0),
			 0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 8, 8, NVME_RIG_DATA),
			 0);
}

static void deallocates(void **state)
{
	struct nvme_command command = {
		.opcode = NVME_IO_DSM,
		.nsid = 1,
		.prp1 = LISTS,
		.cdw10 = 2,
		.cdw11 = NVME_DSM_DEALLOCATE,
	};
	struct nvme_dsm_range ranges[3] = {{.blocks = 8, .lba = 8},
					   {.blocks = 0},
					   {.blocks = 8, .lba = 24}};

	(void)state;
	fill(NVME_RIG_DATA, 4096);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_WRITE, i * 8, 8,
					       NVME_RIG_DATA),
				 0);
	memcpy(fake_memory + LISTS, ranges, sizeof(ranges));
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, i * 8, 8,
					       NVME_RIG_DATA + 0x10000),
				 0);
		if (i % 2)
			memset(data + 4096, 0, 4096);
		else
			memcpy(data + 4096, data, 4096);
		assert_memory_equal(data + 4096, data + 0x10000, 4096);
	}
	/* Nothing happens when any range is wrong, or none is to go. */
	ranges[2].lba = BLOCKS;
	memcpy(fake_memory + LISTS, ranges, sizeof(ranges));
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_LBA_RANGE);
	command.cdw11 = 0;
	ranges[2].lba = 0;
	memcpy(fake_memory + LISTS, ranges, sizeof(ranges));
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 0, 8,
				       NVME_RIG_DATA + 0x10000),
			 0);
	assert_memory_equal(data, data + 0x10000, 4096);
	command.prp1 = FAKE_MEMORY_SIZE;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_DATA_TRANSFER);
}

/* Lists and data in the controller's own memory. */
static void memory_of_its_own(void **state)
{
	static const struct fake_option options[] = {
		{"size", "4M"}, {"cmb", "1M"}, {NULL, NULL}};
	const uint64_t base = UINT64_C(0x4000000000);
	struct nvme_command command = transfer(NVME_IO_WRITE, 7, 64);
	uint64_t entry;
	uint8_t *cmb;

	(void)state;
	nvme_rig_destroy(&rig);
	nvme_rig_create(&rig, options);
	cmb = rig.dev->bars[2];
	/* It is there when it was asked for, and where it was told to be. */
	assert_int_equal(nvme_rig_get(&rig, NVME_CAP + 4) >> 25 & 1, 1);
	assert_int_equal(nvme_rig_get(&rig, NVME_CMBSZ), 0);
	nvme_rig_set(&rig, NVME_CMBMSC + 4, (uint32_t)(base >> 32));
	nvme_rig_set(&rig, NVME_CMBMSC, NVME_CMBMSC_CRE | NVME_CMBMSC_CMSE);
	assert_int_equal(nvme_rig_get(&rig, NVME_CMBSZ), 256u << 12 | 0x1f);
	assert_int_equal(nvme_rig_get(&rig, NVME_CMBLOC) & 7, 2);
	nvme_rig_start(&rig, 1);
	for (uint32_t i = 0; i < 32768; i++)
		cmb[0x10000 + i] = (uint8_t)fake_random(256);
	for (uint32_t i = 0; i < 7; i++) {
		entry = base + 0x11000 + i * 4096;
		memcpy(cmb + 0x8000 + i * 8, &entry, sizeof(entry));
	}
	command.prp1 = base + 0x10000;
	command.prp2 = base + 0x8000;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 7 + i * 8, 8,
					       NVME_RIG_DATA),
				 0);
		assert_memory_equal(cmb + 0x10000 + i * 4096, data, 4096);
	}
	/* Not a byte beyond its end. */
	command.prp1 = base + 0x100000 - 4096;
	command.prp2 = base + 0x100000;
	command.cdw12 = 15;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), NVME_DATA_TRANSFER);
}

/* A queue that goes takes its commands with it, once they are done. */
static void deletion_waits_for_commands(void **state)
{
	const struct nvme_command remove = {
		.opcode = NVME_ADMIN_DELETE_SQ,
		.cdw10 = 2,
	};
	struct nvme_command command = transfer(NVME_IO_WRITE, 0, 8);

	(void)state;
	command.prp1 = NVME_RIG_DATA;
	for (unsigned int i = 0; i < 10; i++)
		(void)nvme_rig_put(&rig, 2, &command);
	/* Some are fetched before the deletion, perhaps all. */
	(void)rig.dev->model->ops->poll(rig.dev);
	assert_int_equal(nvme_rig_do(&rig, 0, &remove), 0);
	while (nvme_rig_take(&rig, 2))
		assert_int_equal(rig.last.status, 0);
	command.opcode = NVME_IO_READ;
	assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
}

static void stops_with_commands_under_way(void **state)
{
	struct nvme_command command = transfer(NVME_IO_WRITE, 100, 8);

	(void)state;
	fill(NVME_RIG_DATA, 4096);
	command.prp1 = NVME_RIG_DATA;
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < 8; i++)
			(void)nvme_rig_put(&rig, 1 + i % 2, &command);
		(void)rig.dev->model->ops->poll(rig.dev);
		nvme_rig_stop(&rig);
		nvme_rig_start(&rig, 2);
	}
	assert_int_equal(nvme_rig_move(&rig, NVME_IO_READ, 100, 8,
				       NVME_RIG_DATA + 0x10000),
			 0);
	assert_memory_equal(data, data + 0x10000, 4096);
}

/* Where the data of a random command is: all kinds of lists. */
static void scatter(struct nvme_command *command, uint32_t size, uint8_t *bytes,
		    bool to_host)
{
	const uint64_t base = NVME_RIG_DATA + 0x100000;
	bool by_sgl = fake_random(2);
	uint32_t offset = by_sgl ? fake_random(4096) : fake_random(1024) * 4;
	uint32_t done = 0;
	uint32_t entries = 0;

	if (by_sgl) {
		while (done < size) {
			uint32_t some = 1 + fake_random(3000);
			uint64_t at = base + offset + done + entries * 64;

			some = some < size - done ? some : size - done;
			put_sgl(entries++, at, some, NVME_SGL_DATA);
			if (to_host)
				memcpy(bytes + done, fake_memory + at, some);
			else
				memcpy(fake_memory + at, bytes + done, some);
			done += some;
		}
		set_sgl(command, LISTS, entries * 16, NVME_SGL_LAST);
		return;
	}
	command->prp1 = base + offset;
	command->prp2 = LISTS;
	for (uint64_t page = (base + offset) / 4096 + 1;
	     page * 4096 < base + offset + size; page++)
		put_list(entries++, page * 4096);
	if (entries == 1)
		memcpy(&command->prp2, fake_memory + LISTS, 8);
	if (to_host)
		memcpy(bytes, fake_memory + base + offset, size);
	else
		memcpy(fake_memory + base + offset, bytes, size);
}

/* Where a read of scatter() left the bytes. */
static void gather(const struct nvme_command *command, uint32_t size,
		   uint8_t *bytes)
{
	uint32_t done = 0;

	if (!command->flags) {
		memcpy(bytes, fake_memory + command->prp1, size);
		return;
	}
	for (uint32_t i = 0; done < size; i++) {
		struct nvme_sgl sgl;

		memcpy(&sgl, fake_memory + LISTS + i * sizeof(sgl),
		       sizeof(sgl));
		memcpy(bytes + done, fake_memory + sgl.address, sgl.length);
		done += sgl.length;
	}
}

/* The image as an array of bytes; what a disk must be, and nothing more. */
static uint8_t model[IMAGE_SIZE];
static uint8_t buffer[512 * 256];

static void step(void)
{
	uint64_t lba = fake_random(BLOCKS - 256);
	uint32_t blocks = 1 + fake_random(200);
	uint32_t size = blocks * 512;
	uint32_t what = fake_random(10);
	struct nvme_command command;

	if (what < 4) {
		command = transfer(NVME_IO_WRITE, lba, blocks);
		for (uint32_t i = 0; i < size; i++)
			buffer[i] = (uint8_t)fake_random(256);
		command.cdw12 |= fake_random(4) ? 0 : NVME_RW_FUA;
		scatter(&command, size, buffer, false);
		assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
		memcpy(model + lba * 512, buffer, size);
	} else if (what < 8) {
		command = transfer(NVME_IO_READ, lba, blocks);
		scatter(&command, size, buffer, true);
		assert_int_equal(nvme_rig_do(&rig, 2, &command), 0);
		gather(&command, size, buffer);
		assert_memory_equal(buffer, model + lba * 512, size);
	} else if (what == 8) {
		command = transfer(NVME_IO_WRITE_ZEROES, lba, blocks);
		command.cdw12 |= fake_random(2) ? 0 : NVME_RW_DEALLOCATE;
		assert_int_equal(nvme_rig_do(&rig, 1, &command), 0);
		memset(model + lba * 512, 0, size);
	} else {
		command = transfer(NVME_IO_COMPARE, lba, blocks);
		memcpy(buffer, model + lba * 512, size);
		if (fake_random(2))
			buffer[fake_random(size)] ^= 0x40;
		scatter(&command, size, buffer, false);
		assert_int_equal(nvme_rig_do(&rig, 1, &command),
				 memcmp(buffer, model + lba * 512, size)
					 ? NVME_COMPARE_FAILED
					 : 0);
	}
}

static void is_like_an_array(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	for (unsigned int i = 0; i < 2000; i++)
		step();
}

#define CASE(test, how) cmocka_unit_test_setup_teardown(test, how, teardown)
#define CASES(how)                                                             \
	CASE(data_by_one_and_two_pages, how), CASE(data_by_a_list, how),       \
		CASE(refuses_wrong_lists, how), CASE(data_by_sgl, how),        \
		CASE(refuses_wrong_sgls, how),                                 \
		CASE(refuses_wrong_ranges, how),                               \
		CASE(flushes_one_and_all, how), CASE(compares, how),           \
		CASE(blocks_become_bad_and_good, how), CASE(deallocates, how), \
		CASE(deletion_waits_for_commands, how),                        \
		CASE(stops_with_commands_under_way, how),                      \
		CASE(is_like_an_array, how)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASES(setup_memory),  CASE(memory_of_its_own, setup_memory),
		CASES(setup_uring),   CASES(setup_threads),
		CASES(setup_through),
	};
	int fd = mkstemp(path);

	if (fd < 0) {
		perror(path);
		return 1;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
