/*
 * distribution.c: histograms as curves to draw over each other.
 */
#include "distribution.h"
#include "doc/json_build.h"

#include <math.h>

/* The indices of all buckets, [first, end), and how many one point of a curve stands for. */
struct range {
	int32_t first, end, each;
};

/* The fewer requests, the wider: a curve of chance is no distribution. */
static int32_t width_of(const struct distribution_curve *curves, size_t count)
{
	uint64_t requests = 0;

	for (size_t i = 0; i < count; i++)
		requests += curves[i].histogram->count;
	return requests < 200 * count ? 16 : requests < 2000 * count ? 8 : 4;
}

static struct range range_of(const struct distribution_curve *curves, size_t count)
{
	struct range r = {.each = width_of(curves, count)};
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const struct histogram *h = curves[i].histogram;
		int32_t end = h->offset + (int32_t)h->length;

		if (h->length == 0)
			continue;
		r.first = any && r.first < h->offset ? r.first : h->offset;
		r.end = any && r.end > end ? r.end : end;
		any = true;
	}
	return r;
}

static double bucket(const struct histogram *h, int32_t index)
{
	if (index < h->offset || index >= h->offset + (int32_t)h->length)
		return 0;
	return (double)histogram_bucket(h, (uint32_t)(index - h->offset));
}

/* The middle of each point's buckets. */
static json_t *points(struct range r)
{
	struct json_build list = json_build_array();

	for (int32_t i = r.first; i < r.end; i += r.each)
		json_build_append(
		    &list, json_figure(exp2((i + r.each / 2.0) / (1 << HISTOGRAM_SCALE))));
	return json_build_take(&list);
}

static json_t *shares(const struct histogram *h, struct range r)
{
	struct json_build list = json_build_array();

	for (int32_t i = r.first; i < r.end; i += r.each) {
		double n = 0;

		for (int32_t j = i; j < i + r.each; j++)
			n += bucket(h, j);
		json_build_append(&list, json_figure(h->count ? 100 * n / (double)h->count : NAN));
	}
	return json_build_take(&list);
}

json_t *distribution_to_json(
    const char *title, const char *unit, const struct distribution_curve *curves, size_t count)
{
	struct json_build o = json_build_object(), series = json_build_array();
	struct range r = range_of(curves, count);

	for (size_t i = 0; i < count; i++) {
		const struct histogram *h = curves[i].histogram;
		struct json_build s = json_build_object();

		json_build_set(&s, "name", json_string(curves[i].name));
		json_build_set(&s, "p50", json_figure(histogram_quantile(h, 0.5)));
		json_build_set(&s, "values", shares(h, r));
		json_build_append(&series, json_build_take(&s));
	}
	json_build_set(&o, "title", json_string(title));
	json_build_set(&o, "unit", json_string(unit));
	json_build_set(&o, "at", points(r));
	json_build_set(&o, "series", json_build_take(&series));
	return json_build_take(&o);
}
