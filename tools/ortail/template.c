/*
 * template.c: printing a sample by a template.
 */
#include "template.h"
#include "base/clock.h"
#include "template_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The largest double has 309 digits before the point; a separator comes after every third. */
#define FIGURE_BYTES (512 + TEMPLATE_WIDTH_MAX)
#define TIME_BYTES   1024
#define TEXT_BYTES   4096

static void print_fill(FILE *out, const char *fill, int n)
{
	while (n-- > 0)
		fputs(fill, out);
}

/* Where a value of `width` columns stands within those of the spec. */
static int space_before(const struct spec *spec, char align, int width)
{
	int space = spec->width > width ? spec->width - width : 0;

	return align == '<' ? 0 : align == '^' ? space / 2 : space;
}

/* Safe text in its place. */
static void print_aligned(FILE *out, const struct spec *spec, char usual, const char *text)
{
	int width = spec->width > 0 ? text_width(text) : 0;
	int before = space_before(spec, spec->align ? spec->align : usual, width);

	print_fill(out, spec->fill, before);
	fputs(text, out);
	print_fill(out, spec->fill, spec->width - width - before);
}

/* A precision cuts a text, with an ellipsis in the last column. */
static void print_value_text(FILE *out, const struct spec *spec, const char *text)
{
	char safe[TEXT_BYTES];
	int before;

	if (spec->width == 0 && spec->precision == NONE) {
		print_text(out, text);
		return;
	}
	text_sanitise(safe, sizeof(safe), text);
	if (spec->precision == NONE || text_width(safe) <= spec->precision) {
		print_aligned(out, spec, '<', safe);
		return;
	}
	before = space_before(spec, spec->align ? spec->align : '<', spec->precision);
	print_fill(out, spec->fill, before);
	print_cell(out, safe, spec->precision, false);
	print_fill(out, spec->fill, spec->width - spec->precision - before);
}

static void write_figure(const struct spec *spec, int decimals, double value, char *out)
{
	int precision = spec->precision;
	char type = spec->type;

	if (!type && precision == NONE && decimals < 0) {
		snprintf(out, FIGURE_BYTES, "%.15g", value);
		return;
	}
	if (precision == NONE)
		precision = type ? 6 : decimals;
	if (type == 'e')
		snprintf(out, FIGURE_BYTES, "%.*e", precision, value);
	else if (type == 'g')
		snprintf(out, FIGURE_BYTES, "%.*g", precision, value);
	else
		snprintf(out, FIGURE_BYTES, "%.*f", precision, value);
}

/* "1234567.5" as "1,234,567.5" */
static void separate(const char *digits, char separator, char *out)
{
	size_t whole = strspn(digits, "0123456789");

	for (size_t i = 0; digits[i]; i++) {
		if (i > 0 && i < whole && (whole - i) % 3 == 0)
			*out++ = separator;
		*out++ = digits[i];
	}
	*out = '\0';
}

static void print_number(FILE *out, const struct part *part, const struct key_value *v)
{
	const struct spec *spec = &part->spec;
	char digits[FIGURE_BYTES], separated[2 * FIGURE_BYTES];

	if (key_type(&part->key) == KEY_FIGURE)
		write_figure(spec, key_decimals(&part->key), v->figure, digits);
	else if (spec->type && spec->type != 'd')
		write_figure(spec, 0, (double)v->count, digits);
	else
		snprintf(digits, sizeof(digits), "%" PRIu64, v->count);
	if (spec->separator)
		separate(digits, spec->separator, separated);
	print_aligned(out, spec, '>', spec->separator ? separated : digits);
}

/* The format was checked when the template was read. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void format_local_time(const char *format, uint64_t ns, char out[TIME_BYTES])
{
	time_t seconds = (time_t)(ns / NS_PER_SECOND);
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	if (strftime(out, TIME_BYTES, format, &tm) == 0)
		out[0] = '\0';
}
#pragma GCC diagnostic pop

static void print_time(FILE *out, const struct part *part, uint64_t ns)
{
	const struct spec *spec = &part->spec;
	const char *format = spec->time_format ? spec->time_format : key_time_format(&part->key);
	char text[TIME_BYTES], fraction[16];

	if (format)
		format_local_time(format, ns, text);
	else
		clock_format_rfc3339(ns, text);
	if (spec->precision > 0) {
		snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)(ns % NS_PER_SECOND));
		strncat(text, fraction, (size_t)spec->precision + 1);
	}
	print_aligned(out, spec, '<', text);
}

static void print_field(
    FILE *out, const struct part *part, bool colour, const struct orbus_sample *s)
{
	struct spec plain = part->spec;
	struct key_value value;
	enum tone tone;
	bool number = key_type(&part->key) == KEY_COUNT || key_type(&part->key) == KEY_FIGURE;

	if (!key_read(&part->key, s, &value)) {
		/* A dash among zeros would look like a figure. */
		if (plain.align == '=')
			strcpy(plain.fill, " ");
		print_aligned(out, &plain, number ? '>' : '<', part->missing);
		return;
	}
	tone = key_tone(&part->key, s);
	fputs(tone_start(tone, colour), out);
	switch (key_type(&part->key)) {
	case KEY_TEXT: print_value_text(out, &part->spec, value.text); break;
	case KEY_TIME: print_time(out, part, value.count); break;
	case KEY_COUNT:
	case KEY_FIGURE: print_number(out, part, &value); break;
	}
	fputs(tone_end(tone, colour), out);
}

void template_print(const struct template *t, FILE *out, bool colour, const struct orbus_sample *s)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->parts[i].literal)
			fputs(t->parts[i].literal, out);
		else
			print_field(out, &t->parts[i], colour, s);
	}
	fputc('\n', out);
}
