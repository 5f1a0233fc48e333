/*
 * document_scan.c: an aggregate from the text of a period's file.
 *
 * The keys may come in any order, so that a model's figures and its histograms meet in its entry of
 * the series; what must be there is checked when all is read.
 */
#include "base/utf8.h"
#include "document_scan_internal.h"

#include <math.h>

/* --- Objects of counts, by a table of their keys ---------------------------------------------- */

struct count_key {
	const char *name;
	size_t offset; /* of a uint64_t */
};

/* Takes the value of `key` if the table has it; sets its bit in *seen. */
static bool take_count(struct scan *s, const struct json_text *key, const struct count_key *keys,
    size_t n, void *to, unsigned *seen)
{
	for (size_t i = 0; i < n; i++) {
		if (!json_text_is(key, keys[i].name))
			continue;
		json_cursor_count(&s->c, (uint64_t *)(void *)((char *)to + keys[i].offset));
		*seen |= 1u << i;
		return true;
	}
	return false;
}

/* An object that must have all keys of the table. */
static void scan_counts(struct scan *s, const struct count_key *keys, size_t n, void *to)
{
	struct json_text key;
	unsigned seen = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key))
		if (!take_count(s, &key, keys, n, to, &seen))
			json_cursor_skip(&s->c);
	if (seen != (1u << n) - 1)
		refuse(s, -EBADMSG);
}

#define COUNT_OF(a)  (sizeof(a) / sizeof((a)[0]))
#define FIGURE(name) offsetof(struct request_stats, name)
#define TOKENS(name) offsetof(struct token_sums, name)

static const struct count_key request_keys[] = {{"total", FIGURE(total)}, {"ok", FIGURE(ok)},
    {"errors", FIGURE(errors)}, {"timeouts", FIGURE(timeouts)}, {"cancelled", FIGURE(cancelled)},
    {"orphaned", FIGURE(orphaned)}, {"streaming", FIGURE(streaming)},
    {"priced", FIGURE(cost_known)}};
/* The same of a series, which names its total otherwise. */
static const struct count_key series_keys[] = {{"requests", FIGURE(total)}, {"ok", FIGURE(ok)},
    {"errors", FIGURE(errors)}, {"timeouts", FIGURE(timeouts)}, {"cancelled", FIGURE(cancelled)},
    {"orphaned", FIGURE(orphaned)}, {"streaming", FIGURE(streaming)},
    {"priced", FIGURE(cost_known)}};
static const struct count_key token_keys[] = {{"total_tokens", TOKENS(total)},
    {"prompt_tokens", TOKENS(prompt)}, {"completion_tokens", TOKENS(completion)},
    {"cached_tokens", TOKENS(cached)}, {"reasoning_tokens", TOKENS(reasoning)}};

static void scan_tokens(struct scan *s, struct token_sums *t)
{
	scan_counts(s, token_keys, COUNT_OF(token_keys), t);
}

static void set_cost(struct scan *s, struct request_stats *f, const struct raw_sum *raw)
{
	/* None is known: there is nothing that a rest could be beside. */
	if (!isnan(raw->figure) && !raw_sum_get(raw, &f->cost))
		refuse(s, -EBADMSG);
}

/* --- Histograms ------------------------------------------------------------------------------- */

/* What a histogram's object holds, before it is believed. */
struct raw_histogram {
	uint64_t count, zero_count, length;
	struct raw_sum sum;
	double min, max, offset;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

static bool is_possible(const struct raw_histogram *raw)
{
	uint64_t total = raw->zero_count;

	if (isnan(raw->sum.figure) || (raw->count > 0) == isnan(raw->min) ||
	    isnan(raw->min) != isnan(raw->max) || raw->min > raw->max)
		return false;
	if (!(raw->offset >= HISTOGRAM_INDEX_MIN) || floor(raw->offset) != raw->offset ||
	    raw->offset + (double)raw->length > HISTOGRAM_INDEX_MAX + 1)
		return false;
	for (uint64_t i = 0; i < raw->length; i++)
		if (__builtin_add_overflow(total, raw->buckets[i], &total))
			return false;
	return total == raw->count;
}

static void scan_histogram(struct scan *s, struct histogram *h)
{
	struct raw_histogram raw; /* of its buckets, only those up to `length` mean anything */
	struct json_text key;
	unsigned seen = 0;

	raw.length = 0;
	raw.sum.rest = 0;
	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		static const char *const names[] = {
		    "count", "zero_count", "sum", "min", "max", "offset", "bucket_counts"};
		unsigned i = 0;

		while (i < COUNT_OF(names) && !json_text_is(&key, names[i]))
			i++;
		if (seen & 1u << i)
			refuse(s, -EBADMSG);
		seen |= 1u << i;
		switch (i) {
		case 0: json_cursor_count(&s->c, &raw.count); break;
		case 1: json_cursor_count(&s->c, &raw.zero_count); break;
		case 2: take_figure(s, &raw.sum.figure); break;
		case 3: take_figure(s, &raw.min); break;
		case 4: take_figure(s, &raw.max); break;
		case 5: json_cursor_figure(&s->c, &raw.offset); break;
		case 6:
			raw.length = json_cursor_counts(&s->c, raw.buckets, HISTOGRAM_BUCKETS);
			break;
		default:
			seen &= 0x7f;
			if (!take_sum(s, &key, "sum", &raw.sum))
				json_cursor_skip(&s->c);
		}
	}
	if (failed(s) || seen != 0x7f || h->count || !is_possible(&raw) ||
	    !raw_sum_get(&raw.sum, &h->sum)) {
		refuse(s, -EBADMSG);
		return;
	}
	h->count = raw.count;
	h->zero_count = raw.zero_count;
	h->min = raw.min;
	h->max = raw.max;
	if (!histogram_set_buckets(h, (int32_t)raw.offset, raw.buckets, (uint32_t)raw.length))
		refuse(s, -ENOMEM);
}

