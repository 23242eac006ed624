/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor of a PCI function and the interrupts it sends.
 *
 * Identity, command register, BARs, standard capabilities and the MSI-X
 * table belong to uvfio; a model declares them and is told what matters.
 */
#ifndef UVFIO_PCI_H
#define UVFIO_PCI_H

#include <uvfio/device.h>
#include <uvfio/migration.h>
#include <uvfio/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UVFIO_PCI_BARS 6

/* struct uvfio_bar::flags */
#define UVFIO_BAR_IO       0x1u /* I/O ports; else memory */
#define UVFIO_BAR_64       0x2u /* takes this and the next BAR register */
#define UVFIO_BAR_PREFETCH 0x4u
#define UVFIO_BAR_NOMMAP   0x8u  /* clients cannot map it */
#define UVFIO_BAR_SPARSE   0x10u /* they can map areas of it only */

/* A run of pages of one kind; what no span covers is TRAP. */
struct uvfio_span {
	uint64_t offset; /* bytes, whole pages */
	uint64_t size;   /* bytes, whole pages */
	enum uvfio_page_kind kind;
};

/* A run of pages that clients may map. */
struct uvfio_area {
	uint64_t offset; /* bytes, whole pages */
	uint64_t size;   /* bytes, whole pages, not 0 */
};

struct uvfio_bar {
	uint64_t size;  /* bytes, power of two; 0: the BAR is absent */
	uint32_t flags; /* UVFIO_BAR_* */
	/*
	 * OR of 1, 2, 4 and 8: the access widths that reach the model.
	 * Other reads give narrow_value in every byte, other writes vanish.
	 */
	uint32_t widths;
	uint8_t narrow_value;
	const struct uvfio_span *spans; /* ascending */
	size_t span_count;
	const struct uvfio_area *areas; /* SPARSE: ascending, may be none */
	size_t area_count;
};

struct uvfio_msi {
	uint8_t offset; /* in config space; 0: no MSI */
	uint8_t log2_vectors;
	bool is_64bit;
	bool maskable; /* per vector */
};

/*
 * uvfio keeps the table and the pending bits.  Their pages are TRAP, or RDIRECT
 * where they may be read without a trap; then nothing else that is loaded with
 * an effect is in these.
 */
struct uvfio_msix {
	uint8_t offset;   /* in config space; 0: no MSI-X */
	uint16_t vectors; /* 1 to 2048 */
	uint8_t table_bar;
	uint8_t pba_bar;
	uint32_t table_offset; /* bytes in its BAR, multiple of 8 */
	uint32_t pba_offset;
};

/*
 * A capability as plain bytes.  For an extended capability, offset is 0x100
 * or higher and size includes the 4-byte header.
 *
 * Any kind but MSI and MSI-X can be given like this.  Power management (8
 * bytes), PCI Express, VPD (8), Advanced Features and Advanced Error Reporting
 * then do what their registers do; init says what the function can, and
 * without wmask usual bits are writable.  For PCI Express, init and its size
 * decide over version and type of port.
 */
struct uvfio_cap {
	uint16_t id;
	uint8_t version; /* extended capabilities only */
	uint16_t offset;
	uint16_t size;        /* bytes, header included */
	const uint8_t *init;  /* size bytes; header bytes are ignored */
	const uint8_t *wmask; /* writable bits in hardware, or NULL */
	const uint8_t *w1c;   /* bits that writing 1 clears, or NULL */
};

/*
 * The number of a BAR that stands for the legacy ranges of a VGA card, in
 * access(): offsets are 0xa0000 to 0xbffff (memory), 0x3b0 to 0x3bb and 0x3c0
 * to 0x3df (ports).  Functions of the VGA class have them.
 */
#define UVFIO_VGA 8u

/* struct uvfio_region::flags */
#define UVFIO_REGION_READ  0x1u
#define UVFIO_REGION_WRITE 0x2u

/*
 * A region that only this device has, behind those of every function; not
 * shown on the bus.  Offsets inside it are those of the client.
 */
struct uvfio_region {
	uint32_t type; /* UVFIO_REGION_OF_VENDOR, or one of linux/vfio.h */
	uint32_t subtype;
	uint64_t size;  /* bytes */
	uint32_t flags; /* UVFIO_REGION_* */
	/*
	 * Any number of bytes inside the region, no more than 1024 in one
	 * call; the device's lock is held.  Return 0 or a negative errno.
	 */
	int (*access)(struct uvfio_dev *dev, uint64_t offset, void *buf,
		      size_t len, bool is_write);
};

#define UVFIO_REGION_OF_VENDOR(vendor) (0x80000000u | (vendor))

struct uvfio_pci_model;

