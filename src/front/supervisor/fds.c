/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "core/file.h"
#include "front/supervisor/client.h"
#include "front/supervisor/spool.h"
#include "front/supervisor/streams.h"
#include "fs/sysfs_file.h"

#define BUCKETS        256
#define SLOTS          256
#define NUDGE_PAUSE_US 500
#define NO_FD          (-1) /* the slot of a thread as such */
/* pos, flags, mnt_id and ino need less; what follows them is of no use. */
#define FDINFO_SIZE 192

/* What a client may choose for a node that it opens. */
#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_LARGEFILE | O_NOATIME)

/* One file that was handed out; put by the close of its last copy. */
struct entry {
	struct uvf_list by_ino;
	struct uvf_list by_watch;
	uint64_t ino;
	uint64_t mnt_id;
	uint64_t dev;
	int watch; /* inotify's */
	struct uvf_file *file;
	struct uvf_spool *spool; /* of a stream without FUSE; owned */
	bool is_fuse;
};

/* What /proc/TID/fdinfo/N says. */
struct identity {
	uint64_t flags;
	uint64_t mnt_id;
	uint64_t ino;
};

/*
 * An open /proc/TID/fdinfo/N.  It stays bound to the thread and tells at each
 * read what the descriptor is by then, so that it can be wrong never, and
 * useless only.
 */
struct slot {
	pid_t tid; /* 0: unused */
	int fd;
	int info;
	struct uvf_client *client; /* holds a reference */
	uint64_t seen; /* CLOCK_MONOTONIC ns of the last call of the thread */
};

/*
 * Linux gives at least 32768 other numbers to threads before it gives one
 * again, one at a time, which takes longer than this.
 */
#define RECYCLE_NS 1000000U

struct uvf_fds {
	struct uvf_clients *clients;
	int inotify;
	bool has_ino;         /* fdinfo tells it: Linux 5.14 */
	_Atomic(pid_t) owner; /* the thread that receives; 0: none yet */

	struct slot slots[SLOTS]; /* of the thread that receives */

	struct uvf_streams *streams;
	struct uvf_spools spools;

	struct uvf_mutex look; /* held by who looks at clients' descriptors */
	atomic_bool is_looked_at; /* set under it */
	struct uvf_mutex lock;    /* protects what follows */
	struct uvf_list by_ino[BUCKETS];
	struct uvf_list by_watch[BUCKETS];
};

/* The one table of this process; for uvf_fds_find_target(). */
static struct uvf_fds *_Atomic present;

/* Set by SIGIO in the thread that receives, and by who looked. */
static atomic_bool has_closed_files;

void uvf_fds_on_signal(int signo)
{
	(void)signo;
	atomic_store_explicit(&has_closed_files, true, memory_order_relaxed);
}

/* The number in the line "name:<tab>number"; NULL: another line. */
static const char *parse_line(const char *p, const char *name, unsigned base,
			      uint64_t *ret_value)
{
	uint64_t value = 0;

	while (*name) {
		if (*p++ != *name++)
			return NULL;
	}
	while (*p >= '0' && *p <= '9')
		value = value * base + (uint64_t)(*p++ - '0');
	*ret_value = value;
	return *p == '\n' ? p + 1 : NULL;
}

static bool parse_fdinfo(const char *text, bool has_ino, struct identity *id)
{
	const char *p = strchr(text, '\n'); /* pos */

	if (p)
		p = parse_line(p + 1, "flags:\t", 8, &id->flags);
	if (p)
		p = parse_line(p, "mnt_id:\t", 10, &id->mnt_id);
	if (p && has_ino)
		p = parse_line(p, "ino:\t", 10, &id->ino);
	return p;
}

/* Kernels whose fdinfo does not tell the inode. */
static int read_ino(pid_t tid, int fd, uint64_t *ret_ino)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
	if (stat(path, &st))
		return -EBADF;
	*ret_ino = st.st_ino;
	return 0;
}

