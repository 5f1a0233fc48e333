/*
 * doc_write.c: writes an object by its table.
 */
#include "doc_write.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>

void doc_write_number(struct doc_writer *w, const char *key, double value)
{
	if (isfinite(value) && floor(value) == value && fabs(value) < 0x1p53)
		writer_integer(w->to, key, (int64_t)value);
	else
		writer_figure(w->to, key, value);
}

void doc_write_time(struct doc_writer *w, const char *key, uint64_t ns, bool is_local)
{
	char text[RFC3339_BYTES];

	if (is_local)
		clock_format_rfc3339_local(ns, w->context->utc, text);
	else
		clock_format_rfc3339(ns, text);
	writer_text(w->to, key, text);
}

/* Whether a sum is known: of those that may be null, the cost of requests is the only one. */
static bool is_known(const struct doc_field *f, const struct exact_sum *sum)
{
	const char *cost = (const char *)sum;

	return !(f->flags & NULLABLE) ||
	       ((const struct request_stats *)(const void *)(cost -
							     offsetof(struct request_stats, cost)))
	               ->cost_known > 0;
}

/* With what its double leaves out, where it leaves out any: the key of the next field. */
static void put_sum(struct doc_writer *w, const struct doc_field *f, const struct exact_sum *sum)
{
	int64_t rest;

	if (!is_known(f, sum)) {
		writer_null(w->to, f->key);
		return;
	}
	writer_figure(w->to, f->key, exact_figure(*sum));
	rest = exact_rest(*sum);
	if (rest != 0)
		writer_integer(w->to, f[1].key, rest);
}

static void put_figure(struct doc_writer *w, const struct doc_field *f, double value)
{
	if (!isnan(value) || !(f->flags & MAY))
		writer_figure(w->to, f->key, value);
}

static void put_integer(struct doc_writer *w, const struct doc_field *f, int64_t value)
{
	if (value != 0 || !(f->flags & MAY))
		writer_integer(w->to, f->key, value);
}

static void put_field(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	switch ((enum doc_type)f->type) {
	case DOC_COUNT: writer_count(w->to, f->key, *(const uint64_t *)at); break;
	case DOC_INTEGER: put_integer(w, f, *(const int64_t *)at); break;
	case DOC_FIGURE:
	case DOC_SIGNED: put_figure(w, f, *(const double *)at); break;
	case DOC_NUMBER: doc_write_number(w, f->key, *(const double *)at); break;
	case DOC_SUM: put_sum(w, f, at); break;
	case DOC_TIME: doc_write_time(w, f->key, *(const uint64_t *)at, f->flags & LOCAL); break;
	case DOC_BOOL: writer_boolean(w->to, f->key, *(const bool *)at); break;
	case DOC_OBJECT: doc_write_object(w, f->key, f->of, at); break;
	default: break; /* a rest is its sum's; the others have functions of their own */
	}
}

void doc_write_object(
    struct doc_writer *w, const char *key, const struct doc_object *o, const void *base)
{
	const struct doc_field *end = o->fields + o->count;

	writer_object(w->to, key);
	for (const struct doc_field *f = o->fields; f < end; f++) {
		const void *at = (const char *)base + f->offset;

		if (f->flags & WHOLE && !w->context->restorable)
			continue;
		if (f->put)
			f->put(w, f, at);
		else
			put_field(w, f, at);
	}
	writer_end(w->to);
}
