/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The EEPROM, as read through EERD.  It cannot be written.
 */
#include "igb.h"

#define NVM_COMPAT        0x03
#define NVM_LED           0x04
#define NVM_VERSION       0x05
#define NVM_PBA_0         0x08
#define NVM_PBA_1         0x09
#define NVM_SUBSYSTEM     0x0b
#define NVM_SUBVENDOR     0x0c
#define NVM_DEVICE        0x0d
#define NVM_VENDOR        0x0e
#define NVM_ALT_MAC       0x37
#define NVM_CHECKSUM      0x3f
#define NVM_CHECKSUM_GOAL 0xbaba
#define NVM_SIZE_CODE     2u /* 64 << 2 words */

_Static_assert(64 << NVM_SIZE_CODE == IGB_NVM_WORDS, "EECD tells the size");

void igb_nvm_init(struct igb *igb)
{
	uint16_t *nvm = igb->nvm;
	uint16_t sum = 0;
	unsigned int i;

	/* The driver's words are 0 unless named, the rest is unwritten. */
	for (i = NVM_CHECKSUM + 1; i < IGB_NVM_WORDS; i++)
		nvm[i] = 0xffff;
	for (i = 0; i < 3; i++)
		nvm[i] = (uint16_t)(igb->mac[2 * i] | igb->mac[2 * i + 1] << 8);
	nvm[NVM_COMPAT] = 0;
	nvm[NVM_LED] = 0xffff; /* the driver's default */
	nvm[NVM_VERSION] = 0x1000;
	nvm[NVM_PBA_0] = 0x0075;
	nvm[NVM_PBA_1] = 0x7610;
	nvm[NVM_SUBSYSTEM] = 0xa03c;
	nvm[NVM_SUBVENDOR] = 0x8086;
	nvm[NVM_DEVICE] = 0x10c9;
	nvm[NVM_VENDOR] = 0x8086;
	nvm[NVM_ALT_MAC] = 0xffff; /* none */
	for (i = 0; i < NVM_CHECKSUM; i++)
		sum = (uint16_t)(sum + nvm[i]);
	nvm[NVM_CHECKSUM] = (uint16_t)(NVM_CHECKSUM_GOAL - sum);
}

void igb_nvm_write_eecd(struct igb *igb, uint32_t value)
{
	uint32_t eecd = value & (IGB_EECD_PINS | IGB_EECD_REQ);

	/* Nobody else wants the pins, so that a request is granted. */
	if (eecd & IGB_EECD_REQ)
		eecd |= IGB_EECD_GNT;
	*igb_reg(igb, IGB_EECD) = eecd | IGB_EECD_PRES | IGB_EECD_AUTO_RD |
				  NVM_SIZE_CODE << IGB_EECD_SIZE_SHIFT;
}

void igb_nvm_write_eerd(struct igb *igb, uint32_t value)
{
	uint32_t word = (value & 0xffff) >> IGB_EERD_ADDR_SHIFT;
	uint32_t address = value & 0xffff & ~(IGB_EERD_START | IGB_EERD_DONE);
	uint32_t data = word < IGB_NVM_WORDS ? igb->nvm[word] : 0xffff;

	if (value & IGB_EERD_START)
		address |= data << IGB_EERD_DATA_SHIFT | IGB_EERD_DONE;
	*igb_reg(igb, IGB_EERD) = address;
}
