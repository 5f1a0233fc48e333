/*
 * doc_take.c: of a document, what no line of schema.def can say, as it is read: counts, gauges,
 * errors, sketches, hours. doc_take_stats.c has the figures of requests.
 */
#include "doc_take.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- Objects by name -------------------------------------------------------------------------- */

void doc_take_each(struct doc_reader *r, const struct doc_field *f, doc_take_named_fn *take)
{
	struct doc_text key;
	char name[NAME_BYTES];
	unsigned names = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (++names > NAME_TABLE_NAMES_MAX)
			refuse(r, -EBADMSG);
		else if (doc_take_name(r, &key, name))
			take(r, f, name);
	}
}

/* A figure >= 0; false: it is null, or none. */
static bool take_known(struct doc_reader *r, double *out)
{
	doc_figure(&r->source, out);
	if (*out < 0 || isnan(*out))
		refuse(r, -EBADMSG);
	return !failed(r);
}

/* --- Counts ----------------------------------------------------------------------------------- */

static void add_count(struct doc_reader *r, const struct doc_field *f, const char *name)
{
	double value;

	(void)f;
	if (take_known(r, &value) && !aggregate_add_count(r->out, name, exact_of(value)))
		refuse(r, -ENOMEM);
}

/* The same where it is shown: there 0 may also mean that no sample named it. */
static void add_shown(struct doc_reader *r, const struct doc_field *f, const char *name)
{
	double value;

	(void)f;
	if (take_known(r, &value) && value > 0 &&
	    !aggregate_add_count(r->out, name, exact_of(value)))
		refuse(r, -ENOMEM);
}

/* Of active_stats, only what was counted. */
static void add_active(struct doc_reader *r, const struct doc_field *f, const char *name)
{
	if (strcmp(name, "messages_processed") == 0 || strcmp(name, "commands_executed") == 0)
		add_shown(r, f, name);
	else
		doc_skip(&r->source);
}

static void add_cache(struct doc_reader *r, const struct doc_field *f, const char *cache)
{
	char name[NAME_BYTES + sizeof("_misses")];
	struct doc_text key;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		bool is_hits = doc_text_is(&key, "hits");

		if (!is_hits && !doc_text_is(&key, "misses")) {
			doc_skip(&r->source);
			continue;
		}
		snprintf(name, sizeof(name), "%s%s", cache, is_hits ? "_hits" : "_misses");
		add_shown(r, f, name);
	}
}

static void add_rest(struct doc_reader *r, const struct doc_field *f, const char *name)
{
	int64_t rest, *place;

	(void)f;
	doc_integer(&r->source, &rest);
	if (failed(r))
		return;
	place = name_table_at(&r->rests, name);
	if (place)
		*place = rest;
	else
		refuse(r, -ENOMEM);
}

/*
 * Files of earlier versions have the counts only where they are shown. Whether this is one is known
 * when all is read: they are passed over, and read then.
 */
void take_shown(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	r->shown[r->shown_count].field = f;
	r->shown[r->shown_count++].source = r->source;
	doc_skip(&r->source);
}

void take_counts(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	r->has_counts = true;
	doc_take_each(r, f, add_count);
}

void take_counts_rest(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_take_each(r, f, add_rest);
}

static void read_shown(struct doc_reader *r)
{
	bool has_active = false;

	for (unsigned i = 0; i < r->shown_count && !failed(r); i++) {
		const struct doc_field *f = r->shown[i].field;

		r->source = r->shown[i].source;
		doc_take_each(r, f,
		    f->type == DOC_OBJECT ? add_active
		    : f->type == DOC_EACH ? add_cache
					  : add_shown);
		has_active |= f->type == DOC_OBJECT;
	}
	if (!has_active)
		refuse(r, -EBADMSG);
}

void doc_read_counts(struct doc_reader *r)
{
	if (r->parts & REST && !r->has_counts)
		read_shown(r);
	for (uint32_t i = 0; i < r->rests.count; i++) {
		const struct name_table_entry *e = &r->rests.entries[i];
		struct exact_sum *sum = name_table_find(&r->out->counts, e->name);

		if (!sum || !exact_adjust(sum, *(const int64_t *)e->value))
			refuse(r, -EBADMSG);
	}
}

/* --- Gauges ----------------------------------------------------------------------------------- */

static bool sum_of(double figure, int64_t rest, struct exact_sum *out)
{
	*out = exact_of(figure);
	return !isnan(figure) && exact_adjust(out, rest);
}

/* `sum` where the gauge was never negative; else the sums of both signs are there. */
static bool set_sums(struct gauge_read *g)
{
	double sum = g->sum;

	if (!isnan(g->negative))
		return sum_of(g->positive, g->positive_rest, &g->g.above) &&
		       sum_of(g->negative, g->negative_rest, &g->g.below);
	/* Files of earlier versions have the sum of both, or none. */
	if (isnan(sum))
		sum = g->avg * (double)g->g.count;
	g->g.above = exact_of(sum);
	g->g.below = exact_of(-sum);
	return exact_adjust(&g->g.above, g->sum_rest);
}

