/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "front/control_machine.h"
#include "core/vfio.h"
#include "front/supervisor/client.h"
#include "front/supervisor/eventfds.h"
#include "front/supervisor/fds.h"
#include "front/supervisor/holders.h"
#include "front/supervisor/janitor.h"
#include "front/supervisor/kvm.h"
#include "front/supervisor/listener.h"
#include "front/supervisor/mailbox.h"
#include "front/supervisor/mmio.h"
#include "front/supervisor/mmio_overlay.h"
#include "front/supervisor/mmio_watch.h"
#include "front/supervisor/run.h"
#include "front/supervisor/uevents.h"
#include "mem/copy.h"
#include "mem/peer.h"

#define STATUS_REFUSED 2
#define STATUS_SIGNAL  128

/* One run, in the supervisor. */
struct supervisor {
	const struct uvf_run *run;
	struct uvfio_error *err;
	struct uvf_signals signals;
	struct rlimit nofile; /* as it was before */
	int signal_fd;
	int was_subreaper;
	struct uvf_view *view;
	struct uvf_clients *clients;
	struct uvf_fds *fds;
	struct uvf_uevents *uevents;
	struct uvf_eventfds *eventfds;
	struct uvf_kvms *kvms;
	struct uvf_mmio *mmio;
	struct uvf_mmio_watch *watch;
	struct uvf_control_machine control;
	struct uvf_listener *listener;
	int listener_fd;
	pid_t janitor;
	int janitor_fd; /* pidfd */
	int channel;    /* of the janitor */
	pid_t program;
	bool has_ended; /* the program; its descendants may live on */
	int status;     /* to return */
};

static void fail(struct supervisor *s, const char *what, int ret)
{
	if (!s->err->text[0])
		uvfio_error_set(s->err, "%s: %s", what, strerror(-ret));
	s->status = STATUS_REFUSED;
}

/* Each file and each process costs descriptors here, none in the program. */
static void raise_nofile(struct supervisor *s)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, &s->nofile))
		return;
	all = s->nofile;
	all.rlim_cur = all.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &all);
}

