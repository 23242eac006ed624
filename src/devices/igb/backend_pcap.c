/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * in=FILE and out=FILE: frames from and to captures.
 *
 * The whole of an input is looked at in advance, so that what is wrong with
 * it is said before the program starts.
 */
#include "backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <uvfio/device.h>
#include <uvfio/migration.h>

#include "regs.h"

#define SNAPLEN 262144 /* what tcpdump writes */

struct capture {
	struct igb_backend backend;
	pcap_t *in; /* NULL: none, or nothing is left */
	pcap_t *out;
	pcap_dumper_t *dumper; /* with out */
	bool is_dirty;         /* dumper has frames that are not in the file */
	uint64_t done;         /* frames that were read of in */
	uint32_t waiting;      /* bytes of the frame in next; 0: none */
	uint8_t next[IGB_FRAME_MAX];
	uint8_t sending[IGB_FRAME_MAX + IGB_ETH_TAG];
};

static struct capture *to_capture(struct igb_backend *backend)
{
	return (struct capture *)backend;
}

static uint8_t *capture_reserve(struct igb_backend *backend)
{
	return to_capture(backend)->sending;
}

static void capture_send(struct igb_backend *backend, uint32_t length)
{
	struct capture *capture = to_capture(backend);
	struct pcap_pkthdr header = {.caplen = length, .len = length};
	struct timespec now;

	if (!capture->dumper)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	header.ts.tv_sec = now.tv_sec;
	header.ts.tv_usec = now.tv_nsec / 1000;
	pcap_dump((u_char *)capture->dumper, &header, capture->sending);
	capture->is_dirty = true;
}

static void capture_read(struct capture *capture)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	if (pcap_next_ex(capture->in, &header, &data) != 1 ||
	    header->caplen > sizeof(capture->next)) {
		pcap_close(capture->in);
		capture->in = NULL;
		return;
	}
	capture->done++;
	memcpy(capture->next, data, header->caplen);
	capture->waiting = header->caplen;
	/* A sender's capture lacks the padding that is on the wire. */
	if (capture->waiting < IGB_ETH_MIN) {
		memset(capture->next + capture->waiting, 0,
		       IGB_ETH_MIN - capture->waiting);
		capture->waiting = IGB_ETH_MIN;
	}
}

static const uint8_t *capture_peek(struct igb_backend *backend,
				   uint32_t *ret_length)
{
	struct capture *capture = to_capture(backend);

	if (!capture->waiting && capture->in)
		capture_read(capture);
	if (!capture->waiting)
		return NULL;
	*ret_length = capture->waiting;
	return capture->next;
}

static void capture_pop(struct igb_backend *backend)
{
	to_capture(backend)->waiting = 0;
}

/* A file waits for its reader. */
static void capture_listen(struct igb_backend *backend, bool on)
{
	(void)backend;
	(void)on;
}

static void capture_flush(struct igb_backend *backend, bool sent, bool popped)
{
	(void)backend;
	(void)sent;
	(void)popped;
}

static void capture_idle(struct igb_backend *backend)
{
	struct capture *capture = to_capture(backend);

	if (!capture->is_dirty)
		return;
	(void)pcap_dump_flush(capture->dumper);
	capture->is_dirty = false;
}

static bool capture_has_carrier(struct igb_backend *backend)
{
	(void)backend;
	return true;
}

/* As many frames as were read on the other side; a shorter file ends. */
static void skip(struct capture *capture, uint64_t done)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	while (capture->in && capture->done < done) {
		if (pcap_next_ex(capture->in, &header, &data) != 1) {
			pcap_close(capture->in);
			capture->in = NULL;
		}
		capture->done++;
	}
	capture->done = done;
}

/* An input that was read further than there does not go back. */
static void capture_walk(struct igb_backend *backend, struct uvfio_state *state)
{
	struct capture *capture = to_capture(backend);
	uint64_t done = capture->done;

	uvfio_state_u64(state, &done);
	uvfio_state_u32(state, &capture->waiting);
	uvfio_state_want(state, capture->waiting <= sizeof(capture->next) &&
					(!capture->waiting ||
					 capture->waiting >= IGB_ETH_HEADER));
	if (state->is_loading && state->is_bad)
		capture->waiting = 0;
	uvfio_state_bytes(state, capture->next, capture->waiting);
	if (state->is_loading && !state->is_bad)
		skip(capture, done);
}

static void capture_destroy(struct igb_backend *backend)
{
	struct capture *capture = to_capture(backend);

	if (!capture)
		return;
	if (capture->in)
		pcap_close(capture->in);
	if (capture->dumper)
		pcap_dump_close(capture->dumper);
	if (capture->out)
		pcap_close(capture->out);
	free(capture);
}

static const struct igb_backend_ops capture_ops = {
	.reserve = capture_reserve,
	.send = capture_send,
	.peek = capture_peek,
	.pop = capture_pop,
	.listen = capture_listen,
	.flush = capture_flush,
	.idle = capture_idle,
	.has_carrier = capture_has_carrier,
	.walk = capture_walk,
	.destroy = capture_destroy,
};

/*
 * A capture that is written has no other user: two writers make it garbage,
 * and it is emptied under the eyes of a reader.  The lock goes with the file.
 */
static bool is_taken(int fd, int kind)
{
	return flock(fd, kind | LOCK_NB) && errno == EWOULDBLOCK;
}

