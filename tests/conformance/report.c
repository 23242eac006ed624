/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In memory shared with the runner, so that a crash keeps what was said. */
static struct report *line;

void report_start(struct report *buf)
{
	line = buf;
	line->result[0] = '\0';
	line->fields[0] = '\0';
}

void report(const char *fmt, ...)
{
	size_t used = strlen(line->fields);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line->fields + used, sizeof(line->fields) - used, fmt, ap);
	va_end(ap);
}

static const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	if (name)
		return name;
	return "E?";
}

void result(long ret)
{
	int err = errno;
	size_t size = sizeof(line->result);

	if (ret == -1)
		snprintf(line->result, size, " = -1 %s", errno_name(err));
	else
		snprintf(line->result, size, " = %ld", ret);
	errno = err;
}

void result_fd(long ret)
{
	if (ret < 0)
		result(ret);
	else
		snprintf(line->result, sizeof(line->result), " = fd");
}

void outcome(const char *key, long ret)
{
	int err = errno;

	if (ret == -1)
		report(" %s=-%s", key, errno_name(err));
	else
		report(" %s=%ld", key, ret);
}

void value(const char *key, long long v)
{
	report(" %s=%lld", key, v);
}

void hex(const char *key, unsigned long long v)
{
	report(" %s=0x%llx", key, v);
}

void need(int ok, const char *step)
{
	int err = errno;

	if (ok)
		return;
	report(" setup-failed=%s:%s", step, errno_name(err));
	_exit(0);
}
