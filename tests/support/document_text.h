/*
 * document_text.h: for tests that have a document as a tree: the text of its file. The programs
 * write text without one.
 */
#ifndef ORBUS_TESTS_SUPPORT_DOCUMENT_TEXT_H
#define ORBUS_TESTS_SUPPORT_DOCUMENT_TEXT_H

#include "doc/writer.h"

/* Each top-level key on a line of its own. malloc'ed; NULL: out of memory. */
static inline char *document_to_text(const json_t *document, size_t *length)
{
	struct text_writer t;

	text_writer_init(&t);
	writer_json(&t.writer, NULL, document);
	return text_writer_take(&t, length);
}

#endif