static int read_identity(const struct uvf_fds *fds, int info, pid_t tid, int fd,
			 struct identity *ret_id)
{
	char text[FDINFO_SIZE];
	ssize_t n = pread(info, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return -EBADF;
	text[n] = '\0';
	if (!parse_fdinfo(text, fds->has_ino, ret_id))
		return -EBADF;
	return fds->has_ino ? 0 : read_ino(tid, fd, &ret_id->ino);
}

static int open_info(pid_t tid, int fd)
{
	char path[64];
	int info;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	return info < 0 ? -EBADF : info;
}

static bool probe_has_ino(int fd)
{
	struct identity id;
	char text[FDINFO_SIZE];
	int info = open_info(getpid(), fd);
	ssize_t n;

	if (info < 0)
		return false;
	n = pread(info, text, sizeof(text) - 1, 0);
	close(info);
	text[n > 0 ? n : 0] = '\0';
	return parse_fdinfo(text, true, &id);
}

int uvf_fds_create(struct uvf_fds **ret_fds, struct uvf_clients *clients)
{
	struct uvf_fds *fds = uvf_zalloc(sizeof(*fds));
	int ret;

	if (!fds)
		return -ENOMEM;
	fds->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	ret = fds->inotify < 0 ? -errno : uvf_streams_create(&fds->streams);
	if (ret) {
		if (fds->inotify >= 0)
			close(fds->inotify);
		uvf_free(fds);
		return ret;
	}
	uvf_spools_init(&fds->spools);
	fds->clients = clients;
	fds->has_ino = probe_has_ino(fds->inotify);
	uvf_mutex_init(&fds->look);
	uvf_mutex_init(&fds->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		uvf_list_init(&fds->by_ino[i]);
		uvf_list_init(&fds->by_watch[i]);
	}
	atomic_store(&present, fds);
	*ret_fds = fds;
	return 0;
}

static void clear_slot(struct slot *slot)
{
	if (!slot->tid)
		return;
	if (slot->info >= 0)
		close(slot->info);
	uvf_client_put(slot->client);
	slot->tid = 0;
	slot->client = NULL;
}

static void remove_locked(struct entry *entry)
{
	uvf_list_remove(&entry->by_ino);
	uvf_list_remove(&entry->by_watch);
}

static struct entry *take_any(struct uvf_fds *fds)
{
	struct entry *entry = NULL;

	uvf_lock(&fds->lock);
	for (size_t i = 0; i < BUCKETS && !entry; i++) {
		if (uvf_list_is_empty(&fds->by_ino[i]))
			continue;
		entry = uvf_list_entry(fds->by_ino[i].next, struct entry,
				       by_ino);
		remove_locked(entry);
	}
	uvf_unlock(&fds->lock);
	return entry;
}

/* What is left of an entry that is in no list by inode any more. */
static void drop_stream(struct uvf_fds *fds, struct entry *entry)
{
	if (entry->is_fuse)
		uvf_streams_forget(fds->streams, entry->ino);
	uvf_spool_destroy(entry->spool);
}

void uvf_fds_sync(struct uvf_fds *fds)
{
	uvf_spools_sync(&fds->spools);
}

void uvf_fds_release(struct uvf_fds *fds)
{
	struct entry *entry;

	while (fds && (entry = take_any(fds))) {
		drop_stream(fds, entry);
		uvf_file_put(entry->file);
		uvf_free(entry);
	}
}

void uvf_fds_destroy(struct uvf_fds *fds)
{
	if (!fds)
		return;
	uvf_fds_release(fds);
	atomic_store(&present, NULL);
	for (size_t i = 0; i < SLOTS; i++)
		clear_slot(&fds->slots[i]);
	close(fds->inotify);
	uvf_streams_destroy(fds->streams);
	uvf_spools_fini(&fds->spools);
	uvf_mutex_fini(&fds->lock);
	uvf_mutex_fini(&fds->look);
	uvf_free(fds);
}

/* By its mount where @dev is 0, else by its file system. */
static struct entry *find_ino_locked(struct uvf_fds *fds, uint64_t ino,
				     uint64_t mnt_id, uint64_t dev)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &fds->by_ino[ino % BUCKETS]) {
		struct entry *entry =
			uvf_list_entry(node, struct entry, by_ino);

		if (entry->ino == ino &&
		    (dev ? entry->dev == dev : entry->mnt_id == mnt_id))
			return entry;
	}
	return NULL;
}

static struct uvf_file *get_file(struct uvf_fds *fds, const struct identity *id)
{
	struct uvf_file *file = NULL;
	struct entry *entry;

	uvf_lock(&fds->lock);
	entry = find_ino_locked(fds, id->ino, id->mnt_id, 0);
	if (entry)
		file = uvf_file_get(entry->file);
	uvf_unlock(&fds->lock);
	return file;
}

