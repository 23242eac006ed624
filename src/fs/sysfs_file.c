/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sysfs_file.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "core/file.h"

struct sysfs_file {
	char *path;
	char *content;
	size_t size;
};

static void destroy(struct sysfs_file *object)
{
	uvf_free(object->path);
	uvf_free(object->content);
	uvf_free(object);
}

static void sysfs_file_release(struct uvf_file *file)
{
	destroy(file->object);
}

static const struct uvf_file_ops operations = {
	.release = sysfs_file_release,
};

int uvf_sysfs_file_create(struct uvf_file **ret_file, const char *path,
			  const void *content, size_t size)
{
	struct sysfs_file *object = uvf_zalloc(sizeof(*object));
	int ret = -ENOMEM;

	if (!object)
		return -ENOMEM;
	object->path = uvf_strdup(path);
	object->content = uvf_zalloc(size + 1);
	if (object->path && object->content) {
		memcpy(object->content, content, size);
		object->size = size;
		ret = uvf_file_create(ret_file, UVF_FILE_SYSFS, &operations,
				      object);
	}
	if (ret)
		destroy(object);
	return ret;
}

const char *uvf_sysfs_file_path(const struct uvf_file *file)
{
	const struct sysfs_file *object = file->object;

	return object->path;
}

const void *uvf_sysfs_file_content(const struct uvf_file *file,
				   size_t *ret_size)
{
	const struct sysfs_file *object = file->object;

	*ret_size = object->size;
	return object->content;
}