/* True if the key names one of a request's four histograms, which is then taken. */
static bool take_histogram(
    struct scan *s, const struct json_text *key, struct request_stats *f, unsigned *seen)
{
	static const struct {
		const char *name;
		size_t offset;
	} all[] = {{"response_times", FIGURE(response_ms)}, {"ttft", FIGURE(ttft_ms)},
	    {"tps", FIGURE(tps)}, {"decode_tps", FIGURE(decode_tps)}};

	for (unsigned i = 0; i < COUNT_OF(all); i++) {
		if (!json_text_is(key, all[i].name))
			continue;
		scan_histogram(s, (struct histogram *)(void *)((char *)f + all[i].offset));
		*seen |= 1u << i;
		return true;
	}
	return false;
}

#define ALL_HISTOGRAMS 15u

/* --- Series ----------------------------------------------------------------------------------- */

/* The series of a key, if it is one and wanted. */
static struct name_table *name_table_of(struct scan *s, const struct json_text *key)
{
	if (json_text_is(key, "by_model"))
		return s->parts & DOCUMENT_MODELS ? &s->out->by_model : NULL;
	if (json_text_is(key, "by_bot"))
		return s->parts & DOCUMENT_BOTS ? &s->out->by_bot : NULL;
	if (json_text_is(key, "by_provider"))
		return s->parts & DOCUMENT_PROVIDERS ? &s->out->by_provider : NULL;
	return NULL;
}

/*
 * The figures of a name, NULL after a failure. Where several names of the file may share them,
 * being one once they are cut or summed under "(other)", they are to be read apart and added.
 */
static struct request_stats *figures_of(
    struct scan *s, struct name_table *series, const struct json_text *key, bool *shared)
{
	char name[NAME_BYTES];
	struct request_stats *f;

	take_name(s, key, name);
	if (failed(s))
		return NULL;
	*shared = strlen(name) > ORBUS_TEXT_MAX - UTF8_BYTES_MAX ||
	          strcmp(name, NAME_TABLE_OTHER) == 0 ||
	          (series->count >= NAME_TABLE_MAX && !name_table_find(series, name));
	f = aggregate_stats_at(series, name);
	if (!f)
		refuse(s, -ENOMEM);
	return f;
}

static void scan_name_table_entry(struct scan *s, struct request_stats *f)
{
	struct json_text key;
	unsigned seen = 0;
	struct raw_sum cost = {NAN, 0};
	bool tokens = false, has_cost = false;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		if (json_text_is(&key, "tokens")) {
			scan_tokens(s, &f->tokens);
			tokens = true;
		} else if (take_sum(s, &key, "cost", &cost)) {
			has_cost |= json_text_is(&key, "cost");
		} else if (!take_count(s, &key, series_keys, COUNT_OF(series_keys), f, &seen)) {
			json_cursor_skip(&s->c);
		}
	}
	set_cost(s, f, &cost);
	/* A series says `errors` for all that failed. */
	if (!tokens || !has_cost || seen != (1u << COUNT_OF(series_keys)) - 1 ||
	    f->errors < count_add(f->timeouts, f->orphaned))
		refuse(s, -EBADMSG);
	f->errors -= count_add(f->timeouts, f->orphaned);
}

static void scan_entry_histograms(struct scan *s, struct request_stats *f)
{
	struct json_text key;
	unsigned seen = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key))
		if (!take_histogram(s, &key, f, &seen))
			json_cursor_skip(&s->c);
	if (seen != ALL_HISTOGRAMS)
		refuse(s, -EBADMSG);
}

typedef void scan_entry_fn(struct scan *s, struct request_stats *f);

static void scan_apart(struct scan *s, struct request_stats *f, scan_entry_fn *scan_entry)
{
	struct request_stats one;

	request_stats_init(&one);
	scan_entry(s, &one);
	if (!failed(s) && !request_stats_merge(f, &one))
		refuse(s, -ENOMEM);
	request_stats_free(&one);
}

