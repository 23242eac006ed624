/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An adapter that forwards a capture, and is moved to a fresh machine again
 * and again, at any point of what it and its driver do: each frame is received
 * once and sent once, in order.
 *
 * Frames are longer than the buffers of receive descriptors, which are armed
 * one at a time, and are sent by several descriptors, each with a doorbell of
 * its own, so that frames are often half here and half there.
 *
 * MIGRATION_SEED and MIGRATION_HOPS in the environment choose other points,
 * and how many.
 */
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/machine.h"
#include "lib/migrate.h"

#define HOPS       1000u
#define RING       32u /* descriptors */
#define RX_BUFFER  1024u
#define TX_BUFFER  4096u
#define FRAME_MAX  3000u
#define FRAME_MIN  60u
#define PIECES_MAX 3u

/* Where all of it is on the bus, and in memory. */
#define IOVA       0x10000000u
#define RX_RING    0x0000u
#define TX_RING    0x1000u
#define RX_BUFFERS 0x2000u
#define TX_BUFFERS (RX_BUFFERS + RING * RX_BUFFER)
#define SIZE       (TX_BUFFERS + RING * TX_BUFFER)

#define RCTL   0x0100
#define TCTL   0x0400
#define RDBAL  0x2800
#define RDLEN  0x2808
#define SRRCTL 0x280c
#define RDT    0x2818
#define RXDCTL 0x2828
#define TDBAL  0x3800
#define TDLEN  0x3808
#define TDT    0x3818
#define TXDCTL 0x3828

#define QUEUE_ENABLE 0x02000000u
#define RXD_DD       1u
#define RXD_EOP      2u
#define TXD_DD       1u
#define TXD_DATA     0x20300000u /* advanced, data */
#define TXD_EOP      0x01000000u
#define TXD_IFCS     0x02000000u
#define TXD_RS       0x08000000u

struct frame {
	uint32_t length;
	uint8_t bytes[FRAME_MAX];
};

/* The driver, which stays where it is. */
struct driver {
	struct side side;
	uint8_t *memory;
	uint64_t seed;
	unsigned int rx_tail, rx_next; /* counts; not wrapped */
	unsigned int tx_tail, tx_done;
	struct frame gathering; /* of receive descriptors */
	struct frame sending;
	uint32_t sent; /* bytes of it that were given to descriptors */
	bool is_sending;
	unsigned int received; /* frames */
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint32_t pick(struct driver *driver, uint32_t count)
{
	return (uint32_t)(next_random(&driver->seed) % count);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* Frame number @index of a capture; its bytes follow from that. */
static void make_frame(struct frame *frame, unsigned int index)
{
	uint64_t seed = index * 0x9e3779b97f4a7c15ull + 1;

	frame->length = FRAME_MIN +
			(uint32_t)(next_random(&seed) % 8
					   ? next_random(&seed) % 500
					   : next_random(&seed) %
						     (FRAME_MAX - FRAME_MIN));
	for (uint32_t i = 0; i < frame->length; i++)
		frame->bytes[i] = (uint8_t)next_random(&seed);
	/* No tag, no group address. */
	frame->bytes[0] = 2;
	frame->bytes[12] = 0x88;
	frame->bytes[13] = 0xb5;
}

static void write_capture(const char *path, unsigned int count)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0,
					   0,          65535,      1};
	FILE *file = fopen(path, "wb");
	struct frame frame;

