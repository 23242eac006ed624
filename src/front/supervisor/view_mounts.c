/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tmpfs on /dev is the stage.  On it are the FUSE file system with the
 * generated tree, of which parts are bound onto /sys; the merged directories
 * of that tree, which are overlaid onto /sys where the host lacks a name to
 * bind to; and a second tmpfs, which is filled with the host's nodes and ours
 * and at last moved onto /dev, where it hides the stage.  The stage itself,
 * and the host's /dev below it, are reached by descriptors meanwhile.
 *
 * Real files are bound rather than linked or made anew, so that they stay
 * the host's: writing a parameter of the host's CPUs, ttyname(), sockets.
 */
#include "front/supervisor/view_mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/supervisor/view_fuse.h"
#include "front/supervisor/view_tree.h"

#define STAGE    "/dev"
#define HOST_DEV STAGE "/dev/.host"
#define LIVE     STAGE "/live"

static int fail(struct uvf_view_mounts *mounts, const char *step,
		const char *path)
{
	int error = errno;

	snprintf(mounts->what, sizeof(mounts->what), "%s %.100s", step, path);
	return -error;
}

static bool is_real(const char *path, bool *ret_is_dir)
{
	char real[PATH_MAX];
	struct stat st;

	snprintf(real, sizeof(real), "/%s", path);
	if (lstat(real, &st))
		return false;
	*ret_is_dir = S_ISDIR(st.st_mode);
	return true;
}

/* Calls fn for each entry; a non-zero result ends the loop. */
static int for_each_entry(int dirfd, const char *path,
			  int (*fn)(void *arg, int fd, const char *dir,
				    const struct dirent *entry),
			  void *arg)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int ret = 0;

	if (!dir) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = fn(arg, fd, path, entry);
	closedir(dir);
	return ret;
}

/*
 * Put one entry of the host into a directory of the stage: links are
 * copied, all else is bound.  What cannot be bound is left out.
 */
static void place_entry(int fd, const struct dirent *entry, const char *to)
{
	char from[64 + NAME_MAX], target[PATH_MAX];
	ssize_t length;

	if (entry->d_type == DT_LNK) {
		length = readlinkat(fd, entry->d_name, target,
				    sizeof(target) - 1);
		if (length < 0)
			return;
		target[length] = '\0';
		if (symlink(target, to))
			return;
		return;
	}
	if (entry->d_type == DT_DIR) {
		if (mkdir(to, 0755) && errno != EEXIST)
			return;
	} else if (mknod(to, S_IFREG, 0) && errno != EEXIST) {
		return;
	}
	snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", fd, entry->d_name);
	if (!mount(from, to, NULL, MS_BIND | MS_REC, NULL))
		return;
	if (entry->d_type == DT_DIR)
		rmdir(to);
	else
		unlink(to);
}

struct merge {
	struct uvf_view_mounts *mounts;
	const char *path; /* "sys/module" */
	const char *to;   /* where the host's entries go */
	bool add_missing; /* also entries that are not there yet */
};

static int merge_dir(struct uvf_view_mounts *mounts, int fd, const char *path,
		     const char *to, bool add_missing);

static int merge_entry(void *arg, int fd, const char *dir,
		       const struct dirent *entry)
{
	struct merge *merge = arg;
	char path[PATH_MAX], to[PATH_MAX];

	(void)dir;
	if (snprintf(path, sizeof(path), "%s/%s", merge->path, entry->d_name) >=
		    (int)sizeof(path) ||
	    snprintf(to, sizeof(to), "%s/%s", merge->to, entry->d_name) >=
		    (int)sizeof(to))
		return 0;
	if (uvf_view_is_merged(path, strlen(path))) {
		int sub, ret;

		if (!merge->add_missing)
			return 0;
		sub = openat(fd, entry->d_name, O_PATH | O_CLOEXEC);
		if (sub < 0)
			return 0;
		ret = merge_dir(merge->mounts, sub, path, to, true);
		close(sub);
		return ret;
	}
	if (uvf_view_is_hidden(path) ||
	    uvf_view_tree_find(merge->mounts->tree, path))
		return 0;
	if (merge->add_missing || entry->d_type == DT_DIR)
		place_entry(fd, entry, to);
	return 0;
}

/* Put what the host has in a directory beside what is generated. */
static int merge_dir(struct uvf_view_mounts *mounts, int fd, const char *path,
		     const char *to, bool add_missing)
{
	struct merge merge = {mounts, path, to, add_missing};

	return for_each_entry(fd, ".", merge_entry, &merge);
}

