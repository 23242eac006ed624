/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers, bits and descriptors of the Intel 82576, by the names of its
 * datasheet.
 */
#ifndef UVF_DEVICES_IGB_REGS_H
#define UVF_DEVICES_IGB_REGS_H

#include <stdint.h>

/* General */
#define IGB_CTRL     0x0000
#define IGB_STATUS   0x0008
#define IGB_EECD     0x0010
#define IGB_EERD     0x0014
#define IGB_CTRL_EXT 0x0018
#define IGB_MDIC     0x0020
#define IGB_SCTL     0x0024
#define IGB_FCAL     0x0028
#define IGB_VET      0x0038
#define IGB_FCTTV    0x0170
#define IGB_TXCW     0x0178
#define IGB_RCTL     0x0100
#define IGB_TCTL     0x0400
#define IGB_TCTL_EXT 0x0404
#define IGB_TIPG     0x0410
#define IGB_AIT      0x0458
#define IGB_VMBMEM   0x0800
#define IGB_MAILBOX  0x0c00
#define IGB_LEDCTL   0x0e00
#define IGB_PBA      0x1000
#define IGB_EEMNGCTL 0x1010
#define IGB_EEARBC   0x1024
#define IGB_WDSTP    0x1040

/* Interrupts; the five of the first kind have an older address as well. */
#define IGB_OLD_ICR   0x00c0
#define IGB_OLD_ITR   0x00c4
#define IGB_OLD_ICS   0x00c8
#define IGB_OLD_IMS   0x00d0
#define IGB_OLD_IMC   0x00d8
#define IGB_OLD_IAM   0x00e0
#define IGB_ICR       0x1500
#define IGB_ICS       0x1504
#define IGB_IMS       0x1508
#define IGB_IMC       0x150c
#define IGB_IAM       0x1510
#define IGB_GPIE      0x1514
#define IGB_EICS      0x1520
#define IGB_EIMS      0x1524
#define IGB_EIMC      0x1528
#define IGB_EIAC      0x152c
#define IGB_EIAM      0x1530
#define IGB_EICR      0x1580
#define IGB_EITR      0x1680
#define IGB_IVAR0     0x1700
#define IGB_IVAR_MISC 0x1740

/* Ring registers: the page, and the registers of queue 0 in it. */
#define IGB_RX_PAGE     0x2000
#define IGB_TX_PAGE     0x3000
#define IGB_RX_RINGS    0x2800
#define IGB_TX_RINGS    0x3800
#define IGB_RX_ALIAS    0xc000
#define IGB_TX_ALIAS    0xe000
#define IGB_ALIAS_SIZE  0x0400
#define IGB_ALIAS_STEP  0x0040
#define IGB_RING_PAGES  0x2000 /* bytes of both pages */
#define IGB_FCRTL       0x2160
#define IGB_RXPBS       0x2404
#define IGB_TXPBS       0x3404
#define IGB_RDBAL       0x2800
#define IGB_RDBAH       0x2804
#define IGB_RDLEN       0x2808
#define IGB_SRRCTL      0x280c
#define IGB_RDH         0x2810
#define IGB_RDT         0x2818
#define IGB_RXDCTL      0x2828
#define IGB_TDBAL       0x3800
#define IGB_TDBAH       0x3804
#define IGB_TDLEN       0x3808
#define IGB_TDH         0x3810
#define IGB_TDT         0x3818
#define IGB_TXDCTL      0x3828
#define IGB_TDWBAL      0x3838
#define IGB_TDWBAH      0x383c
#define IGB_QUEUE_STEP  0x0100 /* from one of the first 4 queues to the next */
#define IGB_QUEUES      16
#define IGB_PAGE_QUEUES 4 /* that are on the pages */
#define IGB_DTXTCPFLGL  0x359c
#define IGB_DTXTCPFLGH  0x35a0

