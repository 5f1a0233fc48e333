/*
 * orstat.c: current statistics: for people, as JSON, as one line for monitoring, or live.
 */
#include "bus_error.h"
#include "figures.h"
#include "options.h"
#include "orstat_source.h"
#include "orstat_view.h"
#include "orstat_watch.h"
#include "output.h"
#include "sigbus.h"

#include <math.h>
#include <stdio.h>

#define TOOL "orstat"

/* What monitoring plugins exit with. */
enum check { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

#define ERROR_RATE_WARNING  5.0
#define ERROR_RATE_CRITICAL 25.0
#define P95_WARNING_MS      10000.0

static enum check judge(const struct statistics *s, double rate, double p95)
{
	if (rate >= ERROR_RATE_CRITICAL)
		return CHECK_CRITICAL;
	if (rate >= ERROR_RATE_WARNING || p95 > P95_WARNING_MS || !s->agent ||
	    number_at(s->document, "lost_samples", NULL) > 0)
		return CHECK_WARNING;
	return CHECK_OK;
}

/* A figure of performance data; "U" is unknown there. */
static void print_performance(const char *name, double value, const char *unit, const char *limits)
{
	printf(" %s=", name);
	if (isnan(value))
		printf("U");
	else
		printf("%.6g%s", value, unit);
	printf(";%s;0", limits);
}

static int print_check(const struct statistics *s)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
	double rate = number_at(json_object_get(s->document, "errors"), "error_rate", NULL);
	double p95 = number_at(s->document, "response_times", "p95");
	double total = number_at(s->document, "requests", "total");
	double lost = number_at(s->document, "lost_samples", NULL);
	enum check state = judge(s, rate, p95);

	printf("ORBUS %s - %.0f requests", words[state], total);
	if (!isnan(rate))
		printf(", %.1f %% failed", rate);
	if (!isnan(p95))
		printf(", p95 %.2fs", p95 / 1000);
	if (lost > 0)
		printf(", %.0f samples lost", lost);
	if (!s->agent)
		printf(", no agent is running");
	printf(" |");
	print_performance("requests", total, "", ";");
	print_performance("error_rate", rate, "%", "5;25");
	print_performance("p95", p95 / 1000, "s", "10;");
	print_performance("lost", lost, "", "0;");
	printf("\n");
	return (int)state;
}

int main(int argc, char **argv)
{
	struct orstat_settings settings = {0};
	struct statistics s;
	char message[1024];
	int status;

	output_init();
	status = cli_parse(&orstat_program, argc, argv, &settings);
	if (status != CLI_PROCEED)
		return status;
	if (settings.watch_ns && settings.check)
		return cli_usage_error(
		    &orstat_program, "--watch, --check: give one of them, not both");
	sigbus_reads_zeros();
	if (settings.watch_ns)
		return watch_run(&settings);
	statistics_read(&settings, &s);
	if (s.error && settings.check) {
		bus_error_describe(settings.bus, s.error, message, sizeof(message));
		printf("ORBUS UNKNOWN - %s\n", message);
		return CHECK_UNKNOWN;
	}
	if (s.error)
		return bus_error_report(TOOL, settings.bus, s.error);
	status = CLI_FINE;
	if (settings.check)
		status = print_check(&s);
	else if (settings.json)
		status = view_print_json(stdout, &s, JSON_INDENT(2)) ? CLI_FAILED : CLI_FINE;
	else
		view_print(stdout, &settings, &s, output_wants_colour(stdout));
	statistics_free(&s);
	return output_flush(TOOL, NULL) < 0 ? CLI_FAILED : status;
}
