/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vectors that come and go: where a wrong descriptor stands in a block, what
 * is added later, and the change from one kind of interrupt to another.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NT   (ABI_IRQ_NONE | ABI_IRQ_TRIGGER)
#define ET   (ABI_IRQ_EVENTFD | ABI_IRQ_TRIGGER)
#define MANY 16
#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI  VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX

struct block {
	struct session s;
	uint32_t index;
	unsigned int vectors;
	int fd[MANY];
};

static struct block block_of(int dev, uint32_t index, unsigned int vectors)
{
	struct block b = {
		.s = card_session(dev), .index = index, .vectors = vectors};

	for (int i = 0; i < MANY; i++)
		b.fd[i] = event_fd();
	return b;
}

static int arm(struct block *b, uint32_t start, uint32_t count, const int *fds)
{
	return irq_set(b->s.device, ET, b->index, start, count, fds);
}

static void show(struct block *b)
{
	report(" loops=");
	for (unsigned int v = 0; v < b->vectors; v++)
		report("%c", irq_set(b->s.device, NT, b->index, v, 1, NULL)
				     ? '-'
				     : '+');
	report(" counts=");
	for (unsigned int v = 0; v < b->vectors; v++)
		report("%ld", counted(b->fd[v]));
}

/* What stands at one place of a block of five: 0 to 4, with none before. */
static const char *const wrongs[] = {"none", "closed", "no_eventfd", "minus_2"};

static const char *wrong_label(long i)
{
	static char buf[64];

	if (i >= (long)COUNT(wrongs) * 10)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_at_%ld%s", wrongs[i % 4], i / 4 % 5,
		 i / 20 ? "_active" : "");
	return buf;
}

/* Shows V21. */
static void block_with(long i)
{
	struct block b = block_of(CARD_NIC, MSIX, 5);
	int fds[5], old[5];

	for (int v = 0; v < 5; v++) {
		fds[v] = b.fd[v];
		old[v] = b.fd[5 + v];
	}
	switch (i % 4) {
	case 0:
		fds[i / 4 % 5] = -1;
		break;
	case 1:
		fds[i / 4 % 5] = closed_fd();
		break;
	case 2:
		fds[i / 4 % 5] = b.s.group;
		break;
	default:
		fds[i / 4 % 5] = -2;
		break;
	}
	if (i / 20)
		need(!arm(&b, 0, 5, old), "enable");
	result(arm(&b, 0, 5, fds));
	show(&b);
	report(" old=");
	for (int v = 0; v < 5; v++)
		report("%ld", counted(old[v]));
	hex("control", cfg_read(b.s.device, MSIX_CAP + 2, 2));
}

/* Enabled first, then set: which vectors there are in the end. */
static const char *later_label(long i)
{
	static char buf[64];

	if (i >= 5 * 5 * 2)
		return NULL;
	snprintf(buf, sizeof(buf), "%ld_then_%ld_of_%ld", i / 10 + 1, i / 2 % 5,
		 i % 2 + 1);
	return buf;
}

/* Shows V19, V22. */
static void later(long i)
{
	struct block b = block_of(CARD_NIC, MSIX, 5);
	uint32_t start = (uint32_t)(i / 2 % 5);

	outcome("first", arm(&b, 0, (uint32_t)(i / 10 + 1), b.fd));
	result(arm(&b, start, (uint32_t)(i % 2 + 1), b.fd + start));
	show(&b);
}

/* The first call does not begin at vector 0. */
static void first_at(long start)
{
	struct block b = block_of(CARD_NIC, MSIX, 5);

	result(arm(&b, (uint32_t)start, 1, b.fd + start));
	show(&b);
	outcome("whole", irq_set(b.s.device, NT, MSIX, 0, 5, NULL));
	hex("control", cfg_read(b.s.device, MSIX_CAP + 2, 2));
}

/* Shows V20. */
static void none_at_first(void)
{
	struct block b = block_of(CARD_NIC, MSIX, 5);
	const int fds[5] = {-1, -1, -1, -1, -1};

	result(arm(&b, 0, 5, fds));
	show(&b);
	outcome("add", arm(&b, 3, 1, b.fd + 3));
	show(&b);
}

/* Vectors of a device that has many, by blocks of up to 16.  Shows V26. */
static void many(long start)
{
	struct block b = block_of(CARD_NVME, MSIX, MANY);

	result(arm(&b, (uint32_t)start, MANY, b.fd));
	outcome("loop",
		irq_set(b.s.device, NT, MSIX, (uint32_t)start, MANY, NULL));
	report(" counts=");
	for (int v = 0; v < MANY; v++)
		report("%ld", counted(b.fd[v]));
	hex("control", cfg_read(b.s.device, 0x42, 2));
}

static const char *const kinds[] = {"intx", "msi", "msix"};

static const char *switch_label(long i)
{
	static char buf[64];

	if (i >= 18)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_to_%s%s", kinds[i / 3 % 3], kinds[i % 3],
		 i / 9 ? "_torn_down" : "");
	return buf;
}

/* Shows V14. */
static void switches(long i)
{
	struct block b = block_of(CARD_NIC, (uint32_t)(i / 3 % 3), 1);
	struct block to = b;

	to.index = (uint32_t)(i % 3);
	need(!arm(&b, 0, 1, b.fd), "enable");
	if (i / 9)
		outcome("down", irq_set(b.s.device, NT, b.index, 0, 0, NULL));
	result(arm(&to, 0, 1, b.fd + 1));
	outcome("old_loops", irq_set(b.s.device, NT, b.index, 0, 1, NULL));
	outcome("new_loops", irq_set(b.s.device, NT, to.index, 0, 1, NULL));
	value("old", counted(b.fd[0]));
	value("new", counted(b.fd[1]));
	hex("command", cfg_read(b.s.device, 4, 2));
	hex("msi", cfg_read(b.s.device, MSI_CAP + 2, 2));
	hex("msix", cfg_read(b.s.device, MSIX_CAP + 2, 2));
	outcome("tear_old", irq_set(b.s.device, NT, b.index, 0, 0, NULL));
	outcome("tear_new", irq_set(b.s.device, NT, to.index, 0, 0, NULL));
}

/* Two functions of one slot do not disturb each other. */
static void functions_are_apart(long kind)
{
	struct block b = block_of(CARD_FN0, (uint32_t)kind, 1);
	int other = card_other(&b.s, CARD_FN1), fd = b.fd[1];

	need(!arm(&b, 0, 1, b.fd), "enable");
	result(irq_set(other, ET, (uint32_t)kind, 0, 1, &fd));
	outcome("first", irq_set(b.s.device, NT, (uint32_t)kind, 0, 1, NULL));
	value("count", counted(b.fd[0]));
	value("other", counted(fd));
	close(other);
	outcome("again", irq_set(b.s.device, NT, (uint32_t)kind, 0, 1, NULL));
	value("count", counted(b.fd[0]));
}

static const struct conf_case cases[] = {
	EACH(block_with, wrong_label),
	EACH(later, later_label),
	RANGE(first_at, 0, 4, 1),
	CASE(none_at_first),
	RANGE(many, 0, 56, 7),
	EACH(switches, switch_label),
	RANGE(functions_are_apart, 0, 2, 1),
};

TABLE_OF(table_card_vectors, "card_vectors", cases, has_cards);
