/*
 * silence.c: how long there was nothing: no requests, no sample of a bot.
 *
 * A clock that was set back shows a time before samples that have come: these then count as having
 * come now.
 */
#include "silence.h"
#include "base/utf8.h"

#include <fnmatch.h>
#include <math.h>
#include <string.h>

void silence_of_requests(const struct alert_rule *r, const struct aggregator *aggregator,
    const struct aggregate *since_start, uint64_t now_ns, struct alert *alert)
{
	uint64_t last_ns = aggregator->last_request_ns;
	uint64_t count = alert_count_requests(r, since_start);
	bool is_new = count > alert->seen_count;

	if (is_new || alert->seen_ns == 0 || alert->seen_ns > now_ns)
		alert->seen_ns = now_ns;
	if (alert_rule_filters(r) == 0 && last_ns > 0 && (is_new || last_ns > alert->seen_ns))
		alert->seen_ns = last_ns < now_ns ? last_ns : now_ns;
	alert->seen_count = count;
	alert->reading = (struct alert_reading){(double)(now_ns - alert->seen_ns) / 1e9, count};
}

static double seconds_since(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns < now_ns ? (double)(now_ns - then_ns) / 1e9 : 0;
}

/* It is one name, and no pattern. */
static bool is_name(const char *glob)
{
	return glob && !strpbrk(glob, "*?[\\");
}

/* A rule may name more than a bot's name can be. */
static void set_bot(struct alert *alert, const char *name)
{
	size_t length = utf8_cut(name, strlen(name), ORBUS_TEXT_MAX);

	memcpy(alert->bot, name, length);
	alert->bot[length] = '\0';
}

static void silence_of_one(
    const char *name, const struct bots *bots, uint64_t now_ns, struct alert *alert)
{
	const struct bot_known *known = bots_find(bots, name);

	if (alert->seen_ns == 0 || alert->seen_ns > now_ns)
		alert->seen_ns = now_ns;
	if (known && known->last_seen_ns > alert->seen_ns)
		alert->seen_ns = known->last_seen_ns < now_ns ? known->last_seen_ns : now_ns;
	set_bot(alert, name);
	alert->others = 0;
	alert->reading = (struct alert_reading){seconds_since(alert->seen_ns, now_ns), 0};
}

void silence_of_bots(
    const struct alert_rule *r, const struct bots *bots, uint64_t now_ns, struct alert *alert)
{
	const char *glob = r->glob[ALERT_BOT];
	const struct bot_known *longest = NULL;
	double most = NAN;
	unsigned silent = 0;
	uint32_t count;
	const struct bot_known *known = bots_known(bots, &count);

	if (is_name(glob)) {
		silence_of_one(glob, bots, now_ns, alert);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct bot_known *one = &known[i];
		double seconds = seconds_since(one->last_seen_ns, now_ns);

		if ((glob && fnmatch(glob, one->name, 0) != 0) ||
		    seconds > r->threshold + SILENT_FORGOTTEN_NS / 1e9)
			continue;
		silent += alert_is_beyond(r, seconds);
		if (!longest || seconds > most) {
			longest = one;
			most = seconds;
		}
	}
	/* Whose silence an alert was raised about is said when it is over. */
	if (silent > 0)
		set_bot(alert, longest->name);
	alert->others = silent > 0 ? silent - 1 : 0;
	alert->reading = (struct alert_reading){most, 0};
}

bool silence_has_ended(
    const struct alert_rule *r, const struct bots *bots, uint64_t now_ns, const struct alert *alert)
{
	const struct bot_known *known = bots_find(bots, alert->bot);

	return is_name(r->glob[ALERT_BOT]) ||
	       (known && !alert_is_beyond(r, seconds_since(known->last_seen_ns, now_ns)));
}
