/* SPDX-License-Identifier: BSD-3-Clause */
/* Character devices and groups, contexts, drivers and DMA. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IOVA 0x100000ull

struct cdev {
	int fd;
	int iommufd;
	uint32_t devid;
	uint32_t ioas;
	unsigned char *at; /* two pages at IOVA */
};

static struct cdev bound(int dev)
{
	struct cdev c = {.fd = cdev_open(dev), .iommufd = iommufd_open()};

	c.devid = cdev_id(c.fd, c.iommufd);
	return c;
}

static struct cdev attached(int dev)
{
	struct cdev c = bound(dev);

	c.ioas = ioas_alloc(c.iommufd);
	need(!cdev_attach(c.fd, c.ioas), "attach");
	return c;
}

static struct cdev mapped(int dev)
{
	struct cdev c = attached(dev);

	c.at = pages(2);
	need(!ioas_map(c.iommufd, c.ioas, c.at, IOVA, 2 * PAGE), "map");
	edu_quiet(c.fd);
	cfg_command(c.fd, 0, 4);
	return c;
}

/* Writes the first page of what is mapped to the second. */
static void show_dma(const char *key, const struct cdev *c)
{
	memset(c->at, 0x5a, 64);
	memset(c->at + PAGE, 0, 64);
	need(!edu_dma(c->fd, IOVA, EDU_DMA_BUF, 64, 0), "dma-in");
	need(!edu_dma(c->fd, EDU_DMA_BUF, IOVA + PAGE, 64, 2), "dma-out");
	value(key, !memcmp(c->at, c->at + PAGE, 64));
}

static void dma_works(void)
{
	struct cdev c = mapped(0);

	result(0);
	show_dma("dma", &c);
}

static void dma_outlives_the_closed_iommufd(void)
{
	struct cdev c = mapped(0);

	result(close(c.iommufd));
	show_dma("dma", &c);
	outcome("detach", cdev_detach(c.fd));
}

/* Shows M60. */
static void dma_follows_a_replacement(void)
{
	struct cdev c = mapped(0);
	uint32_t other = ioas_alloc(c.iommufd);
	unsigned char *second = pages(2);

	need(!ioas_map(c.iommufd, other, second, IOVA, 2 * PAGE), "map-2");
	show_dma("first", &c);
	result(cdev_attach(c.fd, other));
	c.at = second;
	show_dma("second", &c);
}

static void mappings_outlive_the_device(void)
{
	struct cdev c = mapped(0);

	close(c.fd);
	outcome("map", ioas_map(c.iommufd, c.ioas, c.at, IOVA, PAGE));
	c.fd = cdev_open(0);
	cdev_id(c.fd, c.iommufd);
	result(cdev_attach(c.fd, c.ioas));
	cfg_command(c.fd, 0, 4);
	show_dma("dma", &c);
}

static void interrupts_work(void)
{
	struct cdev c = attached(0);
	int fd = event_fd();

	edu_quiet(c.fd);
	cfg_command(c.fd, 0, 4);
	result(irq_trigger_fd(c.fd, VFIO_PCI_MSI_IRQ_INDEX, fd));
	edu_write(c.fd, EDU_RAISE, 1);
	value("events", events(fd));
}

static void the_group_is_busy_while_bound(void)
{
	struct cdev c = bound(0);

	result_fd(group_try_open(0));
	outcome("other", group_try_open(1) < 0 ? -1 : 0);
	close(c.fd);
	outcome("closed", group_try_open(0) < 0 ? -1 : 0);
}

static void the_group_is_free_while_open(void)
{
	cdev_open(0);
	result_fd(group_try_open(0));
}

static void a_group_that_closes_lets_bind(void)
{
	int group = group_open(0), cdev = cdev_open(0),
	    iommufd = iommufd_open();

	outcome("open", cdev_bind(cdev, iommufd));
	outcome("closed_iommufd", cdev_bind(cdev, closed_fd()));
	close(group);
	result(cdev_bind(cdev, iommufd));
}

static void a_device_of_the_group_excludes_bind(void)
{
	struct session s = session_device();
	int cdev = cdev_open(0), iommufd = iommufd_open();

	outcome("open", cdev_bind(cdev, iommufd));
	close(s.group);
	outcome("group_closed", cdev_bind(cdev, iommufd));
	close(s.device);
	result(cdev_bind(cdev, iommufd));
}

