/*
 * schema.h: what the tables are made of by which documents are written (doc_write.c), read and
 * shown (doc_reader.c), and of which man/schemadoc.c makes orbus-files(5) and Node's types.
 * doc_tables.c has them, out of schema.def.
 */
#ifndef ORBUS_DOC_SCHEMA_H
#define ORBUS_DOC_SCHEMA_H

#include "document_parts.h"
#include "stats/snapshot.h"

#include <stddef.h>
#include <stdint.h>

/* What is said of a field beside its type; the parts are those of enum document_parts. */
enum doc_flags {
	MODELS = DOCUMENT_MODELS,
	BOTS = DOCUMENT_BOTS,
	PROVIDERS = DOCUMENT_PROVIDERS,
	REST = DOCUMENT_REST,
	BREAKDOWN = DOCUMENT_BREAKDOWN,
	TAGS = DOCUMENT_TAGS,
	MINUTES = DOCUMENT_MINUTES,
	PERIOD = 128,
	TRENDS = 256,
	PARTS = DOCUMENT_ALL | PERIOD | TRENDS,
	MUST = 512,
	NULLABLE = 1024,
	MAY = 2048,
	WHOLE = 4096,
	DERIVED = 8192,
	LOCAL = 16384,
	BOTH = 32768,
	ANY = 65536,
	OLD = 0, /* for people */
};

enum doc_type {
	DOC_COUNT,
	DOC_INTEGER,
	DOC_FIGURE,
	DOC_SIGNED,
	DOC_NUMBER,
	DOC_SUM,
	DOC_SUM_REST, /* of the sum in the entry before it */
	DOC_TIME,
	DOC_BOOL,
	DOC_TEXT,
	DOC_TEXT_OR_NULL,
	DOC_OBJECT,
	DOC_LIST,
	DOC_EACH,
	DOC_EACH_EACH, /* an object of these by name; only by functions of its own */
	DOC_EACH_COUNT,
	/* Only by functions of their own. */
	DOC_LIST_COUNT,
	DOC_EACH_NUMBER,
	DOC_EACH_INTEGER,
	DOC_TYPES
};

struct doc_reader;
struct doc_writer;
struct doc_field;
/* Reads a value to the place of its member, or, of BOTH, to that in the view. */
typedef void doc_take_fn(struct doc_reader *r, const struct doc_field *f, void *at);
/* Writes the value with its key; `at` is the place of its member. */
typedef void doc_put_fn(struct doc_writer *w, const struct doc_field *f, const void *at);

#define DOC_NOWHERE UINT32_MAX

struct doc_field {
	const char *key;
	uint32_t key_length, flags;
	uint32_t offset;             /* of the member, in TYPE */
	uint32_t shown, shown_bytes; /* its place and size in VIEW; DOC_NOWHERE */
	uint32_t has;                /* a bool of the snapshot that is then true; 0: none */
	doc_take_fn *take;           /* NULL: as its type says; of what is computed too */
	doc_put_fn *put;             /* NULL: as its type says */
	uint16_t type, most;         /* items of a list, or names */
	const struct doc_object *of; /* of DOC_OBJECT, DOC_LIST, DOC_EACH */
	const char *unit, *help;
};

struct doc_object {
	const char *name;
	const struct doc_field *fields;
	unsigned count;
	size_t view_bytes; /* of an element of a list in the snapshot */
};

/* --- What objects are made of where an aggregate does not hold them so -------------------------
 */

struct histogram_read {
	struct histogram
	    h; /* without its buckets; it is first: of it alone histograms are written */
	double offset;
	uint64_t length;
	uint64_t buckets[HISTOGRAM_BUCKETS]; /* up to `length`; the others are not set */
};

struct gauge_read {
	struct gauge_stats g;
	double avg, sum, positive, negative; /* NaN: not there */
	int64_t sum_rest, positive_rest, negative_rest;
};

struct combination_read {
	struct request_stats stats;
	struct combination of; /* of `texts`, where it is read */
	char texts[4][ORBUS_TEXT_MAX + 1];
};

/* A bot as it is written: what a stretch of time tells of it, and what is known now. */
struct bot_read {
	struct bot_stats stats;
	const struct bot_known *known; /* NULL: nothing is */
};

struct minute_read {
	struct minute_stats m; /* its minute counts from the period's start, where it is read */
	double cost_usd;       /* NaN: unknown */
	int64_t cost_rest;
};

struct error_read {
	struct recent_error e; /* it is first, as above */
	char type[ORBUS_TEXT_MAX + 1];
	char message[ORBUS_ERROR_MESSAGE_MAX + 1];
};

struct trends_read {
	struct trends t; /* it is first, as above */
	uint32_t error_hours;
};

struct cache_counts {
	double hits, misses, hit_rate;
};

#endif
