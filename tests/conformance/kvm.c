/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The KVM-VFIO device: what a VMM tells KVM of its groups and devices.  The
 * emulated machine has a processor with SVM, so that KVM is there.
 */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADD KVM_DEV_VFIO_GROUP_ADD
#define DEL KVM_DEV_VFIO_GROUP_DEL

static int vm_open(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	need(kvm >= 0, "open-kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	need(vm >= 0, "create-vm");
	close(kvm);
	return vm;
}

static long create(int vm, uint32_t type, uint32_t flags)
{
	struct kvm_create_device arg = {.type = type, .flags = flags};

	return ioctl(vm, KVM_CREATE_DEVICE, &arg) ? -1 : (long)arg.fd;
}

static int vfio_create(int vm)
{
	int fd = (int)create(vm, KVM_DEV_TYPE_VFIO, 0);

	need(fd >= 0, "create-device");
	return fd;
}

static int attr(int dev, unsigned long cmd, uint32_t group, uint64_t number,
		const void *addr)
{
	struct kvm_device_attr arg = {
		.group = group,
		.attr = number,
		.addr = (uintptr_t)addr,
	};

	return ioctl(dev, cmd, &arg);
}

static int set(int dev, uint64_t number, int fd)
{
	return attr(dev, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, number, &fd);
}

/* Creation. */

static void create_with_test_makes_nothing(void)
{
	int vm = vm_open();

	result(create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST));
	result_fd(create(vm, KVM_DEV_TYPE_VFIO, 0));
}

static void create_twice(void)
{
	int vm = vm_open();

	vfio_create(vm);
	result_fd(create(vm, KVM_DEV_TYPE_VFIO, 0));
	outcome("test", create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST));
}

static void create_after_close(void)
{
	int vm = vm_open();

	close(vfio_create(vm));
	result_fd(create(vm, KVM_DEV_TYPE_VFIO, 0));
}

static void create_for_another_vm(void)
{
	vfio_create(vm_open());
	result_fd(create(vm_open(), KVM_DEV_TYPE_VFIO, 0));
}

static void create_of_type(long type)
{
	result(create(vm_open(), (uint32_t)type, 0));
}

static void create_tests_type(long type)
{
	result(create(vm_open(), (uint32_t)type, KVM_CREATE_DEVICE_TEST));
}

static void create_with_bad_pointer(void)
{
	result(ioctl(vm_open(), KVM_CREATE_DEVICE, bad_pointer()));
}

static void create_in_read_only_memory(void)
{
	struct kvm_create_device arg = {.type = KVM_DEV_TYPE_VFIO};
	int vm = vm_open();

	result(ioctl(vm, KVM_CREATE_DEVICE, read_only(&arg, sizeof(arg))));
	outcome("again", create(vm, KVM_DEV_TYPE_VFIO, 0));
	/* The descriptor that nobody was told of. */
	outcome("leaked", attr(vm + 1, KVM_HAS_DEVICE_ATTR, 1, ADD, NULL));
}

static void create_test_in_read_only_memory(void)
{
	struct kvm_create_device arg = {.type = KVM_DEV_TYPE_VFIO,
					.flags = KVM_CREATE_DEVICE_TEST};

	result(ioctl(vm_open(), KVM_CREATE_DEVICE,
		     read_only(&arg, sizeof(arg))));
}

static void device_is_close_on_exec(void)
{
	int dev = vfio_create(vm_open());

	result(fcntl(dev, F_GETFD));
	value("rdwr", (fcntl(dev, F_GETFL) & O_ACCMODE) == O_RDWR);
}

/* Attributes. */

static void set_of_group(long group)
{
	result(attr(vfio_create(vm_open()), KVM_SET_DEVICE_ATTR,
		    (uint32_t)group, ADD, bad_pointer()));
}

static void set_of_attribute(long number)
{
	result(attr(vfio_create(vm_open()), KVM_SET_DEVICE_ATTR, 1,
		    (uint64_t)number, bad_pointer()));
}

static void set_of_wide_attribute(void)
{
	result(attr(vfio_create(vm_open()), KVM_SET_DEVICE_ATTR, 1,
		    ADD | 1ull << 32, bad_pointer()));
}

static void has_of_group(long group)
{
	result(attr(vfio_create(vm_open()), KVM_HAS_DEVICE_ATTR,
		    (uint32_t)group, ADD, bad_pointer()));
}

static void has_of_attribute(long number)
{
	result(attr(vfio_create(vm_open()), KVM_HAS_DEVICE_ATTR, 1,
		    (uint64_t)number, bad_pointer()));
}

static void get_of_attribute(long number)
{
	result(attr(vfio_create(vm_open()), KVM_GET_DEVICE_ATTR, 1,
		    (uint64_t)number, bad_pointer()));
}

