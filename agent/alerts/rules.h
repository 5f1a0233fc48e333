/*
 * rules.h: the file of oragent --alert: what to raise, and whom to tell. orbus-alerts(5)
 * describes it; rule.h is for a rule.
 *
 *   webhook https://hooks.example.org/orbus
 *   discord https://discord.com/api/webhooks/ID/TOKEN
 *
 *   cost today > 5 USD
 */
#ifndef ORBUS_AGENT_ALERTS_RULES_H
#define ORBUS_AGENT_ALERTS_RULES_H

#include "base/data_limits.h" /* ALERT_RULES_MAX */
#include "rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALERT_TARGETS_MAX 8
#define ALERT_FILE_MAX    65536

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

#endif
