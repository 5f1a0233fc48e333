/*
 * doc_take_parts.c: of a document, what no line of schema.def can say about combinations, tags,
 * bots and minutes, as it is read.
 */
#include "doc_take.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define MINUTE_NS (60 * NS_PER_SECOND)

/* Whether its `errors`, which are all that failed, can be; then they are the others alone. */
static bool settle_stats(struct doc_reader *r, struct request_stats *s)
{
	uint64_t others = count_add(s->timeouts, s->orphaned);

	if (s->errors < others || !doc_stats_are_whole(s))
		refuse(r, -EBADMSG);
	s->errors -= others;
	return !failed(r);
}

/* --- Combinations -------------------------------------------------------------------------------
 */

/* The text stands beside the pointer to it. */
void take_combination_text(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct combination_read *one = (void *)((char *)at - f->offset);
	size_t which = (f->offset - offsetof(struct combination_read, of)) / sizeof(char *);
	struct doc_text text;

	doc_text(&r->source, &text);
	if (!doc_text_cut(&text, one->texts[which], sizeof(one->texts[which])))
		refuse(r, -EBADMSG);
	*(const char **)at = one->texts[which];
}

void take_breakdown(struct doc_reader *r, const struct doc_field *f, void *at)
{
	unsigned count = 0;

	doc_open_array(&r->source);
	while (doc_item(&r->source)) {
		struct combination_read one;

		if (++count > f->most)
			refuse(r, -EBADMSG);
		request_stats_init(&one.stats);
		doc_read_object(r, f->of, &one);
		if (!failed(r) && settle_stats(r, &one.stats) &&
		    !breakdown_add_stats(at, &one.of, &one.stats))
			refuse(r, -ENOMEM);
		request_stats_free(&one.stats);
	}
}

/* --- Tags ---------------------------------------------------------------------------------------
 */

static void take_tag_value(
    struct doc_reader *r, const struct doc_field *f, const char *tag, const char *value)
{
	struct request_stats one;
	int added = 1;

	request_stats_init(&one);
	doc_read_object(r, f->of, &one);
	if (!failed(r) && settle_stats(r, &one))
		added = tag_stats_add_value(&r->out->by_tag, tag, value, &one);
	if (added <= 0)
		refuse(r, added < 0 ? added : -EBADMSG);
	request_stats_free(&one);
}

static void take_tag(struct doc_reader *r, const struct doc_field *f, const char *tag)
{
	char value[NAME_BYTES];
	struct doc_text key;
	unsigned values = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (++values > f->most)
			refuse(r, -EBADMSG);
		else if (doc_take_name(r, &key, value))
			take_tag_value(r, f, tag, value);
	}
}

/* In a snapshot, all values of all tags in one list, each with its tag. */
static void show_tag(struct doc_reader *r, const struct doc_field *f, void *list, const char *tag)
{
	struct tag_rows *rows = list;
	uint32_t before = rows->count;
	struct doc_field of_all = *f;

	of_all.most = TAG_NAMES_MAX * NAME_TABLE_NAMES_MAX;
	doc_show_each(r, &of_all, list);
	for (uint32_t i = before; i < rows->count; i++)
		memcpy(rows->rows[i].tag, tag, strlen(tag) + 1);
}

void take_by_tag(struct doc_reader *r, const struct doc_field *f, void *at)
{
	char tag[NAME_BYTES];
	struct doc_text key;
	unsigned tags = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (++tags > TAG_NAMES_MAX)
			refuse(r, -EBADMSG);
		else if (!doc_take_name(r, &key, tag))
			return;
		else if (r->view)
			show_tag(r, f, at, tag);
		else
			take_tag(r, f, tag);
	}
}

/* --- Bots ---------------------------------------------------------------------------------------
 */

void take_time_or_null(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)f;
	if (doc_kind(&r->source) == 'n')
		doc_skip(&r->source);
	else if (!doc_take_time(r, at))
		refuse(r, -EBADMSG);
}

static void take_bot(struct doc_reader *r, const struct doc_field *f, const char *name)
{
	struct bot_read one = {{0}};
	struct bot_stats *bot;

	gauge_table_init(&one.stats.gauges);
	doc_read_object(r, f->of, &one);
	if (!failed(r)) {
		bot = bot_table_at(&r->out->bots, name);
		if (!bot || !bot_stats_merge(bot, &one.stats))
			refuse(r, -ENOMEM);
	}
	name_table_free(&one.stats.gauges);
}

void take_bots(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_take_each(r, f, take_bot);
}

/* --- Minutes ------------------------------------------------------------------------------------
 */

/* One that holds nothing is not written. */
static bool is_possible(const struct histogram_read *read)
{
	const int buckets_in_one = 1 << (HISTOGRAM_SCALE - MINUTES_SCALE);

	return read->h.count > 0 &&
	       doc_histogram_adds_up(read, HISTOGRAM_INDEX_MIN / buckets_in_one,
		   HISTOGRAM_INDEX_MAX / buckets_in_one);
}

void take_minute_histogram(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct histogram_read read;

	doc_histogram_read(r, f, &read);
	if (failed(r))
		return;
	if (is_possible(&read))
		doc_histogram_set(r, &read, at);
	else
		refuse(r, -EBADMSG);
}

/* They are read when the period is known, which may come after them. */
void take_minutes(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	r->minutes.field = f;
	r->minutes.source = r->source;
	doc_skip(&r->source);
}

static bool is_whole(const struct minute_stats *m)
{
	return m->requests > 0 && m->failed <= m->requests && m->response_ms.count <= m->requests &&
	       m->ttft_ms.count <= m->requests && m->tps.count <= m->requests;
}

static void add_minute(struct doc_reader *r, struct minute_read *one)
{
	struct minute_stats *m;

	one->m.has_cost = !isnan(one->cost_usd);
	one->m.cost = exact_of(one->cost_usd);
	if (one->m.minute >= MINUTES_MAX || !is_whole(&one->m) ||
	    !exact_adjust(&one->m.cost, one->cost_rest)) {
		refuse(r, -EBADMSG);
		return;
	}
	m = minutes_at(&r->out->minutes, r->period->start_ns / MINUTE_NS + one->m.minute);
	if (!m || !minute_stats_merge(m, &one->m))
		refuse(r, -ENOMEM);
}

void doc_read_minutes(struct doc_reader *r)
{
	const struct doc_field *f = r->minutes.field;
	unsigned count = 0;

	if (!f)
		return;
	r->source = r->minutes.source;
	doc_open_array(&r->source);
	while (doc_item(&r->source)) {
		struct minute_read one = {.cost_usd = NAN};

		if (++count > f->most)
			refuse(r, -EBADMSG);
		minute_stats_init(&one.m, 0);
		doc_read_object(r, f->of, &one);
		if (!failed(r))
			add_minute(r, &one);
		minute_stats_free(&one.m);
	}
}
