/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs each case in a process of its own and prints one line for each:
 * what it reported, then how it died if it did.  What real kernels print is
 * recorded, and compared with.  Shows M88.
 */
#include "lib.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIME_LIMIT 30 /* seconds; emulated machines are slow */

extern const struct case_table table_container;
extern const struct case_table table_check_extension;
extern const struct case_table table_group;
extern const struct case_table table_set_container;
extern const struct case_table table_get_device_fd;
extern const struct case_table table_map_dma;
extern const struct case_table table_unmap_dma;
extern const struct case_table table_get_iommu_info;
extern const struct case_table table_dirty_pages;
extern const struct case_table table_update_vaddr;
extern const struct case_table table_device_info;
extern const struct case_table table_region_info;
extern const struct case_table table_irq_info;
extern const struct case_table table_set_irqs;
extern const struct case_table table_set_irqs_intx;
extern const struct case_table table_set_irqs_msi;
extern const struct case_table table_set_irqs_err_req;
extern const struct case_table table_irq_delivery;
extern const struct case_table table_reset;
extern const struct case_table table_feature;
extern const struct case_table table_ioeventfd;
extern const struct case_table table_config_header;
extern const struct case_table table_config_write;
extern const struct case_table table_config_msi;
extern const struct case_table table_bar_rw;
extern const struct case_table table_bar_mmap;
extern const struct case_table table_dma;
extern const struct case_table table_close_order;
extern const struct case_table table_fd_semantics;
extern const struct case_table table_devfs;
extern const struct case_table table_sysfs;
extern const struct case_table table_kvm;
extern const struct case_table table_group_states;
extern const struct case_table table_set_container_states;
extern const struct case_table table_get_device_fd_states;
extern const struct case_table table_sysfs_bind;
extern const struct case_table table_driver_override;
extern const struct case_table table_new_id;
extern const struct case_table table_bus_switches;
extern const struct case_table table_sysfs_files;
extern const struct case_table table_unbind_busy;
extern const struct case_table table_group_members;
extern const struct case_table table_group_orphan;
extern const struct case_table table_dma_lifetime;
extern const struct case_table table_cdev_gate;
extern const struct case_table table_cdev_bind;
extern const struct case_table table_cdev_attach;
extern const struct case_table table_cdev_states;
extern const struct case_table table_cdev_driver;
extern const struct case_table table_iommufd_container;
extern const struct case_table table_unmap_grid;
extern const struct case_table table_unmap_grid_iommufd;
extern const struct case_table table_unmap_reach;
extern const struct case_table table_unmap_reach_iommufd;
extern const struct case_table table_map_wrong;
extern const struct case_table table_map_wrong_iommufd;
extern const struct case_table table_memlock;
extern const struct case_table table_memlock_iommufd;
extern const struct case_table table_dirty_bitmap;
extern const struct case_table table_vaddr_grid;
extern const struct case_table table_iommufd_args;
extern const struct case_table table_iommufd_ioas;
extern const struct case_table table_iommufd_objects;
extern const struct case_table table_info_states;
extern const struct case_table table_info_states_iommufd;
extern const struct case_table table_compat;
extern const struct case_table table_iommufd_copy;
extern const struct case_table table_group_maps;
extern const struct case_table table_group_maps_iommufd;
extern const struct case_table table_iommufd_devices;
extern const struct case_table table_aperture;
extern const struct case_table table_aperture_iommufd;
extern const struct case_table table_card_info;
extern const struct case_table table_card_config;
extern const struct case_table table_card_span;
extern const struct case_table table_card_irqs;
extern const struct case_table table_card_vectors;
extern const struct case_table table_card_regions;
extern const struct case_table table_card_reset;
extern const struct case_table table_card_power;
extern const struct case_table table_card_cdev;

static const struct case_table *const tables[] = {
	&table_container,
	&table_check_extension,
	&table_group,
	&table_set_container,
	&table_get_device_fd,
	&table_map_dma,
	&table_unmap_dma,
	&table_get_iommu_info,
	&table_dirty_pages,
	&table_update_vaddr,
	&table_device_info,
	&table_region_info,
	&table_irq_info,
	&table_set_irqs,
	&table_set_irqs_intx,
	&table_set_irqs_msi,
	&table_set_irqs_err_req,
	&table_irq_delivery,
	&table_reset,
	&table_feature,
	&table_ioeventfd,
	&table_config_header,
	&table_config_write,
	&table_config_msi,
	&table_bar_rw,
	&table_bar_mmap,
	&table_dma,
	&table_close_order,
	&table_fd_semantics,
	&table_devfs,
	&table_sysfs,
	&table_kvm,
	&table_group_states,
	&table_set_container_states,
	&table_get_device_fd_states,
	&table_sysfs_bind,
	&table_driver_override,
	&table_new_id,
	&table_bus_switches,
	&table_sysfs_files,
	&table_unbind_busy,
	&table_group_members,
	&table_group_orphan,
	&table_dma_lifetime,
	&table_cdev_gate,
	&table_cdev_bind,
	&table_cdev_attach,
	&table_cdev_states,
	&table_cdev_driver,
	&table_iommufd_container,
	&table_unmap_grid,
	&table_unmap_grid_iommufd,
	&table_unmap_reach,
	&table_unmap_reach_iommufd,
	&table_map_wrong,
	&table_map_wrong_iommufd,
	&table_memlock,
	&table_memlock_iommufd,
	&table_dirty_bitmap,
	&table_vaddr_grid,
	&table_iommufd_args,
	&table_iommufd_ioas,
	&table_iommufd_objects,
	&table_info_states,
	&table_info_states_iommufd,
	&table_compat,
	&table_iommufd_copy,
	&table_group_maps,
	&table_group_maps_iommufd,
	&table_iommufd_devices,
	&table_aperture,
	&table_aperture_iommufd,
	&table_card_info,
	&table_card_config,
	&table_card_span,
	&table_card_irqs,
	&table_card_vectors,
	&table_card_regions,
	&table_card_reset,
	&table_card_power,
	&table_card_cdev,
};