static const struct {
	const char *name;
	unsigned long cmd;
} calls[] = {
	{"set", KVM_SET_DEVICE_ATTR},
	{"get", KVM_GET_DEVICE_ATTR},
	{"has", KVM_HAS_DEVICE_ATTR},
	{"run", KVM_RUN},
	{"create_vm", KVM_CREATE_VM},
	{"group_get_status", VFIO_GROUP_GET_STATUS},
	{"tcgets", 0x5401},
	{"fionread", 0x541b},
};

static const char *call_label(long i)
{
	return i < (long)COUNT(calls) ? calls[i].name : NULL;
}

static void bad_pointer_of(long i)
{
	result(ioctl(vfio_create(vm_open()), calls[i].cmd, bad_pointer()));
}

static void flags_are_ignored(void)
{
	struct kvm_device_attr arg = {
		.flags = 0xffffffff, .group = 1, .attr = ADD};
	int fd = group_open(0);

	arg.addr = (uintptr_t)&fd;
	result(ioctl(vfio_create(vm_open()), KVM_SET_DEVICE_ATTR, &arg));
}

static void cannot_be_mapped(void)
{
	void *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
			vfio_create(vm_open()), 0);

	result(at == MAP_FAILED ? -1 : 0);
}

static void has_no_position(void)
{
	char byte;
	int dev = vfio_create(vm_open());

	result(pread(dev, &byte, 1, 0));
	outcome("pwrite", pwrite(dev, "", 1, 0));
}

/* What can be added and removed. */

enum {
	NEGATIVE,
	CLOSED,
	CONTAINER,
	KVM_DEVICE,
	VM,
	PIPE,
	REGULAR,
	O_PATH_GROUP,
	BARE_GROUP,
	GROUP_IN_CONTAINER,
	GROUP_WITH_IOMMU,
	DEVICE,
};

static const char *const files[] = {
	[NEGATIVE] = "negative",
	[CLOSED] = "closed",
	[CONTAINER] = "container",
	[KVM_DEVICE] = "kvm_device",
	[VM] = "vm",
	[PIPE] = "pipe",
	[REGULAR] = "regular",
	[O_PATH_GROUP] = "o_path_group",
	[BARE_GROUP] = "bare_group",
	[GROUP_IN_CONTAINER] = "group_in_container",
	[GROUP_WITH_IOMMU] = "group_with_iommu",
	[DEVICE] = "device",
};

static const char *file_label(long i)
{
	return i < (long)COUNT(files) ? files[i] : NULL;
}

static int file_of(long kind, int vm, int dev)
{
	char path[64];
	int fds[2];

	switch (kind) {
	case NEGATIVE:
		return -1;
	case CLOSED:
		return closed_fd();
	case CONTAINER:
		return container_open();
	case KVM_DEVICE:
		return dev;
	case VM:
		return vm;
	case PIPE:
		return pipe(fds) ? -1 : fds[0];
	case REGULAR:
		return open("/proc/self/exe", O_RDONLY);
	case O_PATH_GROUP:
		group_path(0, path, sizeof(path));
		return open(path, O_PATH);
	case BARE_GROUP:
		return group_open(0);
	case GROUP_IN_CONTAINER:
		return session_group().group;
	case GROUP_WITH_IOMMU:
		return session_iommu(VFIO_TYPE1v2_IOMMU).group;
	default:
		return session_device().device;
	}
}

static void add_of(long kind)
{
	int vm = vm_open();
	int dev = vfio_create(vm);
	int fd = file_of(kind, vm, dev);

	result(set(dev, ADD, fd));
	outcome("again", set(dev, ADD, fd));
	outcome("del", set(dev, DEL, fd));
	outcome("gone", set(dev, DEL, fd));
}

static void del_of(long kind)
{
	int vm = vm_open();
	int dev = vfio_create(vm);

	result(set(dev, DEL, file_of(kind, vm, dev)));
}

static void duplicate_is_the_same_file(void)
{
	int dev = vfio_create(vm_open());
	int group = group_open(0);
	int copy = dup(group);

	result(set(dev, ADD, group));
	outcome("copy", set(dev, ADD, copy));
	close(group);
	outcome("del", set(dev, DEL, copy));
}

static void reopened_group_is_another_file(void)
{
	int dev = vfio_create(vm_open());
	int group = group_open(0);

	result(set(dev, ADD, group));
	outcome("del", set(dev, DEL, group));
	close(group);
	outcome("other", set(dev, DEL, group_open(0)));
}

static void group_and_its_device_are_two_files(void)
{
	int dev = vfio_create(vm_open());
	struct session s = session_device();

	result(set(dev, ADD, s.group));
	outcome("device", set(dev, ADD, s.device));
	outcome("del", set(dev, DEL, s.group));
	outcome("del_device", set(dev, DEL, s.device));
}

