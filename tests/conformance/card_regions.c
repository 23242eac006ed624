/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading, writing and mapping regions of several kinds. */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROM      VFIO_PCI_ROM_REGION_INDEX
#define ROM_SIZE 0x1000u /* of the nic's region; the image is shorter */
#define RW       (PROT_READ | PROT_WRITE)

/* Accesses around the ends of regions; negative: that far before the end. */
static const struct {
	int dev;
	unsigned int bar;
	long off;
	size_t size;
} rows[] = {
	{CARD_NIC, 0, 0, 4},        {CARD_NIC, 0, -4, 4},
	{CARD_NIC, 0, -4, 8},       {CARD_NIC, 0, 0x20000, 1},
	{CARD_NIC, 0, 0x20001, 0},  {CARD_NIC, 0, 0, 0},
	{CARD_NIC, 1, 0, 4},        {CARD_NIC, 1, -1, 4},
	{CARD_NIC, 2, 0, 4},        {CARD_NIC, 2, 0x1c, 4},
	{CARD_NIC, 2, 0x1c, 8},     {CARD_NIC, 2, 0x20, 1},
	{CARD_NIC, 2, 1, 3},        {CARD_NIC, 3, 0, 80},
	{CARD_NIC, 3, 72, 16},      {CARD_NIC, 3, 3, 5},
	{CARD_NIC, 3, 0x2000, 8},   {CARD_NIC, 3, -4, 16},
	{CARD_NIC, 4, 0, 4},        {CARD_NIC, 5, 0, 0},
	{CARD_NVME, 0, 0x2000, 16}, {CARD_NVME, 0, 0x3000, 16},
	{CARD_NVME, 0, -2, 4},      {CARD_NVME, 1, 0, 4},
	{CARD_TEST_A, 0, -8, 16},   {CARD_TEST_A, 1, 0xfe, 4},
	{CARD_TEST_A, 1, 0x100, 4}, {CARD_TEST_A, 2, 0, 4},
	{CARD_TEST_A, 6, 0, 4},     {CARD_TEST_A, 8, 0, 4},
	{CARD_NET, 0, 0x1e, 4},     {CARD_NET, 1, 0, 16},
	{CARD_NET, 4, -16, 32},     {CARD_NET, 5, 0, 1},
};

static const char *row_label(long i)
{
	char rest[48];

	if (i >= (long)COUNT(rows))
		return NULL;
	snprintf(rest, sizeof(rest), "%u_%s%ld_size_%zu", rows[i].bar,
		 rows[i].off < 0 ? "end" : "", rows[i].off, rows[i].size);
	return card_label(rows[i].dev, rest);
}

static off_t row_offset(long i)
{
	unsigned int size =
		rows[i].bar < 6 ? card_of(rows[i].dev)->bars[rows[i].bar].size
				: 0;

	return ABI_REGION(rows[i].bar) + rows[i].off +
	       (rows[i].off < 0 ? size : 0);
}

/* Shows V9, V48. */
static void reads(long i)
{
	struct session s = card_session(rows[i].dev);
	unsigned char buf[128];

	memset(buf, 0xa5, sizeof(buf));
	result(pread(s.device, buf, rows[i].size, row_offset(i)));
	value("behind", buf[rows[i].size] != 0xa5);
}

/* Shows V9, V36. */
static void reads_with_decode_off(long i)
{
	struct session s = card_session(rows[i].dev);
	unsigned char buf[128];

	cfg_command(s.device, 3, 0);
	result(pread(s.device, buf, rows[i].size, row_offset(i)));
}

/* The MSI-X table, the ROM and what is not there: nothing that does things. */
static void writes(long i)
{
	struct session s = card_session(rows[i].dev);
	unsigned char buf[128];

	memset(buf, 0xff, sizeof(buf));
	if (pread(s.device, buf, rows[i].size, row_offset(i)) < 0)
		memset(buf, 0xff, sizeof(buf));
	result(pwrite(s.device, buf, rows[i].size, row_offset(i)));
}

/* What a client stores into the MSI-X table is not there.  Shows V44. */
static void the_msix_table_is_closed(long off)
{
	struct session s = card_session(CARD_NIC);
	uint64_t v = 0;

	result(pwrite(s.device, &v, 8, ABI_REGION(3) + off));
	outcome("read", pread(s.device, &v, 8, ABI_REGION(3) + off));
	hex("value", v);
}

static const struct {
	unsigned int off;
	size_t size;
} roms[] = {
	{0, 1},      {0, 4},      {0, 7},     {1, 8},     {0x18, 4},
	{0xbfc, 4},  {0xbfc, 8},  {0xc00, 4}, {0xbff, 1}, {0xbfe, 5},
	{0, 0x1000}, {1, 0x1000}, {0xfff, 1}, {0xfff, 2}, {0x1000, 1},
	{0x1000, 0}, {0x1001, 1}, {0, 0},
};

