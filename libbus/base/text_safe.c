/*
 * text_safe.c: text that came from others, made safe to print.
 */
#include "text_safe.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool is_unsafe_character(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

int next_character(const char *text, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	int length = s[0] < 0x80       ? 1
	             : s[0] >> 5 == 6  ? 2
	             : s[0] >> 4 == 14 ? 3
	             : s[0] >> 3 == 30 ? 4
	                               : 0;

	if (length <= 1) {
		*c = s[0];
		return length == 0 ? -1 : s[0] != 0;
	}
	*c = s[0] & (0x7fu >> length);
	for (int i = 1; i < length; i++) {
		if (s[i] >> 6 != 2)
			return -1;
		*c = *c << 6 | (s[i] & 0x3fu);
	}
	if (*c < least[length] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return -1;
	return length;
}

/* The spelling of an unsafe character. */
static void escape_character(uint32_t c, char out[16])
{
	switch (c) {
	case '\n': strcpy(out, "\\n"); break;
	case '\r': strcpy(out, "\\r"); break;
	case '\t': strcpy(out, "\\t"); break;
	default:
		snprintf(out, 16,
		    c < 0x80      ? "\\x%02" PRIx32
		    : c < 0x10000 ? "\\u%04" PRIx32
				  : "\\U%08" PRIx32,
		    c);
	}
}

/*
 * The safe form of the character at *text, which is moved past it: a pointer into the text, or
 * into `spelled`. Returns its length, 0 at the end.
 */
static size_t safe_character(const char **text, char escaped[16], const char **out)
{
	uint32_t c;
	int length = next_character(*text, &c);

	*out = *text;
	if (length < 0) {
		snprintf(escaped, 16, "\\x%02x", (unsigned char)**text);
		length = 1;
	} else if (length > 0 && is_unsafe_character(c)) {
		escape_character(c, escaped);
	} else {
		*text += length;
		return (size_t)length;
	}
	*text += length;
	*out = escaped;
	return strlen(escaped);
}

size_t text_sanitise(char *out, size_t bytes, const char *text)
{
	char escaped[16];
	const char *piece;
	size_t n, used = 0;

	while ((n = safe_character(&text, escaped, &piece)) > 0 && used + n < bytes) {
		memcpy(out + used, piece, n);
		used += n;
	}
	out[used] = '\0';
	return used;
}

void print_text(FILE *out, const char *text)
{
	char escaped[16];
	const char *piece;
	size_t n;

	while ((n = safe_character(&text, escaped, &piece)) > 0)
		fwrite(piece, 1, n, out);
}

int text_character(const char *text, uint32_t *c)
{
	int length = next_character(text, c);

	return length < 0 ? 0 : length;
}
