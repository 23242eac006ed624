/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a model's host side asks of the device thread.
 */
#ifndef UVF_CORE_WORKER_PRIVATE_H
#define UVF_CORE_WORKER_PRIVATE_H

struct uvf_worker;
struct uvfio_dev;

/* Serve a device from now on. */
void uvf_worker_add(struct uvf_worker *worker, struct uvfio_dev *dev);

/* When it returns, the thread does not touch the device any more. */
void uvf_worker_remove(struct uvfio_dev *dev);

/* Its timers stand still with the time that is left; and go on. */
void uvf_worker_freeze_locked(struct uvfio_dev *dev);
void uvf_worker_thaw_locked(struct uvfio_dev *dev);

#endif /* UVF_CORE_WORKER_PRIVATE_H */