static const char *rom_label(long i)
{
	static char buf[32];

	if (i >= (long)COUNT(roms))
		return NULL;
	snprintf(buf, sizeof(buf), "0x%x_size_%zu", roms[i].off, roms[i].size);
	return buf;
}

static unsigned int sum(const unsigned char *buf, size_t size)
{
	unsigned int all = 0;

	for (size_t i = 0; i < size; i++)
		all = all * 31 + buf[i];
	return all;
}

/* Shows V49. */
static void rom_reads(long i)
{
	struct session s = card_session(CARD_NIC);
	static unsigned char buf[2 * ROM_SIZE];
	ssize_t n = pread(s.device, buf, roms[i].size,
			  ABI_REGION(ROM) + roms[i].off);

	result(n);
	if (n > 0)
		hex("sum", sum(buf, (size_t)n));
}

static void rom_reads_with_decode_off(long i)
{
	struct session s = card_session(CARD_NIC);
	static unsigned char buf[2 * ROM_SIZE];

	cfg_command(s.device, 2, 0);
	result(pread(s.device, buf, roms[i].size,
		     ABI_REGION(ROM) + roms[i].off));
}

/* Shows V49. */
static void rom_writes(long i)
{
	struct session s = card_session(CARD_NIC);
	static unsigned char buf[2 * ROM_SIZE];

	result(pwrite(s.device, buf, roms[i].size,
		      ABI_REGION(ROM) + roms[i].off));
}

static void rom_enable_bit(long bits)
{
	struct session s = card_session(CARD_NIC);
	uint32_t v = 0;

	cfg_write(s.device, 0x30, 4, (uint32_t)bits);
	result(pread(s.device, &v, 2, ABI_REGION(ROM)));
	hex("read", v);
	hex("register", cfg_read(s.device, 0x30, 4) & 0x7ff);
}

/* Mappings; @len and @off in pages. */
static const struct {
	int dev;
	unsigned int region;
	size_t off, len;
	int prot, flags;
} maps[] = {
	{CARD_NIC, 0, 0, 1, RW, MAP_SHARED},
	{CARD_NIC, 0, 0, 32, RW, MAP_SHARED},
	{CARD_NIC, 0, 31, 1, PROT_READ, MAP_SHARED},
	{CARD_NIC, 0, 31, 2, RW, MAP_SHARED},
	{CARD_NIC, 0, 32, 1, RW, MAP_SHARED},
	{CARD_NIC, 0, 0, 33, RW, MAP_SHARED},
	{CARD_NIC, 0, 0, 1, RW, MAP_PRIVATE},
	{CARD_NIC, 1, 0, 32, PROT_READ, MAP_SHARED},
	{CARD_NIC, 2, 0, 1, RW, MAP_SHARED},
	{CARD_NIC, 3, 0, 4, RW, MAP_SHARED},
	{CARD_NIC, 3, 0, 1, RW, MAP_SHARED},
	{CARD_NIC, 3, 1, 1, RW, MAP_SHARED},
	{CARD_NIC, 3, 3, 1, RW, MAP_SHARED},
	{CARD_NIC, 3, 3, 2, RW, MAP_SHARED},
	{CARD_NIC, 4, 0, 1, RW, MAP_SHARED},
	{CARD_NIC, 5, 0, 1, RW, MAP_SHARED},
	{CARD_NIC, 6, 0, 1, PROT_READ, MAP_SHARED},
	{CARD_NIC, 7, 0, 1, PROT_READ, MAP_SHARED},
	{CARD_NIC, 8, 0, 1, PROT_READ, MAP_SHARED},
	{CARD_NIC, 9, 0, 1, PROT_READ, MAP_SHARED},
	{CARD_NVME, 0, 0, 4, RW, MAP_SHARED},
	{CARD_NVME, 0, 0, 5, RW, MAP_SHARED},
	{CARD_NVME, 1, 0, 1, RW, MAP_SHARED},
	{CARD_TEST_A, 0, 0, 1, PROT_READ, MAP_SHARED},
	{CARD_TEST_A, 0, 1, 1, RW, MAP_SHARED},
	{CARD_TEST_A, 0, 0, 2, RW, MAP_SHARED},
	{CARD_TEST_A, 1, 0, 1, RW, MAP_SHARED},
	{CARD_NET, 0, 0, 1, RW, MAP_SHARED},
	{CARD_NET, 1, 0, 1, RW, MAP_SHARED},
	{CARD_NET, 4, 0, 4, PROT_READ, MAP_SHARED},
	{CARD_NET, 5, 0, 1, RW, MAP_SHARED},
};

