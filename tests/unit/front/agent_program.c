/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client that is a program of its own, built in several ways: it maps the
 * toy device, by the descriptor it inherited, and touches it.
 */
#include <stdint.h>
#include <sys/mman.h>

/* As in agent_harness.h, which this one does not include: it is built with
 * other C libraries too. */
#define TOY_FD   500
#define TOY_SIZE 32768

int main(void)
{
	volatile uint32_t *map;
	int i;

	map = mmap(0, TOY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, TOY_FD, 0);
	if (map == MAP_FAILED)
		return 1;
	for (i = 0; i < 100; i++)
		map[1] += 2;
	return map[1] == 200 ? 0 : 2;
}
