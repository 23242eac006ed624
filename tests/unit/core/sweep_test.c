/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole session, with each request for memory inside it failing once: the
 * call that meets the failure says ENOMEM, and the same call works after.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "base/alloc.h"
#include "lib/irq.h"
#include "lib/machine.h"

struct session {
	struct uvfio_machine *machine;
	unsigned int failures;
};

/* As the system call; once more, from the same state, when memory failed. */
static long again(struct session *session, int fd, unsigned int cmd,
		  uintptr_t arg)
{
	long ret = uvfio_ioctl(session->machine, fd, cmd, arg);

	if (ret == -ENOMEM) {
		assert_true(uvf_alloc_has_failed());
		session->failures++;
		ret = uvfio_ioctl(session->machine, fd, cmd, arg);
	}
	if (ret < 0)
		fail_msg("ioctl %#x: %ld", cmd, ret);
	return ret;
}

static int open_again(struct session *session, const char *path)
{
	int fd = uvfio_open(session->machine, path);

	if (fd == -ENOMEM) {
		assert_true(uvf_alloc_has_failed());
		session->failures++;
		fd = uvfio_open(session->machine, path);
	}
	assert_true(fd >= 0);
	return fd;
}

static void map_and_unmap(struct session *session, int container, void *page)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.iova = 0x7fffff000,
		.size = 4096,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = map.iova,
		.size = map.size,
	};

	again(session, container, VFIO_IOMMU_MAP_DMA, (uintptr_t)&map);
	again(session, container, VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&unmap);
	assert_int_equal(unmap.size, 4096);
}

static void arm_and_disarm(struct session *session, int device)
{
	struct irq_one irqs =
		irq_one(VFIO_PCI_MSI_IRQ_INDEX, eventfd(0, EFD_CLOEXEC));

	assert_true(irqs.fd >= 0);
	again(session, device, VFIO_DEVICE_SET_IRQS, (uintptr_t)&irqs);
	irqs.set.argsz = sizeof(irqs.set);
	irqs.set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	irqs.set.count = 0;
	again(session, device, VFIO_DEVICE_SET_IRQS, (uintptr_t)&irqs);
	close(irqs.fd);
}

static void run_session(struct session *session, void *page)
{
	int container = open_again(session, "/dev/vfio/vfio");
	int group = open_again(session, "/dev/vfio/1");
	long device;

	again(session, group, VFIO_GROUP_SET_CONTAINER, (uintptr_t)&container);
	again(session, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	map_and_unmap(session, container, page);
	device = again(session, group, VFIO_GROUP_GET_DEVICE_FD,
		       (uintptr_t)EDU_A);
	arm_and_disarm(session, (int)device);
	must_close(session->machine, (int)device);
	must_close(session->machine, group);
	must_close(session->machine, container);
}

static void every_call_survives_every_failed_allocation(void **state)
{
	struct session session = {.machine = machine_create(false)};
	void *page = aligned_alloc(4096, 4096);
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	assert_non_null(page);
	do {
		unsigned int before = session.failures;

		uvf_alloc_fail_nth(nth++);
		run_session(&session, page);
		has_failed = uvf_alloc_has_failed();
		assert_int_equal(session.failures - before, has_failed);
	} while (has_failed);
	uvf_alloc_fail_nth(0);
	assert_true(session.failures > 8);
	free(page);
	uvfio_machine_destroy(session.machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
