/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "base/alloc.h"
#include "iommu/iommu.h"
#include "iommu/translate.h"
#include "mem/self.h"

#define PAGES 64u

const struct uvf_v02_host rig_host = {
	.aperture_bits = 48,
	.is_coherent = true,
	.remaps_interrupts = true,
};

static void fake_destroy(struct uvf_bus_device *bus)
{
	uvf_bus_device_fini(bus);
	free(uvf_container_of(bus, struct fake, bus));
}

static void fake_set_domain(struct uvf_bus_device *bus, struct uvf_aspace *as)
{
	uvf_container_of(bus, struct fake, bus)->domain = as;
}

static const struct uvf_bus_device_ops fake_bus_ops = {
	.destroy = fake_destroy,
	.set_domain = fake_set_domain,
};

static bool fake_match(struct uvf_bus_device *bus, const char *name)
{
	return !strcmp(bus->name, name);
}

static int fake_get(void *data)
{
	struct fake *fake = data;

	if (fake->refuses)
		return -EIO;
	fake->opens++;
	return 0;
}

static void fake_put(void *data)
{
	struct fake *fake = data;

	fake->opens--;
	if (fake->on_put)
		fake->on_put(fake);
}

/* Answers with the number of the call. */
static long fake_ioctl(void *data, struct uvf_caller *caller, unsigned int cmd,
		       unsigned long arg)
{
	(void)data;
	(void)caller;
	(void)arg;
	return cmd == V02_DEVICE_RESET ? 7 : -ENOSYS;
}

static ssize_t fake_rw(void *data, struct uvf_caller *caller, uint64_t addr,
		       size_t len, uint64_t pos)
{
	(void)data;
	(void)caller;
	(void)addr;
	(void)pos;
	return (ssize_t)len;
}

static int fake_mmap(void *data, uint64_t pos, uint64_t len, int prot,
		     int flags)
{
	(void)data;
	(void)pos;
	(void)len;
	(void)prot;
	(void)flags;
	return 0;
}

static void fake_fault(void *data, uint64_t pos, struct uvf_page *ret_page)
{
	(void)data;
	memset(ret_page, 0, sizeof(*ret_page));
	ret_page->kind = UVF_PAGE_TRAP;
	ret_page->first = pos & ~(PAGE - 1);
	ret_page->size = PAGE;
}

static bool fake_mmio(void *data, uint64_t pos, void *buf, size_t len,
		      bool is_write)
{
	(void)data;
	(void)pos;
	if (!is_write)
		memset(buf, 0x5a, len);
	return true;
}

static void fake_request(void *data, unsigned int count)
{
	struct fake *fake = data;

	assert_int_equal(atomic_fetch_add(&fake->requests, 1), count);
}

static bool fake_is_coherent(struct uvf_bus_device *bus)
{
	return !uvf_container_of(bus, struct fake, bus)->is_incoherent;
}

static void fake_claim(struct uvf_bus_device *bus)
{
	struct fake *fake = uvf_container_of(bus, struct fake, bus);

	fake->is_claimed = true;
	fake_bind(fake);
}

const struct uvf_v02_device_ops fake_ops = {
	.match = fake_match,
	.get = fake_get,
	.put = fake_put,
	.ioctl = fake_ioctl,
	.read = fake_rw,
	.write = fake_rw,
	.mmap = fake_mmap,
	.fault = fake_fault,
	.mmio = fake_mmio,
	.request = fake_request,
	.is_coherent = fake_is_coherent,
	.claim = fake_claim,
};

struct fake *fake_create(struct rig *rig, struct uvf_bus *bus, const char *name,
			 int group)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	fake->rig = rig;
	fake->bus.ops = &fake_bus_ops;
	fake->bus.bus = bus;
	strncpy(fake->bus.name, name, sizeof(fake->bus.name) - 1);
	uvf_bus_device_init(&fake->bus);
	assert_int_equal(uvf_machine_add(bus->machine, &fake->bus, group), 0);
	return fake;
}

