/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls against a naive model of VFIO v0.2: three devices in two
 * groups, and one in a third; two processes.  UVF_SEED sets the seed.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS   60000u
#define GROUPS  4u
#define DEVICES 5u
#define FILES   24u
#define PAGES   16u

enum kind {
	NONE,
	GROUP,
	IOMMU,
	DEVICE,
};

/* A set, by the number of one of its groups; each group is in one. */
struct set {
	bool is_open;
	int owner;        /* process */
	int pages[PAGES]; /* what is mapped there, or -1 */
};

static const unsigned int group_of_device[DEVICES] = {0, 0, 1, 2, 3};
static const char *const device_names[DEVICES] = {"a", "b", "c", "d", "e"};
static const char *const group_nodes[GROUPS] = {"1", "2", "3", "4"};

/* What the model knows.  Sets have names that are never used again. */
static struct {
	int set_of[GROUPS]; /* -1: no iommu */
	struct set *sets;
	int set_count;
	bool is_bound[DEVICES];
	struct {
		enum kind kind;
		unsigned int object; /* group or device */
		int set;             /* of an iommu */
		int process, fd;
	} files[FILES];
} model;

static uint64_t seed;

static unsigned int draw(unsigned int below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed % below);
}

static int new_set(void)
{
	struct set *set = &model.sets[model.set_count];

	memset(set, 0, sizeof(*set));
	memset(set->pages, 0xff, sizeof(set->pages));
	return model.set_count++;
}

static bool is_group_open(unsigned int group)
{
	for (unsigned int i = 0; i < FILES; i++)
		if (model.files[i].kind == GROUP &&
		    model.files[i].object == group)
			return true;
	return false;
}

static bool has_open_device(unsigned int group)
{
	for (unsigned int i = 0; i < FILES; i++)
		if (model.files[i].kind == DEVICE &&
		    group_of_device[model.files[i].object] == group)
			return true;
	return false;
}

static bool is_in_use(int set)
{
	for (unsigned int i = 0; i < FILES; i++)
		if (model.files[i].kind == IOMMU && model.files[i].set == set)
			return true;
	for (unsigned int g = 0; g < GROUPS; g++)
		if (model.set_of[g] == set && has_open_device(g))
			return true;
	return false;
}

static bool is_viable(int set)
{
	for (unsigned int d = 0; d < DEVICES; d++)
		if (model.set_of[group_of_device[d]] == set &&
		    !model.is_bound[d])
			return false;
	return true;
}

static unsigned int size_of(int set)
{
	unsigned int size = 0;

	for (unsigned int g = 0; g < GROUPS; g++)
		size += model.set_of[g] == set;
	return size;
}

static void close_set(int set)
{
	model.sets[set].is_open = false;
	memset(model.sets[set].pages, 0xff, sizeof(model.sets[set].pages));
}

static void settle(int set)
{
	bool is_held = false;

	if (is_in_use(set))
		return;
	close_set(set);
	for (unsigned int g = 0; g < GROUPS; g++)
		is_held |= model.set_of[g] == set && is_group_open(g);
	for (unsigned int g = 0; g < GROUPS && !is_held; g++)
		if (model.set_of[g] == set)
			model.set_of[g] = -1;
}

static long open_set(int set, int process)
{
	if (!is_viable(set))
		return -EBUSY;
	model.sets[set].is_open = true;
	model.sets[set].owner = process;
	return 0;
}

static bool is_foreign(int set, int process)
{
	return model.sets[set].is_open && model.sets[set].owner != process;
}

static struct process *process_at(struct rig *rig, int process)
{
	return process ? &rig->b : &rig->a;
}

static int free_file(void)
{
	for (unsigned int i = 0; i < FILES; i++)
		if (model.files[i].kind == NONE)
			return (int)i;
	return -1;
}

/* A file of a kind, or -1; of any process. */
static int draw_file(enum kind kind)
{
	unsigned int start = draw(FILES);

	for (unsigned int i = 0; i < FILES; i++)
		if (model.files[(start + i) % FILES].kind == kind)
			return (int)((start + i) % FILES);
	return -1;
}

