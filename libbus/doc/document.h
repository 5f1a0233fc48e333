/*
 * document.h: an aggregate as the document that files and the board hold.
 *
 * The keys are the contract; schema.def lists them. doc_read.h restores an aggregate from its own
 * document, so that the files are all that need be kept of a finished period.
 */
#ifndef ORBUS_DOC_DOCUMENT_H
#define ORBUS_DOC_DOCUMENT_H

#include "document_parts.h"
#include "writer.h"

/* Writes the document as the value of a key, or, without one, as the whole. */
void document_write(struct writer *w, const char *key, const struct aggregate *a,
    const struct document_context *context);

/* Writes the lifetime of a context by itself, with its breakdown. */
void document_write_lifetime(
    struct writer *w, const char *key, const struct document_context *context);

/* The same as a new JSON object, NULL: out of memory. */
json_t *document_from_aggregate(const struct aggregate *a, const struct document_context *context);

/*
 * Beside a sum, of the same name with this behind it: what the exact sum has beyond that double, in
 * trillionths (stats/exact_sum.h). It is there only where it is not 0.
 */
#define DOCUMENT_REST_OF "_rest"
/* The same of the sums in `counts`, by name. */
#define DOCUMENT_COUNTS_REST "counts" DOCUMENT_REST_OF

/* What a document says of trends, by itself: NULL is null. */
void document_write_trends(struct writer *w, const char *key, const struct trends *trends);

/* The same of requests by model, bot or provider. */
void document_write_stats(struct writer *w, const char *key, const struct name_table *stats);

#endif
