/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clone: a device with the identity, the capabilities and the BARs of one
 * that somebody read out of a real machine.
 *
 * A text or a dump becomes a struct clone_image, and that a descriptor.
 */
#ifndef UVF_DEVICES_CLONE_CLONE_H
#define UVF_DEVICES_CLONE_CLONE_H

#include <uvfio/pci.h>

#define CLONE_CONFIG_MAX 4096u
#define CLONE_ROM_MAX    (16u << 20)

struct clone_bar {
	uint64_t size;  /* bytes; 0: absent */
	uint32_t flags; /* UVFIO_BAR_* */
	unsigned int line;
};

/* What is known of a device. */
struct clone_image {
	uint8_t config[CLONE_CONFIG_MAX];
	unsigned int config_size; /* bytes that were read: 64, 256 or 4096 */
	struct clone_bar bars[UVFIO_PCI_BARS];
	uint64_t rom_size;
	unsigned int line; /* where the device begins; 0: not in a text */
};

/* What is wrong, and in which line; 0: in none. */
struct clone_fault {
	unsigned int line;
	char what[160];
};

/* Says what is wrong.  Return: -EINVAL. */
int clone_refuse(struct clone_fault *fault, unsigned int line, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));

/**
 * clone_lspci_parse() - read what lspci -xxxx -vv printed
 * @image: written on success
 * @text:  need not end with a NUL
 * @slot:  [DDDD:]BB:DD.F, or NULL where the text has one device only
 * Return: 0, or -EINVAL and what is wrong.
 */
int clone_lspci_parse(struct clone_image *image, const char *text, size_t len,
		      const char *slot, struct clone_fault *fault);

/**
 * clone_dump_parse() - read the bytes of a configuration space
 * @image: written on success
 * @data:  64, 256 or 4096 bytes
 * @bars:  the value of the key bars, or NULL
 * Return: 0, or -EINVAL and what is wrong.
 */
int clone_dump_parse(struct clone_image *image, const uint8_t *data, size_t len,
		     const char *bars, struct clone_fault *fault);

/**
 * clone_file_read() - a whole file
 * @ret_data: written on success; to be freed
 * @max:      bytes; a longer file is refused
 * Return: 0, -ENOMEM, -EFBIG, or the errno of open or read.
 */
int clone_file_read(const char *path, size_t max, uint8_t **ret_data,
		    size_t *ret_len);

/**
 * clone_size_parse() - read a size as lspci prints it: 32, 16K, 1M, 2G, 4T
 * @ret_size: bytes, written on success
 * Return: what follows the size, or NULL where there is none.
 */
const char *clone_size_parse(uint64_t *ret_size, const char *text);

/**
 * clone_shape() - make a descriptor of it
 * @model: gets everything but its name, keys and callbacks
 * @image: as it was read
 *
 * Return: 0, or
 *   -EINVAL  no device can be like that; @fault says why
 *   -ENOMEM  out of memory
 */
int clone_shape(struct uvfio_pci_model *model, const struct clone_image *image,
		struct clone_fault *fault);
void clone_unshape(struct uvfio_pci_model *model);

#endif /* UVF_DEVICES_CLONE_CLONE_H */
