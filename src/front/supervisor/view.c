/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "base/alloc.h"
#include "front/supervisor/client.h"
#include "front/supervisor/paths.h"
#include "front/supervisor/view_lookup.h"
#include "front/supervisor/view_namespace.h"
#include "front/supervisor/view_tree.h"
#include "fs/sysfs_file.h"

struct uvf_view {
	enum uvf_view_mode mode; /* NAMESPACE or PATHS */
	struct uvf_view_names *names;
	struct uvf_view_writes *writes;
	struct uvf_view_namespace ns; /* NAMESPACE */
	struct uvf_paths *paths;      /* PATHS */
};

static int choose_mode(struct uvf_view *view, enum uvf_view_mode mode,
		       struct uvfio_error *err)
{
	struct uvfio_error refusal = {0};
	int ret;

	if (mode != UVF_VIEW_PATHS) {
		view->mode = UVF_VIEW_NAMESPACE;
		ret = uvf_view_namespace_create(&view->ns, view->names,
						view->writes, &refusal);
		if (!ret)
			return 0;
		if (mode == UVF_VIEW_NAMESPACE) {
			uvfio_error_set(err, "%s", refusal.text);
			return ret;
		}
	}
	view->mode = UVF_VIEW_PATHS;
	return uvf_paths_create(&view->paths, view->names, err);
}

int uvf_view_create(struct uvf_view **ret_view, struct uvf_vfio *vfio,
		    enum uvf_view_mode mode, struct uvfio_error *err)
{
	struct uvf_view *view = uvf_zalloc(sizeof(*view));
	int ret = -ENOMEM;

	if (view)
		ret = uvf_view_names_create(&view->names, vfio);
	if (!ret)
		ret = uvf_view_writes_create(&view->writes, vfio);
	if (ret)
		uvfio_error_set(err, "cannot describe the machine: %s",
				strerror(-ret));
	else
		ret = choose_mode(view, mode, err);
	if (ret) {
		if (view)
			uvf_view_writes_destroy(view->writes);
		if (view)
			uvf_view_names_destroy(view->names);
		uvf_free(view);
		return ret;
	}
	*ret_view = view;
	return 0;
}

void uvf_view_destroy(struct uvf_view *view)
{
	bool has_namespace;

	if (!view)
		return;
	has_namespace = view->mode == UVF_VIEW_NAMESPACE;
	if (has_namespace)
		uvf_view_namespace_stop(&view->ns);
	uvf_view_writes_destroy(view->writes);
	if (has_namespace)
		uvf_view_namespace_fini(&view->ns);
	uvf_paths_destroy(view->paths);
	uvf_view_names_destroy(view->names);
	uvf_free(view);
}

enum uvf_view_mode uvf_view_mode(const struct uvf_view *view)
{
	return view->mode;
}

const char *uvf_view_directory(const struct uvf_view *view)
{
	return view->paths ? uvf_paths_directory(view->paths) : NULL;
}

int uvf_view_enter(struct uvf_view *view, struct uvfio_error *err)
{
	if (view->mode == UVF_VIEW_PATHS)
		return 0;
	return uvf_view_namespace_enter(&view->ns, err);
}

/* In our file system, or a number of ours that was made elsewhere. */
static bool is_node(struct uvf_view *view, const struct uvf_view_found *found,
		    struct uvf_view_hit *ret_hit)
{
	struct stat st, host;

	if (found->is_ours)
		return uvf_view_names_find_node(view->names, found->ino,
						ret_hit);
	return !fstat(found->fd, &st) && S_ISCHR(st.st_mode) &&
	       !fstatat(view->ns.root_fd, "dev/null", &host, 0) &&
	       st.st_dev != host.st_dev &&
	       uvf_view_names_find_number(view->names, &st, ret_hit);
}

static int look_up(struct uvf_view *view, int pid, int dirfd, const char *path,
		   struct uvf_view_found *ret_found)
{
	struct uvf_view_tree *tree = uvf_view_names_get(view->names);
	struct uvf_view_place place = {
		.tree = tree,
		.dev = view->ns.dev,
		.root_fd = view->ns.root_fd,
	};
	int ret = uvf_view_lookup(&place, pid, dirfd, path, ret_found);

	uvf_view_tree_put(tree);
	return ret;
}

int uvf_view_node(struct uvf_view *view, int pid, int dirfd, const char *path,
		  struct uvf_view_hit *ret_hit)
{
	struct uvf_view_found found;
	int ret;

	if (view->mode == UVF_VIEW_PATHS)
		return 0;
	ret = look_up(view, pid, dirfd, path, &found);
	if (ret)
		return found.is_ours && ret == -ENOENT ? ret : 0;
	ret = is_node(view, &found, ret_hit);
	if (!found.is_ours)
		close(found.fd);
	return ret;
}

/* The inode number in our file system that a call is about. */
static bool find_ino(struct uvf_view *view, int pid, int nr,
		     const uint64_t args[6], uint64_t *ret_ino)
{
	struct uvf_view_found found;
	char path[PATH_MAX];
	bool is_ours;
	int fd;

	if (nr == SYS_statfs) {
		if (uvf_client_read_path(pid, args[0], path) ||
		    look_up(view, pid, AT_FDCWD, path, &found))
			return false;
		if (!found.is_ours)
			close(found.fd);
		*ret_ino = found.ino;
		return found.is_ours;
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)args[0]);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_ours = uvf_view_namespace_dev(fd) == view->ns.dev &&
		  !uvf_view_lookup_ino(fd, ret_ino);
	close(fd);
	return is_ours;
}

bool uvf_view_statfs(struct uvf_view *view, int pid, int nr,
		     const uint64_t args[6], struct statfs *ret_fs)
{
	const struct uvf_view_node *node;
	struct uvf_view_tree *tree;
	bool is_sys = false;
	uint64_t ino;

	if (view->mode == UVF_VIEW_PATHS ||
	    !find_ino(view, pid, nr, args, &ino))
		return false;
	tree = uvf_view_names_get(view->names);
	node = uvf_view_tree_find_ino(tree, ino);
	if (node)
		is_sys = !strncmp(node->path, "sys/", 4);
	uvf_view_tree_put(tree);
	return is_sys && !statfs("/sys", ret_fs);
}

int uvf_view_file(struct uvf_view *view, const char *path,
		  struct uvf_file **ret_file)
{
	char *data = uvf_zalloc(UVF_VIEW_FILE_MAX);
	ssize_t size;
	int ret;

	if (!data)
		return -ENOMEM;
	/* What can only be written reads as nothing. */
	size = uvf_view_names_read(view->names, path, data, UVF_VIEW_FILE_MAX,
				   0);
	ret = uvf_sysfs_file_create(ret_file, path, data,
				    size < 0 ? 0 : (size_t)size);
	uvf_free(data);
	return ret;
}

int uvf_view_write(struct uvf_view *view, pid_t tid, const char *path,
		   const struct uvf_view_data *data,
		   uvf_view_write_done_fn *done, void *arg)
{
	return uvf_view_writes_start(view->writes, tid, path, data, done, arg);
}

void uvf_view_path_call(struct uvf_view *view, int pid, int nr,
			const uint64_t args[6],
			struct uvf_path_answer *ret_answer)
{
	*ret_answer = (struct uvf_path_answer){.kind = UVF_PATH_CONTINUE};
	if (view->mode == UVF_VIEW_PATHS)
		uvf_paths_call(view->paths, pid, nr, args, ret_answer);
}

const int *uvf_view_path_calls(void)
{
	return uvf_paths_calls();
}
