/*
 * check.c: the statistics as one line for monitoring, as its plugins print it: a state, what
 * led to it, and performance data with the thresholds in them.
 */
#include "check.h"
#include "base/clock.h"
#include "base/number_text.h"
#include "board/board.h"
#include "common/print.h"
#include "common/threshold.h"
#include "live/bus_error.h"
#include "stats/exact_sum.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What monitoring plugins exit with. */
enum check { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

#define RAISED_SHOWN_MAX 5

static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

enum metric {
	REQUESTS,
	ERROR_RATE,
	AVG,
	P95,
	P99,
	TTFT,
	TPS,
	COST,
	IN_FLIGHT,
	SILENCE,
	ALERTS,
	HEARTBEAT,
	UNANSWERED,
	LOST,
	METRICS
};

static const struct {
	const char *name;
	const char *unit;               /* of the performance data */
	bool is_time;                   /* in seconds */
	bool needs_requests;            /* not judged under --min-requests */
	const char *warning, *critical; /* NULL: none */
} metrics[METRICS] = {
    [REQUESTS] = {"requests", ""},
    [ERROR_RATE] = {"error_rate", "%", false, true, "5", "25"},
    [AVG] = {"avg", "s", true, true},
    [P95] = {"p95", "s", true, true, "10"},
    [P99] = {"p99", "s", true, true},
    [TTFT] = {"ttft", "s", true, true},
    [TPS] = {"tps", "", false, true},
    [COST] = {"cost", ""},
    [IN_FLIGHT] = {"in_flight", ""},
    [SILENCE] = {"silence", "s", true},
    [ALERTS] = {"alerts", "", false, false, NULL, "0"},
    [HEARTBEAT] = {"heartbeat", "s", true, false, "3"},
    [UNANSWERED] = {"unanswered", "%", false, true, NULL, "99.99"},
    [LOST] = {"lost", "", false, false, "0"},
};

static struct threshold thresholds[METRICS][2];

/* --- Thresholds ------------------------------------------------------------------------------- */

static int refuse(const char *option, const char *text, const char *remedy)
{
	return cli_usage_error(&orstat_program, "--%s: '%.200s': %s", option, text, remedy);
}

static int take_threshold(const char *option, int level, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	int err;

	for (int i = 0; i < METRICS; i++) {
		if (strlen(metrics[i].name) != length || memcmp(metrics[i].name, text, length) != 0)
			continue;
		err = threshold_parse(equals + 1, metrics[i].is_time, &thresholds[i][level]);
		if (err == -ERANGE)
			return refuse(option, text, "the range ends before it starts");
		if (!err)
			return CLI_PROCEED;
		return refuse(option, text,
		    metrics[i].is_time ? "give a range of times such as p95=10s or silence=30m"
				       : "give a range such as error_rate=5, tps=10: or cost=~:20");
	}
	return refuse(option, text,
	    "give NAME=RANGE, where NAME is one of requests, error_rate, avg, p95, p99, ttft, tps, "
	    "cost, in_flight, silence, alerts, heartbeat, unanswered, lost");
}

static int take_thresholds(const char *option, int level, const struct cli_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (take_threshold(option, level, list->items[i]) != CLI_PROCEED)
			return CLI_USAGE;
	return CLI_PROCEED;
}

int check_prepare(const struct orstat_settings *settings)
{
	if (!settings->check && settings->warning.count + settings->critical.count > 0)
		return cli_usage_error(
		    &orstat_program, "--warning and --critical: are of use with --check alone");
	if (settings->check && settings->advise)
		return cli_usage_error(&orstat_program, "--check and --advise: give one of them");
	for (int i = 0; i < METRICS; i++) {
		thresholds[i][0] = thresholds[i][1] = threshold_none();
		if (metrics[i].warning)
			threshold_parse(metrics[i].warning, metrics[i].is_time, &thresholds[i][0]);
		if (metrics[i].critical)
			threshold_parse(metrics[i].critical, metrics[i].is_time, &thresholds[i][1]);
	}
	if (take_thresholds("warning", 0, &settings->warning) != CLI_PROCEED)
		return CLI_USAGE;
	return take_thresholds("critical", 1, &settings->critical);
}

/* --- Figures ---------------------------------------------------------------------------------- */

static double seconds_since(double then_ns)
{
	double now_ns = (double)clock_realtime_ns();

	return then_ns < now_ns ? (now_ns - then_ns) / 1e9 : 0;
}

/* Infinite where no agent ever ran. */
static double heartbeat_age(const char *bus)
{
	struct board_snapshot board;
	int err = board_read(bus, &board);

	if (err)
		return INFINITY;
	free(board.bytes);
	return seconds_since((double)board.heartbeat_ns);
}

/* Where no request was seen, at least as long as the agent runs. */
static double silence(const struct snapshot_agent *agent)
{
	if (agent->last_request_ns)
		return seconds_since((double)agent->last_request_ns);
	return agent->present ? (double)agent->uptime_seconds : NAN;
}

/* Cancelled requests are no failures; but where all of many are cancelled, nothing works. */
#define UNANSWERED_OF_MIN 20

static double unanswered(const struct stats_row *all)
{
	if (all->requests < UNANSWERED_OF_MIN)
		return NAN;
	return 100 * ((double)all->requests - (double)all->ok) / (double)all->requests;
}

static void read_stats(
    const struct orstat_settings *settings, const struct snapshot *s, double v[METRICS])
{
	const struct stats_row *all = &s->all;

	v[REQUESTS] = (double)all->requests;
	v[ERROR_RATE] = stats_row_error_rate(all);
	v[AVG] = exact_decimal(all->of[SUMMARY_RESPONSE].avg / 1000);
	v[P95] = exact_decimal(all->of[SUMMARY_RESPONSE].p95 / 1000);
	v[P99] = exact_decimal(all->of[SUMMARY_RESPONSE].p99 / 1000);
	v[TTFT] = exact_decimal(all->of[SUMMARY_TTFT].avg / 1000);
	v[TPS] = all->of[SUMMARY_TPS].avg;
	v[COST] = all->cost_usd;
	v[IN_FLIGHT] = (double)s->in_flight;
	v[SILENCE] = silence(&s->agent);
	v[ALERTS] = s->alerts.present ? (double)s->alerts.firing : NAN;
	v[HEARTBEAT] = heartbeat_age(settings->bus);
	v[LOST] = (double)s->lost;
	v[UNANSWERED] = unanswered(all);
}

static enum check judge_metric(
    const struct orstat_settings *settings, const double v[METRICS], int metric)
{
	if (metrics[metric].needs_requests && v[REQUESTS] < (double)settings->min_requests)
		return CHECK_OK;
	if (threshold_alerts(&thresholds[metric][1], v[metric]))
		return CHECK_CRITICAL;
	return threshold_alerts(&thresholds[metric][0], v[metric]) ? CHECK_WARNING : CHECK_OK;
}

/* --- The line --------------------------------------------------------------------------------- */

/* In four digits, or in all where these would not show that it is beyond the limit. */
static void format_beyond(const struct threshold *t, double value, char out[FIGURE_TEXT_MAX + 1])
{
	snprintf(out, FIGURE_TEXT_MAX, "%.4g", value);
	if (!threshold_alerts(t, strtod(out, NULL)))
		out[figure_text(value, out)] = '\0';
}

/* "; critical: error_rate 35.7% (25)": every metric that led to the state. */
static void print_reasons(
    const struct orstat_settings *settings, const double v[METRICS], enum check state)
{
	const char *separator = "; ";
	char range[80], value[FIGURE_TEXT_MAX + 1];

	for (int i = 0; state != CHECK_OK && i < METRICS; i++) {
		const struct threshold *t;

		if (judge_metric(settings, v, i) != state)
			continue;
		t = &thresholds[i][state == CHECK_CRITICAL];
		threshold_format(t, range, sizeof(range));
		format_beyond(t, v[i], value);
		if (isinf(v[i]))
			printf("%s%s unknown (%s)", separator, metrics[i].name, range);
		else
			printf("%s%s %s%s (%s)", separator, metrics[i].name, value, metrics[i].unit,
			    range);
		separator = ", ";
	}
}

/* "|" begins the performance data, which no rule's text may do: monitoring cuts the line there. */
static void print_rule(const char *rule, const char *before)
{
	char safe[512];

	text_sanitise(safe, sizeof(safe), rule ? rule : "(unnamed)");
	for (char *c = strchr(safe, '|'); c; c = strchr(c, '|'))
		*c = '/';
	printf("%s%s", before, safe);
}

/* "; raised: cost today > 5 USD": the agent's alerts, and that a webhook did not take some. */
static void print_raised(const struct snapshot_alerts *alerts)
{
	uint32_t raised = 0;

	for (uint32_t i = 0; i < alerts->count; i++) {
		if (!alerts->rules[i].firing)
			continue;
		if (raised < RAISED_SHOWN_MAX)
			print_rule(alerts->rules[i].rule, raised ? ", " : "; raised: ");
		raised++;
	}
	if (raised > RAISED_SHOWN_MAX)
		printf(", and %" PRIu32 " more", raised - RAISED_SHOWN_MAX);
	if (alerts->undelivered)
		printf("; %" PRIu64 " alert messages not delivered yet", alerts->undelivered);
}

/* "U" is unknown there. */
static void print_performance(const double v[METRICS])
{
	char warning[80], critical[80];

	printf(" |");
	for (int i = 0; i < METRICS; i++) {
		threshold_format(&thresholds[i][0], warning, sizeof(warning));
		threshold_format(&thresholds[i][1], critical, sizeof(critical));
		printf(" %s=", metrics[i].name);
		if (isfinite(v[i]))
			printf("%.6g%s", v[i], metrics[i].unit);
		else
			printf("U");
		printf(";%s;%s;0", warning, critical);
	}
	printf("\n");
}

int check_print_unknown(const struct orstat_settings *settings, int error)
{
	char message[1024];

	bus_error_describe(settings->bus, error, message, sizeof(message));
	printf("ORBUS UNKNOWN - %s\n", message);
	return CHECK_UNKNOWN;
}

int check_print(const struct orstat_settings *settings, const struct snapshot *s)
{
	enum check state = CHECK_OK;
	double v[METRICS];

	read_stats(settings, s, v);
	for (int i = 0; i < METRICS; i++) {
		enum check found = judge_metric(settings, v, i);

		state = found > state ? found : state;
	}
	printf("ORBUS %s - %.0f requests", words[state], v[REQUESTS]);
	if (!isnan(v[ERROR_RATE]))
		printf(", %.1f %% failed", v[ERROR_RATE]);
	if (!isnan(v[P95]))
		printf(", p95 %ss", format_fixed(v[P95], 2).text);
	if (v[LOST] > 0)
		printf(", %.0f samples lost", v[LOST]);
	if (!s->agent.present)
		printf(", no agent is running");
	print_reasons(settings, v, state);
	print_raised(&s->alerts);
	print_performance(v);
	return (int)state;
}
