/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program sees of config space and of registers that are switched off:
 * errors by pread, SIGBUS in a mapping, and both work again without being
 * mapped anew.  Runs on an igb.
 *
 * Shows V34, V36, V41.
 */
#include "client.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#define CONFIG   (7LL << 40)
#define ROM      (6LL << 40)
#define PORTS    (2LL << 40)
#define COMMAND  (CONFIG + 4)
#define PM_CTRL  (CONFIG + 0x44)
#define MEMORY   2
#define VET      0x38   /* a register that holds what is written */
#define RING     0xc018 /* one of a page that is memory */
#define BAR_SIZE 0x20000
#define BAR0_REG (CONFIG + 0x10)
#define POWERED  0
#define RESTING  3

static struct client_vfio vfio;
static volatile uint8_t *bar;
static sigjmp_buf back;

static void on_sigbus(int signo)
{
	(void)signo;
	siglongjmp(back, 1);
}

static int faults(uint32_t offset)
{
	if (sigsetjmp(back, 1))
		return 1;
	(void)*(volatile uint32_t *)(volatile void *)(bar + offset);
	return 0;
}

static int store_faults(uint32_t offset)
{
	if (sigsetjmp(back, 1))
		return 1;
	*(volatile uint32_t *)(volatile void *)(bar + offset) = 1;
	return 0;
}

static void set16(long long at, uint16_t value)
{
	CHECK(pwrite(vfio.device, &value, 2, at) == 2);
}

static void ends_of_config_space_are_faults(void)
{
	uint8_t whole[4096], part[8];

	CHECK(pread(vfio.device, whole, 4096, CONFIG) == 4096);
	CHECK(pread(vfio.device, part, 2, CONFIG + 4095) < 0 &&
	      errno == EFAULT);
	CHECK(pwrite(vfio.device, part, 1, CONFIG + 4096) < 0 &&
	      errno == EFAULT);
	/* Any size at any place is the same bytes. */
	for (size_t len = 1; len <= sizeof(part); len++)
		for (size_t at = 0; at < 0x60; at++) {
			CHECK(pread(vfio.device, part, len,
				    CONFIG + (long long)at) == (ssize_t)len);
			CHECK(!memcmp(part, whole + at, len));
		}
}

/* Nothing answers: no load, no store, no pread; ports do. */
static void expect_off(void)
{
	uint32_t value = 0;

	CHECK(faults(VET) && store_faults(VET));
	CHECK(faults(RING) && store_faults(RING));
	CHECK(pread(vfio.device, &value, 4, VET) < 0 && errno == EIO);
	CHECK(pwrite(vfio.device, &value, 4, VET) < 0 && errno == EIO);
	CHECK(pread(vfio.device, &value, 4, BAR_SIZE) < 0 && errno == EINVAL);
	CHECK(pread(vfio.device, &value, 4, PORTS) == 4);
}

static void expect_on(uint32_t vet)
{
	uint32_t value = 0;

	CHECK(!faults(VET) && !faults(RING));
	CHECK(pread(vfio.device, &value, 4, VET) == 4 && value == vet);
}

static void decode_switches_registers_off(void)
{
	uint32_t value = 0;

	*(volatile uint32_t *)(volatile void *)(bar + VET) = 0x12345678;
	set16(COMMAND, 0);
	expect_off();
	CHECK(pread(vfio.device, &value, 4, PORTS) == 4 && !~value);
	/* No card, no ROM. */
	CHECK(pread(vfio.device, &value, 4, ROM) < 0 && errno == EINVAL);
	set16(COMMAND, MEMORY);
	expect_on(0x12345678);
	/* Where the BAR is said to be changes nothing. */
	value = 0xabc00000;
	CHECK(pwrite(vfio.device, &value, 4, BAR0_REG) == 4);
	expect_on(0x12345678);
}

/* This one keeps its registers. */
static void d3_does_the_same(void)
{
	set16(PM_CTRL, RESTING);
	expect_off();
	set16(PM_CTRL, POWERED);
	expect_on(0x12345678);
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_sigbus};
	void *p;

	vfio = client_open();
	NEED(!sigaction(SIGBUS, &action, NULL));
	p = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		 vfio.device, 0);
	NEED(p != MAP_FAILED);
	bar = p;
	ends_of_config_space_are_faults();
	decode_switches_registers_off();
	d3_does_the_same();
	return client_status();
}
