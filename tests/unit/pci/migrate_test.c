/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function that migrates, as a client sees it: which states there are and
 * what leads to a stream, what the stream brings, and what is refused.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "lib/machine.h"
#include "lib/migrate.h"
#include "pci/migrate.h"

#define LIVENESS 0x04
#define STATUS   0x20
#define CAUSES   0x24
#define RAISE    0x60

/* Of igb. */
#define IGB_ICS 0x1504
#define IGB_IMS 0x1508

#define PRECOPY_INFO _IO(';', 121)
#define DATA_SIZE    9u

struct precopy_info {
	uint32_t argsz, flags;
	uint64_t initial_bytes, dirty_bytes;
};

static void open_one(struct side *side, const char *spec)
{
	const char *const specs[] = {spec, NULL};

	side_open(side, specs);
	side_enable(side, 0);
}

static uint64_t flags_of(struct side *side)
{
	uint64_t flags = 0;

	assert_int_equal(side_feature(side, 0,
				      VFIO_DEVICE_FEATURE_GET |
					      VFIO_DEVICE_FEATURE_MIGRATION,
				      &flags, sizeof(flags)),
			 0);
	return flags;
}

/* As a device behind plain vfio-pci. */
static void a_device_that_is_not_told_to_stays(void **state)
{
	static const char *const specs[] = {"edu", "edu,migration=off"};
	static const uint32_t features[] = {
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		VFIO_DEVICE_FEATURE_GET | DATA_SIZE,
		VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
	};
	struct side side;
	uint64_t data = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		open_one(&side, specs[i]);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(side_feature(&side, 0, features[k],
						      &data, sizeof(data)),
					 -ENOTTY);
		side_close(&side);
	}
}

static void a_wrong_value_of_the_key_is_named(void **state)
{
	static const char *const specs[] = {"edu,migration=live", NULL};
	const struct uvfio_machine_params params = {.devices = specs};
	struct uvfio_machine *machine;
	struct uvfio_error err;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "stop-copy"));
}

/* Whether an arc begins a stream; written down once more. */
static bool begins(uint32_t from, uint32_t to)
{
	return (from == MIG_STOP && to == MIG_STOP_COPY) ||
	       (from == MIG_STOP && to == MIG_RESUMING) ||
	       (from == MIG_RUNNING && to == MIG_PRE_COPY) ||
	       (from == MIG_RUNNING_P2P && to == MIG_PRE_COPY_P2P);
}

static bool has_state(uint64_t flags, uint32_t state)
{
	bool is_p2p = state == MIG_RUNNING_P2P || state == MIG_PRE_COPY_P2P;
	bool is_pre = state == MIG_PRE_COPY || state == MIG_PRE_COPY_P2P;

	return state != MIG_ERROR && (!is_p2p || flags & 2) &&
	       (!is_pre || flags & 4);
}

/* One walk over arcs that a device with all options has one by one. */
static void walk(struct side *side, uint64_t flags)
{
	static const uint32_t way[] = {
		MIG_RUNNING_P2P, MIG_STOP,    MIG_STOP_COPY,   MIG_STOP,
		MIG_RUNNING_P2P, MIG_RUNNING, MIG_PRE_COPY,    MIG_PRE_COPY_P2P,
		MIG_PRE_COPY,    MIG_RUNNING, MIG_RUNNING_P2P, MIG_PRE_COPY_P2P,
		MIG_STOP_COPY,   MIG_STOP,    MIG_RESUMING,
	};
	uint32_t now = MIG_RUNNING;
	int fd;

	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++) {
		if (!has_state(flags, way[i])) {
			assert_int_equal(side_set_state(side, 0, way[i], &fd),
					 -EINVAL);
			assert_int_equal(fd, -1);
			continue;
		}
		assert_int_equal(side_set_state(side, 0, way[i], &fd), 0);
		assert_int_equal(side_state(side, 0), way[i]);
		/* Where states are skipped, several arcs are walked. */
		if (flags == 7)
			assert_int_equal(fd >= 0, begins(now, way[i]));
		if (fd >= 0)
			must_close(side->machine, fd);
		now = way[i];
	}
	/* Nothing was written. */
	assert_int_equal(side_set_state(side, 0, MIG_STOP, &fd), -EINVAL);
	assert_int_equal(side_state(side, 0), MIG_RESUMING);
}

