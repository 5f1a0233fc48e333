/*
 * snapshot.h: the statistics of a window or a period as numbers that can be read: what the views,
 * checks and advice of the tools are made of.
 *
 * Whatever they come from (the board, the ring, files), they are decoded once, here, and nobody
 * looks up a key. A snapshot cannot be merged and does not restore an aggregate: percentiles are
 * numbers in it. aggregate.h is for that. Nor is it written anywhere: documents are (doc/).
 *
 *   snapshot_from_aggregate()  doc/snapshot_read.h    ring, files
 *   snapshot_from_board()      doc/snapshot_read.h    a window of the board
 *   statistics_snapshot()      board/current.h        of a bus: the board, or else the ring
 */
#ifndef ORBUS_STATS_SNAPSHOT_H
#define ORBUS_STATS_SNAPSHOT_H

#include "aggregate.h"
#include "base/clock.h"

/* What requests of a row take; SUMMARY_RESPONSE and SUMMARY_TTFT in ms, the others in tokens/s. */
enum summary_kind {
	SUMMARY_RESPONSE,
	SUMMARY_TTFT,
	SUMMARY_TPS,
	SUMMARY_DECODE_TPS,
	SUMMARY_KINDS
};

/* By what requests are counted apart. */
enum dimension { DIMENSION_MODEL, DIMENSION_BOT, DIMENSION_PROVIDER, DIMENSIONS };

/* NaN: unknown. */
struct summary {
	double avg, min, max, p50, p95, p99;
	uint64_t count;
};

/* All requests, or those of one model, bot or provider. */
struct stats_row {
	char name[ORBUS_TEXT_MAX + 1]; /* "": all */
	uint64_t requests, ok, errors, timeouts, cancelled, orphaned, streaming;
	uint64_t failed; /* errors, timeouts and orphaned */
	uint64_t priced; /* whose cost was reported */
	struct token_sums tokens;
	double cost_usd; /* NaN: none was reported */
	struct summary of[SUMMARY_KINDS];
};

/*
 * Every list is a pointer to its elements and, next to it, their number: so doc/doc_reader.c finds
 * it. What has a name begins with it.
 */
struct stats_rows {
	struct stats_row *rows;
	uint32_t count;    /* NAME_TABLE_NAMES_MAX at most */
	uint16_t *by_name; /* the rows' indices, in the order of their names */
};

/* One combination of bot, model, provider and operation. */
struct combination_row {
	char bot[ORBUS_TEXT_MAX + 1], model[ORBUS_TEXT_MAX + 1], provider[ORBUS_TEXT_MAX + 1],
	    operation[ORBUS_TEXT_MAX + 1];
	uint64_t requests, ok, timeouts, cancelled, orphaned, streaming;
	uint64_t failed; /* errors, timeouts and orphaned */
	uint64_t priced; /* whose cost was reported */
	struct token_sums tokens;
	double cost_usd; /* NaN: none was reported */
	struct histogram histograms[SUMMARY_KINDS];
};

/* One value of a tag. */
struct tag_row {
	char name[ORBUS_TEXT_MAX + 1]; /* the value */
	char tag[ORBUS_TEXT_MAX + 1];
	struct stats_row stats;
};

struct tag_rows {
	struct tag_row *rows;
	uint32_t count;
};

struct named_count {
	char name[ORBUS_TEXT_MAX + 1];
	uint64_t count;
};

struct gauge_row {
	char name[ORBUS_TEXT_MAX + 1];
	double last, min, max;
};

struct bot_row {
	char name[ORBUS_TEXT_MAX + 1];
	bool connected;
	uint64_t since_ns, uptime_seconds;      /* 0: not connected */
	uint64_t last_seen_ns, last_request_ns; /* 0: not known */
	struct gauge_row *gauges;
	uint32_t gauge_count;
};

struct snapshot_error {
	char type[ORBUS_TEXT_MAX + 1];
	char message[ORBUS_ERROR_MESSAGE_MAX + 1];
	uint64_t ts; /* 0: unknown */
};

/* Who keeps the board. */
struct snapshot_agent {
	bool present; /* false: no agent runs */
	uint64_t pid, uptime_seconds, updated_ns;
	uint64_t last_request_ns; /* 0: none was seen */
};

struct snapshot_alert {
	char *rule; /* NULL: it has no text */
	bool firing;
	double value; /* NaN: it was not judged yet */
	char unit[16];
	char since[RFC3339_BYTES]; /* in the agent's time zone; "": it is not firing */
};

struct snapshot_alerts {
	bool present; /* false: there are no rules */
	uint64_t firing, undelivered;
	struct snapshot_alert *rules; /* ALERT_RULES_MAX at most */
	uint32_t count;
};

struct snapshot {
	unsigned references;
	struct stats_row all;
	uint64_t in_flight;
	struct stats_rows by[DIMENSIONS];
	struct combination_row *combinations;
	uint32_t combination_count;
	struct tag_rows tags; /* all values of one tag, then of the next */
	struct bot_row *bots;
	uint32_t bot_count;
	/* Error types and gauges in the order in which they were first seen. */
	struct named_count *error_types;
	uint32_t error_type_count;
	struct gauge_row *gauges;
	uint32_t gauge_count;
	struct snapshot_error *recent; /* oldest first, each with a type */
	uint32_t recent_count;
	struct histogram histograms[SUMMARY_KINDS]; /* of all requests; empty: unknown */
	uint64_t lost, rejected, skewed;            /* samples */
	uint64_t total_errors; /* as its errors say, where its requests do not */
	/* Of the document, where it came from one. */
	double uptime_seconds; /* NaN: unknown */
	char saved_at[64];     /* local time without a zone; "": unknown */
	/* What it says at all: those of an earlier version or another system say less. */
	struct {
		bool period, requests, ok, priced, failed, tokens, responses;
	} has;
	struct snapshot_agent agent;
	struct snapshot_alerts alerts;
};

/* One in which nothing is known, and no request was seen. */
extern const struct snapshot snapshot_empty;

/* The same, to be filled in; its creator holds a reference. NULL: out of memory. */
struct snapshot *snapshot_new(void);

/* A further reference to it, for the same thread. */
struct snapshot *snapshot_ref(struct snapshot *s);
/* Gives one up; NULL is allowed. */
void snapshot_unref(struct snapshot *s);

/* Makes the order by name, once all rows are there. False: out of memory. */
bool stats_rows_index(struct stats_rows *r);

/* The row of that name, NULL: there is none. */
const struct stats_row *stats_rows_find(const struct stats_rows *r, const char *name);

/*
 * Failed of all requests, in percent; NaN without requests. This is the error rate that people,
 * monitoring and alerts are told: `errors.error_rate` of a document is per processed message, where
 * a bot counts those.
 */
double stats_row_error_rate(const struct stats_row *row);

#endif
