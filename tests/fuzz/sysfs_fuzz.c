/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes to any file of /sys, and reads of all of them: a result or an
 * errno each, and a tree that can be walked after it.
 *
 * An input is a profile's number, then operations; see run().  Nothing has a
 * device open, so that no write waits.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/uvfio.h>

#include "base/profile.h"
#include "base/task.h"
#include "client.h"
#include "front/machine.h"
#include "fs/sysfs.h"
#include "iommu/iommu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 24
#define FILES_MAX      1024
#define TEXT_MAX       512

static const char *const devices[] = {
	"edu,group=1",     "edu,group=1", "edu,group=2,driver=igb",
	"edu,driver=none", NULL,
};

/* What writers of these files write. */
static const char *const words[] = {
	"0000:00:03.0",
	"0000:00:04.0",
	"0000:00:05.0",
	"0000:00:06.0",
	"1",
	"0",
	"vfio-pci",
	"pci-stub",
	"igb",
	"\n",
	"1234 11e8",
	"Y",
	"DMA",
	"DMA-FQ",
	"on",
	"auto",
	"flr",
	"add",
	"0000:00:",
	" ",
};

struct tree {
	char *files[FILES_MAX];
	size_t count;
};

static int take_dir(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return 0;
}

static int take_link(void *arg, const char *path, const char *target)
{
	(void)arg;
	(void)path;
	(void)target;
	return 0;
}

static int take_file(void *arg, const char *path, mode_t mode,
		     const void *content, size_t size)
{
	struct tree *tree = arg;

	(void)mode;
	(void)content;
	(void)size;
	if (!tree)
		return 0;
	if (tree->count == FILES_MAX)
		abort();
	tree->files[tree->count] = strdup(path);
	if (!tree->files[tree->count++])
		abort();
	return 0;
}

/* Walks all of it; puts the files into a tree, if there is one. */
static void walk(struct uvf_vfio *vfio, struct tree *tree)
{
	const struct uvf_sysfs_sink sink = {
		.dir = take_dir,
		.file = take_file,
		.link = take_link,
		.arg = tree,
	};

	if (uvf_sysfs_walk(vfio, &sink))
		abort();
}

/* A few words and bytes; returns the length. */
static size_t compose(struct input *input, char text[TEXT_MAX])
{
	unsigned int parts = take8(input) % 4;
	size_t len = 0;

	for (unsigned int i = 0; i < parts; i++) {
		const char *word =
			words[take8(input) % (sizeof(words) / sizeof(*words))];

		memcpy(text + len, word, strlen(word));
		len += strlen(word);
		if (take8(input) & 1)
			text[len++] = ' ';
	}
	return len + take_bytes(input, text + len, take8(input));
}

static void run(struct uvf_vfio *vfio, const struct tree *tree,
		struct uvf_task *task, struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		const char *path = tree->files[take16(input) % tree->count];
		uint8_t how = take8(input);
		uint64_t pos = how & 1 ? take16(input) : 0;
		char text[TEXT_MAX], raw[64];

		if (how & 2) {
			raw[take_bytes(input, raw, sizeof(raw) - 1)] = '\0';
			path = raw;
		}
		if (how & 4)
			(void)uvf_sysfs_read(vfio, path, text, sizeof(text),
					     pos);
		else
			(void)uvf_sysfs_write(vfio, task, path, text,
					      compose(input, text), pos);
	}
}

/* A machine and its files; made anew once an input has changed it. */
struct bench {
	struct uvfio_machine *machine;
	struct tree tree;
	uint64_t generation;
};

static void renew(struct bench *bench, unsigned int number)
{
	struct uvfio_machine_params params = {
		.abi = uvf_profile_name_at(number),
		.devices = devices,
	};
	struct uvfio_error err = {""};

	if (bench->machine &&
	    bench->generation == atomic_load(&bench->machine->bus.generation))
		return;
	uvfio_machine_destroy(bench->machine);
	if (uvfio_machine_create(&bench->machine, &params, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	/* A new machine is like the last. */
	if (!bench->tree.count)
		walk(&bench->machine->vfio, &bench->tree);
	bench->generation = atomic_load(&bench->machine->bus.generation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench benches[16];
	static bool is_registered;
	struct input input = {data, size};
	unsigned int number = take8(&input) & 15;
	struct uvf_task task;

	if (!uvf_profile_name_at(number))
		return 0;
	if (!is_registered)
		uvf_reader_register();
	is_registered = true;
	renew(&benches[number], number);
	uvf_task_init(&task, "fuzz", 1);
	run(&benches[number].machine->vfio, &benches[number].tree, &task,
	    &input);
	uvf_task_fini(&task);
	if (benches[number].generation !=
	    atomic_load(&benches[number].machine->bus.generation))
		walk(&benches[number].machine->vfio, NULL);
	return 0;
}