static const char *memfd_name(const struct uvf_file *file)
{
	switch (file->kind) {
	case UVF_FILE_CONTAINER:
		return "vfio-container";
	case UVF_FILE_GROUP:
	case UVF_FILE_V02_GROUP:
		return "vfio-group";
	case UVF_FILE_V02_IOMMU:
		return "vfio-iommu";
	case UVF_FILE_KVM:
		return "kvm";
	case UVF_FILE_KVM_VM:
		return "kvm-vm";
	case UVF_FILE_KVM_VFIO:
		return "kvm-vfio";
	case UVF_FILE_KVM_TCE:
		return "kvm-spapr-tce";
	case UVF_FILE_SYSFS:
		return "sysfs";
	default:
		return "vfio-device";
	}
}

/*
 * An empty file whose size is fixed: a native read finds its end, a native
 * write is refused, a touch of a mapping is SIGBUS.  Since Linux 6.14 what
 * memfd_create() returns reports no close, a file opened anew does.
 */
/* What is read of a file of /sys is there; nothing else ever is. */
static int fill_memfd(const struct uvf_file *file, int fd)
{
	const void *content;
	size_t size;

	if (file->kind != UVF_FILE_SYSFS)
		return 0;
	content = uvf_sysfs_file_content(file, &size);
	if (size && pwrite(fd, content, size, 0) != (ssize_t)size)
		return -ENOMEM;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) ? -errno : 0;
}