static void the_other_member_in_the_same_context(void)
{
	struct cdev c = attached(MEMBER_A);
	int b = cdev_open(MEMBER_B);

	result(cdev_bind(b, c.iommufd));
	outcome("attach", cdev_attach(b, c.ioas));
	outcome("other_ioas", cdev_attach(b, ioas_alloc(c.iommufd)));
	hex("id", edu_read(b, EDU_ID));
}

static void the_other_member_in_another_context(void)
{
	struct cdev c = bound(MEMBER_A);
	int b = cdev_open(MEMBER_B), other = iommufd_open();

	result(cdev_bind(b, other));
	close(c.fd);
	outcome("closed", cdev_bind(b, other));
}

static void a_member_and_its_group(void)
{
	struct cdev c = bound(MEMBER_A);

	result_fd(group_try_open(MEMBER_A));
	close(c.fd);
	outcome("closed", group_try_open(MEMBER_A) < 0 ? -1 : 0);
}

static void a_container_of_the_group_excludes_members(void)
{
	int group = group_open(MEMBER_A), c = container_open();
	int b = cdev_open(MEMBER_B), iommufd = iommufd_open();

	need(!group_attach(group, c), "set-container");
	need(!ioctl(c, VFIO_SET_IOMMU, 3ul), "set-iommu");
	outcome("open", cdev_bind(b, iommufd));
	need(device_open(group, MEMBER_A) >= 0, "get-device-fd");
	close(group);
	result(cdev_bind(b, iommufd));
}

static const char *const orders[] = {"cdev_first", "iommufd_first"};

static const char *order_label(long i)
{
	return i < (long)COUNT(orders) ? orders[i] : NULL;
}

static void closing(long i)
{
	struct cdev c = mapped(0);
	int group;

	close(i ? c.iommufd : c.fd);
	group = group_try_open(0);
	outcome("group", group < 0 ? -1 : 0);
	close(group);
	close(i ? c.fd : c.iommufd);
	result(group_status(group_open(0)));
}

static void a_dup_keeps_the_binding(void)
{
	struct cdev c = attached(0);
	int copy = dup(c.fd);

	close(c.fd);
	outcome("group", group_try_open(0));
	result(cdev_detach(copy));
	hex("id", edu_read(copy, EDU_ID));
}

static const struct {
	const char *label;
	uint32_t argsz, flags;
} asked[] = {
	{"short", 7, 1u << 18},
	{"unknown_bit", 8, 1u << 19},
	{"probe", 8, 1u << 18},
	{"get_and_set", 64, 3u << 16},
	{"get_set_probe", 64, 7u << 16},
	{"index_only", 64, 0},
	{"migration_probe", 8, 1u << 18 | 1},
	{"migration_get", 64, 1u << 16 | 1},
	{"bus_master_set", 64, 1u << 17 | 10},
	{"low_power_probe", 8, 1u << 18 | 1u << 17 | 3},
	{"low_power_get", 64, 1u << 16 | 3},
	{"logging_start_probe", 8, 1u << 18 | 6},
	{"unknown_get", 64, 1u << 16 | 999},
	{"unknown_probe", 8, 1u << 18 | 999},
};

static const char *asked_label(long i)
{
	return i < (long)COUNT(asked) ? asked[i].label : NULL;
}

static void feature(long i)
{
	uint32_t buf[16] = {asked[i].argsz, asked[i].flags};
	struct cdev c = {.fd = cdev_open(0), .iommufd = iommufd_open()};

	outcome("unbound", ioctl(c.fd, VFIO_DEVICE_FEATURE, buf));
	cdev_id(c.fd, c.iommufd);
	result(ioctl(c.fd, VFIO_DEVICE_FEATURE, buf));
	need(!cdev_attach(c.fd, ioas_alloc(c.iommufd)), "attach");
	outcome("attached", ioctl(c.fd, VFIO_DEVICE_FEATURE, buf));
}

static const struct conf_case cases[] = {
	CASE(dma_works),
	CASE(dma_outlives_the_closed_iommufd),
	CASE(dma_follows_a_replacement),
	CASE(mappings_outlive_the_device),
	CASE(interrupts_work),
	CASE(the_group_is_busy_while_bound),
	CASE(the_group_is_free_while_open),
	CASE(a_group_that_closes_lets_bind),
	CASE(a_device_of_the_group_excludes_bind),
	CASE(the_other_member_in_the_same_context),
	CASE(the_other_member_in_another_context),
	CASE(a_member_and_its_group),
	CASE(a_container_of_the_group_excludes_members),
	EACH(closing, order_label),
	CASE(a_dup_keeps_the_binding),
	EACH(feature, asked_label),
};

TABLE_OF(table_cdev_states, "cdev_states", cases, has_cdev);
