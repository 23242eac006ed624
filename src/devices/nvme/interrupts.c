/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the host hears of completions: by a message of the queue's vector, now
 * or together with others, or by the pin as long as any are not taken.
 */
#include <uvfio/pci.h>

#include "nvme.h"

#define COALESCING_UNIT_NS 100000u

static bool is_coalesced(const struct nvme_controller *nvme,
			 const struct nvme_cq *cq)
{
	const struct nvme_features *features = &nvme->features;

	return cq->id && features->coalescing & 0xff &&
	       features->coalescing >> 8 &&
	       !features->is_uncoalesced[cq->vector];
}

static void send(struct nvme_controller *nvme, struct nvme_cq *cq)
{
	enum uvfio_irq_mode mode = uvfio_irq_mode(nvme->dev);

	cq->unsignalled = 0;
	if (mode == UVFIO_IRQ_MSIX)
		(void)uvfio_vector_send(nvme->dev, cq->vector);
	else if (mode == UVFIO_IRQ_MSI &&
		 !(nvme->masks & 1u << cq->vector % 32))
		(void)uvfio_vector_send(nvme->dev, cq->vector);
}

void nvme_interrupt_pin(struct nvme_controller *nvme)
{
	bool level = false;

	for (uint32_t i = 0; i < nvme->queue_end; i++) {
		const struct nvme_cq *cq = &nvme->cqs[i];

		level |= cq->exists && cq->interrupts && cq->head != cq->tail;
	}
	uvfio_intx_set(nvme->dev, level && !(nvme->masks & 1));
}

void nvme_interrupt(struct nvme_controller *nvme, struct nvme_cq *cq)
{
	enum uvfio_irq_mode mode = uvfio_irq_mode(nvme->dev);
	uint32_t threshold = (nvme->features.coalescing & 0xff) + 1;
	uint32_t time = nvme->features.coalescing >> 8;

	if (mode == UVFIO_IRQ_INTX || mode == UVFIO_IRQ_NONE) {
		nvme_interrupt_pin(nvme);
		return;
	}
	if (!cq->interrupts)
		return;
	if (is_coalesced(nvme, cq) && cq->unsignalled < threshold) {
		if (!nvme->is_coalescing)
			uvfio_timer_set(nvme->dev, NVME_TIMER_COALESCING,
					(uint64_t)time * COALESCING_UNIT_NS);
		nvme->is_coalescing = true;
		return;
	}
	send(nvme, cq);
}

void nvme_interrupts_flush(struct nvme_controller *nvme)
{
	nvme->is_coalescing = false;
	for (uint32_t i = 0; i < nvme->queue_end; i++) {
		struct nvme_cq *cq = &nvme->cqs[i];

		if (cq->exists && cq->interrupts && cq->unsignalled)
			send(nvme, cq);
	}
}
