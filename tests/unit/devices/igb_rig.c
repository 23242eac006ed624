/* SPDX-License-Identifier: BSD-3-Clause */
#include "igb_rig.h"

#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOT_SIZE (8u << 20)
#define TX_ROOM   (2u << 20)
#define GUARD     0xa5 /* what buffers are filled with */

#define TXD_DD  0x00000001u
#define TXD_EOP 0x01000000u
#define TXD_RS  0x08000000u

void rig_init(struct rig *rig, struct uvfio_dev *dev, unsigned int slot)
{
	uint64_t base = (uint64_t)slot * SLOT_SIZE;

	memset(rig, 0, sizeof(*rig));
	rig->dev = dev;
	rig->rx_ring = base + 0x1000;
	rig->tx_ring = base + 0x11000;
	rig->tx_buffers = base + 0x100000;
	rig->rx_buffers = base + 0x100000 + TX_ROOM;
}

uint32_t rig_queue_reg(const struct rig *rig, uint32_t offset)
{
	uint32_t alias = offset < 0x3000 ? 0xc000 : 0xe000;

	if (rig->queue < 4)
		return offset + rig->queue * 0x100;
	return alias + rig->queue * 0x40 + (offset & 0x3f);
}

static void queue_set(const struct rig *rig, uint32_t offset, uint32_t value)
{
	rig_set(rig, rig_queue_reg(rig, offset), value);
}

static uint32_t srrctl_of(uint32_t buffer, bool legacy)
{
	uint32_t srrctl = legacy ? 0 : 0x02000000;

	return buffer >= 1024 && buffer != 2048 ? srrctl | buffer / 1024
						: srrctl;
}

void rig_rx_start(struct rig *rig, uint32_t count, uint32_t buffer, bool legacy,
		  uint32_t rctl)
{
	uint32_t bsize = buffer == 512 ? 2 : buffer == 256 ? 3 : 0;

	rig->rx_count = count;
	rig->rx_buffer = buffer;
	rig->rx_stride = buffer + 64;
	rig->rx_legacy = legacy;
	rig->rx_next = 0;
	rig->rx_tail = 0;
	memset(fake_memory + rig->rx_ring, 0, (size_t)count * 16);
	memset(fake_memory + rig->rx_buffers, GUARD,
	       (size_t)count * rig->rx_stride);
	queue_set(rig, 0x2800, (uint32_t)rig->rx_ring);
	queue_set(rig, 0x2804, 0);
	queue_set(rig, 0x2808, count * 16);
	queue_set(rig, 0x280c, srrctl_of(buffer, legacy));
	queue_set(rig, 0x2828, 0x02000000);
	rig_set(rig, 0x0100, rctl | bsize << 16 | 0x2);
	queue_set(rig, 0x2810, 0);
	queue_set(rig, 0x2818, 0);
}

void rig_tx_start(struct rig *rig, uint32_t count, uint32_t tctl)
{
	rig->tx_count = count;
	rig->tx_tail = 0;
	rig->tx_used = 0;
	memset(fake_memory + rig->tx_ring, 0, (size_t)count * 16);
	queue_set(rig, 0x3800, (uint32_t)rig->tx_ring);
	queue_set(rig, 0x3804, 0);
	queue_set(rig, 0x3808, count * 16);
	queue_set(rig, 0x3818, 0);
	queue_set(rig, 0x3810, 0);
	queue_set(rig, 0x3828, 0x02000000);
	rig_set(rig, 0x0400, tctl | 0x2);
}

static uint8_t *rx_descriptor(const struct rig *rig, uint32_t i)
{
	return fake_memory + rig->rx_ring + (size_t)i * 16;
}

static uint64_t rx_buffer_at(const struct rig *rig, uint32_t i)
{
	return rig->rx_buffers + (uint64_t)i * rig->rx_stride;
}

void rig_rx_arm(struct rig *rig, uint32_t count)
{
	for (; count; count--) {
		uint64_t address = rx_buffer_at(rig, rig->rx_tail);

		memset(rx_descriptor(rig, rig->rx_tail), 0, 16);
		memcpy(rx_descriptor(rig, rig->rx_tail), &address,
		       sizeof(address));
		memset(fake_memory + address, GUARD, rig->rx_stride);
		rig->rx_tail = (rig->rx_tail + 1) % rig->rx_count;
		assert_int_not_equal(rig->rx_tail, rig->rx_next);
	}
	queue_set(rig, 0x2818, rig->rx_tail);
}

static void rx_status(const struct rig *rig, uint32_t i, uint32_t *ret_status,
		      uint16_t *ret_length)
{
	uint8_t *at = rx_descriptor(rig, i);
	uint64_t address;

	memcpy(ret_status, at + (rig->rx_legacy ? 12 : 8), 4);
	memcpy(ret_length, at + (rig->rx_legacy ? 8 : 12), 2);
	if (rig->rx_legacy) {
		memcpy(&address, at, sizeof(address));
		if (*ret_status & 1)
			assert_true(address == rx_buffer_at(rig, i));
	}
}

/* Where a frame that starts at rx_next ends; false: not yet. */
static bool rx_end(const struct rig *rig, uint32_t *ret_end)
{
	uint32_t i = rig->rx_next;
	uint32_t status;
	uint16_t length;

	for (; i != rig->rx_tail; i = (i + 1) % rig->rx_count) {
		rx_status(rig, i, &status, &length);
		if (!(status & 1))
			return false;
		if (status & 2) {
			*ret_end = i;
			return true;
		}
		/* Only the last piece may be short. */
		assert_int_equal(length, rig->rx_buffer);
	}
	return false;
}

