/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages for a person.  The library stays silent until a tool gives it
 * somewhere to speak.
 */
#ifndef UVF_BASE_LOG_H
#define UVF_BASE_LOG_H

enum uvf_log_level {
	UVF_LOG_ERROR,
	UVF_LOG_WARNING,
	UVF_LOG_INFO
};

/* Called with one line, without a newline; from any thread. */
typedef void uvf_log_fn(enum uvf_log_level level, const char *line);

/* Set once, before other threads start; NULL silences. */
void uvf_log_set(uvf_log_fn *fn);

void uvf_log(enum uvf_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* UVF_BASE_LOG_H */
