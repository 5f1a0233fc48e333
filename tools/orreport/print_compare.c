/*
 * print_compare.c: two periods compared, for people, as CSV and as JSON.
 */
#include "common/csv.h"
#include "common/print.h"
#include "compare.h"
#include "doc/json_build.h"
#include "options.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define NAME_WIDTH  16
#define VALUE_WIDTH 16

/* --- Names in both periods -------------------------------------------------------------------- */

static const struct request_stats *figures_in(const struct report *r, int by, const char *name)
{
	static const struct request_stats none = {.response_ms = {.min = NAN, .max = NAN},
	    .ttft_ms = {.min = NAN, .max = NAN},
	    .tps = {.min = NAN, .max = NAN},
	    .decode_tps = {.min = NAN, .max = NAN}};
	const struct request_stats *f = name_table_find(series_by(&r->total.sum, by), name);

	return f ? f : &none;
}

bool compare_each_name(
    const struct report *a, const struct report *b, int by, compare_name call, void *context)
{
	const struct name_table *s = series_by(&a->total.sum, by),
				*t = series_by(&b->total.sum, by);
	const struct name_table_entry **first = series_sorted(s), **second = series_sorted(t);

	for (uint32_t i = 0; first && second && i < t->count; i++)
		call(
		    context, second[i]->name, figures_in(a, by, second[i]->name), second[i]->value);
	for (uint32_t i = 0; first && second && i < s->count; i++)
		if (!name_table_find(t, first[i]->name))
			call(context, first[i]->name, first[i]->value,
			    figures_in(b, by, first[i]->name));
	free(first);
	free(second);
	return first && second;
}

/* --- For people ------------------------------------------------------------------------------- */

static void format_value(double value, enum unit unit, char *out, size_t bytes)
{
	char count[COUNT_TEXT_BYTES];

	if (isnan(value)) {
		snprintf(out, bytes, "-");
		return;
	}
	switch (unit) {
	case UNIT_COUNT:
		format_count((uint64_t)(value + 0.5), count);
		snprintf(out, bytes, "%s", count);
		break;
	case UNIT_PERCENT: snprintf(out, bytes, "%.2f %%", value); break;
	case UNIT_MS: snprintf(out, bytes, "%ss", format_fixed(value / 1000, 2).text); break;
	case UNIT_USD:
		snprintf(out, bytes, "$%s", format_fixed(value, value < 1 ? 6 : 4).text);
		break;
	case UNIT_TPS:
	case UNIT_PER_HOUR: snprintf(out, bytes, "%s", format_fixed(value, 1).text); break;
	}
}

static void format_change(const struct comparison *c, char *out, size_t bytes)
{
	if (isnan(c->change) || isinf(c->change))
		snprintf(out, bytes, "-");
	else if (c->unit == UNIT_PERCENT)
		snprintf(out, bytes, "%+.2f pt", c->change);
	else
		snprintf(out, bytes, "%+.1f %%", 100 * c->change);
}

void comparison_format(const struct comparison *c, char a[64], char b[64], char change[64])
{
	format_value(c->a, c->unit, a, 64);
	format_value(c->b, c->unit, b, 64);
	format_change(c, change, 64);
}

enum tone verdict_tone(enum verdict v)
{
	static const enum tone tones[] = {TONE_FAINT, TONE_FAINT, TONE_PLAIN, TONE_GOOD, TONE_BAD,
	    TONE_FAIR, TONE_BAD, TONE_FAIR};

	return tones[v];
}

static void print_one(FILE *out, const struct comparison *c, bool colour)
{
	enum tone tone = verdict_tone(c->verdict);
	char a[64], b[64], change[64];

	comparison_format(c, a, b, change);
	fprintf(out, "%-*s %*s %*s %11s  %s%s%s\n", NAME_WIDTH, c->name, VALUE_WIDTH, a,
	    VALUE_WIDTH, b, change, tone_start(tone, colour), verdict_name(c->verdict),
	    tone_end(tone, colour));
}

struct printing {
	FILE *out;
	bool colour;
};

static void print_name(
    void *context, const char *name, const struct request_stats *a, const struct request_stats *b)
{
	const struct printing *p = context;
	struct comparison items[COMPARISONS_MAX];
	size_t n = compare_stats(a, b, items);

	fprintf(p->out, "\n%s", tone_start(TONE_STRONG, p->colour));
	print_text(p->out, name);
	fprintf(p->out, "%s\n", tone_end(TONE_STRONG, p->colour));
	for (size_t i = 0; i < n; i++)
		print_one(p->out, &items[i], p->colour);
}

