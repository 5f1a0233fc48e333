/*
 * view.c: statistics as a person reads them, in 80 columns.
 *
 * The document may come from any process that could write the board: every look-up is by key, a
 * value of another type is as good as none, and all text is escaped before it is printed.
 */
#include "view.h"
#include "alerts.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "common/print.h"
#include "common/stats_lookup.h"
#include "live/bus_error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 10
#define NAME_WIDTH  28

struct view {
	FILE *out;
	bool colour;
	const json_t *d;
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

static void print_head(
    const struct view *v, const struct orstat_settings *settings, const struct statistics *s)
{
	static const char *const windows[] = {
	    "the last minute", "the last 5 minutes", "the last hour", "today", "since the start"};
	char bus[64], uptime[64];

	bus_display_name(settings->bus, bus, sizeof(bus));
	fprintf(v->out, "%sorbus%s  bus %s  ", tone_start(TONE_STRONG, v->colour),
	    tone_end(TONE_STRONG, v->colour), bus);
	if (s->agent) {
		clock_format_uptime(
		    count_at(s->agent, "uptime_seconds", NULL), uptime, sizeof(uptime));
		fprintf(v->out, "agent %llu, up %s  ",
		    (unsigned long long)count_at(s->agent, "pid", NULL), uptime);
	}
	fprintf(v->out, "%s\n", windows[settings->window]);
	if (!s->agent)
		fprintf(v->out,
		    "%sno agent is running: these figures are of what the ring still holds%s\n",
		    tone_start(TONE_POOR, v->colour), tone_end(TONE_POOR, v->colour));
	fputc('\n', v->out);
}

static void print_requests(const struct view *v)
{
	static const char *const parts[] = {
	    "ok", "errors", "timeouts", "cancelled", "orphaned", "in_flight"};
	static const char *const words[][2] = {{"ok", "ok"}, {"error", "errors"},
	    {"timeout", "timeouts"}, {"cancelled", "cancelled"}, {"orphaned", "orphaned"},
	    {"in flight", "in flight"}};
	const json_t *r = json_object_get(v->d, "requests");

	label(v, "Requests");
	print_count(v->out, count_at(r, "total", NULL));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t n = count_at(r, parts[i], NULL);

		if (n == 0 && i > 0)
			continue;
		fputs(i ? ", " : "  ", v->out);
		print_count(v->out, n);
		fprintf(v->out, " %s", words[i][n != 1]);
	}
	fputc('\n', v->out);
}

/* Average and percentiles with a rating of the average. */
static void print_summary(const struct view *v, const char *name, const char *key, double unit,
    const char *suffix, int digits, struct rating (*rate)(double))
{
	static const char *const figures[] = {"avg", "p50", "p95", "p99"};
	const json_t *s = json_object_get(v->d, key);

	label(v, name);
	if (count_at(s, "count", NULL) == 0) {
		fprintf(v->out, "%s-%s\n", tone_start(TONE_FAINT, v->colour),
		    tone_end(TONE_FAINT, v->colour));
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		double value = number_at(s, figures[i], NULL);

		fprintf(v->out, "%s%s %s%s", i ? "  " : "", figures[i],
		    format_fixed(value / unit, digits).text, suffix);
	}
	print_rating(v, rate(number_at(s, "avg", NULL)));
	fputc('\n', v->out);
}

static void print_tokens(const struct view *v)
{
	const json_t *t = json_object_get(v->d, "token_usage");
	double cost = number_at(v->d, "cost_usd", NULL);

	label(v, "Tokens");
	print_count(v->out, count_at(t, "total_tokens", NULL));
	fputs("  ", v->out);
	print_count(v->out, count_at(t, "prompt_tokens", NULL));
	fputs(" prompt, ", v->out);
	print_count(v->out, count_at(t, "completion_tokens", NULL));
	fputs(" completion\n", v->out);
	if (isnan(cost))
		return;
	label(v, "Cost");
	fprintf(v->out, "$%s\n", format_fixed(cost, 4).text);
}

static int by_count(const void *a, const void *b)
{
	double x = json_number_value(json_object_iter_value(*(void *const *)a));
	double y = json_number_value(json_object_iter_value(*(void *const *)b));

	return (x < y) - (x > y);
}

#define ERROR_TYPES_SHOWN 3

static void print_error_types(const struct view *v, json_t *types)
{
	size_t n = json_object_size(types), i = 0;
	void **iters = calloc(n + 1, sizeof(*iters));
	char name[40];

	if (!iters)
		return;
	for (void *it = json_object_iter(types); it; it = json_object_iter_next(types, it))
		iters[i++] = it;
	qsort(iters, n, sizeof(*iters), by_count);
	for (i = 0; i < n && i < ERROR_TYPES_SHOWN; i++) {
		text_sanitise(name, 20, json_object_iter_key(iters[i]));
		fprintf(v->out, "%s%s ", i ? ", " : "  ", name);
		print_count(v->out, count_at(types, json_object_iter_key(iters[i]), NULL));
	}
	if (n > ERROR_TYPES_SHOWN)
		fputs(", ...", v->out);
	free(iters);
}

