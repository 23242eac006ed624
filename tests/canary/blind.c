/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nobody waits for readers: the canary must notice.
 */
void __wrap_uvf_reader_synchronize(void);

void __wrap_uvf_reader_synchronize(void)
{
}
