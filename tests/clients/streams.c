/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data of a migration under `uvfio run -d edu,migration=all -d edu...`: a
 * descriptor like any other, and what it leads to.
 *
 * save FILE and load FILE: a DMA that is under way goes from one run to the
 * next; without an argument the descriptor is looked at.  A last argument
 * "spool" says that there is no FUSE.
 */
#include "client.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define LIVENESS 0x04
#define CAUSES   0x24
#define IOVA     0x100000u
#define SIZE     0x10000u
#define BUFFER   0x40000u

#define PRECOPY_INFO      _IO(';', 121)
#define DESTROY           _IO(';', 0x80)
#define FAULT_QUEUE_ALLOC _IO(';', 0x8e)
#define COMMAND           ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40 | 4)

enum {
	STOP = 1,
	RUNNING,
	STOP_COPY,
	RESUMING,
	PRE_COPY = 6,
};

struct precopy_info {
	uint32_t argsz, flags;
	uint64_t initial_bytes, dirty_bytes;
};

static bool is_spool;

static int set_state(int device, uint32_t state)
{
	struct {
		struct vfio_device_feature hdr;
		uint32_t state;
		int32_t fd;
	} arg = {{sizeof(arg), VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE},
		 state,
		 -2};

	if (ioctl(device, VFIO_DEVICE_FEATURE, &arg))
		return -2;
	return arg.fd;
}

static uint32_t get(int device, uint64_t offset)
{
	uint32_t value = 0;

	CHECK(pread(device, &value, sizeof(value), (off_t)offset) == 4);
	return value;
}

static void put(int device, uint64_t offset, uint32_t value)
{
	CHECK(pwrite(device, &value, sizeof(value), (off_t)offset) == 4);
}

static void enable(int device)
{
	uint16_t command = 6;

	CHECK(pwrite(device, &command, sizeof(command), COMMAND) == 2);
}

static size_t read_all(int fd, uint8_t *data, size_t size)
{
	size_t done = 0;
	ssize_t got;

	while ((got = read(fd, data + done,
			   size - done < 1000 ? size - done : 1000)) > 0)
		done += (size_t)got;
	CHECK(got == 0);
	return done;
}

static void pass(int fd, int to)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = space,
			     .msg_controllen = sizeof(space)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	NEED(cmsg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	CHECK(sendmsg(to, &msg, 0) == 1);
}

static int receive(int from)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = space,
			     .msg_controllen = sizeof(space)};
	struct cmsghdr *cmsg;
	int fd = -1;

	CHECK(recvmsg(from, &msg, 0) == 1);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

/* Shows V59. */
static void state_goes_through_read_and_write(int device)
{
	static uint8_t data[1 << 16];
	uint8_t byte;
	size_t size;
	int fd;

	put(device, LIVENESS, 0x1234);
	fd = set_state(device, STOP_COPY);
	NEED(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK(write(fd, &byte, 1) < 0 && errno == EBADF);
	CHECK(pread(fd, &byte, 1, 0) < 0 && errno == ESPIPE);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == ENODEV);
	CHECK(ioctl(fd, VFIO_GET_API_VERSION) < 0 && errno == ENOTTY);
	if (!is_spool) {
		CHECK(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE);
		CHECK(syscall(SYS_read, fd, 1, 10) < 0 && errno == EFAULT);
	}
	size = read_all(fd, data, sizeof(data));
	CHECK(size > 4096);
	CHECK(!close(fd));

	CHECK(set_state(device, RUNNING) == -1);
	put(device, LIVENESS, 0x9999);
	fd = set_state(device, RESUMING);
	NEED(fd >= 0);
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY);
	CHECK(read(fd, &byte, 1) < 0 && errno == EBADF);
	CHECK(pwrite(fd, &byte, 1, 0) < 0 && errno == ESPIPE);
	CHECK(write(fd, data, 10) == 10);
	CHECK(write(fd, data + 10, size - 10) == (ssize_t)(size - 10));
	CHECK(set_state(device, RUNNING) == -1);
	CHECK(get(device, LIVENESS) == ~0x1234u);
	if (!is_spool)
		CHECK(write(fd, data, 1) < 0 && errno == ENODEV);
	CHECK(!close(fd));
}

