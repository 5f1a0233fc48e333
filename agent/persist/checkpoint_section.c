/*
 * checkpoint_section.c: one period in the checkpoint: its section.
 */
#include "checkpoint_section.h"
#include "doc/doc_read.h"
#include "doc/msgpack_tree.h"

#include <stdlib.h>

enum { KIND, LABEL, MARK, START, END, HAS_BASE, COMPLETE, DELTA, DOCUMENT, TRENDS, SECTION_KEYS };
#define FIGURES HAS_BASE /* the keys before it are numbers */
static const char *const names[SECTION_KEYS] = {"kind", "label", "mark", "start_ns", "end_ns",
    "has_base", "complete", "delta", "document", "trends"};

int checkpoint_section_write(struct checkpoint_compressor *compressor,
    const struct checkpoint_section *s, char **section, size_t *size)
{
	struct msgpack_writer m;
	struct writer *w = &m.writer;
	size_t length;
	char *document;
	int err;

	msgpack_writer_init(&m);
	writer_object(w, NULL);
	writer_integer(w, names[KIND], s->span->kind);
	writer_count(w, names[LABEL], s->span->label);
	if (s->span->mark != PERIOD_UNMARKED)
		writer_count(w, names[MARK], s->span->mark);
	writer_count(w, names[START], s->span->start_ns);
	writer_count(w, names[END], s->span->end_ns);
	writer_boolean(w, names[HAS_BASE], s->has_base);
	writer_boolean(w, names[COMPLETE], s->complete);
	writer_boolean(w, names[DELTA], s->delta);
	document_write(w, names[DOCUMENT], s->sum, s->context);
	document_write_trends(w, names[TRENDS], s->own);
	writer_end(w);
	document = msgpack_writer_take(&m, &length);
	if (!document)
		return -ENOMEM;
	err = checkpoint_compress(compressor, document, length, section, size);
	free(document);
	return err;
}

static void read_members(struct doc_source *s, struct doc_keys *keys, uint64_t figures[FIGURES],
    struct saved_period *out)
{
	int key;

	doc_open(s);
	while ((key = doc_next_key(s, keys)) >= 0) {
		switch (key) {
		case HAS_BASE: doc_bool(s, &out->has_base); break;
		case COMPLETE: doc_bool(s, &out->complete); break;
		case DELTA: doc_bool(s, &out->delta); break;
		case DOCUMENT: doc_take_raw(s, &out->document); break;
		case TRENDS: doc_take_raw(s, &out->trends); break;
		default: doc_count(s, &figures[key]);
		}
	}
	doc_end(s);
}

int saved_period_read(const char *bytes, size_t length, struct saved_period *out)
{
	const uint32_t must = 1u << KIND | 1u << LABEL | 1u << START | 1u << END | 1u << DOCUMENT;
	uint64_t figures[FIGURES] = {[MARK] = PERIOD_UNMARKED};
	struct doc_keys keys = DOC_KEYS(names);
	struct doc_source s;

	/* Version 1 wrote none without. */
	*out = (struct saved_period){.has_base = true};
	doc_source_msgpack(&s, bytes, length);
	read_members(&s, &keys, figures, out);
	if (doc_failed(&s) || (keys.seen & must) != must || figures[KIND] >= PERIOD_KINDS ||
	    figures[LABEL] > UINT32_MAX || figures[MARK] > UINT32_MAX ||
	    !calendar_mark_exists((uint32_t)figures[MARK]) || figures[END] <= figures[START])
		return -EBADMSG;
	out->span = (struct period_span){.kind = (enum period_kind)figures[KIND],
	    .label = (uint32_t)figures[LABEL],
	    .mark = (uint32_t)figures[MARK],
	    .start_ns = figures[START],
	    .end_ns = figures[END]};
	calendar_name(&out->span);
	return 0;
}

/* Its trends are its own; earlier versions have those of the document. */
int saved_period_sum(const struct saved_period *p, struct aggregate *sum, struct trends *trends)
{
	int err = document_from_msgpack(
	    p->document.bytes, p->document.length, DOCUMENT_ALL, NULL, trends, sum);

	return !err && p->trends.bytes
	           ? document_trends_from_msgpack(p->trends.bytes, p->trends.length, trends)
	           : err;
}

int checkpoint_section_read(
    const char *section, size_t size, struct aggregate *sum, struct trends *trends)
{
	struct saved_period saved;
	size_t length;
	char *bytes;
	int err = checkpoint_decompress(section, size, &bytes, &length);

	if (err)
		return err;
	err = saved_period_read(bytes, length, &saved);
	if (!err)
		err = saved_period_sum(&saved, sum, trends);
	free(bytes);
	return err;
}

char *checkpoint_section_text(const char *section, size_t size, size_t *length, bool *too_large)
{
	struct saved_period saved;
	struct text_writer t;
	size_t unpacked;
	char *bytes, *text;

	*too_large = false;
	if (checkpoint_decompress(section, size, &bytes, &unpacked) < 0)
		return NULL;
	text_writer_init(&t);
	if (saved_period_read(bytes, unpacked, &saved) == 0)
		writer_msgpack(&t.writer, NULL, saved.document.bytes, saved.document.length);
	else
		t.writer.failed = true;
	free(bytes);
	text = text_writer_take(&t, length);
	*too_large = !text && t.too_large;
	return text;
}
