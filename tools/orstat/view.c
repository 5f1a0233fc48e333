/*
 * view.c: statistics as a person reads them, in 80 columns.
 *
 * They may come from any process that could write the board: all text is escaped before it is
 * printed.
 */
#include "view.h"
#include "alerts.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "common/print.h"
#include "live/bus_error.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 10
#define NAME_WIDTH  28

struct view {
	FILE *out;
	bool colour;
	const struct snapshot *s;
};

static void print_count(FILE *out, uint64_t n)
{
	char text[COUNT_TEXT_BYTES];

	format_count(n, text);
	fputs(text, out);
}

static void label(const struct view *v, const char *text)
{
	fprintf(v->out, "%s%-*s%s", tone_start(TONE_STRONG, v->colour), LABEL_WIDTH, text,
	    tone_end(TONE_STRONG, v->colour));
}

static void print_rating(const struct view *v, struct rating rating)
{
	fprintf(v->out, "  %s%s%s", tone_start(rating.tone, v->colour), rating.word,
	    tone_end(rating.tone, v->colour));
}

static void print_head(const struct view *v, const struct orstat_settings *settings)
{
	const struct snapshot_agent *agent = &v->s->agent;
	char bus[64], uptime[64];

	bus_display_name(settings->bus, bus, sizeof(bus));
	fprintf(v->out, "%sorbus%s  bus %s  ", tone_start(TONE_STRONG, v->colour),
	    tone_end(TONE_STRONG, v->colour), bus);
	if (agent->present) {
		clock_format_uptime(agent->uptime_seconds, uptime, sizeof(uptime));
		fprintf(v->out, "agent %" PRIu64 ", up %s  ", agent->pid, uptime);
	}
	fprintf(v->out, "%s\n", window_names[settings->window].words);
	if (!agent->present)
		fprintf(v->out,
		    "%sno agent is running: these figures are of what the ring still holds%s\n",
		    tone_start(TONE_POOR, v->colour), tone_end(TONE_POOR, v->colour));
	fputc('\n', v->out);
}

static void print_requests(const struct view *v)
{
	static const char *const words[][2] = {{"ok", "ok"}, {"error", "errors"},
	    {"timeout", "timeouts"}, {"cancelled", "cancelled"}, {"orphaned", "orphaned"},
	    {"in flight", "in flight"}};
	const struct stats_row *r = &v->s->all;
	const uint64_t parts[] = {
	    r->ok, r->errors, r->timeouts, r->cancelled, r->orphaned, v->s->in_flight};

	label(v, "Requests");
	print_count(v->out, r->requests);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i] == 0 && i > 0)
			continue;
		fputs(i ? ", " : "  ", v->out);
		print_count(v->out, parts[i]);
		fprintf(v->out, " %s", words[i][parts[i] != 1]);
	}
	fputc('\n', v->out);
}

/* Average and percentiles with a rating of the average. */
static void print_summary(const struct view *v, const char *name, enum summary_kind kind,
    double unit, const char *suffix, int digits, struct rating (*rate)(double))
{
	static const char *const names[] = {"avg", "p50", "p95", "p99"};
	const struct summary *s = &v->s->all.of[kind];
	const double values[] = {s->avg, s->p50, s->p95, s->p99};

	label(v, name);
	if (s->count == 0) {
		fprintf(v->out, "%s-%s\n", tone_start(TONE_FAINT, v->colour),
		    tone_end(TONE_FAINT, v->colour));
		return;
	}
	for (size_t i = 0; i < 4; i++)
		fprintf(v->out, "%s%s %s%s", i ? "  " : "", names[i],
		    format_fixed(values[i] / unit, digits).text, suffix);
	print_rating(v, rate(s->avg));
	fputc('\n', v->out);
}

static void print_tokens(const struct view *v)
{
	const struct token_sums *t = &v->s->all.tokens;
	double cost = v->s->all.cost_usd;

	label(v, "Tokens");
	print_count(v->out, t->total);
	fputs("  ", v->out);
	print_count(v->out, t->prompt);
	fputs(" prompt, ", v->out);
	print_count(v->out, t->completion);
	fputs(" completion\n", v->out);
	if (isnan(cost))
		return;
	label(v, "Cost");
	fprintf(v->out, "$%s\n", format_fixed(cost, 4).text);
}

static int by_count(const void *a, const void *b)
{
	const struct named_count *x = *(const struct named_count *const *)a;
	const struct named_count *y = *(const struct named_count *const *)b;

	return (x->count < y->count) - (x->count > y->count);
}

#define ERROR_TYPES_SHOWN 3

static void print_error_types(const struct view *v)
{
	size_t n = v->s->error_type_count;
	const struct named_count **types = calloc(n + 1, sizeof(*types));
	char name[40];

	if (!types)
		return;
	for (size_t i = 0; i < n; i++)
		types[i] = &v->s->error_types[i];
	qsort(types, n, sizeof(*types), by_count);
	for (size_t i = 0; i < n && i < ERROR_TYPES_SHOWN; i++) {
		text_sanitise(name, 20, types[i]->name);
		fprintf(v->out, "%s%s ", i ? ", " : "  ", name);
		print_count(v->out, types[i]->count);
	}
	if (n > ERROR_TYPES_SHOWN)
		fputs(", ...", v->out);
	free(types);
}

