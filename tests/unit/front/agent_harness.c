/* SPDX-License-Identifier: BSD-3-Clause */
#include "agent_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "front/supervisor/inject.h"
#include "front/supervisor/mmio.h"

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

#define MAX_CLIENTS 64

struct toy *toy;

/* A process that was seen, with its agent. */
struct client {
	pid_t pid;
	uint64_t base;
	struct uvf_mmio_space *space;
};

static struct {
	int device_fd; /* sealed, empty */
	struct stat device;
	int memory_fd; /* what TOY_MEMORY is */
	struct uvf_file file;
	struct uvf_mmio *mmio;
	int listener;
	int stop; /* of a pipe; readable: the threads end */
	pthread_mutex_t lock;
	struct client clients[MAX_CLIENTS];
	unsigned int n_clients;
	_Atomic(pid_t) owners[UVF_AGENT_SLOTS]; /* of slots, by calls */
} run = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One notification being served. */
struct call {
	struct seccomp_notif *req;
};

/* The core, as far as the code under test calls it. */

void uvf_file_put(struct uvf_file *file)
{
	(void)file;
}

void uvf_file_fault(struct uvf_file *file, uint64_t pos, struct uvf_page *page)
{
	(void)file;
	page->fd = -1;
	page->fd_offset = 0;
	page->first = pos & ~(uint64_t)(TOY_PAGE - 1);
	page->size = TOY_PAGE;
	page->kind = UVF_PAGE_TRAP;
	if (pos >= TOY_MEMORY && pos < TOY_NOBODY) {
		page->kind = UVF_PAGE_MEMORY;
		page->fd = run.memory_fd;
		page->first = TOY_MEMORY;
		page->size = 2 * TOY_PAGE;
		page->fd_offset = 3 * TOY_PAGE;
	} else if (pos >= TOY_MIRROR && pos < TOY_SIZE) {
		page->kind = UVF_PAGE_MIRROR;
		page->fd = run.memory_fd;
		page->fd_offset = 6 * TOY_PAGE;
	} else if ((pos >= TOY_NOBODY && pos < TOY_DEAF) || pos >= TOY_SIZE) {
		page->kind = UVF_PAGE_SIGBUS;
	}
}

bool uvf_file_mmio(struct uvf_file *file, uint64_t pos, void *buf, size_t len,
		   bool is_write)
{
	unsigned int at;

	(void)file;
	if (toy->is_deaf || (pos >= TOY_DEAF && pos < TOY_MORE))
		return false;
	at = __atomic_fetch_add(&toy->n_log, 1, __ATOMIC_RELAXED);
	if (at < TOY_LOG_MAX)
		toy->log[at] = (struct toy_access){
			.pos = pos, .len = (uint8_t)len, .is_write = is_write};
	if (is_write)
		memcpy(toy->bytes + pos, buf, len);
	else
		memcpy(buf, toy->bytes + pos, len);
	return true;
}

static struct uvf_file *file_lookup(void *front, dev_t dev, ino_t inode)
{
	(void)front;
	if (dev != run.device.st_dev || inode != run.device.st_ino)
		return NULL;
	return &run.file;
}

