/*
 * aggregate.h: everything that is counted about a stretch of samples, mergeable without error.
 *
 * Counts and their sums end at COUNT_MAX, figures at FIGURE_MAX (base/data_limits.h), their sums at
 * EXACT_MAX (exact_sum.h): none wraps or becomes infinite, and all that an aggregate holds its
 * document can say. Aggregates of the same samples are equal to the last bit. It does not matter in
 * which parts and in which order they were merged, written or read (of gauges' `last`, that of the
 * highest time; where several have it, that of the one merged last).
 *
 * It is not for time: which samples belong to a stretch is decided by windows.c and by the agent's
 * periods. Nor for presentation: doc/document.c does that.
 */
#ifndef ORBUS_STATS_AGGREGATE_H
#define ORBUS_STATS_AGGREGATE_H

#include "histogram.h"
#include "kmv_sketch.h"
#include "name_table.h"
#include "orbus.h"

struct token_sums {
	uint64_t total, prompt, completion, cached, reasoning;
};

/* Figures of requests: of all, or of one model, bot or provider. */
struct request_stats {
	uint64_t total, ok, errors, timeouts, cancelled, orphaned, streaming;
	struct token_sums tokens;
	struct exact_sum cost; /* USD */
	uint64_t cost_known;   /* requests whose cost was reported */
	/* Of requests that ended with ok. */
	struct histogram response_ms, ttft_ms, tps, decode_tps;
};

struct gauge_stats {
	double last, min, max;
	/* Of its values above 0, and of the others without their sign: sums that only grow may end,
	 * and are still the same in any order. */
	struct exact_sum above, below;
	uint64_t last_ts;
	uint64_t count;
};

struct recent_error {
	uint64_t ts;
	char *type;    /* ORBUS_TEXT_MAX bytes at most */
	char *message; /* ORBUS_ERROR_MESSAGE_MAX at most; may be NULL */
};

struct aggregate {
	struct request_stats requests;
	struct name_table by_model, by_bot, by_provider; /* of struct request_stats */
	struct name_table errors_by_type;                /* of uint64_t */
	struct name_table counts;                        /* of struct exact_sum */
	struct name_table gauges;                        /* of struct gauge_stats */
	struct kmv_sketch users, channels;
	struct recent_error recent_errors[RECENT_ERRORS_MAX]; /* oldest first */
	uint32_t recent_error_count;
	uint64_t lost, rejected, skewed;
	uint64_t journal_lost; /* requests that were counted, and not kept in the journal */
	uint64_t samples;      /* of every kind that were added */
};

void aggregate_init(struct aggregate *a);
void aggregate_free(struct aggregate *a);
void aggregate_clear(struct aggregate *a);

/*
 * Adds one request, gauge or count; a begin changes nothing. False: out of memory, the aggregate
 * may then hold part of the sample.
 */
bool aggregate_add(struct aggregate *a, const struct orbus_sample *s);

/* Adds all of `from` to `to`. False: out of memory, `to` may then hold part of it. */
bool aggregate_merge(struct aggregate *to, const struct aggregate *from);

/* Adds only the totals (no series by model, bot or provider): what `lifetime` holds. */
bool aggregate_merge_totals(struct aggregate *to, const struct aggregate *from);

/* Errors, timeouts and orphaned requests: all that got no answer and were not cancelled. */
uint64_t request_stats_failed(const struct request_stats *f);

/*
 * Errors of a program that are no failed requests: a count of this name with an error_type. They
 * are among the errors by type, with BOT_ERROR_PREFIX before the type, and among the recent ones.
 */
#define BOT_ERRORS       "bot_errors"
#define BOT_ERROR_PREFIX "bot:"

/* Requests that failed, and errors of the program beside them: what `errors` of a document is of.
 */
uint64_t aggregate_errors(const struct aggregate *a);

/* The figures of a name in by_model, by_bot or by_provider, made if need be. NULL: out of memory.
 */
struct request_stats *aggregate_stats_at(struct name_table *s, const char *name);

/* Adds what is known of all requests, or of a name's. False: out of memory. */
bool request_stats_merge(struct request_stats *to, const struct request_stats *from);
void request_stats_init(struct request_stats *f);
void request_stats_free(struct request_stats *f);

/* What requests cost in USD, NaN where no cost is known. */
double request_stats_cost(const struct request_stats *f);

/* A gauge of one value. */
struct gauge_stats gauge_of(double value, uint64_t ts);

/* Adds to a count, a gauge, or a type of error; the three take a name's part of a document too. */
bool aggregate_add_count(struct aggregate *a, const char *name, struct exact_sum value);
bool aggregate_add_gauge(struct aggregate *a, const char *name, const struct gauge_stats *g);
bool aggregate_add_errors(struct aggregate *a, const char *type, uint64_t n);

/* The value of a count, NaN where none of that name came. */
double aggregate_count(const struct aggregate *a, const char *name);

/* Adds an error to the recent ones, if it is recent enough. */
bool aggregate_add_recent_error(
    struct aggregate *a, uint64_t ts, const char *type, const char *message);

#endif
