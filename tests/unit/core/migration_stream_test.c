/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stream of a device that migrates, and the file it is read from.
 */
#include "migration_fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static int call_read(struct fake *fake, struct uvf_file *file, void *buf,
		     size_t len)
{
	return (int)uvf_file_read(file, &fake->caller, (uintptr_t)buf, len, 0);
}

static int call_write(struct fake *fake, struct uvf_file *file, const void *buf,
		      size_t len)
{
	return (int)uvf_file_write(file, &fake->caller, (uintptr_t)buf, len, 0);
}

/* Shows F5, F7. */
static void one_stream_runs_through_precopy_to_the_end(void **state)
{
	static struct fake fake;
	static uint8_t copy[STATE_BYTES + 1];
	struct uvf_file *file, *none;

	(void)state;
	fake_open(&fake, 7, "6.12");
	fake.precopy = 5000;
	assert_int_equal(set_state(&fake, UVF_MIG_PRE_COPY, &file), 0);
	assert_non_null(file);
	assert_int_equal(call_read(&fake, file, copy, 100), 100);
	/* Nothing happens on the way to where it is. */
	assert_int_equal(set_state(&fake, UVF_MIG_PRE_COPY, &none), 0);
	assert_null(none);
	assert_int_equal(fake.arc_count, 0);
	assert_int_equal(call_read(&fake, file, copy + 100, 9000), 4900);
	assert_int_equal(call_read(&fake, file, copy, 1), -ENOMSG);
	assert_int_equal(call_read(&fake, file, copy, 0), 0);
	assert_int_equal(call_write(&fake, file, copy, 1), -EBADF);
	fake.precopy = 0;
	assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, &none), 0);
	assert_null(none);
	assert_int_equal(call_read(&fake, file, copy + 5000, 9000), 5000);
	assert_int_equal(call_read(&fake, file, copy, 1), 0);
	assert_memory_equal(copy, fake.state, STATE_BYTES);
	assert_int_equal(set_state(&fake, UVF_MIG_STOP, NULL), 0);
	assert_int_equal(call_read(&fake, file, copy, 1), -ENODEV);
	uvf_file_put(file);
	fake_close(&fake);
}

/* Shows F8. */
static void any_segmentation_carries_the_same_state(void **state)
{
	static const size_t pieces[] = {1, 3, 4096, STATE_BYTES, 20000};
	static struct fake from, to;
	static uint8_t bytes[20000];
	struct uvf_file *out, *in;

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++)
		for (size_t k = 0; k < COUNT(pieces); k++) {
			size_t size = 0, done = 0;
			int n;

			fake_open(&from, 1, "6.12");
			fake_open(&to, 1, "6.12");
			memset(to.state, 0, sizeof(to.state));
			assert_int_equal(
				set_state(&from, UVF_MIG_STOP_COPY, &out), 0);
			assert_int_equal(set_state(&to, UVF_MIG_RESUMING, &in),
					 0);
			while ((n = call_read(&from, out, bytes + size,
					      pieces[i])) > 0)
				size += (size_t)n;
			assert_int_equal(n, 0);
			while (done < size) {
				size_t piece = pieces[k] < size - done
						       ? pieces[k]
						       : size - done;

				assert_int_equal(call_write(&to, in,
							    bytes + done,
							    piece),
						 piece);
				done += piece;
			}
			assert_int_equal(set_state(&to, UVF_MIG_RUNNING, NULL),
					 0);
			assert_memory_equal(to.state, from.state, STATE_BYTES);
			uvf_file_put(in);
			uvf_file_put(out);
			fake_close(&from);
			fake_close(&to);
		}
}

