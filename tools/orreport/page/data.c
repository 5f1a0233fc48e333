/*
 * data.c: what a page's script shows, as JSON.
 */
#include "data.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "base/text_safe.h"
#include "distribution.h"
#include "doc/json_build.h"
#include "orbus.h"
#include "orreport/compare.h"
#include "orreport/options.h"
#include "orreport/print_json.h"

#include <stdlib.h>

/* Curves in a plot of names: colours that one can tell apart. */
#define NAMES_MAX 8

static json_t *time_to_json(const struct calendar *c, uint64_t ns)
{
	char text[RFC3339_BYTES];

	clock_format_rfc3339_local(ns, c->utc, text);
	return json_string_nocheck(text);
}

static json_t *span_name(const struct calendar *c, const struct time_span *span)
{
	char name[TIME_NAME_BYTES];

	time_name(c, span, name);
	return json_string(name);
}

/* --- What every page has -----------------------------------------------------------------------
 */

static const char *tone_name(enum tone tone)
{
	static const char *const names[] = {"", "good", "fair", "poor", "bad", "dim", ""};

	return names[tone];
}

static json_t *scale_to_json(const struct rating_scale *scale)
{
	struct json_build o = json_build_object(), steps = json_build_array();

	for (size_t i = 0; i < scale->count; i++) {
		const struct rating_step *s = &scale->steps[i];
		struct json_build step = json_build_object();

		json_build_set(&step, "bound", json_figure(s->bound));
		json_build_set(&step, "inclusive", json_boolean(s->inclusive));
		json_build_set(&step, "word", json_string(s->rating.word));
		json_build_set(&step, "tone", json_string(tone_name(s->rating.tone)));
		json_build_append(&steps, json_build_take(&step));
	}
	json_build_set(&o, "higher_is_better", json_boolean(scale->higher_is_better));
	json_build_set(&o, "steps", json_build_take(&steps));
	return json_build_take(&o);
}

static json_t *ratings_to_json(void)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "response_ms", scale_to_json(&rating_response_ms));
	json_build_set(&o, "ttft_ms", scale_to_json(&rating_ttft_ms));
	json_build_set(&o, "tps", scale_to_json(&rating_tps));
	return json_build_take(&o);
}

static struct json_build page_of(const char *kind, const struct calendar *c, uint64_t now_ns)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "kind", json_string(kind));
	json_build_set(&o, "created", time_to_json(c, now_ns));
	json_build_set(&o, "version", json_string(orbus_version()));
	json_build_set(&o, "utc", json_boolean(c->utc));
	json_build_set(&o, "ratings", ratings_to_json());
	return o;
}

/* --- Figures -----------------------------------------------------------------------------------
 */

static json_t *summary(const struct histogram *h, double mean)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "avg", json_figure(mean));
	json_build_set(&o, "p5", json_figure(histogram_quantile(h, 0.05)));
	json_build_set(&o, "p50", json_figure(histogram_quantile(h, 0.50)));
	json_build_set(&o, "p95", json_figure(histogram_quantile(h, 0.95)));
	json_build_set(&o, "p99", json_figure(histogram_quantile(h, 0.99)));
	json_build_set(&o, "count", json_count(h->count));
	return json_build_take(&o);
}

static json_t *tokens(const struct token_sums *t, const struct token_sums *more)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "total_tokens", json_count(t->total + more->total));
	json_build_set(&o, "prompt_tokens", json_count(t->prompt + more->prompt));
	json_build_set(&o, "completion_tokens", json_count(t->completion + more->completion));
	return json_build_take(&o);
}

static json_t *requests(uint64_t total, uint64_t ok, uint64_t failed, uint64_t cancelled)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "total", json_count(total));
	json_build_set(&o, "ok", json_count(ok));
	json_build_set(&o, "failed", json_count(failed));
	json_build_set(&o, "cancelled", json_count(cancelled));
	return json_build_take(&o);
}

/* What a row and a name have in common. `more` is what could not be merged. */
static void set_figures(struct json_build *o, const struct request_stats *f, double mean_ms,
    const struct token_sums *more)
{
	json_build_set(o, "response_times", summary(&f->response_ms, mean_ms));
	json_build_set(o, "ttft", summary(&f->ttft_ms, histogram_mean(&f->ttft_ms)));
	json_build_set(o, "tps", summary(&f->tps, histogram_mean(&f->tps)));
	json_build_set(o, "token_usage", tokens(&f->tokens, more));
	json_build_set(o, "cost_usd", json_figure(request_stats_cost(f)));
}

static json_t *errors_by_type(const struct name_table *types)
{
	struct json_build o = json_build_object();

	for (uint32_t i = 0; i < types->count; i++)
		json_build_set(&o, types->entries[i].name,
		    json_count(*(const uint64_t *)types->entries[i].value));
	return json_build_take(&o);
}

