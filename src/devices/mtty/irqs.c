/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INTx and MSI, of which one is enabled at a time.  INTx masks itself with
 * each signal; what happens while it is masked is not kept.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "mtty.h"

/* What a request wants, its data already read. */
struct request {
	struct vfio_irq_set hdr;
	uint8_t data[VFIO_PCI_NUM_IRQS * sizeof(int32_t)];
};

static bool is_intx(const struct mtty *mtty)
{
	return mtty->irq == VFIO_PCI_INTX_IRQ_INDEX;
}

void mtty_interrupt(struct mtty *mtty)
{
	if (mtty->irq == VFIO_PCI_MSI_IRQ_INDEX) {
		uvfio_eventfd_signal(mtty->msi_fd);
	} else if (is_intx(mtty) && !mtty->is_intx_masked) {
		uvfio_eventfd_signal(mtty->intx_fd);
		mtty->is_intx_masked = true;
	}
}

static int *fd_of(struct mtty *mtty, unsigned int index)
{
	return index == VFIO_PCI_INTX_IRQ_INDEX ? &mtty->intx_fd
						: &mtty->msi_fd;
}

static void disable(struct mtty *mtty, unsigned int index)
{
	int *fd = fd_of(mtty, index);

	if (*fd < 0)
		return;
	close(*fd);
	*fd = -1;
	mtty->irq = MTTY_IRQ_NONE;
	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		mtty->is_intx_masked = false;
}

void mtty_irqs_close(struct mtty *mtty)
{
	disable(mtty, VFIO_PCI_INTX_IRQ_INDEX);
	disable(mtty, VFIO_PCI_MSI_IRQ_INDEX);
}

static bool is_the_only_one(const struct request *request)
{
	return !request->hdr.start && request->hdr.count == 1;
}

/* Whether the data, which is no eventfd, says yes. */
static bool says_yes(const struct request *request)
{
	return request->hdr.flags & VFIO_IRQ_SET_DATA_NONE || request->data[0];
}

static long set_mask(struct mtty *mtty, const struct request *request,
		     bool is_masked)
{
	if (!is_intx(mtty) || !is_the_only_one(request))
		return -EINVAL;
	if (request->hdr.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (says_yes(request))
		mtty->is_intx_masked = is_masked;
	return 0;
}

/* What signalled before is gone, even when the new one is none. */
static long set_eventfd(struct mtty *mtty, struct uvfio_client *client,
			const struct request *request)
{
	unsigned int index = request->hdr.index;
	int32_t fd;
	int ret;

	memcpy(&fd, request->data, sizeof(fd));
	disable(mtty, index);
	if (fd < 0)
		return 0;
	ret = uvfio_eventfd_get(client, fd);
	if (ret < 0)
		return ret;
	*fd_of(mtty, index) = ret;
	mtty->irq = (int)index;
	return 0;
}

static long set_trigger(struct mtty *mtty, struct uvfio_client *client,
			const struct request *request)
{
	const struct vfio_irq_set *hdr = &request->hdr;
	bool is_enabled = mtty->irq == (int)hdr->index;

	if (is_enabled && !hdr->count && hdr->flags & VFIO_IRQ_SET_DATA_NONE) {
		disable(mtty, hdr->index);
		return 0;
	}
	if ((!is_enabled && mtty->irq != MTTY_IRQ_NONE) ||
	    !is_the_only_one(request))
		return -EINVAL;
	if (hdr->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_eventfd(mtty, client, request);
	if (!is_enabled)
		return -EINVAL;
	if (says_yes(request))
		mtty_interrupt(mtty);
	return 0;
}

static long dispatch(struct mtty *mtty, struct uvfio_client *client,
		     const struct request *request)
{
	const bool is_msi = request->hdr.index == VFIO_PCI_MSI_IRQ_INDEX;

	if (request->hdr.index > VFIO_PCI_MSI_IRQ_INDEX)
		return -ENOTTY;
	switch (request->hdr.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_MASK:
		return is_msi ? -ENOTTY : set_mask(mtty, request, true);
	case VFIO_IRQ_SET_ACTION_UNMASK:
		return is_msi ? -ENOTTY : set_mask(mtty, request, false);
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		return set_trigger(mtty, client, request);
	default:
		return 0; /* none, or more than one: nothing is done */
	}
}

/*
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  uvfio_set_irqs_check(); before GET_INFO there are no indexes
 *   -EFAULT  the data cannot be read
 *   -ENOTTY  neither INTx nor MSI; MSI is masked; a mask by eventfd
 *   -EINVAL  not the one interrupt; it is not enabled, or the other one is
 *   -EBADF, -EINVAL  no eventfd; what was enabled is not any more
 */
long mtty_set_irqs(struct mtty *mtty, struct uvfio_client *client,
		   unsigned long arg)
{
	const size_t min = offsetof(struct vfio_irq_set, data);
	struct request request = {0};
	size_t size;
	long ret;

	if (uvfio_copy_from_client(client, &request.hdr, arg, min))
		return -EFAULT;
	pthread_mutex_lock(&mtty->lock);
	ret = uvfio_set_irqs_check(&request.hdr, mtty->known_irqs,
				   VFIO_PCI_NUM_IRQS, &size);
	pthread_mutex_unlock(&mtty->lock);
	if (ret)
		return ret;
	if (size &&
	    uvfio_copy_from_client(client, request.data, arg + min, size))
		return -EFAULT;
	pthread_mutex_lock(&mtty->lock);
	ret = dispatch(mtty, client, &request);
	pthread_mutex_unlock(&mtty->lock);
	return ret;
}
