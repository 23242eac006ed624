/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages an address space consists of, as /proc/PID tells it.
 */
#ifndef UVF_MEM_PAGES_H
#define UVF_MEM_PAGES_H

#include <stdint.h>

#include "base/range.h"

/**
 * uvf_pages_size() - bytes of the smallest pages of an interval
 * @maps_fd: /proc/PID/maps
 * Of 4 KiB where nothing is, and where the kernel, before 6.11, does not say.
 */
uint64_t uvf_pages_size(int maps_fd, struct uvf_range addr);

/**
 * uvf_pages_unwritten() - how many pages nobody has written, of memory that
 * is private and of no file
 * @maps_fd:    /proc/PID/maps
 * @pagemap_fd: /proc/PID/pagemap
 *
 * Before Linux 6.7 those that were read do not count: they look like others.
 */
uint64_t uvf_pages_unwritten(int maps_fd, int pagemap_fd,
			     struct uvf_range addr);

#endif /* UVF_MEM_PAGES_H */
