/* SPDX-License-Identifier: BSD-3-Clause */
#include "card.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONFIG ABI_REGION(VFIO_PCI_CONFIG_REGION_INDEX)

#define NIC_BARS                                                               \
	{                                                                      \
		{0x20000, 0}, {0x20000, 0}, {0x20, 1},                         \
		{                                                              \
			0x4000, 0                                              \
		}                                                              \
	}
#define TEST_BARS                                                              \
	{                                                                      \
		{0x1000, 0},                                                   \
		{                                                              \
			0x100, 1                                               \
		}                                                              \
	}

const struct card cards[CARDS] = {
	{"nic", 4096, NIC_BARS},
	{"fn0", 4096, NIC_BARS},
	{"fn1", 4096, NIC_BARS},
	{"test_a", 256, TEST_BARS},
	{"test_b", 256, TEST_BARS},
	{"nvme", 4096, {{0x4000, 0}}},
	{"net", 256, {{0x20, 1}, {0x1000, 0}, {0, 0}, {0, 0}, {0x4000, 0}}},
};

int has_cards(void)
{
	return !access("/sys/bus/pci/devices/0000:03:02.0", F_OK);
}

const struct card *card_of(int dev)
{
	return &cards[dev - DEVICES];
}

const char *card_label(int dev, const char *rest)
{
	static char buf[96];

	snprintf(buf, sizeof(buf), "%s%s%s", card_of(dev)->name,
		 *rest ? "_" : "", rest);
	return buf;
}

struct session card_session(int dev)
{
	struct session s;

	s.group = group_open(dev);
	s.container = container_open();
	need(!group_attach(s.group, s.container), "set-container");
	need(!ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
	     "set-iommu");
	s.device = device_open(s.group, dev);
	need(s.device >= 0, "get-device-fd");
	return s;
}

int card_other(const struct session *s, int dev)
{
	int fd = device_open(s->group, dev);

	need(fd >= 0, "get-other-fd");
	return fd;
}

long counted(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? (long)n : 0;
}

/*
 * Bits of a register that hardware may keep or not, as it likes: reports and
 * masks of errors in PCI Express, and the selector of power data.
 */
static uint32_t chosen_by_hardware(int dev, unsigned int byte)
{
	unsigned int express = dev == CARD_NVME ? 0x80 : EXP_CAP;

	if (dev == CARD_TEST_A || dev == CARD_TEST_B || dev == CARD_NET)
		return 0;
	if (byte == express + 8)
		return 0x0f;
	if (byte >= ERRORS + 8 && byte < ERRORS + 12)
		return 0xff;
	return dev != CARD_NVME && byte == PM_CAP + 5 ? 0x1e : 0;
}

/* Bits that the firmware chooses. */
static uint32_t chosen_by_firmware(unsigned int byte)
{
	if (byte == 0x3c)
		return 0xff;
	if (byte >= 0x10 && byte < 0x28)
		return byte % 4 ? 0xff : 0xf0;
	if (byte >= 0x30 && byte < 0x34)
		return byte % 4 ? 0xff : 0xfe;
	return 0;
}

uint32_t cfg_kept(int dev, unsigned int off, unsigned int size, uint32_t v)
{
	for (unsigned int i = 0; i < size; i++)
		v &= ~(chosen_by_hardware(dev, off + i) << 8 * i);
	return v;
}

uint32_t cfg_stable(int dev, unsigned int off, unsigned int size, uint32_t v)
{
	for (unsigned int i = 0; i < size; i++)
		v &= ~(chosen_by_firmware(off + i) << 8 * i);
	return cfg_kept(dev, off, size, v);
}

long cfg_access(int device, unsigned int off, size_t size, void *data,
		int is_write)
{
	if (is_write)
		return pwrite(device, data, size, CONFIG + off);
	return pread(device, data, size, CONFIG + off);
}
