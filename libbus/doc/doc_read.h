/*
 * doc_read.h: an aggregate from its document: the one reader of files, the checkpoint's sections
 * and what a program hands over, by the tables of schema.def.
 *
 * It is not for the board's documents, which cannot restore an aggregate: they lack the histograms
 * by name and the sketches.
 */
#ifndef ORBUS_DOC_DOC_READ_H
#define ORBUS_DOC_DOC_READ_H

#include "document.h"
#include "stats/aggregate.h"

/*
 * These restore an aggregate (initialised, empty). Untrusted input: 0; -EBADMSG where it is no such
 * document, or a figure is missing, malformed, impossible or there twice; -ENOMEM. What *out then
 * holds must not be used, but freed. `period` and `trends` may be NULL: they are then not read;
 * `trends` must be in the document.
 */
int document_from_text(const char *text, size_t length, unsigned parts,
    struct document_period *period, struct trends *trends, struct aggregate *out);
int document_from_msgpack(const void *bytes, size_t length, unsigned parts,
    struct document_period *period, struct trends *trends, struct aggregate *out);

/* What a document says of trends, by itself: 0, -EBADMSG. */
int document_trends_from_msgpack(const void *bytes, size_t length, struct trends *out);

#endif
