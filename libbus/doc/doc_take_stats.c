/*
 * doc_take_stats.c: of a document, the figures of requests that no line of schema.def can say, as
 * they are read: histograms, and what is told by model, bot and provider.
 */
#include "doc_take.h"

#include <math.h>
#include <string.h>

/* --- Histograms ------------------------------------------------------------------------------- */

void take_bucket_offset(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct histogram_read *h = (void *)((char *)at - f->offset);

	doc_figure(&r->source, &h->offset);
}

void take_buckets(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct histogram_read *h = (void *)((char *)at - f->offset);

	if (!r->view) {
		h->length = doc_counts(&r->source, h->buckets, HISTOGRAM_BUCKETS);
		return;
	}
	doc_open_array(&r->source);
	while (doc_item(&r->source)) {
		uint64_t n = 0;

		if (doc_kind(&r->source) == '0')
			(void)doc_any_count(&r->source, &n);
		else
			doc_skip(&r->source);
		if (h->length < HISTOGRAM_BUCKETS)
			h->buckets[h->length] = n;
		h->length++;
	}
}

static bool has_place(const struct histogram_read *read, int32_t first, int32_t last)
{
	return read->offset >= first && read->offset + (double)read->length <= last + 1;
}

bool doc_histogram_adds_up(const struct histogram_read *read, int32_t first, int32_t last)
{
	uint64_t total = read->h.zero_count;

	if (!has_place(read, first, last) || floor(read->offset) != read->offset)
		return false;
	for (uint64_t i = 0; i < read->length; i++)
		if (__builtin_add_overflow(total, read->buckets[i], &total))
			return false;
	return total == read->h.count;
}

static bool is_possible(const struct histogram_read *read)
{
	const struct histogram *h = &read->h;

	if ((h->count > 0) == isnan(h->min) || isnan(h->min) != isnan(h->max) || h->min > h->max)
		return false;
	return doc_histogram_adds_up(read, HISTOGRAM_INDEX_MIN, HISTOGRAM_INDEX_MAX);
}

/* In a snapshot its values are those that the buckets count: a damaged one is empty. */
static bool can_be_shown(struct histogram_read *read)
{
	if (read->length == 0 || !has_place(read, HISTOGRAM_INDEX_MIN, HISTOGRAM_INDEX_MAX))
		return false;
	read->h.count = read->h.zero_count;
	for (uint64_t i = 0; i < read->length; i++)
		read->h.count = count_add(read->h.count, read->buckets[i]);
	return true;
}

void doc_histogram_read(
    struct doc_reader *r, const struct doc_field *f, struct histogram_read *read)
{
	read->h = (struct histogram){.min = NAN, .max = NAN};
	read->offset = NAN;
	read->length = 0;
	doc_read_object(r, f->of, read);
}

void doc_histogram_set(struct doc_reader *r, const struct histogram_read *read, struct histogram *h)
{
	h->count = read->h.count;
	h->zero_count = read->h.zero_count;
	h->sum = read->h.sum;
	h->min = read->h.min;
	h->max = read->h.max;
	if (!histogram_set_buckets(h, (int32_t)read->offset, read->buckets, (uint32_t)read->length))
		refuse(r, -ENOMEM);
}

void take_histogram(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct histogram_read read;

	doc_histogram_read(r, f, &read);
	if (failed(r))
		return;
	if (!(r->view ? can_be_shown(&read) : is_possible(&read))) {
		if (!r->view)
			refuse(r, -EBADMSG);
		return;
	}
	if (r->view)
		histogram_init(at); /* in a list it is all zero */
	doc_histogram_set(r, &read, at);
}

/* --- Figures by model, bot and provider ------------------------------------------------------- */

/* A model's `errors` are all that failed, until it is read. */
void take_failed(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)f;
	doc_count(&r->source, &((struct request_stats *)at)->errors);
}

static void take_part(
    struct doc_reader *r, const struct doc_field *f, struct request_stats *s, unsigned part)
{
	uint64_t others;

