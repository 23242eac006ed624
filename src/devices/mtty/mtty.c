/* SPDX-License-Identifier: BSD-3-Clause */
#include "mtty.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET_SHIFT 40

/* What the devices of one parent share. */
struct mtty_parent {
	atomic_uint used; /* ports */
};

/* Ports of the types; in the order of the driver's table. */
static const unsigned int ports_of[] = {1, 2};

static struct mtty *mtty_of(struct uvfio_vfio_device *device)
{
	return uvfio_device_data(device);
}

static int mtty_init(struct uvfio_vfio_device *device)
{
	struct mtty *mtty = mtty_of(device);
	struct mtty_parent *shared = uvfio_mdev_parent_priv(mtty->parent);
	unsigned int used = atomic_load(&shared->used);

	do {
		if (MTTY_PORTS_MAX - used < mtty->ports)
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak(&shared->used, &used,
					       used + mtty->ports));
	return 0;
}

static void mtty_release(struct uvfio_vfio_device *device)
{
	struct mtty *mtty = mtty_of(device);
	struct mtty_parent *shared = uvfio_mdev_parent_priv(mtty->parent);

	atomic_fetch_sub(&shared->used, mtty->ports);
}

/* Its state of migration stays, as that of the kernel's example does. */
static void mtty_close(struct uvfio_vfio_device *device)
{
	struct mtty *mtty = mtty_of(device);

	uvfio_migration_end(device);
	pthread_mutex_lock(&mtty->lock);
	mtty_irqs_close(mtty);
	pthread_mutex_unlock(&mtty->lock);
}

/* One access of 1, 2 or 4 bytes; false: nothing is there. */
static bool access_piece(struct mtty *mtty, uint64_t pos, uint8_t buf[4],
			 size_t len, bool is_write)
{
	uint64_t index = pos >> OFFSET_SHIFT;
	uint64_t offset = pos & ((1ull << OFFSET_SHIFT) - 1);

	if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		if (is_write)
			mtty_config_write(mtty, (uint16_t)offset, buf);
		else
			mtty_config_read(mtty, offset, buf, len);
		return true;
	}
	if (index > VFIO_PCI_BAR5_REGION_INDEX)
		return false;
	/* Behind the ports there is nothing, which reads as 0. */
	if (index >= MTTY_DEVICE_MAX)
		return true;
	if (is_write)
		mtty_uart_write(mtty, (unsigned int)index, (uint16_t)offset,
				buf[0]);
	else
		mtty_uart_read(mtty, (unsigned int)index, (uint16_t)offset,
			       buf);
	return true;
}

static size_t piece_size(size_t left, uint64_t pos)
{
	if (left >= 4 && !(pos % 4))
		return 4;
	return left >= 2 && !(pos % 2) ? 2 : 1;
}

/* Whatever is wrong is -EFAULT, also after bytes that were fine. */
static ssize_t transfer(struct mtty *mtty, struct uvfio_client *client,
			uint64_t addr, size_t len, uint64_t pos, bool is_write)
{
	bool is_fine = true;

	for (size_t done = 0, size; done < len; done += size) {
		uint8_t buf[4] = {0};

		size = piece_size(len - done, pos + done);
		if (is_write &&
		    uvfio_copy_from_client(client, buf, addr + done, size))
			return -EFAULT;
		pthread_mutex_lock(&mtty->lock);
		is_fine = access_piece(mtty, pos + done, buf, size, is_write);
		pthread_mutex_unlock(&mtty->lock);
		if (!is_fine)
			return -EFAULT;
		if (!is_write &&
		    uvfio_copy_to_client(client, addr + done, buf, size))
			return -EFAULT;
	}
	return (ssize_t)len;
}

static ssize_t mtty_read(struct uvfio_vfio_device *device,
			 struct uvfio_client *client, uint64_t addr, size_t len,
			 uint64_t pos)
{
	return transfer(mtty_of(device), client, addr, len, pos, false);
}

static ssize_t mtty_write(struct uvfio_vfio_device *device,
			  struct uvfio_client *client, uint64_t addr,
			  size_t len, uint64_t pos)
{
	return transfer(mtty_of(device), client, addr, len, pos, true);
}

static long get_info(struct mtty *mtty, struct uvfio_client *client,
		     unsigned long arg)
{
	const size_t min = offsetof(struct vfio_device_info, cap_offset);
	struct vfio_device_info info;

	if (uvfio_copy_from_client(client, &info, arg, min))
		return -EFAULT;
	if (info.argsz < min)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	pthread_mutex_lock(&mtty->lock);
	mtty->known_irqs = info.num_irqs;
	pthread_mutex_unlock(&mtty->lock);
	return uvfio_copy_to_client(client, arg, &info, min);
}

static uint64_t region_size(const struct mtty *mtty, uint32_t index)
{
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return MTTY_CONFIG_SIZE;
	return index < mtty->ports ? MTTY_BAR_SIZE : 0;
}

