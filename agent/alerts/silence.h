/*
 * silence.h: how long there was nothing: no requests, no sample of a bot. Private to the folder.
 *
 * Both read how long it has been into the alert's reading; when a rule fires is the caller's.
 */
#ifndef ORBUS_AGENT_ALERTS_SILENCE_H
#define ORBUS_AGENT_ALERTS_SILENCE_H

#include "state.h"

/* A bot that no rule names is not waited for any longer than that beyond the rule's time. */
#define SILENT_FORGOTTEN_NS (UINT64_C(86400) * NS_PER_SECOND)

/*
 * Requests are seen as they are counted. What an earlier agent counted is known to a minute, and to
 * the request where the rule is about all of them.
 */
void silence_of_requests(const struct alert_rule *r, const struct aggregator *aggregator,
    const struct aggregate *since_start, uint64_t now_ns, struct alert *alert);

/*
 * A bot that the rule names is waited for from the first start with that rule on, heard of or not.
 * With a pattern, or without a name, it is the one that has been silent longest of those that have
 * been heard of, and not too long ago; NaN: there is none.
 */
void silence_of_bots(
    const struct alert_rule *r, const struct bots *bots, uint64_t now_ns, struct alert *alert);

/* Whether the silence of the bot that an alert was raised about has ended; else it was given up. */
bool silence_has_ended(const struct alert_rule *r, const struct bots *bots, uint64_t now_ns,
    const struct alert *alert);

#endif
