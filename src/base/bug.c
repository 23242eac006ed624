/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/bug.h"

#include "base/log.h"

void uvf_bug(const char *file, int line, const char *what)
{
	uvf_log(UVF_LOG_ERROR, "bug in uvfio: %s:%d: %s", file, line, what);
#ifdef UVF_TEST_BUILD
	__builtin_trap();
#endif
}
