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
#include "history.h"
#include "iommu/iommu.h"
#include "machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 24
#define FILES_MAX      1024
#define TEXT_MAX       512
#define CHANGES_MAX    64
#define WORDS_MAX      12

static const char *const devices[] = {
	"edu,group=1",     "edu,group=1", "edu,group=2,driver=igb",
	"edu,driver=none", NULL,
};
static const char mdev[] =
	"mtty,uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001,type=mtty-2";

#define ADDRESSES                                                              \
	"0000:00:03.0", "0000:00:04.0", "0000:00:05.0", "0000:00:06.0", "1"
#define IDS                                                                    \
	"1234 11e8", "8086 10c9", "ffffffff ffffffff", "1234 11e8 1af4 1100",  \
		"1234 11e8 ffffffff ffffffff ff0000 ffffff",                   \
		"1234 11e8 0 0 0 0 1"

#define UUIDS                                                                  \
	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",                                \
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa1002",                        \
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa1003",                        \
		"83b8f4f2509f382f3c1ee6bfe0fa1004"

/* What writers of these files write, by the end of their names. */
static const struct {
	const char *name;
	const char *words[WORDS_MAX];
} writers[] = {
	{"bind", {ADDRESSES, UUIDS}},
	{"unbind", {ADDRESSES, UUIDS}},
	{"drivers_probe", {ADDRESSES, UUIDS}},
	{"create", {UUIDS}},
	{"driver_override",
	 {"vfio-pci", "pci-stub", "igb", "vfio_mdev", "\n", "none"}},
	{"new_id", {IDS}},
	{"remove_id", {IDS}},
	{"reset_method", {"flr", "pm", "af_flr", "default", "\n", "flr pm"}},
	{"type", {"DMA", "DMA-FQ", "identity", "auto"}},
	{"uevent",
	 {"add", "remove", "change",
	  "add 12345678-1234-1234-1234-"
	  "123456789abc A=1"}},
	{"control", {"on", "auto"}},
	{"rescan", {"1", "0"}},
	{"remove", {"1", "0"}},
	{"reset", {"1", "0"}},
};

/* What some writer writes. */
static const char *const words[] = {
	ADDRESSES, IDS,  "vfio-pci",  "pci-stub", "igb", "\n",
	"Y",       "N",  "0",         "2",        "flr", "DMA",
	"add",     "on", "0000:00:0", "-1",       " ",
};
#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

/* The files of a machine that nothing was done to. */
struct tree {
	struct file {
		char *path;
		const char *const *words; /* NULL: any will do */
		unsigned int word_count;
	} files[FILES_MAX], *writable[FILES_MAX];
	size_t count, writable_count;
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

static void find_words(struct file *file)
{
	const char *name = strrchr(file->path, '/') + 1;

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		if (strcmp(writers[i].name, name))
			continue;
		file->words = writers[i].words;
		while (file->word_count < WORDS_MAX &&
		       file->words[file->word_count])
			file->word_count++;
	}
}

static int take_file(void *arg, const char *path, mode_t mode,
		     const void *content, size_t size)
{
	struct tree *tree = arg;
	struct file *file;

	(void)content;
	(void)size;
	if (!tree)
		return 0;
	if (tree->count == FILES_MAX)
		abort();
	file = &tree->files[tree->count++];
	file->path = strdup(path);
	if (!file->path)
		abort();
	find_words(file);
	if (mode & 0222)
		tree->writable[tree->writable_count++] = file;
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

static const char *choose_word(const struct file *file, struct input *input)
{
	uint8_t choice = take8(input);

	if (file->word_count && choice < 192)
		return file->words[choice % file->word_count];
	return words[choice % WORD_COUNT];
}

/* A few words and bytes; returns the length. */
static size_t compose(const struct file *file, struct input *input,
		      char text[TEXT_MAX])
{
	uint8_t how = take8(input);
	size_t len = 0;

	for (unsigned int i = 0; i < (how & 3u); i++) {
		const char *word = choose_word(file, input);

		if (i)
			text[len++] = ' ';
		memcpy(text + len, word, strlen(word));
		len += strlen(word);
	}
	if (how & 4)
		text[len++] = '\n';
	if (how & 8)
		len += take_bytes(input, text + len, take8(input));
	return len;
}

static void run(struct uvf_vfio *vfio, const struct tree *tree,
		struct uvf_task *task, struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t how = take8(input);
		const struct file *file =
			how & 3 ? tree->writable[take16(input) %
						 tree->writable_count]
				: &tree->files[take16(input) % tree->count];
		uint64_t pos = how & 4 ? take16(input) : 0;
		char text[TEXT_MAX], raw[64];
		const char *path = file->path;

		if (!(how & 0xf0)) {
			raw[take_bytes(input, raw, sizeof(raw) - 1)] = '\0';
			path = raw;
		}
		if (how & 8)
			(void)uvf_sysfs_read(vfio, path, text, sizeof(text),
					     pos);
		else
			(void)uvf_sysfs_write(vfio, task, path, text,
					      compose(file, input, text), pos);
	}
}

/* A machine and its files; made anew once inputs have changed it often. */
struct bench {
	struct uvfio_machine *machine;
	struct tree tree;
	uint64_t generation;
	unsigned int changes;
};
static struct bench benches[16];

static void create(struct bench *bench, unsigned int number)
{
	bench->machine = machine_create(uvf_profile_name_at(number), NULL,
					devices, mdev);
	/* A new machine is like the last. */
	if (!bench->tree.count)
		walk(&bench->machine->vfio, &bench->tree);
	bench->generation = atomic_load(&bench->machine->bus.generation);
	bench->changes = 0;
}

/* Looks at what is left of a machine that was changed. */
static void check(struct bench *bench)
{
	uint64_t generation = atomic_load(&bench->machine->bus.generation);

	if (generation == bench->generation)
		return;
	bench->generation = generation;
	if (++bench->changes < CHANGES_MAX)
		return;
	walk(&bench->machine->vfio, NULL);
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		uvfio_machine_destroy(benches[i].machine);
		benches[i].machine = NULL;
	}
	history_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_registered;
	struct input input = {data, size};
	unsigned int number = take8(&input) & 15;
	struct bench *bench = &benches[number];
	struct uvf_task task;

	if (!uvf_profile_name_at(number))
		return 0;
	if (!is_registered)
		uvf_reader_register();
	is_registered = true;
	history_add(data, size);
	if (!bench->machine)
		create(bench, number);
	uvf_task_init(&task, "fuzz", 1);
	run(&bench->machine->vfio, &bench->tree, &task, &input);
	uvf_task_fini(&task);
	check(bench);
	return 0;
}
