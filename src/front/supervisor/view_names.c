/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/lock.h"
#include "bus/machine.h"
#include "core/vfio.h"
#include "front/supervisor/view_tree.h"
#include "fs/sysfs.h"

/* Rights that are not those the machine gave. */
struct change {
	struct uvf_list node;
	uint64_t ino;
	struct uvf_view_rights rights;
};

/* A node below /dev, kept when it goes: programs may hold a link to it. */
struct past {
	struct uvf_list node;
	uint64_t ino;
	dev_t rdev;
	char path[64]; /* relative to /dev */
};

struct uvf_view_names {
	struct uvf_vfio *vfio;
	uid_t uid;
	gid_t gid;

	struct uvf_mutex lock; /* protects what follows */
	struct uvf_view_tree *tree;
	uint64_t generation; /* of the machine when tree was made */
	struct uvf_list changes;
	struct uvf_list pasts;
};

static struct past *find_past(struct uvf_view_names *names, uint64_t ino)
	UVF_REQUIRES(names->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &names->pasts) {
		struct past *past = uvf_list_entry(node, struct past, node);

		if (past->ino == ino)
			return past;
	}
	return NULL;
}

static struct change *find_change(struct uvf_view_names *names, uint64_t ino)
	UVF_REQUIRES(names->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &names->changes) {
		struct change *change =
			uvf_list_entry(node, struct change, node);

		if (change->ino == ino)
			return change;
	}
	return NULL;
}

static void remember_nodes(struct uvf_view_names *names)
	UVF_REQUIRES(names->lock)
{
	const struct uvf_view_tree *tree = names->tree;

	for (size_t i = tree->dev_first; i < tree->count; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];
		struct past *past;

		if (node->kind != UVF_VIEW_CHAR || find_past(names, node->ino))
			continue;
		past = uvf_zalloc(sizeof(*past));
		if (!past)
			return;
		past->ino = node->ino;
		past->rdev = node->rdev;
		snprintf(past->path, sizeof(past->path), "%s",
			 node->path + strlen("dev/"));
		uvf_list_add(&names->pasts, &past->node);
	}
}

/* What comes by the same name later is another file. */
static void forget_changes(struct uvf_view_names *names)
	UVF_REQUIRES(names->lock)
{
	struct uvf_list *node, *tmp;

	uvf_list_for_each_safe (node, tmp, &names->changes) {
		struct change *change =
			uvf_list_entry(node, struct change, node);

		if (uvf_view_tree_find_ino(names->tree, change->ino))
			continue;
		uvf_list_remove(node);
		uvf_free(change);
	}
}

static int renew(struct uvf_view_names *names) UVF_REQUIRES(names->lock)
{
	uint64_t now = atomic_load(&names->vfio->machine->generation);
	struct uvf_view_tree *tree;
	int ret;

	if (names->tree && now == names->generation)
		return 0;
	ret = uvf_view_tree_create(&tree, names->vfio);
	if (ret)
		return ret;
	uvf_view_tree_put(names->tree);
	names->tree = tree;
	/* What changed since is seen the next time. */
	names->generation = now;
	remember_nodes(names);
	forget_changes(names);
	return 0;
}

int uvf_view_names_create(struct uvf_view_names **ret_names,
			  struct uvf_vfio *vfio)
{
	struct uvf_view_names *names = uvf_zalloc(sizeof(*names));
	int ret;

	if (!names)
		return -ENOMEM;
	names->vfio = vfio;
	names->uid = geteuid();
	names->gid = getegid();
	uvf_mutex_init(&names->lock);
	uvf_list_init(&names->changes);
	uvf_list_init(&names->pasts);
	uvf_lock(&names->lock);
	ret = renew(names);
	uvf_unlock(&names->lock);
	if (ret) {
		uvf_view_names_destroy(names);
		return ret;
	}
	*ret_names = names;
	return 0;
}

void uvf_view_names_destroy(struct uvf_view_names *names)
{
	struct uvf_list *node, *tmp;

	if (!names)
		return;
	uvf_list_for_each_safe (node, tmp, &names->changes)
		uvf_free(uvf_list_entry(node, struct change, node));
	uvf_list_for_each_safe (node, tmp, &names->pasts)
		uvf_free(uvf_list_entry(node, struct past, node));
	uvf_view_tree_put(names->tree);
	uvf_mutex_fini(&names->lock);
	uvf_free(names);
}

struct uvf_vfio *uvf_view_names_vfio(const struct uvf_view_names *names)
{
	return names->vfio;
}

