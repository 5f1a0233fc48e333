/*
 * document_parts.h: what a document says beside its aggregate, for those who write one (document.h)
 * and those who read one (doc_read.h).
 */
#ifndef ORBUS_DOC_DOCUMENT_PARTS_H
#define ORBUS_DOC_DOCUMENT_PARTS_H

#include "stats/aggregate.h"

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
	const struct bot_known *bots; /* who is connected as of now; may be NULL: not known */
	uint32_t bot_count;
	/* With what only doc_read.h needs: histograms by model, bot and provider, all
	 * counts by name, and the sketches behind the distinct counts. */
	bool restorable;
};

/* What it says about itself, where it is read. */
struct document_period {
	char kind[16]; /* "hourly", "daily"; "": the document says nothing of a period */
	uint64_t start_ns, end_ns;
	bool complete;
	uint64_t in_flight; /* requests, when it was written */
};

/* What is read beside the totals of requests. */
enum document_parts {
	DOCUMENT_MODELS = 1,
	DOCUMENT_BOTS = 2,
	DOCUMENT_PROVIDERS = 4,
	/* Errors by type and the last ones, counts, gauges, users and channels, losses. */
	DOCUMENT_REST = 8,
	DOCUMENT_BREAKDOWN = 16,
	DOCUMENT_TAGS = 32,
	DOCUMENT_MINUTES = 64,
	DOCUMENT_ALL = 127,
};

#endif
