/*
 * plots.c: what the page's script draws, as data.
 */
#include "doc/json_build.h"
#include "orreport/options.h"
#include "orreport/row_stats.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* Lines in a plot of names: colours that one can tell apart. */
#define NAMES_MAX 8
/* Buckets of the histograms that one point of a distribution stands for. */
#define BUCKETS_EACH 4

static const struct {
	const char *title, *kind, *unit;
	struct {
		const char *name;
		row_figure of;
	} series[3];
} plots[] = {
    {"Requests", "stack", "",
	{{"answered", figure_answered}, {"failed", figure_failed},
	    {"cancelled", figure_cancelled}}},
    {"Response time", "lines", "s",
	{{"p50", figure_response_p50}, {"p95", figure_response_p95}, {"p99", figure_response_p99}}},
    {"Time to first token", "lines", "s", {{"p50", figure_ttft_p50}, {"p95", figure_ttft_p95}}},
    {"Tokens a second", "lines", "", {{"p50", figure_tps_p50}, {"p5", figure_tps_p5}}},
    {"Tokens", "bars", "", {{"tokens", figure_tokens}}},
    {"Cost", "bars", "$", {{"cost", figure_cost}}},
};

static json_t *series_of(const char *name, json_t *values)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "name", json_string(name));
	json_build_set(&o, "values", values);
	return json_build_take(&o);
}

/* Takes over `series` and `labels`, which may be NULL: those of the rows. */
static json_t *plot_of(
    const char *title, const char *kind, const char *unit, json_t *series, json_t *labels)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "title", json_string(title));
	json_build_set(&o, "kind", json_string(kind));
	json_build_set(&o, "unit", json_string(unit));
	json_build_set(&o, "series", series);
	if (labels)
		json_build_set(&o, "labels", labels);
	return json_build_take(&o);
}

static json_t *row_values(const struct report *r, row_figure of)
{
	struct json_build list = json_build_array();

	for (size_t i = 0; i < r->count; i++)
		json_build_append(&list, json_figure(of(&r->rows[i])));
	return json_build_take(&list);
}

static void add_row_plots(struct json_build *all, const struct report *r)
{
	for (size_t p = 0; p < sizeof(plots) / sizeof(plots[0]); p++) {
		struct json_build series = json_build_array();

		for (size_t s = 0; s < 3 && plots[p].series[s].of; s++)
			json_build_append(&series, series_of(plots[p].series[s].name,
						       row_values(r, plots[p].series[s].of)));
		json_build_append(all, plot_of(plots[p].title, plots[p].kind, plots[p].unit,
					   json_build_take(&series), NULL));
	}
}

/* One name's 95th percentile in every row. */
static json_t *name_values(const struct report *r, int by, const char *name)
{
	struct json_build list = json_build_array();

	for (size_t i = 0; i < r->count; i++) {
		const struct request_stats *f =
		    name_table_find(series_by(&r->rows[i].sum, by), name);

		json_build_append(
		    &list, json_figure(f ? histogram_quantile(&f->response_ms, 0.95) / 1000 : NAN));
	}
	return json_build_take(&list);
}

static double bucket(const struct histogram *h, int32_t index)
{
	if (index < h->offset || index >= h->offset + (int32_t)h->length)
		return 0;
	return (double)histogram_bucket(h, (uint32_t)(index - h->offset));
}

/* Shares of the requests, in percent, at each point from `first` on. */
static json_t *distribution(const struct histogram *h, int32_t first, int32_t end)
{
	struct json_build list = json_build_array();

	for (int32_t i = first; i < end; i += BUCKETS_EACH) {
		double n = 0;

		for (int32_t j = i; j < i + BUCKETS_EACH; j++)
			n += bucket(h, j);
		json_build_append(&list, json_figure(h->count ? 100 * n / (double)h->count : NAN));
	}
	return json_build_take(&list);
}