/* Entries that must vanish are whiteouts in the layer above the host's. */
static int white_out(void *arg, int fd, const char *dir,
		     const struct dirent *entry)
{
	struct merge *merge = arg;
	char path[PATH_MAX], to[PATH_MAX + sizeof(STAGE)];

	(void)fd;
	(void)dir;
	if (snprintf(path, sizeof(path), "%s/%s", merge->path, entry->d_name) >=
	    (int)sizeof(path))
		return 0;
	if (!uvf_view_is_hidden(path) ||
	    uvf_view_tree_find(merge->mounts->tree, path))
		return 0;
	snprintf(to, sizeof(to), STAGE "/%s", path);
	if (mknod(to, S_IFCHR, 0))
		return fail(merge->mounts, "hiding", path);
	return 0;
}

/*
 * Let the host's entries of a directory directly below /sys show through.
 * An overlay is one mount; where the kernel has none for sysfs, each entry
 * is bound.
 */
static int merge_top(struct uvf_view_mounts *mounts, const char *path)
{
	char real[64], stage[64], options[256];
	struct merge merge = {mounts, path, NULL, false};
	int fd, ret;

	snprintf(real, sizeof(real), "/%s", path);
	snprintf(stage, sizeof(stage), STAGE "/%s", path);
	snprintf(options, sizeof(options), "lowerdir=%s:%s%s", stage, real,
		 mounts->has_user_namespace ? ",userxattr" : "");
	fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(mounts, "opening", real);
	ret = for_each_entry(fd, ".", white_out, &merge);
	if (!ret && !mount("uvfio", real, "overlay",
			   MS_NOSUID | MS_NODEV | MS_NOEXEC, options)) {
		/* An overlay without upper layer is read-only; these not. */
		if (!strcmp(path, "sys/class") || !strcmp(path, "sys/module"))
			ret = 0;
		else
			ret = merge_dir(mounts, fd, path, real, false);
	} else if (!ret) {
		ret = merge_dir(mounts, fd, path, stage, true);
		if (!ret && mount(stage, real, NULL, MS_BIND | MS_REC, NULL))
			ret = fail(mounts, "binding", real);
	}
	close(fd);
	return ret;
}

/* Whether the host has PCI devices under a root that we do not cover. */
static int find_other_root(void *arg, int fd, const char *dir,
			   const struct dirent *entry)
{
	struct uvf_view_mounts *mounts = arg;
	char path[PATH_MAX];

	(void)fd;
	(void)dir;
	snprintf(path, sizeof(path), "sys/devices/%s", entry->d_name);
	return uvf_view_is_hidden(path) &&
	       !uvf_view_tree_find(mounts->tree, path);
}

static const char *const tops[] = {
	"sys/bus", "sys/class", "sys/devices", "sys/kernel", "sys/module",
};

#define TOP_COUNT (sizeof(tops) / sizeof(tops[0]))

static void need_top(bool needs[TOP_COUNT], const char *path)
{
	for (size_t i = 0; i < TOP_COUNT; i++)
		if (!strncmp(path, tops[i], strlen(tops[i])) &&
		    path[strlen(tops[i])] == '/')
			needs[i] = true;
}

/* Where the host lacks a name, what is directly below /sys must be merged. */
static void plan(struct uvf_view_mounts *mounts, bool needs[TOP_COUNT])
{
	const struct uvf_view_tree *tree = mounts->tree;

	for (size_t i = 0; i < tree->count; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];
		bool is_dir;

		if (uvf_view_is_placed(node->path) &&
		    !is_real(node->path, &is_dir))
			need_top(needs, node->path);
	}
	if (for_each_entry(AT_FDCWD, "/sys/devices", find_other_root, mounts) >
	    0)
		need_top(needs, "sys/devices/");
}

static int bind_live(struct uvf_view_mounts *mounts, const char *path,
		     const char *root)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), LIVE "/%s", path);
	snprintf(to, sizeof(to), "%s/%s", root, path);
	if (mount(from, to, NULL, MS_BIND, NULL))
		return fail(mounts, "binding", to);
	return 0;
}

static int cover_sys(struct uvf_view_mounts *mounts)
{
	const struct uvf_view_tree *tree = mounts->tree;
	bool needs[TOP_COUNT] = {false};
	int ret = 0;

	plan(mounts, needs);
	for (size_t i = 0; !ret && i < TOP_COUNT; i++)
		if (needs[i])
			ret = merge_top(mounts, tops[i]);
	for (size_t i = 0; !ret && i < tree->dev_first; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];

		if (node->kind == UVF_VIEW_DIR &&
		    uvf_view_is_placed(node->path))
			ret = bind_live(mounts, node->path, "");
	}
	return ret;
}

static int place_dev(void *arg, int fd, const char *dir,
		     const struct dirent *entry)
{
	struct uvf_view_mounts *mounts = arg;
	char path[PATH_MAX], to[PATH_MAX];

	(void)dir;
	snprintf(path, sizeof(path), "dev/%s", entry->d_name);
	snprintf(to, sizeof(to), STAGE "/dev/%s", entry->d_name);
	if (uvf_view_is_hidden(path) || uvf_view_tree_find(mounts->tree, path))
		return 0;
	/* See place_ptmx(). */
	if (entry->d_type != DT_CHR || strcmp(entry->d_name, "ptmx"))
		place_entry(fd, entry, to);
	return 0;
}

