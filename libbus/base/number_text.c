/*
 * number_text.c: numbers as text.
 */
#include "number_text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DECIMALS      6
#define DECIMAL_SCALE 1e6

static size_t put_uint(char *to, uint64_t n)
{
	char digits[20];
	size_t count = 0;

	do
		digits[sizeof(digits) - ++count] = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(to, digits + sizeof(digits) - count, count);
	return count;
}

/*
 * Writes a figure from its decimals, if it has few and is the double nearest to them. This is
 * several times as fast as printf, and fits most figures. Returns 0 for other figures.
 */
static size_t put_decimals(double value, char *to)
{
	uint64_t scaled, rest;
	size_t n;

	if (!(value >= 1e-3 && value < 1e9))
		return 0;
	scaled = (uint64_t)(value * DECIMAL_SCALE + 0.5);
	if ((double)scaled / DECIMAL_SCALE != value)
		return 0;
	n = put_uint(to, scaled / (uint64_t)DECIMAL_SCALE);
	to[n++] = '.';
	rest = scaled % (uint64_t)DECIMAL_SCALE;
	for (size_t i = DECIMALS; i-- > 0; rest /= 10)
		to[n + i] = (char)('0' + rest % 10);
	for (n += DECIMALS; to[n - 1] == '0' && to[n - 2] != '.'; n--)
		;
	return n;
}

/* 1e-5 and not 1e-05, 1e300 and not 1e+300: as jansson writes them. */
static void shorten_exponent(char *exponent)
{
	char *sign = exponent + 1, *to = sign + (*sign == '-');
	const char *digits = sign + 1;

	digits += strspn(digits, "0");
	memmove(to, digits, strlen(digits) + 1);
}

size_t figure_text(double value, char out[FIGURE_TEXT_MAX])
{
	size_t n = put_decimals(value, out);
	char text[FIGURE_TEXT_MAX + 8], *exponent;

	if (n > 0)
		return n;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (digits == 17 || strtod(text, NULL) == value)
			break;
	}
	exponent = strchr(text, 'e');
	if (exponent)
		shorten_exponent(exponent);
	else if (!strchr(text, '.'))
		strcat(text, ".0");
	n = strlen(text);
	memcpy(out, text, n);
	return n;
}

void format_count(uint64_t n, char out[COUNT_TEXT_BYTES])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = out;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
}

struct fixed_figure format_fixed(double value, int decimals)
{
	struct fixed_figure f;

	if (fabs(value) >= 1e15)
		snprintf(f.text, sizeof(f.text), "%.3g", value);
	else
		snprintf(f.text, sizeof(f.text), "%.*f", decimals, value);
	return f;
}

void format_figure(double value, char out[FIGURE_TEXT_BYTES])
{
	bool is_whole = floor(value) == value;

	if (fabs(value) >= 1e15)
		snprintf(out, FIGURE_TEXT_BYTES, "%.3g", value);
	else
		snprintf(out, FIGURE_TEXT_BYTES,
		    is_whole           ? "%.0f"
		    : fabs(value) >= 1 ? "%.2f"
				       : "%.3g",
		    value);
}

/* All digits that it takes to read the same double; "5", not "5.0". */
static void format_whole_figure(double value, char out[FIGURE_TEXT_BYTES])
{
	char text[FIGURE_TEXT_MAX];
	size_t n = figure_text(value, text);

	if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0)
		n -= 2;
	memcpy(out, text, n);
	out[n] = '\0';
}

static int order_of(double a, double b)
{
	return (a > b) - (a < b);
}

void format_with_limit(
    double value, double limit, char out[FIGURE_TEXT_BYTES], char limit_out[FIGURE_TEXT_BYTES])
{
	static_assert(FIGURE_TEXT_BYTES >= FIGURE_TEXT_MAX, "any figure fits");

	format_figure(value, out);
	format_figure(limit, limit_out);
	if (!isfinite(value) || !isfinite(limit) ||
	    order_of(strtod(out, NULL), strtod(limit_out, NULL)) == order_of(value, limit))
		return;
	format_whole_figure(value, out);
	format_whole_figure(limit, limit_out);
}