	doc_read_object(r, f->of, s);
	if (part == HAS_HISTOGRAMS)
		return;
	others = count_add(s->timeouts, s->orphaned);
	if (s->errors < others)
		refuse(r, -EBADMSG);
	else
		s->errors -= others;
}

/* For what is added to what the same name has already. */
static void take_apart(
    struct doc_reader *r, const struct doc_field *f, struct request_stats *s, unsigned part)
{
	struct request_stats one;

	request_stats_init(&one);
	take_part(r, f, &one, part);
	if (!failed(r) && !request_stats_merge(s, &one))
		refuse(r, -ENOMEM);
	request_stats_free(&one);
}

/*
 * Several names of the document may be one here: those that are the same once they are cut, which
 * earlier versions wrote, and those beyond the table's end, which are summed under "(other)".
 */
static bool is_shared(const struct name_table *t, const char *name)
{
	return strlen(name) > ORBUS_TEXT_MAX - UTF8_BYTES_MAX ||
	       strcmp(name, NAME_TABLE_OTHER) == 0 ||
	       (t->count >= NAME_TABLE_MAX && !name_table_find(t, name));
}

/* The entry whose figures these are: as a rule the one after the last. */
static uint32_t entry_of(const struct name_table *t, const void *value, uint32_t next)
{
	if (next < t->count && t->entries[next].value == value)
		return next;
	for (next = 0; t->entries[next].value != value; next++)
		;
	return next;
}

static struct name_table *table_of(const struct doc_reader *r, enum dimension by)
{
	return by == DIMENSION_MODEL ? &r->out->by_model
	       : by == DIMENSION_BOT ? &r->out->by_bot
	                             : &r->out->by_provider;
}

static uint8_t *has_of(struct doc_reader *r, const struct name_table *t)
{
	enum dimension by = DIMENSION_MODEL;

	while (table_of(r, by) != t)
		by++;
	return r->has[by];
}

/* A name with its figures, or its histograms. Sets *next to the entry that likely comes next. */
static void take_name(struct doc_reader *r, const struct doc_field *f, struct name_table *t,
    unsigned part, const char *name, uint32_t *next)
{
	bool shared = is_shared(t, name);
	struct request_stats *s = stats_table_at(t, name);
	uint8_t *has = has_of(r, t);
	uint32_t i;

	if (!s) {
		refuse(r, -ENOMEM);
		return;
	}
	i = entry_of(t, s, *next);
	*next = i + 1;
	if (shared)
		take_apart(r, f, s, part);
	else if (has[i] & part)
		refuse(r, -EBADMSG); /* it is there twice */
	else
		take_part(r, f, s, part);
	has[i] |= (uint8_t)part;
}

static void take_names(
    struct doc_reader *r, const struct doc_field *f, struct name_table *t, unsigned part)
{
	struct doc_text key;
	char name[NAME_BYTES];
	unsigned names = 0;
	uint32_t next = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (++names > f->most)
			refuse(r, -EBADMSG);
		else if (doc_take_name(r, &key, name))
			take_name(r, f, t, part, name, &next);
	}
}

void take_stats_by_name(struct doc_reader *r, const struct doc_field *f, void *at)
{
	take_names(r, f, at, HAS_STATS);
}

void take_histograms_by_name(struct doc_reader *r, const struct doc_field *f, void *at)
{
	take_names(r, f, at, HAS_HISTOGRAMS);
}

bool doc_stats_are_whole(const struct request_stats *f)
{
	return f->total >= f->ok && f->response_ms.count <= f->ok && f->ttft_ms.count <= f->ok &&
	       f->tps.count <= f->ok && f->decode_tps.count <= f->ok;
}

bool doc_names_are_whole(const struct doc_reader *r)
{
	for (enum dimension by = 0; by < DIMENSIONS; by++) {
		const struct name_table *t = table_of(r, by);

		for (uint32_t i = 0; i < t->count; i++)
			if (r->has[by][i] != HAS_BOTH || !doc_stats_are_whole(t->entries[i].value))
				return false;
	}
	return true;
}

void take_in_flight(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)f;
	(void)at;
	doc_count(&r->source, &r->period->in_flight);
}