/* Open a capture of Ethernet frames at its first frame. */
static int input_open(const char *path, pcap_t **ret_in,
		      struct uvfio_error *err)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	struct stat st;
	pcap_t *in;
	FILE *file;
	int fd, ret;

	/* A FIFO without a writer is an error, not a reason to wait. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "rb");
	if (!file) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		uvfio_error_set(err,
				"in=%s: %s; name a pcap file of Ethernet "
				"frames",
				path, strerror(errno));
		return ret;
	}
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode)) {
		uvfio_error_set(err,
				"in=%s is no regular file; name a pcap "
				"file of Ethernet frames",
				path);
		fclose(file);
		return -EINVAL;
	}
	if (is_taken(fileno(file), LOCK_SH)) {
		uvfio_error_set(err,
				"in=%s is written as out= of an adapter; name "
				"another file",
				path);
		fclose(file);
		return -EBUSY;
	}
	in = pcap_fopen_offline(file, reason);
	if (!in) {
		uvfio_error_set(err,
				"in=%s is no capture (%s); name a pcap file of "
				"Ethernet frames",
				path, reason);
		fclose(file);
		return -EINVAL;
	}
	if (pcap_datalink(in) != DLT_EN10MB) {
		const char *kind = pcap_datalink_val_to_name(pcap_datalink(in));

		uvfio_error_set(err,
				"in=%s has frames of kind %s; Ethernet "
				"(EN10MB) is needed",
				path, kind ? kind : "unknown");
		pcap_close(in);
		return -EINVAL;
	}
	*ret_in = in;
	return 0;
}

/* What keeps a frame from being delivered; NULL: nothing. */
static const char *frame_fault(const struct pcap_pkthdr *header)
{
	if (header->caplen < header->len)
		return "was cut when it was captured; capture whole frames";
	if (header->caplen > IGB_FRAME_MAX)
		return "is too long; igb carries up to 9724 bytes";
	if (header->caplen < IGB_ETH_HEADER)
		return "is no Ethernet frame; 14 bytes are the least";
	return NULL;
}

/* Read a capture to its end. */
static int input_check(const char *path, struct uvfio_error *err)
{
	struct pcap_pkthdr *header;
	const char *fault = NULL;
	const u_char *data;
	uint64_t number = 0;
	pcap_t *in;
	int ret;

	ret = input_open(path, &in, err);
	if (ret)
		return ret;
	while (!fault && (ret = pcap_next_ex(in, &header, &data)) == 1) {
		number++;
		fault = frame_fault(header);
	}
	if (fault)
		uvfio_error_set(err, "in=%s: frame %" PRIu64 " %s", path,
				number, fault);
	else if (ret != PCAP_ERROR_BREAK)
		uvfio_error_set(err,
				"in=%s is damaged after frame %" PRIu64
				" (%s); a whole capture is needed",
				path, number, pcap_geterr(in));
	pcap_close(in);
	return fault || ret != PCAP_ERROR_BREAK ? -EINVAL : 0;
}

static bool is_same_file(const char *in, const char *out)
{
	struct stat a;
	struct stat b;

	return in && !stat(in, &a) && !stat(out, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* A file that can be written, and is empty when it is a regular one. */
static FILE *output_create(const char *path)
{
	struct stat st;
	FILE *file;
	int error = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st))
		error = errno;
	else if (S_ISREG(st.st_mode) && is_taken(fd, LOCK_EX))
		error = EBUSY;
	else if (S_ISREG(st.st_mode) && ftruncate(fd, 0))
		error = errno;
	file = error ? NULL : fdopen(fd, "wb");
	if (!file) {
		error = error ? error : errno;
		close(fd);
		errno = error;
	}
	return file;
}

static int output_open(struct capture *capture, const char *in,
		       const char *path, struct uvfio_error *err)
{
	FILE *file;
	int ret;

	if (is_same_file(in, path)) {
		uvfio_error_set(err, "out=%s is the file of in=; name another",
				path);
		return -EINVAL;
	}
	file = output_create(path);
	if (!file) {
		ret = -errno;
		if (ret == -EBUSY)
			uvfio_error_set(err,
					"out=%s is in= or out= of another "
					"adapter; name another file",
					path);
		else
			uvfio_error_set(err,
					"out=%s: %s; name a file that can be "
					"written",
					path, strerror(-ret));
		return ret;
	}
	capture->out = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	if (!capture->out) {
		fclose(file);
		return -ENOMEM;
	}
	capture->dumper = pcap_dump_fopen(capture->out, file);
	if (!capture->dumper || pcap_dump_flush(capture->dumper)) {
		uvfio_error_set(err,
				"out=%s: %s; name a file that can be "
				"written",
				path,
				capture->dumper ? "write error"
						: pcap_geterr(capture->out));
		/* Without a dumper, the file is still ours. */
		if (!capture->dumper)
			fclose(file);
		return -EIO;
	}
	return 0;
}

/* @in and @out: NULL for nothing to receive, for sending to nowhere */
int igb_backend_create_pcap(struct uvfio_dev *dev, const char *in,
			    const char *out, bool takes_all,
			    struct igb_backend **ret_backend,
			    struct uvfio_error *err)
{
	struct capture *capture;
	int ret = 0;

	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return -ENOMEM;
	capture->backend.ops = &capture_ops;
	capture->backend.is_replay = true;
	capture->backend.takes_all = takes_all;
	capture->backend.dev = dev;
	if (in)
		ret = input_check(in, err);
	if (in && !ret)
		ret = input_open(in, &capture->in, err);
	if (out && !ret)
		ret = output_open(capture, in, out, err);
	if (ret) {
		capture_destroy(&capture->backend);
		return ret;
	}
	*ret_backend = &capture->backend;
	return 0;
}
