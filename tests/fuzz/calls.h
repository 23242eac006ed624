/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls by their layouts: an input chooses a call and what is in its fields,
 * mostly values on which something depends.
 */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "client.h"

struct uvf_file;

/* What a field means; it is as long as that takes. */
enum field_kind {
	FIELD_END,
	FIELD_U16,     /* below limit */
	FIELD_U32,     /* below limit */
	FIELD_LENGTH,  /* of a structure, 4 bytes */
	FIELD_FLAGS,   /* of limit, 4 bytes */
	FIELD_ID,      /* of an object, 4 bytes */
	FIELD_FD,      /* 4 bytes */
	FIELD_IOVA,    /* this and what follows: 8 bytes */
	FIELD_VADDR,   /* of memory to be mapped */
	FIELD_SIZE,    /* bytes of memory */
	FIELD_PAGE,    /* the size of one */
	FIELD_POINTER, /* to limit IOVAs, which the call may overwrite */
};

struct field {
	uint8_t offset;
	uint8_t kind;
	uint32_t limit;
};

#define CALL_FIELDS 12
#define CALL_ERRORS 16

struct call {
	unsigned int cmd;
	uint32_t size; /* of its structure, which starts with this number */
	struct field fields[CALL_FIELDS];
	/* What it may say; the first 0 ends them, and none means anything. */
	int errors[CALL_ERRORS];
};

uint64_t take_iova(struct input *input);
uint64_t take_size(struct input *input);

/*
 * Makes a call.  Aborts when its answer is none of its errors, or when it
 * wrote to memory behind the size it was told.
 */
long call_make(const struct call *call, struct client *client,
	       struct uvf_file *file, struct input *input);

/* Makes one with any number and bytes. */
void call_make_raw(struct client *client, struct uvf_file *file,
		   struct input *input);

/* What is said of calls that a file of this profile may not know. */
#define CALL_UNKNOWN 25 /* ENOTTY */

#endif /* TESTS_FUZZ_CALLS_H */
