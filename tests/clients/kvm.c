/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kvm stub|host: what a VMM does with a KVM-VFIO device, on the /dev/kvm that
 * uvfio plays or on the host's.  Exits with 77 where the host has none.
 */
#include "client.h"

#include <linux/kvm.h>
#include <stdbool.h>

#define SKIP 77

static int device;

static long attr(unsigned long cmd, uint32_t group, uint64_t number,
		 const void *addr)
{
	struct kvm_device_attr arg = {
		.group = group,
		.attr = number,
		.addr = (uintptr_t)addr,
	};

	return ioctl(device, cmd, &arg) ? -errno : 0;
}

static long add(int fd)
{
	return attr(KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
		    KVM_DEV_VFIO_GROUP_ADD, &fd);
}

static long del(int fd)
{
	return attr(KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
		    KVM_DEV_VFIO_GROUP_DEL, &fd);
}

static long create(int vm, uint32_t type, uint32_t flags)
{
	struct kvm_create_device arg = {.type = type, .flags = flags};

	return ioctl(vm, KVM_CREATE_DEVICE, &arg) ? -errno : (long)arg.fd;
}

static void show_stub(int kvm, int vm)
{
	CHECK(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS) == 0);
	CHECK(ioctl(kvm, KVM_CREATE_VM, 1) < 0 && errno == EINVAL);
	CHECK(ioctl(vm, KVM_CREATE_VCPU, 0) < 0 && errno == EINVAL);
	CHECK(ioctl(vm, KVM_CREATE_IRQCHIP) < 0 && errno == ENOTTY);
	CHECK(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0) < 0 && errno == EINVAL);
}

/* Processors can be had, so that the rest of KVM is the host's. */
static void show_host(int vm)
{
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

	CHECK(vcpu >= 0);
	CHECK(create(vm, 0x7fffffff, 0) == -ENODEV);
	close(vcpu);
}

static void show_errors(int vm)
{
	int container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	void *bad = (void *)8;

	CHECK(create(vm, KVM_DEV_TYPE_VFIO, 0) == -EBUSY);
	CHECK(add(-1) == -EBADF);
	CHECK(add(999) == -EBADF);
	CHECK(add(container) == -EINVAL);
	CHECK(add(null) == -EINVAL);
	CHECK(add(device) == -EINVAL);
	CHECK(add(vm) == -EINVAL);
	CHECK(del(null) == -ENOENT);
	CHECK(del(-1) == -EBADF);
	CHECK(attr(KVM_SET_DEVICE_ATTR, 1, 1, bad) == -EFAULT);
	CHECK(attr(KVM_SET_DEVICE_ATTR, 1, 9, bad) == -ENXIO);
	CHECK(attr(KVM_SET_DEVICE_ATTR, 3, 1, bad) == -ENXIO);
	CHECK(attr(KVM_HAS_DEVICE_ATTR, 1, 1, bad) == 0);
	CHECK(attr(KVM_HAS_DEVICE_ATTR, 1, 2, bad) == 0);
	CHECK(attr(KVM_HAS_DEVICE_ATTR, 1, 9, bad) == -ENXIO);
	CHECK(attr(KVM_GET_DEVICE_ATTR, 1, 1, bad) == -EPERM);
	CHECK(ioctl(device, KVM_SET_DEVICE_ATTR, bad) < 0 && errno == EFAULT);
	CHECK(ioctl(device, KVM_RUN, 0) < 0 && errno == ENOTTY);
	close(null);
	close(container);
}

/* A group before it has a container, then the device of it. */
static void show_files(void)
{
	int group = open(GROUP, O_RDWR | O_CLOEXEC);
	struct client_vfio vfio;
	int copy;

	NEED(group >= 0);
	CHECK(del(group) == -ENOENT);
	CHECK(add(group) == 0);
	copy = dup(group);
	CHECK(add(group) == -EEXIST);
	CHECK(add(copy) == -EEXIST);
	close(group);
	CHECK(!group_is_free());
	CHECK(del(copy) == 0);
	CHECK(!group_is_free());
	close(copy);
	CHECK(group_is_free());
	vfio = client_open();
	CHECK(add(vfio.group) == 0);
	CHECK(add(vfio.device) == 0);
	CHECK(del(vfio.device) == 0);
	CHECK(ioctl(vfio.group, VFIO_GROUP_UNSET_CONTAINER) < 0 &&
	      errno == EBUSY);
	client_close(&vfio);
	CHECK(!group_is_free());
}

/* Only the process that has the VM may use it, but all hold it open. */
static void show_child(void)
{
	int group = open("/dev/vfio/2", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();

	if (!pid) {
		CHECK(add(group) == -EIO);
		CHECK(attr(KVM_HAS_DEVICE_ATTR, 1, 1, NULL) == -EIO);
		CHECK(attr(KVM_GET_DEVICE_ATTR, 1, 1, NULL) == -EIO);
		_exit(client_status());
	}
	CHECK(client_wait(pid) == 0);
	CHECK(add(group) == 0);
	close(group);
}

int main(int argc, char **argv)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	bool is_host;
	int vm;

	NEED(argc == 2 && kvm >= 0);
	NEED(ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION);
	is_host = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS) > 0;
	if (!strcmp(argv[1], "host") && !is_host) {
		printf("skipped: this host has no usable /dev/kvm\n");
		return SKIP;
	}
	CHECK(is_host == !strcmp(argv[1], "host"));
	CHECK(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	NEED(vm >= 0);
	if (is_host)
		show_host(vm);
	else
		show_stub(kvm, vm);
	close(kvm);
	CHECK(create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST) == 0);
	device = (int)create(vm, KVM_DEV_TYPE_VFIO, 0);
	NEED(device >= 0);
	CHECK(fcntl(device, F_GETFD) == FD_CLOEXEC);
	show_errors(vm);
	show_files();
	show_child();
	/* What it tracks goes with it, and the VM may have another. */
	CHECK(!group_is_free());
	close(device);
	CHECK(group_is_free());
	device = (int)create(vm, KVM_DEV_TYPE_VFIO, 0);
	CHECK(device >= 0);
	close(vm);
	show_files();
	return client_status();
}
