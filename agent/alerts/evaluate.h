/*
 * evaluate.h: what a rule's figure is now.
 */
#ifndef ORBUS_AGENT_ALERTS_EVALUATE_H
#define ORBUS_AGENT_ALERTS_EVALUATE_H

#include "rules.h"
#include "stats/aggregate.h"

struct alert_reading {
	double value;      /* in the figure's unit; NaN: there is nothing to judge by */
	uint64_t requests; /* that it is of; of a gauge, values */
};

/* Sums of the requests that a rule is about; they can be added up over windows. */
struct alert_sums {
	uint64_t total, failed, timeouts, tokens, priced, lost;
	struct exact_sum cost;
};

/* Adds what an aggregate holds of the requests that a rule is about. */
void alert_sums_add(
    const struct alert_rule *rule, const struct aggregate *a, struct alert_sums *to);
void alert_sums_merge(struct alert_sums *to, const struct alert_sums *from);

/* The figure of a rule whose figure is a sum (alert_figure_is_sum()). */
struct alert_reading alert_read_sums(const struct alert_rule *rule, const struct alert_sums *s);

/* The figure of a rule with a window, out of the window's aggregate. */
struct alert_reading alert_read(const struct alert_rule *rule, const struct aggregate *window);

/* Requests that the rule is about. */
uint64_t alert_count_requests(const struct alert_rule *rule, const struct aggregate *window);

/* The value is beyond the threshold. */
bool alert_is_beyond(const struct alert_rule *rule, double value);

/* The value is back by a tenth of the threshold, or there is nothing to judge by any more. */
bool alert_is_back(const struct alert_rule *rule, double value);

#endif
