/*
 * parse.c: strict readings of what a person typed.
 */
#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *suffix;
	uint64_t ns;
} units[] = {
    {"d", UINT64_C(86400000000000)},
    {"h", UINT64_C(3600000000000)},
    {"m", UINT64_C(60000000000)},
    {"s", UINT64_C(1000000000)},
    {"ms", UINT64_C(1000000)},
};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_uint(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (const char *s = text; *s; s++)
		if (!is_digit(*s))
			return -EINVAL;
	for (const char *s = text; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	if (n < low || n > high)
		return -ERANGE;
	*out = n;
	return 0;
}

int parse_octal(const char *text, unsigned high, unsigned *out)
{
	unsigned n = 0;

	if (!*text)
		return -EINVAL;
	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '7')
			return -EINVAL;
		n = n * 8 + (unsigned)(*s - '0');
		if (n > high)
			return -ERANGE;
	}
	*out = n;
	return 0;
}

/* Length of "12", "12.5", ".5", "1e-3"; 0 where the text starts otherwise. */
static size_t decimal_length(const char *text)
{
	size_t n = 0, digits = 0, exponent;

	for (; is_digit(text[n]); n++)
		digits++;
	if (text[n] == '.')
		n++;
	for (; is_digit(text[n]); n++)
		digits++;
	if (digits == 0)
		return 0;
	if (text[n] != 'e' && text[n] != 'E')
		return n;
	exponent = n + 1;
	if (text[exponent] == '+' || text[exponent] == '-')
		exponent++;
	if (!is_digit(text[exponent]))
		return n;
	while (is_digit(text[exponent]))
		exponent++;
	return exponent;
}

/* The programs never leave the C locale for numbers, so that strtod() wants a point. */
static int parse_number(const char *text, bool may_be_negative, double *out)
{
	bool has_sign = may_be_negative && text[0] == '-';
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end)
		return -EINVAL;
	if (!isfinite(value) || (signbit(value) && !has_sign))
		return -EDOM;
	if (decimal_length(text + has_sign) != strlen(text + has_sign))
		return -EINVAL;
	*out = value;
	return 0;
}

int parse_figure(const char *text, double *out)
{
	return parse_number(text, false, out);
}

int parse_signed_figure(const char *text, double *out)
{
	return parse_number(text, true, out);
}

int parse_duration(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	size_t length = decimal_length(text);
	uint64_t unit = UINT64_C(1000000000);
	double ns;
	bool known = text[length] == '\0';

	for (size_t i = 0; !known && i < COUNT_OF(units); i++) {
		known = strcmp(text + length, units[i].suffix) == 0;
		unit = units[i].ns;
	}
	if (length == 0 || !known)
		return -EINVAL;
	ns = strtod(text, NULL) * (double)unit;
	if (!(ns < 0x1p63) || (uint64_t)ns < low || (uint64_t)ns > high)
		return -ERANGE;
	*out = (uint64_t)ns;
	return 0;
}

/* What people write for the units, by how it begins. */
static const struct {
	const char *begins, *suffix;
} spoken_units[] = {{"sec", "s"}, {"min", "m"}, {"ho", "h"}, {"hr", "h"}, {"da", "d"}, {"ms", "ms"},
    {"milli", "ms"}};

bool parse_duration_meant(const char *text, char *out, size_t bytes)
{
	size_t length = decimal_length(text);
	const char *unit = text + length;

	while (*unit == ' ')
		unit++;
	for (size_t i = 0; length > 0 && i < COUNT_OF(spoken_units); i++) {
		int n;

		if (strncasecmp(unit, spoken_units[i].begins, strlen(spoken_units[i].begins)) != 0)
			continue;
		n = snprintf(out, bytes, "%.*s%s", (int)length, text, spoken_units[i].suffix);
		return n > 0 && (size_t)n < bytes;
	}
	return false;
}

int parse_choice(const char *text, const char *choices, int *out)
{
	size_t length = strlen(text);
	int index = 0;

	for (const char *s = choices; *s; index++) {
		size_t n = strcspn(s, "|");

		if (n == length && memcmp(s, text, n) == 0) {
			*out = index;
			return 0;
		}
		s += n + (s[n] == '|');
	}
	return -EINVAL;
}

void format_duration(uint64_t ns, char *out, size_t bytes)
{
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (ns >= units[i].ns && ns % units[i].ns == 0) {
			snprintf(out, bytes, "%" PRIu64 "%s", ns / units[i].ns, units[i].suffix);
			return;
		}
	}
	snprintf(out, bytes, "%gs", (double)ns / 1e9);
}
