/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How runs end: by themselves, by a signal, and by the death of one of their
 * processes.  The argument is uvfio.  Whatever happens, no process, mount or
 * file is left, and the status tells what happened.
 */
#include "client.h"

#include <dirent.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define OUTPUT_MAX 4096
#define PATIENCE   200 /* times 50 ms */

static const char *uvfio;

/* One run; its standard error is kept. */
struct run {
	pid_t pid;
	int in;  /* we write */
	int out; /* we read */
	int err;
	char text[OUTPUT_MAX];
};

static void start(struct run *run, const char *const argv[])
{
	const char *full[16] = {uvfio, "run", "-d", "edu", "--"};
	int in[2];
	int out[2];
	int err[2];

	for (int i = 0; argv[i]; i++)
		full[5 + i] = argv[i];
	NEED(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) &&
	     !pipe2(err, O_CLOEXEC));
	run->pid = fork();
	if (!run->pid) {
		setpgid(0, 0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execv(uvfio, (char *const *)(uintptr_t)full);
		_exit(99);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	run->in = in[1];
	run->out = out[0];
	run->err = err[0];
}

static void read_all(int fd, char *text)
{
	size_t done = 0;
	ssize_t n;

	while ((n = read(fd, text + done, OUTPUT_MAX - 1 - done)) > 0)
		done += (size_t)n;
	text[done] = '\0';
	close(fd);
}

/* The status, 128 + signal; the run's standard error is in text. */
static int finish(struct run *run)
{
	int status;

	close(run->in);
	read_all(run->err, run->text);
	close(run->out);
	while (waitpid(run->pid, &status, 0) < 0)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_shell(struct run *run, const char *script)
{
	const char *argv[] = {"sh", "-c", script, NULL};

	start(run, argv);
	return finish(run);
}

static bool has_no_text(const struct run *run)
{
	return !run->text[0];
}

static void the_status_passes_through(void)
{
	struct run run;

	CHECK(run_shell(&run, "exit 0") == 0 && has_no_text(&run));
	CHECK(run_shell(&run, "exit 42") == 42 && has_no_text(&run));
	CHECK(run_shell(&run, "kill -TERM $$") == 128 + SIGTERM);
	CHECK(run_shell(&run, "kill -KILL $$") == 128 + SIGKILL);
	CHECK(has_no_text(&run));
}

static int run_one(struct run *run, const char *program)
{
	const char *argv[] = {program, NULL};

	start(run, argv);
	return finish(run);
}

static void a_program_that_cannot_be_run_is_named(void)
{
	struct run run;

	CHECK(run_one(&run, "/no/such/program") == 127);
	CHECK(!strcmp(run.text, "uvfio: /no/such/program: no such program\n"));
	CHECK(run_one(&run, "no-such-program-on-the-path") == 127);
	CHECK(run_one(&run, "/etc/passwd") == 126);
	CHECK(strstr(run.text, "uvfio: /etc/passwd: Permission denied"));
	CHECK(run_one(&run, "/etc") == 126);
}

static void a_run_inside_a_run_is_refused(void)
{
	const char *argv[] = {uvfio, "run", "-d", "edu", "--", "true", NULL};
	struct run run;

	start(&run, argv);
	CHECK(finish(&run) == 2);
	CHECK(strstr(run.text, "does not run inside 'uvfio run'"));
}

/* As in a container whose profile does not allow seccomp(2). */
static void refuse_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = {4, code};

	NEED(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	NEED(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

static void without_seccomp_it_says_what_to_do(void)
{
	pid_t pid = fork();

	if (!pid) {
		struct run run;

		refuse_seccomp();
		CHECK(run_shell(&run, "exit 0") == 2);
		CHECK(strstr(run.text, "seccomp profile"));
		_exit(client_status());
	}
	CHECK(client_wait(pid) == 0);
}

/* Whether a line of /proc/self/status is the same in a program as here. */
static bool finds_our(const char *name)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128] = "", script[256];
	struct run run;

	while (status && fgets(line, sizeof(line), status) &&
	       strncmp(line, name, strlen(name)) != 0)
		;
	if (status)
		fclose(status);
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(script, sizeof(script),
		       "grep -qxF '%s' /proc/self/status", line);
	return run_shell(&run, script) == 0;
}

static void the_program_finds_signals_and_limits_as_they_were(void)
{
	struct run run;

	CHECK(finds_our("SigIgn"));
	CHECK(finds_our("SigBlk"));
	CHECK(run_shell(&run, "ls /proc/self/fd | wc -l | grep -q '^4$'") == 0);
	signal(SIGHUP, SIG_IGN);
	CHECK(run_shell(&run, "kill -HUP $$; exit 5") == 5);
	signal(SIGHUP, SIG_DFL);
}

/* A file whose name only processes of this test have in their arguments. */
static char marker[64];

/* A process whose arguments contain the text, other than ourselves. */
static pid_t find_process(const char *text)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	while (!found && (entry = readdir(proc))) {
		char path[300];
		char args[4096];
		ssize_t n;
		int fd;

		if (!atoi(entry->d_name) || atoi(entry->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? 0 : read(fd, args, sizeof(args) - 1);
		if (fd >= 0)
			close(fd);
		if (n > 0 && memmem(args, (size_t)n, text, strlen(text)))
			found = atoi(entry->d_name);
	}
	closedir(proc);
	return found;
}

static bool ends_soon(const char *text)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (!find_process(text))
			return true;
		usleep(50000);
	}
	return false;
}

/* Ours, so that other runs of the machine do not meddle. */
static char runtime_dir[] = "/tmp/lifetime.XXXXXX";

/* What may be left behind in a directory; control sockets only in ours. */
static int count_leftovers(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int count = 0;

	while (d && (entry = readdir(d)))
		count += !strncmp(entry->d_name, "uvf", 3) &&
			 (dir == runtime_dir ||
			  strncmp(entry->d_name, "uvfio-ctl.", 10) != 0);
	if (d)
		closedir(d);
	return count;
}

static int count_all_leftovers(void)
{
	return count_leftovers("/tmp") + count_leftovers("/dev/shm") +
	       count_leftovers("/run") + count_leftovers(runtime_dir);
}

/*
 * Two generations of processes that ignore what can be ignored, one of them
 * in a session of its own, and one with the device open.
 */
static void start_stubborn(struct run *run)
{
	char script[512];
	const char *argv[] = {"sh", "-c", script, NULL};
	char byte;

	snprintf(script, sizeof(script),
		 "trap '' HUP INT TERM; exec 3<>/dev/vfio/1; "
		 "setsid sh -c 'sleep 1000 & wait # %s' & "
		 "(sleep 1000; : %s) & echo; wait",
		 marker, marker);
	start(run, argv);
	NEED(read(run->out, &byte, 1) == 1);
}

static pid_t child_named(pid_t parent, const char *name)
{
	char path[64];
	char text[256];
	FILE *f;
	pid_t pid;
	pid_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent,
		 parent);
	f = fopen(path, "r");
	while (f && fscanf(f, "%d", &pid) == 1) {
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		comm = fopen(path, "r");
		if (comm && fgets(text, sizeof(text), comm) &&
		    !strncmp(text, name, strlen(name)))
			found = pid;
		if (comm)
			fclose(comm);
	}
	if (f)
		fclose(f);
	return found;
}