static void print_errors(const struct view *v)
{
	double rate = stats_row_error_rate(&v->s->all);
	uint64_t total = v->s->all.failed;

	label(v, "Errors");
	fprintf(v->out, "%s", tone_start(total ? TONE_BAD : TONE_PLAIN, v->colour));
	print_count(v->out, total);
	if (!isnan(rate))
		fprintf(v->out, ", %.1f %%", rate);
	fputs(tone_end(total ? TONE_BAD : TONE_PLAIN, v->colour), v->out);
	print_error_types(v);
	fputc('\n', v->out);
}

/* Only where there is something to worry about. */
static void print_losses(const struct view *v)
{
	static const char *const words[] = {"Lost", "Rejected", "Skewed"};
	const uint64_t counts[] = {v->s->lost, v->s->rejected, v->s->skewed};

	for (size_t i = 0; i < 3; i++) {
		if (counts[i] == 0)
			continue;
		label(v, words[i]);
		fputs(tone_start(TONE_POOR, v->colour), v->out);
		print_count(v->out, counts[i]);
		fprintf(v->out, " samples%s\n", tone_end(TONE_POOR, v->colour));
	}
}

static void print_gauges(const struct view *v)
{
	char safe[64];

	for (uint32_t i = 0; i < v->s->gauge_count; i++) {
		const struct gauge_row *g = &v->s->gauges[i];

		text_sanitise(safe, sizeof(safe), g->name);
		label(v, "Gauge");
		print_cell(v->out, safe, NAME_WIDTH, false);
		fprintf(v->out, " %.6g  min %.6g  max %.6g\n", g->last, g->min, g->max);
	}
}

static int by_requests(const void *a, const void *b)
{
	const struct stats_row *x = *(const struct stats_row *const *)a;
	const struct stats_row *y = *(const struct stats_row *const *)b;

	return (x->requests < y->requests) - (x->requests > y->requests);
}

/* A figure in its colour, or a dash. */
static void print_figure(
    const struct view *v, int width, int digits, double value, struct rating rating)
{
	fputc(' ', v->out);
	print_rated(v->out, v->colour, width, digits, value, rating);
}

static void print_row(const struct view *v, const struct stats_row *row)
{
	const struct summary *response = &row->of[SUMMARY_RESPONSE];
	double ttft = row->of[SUMMARY_TTFT].avg, tps = row->of[SUMMARY_TPS].avg;
	char text[1024];

	text_sanitise(text, sizeof(text), row->name);
	print_cell(v->out, text, NAME_WIDTH, false);
	format_count(row->requests, text);
	fprintf(v->out, " %9s", text);
	print_figure(v, 7, 2, response->avg / 1000, rate_response_ms(response->avg));
	print_figure(v, 7, 2, response->p95 / 1000, rate_response_ms(response->p95));
	print_figure(v, 6, 2, ttft / 1000, rate_ttft_ms(ttft));
	print_figure(v, 6, 1, tps, rate_tps(tps));
	format_count(row->failed, text);
	fprintf(v->out, " %7s\n", text);
}

static void print_table(const struct view *v, enum dimension by)
{
	const struct stats_rows *all = &v->s->by[by];
	const struct stats_row **rows = calloc(all->count + 1, sizeof(*rows));

	if (!rows || all->count == 0) {
		free(rows);
		return;
	}
	for (uint32_t i = 0; i < all->count; i++)
		rows[i] = &all->rows[i];
	qsort(rows, all->count, sizeof(*rows), by_requests);
	fprintf(v->out, "\n%s%-*s %9s %7s %7s %6s %6s %7s%s\n", tone_start(TONE_STRONG, v->colour),
	    NAME_WIDTH, dimension_names[by].heading, "REQUESTS", "AVG s", "P95 s", "TTFT s", "TPS",
	    "ERRORS", tone_end(TONE_STRONG, v->colour));
	for (uint32_t i = 0; i < all->count; i++)
		print_row(v, rows[i]);
	free(rows);
}

void view_print(
    FILE *out, const struct orstat_settings *settings, const struct snapshot *s, bool colour)
{
	const struct view v = {out, colour, s};

	print_head(&v, settings);
	print_requests(&v);
	print_summary(&v, "Response", SUMMARY_RESPONSE, 1000, "s", 2, rate_response_ms);
	print_summary(&v, "TTFT", SUMMARY_TTFT, 1000, "s", 2, rate_ttft_ms);
	print_summary(&v, "TPS", SUMMARY_TPS, 1, "", 1, rate_tps);
	print_tokens(&v);
	print_errors(&v);
	print_losses(&v);
	alerts_print(out, &s->alerts, colour);
	print_gauges(&v);
	print_table(&v, (enum dimension)settings->by);
}

int view_print_json(FILE *out, const struct statistics *s, size_t flags)
{
	json_t *all = statistics_to_json(s);
	int err = all ? print_json(out, all, flags) : -ENOMEM;

	fputc('\n', out);
	json_decref(all);
	return err;
}