/* Shows V59. */
static void arcs_lead_to_streams_where_they_should(void **state)
{
	static const struct {
		const char *spec;
		uint64_t flags;
	} cases[] = {
		{"edu,migration=stop-copy", 1},
		{"edu,migration=p2p", 3},
		{"edu,migration=pre-copy", 5},
		{"edu,migration=all", 7},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side side;
		int fd;

		open_one(&side, cases[i].spec);
		assert_int_equal(flags_of(&side), cases[i].flags);
		assert_int_equal(side_state(&side, 0), MIG_RUNNING);
		assert_int_equal(side_set_state(&side, 0, MIG_ERROR, &fd),
				 -EINVAL);
		assert_int_equal(side_set_state(&side, 0, 8, &fd), -EINVAL);
		walk(&side, cases[i].flags);
		side_close(&side);
	}
}

/* Shows V59. */
static void state_is_restored_in_another_machine(void **state)
{
	(void)state;
	for (int has_precopy = 0; has_precopy < 2; has_precopy++) {
		struct side from, to;
		uint8_t *data;
		size_t size;

		open_one(&from, "edu,migration=all");
		open_one(&to, "edu,migration=stop-copy");
		side_write(&from, 0, LIVENESS, 0x12345678);
		side_write(&from, 0, STATUS, 0x80);
		side_write(&from, 0, RAISE, 0x30);
		side_write(&to, 0, LIVENESS, 1);
		data = side_save(&from, 0, has_precopy, &size);
		side_load(&to, 0, data, size);
		assert_int_equal(side_read(&to, 0, LIVENESS), ~0x12345678u);
		assert_int_equal(side_read(&to, 0, STATUS), 0x80);
		assert_int_equal(side_read(&to, 0, CAUSES), 0x30);
		free(data);
		side_close(&from);
		side_close(&to);
	}
}

static struct precopy_info precopy_info(struct side *side, int fd, int want)
{
	struct precopy_info info = {.argsz = sizeof(info)};

	assert_int_equal(
		uvfio_ioctl(side->machine, fd, PRECOPY_INFO, (uintptr_t)&info),
		want);
	return info;
}

/* Shows V59. */
static void pre_copy_sends_what_changes_and_ends_with_enomsg(void **state)
{
	uint8_t bytes[8192];
	struct side side;
	struct precopy_info info;
	uint64_t size;
	int fd, none;

	(void)state;
	open_one(&side, "edu,migration=all");
	assert_int_equal(side_set_state(&side, 0, MIG_PRE_COPY, &fd), 0);
	info = precopy_info(&side, fd, 0);
	assert_true(info.initial_bytes > 4096);
	assert_int_equal(info.dirty_bytes, 0);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 100), 100);
	assert_int_equal(precopy_info(&side, fd, 0).initial_bytes,
			 info.initial_bytes - 100);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, sizeof(bytes)),
			 info.initial_bytes - 100);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 1), -ENOMSG);
	assert_int_equal(uvfio_pread(side.machine, fd, bytes, 1, 0), -ESPIPE);

	side_write(&side, 0, LIVENESS, 9);
	info = precopy_info(&side, fd, 0);
	assert_int_equal(info.initial_bytes, 0);
	assert_true(info.dirty_bytes > 16 && info.dirty_bytes < 200);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, sizeof(bytes)),
			 info.dirty_bytes);
	/* Even a device that always changes lets its reader come to an end. */
	side_write(&side, 0, LIVENESS, 10);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 1), -ENOMSG);

	side_write(&side, 0, LIVENESS, 11);
	assert_int_equal(side_feature(&side, 0,
				      VFIO_DEVICE_FEATURE_GET | DATA_SIZE,
				      &size, sizeof(size)),
			 0);
	assert_int_equal(side_set_state(&side, 0, MIG_STOP_COPY, &none), 0);
	assert_int_equal(none, -1);
	(void)precopy_info(&side, fd, -EINVAL);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, sizeof(bytes)),
			 size);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 1), 0);
	assert_int_equal(side_set_state(&side, 0, MIG_RUNNING, &none), 0);
	assert_int_equal(uvfio_read(side.machine, fd, bytes, 1), -ENODEV);
	must_close(side.machine, fd);
	side_close(&side);
}

