/* SPDX-License-Identifier: BSD-3-Clause */
#include "names.h"

#include <string.h>

const struct odd_text odd_texts[] = {
	{.label = "plain", .is_named = 1},
	{.label = "newline", .is_named = 1, .back = "\n"},
	{.label = "two_newlines", .is_named = 1, .back = "\n\n"},
	{.label = "carriage_return", .is_named = 1, .back = "\r\n"},
	{.label = "leading_blank", .front = " ", .is_named = 1},
	{.label = "leading_newline", .front = "\n", .is_named = 1},
	{.label = "trailing_blank", .is_named = 1, .back = " "},
	{.label = "trailing_tab", .is_named = 1, .back = "\t\n"},
	{.label = "empty"},
	{.label = "newline_only", .front = "\n"},
	{.label = "blank_only", .front = " "},
	{.label = "nul_only", .back = "", .back_len = 1},
	{.label = "nul_after", .is_named = 1, .back = "\0", .back_len = 1},
	{.label = "nul_then_more",
	 .is_named = 1,
	 .back = "\0more\n",
	 .back_len = 6},
	{.label = "newline_nul", .is_named = 1, .back = "\n\0", .back_len = 2},
	{.label = "newline_then_more", .is_named = 1, .back = "\nmore\n"},
	{.label = "glued", .is_named = 1, .back = "0"},
	{.label = "absent", .front = "0000:00:1d.7"},
	{.label = "no_name", .front = "no/such\\name"},
	{.label = "one_byte", .front = "0"},
	{.label = "binary", .front = "\xff\xfe\x80\x01\x7f\xc3\x28"},
	{.label = "filled_to_4094", .is_named = 1, .fill = 4094, .filler = 'x'},
	{.label = "filled_to_4095", .is_named = 1, .fill = 4095, .filler = 'x'},
	{.label = "filled_to_4096", .is_named = 1, .fill = 4096, .filler = 'x'},
	{.label = "filled_to_5000", .is_named = 1, .fill = 5000, .filler = 'x'},
	{.label = "newline_filled_to_4094",
	 .is_named = 1,
	 .back = "\n",
	 .fill = 4094,
	 .filler = ' '},
	{.label = "newline_filled_to_5000",
	 .is_named = 1,
	 .back = "\n",
	 .fill = 5000,
	 .filler = '\n'},
	{.label = "nul_filled_to_5000",
	 .is_named = 1,
	 .fill = 5000,
	 .filler = '\0'},
	{0},
};

const char *odd_label(long i)
{
	return odd_texts[i].label;
}

size_t odd_text(long i, const char *name, char buf[ODD_MAX])
{
	const struct odd_text *odd = &odd_texts[i];
	size_t len = 0, n;

	if (odd->front) {
		n = strlen(odd->front);
		memcpy(buf, odd->front, n);
		len += n;
	}
	if (odd->is_named) {
		n = strlen(name);
		memcpy(buf + len, name, n);
		len += n;
	}
	if (odd->back) {
		n = odd->back_len ? odd->back_len : strlen(odd->back);
		memcpy(buf + len, odd->back, n);
		len += n;
	}
	if (len < odd->fill) {
		memset(buf + len, odd->filler, odd->fill - len);
		len = odd->fill;
	}
	return len;
}