static void keep_file(int i, enum kind kind, unsigned int object, int process,
		      long fd)
{
	assert_true(fd >= 0);
	model.files[i].kind = kind;
	model.files[i].object = object;
	model.files[i].process = process;
	model.files[i].fd = (int)fd;
}

static void step_open(struct rig *rig)
{
	unsigned int group = draw(GROUPS);
	int process = (int)draw(2), i = free_file();

	if (i < 0)
		return;
	keep_file(i, GROUP, group, process,
		  p_open(process_at(rig, process), group_nodes[group]));
	if (model.set_of[group] < 0)
		model.set_of[group] = new_set();
}

static void step_close(struct rig *rig)
{
	unsigned int i = draw(FILES);
	enum kind kind = model.files[i].kind;
	int set;

	if (kind == NONE)
		return;
	if (kind == IOMMU)
		set = model.files[i].set;
	else if (kind == GROUP)
		set = model.set_of[model.files[i].object];
	else
		set = model.set_of[group_of_device[model.files[i].object]];
	p_close(process_at(rig, model.files[i].process), model.files[i].fd);
	model.files[i].kind = NONE;
	settle(set);
}

static void step_flags(struct rig *rig)
{
	int i = draw_file(GROUP), set;
	uint64_t flags = 0, want = 0;

	if (i < 0)
		return;
	set = model.set_of[model.files[i].object];
	if (is_viable(set))
		want |= V02_GROUP_VIABLE;
	if (model.sets[set].is_open)
		want |= V02_GROUP_MM_LOCKED;
	assert_int_equal(p_ioctl(process_at(rig, model.files[i].process),
				 model.files[i].fd, V02_GROUP_GET_FLAGS,
				 &flags),
			 0);
	assert_int_equal(flags, want);
}

static long want_merge(unsigned int self, unsigned int other, int process)
{
	int set = model.set_of[self], theirs = model.set_of[other];

	if (is_foreign(set, process))
		return -EPERM;
	if (self == other || set == theirs || model.sets[theirs].is_open ||
	    size_of(theirs) > 1)
		return -EINVAL;
	if (!is_viable(theirs) || (!model.sets[set].is_open && !is_viable(set)))
		return -EBUSY;
	if (!model.sets[set].is_open)
		(void)open_set(set, process);
	model.set_of[other] = set;
	return 0;
}

static long want_unmerge(unsigned int self, unsigned int other, int process)
{
	int set = model.set_of[self];

	if (is_foreign(set, process))
		return -EPERM;
	if (self == other || model.set_of[other] != set)
		return -EINVAL;
	if (has_open_device(other))
		return -EBUSY;
	model.set_of[other] = new_set();
	return 0;
}

/* Both descriptors have to be of the process that calls. */
static void step_merge(struct rig *rig, bool is_merge)
{
	int i = draw_file(GROUP), n = draw_file(GROUP), process;
	long want, got;

	if (i < 0 || n < 0 || model.files[i].process != model.files[n].process)
		return;
	process = model.files[i].process;
	want = (is_merge ? want_merge : want_unmerge)(
		model.files[i].object, model.files[n].object, process);
	got = p_ioctl(process_at(rig, process), model.files[i].fd,
		      is_merge ? V02_GROUP_MERGE : V02_GROUP_UNMERGE,
		      &model.files[n].fd);
	assert_int_equal(got, want);
}

static long want_open(int set, int process)
{
	if (is_foreign(set, process))
		return -EPERM;
	return model.sets[set].is_open ? 0 : open_set(set, process);
}

static void step_iommu(struct rig *rig)
{
	int i = draw_file(GROUP), n = free_file(), process, set;
	long want, got;

	if (i < 0 || n < 0)
		return;
	process = model.files[i].process;
	set = model.set_of[model.files[i].object];
	want = want_open(set, process);
	got = p_ioctl(process_at(rig, process), model.files[i].fd,
		      V02_GROUP_GET_IOMMU_FD, NULL);
	if (want) {
		assert_int_equal(got, want);
		return;
	}
	keep_file(n, IOMMU, 0, process, got);
	model.files[n].set = set;
}