static json_t *row_data(const struct report *r, const struct report_row *row)
{
	const struct request_stats *f = &row->sum.requests;
	struct json_build o = json_build_object();
	char label[TIME_NAME_BYTES];

	time_label(&r->calendar, r->per, row->span.start_ns, label);
	json_build_set(&o, "label", json_string(label));
	json_build_set(&o, "start", time_to_json(&r->calendar, row->span.start_ns));
	json_build_set(&o, "files", json_count(row->files));
	if (row->files == 0) /* nothing is known, not even that there was nothing */
		return json_build_take(&o);
	json_build_set(&o, "complete", json_boolean(!row->incomplete));
	json_build_set(&o, "covered_hours", json_figure(row_hours(row)));
	if (row_lacks_histograms(row))
		json_build_set(&o, "partial", json_true());
	json_build_set(&o, "requests",
	    requests(
		row_requests(row), f->ok + row->unmerged.answered, row_failed(row), f->cancelled));
	set_figures(&o, f, row_mean_ms(row), &row->unmerged.tokens);
	json_build_set(&o, "errors_by_type", errors_by_type(&row->sum.errors_by_type));
	return json_build_take(&o);
}

static json_t *recent_errors(const struct report *r)
{
	const struct aggregate *a = &r->total.sum;
	struct json_build list = json_build_array();

	for (uint32_t i = a->recent_error_count; i-- > 0;) {
		const struct recent_error *e = &a->recent_errors[i];
		struct json_build o = json_build_object();

		json_build_set(&o, "timestamp", time_to_json(&r->calendar, e->ts));
		json_build_set(&o, "type", json_string(e->type));
		json_build_set(&o, "message", e->message ? json_string(e->message) : json_null());
		json_build_append(&list, json_build_take(&o));
	}
	return json_build_take(&list);
}

static json_t *losses(const struct aggregate *a)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "lost_samples", json_count(a->lost));
	json_build_set(&o, "rejected_samples", json_count(a->rejected));
	json_build_set(&o, "skewed_samples", json_count(a->skewed));
	json_build_set(&o, "journal_lost", json_count(a->journal_lost));
	return json_build_take(&o);
}

/* --- Names -------------------------------------------------------------------------------------
 */

/* One name's 95th percentile in every row. */
static json_t *name_trend(const struct report *r, int by, const char *name)
{
	struct json_build list = json_build_array();

	for (size_t i = 0; i < r->count; i++) {
		const struct request_stats *f =
		    name_table_find(series_by(&r->rows[i].sum, by), name);

		json_build_append(
		    &list, json_figure(f ? histogram_quantile(&f->response_ms, 0.95) : NAN));
	}
	return json_build_take(&list);
}

static json_t *name_data(const struct page_report *p, const struct name_table_entry *e, bool trend)
{
	static const struct token_sums none = {0};
	const struct request_stats *f = e->value;
	struct json_build o = json_build_object();

	json_build_set(&o, "name", json_string(e->name));
	json_build_set(
	    &o, "requests", requests(f->total, f->ok, request_stats_failed(f), f->cancelled));
	set_figures(&o, f, histogram_mean(&f->response_ms), &none);
	if (trend)
		json_build_set(&o, "p95", name_trend(p->report, p->by, e->name));
	return json_build_take(&o);
}

/* The names, those with most requests first, and the distributions of the first of them. */
static void set_names(struct json_build *o, const struct page_report *p)
{
	const struct aggregate *a = &p->report->total.sum;
	const struct name_table *s = series_by(a, p->by);
	const struct name_table_entry **list = series_sorted(s);
	struct distribution_curve curves[NAMES_MAX + 1] = {{"all", &a->requests.response_ms}};
	struct json_build names = json_build_array(), all = json_build_array();
	size_t count = 1;

	o->failed |= !list;
	for (uint32_t i = 0; list && i < s->count; i++) {
		const struct request_stats *f = list[i]->value;

		json_build_append(&names, name_data(p, list[i], i < NAMES_MAX));
		if (i < NAMES_MAX)
			curves[count++] =
			    (struct distribution_curve){list[i]->name, &f->response_ms};
	}
	json_build_append(
	    &all, distribution_to_json("Distribution of response times", "ms", curves, count));
	free(list);
	json_build_set(o, "names", json_build_take(&names));
	json_build_set(o, "distributions", json_build_take(&all));
}

/* --- Comparisons -------------------------------------------------------------------------------
 */

static json_t *figures_to_json(const struct comparison *items, size_t n)
{
	static const char *const units[] = {"count", "percent", "ms", "tps", "usd", "per_hour"};
	struct json_build list = json_build_array();

	for (size_t i = 0; i < n; i++) {
		struct json_build o = json_build_object();

		json_build_set(&o, "key", json_string(items[i].key));
		json_build_set(&o, "name", json_string(items[i].name));
		json_build_set(&o, "unit", json_string(units[items[i].unit]));
		json_build_set(&o, "a", json_figure(items[i].a));
		json_build_set(&o, "b", json_figure(items[i].b));
		json_build_set(&o, "change", json_figure(items[i].change));
		json_build_set(&o, "verdict", json_string(verdict_name(items[i].verdict)));
		json_build_set(&o, "tone", json_string(tone_name(verdict_tone(items[i].verdict))));
		json_build_append(&list, json_build_take(&o));
	}
	return json_build_take(&list);
}

