/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The models that `-d` can name: those that are built in, and those in shared
 * objects.
 */
#ifndef UVF_FRONT_MODELS_H
#define UVF_FRONT_MODELS_H

struct uvfio_error;
struct uvfio_pci_model;
struct uvfio_platform_model;

/**
 * uvf_model_get() - the model of a name
 * @name:      of a built-in model; with a slash, the path of a shared object
 *             as dlopen(3) takes it
 * @ret_model: written on success: the model, valid for the life of the process
 *             since what is loaded stays, or NULL: there is none of this name
 * @err:       one line that names the file
 *
 * Loading an object runs what its author wants to run.
 *
 * Return: 0, or -EINVAL: the object cannot be loaded, has no uvfio_model, or
 * is made for another version of uvfio.
 */
int uvf_model_get(const char *name, const struct uvfio_pci_model **ret_model,
		  struct uvfio_error *err);

/* A built-in model of a platform device by its name, or NULL. */
const struct uvfio_platform_model *uvf_platform_model_find(const char *name);

#endif /* UVF_FRONT_MODELS_H */