/* The processes of a dead janitor become ours. */
static void become_subreaper(struct supervisor *s)
{
	if (prctl(PR_GET_CHILD_SUBREAPER, &s->was_subreaper))
		s->was_subreaper = 0;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void each_holder(void *front, uvf_holder_fn *fn, void *arg)
{
	uvf_holders_each(front, fn, arg);
}

/* Of the run, while there is one: the lookup below has no other way to it. */
static struct uvf_mmio_overlays *overlays;

/*
 * What answers DMA to a file that a program mapped: a VFIO file, also where
 * memory of its device lies over it, present or made empty.
 */
static int find_target(dev_t dev, ino_t inode, uint64_t offset,
		       struct uvf_mem_io **ret_io)
{
	struct uvf_mmio_overlay over;
	int ret = uvf_fds_find_target(dev, inode, offset, ret_io);

	for (unsigned int i = 0;
	     !ret && uvf_mmio_overlays_find(overlays, dev, inode, i, &over);
	     i++)
		ret = uvf_fds_find_target(over.dev, over.inode,
					  offset + over.shift, ret_io);
	return ret;
}

/* Who cannot have a control socket does without: nothing else needs it. */
static void prepare_control(struct supervisor *s)
{
	s->control = (struct uvf_control_machine){
		.machine = s->run->machine,
		.each_holder = each_holder,
		.front = s->fds,
	};
	if (s->run->machine && uvf_control_machine_create(&s->control))
		s->control.control = NULL;
}

static int prepare(struct supervisor *s)
{
	const char *what = "no memory for the run";
	int ret;

	ret = uvf_view_create(&s->view, s->run->vfio, s->run->view_mode,
			      s->err);
	if (ret) {
		fail(s, "no view of /dev and /sys", ret);
		return ret;
	}
	ret = uvf_clients_create(&s->clients);
	if (!ret) {
		what = "inotify (see fs.inotify.max_user_instances)";
		ret = uvf_fds_create(&s->fds, s->clients);
	}
	if (!ret) {
		what = "no memory for the run";
		ret = uvf_uevents_create(&s->uevents, s->run->vfio->machine);
	}
	if (!ret) {
		what = "signals that guard copies";
		ret = uvf_copy_guard_init();
	}
	if (!ret) {
		what = "memory shared with the program";
		ret = uvf_mmio_create(&s->mmio, &uvf_call_mmio_ops, s->fds);
	}
	if (!ret) {
		what = "no thread";
		ret = uvf_mmio_watch_create(&s->watch, s->mmio);
	}
	if (!ret && (s->run->no_pidfd_getfd || !uvf_eventfds_may_fetch())) {
		what = "no memory for the run";
		ret = uvf_eventfds_create(&s->eventfds);
	}
	if (!ret && s->run->kvm) {
		what = "no memory for the run";
		ret = uvf_kvms_create(&s->kvms, s->run->kvm, !s->eventfds);
	}
	if (ret) {
		fail(s, what, ret);
		return ret;
	}
	overlays = uvf_mmio_overlays(s->mmio);
	uvf_peer_set_device_memory(find_target);
	prepare_control(s);
	return ret;
}

static void start_control(struct supervisor *s)
{
	if (!s->control.control || !uvf_control_start(s->control.control))
		return;
	uvf_control_destroy(s->control.control);
	s->control.control = NULL;
}

static void clean_up(struct supervisor *s)
{
	uvf_listener_stop(s->listener);
	uvf_mmio_watch_destroy(s->watch);
	uvf_peer_set_device_memory(NULL);
	/* Requests that wait for users end with the last file. */
	uvf_fds_release(s->fds);
	uvf_control_destroy(s->control.control);
	uvf_fds_destroy(s->fds);
	uvf_clients_destroy(s->clients);
	uvf_eventfds_destroy(s->eventfds);
	uvf_kvms_destroy(s->kvms);
	uvf_mmio_destroy(s->mmio);
	uvf_view_destroy(s->view);
	uvf_uevents_destroy(s->uevents);
	if (s->listener_fd >= 0)
		close(s->listener_fd);
	if (s->janitor_fd >= 0)
		close(s->janitor_fd);
	if (s->channel >= 0)
		close(s->channel);
}

/* Why the kernel gave no listener, and what helps. */
static void explain_filter(struct supervisor *s, int ret)
{
	switch (ret) {
	case -EBUSY:
		uvfio_error_set(s->err,
				"another supervisor answers this program's "
				"system calls: 'uvfio run' does not run "
				"inside 'uvfio run'");
		return;
	case -ENOSYS:
		uvfio_error_set(s->err, "this kernel has no seccomp user "
					"notification: Linux 5.9 or newer "
					"with CONFIG_SECCOMP_FILTER is needed");
		return;
	default:
		uvfio_error_set(s->err,
				"seccomp(2) is refused (%s): allow it in the "
				"container's seccomp profile",
				strerror(-ret));
	}
}

static void explain_start(struct supervisor *s, const char *program,
			  const struct uvf_run_failure *failure)
{
	switch (failure->step) {
	case UVF_RUN_VIEW:
		uvfio_error_set(s->err, "%s", failure->text);
		s->status = STATUS_REFUSED;
		return;
	case UVF_RUN_FILTER:
		explain_filter(s, failure->ret);
		s->status = STATUS_REFUSED;
		return;
	default:
		uvfio_error_set(s->err, "%s: %s", program,
				failure->ret == -ENOENT
					? "no such program"
					: strerror(-failure->ret));
		s->status = failure->ret == -ENOENT ? UVF_RUN_NOT_FOUND
						    : UVF_RUN_NOT_EXECUTABLE;
	}
}

/*
 * Asked of the janitor, for which the rules are the same as for the program:
 * Yama, seccomp around us and the like.
 */
static bool may_trace(pid_t janitor)
{
	int status;

	if (ptrace(PTRACE_SEIZE, janitor, 0, 0))
		return false;
	/* Only a stopped process can be let go. */
	(void)ptrace(PTRACE_INTERRUPT, janitor, 0, 0);
	while (waitpid(janitor, &status, __WALL) < 0) {
		if (errno != EINTR)
			return false;
	}
	return !ptrace(PTRACE_DETACH, janitor, 0, 0);
}

static int start_listener(struct supervisor *s)
{
	const struct uvf_listener_params params = {
		.fd = s->listener_fd,
		.vfio = s->run->vfio,
		.view = s->view,
		.fds = s->fds,
		.clients = s->clients,
		.uevents = s->uevents,
		.eventfds = s->eventfds,
		.kvms = s->kvms,
		.mmio = s->mmio,
		.watch = s->watch,
		.may_trace = !s->run->no_ptrace && may_trace(s->janitor),
	};
	int ret = uvf_listener_start(&s->listener, &params);

	if (ret)
		fail(s, "no thread", ret);
	return ret;
}

/* The program, up to its first instruction. */
static int start(struct supervisor *s, char *const argv[])
{
	struct uvf_run_child child = {
		.argv = argv,
		.view = s->view,
		.signals = &s->signals,
		.nofile = s->nofile,
		.traps_eventfd = s->eventfds,
		.has_host_kvm = s->run->kvm,
		.control_path = s->control.control
					? uvf_control_path(s->control.control)
					: NULL,
	};
	struct uvf_run_failure failure;
	int ret;

	ret = uvf_run_fork(&child, &s->janitor, &s->channel);
	if (ret) {
		fail(s, "no process", ret);
		return ret;
	}
	s->janitor_fd = (int)syscall(SYS_pidfd_open, s->janitor, 0);
	ret = uvf_run_wait_listener(&child, &s->listener_fd, &failure);
	if (!ret)
		ret = start_listener(s);
	else
		explain_start(s, argv[0], &failure);
	if (!ret && uvf_run_wait_exec(&child, &failure)) {
		explain_start(s, argv[0], &failure);
		ret = failure.ret;
	}
	if (!ret)
		start_control(s);
	uvf_run_child_fini(&child);
	return ret;
}

static void forward_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		/* What the terminal sends, it sends to the program too. */
		if (s->program > 0 && info.ssi_code <= 0)
			(void)kill(s->program, (int)info.ssi_signo);
		/* Its own end is behind it: now to those it left behind. */
		if (s->has_ended)
			(void)shutdown(s->channel, SHUT_RDWR);
	}
}

