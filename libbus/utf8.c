/*
 * utf8.c: is this text UTF-8, and where may it be cut?
 */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the well-formed character at s, 0 if there is none in the `left` bytes. */
static size_t character(const unsigned char *s, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return s[0] != 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Whether the eight bytes at s are of ASCII and none is 0, which is what most of a text is. */
static bool is_ascii_word(const char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	/* A byte of 0 borrows from the subtraction, which sets its top bit. */
	return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_valid(const char *s, size_t length)
{
	for (size_t i = 0; i < length;) {
		if (length - i >= sizeof(uint64_t) && is_ascii_word(s + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		size_t n = character((const unsigned char *)s + i, length - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t utf8_cut(const char *s, size_t length, size_t limit)
{
	if (length <= limit)
		return length;
	while (limit > 0 && ((unsigned char)s[limit] & 0xc0) == 0x80)
		limit--;
	return limit;
}
