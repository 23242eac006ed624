/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers that are mapped, in a program that has plans of its own for
 * SIGBUS, threads, children and exec().
 */
#include "../lib/irq.h"
#include "client.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define EDU_ID       0x010000edU
#define EDU_LIVENESS 1 /* 32-bit registers */
#define EDU_RAISE    24
#define EDU_ACK      25

static size_t bar_size;

static volatile uint32_t *map_bar(int device)
{
	struct vfio_region_info info = {.argsz = sizeof(info)};
	void *p;

	NEED(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	NEED(info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	bar_size = info.size;
	p = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		 (off_t)info.offset);
	NEED(p != MAP_FAILED);
	return p;
}

static int answers(volatile uint32_t *bar, uint32_t value)
{
	bar[EDU_LIVENESS] = value;
	return bar[0] == EDU_ID && bar[EDU_LIVENESS] == ~value;
}

static sigjmp_buf back;
static int handled;

static void on_sigbus(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	handled++;
	siglongjmp(back, 1);
}

/* A page of a file that has none: SIGBUS as it always was. */
static void touch_beyond_the_end(void)
{
	int fd = (int)memfd_create("empty", MFD_CLOEXEC);
	volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	NEED(p != MAP_FAILED);
	if (!sigsetjmp(back, 1)) {
		(void)*p;
		CHECK(p == MAP_FAILED); /* there was no SIGBUS */
	}
	munmap((void *)(uintptr_t)p, 4096);
	close(fd);
}

static void its_own_handler_stays_its_own(volatile uint32_t *bar)
{
	struct sigaction action = {.sa_sigaction = on_sigbus,
				   .sa_flags = SA_SIGINFO};
	struct sigaction old;

	CHECK(!sigaction(SIGBUS, &action, &old));
	CHECK(old.sa_handler == SIG_DFL);
	CHECK(answers(bar, 1));
	touch_beyond_the_end();
	CHECK(handled == 1);
	CHECK(answers(bar, 2));
	CHECK(!sigaction(SIGBUS, NULL, &old));
	CHECK(old.sa_sigaction == on_sigbus && old.sa_flags & SA_SIGINFO);
	old.sa_handler = SIG_DFL;
	CHECK(!sigaction(SIGBUS, &old, NULL));
	CHECK(answers(bar, 3));
}

static void a_default_sigbus_still_kills(volatile uint32_t *bar)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		CHECK(answers(bar, 5));
		touch_beyond_the_end();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void a_blocked_sigbus_does_not_matter(volatile uint32_t *bar)
{
	sigset_t set;
	sigset_t old;

	sigfillset(&set);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &old));
	CHECK(answers(bar, 7));
	CHECK(!sigprocmask(SIG_SETMASK, &old, NULL));
}

static void *use_bar(void *arg)
{
	volatile uint32_t *bar = arg;

	for (int i = 0; i < 300; i++)
		CHECK(bar[0] == EDU_ID);
	return NULL;
}

static void threads_use_it_together(volatile uint32_t *bar)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		NEED(!pthread_create(&threads[i], NULL, use_bar,
				     (void *)(uintptr_t)bar));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void a_child_uses_it(volatile uint32_t *bar)
{
	struct sigaction action = {.sa_sigaction = on_sigbus,
				   .sa_flags = SA_SIGINFO};
	pid_t pid = fork();

	if (!pid) {
		CHECK(answers(bar, 11));
		handled = 0;
		CHECK(!sigaction(SIGBUS, &action, NULL));
		touch_beyond_the_end();
		CHECK(handled == 1);
		CHECK(answers(bar, 12));
		_exit(client_status());
	}
	CHECK(client_wait(pid) == 0);
	CHECK(answers(bar, 13));
}

static int main_after_exec(const char *arg)
{
	volatile uint32_t *bar = map_bar(atoi(arg));

	CHECK(answers(bar, 17));
	return client_status();
}

static void the_next_program_maps_anew(const char *self, int device)
{
	char number[16];
	int copy = dup(device);
	pid_t pid;

	snprintf(number, sizeof(number), "%d", copy);
	pid = fork();
	if (!pid) {
		execl(self, self, number, NULL);
		_exit(9);
	}
	CHECK(client_wait(pid) == 0);
	close(copy);
}

static void an_unmapped_register_is_gone(volatile uint32_t *bar)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		munmap((void *)(uintptr_t)bar, bar_size);
		_exit((int)bar[0]);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void an_interrupt_arrives(volatile uint32_t *bar, int device)
{
	struct irq_one irq = irq_one(VFIO_PCI_INTX_IRQ_INDEX, -1);
	uint64_t count = 0;
	int fd = eventfd(0, EFD_CLOEXEC);
	int pipes[2];

	irq.fd = fd;
	CHECK(!ioctl(device, VFIO_DEVICE_SET_IRQS, &irq));
	bar[EDU_RAISE] = 1;
	CHECK(read(fd, &count, sizeof(count)) == sizeof(count));
	CHECK(count == 1);
	bar[EDU_ACK] = 1;
	/* What is open but no eventfd, and what is not open. */
	NEED(!pipe(pipes));
	irq.fd = pipes[0];
	CHECK(ioctl(device, VFIO_DEVICE_SET_IRQS, &irq) < 0 && errno == EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	CHECK(ioctl(device, VFIO_DEVICE_SET_IRQS, &irq) < 0 && errno == EBADF);
	close(fd);
}

int main(int argc, char **argv)
{
	volatile uint32_t *bar;
	struct client_vfio vfio;

	if (argc > 1)
		return main_after_exec(argv[1]);
	(void)argv;
	vfio = client_open();
	bar = map_bar(vfio.device);
	CHECK(answers(bar, 0x12345678));
	its_own_handler_stays_its_own(bar);
	a_default_sigbus_still_kills(bar);
	a_blocked_sigbus_does_not_matter(bar);
	threads_use_it_together(bar);
	a_child_uses_it(bar);
	the_next_program_maps_anew("/proc/self/exe", vfio.device);
	an_unmapped_register_is_gone(bar);
	an_interrupt_arrives(bar, vfio.device);
	munmap((void *)(uintptr_t)bar, bar_size);
	client_close(&vfio);
	CHECK(group_is_free());
	return client_status();
}
