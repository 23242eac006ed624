/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

uint32_t cfg_read(int device, unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	need(pread(device, &v, size,
		   ABI_REGION(VFIO_PCI_CONFIG_REGION_INDEX) + off) ==
		     (ssize_t)size,
	     "read-config");
	return v;
}

int cfg_write(int device, unsigned int off, unsigned int size, uint32_t v)
{
	return (int)pwrite(device, &v, size,
			   ABI_REGION(VFIO_PCI_CONFIG_REGION_INDEX) + off);
}

void cfg_command(int device, uint16_t clear, uint16_t set)
{
	uint32_t v = cfg_read(device, 4, 2);

	v = (v & ~(uint32_t)clear) | set;
	need(cfg_write(device, 4, 2, v) == 2, "write-command");
}

uint32_t edu_read(int device, unsigned int off)
{
	uint32_t v = 0;

	need(pread(device, &v, 4, off) == 4, "read-bar");
	return v;
}

void edu_write(int device, unsigned int off, uint32_t v)
{
	need(pwrite(device, &v, 4, off) == 4, "write-bar");
}

/* edu keeps its registers when it is closed: forget earlier cases. */
void edu_quiet(int device)
{
	for (int i = 0; i < 300 && edu_read(device, EDU_DMA_CMD) & 1; i++)
		usleep(10000);
	for (int i = 0; i < 300 && edu_read(device, EDU_STATUS) & 1; i++)
		usleep(10000);
	edu_write(device, EDU_STATUS, 0);
	edu_write(device, EDU_ACK, 0xffffffff);
}

/* Returns 0 when the device says that it has finished, -1 when it hangs. */
int edu_dma(int device, uint64_t src, uint64_t dst, uint32_t len, int flags)
{
	edu_write(device, EDU_DMA_SRC, (uint32_t)src);
	edu_write(device, EDU_DMA_DST, (uint32_t)dst);
	edu_write(device, EDU_DMA_LEN, len);
	edu_write(device, EDU_DMA_CMD, 1u | (uint32_t)flags);
	for (int i = 0; i < 500; i++) {
		if (!(edu_read(device, EDU_DMA_CMD) & 1))
			return 0;
		usleep(10000);
	}
	return -1;
}

void *bar_map(int device, size_t len, int prot)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, device, 0);

	need(p != MAP_FAILED, "mmap-bar");
	return p;
}

static sigjmp_buf touched;
static volatile sig_atomic_t touch_signal;

static void on_fault(int sig)
{
	touch_signal = sig;
	siglongjmp(touched, 1);
}

int touch(const volatile void *at, int store)
{
	struct sigaction act = {.sa_handler = on_fault}, bus, segv;

	touch_signal = 0;
	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	if (!sigsetjmp(touched, 1)) {
		if (store)
			*(volatile uint32_t *)(uintptr_t)at = 0;
		else
			(void)*(const volatile uint32_t *)at;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return touch_signal;
}
