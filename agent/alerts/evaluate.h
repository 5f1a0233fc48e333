/*
 * evaluate.h: what a rule's figure is now.
 */
#ifndef ORBUS_AGENT_ALERTS_EVALUATE_H
#define ORBUS_AGENT_ALERTS_EVALUATE_H

#include "rules.h"
#include "stats/aggregate.h"

struct alert_reading {
	double value;      /* in the figure's unit; NaN: there is nothing to judge by */
	uint64_t requests; /* that it is of */
};

/* The figure of a rule with a window, out of the window's aggregate. */
struct alert_reading alert_read(const struct alert_rule *rule, const struct aggregate *window);

/* Requests that the rule is about. */
uint64_t alert_count_requests(const struct alert_rule *rule, const struct aggregate *window);

/* The value is beyond the threshold. */
bool alert_is_beyond(const struct alert_rule *rule, double value);

/* The value is back by a tenth of the threshold, or there is nothing to judge by any more. */
bool alert_is_back(const struct alert_rule *rule, double value);

#endif
