/*
 * echo_text.h: the characters of a text as the two comparisons of echo.h see them, and its escapes
 * decoded.
 *
 * It is not for what is compared with what: echo.c.
 */
#ifndef ORBUS_LLM_ECHO_TEXT_H
#define ORBUS_LLM_ECHO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* So many that are alike, one after another, are a repetition. */
#define ECHO_CHARACTERS 12

static inline bool echo_is_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* In the exact comparison. As long as before, so that places in a text stay what they are. */
static inline unsigned char echo_fold(unsigned char c)
{
	return echo_is_blank(c) ? ' ' : c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static inline bool echo_is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The bytes of the character that begins at p, 1 where none does; never beyond `end`. */
size_t echo_character_at(const char *p, const char *end);

/* Whether it has as many characters as must not be repeated; NULL has none. */
bool echo_is_long_enough(const char *text);

/* The loose comparison's form of a piece, at most as long: returns its length. */
size_t echo_loosen(char *to, const char *p, size_t length);

enum echo_escapes { ECHO_OF_JSON = 1, ECHO_OF_HTML = 2, ECHO_OF_URLS = 4 };

/*
 * Decodes a text's escapes of these kinds once; returns the length of what they come to. `to` has
 * room for `length`: no escape is shorter than its character.
 */
size_t echo_decode(char *to, const char *p, size_t length, unsigned escapes);

#endif
