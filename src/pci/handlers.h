/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ioctls of vfio-pci, one handler each, named after them.
 * Each lists its errors in the order in which they are tested.
 */
#ifndef UVF_PCI_HANDLERS_H
#define UVF_PCI_HANDLERS_H

#include "core/device_set.h"
#include "pci/pci.h"

long pci_ioctl_get_info(struct uvf_device *device, struct uvf_caller *caller,
			unsigned long arg);
long pci_ioctl_get_region_info(struct uvf_device *device,
			       struct uvf_caller *caller, unsigned long arg);
long pci_ioctl_get_irq_info(struct uvf_device *device,
			    struct uvf_caller *caller, unsigned long arg);
long pci_ioctl_set_irqs(struct uvf_device *device, struct uvf_caller *caller,
			unsigned long arg);
long pci_ioctl_reset(struct uvf_device *device, struct uvf_caller *caller,
		     unsigned long arg);
long pci_ioctl_get_pci_hot_reset_info(struct uvf_device *device,
				      struct uvf_caller *caller,
				      unsigned long arg);
long pci_ioctl_pci_hot_reset(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg);
long pci_ioctl_ioeventfd(struct uvf_device *device, struct uvf_caller *caller,
			 unsigned long arg);
long pci_ioctl_feature(struct uvf_device *device, struct uvf_caller *caller,
		       uint32_t flags, uint64_t data, size_t data_size);

/* regions.c */
unsigned int uvf_regions_count(const struct uvf_pci *pci);
ssize_t pci_read(struct uvf_device *device, struct uvf_caller *caller,
		 uint64_t addr, size_t len, uint64_t pos);
ssize_t pci_write(struct uvf_device *device, struct uvf_caller *caller,
		  uint64_t addr, size_t len, uint64_t pos);
int pci_mmap(struct uvf_device *device, uint64_t pos, uint64_t len, int prot,
	     int flags);
void pci_fault(struct uvf_device *device, uint64_t pos,
	       struct uvf_page *ret_page);
bool pci_mmio(struct uvf_device *device, uint64_t pos, void *buf, size_t len,
	      bool is_write);

/* peer.c */
int pci_dma_target(struct uvf_device *device, uint64_t pos,
		   struct uvf_mem_io **ret_io);

/* ioeventfd.c */
void uvf_ioeventfds_close_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);

/*
 * hot_reset.c: the last user of a set has left: what could not be reset alone
 * is reset with all others, if the whole bus is there.
 */
void uvf_hot_reset_unused(struct uvf_device_set *set) UVF_REQUIRES(set->lock);

/* feature.c: the file is used (and rests again): low power ends or pauses. */
void uvf_low_power_resume(struct uvf_pci *pci);
void uvf_low_power_suspend(struct uvf_pci *pci);
void uvf_low_power_exit_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);

/* sysfs.c: list the files that this function has. */
void uvf_sysfs_init(struct uvf_pci *pci);
size_t uvf_sysfs_show_pairs(struct uvf_bus_device *bus, char *buf, size_t size);

#endif /* UVF_PCI_HANDLERS_H */
