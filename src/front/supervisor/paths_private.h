/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files that answer path calls share.
 */
#ifndef UVF_FRONT_SUPERVISOR_PATHS_PRIVATE_H
#define UVF_FRONT_SUPERVISOR_PATHS_PRIVATE_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "base/lock.h"
#include "front/supervisor/paths.h"
#include "front/supervisor/view_names.h"
#include "front/supervisor/view_tree.h"

#define UVF_PATHS_UNIONS 16

/* Since Linux 6.6. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/*
 * Where a process stands that changed to a directory the kernel does not
 * know; its kernel's working directory is then of no meaning.
 */
struct uvf_paths_cwd {
	int pid;             /* thread-group id */
	uint64_t since;      /* clock ticks since boot */
	char path[PATH_MAX]; /* empty: where the kernel says */
};

struct uvf_paths {
	struct uvf_view_names *names;
	char directory[128]; /* the tree as files; private to our user */
	size_t directory_length;
	int dirfd;
	dev_t sys_dev; /* st_dev of the host's /sys and /dev */
	dev_t dev_dev;

	/* Held for reading by each call, for writing when names changed. */
	pthread_rwlock_t present;
	struct uvf_view_tree *tree; /* what the directory shows */
	/* Merged directories whose list of names is not the host's. */
	const struct uvf_view_node *unions[UVF_PATHS_UNIONS];
	size_t union_count;

	struct uvf_mutex fill_lock; /* serialises uvf_paths_fill() */

	struct uvf_mutex lock;      /* protects what follows */
	struct uvf_paths_cwd *cwds; /* owned */
	size_t cwd_count;
};

/* What a path of a client leads to. */
struct uvf_place {
	/* The kernel does not see it as the client must: we answer. */
	bool is_ours;
	int error;      /* negative errno when the walk ended early */
	bool is_last;   /* with -ENOENT: only the last name was missing */
	bool is_closed; /* with is_last: a name there can only be ours */
	const struct uvf_view_node *node; /* NULL: the host's */
	char path[PATH_MAX];              /* absolute, without links */
};

/**
 * uvf_paths_resolve() - walk a path as the client's kernel should
 * @follow: also a symbolic link at the end
 */
void uvf_paths_resolve(struct uvf_paths *paths, int pid, int dirfd,
		       const char *path, bool follow,
		       struct uvf_place *ret_place);

/*
 * A path of the kernel, put into what the client should see: true when it
 * lay in our directory.
 */
bool uvf_paths_translate(const struct uvf_paths *paths, char *path);

/* Reads a link below /proc/PID; false when that is no absolute path. */
bool uvf_paths_read_proc(int pid, const char *name, char path[PATH_MAX]);

/* The working directory; false: ask the kernel. */
bool uvf_paths_cwd_find(struct uvf_paths *paths, int pid, char path[PATH_MAX]);

/* Sets it; an empty path gives it back to the kernel.  0 or -ENOMEM. */
int uvf_paths_cwd_set(struct uvf_paths *paths, int pid, const char *path);

/* Whether a directory must be listed from our files. */
bool uvf_paths_is_union(const struct uvf_paths *paths,
			const struct uvf_view_node *node);

/* Finds the unions.  0 or -E2BIG. */
int uvf_paths_find_unions(struct uvf_paths *paths);

/**
 * uvf_paths_follow() - let the directory show the present tree
 * Context: takes @paths->present for writing.
 * Return: 0 or a negative errno.
 */
int uvf_paths_follow(struct uvf_paths *paths);

/**
 * uvf_paths_fill() - let a file of the directory hold what it holds now
 * Return: 0, or a negative errno; -ENODEV: it is gone.
 */
int uvf_paths_fill(struct uvf_paths *paths, const struct uvf_view_node *node);

/* Makes the names of the host appear in our copy of a union. */
void uvf_paths_refresh_union(struct uvf_paths *paths,
			     const struct uvf_view_node *node);

/* One trapped call. */
struct uvf_paths_request {
	struct uvf_paths *paths;
	int pid;
	int nr;
	const uint64_t *args;
	struct uvf_place place; /* of its path */
};

/* Handlers; each leaves CONTINUE where the kernel is right. */
typedef void uvf_paths_fn(struct uvf_paths_request *request,
			  struct uvf_path_answer *answer);

uvf_paths_fn uvf_paths_open;
uvf_paths_fn uvf_paths_stat;
uvf_paths_fn uvf_paths_statx;
uvf_paths_fn uvf_paths_access;
uvf_paths_fn uvf_paths_readlink;
uvf_paths_fn uvf_paths_chdir;
uvf_paths_fn uvf_paths_inotify;
uvf_paths_fn uvf_paths_statfs;
uvf_paths_fn uvf_paths_xattr;
uvf_paths_fn uvf_paths_make;   /* a new name */
uvf_paths_fn uvf_paths_change; /* an existing one */

void uvf_paths_getcwd(struct uvf_paths *paths, int pid, const uint64_t *args,
		      struct uvf_path_answer *answer);

void uvf_paths_fstatfs(struct uvf_paths *paths, int pid, const uint64_t *args,
		       struct uvf_path_answer *answer);

/* Client memory.  Return: 0 or -EFAULT; for a string also -ENAMETOOLONG. */
int uvf_paths_copy_in(int pid, void *dst, uint64_t addr, size_t size);
int uvf_paths_copy_out(int pid, uint64_t addr, const void *src, size_t size);
int uvf_paths_copy_path(int pid, char dst[PATH_MAX], uint64_t addr);

static inline void uvf_paths_return(struct uvf_path_answer *answer, long value)
{
	answer->kind = UVF_PATH_RETURN;
	answer->value = value;
}

#endif /* UVF_FRONT_SUPERVISOR_PATHS_PRIVATE_H */
