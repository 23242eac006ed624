/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor of a platform device and the interrupts it sends.
 *
 * Such a device is a part of a chip: its registers are at fixed addresses,
 * its interrupts are lines of their own, and a device tree says what it is.
 * It does DMA as soon as its IOMMU lets it.
 */
#ifndef UVFIO_PLATFORM_H
#define UVFIO_PLATFORM_H

#include <uvfio/device.h>
#include <uvfio/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* struct uvfio_platform_region::flags */
#define UVFIO_REGION_READ_ONLY 0x1u /* clients cannot write to it */
#define UVFIO_REGION_IO        0x2u /* I/O ports: clients cannot reach it */

/*
 * A region of registers.  Clients can map those that begin and end with a
 * page; each load and store is an access() with the region's index as its
 * bar.
 */
struct uvfio_platform_region {
	uint64_t offset; /* bytes from the address of the device */
	uint64_t size;   /* bytes; not 0 */
	uint32_t flags;  /* UVFIO_REGION_* */
	/*
	 * OR of 1, 2, 4 and 8: the access widths that reach the model.
	 * Other reads give all-ones, other writes vanish.
	 */
	uint32_t widths;
};

enum uvfio_platform_line {
	UVFIO_LINE_LEVEL, /* an interrupt as long as it is high */
	UVFIO_LINE_EDGE,  /* one each time it rises */
};

struct uvfio_platform_model {
	uint32_t abi;           /* UVFIO_DEVICE_ABI */
	const char *name;       /* as after -d, and of the node in the tree */
	const char *summary;    /* one line for -d help */
	const char *compatible; /* "vendor,device" */
	const struct uvfio_key *keys;
	const struct uvfio_device_ops *ops; /* without events */
	size_t priv_size;                   /* bytes */
	/* Their order is that of `reg` and `interrupts` in the tree. */
	const struct uvfio_platform_region *regions;
	size_t region_count;
	const enum uvfio_platform_line *lines;
	size_t line_count;
};

/**
 * uvfio_line_set() - drive an interrupt line of a platform device
 * @dev:   the device
 * @line:  index into its lines
 * @level: calling again with the same level changes nothing
 */
void uvfio_line_set(struct uvfio_dev *dev, unsigned int line, bool level);

/** uvfio_platform_model_at() - the models by number, NULL after the last */
const struct uvfio_platform_model *uvfio_platform_model_at(unsigned int index);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_PLATFORM_H */
