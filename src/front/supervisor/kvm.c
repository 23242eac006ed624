/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/kvm.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/list.h"
#include "base/lock.h"
#include "kvm/vm.h"

/* A virtual machine of the host's. */
struct host_vm {
	struct uvf_vm vm;
	struct uvf_kvms *kvms;
	struct uvf_list node; /* kvms->vms */
	int fd;               /* our own; -1: could not be had */
};

struct uvf_kvms {
	const struct uvf_kvm_host *host;
	bool may_fetch;
	struct uvf_mutex lock; /* a leaf; protects what follows */
	struct uvf_list vms;
};

int uvf_kvms_create(struct uvf_kvms **ret_kvms, const struct uvf_kvm_host *host,
		    bool may_fetch)
{
	struct uvf_kvms *kvms = uvf_zalloc(sizeof(*kvms));

	if (!kvms)
		return -ENOMEM;
	kvms->host = host;
	kvms->may_fetch = may_fetch;
	uvf_mutex_init(&kvms->lock);
	uvf_list_init(&kvms->vms);
	*ret_kvms = kvms;
	return 0;
}

void uvf_kvms_destroy(struct uvf_kvms *kvms)
{
	if (!kvms)
		return;
	UVF_BUG_ON(!uvf_list_is_empty(&kvms->vms));
	uvf_mutex_fini(&kvms->lock);
	uvf_free(kvms);
}

bool uvf_kvms_is_vm(pid_t tid, int fd)
{
	static const char name[] = "anon_inode:kvm-vm";
	char path[64];
	char text[sizeof(name) + 1];
	ssize_t n;

	if (fd < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
	n = readlink(path, text, sizeof(text));
	return n == (ssize_t)strlen(name) && !memcmp(text, name, (size_t)n);
}

static void host_vm_destroy(struct uvf_vm *vm)
{
	struct host_vm *host_vm = uvf_container_of(vm, struct host_vm, vm);

	uvf_lock(&host_vm->kvms->lock);
	uvf_list_remove(&host_vm->node);
	uvf_unlock(&host_vm->kvms->lock);
	if (host_vm->fd >= 0)
		close(host_vm->fd);
	uvf_free(host_vm);
}

/* All of them share one inode; only the open file tells them apart. */
static bool is_same_file(int a, int b)
{
	pid_t self = getpid();

	return a >= 0 && b >= 0 &&
	       !syscall(SYS_kcmp, self, self, KCMP_FILE, a, b);
}

static struct uvf_vm *find_locked(struct uvf_kvms *kvms, int fd)
	UVF_REQUIRES(kvms->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &kvms->vms) {
		struct host_vm *vm = uvf_list_entry(node, struct host_vm, node);

		if (is_same_file(vm->fd, fd) && uvf_kvm_get_safe(&vm->vm.kvm))
			return &vm->vm;
	}
	return NULL;
}

int uvf_kvms_lookup(struct uvf_kvms *kvms, struct uvf_vm **ret_vm, int pidfd,
		    int fd, struct uvf_mm *mm)
{
	int own = kvms->may_fetch ? (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0)
				  : -1;
	struct host_vm *host_vm = uvf_zalloc(sizeof(*host_vm));
	struct uvf_vm *vm;

	if (!host_vm) {
		if (own >= 0)
			close(own);
		return -ENOMEM;
	}
	uvf_lock(&kvms->lock);
	vm = find_locked(kvms, own);
	if (!vm) {
		uvf_vm_init(&host_vm->vm, kvms->host, mm, host_vm_destroy);
		host_vm->kvms = kvms;
		host_vm->fd = own;
		uvf_list_append(&kvms->vms, &host_vm->node);
	}
	uvf_unlock(&kvms->lock);
	if (vm) {
		uvf_free(host_vm);
		if (own >= 0)
			close(own);
	}
	*ret_vm = vm ? vm : &host_vm->vm;
	return 0;
}
