/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls on descriptors.  What is not ours is the kernel's to answer, a
 * descriptor that is not open included.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/file.h"
#include "core/vfio.h"
#include "front/agent/abi.h"
#include "front/supervisor/client.h"
#include "front/supervisor/fds.h"
#include "front/supervisor/inject.h"
#include "front/supervisor/kvm.h"
#include "front/supervisor/listener.h"
#include "front/supervisor/mmio.h"
#include "front/supervisor/mmio_watch.h"
#include "kvm/vm.h"
#include "v02/abi.h"

#define PAGE_MASK     4095ULL
#define RW_MAX        0x7ffff000ULL /* bytes of one read() or write() */
#define QUICK_SIZE    64            /* bytes of a read() that takes no time */
#define ADDRESS_LIMIT 0x7ffffffff000ULL
#define SMALL_DMA     (4ULL << 20) /* bytes */
#define FALLOC_MODES  0x7f

/* A call on one of our files, between begin() and end(). */
struct operation {
	struct uvf_fd fd;
	struct uvf_client_caller caller;
};

/* After uvf_fds_lookup(), whose file it takes over. */
static bool begin_caller(struct uvf_call *call, struct operation *op)
{
	op->caller = (struct uvf_client_caller){
		.base.ignores_memlock =
			call->params->vfio->host.ignores_memlock,
		.client = uvf_client_get(op->fd.client),
		.fds = call->params->fds,
		.eventfds = call->params->eventfds,
		.listener = call->params->fd,
		.id = call->id,
		.tid = call->tid,
	};
	if (!uvf_client_caller_init(&op->caller))
		return true;
	uvf_client_put(op->caller.client);
	uvf_file_put(op->fd.file);
	return false;
}

static bool look_up(struct uvf_call *call, struct operation *op)
{
	op->fd.file = NULL;
	return !uvf_fds_lookup(call->params->fds, call->tid, (int)call->args[0],
			       &op->fd);
}

/* False when the descriptor is none of ours; then end() is not called. */
static bool begin(struct uvf_call *call, struct operation *op)
{
	return look_up(call, op) && op->fd.file && begin_caller(call, op);
}

static void end(struct operation *op)
{
	uvf_client_caller_fini(&op->caller);
	uvf_client_put(op->caller.client);
	uvf_file_put(op->fd.file);
}

static bool may_read(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
}

