/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A random script: what it draws is what the model has, and what is beside it.
 */
#ifndef TESTS_UNIT_IOMMU_DIFFERENTIAL_SCRIPT_H
#define TESTS_UNIT_IOMMU_DIFFERENTIAL_SCRIPT_H

#include "differential_model.h"

struct script {
	uint64_t seed, state;
	unsigned long operation;
	struct dm_call call; /* the last one, as it was made */
	bool has_failed;     /* a call since all was looked at */
	const char *what;
};

extern const char *const names[]; /* of the modes */
extern struct dm_model model;
extern struct script script;

void seed_script(uint64_t seed);
/* What a run begins with and how many calls it makes: of the environment. */
uint64_t first_seed(void);
unsigned long operations(void);

/* A number below another. */
uint64_t draw(uint64_t below);

/* NULL: there is none. */
struct dm_area *draw_area(unsigned int space);
uint64_t draw_iova(unsigned int space);
uint64_t draw_size(unsigned int space);
uint64_t draw_vaddr(void);
unsigned int draw_space(void);
/* Flags that are right, mostly. */
uint32_t draw_flags(void);

/* Note a call, for messages; returns a copy to give away. */
struct dm_call *begin(const char *what, const struct dm_call *call);

/* Fail, and say which call it was, when something is not right. */
void expect(bool is_right, const char *what, long long got, long long want);
void expect_answer(int got, int want);

#endif /* TESTS_UNIT_IOMMU_DIFFERENTIAL_SCRIPT_H */
