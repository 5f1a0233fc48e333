/*
 * stats.c: a summary of each interval.
 */
#include "stats.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "base/wall_time.h"
#include "common/print.h"
#include "doc/document.h"
#include "doc/json_build.h"
#include "stats/aggregate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct stats {
	uint64_t every_ns;
	bool json, colour;
	uint64_t start_ns; /* of the interval under way; 0: there was nothing yet */
	uint64_t since_ns; /* when following began; 0: it has not */
	struct aggregate sum;
};

struct stats *stats_new(uint64_t every_ns, bool json, bool colour)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->every_ns = every_ns;
	s->json = json;
	s->colour = colour;
	aggregate_init(&s->sum);
	return s;
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	aggregate_free(&s->sum);
	free(s);
}

void stats_figures(const struct orbus_sample *sample, struct orbus_sample *out)
{
	*out = *sample;
	out->bot = out->model = out->requested_model = out->provider = out->finish_reason = NULL;
	out->request_id = out->begin_id = out->error_type = out->error_message = out->name = NULL;
	out->tags = NULL;
	out->tag_count = 0;
}

/* --- One line --------------------------------------------------------------------------------- */

/* Requests a second in the part of the interval that was watched; NaN: none was. */
static double rate(const struct stats *s, uint64_t end_ns)
{
	uint64_t from = s->since_ns > s->start_ns ? s->since_ns : s->start_ns;

	return end_ns > from ? (double)s->sum.requests.total * 1e9 / (double)(end_ns - from) : NAN;
}

/* " | NAME FIGURE" in columns, so that the lines of a quiet hour stand below each other. */
static void print_figure(const struct stats *s, FILE *out, const char *name, int width,
    double value, int digits, const char *unit, struct rating rating)
{
	fprintf(out, " | %s%s%s", name, *name ? " " : "", tone_start(rating.tone, s->colour));
	if (isnan(value))
		fprintf(out, "%*s", width + (int)strlen(unit), "-");
	else
		fprintf(out, "%*s%s", width, format_fixed(value, digits).text, unit);
	fputs(tone_end(rating.tone, s->colour), out);
}

static void print_count(FILE *out, int width, uint64_t n, const char *one, const char *many)
{
	char text[COUNT_TEXT_BYTES];

	format_count(n, text);
	fprintf(out, "%*s %-*s", width, text, (int)strlen(many), n == 1 ? one : many);
}

static void print_line(const struct stats *s, FILE *out, uint64_t end_ns)
{
	const struct request_stats *f = &s->sum.requests;
	double p50 = histogram_quantile(&f->response_ms, 0.50);
	double p95 = histogram_quantile(&f->response_ms, 0.95);
	double ttft = histogram_mean(&f->ttft_ms), tps = histogram_mean(&f->tps);
	uint64_t failed = request_stats_failed(f);
	enum tone bad = failed ? TONE_BAD : TONE_PLAIN;
	time_t seconds = (time_t)(end_ns / NS_PER_SECOND);
	const struct rating plain = {"", TONE_PLAIN};
	struct tm tm = {0};
	char time[16];

	localtime_r(&seconds, &tm);
	strftime(time, sizeof(time), "%H:%M:%S", &tm);
	fprintf(out, "%sSTATS%s - %s | ", tone_start(TONE_STRONG, s->colour),
	    tone_end(TONE_STRONG, s->colour), time);
	print_count(out, 5, f->total, "request", "requests");
	print_figure(s, out, "", 6, rate(s, end_ns), 1, "/s", plain);
	fprintf(out, " | %s", tone_start(bad, s->colour));
	print_count(out, 3, failed, "error", "errors");
	fputs(tone_end(bad, s->colour), out);
	print_figure(s, out, "p50", 5, p50 / 1000, 2, "s", rate_response_ms(p50));
	print_figure(s, out, "p95", 5, p95 / 1000, 2, "s", rate_response_ms(p95));
	print_figure(s, out, "TTFT", 4, ttft / 1000, 2, "s", rate_ttft_ms(ttft));
	print_figure(s, out, "TPS", 5, tps, 1, "", rate_tps(tps));
	fputs(" | ", out);
	print_count(out, 7, f->tokens.total, "token", "tokens");
	if (f->cost_known)
		fprintf(out, " | $%s", format_fixed(exact_figure(f->cost), 4).text);
	fputc('\n', out);
}