static bool may_write(int flags)
{
	return (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
}

/* Mapping little memory, or unmapping it, takes less than a wake-up. */
static bool is_small_dma(const struct uvf_call *call, unsigned int cmd)
{
	struct vfio_iommu_type1_dma_map map;
	struct vfio_iommu_type1_dma_unmap unmap;

	if (cmd == VFIO_IOMMU_MAP_DMA)
		return !uvf_client_read(call->tid, call->args[2], &map,
					sizeof(map)) &&
		       map.size <= SMALL_DMA;
	return !uvf_client_read(call->tid, call->args[2], &unmap,
				sizeof(unmap)) &&
	       unmap.size <= SMALL_DMA;
}

/* Whether a command is over before another thread could take over. */
static bool is_quick(const struct uvf_call *call, const struct uvf_file *file)
{
	unsigned int cmd = (unsigned int)call->args[1];

	switch (cmd) {
	case VFIO_GET_API_VERSION:
	case VFIO_CHECK_EXTENSION:
	case VFIO_GROUP_GET_STATUS:
	case VFIO_DEVICE_GET_INFO:
	case VFIO_DEVICE_GET_REGION_INFO:
	case VFIO_DEVICE_GET_IRQ_INFO:
	case VFIO_DEVICE_SET_IRQS:
	case VFIO_IOMMU_GET_INFO: /* and GET_PCI_HOT_RESET_INFO */
		return true;
	case VFIO_IOMMU_MAP_DMA: /* and PCI_HOT_RESET */
	case VFIO_IOMMU_UNMAP_DMA:
		return file->kind == UVF_FILE_CONTAINER &&
		       is_small_dma(call, cmd);
	default:
		return false;
	}
}

/* Whether it is the KVM-VFIO device of a VM of the host's that is wanted. */
static bool wants_kvm_vfio(const struct uvf_call *call)
{
	struct kvm_create_device create;

	return call->params->kvms &&
	       !uvf_client_read(call->tid, call->args[2], &create,
				sizeof(create)) &&
	       create.type == KVM_DEV_TYPE_VFIO &&
	       !(create.flags & KVM_CREATE_DEVICE_TEST) &&
	       uvf_kvms_is_vm(call->tid, (int)call->args[0]);
}

/* What the kernel would make would refuse our files. */
static void create_kvm_vfio(struct uvf_call *call, struct operation *op)
{
	struct uvf_client *client = op->caller.client;
	struct uvf_vm *vm;
	long ret;

	uvf_call_give_token(call);
	ret = uvf_kvms_lookup(call->params->kvms, &vm, client->pidfd,
			      (int)call->args[0], op->caller.base.mm);
	if (!ret) {
		ret = uvf_vm_ioctl_create_device(vm, &op->caller.base,
						 call->args[2]);
		uvf_kvm_put(&vm->kvm);
	}
	end(op);
	uvf_call_return(call, ret);
}

/* An ioctl of a descriptor that is none of ours. */
static void other_ioctl(struct uvf_call *call)
{
	struct operation op;

	if ((unsigned int)call->args[1] == KVM_CREATE_DEVICE &&
	    wants_kvm_vfio(call) && look_up(call, &op) &&
	    begin_caller(call, &op))
		create_kvm_vfio(call, &op);
	else
		(void)uvf_call_continue(call);
}

static struct uvf_file *mmio_file_lookup(void *front, dev_t dev, ino_t inode)
{
	return uvf_fds_find_inode(front, dev, inode);
}

static int mmio_fd_install(void *front, void *call, int fd)
{
	const struct uvf_call *fault = call;

	(void)front;
	return uvf_client_give(fault->params->fd, fault->id, fd, O_CLOEXEC,
			       false);
}

/* It is the agent that calls, from the one page of its code. */
static bool mmio_has_handler(void *front, void *call)
{
	const struct uvf_call *fault = call;

	(void)front;
	return uvf_inject_has_handler(fault->tid,
				      fault->ip & ~(uint64_t)PAGE_MASK);
}

const struct uvf_mmio_ops uvf_call_mmio_ops = {
	.file_lookup = mmio_file_lookup,
	.fd_install = mmio_fd_install,
	.has_handler = mmio_has_handler,
};

/* The agent speaks: a page of a device was touched. */
static void call_fault(struct uvf_call *call)
{
	struct uvf_client *client =
		uvf_fds_client(call->params->fds, call->tid);
	struct uvf_client_space *space = NULL;
	long action = UVF_AGENT_CHAIN;

	if (client)
		space = uvf_client_space_get(client);
	if (space)
		action = uvf_mmio_fault(call->params->mmio, space->space,
					call->tid, call->args[2], call->args[3],
					call);
	uvf_client_space_put(space);
	uvf_call_return(call, action);
	/* Behind the answer: it may cost a wake-up. */
	if (client)
		uvf_mmio_watch_note(call->params->watch, call->args[2],
				    call->tid, client);
}

/*
 * Where nothing can be put into the client, registers cannot be mapped, and
 * clients that can do without (QEMU, most drivers) are told so.
 */
static void hide_mmap(struct uvf_call *call, const struct uvf_client *client,
		      unsigned int cmd)
{
	size_t offset = cmd == V02_DEVICE_GET_REGION_INFO
				? offsetof(struct v02_region_info, flags)
				: offsetof(struct vfio_region_info, flags);
	uint64_t addr = call->args[2] + offset;
	uint32_t flags; /* of 64 bits in v0.2; the bit is in the first half */

	if ((call->params->may_trace && atomic_load(&client->may_trace)) ||
	    uvf_client_read(call->tid, addr, &flags, sizeof(flags)))
		return;
	flags &= cmd == V02_DEVICE_GET_REGION_INFO
			 ? ~V02_REGION_MMAP
			 : ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	(void)uvf_client_write(call->tid, addr, &flags, sizeof(flags));
}

void uvf_call_ioctl(struct uvf_call *call)
{
	unsigned int cmd = (unsigned int)call->args[1];
	struct operation op;
	long ret;

	if (cmd == UVF_AGENT_FAULT && call->args[5] == UVF_AGENT_MAGIC) {
		call_fault(call);
		return;
	}
	if (!begin(call, &op)) {
		other_ioctl(call);
		return;
	}
	if (!is_quick(call, op.fd.file))
		uvf_call_give_token(call);
	/* The one command of all files that a regular file has and VFIO not. */
	if (cmd == FIOQSIZE) {
		ret = -ENOTTY;
	} else {
		if (cmd == VFIO_DEVICE_FEATURE)
			uvf_fds_sync(call->params->fds);
		ret = uvf_file_ioctl(op.fd.file, &op.caller.base, cmd,
				     call->args[2]);
		if (cmd == VFIO_DEVICE_FEATURE)
			uvf_fds_sync(call->params->fds);
	}
	if (!ret && (cmd == VFIO_DEVICE_GET_REGION_INFO ||
		     cmd == V02_DEVICE_GET_REGION_INFO))
		hide_mmap(call, op.caller.client, cmd);
	end(&op);
	uvf_call_return(call, ret);
}

static bool is_write(const struct uvf_call *call)
{
	return call->nr == SYS_pwrite64 || call->nr == SYS_pwritev ||
	       call->nr == SYS_pwritev2;
}

/* What the kernel tests before it asks the file. */
static int check_access(const struct uvf_call *call, const struct operation *op,
			uint64_t addr, uint64_t len, uint64_t pos)
{
	if ((int64_t)pos < 0)
		return -EINVAL;
	if (op->fd.file->is_stream)
		return -ESPIPE;
	if (!(is_write(call) ? may_write : may_read)(op->fd.flags))
		return -EBADF;
	if (addr > ADDRESS_LIMIT || len > ADDRESS_LIMIT - addr)
		return -EFAULT;
	return (int64_t)(pos + len) < 0 ? -EINVAL : 0;
}

static ssize_t transfer(struct uvf_call *call, struct operation *op,
			uint64_t addr, uint64_t len, uint64_t pos)
{
	if (len > RW_MAX)
		len = RW_MAX;
	if (is_write(call))
		return uvf_file_write(op->fd.file, &op->caller.base, addr, len,
				      pos);
	return uvf_file_read(op->fd.file, &op->caller.base, addr, len, pos);
}

void uvf_call_pread(struct uvf_call *call)
{
	const uint64_t *args = call->args;
	struct operation op;
	ssize_t ret;

	if (!begin(call, &op)) {
		(void)uvf_call_continue(call);
		return;
	}
	if (op.fd.file->kind == UVF_FILE_SYSFS) {
		end(&op);
		/* The same file, wherever in it. */
		if (is_write(call))
			uvf_call_write(call);
		else
			(void)uvf_call_continue(call);
		return;
	}
	if (args[2] > QUICK_SIZE)
		uvf_call_give_token(call);
	ret = check_access(call, &op, args[1], args[2], args[3]);
	if (!ret)
		ret = transfer(call, &op, args[1], args[2], args[3]);
	end(&op);
	uvf_call_return(call, ret);
}

/* One read() or write() after the other, until one is short. */
static ssize_t transfer_all(struct uvf_call *call, struct operation *op,
			    uint64_t vector, uint64_t count, uint64_t pos)
{
	struct iovec iov;
	ssize_t done = 0;
	ssize_t ret;

	for (uint64_t i = 0; i < count; i++) {
		if (uvf_client_read(call->tid, vector + i * sizeof(iov), &iov,
				    sizeof(iov)))
			return done ? done : -EFAULT;
		ret = check_access(call, op, (uintptr_t)iov.iov_base,
				   iov.iov_len, pos);
		if (!ret)
			ret = transfer(call, op, (uintptr_t)iov.iov_base,
				       iov.iov_len, pos);
		if (ret < 0)
			return done ? done : ret;
		done += ret;
		pos += (uint64_t)ret;
		if ((uint64_t)ret != iov.iov_len)
			break;
	}
	return done;
}

void uvf_call_preadv(struct uvf_call *call)
{
	const uint64_t *args = call->args;
	struct operation op;
	ssize_t ret = -EINVAL;

	if (!begin(call, &op)) {
		(void)uvf_call_continue(call);
		return;
	}
	uvf_call_give_token(call);
	if (args[2] <= IOV_MAX && (int64_t)args[3] >= 0)
		ret = transfer_all(call, &op, args[1], args[2], args[3]);
	end(&op);
	uvf_call_return(call, ret);
}

/* The rules of mmap(2) about the mode of the open. */
static int check_mmap(const struct uvf_call *call, int fd_flags)
{
	uint64_t prot = call->args[2];
	uint64_t flags = call->args[3];

	if (!may_read(fd_flags))
		return -EACCES;
	if ((flags & MAP_SHARED) && (prot & PROT_WRITE) && !may_write(fd_flags))
		return -EACCES;
	return 0;
}

static int install_mailbox(void *context)
{
	struct uvf_call *call = context;

	return uvf_client_give(
		call->params->fd, call->id,
		uvf_mailbox_fd(uvf_mmio_mailbox(call->params->mmio)), O_CLOEXEC,
		false);
}

static int answer_continue(void *context)
{
	return uvf_call_continue(context);
}

/* What is remembered of the mappings of the process is no longer true. */
static void space_changed(struct uvf_client *client)
{
	struct uvf_client_space *space = uvf_client_space_get(client);

	if (space)
		uvf_mmio_space_changed(space->space);
	uvf_client_space_put(space);
}

/* Whether the process has the agent, at the latest from now on. */
static int inject_locked(struct uvf_call *call, struct uvf_client *client,
			 struct uvf_inject_params *params)
	UVF_REQUIRES(client->lock)
{
	sigset_t sigio;
	sigset_t old;
	int ret;

	if (uvf_clients_agent_locked(call->params->clients, client))
		return -EEXIST;
	if (!call->params->may_trace)
		return -EPERM;
	/* It waits for the stops of the client. */
	(void)sigemptyset(&sigio);
	(void)sigaddset(&sigio, SIGIO);
	(void)pthread_sigmask(SIG_BLOCK, &sigio, &old);
	ret = uvf_inject_agent(call->tid, params);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (params->base)
		uvf_clients_set_agent_locked(call->params->clients, client,
					     params->base);
	return ret;
}

/* The first mapping of a device in this memory: the agent comes along. */
static void inject(struct uvf_call *call, struct uvf_client *client)
{
	struct uvf_inject_params params = {
		.pid = client->pid,
		.fd_install = install_mailbox,
		.answer = answer_continue,
		.context = call,
	};
	int ret;

	uvf_call_give_token(call);
	uvf_lock(&client->lock);
	ret = inject_locked(call, client, &params);
	uvf_unlock(&client->lock);
	if (ret == -EPERM)
		atomic_store(&client->may_trace, false);
	if (params.is_answered)
		return;
	if (!ret || ret == -EEXIST) {
		(void)uvf_call_continue(call);
		return;
	}
	/* As for a region that cannot be mapped, which is what we said. */
	uvf_call_return(call, ret == -ENOMEM ? ret : -EINVAL);
}

/*
 * Whether it is a mapping that VFIO allows: 0 or an errno; 1 when it is none
 * of ours or none at all, and the kernel has the last word.
 */
static int judge_mmap(struct uvf_call *call, const struct uvf_fd *fd)
{
	const uint64_t *args = call->args;
	int ret;

	if (!fd->file || !args[1] || args[5] & PAGE_MASK)
		return 1;
	ret = check_mmap(call, fd->flags);
	if (ret)
		return ret;
	return uvf_file_mmap(fd->file, args[5],
			     (args[1] + PAGE_MASK) & ~PAGE_MASK, (int)args[2],
			     (int)args[3]);
}

void uvf_call_mmap(struct uvf_call *call)
{
	struct uvf_client *client;
	struct uvf_fd fd = {.file = NULL};
	int ret;

	if (uvf_fds_lookup(call->params->fds, call->tid, (int)call->args[4],
			   &fd)) {
		(void)uvf_call_continue(call);
		return;
	}
	space_changed(fd.client);
	ret = judge_mmap(call, &fd);
	client = uvf_client_get(fd.client);
	/* The program may close it as soon as it goes on. */
	uvf_file_put(fd.file);
	if (ret > 0)
		(void)uvf_call_continue(call);
	else if (ret)
		uvf_call_return(call, ret);
	else
		inject(call, client);
	uvf_client_put(client);
}

/* Calls that fail on every VFIO file. */
static void refuse(struct uvf_call *call,
		   int (*check)(const struct uvf_call *, int fd_flags))
{
	struct uvf_fd fd = {.file = NULL};
	bool is_ours;

	is_ours = !uvf_fds_lookup(call->params->fds, call->tid,
				  (int)call->args[0], &fd) &&
		  fd.file;
	/* The program may close it as soon as it goes on. */
	uvf_file_put(fd.file);
	if (is_ours)
		uvf_call_return(call, check(call, fd.flags));
	else
		(void)uvf_call_continue(call);
}

static int check_invalid(const struct uvf_call *call, int fd_flags)
{
	(void)call;
	(void)fd_flags;
	return -EINVAL;
}

void uvf_call_fsync(struct uvf_call *call)
{
	refuse(call, check_invalid);
}

void uvf_call_ftruncate(struct uvf_call *call)
{
	refuse(call, check_invalid);
}

static int check_fallocate(const struct uvf_call *call, int fd_flags)
{
	if ((int64_t)call->args[2] < 0 || (int64_t)call->args[3] <= 0)
		return -EINVAL;
	if (call->args[1] & ~(uint64_t)FALLOC_MODES)
		return -EOPNOTSUPP;
	return may_write(fd_flags) ? -ENODEV : -EBADF;
}

void uvf_call_fallocate(struct uvf_call *call)
{
	refuse(call, check_fallocate);
}
