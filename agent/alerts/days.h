/*
 * days.h: sums over whole days: what today, the last 7 or 30 days, this week or this month came to.
 *
 * The data folder's daily files are the truth about days that are over, and the aggregator about
 * those that it has open. What a file comes to is kept until its period was opened again, so that a
 * rule costs an addition a day a second and a file is read once.
 *
 * It is not for windows that roll on by the second (stats/windows.h), nor for figures that are no
 * sums: these would need all histograms of all days.
 */
#ifndef ORBUS_AGENT_ALERTS_DAYS_H
#define ORBUS_AGENT_ALERTS_DAYS_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/log.h"
#include "evaluate.h"

struct days;
struct store;

/*
 * The first day of a window as of now, by the label of its period; the last is today. ALERT_TODAY
 * and the windows from ALERT_7D on. Days are numbered as calendar_wall_day() numbers them.
 */
int64_t alert_window_first_day(const struct calendar *c, enum alert_window window, uint64_t now_ns);

/* How many days before today a window may reach: these files must be kept. */
unsigned alert_window_days_before(enum alert_window window);

/* What is given is borrowed; `rules` may change before days_begin(). NULL: out of memory. */
struct days *days_new(const struct alert_rules *rules, struct aggregator *aggregator,
    struct store *const *store, struct log *log);
/* NULL is allowed. */
void days_free(struct days *d);

/* There are other rules: forgets everything. */
void days_begin(struct days *d);

/* Looks which days there are, and what the open ones have come to; before days_sum(). */
void days_look(struct days *d, uint64_t now_ns);

/* A step of reading files, once a turn. */
void days_go_on(struct days *d);

/* A file is being decoded beside the loop, and days_go_on() waits for it. */
bool days_is_decoding(const struct days *d);

/* The sums of a rule over its window. False: some of its days are yet to be read. */
bool days_sum(const struct days *d, size_t rule, struct alert_sums *out);

#endif