/* The keys are those of the files. */
static bool print_object(const struct stats *s, FILE *out, uint64_t end_ns)
{
	static const char *const keys[] = {
	    "requests", "response_times", "ttft", "tps", "decode_tps", "token_usage", "cost_usd"};
	struct document_context context = {.period_kind = "interval",
	    .start_ns = s->start_ns,
	    .end_ns = end_ns,
	    .utc = true,
	    .complete = end_ns == s->start_ns + s->every_ns};
	json_t *document = document_from_aggregate(&s->sum, &context), *object;
	struct json_build o = json_build_object();
	char ts[RFC3339_BYTES];
	bool ok;

	clock_format_rfc3339(end_ns, ts);
	json_build_set(&o, "kind", json_string("stats"));
	json_build_set(&o, "ts", json_string(ts));
	json_build_set(&o, "period", json_incref(json_object_get(document, "period")));
	json_build_set(&o, "requests_per_second", json_figure(rate(s, end_ns)));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_build_set(&o, keys[i], json_incref(json_object_get(document, keys[i])));
	object = json_build_take(&o);
	/* Removes keys about what was not kept or looked at. */
	json_object_del(json_object_get(object, "token_usage"), "by_model");
	json_object_del(json_object_get(object, "requests"), "in_flight");
	ok = object && print_json(out, object, JSON_COMPACT) == 0;
	fputc('\n', out);
	json_decref(object);
	json_decref(document);
	return ok;
}

static bool print_sum(struct stats *s, FILE *out, uint64_t end_ns)
{
	bool ok = true;

	if (s->json)
		ok = print_object(s, out, end_ns);
	else
		print_line(s, out, end_ns);
	aggregate_clear(&s->sum);
	return ok;
}

/* --- The intervals ---------------------------------------------------------------------------- */

/* Intervals are those of clocks on the wall: a day begins at midnight, and 6h at 00, 06, 12 and 18.
 */
static uint64_t start_of(const struct stats *s, uint64_t at_ns)
{
	struct tm tm;
	uint64_t shown_ns;

	wall_time_tm(false, at_ns, &tm);
	shown_ns = at_ns + (uint64_t)tm.tm_gmtoff * NS_PER_SECOND; /* wraps back where negative */
	return at_ns - shown_ns % s->every_ns;
}

/* Enters the interval of `at_ns`. Those between, of which nothing came, are passed over. */
static bool enter(struct stats *s, FILE *out, uint64_t at_ns)
{
	uint64_t end_ns = s->start_ns + s->every_ns;
	bool ok = true;

	if (s->start_ns && at_ns < end_ns)
		return true;
	if (!aggregate_settle(&s->sum))
		return false;
	if (s->start_ns && (s->sum.requests.total || s->since_ns))
		ok = print_sum(s, out, end_ns);
	s->start_ns = start_of(s, at_ns);
	return ok;
}

bool stats_add(struct stats *s, FILE *out, const struct orbus_sample *figures, uint64_t now_ns)
{
	uint64_t at_ns = figures->ts < now_ns ? figures->ts : now_ns;

	if (at_ns < s->start_ns)
		at_ns = s->start_ns;
	return enter(s, out, at_ns) && aggregate_add(&s->sum, figures);
}

bool stats_tick(struct stats *s, FILE *out, uint64_t now_ns)
{
	bool ok;

	/* The clock was set back: the interval starts again and keeps its counts. */
	if (now_ns < s->start_ns)
		s->start_ns = start_of(s, now_ns);
	ok = enter(s, out, now_ns);
	if (!s->since_ns)
		s->since_ns = now_ns;
	return ok;
}

bool stats_end(struct stats *s, FILE *out, uint64_t now_ns)
{
	uint64_t end_ns = s->start_ns + s->every_ns;

	if (!aggregate_settle(&s->sum))
		return false;
	if (!s->sum.requests.total)
		return true;
	return print_sum(s, out, s->since_ns && now_ns < end_ns ? now_ns : end_ns);
}

int stats_due_ms(const struct stats *s, uint64_t now_ns, int most)
{
	uint64_t end_ns = s->start_ns + s->every_ns;
	uint64_t ms = end_ns > now_ns ? (end_ns - now_ns) / 1000000 + 1 : 0;

	return ms < (uint64_t)most ? (int)ms : most;
}