static struct report *line;
static const char *only;
static int list;
static unsigned int part, parts = 1; /* of the cases, taken in turn */
static unsigned int counted;

static void run_child(const struct conf_case *c, long arg)
{
	setpgid(0, 0);
	report_start(line);
	if (c->run)
		c->run();
	else
		c->run_arg(arg);
	_exit(0);
}

/* Returns the wait status, or -1 when the time was up. */
static int wait_child(pid_t pid)
{
	int status;

	for (long us = 0; us < TIME_LIMIT * 1000000l; us += 500) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		if (got < 0 && errno != EINTR)
			return -1;
		usleep(500);
	}
	kill(pid, SIGKILL);
	/* A task stuck in the kernel is left behind; the run goes on. */
	for (int i = 0; i < 100 && !waitpid(pid, &status, WNOHANG); i++)
		usleep(10000);
	return -1;
}

/* Cases that change the machine leave it to this, whatever became of them. */
static void restore(const char *name)
{
	pid_t pid;
	int status;

	report_start(line);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		machine_restore();
		_exit(0);
	}
	status = pid < 0 ? -1 : wait_child(pid);
	if (status || line->fields[0])
		printf("%s machine-not-restored%s\n", name, line->fields);
}

static void run_case(const char *name, const struct conf_case *c, long arg,
		     int changes_machine)
{
	pid_t pid;
	int status;

	if (only && fnmatch(only, name, FNM_EXTMATCH))
		return;
	if (counted++ % parts != part)
		return;
	if (list) {
		puts(name);
		return;
	}
	report_start(line);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_child(c, arg);
	if (pid < 0) {
		printf("%s fork: %s\n", name, strerror(errno));
		return;
	}
	status = wait_child(pid);
	kill(-pid, SIGKILL);
	if (status == -1)
		printf("%s%s%s timed-out\n", name, line->result, line->fields);
	else if (WIFSIGNALED(status))
		printf("%s%s%s died=SIG%s\n", name, line->result, line->fields,
		       sigabbrev_np(WTERMSIG(status)));
	else
		printf("%s%s%s\n", name, line->result, line->fields);
	if (changes_machine)
		restore(name);
}

static void run_family(const struct case_table *table,
		       const struct conf_case *c)
{
	const char *noun = table->noun;
	int changes = table->changes_machine;

	char name[256];

	if (c->label) {
		for (long i = 0; c->label(i); i++) {
			snprintf(name, sizeof(name), "%s/%s_%s", noun, c->name,
				 c->label(i));
			run_case(name, c, i, changes);
		}
	} else if (c->step) {
		for (long i = c->first; i <= c->last; i += c->step) {
			snprintf(name, sizeof(name), "%s/%s_0x%02lx", noun,
				 c->name, (unsigned long)i);
			run_case(name, c, i, changes);
		}
	} else {
		snprintf(name, sizeof(name), "%s/%s", noun, c->name);
		run_case(name, c, 0, changes);
	}
}

static int usage(void)
{
	fputs("usage: conformance [--list] [--only GLOB] [--part N/OF]\n",
	      stderr);
	return 2;
}

/* "0/4" is the first of four. */
static int parse_part(const char *text)
{
	char end;

	return sscanf(text, "%u/%u%c", &part, &parts, &end) == 2 &&
	       part < parts;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list"))
			list = 1;
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
		else if (!strcmp(argv[i], "--part") && i + 1 < argc &&
			 parse_part(argv[i + 1]))
			i++;
		else
			return usage();
	}
	line = mmap(NULL, sizeof(*line), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (line == MAP_FAILED) {
		perror("conformance: mmap");
		return 1;
	}
	for (size_t t = 0; t < COUNT(tables); t++) {
		if (!list && tables[t]->is_offered && !tables[t]->is_offered())
			continue;
		for (size_t i = 0; i < tables[t]->count; i++)
			run_family(tables[t], &tables[t]->cases[i]);
	}
	return 0;
}
