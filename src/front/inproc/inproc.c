/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/inproc/inproc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uvfio/file.h>

#include "base/alloc.h"
#include "base/capability.h"
#include "base/eventfd.h"
#include "base/lock.h"
#include "base/task.h"
#include "core/file.h"
#include "front/machine.h"
#include "fs/devfs.h"
#include "fs/sysfs.h"
#include "mem/copy.h"
#include "mem/self.h"

/*
 * Each file has a memfd, for its number alone: no other file of the process
 * can have the same while ours is open.
 */
struct uvf_inproc {
	struct uvf_mm *mm;
	struct uvf_mutex lock;   /* protects what follows */
	struct uvf_file **files; /* by descriptor; holds references */
	size_t size;
};

/* A caller that knows where its descriptors are. */
struct inproc_caller {
	struct uvf_caller caller;
	struct uvf_inproc *inproc;
};

struct uvf_file *uvf_inproc_file(struct uvf_inproc *inproc, int fd)
{
	struct uvf_file *file = NULL;

	uvf_lock(&inproc->lock);
	if (fd >= 0 && (size_t)fd < inproc->size && inproc->files[fd])
		file = uvf_file_get(inproc->files[fd]);
	uvf_unlock(&inproc->lock);
	return file;
}

static int grow_locked(struct uvf_inproc *inproc, size_t fd)
	UVF_REQUIRES(inproc->lock)
{
	size_t size = inproc->size ? inproc->size : 64;
	struct uvf_file **files;

	while (size <= fd)
		size *= 2;
	if (size == inproc->size)
		return 0;
	files = uvf_realloc(inproc->files, size * sizeof(struct uvf_file *));
	if (!files)
		return -ENOMEM;
	memset(files + inproc->size, 0,
	       (size - inproc->size) * sizeof(struct uvf_file *));
	inproc->files = files;
	inproc->size = size;
	return 0;
}

static int install(struct uvf_inproc *inproc, struct uvf_file *file)
{
	unsigned int flags = file->survives_exec ? 0 : MFD_CLOEXEC;
	int fd = memfd_create("uvfio", flags);
	int ret;

	if (fd < 0)
		return -errno;
	uvf_lock(&inproc->lock);
	ret = grow_locked(inproc, (size_t)fd);
	if (!ret)
		inproc->files[fd] = file;
	uvf_unlock(&inproc->lock);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static int inproc_file_lookup(struct uvf_caller *caller, int fd,
			      struct uvf_file **ret_file)
{
	struct inproc_caller *self =
		uvf_container_of(caller, struct inproc_caller, caller);

	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	*ret_file = uvf_inproc_file(self->inproc, fd);
	return 0;
}

static int inproc_eventfd_lookup(struct uvf_caller *caller, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)caller;
	if (own < 0)
		return -errno;
	if (uvf_eventfd_is(own))
		return own;
	close(own);
	return -EINVAL;
}

static int inproc_fd_fetch(struct uvf_caller *caller, int fd)
{
	struct uvf_file *file;
	int own = inproc_file_lookup(caller, fd, &file);

	if (own)
		return own;
	if (file) {
		uvf_file_put(file);
		return -EINVAL;
	}
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -errno : own;
}

static int inproc_fd_check(struct uvf_caller *caller)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	(void)caller;
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EMFILE ? -EMFILE : 0;
}

static int inproc_file_install(struct uvf_caller *caller, struct uvf_file *file)
{
	struct inproc_caller *self =
		uvf_container_of(caller, struct inproc_caller, caller);

	return install(self->inproc, file);
}

static bool inproc_has_ipc_lock(struct uvf_caller *caller)
{
	(void)caller;
	return uvf_capability_has(0, CAP_IPC_LOCK);
}

static const struct uvf_caller_ops inproc_caller_ops = {
	.file_lookup = inproc_file_lookup,
	.eventfd_lookup = inproc_eventfd_lookup,
	.fd_fetch = inproc_fd_fetch,
	.fd_check = inproc_fd_check,
	.file_install = inproc_file_install,
	.has_ipc_lock = inproc_has_ipc_lock,
};