static long get_region_info(const struct mtty *mtty,
			    struct uvfio_client *client, unsigned long arg)
{
	struct vfio_region_info info;

	if (uvfio_copy_from_client(client, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.size = region_size(mtty, info.index);
	info.offset = (uint64_t)info.index << OFFSET_SHIFT;
	info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	return uvfio_copy_to_client(client, arg, &info, sizeof(info));
}

static long get_irq_info(struct mtty *mtty, struct uvfio_client *client,
			 unsigned long arg)
{
	struct vfio_irq_info info;
	unsigned int known;

	if (uvfio_copy_from_client(client, &info, arg, sizeof(info)))
		return -EFAULT;
	pthread_mutex_lock(&mtty->lock);
	known = mtty->known_irqs;
	pthread_mutex_unlock(&mtty->lock);
	if (info.argsz < sizeof(info) || info.index >= known ||
	    info.index > VFIO_PCI_MSI_IRQ_INDEX)
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	info.count = 1;
	return uvfio_copy_to_client(client, arg, &info, sizeof(info));
}

static long mtty_ioctl(struct uvfio_vfio_device *device,
		       struct uvfio_client *client, unsigned int cmd,
		       unsigned long arg)
{
	struct mtty *mtty = mtty_of(device);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(mtty, client, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region_info(mtty, client, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq_info(mtty, client, arg);
	case VFIO_DEVICE_SET_IRQS:
		return mtty_set_irqs(mtty, client, arg);
	case VFIO_DEVICE_RESET:
		/* Ports keep what they have. */
		uvfio_migration_reset(device);
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct uvfio_vfio_ops mtty_ops = {
	.name = "vfio-mtty",
	.init = mtty_init,
	.release = mtty_release,
	.close_device = mtty_close,
	.read = mtty_read,
	.write = mtty_write,
	.ioctl = mtty_ioctl,
	.migration = &mtty_migration_ops,
};

static struct mtty *create(struct uvfio_mdev *mdev)
{
	struct mtty *mtty = calloc(1, sizeof(*mtty));

	if (!mtty)
		return NULL;
	mtty->parent = uvfio_mdev_parent(mdev);
	mtty->ports = ports_of[uvfio_mdev_type(mdev)];
	mtty->irq = MTTY_IRQ_NONE;
	mtty->intx_fd = -1;
	mtty->msi_fd = -1;
	for (unsigned int i = 0; i < MTTY_DEVICE_MAX; i++)
		mtty->port[i].room = MTTY_FIFO_SIZE;
	pthread_mutex_init(&mtty->lock, NULL);
	mtty_config_init(mtty);
	return mtty;
}

static void destroy(struct mtty *mtty)
{
	pthread_mutex_destroy(&mtty->lock);
	free(mtty);
}

static int mtty_probe(struct uvfio_mdev *mdev)
{
	struct mtty *mtty = create(mdev);
	int ret;

	if (!mtty)
		return -ENOMEM;
	ret = uvfio_alloc_device(uvfio_mdev_machine(mdev), &mtty->device,
				 uvfio_mdev_name(mdev), &mtty_ops, mtty);
	if (ret) {
		destroy(mtty);
		return ret;
	}
	ret = uvfio_register_emulated_iommu_dev(mtty->device);
	if (ret) {
		uvfio_put_device(mtty->device);
		destroy(mtty);
		return ret;
	}
	uvfio_mdev_set_data(mdev, mtty);
	return 0;
}

static void mtty_remove(struct uvfio_mdev *mdev)
{
	struct mtty *mtty = uvfio_mdev_data(mdev);

	uvfio_unregister_group_dev(mtty->device);
	uvfio_put_device(mtty->device);
	destroy(mtty);
}

static unsigned int mtty_available(struct uvfio_mdev_parent *parent,
				   unsigned int type)
{
	struct mtty_parent *shared = uvfio_mdev_parent_priv(parent);

	return (MTTY_PORTS_MAX - atomic_load(&shared->used)) / ports_of[type];
}

static void show_sample(struct uvfio_mdev *mdev, char *buf, size_t size)
{
	(void)snprintf(buf, size, "This is MDEV %s\n", uvfio_mdev_name(mdev));
}

static const struct uvfio_mdev_type types[] = {
	{"1", "Single port serial"},
	{"2", "Dual port serial"},
	{NULL, NULL},
};

static const struct uvfio_mdev_file files[] = {
	{"vendor", "sample_mdev_dev", show_sample},
	{NULL, NULL, NULL},
};

extern const struct uvfio_mdev_driver uvfio_mdev_mtty;

const struct uvfio_mdev_driver uvfio_mdev_mtty = {
	.name = "mtty",
	.summary = "PCI cards with serial ports, as mediated devices",
	.device_api = "vfio-pci",
	.types = types,
	.parent_size = sizeof(struct mtty_parent),
	.files = files,
	.probe = mtty_probe,
	.remove = mtty_remove,
	.available = mtty_available,
};
