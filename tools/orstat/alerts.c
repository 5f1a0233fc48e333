/*
 * alerts.c: the agent's alerts as a person reads them: how many are raised, and which.
 *
 * Like all of the board they may come from anyone: every look-up is by key, and text is escaped.
 */
#include "alerts.h"
#include "common/print.h"
#include "common/stats_lookup.h"

#include <math.h>
#include <string.h>

#define LABEL_WIDTH 10
#define SHOWN_MAX   5
#define RULE_WIDTH  46

bool alert_is_firing(const json_t *rule)
{
	const char *state = json_string_value(json_object_get(rule, "state"));

	return state && strcmp(state, "firing") == 0;
}

/* "          cost today > 5 USD          6.21 USD  since 09:12" */
static void print_rule(FILE *out, const json_t *rule, bool colour)
{
	const char *text = json_string_value(json_object_get(rule, "rule"));
	const char *unit = json_string_value(json_object_get(rule, "unit"));
	const char *since = json_string_value(json_object_get(rule, "since"));
	double value = number_at(rule, "value", NULL);
	char safe[4096], figure[64], number[FIGURE_TEXT_BYTES];

	text_sanitise(safe, sizeof(safe), text ? text : "");
	fprintf(out, "%*s%s", LABEL_WIDTH, "", tone_start(TONE_BAD, colour));
	print_cell(out, safe, RULE_WIDTH, false);
	fputs(tone_end(TONE_BAD, colour), out);
	if (!isnan(value)) {
		format_figure(value, number);
		snprintf(figure, sizeof(figure), "%s%s%.8s", number, unit && *unit ? " " : "",
		    unit ? unit : "");
		text_sanitise(safe, sizeof(safe), figure);
		fputc(' ', out);
		print_cell(out, safe, 14, true);
	}
	/* The time of day of "2026-11-24T09:12:03+00:00" is what tells something. */
	if (since && strlen(since) > strlen("2026-11-24T09:12")) {
		snprintf(figure, sizeof(figure), "%.5s", since + strlen("2026-11-24T"));
		text_sanitise(safe, 7, figure);
		fprintf(out, " %s", safe);
	}
	fputc('\n', out);
}

void alerts_print(FILE *out, const json_t *alerts, bool colour)
{
	const json_t *rules = json_object_get(alerts, "rules");
	size_t count = json_array_size(rules), firing = 0, shown = 0;
	uint64_t waiting = count_at(alerts, "undelivered", NULL);

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		firing += alert_is_firing(json_array_get(rules, i));
	fprintf(out, "%s%-*s%s%s", tone_start(TONE_STRONG, colour), LABEL_WIDTH, "Alerts",
	    tone_end(TONE_STRONG, colour), tone_start(firing ? TONE_BAD : TONE_PLAIN, colour));
	if (firing)
		fprintf(out, "%zu of %zu raised", firing, count);
	else
		fprintf(out, "none of %zu raised", count);
	fputs(tone_end(firing ? TONE_BAD : TONE_PLAIN, colour), out);
	if (waiting)
		fprintf(out, ", %llu not delivered yet", (unsigned long long)waiting);
	fputc('\n', out);
	for (size_t i = 0; i < count && shown < SHOWN_MAX; i++) {
		if (!alert_is_firing(json_array_get(rules, i)))
			continue;
		print_rule(out, json_array_get(rules, i), colour);
		shown++;
	}
	if (firing > shown)
		fprintf(out, "%*sand %zu more\n", LABEL_WIDTH, "", firing - shown);
}
