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

/* Whether eight bytes are of ASCII and none is 0, which is what most of a text is. */
static bool is_ascii_word(uint64_t word)
{
	/* A byte of 0 borrows from the subtraction, which sets its top bit. */
	return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

static uint64_t load64(const char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return word;
}

static uint64_t load32(const char *s)
{
	uint32_t word;

	memcpy(&word, s, sizeof(word));
	return word;
}

/* The same of a whole text, in words of which the last overlaps the one before. */
static bool is_ascii(const char *s, size_t length)
{
	if (length >= 8) {
		for (size_t i = 0; i < length - 8; i += 8)
			if (!is_ascii_word(load64(s + i)))
				return false;
		return is_ascii_word(load64(s + length - 8));
	}
	if (length >= 4)
		return is_ascii_word(load32(s) | load32(s + length - 4) << 32);
	for (size_t i = 0; i < length; i++)
		if (s[i] == 0 || (unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

bool utf8_is_valid(const char *s, size_t length)
{
	if (is_ascii(s, length))
		return true;
	for (size_t i = 0; i < length;) {
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
