/*
 * aggregate.c: everything that is counted about a stretch of samples.
 */
#include "aggregate.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN "(unknown)"

void request_stats_init(struct request_stats *f)
{
	memset(f, 0, sizeof(*f));
	histogram_init(&f->response_ms);
	histogram_init(&f->ttft_ms);
	histogram_init(&f->tps);
	histogram_init(&f->decode_tps);
}

void request_stats_free(struct request_stats *f)
{
	histogram_free(&f->response_ms);
	histogram_free(&f->ttft_ms);
	histogram_free(&f->tps);
	histogram_free(&f->decode_tps);
}

static void stats_free(void *value)
{
	request_stats_free(value);
}

void aggregate_init(struct aggregate *a)
{
	memset(a, 0, sizeof(*a));
	request_stats_init(&a->requests);
	name_table_init(&a->by_model, sizeof(struct request_stats), stats_free);
	name_table_init(&a->by_bot, sizeof(struct request_stats), stats_free);
	name_table_init(&a->by_provider, sizeof(struct request_stats), stats_free);
	name_table_init(&a->errors_by_type, sizeof(uint64_t), NULL);
	name_table_init(&a->counts, sizeof(struct exact_sum), NULL);
	name_table_init(&a->gauges, sizeof(struct gauge_stats), NULL);
}

static void recent_errors_clear(struct aggregate *a)
{
	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		free(a->recent_errors[i].type);
		free(a->recent_errors[i].message);
	}
	a->recent_error_count = 0;
}

void aggregate_free(struct aggregate *a)
{
	request_stats_free(&a->requests);
	name_table_free(&a->by_model);
	name_table_free(&a->by_bot);
	name_table_free(&a->by_provider);
	name_table_free(&a->errors_by_type);
	name_table_free(&a->counts);
	name_table_free(&a->gauges);
	kmv_sketch_free(&a->users);
	kmv_sketch_free(&a->channels);
	recent_errors_clear(a);
}

void aggregate_clear(struct aggregate *a)
{
	aggregate_free(a);
	aggregate_init(a);
}

uint64_t request_stats_failed(const struct request_stats *f)
{
	return count_add(f->errors, count_add(f->timeouts, f->orphaned));
}

double request_stats_cost(const struct request_stats *f)
{
	return f->cost_known ? exact_figure(f->cost) : NAN;
}

static uint64_t known(uint64_t n)
{
	return n == ORBUS_NONE ? 0 : count_bound(n);
}

static struct token_sums tokens_of(const struct orbus_sample *s)
{
	uint64_t prompt = known(s->prompt_tokens), completion = known(s->completion_tokens);

	return (struct token_sums){.prompt = prompt,
	    .completion = completion,
	    .total = s->total_tokens == ORBUS_NONE ? count_add(prompt, completion)
	                                           : count_bound(s->total_tokens),
	    .cached = known(s->cached_tokens),
	    .reasoning = known(s->reasoning_tokens)};
}

static void tokens_merge(struct token_sums *to, const struct token_sums *from)
{
	to->total = count_add(to->total, from->total);
	to->prompt = count_add(to->prompt, from->prompt);
	to->completion = count_add(to->completion, from->completion);
	to->cached = count_add(to->cached, from->cached);
	to->reasoning = count_add(to->reasoning, from->reasoning);
}

/* A figure of a sample, and what it is in each histogram: its bucket, and its part of the sum. */
struct measure {
	struct exact_sum exact;
	double value;
	int32_t index;
	uint32_t histogram; /* its offset in struct request_stats */
};

/* A request as it goes into several figures. */
struct measured {
	const struct orbus_sample *sample;
	struct token_sums tokens;
	struct exact_sum cost;   /* 0 where it is not known */
	struct measure known[4]; /* what is known of a request that was ok */
	unsigned count;
};

/* Of a figure >= 0, or NaN: not known. */
static void measure(struct measured *m, double value, size_t histogram)
{
	struct measure *k = &m->known[m->count];

	if (isnan(value))
		return;
	k->value = value > FIGURE_MAX ? FIGURE_MAX : value;
	k->exact = exact_of(value);
	k->index = value > 0 ? histogram_index(value) : 0;
	k->histogram = (uint32_t)histogram;
	m->count++;
}