/* "2026-11-20" over a column; a longer one is in the first line alone. */
static void column_name(const struct report *r, const char *otherwise, char *out)
{
	time_name(&r->calendar, &r->span, out);
	if (text_width(out) > VALUE_WIDTH)
		snprintf(out, TIME_NAME_BYTES, "%s", otherwise);
}

void compare_print(FILE *out, const struct report *a, const struct report *b, int by, bool colour)
{
	struct comparison items[COMPARISONS_MAX];
	struct printing p = {out, colour};
	char first[TIME_NAME_BYTES], second[TIME_NAME_BYTES];
	size_t n = compare_rows(&a->total, &b->total, items);

	time_name(&a->calendar, &a->span, first);
	time_name(&b->calendar, &b->span, second);
	fprintf(out,
	    "%sorreport%s  A: %s%s (%.1f h of files)\n          B: %s%s (%.1f h of files)\n\n",
	    tone_start(TONE_STRONG, colour), tone_end(TONE_STRONG, colour), first,
	    a->total.incomplete ? "*" : "", row_hours(&a->total), second,
	    b->total.incomplete ? "*" : "", row_hours(&b->total));
	column_name(a, "A", first);
	column_name(b, "B", second);
	fprintf(out, "%s%-*s %*s %*s %11s%s\n", tone_start(TONE_STRONG, colour), NAME_WIDTH, "",
	    VALUE_WIDTH, first, VALUE_WIDTH, second, "CHANGE", tone_end(TONE_STRONG, colour));
	for (size_t i = 0; i < n; i++)
		print_one(out, &items[i], colour);
	if (by != BY_NOTHING)
		compare_each_name(a, b, by, print_name, &p);
	fputc('\n', out);
	if (a->total.incomplete || b->total.incomplete)
		fputs(
		    "* not over yet, or its agent stopped before the end: look at figures an hour\n",
		    out);
	print_wrapped(out,
	    "better, worse: certain at 1 %, and beyond the histograms' error. no clear change: chance "
	    "may do as much. too few: the samples are too small to tell. counted: no sample, all of "
	    "it. silent: none any more. See COMPARISON in orreport(1).",
	    0);
}

/* --- CSV -------------------------------------------------------------------------------------- */

static void csv_items(FILE *out, const char *name, const struct comparison *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		csv_text(out, name);
		fprintf(out, ",%s", items[i].key);
		csv_figure(out, items[i].a);
		csv_figure(out, items[i].b);
		csv_figure(out, items[i].change);
		csv_figure(out, items[i].z);
		fprintf(out, ",%s\r\n", verdict_name(items[i].verdict));
	}
}

static void csv_name(
    void *context, const char *name, const struct request_stats *a, const struct request_stats *b)
{
	struct comparison items[COMPARISONS_MAX];

	csv_items(context, name, items, compare_stats(a, b, items));
}

void compare_print_csv(FILE *out, const struct report *a, const struct report *b, int by)
{
	struct comparison items[COMPARISONS_MAX];

	fputs("name,figure,a,b,change,z,verdict\r\n", out);
	csv_items(out, "", items, compare_rows(&a->total, &b->total, items));
	if (by != BY_NOTHING)
		compare_each_name(a, b, by, csv_name, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_items(const struct comparison *items, size_t n)
{
	struct json_build all = json_build_object();

	for (size_t i = 0; i < n; i++) {
		struct json_build o = json_build_object();

		json_build_set(&o, "a", json_figure(items[i].a));
		json_build_set(&o, "b", json_figure(items[i].b));
		json_build_set(&o, "change", json_figure(items[i].change));
		json_build_set(&o, "z", json_figure(items[i].z));
		json_build_set(&o, "verdict", json_string(verdict_name(items[i].verdict)));
		json_build_set(&all, items[i].key, json_build_take(&o));
	}
	return json_build_take(&all);
}

static void json_name(
    void *context, const char *name, const struct request_stats *a, const struct request_stats *b)
{
	struct comparison items[COMPARISONS_MAX];

	json_build_set(context, name, json_items(items, compare_stats(a, b, items)));
}

json_t *compare_to_json(const struct report *a, const struct report *b, int by)
{
	struct comparison items[COMPARISONS_MAX];
	struct json_build o = json_build_object(), names = json_build_object();

	json_build_set(&o, "figures", json_items(items, compare_rows(&a->total, &b->total, items)));
	if (by != BY_NOTHING) {
		o.failed |= !compare_each_name(a, b, by, json_name, &names);
		json_build_set(&o, dimension_names[by].key, json_build_take(&names));
	} else {
		json_decref(names.value);
	}
	return json_build_take(&o);
}
