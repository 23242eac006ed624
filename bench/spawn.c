/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a program takes from start to end: spawn ROUNDS PROGRAM [ARG]...
 * prints the median in milliseconds.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0;
	double *ms;

	if (rounds < 1)
		return 2;
	ms = calloc((size_t)rounds, sizeof(*ms));
	if (!ms)
		return 1;
	for (int i = 0; i < rounds; i++) {
		double start = now_ms();
		int status = 0;
		pid_t pid;

		if (posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2,
				 environ) ||
		    waitpid(pid, &status, 0) != pid || status)
			return 1;
		ms[i] = now_ms() - start;
	}
	qsort(ms, (size_t)rounds, sizeof(*ms), by_value);
	printf("%.2f\n", ms[rounds / 2]);
	free(ms);
	return 0;
}