static void measure_request(const struct orbus_sample *s, struct measured *out)
{
	out->sample = s;
	out->tokens = tokens_of(s);
	out->cost = exact_of(s->cost_usd);
	out->count = 0;
	if (s->status != ORBUS_STATUS_OK)
		return;
	measure(out, s->response_ms, offsetof(struct request_stats, response_ms));
	measure(out, s->ttft_ms, offsetof(struct request_stats, ttft_ms));
	measure(out, orbus_sample_tps(s), offsetof(struct request_stats, tps));
	measure(out, orbus_sample_decode_tps(s), offsetof(struct request_stats, decode_tps));
}

static bool add_measures(struct request_stats *f, const struct measured *m)
{
	for (unsigned i = m->count; i-- > 0;) {
		const struct measure *k = &m->known[i];
		struct histogram *h = (void *)((char *)f + k->histogram);

		if (!histogram_add_at(h, k->value, k->index, &k->exact))
			return false;
	}
	return true;
}

static bool stats_add(struct request_stats *f, const struct measured *m)
{
	const struct orbus_sample *s = m->sample;

	f->total = count_add(f->total, 1);
	f->streaming = count_add(f->streaming, s->stream);
	tokens_merge(&f->tokens, &m->tokens);
	if (!isnan(s->cost_usd)) {
		exact_add(&f->cost, m->cost);
		f->cost_known = count_add(f->cost_known, 1);
	}
	switch (s->status) {
	case ORBUS_STATUS_ERROR: f->errors = count_add(f->errors, 1); return true;
	case ORBUS_STATUS_TIMEOUT: f->timeouts = count_add(f->timeouts, 1); return true;
	case ORBUS_STATUS_CANCELLED: f->cancelled = count_add(f->cancelled, 1); return true;
	case ORBUS_STATUS_ORPHANED: f->orphaned = count_add(f->orphaned, 1); return true;
	case ORBUS_STATUS_OK: f->ok = count_add(f->ok, 1); break;
	}
	return add_measures(f, m);
}

struct request_stats *aggregate_stats_at(struct name_table *s, const char *name)
{
	uint32_t count = s->count;
	struct request_stats *f = name_table_at(s, name);

	if (f && s->count > count)
		request_stats_init(f);
	return f;
}

static bool name_table_add(struct name_table *s, const char *name, const struct measured *m)
{
	struct request_stats *f = aggregate_stats_at(s, name ? name : UNKNOWN);

	return f && stats_add(f, m);
}

static bool is_failure(const struct orbus_sample *s)
{
	return s->status == ORBUS_STATUS_ERROR || s->status == ORBUS_STATUS_TIMEOUT ||
	       s->status == ORBUS_STATUS_ORPHANED;
}

bool aggregate_add_errors(struct aggregate *a, const char *type, uint64_t n)
{
	uint64_t *sum = name_table_at(&a->errors_by_type, type);

	if (!sum)
		return false;
	*sum = count_add(*sum, n);
	return true;
}

static bool add_failure(struct aggregate *a, const struct orbus_sample *s)
{
	const char *type = s->error_type ? s->error_type : orbus_status_name(s->status);

	return aggregate_add_errors(a, type, 1) &&
	       aggregate_add_recent_error(a, s->ts, type, s->error_message);
}

uint64_t aggregate_errors(const struct aggregate *a)
{
	double n = aggregate_count(a, BOT_ERRORS);

	/* NaN where there are none. */
	return n > 0 ? count_add(request_stats_failed(&a->requests),
			   n < 0x1p62 ? (uint64_t)n : UINT64_C(1) << 62)
	             : request_stats_failed(&a->requests);
}