/* An object of figures, or of histograms, by name. */
static void scan_name_table(struct scan *s, struct name_table *series, scan_entry_fn *scan_entry)
{
	struct json_text key;
	unsigned names = 0;
	bool shared = false;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		struct request_stats *f = figures_of(s, series, &key, &shared);

		count_name(s, &names);
		if (!f)
			return;
		if (shared)
			scan_apart(s, f, scan_entry);
		else
			scan_entry(s, f);
	}
}

/* Figures without their histograms, or the other way round, do not add up. */
static bool series_are_whole(const struct name_table *series)
{
	for (uint32_t i = 0; i < series->count; i++) {
		const struct request_stats *f = series->entries[i].value;

		if (f->total < f->ok || f->response_ms.count > f->ok || f->ttft_ms.count > f->ok ||
		    f->tps.count > f->ok || f->decode_tps.count > f->ok)
			return false;
	}
	return true;
}

static void scan_histograms(struct scan *s)
{
	struct json_text key;
	unsigned seen = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		struct name_table *series = name_table_of(s, &key);

		if (series)
			scan_name_table(s, series, scan_entry_histograms);
		else if (!take_histogram(s, &key, &s->out->requests, &seen))
			json_cursor_skip(&s->c);
	}
	if (seen != ALL_HISTOGRAMS)
		refuse(s, -EBADMSG);
}

/* --- The document ----------------------------------------------------------------------------- */

static void scan_period(struct scan *s)
{
	struct document_period *p = s->period;
	struct json_text key, kind;
	bool has_complete = false;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		if (json_text_is(&key, "kind")) {
			json_cursor_text(&s->c, &kind);
			if (!json_text_copy(&kind, p->kind, sizeof(p->kind)))
				refuse(s, -EBADMSG);
		} else if (json_text_is(&key, "start")) {
			take_time(s, &p->start_ns);
		} else if (json_text_is(&key, "end")) {
			take_time(s, &p->end_ns);
		} else if (json_text_is(&key, "complete")) {
			json_cursor_bool(&s->c, &p->complete);
			has_complete = true;
		} else {
			json_cursor_skip(&s->c);
		}
	}
	if (!p->kind[0] || !has_complete || p->end_ns <= p->start_ns)
		refuse(s, -EBADMSG);
}

static void scan_top(struct scan *s, const struct json_text *key)
{
	struct name_table *series = name_table_of(s, key);

	if (series) {
		see(s, series == &s->out->by_model ? SEEN_MODELS
		       : series == &s->out->by_bot ? SEEN_BOTS
						   : SEEN_PROVIDERS);
		scan_name_table(s, series, scan_name_table_entry);
	} else if (json_text_is(key, "period")) {
		see(s, SEEN_PERIOD);
		scan_period(s);
	} else if (json_text_is(key, "requests")) {
		see(s, SEEN_REQUESTS);
		scan_counts(s, request_keys, COUNT_OF(request_keys), &s->out->requests);
	} else if (json_text_is(key, "token_usage")) {
		see(s, SEEN_TOKENS);
		scan_tokens(s, &s->out->requests.tokens);
	} else if (take_sum(s, key, "cost_usd", &s->cost)) {
		if (json_text_is(key, "cost_usd"))
			see(s, SEEN_COST);
	} else if (json_text_is(key, "histograms")) {
		see(s, SEEN_HISTOGRAMS);
		scan_histograms(s);
	} else if (!(s->parts & DOCUMENT_REST) || !scan_take_rest(s, key)) {
		json_cursor_skip(&s->c);
	}
}

static unsigned must_have(unsigned parts)
{
	return SEEN_ALWAYS | (parts & DOCUMENT_REST ? SEEN_REST : 0) |
	       (parts & DOCUMENT_MODELS ? SEEN_MODELS : 0) |
	       (parts & DOCUMENT_BOTS ? SEEN_BOTS : 0) |
	       (parts & DOCUMENT_PROVIDERS ? SEEN_PROVIDERS : 0);
}

int document_scan(const char *text, size_t length, unsigned parts, struct document_period *period,
    struct aggregate *out)
{
	struct scan s = {.out = out, .period = period, .cost = {NAN, 0}, .parts = parts};
	struct json_text key;

	*period = (struct document_period){0};
	name_table_init(&s.shown, sizeof(struct exact_sum), NULL);
	name_table_init(&s.rests, sizeof(int64_t), NULL);
	json_cursor_init(&s.c, text, length);
	json_cursor_open(&s.c, '{');
	while (json_cursor_member(&s.c, &key))
		scan_top(&s, &key);
	json_cursor_end(&s.c);
	set_cost(&s, &out->requests, &s.cost);
	scan_settle_counts(&s);
	name_table_free(&s.shown);
	name_table_free(&s.rests);
	if (s.error)
		return s.error;
	if (s.c.failed || (s.seen & ~SEEN_COUNTS) != must_have(parts) ||
	    !series_are_whole(&out->by_model) || !series_are_whole(&out->by_bot) ||
	    !series_are_whole(&out->by_provider))
		return -EBADMSG;
	return 0;
}
