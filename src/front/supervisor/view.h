/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names a client sees: generated parts of /sys and /dev in place of the
 * host's, by a private mount namespace, or, where that is refused, by
 * answering the path calls themselves.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_H
#define UVF_FRONT_SUPERVISOR_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "front/supervisor/view_names.h"
#include "front/supervisor/view_writes.h"

struct statfs;
struct uvf_file;
struct uvf_vfio;
struct uvf_view;
struct uvfio_error;

enum uvf_view_mode {
	UVF_VIEW_AUTO,      /* namespace when allowed, else paths */
	UVF_VIEW_NAMESPACE, /* mounts in a namespace of the client's own */
	UVF_VIEW_PATHS,     /* path calls are trapped */
};

/**
 * uvf_view_create() - choose a mode and prepare the tree
 * @mode: AUTO tries the namespace in a child and falls back
 * Return: 0, or a negative errno and a line in @err.
 */
int uvf_view_create(struct uvf_view **ret_view, struct uvf_vfio *vfio,
		    enum uvf_view_mode mode, struct uvfio_error *err);

/**
 * uvf_view_destroy() - remove what was put into the file system
 * Waits for writes that were begun; no client is left, nor a file of one.
 * Takes NULL.
 */
void uvf_view_destroy(struct uvf_view *view);

/* The mode that was chosen: NAMESPACE or PATHS. */
enum uvf_view_mode uvf_view_mode(const struct uvf_view *view);

/* A directory to be removed should the supervisor die, or NULL. */
const char *uvf_view_directory(const struct uvf_view *view);

/**
 * uvf_view_enter() - let this process see the view
 * Runs in the client between fork and exec; single-threaded, no allocation
 * limits known.  Does nothing in PATHS mode.
 * Return: 0, or a negative errno and a line in @err.
 */
int uvf_view_enter(struct uvf_view *view, struct uvfio_error *err);

/**
 * uvf_view_node() - whether a path names one of our nodes (NAMESPACE mode)
 * @pid:     the client's thread
 * @dirfd:   of the client, or AT_FDCWD
 * @path:    as the client gave it
 * @ret_hit: written on success
 *
 * Resolves the path as the client's kernel would (cwd, dirfd, symbolic
 * links, root).  The node may be gone by now.  In PATHS mode the path call
 * tells: two walks could see two states of the machine.
 *
 * Return: 1 when it does, 0 when not, or -ENOENT when the path ends where
 * only we have names, and none is there: the kernel must not be asked again,
 * for a node that comes meanwhile is none it can open.
 */
int uvf_view_node(struct uvf_view *view, int pid, int dirfd, const char *path,
		  struct uvf_view_hit *ret_hit);

/**
 * uvf_view_statfs() - what is known of a file system where we pretend
 * @nr: of statfs(2) or fstatfs(2)
 * @args: of the call
 * Return: true with @ret_fs when the file is one of our files of /sys; in
 * NAMESPACE mode only.
 */
bool uvf_view_statfs(struct uvf_view *view, int pid, int nr,
		     const uint64_t args[6], struct statfs *ret_fs);

/**
 * uvf_view_file() - a file of /sys opened for writing (PATHS mode)
 * @path: "sys/..."
 * Return: 0 and a file of kind UVF_FILE_SYSFS, or a negative errno.
 */
int uvf_view_file(struct uvf_view *view, const char *path,
		  struct uvf_file **ret_file);

/**
 * uvf_view_write() - begin a write to it
 * See uvf_view_writes_start().
 */
int uvf_view_write(struct uvf_view *view, pid_t tid, const char *path,
		   const struct uvf_view_data *data,
		   uvf_view_write_done_fn *done, void *arg);

/*
 * What a trapped path call is to do (PATHS mode).
 */
struct uvf_path_answer {
	enum {
		UVF_PATH_CONTINUE, /* let the kernel do it */
		UVF_PATH_RETURN,   /* value, a result or a negative errno */
		UVF_PATH_FD,       /* give fd to the client, then close it */
		UVF_PATH_WRITE,    /* path was opened with flags */
		UVF_PATH_NODE,     /* open hit with flags */
	} kind;
	long value;
	int fd;
	bool cloexec;
	int flags;
	char path[256]; /* "sys/..." */
	struct uvf_view_hit hit;
};

/**
 * uvf_view_path_call() - answer one trapped path call
 * @pid:  the client's thread, waiting in the call
 * @nr:   system call number
 * @args: its six arguments; memory is reached by process_vm calls
 */
void uvf_view_path_call(struct uvf_view *view, int pid, int nr,
			const uint64_t args[6],
			struct uvf_path_answer *ret_answer);

/* The numbers of the calls to trap in PATHS mode; ends with -1. */
const int *uvf_view_path_calls(void);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_H */
