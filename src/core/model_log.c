/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/model_log.h"

#include <errno.h>

#include "base/alloc.h"
#include "core/dma_logging.h"
#include "core/model.h"
#include "iommu/dirty.h"

#define PAGE 4096ull

struct uvf_model_log {
	struct uvf_dirty *written;
	size_t count;
	struct uvf_range ranges[]; /* ascending; they do not meet */
};

void uvf_model_log_destroy(struct uvf_model_log *log)
{
	if (!log)
		return;
	uvf_dirty_destroy(log->written);
	uvf_free(log);
}

void uvf_model_log_mark(struct uvf_model_log *log, uint64_t iova, size_t len)
{
	struct uvf_range written = {iova, iova + len - 1};

	if (!len)
		return;
	for (size_t i = 0; i < log->count; i++) {
		struct uvf_range part = log->ranges[i];

		if (!uvf_range_meets(part, written))
			continue;
		if (part.first < written.first)
			part.first = written.first;
		if (part.last > written.last)
			part.last = written.last;
		uvf_dirty_mark(log->written, part);
	}
}

static struct uvf_model_log *create(const struct uvf_itree *ranges)
{
	struct uvf_model_log *log = uvf_zalloc(
		sizeof(*log) + ranges->count * sizeof(log->ranges[0]));

	if (!log)
		return NULL;
	log->written = uvf_dirty_create();
	if (!log->written) {
		uvf_free(log);
		return NULL;
	}
	for (struct uvf_inode *node = uvf_itree_first(ranges); node;
	     node = uvf_itree_next(node))
		log->ranges[log->count++] = node->key;
	return log;
}

/*
 * Pages are of 4 KiB, so larger ones can be told of, too.
 * Return: 0, or -EINVAL it logs already, -ENOMEM.
 */
static int start(void *arg, struct uvf_itree *ranges, unsigned int count,
		 uint64_t *page_size)
{
	struct uvf_model_log *log = create(ranges);
	struct uvfio_dev *dev = arg;
	int ret = 0;

	(void)count;
	if (!log)
		return -ENOMEM;
	uvf_lock(&dev->lock);
	if (dev->log)
		ret = -EINVAL;
	else
		dev->log = log;
	uvf_unlock(&dev->lock);
	if (ret)
		uvf_model_log_destroy(log);
	else if (*page_size < PAGE || *page_size & (*page_size - 1))
		*page_size = PAGE;
	return ret;
}

static int stop(void *arg)
{
	struct uvfio_dev *dev = arg;
	struct uvf_model_log *log;

	uvf_lock(&dev->lock);
	log = dev->log;
	dev->log = NULL;
	uvf_unlock(&dev->lock);
	uvf_model_log_destroy(log);
	return 0;
}

struct report {
	struct uvf_dirty *written;
	struct uvf_dirty_bitmap *bitmap;
	int ret;
};

/* What could not be told is told the next time. */
static void tell(void *arg, struct uvf_range iova)
{
	struct report *report = arg;

	if (!report->ret)
		report->ret = uvf_dirty_bitmap_set(report->bitmap, iova);
	if (report->ret)
		uvf_dirty_mark(report->written, iova);
}

/* Return: 0, or -EINVAL it does not log, -EFAULT. */
static int report(void *arg, struct uvf_range iova,
		  struct uvf_dirty_bitmap *bitmap)
{
	struct report report = {.bitmap = bitmap};
	struct uvfio_dev *dev = arg;

	uvf_lock(&dev->lock);
	if (!dev->log) {
		report.ret = -EINVAL;
	} else {
		report.written = dev->log->written;
		iova.first &= ~(PAGE - 1);
		iova.last |= PAGE - 1;
		uvf_dirty_take(report.written, iova, true, tell, &report);
	}
	uvf_unlock(&dev->lock);
	return report.ret;
}

const struct uvf_dma_log_ops uvf_model_log_ops = {
	.start = start,
	.stop = stop,
	.report = report,
};