static json_t *compared_rows(const struct report *a, const struct report *b)
{
	struct comparison items[COMPARISONS_MAX];

	return figures_to_json(items, compare_rows(&a->total, &b->total, items));
}

static void add_compared_name(
    void *context, const char *name, const struct request_stats *a, const struct request_stats *b)
{
	struct comparison items[COMPARISONS_MAX];
	struct json_build o = json_build_object();

	json_build_set(&o, "name", json_string(name));
	json_build_set(&o, "figures", figures_to_json(items, compare_stats(a, b, items)));
	json_build_append(context, json_build_take(&o));
}

static json_t *side(const struct report *r)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "name", span_name(&r->calendar, &r->span));
	json_build_set(&o, "total", row_data(r, &r->total));
	json_build_set(&o, "notes", notes_to_json(&r->notes));
	return json_build_take(&o);
}

static json_t *compared_distributions(const struct request_stats *a, const struct request_stats *b)
{
	const struct {
		const char *title, *unit;
		struct distribution_curve curves[2];
	} plots[] = {
	    {"Response times", "ms", {{"A", &a->response_ms}, {"B", &b->response_ms}}},
	    {"Times to first token", "ms", {{"A", &a->ttft_ms}, {"B", &b->ttft_ms}}},
	    {"Tokens a second", "tps", {{"A", &a->tps}, {"B", &b->tps}}},
	};
	struct json_build all = json_build_array();

	for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++)
		json_build_append(
		    &all, distribution_to_json(plots[i].title, plots[i].unit, plots[i].curves, 2));
	return json_build_take(&all);
}

json_t *page_comparison_data(
    const struct report *a, const struct report *b, int by, uint64_t now_ns)
{
	struct json_build o = page_of("comparison", &b->calendar, now_ns);
	struct json_build names = json_build_array();

	json_build_set(&o, "a", side(a));
	json_build_set(&o, "b", side(b));
	json_build_set(&o, "figures", compared_rows(a, b));
	if (by != BY_NOTHING) {
		o.failed |= !compare_each_name(a, b, by, add_compared_name, &names);
		json_build_set(&o, "by", json_string(dimension_names[by].name));
	}
	json_build_set(&o, "names", json_build_take(&names));
	json_build_set(&o, "distributions",
	    compared_distributions(&a->total.sum.requests, &b->total.sum.requests));
	return json_build_take(&o);
}

/* --- A report ----------------------------------------------------------------------------------
 */

static json_t *before_data(const struct page_report *p)
{
	struct json_build o;

	if (!p->before)
		return json_null();
	o = (struct json_build){.value = side(p->before)};
	if (o.value)
		json_build_set(&o, "figures", compared_rows(p->before, p->report));
	return o.value ? json_build_take(&o) : NULL;
}

/* As --json has it, with the titles that people read. */
static json_t *advice_data(const struct advice *a)
{
	json_t *all = advice_to_json(a), *findings = json_object_get(all, "findings");

	for (size_t i = 0; i < json_array_size(findings); i++) {
		if (json_object_set_new(json_array_get(findings, i), "title",
			json_string(a->findings[i].title)) == 0)
			continue;
		json_decref(all);
		return NULL;
	}
	return all;
}

json_t *page_report_data(const struct page_report *p)
{
	const struct report *r = p->report;
	struct json_build o = page_of("report", &r->calendar, p->now_ns);
	struct json_build periods = json_build_array();

	for (size_t i = 0; i < r->count; i++)
		json_build_append(&periods, row_data(r, &r->rows[i]));
	json_build_set(&o, "name", span_name(&r->calendar, &r->total.span));
	json_build_set(&o, "per", json_string(r->per == PERIOD_DAILY ? "day" : "hour"));
	json_build_set(&o, "by", json_string(dimension_names[p->by].name));
	json_build_set(&o, "periods", json_build_take(&periods));
	json_build_set(&o, "total", row_data(r, &r->total));
	json_build_set(&o, "before", before_data(p));
	json_build_set(&o, "recent_errors", recent_errors(r));
	json_build_set(&o, "losses", losses(&r->total.sum));
	set_names(&o, p);
	json_build_set(&o, "advice", advice_data(p->advice));
	json_build_set(&o, "notes", notes_to_json(&r->notes));
	return json_build_take(&o);
}

json_t *page_nothing_data(const struct calendar *c, uint64_t now_ns, const char *why,
    const char *remedy, const struct report_notes *notes)
{
	struct json_build o = page_of("nothing", c, now_ns);
	char safe[1024];

	/* The name of a folder is in it, which need not be UTF-8. */
	text_sanitise(safe, sizeof(safe), why);
	json_build_set(&o, "why", json_string(safe));
	json_build_set(&o, "remedy", json_string(remedy));
	json_build_set(&o, "notes", notes_to_json(notes));
	return json_build_take(&o);
}
