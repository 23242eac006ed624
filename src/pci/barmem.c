/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory behind RAM, POLL and RDIRECT pages: one memory file for each BAR,
 * mapped here and in the clients.
 *
 * A mapping of a client cannot be taken away from here, but its file can be
 * made empty: the next touch of a page is SIGBUS, which comes back through
 * fault().  The content moves to a new file first, which takes the place of
 * the old one at our address.  While nothing may be mapped the new file is
 * known here only, so that an answer of fault() that was overtaken by the
 * change leads to the empty file.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "pci/bar.h"
#include "pci/config.h"

static bool has_memory(const struct uvf_pci_bar *bar)
{
	for (size_t i = 0; bar->size && i < bar->desc->span_count; i++)
		if (bar->desc->spans[i].kind != UVFIO_PAGE_TRAP &&
		    bar->desc->spans[i].kind != UVFIO_PAGE_HOLE)
			return true;
	return false;
}

/* A file of the size of the BAR, or a negative errno. */
static int create_file(const struct uvf_pci_bar *bar)
{
	int fd = memfd_create("uvfio-bar", MFD_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bar->mem_size)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int init_bar(struct uvf_pci_bar *bar)
{
	void *mem;

	bar->mem_size = (bar->size + UVF_PCI_PAGE - 1) & ~(UVF_PCI_PAGE - 1);
	bar->fd = create_file(bar);
	if (bar->fd < 0)
		return bar->fd;
	mem = mmap(NULL, bar->mem_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   bar->fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	bar->mem = mem;
	return 0;
}

int uvf_barmem_init(struct uvf_pci *pci)
{
	int ret;

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		pci->bars[i].fd = -1;
		pci->bars[i].next_fd = -1;
	}
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		if (!has_memory(&pci->bars[i]))
			continue;
		ret = init_bar(&pci->bars[i]);
		if (ret) {
			uvf_barmem_fini(pci);
			return ret;
		}
	}
	return 0;
}

void uvf_barmem_fini(struct uvf_pci *pci)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		struct uvf_pci_bar *bar = &pci->bars[i];

		if (bar->mem)
			munmap(bar->mem, bar->mem_size);
		if (bar->fd >= 0)
			close(bar->fd);
		if (bar->next_fd >= 0)
			close(bar->next_fd);
		bar->mem = NULL;
		bar->fd = -1;
		bar->next_fd = -1;
	}
}

void *uvf_barmem_ptr(struct uvfio_dev *dev, unsigned int bar, uint64_t offset)
{
	struct uvf_pci *pci = uvf_pci_of_model(dev);

	if (bar >= UVFIO_PCI_BARS || !pci->bars[bar].mem ||
	    offset >= pci->bars[bar].mem_size)
		return NULL;
	return pci->bars[bar].mem + offset;
}

static int write_all(int fd, const uint8_t *from, uint64_t size, off_t off)
{
	while (size) {
		ssize_t n = pwrite(fd, from, size, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		from += n;
		off += n;
		size -= (uint64_t)n;
	}
	return 0;
}

/* Only pages that were ever touched; the rest of a new file is zero. */
static int copy_content(const struct uvf_pci_bar *bar, int to)
{
	off_t start = 0;
	off_t end;
	int ret;

	for (;;) {
		start = lseek(bar->fd, start, SEEK_DATA);
		if (start < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(bar->fd, start, SEEK_HOLE);
		if (end < 0)
			return -errno;
		ret = write_all(to, bar->mem + start, (uint64_t)(end - start),
				start);
		if (ret)
			return ret;
		start = end;
	}
}

/*
 * What a client stores between the copy and the last line is lost, as a
 * store to a function whose decoder is being switched off may be.
 */
static int hide_bar(struct uvf_pci_bar *bar)
{
	int fd = create_file(bar);
	int ret;

	if (fd < 0)
		return fd;
	ret = copy_content(bar, fd);
	if (!ret && mmap(bar->mem, bar->mem_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		ret = -errno;
	if (ret) {
		close(fd);
		return ret;
	}
	bar->next_fd = fd;
	if (ftruncate(bar->fd, 0))
		return -errno;
	return 0;
}

void uvf_barmem_hide_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (pci->is_hidden)
		return;
	pci->is_hidden = true;
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		int ret;

		if (!pci->bars[i].mem)
			continue;
		ret = hide_bar(&pci->bars[i]);
		if (ret)
			uvf_log(UVF_LOG_WARNING,
				"%s: mappings of BAR %u stay: errno %d",
				pci->bus.name, i, -ret);
	}
}

void uvf_barmem_show_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (!pci->is_hidden || pci->is_low_power ||
	    !uvf_config_has_memory_locked(pci))
		return;
	pci->is_hidden = false;
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		struct uvf_pci_bar *bar = &pci->bars[i];

		if (bar->next_fd < 0)
			continue;
		/* The number stays: fault() lends it to fronts. */
		dup3(bar->next_fd, bar->fd, O_CLOEXEC);
		close(bar->next_fd);
		bar->next_fd = -1;
	}
}