/* Registers do not answer, and nothing is lost by that. */
static void a_stopped_device_does_not_hear(void **state)
{
	struct side side;
	int fd;

	(void)state;
	open_one(&side, "edu,migration=all");
	side_write(&side, 0, LIVENESS, 5);
	assert_int_equal(side_set_state(&side, 0, MIG_RUNNING_P2P, &fd), 0);
	assert_int_equal(side_read(&side, 0, LIVENESS), ~5u);
	assert_int_equal(side_set_state(&side, 0, MIG_STOP, &fd), 0);
	side_write(&side, 0, LIVENESS, 6);
	assert_int_equal(side_read(&side, 0, LIVENESS), UINT32_MAX);
	assert_int_equal(side_set_state(&side, 0, MIG_RUNNING, &fd), 0);
	assert_int_equal(side_read(&side, 0, LIVENESS), ~5u);
	side_close(&side);
}

/* A level, and where it leads is the client's business. */
static void an_interrupt_that_waits_comes_after_the_device_runs(void **state)
{
	struct side from, to;
	uint8_t *data;
	uint64_t count;
	size_t size;
	int fd, none, event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)state;
	open_one(&from, "edu,migration=all");
	open_one(&to, "edu,migration=all");
	side_write(&from, 0, RAISE, 1);
	side_irqs(&to, 0, VFIO_PCI_INTX_IRQ_INDEX, &event, 1);
	data = side_save(&from, 0, false, &size);
	assert_int_equal(side_set_state(&to, 0, MIG_RESUMING, &fd), 0);
	assert_int_equal(uvfio_write(to.machine, fd, data, size), size);
	must_close(to.machine, fd);
	assert_int_equal(side_set_state(&to, 0, MIG_STOP, &none), 0);
	assert_int_equal(read(event, &count, sizeof(count)), -1);
	assert_int_equal(side_set_state(&to, 0, MIG_RUNNING, &none), 0);
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	free(data);
	side_close(&from);
	side_close(&to);
	close(event);
}

/* The vector has no eventfd on either side when it is sent. */
static void a_message_behind_a_mask_goes_along(void **state)
{
	const int none = -1;
	struct side from, to;
	uint8_t *data;
	uint64_t count;
	size_t size;
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)state;
	open_one(&from, "igb,migration=all");
	open_one(&to, "igb,migration=all");
	side_irqs(&from, 0, VFIO_PCI_MSIX_IRQ_INDEX, &none, 1);
	side_write(&from, 0, IGB_IMS, 4);
	side_write(&from, 0, IGB_ICS, 4);
	side_irqs(&to, 0, VFIO_PCI_MSIX_IRQ_INDEX, &none, 1);
	data = side_save(&from, 0, true, &size);
	side_load(&to, 0, data, size);
	assert_int_equal(read(event, &count, sizeof(count)), -1);
	side_irqs(&to, 0, VFIO_PCI_MSIX_IRQ_INDEX, &event, 1);
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	free(data);
	side_close(&from);
	side_close(&to);
	close(event);
}

