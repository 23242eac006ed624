/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/id.h"

#include <ctype.h>
#include <stddef.h>

static bool fits(uint32_t wanted, uint32_t is)
{
	return wanted == UVF_ID_ANY || wanted == is;
}

bool uvf_id_match(const struct uvf_bus_id *id, const struct uvf_bus_id *what)
{
	return fits(id->vendor, what->vendor) &&
	       fits(id->device, what->device) &&
	       fits(id->subvendor, what->subvendor) &&
	       fits(id->subdevice, what->subdevice) &&
	       !((id->class_code ^ what->class_code) & id->class_mask);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * One number as the kernel's sscanf() takes it: blanks before, 0x if a digit
 * follows, and digits up to the first other letter.  What does not fit is
 * cut, not refused.
 */
static bool take_hex(const char **text, uint64_t *ret_value)
{
	const char *at = *text;
	uint64_t value = 0;

	while (isspace((unsigned char)*at))
		at++;
	if (at[0] == '0' && (at[1] | 0x20) == 'x' && digit(at[2]) >= 0)
		at += 2;
	if (digit(*at) < 0)
		return false;
	for (; digit(*at) >= 0; at++)
		value = value << 4 | (uint64_t)digit(*at);
	*text = at;
	*ret_value = value;
	return true;
}

int uvf_id_parse(struct uvf_bus_id *ret_id, const char *text)
{
	struct uvf_bus_id id = {
		.subvendor = UVF_ID_ANY,
		.subdevice = UVF_ID_ANY,
	};
	uint32_t *const fields[] = {
		&id.vendor,    &id.device,     &id.subvendor,
		&id.subdevice, &id.class_code, &id.class_mask,
	};
	const int count = sizeof(fields) / sizeof(fields[0]);
	uint64_t value;
	int n = 0;

	while (n < count && take_hex(&text, &value))
		*fields[n++] = (uint32_t)value;
	if (n == count && take_hex(&text, &value)) {
		id.data = value;
		n++;
	}
	*ret_id = id;
	return n;
}
