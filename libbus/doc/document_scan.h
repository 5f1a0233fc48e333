/*
 * document_scan.h: an aggregate from the text of a period's file, of which only some parts may be
 * wanted. What document_to_aggregate() does with a tree, for those who read hundreds of files.
 */
#ifndef ORBUS_DOC_DOCUMENT_SCAN_H
#define ORBUS_DOC_DOCUMENT_SCAN_H

#include "doc_read.h"
#include "stats/aggregate.h"

/*
 * Restores an aggregate (initialised, empty). Untrusted input: 0; -EBADMSG where the text is no
 * such document, or one of its figures is missing, malformed or impossible; -ENOMEM. What *out then
 * holds must not be used, but freed.
 */
int document_scan(const char *text, size_t length, unsigned parts, struct document_period *period,
    struct aggregate *out);

#endif
