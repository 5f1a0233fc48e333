/*
 * request_stats.h: what is counted about requests: of all of them, or of those of one model, bot,
 * combination, tag, ...
 *
 * A sample goes into several of these. What it comes to is worked out once (request_measure()).
 */
#ifndef ORBUS_STATS_REQUEST_STATS_H
#define ORBUS_STATS_REQUEST_STATS_H

#include "histogram.h"
#include "name_table.h"
#include "orbus.h"

struct token_sums {
	uint64_t total, prompt, completion, cached, reasoning;
};

struct request_stats {
	uint64_t total, ok, errors, timeouts, cancelled, orphaned, streaming;
	struct token_sums tokens;
	struct exact_sum cost; /* USD */
	uint64_t cost_known;   /* requests whose cost was reported */
	/* Of requests that ended with ok. */
	struct histogram response_ms, ttft_ms, tps, decode_tps;
};

/* What a name is called that a sample lacks. */
#define NAME_UNKNOWN "(unknown)"

void request_stats_init(struct request_stats *f);
void request_stats_free(struct request_stats *f);

/* Adds all of `from`. False: out of memory, `to` may then hold part of it. */
bool request_stats_merge(struct request_stats *to, const struct request_stats *from);

/* Errors, timeouts and orphaned requests: all that did not answer and was not called off. */
uint64_t request_stats_failed(const struct request_stats *f);

/* What requests cost in USD, NaN where no cost is known. */
double request_stats_cost(const struct request_stats *f);

/* The buckets of all its histograms. */
uint32_t request_stats_buckets(const struct request_stats *f);

/* True where request_stats_merge() would need more buckets. */
bool request_stats_would_grow(const struct request_stats *to, const struct request_stats *from);

/* --- A sample -----------------------------------------------------------------------------------
 */

/* A figure of a sample, and what it is in each histogram: its bucket, and its part of the sum. */
struct measure {
	struct exact_sum exact;
	double value;
	int32_t index;
	uint32_t histogram; /* its offset in struct request_stats */
};

/* A request as it goes into several statistics. */
struct measured {
	const struct orbus_sample *sample;
	struct token_sums tokens;
	struct exact_sum cost;   /* 0 where it is not known */
	struct measure known[4]; /* what is known of a request that was ok */
	unsigned count;
};

void request_measure(const struct orbus_sample *s, struct measured *out);

/* The model that a request counts for: that which answered, else that which was asked for. */
static inline const char *request_model(const struct orbus_sample *s)
{
	const char *model = s->model ? s->model : s->requested_model;

	return model ? model : NAME_UNKNOWN;
}

/* What kind of call it was. */
static inline const char *request_operation(const struct orbus_sample *s)
{
	return s->operation ? s->operation : "chat";
}

bool request_is_failure(const struct orbus_sample *s);

/* False: out of memory. */
bool request_stats_add(struct request_stats *f, const struct measured *m);

/* True where request_stats_add() would need more buckets. */
bool request_stats_would_grow_by(const struct request_stats *f, const struct measured *m);

/* --- By name ------------------------------------------------------------------------------------
 */

/* Makes a table of struct request_stats. */
void stats_table_init(struct name_table *t);

/* The statistics of a name, made if need be. NULL: out of memory. */
struct request_stats *stats_table_at(struct name_table *t, const char *name);

/* False: out of memory. */
bool stats_table_add(struct name_table *t, const char *name, const struct measured *m);
bool stats_table_merge(struct name_table *to, const struct name_table *from);

#endif