/* Statistics */
#define IGB_STATS       0x4000
#define IGB_STATS_COUNT 80
#define IGB_CRCERRS     0x4000
#define IGB_MPC         0x4010
#define IGB_PRC64       0x405c
#define IGB_GPRC        0x4074
#define IGB_BPRC        0x4078
#define IGB_MPRC        0x407c
#define IGB_GPTC        0x4080
#define IGB_GORCL       0x4088
#define IGB_GORCH       0x408c
#define IGB_GOTCL       0x4090
#define IGB_GOTCH       0x4094
#define IGB_RUC         0x40a4
#define IGB_ROC         0x40ac
#define IGB_TORL        0x40c0
#define IGB_TORH        0x40c4
#define IGB_TOTL        0x40c8
#define IGB_TOTH        0x40cc
#define IGB_TPR         0x40d0
#define IGB_TPT         0x40d4
#define IGB_PTC64       0x40d8
#define IGB_MPTC        0x40f0
#define IGB_BPTC        0x40f4
#define IGB_TSCTC       0x40f8
#define IGB_IAC         0x4100
#define IGB_RPTHC       0x4104
#define IGB_HGPTC       0x4118
#define IGB_HGORCL      0x4128
#define IGB_HGORCH      0x412c
#define IGB_HGOTCL      0x4130
#define IGB_HGOTCH      0x4134

/* Link, filters, the rest */
#define IGB_PCS_CFG0   0x4200
#define IGB_PCS_LCTL   0x4208
#define IGB_PCS_LSTAT  0x420c
#define IGB_PCS_ANADV  0x4218
#define IGB_RXCSUM     0x5000
#define IGB_RLPML      0x5004
#define IGB_RFCTL      0x5008
#define IGB_MTA        0x5200
#define IGB_RAL        0x5400
#define IGB_RAH        0x5404
#define IGB_PSRTYPE    0x5480
#define IGB_RAL_HIGH   0x54e0 /* entries 16 to 23 */
#define IGB_SYNQF      0x55fc
#define IGB_VFTA       0x5600
#define IGB_WUC        0x5800
#define IGB_WUFC       0x5808
#define IGB_WUS        0x5810
#define IGB_MRQC       0x5818
#define IGB_VT_CTL     0x581c
#define IGB_MANC       0x5820
#define IGB_IPAV       0x5838
#define IGB_MANC2H     0x5860
#define IGB_FTQF       0x5980
#define IGB_IMIR       0x5a80
#define IGB_VMOLR      0x5ad0
#define IGB_RPLOLR     0x5af0
#define IGB_GCR        0x5b00
#define IGB_FACTPS     0x5b30
#define IGB_SWSM       0x5b50
#define IGB_FWSM       0x5b54
#define IGB_SW_FW_SYNC 0x5b5c
#define IGB_PBACL      0x5b68
#define IGB_DCA        0x5b70
#define IGB_RETA       0x5c00
#define IGB_RSSRK      0x5c80
#define IGB_ETQF       0x5cb0
#define IGB_VLVF       0x5d00
#define IGB_TSYNCRXCFG 0x5f50
#define IGB_FHFT       0x9000
#define IGB_UTA        0xa000
#define IGB_LSEC       0xb000
#define IGB_SYSTIM     0xb600

#define IGB_CTRL_FD             0x00000001u
#define IGB_CTRL_GIO_MASTER_DIS 0x00000004u
#define IGB_CTRL_SLU            0x00000040u
#define IGB_CTRL_SPD_1000       0x00000200u
#define IGB_CTRL_ADVD3WUC       0x00100000u
#define IGB_CTRL_RST            0x04000000u
#define IGB_CTRL_VME            0x40000000u
#define IGB_CTRL_PHY_RST        0x80000000u

#define IGB_STATUS_FD            0x00000001u
#define IGB_STATUS_LU            0x00000002u
#define IGB_STATUS_SPEED_1000    0x00000080u
#define IGB_STATUS_GIO_MASTER_EN 0x00080000u