/* Shows F8. */
static void a_stream_that_is_cut_or_too_long_is_no_state(void **state)
{
	static struct fake fake;
	struct uvf_file *in;

	(void)state;
	fake_open(&fake, 3, "6.12");
	assert_int_equal(set_state(&fake, UVF_MIG_RESUMING, &in), 0);
	assert_int_equal(call_write(&fake, in, fake.state, 100), 100);
	assert_int_equal(set_state(&fake, UVF_MIG_RUNNING, NULL), -EINVAL);
	assert_int_equal(state_of(&fake), UVF_MIG_RESUMING);
	assert_int_equal(call_write(&fake, in, fake.state, STATE_BYTES - 100),
			 STATE_BYTES - 100);
	assert_int_equal(call_write(&fake, in, fake.state, 1), -ENOSPC);
	assert_int_equal(set_state(&fake, UVF_MIG_RUNNING, NULL), 0);
	uvf_file_put(in);
	fake_close(&fake);
}

/* Shows F9. */
static void a_stream_file_outlives_stream_and_device(void **state)
{
	static struct fake fake;
	struct uvf_file *first, *second;
	struct uvf_mm *mm;
	uint8_t byte = 0;

	(void)state;
	fake_open(&fake, 1, "6.12");
	mm = uvf_mm_get(fake.caller.mm);
	assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, &first), 0);
	assert_int_equal(set_state(&fake, UVF_MIG_RESUMING, &second), 0);
	assert_int_equal(call_read(&fake, first, &byte, 1), -ENODEV);
	assert_int_equal(call_write(&fake, second, &byte, 1), 1);
	uvf_migration_reset(fake.device.migration);
	assert_int_equal(call_write(&fake, second, &byte, 1), -ENODEV);
	fake_close(&fake);
	assert_int_equal(call_write(&fake, second, &byte, 1), -ENODEV);
	uvf_file_put(second);
	uvf_file_put(first);
	uvf_mm_put(mm);
}

/* Shows F10. */
static void precopy_info_is_for_precopy(void **state)
{
	static struct fake fake;
	struct {
		uint32_t argsz, flags;
		uint64_t initial, dirty;
	} info = {.argsz = 23};
	struct uvf_file *file;

	(void)state;
	fake_open(&fake, 5, "6.12");
	fake.precopy = 3000;
	assert_int_equal(set_state(&fake, UVF_MIG_PRE_COPY, &file), 0);
	assert_int_equal(uvf_file_ioctl(file, &fake.caller, PRECOPY_INFO + 1,
					(uintptr_t)&info),
			 -ENOTTY);
	assert_int_equal(uvf_file_ioctl(file, &fake.caller, PRECOPY_INFO, 0),
			 -EFAULT);
	assert_int_equal(uvf_file_ioctl(file, &fake.caller, PRECOPY_INFO,
					(uintptr_t)&info),
			 -EINVAL);
	info.argsz = sizeof(info);
	assert_int_equal(uvf_file_ioctl(file, &fake.caller, PRECOPY_INFO,
					(uintptr_t)&info),
			 0);
	assert_int_equal(info.initial, 3000);
	assert_int_equal(info.dirty, 7);
	assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, NULL), 0);
	assert_int_equal(uvf_file_ioctl(file, &fake.caller, PRECOPY_INFO,
					(uintptr_t)&info),
			 -EINVAL);
	uvf_file_put(file);
	fake_close(&fake);
}

static void without_a_descriptor_the_state_has_changed(void **state)
{
	static struct fake fake;
	struct mig_state arg = mig_state(SET, UVF_MIG_STOP_COPY);

	(void)state;
	fake_open(&fake, 1, "6.12");
	fake.has_no_fd = true;
	assert_int_equal(feature(&fake, &arg), -EMFILE);
	assert_int_equal(state_of(&fake), UVF_MIG_STOP_COPY);
	assert_null(fake.installed);
	fake_close(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_stream_runs_through_precopy_to_the_end),
		cmocka_unit_test(any_segmentation_carries_the_same_state),
		cmocka_unit_test(a_stream_that_is_cut_or_too_long_is_no_state),
		cmocka_unit_test(a_stream_file_outlives_stream_and_device),
		cmocka_unit_test(precopy_info_is_for_precopy),
		cmocka_unit_test(without_a_descriptor_the_state_has_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
