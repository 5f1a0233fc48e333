/*
 * doc_read_stats.c: of a document, the figures of requests that no line of a table can say:
 * histograms, and what is told by model, bot and provider.
 */
#include "doc_read_internal.h"

#include <math.h>
#include <string.h>

/* --- Histograms ------------------------------------------------------------------------------- */

void take_buckets(struct reader *r, void *length)
{
	struct histogram_read *h =
	    (void *)((char *)length - offsetof(struct histogram_read, length));

	h->length = doc_counts(&r->source, h->buckets, HISTOGRAM_BUCKETS);
}

static bool is_possible(const struct histogram_read *read)
{
	const struct histogram *h = &read->h;
	uint64_t total = h->zero_count;

	if ((h->count > 0) == isnan(h->min) || isnan(h->min) != isnan(h->max) || h->min > h->max)
		return false;
	if (!(read->offset >= HISTOGRAM_INDEX_MIN) || floor(read->offset) != read->offset ||
	    read->offset > HISTOGRAM_INDEX_MAX ||
	    read->offset + (double)read->length > HISTOGRAM_INDEX_MAX + 1)
		return false;
	for (uint64_t i = 0; i < read->length; i++)
		if (__builtin_add_overflow(total, read->buckets[i], &total))
			return false;
	return total == h->count;
}

void take_histogram(struct reader *r, void *at)
{
	struct histogram_read read;
	struct histogram *h = at;

	read.h = (struct histogram){0};
	read.length = 0;
	doc_read_object(r, &doc_histogram, &read);
	if (failed(r))
		return;
	if (!is_possible(&read)) {
		refuse(r, -EBADMSG);
		return;
	}
	h->count = read.h.count;
	h->zero_count = read.h.zero_count;
	h->sum = read.h.sum;
	h->min = read.h.min;
	h->max = read.h.max;
	if (!histogram_set_buckets(h, (int32_t)read.offset, read.buckets, (uint32_t)read.length))
		refuse(r, -ENOMEM);
}

/* --- Figures by model, bot and provider ------------------------------------------------------- */

static struct name_table *table_of(const struct reader *r, enum dimension by)
{
	return by == BY_MODEL ? &r->out->by_model
	       : by == BY_BOT ? &r->out->by_bot
	                      : &r->out->by_provider;
}

/* A model's `errors` are all that failed. */
static void take_stats(struct reader *r, struct request_stats *f)
{
	uint64_t others;

	doc_read_object(r, &doc_stats, f);
	others = count_add(f->timeouts, f->orphaned);
	if (f->errors < others)
		refuse(r, -EBADMSG);
	else
		f->errors -= others;
}

static void take_part(struct reader *r, struct request_stats *f, unsigned part)
{
	if (part == HAS_STATS)
		take_stats(r, f);
	else
		doc_read_object(r, &doc_stats_histograms, f);
}

/* For what is added to what the same name has already. */
static void take_apart(struct reader *r, struct request_stats *f, unsigned part)
{
	struct request_stats one;

	request_stats_init(&one);
	take_part(r, &one, part);
	if (!failed(r) && !request_stats_merge(f, &one))
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

/* A name with its figures, or its histograms. Sets *next to the entry that likely comes next. */
static void take_name(
    struct reader *r, enum dimension by, unsigned part, const char *name, uint32_t *next)
{
	struct name_table *t = table_of(r, by);
	bool shared = is_shared(t, name);
	struct request_stats *f = stats_table_at(t, name);
	uint32_t i;

	if (!f) {
		refuse(r, -ENOMEM);
		return;
	}
	i = entry_of(t, f, *next);
	*next = i + 1;
	if (shared)
		take_apart(r, f, part);
	else if (r->has[by][i] & part)
		refuse(r, -EBADMSG); /* it is there twice */
	else
		take_part(r, f, part);
	r->has[by][i] |= (uint8_t)part;
}

static void take_names(struct reader *r, enum dimension by, unsigned part)
{
	struct doc_text key;
	char name[NAME_BYTES];
	unsigned names = 0;
	uint32_t next = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (++names > NAME_TABLE_NAMES_MAX || !doc_text_cut(&key, name, sizeof(name)))
			refuse(r, -EBADMSG);
		else
			take_name(r, by, part, name, &next);
	}
}

void take_stats_by_model(struct reader *r, void *at)
{
	(void)at;
	take_names(r, BY_MODEL, HAS_STATS);
}

void take_stats_by_bot(struct reader *r, void *at)
{
	(void)at;
	take_names(r, BY_BOT, HAS_STATS);
}

void take_stats_by_provider(struct reader *r, void *at)
{
	(void)at;
	take_names(r, BY_PROVIDER, HAS_STATS);
}

void take_histograms_by_model(struct reader *r, void *at)
{
	(void)at;
	take_names(r, BY_MODEL, HAS_HISTOGRAMS);
}

void take_histograms_by_bot(struct reader *r, void *at)
{
	(void)at;
	take_names(r, BY_BOT, HAS_HISTOGRAMS);
}

void take_histograms_by_provider(struct reader *r, void *at)
{
	(void)at;
	take_names(r, BY_PROVIDER, HAS_HISTOGRAMS);
}

static bool is_whole(const struct request_stats *f)
{
	return f->total >= f->ok && f->response_ms.count <= f->ok && f->ttft_ms.count <= f->ok &&
	       f->tps.count <= f->ok && f->decode_tps.count <= f->ok;
}

bool doc_names_are_whole(const struct reader *r)
{
	for (enum dimension by = 0; by < DIMENSIONS; by++) {
		const struct name_table *t = table_of(r, by);

		for (uint32_t i = 0; i < t->count; i++)
			if (r->has[by][i] != HAS_BOTH || !is_whole(t->entries[i].value))
				return false;
	}
	return true;
}

void take_in_flight(struct reader *r, void *at)
{
	(void)at;
	doc_count(&r->source, &r->period->in_flight);
}
