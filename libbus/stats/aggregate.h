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

#include "bot_stats.h"
#include "breakdown.h"
#include "kmv_sketch.h"
#include "minutes.h"
#include "name_table.h"
#include "orbus.h"
#include "request_stats.h"
#include "tag_stats.h"

struct recent_error {
	uint64_t ts;
	char *type;    /* ORBUS_TEXT_MAX bytes at most */
	char *message; /* ORBUS_ERROR_MESSAGE_MAX at most; may be NULL */
};

struct aggregate {
	struct request_stats requests;
	/* Requests that were added and are in none of the others yet: aggregate_settle(). */
	struct breakdown fresh;
	struct name_table by_model, by_bot, by_provider; /* of struct request_stats */
	struct breakdown breakdown;
	struct tag_stats by_tag;
	struct minutes minutes;           /* of an hour alone: aggregate_add() adds none */
	struct name_table bots;           /* of struct bot_stats */
	struct name_table errors_by_type; /* of uint64_t */
	struct name_table counts;         /* of struct exact_sum */
	struct name_table gauges;         /* of struct gauge_stats */
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
 * Adds one request, gauge or count; of a begin, only that its bot was seen. A request is in
 * `requests`, the tables by name and the breakdown only after aggregate_settle(): a sample then
 * costs one of five additions. False: out of memory, the aggregate may then hold part of the
 * sample.
 */
bool aggregate_add(struct aggregate *a, const struct orbus_sample *s);

/* Brings the requests that were added into all tables. To be called before anything is read of an
 * aggregate that samples were added to. False: out of memory, it may then hold part of them. */
bool aggregate_settle(struct aggregate *a);

/* Adds all of `from`, settled or not, to `to`. False: out of memory, `to` may then hold part of it.
 */
bool aggregate_merge(struct aggregate *to, const struct aggregate *from);

/* Adds only the totals and the breakdown: what `lifetime` holds. */
bool aggregate_merge_totals(struct aggregate *to, const struct aggregate *from);

/* Adds to a count, a gauge, or a type of error; the three take a name's part of a document too. */
bool aggregate_add_count(struct aggregate *a, const char *name, struct exact_sum value);
bool aggregate_add_gauge(struct aggregate *a, const char *name, const struct gauge_stats *g);
bool aggregate_add_errors(struct aggregate *a, const char *type, uint64_t n);

/* How many names it has statistics of: what merging or writing it takes grows with these. */
size_t aggregate_names(const struct aggregate *a);

/* The value of a count, NaN where none of that name came. */
double aggregate_count(const struct aggregate *a, const char *name);

/* Keeps an error among the recent ones if it is. */
bool aggregate_add_recent_error(
    struct aggregate *a, uint64_t ts, const char *type, const char *message);

#endif
