/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: drivers/pci/vpd.c, Linux 6.12; PCI Local Bus 3.0, appendix I.
 */
#include "pci/vpd.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"

/* Tags: large ones have a length of two bytes, small ones of three bits. */
#define TAG_LARGE      0x80u
#define TAG_LARGE_SIZE 3u /* bytes before the content */
#define TAG_SMALL_SIZE 1u
#define TAG_END        0x0fu
#define LEN_MAX        (PCI_VPD_ADDR_MASK + 1u)

/* Bytes of the tag at @pos with its content; 0: it leaves the memory. */
static unsigned int tag_size(const struct uvf_pci_vpd *vpd, unsigned int pos)
{
	unsigned int left = LEN_MAX - pos;
	unsigned int content;

	if (!(vpd->data[pos] & TAG_LARGE)) {
		content = vpd->data[pos] & 7u;
		return content > left ? 0 : TAG_SMALL_SIZE + content;
	}
	if (pos + TAG_LARGE_SIZE > vpd->size)
		return 0;
	content = uvf_get16(vpd->data + pos + 1);
	return content > left ? 0 : TAG_LARGE_SIZE + content;
}

/* How far the tags reach; 0: there is nothing at all. */
static unsigned int find_len(const struct uvf_pci_vpd *vpd)
{
	unsigned int pos = 0;

	if (!vpd->size || !vpd->data[0] || vpd->data[0] == 0xff)
		return 0;
	while (pos < vpd->size) {
		uint8_t tag = vpd->data[pos];
		unsigned int size = tag_size(vpd, pos);

		pos += size;
		if (!size || (!(tag & TAG_LARGE) && tag >> 3 == TAG_END))
			break;
	}
	return pos;
}

int uvf_vpd_init(struct uvf_pci *pci)
{
	const struct uvfio_pci_model *desc = pci->desc;

	if (!desc->vpd_size)
		return 0;
	pci->vpd.data = uvf_zalloc(desc->vpd_size);
	if (!pci->vpd.data)
		return -ENOMEM;
	memcpy(pci->vpd.data, desc->vpd, desc->vpd_size);
	pci->vpd.size = desc->vpd_size;
	pci->vpd.len = find_len(&pci->vpd);
	return 0;
}

void uvf_vpd_fini(struct uvf_pci *pci)
{
	uvf_free(pci->vpd.data);
	pci->vpd = (struct uvf_pci_vpd){NULL, 0, 0};
}

/* Beyond the memory nothing answers, and the flag stays. */
void uvf_vpd_register_locked(struct uvf_pci *pci)
{
	uint8_t *cap = pci->hw + pci->vpd_offset;
	uint16_t address = uvf_get16(cap + PCI_VPD_ADDR);
	unsigned int pos = address & PCI_VPD_ADDR_MASK & ~3u;

	uvf_assert_held(&pci->model.lock);
	if (pos + 4 > pci->vpd.size)
		return;
	if (address & PCI_VPD_ADDR_F)
		memcpy(pci->vpd.data + pos, cap + PCI_VPD_DATA, 4);
	else
		memcpy(cap + PCI_VPD_DATA, pci->vpd.data + pos, 4);
	uvf_put16(cap + PCI_VPD_ADDR, address ^ PCI_VPD_ADDR_F);
}

ssize_t uvf_vpd_read_locked(struct uvf_pci *pci, uint64_t pos, void *buf,
			    size_t len)
{
	const struct uvf_pci_vpd *vpd = &pci->vpd;
	size_t there;

	uvf_assert_held(&pci->model.lock);
	if (!vpd->len)
		return -ENODEV;
	if (pos >= vpd->len)
		return 0;
	if (len > vpd->len - pos)
		len = (size_t)(vpd->len - pos);
	/* A last tag may say that it is longer than the memory. */
	there = pos < vpd->size ? (size_t)(vpd->size - pos) : 0;
	if (there > len)
		there = len;
	memcpy(buf, vpd->data + pos, there);
	memset((uint8_t *)buf + there, 0, len - there);
	return (ssize_t)len;
}

ssize_t uvf_vpd_write_locked(struct uvf_pci *pci, uint64_t pos, const void *buf,
			     size_t len)
{
	const struct uvf_pci_vpd *vpd = &pci->vpd;

	uvf_assert_held(&pci->model.lock);
	if (!vpd->len)
		return -ENODEV;
	if (pos % 4 || len % 4 || pos > vpd->len || len > vpd->len - pos ||
	    pos + len > vpd->size)
		return -EINVAL;
	memcpy(vpd->data + pos, buf, len);
	return (ssize_t)len;
}
