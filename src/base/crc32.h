/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checksum of Ethernet and zlib, for data that may come from anywhere.
 */
#ifndef UVF_BASE_CRC32_H
#define UVF_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t uvf_crc32(const void *data, size_t len);

#endif /* UVF_BASE_CRC32_H */