	assert_non_null(file);
	assert_int_equal(fwrite(header, sizeof(header), 1, file), 1);
	for (unsigned int i = 0; i < count; i++) {
		uint32_t record[4] = {0};

		make_frame(&frame, i);
		record[2] = frame.length;
		record[3] = frame.length;
		assert_int_equal(fwrite(record, sizeof(record), 1, file), 1);
		assert_int_equal(fwrite(frame.bytes, frame.length, 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
}

/* The frames that one machine sent follow those of the machines before. */
static unsigned int check_capture(const char *path, unsigned int first)
{
	FILE *file = fopen(path, "rb");
	uint32_t header[6], record[4];
	struct frame frame, want;

	assert_non_null(file);
	assert_int_equal(fread(header, sizeof(header), 1, file), 1);
	while (fread(record, sizeof(record), 1, file) == 1) {
		make_frame(&want, first++);
		assert_int_equal(record[2], want.length);
		assert_int_equal(fread(frame.bytes, record[2], 1, file), 1);
		assert_memory_equal(frame.bytes, want.bytes, want.length);
	}
	fclose(file);
	return first;
}

static void set64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void set32(uint8_t *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)at, value, __ATOMIC_RELEASE);
}

static uint32_t get32(const uint8_t *at)
{
	return __atomic_load_n((const uint32_t *)(const void *)at,
			       __ATOMIC_ACQUIRE);
}

static uint8_t *rx_descriptor(struct driver *driver, unsigned int i)
{
	return driver->memory + RX_RING + i % RING * 16;
}

static uint8_t *tx_descriptor(struct driver *driver, unsigned int i)
{
	return driver->memory + TX_RING + i % RING * 16;
}

static void arm(struct driver *driver)
{
	unsigned int i = driver->rx_tail % RING;
	uint8_t *descriptor = rx_descriptor(driver, i);

	if (driver->rx_tail - driver->rx_next == RING - 1)
		return;
	set64(descriptor, IOVA + RX_BUFFERS + i * RX_BUFFER);
	set64(descriptor + 8, 0);
	driver->rx_tail++;
	side_write(&driver->side, 0, RDT, driver->rx_tail % RING);
}

/* A frame that is whole waits until the one before it is given away. */
static void receive(struct driver *driver)
{
	uint8_t *descriptor = rx_descriptor(driver, driver->rx_next);
	struct frame *frame = &driver->gathering;
	uint32_t status = get32(descriptor + 8);
	uint16_t length;

	if (driver->rx_next == driver->rx_tail || !(status & RXD_DD) ||
	    driver->is_sending)
		return;
	memcpy(&length, descriptor + 12, sizeof(length));
	assert_true(frame->length + length <= FRAME_MAX);
	memcpy(frame->bytes + frame->length,
	       driver->memory + RX_BUFFERS + driver->rx_next % RING * RX_BUFFER,
	       length);
	frame->length += length;
	driver->rx_next++;
	if (!(status & RXD_EOP))
		return;
	driver->sending = *frame;
	driver->is_sending = true;
	driver->sent = 0;
	driver->received++;
	frame->length = 0;
}

static void reclaim(struct driver *driver)
{
	while (driver->tx_done != driver->tx_tail &&
	       get32(tx_descriptor(driver, driver->tx_done) + 12) & TXD_DD)
		driver->tx_done++;
}

/* The next piece of a frame, with a doorbell or without. */
static void send_piece(struct driver *driver)
{
	unsigned int i = driver->tx_tail % RING;
	uint8_t *descriptor = tx_descriptor(driver, i);
	uint32_t left = driver->sending.length - driver->sent;
	uint32_t size = left / (1 + pick(driver, PIECES_MAX));
	uint32_t command = TXD_DATA | TXD_IFCS | TXD_RS;

	reclaim(driver);
	if (!driver->is_sending ||
	    driver->tx_tail - driver->tx_done == RING - 1)
		return;
	if (size < 20)
		size = left;
	if (size == left)
		command |= TXD_EOP;
	memcpy(driver->memory + TX_BUFFERS + i * TX_BUFFER,
	       driver->sending.bytes + driver->sent, size);
	set64(descriptor, IOVA + TX_BUFFERS + i * TX_BUFFER);
	set32(descriptor + 8, command | size);
	set32(descriptor + 12, driver->sending.length << 14);
	driver->sent += size;
	driver->is_sending = driver->sent < driver->sending.length;
	driver->tx_tail++;
	side_write(&driver->side, 0, TDT, driver->tx_tail % RING);
}

static void step(struct driver *driver)
{
	switch (pick(driver, 4)) {
	case 0:
		arm(driver);
		break;
	case 1:
		receive(driver);
		break;
	case 2:
		send_piece(driver);
		break;
	default:
		/* The device thread may need the processor. */
		(void)sched_yield();
	}
}

static void start(struct driver *driver)
{
	struct side *side = &driver->side;

	side_write(side, 0, RDBAL, IOVA + RX_RING);
	side_write(side, 0, RDLEN, RING * 16);
	side_write(side, 0, SRRCTL, 0x02000000 | RX_BUFFER / 1024);
	side_write(side, 0, RXDCTL, QUEUE_ENABLE);
	side_write(side, 0, TDBAL, IOVA + TX_RING);
	side_write(side, 0, TDLEN, RING * 16);
	side_write(side, 0, TXDCTL, QUEUE_ENABLE);
	side_write(side, 0, RCTL, 0x04000022); /* SECRC, LPE, EN */
	side_write(side, 0, TCTL, 0x2);
}

static void open_adapter(struct driver *driver, const char *dir,
			 unsigned int hop)
{
	char spec[256];
	const char *const specs[] = {spec, NULL};

	snprintf(spec, sizeof(spec),
		 "igb,migration=all,in=%s/in.pcap,out=%s/out%u.pcap", dir, dir,
		 hop);
	side_open(&driver->side, specs);
	side_map(&driver->side, driver->memory, IOVA, SIZE);
	side_enable(&driver->side, 0);
}

static void hop(struct driver *driver, const char *dir, unsigned int number)
{
	bool has_precopy = pick(driver, 2);
	struct side from = driver->side;
	uint8_t *state;
	size_t size;

	state = side_save(&from, 0, has_precopy, &size);
	open_adapter(driver, dir, number);
	side_load(&driver->side, 0, state, size);
	free(state);
	side_close(&from);
}

/* Until all frames are received, and sent. */
static void finish(struct driver *driver, unsigned int count)
{
	for (unsigned int i = 0; i < 10000000; i++) {
		step(driver);
		reclaim(driver);
		if (driver->received == count && !driver->is_sending &&
		    driver->tx_done == driver->tx_tail)
			return;
	}
	fail_msg("%u of %u frames were received", driver->received, count);
}

/* Shows V59. */
static void frames_go_on_elsewhere_from_any_point(void **state)
{
	uint64_t hops = setting("MIGRATION_HOPS", HOPS);
	unsigned int count = (unsigned int)hops * 3 + 20, seen = 0;
	char dir[] = "/tmp/uvfio-igb-XXXXXX", path[64];
	struct timespec now;
	struct driver driver = {0};

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &now);
	driver.seed = setting("MIGRATION_SEED", (uint64_t)now.tv_nsec * 2 + 1);
	printf("MIGRATION_SEED=%" PRIu64 ", %" PRIu64 " points\n", driver.seed,
	       hops);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/in.pcap", dir);
	write_capture(path, count);
	driver.memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(driver.memory, MAP_FAILED);
	open_adapter(&driver, dir, 0);
	start(&driver);
	for (unsigned int i = 1; i <= hops; i++) {
		for (uint32_t steps = pick(&driver, 100); steps; steps--)
			step(&driver);
		hop(&driver, dir, i);
	}
	finish(&driver, count);
	side_close(&driver.side);
	(void)unlink(path);
	for (unsigned int i = 0; i <= hops; i++) {
		snprintf(path, sizeof(path), "%s/out%u.pcap", dir, i);
		seen = check_capture(path, seen);
		(void)unlink(path);
	}
	assert_int_equal(seen, count);
	assert_int_equal(rmdir(dir), 0);
	munmap(driver.memory, SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_on_elsewhere_from_any_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
