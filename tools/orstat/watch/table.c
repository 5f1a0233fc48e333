/*
 * table.c: the table by model, bot or provider.
 */
#include "table.h"
#include "base/ratings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As of --check. */
#define ERROR_RATE_POOR 5.0
#define ERROR_RATE_BAD  25.0

/* What is left over beyond that stays empty, so that figures are not far from their names. */
#define NAME_WIDTH_MAX 56

enum form { FORM_COUNT, FORM_SECONDS, FORM_RATE, FORM_PERCENT, FORM_DOLLARS };

static const struct shape {
	const char *heading;
	int width;
	int rank; /* the lowest is kept longest */
	enum form form;
} shapes[COLUMNS_COUNT] = {
    [COLUMN_NAME] = {"", 0, 0, FORM_COUNT},
    [COLUMN_REQUESTS] = {"REQUESTS", 9, 1, FORM_COUNT},
    [COLUMN_AVG] = {"AVG s", 7, 2, FORM_SECONDS},
    [COLUMN_P50] = {"P50 s", 7, 9, FORM_SECONDS},
    [COLUMN_P95] = {"P95 s", 7, 4, FORM_SECONDS},
    [COLUMN_P99] = {"P99 s", 7, 10, FORM_SECONDS},
    [COLUMN_TTFT] = {"TTFT s", 6, 5, FORM_SECONDS},
    [COLUMN_TPS] = {"TPS", 6, 3, FORM_RATE},
    [COLUMN_ERRORS] = {"ERRORS", 7, 6, FORM_COUNT},
    [COLUMN_ERROR_RATE] = {"ERR %", 6, 7, FORM_PERCENT},
    [COLUMN_TOKENS] = {"TOKENS", 13, 11, FORM_COUNT},
    [COLUMN_COST] = {"COST $", 10, 8, FORM_DOLLARS},
};

/* --- Rows ------------------------------------------------------------------------------------- */

static void set_row(struct table_row *row, const char *name, const struct stats_row *from)
{
	const struct summary *response = &from->of[SUMMARY_RESPONSE];

	row->name = name;
	row->values[COLUMN_NAME] = NAN;
	row->values[COLUMN_REQUESTS] = (double)from->requests;
	row->values[COLUMN_AVG] = response->avg;
	row->values[COLUMN_P50] = response->p50;
	row->values[COLUMN_P95] = response->p95;
	row->values[COLUMN_P99] = response->p99;
	row->values[COLUMN_TTFT] = from->of[SUMMARY_TTFT].avg;
	row->values[COLUMN_TPS] = from->of[SUMMARY_TPS].avg;
	row->values[COLUMN_ERRORS] = (double)from->failed;
	row->values[COLUMN_ERROR_RATE] = stats_row_error_rate(from);
	row->values[COLUMN_TOKENS] = (double)from->tokens.total;
	row->values[COLUMN_COST] = from->cost_usd;
}

static int compare(const void *a, const void *b, void *context)
{
	const struct table_row *x = a, *y = b;
	const struct watch_state *s = context;
	double p = x->values[s->sort], q = y->values[s->sort];
	int by_name = strcmp(x->name, y->name);

	if (s->sort == COLUMN_NAME)
		return s->ascending ? by_name : -by_name;
	if (isnan(p) || isnan(q) || p == q)
		return isnan(p) != isnan(q) ? (isnan(p) ? 1 : -1) : by_name;
	return (p < q) == s->ascending ? -1 : 1;
}

struct table_row *table_rows(
    const struct snapshot *snapshot, const struct watch_state *s, size_t *count)
{
	const struct stats_rows *all = &snapshot->by[s->by];
	struct table_row *rows = calloc(all->count + 1, sizeof(*rows));

	*count = 0;
	if (!rows)
		return NULL;
	for (uint32_t i = 0; i < all->count; i++)
		if (state_matches(s, all->rows[i].name))
			set_row(&rows[(*count)++], all->rows[i].name, &all->rows[i]);
	qsort_r(rows, *count, sizeof(*rows), compare, (void *)(uintptr_t)s);
	return rows;
}

/* --- Columns ---------------------------------------------------------------------------------- */

static int least_name_width(int columns)
{
	if (columns < 60)
		return 12 + columns / 20;
	return columns <= 80 ? 28 : 28 + (columns - 80) / 5;
}

static int column_of_rank(int rank)
{
	for (int i = 1; i < COLUMNS_COUNT; i++)
		if (shapes[i].rank == rank)
			return i;
	return COLUMN_NAME;
}

uint32_t table_columns(int columns, int *name_width)
{
	uint32_t shown = UINT32_C(1) << COLUMN_NAME;
	int left = columns - least_name_width(columns);

	for (int rank = 1; rank < COLUMNS_COUNT; rank++) {
		int column = column_of_rank(rank);

		if (left < shapes[column].width + 1)
			break;
		left -= shapes[column].width + 1;
		shown |= UINT32_C(1) << column;
	}
	*name_width = least_name_width(columns) + left;
	if (*name_width > NAME_WIDTH_MAX)
		*name_width = NAME_WIDTH_MAX;
	return shown;
}

/* --- Drawing ---------------------------------------------------------------------------------- */

