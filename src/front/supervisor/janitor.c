/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/janitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_PAUSE_US 1000

/* The parent of a process, or 0. */
static pid_t read_parent(pid_t pid)
{
	char path[64];
	char text[512];
	const char *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* PID (NAME) STATE PARENT; the name may hold anything. */
	p = strrchr(text, ')');
	return p && strlen(p) > 4 ? (pid_t)strtol(p + 4, NULL, 10) : 0;
}

/*
 * Their own children become ours when they die, so that children are enough.
 * /proc/self/task/TID/children would be shorter, but not all kernels have it.
 */
static void kill_children(void)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && read_parent(pid) == getpid())
			(void)kill(pid, SIGKILL);
	}
	closedir(proc);
}

void uvf_janitor_kill_all(void)
{
	pid_t pid;

	do {
		kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (!pid)
			(void)usleep(KILL_PAUSE_US);
	} while (!pid || errno == EINTR);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void clean_up(const char *const trash[])
{
	uvf_janitor_kill_all();
	for (; *trash; trash++)
		(void)nftw(*trash, remove_one, 16,
			   FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	_exit(1);
}

static void tell(int channel, int kind, pid_t pid, int status)
{
	struct uvf_janitor_event event = {.pid = pid, .status = status};

	event.kind = kind;
	/* Failure means that the supervisor is dead, which poll() tells. */
	(void)send(channel, &event, sizeof(event), MSG_NOSIGNAL);
}

/* Whether the terminal, rather than a debugger or the user, stopped it. */
static bool is_job_control(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP;
}

/* Returns when no descendant is left. */
static void reap(int channel, pid_t main_pid)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != main_pid)
			continue;
		if (is_job_control(status))
			tell(channel, UVF_JANITOR_STOPPED, pid, status);
		else if (!WIFSTOPPED(status))
			tell(channel, UVF_JANITOR_ENDED, pid, status);
	}
	if (pid < 0 && errno == ECHILD)
		_exit(0);
}

static void watch(int channel, int signals, pid_t main_pid,
		  const char *const trash[])
{
	struct pollfd pfds[] = {
		{.fd = channel, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	for (;;) {
		reap(channel, main_pid);
		if (poll(pfds, 2, -1) < 0)
			continue;
		/* Nothing is ever sent to us: this is the end of the channel.
		 */
		if (pfds[0].revents)
			clean_up(trash);
		if (pfds[1].revents)
			(void)!read(signals, &info, sizeof(info));
	}
}

/* All but the channel; the standard ones are the program's to close. */
static void close_descriptors(int channel, int signals)
{
	int low = channel < signals ? channel : signals;
	int high = channel < signals ? signals : channel;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
	(void)syscall(SYS_close_range, 3, low - 1, 0);
	(void)syscall(SYS_close_range, low + 1, high - 1, 0);
	(void)syscall(SYS_close_range, high + 1, ~0U, 0);
}

void uvf_janitor_main(int channel, const char *const trash[],
		      void (*child)(void *arg), void *arg)
{
	sigset_t chld;
	pid_t pid;
	int signals;

	(void)prctl(PR_SET_NAME, "uvf-janitor");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		_exit(1);
	pid = fork();
	if (pid < 0)
		_exit(1);
	if (!pid)
		child(arg);
	tell(channel, UVF_JANITOR_STARTED, pid, 0);
	(void)sigprocmask(SIG_BLOCK, &chld, NULL);
	close_descriptors(channel, signals);
	watch(channel, signals, pid, trash);
	_exit(1);
}
