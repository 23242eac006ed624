/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target over the files of a directory, each once: what was
 * found before stays fixed, in every build.  Or over the inputs of a history
 * (history.h), in their order.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(data, size);
}

static int replay_history(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	unsigned int count = 0;
	uint32_t len;
	int failed = 0;

	if (!file) {
		perror(path);
		return 1;
	}
	while (fread(&len, sizeof(len), 1, file) == 1 && len &&
	       len <= sizeof(data) && fread(data, len, 1, file) == 1) {
		failed |= LLVMFuzzerTestOneInput(data, len);
		count++;
	}
	fclose(file);
	printf("%u inputs\n", count);
	return failed || !count;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned int count = 0;
	struct dirent *entry;
	int failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY|HISTORY\n", argv[0]);
		return 2;
	}
	if (!dir && errno == ENOTDIR)
		return replay_history(argv[1]);
	if (!dir) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		failed |= replay(argv[1], entry->d_name);
		count++;
	}
	closedir(dir);
	printf("%u inputs\n", count);
	return failed || !count;
}
