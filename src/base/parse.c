/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* The value of a digit, or one that is no digit in any base. */
static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : UINT_MAX;
}

static unsigned int take_base(const char **text)
{
	const char *at = *text;

	if (at[0] != '0')
		return 10;
	if ((at[1] | 0x20) != 'x' || digit(at[2]) == UINT_MAX)
		return 8;
	*text = at + 2;
	return 16;
}

int uvf_parse_ulong(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool is_over = false;
	unsigned int base;
	const char *first;

	if (*text == '+')
		text++;
	base = take_base(&text);
	for (first = text; digit(*text) < base; text++)
		is_over |=
			__builtin_mul_overflow(value, (uint64_t)base, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit(*text),
					       &value);
	/* Too many digits are seen before what follows them. */
	if (is_over)
		return -ERANGE;
	if (text == first || text[*text == '\n'])
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int uvf_parse_int(const char *text, int *ret_value)
{
	bool is_negative = *text == '-';
	uint64_t value;
	int ret;

	/* A plus after the minus is no number. */
	if (is_negative && text[1] == '+')
		return -EINVAL;
	ret = uvf_parse_ulong(text + is_negative, &value);
	if (ret)
		return ret;
	if (value > (uint64_t)INT_MAX + is_negative)
		return -ERANGE;
	*ret_value = is_negative ? (int)-(int64_t)value : (int)value;
	return 0;
}

int uvf_parse_bool(const char *text, bool *ret_value)
{
	char second = (char)(*text ? text[1] | 0x20 : 0);

	if (*text && strchr("yYtT1", *text))
		*ret_value = true;
	else if (*text && strchr("nNfF0", *text))
		*ret_value = false;
	else if ((*text | 0x20) == 'o' && (second == 'n' || second == 'f'))
		*ret_value = second == 'n';
	else
		return -EINVAL;
	return 0;
}

static bool is_end(const char *text)
{
	return !text[*text == '\n'];
}

bool uvf_parse_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b || (!*a && is_end(b)) || (!*b && is_end(a));
}

bool uvf_parse_is_uuid(const char *text, size_t size)
{
	if (size < UVF_UUID_LENGTH)
		return false;
	for (int i = 0; i < UVF_UUID_LENGTH; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-'
			    : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}
