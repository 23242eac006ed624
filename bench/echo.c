/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model that does nothing but see a doorbell and say so, in memory.
 */
#include <string.h>

#include <uvfio/pci.h>

#define BELL   0x1000u
#define ANSWER 0x2000u

/* Any store to a register: from now on the bell is watched. */
static int access(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		  void *buf, size_t len, bool is_write)
{
	(void)bar;
	(void)offset;
	if (is_write)
		uvfio_poll_hint(dev, true);
	else
		memset(buf, 0, len);
	return 0;
}

static bool poll(struct uvfio_dev *dev)
{
	const uint32_t *bell = uvfio_mem(dev, 0, BELL);
	uint32_t *answer = uvfio_mem(dev, 0, ANSWER);
	uint32_t rung = __atomic_load_n(bell, __ATOMIC_ACQUIRE);

	if (rung == *answer)
		return false;
	__atomic_store_n(answer, rung, __ATOMIC_RELEASE);
	return true;
}

static const struct uvfio_span spans[] = {
	{BELL, 0x1000, UVFIO_PAGE_POLL},
	{ANSWER, 0x1000, UVFIO_PAGE_RAM},
};

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "echo",
	.summary = "answers a doorbell in memory",
	.ops = &(struct uvfio_device_ops){.access = access, .poll = poll},
	.vendor = 0x1234,
	.device = 0xec40,
	.class_code = 0xff0000,
	.bars[0] = {.size = 0x4000,
		    .widths = 4,
		    .spans = spans,
		    .span_count = 2},
};