static const char *map_label(long i)
{
	char rest[48];

	if (i >= (long)COUNT(maps))
		return NULL;
	snprintf(rest, sizeof(rest), "%u_at_%zu_pages_%zu%s%s", maps[i].region,
		 maps[i].off, maps[i].len,
		 maps[i].flags & MAP_PRIVATE ? "_private" : "",
		 maps[i].prot & PROT_WRITE ? "" : "_read_only");
	return card_label(maps[i].dev, rest);
}

static void *map_row(int device, long i)
{
	return mmap(NULL, maps[i].len * PAGE, maps[i].prot, maps[i].flags,
		    device,
		    ABI_REGION(maps[i].region) + (off_t)(maps[i].off * PAGE));
}

/* Shows V36, V50. */
static void mapping(long i)
{
	struct session s = card_session(maps[i].dev);
	char *p = map_row(s.device, i);

	result(p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	value("first", touch(p, 0));
	value("last", touch(p + maps[i].len * PAGE - 4, 0));
	cfg_command(s.device, 2, 0);
	value("decode_off", touch(p, 0));
	cfg_command(s.device, 0, 2);
	value("decode_on", touch(p, 0));
}

static const struct {
	int dev;
	uint32_t flags;
	unsigned int region;
	uint64_t off;
} doorbells[] = {
	{CARD_NIC, 1, 0, 0},        {CARD_NIC, 2, 0, 2},
	{CARD_NIC, 4, 0, 4},        {CARD_NIC, 8, 0, 8},
	{CARD_NIC, 4, 0, 0x1fffc},  {CARD_NIC, 4, 0, 0x20000},
	{CARD_NIC, 8, 0, 0x1fffc},  {CARD_NIC, 4, 2, 0},
	{CARD_NIC, 1, 2, 0x1f},     {CARD_NIC, 4, 2, 0x20},
	{CARD_NIC, 8, 2, 0},        {CARD_NIC, 4, 3, 0},
	{CARD_NIC, 4, 3, 0x4c},     {CARD_NIC, 4, 3, 0x50},
	{CARD_NIC, 8, 3, 0x4c},     {CARD_NIC, 4, 3, 0x2000},
	{CARD_NIC, 4, 4, 0},        {CARD_NIC, 4, 6, 0},
	{CARD_NIC, 4, 7, 0},        {CARD_NIC, 4, 8, 0},
	{CARD_NVME, 4, 0, 0x1ffc},  {CARD_NVME, 4, 0, 0x2000},
	{CARD_NVME, 4, 0, 0x240c},  {CARD_NVME, 4, 0, 0x2410},
	{CARD_NVME, 4, 1, 0},       {CARD_TEST_A, 1, 1, 0},
	{CARD_TEST_A, 4, 0, 0xffc}, {CARD_NET, 2, 0, 0x10},
	{CARD_NET, 4, 1, 0},        {CARD_NET, 2, 4, 0x3000},
};

static const char *doorbell_label(long i)
{
	char rest[48];

	if (i >= (long)COUNT(doorbells))
		return NULL;
	snprintf(rest, sizeof(rest), "%u_0x%llx_width_%u", doorbells[i].region,
		 (unsigned long long)doorbells[i].off, doorbells[i].flags);
	return card_label(doorbells[i].dev, rest);
}

static int doorbell(int device, long i, int fd)
{
	struct vfio_device_ioeventfd io = {
		.argsz = sizeof(io),
		.flags = doorbells[i].flags,
		.offset = (uint64_t)ABI_REGION(doorbells[i].region) +
			  doorbells[i].off,
		.fd = fd,
	};

	return ioctl(device, VFIO_DEVICE_IOEVENTFD, &io);
}

/* Shows V53. */
static void ioeventfd(long i)
{
	struct session s = card_session(doorbells[i].dev);

	result(doorbell(s.device, i, event_fd()));
	outcome("again", doorbell(s.device, i, event_fd()));
	outcome("remove", doorbell(s.device, i, -1));
	outcome("remove_again", doorbell(s.device, i, -1));
}

static const struct conf_case cases[] = {
	EACH(reads, row_label),
	EACH(reads_with_decode_off, row_label),
	EACH(writes, row_label),
	RANGE(the_msix_table_is_closed, 0, 0x50, 8),
	EACH(rom_reads, rom_label),
	EACH(rom_reads_with_decode_off, rom_label),
	EACH(rom_writes, rom_label),
	RANGE(rom_enable_bit, 0, 1, 1),
	EACH(mapping, map_label),
	EACH(ioeventfd, doorbell_label),
};

TABLE_OF(table_card_regions, "card_regions", cases, has_cards);