/* Shows V59. */
static void a_reset_leads_back_to_running(void **state)
{
	static const uint32_t states[] = {MIG_STOP, MIG_STOP_COPY, MIG_RESUMING,
					  MIG_RUNNING_P2P, MIG_PRE_COPY};
	struct side side;
	uint8_t byte = 0;
	int fd;

	(void)state;
	open_one(&side, "igb,migration=all");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		assert_int_equal(side_set_state(&side, 0, states[i], &fd), 0);
		must_ioctl(side.machine, side.devices[0], VFIO_DEVICE_RESET, 0);
		side_write(&side, 0, IGB_IMS, 4);
		assert_int_equal(side_read(&side, 0, IGB_IMS), 4);
		assert_int_equal(side_state(&side, 0), MIG_RUNNING);
		if (fd < 0)
			continue;
		if (states[i] == MIG_RESUMING)
			assert_int_equal(
				uvfio_write(side.machine, fd, &byte, 1),
				-ENODEV);
		else
			assert_int_equal(uvfio_read(side.machine, fd, &byte, 1),
					 -ENODEV);
		must_close(side.machine, fd);
	}
	side_close(&side);
}

/*
 * What becomes of a stream: of the writes, of which the one that has the error
 * fails or is cut short, and then of RESUMING to STOP.
 */
static void try_stream(const uint8_t *data, size_t size, bool is_refused,
		       int want_stop, uint32_t want_state)
{
	struct side to;
	ssize_t done;
	int fd, none;

	open_one(&to, "edu,migration=all");
	assert_int_equal(side_set_state(&to, 0, MIG_RESUMING, &fd), 0);
	done = uvfio_write(to.machine, fd, data, size);
	if (!is_refused)
		assert_int_equal(done, size);
	else if (done >= 0)
		assert_true((size_t)done < size);
	if (is_refused)
		assert_int_equal(uvfio_write(to.machine, fd, data, 1), -EINVAL);
	assert_int_equal(side_set_state(&to, 0, MIG_STOP, &none), want_stop);
	assert_int_equal(none, -1);
	assert_int_equal(side_state(&to, 0), want_state);
	must_close(to.machine, fd);
	side_close(&to);
}

static struct uvf_migrate_chunk *first_chunk(uint8_t *data)
{
	return (void *)(data + sizeof(struct uvf_migrate_header));
}

/* Shows V59. */
static void a_stream_that_is_wrong_is_refused(void **state)
{
	struct uvf_migrate_header header, *at;
	struct uvf_migrate_chunk *chunk;
	struct side from;
	uint8_t *data;
	size_t size;

	(void)state;
	open_one(&from, "edu,migration=all");
	data = side_save(&from, 0, false, &size);
	side_close(&from);
	at = (void *)data;
	header = *at;
	chunk = first_chunk(data);
	try_stream(data, size, false, 0, MIG_STOP);
	/* Truncated, anywhere. */
	for (size_t cut = 0; cut < size; cut += 97)
		try_stream(data, cut, false, -EINVAL, MIG_RESUMING);
	/* No stream, of another format, model, version. */
	at->magic ^= 1;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	*at = header;
	at->format++;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	*at = header;
	at->model[0] = 'x';
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	*at = header;
	at->version++;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	at->version = 0;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	*at = header;
	/* Damaged; with chunks that are not there; longer than it is. */
	data[size / 2] ^= 1;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	data[size / 2] ^= 1;
	chunk->id = 0x99;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	chunk->id = 0;
	chunk->size = UINT32_MAX;
	try_stream(data, size, true, -EINVAL, MIG_RESUMING);
	free(data);
}

/* Shows V59. */
static void a_state_that_cannot_be_is_an_error_until_a_reset(void **state)
{
	struct uvf_migrate_chunk *chunk;
	struct side side;
	uint8_t *data, *registers;
	uint32_t status = 0x40;
	size_t size;
	int fd, none;

	(void)state;
	open_one(&side, "edu,migration=all");
	data = side_save(&side, 0, false, &size);
	chunk = first_chunk(data);
	registers = (uint8_t *)(chunk + 1);
	memcpy(registers + 8, &status, sizeof(status));
	chunk->crc = uvf_crc32(registers, chunk->size);
	assert_int_equal(side_set_state(&side, 0, MIG_RESUMING, &fd), 0);
	assert_int_equal(uvfio_write(side.machine, fd, data, size), size);
	assert_int_equal(side_set_state(&side, 0, MIG_STOP, &none), -EIO);
	assert_int_equal(side_state(&side, 0), MIG_ERROR);
	assert_int_equal(side_set_state(&side, 0, MIG_RUNNING, &none), -EINVAL);
	assert_int_equal(uvfio_write(side.machine, fd, data, 1), -ENODEV);
	must_close(side.machine, fd);
	free(data);
	/* edu cannot be reset, but by its last close. */
	must_close(side.machine, side.devices[0]);
	side.devices[0] = (int)must_ioctl(side.machine, side.groups[0],
					  VFIO_GROUP_GET_DEVICE_FD,
					  (uintptr_t) "0000:00:03.0");
	side_enable(&side, 0);
	assert_int_equal(side_state(&side, 0), MIG_RUNNING);
	assert_int_equal(side_read(&side, 0, LIVENESS), 0);
	side_close(&side);
}

