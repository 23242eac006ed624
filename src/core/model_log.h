/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages a device wrote by DMA, for who copies the client's memory while
 * the device runs: VFIO_DEVICE_FEATURE_DMA_LOGGING_* of a model.
 *
 * A model takes no part in it.  The device's lock protects its log.
 */
#ifndef UVF_CORE_MODEL_LOG_H
#define UVF_CORE_MODEL_LOG_H

#include <stddef.h>
#include <stdint.h>

struct uvf_dma_log_ops;
struct uvf_model_log;

/* Those of every model; arg is its struct uvfio_dev. */
extern const struct uvf_dma_log_ops uvf_model_log_ops;

/* Note a write; what lies outside of the ranges that are logged is not. */
void uvf_model_log_mark(struct uvf_model_log *log, uint64_t iova, size_t len);

/* Takes NULL. */
void uvf_model_log_destroy(struct uvf_model_log *log);

#endif /* UVF_CORE_MODEL_LOG_H */
