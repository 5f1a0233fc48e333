/*
 * rule.h: one rule of the file of oragent --alert: its words, and what they are called. What a
 * rule's figure is now, evaluate.h says; the file is read by rules.h.
 *
 *   cost today > 5 USD
 *   cost month > 80 USD bot=acore model=openai/\*
 *   p95 5m > 10s model=openai/\*
 *   gauge discord_latency_ms 5m > 500 bot=acore
 *   no requests for 30m bot=acore
 *   silent 10m bot=acore
 *   lost samples > 0
 */
#ifndef ORBUS_AGENT_ALERTS_RULE_H
#define ORBUS_AGENT_ALERTS_RULE_H

#include "rule_line.h"

#include <stdbool.h>
#include <stdint.h>

enum alert_figure {
	ALERT_COST, /* sums of the window */
	ALERT_REQUESTS,
	ALERT_ERRORS,
	ALERT_TIMEOUTS,
	ALERT_TOKENS,
	ALERT_ERROR_RATE, /* percent of requests */
	ALERT_AVG,        /* seconds */
	ALERT_P50,
	ALERT_P95,
	ALERT_P99,
	ALERT_TTFT,
	ALERT_TPS,
	ALERT_GAUGE, /* the average of a gauge's values */
	ALERT_GAUGE_MIN,
	ALERT_GAUGE_MAX,
	ALERT_GAUGE_LAST,
	ALERT_LOST,
	ALERT_SILENCE, /* seconds since the last request; no window */
	ALERT_SILENT,  /* seconds since a bot's last sample; no window */
	ALERT_FIGURES
};

/* Those from ALERT_7D on are of whole days: days.h. */
enum alert_window {
	ALERT_1M,
	ALERT_5M,
	ALERT_1H,
	ALERT_TODAY,
	ALERT_7D, /* today and the six days before */
	ALERT_30D,
	ALERT_WEEK, /* from Monday on */
	ALERT_MONTH,
	ALERT_NO_WINDOW
};

enum alert_filter { ALERT_MODEL, ALERT_BOT, ALERT_PROVIDER, ALERT_OPERATION, ALERT_FILTERS };

struct alert_rule {
	char *text; /* as written, with single spaces: the rule's identity */
	enum alert_figure figure;
	char *gauge; /* a pattern of fnmatch(3); NULL: the figure is no gauge's */
	enum alert_window window;
	bool above;                /* raised over the threshold, else under it */
	double threshold;          /* in the figure's unit: alert_figure_unit() */
	uint64_t at_least;         /* requests (or values) in the window, else it is not judged */
	char *glob[ALERT_FILTERS]; /* of fnmatch(3); NULL: of all */
};

/* Reads a line. 0; -EINVAL after a message; -ENOMEM. Free what was read in any case. */
int alert_rule_read(struct alert_line *l, struct alert_rule *out);
void alert_rule_free(struct alert_rule *r);

/* How many filters it has. */
unsigned alert_rule_filters(const struct alert_rule *r);

/* As rules name it, and as JSON does. */
const char *alert_figure_name(enum alert_figure figure);
const char *alert_figure_key(enum alert_figure figure);

/* "USD", "%", "s", "tokens/s", or "" of a count or a gauge. */
const char *alert_figure_unit(enum alert_figure figure);

/* The figure grows with the length of the window. */
bool alert_figure_is_sum(enum alert_figure figure);
bool alert_figure_is_gauge(enum alert_figure figure);

/* "1m", "5m", "1h", "today", "7d", "30d", "week", "month", or NULL. */
const char *alert_window_name(enum alert_window window);

/* What begins anew when the window does: "day", "week", "month", or NULL: it rolls on. */
const char *alert_window_unit(enum alert_window window);

/* "model", "bot", "provider", "operation". */
const char *alert_filter_name(enum alert_filter filter);

#endif
