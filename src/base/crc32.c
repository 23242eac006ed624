/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/crc32.h"

#define POLYNOMIAL 0xedb88320u

uint32_t uvf_crc32(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc;
}
