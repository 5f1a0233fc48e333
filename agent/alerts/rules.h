/*
 * rules.h: the file of oragent --alert: what to raise, and whom to tell. orbus-alerts(5)
 * describes it.
 *
 *   webhook https://hooks.example.org/orbus
 *   discord https://discord.com/api/webhooks/ID/TOKEN
 *
 *   cost today > 5 USD
 *   error_rate 1h > 10 % with at least 20 requests
 *   p95 5m > 10s model=openai/\*
 *   no requests for 30m bot=acore
 *   lost samples > 0
 */
#ifndef ORBUS_AGENT_ALERTS_RULES_H
#define ORBUS_AGENT_ALERTS_RULES_H

#include "base/data_limits.h" /* ALERT_RULES_MAX */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALERT_TARGETS_MAX 8
#define ALERT_FILE_MAX    65536

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
	ALERT_LOST,
	ALERT_SILENCE, /* seconds since the last request; no window */
	ALERT_FIGURES
};

enum alert_window { ALERT_1M, ALERT_5M, ALERT_1H, ALERT_TODAY, ALERT_NO_WINDOW };

enum alert_filter { ALERT_ALL, ALERT_MODEL, ALERT_BOT, ALERT_PROVIDER };

struct alert_rule {
	char *text; /* as written, with single spaces: the rule's identity */
	enum alert_figure figure;
	enum alert_window window;
	bool above;        /* raised over the threshold, else under it */
	double threshold;  /* in the figure's unit: alert_figure_unit() */
	uint64_t at_least; /* requests in the window, else it is not judged */
	enum alert_filter filter;
	char *glob; /* of fnmatch(3), NULL for ALERT_ALL */
};

enum alert_format { ALERT_WEBHOOK, ALERT_DISCORD };

struct alert_target {
	enum alert_format format;
	char *url;    /* a secret: never logged */
	char *shown;  /* what may be: "https://discord.com" */
	char key[17]; /* tells targets apart without saying what they are */
};

struct alert_rules {
	struct alert_rule *rules;
	size_t rule_count;
	struct alert_target targets[ALERT_TARGETS_MAX];
	size_t target_count;
};

/*
 * Reads the text of a file. 0; -EINVAL: `error` says what is wrong, as "LINE: what: remedy";
 * -ENOMEM. Free what was read in any case.
 */
int alert_rules_parse(
    const char *text, size_t length, struct alert_rules *out, char *error, size_t error_bytes);

/* Reads a file; the same, and -EINVAL also where it cannot be read. `error` begins with the path.
 */
int alert_rules_load(const char *path, struct alert_rules *out, char *error, size_t error_bytes);

void alert_rules_free(struct alert_rules *r);

/* The target with that key, NULL: there is none. */
const struct alert_target *alert_rules_target(const struct alert_rules *r, const char *key);

/* As rules name it, and as JSON does. */
const char *alert_figure_name(enum alert_figure figure);
const char *alert_figure_key(enum alert_figure figure);

/* "USD", "%", "s", "tokens/s", or "" of a count. */
const char *alert_figure_unit(enum alert_figure figure);

/* The figure grows with the length of the window. */
bool alert_figure_is_sum(enum alert_figure figure);

/* "1m", "5m", "1h", "today", or NULL. */
const char *alert_window_name(enum alert_window window);

/* "model", "bot", "provider", or NULL. */
const char *alert_filter_name(enum alert_filter filter);

#endif
