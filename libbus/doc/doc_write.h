/*
 * doc_write.h: writes an object by its table. document.h is for those who write documents.
 */
#ifndef ORBUS_DOC_DOC_WRITE_H
#define ORBUS_DOC_DOC_WRITE_H

#include "schema.h"
#include "writer.h"

struct doc_writer {
	struct writer *to;
	const struct document_context *context;
	const struct aggregate *sum; /* what is written of */
	bool is_lifetime;            /* the sum is that of the context's lifetime */
	bool has_breakdown;          /* and stands by itself */
};

/* Under `key`, NULL for the whole: each field from its place in `base`, in the order of the table.
 */
void doc_write_object(
    struct doc_writer *w, const char *key, const struct doc_object *o, const void *base);

/* A number that looks like an integer where it is one: counts are, as a rule. */
void doc_write_number(struct doc_writer *w, const char *key, double value);

/* A time in UTC, or in the zone of the context. */
void doc_write_time(struct doc_writer *w, const char *key, uint64_t ns, bool is_local);

#endif
