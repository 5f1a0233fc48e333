/*
 * doc_read.c: an aggregate from its document, by the tables of schema.def.
 *
 * What two objects say of one name is judged when all is read.
 */
#include "doc_read.h"
#include "doc_tables.h"
#include "doc_take.h"

#include <string.h>

static void begin(struct doc_reader *r)
{
	name_table_init(&r->rests, sizeof(int64_t), NULL);
	r->parts |= (r->period ? PERIOD : 0) | (r->trends ? TRENDS : 0);
	if (r->period)
		*r->period = (struct document_period){0};
	if (r->trends)
		*r->trends = (struct trends){0};
}

static int end(struct doc_reader *r)
{
	name_table_free(&r->rests);
	return r->error ? r->error : doc_failed(&r->source) ? -EBADMSG : 0;
}

static int read_document(struct doc_reader *r)
{
	begin(r);
	doc_read_object(r, &doc_document, r->out);
	doc_end(&r->source);
	if (!failed(r))
		doc_read_counts(r);
	if (!failed(r))
		doc_read_minutes(r);
	if (!failed(r) && !doc_names_are_whole(r))
		refuse(r, -EBADMSG);
	return end(r);
}

/* Minutes count from the start of the period, also where the caller does not want that. */
static struct document_period *period_wanted(
    struct document_period *period, unsigned parts, struct document_period *own)
{
	return period || !(parts & DOCUMENT_MINUTES) ? period : own;
}

int document_from_text(const char *text, size_t length, unsigned parts,
    struct document_period *period, struct trends *trends, struct aggregate *out)
{
	struct document_period own;
	struct doc_reader r = {.out = out,
	    .period = period_wanted(period, parts, &own),
	    .trends = trends,
	    .parts = parts & DOCUMENT_ALL};

	doc_source_text(&r.source, text, length);
	return read_document(&r);
}

int document_from_msgpack(const void *bytes, size_t length, unsigned parts,
    struct document_period *period, struct trends *trends, struct aggregate *out)
{
	struct document_period own;
	struct doc_reader r = {.out = out,
	    .period = period_wanted(period, parts, &own),
	    .trends = trends,
	    .parts = parts & DOCUMENT_ALL};

	doc_source_msgpack(&r.source, bytes, length);
	return read_document(&r);
}

int document_trends_from_msgpack(const void *bytes, size_t length, struct trends *out)
{
	struct doc_reader r = {.trends = out};

	doc_source_msgpack(&r.source, bytes, length);
	begin(&r);
	doc_read_trends(&r, &doc_trends);
	doc_end(&r.source);
	return end(&r);
}
