/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * External users of groups, for programs that embed a machine
 * (uvfio/driver.h).
 */
#include "core/external.h"

#include <errno.h>

#include <uvfio/driver.h>

#include "core/file.h"
#include "front/inproc/inproc.h"
#include "front/machine.h"

/* Of the core; users do not see inside. */
static struct uvf_group *group_of(struct uvfio_group *group)
{
	return (struct uvf_group *)(void *)group;
}

int uvfio_group_get_external_user(struct uvfio_machine *machine, int fd,
				  struct uvfio_group **ret_group)
{
	struct uvf_file *file = uvf_inproc_file(machine->inproc, fd);
	struct uvf_group *group;
	int ret;

	if (!file)
		return -EBADF;
	ret = uvf_group_get_external_user(file, &group);
	uvf_file_put(file);
	if (!ret)
		*ret_group = (struct uvfio_group *)(void *)group;
	return ret;
}

void uvfio_group_put_external_user(struct uvfio_group *group)
{
	uvf_group_put_external_user(group_of(group));
}

int uvfio_external_user_iommu_id(struct uvfio_group *group)
{
	return (int)uvf_group_external_user_iommu_id(group_of(group));
}

long uvfio_external_check_extension(struct uvfio_group *group,
				    unsigned long extension)
{
	return uvf_group_external_check_extension(group_of(group), extension);
}
