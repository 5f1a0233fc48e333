/*
 * fuzz_alert_rules.c: any bytes as a file of alert rules are read, or refused with a line and a
 * remedy. A rule that was read is the same when its text is read again, and can be evaluated.
 */
#include "agent/alerts/evaluate.h"
#include "agent/alerts/message.h"
#include "must.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void must_read_the_same(const struct alert_rule *r)
{
	struct alert_rules again;
	char error[512];

	MUST(alert_rules_parse(r->text, strlen(r->text), &again, error, sizeof(error)) == 0);
	MUST(again.rule_count == 1 && strcmp(again.rules[0].text, r->text) == 0);
	MUST(again.rules[0].figure == r->figure && again.rules[0].window == r->window);
	MUST(again.rules[0].threshold == r->threshold && again.rules[0].above == r->above);
	MUST(again.rules[0].at_least == r->at_least && is_same(again.rules[0].gauge, r->gauge));
	for (int i = 0; i < ALERT_FILTERS; i++)
		MUST(is_same(again.rules[0].glob[i], r->glob[i]));
	alert_rules_free(&again);
}

/* What is beyond the threshold is not back. */
static void must_be_judged(const struct alert_rule *r)
{
	const double values[] = {0, r->threshold, -r->threshold, r->threshold / 2, 2 * r->threshold,
	    nextafter(r->threshold, INFINITY), nextafter(r->threshold, -INFINITY), 1e300, -1e300};

	MUST(!alert_is_beyond(r, r->threshold) && !alert_is_beyond(r, NAN));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		MUST(!(alert_is_beyond(r, values[i]) && alert_is_back(r, values[i])));
}

static void must_be_told(const struct alert_rule *r, const struct aggregate *empty)
{
	struct alert_change c = {.rule = r,
	    .reading = alert_read(r, empty),
	    .bot = "a",
	    .host = "h",
	    .bus = "b",
	    .utc = true};
	json_t *payload = alert_payload(&c);
	char *text;

	MUST(isfinite(r->threshold) && (r->threshold >= 0 || r->gauge));
	MUST(!r->gauge == !alert_figure_is_gauge(r->figure));
	MUST(
	    r->window < ALERT_7D || r->window == ALERT_NO_WINDOW || alert_figure_is_sum(r->figure));
	MUST(alert_count_requests(r, empty) == 0);
	MUST(payload);
	text = alert_render(payload, ALERT_DISCORD);
	MUST(text);
	free(text);
	json_decref(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alert_rules rules;
	struct aggregate empty;
	char error[512];
	int err = alert_rules_parse((const char *)data, size, &rules, error, sizeof(error));

	MUST(err == 0 || (err == -EINVAL && atoi(error) > 0));
	aggregate_init(&empty);
	for (size_t i = 0; err == 0 && i < rules.rule_count; i++) {
		must_read_the_same(&rules.rules[i]);
		must_be_judged(&rules.rules[i]);
		must_be_told(&rules.rules[i], &empty);
	}
	aggregate_free(&empty);
	alert_rules_free(&rules);
	return 0;
}
