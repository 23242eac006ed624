/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/models.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <uvfio/machine.h>
#include <uvfio/platform.h>

/* Made from the list of folders in src/devices/meson.build. */
extern const struct uvfio_pci_model *const uvfio_models[];
extern const struct uvfio_platform_model *const uvfio_platform_models[];

const struct uvfio_pci_model *uvfio_model_at(unsigned int index)
{
	for (unsigned int i = 0; i < index; i++)
		if (!uvfio_models[i])
			return NULL;
	return uvfio_models[index];
}

static const struct uvfio_pci_model *find_built_in(const char *name)
{
	const struct uvfio_pci_model *model;

	for (unsigned int i = 0; (model = uvfio_model_at(i)); i++)
		if (!strcmp(model->name, name))
			return model;
	return NULL;
}

/* What must be so before a word of the model's can be shown to anybody. */
static int check(const char *path, const struct uvfio_pci_model *model,
		 struct uvfio_error *err)
{
	if (model->abi != UVFIO_DEVICE_ABI) {
		uvfio_error_set(err,
				"%s: made for version %u of the interface of "
				"devices, and this is version %u; compile it "
				"with the headers of this uvfio",
				path, model->abi, UVFIO_DEVICE_ABI);
		return -EINVAL;
	}
	if (!model->name || !model->summary) {
		uvfio_error_set(err,
				"%s: its uvfio_model has no name or no summary",
				path);
		return -EINVAL;
	}
	return 0;
}

static int load(const char *path, const struct uvfio_pci_model **ret_model,
		struct uvfio_error *err)
{
	const struct uvfio_pci_model *model;
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int ret;

	if (!object) {
		/* It begins with the path. */
		uvfio_error_set(err, "%s", dlerror());
		return -EINVAL;
	}
	model = dlsym(object, "uvfio_model");
	if (!model) {
		uvfio_error_set(err,
				"%s: no model: it defines no uvfio_model, see "
				"uvfio/pci.h",
				path);
		dlclose(object);
		return -EINVAL;
	}
	ret = check(path, model, err);
	if (ret) {
		dlclose(object);
		return ret;
	}
	*ret_model = model;
	return 0;
}

int uvf_model_get(const char *name, const struct uvfio_pci_model **ret_model,
		  struct uvfio_error *err)
{
	if (strchr(name, '/'))
		return load(name, ret_model, err);
	*ret_model = find_built_in(name);
	return 0;
}

const struct uvfio_platform_model *uvfio_platform_model_at(unsigned int index)
{
	for (unsigned int i = 0; i < index; i++)
		if (!uvfio_platform_models[i])
			return NULL;
	return uvfio_platform_models[index];
}

const struct uvfio_platform_model *uvf_platform_model_find(const char *name)
{
	const struct uvfio_platform_model *model;

	for (unsigned int i = 0; (model = uvfio_platform_model_at(i)); i++)
		if (!strcmp(model->name, name))
			return model;
	return NULL;
}
