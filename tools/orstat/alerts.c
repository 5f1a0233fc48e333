/*
 * alerts.c: the agent's alerts as a person reads them: how many are raised, and which.
 *
 * Like all of the board they may come from anyone: text is escaped.
 */
#include "alerts.h"
#include "common/print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define LABEL_WIDTH 10
#define SHOWN_MAX   5
#define RULE_WIDTH  46

/* "          cost today > 5 USD          6.21 USD  since 09:12" */
static void print_rule(FILE *out, const struct snapshot_alert *alert, bool colour)
{
	char safe[4096], figure[64], number[FIGURE_TEXT_BYTES];

	text_sanitise(safe, sizeof(safe), alert->rule ? alert->rule : "");
	fprintf(out, "%*s%s", LABEL_WIDTH, "", tone_start(TONE_BAD, colour));
	print_cell(out, safe, RULE_WIDTH, false);
	fputs(tone_end(TONE_BAD, colour), out);
	if (!isnan(alert->value)) {
		format_figure(alert->value, number);
		snprintf(figure, sizeof(figure), "%s%s%.8s", number, *alert->unit ? " " : "",
		    alert->unit);
		text_sanitise(safe, sizeof(safe), figure);
		fputc(' ', out);
		print_cell(out, safe, 14, true);
	}
	/* Only the time of day is shown of "2026-11-24T09:12:03+00:00". */
	if (strlen(alert->since) > strlen("2026-11-24T09:12")) {
		snprintf(figure, sizeof(figure), "%.5s", alert->since + strlen("2026-11-24T"));
		text_sanitise(safe, 7, figure);
		fprintf(out, " %s", safe);
	}
	fputc('\n', out);
}

void alerts_print(FILE *out, const struct snapshot_alerts *alerts, bool colour)
{
	uint32_t firing = 0, shown = 0;

	if (alerts->count == 0)
		return;
	for (uint32_t i = 0; i < alerts->count; i++)
		firing += alerts->rules[i].firing;
	fprintf(out, "%s%-*s%s%s", tone_start(TONE_STRONG, colour), LABEL_WIDTH, "Alerts",
	    tone_end(TONE_STRONG, colour), tone_start(firing ? TONE_BAD : TONE_PLAIN, colour));
	if (firing)
		fprintf(out, "%" PRIu32 " of %" PRIu32 " raised", firing, alerts->count);
	else
		fprintf(out, "none of %" PRIu32 " raised", alerts->count);
	fputs(tone_end(firing ? TONE_BAD : TONE_PLAIN, colour), out);
	if (alerts->undelivered)
		fprintf(out, ", %" PRIu64 " not delivered yet", alerts->undelivered);
	fputc('\n', out);
	for (uint32_t i = 0; i < alerts->count && shown < SHOWN_MAX; i++) {
		if (!alerts->rules[i].firing)
			continue;
		print_rule(out, &alerts->rules[i], colour);
		shown++;
	}
	if (firing > shown)
		fprintf(out, "%*sand %" PRIu32 " more\n", LABEL_WIDTH, "", firing - shown);
}
