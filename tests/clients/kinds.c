/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of each kind in a program that maps them, under
 * `uvfio run -d trapped.so`.
 */
#include "client.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>

#include <linux/pci_regs.h>

#define PAGE     4096
#define BAR_SIZE (8 * PAGE)
#define MEMORY   (2 * PAGE)
#define MIRROR   (4 * PAGE)
#define HOLE     (5 * PAGE)
#define CONFIG   (7ull << 40)

static struct client_vfio vfio;
static sigjmp_buf back;
static volatile int seen;

static void on_signal(int sig)
{
	seen = sig;
	siglongjmp(back, 1);
}

/* The signal that a load, or a store of 0, raises; 0: none. */
static int touch(volatile uint8_t *at, bool is_store)
{
	volatile uint32_t *reg = (volatile uint32_t *)(uintptr_t)at;

	seen = 0;
	if (!sigsetjmp(back, 1)) {
		if (is_store)
			*reg = 0;
		else
			(void)*reg;
	}
	return seen;
}

static volatile uint8_t *map_bar(int prot)
{
	void *p = mmap(NULL, BAR_SIZE, prot, MAP_SHARED, vfio.device, 0);

	NEED(p != MAP_FAILED);
	return p;
}

static volatile uint32_t *at(volatile uint8_t *bar, unsigned int offset)
{
	return (volatile uint32_t *)(uintptr_t)(bar + offset);
}

static uint32_t get(unsigned int offset)
{
	uint32_t value = 0x55555555;

	CHECK(pread(vfio.device, &value, 4, offset) == 4);
	return value;
}

/* Whether the kernel can read it: it is memory for loads. */
static bool is_memory(volatile uint8_t *page)
{
	int pipes[2];
	ssize_t n;

	NEED(!pipe(pipes));
	n = write(pipes[1], (const void *)(uintptr_t)page, 8);
	close(pipes[0]);
	close(pipes[1]);
	return n == 8;
}

/* Shows V51. */
static void each_way_sees_the_same(void)
{
	volatile uint8_t *bar = map_bar(PROT_READ | PROT_WRITE);
	volatile uint8_t *other = map_bar(PROT_READ | PROT_WRITE);
	static const unsigned int pages[] = {0, MEMORY, MIRROR};

	for (unsigned int i = 0; i < 3; i++) {
		uint32_t flip = pages[i] == MIRROR ? ~0u : 0;

		for (uint32_t v = 1; v < 10; v++) {
			uint32_t stored = v * 0x01010101;

			*at(v & 1 ? bar : other, pages[i] + 8) = stored;
			CHECK(*at(bar, pages[i] + 8) == (stored ^ flip));
			CHECK(*at(other, pages[i] + 8) == (stored ^ flip));
			CHECK(get(pages[i] + 8) == (stored ^ flip));
			CHECK(pwrite(vfio.device, &v, 4, pages[i] + 8) == 4);
			CHECK(*at(bar, pages[i] + 8) == (v ^ flip));
		}
	}
	CHECK(!is_memory(bar) && is_memory(bar + MEMORY));
	CHECK(is_memory(bar + MIRROR));
	munmap((void *)(uintptr_t)bar, BAR_SIZE);
	munmap((void *)(uintptr_t)other, BAR_SIZE);
}

static void nobody_is_in_a_hole(volatile uint8_t *bar)
{
	for (int i = 0; i < 3; i++) {
		CHECK(*at(bar, HOLE + 16) == ~0u);
		*at(bar, HOLE + 16) = 0;
	}
	CHECK(*(volatile uint64_t *)(uintptr_t)(bar + HOLE + 16) == ~0ull);
	CHECK(bar[HOLE + 3] == 0xff && get(HOLE) == ~0u);
}

static void a_child_has_them(volatile uint8_t *bar)
{
	pid_t pid = fork();

	if (!pid) {
		*at(bar, MIRROR) = 0x11223344;
		CHECK(*at(bar, MIRROR) == ~0x11223344u);
		*at(bar, 4) = 7;
		CHECK(*at(bar, 4) == 7);
		_exit(client_status());
	}
	CHECK(client_wait(pid) == 0);
	CHECK(*at(bar, MIRROR) == ~0x11223344u && *at(bar, 4) == 7);
}

static void set_decode(bool on)
{
	uint16_t command = on ? PCI_COMMAND_MEMORY : 0;

	CHECK(pwrite(vfio.device, &command, 2, CONFIG + PCI_COMMAND) == 2);
}

/* Shows V50. */
static void none_answers_without_decode(volatile uint8_t *bar)
{
	static const unsigned int pages[] = {0, MEMORY, MIRROR, HOLE};
	struct sigaction action = {.sa_handler = on_signal};

	NEED(!sigaction(SIGBUS, &action, NULL));
	NEED(!sigaction(SIGSEGV, &action, NULL));
	*at(bar, 0) = 1;
	for (int round = 0; round < 2; round++) {
		set_decode(false);
		for (unsigned int i = 0; i < 4; i++) {
			CHECK(touch(bar + pages[i], false) == SIGBUS);
			CHECK(touch(bar + pages[i], true) == SIGBUS);
		}
		set_decode(true);
		CHECK(*at(bar, 0) == 1);
		*at(bar, MIRROR) = 5;
		CHECK(*at(bar, MIRROR) == ~5u);
		CHECK(!touch(bar + HOLE, true));
	}
}

/* Shows V50. */
static void rights_are_the_mapping_s(void)
{
	volatile uint8_t *bar = map_bar(PROT_READ);
	static const unsigned int pages[] = {0, MEMORY, MIRROR, HOLE};

	for (unsigned int i = 0; i < 4; i++) {
		CHECK(!touch(bar + pages[i], false));
		CHECK(touch(bar + pages[i], true) == SIGSEGV);
		CHECK(!touch(bar + pages[i], false));
	}
	munmap((void *)(uintptr_t)bar, BAR_SIZE);
}

int main(void)
{
	volatile uint8_t *bar;

	vfio = client_open();
	each_way_sees_the_same();
	bar = map_bar(PROT_READ | PROT_WRITE);
	nobody_is_in_a_hole(bar);
	a_child_has_them(bar);
	none_answers_without_decode(bar);
	rights_are_the_mapping_s();
	munmap((void *)(uintptr_t)bar, BAR_SIZE);
	client_close(&vfio);
	CHECK(group_is_free());
	return client_status();
}
