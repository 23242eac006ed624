/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card of mtty that migrates, as samples/vfio-mdev/mtty.c of Linux 6.12.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/machine.h"
#include "lib/migrate.h"

#define UUID         "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define HEADER       24u
#define PORT         36u
#define PRECOPY_INFO _IO(';', 121)

static void open_card(struct side *side, const char *abi, const char *spec)
{
	const char *const devices[] = {spec, NULL};
	const struct uvfio_machine_params params = {.abi = abi,
						    .devices = devices};

	memset(side, 0, sizeof(*side));
	assert_int_equal(uvfio_machine_create(&side->machine, &params, NULL),
			 0);
	side->container = must_open(side->machine, "/dev/vfio/vfio");
	side->groups[0] = must_open(side->machine, "/dev/vfio/1");
	must_ioctl(side->machine, side->groups[0], VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&side->container);
	must_ioctl(side->machine, side->container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
	side->devices[0] =
		(int)must_ioctl(side->machine, side->groups[0],
				VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)UUID);
	side->count = 1;
}

static void set(struct side *side, unsigned int port, uint64_t reg,
		uint8_t byte)
{
	assert_int_equal(uvfio_pwrite(side->machine, side->devices[0], &byte, 1,
				      (uint64_t)port << 40 | reg),
			 1);
}

static uint8_t get(struct side *side, unsigned int port, uint64_t reg)
{
	uint8_t byte;

	assert_int_equal(uvfio_pread(side->machine, side->devices[0], &byte, 1,
				     (uint64_t)port << 40 | reg),
			 1);
	return byte;
}

/* Flips sample_migrates. */
static void the_example_migrates_since_6_12(void **state)
{
	static const char *const abis[] = {"6.6", "6.12"};
	struct side side;

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t flags = 0;

		open_card(&side, abis[i], "mtty,uuid=" UUID);
		assert_int_equal(
			side_feature(&side, 0,
				     VFIO_DEVICE_FEATURE_GET |
					     VFIO_DEVICE_FEATURE_MIGRATION,
				     &flags, sizeof(flags)),
			i ? 0 : -ENOTTY);
		assert_int_equal(flags, i ? 7 : 0);
		side_close(&side);
	}
}

static void bytes_in_the_fifo_go_along(void **state)
{
	struct side from, to;
	uint8_t *data;
	size_t size;

	(void)state;
	open_card(&from, NULL, "mtty,type=mtty-2,uuid=" UUID);
	open_card(&to, NULL, "mtty,type=mtty-2,uuid=" UUID);
	set(&from, 1, UART_FCR, UART_FCR_ENABLE_FIFO);
	set(&from, 1, UART_TX, 'a');
	set(&from, 1, UART_TX, 'b');
	set(&from, 0, UART_SCR, 0x42);
	assert_int_equal(get(&from, 1, UART_RX), 'a');
	data = side_save(&from, 0, false, &size);
	assert_int_equal(size, HEADER + 2 * PORT);
	side_load(&to, 0, data, size);
	assert_int_equal(get(&to, 1, UART_RX), 'b');
	assert_int_equal(get(&to, 1, UART_LSR) & UART_LSR_DR, 0);
	assert_int_equal(get(&to, 0, UART_SCR), 0x42);
	free(data);
	side_close(&from);
	side_close(&to);
}

