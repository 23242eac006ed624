/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks at the view by every door there is and prints what it sees, one line
 * per case.  Must print the same in both modes of the view, and run with a
 * function at 0000:00:03.0 in group 1, bound to vfio-pci.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#define BDF     "0000:00:03.0"
#define DEVICES "/sys/bus/pci/devices"
#define DEVICE  DEVICES "/" BDF
#define VENDOR  DEVICE "/vendor"
#define DRIVER  "/sys/bus/pci/drivers/vfio-pci"
#define GROUP   "/sys/kernel/iommu_groups/1"

static void __attribute__((format(printf, 2, 3)))
say(const char *what, const char *fmt, ...)
{
	va_list args;

	printf("%s = ", what);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static const char *name_errno(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "?";
}

/* A result that is 0 or an errno. */
static void say_result(const char *what, long result)
{
	say(what, "%s", result < 0 ? name_errno(errno) : "ok");
}

/* First line of what fd reads; closes it. */
static void say_content(const char *what, int fd)
{
	char text[256];
	ssize_t length;

	if (fd < 0) {
		say(what, "%s", name_errno(errno));
		return;
	}
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0) {
		say(what, "read %s", name_errno(errno));
	} else {
		text[length] = '\0';
		text[strcspn(text, "\n")] = '\0';
		say(what, "%s", text);
	}
	close(fd);
}

static void say_stat(const char *what, long result, const struct stat *st)
{
	if (result)
		say(what, "%s", name_errno(errno));
	else
		say(what, "%06o", st->st_mode);
}

static void probe_stdio(void)
{
	FILE *file = fopen(VENDOR, "r");
	char text[64] = "";

	if (file && fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	say("fopen", "%s", file ? text : name_errno(errno));
	if (file)
		file = freopen(DEVICE "/class", "r", file);
	if (file && fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	say("freopen", "%s", file ? text : name_errno(errno));
	if (file)
		fclose(file);
}

static int open2(int dirfd, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = flags};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

static void probe_opens(void)
{
	int dirfd = open(DEVICE, O_RDONLY | O_DIRECTORY);
	int pathfd = open(DEVICES, O_PATH | O_DIRECTORY);

	say_content("open", (int)syscall(SYS_open, VENDOR, O_RDONLY));
	say_content("openat", openat(AT_FDCWD, VENDOR, O_RDONLY));
	say_content("openat2", open2(AT_FDCWD, VENDOR, O_RDONLY));
	say_content("openat of a directory", openat(dirfd, "vendor", O_RDONLY));
	say_content("openat2 of a directory", open2(dirfd, "vendor", O_RDONLY));
	say_content("openat of a path descriptor",
		    openat(pathfd, BDF "/vendor", O_RDONLY));
	say_content("openat up and down",
		    openat(dirfd, "../" BDF "/device", O_RDONLY));
	say_content("open with slashes",
		    open("/sys//bus/./pci/devices/" BDF "//vendor", O_RDONLY));
	say_content(
		"open through a link and back",
		open(DEVICE "/driver/../vfio-pci/" BDF "/vendor", O_RDONLY));
	say_content("open through /proc/self/root",
		    open("/proc/self/root" VENDOR, O_RDONLY));
	say_content("open of the host through ours",
		    open(DEVICE "/../../../class/mem/null/dev", O_RDONLY));
	say_content("open of a file as directory", open(VENDOR "/", O_RDONLY));
	say_content("open of a file below a file", open(VENDOR "/x", O_RDONLY));
	say_content("open of nothing", open(DEVICE "/nothing", O_RDONLY));
	say_content("open of an exclusive name",
		    open(VENDOR, O_RDWR | O_CREAT | O_EXCL, 0600));
	say_content("open of a link, not followed",
		    open(DEVICE "/driver", O_RDONLY | O_NOFOLLOW));
	say_content("open of a directory for writing", open(DEVICE, O_RDWR));
	say_content("open of a file, as directory",
		    open(VENDOR, O_RDONLY | O_DIRECTORY));
	say_content(
		"open of another PCI device",
		open("/sys/devices/pci0000:00/0000:00:00.0/vendor", O_RDONLY));
	close(dirfd);
	close(pathfd);
}

static void probe_stats(const char *path)
{
	struct statx stx;
	struct stat st;

	printf("# %s\n", path);
	say_stat("stat", syscall(SYS_stat, path, &st), &st);
	say_stat("lstat", syscall(SYS_lstat, path, &st), &st);
	say_stat("fstatat", fstatat(AT_FDCWD, path, &st, 0), &st);
	say_stat("fstatat of a link",
		 fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW), &st);
	if (statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_MODE, &stx))
		say("statx", "%s", name_errno(errno));
	else
		say("statx", "%06o", stx.stx_mode);
	say_result("access", syscall(SYS_access, path, F_OK));
	say_result("access to read", syscall(SYS_access, path, R_OK));
	say_result("faccessat", syscall(SYS_faccessat, AT_FDCWD, path, F_OK));
	say_result("faccessat2", syscall(SYS_faccessat2, AT_FDCWD, path, F_OK,
					 AT_SYMLINK_NOFOLLOW));
}