static int make_memfd(const struct uvf_file *file, int flags)
{
	char path[64];
	int fd;
	int ret;

	fd = memfd_create(memfd_name(file), MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	ret = fill_memfd(file, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	if (fchmod(fd, 0600) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, (flags & OPEN_FLAGS) | O_CLOEXEC);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/*
 * Only the close of an open of the same kind counts: a client may open
 * /proc/self/fd/N for reading behind our back, for writing it may not.
 */
static int watch_close(struct uvf_fds *fds, int fd, int flags)
{
	char path[64];
	uint32_t event = (flags & O_ACCMODE) == O_RDONLY ? IN_CLOSE_NOWRITE
							 : IN_CLOSE_WRITE;
	int watch;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	watch = inotify_add_watch(fds->inotify, path, event);
	return watch < 0 ? -errno : watch;
}

static int describe(struct uvf_fds *fds, int fd, struct entry *entry,
		    struct identity *id)
{
	struct stat st;
	int info = open_info(getpid(), fd);
	int ret;

	if (info < 0)
		return -EMFILE;
	ret = read_identity(fds, info, getpid(), fd, id);
	close(info);
	if (ret || fstat(fd, &st))
		return -ENOMEM;
	entry->ino = id->ino;
	entry->mnt_id = id->mnt_id;
	entry->dev = st.st_dev;
	return 0;
}

/* A stream is one to who reads and writes it, where there can be FUSE. */
static int make_stream(struct uvf_fds *fds, struct entry *entry,
		       struct uvf_file *file)
{
	int fd = uvf_streams_open(fds->streams, file, file->open_mode);
	int ret;

	entry->is_fuse = fd >= 0;
	if (fd != -EOPNOTSUPP)
		return fd;
	if (file->kind != UVF_FILE_MIGRATION)
		return make_memfd(file, file->open_mode);
	ret = uvf_spool_create(&fds->spools, &entry->spool, file, &fd);
	return ret ? ret : fd;
}

int uvf_fds_make(struct uvf_fds *fds, struct uvf_file *file, int flags)
{
	struct entry *entry = uvf_zalloc(sizeof(*entry));
	struct identity id;
	int fd;
	int ret;

	if (!entry)
		return -ENOMEM;
	if (file->is_stream)
		flags = file->open_mode;
	fd = file->is_stream ? make_stream(fds, entry, file)
			     : make_memfd(file, flags);
	if (fd < 0) {
		ret = fd;
		goto err_free;
	}
	ret = describe(fds, fd, entry, &id);
	if (ret)
		goto err_close;
	ret = watch_close(fds, fd, flags);
	if (ret < 0) {
		uvf_log(UVF_LOG_ERROR, "no inotify watch for a VFIO file: %s",
			strerror(-ret));
		ret = -ENOMEM;
		goto err_close;
	}
	entry->watch = ret;
	entry->file = file;
	uvf_lock(&fds->lock);
	uvf_list_add(&fds->by_ino[entry->ino % BUCKETS], &entry->by_ino);
	uvf_list_add(&fds->by_watch[(unsigned)entry->watch % BUCKETS],
		     &entry->by_watch);
	uvf_unlock(&fds->lock);
	return fd;

err_close:
	close(fd);
	uvf_spool_destroy(entry->spool);
err_free:
	uvf_free(entry);
	return ret;
}

void uvf_fds_abort(struct uvf_fds *fds, int fd)
{
	struct entry *entry = NULL;
	struct stat st;

	uvf_lock(&fds->lock);
	if (!fstat(fd, &st))
		entry = find_ino_locked(fds, st.st_ino, 0, st.st_dev);
	if (entry)
		remove_locked(entry);
	uvf_unlock(&fds->lock);
	if (entry)
		drop_stream(fds, entry);
	if (entry)
		(void)inotify_rm_watch(fds->inotify, entry->watch);
	uvf_free(entry);
	close(fd);
}

static struct slot *slot_of(struct uvf_fds *fds, pid_t tid, int fd)
{
	return &fds->slots[((unsigned)tid * 31 + (unsigned)fd) % SLOTS];
}

/* A place for (tid, fd), made new when it held another pair. */
static bool fill_slot(struct uvf_fds *fds, struct slot *slot, pid_t tid, int fd)
{
	int info = -1;

	clear_slot(slot);
	/* Here, off the fast path, descriptors of the dead are given back. */
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *other = &fds->slots[i];

		if (other->tid && atomic_load(&other->client->is_gone))
			clear_slot(other);
	}
	if (fd != NO_FD)
		info = open_info(tid, fd);
	if (fd != NO_FD && info < 0)
		return false;
	slot->client = uvf_clients_lookup(fds->clients, tid);
	if (!slot->client) {
		if (info >= 0)
			close(info);
		return false;
	}
	slot->tid = tid;
	slot->fd = fd;
	slot->info = info;
	return true;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

struct uvf_client *uvf_fds_client(struct uvf_fds *fds, pid_t tid)
{
	struct slot *slot = slot_of(fds, tid, NO_FD);
	uint64_t now = now_ns();
	bool is_recent = now - slot->seen < RECYCLE_NS;

	slot->seen = now;
	/* Signal 0 asks whether this is a thread of that process still. */
	if (slot->tid == tid && slot->fd == NO_FD &&
	    !atomic_load(&slot->client->is_gone) &&
	    (is_recent || !tgkill(slot->client->pid, tid, 0))) {
		uvf_client_settle(slot->client, tid);
		return slot->client;
	}
	return fill_slot(fds, slot, tid, NO_FD) ? slot->client : NULL;
}

int uvf_fds_lookup(struct uvf_fds *fds, pid_t tid, int fd,
		   struct uvf_fd *ret_fd)
{
	struct slot *slot =
		&fds->slots[((unsigned)tid * 31 + (unsigned)fd) % SLOTS];
	struct identity id;
	bool is_old = slot->tid == tid && slot->fd == fd;

	/* A negative descriptor is none, however /proc would spell it. */
	if (fd < 0)
		return -EBADF;
	if (!is_old || read_identity(fds, slot->info, tid, fd, &id)) {
		/* The number may belong to another thread by now. */
		if (!fill_slot(fds, slot, tid, fd))
			return -EBADF;
		if (read_identity(fds, slot->info, tid, fd, &id)) {
			clear_slot(slot);
			return -EBADF;
		}
	}
	uvf_client_settle(slot->client, tid);
	ret_fd->flags = (int)id.flags;
	ret_fd->client = slot->client;
	ret_fd->file = id.flags & O_PATH ? NULL : get_file(fds, &id);
	return id.flags & O_PATH ? -EBADF : 0;
}

int uvf_fds_find(struct uvf_fds *fds, pid_t tid, int fd,
		 struct uvf_file **ret_file)
{
	struct identity id;
	int info;
	int ret;

	if (fd < 0)
		return -EBADF;
	info = open_info(tid, fd);
	if (info < 0)
		return -EBADF;
	ret = read_identity(fds, info, tid, fd, &id);
	close(info);
	if (!ret && id.flags & O_PATH)
		ret = -EBADF;
	if (!ret)
		*ret_file = get_file(fds, &id);
	return ret;
}

struct uvf_file *uvf_fds_find_inode(struct uvf_fds *fds, dev_t dev, ino_t ino)
{
	struct uvf_file *file = NULL;
	struct entry *entry;

	uvf_lock(&fds->lock);
	entry = find_ino_locked(fds, ino, 0, dev);
	if (entry)
		file = uvf_file_get(entry->file);
	uvf_unlock(&fds->lock);
	return file;
}

int uvf_fds_find_target(dev_t dev, ino_t ino, uint64_t offset,
			struct uvf_mem_io **ret_io)
{
	struct uvf_fds *fds = atomic_load(&present);
	struct uvf_file *file = NULL;
	int ret = 0;

	if (fds)
		file = uvf_fds_find_inode(fds, dev, ino);
	if (file && (file->kind == UVF_FILE_DEVICE ||
		     file->kind == UVF_FILE_V02_DEVICE)) {
		ret = uvf_file_dma_target(file, offset, ret_io);
		if (!ret)
			ret = 1;
	}
	uvf_file_put(file);
	return ret;
}

struct uvf_file *uvf_fds_find_path(struct uvf_fds *fds, pid_t tid,
				   const char *path)
{
	struct stat st;
	char own[128];

	/* The rest of the files of a client are none of our business. */
	if (!strncmp(path, "/dev/fd/", 8))
		(void)snprintf(own, sizeof(own), "/proc/%d/fd/%s", (int)tid,
			       path + 8);
	else if (!strncmp(path, "/proc/self/", 11))
		(void)snprintf(own, sizeof(own), "/proc/%d/%s", (int)tid,
			       path + 11);
	else if (!strncmp(path, "/proc/thread-self/", 18))
		(void)snprintf(own, sizeof(own), "/proc/%d/%s", (int)tid,
			       path + 18);
	else if (!strncmp(path, "/proc/", 6))
		(void)snprintf(own, sizeof(own), "%s", path);
	else
		return NULL;
	return stat(own, &st) ? NULL
			      : uvf_fds_find_inode(fds, st.st_dev, st.st_ino);
}

/* Takes the file of a watch out of the table. */
static struct uvf_file *take_closed(struct uvf_fds *fds, int watch)
{
	struct entry *found = NULL;
	struct uvf_file *file;
	struct uvf_list *node;
	struct entry *entry;

	uvf_lock(&fds->lock);
	uvf_list_for_each (node, &fds->by_watch[(unsigned)watch % BUCKETS]) {
		entry = uvf_list_entry(node, struct entry, by_watch);
		if (entry->watch != watch)
			continue;
		remove_locked(entry);
		found = entry;
		break;
	}
	uvf_unlock(&fds->lock);
	if (!found)
		return NULL;
	file = found->file;
	drop_stream(fds, found);
	uvf_free(found);
	return file;
}

static void release_events(struct uvf_fds *fds, const char *buf, size_t len)
{
	struct inotify_event event;

	for (size_t at = 0; at + sizeof(event) <= len;
	     at += sizeof(event) + event.len) {
		memcpy(&event, buf + at, sizeof(event));
		if (event.mask & IN_Q_OVERFLOW)
			uvf_log(UVF_LOG_ERROR,
				"too many VFIO files were closed at once: "
				"some stay open");
		if (event.mask & IN_CLOSE) {
			uvf_file_put(take_closed(fds, event.wd));
			(void)inotify_rm_watch(fds->inotify, event.wd);
		}
	}
}

static void drain(struct uvf_fds *fds)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fds->inotify, buf, sizeof(buf))) > 0)
		release_events(fds, buf, (size_t)n);
}

