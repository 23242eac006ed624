/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "base/alloc.h"
#include "front/supervisor/paths.h"
#include "front/supervisor/view_lookup.h"
#include "front/supervisor/view_namespace.h"
#include "front/supervisor/view_tree.h"

struct uvf_view {
	enum uvf_view_mode mode; /* NAMESPACE or PATHS */
	struct uvf_view_tree *tree;
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
		ret = uvf_view_namespace_create(&view->ns, view->tree,
						&refusal);
		if (!ret)
			return 0;
		if (mode == UVF_VIEW_NAMESPACE) {
			uvfio_error_set(err, "%s", refusal.text);
			return ret;
		}
	}
	view->mode = UVF_VIEW_PATHS;
	return uvf_paths_create(&view->paths, view->tree, err);
}

int uvf_view_create(struct uvf_view **ret_view, struct uvf_vfio *vfio,
		    enum uvf_view_mode mode, struct uvfio_error *err)
{
	struct uvf_view *view = uvf_zalloc(sizeof(*view));
	int ret = -ENOMEM;

	if (view)
		ret = uvf_view_tree_create(&view->tree, vfio);
	if (ret) {
		uvfio_error_set(err, "cannot describe the machine: %s",
				strerror(-ret));
		uvf_free(view);
		return ret;
	}
	ret = choose_mode(view, mode, err);
	if (ret) {
		uvf_view_tree_destroy(view->tree);
		uvf_free(view);
		return ret;
	}
	*ret_view = view;
	return 0;
}

void uvf_view_destroy(struct uvf_view *view)
{
	if (!view)
		return;
	if (view->mode == UVF_VIEW_NAMESPACE)
		uvf_view_namespace_fini(&view->ns);
	uvf_paths_destroy(view->paths);
	uvf_view_tree_destroy(view->tree);
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

/*
 * The node an inode of ours is.  On their tmpfs nodes are the only devices,
 * and the kernel knows by which path it was found.
 */
static bool find_node(const struct uvf_view_tree *tree, int fd, char *node,
		      size_t node_size)
{
	char link[64], path[512];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path));
	for (size_t i = tree->dev_first; length > 0 && i < tree->count; i++) {
		const char *name = tree->nodes[i].path + strlen("dev");
		ssize_t size = (ssize_t)strlen(name);

		if (tree->nodes[i].kind != UVF_VIEW_CHAR || size > length ||
		    memcmp(path + length - size, name, (size_t)size) != 0)
			continue;
		snprintf(node, node_size, "%s", name + 1);
		return true;
	}
	return false;
}

bool uvf_view_node(struct uvf_view *view, int pid, int dirfd, const char *path,
		   char *node, size_t node_size)
{
	struct stat st;
	bool is_node;
	int fd;

	if (view->mode == UVF_VIEW_PATHS)
		return uvf_paths_node(view->paths, pid, dirfd, path, node,
				      node_size);
	fd = uvf_view_lookup(pid, dirfd, path);
	if (fd < 0)
		return false;
	is_node = !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
		  st.st_dev == view->ns.dev &&
		  find_node(view->tree, fd, node, node_size);
	close(fd);
	return is_node;
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