/* "1.4s" under each point: the middle of its buckets. */
static json_t *distribution_labels(int32_t first, int32_t end, double unit, const char *suffix)
{
	struct json_build list = json_build_array();

	for (int32_t i = first; i < end; i += BUCKETS_EACH) {
		double value = exp2((i + BUCKETS_EACH / 2.0) / (1 << HISTOGRAM_SCALE)) / unit;
		char text[48];

		snprintf(text, sizeof(text), "%.*f%s",
		    value < 10    ? 2
		    : value < 100 ? 1
				  : 0,
		    value, suffix);
		json_build_append(&list, json_string(text));
	}
	return json_build_take(&list);
}

static void add_name_plots(struct json_build *all, const struct report *r, int by)
{
	static const char *const words[] = {"model", "bot", "provider"};
	const struct name_table *s = series_by(&r->total.sum, by);
	const struct name_table_entry **list = series_sorted(s);
	struct json_build trend = json_build_array(), shares = json_build_array();
	const struct histogram *h = &r->total.sum.requests.response_ms;
	int32_t first = h->offset / BUCKETS_EACH * BUCKETS_EACH;
	int32_t end = h->offset + (int32_t)h->length;
	char title[64];

	trend.failed |= !list;
	json_build_append(&shares, series_of("all", distribution(h, first, end)));
	for (uint32_t i = 0; list && i < s->count && i < NAMES_MAX; i++) {
		const struct request_stats *f = list[i]->value;

		json_build_append(
		    &trend, series_of(list[i]->name, name_values(r, by, list[i]->name)));
		json_build_append(
		    &shares, series_of(list[i]->name, distribution(&f->response_ms, first, end)));
	}
	free(list);
	snprintf(title, sizeof(title), "Response time p95 by %s", words[by]);
	json_build_append(all, plot_of(title, "lines", "s", json_build_take(&trend), NULL));
	json_build_append(
	    all, plot_of("Distribution of response times", "lines", "%", json_build_take(&shares),
		     distribution_labels(first, end, 1000, "s")));
}

/* One distribution of A over that of B. */
static void add_overlaid(struct json_build *all, const char *title, double unit, const char *suffix,
    const struct histogram *a, const struct histogram *b)
{
	struct json_build series = json_build_array();
	int32_t first =
	    a->length && (b->length == 0 || a->offset < b->offset) ? a->offset : b->offset;
	int32_t end_a = a->offset + (int32_t)a->length, end_b = b->offset + (int32_t)b->length;
	int32_t end = a->length && (b->length == 0 || end_a > end_b) ? end_a : end_b;

	json_build_append(&series, series_of("A", distribution(a, first, end)));
	json_build_append(&series, series_of("B", distribution(b, first, end)));
	json_build_append(all, plot_of(title, "lines", "%", json_build_take(&series),
				   distribution_labels(first, end, unit, suffix)));
}

json_t *html_comparison_plots(const struct report *a, const struct report *b)
{
	const struct request_stats *x = &a->total.sum.requests, *y = &b->total.sum.requests;
	struct json_build o = json_build_object(), all = json_build_array();

	add_overlaid(&all, "Response times", 1000, "s", &x->response_ms, &y->response_ms);
	add_overlaid(&all, "Times to first token", 1000, "s", &x->ttft_ms, &y->ttft_ms);
	add_overlaid(&all, "Tokens a second", 1, "", &x->tps, &y->tps);
	json_build_set(&o, "labels", json_array());
	json_build_set(&o, "plots", json_build_take(&all));
	return json_build_take(&o);
}

json_t *html_plots(const struct report *r, int by)
{
	struct json_build o = json_build_object(), all = json_build_array();
	struct json_build labels = json_build_array();

	for (size_t i = 0; i < r->count; i++) {
		char label[TIME_NAME_BYTES + 1];

		time_label(&r->calendar, r->per, r->rows[i].span.start_ns, label);
		strcat(label, r->rows[i].incomplete ? "*" : "");
		json_build_append(&labels, json_string(label));
	}
	add_row_plots(&all, r);
	add_name_plots(&all, r, by);
	json_build_set(&o, "labels", json_build_take(&labels));
	json_build_set(&o, "plots", json_build_take(&all));
	return json_build_take(&o);
}
