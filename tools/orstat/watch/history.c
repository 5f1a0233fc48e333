/*
 * history.c: what happened in each of the last sixty intervals.
 */
#include "history.h"
#include "stats/histogram.h"

#include <math.h>
#include <stdlib.h>

/* One more is being filled. */
#define KEPT (HISTORY_INTERVALS + 1)

struct average {
	double sum;
	uint64_t count;
};

struct interval {
	uint64_t number; /* time / length; 0: never used */
	uint64_t requests, failed;
	struct histogram response_ms;
	struct average ttft_ms, tps;
};

struct history {
	uint64_t length_ns;
	struct interval intervals[KEPT];
};

struct history *history_new(uint64_t interval_ns)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->length_ns = interval_ns;
	for (int i = 0; i < KEPT; i++)
		histogram_init(&h->intervals[i].response_ms);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (int i = 0; i < KEPT; i++)
		histogram_free(&h->intervals[i].response_ms);
	free(h);
}

static void average_add(struct average *a, double value)
{
	if (isnan(value))
		return;
	a->sum += value;
	a->count++;
}

static double average_get(const struct average *a)
{
	return a->count ? a->sum / (double)a->count : NAN;
}

static void reuse(struct interval *i, uint64_t number)
{
	histogram_clear(&i->response_ms);
	i->number = number;
	i->requests = i->failed = 0;
	i->ttft_ms = i->tps = (struct average){0};
}

bool history_add(struct history *h, const struct orbus_sample *s, uint64_t now_ns)
{
	uint64_t number = (s->ts < now_ns ? s->ts : now_ns) / h->length_ns;
	struct interval *i = &h->intervals[number % KEPT];

	if (s->kind != ORBUS_KIND_REQUEST || number + KEPT <= now_ns / h->length_ns)
		return true;
	/* Another number: its content is a round older, or from before the clock was set back. */
	if (i->number != number)
		reuse(i, number);
	i->requests++;
	i->failed += s->status == ORBUS_STATUS_ERROR || s->status == ORBUS_STATUS_TIMEOUT;
	if (s->status != ORBUS_STATUS_OK)
		return true;
	average_add(&i->ttft_ms, s->ttft_ms);
	average_add(&i->tps, orbus_sample_tps(s));
	return isnan(s->response_ms) || histogram_add(&i->response_ms, s->response_ms);
}

void history_get(
    const struct history *h, uint64_t now_ns, struct history_point out[HISTORY_INTERVALS])
{
	uint64_t number = now_ns / h->length_ns - HISTORY_INTERVALS;

	for (int n = 0; n < HISTORY_INTERVALS; n++, number++) {
		const struct interval *i = &h->intervals[number % KEPT];

		out[n] = (struct history_point){.response_ms = NAN, .ttft_ms = NAN, .tps = NAN};
		if (i->number != number)
			continue;
		out[n].requests = i->requests;
		out[n].failed = i->failed;
		out[n].response_ms = histogram_quantile(&i->response_ms, 0.5);
		out[n].ttft_ms = average_get(&i->ttft_ms);
		out[n].tps = average_get(&i->tps);
	}
}

int history_level(double value, double highest, int levels)
{
	if (isnan(value))
		return -1;
	if (!(value > 0))
		return 0;
	if (!(value < highest))
		return levels;
	return 1 + (int)(value / highest * (levels - 1) + 0.5);
}
