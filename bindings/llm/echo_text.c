/*
 * echo_text.c: the characters of a text, and its escapes.
 */
#include "echo_text.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

size_t echo_character_at(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;

	if (n > (size_t)(end - p))
		return 1;
	for (size_t i = 1; i < n; i++)
		if (!echo_is_continuation((unsigned char)p[i]))
			return 1;
	return n;
}

bool echo_is_long_enough(const char *text)
{
	const char *end = text + (text ? strlen(text) : 0);
	size_t count = 0;

	for (; text < end; text += echo_character_at(text, end))
		count++;
	return count >= ECHO_CHARACTERS;
}

/* Beyond ASCII: U+0080 to U+00BF, U+2000 to U+207F, U+3000 to U+303F, U+FFFD. */
static bool is_punctuation(const char *p, size_t n)
{
	if (n == 2)
		return !memcmp(p, "\xc2", 1);
	return n == 3 && (!memcmp(p, "\xe2\x80", 2) || !memcmp(p, "\xe2\x81", 2) ||
			     !memcmp(p, "\xe3\x80", 2) || !memcmp(p, "\xef\xbf\xbd", 3));
}

size_t echo_loosen(char *to, const char *p, size_t length)
{
	const char *end = p + length;
	size_t used = 0, n;

	for (; p < end; p += n) {
		unsigned char c = (unsigned char)*p;

		n = c < 0x80 ? 1 : echo_character_at(p, end);
		if (c < 0x80) {
			c |= 0x20;
			to[used] = (char)c;
			used += (c >= 'a' && c <= 'z') || (*p >= '0' && *p <= '9');
		} else if (!is_punctuation(p, n)) {
			memcpy(to + used, p, n);
			used += n;
		}
	}
	return used;
}

/* --- Escapes ---------------------------------------------------------------------------------- */

static size_t put_character(char *to, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (c == 0 || c > 0x10ffff)
		c = '?', n = 1;
	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

/* Reads up to `most` digits; returns how many there are. */
static size_t read_number(const char *p, const char *end, unsigned base, size_t most, uint32_t *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < most && p + n < end; n++) {
		char c = p[n];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
		                 : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
		                     ? (unsigned)((c | 0x20) - 'a') + 10
		                     : 99;

		if (digit >= base)
			break;
		*out = *out * base + digit;
	}
	return n;
}

/* A \u escape at p, with the second half of a pair if one follows. Returns its bytes; 0: none. */
static size_t read_unit(const char *p, const char *end, uint32_t *c)
{
	uint32_t low;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || read_number(p + 2, end, 16, 4, c) != 4)
		return 0;
	if (*c >= 0xd800 && *c < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
	    read_number(p + 8, end, 16, 4, &low) == 4 && low >= 0xdc00 && low < 0xe000) {
		*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
		return 12;
	}
	return 6;
}

/* Each of these returns the bytes that it read, 0 where there is no such escape. */
static size_t decode_json(const char *p, const char *end, char *to, size_t *used)
{
	static const char from[] = "\"\\/bfnrt'", plain[] = "\"\\/\b\f\n\r\t'";
	const char *found;
	uint32_t c;
	size_t n = read_unit(p, end, &c);

	if (n > 0) {
		*used += put_character(to + *used, c);
		return n;
	}
	found = *p == '\\' && p + 1 < end && p[1] ? strchr(from, p[1]) : NULL;
	if (!found)
		return 0;
	to[(*used)++] = plain[found - from];
	return 2;
}

static size_t decode_html(const char *p, const char *end, char *to, size_t *used)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {{"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}, {"&lt;", '<'},
	    {"&gt;", '>'}, {"&nbsp;", ' '}};
	size_t left = (size_t)(end - p), digits, base;
	uint32_t c;

	for (size_t i = 0, n; i < sizeof(names) / sizeof(names[0]); i++) {
		n = strlen(names[i].name);
		if (n <= left && strncasecmp(p, names[i].name, n) == 0) {
			to[(*used)++] = names[i].c;
			return n;
		}
	}
	if (left < 4 || p[1] != '#')
		return 0;
	base = (p[2] | 0x20) == 'x' ? 3 : 2;
	digits = read_number(p + base, end, base == 3 ? 16 : 10, 7, &c);
	if (digits == 0 || p + base + digits == end || p[base + digits] != ';')
		return 0;
	*used += put_character(to + *used, c);
	return base + digits + 1;
}

static size_t decode_url(const char *p, const char *end, char *to, size_t *used)
{
	uint32_t c;

	if (end - p < 3 || read_number(p + 1, end, 16, 2, &c) != 2 || c == 0)
		return 0;
	to[(*used)++] = (char)c;
	return 3;
}

size_t echo_decode(char *to, const char *p, size_t length, unsigned escapes)
{
	const char *end = p + length;
	size_t used = 0, n;

	for (; p < end; p += n) {
		n = 0;
		if (*p == '\\' && escapes & ECHO_OF_JSON)
			n = decode_json(p, end, to, &used);
		else if (*p == '&' && escapes & ECHO_OF_HTML)
			n = decode_html(p, end, to, &used);
		else if (*p == '%' && escapes & ECHO_OF_URLS)
			n = decode_url(p, end, to, &used);
		if (n == 0) {
			to[used++] = *p;
			n = 1;
		}
	}
	return used;
}
