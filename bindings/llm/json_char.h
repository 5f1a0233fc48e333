/*
 * json_char.h: the characters of JSON and of UTF-8, each by itself: what a byte is, how long a
 * character is, what an escape stands for. No state: what may follow what is json_push.c's.
 *
 * Inline, since the automaton asks for every byte or run of bytes.
 */
#ifndef ORBUS_LLM_JSON_CHAR_H
#define ORBUS_LLM_JSON_CHAR_H

#include "base/utf8.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool json_char_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline bool json_char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -1: it is no hexadecimal digit. */
static inline int json_char_hex(char c)
{
	if (json_char_is_digit(c))
		return c - '0';
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* The character that a backslash and this one stand for; NULL: none, or \u. */
static inline const char *json_char_escaped(char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = c ? strchr(from, c) : NULL;

	return found ? &to[found - from] : NULL;
}

/* A character as UTF-8. Returns its length. */
static inline size_t json_char_encode(uint32_t c, char utf8[4])
{
	size_t n = 0;

	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		utf8[n++] = (char)(0xe0 | c >> 12);
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		utf8[n++] = (char)(0xf0 | c >> 18);
		utf8[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		utf8[n++] = (char)(0x80 | (c & 0x3f));
	return n;
}

/* Bytes of the character that starts with this byte, 0 where none does. */
static inline unsigned json_char_bytes(unsigned char c)
{
	return c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* The length of the whole character beyond ASCII at p, 0 where there is none, or not all of it. */
static inline unsigned json_char_whole(const char *p, const char *end)
{
	unsigned n = json_char_bytes((unsigned char)*p);

	return n > 0 && (size_t)(end - p) >= n && utf8_is_valid(p, n) ? n : 0;
}

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS     EVERY_BYTE(0x80)

/* The high bit of each byte that is 0; bytes above the lowest such one may be wrong. */
static inline uint64_t json_char_zero_bytes(uint64_t word)
{
	return (word - EVERY_BYTE(1)) & ~word & HIGH_BITS;
}

/*
 * Steps over ASCII that stands for itself in a string, eight bytes at a time: most bytes of most
 * answers are such. Stops at quotes, backslashes, control characters and anything beyond ASCII.
 */
static inline const char *json_char_skip_plain(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t word, stops;

		memcpy(&word, p, sizeof(word));
		word = le64toh(word);
		stops = (word & HIGH_BITS) | ((word - EVERY_BYTE(0x20)) & ~word & HIGH_BITS) |
		        json_char_zero_bytes(word ^ EVERY_BYTE('"')) |
		        json_char_zero_bytes(word ^ EVERY_BYTE('\\'));
		if (stops)
			return p + __builtin_ctzll(stops) / 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
	       *p != '\\')
		p++;
	return p;
}

#undef EVERY_BYTE
#undef HIGH_BITS

#endif