bool rig_rx_take(struct rig *rig, struct rig_frame *ret_frame)
{
	uint32_t status;
	uint16_t length;
	uint32_t end;
	uint32_t i;

	if (!rx_end(rig, &end))
		return false;
	ret_frame->length = 0;
	do {
		i = rig->rx_next;
		rx_status(rig, i, &status, &length);
		assert_true(length <= rig->rx_buffer);
		assert_true(ret_frame->length + length <=
			    sizeof(ret_frame->bytes));
		memcpy(ret_frame->bytes + ret_frame->length,
		       fake_memory + rx_buffer_at(rig, i), length);
		ret_frame->length += length;
		/* Nothing behind the frame's end was touched. */
		assert_int_equal(fake_memory[rx_buffer_at(rig, i) + length],
				 GUARD);
		rig->rx_next = (i + 1) % rig->rx_count;
	} while (i != end);
	memcpy(rig->rx_words, rx_descriptor(rig, end), sizeof(rig->rx_words));
	return true;
}

bool rig_rx_is_clean(const struct rig *rig)
{
	uint32_t i;
	uint32_t j;

	for (i = 0; i < rig->rx_count; i++) {
		const uint8_t *guard =
			fake_memory + rx_buffer_at(rig, i) + rig->rx_buffer;

		for (j = rig->rx_buffer; j < rig->rx_stride; j++) {
			if (*guard++ != GUARD)
				return false;
		}
	}
	return true;
}

uint32_t rig_tx_free(struct rig *rig)
{
	uint32_t head = rig_get(rig, rig_queue_reg(rig, 0x3810));

	return (head + rig->tx_count - rig->tx_tail - 1) % rig->tx_count;
}

void rig_tx_descriptor(struct rig *rig, uint64_t address, uint32_t command,
		       uint32_t status)
{
	uint8_t *at = fake_memory + rig->tx_ring + (size_t)rig->tx_tail * 16;

	assert_true(rig_tx_free(rig) > 0);
	memcpy(at, &address, 8);
	memcpy(at + 8, &command, 4);
	memcpy(at + 12, &status, 4);
	rig->tx_tail = (rig->tx_tail + 1) % rig->tx_count;
}

void rig_tx_put(struct rig *rig, const struct rig_frame *frame, uint32_t pieces,
		bool legacy, bool report)
{
	uint32_t kind = legacy ? 0x02000000 : 0x22300000;
	uint32_t offset = 0;
	uint64_t at;

	if (rig->tx_used + frame->length > TX_ROOM)
		rig->tx_used = 0;
	at = rig->tx_buffers + rig->tx_used;
	memcpy(fake_memory + at, frame->bytes, frame->length);
	rig->tx_used += frame->length;
	for (; pieces; pieces--) {
		uint32_t rest = frame->length - offset;
		uint32_t length = pieces == 1 ? rest : fake_random(rest + 1);
		uint32_t command = kind | length;

		if (pieces == 1)
			command |= TXD_EOP | (report ? TXD_RS : 0);
		rig_tx_descriptor(rig, at + offset, command,
				  legacy ? 0 : frame->length << 14);
		offset += length;
	}
}

void rig_tx_ring_bell(struct rig *rig)
{
	queue_set(rig, 0x3818, rig->tx_tail);
}

/* To the broadcast address, with a content that the seed decides. */
void rig_frame_fill(struct rig_frame *frame, uint32_t length, uint32_t seed)
{
	uint32_t i;

	frame->length = length;
	for (i = 0; i < length; i++) {
		seed = seed * 1664525 + 1013904223;
		frame->bytes[i] = (uint8_t)(seed >> 24);
	}
	memset(frame->bytes, 0xff, 6);
	if (length >= 14)
		memcpy(frame->bytes + 12, "\x88\xb5", 2);
}

void rig_capture_name(char path[RIG_PATH], const char *what)
{
	(void)snprintf(path, RIG_PATH, "/tmp/uvfio-igb-%ld-%s.pcap",
		       (long)getpid(), what);
}

void rig_capture_write(const char *path, const struct rig_frame *frames,
		       uint32_t count, int link_type)
{
	pcap_t *pcap = pcap_open_dead(link_type, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
	struct pcap_pkthdr header = {0};
	uint32_t i;

	assert_non_null(dumper);
	for (i = 0; i < count; i++) {
		header.len = frames[i].length;
		header.caplen = frames[i].length;
		pcap_dump((u_char *)dumper, &header, frames[i].bytes);
	}
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

uint32_t rig_capture_read(const char *path, struct rig_frame *frames,
			  uint32_t limit)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);
	struct pcap_pkthdr *header;
	const u_char *data;
	uint32_t count = 0;
	int ret;

	assert_non_null(pcap);
	assert_int_equal(pcap_datalink(pcap), DLT_EN10MB);
	while ((ret = pcap_next_ex(pcap, &header, &data)) == 1) {
		assert_true(count < limit);
		assert_true(header->caplen <= sizeof(frames->bytes));
		assert_int_equal(header->caplen, header->len);
		frames[count].length = header->caplen;
		memcpy(frames[count].bytes, data, header->caplen);
		count++;
	}
	assert_int_equal(ret, PCAP_ERROR_BREAK);
	pcap_close(pcap);
	return count;
}