static void probe_links(void)
{
	static const char *const links[] = {
		DEVICE,
		DEVICE "/driver",
		DEVICE "/iommu_group",
		DEVICE "/subsystem",
		DRIVER "/" BDF,
		DRIVER "/module",
		GROUP "/devices/" BDF,
		"/sys/class/vfio/1",
		VENDOR,
		DEVICE "/nothing",
	};
	char text[PATH_MAX], *resolved;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		ssize_t length;

		printf("# %s\n", links[i]);
		length = syscall(SYS_readlink, links[i], text, sizeof(text));
		say("readlink", "%.*s", length < 0 ? 8 : (int)length,
		    length < 0 ? name_errno(errno) : text);
		length = readlinkat(AT_FDCWD, links[i], text, 5);
		say("readlinkat, short", "%.*s", length < 0 ? 8 : (int)length,
		    length < 0 ? name_errno(errno) : text);
		resolved = realpath(links[i], NULL);
		say("realpath", "%s", resolved ? resolved : name_errno(errno));
		free(resolved);
		resolved = canonicalize_file_name(links[i]);
		say("canonicalize_file_name", "%s",
		    resolved ? resolved : name_errno(errno));
		free(resolved);
	}
}

static int any(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void probe_scandir(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, any, alphasort);

	printf("# scandir %s\n", path);
	if (count < 0)
		say("scandir", "%s", name_errno(errno));
	for (int i = 0; i < count; i++) {
		printf("%s %u\n", entries[i]->d_name, entries[i]->d_type);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* Only whether a name is in a directory that is the host's as well. */
static void probe_name(const char *path, const char *name)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool is_found = false;
	size_t count = 0;

	while (dir && (entry = readdir(dir))) {
		count += any(entry);
		is_found |= !strcmp(entry->d_name, name);
	}
	if (dir)
		closedir(dir);
	printf("%s in %s = %s of %zu\n", name, path, is_found ? "yes" : "no",
	       count);
}

static void probe_globs(void)
{
	glob_t found;
	wordexp_t words;

	if (!glob(DEVICES "/*/vendor", 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			say("glob", "%s", found.gl_pathv[i]);
		globfree(&found);
	}
	if (!wordexp("/dev/vfio/*", &words, 0)) {
		for (size_t i = 0; i < words.we_wordc; i++)
			say("wordexp", "%s", words.we_wordv[i]);
		wordfree(&words);
	}
}

static size_t walked;

static int count_entry(const char *path, const struct stat *st, int type,
		       struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)ftw;
	walked += type != FTW_NS && type != FTW_DNR;
	return 0;
}

static void probe_walks(void)
{
	char root[] = "/sys/devices/pci0000:00";
	char *roots[] = {root, NULL};
	size_t count = 0;
	FTSENT *entry;
	FTS *fts;

	walked = 0;
	say_result("nftw", nftw(root, count_entry, 8, FTW_PHYS));
	say("entries", "%zu", walked);
	walked = 0;
	say_result("nftw with chdir",
		   nftw(root, count_entry, 8, FTW_PHYS | FTW_CHDIR));
	say("entries", "%zu", walked);
	fts = fts_open(roots, FTS_PHYSICAL, NULL);
	while (fts && (entry = fts_read(fts)))
		count += entry->fts_info != FTS_ERR &&
			 entry->fts_info != FTS_NS &&
			 entry->fts_info != FTS_DNR;
	if (fts)
		fts_close(fts);
	say("fts", "%zu", count);
}

static void say_cwd(const char *what)
{
	char path[PATH_MAX];
	ssize_t length;

	say(what, "%s", getcwd(path, sizeof(path)) ? path : name_errno(errno));
	length = readlink("/proc/self/cwd", path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	say("/proc/self/cwd", "%s", path);
}

static void probe_child(void)
{
	fflush(stdout);
	if (system("cat vendor; cat ../0000:00:03.0/device; pwd -P"))
		say("system", "failed");
}

static void probe_cwd(void)
{
	struct stat st;
	int fd;

	say_result("chdir", chdir(DEVICE));
	say_cwd("getcwd");
	say_content("open here", open("vendor", O_RDONLY));
	say_stat("stat here", stat("driver", &st), &st);
	probe_child();
	say_result("chdir up", chdir(".."));
	say_cwd("getcwd");
	say_result("chdir to a link", chdir(BDF "/driver"));
	say_cwd("getcwd");
	say_result("chdir to a file", chdir("bind"));
	say_result("chdir to nothing", chdir("nothing"));
	say_result("chdir to the host's", chdir("/sys/class"));
	say_cwd("getcwd");
	say_content("open here", open("vfio/1/dev", O_RDONLY));
	fd = open(GROUP, O_RDONLY | O_DIRECTORY);
	say_result("fchdir", fchdir(fd));
	close(fd);
	say_cwd("getcwd");
	say_content("open here", open("type", O_RDONLY));
	probe_scandir("devices");
	say_result("chdir back", chdir("/"));
	say_cwd("getcwd");
}

static void probe_descriptor(void)
{
	char link[64], path[PATH_MAX];
	int fd = open(DEVICE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	say("name of a descriptor", "%s", path);
	say("close-on-exec", "%d", fcntl(fd, F_GETFD));
	close(fd);
	fd = open(DEVICE, O_RDONLY | O_DIRECTORY);
	say("not close-on-exec", "%d", fcntl(fd, F_GETFD));
	close(fd);
}

/* The host's devices work as ever. */
static void probe_host(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	char name[64] = "";

	say_result("pseudo terminal",
		   fd < 0 || unlockpt(fd) || ptsname_r(fd, name, sizeof(name))
			   ? -1
			   : open(name, O_RDWR | O_NOCTTY));
	close(fd);
	fd = open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	say_result("write to /dev/null", write(fd, "x", 1));
	close(fd);
	fd = open("/dev/shm/uvfio-view-probe", O_RDWR | O_CREAT | O_EXCL, 0600);
	say_result("file in /dev/shm", fd);
	close(fd);
	say_result("unlink in /dev/shm", unlink("/dev/shm/uvfio-view-probe"));
}

static void probe_rest(void)
{
	struct statfs fs;
	int fd = inotify_init1(IN_CLOEXEC);

	say_result("statfs", statfs(DEVICE, &fs));
	say_result("inotify of nothing",
		   inotify_add_watch(fd, DEVICE "/nothing", IN_MODIFY));
	close(fd);
	say_result("unlink of nothing", unlink(DEVICE "/nothing"));
	say_result("mkdir of a directory", mkdir(DEVICE, 0755));
	say_result("rename of nothing",
		   rename(DEVICE "/nothing", DEVICE "/other"));
}

int main(void)
{
	static const char *const files[] = {
		DEVICE,
		DEVICE "/driver",
		VENDOR,
		DEVICE "/config",
		DEVICE "/nothing",
		DRIVER,
		DRIVER "/bind",
		GROUP "/type",
		"/dev/vfio",
		"/dev/vfio/vfio",
		"/dev/vfio/1",
		"/dev/vfio/2000",
		"/sys/class/vfio",
		"/sys/module/vfio",
		"/sys/module/vfio_pci",
		"/dev/null",
		"/sys/devices/system",
		DEVICE "/iommu/intel-iommu/cap",
	};

	probe_stdio();
	probe_opens();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		probe_stats(files[i]);
	probe_links();
	probe_scandir(DEVICES);
	probe_scandir(DEVICE);
	probe_scandir("/sys/devices/pci0000:00");
	probe_scandir(GROUP "/devices");
	probe_scandir("/dev/vfio");
	probe_scandir("/sys/class/vfio");
	probe_scandir("/sys/class");
	probe_scandir("/sys/devices");
	probe_name("/sys/class", "vfio");
	probe_name("/sys/class/misc", "vfio");
	probe_name("/sys/devices/virtual", "vfio");
	probe_name("/sys/module", "vfio_pci");
	probe_name("/sys/kernel", "iommu_groups");
	probe_name("/dev", "vfio");
	probe_name("/dev", "null");
	probe_globs();
	probe_walks();
	probe_cwd();
	probe_descriptor();
	probe_rest();
	probe_host();
	return 0;
}
