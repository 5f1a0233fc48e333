/*
 * request_stats.c: what is counted about requests.
 */
#include "request_stats.h"

#include <math.h>
#include <string.h>

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

void request_measure(const struct orbus_sample *s, struct measured *out)
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

bool request_stats_add(struct request_stats *f, const struct measured *m)
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

uint32_t request_stats_buckets(const struct request_stats *f)
{
	return f->response_ms.length + f->ttft_ms.length + f->tps.length + f->decode_tps.length;
}

/* True where a histogram has no place for these buckets. */
static bool lacks(const struct histogram *h, int32_t first, uint32_t length)
{
	int64_t end = (int64_t)h->offset + h->length;

	return length > 0 && (h->length == 0 || first < h->offset || (int64_t)first + length > end);
}

static bool lacks_those_of(const struct histogram *to, const struct histogram *from)
{
	return lacks(to, from->offset, from->length);
}

bool request_stats_would_grow(const struct request_stats *to, const struct request_stats *from)
{
	return lacks_those_of(&to->response_ms, &from->response_ms) ||
	       lacks_those_of(&to->ttft_ms, &from->ttft_ms) ||
	       lacks_those_of(&to->tps, &from->tps) ||
	       lacks_those_of(&to->decode_tps, &from->decode_tps);
}

bool request_stats_would_grow_by(const struct request_stats *f, const struct measured *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		const struct measure *k = &m->known[i];
		const struct histogram *h = (const void *)((const char *)f + k->histogram);

		if (k->value > 0 && lacks(h, k->index, 1))
			return true;
	}
	return false;
}

void stats_table_init(struct name_table *t)
{
	name_table_init(t, sizeof(struct request_stats), stats_free);
}

struct request_stats *stats_table_at(struct name_table *t, const char *name)
{
	uint32_t count = t->count;
	struct request_stats *f = name_table_at(t, name);

	if (f && t->count > count)
		request_stats_init(f);
	return f;
}

bool stats_table_add(struct name_table *t, const char *name, const struct measured *m)
{
	struct request_stats *f = stats_table_at(t, name ? name : NAME_UNKNOWN);

	return f && request_stats_add(f, m);
}

bool stats_table_merge(struct name_table *to, const struct name_table *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		struct request_stats *f = stats_table_at(to, from->entries[i].name);

		if (!f || !request_stats_merge(f, from->entries[i].value))
			return false;
	}
	return true;
}

bool request_is_failure(const struct orbus_sample *s)
{
	return s->status == ORBUS_STATUS_ERROR || s->status == ORBUS_STATUS_TIMEOUT ||
	       s->status == ORBUS_STATUS_ORPHANED;
}