/*
 * Virtual functions that this one can have (SR-IOV).  They come and go by its
 * file sriov_numvfs.  Each is an instance of another descriptor, which is PCI
 * Express without INTx, and whose BARs are whole pages of memory; its vendor
 * and revision are those of the physical function.
 */
struct uvfio_sriov {
	uint16_t offset;    /* extended capability, 64 bytes; 0: no SR-IOV */
	uint16_t total_vfs; /* 1 to 65535 */
	uint16_t first;     /* from the function's address to that of VF 0 */
	uint16_t stride;    /* from VF to VF */
	const struct uvfio_pci_model *vf;
};

/* How the function can be reset, and what else it can and is. */
#define UVFIO_PCI_FLR      0x1u  /* needs the PCI Express capability */
#define UVFIO_PCI_PM_RESET 0x2u  /* D3hot to D0 loses the state */
#define UVFIO_PCI_EXPRESS  0x4u  /* 4096 bytes of config space */
#define UVFIO_PCI_BRIDGE   0x8u  /* a bus is behind it; up to two BARs */
#define UVFIO_PCI_BIST     0x10u /* has a self-test, which succeeds at once */

struct uvfio_pci_model {
	uint32_t abi;        /* UVFIO_DEVICE_ABI */
	const char *name;    /* as after -d */
	const char *summary; /* one line for -d help */
	const struct uvfio_key *keys;
	const struct uvfio_device_ops *ops;
	size_t priv_size; /* bytes */

	uint16_t vendor, device, subvendor, subdevice;
	uint8_t revision;
	uint32_t class_code; /* 24 bits */
	uint8_t intx_pin;    /* 1 to 4, 0: none */
	uint32_t features;   /* UVFIO_PCI_* */
	uint8_t pm_offset;   /* PM capability; 0: none */
	uint8_t express_offset;
	struct uvfio_msi msi;
	struct uvfio_msix msix;
	struct uvfio_bar bars[UVFIO_PCI_BARS];
	const struct uvfio_cap *caps;
	size_t cap_count;

	uint16_t config_size; /* 256 or 4096; 0: 4096 with PCI Express */
	/*
	 * NULL, or config_size bytes: what config space holds where nothing
	 * else here declares it.  Capabilities are then chained as there.
	 */
	const uint8_t *image;
	const uint8_t *vpd; /* vital product data, as in its memory */
	uint16_t vpd_size;  /* bytes, a multiple of 4 */
	const uint8_t *rom; /* option ROM */
	uint32_t rom_size;  /* bytes; the BAR is the power of two around it */
	const struct uvfio_region *regions;
	size_t region_count;
	struct uvfio_sriov sriov;
	/*
	 * Make the descriptor of one device out of its keys.  model is a copy
	 * of this one; what it is made to point to must live until
	 * unconfigure(), which does not follow a failure.  NULL: all devices
	 * are the same.
	 */
	int (*configure)(struct uvfio_pci_model *model,
			 const struct uvfio_spec *spec,
			 struct uvfio_error *err);
	void (*unconfigure)(struct uvfio_pci_model *model);

	const struct uvfio_migration_ops *migration; /* NULL: it stays here */
};

/*
 * What a shared object defines to be loaded by `-d ./FILE.so`.  Everything that
 * uvfio offers to models is there without linking to any library.
 */
extern const struct uvfio_pci_model uvfio_model;

enum uvfio_irq_mode {
	UVFIO_IRQ_NONE,
	UVFIO_IRQ_INTX,
	UVFIO_IRQ_MSI,
	UVFIO_IRQ_MSIX,
};

/**
 * uvfio_intx_set() - drive the INTx line
 * @dev:   the device
 * @level: true as long as the device has a cause; calling again with the
 *         same level changes nothing
 */
void uvfio_intx_set(struct uvfio_dev *dev, bool level);

/**
 * uvfio_vector_send() - send one MSI-X or MSI message
 * @dev:    the device
 * @vector: 0 to the declared count - 1; folded into what MSI was granted
 *
 * Return: 0 sent or pended behind a mask, or
 *   -EPERM   bus mastering is off: the message is lost
 *   -ENODEV  neither MSI-X nor MSI is enabled: nothing is sent
 */
int uvfio_vector_send(struct uvfio_dev *dev, unsigned int vector);

/** uvfio_physfn() - the function whose VF this is, or NULL */
struct uvfio_dev *uvfio_physfn(struct uvfio_dev *dev);

/** uvfio_vf_index() - which VF of its physical function this is, from 0 */
unsigned int uvfio_vf_index(struct uvfio_dev *dev);

/** uvfio_irq_mode() - the kind of interrupt the hardware has enabled */
enum uvfio_irq_mode uvfio_irq_mode(struct uvfio_dev *dev);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_PCI_H */
