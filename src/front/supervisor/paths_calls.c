/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The path calls that ask about a file; paths_open.c has those that open
 * one.  A file of the host that was reached through names of ours is asked
 * by us, for the kernel would not find it by the client's path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "front/supervisor/paths_private.h"
#include "front/supervisor/proc.h"

/*
 * Directory and name by which we reach what the place is.  Of a directory
 * that the client may list from our copy, the copy, so that fstat() of it
 * and stat() of its name agree.
 */
static int reach(const struct uvf_paths_request *request, const char **ret_name)
{
	const struct uvf_place *place = &request->place;

	if (place->node && (place->is_ours ||
			    uvf_paths_is_union(request->paths, place->node))) {
		*ret_name = place->node->path;
		return request->paths->dirfd;
	}
	*ret_name = place->path;
	return AT_FDCWD;
}

/* Whether the kernel is right about the place. */
static bool is_for_kernel(const struct uvf_paths_request *request)
{
	const struct uvf_place *place = &request->place;

	return !place->is_ours &&
	       !(place->node &&
		 uvf_paths_is_union(request->paths, place->node));
}

/* What all handlers begin with: true when the answer is complete. */
static bool is_answered(const struct uvf_paths_request *request,
			struct uvf_path_answer *answer)
{
	if (is_for_kernel(request))
		return true;
	if (request->place.error) {
		uvf_paths_return(answer, request->place.error);
		return true;
	}
	return false;
}

/* The index of the buffer among the arguments. */
static unsigned int buffer_index(int nr)
{
	return nr == SYS_newfstatat || nr == SYS_readlinkat ? 2 : 1;
}

void uvf_paths_stat(struct uvf_paths_request *request,
		    struct uvf_path_answer *answer)
{
	const struct uvf_view_node *node = request->place.node;
	struct stat st;
	const char *name;
	int dirfd;

	if (is_answered(request, answer))
		return;
	dirfd = reach(request, &name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		uvf_paths_return(answer, -errno);
		return;
	}
	if (node && node->kind == UVF_VIEW_CHAR)
		st.st_rdev = node->rdev;
	if (node && node->kind == UVF_VIEW_FILE)
		st.st_size = (off_t)uvf_view_node_size(node);
	uvf_paths_return(
		answer,
		uvf_paths_copy_out(request->pid,
				   request->args[buffer_index(request->nr)],
				   &st, sizeof(st)));
}

void uvf_paths_statx(struct uvf_paths_request *request,
		     struct uvf_path_answer *answer)
{
	const struct uvf_view_node *node = request->place.node;
	unsigned int mask = (unsigned int)request->args[3];
	struct statx stx;
	const char *name;
	int dirfd;

	if (is_answered(request, answer))
		return;
	dirfd = reach(request, &name);
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, mask, &stx)) {
		uvf_paths_return(answer, -errno);
		return;
	}
	if (node && node->kind == UVF_VIEW_CHAR) {
		stx.stx_rdev_major = major(node->rdev);
		stx.stx_rdev_minor = minor(node->rdev);
	}
	if (node && node->kind == UVF_VIEW_FILE)
		stx.stx_size = uvf_view_node_size(node);
	uvf_paths_return(answer,
			 uvf_paths_copy_out(request->pid, request->args[4],
					    &stx, sizeof(stx)));
}

void uvf_paths_access(struct uvf_paths_request *request,
		      struct uvf_path_answer *answer)
{
	int mode = (int)request->args[request->nr == SYS_access ? 1 : 2];
	const char *name;
	int dirfd;

	if (is_answered(request, answer))
		return;
	dirfd = reach(request, &name);
	/* On a link that was not followed, only existence can be asked. */
	if (syscall(SYS_faccessat, dirfd, name, mode))
		uvf_paths_return(answer, -errno);
	else
		uvf_paths_return(answer, 0);
}

