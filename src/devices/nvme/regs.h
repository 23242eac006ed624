/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers, commands and data structures of the NVM Express base
 * specification, revision 1.4.  All of it is little-endian in memory.
 */
#ifndef UVF_DEVICES_NVME_REGS_H
#define UVF_DEVICES_NVME_REGS_H

#include <stdint.h>

/* Properties, section 3.1: bytes from the start of BAR 0. */
#define NVME_CAP    0x00 /* 64 bits */
#define NVME_VS     0x08
#define NVME_INTMS  0x0c
#define NVME_INTMC  0x10
#define NVME_CC     0x14
#define NVME_CSTS   0x1c
#define NVME_NSSR   0x20
#define NVME_AQA    0x24
#define NVME_ASQ    0x28 /* 64 bits */
#define NVME_ACQ    0x30 /* 64 bits */
#define NVME_CMBLOC 0x38
#define NVME_CMBSZ  0x3c
#define NVME_CMBMSC 0x50 /* 64 bits */
#define NVME_CMBSTS 0x58

#define NVME_CAP_CQR          (UINT64_C(1) << 16) /* queues are contiguous */
#define NVME_CAP_TO_SHIFT     24                  /* of 500 ms */
#define NVME_CAP_CSS_NVM      (UINT64_C(1) << 37)
#define NVME_CAP_MPSMAX_SHIFT 52
#define NVME_CAP_CMBS         (UINT64_C(1) << 57)

#define NVME_VERSION 0x00010400u

#define NVME_CC_EN           0x1u
#define NVME_CC_CSS(cc)      ((cc) >> 4 & 7)
#define NVME_CC_MPS(cc)      ((cc) >> 7 & 15)
#define NVME_CC_AMS(cc)      ((cc) >> 11 & 7)
#define NVME_CC_SHN(cc)      ((cc) >> 14 & 3)
#define NVME_CC_IOSQES(cc)   ((cc) >> 16 & 15)
#define NVME_CC_IOCQES(cc)   ((cc) >> 20 & 15)
#define NVME_CC_MASK         0x00fffff1u
#define NVME_CSTS_RDY        0x1u
#define NVME_CSTS_CFS        0x2u
#define NVME_CSTS_SHST       0xcu
#define NVME_CSTS_SHST_READY 0x8u /* shutdown is complete */

#define NVME_CMBLOC_BIR     0x7u
#define NVME_CMBLOC_CQMMS   0x8u  /* queues may lie anywhere */
#define NVME_CMBLOC_CDPMLS  0x10u /* lists and data may be mixed */
#define NVME_CMBLOC_CDPCILS 0x20u
#define NVME_CMBLOC_CDMMMS  0x40u
#define NVME_CMBLOC_CQPDS   0x100u
#define NVME_CMBSZ_ALL      0x1fu /* queues, lists, data both ways */
#define NVME_CMBSZ_SHIFT    12    /* the size, in units of 4 KiB */
#define NVME_CMBMSC_CRE     0x1u
#define NVME_CMBMSC_CMSE    0x2u
#define NVME_CMBSTS_CBAI    0x1u

/* Where things are in BAR 0. */
#define NVME_BAR_SIZE   0x4000u
#define NVME_DOORBELLS  0x1000u
#define NVME_MSIX_TABLE 0x2000u
#define NVME_MSIX_PBA   0x3000u
#define NVME_CMB_BAR    2

struct nvme_command {
	uint8_t opcode;
	uint8_t flags; /* NVME_FLAGS_* */
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2, cdw3;
	uint64_t mptr;
	uint64_t prp1; /* an SGL descriptor is in both */
	uint64_t prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

#define NVME_FLAGS_FUSE 0x03u
#define NVME_FLAGS_PSDT                                                        \
	0xc0u /* SGL, with or without a segment for metadata                   \
	       */

struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t cid;
	uint16_t status; /* with the phase tag in bit 0 */
};

struct nvme_sgl {
	uint64_t address;
	uint32_t length;
	uint8_t reserved[3];
	uint8_t type; /* NVME_SGL_* << 4 | subtype */
};

#define NVME_SGL_DATA    0x0u
#define NVME_SGL_BUCKET  0x1u
#define NVME_SGL_SEGMENT 0x2u
#define NVME_SGL_LAST    0x3u

/* Commands of the admin queue, section 5. */
#define NVME_ADMIN_DELETE_SQ    0x00u
#define NVME_ADMIN_CREATE_SQ    0x01u
#define NVME_ADMIN_GET_LOG      0x02u
#define NVME_ADMIN_DELETE_CQ    0x04u
#define NVME_ADMIN_CREATE_CQ    0x05u
#define NVME_ADMIN_IDENTIFY     0x06u
#define NVME_ADMIN_ABORT        0x08u
#define NVME_ADMIN_SET_FEATURES 0x09u
#define NVME_ADMIN_GET_FEATURES 0x0au
#define NVME_ADMIN_ASYNC_EVENT  0x0cu
#define NVME_ADMIN_KEEP_ALIVE   0x18u
#define NVME_ADMIN_DBBUF_CONFIG 0x7cu
#define NVME_ADMIN_FORMAT       0x80u

/* Commands of I/O queues, section 6. */
#define NVME_IO_FLUSH         0x00u
#define NVME_IO_WRITE         0x01u
#define NVME_IO_READ          0x02u
#define NVME_IO_UNCORRECTABLE 0x04u
#define NVME_IO_COMPARE       0x05u
#define NVME_IO_WRITE_ZEROES  0x08u
#define NVME_IO_DSM           0x09u
#define NVME_IO_VERIFY        0x0cu