/* Shows V59. */
static void the_end_before_the_stop_is_enomsg(int device)
{
	static uint8_t data[1 << 16];
	struct precopy_info info = {.argsz = sizeof(info)};
	struct pollfd pfd = {.events = POLLIN | POLLOUT};
	int fd = set_state(device, PRE_COPY);
	ssize_t got;

	NEED(fd >= 0);
	CHECK(!ioctl(fd, PRECOPY_INFO, &info));
	if (!is_spool)
		CHECK(info.initial_bytes > 4096);
	info.argsz = 8;
	CHECK(ioctl(fd, PRECOPY_INFO, &info) < 0 && errno == EINVAL);
	pfd.fd = fd;
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == (POLLIN | POLLOUT));
	got = read(fd, data, sizeof(data));
	CHECK(got > 4096 && got < (ssize_t)sizeof(data));
	got = read(fd, data, sizeof(data));
	if (is_spool)
		CHECK(got == 0);
	else
		CHECK(got < 0 && errno == ENOMSG);
	CHECK(set_state(device, STOP_COPY) == -1);
	CHECK(read_all(fd, data, sizeof(data)) > 16);
	CHECK(set_state(device, RUNNING) == -1);
	if (!is_spool)
		CHECK(read(fd, data, 1) < 0 && errno == ENODEV);
	close(fd);
}

/* Shows V59. */
static void copies_are_one_stream(int device)
{
	uint8_t first[100], second[100];
	int channel[2], fd = set_state(device, STOP_COPY), copy;
	struct precopy_info info = {.argsz = sizeof(info)};
	pid_t pid;

	NEED(fd >= 0 && !socketpair(AF_UNIX, SOCK_DGRAM, 0, channel));
	copy = dup(fd);
	CHECK(read(copy, first, 1) == 1 && first[0] == 'U');
	pid = fork();
	if (!pid)
		_exit(read(fd, first, 1) == 1 && first[0] == 'V' ? 0 : 1);
	CHECK(client_wait(pid) == 0);
	pass(fd, channel[0]);
	close(fd);
	close(copy);
	fd = receive(channel[1]);
	CHECK(readv(fd, &(struct iovec){second, 6}, 1) == 6);
	CHECK(!memcmp(second, "FIOMIG", 6));
	CHECK(ioctl(fd, PRECOPY_INFO, &info) < 0 && errno == EINVAL);
	close(fd);
	close(channel[0]);
	close(channel[1]);
	CHECK(set_state(device, RUNNING) == -1);
}

/* Nothing faults, so it is empty; but it is one. */
static void fault_queue_is_a_stream(void)
{
	struct {
		uint32_t size, flags, out_fault_id, out_fault_fd;
	} alloc = {.size = sizeof(alloc)};
	uint8_t bytes[80] = {0};
	struct pollfd pfd = {.events = POLLIN | POLLOUT};
	int fd, iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	NEED(iommufd >= 0);
	NEED(!ioctl(iommufd, FAULT_QUEUE_ALLOC, &alloc));
	fd = (int)alloc.out_fault_fd;
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	CHECK(read(fd, bytes, sizeof(bytes)) == 0);
	if (!is_spool) {
		pfd.fd = fd;
		CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLOUT);
		CHECK(read(fd, bytes, 1) < 0 && errno == ESPIPE);
		CHECK(write(fd, bytes, 1) < 0 && errno == ESPIPE);
		CHECK(write(fd, bytes, 8) < 0 && errno == EINVAL);
		CHECK(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE);
	}
	/* The descriptor keeps the queue. */
	CHECK(ioctl(iommufd, DESTROY, &(uint32_t[]){8, alloc.out_fault_id}) <
		      0 &&
	      errno == EBUSY);
	CHECK(!close(fd));
	CHECK(!ioctl(iommufd, DESTROY, &(uint32_t[]){8, alloc.out_fault_id}));
	close(iommufd);
}