static void file_may_be_in_two_vms(void)
{
	int first = vfio_create(vm_open());
	int second = vfio_create(vm_open());
	int group = group_open(0);

	result(set(first, ADD, group));
	outcome("second", set(second, ADD, group));
	outcome("del", set(first, DEL, group));
	outcome("del_second", set(second, DEL, group));
}

/* What it holds. */

static void tracked_group_stays_busy(void)
{
	int dev = vfio_create(vm_open());
	int group = group_open(0);
	int copy;

	need(!set(dev, ADD, group), "add");
	close(group);
	result_fd(group_try_open(0));
	close(dev);
	copy = group_try_open(0);
	outcome("released", copy < 0 ? -1 : 0);
}

static void tracked_group_leaves_its_container(void)
{
	int dev = vfio_create(vm_open());
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!set(dev, ADD, s.group), "add");
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void device_opens_after_add(void)
{
	int vm = vm_open();
	int dev = vfio_create(vm);
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	int fd;

	need(!set(dev, ADD, s.group), "add");
	fd = device_open(s.group, 0);
	result_fd(fd);
	close(vm);
	close(dev);
	close(s.group);
	close(s.container);
	outcome("busy", group_try_open(0));
	close(fd);
	fd = group_try_open(0);
	outcome("free", fd < 0 ? -1 : 0);
}

static void closed_with_its_vm_first(void)
{
	int vm = vm_open();
	int dev = vfio_create(vm);
	int group = group_open(0);

	close(vm);
	result(set(dev, ADD, group));
	close(group);
	close(dev);
	group = group_try_open(0);
	outcome("free", group < 0 ? -1 : 0);
}

/* Another process. */

static void in_child(void (*run)(int vm, int dev))
{
	int vm = vm_open();
	int dev = vfio_create(vm);
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		run(vm, dev);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	value("status", status);
}

static void child_attributes(int vm, int dev)
{
	(void)vm;
	result(set(dev, ADD, group_open(0)));
	outcome("del", set(dev, DEL, -1));
	outcome("has", attr(dev, KVM_HAS_DEVICE_ATTR, 1, ADD, NULL));
	outcome("get", attr(dev, KVM_GET_DEVICE_ATTR, 1, ADD, NULL));
	outcome("bad", ioctl(dev, KVM_SET_DEVICE_ATTR, bad_pointer()));
}

static void child_may_not_use_it(void)
{
	in_child(child_attributes);
}

static void child_create(int vm, int dev)
{
	(void)dev;
	result(create(vm, KVM_DEV_TYPE_VFIO, 0));
	outcome("test", create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST));
}

static void child_may_not_make_one(void)
{
	in_child(child_create);
}

static void child_close(int vm, int dev)
{
	close(vm);
	close(dev);
	result(0);
}

static void child_close_ends_nothing(void)
{
	int dev;
	int group = group_open(0);

	in_child(child_close);
	dev = vfio_create(vm_open());
	outcome("add", set(dev, ADD, group));
}

static const struct conf_case cases[] = {
	CASE(create_with_test_makes_nothing),
	CASE(create_twice),
	CASE(create_after_close),
	CASE(create_for_another_vm),
	RANGE(create_of_type, 0, 3, 1),
	RANGE(create_of_type, 9, 12, 1),
	RANGE(create_tests_type, 0, 4, 1),
	CASE(create_with_bad_pointer),
	CASE(create_in_read_only_memory),
	CASE(create_test_in_read_only_memory),
	CASE(device_is_close_on_exec),
	RANGE(set_of_group, 0, 4, 1),
	RANGE(set_of_attribute, 0, 5, 1),
	CASE(set_of_wide_attribute),
	RANGE(has_of_group, 0, 4, 1),
	RANGE(has_of_attribute, 0, 5, 1),
	RANGE(get_of_attribute, 0, 2, 1),
	EACH(bad_pointer_of, call_label),
	CASE(flags_are_ignored),
	CASE(cannot_be_mapped),
	CASE(has_no_position),
	EACH(add_of, file_label),
	EACH(del_of, file_label),
	CASE(duplicate_is_the_same_file),
	CASE(reopened_group_is_another_file),
	CASE(group_and_its_device_are_two_files),
	CASE(file_may_be_in_two_vms),
	CASE(tracked_group_stays_busy),
	CASE(tracked_group_leaves_its_container),
	CASE(device_opens_after_add),
	CASE(closed_with_its_vm_first),
	CASE(child_may_not_use_it),
	CASE(child_may_not_make_one),
	CASE(child_close_ends_nothing),
};

static int has_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		return 0;
	close(kvm);
	return 1;
}

TABLE_OF(table_kvm, "kvm", cases, has_kvm);