#define NVME_RW_FUA           (1u << 30) /* of CDW12 */
#define NVME_RW_DEALLOCATE    (1u << 25)
#define NVME_DSM_DEALLOCATE   0x4u /* of CDW11 */
#define NVME_NSID_ALL         0xffffffffu
#define NVME_QUEUE_CONTIGUOUS 0x1u /* of CDW11 of both creations */
#define NVME_CQ_IEN           0x2u

struct nvme_dsm_range {
	uint32_t attributes;
	uint32_t blocks;
	uint64_t lba;
};

/* Status: code, type << 8, and "do not retry"; section 4.6.1. */
#define NVME_DNR                0x4000u
#define NVME_OK                 0x000u
#define NVME_INVALID_OPCODE     (0x001u | NVME_DNR)
#define NVME_INVALID_FIELD      (0x002u | NVME_DNR)
#define NVME_DATA_TRANSFER      0x004u
#define NVME_INTERNAL           0x006u
#define NVME_ABORTED            0x007u
#define NVME_SQ_DELETED         0x008u
#define NVME_INVALID_NAMESPACE  (0x00bu | NVME_DNR)
#define NVME_COMMAND_SEQUENCE   (0x00cu | NVME_DNR)
#define NVME_SGL_BAD_SEGMENT    (0x00du | NVME_DNR)
#define NVME_SGL_BAD_COUNT      (0x00eu | NVME_DNR)
#define NVME_SGL_BAD_LENGTH     (0x00fu | NVME_DNR)
#define NVME_SGL_BAD_TYPE       (0x011u | NVME_DNR)
#define NVME_PRP_OFFSET         (0x013u | NVME_DNR)
#define NVME_WRITE_PROTECTED    (0x020u | NVME_DNR)
#define NVME_LBA_RANGE          (0x080u | NVME_DNR)
#define NVME_CAPACITY           0x081u
#define NVME_BAD_CQ             (0x100u | NVME_DNR)
#define NVME_BAD_QID            (0x101u | NVME_DNR)
#define NVME_BAD_QUEUE_SIZE     (0x102u | NVME_DNR)
#define NVME_ABORT_LIMIT        0x103u
#define NVME_EVENT_LIMIT        (0x105u | NVME_DNR)
#define NVME_BAD_VECTOR         (0x108u | NVME_DNR)
#define NVME_BAD_LOG            (0x109u | NVME_DNR)
#define NVME_BAD_FORMAT         (0x10au | NVME_DNR)
#define NVME_BAD_QUEUE_DELETION (0x10cu | NVME_DNR)
#define NVME_NOT_SAVEABLE       (0x10du | NVME_DNR)
#define NVME_NOT_CHANGEABLE     (0x10eu | NVME_DNR)
#define NVME_NOT_OF_NAMESPACE   (0x10fu | NVME_DNR)
#define NVME_WRITE_FAULT        0x280u
#define NVME_READ_ERROR         0x281u
#define NVME_COMPARE_FAILED     (0x285u | NVME_DNR)

/* Identify: what is asked, and the sizes of both main answers. */
#define NVME_CNS_NAMESPACE   0x00u
#define NVME_CNS_CONTROLLER  0x01u
#define NVME_CNS_ACTIVE      0x02u
#define NVME_CNS_DESCRIPTORS 0x03u
#define NVME_IDENTIFY_SIZE   4096u

/* Log pages. */
#define NVME_LOG_ERRORS   0x01u
#define NVME_LOG_SMART    0x02u
#define NVME_LOG_FIRMWARE 0x03u
#define NVME_LOG_CHANGED  0x04u
#define NVME_LOG_EFFECTS  0x05u

/* Features. */
#define NVME_FEATURE_ARBITRATION 0x01u
#define NVME_FEATURE_POWER       0x02u
#define NVME_FEATURE_TEMPERATURE 0x04u
#define NVME_FEATURE_RECOVERY    0x05u
#define NVME_FEATURE_CACHE       0x06u
#define NVME_FEATURE_QUEUES      0x07u
#define NVME_FEATURE_COALESCING  0x08u
#define NVME_FEATURE_VECTOR      0x09u
#define NVME_FEATURE_ATOMICITY   0x0au
#define NVME_FEATURE_EVENTS      0x0bu
#define NVME_FEATURE_TIMESTAMP   0x0eu
#define NVME_FEATURE_KEEP_ALIVE  0x0fu

/* Asynchronous events: type, information and the log that has more. */
#define NVME_EVENT(type, info, log) ((type) | (info) << 8 | (log) << 16)
#define NVME_EVENT_BAD_DOORBELL     NVME_EVENT(0u, 0u, NVME_LOG_ERRORS)
#define NVME_EVENT_BAD_VALUE        NVME_EVENT(0u, 1u, NVME_LOG_ERRORS)
#define NVME_EVENT_TEMPERATURE      NVME_EVENT(1u, 1u, NVME_LOG_SMART)
#define NVME_EVENT_CHANGED          NVME_EVENT(2u, 0u, NVME_LOG_CHANGED)
#define NVME_EVENTS_CHANGED         0x100u /* bits of the feature */
#define NVME_EVENTS_TEMPERATURE     0x002u

#endif /* UVF_DEVICES_NVME_REGS_H */
