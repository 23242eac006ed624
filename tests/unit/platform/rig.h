/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine with a ticker, which has a region and an interrupt of every kind.
 */
#ifndef TESTS_UNIT_PLATFORM_RIG_H
#define TESTS_UNIT_PLATFORM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "lib/machine.h"

#define TICKER     "c000000.ticker"
#define REGION(n)  ((uint64_t)(n) << 40)
#define REGION_IDS 4
#define LEVEL      0 /* its interrupts */
#define EDGE       1

#define TICKER_ID      0x00
#define TICKER_CONTROL 0x04
#define TICKER_PERIOD  0x08
#define TICKER_COUNT   0x0c
#define TICKER_STATUS  0x10
#define TICKER_FIRE    0x14
#define TICKER_ADDRESS 0x18

#define CONTROL_RUN   0x1u
#define CONTROL_LEVEL 0x2u
#define CONTROL_EDGE  0x4u
#define CONTROL_WRITE 0x8u

struct rig {
	struct uvfio_machine *machine;
	int container, group, device;
};

/* NULL for defaults; fails the test when there is no such machine. */
struct uvfio_machine *rig_machine(const char *abi, const char *host,
				  const char *spec);

/* The same, and the device open through its group. */
void rig_open(struct rig *rig, const char *abi, const char *host,
	      const char *spec);
void rig_close(struct rig *rig);

/* The client's device is closed and opened again. */
void rig_reopen(struct rig *rig);

/* Registers of region 0. */
uint32_t rig_get(struct rig *rig, uint64_t offset);
void rig_set(struct rig *rig, uint64_t offset, uint32_t value);

/* VFIO_DEVICE_SET_IRQS with one element of data; NULL: none. */
long rig_set_irq(struct rig *rig, uint32_t flags, uint32_t index,
		 uint32_t start, uint32_t count, const void *data);

/* Takes the counter to 0. */
uint64_t rig_take(int eventfd);

#endif /* TESTS_UNIT_PLATFORM_RIG_H */