static void write_behind_the_end_is_too_much(void **state)
{
	struct side side;
	uint8_t *data;
	size_t size;
	int fd;

	(void)state;
	open_one(&side, "edu,migration=all");
	data = side_save(&side, 0, false, &size);
	assert_int_equal(side_set_state(&side, 0, MIG_RESUMING, &fd), 0);
	assert_int_equal(uvfio_write(side.machine, fd, data, size), size);
	assert_int_equal(uvfio_write(side.machine, fd, data, 1), -ENOMEM);
	must_close(side.machine, fd);
	free(data);
	side_close(&side);
}

/* One save and load; 0, or the first error. */
static int try_migration(struct side *from, struct side *to)
{
	uint8_t bytes[8192];
	ssize_t got, size = 0;
	int fd = -1, none, ret;

	ret = side_set_state(from, 0, MIG_PRE_COPY, &fd);
	if (!ret)
		ret = side_set_state(from, 0, MIG_STOP_COPY, &none);
	while (!ret &&
	       (got = uvfio_read(from->machine, fd, bytes + size, 100)) != 0) {
		if (got < 0)
			ret = (int)got;
		else
			size += got;
	}
	if (fd >= 0)
		must_close(from->machine, fd);
	if (ret)
		return ret;
	ret = side_set_state(to, 0, MIG_RESUMING, &fd);
	if (ret)
		return ret;
	got = uvfio_write(to->machine, fd, bytes, (size_t)size);
	if (got < 0)
		ret = (int)got;
	else if (got < size)
		ret = -ENOMEM;
	if (!ret)
		ret = side_set_state(to, 0, MIG_RUNNING, &none);
	must_close(to->machine, fd);
	return ret;
}

static void save_and_load_survive_every_failed_allocation(void **state)
{
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	do {
		struct side from, to;
		int ret;

		open_one(&from, "edu,migration=all");
		open_one(&to, "edu,migration=all");
		side_write(&from, 0, LIVENESS, 0x77);
		uvf_alloc_fail_nth(nth++);
		ret = try_migration(&from, &to);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		assert_int_equal(ret, has_failed ? -ENOMEM : 0);
		if (!ret)
			assert_int_equal(side_read(&to, 0, LIVENESS), ~0x77u);
		side_close(&from);
		side_close(&to);
	} while (has_failed);
	assert_true(nth > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_is_not_told_to_stays),
		cmocka_unit_test(a_wrong_value_of_the_key_is_named),
		cmocka_unit_test(arcs_lead_to_streams_where_they_should),
		cmocka_unit_test(state_is_restored_in_another_machine),
		cmocka_unit_test(
			pre_copy_sends_what_changes_and_ends_with_enomsg),
		cmocka_unit_test(a_stopped_device_does_not_hear),
		cmocka_unit_test(
			an_interrupt_that_waits_comes_after_the_device_runs),
		cmocka_unit_test(a_message_behind_a_mask_goes_along),
		cmocka_unit_test(a_reset_leads_back_to_running),
		cmocka_unit_test(a_stream_that_is_wrong_is_refused),
		cmocka_unit_test(
			a_state_that_cannot_be_is_an_error_until_a_reset),
		cmocka_unit_test(write_behind_the_end_is_too_much),
		cmocka_unit_test(save_and_load_survive_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