struct uvf_view_tree *uvf_view_names_get(struct uvf_view_names *names)
{
	struct uvf_view_tree *tree;

	uvf_lock(&names->lock);
	(void)renew(names);
	tree = uvf_view_tree_get(names->tree);
	uvf_unlock(&names->lock);
	return tree;
}

void uvf_view_names_rights(struct uvf_view_names *names,
			   const struct uvf_view_node *node,
			   struct uvf_view_rights *ret_rights)
{
	struct change *change;

	*ret_rights = (struct uvf_view_rights){node->mode & 07777, names->uid,
					       names->gid};
	uvf_lock(&names->lock);
	change = find_change(names, node->ino);
	if (change)
		*ret_rights = change->rights;
	uvf_unlock(&names->lock);
}

void uvf_view_names_hit(struct uvf_view_names *names,
			const struct uvf_view_node *node,
			struct uvf_view_hit *ret_hit)
{
	snprintf(ret_hit->node, sizeof(ret_hit->node), "%s",
		 node->path + strlen("dev/"));
	uvf_view_names_rights(names, node, &ret_hit->rights);
}

bool uvf_view_names_find_node(struct uvf_view_names *names, uint64_t ino,
			      struct uvf_view_hit *ret_hit)
{
	struct uvf_view_tree *tree = uvf_view_names_get(names);
	const struct uvf_view_node *node = uvf_view_tree_find_ino(tree, ino);
	struct past *past = NULL;

	if (node && node->kind == UVF_VIEW_CHAR)
		uvf_view_names_hit(names, node, ret_hit);
	else
		node = NULL;
	uvf_view_tree_put(tree);
	if (node)
		return true;
	uvf_lock(&names->lock);
	past = find_past(names, ino);
	if (past) {
		*ret_hit = (struct uvf_view_hit){
			.rights = {0600, names->uid, names->gid}};
		memcpy(ret_hit->node, past->path, sizeof(past->path));
	}
	uvf_unlock(&names->lock);
	return past;
}

bool uvf_view_names_find_number(struct uvf_view_names *names,
				const struct stat *st,
				struct uvf_view_hit *ret_hit)
{
	struct uvf_view_tree *tree = uvf_view_names_get(names);
	struct uvf_list *node;
	uint64_t ino = 0;

	for (size_t i = tree->dev_first; !ino && i < tree->count; i++)
		if (tree->nodes[i].kind == UVF_VIEW_CHAR &&
		    tree->nodes[i].rdev == st->st_rdev)
			ino = tree->nodes[i].ino;
	uvf_view_tree_put(tree);
	uvf_lock(&names->lock);
	uvf_list_for_each (node, &names->pasts) {
		struct past *past = uvf_list_entry(node, struct past, node);

		if (!ino && past->rdev == st->st_rdev)
			ino = past->ino;
	}
	uvf_unlock(&names->lock);
	if (!st->st_rdev || !ino ||
	    !uvf_view_names_find_node(names, ino, ret_hit))
		return false;
	/* Whose node it is decides who may open it. */
	ret_hit->rights = (struct uvf_view_rights){st->st_mode & 07777,
						   st->st_uid, st->st_gid};
	return true;
}

int uvf_view_names_set_rights(struct uvf_view_names *names,
			      const struct uvf_view_node *node,
			      const struct uvf_view_rights *rights)
{
	struct change *change;

	uvf_lock(&names->lock);
	change = find_change(names, node->ino);
	if (!change) {
		change = uvf_zalloc(sizeof(*change));
		if (change)
			uvf_list_add(&names->changes, &change->node);
	}
	if (change) {
		change->ino = node->ino;
		change->rights = *rights;
	}
	uvf_unlock(&names->lock);
	return change ? 0 : -ENOMEM;
}

ssize_t uvf_view_names_read(struct uvf_view_names *names, const char *path,
			    void *buf, size_t size, uint64_t pos)
{
	ssize_t ret = uvf_sysfs_read(names->vfio, path + strlen("sys/"), buf,
				     size, pos);

	/* It was there when it was opened. */
	return ret == -ENOENT ? -ENODEV : ret;
}

int uvf_view_may_open(const struct uvf_view_node *node, int flags)
{
	int mode = flags & O_ACCMODE;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if ((mode != O_WRONLY && !(node->mode & 0444)) ||
	    (mode != O_RDONLY && !(node->mode & 0222)))
		return -EACCES;
	return 0;
}