#define IGB_CTRL_EXT_EE_RST 0x00002000u

#define IGB_EECD_PINS       0x00000007u /* SK, CS, DI */
#define IGB_EECD_REQ        0x00000040u
#define IGB_EECD_GNT        0x00000080u
#define IGB_EECD_PRES       0x00000100u
#define IGB_EECD_AUTO_RD    0x00000200u
#define IGB_EECD_SIZE_SHIFT 11 /* 64 << size words */

#define IGB_EERD_START      0x00000001u
#define IGB_EERD_DONE       0x00000002u
#define IGB_EERD_ADDR_SHIFT 2
#define IGB_EERD_DATA_SHIFT 16

#define IGB_MDIC_REG_SHIFT 16
#define IGB_MDIC_PHY_SHIFT 21
#define IGB_MDIC_OP_WRITE  0x04000000u
#define IGB_MDIC_OP_READ   0x08000000u
#define IGB_MDIC_READY     0x10000000u
#define IGB_MDIC_INT_EN    0x20000000u
#define IGB_MDIC_ERROR     0x40000000u

#define IGB_EEMNGCTL_CFG_DONE 0x000c0000u /* both ports */

#define IGB_SWSM_SMBI    0x00000001u
#define IGB_SWSM_SWESMBI 0x00000002u

#define IGB_RCTL_EN          0x00000002u
#define IGB_RCTL_UPE         0x00000008u
#define IGB_RCTL_MPE         0x00000010u
#define IGB_RCTL_LPE         0x00000020u
#define IGB_RCTL_LBM         0x000000c0u
#define IGB_RCTL_MO_SHIFT    12
#define IGB_RCTL_BAM         0x00008000u
#define IGB_RCTL_BSIZE_SHIFT 16
#define IGB_RCTL_VFE         0x00040000u
#define IGB_RCTL_SECRC       0x04000000u

#define IGB_TCTL_EN  0x00000002u
#define IGB_TCTL_PSP 0x00000008u

#define IGB_RAH_AV 0x80000000u

#define IGB_MRQC_ENABLE      0x00000007u
#define IGB_MRQC_RSS         0x00000002u
#define IGB_MRQC_IPV4_TCP    0x00010000u
#define IGB_MRQC_IPV4        0x00020000u
#define IGB_MRQC_IPV6_TCP_EX 0x00040000u
#define IGB_MRQC_IPV6_EX     0x00080000u
#define IGB_MRQC_IPV6        0x00100000u
#define IGB_MRQC_IPV6_TCP    0x00200000u
#define IGB_MRQC_IPV4_UDP    0x00400000u
#define IGB_MRQC_IPV6_UDP    0x00800000u
#define IGB_MRQC_IPV6_UDP_EX 0x01000000u

#define IGB_RXCSUM_IPOFL 0x00000100u
#define IGB_RXCSUM_TUOFL 0x00000200u
#define IGB_RXCSUM_PCSD  0x00002000u /* hash rather than checksum */

#define IGB_SRRCTL_BSIZEPKT 0x0000007fu /* in KiB; 0: RCTL.BSIZE */
#define IGB_SRRCTL_DESCTYPE 0x0e000000u /* 0: legacy */
#define IGB_SRRCTL_DROP_EN  0x80000000u
#define IGB_DCTL_ENABLE     0x02000000u /* RXDCTL and TXDCTL */
#define IGB_RING_LENGTH     0x000fff80u /* RDLEN and TDLEN, bytes */
#define IGB_TDWBAL_ENABLE   0x00000001u

#define IGB_ICR_TXDW 0x00000001u
#define IGB_ICR_LSC  0x00000004u
#define IGB_ICR_RXDW 0x00000080u
#define IGB_ICR_MDAC 0x00000200u
#define IGB_ICR_INTA 0x80000000u

