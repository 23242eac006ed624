/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a device that is to go waits for those who use it.
 */
#ifndef UVF_CORE_UNREGISTER_H
#define UVF_CORE_UNREGISTER_H

struct uvf_device;
struct uvf_task;

/**
 * uvf_unregister_wait() - drop the driver's own use, and wait for the others
 * @task: who waits; NULL: nobody who could be signalled
 *
 * After revoke_after requests of the machine, if that is not 0, files of the
 * device are taken away from their owners instead.
 *
 * Context: no locks of the core are held.
 */
void uvf_unregister_wait(struct uvf_device *device, struct uvf_task *task);

#endif /* UVF_CORE_UNREGISTER_H */
