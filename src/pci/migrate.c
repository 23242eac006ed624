/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/migrate.h"

#include <errno.h>
#include <string.h>

#include <uvfio/migration.h>

#include "base/alloc.h"
#include "bus/options.h"
#include "core/model_log.h"
#include "pci/irqs.h"

static bool is_saving(enum uvf_mig_state state)
{
	return state == UVF_MIG_STOP_COPY || state == UVF_MIG_PRE_COPY ||
	       state == UVF_MIG_PRE_COPY_P2P;
}

static enum uvf_model_pause pause_of(enum uvf_mig_state state)
{
	switch (state) {
	case UVF_MIG_RUNNING:
	case UVF_MIG_PRE_COPY:
		return UVF_MODEL_RUNS;
	case UVF_MIG_RUNNING_P2P:
	case UVF_MIG_PRE_COPY_P2P:
		return UVF_MODEL_QUIET;
	default:
		return UVF_MODEL_STOPPED;
	}
}

/* What the bus had of a function that was loaded. */
static void put_bus_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock)
{
	struct uvf_migrate *migrate = pci->migrate;

	if (!migrate->has_loaded_bus)
		return;
	migrate->has_loaded_bus = false;
	uvf_intx_drive_locked(pci, migrate->intx_level);
	uvf_msi_pend_locked(pci, migrate->msi_pending);
	for (unsigned int i = 0; i < (pci->msix.count + 63) / 64; i++)
		pci->msix.pending[i] |= migrate->msix_pending[i];
	uvf_msix_flush_locked(pci);
}

/* The device stands still, or goes on, as its state says. */
static void enter(struct uvf_migrate *migrate, enum uvf_mig_state from,
		  enum uvf_mig_state to)
{
	struct uvf_pci *pci = migrate->pci;

	uvf_lock(&pci->model.lock);
	/* One that was reset meanwhile runs. */
	if (!uvf_migration_was_reset(migrate->migration)) {
		uvf_model_pause_locked(&pci->model, pause_of(to));
		if (migrate->ops->arc)
			migrate->ops->arc(&pci->model,
					  (enum uvfio_migration_state)from,
					  (enum uvfio_migration_state)to);
		if (pci->model.pause != UVF_MODEL_STOPPED) {
			uvf_irqs_notify_locked(pci);
			put_bus_locked(pci);
		}
	}
	uvf_unlock(&pci->model.lock);
}

static int migrate_step(void *arg, enum uvf_mig_state from,
			enum uvf_mig_state to)
{
	struct uvf_migrate *migrate = arg;
	int ret = 0;

	enter(migrate, from, to);
	if (from == UVF_MIG_RESUMING)
		ret = uvf_migrate_commit(migrate);
	else if (to == UVF_MIG_RESUMING)
		uvf_migrate_forget(migrate);
	else if (is_saving(to) && !is_saving(from))
		ret = uvf_migrate_save_begin(migrate, to == UVF_MIG_STOP_COPY);
	else if (to == UVF_MIG_STOP_COPY)
		ret = uvf_migrate_save_end(migrate);
	if (ret && ret != -EIO)
		enter(migrate, to, from);
	if (!ret && !is_saving(to) && to != UVF_MIG_RESUMING)
		uvf_migrate_forget(migrate);
	return ret;
}

static ssize_t migrate_save(void *arg, void *buf, size_t len)
{
	return uvf_migrate_save(arg, buf, len);
}

static int migrate_load(void *arg, const void *buf, size_t len)
{
	return uvf_migrate_load(arg, buf, len);
}

static uint64_t migrate_data_size(void *arg)
{
	return uvf_migrate_data_size(arg);
}

static void migrate_left(void *arg, uint64_t *ret_initial, uint64_t *ret_dirty)
{
	uvf_migrate_left(arg, ret_initial, ret_dirty);
}

static void migrate_reset(void *arg)
{
	uvf_migrate_forget(arg);
}

static const struct uvf_migration_ops migrate_ops = {
	.step = migrate_step,
	.save = migrate_save,
	.load = migrate_load,
	.data_size = migrate_data_size,
	.precopy_left = migrate_left,
	.reset = migrate_reset,
};