static void step_device(struct rig *rig)
{
	int i = draw_file(GROUP), n = free_file(), process, set;
	unsigned int device = draw(DEVICES);
	long want, got;

	if (i < 0 || n < 0)
		return;
	process = model.files[i].process;
	set = model.set_of[model.files[i].object];
	want = want_open(set, process);
	if (!want && model.set_of[group_of_device[device]] != set)
		want = -ENODEV;
	got = p_ioctl(process_at(rig, process), model.files[i].fd,
		      V02_GROUP_GET_DEVICE_FD,
		      (void *)(uintptr_t)device_names[device]);
	if (want) {
		assert_int_equal(got, want);
		if (want == -ENODEV)
			settle(set);
		return;
	}
	keep_file(n, DEVICE, device, process, got);
}

static void step_map(struct rig *rig, bool is_map)
{
	int i = draw_file(IOMMU);
	unsigned int first = draw(PAGES), count = 1 + draw(PAGES - first);
	unsigned int memory = draw(32);
	struct set *set;
	struct v02_dma_map arg;
	long want = 0;

	if (i < 0)
		return;
	set = &model.sets[model.files[i].set];
	arg = (struct v02_dma_map){
		.vaddr = (uintptr_t)rig->memory + memory * PAGE,
		.dmaaddr = first * PAGE,
		.size = count * PAGE,
	};
	for (unsigned int p = first; p < first + count && is_map; p++)
		if (set->pages[p] >= 0)
			want = -EBUSY;
	assert_int_equal(
		p_ioctl(process_at(rig, model.files[i].process),
			model.files[i].fd,
			is_map ? V02_IOMMU_MAP_DMA : V02_IOMMU_UNMAP_DMA, &arg),
		want);
	for (unsigned int p = first; p < first + count && !want; p++)
		set->pages[p] = is_map ? (int)(memory + p - first) : -1;
}

/* Only where it does not wait, which the model knows. */
static void step_unbind(struct fake *fakes[DEVICES])
{
	unsigned int device = draw(DEVICES);
	int set = model.set_of[group_of_device[device]];

	if (!model.is_bound[device])
		fake_bind(fakes[device]);
	else if (set < 0 || !is_in_use(set))
		assert_ptr_equal(fake_unbind(fakes[device]), fakes[device]);
	else
		return;
	model.is_bound[device] = !model.is_bound[device];
}

/* What each device reaches is what its set has mapped. */
static void check_dma(struct fake *fakes[DEVICES])
{
	unsigned int device = draw(DEVICES), page = draw(PAGES);
	int set = model.set_of[group_of_device[device]];
	int want = set < 0 ? -1 : model.sets[set].pages[page];

	assert_int_equal(dma_page(fakes[device], page * PAGE), want);
	assert_int_equal(!!fakes[device]->domain,
			 set >= 0 && model.sets[set].is_open);
}

static void agrees_with_the_model(void **state)
{
	const char *text = getenv("UVF_SEED");
	struct fake *fakes[DEVICES];
	struct rig *rig = *state;

	seed = text ? strtoull(text, NULL, 0) : 20111103;
	printf("seed %llu\n", (unsigned long long)seed);
	/* A step makes one set at most. */
	model.sets = calloc(STEPS + 1, sizeof(*model.sets));
	assert_non_null(model.sets);
	memset(model.set_of, 0xff, sizeof(model.set_of));
	for (unsigned int d = 0; d < DEVICES; d++) {
		fakes[d] = fake_add(rig, rig->pci, device_names[d],
				    1 + (int)group_of_device[d], true);
		model.is_bound[d] = true;
	}
	for (unsigned int i = 0; i < STEPS; i++) {
		switch (draw(12)) {
		case 0:
			step_open(rig);
			break;
		case 1:
		case 2:
			step_close(rig);
			break;
		case 3:
			step_flags(rig);
			break;
		case 4:
		case 5:
			step_merge(rig, true);
			break;
		case 6:
			step_merge(rig, false);
			break;
		case 7:
			step_iommu(rig);
			break;
		case 8:
			step_device(rig);
			break;
		case 9:
			step_map(rig, true);
			break;
		case 10:
			step_map(rig, false);
			break;
		default:
			if (!draw(4))
				step_unbind(fakes);
		}
		check_dma(fakes);
	}
	free(model.sets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(agrees_with_the_model),
	};

	return cmocka_run_group_tests_name("v02/model", tests, NULL, NULL);
}