/*
 * The kernel finds the pseudo terminals of /dev/ptmx by the name pts beside
 * it, which a bound node does not have: a link leads to a place where both
 * are together.
 * @host_dev: a copy of the host's /dev with all that is mounted there
 */
static int place_ptmx(struct uvf_view_mounts *mounts, int host_dev)
{
	struct stat st;

	if (fstatat(host_dev, "ptmx", &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISCHR(st.st_mode))
		return 0;
	if (mkdir(HOST_DEV, 0755) ||
	    move_mount(host_dev, "", AT_FDCWD, HOST_DEV,
		       MOVE_MOUNT_F_EMPTY_PATH) ||
	    symlink(".host/ptmx", STAGE "/dev/ptmx"))
		return fail(mounts, "placing", "/dev/ptmx");
	return 0;
}

/* What of ours lies directly below /dev, from the present tree. */
static int place_ours(struct uvf_view_mounts *mounts)
{
	const struct uvf_view_tree *tree = mounts->tree;
	int ret = 0;

	for (size_t i = tree->dev_first; !ret && i < tree->count; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];
		char to[PATH_MAX];

		if (!uvf_view_is_placed(node->path))
			continue;
		snprintf(to, sizeof(to), STAGE "/%s", node->path);
		if (node->kind == UVF_VIEW_DIR ? mkdir(to, 0755)
					       : mknod(to, S_IFREG, 0))
			return fail(mounts, "creating", to);
		ret = bind_live(mounts, node->path, STAGE);
	}
	return ret;
}

/*
 * Mode 755, for files of others in a directory with mode 1777 may not be
 * opened with O_CREAT (fs.protected_regular), not even /dev/null.
 */
static int build_dev(struct uvf_view_mounts *mounts, int host_dev, int stage)
{
	int ret;

	if (mkdirat(stage, "dev", 0755) ||
	    mount("uvfio", STAGE "/dev", "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=755"))
		return fail(mounts, "mounting a tmpfs", STAGE "/dev");
	ret = for_each_entry(host_dev, ".", place_dev, mounts);
	if (ret) {
		errno = -ret;
		return fail(mounts, "filling", STAGE "/dev");
	}
	ret = place_ours(mounts);
	return ret ? ret : place_ptmx(mounts, host_dev);
}

/* The directories that are merged, and what stands in them. */
static int write_merged(struct uvf_view_mounts *mounts, int stage)
{
	const struct uvf_view_tree *tree = mounts->tree;
	int ret = 0;

	for (size_t i = 0; !ret && i < tree->dev_first; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];

		if (strncmp(node->path, "sys", 3) != 0)
			continue;
		if (uvf_view_is_merged(node->path, strlen(node->path)) ||
		    uvf_view_is_placed(node->path))
			ret = uvf_view_tree_make(stage, node);
	}
	if (!ret)
		return 0;
	errno = -ret;
	return fail(mounts, "filling", STAGE "/sys");
}

static int mount_live(struct uvf_view_mounts *mounts, int host_dev)
{
	int fd, ret;

	if (mkdir(LIVE, 0755))
		return fail(mounts, "creating", LIVE);
	fd = uvf_view_fuse_mount(host_dev, LIVE);
	if (fd < 0) {
		errno = -fd;
		return fail(mounts, "mounting FUSE on", LIVE);
	}
	ret = mounts->serve(mounts->arg, fd);
	/* When nobody serves it, the next use must fail, not wait. */
	close(fd);
	if (!ret)
		return 0;
	errno = -ret;
	return fail(mounts, "passing on", "/dev/fuse");
}

static int build_stage(struct uvf_view_mounts *mounts, int host_dev, int stage)
{
	int ret;

	ret = mount_live(mounts, host_dev);
	if (!ret)
		ret = write_merged(mounts, stage);
	if (!ret)
		ret = cover_sys(mounts);
	if (!ret)
		ret = build_dev(mounts, host_dev, stage);
	if (!ret && mount(STAGE "/dev", STAGE, NULL, MS_MOVE, NULL))
		ret = fail(mounts, "moving a mount to", STAGE);
	return ret;
}

int uvf_view_mounts_make(struct uvf_view_mounts *mounts)
{
	int host_dev, stage, ret;

	host_dev =
		open_tree(AT_FDCWD, STAGE,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (host_dev < 0)
		return fail(mounts, "copying the mount", STAGE);
	if (mount("uvfio", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")) {
		ret = fail(mounts, "mounting a tmpfs on", STAGE);
		close(host_dev);
		return ret;
	}
	stage = open(STAGE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stage < 0) {
		ret = fail(mounts, "opening", STAGE);
		close(host_dev);
		return ret;
	}
	ret = build_stage(mounts, host_dev, stage);
	close(stage);
	close(host_dev);
	return ret;
}