static int add_fd(const struct seccomp_notif *req, int fd)
{
	struct seccomp_notif_addfd addfd = {
		.id = req->id, .srcfd = (uint32_t)fd, .newfd_flags = O_CLOEXEC};
	int ret;

	ret = ioctl(run.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
	return ret < 0 ? -errno : ret;
}

static int fd_install(void *front, void *context, int fd)
{
	const struct call *call = context;

	(void)front;
	return add_fd(call->req, fd);
}

/* No device of these tests is revoked. */
static bool has_handler(void *front, void *context)
{
	(void)front;
	(void)context;
	return false;
}

static const struct uvf_mmio_ops mmio_ops = {
	.file_lookup = file_lookup,
	.fd_install = fd_install,
	.has_handler = has_handler,
};

static void answer(const struct seccomp_notif *req, int64_t value, int error,
		   bool is_continued)
{
	struct seccomp_notif_resp resp = {
		.id = req->id,
		.val = value,
		.error = error,
		.flags = is_continued ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
	};

	(void)ioctl(run.listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static int inject_fd(void *context)
{
	const struct call *call = context;

	return add_fd(call->req, uvf_mailbox_fd(uvf_mmio_mailbox(run.mmio)));
}

static int inject_answer(void *context)
{
	const struct call *call = context;

	answer(call->req, 0, 0, true);
	return 0;
}

static pid_t tgid_of(pid_t tid)
{
	char path[64], line[128];
	pid_t pid = tid;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	if (!file)
		return tid;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Tgid:", 5))
			pid = (pid_t)strtol(line + 5, NULL, 10);
	(void)fclose(file);
	return pid;
}

/* The process of a thread; a child of fork() has its parent's agent. */
static struct client *client_of(pid_t tid)
{
	struct client *client = NULL;
	pid_t pid = tid;
	unsigned int i;
	int pass;

	/* The number of a thread is that of its process, most of the time. */
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < run.n_clients; i++)
			if (run.clients[i].pid == pid)
				return &run.clients[i];
		pid = tgid_of(tid);
	}
	if (run.n_clients == MAX_CLIENTS)
		return NULL;
	client = &run.clients[run.n_clients];
	client->pid = pid;
	client->base = 0;
	for (i = 0; i < run.n_clients && !client->base; i++)
		if (uvf_inject_is_present(pid, run.clients[i].base))
			client->base = run.clients[i].base;
	if (uvf_mmio_space_create(&client->space, pid))
		return NULL;
	run.n_clients++;
	return client;
}

static void serve_mmap(struct call *call)
{
	struct uvf_inject_params params = {
		.fd_install = inject_fd,
		.answer = inject_answer,
		.context = call,
	};
	struct client *client;
	int ret;

	pthread_mutex_lock(&run.lock);
	client = client_of((pid_t)call->req->pid);
	if (client && !client->base) {
		params.pid = client->pid;
		ret = uvf_inject_agent((pid_t)call->req->pid, &params);
		client->base = params.base;
		if (ret)
			toy->n_refused++;
		else
			toy->n_injected++;
	}
	pthread_mutex_unlock(&run.lock);
	if (!params.is_answered)
		answer(call->req, 0, 0, true);
}

static void serve_ioctl(struct call *call)
{
	const __u64 *args = call->req->data.args;
	struct client *client;
	long action;

	if (args[1] != UVF_AGENT_FAULT || args[5] != UVF_AGENT_MAGIC) {
		answer(call->req, 42, 0, false);
		return;
	}
	pthread_mutex_lock(&run.lock);
	client = client_of((pid_t)call->req->pid);
	pthread_mutex_unlock(&run.lock);
	if (args[2] < UVF_AGENT_SLOTS)
		atomic_store(&run.owners[args[2]], (pid_t)call->req->pid);
	action = client ? uvf_mmio_fault(run.mmio, client->space,
					 (pid_t)call->req->pid, args[2],
					 args[3], call)
			: UVF_AGENT_CHAIN;
	answer(call->req, action, 0, false);
}

/* Slots are known by the calls that came of them. */
static void *ring_thread(void *unused)
{
	struct uvf_mailbox *mailbox = uvf_mmio_mailbox(run.mmio);
	struct pollfd stop = {.fd = run.stop, .events = POLLIN};
	(void)unused;
	while (!poll(&stop, 1, 0)) {
		struct client *client = NULL;
		uint32_t index;
		pid_t tid;

		/* Again, after somebody was kept waiting. */
		uvf_mailbox_listen(mailbox, true);
		if (!uvf_mailbox_find_ring(mailbox, &index))
			continue;
		tid = atomic_load(&run.owners[index]);
		pthread_mutex_lock(&run.lock);
		if (tid)
			client = client_of(tid);
		pthread_mutex_unlock(&run.lock);
		uvf_mmio_ring(run.mmio, client ? client->space : NULL, tid,
			      index);
		toy->n_rings++;
	}
	return NULL;
}

static void serve_sigaction(struct call *call)
{
	const __u64 *args = call->req->data.args;
	enum uvf_inject_verdict verdict = UVF_INJECT_CONTINUE;
	struct client *client;
	int ret = 0;

	pthread_mutex_lock(&run.lock);
	client = client_of((pid_t)call->req->pid);
	if (client && client->base)
		ret = uvf_inject_sigaction(client->pid, client->base, args[0],
					   args[1], args[2], args[3], &verdict);
	pthread_mutex_unlock(&run.lock);
	answer(call->req, 0, ret, verdict == UVF_INJECT_CONTINUE);
}

static void serve(struct call *call)
{
	switch (call->req->data.nr) {
	case SYS_mmap:
		serve_mmap(call);
		return;
	case SYS_ioctl:
		serve_ioctl(call);
		return;
	case SYS_rt_sigaction:
		serve_sigaction(call);
		return;
	default:
		uvf_inject_sigprocmask((pid_t)call->req->pid,
				       call->req->data.args[0],
				       call->req->data.args[1]);
		answer(call->req, 0, 0, true);
	}
}

static void *listen_thread(void *unused)
{
	struct pollfd fds[2] = {{.fd = run.listener, .events = POLLIN},
				{.fd = run.stop, .events = POLLIN}};
	struct seccomp_notif req;
	struct call call = {.req = &req};

	(void)unused;
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents & POLLHUP)
			fds[0].fd = -1;
		if (!(fds[0].revents & POLLIN))
			continue;
		memset(&req, 0, sizeof(req));
		if (ioctl(run.listener, SECCOMP_IOCTL_NOTIF_RECV, &req))
			continue;
		serve(&call);
	}
}

/* The client's side. */

#define LD(at)         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at))
#define EQ(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (yes), (no))
#define RET(action)    BPF_STMT(BPF_RET | BPF_K, (action))
#define NR             offsetof(struct seccomp_data, nr)
#define ARG(n)         offsetof(struct seccomp_data, args[n])