static struct inproc_caller make_caller(struct uvfio_machine *machine)
{
	struct inproc_caller self = {
		.caller =
			{
				.ops = &inproc_caller_ops,
				.mm = machine->inproc->mm,
				.has_rawio = true,
				.has_sys_resource = true,
				.ignores_memlock =
					machine->host.iommu.ignores_memlock,
			},
		.inproc = machine->inproc,
	};

	return self;
}

int uvf_inproc_create(struct uvf_inproc **ret_inproc)
{
	struct uvf_inproc *inproc = uvf_zalloc(sizeof(*inproc));
	int ret;

	if (!inproc)
		return -ENOMEM;
	ret = uvf_copy_guard_init();
	if (!ret)
		ret = uvf_self_create(&inproc->mm);
	if (ret) {
		uvf_free(inproc);
		return ret;
	}
	uvf_mutex_init(&inproc->lock);
	*ret_inproc = inproc;
	return 0;
}

void uvf_inproc_destroy(struct uvf_inproc *inproc)
{
	if (!inproc)
		return;
	for (size_t fd = 0; fd < inproc->size; fd++) {
		if (!inproc->files[fd])
			continue;
		close((int)fd);
		uvf_file_put(inproc->files[fd]);
	}
	uvf_free(inproc->files);
	uvf_mutex_fini(&inproc->lock);
	uvf_mm_put(inproc->mm);
	uvf_free(inproc);
}

int uvfio_open(struct uvfio_machine *machine, const char *path)
{
	static const char dev[] = "/dev/";
	struct inproc_caller self = make_caller(machine);
	struct uvf_file *file;
	int ret;

	if (strncmp(path, dev, strlen(dev)) != 0)
		return -ENOENT;
	ret = uvf_devfs_open(&machine->vfio, &self.caller, path + strlen(dev),
			     &file);
	if (ret)
		return ret;
	ret = install(machine->inproc, file);
	if (ret < 0)
		uvf_file_put(file);
	return ret;
}

int uvfio_close(struct uvfio_machine *machine, int fd)
{
	struct uvf_inproc *inproc = machine->inproc;
	struct uvf_file *file = NULL;

	uvf_lock(&inproc->lock);
	if (fd >= 0 && (size_t)fd < inproc->size) {
		file = inproc->files[fd];
		inproc->files[fd] = NULL;
	}
	uvf_unlock(&inproc->lock);
	if (!file)
		return -EBADF;
	close(fd);
	uvf_file_put(file);
	return 0;
}

