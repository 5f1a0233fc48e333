/*
 * doc_read.c: an aggregate from its document, by tables.
 *
 * The document comes from a file that anyone may have edited or half destroyed. Its keys may come
 * in any order: what must be there is checked at the end of each object, and what two objects say
 * of one name when all is read.
 */
#include "doc_read_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- The tables ------------------------------------------------------------------------------- */

#define FIELD(k, type, flags, offset, of, take) {#k, sizeof(#k) - 1, type, flags, offset, of, take},

#define OBJECT(name)                  static const struct doc_field name##_fields[] = {
#define COUNT(k, member, flags, help) FIELD(k, DOC_COUNT, flags, offsetof(TYPE, member), NULL, NULL)
#define INTEGER(k, member, flags, help) \
	FIELD(k, DOC_INTEGER, flags, offsetof(TYPE, member), NULL, NULL)
#define FIGURE(k, member, u, flags, help) \
	FIELD(k, DOC_FIGURE, flags, offsetof(TYPE, member), NULL, NULL)
#define SIGNED(k, member, u, flags, help) \
	FIELD(k, DOC_SIGNED, flags, offsetof(TYPE, member), NULL, NULL)
#define SUM(k, member, u, flags, help)                               \
	FIELD(k, DOC_SUM, flags, offsetof(TYPE, member), NULL, NULL) \
	FIELD(k##_rest, DOC_SUM_REST, 0, offsetof(TYPE, member), NULL, NULL)
#define TIME(k, member, flags, help) FIELD(k, DOC_TIME, flags, offsetof(TYPE, member), NULL, NULL)
#define BOOL(k, member, flags, help) FIELD(k, DOC_BOOL, flags, offsetof(TYPE, member), NULL, NULL)
#define IN(k, object, member, flags, help) \
	FIELD(k, DOC_IN, flags, offsetof(TYPE, member), &doc_##object, NULL)
#define SAME(k, object, flags, help) FIELD(k, DOC_IN, flags, 0, &doc_##object, NULL)
#define OWN(k, name, member, type, flags, help) \
	FIELD(k, DOC_OWN, flags, offsetof(TYPE, member), NULL, take_##name)
#define CALC(k, type, unit, help)   FIELD(k, DOC_SKIP, 0, 0, NULL, NULL)
#define OPTION(k, type, unit, help) CALC(k, type, unit, help)
#define END(name)                                                                                \
	}                                                                                        \
	;                                                                                        \
	static_assert(sizeof(name##_fields) / sizeof(name##_fields[0]) <= 64, "bits of `seen`"); \
	extern const struct doc_object doc_##name;                                               \
	const struct doc_object doc_##name = {                                                   \
	    name##_fields, sizeof(name##_fields) / sizeof(name##_fields[0])};

#include "schema.def"

/* --- Walking them ----------------------------------------------------------------------------- */

static bool is_key(const struct doc_field *f, const struct doc_text *key)
{
	return f->key_length == key->length && memcmp(f->key, key->at, key->length) == 0;
}

/* The field of a key, o->count where there is none. As a rule it is the one after the last. */
static unsigned field_of(const struct doc_object *o, const struct doc_text *key, unsigned next)
{
	for (unsigned i = next; i < o->count; i++)
		if (is_key(&o->fields[i], key))
			return i;
	for (unsigned i = 0; i < next; i++)
		if (is_key(&o->fields[i], key))
			return i;
	return o->count;
}

/* False: a part that is not wanted. */
static bool is_wanted(const struct reader *r, const struct doc_field *f)
{
	return f->type != DOC_SKIP && (f->flags & PARTS & ~r->parts) == 0;
}

static void take_time(struct reader *r, uint64_t *ns)
{
	struct doc_text text;
	char copy[64];

	doc_text(&r->source, &text);
	/* A longer one is no time, and does not become one by being cut. */
	if (!doc_text_cut(&text, copy, sizeof(copy)) || !clock_parse_rfc3339(copy, ns))
		refuse(r, -EBADMSG);
}

static void take_figure(struct reader *r, const struct doc_field *f, double *out)
{
	doc_figure(&r->source, out);
	if (f->type == DOC_FIGURE ? *out < 0 : isnan(*out) && !(f->flags & NULLABLE))
		refuse(r, -EBADMSG);
}

/*
 * A sum and its rest may come in either order: both are added modulo 2^128, and judged at the end
 * of their object. True: it is null.
 */
static bool take_sum(struct reader *r, const struct doc_field *f, struct exact_sum *sum)
{
	double figure;

	doc_figure(&r->source, &figure);
	if (figure < 0 || (isnan(figure) && !(f->flags & NULLABLE)))
		refuse(r, -EBADMSG);
	sum->units += exact_of(figure).units;
	return isnan(figure);
}

static void take_rest(struct reader *r, struct exact_sum *sum)
{
	int64_t rest;

	doc_integer(&r->source, &rest);
	sum->units += (exact_units)rest;
}

/* True: it is a sum, and null. */
static bool take_field(struct reader *r, const struct doc_field *f, void *at)
{
	switch ((enum doc_type)f->type) {
	case DOC_COUNT: doc_count(&r->source, at); break;
	case DOC_INTEGER: doc_integer(&r->source, at); break;
	case DOC_FIGURE:
	case DOC_SIGNED: take_figure(r, f, at); break;
	case DOC_SUM: return take_sum(r, f, at);
	case DOC_SUM_REST: take_rest(r, at); break;
	case DOC_TIME: take_time(r, at); break;
	case DOC_BOOL: doc_bool(&r->source, at); break;
	case DOC_IN: doc_read_object(r, f->of, at); break;
	case DOC_OWN: f->take(r, at); break;
	case DOC_SKIP: break;
	}
	return false;
}

/* Where there is no sum, or null, there is nothing that a rest could be beside. */
static void settle_sum(struct reader *r, bool is_known, struct exact_sum *sum)
{
	if (!is_known)
		sum->units = 0;
	else if (sum->units >> 127)
		refuse(r, -EBADMSG); /* the rest takes away more than there is */
	else if (sum->units > EXACT_UNITS_MAX)
		sum->units = EXACT_UNITS_MAX;
}

static void settle_object(
    struct reader *r, const struct doc_object *o, char *base, uint64_t seen, uint64_t null)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct doc_field *f = &o->fields[i];

		if (f->type == DOC_SUM)
			settle_sum(r, seen >> i & ~(null >> i) & 1, (void *)(base + f->offset));
		if (f->flags & MUST && !(seen >> i & 1) && is_wanted(r, f))
			refuse(r, -EBADMSG);
	}
}

void doc_read_object(struct reader *r, const struct doc_object *o, void *base)
{
	uint64_t seen = 0, null = 0; /* by field */
	struct doc_text key;
	unsigned next = 0;

	doc_open(&r->source);
	while (doc_member(&r->source, &key)) {
		unsigned i = field_of(o, &key, next);
		const struct doc_field *f = &o->fields[i];

		if (i == o->count || !is_wanted(r, f)) {
			doc_skip(&r->source);
			next = i == o->count ? next : i + 1;
			continue;
		}
		next = i + 1;
		if (seen >> i & 1)
			refuse(r, -EBADMSG);
		seen |= UINT64_C(1) << i;
		null |= (uint64_t)take_field(r, f, (char *)base + f->offset) << i;
	}
	settle_object(r, o, base, seen, null);
}

/* --- The document ----------------------------------------------------------------------------- */

static void begin(struct reader *r)
{
	name_table_init(&r->rests, sizeof(int64_t), NULL);
	r->parts |= (r->period ? PERIOD : 0) | (r->trends ? TRENDS : 0);
	if (r->period)
		*r->period = (struct document_period){0};
	if (r->trends)
		*r->trends = (struct trends){0};
}

static int end(struct reader *r)
{
	name_table_free(&r->rests);
	return r->error ? r->error : doc_failed(&r->source) ? -EBADMSG : 0;
}

static int read_document(struct reader *r)
{
	begin(r);
	doc_read_object(r, &doc_document, r->out);
	doc_end(&r->source);
	if (!failed(r))
		doc_read_counts(r);
	if (!failed(r) && !doc_names_are_whole(r))
		refuse(r, -EBADMSG);
	return end(r);
}

int document_from_text(const char *text, size_t length, unsigned parts,
    struct document_period *period, struct trends *trends, struct aggregate *out)
{
	struct reader r = {.out = out, .period = period, .trends = trends, .parts = parts};

	doc_source_text(&r.source, text, length);
	return read_document(&r);
}

int document_from_msgpack(const void *bytes, size_t length, unsigned parts,
    struct document_period *period, struct trends *trends, struct aggregate *out)
{
	struct reader r = {.out = out, .period = period, .trends = trends, .parts = parts};

	doc_source_msgpack(&r.source, bytes, length);
	return read_document(&r);
}

int document_trends_from_msgpack(const void *bytes, size_t length, struct trends *out)
{
	struct reader r = {.trends = out};

	doc_source_msgpack(&r.source, bytes, length);
	begin(&r);
	take_hourly_trends(&r, NULL);
	doc_end(&r.source);
	return end(&r);
}
