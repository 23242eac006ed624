/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program with a bug, or with malice, can say to the supervisor: none
 * of it stops or ends the supervisor, which the next call proves.
 */
#include "client.h"

#include <linux/openat2.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "front/agent/abi.h"

#define ROUNDS 2000

static struct client_vfio vfio;
static struct uvf_agent_slot *slots;

/* SIGALRM ends the program when the supervisor does not answer. */
static void check_alive(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	(void)alarm(20);
	NEED(!ioctl(vfio.device, VFIO_DEVICE_GET_INFO, &info));
}

static void find_mailbox(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long first = 0;
	char line[512];

	NEED(maps);
	while (!first && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "uvfio-mailbox"))
			first = strtoul(line, NULL, 16);
	}
	(void)fclose(maps);
	NEED(first);
	slots = (void *)(uintptr_t)first;
}

static long fault(uint64_t index, uint64_t addr)
{
	return syscall(SYS_ioctl, -1, UVF_AGENT_FAULT, index, addr, 0,
		       UVF_AGENT_MAGIC);
}

/* States that only the supervisor sets, and answers that it never gives. */
static void check_states(void)
{
	static const uint32_t states[] = {UVF_AGENT_IDLE, UVF_AGENT_SERVING,
					  UVF_AGENT_ANSWERED, 77};
	static const uint32_t actions[] = {0, UVF_AGENT_CLOSE + 1, 0x80000000U,
					   0xffffffffU};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (size_t j = 0; j < sizeof(actions) / sizeof(actions[0]);
		     j++) {
			struct uvf_agent_slot own = {.action = actions[j]};

			slots[9].state = own.state = states[i];
			slots[9].action = actions[j];
			CHECK(fault(9, (uintptr_t)&slots[9]) ==
			      UVF_AGENT_CHAIN);
			CHECK(fault(UVF_AGENT_NO_SLOT, (uintptr_t)&own) ==
			      UVF_AGENT_CHAIN);
			check_alive();
		}
	}
	CHECK(fault(UVF_AGENT_SLOTS, 0) == UVF_AGENT_CHAIN);
	CHECK(fault(UINT64_MAX, 8) == UVF_AGENT_CHAIN);
	CHECK(fault(UVF_AGENT_NO_SLOT, 8) == UVF_AGENT_CHAIN);
	check_alive();
}

static uint64_t next_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Requests that no fault made; some of them hit the device. */
static void check_requests(const volatile uint32_t *bar)
{
	struct uvf_agent_slot slot;
	unsigned char *bytes = (unsigned char *)&slot;

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(slot); i++)
			bytes[i] = (unsigned char)next_random();
		slot.busy = 0;
		slot.state = UVF_AGENT_REQUEST;
		slot.insn_len %= UVF_AGENT_INSN_MAX + 1;
		if (next_random() % 2)
			slot.addr = (uintptr_t)bar + next_random() % 4096;
		if (next_random() % 2) {
			/*
			 * mov (%rax), %eax, and rep lodsb with any %rcx: what
			 * stores would hit memory of our own.
			 */
			memcpy(slot.insn, round % 2 ? "\x8b\x00" : "\xf3\xac",
			       2);
			slot.regs[UVF_AGENT_RAX] = slot.addr;
			slot.regs[UVF_AGENT_RSI] = slot.addr;
		}
		memcpy(&slots[9], &slot, sizeof(slot));
		(void)fault(9, (uintptr_t)&slots[9]);
	}
	check_alive();
}

/* Pointers to nowhere, in every call that has one. */
static void check_pointers(void)
{
	static const uint64_t bad[] = {0, 8, 0x7ffffffff000ULL,
				       0x800000000000ULL, UINT64_MAX - 7};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		long at = (long)bad[i];

		CHECK(syscall(SYS_open, at, O_RDWR) < 0 && errno == EFAULT);
		CHECK(syscall(SYS_openat, AT_FDCWD, at, O_RDWR) < 0 &&
		      errno == EFAULT);
		CHECK(syscall(SYS_openat2, AT_FDCWD, CONTAINER, at,
			      sizeof(struct open_how)) < 0 &&
		      errno == EFAULT);
		CHECK(syscall(SYS_execve, at, 0, 0) < 0 && errno == EFAULT);
		CHECK(syscall(SYS_ioctl, vfio.device, VFIO_DEVICE_GET_INFO,
			      at) < 0 &&
		      errno == EFAULT);
		CHECK(syscall(SYS_pread64, vfio.device, at, 4, 7LL << 40) < 0 &&
		      errno == EFAULT);
		CHECK(syscall(SYS_preadv, vfio.device, at, 1, 7LL << 40, 0) <
			      0 &&
		      errno == EFAULT);
		if (!at)
			continue;
		CHECK(syscall(SYS_rt_sigaction, SIGBUS, at, 0, 8) < 0 &&
		      errno == EFAULT);
		CHECK(syscall(SYS_rt_sigaction, SIGBUS, 0, at, 8) < 0 &&
		      errno == EFAULT);
		CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, at, 0, 8) < 0 &&
		      errno == EFAULT);
	}
	check_alive();
}

int main(void)
{
	struct vfio_region_info region = {.argsz = sizeof(region)};
	uint16_t command = 2;
	volatile uint32_t *bar;

	vfio = client_open();
	NEED(!ioctl(vfio.device, VFIO_DEVICE_GET_REGION_INFO, &region));
	NEED(pwrite(vfio.device, &command, 2, (7LL << 40) + 4) == 2);
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vfio.device,
		   (off_t)region.offset);
	NEED(bar != MAP_FAILED);
	find_mailbox();
	check_alive();
	check_states();
	check_requests(bar);
	check_pointers();
	CHECK((bar[0] & 0xffff) == 0xed);
	client_close(&vfio);
	return client_status();
}
