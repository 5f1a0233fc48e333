/*
 * utf8.h: is this text UTF-8, and where may it be cut?
 */
#ifndef ORBUS_BASE_UTF8_H
#define ORBUS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True when the bytes are well-formed UTF-8 (Unicode 15, table 3-7: no overlong form, surrogate or
 * value beyond U+10FFFF) without a NUL, which no C string could carry.
 */
bool utf8_is_valid(const char *s, size_t length);

/* The bytes of a character. */
#define UTF8_BYTES_MAX 4

/* The largest n <= limit such that the first n bytes of valid UTF-8 end on a character. */
size_t utf8_cut(const char *s, size_t length, size_t limit);

#endif