static void set_status(struct supervisor *s, int status)
{
	s->status = WIFEXITED(status) ? WEXITSTATUS(status)
				      : STATUS_SIGNAL + WTERMSIG(status);
	s->program = 0;
	s->has_ended = true;
}

/* False at the end of the channel. */
static bool hear_janitor(struct supervisor *s)
{
	struct uvf_janitor_event event;

	if (recv(s->channel, &event, sizeof(event), 0) != sizeof(event))
		return false;
	switch (event.kind) {
	case UVF_JANITOR_STARTED:
		s->program = event.pid;
		break;
	case UVF_JANITOR_STOPPED:
		/* The shell waits for all of the job to stop. */
		(void)kill(getpid(), SIGSTOP);
		/* It may be in a process group of its own by now. */
		if (s->program > 0)
			(void)kill(s->program, SIGCONT);
		break;
	case UVF_JANITOR_ENDED:
		set_status(s, event.status);
		break;
	}
	return true;
}

static void end_clients(struct supervisor *s)
{
	uvf_clients_reap(s->clients);
	uvf_mmio_watch_reap(s->watch);
	uvf_mailbox_reclaim(uvf_mmio_mailbox(s->mmio));
}

/* Until the janitor has ended, which is when nobody is left. */
static void wait_end(struct supervisor *s)
{
	struct pollfd pfds[] = {
		{.fd = s->channel, .events = POLLIN},
		{.fd = s->signal_fd, .events = POLLIN},
		{.fd = uvf_clients_fd(s->clients), .events = POLLIN},
		{.fd = uvf_fds_fd(s->fds), .events = POLLIN},
	};

	for (;;) {
		/* Before there is a program, signals wait for it. */
		pfds[1].fd = s->program || s->has_ended ? s->signal_fd : -1;
		if (poll(pfds, 4, -1) < 0)
			continue;
		if (pfds[3].revents)
			uvf_fds_nudge(s->fds);
		if (pfds[1].revents)
			forward_signals(s);
		if (pfds[2].revents)
			end_clients(s);
		if (pfds[0].revents && !hear_janitor(s))
			return;
	}
}

/* By a pidfd first: injections wait for their threads meanwhile. */
static void reap_janitor(struct supervisor *s, bool has_run)
{
	struct pollfd pfd = {.fd = s->janitor_fd, .events = POLLIN};
	int status = 0;

	while (s->janitor_fd >= 0 && poll(&pfd, 1, -1) < 0)
		continue;
	while (waitpid(s->janitor, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	uvf_janitor_kill_all();
	if (!has_run || (WIFEXITED(status) && s->has_ended))
		return;
	s->status = STATUS_SIGNAL + SIGKILL;
	uvfio_error_set(s->err,
			"the janitor (process %d) was killed, and the "
			"program with it",
			(int)s->janitor);
}

int uvf_run_program(const struct uvf_run *run, char *const argv[],
		    struct uvfio_error *err)
{
	struct supervisor s = {
		.run = run,
		.err = err,
		.listener_fd = -1,
		.janitor_fd = -1,
		.channel = -1,
	};
	int ret;

	s.signal_fd = uvf_signals_take(&s.signals);
	if (s.signal_fd < 0) {
		fail(&s, "no signalfd", s.signal_fd);
		return s.status;
	}
	raise_nofile(&s);
	become_subreaper(&s);
	if (!prepare(&s)) {
		ret = start(&s, argv);
		if (ret && s.channel >= 0)
			(void)shutdown(s.channel, SHUT_RDWR);
		if (!ret)
			wait_end(&s);
		if (s.janitor > 0)
			reap_janitor(&s, !ret);
	}
	clean_up(&s);
	(void)prctl(PR_SET_CHILD_SUBREAPER, s.was_subreaper);
	(void)setrlimit(RLIMIT_NOFILE, &s.nofile);
	uvf_signals_restore(&s.signals);
	close(s.signal_fd);
	return s.status;
}
