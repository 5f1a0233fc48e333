/*
 * parse.h: strict readings of what a person typed. The whole text must be the value; nothing is
 * guessed, cut or wrapped around. Each returns 0, -EINVAL (not such a thing) or -ERANGE.
 */
#ifndef ORBUS_BASE_PARSE_H
#define ORBUS_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, within low..high. */
int parse_uint(const char *text, uint64_t low, uint64_t high, uint64_t *out);

/* Octal digits, as of a file mode. */
int parse_octal(const char *text, unsigned high, unsigned *out);

/* A decimal number, finite and >= 0: -EDOM where it is negative, infinite or not a number. */
int parse_figure(const char *text, double *out);

/* The same, but it may be negative. */
int parse_signed_figure(const char *text, double *out);

/* "250ms", "90s", "5m", "1.5h", "2d"; without a unit, seconds. In nanoseconds. */
int parse_duration(const char *text, uint64_t low, uint64_t high, uint64_t *out);

/* What a text that is no duration was meant to be: "5 minutes" is "5m". False: that is not known.
 */
bool parse_duration_meant(const char *text, char *out, size_t bytes);

/* The index of `text` among "a|b|c". */
int parse_choice(const char *text, const char *choices, int *out);

/* A duration as one would type it: 5000000000 is "5s". */
void format_duration(uint64_t ns, char *out, size_t bytes);

#endif
