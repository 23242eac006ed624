/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SET_IRQS with more than one vector, and of devices that lack a kind of
 * interrupt: which vectors count when each is looped back afterwards.
 */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define N       ABI_IRQ_NONE
#define B       ABI_IRQ_BOOL
#define E       ABI_IRQ_EVENTFD
#define M       ABI_IRQ_MASK
#define U       ABI_IRQ_UNMASK
#define T       ABI_IRQ_TRIGGER
#define VECTORS 5 /* of the nic */
#define MSIX    VFIO_PCI_MSIX_IRQ_INDEX
#define MSI     VFIO_PCI_MSI_IRQ_INDEX
#define INTX    VFIO_PCI_INTX_IRQ_INDEX

static const struct {
	uint32_t start, count;
} ranges[] = {
	{0, 0}, {0, 1}, {0, 3}, {0, 5}, {0, 6}, {1, 1},   {1, 4},
	{1, 5}, {4, 1}, {4, 0}, {5, 0}, {5, 1}, {2, ~0u},
};

static const uint32_t datas[] = {N, B, E};
static const uint32_t actions[] = {M, U, T};
static const char *const data_names[] = {"none", "bool", "eventfd"};
static const char *const action_names[] = {"mask", "unmask", "trigger"};

/* Every action with every data on every range. */
static const char *grid_label(long i)
{
	static char buf[64];
	long range = i / 9;

	if (range >= (long)COUNT(ranges))
		return NULL;
	snprintf(buf, sizeof(buf), "%s_%s_%u_%d", action_names[i / 3 % 3],
		 data_names[i % 3], ranges[range].start,
		 (int)ranges[range].count);
	return buf;
}

/* As irq_set(), but says so when the payload is longer than any. */
static int set(int device, uint32_t flags, uint32_t index, uint32_t start,
	       uint32_t count, const void *data)
{
	struct {
		uint32_t argsz, flags, index, start, count;
		unsigned char data[64];
	} req = {
		.flags = flags, .index = index, .start = start, .count = count};
	uint32_t each = flags & E ? 4 : flags & B ? 1 : 0;

	req.argsz = 20 + (count <= 16 ? each * count : 64);
	memcpy(req.data, data, sizeof(req.data));
	return ioctl(device, VFIO_DEVICE_SET_IRQS, &req);
}

struct eventfds {
	int fd[16];
};

static struct eventfds eventfds(void)
{
	struct eventfds set;

	for (size_t i = 0; i < COUNT(set.fd); i++)
		set.fd[i] = event_fd();
	return set;
}

/* Loops back each vector by itself, and tells what the eventfds got. */
static void show_vectors(int device, uint32_t index, unsigned int count,
			 const struct eventfds *set)
{
	report(" vectors=");
	for (unsigned int v = 0; v < count; v++)
		report("%c",
		       irq_set(device, N | T, index, v, 1, NULL) ? '-' : '+');
	report(" counts=");
	for (unsigned int v = 0; v < count; v++)
		report("%ld", counted(set->fd[v]));
}

static void payload(unsigned char data[64], long kind,
		    const struct eventfds *set)
{
	memset(data, 1, 64);
	if (kind == 2)
		memcpy(data, set->fd, 64);
}

static void grid(int device, uint32_t index, long i)
{
	struct eventfds new = eventfds();
	unsigned char data[64];
	long range = i / 9;

	payload(data, i % 3, &new);
	result(set(device, datas[i % 3] | actions[i / 3 % 3], index,
		   ranges[range].start, ranges[range].count, data));
	show_vectors(device, index, VECTORS, &new);
}

/* Shows V12, V13, V23. */
static void msix_idle(long i)
{
	struct session s = card_session(CARD_NIC);

	grid(s.device, MSIX, i);
	hex("control", cfg_read(s.device, MSIX_CAP + 2, 2));
}

/* Shows V12, V13, V19, V23. */
static void msix_active(long i)
{
	struct session s = card_session(CARD_NIC);
	struct eventfds old = eventfds();

	outcome("enable", set(s.device, E | T, MSIX, 0, 3, &old));
	grid(s.device, MSIX, i);
	report(" old=");
	for (unsigned int v = 0; v < VECTORS; v++)
		report("%ld", counted(old.fd[v]));
	hex("control", cfg_read(s.device, MSIX_CAP + 2, 2));
}

static void msi_idle(long i)
{
	struct session s = card_session(CARD_NIC);

	grid(s.device, MSI, i);
	hex("control", cfg_read(s.device, MSI_CAP + 2, 2));
}

static void msi_active(long i)
{
	struct session s = card_session(CARD_NIC);
	struct eventfds old = eventfds();

	outcome("enable", set(s.device, E | T, MSI, 0, 1, &old));
	grid(s.device, MSI, i);
	report(" old=%ld", counted(old.fd[0]));
}

/* What a device without interrupts says to each kind on each index. */
static const char *lacking_label(long i)
{
	static char buf[64];

	if (i >= 90)
		return NULL;
	snprintf(buf, sizeof(buf), "%ld_%s_%s_%ld", i / 18,
		 action_names[i / 3 % 3], data_names[i % 3], i / 9 % 2);
	return buf;
}

/* Shows V11, V12. */
static void without_any(long i)
{
	struct session s = card_session(CARD_TEST_A);
	struct eventfds new = eventfds();
	unsigned char data[64];

	payload(data, i % 3, &new);
	result(set(s.device, datas[i % 3] | actions[i / 3 % 3],
		   (uint32_t)(i / 18), 0, (uint32_t)(i / 9 % 2), data));
}

/* Errors and requests of a PCI Express device. */
static const char *event_label(long i)
{
	static char buf[64];

	if (i >= 72)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_%s_%s_count_%ld%s",
		 i < 36 ? "err" : "req", action_names[i / 3 % 3],
		 data_names[i % 3], i / 9 % 2, i / 18 % 2 ? "_active" : "");
	return buf;
}

/* Shows V24. */
static void event(long i)
{
	struct session s = card_session(CARD_NIC);
	uint32_t index =
		i < 36 ? VFIO_PCI_ERR_IRQ_INDEX : VFIO_PCI_REQ_IRQ_INDEX;
	struct eventfds old = eventfds(), new = eventfds();
	unsigned char data[64];

	if (i / 18 % 2)
		outcome("enable", irq_trigger_fd(s.device, index, old.fd[0]));
	payload(data, i % 3, &new);
	result(set(s.device, datas[i % 3] | actions[i / 3 % 3], index, 0,
		   (uint32_t)(i / 9 % 2), data));
	value("now", counted(new.fd[0]) * 10 + counted(old.fd[0]));
	outcome("loop", irq_set(s.device, N | T, index, 0, 1, NULL));
	value("new", counted(new.fd[0]));
	value("old", counted(old.fd[0]));
}

static const struct conf_case cases[] = {
	EACH(msix_idle, grid_label),      EACH(msix_active, grid_label),
	EACH(msi_idle, grid_label),       EACH(msi_active, grid_label),
	EACH(without_any, lacking_label), EACH(event, event_label),
};

TABLE_OF(table_card_irqs, "card_irqs", cases, has_cards);