/* Its processes have the marker in their arguments. */
static void kill_supervisor(struct run *run)
{
	pid_t janitor = child_named(run->pid, "uvf-janitor");

	CHECK(janitor > 0 && find_process(marker));
	kill(run->pid, SIGKILL);
	CHECK(ends_soon(marker));
	CHECK(finish(run) == 128 + SIGKILL);
	for (int i = 0; i < PATIENCE && !kill(janitor, 0); i++)
		usleep(50000);
	CHECK(kill(janitor, 0) && errno == ESRCH);
}

static void a_killed_supervisor_leaves_nothing(void)
{
	int before = count_all_leftovers();
	struct run run;

	start_stubborn(&run);
	kill_supervisor(&run);
	CHECK(count_all_leftovers() == before);
}

/* The program of the next test: a child waits for a device that it holds. */
static int unbind_what_is_held(const char *name)
{
	struct client_vfio vfio = client_open();
	char script[256];

	snprintf(script, sizeof(script),
		 "printf 0000:00:03.0 >/sys/bus/pci/drivers/vfio-pci/unbind "
		 "# %s",
		 name);
	if (!fork()) {
		(void)execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(1);
	}
	while (vfio.device >= 0)
		pause();
	return 1;
}

static void a_killed_supervisor_ends_a_write_that_waits(void)
{
	char self[PATH_MAX] = "";
	const char *argv[] = {self, "unbind", marker, NULL};
	int before = count_all_leftovers();
	struct run run;
	ssize_t n;

	NEED(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	start(&run, argv);
	/* Told once the write has come to where it waits. */
	n = read(run.err, run.text, sizeof(run.text) - 1);
	NEED(n > 0);
	run.text[n] = '\0';
	CHECK(strstr(run.text, "blocked until the user lets go"));
	kill_supervisor(&run);
	CHECK(count_all_leftovers() == before);
}

static void a_killed_janitor_ends_the_run(void)
{
	int before = count_all_leftovers();
	struct run run;

	start_stubborn(&run);
	kill(child_named(run.pid, "uvf-janitor"), SIGKILL);
	CHECK(finish(&run) == 128 + SIGKILL);
	CHECK(strstr(run.text, "janitor"));
	CHECK(!find_process(marker));
	CHECK(count_all_leftovers() == before);
}

static void a_killed_program_does_not_end_its_children(void)
{
	char script[256];
	const char *argv[] = {"sh", "-c", script, NULL};
	struct run run;
	char byte;

	snprintf(script, sizeof(script),
		 "(read x; echo done; : %s) & kill -9 $$", marker);
	start(&run, argv);
	/* Standard input of a background job is /dev/null: it ends soon. */
	CHECK(read(run.out, &byte, 1) == 1);
	CHECK(finish(&run) == 128 + SIGKILL);
	CHECK(!find_process(marker));
}

static void signals_to_the_supervisor_reach_the_program(void)
{
	static const int signos[] = {SIGTERM, SIGHUP,  SIGINT,
				     SIGQUIT, SIGUSR1, SIGUSR2};
	const char *argv[] = {"sh", "-c",
			      "trap 'exit 33' TERM HUP INT QUIT USR1 USR2; "
			      "echo; while :; do sleep 0.05; done",
			      NULL};

	for (size_t i = 0; i < sizeof(signos) / sizeof(signos[0]); i++) {
		struct run run;
		char byte;

		start(&run, argv);
		NEED(read(run.out, &byte, 1) == 1);
		kill(run.pid, signos[i]);
		CHECK(finish(&run) == 33);
	}
}

static void a_signal_after_the_end_ends_the_rest(void)
{
	char script[256];
	const char *argv[] = {"sh", "-c", script, NULL};
	struct run run;
	char byte;

	snprintf(script, sizeof(script),
		 "(echo; sleep 1000; : %s) & sleep 0.1; exit 44", marker);
	start(&run, argv);
	NEED(read(run.out, &byte, 1) == 1);
	usleep(400000);
	CHECK(find_process(marker));
	kill(run.pid, SIGTERM);
	CHECK(finish(&run) == 44);
	CHECK(has_no_text(&run));
	CHECK(!find_process(marker));
}

static void a_stopped_program_stops_the_job(void)
{
	const char *argv[] = {"sh", "-c", "kill -TSTP $$; exit 3", NULL};
	struct run run;
	int status;

	start(&run, argv);
	NEED(waitpid(run.pid, &status, WUNTRACED) == run.pid);
	CHECK(WIFSTOPPED(status));
	/* As a shell does for fg. */
	kill(-run.pid, SIGCONT);
	CHECK(finish(&run) == 3);
}

/* The program of the next test. */
static int stop_in_own_group(void)
{
	if (setpgid(0, 0))
		return 1;
	(void)raise(SIGTSTP);
	return 3;
}

static void a_stopped_program_of_another_group_continues(void)
{
	char self[PATH_MAX] = "";
	const char *argv[] = {self, "stop", "here", NULL};
	struct run run;
	int status;

	NEED(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	start(&run, argv);
	NEED(waitpid(run.pid, &status, WUNTRACED) == run.pid);
	CHECK(WIFSTOPPED(status));
	kill(-run.pid, SIGCONT);
	CHECK(finish(&run) == 3);
}

static void a_run_leaves_nothing(void)
{
	int before = count_all_leftovers();
	struct run run;

	for (int i = 0; i < 20; i++)
		CHECK(run_shell(&run, "exit 0") == 0);
	CHECK(count_all_leftovers() == before);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "unbind"))
		return unbind_what_is_held(argv[2]);
	if (argc == 3)
		return stop_in_own_group();
	if (argc != 2)
		return 2;
	uvfio = argv[1];
	/* What the test was given is not for the programs it runs. */
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	snprintf(marker, sizeof(marker), "uvfio-lifetime-%d", (int)getpid());
	NEED(mkdtemp(runtime_dir) &&
	     !setenv("XDG_RUNTIME_DIR", runtime_dir, 1));
	the_status_passes_through();
	a_program_that_cannot_be_run_is_named();
	a_run_inside_a_run_is_refused();
	without_seccomp_it_says_what_to_do();
	the_program_finds_signals_and_limits_as_they_were();
	a_killed_supervisor_leaves_nothing();
	a_killed_supervisor_ends_a_write_that_waits();
	a_killed_janitor_ends_the_run();
	a_killed_program_does_not_end_its_children();
	signals_to_the_supervisor_reach_the_program();
	a_signal_after_the_end_ends_the_rest();
	a_stopped_program_stops_the_job();
	a_stopped_program_of_another_group_continues();
	a_run_leaves_nothing();
	CHECK(!rmdir(runtime_dir));
	return client_status();
}
