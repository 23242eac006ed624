/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static uvf_log_fn *log_fn;

void uvf_log_set(uvf_log_fn *fn)
{
	log_fn = fn;
}

void uvf_log(enum uvf_log_level level, const char *fmt, ...)
{
	char line[512];
	va_list args;

	if (!log_fn)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	log_fn(level, line);
}
