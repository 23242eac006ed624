/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/iommufd.h"

#include "core/file.h"
#include "iommu/iommufd/iommufd.h"

static long iommufd_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg)
{
	return uvf_iommufd_ioctl(file->object, caller, cmd, arg);
}

static void iommufd_release(struct uvf_file *file)
{
	uvf_iommufd_put(file->object);
}

static const struct uvf_file_ops iommufd_file_ops = {
	.ioctl = iommufd_ioctl,
	.release = iommufd_release,
};

static int node_open(struct uvf_misc *misc, struct uvf_file **ret_file)
{
	struct uvf_iommufd_node *node =
		uvf_container_of(misc, struct uvf_iommufd_node, misc);
	struct uvf_iommufd *ctx;
	int ret = uvf_iommufd_create(&ctx, &node->vfio->host);

	if (ret)
		return ret;
	ret = uvf_file_create(ret_file, UVF_FILE_IOMMUFD, &iommufd_file_ops,
			      ctx);
	if (ret)
		uvf_iommufd_put(ctx);
	return ret;
}

void uvf_iommufd_node_add(struct uvf_iommufd_node *node, struct uvf_vfio *vfio,
			  bool is_there)
{
	vfio->has_cdev = is_there;
	if (!is_there)
		return;
	node->vfio = vfio;
	node->misc = (struct uvf_misc){
		.path = "iommu",
		.mode = 0660,
		.open = node_open,
	};
	uvf_vfio_add_misc(vfio, &node->misc);
}

struct uvf_iommufd *uvf_iommufd_of_file(const struct uvf_file *file)
{
	return file->kind == UVF_FILE_IOMMUFD ? file->object : NULL;
}