struct fake *fake_add(struct rig *rig, struct uvf_bus *bus, const char *name,
		      int group, bool is_bound)
{
	struct fake *fake = fake_create(rig, bus, name, group);

	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &fake->bus, &fake_ops),
			 0);
	if (is_bound)
		fake_bind(fake);
	return fake;
}

void fake_bind(struct fake *fake)
{
	assert_int_equal(uvf_v02_bind_dev(fake->rig->v02, &fake->bus, fake), 0);
}

void *fake_unbind(struct fake *fake)
{
	return uvf_v02_unbind_dev(fake->rig->v02, &fake->bus, NULL);
}

static struct process *process_of(struct uvf_caller *caller)
{
	return uvf_container_of(caller, struct process, caller);
}

static int p_lookup(struct uvf_caller *caller, int fd,
		    struct uvf_file **ret_file)
{
	struct process *process = process_of(caller);
	int ret = 0;

	*ret_file = NULL;
	uvf_lock(&process->lock);
	if (fd >= RIG_FDS || !process->files[fd])
		ret = fd == RIG_FDS ? 0 : -EBADF; /* none of ours */
	else
		*ret_file = uvf_file_get(process->files[fd]);
	uvf_unlock(&process->lock);
	return ret;
}

int p_install(struct process *process, struct uvf_file *file)
{
	int ret = -EMFILE;

	uvf_lock(&process->lock);
	for (int fd = 0; fd < RIG_FDS && !process->is_full; fd++) {
		if (process->files[fd])
			continue;
		process->files[fd] = file;
		ret = fd;
		break;
	}
	uvf_unlock(&process->lock);
	return ret;
}

static int p_file_install(struct uvf_caller *caller, struct uvf_file *file)
{
	return p_install(process_of(caller), file);
}

static bool p_has_ipc_lock(struct uvf_caller *caller)
{
	return process_of(caller)->has_ipc_lock;
}

static const struct uvf_caller_ops p_ops = {
	.file_lookup = p_lookup,
	.file_install = p_file_install,
	.has_ipc_lock = p_has_ipc_lock,
};

int p_open(struct process *process, const char *node)
{
	struct uvf_file *file;
	int ret = uvf_v02_open(process->rig->v02, node, &file);

	if (ret)
		return ret;
	ret = p_install(process, file);
	if (ret < 0)
		uvf_file_put(file);
	return ret;
}

void p_close(struct process *process, int fd)
{
	struct uvf_file *file;

	assert_in_range(fd, 0, RIG_FDS - 1);
	uvf_lock(&process->lock);
	file = process->files[fd];
	process->files[fd] = NULL;
	uvf_unlock(&process->lock);
	assert_non_null(file);
	uvf_file_put(file);
}

long p_ioctl(struct process *process, int fd, unsigned int cmd, void *arg)
{
	struct uvf_file *file;
	long ret = p_lookup(&process->caller, fd, &file);

	if (ret)
		return ret;
	ret = uvf_file_ioctl(file, &process->caller, cmd, (uintptr_t)arg);
	uvf_file_put(file);
	return ret;
}

uint64_t flags_of(struct rig *rig, int group)
{
	uint64_t flags = UINT64_MAX;

	assert_int_equal(p_ioctl(&rig->a, group, V02_GROUP_GET_FLAGS, &flags),
			 0);
	return flags;
}

long merge(struct rig *rig, int self, int other)
{
	return p_ioctl(&rig->a, self, V02_GROUP_MERGE, &other);
}

long unmerge(struct rig *rig, int self, int other)
{
	return p_ioctl(&rig->a, self, V02_GROUP_UNMERGE, &other);
}

long get_iommu(struct rig *rig, int group)
{
	return p_ioctl(&rig->a, group, V02_GROUP_GET_IOMMU_FD, NULL);
}

