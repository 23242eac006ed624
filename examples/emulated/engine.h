/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A copy engine: a device that copies memory of its user.  It exists nowhere
 * but in this driver.
 */
#ifndef EXAMPLES_EMULATED_ENGINE_H
#define EXAMPLES_EMULATED_ENGINE_H

struct engine;
struct uvfio_machine;

#define ENGINE_NAME "engine0"

/* Its registers: region 0, 64 bits each, by pread and pwrite. */
#define ENGINE_FROM   0x00 /* IOVA */
#define ENGINE_TO     0x08 /* IOVA */
#define ENGINE_LENGTH 0x10 /* bytes */
#define ENGINE_START  0x18 /* a write copies; reads as the last result */
#define ENGINE_WINDOW 0x20 /* a write pins the page at this IOVA */
#define ENGINE_SUM    0x28 /* sum of the bytes in that page, now */
#define ENGINE_SIZE   0x30

/* 0 or a negative errno. */
int engine_create(struct engine **ret_engine, struct uvfio_machine *machine);
int engine_group(struct engine *engine);

/* Waits until nobody has it open. */
void engine_destroy(struct engine *engine);

#endif /* EXAMPLES_EMULATED_ENGINE_H */