void uvf_fds_drain(struct uvf_fds *fds)
{
	if (atomic_load(&fds->is_looked_at)) {
		uvf_lock(&fds->look);
		uvf_unlock(&fds->look);
	}
	if (!atomic_load_explicit(&has_closed_files, memory_order_relaxed))
		return;
	/* What is closed from here on sets it again. */
	atomic_store_explicit(&has_closed_files, false, memory_order_relaxed);
	drain(fds);
}

void uvf_fds_look_begin(struct uvf_fds *fds)
{
	uvf_lock(&fds->look);
	atomic_store(&fds->is_looked_at, true);
}

void uvf_fds_look_end(struct uvf_fds *fds)
{
	/* The signal of a close that came late may take longer than a call. */
	atomic_store(&has_closed_files, true);
	atomic_store(&fds->is_looked_at, false);
	uvf_unlock(&fds->look);
}

void uvf_fds_own(struct uvf_fds *fds)
{
	struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = gettid()};

	(void)fcntl(fds->inotify, F_SETOWN_EX, &owner);
	(void)fcntl(fds->inotify, F_SETFL, O_ASYNC | O_NONBLOCK);
	atomic_store(&fds->owner, gettid());
	/* Closes so far interrupted another thread, or nobody. */
	drain(fds);
}

int uvf_fds_fd(const struct uvf_fds *fds)
{
	return fds->inotify;
}

void uvf_fds_nudge(struct uvf_fds *fds)
{
	pid_t owner = atomic_load(&fds->owner);

	if (owner)
		(void)tgkill(getpid(), owner, SIGIO);
	/* It needs a moment to read what makes the descriptor readable. */
	(void)usleep(NUDGE_PAUSE_US);
}