/* False: refused. */
static bool take_gauge(struct doc_reader *r, const struct doc_field *f, struct gauge_stats *out)
{
	struct gauge_read g = {.sum = NAN, .positive = NAN, .negative = NAN};

	doc_read_object(r, f->of, &g);
	if (!failed(r) && (g.g.count == 0 || !set_sums(&g)))
		refuse(r, -EBADMSG);
	*out = g.g;
	return !failed(r);
}

static void add_gauge(struct doc_reader *r, const struct doc_field *f, const char *name)
{
	struct gauge_stats g;

	if (take_gauge(r, f, &g) && !aggregate_add_gauge(r->out, name, &g))
		refuse(r, -ENOMEM);
}

/* Those of one bot. */
void take_bot_gauges(struct doc_reader *r, const struct doc_field *f, void *at)
{
	char name[NAME_BYTES];
	struct doc_text key;
	struct gauge_stats g;
	unsigned names = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		if (++names > BOT_GAUGES_MAX + 1)
			refuse(r, -EBADMSG);
		else if (doc_take_name(r, &key, name) && take_gauge(r, f, &g) &&
			 !gauge_table_add(at, name, &g))
			refuse(r, -ENOMEM);
	}
}

void take_gauges(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_take_each(r, f, add_gauge);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static void add_errors(struct doc_reader *r, const struct doc_field *f, const char *type)
{
	uint64_t n;

	(void)f;
	doc_count(&r->source, &n);
	if (!failed(r) && !aggregate_add_errors(r->out, type, n))
		refuse(r, -ENOMEM);
}

void take_errors_by_type(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_take_each(r, f, add_errors);
}

/* The texts of an error stand beside it while it is read. */
static void take_error_text(struct doc_reader *r, char **at, char *text, size_t bytes)
{
	struct doc_text source;

	doc_text(&r->source, &source);
	if (!doc_text_cut(&source, text, bytes))
		refuse(r, -EBADMSG);
	*at = text;
}

void take_error_type(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct error_read *e = (void *)((char *)at - f->offset);

	take_error_text(r, at, e->type, sizeof(e->type));
}

/* A value that is not a text counts as no message. */
void take_error_message(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct error_read *e = (void *)((char *)at - f->offset);

	if (doc_kind(&r->source) == '"')
		take_error_text(r, at, e->message, sizeof(e->message));
	else
		doc_skip(&r->source);
}

void take_recent_errors(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_open_array(&r->source);
	while (doc_item(&r->source)) {
		struct error_read read;

		read.e = (struct recent_error){0};
		doc_read_object(r, f->of, &read);
		if (!failed(r) &&
		    !aggregate_add_recent_error(r->out, read.e.ts, read.e.type, read.e.message))
			refuse(r, -ENOMEM);
	}
}

/* --- Users and channels ----------------------------------------------------------------------- */

void take_sketch(struct doc_reader *r, const struct doc_field *f, void *at)
{
	uint64_t hashes[KMV_SKETCH_MAX];
	size_t n = doc_counts(&r->source, hashes, KMV_SKETCH_MAX);

	(void)f;
	for (size_t i = 0; i < n; i++)
		if (!kmv_sketch_add_hash(at, hashes[i]))
			refuse(r, -ENOMEM);
}

/* --- The period and its hours ------------------------------------------------------------------
 */

void take_period_kind(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct document_period *p = r->period;
	struct doc_text text;
	char kind[sizeof(p->kind) + UTF8_BYTES_MAX];

	(void)f;
	(void)at;
	doc_text(&r->source, &text);
	/* Cut, it would be another one. */
	if (!doc_text_cut(&text, kind, sizeof(kind)) || !kind[0] || strlen(kind) >= sizeof(p->kind))
		refuse(r, -EBADMSG);
	else
		strcpy(p->kind, kind);
}

void take_period(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_read_object(r, f->of, r->period);
	if (r->period->end_ns <= r->period->start_ns)
		refuse(r, -EBADMSG);
}

/* Of both lists, which must be as long as each other. */
void take_hours(struct doc_reader *r, const struct doc_field *f, void *at)
{
	struct trends_read *t = (void *)((char *)at - f->offset);
	uint32_t hours = (uint32_t)doc_counts(&r->source, at, TREND_HOURS);

	if (at == t->t.messages)
		t->t.hours = hours;
	else
		t->error_hours = hours;
}

/* Null where there are none. */
void doc_read_trends(struct doc_reader *r, const struct doc_object *o)
{
	struct trends_read read = {0};

	if (doc_kind(&r->source) == 'n') {
		doc_skip(&r->source);
		return;
	}
	doc_read_object(r, o, &read);
	if (read.error_hours != read.t.hours)
		refuse(r, -EBADMSG);
	*r->trends = read.t;
}

void take_hourly_trends(struct doc_reader *r, const struct doc_field *f, void *at)
{
	(void)at;
	doc_read_trends(r, f->of);
}