static void print_errors(const struct view *v)
{
	json_t *errors = json_object_get(v->d, "errors");
	double rate = error_rate(v->d);
	uint64_t total = failed_requests(v->d);

	label(v, "Errors");
	fprintf(v->out, "%s", tone_start(total ? TONE_BAD : TONE_PLAIN, v->colour));
	print_count(v->out, total);
	if (!isnan(rate))
		fprintf(v->out, ", %.1f %%", rate);
	fputs(tone_end(total ? TONE_BAD : TONE_PLAIN, v->colour), v->out);
	print_error_types(v, json_object_get(errors, "by_type"));
	fputc('\n', v->out);
}

/* Only where there is something to worry about. */
static void print_losses(const struct view *v)
{
	static const char *const keys[] = {"lost_samples", "rejected_samples", "skewed_samples"};
	static const char *const words[] = {"Lost", "Rejected", "Skewed"};

	for (size_t i = 0; i < 3; i++) {
		uint64_t n = count_at(v->d, keys[i], NULL);

		if (n == 0)
			continue;
		label(v, words[i]);
		fputs(tone_start(TONE_POOR, v->colour), v->out);
		print_count(v->out, n);
		fprintf(v->out, " samples%s\n", tone_end(TONE_POOR, v->colour));
	}
}

static void print_gauges(const struct view *v)
{
	json_t *gauges = json_object_get(v->d, "gauges"), *g;
	const char *name;
	char safe[64];

	json_object_foreach(gauges, name, g)
	{
		text_sanitise(safe, sizeof(safe), name);
		label(v, "Gauge");
		print_cell(v->out, safe, NAME_WIDTH, false);
		fprintf(v->out, " %.6g  min %.6g  max %.6g\n", number_at(g, "last", NULL),
		    number_at(g, "min", NULL), number_at(g, "max", NULL));
	}
}

struct row {
	const char *name;
	const json_t *figures;
};

static int by_requests(const void *a, const void *b)
{
	uint64_t x = count_at(((const struct row *)a)->figures, "requests", NULL);
	uint64_t y = count_at(((const struct row *)b)->figures, "requests", NULL);

	return (x < y) - (x > y);
}

/* A figure in its colour, or a dash. */
static void print_figure(
    const struct view *v, int width, int digits, double value, struct rating rating)
{
	fputc(' ', v->out);
	print_rated(v->out, v->colour, width, digits, value, rating);
}

static void print_row(const struct view *v, const struct row *row)
{
	const json_t *f = row->figures;
	double avg = number_at(f, "response_times", "avg"),
	       p95 = number_at(f, "response_times", "p95");
	double ttft = number_at(f, "ttft", "avg"), tps = number_at(f, "tps", "avg");
	char text[1024];

	text_sanitise(text, sizeof(text), row->name);
	print_cell(v->out, text, NAME_WIDTH, false);
	format_count(count_at(f, "requests", NULL), text);
	fprintf(v->out, " %9s", text);
	print_figure(v, 7, 2, avg / 1000, rate_response_ms(avg));
	print_figure(v, 7, 2, p95 / 1000, rate_response_ms(p95));
	print_figure(v, 6, 2, ttft / 1000, rate_ttft_ms(ttft));
	print_figure(v, 6, 1, tps, rate_tps(tps));
	format_count(count_at(f, "errors", NULL), text);
	fprintf(v->out, " %7s\n", text);
}

static void print_table(const struct view *v, const char *by, const char *heading)
{
	json_t *all = json_object_get(v->d, by), *figures;
	size_t n = 0, count = json_object_size(all);
	struct row *rows = calloc(count + 1, sizeof(*rows));
	const char *name;

	if (!rows || count == 0) {
		free(rows);
		return;
	}
	json_object_foreach(all, name, figures) rows[n++] = (struct row){name, figures};
	qsort(rows, n, sizeof(*rows), by_requests);
	fprintf(v->out, "\n%s%-*s %9s %7s %7s %6s %6s %7s%s\n", tone_start(TONE_STRONG, v->colour),
	    NAME_WIDTH, heading, "REQUESTS", "AVG s", "P95 s", "TTFT s", "TPS", "ERRORS",
	    tone_end(TONE_STRONG, v->colour));
	for (size_t i = 0; i < n; i++)
		print_row(v, &rows[i]);
	free(rows);
}

void view_print(
    FILE *out, const struct orstat_settings *settings, const struct statistics *s, bool colour)
{
	static const char *const keys[] = {"by_model", "by_bot", "by_provider"};
	static const char *const headings[] = {"MODEL", "BOT", "PROVIDER"};
	const struct view v = {out, colour, s->document};

	print_head(&v, settings, s);
	print_requests(&v);
	print_summary(&v, "Response", "response_times", 1000, "s", 2, rate_response_ms);
	print_summary(&v, "TTFT", "ttft", 1000, "s", 2, rate_ttft_ms);
	print_summary(&v, "TPS", "tps", 1, "", 1, rate_tps);
	print_tokens(&v);
	print_errors(&v);
	print_losses(&v);
	alerts_print(out, s->alerts, colour);
	print_gauges(&v);
	print_table(&v, keys[settings->by], headings[settings->by]);
}

int view_print_json(FILE *out, const struct statistics *s, size_t flags)
{
	json_t *all = statistics_to_json(s);
	int err = all ? print_json(out, all, flags) : -ENOMEM;

	fputc('\n', out);
	json_decref(all);
	return err;
}
