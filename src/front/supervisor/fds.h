/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptors that clients hold, and the VFIO files behind them.
 *
 * Each file that is handed to a client is an empty memfd of its own, or, as
 * its bytes are read and written, a file of FUSE (streams.h, spool.h).  The
 * inode is its identity: dup(), fork(), exec() and SCM_RIGHTS carry it along
 * without our knowledge, and /proc/TID/fdinfo/N tells it at any time.  When
 * the last copy and the last mapping, in any process, are gone, inotify
 * reports the close before close(2) returns to the client.
 *
 * uvf_fds_drain() and uvf_fds_lookup() are for the thread that receives
 * notifications; the rest is for any thread.
 */
#ifndef UVF_FRONT_SUPERVISOR_FDS_H
#define UVF_FRONT_SUPERVISOR_FDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/lock.h"

struct uvf_client;
struct uvf_clients;
struct uvf_fds;
struct uvf_file;
struct uvf_mem_io;

/* What an open descriptor of a client is. */
struct uvf_fd {
	struct uvf_file *file;     /* with a reference, NULL: none of ours */
	struct uvf_client *client; /* borrowed until the next lookup */
	int flags;                 /* of the open: O_ACCMODE and more */
};

/**
 * uvf_fds_create() - an empty table
 * Return: 0, -ENOMEM, or what inotify_init1(2) says.
 */
int uvf_fds_create(struct uvf_fds **ret_fds, struct uvf_clients *clients);

/* Releases what clients left open; they are gone.  Takes NULL. */
void uvf_fds_release(struct uvf_fds *fds);

/* The same, and frees the table.  Takes NULL. */
void uvf_fds_destroy(struct uvf_fds *fds);

/**
 * uvf_fds_make() - a descriptor to be handed to a client
 * @file:  whose reference moves to the descriptor on success
 * @flags: of the client's open(2): access mode and status flags
 *
 * The caller gives it to the client and then closes it, or calls
 * uvf_fds_abort().
 *
 * Return: a descriptor of ours, or -ENOMEM, -EMFILE, -ENFILE.
 */
int uvf_fds_make(struct uvf_fds *fds, struct uvf_file *file, int flags);

/* No client got it: closes it, and the reference is the caller's again. */
void uvf_fds_abort(struct uvf_fds *fds, int fd);

/**
 * uvf_fds_lookup() - what a descriptor of a client is, exactly and now
 * @tid: a thread that waits in a notification
 *
 * Return: 0, or -EBADF not open or the thread is gone.
 */
int uvf_fds_lookup(struct uvf_fds *fds, pid_t tid, int fd,
		   struct uvf_fd *ret_fd);

/**
 * uvf_fds_client() - the process of a thread
 * @tid: a thread that waits in a notification
 * Return: borrowed until the next lookup, or NULL.
 */
struct uvf_client *uvf_fds_client(struct uvf_fds *fds, pid_t tid);

/*
 * What clients wrote to streams, where there is no FUSE, reaches these, and
 * what these have, the clients.  Around calls that change their state.
 */
void uvf_fds_sync(struct uvf_fds *fds);

/* The file that is this inode, with a reference, or NULL; any thread. */
struct uvf_file *uvf_fds_find_inode(struct uvf_fds *fds, dev_t dev, ino_t ino);

/* For uvf_peer_set_device_memory(), of the present table; any thread. */
int uvf_fds_find_target(dev_t dev, ino_t ino, uint64_t offset,
			struct uvf_mem_io **ret_io);

/**
 * uvf_fds_find() - as uvf_fds_lookup(), for any thread; without a client
 */
int uvf_fds_find(struct uvf_fds *fds, pid_t tid, int fd,
		 struct uvf_file **ret_file);

/**
 * uvf_fds_find_path() - the file behind a path such as /proc/self/fd/5
 * @tid: for which the path is meant
 * Return: the file with a reference, or NULL.
 */
struct uvf_file *uvf_fds_find_path(struct uvf_fds *fds, pid_t tid,
				   const char *path);

/**
 * uvf_fds_own() - the calling thread is the one that receives
 * From now on SIGIO interrupts it when a file was closed.
 */
void uvf_fds_own(struct uvf_fds *fds);

/*
 * Release the files that were closed since the last time.  Costs nothing
 * when there are none.
 */
void uvf_fds_drain(struct uvf_fds *fds);

/*
 * Readable while a close was not seen yet.  SIGIO may come just before the
 * thread that receives falls asleep: uvf_fds_nudge() sends it once more.
 */
int uvf_fds_fd(const struct uvf_fds *fds);
void uvf_fds_nudge(struct uvf_fds *fds);

/*
 * Around a look at a client's descriptors by /proc, in any thread.  The kernel
 * holds the file for that moment, so that a close which falls into it is told
 * of when the look ends: uvf_fds_drain() waits for that.
 */
void uvf_fds_look_begin(struct uvf_fds *fds) UVF_NO_ANALYSIS;
void uvf_fds_look_end(struct uvf_fds *fds) UVF_NO_ANALYSIS;

/* The handler of SIGIO. */
void uvf_fds_on_signal(int signo);

#endif /* UVF_FRONT_SUPERVISOR_FDS_H */