/* A count in at most `width` columns: "1,234,567", or "12.3M" where that is too long. */
static void format_short_count(double n, int width, char *out, size_t bytes)
{
	static const char units[] = "kMGTP";
	char full[COUNT_TEXT_BYTES];
	int unit = -1;

	/* No count is as large: the board need not be an agent's. */
	if (!(n >= 0 && n < 1e18)) {
		snprintf(out, bytes, "%.0e", n);
		return;
	}
	format_count((uint64_t)n, full);
	if ((int)strlen(full) <= width) {
		snprintf(out, bytes, "%s", full);
		return;
	}
	while (n >= 1000 && units[unit + 1]) {
		n /= 1000;
		unit++;
	}
	snprintf(out, bytes, "%.1f%c", n, units[unit < 0 ? 0 : unit]);
}

static void format_value(enum column column, double value, char *out, size_t bytes)
{
	const struct shape *shape = &shapes[column];

	if (isnan(value)) {
		snprintf(out, bytes, "-");
		return;
	}
	switch (shape->form) {
	case FORM_COUNT: format_short_count(value, shape->width, out, bytes); return;
	case FORM_SECONDS: snprintf(out, bytes, "%s", format_fixed(value / 1000, 2).text); break;
	case FORM_RATE:
	case FORM_PERCENT: snprintf(out, bytes, "%.1f", value); break;
	case FORM_DOLLARS: snprintf(out, bytes, "%s", format_fixed(value, 4).text); break;
	}
	if ((int)strlen(out) > shape->width)
		format_short_count(
		    shape->form == FORM_SECONDS ? value / 1000 : value, shape->width, out, bytes);
}

static enum tone tone_of(const struct table_row *row, enum column column)
{
	double value = row->values[column], rate = row->values[COLUMN_ERROR_RATE];

	switch (column) {
	case COLUMN_AVG:
	case COLUMN_P50:
	case COLUMN_P95:
	case COLUMN_P99: return rate_response_ms(value).tone;
	case COLUMN_TTFT: return rate_ttft_ms(value).tone;
	case COLUMN_TPS: return rate_tps(value).tone;
	case COLUMN_ERRORS:
	case COLUMN_ERROR_RATE:
		return rate >= ERROR_RATE_BAD    ? TONE_BAD
		       : rate >= ERROR_RATE_POOR ? TONE_POOR
		                                 : TONE_PLAIN;
	default: return TONE_PLAIN;
	}
}

struct grid {
	uint32_t shown;
	int name_width;
};

static void draw_row(struct canvas *c, int at, const struct grid *g, const struct table_row *row,
    enum tone name_tone)
{
	int column = g->name_width;

	canvas_text(c, at, 0, g->name_width, name_tone, row->name);
	for (int i = 1; i < COLUMNS_COUNT; i++) {
		char text[64];

		if (!(g->shown & UINT32_C(1) << i))
			continue;
		format_value((enum column)i, row->values[i], text, sizeof(text));
		canvas_text_right(
		    c, at, column + 1, shapes[i].width, tone_of(row, (enum column)i), text);
		column += shapes[i].width + 1;
	}
}

/* "MODEL", and which of how many rows are below. */
static void describe_names(const struct watch_state *s, const char *mark, char *out, size_t bytes)
{
	int n = snprintf(out, bytes, "%s%s", dimension_names[s->by].heading, mark);

	if (s->rows > s->rows_shown && s->rows_shown > 0)
		n += snprintf(out + n, bytes - (size_t)n, " %d-%d of %d", s->scroll + 1,
		    s->scroll + s->rows_shown, s->rows);
	if (*s->filter || s->editing)
		snprintf(out + n, bytes - (size_t)n, " /%s", s->editing ? s->draft : s->filter);
}

static void draw_heading(
    struct canvas *c, int at, const struct grid *g, const struct watch_state *s)
{
	const char *mark =
	    c->utf8 ? (s->ascending ? "\u25b2" : "\u25bc") : (s->ascending ? "^" : "v");
	int column = g->name_width;
	char text[256];

	describe_names(s, s->sort == COLUMN_NAME ? mark : "", text, sizeof(text));
	canvas_text(c, at, 0, g->name_width, TONE_STRONG, text);
	for (int i = 1; i < COLUMNS_COUNT; i++) {
		if (!(g->shown & UINT32_C(1) << i))
			continue;
		snprintf(
		    text, sizeof(text), "%s%s", (int)s->sort == i ? mark : "", shapes[i].heading);
		canvas_text_right(c, at, column, shapes[i].width + 1, TONE_STRONG, text);
		column += shapes[i].width + 1;
	}
	canvas_reverse(c, at, 0, c->columns);
}

static void note_shown(struct watch_state *s, const struct grid *g, int rows, int room)
{
	s->columns_shown = g->shown;
	s->rows = rows;
	s->rows_shown = rows < room ? rows : room;
	if (s->scroll > s->rows - s->rows_shown)
		s->scroll = s->rows - s->rows_shown;
}

void table_draw(
    struct canvas *c, int top, int height, const struct snapshot *snapshot, struct watch_state *s)
{
	struct grid g;
	size_t count;
	struct table_row *rows = table_rows(snapshot, s, &count), all;

	if (!rows || height < 1) {
		free(rows);
		return;
	}
	g.shown = table_columns(c->columns, &g.name_width);
	note_shown(s, &g, (int)count, height > 2 ? height - 2 : 0);
	draw_heading(c, top, &g, s);
	set_row(&all, "all", &snapshot->all);
	if (height > 1)
		draw_row(c, top + 1, &g, &all, TONE_STRONG);
	for (int i = 0; i < s->rows_shown; i++)
		draw_row(c, top + 2 + i, &g, &rows[s->scroll + i], TONE_PLAIN);
	free(rows);
}
