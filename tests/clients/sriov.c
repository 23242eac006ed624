/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual functions as an administrator makes them and a driver in user space
 * uses one.  Runs on `-d edu,vfs=3,driver=edu`.
 */
#include "client.h"

#include <sys/mman.h>

#define PF      "/sys/bus/pci/devices/0000:00:03.0/"
#define VF      "0000:00:13.0"
#define CONFIG  (7LL << 40)
#define EDU_ID  0x010000edu
#define COMMAND 4

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	NEED(fd >= 0);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

static void shows(const char *path, const char *expected)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	NEED(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(!strcmp(text, expected));
	close(fd);
}

/* The last part of what a link leads to. */
static void link_name(const char *path, char *name, size_t size)
{
	char target[256] = "";
	const char *last;

	NEED(readlink(path, target, sizeof(target) - 1) > 0);
	last = strrchr(target, '/');
	NEED(last);
	snprintf(name, size, "%s", last + 1);
}

static void files_refuse_as_linux_does(void)
{
	CHECK(put(PF "sriov_numvfs", "4") == -ERANGE);
	CHECK(put(PF "sriov_numvfs", "x") == -EINVAL);
	CHECK(put(PF "sriov_numvfs", "2") == 0);
	CHECK(put(PF "sriov_numvfs", "1") == -EBUSY);
	shows(PF "sriov_numvfs", "2\n");
}

/* lspci shows it with the ids that its registers do not have. */
static void lspci_knows_it(void)
{
	char line[256] = "";
	FILE *out = popen("lspci -n -s 00:13.0", "re");

	NEED(out);
	CHECK(fgets(line, sizeof(line), out));
	CHECK(strstr(line, "1234:11e9"));
	pclose(out);
}

static struct client_vfio open_vf(void)
{
	struct client_vfio vfio;
	char name[32], path[64];

	link_name(PF "virtfn0", name, sizeof(name));
	CHECK(!strcmp(name, VF));
	link_name(PF "virtfn0/physfn", name, sizeof(name));
	CHECK(!strcmp(name, DEVICE));
	CHECK(put(PF "virtfn0/driver_override", "vfio-pci") == 0);
	CHECK(put("/sys/bus/pci/drivers_probe", VF) == 0);
	link_name(PF "virtfn0/driver", name, sizeof(name));
	CHECK(!strcmp(name, "vfio-pci"));

	link_name(PF "virtfn0/iommu_group", name, sizeof(name));
	snprintf(path, sizeof(path), "/dev/vfio/%s", name);
	vfio.container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	vfio.group = open(path, O_RDWR | O_CLOEXEC);
	NEED(vfio.container >= 0 && vfio.group >= 0);
	NEED(!ioctl(vfio.group, VFIO_GROUP_SET_CONTAINER, &vfio.container));
	NEED(!ioctl(vfio.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio.device = ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, VF);
	NEED(vfio.device >= 0);
	return vfio;
}

/* Its memory answers whatever COMMAND says. */
static void memory_is_always_there(const struct client_vfio *vfio)
{
	volatile uint32_t *bar;
	uint16_t command = 0;
	uint32_t ids = 0;
	void *p = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vfio->device, 0);

	NEED(p != MAP_FAILED);
	bar = p;
	CHECK(bar[0] == EDU_ID);
	CHECK(pread(vfio->device, &ids, 4, CONFIG) == 4 && ids == 0x11e91234);
	CHECK(pwrite(vfio->device, &command, 2, CONFIG + COMMAND) == 2);
	CHECK(bar[0] == EDU_ID);
	bar[1] = 5;
	CHECK(bar[1] == ~5u);
	CHECK(!ioctl(vfio->device, VFIO_DEVICE_RESET));
	CHECK(bar[1] != ~5u);
	munmap(p, 0x1000);
}

/* To take it away waits for who has it. */
static void it_goes_when_it_is_let_go(const struct client_vfio *vfio)
{
	pid_t pid = fork();

	NEED(pid >= 0);
	if (!pid) {
		client_close(vfio);
		_exit(put(PF "sriov_numvfs", "0") ? 1 : 0);
	}
	client_close(vfio);
	CHECK(client_wait(pid) == 0);
	CHECK(access(PF "virtfn0", F_OK) && errno == ENOENT);
	shows(PF "sriov_numvfs", "0\n");
	CHECK(put(PF "sriov_numvfs", "3") == 0);
	CHECK(put(PF "sriov_numvfs", "0") == 0);
}

int main(void)
{
	struct client_vfio vfio;

	files_refuse_as_linux_does();
	lspci_knows_it();
	vfio = open_vf();
	memory_is_always_there(&vfio);
	it_goes_when_it_is_let_go(&vfio);
	return client_status();
}