/* A count is one error for each that it says, of the last of which the text is. */
static bool add_bot_error(struct aggregate *a, const struct orbus_sample *s)
{
	char type[sizeof(BOT_ERROR_PREFIX) + ORBUS_TEXT_MAX];
	size_t cut = utf8_cut(
	    s->error_type, strlen(s->error_type), ORBUS_TEXT_MAX - strlen(BOT_ERROR_PREFIX));

	if (!(s->value >= 1 && s->value < 0x1p53))
		return true;
	snprintf(type, sizeof(type), BOT_ERROR_PREFIX "%.*s", (int)cut, s->error_type);
	return aggregate_add_errors(a, type, (uint64_t)s->value) &&
	       aggregate_add_recent_error(a, s->ts, type, s->error_message);
}

static bool add_count(struct aggregate *a, const struct orbus_sample *s)
{
	return aggregate_add_count(a, s->name, exact_of(s->value)) &&
	       (!s->error_type || strcmp(s->name, BOT_ERRORS) != 0 || add_bot_error(a, s));
}

static bool add_tags(struct aggregate *a, const struct orbus_sample *s)
{
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct orbus_tag *tag = &s->tags[i];

		if (strcmp(tag->key, "user") == 0 && !kmv_sketch_add(&a->users, tag->value))
			return false;
		if (strcmp(tag->key, "channel") == 0 && !kmv_sketch_add(&a->channels, tag->value))
			return false;
	}
	return true;
}

static bool add_request(struct aggregate *a, const struct orbus_sample *s)
{
	/* A request that failed has no model that answered: it counts for the one asked for. */
	const char *model = s->model ? s->model : s->requested_model;
	struct measured m;

	measure_request(s, &m);
	return stats_add(&a->requests, &m) && name_table_add(&a->by_model, model, &m) &&
	       name_table_add(&a->by_bot, s->bot, &m) &&
	       name_table_add(&a->by_provider, s->provider, &m) &&
	       (!is_failure(s) || add_failure(a, s));
}

bool aggregate_add_gauge(struct aggregate *a, const char *name, const struct gauge_stats *from)
{
	struct gauge_stats *g = name_table_at(&a->gauges, name);

	if (!g)
		return false;
	if (g->count == 0) {
		*g = *from;
		return true;
	}
	if (from->last_ts >= g->last_ts) {
		g->last = from->last;
		g->last_ts = from->last_ts;
	}
	g->min = fmin(g->min, from->min);
	g->max = fmax(g->max, from->max);
	exact_add(&g->above, from->above);
	exact_add(&g->below, from->below);
	g->count = count_add(g->count, from->count);
	return true;
}

struct gauge_stats gauge_of(double value, uint64_t ts)
{
	value = figure_bound(value);
	return (struct gauge_stats){.last = value,
	    .min = value,
	    .max = value,
	    .above = exact_of(value),
	    .below = exact_of(-value),
	    .last_ts = ts,
	    .count = 1};
}

static bool add_gauge(struct aggregate *a, const struct orbus_sample *s)
{
	struct gauge_stats g = gauge_of(s->value, s->ts);

	return aggregate_add_gauge(a, s->name, &g);
}

bool aggregate_add_count(struct aggregate *a, const char *name, struct exact_sum value)
{
	struct exact_sum *n = name_table_at(&a->counts, name);

	if (!n)
		return false;
	exact_add(n, value);
	return true;
}

bool aggregate_add(struct aggregate *a, const struct orbus_sample *s)
{
	a->samples = count_add(a->samples, 1);
	if (!add_tags(a, s))
		return false;
	switch (s->kind) {
	case ORBUS_KIND_REQUEST: return add_request(a, s);
	case ORBUS_KIND_GAUGE: return add_gauge(a, s);
	case ORBUS_KIND_COUNT: return add_count(a, s);
	case ORBUS_KIND_BEGIN: break;
	}
	return true;
}

static char *copy_within(const char *text, size_t limit)
{
	return strndup(text, utf8_cut(text, strlen(text), limit));
}

bool aggregate_add_recent_error(
    struct aggregate *a, uint64_t ts, const char *type, const char *message)
{
	struct recent_error *list = a->recent_errors, e = {.ts = ts};
	uint32_t place = a->recent_error_count;