/* Our directory shows up in links like /proc/self/cwd and fd/N. */
static bool read_proc_link(const struct uvf_paths_request *request,
			   char target[PATH_MAX])
{
	const char *path = request->place.path;
	int pid, used = 0;
	ssize_t length;

	if (request->place.error || strncmp(path, "/proc/", 6) != 0)
		return false;
	if (sscanf(path, "/proc/%d/cwd%n", &pid, &used) == 1 && used &&
	    !path[used] && uvf_paths_cwd_find(request->paths, pid, target))
		return true;
	length = readlink(path, target, PATH_MAX - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return uvf_paths_translate(request->paths, target);
}

void uvf_paths_readlink(struct uvf_paths_request *request,
			struct uvf_path_answer *answer)
{
	unsigned int index = buffer_index(request->nr);
	const struct uvf_view_node *node = request->place.node;
	size_t size = request->args[index + 1], length;
	char target[PATH_MAX];
	ssize_t got;
	int ret;

	if (!read_proc_link(request, target)) {
		if (is_answered(request, answer))
			return;
		if ((int)size <= 0 || (node && node->kind != UVF_VIEW_LINK)) {
			uvf_paths_return(answer, -EINVAL);
			return;
		}
		got = readlink(request->place.path, target, sizeof(target) - 1);
		if (!node && got < 0) {
			uvf_paths_return(answer, -errno);
			return;
		}
		target[got < 0 ? 0 : got] = '\0';
		if (node)
			memcpy(target, node->data, node->size + 1);
	}
	length = strlen(target);
	if (length > size)
		length = size;
	ret = uvf_paths_copy_out(request->pid, request->args[index], target,
				 length);
	uvf_paths_return(answer, ret ? ret : (long)length);
}

/*
 * What the kernel knows by the same name it may take as working directory;
 * names below it are ours to resolve all the same.
 */
void uvf_paths_chdir(struct uvf_paths_request *request,
		     struct uvf_path_answer *answer)
{
	struct uvf_place *place = &request->place;
	const struct uvf_view_node *node = place->node;
	struct stat st;
	int ret;

	if (place->is_ours && place->error) {
		uvf_paths_return(answer, place->error);
		return;
	}
	if (!place->is_ours) {
		if (!place->error)
			(void)uvf_paths_cwd_set(request->paths, request->pid,
						"");
		return;
	}
	if (node ? node->kind != UVF_VIEW_DIR
		 : stat(place->path, &st) || !S_ISDIR(st.st_mode)) {
		uvf_paths_return(answer, -ENOTDIR);
		return;
	}
	ret = uvf_paths_cwd_set(request->paths, request->pid, place->path);
	uvf_paths_return(answer, ret);
}

void uvf_paths_getcwd(struct uvf_paths *paths, int pid, const uint64_t *args,
		      struct uvf_path_answer *answer)
{
	char path[PATH_MAX];
	size_t size;
	int ret;

	if (!uvf_paths_cwd_find(paths, pid, path) &&
	    (!uvf_paths_read_proc(pid, "cwd", path) ||
	     !uvf_paths_translate(paths, path)))
		return;
	size = strlen(path) + 1;
	if (size > args[1]) {
		uvf_paths_return(answer, -ERANGE);
		return;
	}
	ret = uvf_paths_copy_out(pid, args[0], path, size);
	uvf_paths_return(answer, ret ? ret : (long)size);
}

/* The watch must be on the client's own inotify descriptor. */
void uvf_paths_inotify(struct uvf_paths_request *request,
		       struct uvf_path_answer *answer)
{
	const char *name;
	char path[PATH_MAX];
	int dirfd, pidfd, fd;
	long ret;

	if (is_answered(request, answer))
		return;
	dirfd = reach(request, &name);
	if (dirfd != AT_FDCWD) {
		size_t length = request->paths->directory_length;

		memcpy(path, request->paths->directory, length);
		path[length] = '/';
		memcpy(path + length + 1, name, strlen(name) + 1);
		name = path;
	}
	pidfd = (int)syscall(SYS_pidfd_open, request->pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)request->args[0], 0);
	ret = inotify_add_watch(fd, name, (uint32_t)request->args[2]);
	uvf_paths_return(answer, ret < 0 ? -errno : ret);
	if (fd >= 0)
		close(fd);
	if (pidfd >= 0)
		close(pidfd);
}

void uvf_paths_statfs(struct uvf_paths_request *request,
		      struct uvf_path_answer *answer)
{
	const struct uvf_view_node *node = request->place.node;
	const char *path = request->place.path;
	struct statfs fs;

