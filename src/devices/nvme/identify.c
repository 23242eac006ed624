/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identify: what the controller and its namespaces are.  Section 5.15; fields
 * that are not written are zero, which means none or not supported.
 */
#include <stdio.h>
#include <string.h>

#include <uvfio/version.h>

#include "nvme.h"

static void put16(uint8_t *page, uint32_t at, uint16_t value)
{
	memcpy(page + at, &value, sizeof(value));
}

static void put32(uint8_t *page, uint32_t at, uint32_t value)
{
	memcpy(page + at, &value, sizeof(value));
}

static void put64(uint8_t *page, uint32_t at, uint64_t value)
{
	memcpy(page + at, &value, sizeof(value));
}

/* Texts are filled with spaces and have no end. */
static void put_text(uint8_t *page, uint32_t at, const char *text, size_t size)
{
	size_t len = strlen(text);

	memset(page + at, ' ', size);
	memcpy(page + at, text, len < size ? len : size);
}

static uint64_t capacity(const struct nvme_controller *nvme)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nvme->namespace_count; i++)
		sum += nvme->namespaces[i].size;
	return sum;
}

static void describe_controller(const struct nvme_controller *nvme,
				uint8_t *page)
{
	char name[256];

	put16(page, 0, 0x1b36);
	put16(page, 2, 0x1af4);
	put_text(page, 4, nvme->serial, 20);
	put_text(page, 24, "uvfio NVMe", 40);
	put_text(page, 64, UVFIO_VERSION, 8);
	page[72] = 6;                   /* RAB: 2^6 commands */
	page[77] = (uint8_t)nvme->mdts; /* MDTS */
	put32(page, 80, NVME_VERSION);
	put32(page, 92, NVME_EVENTS_CHANGED); /* OAES */
	page[111] = 1;                        /* CNTRLTYPE: I/O */
	put16(page, 256, 0x0102); /* OACS: Format, Doorbell Buffer Config */
	page[258] = NVME_ABORTS_MAX - 1;
	page[259] = NVME_EVENTS_MAX - 1;
	page[260] = 0x03; /* FRMW: one slot, read only */
	page[261] = 0x06; /* LPA: effects, and offsets of any size */
	page[262] = NVME_ERRORS_MAX - 1;
	put16(page, 266, 343); /* WCTEMP, CCTEMP: kelvin */
	put16(page, 268, 373);
	put64(page, 280, capacity(nvme)); /* TNVMCAP */
	put16(page, 320, 10);             /* KAS: of 100 ms */
	page[512] = 0x66;                 /* SQES, CQES: 64 and 16 bytes */
	page[513] = 0x44;
	put32(page, 516, nvme->namespace_count);
	/*
	 * ONCS: Compare, Write Uncorrectable, Dataset Management, Write
	 * Zeroes, Select of features, Timestamp, Verify.
	 */
	put16(page, 520, 0x00df);
	page[525] = 0x7; /* VWC: there is one; flush of all namespaces */
	/* SGLs, bit buckets, and lists longer than the data. */
	put32(page, 536, 1u | 1u << 16 | 1u << 18);
	(void)snprintf(name, sizeof(name), "nqn.2026-11.org.uvfio:%s",
		       nvme->serial);
	memcpy(page + 768, name, strlen(name) + 1);
	/* One power state: 25 W. */
	put16(page, 2048, 2500);
}

static void describe_namespace(const struct nvme_namespace *ns, uint8_t *page)
{
	put64(page, 0, ns->blocks);
	put64(page, 8, ns->blocks);
	put64(page, 16, ns->blocks);
	/* A namespace of odd size has blocks of 512 bytes only. */
	page[25] = (uint8_t)(ns->size % 4096 ? 0 : NVME_FORMATS - 1);
	page[26] = ns->format;
	page[33] = 0x9; /* DLFEAT: zeroes, also by Write Zeroes */
	put64(page, 48, ns->size);
	memcpy(page + 104, ns->guid, sizeof(ns->guid));
	put32(page, 128, 9u << 16);
	if (page[25])
		put32(page, 132, 12u << 16);
}

/* Numbers above the one that is given. */
static void list_active(const struct nvme_controller *nvme, uint32_t from,
			uint8_t *page)
{
	for (uint32_t i = 0; i < NVME_IDENTIFY_SIZE / 4; i++) {
		if (from >= nvme->namespace_count)
			break;
		put32(page, i * 4, ++from);
	}
}

static void describe_ids(const struct nvme_namespace *ns, uint8_t *page)
{
	page[0] = 2; /* NGUID */
	page[1] = sizeof(ns->guid);
	memcpy(page + 4, ns->guid, sizeof(ns->guid));
}

static uint16_t fill(struct nvme_controller *nvme,
		     const struct nvme_command *command, uint8_t *page)
{
	struct nvme_namespace *ns = nvme_namespace_find(nvme, command->nsid);

	switch (command->cdw10 & 0xff) {
	case NVME_CNS_CONTROLLER:
		describe_controller(nvme, page);
		return NVME_OK;
	case NVME_CNS_NAMESPACE:
		/* What all have in common: the formats. */
		if (command->nsid == NVME_NSID_ALL)
			ns = nvme->namespaces;
		if (!ns)
			return NVME_INVALID_NAMESPACE;
		describe_namespace(ns, page);
		if (command->nsid == NVME_NSID_ALL)
			memset(page, 0, 25);
		return NVME_OK;
	case NVME_CNS_ACTIVE:
		if (command->nsid >= NVME_NSID_ALL - 1)
			return NVME_INVALID_NAMESPACE;
		list_active(nvme, command->nsid, page);
		return NVME_OK;
	case NVME_CNS_DESCRIPTORS:
		if (!ns)
			return NVME_INVALID_NAMESPACE;
		describe_ids(ns, page);
		return NVME_OK;
	default:
		return NVME_INVALID_FIELD;
	}
}

void nvme_identify(struct nvme_controller *nvme, struct nvme_request *request)
{
	uint8_t page[NVME_IDENTIFY_SIZE] = {0};
	uint16_t status = fill(nvme, &request->command, page);

	if (status)
		nvme_complete(nvme, request, status);
	else
		nvme_answer(nvme, request, page, sizeof(page));
}
