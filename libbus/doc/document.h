/*
 * document.h: an aggregate as the document that files and the board hold.
 *
 * The keys are the contract; schema.def lists them. doc_read.h restores an aggregate from its own
 * document, so that the files are all that need be kept of a finished period.
 */
#ifndef ORBUS_DOC_DOCUMENT_H
#define ORBUS_DOC_DOCUMENT_H

#include "stats/aggregate.h"
#include "writer.h"

/* Messages and errors by hour. */
struct trends {
	uint64_t messages[TREND_HOURS]; /* finished hours, oldest first */
	uint64_t errors[TREND_HOURS];
	uint32_t hours; /* of those, how many are known */
	uint64_t current_messages, current_errors;
};

/* What a document says beside its aggregate. */
struct document_context {
	const char *period_kind; /* "hourly", "daily", "1m", ...; NULL: no `period` */
	uint64_t start_ns, end_ns;
	bool complete;
	bool utc;
	uint64_t uptime_seconds; /* of the agent */
	uint64_t saved_at_ns;
	uint64_t in_flight;
	const struct trends *trends;      /* may be NULL: null */
	const struct aggregate *lifetime; /* may be NULL: no `lifetime` */
	uint64_t lifetime_since_ns;
	/* With what only doc_read.h needs: histograms by model, bot and provider, all
	 * counts by name, and the sketches behind the distinct counts. */
	bool restorable;
};

/* Writes the document as the value of a key, or, without one, as the whole. */
void document_write(struct writer *w, const char *key, const struct aggregate *a,
    const struct document_context *context);

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
#define DOCUMENT_TRENDS "hourly_trends"
void document_write_trends(struct writer *w, const char *key, const struct trends *trends);

/* A document as the text of a file: each top-level key on a line of its own. malloc'ed; NULL. */
char *document_to_text(const json_t *document, size_t *length);

#endif
