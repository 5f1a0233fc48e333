/*
 * query.c: what a report is asked for: options and operands, checked and put together.
 */
#include "query.h"
#include "base/clock.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Shorter than any day, longer than any hour. */
#define DAY_MIN_NS (12 * UINT64_C(3600) * NS_PER_SECOND)
/* Two days, of which one may have an hour more. */
#define HOURLY_MAX_NS (50 * UINT64_C(3600) * NS_PER_SECOND)

#define PERIODS_HELP                                                                               \
	"give a day such as 2026-11-20, an hour 2026-11-20T13, a week 2026-W47, a month 2026-11, " \
	"today, yesterday, this-week, last-week, this-month, last-month, or FIRST/LAST"

static int read_period(struct report_ask *g, const char *text, struct time_span *out)
{
	if (time_parse_period(&g->calendar, g->now_ns, text, out) == 0)
		return CLI_PROCEED;
	return cli_usage_error(
	    &orreport_program, "--compare: '%.60s' is no period: %s", text, PERIODS_HELP);
}

/* "A..B", or A and B. */
static int read_compared(struct report_ask *g)
{
	const char *text = g->settings.compare, *dots = strstr(text, "..");
	char first[80];
	int status;

	if (g->settings.with)
		dots = NULL;
	else if (!dots || !dots[2] || (size_t)(dots - text) >= sizeof(first))
		return cli_usage_error(&orreport_program,
		    "--compare: needs two periods: give A..B, such as yesterday..today");
	snprintf(
	    first, sizeof(first), "%.*s", dots ? (int)(dots - text) : (int)sizeof(first) - 1, text);
	status = read_period(g, first, &g->span);
	if (status == CLI_PROCEED)
		status = read_period(g, dots ? dots + 2 : g->settings.with, &g->with);
	return status;
}

static int read_when(
    struct report_ask *g, const char *option, const char *text, struct time_span *out)
{
	if (time_parse_when(&g->calendar, g->now_ns, text, out) == 0)
		return CLI_PROCEED;
	return cli_usage_error(&orreport_program,
	    "--%s: '%.60s' is no time: %s, a time such as 14:30, or how long ago, such as 36h",
	    option, text, PERIODS_HELP);
}

/* From a moment on it is up to this one; from a day on, to the end of today. */
static int read_from(struct report_ask *g)
{
	struct time_span from = {0}, now = {0};
	int status = read_when(g, "from", g->settings.from, &from);

	g->span.start_ns = from.start_ns;
	if (status == CLI_PROCEED && !g->settings.to && from.end_ns - from.start_ns < DAY_MIN_NS) {
		status = read_when(g, "to", "now", &now);
		g->span.end_ns = now.end_ns;
	}
	return status;
}

/* --from and --to bound the time on their sides; --days counts back from its last day. */
static int read_span(struct report_ask *g)
{
	const struct orreport_settings *s = &g->settings;
	struct time_span last = {0}, days;
	int status = CLI_PROCEED;

	if (s->days && s->from)
		return cli_usage_error(&orreport_program, "--days and --from exclude each other");
	if (s->to)
		status = read_when(g, "to", s->to, &last);
	else
		time_last_days(&g->calendar, g->now_ns, 1, &last);
	if (status != CLI_PROCEED)
		return status;
	g->span.end_ns = last.end_ns;
	if (s->from) {
		status = read_from(g);
	} else {
		time_last_days(
		    &g->calendar, last.end_ns - 1, s->days ? s->days : REPORT_DAYS_PRESET, &days);
		g->span.start_ns = days.start_ns;
	}
	if (status == CLI_PROCEED && g->span.start_ns >= g->span.end_ns)
		return cli_usage_error(&orreport_program, "--from comes after --to");
	return status;
}

static int check(const struct orreport_settings *s)
{
	bool journal = s->slowest || s->group_by != GROUP_NOTHING;

	if (s->with && !s->compare)
		return cli_usage_error(&orreport_program, "unexpected argument '%.60s'", s->with);
	if (s->compare && (s->days || s->from || s->to || journal))
		return cli_usage_error(&orreport_program,
		    "--compare names its own times: leave out --days, --from, --to, --slowest and "
		    "--group-by");
	if (journal && (s->by != BY_NOTHING || s->svg || s->format == REPORT_HTML))
		return cli_usage_error(&orreport_program,
		    "--slowest and --group-by go without --by, --svg and --format html");
	if (s->slowest && s->group_by != GROUP_NOTHING)
		return cli_usage_error(
		    &orreport_program, "--slowest and --group-by exclude each other");
	if (s->compare && s->svg)
		return cli_usage_error(&orreport_program,
		    "--svg is of a trend: leave it out, or give --format html for a page with plots");
	return CLI_PROCEED;
}

int ask_read(int argc, char **argv, struct report_ask *g)
{
	struct orreport_settings *s = &g->settings;
	int status;

	s->per = PER_FITTING;
	s->by = BY_NOTHING;
	s->group_by = GROUP_NOTHING;
	status = cli_parse(&orreport_program, argc, argv, s);
	if (status != CLI_PROCEED)
		return status;
	if (optind < argc)
		s->with = argv[optind++];
	if (optind < argc)
		return cli_usage_error(
		    &orreport_program, "unexpected argument '%.200s'", argv[optind]);
	if (s->json)
		s->format = REPORT_JSON;
	g->now_ns = clock_realtime_ns();
	g->calendar = (struct calendar){.utc = s->utc, .hours = 1};
	status = check(s);
	if (status == CLI_PROCEED)
		status = s->compare ? read_compared(g) : read_span(g);
	g->per = s->per == PER_DAY || (s->per == PER_FITTING &&
					  g->span.end_ns - g->span.start_ns > HOURLY_MAX_NS)
	             ? PERIOD_DAILY
	             : PERIOD_HOURLY;
	return status;
}
