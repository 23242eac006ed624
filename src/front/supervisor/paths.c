/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "base/alloc.h"
#include "front/supervisor/paths_private.h"

#define NONE 255

/* How a call follows a symbolic link at the end of its path. */
enum follow {
	ALWAYS,
	NEVER,
	UNLESS_NOFOLLOW, /* AT_SYMLINK_NOFOLLOW in flags */
	IF_FOLLOW,       /* AT_SYMLINK_FOLLOW in flags */
	AS_OPEN,         /* O_NOFOLLOW, O_EXCL */
};

/* Where a call keeps its path; numbers are indexes of arguments. */
struct path_call {
	int nr;
	uint8_t dirfd; /* NONE: AT_FDCWD */
	uint8_t path;
	uint8_t flags; /* NONE: there are none */
	enum follow follow;
	uvf_paths_fn *fn;
};

static const struct path_call calls[] = {
	{SYS_open, NONE, 0, 1, AS_OPEN, uvf_paths_open},
	{SYS_creat, NONE, 0, NONE, ALWAYS, uvf_paths_open},
	{SYS_openat, 0, 1, 2, AS_OPEN, uvf_paths_open},
	{SYS_openat2, 0, 1, NONE, AS_OPEN, uvf_paths_open},
	{SYS_stat, NONE, 0, NONE, ALWAYS, uvf_paths_stat},
	{SYS_lstat, NONE, 0, NONE, NEVER, uvf_paths_stat},
	{SYS_newfstatat, 0, 1, 3, UNLESS_NOFOLLOW, uvf_paths_stat},
	{SYS_statx, 0, 1, 2, UNLESS_NOFOLLOW, uvf_paths_statx},
	{SYS_access, NONE, 0, NONE, ALWAYS, uvf_paths_access},
	{SYS_faccessat, 0, 1, NONE, ALWAYS, uvf_paths_access},
	{SYS_faccessat2, 0, 1, 3, UNLESS_NOFOLLOW, uvf_paths_access},
	{SYS_readlink, NONE, 0, NONE, NEVER, uvf_paths_readlink},
	{SYS_readlinkat, 0, 1, NONE, NEVER, uvf_paths_readlink},
	{SYS_chdir, NONE, 0, NONE, ALWAYS, uvf_paths_chdir},
	{SYS_inotify_add_watch, NONE, 1, NONE, ALWAYS, uvf_paths_inotify},
	{SYS_statfs, NONE, 0, NONE, ALWAYS, uvf_paths_statfs},
	{SYS_getxattr, NONE, 0, NONE, ALWAYS, uvf_paths_xattr},
	{SYS_lgetxattr, NONE, 0, NONE, NEVER, uvf_paths_xattr},
	{SYS_listxattr, NONE, 0, NONE, ALWAYS, uvf_paths_xattr},
	{SYS_llistxattr, NONE, 0, NONE, NEVER, uvf_paths_xattr},
	{SYS_mkdir, NONE, 0, NONE, NEVER, uvf_paths_make},
	{SYS_mkdirat, 0, 1, NONE, NEVER, uvf_paths_make},
	{SYS_mknod, NONE, 0, NONE, NEVER, uvf_paths_make},
	{SYS_mknodat, 0, 1, NONE, NEVER, uvf_paths_make},
	{SYS_symlink, NONE, 1, NONE, NEVER, uvf_paths_make},
	{SYS_symlinkat, 1, 2, NONE, NEVER, uvf_paths_make},
	{SYS_link, NONE, 0, NONE, NEVER, uvf_paths_change},
	{SYS_linkat, 0, 1, 4, IF_FOLLOW, uvf_paths_change},
	{SYS_link, NONE, 1, NONE, NEVER, uvf_paths_make},
	{SYS_linkat, 2, 3, NONE, NEVER, uvf_paths_make},
	{SYS_unlink, NONE, 0, NONE, NEVER, uvf_paths_change},
	{SYS_unlinkat, 0, 1, NONE, NEVER, uvf_paths_change},
	{SYS_rmdir, NONE, 0, NONE, NEVER, uvf_paths_change},
	{SYS_rename, NONE, 0, NONE, NEVER, uvf_paths_change},
	{SYS_renameat, 0, 1, NONE, NEVER, uvf_paths_change},
	{SYS_renameat2, 0, 1, NONE, NEVER, uvf_paths_change},
	{SYS_rename, NONE, 1, NONE, NEVER, uvf_paths_make},
	{SYS_renameat, 2, 3, NONE, NEVER, uvf_paths_make},
	{SYS_renameat2, 2, 3, NONE, NEVER, uvf_paths_make},
	{SYS_chmod, NONE, 0, NONE, ALWAYS, uvf_paths_change},
	{SYS_fchmodat, 0, 1, NONE, ALWAYS, uvf_paths_change},
	{SYS_fchmodat2, 0, 1, 3, UNLESS_NOFOLLOW, uvf_paths_change},
	{SYS_chown, NONE, 0, NONE, ALWAYS, uvf_paths_change},
	{SYS_lchown, NONE, 0, NONE, NEVER, uvf_paths_change},
	{SYS_fchownat, 0, 1, 4, UNLESS_NOFOLLOW, uvf_paths_change},
	{SYS_truncate, NONE, 0, NONE, ALWAYS, uvf_paths_change},
};

