/*
 * snapshot_read.c: a document of the board or of a file, or an aggregate, as a snapshot.
 */
#include "snapshot_read.h"
#include "doc_reader.h"
#include "doc_tables.h"
#include "document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Documents of the system before orbus count only responses and errors, and those of earlier
 * versions do not say how many failed: that is computed.
 */
static void fill_in_all(struct snapshot *s)
{
	struct stats_row *all = &s->all;
	struct summary *responses = &all->of[SUMMARY_RESPONSE];

	s->has.responses = responses->count != ORBUS_NONE;
	if (!s->has.responses)
		responses->count = 0;
	if (!s->has.requests) {
		all->failed = s->total_errors;
		all->ok = responses->count;
		all->requests = count_add(all->ok, all->failed);
	} else if (!s->has.failed) {
		all->failed = count_add(all->errors, count_add(all->timeouts, all->orphaned));
	}
}

/* A row's `errors` are all that failed, in a document. */
static void fill_in_row(struct stats_row *row)
{
	row->errors = row->failed;
	row->errors -= row->timeouts < row->errors ? row->timeouts : row->errors;
	row->errors -= row->orphaned < row->errors ? row->orphaned : row->errors;
}

/* Errors without a type tell nothing. */
static void drop_untyped(struct snapshot *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->recent_count; i++)
		if (s->recent[i].type[0])
			s->recent[kept++] = s->recent[i];
	s->recent_count = kept;
}

/* False: out of memory. */
static bool fill_in(struct snapshot *s)
{
	bool ok = true;

	fill_in_all(s);
	drop_untyped(s);
	for (int by = 0; by < DIMENSIONS; by++) {
		for (uint32_t i = 0; i < s->by[by].count; i++)
			fill_in_row(&s->by[by].rows[i]);
		ok = ok && stats_rows_index(&s->by[by]);
	}
	return ok;
}

/* A new snapshot to read to. */
static int begin(struct doc_reader *r, const void *bytes, size_t length)
{
	doc_source_msgpack(&r->source, bytes, length);
	r->view = snapshot_new();
	if (!r->view)
		return -ENOMEM;
	r->view->all.of[SUMMARY_RESPONSE].count = ORBUS_NONE;
	return 0;
}

static int end(struct doc_reader *r, struct snapshot **out)
{
	if (!failed(r) && !fill_in(r->view))
		refuse(r, -ENOMEM);
	if (!failed(r)) {
		*out = r->view;
		return 0;
	}
	snapshot_unref(r->view);
	return r->error ? r->error : -EBADMSG;
}

int snapshot_from_board(const void *bytes, size_t length, const char *window, struct snapshot **out)
{
	struct doc_reader r = {.window = window};
	int err = begin(&r, bytes, length);

	*out = NULL;
	if (err)
		return err;
	(void)doc_show_object(&r, &doc_board, r.view);
	if (!r.has_window || !r.view->agent.present)
		refuse(&r, -EBADMSG);
	return end(&r, out);
}

/* A document by itself. */
static int show_document(
    struct doc_reader *r, const void *bytes, size_t length, struct snapshot **out)
{
	int err = begin(r, bytes, length);

	*out = NULL;
	if (!err)
		(void)doc_show_object(r, &doc_document, r->view);
	return err;
}

int snapshot_from_msgpack(const void *bytes, size_t length, struct snapshot **out)
{
	struct doc_reader r = {0};
	int err = show_document(&r, bytes, length, out);

	if (err)
		return err;
	if (!failed(&r)) {
		/* Once more, for what the board says beside it. */
		doc_source_msgpack(&r.source, bytes, length);
		(void)doc_show_object(&r, &doc_board, r.view);
	}
	return end(&r, out);
}

int snapshot_from_document(const json_t *document, struct snapshot **out)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;
	int err;

	*out = NULL;
	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, document);
	bytes = msgpack_writer_take(&m, &length);
	if (!bytes)
		return m.writer.too_deep ? -EBADMSG : -ENOMEM;
	err = snapshot_from_msgpack(bytes, length, out);
	free(bytes);
	return err;
}

int snapshot_from_aggregate(const struct aggregate *a, uint64_t in_flight, struct snapshot **out)
{
	const struct document_context context = {.in_flight = in_flight};
	struct doc_reader r = {0};
	struct msgpack_writer m;
	size_t length;
	char *bytes;
	int err;

	*out = NULL;
	msgpack_writer_init(&m);
	document_write(&m.writer, NULL, a, &context);
	bytes = msgpack_writer_take(&m, &length);
	err = bytes ? show_document(&r, bytes, length, out) : -ENOMEM;
	if (!err) {
		/* Of no document. */
		r.view->uptime_seconds = NAN;
		r.view->saved_at[0] = '\0';
		err = end(&r, out);
	}
	free(bytes);
	return err;
}