static int install_filter(void)
{
	struct sock_filter code[] = {
		/* 0 */ LD(NR),
		/* 1 */ EQ(SYS_ioctl, 0, 5),
		/* 2 */ LD(ARG(1)),
		/* 3 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00),
		/* 4 */ EQ(0x3b00, 0, 1),
		/* 5 */ RET(SECCOMP_RET_USER_NOTIF),
		/* 6 */ RET(SECCOMP_RET_ALLOW),
		/* 7 */ EQ(SYS_mmap, 0, 6),
		/* 8 */ LD(ARG(4)),
		/* 9 */ EQ(TOY_FD, 0, 3),
		/* 10 */ LD(ARG(3)),
		/* 11 */ EQ(MAP_SHARED, 0, 1),
		/* 12 */ RET(SECCOMP_RET_USER_NOTIF),
		/* 13 */ RET(SECCOMP_RET_ALLOW),
		/* 14 */ EQ(SYS_rt_sigaction, 0, 5),
		/* 15 */ LD(ARG(0)),
		/* 16 */ EQ(SIGBUS, 2, 0),
		/* 17 */ EQ(SIGSEGV, 1, 0),
		/* 18 */ RET(SECCOMP_RET_ALLOW),
		/* 19 */ BPF_STMT(BPF_JMP | BPF_JA, 2),
		/* 20 */ EQ(SYS_rt_sigprocmask, 1, 0),
		/* 21 */ RET(SECCOMP_RET_ALLOW),
		/* 22 */ LD(ARG(5)),
		/* 23 */ EQ((uint32_t)UVF_AGENT_MAGIC, 0, 1),
		/* 24 */ RET(SECCOMP_RET_ALLOW),
		/* 25 */ RET(SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]),
				  .filter = code};
	unsigned int flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void send_fd(int to, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = (char[]){0}, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = space,
			     .msg_controllen = sizeof(space)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	(void)sendmsg(to, &msg, 0);
}

static int receive_fd(int from)
{
	char space[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = space,
			     .msg_controllen = sizeof(space)};
	int fd = -1;

	if (recvmsg(from, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void client_main(int sock, int (*client)(void), const char *path)
{
	int listener, sig;
	char go;

	/* The test runner catches some. */
	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(run.device_fd, TOY_FD) < 0)
		_exit(125);
	listener = install_filter();
	if (listener < 0)
		_exit(125);
	send_fd(sock, listener);
	close(listener);
	if (read(sock, &go, 1) != 1)
		_exit(125);
	if (!path)
		_exit(client());
	execl(path, path, (char *)NULL);
	_exit(126);
}

static void setup(void)
{
	memset(toy, 0, sizeof(*toy));
	run.device_fd = memfd_create("toy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	(void)fcntl(run.device_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	(void)fstat(run.device_fd, &run.device);
	run.memory_fd = memfd_create("toy-memory", MFD_CLOEXEC);
	(void)!ftruncate(run.memory_fd, TOY_SIZE);
	run.n_clients = 0;
	for (unsigned int i = 0; i < UVF_AGENT_SLOTS; i++)
		atomic_store(&run.owners[i], 0);
	if (uvf_mmio_create(&run.mmio, &mmio_ops, NULL))
		_exit(99);
}

static void teardown(void)
{
	unsigned int i;

	for (i = 0; i < run.n_clients; i++)
		uvf_mmio_space_destroy(run.clients[i].space);
	uvf_mmio_destroy(run.mmio);
	close(run.device_fd);
	close(run.memory_fd);
}

/* Wait by a descriptor: waitpid() would steal the stops of an injection. */
static int wait_for(pid_t pid)
{
	struct pollfd fd = {.events = POLLIN};
	int status = 0;

	fd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	(void)poll(&fd, 1, -1);
	close(fd.fd);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_client(int (*client)(void), const char *path, bool hears)
{
	pthread_t threads[3];
	unsigned int n_threads = hears ? 3 : 2;
	int socks[2], pipes[2];
	unsigned int i;
	int status;
	pid_t pid;

	if (!toy)
		toy = mmap(NULL, sizeof(*toy), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setup();
	(void)!pipe2(pipes, O_CLOEXEC);
	(void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks);
	pid = fork();
	if (!pid)
		client_main(socks[1], client, path);
	close(socks[1]);
	run.listener = receive_fd(socks[0]);
	run.stop = pipes[0];
	(void)ioctl(run.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		    SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (i = 0; i < n_threads; i++)
		pthread_create(&threads[i], NULL,
			       i < 2 ? listen_thread : ring_thread, NULL);
	(void)!write(socks[0], "", 1);
	status = wait_for(pid);
	/* Stays readable: for both, whoever else has the other end open. */
	(void)!write(pipes[1], "", 1);
	for (i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	close(pipes[0]);
	close(pipes[1]);
	close(socks[0]);
	close(run.listener);
	teardown();
	return status;
}

int toy_run(int (*client)(void))
{
	return run_client(client, NULL, false);
}

int toy_run_hearing(int (*client)(void))
{
	return run_client(client, NULL, true);
}

int toy_exec(const char *path)
{
	return run_client(NULL, path, false);
}

volatile uint8_t *toy_map(int prot)
{
	void *map = mmap(NULL, TOY_SIZE, prot, MAP_SHARED, TOY_FD, 0);

	return map == MAP_FAILED ? NULL : map;
}
