/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel versions as data: a profile is a column of switches, and each
 * switch is asked in exactly one place.
 */
#ifndef UVF_BASE_PROFILE_H
#define UVF_BASE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uvfio_error;

/* Who decides whether a group may be used. */
enum uvf_viability {
	UVF_VIABILITY_DRIVER_SCAN,  /* the drivers of its members, afresh */
	UVF_VIABILITY_UNBOUND_LIST, /* and members on their way out count */
	UVF_VIABILITY_DMA_OWNER,    /* who owns the group's DMA */
};

/* What the KVM-VFIO device asks for whether DMA is coherent. */
enum uvf_kvm_coherency {
	UVF_KVM_NEVER_COHERENT,
	UVF_KVM_ASKS_CONTAINER, /* VFIO_DMA_CC_IOMMU of the container */
	UVF_KVM_ASKS_DEVICE,    /* the IOMMU's ability for each device */
};

struct uvf_profile {
	char name[8]; /* as after --abi */

	bool is_v02; /* the ABI of the 2011 RFC instead of all else */

	/* The core. */
	unsigned int viability;           /* enum uvf_viability */
	int set_container_kind_errno;     /* fd is no container nor iommufd */
	int set_container_negative_errno; /* fd below 0 */
	bool set_container_users_first;   /* before fd is looked up */
	bool device_name_first;           /* GET_DEVICE_FD: before the rest */
	bool set_container_wants_viable;
	bool unregister_requests;         /* asks users to let go, by 10 s */
	bool unregister_hides_first;      /* no new open while it waits */
	bool last_device_detaches;        /* its group leaves the container */
	bool container_passes_file_calls; /* read, write, mmap to the backend */
	bool host_bind_breaks_isolation;  /* instead of being refused */
	bool has_noiommu;
	bool has_device_class;     /* vfio-dev in /sys */
	bool has_cdev;             /* and iommufd */
	bool has_mdev;             /* mediated devices */
	bool has_platform;         /* vfio-platform, or v0.2 for such */
	bool platform_can_reset;   /* by handlers of the host */
	bool sample_migrates;      /* mtty, the kernel's example */
	bool has_pasid;            /* PASID attach, bind token, DMA_BUF */
	bool has_core_feature;     /* VFIO_DEVICE_FEATURE */
	bool has_precopy;          /* PRE_COPY and MIG_DATA_SIZE */
	bool set_iommu_tries_next; /* another backend after one failed */
	bool device_opens_per_fd;  /* ops->open for each descriptor */
	int stale_node_errno;      /* a node whose group is gone */
	int feature_unknown_errno; /* and the driver has no feature op */
	int duplicate_register_errno;

	/* The bus. */
	bool has_driver_override;
	int bind_bound_errno;        /* bind of a device that has a driver */
	bool bind_locks_parent;      /* and waits for those who hold it */
	bool remove_is_deferred;     /* the file remove returns at once */
	bool bind_hides_probe_errno; /* behind ENODEV */

	/* KVM-VFIO. */
	bool has_kvm_vfio;
	bool kvm_add_wants_viable;
	bool kvm_del_checks_group;
	bool kvm_dies_with_fd;      /* else with the VM */
	unsigned int kvm_coherency; /* enum uvf_kvm_coherency */
	bool kvm_checks_mm;
	bool kvm_has_spapr_tce; /* GROUP_SET_SPAPR_TCE, where there is sPAPR */

	/* type1. */
	unsigned int type1_extensions; /* a bit for each that it knows */
	unsigned int map_dma_flags;    /* that MAP_DMA knows */
	unsigned int unmap_dma_flags;  /* that UNMAP_DMA knows */
	bool type1_splits;             /* UNMAP_DMA takes a part of a mapping */
	bool zero_page_is_free;        /* of the limit of locked memory */
	bool type1_has_ranges;         /* IOVAs that may be used are known */
	bool type1_has_entry_limit;    /* dma_entry_limit */
	bool type1_has_dirty_pages;    /* DIRTY_PAGES */
	bool vtd_any_page_size;        /* its driver says so, whatever it has */
	bool info_has_caps;            /* GET_INFO has flags, capabilities */
	bool info_caps_aligned;        /* GET_INFO capabilities on 8 bytes */
	bool info_copies_any_length;   /* GET_INFO writes min(argsz, struct) */
	bool type1_knows_overflow;     /* EOVERFLOW, and 2^64 as an end */

	/* sPAPR TCE, where the host is a POWER one. */
	bool has_spapr_tce_v2; /* windows, registered memory */
	bool has_eeh;          /* VFIO_EEH_PE_OP */

	/* iommufd. */
	unsigned int iommufd_last; /* number of the newest call */
	unsigned int hwpt_flags;   /* HWPT_ALLOC of an address space */

	/* vfio-pci. */
	bool device_info_copies_any_length;
	bool msix_is_dynamic;          /* vectors may be added one by one */
	bool loopback_skips_unknown;   /* NONE/BOOL beyond enabled vectors */
	unsigned int bar_access_max;   /* bytes of the widest piece */
	bool irq_negative_fd_is_error; /* ERR, REQ: fd below -1 is EINVAL */
	bool hot_reset_checks_bus_first;
	bool vfio_has_vfs;            /* enable_sriov of vfio-pci */
	unsigned int express_v2_size; /* bytes of a v2 endpoint's capability */
};

/**
 * uvf_profile_parse() - a profile by its name, with single switches changed
 * @ret_profile: written on success
 * @text:        NAME[,SWITCH=VALUE]..., or NULL for the default
 * @err:         says what is wrong
 *
 * A switch is named as in struct uvf_profile; its value is on or off, a
 * number, or the name of an errno.
 *
 * Return: 0 or -EINVAL.
 */
int uvf_profile_parse(struct uvf_profile *ret_profile, const char *text,
		      struct uvfio_error *err);

/** uvf_profile_name_at() - the names by number, NULL after the last */
const char *uvf_profile_name_at(unsigned int index);

#endif /* UVF_BASE_PROFILE_H */