#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

const int *uvf_paths_calls(void)
{
	static const int numbers[] = {
		SYS_open,
		SYS_creat,
		SYS_openat,
		SYS_openat2,
		SYS_stat,
		SYS_lstat,
		SYS_newfstatat,
		SYS_statx,
		SYS_access,
		SYS_faccessat,
		SYS_faccessat2,
		SYS_readlink,
		SYS_readlinkat,
		SYS_chdir,
		SYS_fchdir,
		SYS_getcwd,
		SYS_inotify_add_watch,
		SYS_statfs,
		SYS_fstatfs,
		SYS_getxattr,
		SYS_lgetxattr,
		SYS_listxattr,
		SYS_llistxattr,
		SYS_mkdir,
		SYS_mkdirat,
		SYS_mknod,
		SYS_mknodat,
		SYS_symlink,
		SYS_symlinkat,
		SYS_link,
		SYS_linkat,
		SYS_unlink,
		SYS_unlinkat,
		SYS_rmdir,
		SYS_rename,
		SYS_renameat,
		SYS_renameat2,
		SYS_chmod,
		SYS_fchmodat,
		SYS_fchmodat2,
		SYS_chown,
		SYS_lchown,
		SYS_fchownat,
		SYS_truncate,
		-1,
	};

	return numbers;
}

int uvf_paths_copy_in(int pid, void *dst, uint64_t addr, size_t size)
{
	struct iovec local = {dst, size};
	struct iovec remote = {(void *)(uintptr_t)addr, size};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size
		       ? 0
		       : -EFAULT;
}

int uvf_paths_copy_out(int pid, uint64_t addr, const void *src, size_t size)
{
	struct iovec local = {(void *)(uintptr_t)src, size};
	struct iovec remote = {(void *)(uintptr_t)addr, size};

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)size
		       ? 0
		       : -EFAULT;
}

int uvf_paths_copy_path(int pid, char dst[PATH_MAX], uint64_t addr)
{
	size_t used = 0;

	/* The page after the string may not be there. */
	while (used < PATH_MAX) {
		size_t size = 4096 - ((addr + used) & 4095);

		if (size > PATH_MAX - used)
			size = PATH_MAX - used;
		/* Most are short; less copied is faster. */
		if (size > 256)
			size = 256;
		if (uvf_paths_copy_in(pid, dst + used, addr + used, size))
			return -EFAULT;
		if (memchr(dst + used, '\0', size))
			return 0;
		used += size;
	}
	return -ENAMETOOLONG;
}