long get_device(struct rig *rig, int group, const char *name)
{
	return p_ioctl(&rig->a, group, V02_GROUP_GET_DEVICE_FD,
		       (void *)(uintptr_t)name);
}

long map(struct rig *rig, int iommu, uint64_t iova, unsigned int page,
	 unsigned int count, uint64_t flags)
{
	struct v02_dma_map arg = {
		.len = sizeof(arg),
		.vaddr = (uintptr_t)rig->memory + page * PAGE,
		.dmaaddr = iova,
		.size = count * PAGE,
		.flags = flags,
	};

	return p_ioctl(&rig->a, iommu, V02_IOMMU_MAP_DMA, &arg);
}

long unmap(struct rig *rig, int iommu, uint64_t iova, unsigned int count)
{
	struct v02_dma_map arg = {.dmaaddr = iova, .size = count * PAGE};

	return p_ioctl(&rig->a, iommu, V02_IOMMU_UNMAP_DMA, &arg);
}

int dma_page(const struct fake *fake, uint64_t iova)
{
	uint8_t byte;

	if (!fake->domain ||
	    uvf_aspace_read(fake->domain, iova, &byte, 1, NULL))
		return -1;
	return byte - 1;
}

static const struct uvf_bus_ops bus_ops = {0};

static void process_init(struct process *process, struct rig *rig)
{
	process->rig = rig;
	process->caller.ops = &p_ops;
	process->caller.pid = getpid();
	process->has_ipc_lock = true;
	uvf_mutex_init(&process->lock);
	assert_int_equal(uvf_self_create(&process->caller.mm), 0);
}

static void process_fini(struct process *process)
{
	for (int fd = 0; fd < RIG_FDS; fd++)
		uvf_file_put(process->files[fd]);
	uvf_mm_put(process->caller.mm);
	uvf_mutex_fini(&process->lock);
}

struct rig *rig_create(const struct uvf_v02_host *host)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct uvfio_error err;

	assert_non_null(rig);
	assert_int_equal(uvf_profile_parse(&rig->profile, "v02", &err), 0);
	uvf_machine_init(&rig->machine, &rig->profile);
	uvf_machine_init(&rig->other, &rig->profile);
	assert_int_equal(uvf_bus_register(&rig->machine, "pci", &bus_ops, NULL,
					  &rig->pci),
			 0);
	assert_int_equal(uvf_bus_register(&rig->other, "platform", &bus_ops,
					  NULL, &rig->platform),
			 0);
	assert_int_equal(uvf_v02_create(&rig->v02, host), 0);
	process_init(&rig->a, rig);
	process_init(&rig->b, rig);
	rig->memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(rig->memory != MAP_FAILED);
	for (unsigned int i = 0; i < PAGES; i++)
		rig->memory[i * PAGE] = (uint8_t)(i + 1);
	uvf_reader_register();
	return rig;
}

static void delete_devices(struct rig *rig, struct uvf_machine *machine)
{
	struct uvf_bus_device **devices;
	size_t count;

	devices = uvf_machine_devices(machine, NULL, &count);
	assert_non_null(devices);
	for (size_t i = 0; i < count; i++)
		uvf_v02_group_del_dev(rig->v02, devices[i]);
	uvf_bus_devices_put(devices, count);
	uvf_machine_fini(machine);
}

void rig_destroy(struct rig *rig)
{
	process_fini(&rig->a);
	process_fini(&rig->b);
	delete_devices(rig, &rig->machine);
	delete_devices(rig, &rig->other);
	uvf_v02_destroy(rig->v02);
	munmap(rig->memory, PAGES * PAGE);
	free(rig);
	uvf_reader_unregister();
}

int rig_setup(void **state)
{
	*state = rig_create(&rig_host);
	return 0;
}

int rig_teardown(void **state)
{
	rig_destroy(*state);
	return 0;
}