long uvfio_ioctl(struct uvfio_machine *machine, int fd, unsigned int cmd,
		 unsigned long arg)
{
	struct inproc_caller self = make_caller(machine);
	struct uvf_file *file = uvf_inproc_file(machine->inproc, fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = uvf_file_ioctl(file, &self.caller, cmd, arg);
	uvf_file_put(file);
	return ret;
}

/* At an offset, or at NULL at the position of the file. */
static ssize_t transfer(struct uvfio_machine *machine, int fd, uint64_t addr,
			size_t len, const uint64_t *offset, bool is_write)
{
	struct inproc_caller self = make_caller(machine);
	struct uvf_file *file = uvf_inproc_file(machine->inproc, fd);
	uint64_t pos;
	ssize_t ret;

	if (!file)
		return -EBADF;
	pos = offset ? *offset : atomic_load(&file->position);
	if (offset && file->is_stream)
		ret = -ESPIPE;
	else if (is_write)
		ret = uvf_file_write(file, &self.caller, addr, len, pos);
	else
		ret = uvf_file_read(file, &self.caller, addr, len, pos);
	if (!offset && ret > 0 && !file->stays_put)
		atomic_fetch_add(&file->position, (uint64_t)ret);
	uvf_file_put(file);
	return ret;
}

ssize_t uvfio_pread(struct uvfio_machine *machine, int fd, void *buf,
		    size_t len, uint64_t offset)
{
	return transfer(machine, fd, (uintptr_t)buf, len, &offset, false);
}

ssize_t uvfio_pwrite(struct uvfio_machine *machine, int fd, const void *buf,
		     size_t len, uint64_t offset)
{
	return transfer(machine, fd, (uintptr_t)buf, len, &offset, true);
}

ssize_t uvfio_read(struct uvfio_machine *machine, int fd, void *buf, size_t len)
{
	return transfer(machine, fd, (uintptr_t)buf, len, NULL, false);
}

ssize_t uvfio_write(struct uvfio_machine *machine, int fd, const void *buf,
		    size_t len)
{
	return transfer(machine, fd, (uintptr_t)buf, len, NULL, true);
}

/* The part of a mapping from at on that one answer of the file covers. */
static ssize_t map_some(struct uvf_file *file, uint64_t pos, size_t len,
			int prot, void *at)
{
	struct uvf_page page;
	uint64_t skip, size;

	uvf_file_fault(file, pos, &page);
	if (page.kind == UVF_PAGE_TRAP ||
	    (page.kind == UVF_PAGE_MIRROR && prot & PROT_WRITE))
		return -EOPNOTSUPP;
	if (page.kind != UVF_PAGE_MEMORY && page.kind != UVF_PAGE_MIRROR)
		return -ENXIO;
	skip = pos - page.first;
	size = page.size - skip < len ? page.size - skip : len;
	if (mmap(at, size, prot, MAP_SHARED | MAP_FIXED, page.fd,
		 (off_t)(page.fd_offset + skip)) == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -ENXIO;
	return (ssize_t)size;
}

static int map(struct uvf_file *file, uint64_t offset, size_t len, int prot,
	       void **ret_addr)
{
	char *start = mmap(NULL, len, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return -ENOMEM;
	for (size_t done = 0; done < len;) {
		ssize_t size = map_some(file, offset + done, len - done, prot,
					start + done);

		if (size < 0) {
			(void)munmap(start, len);
			return (int)size;
		}
		done += (size_t)size;
	}
	*ret_addr = start;
	return 0;
}

int uvfio_mmap(struct uvfio_machine *machine, int fd, uint64_t offset,
	       size_t len, int prot, int flags, void **ret_addr)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct uvf_file *file = uvf_inproc_file(machine->inproc, fd);
	int ret = -EINVAL;

	if (!file)
		return -EBADF;
	if (len && len <= SIZE_MAX - page && !(offset % page)) {
		len = (len + page - 1) / page * page;
		ret = uvf_file_mmap(file, offset, len, prot, flags);
	}
	if (!ret)
		ret = map(file, offset, len, prot, ret_addr);
	uvf_file_put(file);
	return ret;
}

/* What follows "/sys/", or NULL. */
static const char *below_sys(const char *path)
{
	static const char sys[] = "/sys/";

	return strncmp(path, sys, strlen(sys)) ? NULL : path + strlen(sys);
}

ssize_t uvfio_sysfs_read(struct uvfio_machine *machine, const char *path,
			 void *buf, size_t size, uint64_t offset)
{
	const char *name = below_sys(path);

	if (!name)
		return -ENOENT;
	return uvf_sysfs_read(&machine->vfio, name, buf, size, offset);
}

ssize_t uvfio_sysfs_write(struct uvfio_machine *machine, const char *path,
			  const void *buf, size_t size, uint64_t offset)
{
	const char *name = below_sys(path);
	struct uvf_task task;
	char comm[16] = "";
	ssize_t ret;

	if (!name)
		return -ENOENT;
	pthread_getname_np(pthread_self(), comm, sizeof(comm));
	uvf_task_init(&task, comm, gettid());
	ret = uvf_sysfs_write(&machine->vfio, &task, name, buf, size, offset);
	uvf_task_fini(&task);
	return ret;
}
