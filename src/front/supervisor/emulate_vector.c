/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads and stores of vector registers.
 */
#include <string.h>

#include "front/supervisor/emulate_parts.h"

/*
 * A register after a load of len bytes into its lowest part: SSE keeps what
 * lies above 16 bytes, AVX clears all that was not written.
 */
static enum uvf_emulate_result set_low(struct uvf_emu *emu, const void *value,
				       size_t len)
{
	const struct uvf_insn *insn = emu->insn;
	uint8_t all[UVF_VECTOR_SIZE] = {0};

	if (insn->encoding == UVF_ENCODING_LEGACY) {
		if (!emu->ops->vector_get(emu->context, insn->reg, all))
			return UVF_EMULATE_NO_VECTOR;
		memset(all, 0, 16);
	}
	memcpy(all, value, len);
	if (!emu->ops->vector_set(emu->context, insn->reg, all))
		return UVF_EMULATE_NO_VECTOR;
	return UVF_EMULATE_DONE;
}

/* Transfer the elements that the mask selects, each run of them at once. */
static bool transfer_masked(struct uvf_emu *emu, uint8_t *value, uint64_t mask)
{
	unsigned int size = emu->insn->element;
	unsigned int n = emu->insn->width / size;
	const struct uvf_emulate_ops *ops = emu->ops;
	unsigned int i, first;
	size_t len, done;

	for (i = 0; i < n; i++) {
		if (!(mask >> i & 1))
			continue;
		for (first = i; i + 1 < n && mask >> (i + 1) & 1;)
			i++;
		len = (i + 1 - first) * size;
		done = emu->insn->is_store
			       ? ops->store(emu->context,
					    emu->addr + first * size,
					    value + first * size, len, 0)
			       : ops->load(emu->context,
					   emu->addr + first * size,
					   value + first * size, len, 0);
		if (done != len)
			return false;
	}
	return true;
}

static enum uvf_emulate_result do_masked(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint8_t value[UVF_VECTOR_SIZE] = {0};
	uint64_t mask;

	if (!emu->ops->mask_get(emu->context, insn->mask, &mask))
		return UVF_EMULATE_NO_VECTOR;
	/* What a load leaves out keeps the register's bytes, or is zero. */
	if (insn->is_store || !insn->is_zeroing)
		if (!emu->ops->vector_get(emu->context, insn->reg, value))
			return UVF_EMULATE_NO_VECTOR;
	if (!transfer_masked(emu, value, mask))
		return UVF_EMULATE_FAULT;
	if (insn->is_store)
		return UVF_EMULATE_DONE;
	return set_low(emu, value, insn->width);
}

enum uvf_emulate_result uvf_emu_vector(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint8_t value[UVF_VECTOR_SIZE];
	size_t len = insn->width;

	if (insn->mask)
		return do_masked(emu);
	if (insn->is_store) {
		if (!emu->ops->vector_get(emu->context, insn->reg, value))
			return UVF_EMULATE_NO_VECTOR;
		return emu->ops->store(emu->context, emu->addr, value, len,
				       0) == len
			       ? UVF_EMULATE_DONE
			       : UVF_EMULATE_FAULT;
	}
	if (emu->ops->load(emu->context, emu->addr, value, len, 0) != len)
		return UVF_EMULATE_FAULT;
	return set_low(emu, value, len);
}

/* MOVLPS and its kin: one half of the lowest 16 bytes. */
enum uvf_emulate_result uvf_emu_lane(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint8_t other = insn->source == UVF_REG_NONE ? insn->reg : insn->source;
	uint8_t value[UVF_VECTOR_SIZE];
	uint8_t *half = value + (insn->op ? 8 : 0);

	if (!emu->ops->vector_get(emu->context, other, value))
		return UVF_EMULATE_NO_VECTOR;
	if (insn->is_store)
		return emu->ops->store(emu->context, emu->addr, half, 8, 0) == 8
			       ? UVF_EMULATE_DONE
			       : UVF_EMULATE_FAULT;
	if (emu->ops->load(emu->context, emu->addr, half, 8, 0) != 8)
		return UVF_EMULATE_FAULT;
	return set_low(emu, value, 16);
}

/* op is the size of the register, of which imm counts parts. */
enum uvf_emulate_result uvf_emu_extract(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint8_t value[UVF_VECTOR_SIZE];
	unsigned int parts, part;

	if (!emu->ops->vector_get(emu->context, insn->reg, value))
		return UVF_EMULATE_NO_VECTOR;
	parts = insn->op / insn->width;
	part = (unsigned int)insn->imm & (parts - 1);
	return emu->ops->store(emu->context, emu->addr,
			       value + part * insn->width, insn->width,
			       0) == insn->width
		       ? UVF_EMULATE_DONE
		       : UVF_EMULATE_FAULT;
}

enum uvf_emulate_result uvf_emu_broadcast(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint8_t value[UVF_VECTOR_SIZE];
	unsigned int i;

	if (emu->ops->load(emu->context, emu->addr, value, insn->width, 0) !=
	    insn->width)
		return UVF_EMULATE_FAULT;
	for (i = insn->width; i < insn->reg_width; i += insn->width)
		memcpy(value + i, value, insn->width);
	return set_low(emu, value, insn->reg_width);
}
