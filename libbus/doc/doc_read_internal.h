/*
 * doc_read_internal.h: what the files of the reader share. doc_read.c walks the tables of
 * schema.def; doc_read_stats.c and doc_read_parts.c have what no line of a table can say.
 */
#ifndef ORBUS_DOC_DOC_READ_INTERNAL_H
#define ORBUS_DOC_DOC_READ_INTERNAL_H

#include "doc_read.h"
#include "doc_source.h"

#include <errno.h>

#define NAME_BYTES (ORBUS_TEXT_MAX + 1)

/* --- The tables ------------------------------------------------------------------------------- */

/* What is said of a field beside its type; the parts are those of enum document_parts. */
enum doc_flags {
	MODELS = DOCUMENT_MODELS,
	BOTS = DOCUMENT_BOTS,
	PROVIDERS = DOCUMENT_PROVIDERS,
	REST = DOCUMENT_REST,
	PERIOD = 16,
	TRENDS = 32,
	PARTS = 63,
	MUST = 64,
	NULLABLE = 128,
	/* For people, and for the writer. */
	MAY = 0,
	WHOLE = 0,
	OLD = 0,
};

enum doc_type {
	DOC_COUNT,
	DOC_INTEGER,
	DOC_FIGURE,
	DOC_SIGNED,
	DOC_SUM,
	DOC_SUM_REST, /* of the sum in the entry before it */
	DOC_TIME,
	DOC_BOOL,
	DOC_IN,
	DOC_OWN,
	DOC_SKIP,
};

struct reader;
typedef void take_fn(struct reader *r, void *at);

struct doc_field {
	const char *key;
	uint8_t key_length, type;
	uint16_t flags;
	uint32_t offset;
	const struct doc_object *of; /* of DOC_IN */
	take_fn *take;               /* of DOC_OWN */
};

/* What a table is of, by name: doc_stats, doc_gauge, ... */
struct doc_object {
	const struct doc_field *fields;
	unsigned count;
};
extern const struct doc_object doc_stats, doc_stats_histograms, doc_histogram, doc_recent_error,
    doc_gauge, doc_period, doc_trends;

/* --- What objects are read into that an aggregate does not hold as they stand --------------------
 */

struct histogram_read {
	struct histogram h; /* without its buckets */
	double offset;
	uint64_t length;
	uint64_t buckets[HISTOGRAM_BUCKETS]; /* up to `length`; the others are not set */
};

struct gauge_read {
	struct gauge_stats g;
	double avg, sum, positive, negative; /* NaN: not there */
	int64_t sum_rest, positive_rest, negative_rest;
};

struct error_read {
	uint64_t ts;
	char type[NAME_BYTES];
	char message[ORBUS_ERROR_MESSAGE_MAX + 1];
	bool has_message;
};

struct trends_read {
	struct trends t;
	uint32_t error_hours;
};

/* --- The reader ------------------------------------------------------------------------------- */

/* Of a name in a table of figures by name: which of its two objects were there. */
enum { HAS_STATS = 1, HAS_HISTOGRAMS = 2, HAS_BOTH = 3 };
enum dimension { BY_MODEL, BY_BOT, BY_PROVIDER, DIMENSIONS };

enum shown { SHOWN_ACTIVE, SHOWN_CACHES, SHOWN_SERVICES, SHOWN_PARTS };

struct reader {
	struct doc_source source;
	struct aggregate *out;
	struct document_period *period;
	struct trends *trends;
	/* Where counts are shown: what a file without `counts` has. */
	struct {
		bool is_there;
		struct doc_source source; /* just before it */
	} shown[SHOWN_PARTS];
	struct name_table rests; /* of int64_t, by name: what `counts` leaves out of its sums */
	unsigned parts;
	bool has_counts;
	uint8_t has[DIMENSIONS][NAME_TABLE_NAMES_MAX]; /* by entry */
	int error;                                     /* of what the source cannot know */
};

static inline bool failed(const struct reader *r)
{
	return r->error || doc_failed(&r->source);
}

static inline void refuse(struct reader *r, int error)
{
	if (!r->error)
		r->error = error;
	doc_fail(&r->source);
}

/* Reads an object by its table, whose offsets are from `base`. */
void doc_read_object(struct reader *r, const struct doc_object *o, void *base);

/* When all is read: the counts of a file that has them only where they are shown. */
void doc_read_counts(struct reader *r);

/* Whether each name has its figures and its histograms, and they can be of the same requests. */
bool doc_names_are_whole(const struct reader *r);

take_fn take_histogram, take_buckets, take_histograms_by_model, take_histograms_by_bot,
    take_histograms_by_provider, take_in_flight, take_error_type, take_error_message,
    take_errors_by_type, take_recent_errors, take_sketch, take_period, take_period_kind,
    take_hours_messages, take_hours_errors, take_hourly_trends, take_active_stats, take_cache_stats,
    take_service_metrics, take_stats_by_model, take_stats_by_bot, take_stats_by_provider,
    take_gauges, take_counts, take_counts_rest;

#endif
