/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vector register lies in up to three components of the XSAVE area; one
 * that is in its initial state is not written there, and what is in its
 * place means nothing.
 *
 * Source: Intel SDM volume 1, 13.4 (standard form) and 13.6; the kernel's
 * software-reserved bytes of struct _fpx_sw_bytes, asm/sigcontext.h.
 */
#include "front/supervisor/mmio_vector.h"

#include <cpuid.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include <asm/sigcontext.h>

#define LEGACY_SIZE 512U
#define XMM_OFFSET  160U

enum component {
	SSE = 1,
	YMM_HIGH = 2,
	OPMASK = 5,
	ZMM_HIGH = 6,
	ZMM_16_31 = 7,
};

/* From the software-reserved bytes to the end of the XSAVE header. */
struct area {
	struct _fpx_sw_bytes sw;
	uint64_t xstate_bv;
	uint8_t rest[56];
};

#define AREA_OFFSET   (LEGACY_SIZE - sizeof(struct _fpx_sw_bytes))
#define XSTATE_OFFSET LEGACY_SIZE

static bool client_read(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {.iov_base = buf, .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr,
			       .iov_len = len};

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

static bool client_write(pid_t tid, uint64_t addr, const void *buf, size_t len)
{
	struct iovec local = {.iov_base = (void *)(uintptr_t)buf,
			      .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr,
			       .iov_len = len};

	return process_vm_writev(tid, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

static bool read_area(pid_t tid, uint64_t fpstate, struct area *ret_area)
{
	if (!fpstate || !client_read(tid, fpstate + AREA_OFFSET, ret_area,
				     sizeof(*ret_area)))
		return false;
	/* FXSAVE only: there is no header, XMM is all there is. */
	if (ret_area->sw.magic1 != FP_XSTATE_MAGIC1) {
		ret_area->sw.xfeatures = 1ULL << SSE;
		ret_area->xstate_bv = 1ULL << SSE;
	}
	return true;
}

/* Offset in the area, and size, of a component. */
static void locate(enum component component, uint32_t *ret_offset,
		   uint32_t *ret_size)
{
	unsigned int ecx, edx;

	*ret_offset = XMM_OFFSET;
	*ret_size = 16 * 16;
	if (component == SSE)
		return;
	*ret_offset = *ret_size = 0;
	__get_cpuid_count(0xd, component, ret_size, ret_offset, &ecx, &edx);
}

/* Where a piece of a register lies in the area. */
struct piece {
	enum component component;
	uint32_t index; /* in the component */
	uint32_t size;  /* bytes */
	uint32_t at;    /* in the register */
};

static unsigned int pieces_of(unsigned int reg, struct piece pieces[3])
{
	if (reg >= 16) {
		pieces[0] = (struct piece){ZMM_16_31, reg - 16, 64, 0};
		return 1;
	}
	pieces[0] = (struct piece){SSE, reg, 16, 0};
	pieces[1] = (struct piece){YMM_HIGH, reg, 16, 16};
	pieces[2] = (struct piece){ZMM_HIGH, reg, 32, 32};
	return 3;
}

bool uvf_mmio_vector_get(pid_t tid, uint64_t fpstate, unsigned int reg,
			 uint8_t value[64])
{
	struct piece pieces[3];
	uint32_t offset, size;
	unsigned int i, n;
	struct area area;

	if (reg > 31 || !read_area(tid, fpstate, &area))
		return false;
	memset(value, 0, 64);
	n = pieces_of(reg, pieces);
	for (i = 0; i < n; i++) {
		if (!(area.xstate_bv >> pieces[i].component & 1))
			continue;
		locate(pieces[i].component, &offset, &size);
		if (!client_read(tid,
				 fpstate + offset +
					 pieces[i].index * pieces[i].size,
				 value + pieces[i].at, pieces[i].size))
			return false;
	}
	return true;
}

/* Give a component that was in its initial state a place of its own. */
static bool begin_component(pid_t tid, uint64_t fpstate, struct area *area,
			    enum component component)
{
	uint8_t zeros[1024] = {0};
	uint32_t offset, size;

	if (!(area->sw.xfeatures >> component & 1))
		return false;
	locate(component, &offset, &size);
	if (!size || size > sizeof(zeros) ||
	    !client_write(tid, fpstate + offset, zeros, size))
		return false;
	area->xstate_bv |= 1ULL << component;
	return client_write(tid, fpstate + XSTATE_OFFSET, &area->xstate_bv,
			    sizeof(area->xstate_bv));
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

bool uvf_mmio_vector_set(pid_t tid, uint64_t fpstate, unsigned int reg,
			 const uint8_t value[64])
{
	struct piece pieces[3];
	uint32_t offset, size;
	const uint8_t *bytes;
	unsigned int i, n;
	struct area area;

	if (reg > 31 || !read_area(tid, fpstate, &area))
		return false;
	n = pieces_of(reg, pieces);
	for (i = 0; i < n; i++) {
		bytes = value + pieces[i].at;
		if (!(area.xstate_bv >> pieces[i].component & 1)) {
			if (is_zero(bytes, pieces[i].size))
				continue;
			if (!begin_component(tid, fpstate, &area,
					     pieces[i].component))
				return false;
		}
		locate(pieces[i].component, &offset, &size);
		if (!client_write(tid,
				  fpstate + offset +
					  pieces[i].index * pieces[i].size,
				  bytes, pieces[i].size))
			return false;
	}
	return true;
}

bool uvf_mmio_mask_get(pid_t tid, uint64_t fpstate, unsigned int reg,
		       uint64_t *ret_value)
{
	uint32_t offset, size;
	struct area area;

	if (reg > 7 || !read_area(tid, fpstate, &area))
		return false;
	*ret_value = 0;
	if (!(area.xstate_bv >> OPMASK & 1))
		return true;
	locate(OPMASK, &offset, &size);
	return client_read(tid, fpstate + offset + reg * sizeof(*ret_value),
			   ret_value, sizeof(*ret_value));
}