	while (place > 0 && list[place - 1].ts > ts)
		place--;
	if (place == 0 && a->recent_error_count == RECENT_ERRORS_MAX)
		return true; /* older than all that are kept */
	e.type = copy_within(type, ORBUS_TEXT_MAX);
	e.message = message ? copy_within(message, ORBUS_ERROR_MESSAGE_MAX) : NULL;
	if (!e.type || (message && !e.message)) {
		free(e.type);
		free(e.message);
		return false;
	}
	if (a->recent_error_count == RECENT_ERRORS_MAX) {
		free(list[0].type);
		free(list[0].message);
		memmove(list, list + 1, (place - 1) * sizeof(*list));
		place--;
	} else {
		memmove(list + place + 1, list + place,
		    (a->recent_error_count - place) * sizeof(*list));
		a->recent_error_count++;
	}
	list[place] = e;
	return true;
}

bool request_stats_merge(struct request_stats *to, const struct request_stats *from)
{
	to->total = count_add(to->total, from->total);
	to->ok = count_add(to->ok, from->ok);
	to->errors = count_add(to->errors, from->errors);
	to->timeouts = count_add(to->timeouts, from->timeouts);
	to->cancelled = count_add(to->cancelled, from->cancelled);
	to->orphaned = count_add(to->orphaned, from->orphaned);
	to->streaming = count_add(to->streaming, from->streaming);
	tokens_merge(&to->tokens, &from->tokens);
	exact_add(&to->cost, from->cost);
	to->cost_known = count_add(to->cost_known, from->cost_known);
	return histogram_merge(&to->response_ms, &from->response_ms) &&
	       histogram_merge(&to->ttft_ms, &from->ttft_ms) &&
	       histogram_merge(&to->tps, &from->tps) &&
	       histogram_merge(&to->decode_tps, &from->decode_tps);
}

static bool name_table_merge(struct name_table *to, const struct name_table *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		struct request_stats *f = aggregate_stats_at(to, from->entries[i].name);

		if (!f || !request_stats_merge(f, from->entries[i].value))
			return false;
	}
	return true;
}

static bool merge_named(struct aggregate *to, const struct aggregate *from)
{
	for (uint32_t i = 0; i < from->errors_by_type.count; i++) {
		const struct name_table_entry *e = &from->errors_by_type.entries[i];

		if (!aggregate_add_errors(to, e->name, *(const uint64_t *)e->value))
			return false;
	}
	for (uint32_t i = 0; i < from->counts.count; i++) {
		const struct name_table_entry *e = &from->counts.entries[i];

		if (!aggregate_add_count(to, e->name, *(const struct exact_sum *)e->value))
			return false;
	}
	for (uint32_t i = 0; i < from->gauges.count; i++) {
		const struct name_table_entry *e = &from->gauges.entries[i];

		if (!aggregate_add_gauge(to, e->name, e->value))
			return false;
	}
	return true;
}

bool aggregate_merge_totals(struct aggregate *to, const struct aggregate *from)
{
	to->samples = count_add(to->samples, from->samples);
	to->lost = count_add(to->lost, from->lost);
	to->rejected = count_add(to->rejected, from->rejected);
	to->skewed = count_add(to->skewed, from->skewed);
	to->journal_lost = count_add(to->journal_lost, from->journal_lost);
	return request_stats_merge(&to->requests, &from->requests) && merge_named(to, from);
}

bool aggregate_merge(struct aggregate *to, const struct aggregate *from)
{
	for (uint32_t i = 0; i < from->recent_error_count; i++) {
		const struct recent_error *e = &from->recent_errors[i];

		if (!aggregate_add_recent_error(to, e->ts, e->type, e->message))
			return false;
	}
	return aggregate_merge_totals(to, from) &&
	       name_table_merge(&to->by_model, &from->by_model) &&
	       name_table_merge(&to->by_bot, &from->by_bot) &&
	       name_table_merge(&to->by_provider, &from->by_provider) &&
	       kmv_sketch_merge(&to->users, &from->users) &&
	       kmv_sketch_merge(&to->channels, &from->channels);
}

double aggregate_count(const struct aggregate *a, const char *name)
{
	const struct exact_sum *n = name_table_find(&a->counts, name);

	return n ? exact_figure(*n) : NAN;
}