static bool must_follow(const struct path_call *call, int pid,
			const uint64_t *args)
{
	uint64_t flags = call->flags == NONE ? 0 : args[call->flags];

	switch (call->follow) {
	case ALWAYS:
		return true;
	case NEVER:
		return false;
	case UNLESS_NOFOLLOW:
		return !(flags & AT_SYMLINK_NOFOLLOW);
	case IF_FOLLOW:
		return flags & AT_SYMLINK_FOLLOW;
	case AS_OPEN:
		break;
	}
	/* The first member of struct open_how is the flags. */
	if (call->nr == SYS_openat2 &&
	    uvf_paths_copy_in(pid, &flags, args[2], sizeof(flags)))
		return true;
	return !(flags & O_NOFOLLOW) &&
	       (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
}

/*
 * The directory shows the present from here to the unlock; without memory, or
 * room for files, as much as could be done.
 */
static void begin(struct uvf_paths *paths)
{
	struct uvf_view_tree *tree = uvf_view_names_get(paths->names);

	pthread_rwlock_rdlock(&paths->present);
	if (tree != paths->tree) {
		pthread_rwlock_unlock(&paths->present);
		(void)uvf_paths_follow(paths);
		pthread_rwlock_rdlock(&paths->present);
	}
	uvf_view_tree_put(tree);
}

static void answer_call(struct uvf_paths *paths, int pid, int nr,
			const uint64_t args[6],
			struct uvf_path_answer *ret_answer)
{
	struct uvf_paths_request request;
	char path[PATH_MAX];

	request.paths = paths;
	request.pid = pid;
	request.nr = nr;
	request.args = args;
	for (size_t i = 0; i < CALL_COUNT; i++) {
		const struct path_call *call = &calls[i];
		int dirfd = AT_FDCWD;

		if (call->nr != nr)
			continue;
		if (call->dirfd != NONE)
			dirfd = (int)args[call->dirfd];
		/* The kernel says what is wrong with a path. */
		if (uvf_paths_copy_path(pid, path, args[call->path]))
			continue;
		uvf_paths_resolve(paths, pid, dirfd, path,
				  must_follow(call, pid, args), &request.place);
		call->fn(&request, ret_answer);
		if (ret_answer->kind != UVF_PATH_CONTINUE)
			return;
	}
}

void uvf_paths_call(struct uvf_paths *paths, int pid, int nr,
		    const uint64_t args[6], struct uvf_path_answer *ret_answer)
{
	begin(paths);
	if (nr == SYS_getcwd)
		uvf_paths_getcwd(paths, pid, args, ret_answer);
	else if (nr == SYS_fstatfs)
		uvf_paths_fstatfs(paths, pid, args, ret_answer);
	else
		answer_call(paths, pid, nr, args, ret_answer);
	if (nr == SYS_fchdir)
		/* The kernel knows every directory that has a descriptor. */
		(void)uvf_paths_cwd_set(paths, pid, "");
	pthread_rwlock_unlock(&paths->present);
}

const char *uvf_paths_directory(const struct uvf_paths *paths)
{
	return paths->directory;
}

/* Memory first; the last resort is what all systems have. */
static int make_directory(struct uvf_paths *paths)
{
	const char *const parents[] = {getenv("XDG_RUNTIME_DIR"), "/dev/shm",
				       "/tmp"};

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		int length;

		if (!parents[i] || parents[i][0] != '/')
			continue;
		length = snprintf(paths->directory, sizeof(paths->directory),
				  "%s/uvfio-XXXXXX", parents[i]);
		if (length >= (int)sizeof(paths->directory) ||
		    !mkdtemp(paths->directory))
			continue;
		paths->directory_length = (size_t)length;
		paths->dirfd = open(paths->directory,
				    O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (paths->dirfd >= 0)
			return 0;
		rmdir(paths->directory);
	}
	return errno ? -errno : -ENOENT;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void fini(struct uvf_paths *paths)
{
	pthread_rwlock_destroy(&paths->present);
	uvf_mutex_fini(&paths->fill_lock);
	uvf_mutex_fini(&paths->lock);
	uvf_view_tree_put(paths->tree);
	uvf_free(paths->cwds);
	uvf_free(paths);
}

int uvf_paths_create(struct uvf_paths **ret_paths, struct uvf_view_names *names,
		     struct uvfio_error *err)
{
	struct uvf_paths *paths = uvf_zalloc(sizeof(*paths));
	char real[PATH_MAX];
	struct stat st;
	int ret;

	if (!paths) {
		uvfio_error_set(err, "out of memory");
		return -ENOMEM;
	}
	paths->names = names;
	uvf_mutex_init(&paths->lock);
	uvf_mutex_init(&paths->fill_lock);
	pthread_rwlock_init(&paths->present, NULL);
	ret = make_directory(paths);
	if (ret) {
		uvfio_error_set(err,
				"no directory for the view in "
				"$XDG_RUNTIME_DIR, /dev/shm or /tmp: %s",
				strerror(-ret));
		fini(paths);
		return ret;
	}
	/* The kernel names it without links. */
	if (realpath(paths->directory, real) &&
	    strlen(real) < sizeof(paths->directory)) {
		paths->directory_length = strlen(real);
		memcpy(paths->directory, real, paths->directory_length + 1);
	}
	if (!stat("/sys", &st))
		paths->sys_dev = st.st_dev;
	if (!stat("/dev", &st))
		paths->dev_dev = st.st_dev;
	ret = uvf_paths_follow(paths);
	if (ret) {
		uvfio_error_set(err, "cannot write to %s: %s", paths->directory,
				strerror(-ret));
		uvf_paths_destroy(paths);
		return ret;
	}
	*ret_paths = paths;
	return 0;
}

void uvf_paths_destroy(struct uvf_paths *paths)
{
	if (!paths)
		return;
	close(paths->dirfd);
	(void)nftw(paths->directory, remove_entry, 16,
		   FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	fini(paths);
}