	if (is_answered(request, answer))
		return;
	if (node)
		path = strncmp(node->path, "sys", 3) ? "/dev" : "/sys";
	if (statfs(path, &fs)) {
		uvf_paths_return(answer, -errno);
		return;
	}
	uvf_paths_return(answer,
			 uvf_paths_copy_out(request->pid, request->args[1], &fs,
					    sizeof(fs)));
}

void uvf_paths_fstatfs(struct uvf_paths *paths, int pid, const uint64_t *args,
		       struct uvf_path_answer *answer)
{
	char name[32], path[PATH_MAX];
	struct statfs fs;

	snprintf(name, sizeof(name), "fd/%d", (int)args[0]);
	if (!uvf_paths_read_proc(pid, name, path) ||
	    !uvf_paths_translate(paths, path) ||
	    statfs(strncmp(path, "/sys", 4) ? "/dev" : "/sys", &fs))
		return;
	uvf_paths_return(answer,
			 uvf_paths_copy_out(pid, args[1], &fs, sizeof(fs)));
}

void uvf_paths_xattr(struct uvf_paths_request *request,
		     struct uvf_path_answer *answer)
{
	if (!is_answered(request, answer))
		uvf_paths_return(answer, -EOPNOTSUPP);
}

/* sysfs has no operation for it, which root sees; others may not write. */
static long refusal(void)
{
	return geteuid() ? -EACCES : -EPERM;
}

void uvf_paths_make(struct uvf_paths_request *request,
		    struct uvf_path_answer *answer)
{
	const struct uvf_place *place = &request->place;

	if (!place->is_ours)
		return;
	if (!place->error)
		uvf_paths_return(answer, -EEXIST);
	else if (place->error == -ENOENT && place->is_last)
		uvf_paths_return(answer, refusal());
	else
		uvf_paths_return(answer, place->error);
}

/* What chmod() or chown() asks for; false: it is another call. */
static bool read_rights(const struct uvf_paths_request *request,
			struct uvf_view_rights *rights)
{
	int nr = request->nr;
	bool is_chmod =
		nr == SYS_chmod || nr == SYS_fchmodat || nr == SYS_fchmodat2;
	bool has_dirfd =
		nr == SYS_fchmodat || nr == SYS_fchmodat2 || nr == SYS_fchownat;
	const uint64_t *args = request->args + (has_dirfd ? 2 : 1);

	if (is_chmod) {
		rights->mode = (mode_t)args[0] & 07777;
		return true;
	}
	if (nr != SYS_chown && nr != SYS_lchown && nr != SYS_fchownat)
		return false;
	if ((uid_t)args[0] != (uid_t)-1)
		rights->uid = (uid_t)args[0];
	if ((gid_t)args[1] != (gid_t)-1)
		rights->gid = (gid_t)args[1];
	return true;
}

/* We change our copy, for which the kernel asks what the client may. */
static long change_rights(const struct uvf_paths_request *request,
			  const struct uvf_view_rights *rights)
{
	struct uvf_paths *paths = request->paths;
	const struct uvf_view_node *node = request->place.node;

	if (!uvf_proc_is_owner(request->pid))
		return -EPERM;
	if (fchownat(paths->dirfd, node->path, rights->uid, rights->gid,
		     AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (node->kind != UVF_VIEW_LINK &&
	    fchmodat(paths->dirfd, node->path, rights->mode, 0))
		return -errno;
	return uvf_view_names_set_rights(paths->names, node, rights);
}

void uvf_paths_change(struct uvf_paths_request *request,
		      struct uvf_path_answer *answer)
{
	const struct uvf_view_node *node = request->place.node;
	struct uvf_view_rights rights;

	if (request->place.is_ours && node) {
		uvf_view_names_rights(request->paths->names, node, &rights);
		if (read_rights(request, &rights)) {
			uvf_paths_return(answer,
					 change_rights(request, &rights));
			return;
		}
	}
	const struct uvf_place *place = &request->place;

	if (place->is_ours)
		uvf_paths_return(answer,
				 place->error ? place->error : refusal());
}
