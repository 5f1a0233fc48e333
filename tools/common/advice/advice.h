/*
 * advice.h: what statistics give reason to do: findings with evidence and remedy.
 *
 * A finding rests on these statistics alone. Averages, percentiles and rates are judged from
 * ADVICE_REQUESTS_MIN requests on, and compared with those of models that have as many: below that
 * a single slow answer would be a trend, and advice is silent. Counts of what must not happen at
 * all (lost samples, requests whose process died, refused keys) are exact, and need no sample.
 *
 * The rules, with the figures from which they speak:
 *
 *   slow_responses    by model: average over 5 s (info), 95th percentile over 10 s (warning)
 *   slow_first_token  by model: average time to first token over 3 s (warning)
 *   low_tps           by model: average under 15 tokens/s (info), under 10 (warning)
 *   timeouts          2 % of requests, at least 3 (warning), 10 % (critical)
 *   rate_limited      1 % of requests, at least 3 (warning), 10 % (critical)
 *   errors            of other kinds: 5 % of requests (warning), 25 % (critical)
 *   failures          of all kinds together: 5 % that no other rule speaks of (warning), 25 %
 *                     (critical)
 *   nothing_answered  none of 20 requests or more (critical)
 *   outage            by model and bot: a quarter failed, twice the share of all (warning), or none
 *                     was answered (critical)
 *   cancelled         half of the requests (warning)
 *   no_end            20 requests in flight, and none has ended (warning)
 *   refused           any request refused for its key or for want of credits (critical)
 *   orphaned          any request whose process died (info), 1 % of requests (warning)
 *   unknown_cost      a tenth of the answers did not say what they cost (info)
 *   unknown_usage     no answer said how many tokens it has (info)
 *   lost_samples, rejected_samples (warning), skewed_samples (info): any
 *
 * Models without enough requests are judged together; where no model has enough, all requests are.
 * The texts of a
 * finding hold names as they came from samples: print them through advice_print() or print_json(),
 * or escape them.
 */
#ifndef ORBUS_COMMON_ADVICE_H
#define ORBUS_COMMON_ADVICE_H

#include "stats/snapshot.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ADVICE_REQUESTS_MIN 20

enum advice_severity { ADVICE_INFO, ADVICE_WARNING, ADVICE_CRITICAL };

struct advice_finding {
	const char *rule;  /* "slow_responses", ...: static */
	const char *title; /* the same in words: static */
	enum advice_severity severity;
	char *subject;  /* the model, bot or kind of error that it is about; NULL: all requests */
	char *evidence; /* sentences */
	char *remedy;   /* sentences */
};

struct advice {
	struct advice_finding *findings; /* the most severe first */
	size_t count;
	uint64_t requests; /* in the statistics */
	char *silence;     /* why there is nothing to advise; NULL where there is */
};

/*
 * Judges the statistics of a window or a period. `span` says in words what time they cover and
 * stands behind a figure: "over the last hour", "on 2026-11-20". What they lack is not judged. 0 or
 * -ENOMEM; free in any case.
 */
int advice_make(const struct snapshot *snapshot, const char *span, struct advice *out);
void advice_free(struct advice *a);

/* Adds a finding of a tool's own; the texts are copied. 0 or -ENOMEM. */
int advice_add(struct advice *a, const char *rule, const char *title, enum advice_severity severity,
    const char *subject, const char *evidence, const char *remedy);

/* "info", "warning" or "critical". */
const char *advice_severity_name(enum advice_severity severity);

/* Prints it for people, wrapped in 80 columns, of each rule the first few findings. */
void advice_print(FILE *out, const struct advice *a, bool colour);

/* {"requests", "findings": [{"rule", "severity", "subject", "evidence", "remedy"}], "silence"};
 * NULL: out of memory. */
json_t *advice_to_json(const struct advice *a);

#endif