static void connect_dma(const struct client_vfio *vfio, uint8_t *memory,
			int event)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = SIZE,
	};
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irq = {{sizeof(irq),
		  VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		  VFIO_PCI_MSI_IRQ_INDEX, 0, 1},
		 event};

	NEED(!ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map));
	enable(vfio->device);
	NEED(!ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, &irq));
}

static void begin_dma(int device, uint32_t from, uint32_t to)
{
	put(device, 0x80, from);
	put(device, 0x88, to);
	put(device, 0x90, 4096);
	put(device, 0x98, from == BUFFER ? 7 : 5);
}

static void finish_dma(int device, int event)
{
	uint64_t count;

	CHECK(read(event, &count, sizeof(count)) == sizeof(count));
	CHECK(count == 1);
	CHECK(get(device, CAUSES) == 0x100);
	put(device, 0x64, 0x100);
}

/*
 * The memory and the device's state, some register accesses after a DMA into
 * the device began; the other run ends it, and brings the bytes back.
 */
static void save(const struct client_vfio *vfio, uint8_t *memory,
		 const char *path, int reads)
{
	static uint8_t data[1 << 16];
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int fd;
	size_t size;

	NEED(file >= 0);
	for (size_t i = 0; i < 4096; i++)
		memory[i] = (uint8_t)(i * 7 + (size_t)reads);
	begin_dma(vfio->device, IOVA, BUFFER);
	/* The device thread goes on meanwhile. */
	for (int i = 0; i < reads; i++)
		(void)get(vfio->device, CAUSES);
	fd = set_state(vfio->device, STOP_COPY);
	NEED(fd >= 0);
	size = read_all(fd, data, sizeof(data));
	CHECK(write(file, memory, SIZE) == SIZE);
	CHECK(write(file, data, size) == (ssize_t)size);
	close(fd);
	close(file);
}

static void load(const struct client_vfio *vfio, uint8_t *memory, int event,
		 const char *path)
{
	static uint8_t data[1 << 16];
	int file = open(path, O_RDONLY | O_CLOEXEC), fd;
	ssize_t size;

	NEED(file >= 0);
	NEED(read(file, memory, SIZE) == SIZE);
	size = read(file, data, sizeof(data));
	NEED(size > 0);
	fd = set_state(vfio->device, RESUMING);
	NEED(fd >= 0);
	CHECK(write(fd, data, (size_t)size) == size);
	NEED(set_state(vfio->device, RUNNING) == -1);
	close(fd);
	finish_dma(vfio->device, event);
	begin_dma(vfio->device, BUFFER, IOVA + 0x8000);
	finish_dma(vfio->device, event);
	CHECK(!memcmp(memory, memory + 0x8000, 4096));
	close(file);
}

int main(int argc, char **argv)
{
	struct client_vfio vfio = client_open();
	uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int event = eventfd(0, EFD_CLOEXEC);

	NEED(memory != MAP_FAILED && event >= 0);
	is_spool = argc > 1 && !strcmp(argv[argc - 1], "spool");
	connect_dma(&vfio, memory, event);
	if (argc > 3 && !strcmp(argv[1], "save")) {
		save(&vfio, memory, argv[2], atoi(argv[3]));
	} else if (argc > 2 && !strcmp(argv[1], "load")) {
		load(&vfio, memory, event, argv[2]);
	} else {
		state_goes_through_read_and_write(vfio.device);
		the_end_before_the_stop_is_enomsg(vfio.device);
		copies_are_one_stream(vfio.device);
		fault_queue_is_a_stream();
	}
	client_close(&vfio);
	return client_status();
}