/* Before the device stops there is the header, whose end is a plain one. */
static void pre_copy_has_the_header(void **state)
{
	struct {
		uint32_t argsz, flags;
		uint64_t initial_bytes, dirty_bytes;
	} info = {.argsz = sizeof(info)};
	uint8_t bytes[200];
	struct side side;
	int fd, none;

	(void)state;
	open_card(&side, NULL, "mtty,uuid=" UUID);
	assert_int_equal(side_set_state(&side, 0, MIG_PRE_COPY, &fd), 0);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 4), 4);
	assert_int_equal(
		uvfio_ioctl(side.machine, fd, PRECOPY_INFO, (uintptr_t)&info),
		0);
	assert_int_equal(info.initial_bytes, HEADER - 4);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, sizeof(bytes)),
			 HEADER - 4);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, sizeof(bytes)), 0);
	assert_int_equal(side_set_state(&side, 0, MIG_STOP_COPY, &none), 0);
	assert_int_equal(none, -1);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, sizeof(bytes)),
			 PORT);
	/* A reset ends it. */
	must_ioctl(side.machine, side.devices[0], VFIO_DEVICE_RESET, 0);
	assert_int_equal(side_state(&side, 0), MIG_RUNNING);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 1), -ENODEV);
	must_close(side.machine, fd);
	side_close(&side);
}

/* A write of some bytes, then RESUMING to STOP. */
static void try_stream(const uint8_t *data, size_t size, ssize_t want_write,
		       int want_stop)
{
	struct side side;
	int fd, none;

	open_card(&side, NULL, "mtty,uuid=" UUID);
	assert_int_equal(side_set_state(&side, 0, MIG_RESUMING, &fd), 0);
	assert_int_equal(uvfio_write(side.machine, fd, data, size), want_write);
	assert_int_equal(side_set_state(&side, 0, MIG_STOP, &none), want_stop);
	must_close(side.machine, fd);
	side_close(&side);
}

static void a_wrong_stream_is_refused(void **state)
{
	uint8_t bytes[5000] = {0}, *data;
	struct side side;
	size_t size;

	(void)state;
	open_card(&side, NULL, "mtty,uuid=" UUID);
	data = side_save(&side, 0, false, &size);
	side_close(&side);
	assert_int_equal(size, HEADER + PORT);
	memcpy(bytes, data, size);
	free(data);
	try_stream(bytes, size, (ssize_t)size, 0);
	try_stream(bytes, size - 1, (ssize_t)size - 1, -EINVAL);
	try_stream(bytes, size + 1, -ENOMEM, -EINVAL);
	try_stream(bytes, sizeof(bytes), -ENOMEM, -EINVAL);
	bytes[8]++; /* major */
	try_stream(bytes, HEADER, -EFAULT, -EINVAL);
	bytes[8]--;
	bytes[16] = 2; /* ports */
	try_stream(bytes, HEADER, -EFAULT, -EINVAL);
	bytes[16] = 1;
	bytes[HEADER + 24] = 16; /* head, beyond the FIFO */
	try_stream(bytes, size, (ssize_t)size, -EINVAL);
}

static void its_log_is_empty(void **state)
{
	struct vfio_device_feature_dma_logging_range range = {0, 4096};
	struct vfio_device_feature_dma_logging_control control = {
		.page_size = 4096,
		.num_ranges = 1,
		.ranges = (uintptr_t)&range,
	};
	uint64_t bitmap = 0;
	struct vfio_device_feature_dma_logging_report report = {
		.length = 4096,
		.page_size = 4096,
		.bitmap = (uintptr_t)&bitmap,
	};
	struct side side;

	(void)state;
	open_card(&side, NULL, "mtty,uuid=" UUID);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			side_feature(
				&side, 0,
				VFIO_DEVICE_FEATURE_SET |
					VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
				&control, sizeof(control)),
			0);
	assert_int_equal(
		side_feature(&side, 0,
			     VFIO_DEVICE_FEATURE_GET |
				     VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
			     &report, sizeof(report)),
		0);
	assert_int_equal(bitmap, 0);
	assert_int_equal(
		side_feature(&side, 0,
			     VFIO_DEVICE_FEATURE_SET |
				     VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
			     NULL, 0),
		0);
	side_close(&side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_migrates_since_6_12),
		cmocka_unit_test(bytes_in_the_fifo_go_along),
		cmocka_unit_test(pre_copy_has_the_header),
		cmocka_unit_test(a_wrong_stream_is_refused),
		cmocka_unit_test(its_log_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