/* 0: it does not migrate; negative: no such value. */
static int parse_key(const struct uvf_pci *pci, struct uvfio_error *err)
{
	static const struct {
		const char *text;
		int flags;
	} values[] = {
		{"off", 0},
		{"stop-copy", UVF_MIG_HAS_STOP_COPY},
		{"p2p", UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_P2P},
		{"pre-copy", UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_PRE_COPY},
		{"all", UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_P2P |
				UVF_MIG_HAS_PRE_COPY},
	};
	const char *text = uvf_options_find(pci->options, "migration");

	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (!strcmp(text, values[i].text))
			return values[i].flags;
	uvfio_error_set(err,
			"migration=%s: write off, stop-copy, p2p, pre-copy "
			"or all",
			text);
	return -EINVAL;
}

static void add_part(struct uvf_migrate *migrate, uint32_t id, size_t max)
{
	migrate->parts[migrate->count].id = id;
	migrate->parts[migrate->count].max = max;
	migrate->count++;
	if (max > migrate->part_max)
		migrate->part_max = max;
}

/* Memory that clients map; the descriptor has few spans. */
static void add_memory(struct uvf_migrate *migrate, unsigned int bar)
{
	const struct uvf_pci_bar *b = &migrate->pci->bars[bar];

	for (size_t i = 0; b->mem && i < b->desc->span_count; i++)
		if (b->desc->spans[i].kind != UVFIO_PAGE_TRAP &&
		    i < UVF_MIGRATE_SPANS)
			add_part(migrate,
				 UVF_MIGRATE_MEMORY + 0x100 * bar + (uint32_t)i,
				 b->desc->spans[i].size);
}

static int build(struct uvf_migrate *migrate, uint32_t flags)
{
	struct uvf_pci *pci = migrate->pci;
	unsigned int max =
		migrate->ops->pieces + UVFIO_PCI_BARS * UVF_MIGRATE_SPANS + 1;

	migrate->parts = uvf_calloc(max, sizeof(*migrate->parts));
	migrate->msix_pending =
		uvf_calloc(pci->msix.count / 64 + 1, sizeof(uint64_t));
	if (!migrate->parts || !migrate->msix_pending)
		return -ENOMEM;
	for (unsigned int i = 0; i < migrate->ops->pieces; i++)
		add_part(migrate, i, migrate->ops->piece_max);
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++)
		add_memory(migrate, i);
	add_part(migrate, UVF_MIGRATE_BUS, UVF_MIGRATE_BUS_MAX);
	migrate->work = uvf_zalloc(migrate->part_max);
	if (!migrate->work)
		return -ENOMEM;
	return uvf_migration_create(&migrate->migration, &migrate_ops, flags,
				    migrate);
}

static void destroy(struct uvf_migrate *migrate)
{
	uvf_migration_destroy(migrate->migration);
	if (migrate->parts)
		uvf_migrate_forget(migrate);
	uvf_free(migrate->parts);
	uvf_free(migrate->msix_pending);
	uvf_free(migrate->work);
	uvf_free(migrate);
}

int uvf_migrate_init(struct uvf_pci *pci, struct uvfio_error *err)
{
	int flags = parse_key(pci, err);
	struct uvf_migrate *migrate;
	int ret;

	if (flags <= 0)
		return flags;
	migrate = uvf_zalloc(sizeof(*migrate));
	if (!migrate)
		return -ENOMEM;
	migrate->pci = pci;
	migrate->ops = pci->desc->migration;
	migrate->log = (struct uvf_dma_log){&uvf_model_log_ops, &pci->model};
	ret = build(migrate, (uint32_t)flags);
	if (ret) {
		destroy(migrate);
		return ret;
	}
	pci->migrate = migrate;
	pci->vfio.migration = migrate->migration;
	pci->vfio.dma_log = &migrate->log;
	return 0;
}

void uvf_migrate_fini(struct uvf_pci *pci)
{
	if (pci->migrate)
		destroy(pci->migrate);
	pci->migrate = NULL;
}

static void let_run_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock)
{
	pci->migrate->has_loaded_bus = false;
	uvf_model_pause_locked(&pci->model, UVF_MODEL_RUNS);
	uvf_irqs_notify_locked(pci);
}

void uvf_migrate_reset_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (!pci->migrate)
		return;
	uvf_migration_note_reset(pci->migrate->migration);
	let_run_locked(pci);
}

void uvf_migrate_close(struct uvf_pci *pci)
{
	if (!pci->migrate)
		return;
	(void)uvf_model_log_ops.stop(&pci->model);
	uvf_migration_reset(pci->migrate->migration);
	uvf_lock(&pci->model.lock);
	let_run_locked(pci);
	uvf_unlock(&pci->model.lock);
}
