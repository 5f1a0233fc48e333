/*
 * document_scan.h: an aggregate from the text of a period's file, of which only some parts may be
 * wanted. What document_to_aggregate() does with a tree, for those who read hundreds of files.
 */
#ifndef ORBUS_DOC_DOCUMENT_SCAN_H
#define ORBUS_DOC_DOCUMENT_SCAN_H

#include "stats/aggregate.h"

/* What is read beside the totals of requests. */
enum document_parts {
	DOCUMENT_MODELS = 1,
	DOCUMENT_BOTS = 2,
	DOCUMENT_PROVIDERS = 4,
	/* Errors by type and the last ones, counts, gauges, users and channels, losses. */
	DOCUMENT_REST = 8,
	DOCUMENT_ALL = 15,
};

/* What the document says about itself. */
struct document_period {
	char kind[16]; /* "hourly", "daily" */
	uint64_t start_ns, end_ns;
	bool complete;
};

/*
 * Restores an aggregate (initialised, empty). Untrusted input: 0; -EBADMSG where the text is no
 * such document, or one of its figures is missing, malformed or impossible; -ENOMEM. What *out then
 * holds must not be used, but freed.
 */
int document_scan(const char *text, size_t length, unsigned parts, struct document_period *period,
    struct aggregate *out);

#endif