#define IGB_GPIE_NSICR    0x00000001u
#define IGB_GPIE_MULTIPLE 0x00000010u
#define IGB_GPIE_EIAME    0x40000000u

#define IGB_IVAR_VALID  0x80u
#define IGB_IVAR_VECTOR 0x1fu

/*
 * Descriptors.  The structures are what is in memory, little-endian, which
 * is the order of every host that uvfio runs on.
 */
struct igb_tx_descriptor {
	uint64_t address;
	uint32_t command;
	uint32_t status;
};

#define IGB_TXD_LENGTH       0x0000ffffu
#define IGB_TXD_CSO_SHIFT    16          /* legacy */
#define IGB_TXD_TYPE         0x00f00000u /* advanced */
#define IGB_TXD_TYPE_CONTEXT 0x00200000u
#define IGB_TXD_EOP          0x01000000u
#define IGB_TXD_IFCS         0x02000000u
#define IGB_TXD_IC           0x04000000u /* legacy: insert checksum */
#define IGB_TXD_RS           0x08000000u
#define IGB_TXD_DEXT         0x20000000u
#define IGB_TXD_VLE          0x40000000u
#define IGB_TXD_TSE          0x80000000u /* advanced: segment */

#define IGB_TXD_DD         0x00000001u
#define IGB_TXD_IDX        0x00000010u
#define IGB_TXD_IXSM       0x00000100u
#define IGB_TXD_TXSM       0x00000200u
#define IGB_TXD_CSS_SHIFT  8  /* legacy */
#define IGB_TXD_VLAN_SHIFT 16 /* legacy */

/* Of a context descriptor: the first word, then the command word. */
#define IGB_CONTEXT_IPLEN        0x000001ffu
#define IGB_CONTEXT_MACLEN_SHIFT 9
#define IGB_CONTEXT_MACLEN       0x0000007fu
#define IGB_CONTEXT_VLAN_SHIFT   16
#define IGB_CONTEXT_IPV4         0x00000400u
#define IGB_CONTEXT_L4T          0x00001800u
#define IGB_CONTEXT_L4T_UDP      0x00000000u
#define IGB_CONTEXT_L4T_TCP      0x00000800u
#define IGB_CONTEXT_L4LEN_SHIFT  8 /* of the status word */
#define IGB_CONTEXT_MSS_SHIFT    16

struct igb_rx_descriptor {
	uint64_t address;
	uint64_t header;
};

struct igb_rx_writeback {
	uint32_t info;
	uint32_t rss;
	uint32_t status;
	uint16_t length;
	uint16_t vlan;
};

struct igb_rx_legacy {
	uint64_t address;
	uint16_t length;
	uint16_t checksum;
	uint8_t status;
	uint8_t errors;
	uint16_t vlan;
};

#define IGB_RXD_DD  0x01u
#define IGB_RXD_EOP 0x02u
#define IGB_RXD_VP  0x08u

/* The outcome of checksums: status and, from bit 24 or 20 on, errors. */
#define IGB_RXD_UDPCS 0x00000010u
#define IGB_RXD_L4CS  0x00000020u
#define IGB_RXD_IPCS  0x00000040u
#define IGB_RXD_L4E   0x20000000u
#define IGB_RXD_IPE   0x40000000u

#define IGB_RXD_KIND_SHIFT 4 /* packet type in the info word */

#define IGB_ETH_HEADER    14
#define IGB_ETH_MIN       60 /* bytes of the shortest frame, no FCS */
#define IGB_ETH_FCS       4
#define IGB_ETH_ADDRESSES 12 /* bytes before the type */
#define IGB_ETH_TAG       4
#define IGB_FRAME_MAX     9724 /* bytes of the longest frame, no FCS */
#define IGB_LONG_PACKET   1522 /* bytes with FCS, unless RCTL.LPE */

#endif /* UVF_DEVICES_IGB_REGS_H */
